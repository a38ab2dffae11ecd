"""A whole body rendered without Python-Markdown, when it uses only constructs whose result is known; else why not.

| Construct            | Direct when                                                                                |
|----------------------|--------------------------------------------------------------------------------------------|
| paragraph            | any number of lines, none of which another construct may claim                             |
| heading              | `#` to `######` at the start of a block, no other `#` in the line                           |
| list                 | flat, tight or loose, `-` `*` `+` or numbers, lines may go on below their item             |
| table                | two or more columns, one or more rows                                                      |
| quote                | every line has its `>`; inside: all of this table but comments and quotes                  |
| rule                 | a block of one line                                                                        |
| comment              | a block of one line                                                                        |
| `*a*`, `**a**`       | not within each other                                                                      |
| link, image          | relative, `#…`, `/…`, `mailto:`, or http(s) to a plain host name (links); `"title"`        |
| line break           | two spaces, the next line not indented                                                     |

What makes it safe. There is no third way: a document is rendered here from its first to its last character, or by
Python-Markdown. Everything is refused that is not in the table (by `STOPS`, `GUARDS`, `_STARTS` and each function's own
shape); versions, processors and settings must be those it was compared with; slugs, ids, list items and links are found
by Python-Markdown's and MkDocs' own functions; tests/test_direct.py compares both ways on real and on random texts, and
takes each guard away to see that the comparison notices.

nh3 is not called: the HTML written here is already in its normal form (`"` stays, `&` `<` `>` and no-break spaces are
entities, comments are gone), and holds nothing it would remove.
"""

from __future__ import annotations

import functools
import html
import posixpath
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from markdown import Markdown
from markdown.blockprocessors import BlockQuoteProcessor, HRProcessor, OListProcessor
from markdown.extensions.attr_list import AttrListExtension
from markdown.extensions.fenced_code import FencedCodeExtension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.sane_lists import SaneListExtension, SaneOListProcessor, SaneUListProcessor
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension, slugify, strip_tags
from markdown.inlinepatterns import LinkInlineProcessor
from markdown.util import Registry
from mkdocs.utils import get_relative_url

from sitegen.render import shape
from sitegen.render.body import Body, Heading
from sitegen.render.extension import REGION, GovernmentExtension, anchor, known_hosts, reserved, unique_id
from sitegen.versions import installed

COMPARED_WITH = {"Markdown": "3.11.3", "mkdocs": "1.6.1", "nh3": "0.3.8"}

STOPS: list[tuple[str, str]] = [
    ("control", "\0"),
    ("control", "\2"),
    ("control", "\3"),
    ("control", "\t"),
    ("control", "\r"),
    ("control", "\ufeff"),
    ("escape", "\\"),
    ("code", "`"),
    ("attributes", "{"),
]
"""(reason, string): a document that holds the string is refused."""

GUARDS: dict[str, re.Pattern[str]] = {
    "fence": re.compile(r"~~~"),
    "entity": re.compile(r"&(?:#|[0-9a-z]+;)", re.IGNORECASE),  # as Python-Markdown: to it even ſ and İ are letters
    # a line, not the first of its block, that could be a heading, a quote, a rule, a setext line or a table's rule
    "structure": re.compile(r"\n(?:#| *>|[ =\-_*|:]+(?:\n|\Z))"),
    # what would be a block of its own within a list item, and the empty item
    "item": re.compile(r"\A(?:[ \n#>]|[*+-] |\d+\. |[ \-_*]+(?:\n|\Z)|\s*\Z)"),
    "quote": re.compile(r"\n(?!>)|(?:\A|\n)>\s*\Z"),
    # 贯彻<国务院决定> is text; a letter, or an @ in reach, could make a tag or an address of it
    "html": re.compile(r"<(?:[A-Za-z/!?]|[^<>]*@)"),
    "reference": re.compile(r"\]:"),
    "toc": re.compile(r"\[TOC\]"),
    "link": re.compile(r"\]\("),
    "emphasis": re.compile(r"\*"),
    "underscore": re.compile(r"(?<!\w)_|_(?!\w)"),
    "line-break": re.compile(r"  \n\s"),
}
"""reason → what is refused where the function that names it looks."""

