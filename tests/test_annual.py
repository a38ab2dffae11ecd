"""The annual work report, visits from access logs, the evidence of an assessment, and their public pages."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sitegen.cli import main
from sitegen.reports import annual, bundle, visits
from tests.cities import TinyCity

QUARTER = """quarter: 2026Q3
profile: gwyb-2019
document: 国办秘函〔2019〕19号
from: 2026-07-01
until: 2026-09-30
by: portal-bianji
published_on: {published}
population: 2
checked: 2
sites:
- {{site: '', title: 示例市人民政府, unit: 市政府, passed: true, score: 95, vetoes: [], findings: 1, texts: 3}}
- {{site: jyj, title: 示例市教育局, unit: 教育局, passed: false, score: null, vetoes: [V3], findings: 1, texts: 0}}
findings:
- {{id: a, indicator: D9, name: 栏目超期, site: '', unit: zfb, by: 2026-10-10, path: x, message: '=1+1 <b>超期</b>', mended_on: 2026-10-02}}
- {{id: b, indicator: V3, name: 首页不更新, site: jyj, unit: jyj, by: 2026-10-10, path: x, message: 16天未更新, mended_on: null}}
"""


def parsed(**raw: Any) -> tuple[annual.Report, list[str]]:
    report, problems = annual.parse("2026", {"year": 2026, **raw})
    return report, [problem.code for problem in problems]


def told(report: annual.Report, now: dict[str, annual.Value] | None = None) -> set[tuple[str, str | None]]:
    return {(one.code, one.key) for one in annual.check(report, now) if one.code != "annual-cell-missing"}


def test_the_form_has_every_cell_once() -> None:
    keys = [cell.key for _title, cells in annual.sections() for cell in cells]
    assert len(keys) == len(set(keys)) == len(annual.cells())
    assert [title for title, _cells in annual.sections()] == [
        "基本信息", "信息发布", "专栏专题", "解读回应", "办事服务", "互动交流", "安全防护", "移动新媒体", "创新发展", "填报",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"), [("surveys", -1), ("surveys", "vier"), ("surveys", True), ("smart_answers", 1)]
)
def test_a_cell_that_does_not_fit_is_told_and_left_out(key: str, value: object) -> None:
    report, codes = parsed(typed={key: value})
    assert (report.typed, codes) == ({}, ["annual-cell-wrong"])


def test_a_cell_that_the_form_does_not_have_is_told() -> None:
    assert parsed(typed={"surveys": 0, "profit": 3})[1] == ["annual-cell-unknown"]


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"published": 6, "published_overview": 1, "published_news": 2, "published_catalogue": 3}, None),
        ({"published": 5, "published_overview": 1, "published_news": 2, "published_catalogue": 3}, "published"),
        ({"messages_received": 5, "messages_answered": 5}, None),
        ({"messages_received": 5, "messages_answered": 6}, "messages_received"),
        ({"security_found": 2, "security_mended": 2}, None),
        ({"security_found": 2, "security_mended": 3}, "security_found"),
        ({"topics": 1, "topics_new": 1}, None),
        ({"topics": 1, "topics_new": 2}, "topics"),
        ({"handled": 9, "handled_persons": 4, "handled_organisations": 5}, None),
        ({"handled": 10, "handled_persons": 4, "handled_organisations": 5}, "handled"),
    ],
)  # fmt: skip
def test_sums_agree(typed: dict[str, int], wrong: str | None) -> None:
    assert told(parsed(typed=typed)[0]) == ({("annual-contradiction", wrong)} if wrong else set())


def test_what_is_typed_against_the_citys_own_data_is_told() -> None:
    report, _codes = parsed(typed={"published": 500})
    assert told(report, {"published": 500}) == set()
    assert told(report, {"published": 499}) == {("annual-differs", "published")}


def test_a_year_is_open_until_its_last_cell_is_filled() -> None:
    full = {c.key: 0 if c.kind == "number" else False for c in annual.cells().values() if c.kind != "text"}
    assert annual.check(parsed(typed=full)[0]) == []
    full.pop("surveys")
    (problem,) = annual.check(parsed(typed=full)[0])
    assert (problem.code, "征集调查期数" in problem.message) == ("annual-cell-missing", True)


@pytest.mark.parametrize(
    "text", ["- 1\n", "year: [\n", "year: 2026\npublished_on: bald\n", "year: 2026\nmonths: [1]\n"]
)
def test_a_record_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / annual.FOLDER).mkdir(parents=True)
    (tmp_path / annual.FOLDER / "2026.yml").write_text(text, encoding="utf-8")
    reports, problems = annual.load(tmp_path)
    assert (reports, [problem.code for problem in problems]) == ([], ["annual-unreadable"])


# --- visits ----------------------------------------------------------------------------------------------------------

LINE = '{ip} - - [{day}:08:00:00 +0800] "GET {path} HTTP/1.1" {status} 10 "-" "{agent}"\n'
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"


def nginx(
    ip: str = "203.0.113.7", day: str = "05/Mar/2026", path: str = "/", status: int = 200, agent: str = FIREFOX
) -> str:
    return LINE.format(ip=ip, day=day, path=path, status=status, agent=agent)


def test_people_and_bots_are_counted_apart_and_nobody_is_kept(tmp_path: Path) -> None:
    """Two people, three pages; a spider, a picture, a page that is not there, another year, and rubbish count for nothing."""
    caddy = {"ts": 1772000000.5, "request": {"client_ip": "198.51.100.9", "method": "GET", "uri": "/xwdt/?a=1",
             "headers": {"User-Agent": [FIREFOX]}}, "status": 200}  # fmt: skip
    lines = [
        nginx(), nginx(path="/a.html", day="31/Dec/2026"), nginx(agent="Baiduspider/2.0"), nginx(path="/x.png"),
        nginx(path="/weg.html", status=404), nginx(day="31/Dec/2025"), "rubbish\n", "{}\n", json.dumps(caddy) + "\n",
    ]  # fmt: skip
    with gzip.open(tmp_path / "access.log.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(lines)
    found, problems = visits.count([tmp_path / "access.log.gz"], 2026)
    assert (found.total, found.visitors, found.bots, found.unread, problems) == (3, 2, 1, 2, [])
    assert (found.months[1], found.months[2], found.months[11]) == (1, 1, 1)
    assert b"203.0.113.7" not in repr(found).encode()


def test_a_year_begins_at_midnight_in_shanghai() -> None:
    before, after = (
        visits.parse(nginx(day="31/Dec/2025").replace("08:00:00 +0800", at))
        for at in ("15:59:59 +0000", "16:00:00 +0000")
    )
    assert before is not None
    assert after is not None
    assert (before.moment.year, after.moment.year) == (2025, 2026)


def test_a_log_that_is_cut_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(nginx().encode() * 99)[:40])
    assert [problem.code for problem in visits.count([tmp_path / "a.gz"], 2026)[1]] == ["visits-log-unreadable"]


# --- the commands and the pages --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> TinyCity:
    city = TinyCity(tmp_path_factory.mktemp("annual"))
    city.article("xwdt/202611/t20261120_1.md", "要闻")
    city.article("xwdt/202611/t20261121_2.md", "要闻二", date="2026-11-21 09:30")
    city.build()
    return city


def run(city: TinyCity, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, "--config", str(city.root / "mkdocs.yml")])


def test_computed_cells_are_filled_and_typed_ones_kept(city: TinyCity) -> None:
    assert run(city, "annual", "2026").exit_code == 1  # cells are open
    path = city.content / annual.FOLDER / "2026.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("surveys: null", "surveys: 4"), encoding="utf-8")
    run(city, "annual", "2026")
    (report,), problems = annual.load(city.content)
    assert problems == []
    assert (report.computed["published"], report.computed["published_news"], report.typed["surveys"]) == (2, 2, 4)
    assert dict(report.columns)["要闻动态"] == 2
    assert "annual-site-unknown" in run(city, "annual", "2026", "--site", "weg", "--json").stdout
    path.unlink()


def test_without_a_build_nothing_is_counted(tmp_path: Path) -> None:
    city = TinyCity(tmp_path)
    assert "annual-no-build" in run(city, "annual", "2026", "--json").stdout


def test_results_are_public_from_the_day_a_person_writes_and_not_before(city: TinyCity) -> None:
    """A draft has no page. What a record says is text, never markup, and never a formula in a table."""
    city.put("_records/inspections/2026Q3.yml", QUARTER.format(published="null"))
    city.put(
        "_records/annual/2025.yml",
        "year: 2025\ncomputed: {published: 7}\ntyped: {surveys: 3}\ncolumns: {要闻动态: 7}\n",
    )
    city.build()
    assert not (city.site / "supervision").exists()
    city.put("_records/inspections/2026Q3.yml", QUARTER.format(published="2026-10-20"))
    record = city.content / "_records/annual/2025.yml"
    record.write_text(record.read_text("utf-8") + f"months: {[*range(1, 13)]}\npublished_on: 2026-01-30\n", "utf-8")
    city.build()
    page = city.page("/supervision/inspection-2026q3.html")
    assert "2026年第三季度政府网站检查结果" in page
    assert "&lt;b&gt;超期" in page
    assert "不合格" in page
    report = city.page("/supervision/annual-2025.html")
    assert re.search(r"总数（条） <span class=\"auto\">自动统计</span></td><td class=\"v n\">7<", report)
    assert 'role="img" aria-label="各月访问量：1月 1；' in report
    for url in ("/index.html", "/jyj/index.html"):
        assert 'href="/supervision/annual-2025.html"' in city.page(url)
    csv = (city.site / "supervision/inspection-2026q3.csv").read_text(encoding="utf-8-sig")
    assert "'=1+1" in csv
    assert json.loads((city.site / "supervision/annual-2025.json").read_bytes())["values"] == {
        "published": 7,
        "surveys": 3,
    }
    first = city.released()
    city.build(clean=True)
    assert first == city.released()


def test_the_evidence_holds_every_record_and_no_letter(city: TinyCity, tmp_path: Path) -> None:
    city.put("_records/messages/m1.yml", "unit: zfb\nreceived: 2026-11-03 10:12\n")
    city.put("_records/inspections/2026-11-21.yml", "date: 2026-11-21\n")
    assert run(city, "evidence", "2026", "--to", str(tmp_path / "e.zip")).exit_code == 0
    first = (tmp_path / "e.zip").read_bytes()
    digests = bundle.pack(city.content, tmp_path / "e.zip", 2026)
    assert (tmp_path / "e.zip").read_bytes() == first
    assert "_records/inspections/2026-11-21.yml" in digests
    assert not any("messages" in name or "people" in name for name in digests)
    assert bundle.check(tmp_path / "e.zip") == []
