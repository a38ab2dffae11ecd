"""Facts about which the rules judge, read from the records, the sections and what the last build knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath

from sitegen import clock, inputs, ledger, lifecycle, model
from sitegen.config import Project
from sitegen.errors import Problem
from sitegen.inputs import Inputs
from sitegen.lifecycle import SiteRecord
from sitegen.review import Responsible, Rules
from sitegen.rules import messages, staff, submissions, surveys, topics, workdays
from sitegen.rules.facts import Facts
from sitegen.rules.submissions import Submission
from sitegen.rules.surveys import Survey
from sitegen.scan import scan
from sitegen.state.shelf import BROKEN, Shelf
from sitegen.text import _


def _no_build() -> Problem:
    return Problem(
        path="build/state",
        code="due-no-build",
        severity="warning",
        message=_("nothing is known of the columns' texts: the city was not built here"),
        remedy=_("run `sitegen build`, then this command again"),
    )


def read(project: Project, now: datetime) -> tuple[Facts, list[Problem]]:
    """Reads records and sections; columns' newest dates come from what the last build knows."""
    everything = inputs.read(project, scan(project.content, {}))
    members = staff.load(project.content)
    calendar = workdays.load(project.content)
    letters, letter_problems = messages.load(project.content)
    plans, plan_problems = topics.load(project.content)
    held, survey_problems = surveys.load(project.content)
    handed, handed_problems = submissions.load(project.content)
    lives = tuple(lifecycle.load_all(project.content))
    problems = [*members.problems, *calendar.problems, *letter_problems, *plan_problems, *survey_problems]
    problems += handed_problems
    retired = {source.rpartition("/")[0] for source in everything.retired if source.endswith("/index.md")}
    stamps: dict[str, float] = {}
    try:
        shelf = Shelf.open(project.state / "build.sqlite")
        try:
            stamps = shelf.newest_stamps()
        finally:
            shelf.close()
    except BROKEN:
        problems.append(_no_build())
    facts = Facts(
        site_url=project.site_url,
        sites=everything.tree.sites,
        columns={path: column for path, column in everything.tree.columns.items() if path not in retired},
        records=everything.records,
        staff=members,
        lifecycles=lives,
        newest={path: datetime.fromtimestamp(stamp, clock.SHANGHAI).date() for path, stamp in stamps.items()},
        messages=tuple(letters),
        workdays=calendar,
        now=now,
        plans=tuple(plans),
        surveys=tuple(held),
        online=_online(project, lives, held),
        submissions=tuple(handed),
        cleared=frozenset(one for one in handed if _was_signed(project, everything, one)),
    )
    return facts, problems


def _online(project: Project, lives: Iterable[SiteRecord], held: Iterable[Survey]) -> frozenset[str]:
    """Of the addresses that records name, those that the live release answers."""
    events = (event for record in lives for event in record.events)
    named = {event.facts.get(key, "") for event in events for key in ("portal_notice", "own_notice")}
    named |= {survey.result for survey in held}
    return frozenset(
        url
        for url in named
        if url.startswith("/") and ".." not in url and (project.live / model.file_of(url)).is_file()
    )


def _was_signed(project: Project, everything: Inputs, one: Submission) -> bool:
    """Whether, by the ledger of its column, a version of the text stood signed when it was submitted."""
    path = everything.tree.column_of(one.article)
    if path is None or one.submitted is None:
        return False
    column = everything.tree.columns[path]
    rules = Rules(where=Responsible(column=path, site=column.site, signer=column.signer), records=everything.records)
    entries, _told_by_verify = ledger.read(project.content, path)
    stable_id = PurePosixPath(one.article).stem
    return rules.last_signed(e for e in entries if e.article == stable_id and e.at <= one.submitted) is not None
