"""The questions that pages and workers ask of what is known; a worker opens the file for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from sitegen.state.rows import Line

BROKEN = (sqlite3.DatabaseError, orjson.JSONDecodeError)
"""What tells of a damaged file while it is read."""
_LINE = "select path, id, kind, digest, item, signed_at, retired, traits from article"
_ORDER = "order by rank, stamp desc, path"
MOVED = """
with old as (
    select min(path) as path, id, lower(substr(path, 1, length(path) - 3)) || '.html' as address
    from stood where away group by address
)
select old.path, a.section, a.path, a.id, a.kind, a.digest, a.item, a.signed_at, a.retired, a.traits
from old cross join article a on a.id = old.id and a.status = 'shown'
where not exists (select 1 from article b where b.address = old.address and b.status != 'hidden')
    and not exists (
        select 1 from article b where b.address > old.address || '/' and b.address < old.address || '0'
    )
    and not exists (
        select 1 from attachment t
        where t.file > substr(old.path, 1, length(old.path) - 3) || '.html/'
            and t.file < substr(old.path, 1, length(old.path) - 3) || '.html0'
    )
order by old.path
"""
"""`/` is followed by `0`: below an address stands what is between the two."""

_PUBLISHED = """
select l.file, exists (select 1 from article a where a.path = l.file and a.status != 'hidden')
    or exists (select 1 from attachment t where t.file = l.file)
