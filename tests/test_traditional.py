"""The Traditional edition: the same pages in other characters, with links of their own, and nothing else touched."""

from __future__ import annotations

import json
from pathlib import Path

import lxml.html
import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitegen import phrases
from sitegen.outcome import Report
from sitegen.pages import traditional
from sitegen.render.traditional import Traditional
from tests.cities import TinyCity

SITE = "https://www.example.gov.cn/"
URL = "/jyj/tzgg/202611/t1.html"
SHOWN = {"title", "alt", "aria-label", "aria-description", "aria-roledescription", "placeholder", "label"}
OTHER = {"script", "style", "pre", "code", "kbd", "samp", "textarea"}
_words = opencc.OpenCC("s2tw").convert


def convert(html: str) -> str:
    return Traditional(SITE, {}).page(html, URL)


def _is_chinese(lang: str) -> bool:
    return lang in {"zh", "zh-CN"} or lang.startswith("zh-Hans")


def reference(element: lxml.html.HtmlElement, kept: bool = False) -> list[object]:
    """What a reader and a browser get of a page, converted on the tree, one text at a time."""
    if not isinstance(element.tag, str):
        return [str(element.text)]
    lang = element.get("lang")
    kept = kept or (lang is not None and not _is_chinese(lang) and element.tag != "html")
    attributes = {
        name: "zh-Hant"
        if name == "lang" and not kept and _is_chinese(value)
        else _words(value)
        if name in SHOWN and not kept
        else value
        for name, value in element.attrib.items()
    }
    inner: list[object] = []
    for text, child in [(element.text, None), *[(child.tail, child) for child in element]]:
        if child is not None:
            inner.append(reference(child, kept or element.tag in OTHER))
        inner.append(text if text is None or kept or element.tag in OTHER else _words(text))
    return [element.tag, attributes, inner]


def told(element: lxml.html.HtmlElement) -> list[object]:
    if not isinstance(element.tag, str):
        return [str(element.text)]
    inner: list[object] = [element.text]
    for child in element:
        inner += [told(child), child.tail]
    return [element.tag, dict(element.attrib), inner]


_text = st.text(alphabet="头发干后里台湾着a1 &;，。\n万<>\"'", max_size=12).map(
    lambda text: text.replace("&", "&amp;").replace("<", "&lt;")
)
_value = st.text(alphabet="头发干 >='/a里", max_size=8)
_names = st.sampled_from(["title", "id", "class", "alt", "data-x", "aria-label", "placeholder"])
_langs = st.sampled_from(
    ["", ' lang="en"', ' lang="zh-Hant"', ' lang="zh-Hans-CN"', ' lang="zh-CN"', " lang='zh-Hans'"]
)


