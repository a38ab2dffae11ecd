"""What to render, keep and remove, each with its reason: a pure value made from the pages and what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sitegen.pages import Page
from sitegen.state import Made, Remembered
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`render`: page, its key, why. `keep`: what is remembered of a page whose bytes stay. `remove`: files."""

    render: tuple[tuple[Page, str, str], ...]
    keep: tuple[Made, ...]
    remove: tuple[str, ...]


def make(
    pages: list[Page],
    key_of: Callable[[Page], str],
    remembered: Remembered,
    targets: set[str],
    plain: Mapping[str, str],
) -> Plan:
    """`targets`: paths under content/ a link may lead to now; `plain`: files of the release that no template makes."""
    render: list[tuple[Page, str, str]] = []
    keep: list[Made] = []
    for page in pages:
        key = key_of(page)
        made = remembered.pages.get(page.file)
        reason = _why(made, key, targets)
        if reason is None and made is not None:
            keep.append(made)
        else:
            render.append((page, key, reason or ""))
    here = {page.file for page in pages} | plain.keys()
    gone = sorted((remembered.pages.keys() | remembered.plain.keys()) - here)
    return Plan(render=tuple(render), keep=tuple(keep), remove=tuple(gone))


def _why(made: Made | None, key: str, targets: set[str]) -> str | None:
    if made is None:
        return _("new")
    if not made.digest:
        return _("failed before")
    if made.key != key:
        return _("changed")
    if any((path in targets) != found for path, found in made.reads.items()):
        return _("a link's target came or went")
    return None
