"""One build on its way: what its stages hand to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sitegen.config import Project
from sitegen.scan import Scan
from sitegen.state import State
from sitegen.walk import Walk

Progress = Callable[[str, int, int], None]
Fault = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Work:
    """`fault`: called at named points, for tests that end the process there."""

    project: Project
    state: State
    now: datetime
    jobs: int
    progress: Progress
    fault: Fault
    begun: Walk | None = None
    """A walk over the content that was begun before this build."""
    scan: Scan = field(default_factory=Scan)
    reasons: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    """File → digest as it was, of those that are being rendered again."""
    release: str = ""
    markdown: Counter[str] = field(default_factory=Counter)
    all_shared: bool = True
    """Whether every file of the staged tree stood in the live one with the same bytes."""
