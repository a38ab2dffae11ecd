"""What is stored, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from sitegen.errors import Problem


class Line(NamedTuple):
    """What lists and neighbours need to know of an article that is shown. `digest` follows from all of its facts,
    `item` from what a list shows of it; `signed_at` is ISO 8601."""

    path: str
    id: str
    kind: str
    digest: str
    item: str
    signed_at: str
    retired: int
    traits: str
    """By what a column's classes find it (`model.traits_of`), a line each."""


class Book(NamedTuple):
    """What is stored of one ledger file. `stood`: paths at which dated articles were signed off."""

    file: str
    section: str
    ids: tuple[str, ...]
    problems: tuple[Problem, ...]
    stood: tuple[str, ...]


class Row(NamedTuple):
    """One judged source. `facts`: its edition as JSON, empty when nothing of it is shown; `next_change`: UTC, ISO.

    A tuple, because each of a hundred thousand travels between processes: as a dataclass that took 50 µs, now 8.
    """

    path: str
    section: str
    """Path of its column; empty: it stands in none."""
    address: str
    id_key: str
    problems: str = ""
    """As `problems_to_json` writes them."""
    counted: tuple[tuple[str, str, str], ...] = ()
    """(severity, code, key) of each problem."""
    pending: bool = False
    next_change: str | None = None
    unsure: bool = False
    linked: tuple[str, ...] = ()
    status: str = "hidden"
    listed: bool = False
    retired: bool = False
    id: str = ""
    kind: str = ""
    rank: int = 0
    stamp: float = 0.0
    """When it was published, in seconds: lists are ordered by rank, then newest first, then path."""
    digest: str = ""
    item: str = ""
    signed_at: str = ""
    retires: str = ""
    picture: bool = False
    traits: str = ""
    facts: str = ""
    relations: tuple[tuple[str, str], ...] = ()
    attachments: tuple[tuple[str, str, str], ...] = ()
    """(path, digest, place) of what is published with it."""


class Made(NamedTuple):
    """One file that was made: `key` of its inputs, `digest` of its bytes (empty: it could not be made), and what
    rendering read and found. The body, named by `body_key` after its inputs, is `length` bytes at `start`."""

    file: str
    section: str
    key: str
    digest: str
    source: str = ""
    reads: Mapping[str, bool] = {}
    anchors: tuple[str, ...] = ()
    anchor_links: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    body_key: str = ""
    start: int = 0
    length: int = 0
    headings: tuple[tuple[str, str, int], ...] = ()
    """(title, anchor, level)."""
    markdown: str = ""
    """How the body was made: `direct`, `kept`, or why Python-Markdown was needed; empty: there is none."""
    shared: bool = False
    """The same bytes stood in the tree before and were linked, not written."""


@dataclass(slots=True)
class Changes:
    """What new rows make questionable. `flipped`: paths that may be linked now and could not before, or the other way
    round; `ids`: stable ids whose text or relations are others; `attachments`: files whose signed bytes may be others."""

    sections: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    attachments: set[str] = field(default_factory=set)
    services: bool = False


def problems_to_json(problems: Iterable[Problem]) -> str:
    """Empty for none, so that the database need not look into it."""
    listed = [problem.as_json() for problem in problems]
    return orjson.dumps(listed).decode() if listed else ""


def counted(problems: Iterable[Problem]) -> tuple[tuple[str, str, str], ...]:
    return tuple([(problem.severity, problem.code, problem.key or "") for problem in problems])


def problems_of(text: str) -> list[Problem]:
    return [Problem(**problem) for problem in orjson.loads(text)] if text else []
