"""The build: sources to one complete release, doing only what changed (DESIGN: the first flow)."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sitegen import (
    checks,
    crew,
    docket,
    inputs,
    outcome,
    output,
    pictures,
    plain,
    reader,
    rendering,
)
from sitegen.city import City
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.content import DiskFiles
from sitegen.crew import Crew
from sitegen.docket import Court
from sitegen.errors import Problem, Refused, in_order
from sitegen.inputs import Inputs
from sitegen.outcome import Report
from sitegen.plain import PlainFiles
from sitegen.scan import Scan, scan
from sitegen.search import shards, tables
from sitegen.search.tables import Press
from sitegen.sites import withhold
from sitegen.state import Changes, Damaged, State, problems_to_json
from sitegen.text import language_now
from sitegen.walk import Walk
from sitegen.work import Fault, Progress, Work

if TYPE_CHECKING:
    from sitegen.render.worker import Setup


def build(
    project: Project,
    *,
    now: datetime,
    jobs: int = 0,
    clean: bool = False,
    progress: Progress = lambda what, done, total: None,
    fault: Fault = lambda point: None,
    begun: Walk | None = None,
) -> Report:
    """Build and switch. Raises Refused when there is no portal, another build runs, or the disk refuses.

    `jobs`: worker processes, 0 = one per core. `clean` forgets the last build, never the good versions. `fault` is
    called at named points, for tests that end the process there. `begun`: a walk over the content, begun earlier.
    """
    work = functools.partial(Work, project=project, now=now, jobs=jobs, progress=progress, fault=fault)
    try:
        with output.only_build(project):
            return _build_and_report(work, project, begun, clean=clean)
    except OSError as error:
        for leftover in project.releases.glob("*.open"):
            shutil.rmtree(leftover, ignore_errors=True)
        raise Refused([outcome.not_read(project, error) or outcome.not_written(error)]) from error


def _build_and_report(work: Callable[..., Work], project: Project, begun: Walk | None, *, clean: bool) -> Report:
    started = time.monotonic()
    state = State(project.state / "build.sqlite")
    try:
        if clean:
            state.forget()
        try:
            return _run(work(state=state, begun=begun), started)
        except Damaged as damage:
            state.forget()
            report = _run(work(state=state), started)
            return dataclasses.replace(report, problems=(*report.problems, outcome.damaged(damage)))
    finally:
        state.close()


def _run(work: Work, started: float) -> Report:
    with work.state.guard():
        _build(work)
        return _report(work, started)


def _build(work: Work) -> None:
    project, state = work.project, work.state
    output.drop_unfinished(project, {state.value("release"), output.live_release(project)})
    base = output.tree_of(project, state.value("release"))
    if base is None and state.value("release"):
        state.forget()  # what is remembered are differences from a tree that is gone
    if base is None:
        crew.warm_up(work.jobs)
    before = state.listings()
    work.scan = scan(project.content, before, work.begun)
    withhold.apply(project.content, work.scan, before)
    work.fault("sources-read")
    program = inputs.program_digest()
    outside = _outside(project, program)
    if base is not None and _nothing_happened(work, outside):
        _keep_live(work)
        return
    everything = inputs.read(project, work.scan)
    with state.transaction():
        changes = _judge(work, everything, program, before)
        _mark(work, everything, changes)
    work.fault("judged")
    _publish(work, everything, outside, base)


def _nothing_happened(work: Work, outside: str) -> bool:
    state = work.state
    return not (
        state.value("scan problems") != _as_told(work.scan)
        or work.scan.changed
        or work.scan.gone
        or state.value("outside") != outside
        or state.value("release") == ""
        or work.now < datetime.fromisoformat(state.value("now"))
        or state.sources_due(work.now.astimezone(UTC).isoformat())
        or any(state.marked())
        or state.failed_sections()
    )


def _as_told(found: Scan) -> str:
    """What was refused while looking: no listing tells of it."""
    return problems_to_json(in_order(found.problems))


def _outside(project: Project, program: str) -> str:
    """Digest of all that a build depends on outside content/: program, theme, settings, the archive's indexes."""
    hasher = hashlib.sha256(f"{inputs.engine_digest(project, program)} {language_now()}".encode())
    for file, (digest, _path) in sorted(inputs.theme_assets(project).items()):
        hasher.update(f"{file} {digest}\n".encode())
    readers = (project.reader / name for name in reader.FILES.values())
    for path in [*sorted(project.public.glob("*/*.json")), *(path for path in readers if path.is_file())]:
        facts = path.stat()
        hasher.update(f"{path} {facts.st_size} {facts.st_mtime_ns} {facts.st_ino}\n".encode())
    return hasher.hexdigest()


