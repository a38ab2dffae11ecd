"""The files of a segment made by all processes: texts to keys, keys to a disk, a part of the keys to its files.

A process reads some texts and lays down their keys, cut by ranges (`segment.RANGES`); then a process takes a part of
the ranges from all that was laid down. So nobody holds more than a part, and no text goes over a pipe. Where there is
no base yet, pages are laid down as soon as they are rendered (`Basket`); that is a head start and nothing else: what was
not laid down, or is not what stands in the release, is read from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson

from sitegen import crew, files, output
from sitegen.search.texts import Entry, Stands, Text, Texts
from sitegen.state.shelf import Shelf

if TYPE_CHECKING:
    from sitegen.city import City
    from sitegen.crew import Crew

BATCH = 256
"""Documents that a process reads at a time."""


class Setup(Protocol):
    """What a process needs to know of the build (`render.worker.Setup`)."""

    @property
    def state(self) -> Path: ...
    @property
    def staged(self) -> Path: ...
    @property
    def base(self) -> Path | None: ...
    def city(self, *, articles: Shelf) -> City: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is told of a document without its text. `facts`: what results show, as JSON, for a process holds those of all
    documents; empty: its page could not be read."""

    facts: bytes = b"[]"
    column: str = ""
    kind: str = ""
    validity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A file of keys: those of the bodies, then those of the titles; where each range of them begins (in keys). It
    numbers the documents of its sheet from 0."""

    path: str
    body: Sequence[int]
    title: Sequence[int]
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Documents, each with what the build remembers of its page. `first`: names the batch."""

    first: int
    entries: Sequence[tuple[Entry, Stands | None]]
    spool: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    shown: list[Shown]
    laid: list[Laid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """What was laid down while pages were rendered. `marks`: of each document (`_mark`)."""

    marks: list[bytes]
    sheet: Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All documents of a segment. `shown`: in their order; `laid`: each with the place of its first document in `numbers`,
    the file that says which number in the segment each of the documents has."""

    shown: list[Shown]
    laid: list[tuple[int, Laid]]
    numbers: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a segment to be made: the ranges from `low` to `high` of all that was laid down."""

    folder: str
    laid: Sequence[tuple[str, int, tuple[int, int], tuple[int, int]]]
    """File, where its documents begin in `numbers`, and which of its keys (numbers): of the bodies, of the titles."""
    numbers: Path
    number: int
    parts: int
    bits: int
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`files`: (file, digest, whether the base tree has the same bytes)."""

    files: list[tuple[str, str, bool]]
    frequent: list[tuple[int, int]]


class Before(Protocol):
    """What the last release has of the search (`state.State`): files with their digests, and what a folder holds."""

    def plain_below(self, prefix: str) -> dict[str, str]: ...
    def plain_in(self, folder: str) -> list[str]: ...
    def plain_digests(self, files: Iterable[str]) -> dict[str, str]: ...


class Press:
    """Writes what a build publishes of the search, and knows in the end what changed. `root`: its folder in a release;
    `spool`: a folder for what is written on the way. What stays is not looked at: it is a third of all files."""

    def __init__(self, workers: Crew, spool: Path, root: str, before: Before) -> None:
        self._workers, self._spool, self._root, self._before = workers, spool, root, before
        self.early: list[Early] = []
        self._known: dict[str, dict[str, str]] = {}
        self._kept: set[str] = set()
        self._wanted: set[str] = set()
        self.digests: dict[str, str] = {}
        """Of files that are new or other than before."""
        self.all_shared = True

    def gone(self) -> set[str]:
        found: set[str] = set()
        for name in self._before.plain_in(self._root):
            if name.removesuffix("/") not in self._kept:
                found |= self._before.plain_below(name).keys()
        return found - self._wanted

    def keep(self, folder: str) -> None:
        self._kept.add(folder)

    def put(self, file: str, data: bytes) -> None:
        self._note([_put(file, data)])

    def read(self, entries: Sequence[tuple[Entry, Stands | None]]) -> Whole:
        """Lay down the keys of the documents of a segment, but for those that were laid down early."""
        from sitegen.search import segment

        self._spool.mkdir(parents=True, exist_ok=True)  # output.stage removed what a killed build left there
        places = {
            _mark(entry.path, stands[0]): number
            for number, (entry, stands) in enumerate(entries)
            if stands and not entry.site
        }
        numbers: list[int] = []
        sheets: list[Sheet] = []
        for early in self.early:
            found = [places[mark] for mark in early.marks if mark in places]
            if len(found) == len(early.marks):
                numbers += found
                sheets.append(early.sheet)
        self.early = []
        laid = set(numbers)
        rest = [number for number in range(len(entries)) if number not in laid]
        batches = [
            Batch(first=start, entries=[entries[n] for n in rest[start : start + BATCH]], spool=self._spool)
            for start in range(0, len(rest), BATCH)
        ]
        numbers += rest
        sheets += self._workers.run(_read, batches, _halves, _unread, few=len(batches) < 2)
        whole = Whole(shown=[Shown()] * len(entries), laid=[], numbers=self._spool / "numbers")
        segment.lay_numbers(whole.numbers, numbers)
        place = 0
        for sheet in sheets:
            whole.laid.extend([(place, one) for one in sheet.laid])
            for number, shown in zip(numbers[place : place + len(sheet.shown)], sheet.shown, strict=True):
                whole.shown[number] = shown
            place += len(sheet.shown)
        return whole

    def press(self, folder: str, whole: Whole, bits: int) -> None:
        """Write the files of the index of a segment below `folder`, from what was laid down last."""
        from sitegen.search import segment

        units = sum(one.units for _place, one in whole.laid)
        count = segment.parts_for(units, bits)
        parts = (_part(folder, whole, number, count, bits) for number in range(count))
        frequent: list[tuple[int, int]] = []
        for written in self._workers.run(_press, parts, lambda part: [], _press, few=count < 2):
            self._note(written.files)
            frequent += written.frequent
        name, data = segment.heavy_file(frequent)
        self.put(f"{folder}/{name}", data)
        shutil.rmtree(self._spool, ignore_errors=True)

    def _note(self, made: Iterable[tuple[str, str, bool]]) -> None:
        for file, digest, shared in made:
            self._wanted.add(file)
            if self._digest_before(file) != digest:
                self.digests[file] = digest
                self.all_shared = self.all_shared and shared

    def _digest_before(self, file: str) -> str | None:
        folder = file.rpartition("/")[0]
        if folder == self._root:
            return self._before.plain_digests([file]).get(file)
        if folder not in self._known:
            self._known[folder] = self._before.plain_below(f"{folder}/")
        return self._known[folder].get(file)


def _part(folder: str, whole: Whole, number: int, count: int, bits: int) -> Part:
    from sitegen.search.segment import RANGES

    low, high = number * RANGES // count, (number + 1) * RANGES // count
    return Part(
        folder=folder,
        laid=[
            (one.path, place, (one.body[low], one.body[high]), (one.title[low], one.title[high]))
            for place, one in whole.laid
        ],
        numbers=whole.numbers,
        number=number,
        parts=count,
        bits=bits,
        documents=len(whole.shown),
    )


# --- in any process --------------------------------------------------------------------------------------------------


def _put(file: str, data: bytes) -> tuple[str, str, bool]:
    setup: Setup = crew.common()
    return file, files.sha256(data), output.put(setup.staged, file, data, setup.base)


def _read(batch: Batch) -> Sheet:
    texts = list(_texts(crew.common()).texts(batch.entries))
    return _lay_down(texts, batch.spool / f"{batch.first}")


def _lay_down(texts: Sequence[Text | None], path: Path) -> Sheet:
    """A page that cannot be read keeps its number and is found by nothing."""
    from sitegen.search import segment  # with numpy: an edit that touches no text has no use for it

    laid: list[Laid] = []
    documents = [
        segment.Document(title=text.title, number=text.number, body=text.body) if text else segment.Document()
        for text in texts
    ]
    for run in segment.runs_of(documents, 0):
        file = path.with_name(f"{path.name}-{len(laid)}")
        segment.lay_down(file, run)
        title = [len(run.body) + place for place in segment.cut(run.title)]
        laid.append(Laid(path=str(file), body=segment.cut(run.body), title=title, units=run.units))
    return Sheet(shown=[_shown(text) for text in texts], laid=laid)


def _mark(source: str, digest: str) -> bytes:
    """Stands for a page of a source: short, for a process holds those of all."""
    return hashlib.blake2b(f"{source} {digest}".encode(), digest_size=12).digest()


class Basket:
    """Where a process that renders pages puts their texts. They are laid down by the hundred, for each file is opened for
    each part of the pairs; what is left over in the end is read from the release."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._texts: list[Text] = []
        self._marks: list[bytes] = []

    def put(self, source: str, digest: str, text: Text) -> None:
        """`digest`: of the page."""
        self._texts.append(text)
        self._marks.append(_mark(source, digest))

    def take(self) -> list[Early]:
        """What is laid down by now and was not taken yet."""
        if len(self._texts) < BATCH:
            return []
        name = f"{os.getpid()}-{self._marks[0].hex()}"
        early = Early(marks=self._marks, sheet=_lay_down(self._texts, self._spool / name))
        self._texts, self._marks = [], []
        return [early]


def _shown(text: Text | None) -> Shown:
    if text is None:
        return Shown()
    column, kind, validity = map(sys.intern, (text.column, text.kind, text.validity))
    return Shown(facts=orjson.dumps(text.facts), column=column, kind=kind, validity=validity)


def _halves(batch: Batch) -> list[Batch]:
    middle = len(batch.entries) // 2
    if not middle:
        return []
    return [
        Batch(first=batch.first, entries=batch.entries[:middle], spool=batch.spool),
        Batch(first=batch.first + middle, entries=batch.entries[middle:], spool=batch.spool),
    ]


def _unread(batch: Batch) -> Sheet:
    return Sheet(shown=[Shown() for _ in batch.entries], laid=[])


def _press(part: Part) -> Written:
    from sitegen.search import segment

    numbers = segment.take_numbers(part.numbers)
    made = segment.part_of(
        [segment.take_up(path, *body, numbers[place:]) for path, place, body, _title in part.laid],
        [segment.take_up(path, *title, numbers[place:]) for path, place, _body, title in part.laid],
        number=part.number,
        parts=part.parts,
        bits=part.bits,
        documents=part.documents,
    )
    written = [_put(f"{part.folder}/{name}", data) for name, data in made.files]
    return Written(files=written, frequent=made.frequent)


_open: tuple[Setup, Shelf, Texts] | None = None


def _texts(setup: Setup) -> Texts:
    """This process's view of the texts of the build it serves."""
    global _open
    if _open is None or _open[0] is not setup:
        close()
        shelf = Shelf.open(setup.state)
        trees = [setup.staged, *([setup.base] if setup.base is not None else [])]

        def markup(file: str) -> bytes | None:
            for tree in trees:
                with contextlib.suppress(OSError):
                    return files.read(f"{tree}/{file}")
            return None

        _open = (setup, shelf, Texts(shelf, setup.city(articles=shelf), markup))
    return _open[2]


def close() -> None:
    """End with the state file; a process that lives longer than one build calls this after each."""
    global _open
    if _open is not None:
        _open[1].close()
        _open = None
