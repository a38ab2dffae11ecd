"""What falls due of supervision: the reading log, the quarter's public result, the annual report (第十九, 二十条)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sitegen.errors import Problem
from sitegen.rules.facts import Duty
from sitegen.rules.workdays import Workdays
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`oldest`: when the city's first listed text was published, None: there is none; `logged`: days with a reading log;
    `quarters`, `years`: those whose result or report of the portal is public."""

    oldest: date | None
    logged: Collection[date]
    quarters: Collection[str]
    years: Collection[int]
    sponsor: str
    operator: str


def duties(kept: Kept, workdays: Workdays, today: date, numbers: Mapping[str, Any]) -> list[Duty]:
    """Nothing is asked of a time before the city's first text; the log of a day is asked for from the first log on."""
    if kept.oldest is None:
        return []
    return [*_reading(kept, workdays, today), *_quarter(kept, today, numbers), *_annual(kept, today, numbers)]


def _reading(kept: Kept, workdays: Workdays, today: date) -> Iterator[Duty]:
    """第十九条(四): 值班读网 every working day; the last one that has passed is told."""
    day = today - timedelta(days=1)
    while not workdays.is_workday(day):
        day -= timedelta(days=1)
    if kept.logged and min(kept.logged) <= day and day not in kept.logged:
        yield _duty(
            "YZ-33", kept.operator, day, code="duty-reading-missing", path=f"content/_records/inspections/{day}.yml",
            message=_("nobody recorded that the site was read on {date}").format(date=day),
            remedy="sitegen inspect --daily",
        )  # fmt: skip


def _quarter(kept: Kept, today: date, numbers: Mapping[str, Any]) -> Iterator[Duty]:
    """第二十条(三): the last quarter's result, of every site, is public some days after its end."""
    begin = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = begin - timedelta(days=1)
    name = f"{last.year}Q{last.month // 3}"
    by = last + timedelta(days=int(numbers["quarter_result_days"]))
    if kept.oldest is not None and kept.oldest <= last and name not in kept.quarters:
        yield _duty(
            "YZ-38", kept.operator, by, code="duty-quarter-unpublished", path=f"content/_records/inspections/{name}.yml",
            message=_("the result of {quarter} is not public").format(quarter=name),
            remedy=_("run `sitegen inspect --quarter {quarter}`, then write `published_on`").format(quarter=name),
        )  # fmt: skip


def _annual(kept: Kept, today: date, numbers: Mapping[str, Any]) -> Iterator[Duty]:
    """第十九条(七): the report of last year is public by January 31."""
    year = today.year - 1
    month, day = (int(part) for part in str(numbers["report_by"]).split("-"))
    if kept.oldest is not None and kept.oldest.year <= year and year not in kept.years:
        yield _duty(
            "YZ-36", kept.sponsor, date(today.year, month, day), code="duty-annual-report",
            path=f"content/_records/annual/{year}.yml",
            message=_("the annual report of {year} is not public").format(year=year),
            remedy=_("run `sitegen report annual {year}`, fill it in, then write `published_on`").format(year=year),
        )  # fmt: skip


def _duty(rule: str, unit: str, by: date, *, code: str, path: str, message: str, remedy: str) -> Duty:
    problem = Problem(path=path, code=code, severity="warning", message=message, remedy=remedy)
    return Duty(rule=rule, unit=unit, by=by, problem=problem)