_SPACES_ONLY = re.compile(r"(?<=\n) +\n")
_TABLE_RULE = re.compile(r"[^\n]*\n[ |:\-]+(?:\n|\Z)")
_HEADING = re.compile(r"(#{1,6})([^#\n]+)(?:\n(.+))?", re.DOTALL)
_COMMENT = re.compile(r"(?:\A|(?<=\n\n))<!--[^<>\n-]*-->(?=\n\n|\Z)")
_EXTERNAL = (
    r"https?://(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}(?::[0-9]{1,4})?(?:[/?#][\w./%~@,+=&?#:-]*)?"
    r"|mailto:[\w.-]+@[\w.-]+"
)
_RELATIVE = r"(?!//)[\w./%~@,+=&?#-]+"
_LINK = re.compile(rf"""\[([^\[\]]*)\]\((?:({_RELATIVE})|({_EXTERNAL}))(?: +"([^"'()\[\]&<>]*)")?\)""")
_EMPHASIS = re.compile(r"\*(?<!\*\*)(\*?)(?![\s*])([^*]+)(?<!\s)\*\1(?!\*)")  # like _LINK: a literal first is fast
_ONE_RUN = re.compile(r"[^*]*+\*++[^*]*+")  # a name half hidden, 吴**: nothing closes it
_SPACE = LinkInlineProcessor.RE_TITLE_CLEAN
_SIGNS = ("*", "[", "_")
_RARE = ("<", ">", "&", "\xa0")  # a text without these and those, and without a line break, is its own HTML
_STASH = "\2"  # stands for a link while emphasis is found; like Python-Markdown's own, neither a word nor a space
_IMAGE = "\3"  # the same while the `!` before it still stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Python-Markdown is needed; `reason` is a kebab-case word for counting."""

    reason: str


class _UnsureError(Exception):
    """Leaves a rendering from any depth; its text is the reason."""


class Direct:
    """`url_of(path)` is the address of a file under content/, as MkDocs writes it."""

    def __init__(self, md: Markdown, url_of: Callable[[str], str]) -> None:
        self.url_of = url_of
        self.refused = _unlike(md)
        self.known_hosts = known_hosts(md)
        self.numbers = SaneOListProcessor(md.parser)
        self.bullets = SaneUListProcessor(md.parser)
        self.quotes = BlockQuoteProcessor(md.parser)

    def render(self, source: str, text: str, exists: Callable[[str], bool]) -> Body | Unsure:
        """`text`: the Markdown of `source` without front matter; `exists` is asked what Python-Markdown would ask."""
        if self.refused:
            return Unsure(reason=self.refused)
        try:
            return _Rendering(self, source, exists).body(text)
        except _UnsureError as error:
            return Unsure(reason=str(error))


class _Flow:
    """The blocks within one parent. A list or a quote stays open: the next block may continue it."""

    def __init__(self, text: str, starts: Mapping[str, _Start]) -> None:
        self.blocks = text.split("\n\n")[::-1]
        """Still to do, the next one last."""
        self.starts = starts
        self.out: list[str] = []
        self._close: Callable[[], str] | None = None
        self._kind = ""
        self._parts: list[Any] = []

    def put(self, element: str) -> None:
        if self._close:
            self.close()
        self.out.append(element)

    def extend(self, kind: str, part: Any, close: Callable[[list[Any]], str]) -> None:
        """Adds to the open list or quote of this kind, or opens it; `close` makes its HTML of all parts."""
        if self._kind != kind:
            self.close()
            self._kind, self._parts = kind, []
            parts = self._parts
            self._close = lambda: close(parts)
        self._parts.append(part)

    def close(self) -> None:
        if self._close:
            self.out.append(self._close())
        self._close, self._kind = None, ""


