"""What `sitegen review` does: find the versions that wait, and append one person's verdicts to the ledgers."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from sitegen import content, ledger, mentions, records
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.content import DiskFiles, Source, Tree
from sitegen.docket import is_article
from sitegen.editions import demands_of
from sitegen.errors import Problem, UsageError
from sitegen.good import Good
from sitegen.ledger import Entry, Proof, Stage, stage_name
from sitegen.model import Article
from sitegen.records import Records
from sitegen.review import Open, Responsible, Rules, Signed
from sitegen.reviews import proof, upstream
from sitegen.reviews.agent import Signer
from sitegen.reviews.proof import Terms
from sitegen.scan import scan
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One article's present version and where its review is; `problems` when it cannot be reviewed at all."""

    path: str
    article: Article | None
    status: Signed | Open | None
    problems: tuple[Problem, ...]
    entries: tuple[Entry, ...] = ()
    """All of the article's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person gives with a verdict beyond the word. `links_rejected`, `links_accepted`: links to other hosts."""

    reason: str = ""
    secrecy: bool = False
    upstream: Mapping[str, object] = field(default_factory=dict)
    links_rejected: tuple[str, ...] = ()
    links_accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything a reviewer's command needs, read once."""

    project: Project
    tree: Tree
    sources: Mapping[str, Source]
    files: DiskFiles
    records: Records
    good: Good
    signed_from: Mapping[str, date]

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
        return cls(
            project=project,
            tree=tree,
            sources=sources,
            files=files,
            records=people,
            good=good,
            signed_from=content.signed_from(tree.sites),
        )

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
            status, entries = None, []
            if article is not None:
                entries = [e for e in ledgers[source.column] if e.article == article.id]
                faults = proof.faults(entries, self.terms(source.column))
                problems += [proof.problem(e, faults[e.place]) for e in entries if e.place in faults]
                rules = Rules(
                    where=self.responsible(source.column),
                    records=self.records,
                    demands=demands_of(article),
                    faults=faults,
                )
                status = rules.status(entries, article.digest)
            yield Standing(path=path, article=article, status=status, problems=tuple(problems), entries=tuple(entries))

    def terms(self, column: str) -> Terms:
        signed_from = self.signed_from.get(self.tree.columns[column].site)
        return Terms(records=self.records, signed_from=signed_from)

    def links(self, article: Article) -> dict[str, str]:
        """Every link of a text to another host → the last word of a reviewer of the column on it, or empty."""
        entries, _problems = ledger.read(self.tree.root, article.column)
        said: dict[str, str] = {}
        for entry in sorted(entries, key=lambda entry: entry.at):
            said |= entry.proof.links if entry.proof else {}
        return {link: said.get(link, "") for link in mentions.external_links(article.body)}

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
    more: Given | None = None,
    signer: Signer | None = None,
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
    what = replace(more or Given(), reason=reason)
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
        refusal = refusal or _unmet(desk, standing, next_stage, person, at, verdict, what, signs=signer is not None)
        if refusal is not None:
            problems += [_refused(standing.path, *refusal)] if wanted else []
            continue
        entry = _entry(desk, article, standing.entries, next_stage, person, at, verdict, what)
        if signer is not None and entry.proof is not None:
            message = ledger.canonical(ledger.record(entry), article.column)
            entry = replace(entry, proof=replace(entry.proof, signature=signer.sign(message)))
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
    return None


def _unmet(
    desk: Desk,
    standing: Standing,
    stage: Stage,
    person: str,
    at: datetime,
    verdict: str,
    what: Given,
    *,
    signs: bool,
) -> tuple[str, str] | None:
    """What the text or the site asks for beyond an entitled person's word."""
    article, status = standing.article, standing.status
    assert article is not None  # noqa: S101 (`decide` went on only with one)
    on = at.astimezone(SHANGHAI).date()
    column = desk.tree.columns[article.column]
    signed_from = desk.signed_from.get(column.site)
    if signed_from is not None and on >= signed_from and not signs:
        return "review-signature-missing", _("the site requires signed verdicts: --key FILE, or ssh-agent")
    if standing.entries and at < max(entry.at for entry in standing.entries):
        return "reviewer-before-last", _("the verdict would be dated before the one it follows")
    if verdict == "reject":
        return None
    if isinstance(status, Open) and status.rejected is not None:
        message = _("this version was rejected ({reason}); only a corrected one can pass")
        return "review-rejected-again", message.format(reason=status.rejected.reason)
    who = desk.records.people[person]
    if len(who.stages(column.path, column.site, on)) > 1:
        return "reviewer-two-roles", _("{person} has more than one role in {column}").format(
            person=person, column=column.path
        )
    if stage != "edit" and article.author and article.author == who.name:
        return "reviewer-own-text", _("{person} wrote this text").format(person=who.name)
    if stage == "edit" and article.pushed_from and not upstream.is_complete(what.upstream, at):
        return "review-upstream-missing", _("the text was pushed from {system}: --upstream FILE").format(
            system=article.pushed_from
        )
    if stage != "review":
        return None
    if article.reprint_of and not what.secrecy:
        return "review-secrecy-missing", _("a reprint needs the secrecy review: look, then say --secrecy")
    bad = [link for link, said in desk.links(article).items() if said == "reject" and link not in what.links_accepted]
    if bad:
        message = _("the link {link} was rejected before; take it out, or say --accept-link {link}")
        return "review-link-rejected", message.format(link=bad[0])
    return None


def _entry(
    desk: Desk,
    article: Article,
    before: Sequence[Entry],
    stage: Stage,
    person: str,
    at: datetime,
    verdict: Literal["pass", "reject"],
    what: Given,
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
        reason=what.reason,
        digest=article.digest,
        blob=article.blob,
        assets=assets,
        place="",
        path=article.path if stage == "sign" and verdict == "pass" else "",
        proof=Proof(
            column=article.column,
            saw=proof.heads(before),
            secrecy=what.secrecy and stage == "review",
            links=_link_verdicts(article, stage, verdict, what),
            upstream=what.upstream if stage == "edit" else {},
        ),
    )


def _link_verdicts(article: Article, stage: Stage, verdict: str, what: Given) -> dict[str, str]:
    """第十九条(三)2: the reviewer's word covers each link to another host, by name."""
    if verdict == "reject":
        return dict.fromkeys(what.links_rejected, "reject")
    return dict.fromkeys(mentions.external_links(article.body), "pass") if stage == "review" else {}


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
