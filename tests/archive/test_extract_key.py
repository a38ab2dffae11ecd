"""Extraction against keys made by hand: what a reader of the old pages wrote down, not what the program said."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import markdown as python_markdown
import pytest
from click.testing import CliRunner

from archive import charset, decision
from archive.__main__ import main as program
from archive.crawling.capture import capture as capture_of
from archive.migration import article, dates, elements, extract, markdown
from archive.migration.article import Recognised, Rejected
from archive.migration.extracted import ExtractReport
from archive.publishing import oldpage
from archive.store import Capture
from sitegen import frontmatter
from sitegen.errors import Refused
from tests.archive.oldweb import NOW, ROOT, page, redirect, serving

TEMPLATES = Path(__file__).parent / "templates"
KEY: list[dict[str, Any]] = json.loads((TEMPLATES / "_key.json").read_text(encoding="utf-8"))
ARTICLES = [one for one in KEY if "none" not in one]
OTHERS = [one for one in KEY if "none" in one]
LYJ = ROOT / "tests/sites/lyj"
TRUTH: list[dict[str, Any]] = json.loads((LYJ / "_expected.json").read_text(encoding="utf-8"))["urls"]
BODIES: dict[str, dict[str, Any]] = json.loads((LYJ / "_bodies.json").read_text(encoding="utf-8"))


def judged(data: bytes, url: str, content_type: str = "text/html") -> Recognised | Rejected:
    text, _code = charset.decode(data, (("Content-Type", content_type),))
    return article.judge(oldpage.parse(text), url)


def read(found: Recognised) -> str:
    """What a reader of the draft sees, without blanks: rendered by Python-Markdown, not by our own code."""
    text = markdown.convert(found.body, lambda link, is_picture: None if link.startswith("javascript:") else link)
    shown = python_markdown.markdown(text, extensions=["tables"])
    return re.sub(r"\s", "", html.unescape(re.sub(r"<[^>]*>", "", shown)))


def flat(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("one", ARTICLES, ids=lambda one: str(one["file"]))
def test_an_article_of_each_family_of_templates_is_read_as_the_key_says(one: dict[str, Any]) -> None:
    found = judged((TEMPLATES / one["file"]).read_bytes(), one["url"])
    assert isinstance(found, Recognised), found
    assert (found.title, f"{found.published:%Y-%m-%d %H:%M}", found.source) == (
        one["title"],
        one["date"],
        one["source"],
    )
    assert read(found) == flat("".join(one["paragraphs"]))
    root = oldpage.parse(charset.decode((TEMPLATES / one["file"]).read_bytes(), ())[0])
    assert root is not None
    said = elements.of(root, found)
    names = ("doc_number", "index_number", "issuer", "author")
    assert {name: getattr(said, name) for name in names} == {name: one.get(name, "") for name in names}
    assert (said.written_on.isoformat() if said.written_on else "") == one.get("written_on", "")


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: str(one["file"]))
def test_a_list_an_error_and_an_empty_page_are_left_out_with_the_reason(one: dict[str, Any]) -> None:
    found = judged((TEMPLATES / one["file"]).read_bytes(), one["url"])
    assert isinstance(found, Rejected)
    assert found.what == one["none"]
    assert found.reason


def test_95_percent_of_the_old_sites_articles_are_right_and_no_list_is_taken_for_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Done-when 5. Title and date by the truth list, body by tests/sites/lyj/_bodies.json."""
    right, wrong, taken = 0, [], []
    articles = [one for one in TRUTH if one["kind"] == "article" and not one.get("alias_of")]
    for one in articles:
        found = judged((LYJ / one["url"].lstrip("/")).read_bytes(), one["url"], one["content_type"])
        body = read(found) if isinstance(found, Recognised) else ""
        ok = (
            isinstance(found, Recognised)
            and (found.title, found.published.date().isoformat()) == (one["title"], one["date"])
            and hashlib.sha256(body.encode()).hexdigest() == BODIES[one["url"]]["sha256"]
        )
        right += ok
        wrong += [] if ok else [one["url"]]
    lists = [one for one in TRUTH if one["kind"] in {"list", "home", "error", "frameset", "form", "popup"}]
    for one in lists:
        file = LYJ / one["url"].split(";")[0].lstrip("/")
        file = next(
            (f for f in (file, file / "index.html", file / "index.htm", LYJ / "_404.html") if f.is_file()), file
        )
        if isinstance(judged(file.read_bytes(), one["url"], one["content_type"]), Recognised):
            taken.append(one["url"])
    with capsys.disabled():
        share = 100 * right / len(articles)
        print(
            f"\n  {right} of {len(articles)} articles right ({share:.1f} %), {len(taken)} of {len(lists)} others taken"
        )
    assert len(articles) == 50
    assert right >= 0.95 * len(articles), wrong
    assert taken == []


