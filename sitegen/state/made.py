"""The rows of pages and plain files: what a release holds, what must be looked at again, and what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import orjson

from sitegen.errors import Problem
from sitegen.state.rows import Made, problems_of, problems_to_json
from sitegen.state.shelf import Writable


class Pages(Writable):
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
