"""Links in JavaScript, JSON, event handlers and `javascript:` addresses, as far as they stand there literally."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from archive.discover.links import Raw, is_folder, kind_of_name, kind_of_path
from archive.discover.paging import in_paging

MARKUP = re.compile(r"<[a-zA-Z!/]")
ReadMarkup = Callable[[str], Iterable[Raw]]

_LITERAL = re.compile(r""""([^"\\\n]*+(?:\\(?:.|\n)[^"\\\n]*+)*+)"|'([^'\\\n]*+(?:\\(?:.|\n)[^'\\\n]*+)*+)'""")
_TEMPLATE = re.compile(r"`([^`\\]{1,5000}+(?:\\.[^`\\]{0,5000}+)*+)`", re.S)
_HOLE = re.compile(r"\$\{\s*([\w$]*)[^{}]*\}")
_JOINED = re.compile(r"\s*\+\s*(?:\(?\s*([A-Za-z_$][\w$.]*)\s*\)?\s*\+\s*)?")
_NAME_BEFORE = re.compile(r"([A-Za-z_$][\w$]*)\s*\+\s*$")
_NAME_AFTER = re.compile(r"\s*\+\s*([A-Za-z_$][\w$]*)(?![\w$.(\[])")
_ASSIGNED = re.compile(r"([A-Za-z_$][\w$]*)\s*=\s*$")
# Asking for what a script posts to might do what the script does.
_POSTED = re.compile(r"""(?:post|put|delete)["']?\s*(?:[,(]|,\s*url["']?\s*:)\s*$""", re.I)
_POSTS = re.compile(r"""\s*,[^;]{0,200}?(?:method|type)["']?\s*:\s*["'](?:post|put|delete|patch)""", re.I)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(\n)|(.))")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
# What stands before a literal that is an address, whatever it looks like.
_GOES_TO = re.compile(
    r"""(?:window\.open|\blocation(?:\.href|\.replace|\.assign)?|\.href|\.action|open_?win\w*|MM_openBrWindow"""
    r"""|showModal\w*|navigate|pushState\([^()]*,|go_?url|go_?to|jump\w*|redirect)\s*(?:=|\()?$""",
    re.I,
)
_ASKS_FOR = re.compile(
    r"""(?:\bfetch|\.get|\.getJSON|\.getScript|\.ajax|\.load|\baxios|importScripts|\bimport|Worker|EventSource|Request"""
    r"""|\.register)\s*\($|\.open\(\s*["']GET["']\s*,$""",
    re.I,
)
_NAMED_URL = re.compile(r"""(?:url|href|link|src|uri|path|img|image|pic|thumb|file|page)s?["']?\s*[:=]$""", re.I)
_NESTED = re.compile(r"location|open\w*\(|\.href|\.load\(|fetch\(|go\w*\(", re.I)
_HAS_LINK = re.compile(r"(?:href|src\w*|action|background|data-[\w-]+|poster|value|onclick)\s*=|url\(|<meta", re.I)


def in_script(text: str, read_markup: ReadMarkup, source: str = "script", url: str = "") -> Iterator[Raw]:
    """Links of a script. `read_markup` reads the HTML it writes; `url` is the page's own address."""
    if source == "script":
        yield from in_paging(text, url)
    for value, whole, before in _texts(text):
        yield from _in_text(value, whole, before, read_markup, source)


def in_json(text: str, read_markup: ReadMarkup) -> Iterator[Raw]:
    """Links of a JSON body (or JSONP): whatever text begins as a path does, too."""
    for found in _LITERAL.finditer(text):
        value = unescaped(found[1] if found[1] is not None else found[2] or "")
        if "/" in value or "." in value:
            yield from _in_text(value, True, "", read_markup, "json")
            if "<" not in value and (kind := kind_of_path(value)):
                yield value, kind, "json"


def _in_text(value: str, whole: bool, before: str, read_markup: ReadMarkup, source: str) -> Iterator[Raw]:
    """`whole`: nothing unknown was to be joined to it; `before`: the code that leads to it."""
    if "<" in value and MARKUP.search(value):
        if _HAS_LINK.search(value):
            yield from ((link, kind, "document.write") for link, kind, _ in read_markup(value))
        return
    if len(value) < 2000 and ("'" in value or '"' in value) and _NESTED.search(value):
        for inner, inner_whole, inner_before in _texts(value):
            yield from _in_text(inner, inner_whole, inner_before, read_markup, source)
        return
    value = value.strip()
    kind = kind_of_name(value)
    if kind and (whole or "/" in value):
        yield value, kind, source
    elif is_folder(value):
        yield value, "page", source
    elif whole:
        yield from _by_context(value, before, source)
    elif "?" in value and (kind := kind_of_name(value.partition("?")[0])) == "requisite":
        yield value.partition("?")[0], kind, source


def _by_context(value: str, before: str, source: str) -> Iterator[Raw]:
    """What has no extension is an address where the code before it says so."""
    before = before.rstrip()
    if before[-1:] not in ("=", "(", ":", ",") or not value or "\n" in value or ("/" not in value and "?" not in value):
        return
    if _GOES_TO.search(before):
        yield value, "page", source
    elif _ASKS_FOR.search(before):
        # jQuery's `load("/list #news")` takes a part of the answer.
        yield value.split()[0], kind_of_name(value.split()[0]) or "requisite", "xhr"
    elif _NAMED_URL.search(before) and (kind := kind_of_path(value)):
        yield value, kind, source


def _texts(text: str) -> Iterator[tuple[str, bool, str]]:
    """String literals that may hold an address, joined where `+` or a known name stands between them; whether each is
    whole; the code before it."""
    known: dict[str, str] = {}
    parts: list[str] = []
    end, begin, whole = -1, 0, True
    for found in _LITERAL.finditer(text):
        value = unescaped(found[1] if found[1] is not None else found[2])
        start = found.start()
        if parts and start - end < 80 and (joint := _JOINED.fullmatch(text, end, start)):
            name = joint[1]
            if name and name not in known:
                yield "".join(parts), False, ""
                parts, whole = [value], False
            else:
                parts += [known[name], value] if name else [value]
            end = found.end()
            continue
        if parts:
            yield from _closed(text, known, parts, begin, end, whole)
        parts, begin, whole = [value], start, True
        if text[start - 1 : start] in "+ " and (before := _NAME_BEFORE.search(text, max(start - 60, 0), start)):
            if before[1] in known:
                parts.insert(0, known[before[1]])
            else:
                whole = value[:1] == "/"
        end = found.end()
    if parts:
        yield from _closed(text, known, parts, begin, end, whole)
    if "`" in text:
        for found in _TEMPLATE.finditer(text):
            if "/" not in found[1] and "." not in found[1]:
                continue
            filled = _HOLE.sub(lambda hole: known.get(hole[1], "\0"), found[1])
            code = text[max(found.start() - 60, 0) : found.start()]
            yield from ((piece, "\0" not in filled, code) for piece in filled.split("\0"))


def _closed(
    text: str, known: dict[str, str], parts: list[str], begin: int, end: int, whole: bool
) -> Iterator[tuple[str, bool, str]]:
    """A chain that ends here; a name it is assigned to is known from now on."""
    if after := _NAME_AFTER.match(text, end):
        if after[1] in known:
            parts.append(known[after[1]])
        else:
            whole = False
    value = "".join(parts)
    if whole and len(value) < 500 and (name := _ASSIGNED.search(text, max(begin - 60, 0), begin)):
        known[name[1]] = value
    if "/" in value or "." in value or "?" in value:
        before = text[max(begin - 60, 0) : begin]
        if not _POSTED.search(before) and not _POSTS.match(text, end, end + 300):
            yield value, whole, before


def unescaped(text: str) -> str:
    """A string literal's text (ECMAScript §12.9.4)."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits:
        return chr(code) if (code := int(digits, 16)) <= 0x10FFFF else "\ufffd"
    return "" if found[4] else _CONTROL.get(found[5], found[5])
