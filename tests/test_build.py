"""What a build publishes, what it withholds, and that it does only what changed."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from sitegen import output, signing
from sitegen.errors import Refused
from sitegen.pages import columns
from tests.cities import NOW, TinyCity, codes

NEWS = "xwdt/202611/t20261120_1.md"
URL = "xwdt/202611/t20261120_1.html"


def test_a_signed_article_is_published(city: TinyCity) -> None:
    city.article(NEWS, "供暖开始", "今年供暖提前。")
    report = city.build()
    assert codes(report) == []
    assert "<h1" in city.page(URL)
    assert "今年供暖提前。" in city.page(URL)


@pytest.mark.parametrize("stages", [0, 1, 2])
def test_an_article_without_three_verdicts_is_not_published(city: TinyCity, stages: int) -> None:
    city.article(NEWS, sign=False)
    if stages:
        city.sign(NEWS, stages=stages)
    report = city.build()
    assert codes(report) == ["review-pending"]
    assert report.pending == 1
    assert not (city.site / URL).exists()


def test_an_edit_shows_only_when_it_is_signed_again(city: TinyCity) -> None:
    """第十九条(三): until three verdicts cover the new version, citizens read the last signed one."""
    city.article(NEWS, "标题", "第一稿。")
    city.build()
    city.article(NEWS, "标题", "第二稿。", sign=False)
    report = city.build()
    assert codes(report) == ["review-pending"]
    assert "第一稿。" in city.page(URL)
    assert "第二稿。" not in city.page(URL)
    city.sign(NEWS, at=NOW - timedelta(hours=1))
    city.build()
    assert "第二稿。" in city.page(URL)


def test_a_rejected_version_is_told_with_its_reason(city: TinyCity) -> None:
    file = city.article(NEWS, sign=False)
    city.sign(NEWS, stages=1)
    desk = signing.Desk.open(city.project)
    given, _ = signing.decide(desk, [file], person="portal-shenhe", at=NOW, verdict="reject", reason="日期有误")
    assert given == [(NEWS, "review")]
    report = city.build()
    assert codes(report) == ["review-rejected"]
    assert "日期有误" in report.problems[0].message


def test_a_swapped_attachment_reopens_the_review(city: TinyCity) -> None:
    city.put("xwdt/202611/list.pdf", b"%PDF-1.4 one")
    city.article(NEWS, body="见[名单](list.pdf)。")
    city.build()
    assert (city.site / "xwdt/202611/list.pdf").read_bytes() == b"%PDF-1.4 one"
    city.put("xwdt/202611/list.pdf", b"%PDF-1.4 two")
    report = city.build()
    assert codes(report) == ["review-pending"]
    assert (city.site / "xwdt/202611/list.pdf").read_bytes() == b"%PDF-1.4 one"


def test_a_file_nobody_signed_is_not_published(city: TinyCity) -> None:
    city.put("xwdt/202611/secret.pdf", b"%PDF")
    city.article(NEWS)
    city.build()
    assert not (city.site / "xwdt/202611/secret.pdf").exists()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("title：停水通知", "front-matter-full-width-colon"),
        ("title: 通知: 停水", "front-matter-second-colon"),
        ("title:\t通知", "front-matter-tab"),
        ('title: "通知', "front-matter-open-quote"),
        ("date: 2026-02-30", "date-impossible"),
        ("source: 又一个来源", "front-matter-duplicate-key"),
        ("kind: nonsense", "field-value"),
    ],
)
def test_a_bad_file_stops_its_own_page_and_leaks_nothing(city: TinyCity, line: str, code: str) -> None:
    city.article(NEWS, "好的一篇")
    key = re.split("[:：]", line)[0]
    head = {"title": "title: 坏的一篇", "date": "date: 2026-11-20 10:00", "source": "source: 市府办"}
    lines = [text for name, text in head.items() if name != key or code.endswith("duplicate-key")] + [line]
    city.put("xwdt/202611/t20261120_2.md", "---\n" + "\n".join(lines) + "\n---\n\n正文里的秘密标记。\n")
    report = city.build()
    assert codes(report) == [code]
    problem = report.problems[0]
    assert problem.path == "content/xwdt/202611/t20261120_2.md"
    assert problem.line is not None
    assert problem.line >= 2
    assert problem.remedy
    assert (city.site / URL).exists()
    for file, data in city.released().items():
        assert "正文里的秘密标记" not in data.decode(errors="replace"), file
        assert line not in data.decode(errors="replace"), file


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("2026-02-30 14:00", "write: date: 2026-02-28 14:00"),
        ("2026年11月31日", "write: date: 2026年11月30日"),
        ("2026-13-01 08:00", "write: date: 2026-12-01 08:00"),
        ("昨天", "write: date: 2026-11-22 09:30"),
    ],
)
def test_an_impossible_date_is_told_with_the_nearest_one(city: TinyCity, written: str, remedy: str) -> None:
    city.put(NEWS, f"---\ntitle: 一\ndate: {written}\nsource: 市府办\n---\n正文\n")
    assert [problem.remedy for problem in city.build().problems] == [remedy]


def test_a_missing_field_is_told(city: TinyCity) -> None:
    city.put(NEWS, "---\ntitle: 无日期\nsource: 市府办\n---\n正文\n")
    report = city.build()
    assert [(p.code, p.key, p.remedy) for p in report.problems] == [
        ("field-missing", "date", "add a line: date: 2026-11-22 09:30")
    ]


def test_a_broken_file_leaves_its_last_signed_version_online(city: TinyCity) -> None:
    city.article(NEWS, "供暖", "好的正文。")
    city.build()
    city.put(NEWS, "---\ntitle：供暖\n---\n坏的正文。\n")
    report = city.build()
    assert codes(report) == ["last-version-shown", "front-matter-full-width-colon"]
    assert "好的正文。" in city.page(URL)


def test_a_broken_section_keeps_its_last_good_identity(city: TinyCity) -> None:
    city.article(NEWS)
    city.build()
    before = city.page("xwdt/index.html")
    city.put("xwdt/index.md", "---\ntitle：要闻\n---\n")
    report = city.build()
    assert "front-matter-full-width-colon" in codes(report)
    assert city.page("xwdt/index.html") == before


def test_a_signed_version_that_nobody_has_any_more_is_told(city: TinyCity) -> None:
    city.article(NEWS)
    city.put(NEWS, "---\ntitle: 改过\ndate: 2026-11-20 09:30\nsource: 市府办\n---\n新文。\n")
    for kept in sorted((city.root / "build").rglob("good/*/*")):
        kept.unlink()
    assert codes(city.build()) == ["last-version-missing", "review-pending"]


def test_nothing_changed_renders_nothing_and_makes_no_release(city: TinyCity) -> None:
    city.article(NEWS)
    first = city.build()
    second = city.build()
    assert (second.rendered, second.removed, second.release) == (0, 0, first.release)
    assert output.releases(city.project) == [first.release]


def test_an_edit_renders_what_shows_it_and_nothing_else(city: TinyCity) -> None:
    for number in range(1, 6):
        city.article(f"xwdt/202611/t2026110{number}_{number}.md", f"第{number}篇", date=f"2026-11-0{number} 09:00")
    city.article("jyj/tzgg/202611/t20261101_9.md", "别处", date="2026-11-01 09:00")
    city.build()
    city.article("xwdt/202611/t20261101_1.md", "第1篇改名", date="2026-11-01 09:00", sign=False)
    city.sign("xwdt/202611/t20261101_1.md", at=NOW - timedelta(hours=1))
    report = city.build()
    assert sorted(report.reasons) == [
        "index.html",
        "xwdt/202611/t20261101_1.html",
        "xwdt/202611/t20261102_2.html",
        "xwdt/index.html",
    ]


def test_a_deleted_article_leaves_the_release(city: TinyCity) -> None:
    file = city.article(NEWS)
    city.build()
    file.unlink()
    report = city.build()
    assert report.removed == 1
    assert not (city.site / URL).exists()
    assert "t20261120_1" not in city.page("xwdt/index.html")


def test_a_link_that_leads_nowhere_is_told_and_mends_itself(city: TinyCity) -> None:
    city.article(NEWS, body="见[另一篇](t20261120_2.md)。")
    assert codes(city.build()) == ["link-broken"]
    city.article("xwdt/202611/t20261120_2.md", "另一篇", sign=False)
    assert "link-target-unpublished" in codes(city.build())
    city.sign("xwdt/202611/t20261120_2.md")
    report = city.build()
    assert codes(report) == []
    assert 'href="t20261120_2.html"' in city.page(URL)


def test_a_link_to_a_heading_that_is_not_there_is_told(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_2.md", body="## 第一章\n\n文。")
    city.article(NEWS, body="见[第二章](t20261120_2.md#第二章)。")
    assert codes(city.build()) == ["anchor-missing"]
    city.article(NEWS, body="见[第一章](t20261120_2.md#第一章)。", sign=False)
    city.sign(NEWS, at=NOW - timedelta(hours=1))
    assert codes(city.build()) == []


def test_list_pages_are_numbered_from_the_oldest_and_never_shift(city: TinyCity) -> None:
    for number in range(1, 48):
        city.article(
            f"xwdt/202610/t20261001_{number}.md",
            f"第{number}篇",
            date=f"2026-10-01 {number // 60 + 8:02d}:{number % 60:02d}",
        )
    city.build()
    assert "第20篇" in city.page("xwdt/list_1.html")
    assert "第21篇" not in city.page("xwdt/list_1.html")
    assert "第47篇" in city.page("xwdt/index.html")
    assert "第21篇" in city.page("xwdt/index.html")
    assert not (city.site / "xwdt/list_2.html").exists()
    for number in range(48, 62):
        city.article(
            f"xwdt/202610/t20261001_{number}.md",
            f"第{number}篇",
            date=f"2026-10-02 {number // 60 + 8:02d}:{number % 60:02d}",
        )
    report = city.build()
    assert "第40篇" in city.page("xwdt/list_2.html")
    assert "第20篇" in city.page("xwdt/list_1.html")
    assert {"xwdt/list_2.html", "xwdt/index.html"} <= report.reasons.keys()
    later = [f"xwdt/202610/t20261003_{n}.md" for n in (101, 102)]
    for path in later:
        city.article(path, "更新", date="2026-10-03 09:00")
    assert "xwdt/list_1.html" not in city.build().reasons


def test_a_list_can_be_narrowed_to_a_class(city: TinyCity) -> None:
    """By the last word of the title, brackets apart; a class that nothing is of is not offered; each list is paged."""
    index = city.content / "xwdt/index.md"
    index.write_text(index.read_text().replace("holds: ", "classes: 公告, 通告, 公示\nholds: ", 1))
    for number in range(41):
        path = f"xwdt/202611/t20261120_{number}.md"
        city.article(path, f"第{number}号公告（修订）", date=f"2026-11-20 08:{number:02d}")
    city.article("xwdt/202510/t20251020_90.md", "关于公告栏的通告", date="2025-10-20 09:00")
    city.build()
    page = city.page("xwdt/index.html")
    assert '<a href="/xwdt/class_gg.html">公告<span class="c">41</span></a>' in page
    assert '<a href="/xwdt/class_tg.html">通告<span class="c">1</span></a>' in page
    assert '<a href="/xwdt/" aria-current="page">全部<span class="c">42</span></a>' in page
    assert "class_gs" not in page
    assert '<a href="/xwdt/list_1.html">2025<span class="c">1</span></a>' in page
    assert "关于公告栏的通告" in city.page("xwdt/class_tg.html")
    newest = city.page("xwdt/class_gg.html")
    assert "关于公告栏的通告" not in newest
    assert "第40号公告" in newest
    assert "<h1>要闻动态：公告</h1>" in newest
    assert '<a href="/xwdt/class_gg.html" aria-current="page">' in newest
    assert 'href="/xwdt/class_gg_1.html"' in newest
    assert "第0号公告" in city.page("xwdt/class_gg_1.html")
    city.article("xwdt/202511/t20251120_91.md", "关于停水的公示", date="2025-11-20 09:00")
    assert city.build().reasons.keys() >= {"xwdt/class_gs.html", "xwdt/class_gg.html"}
    (city.content / "xwdt/202511/t20251120_91.md").unlink()
    city.build()
    assert not (city.site / "xwdt/class_gs.html").exists()


def test_policies_can_be_narrowed_to_those_in_force(city: TinyCity) -> None:
    """By 有效性, when the column holds more than one; a title that ends like a validity is none."""
    policy = 'doc_number: 示政发〔2026〕{n}号\nindex_number: "000000001/2026-0000{n}"\nissuer: 市政府\nwritten_on: 2026-11-18\n'
    matter = [policy.format(n=n) + f"validity: {state}\n" for n, state in ((1, "有效"), (2, "废止"), (3, "有效"))]
    for number, title in ((1, "停车办法"), (2, "供水办法"), (3, "关于宣布通告废止")):
        city.article(f"zcwj/202611/t20261120_{number}.md", title, extra=matter[number - 1])
    city.build()
    page = city.page("zcwj/index.html")
    assert '<nav aria-label="有效性">' in page
    assert '<a href="/zcwj/validity_yx.html">有效<span class="c">2</span></a>' in page
    assert '<a href="/zcwj/validity_fz.html">废止<span class="c">1</span></a>' in page
    repealed = city.page("zcwj/validity_fz.html")
    assert "供水办法" in repealed
    assert "停车办法" not in repealed
    assert "关于宣布通告废止" not in repealed
    assert "<h1>政策文件：废止</h1>" in repealed
    city.article("zcwj/202611/t20261120_2.md", "供水办法", extra=matter[1].replace("废止", "有效"))
    city.build()
    assert '<nav aria-label="有效性">' not in city.page("zcwj/index.html")
    assert sorted(path.name for path in (city.site / "zcwj").glob("validity_*")) == []


def test_a_column_names_what_its_list_begins_with(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then come the others, the newest first, on one page: what stands first would not stay on a numbered one."""
    monkeypatch.setattr(columns, "PAGE_SIZE", 1)
    index = city.content / "xwdt/index.md"
    index.write_text(index.read_text().replace("holds: ", "first: t20261120_1, t20261120_3\nholds: ", 1))
    for number in (1, 2, 3, 4):
        city.article(f"xwdt/202611/t20261120_{number}.md", f"第{number}篇", date=f"2026-11-20 08:0{number}")
    city.build()
    page = city.page("xwdt/index.html")
    places = [page.index(f'<span class="t">第{number}篇') for number in (1, 3, 4, 2)]
    assert places == sorted(places)
    assert "从新到旧" not in page


