"""At which other times a page was captured: what its stamp leads to beside the page itself (其他时点)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from archive import canon
from sitegen.clock import SHANGHAI

LISTED = 3
"""So many are named one by one; the catalogue has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`on`: the day of that capture in Asia/Shanghai; `url`: its copy, root-relative."""

    on: date
    url: str


Moments = Mapping[str, Sequence[Moment]]


def elsewhere(indexes: Iterable[Mapping[str, Any]]) -> Moments:
    """Address, by http or https alike, → its copies in the site's other publications (FORMATS §4), in their order."""
    found: dict[str, list[Moment]] = defaultdict(list)
    for index in indexes:
        for page in index["pages"]:
            on = datetime.fromisoformat(page["captured_at"]).astimezone(SHANGHAI).date()
            found[address(page["target_uri"])].append(Moment(on=on, url=page["url"]))
    return dict(found)


def address(url: str) -> str:
    """What stays the same of a page's address when its site goes over to https."""
    return canon.key(url).partition(":")[2]
