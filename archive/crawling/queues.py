"""What waits to be fetched, in a queue for each host: one that is slow, or busy, holds up nobody but itself."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from archive.crawling.frontier import Row
from archive.crawling.scope import host_of, origin_of


class Queues:
    """`places`: how many URLs of one host may be asked for at a time. http and https of a host, and its ports, wait in
    queues of their own (their robots.txt differ) and share its places."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()
        self._waiting: defaultdict[str, deque[Row]] = defaultdict(deque)
        self._turns: deque[str] = deque()

    def put(self, origin: str, rows: Sequence[Row]) -> None:
        if rows and not self._waiting[origin]:
            self._turns.append(origin)
        self._waiting[origin].extend(rows)

    def is_empty(self, origin: str) -> bool:
        return not self._waiting[origin]

    def take(self) -> Row | None:
        """The next row of a host that has a place, which it takes; one host after the other. None when there is none."""
        for _turn in range(len(self._turns)):
            origin = self._turns.popleft()
            free = self._taken[host_of(origin)] < self._places
            row = self._waiting[origin].popleft() if free else None
            if self._waiting[origin]:
                self._turns.append(origin)
            if row is not None:
                self._taken[host_of(origin)] += 1
                return row
        return None

    def release(self, row: Row) -> None:
        """The row's place is free again."""
        self._taken[host_of(origin_of(row.key))] -= 1

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))
