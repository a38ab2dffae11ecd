"""The files of a segment made by all processes: texts to keys, keys to a disk, a part of the keys to its files.

A process reads some texts and lays down their keys, cut by ranges (`segment.RANGES`); then a process takes a part of
the ranges from all that was laid down. So nobody holds more than a part, and no text goes over a pipe.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sitegen import crew, files, output
from sitegen.search.texts import Entry, Stands, Text, Texts
from sitegen.state.shelf import Shelf

if TYPE_CHECKING:
    from sitegen.city import City
    from sitegen.crew import Crew
    from sitegen.search.segment import Document

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
    """What is told of a document without its text. `facts`: what results show; empty: its page could not be read."""

    facts: Sequence[Any] = ()
    column: str = ""
    kind: str = ""
    validity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A file of keys: those of the bodies, then those of the titles; where each range of them begins (in keys)."""

    path: str
    body: Sequence[int]
    title: Sequence[int]
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Documents from the number `first` on, each with what the build remembers of its page."""

    first: int
    entries: Sequence[tuple[Entry, Stands | None]]
    spool: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    shown: list[Shown]
    laid: list[Laid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a segment to be made: the ranges from `low` to `high` of all that was laid down."""

    folder: str
    laid: Sequence[tuple[str, tuple[int, int], tuple[int, int]]]
    """File, and which of its keys (numbers): of the bodies, of the titles."""
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

    def read(self, entries: Sequence[tuple[Entry, Stands | None]]) -> Sheet:
        """Lay down the keys of the documents of a segment."""
        self._spool.mkdir(parents=True)  # output.stage removed what a killed build left there
        batches = [
            Batch(first=start, entries=entries[start : start + BATCH], spool=self._spool)
            for start in range(0, len(entries), BATCH)
        ]
        whole = Sheet(shown=[], laid=[])
        for sheet in self._workers.run(_read, batches, _halves, _unread, few=len(batches) < 2):
            whole.shown.extend(sheet.shown)
            whole.laid.extend(sheet.laid)
        return whole

    def press(self, folder: str, sheet: Sheet, bits: int) -> None:
        """Write the files of the index of a segment below `folder`, from what was laid down last."""
        from sitegen.search import segment

        units = sum(one.units for one in sheet.laid)
        count = segment.parts_for(units, bits)
        parts = (_part(folder, sheet, number, count, bits) for number in range(count))
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


def _part(folder: str, sheet: Sheet, number: int, count: int, bits: int) -> Part:
    from sitegen.search.segment import RANGES

    low, high = number * RANGES // count, (number + 1) * RANGES // count
    return Part(
        folder=folder,
        laid=[(one.path, (one.body[low], one.body[high]), (one.title[low], one.title[high])) for one in sheet.laid],
        number=number,
        parts=count,
        bits=bits,
        documents=len(sheet.shown),
    )


# --- in any process --------------------------------------------------------------------------------------------------


def _put(file: str, data: bytes) -> tuple[str, str, bool]:
    setup: Setup = crew.common()
    return file, files.sha256(data), output.put(setup.staged, file, data, setup.base)


def _read(batch: Batch) -> Sheet:
    from sitegen.search import segment  # with numpy: an edit that touches no text has no use for it

    shown: list[Shown] = []
    laid: list[Laid] = []
    for run in segment.runs_of(_documents(batch, shown), batch.first):
        path = batch.spool / f"{batch.first}-{len(laid)}"
        segment.lay_down(path, run)
        title = [len(run.body) + place for place in segment.cut(run.title)]
        laid.append(Laid(path=str(path), body=segment.cut(run.body), title=title, units=run.units))
    return Sheet(shown=shown, laid=laid)


def _documents(batch: Batch, shown: list[Shown]) -> Iterator[Document]:
    """A page that cannot be read keeps its number and is found by nothing."""
    from sitegen.search.segment import Document

    texts = _texts(crew.common())
    for text in texts.texts(batch.entries):
        shown.append(_shown(text))
        yield Document(title=text.title, number=text.number, body=text.body) if text else Document()


def _shown(text: Text | None) -> Shown:
    if text is None:
        return Shown()
    return Shown(facts=text.facts, column=text.column, kind=text.kind, validity=text.validity)


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

    made = segment.part_of(
        [segment.take_up(path, *body) for path, body, _title in part.laid],
        [segment.take_up(path, *title) for path, _body, title in part.laid],
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
