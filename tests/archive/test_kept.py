"""A site captured again is asked whether its answers have changed; what has not is not sent once more."""

from __future__ import annotations

import os
import random
import urllib.request
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from archive.crawling.capture import CaptureReport, Options, capture
from archive.crawling.recapture import compare, recapture
from archive.decision import Decision
from archive.packing import wacz, wacz_check
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import recall, warc
from sitegen.files import sha256
from tests.archive.oldweb import NOW, OldWeb, Route, captured, decided, page, rows_of, serving
from tests.archive.servers import nginx
from tests.test_end_to_end import pywb

LONG_AGO = 1_500_000_000
FILES = {
    "index.html": '<meta charset="gbk"><title>首页</title><link rel=stylesheet href=s.css><a href=a.html>甲</a>'.encode(
        "gbk"
    ),
    "a.html": b"<title>A</title><img src=i.png><a href=only-here.html>",
    "only-here.html": b"<title>only here</title>",
    "s.css": b"body{background:url(b.gif)}",
    "i.png": b"\x89PNG" + bytes(range(256)) * 40,
    "b.gif": b"GIF89a" + b"\1" * 300,
}
PATHS = {"/" if name == "index.html" else f"/{name}" for name in FILES}
NGINX = """log_format asked '$status $body_bytes_sent $uri';
types {{ text/html html; text/css css; image/png png; image/gif gif; }}
server {{ listen 80; root {root}; access_log {log} asked; }}
"""
TAG = '"v1"'
UNTAGGED = page("<p>a")


def laid(root: Path, files: dict[str, bytes]) -> None:
    root.mkdir(exist_ok=True)
    for name, data in files.items():
        (root / name).write_bytes(data)
        os.utime(root / name, (LONG_AGO, LONG_AGO))


def decided_on(port: int) -> Decision:
    host = f"127.0.0.1:{port}"
    return Decision(site="lyj", hosts=(host,), start=(f"http://{host}/",), allow_private=("127.0.0.1",))


def revisits(one: Capture) -> list[tuple[dict[str, str], bytes]]:
    """Headers and block of each, as FastWARC reads them."""
    found = []
    for path in one.warcs:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, parse_http=False):
                if record.headers["WARC-Type"] == "revisit":
                    found.append((dict(record.headers), record.reader.read()))
    return found


