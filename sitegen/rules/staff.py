"""What `_records/people.yml` and `units.yml` say beyond roles: accounts, passwords, training, contacts (第七, 十九, 二十一条)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sitegen.errors import Problem
from sitegen.records import entries
from sitegen.text import _

CONTACTS = ("leader", "department", "liaison")
"""What a content unit names (第二十一条(一))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`on`: when somebody came or went; `account_on`: when the account followed; None: it has not."""

    on: date
    account_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person with an account. Dates are calendar days in Asia/Shanghai; None: nobody recorded one."""

    id: str
    unit: str
    since: date | None
    password_changed_on: date | None
    trained_on: date | None
    languages: frozenset[str]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    members: Mapping[str, Member]
    contacts: Mapping[str, Mapping[str, str]]
    """Unit → who it names."""
    problems: tuple[Problem, ...]


def load(content: Path) -> Staff:
    """A date that is none is a Problem and counts as not recorded; what `records.load` tells is not told again."""
    problems: list[Problem] = []
    members = {str(raw["id"]): _member(raw, problems) for raw in entries(content, "people", [])}
    contacts = {
        str(raw["id"]): {key: str(raw.get(key) or "") for key in CONTACTS} for raw in entries(content, "units", [])
    }
    return Staff(members=members, contacts=contacts, problems=tuple(problems))


def _member(raw: Mapping[str, Any], problems: list[Problem]) -> Member:
    name = str(raw["id"])

    def day(key: str, value: object) -> date | None:
        if value is None or type(value) is date:
            return value
        problems.append(
            Problem(
                path="content/_records/people.yml",
                code="record-date",
                severity="warning",
                key=f"{name}.{key}",
                message=_("“{value}” is not a date").format(value=value),
                remedy=_("write: {line}").format(line=f"{key}: 2026-11-22"),
            )
        )
        return None

    changes = []
    for change in raw.get("changes") or ():
        on = day("changes.on", change.get("on")) if isinstance(change, dict) else None
        if on is not None:
            changes.append(Change(on=on, account_on=day("changes.account_on", change.get("account_on"))))
    languages = raw.get("languages") or ()
    return Member(
        id=name,
        unit=str(raw.get("unit") or ""),
        since=day("since", raw.get("since")),
        password_changed_on=day("password_changed_on", raw.get("password_changed_on")),
        trained_on=day("trained_on", raw.get("trained_on")),
        languages=frozenset(map(str, languages if isinstance(languages, list) else [languages])),
        changes=tuple(changes),
    )
