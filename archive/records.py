"""Reading WARC files back: a record where it lies, and the proof that each says what is true of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from archive import message
from archive.text import _
from sitegen.errors import Problem, Refused

_GZIP = b"\x1f\x8b\x08"
_PIECE = 1 << 18
# zlib at level 9 is the bottleneck of a capture: 39 MB/s against ISA-L's 145 MB/s, for 1 % of size.
zlib: Any = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """One record; `block` is its content as stored, `offset` and `length` its gzip member in `warc`."""

    type: str
    record_id: str
    target_uri: str
    date: datetime
    headers: tuple[tuple[str, str], ...]
    block: bytes
    warc: Path
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """A response or revisit: `head` and `raw_body` as received, `body` without transfer and content coding.

    A revisit (`type == "revisit"`) has no body of its own: `refers_to_uri`, `refers_to_date` name its
    original; `recall.response` reads it together with that body.
    """

    type: str
    record_id: str
    target_uri: str
    date: datetime
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    head: bytes
    raw_body: bytes
    body: bytes
    payload_digest: str
    truncated: str | None
    refers_to_uri: str | None
    refers_to_date: str | None
    warc: Path
    offset: int

    def header(self, name: str) -> str | None:
        """First header of that name, in any case."""
        return message.field(self.headers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One record as `check` found it; `problems` is empty when everything it says of itself is true."""

    type: str
    record_id: str
    target_uri: str
    date: str
    payload_digest: str
    concurrent_to: str
    refers_to: tuple[str, str]
    truncated: str
    status: str
    mime: str
    offset: int
    length: int
    problems: tuple[Problem, ...]


def read_record(path: Path, offset: int) -> StoredRecord:
    """The record whose gzip member begins at `offset`. Raises Refused."""
    with path.open("rb") as stream:
        try:
            member = _Member(stream, offset)
            headers = member.header()
            block = b"".join(member.block(headers))
            member.tail()
        except _DamagedError as error:
            raise Refused([damage(path, offset, error.code, str(error))]) from None
    return stored(headers, block, path, offset, member.end - offset)


def read_response(path: Path, offset: int) -> StoredResponse:
    """The response or revisit at `offset`. Raises Refused when there is none."""
    return as_response(read_record(path, offset))


def as_response(record: StoredRecord, raw_body: bytes | None = None) -> StoredResponse:
    """A response or revisit record read as HTTP; a revisit takes the `raw_body` of its original."""
    head, rest = message.split_head(record.block)
    if record.type not in ("response", "revisit"):
        text = _("the record is a {type}, not a response").format(type=record.type)
        raise Refused([damage(record.warc, record.offset, "warc-no-response", text)])
    try:
        status, reason, fields = message.parse_head(head)
    except ValueError:
        text = _("the answer does not begin with an HTTP status line")
        raise Refused([damage(record.warc, record.offset, "warc-no-response", text)]) from None
    raw_body = rest if raw_body is None else raw_body
    about = record.headers
    return StoredResponse(
        type=record.type,
        record_id=record.record_id,
        target_uri=record.target_uri,
        date=record.date,
        status=status,
        reason=reason,
        headers=fields,
        head=head,
        raw_body=raw_body,
        body=message.decode_body(raw_body, fields),
        payload_digest=message.field(about, "WARC-Payload-Digest") or "",
        truncated=message.field(about, "WARC-Truncated"),
        refers_to_uri=message.field(about, "WARC-Refers-To-Target-URI"),
        refers_to_date=message.field(about, "WARC-Refers-To-Date"),
        warc=record.warc,
        offset=record.offset,
    )


