"""Duties that come from the life of sites, topic plans and surveys: each number on both of its sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sitegen.lifecycle import Event, SiteRecord
from sitegen.records import Records, Role
from sitegen.rules import duties, registry, surveys, topics
from sitegen.rules.surveys import Survey
from sitegen.rules.topics import Plan
from tests.test_duties import IDENTITY, NUMBERS, TODAY, _person, codes, column, facts, filed_record, found, site


def event(name: str, on: date = TODAY, **said: str) -> Event:
    return Event(event=name, on=on, facts=said)


def record(*events: Event, name: str = "kjj", url: str = "") -> SiteRecord:
    return SiteRecord(site=name, name=name, url=url, unit="jyj", events=events)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id_code", "431100002"),
        ("id_code", "43110000240"),
        ("icp", "湘ICP备0500937号"),
        ("icp", "示ICP备05009375号"),
        ("police", "湘公网安备 4311030200012号"),
    ],
)
def test_a_number_of_another_form_is_told(key: str, value: str) -> None:
    """第六条: ten digits, eight, fourteen; one less or more is another number."""
    [duty] = found(facts(sites={"": site(**{key: value})}), code="identity-form")
    assert (duty.rule, duty.problem.code) == ("YZ-05", "duty-identity-form")
    assert value in duty.problem.message


@pytest.mark.parametrize(
    "numbers",
    [
        IDENTITY,
        {"id_code": "bm01000001", "icp": "京ICP备18044900号-2", "police": "京公网安备11010202008000号"},
        {"id_code": "4403920006", "icp": "粤ICP备05009375号", "police": "粤公网安备 44039202000006号"},
    ],
)
def test_numbers_that_agree_are_not_told(numbers: dict[str, str]) -> None:
    """A region that the national table does not know (440392) is none of our business."""
    assert codes(facts(sites={"": site(**numbers)})) == []


def test_numbers_of_two_provinces_and_a_code_that_two_sites_share_are_told() -> None:
    assert codes(facts(sites={"": site(icp="粤ICP备05009375号")})) == ["duty-identity-province"]
    shared = {"": site(id_code="4311000024"), "jyj": site("jyj", id_code="4311000024")}
    [duty] = found(facts(sites=shared))
    assert (duty.problem.code, duty.problem.path) == ("duty-identity-shared", "content/jyj/index.md")


@pytest.mark.parametrize(("age", "told"), [(365, []), (366, ["duty-assessment-old"])])
def test_the_protection_is_assessed_every_year(age: int, told: list[str]) -> None:
    known = facts(lifecycles=())
    tested = filed_record(known, known.sites[""], event("security-tested", TODAY - timedelta(days=age), level="3"))
    assert codes(replace(known, lifecycles=(tested,))) == told


def test_a_portal_is_protected_at_level_three() -> None:
    known = facts()
    tested = filed_record(known, known.sites[""], event("security-tested", TODAY, level="2"))
    assert codes(replace(known, lifecycles=(tested,))) == ["duty-protection-level"]


def test_a_department_of_a_county_needs_an_approval() -> None:
    """第九条."""
    sites = {"": site(), "qx/qh": site("qx/qh", kind="county"), "qx/qh/jy": site("qx/qh/jy")}
    [duty] = found(facts(sites=sites))
    assert (duty.problem.code, duty.problem.path) == ("duty-site-unapproved", "content/qx/qh/jy/index.md")
    known = facts(sites=sites)
    approved = filed_record(known, sites["qx/qh/jy"], event("open-approved", document="示政办函〔2026〕70号"))
    others = tuple(one for one in known.lifecycles if one.site != approved.site)
    assert "duty-site-unapproved" not in codes(replace(known, lifecycles=(*others, approved)))


@pytest.mark.parametrize(("days", "told"), [(30, []), (31, ["duty-opening-step"])])
def test_an_opening_that_does_not_go_on_is_told(days: int, told: list[str]) -> None:
    """第十条."""
    waiting = record(event("open-approved", TODAY - timedelta(days=days), document="x"))
    assert codes(facts(lifecycles=(waiting,))) == told


def test_an_opened_site_without_its_notice_is_told() -> None:
    """第十条（五）."""
    names = ("open-approved", "mark-applied", "icp-filed", "security-tested", "code-issued")
    steps = [event(name, TODAY - timedelta(days=40)) for name in names]
    [duty] = found(facts(lifecycles=(record(*steps),)))
    assert (duty.rule, duty.problem.code) == ("YZ-10", "duty-opening-notice")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://kjj.example.gov.cn/", []),
        ("http://www.kjj.example.gov.cn/", ["duty-domain-department"]),
        ("http://kjj.other.gov.cn/", ["duty-domain-department"]),
        ("http://kjj.example.com/", ["duty-domain-department"]),
    ],
)
def test_a_departments_domain_is_below_the_portals(url: str, told: list[str]) -> None:
    """第十一条, 国办函〔2018〕55号."""
    assert codes(facts(lifecycles=(record(event("filed"), url=url),))) == told
    assert codes(facts(lifecycles=(record(event("retired"), url=url),))) == []


def test_what_changed_since_the_last_filing_is_told() -> None:
    """第十四条: persons, contact and the main columns; what a column holds below them is no structure of the site."""
    known = facts()
    assert codes(known) == []
    moved = replace(known, sites={"": site(phone="0000-7654321")})
    [duty] = found(moved)
    assert (duty.rule, duty.problem.code, duty.problem.key) == ("YZ-16", "duty-change-unfiled", "phone")
    more = {**known.columns, "xw": column("xw", cadence_days=0)}
    assert [duty.problem.key for duty in found(replace(known, columns=more))] == ["columns"]
    below = {**known.columns, "zc/gz": column("zc/gz", cadence_days=0)}
    assert codes(replace(known, columns=below)) == []
    never = replace(known, lifecycles=(record(event("security-tested", level="3"), name="portal"),))
    assert codes(never) == ["duty-change-unfiled"]


def test_a_notice_that_nobody_can_read_is_told() -> None:
    """第十三条: both notices, on the day on which the site goes offline."""
    urls = {"portal_notice": "/tzgg/a.html", "own_notice": "/jyj/tzgg/b.html"}
    offline = record(event("suspended", TODAY, until="2026-12-20", **urls))
    known = facts(lifecycles=(offline,), online=frozenset({"/tzgg/a.html"}))
    assert codes(known, TODAY) == []
    [duty] = found(known, TODAY + timedelta(days=1))
    assert (duty.rule, duty.problem.code, duty.problem.path) == (
        "YZ-14",
        "duty-notice-unpublished",
        "content/jyj/tzgg/b.md",
    )
    assert codes(replace(known, online=frozenset(urls.values())), TODAY + timedelta(days=1)) == []


@pytest.mark.parametrize("name", ["portal-notice", "banner"])
def test_a_retirement_that_was_announced_is_due_when_its_notice_has_stood(name: str) -> None:
    """第十二条（三）: the clock is shown from the first day; late is who leaves it open afterwards."""
    known = facts(lifecycles=(record(event(name, TODAY - timedelta(days=30))),))
    assert found(known) == []
    [clock] = [duty for duty in duties.all_duties(known, TODAY, NUMBERS) if duty.rule == "YZ-12"]
    [late] = found(known, TODAY + timedelta(days=1))
    assert (late.rule, late.problem.code, late.by) == ("YZ-12", "duty-retirement-open", TODAY)
    assert clock.problem.message == f"{late.problem.message} (due {TODAY})"
    ended = facts(lifecycles=(record(event(name, TODAY), event("retired", TODAY)),))
    assert found(ended, TODAY + timedelta(days=31), "retirement") == []


def test_a_change_of_domain_without_its_notice_is_told() -> None:
    """第十四条."""
    moved = record(event("domain-changed", to="http://kx.example.gov.cn/"), url="http://kjj.example.gov.cn/")
    assert codes(facts(lifecycles=(moved,))) == ["duty-domain-notice"]


def test_a_deputy_stands_in_from_a_day_to_a_day() -> None:
    """第十九条（三）3."""

    def known(until: date | None) -> list[str]:
        role = Role(stage="sign", columns=("portal",), since=TODAY, until=until, deputy=True)
        person = replace(_person(), roles=(role,))
        return codes(facts(records=Records(people={"a": person}, units=facts().records.units)))

    assert known(TODAY) == []
    assert known(None) == ["duty-deputy-undated"]


def plan(filed_on: date, unit: str = "jyj") -> Plan:
    return Plan(year=filed_on.year, unit=unit, title="x", filed_on=filed_on, topic="")


def test_a_topic_plan_is_filed_by_the_end_of_march() -> None:
    """第二十一条（四）: one or two a unit; March 31 is in time, April 1 is not."""
    none = facts(plans=())
    assert codes(none, date(2026, 3, 31)) == []
    assert codes(none, date(2026, 4, 1)) == ["duty-plan-missing"]
    assert codes(facts(plans=(plan(date(2026, 3, 31)),)), date(2026, 4, 1)) == []
    assert codes(facts(plans=(plan(date(2026, 4, 2)),)), date(2026, 4, 3)) == []  # late, and done
    assert codes(facts(plans=(plan(date(2025, 3, 1)),)), date(2026, 4, 1)) == ["duty-plan-missing"]
    assert codes(facts(plans=(plan(date(2026, 3, 1)),) * 2)) == []
    assert codes(facts(plans=(plan(date(2026, 3, 1)),) * 3)) == ["duty-plans-many"]


def survey(ends: date, result: str = "") -> Survey:
    return Survey(
        id="s", kind="survey", title="x", unit="jyj", begins=date(2026, 1, 5), ends=ends, received=9, answered=0, result=result
    )  # fmt: skip


def test_the_result_of_a_survey_is_public_within_thirty_days() -> None:
    """第十九条（五）."""
    ends = TODAY - timedelta(days=30)
    assert codes(facts(surveys=(survey(ends),))) == []
    assert codes(facts(surveys=(survey(ends - timedelta(days=1)),))) == ["duty-survey-result"]
    published = survey(ends - timedelta(days=1), "/zjdc/a.html")
    assert codes(facts(surveys=(published,), online=frozenset({"/zjdc/a.html"}))) == []


def test_six_surveys_and_interviews_are_held_a_year() -> None:
    six = facts(surveys=(survey(TODAY),) * 6)
    few = facts(surveys=(survey(TODAY),) * 5)
    told = [[d.problem.code for d in duties.all_duties(one, TODAY, NUMBERS)] for one in (six, few)]
    assert ["duty-surveys-few" in one for one in told] == [False, True]


@pytest.mark.parametrize("text", ["[\n", "- 1\n", "plans: 1\n", "plans: [{unit: jyj, title: x, filed_on: 三月}]\n", "plans: [{unit: jyj}]\n"])  # fmt: skip
def test_plans_that_cannot_be_read_are_told(text: str, tmp_path: Path) -> None:
    folder = tmp_path / topics.FOLDER
    folder.mkdir(parents=True)
    (folder / "2026.yml").write_text(text, "utf-8")
    (folder / "2027.yml").write_text("plans: [{unit: jyj, title: x, filed_on: 2027-03-01}]\n", "utf-8")
    read, problems = topics.load(tmp_path)
    assert [(one.year, one.unit) for one in read] == [(2027, "jyj")]
    assert [problem.code for problem in problems] == ["plans-unreadable"]


@pytest.mark.parametrize(
    "change", ["kind: poll", "from: 昨天", "until: 2026-04-30", "received: -1", "received: viele", "answered: 13"]
)
def test_a_survey_that_cannot_be_read_is_told(change: str, tmp_path: Path) -> None:
    folder = tmp_path / surveys.FOLDER
    folder.mkdir(parents=True)
    good = {"kind": "interview", "title": "x", "unit": "jyj", "from": "2026-05-01", "until": "2026-05-01", "received": "12", "answered": "12"}  # fmt: skip
    key, _, value = change.partition(": ")
    for name, facts_of in (("good", good), ("bad", {**good, key: value})):
        text = "".join(f"{key}: {value}\n" for key, value in facts_of.items())
        (folder / f"{name}.yml").write_text(text, "utf-8")
    read, problems = surveys.load(tmp_path)
    assert [(one.id, one.received) for one in read] == [("good", 12)]
    assert [(one.code, one.path) for one in problems] == [("survey-unreadable", "content/_records/surveys/bad.yml")]


def test_numbers_from_memory_are_marked() -> None:
    parameters = {name: one for rule in registry.load().values() for name, one in rule.parameters.items()}
    assert {name: parameters[name].confidence for name in ("plans_by", "suspension_days", "surveys_a_year", "provinces")} == {
        "plans_by": "read",
        "suspension_days": "read",
        "surveys_a_year": "memory",
        "provinces": "memory",
    }  # fmt: skip
