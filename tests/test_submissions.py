"""What a superior site shall publish is submitted in time and after its three reviews (第十九条（三）)."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sitegen.clock import SHANGHAI
from sitegen.rules import submissions
from sitegen.rules.submissions import Submission
from tests.cities import TinyCity
from tests.test_cli import run
from tests.test_duties import TODAY, codes, facts, found

ARTICLE = "jyj/tzgg/t20261102_1.md"


def submission(needed_on: date, submitted: datetime | None = None) -> Submission:
    return Submission(
        year=needed_on.year, unit="jyj", article=ARTICLE, to="省政府网", needed_on=needed_on, submitted=submitted, published=""
    )  # fmt: skip


@pytest.mark.parametrize(("waits", "told"), [(3, []), (4, ["duty-submission-missing"])])
def test_what_is_not_submitted_in_time_is_told(waits: int, told: list[str]) -> None:
    """Three days are in time, the fourth is not; what was submitted late is done."""
    needed_on = TODAY - timedelta(days=waits)
    assert codes(facts(submissions=(submission(needed_on),))) == told
    late = submission(needed_on, datetime(2026, 11, 28, 9, 0, tzinfo=SHANGHAI))
    assert codes(facts(submissions=(late,), cleared=frozenset({late}))) == []


def test_what_was_submitted_without_its_reviews_is_told() -> None:
    went = submission(TODAY, datetime(2026, 11, 28, 9, 0, tzinfo=SHANGHAI))
    [duty] = found(facts(submissions=(went,)))
    assert (duty.rule, duty.unit, duty.problem.code) == ("YZ-28", "jyj", "duty-submission-unreviewed")
    assert (duty.problem.path, duty.problem.key) == ("content/_records/submissions/2026.yml", ARTICLE)


def write(city: TinyCity, *lines: str) -> None:
    folder = city.content / submissions.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026.yml").write_text("submissions:\n" + "".join(f"  - {line}\n" for line in lines), "utf-8")


def told_of(city: TinyCity) -> list[str]:
    said = json.loads(run(city, "due", "--json", "--days", "0").stdout)
    return [duty["message"] for duty in said["duties"] if duty["rule"] == "YZ-28"]


def test_a_text_that_was_signed_before_it_was_submitted_is_in_order(city: TinyCity) -> None:
    """The ledger of the text's column says when it was signed; a minute earlier its reviews were not whole."""
    city.article(ARTICLE)
    signed = next(entry.at for entry in city.entries("jyj/tzgg") if entry.stage == "sign")
    line = "{{unit: jyj, article: {}, to: 省政府网, needed_on: {:%Y-%m-%d}, submitted: {:%Y-%m-%d %H:%M}}}"
    write(city, line.format(ARTICLE, signed, signed + timedelta(minutes=1)))
    assert told_of(city) == []
    before = signed - timedelta(minutes=1)
    write(city, line.format(ARTICLE, before, before))
    assert len(told_of(city)) == 1
    write(city, line.format("jyj/nothing/t20261102_1.md", signed, signed))
    assert len(told_of(city)) == 1


def test_the_samples_submissions_were_signed_and_are_listed(sample: Path) -> None:
    city = TinyCity.__new__(TinyCity)
    city.root = sample
    rows = json.loads(run(city, "report", "submissions", "--year", "2026", "--format", "json").stdout)["rows"]
    assert [(row["article"], row["submitted"][:16], row["reviewed"]) for row in rows] == [
        ("zcwj/202610/t20261008_2001.md", "2026-10-08T10:30", "是"),
        ("xwdt/202611/t20261118_1003.md", "2026-11-18T15:10", "是"),
    ]
    none = json.loads(run(city, "report", "submissions", "--year", "2025", "--format", "json").stdout)["rows"]
    assert none == []


@pytest.mark.parametrize("line", ["{unit: jyj}", "{unit: jyj, article: a/t.md, to: x, needed_on: 昨天}", "7",
    "{unit: jyj, article: a/t.md, to: x, needed_on: 2026-11-03, submitted: 2026-11-03}",
    "{unit: jyj, article: a/t.md, to: x, needed_on: 2026-11-03, submitted: 2026-11-02 09:00}"])  # fmt: skip
def test_a_submission_that_cannot_be_read_is_told_and_the_rest_stands(line: str, tmp_path: Path) -> None:
    folder = tmp_path / submissions.FOLDER
    folder.mkdir(parents=True)
    good = "{unit: jyj, article: content/a/t.md, to: x, needed_on: 2026-11-03, submitted: 2026-11-03 09:00}"
    (folder / "2026.yml").write_text(f"submissions:\n  - {line}\n  - {good}\n", "utf-8")
    read, problems = submissions.load(tmp_path)
    assert [one.article for one in read] == ["a/t.md"]
    assert [(p.code, p.key) for p in problems] == [("submissions-unreadable", "submissions[1]")]
