"""Which version of an article citizens see: the signed one, the last signed one, the retired one, or none yet."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Literal

import orjson

from sitegen import content, frontmatter, mentions, model, review
from sitegen.archived import Published, Retired
from sitegen.content import Files
from sitegen.errors import Problem
from sitegen.files import sha256_file
from sitegen.good import Good
from sitegen.ledger import Entry, stage_name
from sitegen.model import Article, Column, Interpretation, Policy
from sitegen.records import Records
from sitegen.review import Demands, Open, Responsible, Rules, Signed
from sitegen.reviews import proof, reprints
from sitegen.reviews.proof import Fault, Terms, Verified
from sitegen.text import _

Status = Literal["hidden", "shown", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A local file of one edition. `place`: where the signed bytes are, relative to the project."""

    path: str
    digest: str
    place: str
    size: int
    title: str
    """The text of the link that leads to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One article as it is shown. `place`: where the bytes of its source are, relative to the project."""

    article: Article
    signed_at: datetime
    attachments: tuple[Attachment, ...]
    place: str
    retired: Retired | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be done with one source. It follows from the source, its column, the files it links, its ledger
    entries, the people, the good versions, the retirements and the time; from nothing else."""

    path: str
    column: str
    status: Status
    edition: Edition | None
    problems: tuple[Problem, ...]
    pending: bool
    """A version waits for a verdict."""
    next_change: datetime | None
    """The next instant at which time alone gives another answer."""
    linked: tuple[str, ...]
    """Local files that were looked for; when one comes, goes or changes, the answer may be another."""
    unsure: bool
    """A version was looked for and not found; it may turn up without any file of the content changing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What all sources of a build have in common."""

    root: Path
    """The project."""
    content: Path
    columns: Mapping[str, Column]
    files: Files
    records: Records
    good: Good
    retired: Mapping[str, Retired]
    now: datetime
    signed_from: Mapping[str, date] = field(default_factory=dict)
    """Site → the day from which its verdicts need a signature."""
    verified: Verified | None = None


def refused(path: str, column: str, problems: Iterable[Problem]) -> Verdict:
    """A source that is not read at all."""
    return Verdict(
        path=path,
        column=column,
        status="hidden",
        edition=None,
        problems=tuple(problems),
        pending=False,
        next_change=None,
        linked=(),
        unsure=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A source as it stands now: an article, or why it cannot be one. `text` None: it cannot be read."""

    article: Article | None
    problems: list[Problem]
    linked: frozenset[str]


def current(path: str, column: str, text: str | None, problems: list[Problem], context: Context) -> Current:
    """`problems`: those of reading the text."""
    if text is None:
        return Current(article=None, problems=problems, linked=frozenset())
    article, found = content.article(text, path, context.columns[column], context.files)
    linked = frozenset(article.linked if article else mentions.linked_files(text, path))
    return Current(article=article, problems=[*problems, *found], linked=linked)


def judge(path: str, column: str, entries: Iterable[Entry], context: Context, standing: Current) -> Verdict:
    """The verdict on one source, of which `standing` is what stands there now. A retired page keeps its version even
    when its source is gone."""
    chooser = _Chooser(path=path, column=context.columns[column], context=context, standing=standing)
    edition = chooser.choose([*entries])
    status = chooser.place(edition)
    return Verdict(
        path=path,
        column=column,
        status=status,
        edition=edition if status != "hidden" else None,
        problems=tuple(chooser.problems),
        pending=chooser.pending,
        next_change=min(chooser.changes, default=None),
        linked=tuple(sorted(chooser.linked)),
        unsure=chooser.unsure,
    )


def demands_of(article: Article) -> Demands | None:
    """What the text asks of its reviewers beyond what every text does."""
    if not (article.author or article.reprint_of or article.pushed_from):
        return None
    return Demands(
        digest=article.digest,
        author=article.author,
        secrecy=bool(article.reprint_of),
        upstream=bool(article.pushed_from),
    )


def _begins(article: Article) -> datetime:
    return max(article.date, article.publish_at or article.date)


