"""What is due by the records: each number of the regulation on both of its sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sitegen.clock import SHANGHAI
from sitegen.lifecycle import Event, SiteRecord
from sitegen.model import Column, Site, url_of
from sitegen.records import Person, Records, Role, Unit
from sitegen.rules import duties, messages, registry, workdays
from sitegen.rules.facts import Duty, Facts
from sitegen.rules.messages import Message
from sitegen.rules.staff import Change, Member, Staff
from sitegen.rules.topics import Plan
from sitegen.rules.workdays import Workdays
from sitegen.sites import filing, stages
from tests.cities import TinyCity
from tests.test_cli import run

TODAY = date(2026, 11, 28)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=SHANGHAI)
NUMBERS: Mapping[str, Any] = registry.numbers(registry.load())


def site(path: str = "", **changed: Any) -> Site:
    texts = dict.fromkeys(
        "title short_name description unit id_code icp police address hours phone email hotline leader department person "
        "liaison parent_name parent_url body digest operator title_en centre_url access_url".split(),
        "x",
    )
    numbers = {**IDENTITY, "id_code": f"43{sum(map(ord, path)):08d}"}
    given = {**numbers, "sponsor": path or "zfb", "kind": "department" if path else "portal", **changed}
    places: dict[str, Any] = {"path": path, "source": f"{path}/index.md".lstrip("/"), "messages_url": ""}
    return Site(keywords=(), nav=(), badges={}, traditional=False, pictures=False, **{**places, **texts, **given})


def column(path: str, **changed: Any) -> Column:
    given: dict[str, Any] = {
        "holds": "article",
        "cadence_days": 14,
        "lang": "zh",
        "owner": "jyj",
        "site": "",
        "classes": (),
        "first": (),
        **changed,
    }
    return Column(
        path=path, kind="column", title=path, description="", keywords=(), class_name="政务动态", function="信息发布",
        content_spec="x", signer="q", order=1, body="", source=f"{path}/index.md", digest="", **given,
    )  # fmt: skip


IDENTITY = {"id_code": "4311000024", "icp": "湘ICP备05009375号", "police": "湘公网安备 43110302000125号"}
"""Numbers of no site in this test; samples of STANDARDS §2.5."""


def member(**changed: Any) -> Member:
    given = {"password_changed_on": TODAY, "trained_on": TODAY, "languages": frozenset(), "changes": (), **changed}
    return Member(id="a", unit="jyj", since=None, **given)


def facts(**changed: Any) -> Facts:
    """A city about which nothing is wrong and nothing due within a week."""
    whole = Facts(
        site_url="https://www.example.gov.cn/",
        sites={"": site()},
        columns={"ld": column("ld", holds="leader"), "zc": column("zc", holds="policy")},
        records=Records(people={}, units={"jyj": Unit(id="jyj", name="教育局", short_name="教育局")}),
        staff=Staff(
            members={"a": member()},
            contacts={"jyj": {"leader": "甲", "department": "办公室", "liaison": "乙"}},
            problems=(),
        ),
        lifecycles=(),
        newest={"ld": TODAY, "zc": TODAY},
        messages=(),
        workdays=Workdays(),
        now=NOON,
        plans=(Plan(year=2026, unit="jyj", title="x", filed_on=date(2026, 3, 20), topic=""),),
    )
    known = replace(whole, **changed)
    recorded = {record.site for record in known.lifecycles}
    filed = tuple(filed_record(known, one) for one in known.sites.values() if stages.id_of(one.path) not in recorded)
    return replace(known, lifecycles=(*known.lifecycles, *filed))


def filed_record(known: Facts, one: Site, *more: Event) -> SiteRecord:
    """A site whose protection was assessed, and whose present state is filed."""
    address = known.site_url.rstrip("/") + url_of(one.source)
    state = filing.present(one, known.columns.values(), address)
    events = (
        Event(event="security-tested", on=date(2026, 6, 1), facts={"level": "3"}),
        Event(event="filed", on=date(2026, 6, 2), facts=state),
    )
    return SiteRecord(
        site=stages.id_of(one.path), name=one.title, url=address, unit=one.sponsor, events=(*events, *more)
    )


def found(known: Facts, today: date = TODAY, code: str = "") -> list[Duty]:
    """What is late or wrong on that day."""
    return [
        duty
        for duty in duties.all_duties(known, today, NUMBERS)
        if duty.is_due(today - timedelta(days=1)) and code in duty.problem.code
    ]


def codes(known: Facts, today: date = TODAY) -> list[str]:
    return [duty.problem.code for duty in found(known, today)]


def test_a_city_in_order_owes_nothing() -> None:
    assert found(facts()) == []


@pytest.mark.parametrize(
    ("key", "days", "code"),
    [("password_changed_on", 90, "duty-password-old"), ("trained_on", 365, "duty-training-old")],
)
def test_a_password_is_due_the_day_after_its_last_and_not_before(key: str, days: int, code: str) -> None:
    """第七条: periodically; the number of days is the platform's and can be corrected."""
    known = facts(staff=replace(facts().staff, members={"a": member(**{key: TODAY - timedelta(days=days)})}))
    assert codes(known, TODAY) == []
    [duty] = [d for d in found(known, TODAY + timedelta(days=1)) if d.rule == "YZ-06"]
    assert (duty.by, duty.unit) == (TODAY, "jyj")
    assert (duty.problem.code, duty.problem.key) == (code, f"a.{key}")


