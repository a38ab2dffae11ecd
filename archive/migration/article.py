"""Recognising an article on an old page: its title, date, source and body, how sure that is and why, and what a page
that is none is instead."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Literal

from lxml import etree

from archive.migration import body as bodies
from archive.migration import dates
from archive.migration.body import Body, words
from archive.text import _

_SOURCE = re.compile(
    r"(?:信息来源|稿件来源|文章来源|来\s*源|供\s*稿|来自|Source)\s*[:：]\s*(?P<source>[^\s　【\[（(|<>]{2,30}(?: [A-Za-z][\w.]*){0,6})"
)
_AFTER_SOURCE = re.compile(r"(?:作者|点击|浏览|阅读|字号|字体|发布|时间|日期|访问|打印|编辑|责编).*$")
_TITLE_CLASS = re.compile(
    r"(?:^|[-_])(?:p?title|bt|tit|tt|ph|biaoti|(?:arti|article|news|xl|detail|main)[-_]?(?:title|bt|articletitle))$"
)
_SITE_PARTS = re.compile(r"\s*[-_|—–·]{1,2}\s*")
_ERROR = re.compile(
    r"(?:页面|文件|内容|信息|文章|网页|网址)\S{0,8}(?:不存在|已\S{0,3}删除|找不到)|(?:找不到|无法找到)\S{0,8}(?:页面?|文件|内容)|(?:404|page)\s*not\s*found|HTTP\s*错误",
    re.I,
)
_SURE = {
    "comments": 0.4, "mark": 0.4, "weak": 0.25, "density": 0.15,
    "meta": 0.3, "label": 0.3, "bracket": 0.25, "line": 0.25, "address": 0.25, "alone": 0.15, "signature": 0.05,
}  # fmt: skip

What = Literal["list", "error", "empty", "undated", "untitled", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """An article as it stood. `published` is aware, Asia/Shanghai, 00:00 when the page gave no time of day; `source`
    may be empty; `body` is a tree of its own; `template` names the mark by which the body was found; `confidence` is
    between 0 and 1, `reasons` say what it is made of."""

    title: str
    published: datetime
    source: str
    body: etree._Element
    template: str
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """No article, and what it is instead."""

    what: What
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What an article is named by; `title_sure`: 0.1 to 0.3."""

    title: str
    title_sure: float
    dated: dates.Dated
    body: Body
    metas: dict[str, str]


def recognise(root: etree._Element | None, url: str) -> Recognised | None:
    """None for lists, home pages, forms and whatever carries no date or no text of its own."""
    found = judge(root, url)
    return found if isinstance(found, Recognised) else None


def judge(root: etree._Element | None, url: str) -> Recognised | Rejected:
    named = heading(root, url)
    if isinstance(named, Rejected):
        return named
    sure = _SURE[named.body.how] + _SURE[named.dated.how] + named.title_sure
    return Recognised(
        title=named.title,
        published=named.dated.at,
        source=_source(named.metas, "\n".join(around(root, named.body.element))),
        body=_without_title(copy.deepcopy(named.body.element), named.title),
        template=named.body.how,
        confidence=round(min(sure, 1.0), 2),
        reasons=(_how_body(named.body.how), _how_date(named.dated.how), _how_title(named.title_sure)),
    )


def heading(root: etree._Element | None, url: str) -> Heading | Rejected:
    """Title and date alone, for whoever does not need the text: an index of 100,000 pages."""
    if root is None or next(root.iter("frameset"), None) is not None:
        return Rejected(what="other", reason=_("it only frames other pages"))
    found = bodies.find(root)
    if found is None:
        if _lists(root):
            return Rejected(what="list", reason=_("it lists other pages"))
        return Rejected(what="other", reason=_("it has no running text of its own"))
    text = words(found.element)
    if len(text) < 20 and found.element.find(".//img") is None:
        return Rejected(what="empty", reason=_("its text is empty"))
    if len(text) < 200 and _ERROR.search(text):
        return Rejected(what="error", reason=_("it says that there is nothing here"))
    if bodies.is_list(found.element):
        return Rejected(what="list", reason=_("its text consists of links to other pages"))
    metas = metas_of(root)
    dated = dates.published(metas, lambda: around(root, found.element), lambda: _lines(root, found.place), url, text)
    if dated is None or (dated.how == "signature" and found.how not in {"comments", "mark"}):
        return Rejected(what="undated", reason=_("it says nowhere when it was published"))
    title, title_sure = _title(root, metas, found)
    if not title:
        return Rejected(what="untitled", reason=_("it has no title"))
    return Heading(title=title, title_sure=title_sure, dated=dated, body=found, metas=metas)


def page_title(title: str, site_name: str) -> str:
    """An HTML title without the site's name: `旅游动态-示例市旅游局` → `旅游动态`."""
    parts = [part for part in _SITE_PARTS.split(title) if part]
    kept = [part for part in parts if part not in site_name and site_name not in part]
    return (kept or parts or [""])[0]


def metas_of(root: etree._Element) -> dict[str, str]:
    """Name of each meta tag in small letters → its content."""
    return {
        (meta.get("name") or meta.get("property") or "").lower(): (meta.get("content") or "").strip()
        for meta in root.iter("meta")
    }


