"""Everything a build reads but the articles: sections, people, footer links, published archives, the theme."""

from __future__ import annotations

import hashlib
import posixpath
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sitegen import archived, content, files, frontmatter, lifecycle, links, phrases, reader, records, versions
from sitegen.archived import Published, Retired, Retiring
from sitegen.config import Project
from sitegen.content import DiskFiles, Tree
from sitegen.editions import Context
from sitegen.errors import Problem, Refused
from sitegen.good import Good
from sitegen.inspection import journal
from sitegen.inspection.journal import Quarter
from sitegen.lifecycle import Event
from sitegen.links import Links
from sitegen.records import Records
from sitegen.reports import annual
from sitegen.reports.annual import Report
from sitegen.reviews.memory import Memory
from sitegen.scan import Scan
from sitegen.sites import stages
from sitegen.text import _

_ENGINE_PACKAGES = ("mkdocs", "mkdocs-material", "markdown", "pymdown-extensions", "jinja2", "nh3", "segno", "opencc")
_DIALECT_MODULES = ("adapter", "body", "direct", "extension", "shape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    tree: Tree
    records: Records
    links: Links
    phrases: Mapping[str, str]
    quarters: tuple[Quarter, ...]
    reports: tuple[Report, ...]
    published: tuple[Published, ...]
    retired: Mapping[str, Retired]
    retiring: Mapping[str, Retiring]
    good: Good
    reader: Mapping[str, tuple[str, Path]]
    """ReplayWeb.page, where it is here: file of the release → (digest, where it is)."""
    problems: tuple[Problem, ...]
    offline: Mapping[str, Event] = field(default_factory=dict)
    """Sites that are offline for the time being (第十三条), by their folder."""

    def context(self, project: Project, now: datetime, files: DiskFiles) -> Context:
        return Context(
            root=project.root,
            content=project.content,
            columns=self.tree.columns,
            files=files,
            records=self.records,
            good=self.good,
            retired=self.retired,
            now=now,
            signed_from=content.signed_from(self.tree.sites),
            verified=Memory(project.state / "verified"),
        )


def read(project: Project, scan: Scan) -> Inputs:
    """Raises Refused when there is no portal that can be used: no page would have an identity."""
    good = Good(project.root, project.content, project.state / "good")
    people, record_problems = records.load(project.content)
    footer, link_problems = links.load(project.content)
    pairs, phrase_problems = phrases.load(project.content)
    published, archive_problems = archived.load(project.public)
    retired = archived.retired_pages(published)
    indexes = [
        posixpath.join(folder, "index.md")
        for folder in scan.listings
        if b"index.md" in scan.listings[folder] and posixpath.join(folder, "index.md") in scan
    ]
    tree = content.load(project.content, indexes, scan, good.sections, _retired_sections(retired, good))
    archive_problems += archived.unpublished_decisions(project.content, published)
    archive_problems += archived.early_notices(project.content)
    archive_problems += [
        _homeless(path) for path in sorted(retired) if path not in tree.fixed and tree.column_of(path) is None
    ]
    quarters, quarter_problems = journal.load_quarters(project.content)
    reports, report_problems = annual.load(project.content)
    replay = reader.carried(project.reader)
    if project.replay and not replay:
        archive_problems.append(reader.missing(project.reader))
    problems = (
        *scan.problems,
        *record_problems,
        *link_problems,
        *phrase_problems,
        *tree.problems,
        *archive_problems,
        *quarter_problems,
        *report_problems,
    )
    if "" not in tree.sites:
        portal = Problem(
            path="content/index.md",
            code="portal-missing",
            message=_("there is no portal that can be used, so no page has an identity"),
            remedy=_("write content/index.md with kind: portal"),
        )
        raise Refused([*problems, portal])
    return Inputs(
        tree=tree,
        records=people,
        links=footer,
        phrases=pairs,
        quarters=tuple(quarters),
        reports=tuple(reports),
        published=tuple(published),
        retired=retired,
        retiring=archived.retiring(project.content),
        good=good,
        reader=replay,
        problems=problems,
        offline=_offline(project.content),
    )


def _offline(content: Path) -> dict[str, Event]:
    return {
        stages.folder_of(record.site): event
        for record in lifecycle.load_all(content)
        if stages.stage_of(record) == "suspended" and (event := record.last("suspended"))
    }


def _retired_sections(retired: Mapping[str, Retired], good: Good) -> dict[str, str]:
    """The texts of retired index.md files as they were; a lost one is left as it stands now."""
    found: dict[str, str] = {}
    for source, page in retired.items():
        data = good.read(page.blob) if posixpath.basename(source) == "index.md" else None
        if data is not None:
            found[source] = frontmatter.normalise(data)
    return found


def _homeless(path: str) -> Problem:
    return Problem(
        path=f"content/{path}",
        code="retired-version-missing",
        message=_("the page is retired and must stay at its address, but the column it stood in is gone"),
        remedy=_("bring back the column's index.md"),
    )


# --- digests of what makes other bytes of the same data ------------------------------------------------------------


def program_digest() -> str:
    """Of our own code, Python, and the libraries that render."""
    hasher = hashlib.sha256(f"{sys.version}\n".encode())
    for package in _ENGINE_PACKAGES:
        hasher.update(f"{package}=={versions.installed(package)}\n".encode())
    ours = Path(__file__).parent
    for path in sorted(ours.rglob("*.py")):
        hasher.update(path.relative_to(ours).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()


def engine_digest(project: Project, program: str) -> str:
    """Of everything but the data that decides a page's bytes: program, templates, settings."""
    hasher = hashlib.sha256(program.encode())
    for path in sorted(project.theme.rglob("*.html")):
        hasher.update(path.relative_to(project.theme).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    hasher.update(project.config_file.read_bytes())
    return hasher.hexdigest()


def dialect_digest(project: Project) -> str:
    """Of everything but the Markdown that decides a body's bytes."""
    hasher = hashlib.sha256(project.dialect.encode())
    for package in _ENGINE_PACKAGES:
        hasher.update(f"{package}=={versions.installed(package)}\n".encode())
    for name in _DIALECT_MODULES:
        path = Path(__file__).parent / "render" / f"{name}.py"
        hasher.update(path.read_bytes() if path.exists() else b"")
    return hasher.hexdigest()


_LINKED = {
    "style": ("gov", ".css"),
    "script": ("gov", ".js"),
    "search_style": ("search", ".css"),
    "search": ("search", ".js"),
    "supervision_style": ("supervision", ".css"),
}


def page_assets(project: Project) -> dict[str, str]:
    """Root-relative addresses of the theme's styles and scripts, as pages name them; empty: there is none."""
    theme = sorted(theme_assets(project))
    return {
        name: next((f"/{file}" for file in theme if file.startswith(f"assets/{stem}.") and file.endswith(end)), "")
        for name, (stem, end) in _LINKED.items()
    }


def theme_assets(project: Project) -> dict[str, tuple[str, Path]]:
    """File of the release → (digest, where it is). Style sheets and scripts carry their digest in their names, so
    that browsers may keep them for ever; `mode.css` keeps its name, because a server chooses it by cookie."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted((project.theme / "assets").rglob("*")):
        if path.is_file():
            digest = files.sha256_file(path)
            name = path.relative_to(project.theme).as_posix()
            if path.stem in {"gov", "search"}:
                name = f"{name.removesuffix(path.suffix)}.{digest[7:15]}{path.suffix}"
            found[name] = (digest, path)
    return found
