"""Old articles as Markdown drafts below the columns that take them over; drafts pass the three reviews like any text."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from archive import canon, charset, store, successor
from archive.crawling.frontier import Frontier, Row
from archive.decision import Appraisal, Decision
from archive.migration import article, current, elements, markdown
from archive.migration.article import Recognised, Rejected
from archive.migration.body import words
from archive.migration.elements import Elements
from archive.migration.extracted import Draft, ExtractReport, Skipped
from archive.migration.likeness import Matcher, Text
from archive.publishing import copies, names, oldpage
from archive.publishing.copies import Copies, Copy
from archive.store import Capture
from archive.text import _
from archive.warcs import recall
from sitegen import files, frontmatter
from sitegen.errors import Problem, Refused, in_order
from sitegen.likeness import SURE, normal

FIRST_NUMBER = 9_000_000
"""Stable ids of what a machine wrote begin here; editors count from 1."""
_RANGE = 1_000_000
_ASCII_NAME = re.compile(r"\.[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An article that belongs in a column of ours."""

    row: Row
    column: str
    charset: str
    base: str
    article: Recognised
    elements: Elements
    attachments: tuple[tuple[str, str], ...]
    record_id: str

    @property
    def text(self) -> Text:
        return Text(
            name=self.row.url,
            title=self.article.title,
            words=words(self.article.body),
            day=self.article.published.date(),
            doc_number=self.elements.doc_number,
        )


def extract(
    capture: Capture,
    decision: Decision,
    *,
    content: Path,
    dry_run: bool = False,
    leave: frozenset[str] = frozenset(),
    progress: Callable[[str], None] = lambda line: None,
) -> ExtractReport:
    """Write a draft for every article under a mapped path (`successor.columns`) that has none yet.

    Drafts are found again by `migrated_from` and never overwritten; target URIs in `leave` get none. Raises Refused
    when a mapped column does not exist under content/.
    """
    _refuse_missing_columns(decision, content)
    with Frontier(capture.frontier, read_only=True) as frontier:
        rows = [row for row in frontier.rows("captured", "redirected") if row.warc is not None]
    work = _Extraction(
        capture=capture,
        decision=decision,
        content=content,
        dry_run=dry_run,
        copies=copies.plan(rows, store.session_ids(store.read_manifest(capture))),
        rows={row.key: row for row in rows},
        known=successor.drafts(content),
        leave=leave,
        taken={path.stem.lower() for path in content.rglob("t*_*.md")},
    )
    found = work.new(list(work.recognise()))
    work.plan(found)
    for one in found:
        work.write(one)
        progress(_("{count} drafts").format(count=len(work.written)))
    return ExtractReport(
        written=tuple(work.written), skipped=tuple(work.skipped), problems=tuple(in_order(work.problems))
    )


def column_of(decision: Decision, url: str) -> str | None:
    """The column under content/ that takes over what was at this URL: that of the longest path prefix."""
    path = unquote(urlsplit(url).path).strip("/").lower()
    columns = {
        old.strip("/").lower(): new.strip("/")
        for old, new in (decision.successor.columns if decision.successor else {}).items()
    }
    fitting = [prefix for prefix in columns if path.startswith(prefix + "/") or not prefix]
    return columns[max(fitting, key=len)] if fitting else None


def appraisal_of(decision: Decision, url: str) -> Appraisal | None:
    """What was decided on the value of the column an old URL is in: that of the longest path prefix."""
    path = unquote(urlsplit(url).path).strip("/").lower()
    fitting = [one for one in decision.appraisals if f"{path}/".startswith(f"{one.column.lower()}/")]
    return max(fitting, key=lambda one: len(one.column), default=None)


def _refuse_missing_columns(decision: Decision, content: Path) -> None:
    problems = [
        Problem(
            path=decision.path,
            code="extract-column-missing",
            key="successor.columns",
            message=_("{old} is to go to {new}, but content/{new}/index.md does not exist").format(old=old, new=new),
            remedy=_("write content/{new}/index.md with kind: column, or correct the mapping").format(new=new),
        )
        for old, new in (decision.successor.columns if decision.successor else {}).items()
        if not (content / new.strip("/") / "index.md").exists()
    ]
    if problems:
        raise Refused(problems)


