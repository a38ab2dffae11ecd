"""The build: sources to one complete release, doing only what changed (DESIGN: the first flow)."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import posixpath
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sitegen import (
    archived,
    checks,
    content,
    editions,
    files,
    frontmatter,
    links,
    output,
    pages,
    plan,
    records,
    sitemap,
)
from sitegen.archived import Retired
from sitegen.city import City
from sitegen.config import Project
from sitegen.editions import Editions
from sitegen.errors import Problem, Refused, in_order
from sitegen.good import Good
from sitegen.pages import Page, Pages
from sitegen.plan import Plan
from sitegen.state import NOTHING, Made, Remembered, State
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.render.worker import Setup, Task

Progress = Callable[[str], None]
Fault = Callable[[str], None]
BATCH = 50
_ENGINE_PACKAGES = ("mkdocs", "mkdocs-material", "markdown", "pymdown-extensions", "jinja2", "nh3", "segno")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`rendered`: pages written by a template; `release`: the id that is live now; `next_change`: the next instant at
    which a build would give another result by time alone."""

    rendered: int
    kept: int
    removed: int
    pending: int
    problems: tuple[Problem, ...]
    release: str
    seconds: float
    next_change: datetime | None
    reasons: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        return {
            "rendered": self.rendered,
            "kept": self.kept,
            "removed": self.removed,
            "pending": self.pending,
            "problems": [problem.as_json() for problem in self.problems],
            "release": self.release,
            "seconds": round(self.seconds, 3),
            "next_change": self.next_change.isoformat() if self.next_change else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A file of the release that no template makes: its digest and where its bytes are."""

    digest: str
    source: Path | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything read from disk before anything is decided."""

    tree: content.Tree
    chosen: Editions
    city: City
    good: Good
    problems: tuple[Problem, ...]


def build(
    project: Project,
    *,
    now: datetime,
    jobs: int = 0,
    clean: bool = False,
    progress: Progress = lambda message: None,
    fault: Fault = lambda point: None,
) -> Report:
    """Build and switch. Raises Refused when there is no portal, another build runs, or the disk refuses.

    `jobs`: worker processes, 0 = one per core. `clean` forgets the last build, never the good versions. `fault` is
    called at named points, for tests that end the process there.
    """
    started = time.monotonic()
    with output.only_build(project):
        inputs = read(project, now)
        fault("sources-read")
        shown, sites = len(inputs.chosen.shown), len(inputs.city.sites)
        progress(_("{articles} articles in {sites} sites").format(articles=shown, sites=sites))
        state = State(project.state / "build.sqlite")
        try:
            result = _build(project, inputs, state, jobs=jobs, clean=clean, progress=progress, fault=fault)
        finally:
            state.close()
    made, report_plan, release = result
    problems = [*inputs.problems, *checks.links(made, inputs.tree.files), *checks.unbound(made, inputs.city)]
    problems += checks.relations(inputs.city)
    problems += checks.duties(inputs.city)
    problems += [problem for page in made for problem in page.problems]
    return Report(
        rendered=len(report_plan.render),
        kept=len(report_plan.keep),
        removed=len(report_plan.remove),
        pending=inputs.chosen.pending,
        problems=tuple(in_order(problems)),
        release=release,
        seconds=time.monotonic() - started,
        next_change=min(inputs.chosen.changes, default=None),
        reasons={page.file: reason for page, _, reason in report_plan.render},
    )


def read(project: Project, now: datetime) -> Inputs:
    """Sources, records, ledgers, published archives: the whole input of a build, and what is wrong with it."""
    good = Good(project.root, project.content, project.state / "good")
    people, record_problems = records.load(project.content)
    footer, link_problems = links.load(project.content)
    published, archive_problems = archived.load(project.public)
    retired = archived.retired_pages(published)
    tree = content.load(project.content, good.sections, _retired_sections(retired, good))
    archive_problems += archived.unpublished_decisions(project.content, published)
    chosen = editions.choose(tree, people, good, retired, now)
    problems = (*record_problems, *link_problems, *tree.problems, *archive_problems, *chosen.problems)
    if "" not in tree.sites:
        raise Refused(
            [
                *problems,
                Problem(
                    path="content/index.md",
                    code="portal-missing",
                    message=_("there is no portal that can be used, so no page has an identity"),
                    remedy=_("write content/index.md with kind: portal"),
                ),
            ]
        )
    city = City(
        site_url=project.site_url,
        sites=tree.sites,
        columns=tree.columns,
        editions=chosen.shown,
        expired=chosen.expired,
        published=tuple(published),
        records=people,
        links=footer,
    )
    return Inputs(tree=tree, chosen=chosen, city=city, good=good, problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One build between its plan and its release."""

    project: Project
    inputs: Inputs
    state: State
    planned: Plan
    plain: Mapping[str, Plain]
    remembered: Remembered
    made_pages: Pages
    digest: str
    """Of the engine and the shared values."""
    jobs: int
    progress: Progress
    fault: Fault

    @property
    def base(self) -> Path | None:
        """The tree of the remembered release."""
        return self.project.releases / self.remembered.release if self.remembered.release else None


def _retired_sections(retired: Mapping[str, Retired], good: Good) -> dict[str, str]:
    """The texts of retired index.md files as they were; a lost one is left as it stands now."""
    found: dict[str, str] = {}
    for source, page in retired.items():
        data = good.read(page.blob) if posixpath.basename(source) == "index.md" else None
        if data is not None:
            found[source] = frontmatter.normalise(data)
    return found


def _build(
    project: Project, inputs: Inputs, state: State, *, jobs: int, clean: bool, progress: Progress, fault: Fault
) -> tuple[list[Made], Plan, str]:
    remembered = state.remembered()
    output.drop_unfinished(project, {remembered.release, output.live_release(project)})
    if clean or not (remembered.release and (project.releases / remembered.release).is_dir()):
        remembered = NOTHING
    theme = _theme_files(project)
    style = next((f"/{file}" for file in sorted(theme) if file.startswith("assets/gov.") and file.endswith(".css")), "")
    made_pages = pages.make(inputs.city, lambda path: _size(inputs, path), {"style": style})
    plain, damaged = _plain_files(project, inputs, made_pages, theme, remembered)
    plain_digests = {file: item.digest for file, item in plain.items()}
    targets = _targets(inputs, plain)
    engine = engine_digest(project)
    digests = {name: pages.digest_of(value) for name, value in made_pages.shared.items()}
    planned = plan.make(
        made_pages.pages, lambda page: pages.key_of(page, digests, engine), remembered, targets, plain_digests
    )
    fault("planned")
    if remembered.release and not planned.render and not planned.remove and plain_digests == dict(remembered.plain):
        if output.is_held(project):
            return _with_problems(planned.keep, [*damaged, _held(project)]), planned, output.live_release(project)
        if output.live_release(project) != remembered.release:
            output.switch(project, remembered.release)
        return _with_problems(planned.keep, damaged), planned, remembered.release
    state.set_targets(targets)
    files.write_atomic(project.state / "shared.json", json.dumps(made_pages.shared, ensure_ascii=False).encode())
    fault("targets-written")
    work = _Work(
        project=project,
        inputs=inputs,
        state=state,
        planned=planned,
        plain=plain,
        remembered=remembered,
        made_pages=made_pages,
        digest=pages.digest_of([engine, digests]),
        jobs=jobs,
        progress=progress,
        fault=fault,
    )
    try:
        made, planned, release = _release(work)
    except OSError as error:
        for leftover in project.releases.glob("*.open"):
            shutil.rmtree(leftover, ignore_errors=True)
        raise Refused(
            [
                Problem(
                    path="build/releases",
                    code="release-not-written",
                    message=_("the release could not be written: {error}").format(error=error),
                    remedy=_("make room on the disk and build again; the release that is served was not touched"),
                )
            ]
        ) from error
    return _with_problems(made, damaged), planned, release


def _held(project: Project) -> Problem:
    return Problem(
        path="build/site",
        code="release-held",
        severity="warning",
        message=_("{release} was gone back to and stays live, because no source has changed since").format(
            release=output.live_release(project)
        ),
        remedy=_("correct the sources and build, or go forward with: sitegen release rollback RELEASE_ID"),
    )


def _release(work: _Work) -> tuple[list[Made], Plan, str]:
    """Render into a tree nobody sees, name it, remember it, switch to it; killed anywhere, the next build goes on."""
    project, base = work.project, work.base
    live = output.live_release(project)
    last = base or (project.releases / live if live else None)
    tree = output.new_tree(project)
    planned = _share_kept(work, tree)
    work.fault("tree-begun")
    rendered = [made if made.digest else _last_version(made, last, tree) for made in _rendered(work, planned, tree)]
    work.fault("pages-rendered")
    for file, item in work.plain.items():
        _put_plain(item, file, tree, base if work.remembered.plain.get(file) == item.digest else None)
    work.fault("tree-complete")
    made = sorted([*planned.keep, *rendered], key=lambda page: page.file)
    fingerprint = _fingerprint(made, work.plain)[:8]
    release = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{fingerprint}"
    if live.endswith(f"-{fingerprint}") and output.same_tree(project.releases / live, tree):
        release = live  # a clean build of what is served already
        shutil.rmtree(tree)
    else:
        manifest = project.state / "releases" / f"{release}.json"
        files.write_atomic(manifest, _manifest(project, release, work.inputs, work.made_pages))
        work.fault("manifest-written")
        output.finish(project, tree, release)
        work.fault("release-named")
    sources = {page.source for page, _, _ in planned.render}
    work.inputs.good.keep(dict(editions.versions_to_keep(work.inputs.chosen, sources)))
    _keep_sections(work.inputs, sources)
    work.fault("good-kept")
    work.state.remember(release, made, {file: item.digest for file, item in work.plain.items()})
    work.fault("state-written")
    output.switch(project, release)
    work.fault("switched")
    output.prune(project)
    work.fault("pruned")
    return made, planned, release


def _rendered(work: _Work, planned: Plan, tree: Path) -> list[Made]:
    from sitegen.render.worker import Setup, Task

    setup = Setup(
        config_file=work.project.config_file,
        targets=work.project.state / "build.sqlite",
        shared=work.project.state / "shared.json",
        release=tree,
        digest=work.digest,
    )
    tasks = [
        Task(file=page.file, key=key, source=page.source, body=page.body, gov=page.gov, shared=page.shared)
        for page, key, _ in planned.render
    ]
    return _render(setup, tasks, work.jobs, work.progress)


def _share_kept(work: _Work, tree: Path) -> Plan:
    """Link kept pages into the new tree; one whose file has vanished from the last release is rendered again."""
    by_file = {page.file: page for page in work.made_pages.pages}
    kept: list[Made] = []
    again = list(work.planned.render)
    for made in work.planned.keep:
        source = work.base / made.file if work.base else None
        if source is not None and source.is_file():
            output.share(source, tree, made.file)
            kept.append(made)
        else:
            again.append((by_file[made.file], made.key, _("its file has vanished")))
    again.sort(key=lambda entry: entry[0].url)
    return replace(work.planned, render=tuple(again), keep=tuple(kept))


def _last_version(made: Made, base: Path | None, tree: Path) -> Made:
    """A page that could not be rendered: its last version stays, and the next build tries again."""
    if base is not None and (base / made.file).is_file():
        output.share(base / made.file, tree, made.file)
    return made


# --- rendering ---------------------------------------------------------------------------------------------------


def _render(setup: Setup, tasks: Sequence[Task], jobs: int, progress: Progress) -> list[Made]:
    from sitegen.render import worker

    count = jobs or len(os.sched_getaffinity(0))
    if count == 1 or len(tasks) <= BATCH // 2:
        return worker.render(setup, tasks)
    batches = [tasks[start : start + BATCH] for start in range(0, len(tasks), BATCH)]
    done: list[Made] = []
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sitegen.render.worker"])
    with concurrent.futures.ProcessPoolExecutor(count, context, worker.ignore_interrupts) as pool:
        futures = [pool.submit(worker.render, setup, batch) for batch in batches]
        try:
            for batch, future in zip(batches, futures, strict=True):
                try:
                    done += future.result()
                except BrokenProcessPool:
                    done += _one_by_one(setup, batch)
                progress(_("rendered {done} of {total} pages").format(done=len(done), total=len(tasks)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return done


def _one_by_one(setup: Setup, tasks: Sequence[Task]) -> list[Made]:
    """A worker died: find the page that kills it, set it aside, render the others."""
    from sitegen.render import worker

    done: list[Made] = []
    for task in tasks:
        try:
            with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                done += pool.submit(worker.render, setup, [task]).result()
        except BrokenProcessPool:
            problem = Problem(
                path=f"content/{task.source}" if task.source else f"/{task.file}",
                code="render-crashed",
                message=_("rendering this page ended the worker process"),
                remedy=_("look for something extreme in the source; the page's last version stays online"),
            )
            done.append(
                Made(
                    file=task.file,
                    key="",
                    digest="",
                    source=task.source,
                    reads={},
                    anchors=(),
                    anchor_links=(),
                    problems=(problem,),
                )
            )
    return done


def engine_digest(project: Project) -> str:
    """Changes when anything changes that turns the same data into other bytes: libraries, our code, theme, settings."""
    hasher = hashlib.sha256()
    for package in _ENGINE_PACKAGES:
        hasher.update(f"{package}=={metadata.version(package)}\n".encode())
    ours = Path(__file__).parent / "render"
    for path in sorted([*ours.glob("*.py"), *project.theme.rglob("*.html"), project.config_file]):
        hasher.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()


# --- files that no template makes ----------------------------------------------------------------------------------


def _theme_files(project: Project) -> dict[str, Plain]:
    """The theme's assets; a style sheet carries its digest in its name, so that browsers may keep it for ever."""
    found: dict[str, Plain] = {}
    for path in sorted((project.theme / "assets").rglob("*")):
        if not path.is_file():
            continue
        digest = files.sha256_file(path)
        name = path.relative_to(project.theme).as_posix()
        if path.suffix == ".css":
            name = f"{name[:-4]}.{digest[7:15]}.css"
        found[name] = Plain(digest=digest, source=path)
    return found


def _plain_files(
    project: Project, inputs: Inputs, made_pages: Pages, theme: Mapping[str, Plain], remembered: Remembered
) -> tuple[dict[str, Plain], list[Problem]]:
    """Attachments of what is shown, the theme's assets, public copies of the archive, site map and robots.txt."""
    plain = dict(theme)
    problems: list[Problem] = []
    page_files = {page.file for page in made_pages.pages}
    for edition in inputs.chosen.shown.values():
        for path, source in edition.asset_files.items():
            digest = edition.article.assets[path]
            if any(parent.as_posix() in page_files for parent in PurePosixPath(path).parents):
                problems.append(_in_the_way(edition.article.path, path))
            elif path in plain and plain[path].digest != digest:
                problems.append(_conflict(edition.article.path, path))
            else:
                plain[path] = Plain(digest=digest, source=source)
    plain |= _section_assets(inputs, problems)
    for index in inputs.city.published:
        if index.mode == "copies":
            plain |= _copies(index, remembered, problems)
    for name, data in sitemap.make(project.site_url, made_pages.pages).items():
        plain[name] = Plain(digest=files.sha256(data), source=data)
    return plain, problems


def _in_the_way(source: str, path: str) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-in-the-way",
        message=_("a folder of content/{path} has the name of a page").format(path=path),
        remedy=_("rename the folder"),
    )


def _conflict(source: str, path: str) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-conflict",
        message=_(
            "another article shows content/{path} in the version its reviewers passed, which is not this one"
        ).format(path=path),
        remedy=_("have both articles reviewed with the same file, or give the new file another name"),
    )