@dataclass(slots=True, kw_only=True)
class _Chooser:
    """The choice for one source."""

    path: str
    column: Column
    context: Context
    standing: Current
    problems: list[Problem] = field(default_factory=list)
    changes: list[datetime] = field(default_factory=list)
    linked: set[str] = field(default_factory=set)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    pending: bool = False
    unsure: bool = False

    def _terms(self) -> Terms:
        context = self.context
        return Terms(
            records=context.records,
            signed_from=context.signed_from.get(self.column.site) if context.signed_from else None,
            verified=context.verified,
        )

    def choose(self, entries: list[Entry]) -> Edition | None:
        retired = self.context.retired
        now = self.context.now
        if self.path not in retired and f"{self.column.path}/index.md" in retired:
            self._report(
                "article-in-retired-column",
                _("the column {column} is retired: nothing new is published in it").format(column=self.column.path),
                _("put the file into the column that succeeds it"),
            )
            return None
        self.changes += [entry.at for entry in entries if entry.at > now]
        entries = [entry for entry in entries if entry.at <= now]  # a verdict of the future does not count yet
        self.faults = proof.faults(entries, self._terms())
        if self.faults:
            self.problems += [proof.problem(e, self.faults[e.place]) for e in entries if e.place in self.faults]
        if self.path in retired:
            return self._retired(retired[self.path], entries)
        return self._reviewed(entries)

    def place(self, edition: Edition | None) -> Status:
        if edition is None:
            return "hidden"
        article, now = edition.article, self.context.now
        if edition.retired is not None:
            return "shown"
        if _begins(article) > now:
            self._tell_of_future(article)
            return "hidden"
        if article.expire_at is not None and article.expire_at <= now:
            return "expired"
        self.changes += [article.expire_at] if article.expire_at is not None else []
        return "shown"

    def _reviewed(self, entries: list[Entry]) -> Edition | None:
        current = self._current()
        rules = Rules(
            where=Responsible(column=self.column.path, site=self.column.site, signer=self.column.signer),
            records=self.context.records,
            demands=None if current is None else demands_of(current),
            faults=self.faults,
        )
        standing = None
        if current is not None:
            status = rules.status(entries, current.digest)
            if current.reprint_of:
                self._tell_of_reprint(current, status)
            if isinstance(status, Signed):
                return self._signed(current, status, entries, rules)
            self.pending, standing = True, status
        older = rules.last_signed(entries)
        edition = self._restore(older.entry.blob, older.entry.digest, entries, None) if older else None
        self._tell(standing, older, edition)
        return edition

    def _signed(self, current: Article, standing: Signed, entries: list[Entry], rules: Rules) -> Edition:
        """The present version; before its time comes, the one that it is going to replace."""
        if _begins(current) > self.context.now:
            others = [entry for entry in entries if entry.digest != current.digest]
            before = rules.last_signed(others)
            older = self._restore(before.entry.blob, before.entry.digest, entries, None) if before else None
            if older is not None:
                self._tell_of_future(current)
                return older
        folder = self.context.content.relative_to(self.context.root).as_posix()
        places = {path: f"{folder}/{path}" for path in current.assets}
        return self._edition(current, standing.entry.at, places, f"{folder}/{self.path}", None)

    def _edition(
        self, article: Article, signed_at: datetime, places: Mapping[str, str], place: str, retired: Retired | None
    ) -> Edition:
        titles = model.link_texts(article.body) if article.assets else {}
        attachments = tuple(
            Attachment(
                path=path,
                digest=digest,
                place=places[path],
                size=(self.context.root / places[path]).stat().st_size,
                title=titles.get(posixpath.basename(path), posixpath.basename(path)),
            )
            for path, digest in sorted(article.assets.items())
        )
        return Edition(
            article=article,
            signed_at=signed_at,
            attachments=attachments,
            place=place,
            retired=retired,
        )

    def _retired(self, page: Retired, entries: list[Entry]) -> Edition | None:
        """The version at the retired digest, whatever was written since."""
        edition = self._restore(page.blob, page.digest, entries, page)
        if edition is None:
            self.unsure = True
            self._report(
                "retired-version-missing",
                _("the version that was retired ({blob}) is neither in git nor in build/state/good").format(
                    blob=page.blob[:12]
                ),
                _("bring back the repository's history or the state folder"),
            )
        return edition

    def _current(self) -> Article | None:
        """The present version; its problems are told, whichever version is shown."""
        self.problems += self.standing.problems
        self.linked |= self.standing.linked
        return self.standing.article

    def _restore(self, blob: str, digest: str, entries: list[Entry], page: Retired | None) -> Edition | None:
        """An earlier version with the attachments that were signed with it; None when any byte of it is lost."""
        place = self.context.good.path_of(blob)
        if place is None:
            return None
        text = frontmatter.normalise(place.read_bytes())
        sign = next((e for e in entries if e.digest == digest and e.stage == "sign" and e.assets), None)
        files = self._signed_files(text, sign.assets if sign else {})
        try:
            assets = {path: sha256_file(self.context.root / file) for path, file in files.items()}
        except OSError:  # any byte of it is lost, for now
            return None
        article, _problems = content.article(text, self.path, self.column, self.context.files, assets)
        if article is None or article.digest != digest:
            return None
        at = max((e.at for e in entries if e.digest == digest), default=article.date)
        return self._edition(article, at, files, place.relative_to(self.context.root).as_posix(), page)

    def _signed_files(self, text: str, signed: Mapping[str, str]) -> dict[str, str]:
        """Where the bytes of each attachment are: as signed where the ledger says which, else as they stand now.

        Only what the text itself links counts: a ledger line cannot bring in any other path.
        """
        found: dict[str, str] = {}
        names = mentions.linked_files(text, self.path)
        self.linked |= {path for path in names if not path.endswith(".md")}
        for path in names:
            kept = self.context.good.path_of(signed[path]) if path in signed else None
            if kept is None and path in self.context.files and not path.endswith(".md"):
                kept = self.context.content / path
            if kept is not None:
                found[path] = kept.relative_to(self.context.root).as_posix()
        return found

    def _tell_of_reprint(self, article: Article, status: Signed | Open) -> None:
        """第十九条(三): within 12 hours; a reprint that waits becomes late by time alone."""
        shown_at = max(status.entry.at, _begins(article)) if isinstance(status, Signed) else None
        hours = reprints.hours(self.context.content)
        self.problems += reprints.lateness(article, shown_at, self.context.now, hours)
        if shown_at is None and article.original_at is not None:
            late_at = reprints.due(article.original_at, hours) + timedelta(seconds=1)
            self.changes += [late_at] if late_at > self.context.now else []

    def _tell_of_future(self, article: Article) -> None:
        begins = _begins(article)
        self.changes.append(begins)
        self._report(
            "publication-in-future",
            _("it is published at {time}, not yet").format(time=f"{begins:%Y-%m-%d %H:%M}"),
            _("nothing, when this is meant; run the build at that time"),
            warning=True,
            key="publish_at" if article.publish_at else "date",
        )

    def _tell(self, standing: Open | None, older: Signed | None, edition: Edition | None) -> None:
        if standing is not None:
            self._tell_of_ledger(standing)
            what = _("the last signed version stays online") if edition else _("it is not published")
            command = f"sitegen review approve content/{self.path} --as PERSON"
            rejected, newer = standing.rejected, standing.superseded
            if newer is not None:
                message = _(
                    "another version was signed later, on {time}; this one passes all stages again; {consequence}"
                )
                message = message.format(time=f"{newer.at:%Y-%m-%d %H:%M}", consequence=what)
                self._report("review-superseded", message, command, warning=True)
            elif rejected is not None:
                message = _("rejected at stage {stage} by {person}: {reason}; {consequence}").format(
                    stage=stage_name(rejected.stage),
                    person=rejected.person,
                    reason=rejected.reason,
                    consequence=what,
                )
                remedy = _("correct it, then {command}").format(command=command)
                self._report("review-rejected", message, remedy, warning=True)
            else:
                message = _("waits for stage {stage}; {consequence}")
                message = message.format(stage=stage_name(standing.next_stage), consequence=what)
                self._report("review-pending", message, command, warning=True)
        elif edition is not None:
            self._report(
                "last-version-shown",
                _("the file cannot be used; the last signed version stays online"),
                _("correct the lines named above and have the new version reviewed"),
                warning=True,
            )
        if older is not None and edition is None:
            self.unsure = True
            self._report(
                "last-version-missing",
                _(
                    "the last signed version ({blob}) is neither in git nor in build/state/good; the page is withheld"
                ).format(blob=older.entry.blob[:12]),
                _("commit what is signed, or finish the review of the present version"),
            )

    def _tell_of_ledger(self, standing: Open) -> None:
        for entry, reason in standing.ignored:
            if entry.place in self.faults:
                continue
            place, line = entry.place.rsplit(":", 1)
            self.problems.append(
                Problem(
                    path=f"content/{place}",
                    line=int(line),
                    code="review-entry-ignored",
                    severity="warning",
                    key=entry.article,
                    message=_("the verdict of {person} at stage {stage} does not count: {explanation}").format(
                        person=entry.person, stage=stage_name(entry.stage), explanation=review.explain(reason)
                    ),
                    remedy=_("have an entitled person give the verdict; ledger lines are never deleted"),
                )
            )

    def _report(self, code: str, message: str, remedy: str, *, warning: bool = False, key: str | None = None) -> None:
        self.problems.append(
            Problem(
                path=f"content/{self.path}",
                code=code,
                severity="warning" if warning else "error",
                key=key,
                message=message,
                remedy=remedy,
            )
        )


