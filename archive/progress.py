"""How far a capture is: one living line on a terminal, a plain line every few seconds elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import urlsplit

from archive.text import _

SECONDS_A_LINE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """After a commit: URLs `fetched` by this run, `queued`, `known` in all; `bytes` of bodies; the last `url`."""

    fetched: int
    queued: int
    known: int
    bytes: int
    url: str

    def __str__(self) -> str:
        return _("{done} fetched, {count} known, {last}").format(
            done=self.fetched, count=self.known, last=self.url or "…"
        )


Show = Callable[[str | Standing], None]


@contextmanager
def shown(stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> Iterator[Show]:
    """What a capture tells goes to `stream` (None: stderr) while the block runs."""
    stream = stream or sys.stderr
    pace = _Pace(clock)
    if stream.isatty():
        # Here and not above: it takes longer to load than some commands take, and only a person sees it.
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(file=stream), transient=True, refresh_per_second=8) as live:
            yield lambda said: live.update(Text(_text(said, pace), no_wrap=True, overflow="ellipsis"), refresh=True)
        return

    last = -SECONDS_A_LINE

    def line(said: str | Standing) -> None:
        nonlocal last
        text = _text(said, pace)
        if clock() - last >= SECONDS_A_LINE:
            last = clock()
            print(text, file=stream, flush=True)

    yield line


class _Pace:
    """URLs a second since the first commit was seen, and what follows from it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None

    def rate(self, fetched: int) -> float:
        """0 while there is nothing to divide by."""
        now = self._clock()
        self._first = self._first or (now, fetched)
        seconds = now - self._first[0]
        return (fetched - self._first[1]) / seconds if seconds else 0.0


def _text(said: str | Standing, pace: _Pace) -> str:
    if isinstance(said, str):
        return said
    parts = [
        _("{number} fetched").format(number=f"{said.fetched:,}"),
        _("{number} waiting").format(number=f"{said.queued:,}"),
        size(said.bytes),
    ]
    rate = pace.rate(said.fetched)
    if rate:
        parts.append(_("{rate}/s").format(rate=f"{rate:.1f}" if rate < 10 else f"{rate:.0f}"))
        parts.append(_("about {time} left").format(time=duration(said.queued / rate)))
    parts.append(urlsplit(said.url).netloc)
    return " · ".join(filter(None, parts))


def size(number: int) -> str:
    """`812 B`, `1.4 MB`: powers of ten, as disks are sold."""
    value, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """`7 s`, `3:05`, `2:03:09`."""
    whole = round(seconds)
    if whole < 60:
        return _("{number} s").format(number=whole)
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