@dataclass(slots=True, kw_only=True)
class _Extraction:
    capture: Capture
    decision: Decision
    content: Path
    dry_run: bool
    copies: Copies
    rows: Mapping[str, Row]
    known: dict[str, str]
    """`migrated_from` → draft, of what is there and of what this run plans."""
    leave: frozenset[str]
    taken: set[str]
    written: list[Draft] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def recognise(self) -> Iterator[_Found]:
        """Articles of mapped columns, in the order of their URLs; of those alike the first."""
        seen: dict[str, str] = {}
        pages = [copy for copy in self.copies.values() if copy.kind == "page"]
        # `/a/1.html` before `/A/1.HTML`: the address in small letters is the one that was meant.
        for copy in sorted(
            pages,
            key=lambda copy: (copy.target_uri.lower(), copy.target_uri != copy.target_uri.lower(), copy.target_uri),
        ):
            column = column_of(self.decision, copy.target_uri)
            if column is None:
                self.skip(copy, "unmapped", _("no column takes this path over"))
                continue
            appraised = appraisal_of(self.decision, copy.target_uri)
            if appraised is not None and not appraised.keep:
                said = _("appraised, to stay in the archive only: {reason} ({by})")
                self.skip(copy, "appraised", said.format(reason=appraised.reason, by=appraised.by))
                continue
            row = self.rows[copy.key]
            try:
                found = self._recognise(row, column)
            except Refused as refused:
                self.problems += refused.problems
                continue
            if isinstance(found, Rejected):
                self.skip(copy, found.what, found.reason)
                continue
            digest = row.payload_digest or copy.key
            if digest in seen:
                self.skip(copy, "duplicate", _("the same bytes as {uri}").format(uri=seen[digest]))
                continue
            seen[digest] = copy.target_uri
            if copy.target_uri in self.known:
                self.skip(copy, "known", _("already migrated: content/{path}").format(path=self.known[copy.target_uri]))
                continue
            if copy.target_uri in self.leave:
                self.skip(copy, "deleted", _("drafted before; the draft was taken out of content/"))
                continue
            yield found

    def _recognise(self, row: Row, column: str) -> _Found | Rejected:
        response = recall.response(self.capture, row)
        text, code = charset.decode(response.body, response.headers)
        root = oldpage.parse(text)
        found = article.judge(root, row.url)
        if root is None or isinstance(found, Rejected):
            return cast(Rejected, found)
        return _Found(
            row=row,
            column=column,
            charset=code,
            base=oldpage.base_of(root, row.url, lambda url, link: canon.resolve(url, link, code)),
            article=found,
            elements=elements.of(root, found),
            attachments=elements.attachments(root, found),
            record_id=response.record_id,
        )

    def new(self, found: list[_Found]) -> list[_Found]:
        """Without those whose text is an article of ours already, or that of an earlier page of this capture.

        A page that only resembles (likeness.RELATED) is drafted: `archive relate` says what it is like.
        """
        ours = self._ours(found)
        fresh, seen = [], dict[tuple[str, str], str]()
        for one in found:
            same = (normal(one.article.title), normal(words(one.article.body)))
            if one.row.url in ours:
                path, how = ours[one.row.url]
                self._duplicate(one, _("it is there already: content/{path} ({how})").format(path=path, how=how))
            elif same in seen:
                self._duplicate(one, _("the same text as {uri}").format(uri=seen[same]))
            else:
                seen[same] = one.row.url
                fresh.append(one)
        return fresh

    def _ours(self, found: list[_Found]) -> dict[str, tuple[str, str]]:
        """Target URI → the present article that has its text, and how that is known."""
        matcher = Matcher()
        for one in found:
            matcher.add(one.text)
        ours: dict[str, tuple[str, str]] = {}
        if found:
            migrated_here = {row.url for row in self.rows.values()}
            for text in current.texts(self.content):
                if text.migrated_from in migrated_here:
                    continue
                for like in matcher.like(text):
                    if like.score >= SURE:
                        ours.setdefault(like.archived, (like.current, like.how))
        return ours

    def _duplicate(self, one: _Found, reason: str) -> None:
        self.skipped.append(Skipped(target_uri=one.row.url, what="duplicate", reason=reason))

    def skip(self, copy: Copy, what: str, reason: str) -> None:
        self.skipped.append(Skipped(target_uri=copy.target_uri, what=what, reason=reason))

    def plan(self, found: list[_Found]) -> None:
        """Every draft gets its place before the first is written: articles link to each other."""
        for one in found:
            day = one.article.published
            number = int(hashlib.sha256(one.row.url.encode()).hexdigest()[:12], 16) % _RANGE
            while (stem := f"t{day:%Y%m%d}_{FIRST_NUMBER + number}") in self.taken:
                number = (number + 1) % _RANGE
            self.taken.add(stem)
            self.known[one.row.url] = f"{one.column}/{day:%Y%m}/{stem}.md"

    def write(self, one: _Found) -> None:
        path = self.known[one.row.url]
        assets = _Assets(work=self, one=one, path=path)
        body = markdown.convert(one.article.body, assets.link) + _listed(one.attachments, assets)
        text = f"---\n{self._front_matter(one)}---\n\n{body}"
        for name, data in sorted(assets.copied.items()):
            if not self.dry_run:
                files.write_atomic(self.content / posixpath.dirname(path) / name, data)
        if not self.dry_run:
            files.write_atomic(self.content / path, text.encode())
        self.written.append(
            Draft(
                target_uri=one.row.url,
                path=path,
                title=one.article.title,
                assets=tuple(sorted(assets.copied)),
                published=f"{one.article.published:%Y-%m-%d %H:%M}",
                confidence=one.article.confidence,
                reasons=one.article.reasons,
                record_id=one.record_id,
                payload_digest=one.row.payload_digest or "",
                captured_at=one.row.captured_at or "",
            )
        )

    def _front_matter(self, one: _Found) -> str:
        found = one.article
        copy = self.copies[one.row.key]
        values = {
            "title": found.title,
            "date": f"{found.published:%Y-%m-%d %H:%M}",
            "source": found.source or (self.decision.name or self.decision.site).removesuffix("网站"),
            "migrated_from": one.row.url,
            "archived_copy": names.folder_url(self.capture.site, self.capture.timestamp) + copy.shown,
        }
        said = one.elements
        values |= {
            key: value
            for key, value in (
                ("author", said.author),
                ("doc_number", said.doc_number),
                ("index_number", said.index_number),
                ("issuer", said.issuer),
                ("written_on", said.written_on.isoformat() if said.written_on else ""),
            )
            if value
        }
        # A column of policies or services takes plain articles too; 公文要素 nobody wrote (有效性) cannot be made up.
        holds = successor.front_value(self.content / one.column / "index.md", "holds")
        if holds not in {"", "article"}:
            values["kind"] = "article"
        return "".join(f"{key}: {frontmatter.quoted(value)}\n" for key, value in values.items())


