"""Folders of records under content/: one YAML file a record, or one a year with a list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sitegen import files
from sitegen.errors import Problem
from sitegen.text import _

T = TypeVar("T")
BAD = (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError)
"""What reading and parsing a record may raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """`name`: its path under content/. A bad file or entry is a Problem of this `code` and is left out; the rest stands.
    `{stem}` in `remedy` is the file's name without its ending."""

    name: str
    code: str
    remedy: str

    def each(
        self, content: Path, parse: Callable[[str, dict[str, Any]], T], pattern: str = "*.yml"
    ) -> tuple[list[T], list[Problem]]:
        """One record a file, by name. `parse` gets the file's stem and its mapping, and raises one of `BAD`."""
        found: list[T] = []
        problems: list[Problem] = []
        for path in sorted((content / self.name).glob(pattern)):
            try:
                found.append(parse(path.stem, mapping(path)))
            except BAD as error:
                problems.append(self.told(path.stem, None, error))
        return found, problems

    def yearly(
        self, content: Path, key: str, parse: Callable[[int, dict[str, Any]], T]
    ) -> tuple[list[T], list[Problem]]:
        """`<year>.yml` with a list under `key`: by year and as they stand."""
        years, problems = self.each(content, lambda stem, raw: (int(stem), listed(raw, key)))
        found: list[T] = []
        for year, entries in years:
            for number, entry in enumerate(entries, 1):
                try:
                    found.append(parse(year, entry))
                except BAD as error:
                    problems.append(self.told(str(year), f"{key}[{number}]", error))
        return found, problems

    def told(self, stem: str, key: str | None, error: Exception) -> Problem:
        return Problem(
            path=f"content/{self.name}/{stem}.yml",
            code=self.code,
            key=key,
            message=str(error).splitlines()[0],
            remedy=self.remedy.replace("{stem}", stem),
        )


def mapping(path: Path) -> dict[str, Any]:
    """What a YAML file holds; empty when that is no mapping. Raises one of `BAD`."""
    raw = yaml.load(files.read(str(path)).decode(), yaml.CSafeLoader)
    return raw if isinstance(raw, dict) else {}


def listed(raw: dict[str, Any], key: str) -> list[Any]:
    """Raises ValueError."""
    if not isinstance(raw.get(key), list):
        raise ValueError(_("there is no list `{name}:`").format(name=key))
    return list(raw[key])


def day(value: object) -> date:
    """Raises ValueError."""
    if type(value) is not date:
        raise ValueError(_("“{value}” is not a date").format(value=value))
    return value


def day_or_none(value: object) -> date | None:
    """Raises ValueError."""
    return None if value is None else day(value)
