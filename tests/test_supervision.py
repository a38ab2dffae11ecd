"""When the reading log, the quarter's result and the annual report are due, on both sides of each day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sitegen.rules import registry, supervision, workdays
from sitegen.rules.supervision import Kept

NUMBERS = registry.numbers(registry.load())
CALENDAR = workdays.load(Path("/nowhere"))


def told(today: date, **kept: object) -> dict[str, tuple[str, bool]]:
    """Code → (place, whether it is overdue)."""
    values: dict[str, object] = {
        "oldest": date(2025, 3, 1), "logged": (), "quarters": ("2025Q4", "2026Q3"), "years": (2025,), "sponsor": "zfb",
        "operator": "xzspj", **kept,
    }  # fmt: skip
    found = supervision.duties(Kept(**values), CALENDAR, today, NUMBERS)  # type: ignore[arg-type]
    return {one.problem.code: (one.problem.path, one.by is not None and one.by < today) for one in found}


@pytest.mark.parametrize(("today", "late"), [(date(2026, 1, 31), False), (date(2026, 2, 1), True)])
def test_the_annual_report_is_public_by_january_31(today: date, late: bool) -> None:
    assert told(today, years=()) == {"duty-annual-report": ("content/_records/annual/2025.yml", late)}
    assert told(today) == {}
    assert told(today, years=(), oldest=date(2026, 1, 1), quarters=()) == {}


@pytest.mark.parametrize(("today", "late"), [(date(2026, 10, 30), False), (date(2026, 10, 31), True)])
def test_a_quarters_result_is_public_within_a_month_of_its_end(today: date, late: bool) -> None:
    assert told(today, quarters=("2026Q2",)) == {
        "duty-quarter-unpublished": ("content/_records/inspections/2026Q3.yml", late)
    }
    assert told(today) == {}


def test_every_working_day_has_its_log_once_there_is_one() -> None:
    """Friday is asked for on Monday; the weekend is not."""
    monday, friday, thursday = date(2026, 11, 23), date(2026, 11, 20), date(2026, 11, 19)
    assert told(monday, logged=(thursday, friday)) == {}
    assert told(monday, logged=(thursday,)) == {
        "duty-reading-missing": ("content/_records/inspections/2026-11-20.yml", True)
    }
    assert told(monday) == {}


def test_a_city_without_texts_owes_nothing() -> None:
    assert told(date(2026, 2, 1), oldest=None, years=(), quarters=()) == {}
