"""WARC files: writing exchanges and conversions. The only importer of warcio.

How records are read and checked is in `records`, whose names are offered here, too.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from archive.crawling.frontier import Original
from archive.net.fetch import Exchange
from archive.warcs.records import (
    Checked,
    StoredRecord,
    StoredResponse,
    as_response,
    check,
    damage,
    read_record,
    read_response,
    stored,
    zlib,
)
from sitegen.errors import Refused
from sitegen.files import sha256

__all__ = [
    "Checked",
    "Conversion",
    "Measured",
    "StoredRecord",
    "StoredResponse",
    "Writer",
    "Written",
    "as_response",
    "check",
    "companion",
    "companion_id",
    "conversion",
    "iso",
    "iterate",
    "measure",
    "read_record",
    "read_response",
]

VERSION = "WARC/1.1"
PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_PIECE = 1 << 18
_NAMESPACE = uuid.UUID("6b2f6f0e-2c43-5b0b-9b32-6f1d3c1f6a55")
_NO_LINE_ENDS = str.maketrans("\r\n", "  ")
_HTTP = {"response": "response", "revisit": "response", "request": "request"}


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


@lru_cache(maxsize=8)
def iso(moment: datetime) -> str:
    """WARC-Date to the second: what pywb and cdxj-indexer compare."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


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
        folder.mkdir(parents=True, exist_ok=True)
        self._number = len(committed)
        for path in sorted(folder.glob("*.warc.gz.open")):
            if size := committed.get(path.name.removesuffix(".open")):
                self._reopen(path, size)
            else:
                path.unlink()

    def write_exchange(
        self,
        exchange: Exchange,
        measured: Measured,
        original: Original | None,
        notes: Sequence[str] = (),
        *,
        unchanged: bool = False,
    ) -> Written:
        """Append the response — a revisit when `original` holds the same payload —, its request, and what belongs
        to both: interim 1xx heads (each byte, as a JSON text), `notes` (`outlink: …`, `form: …`).

        `unchanged`: the server said so with a 304. Its head stands beside the revisit, not in it: pywb would replay it.
        """
        stream = self._current()
        date, response_id = iso(exchange.started), _new_id()
        common = [
            ("WARC-Target-URI", exchange.url),
            ("WARC-Date", date),
            ("WARC-Warcinfo-ID", self._warcinfo),
        ]
        about = [
            *common,
            *([("WARC-IP-Address", exchange.ip)] if exchange.ip else []),
            ("WARC-Payload-Digest", measured.payload_digest),
            *([("WARC-Truncated", exchange.truncated)] if exchange.truncated else []),
        ]
        offset = stream.tell()
        if original is None:
            exchange.body.seek(0)
            about.append(("WARC-Block-Digest", measured.block_digest))
            _append(stream, "response", response_id, about, exchange.body, measured.size, exchange.head)
        else:
            head = b"" if unchanged else exchange.head
            about += [
                ("WARC-Profile", NOT_MODIFIED if unchanged else PROFILE),
                ("WARC-Refers-To-Target-URI", original.target_uri),
                ("WARC-Refers-To-Date", original.date),
                ("WARC-Block-Digest", sha256(head)),
            ]
            _append(stream, "revisit", response_id, about, io.BytesIO(), 0, head)
        length = stream.tell() - offset
        concurrent = [*common, ("WARC-Concurrent-To", response_id)]
        sent = [*concurrent, ("WARC-Block-Digest", sha256(exchange.request))]
        _append(stream, "request", _new_id(), sent, io.BytesIO(), 0, exchange.request)
        about_both = list(notes)
        if unchanged:
            about_both.insert(0, f"not-modified: {json.dumps(exchange.head.decode('latin-1'))}")
        if exchange.interim:
            about_both.insert(0, f"interim: {json.dumps(exchange.interim.decode('latin-1'))}")
        if about_both:
            block = _lines(about_both).encode("utf-8", "replace")
            _append_block(stream, "metadata", _new_id(), concurrent, block, "application/warc-fields")
        kind = "response" if original is None else "revisit"
        return Written(type=kind, warc=self._name, offset=offset, length=length, date=date)

    def sync(self) -> dict[str, int]:
        """Bring what was appended to the disk; the sizes to commit."""
        if self._file is None:
            return {}
        self._file.flush()
        os.fsync(self._file.fileno())
        return {self._name: self._file.tell()}

    @property
    def full(self) -> bool:
        """Whether the present file is to be followed by another one."""
        return self._file is not None and self._file.tell() >= self._roll_at

    def roll(self) -> None:
        """After a commit: close a file that is full under its final name."""
        if self.full:
            self._close_file()

    def finish(self) -> None:
        """After the last commit: the last file gets its final name."""
        if self._file is not None:
            self._close_file()

    def abandon(self) -> None:
        """Close without a final name, for a later resume. What cannot be written any more was not committed."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _current(self) -> BinaryIO:
        if self._file is not None:
            return self._file
        self._name = f"{self._prefix}-{self._number:05d}.warc.gz"
        self._number += 1
        self._file = stream = (self._folder / f"{self._name}.open").open("wb")
        _sync_folder(self._folder)
        self._warcinfo = _new_id()
        headers = [("WARC-Filename", self._name), ("WARC-Date", iso(datetime.now(UTC)))]
        _append_block(stream, "warcinfo", self._warcinfo, headers, _fields(self._info), "application/warc-fields")
        return stream

    def _reopen(self, path: Path, size: int) -> None:
        self.abandon()
        self._name = path.name.removesuffix(".open")
        self._file = path.open("r+b")
        self._file.truncate(size)
        self._file.seek(size)
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
        warcinfo = companion_id(path.name, info, date)
        _append_block(stream, "warcinfo", warcinfo, headers, _fields(info), "application/warc-fields")
        yield stream.write
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def conversion(item: Conversion, warcinfo: str) -> bytes:
    """The gzip member of one `conversion` record. Its id is derived from the content: the same item gives the same
    bytes."""
    date = iso(item.date)
    record_id = _derived_id(item.target_uri, f"{item.refers_to} {date}", item.digest.encode())
    head = (
        f"{VERSION}\r\nWARC-Type: conversion\r\nWARC-Record-ID: {record_id}\r\nWARC-Target-URI: {item.target_uri}\r\n"
        f"WARC-Date: {date}\r\nWARC-Refers-To: {item.refers_to}\r\nWARC-Warcinfo-ID: {warcinfo}\r\n"
        f"WARC-Block-Digest: {item.digest}\r\nContent-Type: {item.content_type}\r\nContent-Length: {len(item.body)}\r\n\r\n"
    )
    # By hand: warcio takes four times as long as the compression.
    deflater = zlib.compressobj(2, 8, 31)
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
                yield stored(headers, block, path, offset, length)
        except (ArchiveLoadFailed, EOFError, ValueError, AttributeError, TypeError, zlib.error) as error:
            raise Refused([damage(path, records.offset, "warc-unreadable", str(error).strip())]) from None
        finally:
            records.close()


def _append(
    stream: BinaryIO,
    record_type: str,
    record_id: str,
    headers: Sequence[tuple[str, str]],
    payload: BinaryIO,
    length: int,
    head: bytes = b"",
    content_type: str = "",
) -> None:
    """One record as a gzip member of its own: `head`, then `length` bytes of `payload` (ISO 28500 §4).

    Written here and not by warcio, which parses and prints headers anew: every byte is as it was received, at a
    third of the time.
    """
    about = [
        ("WARC-Type", record_type),
        ("WARC-Record-ID", record_id),
        *headers,
        ("Content-Type", content_type or f"application/http; msgtype={_HTTP[record_type]}"),
        ("Content-Length", str(len(head) + length)),
    ]
    lines = _lines([f"{name}: {value}" for name, value in about])
    packed = zlib.compressobj(2, 8, 31)
    piece = f"{VERSION}\r\n{lines}\r\n".encode() + head
    while length > 0:
        more = payload.read(min(length, _PIECE))
        if not more:
            raise ValueError("the payload is shorter than its length")
        length -= len(more)
        if length:
            stream.write(packed.compress(piece + more))
            piece = b""
        else:
            piece += more
    stream.write(packed.compress(piece + b"\r\n\r\n") + packed.flush())


def _lines(said: Sequence[str]) -> str:
    """One line each, whatever line ends a text from outside holds."""
    lines = "".join([f"{one}\r\n" for one in said])
    if lines.count("\n") != len(said) or lines.count("\r") != len(said):
        lines = "".join([f"{one.translate(_NO_LINE_ENDS)}\r\n" for one in said])
    return lines


def _append_block(
    stream: BinaryIO,
    record_type: str,
    record_id: str,
    headers: Sequence[tuple[str, str]],
    block: bytes,
    content_type: str,
) -> None:
    digest = sha256(block)
    about = [*headers, ("WARC-Block-Digest", digest)]
    _append(stream, record_type, record_id, about, io.BytesIO(block), len(block), content_type=content_type)


def _fields(info: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in info.items() if value).encode()


def _new_id() -> str:
    """A random UUID (RFC 9562 §5.4), in a fifth of the time that `uuid` takes."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"<urn:uuid:{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}>"


def _derived_id(name: str, more: str, content: bytes) -> str:
    # A UUID of version 5 (RFC 9562 §5.5), written out here: the object that the library makes takes as long again.
    text = f"{name} {more} {sha256(content)}"
    mark = hashlib.sha1(_NAMESPACE.bytes + text.encode(), usedforsecurity=False).hexdigest()
    return (
        f"<urn:uuid:{mark[:8]}-{mark[8:12]}-5{mark[13:16]}-{'89ab'[int(mark[16], 16) & 3]}{mark[17:20]}-{mark[20:32]}>"
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
