"""Whatever a server sends, the record holds those bytes: the server's own log against the WARC."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import brotli
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from archive.crawling.capture import Options
from archive.crawling.frontier import Row
from archive.warcs import recall, warc
from tests.archive.oldweb import Answer, OldWeb, Route, Spoken, captured, chunked, page, rows_of, serving
from tests.conftest import REPLAY

TEXT = "。".join(["市旅游局"] * 3000).encode()
HEAD = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"

WHOLE: dict[str, tuple[bytes | Answer, bytes]] = {
    # path: (what is sent, what it means)
    "/plain": (page(TEXT), TEXT),
    "/empty": (page(b""), b""),
    "/chunks": (chunked(TEXT[:5], TEXT[5:]), TEXT),
    "/trailers": (chunked(b"a", b"b", trailer=b"X-Sum: 1\r\nx-two:  2\r\n"), b"ab"),
    "/extension": (HEAD + b'Transfer-Encoding: chunked\r\n\r\n003;a="b";c\r\nxyz\r\n000\r\n\r\n', b"xyz"),
    "/upper-hex": (HEAD + b"transfer-encoding: Chunked\r\n\r\nA \r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "/gzip": (page(gzip.compress(TEXT, mtime=0), headers={"Content-Encoding": "gzip"}), TEXT),
    "/gzip-chunks": (chunked(gzip.compress(TEXT, mtime=0), head="Content-Encoding: gzip"), TEXT),
    "/two-members": (
        page(
            gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0), headers={"Content-Encoding": "x-gzip"}
        ),
        TEXT,
    ),
    "/deflate": (page(zlib.compress(TEXT), headers={"Content-Encoding": "deflate"}), TEXT),
    "/br": (page(brotli.compress(TEXT), headers={"Content-Encoding": "br"}), TEXT),
    "/close": (Answer(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + TEXT, "close"), TEXT),
    "/close-1.1": (Answer(HEAD + b"Connection: close\r\n\r\n" + TEXT, "close"), TEXT),
    "/nothing": (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", b""),
    "/lf": (b"HTTP/1.1 200 OK\nContent-Length: 2\nX:  spaced  \n\nok", b"ok"),
    "/mixed-ends": (b"HTTP/1.1 200 OK\nContent-Length: 2\r\nX: y\n\r\nok", b"ok"),
    "/lf-chunks": (b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n", b"ok"),
    "/folded": (HEAD + b"X-A: one\r\n two\r\n\tthree\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
    "/two-lengths": (HEAD + b"Content-Length: 2\r\ncontent-length: 2\r\n\r\nOK", b"OK"),
    "/list-of-lengths": (HEAD + b"Content-Length: 2, 2\r\n\r\nOK", b"OK"),
    "/lengths-differ": (Answer(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nfour", "close"), b"four"),
    "/length-no-number": (Answer(HEAD + b"Content-Length: -1\r\n\r\nfour", "close"), b"four"),
    "/length-and-chunks": (
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "/drip": (Answer(page(TEXT), drip=90), TEXT),
    "/drip-chunks": (Answer(chunked(b"ab", b"c", trailer=b"T: u\r\n"), drip=200), b"abc"),
    "/beyond-ascii": (HEAD + b"X-Name: \xc2\xc3\xd3\xce\r\nx-name: 2\r\nContent-Length: 2\r\n\r\nGB", b"GB"),
    "/odd-names": (HEAD + b"X Y : 1\r\n: none\r\nno-colon\r\nX-Nul: a\x00b\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "/no-reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "/not-chunked": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n<b>plain</b>", "close"), b"<b>plain</b>"),
    "/not-gzipped": (page(b"plain", headers={"Content-Encoding": "gzip"}), b"plain"),
    "/interim": (INTERIM + page(b"late"), b"late"),
    "/looks-like-warc": (
        page(b"\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n"),
        b"\r\n\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n",
    ),
}
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n'
# Up to the line that broke the rules: what follows cannot be told from another answer.
BROKEN = {
    "/bad-size": b"4\r\nhalf\r\n-4\r\n",
    "/bad-end": b"3\r\nhalf\r\n",
}
CUT: dict[str, tuple[Answer, str]] = {
    # path: (what is sent, WARC-Truncated)
    "/cut-length": (Answer(HEAD + b"Content-Length: 1000\r\n\r\nhalf", "close"), "disconnect"),
    "/cut-reset": (Answer(HEAD + b"Content-Length: 1000\r\n\r\n", "reset"), "disconnect"),
    "/cut-chunk": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf", "close"), "disconnect"),
    "/cut-after-chunk": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf", "close"), "disconnect"),
    "/cut-between": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "close"), "disconnect"),
    "/cut-size": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n1", "close"), "disconnect"),
    "/cut-trailer": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX: y\r\n", "close"), "disconnect"),
    "/bad-size": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n-4\r\nhalf\r\n"), "unspecified"),
    "/bad-end": (Answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhalf\r\n0\r\n\r\n"), "unspecified"),
    "/silent": (Answer(HEAD + b"Content-Length: 1000\r\n\r\nhalf", "silent"), "time"),
    "/too-long": (Answer(page(b"x" * 90_000)), "length"),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """One capture of everything above: what the server said, what was stored, what it means when read back."""

    web: OldWeb
    spoken: Mapping[str, Spoken]
    rows: Mapping[str, Row]
    blocks: Mapping[tuple[str, str], bytes]
    answers: Mapping[str, warc.StoredResponse]
    file: Path


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    routes: dict[str, Route] = {path: sent for path, (sent, _) in [*WHOLE.items(), *CUT.items()]}
    routes["/not-modified"] = NOT_MODIFIED
    routes["/"] = page("".join(f'<a href="{path}">' for path in routes))
    with serving(routes) as web:
        options = Options(timeout=0.8, max_bytes=80_000)
        report = captured(web, tmp_path_factory.mktemp("exact"), options=options)
    rows = rows_of(report)
    (file,) = report.capture.warcs
    return Seen(
        web=web,
        spoken={one.path: one for one in web.spoken},
        rows=rows,
        blocks={(record.type, record.target_uri): record.block for record in warc.iterate(file)},
        answers={path: recall.response(report.capture, row) for path, row in rows.items() if row.warc},
        file=file,
    )


@pytest.mark.parametrize("path", [*WHOLE, "/not-modified"])
def test_a_record_is_what_the_server_sent(seen: Seen, path: str) -> None:
    """Head, framing, codings: every byte of the answer, and of the request."""
    sent = seen.spoken[path].response.removeprefix(INTERIM)
    assert seen.blocks[("response", seen.web.url(path))] == sent
    assert seen.blocks[("request", seen.web.url(path))] == seen.spoken[path].request
    payload = sent[message_end(sent) :]
    assert seen.rows[path].payload_digest == f"sha256:{hashlib.sha256(payload).hexdigest()}"


@pytest.mark.parametrize("path", WHOLE)
def test_what_was_sent_is_understood(seen: Seen, path: str) -> None:
    """Without its codings the body is what the author of the page wrote; and the answer counts as captured."""
    assert seen.answers[path].body == WHOLE[path][1]
    assert seen.answers[path].truncated is None
    assert seen.rows[path].state == "captured"


def test_an_answer_without_change_has_no_body(seen: Seen) -> None:
    """A 304 that nobody asked for: its Content-Length is that of another answer; nothing is waited for."""
    assert (seen.rows["/not-modified"].state, seen.rows["/not-modified"].cause) == ("failed", "HTTP 304 Not Modified")
    assert seen.answers["/not-modified"].raw_body == b""
    assert seen.web.asked.count("/not-modified") == 1


@pytest.mark.parametrize("path", CUT)
def test_a_cut_answer_is_kept_as_far_as_it_came_and_marked(seen: Seen, path: str) -> None:
    answer, mark = CUT[path]
    block = seen.blocks[("response", seen.web.url(path))]
    if mark == "length":
        assert block == answer.raw[: message_end(answer.raw) + 80_000]
    elif mark == "unspecified":
        assert block == answer.raw[: message_end(answer.raw)] + BROKEN[path]
    else:
        assert block == answer.raw
    assert seen.answers[path].truncated == mark
    assert seen.rows[path].cause == f"truncated: {mark}"
    assert seen.web.asked.count(path) == (1 if mark == "length" else 3)


def test_interim_answers_stand_beside_the_final_one(seen: Seen) -> None:
    """A reader of the WARC gets the final answer; the heads before it are in the metadata record, byte for byte."""
    block = seen.blocks[("metadata", seen.web.url("/interim"))].decode()
    (line,) = [line for line in block.splitlines() if line.startswith("interim: ")]
    assert json.loads(line.removeprefix("interim: ")).encode("latin-1") == INTERIM


@pytest.mark.needs("replay")
def test_other_readers_find_the_same_bytes(seen: Seen) -> None:
    """warcio finds every digest true; FastWARC gives the blocks as the server sent them."""
    # The warcio of pywb's environment: beside a brotli of today its `check` ends in an exception at a `br` body.
    assert subprocess.run([REPLAY / "warcio", "check", str(seen.file)], check=False).returncode == 0
    with seen.file.open("rb") as stream:
        found = {
            record.headers["WARC-Target-URI"]: record.reader.read()
            for record in ArchiveIterator(stream, parse_http=False, record_types=WarcRecordType.response)
        }
    for path in WHOLE:
        assert found[seen.web.url(path)] == seen.spoken[path].response.removeprefix(INTERIM), path
    with seen.file.open("rb") as stream:
        assert all(record.verify_block_digest() for record in ArchiveIterator(stream, parse_http=False))


def message_end(sent: bytes) -> int:
    """Where the head ends: behind the first empty line, however lines end."""
    return min(sent.find(end) + len(end) for end in (b"\n\r\n", b"\n\n") if end in sent)
