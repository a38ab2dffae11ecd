"""A random sample of the live release rendered anew, by Python-Markdown alone and from nothing kept, and compared.

What it finds must not exist: a page that an incremental build wrongly kept, a body that was rendered directly and
differs, a file that somebody changed or removed.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from sitegen import files, inputs, output, pages, plain, rendering
from sitegen.config import Project
from sitegen.crew import Crew
from sitegen.errors import Problem, Refused
from sitegen.manifest import no_manifest
from sitegen.scan import scan
from sitegen.state import State
from sitegen.text import _


def verify(
    project: Project, share: float, *, number: int, jobs: int, progress: Callable[[str, int, int], None]
) -> tuple[int, list[Problem]]:
    """(how many pages were compared, what differs). `share`: 0 to 1; `number` seeds the choice, so that it can be made
    again. Raises Refused when the live release is not the one last built."""
    from sitegen.render import worker

    with output.only_build(project):
        state = State(project.state / "build.sqlite")
        folder = project.releases / "sample.open"
        try:
            live = output.tree_of(project, output.live_release(project))
            if live is None or state.value("release") != live.name:
                raise Refused([no_manifest(output.live_release(project))])
            everything = inputs.read(project, scan(project.content, {}))
            shown, _refused = plain.section_files(everything, state, state.asset_digests())
            setup, frame = rendering.prepare(project, everything, state, shown, staged=folder, base=None, direct=False)
            wanted = [*pages.of_city(frame), *pages.of_moved(frame)]
            for column in everything.tree.columns.values():
                wanted += pages.of_column(frame, column)
            wanted.sort(key=lambda spec: spec.url)
            count = min(len(wanted), max(1, round(len(wanted) * share)))
            chosen = random.Random(number).sample(wanted, count)  # noqa: S311 (a sample, not a secret)
            batches = [chosen[start : start + rendering.BATCH] for start in range(0, count, rendering.BATCH)]
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            problems: list[Problem] = []
            done = 0
            with Crew(setup, jobs) as workers:
                few = count <= rendering.FEW
                for made, _early in workers.run(worker.render, batches, rendering.halves, worker.crashed, few=few):
                    done += len(made)
                    problems += [_differs(page.file) for page in made if not _is_same(live / page.file, page.digest)]
                    progress(_("pages compared"), done, count)
            return count, problems
        finally:
            worker.close()
            shutil.rmtree(folder, ignore_errors=True)
            state.close()


def _is_same(path: Path, digest: str) -> bool:
    return path.is_file() and files.sha256_file(path) == f"sha256:{digest}"


def _differs(file: str) -> Problem:
    return Problem(
        path=f"/{file}",
        code="release-differs",
        message=_("the page that is served is not the one its sources give"),
        remedy=_("run: {command}; if it is told again, report it").format(command="sitegen build --clean"),
    )
