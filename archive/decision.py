"""The decision file of a retirement, `content/_archive/<site>.yml`: what may be captured, and by whose
approval."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import yaml

from archive import appearance, terms
from archive.appearance import Look
from archive.terms import Terms
from archive.text import _
from sitegen.errors import Problem, Refused, in_order

LABEL = "已歸檔"
KEYS = (
    "site", "seal", "hosts", "start", "allow_private", "exclude", "robots", "name", "unit", "reason", "approval",
    "successor", "archived_on", "label", "retention", "excuse", "lists", "logs", "session_ids", "budget",
    "appraisal", "related", "package",
)  # fmt: skip
_SITE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_HOST = re.compile(r"(?:[^\s/:@?#\[\]]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude:
    """URLs that are left out on purpose: `pattern` is searched in the URL."""

    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    document: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """Where the content goes; `columns` maps an old path prefix to a column under `content/`."""

    site: str
    url: str
    title: str
    columns: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """Whether a column's pages are 有价值原网页 (第十五条): kept as articles or only in the archive, why, and who said so.

    `column` is an old path prefix without slashes.
    """

    column: str
    keep: bool
    reason: str
    by: str
    on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """FORMATS §2. What only publication needs may be None until `missing_for_publication` is asked.

    `terms` is what concerns the inventory; `path` is the file as Problems name it; `warnings` are findings that do
    not stop a capture.
    """

    site: str
    hosts: tuple[str, ...]
    start: tuple[str, ...]
    allow_private: tuple[str, ...] = ()
    exclude: tuple[Exclude, ...] = ()
    robots: Literal["honour", "ignore"] = "honour"
    name: str | None = None
    unit: str | None = None
    reason: str | None = None
    approval: Approval | None = None
    successor: Successor | None = None
    archived_on: date | None = None
    label: str = LABEL
    seal: Look = field(default_factory=Look)
    retention: str | None = None
    terms: Terms = field(default_factory=Terms)
    appraisals: tuple[Appraisal, ...] = ()
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A person's word on what an archived page is related to: target URI → paths under content/, none for nothing."""
    package: Literal["publish", "keep"] = "publish"
    """Whether the whole capture (WACZ) goes online beside the copies, or stays with the operator."""
    path: str = ""
    warnings: tuple[Problem, ...] = ()

    def as_fields(self) -> dict[str, str]:
        """What a `warcinfo` says of it, as far as it is decided; without an archive date that of publication counts."""
        approval = self.approval
        return {
            "label": self.label if self.reason else "",
            "archived-on": self.archived_on.isoformat() if self.archived_on else "",
            "reason": self.reason or "",
            "approval": f"{approval.document} {approval.date.isoformat()}" if approval else "",
        }


def load(content: Path, site: str) -> Decision:
    """Read `content/_archive/<site>.yml`. Raises Refused with every Problem found (file:line, key)."""
    path = f"{content.as_posix()}/_archive/{site}.yml"
    if not is_site(site):
        raise _refused(
            path,
            "decision-site-invalid",
            _("“{site}” cannot be a site ID").format(site=site),
            _("use letters, digits and -"),
        )
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        remedy = _("write the file with at least `site` and `hosts` (docs/FORMATS.md §2)")
        raise _refused(
            path, "decision-missing", _("there is no decision on {site}").format(site=site), remedy
        ) from None
    except UnicodeDecodeError:
        raise _refused(path, "decision-unreadable", _("the file is not UTF-8"), _("save it as UTF-8")) from None
    reader = _Reader(path)
    decision = reader.decision(_parse(path, text, reader), site)
    if decision is None:
        raise Refused(in_order(reader.problems))
    return decision


def is_site(site: str) -> bool:
    """Whether this can name a site: one path segment, no dots at its ends, and not the reader's below /archive/."""
    return site != "replay" and _SITE.fullmatch(site) is not None


def host_of(url: str) -> str:
    """`host` or `host:port` as the allow-list names it: lower case, without the scheme's default port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return host if port is None or port == {"http": 80, "https": 443}.get(parts.scheme) else f"{host}:{port}"


def allows(hosts: tuple[str, ...], url: str) -> bool:
    """Whether the allow-list names the URL's host; `HOST` means ports 80 and 443, any other port is named."""
    end = url.find("/", 8)
    return _host_of_origin(url if end < 0 else url[:end]) in hosts


@lru_cache(maxsize=1024)
def _host_of_origin(origin: str) -> str:
    try:
        return host_of(origin)
    except ValueError:
        return ""


def missing_for_publication(decision: Decision) -> list[Problem]:
    """What a publication still asks for: unit, reason, approval, successor. The name has the site's id in its place."""
    asked = ("unit", "reason", "approval", "successor")
    return [
        Problem(
            path=decision.path,
            code="decision-incomplete",
            key=key,
            message=_("publication needs `{key}`").format(key=key),
            remedy=_("add `{key}` to {decision} (docs/FORMATS.md §2)").format(key=key, decision=decision.path),
        )
        for key in asked
        if getattr(decision, key) is None
    ]


