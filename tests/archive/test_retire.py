"""A retirement step by step, as 第十二条 orders it: nothing before the approval, nothing finished that is not recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive import decision, store, successor
from archive.__main__ import main as program
from archive.crawling.options import Options
from archive.decision import Approval, Decision, Successor
from archive.net.fetch import parse_connect_to
from archive.publishing import own, published
from archive.retiring import notices, retirement, runbook, status
from archive.retiring.retirement import CANCELLED, Standing
from sitegen import clock, frontmatter, lifecycle
from sitegen.errors import Refused
from sitegen.lifecycle import Event, SiteRecord
from tests.archive.oldweb import lyj
from tests.cities import NOW, TinyCity

TODAY = date(2026, 11, 22)
DECIDED = Decision(
    site="lyj",
    hosts=("lyj.example.gov.cn",),
    start=("http://lyj.example.gov.cn/",),
    name="示例市旅游局网站",
    unit="whlyj",
    reason="整合迁移",
    approval=Approval(document="示政办函〔2026〕61号", date=date(2026, 8, 20)),
    successor=Successor(site="whlyj", url="/whlyj/", title="示例市文化和旅游局", columns={"lydt": "whlyj/gzdt"}),
    retention="永久",
    path="content/_archive/lyj.yml",
)
SAID = {"document": "示文〔2026〕1号", "by": "whlyj"}


def record(*events: tuple[str, date], **facts: str) -> SiteRecord:
    return SiteRecord(
        site="lyj", name="", url="", unit="", events=tuple(Event(event=name, on=on, facts=facts) for name, on in events)
    )


def standing(**more: Any) -> Standing:
    """A retirement in which everything is done but the last entry."""
    day = TODAY - timedelta(days=40)
    names = ["approval", "captured", "published", *(name for name, _ in CANCELLED), "portal-notice", "reported"]
    about: dict[str, Any] = {
        "site": "lyj",
        "today": TODAY,
        "own": False,
        "decision": DECIDED,
        "record": record(
            *((name, day) for name in names if name != "domain-cancelled"), ("domain-cancelled", TODAY), **SAID
        ),
        "captured": "lyj/20261122103000",
        "published": "lyj/20261122103000",
        "built": True,
        "drafts": 0,
        "migrated": 3,
        "notice": "tzgg/202610/t20261013_9000001.md",
        "notice_live": True,
        "redirects": True,
        "notice_days": 30,
    }
    return Standing(**(about | more))


def without(*names: str) -> SiteRecord:
    full = standing().record
    assert full is not None
    return replace(full, events=tuple(event for event in full.events if event.event not in names))


def states(now: Standing) -> dict[str, str]:
    return {step.name: step.state for step in retirement.steps(now)}


def test_the_steps_come_in_the_order_of_the_law() -> None:
    names = [step.name for step in retirement.steps(standing())]
    assert names == [
        "approval", "captured", "published", "migrated", "redirects", "built", "banner", "mark-cancelled", "icp-cancelled",
        "police-cancelled", "domain-cancelled", "portal-notice", "notice-period", "reported", "retired",
    ]  # fmt: skip
    assert all(step.article.startswith("第十") for step in retirement.steps(standing()))


def test_without_an_approval_everything_stops() -> None:
    now = standing(decision=replace(DECIDED, approval=None), record=None)
    first = retirement.steps(now)[0]
    assert (first.state, first.remedy) == (
        "refused",
        "write `approval: {document: 文号, date: 2026-11-22}` into content/_archive/lyj.yml",
    )


@pytest.mark.parametrize("name", [name for name, _ in CANCELLED])
def test_a_retirement_is_not_finished_without_each_deregistration(name: str) -> None:
    """第十二条（二）: marks, filings and the domain are cancelled, and that is on record."""
    now = standing(record=without(name))
    found = {step.name: step for step in retirement.steps(now)}
    assert (found[name].state, found["retired"].state) == ("refused", "due")
    (problem,) = retirement.refusals(retirement.steps(now), "lyj")
    assert (problem.code, problem.key) == ("retire-step-missing", name)
    assert f"- {{event: {name}, date: 2026-11-22, document: …, by: …}}" in problem.remedy


def test_the_notice_stands_at_least_thirty_days() -> None:
    """第十二条（三）: 原则上至少保留30天."""
    events = without("portal-notice").events
    young = replace(
        without(),
        events=(*events, Event(event="portal-notice", on=TODAY - timedelta(days=29), facts={"until": "2026-11-01"})),
    )
    found = {step.name: step for step in retirement.steps(standing(record=young))}
    assert (found["notice-period"].state, found["notice-period"].by) == ("waiting", TODAY + timedelta(days=1))
    old = replace(young, events=(*events, Event(event="portal-notice", on=TODAY - timedelta(days=30), facts={})))
    assert states(standing(record=old))["notice-period"] == "done"
    longer = replace(
        young,
        events=(*events, Event(event="portal-notice", on=TODAY - timedelta(days=30), facts={"until": "2027-01-01"})),
    )
    assert states(standing(record=longer))["notice-period"] == "waiting"


def test_a_project_may_let_notices_stand_longer() -> None:
    """notice_days in _records/rules.yml, one number for the notice, the steps and the build."""
    now = standing(
        record=replace(without(), events=(Event(event="portal-notice", on=TODAY, facts={}),)), notice_days=45
    )
    found = {step.name: step for step in retirement.steps(now)}
    assert found["notice-period"].by == TODAY + timedelta(days=45)


def announced(days_ago: int, *more: tuple[str, int]) -> SiteRecord:
    events = [("banner", days_ago), ("captured", 1), *more]
    return record(*((name, TODAY - timedelta(days=days)) for name, days in events), by="jyj")


@pytest.mark.parametrize(("days_ago", "state"), [(29, "waiting"), (30, "done")])
def test_pages_of_ours_that_were_announced_to_end_stay_until_that_day(days_ago: int, state: str) -> None:
    """第十二条（三）: what the pages themselves say is kept."""
    found = {step.name: step for step in retirement.steps(standing(own=True, record=announced(days_ago)))}
    assert (found["banner"].state, found["notice-period"].state) == ("done", state)
    assert list(found).index("notice-period") < list(found).index("published")


def test_pages_of_ours_archived_before_the_announced_day_are_told() -> None:
    early = standing(own=True, record=announced(10, ("published", 1)))
    assert [problem.code for problem in retirement.warnings(early)] == ["retire-announced-early"]
    kept = standing(own=True, record=announced(40, ("published", 1)))
    assert retirement.warnings(kept) == []


def test_each_recorded_step_shows_its_date_its_document_and_who() -> None:
    """What an inspector asks of every deregistration; JSON and the table have it."""
    step = next(step for step in retirement.steps(standing()) if step.name == "icp-cancelled")
    said = step.as_json()
    day = (TODAY - timedelta(days=40)).isoformat()
    assert (said["on"], said["document"], said["who"]) == (day, "示文〔2026〕1号", "whlyj")
    (line,) = [line for line in status.table([step]) if "ICP" in line]
    assert all(word in line for word in (day, "第十二条（二）", "示文〔2026〕1号", "whlyj"))


@pytest.mark.parametrize("name", [name for name, _ in CANCELLED] + ["reported"])
@pytest.mark.parametrize("lacking", ["document", "by"])
def test_a_step_without_document_or_person_is_a_warning(name: str, lacking: str) -> None:
    facts = {key: value for key, value in SAID.items() if key != lacking}
    now = standing(record=replace(without(), events=(*without(name).events, Event(event=name, on=TODAY, facts=facts))))
    found = [problem.key for problem in retirement.warnings(now) if problem.code == "retire-step-undocumented"]
    assert found == ([] if (name, lacking) == ("banner", "document") else [name])


def test_the_report_is_asked_for_when_all_else_is_done() -> None:
    assert states(standing(record=without("reported")))["reported"] == "refused"
    assert states(standing(record=without("reported", "banner")))["reported"] == "due"


def test_drafts_wait_for_their_reviews_without_failing_the_run() -> None:
    now = standing(drafts=2)
    assert states(now)["migrated"] == "due"
    assert retirement.refusals(retirement.steps(now), "lyj") == []


def test_a_domain_cancelled_before_the_notice_has_stood_is_a_warning() -> None:
    early = replace(
        without("domain-cancelled"),
        events=(
            *without("domain-cancelled").events,
            Event(event="domain-cancelled", on=TODAY - timedelta(days=39), facts=SAID),
        ),
    )
    (problem,) = retirement.warnings(standing(record=early))
    assert (problem.code, problem.severity) == ("retire-domain-early", "warning")
    assert retirement.warnings(standing()) == []
    explained = Event(
        event="domain-cancelled", on=TODAY - timedelta(days=39), facts={**SAID, "note": "解析保留至公告期满"}
    )
    early = replace(early, events=(*early.events[:-1], explained))
    assert retirement.warnings(standing(record=early)) == []


def test_a_banner_hung_before_the_approval_is_a_warning() -> None:
    early = replace(
        without("banner"), events=(*without("banner").events, Event(event="banner", on=date(2020, 1, 1), facts=SAID))
    )
    assert [problem.code for problem in retirement.warnings(standing(record=early))] == ["retire-order"]


def test_our_own_pages_need_no_deregistration_and_no_notice() -> None:
    assert list(states(standing(own=True, record=without("banner")))) == [
        "approval",
        "captured",
        "published",
        "built",
        "retired",
    ]


def test_the_table_says_what_to_do_next() -> None:
    lines = status.table(retirement.steps(standing(record=without("banner"))))
    assert any(line.startswith("not recorded") and "第十二条（一）" in line for line in lines)
    assert any("event: banner" in line for line in lines)


# --- the whole runbook, for real


class Retirement:
    """The old tourism site retires into 市教育局 of a tiny city."""

    def __init__(self, city: TinyCity, port: int) -> None:
        self.city = city
        self.port = port
        city.column("tzgg", "通知公告", "通知公告", "信息发布", 15)
        self.decide()

    def decide(self, approval: str = "approval: {document: 示政办函〔2026〕61号, date: 2026-08-20}\n") -> None:
        self.city.put(
            "_archive/lyj.yml",
            "site: lyj\nname: 示例市旅游局网站\nunit: jyj\nhosts: [lyj.example.gov.cn]\nallow_private: [127.0.0.1]\nreason: 整合迁移\n"
            f"{approval}successor: {{site: jyj, url: /jyj/, columns: {{bszn: jyj/tzgg}}}}\nretention: 永久\n",
        )

    def desk(self, now: datetime = NOW) -> runbook.Desk:
        root = self.city.root
        return runbook.Desk(
            root=root, content=self.city.content, store=root / "build/archive", public=root / "build/public",
            site_url="https://www.example.gov.cn/", now=now,
        )  # fmt: skip

    def run(self, now: datetime = NOW, **more: Any) -> runbook.RetireReport:
        dial = parse_connect_to(f"lyj.example.gov.cn:80:127.0.0.1:{self.port}")
        return runbook.retire(self.desk(now), "lyj", options=Options(connect_to=(dial,)), **more)

    def note(self, name: str, on: date) -> None:
        lifecycle.append_event(self.city.content, "lyj", Event(event=name, on=on, facts=SAID))

    def events(self) -> list[str]:
        found = lifecycle.load(self.city.content, "lyj")
        return [event.event for event in found.events] if found else []


def test_a_site_retires_from_the_first_run_to_the_last(city: TinyCity) -> None:
    with lyj() as server:
        retiring = Retirement(city, server.port)
        first = retiring.run()
        assert first.outcome == "refused"
        assert {problem.key for problem in first.problems} == {name for name, _ in CANCELLED}
        assert retiring.events() == ["approval", "captured", "published"]
        again = retiring.run()
        assert again.done_now == []
        assert len(store.captures(city.root / "build/archive", "lyj")) == 1
    # The archive is online, drafts and notice wait for people.
    index = published.read_index(published.newest_index(city.root / "build/public", "lyj"))
    assert (city.site / index["home"].lstrip("/")).exists()
    folder = city.root / "build/archive/lyj"
    assert (folder / "redirects.nginx").exists()
    assert (folder / "redirects.csv").exists()
    assert (folder / "banner.html").read_bytes().isascii()
    drafts = successor.drafts(city.content)
    notice = notices.find(city.content, decision.load(city.content, "lyj"))
    assert notice is not None
    assert len(drafts) == 7
    for name, _ in CANCELLED:
        retiring.note(name, TODAY + timedelta(days=31))
    for path in [*drafts.values(), notice]:
        city.sign(path, at=NOW)
    signed = NOW + timedelta(hours=1)
    waiting = retiring.run(signed)
    until = clock.midnight(NOW.date() + timedelta(days=30)).date()
    assert waiting.outcome == f"waiting until {until}"
    assert waiting.problems == []
    assert city.page("/" + notice.replace(".md", ".html"))
    # Old addresses now lead to the migrated pages.
    table = (folder / "redirects.csv").read_text(encoding="utf-8")
    assert table.count(",redirect,https://www.example.gov.cn/jyj/tzgg/") >= 7
    index = published.read_index(published.newest_index(city.root / "build/public", "lyj"))
    assert sum(bool(page["successor"]) for page in index["pages"]) >= 7
    later = clock.midnight(until) + timedelta(days=2)
    asked = retiring.run(later)
    assert [problem.key for problem in asked.problems] == ["reported"]
    retiring.note("reported", later.date())
    assert retiring.run(later).outcome == "retired"
    assert retiring.events()[-1] == "retired"
    before = {path: path.read_bytes() for path in city.content.rglob("*") if path.is_file()}
    assert retiring.run(later).done_now == []
    assert {path: path.read_bytes() for path in city.content.rglob("*") if path.is_file()} == before


def test_nothing_is_asked_of_the_old_site_before_the_approval(city: TinyCity) -> None:
    with lyj() as server:
        retiring = Retirement(city, server.port)
        retiring.decide(approval="")
        report = retiring.run()
        assert server.log == []
    assert report.outcome == "refused"
    assert "decision-incomplete" in {problem.code for problem in report.problems}
    assert retiring.events() == []
    assert not (city.root / "build/archive/lyj").exists()


def test_a_draft_that_editors_deleted_is_not_brought_back(city: TinyCity) -> None:
    with lyj() as server:
        retiring = Retirement(city, server.port)
        retiring.run()
        drafts = successor.drafts(city.content)
        unwanted = next(path for uri, path in drafts.items() if uri != "http://lyj.example.gov.cn/")
        (city.content / unwanted).unlink()
        retiring.run()
    assert not (city.content / unwanted).exists()


def test_a_build_that_makes_nothing_is_said(city: TinyCity) -> None:
    (city.root / "mkdocs.yml").write_text("site_name: x\n", encoding="utf-8")
    desk = Retirement(city, 0).desk()
    (problem,) = runbook.build(desk)
    assert problem.code == "retire-build-failed"


# --- notices


def test_the_notice_on_the_portal_says_where_everything_went(city: TinyCity) -> None:
    """第十二条（三）: content, approval, present place of each column, how long the notice stands, whom to ask."""
    city.column("tzgg", "通知公告", "通知公告", "信息发布", 15)
    decided = replace(DECIDED, successor=Successor(site="jyj", url="/jyj/", title="", columns={"lydt": "jyj/tzgg"}))
    notice = notices.portal_notice(
        decided, content=city.content, now=NOW, columns={"lydt": "旅游动态"}, site_url="https://www.example.gov.cn/"
    )
    assert notice.until - NOW.date() >= timedelta(days=30)
    text = (city.content / notice.path).read_text(encoding="utf-8")
    matter, problems = frontmatter.parse(text, notice.path, frontmatter.ARTICLE_KEYS)
    assert problems == []
    assert matter is not None
    assert matter.values["source"] == "示例市人民政府办公室"
    for words in (
        "示政办函〔2026〕61号",
        "| 旅游动态 | [示例市教育局 › 通知公告](../../jyj/tzgg/index.md) |",
        "/archive/lyj/",
        "2026年12月22日",
        "0000-1234567",
    ):
        assert words in matter.body
    again = notices.portal_notice(
        decided, content=city.content, now=NOW + timedelta(days=9), columns={}, site_url="https://www.example.gov.cn/"
    )
    assert (again.path, again.written) == (notice.path, False)
    city.put("_records/rules.yml", "notice_days: 45\n")
    longer = notices.portal_notice(
        decided, content=city.content, now=NOW, columns={}, site_url="https://www.example.gov.cn/"
    )
    assert longer.until - NOW.date() == timedelta(days=45)


def test_a_portal_without_a_column_of_notices_is_refused(city: TinyCity) -> None:
    with pytest.raises(Refused) as refused:
        notices.portal_notice(
            DECIDED, content=city.content, now=NOW, columns={}, site_url="https://www.example.gov.cn/"
        )
    assert refused.value.problems[0].code == "notice-column-missing"


def test_the_banner_reads_the_same_in_a_page_of_any_charset(tmp_path: Path) -> None:
    places = successor.Places.read(tmp_path, DECIDED)
    html = notices.banner_html(DECIDED, site_url="https://www.example.gov.cn/", places=places)
    assert html.isascii()
    assert "&#36801;&#31227;&#20844;&#21578;" in html
    assert "https://www.example.gov.cn/archive/lyj/" in html


# --- our own pages


def own_desk(city: TinyCity) -> runbook.Desk:
    return runbook.Desk(
        root=city.root, content=city.content, store=city.root / "build/archive", public=city.root / "build/public",
        site_url="https://www.example.gov.cn/", now=NOW,
    )  # fmt: skip


OWN = """site: jyj--tzgg
hosts: [www.example.gov.cn]
start: [https://www.example.gov.cn/jyj/tzgg/]
name: 通知公告（旧）
unit: jyj
reason: 栏目停更
approval: {document: 示教函〔2026〕9号, date: 2026-11-01}
successor: {site: jyj, url: /jyj/}
retention: 30年
"""


def test_a_column_of_ours_retires_in_place(city: TinyCity) -> None:
    """第十五条, 第十九条: captured as readers saw it, and kept at its address in the version of that day."""
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.article("xwdt/202611/t20261120_2.md", "别处的消息")
    city.build()
    city.put("_archive/jyj--tzgg.yml", OWN)
    report = runbook.retire(own_desk(city), "jyj--tzgg")
    assert report.problems == []
    assert report.outcome == "retired"
    index = published.read_index(published.newest_index(city.root / "build/public", "jyj--tzgg"))
    assert (index["mode"], index["files"]) == ("in-place", {})
    pages = {page["source"]: page for page in index["pages"]}
    assert set(pages) == {"jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md"}
    page = pages["jyj/tzgg/202611/t20261120_1.md"]
    assert page["url"] == "/jyj/tzgg/202611/t20261120_1.html"
    assert page["target_uri"] == "https://www.example.gov.cn/jyj/tzgg/202611/t20261120_1.html"
    assert page["digest"].startswith("sha256:")
    before = published.newest_index(city.root / "build/public", "jyj--tzgg").read_bytes()
    # A later edit changes nothing of what was retired.
    city.article("jyj/tzgg/202611/t20261120_1.md", "改过的通知")
    again = runbook.retire(own_desk(city), "jyj--tzgg")
    assert again.outcome == "retired"
    assert published.newest_index(city.root / "build/public", "jyj--tzgg").read_bytes() == before
    assert len(store.captures(city.root / "build/archive", "jyj--tzgg")) == 1


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("topics/hb", {"topics/hb/index.md"}),
        ("jyj", {"jyj/index.md", "jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md"}),
        ("jyj/tzgg/202611/t20261120_1", {"jyj/tzgg/202611/t20261120_1.md"}),
    ],
    ids=["topic", "department", "page"],
)
def test_a_topic_a_section_or_one_page_of_ours_retires_in_place(city: TinyCity, path: str, pages: set[str]) -> None:
    """第十五条: each keeps its address and answers 200 there, stamped; what lies beside it is not touched."""
    city.put("topics/hb/index.md", "---\nkind: topic\ntitle: 环保专题\ndescription: 专题\nunit: jyj\n---\n专题正文。\n")
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.article("xwdt/202611/t20261120_2.md", "别处的消息")
    city.build()
    site = own.site_id(path)
    city.put(f"_archive/{site}.yml", OWN.replace("jyj--tzgg", site).replace("/jyj/tzgg/", f"/{path}/"))
    report = runbook.retire(own_desk(city), site)
    assert (report.outcome, report.problems) == ("retired", [])
    index = published.read_index(published.newest_index(city.root / "build/public", site))
    assert {page["source"] for page in index["pages"]} == pages
    city.build()
    for source in pages:
        assert "data-archived" in city.page(source.removesuffix(".md") + ".html"), source
    assert "data-archived" not in city.page("xwdt/202611/t20261120_2.html")


def test_a_column_of_ours_that_was_announced_to_end_stays_until_that_day(city: TinyCity) -> None:
    """第十二条: run before the day, the retirement waits and changes nothing; run on it, it ends."""
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    city.put("_archive/jyj--tzgg.yml", OWN)
    city.put(
        "_records/sites/jyj--tzgg.yml", "site: jyj--tzgg\nevents:\n  - {event: banner, date: 2026-11-20, by: jyj}\n"
    )
    desk = own_desk(city)
    early = runbook.retire(desk, "jyj--tzgg")
    assert (early.outcome, early.problems) == ("waiting until 2026-12-20", [])
    assert not published.newest_index(city.root / "build/public", "jyj--tzgg").exists()
    [capture] = store.captures(desk.store, "jyj--tzgg")
    decision = runbook.load_decision(desk, "jyj--tzgg")
    with pytest.raises(Refused) as refused:
        own.publish_in_place(
            capture, decision, build=desk.build, public=desk.public, content=desk.content, now=desk.now
        )
    assert [problem.code for problem in refused.value.problems] == ["own-announced-until"]
    late = runbook.retire(replace(desk, now=datetime(2026, 12, 20, 9, 0, tzinfo=clock.SHANGHAI)), "jyj--tzgg")
    assert (late.outcome, late.problems) == ("retired", [])


def test_without_a_decision_our_own_pages_stay_and_the_file_to_write_is_shown(city: TinyCity) -> None:
    with pytest.raises(Refused) as refused:
        runbook.retire(own_desk(city), "jyj--tzgg")
    (problem,) = refused.value.problems
    assert problem.code == "own-decision-missing"
    assert "site: jyj--tzgg\nhosts: [www.example.gov.cn]" in problem.remedy


def test_what_is_not_online_cannot_be_archived(city: TinyCity) -> None:
    city.put("_archive/jyj--tzgg.yml", OWN)
    with pytest.raises(Refused) as refused:
        runbook.retire(own_desk(city), "jyj--tzgg")
    assert refused.value.problems[0].code == "own-no-release"
    city.build()
    city.column("jyj/xin", "新栏目", "通知公告", "信息发布", 20, site="jyj")
    city.put("_archive/jyj--xin.yml", OWN.replace("tzgg", "xin"))
    with pytest.raises(Refused) as refused:
        runbook.retire(own_desk(city), "jyj--xin")
    assert refused.value.problems[0].code == "own-nothing-below"


def test_a_path_of_ours_has_a_site_id_and_back() -> None:
    assert own.site_id("jyj/old-column/") == "jyj--old-column"
    assert own.path_of("jyj--old-column") == "jyj/old-column"


# --- the commands


def called(city: TinyCity, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.chdir(city.root)
    return CliRunner().invoke(program, arguments)


def test_the_commands_do_it_all(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    with lyj() as server:
        Retirement(city, server.port)
        dial = f"lyj.example.gov.cn:80:127.0.0.1:{server.port}"
        taken = called(city, monkeypatch, "capture", "--site", "lyj", "--connect-to", dial, "--json")
    assert taken.exit_code == 0
    made = called(city, monkeypatch, "publish", "lyj", "--date", "2026-11-22", "--json")
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert said["archived_on"] == "2026-11-22"
    assert said["counts"]["pages"] > 100
    assert (city.site / f"archive/{said['capture']}/not-captured.html").exists()
    dry = json.loads(called(city, monkeypatch, "extract", "lyj", "--dry-run", "--json").stdout)
    assert len(dry["written"]) == 7
    assert successor.drafts(city.content) == {}
    assert json.loads(called(city, monkeypatch, "relate", "lyj", "--json").stdout)["counts"]["archive"] > 150
    nginx = called(city, monkeypatch, "redirects", "lyj", "--format", "nginx")
    assert "return 301" in nginx.stdout
    noticed = json.loads(called(city, monkeypatch, "notice", "lyj", "--date", "2026-11-22", "--json").stdout)
    assert noticed["drafts"][0].startswith("tzgg/202611/t20261122_9")
    stands = called(city, monkeypatch, "status", "lyj", "--json")
    assert stands.exit_code == 0
    assert json.loads(stands.stdout)["steps"][0]["state"] == "done"
    assert called(city, monkeypatch, "retire", "nobody").exit_code == 1
    for command in ("publish", "extract", "relate", "redirects", "notice", "retire", "status"):
        assert f"archive {command}" in called(city, monkeypatch, command, "--help").output


def test_a_dry_run_shows_the_steps_and_changes_nothing(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    city.put("_archive/jyj--tzgg.yml", OWN)
    before = {path: path.stat().st_mtime_ns for path in city.root.rglob("*")}
    dry = called(city, monkeypatch, "retire", "jyj/tzgg", "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    assert json.loads(dry.stdout) == json.loads(called(city, monkeypatch, "status", "jyj/tzgg", "--json").stdout)
    assert {step["state"] for step in json.loads(dry.stdout)["steps"]} == {"done", "due"}
    assert before == {path: path.stat().st_mtime_ns for path in city.root.rglob("*")}


def test_redirects_are_refused_where_the_portals_address_is_unknown(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    (city.root / "mkdocs.yml").unlink()
    refused = called(city, monkeypatch, "redirects", "lyj")
    assert refused.exit_code == 1
    assert "redirects-site-unknown" in refused.stderr


def test_an_old_site_may_have_the_name_of_the_section_it_moves_into() -> None:
    """jyj.example.gov.cn retires into /jyj/: its host, not its name, says that it is not ours."""
    site_url = "https://www.example.gov.cn/"
    assert not own.is_own(replace(DECIDED, site="jyj", hosts=("jyj.example.gov.cn",)), site_url)
    assert own.is_own(replace(DECIDED, site="jyj--tzgg", hosts=("www.example.gov.cn",)), site_url)


def test_copies_once_archived_are_not_made_again_unless_one_is_missing(city: TinyCity) -> None:
    """第十五条: an archived page is not altered afterwards."""
    with lyj() as server:
        retiring = Retirement(city, server.port)
        retiring.run()
        index = published.newest_index(city.root / "build/public", "lyj")
        page = index.with_suffix("") / "not-captured.html"
        touched = page.stat().st_mtime_ns
        retiring.run()
        assert page.stat().st_mtime_ns == touched
        page.unlink()
        retiring.run()
    assert page.exists()
