"""The database: its tables, and every way in which a build changes them."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from sitegen.errors import Problem
from sitegen.state.rows import Book, Changes, Made, Row, counted, problems_of, problems_to_json
from sitegen.state.shelf import Shelf

SCHEMA = 14

_TABLES = """
create table meta (name text primary key, value text not null) without rowid;
create table folder (path text primary key, listing blob not null) without rowid;
create table asset (file text primary key, digest text not null) without rowid;

create table article (
    path text primary key, section text not null, address text not null, id_key text not null,
    status text not null, listed integer not null, retired integer not null, id text not null, kind text not null,
    rank integer not null, stamp real not null, digest text not null, item text not null, signed_at text not null,
    retires text not null, picture integer not null, traits text not null, problems text not null, pending integer not null, next_change text,
    unsure integer not null, facts text not null
);
create index article_order on article (section, listed, rank, stamp desc, path);
create index article_address on article (address);
create index article_id_key on article (id_key);
create index article_id on article (id);
create index article_service on article (kind) where kind = 'service';
create index article_retires on article (retires) where retires != '';
create index article_next on article (next_change) where next_change is not null;
create index article_unsure on article (unsure) where unsure;
create table link (file text, path text, primary key (file, path)) without rowid;
create index link_path on link (path);
create table relation (id text, how text, path text, primary key (id, how, path)) without rowid;
create index relation_path on relation (path);
create table attachment (
    file text, path text, digest text not null, place text not null, primary key (file, path)
) without rowid;
create index attachment_path on attachment (path);
create table ledger (file text primary key, section text not null, ids text not null, problems text not null)
    without rowid;
create index ledger_section on ledger (section);
create index ledger_problems on ledger (file) where problems != '';
create table stood (
    file text, path text, id text not null, away integer not null, primary key (file, path)
) without rowid;
create index stood_path on stood (path);
create index stood_away on stood (path) where away;
create table tally (
    section text, severity text, code text, key text, count integer not null,
    primary key (section, severity, code, key)
) without rowid;

create table frame (section text primary key, digest text not null) without rowid;
create table dirty_section (path text primary key) without rowid;
create table dirty_page (file text primary key) without rowid;
create table dirty_attachment (file text primary key) without rowid;

create table page (
    file text primary key, section text not null, key text not null, digest text not null, source text not null,
    problems text not null, made text not null
);
create index page_section on page (section);
create index page_failed on page (section) where key = '';
create index page_problems on page (file) where problems != '';
create table read (target text, file text, found integer not null, primary key (target, file)) without rowid;
create index read_file on read (file);
create index read_missing on read (target) where not found;
create table anchor_link (file text, target text, anchor text, primary key (file, target, anchor)) without rowid;
create table plain (file text primary key, digest text not null) without rowid;
create table site_map (url text primary key, section text not null, changed text not null) without rowid;
create index site_map_section on site_map (section);
create table trouble (owner text primary key, problems text not null) without rowid;
create index article_shown on article (retired, path, digest, stamp) where status = 'shown';
create table search_base (
    path text primary key, number integer not null, place real not null, digest text not null
) without rowid;
create index search_base_place on search_base (place, path, number);
create table search_touched (path text primary key) without rowid;
"""
_ARTICLE = "insert or replace into article values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


_ALL_TO_SEARCH = "select path, digest, stamp from article where status = 'shown' and retired = 0 order by path"
_CHANGED = (
    "select a.path, a.digest, a.stamp from search_touched t cross join article a on a.path = t.path"
    " where a.status = 'shown' and a.retired = 0 order by a.path"
)


class Damaged(Exception):  # noqa: N818 (it reads `except Damaged`)
    """The file is not what it was: forget it and build everything."""


_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The second: a broken schema is quoted in a message that is no text any more."""
_DISK = ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")
_TRUNCATED = "SQLITE_IOERR_SHORT_READ"