def test_an_article_of_the_future_waits_and_the_build_says_until_when(city: TinyCity) -> None:
    city.article(NEWS, extra="publish_at: 2026-11-23 08:00\n")
    report = city.build()
    assert codes(report) == ["publication-in-future"]
    assert report.next_change == NOW.replace(day=23, hour=8)
    assert not (city.site / URL).exists()
    later = city.build(now=NOW.replace(day=23, hour=8))
    assert codes(later) == []
    assert (city.site / URL).exists()


def test_an_expired_page_leaves_a_tombstone(city: TinyCity) -> None:
    city.article(NEWS, "招聘公告", "报名电话。", extra="expire_at: 2026-11-21 18:00\n")
    city.build()
    assert "报名电话。" not in city.page(URL)
    assert "招聘公告" in city.page(URL)
    assert "招聘公告" not in city.page("xwdt/index.html")


def test_policy_and_interpretation_name_each_other(city: TinyCity) -> None:
    """STANDARDS §2.7: the policy's page leads to its interpretation and back."""
    policy = 'doc_number: 示政发〔2026〕1号\nindex_number: "000000001/2026-00001"\nissuer: 市政府\nwritten_on: 2026-11-18\nvalidity: 有效\n'
    city.article("zcwj/202611/t20261120_11.md", "停车办法", extra=policy)
    city.article("zcjd/202611/t20261120_12.md", "停车办法解读", extra="interprets: t20261120_11\nform: 问答\n")
    assert codes(city.build()) == []
    assert "t20261120_12.html" in city.page("zcwj/202611/t20261120_11.html")
    assert "t20261120_11.html" in city.page("zcjd/202611/t20261120_12.html")


