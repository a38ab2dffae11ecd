"""The only reader of sources: content/ as sections and article versions, each bad file a Problem of its own."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from sitegen import files, frontmatter, mentions, urls
from sitegen.errors import Problem
from sitegen.fields import DETAILS, Fields
from sitegen.frontmatter import as_list
from sitegen.model import (
    ARTICLE_KINDS,
    CLASSES,
    FUNCTIONS,
    Article,
    Column,
    Site,
)
from sitegen.rules import personal
from sitegen.text import _

_HEX_LINE = re.compile(r"[0-9a-f]{64}\n")
"""The digest of a version runs on from its text to its attachments' digests, with no mark in between (FORMATS §1.2)."""
_GAP = re.compile(r"\n\s*\n")
_MARKUP = re.compile(r"[*`_]|!?\[|\]\([^()]{0,300}\)|<[^<>]{1,300}>")
_SENTENCE = re.compile(r"[^。！？]{8,120}[。！？]?")
_NO_SENTENCE = frozenset({"", "#", "|", "-", ">"})
ATTACHMENTS = frozenset(
    (
        "pdf ofd doc docx wps xls xlsx et csv ppt pptx dps txt rtf zip rar 7z "
        "png jpg jpeg gif webp avif bmp tif tiff mp3 m4a wav mp4 webm ogg"
    ).split()
)
"""What may stand beside the pages. Anything a browser would run or show as a page of ours is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An article's file and the column it stands in."""

    path: str
    column: str
    root: Path

    @property
    def text(self) -> str | None:
        """Normalised text as it stands now; None when it cannot be read or is not UTF-8."""
        return read_text(self.root, self.path, [])


class Files(Protocol):
    """What a text needs to know of the files around it: whether one stands there, and the digest of its bytes."""

    def __contains__(self, path: object) -> bool: ...

    def digest(self, path: str) -> str: ...


@dataclass(slots=True, kw_only=True)
class Tree:
    """The sections of content/ and the files among which they stand. Keys of all mappings are paths under content/."""

    root: Path
    files: Container[str]
    sites: dict[str, Site] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    fixed: Mapping[str, str] = field(default_factory=dict)
    section_texts: dict[str, str] = field(default_factory=dict)
    """index.md → the text that is shown."""

    @property
    def sections(self) -> list[Site | Column]:
        return [*self.sites.values(), *self.columns.values()]

    def site_of(self, path: str) -> str | None:
        """The nearest site at or above a folder."""
        while path and path not in self.sites:
            path = posixpath.dirname(path)
        return path if path in self.sites else None

    def column_of(self, path: str) -> str | None:
        """The nearest column above a file; None when a site comes first or none stands there."""
        folder = posixpath.dirname(path)
        while folder and folder not in self.columns and folder not in self.sites:
            folder = posixpath.dirname(folder)
        return folder if folder in self.columns else None


