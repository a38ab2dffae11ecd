"""Which version of each article citizens see: the signed one, the last signed one, the retired one, or none yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sitegen import content, frontmatter, ledger, review
from sitegen.archived import Retired
from sitegen.content import Source, Tree
from sitegen.errors import Problem
from sitegen.files import sha256_file
from sitegen.good import Good
from sitegen.ledger import Entry, stage_name
from sitegen.model import Article, Column
from sitegen.records import Records
from sitegen.review import Open, Responsible, Signed
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One article as it is shown. `asset_files`: path under content/ → the file that holds the signed bytes."""

    article: Article
    signed_at: datetime
    asset_files: Mapping[str, Path]
    source_bytes: bytes
    retired: Retired | None


@dataclass(slots=True, kw_only=True)
class Editions:
    shown: dict[str, Edition] = field(default_factory=dict)
    """By source path."""
    expired: dict[str, Edition] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    pending: int = 0
    """Versions that wait for a verdict."""
    changes: list[datetime] = field(default_factory=list)
    """Future instants at which the answer will be another."""


def choose(tree: Tree, records: Records, good: Good, retired: Mapping[str, Retired], now: datetime) -> Editions:
    """The same answer for an incremental and a clean build: it depends on sources, ledgers, good versions and `now`."""
    result = Editions()
    ledgers = _ledgers(tree, result.problems)
    gone = {path: _vanished(tree, path) for path in sorted(retired.keys() - tree.sources.keys())}
    result.problems += [_homeless(path) for path, source in gone.items() if source is None and path not in tree.fixed]
    for path, source in sorted({**tree.sources, **{p: s for p, s in gone.items() if s is not None}}.items()):
        chooser = _Chooser(source=source, tree=tree, records=records, good=good, result=result, now=now)
        entries = _until(now, ledgers[source.column].get(Path(path).stem, []), result)
        if path not in retired and f"{source.column}/index.md" in retired:
            chooser.refuse_in_retired_column()
            continue
        edition = chooser.retired(retired[path], entries) if path in retired else chooser.reviewed(entries)
        if edition is not None:
            _place(edition, path, now, result)
    return result


def _until(now: datetime, entries: list[Entry], result: Editions) -> list[Entry]:
    """A verdict dated in the future does not count yet."""
    result.changes += [entry.at for entry in entries if entry.at > now]
    return [entry for entry in entries if entry.at <= now]


def _vanished(tree: Tree, path: str) -> Source | None:
    """A retired page whose source was deleted since: it stays all the same."""
    column = content.column_of(tree, path)
    return None if column is None or path.endswith("index.md") else Source(path=path, column=column, text=None)


def _homeless(path: str) -> Problem:
    return Problem(
        path=f"content/{path}",
        code="retired-version-missing",
        message=_("the page is retired and must stay at its address, but the column it stood in is gone"),
        remedy=_("bring back the column's index.md"),
    )


def _ledgers(tree: Tree, problems: list[Problem]) -> dict[str, dict[str, list[Entry]]]:
    """Column → stable id → entries."""
    found: dict[str, dict[str, list[Entry]]] = {}
    for column in tree.columns:
        entries, bad = ledger.read(tree.root, column)
        problems += bad
        found[column] = defaultdict(list)
        for entry in entries:
            found[column][entry.article].append(entry)
    return found


def _begins(article: Article) -> datetime:
    return max(article.date, article.publish_at or article.date)


def _tell_of_future(article: Article, result: Editions) -> None:
    begins = _begins(article)
    result.changes.append(begins)
    result.problems.append(
        Problem(
            path=f"content/{article.path}",
            code="publication-in-future",
            severity="warning",
            key="publish_at" if article.publish_at else "date",
            message=_("it is published at {time}, not yet").format(time=f"{begins:%Y-%m-%d %H:%M}"),
            remedy=_("nothing, when this is meant; run the build at that time"),
        )
    )


def _place(edition: Edition, path: str, now: datetime, result: Editions) -> None:
    article = edition.article
    if edition.retired is not None:
        result.shown[path] = edition
    elif _begins(article) > now:
        _tell_of_future(article, result)
    elif article.expire_at is not None and article.expire_at <= now:
        result.expired[path] = edition
    else:
        result.changes += [article.expire_at] if article.expire_at is not None else []
        result.shown[path] = edition


