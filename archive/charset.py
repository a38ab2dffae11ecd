"""Which characters a body of bytes is written in: BOM, header, meta, strict UTF-8, GB18030 — in that
order."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from contextlib import suppress

Headers = Sequence[tuple[str, str]]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]*?\b(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""",
    re.I,
)
_CSS = re.compile(rb'@charset\s+"([\w.:-]+)"', re.I)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]")
# What browsers make of these names: GB2312 pages use GBK's characters, Latin-1 pages those of Windows.
_READ_AS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "hz": "gb18030",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
}


def decode(body: bytes, headers: Headers = ()) -> tuple[str, str]:
    """(text, name of the Python codec); gb2312 and gbk are read as gb18030, undecodable bytes become U+FFFD, a BOM is
    dropped.

    Where header and page disagree, the one that decodes the whole body is right. Where both do it is UTF-8,
    for much UTF-8 is valid GB18030 by chance and hardly the reverse; else the header. A server's default of
    ISO-8859-1 decodes anything and so proves nothing: it is asked last, and yields to bytes that stand
    mostly in GB2312's pairs.
    """
    text, charset = _read(headers, body)
    return text.removeprefix("\ufeff"), charset


def _read(headers: Headers, body: bytes) -> tuple[str, str]:
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body.decode(charset, "replace"), charset
    said = [name for name in (_of_header(headers), _of_page(body)) if name]
    for charset in sorted(said, key=lambda name: name != "utf-8"):
        if charset != "cp1252" and (text := _strictly(body, charset)) is not None:
            return text, charset
    if (text := _strictly(body, "utf-8")) is not None:
        return text, "utf-8"
    if "cp1252" in said and (text := _strictly(body, "cp1252")) is not None and not _looks_chinese(body):
        return text, "cp1252"
    if (text := _strictly(body, "gb18030")) is not None:
        return text, "gb18030"
    # No charset fits: the one that spoils least.
    tried = [(body.decode(name, "replace"), name) for name in [*said, "utf-8", "gb18030"]]
    return min(tried, key=lambda one: one[0].count("\ufffd"))


def codec(name: str) -> str | None:
    """The Python codec for a charset name as pages write it; None when there is none for text."""
    try:
        known = codecs.lookup(name)
    except LookupError:
        return None
    if not getattr(known, "_is_text_encoding", True):
        return None
    return _READ_AS.get(known.name, known.name)


def _of_header(headers: Headers) -> str | None:
    for name, value in headers:
        if name.lower() == "content-type":
            found = _HEADER.search(value)
            return codec(found[1]) if found else None
    return None


def _of_page(body: bytes) -> str | None:
    found = _META.search(body[:4096]) or _CSS.match(body)
    charset = codec(found[1].decode("ascii", "replace")) if found else None
    # A meta that could be read as ASCII is not in UTF-16, whatever it says.
    return "utf-8" if charset and charset.startswith("utf-16") else charset


def _looks_chinese(body: bytes) -> bool:
    """Letters with accents stand alone; the bytes of Chinese come in pairs."""
    high = len(_HIGH.findall(body))
    return high > 0 and 2 * len(_PAIR.findall(body)) > 0.8 * high


def _strictly(body: bytes, charset: str) -> str | None:
    """None where it is in another charset; only a character that a cut body leaves unfinished at its end is forgiven."""
    with suppress(UnicodeDecodeError, LookupError):
        return body.decode(charset)
    try:
        codecs.getincrementaldecoder(charset)().decode(body)
    except (UnicodeDecodeError, LookupError):
        return None
    return body.decode(charset, "replace")