def test_a_password_that_nobody_recorded_is_wrong_as_it_stands() -> None:
    known = facts(staff=replace(facts().staff, members={"a": member(password_changed_on=None)}))
    assert codes(known) == ["duty-password-old"]


def test_a_unit_has_one_site() -> None:
    """第八条."""
    assert codes(facts(sites={"": site(), "jyj": site("jyj")})) == []
    [duty] = found(facts(sites={"": site(), "jyj": site("jyj"), "qu": site("qu", sponsor="jyj")}))
    assert (duty.rule, duty.problem.code, duty.problem.path) == ("YZ-07", "duty-second-site", "content/qu/index.md")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://www.example.gov.cn/", []),
        ("https://www.a-b.gov.cn/", []),
        ("https://www.example.com/", ["duty-domain"]),
        ("https://example.gov.cn/", ["duty-domain"]),
        ("https://www.jyj.example.gov.cn/", ["duty-domain"]),
    ],
)
def test_a_domain_of_another_kind_is_told(url: str, told: list[str]) -> None:
    """第十一条, 国办函〔2018〕55号."""
    assert codes(facts(site_url=url)) == told


def _suspended(*events: tuple[str, date], **more: str) -> tuple[SiteRecord, ...]:
    listed = tuple(Event(event=name, on=on, facts=more if name == "suspended" else {}) for name, on in events)
    return (SiteRecord(site="jyj", name="", url="", unit="jyj", events=listed),)


@pytest.mark.parametrize(("days", "told"), [(30, []), (31, ["duty-suspended-long"])])
def test_a_suspension_of_thirty_days_is_allowed_and_of_thirty_one_is_not(days: int, told: list[str]) -> None:
    """第十三条第二款: 每次不超过30天; the same while it lasts and after it ended."""
    begun = date(2026, 3, 1)
    ended = _suspended(("suspended", begun), ("resumed", begun + timedelta(days=days)))
    assert codes(facts(lifecycles=ended)) == told
    lasting = _suspended(("suspended", begun))
    assert [d.problem.code for d in found(facts(lifecycles=lasting), begun + timedelta(days=days), "suspended")] == told


def test_a_site_is_suspended_once_a_year() -> None:
    """第十三条第二款: 每年不超过1次, by calendar year."""
    first, second = date(2025, 12, 1), date(2026, 1, 10)
    twice = (("suspended", first), ("resumed", first), ("suspended", second), ("resumed", second))
    assert codes(facts(lifecycles=_suspended(*twice))) == []
    again = (*twice, ("suspended", date(2026, 5, 1)), ("resumed", date(2026, 5, 2)))
    assert codes(facts(lifecycles=_suspended(*again))) == ["duty-suspended-twice"]


def test_force_majeure_counts_only_without_its_report() -> None:
    """第十三条第三款."""
    day = date(2026, 5, 1)
    twice = (("suspended", day), ("resumed", day), ("suspended", day + timedelta(days=9)), ("resumed", TODAY))
    assert "duty-suspended-twice" in codes(facts(lifecycles=_suspended(*twice, cause="force-majeure")))
    assert codes(facts(lifecycles=_suspended(*twice, cause="force-majeure", report="示教报〔2026〕1号"))) == []