def test_the_key_is_whole_and_its_texts_begin_and_end_as_a_reader_sees_them() -> None:
    """The key was cut from the sources by the markers that tests/sites/lyj/README.md names, not by the extractor."""
    articles = {one["url"] for one in TRUTH if one["kind"] == "article" and not one.get("alias_of")}
    assert set(BODIES) == articles
    for url, key in BODIES.items():
        data = (LYJ / url.lstrip("/")).read_bytes()
        text = flat(charset.decode(data, ())[0]).replace("&nbsp;", "")
        assert key["characters"] > 300
        assert key["begins"][:2] in text, url


# --- drafts


INDEX = "".join(f'<p><a href="/a/{one["file"]}">{one["file"]}</a>' for one in KEY)
DECISION = """site: old
hosts: ["127.0.0.1:{port}"]
allow_private: [127.0.0.1]
name: 旧站
successor:
  site: tzgg
  columns: {{a: tzgg}}
"""


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Capture, int]]:
    routes: dict[str, Any] = {"/": page(f"<h1>首页</h1>{INDEX}"), "/b": redirect("/")}
    routes |= {f"/a/{one['file']}": page((TEMPLATES / one["file"]).read_bytes(), headers={"Vary": "x"}) for one in KEY}
    routes["/a/P020120309381122334455.doc"] = page(b"\xd0\xcf\x11\xe0doc", "application/msword")
    routes["/a/W020180917398.jpg"] = page(b"\xff\xd8\xff\xe0jpg", "image/jpeg")
    root = tmp_path_factory.mktemp("families")
    with serving(routes) as web:
        (root / "_archive").mkdir()
        (root / "_archive/old.yml").write_text(DECISION.format(port=web.port), encoding="utf-8")
        report = capture_of(decision.load(root, "old"), store=root / "store", now=NOW)
        yield report.capture, web.port


@pytest.fixture
def content(tmp_path: Path) -> Path:
    put(tmp_path / "content", "tzgg/index.md", "---\nkind: column\ntitle: 通知公告\nholds: article\n---\n")
    return tmp_path / "content"


def put(content: Path, path: str, text: str) -> None:
    (content / path).parent.mkdir(parents=True, exist_ok=True)
    (content / path).write_text(text, encoding="utf-8")


def drafted(taken: tuple[Capture, int], content: Path, more: str = "") -> ExtractReport:
    put(content, "_archive/old.yml", DECISION.format(port=taken[1]) + more)
    return extract.extract(taken[0], decision.load(content, "old"), content=content)


def test_every_article_becomes_a_draft_and_every_other_page_is_named_with_what_it_is(
    taken: tuple[Capture, int], content: Path
) -> None:
    report = drafted(taken, content)
    assert report.problems == ()
    assert {one.target_uri.rpartition("/")[2] for one in report.written} == {one["file"] for one in ARTICLES}
    said = {one.target_uri.rpartition("/")[2]: one.what for one in report.skipped if "/a/" in one.target_uri}
    assert said == {one["file"]: one["none"] for one in OTHERS}


