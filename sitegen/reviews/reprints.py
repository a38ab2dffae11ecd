"""Reprints (第十九条(三)): within 12 hours of the original, with a secrecy review; and the list of watched sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sitegen.errors import Problem
from sitegen.model import Article
from sitegen.records import entries
from sitegen.rules import registry
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A site of a superior government that is watched; `url` of its feed or list page, `column`: where reprints go."""

    id: str
    url: str
    host: str
    column: str


def load(content: Path) -> tuple[list[Feed], list[Problem]]:
    """`_records/feeds.yml`. A bad entry is a Problem and is left out; a missing file is empty."""
    problems: list[Problem] = []
    found: list[Feed] = []
    for raw in entries(content, "feeds", problems):
        url, column = str(raw.get("url") or ""), str(raw.get("column") or "")
        host = _host(url)
        if not host or not (content / column / "index.md").is_file() or not column:
            problems.append(
                Problem(
                    path="content/_records/feeds.yml",
                    code="feed-unusable",
                    key=str(raw["id"]),
                    message=_("a watched source needs the https address of its list and a column for its reprints"),
                    remedy=_("write {line}").format(line="{id: province, url: https://…, column: zwdt}"),
                )
            )
            continue
        found.append(Feed(id=str(raw["id"]), url=url, host=host, column=column))
    return found, problems


def _host(url: str) -> str:
    """Empty for what is no web address; a list may hold anything."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def is_watched(url: str, feeds: Iterable[Feed]) -> bool:
    """Whether the 12 hours hold for an original: it stands on a watched site; without a list they hold for all."""
    hosts = {feed.host for feed in feeds}
    return not hosts or _host(url) in hosts


def hours(content: Path) -> float:
    """How long a reprint may take; a project corrects it in `_records/rules.yml`."""
    return registry.number("reprint_hours", content)


def due(original_at: datetime, hours: float) -> datetime:
    """The last moment that is in time."""
    return original_at + timedelta(hours=hours)


def lateness(article: Article, shown_at: datetime | None, now: datetime, hours: float) -> list[Problem]:
    """`shown_at`: from when on it could be read; None: it cannot yet. At exactly 12 hours it is in time."""
    if not _host(article.reprint_of):
        return [
            _report(
                "reprint-source-unusable",
                article,
                "reprint_of",
                _("{value} is no web address").format(value=article.reprint_of),
                _("write the https address of the original"),
            )
        ]
    if article.original_at is None:
        return [
            _report(
                "reprint-time-missing",
                article,
                "reprint_of",
                _("when the original was published is not recorded, so nobody can tell whether 12 hours were kept"),
                _("add a line: {line}").format(line="original_at: 2026-11-22 09:30"),
            )
        ]
    latest = due(article.original_at, hours)
    moment = shown_at or now
    if moment <= latest:
        return []
    message = _("reprinted {taken} hours after the original; {hours} are allowed (第十九条(三))")
    if shown_at is None:
        message = _("not reprinted {taken} hours after the original; {hours} are allowed (第十九条(三))")
    taken = (moment - article.original_at).total_seconds() / 3600
    return [
        _report(
            "reprint-late",
            article,
            "original_at",
            message.format(taken=f"{taken:.1f}", hours=f"{hours:g}"),
            _("finish the review at once") if shown_at is None else _("nothing can be done now; watch the sources"),
        )
    ]


def _report(code: str, article: Article, key: str, message: str, remedy: str) -> Problem:
    return Problem(
        path=f"content/{article.path}", code=code, severity="warning", key=key, message=message, remedy=remedy
    )
