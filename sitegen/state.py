"""What the last build made and what it read, in SQLite: a cache that may be deleted at any time, never a source."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sitegen.errors import Problem

SCHEMA = 3

_TABLES = """
create table meta (name text primary key, value text not null) without rowid;
create table page (
    file text primary key, key text not null, digest text not null, facts text not null
) without rowid;
create table plain (file text primary key, digest text not null) without rowid;
create table target (path text primary key) without rowid;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One rendered page: `key` of its inputs, `digest` of its bytes, and what rendering read and found."""

    file: str
    key: str
    digest: str
    source: str
    reads: Mapping[str, bool]
    anchors: tuple[str, ...]
    anchor_links: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    release: str
    """Empty: nothing is remembered."""
    pages: Mapping[str, Made]
    plain: Mapping[str, str]


NOTHING = Remembered(release="", pages={}, plain={})


class State:
    """One writer at a time. An unreadable, truncated or older file is replaced by an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
            version = connection.execute("pragma user_version").fetchone()[0]
            healthy = version in {0, SCHEMA} and connection.execute("pragma quick_check").fetchone()[0] == "ok"
            if version == 0 and healthy:
                connection.executescript(f"begin; {_TABLES} pragma user_version={SCHEMA}; commit;")
        except sqlite3.DatabaseError:
            healthy = False
        if healthy:
            return connection
        connection.close()
        for leftover in self._path.parent.glob(self._path.name + "*"):
            leftover.unlink()
        return self._open()

    def close(self) -> None:
        self._connection.close()

    def remembered(self) -> Remembered:
        try:
            return self._remembered()
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError):
            return NOTHING

    def _remembered(self) -> Remembered:
        rows = self._connection.execute("select value from meta where name = 'release'").fetchone()
        pages = {
            file: _made(file, key, digest, json.loads(facts))
            for file, key, digest, facts in self._connection.execute("select file, key, digest, facts from page")
        }
        plain = dict(self._connection.execute("select file, digest from plain"))
        return Remembered(release=rows[0] if rows else "", pages=pages, plain=plain)

    def set_targets(self, paths: set[str]) -> None:
        """The paths under content/ that a link may lead to, for the workers to look up."""
        with self._transaction() as connection:
            known = {path for (path,) in connection.execute("select path from target")}
            connection.executemany("insert into target values (?)", [(path,) for path in sorted(paths - known)])
            connection.executemany("delete from target where path = ?", [(path,) for path in sorted(known - paths)])

    def remember(self, release: str, pages: Iterable[Made], plain: Mapping[str, str]) -> None:
        """Replace everything remembered, in one transaction."""
        with self._transaction() as connection:
            connection.execute("delete from page")
            connection.execute("delete from plain")
            connection.executemany("insert into page values (?, ?, ?, ?)", [_row(made) for made in pages])
            connection.executemany("insert into plain values (?, ?)", sorted(plain.items()))
            connection.execute("insert or replace into meta values ('release', ?)", (release,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("begin immediate")
        try:
            yield self._connection
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise


class Targets:
    """A worker's view of the link targets: one look-up a question, nothing held in memory."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def __contains__(self, path: object) -> bool:
        return self._connection.execute("select 1 from target where path = ?", (path,)).fetchone() is not None

    def close(self) -> None:
        self._connection.close()


def _row(made: Made) -> tuple[str, str, str, str]:
    facts = {
        "source": made.source,
        "reads": made.reads,
        "anchors": made.anchors,
        "anchor_links": made.anchor_links,
        "problems": [problem.as_json() for problem in made.problems],
    }
    return made.file, made.key, made.digest, json.dumps(facts, ensure_ascii=False)


def _made(file: str, key: str, digest: str, facts: dict[str, list[list[str]]]) -> Made:
    return Made(
        file=file,
        key=key,
        digest=digest,
        source=str(facts["source"]),
        reads=dict(facts["reads"]),  # type: ignore[arg-type]
        anchors=tuple(facts["anchors"]),  # type: ignore[arg-type]
        anchor_links=tuple((path, anchor) for path, anchor in facts["anchor_links"]),
        problems=tuple(Problem(**problem) for problem in facts["problems"]),  # type: ignore[arg-type]
    )
