"""The rows of sources and ledgers: what stands in the content, and which of it must be judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from sitegen.state.rows import Book, Changes, Row, counted, problems_of, problems_to_json
from sitegen.state.searched import Searched

_ARTICLE = "insert or replace into article values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


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


class Sources(Searched):
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

    def set_ledgers(self, books: Sequence[Book]) -> None:
        rows = [
            (book.file, book.section, orjson.dumps(sorted(set(book.ids))).decode(), problems_to_json(book.problems))
            for book in books
        ]
        self._many("insert or replace into ledger values (?, ?, ?, ?)", rows)
        self._set_stood({(book.file, path) for book in books for path in book.stood}, [book.file for book in books])

    def _set_stood(self, now: set[tuple[str, str]], files: Sequence[str]) -> None:
        """A ledger only grows: of a file with a thousand lines one is new."""
        before = set(
            self._all(
                "select s.file, s.path from json_each(?) j cross join stood s on s.file = j.value",
                (orjson.dumps(files).decode(),),
            )
        )
        self._many("delete from stood where file = ? and path = ?", sorted(before - now))
        self._many(
            "insert into stood values (?1, ?2, ?3, not exists (select 1 from article where path = ?2))",
            [(file, path, path.rpartition("/")[2].removesuffix(".md")) for file, path in sorted(now - before)],
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