def _refused(path: str, code: str, message: str, remedy: str, line: int | None = None) -> Refused:
    return Refused([Problem(path=path, line=line, code=code, message=message, remedy=remedy)])


def _parse(path: str, text: str, reader: _Reader) -> dict[str, Any]:
    """The file's mapping; the line of every top-level and second-level key goes to the reader."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        value = loader.construct_document(node) if node else None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        message = str(getattr(error, "problem", None) or error)
        line = mark.line + 1 if mark else None
        raise _refused(path, "decision-unreadable", message, _("correct the YAML on this line"), line) from None
    finally:
        loader.dispose()
    if not isinstance(value, dict):
        raise _refused(
            path, "decision-unreadable", _("the file holds no mapping"), _("write `site: …` and `hosts: […]`")
        )
    reader.note_lines(node)
    return cast("dict[str, Any]", value)


class _Loader(yaml.CSafeLoader):
    """Dates stay text: an impossible one is a Problem of its key, not of the file."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: str(node.value))


class _Reader:
    """Turns the mapping into a Decision, collecting Problems with the line of their key."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.lines: dict[str, int] = {}

    def note_lines(self, node: Any, prefix: str = "") -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = f"{prefix}{key.value}"
                repeated = name in self.lines
                self.lines[name] = key.start_mark.line + 1
                if repeated:
                    self.problem(
                        "decision-key-repeated", name, _("`{name}` is given twice").format(name=name), _("keep one")
                    )
                self.note_lines(value, f"{name}.")
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self.lines[f"{prefix[:-1]}[{number}]"] = item.start_mark.line + 1
                self.note_lines(item, f"{prefix[:-1]}[{number}].")

    def problem(self, code: str, key: str, message: str, remedy: str) -> None:
        place = key
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        line = self.lines.get(place)
        self.problems.append(Problem(path=self.path, line=line, code=code, key=key, message=message, remedy=remedy))

    def decision(self, raw: dict[str, Any], site: str) -> Decision | None:
        self._unknown_keys(raw)
        hosts = tuple(host.lower() for host in self.texts(raw, "hosts", required=True))
        for number, host in enumerate(hosts):
            if not _HOST.fullmatch(host):
                self.problem(
                    "decision-host-invalid", f"hosts[{number}]", _("“{host}” is not HOST or HOST:PORT").format(host=host),
                    _("write the host alone, without scheme and path"),
                )  # fmt: skip
        hosts = tuple(re.sub(r":(?:80|443)$", "", host) for host in hosts)
        if self.text(raw, "site", required=True) not in (None, site):
            self.problem(
                "decision-site-differs",
                "site",
                _("the file is named {site}.yml").format(site=site),
                _("write `site: {site}`").format(site=site),
            )
        robots = self._either(raw, "robots", "honour", "ignore")
        package = self._either(raw, "package", "publish", "keep")
        start = self.texts(raw, "start") or tuple(f"http://{host}/" for host in hosts[:1])
        if not self.problems:
            self._starts_within(start, hosts)
        values: dict[str, Any] = {
            "allow_private": self.texts(raw, "allow_private"),
            "exclude": self._excludes(raw),
            "approval": self._approval(raw),
            "successor": self._successor(raw),
            "archived_on": self.day(raw, "archived_on"),
            "label": self.text(raw, "label") or LABEL,
            "terms": terms.read(self, raw),
            "seal": appearance.read(self, raw),
            "appraisals": self._appraisals(raw),
            "related": self._related(raw),
            **{key: self.text(raw, key) for key in ("name", "unit", "reason", "retention")},
        }
        if self.problems:
            return None
        return Decision(
            site=site, hosts=hosts, start=start, robots=cast(Literal["honour", "ignore"], robots),
            package=cast(Literal["publish", "keep"], package), path=self.path, warnings=tuple(self.warnings), **values,
        )  # fmt: skip

    def _either(self, raw: dict[str, Any], key: str, usual: str, other: str) -> str:
        value = self.text(raw, key) or usual
        if value not in (usual, other):
            message, remedy = _("“{value}” is neither"), _("write {usual} or {other}").format(usual=usual, other=other)
            self.problem("decision-value-invalid", key, message.format(value=value), remedy)
        return value

    def _unknown_keys(self, raw: dict[str, Any]) -> None:
        for key in map(str, raw):
            if key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, 1)
                self.warnings.append(
                    Problem(
                        path=self.path,
                        line=self.lines.get(key),
                        code="decision-key-unknown",
                        severity="warning",
                        key=key,
                        message=_("`{key}` is not read by anything").format(key=key),
                        remedy=_("did you mean `{key}`?").format(key=near[0]) if near else _("remove it"),
                    )
                )

    def _starts_within(self, start: tuple[str, ...], hosts: tuple[str, ...]) -> None:
        for number, url in enumerate(start):
            if not url.lower().startswith(("http://", "https://")) or not allows(hosts, url):
                self.problem(
                    "decision-host-unknown", f"start[{number}]", _("{url} is on no host of `hosts`").format(url=url),
                    _("add its HOST or HOST:PORT to `hosts`, or correct the URL"),
                )  # fmt: skip

    def text(self, raw: dict[str, Any], key: str, *, within: str = "", required: bool = False) -> str | None:
        value = raw.get(key, _MISSING)
        name = within + key
        if value is _MISSING or value is None or value == "":
            if required:
                self.problem(
                    "decision-key-missing",
                    name,
                    _("`{name}` is missing").format(name=name),
                    _("add `{key}`").format(key=key),
                )
            return None
        if isinstance(value, (dict, list)):
            self.problem(
                "decision-value-invalid", name, _("`{name}` must be text").format(name=name), _("write one value")
            )
            return None
        return str(value)

    def texts(self, raw: dict[str, Any], key: str, *, required: bool = False) -> tuple[str, ...]:
        value = raw.get(key)
        value = [value] if isinstance(value, str) and value else value
        if not value:
            if required:
                self.problem(
                    "decision-key-missing",
                    key,
                    _("`{key}` is missing").format(key=key),
                    _("add `{key}: […]`").format(key=key),
                )
            return ()
        if not isinstance(value, list) or any(isinstance(item, (dict, list)) or item is None for item in value):
            self.problem(
                "decision-value-invalid",
                key,
                _("`{key}` must be a list").format(key=key),
                _("write `{key}: [a, b]`").format(key=key),
            )
            return ()
        return tuple(str(item) for item in value)

    def day(self, raw: dict[str, Any], key: str, within: str = "") -> date | None:
        value = raw.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.problem(
                "decision-value-invalid",
                within + key,
                _("“{value}” is not a date").format(value=value),
                _("write 2026-11-22"),
            )
            return None

    def _excludes(self, raw: dict[str, Any]) -> tuple[Exclude, ...]:
        items = raw.get("exclude") or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            remedy = _("write a list of `{line}`").format(line="{pattern: …, reason: …}")
            self.problem("decision-value-invalid", "exclude", _("`exclude` must list patterns with a reason"), remedy)
            return ()
        found = []
        for number, item in enumerate(items):
            within = f"exclude[{number}]."
            pattern = self.text(item, "pattern", within=within, required=True)
            reason = self.text(item, "reason", within=within, required=True)
            try:
                compiled = re.compile(pattern or "")
            except re.error as error:
                self.problem("decision-value-invalid", f"{within}pattern", f"{error}", _("correct the expression"))
                continue
            found.append(Exclude(pattern=compiled, reason=reason or ""))
        return tuple(found)

    def _mapping(self, raw: dict[str, Any], key: str) -> dict[str, Any] | None:
        value = raw.get(key)
        if value is not None and not isinstance(value, dict):
            self.problem(
                "decision-value-invalid",
                key,
                _("`{key}` must be a mapping").format(key=key),
                _("see docs/FORMATS.md §2"),
            )
            return None
        return cast("dict[str, Any] | None", value)

    def _approval(self, raw: dict[str, Any]) -> Approval | None:
        value = self._mapping(raw, "approval")
        if not value:
            return None
        document = self.text(value, "document", within="approval.", required=True)
        day = self.day(value, "date", "approval.")
        if day is None and not value.get("date"):
            self.problem("decision-key-missing", "approval.date", _("the approval has no date"), _("add `date`"))
        return Approval(document=document, date=day) if document and day else None

    def _successor(self, raw: dict[str, Any]) -> Successor | None:
        value = self._mapping(raw, "successor")
        if not value:
            return None
        columns = self._mapping(value, "columns") or {}
        return Successor(
            site=self.text(value, "site", within="successor.", required=True) or "",
            url=self.text(value, "url", within="successor.") or f"/{value.get('site', '')}/",
            title=self.text(value, "title", within="successor.") or "",
            columns={str(old): str(new) for old, new in columns.items()},
        )

    def _appraisals(self, raw: dict[str, Any]) -> tuple[Appraisal, ...]:
        found = []
        for column, item in (self._mapping(raw, "appraisal") or {}).items():
            within = f"appraisal.{column}."
            if not isinstance(item, dict):
                remedy = _("write `{column}: {line}`").format(column=column, line="{keep: true, reason: …, by: …}")
                self.problem(
                    "decision-value-invalid", within[:-1], _("an appraisal says keep, reason and by whom"), remedy
                )
                continue
            keep = item.get("keep")
            if not isinstance(keep, bool):
                message = _("`{name}` must be true or false").format(name=f"{within}keep")
                self.problem(
                    "decision-value-invalid", f"{within}keep", message, _("write `keep: true` or `keep: false`")
                )
            found.append(
                Appraisal(
                    column=str(column).strip("/"),
                    keep=bool(keep),
                    reason=self.text(item, "reason", within=within, required=True) or "",
                    by=self.text(item, "by", within=within, required=True) or "",
                    on=self.day(item, "date", within),
                )
            )
        return tuple(found)

    def _related(self, raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        named = self._mapping(raw, "related") or {}
        return {str(uri): self.texts({"paths": paths}, "paths") for uri, paths in named.items()}
