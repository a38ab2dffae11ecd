"""People and units: who may do what in which column (第十九条(二), 第二十一条(一))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.errors import Problem
from sitegen.ledger import STAGES, Stage
from sitegen.reviews import sshkey
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    stage: Stage
    columns: tuple[str, ...]
    """Folders under content/ and all below them; `portal` = the columns of the portal itself."""
    since: date | None
    until: date | None
    deputy: bool

    def covers(self, column: str, site: str, on: date) -> bool:
        if (self.since and on < self.since) or (self.until and on > self.until):
            return False
        return any(
            (site == "" if name == "portal" else column == name or column.startswith(name + "/"))
            for name in self.columns
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A public key of OpenSSH, as it stands in `id_ed25519.pub`; both days belong to its validity."""

    line: str
    since: date | None
    until: date | None

    def holds(self, on: date) -> bool:
        return not ((self.since and on < self.since) or (self.until and on > self.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    unit: str
    roles: tuple[Role, ...]
    keys: tuple[Key, ...] = ()

    def may(self, stage: Stage, column: str, site: str, on: date) -> bool:
        return any(role.stage == stage and role.covers(column, site, on) for role in self.roles)

    def stages(self, column: str, site: str, on: date) -> set[Stage]:
        """More than one is what 第十九条(二) forbids."""
        return {role.stage for role in self.roles if role.covers(column, site, on)}

    def is_deputy(self, column: str, site: str, on: date) -> bool:
        return any(role.deputy and role.stage == "sign" and role.covers(column, site, on) for role in self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    id: str
    name: str
    short_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    people: Mapping[str, Person]
    units: Mapping[str, Unit]

    def unit_name(self, unit: str) -> str:
        return self.units[unit].name if unit in self.units else unit


def load(content: Path) -> tuple[Records, list[Problem]]:
    """`_records/people.yml` and `units.yml`. A bad entry is a Problem and is left out; a missing file is empty."""
    problems: list[Problem] = []
    people = {p.id: p for raw in entries(content, "people", problems) if (p := _person(raw, problems)) is not None}
    units = {
        str(raw["id"]): Unit(
            id=str(raw["id"]),
            name=str(raw.get("name") or raw["id"]),
            short_name=str(raw.get("short_name") or raw.get("name") or raw["id"]),
        )
        for raw in entries(content, "units", problems)
    }
    return Records(people=people, units=units), problems


def entries(content: Path, name: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """The entries of `_records/<name>.yml` that have an id; what is wrong with the others goes to `problems`."""
    path = content / "_records" / f"{name}.yml"

    def report(message: str, line: int | None = None) -> None:
        problems.append(
            Problem(
                path=f"content/_records/{name}.yml",
                line=line,
                code="record-unreadable",
                message=message,
                remedy=_("see docs/FORMATS.md §1.3 for the form of the file"),
            )
        )

    try:
        document = yaml.load(files.read(str(path)).decode(), yaml.CSafeLoader)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, a folder, an impossible date
        report(str(error))
        return []
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        report(str(getattr(error, "problem", error)), mark.line + 1 if mark else None)
        return []
    listed = document.get(name) if isinstance(document, dict) else None
    if not isinstance(listed, list):
        report(_("there is no list `{name}:`").format(name=name))
        return []
    good = [entry for entry in listed if isinstance(entry, dict) and entry.get("id")]
    if len(good) < len(listed):
        report(_("{count} entries have no id").format(count=len(listed) - len(good)))
    ids = [str(entry["id"]) for entry in good]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        report(_("{id} stands there twice").format(id=twice))
    return good


def _person(raw: dict[str, Any], problems: list[Problem]) -> Person | None:
    try:
        roles = tuple(
            Role(
                stage=_stage(role["stage"]),
                columns=_columns(role["columns"]),
                since=_day(role.get("from")),
                until=_day(role.get("until")),
                deputy=bool(role.get("deputy")),
            )
            for role in raw.get("roles") or ()
        )
    except (KeyError, TypeError, ValueError) as error:
        problems.append(
            Problem(
                path="content/_records/people.yml",
                code="record-role",
                key=str(raw["id"]),
                message=_("a role cannot be read: {error}").format(error=error),
                remedy=_("write {line}").format(line="{stage: edit|review|sign, columns: [jyj], from: 2026-01-05}"),
            )
        )
        return None
    return Person(
        id=str(raw["id"]),
        name=str(raw.get("name") or raw["id"]),
        unit=str(raw.get("unit") or ""),
        roles=roles,
        keys=_keys(raw, problems),
    )


def _keys(raw: dict[str, Any], problems: list[Problem]) -> tuple[Key, ...]:
    """A key that cannot be read signs nothing; the person's other keys and roles stand."""
    listed = raw.get("keys") or []
    found: list[Key] = []
    for entry in listed if isinstance(listed, list) else [listed]:
        try:
            line = str(entry["key"])
            sshkey.blob_of(line)
            found.append(Key(line=line, since=_day(entry.get("from")), until=_day(entry.get("until"))))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(
                Problem(
                    path="content/_records/people.yml",
                    code="record-key",
                    key=str(raw["id"]),
                    message=_("a key cannot be read: {error}").format(error=error),
                    remedy=_("write {line}").format(line="{key: ssh-ed25519 AAAA…, from: 2026-01-05}"),
                )
            )
    return tuple(found)


def _columns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("columns: [jyj]")
    return tuple(str(column) for column in value)


def _day(value: object) -> date | None:
    if value is None or type(value) is date:
        return value
    raise ValueError(f"{value!r}: 2026-01-05")


def _stage(text: object) -> Stage:
    for stage in STAGES:
        if stage == text:
            return stage
    raise ValueError(_("there is no stage {stage}").format(stage=repr(text)))
