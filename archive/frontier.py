"""The frontier `crawl.sqlite`: every URL that must be accounted for, and what became of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Literal

State = Literal["queued", "captured", "redirected", "excluded", "failed", "excused"]
OUTCOMES: tuple[State, ...] = ("captured", "redirected", "excluded", "failed", "excused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One URL of the inventory. `key` is `canon.key(url)`; `url` is what was asked for (the target URI).

    captured    stored, status 2xx
    redirected  stored, status 3xx with a Location: `redirect_to`
    excluded    left out on purpose: `cause` says by what
    failed      no whole answer: `cause`; `warc` is set when a cut or a 4xx/5xx answer is stored nevertheless
    excused     the server itself says there is nothing (404, 410); the answer is stored

    `kind` page, requisite, robots or sitemap; `sources` how and where it was found first; `redirect_to`
    absolute; `warc` the file's name, `offset` and `length` its gzip member; `captured_at` the record's
    WARC-Date, `record_type` response or revisit; `seconds` from the request to the body's end, `size` of the body
    in bytes as it was sent.
    """

    key: str
    url: str
    depth: int = 0
    priority: int = 0
    kind: str = "page"
    sources: str = ""
    state: State = "queued"
    status: int | None = None
    mime: str | None = None
    payload_digest: str | None = None
    warc: str | None = None
    offset: int | None = None
    length: int | None = None
    redirect_to: str | None = None
    attempts: int = 0
    cause: str | None = None
    title: str | None = None
    charset: str | None = None
    captured_at: str | None = None
    record_type: str | None = None
    seconds: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The response in which a payload was first stored; `capture` is a capture ID, `date` its WARC-Date."""

    payload_digest: str
    target_uri: str
    date: str
    capture: str
    warc: str
    offset: int


_COLUMNS = tuple(field.name for field in fields(Row))
# dataclasses.astuple copies deeply: a third of a commit's time.
_values = attrgetter(*_COLUMNS)
_original_values = attrgetter(*(field.name for field in fields(Original)))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS url (
  key TEXT PRIMARY KEY, url TEXT NOT NULL, depth INTEGER, priority INTEGER, kind TEXT, sources TEXT,
  state TEXT, status INTEGER, mime TEXT, payload_digest TEXT, warc TEXT, "offset" INTEGER, length INTEGER,
  redirect_to TEXT, attempts INTEGER, cause TEXT, title TEXT, charset TEXT, captured_at TEXT,
  record_type TEXT, seconds REAL, size INTEGER
);
CREATE INDEX IF NOT EXISTS queue ON url (priority, depth) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS payload (
  payload_digest TEXT PRIMARY KEY, target_uri TEXT, date TEXT, capture TEXT, warc TEXT, "offset" INTEGER
);
CREATE TABLE IF NOT EXISTS meta (warc TEXT PRIMARY KEY, size INTEGER);
"""
_INSERT = "INSERT OR IGNORE INTO url VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_UPDATE = """
UPDATE url SET (key, url, depth, priority, kind, sources, state, status, mime, payload_digest, warc, "offset",
  length, redirect_to, attempts, cause, title, charset, captured_at, record_type, seconds, size)
  = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) WHERE key = ?1