def test_a_portal_without_a_column_of_leaders_is_told() -> None:
    """第十六条: 领导信息、文件资料."""
    [duty] = found(facts(columns={"zc": column("zc", holds="policy")}))
    assert (duty.problem.code, duty.problem.key) == ("duty-column-missing", "leader")
    [duty] = found(facts(columns={"ld": column("ld", holds="leader")}))
    assert duty.problem.key == "policy"


@pytest.mark.parametrize(
    ("age", "told"),
    [(14, []), (15, ["duty-column-overdue"]), (28, ["duty-column-overdue"]), (29, ["duty-column-dead"])],
)
def test_a_column_is_overdue_after_its_cadence_and_dead_after_twice_that(age: int, told: list[str]) -> None:
    """第十八条(三), 第十九条(一)."""
    known = facts()
    known = replace(known, newest={**known.newest, "zc": TODAY - timedelta(days=age)})
    assert codes(known) == told


def test_a_column_that_promises_nothing_is_never_due() -> None:
    columns = {**facts().columns, "gk": column("gk", cadence_days=0)}
    assert codes(facts(columns=columns, newest={**facts().newest, "gk": date(2001, 1, 1)})) == []


@pytest.mark.parametrize(
    ("late", "told"), [(0, []), (-3, []), (1, ["duty-account-late"]), (None, ["duty-account-late"])]
)
def test_an_account_follows_its_person_the_same_day(late: int | None, told: list[str]) -> None:
    """第十九条(二): 当日."""
    on = TODAY - timedelta(days=10)
    change = Change(on=on, account_on=None if late is None else on + timedelta(days=late))
    assert codes(facts(staff=replace(facts().staff, members={"a": member(changes=(change,))}))) == told


def test_an_account_need_not_follow_before_its_day_is_over() -> None:
    change = Change(on=TODAY, account_on=None)
    known = facts(staff=replace(facts().staff, members={"a": member(changes=(change,))}))
    assert codes(known, TODAY) == []
    assert codes(known, TODAY + timedelta(days=1)) == ["duty-account-late"]


def _person(*stages: str, columns: tuple[str, ...] = ("portal",), until: date | None = None) -> Person:
    roles = [Role(stage=s, columns=columns, since=None, until=until, deputy=False) for s in stages]  # type: ignore[arg-type]
    return Person(id="a", name="甲", unit="jyj", roles=tuple(roles))


def test_nobody_holds_two_roles_in_one_column() -> None:
    """第十九条(二): 编辑、审核、签发权限分离."""
    two = Records(people={"a": _person("edit", "sign")}, units=facts().records.units)
    [duty] = found(facts(records=two))
    assert (duty.problem.code, duty.problem.key) == ("duty-two-roles", "a")
    assert codes(facts(records=replace(two, people={"a": _person("edit")}))) == []
    past = _person("edit", "sign", until=TODAY - timedelta(days=1))
    assert codes(facts(records=replace(two, people={"a": past}))) == []


def test_a_column_in_english_has_a_reviewer_who_knows_it() -> None:
    """第十九条(二)."""
    columns = {**facts().columns, "en": column("en", lang="en", cadence_days=0)}
    people = replace(facts().records, people={"a": _person("review")})
    assert codes(facts(columns=columns, records=people)) == ["duty-language"]
    able = replace(facts().staff, members={"a": member(languages=frozenset({"en"}))})
    assert codes(facts(columns=columns, records=people, staff=able)) == []
    editor = replace(people, people={"a": _person("edit")})
    assert codes(facts(columns=columns, records=editor, staff=able)) == ["duty-language"]


