"""The records of inspections: the daily reading log (值班读网, 第十九条(四)) and the quarterly result (第二十条(三))."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from sitegen.errors import Problem
from sitegen.inspection.facts import Facts, Finding, SiteResult
from sitegen.inspection.mending import Mending, id_of
from sitegen.inspection.profile import Profile
from sitegen.rules import folders
from sitegen.text import _

FOLDER = "_records/inspections"
_QUARTER = re.compile(r"(20\d\d)Q([1-4])")
_DAY = re.compile(r"20\d\d-\d\d-\d\d\.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """One published or drafted result. `raw` is the record, checked; `published_on` None: not public yet."""

    name: str
    raw: Mapping[str, Any]
    published_on: date | None


def quarter_of(day: date) -> str:
    """`2026Q4`."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def bounds(quarter: str) -> tuple[date, date] | None:
    """First and last day; None when it is no quarter."""
    match = _QUARTER.fullmatch(quarter)
    if match is None:
        return None
    year, month = int(match[1]), int(match[2]) * 3
    return date(year, month - 2, 1), date(year, month, calendar.monthrange(year, month)[1])


def daily_record(
    day: date, duty: str, items: Iterable[tuple[str, str, str, str]], findings: Iterable[Finding], facts: Facts
) -> str:
    """The log of one day as YAML, pre-filled: a person reads what is listed and writes `read: true`."""
    record = {
        "date": day,
        "duty": duty,
        "items": [
            {"path": path, "title": title, "column": facts.columns[column].title if column in facts.columns else column,
             "published": published, "read": False}
            for path, column, title, published in items
        ],
        "findings": [_finding(finding) for finding in findings],
        "note": "",
    }  # fmt: skip
    return yaml.safe_dump(record, allow_unicode=True, sort_keys=False, width=120)


def quarter_record(
    quarter: str,
    today: date,
    facts: Facts,
    profile: Profile,
    results: Iterable[SiteResult],
    mendings: Mapping[str, Mending],
    by: str,
) -> str:
    """The result of a quarter as YAML: every site, every finding. Public when a person writes `published_on`."""
    listed = list(results)
    begin, end = bounds(quarter) or (today, today)
    mended = [one for one in mendings.values() if not one.is_open and one.mended and begin <= one.mended <= end]
    record = {
        "quarter": quarter,
        "profile": profile.id,
        "document": profile.document,
        "from": begin,
        "until": min(end, today),
        "inspected_on": today,
        "by": by,
        "published_on": None,
        "population": len(facts.sites),
        "checked": len(listed),
        "sites": [_site(result, facts) for result in listed],
        "findings": [_finding(finding) for result in listed for finding in result.findings]
        + [_mended(one) for one in sorted(mended, key=lambda one: one.id)],
    }
    return yaml.safe_dump(record, allow_unicode=True, sort_keys=False, width=120)


def _site(result: SiteResult, facts: Facts) -> dict[str, object]:
    columns = facts.columns_of(result.site)
    return {
        "site": result.site,
        "title": result.title,
        "unit": facts.records.unit_name(result.unit),
        "passed": result.passed,
        "score": result.score,
        "vetoes": result.vetoes,
        "findings": len(result.findings),
        "columns": len(columns),
        "texts": sum(facts.counts.get(column.path, 0) for column in columns),
        "unlooked": [one.indicator.id for one in result.measured if not one.looked],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "id": id_of(finding),
        "indicator": finding.indicator,
        "name": finding.article.rpartition(" ")[2],
        "site": finding.site,
        "unit": finding.unit,
        "by": finding.by,
        "path": finding.problem.path,
        "message": finding.problem.message,
        "mended_on": None,
    }


def _mended(one: Mending) -> dict[str, object]:
    facts = one.facts
    return {
        "id": one.id,
        "indicator": facts["indicator"],
        "name": facts["article"].rpartition(" ")[2],
        "site": facts["site"],
        "unit": facts["unit"],
        "by": one.by,
        "path": facts["path"],
        "message": facts["message"],
        "mended_on": one.mended,
    }


def load_quarters(content: Path) -> tuple[list[Quarter], list[Problem]]:
    """By name. One that cannot be read, or that did not look at every site, is a Problem and is left out."""
    remedy = _("write it anew: {command}").format(command="sitegen inspect --quarter {stem}")
    folder = folders.Folder(name=FOLDER, code="inspection-record-unreadable", remedy=remedy)
    return folder.each(content, _quarter, "20*Q?.yml")


def _quarter(name: str, raw: Any) -> Quarter:
    if bounds(name) is None or raw["quarter"] != name:
        raise ValueError(_("`{key}` is not that of the file").format(key="quarter"))
    published = folders.day_or_none(raw.get("published_on"))
    if not isinstance(raw["sites"], list) or not isinstance(raw["findings"], list):
        raise ValueError(_("`{key}` is no list").format(key="sites"))
    if published is not None and not len(raw["sites"]) == int(raw["checked"]) == int(raw["population"]):
        raise ValueError(
            _("{checked} of {population} sites were checked; all must be (第二十条（三）)").format(
                checked=min(int(raw["checked"]), len(raw["sites"])), population=raw["population"]
            )
        )
    for one in raw["sites"]:
        str(one["title"]), bool(one["passed"]), int(one["findings"])
    for one in raw["findings"]:
        str(one["name"]), str(one["message"]), str(one["site"])
    return Quarter(name=name, raw=raw, published_on=published)


def logged_days(content: Path) -> set[date]:
    """Days of which a reading log exists."""
    folder = content / FOLDER
    return {date.fromisoformat(path.stem) for path in folder.glob("20*-*-*.yml") if _DAY.fullmatch(path.name)}


def person_on_duty(settings: Mapping[str, Any], day: date) -> str:
    """`duty: [甲, 乙]` take turns by the day; empty: the person who reads writes the name."""
    turns = settings.get("duty")
    return str(turns[day.toordinal() % len(turns)]) if isinstance(turns, list) and turns else ""
