"""Where on an old page the text is: by the marks of content management systems, else by where the words stand."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from lxml import etree

_BEGIN = re.compile(
    r"^\s*(?:content\s*begin|begin\s*content|正文开始|正文\s*begin|enpcontent|article\s*begin|zoom|<\$\[信息内容\]>begin)\s*$",
    re.I,
)
_END = re.compile(
    r"^\s*(?:content\s*end|end\s*content|正文结束|正文\s*end|/enpcontent|article\s*end|/zoom|<\$\[信息内容\]>end)\s*$",
    re.I,
)
# TRS, 大汉 jcms, 开普 ucap, 博达 vsb, webplus, Discuz!, Kesion, Word.
_IDS = frozenset(
    "zoom zooma ucap-content articlecontent article_content newscontent content_text fontzoom zoomcon vsb_content "
    "xxgkzw contxt js_content".split()
)
_CLASSES = frozenset(
    "trs_editor trs_editor_view custom_uniononstyle article-content article_content pages_content arti_content "
    "news_content wp_articlecontent xxgk_content nr_content v_news_content view section1 wordsection1".split()
)
_WEAK = frozenset({"content", "txt", "text", "article", "nr", "main_content"})
NOT_TEXT = frozenset(
    {"script", "style", "form", "iframe", "object", "embed", "noscript", "select", "button", "input", "textarea", "map"}
)
_TEXTS = etree.XPath("descendant::text()", smart_strings=False)
_INLINE = frozenset({"p", "br", "font", "span", "b", "strong", "center", "em", "u"})
_BLOCKS = frozenset({"div", "table", "p", "ul", "ol", "td", "section"})
_FILE = re.compile(r"\.(?:docx?|xlsx?|pptx?|pdf|wps|et|zip|rar|7z|txt|ofd|jpe?g|png|gif)(?:$|[?#])", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`element` is a tree of its own or a part of the page; `place` stands in the page where it begins; `how`:
    comments, mark, weak or density, from the surest to the least sure."""

    element: etree._Element
    place: etree._Element
    how: str


def find(root: etree._Element) -> Body | None:
    marked = _between_comments(root)
    if marked is not None:
        return marked
    weak: list[etree._Element] = []
    for element in root.iter("div", "td", "article", "section", "font", "p"):
        classes, name = element.get("class"), element.get("id")
        named = _named(classes, name) if classes or name else ""
        if named == "mark":
            return Body(element=element, place=element, how="mark")
        if named == "weak":
            weak.append(element)
    for element in weak:
        if is_running_text(element):
            return Body(element=element, place=element, how="weak")
    return _densest(root)


@lru_cache(maxsize=4096)
def _named(classes: str | None, name: str | None) -> str:
    """How surely these names are those of the text: mark, weak or not at all."""
    given, name = set((classes or "").lower().split()), (name or "").lower()
    if name in _IDS or given & _CLASSES:
        return "mark"
    return "weak" if given & _WEAK or name in _WEAK else ""


def _between_comments(root: etree._Element) -> Body | None:
    for begin in root.iter(etree.Comment):
        if not _BEGIN.match(begin.text or ""):
            continue
        holder = etree.Element("div")
        holder.text = begin.tail
        element = begin.getnext()
        while element is not None and not (isinstance(element, etree._Comment) and _END.match(element.text or "")):
            holder.append(copy.deepcopy(element))
            element = element.getnext()
        if words(holder) or holder.find(".//img") is not None:
            return Body(element=holder, place=begin, how="comments")
    return None


def _densest(root: etree._Element) -> Body | None:
    """The block that holds most of the page's running text itself."""
    blocks = []
    for place, element in enumerate(root.iter("div", "td", "article")):
        own = _own_words(element)
        if own >= 80:
            blocks.append((-own, place, element))
    for _, _, element in sorted(blocks, key=lambda block: block[:2]):
        if is_running_text(element):
            return Body(element=element, place=element, how="density")
    return None


def _own_words(element: etree._Element) -> int:
    """Characters of the block and of its paragraphs, not of blocks inside it; a `div` without blocks is a paragraph."""
    own = len(text.strip()) if (text := element.text) else 0
    for child in element:
        tag = child.tag
        if tag in _INLINE or (tag == "div" and next(child.iterchildren(*_BLOCKS), None) is None):
            for inner in child.itertext():
                own += len(inner.strip())
        if tail := child.tail:
            own += len(tail.strip())
    return own


def is_running_text(element: etree._Element) -> bool:
    text = words(element)
    marks = sum(text.count(mark) for mark in "。；！？，.;,")
    return len(text) >= 60 and linked(element) < 0.3 * len(text) and marks >= 3 and element.find(".//form") is None


def is_list(element: etree._Element) -> bool:
    """Most of its words lead elsewhere, files apart: it lists articles."""
    links = [link for link in element.iter("a") if link.get("href") and not is_file(link.get("href") or "")]
    return len(links) >= 3 and sum(len(words(link)) for link in links) >= 0.5 * len(words(element))


def is_file(href: str) -> bool:
    """Whether a link leads to a document or a picture, by its ending."""
    return _FILE.search(href) is not None


def linked(element: etree._Element) -> int:
    """How many of its characters are links."""
    return sum(len(words(link)) for link in element.iter("a"))


def words(element: etree._Element | None, *, blanks: bool = False) -> str:
    """Its text without scripts and comments; `blanks` keeps elements apart."""
    if element is None:
        return ""
    if not len(element):  # most of those asked for: a cell, a link, a heading
        return (element.text or "").strip() if element.tag not in NOT_TEXT else ""
    silent = [(one, text) for one in element.iter(*NOT_TEXT) if (text := one.text)]
    for one, _ in silent:  # asking libxml2 for texts with their parents would take three times as long as all this
        one.text = None
    if blanks:
        found = " ".join(cast("list[str]", _TEXTS(element)))
    else:
        found = etree.tostring(element, method="text", encoding="unicode", with_tail=False)
    for one, text in silent:
        one.text = text
    return found.strip()
