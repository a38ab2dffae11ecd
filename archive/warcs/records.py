"""Reading WARC files back: a record where it lies, and the proof that each says what is true of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from archive import message
from archive.text import _
from archive.warcs import digests
from archive.warcs.digests import Digester
from sitegen.errors import Problem, Refused

_GZIP = b"\x1f\x8b\x08"
_FIRST_PIECE, _PIECE = 1 << 14, 1 << 18
"""A page fits into the first one, mostly."""
_HEAD_AT_MOST = 1 << 20
_DECODED_AT_MOST = 64 << 20
ANSWERS = ("response", "revisit", "resource")
"""The records that hold what a URL gave; a resource is a file that came without its HTTP head."""
_NOT_MODIFIED = re.compile(rb"HTTP/\S+[ \t]+304\b")
_FOLDED = re.compile(rb"\r\n[ \t]+")
_HTTP = ("response", "revisit", "request")
_DIGESTS = ("warc-block-digest", "warc-payload-digest")
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
    """One record as `check` found it; `problems` is empty when everything it says of itself is true.

    `payload_digest` is what the record says, `payload_sha256` what its bytes give; `size` of its block; `status` of
    an answer, of a request its method; `refers_to_id` the record id, `refers_to` URL and date of an original.
    """

    type: str
    record_id: str
    target_uri: str
    date: str
    payload_digest: str
    payload_sha256: str
    size: int
    concurrent_to: str
    refers_to: tuple[str, str]
    refers_to_id: str
    truncated: str
    status: str
    mime: str
    offset: int
    length: int
    problems: tuple[Problem, ...]


def parse_fields(header: bytes) -> message.Fields:
    """The fields of a record's header, its first line left out; a folded line continues the one before it."""
    if b"\r\n " in header or b"\r\n\t" in header:
        header = _FOLDED.sub(b" ", header)
    pairs = [line.partition(":") for line in header.decode("utf-8", "replace").split("\r\n")[1:] if line]
    return tuple([(name.strip(), value.strip()) for name, _, value in pairs])


def read_record(path: Path, offset: int, at_most: int | None = None) -> StoredRecord:
    """The record whose gzip member begins at `offset`; with `at_most`, only so much of its block. Raises Refused."""
    with path.open("rb", buffering=0) as stream:
        try:
            member = _Member(stream, offset)
            headers = member.header()
            if at_most is not None:
                block = _beginning(member.block(headers), at_most)
                return stored(headers, block, path, offset, stream.tell() - offset)
            block = b"".join(member.block(headers))
            member.tail()
        except _DamagedError as error:
            raise Refused([damage(path, offset, error.code, str(error))]) from None
    return stored(headers, block, path, offset, member.end - offset)


def _beginning(pieces: Iterable[bytes], at_most: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= at_most:
            break
    return bytes(found[:at_most])


def read_response(path: Path, offset: int) -> StoredResponse:
    """The response or revisit at `offset`. Raises Refused when there is none."""
    return as_response(read_record(path, offset))


def split(record: StoredRecord) -> tuple[bytes, bytes]:
    """(HTTP head, payload) of a record; a resource has no head, its block is the payload."""
    return (b"", record.block) if record.type == "resource" else message.split_head(record.block)


def as_response(
    record: StoredRecord, raw_body: bytes | None = None, at_most: int = message.DECODED_AT_MOST
) -> StoredResponse:
    """A response or revisit record read as HTTP; a revisit takes the `raw_body` of its original. `body` is decoded to
    at most `at_most` bytes.

    A resource (a file without its HTTP head) is read as an answer 200 of the record's Content-Type.
    """
    head, rest = split(record)
    if record.type not in ANSWERS:
        text = _("the record is a {type}, not a response").format(type=record.type)
        raise Refused([damage(record.warc, record.offset, "warc-no-response", text)])
    try:
        status, reason, fields = _head_of(record, head)
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
        body=message.decode_body(raw_body, fields, at_most),
        payload_digest=message.field(about, "WARC-Payload-Digest") or "",
        truncated=message.field(about, "WARC-Truncated"),
        refers_to_uri=message.field(about, "WARC-Refers-To-Target-URI"),
        refers_to_date=message.field(about, "WARC-Refers-To-Date"),
        warc=record.warc,
        offset=record.offset,
    )


def as_revisit(record: StoredRecord, original: StoredRecord, at_most: int = message.DECODED_AT_MOST) -> StoredResponse:
    """A revisit with the body of its original; where it has no head, or that of a 304 (server-not-modified, WARC 1.1
    §6.7.3), the original's head is its head, too."""
    head, raw_body = split(original)
    own = message.split_head(record.block)[0]
    if not own.strip() or _NOT_MODIFIED.match(own):
        record = replace(record, block=head)
    return as_response(record, raw_body, at_most)


def _head_of(record: StoredRecord, head: bytes) -> tuple[int, str, message.Fields]:
    if record.type == "resource":
        kind = message.field(record.headers, "Content-Type")
        return 200, "OK", (("Content-Type", kind),) if kind else ()
    return message.parse_head(head)