def test_a_policy_forgets_an_interpretation_that_goes(city: TinyCity) -> None:
    policy = 'doc_number: 示政发〔2026〕1号\nindex_number: "000000001/2026-00001"\nissuer: 市政府\nwritten_on: 2026-11-18\nvalidity: 有效\n'
    city.article("zcwj/202611/t20261120_11.md", "停车办法", extra=policy)
    city.article("zcjd/202611/t20261120_12.md", "停车办法解读", extra="interprets: t20261120_11\nform: 问答\n")
    city.build()
    (city.content / "zcjd/202611/t20261120_12.md").unlink()
    city.build()
    assert "t20261120_12.html" not in city.page("zcwj/202611/t20261120_11.html")


def test_an_interpretation_of_nothing_is_told(city: TinyCity) -> None:
    city.article("zcjd/202611/t20261120_12.md", extra="interprets: t20990101_1\n")
    assert codes(city.build()) == ["relation-unknown"]


def test_every_page_carries_the_tags_and_the_nine_identity_items(city: TinyCity) -> None:
    city.article(NEWS, "供暖", extra="keywords: 供暖, 民生\nauthor: 张三\n")
    city.build()
    page = city.page(URL)
    tags = dict(re.findall(r'<meta name="(\w+)" content="([^"]*)"', page))
    assert tags["SiteName"] == "示例市人民政府"
    assert tags["SiteDomain"] == "www.example.gov.cn"
    assert tags["SiteIDCode"] == "0000000001"
    assert tags["ColumnName"] == "要闻动态"
    assert tags["ColumnType"] == "政务动态"
    assert tags["ArticleTitle"] == "供暖"
    assert tags["PubDate"] == "2026-11-20 09:30"
    assert tags["ContentSource"] == "市政府办公室"
    assert tags["Keywords"] == "供暖,民生"
    assert tags["Author"] == "张三"
    assert tags["Url"] == f"https://www.example.gov.cn/{URL}"
    footer = page[page.index("<footer") :]
    for item in (
        "党政机关",
        "0000000001",
        "示ICP备00000001号",
        "示公网安备",
        "主办",
        "0000-1234567",
        "找错",
        "适老化",
        "网站地图",
    ):
        assert item in footer, item


