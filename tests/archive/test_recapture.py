"""A site captured again: only what has changed is stored, and every change is counted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from archive.__main__ import main
from archive.crawling.capture import capture
from archive.crawling.recapture import RecaptureReport, recapture
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import recall, records
from archive.warcs.importing import import_files
from sitegen.errors import Refused
from sitegen.files import sha256
from tests.archive.foreigners import given, packed, record
from tests.archive.foreigners import http as http_block
from tests.archive.oldweb import NOW, OldWeb, Route, captured, chunked, decided, page, redirect, rows_of, serving

NAMES = ("a", "b", "c", "d")


def again(web: OldWeb, store: Path) -> RecaptureReport:
    return recapture(decided(web), place=store, now=NOW)


def imported(web: OldWeb, file: Path, store: Path) -> Capture:
    return import_files(decided(web), [file], store=store, now=NOW).capture


def site(bodies: dict[str, str]) -> dict[str, Route]:
    """A home page that links to every name, whether it is there or not: the home page never changes."""
    links = "".join(f'<a href="{name}.html">' for name in NAMES)
    return {"/": page(links), **{f"/{name}.html": page(body) for name, body in bodies.items()}}


def answers(one: Capture) -> list[records.Checked]:
    return [c for path in one.warcs for c in records.check(path) if c.type in ("response", "revisit")]


BODIES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "x", "y", "z" * 300]))


@settings(max_examples=12, deadline=None)
@drawn(BODIES, BODIES)
def test_law_a_recapture_stores_exactly_the_payloads_that_were_not_there(
    before: dict[str, str], after: dict[str, str]
) -> None:
    """Of an unchanged site that is none: nothing but revisits."""
    with tempfile.TemporaryDirectory() as folder, serving(site(before)) as web:
        first = captured(web, Path(folder)).capture
        web.routes = site(after)
        report = again(web, Path(folder))
        second = report.capture.capture
        known = {c.payload_digest for c in answers(first)}
        for one in answers(second):
            former = [c for c in answers(first) if c.target_uri == one.target_uri]
            # All empty bodies are alike: only a URL's own is referred to.
            held = one.payload_digest in known if one.size and not _empty(one) else _same(former, one)
            assert one.type == ("revisit" if held else "response"), one.target_uri
        assert verify(second).problems == ()
        assert report.changes == _expected(web, before, after)
        if before == after:
            assert {one.type for one in answers(second)} == {"revisit"}


def _empty(one: records.Checked) -> bool:
    return one.payload_digest == sha256(b"")


def _same(former: list[records.Checked], one: records.Checked) -> bool:
    return any(c.payload_digest == one.payload_digest for c in former)


def _expected(web: OldWeb, before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, ...]]:
    def urls(names: set[str]) -> tuple[str, ...]:
        return tuple(sorted(web.url(f"/{name}.html") for name in names))

    both = set(before) & set(after)
    same = {name for name in both if before[name] == after[name]}
    return {
        "new": urls(set(after) - set(before)),
        "changed": urls(both - same),
        "gone": urls(set(before) - set(after)),
        "unanswered": (),
        "same": tuple(sorted([web.url("/"), *urls(same)])),
    }


def test_each_change_is_counted_once(tmp_path: Path) -> None:
    links = "".join(f'<a href="{name}">' for name in ("same", "changed", "gone", "broken", "moved", "new", "lead"))
    routes: dict[str, Route] = {
        "/": page(links), "/same": page("s"), "/changed": page("1"), "/gone": page("g"), "/broken": page("b"),
        "/moved": redirect("/same"), "/lead": redirect("/same"),
    }  # fmt: skip
    with serving(routes) as web:
        captured(web, tmp_path)
        del web.routes["/gone"]
        web.routes |= {
            "/changed": page("2"), "/broken": page("", status="500 No"), "/moved": redirect("/changed"), "/new": page("n"),
        }  # fmt: skip
        report = again(web, tmp_path)
        assert {change: [url.removeprefix(web.url("")) for url in urls] for change, urls in report.changes.items()} == {
            "new": ["/new"],
            "changed": ["/changed", "/moved"],
            "gone": ["/gone"],
            "unanswered": ["/broken"],
            "same": ["/", "/lead", "/same"],
        }
    assert report.counts == {"new": 1, "changed": 2, "gone": 1, "unanswered": 1, "same": 3}
    assert "same" not in json.loads(json.dumps(report.as_json()))["changes"]


def test_a_recapture_begins_where_the_capture_before_began(tmp_path: Path) -> None:
    """Not where the decision says by now."""
    routes: dict[str, Route] = {"/": page("home"), "/island": page("island")}
    with serving(routes) as web:
        capture(decided(web), store=tmp_path, now=NOW, start=[web.url("/island")])
        report = again(web, tmp_path)
    assert "/island" in rows_of(report.capture)
    assert "/" not in rows_of(report.capture)


def test_a_recapture_needs_a_capture(tmp_path: Path) -> None:
    with serving({"/": page("x")}) as web, pytest.raises(Refused) as refused:
        again(web, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["capture-missing"]


def test_what_another_tool_captured_is_not_stored_again(tmp_path: Path) -> None:
    """A revisit refers to the imported record, and is read with its body."""
    body = "<title>甲</title>".encode()
    with serving({"/": page(body)}) as web:
        file = given(tmp_path, packed([record("response", http_block(body), web.url("/"))]))
        before = imported(web, file, tmp_path / "store")
        report = again(web, tmp_path / "store")
    row = rows_of(report.capture)["/"]
    assert row.record_type == "revisit"
    assert report.previous == before
    assert recall.response(report.capture.capture, row).body == body
    assert verify(report.capture.capture).problems == ()
    assert report.counts["same"] == 1


def test_a_mirrored_file_is_compared_and_not_referred_to(tmp_path: Path) -> None:
    """Its HTTP head is lost: the site's answer is stored whole, but the page has not changed."""
    with serving({"/": chunked("<title>甲".encode(), b"</title>")}) as web:
        folder = tmp_path / "mirror" / web.host
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("<title>甲</title>", encoding="utf-8")
        imported(web, tmp_path / "mirror", tmp_path / "store")
        report = again(web, tmp_path / "store")
    assert rows_of(report.capture)["/"].record_type == "response"
    assert report.counts == {"new": 0, "changed": 0, "gone": 0, "unanswered": 0, "same": 1}


