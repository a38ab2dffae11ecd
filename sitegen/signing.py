"""What `sitegen review` does: find the versions that wait, and append one person's verdicts to the ledgers."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sitegen import content, ledger, records, review
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.content import DiskFiles, Source, Tree
from sitegen.docket import is_article
from sitegen.errors import Problem, UsageError
from sitegen.good import Good
from sitegen.ledger import Entry, Stage, stage_name
from sitegen.model import Article
from sitegen.records import Records
from sitegen.review import Open, Responsible, Signed
from sitegen.scan import scan
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One article's present version and where its review is; `problems` when it cannot be reviewed at all."""

    path: str
    article: Article | None
    status: Signed | Open | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything a reviewer's command needs, read once."""

    project: Project
    tree: Tree
    sources: Mapping[str, Source]
    files: DiskFiles
    records: Records
    good: Good

    @classmethod
    def open(cls, project: Project) -> Desk:
        good = Good(project.root, project.content, project.state / "good")
        people, _problems = records.load(project.content)
        found = scan(project.content, {})
        names = set(found.files())
        indexes = [path for path in names if posixpath.basename(path) == "index.md"]
        tree = content.load(project.content, indexes, names, good.sections)
        sources = {
            path: Source(path=path, column=column, root=project.content)
            for path in names
            if is_article(path) and (column := tree.column_of(path)) is not None
        }
        files = DiskFiles(project.content, names)
        return cls(project=project, tree=tree, sources=sources, files=files, records=people, good=good)

    def responsible(self, column: str) -> Responsible:
        found = self.tree.columns[column]
        return Responsible(column=column, site=found.site, signer=found.signer)

    def standings(self, below: Iterable[Path]) -> Iterator[Standing]:
        """Every article at or below the given paths. Raises UsageError for a path that names no article."""
        ledgers: dict[str, list[Entry]] = {}
        for path in self._sources(below):
            source = self.sources[path]
            text = source.text
            column = self.tree.columns[source.column]
            if source.column not in ledgers:
                ledgers[source.column], _problems = ledger.read(self.tree.root, source.column)
            if text is None:
                yield Standing(path=path, article=None, status=None, problems=())
                continue
            article, problems = content.article(text, path, column, self.files)
            status = None
            if article is not None:
                entries = [e for e in ledgers[source.column] if e.article == article.id]
                status = review.status(entries, article.digest, self.responsible(source.column), self.records)
            yield Standing(path=path, article=article, status=status, problems=tuple(problems))

    def _sources(self, below: Iterable[Path]) -> list[str]:
        found: set[str] = set()
        for given in below:
            path = given.resolve()
            if not path.is_relative_to(self.tree.root):
                raise UsageError([_no_article(given)])
            prefix = path.relative_to(self.tree.root).as_posix()
            inside = "" if prefix == "." else f"{prefix}/"
            matched = [source for source in self.sources if source == prefix or source.startswith(inside)]
            if not matched:
                raise UsageError([_no_article(given)])
            found.update(matched)
        return sorted(found)


