"""Bring the service's database up to the live release: only what changed is indexed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sitegen import files, output
from sitegen.city import City
from sitegen.config import Project
from sitegen.search import shards
from sitegen.search.database import Row, Writer
from sitegen.search.texts import Entry, Texts
from sitegen.state.shelf import Shelf


def database(project: Project) -> Path:
    return project.state / "search.sqlite"


def refresh(project: Project, city: City, writer: Writer) -> int:
    """How many documents were indexed. The old answers are given until this is done."""
    release = output.live_release(project)
    if not release or writer.release() == release:
        return 0
    tree = project.releases / release
    shelf = Shelf.open(project.state / "build.sqlite")
    try:

        def markup(file: str) -> bytes | None:
            with contextlib.suppress(OSError):
                return files.read(f"{tree}/{file}")
            return None

        now = {entry.path: entry for entry in shards.current(shelf)}
        old = {entry.path: entry for entry in shards.archived(shelf, city)}
        known = writer.digests()
        wanted = [entry for entry in (*now.values(), *old.values()) if known.get(entry.path) != entry.digest]
        lost: list[Entry] = []
        rows = _rows(wanted, shelf, Texts(shelf, city, markup), city, frozenset(old), lost)
        gone = known.keys() - now.keys() - old.keys()
        return writer.update(rows, sorted(gone), lambda: "" if lost else release)
    finally:
        shelf.close()


def _rows(
    wanted: list[Entry], shelf: Shelf, texts: Texts, city: City, old: frozenset[str], lost: list[Entry]
) -> Iterator[Row]:
    stands = shelf.bodies_of([entry.file for entry in wanted if not entry.site])
    listed = texts.texts([(entry, stands.get(entry.file)) for entry in wanted])
    for entry, text in zip(wanted, listed, strict=True):
        if text is None:  # another build is at work; the next look will find it
            lost.append(entry)
            continue
        column = city.columns.get(text.column)
        yield Row(
            path=entry.path,
            digest=entry.digest,
            stamp=entry.stamp,
            archived=entry.path in old,
            site=column.site if column else text.column,
            year=entry.year,
            text=text,
        )