def check(path: Path, *, foreign: bool = False) -> Iterator[Checked]:
    """Every record of a `.warc.gz` with what is not true of it; bodies are streamed, never held.

    Ours must have all fields and SHA-256 digests. Of a `foreign` record, what it says must be true: its
    digests of any algorithm that we know, the payload's over the body with or without its codings.

    Where a gzip member is cut or damaged the next one that begins a record is looked for, so that one flipped
    byte costs one record. A damaged stretch is yielded as a record of type `damaged`.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        offset = 0
        while offset < size:
            try:
                checked = _check_member(path, stream, offset, foreign)
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
        self._piece = _FIRST_PIECE
        self._buffer = b""
        self.end = -1

    def read(self) -> bytes:
        """The next piece, at most a megabyte; empty at the member's end."""
        while not self._gzip.eof:
            data = self._gzip.unconsumed_tail or self._stream.read(self._piece)
            if not data:
                raise _DamagedError("warc-cut", _("the file ends within a record"))
            self._piece = _PIECE
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
        return parse_fields(head)

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
    type="damaged", record_id="", target_uri="", date="", payload_digest="", payload_sha256="", size=0,
    concurrent_to="", refers_to=("", ""), refers_to_id="", truncated="", status="", mime="", offset=0, length=0, problems=(),
)  # fmt: skip


def _check_member(path: Path, stream: BinaryIO, offset: int, foreign: bool) -> Checked:
    member = _Member(stream, offset)
    headers = member.header()
    said = {name.lower(): value for name, value in headers}
    kind = said.get("warc-type", "")
    given = [said.get(name, "") for name in _DIGESTS]
    block, payload, size, head = Digester(given), Digester(given), 0, b""
    beyond = not _is_http(kind, said)
    for piece in member.block(headers):
        block.update(piece)
        size += len(piece)
        if not beyond:
            head, piece = message.split_head(head + piece)
            beyond = bool(piece) or head.endswith((b"\n\r\n", b"\n\n")) or len(head) > _HEAD_AT_MOST
        if beyond:
            payload.update(piece)
    member.tail()
    status, mime = _kind_of_answer(kind, head, said)
    checked = Checked(
        type=kind,
        record_id=said.get("warc-record-id", ""),
        target_uri=said.get("warc-target-uri", "").strip("<>"),
        date=said.get("warc-date", ""),
        payload_digest=said.get("warc-payload-digest", ""),
        payload_sha256=payload.sha256,
        size=size,
        concurrent_to=said.get("warc-concurrent-to", ""),
        refers_to=(said.get("warc-refers-to-target-uri", "").strip("<>"), said.get("warc-refers-to-date", "")),
        refers_to_id=said.get("warc-refers-to", ""),
        truncated=said.get("warc-truncated", ""),
        status=status,
        mime=mime,
        offset=offset,
        length=member.end - offset,
        problems=(),
    )
    true = {_DIGESTS[0]: block} if kind == "revisit" else dict(zip(_DIGESTS, (block, payload), strict=True))
    found = _untrue_of_foreign(path, checked, said, true) if foreign else _untrue(path, offset, kind, said, true)
    return replace(checked, problems=tuple(found))


def _is_http(kind: str, said: Mapping[str, str]) -> bool:
    content_type = said.get("content-type", "")
    return content_type.startswith("application/http") or (not content_type and kind in _HTTP)


def _kind_of_answer(kind: str, head: bytes, said: Mapping[str, str]) -> tuple[str, str]:
    """(status, media type); a resource counts as 200, of a request the method is given."""
    if kind == "request":
        return head.split(b" ", 1)[0][:20].decode("ascii", "replace"), ""
    if kind == "resource":
        return "200", message.media_type((("Content-Type", said.get("content-type", "")),))
    if kind in ANSWERS:
        with suppress(ValueError):
            code, _, fields = message.parse_head(head)
            return str(code), message.media_type(fields)
    return "", ""


def _untrue(
    path: Path, offset: int, kind: str, said: Mapping[str, str], true: Mapping[str, Digester]
) -> Iterator[Problem]:
    for name in ("warc-record-id", "warc-date", "warc-type"):
        if not said.get(name):
            yield damage(path, offset, "warc-field-missing", _("the record has no {name}").format(name=name))
    for name, bytes_give in true.items():
        digest = said.get(name)
        if digest is None and (name == "warc-block-digest" or kind == "response"):
            yield damage(
                path, offset, "warc-digest-missing", _("the record has no {name}: nothing proves it").format(name=name)
            )
        elif digest is not None and not digest.startswith("sha256:"):
            yield damage(
                path, offset, "warc-digest-unknown", _("{name} is not sha256: it was not checked").format(name=name)
            )
        elif digest is not None and digest != bytes_give.sha256:
            yield _false(path, offset, name, digest, bytes_give)


def _untrue_of_foreign(
    path: Path, checked: Checked, said: Mapping[str, str], true: Mapping[str, Digester]
) -> Iterator[Problem]:
    for name, bytes_give in true.items():
        digest = said.get(name, "")
        if not digests.algorithm(digest) or bytes_give.agrees(digest):
            continue
        if name == "warc-payload-digest" and _agrees_decoded(path, checked):
            continue
        yield _false(path, checked.offset, name, digest, bytes_give)


def _agrees_decoded(path: Path, checked: Checked) -> bool:
    """Some tools take the payload's digest without its chunks, some without its content coding either."""
    if checked.type not in ANSWERS or checked.size > _DECODED_AT_MOST or not checked.status:
        return False
    answer = read_response(path, checked.offset)
    bodies = (message.unchunk(answer.raw_body), answer.body)
    return any(digests.agrees(checked.payload_digest, body) for body in bodies)


def _false(path: Path, offset: int, name: str, digest: str, bytes_give: Digester) -> Problem:
    text = _("{name} is {digest}, the bytes give {true}").format(name=name, digest=digest, true=bytes_give.sha256)
    return damage(path, offset, "warc-digest-false", text)


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
