"""The index of the service: pairs of characters as words of SQLite's FTS5, brought up to date from the release.

A text is stored as its overlapping pairs, so that a phrase of pairs is a substring: FTS5 keeps their places and finds
exactly the texts that hold it. Each pair is one token of characters that no tokenizer takes apart.
"""

from __future__ import annotations

import itertools
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from sitegen.search.texts import Text

_TABLES = """
create table meta (name text primary key, value text not null) without rowid;
create table document (
    id integer primary key, path text not null unique, digest text not null, stamp real not null,
    archived integer not null, site text not null, section text not null, kind text not null, validity text not null,
    year text not null, facts text not null, body blob not null
);
create index document_order on document (archived, stamp desc, path);
create virtual table pair using fts5(title, body, content='', tokenize='ascii', columnsize=0);
pragma user_version=1;
"""
FACETS = {"year": "year", "site": "site", "column": "section", "kind": "kind", "validity": "validity"}
"""Name in a query → column of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One document. `site`: path of the site it belongs to."""

    path: str
    digest: str
    stamp: float
    archived: bool
    site: str
    year: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`terms` and `phrase` as `folding` gives them; `filters`: name of a facet → value."""

    terms: tuple[str, ...]
    phrase: str
    scope: str = "now"
    by_date: bool = False
    filters: Mapping[str, str]
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`count`: of all; `hits`: (facts, body, archived) of one page."""

    count: int
    hits: Sequence[tuple[list[str], str, bool]]


def words(text: str) -> str:
    """A folded text as its pairs. ASCII and what separates words move to a private range, so that a pair stays one."""
    moved = text.translate(_MOVED)
    return " ".join([first + second for first, second in itertools.pairwise(moved)])


class _Moved(dict[int, str]):
    """Beyond the Basic Plane a character counts as the two units that a browser sees."""

    def __missing__(self, code: int) -> str:
        units = [code - 0x10000 >> 10, 0x400 + (code - 0x10000 & 0x3FF)] if code > 0xFFFF else []
        self[code] = moved = "".join([chr(0xF0000 + unit) for unit in units]) or chr(code)
        return moved


_MOVED = _Moved({code: chr(0xE000 + code) for code in range(0x80)})


def _match(term: str, column: str = "") -> str:
    pairs = words(term)
    return f'{column}"{pairs}"'


class Writer:
    """The one who writes; readers see each transaction whole or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(path)
        version = self._connection.execute("pragma user_version").fetchone()[0]
        if version == 0:
            self._connection.execute("pragma journal_mode=wal")
            self._connection.executescript(_TABLES)
        self._connection.execute("pragma synchronous=normal")

    def close(self) -> None:
        self._connection.close()

    def digests(self) -> dict[str, str]:
        return dict(self._connection.execute("select path, digest from document"))

    def release(self) -> str:
        found = self._connection.execute("select value from meta where name = 'release'").fetchone()
        return str(found[0]) if found else ""

    def update(self, rows: Iterable[Row], gone: Iterable[str], release: Callable[[], str]) -> int:
        """Put `rows` in place of what is known of their paths, take out `gone`; one transaction. How many were
        put. `release`: what this brings it up to, asked at the end."""
        count = 0
        self._connection.execute("begin immediate")
        try:
            for path in gone:
                self._take_out(path)
            for row in rows:
                self._take_out(row.path)
                self._put(row)
                count += 1
            self._connection.execute("insert or replace into meta values ('release', ?)", (release(),))
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise
        return count

    def _take_out(self, path: str) -> None:
        found = self._connection.execute("select id, facts, body from document where path = ?", (path,)).fetchone()
        if found is None:
            return
        number, facts, body = found
        known = _Kept.of(facts, body)
        self._connection.execute(
            "insert into pair (pair, rowid, title, body) values ('delete', ?, ?, ?)", (number, *known.words())
        )
        self._connection.execute("delete from document where id = ?", (number,))

    def _put(self, row: Row) -> None:
        text = row.text
        facts = orjson.dumps([text.facts, text.title, text.number]).decode()
        body = zlib.compress(text.body.encode("utf-8", "surrogatepass"), 1)
        number = self._connection.execute(
            "insert into document (path, digest, stamp, archived, site, section, kind, validity, year, facts, body)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.path, row.digest, row.stamp, int(row.archived), row.site, text.column, text.kind, text.validity,
             row.year, facts, body),
        ).lastrowid  # fmt: skip
        self._connection.execute(
            "insert into pair (rowid, title, body) values (?, ?, ?)", (number, *_Kept.of(facts, body).words())
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is stored of a document's text."""

    shown: list[str]
    title: str
    number: str
    body: str

    @classmethod
    def of(cls, facts: str, body: bytes) -> _Kept:
        shown, title, number = orjson.loads(facts)
        return cls(shown, title, number, zlib.decompress(body).decode("utf-8", "surrogatepass"))

    def words(self) -> tuple[str, str]:
        from sitegen.search.folding import fold

        return words("\0".join([fold(self.title), fold(self.number)])), words(fold(self.body))