def test_a_site_that_has_not_changed_sends_no_body_again(tmp_path: Path) -> None:
    """nginx answers 304 to every URL; the inventory, what pages lead to and every body are as before."""
    root, log = tmp_path / "root", tmp_path / "asked.log"
    laid(root, FILES)
    with nginx(tmp_path / "nginx", NGINX.format(root=root, log=log)) as port:
        first = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        log.write_bytes(b"")
        second = recapture(decided_on(port), place=tmp_path / "store", now=NOW)
        lines = [line.split() for line in log.read_text().splitlines()]
    assert {"/" if path == "/index.html" else path for status, _size, path in lines if status == "304"} == PATHS
    assert {size for status, size, _path in lines if status == "304"} == {"0"}
    assert {path for status, _size, path in lines if status == "404"} == {"/robots.txt", "/sitemap.xml"}
    assert len(lines) == len(PATHS) + 2
    assert second.capture.inventory == first.inventory
    assert len(second.changes["same"]) == len(PATHS)
    before, after = rows_of(first), rows_of(second.capture)
    for path in PATHS:
        old, new = before[path], after[path]
        assert (new.record_type, new.state, new.status) == ("revisit", "captured", 200)
        assert (new.mime, new.title, new.charset, new.size) == (old.mime, old.title, old.charset, old.size)
        assert recall.response(second.capture.capture, new).body == FILES[path.removeprefix("/") or "index.html"]
    assert verify(second.capture.capture).problems == verify(first.capture).problems
    for headers, block in revisits(second.capture.capture):
        if headers["WARC-Target-URI"].endswith(tuple(FILES)):
            assert headers["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
            assert headers["WARC-Refers-To-Target-URI"] == headers["WARC-Target-URI"]
            assert block == b""
    package = wacz.package(second.capture.capture, tmp_path / "second.wacz")
    assert package.originals == len(PATHS) + 1  # and nginx's page for what is not there
    assert wacz_check.verify(package.path).problems == ()


def test_links_of_what_has_not_changed_are_followed(tmp_path: Path) -> None:
    """A page that only an unchanged page names is found again although the inventory of before is not asked."""
    root = tmp_path / "root"
    laid(root, FILES)
    with nginx(tmp_path / "nginx", NGINX.format(root=root, log=tmp_path / "log")) as port:
        first = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        second = recapture(decided_on(port), place=tmp_path / "store", now=NOW)
    assert outlinks(second.capture.capture) == outlinks(first.capture)
    assert any("only-here.html L a@href" in line for line in outlinks(second.capture.capture))


def outlinks(one: Capture) -> list[str]:
    found = []
    for path in one.warcs:
        for record in warc.iterate(path):
            if record.type == "metadata":
                found += [line for line in record.block.decode().splitlines() if line.startswith("outlink")]
    return sorted(found)


def test_only_what_has_changed_is_sent(tmp_path: Path) -> None:
    root, log = tmp_path / "root", tmp_path / "asked.log"
    laid(root, FILES)
    with nginx(tmp_path / "nginx", NGINX.format(root=root, log=log)) as port:
        first = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        (root / "a.html").write_bytes(b"<title>B</title><img src=i.png>")
        log.write_bytes(b"")
        second = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        third = capture(decided_on(port), store=tmp_path / "store", now=NOW)
    asked = [line.split() for line in log.read_text().splitlines()]
    assert [path for status, _size, path in asked if status == "200"] == ["/a.html"]
    assert compare(first.capture, second.capture)["changed"] == (f"http://127.0.0.1:{port}/a.html",)
    assert recall.response(third.capture, rows_of(third)["/a.html"]).body == b"<title>B</title><img src=i.png>"
    assert recall.response(third.capture, rows_of(third)["/i.png"]).body == FILES["i.png"]


@pytest.mark.needs("replay")
def test_pywb_replays_what_a_server_called_unchanged(tmp_path: Path) -> None:
    """Under the date of the second capture, with the status and type of the first one's answer."""
    root = tmp_path / "root"
    laid(root, FILES)
    with nginx(tmp_path / "nginx", NGINX.format(root=root, log=tmp_path / "log")) as port:
        first = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        second = capture(decided_on(port), store=tmp_path / "store", now=NOW)
    rows = rows_of(second)
    (tmp_path / "pywb").mkdir()
    with pywb(tmp_path / "pywb", [*first.capture.warcs, *second.capture.warcs]) as base:
        for path in PATHS:
            stamp = "".join(c for c in rows[path].captured_at or "" if c.isdigit())
            with urllib.request.urlopen(f"{base}/{stamp}id_/{rows[path].url}", timeout=30) as answer:
                assert (answer.status, answer.headers.get_content_type()) == (200, rows[path].mime)
                assert answer.read() == FILES[path.removeprefix("/") or "index.html"]


def conditional(web: OldWeb, path: str) -> list[list[bytes]]:
    """The conditions of each request for the path, in order."""
    return [
        [line for line in one.request.splitlines() if line.startswith(b"If-")] for one in web.spoken if one.path == path
    ]


def twice(tmp_path: Path, first: bytes, then: Route, *, fresh: bool = False) -> tuple[OldWeb, CaptureReport]:
    with serving({"/": first}) as web:
        captured(web, tmp_path)
        web.spoken.clear()
        web.routes["/"] = then
        report = capture(decided(web), store=tmp_path, now=NOW, options=Options(fresh=fresh, unconditional=fresh))
    return web, report


def not_modified(**headers: str) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"HTTP/1.1 304 Not Modified\r\n{''.join(lines)}\r\n".encode()


def test_a_304_for_another_version_is_not_believed(tmp_path: Path) -> None:
    """Asked whether it is still “v1”, the server says: nothing new since “v2”. Then the whole is asked for."""
    answers = [not_modified(ETag='"v2"'), page("<p>two", headers={"ETag": '"v2"'})]
    web, report = twice(tmp_path, page("<p>one", headers={"ETag": TAG}), lambda time: answers[min(time, 2) - 1])
    assert conditional(web, "/") == [[b'If-None-Match: "v1"'], []]
    assert recall.response(report.capture, rows_of(report)["/"]).body == b"<p>two"


def test_a_weak_tag_is_the_same_tag(tmp_path: Path) -> None:
    """A server in front that compresses makes a tag weak."""
    web, report = twice(tmp_path, page("<p>one", headers={"ETag": TAG}), not_modified(ETag=f"W/{TAG}"))
    assert conditional(web, "/") == [[b'If-None-Match: "v1"']]
    assert recall.response(report.capture, rows_of(report)["/"]).body == b"<p>one"


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("Sun, 22 Nov 2026 10:30:01 GMT", [b"If-Modified-Since: Sun, 22 Nov 2026 10:30:00 GMT"]),
        ("Sun, 22 Nov 2026 10:30:00 GMT", []),
        ("yesterday", []),
    ],
)
def test_a_date_of_the_same_second_proves_nothing(tmp_path: Path, sent: str, asked: list[bytes]) -> None:
    """A page that changed in the second in which it was sent may have changed once more within it."""
    answer = page("<p>one", headers={"Last-Modified": "Sun, 22 Nov 2026 10:30:00 GMT", "Date": sent})
    web, _report = twice(tmp_path, answer, answer)
    assert conditional(web, "/") == [asked]


