"""A capture in one file: whole in itself, the same bytes each time, accepted by others, refused when it is not true."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive import store
from archive.__main__ import main
from archive.packing import pages, wacz, wacz_check
from archive.store import Capture
from sitegen.errors import Refused
from tests.archive.oldweb import Route, captured, page, redirect, serving
from tests.archive.test_capture import fastwarc_passes, warcio_passes
from tests.conftest import REPLAY

SITE: dict[str, Route] = {
    "/": page('<title>旅游局</title><script>no()</script><p>欢迎 <b>光临</b></p><a href="a.html">a</a><a href="old">'),
    "/a.html": page("<title>甲</title>" + "<p>一二三</p>" * 50, charset="gbk"),
    "/old": redirect("/a.html"),
}


@pytest.fixture
def two(tmp_path: Path) -> list[Capture]:
    """A capture, and a second in which only the start page changed."""
    routes = dict(SITE)
    with serving(routes) as web:
        first = captured(web, tmp_path / "store").capture
        routes["/"] = page('<title>新</title><a href="a.html">a</a><a href="old">')
        return [first, captured(web, tmp_path / "store").capture]


def validated(path: Path) -> bool:
    done = subprocess.run([str(REPLAY / "wacz"), "validate", "-f", str(path)], capture_output=True, text=True)
    return "the passed WACZ is valid" in done.stdout and done.returncode == 0


def codes(path: Path) -> set[str]:
    return {problem.code for problem in wacz_check.verify(path).problems}


def listed(path: Path) -> list[dict[str, object]]:
    with zipfile.ZipFile(path) as box:
        return [json.loads(line) for line in box.read("pages/pages.jsonl").splitlines()]


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)


@pytest.mark.needs("replay")
def test_the_package_has_all_parts_and_is_accepted(two: list[Capture], tmp_path: Path) -> None:
    output = tmp_path / "out" / "lyj.wacz"
    done = run("package", two[0].id, "--store", two[0].store, "--output", output, "--json")
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(output) as box:
        assert [info.filename for info in box.infolist() if info.compress_type] == []
        names = set(box.namelist())
        described = json.loads(box.read("datapackage.json"))
        index = box.read("indexes/index.cdxj")
    assert names >= {
        f"archive/{two[0].warcs[0].name}",
        "indexes/index.cdxj",
        "pages/pages.jsonl",
        "capture/capture.json",
        "datapackage.json",
        "datapackage-digest.json",
    }
    assert index == two[0].index.read_bytes()
    assert (described["wacz_version"], described["profile"]) == ("1.1.1", "data-package")
    assert described["mainPageUrl"] == store.read_manifest(two[0])["scope"]["start"][0]
    assert json.loads(done.stdout)["sha256"] == f"sha256:{hashlib.sha256(output.read_bytes()).hexdigest()}"
    assert validated(output)
    report = wacz_check.verify(output)
    assert (report.problems, report.pages) == ((), 2)
    assert json.loads(run("verify", output, "--json").stdout) == {"records": 5, "pages": 2, "problems": []}


def test_pages_have_titles_text_and_where_the_capture_began(two: list[Capture], tmp_path: Path) -> None:
    """In the package with text; the capture's own list leaves that to whoever packs it."""
    package = wacz.package(two[0], tmp_path / "a.wacz")
    header, first, second = sorted(listed(package.path), key=lambda page: str(page.get("url", "")))
    assert header == {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": True}
    assert (first["title"], first["text"], first["seed"]) == ("旅游局", "欢迎 光临 a", True)
    assert (second["title"], second.get("seed")) == ("甲", None)
    assert str(second["text"]).split() == ["一二三"] * 50
    own = [json.loads(line) for line in two[0].pages.read_bytes().splitlines()]
    assert [(p["url"], p["title"], p.get("seed")) for p in own[1:]] == [
        (first["url"], "旅游局", True),
        (second["url"], "甲", None),
    ]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("<!-- x --><style>p{}</style>", ""),
        ("<head><title>t</title></head><body>a<script>b</script>c<noscript>d</noscript> e", "ac e"),
        ("<?xml version='1.0' encoding='gbk'?><p>字</p>", "字"),
        ("<p>一</p>\n\n<p>二</p>&nbsp;三", "一 二 三"),
        ("<p>" + "x" * 300_000, "x" * pages.TEXT_AT_MOST),
        ("<div>" * 5000 + "deep", None),
        ("a\x00b", None),
    ],
)
def test_visible_text(markup: str, text: str | None) -> None:
    """Bounded, without what a reader does not see; a hostile page costs no more than its text."""
    found = pages.visible_text(markup)
    assert found == text if text is not None else len(found) < 10