def test_untrusted_markdown_cannot_run_anything(city: TinyCity) -> None:
    hostile = (
        "<script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[点我](javascript:alert(3))\n\n"
        '<a href="data:text/html,x">d</a>\n\n<svg onload=alert(4)></svg>\n\n<section data-archived>假的章</section>\n\n'
        '<p style="position:fixed" class="gov-stamp" id="main">盖住</p>\n\n<!-- 内部批注 -->\n\n<iframe src="//evil.example"></iframe>'
    )
    city.article(
        NEWS,
        '标题<script>alert(5)</script>"><b>',
        hostile,
        extra='author: "\\"><script>alert(6)</script>"\n',
        sign=False,
    )
    city.put(
        NEWS,
        f"---\ntitle: 标题<script>alert(5)</script>\ndate: 2026-11-20 09:30\nsource: 市府<b>办\n---\n\n{hostile}\n",
    )
    city.sign(NEWS)
    city.build()
    page = city.page(URL)
    data = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, flags=re.DOTALL)
    assert [json.loads(text)["@graph"][0]["headline"] for text in data] == ["标题<script>alert(5)</script>"]
    body = page.replace(f'<script type="application/ld+json">{data[0]}</script>', "")
    body = re.sub(r'<script src="/assets/gov\.\w+\.js" defer></script>', "", body)
    for bad in (
        "<script",
        "onerror",
        "javascript:",
        "data:text",
        "<svg onload",
        "data-archived",
        "position:fixed",
        "内部批注",
        "<iframe",
        "市府<b>",
    ):
        assert bad not in body, bad
    assert len(re.findall(r'id="main"', page)) == 1


