"""What a capture came to, counted from its frontier: the numbers of its report."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archive.crawling.frontier import OUTCOMES, Row

SHOWN = 200
"""Rows of a list in the report; the whole is in crawl.sqlite."""
MOST = 10
_TRAP = re.compile(r"(?:endless|trap): (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A stretch of the crawl: it begins at `at`; URLs answered and bytes received within it."""

    at: datetime
    urls: int
    bytes: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """`kinds`: outcome by kind; `mimes`: (answers, bytes); the lists hold whole rows.

    A trap is a reason for which a URL without end was left out, with its URLs; a rule any other reason.
    """

    total: int = 0
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mimes: dict[str, tuple[int, int]] = field(default_factory=dict)
    charsets: Counter[str] = field(default_factory=Counter)
    failed: list[Row] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    rules: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    traps: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    left: Counter[str] = field(default_factory=Counter)
    answered: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Each row counts exactly once in `kinds`, so that the report's sum is the inventory."""
        self.total += 1
        self.kinds[row.state][row.kind] += 1
        if row.warc is not None:
            _answer(self, row)
        if row.state == "failed":
            self.failed.append(row)
        elif row.state == "excused":
            self.excused[row.cause or ""] += 1
        elif row.state == "excluded":
            _left_out(self, row)

    @property
    def outcomes(self) -> dict[str, int]:
        """By outcome, every one of them, what is still queued last."""
        return {
            state: sum(of.values()) for state in (*OUTCOMES, "queued") if (of := self.kinds[state]) or state != "queued"
        }

    @property
    def bytes(self) -> int:
        return sum(row.size or 0 for row in self.answered)

    def slowest(self) -> list[Row]:
        return sorted((r for r in self.answered if r.seconds is not None), key=lambda r: (-(r.seconds or 0), r.url))[
            :MOST
        ]

    def largest(self) -> list[Row]:
        return sorted((row for row in self.answered if row.size), key=lambda row: (-(row.size or 0), row.url))[:MOST]


def of(rows: Iterable[Row]) -> Tally:
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


def _answer(tally: Tally, row: Row) -> None:
    tally.answered.append(row)
    number, size = tally.mimes.get(row.mime or "", (0, 0))
    tally.mimes[row.mime or ""] = number + 1, size + (row.size or 0)
    if row.charset and row.state == "captured":
        tally.charsets[row.charset] += 1


def _left_out(tally: Tally, row: Row) -> None:
    trap = _TRAP.match(row.cause or "")
    name, where = (trap[1], tally.traps) if trap else (row.cause or "", tally.rules)
    tally.left[name] += 1
    if len(where[name]) < 3:
        where[name].append(row.url)


def over_time(rows: Sequence[Row], most: int = 60) -> list[Moment]:
    """The crawl in at most `most` stretches of equal length, whole seconds each, without gaps; by the moments at which
    the requests were sent."""
    moments = sorted((datetime.fromisoformat(row.captured_at), row.size or 0) for row in rows if row.captured_at)
    if not moments:
        return []
    first = moments[0][0]
    seconds = int((moments[-1][0] - first).total_seconds()) + 1
    step = -(-seconds // most)
    urls, sizes = Counter[int](), Counter[int]()
    for at, size in moments:
        number = int((at - first).total_seconds()) // step
        urls[number] += 1
        sizes[number] += size
    begins = (datetime.fromtimestamp(first.timestamp() + n * step, first.tzinfo) for n in range(max(urls) + 1))
    return [Moment(at=at, urls=urls[n], bytes=sizes[n]) for n, at in enumerate(begins)]