def test_a_document_keeps_its_number_its_day_and_what_was_attached_beside_its_text(
    taken: tuple[Capture, int], content: Path
) -> None:
    report = drafted(taken, content)
    (draft,) = (one for one in report.written if one.target_uri.endswith("policy.html"))
    text = (content / draft.path).read_text(encoding="utf-8")
    matter, problems = frontmatter.parse(text, draft.path, frontmatter.ARTICLE_KEYS)
    assert problems == []
    assert matter is not None
    assert {key: matter.values[key] for key in ("doc_number", "index_number", "issuer", "written_on")} == {
        "doc_number": "示政办发〔2012〕8号",
        "index_number": "000014349/2012-00012",
        "issuer": "示例市人民政府办公室",
        "written_on": "2012-03-05",
    }
    (name,) = draft.assets
    assert f"- [项目申报表.doc]({name})" in text
    assert (content / draft.path).with_name(name).read_bytes().endswith(b"doc")


def test_a_draft_names_the_record_that_proves_its_old_date(taken: tuple[Capture, int], content: Path) -> None:
    report = drafted(taken, content)
    for draft in report.written:
        assert draft.record_id.startswith("<urn:uuid:")
        assert draft.payload_digest.startswith("sha256:")
        assert draft.captured_at.startswith("20")
    rows = json.loads(json.dumps(report.as_json()))["written"]
    assert set(rows[0]["evidence"]) == {"record_id", "payload_digest", "captured_at"}


@pytest.mark.parametrize(
    ("there", "file"),
    [
        ("title: 市政府投资项目管理办法\ndate: 2012-03-10 08:00\nsource: 市府办\ndoc_number: 示政办发〔2012〕8号", "policy.html"),
        ("title: 关于推行企业开办“一窗通办”的公告\ndate: 2019-04-28 09:00\nsource: 市市场监管局", "meta15.html"),
    ],
)  # fmt: skip
def test_what_is_there_already_is_not_drafted_again(
    taken: tuple[Capture, int], content: Path, there: str, file: str
) -> None:
    put(content, "tzgg/201204/t20120401_1.md", f"---\n{there}\n---\n\n别的话。\n")
    report = drafted(taken, content)
    (skipped,) = (one for one in report.skipped if one.what == "duplicate")
    assert skipped.target_uri.endswith(file)
    assert "content/tzgg/201204/t20120401_1.md" in skipped.reason


def test_the_same_words_under_another_title_are_not_drafted_again(taken: tuple[Capture, int], content: Path) -> None:
    words = next("\n\n".join(one["paragraphs"]) for one in KEY if one["file"] == "trs.html")
    put(
        content,
        "tzgg/201003/t20100319_1.md",
        f"---\ntitle: 汛前检查\ndate: 2010-03-19 08:00\nsource: 市水利局\n---\n\n{words}\n",
    )
    report = drafted(taken, content)
    assert [one.target_uri.rpartition("/")[2] for one in report.skipped if one.what == "duplicate"] == ["trs.html"]


def test_a_column_appraised_as_not_worth_keeping_stays_in_the_archive_only(
    taken: tuple[Capture, int], content: Path
) -> None:
    more = "appraisal:\n  a: {keep: false, reason: 过期的日常动态, by: 方晓岚, date: 2026-10-01}\n"
    report = drafted(taken, content, more)
    assert report.written == ()
    (reason,) = {one.reason for one in report.skipped if one.what == "appraised"}
    assert "过期的日常动态" in reason
    assert "方晓岚" in reason


