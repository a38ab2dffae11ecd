"""The ledger of topic plans, `_records/topics/<year>.yml`: what each unit means to make a topic of (第二十一条（四）)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sitegen.errors import Problem
from sitegen.rules import folders
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
    line = "plans: [{unit: jyj, title: …, filed_on: 2026-03-20}]"
    folder = folders.Folder(name=FOLDER, code="plans-unreadable", remedy=_("write: {line}").format(line=line))
    return folder.yearly(content, "plans", _plan)


def _plan(year: int, raw: dict[str, Any]) -> Plan:
    return Plan(
        year=year,
        unit=str(raw["unit"]),
        title=str(raw["title"]),
        filed_on=folders.day(raw["filed_on"]),
        topic=str(raw.get("topic") or ""),
    )
