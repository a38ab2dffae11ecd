"""Old articles become drafts: the right ones, with title, date and source, once, and never over an editor's work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive import charset, decision, store
from archive.migration import article, body, extract, markdown
from archive.migration.extracted import ExtractReport
from archive.publishing import oldpage
from sitegen import frontmatter
from sitegen.errors import Refused
from tests.archive.oldweb import ROOT
from tests.archive.test_publish_site import tourism

__all__ = ["tourism"]
EXPECTED: list[dict[str, Any]] = json.loads((ROOT / "tests/sites/lyj/_expected.json").read_text(encoding="utf-8"))[
    "urls"
]
ARTICLES = [one for one in EXPECTED if one["kind"] == "article" and not one.get("alias_of")]
MAPPED = [one for one in ARTICLES if one["column"] != "en"]


@pytest.fixture
def project(tourism: Path, tmp_path: Path) -> Path:
    """The tourism site's project with a content/ of its own."""
    shutil.copytree(tourism / "content", tmp_path / "content")
    return tmp_path


def extracted(project: Path, tourism: Path, **more: Any) -> ExtractReport:
    taken = store.open_capture(tourism / "build/archive", "lyj")
    return extract.extract(taken, decision.load(project / "content", "lyj"), content=project / "content", **more)


def values(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    matter, problems = frontmatter.parse(text, path.name, frontmatter.ARTICLE_KEYS)
    assert problems == []
    assert matter is not None
    return dict(matter.values)


def recognised(markup: str, url: str = "http://old.example/a/1.htm") -> article.Recognised | None:
    return article.recognise(oldpage.parse(markup), url)


def as_markdown(markup: str) -> str:
    body = oldpage.parse(f"<html><body>{markup}")
    assert body is not None
    found = body.find("body")
    assert found is not None
    return markdown.convert(found, lambda link, is_picture: link)


@pytest.mark.parametrize("one", ARTICLES, ids=lambda one: one["url"])
def test_an_article_is_recognised_with_title_date_and_source(one: dict[str, Any]) -> None:
    data = (ROOT / "tests/sites/lyj" / one["url"].lstrip("/")).read_bytes()
    text, _ = charset.decode(data, (("Content-Type", one["content_type"]),))
    found = recognised(text, "http://lyj.example.gov.cn" + one["url"])
    assert found is not None
    assert (found.title, found.published.date().isoformat(), found.source) == (one["title"], one["date"], one["source"])


@pytest.mark.parametrize(
    "one",
    [
        o
        for o in EXPECTED
        if o["kind"] in {"home", "list", "page", "frame", "form", "popup", "special", "frameset"}
        and ";" not in o["url"]
    ],
    ids=lambda one: one["url"],
)
def test_lists_home_pages_and_forms_are_no_articles(one: dict[str, Any]) -> None:
    file = ROOT / "tests/sites/lyj" / one["url"].lstrip("/")
    if file.is_dir():
        file = next(path for path in (file / "index.html", file / "index.htm") if path.exists())
    text, _ = charset.decode(file.read_bytes(), (("Content-Type", one["content_type"]),))
    assert recognised(text, "http://lyj.example.gov.cn" + one["url"]) is None


def test_every_article_of_a_mapped_column_becomes_a_draft_and_nothing_else_does(project: Path, tourism: Path) -> None:
    report = extracted(project, tourism)
    assert report.problems == ()
    assert {draft.target_uri for draft in report.written} == {
        "http://lyj.example.gov.cn" + one["url"] for one in MAPPED
    }
    columns = {"lydt": "gzdt", "tzgg": "tzgg", "zcfg": "zcwj", "jqjs": "lyzx", "bszn": "bsfw"}
    for one in MAPPED:
        (draft,) = (d for d in report.written if d.target_uri == "http://lyj.example.gov.cn" + one["url"])
        day = one["date"].replace("-", "")
        assert draft.path.startswith(f"whlyj/{columns[one['column']]}/{day[:6]}/t{day}_9")
        said = values(project / "content" / draft.path)
        assert (said["title"], said["date"][:10], said["source"], said["migrated_from"]) == (
            one["title"],
            one["date"],
            one["source"],
            draft.target_uri,
        )
        assert said["archived_copy"].startswith("/archive/lyj/20261122103000/lyj.example.gov.cn/")
        assert "description" not in said
    stems = [Path(draft.path).stem for draft in report.written]
    assert len(set(stems)) == len(stems)


def test_an_article_in_a_column_of_policies_stays_a_plain_article(project: Path, tourism: Path) -> None:
    report = extracted(project, tourism)
    kinds = {draft.path.split("/")[1]: values(project / "content" / draft.path).get("kind") for draft in report.written}
    assert kinds == {"gzdt": None, "tzgg": None, "zcwj": "article", "lyzx": None, "bsfw": None}


def test_pictures_and_attachments_come_along_untouched(project: Path, tourism: Path) -> None:
    report = extracted(project, tourism)
    (draft,) = (d for d in report.written if d.target_uri.endswith("t20140902_1290.html"))
    (name,) = draft.assets
    assert (project / "content" / draft.path).with_name(name).read_bytes() == (
        ROOT / "tests/sites/lyj/upload/2014/xjpdb.xls"
    ).read_bytes()
    assert f"]({name})" in (project / "content" / draft.path).read_text(encoding="utf-8")
    assert name.isascii()


def test_a_second_run_writes_nothing_and_says_why(project: Path, tourism: Path) -> None:
    first = extracted(project, tourism)
    edited = project / "content" / first.written[0].path
    edited.write_text(edited.read_text(encoding="utf-8") + "\n编辑改过。\n", encoding="utf-8")
    second = extracted(project, tourism)
    assert second.written == ()
    assert edited.read_text(encoding="utf-8").endswith("编辑改过。\n")
    reasons = {skip.target_uri: skip.reason for skip in second.skipped}
    assert reasons[first.written[0].target_uri] == f"already migrated: content/{first.written[0].path}"


def test_two_runs_give_the_same_drafts(project: Path, tourism: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "content", tmp_path / "again/content")
    extracted(project, tourism)
    extracted(tmp_path / "again", tourism)

    def texts(root: Path) -> dict[str, bytes]:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert texts(project / "content") == texts(tmp_path / "again/content")


def test_a_dry_run_writes_nothing(project: Path, tourism: Path) -> None:
    before = sorted(project.rglob("*"))
    assert len(extracted(project, tourism, dry_run=True).written) == len(MAPPED)
    assert sorted(project.rglob("*")) == before


def test_a_column_that_does_not_exist_is_refused(project: Path, tourism: Path) -> None:
    (project / "content/whlyj/gzdt/index.md").unlink()
    with pytest.raises(Refused) as refused:
        extracted(project, tourism)
    assert [problem.code for problem in refused.value.problems] == ["extract-column-missing"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>　　一段。</p><p>&nbsp;&nbsp;二段。", "一段。\n\n二段。\n"),
        ("　　一段。<br><br>　　二段。<br>续行", "一段。\n\n二段。  \n续行\n"),
        ("　　一段。<br>　　二段。", "一段。\n\n二段。\n"),
        ("<div>一<font color=red>二</font><o:p></o:p>三</div>", "一二三\n"),
        ("<p>3. 三<p># 号<p>- 横", "3\\. 三\n\n\\# 号\n\n\\- 横\n"),
        ("<p>a*b_c[d]&lt;e&gt; &amp;amp;", "a\\*b\\_c\\[d\\]&lt;e> &amp;amp;\n"),
        ("<p><b>重点。</b>下文", "**重点。**下文\n"),
        ("<ul><li>一<li>二</ul>", "- 一\n- 二\n"),
        ("<p><a href='x.pdf'>附件</a>", "[附件](x.pdf)\n"),
        ("<p><img src='x.jpg' alt='图'>", "![图](x.jpg)\n"),
        ("<table><tr><td>只有一格<p>二段</table>", "只有一格\n\n二段\n"),
        ("<table><tr><td>甲<td>乙<tr><td colspan=2>丙</table>", "| 甲 | 乙 |\n| --- | --- |\n| 丙 |  |\n"),
        ("<table><tr><td rowspan=2>甲<td>乙<tr><td>丁</table>", "| 甲 | 乙 |\n| --- | --- |\n|  | 丁 |\n"),
        ("<script>x()</script><style>p{}</style><p>正文<!-- 注 -->", "正文\n"),
        ("<h1>题</h1><p>文", "## 题\n\n文\n"),
    ],
)  # fmt: skip
def test_old_markup_becomes_plain_markdown(markup: str, text: str) -> None:
    assert as_markdown(markup) == text


