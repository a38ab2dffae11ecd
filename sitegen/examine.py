"""Everything that can be wrong with the sources, found without rendering and without a trace."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import orjson

from sitegen import checks, docket, frontmatter, inputs, ledger
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.content import DiskFiles, Source
from sitegen.crew import Crew
from sitegen.docket import Court
from sitegen.editions import FIELD
from sitegen.errors import Problem, in_order
from sitegen.inputs import Inputs
from sitegen.reviews import dates
from sitegen.reviews.dates import Dated
from sitegen.rules import writing
from sitegen.scan import Scan, scan
from sitegen.sites import withhold
from sitegen.state import State


def examine(project: Project, now: datetime, jobs: int = 0) -> list[Problem]:
    """Every source is judged, in a state of its own that is forgotten afterwards. Raises Refused without a portal."""
    found = scan(project.content, {})
    withhold.apply(project.content, found, {})
    everything = inputs.read(project, found)
    state = State(None)
    try:
        _judge(project, found, everything, state, now, jobs)
        sources = [
            Source(path=path, column=column, root=project.content)
            for path in sorted(found.files())
            if docket.is_article(path) and (column := everything.tree.column_of(path)) is not None
        ]
        lexicon = writing.load(project.content)
        return in_order(
            [
                *everything.problems,
                *state.troubles(),
                *state.all_source_problems(),
                *checks.missing_files(sources, found),
                *checks.personal_data(sources),
                *lexicon.problems,
                *checks.characters(sources, lexicon),
                *checks.relations(state),
                *checks.duties(everything),
                *_dates(project, everything, state, now),
            ]
        )
    finally:
        state.close()


def _dates(project: Project, everything: Inputs, state: State, now: datetime) -> Iterator[Problem]:
    """第十九条(三): publication dates against sign-offs, and old texts under new dates."""
    archived = {str(page.get("target_uri")) for index in everything.published for page in index.raw.get("pages") or ()}
    may_wait = timedelta(days=dates.pubdate_days(project.content))
    columns: dict[str, list[Dated]] = defaultdict(list)
    for path, column, stamp, facts in state.published_between(0, math.inf):
        source = Source(path=path, column=column, root=project.content)
        columns[column].append(
            Dated(
                path=path,
                date=datetime.fromtimestamp(stamp, SHANGHAI),
                migrated_from=str(orjson.loads(facts)[0][FIELD["migrated_from"]]),
                words=frontmatter.body_of(source.text or ""),
            )
        )
    for column, texts in sorted(columns.items()):
        entries, _problems = ledger.read(project.content, column)
        yield from dates.before_sign_off(texts, entries, archived, may_wait)
    fresh = timedelta(days=dates.fresh_days(project.content))
    yield from dates.posted_again([text for texts in columns.values() for text in texts], now, fresh)


def _judge(project: Project, found: Scan, everything: Inputs, state: State, now: datetime, jobs: int) -> None:
    drawn = docket.draw_up(found, state, everything, "", now)
    assets = frozenset(file for file in found.files() if not file.endswith(".md"))
    context = everything.context(project, now, DiskFiles(project.content, assets))
    with state.transaction(), Crew(Court(context=context, assets=assets, known={}), jobs) as workers:
        docket.hear(drawn, found, state, everything, workers, lambda what, done, total: None)
