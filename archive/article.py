"""Recognising an article on an old page: its title, date, source and body, by the marks that such sites left."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from sitegen.clock import SHANGHAI

_DAY = r"(?P<year>(?:19|20)\d\d)\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
_CLOCK = r"(?:[\sT]*(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：]\d{2})?)?"
_LABELLED = re.compile(
    rf"(?:发布时间|发布日期|发布于|发文日期|更新时间|更新日期|日期|时间|Date|Published|Posted)\s*[:：]?\s*[\[【(（]?\s*{_DAY}{_CLOCK}",
    re.I,
)
_BRACKETED = re.compile(rf"[\[【(（]\s*{_DAY}{_CLOCK}\s*[\]】)）]")
_ALONE = re.compile(rf"{_DAY}{_CLOCK}")
_IN_ADDRESS = re.compile(r"/t(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)_\d+\.")
_SOURCE = re.compile(
    r"(?:信息来源|稿件来源|文章来源|来\s*源|供\s*稿|Source)\s*[:：]\s*(?P<source>[^\s　【\[（(|<>]{2,30}(?: [A-Za-z][\w.]*){0,6})"
)
_AFTER_SOURCE = re.compile(r"(?:作者|点击|浏览|阅读|字号|字体|发布|时间|日期|访问|打印|编辑|责编).*$")
_BEGIN = re.compile(
    r"^\s*(?:content\s*begin|begin\s*content|正文开始|正文\s*begin|enpcontent|article\s*begin|zoom)\s*$", re.I
)
_END = re.compile(r"^\s*(?:content\s*end|end\s*content|正文结束|正文\s*end|/enpcontent|article\s*end|/zoom)\s*$", re.I)
_BODY_IDS = frozenset(
    {
        "zoom",
        "zooma",
        "ucap-content",
        "articlecontent",
        "article_content",
        "newscontent",
        "content_text",
        "fontzoom",
        "zoomcon",
    }
)
_BODY_CLASSES = frozenset(
    {
        "trs_editor",
        "trs_editor_view",
        "custom_uniononstyle",
        "article-content",
        "article_content",
        "pages_content",
        "arti_content",
        "news_content",
        "wp_articlecontent",
        "xxgk_content",
        "nr_content",
        "view",
    }
)
_WEAK_BODY = frozenset({"content", "txt", "text", "article", "nr", "main_content"})
_TITLE_CLASSES = frozenset(
    {"title", "ptitle", "bt", "arti_title", "article_title", "article-title", "news_title", "xl_title", "tit"}
)
_NOT_BODY = frozenset(
    {"script", "style", "form", "iframe", "object", "embed", "noscript", "select", "button", "input", "textarea", "map"}
)
_SITE_PARTS = re.compile(r"\s*[-_|—–·]{1,2}\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """An article as it stood. `published` is aware, Asia/Shanghai, 00:00 when the page gave no time of day; `source`
    may be empty; `body` is a tree of its own; `template` names the mark by which the body was found."""

    title: str
    published: datetime
    source: str
    body: etree._Element
    template: str


def recognise(root: etree._Element | None, url: str) -> Recognised | None:
    """None for lists, home pages, forms and whatever carries no date or no text of its own."""
    if root is None or root.find(".//frameset") is not None:
        return None
    found = _body(root)
    if found is None:
        return None
    body, template = found
    text = _text(body)
    if len(text) < 20 and body.find(".//img") is None:
        return None
    metas = {(meta.get("name") or "").lower(): (meta.get("content") or "").strip() for meta in root.iter("meta")}
    around = _around(root, body)
    published = _published(metas, around, url, strict=template in {"weak", "density"})
    title = _title(root, metas, body)
    if published is None or not title:
        return None
    return Recognised(
        title=title, published=published, source=_source(metas, around), body=copy.deepcopy(body), template=template
    )


def page_title(title: str, site_name: str) -> str:
    """An HTML title without the site's name: `旅游动态-示例市旅游局` → `旅游动态`."""
    parts = [part for part in _SITE_PARTS.split(title) if part]
    kept = [part for part in parts if part not in site_name and site_name not in part]
    return (kept or parts or [""])[0]


# --- body


def _body(root: etree._Element) -> tuple[etree._Element, str] | None:
    marked = _between_comments(root)
    if marked is not None:
        return marked, "comments"
    weak: list[etree._Element] = []
    for element in root.iter("div", "td", "article", "section", "font", "p"):
        classes = set((element.get("class") or "").lower().split())
        name = (element.get("id") or "").lower()
        if name in _BODY_IDS or classes & _BODY_CLASSES:
            return element, "mark"
        if classes & _WEAK_BODY or name in _WEAK_BODY:
            weak.append(element)
    for element in weak:
        if _is_running_text(element):
            return element, "weak"
    return _densest(root)