def _keep_live(work: Work) -> None:
    """Nothing to publish: the remembered release is, or becomes, the live one, unless a person went back."""
    remembered = work.state.value("release")
    live = output.live_release(work.project)
    work.release = remembered
    if output.is_held(work.project):
        work.release = live
    elif live != remembered:
        output.switch(work.project, remembered)


def _judge(work: Work, everything: Inputs, program: str, before: Mapping[str, bytes]) -> Changes:
    state, project = work.state, work.project
    drawn = docket.draw_up(work.scan, state, everything, program, work.now)
    known = state.asset_digests()
    few = len(drawn.paths) <= docket.FEW
    assets = work.scan if few else frozenset(f for f in work.scan.files() if not f.endswith(".md"))
    context = everything.context(project, work.now, DiskFiles(project.content, work.scan, known))
    court = Court(context=context, assets=assets, known=known)
    with Crew(court, work.jobs) as workers:
        changes = docket.hear(drawn, work.scan, state, everything, workers, work.progress)
    docket.remember(state, work.scan, before, everything, program, work.now)
    return changes


def _mark(work: Work, everything: Inputs, changes: Changes) -> None:
    """Note what the new rows make questionable, until a release has been made of it."""
    state = work.state
    sections = {section for section in changes.sections if section}
    if changes.services:
        sections |= {c.path for c in everything.tree.columns.values() if c.holds == "service" and not c.site}
    linkable = {section.source for section in everything.tree.sections}
    before = _lines(state.value("linkable"))
    state.set_value("linkable", "\n".join(sorted(linkable)))
    asked = changes.flipped | changes.attachments | (linkable ^ before)
    linkable |= _lines(state.value("section files"))
    answers = {target: target in linkable or state.is_published(target) for target in asked}
    state.mark(sections, state.misled(answers), changes.attachments)


def _lines(text: str) -> set[str]:
    return set(text.split("\n")) - {""}


# --- from rows to a release ------------------------------------------------------------------------------------------


def _publish(work: Work, everything: Inputs, outside: str, base: Path | None) -> None:
    from sitegen.render import worker

    project, state = work.project, work.state
    live = output.tree_of(project, output.live_release(project))
    shown_by_sections, refused = plain.section_files(everything, state, state.asset_digests())
    direct = os.environ.get("SITEGEN_DIRECT", "1") != "0"
    staged = output.stage(project)
    spool = project.releases / "keys.open"
    setup, frame = rendering.prepare(
        project, everything, state, shown_by_sections, staged=staged, base=base or live, direct=direct
    )
    if not state.search_count():
        spool.mkdir()
        setup = dataclasses.replace(setup, spool=spool)
    work.fault("tree-begun")
    with state.transaction(), Crew(setup, work.jobs) as workers:
        press = tables.Press(workers, spool, shards.FOLDER, state)
        others = _lines(state.value("section files")) ^ shown_by_sections.keys()
        state.mark([], state.misled({f: f in shown_by_sections or state.is_published(f) for f in others}), [])
        try:
            rendering.render(work, everything, frame, setup, workers, press)
        except worker.SourceChanged as changed:
            raise Refused([plain.changed_meanwhile(str(changed))]) from changed
        finally:
            worker.close()
        work.fault("pages-rendered")
        theme = inputs.theme_assets(project)
        plain_files = plain.compare(project, everything, state, theme, state.marked()[2], shown_by_sections)
        plain.generated(project, state, plain_files)
        _put_plain(work, plain_files, setup)
        try:
            _put_search(work, frame.city, press)
        finally:
            tables.close()
            shutil.rmtree(spool, ignore_errors=True)
        _remember_troubles(work, everything, plain_files, refused, shown_by_sections)
        state.set_value("outside", outside)
        state.unmark()
        work.fault("tree-complete")
        is_new = _name(work, setup, base, live)
        state.set_value("release", work.release)
        work.fault("release-named")
    work.fault("state-written")
    if not is_new:
        _keep_live(work)
        return
    output.switch(project, work.release)
    (project.state / "held").unlink(missing_ok=True)
    work.fault("switched")
    if (delta := output.delta_of(project, work.release)) is not None:
        output.settle(project, work.release, delta)
    if any(file.startswith(f"{pictures.FOLDER}/") for file in work.changed | work.removed):
        shown = {digest for _file, digest, _place in state.attachment_places()}
        pictures.Studio(project.build / pictures.FOLDER).prune(shown)
    work.fault("pruned")


