"""Which pages the Traditional edition has, and where: each beside its Simplified one, under `/zh-hant/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sitegen.pages.values import Spec, digest_of

if TYPE_CHECKING:
    from sitegen.pages.frame import Frame

PREFIX = "/zh-hant"
RECIPE = "traditional"
_APART = frozenset({"archive", "assets", "messages", "modes", "zh-hant"})
"""First segments that both editions share: archived pages stay as they were, services and settings are one."""
_NOWHERE = frozenset({"/404.html", "/410.html", "/503.html"})
"""They answer for any address, so they have none of their own."""


def has(url: str) -> bool:
    """Whether a root-relative address without query has a counterpart in the edition: pages and feeds, never a file."""
    own = url.endswith(("/", ".html", "/feed.xml")) and url not in _NOWHERE
    return own and url.split("/", 2)[1] not in _APART


def with_twins(frame: Frame, specs: Iterable[Spec]) -> Iterator[Spec]:
    """Each spec and, where the portal has the edition, its counterpart right after it, so that one rendering makes both."""
    if not frame.city.portal.traditional:
        yield from specs
        return
    for spec in specs:
        yield spec
        if has(spec.url):
            yield Spec(
                url=PREFIX + spec.url,
                section=spec.section,
                key=digest_of([RECIPE, spec.key]),
                recipe=(RECIPE, spec.recipe),
                changed=spec.changed,
            )
