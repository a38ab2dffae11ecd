"""What to render, keep and remove of a section, each with its reason: a pure value made of specs and what is remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sitegen.pages import Spec
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`render`: spec and why; `remove`: files."""

    render: tuple[tuple[Spec, str], ...]
    remove: tuple[str, ...]


def make(specs: Iterable[Spec], remembered: Mapping[str, str], questioned: Collection[str]) -> Plan:
    """`remembered`: file → key as it was made, empty when it could not be made; `questioned`: files with a link whose
    target came or went."""
    render: list[tuple[Spec, str]] = []
    here: set[str] = set()
    for spec in specs:
        here.add(spec.file)
        reason = _why(spec, remembered.get(spec.file), questioned)
        if reason:
            render.append((spec, reason))
    return Plan(render=tuple(render), remove=tuple(sorted(remembered.keys() - here)))


def _why(spec: Spec, key: str | None, questioned: Collection[str]) -> str:
    if key is None:
        return _("new")
    if not key:
        return _("failed before")
    if key != spec.key:
        return _("changed")
    if spec.file in questioned:
        return _("a link's target came or went")
    return ""