def _refuse_when_full(error: Exception) -> None:
    """Raise OSError when it was the disk that refused, not the file that is broken."""
    name = getattr(error, "sqlite_errorname", "")  # not every one has it, and none that came from another process
    if name.startswith(_DISK) and name != _TRUNCATED:
        raise OSError(errno.ENOSPC, str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What of a stored row matters to others."""

    section: str
    status: str
    listed: int
    retired: int
    rank: int
    stamp: float
    digest: str
    id: str
    kind: str
    retires: str
    relations: frozenset[tuple[str, str]]
    attachments: frozenset[tuple[str, str, str]]


class State(Shelf):
    """One writer at a time. An unreadable, truncated or older file is replaced by an empty one; a file that turns out
    to be broken later raises Damaged from `guard`."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: in memory, for those who only look."""
        self._path = path
        self._is_new = False
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(self._open())

    def _open(self) -> sqlite3.Connection:
        """Raises OSError when the disk refuses."""
        try:
            return self._open_healthy()
        except _DAMAGE as error:
            _refuse_when_full(error)
        self._delete()
        try:
            return self._open_healthy()
        except _DAMAGE as error:
            raise OSError(errno.EIO, str(error)) from error

    def _open_healthy(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
            version = connection.execute("pragma user_version").fetchone()[0]
            self._is_new = version == 0
            if version == 0:
                connection.executescript(f"begin; {_TABLES} pragma user_version={SCHEMA}; commit;")
            if version not in {0, SCHEMA}:
                raise sqlite3.DatabaseError(version)
        except _DAMAGE:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        if self._path is not None:
            for leftover in self._path.parent.glob(self._path.name + "*"):
                leftover.unlink()

    def forget(self) -> None:
        """Begin again with nothing."""
        self._connection.close()
        self._delete()
        self._connection = self._open()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Raise Damaged for whatever the database says of a broken file, and for whatever cannot be read of what it
        gave. A full disk stays an OSError."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            _refuse_when_full(error)
            raise Damaged(str(error)) from error
        except (ValueError, TypeError, LookupError, EOFError) as error:
            if self._is_new:
                raise
            raise Damaged(str(error)) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; others see the state before it until it ends."""
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise

    def _many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)

    # --- single values -------------------------------------------------------------------------------------------

    def value(self, name: str) -> str:
        """Empty when nothing is remembered under the name."""
        found = self._one("select value from meta where name = ?", (name,))
        return str(found[0]) if found else ""

    def set_value(self, name: str, value: str) -> None:
        self._connection.execute("insert or replace into meta values (?, ?)", (name, value))

    # --- files of the content ------------------------------------------------------------------------------------

    def listings(self) -> dict[str, bytes]:
        return dict(self._all("select path, listing from folder"))

    def set_listings(self, listings: Mapping[str, bytes], before: Mapping[str, bytes]) -> None:
        self._many("delete from folder where path = ?", [(path,) for path in before.keys() - listings.keys()])
        changed = [(path, listing) for path, listing in listings.items() if before.get(path) != listing]
        self._many("insert or replace into folder values (?, ?)", changed)

    def asset_digests(self) -> dict[str, str]:
        return dict(self._all("select file, digest from asset"))

    def set_asset_digests(self, digests: Mapping[str, str]) -> None:
        self._many("insert or replace into asset values (?, ?)", digests.items())

    def forget_assets(self, files: Iterable[str]) -> None:
        self._many("delete from asset where file = ?", [(file,) for file in files])

    # --- ledgers -------------------------------------------------------------------------------------------------

    def ledger_ids(self, file: str) -> list[str]:
        """Stable ids that had entries in a ledger file when it was last read."""
        found = self._one("select ids from ledger where file = ?", (file,))
        return list(orjson.loads(found[0])) if found else []

    def ledgers_naming(self, section: str, stable_id: str) -> list[str]:
        """The ledger files of a column in which an article has entries, in order."""
        quoted = orjson.dumps(stable_id).decode()
        return self._column(
            "select file from ledger where section = ? and instr(ids, ?) order by file", (section, quoted)
        )

    def set_ledgers(self, books: Iterable[Book]) -> None:
        for book in books:
            ids = orjson.dumps(sorted(set(book.ids))).decode()
            values = (book.file, book.section, ids, problems_to_json(book.problems))
            self._connection.execute("insert or replace into ledger values (?, ?, ?, ?)", values)
            self._set_stood(book.file, set(book.stood))

    def _set_stood(self, file: str, now: set[str]) -> None:
        """A ledger only grows: of a file with a thousand lines one is new."""
        before = set(self._column("select path from stood where file = ?", (file,)))
        self._many("delete from stood where file = ? and path = ?", [(file, path) for path in sorted(before - now)])
        self._many(
            "insert into stood values (?1, ?2, ?3, not exists (select 1 from article where path = ?2))",
            [(file, path, path.rpartition("/")[2].removesuffix(".md")) for path in sorted(now - before)],
        )

    def remove_ledgers(self, files: Iterable[str]) -> None:
        listed = [(file,) for file in files]
        for table in ("ledger", "stood"):
            self._many(f"delete from {table} where file = ?", listed)  # noqa: S608 (constants)

    # --- which sources must be judged again ----------------------------------------------------------------------

    def sources(self) -> list[str]:
        return self._column("select path from article")

    def sources_in(self, section: str) -> list[str]:
        return self._column("select path from article where section = ?", (section,))

    def sources_of_id(self, section: str, stable_id: str) -> list[str]:
        return self._column(
            "select path from article where id_key in (?, ?) and section = ?",
            (f"{stable_id}.md", f"{section}:{stable_id}.md", section),
        )

    def sources_linking(self, file: str) -> list[str]:
        return self._column("select path from link where file = ?", (file,))

    def sources_due(self, now: str) -> list[str]:
        """Those for which time has brought another answer (`now`: UTC, ISO), and those that found a version missing."""
        return self._column(
            "select path from article where next_change is not null and next_change <= ?"
            " union select path from article where unsure",
            (now,),
        )

    def next_change(self) -> str | None:
        found = self._one("select min(next_change) from article where next_change is not null")
        return None if found is None else found[0]

    def rivals(self, address: str, id_key: str) -> list[str]:
        """Sources that have the address or the stable id, by path."""
        return self._column(
            "select path from article where address = ? union select path from article where id_key = ? order by path",
            (address, id_key),
        )

    def holders(self, address: str, id_key: str) -> tuple[str | None, str | None]:
        """The first source by path that has the address, and the first that has the stable id."""
        by_address = self._one("select min(path) from article where address = ?", (address,))
        by_id = self._one("select min(path) from article where id_key = ?", (id_key,))
        return by_address[0], by_id[0]

    def keys_of(self, path: str) -> tuple[str, str] | None:
        """(address, id key) of a known source."""
        found: tuple[str, str] | None = self._one("select address, id_key from article where path = ?", (path,))
        return found

    def is_linked(self, file: str) -> bool:
        """Whether any article names the file."""
        return self._one("select 1 from link where file = ?", (file,)) is not None

    # --- rows of sources -----------------------------------------------------------------------------------------

    def add(self, rows: Sequence[Row]) -> None:
        """Store rows of sources of which none is known."""
        self._many(_ARTICLE, [_article_values(row) for row in rows])
        self._many("update stood set away = 0 where path = ? and away", [(row.path,) for row in rows])
        self._touch_search(row.path for row in rows)
        self._many("insert or ignore into link values (?, ?)", [(f, row.path) for row in rows for f in row.linked])
        self._many(
            "insert or ignore into relation values (?, ?, ?)",
            [(stable_id, how, row.path) for row in rows for how, stable_id in row.relations],
        )
        self._many(
            "insert or ignore into attachment values (?, ?, ?, ?)",
            [(file, row.path, digest, place) for row in rows for file, digest, place in row.attachments],
        )
        counts: Counter[tuple[str, str, str, str]] = Counter()
        for row in rows:
            counts.update(_counts(row.section, row.counted, row.pending))
        self._add_up(counts)

    def replace(self, rows: Sequence[Row], changes: Changes) -> None:
        """Store rows in the place of what is known of their sources, and note what that touches."""
        for row in rows:
            before, after = self._known(row.path), _known_of(row)
            if before is not None:
                self._take_out(row.path)
            if before != after:
                _note(changes, row.path, before, after)
        self.add(rows)

    def remove(self, paths: Iterable[str], changes: Changes) -> None:
        for path in paths:
            before = self._known(path)
            if before is not None:
                self._take_out(path)
                self._connection.execute("update stood set away = 1 where path = ?", (path,))
                _note(changes, path, before, None)

    def _known(self, path: str) -> _Known | None:
        row = self._one(
            "select section, status, listed, retired, rank, stamp, digest, id, kind, retires from article where path = ?",
            (path,),
        )
        if row is None:
            return None
        names = ("section", "status", "listed", "retired", "rank", "stamp", "digest", "id", "kind", "retires")
        return _Known(
            **dict(zip(names, row, strict=True)),
            relations=frozenset(self._all("select how, id from relation where path = ?", (path,))),
            attachments=frozenset(self._all("select file, digest, place from attachment where path = ?", (path,))),
        )

    def _take_out(self, path: str) -> None:
        section, problems, pending = self._one("select section, problems, pending from article where path = ?", (path,))
        counts = Counter(_counts(section, counted(problems_of(problems)), pending))
        self._add_up({key: -count for key, count in counts.items()})
        self._touch_search([path])
        for table in ("article", "link", "relation", "attachment"):
            self._connection.execute(f"delete from {table} where path = ?", (path,))  # noqa: S608 (constants)

    def _touch_search(self, paths: Iterable[str]) -> None:
        """Note which articles are not what the base of the search index was made from, once there is one."""
        if self.search_count():
            self._many("insert or ignore into search_touched values (?)", [(path,) for path in paths])

    def _add_up(self, counts: Mapping[tuple[str, str, str, str], int]) -> None:
        self._many(
            "insert into tally values (?, ?, ?, ?, ?) on conflict do update set count = count + excluded.count",
            [(*key, count) for key, count in counts.items()],
        )

    def related(self, ids: Iterable[str]) -> tuple[set[str], set[str]]:
        """(stable ids, columns) of the texts that are one of `ids`, name one or are named by one.

        The texts themselves count: what named them may be gone, and they show that it does.
        """
        found: set[tuple[str, str]] = set()
        for stable_id in ids:
            found |= set(
                self._all(
                    "select id, section from article where id = ?1"
                    " union select id, section from article where path in (select path from relation where id = ?1)"
                    " union select id, section from article where id in"
                    " (select r.id from relation r join article a on a.path = r.path where a.id = ?1)",
                    (stable_id,),
                )
            )
        return {stable_id for stable_id, _ in found}, {section for _, section in found}

    # --- marks ---------------------------------------------------------------------------------------------------

    def mark(self, sections: Iterable[str], pages: Iterable[str], attachments: Iterable[str]) -> None:
        """What must be looked at before the next release; kept until `unmark`."""
        self._many("insert or ignore into dirty_section values (?)", [(one,) for one in sections])
        self._many("insert or ignore into dirty_page values (?)", [(one,) for one in pages])
        self._many("insert or ignore into dirty_attachment values (?)", [(one,) for one in attachments])

    def marked(self) -> tuple[list[str], list[str], list[str]]:
        """Columns, pages and attachments that were marked, sorted."""
        sections = self._column("select path from dirty_section order by path")
        pages = self._column("select file from dirty_page order by file")
        return sections, pages, self._column("select file from dirty_attachment order by file")

    def unmark(self) -> None:
        for table in ("dirty_section", "dirty_page", "dirty_attachment"):
            self._connection.execute(f"delete from {table}")  # noqa: S608 (constants)

    def misled(self, answers: Mapping[str, bool]) -> set[str]:
        """Pages that asked whether they may link to one of the targets, and were told otherwise than `answers` says."""
        return {
            file
            for target, found in answers.items()
            for file in self._column("select file from read where target = ? and found != ?", (target, int(found)))
        }

    # --- pages and plain files -----------------------------------------------------------------------------------

    def frames(self) -> dict[str, str]:
        return dict(self._all("select section, digest from frame"))

    def set_frames(self, frames: Mapping[str, str]) -> None:
        self._connection.execute("delete from frame")
        self._many("insert into frame values (?, ?)", frames.items())

    def page_keys(self, section: str) -> dict[str, tuple[str, str]]:
        """File → (key, digest) of a section's pages."""
        rows = self._all("select file, key, digest from page where section = ?", (section,))
        return {file: (key, digest) for file, key, digest in rows}

    def page_sections(self) -> list[str]:
        """Found by leaps along the index: a city has a hundred thousand pages and a few hundred sections."""
        return self._column(
            "with recursive found(section) as (select min(section) from page union all"
            " select (select min(section) from page where section > found.section) from found where section is not null)"
            " select section from found where section is not null"
        )

    def page(self, file: str) -> tuple[str, str] | None:
        """(section, source) of a page."""
        found: tuple[str, str] | None = self._one("select section, source from page where file = ?", (file,))
        return found

    def page_count(self) -> int:
        """How many pages a template made."""
        return int(self._one("select count(*) from page where file glob '*.html'")[0])

    def pages(self) -> list[tuple[str, str, str]]:
        """(file, section, source) of the pages that a template made."""
        return self._all(
            "select file, section, source from page where file glob '*.html' and digest != '' order by file"
        )

    def places_of(self, paths: Collection[str]) -> set[str]:
        """Where the attachments of sources are; of all sources, when many are asked for."""
        if len(paths) > 500:
            return set(self._column("select distinct place from attachment"))
        return {p for path in paths for p in self._column("select place from attachment where path = ?", (path,))}

    def attached_files(self) -> list[tuple[str, str]]:
        """(file, column) of every attachment that is published."""
        return self._all(
            "select distinct t.file, a.section from attachment t join article a on a.path = t.path order by 1, 2"
        )

    def failed_sections(self) -> list[str]:
        """Sections of pages that could not be made."""
        return self._column("select distinct section from page where key = ''")

    def set_site_maps(self, section: str, parts: Iterable[tuple[str, str]]) -> None:
        """(root-relative URL, newest `lastmod`) of a section's parts of the site map."""
        self._connection.execute("delete from site_map where section = ?", (section,))
        self._many("insert or replace into site_map values (?, ?, ?)", [(url, section, at) for url, at in parts])

    def site_maps(self) -> list[tuple[str, str]]:
        return self._all("select url, changed from site_map order by url")

    def add_pages(self, made: Sequence[Made]) -> None:
        """Store pages of which nothing is known."""
        self._many("insert or replace into page values (?, ?, ?, ?, ?, ?, ?)", [_page_values(page) for page in made])
        self._many(
            "insert or replace into read values (?, ?, ?)",
            [(target, page.file, found) for page in made for target, found in page.reads.items()],
        )
        self._many(
            "insert or ignore into anchor_link values (?, ?, ?)",
            [(page.file, target, anchor) for page in made for target, anchor in page.anchor_links],
        )

    def remove_pages(self, files: Iterable[str]) -> None:
        listed = [(file,) for file in files]
        for table in ("page", "read", "anchor_link"):
            self._many(f"delete from {table} where file = ?", listed)  # noqa: S608 (constants)

    def plain_digests(self, files: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for file in files:
            row = self._one("select digest from plain where file = ?", (file,))
            if row is not None:
                found[file] = row[0]
        return found

    def plain_below(self, prefix: str) -> dict[str, str]:
        """File → digest of the plain files whose name begins with `prefix`."""
        return dict(
            self._all("select file, digest from plain where file >= ? and file < ?", (prefix, prefix + "\U0010ffff"))
        )

    def plain_in(self, folder: str) -> list[str]:
        """What stands in a folder, by leaps: files, and folders with a `/` at the end."""
        found: list[str] = []
        start, at = f"{folder}/", f"{folder}/"
        while row := self._one("select file from plain where file >= ? order by file limit 1", (at,)):
            if not row[0].startswith(start):
                break
            name, slash, _below = row[0].removeprefix(start).partition("/")
            found.append(f"{start}{name}{slash}")
            at = f"{start}{name}0" if slash else f"{row[0]}\0"  # 0 follows / among the characters
        return found

    def set_plain(self, digests: Mapping[str, str], removed: Iterable[str]) -> None:
        self._many("delete from plain where file = ?", [(file,) for file in removed])
        self._many("insert or replace into plain values (?, ?)", digests.items())

    def attachment_claims(self, file: str) -> list[tuple[str, str, str]]:
        """(source, digest, place) of those who publish a file, by source."""
        return self._all(
            "select a.path, t.digest, t.place from attachment t join article a on a.path = t.path"
            " where t.file = ? order by a.path",
            (file,),
        )

    def attachments_below_pages(self) -> list[str]:
        """Attachments that stand in a folder named like a page."""
        return self._column("select distinct file from attachment where instr(file, '.html/')")

    # --- search --------------------------------------------------------------------------------------------------

    def search_changed(self) -> list[tuple[str, str, float]]:
        """As `searchable`, of those that the base of the search index lacks, or has in another version."""
        self._connection.execute(
            "delete from search_touched where exists (select 1 from article a cross join search_base s on s.path = a.path"
            " where a.path = search_touched.path and a.status = 'shown' and a.retired = 0 and s.digest = a.digest)"
        )
        return self._all(_CHANGED if self.search_count() else _ALL_TO_SEARCH)

    def search_dead(self) -> list[int]:
        """Numbers in the base of what is not shown any more, or in another version; `search_changed` comes first."""
        return self._column(
            "select s.number from search_touched t cross join search_base s on s.path = t.path order by s.number"
        )

    def search_count(self) -> int:
        return int(self.value("search documents") or 0)

    def search_place(self, place: float, path: str) -> int:
        """How many documents of the base come before one."""
        found = self._one(
            "select number from search_base where (place, path) > (?, ?) order by place, path limit 1", (place, path)
        )
        return self.search_count() if found is None else int(found[0])

    def set_search_base(self, documents: Iterable[tuple[float, str, str]]) -> None:
        """`documents`: (place, path, digest), in order."""
        for table in ("search_base", "search_touched"):
            self._connection.execute(f"delete from {table}")  # noqa: S608 (constants)
        rows = [(path, number, place, digest) for number, (place, path, digest) in enumerate(documents)]
        self._many("insert into search_base values (?, ?, ?, ?)", rows)
        self.set_value("search documents", str(len(rows)))

    # --- what is wrong -------------------------------------------------------------------------------------------

    def set_trouble(self, owner: str, problems: Sequence[Problem]) -> None:
        """What is wrong that belongs to no source and no page."""
        self._connection.execute("delete from trouble where owner = ?", (owner,))
        if problems:
            self._connection.execute("insert into trouble values (?, ?)", (owner, problems_to_json(problems)))

    def has_trouble(self, owner: str) -> bool:
        return self._one("select 1 from trouble where owner = ?", (owner,)) is not None

    def troubles(self) -> list[Problem]:
        stored = (
            "select problems from trouble union all select problems from ledger where problems != ''"
            " union all select problems from page where problems != ''"
        )
        return [problem for text in self._column(stored) for problem in problems_of(text)]

    def pending(self) -> int:
        return int(self._one("select coalesce(sum(count), 0) from tally where code = 'pending' and severity = ''")[0])

    def tallies(self) -> dict[tuple[str, str, str], int]:
        """(severity, code, key) → how many of them the sources have."""
        rows = self._all(
            "select severity, code, key, sum(count) from tally where severity != '' group by severity, code, key"
        )
        return {(severity, code, key): count for severity, code, key, count in rows if count}

    def all_source_problems(self) -> list[Problem]:
        return [
            p for text in self._column("select problems from article where problems != ''") for p in problems_of(text)
        ]

    def source_problems(self, severity: str, code: str, key: str, limit: int) -> list[Problem]:
        """Up to `limit` problems of a kind, column by column."""
        found: list[Problem] = []
        sections = self._column(
            "select section from tally where severity = ? and code = ? and key = ? and count > 0 order by section",
            (severity, code, key),
        )
        for section in sections:
            rows = self._connection.execute(
                "select problems from article where section = ? and instr(problems, ?) order by path",
                (section, f'"code":"{code}"'),
            )
            for (text,) in rows:
                found += [p for p in problems_of(text) if (p.severity, p.code, p.key or "") == (severity, code, key)]
                if len(found) >= limit:
                    return found[:limit]
        return found

    def anchor_links(self) -> list[tuple[str, str, str]]:
        """(source, target, anchor) of links to a place within a page."""
        return self._all(
            "select p.source, l.target, l.anchor from anchor_link l join page p on p.file = l.file"
            " order by p.source, l.target, l.anchor"
        )

    def anchors(self, file: str) -> list[str] | None:
        """The places of a page; None when there is no such page."""
        found = self._one("select made from page where file = ?", (file,))
        return None if found is None else list(orjson.loads(found[0])["anchors"])


def _article_values(row: Row) -> tuple[object, ...]:
    return (
        row.path,
        row.section,
        row.address,
        row.id_key,
        row.status,
        int(row.listed),
        int(row.retired),
        row.id,
        row.kind,
        row.rank,
        row.stamp,
        row.digest,
        row.item,
        row.signed_at,
        row.retires,
        int(row.picture),
        row.traits,
        row.problems,
        int(row.pending),
        row.next_change,
        int(row.unsure),
        row.facts,
    )


def _known_of(row: Row) -> _Known:
    return _Known(
        section=row.section,
        status=row.status,
        listed=int(row.listed),
        retired=int(row.retired),
        rank=row.rank,
        stamp=row.stamp,
        digest=row.digest,
        id=row.id,
        kind=row.kind,
        retires=row.retires,
        relations=frozenset(row.relations),
        attachments=frozenset(row.attachments),
    )


def _counts(section: str, counted: Iterable[tuple[str, str, str]], pending: object) -> list[tuple[str, str, str, str]]:
    found = [(section, severity, code, key) for severity, code, key in counted]
    return [*found, (section, "", "pending", "")] if pending else found


def _note(changes: Changes, path: str, before: _Known | None, after: _Known | None) -> None:
    known = [one for one in (before, after) if one is not None]
    changes.sections |= {one.section for one in known if one.status != "hidden"}
    changes.ids |= {one.id for one in known if one.id} | {stable_id for one in known for _, stable_id in one.relations}
    changes.attachments |= {file for one in known for file, _, _ in one.attachments}
    changes.services = changes.services or any(one.kind == "service" for one in known)
    if len([one for one in known if one.status != "hidden"]) == 1:
        changes.flipped.add(path)


def _page_values(page: Made) -> tuple[str, str, str, str, str, str, str]:
    made = {
        "anchors": page.anchors,
        "body_key": page.body_key,
        "start": page.start,
        "length": page.length,
        "headings": page.headings,
        "reads": page.reads,
        "anchor_links": page.anchor_links,
    }
    facts = orjson.dumps(made).decode()
    return page.file, page.section, page.key, page.digest, page.source, problems_to_json(page.problems), facts
