"""A segment: static files that answer which of its documents hold a pair of characters, and where (docs/search.md).

Documents are numbered in the order in which they are shown, newest first. Of each pair of UTF-16 code units a list says
in which documents it stands, at which places (modulo 128), and whose title holds it. Lists of rare pairs lie together in
shards by a hash of the pair; a frequent pair has a file of its own and its places lie apart, some of its documents a
file; `heavy.bin` says how frequent it is. The bytes follow from the documents alone: not from how many of them are looked
at together, nor from how many processes look.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from sitegen.search import units

HEAVY = 2000
"""A pair that stands more often than this has a file of its own; where documents are many, than once in `SPREAD` of them:
`heavy.bin`, which every query reads, stays small."""
SPREAD = 12
FEW = 64
"""A pair of so few documents has no file of its own: what stands beside a base is ten files at most."""
SHARD = 24_000
"""Bytes of a shard before it is deflated, on average."""
BLOCK = 22
"""Documents whose facts lie in one file: a third of those that may stand beside a base."""
PLACES = 1_000, 8_000
"""Places of a frequent pair in one file, about, each a byte: the newest documents in the smallest file, each next one
twice as large, up to a limit."""
CHUNK = 500_000
"""Characters that are looked at together."""
RANGES = 256
"""Keys are cut by the first eight bits of their hash, so that the lists of a part of the pairs can be made alone."""
RANGE = 1_000_000
"""Keys that are made into lists at a time: eight bytes each, and some forty while they are looked at."""
MAX_DOCUMENTS = 1 << 25
_PLACE = np.uint64(127)
_HASH = np.uint32(2654435761)
_NONE = np.uint64((1 << 64) - 1)

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Keys = np.ndarray[Any, np.dtype[np.uint64]]
"""Sorted, each once: hash of a pair (32 bits), document (25), place modulo 128 (7)."""
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Documents = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What can be found, as it is shown."""

    title: str = ""
    number: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The keys of some documents. `title`: of their titles and numbers, without places; `units`: how long the folded
    texts are."""

    body: Keys
    title: Keys
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The files of a part of the pairs, as (name, bytes), and its frequent pairs: (hash, in how many documents)."""

    files: list[tuple[str, bytes]]
    frequent: list[tuple[int, int]]


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _packed(*parts: bytes) -> bytes:
    """Lists hold no repetitions but runs of ones: to look for others takes ten times as long and makes them larger. Each of
    the `parts` has a code of its own."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_RLE)
    packed = [packer.compress(part) + packer.flush(zlib.Z_BLOCK) for part in parts[:-1]]
    return b"".join([*packed, packer.compress(parts[-1]), packer.flush()])


def facts_files(documents: Iterable[Sequence[Any] | orjson.Fragment], first: int = 0) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files that hold what results show. `first`: the number of the first document, which a file
    begins with."""
    listed = list(documents)
    for start in range(0, len(listed), BLOCK):
        yield f"m/{(first + start) // BLOCK:x}.bin", deflated(orjson.dumps(listed[start : start + BLOCK]))


