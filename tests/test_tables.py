"""Tables of letters and of duties, and the calendar of what falls due."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from sitegen.rules import calendar, duties, registry, tables
from sitegen.rules.workdays import Workdays
from tests.cities import TinyCity
from tests.test_cli import run
from tests.test_duties import NUMBERS, TODAY, at, facts, letter


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-11-23 10:00", "2026-11-24 10:00", 1.0),
        ("2026-11-23 10:00", "2026-11-23 15:00", 0.5),
        ("2026-11-27 17:00", "2026-11-30 17:00", 1.0),
        ("2026-10-09 17:00", "2026-10-10 17:00", 1.0),  # a Saturday that is worked
        ("2026-09-30 18:00", "2026-10-08 09:00", 0.0),
        ("2026-11-24 10:00", "2026-11-23 10:00", 0.0),
    ],
)
def test_working_time_that_passed(start: str, end: str, days: float) -> None:
    assert Workdays().between(at(start), at(end)) == days


def row(**moments: str) -> dict[str, Any]:
    return tables.messages(facts(messages=(letter(**moments),)), NUMBERS)[0]


def test_one_working_day_is_in_time_and_a_minute_more_is_not() -> None:
    """第十九条（五）, over the Saturday that is worked instead of National Day."""
    known = {"received": "2026-10-09 09:00", "forwarded": "2026-10-09 17:00"}
    assert row(**known, answered="2026-10-10 17:00")["answers_overdue"] == 0
    assert row(**known, answered="2026-10-10 17:01")["answers_overdue"] == 1
    assert row(**known)["answers_overdue"] == 1  # not yet, and the limit is over
    assert row(received="2026-11-27 09:00", forwarded="2026-11-27 17:00")["answers_overdue"] == 0


def test_half_a_working_day_is_in_time_and_a_minute_more_is_not() -> None:
    """第二十条（四）."""
    known = {"received": "2026-11-23 09:00", "forwarded": "2026-11-23 09:00", "answered": "2026-11-23 16:00"}
    assert row(**known, reviewed="2026-11-24 11:00")["reviews_overdue"] == 0
    assert row(**known, reviewed="2026-11-24 11:01")["reviews_overdue"] == 1


def test_letters_are_counted_by_unit_and_in_all() -> None:
    fast = letter(received="2026-11-23 09:00", forwarded="2026-11-23 10:00", answered="2026-11-23 15:00")
    slow = replace(
        letter(received="2026-11-23 09:00", forwarded="2026-11-23 10:00", answered="2026-11-24 15:00"), id="m2"
    )
    other = replace(letter(received="2025-12-30 09:00"), id="m3", unit="zfb")
    known = facts(messages=(fast, slow, other))
    rows = {one["unit"]: one for one in tables.messages(known, NUMBERS)}
    assert (rows["jyj"]["received"], rows["jyj"]["answered"], rows["jyj"]["answer_days"]) == (2, 2, 1.0)
    assert (rows["zfb"]["forwarded"], rows["zfb"]["answer_days"]) == (0, None)
    assert (rows[""]["received"], rows[""]["answers_overdue"]) == (3, 1)
    assert [one["received"] for one in tables.messages(known, NUMBERS, 2026)] == [2, 2]


@pytest.mark.parametrize(("age", "late"), [(14, 0), (15, 1), (40, 26)])
def test_the_table_of_duties_says_how_long_a_column_is_overdue(age: int, late: int) -> None:
    """第十八条（三）."""
    known = facts()
    known = replace(known, newest={**known.newest, "zc": TODAY - timedelta(days=age)})
    found = {one["path"]: one for one in tables.duties(known, TODAY)}
    assert (found["zc"]["overdue_days"], found["ld"]["overdue_days"]) == (late, 0)
    assert found["zc"]["content_spec"] == "x"


def test_a_calendar_has_a_day_for_each_duty_and_the_same_name_the_next_time() -> None:
    known, rules = facts(), registry.load()
    found = duties.all_duties(known, TODAY, NUMBERS)
    first, second = (
        Calendar.from_ical(calendar.ics(found, rules, replace(known, now=now), "www.example.gov.cn"))
        for now in (known.now, known.now + timedelta(days=1))
    )
    events: list[Any] = first.walk("VEVENT")
    later: list[Any] = second.walk("VEVENT")
    assert len(events) == sum(duty.by is not None for duty in found)
    assert [event["UID"] for event in events] == [event["UID"] for event in later]
    assert len({event["UID"] for event in events}) == len(events)
    assert {event["DTSTART"].dt for event in events} == {duty.by for duty in found if duty.by}
    assert all(type(event["DTSTART"].dt) is date for event in events)
    assert any("第十八条（三）" in event["SUMMARY"] for event in events)


def test_the_commands_print_text_json_and_csv(city: TinyCity) -> None:
    city.put("_records/messages/m1.yml", "unit: jyj\nreceived: 2026-11-03 10:12\nforwarded: 2026-11-03 15:00\n")
    city.put(
        "xwdt/index.md",
        (city.content / "xwdt/index.md")
        .read_text("utf-8")
        .replace("content_spec: 真实、准确、及时", "content_spec: =1+1"),
    )
    city.article("xwdt/202611/t20261120_1.md", date="2026-11-20 09:30")
    city.build()
    said = json.loads(run(city, "report", "messages", "--format", "json", "--date", "2026-11-28").stdout)
    assert [(one["unit"], one["answers_overdue"]) for one in said["rows"]] == [("jyj", 1), ("", 1)]
    table = list(csv.DictReader(io.StringIO(run(city, "report", "duties", "--format", "csv").stdout.lstrip("\ufeff"))))
    news = next(one for one in table if one["目录"] == "xwdt")
    assert (news["内容和质量要求"], news["最近更新"]) == ("'=1+1", "2026-11-20")
    late = run(city, "report", "duties", "--overdue", "--date", "2026-12-22").stdout
    assert "逾期（天） 2" in late
    assert "示例市教育局" in run(city, "report", "messages").stdout
    target = city.root / "build/due.ics"
    run(city, "due", "--ics", str(target), "--date", "2026-11-28")
    assert Calendar.from_ical(target.read_bytes()).walk("VEVENT")
