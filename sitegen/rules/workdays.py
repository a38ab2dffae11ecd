"""Working time: working days with 调休, and half of one in hours (第十九条(五), 第二十条(四)).

The State Council's calendar is a kept library; a year that it does not know yet stands in the project's own file. A
year that neither knows counts Monday to Friday, and that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import yaml

from sitegen.clock import SHANGHAI
from sitegen.errors import Problem
from sitegen.text import _

FILE = "_records/holidays.yml"
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
HOURS = ((time(9, 0), time(12, 0)), (time(13, 0), time(18, 0)))
"""Office hours where the project names none: a working day has eight hours."""


@dataclass(slots=True, kw_only=True)
class Workdays:
    """`holidays`, `workdays`: days that the project decided, before the library is asked. `unknown` gathers the years
    that were asked about and that nobody knows."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    hours: tuple[tuple[time, time], ...] = HOURS
    problems: tuple[Problem, ...] = ()
    unknown: set[int] = field(default_factory=set)

    def is_workday(self, day: date) -> bool:
        if day in self.holidays or day in self.workdays:
            return day in self.workdays
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:  # how the library says that it does not know the year
            if not any(known.year == day.year for known in self.holidays | self.workdays):
                self.unknown.add(day.year)
            return day.weekday() < 5

    def after(self, start: datetime, days: float) -> datetime:
        """The moment `days` working days of office hours later; 0.5 is half of a day's hours. Asia/Shanghai.

        What arrives outside office hours begins to count when they begin again.
        """
        left = self._day * days
        for begin, end in self._spans(start.astimezone(SHANGHAI)):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        raise AssertionError("there is always another working day")

    def between(self, start: datetime, end: datetime) -> float:
        """How many working days of office hours passed; 0 when `end` is not later."""
        passed = timedelta()
        for begin, close in self._spans(start.astimezone(SHANGHAI)):
            if begin >= end:
                break
            passed += min(close, end) - begin
        return passed / self._day

    def days_after(self, start: date, days: int) -> date:
        """The `days`-th working day after `start`."""
        day = start
        while days > 0:
            day += timedelta(days=1)
            days -= self.is_workday(day)
        return day

    def tell_unknown(self) -> list[Problem]:
        return [
            Problem(
                path=f"content/{FILE}",
                code="calendar-year-unknown",
                severity="warning",
                key=str(year),
                message=_("the holidays of {year} are not known: Monday to Friday were counted").format(year=year),
                remedy=_("write the days of the State Council's notice: {line}").format(
                    line=f"holidays: [{year}-01-01], workdays: [{year}-01-03]"
                ),
            )
            for year in sorted(self.unknown)
        ]

    @property
    def _day(self) -> timedelta:
        anchor = date(2000, 1, 1)
        spans = [datetime.combine(anchor, end) - datetime.combine(anchor, begin) for begin, end in self.hours]
        return sum(spans, timedelta())

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Office hours from `start` on, the first one cut."""
        day = start.date()
        while True:
            if self.is_workday(day):
                for begin, end in self.hours:
                    opens = max(datetime.combine(day, begin, SHANGHAI), start)
                    closes = datetime.combine(day, end, SHANGHAI)
                    if opens < closes:
                        yield opens, closes
            day += timedelta(days=1)


def load(content: Path) -> Workdays:
    """`holidays.yml`: `holidays: [2027-01-01]`, `workdays: [2027-01-03]`, `hours: ["08:30-12:00", "13:30-18:00"]`.

    What cannot be read is a Problem and is left out.
    """
    problems: list[Problem] = []

    def report(key: str | None, message: str) -> None:
        problems.append(
            Problem(
                path=f"content/{FILE}",
                code="holidays-unreadable",
                key=key,
                message=message,
                remedy=_("see docs/FORMATS.md §1.6 for the form of the file"),
            )
        )

    try:
        raw = yaml.load((content / FILE).read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return Workdays()
    except (OSError, ValueError, yaml.YAMLError) as error:
        report(None, str(error).splitlines()[0])
        raw = {}
    if not isinstance(raw, dict):
        report(None, _("the file holds no `{key}:`").format(key="holidays"))
        raw = {}
    days = {key: _days(raw.get(key), key, report) for key in ("holidays", "workdays")}
    for day in sorted(days["holidays"] & days["workdays"]):
        report("workdays", _("{day} is named as both").format(day=day))
    hours = _hours(raw.get("hours"), report)
    return Workdays(
        holidays=days["holidays"] - days["workdays"], workdays=days["workdays"], hours=hours, problems=tuple(problems)
    )


def _days(listed: Any, key: str, report: Any) -> frozenset[date]:
    found = set()
    for day in listed if isinstance(listed, list) else [listed] if listed is not None else []:
        if type(day) is date:
            found.add(day)
        else:
            report(key, _("“{value}” is not a date").format(value=day))
    return frozenset(found)


def _hours(listed: Any, report: Any) -> tuple[tuple[time, time], ...]:
    if listed is None:
        return HOURS
    found: list[tuple[time, time]] = []
    for span in listed if isinstance(listed, list) else [listed]:
        match = _SPAN.fullmatch(str(span))
        begin, end = (time(int(match[n]), int(match[n + 1])) for n in (1, 3)) if match else (time(), time())
        if begin >= end or (found and found[-1][1] > begin):
            report("hours", _("“{value}” is no span of office hours after the one before").format(value=span))
            return HOURS
        found.append((begin, end))
    return tuple(found) or HOURS