def _put_plain(work: Work, found: PlainFiles, setup: Setup) -> None:
    for file, item in sorted(found.put.items()):
        work.all_shared = plain.write(item, file, setup.staged, setup.base) and work.all_shared
    work.changed |= found.put.keys()
    gone = found.remove - found.put.keys()
    work.removed |= gone
    work.state.set_plain({file: item.digest for file, item in found.put.items()}, gone)


def _put_search(work: Work, city: City, press: Press) -> None:
    """The search index of what is published now; a folder of it that stands already is kept as it is."""
    shards.publish(work.state, city, press)
    work.all_shared = work.all_shared and press.all_shared
    work.changed |= press.digests.keys()
    gone = press.gone()
    work.removed |= gone
    work.state.set_plain(press.digests, gone)


def _remember_troubles(
    work: Work, everything: Inputs, found: PlainFiles, refused: Sequence[Problem], shown: Mapping[str, str]
) -> None:
    state = work.state
    state.set_trouble("inputs", [*everything.problems, *checks.duties(everything), *refused])
    for owner, problems in found.troubles.items():
        state.set_trouble(owner, problems)
    state.set_value("scan problems", _as_told(work.scan))
    state.set_value("section files", "\n".join(sorted(shown)))
    plain.remember_captures(everything, state)


def _name(work: Work, setup: Setup, base: Path | None, live: Path | None) -> bool:
    """Make a release of the staged files; False when it would be the one that is remembered or served already."""
    project, removed = work.project, sorted(work.removed)
    if base is not None and not work.changed and not removed:
        shutil.rmtree(setup.staged)
        work.release = base.name
        return False
    if base is None and live is not None and work.all_shared and output.count_files(live) == len(work.changed):
        output.same_as_live(project, setup.staged, live.name)
        work.release = live.name
        return False
    base_release = base.name if base is not None else ""
    delta = output.delta_for(base_release, sorted(work.changed), removed)
    hasher = hashlib.sha256(base_release.encode())
    for file in (*delta.changed, "", *delta.removed):
        hasher.update(f"{file}\n".encode())
    work.release = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{hasher.hexdigest()[:8]}"
    output.finish(project, setup.staged, work.release, delta, work.fault)
    return True


def _report(work: Work, started: float) -> Report:
    state = work.state
    problems = [*state.troubles(), *checks.relations(state), *checks.links(state, work.scan)]
    told, more = outcome.told_of(state)
    problems += told
    if output.is_held(work.project):
        problems.append(outcome.held(work.project))
    due = state.next_change()
    return outcome.Report(
        rendered=len(work.reasons),
        kept=state.page_count() - len(work.reasons),
        removed=len([file for file in work.removed if not outcome.is_derived(file)]),
        pending=state.pending(),
        problems=tuple(in_order(problems)),
        more=more,
        release=work.release,
        seconds=time.monotonic() - started,
        next_change=datetime.fromisoformat(due).astimezone(SHANGHAI) if due else None,
        reasons=work.reasons,
        markdown=dict(work.markdown.most_common()),
    )
