"""The city as it is shown: sites, columns and editions, with the questions that pages ask of them."""

from __future__ import annotations

import functools
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from sitegen import archived, editions
from sitegen.archived import Published, Retiring
from sitegen.editions import Edition
from sitegen.inspection.journal import Quarter
from sitegen.lifecycle import Event
from sitegen.links import Links
from sitegen.model import Column, Site
from sitegen.records import Records
from sitegen.reports.annual import Report
from sitegen.state.rows import Line


class Articles(Protocol):
    """What is shown, asked one question at a time. Lists are newest first (leaders in protocol order); ties are broken
    by path."""

    def lines(self, column: str) -> list[Line]: ...

    def newest(self, column: str, count: int) -> list[Line]: ...

    def newest_with_picture(self, column: str, count: int) -> list[Line]: ...

    def last_signed(self, column: str) -> str: ...

    def counts(self) -> dict[str, int]: ...

    def by_id(self, stable_id: str) -> Line | None: ...

    def interpretations(self, policy: str) -> list[Line]: ...

    def services(self) -> list[Line]: ...

    def shown_aside(self, column: str) -> list[Line]: ...

    def expired(self, column: str) -> list[Line]: ...

    def notices(self) -> list[tuple[str, str]]: ...

    def moved(self) -> list[tuple[str, str, Line]]: ...

    def facts(self, path: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class City:
    """`articles` holds what changes daily; everything else is read at the beginning of a build."""

    site_url: str
    sites: Mapping[str, Site]
    columns: Mapping[str, Column]
    published: tuple[Published, ...]
    records: Records
    links: Links
    articles: Articles
    quarters: tuple[Quarter, ...] = ()
    """Results of inspections, by quarter, drafts too."""
    reports: tuple[Report, ...] = ()
    """Annual work reports, by name, drafts too."""
    search_url: str = "/search/"
    """Where the search box leads."""
    retiring: Mapping[str, Retiring] = field(default_factory=dict)
    replay: bool = False
    """Whether ReplayWeb.page is here, to open whole captures."""
    phrases: Mapping[str, str] = field(default_factory=dict)
    """Simplified → Traditional, where the dictionary of the Traditional edition is not to decide."""
    offline: Mapping[str, Event] = field(default_factory=dict)
    """Sites that are offline for the time being, by their folder."""

    @cached_property
    def portal(self) -> Site:
        return self.sites[""]

    @cached_property
    def _published(self) -> Mapping[tuple[str, str], Published]:
        return {(index.site, index.timestamp): index for index in self.published}

    @cached_property
    def edition(self) -> Callable[[str], Edition]:
        """The edition at a path; those asked for last are at hand, because neighbours ask for each other."""
        return functools.lru_cache(maxsize=256)(
            lambda path: editions.from_json(self.articles.facts(path), self._published)
        )

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Column → how many articles it lists."""
        return self.articles.counts()

    @cached_property
    def retired_sections(self) -> dict[str, Published]:
        """Sections (their index.md) that are retired in place."""
        found: dict[str, Published] = {}
        for index in self.published:
            if index.mode == "in-place":
                for page in index.raw.get("pages") or ():
                    source = page.get("source") or ""
                    if posixpath.basename(source) == "index.md":
                        found[posixpath.dirname(source)] = index
        return found

    @cached_property
    def histories(self) -> Mapping[str, list[dict[str, str]]]:
        """Article → the archived pages related to it."""
        return archived.histories(self.published)

    def histories_of(self, column: Column) -> list[tuple[str, list[dict[str, str]]]]:
        """The same for the articles of one column, by path."""
        return [
            (source, told) for source, told in sorted(self.histories.items()) if source.startswith(f"{column.path}/")
        ]

    def is_retired_column(self, column: str) -> bool:
        return column in self.retired_sections

    @cached_property
    def _below(self) -> Mapping[tuple[str, str | None], list[Column]]:
        """(site, parent column) → the live columns directly below, in menu order."""
        found: dict[tuple[str, str | None], list[Column]] = defaultdict(list)
        for column in sorted(self.columns.values(), key=lambda column: (column.order, column.path)):
            if not self.is_retired_column(column.path):
                found[column.site, self._parent(column)].append(column)
        return found

    def columns_of(self, site: str) -> list[Column]:
        """The live columns directly below a site, in menu order."""
        return list(self._below.get((site, None), ()))

    def children(self, column: Column) -> list[Column]:
        return list(self._below.get((column.site, column.path), ()))

    def _parent(self, column: Column) -> str | None:
        above = posixpath.dirname(column.path)
        while above:
            if above in self.columns:
                return above
            if above in self.sites:
                return None
            above = posixpath.dirname(above)
        return None

    def ancestors(self, column: Column) -> list[Column]:
        found = [column]
        while (parent := self._parent(found[0])) is not None:
            found.insert(0, self.columns[parent])
        return found

    def sites_of_kind(self, kind: str) -> list[Site]:
        return [site for _, site in sorted(self.sites.items()) if site.kind == kind]

    def policies(self, ids: Iterable[str]) -> list[Line]:
        found = [self.articles.by_id(stable_id) for stable_id in ids]
        return [line for line in found if line is not None and line.kind == "policy"]
