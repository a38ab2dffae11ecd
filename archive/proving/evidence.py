"""What a proof looks at and what it notes: the places, the publication, the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from archive import decision
from archive.crawling.frontier import Frontier, FrontierUnreadable, Row
from archive.decision import Decision
from archive.publishing import copies, own, published
from archive.publishing.copies import Copy
from archive.store import Capture
from archive.terms import Excuse
from archive.text import _
from sitegen import records
from sitegen.errors import Problem, Refused

Name = Literal["captured", "stamped", "links", "mapped", "announced"]
NAMES: tuple[Name, ...] = ("captured", "stamped", "links", "mapped", "announced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a proof looks at. `build` holds the live release; `site_url` is the portal's, empty where unknown."""

    capture: Capture
    content: Path
    public: Path
    build: Path
    site_url: str

    @property
    def index(self) -> Path:
        return self.public / self.capture.site / f"{self.capture.timestamp}.json"

    @property
    def copies(self) -> Path:
        return self.index.with_suffix("")

    @property
    def live(self) -> Path:
        """The copies in the live release."""
        return self.build / "site" / "archive" / self.capture.site / self.capture.timestamp

    @property
    def beside(self) -> Path:
        """The folder of what a retirement wrote: redirects, banner."""
        return self.capture.folder.parent


def excuses_of(where: Where) -> tuple[Excuse, ...]:
    """Those of the decision; none when there is no decision here, or one that cannot be read, which others tell."""
    site = where.capture.site
    try:
        there = (where.content / "_archive" / f"{site}.yml").exists()
        return decision.load(where.content, site).terms.excuse if there else ()
    except Refused:
        return ()


def unit_name(where: Where, decided: Decision) -> str:
    """The unit that answers for the site, by its name where the records know it."""
    known, _problems = records.load(where.content)
    unit = decided.unit or ""
    return known.unit_name(unit) if unit in known.units else unit


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the checks note: Problems, and for each aspect the URLs of which it is not proven."""

    problems: list[Problem] = field(default_factory=list)
    failed: dict[Name, set[str]] = field(default_factory=lambda: {name: set() for name in NAMES})
    not_due: dict[Name, str] = field(default_factory=dict)
    looked_at: Counter[str] = field(default_factory=Counter)

    def add(self, path: str | Path, code: str, message: str, remedy: str, key: str | None = None) -> None:
        where = path if isinstance(path, str) else path.as_posix()
        self.problems.append(Problem(path=where, code=code, key=key, message=message, remedy=remedy))

    def fail(self, name: Name, urls: Iterable[str]) -> None:
        self.failed[name].update(urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The publication that is proven: its index, the inventory, and which URL has which copy."""

    where: Where
    decision: Decision
    index: Mapping[str, Any]
    rows: tuple[Row, ...]
    copies: Mapping[str, Copy]

    @property
    def in_place(self) -> bool:
        return self.index.get("mode") == "in-place"

    @property
    def built(self) -> bool:
        """Whether the live release carries this publication."""
        return (self.where.live / copies.NOT_CAPTURED).is_file()

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.index["files"]
        return found


def rows_of(capture: Capture) -> tuple[Row, ...]:
    """The inventory; `verify` has said so when it cannot be read."""
    try:
        with Frontier(capture.frontier, read_only=True) as frontier:
            return tuple(frontier.rows())
    except FrontierUnreadable:
        return ()


def published_of(where: Where, rows: tuple[Row, ...] | None = None) -> Published:
    """The publication of a capture. Raises Refused when it was not published, or nobody has decided on it."""
    index = published.read_index(where.index)
    decided = decision.load(where.content, where.capture.site)
    rows = rows_of(where.capture) if rows is None else rows
    return Published(
        where=where,
        decision=decided,
        index={"files": {}, "pages": [], **index},
        rows=rows,
        copies={} if own.is_own(decided, where.site_url) else copies.plan(rows),
    )


def republish(where: Where) -> str:
    return _("run `archive publish {site}`, then look again").format(site=where.capture.site)
