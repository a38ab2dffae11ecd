"""WARC files: writing exchanges and conversions, reading and checking records. The only importer of
warcio."""

from __future__ import annotations

import hashlib
import io
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import message
from archive.fetch import Exchange
from archive.frontier import Original
from archive.text import _
from sitegen.errors import Problem, Refused
from sitegen.files import sha256

VERSION = "WARC/1.1"
PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_GZIP = b"\x1f\x8b\x08"
_PIECE = 1 << 18
_NAMESPACE = uuid.UUID("6b2f6f0e-2c43-5b0b-9b32-6f1d3c1f6a55")
# zlib at level 9 is the bottleneck of a capture: 39 MB/s against ISA-L's 145 MB/s, for 1 % of size.
_zlib: Any = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")
_HTTP = {"response": "response", "revisit": "response", "request": "request"}


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
class Conversion:
    """A derived page for the companion WARC. `digest` is `sha256:` and that of the body."""

    target_uri: str
    refers_to: str
    date: datetime
    body: bytes
    digest: str
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a response weighs: digests over the body after the head, and over head and body."""

    payload_digest: str
    block_digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where a response or revisit was appended; `date` is its WARC-Date."""

    type: str
    warc: str
    offset: int
    length: int
    date: str


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


def iso(moment: datetime) -> str:
    """WARC-Date to the second: what pywb and cdxj-indexer compare."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def measure(exchange: Exchange) -> Measured:
    payload, block, size = hashlib.sha256(), hashlib.sha256(exchange.head), 0
    exchange.body.seek(0)
    while piece := exchange.body.read(_PIECE):
        payload.update(piece)
        block.update(piece)
        size += len(piece)
    return Measured(
        payload_digest=f"sha256:{payload.hexdigest()}", block_digest=f"sha256:{block.hexdigest()}", size=size
    )


class Writer:
    """Appends the records of a capture to `<prefix>-00000.warc.gz` …, each `.open` until it is full.

    `committed` (file name → size, from the frontier) is what a former run has promised: everything behind it
    is cut off before the first record is appended, so that a crash neither loses nor doubles one.
    """

    def __init__(
        self, folder: Path, prefix: str, info: Mapping[str, str], committed: Mapping[str, int], roll_at: int
    ) -> None:
        self._folder, self._prefix, self._info, self._roll_at = folder, prefix, info, roll_at
        self._file: BinaryIO | None = None
        self._name = ""
        self._warcinfo = ""
        self._records: _RecordWriter
        folder.mkdir(parents=True, exist_ok=True)
        self._number = len(committed)
        for path in sorted(folder.glob("*.warc.gz.open")):
            if size := committed.get(path.name.removesuffix(".open")):
                self._reopen(path, size)
            else:
                path.unlink()

    def write_exchange(
        self, exchange: Exchange, measured: Measured, original: Original | None, outlinks: Sequence[str] = ()
    ) -> Written:
        """Append the response — a revisit when `original` holds the same payload —, its request, its
        outlinks."""
        stream = self._current()
        date, response_id = iso(exchange.started), _new_id()
        common = [
            ("WARC-Target-URI", exchange.url),
            ("WARC-Date", date),
            ("WARC-Warcinfo-ID", self._warcinfo),
        ]
        about = [
            *common,
            ("WARC-IP-Address", exchange.ip),
            ("WARC-Payload-Digest", measured.payload_digest),
            *([("WARC-Truncated", exchange.truncated)] if exchange.truncated else []),
        ]
        offset = stream.tell()
        if original is None:
            exchange.body.seek(0)
            about.append(("WARC-Block-Digest", measured.block_digest))
            _append(self._records, "response", response_id, about, exchange.body, measured.size, exchange.head)
        else:
            about += [
                ("WARC-Profile", PROFILE),
                ("WARC-Refers-To-Target-URI", original.target_uri),
                ("WARC-Refers-To-Date", original.date),
                ("WARC-Block-Digest", sha256(exchange.head)),
            ]
            _append(self._records, "revisit", response_id, about, io.BytesIO(), 0, exchange.head)
        length = stream.tell() - offset
        concurrent = [*common, ("WARC-Concurrent-To", response_id)]
        sent = [*concurrent, ("WARC-Block-Digest", sha256(exchange.request))]
        _append(self._records, "request", _new_id(), sent, io.BytesIO(), 0, exchange.request)
        if outlinks:
            block = "".join(f"outlink: {link}\r\n" for link in outlinks).encode()
            _append_block(self._records, "metadata", _new_id(), concurrent, block, "application/warc-fields")
        kind = "response" if original is None else "revisit"
        return Written(type=kind, warc=self._name, offset=offset, length=length, date=date)

    def sync(self) -> dict[str, int]:
        """Bring what was appended to the disk; the sizes to commit."""
        if self._file is None:
            return {}
        self._file.flush()
        os.fsync(self._file.fileno())
        return {self._name: self._file.tell()}

    def roll(self) -> None:
        """After a commit: close a file that is full under its final name."""
        if self._file is not None and self._file.tell() >= self._roll_at:
            self._close_file()

    def finish(self) -> None:
        """After the last commit: the last file gets its final name."""
        if self._file is not None:
            self._close_file()

    def abandon(self) -> None:
        """Close without a final name, for a later resume."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _current(self) -> BinaryIO:
        if self._file is not None:
            return self._file
        self._name = f"{self._prefix}-{self._number:05d}.warc.gz"
        self._number += 1
        self._file = stream = (self._folder / f"{self._name}.open").open("wb")
        self._records = _RecordWriter(stream)
        _sync_folder(self._folder)
        self._warcinfo = _new_id()
        headers = [("WARC-Filename", self._name), ("WARC-Date", iso(datetime.now(UTC)))]
        _append_block(
            self._records, "warcinfo", self._warcinfo, headers, _fields(self._info), "application/warc-fields"
        )
        return stream

    def _reopen(self, path: Path, size: int) -> None:
        self.abandon()
        self._name = path.name.removesuffix(".open")
        self._file = path.open("r+b")
        self._file.truncate(size)
        self._file.seek(size)
        self._records = _RecordWriter(self._file)
        self._warcinfo = read_record(path, 0).record_id

    def _close_file(self) -> None:
        assert self._file is not None  # noqa: S101 (both callers have just asked)
        self.sync()
        self._file.close()
        self._file = None
        (self._folder / f"{self._name}.open").rename(self._folder / self._name)
        _sync_folder(self._folder)


