"""An old page as a tree: read as browsers read it, what its head says about it, and the markup that its scripts wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from lxml import etree

_DEEPEST = 2000
"""libxml2 stops at this depth and loses what is below it."""
_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes({*range(0x20)} - {*b"\t\n\x0c\r"})
_CLOSING = re.compile(rb"</(?:body|html)\s*>", re.I)
STRING = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", re.S)
_WRITE = re.compile(r"document\.write(?:ln)?\s*\(\s*('(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")\s*\)", re.S)


def parse(text: str) -> etree._Element | None:
    """The page's tree, comments kept; None where there is nothing that a browser would show."""
    # What stands behind </body> and </html> belongs to the body, as browsers read it.
    clean = _without_closing(_encoded(text))
    try:
        root = etree.fromstring(clean, _PARSER)
    except etree.XMLSyntaxError:
        return None
    if root is None:
        return None
    last = root
    depth = 0
    while len(last):
        last = last[-1]
        depth += 1
    return _as_plain_text(clean.decode()) if depth >= _DEEPEST else root


def _without_closing(data: bytes) -> bytes:
    """Without `</body>` and `</html>`, which stand near the end of most pages: what is before them is not searched."""
    small = data.lower()
    first = min((at for mark in (b"</body", b"</html") if (at := small.find(mark)) >= 0), default=len(data))
    return data[:first] + _CLOSING.sub(b"", data[first:])


def _encoded(text: str) -> bytes:
    """In UTF-8, without NUL; what no tree can hold becomes U+FFFD."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        data = b""
    if (
        data
        and len(data.translate(None, _CONTROL_BYTES)) == len(data)
        and b"\xef\xbf\xbe" not in data
        and b"\xef\xbf\xbf" not in data
    ):
        return data  # nine pages of ten: looking at each character would take ten times as long
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\x00", "")).encode()


def _as_plain_text(markup: str) -> etree._Element:
    """A page nested deeper than the parser follows: its words, without its form."""
    root = etree.Element("html")
    pre = etree.SubElement(etree.SubElement(root, "body"), "pre")
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", " ", markup)
    pre.text = re.sub(r"[ \t]{2,}", " ", text)
    return root


def title_of(root: etree._Element | None) -> str:
    """The page's title, blanks evened out; empty when it has none."""
    found = next(root.iter("title"), None) if root is not None else None
    return " ".join(words(found).split()) if found is not None else ""


def base_of(root: etree._Element | None, url: str, resolve: Callable[[str, str], str | None]) -> str:
    """The URL that the page's links are relative to."""
    bases = root.iter("base") if root is not None else ()
    href = next((href for base in bases if (href := base.get("href")) is not None), "")
    return (href and resolve(url, href)) or url


def written(script: str) -> str:
    """The markup that a script writes as it loads: its `document.write('…')` outside of any block."""
    found, depth, at = [], 0, 0
    for match in _WRITE.finditer(script):
        between = STRING.sub("", script[at : match.start()])
        depth += between.count("{") - between.count("}")
        at = match.end()
        if depth == 0:
            found.append(_unquoted(match[1]))
    return "".join(found)


def _unquoted(literal: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    text = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), literal[1:-1])
    return re.sub(r"\\(.)", lambda m: plain.get(m[1], m[1]), text, flags=re.S)


def drop(element: etree._Element) -> None:
    """Take an element out; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def take(element: etree._Element, name: str) -> str | None:
    """The attribute's value; the element has it no longer."""
    value = element.get(name)
    if value is not None:
        del element.attrib[name]
    return value


def strike(element: etree._Element, name: str) -> None:
    """Take an attribute away, whatever it is called: `{{x}}`, which templates leave behind, is a name that lxml reads
    and cannot ask for."""
    try:
        del element.attrib[name]
    except (KeyError, ValueError):
        kept = [(one, value) for one, value in attributes_of(element) if one[:1] != "{"]
        element.attrib.clear()
        element.attrib.update(kept)


attributes_of = cast("Callable[[etree._Element], list[tuple[str, str]]]", etree._Element.items)
"""Names and values, in their order."""


def words(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def swap(element: etree._Element, new: etree._Element) -> None:
    new.tail = element.tail
    element.tail = None
    parent = element.getparent()
    if parent is not None:
        parent.replace(element, new)


def fragment(markup: str, tag: str) -> etree._Element:
    """Parsed markup in an element of its own."""
    holder = etree.Element(tag)
    root = parse(f"<html><body>{markup}")
    body = root.find("body") if root is not None else None
    if body is not None:
        holder.text = body.text
        holder.extend(list(body))
    return holder
