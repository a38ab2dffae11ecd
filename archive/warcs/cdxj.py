"""The index `index.cdxj`: where the record of a URL lies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import BinaryIO

from archive import canon
from sitegen.files import write_atomic

_BETWEEN_DIGITS = dict.fromkeys(map(ord, "-:TZ. "))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One line: SURT key, timestamp (UTC), fields as cdxj-indexer writes them."""

    key: str
    timestamp: str
    url: str
    mime: str
    status: str
    digest: str
    length: int
    offset: int
    filename: str


def timestamp(date: str) -> str:
    """`YYYYMMDDHHMMSS` of a WARC-Date."""
    return date.translate(_BETWEEN_DIGITS)[:14]


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Sorted bytewise, atomically."""
    write_atomic(path, b"".join(lines(entries)))


def lines(entries: Iterable[Entry]) -> list[bytes]:
    """Each entry's line, sorted bytewise."""
    return sorted(map(_line, entries))


def read(path: Path) -> Iterator[Entry]:
    """Raises ValueError on a line that is none of an index."""
    with path.open("rb") as stream:
        for line in stream:
            yield _entry(line)


def lookup(path: Path, url: str) -> list[Entry]:
    """Entries of exactly this URL, oldest first, by binary search in the file.

    The key is pywb's, which knows no difference between `/A%2Fb` and `/a/b`: several resources may share one,
    and only `url` tells them apart.
    """
    wanted = canon.surt(url).encode() + b" "
    found = []
    with path.open("rb") as stream:
        stream.seek(_first_at_least(stream, wanted, path.stat().st_size))
        for line in stream:
            if not line.startswith(wanted):
                break
            entry = _entry(line)
            if entry.url == url:
                found.append(entry)
    return found


def _first_at_least(stream: BinaryIO, wanted: bytes, size: int) -> int:
    """Offset of the first line not less than `wanted`."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        stream.seek(middle)
        if middle:
            stream.seek(middle - 1)
            stream.readline()
        start = stream.tell()
        line = stream.readline()
        if start >= high or not line or line >= wanted:
            high = middle
        else:
            low = start + len(line)
    return low


def _line(entry: Entry) -> bytes:
    # A dict of its own for each line would take three times as long.
    said = "".join(
        f'"{name}": {quoted(value)}, '
        for name, value in (
            ("url", entry.url),
            ("mime", entry.mime),
            ("status", entry.status),
            ("digest", entry.digest),
        )
        if value
    )
    place = f'"length": "{entry.length}", "offset": "{entry.offset}", "filename": {quoted(entry.filename)}'
    return f"{entry.key} {entry.timestamp} {{{said}{place}}}\n".encode()


def _entry(line: bytes) -> Entry:
    key, timestamp, fields = line.decode().split(" ", 2)
    values = json.loads(fields)
    return Entry(
        key=key,
        timestamp=timestamp,
        url=values["url"],
        mime=values.get("mime", ""),
        status=values.get("status", ""),
        digest=values.get("digest", ""),
        length=int(values["length"]),
        offset=int(values["offset"]),
        filename=values["filename"],
    )
