"""Everything that can be wrong with the sources, found without rendering and without a trace."""

from __future__ import annotations

from datetime import datetime

from sitegen import checks, docket, inputs
from sitegen.config import Project
from sitegen.content import DiskFiles, Source
from sitegen.crew import Crew
from sitegen.docket import Court
from sitegen.errors import Problem, in_order
from sitegen.inputs import Inputs
from sitegen.rules import writing
from sitegen.scan import Scan, scan
from sitegen.state import State


def examine(project: Project, now: datetime, jobs: int = 0) -> list[Problem]:
    """Every source is judged, in a state of its own that is forgotten afterwards. Raises Refused without a portal."""
    found = scan(project.content, {})
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
            ]
        )
    finally:
        state.close()


def _judge(project: Project, found: Scan, everything: Inputs, state: State, now: datetime, jobs: int) -> None:
    drawn = docket.draw_up(found, state, everything, "", now)
    assets = frozenset(file for file in found.files() if not file.endswith(".md"))
    context = everything.context(project, now, DiskFiles(project.content, assets))
    with state.transaction(), Crew(Court(context=context, assets=assets, known={}), jobs) as workers:
        docket.hear(drawn, found, state, everything, workers, lambda what, done, total: None)
