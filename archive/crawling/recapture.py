"""Capturing a site again: what has changed is stored, the rest refers to the capture before, and both are counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from archive import store
from archive.crawling import capture as capturing
from archive.crawling.capture import CaptureReport
from archive.crawling.frontier import Frontier, Row
from archive.crawling.options import Options
from archive.crawling.scope import Scope
from archive.decision import Decision
from archive.progress import Show
from archive.store import Capture
from archive.warcs import recall
from sitegen.files import sha256

Change = Literal["new", "changed", "gone", "unanswered", "same"]
CHANGES: tuple[Change, ...] = ("new", "changed", "gone", "unanswered", "same")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecaptureReport:
    """`changes`: URLs by what became of them, sorted.

    new         answered now (2xx, or a redirect), and not in the capture before
    changed     answered both times, with another payload, or redirected elsewhere
    gone        answered before; now the server says that there is nothing (404, 410)
    unanswered  answered before; now there is no whole answer, or it was not asked for
    same        answered both times alike: a revisit
    """

    capture: CaptureReport
    previous: Capture
    changes: dict[Change, tuple[str, ...]]

    @property
    def counts(self) -> dict[str, int]:
        return {str(change): len(urls) for change, urls in self.changes.items()}

    def as_json(self) -> dict[str, object]:
        changes: dict[str, object] = {change: list(urls) for change, urls in self.changes.items() if change != "same"}
        return {
            **self.capture.as_json(),
            "previous": self.previous.id,
            "changes": changes | {"counts": self.counts},
        }


def recapture(
    decision: Decision,
    *,
    place: Path,
    now: datetime,
    options: Options = capturing.DEFAULTS,
    progress: Show = lambda standing: None,
) -> RecaptureReport:
    """Capture the site again, from where its newest finished capture began and within that one's prefixes.

    An unfinished capture is continued. Raises Refused when there is no finished capture, and as `capture` does.
    """
    previous = store.open_capture(place, decision.site)
    said = store.read_manifest(previous).get("scope", {})
    scope = Scope(hosts=decision.hosts, prefixes=tuple(said.get("prefixes", ())))
    start = [url for url in said.get("start", ()) if scope.holds(url, "page")]
    report = capturing.capture(
        decision,
        store=place,
        now=now,
        start=start,
        progress=progress,
        scope=scope,
        previous=previous,
        options=options,
    )
    return RecaptureReport(capture=report, previous=previous, changes=compare(previous, report.capture))


def compare(previous: Capture, present: Capture) -> dict[Change, tuple[str, ...]]:
    """What became of every URL that was answered in either capture."""
    with Frontier(previous.frontier, read_only=True) as frontier:
        before = {row.key: row for row in frontier.rows("captured", "redirected")}
    found: dict[Change, list[str]] = defaultdict(list)
    with Frontier(present.frontier, read_only=True) as frontier:
        for row in frontier.rows():
            former = before.pop(row.key, None)
            if change := _change(present, former, row):
                found[change].append(row.url)
    found["unanswered"] += [row.url for row in before.values()]
    return {change: tuple(sorted(found[change])) for change in CHANGES}


def _change(present: Capture, former: Row | None, row: Row) -> Change | None:
    answered = row.state in ("captured", "redirected")
    if former is None:
        return "new" if answered else None
    if not answered:
        return "gone" if row.state == "excused" else "unanswered"
    if former.state != row.state or former.redirect_to != row.redirect_to:
        return "changed"
    return "same" if former.payload_digest == _comparable(present, former, row) else "changed"


def _comparable(present: Capture, former: Row, row: Row) -> str | None:
    """A file of a mirror has no transfer and content codings: it is compared with the body without them."""
    if former.record_type != "resource":
        return row.payload_digest
    return sha256(recall.response(present, row).body)