class _Rendering:
    """One document. Nothing outside it changes, so that it can be given up anywhere."""

    def __init__(self, direct: Direct, source: str, exists: Callable[[str], bool]) -> None:
        self._direct = direct
        self._source = source
        self._folder = source[: source.rfind("/") + 1]
        self._exists = exists
        self._headings: list[Heading] = []
        self._ids: set[str] = set()
        self._counters: dict[str, int] = {}
        self._old_ids: set[str] = set()
        self._old_counters: dict[str, int] = {}
        self._aliases: set[str] = set()
        self._reads: dict[str, bool] = {}
        self._anchor_links: list[tuple[str, str]] = []
        self._own_anchors: set[str] = set()
        self._rare = False
        self._signs: list[str] = []

    def body(self, text: str) -> Body:
        for reason, stop in STOPS:
            if stop in text:
                raise _UnsureError(reason)
        if "~" in text:
            _refuse("fence", text)
        if "&" in text:
            _refuse("entity", text)
        rare = [sign for sign in _RARE if sign in text]
        if " \n" in text or text.endswith(" "):
            text = _SPACES_ONLY.sub("\n", text + "\n\n")
            rare.append("  \n")
        text = text.strip("\n")
        if "<" in text:
            _refuse("html", _COMMENT.sub("", text))  # wherever it is: even a cell too many, which no reader sees
        self._rare, self._signs = bool(rare), [sign for sign in _SIGNS if sign in text] + rare
        content = self._blocks(text, _STARTS)
        if not self._aliases.isdisjoint(self._ids):
            raise _UnsureError("alias")
        own = [(self._source, name) for name in self._own_anchors]
        html = shape.shaped(content, self._direct.known_hosts)
        return Body(
            html=html,
            headings=tuple(self._headings),
            reads=dict(sorted(self._reads.items())),
            anchors=tuple(sorted({*self._ids, *self._aliases, *shape.article_anchors(html)})),
            anchor_links=tuple(sorted([*self._anchor_links, *own])),
        )

    # blocks

    def _blocks(self, text: str, starts: Mapping[str, _Start]) -> str:
        flow = _Flow(text, starts)
        while flow.blocks:
            if block := flow.blocks.pop().lstrip("\n"):
                self._block(flow, block)
        flow.close()
        return "\n".join(flow.out)

    def _block(self, flow: _Flow, block: str) -> None:
        first = block[0]
        if first != " " and "\n" in block and _TABLE_RULE.match(block):
            self._table(flow, block)
        elif start := flow.starts.get(first):
            start(self, flow, block)
        elif first.isdecimal() and self._direct.numbers.RE.match(block):
            self._list(flow, block, self._direct.numbers)
        else:
            self._paragraph(flow, block)

    def _paragraph(self, flow: _Flow, block: str) -> None:
        if "\n" in block:
            _refuse("structure", block)
        if text := block.lstrip():
            flow.put(f"<p>{self._inline(text)}</p>")

    def _comment(self, flow: _Flow, block: str) -> None:
        if _COMMENT.fullmatch(block):
            flow.put("\n")  # what Python-Markdown and nh3 leave of it
        else:
            self._paragraph(flow, block)

    def _indented(self, flow: _Flow, block: str) -> None:
        raise _UnsureError("indented")

    def _within_quote(self, flow: _Flow, block: str) -> None:
        raise _UnsureError("within-quote")

    def _rule_or_list(self, flow: _Flow, block: str) -> None:
        """What begins with a sign of a rule, a list or emphasis."""
        if HRProcessor.SEARCH_RE.fullmatch(block):
            flow.put("<hr>")
        elif self._direct.bullets.RE.match(block):
            self._list(flow, block, self._direct.bullets)
        else:
            _refuse("structure", "\n" + block)
            self._paragraph(flow, block)

    def _heading(self, flow: _Flow, block: str) -> None:
        match = _HEADING.fullmatch(block)
        title = match[2].strip() if match else ""
        if not match or not title:
            raise _UnsureError("heading")
        flow.close()  # the headings of a quote that stands before come first
        content, level = self._inline(title), len(match[1])
        name = strip_tags(content) if "<" in content else " ".join(content.split())
        plain = html.unescape(name) if "&" in name else name
        ours, theirs = _slugs(plain)
        identifier = unique_id(ours, self._ids, self._counters)
        old = unique_id(theirs, self._old_ids, self._old_counters)
        alias = ""
        if old != identifier and not reserved(old):
            self._aliases.add(old)
            alias = f'<span id="{old}"></span>'
        attribute = "" if reserved(identifier) else f' id="{identifier}"'
        tag = "h2" if level == 1 else f"h{level}"
        self._headings.append(Heading(title=name, anchor=identifier, level=level))
        flow.put(f"<{tag}{attribute}>{alias}{content}</{tag}>")
        if match[3]:
            flow.blocks.append(match[3])

    def _list(self, flow: _Flow, block: str, processor: OListProcessor) -> None:
        _refuse("structure", block)
        items = []
        for item in processor.get_items(block):
            _refuse("item", item)
            items.append(self._inline(item.lstrip()))
        start = processor.STARTSWITH if processor.TAG == "ol" else "1"
        head = f'<ol start="{start}">' if start != "1" else f"<{processor.TAG}>"
        flow.extend(processor.TAG, (head, items), _list_html)

    def _quote(self, flow: _Flow, block: str) -> None:
        _refuse("quote", block)
        text = "\n".join(map(self._direct.quotes.clean, block.split("\n")))
        flow.extend("quote", text, self._quote_html)

    def _quote_html(self, texts: list[str]) -> str:
        return "<blockquote>\n" + self._blocks("\n\n".join(texts), _STARTS_WITHIN_QUOTE) + "\n</blockquote>"

    def _table(self, flow: _Flow, block: str) -> None:
        rows = [row.strip(" ") for row in block.split("\n")]
        border = rows[0].startswith("|") or rows[0].endswith("|")
        if border:
            rows = [row.removeprefix("|").removesuffix("|") for row in rows]
        header, rule, *body = [[cell.strip(" ") for cell in row.split("|")] for row in rows]
        if len(header) < 2 or len(rule) != len(header) or not body:
            raise _UnsureError("table")
        classes = [_alignment(cell) for cell in rule]
        inline = self._inline if any(sign in block for sign in self._signs) else str
        lines = ["<table>", "<thead>", *_row("th", header, classes, inline), "</thead>", "<tbody>"]
        for cells in body:
            lines += _row("td", cells, classes, inline)
        table = "\n".join([*lines, "</tbody>", "</table>"])
        flow.put(f"{_REGION}{table}\n</div>" if len(header) > 3 else table)

    # within a block

    def _inline(self, text: str) -> str:
        for sign in self._signs:
            if sign in text:
                return self._signed_text(text)
        return text

    def _signed_text(self, text: str) -> str:
        if "[" not in text:
            return self._phrases(text)
        _refuse("reference", text)
        _refuse("toc", text)
        links: list[str] = []
        text = _LINK.sub(lambda match: self._link(match, links), text).replace("!" + _IMAGE, _STASH)
        _refuse("link", text)
        result, *rest = self._phrases(text).split(_STASH)
        for link, after in zip(links, rest, strict=True):
            result += link + after
        return result

    def _phrases(self, text: str) -> str:
        """Emphasis, line breaks and entities of a text whose links are put away."""
        if "_" in text:
            _refuse("underscore", text)
        if self._rare:
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if "*" in text:
            text = _emphasis(text)
        if self._rare:
            _refuse("line-break", text)
            text = text.replace("  \n", "<br>\n").replace("\xa0", "&nbsp;")
        return text

    def _link(self, match: re.Match[str], links: list[str]) -> str:
        text, relative, external, title = match.groups()
        image = match.string[match.start() - 1 : match.start()] == "!"
        if external and image:
            raise _UnsureError("external-image")
        address = _attribute(external or self._address(relative))
        shown = "" if title is None else f' title="{_attribute(_SPACE.sub(" ", title.strip()))}"'
        if image:
            links.append(f'<img alt="{_attribute(text)}" src="{address}"{shown}>')
            return _IMAGE
        rel = ' rel="external noopener"' if external and not external.startswith("mailto:") else ""
        links.append(f'<a href="{address}"{rel}{shown}>{self._phrases(text)}</a>')
        return _STASH

    def _address(self, target: str) -> str:
        """As MkDocs' relative-path step does it: an existing file's address, anything else as it stands."""
        path, query, fragment = target, "", ""
        if "?" in target or "#" in target:
            _, _, path, query, fragment = urlsplit(target)
        if target.startswith("/"):
            return target
        if not path:
            if fragment:
                self._own_anchors.add(fragment)
            return target
        file = posixpath.normpath(posixpath.join(self._folder, unquote(path)).lstrip("/"))
        found = self._reads[file] = self._exists(file)
        if not found:
            return target
        if fragment:
            self._anchor_links.append((file, fragment))
        address = get_relative_url(self._direct.url_of(file), self._direct.url_of(self._folder + "_.md"))
        return urlunsplit(("", "", address, query, fragment)) if query or fragment else address


