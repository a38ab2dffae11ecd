"""Mending a damaged WARC file: every record that can still be read goes into a new file, every loss is named."""

from __future__ import annotations

import mmap
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from archive import message
from archive.text import _
from archive.warcs import foreign, records, sources
from archive.warcs.digests import Digester, algorithm
from archive.warcs.records import zlib
from sitegen.errors import Problem, Refused

_PIECE = 1 << 20
_LITTLE = 64
_HEADER_AT_MOST = 1 << 20
_BEGINS = re.compile(rb"WARC/\d\.\d+[ \t]*")
_CONTINUES = re.compile(rb"(?:[^:\s][^:]*:.*|[ \t].*)?", re.S)
_RATIO_AT_MOST = 200
_SMALL = 100 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Bytes from `start` up to `end` that are in no record of the new file; `url` when the record's header can be
    read. `unpacked_at`: the range counts within what the gzip member at that offset unpacks to."""

    start: int
    end: int
    url: str
    reason: str
    unpacked_at: int | None = None


@dataclass(slots=True, kw_only=True)
class RepairReport:
    """`recovered`: records in `output`; `doubtful`: those among them (URL, else type) whose digest is false, or that
    come out of a stretch whose gzip checksum is: their header, or where no digest proves it their block, may be
    damaged."""

    file: Path
    output: Path
    recovered: int = 0
    lost: list[Lost] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        found = [self._lost(one) for one in self.lost]
        for url in self.doubtful:
            text = _("{url} was recovered, but a digest or checksum is false: it may be damaged").format(url=url)
            found.append(self._problem("repair-doubtful", text, None))
        return found

    def as_json(self) -> dict[str, object]:
        return {
            "file": self.file.as_posix(),
            "output": self.output.as_posix(),
            "recovered": self.recovered,
            "lost": [asdict(one) for one in self.lost],
            "doubtful": self.doubtful,
            "problems": [problem.as_json() for problem in self.problems],
        }

    def _lost(self, one: Lost) -> Problem:
        text = _("bytes {start} to {end} are lost ({reason}); {url}").format(
            start=one.start, end=one.end, reason=one.reason, url=one.url or _("their URL is not known")
        )
        where = one.start if one.unpacked_at is None else one.unpacked_at
        return self._problem("repair-lost", text, f"offset {where}")

    def _problem(self, code: str, text: str, key: str | None) -> Problem:
        remedy = _("look for another copy of the file; capture the URL again while the site answers")
        return Problem(path=self.file.as_posix(), code=code, severity="warning", key=key, message=text, remedy=remedy)


def repair(file: Path, output: Path | None = None) -> RepairReport:
    """Write what can be read of `file` to `output` (default: `NAME.repaired.warc.gz` beside it), a gzip member for
    each record; `file` itself is only read.

    Raises Refused when `output` is there already, when `file` cannot be read, or when there is no record in it.
    """
    output = output or file.with_name(f"{_stem(file.name)}.repaired.warc.gz")
    if output.exists():
        raise _refused(output, "repair-output-exists", _("the file is there already"), _("name another --output"))
    report = RepairReport(file=file, output=output)
    temporary = output.with_name(f"{output.name}.open")
    try:
        with file.open("rb") as stream, temporary.open("wb") as out:
            _mend(report, stream, out)
            sources.sync(out)
        if not report.recovered:
            raise _refused(
                file, "repair-nothing", _("there is no record in the file"), _("look for another copy of it")
            )
        temporary.replace(output)
    except OSError as error:
        raise _refused(file, "repair-unreadable", str(error), _("correct the path")) from None
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _mend(report: RepairReport, stream: BinaryIO, out: BinaryIO) -> None:
    """By how the file begins; one of the first bytes may be the damaged one."""
    begins = stream.read(9)
    if begins.startswith(b"filedesc:"):
        stream.seek(0)
        _mend_arc(report, stream, out)
    elif begins[:1] == b"\x1f" or begins[1:2] == b"\x8b":
        _mend_members(report, stream, out)
    else:
        _mend_plain(report, stream, out)


def _stem(name: str) -> str:
    return re.sub(r"\.w?arc(?:\.gz)?$", "", name)


def _mend_members(report: RepairReport, stream: BinaryIO, out: BinaryIO) -> None:
    """Whole members are copied byte for byte. A damaged stretch is unpacked as far as it goes: several records may
    lie in one member, and a flipped byte of its checksum harms no record."""
    for checked in records.check(report.file, foreign=True):
        if checked.type != "damaged":
            _copy(stream, checked.offset, checked.length, out)
            report.recovered += 1
            if checked.problems:
                report.doubtful.append(checked.target_uri or checked.type)
            continue
        with tempfile.TemporaryFile() as unpacked:
            sound = _unpack(stream, checked.offset, checked.length, unpacked)
            inside = RepairReport(file=report.file, output=report.output)
            _mend_plain(inside, unpacked, out, sound=sound)
        report.recovered += inside.recovered
        report.doubtful += inside.doubtful
        reason = checked.problems[0].message
        if not inside.recovered:
            url = next((lost.url for lost in inside.lost if lost.url), "")
            end = checked.offset + checked.length
            report.lost.append(Lost(start=checked.offset, end=end, url=url, reason=reason))
            continue
        report.lost += [
            Lost(start=lost.start, end=lost.end, url=lost.url, reason=lost.reason, unpacked_at=checked.offset)
            for lost in inside.lost
        ]


def _unpack(stream: BinaryIO, offset: int, length: int, unpacked: IO[bytes]) -> bool:
    """Write what a stretch unpacks to until the damage; whether there was none. Where the damage is in the gzip
    header, what stands behind its usual ten bytes is tried."""
    if _inflate(stream, offset, length, unpacked, 31):
        return True
    if not unpacked.tell() and length > 10:
        _inflate(stream, offset + 10, length - 10, unpacked, -15)
    return False


def _inflate(stream: BinaryIO, offset: int, length: int, unpacked: IO[bytes], window: int) -> bool:
    """In small pieces, the last ones byte by byte: an error takes with it what its own piece would have given, and
    the checksum comes last. A bomb is cut."""
    stream.seek(offset)
    left, most = length, max(_SMALL, _RATIO_AT_MOST * length)
    unpacker = zlib.decompressobj(window)
    try:
        while left > 0 and unpacked.tell() <= most:
            step = 1 if left <= _LITTLE else min(_LITTLE if length < _PIECE else _LITTLE << 6, left - _LITTLE)
            data = stream.read(step)
            left -= step
            while data:
                unpacked.write(unpacker.decompress(data))
                if unpacker.eof and window < 0:
                    return False  # what follows is no deflate stream, but a checksum
                data = unpacker.unused_data if unpacker.eof else b""
                if unpacker.eof and (data or left):
                    unpacker = zlib.decompressobj(window)
    except zlib.error:
        return False
    return bool(unpacker.eof) and left == 0


def _mend_plain(report: RepairReport, stream: IO[bytes], out: BinaryIO, *, sound: bool = True) -> None:
    """`sound`: no checksum says that the bytes are false. Else every record is doubtful, for its digest does not prove
    its header; it is lost when its digest is false, and when it has none and is the last: there the damage is."""
    size = stream.seek(0, os.SEEK_END)
    if not size:
        return
    with mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ) as data:
        lost_from, reason, url = 0, "", ""
        for found in _plausible(data):
            if found.start < lost_from:
                continue
            why = found.fault(data, sound)
            if why:
                if not reason:
                    reason, url = why, found.url
                continue
            report.lost += _lost(data, lost_from, found.start, url, reason)
            sources.write_record(out, found.header, _pieces(data, found.block, found.end))
            report.recovered += 1
            if not (sound and found.is_true(data)):
                report.doubtful.append(found.url or found.kind)
            lost_from, reason, url = found.end, "", ""
        report.lost += _lost(data, lost_from, size, url, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A record's head that can be one: where it starts, where its block does, and where that ends."""

    start: int
    block: int
    end: int
    header: bytes
    fields: message.Fields

    @property
    def url(self) -> str:
        return (message.field(self.fields, "WARC-Target-URI") or "").strip("<>")

    @property
    def kind(self) -> str:
        return message.field(self.fields, "WARC-Type") or ""

    def fault(self, data: mmap.mmap, sound: bool) -> str:
        """Why the record cannot be taken; empty when it can."""
        if self.end > len(data):
            return _("the file ends within a record")
        after = data[self.end : self.end + 64]
        rest = after.lstrip(b"\r\n")
        follows = not rest or rest.startswith(b"WARC/")
        if not follows and not (after.startswith(b"\r\n\r\n") and self.is_stated and self.is_true(data)):
            return _("the record does not end where its Content-Length says")
        if not sound and not (self.is_true(data) if self.is_stated else rest):
            return _("the gzip member is damaged ({error})").format(error="CRC")
        return ""

    def is_true(self, data: mmap.mmap) -> bool:
        """No digest of the block is false."""
        said = self._said()
        if not said:
            return True
        digester = Digester([said])
        for piece in _pieces(data, self.block, self.end):
            digester.update(piece)
        return digester.agrees(said)

    @property
    def is_stated(self) -> bool:
        return bool(self._said())

    def _said(self) -> str:
        said = message.field(self.fields, "WARC-Block-Digest") or ""
        return said if algorithm(said) else ""


