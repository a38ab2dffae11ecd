"""The ledger of citizens' messages, `_records/messages/*.yml`: when each one arrived, went on and was answered (第十九条(五))."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from sitegen import files, frontmatter
from sitegen.errors import Problem
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
    found: list[Message] = []
    problems: list[Problem] = []
    for path in sorted((content / FOLDER).glob("*.yml")):
        try:
            raw = yaml.load(files.read(str(path)).decode(), yaml.CSafeLoader)
            found.append(parse(path.stem, raw if isinstance(raw, dict) else {}))
        except (OSError, ValueError, yaml.YAMLError) as error:
            problems.append(
                Problem(
                    path=f"content/{FOLDER}/{path.name}",
                    code="message-unreadable",
                    message=str(error).splitlines()[0],
                    remedy=_("see docs/FORMATS.md §1.6; a moment is written 2026-11-22 09:30"),
                )
            )
    return found, problems


def find(content: Path, name: str) -> Message | None:
    """One message; None when it is not in the ledger, or cannot be read."""
    try:
        raw = yaml.load(files.read(str(content / FOLDER / f"{name}.yml")).decode(), yaml.CSafeLoader)
        return parse(name, raw if isinstance(raw, dict) else {})
    except (OSError, ValueError, yaml.YAMLError):
        return None


def parse(name: str, raw: dict[str, Any]) -> Message:
    """Raises ValueError."""
    moments = {step: _moment(step, raw.get(step)) for step in STEPS}
    if moments["received"] is None:
        raise ValueError(_("`{key}` is missing").format(key="received"))
    known = [(step, moment) for step in STEPS if (moment := moments[step]) is not None]
    for (before, earlier), (after, later) in itertools.pairwise(known):
        if later < earlier:
            raise ValueError(_("`{after}` is before `{before}`").format(after=after, before=before))
    return Message(id=name, unit=str(raw.get("unit") or ""), **moments)  # type: ignore[arg-type]


def _moment(step: str, value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):  # YAML reads `2026-11-22 09:30:00` itself, without a zone
        value = value.isoformat(sep=" ", timespec="minutes")
    moment, timed = frontmatter.parse_moment(value.isoformat() if type(value) is date else str(value))
    if not timed:
        raise ValueError(_("`{key}` needs a time of day").format(key=step))
    return moment