@st.composite
def _elements(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    name = draw(st.sampled_from(["b", "span", "div", "em", "code", "pre"]))
    attributes = {n: draw(_value) for n in draw(st.sets(_names, max_size=3))}
    written = "".join(f' {n}="{v}"' for n, v in attributes.items())
    return f"<{name}{draw(_langs)}{written}>{draw(inner)}</{name}>"


_html = st.recursive(
    st.one_of(_text, st.sampled_from(["<br>", "<!-- 头发 <b> -->", "<img alt='头发' src='/a.png'>", '<hr lang="en">'])),
    lambda inner: st.lists(st.one_of(inner, _elements(inner)), max_size=4).map("".join),
    max_leaves=12,
)


@settings(max_examples=150)
@given(_html)
def test_words_are_converted_where_a_reader_sees_them_and_nowhere_else(html: str) -> None:
    """Compared with the conversion of the parsed tree, text by text, attribute by attribute."""
    page = f'<!doctype html><html lang="zh-Hans-CN"><body><main>{html}</main></body></html>'
    parsed = lxml.html.document_fromstring(page)
    assert told(lxml.html.document_fromstring(convert(page))) == reference(parsed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="/jyj/">', '<a href="/zh-hant/jyj/">'),
        ('<a href="/zcwj/list_2.html?a=1#里">', '<a href="/zh-hant/zcwj/list_2.html?a=1#里">'),
        ('<a href="../202610/t2.html#_1">', '<a href="../202610/t2.html#_1">'),
        ('<a href="../">', '<a href="../">'),
        ('<a href="#里程">', '<a href="#里程">'),
        ('<a href="t1/表格.pdf">', '<a href="/jyj/tzgg/202611/t1/表格.pdf">'),
        ('<img src="a.png" alt="头发">', '<img src="/jyj/tzgg/202611/a.png" alt="頭髮">'),
        ('<source srcset="a.webp 320w, /b.webp 640w">', '<source srcset="/jyj/tzgg/202611/a.webp 320w, /b.webp 640w">'),
        ('<a href="/archive/lyj/">', '<a href="/archive/lyj/">'),
        ('<a href="../../../archive/lyj/">', '<a href="/archive/lyj/">'),
        ('<form action="/messages/check">', '<form action="/messages/check">'),
        ('<a href="/search/?q=里">', '<a href="/zh-hant/search/?q=里">'),
        ('<a href="https://www.gov.cn/里/">', '<a href="https://www.gov.cn/里/">'),
        ('<a href="//www.gov.cn/">', '<a href="//www.gov.cn/">'),
        ('<a href="mailto:a@b.cn">', '<a href="mailto:a@b.cn">'),
        ('<a href="https://www.example.gov.cn/jyj/">', '<a href="https://www.example.gov.cn/zh-hant/jyj/">'),
        ('<link rel="alternate" hreflang="zh-Hans" href="https://www.example.gov.cn/jyj/">',) * 2,
        ('<link rel="canonical" href="https://www.example.gov.cn/jyj/">', '<link rel="canonical" href="https://www.example.gov.cn/zh-hant/jyj/">'),
        ('<meta http-equiv="refresh" content="0; url=/jyj/a.html">', '<meta http-equiv="refresh" content="0; url=/zh-hant/jyj/a.html">'),
        ('<meta name="keywords" content="头发">', '<meta name="keywords" content="頭髮">'),
        (f'<a href="/zh-hant{URL}" lang="zh-Hant">繁體</a>', f'<a href="{URL}" hreflang="zh-Hans" lang="zh-Hans">简体</a>'),
        ('<input type="submit" value="头发"><input value="头发">', '<input type="submit" value="頭髮"><input value="头发">'),
        ('<a title="a>b" href="/jyj/">', '<a title="a>b" href="/zh-hant/jyj/">'),
    ],
)  # fmt: skip
def test_links_stay_within_the_edition_and_files_are_shared(before: str, after: str) -> None:
    assert convert(f"头发{before}头发") == f"頭髮{after}頭髮"


def test_structured_data_is_converted_by_its_strings() -> None:
    data = {"@type": "NewsArticle", "headline": "头发</script>", "url": SITE + "jyj/", "inLanguage": "zh-Hans-CN"}
    html = f'<script type="application/ld+json">{json.dumps(data).replace("</", "<" + chr(92) + "/")}</script>'
    text = convert(html).removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert "</script>" not in text
    assert json.loads(text) == {
        "@type": "NewsArticle",
        "headline": "頭髮</script>",
        "url": SITE + "zh-hant/jyj/",
        "inLanguage": "zh-Hant",
    }


@given(st.lists(st.sampled_from(["干细胞", "里", "头发\n", "皇后", "a"]), max_size=8).map("".join))
def test_a_phrase_of_the_city_wins_over_the_dictionary(text: str) -> None:
    known = {"干细胞": "〔一〕", "皇后": "皇后"}
    parts = [_words(part) for part in text.replace("干细胞", "\0〔一〕\0").replace("皇后", "\0皇后\0").split("\0")]
    expected = "".join("皇后" if part == "皇後" else part for part in parts)
    assert Traditional(SITE, known).page(text, URL) == expected


FRAME = [
    '<li><a href="/zcwj/">政策文件</a></li>',
    '<li><a href="list_2.html" title="里">头发</a></li>',
    '<ul lang="en">',
    "</ul>",
    '<p lang="zh-Hant">后</p>',
    "<pre>",
    "里</pre>",
    "里 <b>后</b> 面",
    '<a href="/jyj/tzgg/202611/t1.html"',
    ' title="后">里</a>',
    "<!-- 里",
    "-->",
]
"""Lines as they may stand in a head or a foot, whole elements and parts of some."""


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAME), max_size=6), st.lists(st.sampled_from(FRAME), max_size=6))
def test_a_head_and_a_foot_that_came_before_are_converted_as_at_first(head: list[str], foot: list[str]) -> None:
    """Their lines are remembered; a page reads the same as if it were the first of all."""
    page = "\n".join([*head, "<main>里面</main>", *foot, ""])
    edition = Traditional(SITE, {})
    for url in (URL, "/a/b.html", "/c/", URL):
        assert edition.page(page, url) == Traditional(SITE, {}).page(page, url)