def _plausible(data: mmap.mmap) -> Iterator[_Head]:
    """Every place where a record's head may begin: at a line's start, with a type and a length."""
    at = data.find(b"WARC/")
    while at >= 0:
        head = _head_at(data, at) if at == 0 or data[at - 1 : at] == b"\n" else None
        if head is not None:
            yield head
        at = data.find(b"WARC/", at + 1)


def _head_at(data: mmap.mmap, at: int) -> _Head | None:
    """Line by line, so that a file of nothing but false heads costs no more than its length."""
    lines: list[bytes] = []
    block = at
    while not lines or lines[-1]:
        end = data.find(b"\n", block, at + _HEADER_AT_MOST)
        line = data[block:end].rstrip(b"\r") if end >= 0 else b"?"
        if not (_CONTINUES if lines else _BEGINS).fullmatch(line):
            return None
        lines.append(line)
        block = end + 1
    header = b"\r\n".join([*lines, b""])
    fields = records.parse_fields(header)
    length = message.field(fields, "Content-Length") or ""
    if not message.field(fields, "WARC-Type") or not re.fullmatch(r"[0-9]{1,18}", length):
        return None
    return _Head(start=at, block=block, end=block + int(length), header=header, fields=fields)


def _pieces(data: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _PIECE):
        yield data[at : min(at + _PIECE, end)]


