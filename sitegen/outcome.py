"""What came of a build, as it is told: counts, problems, and why a page is as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sitegen import output, plain
from sitegen.config import Project
from sitegen.errors import Problem
from sitegen.model import file_of, url_of
from sitegen.search import shards
from sitegen.state import Damaged, State
from sitegen.text import _

TOLD = 20
"""How many warnings of one kind are told one by one; of the rest the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`rendered`: pages written by a template; `release`: the id that is live now; `next_change`: the next instant at
    which a build would give another result by time alone; `more`: (code, how many) of warnings not told one by one;
    `markdown`: how many bodies were rendered directly (`direct`), taken from the last release (`kept`), or left to
    Python-Markdown, by reason."""

    rendered: int
    kept: int
    removed: int
    pending: int
    problems: tuple[Problem, ...]
    more: tuple[tuple[str, int], ...]
    release: str
    seconds: float
    next_change: datetime | None
    reasons: Mapping[str, str]
    markdown: Mapping[str, int]

    def as_json(self) -> dict[str, object]:
        return {
            "rendered": self.rendered,
            "kept": self.kept,
            "removed": self.removed,
            "pending": self.pending,
            "problems": [problem.as_json() for problem in self.problems],
            "more": [{"code": code, "count": count} for code, count in self.more],
            "release": self.release,
            "seconds": round(self.seconds, 3),
            "next_change": self.next_change.isoformat() if self.next_change else None,
            "markdown": dict(self.markdown),
        }


def is_derived(file: str) -> bool:
    """Feeds, site maps and the tables of the search: nobody wrote or attached them."""
    return file.endswith(".xml") or (file.startswith(f"{shards.FOLDER}/") and not file.endswith(".html"))


def explain(project: Project, path: str, report: Report) -> str:
    """Why the page of a source (`content/….md`), a URL or a file of the release was rendered, kept, or is not there."""
    name = path.removeprefix(f"{project.content.name}/").removeprefix(project.site_url).lstrip("/")
    file = file_of(url_of(name)) if name.endswith(".md") else file_of("/" + name)
    if file in report.reasons:
        return _("rendered: {reason}").format(reason=report.reasons[file])
    if (project.live / file).is_file():
        return _("kept: its text, its column, its neighbours, the texts it names, its links and the theme are the same")
    told = [f"{p.code}: {p.message}" for p in report.problems if p.path == f"content/{name}"]
    return _("not published: {reasons}").format(reasons="; ".join(told) or _("there is no such page"))


def told_of(state: State) -> tuple[list[Problem], tuple[tuple[str, int], ...]]:
    """Problems of sources: every error; of the warnings of one kind the first, and how many more there are."""
    told: list[Problem] = []
    more: dict[str, int] = defaultdict(int)
    for (severity, code, key), count in sorted(state.tallies().items()):
        limit = count if severity == "error" else min(count, TOLD)
        told += state.source_problems(severity, code, key, limit)
        more[code] += count - limit
    return told, tuple((code, count) for code, count in sorted(more.items()) if count)


def held(project: Project) -> Problem:
    return Problem(
        path="build/site",
        code="release-held",
        severity="warning",
        message=_("{release} was gone back to and stays live, because no source has changed since").format(
            release=output.live_release(project)
        ),
        remedy=_("correct the sources and build, or go forward with: sitegen release rollback RELEASE_ID"),
    )


def not_read(project: Project, error: OSError) -> Problem | None:
    """When it was a source that failed, the disk has room enough."""
    if not isinstance(error.filename, str) or not Path(error.filename).is_relative_to(project.content):
        return None
    return plain.changed_meanwhile(Path(error.filename).relative_to(project.root).as_posix())


def damaged(damage: Damaged) -> Problem:
    return Problem(
        path="build/state/build.sqlite",
        code="state-damaged",
        severity="warning",
        message=_("what was remembered of the last build is damaged ({error}): everything was built again").format(
            error=damage
        ),
        remedy=_("nothing, when the disk was full or the machine failed; if it is told again, report it"),
    )


def not_written(error: OSError) -> Problem:
    return Problem(
        path="build/releases",
        code="release-not-written",
        message=_("the release could not be written: {error}").format(error=error),
        remedy=_("make room on the disk and build again; the release that is served was not touched"),
    )