def _between_comments(root: etree._Element) -> etree._Element | None:
    for begin in root.iter(etree.Comment):
        if not _BEGIN.match(begin.text or ""):
            continue
        holder = etree.Element("div")
        holder.text = begin.tail
        element = begin.getnext()
        while element is not None and not (isinstance(element, etree._Comment) and _END.match(element.text or "")):
            holder.append(copy.deepcopy(element))
            element = element.getnext()
        if _text(holder) or holder.find(".//img") is not None:
            return holder
    return None


def _densest(root: etree._Element) -> tuple[etree._Element, str] | None:
    """The block that holds most of the page's running text itself."""
    blocks = []
    for place, element in enumerate(root.iter("div", "td", "article")):
        own = sum(len(text.strip()) for text in _own_texts(element))
        if own >= 80:
            blocks.append((-own, place, element))
    for _, _, element in sorted(blocks, key=lambda block: block[:2]):
        if _is_running_text(element):
            return element, "density"
    return None


def _own_texts(element: etree._Element) -> Iterator[str]:
    """Text of the block and of its paragraphs, not of blocks inside it."""
    yield element.text or ""
    for child in element:
        if child.tag in {"p", "br", "font", "span", "b", "strong", "center", "em", "u"}:
            yield from (str(text) for text in child.itertext())
        yield child.tail or ""


def _is_running_text(element: etree._Element) -> bool:
    text = _text(element)
    linked = sum(len(_text(link)) for link in element.iter("a"))
    marks = sum(text.count(mark) for mark in "。；！？，.;,")
    return len(text) >= 60 and linked < 0.3 * len(text) and marks >= 3 and element.find(".//form") is None


# --- what is said about it


def _around(root: etree._Element, body: etree._Element) -> str:
    """The page's text without scripts, the words before and behind the body first of all."""
    parts = [_text(element) for element in root.iter("title")]
    whole = root.find("body")
    text = _text(whole if whole is not None else root, blanks=True)
    inside = _text(body, blanks=True)
    return text.replace(inside, " \n ", 1) + " ".join(parts) if inside else text


def _published(metas: dict[str, str], around: str, url: str, *, strict: bool) -> datetime | None:
    for name in ("pubdate", "publishdate", "article:published_time", "others"):
        if match := _ALONE.search(metas.get(name, "")):
            return _moment(match)
    for pattern in (_LABELLED, _BRACKETED):
        if match := pattern.search(around):
            return _moment(match)
    if match := _IN_ADDRESS.search(url):
        return _moment(match)
    if not strict and (match := _ALONE.search(around)):
        return _moment(match)
    return None


def _moment(match: re.Match[str]) -> datetime | None:
    parts = match.groupdict()
    hour, minute = int(parts.get("hour") or 0), int(parts.get("minute") or 0)
    try:
        return datetime(int(parts["year"]), int(parts["month"]), int(parts["day"]), hour, minute, tzinfo=SHANGHAI)
    except ValueError:
        return None


def _source(metas: dict[str, str], around: str) -> str:
    if metas.get("contentsource"):
        return metas["contentsource"]
    match = _SOURCE.search(around)
    return _AFTER_SOURCE.sub("", match["source"]).strip(" 　，,；;") if match else ""


def _title(root: etree._Element, metas: dict[str, str], body: etree._Element) -> str:
    if metas.get("articletitle"):
        return " ".join(metas["articletitle"].split())
    html_title = " ".join(_text(root.find(".//title")).split())
    candidates = [_text(heading) for heading in root.iter("h1", "h2")]
    candidates += [
        _text(element)
        for element in root.iter("td", "div", "p", "span", "font")
        if set((element.get("class") or "").lower().split()) & _TITLE_CLASSES
    ]
    candidates = [" ".join(text.split()) for text in candidates]
    for text in candidates:
        if 2 <= len(text) <= 120 and text in html_title:
            return text
    plain = [part for part in _SITE_PARTS.split(html_title) if part]
    bold = [" ".join(_text(element).split()) for element in root.iter("b", "strong", "font")]
    for text in bold:
        if len(text) >= 4 and html_title.startswith(text):
            return text
    return next((text for text in candidates if 2 <= len(text) <= 120), "") or (plain[0] if plain else "")


def _text(element: etree._Element | None, *, blanks: bool = False) -> str:
    """Its text without scripts and comments; `blanks` keeps elements apart."""
    if element is None:
        return ""
    parts = []
    for node in element.iter():
        if not isinstance(node.tag, str) or node.tag in _NOT_BODY:
            pass
        elif node.text:
            parts.append(node.text)
        if node.tail and node is not element and not _inside_script(node):
            parts.append(node.tail)
    return (" " if blanks else "").join(parts).strip()


def _inside_script(node: etree._Element) -> bool:
    parent = node.getparent()
    return parent is not None and isinstance(parent.tag, str) and parent.tag in {"script", "style"}
