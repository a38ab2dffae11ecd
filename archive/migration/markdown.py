"""An old article's body as Markdown: paragraphs, tables, lists, pictures; the layout around them is left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from lxml import etree
from markdownify import ATX, MarkdownConverter

# (link as it stood, whether it is a picture) → where it leads in our own tree; None leaves only the words.
Link = Callable[[str, bool], str | None]

_DROPPED = frozenset(
    {
        "script",
        "style",
        "form",
        "iframe",
        "object",
        "embed",
        "noscript",
        "select",
        "button",
        "input",
        "textarea",
        "map",
        "applet",
        "template",
        "title",
        "meta",
        "link",
    }
)
_SIDE = frozenset({"pn", "prevnext", "share", "bdsharebuttonbox", "info", "pagination", "crumb", "xgwz"})
_INLINE = {"b": "strong", "strong": "strong", "i": "em", "em": "em", "sub": "sub", "sup": "sup"}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = frozenset(
    "div p td th tr tbody thead table center section article ul ol li blockquote dl dt dd pre address fieldset".split()
)
_INDENT = re.compile(r"^[\s\u00a0\u3000]+|[\s\u00a0\u3000]+$")
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")


@dataclass(slots=True)
class _Flow:
    """Blocks of clean HTML in reading order."""

    link: Link
    blocks: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    """Pieces of the paragraph being collected."""
    breaks: int = 0

    def close(self) -> None:
        text = _INDENT.sub("", "".join(self.open))
        self.open.clear()
        self.breaks = 0
        text = re.sub(r"(?:<br/>)+$", "", text)
        if re.sub(r"<(?!img)[^>]*>", "", text).strip("\u00a0\u3000 \n"):
            self.blocks.append(f"<p>{text}</p>")

    def text(self, text: str | None) -> None:
        if not text:
            return
        plain = _BLANKS.sub(" ", text)
        if self.breaks and plain.strip(" "):
            # An indented line after a break is a paragraph of its own, as is one after an empty line.
            if self.breaks > 1 or re.match(r"[\s\u00a0]*(?:\u3000|\u00a0{2,})", text):
                self.close()
            elif self.open:
                self.open.append("<br/>")
            self.breaks = 0
        if plain.strip(" ") or (self.open and not self.breaks):
            self.open.append(escape(plain.lstrip() if not self.open else plain, quote=False))

    def walk(self, element: etree._Element) -> None:
        self.text(element.text)
        for child in element:
            self.child(child)
            self.text(child.tail)

    def child(self, element: etree._Element) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _DROPPED or set((element.get("class") or "").lower().split()) & _SIDE:
            return
        if tag == "br":
            self.breaks += 1
        elif tag == "img":
            self.picture(element)
        elif tag == "a":
            self.anchor(element)
        elif tag in _INLINE:
            self.marked(element, _INLINE[tag])
        elif tag in _HEADINGS:
            self.close()
            if text := _plain(element):
                self.blocks.append(f"<h{max(2, int(tag[1]))}>{escape(text, quote=False)}</h{max(2, int(tag[1]))}>")
        elif tag == "hr":
            self.close()
            self.blocks.append("<hr/>")
        elif tag in {"ul", "ol"} and element.find("li") is not None:
            self.listing(element, tag)
        elif tag == "table" and (rows := _data_rows(element)):
            self.close()
            self.blocks.append(self.table(rows))
        elif tag in _BLOCKS:
            self.close()
            self.walk(element)
            self.close()
        else:
            self.walk(element)

    def inside(self, element: etree._Element) -> str:
        """Inline content of a cell, an item, a link."""
        inner = _Flow(self.link)
        inner.walk(element)
        inner.close()
        return "<br/>".join(re.sub(r"^<p>|</p>$", "", block) for block in inner.blocks if block.startswith("<p>"))

    def marked(self, element: etree._Element, tag: str) -> None:
        words = self.inside(element)
        lead = re.match(r"[\s\u00a0\u3000]*", element.text or "")
        if words:
            self.text((lead[0] if lead else "") + "\u200b")  # the break before it, and nothing else
            if self.open and self.open[-1].endswith("\u200b"):
                self.open[-1] = self.open[-1].removesuffix("\u200b")
            self.open.append(f"<{tag}>{words}</{tag}>")

    def anchor(self, element: etree._Element) -> None:
        words = self.inside(element)
        href = element.get("href")
        found = self.link(href, False) if href else None
        if not words:
            return
        self.text("\u200b")
        if self.open and self.open[-1].endswith("\u200b"):
            self.open[-1] = self.open[-1].removesuffix("\u200b")
        self.open.append(f'<a href="{escape(found)}">{words}</a>' if found else words)

    def picture(self, element: etree._Element) -> None:
        for name in ("data-original", "data-src", "_src", "src"):
            if (value := element.get(name)) and (found := self.link(value, True)):
                alt = " ".join((element.get("alt") or element.get("title") or "").split())
                self.close()
                self.blocks.append(f'<p><img src="{escape(found)}" alt="{escape(alt)}"/></p>')
                return

    def listing(self, element: etree._Element, tag: str) -> None:
        self.close()
        items = "".join(f"<li>{words}</li>" for item in element.iter("li") if (words := self.inside(item)))
        if items:
            self.blocks.append(f"<{tag}>{items}</{tag}>")

    def table(self, rows: list[list[etree._Element | None]]) -> str:
        def line(row: list[etree._Element | None], tag: str) -> str:
            return (
                "<tr>"
                + "".join(f"<{tag}>{'' if cell is None else self.inside(cell)}</{tag}>" for cell in row)
                + "</tr>"
            )

        return f"<table><thead>{line(rows[0], 'th')}</thead><tbody>{''.join(line(row, 'td') for row in rows[1:])}</tbody></table>"


def _data_rows(table: etree._Element) -> list[list[etree._Element | None]]:
    """Rows of cells, merged ones filled up with empty ones; empty for a table that only lays the page out."""
    if any(inner is not table for inner in table.iter("table")):
        return []
    rows: list[list[etree._Element | None]] = []
    held: dict[tuple[int, int], None] = {}
    for number, row in enumerate(table.iter("tr")):
        cells: list[etree._Element | None] = []
        for cell in row:
            if cell.tag not in {"td", "th"}:
                continue
            while (number, len(cells)) in held:
                cells.append(None)
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            at = len(cells)
            cells += [cell, *([None] * (across - 1))]
            held.update({(number + below, at + beside): None for below in range(1, down) for beside in range(across)})
        rows.append(cells)
    rows = [row for row in rows if row]
    width = max((len(row) for row in rows), default=0)
    if width < 2 or len(rows) < 2:
        return []
    return [row + [None] * (width - len(row)) for row in rows]


def _span(cell: etree._Element, name: str) -> int:
    value = cell.get(name) or "1"
    return min(max(int(value), 1), 50) if value.isascii() and value.isdigit() else 1


def _plain(element: etree._Element) -> str:
    return " ".join("".join(str(part) for part in element.itertext()).split())


class _Writer(MarkdownConverter):
    """Python-Markdown's dialect: only what it unescapes is escaped, `<` and `&` stay entities."""

    def escape(self, text: str, parent_tags: Any) -> str:
        return re.sub(r"([\\*_`\[\]])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")


def convert(body: etree._Element, link: Link) -> str:
    """Markdown, ending in a line feed; the links as `link` gives them."""
    flow = _Flow(link)
    flow.walk(body)
    flow.close()
    writer = _Writer(heading_style=ATX, bullets="-", strong_em_symbol="*", newline_style="backslash", wrap=False)
    blocks = [_safe_start(str(writer.convert(block)).strip("\n"), block) for block in flow.blocks]
    return "\n\n".join(block for block in blocks if block.strip()) + "\n"


def _safe_start(text: str, block: str) -> str:
    """A paragraph stays one: `3. 三` is no list, `# 号` no heading."""
    if not block.startswith("<p>"):
        return text
    lines = [
        re.sub(r"^(\s*)(\d+)([.)])(?=\s)", r"\1\2\\\3", re.sub(r"^(\s*)([#+>\-])", r"\1\\\2", line))
        for line in text.split("\n")
    ]
    return "\n".join(line.replace("\\\n", "  \n") for line in lines).replace("\\\n", "  \n")