class Reader:
    """Answers; opened for reading only, one for each thread."""

    def __init__(self, path: Path) -> None:
        self._connection = _connect(path, read_only=True)

    def release(self) -> str:
        found = self._connection.execute("select value from meta where name = 'release'").fetchone()
        return str(found[0]) if found else ""

    def has_archive(self) -> bool:
        return self._connection.execute("select 1 from document where archived = 1 limit 1").fetchone() is not None

    def find(self, asked: Asked, size: int) -> Found:
        """Pages whose title holds all terms come first, then those that hold the phrase, each newest first; what is
        archived comes after what is current."""
        where, values = _where(asked)
        match = " AND ".join(_match(term) for term in asked.terms)
        # `cross join` has SQLite ask the pairs first: where few documents are left out it would go through all documents,
        # and ask the pairs about each, which takes minutes at 100,000.
        counted = f"select count(*) from pair p cross join document d on d.id = p.rowid where pair match ? {where}"  # noqa: S608 (our own words)
        total = self._connection.execute(counted, (match, *values)).fetchone()[0]
        held = "when p.rowid in (select rowid from pair where pair match ?) then"
        tests = [" AND ".join(_match(term, "title : ") for term in asked.terms)]
        tests += [_match(asked.phrase)] if len(asked.terms) > 1 else []
        tests = [] if asked.by_date else tests
        ranks = " ".join(f"{held} {number}" for number in range(len(tests)))
        rank = f"case {ranks} else 2 end" if tests else "0"
        rows = self._connection.execute(
            f"select d.facts, d.body, d.archived from document d join (select p.rowid as id, {rank} as rank from pair p"  # noqa: S608 (our own words)
            f" cross join document d on d.id = p.rowid where pair match ? {where}"
            " order by rank, d.archived, d.stamp desc, d.path limit ? offset ?) f on f.id = d.id"
            " order by f.rank, d.archived, d.stamp desc, d.path",
            (*tests, match, *values, size, (asked.page - 1) * size),
        )
        hits = [(_Kept.of(facts, body), bool(archived)) for facts, body, archived in rows]
        return Found(count=int(total), hits=[(kept.shown, kept.body, archived) for kept, archived in hits])

    def facets(self, asked: Asked) -> dict[str, list[tuple[str, int]]]:
        """Facet → (value, how many), the most frequent first, of all that is found."""
        where, values = _where(asked)
        match = " AND ".join(_match(term) for term in asked.terms)
        found: dict[str, list[tuple[str, int]]] = {}
        for name, column in FACETS.items():
            found[name] = self._connection.execute(
                f"select d.{column}, count(*) from pair p cross join document d on d.id = p.rowid"  # noqa: S608 (our own words)
                f" where pair match ? {where} and d.{column} != '' group by 1 order by 2 desc, 1 limit 20",
                (match, *values),
            ).fetchall()
        return found

    def titles(self, terms: Sequence[str], count: int) -> list[list[str]]:
        match = " AND ".join(_match(term, "title : ") for term in terms)
        rows = self._connection.execute(
            "select d.facts from pair p cross join document d on d.id = p.rowid where pair match ? and d.archived = 0"
            " order by d.stamp desc, d.path limit ?",
            (match, count),
        )
        return [orjson.loads(facts)[0] for (facts,) in rows]


def _where(asked: Asked) -> tuple[str, list[object]]:
    parts: list[str] = []
    values: list[object] = []
    if asked.scope != "all":
        parts.append("and d.archived = ?")
        values.append(int(asked.scope == "archive"))
    for name, value in asked.filters.items():
        parts.append(f"and d.{FACETS[name]} = ?")
        values.append(value)
    return " ".join(parts), values


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    if read_only:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    return sqlite3.connect(path, isolation_level=None)
