"""The indicators of 国办秘函〔2019〕19号 on both sides of each number, and the records of an inspection."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sitegen.cli import main
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, UsageError
from sitegen.inspection import journal, measures, mending, profile, sweep
from sitegen.inspection.facts import DatedItem, Facts, Guide, Measured, SiteResult, Visit, by_site
from sitegen.model import Column, Site
from sitegen.records import Records
from sitegen.rules import hidden, leaders, workdays, writing
from sitegen.rules.messages import Message
from tests.cities import TinyCity

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=SHANGHAI)
TODAY = NOW.date()
PROFILE = profile.load("gwyb-2019")
BLANK = {field.name: () if "tuple" in str(field.type) else "" for field in (*fields(Site), *fields(Column))}
SITE: Site = Site(
    **{field.name: BLANK[field.name] for field in fields(Site)}  # type: ignore[arg-type]
    | {
        "kind": "portal", "title": "示例市人民政府", "unit": "zfb", "sponsor": "zfb", "operator": "xzspj",
        "id_code": "0000000001", "icp": "示ICP备1号", "police": "示公网安备1号", "address": "路", "phone": "1", "email": "a",
        "source": "index.md",
    }
)  # fmt: skip
COLUMN: Column = Column(
    **{field.name: BLANK[field.name] for field in fields(Column)}  # type: ignore[arg-type]
    | {
        "path": "xwdt", "kind": "column", "title": "要闻", "class_name": "政务动态", "function": "信息发布", "owner": "zfb",
        "cadence_days": 14, "order": 1, "holds": "article", "lang": "zh-Hans-CN", "source": "xwdt/index.md",
    }
)  # fmt: skip


def facts(columns: Iterable[Column] = (), newest: dict[str, date] | None = None, **more: object) -> Facts:
    """A healthy portal (news, a policy column, messages, a service, all new today) with what is given beside it."""
    healthy = [
        COLUMN,
        *(
            replace(COLUMN, path=path, source=f"{path}/index.md", class_name=name, function=function, holds=holds)
            for path, name, function, holds in (
                ("gk", "概况信息", "信息发布", "page"), ("jg", "机构职能", "信息发布", "page"),
                ("ld", "负责人信息", "信息发布", "leader"), ("zc", "政策文件", "信息发布", "policy"),
                ("jd", "政策解读", "解读回应", "interpretation"), ("bs", "办事服务", "办事服务", "service"),
                ("hd", "互动交流", "互动交流", "message"),
            )
        ),
    ]  # fmt: skip
    every = {column.path: column for column in (*healthy, *columns)}
    given = {column.path: TODAY for column in healthy} | (newest or {})
    values: dict[str, object] = {
        "now": NOW, "site_url": "https://www.example.gov.cn/", "sites": {"": SITE}, "columns": every,
        "records": Records(people={}, units={}), "newest": given, "counts": {}, "workdays": workdays.load(Path("/nowhere")),
        "guides": (Guide(path="bs/202611/t20261120_1.md", column="bs", missing=()),), **more,
    }  # fmt: skip
    return Facts(**values)  # type: ignore[arg-type]


def result_of(given: Facts, site: str = "") -> SiteResult:
    return next(one for one in measures.inspect(given, PROFILE) if one.site == site)


def measured(given: Facts, indicator: str, site: str = "") -> Measured:
    return next(one for one in result_of(given, site).measured if one.indicator.id == indicator)


def codes(one: Measured) -> list[str]:
    return [finding.problem.code for finding in one.findings]


def columns_of(count: int, class_name: str = "政务动态", cadence: int = 14) -> list[Column]:
    return [
        replace(COLUMN, path=f"c{n}", source=f"c{n}/index.md", class_name=class_name, cadence_days=cadence)
        for n in range(count)
    ]


def test_a_healthy_portal_passes_with_full_marks() -> None:
    found = result_of(facts())
    assert (found.score, found.passed, found.findings) == (100.0, True, [])


@pytest.mark.parametrize(("days", "stale"), [(14, False), (15, True)])
def test_v3_the_home_page_is_updated_within_two_weeks(days: int, stale: bool) -> None:
    old = TODAY - timedelta(days=days)
    one = measured(facts(newest=dict.fromkeys(("xwdt", "gk", "jg", "ld", "zc", "jd", "bs", "hd"), old)), "V3")
    assert (one.vetoed, codes(one)) == (stale, ["inspect-home-stale"] if stale else [])


@pytest.mark.parametrize(("count", "days", "vetoed"), [(4, 15, False), (5, 14, False), (5, 15, True)])
def test_v4_five_columns_of_news_not_updated_for_two_weeks(count: int, days: int, vetoed: bool) -> None:
    columns = columns_of(count, cadence=0)
    one = measured(facts(columns, {c.path: TODAY - timedelta(days=days) for c in columns}), "V4")
    assert one.vetoed == vetoed
    assert set(codes(one)) == ({"inspect-column-stale"} if vetoed else set())


@pytest.mark.parametrize(("newest", "vetoed"), [(date(2026, 5, 22), False), (date(2026, 5, 21), True)])
def test_v4_notices_and_policies_have_six_months(newest: date, vetoed: bool) -> None:
    columns = columns_of(5, "通知公告", cadence=0)
    assert measured(facts(columns, {c.path: newest for c in columns}), "V4").vetoed == vetoed


@pytest.mark.parametrize(("count", "vetoed"), [(9, False), (10, True)])
def test_v4_ten_columns_that_break_their_promise(count: int, vetoed: bool) -> None:
    columns = columns_of(count, "信息公开", cadence=7)
    one = measured(facts(columns, {c.path: TODAY - timedelta(days=8) for c in columns}), "V4")
    assert one.vetoed == vetoed
    assert set(codes(one)) == ({"inspect-column-overdue"} if vetoed else set())


@pytest.mark.parametrize(("count", "vetoed"), [(4, False), (5, True)])
def test_v4_five_blank_columns(count: int, vetoed: bool) -> None:
    one = measured(facts(columns_of(count, "信息公开")), "V4")
    assert (one.vetoed, codes(one)) == (vetoed, ["inspect-column-blank"] * count if vetoed else [])


def visits(count: int, failed: int, seconds: float = 1.0, at: datetime = NOW) -> tuple[Visit, ...]:
    return tuple(
        Visit(site="", at=at - timedelta(hours=number), seconds=99.0 if number < failed else seconds, ok=number >= failed)
        for number in range(count)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "looked", "vetoed"),
    [
        (visits(19, 5), False, False),
        (visits(20, 0), True, False),
        (visits(20, 1), True, True),  # 5 %
        (visits(21, 1), True, False),  # 4.8 %
        (visits(20, 0, seconds=15.0), True, False),
        (visits(20, 0, seconds=15.1), True, True),
        (visits(20, 20, at=NOW - timedelta(days=8)), False, False),
    ],
)
def test_v2_five_percent_of_at_least_twenty_visits_a_week(made: tuple[Visit, ...], looked: bool, vetoed: bool) -> None:
    one = measured(facts(visits=made), "V2")
    assert (one.looked, one.vetoed) == (looked, vetoed)
    assert codes(one) == (["inspect-unreachable"] if vetoed else [])


def message(received: datetime, answered: datetime | None = None) -> Message:
    return Message(
        id="1", unit="zfb", received=received, forwarded=None, answered=answered, reviewed=None, published=None
    )


@pytest.mark.parametrize(
    ("received", "vetoed"),
    [((2026, 8, 22), False), ((2026, 8, 21), True), ((2025, 11, 22), True), ((2025, 11, 21), False)],
)
def test_v5_a_message_of_the_last_year_waits_at_most_three_months(received: tuple[int, int, int], vetoed: bool) -> None:
    one = measured(facts(messages=(message(datetime(*received, 9, tzinfo=SHANGHAI)),)), "V5")
    assert (one.vetoed, codes(one)) == (vetoed, ["inspect-message-unanswered"] if vetoed else [])
    assert [finding.unit for finding in one.findings] == ["zfb"] * vetoed


def test_v5_a_portal_has_a_channel() -> None:
    given = facts()
    without = replace(given, columns={p: c for p, c in given.columns.items() if p != "hd"})
    assert codes(measured(without, "V5")) == ["inspect-no-channel"]


@pytest.mark.parametrize(("missing", "items", "vetoed"), [(4, 5, True), (3, 5, False), (4, 4, True), (0, 0, True)])
def test_v6_guides_state_what_matters(missing: int, items: int, vetoed: bool) -> None:
    bad = tuple(Guide(path=f"bs/202611/t20261120_{n}.md", column="bs", missing=("甲",) * missing) for n in range(items))
    one = measured(facts(guides=bad), "V6")
    assert one.vetoed == vetoed
    assert set(codes(one)) == ({"inspect-guide-incomplete" if items else "inspect-no-services"} if vetoed else set())


@pytest.mark.parametrize(("hours", "forged"), [(24, False), (25, True)])
def test_v1_a_date_is_not_before_the_first_signature(hours: int, forged: bool) -> None:
    signed = NOW - timedelta(days=1)
    item = DatedItem(path="xwdt/202611/t1.md", column="xwdt", published=signed - timedelta(hours=hours), signed=signed)
    found = result_of(facts(forged=(item,)))
    assert found.vetoes == (["V1"] if forged else [])
    assert (found.score is None) == forged
    assert [one.problem.code for one in found.findings] == (["inspect-date-forged"] if forged else [])


def test_every_deduction_is_told_with_owner_deadline_article_and_remedy() -> None:
    broken = replace(SITE, icp="")
    given = facts(
        [replace(COLUMN, path="kong", source="kong/index.md")],
        {"zc": date(2026, 5, 21), "hd": date(2026, 9, 21), "jd": TODAY},
        sites={"": broken},
        dead_links=(("index.md", "weg.md"), ("xwdt/202611/t1.md", "weg.md")),
        broken_relations=(("jd/202611/t2.md", "interprets", "t9"),),
        guides=(Guide(path="bs/202611/t3.md", column="bs", missing=("办理地点",)),),
        messages=(message(datetime(2026, 11, 2, 9, 0, tzinfo=SHANGHAI), datetime(2026, 11, 9, 9, 1, tzinfo=SHANGHAI)),),
    )
    found = result_of(given)
    assert {finding.problem.code: finding.indicator for finding in found.findings} == {
        "inspect-column-stale": "D5",
        "inspect-relation-broken": "D7",
        "inspect-column-blank": "D8",
        "inspect-column-overdue": "D9",
        "inspect-guide-incomplete": "D11",
        "inspect-answers-stale": "D13",
        "inspect-answer-slow": "D14",
        "inspect-identity-missing": "D15",
        "inspect-link-dead": "D17",
    }
    assert all(one.unit and one.article and one.problem.remedy and one.by > TODAY for one in found.findings)
    without = replace(given, columns={p: c for p, c in given.columns.items() if p != "gk"})
    assert "inspect-column-missing" in codes(measured(without, "D1"))


@pytest.mark.parametrize(("minute", "slow"), [(0, False), (1, True)])
def test_a_simple_question_is_answered_within_five_working_days(minute: int, slow: bool) -> None:
    """Tuesday 10:00 to the next Tuesday 10:00; the weekend does not count."""
    answered = datetime(2026, 11, 10, 10, minute, tzinfo=SHANGHAI)
    one = measured(facts(messages=(message(datetime(2026, 11, 3, 10, 0, tzinfo=SHANGHAI), answered),)), "D14")
    assert codes(one) == ["inspect-answer-slow"] * slow


def test_a_department_without_services_is_scored_out_of_75() -> None:
    department = replace(SITE, path="jyj", kind="department", source="jyj/index.md", unit="jyj", icp="", police="")
    columns = [
        replace(COLUMN, path=f"jyj/{n}", site="jyj", source=f"jyj/{n}/index.md", class_name=name)
        for n, name in (("a", "政务动态"), ("b", "机构职能"), ("c", "负责人信息"))
    ]
    given = facts(columns, {c.path: TODAY for c in columns}, sites={"": SITE, "jyj": department})
    assert result_of(given, "jyj").score == 97.3  # (75 - 2) × 4/3


@pytest.mark.parametrize(("deducted", "passed"), [(40, True), (41, False)])
def test_sixty_points_pass(deducted: int, passed: bool) -> None:
    harsh = replace(
        PROFILE,
        indicators=tuple(
            replace(one, most=100.0, points=replace(one.points, value=deducted))
            if one.id == "D8" and one.points
            else one
            for one in PROFILE.indicators
        ),
    )
    (one,) = measures.inspect(facts([replace(COLUMN, path="leer", source="leer/index.md", cadence_days=0)]), harsh)
    assert (one.score, one.passed) == (100.0 - deducted, passed)


def test_the_same_day_six_months_ago_exists_or_is_the_last_of_its_month() -> None:
    assert measures.months_before(date(2026, 8, 31), 6) == date(2026, 2, 28)
    assert measures.months_before(date(2026, 1, 15), 3) == date(2025, 10, 15)


# --- the profile -----------------------------------------------------------------------------------------------------


def settings(root: Path, text: str) -> Path:
    (root / "_records").mkdir(exist_ok=True)
    (root / "_records/inspection.yml").write_text(text, encoding="utf-8")
    return root


def test_a_project_corrects_numbers_and_says_where_they_come_from(tmp_path: Path) -> None:
    given = settings(
        tmp_path, "numbers:\n  V3.days: 7\n  D5.points: {value: 4, source: 示政办〔2026〕3号}\n  pass_mark: 70\n"
    )
    found = profile.load("gwyb-2019", given)
    named = {one.id: one for one in found.indicators}
    assert (named["V3"].number("days"), found.number("pass_mark")) == (7, 70)
    assert named["D5"].points is not None
    assert (named["D5"].points.value, named["D5"].points.source, named["D5"].points.confidence) == (
        4, "示政办〔2026〕3号", "local",
    )  # fmt: skip
    assert "days" not in named["V3"].unverified
    assert next(one for one in PROFILE.indicators if one.id == "V6").unverified == ["missing_elements", "bad_items"]


@pytest.mark.parametrize(
    "text", ["numbers: [1]\n", "numbers: {V9.days: 1}\n", "numbers: {V3.days: viele}\n", "- 1\n", "a: [\n"]
)
def test_what_corrects_nothing_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        profile.load("gwyb-2019", settings(tmp_path, text))
    assert {problem.code for problem in refused.value.problems} == {"inspect-settings-unreadable"}


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        profile.load("../x")
    assert [problem.code for problem in refused.value.problems] == ["inspect-profile-unknown"]


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_a_finding_is_open_until_an_inspection_finds_it_no_longer(tmp_path: Path) -> None:
    """Found, said to be mended, looked for, gone, come back: each day is kept."""
    (finding,) = result_of(facts(dead_links=(("xwdt/202611/t1.md", "weg.md"),))).findings
    name = mending.id_of(finding)
    assert mending.record(tmp_path, [finding], TODAY) == (1, 0)
    assert mending.record(tmp_path, [finding], TODAY + timedelta(days=1)) == (0, 0)
    assert mending.say_mended(tmp_path, name, "shaowenlan", TODAY + timedelta(days=2)) is None
    known, problems = mending.load(tmp_path)
    assert (known[name].is_open, known[name].person, problems) == (True, "shaowenlan", [])
    assert mending.overdue(known, finding.by) == []
    assert [p.code for p in mending.overdue(known, finding.by + timedelta(days=1))] == ["inspect-mending-overdue"]
    assert mending.record(tmp_path, [], TODAY + timedelta(days=3)) == (0, 1)
    assert not mending.load(tmp_path)[0][name].is_open
    assert mending.record(tmp_path, [finding], TODAY + timedelta(days=4)) == (1, 0)
    again = mending.load(tmp_path)[0][name]
    assert (again.is_open, again.found, again.person) == (True, TODAY + timedelta(days=4), "")


def test_a_torn_line_of_the_ledger_is_told_and_the_rest_stands(tmp_path: Path) -> None:
    (finding,) = result_of(facts(dead_links=(("xwdt/202611/t1.md", "weg.md"),))).findings
    mending.record(tmp_path, [finding], TODAY)
    with (tmp_path / mending.FILE).open("a", encoding="utf-8") as stream:
        stream.write('{"id": "x", "event": "fou\n')
    known, problems = mending.load(tmp_path)
    assert (len(known), [problem.code for problem in problems]) == (1, ["inspect-ledger-unreadable"])


def test_nobody_mends_what_is_not_open(tmp_path: Path) -> None:
    problem = mending.say_mended(tmp_path, "0123456789", "x", TODAY)
    assert problem is not None
    assert problem.code == "inspect-finding-unknown"


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> TinyCity:
    """Signed in time but for one text, which says it is older than its signatures."""
    city = TinyCity(tmp_path_factory.mktemp("inspected"))
    city.article("xwdt/202611/t20261122_1.md", "今日要闻", "再接再励。\n", date="2026-11-22 08:30")
    city.article("xwdt/202601/t20260105_2.md", "旧稿", date="2026-01-05 08:30")
    city.build()
    return city


def run(city: TinyCity, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["inspect", *arguments, "--jobs", "1", "--date", "2026-11-22", "--config", str(city.root / "mkdocs.yml")]
    )


def test_an_inspection_tells_by_site_what_is_wrong(city: TinyCity) -> None:
    said = run(city, "--json")
    sites = {one["site"]: one for one in json.loads(said.stdout)["sites"]}
    assert said.exit_code == 1
    assert (sites[""]["vetoes"], sites[""]["score"]) == (["V1", "V6"], None)
    told = {(one["code"], one["path"]) for one in sites[""]["findings"]}
    assert ("inspect-date-forged", "content/xwdt/202601/t20260105_2.md") in told
    assert ("inspect-writing", "content/xwdt/202611/t20261122_1.md") in told


def test_a_text_in_traditional_script_is_one_finding_that_counts(tmp_path: Path) -> None:
    lenses = sweep.Lenses(
        root=tmp_path,
        site=tmp_path,
        host="www.example.gov.cn",
        lexicon=writing.load(tmp_path),
        roll=leaders.Roll(()),
        spam=hidden.pattern(()),
    )

    def told(body: str) -> list[tuple[str, int | None, str, str]]:
        (tmp_path / "a.md").write_text(f"---\ntitle: x\n---\n\n{body}\n", "utf-8")
        found = sweep.sweep(lenses, [sweep.Text("a.md", "a.md", date(2026, 11, 1))], [], jobs=1)
        return [(one.path, one.line, one.message, one.remedy) for one in found.writing]

    assert told("全市總結。") == [("content/a.md", 5, "“總結” is no standard writing", "write “总结”")]
    words = "總結 計劃 會議 實務 開門 關係 "
    [(path, line, message, remedy)] = told(f"第一行\n{words * 40}")
    assert (path, line) == ("content/a.md", 6)
    assert message == "“總結”、“計劃”、“會議”、“實務”、“開門” is no standard writing (240 places)"
    assert remedy == "write “总结”、“计划”、“会议”、“实务”、“开门”"
    assert told("全市总结。") == []


def test_each_site_is_measured_by_what_stands_on_it() -> None:
    """Each finding is on one site, none is lost, and none is on two."""
    places = ("content/xwdt/a.md", "content/jyj/tzgg/b.md", "content/jyj/index.md", "content/_archive/lyj.yml")
    problems = tuple(Problem(path=place, code="x-y", message="", remedy="") for place in places)
    sites = {"": SITE, "jyj": replace(SITE, path="jyj", source="jyj/index.md")}
    parts = by_site(facts(sites=sites, writing=problems, dead_links=(("jyj/tzgg/b.md", "x"), ("index.md", "y"))))
    assert [one.path for one in parts[""].writing] == [places[0], places[3]]
    assert [one.path for one in parts["jyj"].writing] == [places[1], places[2]]
    assert (parts[""].dead_links, parts["jyj"].dead_links) == ((("index.md", "y"),), (("jyj/tzgg/b.md", "x"),))


def test_the_reading_log_names_what_was_published_today(city: TinyCity) -> None:
    assert run(city, "--daily").exit_code == 1
    log = (city.content / "_records/inspections/2026-11-22.yml").read_text(encoding="utf-8")
    assert "今日要闻" in log
    assert "旧稿" not in log.partition("findings:")[0]
    (city.content / "_records/inspections/2026-11-22.yml").write_text(log.replace("read: false", "read: true"), "utf-8")
    again = run(city, "--daily", "--json")
    assert [p["code"] for p in json.loads(again.stdout)["problems"]] == ["inspect-record-filled"]
    assert journal.logged_days(city.content) == {TODAY}
    listed = run(city, "--open", "--json")
    assert "inspect" not in listed.stdout or listed.exit_code == 0
    first = json.loads(listed.stdout)[0]["id"]
    assert run(city, "--mended", first, "--as", "portal-bianji").exit_code == 0
    assert "inspect-person-unknown" in run(city, "--mended", first, "--as", "niemand", "--json").stdout


def test_a_quarter_covers_every_site_and_is_public_when_a_person_says_so(city: TinyCity) -> None:
    run(city, "--quarter", "2026Q4", "--as", "portal-bianji")
    path = city.content / "_records/inspections/2026Q4.yml"
    ((quarter,), problems) = journal.load_quarters(city.content)
    assert (quarter.raw["population"], quarter.raw["checked"], quarter.published_on, problems) == (2, 2, None, [])
    text = path.read_text(encoding="utf-8").replace("published_on: null", "published_on: 2026-11-22")
    path.write_text(text, encoding="utf-8")
    assert journal.load_quarters(city.content)[0][0].published_on == TODAY
    path.write_text(text.replace("checked: 2", "checked: 1"), encoding="utf-8")
    assert [problem.code for problem in journal.load_quarters(city.content)[1]] == ["inspection-record-unreadable"]
    path.unlink()


def test_a_quarter_that_has_not_begun_is_refused(city: TinyCity) -> None:
    assert journal.bounds("2026Q4") == (date(2026, 10, 1), date(2026, 12, 31))
    assert journal.quarter_of(date(2026, 9, 30)) == "2026Q3"
    assert journal.quarter_of(date(2026, 10, 1)) == "2026Q4"
    for wrong in ("2027Q1", "2026Q5"):
        assert "inspect-quarter-wrong" in run(city, "--quarter", wrong, "--json").stdout


def test_a_page_that_somebody_changed_behind_the_build_is_found(city: TinyCity) -> None:
    """V1: 内容被篡改. The hidden link in it is told too."""
    page = city.site / "xwdt/202611/t20261122_1.html"
    before = page.read_bytes()
    page.unlink()
    hidden = b'<div style="display:none"><a href="http://casino.example/">\xe7\x99\xbe\xe5\xae\xb6\xe4\xb9\x90</a></div></body>'
    page.write_bytes(before.replace(b"</body>", hidden))
    try:
        told = {one["code"] for site in json.loads(run(city, "--json").stdout)["sites"] for one in site["findings"]}
    finally:
        page.write_bytes(before)
    assert {"inspect-page-tampered", "inspect-hidden-link", "inspect-spam-planted"} <= told


def test_without_a_build_nothing_is_said_to_be_right(tmp_path: Path) -> None:
    city = TinyCity(tmp_path)
    assert "inspect-no-build" in run(city, "--json").stdout


def test_a_text_that_is_gone_was_not_looked_into(tmp_path: Path) -> None:
    city = TinyCity(tmp_path)
    article = city.article("xwdt/202611/t20261122_1.md", date="2026-11-22 08:30")
    city.build()
    article.unlink()
    assert "inspect-unread" in run(city, "--json").stdout


def test_what_stood_there_before_it_was_looked_for_is_found_by_the_inspection(city: TinyCity, tmp_path: Path) -> None:
    """A text that a former version of the program let through: the inspection reads the published version itself."""
    (tmp_path / "leak.md").write_text("名单：11010519491231002X，时时彩\n", encoding="utf-8")
    lenses = sweep.Lenses(
        root=tmp_path,
        site=city.site,
        host="www.example.gov.cn",
        lexicon=writing.Lexicon(),
        roll=leaders.Roll((leaders.Holder(name="秦砺言", title="市长", since=None, until=None),)),
        spam=hidden.pattern(),
    )
    (tmp_path / "names.md").write_text("市长秦励言\n", encoding="utf-8")
    swept = sweep.sweep(
        lenses, [sweep.Text("leak.md", "leak.md", TODAY), sweep.Text("names.md", "names.md", TODAY)], []
    )
    assert [problem.code for problem in swept.serious] == ["inspect-personal-data"]
    assert [problem.code for problem in swept.writing] == ["inspect-spam-words", "leader-name-wrong"]
    assert "11010519491231002X" not in swept.serious[0].message


def test_a_title_of_another_time_is_told(tmp_path: Path) -> None:
    roll = leaders.Roll((leaders.Holder(name="秦砺言", title="市长", since=date(2026, 1, 5), until=None),))
    (tmp_path / "old.md").write_text("市长秦砺言\n", encoding="utf-8")
    lenses = sweep.Lenses(
        root=tmp_path, site=tmp_path, host="", lexicon=writing.Lexicon(), roll=roll, spam=hidden.pattern()
    )
    swept = sweep.sweep(lenses, [sweep.Text("old.md", "old.md", date(2025, 3, 1))], [])
    assert [problem.code for problem in swept.writing] == ["leader-title-wrong"]


def test_indicators_print_what_nobody_compared_with_the_text(city: TinyCity) -> None:
    said = run(city, "--indicators").stdout
    assert "V2.failed_percent = 5 (国办秘函〔2019〕19号)\n" in said
    assert "V6.bad_items = 5 (国办秘函〔2019〕19号) 未核实\n" in said


def test_people_on_duty_take_turns() -> None:
    turns = {"duty": ["甲", "乙"]}
    assert {journal.person_on_duty(turns, TODAY), journal.person_on_duty(turns, TODAY + timedelta(days=1))} == {
        "甲",
        "乙",
    }
    assert journal.person_on_duty({}, TODAY) == ""