@dataclass(slots=True, kw_only=True)
class _Assets:
    """Links of one article: to drafts, to files copied beside it, to the archive, to the world."""

    work: _Extraction
    one: _Found
    path: str
    copied: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def link(self, link: str, is_picture: bool) -> str | None:
        link = link.strip()
        if link.startswith("#") or link.lower().startswith(("javascript:", "vbscript:", "data:", "file:")):
            return None
        if link.lower().startswith(("mailto:", "tel:")):
            return None if is_picture else link
        url = canon.resolve(self.one.base, link, self.one.charset)
        if url is None:
            return None
        copy = copies.find(self.work.copies, url)
        copy = copies.followed(self.work.copies, copy) if copy else None
        if copy is None or copy.kind == "script":
            return None if is_picture or urlsplit(url).netloc in self.work.decision.hosts else url
        if copy.kind in {"image", "file"}:
            return self._file(copy)
        if is_picture:
            return None
        if copy.target_uri in self.work.known:
            return posixpath.relpath(self.work.known[copy.target_uri], posixpath.dirname(self.path))
        return names.escaped(names.folder_url(self.work.capture.site, self.work.capture.timestamp) + copy.shown)

    def _file(self, copy: Copy) -> str | None:
        """Copied beside the draft under an ASCII name: `t20081122_9000001_1.jpg`, `…_f1.xls`."""
        if copy.key not in self.names:
            try:
                data = recall.response(self.work.capture, self.work.rows[copy.key]).body
            except Refused as refused:
                self.work.problems += refused.problems
                return None
            ending = _ASCII_NAME.search(urlsplit(copy.target_uri).path)
            sort = "" if copy.kind == "image" else "f"
            number = 1 + sum(name.rpartition("_")[2].startswith("f") == bool(sort) for name in self.copied)
            stem = posixpath.basename(self.path).removesuffix(".md")
            name = f"{stem}_{sort}{number}{ending[0].lower() if ending else '.bin'}"
            self.copied[name] = data
            self.names[copy.key] = name
        return self.names[copy.key]


def _listed(attachments: tuple[tuple[str, str], ...], assets: _Assets) -> str:
    """Attachments that the page named beside its text, as a list at the end."""
    lines = [f"- [{title}]({link})" for title, href in attachments if (link := assets.link(href, False))]
    return "\n附件：\n\n" + "\n".join(lines) + "\n" if lines else ""
