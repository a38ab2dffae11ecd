"""The questions that pages and workers ask of what is known; a worker opens the file for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from sitegen.state.rows import Line

BROKEN = (sqlite3.DatabaseError, orjson.JSONDecodeError)
"""What tells of a damaged file while it is read."""
_LINE = "select path, id, kind, digest, item, signed_at, retired from article"
_ORDER = "order by rank, stamp desc, path"
MOVED = """
with old as (
    select min(path) as path, id, lower(substr(path, 1, length(path) - 3)) || '.html' as address
    from stood where away group by address
)
select old.path, a.section, a.path, a.id, a.kind, a.digest, a.item, a.signed_at, a.retired
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


class Shelf:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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

    def count_listed(self) -> int:
        return int(self._one("select count(*) from article where listed = 1")[0])

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
            "select path, retires from article where retires != '' and status = 'shown' and retired = 0"
            " order by stamp desc, path desc"
        )

    def moved(self) -> list[tuple[str, str, Line]]:
        """(old path, column, the article as it is shown now) of every address at which a dated article was signed off
        and nothing stands any more, by old path."""
        rows = self._all(MOVED)
        return [(old, section, Line(*line)) for old, section, *line in rows]

    def facts(self, path: str) -> str:
        """The edition of a source as JSON; empty when nothing of it is shown."""
        found = self._one("select facts from article where path = ?", (path,))
        return str(found[0]) if found else ""

    def is_published(self, path: str) -> bool:
        """Whether an article's page or tombstone, or an article's attachment, stands in the release."""
        if path.endswith(".md"):
            return self._one("select 1 from article where path = ? and status != 'hidden'", (path,)) is not None
        return self._one("select 1 from attachment where file = ?", (path,)) is not None

    def has_pages(self) -> bool:
        return self._one("select 1 from page limit 1") is not None

    def body_of(self, file: str) -> tuple[str, str] | None:
        """(digest, what was made, as JSON) of a page as the last build left it."""
        found = self._one("select digest, made from page where file = ?", (file,))
        return (str(found[0]), str(found[1])) if found else None
