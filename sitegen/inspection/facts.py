"""What an inspection looks at, as values; and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sitegen.errors import Problem
from sitegen.inspection.profile import Indicator
from sitegen.model import Column, Site
from sitegen.records import Records
from sitegen.rules import messages
from sitegen.rules.messages import Message
from sitegen.rules.workdays import Workdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A service guide; `missing`: classes of elements that it does not state."""

    path: str
    column: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedItem:
    """One listed text: when it says that it was published, when its last version was signed."""

    path: str
    column: str
    published: datetime
    signed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One probe of a running site: `seconds` until it stood open; `ok` False: it did not open."""

    site: str
    at: datetime
    seconds: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of a city that the indicators ask for. Keys of mappings are paths under content/; `now` is aware.

    `newest`: column → newest listed publication date, no entry: blank. `forged`: texts whose date lies before their
    first possible sign-off. `serious`, `writing`, `attachments`: what the content checks told, by place.
    """

    now: datetime
    site_url: str
    sites: Mapping[str, Site]
    columns: Mapping[str, Column]
    records: Records
    newest: Mapping[str, date]
    counts: Mapping[str, int]
    messages: tuple[Message, ...] = ()
    workdays: Workdays
    guides: tuple[Guide, ...] = ()
    dead_links: tuple[tuple[str, str], ...] = ()
    """(source, target) of links within the city that lead nowhere."""
    broken_relations: tuple[tuple[str, str, str], ...] = ()
    forged: tuple[DatedItem, ...] = ()
    serious: tuple[Problem, ...] = ()
    writing: tuple[Problem, ...] = ()
    attachments: tuple[Problem, ...] = ()
    external: tuple[Problem, ...] = ()
    visits: tuple[Visit, ...] = ()

    @property
    def today(self) -> date:
        return self.now.date()

    def columns_of(self, site: str) -> list[Column]:
        """Of one site, by path."""
        return [column for _path, column in sorted(self.columns.items()) if column.site == site]

    def site_of(self, place: str) -> str:
        """The site in which a file under content/ stands."""
        folder = place.removeprefix("content/").rpartition("/")[0]
        while folder and folder not in self.sites:
            folder = folder.rpartition("/")[0]
        return folder

    def owner_of(self, place: str) -> str:
        """The unit that answers for a file under content/: a message's, its column's, else its site's."""
        if place.startswith(f"content/{messages.FOLDER}/"):
            return next((message.unit for message in self.messages if message.path == place), self.sites[""].unit)
        folder = place.removeprefix("content/").rpartition("/")[0]
        while folder and folder not in self.columns and folder not in self.sites:
            folder = folder.rpartition("/")[0]
        column = self.columns.get(folder)
        return column.owner if column else self.sites[folder if folder in self.sites else ""].unit


def by_site(facts: Facts) -> dict[str, Facts]:
    """The facts as each site is measured by: of what stands at a place, what stands on that site. One pass over all of
    it: a city of forty sites and twenty thousand findings is not looked through forty times."""
    placed: dict[str, Sequence[tuple[str, object]]] = {
        "guides": [(one.path, one) for one in facts.guides],
        "forged": [(one.path, one) for one in facts.forged],
        "dead_links": [(one[0], one) for one in facts.dead_links],
        "broken_relations": [(one[0], one) for one in facts.broken_relations],
        "serious": [(one.path, one) for one in facts.serious],
        "writing": [(one.path, one) for one in facts.writing],
        "attachments": [(one.path, one) for one in facts.attachments],
        "external": [(one.path, one) for one in facts.external],
    }
    parts: dict[str, dict[str, list[object]]] = {path: {name: [] for name in placed} for path in facts.sites}
    for name, items in placed.items():
        for place, one in items:
            parts[facts.site_of(place)][name].append(one)
    return {
        path: replace(facts, **{name: tuple(items) for name, items in part.items()})  # type: ignore[arg-type]
        for path, part in parts.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to mend: `unit` answers for it until `by`; `article` is what asks for it."""

    indicator: str
    article: str
    site: str
    unit: str
    by: date
    problem: Problem

    def as_json(self) -> dict[str, object]:
        return {
            "indicator": self.indicator,
            "article": self.article,
            "site": self.site,
            "unit": self.unit,
            "by": self.by.isoformat(),
            **self.problem.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one indicator found on one site. `vetoed`: the threshold of a veto is reached. `looked` False: software did
    not, or could not, look; `why` says what to do about that."""

    indicator: Indicator
    findings: tuple[Finding, ...] = ()
    vetoed: bool = False
    looked: bool = True
    why: str = ""

    @property
    def deducted(self) -> float:
        """Points, never more than the indicator's own."""
        if self.indicator.points is None:
            return 0.0
        return min(len(self.findings) * float(self.indicator.points.value), self.indicator.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteResult:
    """One site measured by a whole profile. `score` is None when a veto ended the inspection."""

    site: str
    title: str
    unit: str
    measured: tuple[Measured, ...]
    score: float | None
    passed: bool

    @property
    def findings(self) -> list[Finding]:
        return [finding for one in self.measured for finding in one.findings]

    @property
    def vetoes(self) -> list[str]:
        return [one.indicator.id for one in self.measured if one.vetoed]
