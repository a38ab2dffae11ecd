"""The finished capture before this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archive.crawling.frontier import Frontier, FrontierUnreadable, Original, Row
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused


class Former:
    """The finished capture before this one, asked while the new one runs: nothing of it is kept in memory."""

    def __init__(self, capture: Capture, frontier: Frontier) -> None:
        self.id, self._frontier = capture.id, frontier

    def original(self, payload_digest: str) -> Original | None:
        return self._frontier.original(payload_digest)

    def row(self, key: str) -> Row | None:
        return self._frontier.get(key)

    def rows(self) -> Iterator[Row]:
        """Its whole inventory, in the order of the keys."""
        yield from self._frontier.rows()


@contextmanager
def reading(former: Capture | None) -> Iterator[Former | None]:
    """Raises Refused when the former capture's frontier cannot be read."""
    if former is None:
        yield None
        return
    try:
        frontier = Frontier(former.frontier, read_only=True)
    except FrontierUnreadable as error:
        raise Refused(
            [
                Problem(
                    path=former.frontier.as_posix(),
                    code="frontier-unreadable",
                    message=_("the former capture {capture} cannot be read: {error}").format(
                        capture=former.id, error=error
                    ),
                    remedy=_("restore it from its backup, or move its folder out of the store"),
                )
            ]
        ) from None
    with frontier:
        yield Former(former, frontier)
