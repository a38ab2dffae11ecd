"""Links in what was fetched: HTML, CSS, scripts, sitemaps, robots.txt."""

from __future__ import annotations

import gzip
import html
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from lxml import etree

from archive import canon, charset, message
from archive.charset import Headers

Kind = Literal["page", "requisite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`url` is absolute, without fragment; `source` says where it stood: `a@href`, `css`, `trs-paging` …"""

    url: str
    kind: Kind
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a body says: its links in order of appearance, each once, its title and its charset; `text` of an HTML
    page is what it shows (UTF-8, blanks as they stand)."""

    links: tuple[Link, ...] = ()
    title: str = ""
    charset: str = ""
    text: bytes = b""


Raw = tuple[str, Kind, str]

_HTML = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_PAGE: dict[str, tuple[str, ...]] = {
    "a": ("href", "ping"), "area": ("href",), "frame": ("src", "longdesc"), "iframe": ("src", "longdesc"),
    "form": ("action",), "option": ("value",), "blockquote": ("cite",), "q": ("cite",), "ins": ("cite",),
    "del": ("cite",), "button": ("formaction",),
}  # fmt: skip
_REQUISITE: dict[str, tuple[str, ...]] = {
    "img": ("src", "longdesc", "lowsrc", "dynsrc"), "input": ("src",), "script": ("src",), "embed": ("src",),
    "object": ("data", "codebase", "classid"), "applet": ("code", "archive"), "audio": ("src",),
    "video": ("src", "poster"), "source": ("src",), "track": ("src",), "bgsound": ("src",),
    "image": ("href",), "use": ("href",), "feimage": ("href",), "link": ("href",),
}  # fmt: skip
_ANYWHERE = frozenset({
    "background", "data-src", "data-original", "data-url", "data-lazy", "data-lazy-src", "data-bg",
    "data-echo", "data-background", "data-image", "data-original-src", "file", "lay-src", "original", "_src",
})  # fmt: skip
_LINK_PAGES = frozenset({"alternate", "next", "prev", "canonical", "contents", "index", "start", "chapter", "help"})
_META_LINKS = frozenset({"og:image", "og:video", "og:audio", "twitter:image", "msapplication-tileimage", "image"})
_MOVIE = frozenset({"movie", "src", "filename", "url", "data"})

_CSS_URL = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"')\s]+))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')""", re.I)
_CSS_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6}\s?|.)")
_REFRESH = re.compile(r"""^\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?["']?([^"']+)""", re.I)
_TRS = re.compile(
    r"""createPage(?:HTML|html)\w*\(\s*["']?(\d+)["']?\s*,\s*["']?\d+["']?\s*,\s*"""
    r"""["']([^"']+)["']\s*,\s*["'](\w+)["']"""
)
_QUOTED = re.compile(r""""((?:[^"\\\n]|\\.){1,2000})"|'((?:[^'\\\n]|\\.){1,2000})'""")
_CODE_PAGE = re.compile(
    r"""(?:window\.open|location(?:\.href|\.replace|\.assign)?|\.href|\.action|openwin|MM_openBrWindow|showModalDialog"""
    r"""|navigate|gourl|goto|jump)\s*(?:=|\()\s*["']([^"'\n]+)["']""",
    re.I,
)
_PAGE_EXTENSION = (
    r"(?:s?html?|xhtml|aspx?|jspx?|jhtml|php\d?|cfm|do|action|xml|txt|"
    r"pdf|docx?|xlsx?|pptx?|wps|et|ofd|zip|rar|7z)"
)
_FILE_EXTENSION = (
    r"(?:gif|jpe?g|png|bmp|webp|svg|ico|avif|tiff?|css|js|json|swf|flv|"
    r"mp3|mp4|wmv|wma|avi|rm|rmvb|mid|woff2?|ttf|eot)"
)
_PATH_LIKE = re.compile(
    rf"""(?:https?:)?(?://)?[^\s<>"'(){{}}|\\^`,;]*?[^\s<>"'(){{}}|\\^`,;/]\.(?:({_PAGE_EXTENSION})|({_FILE_EXTENSION}))"""
    rf"""(?:\?[^\s<>"'\\]*|;jsessionid=\w+(?:\?[^\s<>"'\\]*)?|\#[^\s<>"'\\]*)?""",
    re.I,
)
_DIRECTORY = re.compile(r"(?:https?://[\w.:-]+|\.{0,2})(?:/[\w.%~-]+)*/(?:\?[^\s<>\"'\\]*)?")
_LOCATION = re.compile(
    r"""<(?:\w{1,20}:)?(loc|link|guid|url)(?:\s[^<>]*)?>([^<]*|\s*<!\[CDATA\[[^\]]*\]\]>\s*)</"""
    r"""|<link\s[^<>]*href=["']([^"'<>]+)""",
    re.I,
)
_LONGEST_LIST = 100_000
_ROBOTS = re.compile(r"(?im)^\s*sitemap\s*:\s*(\S+)")
_MARKUP = re.compile(r"<[a-zA-Z!/]")


