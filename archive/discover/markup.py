"""Links in HTML: every attribute that browsers follow, those that scripts of old sites do, and markup within text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, islice
from urllib.parse import unquote

from lxml import etree

from archive.discover.links import Kind, Raw, kind_of_name, kind_of_path
from archive.discover.script import MARKUP, in_json, in_script
from archive.discover.style import in_style

_PAGE: dict[str, tuple[str, ...]] = {
    "a": ("href",), "area": ("href",), "frame": ("src", "longdesc"), "iframe": ("src", "longdesc"),
    "form": ("action",), "option": ("value",), "blockquote": ("cite",), "q": ("cite",), "ins": ("cite",),
    "del": ("cite",), "button": ("formaction",), "portal": ("src",), "fencedframe": ("src",),
}  # fmt: skip
_REQUISITE: dict[str, tuple[str, ...]] = {
    "img": ("src", "longdesc", "lowsrc", "dynsrc"), "input": ("src",), "script": ("src", "href"), "embed": ("src",),
    "object": ("data", "codebase", "classid"), "applet": ("code", "archive"), "audio": ("src",),
    "video": ("src", "poster"), "source": ("src",), "track": ("src",), "bgsound": ("src",), "layer": ("src",),
    "image": ("href", "src"), "use": ("href",), "feimage": ("href",), "link": ("href",), "html": ("manifest",),
    "v:imagedata": ("src",), "v:fill": ("src",), "xml": ("src",),
}  # fmt: skip
_PLAIN = frozenset(
    "class id name alt title width height align valign target rel type border cellpadding cellspacing colspan rowspan "
    "color size face bgcolor lang charset method maxlength nowrap media sizes language http-equiv property".split()
)
_ANYWHERE = frozenset({
    "background", "data-src", "data-original", "data-url", "data-lazy", "data-lazy-src", "data-bg",
    "data-echo", "data-background", "data-image", "data-original-src", "file", "lay-src", "original", "_src",
})  # fmt: skip
_LINK_PAGES = frozenset({"alternate", "next", "prev", "canonical", "contents", "index", "start", "chapter", "help"})
_META_LINKS = frozenset(
    "og:image og:image:url og:image:secure_url og:video og:video:url og:audio twitter:image twitter:image:src "
    "twitter:player:stream msapplication-tileimage msapplication-config image thumbnailurl contenturl thumbnail".split()
)
_META_PAGES = frozenset({"og:url", "twitter:url", "twitter:player", "mobile-agent"})
_MOVIE = frozenset({"movie", "src", "filename", "url", "data"})
_RAW_TEXT = frozenset({"noframes", "xmp", "iframe", "noembed", "textarea", "noscript"})
_WITH_TEXT = _RAW_TEXT | {"script", "style"}
_REFRESH = re.compile(
    r"""\s*+[\d.]*+\s*+[;,]?\s*+(?:url\s*+=\s*+)?(?:"([^"]*)|'([^']*)|(\S.*))""",
    re.I | re.S,
)
_MOBILE = re.compile(r"url\s*=\s*([^\s;]+)", re.I)
_SCHEME = re.compile(r"\s*+j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.I)
_PIECES = re.compile(r"[|&=;]+")
_STYLESHEET = re.compile(r"""\bhref\s*=\s*["']([^"']+)""")
_DEEPEST = 3
_LONGEST_LIST = 100_000
_MOST_FORMS, _MOST_FIELDS = 20, 50

_ASKS = re.compile(
    r"\bfetch\s*\(|XMLHttpRequest|Microsoft\.XMLHTTP|\.(?:ajax|getJSON|load|getScript)\s*\(|\$\.(?:get|post)\b|\baxios\b"
)
_SCROLLS = re.compile(r"IntersectionObserver|onscroll|[\"']scroll[\"']|\.scroll\s*\(|infinite|load_?more", re.I)
_BUILDS = re.compile(
    r"createElement\s*\(|\.href\s*=|innerHTML\s*\+?=|insertAdjacentHTML|\.append(?:To|Child)?\s*\(|\.html\s*\(|"
    r"document\.write(?:ln)?\s*\([^;]{0,400}\+\s*[A-Za-z_$]|location\s*=\s*[A-Za-z_$]"
)
_ROUTES = re.compile(r"hashchange|location\.hash|pushState|#!?/")
_WORDS = re.compile(r"""["'`][^"'`\n]*["'`]|\d+""")


def parse(text: str) -> etree._Element:
    """The tree of a page; NUL would end libxml2's document, and without an element there would be none."""
    data = b"<!doctype html><html>" + text.replace("\0", "\ufffd").encode("utf-8", "replace")
    return etree.fromstring(data, etree.HTMLParser(encoding="utf-8", huge_tree=True, recover=True))


def title(root: etree._Element) -> str:
    element = next(root.iter("title"), None)
    return " ".join("".join(map(str, element.itertext())).split()) if element is not None else ""


def base(root: etree._Element) -> str | None:
    """The first `base` with an address counts, for the whole page (HTML §4.2.3)."""
    return next((str(e.get("href")) for e in root.iter("base") if e.get("href") is not None), None)


def in_tree(root: etree._Element, url: str = "", depth: int = 0) -> Iterator[Raw]:
    """Links in order of appearance; comments may stand before and after the root. `url` is the page's own."""
    for element in chain(root.itersiblings(preceding=True), root.iter(), root.itersiblings()):
        tag = element.tag
        if not isinstance(tag, str):
            yield from _in_other(element, depth)
            continue
        # Most elements of an old page are cells of tables, whose attributes hold no address.
        if not _PLAIN.issuperset(element.keys()):
            yield from _in_attributes(tag, element, depth)
        if tag in _WITH_TEXT and (text := element.text):
            if tag == "script":
                yield from _in_script_element(element, text, url, depth)
            elif tag == "style":
                yield from in_style(text, "style")
            else:
                yield from in_text(text, tag, depth)


def in_text(text: str, source: str, depth: int = 0) -> Iterator[Raw]:
    """Markup within a text: comments, `srcdoc`, `noframes`, what scripts write."""
    if depth >= _DEEPEST or not MARKUP.search(text):
        return
    try:
        root = etree.fromstring(
            text.encode("utf-8", "replace"), etree.HTMLParser(encoding="utf-8", recover=True, huge_tree=True)
        )
    except (etree.XMLSyntaxError, ValueError):
        return
    if root is not None:
        yield from ((link, kind, source) for link, kind, _ in in_tree(root, "", depth + 1))


def refresh(content: str) -> str | None:
    """The address in `5; url='x'` and its many misspellings; None where there is only a time."""
    found = _REFRESH.match(content)
    target = next((group for group in found.groups() if group), "").strip() if found else ""
    return target if target and not re.fullmatch(r"[\d.]*", target) else None


def srcset(value: str) -> Iterator[str]:
    """`a.png 1x, b,c.png 2x` (HTML §4.8.4.2.1): a comma within an address belongs to it."""
    rest = value[:_LONGEST_LIST]
    while rest := rest.lstrip(" \t\r\n\f,"):
        url, *after = re.split(r"[ \t\r\n\f]", rest, maxsplit=1)
        rest = after[0] if after else ""
        if not url.endswith(","):
            rest = rest.partition(",")[2]
        yield url.rstrip(",")


def behaviour(root: etree._Element) -> tuple[str, str]:
    """(what this page's scripts are, why its links may not be all there is): pages with the same first value act
    alike. Both are empty for a page without scripts.
    """
    digest = blake2b(digest_size=8)
    inline = []
    scripts = 0
    for script in root.iter("script"):
        scripts += 1
        digest.update(str(script.get("src", "")).partition("?")[0].encode("utf-8", "replace") + b"\n")
        if script.text:
            inline.append(script.text)
            digest.update(_WORDS.sub("", script.text[:20_000]).encode("utf-8", "replace"))
    code = "\n".join(inline)
    if not scripts:
        return "", ""
    for reason, pattern in (("xhr", _ASKS), ("scroll", _SCROLLS), ("routes", _ROUTES), ("script-links", _BUILDS)):
        if pattern.search(code):
            return digest.hexdigest(), reason
    return digest.hexdigest(), ""


def posting_forms(root: etree._Element) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(action, its own charset or nothing, names of its fields in order) of each form that posts; values are left out."""
    for form in islice(root.iter("form"), _MOST_FORMS):
        if str(form.get("method", "")).strip().lower() == "post":
            fields = (str(field.get("name", ""))[:100] for field in form.iter("input", "select", "textarea", "button"))
            names = tuple(islice(dict.fromkeys(filter(None, fields)), _MOST_FIELDS))
            yield str(form.get("action", "")), str(form.get("accept-charset", "")).strip().lower()[:40], names


def text(root: etree._Element) -> bytes:
    """What is shown, scripts and styles left out. Changes the tree."""
    etree.strip_elements(root, "script", "style", "noscript", with_tail=False)
    return etree.tostring(root, method="text", encoding="utf-8")


def _in_other(element: etree._Element, depth: int) -> Iterator[Raw]:
    """Comments (conditional ones, links taken out but still online) and `<?xml-stylesheet?>`."""
    text = element.text or ""
    if isinstance(element, etree._Comment):
        yield from in_text(
            re.sub(r"^\[if[^\]]*\]>(?:<!-->)?|(?:<!--)?<!\[endif\]$", "", text.strip()), "comment", depth
        )
    elif found := _STYLESHEET.search(text):
        yield found[1], "requisite", "xml-stylesheet"


def _in_script_element(element: etree._Element, text: str, url: str, depth: int) -> Iterator[Raw]:
    kind = str(element.get("type", "")).lower()
    if "html" in kind or "template" in kind or "handlebars" in kind:
        yield from in_text(text, "template", depth)
    elif "json" in kind:
        yield from in_json(text, lambda inner: in_text(inner, "json", depth))
    else:
        yield from in_script(text, lambda inner: in_text(inner, "document.write", depth), "script", url)


def _in_attributes(tag: str, element: etree._Element, depth: int) -> Iterator[Raw]:
    # Asking for what a form posts to might do what the form does.
    pages = () if tag == "form" and str(element.get("method", "")).lower() == "post" else _PAGE.get(tag, ())
    requisites = _REQUISITE.get(tag, ())
    for attribute, text in element.items():
        # The HTML parser gives names in lower case; `xlink:` is SVG's.
        name, value = str(attribute), str(text)
        if name in _PLAIN or not value:
            continue
        name = name.removeprefix("xlink:")
        source = f"{tag}@{name}"
        if name in pages:
            yield from _in_page_link(tag, value, source, depth)
        elif name in requisites:
            yield value, _link_kind(tag, element), source
        elif name.endswith("srcset"):
            yield from ((url, "requisite", f"{tag}@srcset") for url in srcset(value))
        elif name in _ANYWHERE:
            if value[:4] == "url(":
                yield from in_style(value, source)
            else:
                yield value, "requisite", source
        elif name == "style":
            yield from in_style(value, source)
        elif name[:2] == "on":
            yield from in_script(value, lambda inner: in_text(inner, "document.write", depth), source)
        elif tag == "meta" and name == "content":
            yield from _in_meta(element, value)
        elif name == "srcdoc":
            yield from in_text(value, source, depth)
        elif name == "flashvars" or (tag == "param" and name == "value"):
            yield from _in_parameter(tag, element, value)
        elif name not in ("action", "formaction"):
            yield from _in_any(name, value, source, depth)


def _in_page_link(tag: str, value: str, source: str, depth: int) -> Iterator[Raw]:
    if value[:1] in "jJ \t\n\r" and (found := _SCHEME.match(value)):
        code = unquote(value[found.end() :])
        yield from in_script(code, lambda inner: in_text(inner, "document.write", depth), source)
    elif tag != "option" or "/" in value or value[0] == "?" or kind_of_name(value.strip()):
        yield value, "page", source


def _in_any(name: str, value: str, source: str, depth: int) -> Iterator[Raw]:
    """An attribute that only scripts read: `data-href`, `zoomfile`, a configuration in JSON."""
    if name[:5] != "data-":
        if "." in value and (kind := kind_of_name(value.strip())):
            yield value, kind, source
    elif value[0] in "{[":
        yield from in_json(value, lambda inner: in_text(inner, source, depth))
    elif "<" in value:
        yield from in_text(value, source, depth)
    elif "url(" in value:
        yield from in_style(value, source)
    elif kind := kind_of_path(value.strip()):
        yield value, kind, source
    elif name in ("data-href", "data-link") and "/" in value:
        yield value, "page", source


def _link_kind(tag: str, element: etree._Element) -> Kind:
    relations = str(element.get("rel", "")).lower().split() if tag == "link" else []
    return "page" if _LINK_PAGES.intersection(relations) and "stylesheet" not in relations else "requisite"


def _in_meta(element: etree._Element, value: str) -> Iterator[Raw]:
    equivalent = str(element.get("http-equiv", "")).strip().lower()
    name = str(element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
    if equivalent == "refresh":
        if target := refresh(value):
            yield target, "page", "meta-refresh"
    elif name in _META_LINKS:
        yield value, "requisite", "meta@content"
    elif "mobile-agent" in (equivalent, name):
        yield from ((found[1], "page", "meta@content") for found in _MOBILE.finditer(value))
    elif name in _META_PAGES:
        yield value, "page", "meta@content"


def _in_parameter(tag: str, element: etree._Element, value: str) -> Iterator[Raw]:
    """What a Flash film was given: its file, or `pics=a.jpg|b.jpg&links=1.htm|2.htm`."""
    if tag == "param" and str(element.get("name", "")).lower() in _MOVIE:
        yield value, "requisite", "param@value"
        return
    for piece in _PIECES.split(value):
        if kind := kind_of_name(unquote(piece)):
            yield unquote(piece), kind, f"{tag}@flashvars"