def check(path: Path) -> Iterator[Checked]:
    """Every record of a `.warc.gz` with what is not true of it; bodies are streamed, never held.

    Where a gzip member is cut or damaged the next one that begins a record is looked for, so that one flipped
    byte costs one record. A damaged stretch is yielded as a record of type `damaged`.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        offset = 0
        while offset < size:
            try:
                checked = _check_member(path, stream, offset)
            except _DamagedError as error:
                after = _next_member(stream, offset + 1, size)
                problem = damage(
                    path,
                    offset,
                    error.code,
                    _("{error}; {count} bytes are lost").format(error=error, count=after - offset),
                )
                yield replace(_NOTHING, offset=offset, length=after - offset, problems=(problem,))
                offset = after
                continue
            yield checked
            offset += checked.length


def stored(headers: tuple[tuple[str, str], ...], block: bytes, warc: Path, offset: int, length: int) -> StoredRecord:
    return StoredRecord(
        type=message.field(headers, "WARC-Type") or "",
        record_id=message.field(headers, "WARC-Record-ID") or "",
        target_uri=(message.field(headers, "WARC-Target-URI") or "").strip("<>"),
        date=_moment(message.field(headers, "WARC-Date") or ""),
        headers=headers,
        block=block,
        warc=warc,
        offset=offset,
        length=length,
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def damage(path: Path, offset: int, code: str, text: str) -> Problem:
    return Problem(
        path=path.as_posix(),
        code=code,
        key=f"offset {offset}",
        message=text or _("the record cannot be read"),
        remedy=_("restore the file from its backup; if there is none, capture the site again"),
    )


class _DamagedError(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Member:
    """One gzip member holding one record, read piece by piece; `end` is the offset behind it once it was
    read."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        stream.seek(offset)
        self._stream = stream
        self._gzip = zlib.decompressobj(31)
        self._held = b""
        self._buffer = b""
        self.end = -1

    def read(self) -> bytes:
        """The next piece, at most a megabyte; empty at the member's end."""
        while not self._gzip.eof:
            data = self._gzip.unconsumed_tail or self._stream.read(_PIECE)
            if not data:
                raise _DamagedError("warc-cut", _("the file ends within a record"))
            try:
                piece = self._gzip.decompress(data, 1 << 20)
            except zlib.error as error:
                raise _DamagedError(
                    "warc-damaged", _("the gzip member is damaged ({error})").format(error=error)
                ) from None
            if self._gzip.eof:
                self.end = self._stream.tell() - len(self._gzip.unused_data)
            if piece:
                return bytes(piece)
        return b""

    def header(self) -> tuple[tuple[str, str], ...]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0 and len(self._buffer) < 1 << 20:
            piece = self.read()
            if not piece:
                raise _DamagedError("warc-damaged", _("the gzip member holds no WARC record"))
            self._buffer += piece
        if end < 0 or not self._buffer.startswith(b"WARC/"):
            raise _DamagedError("warc-damaged", _("the gzip member holds no WARC record"))
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode("utf-8", "replace").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return tuple((name.strip(), value.strip()) for name, _, value in pairs)

    def block(self, headers: tuple[tuple[str, str], ...]) -> Iterator[bytes]:
        try:
            left = int(message.field(headers, "Content-Length") or "")
        except ValueError:
            raise _DamagedError("warc-damaged", _("the record has no Content-Length")) from None
        while left > 0:
            if not self._buffer:
                self._buffer = self.read()
            if not self._buffer:
                raise _DamagedError("warc-damaged", _("the record is shorter than its Content-Length"))
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(piece)
            yield piece

    def tail(self) -> None:
        rest = self._buffer
        while len(rest) < 5 and (piece := self.read()):
            rest += piece
        if rest != b"\r\n\r\n" or self.read():
            raise _DamagedError("warc-damaged", _("the record does not end where its Content-Length says"))


_NOTHING = Checked(
    type="damaged", record_id="", target_uri="", date="", payload_digest="", concurrent_to="",
    refers_to=("", ""), truncated="", status="", mime="", offset=0, length=0, problems=(),
)  # fmt: skip


def _check_member(path: Path, stream: BinaryIO, offset: int) -> Checked:
    member = _Member(stream, offset)
    headers = member.header()
    said = {name.lower(): value for name, value in headers}
    http = said.get("content-type", "").startswith("application/http")
    block, payload, head = hashlib.sha256(), hashlib.sha256(), b""
    beyond = not http
    for piece in member.block(headers):
        block.update(piece)
        if not beyond:
            head, piece = message.split_head(head + piece)
            beyond = bool(piece) or head.endswith((b"\n\r\n", b"\n\n"))
        if beyond:
            payload.update(piece)
    member.tail()
    kind = said.get("warc-type", "")
    digests = {"warc-block-digest": block.hexdigest()}
    if kind != "revisit":
        digests["warc-payload-digest"] = payload.hexdigest()
    status, mime = "", ""
    if kind in ("response", "revisit"):
        with suppress(ValueError):
            code, _, fields = message.parse_head(head)
            status, mime = str(code), message.media_type(fields)
    return Checked(
        type=kind,
        record_id=said.get("warc-record-id", ""),
        target_uri=said.get("warc-target-uri", ""),
        date=said.get("warc-date", ""),
        payload_digest=said.get("warc-payload-digest", ""),
        concurrent_to=said.get("warc-concurrent-to", ""),
        refers_to=(said.get("warc-refers-to-target-uri", ""), said.get("warc-refers-to-date", "")),
        truncated=said.get("warc-truncated", ""),
        status=status,
        mime=mime,
        offset=offset,
        length=member.end - offset,
        problems=tuple(_untrue(path, offset, kind, said, digests)),
    )


def _untrue(
    path: Path, offset: int, kind: str, said: Mapping[str, str], digests: Mapping[str, str]
) -> Iterator[Problem]:
    for name in ("warc-record-id", "warc-date", "warc-type"):
        if not said.get(name):
            yield damage(path, offset, "warc-field-missing", _("the record has no {name}").format(name=name))
    for name, true in digests.items():
        digest = said.get(name)
        if digest is None and (name == "warc-block-digest" or kind == "response"):
            yield damage(
                path, offset, "warc-digest-missing", _("the record has no {name}: nothing proves it").format(name=name)
            )
        elif digest is not None and not digest.startswith("sha256:"):
            yield damage(
                path, offset, "warc-digest-unknown", _("{name} is not sha256: it was not checked").format(name=name)
            )
        elif digest is not None and digest != f"sha256:{true}":
            yield damage(
                path,
                offset,
                "warc-digest-false",
                _("{name} is {digest}, the bytes give {true}").format(name=name, digest=digest, true=true),
            )


def _next_member(stream: BinaryIO, start: int, size: int) -> int:
    """Offset of the next gzip member that begins a record; the file's size when there is none."""
    while start < size:
        stream.seek(start)
        window = stream.read(1 << 20)
        found = window.find(_GZIP)
        if found < 0:
            start += max(len(window) - 2, 1)
            continue
        with suppress(_DamagedError):
            if _Member(stream, start + found).read().startswith(b"WARC/"):
                return start + found
        start += found + 1
    return size
