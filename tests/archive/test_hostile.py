"""A hostile server costs one outcome in the report and a bounded amount of memory, whatever it sends."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest

from archive.crawling.capture import Options
from archive.crawling.frontier import Frontier
from archive.net.fetch import ConnectTo
from archive.proving.verify import verify
from archive.warcs import recall, warc
from tests.archive.oldweb import (
    ROOT,
    Answer,
    Route,
    captured,
    decided,
    page,
    redirect,
    rows_of,
    serving,
)

MOST = 400_000_000
"""Bytes of memory for a whole capture, interpreter included."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def attacked(place: Path, routes: Mapping[str, Route], **options: object) -> dict[str, Any]:
    """Capture a site of one good page and the hostile ones it links, in a process of its own; what came of it."""
    site: dict[str, Route] = {"/": page("".join(f'<a href="{path}">' for path in [*routes, "/good"]))}
    with serving({**site, **routes, "/good": page("good")}) as web:
        driver = [sys.executable, "-m", "tests.archive.limited", str(web.port), str(place), json.dumps(options)]
        done = subprocess.run(driver, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["memory"] < MOST
    assert said["rows"]["/good"] == ["captured", None]
    assert said["inventory"]["total"] == sum(n for state, n in said["inventory"].items() if state != "total")
    return said


@pytest.mark.parametrize("content", [b"\0" * 1000, b"<a>", b'<a href="x.html">'])
def test_a_gzip_bomb_is_stored_and_its_beginning_read(content: bytes, tmp_path: Path) -> None:
    """300 MB of zeros, or of nothing but tags, in less than a megabyte: the report says that not all was read."""
    bomb = gzip.compress(content * (300_000_000 // len(content)), 6)
    said = attacked(tmp_path, {"/bomb": page(bomb, headers={"Content-Encoding": "gzip"})})
    assert said["rows"]["/bomb"][0] == "captured"
    assert [code for code, path in said["problems"] if path.endswith("/bomb")] == ["capture-read-in-part"]
    assert said["bytes"] < 3_000_000


def test_a_brotli_bomb_is_read_as_far(tmp_path: Path) -> None:
    """A few hundred bytes for 300 MB."""
    bomb = brotli.compress(b"\0" * 300_000_000, quality=5)
    said = attacked(tmp_path, {"/bomb": page(bomb, headers={"Content-Encoding": "br"})})
    assert said["rows"]["/bomb"][0] == "captured"
    assert [code for code, path in said["problems"] if path.endswith("/bomb")] == ["capture-read-in-part"]


def test_a_bomb_in_the_robots_file_is_read_in_its_beginning(tmp_path: Path) -> None:
    rules = b"User-agent: *\nDisallow: /secret\n"
    bomb = gzip.compress(rules + b"# \n" * 100_000_000, 6)
    routes: dict[str, Route] = {
        "/robots.txt": page(bomb, "text/plain", headers={"Content-Encoding": "gzip"}),
        "/secret": page("no"),
    }
    said = attacked(tmp_path, routes)
    assert said["rows"]["/secret"] == ["excluded", "robots.txt: Disallow: /secret"]


def test_an_endless_body_is_cut_and_marked(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/endless": Answer(HEAD + b"\r\n", more=b"x" * 65536),
        "/chunks": Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", more=b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        "/trailers": Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", more=b"X: y\r\n" * 10_000),
        "/one-size": Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", more=b"0" * 65536),
    }
    said = attacked(tmp_path, routes, max_bytes=60_000_000)
    causes = {path: said["rows"][path] for path in routes}
    assert causes == {
        "/endless": ["failed", "truncated: length"],
        "/chunks": ["failed", "truncated: length"],
        "/trailers": ["failed", "truncated: unspecified"],
        "/one-size": ["failed", "truncated: length"],
    }


def test_endless_heads_are_no_answer(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/fields": Answer(HEAD, more=b"X: y\r\n" * 10_000),
        "/line": Answer(HEAD + b"X: ", more=b"y" * 65536),
        "/interim": Answer(b"", more=b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 1000),
        "/lines": HEAD + b"X:\r\n" * 3000 + b"\r\n",
    }
    said = attacked(tmp_path, routes)
    assert {path: said["rows"][path][1] for path in routes} == {
        "/fields": "answer: the head is longer than a megabyte",
        "/line": "answer: the head is longer than a megabyte",
        "/interim": "answer: the head is longer than a megabyte",
        "/lines": "answer: the head has more than 2000 lines",
    }


def test_a_server_that_sends_letter_by_letter_is_left(tmp_path: Path) -> None:
    """In the head and in the body: never silent for long, and never done."""
    routes: dict[str, Route] = {
        "/head": Answer(HEAD, more=b"x", every=0.05),
        "/body": Answer(HEAD + b"Content-Length: 100000\r\n\r\n", more=b"x", every=0.05),
    }
    said = attacked(tmp_path, routes, timeout=0.5)
    assert said["rows"]["/head"] == ["failed", "time: no answer within 0.5 s"]
    assert said["rows"]["/body"] == ["failed", "truncated: time"]


class Chain(dict[str, Route]):
    """`/r1` leads to `/r2`, and so on, ten thousand times."""

    def get(self, path: str, default: object = None) -> Route:
        if found := re.fullmatch(r"/r(\d+)", path):
            number = int(found[1])
            return redirect(f"/r{number + 1}") if number < 10_000 else page("end")
        return page('<a href="/r1">') if path == "/" else page("", status="404 Not Found")


def test_a_chain_of_ten_thousand_redirects_is_a_trap(tmp_path: Path) -> None:
    """It is followed for a while; then one URL is excluded, and the report says so."""
    with serving(Chain()) as web:
        report = captured(web, tmp_path)
        assert len(web.spoken) < 40
    assert report.inventory["excluded"] == 1
    assert [problem.code for problem in report.problems] == ["capture-trap"]


def test_a_redirect_to_a_private_address_is_not_followed(tmp_path: Path) -> None:
    """Each hop is asked about anew: on a host of the decision, too, whatever address it has."""
    with serving({"/": page('<a href="/a"><a href="/b"><a href="/c">')}) as web:
        web.routes |= {
            "/a": redirect("http://169.254.169.254/latest/meta-data/"),
            "/b": redirect(f"http://intern.example:{web.port}/secret"),
            "/c": redirect(f"http://127.0.0.2:{web.port}/secret"),
            "/secret": page("secret"),
        }
        hosts = (web.host, f"intern.example:{web.port}", f"127.0.0.2:{web.port}")
        to = [ConnectTo(host="intern.example", port=web.port, address="10.255.255.1", to_port=web.port)]
        report = captured(web, tmp_path, decided(web, hosts=hosts), connect_to=to)
        assert "/secret" not in web.asked
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        failed = {row.url: row.cause for row in frontier.rows("failed") if row.kind != "robots"}
    assert failed == {
        f"http://127.0.0.2:{web.port}/secret": "refused: 127.0.0.2 is at 127.0.0.2, not in allow_private",
        f"http://intern.example:{web.port}/secret": "refused: intern.example is at 10.255.255.1, not in allow_private",
    }
    assert {problem.path for problem in report.problems} >= set(failed)


HEADERS = {
    "bare-cr": b"Location: /x\rX-Evil: 1\r\nSet-Cookie: a=b\rX-Evil: 1",
    "nul": b"X-A: a\0b\r\nContent-Type: text/html\0; charset=\0",
    "megabyte": b"X-A: " + b"y" * 900_000,
    "long-type": b"Content-Type: " + b"t" * 500_000,
    "beyond-ascii": b"Content-Type: text/\xbb\xb6\xd3\xad\r\nX-\xff: \xfe",
    "like-a-record": b"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Target-URI: http://evil.example/\r\nContent-Length: 1",
    "escape": b"X-A: \x1b[2J\x1b[31m\r\nContent-Type: \x1b]0;evil\x07",
    "cookies": b"\r\n".join(b"Set-Cookie: c%d=%s" % (n, b"v" * 500) for n in range(1000)),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_hostile_header_is_stored_and_harms_nothing(kind: str, tmp_path: Path) -> None:
    """Its bytes are kept as they came; index, report and the next request know nothing of it."""
    sent = (
        b"HTTP/1.1 200 O\x1b[2JK\r\nContent-Length: 4\r\n"
        + HEADERS[kind].replace(b"Content-Length: 1", b"X: y")
        + b"\r\n\r\nbody"
    )
    refusal = sent.replace(b"200 O", b"500 O")
    with serving(
        {"/": page('<a href="/a"><a href="/b"><a href="/c">'), "/a": sent, "/b": refusal, "/c": page("c")}
    ) as web:
        report = captured(web, tmp_path, options=Options(connections=1))
        rows = rows_of(report)
        requests = [one.request for one in web.spoken]
    assert (rows["/a"].state, rows["/b"].state, rows["/c"].state) == ("captured", "failed", "captured")
    answer = recall.response(report.capture, rows["/a"])
    assert answer.head + answer.raw_body == sent
    assert not any(
        b"\rX-Evil" in request or b"\nX-Evil" in request or b"\x1b" in request or len(request) > 60_000
        for request in requests
    )
    texts = [rows["/b"].cause or "", rows["/a"].mime or "", *(p.message for p in report.problems)]
    assert all(text.isprintable() and len(text) < 300 for text in texts), texts
    types = {record.type for path in report.capture.warcs for record in warc.iterate(path) if "/a" in record.target_uri}
    assert types == {"request", "response"}
    assert verify(report.capture).orphans == ()
    assert [p.code for p in verify(report.capture).problems] == ["verify-url-failed"]


def test_a_redirect_to_itself_is_one_redirect(tmp_path: Path) -> None:
    with serving({"/": page('<a href="/a">'), "/a": redirect("/a")}) as web:
        report = captured(web, tmp_path)
    assert rows_of(report)["/a"].state == "redirected"
    assert web.asked.count("/a") == 1


@contextmanager
def film(megabytes: int) -> Iterator[int]:
    """The port of a server whose home page links to a film of so many megabytes, made while it is sent."""

    class Film(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_film = self.path == "/film.mp4"
            body = b'<a href="film.mp4">' if self.path == "/" else b""
            self.send_response(200 if is_film or body else 404)
            self.send_header("Content-Type", "video/mp4" if is_film else "text/html")
            self.send_header("Content-Length", str(megabytes << 20 if is_film else len(body)))
            self.end_headers()
            self.wfile.write(body)
            if is_film:
                piece = random.Random(1).randbytes(1 << 20)  # noqa: S311 (nothing that compresses)
                for _number in range(megabytes):
                    self.wfile.write(piece)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Film)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_film_passes_through_in_pieces(tmp_path: Path) -> None:
    """It is stored whole, in the memory that a page takes. FILM_MEGABYTES=1024 for one of a gigabyte."""
    megabytes = int(os.environ.get("FILM_MEGABYTES", "96"))
    with film(megabytes) as port:
        driver = [sys.executable, "-m", "tests.archive.limited", str(port), str(tmp_path), "{}"]
        done = subprocess.run(driver, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    said = json.loads(done.stdout)
    assert said["rows"]["/film.mp4"] == ["captured", None]
    assert said["bytes"] > megabytes << 20
    assert said["memory"] < 100_000_000
