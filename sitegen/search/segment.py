"""A segment: static files that answer which of its documents hold a pair of characters, and where (docs/search.md).

Documents are numbered in the order in which they are shown, newest first. Of each pair of UTF-16 code units a list says
in which documents it stands, at which places (modulo 32), and whose title holds it. Lists of rare pairs lie together in
shards by a hash of the pair; a frequent pair has a file of its own, and `heavy.bin` says how frequent it is. The bytes
follow from the documents alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

HEAVY = 1200
"""A pair that stands in more documents than this has a file of its own."""
SHARD = 24_000
"""Bytes of a shard before it is deflated, on average."""
BLOCK = 32
"""Documents whose facts lie in one file."""
PASS = 24_000_000
"""Pairs that are sorted at a time: eight bytes each, and as much again while they are looked at."""
MAX_DOCUMENTS = 1 << 27
_HASH = np.uint32(2654435761)

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`text` and `title` are folded; the title stands in the text too. `facts`: JSON, what a result shows."""

    text: str
    title: str
    facts: list[Any]


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def facts_files(documents: Sequence[Document]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files that hold what results show."""
    for start in range(0, len(documents), BLOCK):
        block = [document.facts for document in documents[start : start + BLOCK]]
        yield f"m/{start // BLOCK:x}.bin", deflated(orjson.dumps(block))


def index_files(documents: Sequence[Document], bits: int | None = None) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the shards, the files of frequent pairs and `heavy.bin`. `bits`: of the number of shards; None:
    as many as `bits_for` says. The names of shards are numbers in hexadecimal."""
    texts, titles = _Units([d.text for d in documents]), _Units([d.title for d in documents])
    bits = bits_for(len(texts.units)) if bits is None else bits
    passes = 1
    while len(texts.units) / passes > PASS:
        passes *= 2
    frequent: list[tuple[int, int]] = []
    for number in range(passes):
        yield from _some(texts, titles, number, passes, bits, frequent)
    yield "heavy.bin", deflated(_dictionary(frequent))


def bits_for(units: int) -> int:
    """So many that a shard is `SHARD` bytes: a unit of text takes about two."""
    bits = 0
    while units * 1.5 / (1 << bits) > SHARD and bits < 16:
        bits += 1
    return bits


class _Units:
    """The UTF-16 code units of all texts, one after the other."""

    def __init__(self, texts: Sequence[str]) -> None:
        data = [np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16) for text in texts]
        self.lengths = np.array([len(units) for units in data], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])[:-1] if data else self.lengths
        self.units = np.concatenate(data) if data else np.zeros(0, np.uint16)

    def pairs(self, number: int, passes: int) -> Iterator[Words]:
        """Pieces of the keys of one pass: hash, document, place modulo 32."""
        for first in range(0, len(self.lengths), 2000):
            lengths = self.lengths[first : first + 2000]
            start = int(self.starts[first])
            units = self.units[start : start + int(lengths.sum())].astype(np.uint32)
            if len(units) < 2:
                continue
            hashes = ((units[:-1] << np.uint32(16)) | units[1:]) * _HASH
            document = np.repeat(np.arange(first, first + len(lengths), dtype=np.uint64), lengths)
            place = np.arange(len(units), dtype=np.uint64) - np.repeat(
                (self.starts[first : first + len(lengths)] - start).astype(np.uint64), lengths
            )
            keep = document[1:] == document[:-1]
            if passes > 1:
                keep &= (hashes >> np.uint32(33 - passes.bit_length())) == number
            key = (document[:-1] << np.uint64(5)) | (place[:-1] & np.uint64(31))
            yield (hashes[keep].astype(np.uint64) << np.uint64(32)) | key[keep]

    def sorted_pairs(self, number: int, passes: int) -> Words:
        keys: Words = np.concatenate([np.zeros(0, np.uint64), *self.pairs(number, passes)])
        keys.sort()
        fresh: Words = keys[_first(keys)]
        return fresh