def companion_id(name: str, info: Mapping[str, str], date: datetime) -> str:
    """The id that the `warcinfo` of a companion will have."""
    return _derived_id(name, iso(date), _fields(info))


@contextmanager
def companion(path: Path, info: Mapping[str, str], date: datetime) -> Iterator[Callable[[bytes], object]]:
    """The companion WARC: yields what appends a `conversion`; it gets its name when all are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.open")
    with temporary.open("wb") as stream:
        headers = [("WARC-Filename", path.name), ("WARC-Date", iso(date))]
        _append_block(
            _RecordWriter(stream),
            "warcinfo",
            companion_id(path.name, info, date),
            headers,
            _fields(info),
            "application/warc-fields",
        )
        yield stream.write
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def conversion(item: Conversion, warcinfo: str) -> bytes:
    """The gzip member of one `conversion` record. Its id is derived from the content: the same item gives the same
    bytes."""
    record_id = _derived_id(item.target_uri, f"{item.refers_to} {iso(item.date)}", item.digest.encode())
    head = (
        f"{VERSION}\r\nWARC-Type: conversion\r\nWARC-Record-ID: {record_id}\r\nWARC-Target-URI: {item.target_uri}\r\n"
        f"WARC-Date: {iso(item.date)}\r\nWARC-Refers-To: {item.refers_to}\r\nWARC-Warcinfo-ID: {warcinfo}\r\n"
        f"WARC-Block-Digest: {item.digest}\r\nContent-Type: {item.content_type}\r\nContent-Length: {len(item.body)}\r\n\r\n"
    )
    # By hand: warcio takes four times as long as the compression.
    deflater = _zlib.compressobj(2, 8, 31)
    return bytes(deflater.compress(b"".join((head.encode(), item.body, b"\r\n\r\n"))) + deflater.flush())


def iterate(path: Path) -> Iterator[StoredRecord]:
    """Every record of a WARC or ARC file, ours or another tool's. Raises Refused where the file cannot be
    read."""
    with path.open("rb") as stream:
        records = ArchiveIterator(stream, no_record_parse=True, arc2warc=True)
        try:
            for record in records:
                block = record.raw_stream.read()
                headers = tuple(record.rec_headers.headers)
                records.read_to_end()
                offset, length = records.get_record_offset(), records.get_record_length()
                yield _stored(headers, block, path, offset, length)
        except (ArchiveLoadFailed, EOFError, ValueError, AttributeError, TypeError, _zlib.error) as error:
            raise Refused([_damage(path, records.offset, "warc-unreadable", str(error).strip())]) from None
        finally:
            records.close()


def read_record(path: Path, offset: int) -> StoredRecord:
    """The record whose gzip member begins at `offset`. Raises Refused."""
    with path.open("rb") as stream:
        try:
            member = _Member(stream, offset)
            headers = member.header()
            block = b"".join(member.block(headers))
            member.tail()
        except _DamagedError as error:
            raise Refused([_damage(path, offset, error.code, str(error))]) from None
    return _stored(headers, block, path, offset, member.end - offset)


def read_response(path: Path, offset: int) -> StoredResponse:
    """The response or revisit at `offset`. Raises Refused when there is none."""
    return as_response(read_record(path, offset))


def as_response(record: StoredRecord, raw_body: bytes | None = None) -> StoredResponse:
    """A response or revisit record read as HTTP; a revisit takes the `raw_body` of its original."""
    head, rest = message.split_head(record.block)
    if record.type not in ("response", "revisit"):
        text = _("the record is a {type}, not a response").format(type=record.type)
        raise Refused([_damage(record.warc, record.offset, "warc-no-response", text)])
    try:
        status, reason, fields = message.parse_head(head)
    except ValueError:
        text = _("the answer does not begin with an HTTP status line")
        raise Refused([_damage(record.warc, record.offset, "warc-no-response", text)]) from None
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
                problem = _damage(
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


class _ExactHead(StatusAndHeaders):  # type: ignore[misc]
    """warcio writes headers anew from their parsed form; this one is written as it was received."""

    def __init__(self, head: bytes) -> None:
        super().__init__("-", [], protocol="HTTP/1.1")
        self.headers_buff = head

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        """Nothing to compute: the received bytes stay."""


class _RecordWriter(WARCWriter):  # type: ignore[misc]
    """Digests are ours: warcio adds none of its own. Only a response has a payload digest that is not its
    block's; FastWARC calls one on any other record false."""

    NO_PAYLOAD_DIGEST_TYPES = ("warcinfo", "revisit", "request", "metadata", "conversion")

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(_Deflater(stream), gzip=False, warc_version=VERSION)


