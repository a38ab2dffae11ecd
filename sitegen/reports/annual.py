"""《政府网站工作年度报表》 (第十九条(七), 国办函〔2018〕12号): its cells, what is computed, what people type, and whether it agrees.

`_records/annual/<year>.yml` (`<year>-<site>.yml` for another site than the portal) is the record; the page is made of
it alone, so what was published does not change when an old text does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sitegen.errors import Problem
from sitegen.model import Site
from sitegen.rules import folders
from sitegen.text import _

FOLDER = "_records/annual"
AUTOMATIC = "自动统计"
Value = int | float | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`kind`: number, yes-no or text; `computed`: the name of what fills it, empty: a person types it."""

    key: str
    title: str
    unit: str
    kind: str
    computed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A record, checked at the door. `computed` and `typed`: key → value; what is typed stands before what is computed
    only where nothing was computed. `published_on` None: not public."""

    name: str
    year: int
    site: str
    computed: Mapping[str, Value]
    typed: Mapping[str, Value]
    columns: tuple[tuple[str, int], ...]
    months: tuple[int, ...]
    published_on: date | None

    @property
    def values(self) -> Mapping[str, Value]:
        return {**self.typed, **self.computed}

    @property
    def path(self) -> str:
        return f"content/{FOLDER}/{self.name}.yml"


@cache
def sections() -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    """The form: sections in its order."""
    return tuple(
        (
            section["title"],
            tuple(
                Cell(
                    key=cell["key"],
                    title=cell["zh"],
                    unit=cell.get("unit") or "",
                    kind=cell["kind"],
                    computed=cell.get("computed") or "",
                )
                for cell in section["cells"]
            ),
        )
        for section in _form()["sections"]
    )


@cache
def _form() -> Mapping[str, Any]:
    raw: Mapping[str, Any] = yaml.load(Path(__file__).with_name("annual.yml").read_text("utf-8"), yaml.CSafeLoader)
    return raw


def cells() -> dict[str, Cell]:
    return {cell.key: cell for _title, listed in sections() for cell in listed}


def name_of(year: int, site: str) -> str:
    return f"{year}-{site.replace('/', '--')}" if site else str(year)


def load(content: Path) -> tuple[list[Report], list[Problem]]:
    """By name. A record that cannot be read is a Problem and is left out; a wrong cell is a Problem and is left out of it."""
    remedy = _("see docs/FORMATS.md §1.12 for the form of the file")
    folder = folders.Folder(name=FOLDER, code="annual-unreadable", remedy=remedy)
    parsed, problems = folder.each(content, parse, "20??*.yml")
    return [report for report, _wrong in parsed], problems + [one for _report, wrong in parsed for one in wrong]


def parse(name: str, raw: Mapping[str, Any]) -> tuple[Report, list[Problem]]:
    """Raises ValueError, TypeError or KeyError for what is no record."""
    problems: list[Problem] = []
    published = folders.day_or_none(raw.get("published_on"))
    months = tuple(int(number) for number in raw.get("months") or ())
    if len(months) not in (0, 12):
        raise ValueError(_("`{key}` is no list of twelve numbers").format(key="months"))
    report = Report(
        name=name,
        year=int(raw["year"]),
        site=str(raw.get("site") or ""),
        computed=_values(name, raw.get("computed") or {}, problems),
        typed=_values(name, raw.get("typed") or {}, problems),
        columns=tuple((str(title), int(count)) for title, count in (raw.get("columns") or {}).items()),
        months=months,
        published_on=published,
    )
    return report, problems


def _values(name: str, raw: Mapping[str, Any], problems: list[Problem]) -> dict[str, Value]:
    known, found = cells(), {}
    for key, value in raw.items():
        cell = known.get(str(key))
        if cell is None:
            remedy = _("see docs/FORMATS.md §1.11")
            problems.append(
                _problem(name, _("the form has no such cell"), remedy, code="annual-cell-unknown", key=str(key))
            )
        elif value is None:
            continue
        elif (good := _good(cell, value)) is None:
            problems.append(
                _problem(name, _("{value} does not fit {title}").format(value=repr(value), title=cell.title),
                         _("write a number of at least 0, or true or false, as the cell asks"), code="annual-cell-wrong", key=cell.key)
            )  # fmt: skip
        else:
            found[cell.key] = good
    return found


def _good(cell: Cell, value: object) -> Value | None:
    if cell.kind == "number":
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        return value if is_number else None  # type: ignore[return-value]
    if cell.kind == "yes-no":
        return value if isinstance(value, bool) else None
    return value.isoformat() if isinstance(value, date) else str(value).strip() or None


def check(report: Report, computed_now: Mapping[str, Value] | None = None) -> list[Problem]:
    """Cells that are missing, sums that do not agree, and numbers typed or kept that the city's own data contradict."""
    problems = []
    values = report.values
    missing = [cell.title for cell in cells().values() if cell.key not in values and cell.kind != "text"]
    if missing:
        problems.append(
            _problem(report.name, _("nothing is written for: {cells}").format(cells="、".join(missing)),
                     _("type them under `typed`; 0 and false are answers too"), code="annual-cell-missing", key=None)
        )  # fmt: skip
    for rule in _form()["checks"]:
        left, right = _sum(values, rule["left"]), _sum(values, rule.get("at_least") or rule["equals"])
        if left is None or right is None:
            continue
        if (left < right) if "at_least" in rule else (left != right):
            problems.append(
                _problem(report.name, f"{rule['zh']}：{left:g}，{right:g}",
                         _("correct the cell that is wrong"), code="annual-contradiction", key=rule["left"][0])
            )  # fmt: skip
    for key, now in (computed_now or {}).items():
        said = report.typed.get(key, report.computed.get(key))
        if said is not None and said != now:
            problems.append(
                _problem(report.name, _("the record says {said}, the city's data {now}").format(said=said, now=now),
                         _("take the typed number out, or write the record anew: {command}").format(command=f"sitegen report annual {report.year}"), code="annual-differs", key=key)
            )  # fmt: skip
    return problems


def _sum(values: Mapping[str, Value], keys: list[str]) -> float | None:
    found = [values[key] for key in keys if key in values]
    return sum(float(value) for value in found) if len(found) == len(keys) else None


def identity(site: Site, site_url: str, units: Mapping[str, str]) -> dict[str, Value]:
    """What of the form follows from the site itself."""
    kind = {"portal": "政府门户网站", "county": "政府门户网站", "department": "部门网站"}[site.kind]
    said: dict[str, Value] = {
        "site_name": site.title,
        "home_url": site_url.rstrip("/") + (f"/{site.path}/" if site.path else "/"),
        "sponsor": units.get(site.sponsor, site.sponsor),
        "site_kind": kind,
        "id_code": site.id_code,
        "icp": site.icp,
        "police": site.police,
        "phone": site.phone,
    }
    return {key: value for key, value in said.items() if value != ""}


def dump(report: Report) -> str:
    """The record as YAML; what people typed is kept."""
    raw = {
        "year": report.year,
        "site": report.site,
        "published_on": report.published_on,
        "computed": dict(report.computed),
        "typed": {cell.key: report.typed.get(cell.key) for cell in cells().values() if cell.key not in report.computed},
        "columns": dict(report.columns),
        "months": list(report.months),
    }
    return yaml.safe_dump(raw, allow_unicode=True, sort_keys=False, width=120)


def _problem(name: str, message: str, remedy: str, *, code: str, key: str | None) -> Problem:
    path = f"content/{FOLDER}/{name}.yml"
    return Problem(path=path, code=code, severity="warning", key=key, message=message, remedy=remedy)
