"""What the base of the search index was made from, and which articles were touched since."""

from __future__ import annotations

from collections.abc import Iterable

from sitegen.state.shelf import Writable

_ALL_TO_SEARCH = "select path, digest, stamp from article where status = 'shown' and retired = 0 order by path"
_CHANGED = (
    "select a.path, a.digest, a.stamp from search_touched t cross join article a on a.path = t.path"
    " where a.status = 'shown' and a.retired = 0 order by a.path"
)


class Searched(Writable):
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

    def _touch_search(self, paths: Iterable[str]) -> None:
        """Note which articles are not what the base of the search index was made from, once there is one."""
        if self.search_count():
            self._many("insert or ignore into search_touched values (?)", [(path,) for path in paths])
