"""The city as it is shown: sites, columns and editions, with the questions that pages ask of them."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sitegen.archived import Published
from sitegen.editions import Edition
from sitegen.links import Links
from sitegen.model import Article, Column, Interpretation, Leader, Policy, Service, Site
from sitegen.records import Records


@dataclass(frozen=True, kw_only=True)
class City:
    """`editions`: source path → what is shown. All lists are newest first; ties are broken by path."""

    site_url: str
    sites: Mapping[str, Site]
    columns: Mapping[str, Column]
    editions: Mapping[str, Edition]
    expired: Mapping[str, Edition]
    published: tuple[Published, ...]
    records: Records
    links: Links

    @cached_property
    def portal(self) -> Site:
        return self.sites[""]

    @cached_property
    def _listed(self) -> dict[str, list[Edition]]:
        found: dict[str, list[Edition]] = defaultdict(list)
        for edition in self.editions.values():
            if edition.retired is None or self.is_retired_column(edition.article.column):
                found[edition.article.column].append(edition)
        for listed in found.values():
            listed.sort(key=_newest_first)
        return found

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

    def is_retired_column(self, column: str) -> bool:
        return column in self.retired_sections

    def listed(self, column: str) -> list[Edition]:
        """What a column lists: retired articles only in a column that is retired itself."""
        return self._listed.get(column, [])

    def columns_of(self, site: str) -> list[Column]:
        """The live columns directly below a site, in menu order."""
        return sorted(
            (
                column
                for column in self.columns.values()
                if column.site == site and not self.is_retired_column(column.path) and self._parent(column) is None
            ),
            key=lambda column: (column.order, column.path),
        )

    def children(self, column: Column) -> list[Column]:
        return sorted(
            (c for c in self.columns.values() if self._parent(c) == column.path and not self.is_retired_column(c.path)),
            key=lambda c: (c.order, c.path),
        )

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

    @cached_property
    def _by_id(self) -> dict[str, Edition]:
        return {edition.article.id: edition for edition in self.editions.values()}

    def by_id(self, stable_id: str) -> Edition | None:
        return self._by_id.get(stable_id) if stable_id else None

    @cached_property
    def _interpretations(self) -> dict[str, list[Edition]]:
        found: dict[str, list[Edition]] = defaultdict(list)
        for edition in self.editions.values():
            if isinstance(edition.article.details, Interpretation) and edition.retired is None:
                for policy in edition.article.details.interprets:
                    found[policy].append(edition)
        for listed in found.values():
            listed.sort(key=_newest_first)
        return found

    def interpretations(self, policy: Article) -> list[Edition]:
        return self._interpretations.get(policy.id, [])

    @cached_property
    def services(self) -> list[Edition]:
        """Every service guide of the city."""
        return sorted(self._live(Service), key=_newest_first)

    def policies(self, ids: Iterable[str]) -> list[Edition]:
        found = [self.by_id(stable_id) for stable_id in ids]
        return [edition for edition in found if edition is not None and isinstance(edition.article.details, Policy)]

    def _live(self, kind: type) -> list[Edition]:
        return [e for e in self.editions.values() if isinstance(e.article.details, kind) and e.retired is None]

    def neighbours(self, edition: Edition) -> tuple[Edition | None, Edition | None]:
        """(the next older, the next newer) in its column."""
        listed = self.listed(edition.article.column)
        place = next((i for i, other in enumerate(listed) if other is edition), None)
        if place is None:
            return None, None
        older = listed[place + 1] if place + 1 < len(listed) else None
        return older, listed[place - 1] if place else None


def _newest_first(edition: Edition) -> tuple[int, float, str]:
    """Leaders stand in protocol order, all else newest first."""
    article = edition.article
    order = article.details.order if isinstance(article.details, Leader) else 0
    return (order, -article.date.timestamp(), article.path)
