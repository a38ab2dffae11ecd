"""The pages of a release: which of them must be made again, made by workers, and remembered."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sitegen import content, files, frontmatter, inputs, output, pages, plain, plan
from sitegen.city import City
from sitegen.config import Project
from sitegen.crew import Crew
from sitegen.errors import Refused
from sitegen.inputs import Inputs
from sitegen.pages import Frame, Spec
from sitegen.plan import Plan
from sitegen.search.tables import Press
from sitegen.state import Made, State
from sitegen.text import _
from sitegen.work import Work

if TYPE_CHECKING:
    from sitegen.render.worker import Setup

BATCH = 50
FEW = 25
"""Up to this many pages are rendered in this process: another one costs more to start."""


def load() -> None:
    """Load what renders pages, while the other process looks at files: afterwards it would take a fifth of an edit."""
    from sitegen.render import direct, worker  # noqa: F401
    from sitegen.search import segment  # noqa: F401


def prepare(
    project: Project,
    everything: Inputs,
    state: State,
    shown_by_sections: Mapping[str, str],
    *,
    staged: Path,
    base: Path | None,
    direct: bool,
) -> tuple[Setup, Frame]:
    """What workers are given, and the frame with which this process says which pages there are."""
    from sitegen.render import worker

    city_of = functools.partial(
        City,
        site_url=project.site_url,
        search_url=project.search_url,
        sites=everything.tree.sites,
        columns=everything.tree.columns,
        published=everything.published,
        records=everything.records,
        links=everything.links,
        retiring=everything.retiring,
        replay=bool(everything.reader),
        phrases=everything.phrases,
        offline=everything.offline,
        quarters=everything.quarters,
        reports=everything.reports,
    )
    setup = worker.Setup(
        root=project.root,
        config_file=project.config_file,
        state=project.state / "build.sqlite",
        city=city_of,
        assets=inputs.page_assets(project),
        engine=inputs.engine_digest(project, inputs.program_digest()),
        dialect=inputs.dialect_digest(project),
        staged=staged,
        base=base,
        plain=frozenset({s.source for s in everything.tree.sections} | shown_by_sections.keys()),
        direct=direct,
    )
    return setup, Frame(city=city_of(articles=state), assets=setup.assets, engine=setup.engine)


def render(work: Work, everything: Inputs, frame: Frame, setup: Setup, workers: Crew, press: Press) -> None:
    from sitegen.render import worker

    blobs: dict[str, str] = {}
    done = 0
    stream = _batches(_plans(work, everything, frame))
    first = list(itertools.islice(stream, 2))
    few = len(first) < 2 and sum(map(len, first)) <= FEW
    total = 0 if few else sum(frame.city.counts.values()) + 4 * len(everything.tree.sections)  # an estimate
    for made, early in workers.run(worker.render, itertools.chain(first, stream), halves, worker.crashed, few=few):
        press.early += early
        stored = [_with_last_version(work, page, setup) for page in made]
        _store(work, stored)
        blobs |= {page.source: page.body_key.rpartition(" ")[2] for page in stored if page.body_key}
        done += len(stored)
        work.markdown.update(page.markdown for page in stored if page.markdown)
        if not few:
            work.progress(_("pages rendered"), done, max(total, done + 1))
    if done and not few:
        work.progress(_("pages rendered"), done, done)
    _keep_good(work, everything, blobs)


def _plans(work: Work, everything: Inputs, frame: Frame) -> Iterator[Plan]:
    """Section by section, those that were marked and those around which something changed."""
    state = work.state
    sections, questioned, _attachments = state.marked()
    columns = everything.tree.columns
    frames = {path: frame.around(everything.tree.sites[column.site], column) for path, column in columns.items()}
    before = state.frames()
    wanted = {*sections, *(found[0] for file in questioned if (found := state.page(file)) is not None)}
    wanted |= {path for path, digest in frames.items() if before.get(path) != digest} | set(state.failed_sections())
    wanted |= set(state.page_sections()) - frames.keys()
    for section in [*sorted(wanted - {pages.CITY, pages.MOVED}), pages.MOVED, pages.CITY]:
        if section == pages.CITY:
            specs = list(pages.of_city(frame))
        elif section == pages.MOVED:  # after the columns: an address that an article leaves is theirs no more
            specs = list(pages.of_moved(frame))
        else:
            specs = list(pages.of_column(frame, columns[section])) if section in columns else []
        known = state.page_keys(section)
        planned = plan.make(specs, {file: key for file, (key, _digest) in known.items()}, frozenset(questioned))
        state.set_site_maps(section, [(s.url, s.changed) for s in specs if s.recipe[0] == "site-map-part"])
        state.remove_pages(planned.remove)
        work.removed |= set(planned.remove)
        work.known |= {spec.file: known[spec.file][1] for spec, _reason in planned.render if spec.file in known}
        work.reasons |= {spec.file: reason for spec, reason in planned.render if spec.file.endswith(".html")}
        yield planned
    state.set_frames(frames)


def _batches(plans: Iterator[Plan]) -> Iterator[list[Spec]]:
    """Pages of neighbouring sections together, so that no process gets a handful."""
    waiting: list[Spec] = []
    for planned in plans:
        waiting += [spec for spec, _reason in planned.render]
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            del waiting[:BATCH]
    if waiting:
        yield waiting


def halves(batch: list[Spec]) -> list[list[Spec]]:
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]] if middle else []


def _with_last_version(work: Work, made: Made, setup: Setup) -> Made:
    """A page that could not be rendered: its last version stays, and the next build tries again."""
    if made.digest:
        return made
    last = work.known.get(made.file, "")
    if not last and setup.base is not None and (setup.base / made.file).is_file():
        last = files.sha256_file(setup.base / made.file).removeprefix("sha256:")
        output.share(setup.base / made.file, setup.staged, made.file)
    return made._replace(digest=last)


def _store(work: Work, made: Sequence[Made]) -> None:
    work.state.remove_pages(page.file for page in made if page.file in work.known)
    work.state.add_pages(made)
    for page in made:
        if page.digest and page.digest != work.known.pop(page.file, ""):
            work.changed.add(page.file)
        work.all_shared = work.all_shared and page.shared
        work.removed.discard(page.file)


def _keep_good(work: Work, everything: Inputs, blobs: Mapping[str, str]) -> None:
    """Keep what git does not have of every version that is shown now: sources, attachments, sections."""
    root = work.project.content
    sections = everything.tree.section_texts
    versions: dict[str, Callable[[], bytes]] = {}
    broken = {problem.path for problem in everything.tree.problems if problem.severity == "error"}
    for source, blob in blobs.items():
        if source in sections:
            text = sections[source]
            if source not in everything.tree.fixed and f"content/{source}" not in broken:
                everything.good.keep_section(source, text)
            versions[content.git_blob(text.encode())] = text.encode().__bytes__
        else:
            versions[blob] = functools.partial(_same, root / source, blob)
    for place in work.state.places_of(blobs):
        read = functools.partial(plain.read_as_judged, work.project.root / place)
        versions[content.git_blob(read())] = read
    everything.good.keep(versions)


def _same(path: Path, blob: str) -> bytes:
    """The source that was rendered: nothing else is kept under its name."""
    data = frontmatter.normalise(plain.read_as_judged(path)).encode()
    if content.git_blob(data) != blob:
        raise Refused([plain.changed_meanwhile(path.name)])
    return data


# --- what came of it -------------------------------------------------------------------------------------------------
