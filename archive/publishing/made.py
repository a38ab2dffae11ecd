"""What the making of copies is told and gives back: the values that pass between its processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from archive.appearance import Look
from archive.publishing import banner
from archive.publishing.copies import Copies
from archive.publishing.moments import Moments
from archive.store import Capture
from archive.successor import Places
from sitegen.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the index says about one stamped copy."""

    target_uri: str
    name: str
    title: str
    kind: str
    captured_at: str
    date: str
    record_id: str
    payload_digest: str
    removed: Mapping[str, int] = field(default_factory=dict)
    """What was left out of it, by kind."""
    stamped_copy: str = ""
    """File of the stamped copy of a PDF."""


@dataclass(slots=True, kw_only=True)
class Made:
    """What came of a batch. `files`: name → (bytes, SHA-256, whether it was written anew)."""

    pages: list[PageFacts] = field(default_factory=list)
    files: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    """Key of a file → what the first link to it calls it."""
    conversions: list[bytes] = field(default_factory=list)
    """Records for the companion WARC; they go to the disk as they come."""
    unsealed: list[str] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: Made) -> None:
        self.pages += other.pages
        self.files.update(other.files)
        self.leaving.update(other.leaving)
        self.called = {**other.called, **self.called}
        self.unsealed += other.unsealed
        self.removed += other.removed
        self.problems += other.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a worker needs, sent to it once. `companion`: the id of the companion WARC's `warcinfo`."""

    capture: Capture
    folder: Path
    publication: banner.Publication
    places: Places
    copies: Copies
    written_by: Mapping[str, str]
    hosts: tuple[str, ...]
    look: Look
    companion: str
    published_at: datetime
    moments: Moments
    there: frozenset[str]
    """Files that an earlier run left in the folder."""
    called: Mapping[str, str] = field(default_factory=dict)
    """As in `Made`, of all pages."""