def _some(
    texts: _Units, titles: _Units, number: int, passes: int, bits: int, frequent: list[tuple[int, int]]
) -> Iterator[tuple[str, bytes]]:
    """The files of one pass; the frequent pairs that it meets are noted."""
    body = _Lists(texts.sorted_pairs(number, passes))
    title_keys = titles.sorted_pairs(number, passes) >> np.uint64(5)
    title = _Lists(title_keys[_first(title_keys)] << np.uint64(5))
    total = len(texts.lengths)
    own = np.flatnonzero(body.counts > HEAVY)
    for gram in own.tolist():
        value, count = int(body.hashes[gram]), int(body.counts[gram])
        frequent.append((value, count))
        found = int(np.searchsorted(title.hashes, np.uint64(value)))
        has = found < len(title.hashes) and int(title.hashes[found]) == value
        placed = count <= total // 4
        parts = [varint(1 if placed else 0), varint(count), body.documents(gram, gram + 1)]
        parts += [body.places(gram, gram + 1)] if placed else []
        parts += [varint(int(title.counts[found])), title.documents(found, found + 1)] if has else [varint(0)]
        yield f"h/{value:x}.bin", deflated(b"".join(parts))
    light, light_title = body.without(body.hashes[own]), title.without(body.hashes[own])
    shards = 1 << bits
    first, last = number * shards // passes, (number + 1) * shards // passes
    edges = np.arange(first, last + 1, dtype=np.uint64) << np.uint64(32 - bits)
    at, title_at = np.searchsorted(light.hashes, edges), np.searchsorted(light_title.hashes, edges)
    for offset in range(max(last - first, 1)):
        low, high = (at[offset], at[offset + 1]) if last > first else (0, len(light.hashes))
        title_low, title_high = title_at[offset : offset + 2]
        base = int(edges[offset])
        raw = light.packed(int(low), int(high), base, places=True)
        raw += light_title.packed(int(title_low), int(title_high), base, places=False)
        yield f"s/{first + offset:x}.bin", deflated(raw)


class _Lists:
    """Lists of documents by pair, from sorted keys."""

    def __init__(self, keys: Words) -> None:
        self._keys = keys
        postings = keys >> np.uint64(5)
        fresh = _first(postings)
        at = np.flatnonzero(fresh)
        self._occurrences = np.append(at, len(keys))
        postings = postings[at]
        hashes, documents = postings >> np.uint64(27), postings & np.uint64(MAX_DOCUMENTS - 1)
        starts = np.flatnonzero(_first(hashes))
        self.hashes = hashes[starts]
        self._starts = np.append(starts, len(postings))
        self.counts = np.diff(self._starts)
        steps = documents.copy()
        steps[1:] -= documents[:-1]
        steps[starts] = documents[starts] + np.uint64(1)
        self._packed, ends = varints(steps)
        self._ends = np.concatenate([[0], ends])
        places = (keys & np.uint64(31)).astype(np.uint8)
        places[self._occurrences[1:] - 1] |= 32
        self._places = places

    def documents(self, low: int, high: int) -> bytes:
        """Steps from document to document (the first one from -1), of the pairs `low` to `high`."""
        return self._packed[self._ends[self._starts[low]] : self._ends[self._starts[high]]].tobytes()

    def places(self, low: int, high: int) -> bytes:
        """A byte for each occurrence: its place modulo 32, and 32 with the last one of a document."""
        return self._places[self._occurrences[self._starts[low]] : self._occurrences[self._starts[high]]].tobytes()

    def without(self, hashes: Words) -> _Lists:
        if not len(hashes):
            return self
        return _Lists(self._keys[~np.isin(self._keys >> np.uint64(32), hashes)])

    def packed(self, low: int, high: int, base: int, *, places: bool) -> bytes:
        """How many pairs, their hashes (steps from `base`), how many documents each has, the documents, the places."""
        hashes = np.diff(self.hashes[low:high], prepend=np.uint64(base))
        parts = [varint(high - low), varints(hashes)[0].tobytes()]
        parts += [varints(self.counts[low:high].astype(np.uint64))[0].tobytes(), self.documents(low, high)]
        return b"".join([*parts, self.places(low, high)] if places else parts)


def _dictionary(frequent: list[tuple[int, int]]) -> bytes:
    """How many frequent pairs, their hashes (steps), how many documents each has, in sixty-fourths."""
    listed = sorted(frequent)
    hashes = np.array([value for value, _ in listed], np.uint64)
    counts = np.array([count // 64 for _, count in listed], np.uint64)
    steps = np.diff(hashes, prepend=np.uint64(0))
    return varint(len(listed)) + varints(steps)[0].tobytes() + varints(counts)[0].tobytes()


def _first(values: Words) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a run of equal values begins."""
    fresh = np.ones(len(values), np.bool_)
    fresh[1:] = values[1:] != values[:-1]
    return fresh


def varint(value: int) -> bytes:
    return varints(np.array([value], np.uint64))[0].tobytes()


def varints(values: Words) -> tuple[Bytes, np.ndarray[Any, np.dtype[np.int64]]]:
    """Seven bits a byte, the lowest first, 128 where more follow; and where each one ends."""
    lengths = np.ones(len(values), np.int64)
    for bits in (7, 14, 21, 28):
        lengths += values >= np.uint64(1 << bits)
    ends = np.cumsum(lengths)
    packed = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    starts = ends - lengths
    for number in range(5):
        some = lengths > number
        if not some.any():
            break
        byte = ((values[some] >> np.uint64(7 * number)) & np.uint64(127)).astype(np.uint8)
        packed[starts[some] + number] = byte | ((lengths[some] > number + 1).astype(np.uint8) << 7)
    return packed, ends