@pytest.mark.parametrize(
    "value",
    ["标题", "一: 二", "“引号”与\"引号\"", "# 号", "[方]", "-", "2012", "12:30", "2012-03-04 05:06", "yes", "null", "'单'", "a\\b", "http://x.example/a?b=c#d", "*", "! x", "末尾:", "{x}", "~", "@x", "%x", "`x`"],
)  # fmt: skip
def test_a_value_is_read_back_as_it_was_written(value: str) -> None:
    matter, problems = frontmatter.parse(
        f"---\ntitle: {frontmatter.quoted(value)}\n---\n\nx\n", "x.md", frontmatter.ARTICLE_KEYS
    )
    assert problems == []
    assert matter is not None
    assert matter.values["title"] == value


@pytest.mark.parametrize(
    ("line", "date"),
    [("发布时间：2008-3-18", "2008-03-18 00:00"), ("发布日期：2015年11月20日 10:20:33", "2015-11-20 10:20"), ("[2008年4月2日]", "2008-04-02 00:00"), ("时间:2011/7/21 9:05", "2011-07-21 09:05")],
)  # fmt: skip
def test_dates_are_read_as_such_sites_wrote_them(line: str, date: str) -> None:
    found = recognised(
        f"<title>题目是这个</title><h1>题目是这个</h1><div>{line}　来源：某局　点击数：3</div><div class=TRS_Editor>{'正文一句，再一句。' * 9}</div>"
    )
    assert found is not None
    assert f"{found.published:%Y-%m-%d %H:%M}" == date
    assert found.source == "某局"


def test_words_come_in_the_order_in_which_they_are_read() -> None:
    """Scripts, comments and form fields say nothing, and are what they were afterwards."""
    root = oldpage.parse(
        "<body>一<div>二<p>三<b>四<!--x--></b>五</p>六<script>x()</script>七<style>p{}</style></div>八<select>九"
    )
    assert root is not None
    before = etree.tostring(root)
    assert body.words(root.find("body")) == "一二三四五六七八"
    assert body.words(root.find("body"), blanks=True) == "一 二 三 四 五 六 七 八"
    assert before == etree.tostring(root)


def test_an_impossible_date_is_no_date() -> None:
    assert (
        recognised(
            f"<title>题目</title><h1>题目</h1>发布时间：2008-13-48<div class=TRS_Editor>{'正文一句。' * 9}</div>"
        )
        is None
    )
