"""The crawl: fetch what the ledger asks for, four at a time from each host, until every URL has an
outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from archive import charset, fetch, recall, robots
from archive.decision import Decision
from archive.frontier import Row
from archive.ledger import Ledger, origin_of
from archive.store import Capture

_MOST_AT_ONCE = 64
_ROBOTS = "robots.txt"
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
    ) -> None:
        self._decision, self._capture, self._ledger, self._client = decision, capture, ledger, client
        # As many answers again may wait to be written down while the next ones are fetched.
        self._most = min(_MOST_AT_ONCE, 2 * connections * len(decision.hosts))
        self._crash = crash
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._rules: dict[str, tuple[robots.Rule, ...]] = {}

    async def run(self, start: Sequence[str]) -> None:
        """Until nothing is queued. What was fetched and not committed when this ends early is fetched
        again."""
        running: dict[asyncio.Task[None], str] = {}
        waiting: list[Row] = []
        try:
            await self._do(self._ledger.begin, start)
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
                elif not waiting and not await self._do(self._ledger.probe_indexes):
                    break
        except asyncio.CancelledError:
            # Ctrl-C: what was fetched so far is kept.
            await self._do(self._ledger.commit)
            raise
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._client.close()
            self._thread.shutdown()

    async def _do(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **named))

    async def _next_rows(self, running: frozenset[str]) -> list[Row]:
        """The next queued rows, last first. An origin's robots.txt is read before anything else of it."""
        rows = await self._do(self._ledger.next_rows, running)
        for origin in dict.fromkeys(origin_of(row.url) for row in rows):
            if origin not in self._rules:
                self._rules[origin] = await self._learn_rules(origin)
        return [row for row in reversed(rows) if urlsplit(row.key).path != "/robots.txt"]

    async def _learn_rules(self, origin: str) -> tuple[robots.Rule, ...]:
        url = f"{origin}/robots.txt"
        await self._do(self._ledger.probe, url, "robots", -2)
        row = await self._do(self._ledger.row, url)
        if row is not None and row.state == "queued":
            await self._fetch(row)
            row = await self._do(self._ledger.row, url)
        if row is None or self._decision.robots == "ignore":
            return robots.ALLOW_ALL
        if row.status is not None and row.status >= 500:
            return robots.DISALLOW_ALL
        if row.state != "captured":
            return robots.ALLOW_ALL
        answer = recall.response(self._capture, row)
        text, _ = charset.decode(answer.body, answer.headers)
        return robots.parse(text, fetch.PRODUCT)

    async def _visit(self, row: Row) -> None:
        rules = self._rules[origin_of(row.url)]
        if robots.allows(rules, row.url):
            await self._fetch(row)
            return
        cause = _ROBOTS if rules is not robots.DISALLOW_ALL else f"{_ROBOTS}: the server failed to give it"
        await self._do(self._ledger.exclude, row, cause)

    async def _fetch(self, row: Row) -> None:
        answer = await self._client.fetch(row.url)
        self._crash("after-fetch")
        if isinstance(answer, fetch.Exchange):
            row = replace(row, seconds=(datetime.now(UTC) - answer.started).total_seconds())
        await self._do(self._ledger.take, row, answer)