def test_the_same_capture_gives_the_same_bytes(two: list[Capture], tmp_path: Path) -> None:
    """At any time, and dated by SOURCE_DATE_EPOCH where that is set."""
    for name in ("a", "b"):
        wacz.package(two[1], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    run("package", two[1].id, "--store", two[1].store, "--output", tmp_path / "c", SOURCE_DATE_EPOCH="1000000000")
    with zipfile.ZipFile(tmp_path / "c") as box:
        assert {info.date_time for info in box.infolist()} == {(2001, 9, 9, 1, 46, 40)}
        assert json.loads(box.read("datapackage.json"))["created"] == "2001-09-09T01:46:40Z"
    early = wacz.package(two[1], tmp_path / "d", datetime(1970, 1, 1, tzinfo=UTC))
    assert codes(early.path) == set()


@pytest.mark.needs("replay")
def test_what_revisits_refer_to_is_taken_along(two: list[Capture], tmp_path: Path) -> None:
    """The second capture's package can be read where the first is not."""
    package = wacz.package(two[1], tmp_path / "a.wacz")
    assert package.originals == 3  # /a.html, /old and the empty answers' one
    assert validated(package.path)
    assert codes(package.path) == set()
    with zipfile.ZipFile(package.path) as box:
        lines = [json.loads(line.split(b" ", 2)[2]) for line in box.read("indexes/originals.cdxj").splitlines()]
        warc = box.read(f"archive/{lines[0]['filename']}")
    first = two[0].warcs[0].read_bytes()
    for line in lines:
        record = warc[int(line["offset"]) : int(line["offset"]) + int(line["length"])]
        assert record in first
    alone = tmp_path / "originals.warc.gz"
    alone.write_bytes(warc)
    assert warcio_passes(alone)
    assert fastwarc_passes(alone)


def test_a_damaged_capture_is_not_packed(two: list[Capture], tmp_path: Path) -> None:
    def refused(capture: Capture) -> list[str]:
        with pytest.raises(Refused) as caught:
            wacz.package(capture, tmp_path / "out.wacz")
        assert not list(tmp_path.glob("*out.wacz*"))
        return [problem.code for problem in caught.value.problems]

    warc = two[0].warcs[0]
    data = warc.read_bytes()
    places = [line for line in two[0].index.read_text(encoding="utf-8").splitlines() if "/a.html" in line]
    offset = int(json.loads(places[0].split(" ", 2)[2])["offset"])
    warc.write_bytes(data[:offset] + bytes([data[offset] ^ 255]) + data[offset + 1 :])
    assert refused(two[0]) == ["package-file-changed"]
    assert refused(two[1]) == ["warc-unreadable"]
    warc.unlink()
    assert refused(two[1]) == ["warc-missing"]
    warc.write_bytes(data[:offset] + data[: len(data) - offset])
    assert refused(two[1]) == ["package-original-false"]


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], None], packed: int = 0) -> Path:
    """The package with its parts changed and, unless the change says otherwise, described anew."""
    with zipfile.ZipFile(source) as box:
        parts = {name: box.read(name) for name in box.namelist()}
    described = json.loads(parts.pop("datapackage.json"))
    parts.pop("datapackage-digest.json")
    change(parts)
    described["resources"] = [
        {"name": n.split("/")[-1], "path": n, "hash": f"sha256:{hashlib.sha256(d).hexdigest()}", "bytes": len(d)}
        for n, d in parts.items()
    ]
    data = json.dumps(described).encode()
    digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    with zipfile.ZipFile(target, "w", packed) as box:
        for name, part in parts.items():
            box.writestr(name, part)
        box.writestr("datapackage.json", data)
        box.writestr("datapackage-digest.json", json.dumps(digest))
    return target


