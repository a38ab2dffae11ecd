"""Old articles as Markdown drafts below the columns that take them over; drafts pass the three reviews like any text."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive import article, canon, charset, copies, markdown, names, recall, stamp, store, successor
from archive.article import Recognised
from archive.copies import Copies, Copy
from archive.decision import Decision
from archive.frontier import Frontier, Row
from archive.store import Capture
from archive.text import _
from sitegen import files
from sitegen.errors import Problem, Refused, in_order

FIRST_NUMBER = 9_000_000
"""Stable ids of what a machine wrote begin here; editors count from 1."""
_RANGE = 1_000_000
_ASCII_NAME = re.compile(r"\.[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`path` is relative to content/; `assets` are the files copied beside it."""

    target_uri: str
    path: str
    title: str
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    target_uri: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    written: tuple[Draft, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "written": [
                {"target_uri": d.target_uri, "path": d.path, "title": d.title, "assets": list(d.assets)}
                for d in self.written
            ],
            "skipped": [{"target_uri": s.target_uri, "reason": s.reason} for s in self.skipped],
            "problems": [problem.as_json() for problem in self.problems],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An article that belongs in a column of ours."""

    row: Row
    column: str
    charset: str
    base: str
    article: Recognised


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
    found = list(work.recognise())
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
                self.skip(copy, _("no column takes this path over"))
                continue
            row = self.rows[copy.key]
            try:
                found = self._recognise(row, column)
            except Refused as refused:
                self.problems += refused.problems
                continue
            if found is None:
                self.skip(copy, _("not an article: no date, or no text of its own"))
                continue
            digest = row.payload_digest or copy.key
            if digest in seen:
                self.skip(copy, _("the same bytes as {uri}").format(uri=seen[digest]))
                continue
            seen[digest] = copy.target_uri
            if copy.target_uri in self.known:
                self.skip(copy, _("already migrated: content/{path}").format(path=self.known[copy.target_uri]))
                continue
            if copy.target_uri in self.leave:
                self.skip(copy, _("drafted before; the draft was taken out of content/"))
                continue
            yield found

    def _recognise(self, row: Row, column: str) -> _Found | None:
        response = recall.response(self.capture, row)
        text, code = charset.decode(response.body, response.headers)
        root = stamp.parse(text)
        found = article.recognise(root, row.url)
        if found is None:
            return None
        base = stamp.base_of(root, row.url, lambda url, link: canon.resolve(url, link, code))
        return _Found(row=row, column=column, charset=code, base=base, article=found)

    def skip(self, copy: Copy, reason: str) -> None:
        self.skipped.append(Skipped(target_uri=copy.target_uri, reason=reason))

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
        body = markdown.convert(one.article.body, assets.link)
        text = f"---\n{self._front_matter(one)}---\n\n{body}"
        for name, data in sorted(assets.copied.items()):
            if not self.dry_run:
                files.write_atomic(self.content / posixpath.dirname(path) / name, data)
        if not self.dry_run:
            files.write_atomic(self.content / path, text.encode())
        self.written.append(
            Draft(target_uri=one.row.url, path=path, title=one.article.title, assets=tuple(sorted(assets.copied)))
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
        # A column of policies or services takes plain articles too; 公文要素 nobody wrote cannot be made up.
        holds = successor.front_value(self.content / one.column / "index.md", "holds")
        if holds not in {"", "article"}:
            values["kind"] = "article"
        return "".join(f"{key}: {quoted(value)}\n" for key, value in values.items())


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


def quoted(value: str) -> str:
    """A front matter value as sitegen.frontmatter reads it back: quoted where YAML would see something else."""
    value = " ".join(value.split())
    if not value:
        return '""'
    if re.search(r"[:#\"'\\\[\]{}&*!|>%@`]|^[\-?,=<~]", value) or re.fullmatch(
        r"(?i)[\d.+\-_:]+|true|false|yes|no|null|on|off|~", value
    ):
        plain = re.match(r"^(?:https?://[^\s#\"'\\]+|/[^\s#\"'\\:]*|\d{4}-\d{2}-\d{2} \d{2}:\d{2})$", value)
        return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
