"""Index lines made from WARC and ARC files themselves, ours or another tool's, without their frontier."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from archive import canon
from archive.text import _
from archive.warcs import cdxj
from archive.warcs.cdxj import Entry
from sitegen.errors import Problem, Refused

# ISA-L inflates 15,000 members (98 MB) in 0.6 s, zlib in 0.8; FastWARC, which would be one more library to
# keep, in 0.45; cdxj-indexer takes 2.4 s for the same file.
_zlib: Any = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")
_INDEXED = frozenset({b"response", b"revisit", b"resource", b"metadata"})
_HTTP = frozenset({b"response", b"revisit"})
_LONGEST_HEAD = 1 << 20
_READ = 1 << 16
_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_LENGTH = re.compile(rb"^Content-Length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)
_TYPE = re.compile(rb"^WARC-Type[ \t]*:[ \t]*(?:response|revisit|resource|metadata)", re.I | re.M)
_FIELD = re.compile(
    rb"^(WARC-Type|WARC-Target-URI|WARC-Date|WARC-Payload-Digest|Content-Type)[ \t]*:([^\r\n]*)",
    re.I | re.M,
)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_STATUS = re.compile(rb"HTTP/\S*[ \t]+([^ \r\n]*)", re.I)
_MIME = re.compile(rb"^Content-Type[ \t]*:([^\r\n]*)", re.I | re.M)


class _DamagedError(Exception):
    """What is wrong with the present record."""


def entries(path: Path) -> Iterator[Entry]:
    """A line for each response, revisit, resource and metadata record, in the file's order: those that
    cdxj-indexer gives, in a fraction of its time. Bodies are streamed, never held (ARC excepted).

    Raises Refused where the file cannot be read (`warc-unreadable`).
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP
        stream.seek(0)
        source = _Members(stream) if packed else _Plain(stream)
        try:
            if source.begin() and not source.buffer.startswith(b"WARC/"):
                yield from _of_arc(path)
                return
            while source.begin():
                if entry := _read(source, path.name):
                    yield entry
        except _DamagedError as error:
            raise _refused(path, source.offset, str(error)) from None


def at(path: Path, offset: int) -> tuple[Entry | None, int]:
    """(the line of the record whose gzip member begins at `offset`, if an index has one; the member's length).

    Raises Refused (`warc-unreadable`).
    """
    with path.open("rb") as stream:
        stream.seek(offset)
        source = _Members(stream)
        try:
            if not source.begin():
                raise _DamagedError(_("the file ends within a record"))
            entry = _read(source, path.name)
        except _DamagedError as error:
            raise _refused(path, offset, str(error)) from None
        return entry, source.offset - offset


class _Plain:
    """Records one after another. `buffer` holds bytes of the present one that were not taken yet, `offset` is
    where it begins in the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.buffer, self.offset = stream, b"", stream.tell()

    def begin(self) -> bool:
        """Whether there is another record."""
        return bool(self.buffer) or self.fill()

    def fill(self) -> bool:
        """Get more of the record into the buffer; False at its end."""
        piece = self._stream.read(_READ)
        self.buffer += piece
        return bool(piece)

    def end(self) -> int:
        """Leave a record that was read whole; its length in the file, the line ends behind it not counted."""
        length = self._stream.tell() - len(self.buffer) - self.offset
        while not (left := self.buffer.lstrip(b"\r\n")) and self.fill():
            pass
        self.buffer = left
        self.offset = self._stream.tell() - len(left)
        return length

    def head(self) -> bytes:
        """Take what stands before the next empty line, and that."""
        while (end := _head_end(self.buffer)) < 0:
            if len(self.buffer) > _LONGEST_HEAD or not self.fill():
                raise _DamagedError(_("the record has no end of its head"))
        head, self.buffer = self.buffer[:end], self.buffer[end:]
        return head

    def take(self, length: int) -> Iterator[bytes]:
        """Take the block piece by piece."""
        while length > 0:
            if not self.buffer and not self.fill():
                raise _DamagedError(_("the file ends within a record"))
            piece, self.buffer = self.buffer[:length], self.buffer[length:]
            length -= len(piece)
            yield piece


class _Members(_Plain):
    """A gzip member for each record."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._data = b""
        self._gzip: Any = None

    def begin(self) -> bool:
        if self.buffer:
            return True
        self._data = self._data or self._stream.read(_READ)
        if not self._data:
            return False
        self._gzip = _zlib.decompressobj(31)
        return self.fill()

    def fill(self) -> bool:
        while not self._gzip.eof:
            self._data = self._data or self._stream.read(_READ)
            if not self._data:
                raise _DamagedError(_("the file ends within a record"))
            try:
                piece = self._gzip.decompress(self._data, _PIECE)
            except _zlib.error as error:
                raise _DamagedError(_("the gzip member is damaged ({error})").format(error=error)) from None
            self._data = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
            if piece:
                self.buffer += piece
                return True
        return False

    def end(self) -> int:
        while self.buffer or self.fill():
            if self.buffer.strip(b"\r\n"):
                raise _DamagedError(_("a gzip member holds more than one record"))
            self.buffer = b""
        begun, self.offset = self.offset, self._stream.tell() - len(self._data)
        return self.offset - begun