def test_a_symbolic_link_is_refused(city: TinyCity, tmp_path: Path) -> None:
    outside = tmp_path / "passwd"
    outside.write_text("root:x:0:0", encoding="utf-8")
    (city.content / "xwdt" / "leak.md").symlink_to(outside)
    (city.content / "xwdt" / "leak.png").symlink_to(outside)
    city.article(NEWS, body="![图](../leak.png)")
    report = city.build()
    assert codes(report).count("symlink-refused") == 2
    assert not any(b"root:x" in data for data in city.released().values())


def test_a_link_out_of_the_tree_takes_nothing_along(city: TinyCity) -> None:
    city.article(NEWS, body="[x](../../../mkdocs.yml) ![y](../../_records/people.yml)")
    city.build()
    assert not any(b"portal-bianji" in data for data in city.released().values())


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("archive/index.md", "url-reserved"),
        ("xwdt/list_3.md", "url-reserved"),
        ("xwdt/README.md", "url-collision"),
        ("xwdt/中文.md", "url-characters"),
    ],
)
def test_names_that_belong_to_the_generator_are_refused(city: TinyCity, path: str, code: str) -> None:
    city.put(path, (city.content / "xwdt/index.md").read_text(encoding="utf-8"))
    assert code in codes(city.build())


def test_two_files_for_one_address_are_refused(city: TinyCity) -> None:
    city.article("xwdt/a/b.md")
    city.article("xwdt/A/b.md", sign=False)
    assert {"url-collision", "article-id-duplicate"} <= set(codes(city.build()))


