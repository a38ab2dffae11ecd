"""The ledger of citizens' messages, `_records/messages/*.yml`: when each one arrived, went on and was answered (第十九条(五))."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sitegen import frontmatter
from sitegen.errors import Problem
from sitegen.rules import folders
from sitegen.text import _

FOLDER = "_records/messages"
STEPS = ("received", "forwarded", "answered", "reviewed", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`unit` answers. Moments are aware, Asia/Shanghai; None: not yet. The text itself is never in the ledger."""

    id: str
    unit: str
    received: datetime
    forwarded: datetime | None
    answered: datetime | None
    reviewed: datetime | None
    published: datetime | None

    @property
    def path(self) -> str:
        return f"content/{FOLDER}/{self.id}.yml"


def load(content: Path) -> tuple[list[Message], list[Problem]]:
    """By id. A file that cannot be read, or whose moments run backwards, is a Problem and is left out."""
    remedy = _("see docs/FORMATS.md §1.6; a moment is written 2026-11-22 09:30")
    return folders.Folder(name=FOLDER, code="message-unreadable", remedy=remedy).each(content, parse)


def find(content: Path, name: str) -> Message | None:
    """One message; None when it is not in the ledger, or cannot be read."""
    try:
        return parse(name, folders.mapping(content / FOLDER / f"{name}.yml"))
    except folders.BAD:
        return None


def parse(name: str, raw: dict[str, Any]) -> Message:
    """Raises ValueError."""
    moments = {step: moment(step, raw.get(step)) for step in STEPS}
    if moments["received"] is None:
        raise ValueError(_("`{key}` is missing").format(key="received"))
    known = [(step, at) for step in STEPS if (at := moments[step]) is not None]
    for (before, earlier), (after, later) in itertools.pairwise(known):
        if later < earlier:
            raise ValueError(_("`{after}` is before `{before}`").format(after=after, before=before))
    return Message(id=name, unit=str(raw.get("unit") or ""), **moments)  # type: ignore[arg-type]


def moment(key: str, value: object) -> datetime | None:
    """Aware, Asia/Shanghai; None: it has not come. Raises ValueError, also for a day without its time."""
    if value is None:
        return None
    if isinstance(value, datetime):  # YAML reads `2026-11-22 09:30:00` itself, without a zone
        value = value.isoformat(sep=" ", timespec="minutes")
    found, timed = frontmatter.parse_moment(value.isoformat() if type(value) is date else str(value))
    if not timed:
        raise ValueError(_("`{key}` needs a time of day").format(key=key))
    return found
