"""The review commands beyond the plain three verdicts: reasons, links, reprints, pushed texts, history (第十九条(三))."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sitegen.reviews import dates, reprints, upstream
from tests.cities import NOW, TinyCity, codes
from tests.test_cli import NEWS, approve, problem_codes, run

UPSTREAM = {
    "system": "示例市公文系统",
    "record": "SW-2026-0117",
    "reviews": [
        {"stage": "edit", "person": "甲", "at": "2026-11-20T09:00:00+08:00"},
        {"stage": "review", "person": "乙", "at": "2026-11-20T10:00:00+08:00"},
        {"stage": "sign", "person": "丙", "at": "2026-11-20T11:00:00+08:00"},
    ],
}
REPRINT = "reprint_of: https://www.province.example/a.html\noriginal_at: {at}\n"


def test_a_rejected_version_never_passes_and_its_correction_does(city: TinyCity) -> None:
    """审核中发现问题的，应当立即停止发布流程."""
    file = city.article(NEWS, sign=False)
    assert (
        run(city, "review", "submit", str(file), "--as", "portal-bianji", "--date", "2026-11-22 08:00").exit_code == 0
    )
    rejected = ["review", "reject", str(file), "--as", "portal-shenhe", "--date", "2026-11-22 08:10", "--json"]
    assert problem_codes(run(city, *rejected, "--reason", " ")) == ["review-reason-missing"]
    assert run(city, *rejected, "--reason", "日期有误").exit_code == 0
    assert problem_codes(approve(city, "portal-bianji", str(file))) == ["review-rejected-again"]
    assert "日期有误" in run(city, "review", "status", str(file)).stdout
    assert [code for code in codes(city.build()) if code.startswith("review")] == ["review-rejected"]
    file.write_text(file.read_text(encoding="utf-8") + "更正。\n", encoding="utf-8")
    for number, person in enumerate(("portal-bianji", "portal-shenhe", "portal-qianfa")):
        assert approve(city, person, str(file), date=f"2026-11-22T11:0{number}+08:00").exit_code == 0
    assert codes(city.build()) == []
    [told] = json.loads(run(city, "review", "log", str(file), "--json").stdout)
    assert [(event["version"], event["stage"], event["verdict"]) for event in told["log"]] == [
        (1, "edit", "pass"),
        (1, "review", "reject"),
        (2, "edit", "pass"),
        (2, "review", "pass"),
        (2, "sign", "pass"),
    ]
    assert "日期有误" in run(city, "review", "log", "content/xwdt").stdout
    verified = json.loads(run(city, "review", "verify", "--json", "--jobs", "1").stdout)
    assert (verified["entries"], verified["articles"], verified["problems"]) == (5, 1, [])


def test_a_reviewer_is_shown_every_external_link_and_a_bad_one_does_not_come_back(city: TinyCity) -> None:
    body = "见[省政府](https://www.province.example/a) 和 <https://bad.example/>，[本网](../index.md)。"
    file = city.article(NEWS, body=body, sign=False)
    said = run(city, "review", "submit", str(file), "--as", "portal-bianji", "--date", "2026-11-22 08:00").stdout
    assert "https://www.province.example/a  not looked at yet" in said
    assert "https://bad.example/  not looked at yet" in said
    assert "index.md  " not in said
    bad = ["--reason", "域名已易主", "--link", "https://bad.example/", "--date", "2026-11-22 09:00"]
    assert run(city, "review", "reject", str(file), "--as", "portal-shenhe", *bad).exit_code == 0
    file.write_text(file.read_text(encoding="utf-8") + "更正。\n", encoding="utf-8")
    assert approve(city, "portal-bianji", str(file), date="2026-11-22T10:00+08:00").exit_code == 0
    assert problem_codes(approve(city, "portal-shenhe", str(file), date="2026-11-22T10:10+08:00")) == [
        "review-link-rejected"
    ]
    file.write_text(file.read_text(encoding="utf-8").replace(" 和 <https://bad.example/>", ""), encoding="utf-8")
    assert approve(city, "portal-bianji", str(file), date="2026-11-22T10:20+08:00").exit_code == 0
    passed = json.loads(approve(city, "portal-shenhe", str(file), date="2026-11-22T10:30+08:00").stdout)
    assert passed["verdicts"][0]["links"] == {"https://www.province.example/a": "pass"}


def reprint(city: TinyCity, hours: float, minutes: int = 0) -> Path:
    """A reprint of an original so much older than its sign-off, which was at NOW - 3 h."""
    at = NOW - timedelta(hours=3 + hours, minutes=minutes)
    file = city.article(NEWS, extra=REPRINT.format(at=f"{at:%Y-%m-%d %H:%M}"), date="2026-11-20 09:30", sign=False)
    for number, person in enumerate(("portal-bianji", "portal-shenhe", "portal-qianfa")):
        moment = (NOW - timedelta(hours=3, minutes=2 - number)).isoformat()
        more = ["--secrecy"] if number == 1 else []
        result = run(city, "review", "approve", str(file), "--as", person, "--date", moment, *more)
        assert result.exit_code == 0, result.output
    return file


@pytest.mark.parametrize(("minutes", "told"), [(0, []), (1, ["reprint-late"])])
def test_a_reprint_is_in_time_at_twelve_hours_and_late_a_minute_after(
    minutes: int, told: list[str], city: TinyCity
) -> None:
    """上级政府网站发布的重要政策信息，应在12小时内转载."""
    reprint(city, 12, minutes)
    assert codes(city.build()) == told


def test_a_reprint_that_waits_becomes_late_by_time_alone(city: TinyCity) -> None:
    at = NOW - timedelta(hours=11)
    city.article(NEWS, extra=REPRINT.format(at=f"{at:%Y-%m-%d %H:%M}"), sign=False)
    assert codes(city.build()) == ["review-pending"]
    assert codes(city.build(now=NOW + timedelta(hours=1))) == ["review-pending"]
    assert codes(city.build(now=NOW + timedelta(hours=1, minutes=1))) == ["reprint-late", "review-pending"]


def test_the_hours_are_a_number_that_a_project_corrects(city: TinyCity) -> None:
    city.put("_records/rules.yml", "reprint_hours: 24\n")
    reprint(city, 20)
    assert codes(city.build()) == []
    city.put("_records/rules.yml", "reprint_hours: 6\n")
    assert codes(city.build()) == ["reprint-late"]


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("reprint_of: https://www.province.example/a.html\n", "reprint-time-missing"),
        ("reprint_of: 省政府网站\n", "reprint-source-unusable"),
        ('reprint_of: "https://[::bad/"\n', "reprint-source-unusable"),
    ],
)
def test_a_reprint_says_of_what_and_from_when(extra: str, code: str, city: TinyCity) -> None:
    city.article(NEWS, extra=extra, sign=False)
    assert code in codes(city.build())


def test_a_reprint_passes_review_with_its_secrecy_review_alone(city: TinyCity) -> None:
    file = city.article(NEWS, extra=REPRINT.format(at="2026-11-22 07:00"), sign=False)
    assert approve(city, "portal-bianji", str(file), date="2026-11-22T08:00+08:00").exit_code == 0
    assert problem_codes(approve(city, "portal-shenhe", str(file))) == ["review-secrecy-missing"]
    looked = ["review", "approve", str(file), "--as", "portal-shenhe", "--date", "2026-11-22 10:00", "--secrecy"]
    assert run(city, *looked).exit_code == 0


def test_a_pushed_text_brings_its_upstream_reviews(city: TinyCity, tmp_path: Path) -> None:
    file = city.article(NEWS, extra="pushed_from: 示例市公文系统\n", sign=False)
    submit = ["review", "submit", str(file), "--as", "portal-bianji", "--date", "2026-11-22 08:00", "--json"]
    assert problem_codes(run(city, *submit)) == ["review-upstream-missing"]
    given = tmp_path / "upstream.json"
    given.write_text("[]", encoding="utf-8")
    assert problem_codes(run(city, *submit, "--upstream", str(given))) == ["upstream-unreadable"]
    given.write_text(json.dumps(UPSTREAM), encoding="utf-8")
    assert run(city, *submit, "--upstream", str(given)).exit_code == 0
    [entry] = city.entries("xwdt")
    assert entry.proof is not None
    assert entry.proof.upstream == UPSTREAM


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in UPSTREAM.items() if name != key}


def _review(number: int, **values: str) -> dict[str, Any]:
    listed = [dict(one) for one in UPSTREAM["reviews"] if isinstance(one, dict)]
    listed[number] |= values
    return {**UPSTREAM, "reviews": listed}


@pytest.mark.parametrize(
    "broken",
    [
        *(_without(key) for key in UPSTREAM),
        _review(0, stage="sign"),
        _review(1, person="甲"),
        _review(1, at="2026-11-20T08:00:00+08:00"),
        _review(2, at="2026-11-20T11:00:00"),
        _review(2, at="2026-11-23T11:00:00+08:00"),
        _review(2, person=""),
        {**UPSTREAM, "reviews": UPSTREAM["reviews"][:2]},
        {**UPSTREAM, "reviews": [1, 2, 3]},
    ],
)
def test_upstream_reviews_are_three_in_order_by_three_people(broken: dict[str, Any]) -> None:
    assert upstream.is_complete(UPSTREAM, NOW)
    assert not upstream.is_complete(broken, NOW)


def test_watched_sources_are_read_and_a_bad_one_is_told(city: TinyCity) -> None:
    feeds = "feeds:\n  - {id: province, url: https://www.province.example/zc/, column: xwdt}\n"
    city.put("_records/feeds.yml", feeds + "  - {id: bad, url: file:///etc/passwd, column: xwdt}\n")
    found, problems = reprints.load(city.content)
    assert [feed.id for feed in found] == ["province"]
    assert [(problem.code, problem.key) for problem in problems] == [("feed-unusable", "bad")]
    assert reprints.is_watched("https://www.province.example/zc/a.html", found)
    assert not reprints.is_watched("https://other.example/", found)
    assert reprints.is_watched("https://other.example/", [])


def test_who_holds_two_roles_or_wrote_the_text_is_told_before_the_verdict(city: TinyCity) -> None:
    people = city.content / "_records/people.yml"
    text = people.read_text(encoding="utf-8")
    more = (
        "{stage: review, columns: [portal], from: 2020-01-01}\n      - {stage: sign, columns: [xwdt], from: 2020-01-01}"
    )
    people.write_text(text.replace("{stage: review, columns: [portal], from: 2020-01-01}", more), encoding="utf-8")
    file = city.article(NEWS, extra="author: portalqianfa\n", sign=False)
    assert approve(city, "portal-bianji", str(file), date="2026-11-22T08:00+08:00").exit_code == 0
    assert problem_codes(approve(city, "portal-shenhe", str(file))) == ["reviewer-two-roles"]
    people.write_text(text, encoding="utf-8")
    assert approve(city, "portal-shenhe", str(file), date="2026-11-22T09:00+08:00").exit_code == 0
    assert problem_codes(approve(city, "portal-qianfa", str(file))) == ["reviewer-own-text"]


def test_a_key_that_cannot_sign_is_wrong_usage(city: TinyCity) -> None:
    file = city.article(NEWS, sign=False)
    result = run(city, "review", "submit", str(file), "--as", "portal-bianji", "--key", str(file), "--json")
    assert (result.exit_code, problem_codes(result)) == (2, ["review-key-unusable"])
    assert city.entries("xwdt") == []


@pytest.mark.parametrize("command", ["submit", "approve", "reject", "status", "log", "verify"])
def test_each_review_command_shows_an_example(command: str, city: TinyCity) -> None:
    assert f"Example: sitegen review {command}" in run(city, "review", command, "--help").stdout


LONG = "为方便群众办事，市教育局自即日起在各县区设立咨询点，受理入学、转学和资助申请，" * 4


def told_by_check(city: TinyCity) -> list[tuple[str, str]]:
    found = json.loads(run(city, "check", "--json").stdout)["problems"]
    return [(one["code"], one["path"]) for one in found if one["code"].startswith("date-")]


@pytest.mark.parametrize(("day", "told"), [("2026-11-15 12:00", False), ("2026-11-15 08:00", True)])
def test_a_text_was_not_public_long_before_it_was_signed_off(day: str, told: bool, city: TinyCity) -> None:
    """The sign-off is at 09:02 on November 22; a correction later changes nothing."""
    file = city.article(NEWS, date=day)
    file.write_text(file.read_text(encoding="utf-8") + "更正。\n", encoding="utf-8")
    city.sign(NEWS)
    assert told_by_check(city) == ([("date-before-signoff", f"content/{NEWS}")] if told else [])


def test_a_migrated_text_keeps_its_old_date_when_an_archive_holds_it(city: TinyCity) -> None:
    city.article(NEWS, date="2012-03-04 09:00", extra="migrated_from: http://old.example/1.htm\n")
    assert told_by_check(city) == [("date-unproven", f"content/{NEWS}")]
    [text] = [
        dates.Dated(path=NEWS, date=NOW - timedelta(days=999), migrated_from="http://old.example/1.htm", words="")
    ]
    entries = city.entries("xwdt")
    assert dates.before_sign_off([text], entries, {"http://old.example/1.htm"}, timedelta(days=7)) == []


@pytest.mark.parametrize(("days", "told"), [(3, True), (2, False)])
def test_how_young_a_text_must_be_to_be_compared_is_a_number_of_the_rules(
    days: int, told: bool, city: TinyCity
) -> None:
    """The text is two days and two and a half hours old."""
    city.put("_records/rules.yml", f"reposted_days: {days}\n")
    city.article("xwdt/202611/t20261101_9.md", body=LONG, date="2026-11-18 08:00")
    city.article(NEWS, body=LONG, date="2026-11-20 09:30")
    assert told_by_check(city) == ([("date-reposted", f"content/{NEWS}")] if told else [])


def test_an_old_text_under_a_new_date_is_told_and_another_text_is_not(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261101_9.md", body=LONG, date="2026-11-20 08:00")
    city.article(NEWS, body=LONG.replace("即日起", "今日起", 1), date="2026-11-20 09:30")
    city.article("jyj/tzgg/202611/t20261120_3.md", body=LONG[::-1], date="2026-11-20 09:40")
    assert told_by_check(city) == [("date-reposted", f"content/{NEWS}")]