# --- as text, for the state ----------------------------------------------------------------------------------------

_DETAILS = {kind.__name__: kind for kind in model.DETAILS}
_ARTICLE = tuple(f.name for f in fields(Article) if f.name not in {"details", "body"})
_values_of = attrgetter(*_ARTICLE)
FIELD = {name: place for place, name in enumerate(_ARTICLE)}
"""Where a field of the article stands in the first part of `to_json`."""
_MOMENTS = frozenset({"date", "publish_at", "expire_at", "original_at"})
_TUPLES = frozenset({"keywords", "linked", "traditional"})
_DAYS = frozenset({"written_on", "effective_on", "received_on", "replied_on"})


def to_json(edition: Edition) -> str:
    """All of an edition but its body; equal editions give equal text."""
    article, retired = edition.article, edition.retired
    facts = [
        _values_of(article),
        [type(article.details).__name__, article.details],
        edition.signed_at.isoformat(),
        [[a.path, a.digest, a.place, a.size, a.title] for a in edition.attachments],
        edition.place,
        None
        if retired is None
        else [
            retired.index.site,
            retired.index.timestamp,
            retired.digest,
            retired.blob,
            retired.captured_at,
            retired.original_url,
        ],
    ]
    return orjson.dumps(facts).decode()


def from_json(text: str, published: Mapping[tuple[str, str], Published]) -> Edition:
    """The inverse of `to_json`; `published`: the archive's indexes by site and timestamp."""
    values, (kind, details), signed_at, attachments, place, retired = orjson.loads(text)
    facts = dict(zip(_ARTICLE, values, strict=True))
    for name in _MOMENTS:
        facts[name] = None if facts[name] is None else datetime.fromisoformat(facts[name])
    for name in _TUPLES:
        facts[name] = tuple(facts[name])
    for name, value in details.items():
        if name in _DAYS and value is not None:
            details[name] = date.fromisoformat(value)
        elif isinstance(value, list):
            details[name] = tuple(value)
    return Edition(
        article=Article(**facts, details=_DETAILS[kind](**details), body=""),
        signed_at=datetime.fromisoformat(signed_at),
        attachments=tuple(
            Attachment(path=path, digest=digest, place=kept, size=size, title=title)
            for path, digest, kept, size, title in attachments
        ),
        place=place,
        retired=None if retired is None else _retirement(facts["path"], retired, published),
    )


def _retirement(source: str, facts: list[str], published: Mapping[tuple[str, str], Published]) -> Retired:
    site, timestamp, digest, blob, captured_at, original_url = facts
    return Retired(
        source=source,
        digest=digest,
        blob=blob,
        captured_at=captured_at,
        original_url=original_url,
        index=published[site, timestamp],
    )


def relations(article: Article) -> list[tuple[str, str]]:
    """(how, stable id) of every other text that an article names."""
    match article.details:
        case Interpretation() as interpretation:
            return [("interprets", stable_id) for stable_id in interpretation.interprets]
        case Policy() as policy:
            named = (("replaces", policy.replaces), ("replaced_by", policy.replaced_by))
            return [(how, stable_id) for how, stable_id in named if stable_id]
    return []