"""


FrontierUnreadable = sqlite3.Error
"""What a Frontier raises when its file is missing, foreign or in use."""


class Frontier:
    """Use as a context manager: `with Frontier(capture.frontier, read_only=True) as frontier`.

    What one `commit` writes is there after a crash, or none of it is.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Raises sqlite3.Error when the file is missing (read-only) or is no frontier."""
        mode = "ro" if read_only else "rwc"
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            if not read_only:
                self._db.execute("PRAGMA journal_mode=WAL")
                # Without a sync at each commit a power cut may lose the last ones, never half of one; the
                # WARC is then cut back to what is left.
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.executescript(_SCHEMA)
            self._db.execute("SELECT 1 FROM url LIMIT 1")
        except sqlite3.Error:
            self._db.close()
            raise

    def __enter__(self) -> Frontier:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def fold(self) -> None:
        """Leave one file behind, without a write-ahead log beside it: it is going to have a digest.

        Raises sqlite3.OperationalError when another program goes on reading the file.
        """
        for seconds in (0.1, 0.4, 1.0, 3.0, 0.0):
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._db.execute("PRAGMA journal_mode=DELETE")
            except sqlite3.OperationalError:
                if not seconds:
                    raise
                time.sleep(seconds)
            else:
                return

    def add(self, rows: Iterable[Row]) -> int:
        """Add what is not known yet; how many were new."""
        with self._db:
            self._db.execute("BEGIN")
            before = self._db.total_changes
            self._db.executemany(_INSERT, map(_values, rows))
            return self._db.total_changes - before

    def next_batch(self, size: int, skip: frozenset[str] = frozenset()) -> list[Row]:
        """The next queued rows, `skip` (keys being fetched) left out."""
        query = "SELECT * FROM url WHERE state = 'queued' ORDER BY priority, depth, rowid LIMIT ?"
        rows = map(_row, self._db.execute(query, (size + len(skip),)))
        return [row for row in rows if row.key not in skip][:size]

    def requeue(self) -> None:
        """Ask again for what gave no answer at all in a former run; a stored answer is never asked for
        twice."""
        self._db.execute(
            "UPDATE url SET state = 'queued', cause = NULL WHERE warc IS NULL"
            " AND (state = 'failed' OR (state = 'excluded' AND cause LIKE 'robots.txt: %'))"
        )

    def commit(
        self,
        outcomes: Iterable[Row],
        found: Iterable[Row] = (),
        originals: Iterable[Original] = (),
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """In one transaction: outcomes replace their rows, new URLs are added, and each WARC file's size up
        to which its records belong to committed outcomes."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_INSERT, map(_values, found))
            self._db.executemany(_UPDATE, map(_values, outcomes))
            self._db.executemany("INSERT OR IGNORE INTO payload VALUES (?,?,?,?,?,?)", map(_original_values, originals))
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", (sizes or {}).items())

    def get(self, key: str) -> Row | None:
        found = self._db.execute("SELECT * FROM url WHERE key = ?", (key,)).fetchone()
        return _row(found) if found else None

    def rows(self, *states: State) -> Iterator[Row]:
        """Rows in the given states (all when none is given), ordered by key."""
        wanted = json.dumps(states or (*OUTCOMES, "queued"))
        query = "SELECT * FROM url WHERE state IN (SELECT value FROM json_each(?)) ORDER BY key"
        yield from map(_row, self._db.execute(query, (wanted,)))

    def keys(self) -> set[str]:
        return {key for (key,) in self._db.execute("SELECT key FROM url")}

    def sizes(self) -> dict[str, int]:
        """WARC file name → committed size."""
        return dict(self._db.execute("SELECT warc, size FROM meta ORDER BY warc"))

    def queued(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM url WHERE state = 'queued'").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """captured, redirected, excluded, failed, excused, total (a queued row counts in total only)."""
        states = dict(self._db.execute("SELECT state, count(*) FROM url GROUP BY state"))
        return {state: states.get(state, 0) for state in OUTCOMES} | {"total": sum(states.values())}

    def original(self, payload_digest: str) -> Original | None:
        found = self._db.execute("SELECT * FROM payload WHERE payload_digest = ?", (payload_digest,)).fetchone()
        return _original(found) if found else None

    def originals(self) -> Iterator[Original]:
        yield from map(_original, self._db.execute("SELECT * FROM payload ORDER BY payload_digest"))


def _row(values: tuple[object, ...]) -> Row:
    return Row(**dict(zip(_COLUMNS, values, strict=True)))  # type: ignore[arg-type]


def _original(values: tuple[str, str, str, str, str, int]) -> Original:
    digest, target_uri, date, capture, warc, offset = values
    return Original(payload_digest=digest, target_uri=target_uri, date=date, capture=capture, warc=warc, offset=offset)
