"""The process that looks into pages says what this process would say, and its death is no one else's."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from archive.crawling import crawl, look
from archive.crawling.look import Body, Looked
from archive.crawling.reader import Reader
from tests.archive.oldweb import Route, captured, page, rows_of, serving

HEADERS = (("Content-Type", "text/html"),)
PAGES = [
    Body(
        url="http://a.example/",
        headers=HEADERS,
        raw=b"<title>x</title><a href=b.html><img src=c.gif><form method=post><input name=q></form>",
        whole=True,
    ),
    Body(
        url="http://a.example/", headers=HEADERS, raw='<title>旅游</title><a href="附件.doc">'.encode("gbk"), whole=True
    ),
    Body(url="http://a.example/", headers=HEADERS, raw=b"", whole=False),
    Body(
        url="http://a.example/x",
        headers=(*HEADERS, ("Content-Encoding", "gzip"), ("X-Odd", "\xff\x00")),
        raw=gzip.compress(b"<a href='/d?e=1\n2'>" * 100),
        whole=True,
    ),
]


def test_both_say_the_same() -> None:
    async def run() -> list[Looked | None]:
        reader = Reader()
        found = [await reader.look(body) for body in PAGES]
        await reader.close()
        return found

    answers = asyncio.run(run())
    assert answers == [look.into(body) for body in PAGES]
    assert [len(answer.found.links) for answer in answers if answer] == [2, 1, 0, 1]


def test_a_page_that_kills_the_process_is_looked_at_by_nobody_and_the_next_one_is() -> None:
    async def run() -> list[Looked | None]:
        reader = Reader()
        found = [await reader.look(PAGES[0])]
        assert reader._process is not None
        reader._process.kill()
        found += [await reader.look(PAGES[1]), await reader.look(PAGES[0])]
        await reader.close()
        return found

    first, lost, again = asyncio.run(run())
    assert lost == Looked(found=look.NOTHING.found, whole=False)
    assert first == again == look.into(PAGES[0])


def test_a_capture_is_the_same_with_and_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes: dict[str, Route] = {"/": page("".join(f'<a href="{n}.html">' for n in range(30)))}
    routes |= {f"/{n}.html": page(f'<title>{n}</title><a href="{n}/x.html">', charset="gbk") for n in range(30)}
    with serving(routes) as web:
        without = captured(web, tmp_path / "without")
        monkeypatch.setattr(crawl, "PAGES_WITHOUT_READER", 0)
        beside = captured(web, tmp_path / "beside")
    facts = [
        {path: (row.state, row.title, row.charset) for path, row in rows_of(one).items()} for one in (without, beside)
    ]
    assert facts[0] == facts[1]
    assert without.inventory["total"] == 63


def test_without_the_process_the_capture_reads_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot start one loses nothing."""
    monkeypatch.setattr(crawl, "PAGES_WITHOUT_READER", 0)
    monkeypatch.setattr("archive.crawling.looking.READY", b"never said\n")
    with serving({"/": page('<a href="a.html">'), "/a.html": page("a")}) as web:
        report = captured(web, tmp_path)
    assert report.inventory["captured"] == 2
