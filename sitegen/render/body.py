"""What rendering one body gives: HTML, headings, and all it depended on besides its own text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    title: str
    anchor: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A rendered body and all it depended on besides its own text.

    `reads`: path under content/ → whether it could be linked to; `anchors`: ids that stand in it;
    `anchor_links`: (path, anchor) pairs it links to; `fallback`: why Python-Markdown was needed, empty if it was not.
    """

    html: str
    headings: tuple[Heading, ...]
    reads: Mapping[str, bool]
    anchors: tuple[str, ...]
    anchor_links: tuple[tuple[str, str], ...]
    fallback: str = field(default="", compare=False)