class DiskFiles:
    """`Files` of one tree; each file is read at most once."""

    def __init__(self, root: Path, names: Container[str], known: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._names = names
        self._digests = dict(known or {})

    def __contains__(self, path: object) -> bool:
        return path in self._names

    def digest(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = files.sha256_file(self._root / path)
        return self._digests[path]


def load(
    root: Path,
    indexes: Iterable[str],
    files: Container[str],
    older_sections: Callable[[str], Iterable[str]],
    fixed: Mapping[str, str] | None = None,
) -> Tree:
    """Read the sections. `indexes`: every index.md; `older_sections(path)` gives earlier texts of one that is broken
    now, newest first; `fixed` gives texts that stand in the place of a file (a retired index.md), whether the file is
    still there or not."""
    tree = Tree(root=root, files=files, fixed=dict(fixed or {}))
    for path in sorted({*indexes, *tree.fixed}, key=lambda p: (p.count("/"), p)):
        refused = urls.refused_section(posixpath.dirname(path))
        if refused:
            tree.problems += refused
        else:
            _load_section(tree, path, older_sections)
    return tree


def read_text(root: Path, path: str, problems: list[Problem]) -> str | None:
    try:
        return frontmatter.normalise(files.read(f"{root}/{path}"))
    except FileNotFoundError:
        problems.append(
            Problem(
                path=f"content/{path}",
                code="source-vanished",
                message=_("the file went away while the build was reading"),
                remedy=_("build again"),
            )
        )
        return None
    except OSError as error:
        problems.append(
            Problem(
                path=f"content/{path}",
                code="source-unreadable",
                message=_("the file cannot be read: {reason}").format(reason=error.strerror),
                remedy=_("give the build the right to read it"),
            )
        )
        return None
    except UnicodeDecodeError as error:
        problems.append(
            Problem(
                path=f"content/{path}",
                code="source-not-utf8",
                message=_("the file is not UTF-8 (byte {number})").format(number=error.start),
                remedy=_("save it as UTF-8"),
            )
        )
        return None


# --- sections ---------------------------------------------------------------------------------------------------


def _load_section(tree: Tree, path: str, older_sections: Callable[[str], Iterable[str]]) -> None:
    problems: list[Problem] = []
    text = tree.fixed[path] if path in tree.fixed else read_text(tree.root, path, problems)
    section = _section(path, text, tree, problems) if text is not None else None
    for older in older_sections(path) if section is None else ():
        if section is None and (section := _section(path, older, tree, [])) is not None:
            text = older
    tree.section_texts[path] = text or ""
    tree.problems += problems
    folder = posixpath.dirname(path)
    if isinstance(section, Site):
        tree.sites[folder] = section
    elif isinstance(section, Column):
        tree.columns[folder] = section


def _section(path: str, text: str, tree: Tree, problems: list[Problem]) -> Site | Column | None:
    """A section, or None with an error among `problems`. Missing duties of a column (第十八条(三)) do not stop it."""
    matter, found = frontmatter.parse(text, f"content/{path}", frontmatter.SECTION_KEYS)
    problems += found
    if matter is None:
        return None
    fields = Fields(path, matter, problems)
    folder = posixpath.dirname(path)
    kind = fields.one_of("kind", ("portal", "department", "column", "topic"), "column")
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    if kind in {"portal", "department"}:
        required = ["title", "unit", "sponsor", "operator", "site_id_code", "icp", "police", "phone", "email"]
        required += ["leader", "department", "person", "liaison"]  # 第十八条(一)
        fields.require(*required)
        return _site(folder, kind, path, digest, fields) if fields.has("title") else None
    fields.require("title", "owner", "cadence_days", "content_spec", "signer", "class", "function")  # 第十八条(三)
    site = tree.site_of(folder)
    if site is None:
        fields.report(
            "section-without-site",
            None,
            _("no portal or department stands above this column"),
            _("add index.md with kind: department above it"),
        )
        return None
    return _column(folder, kind, site, path, digest, fields) if fields.has("title") else None


def _site(folder: str, kind: str, path: str, digest: str, fields: Fields) -> Site:
    text = fields.text
    return Site(
        path=folder,
        kind="department" if kind == "department" else ("county" if folder else "portal"),
        title=text("title"),
        short_name=text("short_name") or text("title"),
        description=text("description"),
        keywords=as_list(fields.matter.values.get("keywords")),
        unit=text("unit"),
        sponsor=text("sponsor"),
        operator=text("operator"),
        id_code=text("site_id_code"),
        icp=text("icp"),
        police=text("police"),
        address=text("address"),
        hours=text("hours"),
        phone=text("phone"),
        email=text("email"),
        hotline=text("hotline"),
        leader=text("leader"),
        department=text("department"),
        person=text("person"),
        liaison=text("liaison"),
        parent_name=text("parent_name"),
        parent_url=text("parent_url"),
        signed_from=_signed_from(fields),
        nav=as_list(fields.matter.values.get("nav")),
        messages_url=_service_path(fields, "messages_url"),
        title_en=text("title_en"),
        centre_url=text("centre_url"),
        access_url=text("access_url"),
        badges={
            name: local
            for name in ("centre", "report", "access")
            if (local := mentions.local_path(text(f"{name}_badge"), path))
        },
        pictures=text("pictures").lower() in {"true", "yes", "是"},
        traditional=text("traditional").lower() in {"true", "yes", "是"},
        body=fields.matter.body,
        source=path,
        digest=digest,
    )


def _signed_from(fields: Fields) -> date | None:
    """`require_signatures`: true, or the day from which verdicts are signed. What cannot be read means true."""
    value = fields.text("require_signatures")
    if value in {"", "false"}:
        return None
    return date.min if value == "true" else (fields.day("require_signatures") or date.min)


def signed_from(sites: Mapping[str, Site]) -> dict[str, date]:
    """Site → the day from which its verdicts need a signature, its own or the portal's, whichever is earlier."""
    portal = sites[""].signed_from if "" in sites else None
    days = {path: [day for day in (site.signed_from, portal) if day is not None] for path, site in sites.items()}
    return {path: min(found) for path, found in days.items() if found}


_SERVICE_PATH = re.compile(r"/(?:[A-Za-z0-9_-]{1,60}/){1,5}")


def _service_path(fields: Fields, key: str) -> str:
    """Where a service of ours answers on the portal's own host; a form posts nowhere else."""
    path = fields.text(key)
    if not path or _SERVICE_PATH.fullmatch(path):
        return path
    message = _("{value} is no path on this host").format(value=path)
    fields.report(
        "service-path", key, message, _("write it with a stroke at both ends: {example}").format(example="/messages/")
    )
    return ""


def _column(folder: str, kind: str, site: str, path: str, digest: str, fields: Fields) -> Column:
    text = fields.text
    return Column(
        path=folder,
        kind="topic" if kind == "topic" else "column",
        site=site,
        title=text("title"),
        description=text("description"),
        keywords=as_list(fields.matter.values.get("keywords")),
        class_name=fields.one_of("class", CLASSES, "政务动态"),
        function=fields.one_of("function", FUNCTIONS, "信息发布"),
        owner=text("owner"),
        cadence_days=fields.number("cadence_days", 365),
        content_spec=text("content_spec"),
        signer=text("signer"),
        order=fields.number("order", 100),
        holds=fields.one_of("holds", ARTICLE_KINDS, "article"),
        classes=as_list(fields.matter.values.get("classes")),
        first=as_list(fields.matter.values.get("first")),
        lang=text("lang") or "zh-Hans-CN",
        body=fields.matter.body,
        source=path,
        digest=digest,
    )


# --- articles ---------------------------------------------------------------------------------------------------


def without_column(path: str) -> Problem:
    return Problem(
        path=f"content/{path}",
        code="article-without-column",
        message=_("no column's index.md stands above this file, or it cannot be used"),
        remedy=_("put the file below a column, or mend the column's index.md"),
    )


def article(
    source_text: str, path: str, column: Column, files: Files, signed_assets: Mapping[str, str] | None = None
) -> tuple[Article | None, list[Problem]]:
    """One version of an article; None with at least one error when this version cannot be published.

    `signed_assets` (path → SHA-256): the attachments of an earlier version, in the place of those that stand there now.
    """
    problems: list[Problem] = []
    matter, found = frontmatter.parse(source_text, f"content/{path}", frontmatter.ARTICLE_KEYS)
    problems += found
    if matter is None:
        return None, problems
    fields = Fields(path, matter, problems)
    kind = fields.one_of("kind", ARTICLE_KINDS, column.holds)
    fields.require("title", "date", "source")
    moment = fields.moment("date", warn_without_time=True)
    details = DETAILS[kind](fields)
    image = mentions.local_path(fields.text("image"), path) if fields.has("image") else ""
    wanted = sorted({*mentions.local_files(matter.body, path), image} - {""})
    if signed_assets is None:
        assets = _digests([name for name in wanted if name in files and not name.endswith(".md")], files, fields)
    else:
        assets = {name: signed_assets[name] for name in wanted if name in signed_assets}
    for name in assets:
        if not is_attachment(name):
            _refuse_attachment(name, fields)
    if mentions.shows_picture_of_other_host(matter.body):
        fields.report(
            "image-external",
            None,
            _("a picture of another host is linked; pages load nothing from other hosts, so it is left out"),
            _("put the picture beside the article"),
            warning=True,
        )
    if image and image not in assets:
        fields.report(
            "image-missing",
            "image",
            _("there is no file {name}").format(name=fields.text("image")),
            _("add the file beside the article"),
            warning=True,
        )
        image = ""
    if source_text[-66:-65] == "\n" and _HEX_LINE.fullmatch(source_text, len(source_text) - 65):
        fields.report(
            "digest-ambiguous",
            None,
            _("the last line is 64 hex digits, so that the text could pass for one with an attachment"),
            _("end the text with any other line"),
        )
    publish_at, expire_at = fields.moment("publish_at"), fields.moment("expire_at")
    problems += _cards(source_text, fields.text("personal_data"), path)
    original_at = fields.moment("original_at") if fields.has("original_at") else None
    if moment is None or any(problem.severity == "error" for problem in problems):
        return None, problems
    data = source_text.encode()
    return (
        Article(
            id=posixpath.basename(path).removesuffix(".md"),
            path=path,
            column=column.path,
            kind=kind,
            title=fields.text("title"),
            date=moment,
            source=fields.text("source"),
            author=fields.text("author"),
            keywords=as_list(matter.values.get("keywords")),
            description=fields.text("description") or summary(matter.body),
            image=image,
            lang=fields.text("lang") or column.lang,
            publish_at=publish_at,
            expire_at=expire_at,
            migrated_from=fields.text("migrated_from"),
            archived_copy=fields.text("archived_copy"),
            traditional=as_list(matter.values.get("traditional")),
            retires=fields.text("retires"),
            details=details,
            body=matter.body,
            assets=assets,
            linked=tuple(name for name in wanted if not name.endswith(".md")),
            digest=digest(data, assets),
            blob=git_blob(data),
            reprint_of=fields.text("reprint_of"),
            original_at=original_at,
            pushed_from=fields.text("pushed_from"),
        ),
        problems,
    )


def _cards(source_text: str, allowed: str, path: str) -> list[Problem]:
    """Numbers of identity and bank cards stop the version (第二十一条(二)), unless `personal_data` names them, masked, with
    the reason: the reviewers pass that line with the text, because their digest binds it."""
    return [
        Problem(
            path=f"content/{path}",
            line=finding.line,
            code="personal-data",
            message=_("{kind} {number}: personal data is not published").format(
                kind=personal.kind_name(finding.kind), number=finding.masked
            ),
            remedy=_("mask it: {example}; if it must be public (an account for fees), write {line}").format(
                example=finding.masked, line=f"personal_data: {finding.masked} …"
            ),
        )
        for finding in personal.cards(source_text)
        if finding.masked not in allowed
    ]


def _digests(names: Iterable[str], files: Files, fields: Fields) -> dict[str, str]:
    """One that cannot be read cannot be bound to a review, so the article waits for it."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = files.digest(name)
        except OSError as error:
            fields.problems.append(unreadable_attachment(fields.path, name, error))
    return found


def unreadable_attachment(source: str, name: str, error: OSError) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-unreadable",
        message=_("{name} cannot be read: {reason}").format(name=name, reason=error.strerror),
        remedy=_("give the build the right to read it, or take the link out"),
    )


def digest(data: bytes, assets: Mapping[str, str]) -> str:
    """What the review ledger binds (docs/FORMATS.md §1.2)."""
    hasher = hashlib.sha256(data)
    for path, asset_digest in sorted(assets.items()):
        hasher.update(f"{path}\n{asset_digest.removeprefix('sha256:')}\n".encode())
    return "sha256:" + hasher.hexdigest()


def git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def summary(body: str) -> str:
    """The first sentence of running text, for the Description tag of a text whose editor wrote none."""
    start = 0
    for gap in _GAP.finditer(body):
        if sentence := _first_sentence(body[start : min(gap.start(), start + 2000)]):
            return sentence
        start = gap.end()
    return _first_sentence(body[start : start + 2000])


def _first_sentence(paragraph: str) -> str:
    """Empty for what is no running text: a heading, a table, a list, a quotation."""
    if paragraph.lstrip()[:1] in _NO_SENTENCE:
        return ""
    plain = _MARKUP.sub("", paragraph).strip()
    if plain.startswith(("#", "|", "-", ">", "<!--")):
        return ""
    first = _SENTENCE.match(plain.replace("\n", ""))
    return first[0] if first else ""


def is_attachment(path: str) -> bool:
    """Whether a file may be published as it is: of a kind that no browser runs, outside the generator's folders,
    under a name that can be read out."""
    extension = posixpath.splitext(path)[1].lower().removeprefix(".")
    hidden = any(sign < " " or sign == "\x7f" for sign in path)
    return extension in ATTACHMENTS and path.split("/")[0].lower() not in urls.RESERVED and not hidden


def _refuse_attachment(name: str, fields: Fields) -> None:
    fields.report(
        "attachment-refused",
        None,
        _("{name} is of a kind that is not published beside the pages").format(name=name),
        _("offer it as PDF, office file, picture or ZIP: {kinds}").format(kinds=", ".join(sorted(ATTACHMENTS))),
    )