@pytest.mark.parametrize("key", ["leader", "department", "liaison"])
def test_a_unit_names_its_three_contacts(key: str) -> None:
    """第二十一条(一)."""
    contacts = {"jyj": {**facts().staff.contacts["jyj"], key: ""}, "zfb": dict.fromkeys(("leader", "department"), "")}
    [duty] = found(facts(staff=replace(facts().staff, contacts=contacts)))
    assert (duty.problem.code, duty.problem.key, duty.unit) == ("duty-unit-contact-missing", f"jyj.{key}", "jyj")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-23 10:00", 1, "2026-11-24 10:00"),  # Monday to Tuesday
        ("2026-11-23 10:00", 0.5, "2026-11-23 15:00"),  # four hours, the noon break left out
        ("2026-11-23 16:00", 0.5, "2026-11-24 11:00"),
        ("2026-11-27 17:00", 1, "2026-11-30 17:00"),  # over a weekend
        ("2026-11-28 03:00", 0.5, "2026-11-30 14:00"),  # a Saturday: it begins on Monday
        ("2026-09-30 18:00", 1, "2026-10-08 18:00"),  # National Day, seven days off
        ("2026-10-09 17:00", 1, "2026-10-10 17:00"),  # Saturday the 10th is worked (调休)
        ("2026-10-10 17:00", 1, "2026-10-12 17:00"),
    ],
)
def test_working_time_knows_weekends_holidays_and_days_that_are_worked_instead(
    start: str, days: float, end: str
) -> None:
    """In 2026 October 1 to 7 are off and Saturday, October 10 is worked."""
    assert Workdays().after(at(start), days) == at(end)


def test_a_year_that_nobody_knows_is_told_and_a_project_can_say_it() -> None:
    calendar = Workdays()
    assert calendar.days_after(date(2098, 12, 31), 1) == date(2099, 1, 1)
    assert [(p.code, p.key) for p in calendar.tell_unknown()] == [("calendar-year-unknown", "2099")]
    known = Workdays(holidays=frozenset({date(2099, 1, 1)}), workdays=frozenset({date(2099, 1, 3)}))
    assert known.days_after(date(2098, 12, 31), 1) == date(2099, 1, 2)  # a Friday
    assert known.days_after(date(2098, 12, 31), 2) == date(2099, 1, 3)  # a Saturday that is worked
    assert known.tell_unknown() == []


def test_a_projects_own_days_and_hours(tmp_path: Path) -> None:
    records = tmp_path / "_records"
    records.mkdir()
    text = 'holidays: [2027-01-01]\nworkdays: [2027-01-03]\nhours: ["08:30-12:00", "14:30-17:30"]\n'
    (records / "holidays.yml").write_text(text, encoding="utf-8")
    calendar = workdays.load(tmp_path)
    assert calendar.problems == ()
    assert [calendar.is_workday(date(2027, 1, day)) for day in (1, 2, 3)] == [False, False, True]
    assert calendar.after(at("2027-01-04 08:30"), 1) == at("2027-01-04 17:30")
    assert calendar.after(at("2027-01-04 08:30"), 0.5) == at("2027-01-04 11:45")


@pytest.mark.parametrize(
    "text",
    ["- 1\n", "holidays: [明天]\n", "hours: [9-18]\n", "hours: ['18:00-09:00']\n", "a: [\n",
     "holidays: [2027-01-01]\nworkdays: [2027-01-01]\n", "hours: ['09:00-12:00', '11:00-18:00']\n"],
)  # fmt: skip
def test_a_calendar_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / "_records/holidays.yml").write_text(text, encoding="utf-8")
    calendar = workdays.load(tmp_path)
    assert [problem.code for problem in calendar.problems] == ["holidays-unreadable"]
    assert calendar.after(at("2026-11-23 10:00"), 1) == at("2026-11-24 10:00")


def letter(**moments: str) -> Message:
    known = {step: at(moments[step]) if step in moments else None for step in messages.STEPS}
    return Message(id="m1", unit="jyj", **known)  # type: ignore[arg-type]


def test_a_forwarded_message_is_answered_within_one_working_day() -> None:
    """第十九条(五); Saturday October 10, 2026 is worked."""
    one = letter(received="2026-10-09 09:00", forwarded="2026-10-09 17:00")
    [duty] = [d for d in duties.all_duties(facts(messages=(one,)), TODAY, NUMBERS) if d.problem.path == one.path]
    assert (duty.by, duty.unit, duty.problem.code) == (date(2026, 10, 10), "jyj", "duty-message-unanswered")
    assert "2026-10-10 17:00" in duty.problem.message
    done = letter(received="2026-10-09 09:00", forwarded="2026-10-09 17:00", answered="2026-10-10 10:00",
                  reviewed="2026-10-10 11:00")  # fmt: skip
    assert codes(facts(messages=(done,))) == []
    assert codes(facts(messages=(letter(received="2026-10-09 09:00"),))) == []


