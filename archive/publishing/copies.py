"""Which captured URL gets which copy, and where a link on a copy therefore leads."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import unquote_to_bytes, urlsplit

from archive import canon, charset, decision
from archive.crawling.frontier import Row
from archive.publishing import names
from archive.publishing.disarm import Role, State, Target

Kind = Literal["page", "redirect", "image", "file", "style", "script"]

NOT_CAPTURED = "not-captured.html"
LEAVING = "leaving"
STAMPED = "!stamped.pdf"
"""Ending of the stamped copy beside a PDF."""
_OFFER = re.compile(
    r"^(?:附\s*件\s*[0-9０-９一二三四五六七八九十]{0,3}\s*[:：.、]\s*|[▶►·•>\[【]+\s*)|\s*[\[(（](?:点击)?下载[\])）]$"
)
_NOTHING_SAID = re.compile(
    r"(?i)(?:请|点击|点此|这里|此处|查看|浏览|打开|下载|附件|全文|文件|原文|详情|详细|更多|pdf|docx?|xlsx?|\W|\d|_)+"
)
_HTML = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_SCRIPTS = frozenset(
    {"application/javascript", "application/x-javascript", "text/javascript", "application/ecmascript"}
)
_UNKNOWN = frozenset({"", "application/octet-stream", "text/plain", "binary/octet-stream", "unknown/unknown"})
_BY_ENDING: Mapping[str, Kind] = {
    **dict.fromkeys(("htm", "html", "shtml", "xhtml", "asp", "aspx", "jsp", "php", "do"), "page"),
    **dict.fromkeys(("jpg", "jpeg", "gif", "png", "bmp", "ico", "webp"), "image"),
    "css": "style",
    "js": "script",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """One captured URL and its copy. `name` is the file below the capture's folder, empty for a script; a redirect's
    `leads_to` is the key of its target; `sealed` the ending of the sealed picture, empty where there is none."""

    key: str
    target_uri: str
    kind: Kind
    name: str
    leads_to: str = ""
    sealed: str = ""

    @property
    def shown(self) -> str:
        """The file that a link from another page leads to: always a stamped one."""
        if self.kind == "image" and self.sealed:
            return f"{self.name}!sealed.{self.sealed}"
        return f"{self.name}.html" if self.kind in {"image", "file"} else self.name


def kind_of(row: Row) -> Kind:
    """What a stored answer is, by its media type and, where that says nothing, by its address."""
    if row.state == "redirected":
        return "redirect"
    mime = (row.mime or "").lower()
    if mime in _HTML:
        return "page"
    if mime == "text/css":
        return "style"
    if mime in _SCRIPTS:
        return "script"
    if mime.startswith("image/"):
        return "image"
    ending = posixpath.splitext(urlsplit(row.url).path)[1][1:].lower()
    return _BY_ENDING.get(ending, "file") if mime in _UNKNOWN else "file"


class Copies(dict[str, Copy]):
    """Canonical key → copy. `session_ids` are parameters that this capture found to name the visit only: one copy
    stands for every value of them."""

    def __init__(self, copies: Mapping[str, Copy], session_ids: frozenset[str]) -> None:
        super().__init__(copies)
        self.session_ids = session_ids
        known = session_ids <= canon.SESSION_IDS
        self._standing = {} if known else {canon.key(copy.target_uri, session_ids): key for key, copy in copies.items()}

    def standing_for(self, url: str) -> Copy | None:
        key = self._standing.get(canon.key(url, self.session_ids)) if self._standing else None
        return self[key] if key else None


def plan(rows: Iterable[Row], session_ids: frozenset[str] = canon.SESSION_IDS) -> Copies:
    """The copy of every row whose whole answer is stored."""
    kept = [(row, kind_of(row)) for row in rows if row.state in {"captured", "redirected"} and row.warc is not None]
    wishes = [_wish(row, kind) for row, kind in kept if kind != "script"]
    named = names.assign(wishes)
    copies = {}
    for row, kind in kept:
        copies[row.key] = Copy(
            row.key,
            row.url,
            kind,
            named.get(row.url, ""),
            leads_to=canon.key(row.redirect_to) if kind == "redirect" and row.redirect_to else "",
            sealed=("jpg" if row.mime in {"image/jpeg", "image/pjpeg", "image/jpg"} else "png")
            if kind == "image"
            else "",
        )
    return Copies(copies, session_ids)


def _wish(row: Row, kind: Kind) -> names.Wish:
    ending = {"page": names.PAGE, "redirect": names.PAGE, "style": names.STYLE}.get(kind, "")
    beside = {"file": (".html", STAMPED), "image": (".html", "!sealed.png", "!sealed.jpg")}.get(kind, ())
    return names.Wish(target_uri=row.url, ending=ending, beside=beside, rank=1 if kind == "redirect" else 0)


def unsealed(copies: Copies, keys: Iterable[str]) -> Copies:
    """The same copies, those pictures without a sealed version."""
    return Copies({**copies, **{key: replace(copies[key], sealed="") for key in keys}}, copies.session_ids)


def followed(copies: Mapping[str, Copy], copy: Copy) -> Copy:
    """The copy at the end of a chain of redirects; the last redirect page where the chain ends nowhere."""
    seen = {copy.key}
    while copy.kind == "redirect" and copy.leads_to in copies and copy.leads_to not in seen:
        copy = copies[copy.leads_to]
        seen.add(copy.key)
    return copy


def find(copies: Copies, url: str) -> Copy | None:
    """The copy of an absolute URL, be it asked for by http or https."""
    try:
        key = canon.key(url)
    except ValueError:
        return None
    other = f"http{key[5:]}" if key.startswith("https:") else f"https{key[4:]}"
    return copies.get(key) or copies.get(other) or copies.standing_for(url)


def leaving_name(url: str) -> str:
    """The page that warns before `url`, one for each external address."""
    return f"{LEAVING}/{hashlib.sha256(url.encode()).hexdigest()[:16]}.html"


def file_title(target_uri: str, disposition: str | None = None) -> str:
    """The name a file was offered under: of its header, else of its address, in whatever characters that was written."""
    if disposition and (match := re.search(r"filename\s*=\s*\"?([^\";]+)", disposition, re.I)):
        raw = match[1].strip().encode("latin-1", "replace")
    else:
        raw = unquote_to_bytes(posixpath.basename(urlsplit(target_uri).path)) or target_uri.encode()
    return charset.decode(raw)[0].strip() or target_uri


def title_in_link(text: str, name: str) -> str:
    """What a link calls the file it leads to; empty where it says only that there is one, or repeats its name."""
    text = _OFFER.sub("", " ".join(text.split()))
    bare = posixpath.splitext(name)[0]
    return "" if len(text) < 4 or _NOTHING_SAID.fullmatch(text) or text in {name, bare} or "://" in text else text


_ROOTED = ("/", "http://", "https://")
"""How links begin that mean the same on every page of a site."""
_Lead = tuple[str, str, State]
"""File that a link leads to, `#…` or nothing, and what it is."""


@dataclass(slots=True)
class Known:
    """What links mean, shared by all pages of one process. A link's meaning hangs on its text and the folder of its base
    (`near`: on the copy's own folder, too); one that names its own path or host means the same on the whole site
    (`anywhere`)."""

    near: dict[tuple[str, str, str, tuple[str, ...]], dict[str, Target | None]] = field(default_factory=dict)
    anywhere: dict[tuple[str, str, str], dict[str, _Lead | None]] = field(default_factory=dict)
    found: dict[str, Copy | None] = field(default_factory=dict)
    """URL → its copy, where its redirects end."""
    leaving: dict[str, str] = field(default_factory=dict)
    """File of a warning page → external URL, of every link looked up so far."""


@dataclass(slots=True, kw_only=True)
class CopyLinks:
    """Links on one copy."""

    copies: Copies
    hosts: tuple[str, ...]
    written_by: Mapping[str, str]
    name: str
    known: Known = field(default_factory=Known)
    folder: tuple[str, ...] = field(init=False)
    _near: dict[tuple[str, str, str], dict[str, Target | None]] = field(init=False, default_factory=dict)
    """What was asked for on this copy so far: URL of a page → its part of `known.near`."""
    _anywhere: dict[tuple[str, str, str], dict[str, _Lead | None]] = field(init=False, default_factory=dict)
    """As `_near`, of `known.anywhere`."""

    def __post_init__(self) -> None:
        self.folder = tuple(self.name.split("/")[:-1])

    def target(self, base: str, link: str, charset: str, role: Role) -> Target | None:
        known = self._near.get((base, charset, role)) if link[:1] not in "?#" else self._known(base, charset, role)
        if known is None:
            known = self._near[base, charset, role] = self._known(base[: base.rfind("/")], charset, role)
        if link not in known:
            known[link] = self._target(base, link, charset, role)
        return known[link]

    def _known(self, place: str, charset: str, role: Role) -> dict[str, Target | None]:
        return self.known.near.setdefault((place, charset, role, self.folder), {})

    def file(self, base: str, link: str, charset: str) -> Copy | None:
        """The file that a link leads to; None for one that leads elsewhere."""
        url = canon.resolve(base, link, charset)
        copy = self._copy(url) if url else None
        return copy if copy is not None and copy.kind == "file" else None

    def written(self, base: str, link: str) -> str:
        if not self.written_by:
            return ""
        url = canon.resolve(base, link)
        copy = find(self.copies, url) if url else None
        return self.written_by.get(copy.key, "") if copy else ""

    def _target(self, base: str, link: str, charset: str, role: Role) -> Target | None:
        rooted = link.startswith(_ROOTED)
        lead = self._rooted(base, link, charset, role) if rooted else self._lead(base, link, charset, role)
        if lead is None:
            return None
        name, fragment, state = lead
        return Target(names.relative(name, self.folder) + fragment, state)

    def _rooted(self, base: str, link: str, charset: str, role: Role) -> _Lead | None:
        """Menus and lists name the path, links to others the host: what was found on one page holds for all."""
        leads = self._anywhere.get((base, charset, role))
        if leads is None:
            leads = self.known.anywhere.setdefault((canon.origin(base), charset, role), {})
            self._anywhere[base, charset, role] = leads
        if link not in leads:
            leads[link] = self._lead(base, link, charset, role)
        return leads[link]

    def _lead(self, base: str, link: str, charset: str, role: Role) -> _Lead | None:
        url = canon.resolve(base, link, charset)
        if url is None:
            return None
        copy = self._copy(url)
        if role == "link" or (role == "frame" and copy is None):
            return self._link(url, copy, link.partition("#")[2])
        if copy is None or not _fits(copy.kind, role):
            return None
        return copy.shown if copy.kind in {"page", "redirect"} else copy.name, "", "copy"

    def _copy(self, url: str) -> Copy | None:
        found = self.known.found
        if url not in found:
            copy = find(self.copies, url)
            found[url] = followed(self.copies, copy) if copy is not None else None
        return found[url]

    def _link(self, url: str, copy: Copy | None, fragment: str) -> _Lead:
        if copy is not None and copy.kind != "script":
            return copy.shown, f"#{fragment}" if fragment else "", "copy"
        if copy is not None or decision.allows(self.hosts, url):
            return NOT_CAPTURED, "", "missing"
        name = leaving_name(url)
        self.known.leaving[name] = url
        return name, "", "leaving"


def _fits(kind: Kind, role: Role) -> bool:
    if role == "frame":
        return kind in {"page", "redirect", "image"}
    if role == "style":
        return kind == "style"
    return kind in {"image", "file"} or (role == "media" and kind == "style")