class _Deflater:
    """What warcio writes into: a gzip member for each record."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._gzip: Any = None

    def write(self, data: bytes) -> None:
        self._gzip = self._gzip or _zlib.compressobj(2, 8, 31)
        self._stream.write(self._gzip.compress(data))

    def flush(self) -> None:
        """warcio flushes at the end of each record, which is the end of the member."""
        self._stream.write(self._gzip.flush())
        self._gzip = None


def _append(
    writer: _RecordWriter,
    record_type: str,
    record_id: str,
    headers: Sequence[tuple[str, str]],
    payload: BinaryIO,
    length: int,
    head: bytes | None = None,
    content_type: str = "",
) -> None:
    content_type = content_type or f"application/http; msgtype={_HTTP[record_type]}"
    first = [("WARC-Type", record_type), ("WARC-Record-ID", record_id)]
    about = StatusAndHeaders("", [*first, *headers, ("Content-Type", content_type)], protocol=VERSION)
    writer.write_record(
        writer.create_warc_record(
            "",
            record_type,
            payload=payload,
            length=length,
            warc_content_type=content_type,
            warc_headers=about,
            http_headers=None if head is None else _ExactHead(head),
        )
    )


def _append_block(
    writer: _RecordWriter,
    record_type: str,
    record_id: str,
    headers: Sequence[tuple[str, str]],
    block: bytes,
    content_type: str,
) -> None:
    digest = sha256(block)
    about = [*headers, ("WARC-Block-Digest", digest)]
    _append(writer, record_type, record_id, about, io.BytesIO(block), len(block), content_type=content_type)


def _fields(info: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in info.items() if value).encode()


def _new_id() -> str:
    return f"<urn:uuid:{uuid.uuid4()}>"


def _derived_id(name: str, more: str, content: bytes) -> str:
    return f"<urn:uuid:{uuid.uuid5(_NAMESPACE, f'{name} {more} {sha256(content)}')}>"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stored(headers: tuple[tuple[str, str], ...], block: bytes, warc: Path, offset: int, length: int) -> StoredRecord:
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


def _damage(path: Path, offset: int, code: str, text: str) -> Problem:
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
        self._gzip = _zlib.decompressobj(31)
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
            except _zlib.error as error:
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
            yield _damage(path, offset, "warc-field-missing", _("the record has no {name}").format(name=name))
    for name, true in digests.items():
        digest = said.get(name)
        if digest is None and (name == "warc-block-digest" or kind == "response"):
            yield _damage(
                path, offset, "warc-digest-missing", _("the record has no {name}: nothing proves it").format(name=name)
            )
        elif digest is not None and not digest.startswith("sha256:"):
            yield _damage(
                path, offset, "warc-digest-unknown", _("{name} is not sha256: it was not checked").format(name=name)
            )
        elif digest is not None and digest != f"sha256:{true}":
            yield _damage(
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