def test_an_answer_is_reviewed_within_half_a_working_day() -> None:
    """第二十条(四)."""
    one = letter(received="2026-11-26 09:00", forwarded="2026-11-26 10:00", answered="2026-11-27 15:00")
    [duty] = [d for d in duties.all_duties(facts(messages=(one,)), TODAY, NUMBERS) if d.rule == "YZ-39"]
    assert (duty.by, duty.problem.code) == (date(2026, 11, 30), "duty-message-unreviewed")
    assert "2026-11-30 10:00" in duty.problem.message


@pytest.mark.parametrize(
    "text",
    [
        "unit: jyj\n",
        "received: 2026-11-03\n",
        "received: 2026-11-03 10:00\nforwarded: 2026-11-02 10:00\n",
        "received: 昨天\n",
        "received: [\n",
        "- 1\n",
    ],
)
def test_a_message_that_cannot_be_read_is_told_and_left_out(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "_records/messages"
    folder.mkdir(parents=True)
    (folder / "m1.yml").write_text(text, encoding="utf-8")
    (folder / "m2.yml").write_text("received: 2026-11-03 10:00\nforwarded: 2026-11-03 11:00:30\nunit: jyj\n", "utf-8")
    found, problems = messages.load(tmp_path)
    assert [(problem.code, problem.path) for problem in problems] == [
        ("message-unreadable", "content/_records/messages/m1.yml")
    ]
    assert [(one.id, one.unit, one.received) for one in found] == [("m2", "jyj", at("2026-11-03 10:00"))]


def test_what_is_wrong_comes_first_and_then_by_date() -> None:
    known = facts(site_url="https://www.example.com/")
    listed = duties.all_duties(known, TODAY, NUMBERS)
    assert listed[0].by is None
    dates = [duty.by for duty in listed[1:]]
    assert None not in dates
    assert dates == sorted(dates, key=lambda day: day or TODAY)


def _said(city: TinyCity, *arguments: str) -> dict[str, Any]:
    """The tiny city's people have no dates of passwords, so something is always wrong."""
    result = run(city, "due", "--json", *arguments)
    assert result.exit_code == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_command_looks_as_far_ahead_as_it_is_asked(city: TinyCity) -> None:
    """A column that promises a text every 30 days is due 30 days after its newest."""
    city.article("xwdt/202611/t20261120_1.md", date="2026-11-20 09:30")
    assert [problem["code"] for problem in _said(city)["problems"]] == ["due-no-build"]
    city.build()
    said = _said(city, "--date", "2026-11-28", "--days", "21")
    assert [duty for duty in said["duties"] if duty["rule"] == "YZ-22"] == []
    said = _said(city, "--date", "2026-11-28", "--days", "22")
    [duty] = [duty for duty in said["duties"] if duty["rule"] == "YZ-22"]
    assert (duty["by"], duty["article"], duty["path"]) == ("2026-12-20", "第十八条（三）", "content/xwdt/index.md")
    undated = {duty["key"] for duty in said["duties"] if duty["code"] == "duty-password-old"}
    assert "portal-bianji.password_changed_on" in undated
    assert {duty["unit"] for duty in _said(city, "--unit", "zfb")["duties"]} == {"zfb"}


def test_the_command_tells_who_what_and_by_which_article(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", date="2026-11-20 09:30")
    city.build()
    result = run(city, "due", "--date", "2026-12-19", "--days", "1")
    assert "示例市人民政府办公室\n  " in result.stdout
    assert "  2026-12-20  YZ-22 第十八条（三）  content/xwdt/index.md [cadence_days]" in result.stdout
    assert "newest text of 2026-11-20; promised every 30 days (due 2026-12-20)" in result.stdout


def test_a_date_in_the_records_that_is_none_is_told(city: TinyCity) -> None:
    people = city.content / "_records/people.yml"
    text = people.read_text(encoding="utf-8").replace("name: portalbianji", "name: 甲\n    trained_on: 去年", 1)
    people.write_text(text, encoding="utf-8")
    city.build()
    [problem] = _said(city)["problems"]
    assert (problem["code"], problem["key"]) == ("record-date", "portal-bianji.trained_on")