_Start = Callable[[_Rendering, _Flow, str], None]
_STARTS: dict[str, _Start] = {
    " ": _Rendering._indented,
    "<": _Rendering._comment,
    ">": _Rendering._quote,
    "#": _Rendering._heading,
    "-": _Rendering._rule_or_list,
    "*": _Rendering._rule_or_list,
    "_": _Rendering._rule_or_list,
    "+": _Rendering._rule_or_list,
}
"""A block's first character → what it may be; any other begins a table, a numbered list or a paragraph."""
_STARTS_WITHIN_QUOTE = {**_STARTS, "<": _Rendering._paragraph, ">": _Rendering._within_quote}


def _refuse(reason: str, text: str) -> None:
    if GUARDS[reason].search(text):
        raise _UnsureError(reason)


@functools.lru_cache(maxsize=4096)
def _slugs(title: str) -> tuple[str, str]:
    """Our anchor and Python-Markdown's; remembered, because 总体要求 stands in thousands of articles."""
    return anchor(title, "-"), slugify(title, "-")


def _emphasis(text: str) -> str:
    found = _EMPHASIS.sub(_phrase, text)
    if "*" in found and not _ONE_RUN.fullmatch(text):
        _refuse("emphasis", found)
    return found


def _phrase(match: re.Match[str]) -> str:
    return f"<strong>{match[2]}</strong>" if match[1] else f"<em>{match[2]}</em>"