def test_a_304_that_was_not_asked_for_is_a_failure(tmp_path: Path) -> None:
    web, report = twice(tmp_path, UNTAGGED, not_modified())
    row = rows_of(report)["/"]
    assert conditional(web, "/") == [[]]
    assert (row.state, row.cause) == ("failed", "HTTP 304 Not Modified")


def test_a_hostile_tag_is_not_sent_back(tmp_path: Path) -> None:
    web, _report = twice(tmp_path, page("<p>one", headers={"ETag": '"a" \x0b\tb"'}), UNTAGGED)
    assert conditional(web, "/") == [[]]


def test_fresh_asks_for_every_body(tmp_path: Path) -> None:
    answer = page("<p>one", headers={"ETag": TAG})
    web, report = twice(tmp_path, answer, answer, fresh=True)
    assert conditional(web, "/") == [[]]
    assert rows_of(report)["/"].payload_digest == sha256(b"<p>one")


@pytest.mark.parametrize(("part", "asked"), [(0.0, ["200", "200"]), (0.6, ["200", "304", "200"])])
def test_an_original_that_is_damaged_is_stored_again(tmp_path: Path, part: float, asked: list[str]) -> None:
    """Nothing refers to a record that cannot be read, wherever it is damaged: the body is fetched and kept."""
    root = tmp_path / "root"
    large = b"<title>A</title><!--" + random.Random(7).randbytes(300_000)  # noqa: S311 (the same bytes every time)
    laid(root, FILES | {"a.html": large})
    with nginx(tmp_path / "nginx", NGINX.format(root=root, log=tmp_path / "log")) as port:
        first = capture(decided_on(port), store=tmp_path / "store", now=NOW)
        row = rows_of(first)["/a.html"]
        file = first.capture.folder / "archive" / (row.warc or "")
        data = bytearray(file.read_bytes())
        at = (row.offset or 0) + int(part * (row.length or 0))
        data[at : at + 8] = b"\0" * 8
        file.write_bytes(data)
        second = capture(decided_on(port), store=tmp_path / "store", now=NOW)
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[0] for line in lines if line.endswith("/a.html")] == asked
    assert rows_of(second)["/a.html"].record_type == "response"
    assert recall.response(second.capture, rows_of(second)["/a.html"]).body == large
    assert rows_of(second)["/"].record_type == "revisit"
