"""Links in style sheets (CSS Syntax 3 §4.3.6, CSS Images 4 §2.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archive.discover.links import Raw

_STRING = r""""[^"\\\n]*+(?:\\(?:.|\n)[^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\(?:.|\n)[^'\\\n]*+)*+'"""
_ESCAPED = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|\s)?+|.)"
_TOKEN = re.compile(
    rf"""/\*.*?(?:\*/|\Z)"""
    rf"""|(?:url|src)\(\s*+(?:({_STRING})|((?:[^"'()\\\s]|{_ESCAPED})(?:[^()\\\s"']|{_ESCAPED})*+))"""
    rf"""|@import\s*+(?:/\*.*?\*/\s*+)?({_STRING})"""
    rf"""|image-set\(((?:[^()"']|{_STRING}|\((?:[^()"']|{_STRING}){{0,500}}\)){{0,200}})"""
    rf"""|{_STRING}""",
    re.I | re.S,
)
_FIRST_OF_SET = re.compile(rf"(?:^|,)\s*({_STRING})|url\(\s*({_STRING}|[^)\s]+)", re.I)
_SOURCE = re.compile(r"""\bsrc\s*=\s*["']([^"']+)["']""", re.I)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|\s)?|(\n)|(.))", re.S)


def in_style(text: str, source: str) -> Iterator[Raw]:
    """`url()` in all its forms, `@import`, `image-set()`, and the image loaders of old Internet Explorers."""
    if "(" not in text and "@" not in text:
        return
    for found in _TOKEN.finditer(text):
        quoted, bare, imported, image_set = found.groups()
        if image_set is not None:
            for one in _FIRST_OF_SET.finditer(image_set):
                yield from _link(one[1] or one[2], source)
        else:
            yield from _link(quoted or bare or imported, source)
    if "ImageLoader" in text:
        yield from ((found[1], "requisite", source) for found in _SOURCE.finditer(text))


def _link(value: str | None, source: str) -> Iterator[Raw]:
    if not value:
        return
    plain = value[1:-1] if value[0] in "\"'" else value
    if "\\" in plain:
        plain = _ESCAPE.sub(_character, plain)
    if plain and plain[0] != "#" and plain[:5].lower() != "data:":
        yield plain, "requisite", source


def _character(found: re.Match[str]) -> str:
    if found[1]:
        code = int(found[1], 16)
        return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
    return found[3] or ""
