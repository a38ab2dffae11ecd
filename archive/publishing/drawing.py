"""Drawings (SVG): which answers are one, and what is left of one that may be opened on its own."""

from __future__ import annotations

from lxml import etree


def is_drawing(mime: str, body: bytes) -> bool:
    return "svg" in mime or body[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<svg", b"<?xml", b"<!DOCTYPE svg"))


def without_scripts(body: bytes) -> bytes:
    """A drawing opened on its own would run its scripts; the untouched bytes are in the WARC."""
    try:
        root = etree.fromstring(
            body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
        )
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    for element in list(root.iter()):
        local = etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""
        if not local or local in {"script", "foreignobject", "animate", "set", "iframe", "handler", "use"}:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
            continue
        for name, value in element.items():
            plain = name.rpartition("}")[2].lower()
            if plain.startswith("on") or (plain in {"href", "src"} and not value.startswith(("#", "data:image/"))):
                del element.attrib[name]
    return etree.tostring(root, encoding="utf-8")
