"""The ledger of topic plans, `_records/topics/<year>.yml`: what each unit means to make a topic of (第二十一条（四）)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.errors import Problem
from sitegen.text import _

FOLDER = "_records/topics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`filed_on`: the calendar day in Asia/Shanghai on which the unit filed it; `topic`: its folder, when it is made."""

    year: int
    unit: str
    title: str
    filed_on: date
    topic: str


def load(content: Path) -> tuple[list[Plan], list[Problem]]:
    """By year and as they stand. A plan that cannot be read is a Problem and is left out."""
    found: list[Plan] = []
    problems: list[Problem] = []
    for path in sorted((content / FOLDER).glob("*.yml")):
        try:
            raw = yaml.load(files.read(str(path)).decode(), yaml.CSafeLoader)
            year = int(path.stem)
            listed = raw["plans"] if isinstance(raw, dict) else None
            if not isinstance(listed, list):
                raise ValueError(_("there is no list `{name}:`").format(name="plans"))
        except (OSError, ValueError, KeyError, yaml.YAMLError) as error:
            problems.append(_unreadable(path.name, None, str(error).splitlines()[0]))
            continue
        for number, plan in enumerate(listed, 1):
            try:
                found.append(_plan(year, plan))
            except (ValueError, KeyError, TypeError) as error:
                problems.append(_unreadable(path.name, f"plans[{number}]", str(error)))
    return found, problems


def _plan(year: int, raw: dict[str, Any]) -> Plan:
    filed_on = raw["filed_on"]
    if type(filed_on) is not date:
        raise ValueError(_("“{value}” is not a date").format(value=filed_on))
    return Plan(
        year=year,
        unit=str(raw["unit"]),
        title=str(raw["title"]),
        filed_on=filed_on,
        topic=str(raw.get("topic") or ""),
    )


def _unreadable(name: str, key: str | None, message: str) -> Problem:
    return Problem(
        path=f"content/{FOLDER}/{name}",
        code="plans-unreadable",
        key=key,
        message=message,
        remedy=_("write: {line}").format(line="plans: [{unit: jyj, title: …, filed_on: 2026-03-20}]"),
    )
