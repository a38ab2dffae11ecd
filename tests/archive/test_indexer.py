"""The index of anybody's WARC files, line for line as cdxj-indexer writes it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.__main__ import main
from archive.crawling.capture import Options, capture
from archive.decision import Decision
from archive.net.fetch import ConnectTo
from archive.warcs import cdxj, indexer, warc
from sitegen.errors import Refused
from tests.archive.oldweb import NOW, Route, captured, chunked, decided, gzipped, lyj, page, redirect, serving
from tests.cities import SHARED
from tests.conftest import REPLAY
from tests.test_end_to_end import pywb

OTHERS = sorted((SHARED / "real" / "warc").glob("example*"))
# cdxj-indexer raises on these, or (trunc) gives a line for half a record.
BROKEN = {
    "example-bad-non-chunked.warc.gz",
    "example-bad.warc.gz.bad",
    "example-wrong-chunks.warc.gz",
    "example-trunc.warc",
}


def ours(*paths: Path) -> list[str]:
    return [line.decode() for line in cdxj.lines(entry for path in paths for entry in indexer.entries(path))]


def theirs(*paths: Path) -> list[str]:
    command = [str(REPLAY / "cdxj-indexer"), "-s", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines(keepends=True)


@pytest.mark.needs("replay")
def test_our_captures_have_the_lines_that_cdxj_indexer_gives(tmp_path: Path) -> None:
    """A whole old site, and the same again as revisits; from the files alone as from the frontier."""
    with lyj() as web:
        host = "lyj.example.gov.cn"
        to = [ConnectTo(host=host, port=80, address="127.0.0.1", to_port=web.port)]
        decision = Decision(site="lyj", hosts=(host,), start=(f"http://{host}/",), allow_private=("127.0.0.1",))
        for _time in range(2):
            done = capture(decision, store=tmp_path, now=NOW, options=Options(connect_to=tuple(to))).capture
            expected = theirs(*done.warcs)
            assert len(expected) == 201
            assert ours(*done.warcs) == expected
            assert done.index.read_text(encoding="utf-8").splitlines(keepends=True) == expected


@pytest.mark.needs("replay", "wget")
@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_warc_that_wget_wrote_has_the_same_lines(packed: bool, tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/": page(
            '<a href="a.html">a</a><a href="old">o</a><a href="z">z</a><a href="c">c</a><a href="Up%2FX.html">x</a>'
        ),
        "/a.html": page("a" * 100_000, "text/html; charset=gbk"),
        "/old": redirect("/a.html"),
        "/z": gzipped(b"z" * 5000),
        "/c": chunked(b"c" * 5000),
        "/Up%2FX.html": page("up"),
    }
    with serving(routes) as web:
        command = ["wget", "-q", "-r", "--warc-file", "w", *([] if packed else ["--no-warc-compression"]), web.url()]
        subprocess.run(command, cwd=tmp_path, check=False)
    (path,) = tmp_path.glob("w.warc*")
    lines = theirs(path)
    assert len(lines) >= 9
    assert ours(path) == lines


@pytest.mark.needs("replay")
@pytest.mark.skipif(not OTHERS, reason="the WARC files of other tools are not part of the repository")
def test_other_tools_files_have_the_same_lines() -> None:
    """WARC and ARC, compressed or not, of wget, pywb and Heritrix."""
    whole = [path for path in OTHERS if path.name not in BROKEN and "space-in-target" not in path.name]
    assert len(whole) >= 9
    for path in whole:
        assert ours(path) == theirs(path), path.name


def small(folder: Path) -> Path:
    with serving({"/": page('<a href="a.html">'), "/a.html": page("a" * 3000)}) as web:
        (path,) = captured(web, folder, decided(web)).capture.warcs
    return path


def test_a_file_that_cannot_be_read_is_named_with_the_place(tmp_path: Path) -> None:
    """Cut, flipped, packed as a whole, no record at all: each is said, never an index that is silently short."""
    data = small(tmp_path / "store").read_bytes()
    second = len(data) // 2
    flipped = data[:second] + bytes([data[second] ^ 255]) + data[second + 1 :]
    bad = {
        "cut.warc.gz": data[:-20],
        "flipped.warc.gz": flipped,
        "whole.warc.gz": gzip.compress(gzip.decompress(data)),
        "cut.warc": gzip.decompress(data)[:-100],
        "headless.warc": gzip.decompress(data) + b"WARC/1.1\r\nno end",
        "foreign.warc": gzip.decompress(data) + b"HTTP/1.1 200 OK\r\n\r\n",
        "lengthless.warc": b"WARC/1.1\r\nWARC-Type: response\r\n\r\n",
        "none.warc": b"<html>",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Refused) as refused:
            list(indexer.entries(tmp_path / name))
        assert [problem.code for problem in refused.value.problems] == ["warc-unreadable"], name


def test_the_record_at_an_offset_is_read_alone(tmp_path: Path) -> None:
    path = small(tmp_path)
    for entry in indexer.entries(path):
        assert indexer.at(path, entry.offset) == (entry, entry.length)
    assert indexer.at(path, 0) == (None, warc.read_record(path, 0).length)
    with pytest.raises(Refused):
        indexer.at(path, 1)


def test_two_urls_of_one_key_are_never_taken_for_each_other(tmp_path: Path) -> None:
    """pywb's keys know no difference between `%2F` and `/`, or between capitals; the exact URL does."""
    routes: dict[str, Route] = {
        "/a%2Fb": page("one"),
        "/a/b": page("two"),
        "/A/B": page("three"),
        "/a/%62": page("four"),
    }
    routes["/"] = page("".join(f'<a href="{path}">x</a>' for path in routes))
    with serving(routes) as web:
        done = captured(web, tmp_path).capture
        said = {path: cdxj.lookup(done.index, web.url(path)) for path in ("/a%2Fb", "/a/b", "/A/B")}
    assert len({entry.key for (entry,) in said.values()}) == 1
    bodies = {
        path: warc.read_response(done.folder / "archive" / entry.filename, entry.offset).body
        for path, (entry,) in said.items()
    }
    assert bodies == {"/a%2Fb": b"one", "/a/b": b"two", "/A/B": b"three"}
    assert cdxj.lookup(done.index, web.url("/a%2fb")) == []