def test_a_stable_id_is_used_once(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md")
    city.article("jyj/tzgg/202611/t20261120_1.md")
    assert "article-id-duplicate" in codes(city.build())


def test_a_file_that_is_not_utf8_is_told(city: TinyCity) -> None:
    city.put(NEWS, "---\ntitle: 标题\n---\n".encode("gbk"))
    assert codes(city.build()) == ["source-not-utf8"]


def test_a_date_without_a_time_is_midnight_with_a_warning(city: TinyCity) -> None:
    city.article(NEWS, date="2026-11-20")
    report = city.build()
    assert codes(report) == ["date-without-time"]
    assert "2026-11-20 00:00" in city.page(URL)


def test_an_article_outside_every_column_is_told(city: TinyCity) -> None:
    city.put("loose.md", "---\ntitle: x\n---\n")
    assert "article-without-column" in codes(city.build())


def test_a_column_without_its_duties_is_told_with_each_missing_one(city: TinyCity) -> None:
    """第十八条(三): 维护责任单位、更新频次、内容和质量要求."""
    city.put("xwdt/index.md", "---\nkind: column\ntitle: 要闻\n---\n")
    found = [(p.code, p.key) for p in city.build().problems]
    for key in ("owner", "cadence_days", "content_spec", "signer"):
        assert ("field-missing", key) in found


def test_a_column_above_which_no_site_stands_is_told(tmp_path: Path) -> None:
    city = TinyCity(tmp_path / "c")
    (city.content / "index.md").unlink()
    with pytest.raises(Refused) as refused:
        city.build()
    assert {p.code for p in refused.value.problems} >= {"portal-missing", "section-without-site"}


def test_a_portal_without_its_four_functions_is_told(city: TinyCity) -> None:
    (city.content / "hdjl/index.md").unlink()
    found = city.build().problems
    assert [p.code for p in found] == ["portal-function-missing"]
    assert "互动交流" in found[0].message


def test_people_and_units_that_nobody_recorded_are_told(city: TinyCity) -> None:
    text = (city.content / "xwdt/index.md").read_text(encoding="utf-8")
    city.put("xwdt/index.md", text.replace("portal-qianfa", "nobody").replace("owner: zfb", "owner: nowhere"))
    assert codes(city.build()) == ["record-missing", "record-missing"]


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("_records/people.yml", "people: 3\n", "record-unreadable"),
        ("_records/units.yml", "units: [\n", "record-unreadable"),
        ("_records/links.yml", "groups: [{title: x, links: [{title: y, url: 'javascript:1'}]}]\n", "record-unreadable"),
        ("_records/people.yml", "people:\n  - {id: x, roles: [{stage: king, columns: [a]}]}\n", "record-role"),
        ("xwdt/_reviews/202611.jsonl", "{broken\n", "review-entry-unreadable"),
    ],
)
def test_a_record_that_cannot_be_read_is_told(city: TinyCity, path: str, text: str, code: str) -> None:
    city.put(path, text)
    assert code in codes(city.build())