def discover(url: str, headers: Headers, body: bytes) -> Found:
    """Links of a decoded body (no transfer or content coding), whatever its type is."""
    media = message.media_type(tuple(headers))
    path = url.partition("?")[0].lower()
    if path.endswith("/robots.txt"):
        text, code = charset.decode(body, headers)
        return _found(url, code, "", ((found[1], "page", "robots") for found in _ROBOTS.finditer(text)))
    if body[:2] == b"\x1f\x8b" and path.endswith(".xml.gz"):
        body = _gunzip(body)
        media = "text/xml"
    if media in _HTML or (media in ("", "text/plain", "application/octet-stream") and _looks_like_html(body)):
        return _of_html(url, headers, body)
    if media == "text/css" or (not media and path.endswith(".css")):
        text, code = charset.decode(body, headers)
        return _found(url, code, "", _in_css(text, "css"), query="utf-8")
    if "javascript" in media or media == "application/json" or (not media and path.endswith(".js")):
        text, code = charset.decode(body, headers)
        return _found(url, code, "", _in_script(text))
    if media.endswith(("/xml", "+xml")) and media != "image/svg+xml":
        text, code = charset.decode(body, headers)
        return _found(url, code, "", _in_xml(text), query="utf-8")
    if media == "image/svg+xml":
        return _of_html(url, headers, body)
    if media == "text/plain" and "sitemap" in path:
        text, code = charset.decode(body, headers)
        return _found(url, code, "", ((line.strip(), "page", "sitemap") for line in text.splitlines() if line.strip()))
    return Found()


def _looks_like_html(body: bytes) -> bool:
    return (
        re.match(
            rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|script|title|meta)\b",
            body,
            re.I | re.S,
        )
        is not None
    )


def _found(url: str, code: str, title: str, raw: Iterable[Raw], *, query: str = "", base: str = "") -> Found:
    """Resolve each link once; a URL that is both page and requisite counts as a page."""
    links: dict[str, Link] = {}
    base = base or url
    for text, kind, source in raw:
        absolute = canon.resolve(base, text, query or code)
        if absolute is None or len(absolute) > 4096:
            continue
        known = links.get(absolute)
        if known is None or (kind == "page" and known.kind == "requisite"):
            links[absolute] = Link(url=absolute, kind=kind, source=known.source if known else source)
    return Found(links=tuple(links.values()), title=title, charset=code)


def _of_html(url: str, headers: Headers, body: bytes) -> Found:
    text, code = charset.decode(body, headers)
    # NUL ends libxml2's document; without an element there would be none.
    data = b"<!doctype html><html>" + text.replace("\0", "\ufffd").encode("utf-8", "replace")
    root = etree.fromstring(data, etree.HTMLParser(encoding="utf-8", huge_tree=True, recover=True))
    base = next((b for e in root.iter("base") if (b := canon.resolve(url, e.get("href", ""), code))), url)
    raw = _in_tree(root)
    found = _found(url, code, _title(root), raw, base=base)
    return replace(found, text=_text(root))


def _text(root: etree._Element) -> bytes:
    """What is shown, scripts and styles left out. Changes the tree."""
    etree.strip_elements(root, "script", "style", with_tail=False)
    return etree.tostring(root, method="text", encoding="utf-8")


def _title(root: etree._Element) -> str:
    element = next(root.iter("title"), None)
    return " ".join("".join(map(str, element.itertext())).split()) if element is not None else ""


def _in_tree(root: etree._Element) -> Iterator[Raw]:
    # Comments may stand before and after the root.
    for element in chain(root.itersiblings(preceding=True), root.iter(), root.itersiblings()):
        if isinstance(element, etree._Comment):
            yield from _in_comment(element.text or "")
        elif isinstance(element.tag, str):
            tag = element.tag
            yield from _in_attributes(tag, element)
            if tag == "script" and element.text:
                yield from _in_script(element.text)
            elif tag == "style" and element.text:
                yield from _in_css(element.text, "style")


def _in_attributes(tag: str, element: etree._Element) -> Iterator[Raw]:
    # Asking for what a form posts to might do what the form does.
    pages = () if tag == "form" and str(element.get("method", "")).lower() == "post" else _PAGE.get(tag, ())
    requisites = _REQUISITE.get(tag, ())
    for attribute, text in element.items():
        # The HTML parser gives names in lower case; `xlink:` is SVG's.
        name, value = str(attribute).removeprefix("xlink:"), str(text)
        if not value:
            continue
        if name in pages:
            if value[:11].lower() == "javascript:":
                yield from _in_code(value[11:], f"{tag}@{name}")
            elif tag != "option" or _PATH_LIKE.fullmatch(value.strip()) or "/" in value:
                yield value, "page", f"{tag}@{name}"
        elif name in requisites:
            yield value, _link_kind(tag, element), f"{tag}@{name}"
        elif name in ("srcset", "data-srcset", "imagesrcset"):
            yield from ((url, "requisite", f"{tag}@srcset") for url in _in_srcset(value))
        elif name in _ANYWHERE:
            yield value, "requisite", f"{tag}@{name}"
        elif name == "style":
            yield from _in_css(value, f"{tag}@style")
        elif name.startswith("on"):
            yield from _in_code(value, f"{tag}@{name}")
        elif name in ("data-href", "data-link", "link") and ("/" in value or _PATH_LIKE.fullmatch(value)):
            yield value, "page", f"{tag}@{name}"
        elif tag == "meta" and name == "content":
            yield from _in_meta(element, value)
        elif tag == "param" and name == "value" and element.get("name", "").lower() in _MOVIE:
            yield value, "requisite", "param@value"