def around(root: etree._Element | None, body: etree._Element) -> tuple[str, str]:
    """The page's words before and behind the body."""
    whole = root.find("body") if root is not None else None
    text = words(whole if whole is not None else root, blanks=True)
    inside = words(body, blanks=True)
    before, _inside, after = text.partition(inside) if inside else (text, "", "")
    return before, after


# --- how sure


def _how_body(how: str) -> str:
    return {
        "comments": _("text: between the template's comments"),
        "mark": _("text: the element that the template names"),
        "weak": _("text: an element with a usual name"),
        "density": _("text: where most of the words stand"),
    }[how]


def _how_date(how: str) -> str:
    return {
        "meta": _("date: meta tag"),
        "label": _("date: labelled"),
        "bracket": _("date: in brackets"),
        "line": _("date: in the line above the text"),
        "address": _("date: in the address"),
        "alone": _("date: the only one that stands alone"),
        "signature": _("date: at the end of the text"),
    }[how]


def _how_title(sure: float) -> str:
    if sure >= 0.3:
        return _("title: meta tag, or the heading that the page's title begins with")
    return _("title: a heading") if sure >= 0.2 else _("title: the page's title alone")


# --- what is said about it


def _lists(root: etree._Element) -> bool:
    """Three or more rows that hold a link and a date: the shape of a list."""
    rows = (row for row in root.iter("li", "tr", "dd") if _has(row, "a") and not _has(row, "tr"))
    return sum(dates.day_in(words(row)) is not None for row in islice(rows, 200)) >= 3


def _has(element: etree._Element, tag: str) -> bool:
    return next(element.iterdescendants(tag), None) is not None


def _lines(root: etree._Element, place: etree._Element) -> Iterator[str]:
    """The texts of small elements before the body that lead nowhere."""
    for element in root.iter():
        if element is place:
            return
        if element.tag not in {"td", "div", "p", "span", "small", "font", "em", "time", "h3", "h4", "h5"}:
            continue
        if (
            len(list(islice(element.iter(), 13))) == 13
            or next(element.iterancestors("a", "li", "marquee"), None) is not None
        ):
            continue
        text = " ".join(words(element).split())
        if 8 <= len(text) <= 120:
            yield text


def _source(metas: dict[str, str], text: str) -> str:
    if metas.get("contentsource"):
        return metas["contentsource"]
    match = _SOURCE.search(text)
    return _AFTER_SOURCE.sub("", match["source"]).strip(" 　，,；;") if match else ""


def _title(root: etree._Element, metas: dict[str, str], body: Body) -> tuple[str, float]:
    """The title and how sure it is, from 0.1 to 0.3."""
    if metas.get("articletitle"):
        return " ".join(metas["articletitle"].split()), 0.3
    html_title = " ".join(words(next(root.iter("title"), None)).split())
    headings: list[str] = []
    for text in _headings(root):
        if text in html_title:
            return text, 0.3
        headings.append(text)
    for text in map(_line, root.iter("b", "strong", "font")):
        if len(text) >= 4 and html_title.startswith(text):
            return text, 0.3
    if headings:
        return headings[0], 0.2
    parts = [part for part in _SITE_PARTS.split(html_title) if part]
    large = next(_large(root, body.place), "")
    if large and len(parts) <= 1:
        return large, 0.2
    return (parts[0], 0.1) if parts else ("", 0.0)


def _headings(root: etree._Element) -> Iterator[str]:
    yield from (text for one in root.iter("h1", "h2") if 2 <= len(text := _line(one)) <= 120)
    for element in root.iter("td", "div", "p", "span", "font"):
        if _is_titled(element) and 2 <= len(text := _line(element)) <= 120:
            yield text


def _is_titled(element: etree._Element) -> bool:
    classes = element.get("class")
    return classes is not None and _names_title(classes)


@lru_cache(maxsize=1024)
def _names_title(classes: str) -> bool:
    return any(_TITLE_CLASS.search(name) for name in classes.lower().split())


def _large(root: etree._Element, place: etree._Element) -> Iterator[str]:
    """What is written large or bold before the text, and leads nowhere."""
    for element in root.iter():
        if element is place:
            return
        big = element.tag == "font" and (element.get("size") or "").lstrip("+").isdigit() and int((element.get("size") or "0").lstrip("+")) >= 4  # fmt: skip
        if (big or element.tag in {"b", "strong"}) and next(element.iterancestors("a"), None) is None:
            text = _line(element)
            if 6 <= len(text) <= 80 and element.find(".//a") is None:
                yield text


def _without_title(body: etree._Element, title: str) -> etree._Element:
    """The text alone, where the page gave its title as the text's first line."""
    for element in body.iter("h1", "h2", "h3", "p", "div", "center"):
        text = _line(element)
        if element is body or not text:
            continue
        if text == title:
            element.text = None
            for child in list(element):
                element.remove(child)
        if not title.startswith(text) or text == title:
            break
    return body


def _line(element: etree._Element) -> str:
    return " ".join(words(element).split())