def index_files(documents: Sequence[Document], bits: int | None = None) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the shards, the files of frequent pairs and `heavy.bin`. `bits`: of the number of shards; None:
    as many as `bits_for` says. The names of shards are numbers in hexadecimal."""
    runs = list(runs_of(documents, 0))
    length = sum(run.units for run in runs)
    bits = bits_for(length) if bits is None else bits
    count = parts_for(length, bits)
    cuts = [(cut(run.body), cut(run.title)) for run in runs]
    frequent: list[tuple[int, int]] = []
    for number in range(count):
        low, high = number * RANGES // count, (number + 1) * RANGES // count
        body = [run.body[b[low] : b[high]] for run, (b, _t) in zip(runs, cuts, strict=True)]
        title = [run.title[t[low] : t[high]] for run, (_b, t) in zip(runs, cuts, strict=True)]
        part = part_of(body, title, number=number, parts=count, bits=bits, documents=len(documents))
        yield from part.files
        frequent += part.frequent
    yield heavy_file(frequent)


def bits_for(length: int) -> int:
    """So many that a shard is `SHARD` bytes: a unit of text takes about two."""
    bits = 0
    while length * 1.5 / (1 << bits) > SHARD and bits < 16:
        bits += 1
    return bits


def parts_for(length: int, bits: int) -> int:
    """Into how many parts the pairs of so long a text are cut: a part has whole shards."""
    count = 1
    while length / count > RANGE and count < min(RANGES, 1 << bits):
        count *= 2
    return count


# --- from texts to keys ----------------------------------------------------------------------------------------------


def runs_of(documents: Iterable[Document], first: int) -> Iterator[Run]:
    """The keys of documents that are numbered from `first`; of `CHUNK` characters at a time, that memory is bounded."""
    waiting: list[str] = []
    size = 0
    for document in documents:
        waiting += [document.title, document.number, document.body]
        size += len(document.body)
        if size > CHUNK:
            yield _run(waiting, first)
            first += len(waiting) // 3
            waiting, size = [], 0
    if waiting:
        yield _run(waiting, first)


def _run(texts: Sequence[str], first: int) -> Run:
    """`texts`: title, number, body of each document. What lies between texts is in no pair."""
    text = units.folded(texts)
    gaps = np.flatnonzero(text == 0)
    starts = np.concatenate([[0], gaps[2::3] + 1])
    length = len(text) - len(starts) + 1
    empty = np.zeros(0, np.uint64)
    if len(text) < 2:
        return Run(body=empty, title=empty, units=length)
    lengths = np.diff(np.append(starts, len(text)))
    numbers = np.arange(first, first + len(starts), dtype=np.uint32)
    places = np.arange(len(text), dtype=np.uint32) - np.repeat(starts.astype(np.uint32), lengths)
    places &= np.uint32(127)
    places |= np.repeat(numbers << np.uint32(7), lengths)
    wide = text.astype(np.uint32)
    keys = np.empty((len(text) - 1, 2), "<u4")
    keys[:, 0] = places[:-1]
    np.multiply((wide[:-1] << np.uint32(16)) | wide[1:], _HASH, out=keys[:, 1])
    body = keys.view("<u8").ravel()
    for edge in (gaps - 1, gaps):
        body[edge[(edge >= 0) & (edge < len(body))]] = _NONE
    in_title = np.zeros(len(text), np.bool_)
    for start, end in zip(starts.tolist(), gaps[1::3].tolist(), strict=True):
        in_title[start:end] = True
    title = (body[in_title[:-1]] | _PLACE) ^ _PLACE
    return Run(body=_sorted(body), title=_sorted(title), units=length)


def _sorted(keys: Keys) -> Keys:
    """In order, each once, without those that stand for nothing (with or without a place)."""
    keys.sort()
    keys = keys[: np.searchsorted(keys, _NONE ^ _PLACE)]
    fresh: Keys = keys[_first(keys)]
    return fresh


def cut(keys: Keys) -> list[int]:
    """Where each of the `RANGES` begins, and the end."""
    edges = np.arange(RANGES, dtype=np.uint64) << np.uint64(56)
    return [*np.searchsorted(keys, edges).tolist(), len(keys)]


def lay_down(path: Path, run: Run) -> None:
    """Write a run to a disk: the keys of the bodies, then those of the titles."""
    with path.open("wb") as file:
        run.body.tofile(file)
        run.title.tofile(file)


def take_up(path: str, low: int, high: int, numbers: Documents) -> Keys:
    """Some keys of what was laid down, by their numbers in the file. `numbers`: of its documents in the segment."""
    keys = np.fromfile(path, np.dtype("<u8"), high - low, offset=8 * low)
    halves = keys.view("<u4")[::2]
    documents = numbers[halves >> np.uint32(7)]
    halves &= np.uint32(127)
    halves |= documents << np.uint32(7)
    return keys


def lay_numbers(path: Path, numbers: Sequence[int]) -> None:
    np.array(numbers, np.dtype("<u4")).tofile(path)


def take_numbers(path: Path) -> Documents:
    return np.fromfile(path, np.dtype("<u4"))


# --- from keys to files ----------------------------------------------------------------------------------------------


def part_of(body: Sequence[Keys], title: Sequence[Keys], *, number: int, parts: int, bits: int, documents: int) -> Part:
    """The part `number` of `parts`. `body`, `title`: its keys, from one or more runs; `documents`: how many the segment
    has."""
    of_body, of_title = _Lists(_merged(body)), _Lists(_merged(title))
    own = np.flatnonzero((of_body.occurrences > max(HEAVY, documents // SPREAD)) & (of_body.counts > FEW))
    files: list[tuple[str, bytes]] = []
    frequent: list[tuple[int, int]] = []
    for gram in own.tolist():
        frequent.append((int(of_body.hashes[gram]), int(of_body.counts[gram])))
        files += _frequent(of_body, gram, of_title)
    skipped = np.flatnonzero(np.isin(of_title.hashes, of_body.hashes[own]))
    shards = (1 << bits) // parts
    edges = np.arange(number * shards, (number + 1) * shards + 1, dtype=np.uint64) << np.uint64(32 - bits)
    rest = zip(of_body.packed(edges, own, places=True), of_title.packed(edges, skipped, places=False), strict=True)
    for shard, (low, high) in enumerate(rest, start=number * shards):
        files.append((f"s/{shard:x}.bin", _packed(low + high)))
    return Part(files=files, frequent=frequent)


def heavy_file(frequent: Iterable[tuple[int, int]]) -> tuple[str, bytes]:
    """How many frequent pairs, their hashes (steps), how many documents each has, in sixty-fourths."""
    listed = sorted(frequent)
    hashes = np.array([value for value, _ in listed], np.uint64)
    counts = np.array([count // 64 for _, count in listed], np.uint64)
    steps = np.diff(hashes, prepend=np.uint64(0))
    data = varint(len(listed)) + varints(steps)[0].tobytes() + varints(counts)[0].tobytes()
    return "heavy.bin", _packed(data)


def _merged(runs: Sequence[Keys]) -> Keys:
    keys: Keys = np.concatenate([np.zeros(0, np.uint64), *runs])
    keys.sort()
    return keys


def _frequent(body: _Lists, gram: int, title: _Lists) -> Iterator[tuple[str, bytes]]:
    """The files of one pair: its documents and those in whose title it stands; and some of its documents at a time, with the
    places in each. The first of these tells with which document each of them ends, but for the last one."""
    value, count = int(body.hashes[gram]), int(body.counts[gram])
    found = int(np.searchsorted(title.hashes, value))
    has = found < len(title.hashes) and title.hashes[found] == value
    parts = [varint(count), body.documents(gram, gram + 1)]
    parts += [varint(int(title.counts[found])), title.documents(found, found + 1)] if has else [varint(0)]
    yield f"h/{value:x}.bin", _packed(b"".join(parts))
    ends, blocks = body.blocks(gram)
    head = varint(len(ends)) + varints(np.diff(ends, prepend=-1))[0].tobytes()
    for number, (documents, places) in enumerate(blocks):
        yield f"p/{value:x}-{number:x}.bin", _packed(head + documents, places)
        head = b""


class _Lists:
    """Lists of documents by pair, from keys."""

    def __init__(self, keys: Keys) -> None:
        postings = keys >> np.uint64(7)
        at = np.flatnonzero(_first(postings))
        places = (keys & _PLACE).astype(np.uint8)
        places[np.append(at[1:], len(keys))[: len(at)] - 1] |= 128
        postings = postings[at]
        hashes = (postings >> np.uint64(25)).astype(np.uint32)
        documents = postings.astype(np.uint32) & np.uint32(MAX_DOCUMENTS - 1)
        starts = np.flatnonzero(_first(hashes))
        steps = documents.copy()
        steps[1:] -= documents[:-1]
        steps[starts] = documents[starts] + np.uint32(1)
        packed, packed_at = _with_places(steps)
        bounds = np.append(starts, len(postings))
        self.hashes = hashes[starts].astype(np.uint64)
        self.counts = np.diff(bounds)
        self._packed, self._places = packed, places
        self._documents, self._packed_at = documents, packed_at
        self._documents_at = packed_at[bounds]
        self._bounds, self._at = bounds, np.append(at, len(keys))
        self.occurrences = np.diff(self._at[bounds])

    def documents(self, low: int, high: int) -> bytes:
        """Steps from document to document (the first one from -1), of the pairs `low` to `high`."""
        return self._packed[self._documents_at[low] : self._documents_at[high]].tobytes()

    def places(self, low: int, high: int) -> bytes:
        """A byte for each occurrence: its place modulo 128, and 128 with the last one of a document."""
        return self._places[self._at[self._bounds[low]] : self._at[self._bounds[high]]].tobytes()

    def blocks(self, gram: int) -> tuple[Numbers, list[tuple[bytes, bytes]]]:
        """The places of a pair, cut between documents: the last document of each block but the last one, and of each how
        many documents it has, with their steps, and the places."""
        at = self._at[self._bounds[gram] : self._bounds[gram + 1] + 1]
        cuts, (size, limit) = [0], PLACES
        while cuts[-1] < len(at) - 1:
            cuts.append(min(int(np.searchsorted(at, at[cuts[-1]] + size)), len(at) - 1))
            size = min(2 * size, limit)
        first = self._bounds[gram]
        steps = self._packed_at[first : first + len(at)]
        return self._documents[first + np.array(cuts[1:-1], np.int64) - 1].astype(np.int64), [
            (
                varint(high - low) + self._packed[steps[low] : steps[high]].tobytes(),
                self._places[at[low] : at[high]].tobytes(),
            )
            for low, high in itertools.pairwise(cuts)
        ]

    def packed(self, edges: Keys, without: Numbers, *, places: bool) -> Iterator[bytes]:
        """Of the pairs from each edge to the next: how many, their hashes (steps from the edge), how many documents each
        has, the documents, the places. The pairs `without` (sorted) are left out."""
        picked = np.delete(np.arange(len(self.hashes)), without)
        hashes = self.hashes[picked]
        at = np.searchsorted(hashes, edges)
        steps = np.diff(hashes, prepend=np.uint64(0))
        begun = np.flatnonzero(np.diff(at))
        steps[at[begun]] = hashes[at[begun]] - edges[begun]
        packed_steps, steps_at = _with_places(steps)
        packed_counts, counts_at = _with_places(self.counts[picked])
        whole, out = np.searchsorted(self.hashes, edges), np.searchsorted(without, np.searchsorted(self.hashes, edges))
        for shard in range(len(edges) - 1):
            low, high = int(at[shard]), int(at[shard + 1])
            gaps = without[out[shard] : out[shard + 1]].tolist()
            stretches = list(zip([whole[shard], *(gap + 1 for gap in gaps)], [*gaps, whole[shard + 1]], strict=True))
            parts = [
                varint(high - low),
                packed_steps[steps_at[low] : steps_at[high]].tobytes(),
                packed_counts[counts_at[low] : counts_at[high]].tobytes(),
                *[self.documents(*stretch) for stretch in stretches],
                *[self.places(*stretch) for stretch in stretches if places],
            ]
            yield b"".join(parts)


def _with_places(values: np.ndarray[Any, Any]) -> tuple[Bytes, Numbers]:
    """`varints`, and where each one begins, and the end."""
    packed, lengths = varints(values)
    return packed, np.append(0, np.cumsum(lengths, dtype=np.int64))


def _first(values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a run of equal values begins."""
    fresh = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return fresh


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def varints(values: np.ndarray[Any, Any]) -> tuple[Bytes, Bytes]:
    """Seven bits a byte, the lowest first, 128 where more follow; and how many bytes each one takes."""
    values = values.astype(np.uint32, copy=False)
    widest = int(values.max()) if len(values) else 0
    columns = max(1, -(-widest.bit_length() // 7))
    lengths = np.ones(len(values), np.uint8)
    if columns == 1:
        return values.astype(np.uint8), lengths
    word = np.dtype(f"<u{1 << (columns - 1).bit_length()}")
    words = (values & np.uint32(127)).astype(word)
    used = np.zeros((len(values), word.itemsize), np.bool_)
    used[:, 0] = True
    for column in range(1, columns):
        more = values >= np.uint32(1 << 7 * column)
        bits = ((values >> np.uint32(7 * column)) & np.uint32(127)).astype(word)
        words |= (bits << word.type(8 * column)) | (more.astype(word) << word.type(8 * column - 1))
        used[:, column] = more
        lengths += more
    return words.view(np.uint8)[used.ravel()], lengths