from json_each(?) j cross join link l on l.path = j.value
"""


class Shelf:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._facts_ahead: dict[str, str] = {}
        self._published_ahead: dict[str, int] = {}

    @classmethod
    def open(cls, path: Path) -> Shelf:
        return cls(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None))

    def close(self) -> None:
        self._connection.close()

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def _column(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return [row[0] for row in self._connection.execute(sql, values)]

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(sql, values).fetchone()

    def value(self, name: str) -> str:
        """Empty when nothing is remembered under the name."""
        found = self._one("select value from meta where name = ?", (name,))
        return str(found[0]) if found else ""

    def _lines(self, where: str, values: Sequence[Any] = ()) -> list[Line]:
        return [Line(*row) for row in self._connection.execute(f"{_LINE} {where}", values)]

    def lines(self, column: str) -> list[Line]:
        """What a column lists, newest first."""
        return self._lines(f"where section = ? and listed = 1 {_ORDER}", (column,))

    def newest(self, column: str, count: int) -> list[Line]:
        return self._lines(f"where section = ? and listed = 1 {_ORDER} limit ?", (column, count))

    def newest_with_picture(self, column: str, count: int) -> list[Line]:
        return self._lines(f"where section = ? and listed = 1 and picture {_ORDER} limit ?", (column, count))

    def last_signed(self, column: str) -> str:
        """When the newest text that a column's part of the site map names was signed; empty: it has none."""
        found = self._one("select max(changed) from site_map where section = ?", (column,))
        return str(found[0] or "")

    def shown_aside(self, column: str) -> list[Line]:
        """What is shown in a column without being listed, by path."""
        return self._lines("where section = ? and listed = 0 and status = 'shown' order by path", (column,))

    def expired(self, column: str) -> list[Line]:
        return self._lines("where section = ? and status = 'expired' order by path", (column,))

    def counts(self) -> dict[str, int]:
        """Column → how many articles it lists."""
        return dict(self._all("select section, count(*) from article where listed = 1 group by section"))

    def newest_stamps(self) -> dict[str, float]:
        """Column → publication time (seconds since 1970, UTC) of the newest text it lists; blank columns are not there."""
        return dict(
            self._all("select section, max(stamp) from article where listed = 1 and retired = 0 group by section")
        )

    def places(self) -> list[tuple[str, str, float]]:
        """(path, where its bytes are, publication time) of every text that is shown and not retired, by path."""
        rows = self._connection.execute(
            "select path, stamp, facts from article where status = 'shown' and retired = 0 order by path"
        )
        return [(path, orjson.loads(facts)[4], stamp) for path, stamp, facts in rows]

    def written_pages(self) -> list[tuple[str, str, str]]:
        """(file, source, digest) of every page that a template made, by file."""
        return self._all(
            "select file, source, digest from page where file glob '*.html' and digest != '' order by file"
        )

    def attachment_places(self) -> list[tuple[str, str, str]]:
        """(file, digest, where its bytes are) of every attachment of what is shown, by file."""
        return self._all("select file, min(digest), min(place) from attachment group by file order by file")

    def guides(self) -> list[tuple[str, str, str]]:
        """(path, column, edition as JSON) of the service guides that are shown, by path."""
        return self._all(
            "select path, section, facts from article where kind = 'service' and status = 'shown' and retired = 0"
            " order by path"
        )

    def signed_after_date(self) -> list[tuple[str, str, float, str]]:
        """(path, column, publication time, edition as JSON) of listed texts whose shown version was signed later than
        they say they were published, by path."""
        return self._all(
            "select path, section, stamp, facts from article where listed = 1 and retired = 0"
            " and cast(strftime('%s', signed_at) as integer) > stamp order by path"
        )

    def published_between(self, begin: float, end: float) -> list[tuple[str, str, float, str]]:
        """The same of what is listed and was published from `begin` up to `end`, by time."""
        return self._all(
            "select path, section, stamp, facts from article where listed = 1 and retired = 0 and stamp >= ?"
            " and stamp < ? order by stamp, path",
            (begin, end),
        )

    def counts_between(self, begin: float, end: float) -> dict[str, int]:
        """Column → how many listed texts were published from `begin` up to, not including, `end`."""
        return dict(
            self._all(
                "select section, count(*) from article where listed = 1 and retired = 0 and stamp >= ? and stamp < ?"
                " group by section",
                (begin, end),
            )
        )

    def missing_targets(self) -> list[tuple[str, str]]:
        """(source, target) of links that lead nowhere."""
        return self._all(
            "select p.source, r.target from read r join page p on p.file = r.file where not r.found and p.source != ''"
            " order by p.source, r.target"
        )

    def broken_relations(self) -> list[tuple[str, str, str]]:
        """(path, how, stable id) of relations of what is shown to no policy (`interprets`) or to nothing that is shown."""
        return self._all(
            "select r.path, r.how, r.id from relation r join article a on a.path = r.path and a.status = 'shown'"
            " where not exists (select 1 from article t where t.id = r.id and t.status = 'shown'"
            " and (r.how != 'interprets' or t.kind = 'policy')) order by r.path, r.how, r.id"
        )

    def oldest_stamp(self) -> float | None:
        """When the first text that is listed was published; None: there is none."""
        found = self._one("select min(stamp) from article where listed = 1 and retired = 0")[0]
        return None if found is None else float(found)

    def by_id(self, stable_id: str) -> Line | None:
        found = self._lines("where id = ? and status = 'shown' order by path desc limit 1", (stable_id,))
        return found[0] if found else None

    def interpretations(self, policy: str) -> list[Line]:
        named = "select path from relation where id = ? and how = 'interprets'"
        return self._lines(f"where path in ({named}) and status = 'shown' and retired = 0 {_ORDER}", (policy,))

    def services(self) -> list[Line]:
        return self._lines(f"where kind = 'service' and status = 'shown' and retired = 0 {_ORDER}")

    def notices(self) -> list[tuple[str, str]]:
        """(path, site that retires) of the migration notices that are shown, newest first."""
        return self._all(
            "select path, retires from article indexed by article_retires"
            " where retires != '' and status = 'shown' and retired = 0 order by stamp desc, path desc"
        )

    def moved(self) -> list[tuple[str, str, Line]]:
        """(old path, column, the article as it is shown now) of every address at which a dated article was signed off
        and nothing stands any more, by old path."""
        rows = self._all(MOVED)
        return [(old, section, Line(*line)) for old, section, *line in rows]

    def read_ahead(self, paths: Sequence[str]) -> None:
        """Have at hand what the pages of these ask for, until the next ones are read; nothing may be written meanwhile."""
        self._facts_ahead = self.facts_of(paths)
        self._published_ahead = dict(self._all(_PUBLISHED, (orjson.dumps(paths).decode(),)))

    def facts(self, path: str) -> str:
        """The edition of a source as JSON; empty when nothing of it is shown."""
        if path in self._facts_ahead:
            return self._facts_ahead[path]
        found = self._one("select facts from article where path = ?", (path,))
        return str(found[0]) if found else ""

    def facts_of(self, paths: Sequence[str]) -> dict[str, str]:
        """`facts` of many, by path; what is not shown is not there."""
        return dict(
            self._all(
                "select a.path, a.facts from json_each(?) j cross join article a on a.path = j.value",
                (orjson.dumps(paths).decode(),),
            )
        )

    def facts_at(self, place: int, paths: Sequence[str]) -> dict[str, Any]:
        """Path → one field of the article (`editions.FIELD`), of many."""
        return dict(
            self._all(
                "select a.path, json_extract(a.facts, ?) from json_each(?) j cross join article a on a.path = j.value",
                (f"$[0][{place}]", orjson.dumps(paths).decode()),
            )
        )

    def is_published(self, path: str) -> bool:
        """Whether an article's page or tombstone, or an article's attachment, stands in the release."""
        if path in self._published_ahead:
            return bool(self._published_ahead[path])
        if path.endswith(".md"):
            return self._one("select 1 from article where path = ? and status != 'hidden'", (path,)) is not None
        return self._one("select 1 from attachment where file = ?", (path,)) is not None

    def has_pages(self) -> bool:
        return self._one("select 1 from page limit 1") is not None

    def body_of(self, file: str) -> tuple[str, str] | None:
        """(digest, what was made, as JSON) of a page as the last build left it."""
        found = self._one("select digest, made from page where file = ?", (file,))
        return (str(found[0]), str(found[1])) if found else None

    def bodies_of(self, files: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """File → digest of a page as the last build left it, and where its body begins and how long it is (bytes)."""
        rows = self._all(
            "select p.file, p.digest, json_extract(p.made, '$.start'), json_extract(p.made, '$.length')"
            " from json_each(?) j cross join page p on p.file = j.value",
            (orjson.dumps(files).decode(),),
        )
        return {file: (digest, start, length) for file, digest, start, length in rows}

    def searchable(self, *, retired: bool) -> list[tuple[str, str, float]]:
        """(path, digest, publication time) of the articles that are shown, retired in place or not. The digest of one
        whose page could not be made is empty."""
        return self._all(
            "select a.path, iif(p.key != '', a.digest, ''), a.stamp from article a"
            " join page p on p.file = substr(a.path, 1, length(a.path) - 3) || '.html'"
            " where a.status = 'shown' and a.retired = ? order by a.path",
            (int(retired),),
        )


class Writable(Shelf):
    """A shelf on which something may be put."""

    def _many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)

    def set_value(self, name: str, value: str) -> None:
        self._connection.execute("insert or replace into meta values (?, ?)", (name, value))
