"""A site's life by command: each step with its article, nothing skipped, nothing published too early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sitegen import frontmatter, lifecycle
from tests.cities import TinyCity
from tests.cities import codes as codes_of
from tests.test_cli import run

DAY = "2026-11-22"
_SITE = "---\nkind: department\ntitle: 示例市科学技术局\nshort_name: 市科技局\n"


@pytest.fixture
def town(city: TinyCity) -> TinyCity:
    """With columns for notices, and a department that is to be opened."""
    city.column("tzgg", "通知公告", "通知公告", "信息发布", 60)
    text = (city.content / "jyj/index.md").read_text(encoding="utf-8")
    city.put("kjj/index.md", text.replace("示例市教育局", "示例市科学技术局").replace("0000000001", "0000000002", 1))
    city.column("kjj/gzdt", "工作动态", "政务动态", "信息发布", 10, site="jyj")
    return city


def said(city: TinyCity, *arguments: str, code: int = 0, date: str = DAY) -> dict[str, Any]:
    result = run(city, "site", *arguments, "--json", "--date", date)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(city: TinyCity, *arguments: str, date: str = DAY) -> list[str]:
    return [problem["code"] for problem in said(city, *arguments, code=1, date=date)["problems"]]


STEPS = (
    ("open-approved", ("--document", "示政办函〔2026〕70号", "--by", "zfb")),
    ("mark-applied", ("--document", "示网标〔2026〕3号", "--by", "kjj")),
    ("icp-filed", ("--icp", "示ICP备00000002号", "--police", "示公网安备 00000000000002号", "--by", "kjj")),
    ("security-tested", ("--level", "2", "--document", "测评〔2026〕8号", "--by", "kjj")),
    ("code-issued", ("--code", "0000000002", "--by", "zfb")),
    ("open-notice", ("--by", "kjj")),
)


def opened(city: TinyCity, until: str) -> None:
    for step, facts in STEPS:
        said(city, "open", "kjj", "--step", step, *facts)
        if step == until:
            return


def test_a_site_opens_in_five_steps_in_their_order(town: TinyCity) -> None:
    """第十条."""
    for number, (step, facts) in enumerate(STEPS):
        for later, more in STEPS[number + 1 :]:
            assert refused(town, "open", "kjj", "--step", later, *more) == ["open-order"]
        for missing in range(0, len(facts), 2):
            less = facts[:missing] + facts[missing + 2 :]
            assert refused(town, "open", "kjj", "--step", step, *less) == ["event-fact-missing"]
        if number:
            assert refused(town, "open", "kjj", "--step", step, *facts, "--on", "2026-11-21") == ["open-date"]
        done = said(town, "open", "kjj", "--step", step, *facts)
    [draft] = done["drafts"]
    text = (town.root / draft).read_text(encoding="utf-8")
    assert "示政办函〔2026〕70号" in text
    assert done["event"]["portal_notice"] == f"/{draft.removeprefix('content/').removesuffix('.md')}.html"
    known = lifecycle.load(town.content, "kjj")
    assert known is not None
    assert [event.event for event in known.events] == [step for step, _facts in STEPS]
    assert refused(town, "open", "kjj", "--step", "open-notice", "--by", "kjj") == ["site-already-open"]


@pytest.mark.parametrize("code", ["000000002", "00000000022", "bm0100001", "x"])
def test_a_code_of_another_form_is_refused(code: str, town: TinyCity) -> None:
    opened(town, "security-tested")
    assert refused(town, "open", "kjj", "--step", "code-issued", "--code", code, "--by", "zfb") == ["id-code-form"]


def test_a_site_is_not_published_before_its_code(town: TinyCity) -> None:
    """第十条（四）: it is withheld whole, the rest of the city is built, and a clean build does the same."""
    assert "site-not-open" not in codes_of(town.build())
    assert (town.site / "kjj/index.html").exists()
    said(town, "open", "kjj", "--step", *("open-approved", *STEPS[0][1]))
    report = town.build()
    assert [p.path for p in report.problems if p.code == "site-not-open"] == ["content/kjj/index.md"]
    assert any(p["code"] == "site-not-open" for p in json.loads(run(town, "check", "--json").stdout)["problems"])
    assert not (town.site / "kjj").exists()
    assert (town.site / "jyj/index.html").exists()
    assert "site-not-open" in codes_of(town.build())
    withheld = town.released()
    town.build(clean=True)
    assert town.released() == withheld
    for step, facts in STEPS[1:5]:
        said(town, "open", "kjj", "--step", step, *facts)
    assert "site-not-open" not in codes_of(town.build())
    assert (town.site / "kjj/gzdt/index.html").exists()


def test_a_site_elsewhere_begins_its_record_with_name_address_and_unit(town: TinyCity) -> None:
    first = ("open", "lyj", "--step", "open-approved", "--document", "x", "--by", "zfb")
    assert refused(town, *first) == ["site-head-missing"]
    said(town, *first, "--name", "旅游局网站", "--url", "http://lyj.example.gov.cn/", "--unit", "jyj")
    known = lifecycle.load(town.content, "lyj")
    assert known is not None
    assert (known.name, known.url, known.unit) == ("旅游局网站", "http://lyj.example.gov.cn/", "jyj")
    assert [one["site"] for one in _listed(town)] == ["portal", "jyj", "kjj", "lyj"]
    assert refused(town, "status", "nobody") == ["notice-site-unknown"]
    assert said(town, "status", "../../etc", code=2)["problems"][0]["code"] == "site-name"


def _listed(city: TinyCity) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(city, "site", "list", "--json").stdout)
    return found


def test_a_change_is_found_listed_and_filed(town: TinyCity) -> None:
    """第十四条."""
    filing = ("change", "jyj", "--document", "示教函〔2026〕12号", "--by", "jyj")
    assert [one["key"] for one in said(town, "change", "jyj", code=1)["changes"]] == ["site"]
    assert said(town, *filing)["event"]["leader"] == "甲"
    assert said(town, "change", "jyj")["changes"] == []
    assert refused(town, *filing) == ["nothing-to-file"]
    index = town.content / "jyj/index.md"
    index.write_text(index.read_text(encoding="utf-8").replace("leader: 甲", "leader: 丁"), encoding="utf-8")
    town.column("jyj/gzdt", "工作动态", "政务动态", "信息发布", 20, site="jyj")
    assert said(town, "change", "jyj", code=1)["changes"] == [
        {"key": "leader", "old": "甲", "new": "丁"},
        {"key": "columns", "old": "tzgg=通知公告", "new": "gzdt=工作动态; tzgg=通知公告"},
    ]
    said(town, *filing)
    assert said(town, "change", "jyj")["changes"] == []


SUSPEND = ("suspend", "jyj", "--document", "示政办函〔2026〕7号", "--by", "jyj", "--reason", "机房改造")


def test_a_suspension_writes_both_notices_and_what_the_server_needs(town: TinyCity) -> None:
    """第十三条: one notice on the portal, one on the site itself; the site answers 503 with the day of its return."""
    before = (town.content / "_records").rglob("*")
    asked = (*SUSPEND, "--from", "2026-12-01", "--until", "2026-12-05")
    planned = said(town, *asked, "--dry-run")
    assert sorted(before) == sorted((town.content / "_records").rglob("*"))
    assert not any((town.root / path).exists() for path in planned["drafts"])
    done = said(town, *asked)
    assert done["drafts"] == planned["drafts"]
    portal, own = done["drafts"]
    assert portal.startswith("content/tzgg/202611/")
    assert own.startswith("content/jyj/tzgg/202611/")
    for path in (portal, own):
        matter, problems = frontmatter.parse((town.root / path).read_text("utf-8"), path, frontmatter.ARTICLE_KEYS)
        assert (matter is not None, problems) == (True, [])
        assert matter is not None
        assert "2026年12月1日至2026年12月5日" in matter.body
    nginx = done["configuration"]["503.nginx"]
    assert "location ^~ /jyj/" in nginx
    assert "return 503" in nginx
    assert 'Retry-After "Sat, 05 Dec 2026 16:00:00 GMT"' in nginx
    assert run(town, "site", "status", "jyj", "--server", "nginx").stdout == nginx
    report = town.build()
    assert "site-not-open" not in codes_of(report)
    page = town.page("/offline-jyj.html")
    assert "示例市教育局" in page
    assert "2026年12月5日" in page
    assert refused(town, *asked) == ["suspend-not-open"]
    assert refused(town, "resume", "jyj", "--on", "2026-11-30") == ["resume-date"]
    [draft] = said(town, "resume", "jyj", "--by", "jyj", date="2026-12-04")["drafts"]
    assert "恢复运行" in (town.root / draft).read_text(encoding="utf-8")
    town.build()
    assert not (town.site / "offline-jyj.html").exists()
    assert refused(town, "resume", "jyj") == ["resume-not-suspended"]


@pytest.mark.parametrize(
    ("until", "told"),
    [("2026-12-30", None), ("2026-12-31", "suspend-too-long"), ("2026-11-30", "suspend-too-long")],
)
def test_thirty_days_are_allowed_and_thirty_one_are_not(until: str, told: str | None, town: TinyCity) -> None:
    """第十三条第二款; from December 1 on, the last day counted."""
    asked = (*SUSPEND, "--from", "2026-12-01", "--until", until)
    if told is None:
        said(town, *asked)
    else:
        assert refused(town, *asked) == [told]


def test_once_a_year_and_force_majeure_apart(town: TinyCity) -> None:
    """第十三条第二、三款: by calendar year; what was reported in writing is not counted."""
    town.put("_records/sites/jyj.yml", "site: jyj\nname: 教育局\nurl: x\nunit: jyj\nevents:\n"
             "  - {event: suspended, date: 2026-03-01, until: 2026-03-02, document: x}\n"
             "  - {event: resumed, date: 2026-03-03}\n")  # fmt: skip
    days = ("--from", "2026-12-01", "--until", "2026-12-05")
    assert refused(town, *SUSPEND, *days) == ["suspend-again"]
    assert refused(town, *SUSPEND, *days, "--force-majeure") == ["event-fact-missing"]
    assert said(town, *SUSPEND, "--from", "2027-01-01", "--until", "2027-01-02", "--dry-run")["event"]
    assert said(town, *SUSPEND, *days, "--force-majeure", "--report", "示教报〔2026〕1号")["event"]["cause"] == "force-majeure"  # fmt: skip
    assert run(town, "site", "status", "kjj", "--server", "caddy", "--json").exit_code == 2
    assert "site-not-suspended" in run(town, "site", "status", "kjj", "--server", "caddy").output


def test_a_change_of_domain_is_announced_and_every_page_leads_on(town: TinyCity) -> None:
    """第十四条: a notice on the portal, one for the original home page, a redirect page by page."""
    town.put("_records/sites/lyj.yml", "# 注释保留\nsite: lyj\nname: 旅游局网站\nurl: http://lyj.example.gov.cn/\nunit: jyj\nevents: []\n")  # fmt: skip
    for bad in ("http://lyj.example.gov.cn/new/", "lyj2.example.gov.cn", ""):
        assert refused(town, "domain", "lyj", "--to", bad) == ["domain-unreadable"]
    done = said(town, "domain", "lyj", "--to", "https://ly.example.gov.cn/", "--document", "x", "--by", "jyj")
    assert "server_name lyj.example.gov.cn" in done["configuration"]["moved.nginx"]
    assert "https://ly.example.gov.cn$request_uri" in done["configuration"]["moved.nginx"]
    assert (town.root / "build/sites/lyj/banner-domain-change.html").read_text("ascii").startswith("<div")
    text = (town.content / "_records/sites/lyj.yml").read_text(encoding="utf-8")
    assert text.startswith("# 注释保留\n")
    assert text.count("event: domain-changed") == 1


def test_a_retirement_is_not_skipped_and_is_handed_over(town: TinyCity) -> None:
    """第十二条: nothing before the approval, no report before the notice; the rest is `archive retire`'s."""
    step = ("retire", "lyj", "--step", "icp-cancelled", "--by", "jyj")
    assert refused(town, *step) == ["retire-not-approved"]
    head = "site: lyj\nname: 旅游局网站\nurl: http://lyj.example.gov.cn/\nunit: jyj\nevents:\n"
    town.put("_records/sites/lyj.yml", head + "  - {event: approval, date: 2026-11-20, document: x}\n")
    assert refused(town, *step, "--on", "2026-11-19") == ["retire-date"]
    assert refused(town, *step, "--on", "2026-11-23") == ["retire-date"]
    assert said(town, *step, "--on", "2026-11-20")["event"]["event"] == "icp-cancelled"
    report = ("retire", "lyj", "--step", "reported", "--document", "x", "--by", "zfb")
    assert refused(town, *report) == ["retire-report-early"]
    with (town.content / "_records/sites/lyj.yml").open("a", encoding="utf-8") as record:
        record.write("  - {event: portal-notice, date: 2026-11-21, until: 2026-12-21, url: /tzgg/x.html}\n")
    assert said(town, *report)["event"]["event"] == "reported"
    assert run(town, "site", "retire", "lyj", "--step", "retired").exit_code == 2
    handed = run(town, "site", "retire", "nobody")
    assert handed.exit_code == 1


def test_the_configuration_names_no_other_path(tmp_path: Path) -> None:
    """The whole portal: the page and what it shows stay reachable."""
    from datetime import date

    from sitegen.sites import server

    nginx = server.configuration("nginx", "portal", "", date(2026, 12, 5))
    assert "location ^~ /assets/ { }" in nginx
    assert "location / {" in nginx
    caddy = server.configuration("caddy", "jyj", "jyj", date(2026, 12, 5))
    assert "@offline path /jyj /jyj/*" in caddy
    assert 'Retry-After "Sat, 05 Dec 2026 16:00:00 GMT"' in caddy