def _read(source: _Plain, filename: str) -> Entry | None:
    """Take the next record; its line, when it is one of an index."""
    head = source.head()
    if not head.startswith(b"WARC/"):
        raise _DamagedError(_("no WARC record begins here"))
    if (length := _LENGTH.search(head)) is None:
        raise _DamagedError(_("the record has no Content-Length"))
    block, offset = source.take(int(length[1])), source.offset
    facts = None
    if _TYPE.search(head) and _is_indexed(about := _fields(head)):
        facts = _facts(about, block)
    for _piece in block:
        pass
    size = source.end()
    return facts if facts is None else Entry(**facts, length=size, offset=offset, filename=filename)


def _fields(head: bytes) -> dict[bytes, bytes]:
    """Those of a record's fields that an index is made of; the first of each name."""
    if b"\n " in head or b"\n\t" in head:
        head = _FOLD.sub(b" ", head)
    # The last in a list of pairs wins in a dict.
    return {name.lower(): value.strip() for name, value in reversed(_FIELD.findall(head))}


def _is_indexed(about: Mapping[bytes, bytes]) -> bool:
    """The fields that a crawler notes beside a page are no document."""
    kind = about.get(b"warc-type")
    noted = kind in (b"resource", b"metadata") and about.get(b"content-type") == b"application/warc-fields"
    return kind in _INDEXED and not noted


def _facts(about: Mapping[bytes, bytes], block: Iterator[bytes]) -> dict[str, str]:
    """What an Entry says of a record, apart from its place; takes as much of the block as it must."""
    kind, url = about[b"warc-type"], _text(about.get(b"warc-target-uri", b""))
    url = (url[1:-1] if url.startswith("<") and url.endswith(">") else url).replace(" ", "%20")
    read, end = b"", 0
    if kind in _HTTP and url.startswith(("http:", "https:")):
        read, end = _http_head(block)
    revisit = kind == b"revisit"
    mime = _MIME.search(read, 0, end) if kind == b"response" else None
    said = mime[1] if mime else b"" if kind == b"response" else about.get(b"content-type", b"")
    status = _STATUS.match(read, 0, end)
    return {
        "key": canon.surt(url),
        "timestamp": cdxj.timestamp(_text(about.get(b"warc-date", b""))),
        "url": url,
        "mime": "warc/revisit" if revisit else "".join(_text(said).partition(";")[0].split()[:1]),
        "status": _text(status[1]) if status else "",
        "digest": _text(about.get(b"warc-payload-digest", b"")) or ("" if revisit else _sha1(read[end:], block)),
    }


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _http_head(block: Iterator[bytes]) -> tuple[bytes, int]:
    """(what was read of the block, where the HTTP head in it ends)."""
    read = b""
    for piece in block:
        read += piece
        if (end := _head_end(read)) >= 0:
            return read, end
        if len(read) > _LONGEST_HEAD:
            break
    return read, len(read)


def _head_end(data: bytes) -> int:
    """Behind the first empty line, -1 where there is none. (A pattern takes four times as long.)"""
    ends = data.find(b"\n\r\n")
    bare = data.find(b"\n\n", 0, ends if ends >= 0 else len(data))
    return bare + 2 if bare >= 0 else ends + 3 if ends >= 0 else -1


def _sha1(rest: bytes, block: Iterator[bytes]) -> str:
    """As other tools name a payload that has no digest of its own."""
    digest = hashlib.sha1(rest, usedforsecurity=False)
    for piece in block:
        digest.update(piece)
    return f"sha1:{base64.b32encode(digest.digest()).decode()}"


def _of_arc(path: Path) -> Iterator[Entry]:
    from archive.warcs import warc  # with warcio and all it needs: three times as much as an index of a WARC loads

    for record in warc.iterate(path):
        about = {name.lower().encode(): value.encode() for name, value in record.headers}
        if _is_indexed(about):
            facts = _facts(about, iter([record.block]))
            yield Entry(**facts, offset=record.offset, length=record.length, filename=path.name)


def _refused(path: Path, offset: int, text: str) -> Refused:
    return Refused(
        [
            Problem(
                path=path.as_posix(),
                code="warc-unreadable",
                key=f"offset {offset}",
                message=text,
                remedy=_("run `archive repair {file}`").format(file=path.name),
            )
        ]
    )