def test_recapture_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content/_archive").mkdir(parents=True)
    with serving({"/": page("x")}) as web:
        decision = f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n"
        (tmp_path / "content/_archive/lyj.yml").write_text(decision, encoding="utf-8")
        assert CliRunner().invoke(main, ["recapture", "lyj"]).exit_code == 1
        assert CliRunner().invoke(main, ["capture", "--site", "lyj"]).exit_code == 0
        done = CliRunner().invoke(main, ["recapture", "lyj", "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["changes"] == {
            "counts": {"new": 0, "changed": 0, "gone": 0, "unanswered": 0, "same": 1},
            "new": [], "changed": [], "gone": [], "unanswered": [],
        }  # fmt: skip
        web.routes["/"] = page("y")
        text = CliRunner().invoke(main, ["recapture", "lyj"]).stdout
    assert "0 new, 1 changed, 0 gone, 0 unanswered, 0 the same since lyj/" in text


def test_a_fresh_recapture_has_every_body_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of what only the capture before knew: that a page is gone must be seen, not assumed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content/_archive").mkdir(parents=True)
    tagged = {"ETag": '"v1"'}
    with serving({"/": page('<a href="a.html">', headers=tagged), "/a.html": page("a", headers=tagged)}) as web:
        decision = f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n"
        (tmp_path / "content/_archive/lyj.yml").write_text(decision, encoding="utf-8")
        assert CliRunner().invoke(main, ["capture", "--site", "lyj"]).exit_code == 0
        web.spoken.clear()
        web.routes["/"] = page("no link any more", headers=tagged)
        done = CliRunner().invoke(main, ["recapture", "lyj", "--fresh", "--json"])
        assert done.exit_code == 0, done.output
        spoken = [one for one in web.spoken if one.path in ("/", "/a.html")]
    assert sorted(one.path for one in spoken) == ["/", "/a.html"]
    assert not any(b"If-None-Match" in one.request for one in spoken)
    assert json.loads(done.stdout)["changes"]["counts"] == {
        "new": 0, "changed": 1, "gone": 0, "unanswered": 0, "same": 1,
    }  # fmt: skip