def _attribute(value: str) -> str:
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace('"', "&quot;").replace("\xa0", "&nbsp;")


def _list_html(parts: list[tuple[str, list[str]]]) -> str:
    """A blank line before or after an item makes a paragraph of it (and of no other item of its block)."""
    lines = [parts[0][0]]
    for number, (_, items) in enumerate(parts):
        for place, item in enumerate(items):
            loose = (number > 0 and place == 0) or (number < len(parts) - 1 and place == len(items) - 1)
            lines.append(f"<li>\n<p>{item}</p>\n</li>" if loose else f"<li>{item}</li>")
    return "\n".join([*lines, f"</{parts[0][0][1:3]}>"])


def _row(tag: str, cells: list[str], classes: list[str], inline: Callable[[str], str]) -> list[str]:
    cells += [""] * (len(classes) - len(cells))
    inner = [f"<{tag}{name}>{inline(cell)}</{tag}>" for cell, name in zip(cells, classes, strict=False)]
    return ["<tr>", *inner, "</tr>"]


def _alignment(rule: str) -> str:
    left, right = rule.startswith(":"), rule.endswith(":")
    name = "center" if left and right else "left" if left else "right" if right else ""
    return f' class="ta-{name}"' if name else ""


_REGION = "<div" + "".join(f' {name}="{value}"' for name, value in sorted(REGION.items())) + ">"


# Is this the Python-Markdown that was compared?


def _unlike(md: Markdown) -> str:
    """Why nothing may be rendered directly: empty when versions, processors and settings are the known ones."""
    if any(installed(name) != known for name, known in COMPARED_WITH.items()):
        return "unknown-version"
    reference = Markdown(
        extensions=[
            TocExtension(permalink=False),
            TableExtension(),
            FencedCodeExtension(),  # MkDocs adds it unasked
            SaneListExtension(),
            FootnoteExtension(),
            AttrListExtension(),
            GovernmentExtension(no_prompt=list(known_hosts(md))),
        ]
    )
    return "" if _described(md, set()) == _described(reference, set()) else "unknown-processors"


def _described(value: Any, seen: set[int]) -> Any:
    """Everything a Markdown object holds, processors in their order, as plain values that can be compared."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, re.Pattern):
        return (value.pattern, value.flags)
    if id(value) in seen:
        return type(value)
    seen.add(id(value))
    if isinstance(value, dict):
        return [(name, _described(held, seen)) for name, held in value.items()]
    if isinstance(value, (list, tuple, Registry, deque)):
        return [_described(held, seen) for held in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, (FunctionType, type)):
        return value
    if isinstance(value, MethodType):
        return value.__func__
    return (type(value), _described(vars(value), seen) if hasattr(value, "__dict__") else None)
