"""Change filing (第十四条): what a site is, as values that can be compared with what was filed last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sitegen.lifecycle import SiteRecord
from sitegen.model import Column, Site
from sitegen.text import _

FILED = "filed"
_KEYS = ("title", "sponsor", "operator", "leader", "person", "liaison", "phone", "email", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`old` is empty where nothing was filed."""

    key: str
    old: str
    new: str

    def __str__(self) -> str:
        return _("{key}: “{old}” is now “{new}”").format(key=self.key, old=self.old, new=self.new)


def present(site: Site, columns: Iterable[Column], address: str) -> dict[str, str]:
    """主办单位、负责人、联系方式、域名、栏目主体结构 as they are now. `address`: where the site is, with its scheme.

    Of the columns those count that stand directly below the site: `folder=title`, by folder.
    """
    depth = site.path.count("/") + (2 if site.path else 1)
    main = sorted(
        f"{column.path.rsplit('/', 1)[-1]}={column.title}"
        for column in columns
        if column.site == site.path and column.kind == "column" and column.path.count("/") + 1 == depth
    )
    return {**{key: getattr(site, key) for key in _KEYS}, "address_of_site": address, "columns": "; ".join(main)}


def changes(record: SiteRecord | None, now: Mapping[str, str]) -> list[Change]:
    """What differs from the last `filed` event; without one, nothing was ever filed and everything is told as one."""
    last = record.last(FILED) if record else None
    if last is None:
        return [Change(key="site", old="", new=now["title"])]
    return [
        Change(key=key, old=last.facts.get(key, ""), new=value)
        for key, value in now.items()
        if last.facts.get(key, "") != value
    ]
