"""Importing other tools' files: from WARC, ARC, WACZ and mirrors to a finished capture in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive import store as captures
from archive.crawling import capture as capturing
from archive.crawling.former import reading
from archive.crawling.frontier import Frontier, Row
from archive.crawling.scope import Scope
from archive.decision import Decision
from archive.packing import pages
from archive.store import Capture
from archive.text import _
from archive.warcs import cdxj, imported, mirror, sources, warc
from archive.warcs.imported import Accounts, Holdings
from archive.warcs.sources import Brought, Source
from sitegen.errors import Problem, Refused, in_order
from sitegen.files import write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """`inventory` as of a capture; `records` in all; `others`: what is no answer of an http(s) URL, by kind."""

    capture: Capture
    inventory: dict[str, int]
    files: tuple[Brought, ...]
    records: int
    others: dict[str, int]
    seconds: float
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture.id,
            "inventory": self.inventory,
            "files": [brought.as_json() for brought in self.files],
            "records": self.records,
            "others": self.others,
            "seconds": round(self.seconds, 3),
            "problems": [problem.as_json() for problem in self.problems],
        }


def import_files(
    decision: Decision,
    paths: Sequence[Path],
    *,
    store: Path,
    now: datetime,
    again: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> ImportReport:
    """Make a capture of the site from the files. Its timestamp is the newest date of a record of the site (of any,
    when none is; `now` when that lies in the future or nothing is dated).

    It is made beside the store's captures and moved there by one rename: a killed import leaves nothing visible,
    and the next one begins anew. Raises Refused when a file cannot be read to its end, holds nothing, or was
    imported before and `again` is not set.
    """
    began = time.monotonic()
    with captures.only_one(store, decision.site):
        staging = store / decision.site / ".import.open"
        sources.remove(staging)
        try:
            brought = _bring(decision, paths, staging, progress)
            _refuse_known(store, decision.site, brought, again)
            held = imported.look_through([(staging / one.warc, one.name) for one in brought])
            _refuse_empty(paths, held)
            chosen = captures.new_capture(store, decision.site, _moment(held, decision, now))
            chosen.folder.rmdir()
            made = _Making(decision, chosen, staging, now)
            brought = made.name_files(brought, held)
            made.account(held)
            made.write(brought)
            staging.rename(chosen.folder)
            sources.sync_folder(chosen.folder.parent)
        finally:
            sources.remove(staging)
    return ImportReport(
        capture=chosen,
        inventory=made.counts,
        files=tuple(brought),
        records=held.records,
        others=dict(sorted(held.others.items())),
        seconds=time.monotonic() - began,
        problems=tuple(in_order([*decision.warnings, *made.problems()])),
    )


def _bring(decision: Decision, paths: Sequence[Path], staging: Path, progress: Callable[[str], None]) -> list[Brought]:
    """A file that is given twice is taken once."""
    found, mirrors = sources.find(paths)
    archive = staging / "archive"
    archive.mkdir(parents=True)
    given_files: list[Source | Path] = [*found, *mirrors]
    brought: dict[str, Brought] = {}
    for number, given in enumerate(given_files):
        progress(given.name)
        name = f"{number:05d}.warc.gz"
        if isinstance(given, Path):
            one = mirror.bring(given, decision, archive, name)
        else:
            one = sources.bring(given, archive, name)
        if brought.setdefault(one.sha256, one) is not one:
            (archive / name).unlink()
    return list(brought.values())


def _refuse_known(store: Path, site: str, brought: Sequence[Brought], again: bool) -> None:
    if again:
        return
    known: dict[str, str] = {}
    for capture in captures.captures(store, site):
        if capture.finished:
            about = captures.read_manifest(capture).get("import") or {}
            known |= {file["sha256"]: capture.id for file in about.get("files", ())}
    problems = [
        Problem(
            path=one.name,
            code="import-known",
            message=_("the file was imported before, as {capture}").format(capture=known[one.sha256]),
            remedy=_("nothing needs doing; to import it once more, add --again"),
        )
        for one in brought
        if one.sha256 in known
    ]
    if problems:
        raise Refused(problems)


def _refuse_empty(paths: Sequence[Path], held: Holdings) -> None:
    if not held.answers:
        text, remedy = _("the files hold no answer of a web server"), _("name the WARC files that hold the responses")
        raise Refused([Problem(path=paths[0].as_posix(), code="import-empty", message=text, remedy=remedy)])


def _moment(held: Holdings, decision: Decision, now: datetime) -> datetime:
    scope = Scope(hosts=decision.hosts)
    own = [a.date for a in held.answers if a.date is not None and scope.holds(a.url, "page")]
    return min(max(own or held.dates, default=now), now)


class _Making:
    """The files of a capture, in its staging folder."""

    def __init__(self, decision: Decision, chosen: Capture, staging: Path, now: datetime) -> None:
        self._decision, self._chosen, self._now = decision, chosen, now
        self._staged = Capture(site=chosen.site, timestamp=chosen.timestamp, folder=staging)
        before = [c for c in captures.captures(chosen.store, chosen.site) if c.timestamp < chosen.timestamp]
        self._former = next((c for c in reversed(before) if c.finished), None)
        self._accounts = Accounts()
        self.counts: dict[str, int] = {}
        self._dates: list[datetime] = []

    def name_files(self, brought: Sequence[Brought], held: Holdings) -> list[Brought]:
        """WARC files are named as those of any capture; what they were called is in the manifest."""
        names = {}
        for number, one in enumerate(brought):
            old, new = Path(one.warc).name, f"{self._chosen.site}-{self._chosen.timestamp}-{number:05d}.warc.gz"
            (self._staged.folder / one.warc).rename(self._staged.folder / "archive" / new)
            names[old] = new
        held.rename(names)
        self._dates = held.dates
        return [replace(one, warc=f"archive/{names[Path(one.warc).name]}") for one in brought]

    def account(self, held: Holdings) -> None:
        archive = self._staged.folder / "archive"
        with reading(self._former) as former:
            self._accounts = imported.account(held, self._decision, archive, self._chosen.id, former, self._now.year)

    def write(self, brought: Sequence[Brought]) -> None:
        staged, accounts = self._staged, self._accounts
        with Frontier(staged.frontier) as frontier:
            frontier.commit([], accounts.rows.values(), accounts.originals)
            self.counts = frontier.counts()
            lines = pages.lines(staged, frontier.rows("captured"), self._decision.start)
            write_atomic(staged.pages, b"".join(lines))
            cdxj.write(staged.index, accounts.entries)
            frontier.fold()
        captures.write_manifest(staged, self._manifest(brought))
        sources.sync_folder(staged.folder)

    def problems(self) -> list[Problem]:
        """What an operator should look at, each kind once: the rows themselves are in the inventory."""
        causes: dict[str, list[Row]] = {}
        for row in self._accounts.rows.values():
            if row.state == "failed":
                causes.setdefault(row.cause or "", []).append(row)
        found = [self._missing(causes.pop(imported.NOT_THERE, [])), *(self._failed(*it) for it in causes.items())]
        return [problem for problem in found if problem is not None]

    def _missing(self, rows: Sequence[Row]) -> Problem | None:
        if not rows:
            return None
        text = _("{count} URLs of the site are linked, but not in the imported files, {url} for one").format(
            count=len(rows), url=rows[0].url
        )
        remedy = _("while the site still answers, run `archive recapture {site}`").format(site=self._chosen.site)
        return self._problem("import-url-missing", text, remedy)

    def _failed(self, cause: str, rows: Sequence[Row]) -> Problem:
        text = _("{count} URLs have no whole answer ({cause}), {url} for one").format(
            count=len(rows), cause=cause, url=rows[0].url
        )
        return self._problem(
            "import-url-failed", text, _("look at them in crawl.sqlite; capture them while they answer")
        )

    def _problem(self, code: str, text: str, remedy: str) -> Problem:
        path = self._chosen.folder.as_posix()
        return Problem(path=path, code=code, severity="warning", message=text, remedy=remedy)

    def _manifest(self, brought: Sequence[Brought]) -> dict[str, Any]:
        """FORMATS §3: `started` and `finished` are the oldest and the newest date of a record."""
        scope = Scope(hosts=self._decision.hosts)
        manifest = capturing.manifest(
            self._staged, self._decision, scope, self._decision.start, (), self.counts, self._former
        )
        about = {
            "imported": self._now.astimezone(UTC).isoformat(timespec="seconds"),
            "files": [one.as_json() for one in brought],
        }
        started, finished = min(self._dates, default=self._now), max(self._dates, default=self._now)
        return manifest | {"import": about, "started": warc.iso(started), "finished": warc.iso(finished)}
