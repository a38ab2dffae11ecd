"""A proof that fails when anything is not as it was captured."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from archive import store
from archive.crawling.frontier import Row
from archive.packing import merkle
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import recall, warc
from sitegen.errors import Refused
from sitegen.files import sha256_file
from tests.archive.oldweb import Route, captured, page, redirect, serving

SITE: dict[str, Route] = {
    "/": page('<a href="a.html"><a href="b.html"><a href="old"><img src="i.gif">'),
    "/a.html": page("<title>甲</title>" + "甲" * 400),
    "/b.html": page("<title>乙</title>" + "乙" * 400),
    "/old": redirect("/a.html"),
    "/i.gif": page(b"GIF89a", "image/gif"),
}


def codes(capture: Capture) -> set[str]:
    report = verify(capture)
    assert (report.coverage == 100.0) is (not {p.code for p in report.problems} & LOST)
    return {problem.code for problem in report.problems}


# What makes the outcome of a URL unproven; the rest concerns the capture as a whole.
LOST = {
    "verify-record-false",
    "verify-index-missing",
    "verify-url-failed",
    "verify-not-fetched",
    "verify-no-record",
    "verify-no-cause",
    "verify-original-false",
    "frontier-unreadable",
}


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    with serving(dict(SITE)) as web:
        return captured(web, tmp_path / "store").capture


def reseal(capture: Capture) -> None:
    """What a forger would do: write the new digests into the manifest."""
    manifest = store.read_manifest(capture)
    for name in manifest["files"]:
        path = capture.folder / name
        manifest["files"][name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
    manifest["merkle"] = merkle.describe(capture.index)
    store.write_manifest(capture, manifest)


def execute(capture: Capture, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(capture.frontier)) as database, database:
        database.execute(statement, values)


def test_an_untouched_capture_is_proven(capture: Capture) -> None:
    report = verify(capture)
    assert report.as_json() == {"coverage": 100.0, "orphans": [], "problems": [], "records": 17}


def test_verifying_changes_nothing(capture: Capture) -> None:
    before = {path: path.read_bytes() for path in capture.folder.rglob("*") if path.is_file()}
    verify(capture)
    assert {path: path.read_bytes() for path in capture.folder.rglob("*") if path.is_file()} == before


def flip(capture: Capture) -> None:
    (path,) = capture.warcs
    record = next(c for c in warc.check(path) if c.type == "response" and c.target_uri.endswith("/b.html"))
    data = bytearray(path.read_bytes())
    data[record.offset + record.length // 2] ^= 0xFF
    path.write_bytes(data)


def rename(capture: Capture) -> None:
    execute(capture, "UPDATE url SET url = replace(url, 'a.html', 'c.html') WHERE url LIKE '%/a.html'")


def unindex(capture: Capture) -> None:
    lines = capture.index.read_bytes().splitlines(keepends=True)
    capture.index.write_bytes(b"".join(line for line in lines if b"/b.html" not in line))


def misindex(capture: Capture) -> None:
    text = capture.index.read_text(encoding="utf-8")
    capture.index.write_text(text.replace('"offset": "', '"offset": "1'), encoding="utf-8")


def forget(capture: Capture) -> None:
    execute(capture, "DELETE FROM url WHERE url LIKE '%/b.html'")


def unask(capture: Capture) -> None:
    """Take the request records out of the WARC file."""
    (path,) = capture.warcs
    data = path.read_bytes()
    kept = [c for c in warc.check(path) if c.type != "request"]
    path.write_bytes(b"".join(data[c.offset : c.offset + c.length] for c in kept))


def double(capture: Capture) -> None:
    (path,) = capture.warcs
    data = path.read_bytes()
    last = [c for c in warc.check(path) if c.type == "response"][-1]
    path.write_bytes(data + data[last.offset : last.offset + last.length])


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (flip, {"warc-damaged", "verify-record-false"}),
        (rename, {"verify-record-false"}),
        (unindex, {"verify-index-missing"}),
        (misindex, {"verify-index-false", "verify-index-missing"}),
        (lambda c: c.index.unlink(), {"verify-index-unreadable", "verify-index-missing"}),
        (lambda c: c.index.write_bytes(b"x\n"), {"verify-index-unreadable", "verify-index-missing"}),
        (forget, {"verify-orphan", "verify-record-unknown", "verify-index-false"}),
        (unask, {"verify-request-missing", "verify-record-false"}),
        (double, {"verify-record-twice", "verify-record-unknown"}),
        (lambda c: c.frontier.write_bytes(b"no"), {"frontier-unreadable"}),
        (lambda c: c.warcs[0].unlink(), {"verify-no-warc", "verify-record-false"}),
        (
            lambda c: execute(c, "UPDATE url SET state = 'queued' WHERE url LIKE '%/b.html'"),
            {"verify-not-fetched"},
        ),
        (
            lambda c: execute(c, "UPDATE url SET state = 'excluded' WHERE url LIKE '%/b.html'"),
            {"verify-no-cause"},
        ),
        (
            lambda c: execute(c, "UPDATE url SET warc = NULL WHERE url LIKE '%/b.html'"),
            {"verify-no-record", "verify-index-false", "verify-record-unknown"},
        ),
        (
            lambda c: execute(c, "UPDATE url SET warc = NULL, state = 'failed' WHERE url LIKE '%/b.html'"),
            {"verify-url-failed", "verify-index-false", "verify-record-unknown"},
        ),
        (
            lambda c: execute(c, "UPDATE url SET payload_digest = 'sha256:0' WHERE url LIKE '%/b.html'"),
            {"verify-record-false"},
        ),
    ],
)
def test_what_is_not_as_captured_is_found_out(
    harm: Callable[[Capture], None], expected: set[str], capture: Capture
) -> None:
    """Even when the manifest was made to agree with it."""
    harm(capture)
    file_codes = {"verify-file-changed", "verify-file-missing"}
    found = codes(capture)
    assert expected <= found
    assert found & file_codes
    if all((capture.folder / name).exists() for name in store.read_manifest(capture)["files"]):
        reseal(capture)
        assert expected <= codes(capture)


def test_what_cannot_be_read_is_a_problem_and_not_a_success(capture: Capture) -> None:
    """A folder where the WARC file was: nothing can be looked at, so nothing is proven."""
    (path,) = capture.warcs
    path.unlink()
    path.mkdir()
    report = verify(capture)
    assert "verify-unreadable" in {problem.code for problem in report.problems}
    assert report.coverage == 0.0


def test_a_url_that_was_never_answered_cannot_be_recalled(capture: Capture) -> None:
    with pytest.raises(Refused) as refused:
        recall.response(capture, Row(key="http://a.cn/", url="http://a.cn/"))
    assert [problem.code for problem in refused.value.problems] == ["record-missing"]


def test_a_file_the_manifest_does_not_know_is_named(capture: Capture) -> None:
    shutil.copy(capture.warcs[0], capture.folder / "archive" / "lyj-more.warc.gz")
    assert "verify-file-unknown" in codes(capture)


def test_a_missing_or_damaged_manifest_is_a_problem(capture: Capture) -> None:
    capture.manifest.write_text("{", encoding="utf-8")
    assert "capture-manifest-damaged" in codes(capture)
    capture.manifest.unlink()
    assert "capture-unfinished" in codes(capture)


def test_a_failed_url_is_never_covered(tmp_path: Path) -> None:
    """Coverage is not rounded up to a hundred."""
    routes: dict[str, Route] = {"/": page('<a href="x.asp">'), "/x.asp": page("no", status="500 No")}
    with serving(routes) as web:
        report = verify(captured(web, tmp_path).capture)
    assert report.coverage == 75.0
    assert [problem.code for problem in report.problems] == ["verify-url-failed"]


def test_a_revisit_is_proven_only_with_its_original(tmp_path: Path) -> None:
    """The former capture is part of the proof: gone, changed or unchained, it is missed."""
    with serving(dict(SITE)) as web:
        first = captured(web, tmp_path).capture
        second = captured(web, tmp_path).capture
    assert verify(second).problems == ()
    assert verify(second).coverage == 100.0
    manifest = store.read_manifest(first)
    store.write_manifest(first, {**manifest, "archived_on": "2026-11-22"})
    assert verify(second).problems == ()
    store.write_manifest(first, {**manifest, "counts": {}})
    assert {problem.code for problem in verify(second).problems} == {"verify-chain-broken"}
    shutil.rmtree(first.folder)
    report = verify(second)
    assert report.coverage == 0.0
    assert {problem.code for problem in report.problems} == {"verify-chain-broken", "warc-missing"}


def test_a_revisit_whose_original_was_exchanged_is_found_out(tmp_path: Path) -> None:
    with serving(dict(SITE)) as web:
        first = captured(web, tmp_path).capture
        second = captured(web, tmp_path).capture
    (path,) = first.warcs
    other = next(c for c in warc.check(path) if c.type == "response" and c.target_uri.endswith("/a.html"))
    execute(second, "UPDATE payload SET offset = ? WHERE target_uri LIKE '%/b.html'", other.offset)
    reseal(second)
    assert "verify-original-false" in codes(second)
    execute(second, "DELETE FROM payload WHERE target_uri LIKE '%/b.html'")
    assert "original-missing" in {problem.code for problem in verify(second).problems}


def test_captures_are_found_by_id_and_by_site(tmp_path: Path) -> None:
    with serving(dict(SITE)) as web:
        first = captured(web, tmp_path).capture
        second = captured(web, tmp_path).capture
    assert store.open_capture(tmp_path, "lyj") == second
    assert store.open_capture(tmp_path, first.id) == first
    second.manifest.unlink()
    assert store.open_capture(tmp_path, "lyj") == first
    assert store.open_unfinished(tmp_path, "lyj") == second
    for name in ("none", "lyj/20000101000000", "../lyj", ""):
        with pytest.raises(Refused) as refused:
            store.open_capture(tmp_path, name)
        assert [problem.code for problem in refused.value.problems] == ["capture-missing"]


def test_a_recapture_needs_the_frontier_before_it(tmp_path: Path) -> None:
    with serving(dict(SITE)) as web:
        first = captured(web, tmp_path).capture
        first.frontier.write_bytes(b"no database")
        with pytest.raises(Refused) as refused:
            captured(web, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["frontier-unreadable"]


def test_the_report_is_json(capture: Capture) -> None:
    assert json.loads(json.dumps(verify(capture).as_json()))["orphans"] == []