def test_archive_index_prints_sorted_lines_and_names_what_is_broken(tmp_path: Path) -> None:
    good, broken = small(tmp_path / "store"), tmp_path / "broken.warc"
    broken.write_bytes(gzip.decompress(good.read_bytes())[:-100])
    done = CliRunner().invoke(main, ["index", str(good)])
    assert (done.exit_code, done.stdout.splitlines(keepends=True)) == (0, ours(good))
    done = CliRunner().invoke(main, ["index", str(good), str(broken)])
    assert done.exit_code == 1
    assert "warc-unreadable [offset" in done.stderr
    assert len(done.stdout.splitlines()) > len(ours(good))


@pytest.mark.needs("replay")
def test_pywb_finds_every_url_by_our_index(tmp_path: Path) -> None:
    """Its own index taken away, ours in its place. Of URLs that share a key pywb gives one that is captured."""
    alike = {"/a%2Fb": b"one", "/a/b": b"two"}
    bodies = {
        **alike,
        "/x%20y.html": b"space",
        "/%E6%97%85.html": b"name",
        "/s.asp?lx=%C2%C3&id=2": b"query",
        "/Z/": b"z",
    }
    routes: dict[str, Route] = {path: page(body) for path, body in bodies.items()}
    routes["/"] = page("".join(f'<a href="{path.replace("&", "&amp;")}">x</a>' for path in bodies))
    with serving(routes) as web:
        done = captured(web, tmp_path / "store").capture
    with pywb(tmp_path, done.warcs) as base:
        shutil.copy(done.index, tmp_path / "collections" / "lyj" / "indexes" / "index.cdxj")
        for path, body in bodies.items():
            (entry,) = cdxj.lookup(done.index, web.url(path))
            with urllib.request.urlopen(f"{base}/{entry.timestamp}id_/{entry.url}", timeout=30) as answer:
                found = answer.read()
            assert found in alike.values() if path in alike else found == body, path
