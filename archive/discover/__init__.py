"""Links in what was fetched: HTML, CSS, scripts, JSON, feeds, site maps, robots.txt, PDF."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import chain

from archive import canon, charset, message
from archive.charset import Headers
from archive.discover import markup
from archive.discover.feed import in_xml
from archive.discover.links import Kind, Raw
from archive.discover.pdf import in_pdf
from archive.discover.script import in_json, in_script
from archive.discover.style import in_style

__all__ = ["Form", "Found", "Kind", "Link", "discover"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`url` is absolute, without fragment; `source` says where it stood: `a@href`, `css`, `paging` …"""

    url: str
    kind: Kind
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that posts, which is never submitted: absolute `action`, the `charset` it sends, its fields' names in order."""

    action: str
    charset: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a body says: its links in order of appearance, each once, its title and its charset; `text` of an HTML
    page is what it shows (UTF-8, blanks as they stand).

    `scripts` is equal for pages whose scripts are the same but for numbers and texts, empty where there are none;
    `suspicious` says why a script may know more links than stand there: xhr, scroll, routes, script-links, empty.
    """

    links: tuple[Link, ...] = ()
    title: str = ""
    charset: str = ""
    text: bytes = b""
    scripts: str = ""
    suspicious: str = ""
    forms: tuple[Form, ...] = ()


_HTML = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml", "image/svg+xml")
_ROBOTS = re.compile(r"(?im)^\s*sitemap\s*:\s*(\S+)")
_LOOKS_LIKE_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|script|title|meta|table|div|a|ul|li|p)\b", re.I | re.S
)
_LOOKS_LIKE_JSON = re.compile(rb"\s*(?:[\w$.]{1,60}\s*\(\s*)?[\[{]\s*[\[{\"'\]}]")
_LINK_HEADER = re.compile(r"<([^<>]{1,4096})>")
_UNPACKED_AT_MOST = 64 << 20
_LITTLE_TEXT = 100
_LONGEST_URL = 4096


def discover(url: str, headers: Headers, body: bytes) -> Found:
    """Links of a decoded body (no transfer or content coding), whatever its type is."""
    media = message.media_type(tuple(headers))
    path = url.partition("?")[0].lower()
    if body[:2] == b"\x1f\x8b" and path.endswith((".xml.gz", ".txt.gz")):
        body = _gunzip(body)
        media = "text/xml" if path.endswith(".xml.gz") else "text/plain"
    if body[:5] == b"%PDF-":
        return _found(url, "utf-8", "", chain(_in_headers(headers), in_pdf(body)))
    unsaid = media in ("", "text/plain", "application/octet-stream")
    if "json" in media or ((unsaid or media in _HTML) and _LOOKS_LIKE_JSON.match(body)):
        return _of_text(url, headers, body, lambda text: in_json(text, lambda inner: markup.in_text(inner, "json")))
    if media in _HTML or (unsaid and _LOOKS_LIKE_HTML.match(body)):
        return _of_html(url, headers, body)
    if media == "text/css" or (not media and path.endswith(".css")):
        return _of_text(url, headers, body, lambda text: in_style(text, "css"))
    if "script" in media or (unsaid and path.endswith((".js", ".mjs"))):
        write = "document.write"
        return _of_text(url, headers, body, lambda text: in_script(text, lambda inner: markup.in_text(inner, write)))
    if media.endswith(("/xml", "+xml")) or media == "text/x-component":
        return _of_text(url, headers, body, in_xml, query="utf-8")
    if path.endswith("/robots.txt"):
        return _of_text(url, headers, body, lambda text: ((m[1], "page", "robots") for m in _ROBOTS.finditer(text)))
    if media == "text/plain" and "sitemap" in path:
        return _of_text(url, headers, body, lambda text: ((line, "page", "sitemap") for line in text.split()))
    return _found(url, "", "", _in_headers(headers))


def _found(url: str, code: str, title: str, raw: Iterable[Raw], *, query: str = "", base: str = "") -> Found:
    """Resolve each link once; a URL that is both page and requisite counts as a page."""
    links: dict[str, Link] = {}
    base = base or url
    for text, kind, source in raw:
        absolute = canon.resolve(base, text, query or code)
        if absolute is None or len(absolute) > _LONGEST_URL:
            continue
        known = links.get(absolute)
        if known is None or (kind == "page" and known.kind == "requisite"):
            links[absolute] = Link(url=absolute, kind=kind, source=known.source if known else source)
    return Found(links=tuple(links.values()), title=title, charset=code)


def _of_html(url: str, headers: Headers, body: bytes) -> Found:
    text, code = charset.decode(body, headers)
    root = markup.parse(text)
    said = markup.base(root)
    base = url if said is None else canon.resolve(url, said, code) or url
    raw = chain(_in_headers(headers), markup.in_tree(root, url))
    found = _found(url, code, markup.title(root), raw, base=base)
    scripts, suspicious = markup.behaviour(root)
    forms = tuple(
        Form(action=action, charset=said or code, fields=fields)
        for target, said, fields in markup.posting_forms(root)
        if (action := canon.resolve(base, target, code)) is not None and len(action) <= _LONGEST_URL
    )
    shown = markup.text(root)
    if scripts and not suspicious and len(b"".join(shown.split())) < _LITTLE_TEXT + len(found.title.encode()):
        suspicious = "empty"
    return replace(found, text=shown, scripts=scripts, suspicious=suspicious, forms=forms)


def _of_text(
    url: str, headers: Headers, body: bytes, read: Callable[[str], Iterable[Raw]], *, query: str = ""
) -> Found:
    text, code = charset.decode(body, headers)
    return _found(url, code, "", chain(_in_headers(headers), read(text)), query=query)


def _in_headers(headers: Headers) -> Iterator[Raw]:
    """`Refresh` and `Link` (RFC 8288)."""
    for name, value in headers:
        if name.lower() == "refresh":
            if target := markup.refresh(value):
                yield target, "page", "refresh"
        elif name.lower() == "link":
            yield from ((found[1], "requisite", "link") for found in _LINK_HEADER.finditer(value))


def _gunzip(body: bytes) -> bytes:
    """As much as can be unpacked within the limit."""
    try:
        with gzip.open(BytesIO(body)) as stream:
            return stream.read(_UNPACKED_AT_MOST)
    except (OSError, EOFError, zlib.error):
        return b""