def test_an_appraisal_says_whether_why_and_by_whom(content: Path) -> None:
    put(content, "_archive/old.yml", DECISION.format(port=1) + "appraisal:\n  a: {keep: maybe}\n  b: 好\n")
    with pytest.raises(Refused) as refused:
        decision.load(content, "old")
    assert {(one.code, one.key, one.line) for one in refused.value.problems} == {
        ("decision-value-invalid", "appraisal.a.keep", 9),
        ("decision-key-missing", "appraisal.a.reason", 9),
        ("decision-key-missing", "appraisal.a.by", 9),
        ("decision-value-invalid", "appraisal.b", 10),
    }


def test_operators_get_a_table_with_the_least_sure_first_in_which_nothing_is_a_formula(
    taken: tuple[Capture, int], content: Path, tmp_path: Path
) -> None:
    put(content, "_archive/old.yml", DECISION.format(port=taken[1]))
    table = tmp_path / "pages.csv"
    store = taken[0].folder.parent.parent
    ended = CliRunner().invoke(
        program,
        ["extract", "old", "--dry-run", "--table", str(table), "--content", str(content), "--store", str(store)],
    )
    assert ended.exit_code == 0, ended.output
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    sure = [float(row["confidence"]) for row in rows if row["what"] == "article"]
    assert sure == sorted(sure)
    assert len(sure) == len(ARTICLES)
    assert rows[0]["target_uri"].endswith("divsoup.html")
    assert not (content / "tzgg/201707").exists()


# --- small parts


def shown(line: str, body: str = "正文一句，再一句。" * 9) -> Recognised | Rejected:
    markup = f"<title>题目是这个</title><h1>题目是这个</h1><div>{line}</div><div class=TRS_Editor>{body}</div>"
    return judged(f"<meta charset=utf-8>{markup}".encode(), "http://old.example/a.htm")


@pytest.mark.parametrize(
    ("text", "day"),
    [("二○○九年九月十八日", "2009-09-18"), ("二〇二一年十二月三十一日", "2021-12-31"), ("一九九八年十月二十日", "1998-10-20"), ("二零一〇年一月一日", "2010-01-01"), ("2012年03月05日", "2012-03-05"), ("二○○九年十三月一日", None), ("无日期", None)],
)  # fmt: skip
def test_days_are_read_in_figures_and_in_chinese_numerals(text: str, day: str | None) -> None:
    found = dates.day_in(text)
    assert (found.isoformat() if found else None) == day


@pytest.mark.parametrize("line", ["今天是2018-07-01", "今天是：（2018-07-01）", "成文日期：2012-03-05"])
def test_the_day_a_page_is_looked_at_or_was_written_is_not_the_day_it_was_published(line: str) -> None:
    found = shown(line)
    assert isinstance(found, Rejected)
    assert found.what == "undated"


def test_two_days_that_stand_alone_say_nothing() -> None:
    assert isinstance(shown("<span>2018-07-01</span>"), Recognised)
    assert isinstance(shown("<span>2018-07-01</span><span>2018-07-09</span>"), Rejected)


def test_the_day_it_was_written_is_not_the_day_it_was_published() -> None:
    found = shown("成文日期：2012-03-05　发布日期：2012-03-09")
    assert isinstance(found, Recognised)
    assert found.published.date().isoformat() == "2012-03-09"


def test_a_title_repeated_as_the_first_line_of_the_text_is_taken_out() -> None:
    found = shown("发布时间：2018-07-01", f"<p>题目是这个</p><p>{'正文一句，再一句。' * 9}</p>")
    assert isinstance(found, Recognised)
    assert read(found) == "正文一句，再一句。" * 9


def test_a_number_that_the_text_cites_is_not_its_own() -> None:
    markup = f"<meta charset=utf-8><title>题目是这个</title><h1>题目是这个</h1>发布时间：2018-07-01<div class=TRS_Editor><p>根据示政发〔2010〕1号文件，{'现通知如下。' * 9}</p></div>"
    root = oldpage.parse(markup)
    found = article.judge(root, "http://old.example/a.htm")
    assert isinstance(found, Recognised)
    assert root is not None
    assert elements.of(root, found).doc_number == ""
