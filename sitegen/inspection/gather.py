"""The facts of an inspection, from the records, the state of the last build and the live release; nothing is rendered."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from sitegen import files, inputs, ledger
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.editions import FIELD
from sitegen.errors import Problem, UsageError
from sitegen.inputs import Inputs
from sitegen.inspection import attached, live, sweep, visits
from sitegen.inspection.facts import DatedItem, Facts, Guide
from sitegen.inspection.sweep import Built, Lenses, Text
from sitegen.rules import hidden, leaders, messages, workdays, writing
from sitegen.scan import scan
from sitegen.state.shelf import BROKEN, Shelf
from sitegen.text import _

_SAID_IN_TEXT = {
    "设定依据": ("依据",),
    "申请条件": ("条件",),
    "办理材料": ("材料",),
    "办理流程": ("流程", "步骤", "程序"),
}
_SAID_IN_KEYS = {"办理地点": "place", "办理时间": "hours", "联系电话": "phone"}


class Gathered(NamedTuple):
    """`external`: (address, source) of links to other hosts; `problems`: what could not be looked at; `spam`: words of
    advertising."""

    facts: Facts
    external: list[tuple[str, str]]
    problems: list[Problem]
    spam: re.Pattern[str]


def gather(project: Project, now: datetime, *, jobs: int = 0) -> Gathered:
    """Raises UsageError when the city was not built here."""
    shelf = _open(project)
    try:
        return _gather(project, shelf, now.astimezone(SHANGHAI), jobs)
    except BROKEN as error:
        raise UsageError([_no_build(str(error))]) from error
    finally:
        shelf.close()


def _open(project: Project) -> Shelf:
    try:
        shelf = Shelf.open(project.state / "build.sqlite")
        shelf.has_pages()
    except BROKEN as error:
        raise UsageError([_no_build(str(error))]) from error
    return shelf


def _no_build(reason: str) -> Problem:
    return Problem(
        path="build/state",
        code="inspect-no-build",
        message=_("nothing is known of the pages: {reason}").format(reason=reason),
        remedy=_("run `sitegen build`, then this command again"),
    )


def _gather(project: Project, shelf: Shelf, now: datetime, jobs: int) -> Gathered:
    everything = inputs.read(project, scan(project.content, {}))
    lexicon = writing.load(project.content)
    roll, roll_problems = leaders.load(project.content)
    calendar = workdays.load(project.content)
    letters, letter_problems = messages.load(project.content)
    retired = {source.rpartition("/")[0] for source in everything.retired if source.endswith("/index.md")}
    lenses = Lenses(
        root=project.root,
        site=project.live,
        host=project.host,
        lexicon=lexicon,
        roll=roll,
        spam=hidden.pattern(lexicon.spam),
    )
    texts = [Text(path, place, datetime.fromtimestamp(stamp, SHANGHAI).date()) for path, place, stamp in shelf.places()]
    built = [Built(file, source, digest) for file, source, digest in shelf.written_pages()]
    swept = sweep.sweep(lenses, texts, built, jobs=jobs)
    opened = attached.examine(
        project.content,
        {file: (digest, project.root / place) for file, digest, place in shelf.attachment_places()},
        project.build / "inspection" / "attachments.json",
    )
    grave = [problem for problem in opened if problem.severity == "error"]
    facts = Facts(
        now=now,
        site_url=project.site_url,
        sites=everything.tree.sites,
        columns={path: column for path, column in everything.tree.columns.items() if path not in retired},
        records=everything.records,
        newest={path: datetime.fromtimestamp(stamp, SHANGHAI).date() for path, stamp in shelf.newest_stamps().items()},
        counts=shelf.counts(),
        messages=tuple(letters),
        workdays=calendar,
        guides=tuple(_guides(project, shelf)),
        dead_links=tuple(shelf.missing_targets()),
        broken_relations=tuple(shelf.broken_relations()),
        forged=tuple(_forged(project, shelf)),
        serious=(*swept.serious, *grave, *_archived_pages(project, everything, lenses)),
        writing=tuple(swept.writing),
        attachments=tuple(problem for problem in opened if problem.severity != "error"),
        visits=tuple(visits.load(live.visits_file(project))),
    )
    problems = [*lexicon.problems, *roll_problems, *calendar.problems, *letter_problems]
    footer = [(link.url, "content/_records/links.yml") for _title, group in everything.links.groups for link in group]
    linked = [*(one for one in footer if "://" in one[0]), *swept.external]
    return Gathered(facts, [one for one in linked if not _is_ours(one[0], project.host)], problems, lenses.spam)


def _is_ours(url: str, host: str) -> bool:
    try:
        return urlsplit(url).netloc.lower() == host.lower()
    except ValueError:
        return False


def _guides(project: Project, shelf: Shelf) -> Iterator[Guide]:
    """办事指南重点要素 (V6): what the front matter or the text states."""
    for path, column, facts in shelf.guides():
        _values, (_kind, details), _signed, _attachments, place, _retired = orjson.loads(facts)
        try:
            text = files.read(str(project.root / place)).decode("utf-8", "replace")
        except OSError:
            text = ""
        missing = [name for name, words in _SAID_IN_TEXT.items() if not any(word in text for word in words)]
        missing += [name for name, key in _SAID_IN_KEYS.items() if not details.get(key)]
        yield Guide(path=path, column=column, missing=tuple(missing))


def _forged(project: Project, shelf: Shelf) -> Iterator[DatedItem]:
    """Texts that say they are older than the version that is shown; of each the first sign-off, from its ledger."""
    asked: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for path, column, stamp, facts in shelf.signed_after_date():
        if orjson.loads(facts)[0][FIELD["migrated_from"]]:
            continue  # its date is that of the archived page, which proves it
        asked[column].append((path, path.rpartition("/")[2].removesuffix(".md"), stamp))
    for column, items in sorted(asked.items()):
        first: dict[str, datetime] = {}
        entries, _problems = ledger.read(project.content, column)
        for entry in entries:
            if entry.stage == "edit" and (entry.article not in first or entry.at < first[entry.article]):
                first[entry.article] = entry.at
        for path, stable_id, stamp in items:
            if stable_id in first:
                published = datetime.fromtimestamp(stamp, SHANGHAI)
                signed = first[stable_id].astimezone(SHANGHAI)
                yield DatedItem(path=path, column=column, published=published, signed=signed)


def _archived_pages(project: Project, everything: Inputs, lenses: Lenses) -> Iterator[Problem]:
    """Copies of retired sites as they are served: old pages are where links are hidden."""
    for index in everything.published:
        if index.mode != "copies":
            continue
        for name in sorted(index.files):
            if not name.endswith(".html"):
                continue
            try:
                data = files.read(str(index.folder / name))
            except OSError:
                continue  # the build tells of a copy that is missing
            url = f"/archive/{index.site}/{index.timestamp}/{name}"
            for planted in hidden.find(data, lenses.host, lenses.spam):
                yield sweep.planted_problem(f"content/_archive/{index.site}.yml", url, planted)


def new_items(project: Project, begin: datetime, end: datetime) -> list[tuple[str, str, str, str]]:
    """(path, column, title, publication) of what was published from `begin` up to, not including, `end` (both aware)."""
    shelf = _open(project)
    try:
        found = shelf.published_between(begin.timestamp(), end.timestamp())
    finally:
        shelf.close()
    return [
        (
            path,
            column,
            str(orjson.loads(facts)[0][FIELD["title"]]),
            datetime.fromtimestamp(stamp, SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        )
        for path, column, stamp, facts in found
    ]