def _section_assets(inputs: Inputs, problems: list[Problem]) -> dict[str, Plain]:
    """Files that a section's own text shows. Only those that stand beside its index.md and that no article names:
    what an article binds is published by its review alone."""
    bound = {
        path for source in inputs.tree.sources.values() for path in content.linked_files(source.text or "", source.path)
    }
    found: dict[str, Plain] = {}
    for section in inputs.tree.sections:
        for path in sorted(content.linked_files(inputs.tree.section_texts.get(section.source, ""), section.source)):
            if path not in inputs.tree.files or path.endswith(".md"):
                continue
            beside = posixpath.dirname(path) == posixpath.dirname(section.source)
            if beside and path not in bound and content.is_attachment(path):
                found[path] = Plain(digest=inputs.tree.asset_digest(path), source=inputs.tree.root / path)
            elif path not in bound:
                problems.append(
                    Problem(
                        path=f"content/{section.source}",
                        code="attachment-refused",
                        message=_("{name} is of a kind that is not published beside the pages").format(name=path)
                        if beside
                        else _("{name} does not stand beside this file: only an article's review publishes it").format(
                            name=path
                        ),
                        remedy=_("put the file beside index.md, or into an article"),
                    )
                )
    return found


def _copies(index: archived.Published, remembered: Remembered, damaged: list[Problem]) -> dict[str, Plain]:
    """One published capture, whole. Each copy's digest is checked when it is first carried; one that is not what the
    index says is told and left out."""
    found: dict[str, Plain] = {}
    root = index.folder.resolve()
    for name, facts in sorted(index.files.items()):
        source, file = index.folder / name, f"archive/{index.site}/{index.timestamp}/{name}"
        whole = source.resolve().is_relative_to(root) and source.is_file() and source.stat().st_size == facts["bytes"]
        if whole and (remembered.plain.get(file) == facts["sha256"] or files.sha256_file(source) == facts["sha256"]):
            found[file] = Plain(digest=str(facts["sha256"]), source=source)
        else:
            damaged.append(
                Problem(
                    path=f"build/public/{index.site}/{index.timestamp}/{name}",
                    code="archive-copy-damaged",
                    message=_("the public copy is missing or not what its index says"),
                    remedy=_("run: {command}").format(command=f"archive publish {index.site}/{index.timestamp}"),
                )
            )
    return found


