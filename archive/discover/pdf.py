"""Links in PDF files (ISO 32000-1 §12.6.4.7), read from the bytes themselves.

A PDF comes from strangers: a parser that follows its references can be led in circles. What is looked at here is a
stretch of bytes and the object streams that unpack within a limit, each once.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from archive.discover.links import Raw

_LONGEST = 64 << 20
_UNPACKED_AT_MOST = 32 << 20
_STREAM = re.compile(rb"/ObjStm\b[^\0]{0,400}?stream\r?\n", re.S)
_URI = re.compile(rb"/URI\s*(?:\(((?:[^()\\]|\\.|\([^()]*\)){1,4000})\)|<([0-9A-Fa-f\s]{2,8000})>)", re.S)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|\r|\n)|(.))", re.S)
_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def in_pdf(body: bytes) -> Iterator[Raw]:
    """The addresses of a file's link annotations."""
    body = body[:_LONGEST]
    left = _UNPACKED_AT_MOST
    yield from _addresses(body)
    for found in _STREAM.finditer(body):
        try:
            piece = zlib.decompressobj().decompress(memoryview(body)[found.end() :], min(left, 4 << 20))
        except zlib.error:
            continue
        left -= len(piece)
        yield from _addresses(piece)
        if left <= 0:
            return


def _addresses(data: bytes) -> Iterator[Raw]:
    for found in _URI.finditer(data):
        if found[1] is not None:
            value = _ESCAPE.sub(_character, found[1])
        else:
            digits = re.sub(rb"\s", b"", found[2])
            value = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
        if value.startswith((b"\xfe\xff", b"\xff\xfe")):
            yield value.decode("utf-16", "replace"), "page", "pdf"
        else:
            yield _text(value), "page", "pdf"


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")


def _character(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 0xFF])
    return b"" if found[2] else _CONTROL.get(found[3], found[3])