@dataclass(slots=True, kw_only=True)
class _Chooser:
    """The choice for one source."""

    source: Source
    tree: Tree
    records: Records
    good: Good
    result: Editions
    now: datetime

    def reviewed(self, entries: list[Entry]) -> Edition | None:
        column = self.tree.columns[self.source.column]
        where = Responsible(column=column.path, site=column.site, signer=column.signer)
        current, problems = self._current()
        self.result.problems += problems
        if current is not None:
            standing = review.status(entries, current.digest, where, self.records)
            if isinstance(standing, Signed):
                return self._signed(current, standing, entries, where)
            self.result.pending += 1
        else:
            standing = None
        older = review.last_signed(entries, where, self.records)
        edition = self._restore(older.entry.blob, older.entry.digest, entries, None) if older else None
        self._tell(standing, older, edition)
        return edition

    def _signed(self, current: Article, standing: Signed, entries: list[Entry], where: Responsible) -> Edition:
        """The present version; before its time comes, the one that it is going to replace."""
        if _begins(current) > self.now:
            before = review.last_signed([e for e in entries if e.digest != current.digest], where, self.records)
            older = self._restore(before.entry.blob, before.entry.digest, entries, None) if before else None
            if older is not None:
                _tell_of_future(current, self.result)
                return older
        files = {path: self.tree.root / path for path in current.assets}
        source = (self.source.text or "").encode()
        return Edition(
            article=current, signed_at=standing.entry.at, asset_files=files, source_bytes=source, retired=None
        )

    def retired(self, page: Retired, entries: list[Entry]) -> Edition | None:
        """The version at the retired digest, whatever was written since."""
        edition = self._restore(page.blob, page.digest, entries, page)
        if edition is None:
            self._report(
                "retired-version-missing",
                _("the version that was retired ({blob}) is neither in git nor in build/state/good").format(
                    blob=page.blob[:12]
                ),
                _("bring back the repository's history or the state folder"),
            )
        return edition

    def refuse_in_retired_column(self) -> None:
        self._report(
            "article-in-retired-column",
            _("the column {column} is retired: nothing new is published in it").format(column=self.source.column),
            _("put the file into the column that succeeds it"),
        )

    def _current(self) -> tuple[Article | None, list[Problem]]:
        if self.source.text is None:
            return None, []
        return content.article(self.source.text, self.source.path, self._column, self.tree)

    @property
    def _column(self) -> Column:
        return self.tree.columns[self.source.column]

    def _restore(self, blob: str, digest: str, entries: list[Entry], page: Retired | None) -> Edition | None:
        """An earlier version with the attachments that were signed with it; None when any byte of it is lost."""
        data = self.good.read(blob)
        if data is None:
            return None
        text = frontmatter.normalise(data)
        sign = next((e for e in entries if e.digest == digest and e.stage == "sign" and e.assets), None)
        files = self._signed_files(text, sign.assets if sign else {})
        assets = {path: sha256_file(file) for path, file in files.items()}
        article, _problems = content.article(text, self.source.path, self._column, self.tree, assets)
        if article is None or article.digest != digest:
            return None
        at = max((e.at for e in entries if e.digest == digest), default=article.date)
        shown = {path: files[path] for path in article.assets}
        return Edition(article=article, signed_at=at, asset_files=shown, source_bytes=data, retired=page)

    def _signed_files(self, text: str, signed: Mapping[str, str]) -> dict[str, Path]:
        """Where the bytes of each attachment are: as signed where the ledger says which, else as they stand now.

        Only what the text itself links counts: a ledger line cannot bring in any other path.
        """
        files: dict[str, Path] = {}
        for path in content.linked_files(text, self.source.path):
            kept = self.good.path_of(signed[path]) if path in signed else None
            if kept is None and path in self.tree.files and not path.endswith(".md"):
                kept = self.tree.root / path
            if kept is not None:
                files[path] = kept
        return files

    def _tell(self, standing: Open | None, older: Signed | None, edition: Edition | None) -> None:
        if standing is not None:
            self._tell_of_ledger(standing)
            what = _("the last signed version stays online") if edition else _("it is not published")
            command = f"sitegen review approve content/{self.source.path} --as PERSON"
            rejected = standing.rejected
            if rejected is not None:
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
            self._report(
                "last-version-missing",
                _(
                    "the last signed version ({blob}) is neither in git nor in build/state/good; the page is withheld"
                ).format(blob=older.entry.blob[:12]),
                _("commit what is signed, or finish the review of the present version"),
            )

    def _tell_of_ledger(self, standing: Open) -> None:
        for entry, reason in standing.ignored:
            place, line = entry.place.rsplit(":", 1)
            self.result.problems.append(
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

    def _report(self, code: str, message: str, remedy: str, *, warning: bool = False) -> None:
        self.result.problems.append(
            Problem(
                path=f"content/{self.source.path}",
                code=code,
                severity="warning" if warning else "error",
                message=message,
                remedy=remedy,
            )
        )


def versions_to_keep(editions: Editions, rendered: set[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """(blob id, how to read it) of every version shown from the tree among `rendered`, its attachments included."""
    for path, edition in editions.shown.items():
        if path not in rendered or edition.retired is not None:
            continue
        data = edition.source_bytes
        yield edition.article.blob, data.__bytes__
        for file in edition.asset_files.values():
            asset = file.read_bytes()
            yield content.git_blob(asset), asset.__bytes__
