"""What `archive publish` left for the generator: one index per published capture (docs/FORMATS.md §4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sitegen import frontmatter, lifecycle
from sitegen.errors import Problem
from sitegen.lifecycle import Event
from sitegen.rules import registry
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Published:
    """One index. `raw` is the whole of it, for the catalogue pages. Two are the same when they are one object."""

    site: str
    timestamp: str
    mode: str
    raw: Mapping[str, Any]
    folder: Path
    digest: str
    """SHA-256 of the index."""

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.raw.get("files") or {}
        return found

    @property
    def catalogue_url(self) -> str:
        return f"/archive/{self.site}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A page of our own that stays at its address, as it was (第十五条)."""

    source: str
    digest: str
    blob: str
    captured_at: str
    original_url: str
    index: Published


def load(public: Path) -> tuple[list[Published], list[Problem]]:
    """Every index below build/public/, by site and time. One that cannot be read is a Problem."""
    found: list[Published] = []
    problems: list[Problem] = []
    for path in sorted(public.glob("*/*.json")):
        try:
            text = path.read_text(encoding="utf-8")
            raw = json.loads(text)
            _validate(raw)
            if raw["format"] != "published/1" or raw["mode"] not in {"copies", "in-place"}:
                raise ValueError(
                    _("format {format}, mode {mode}").format(format=repr(raw["format"]), mode=repr(raw["mode"]))
                )
            if (raw["site"], raw["timestamp"]) != (path.parent.name, path.stem):
                raise ValueError(_("site and timestamp are not those of its place"))
            found.append(
                Published(
                    site=raw["site"],
                    timestamp=raw["timestamp"],
                    mode=raw["mode"],
                    raw=raw,
                    folder=path.with_suffix(""),
                    digest=hashlib.sha256(text.encode()).hexdigest(),
                )
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            problems.append(
                Problem(
                    path=f"build/public/{path.parent.name}/{path.name}",
                    code="archive-index-unreadable",
                    message=_("this is no published index: {error}").format(error=error),
                    remedy=_("run: {command}").format(command=f"archive publish {path.parent.name}"),
                )
            )
    return found, problems


def _validate(raw: Any) -> None:
    """Every field that a build reads. Raises KeyError, TypeError or ValueError."""
    for key in ("site", "timestamp", "label", "archived_on", "name"):
        if not isinstance(raw[key], str) or not raw[key]:
            raise TypeError(key)
    json.dumps(raw, ensure_ascii=False).encode()  # no lone surrogate, which no page could hold
    for page in raw["pages"]:
        wanted = ("source", "digest", "blob", "captured_at", "target_uri") if raw["mode"] == "in-place" else ()
        for key in ("url", "title", *wanted):
            if not isinstance(page[key], str) and not (
                key in {"source", "digest", "blob"} and page.get("source") is None
            ):
                raise TypeError(key)
        if "captured_at" in page:
            datetime.fromisoformat(page["captured_at"])
        for related in page.get("related") or ():
            _texts(related, "source", "url", "title")
    for column in raw.get("columns") or ():
        _texts(column, "title", "path")
    for event in raw.get("events") or ():
        _texts(event, "event", "date")
    _validate_proof(raw.get("proof"))
    for picture in (raw.get("exhibits") or {}).get("screenshots") or ():
        _texts(picture, "url")
    for facts in raw["files"].values():
        if not isinstance(facts["bytes"], int) or not isinstance(facts["sha256"], str):
            raise TypeError("files")


def _validate_proof(proof: Any) -> None:
    if proof is None:
        return
    _texts(proof, "on")
    for number in (proof["coverage"], proof["urls"], proof["records"], proof["orphans"]):
        if not isinstance(number, int | float):
            raise TypeError("proof")
    for aspect in proof["aspects"]:
        _texts(aspect, "name")
        if not isinstance(aspect["looked_at"] + aspect["proven"], int):
            raise TypeError("proof.aspects")
    for check in proof["checks"]:
        _texts(check, "nature", "check", "how", "result")


def _texts(entry: Mapping[str, Any], *keys: str) -> None:
    for key in keys:
        if not isinstance(entry[key], str):
            raise TypeError(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retiring:
    """A section of ours that will retire: announced on its own pages from `on`, until `until` at least (第十二条)."""

    path: str
    on: str
    until: str
    notice: str
    """Root-relative address of the notice; empty where none is named."""


def retiring(content: Path) -> dict[str, Retiring]:
    """Path of a section → its announcement, from the event `banner` on until the archive is published."""
    found = {}
    for record in lifecycle.load_all(content):
        event = record.last("banner")
        if event is None or record.last("published") or record.last("retired"):
            continue
        path = record.site.replace("--", "/")
        until = _stands_until(event, content)
        url = event.facts.get("url", "")
        notice = url if url.startswith("/") and not url.startswith("//") else ""
        found[path] = Retiring(path=path, on=event.on.isoformat(), until=until, notice=notice)
    return found


def _stands_until(announcement: Event, content: Path) -> str:
    """ISO date. The rules are read where there is an announcement: they take 30 ms of an edit."""
    return lifecycle.stands_until(announcement, int(registry.number("notice_days", content))).isoformat()


def package_of(index: Published) -> str:
    """The URL of the whole capture in one file (WACZ); empty where none is published."""
    url = str((index.raw.get("capture") or {}).get("wacz") or "")
    return url if url.startswith(f"/archive/{index.site}/{index.timestamp}/") else ""


def retired_pages(indexes: list[Published]) -> dict[str, Retired]:
    """Source → the version that stays; where a page was retired twice the newest capture counts."""
    pages: dict[str, Retired] = {}
    for index in indexes:
        if index.mode != "in-place":
            continue
        for page in index.raw.get("pages") or ():
            if page.get("source"):
                pages[page["source"]] = Retired(
                    source=page["source"],
                    digest=page["digest"],
                    blob=page["blob"],
                    captured_at=page["captured_at"],
                    original_url=page["target_uri"],
                    index=index,
                )
    return pages


def histories(indexes: Iterable[Published]) -> dict[str, list[dict[str, str]]]:
    """Source of a present article → the archived pages that are related to it (第十五条), newest capture of each site."""
    newest = {index.site: index for index in sorted(indexes, key=lambda index: index.timestamp)}
    found: dict[str, list[dict[str, str]]] = {}
    for index in newest.values():
        for page in index.raw["pages"]:
            for related in page.get("related") or ():
                about = {"title": page["title"], "url": page["url"], "date": page.get("date") or ""}
                found.setdefault(related["source"], []).append(about)
    return found


def unpublished_decisions(content: Path, indexes: list[Published]) -> list[Problem]:
    """Retirements recorded as published in the lifecycle file whose index is not here: their pages would be missing."""
    here = {index.site for index in indexes}
    problems: list[Problem] = []
    for record in lifecycle.load_all(content):
        if record.site not in here and any(event.event == "published" for event in record.events):
            problems.append(
                Problem(
                    path=f"content/_records/sites/{record.site}.yml",
                    code="archive-index-missing",
                    message=_("the site's archive was published, but its public copies are not in build/public/"),
                    remedy=_("bring back the archive store and run: {command}").format(
                        command=f"archive publish {record.site}"
                    ),
                )
            )
    return problems


def early_notices(content: Path) -> list[Problem]:
    """第十二条（三）: the migration notice stays as long as the rules ask, and until the day that was recorded with it.

    It must not be taken out before the retirement is recorded as `retired` (which waits for that day), and must not
    expire earlier. Whoever moves it keeps `retires: <site>`.
    """
    problems: list[Problem] = []
    for record in lifecycle.load_all(content):
        event = record.last("portal-notice")
        if event is None or not event.facts.get("url"):
            continue
        path = event.facts["url"].strip("/").removesuffix(".html") + ".md"
        until = _stands_until(event, content)
        notice = _notice_of(content, path, record.site)
        if notice is None and record.last("retired") is None:
            problems.append(
                Problem(
                    path=f"content/{path}",
                    code="migration-notice-removed",
                    message=_("the migration notice of {site} must stay until {date} (第十二条)").format(
                        site=record.name, date=until
                    ),
                    remedy=_("bring it back: {command}").format(command=f"git checkout HEAD~1 -- content/{path}"),
                )
            )
        if notice is not None and "" != notice[1] < until:
            problems.append(
                Problem(
                    path=f"content/{notice[0]}",
                    code="migration-notice-expires-early",
                    key="expire_at",
                    message=_("the migration notice of {site} must stay until {date} (第十二条)").format(
                        site=record.name, date=until
                    ),
                    remedy=_("write: {line}").format(line=f"expire_at: {until} 00:00"),
                )
            )
    return problems


def _notice_of(content: Path, path: str, site: str) -> tuple[str, str] | None:
    """(path, day of `expire_at` or empty) of the notice, where it stood or elsewhere in that column."""
    folder = content / path.split("/")[0]
    for file in [content / path, *sorted(folder.rglob("*.md"))]:
        try:
            text = frontmatter.normalise(file.read_bytes())
        except (OSError, UnicodeDecodeError):
            continue
        matter, _problems = frontmatter.parse(text, path, frontmatter.ARTICLE_KEYS)
        if matter is not None and frontmatter.as_text(matter.values.get("retires")) == site:
            return file.relative_to(content).as_posix(), _day_of(frontmatter.as_text(matter.values.get("expire_at")))
    return None


def _day_of(value: str) -> str:
    """ISO date; empty for none, and for what is no date (which is told where the article is read)."""
    try:
        return frontmatter.parse_moment(value)[0].date().isoformat() if value else ""
    except ValueError:
        return ""
