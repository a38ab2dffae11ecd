"""The crawl: fetch what the ledger asks for, four at a time from each host, until every URL has an
outcome."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from archive import charset
from archive.crawling import look
from archive.crawling.frontier import Row
from archive.crawling.kept import Unchanged
from archive.crawling.ledger import AT_A_TIME, Arrived, Excluded, Ledger
from archive.crawling.look import Looked
from archive.crawling.queues import Queues
from archive.crawling.reader import Reader
from archive.crawling.scope import origin_of
from archive.decision import Decision
from archive.discover import Link
from archive.net import fetch, robots
from archive.store import Capture
from archive.warcs import recall

_CONNECTIONS = 256
"""To all hosts together."""
_BACKLOG = 16
"""Answers that wait to be looked into and written down: while there are more, nothing is asked for."""
PAGES_WITHOUT_READER = 40
"""Another process takes a tenth of a second to begin: not worth it for a small site."""
_ROBOTS = "robots.txt"
# RFC 9309 §2.5 asks for 500 KiB at least.
_ROBOTS_AT_MOST = 1 << 20
# The threads take turns at the interpreter; each of the network's many short calls waits for its turn, 5 ms if
# nothing is said.
_TURN = 0.0005
P = ParamSpec("P")
T = TypeVar("T")


class Crawl:
    """One run. Whatever touches WARC and frontier runs in one thread beside the network's: compressing,
    hashing and waiting for the disk let go of the interpreter meanwhile. What does not is done here, where no thread
    waits for its turn; `_books` keeps the two apart."""

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
        self._crash, self._browse = crash, browse
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._books = asyncio.Lock()
        self._reader, self._pages = Reader(), 0
        self._queues = Queues(connections)
        self._unread: set[str] = set()
        """Origins of which there may be more to fetch than what waits in the queues."""
        self._in_hand: set[str] = set()
        """Keys of what is being fetched, looked into or written down."""
        self._fetching = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self._failure: BaseException | None = None
        self._news = asyncio.Event()
        self._arrived: deque[Arrived] = deque()
        self._arrival = asyncio.Event()
        self._awaited: dict[str, asyncio.Future[None]] = {}
        """What somebody waits for, by key, until it is written down."""
        self._rules: dict[str, tuple[robots.Rule, ...]] = {}
        self._learning: set[str] = set()
        self._asked: dict[str, asyncio.Lock] = {}

    async def run(self, start: Sequence[str]) -> None:
        """Until nothing is queued. What was fetched and not committed when this ends early is fetched
        again. Raises ServerGoneError, with everything before committed."""
        turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            await self.do(self._ledger.begin, start)
            self._keeper = self._begin(self._keep())
            while await self._go_on():
                await self._fill()
                self._ask()
                if self._in_hand or self._learning:
                    await self._news.wait()
                self._news.clear()
                if self._failure is not None:
                    raise self._failure
        except (fetch.ServerGoneError, asyncio.CancelledError):
            # Ctrl-C cancels: what was fetched so far is kept.
            await self._stop()
            if self._failure is None:
                await self.do(self._ledger.commit)
            raise
        finally:
            await self._stop()
            await self._client.close()
            await self._reader.close()
            self._thread.shutdown()
            sys.setswitchinterval(turn)

    async def _go_on(self) -> bool:
        """Whether there is anything left to fetch, or being fetched."""
        if self._in_hand or self._learning or self._unread or self._queues:
            return True
        while not (waiting := await self.do(self._ledger.waiting)):
            if not await self.do(self._ledger.probe_indexes) and not await self._opened_pages():
                return False
        self._unread.update(waiting)
        return True

    async def _fill(self) -> None:
        """Read the queued rows of origins of which none waits here; an origin's robots.txt before anything else of it."""
        empty = [origin for origin in self._unread if self._queues.is_empty(origin)]
        for origin in empty:
            if origin not in self._rules and origin not in self._learning:
                self._learning.add(origin)
                self._begin(self._learn(origin))
        if not (ready := [origin for origin in empty if origin in self._rules]):
            return
        self._unread.difference_update(ready)
        for origin, rows in (await self.do(self._ledger.next_rows, ready, frozenset(self._in_hand))).items():
            self._queues.put(origin, rows)
            if len(rows) == AT_A_TIME:
                self._unread.add(origin)

    def _ask(self) -> None:
        """Begin with as many URLs as may be asked for now."""
        while self._fetching < _CONNECTIONS and len(self._in_hand) - self._fetching < _BACKLOG:
            row = self._queues.take()
            if row is None:
                break
            self._in_hand.add(row.key)
            if cause := self._ledger.barred(row) or self._forbidden(row):
                self._queues.release(row)
                self._arrive(Arrived(row=row, answer=Excluded(cause=cause)))
            else:
                self._fetching += 1
                self._begin(self._visit(row))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _stop(self) -> None:
        """Begin nothing more; what has arrived is written down, unless that is what failed."""
        self._stopping = True
        for task in self._tasks - {self._keeper}:
            task.cancel()
        self._arrival.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failure = self._failure or error
            for awaited in self._awaited.values():
                if not awaited.done():
                    awaited.set_exception(error)
            self._news.set()

    async def _visit(self, row: Row) -> None:
        try:
            answer = await self._answer(row)
        finally:
            self._fetching -= 1
            self._queues.release(row)
            self._news.set()
        self._arrive(await self._looked(row, *answer))

    async def _learn(self, origin: str) -> None:
        self._rules[origin] = await self._learn_rules(origin)
        self._learning.discard(origin)
        self._news.set()

    def _arrive(self, arrived: Arrived) -> None:
        self._arrived.append(arrived)
        self._arrival.set()

    async def _keep(self) -> None:
        """Have what arrives written down. What comes while the thread is busy is written down together: each errand to it
        takes as long as the work for a small page."""
        while not self._stopping or self._arrived:
            await self._arrival.wait()
            self._arrival.clear()
            arrived, self._arrived = self._arrived, deque()
            keys = [one.row.key for one in arrived]
            async with self._books:
                while arrived:
                    self._ledger.settle(await self._in_thread(self._ledger.store, arrived))
                    if self._ledger.is_due():
                        await self._in_thread(self._ledger.commit)
                self._unread |= self._ledger.newly_queued()
            self._in_hand.difference_update(keys)
            for key in keys:
                awaited = self._awaited.pop(key, None)
                if awaited is not None and not awaited.done():  # whoever waited may have been cancelled
                    awaited.set_result(None)
            self._news.set()

    async def _written(self, arrived: Arrived) -> None:
        """Wait until it is written down."""
        self._awaited[arrived.row.key] = awaited = asyncio.get_running_loop().create_future()
        self._arrive(arrived)
        await awaited

    async def do(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        async with self._books:
            return await self._in_thread(work, *args, **named)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
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
                cause = self._ledger.barred(row) or self._forbidden(row)
                if cause is None:
                    await self._fetch(row)
                else:
                    await self._written(Arrived(row=row, answer=Excluded(cause=cause)))
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

    def _forbidden(self, row: Row) -> str | None:
        rules = self._rules[origin_of(row.url)]
        rule = robots.forbidding(rules, row.url) if rules else None
        if rule is None:
            return None
        failed = rules is robots.DISALLOW_ALL
        return f"{_ROBOTS}: the server failed to give it" if failed else f"{_ROBOTS}: Disallow: {rule.path}"

    async def _fetch(self, row: Row) -> None:
        """Fetch it and wait until it is written down."""
        await self._written(await self._looked(row, *await self._answer(row)))

    async def _answer(self, row: Row) -> tuple[fetch.Exchange | fetch.FetchFailure, Unchanged | None]:
        """What the server says, and what stands as it was when that is what it says."""
        kept = await self.do(self._ledger.kept, row) if self._ledger.knows_earlier else None
        if kept is None:
            return await self._client.fetch(row.url), None
        answer = await self._client.fetch(row.url, kept.conditions)
        if isinstance(answer, fetch.FetchFailure) or answer.status != 304:
            return answer, None
        if unchanged := await self.do(kept.confirmed_by, answer):
            return answer, unchanged
        answer.body.close()
        return await self._client.fetch(row.url), None

    async def _looked(
        self, row: Row, answer: fetch.Exchange | fetch.FetchFailure, unchanged: Unchanged | None
    ) -> Arrived:
        self._crash("after-fetch")
        if unchanged is None:
            return Arrived(row=row, answer=answer, looked=await self._look(answer))
        looked = await self._look(unchanged.answer) or await self.do(look.at, unchanged.answer)
        return Arrived(row=row, answer=answer, looked=looked, unchanged=unchanged.kept)

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