def _put_plain(item: Plain, file: str, tree: Path, base: Path | None) -> None:
    if base is not None and (base / file).is_file():
        output.share(base / file, tree, file)
    elif isinstance(item.source, bytes):
        output.put(tree, file, item.source)
    elif item.source.is_relative_to(tree.parent.parent / "public"):
        output.share(item.source, tree, file)
    else:
        data = item.source.read_bytes()
        if files.sha256(data) != item.digest:
            raise Refused([_changed_meanwhile(item.source)])
        output.put(tree, file, data)


def _changed_meanwhile(source: Path) -> Problem:
    return Problem(
        path=source.name,
        code="source-changed-while-building",
        message=_("the file was changed while it was being published; nothing was published"),
        remedy=_("build again"),
    )


def _size(inputs: Inputs, path: str) -> int:
    for edition in inputs.chosen.shown.values():
        if path in edition.asset_files:
            return edition.asset_files[path].stat().st_size
    return 0


def _targets(inputs: Inputs, plain: Mapping[str, Plain]) -> set[str]:
    sections = {section.source for section in inputs.tree.sections}
    attachments = {path for edition in inputs.chosen.shown.values() for path in edition.asset_files}
    attachments |= {file for file in plain if file in inputs.tree.files}
    return sections | inputs.chosen.shown.keys() | inputs.chosen.expired.keys() | attachments


