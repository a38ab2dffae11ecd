"""The crawl: fetch what the ledger asks for, four at a time from each host, until every URL has an
outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from archive import charset
from archive.crawling import look
from archive.crawling.frontier import Row
from archive.crawling.ledger import Ledger
from archive.crawling.look import Looked
from archive.crawling.reader import Reader
from archive.crawling.scope import origin_of
from archive.decision import Decision
from archive.discover import Link
from archive.net import fetch, robots
from archive.store import Capture
from archive.warcs import recall

_MOST_AT_ONCE = 64
PAGES_WITHOUT_READER = 100
"""Another process takes a third of a second to begin: not worth it for a small site."""
_ROBOTS = "robots.txt"
# RFC 9309 §2.5 asks for 500 KiB at least.
_ROBOTS_AT_MOST = 1 << 20
P = ParamSpec("P")
T = TypeVar("T")


class Crawl:
    """One run. Whatever touches WARC and frontier runs in one thread beside the network's: compressing,
    hashing and waiting for the disk let go of the interpreter meanwhile."""

    def __init__(
        self,
        decision: Decision,
        capture: Capture,
        ledger: Ledger,
        client: fetch.Client,
        *,
        connections: int,
        crash: Callable[[str], None],
        browse: Callable[[Crawl], Awaitable[bool]] | None = None,
    ) -> None:
        self._decision, self._capture, self._ledger, self._client = decision, capture, ledger, client
        # As many answers again may wait to be written down while the next ones are fetched.
        self._most = min(_MOST_AT_ONCE, 2 * connections * len(decision.hosts))
        self._crash, self._browse = crash, browse
        self._asked: dict[str, asyncio.Lock] = {}
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._arrived: list[tuple[Row, fetch.Exchange | fetch.FetchFailure, Looked | None]] = []
        self._keeping = asyncio.Lock()
        self._reader, self._pages = Reader(), 0
        self._rules: dict[str, tuple[robots.Rule, ...]] = {}

    async def run(self, start: Sequence[str]) -> None:
        """Until nothing is queued. What was fetched and not committed when this ends early is fetched
        again. Raises ServerGoneError, with everything before committed."""
        running: dict[asyncio.Task[None], str] = {}
        waiting: list[Row] = []
        try:
            await self.do(self._ledger.begin, start)
            while True:
                if not waiting:
                    waiting = await self._next_rows(frozenset(running.values()))
                while waiting and len(running) < self._most:
                    row = waiting.pop()
                    running[asyncio.create_task(self._visit(row))] = row.key
                if running:
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del running[task]
                        task.result()
                elif not waiting and not await self.do(self._ledger.probe_indexes) and not await self._opened_pages():
                    break
        except (fetch.ServerGoneError, asyncio.CancelledError):
            # Ctrl-C cancels: what was fetched so far is kept.
            await self.do(self._ledger.commit)
            raise
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._client.close()
            await self._reader.close()
            self._thread.shutdown()

    async def do(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **named))

    async def answer(self, link: Link, via: Row) -> Row | None:
        """The row of what a page open in the browser asks for, fetched now if it was not; None when it does not
        belong to the site."""
        await self.note([link], via)
        row = await self.do(self._ledger.row, link.url)
        if row is None or row.state != "queued":
            return row
        async with self._asked.setdefault(row.key, asyncio.Lock()):
            row = await self.do(self._ledger.row, link.url)
            if row is not None and row.state == "queued":
                origin = origin_of(row.url)
                if origin not in self._rules:
                    self._rules[origin] = await self._learn_rules(origin)
                await self._visit(row)
                row = await self.do(self._ledger.row, link.url)
        return row

    async def note(self, links: Sequence[Link], via: Row) -> None:
        """Add to the inventory what was seen in the browser."""
        await self.do(self._ledger.note, links, via)

    async def size(self) -> int:
        """How many URLs the inventory holds."""
        return await self.do(self._ledger.size)

    async def _opened_pages(self) -> bool:
        """Whether the browser, if there is one, has opened pages: they may have led to something new."""
        return self._browse is not None and await self._browse(self)

    async def _next_rows(self, running: frozenset[str]) -> list[Row]:
        """The next queued rows, last first. An origin's robots.txt is read before anything else of it."""
        rows = await self.do(self._ledger.next_rows, running)
        for origin in dict.fromkeys(origin_of(row.url) for row in rows):
            if origin not in self._rules:
                self._rules[origin] = await self._learn_rules(origin)
        return [row for row in reversed(rows) if urlsplit(row.key).path != "/robots.txt"]

    async def _learn_rules(self, origin: str) -> tuple[robots.Rule, ...]:
        url = f"{origin}/robots.txt"
        await self.do(self._ledger.probe, url, "robots", -2)
        row = await self.do(self._ledger.row, url)
        if row is not None and row.state == "queued":
            await self._fetch(row)
            row = await self.do(self._ledger.row, url)
        if row is None or self._decision.robots == "ignore":
            return robots.ALLOW_ALL
        if row.status is not None and row.status >= 500:
            return robots.DISALLOW_ALL
        if row.state != "captured":
            return robots.ALLOW_ALL
        answer = recall.response(self._capture, row, _ROBOTS_AT_MOST)
        text, _ = charset.decode(answer.body, answer.headers)
        self._client.slow_down(urlsplit(origin).hostname or "", robots.crawl_delay(text, fetch.PRODUCT))
        return robots.parse(text, fetch.PRODUCT)

    async def _visit(self, row: Row) -> None:
        cause = self._ledger.barred(row) or self._forbidden(row)
        if cause is None:
            await self._fetch(row)
        else:
            await self.do(self._ledger.exclude, row, cause)

    def _forbidden(self, row: Row) -> str | None:
        rules = self._rules[origin_of(row.url)]
        rule = robots.forbidding(rules, row.url)
        if rule is None:
            return None
        failed = rules is robots.DISALLOW_ALL
        return f"{_ROBOTS}: the server failed to give it" if failed else f"{_ROBOTS}: Disallow: {rule.path}"

    async def _fetch(self, row: Row) -> None:
        answer = await self._client.fetch(row.url)
        self._crash("after-fetch")
        looked = await self._look(answer)
        self._arrived.append((row, answer, looked))
        # What arrives while the ledger is busy is written down together: each errand to its thread takes as long as
        # the work for a small page.
        async with self._keeping:
            arrived, self._arrived = self._arrived, []
            if arrived:
                await self.do(self._ledger.take_all, arrived)

    async def _look(self, answer: fetch.Exchange | fetch.FetchFailure) -> Looked | None:
        """Pages of a larger site are looked into by a process of their own; None leaves it to the ledger."""
        if isinstance(answer, fetch.FetchFailure) or not look.is_page(answer):
            return None
        self._pages += 1
        if self._pages >= PAGES_WITHOUT_READER // 4:
            self._reader.begin()
        if self._pages <= PAGES_WITHOUT_READER:
            return None
        body = look.body_of(answer)
        return look.NOTHING if body is None else await self._reader.look(body)