def _in_srcset(value: str) -> Iterator[str]:
    """`a.png 1x,b.png 2x` (HTML §4.8.4.2.1)."""
    rest = value[:_LONGEST_LIST]
    while rest := rest.lstrip(" \t\r\n\f,"):
        url, *after = re.split(r"[ \t\r\n\f]", rest, maxsplit=1)
        rest = after[0] if after else ""
        if not url.endswith(","):
            rest = rest.partition(",")[2]
        yield url.rstrip(",")


def _link_kind(tag: str, element: etree._Element) -> Kind:
    relations = str(element.get("rel", "")).lower().split() if tag == "link" else []
    return "page" if _LINK_PAGES.intersection(relations) and "stylesheet" not in relations else "requisite"


def _in_meta(element: etree._Element, value: str) -> Iterator[Raw]:
    if element.get("http-equiv", "").lower() == "refresh":
        if found := _REFRESH.match(value):
            target = found[1].strip()
            if not re.fullmatch(r"[\d.]*", target):
                yield target, "page", "meta-refresh"
    elif (element.get("property") or element.get("name") or element.get("itemprop") or "").lower() in _META_LINKS:
        yield value, "requisite", "meta@content"


def _in_comment(text: str) -> Iterator[Raw]:
    """Markup in comments (conditional comments, links taken out but still online)."""
    if not _MARKUP.search(text):
        return
    parser = etree.HTMLParser(encoding="utf-8", recover=True)
    inner = re.sub(r"^\[if[^\]]*\]>|<!\[endif\]$", "", text.strip())
    try:
        root = etree.fromstring(inner.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    if root is not None:
        for link, kind, _ in _in_tree(root):
            yield link, kind, "comment"


def _in_css(text: str, source: str) -> Iterator[Raw]:
    first, *after = text.split("/*")
    for found in _CSS_URL.finditer(first + " ".join(part.partition("*/")[2] for part in after)):
        value = next((group for group in found.groups() if group), "")
        if value and not value.startswith(("data:", "#")):
            yield _CSS_ESCAPE.sub(_css_character, value), "requisite", source


def _css_character(found: re.Match[str]) -> str:
    escaped = found[1].strip()
    return chr(min(int(escaped, 16), 0x10FFFF)) if re.fullmatch(r"[0-9a-fA-F]+", escaped) else found[1]


def _in_code(text: str, source: str) -> Iterator[Raw]:
    """An event handler or a `javascript:` URL: every quoted text that looks like a path."""
    for found in _QUOTED.finditer(html.unescape(text) if "&" in text else text):
        value = _unescaped(found[1] if found[1] is not None else found[2])
        match = _PATH_LIKE.fullmatch(value)
        if match or _DIRECTORY.fullmatch(value):
            yield value, "requisite" if match and match[2] else "page", source


def _in_script(text: str) -> Iterator[Raw]:
    for found in _TRS.finditer(text):
        count, name, extension = int(found[1]), found[2], found[3]
        yield f"{name}.{extension}", "page", "trs-paging"
        for number in range(1, min(count, 10_000)):
            yield f"{name}_{number}.{extension}", "page", "trs-paging"
    for found in _CODE_PAGE.finditer(text):
        value = _unescaped(found[1])
        if _PATH_LIKE.fullmatch(value) or "/" in value or "?" in value:
            yield value, "page", "script"
    for found in _QUOTED.finditer(text):
        value = _unescaped(found[1] if found[1] is not None else found[2])
        if _MARKUP.search(value):
            yield from ((link, kind, "document.write") for link, kind, _ in _in_comment(value))
        elif match := _PATH_LIKE.fullmatch(value):
            yield value, "requisite" if match[2] else "page", "script"
        elif "/" in value[1:] and value.endswith("/") and _DIRECTORY.fullmatch(value):
            yield value, "page", "script"


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text) if "\\" in text else text


def _in_xml(text: str) -> Iterator[Raw]:
    kind: Kind = "page"
    for found in _LOCATION.finditer(text):
        value = found[3] or found[2].strip().removeprefix("<![CDATA[").removesuffix("]]>").strip()
        if found[1] == "loc" or found[3] or value.startswith("http"):
            yield html.unescape(value), kind, "sitemap" if found[1] == "loc" else "feed"


def _gunzip(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return b""
