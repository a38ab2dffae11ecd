"""HTTP messages as bytes: the head's fields, and the body without its transfer and content codings."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from functools import lru_cache

import brotli

Fields = tuple[tuple[str, str], ...]

# A 300 MB gzip bomb is 0.29 MB on the wire: decoding stops here, whatever the body promises.
DECODED_AT_MOST = 512 * 1024 * 1024
NO_STATUS_LINE = "the answer does not begin with an HTTP status line"
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t]+([^\r\n]*))?")
_END = re.compile(rb"\r?\n\r?\n")
_CODINGS_AT_MOST = 5
_MEMBERS_AT_MOST = 4096
_PIECE = 1 << 16
_GZIP = b"\x1f\x8b"
_MEDIA = re.compile(r"[!-~]{1,127}")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


def split_head(block: bytes) -> tuple[bytes, bytes]:
    """(head with its empty line, what follows); the whole block is head when there is no empty line."""
    end = _END.search(block)
    return (block[: end.end()], block[end.end() :]) if end else (block, b"")


def parse_head(head: bytes) -> tuple[int, str, Fields]:
    """(status, reason, fields in order), text read as Latin-1 so that no byte is lost. Raises ValueError."""
    found = _STATUS.match(head)
    if found is None:
        raise ValueError(NO_STATUS_LINE)
    return int(found[1]), (found[2] or b"").decode("latin-1").strip(), parse_fields(head)


def status_of(head: bytes) -> int:
    """Raises ValueError."""
    found = _STATUS.match(head)
    if found is None:
        raise ValueError(NO_STATUS_LINE)
    return int(found[1])


def parse_fields(head: bytes) -> Fields:
    """The `name: value` lines after the first line; a folded line continues the one before it."""
    fields: list[tuple[str, str]] = []
    for line in head.decode("latin-1").replace("\r\n", "\n").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
        elif colon and (name := name.strip()):
            fields.append((name, value.strip()))
    return tuple(fields)


def field(fields: Fields, name: str) -> str | None:
    """The first field of that name, in any case."""
    lower = name.lower()
    for key, value in fields:
        if key == name or (len(key) == len(name) and key.lower() == lower):
            return value
    return None


def printable(text: str) -> str:
    """What a server said, fit for a terminal and a report: no control characters, not longer than a line."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:200])


def is_chunked(fields: Fields) -> bool:
    return "chunked" in (field(fields, "Transfer-Encoding") or "").lower()


def content_lengths(fields: Fields) -> set[int | None]:
    """What the head says of the body's length; `5, 5` and two equal fields say it once, None is no number.
    More than one element: nobody knows (RFC 9112 §6.3)."""
    said = (
        part.strip()
        for name, value in fields
        if len(name) == 14 and name.lower() == "content-length"
        for part in value.split(",")
    )
    return {int(text) if _LENGTH.fullmatch(text) else None for text in said}


# Asked several times of an answer that is in hand; one more than is ever in hand would only hold memory.
@lru_cache(maxsize=32)
def media_type(fields: Fields) -> str:
    """`text/html`, without parameters, in lower case; empty when the head names none, or nothing that could be one."""
    said = re.split(r"[;,\s]", (field(fields, "Content-Type") or "").strip(), maxsplit=1)[0].lower()
    return said if _MEDIA.fullmatch(said) else ""


def decode_body(raw: bytes, fields: Fields, limit: int = DECODED_AT_MOST) -> bytes:
    """The representation: transfer coding, then content codings taken off; as much of it as can be decoded.

    A server that announces a coding and does not apply it is not rare: such a body is returned as it is.
    """
    return decode(raw, fields, limit)[0]


def decode(raw: bytes, fields: Fields, limit: int) -> tuple[bytes, bool]:
    """The representation, and whether that is all of it: decoding stops at `limit` bytes and after five codings."""
    data = unchunk(raw) if is_chunked(fields) else raw
    whole = True
    codings = [coding.strip() for coding in (field(fields, "Content-Encoding") or "").lower().split(",")]
    for coding in codings[::-1][:_CODINGS_AT_MOST]:
        data, all_of_it = _without(coding, data, limit)
        whole = whole and all_of_it
    return data, whole and len(codings) <= _CODINGS_AT_MOST


def unchunk(raw: bytes) -> bytes:
    """The chunks' data, trailers left out; bytes that are no chunks are returned as they are."""
    parts = []
    position = 0
    while found := _CHUNK.match(raw, position):
        size = int(found[1], 16)
        parts.append(raw[found.end() : found.end() + size])
        position = found.end() + size
        if not size:
            break
        position += 2 if raw[position : position + 2] == b"\r\n" else raw[position : position + 1] == b"\n"
    return b"".join(parts) if parts else raw


def _without(coding: str, data: bytes, limit: int) -> tuple[bytes, bool]:
    if coding in ("gzip", "x-gzip"):
        return _inflate(data, 31, limit) if data[:2] == _GZIP else (data, True)
    if coding == "deflate":
        # RFC 9110 means zlib; many servers send a bare deflate stream.
        for window in (15, -15):
            decoded, whole = _inflate(data, window, limit)
            if decoded:
                return decoded, whole
    if coding == "br":
        return _unbrotli(data, limit)
    return data, True


def _inflate(data: bytes, window: int, limit: int) -> tuple[bytes, bool]:
    """Member after member. Each is given a piece at a time, for what is left over is copied with every member."""
    parts: list[bytes] = []
    position, members = 0, 0
    with suppress(zlib.error):
        while limit > 0 and members < _MEMBERS_AT_MOST and (members == 0 or data[position : position + 2] == _GZIP):
            stream = zlib.decompressobj(window)
            members += 1
            while limit > 0 and not stream.eof and position < len(data):
                piece = stream.unconsumed_tail or data[position : position + _PIECE]
                parts.append(stream.decompress(piece, limit))
                limit -= len(parts[-1])
                position += len(piece) - len(stream.unconsumed_tail) - len(stream.unused_data)
            if not stream.eof:
                break
    return b"".join(parts), limit > 0 and members < _MEMBERS_AT_MOST


def _unbrotli(data: bytes, limit: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    with suppress(brotli.error):
        for start in range(0, len(data), _PIECE):
            # A few bytes of brotli may stand for many megabytes: they are asked for a piece at a time.
            piece = data[start : start + _PIECE]
            while limit > 0 and (found := stream.process(piece, output_buffer_limit=min(limit, 1 << 20))):
                parts.append(found)
                limit -= len(found)
                piece = b""
    return b"".join(parts) or data, limit > 0