def _lost(data: mmap.mmap, start: int, end: int, url: str, reason: str) -> list[Lost]:
    """What lies between two records, if it is more than the empty lines that belong there."""
    while start < end and data[start] in b"\r\n":
        start += 1
    return [Lost(start=start, end=end, url=url, reason=reason or _("no record begins here"))] if start < end else []


def _copy(stream: BinaryIO, offset: int, length: int, out: BinaryIO) -> None:
    stream.seek(offset)
    while length > 0:
        piece = stream.read(min(length, _PIECE))
        out.write(piece)
        length -= len(piece)


def _mend_arc(report: RepairReport, stream: BinaryIO, out: BinaryIO) -> None:
    """An ARC file has no marks to find the next record by: what stands before the damage is kept, as WARC."""
    written = 0
    try:
        for incoming in foreign.records(stream, report.file.name):
            sources.write_record(out, incoming.header, incoming.block)
            report.recovered += 1
            written = out.tell()
    except foreign.Unreadable as error:
        out.seek(written)
        out.truncate()
        size = report.file.stat().st_size
        report.lost.append(Lost(start=min(error.offset, size), end=size, url="", reason=error.text))


def _refused(path: Path, code: str, text: str, remedy: str) -> Refused:
    return Refused([Problem(path=path.as_posix(), code=code, message=text, remedy=remedy)])
