"""A site's life as dated events in `_records/sites/<id>.yml` (第十条, 第十二至十四条; docs/FORMATS.md §1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.errors import Problem, Refused
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`on` is the calendar date in Asia/Shanghai; `facts` holds the rest (document, by, until, url, capture …)."""

    event: str
    on: date
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRecord:
    site: str
    name: str
    url: str
    unit: str
    events: tuple[Event, ...]

    def first(self, event: str) -> Event | None:
        return next((found for found in self.events if found.event == event), None)

    def last(self, event: str) -> Event | None:
        return next((found for found in reversed(self.events) if found.event == event), None)


def stands_until(event: Event, least: int) -> date:
    """The first day on which what the event announced may come down: its `until`, and no earlier than `least` days
    after it (第十二条（三）; the number is `notice_days` of the rules)."""
    earliest = event.on + timedelta(days=least)
    try:
        return max(earliest, date.fromisoformat(event.facts.get("until", "")))
    except ValueError:
        return earliest


def path_of(content: Path, site: str) -> Path:
    return content / "_records" / "sites" / f"{site}.yml"


def load(content: Path, site: str) -> SiteRecord | None:
    """None when the site has no record. Raises Refused when the record cannot be read: deadlines hang on it."""
    path = path_of(content, site)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        return _record(site, raw)
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(
            [
                Problem(
                    path=f"content/_records/sites/{site}.yml",
                    code="lifecycle-unreadable",
                    message=_("the record cannot be read: {error}").format(error=error),
                    remedy=_("see docs/FORMATS.md §1.4; each event needs `event` and `date: 2026-11-22`"),
                )
            ]
        ) from None


def load_all(content: Path) -> list[SiteRecord]:
    """Raises Refused as `load` does."""
    folder = content / "_records" / "sites"
    sites = sorted(path.stem for path in folder.glob("*.yml"))
    return [record for site in sites if (record := load(content, site)) is not None]


def _record(site: str, raw: dict[str, Any]) -> SiteRecord:
    events = []
    for entry in raw.get("events") or ():
        on = entry["date"]
        if not isinstance(on, date):
            raise ValueError(_("“{value}” is not a date").format(value=on))
        facts = {str(key): str(value) for key, value in entry.items() if key not in {"event", "date"}}
        events.append(Event(event=str(entry["event"]), on=on, facts=facts))
    return SiteRecord(
        site=site,
        name=str(raw.get("name") or site),
        url=str(raw.get("url") or ""),
        unit=str(raw.get("unit") or ""),
        events=tuple(events),
    )


def append_event(content: Path, site: str, event: Event, *, name: str = "", url: str = "", unit: str = "") -> bool:
    """Add one event at the end, everything before it untouched; False when the same event is already the last of its
    kind. `name`, `url`, `unit` begin a record that does not exist yet."""
    path = path_of(content, site)
    record = load(content, site)
    if record is not None and record.last(event.event) == event:
        return False
    fields = {"event": event.event, "date": event.on, **event.facts}
    line = yaml.safe_dump(fields, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000).strip()
    if record is None:
        head = yaml.safe_dump(
            {"site": site, "name": name, "url": url, "unit": unit}, allow_unicode=True, sort_keys=False
        )
        text = f"{head}events:\n"
    else:
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        if not record.events:
            text = text.replace("events: []\n", "events:\n")
            text = text if "events:" in text else text + "events:\n"
    files.write_atomic(path, f"{text}  - {line}\n".encode())
    return True