def decide(
    desk: Desk,
    paths: Iterable[Path],
    *,
    person: str,
    at: datetime,
    verdict: Literal["pass", "reject"] = "pass",
    reason: str = "",
    stage: Stage | None = None,
) -> tuple[list[tuple[str, Stage]], list[Problem]]:
    """Give `person`'s verdict on every waiting version below `paths`; a folder takes only what waits for them.

    Returns (path, stage) of each verdict given, and why others were not. A file that is named is told about; what in a
    folder waits for somebody else is passed over.
    """
    who = desk.records.people.get(person)
    if who is None:
        raise UsageError(
            [
                Problem(
                    path="--as",
                    code="person-unknown",
                    message=_("{name} is not in _records/{file}").format(name=person, file="people.yml"),
                    remedy=_("use one of: {values}").format(values=", ".join(sorted(desk.records.people)[:8]) + " …"),
                )
            ]
        )
    given: list[tuple[str, Stage]] = []
    problems: list[Problem] = []
    named = {path.resolve() for path in paths if path.is_file()}
    for standing in desk.standings(paths):
        article, status = standing.article, standing.status
        wanted = (desk.tree.root / standing.path).resolve() in named
        if article is None or status is None:
            problems += standing.problems if wanted else ()
            continue
        next_stage = _stage_of(status, stage, verdict)
        where = desk.responsible(article.column)
        refusal = _refusal(desk, status, next_stage, person, where, at, verdict)
        if refusal is not None:
            problems += [_refused(standing.path, *refusal)] if wanted else []
            continue
        entry = _entry(desk, article, next_stage, person, at, verdict, reason)
        ledger.append(desk.tree.root, article.column, f"{article.date:%Y%m}", entry)
        given.append((standing.path, next_stage))
    return given, problems


def _stage_of(status: Signed | Open, stage: Stage | None, verdict: str) -> Stage:
    if stage is not None:
        return stage
    if isinstance(status, Open):
        return status.next_stage
    return "sign"  # the only verdict a signed version can still get is its signer's withdrawal


def _refusal(
    desk: Desk, status: Signed | Open, stage: Stage, person: str, where: Responsible, at: datetime, verdict: str
) -> tuple[str, str] | None:
    who = desk.records.people[person]
    if isinstance(status, Signed) and verdict == "pass":
        return "review-complete", _("this version is signed already, by {person}").format(person=status.entry.person)
    on = at.astimezone(SHANGHAI).date()
    if not who.may(stage, where.column, where.site, on):
        message = _("{person} has no role for stage {stage} in {column}")
        return "reviewer-not-entitled", message.format(person=person, stage=stage_name(stage), column=where.column)
    if stage == "sign" and person != where.signer and not who.is_deputy(where.column, where.site, on):
        message = _("only {person} signs off in {column}")
        return "reviewer-not-signer", message.format(person=where.signer, column=where.column)
    if isinstance(status, Open):
        if any(entry.person == person for entry in status.passed):
            message = _("{person} has already given a verdict on this version")
            return "reviewer-same-person", message.format(person=person)
        if status.next_stage != stage:
            message = _("it waits for stage {next}, not {stage}")
            return "reviewer-out-of-order", message.format(next=stage_name(status.next_stage), stage=stage_name(stage))
        if status.passed and at < status.passed[-1].at:
            return "reviewer-before-last", _("the verdict would be dated before the one it follows")
    return None


def _entry(
    desk: Desk,
    article: Article,
    stage: Stage,
    person: str,
    at: datetime,
    verdict: Literal["pass", "reject"],
    reason: str,
) -> Entry:
    assets: dict[str, str] = {}
    if stage == "sign" and verdict == "pass":
        data = {path: (desk.tree.root / path).read_bytes() for path in article.assets}
        assets = {path: content.git_blob(asset) for path, asset in data.items()}
        source = (desk.sources[article.path].text or "").encode()
        desk.good.keep({article.blob: source.__bytes__, **{assets[path]: data[path].__bytes__ for path in data}})
    return Entry(
        article=article.id,
        stage=stage,
        person=person,
        at=at,
        verdict=verdict,
        reason=reason,
        digest=article.digest,
        blob=article.blob,
        assets=assets,
        place="",
        path=article.path if stage == "sign" and verdict == "pass" else "",
    )


def _refused(path: str, code: str, message: str) -> Problem:
    remedy = _("see: {command}").format(command=f"sitegen review status content/{path}")
    return Problem(path=f"content/{path}", code=code, message=message, remedy=remedy)


def _no_article(given: Path) -> Problem:
    return Problem(
        path=str(given),
        code="review-no-article",
        message=_("no article stands here"),
        remedy=_("give an article's .md file or a folder below content/"),
    )
