"""The frontier `crawl.sqlite`: every URL that must be accounted for, and what became of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Literal

State = Literal["queued", "captured", "redirected", "excluded", "failed", "excused"]
OUTCOMES: tuple[State, ...] = ("captured", "redirected", "excluded", "failed", "excused")
SOURCES_A_URL = 20
PATIENCE = 30.0
"""Seconds that another program may go on reading a frontier which is to be closed."""


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
    in bytes as it was sent; `hits` requests that access logs count; `more` sources beyond those that
    `Frontier.sources` gives. `id` is the database's own number.
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
    id: int | None = None
    hits: int = 0
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place that names a URL. `kind`: how (`start`, `a@href`, `sitemap`, `location`, `list`, `log`, `former` …);
    `where`: the page that links there, `file:line`, the log file or a capture ID; `hits` of a log."""

    key: str
    kind: str
    where: str
    hits: int = 0


Place = tuple[int, str, int | None, str | None, int]
"""A Source as it is written, a tuple because there is one for each link: id of the URL, kind, id of the page that links
there, else `where`, hits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The response in which a payload was first stored; `capture` is a capture ID, `date` its WARC-Date."""

    payload_digest: str
    target_uri: str
    date: str
    capture: str
    warc: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostForm:
    """A form that posts and was not submitted: `action`, the `charset` it sends, its fields' names, the first `page`
    that shows it."""

    action: str
    charset: str
    fields: tuple[str, ...]
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A captured page with scripts. `scripts`: equal for pages that act alike; `reason`: why reading may not have
    found all its links (empty: it looks harmless); `outcome` opened, passed (its like brought nothing), time or
    crashed, None while it waits; `new` URLs that only this opening showed; `facts`: (method, URL) that were not sent.
    """

    key: str
    url: str
    scripts: str
    reason: str
    outcome: str | None = None
    new: int = 0
    screenshot: str | None = None
    facts: tuple[tuple[str, str], ...] = ()

    def closed(
        self, outcome: str, *, new: int = 0, screenshot: str | None = None, facts: Iterable[tuple[str, str]] = ()
    ) -> Opened:
        return replace(self, outcome=outcome, new=new, screenshot=screenshot, facts=tuple(facts))


_COLUMNS = tuple(field.name for field in fields(Row))
# dataclasses.astuple copies deeply: a third of a commit's time.
_values = attrgetter(*_COLUMNS)
# `hits` and `more` grow while a row is being fetched: the row that comes back does not know.
_outcome_values = attrgetter(*_COLUMNS[: _COLUMNS.index("id")])
_original_values = attrgetter(*(field.name for field in fields(Original)))
# `http://host:port` of a key, whose path begins with a slash.
_ORIGIN = "substr(key, 1, instr(substr(key, 9), '/') + 7)"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS url (
  key TEXT UNIQUE NOT NULL, url TEXT NOT NULL, depth INTEGER, priority INTEGER, kind TEXT, sources TEXT,
  state TEXT, status INTEGER, mime TEXT, payload_digest TEXT, warc TEXT, "offset" INTEGER, length INTEGER,
  redirect_to TEXT, attempts INTEGER, cause TEXT, title TEXT, charset TEXT, captured_at TEXT,
  record_type TEXT, seconds REAL, size INTEGER, id INTEGER PRIMARY KEY, hits INTEGER NOT NULL DEFAULT 0,
  more INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS queue_of_origin ON url (ORIGIN, priority, depth) WHERE state = 'queued';
CREATE TABLE IF NOT EXISTS payload (
  payload_digest TEXT PRIMARY KEY, target_uri TEXT, date TEXT, capture TEXT, warc TEXT, "offset" INTEGER
);
CREATE TABLE IF NOT EXISTS opened (
  key TEXT PRIMARY KEY, url TEXT, scripts TEXT, reason TEXT, outcome TEXT, new INTEGER, screenshot TEXT, facts TEXT
);
CREATE TABLE IF NOT EXISTS form (
  action TEXT NOT NULL, charset TEXT NOT NULL, fields TEXT NOT NULL, page TEXT NOT NULL, PRIMARY KEY (action, fields)
);
CREATE TABLE IF NOT EXISTS meta (warc TEXT PRIMARY KEY, size INTEGER);
CREATE TABLE IF NOT EXISTS place (url INTEGER NOT NULL, kind TEXT NOT NULL, via INTEGER, "where" TEXT, hits INTEGER);
CREATE VIEW IF NOT EXISTS source AS
  SELECT url.key AS key, place.kind AS kind, coalesce(via.url, place."where", '') AS "where", place.hits AS hits
  FROM place JOIN url ON url.id = place.url LEFT JOIN url AS via ON via.id = place.via;
CREATE TABLE IF NOT EXISTS earlier AS SELECT * FROM url LIMIT 0;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
""".replace("ORIGIN", _ORIGIN)
_INSERT = f"INSERT OR IGNORE INTO url VALUES ({','.join('?' * len(_COLUMNS))})"  # noqa: S608 (as many marks as columns)
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
            # A capture made before a column was added is read all the same.
            self._names = [column[0] for column in self._db.execute("SELECT * FROM url LIMIT 0").description]
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
        self._db.execute("CREATE INDEX IF NOT EXISTS place_url ON place (url)")
        self._db.execute(f"PRAGMA busy_timeout={round(1000 * PATIENCE)}")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # this one waits for readers; the next does not
        self._db.execute("PRAGMA journal_mode=DELETE")

    def add(self, rows: Iterable[Row]) -> int:
        """Add what is not known yet; how many were new."""
        with self._db:
            self._db.execute("BEGIN")
            before = self._db.total_changes
            self._db.executemany(_INSERT, map(_values, rows))
            return self._db.total_changes - before

    def waiting(self) -> list[str]:
        """The origins (`http://host:port`) that have queued rows. Each is found by one step through the index: there may
        be a million rows of the first one."""
        least = f"SELECT min({_ORIGIN}) FROM url WHERE state = 'queued'"  # noqa: S608 (nothing but our own expression)
        query = f"""
            WITH RECURSIVE origin (name) AS (
              {least} UNION ALL
              SELECT ({least} AND {_ORIGIN} > name) FROM origin WHERE name IS NOT NULL)
            SELECT name FROM origin WHERE name IS NOT NULL"""  # noqa: S608
        return [name for (name,) in self._db.execute(query)]

    def next_batch(self, origin: str, size: int, skip: frozenset[str] = frozenset()) -> list[Row]:
        """The next queued rows of an origin, `skip` (keys being fetched) left out."""
        query = f"""
            SELECT * FROM url WHERE state = 'queued' AND {_ORIGIN} = ? ORDER BY priority, depth, rowid LIMIT ?"""  # noqa: S608
        rows = map(self._row, self._db.execute(query, (origin, size + len(skip))))
        return [row for row in rows if row.key not in skip][:size]

    def requeue(self) -> None:
        """Ask again for what gave no answer at all in a former run; a stored answer is never asked for
        twice."""
        self._db.execute(
            "UPDATE url SET state = 'queued', cause = NULL WHERE warc IS NULL"
            " AND (state IN ('failed', 'excused') OR (state = 'excluded' AND cause LIKE 'robots.txt: the server %'))"
        )

    def commit(
        self,
        outcomes: Iterable[Row],
        found: Iterable[Row] = (),
        originals: Iterable[Original] = (),
        sizes: Mapping[str, int] | None = None,
        places: Iterable[Place] = (),
        more: Mapping[int, int] | None = None,
        hits: Mapping[int, int] | None = None,
        scripted: Iterable[Opened] = (),
        forms: Iterable[PostForm] = (),
    ) -> None:
        """In one transaction: outcomes replace their rows, new URLs and sources are added, and each WARC file's
        size up to which its records belong to committed outcomes. `more`, `hits`: what is added to the row of an
        id. `scripted`: pages with scripts, for the browser to open; known ones keep their outcome. `forms`: each once."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_INSERT, map(_values, found))
            self._db.executemany(_UPDATE, map(_outcome_values, outcomes))
            self._db.executemany("INSERT OR IGNORE INTO payload VALUES (?,?,?,?,?,?)", map(_original_values, originals))
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", (sizes or {}).items())
            self._db.executemany("INSERT INTO place VALUES (?,?,?,?,?)", places)
            self._db.executemany("UPDATE url SET more = more + ?2 WHERE id = ?1", (more or {}).items())
            self._db.executemany("UPDATE url SET hits = hits + ?2 WHERE id = ?1", (hits or {}).items())
            self._db.executemany("INSERT OR IGNORE INTO opened VALUES (?,?,?,?,?,?,?,?)", map(_opened_values, scripted))
            values = ((one.action, one.charset, json.dumps(one.fields, ensure_ascii=False), one.page) for one in forms)
            self._db.executemany("INSERT OR IGNORE INTO form VALUES (?,?,?,?)", values)

    def ask_again(self, number: int) -> None:
        """Queue a URL once more; its answer stays stored, as an earlier one."""
        again = "UPDATE url SET state = 'queued', warc = NULL, cause = NULL, redirect_to = NULL WHERE id = ?"
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO earlier SELECT * FROM url WHERE id = ?", (number,))
            self._db.execute(again, (number,))

    def earlier(self) -> list[Row]:
        """Stored answers of URLs that were asked again because of a cookie."""
        tables = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'earlier'").fetchall()
        query = 'SELECT * FROM earlier ORDER BY key, captured_at, warc, "offset"'
        return [self._row(values) for values in self._db.execute(query)] if tables else []

    def forms(self) -> list[PostForm]:
        """By action; none in a capture that was made before they were noted."""
        tables = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'form'").fetchall()
        found = self._db.execute("SELECT * FROM form ORDER BY action, fields") if tables else ()
        return [
            PostForm(action=action, charset=charset, fields=tuple(json.loads(fields)), page=page)
            for action, charset, fields, page in found
        ]

    def get(self, key: str) -> Row | None:
        found = self._db.execute("SELECT * FROM url WHERE key = ?", (key,)).fetchone()
        return self._row(found) if found else None

    def numbered(self, number: int) -> Row | None:
        found = self._db.execute("SELECT * FROM url WHERE id = ?", (number,)).fetchone()
        return self._row(found) if found else None

    def rows(self, *states: State, cause: str | None = None) -> Iterator[Row]:
        """Rows in the given states (all when none is given), of one cause or of any, ordered by key."""
        wanted = json.dumps(states or (*OUTCOMES, "queued"))
        query = """
            SELECT * FROM url WHERE state IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR cause = ?2)
            ORDER BY key"""
        yield from map(self._row, self._db.execute(query, (wanted, cause)))

    def ids(self) -> dict[str, int]:
        """Key → id of every URL."""
        return dict(self._db.execute("SELECT key, id FROM url"))

    def places(self) -> dict[int, int]:
        """Id → how many sources are written down, at most `SOURCES_A_URL`."""
        return dict(self._db.execute("SELECT url, count(*) FROM place GROUP BY url"))

    def sources(self, key: str) -> list[Source]:
        """Where a URL is named, in the order in which that was found; `Row.more` are not written down."""
        found = self._db.execute('SELECT kind, "where", hits FROM source WHERE key = ?', (key,))
        return [Source(key=key, kind=kind, where=where, hits=hits) for kind, where, hits in found]

    def named(self, url: str) -> int:
        """How often pages and lists name it."""
        query = "SELECT more + (SELECT count(*) FROM place WHERE place.url = url.id) FROM url WHERE url.url = ?"
        found = self._db.execute(query, (url,)).fetchone()
        return int(found[0]) if found else 0

    def led_to(self, url: str) -> list[tuple[str, int]]:
        """Captured pages that this one names, each with how often it is named in all."""
        query = """
            SELECT DISTINCT target.url, target.more + (SELECT count(*) FROM place AS other WHERE other.url = target.id)
            FROM place JOIN url AS target ON target.id = place.url JOIN url AS via ON via.id = place.via
            WHERE via.url = ? AND target.state = 'captured' AND target.mime LIKE '%html%' ORDER BY target.id"""
        return [(str(found), int(number)) for found, number in self._db.execute(query, (url,))]

    def sources_by_kind(self, kinds: Iterable[str], others: str) -> dict[str, int]:
        """How many URLs each kind of source names; kinds that are not asked for count together as `others`."""
        query = """
            SELECT CASE WHEN kind IN (SELECT value FROM json_each(?1)) THEN kind ELSE ?2 END AS name,
              count(DISTINCT url) FROM place GROUP BY name ORDER BY name"""
        return dict(self._db.execute(query, (json.dumps(list(kinds)), others)))

    def forget(self, kind: str, where: str) -> None:
        """Take back what was noted of a file that was not read to its end."""
        gone = """
            DELETE FROM place WHERE kind = ?1 AND ("where" = ?2 OR substr("where", 1, length(?2) + 1) = ?2 || ':')
            RETURNING url, hits"""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            taken = self._db.execute(gone, (kind, where)).fetchall()
            self._db.executemany("UPDATE url SET hits = hits - ?2 WHERE id = ?1", taken)

    def setting(self, name: str) -> list[str]:
        """What a capture remembers of how it was started: each value once, in order."""
        found = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return list(json.loads(found[0])) if found else []

    def remember(self, name: str, values: Iterable[str]) -> list[str]:
        """Add to a setting; the whole of it."""
        known = list(dict.fromkeys([*self.setting(name), *values]))
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?,?)", (name, json.dumps(known, ensure_ascii=False)))
        return known

    def causes(self, state: State) -> list[tuple[str, int, str]]:
        """Cause, how many URLs of the state have it, and one of them."""
        query = "SELECT coalesce(cause, ''), count(*), min(url) FROM url WHERE state = ? GROUP BY 1 ORDER BY 1"
        return list(self._db.execute(query, (state,)))

    def urls(self, *states: State) -> Iterator[str]:
        """The URLs alone, ordered by key."""
        query = "SELECT url FROM url WHERE state IN (SELECT value FROM json_each(?)) ORDER BY key"
        yield from (url for (url,) in self._db.execute(query, (json.dumps(states),)))

    def hits(self) -> dict[str, int]:
        """Requests in access logs, by state."""
        return dict(
            self._db.execute("SELECT state, sum(hits) FROM url GROUP BY state HAVING sum(hits) > 0 ORDER BY state")
        )

    def sizes(self) -> dict[str, int]:
        """WARC file name → committed size."""
        return dict(self._db.execute("SELECT warc, size FROM meta ORDER BY warc"))

    def queued(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM url WHERE state = 'queued'").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """captured, redirected, excluded, failed, excused, total (a queued row counts in total only)."""
        states = dict(self._db.execute("SELECT state, count(*) FROM url GROUP BY state"))
        return {state: states.get(state, 0) for state in OUTCOMES} | {"total": sum(states.values())}

    def scripted(self) -> list[Opened]:
        """Pages with scripts, in the order in which they were opened or found."""
        found = self._db.execute("SELECT * FROM opened ORDER BY rowid")
        return [_opened(values) for values in found]

    def note_opened(self, pages: Iterable[Opened]) -> None:
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO opened VALUES (?,?,?,?,?,?,?,?)", map(_opened_values, pages))

    def original(self, payload_digest: str) -> Original | None:
        found = self._db.execute("SELECT * FROM payload WHERE payload_digest = ?", (payload_digest,)).fetchone()
        return _original(found) if found else None

    def originals(self) -> Iterator[Original]:
        yield from map(_original, self._db.execute("SELECT * FROM payload ORDER BY payload_digest"))

    def _row(self, values: tuple[object, ...]) -> Row:
        return Row(**dict(zip(self._names, values, strict=True)))


def _original(values: tuple[str, str, str, str, str, int]) -> Original:
    digest, target_uri, date, capture, warc, offset = values
    return Original(payload_digest=digest, target_uri=target_uri, date=date, capture=capture, warc=warc, offset=offset)


def _opened_values(page: Opened) -> tuple[object, ...]:
    facts = json.dumps(page.facts, ensure_ascii=False)
    return page.key, page.url, page.scripts, page.reason, page.outcome, page.new, page.screenshot, facts


def _opened(values: tuple[str, str, str, str, str | None, int, str | None, str]) -> Opened:
    key, url, scripts, reason, outcome, new, screenshot, facts = values
    return Opened(
        key=key, url=url, scripts=scripts, reason=reason, outcome=outcome, new=new, screenshot=screenshot,
        facts=tuple((method, target) for method, target in json.loads(facts)),
    )  # fmt: skip
