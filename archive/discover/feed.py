"""Links in XML that is no page: site maps, feeds, style sheets of XML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from archive.discover.links import Kind, Raw, kind_of_name
from archive.discover.markup import in_text

_ELEMENT = re.compile(
    r"""<(?:\w{1,20}:)?(\w{1,30})(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[(.*?)\]\]>\s*|([^<]*))</""",
    re.S,
)
_ATTRIBUTE = re.compile(r"""\b(?:href|src|url|xmlUrl|htmlUrl|uri|link)\s*=\s*(?:"([^"<>]+)"|'([^'<>]+)')""", re.I)
_ADDRESSES = frozenset({"loc", "link", "guid", "url", "id", "thumbnail_loc", "content_loc", "player_loc", "image"})
_MAPPED = frozenset({"loc", "thumbnail_loc", "content_loc", "player_loc"})


def in_xml(text: str) -> Iterator[Raw]:
    """`loc` of site maps, `link` and `enclosure` of feeds, addresses in any attribute, HTML in descriptions."""
    for found in _ELEMENT.finditer(text):
        name, cdata, plain = found.groups()
        value = (cdata if cdata is not None else html.unescape(plain)).strip()
        if name in _ADDRESSES:
            if name in _MAPPED or value.startswith(("http", "/")) or (name == "link" and kind_of_name(value)):
                yield value, _kind(value), "sitemap" if name in _MAPPED else "feed"
        elif "<" in value:
            yield from in_text(value, "feed")
        elif kind := kind_of_name(value):
            yield value, kind, "xml"
    for found in _ATTRIBUTE.finditer(text):
        value = html.unescape(found[1] or found[2])
        yield value, _kind(value), "feed"


def _kind(value: str) -> Kind:
    return kind_of_name(value) or "page"
