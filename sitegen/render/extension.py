"""Everything that changes a body, as one Markdown extension: `mkdocs build` and `sitegen build` give the same bytes.

What it does: headings get anchors made of their text, and keep the one Python-Markdown would have given (`_1`, `_2`)
as an alias, so that old deep links still land; a body's h1 becomes h2 (the page's title is its h1); table alignment
becomes a class (a strict CSP forbids style attributes); links to other hosts say so; and the result is sanitised,
because Markdown from forty departments is untrusted on a government's origin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableSet
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import nh3
from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.toc import TocTreeprocessor, slugify, unique
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor

from sitegen.render import shape

_TAGS = set(
    "a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure "
    "h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s small span strong sub summary sup "
    "table tbody td tfoot th thead time tr u ul".split()
)
_ATTRIBUTES: Mapping[str, set[str]] = {
    "*": {"id", "lang", "title", "class"},
    "a": {"href", "rel"},
    "img": {"src", "alt", "width", "height", "loading"},
    "ol": {"start", "type"},
    "li": {"value"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "col": {"span"},
    "details": {"open"},
    "blockquote": {"cite"},
    "div": {"role", "tabindex", "aria-label"},
}
_CLASSES = frozenset("wide ta-left ta-center ta-right gw nb footnote footnote-ref footnote-backref".split())
_RESERVED_IDS = frozenset({"main", "top", "contents"})
REGION: Mapping[str, str] = {"aria-label": "表格，可左右滑动", "class": "wide", "role": "region", "tabindex": "0"}
"""Around a table of more than three columns."""
_HEADING = re.compile(r"h[1-6]")
_RAW_ID = re.compile(r"""\bid\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


def anchor(text: str, separator: str) -> str:
    """A heading's anchor is its text: 第一章　总则 → 第一章-总则, so that a deep link outlives an inserted heading."""
    return re.sub(r"[^\w]+", separator, text.strip(), flags=re.UNICODE).strip(separator).lower() or "section"


def reserved(identifier: str) -> bool:
    """The theme's own ids: a body must not answer for them."""
    return identifier in _RESERVED_IDS or identifier.startswith("gov-")


def unique_id(identifier: str, ids: MutableSet[str], counters: dict[str, int]) -> str:
    """`identifier`, or with the first free `_1`, `_2` …; adds it to `ids`. `counters` begins empty with each document."""
    return unique(identifier, ids, counters)  # type: ignore[call-arg]  # the stubs are a version behind


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        kept = [name for name in value.split() if name in _CLASSES]
        return " ".join(kept) or None
    if tag == "div" and attribute in {"role", "tabindex"}:
        return value if (attribute, value) in {("role", "region"), ("tabindex", "0")} else None
    if tag == "img" and attribute == "src" and urlsplit(value.replace("\\", "/")).netloc:
        return None  # pages load nothing from other hosts
    if attribute == "id":
        return None if reserved(value) else value
    return value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "textarea", "title"},
    attributes=dict(_ATTRIBUTES),
    attribute_filter=_allowed,
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel"},
)


class _Sanitise(Postprocessor):
    def __init__(self, md: Markdown, known: tuple[str, ...]) -> None:
        super().__init__(md)
        self.known = known

    def run(self, text: str) -> str:
        return shape.shaped(_CLEANER.clean(text), self.known)


def known_hosts(md: Markdown) -> tuple[str, ...]:
    """The hosts that this Markdown's extension was told of: a link there asks nobody whether to leave."""
    return next((last.known for last in md.postprocessors if isinstance(last, _Sanitise)), ())


class _Anchors(Treeprocessor):
    """Runs the toc extension with our anchors, then puts each heading's old anchor into it as an empty span."""

    def __init__(self, md: Markdown, toc: TocTreeprocessor) -> None:
        super().__init__(md)
        self._toc = toc
        self._titles: list[str] = []
        toc.slugify = self._slugify

    def _slugify(self, text: str, separator: str) -> str:
        self._titles.append(text)  # toc asks once for every heading without an id, in the document's order
        return anchor(text, separator)

    def run(self, root: Element) -> None:
        old_ids = _ids(root)
        unnamed = [element for element in root.iter() if _HEADING.fullmatch(element.tag) and "id" not in element.attrib]
        self._titles.clear()
        self._toc.run(root)
        taken = _ids(root) | set(_RAW_ID.findall("".join(map(str, self.md.htmlStash.rawHtmlBlocks))))
        counters: dict[str, int] = {}
        for heading, title in zip(unnamed, self._titles, strict=True):
            old = unique_id(slugify(title, self._toc.sep), old_ids, counters)
            if old not in taken and not reserved(old):
                span = Element("span", {"id": old})
                span.tail, heading.text = heading.text, None
                heading.insert(0, span)


def _ids(root: Element) -> set[str]:
    return {element.attrib["id"] for element in root.iter() if "id" in element.attrib}


class _Shape(Treeprocessor):
    def run(self, root: Element) -> None:
        for element in list(root.iter()):
            if element.tag in {"td", "th"} and (style := element.attrib.pop("style", None)):
                element.set("class", "ta-" + style.removeprefix("text-align:").strip(" ;"))
            elif element.tag == "table" and _columns(element) > 3:
                _make_region(element)
            elif element.tag == "h1":
                element.tag = "h2"
            elif element.tag == "a" and urlsplit(element.get("href") or "").netloc:
                element.set("rel", "external noopener")


def _columns(table: Element) -> int:
    row = table.find(".//tr")
    return 0 if row is None else len(row)


def _make_region(table: Element) -> None:
    """A wide table slides in a region of its own, reachable by keyboard; the page itself never slides sideways."""
    inner = Element("table", dict(table.attrib))
    inner.extend(list(table))
    inner.text, inner.tail, tail = table.text, "\n", table.tail
    table.clear()
    table.tail = tail
    table.tag = "div"
    table.attrib.update(REGION)
    table.append(inner)


class GovernmentExtension(Extension):
    """`no_prompt` (list of hosts, in mkdocs.yml): their links lead straight there, as those to government hosts do."""

    def __init__(self, **settings: Any) -> None:
        self.config = {"no_prompt": [[], "Hosts, and all below them, that need no prompt"]}
        super().__init__(**settings)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Python-Markdown's name)
        if "toc" in md.treeprocessors:
            toc = md.treeprocessors["toc"]
            if isinstance(toc, TocTreeprocessor):
                md.treeprocessors.register(_Anchors(md, toc), "toc", 5)
        md.treeprocessors.register(_Shape(md), "gov-shape", 1)  # after inline (20) and toc (5), before relpath (0)
        md.postprocessors.register(
            _Sanitise(md, tuple(self.getConfig("no_prompt"))), "gov-sanitise", -10
        )  # the last word


def makeExtension(**settings: Any) -> GovernmentExtension:  # noqa: N802 (Python-Markdown's name)
    return GovernmentExtension(**settings)
