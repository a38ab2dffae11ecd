"""Other tools' WARC and ARC files: their records one after another, however the file is compressed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from archive import message
from archive.text import _
from archive.warcs.records import parse_fields, zlib

_NAMESPACE = uuid.UUID("0a3f4c0e-7f0b-5d5c-9d3c-4a0f6f3d1a52")
_PIECE = 1 << 18
_HEADER_AT_MOST = 1 << 20
_GZIP = b"\x1f\x8b"
_WARC = re.compile(rb"WARC/\d+\.\d+[ \t\r]*\n")
# ARC 1.0: `URL IP date type length`; 2.0 has `code checksum location offset file` before the length. A URL may hold
# blanks: the last date of the line is the record's.
_ARC = re.compile(
    rb"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]*:.+) (?P<ip>\S+) (?P<date>\d{12,14}) (?P<mime>\S+)(?: .*)? (?P<size>\d{1,18})"
)
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+")


class Unreadable(Exception):  # noqa: N818 (it says what the file is, not what went wrong here)
    """The file holds no further record where one must begin; `offset` in the file, `text` for people."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset, self.text = offset, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One record: `header` to be written as it is (with its empty line), and the `block` of `size` bytes, to be
    read before the next record."""

    header: bytes
    fields: message.Fields
    size: int
    block: Iterator[bytes]


class Tape:
    """The bytes of a file, gzip members unpacked one after another; memory is bounded by what is asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held, self._at = b"", 0
        self._gzip: Any = None
        self._packed = stream.read(2) == _GZIP
        stream.seek(0)
        self._raw = b""

    @property
    def offset(self) -> int:
        """About where in the file; exact when the file is not compressed."""
        held = 0 if self._packed else len(self._held) - self._at
        return self._stream.tell() - len(self._raw) - held

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end of the file."""
        if len(self._held) - self._at < size:
            pieces, left = [self._held[self._at :]], size - len(self._held) + self._at
            while left > 0 and (piece := self._more()):
                pieces.append(piece)
                left -= len(piece)
            self._held, self._at = b"".join(pieces), 0
        return self._held[self._at : self._at + size]

    def take(self, size: int) -> Iterator[bytes]:
        """Exactly `size` bytes, in pieces. Raises Unreadable when the file ends before."""
        while size > 0:
            piece = self.peek(1) and self._held[self._at : self._at + size]
            if not piece:
                raise Unreadable(self.offset, _("the file ends within a record"))
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def line(self, most: int = _HEADER_AT_MOST) -> bytes:
        """Up to and with the next LF. Raises Unreadable when there is none within `most` bytes."""
        size = 256
        while (end := (held := self.peek(size)).find(b"\n")) < 0:
            if size > most or len(held) < size:
                raise Unreadable(self.offset, _("a record's header does not end"))
            size *= 4
        self._at += end + 1
        return held[: end + 1]

    def skip_blank(self) -> bool:
        """Pass over what may stand between records; whether anything follows."""
        while (held := self.peek(256)) and not (rest := held.lstrip(b"\r\n")):
            self._at += len(held)
        self._at += len(held) - len(rest) if held else 0
        return bool(held)

    def _more(self) -> bytes:
        if not self._packed:
            return self._stream.read(_PIECE)
        while True:
            data = self._raw or self._stream.read(_PIECE)
            if not data:
                if self._gzip is not None:
                    raise Unreadable(self.offset, _("the file ends within a record"))
                return b""
            self._gzip = self._gzip or zlib.decompressobj(31)
            try:
                piece = bytes(self._gzip.decompress(data, 1 << 20))
            except zlib.error as error:
                raise Unreadable(self.offset, _("the gzip member is damaged ({error})").format(error=error)) from None
            self._raw = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
            self._gzip = None if self._gzip.eof else self._gzip
            if piece:
                return piece


def records(stream: BinaryIO, digest: str) -> Iterator[Incoming]:
    """Every record of a WARC or ARC file, compressed or not, by record or as a whole. ARC records come with a
    WARC header made from theirs; `digest` of the file makes their ids: the same file gives the same ids.

    Raises Unreadable where the file cannot be followed.
    """
    tape = Tape(stream)
    number = 0
    while tape.skip_blank():
        found = _warc(tape) if tape.peek(5) == b"WARC/" else _arc(tape, f"{digest} {number}")
        number += 1
        yield found
        for _rest in found.block:
            pass


def _warc(tape: Tape) -> Incoming:
    first = tape.line()
    if not _WARC.fullmatch(first):
        raise Unreadable(tape.offset, _("no record begins here"))
    lines = [first]
    left = _HEADER_AT_MOST - len(first)
    while lines[-1].strip(b"\r\n"):
        lines.append(tape.line(left))
        left -= len(lines[-1])
    header = b"".join(line.rstrip(b"\r\n") + b"\r\n" for line in lines)
    fields = parse_fields(header)
    length = message.field(fields, "Content-Length") or ""
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Unreadable(tape.offset, _("the record has no Content-Length"))
    return Incoming(header=header, fields=fields, size=int(length), block=tape.take(int(length)))


def _arc(tape: Tape, name: str) -> Incoming:
    line = tape.line().rstrip(b"\r\n")
    found = _ARC.fullmatch(line)
    if found is None:
        raise Unreadable(tape.offset, _("no record begins here"))
    size = int(found["size"])
    url = found["url"].decode("utf-8", "replace").replace("\r", "%0D")
    ip, date, mime = (found[key].decode("latin-1") for key in ("ip", "date", "mime"))
    kind, content_type = _kind_of_arc(url, mime, tape.peek(5))
    fields = (
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(_NAMESPACE, f'{name} {line!r}')}>"),
        *([("WARC-Date", moment)] if (moment := _moment_of_arc(date)) else []),
        *([("WARC-Target-URI", url)] if kind != "warcinfo" else [("WARC-Filename", url.removeprefix("filedesc://"))]),
        *([("WARC-IP-Address", ip)] if _ADDRESS.fullmatch(ip) and ip != "0.0.0.0" else []),  # noqa: S104 (no address)
        ("Content-Type", content_type),
        ("Content-Length", str(size)),
    )
    header = "".join(f"{key}: {value}\r\n" for key, value in fields)
    return Incoming(
        header=f"WARC/1.1\r\n{header}\r\n".encode(), fields=fields, size=size, block=tape.take(size)
    )  # fmt: skip


def _kind_of_arc(url: str, mime: str, begins: bytes) -> tuple[str, str]:
    """(WARC-Type, Content-Type)."""
    if url.startswith("filedesc:"):
        return "warcinfo", "text/plain"
    if begins == b"HTTP/":
        return "response", "application/http; msgtype=response"
    return "resource", mime if "/" in mime else "application/octet-stream"


def _moment_of_arc(date: str) -> str:
    try:
        return datetime.strptime(date.ljust(14, "0"), "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