def test_a_ledger_line_that_does_not_count_is_told(city: TinyCity) -> None:
    file = city.article(NEWS, sign=False)
    city.sign(NEWS, stages=2)
    ledger = city.content / "xwdt/_reviews/202611.jsonl"
    lines = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
    forged = {**lines[-1], "stage": "sign", "person": "jyj-qianfa"}
    ledger.write_text("".join(json.dumps(line) + "\n" for line in [*lines, forged]), encoding="utf-8")
    assert file.exists()
    assert codes(city.build()) == ["review-pending", "review-entry-unseen"]
    assert not (city.site / URL).exists()


def test_the_sitemap_says_when_the_text_changed(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    city.sign(NEWS, at=NOW - timedelta(days=1))
    city.build()
    sitemap = city.page("xwdt/sitemap.xml")
    assert "<loc>https://www.example.gov.cn/xwdt/sitemap.xml</loc><lastmod>2026-11-21T12:02:00+08:00" in city.page(
        "sitemap.xml"
    )
    assert f"<loc>https://www.example.gov.cn/{URL}</loc><lastmod>2026-11-21T12:02:00+08:00</lastmod>" in sitemap


def test_an_image_that_is_not_there_is_told(city: TinyCity) -> None:
    city.article(NEWS, extra="image: none.png\n")
    assert codes(city.build()) == ["image-missing"]


def test_a_page_that_cannot_be_rendered_leaves_its_last_version(city: TinyCity) -> None:
    city.article(NEWS, "好", "第一稿。")
    city.build()
    template = city.root / "themes/gov/kinds/article.html"
    good = template.read_text(encoding="utf-8")
    template.write_text("{% if %}", encoding="utf-8")
    report = city.build()
    assert "render-failed" in codes(report)
    assert "第一稿。" in city.page(URL)
    template.write_text(good, encoding="utf-8")
    assert codes(city.build()) == []


def test_a_page_that_kills_its_worker_is_set_aside(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other pages of its batch are rendered all the same."""
    (city.root / "deadly.py").write_text(
        "import os\nfrom markdown.extensions import Extension\nfrom markdown.preprocessors import Preprocessor\n"
        "class Deadly(Preprocessor):\n    def run(self, lines):\n"
        "        if '撞车' in ''.join(lines):\n            os._exit(9)\n        return lines\n"
        "class DeadlyExtension(Extension):\n    def extendMarkdown(self, md):\n"
        "        md.preprocessors.register(Deadly(md), 'deadly', 99)\n"
        "def makeExtension(**settings):\n    return DeadlyExtension(**settings)\n",
        encoding="utf-8",
    )
    config = city.root / "mkdocs.yml"
    config.write_text(config.read_text(encoding="utf-8") + "  - deadly\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(city.root))
    for number in range(1, 31):
        city.put(
            f"xwdt/202610/t20261001_{number}.md",
            f"---\ntitle: 第{number}篇\ndate: 2026-10-01 09:00\nsource: 市府办\n---\n{'撞车' if number == 7 else '正文'}。\n",
        )
    for person, hour in (("portal-bianji", 1), ("portal-shenhe", 2), ("portal-qianfa", 3)):
        signing.decide(
            signing.Desk.open(city.project), [city.content], person=person, at=NOW - timedelta(hours=4 - hour)
        )
    report = city.build(jobs=2)
    assert codes(report) == ["render-crashed"]
    assert not (city.site / "xwdt/202610/t20261001_7.html").exists()
    assert len(list((city.site / "xwdt/202610").glob("*.html"))) == 29


def test_one_build_at_a_time(city: TinyCity) -> None:
    with output.only_build(city.project), pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["build-running"]


def test_a_folder_in_the_place_of_the_live_link_is_not_touched(city: TinyCity) -> None:
    (city.root / "build/site").mkdir(parents=True)
    (city.root / "build/site/precious.txt").write_text("x", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["release-place-taken"]
    assert (city.root / "build/site/precious.txt").exists()


def test_rollback_and_prune_keep_the_live_release(city: TinyCity) -> None:
    ids = []
    for number in range(1, 4):
        city.article(f"xwdt/202611/t20261120_{number}.md", f"第{number}篇")
        ids.append(city.build().release)
    assert output.releases(city.project) == ids
    output.go_to(city.project, ids[0])
    assert "第2篇" not in city.page("xwdt/index.html")
    assert output.prune(city.project, 1) == [ids[1]]
    assert output.releases(city.project) == [ids[0], ids[2]]


def test_a_folder_may_take_the_place_of_a_page_and_give_it_back(city: TinyCity) -> None:
    """In each tree that a release is made of: the served one, the spare, the one that is put together again."""
    page, folder = "xwdt/202611/a.md", "xwdt/202611/a.html"
    ids, released = [], []
    city.article(NEWS)
    city.article(page)
    for step in range(4):
        if step % 2:
            (city.content / page).unlink()
            city.article(f"{folder}/b.md", f"第{step}次")
        elif step:
            shutil.rmtree(city.content / folder)
            city.article(page, f"第{step}次")
        ids.append(city.build().release)
        released.append(city.released())
    for number in (2, 0, 1, 3):
        output.go_to(city.project, ids[number])
        assert released[number] == city.released()


def test_a_full_disk_leaves_the_served_release_alone(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article(NEWS)
    first = city.build()
    before = city.released()
    city.article("xwdt/202611/t20261120_2.md")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "finish", full)
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["release-not-written"]
    assert city.released() == before
    assert output.releases(city.project) == [first.release]


def test_a_home_writes_the_year_out_where_it_is_another(city: TinyCity) -> None:
    city.article("jyj/tzgg/202611/t20261120_1.md", "今年的")
    city.article("jyj/tzgg/201512/t20151227_2.md", "旧的", date="2015-12-27 09:00")
    city.build()
    page = city.page("jyj/index.html")
    assert ">2015-12-27<" in page
    assert ">11-20<" in page


def test_a_picture_that_a_section_waits_for_appears_when_it_is_put_there(city: TinyCity) -> None:
    text = (city.content / "xwdt/index.md").read_text(encoding="utf-8")
    city.put("xwdt/index.md", text + "![图](map.png)\n")
    assert codes(city.build()) == ["link-broken"]
    city.put("xwdt/map.png", b"png")
    report = city.build()
    assert codes(report) == []
    assert report.reasons == {"xwdt/index.html": "a link's target came or went"}
    assert (city.site / "xwdt/map.png").read_bytes() == b"png"
    (city.content / "xwdt/map.png").unlink()
    assert codes(city.build()) == ["link-broken"]
    assert not (city.site / "xwdt/map.png").exists()


def test_an_edit_does_not_touch_a_page_that_links_to_the_same_file(city: TinyCity) -> None:
    city.put("xwdt/202611/a.pdf", b"one")
    city.article("xwdt/202611/t20261120_2.md", "甲", "见[表](a.pdf)。", date="2026-11-01 09:00")
    city.article("xwdt/202611/t20261120_3.md", "乙", date="2026-11-02 09:00")
    city.article("xwdt/202611/t20261120_4.md", "丙", "见[表](a.pdf)。", date="2026-11-03 09:00")
    city.build()
    city.article("xwdt/202611/t20261120_4.md", "丙", "请见[表](a.pdf)。", date="2026-11-03 09:00", sign=False)
    city.sign("xwdt/202611/t20261120_4.md", at=NOW - timedelta(hours=1))
    assert city.build().reasons.keys() == {"xwdt/202611/t20261120_4.html"}


def test_a_columns_own_text_reaches_its_page(city: TinyCity) -> None:
    """Whether or not anything about its articles changed with it."""
    city.article(NEWS)
    city.build()
    for column, text in (("xwdt", "本栏目发布要闻。"), ("zcwj", "本栏目发布政策文件。")):
        index = (city.content / column / "index.md").read_text(encoding="utf-8")
        city.put(f"{column}/index.md", f"{index}{text}\n")
        assert city.build().reasons.keys() == {f"{column}/index.html"}
        assert text in city.page(f"{column}/index.html")