def without(*beginnings: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        for name in [name for name in parts if name.startswith(beginnings)]:
            del parts[name]

    return change


@pytest.mark.needs("replay")
def test_a_package_without_index_and_pages_is_refused_though_wacz_validate_takes_it(
    two: list[Capture], tmp_path: Path
) -> None:
    whole = wacz.package(two[0], tmp_path / "a.wacz").path
    bare = rewritten(whole, tmp_path / "bare.wacz", without("indexes/", "pages/"))
    assert validated(bare)
    report = wacz_check.verify(bare)
    missing = {problem.key for problem in report.problems if problem.code == "wacz-part-missing"}
    assert missing == {"indexes/*.cdxj", "pages/pages.jsonl"}
    assert run("verify", bare).exit_code == 1


def replaced(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        (found,) = [part for part in parts if part.startswith(name)]
        assert old in parts[found]
        parts[found] = parts[found].replace(old, new, 1)

    return change


def flipped(parts: dict[str, bytes]) -> None:
    (name,) = [name for name in parts if name.startswith("archive/")]
    data, middle = parts[name], len(parts[name]) // 2
    parts[name] = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


UNTRUE: dict[str, tuple[Callable[[dict[str, bytes]], None], set[str]]] = {
    "nothing": (lambda parts: None, set()),
    "no WARC": (without("archive/"), {"wacz-part-missing", "wacz-index-false"}),
    "a record flipped": (flipped, {"warc-unreadable", "warc-damaged", "wacz-index-false"}),
    "a line moved": (replaced("indexes/", b'"offset": "', b'"offset": "1'), {"wacz-index-false"}),
    "a line of another URL": (replaced("indexes/", b'/a.html"', b'/b.html"'), {"wacz-index-false", "wacz-pages-false"}),
    "an index of nonsense": (replaced("indexes/", b"{", b"["), {"wacz-index-false"}),
    "a page that was not captured": (replaced("pages/", b"/a.html", b"/c.html"), {"wacz-pages-false"}),
    "pages without a header": (replaced("pages/", b"json-pages-1.0", b"x"), {"wacz-pages-false"}),
    "pages of nonsense": (replaced("pages/", b"{", b"("), {"wacz-unreadable", "wacz-pages-false"}),
    "a name that leads out": (lambda parts: parts.update({"../x": b""}), {"wacz-name-unsafe", "wacz-file-missing"}),
}


@pytest.mark.parametrize(("change", "expected"), UNTRUE.values(), ids=UNTRUE)
def test_a_package_that_is_described_well_and_holds_something_untrue(
    change: Callable[[dict[str, bytes]], None], expected: set[str], two: list[Capture], tmp_path: Path
) -> None:
    """Every outer digest fits: only looking inside tells."""
    whole = wacz.package(two[0], tmp_path / "a.wacz").path
    assert codes(rewritten(whole, tmp_path / "b.wacz", change)) >= expected
    assert bool(expected) == bool(codes(tmp_path / "b.wacz"))


def test_a_digest_or_size_that_is_not_true_is_found(two: list[Capture], tmp_path: Path) -> None:
    """The ZIP's own checksums fit: only the package's digests tell."""
    whole = wacz.package(two[0], tmp_path / "a.wacz").path
    with zipfile.ZipFile(whole) as box:
        parts = {name: box.read(name) for name in box.namelist()}
    for number, change in enumerate(({"hash": "sha256:" + "0" * 64}, {"bytes": 1}, {"hash": "crc32:0"})):
        described = json.loads(parts["datapackage.json"])
        described["resources"][0] |= change
        data = json.dumps(described).encode()
        digest = json.dumps({"hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}).encode()
        path = tmp_path / f"{number}.wacz"
        with zipfile.ZipFile(path, "w") as box:
            for name, part in (parts | {"datapackage.json": data, "datapackage-digest.json": digest}).items():
                box.writestr(name, part)
        assert codes(path) == {"wacz-digest-false"}, change


def test_a_warc_that_is_compressed_again_is_refused(two: list[Capture], tmp_path: Path) -> None:
    whole = wacz.package(two[0], tmp_path / "a.wacz").path
    packed = rewritten(whole, tmp_path / "b.wacz", lambda parts: None, zipfile.ZIP_DEFLATED)
    assert "wacz-compressed" in codes(packed)


def test_what_is_not_listed_not_there_or_changed_after_packing_is_found(two: list[Capture], tmp_path: Path) -> None:
    whole = wacz.package(two[0], tmp_path / "a.wacz").path
    with zipfile.ZipFile(whole, "a") as box:
        box.writestr("capture/more.txt", "x")
    assert codes(whole) == {"wacz-file-unlisted"}
    data = wacz.package(two[0], tmp_path / "b.wacz").path.read_bytes()
    (tmp_path / "c.wacz").write_bytes(data.replace("旅游局".encode(), "旅遊局".encode()))
    assert codes(tmp_path / "c.wacz") >= {"wacz-digest-false"}
    (tmp_path / "d.wacz").write_bytes(data[: len(data) // 2])
    assert codes(tmp_path / "d.wacz") == {"wacz-unreadable"}
    assert codes(tmp_path / "none.wacz") == {"wacz-unreadable"}
    (tmp_path / "e.wacz").write_bytes(data.replace(b'"datapackage.json"', b'"datapackagE.json"'))
    assert "wacz-digest-false" in codes(tmp_path / "e.wacz") or "wacz-unreadable" in codes(tmp_path / "e.wacz")


@pytest.mark.needs("replay")
def test_a_package_of_another_tool_is_proven(two: list[Capture], tmp_path: Path) -> None:
    """Made by py-wacz of our WARC: with its compressed index and its own list of pages."""
    command = [
        str(REPLAY / "wacz"),
        "create",
        "-p",
        str(two[0].pages),
        "-o",
        str(tmp_path / "a.wacz"),
        str(two[0].warcs[0]),
    ]
    subprocess.run(command, check=True, capture_output=True)
    report = wacz_check.verify(tmp_path / "a.wacz")
    assert (report.problems, report.records) == ((), 5)