# --- in the city ---------------------------------------------------------------------------------------------------


@pytest.fixture
def both(city: TinyCity) -> TinyCity:
    """A city with both editions, an attachment, a page with phrases of its own, one link that leads nowhere."""
    text = (city.content / "index.md").read_text(encoding="utf-8")
    city.put("index.md", text.replace("kind: portal\n", "kind: portal\ntraditional: true\n", 1))
    city.put("jyj/tzgg/202611/t20261120_1/表.pdf", "%PDF-1.4")
    city.article("jyj/tzgg/202611/t20261120_1.md", "头发", "[表](t20261120_1/表.pdf) [后](t20261120_2.md) [无](t9.md)")
    city.article("jyj/tzgg/202611/t20261120_2.md", "皇后", "皇后区的干细胞。", extra="traditional: [皇后=皇后]\n")
    return city


def _read(city: TinyCity, url: str) -> str:
    return (city.site / url.lstrip("/")).read_text(encoding="utf-8")


def _codes(report: Report) -> list[str]:
    return [problem.code for problem in report.problems]


def test_every_page_has_its_counterpart_and_no_file_is_copied(both: TinyCity) -> None:
    broken = [problem.path for problem in both.build().problems if problem.code == "link-broken"]
    assert broken == ["content/jyj/tzgg/202611/t20261120_1.md"]
    names = both.released().keys()
    pages = {name for name in names if name.endswith(".html") and not name.startswith("zh-hant/")}
    assert {f"zh-hant/{name}" for name in pages if traditional.has(f"/{name}")} == {
        name for name in names if name.startswith("zh-hant/") and name.endswith(".html")
    }
    assert [name for name in names if name.startswith("zh-hant/") and not name.endswith((".html", "feed.xml"))] == []
    page = _read(both, "zh-hant/jyj/tzgg/202611/t20261120_1.html")
    assert 'href="/jyj/tzgg/202611/t20261120_1/' in page
    assert 'href="t20261120_2.html"' in page
    simplified = _read(both, "jyj/tzgg/202611/t20261120_1.html")
    for text in (page, simplified):
        assert '<link rel="alternate" hreflang="zh-Hant" href="https://www.example.gov.cn/zh-hant/jyj/' in text
        assert '<link rel="alternate" hreflang="zh-Hans" href="https://www.example.gov.cn/jyj/' in text
    assert ">简体</a>" in page
    assert ">繁體</a>" in simplified
    assert "皇后區的幹細胞" in _read(both, "zh-hant/jyj/tzgg/202611/t20261120_2.html")
    assert "頭髮" in _read(both, "zh-hant/jyj/tzgg/feed.xml")
    assert "https://www.example.gov.cn/zh-hant/jyj/tzgg/202611/t20261120_1.html" in _read(both, "jyj/tzgg/sitemap.xml")


def test_an_incremental_build_of_both_editions_is_a_clean_one(both: TinyCity) -> None:
    """An edit, a new target, phrases that come and go, an article that goes, the edition switched off and on."""

    def edit() -> None:
        both.article("jyj/tzgg/202611/t20261120_2.md", "皇后", "里面。")

    def target() -> None:
        both.article("jyj/tzgg/202611/t9.md", "新", "新的。")

    def phrase() -> None:
        both.put(phrases.FILE, "phrases: {里面: 內裡}\n")

    def gone() -> None:
        (both.content / "jyj/tzgg/202611/t9.md").unlink()
        (both.content / phrases.FILE).unlink()

    index = (both.content / "index.md").read_text(encoding="utf-8")
    steps = (
        edit,
        target,
        phrase,
        gone,
        lambda: both.put("index.md", index.replace("traditional: true\n", "")),
        lambda: both.put("index.md", index),
    )
    both.build()
    for step in steps:
        step()
        both.build()
        found = both.released()
        both.build(clean=True)
        assert both.released() == found
    assert any(name.startswith("zh-hant/") for name in found)


def test_a_phrase_file_that_cannot_be_read_is_told(both: TinyCity) -> None:
    for text in ("phrases: [a]\n", "phrases: {a: 1}\n", "{", "x: 1\n"):
        both.put(phrases.FILE, text)
        assert "phrases-unreadable" in _codes(both.build())
    assert Path(both.site / "zh-hant" / "index.html").is_file()