# --- what is written beside the release ------------------------------------------------------------------------------


def _fingerprint(made: Sequence[Made], plain: Mapping[str, Plain]) -> str:
    hasher = hashlib.sha256()
    for file, digest in sorted([(m.file, m.digest) for m in made] + [(f, item.digest) for f, item in plain.items()]):
        hasher.update(f"{file} {digest}\n".encode())
    return hasher.hexdigest()


def _manifest(project: Project, release: str, inputs: Inputs, made_pages: Pages) -> bytes:
    """docs/FORMATS.md §5."""
    listed = [_manifest_page(page, inputs) for page in made_pages.pages]
    attachments = sorted(
        (f"/{path}", edition.article.column) for edition in inputs.chosen.shown.values() for path in edition.asset_files
    )
    manifest = {
        "format": "release/1",
        "id": release,
        "site_url": project.site_url,
        "pages": listed,
        "files": [{"url": url, "column": column} for url, column in attachments],
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode()


def _manifest_page(page: Page, inputs: Inputs) -> dict[str, object]:
    digest = blob = None
    if page.edition is not None:
        digest, blob = page.edition.article.digest, page.edition.article.blob
    elif page.source:
        text = inputs.tree.section_texts.get(page.source, "")
        digest, blob = files.sha256(text.encode()), content.git_blob(text.encode())
    return {
        "url": page.url,
        "source": page.source or None,
        "column": page.column,
        "title": page.gov["title"],
        "digest": digest,
        "blob": blob,
    }


def _keep_sections(inputs: Inputs, rendered: set[str]) -> None:
    broken = {problem.path for problem in inputs.tree.problems if problem.severity == "error"}
    for section in inputs.tree.sections:
        if (
            section.source not in rendered
            or section.source in inputs.tree.fixed
            or f"content/{section.source}" in broken
        ):
            continue
        text = content.read_text(inputs.tree.root, section.source, [])
        if text is not None:
            inputs.good.keep_section(section.source, text)
            inputs.good.keep({content.git_blob(text.encode()): text.encode().__bytes__})


def _with_problems(made: Sequence[Made], damaged: list[Problem]) -> list[Made]:
    if not damaged:
        return list(made)
    carrier = Made(
        file="", key="", digest="", source="", reads={}, anchors=(), anchor_links=(), problems=tuple(damaged)
    )
    return [*made, carrier]
