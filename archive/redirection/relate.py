"""What becomes of each old URL: a redirect to the migrated page, the archived copy, or — honestly — nothing yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive import canon, store, successor
from archive.crawling.frontier import Frontier, Row
from archive.publishing import published
from archive.store import Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Its text is a page of ours now; `to` is that page's root-relative URL."""

    target_uri: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Its stamped copy answers; `to` is the copy's root-relative URL."""

    target_uri: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """Nothing answers for it, and why."""

    target_uri: str
    reason: str


Outcome = Moved | Kept | Unresolved
_WORDS: Mapping[type[Outcome], str] = {Moved: "redirect", Kept: "archive", Unresolved: "unresolved"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Every URL of a capture's inventory with its outcome, sorted by URL."""

    capture: str
    outcomes: tuple[Outcome, ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(word_of(outcome) for outcome in self.outcomes)
        return {word: found[word] for word in _WORDS.values()} | {"total": len(self.outcomes)}

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture,
            "counts": self.counts,
            "urls": [
                {"target_uri": one.target_uri, "outcome": word_of(one), "to": to_of(one), "reason": reason_of(one)}
                for one in self.outcomes
            ],
        }


def word_of(outcome: Outcome) -> str:
    """`redirect`, `archive` or `unresolved`."""
    return _WORDS[type(outcome)]


def to_of(outcome: Outcome) -> str | None:
    return None if isinstance(outcome, Unresolved) else outcome.to


def reason_of(outcome: Outcome) -> str | None:
    return outcome.reason if isinstance(outcome, Unresolved) else None


def relate(capture: Capture, *, public: Path, content: Path, build: Path) -> Relation:
    """From the capture's inventory, its published index, the migrated articles and the live release.

    An article that is not yet signed and released is no destination: a redirect never leads to a 404. Raises Refused
    when the capture has not been published.
    """
    index = published.read_index(public / capture.site / f"{capture.timestamp}.json")
    with Frontier(capture.frontier, read_only=True) as frontier:
        rows = list(frontier.rows())
    migrated = successor.migrated_pages(content, build)
    copies = {str(page["target_uri"]): str(page["url"]) for page in index["pages"]}
    sessions = store.session_ids(store.read_manifest(capture))
    return Relation(capture=capture.id, outcomes=tuple(outcomes(rows, copies, migrated, sessions)))


def outcomes(
    rows: Iterable[Row],
    copies: Mapping[str, str],
    migrated: Mapping[str, str],
    session_ids: frozenset[str] = canon.SESSION_IDS,
) -> list[Outcome]:
    """One outcome for every row. A page with the bytes of a migrated one moved with it; a redirect of the old site
    ends where its target does, whatever session it was sent to."""
    rows = sorted(rows, key=lambda row: row.url)
    by_key = {_key(row.url, session_ids): row for row in rows} | {row.key: row for row in rows}
    moved_payloads = {
        row.payload_digest: migrated[row.url] for row in rows if row.url in migrated and row.payload_digest
    }

    def of(row: Row, asked: Row, seen: frozenset[str]) -> Outcome:
        to = migrated.get(row.url) or (
            moved_payloads.get(row.payload_digest or "") if row.state == "captured" else None
        )
        if to:
            return Moved(target_uri=asked.url, to=to)
        if row.state == "redirected" and row.redirect_to:
            target = by_key.get(_key(row.redirect_to, session_ids))
            if target is not None and target.key not in seen:
                found = of(target, asked, seen | {target.key})
                if not isinstance(found, Unresolved):
                    return found
        if row.url in copies:
            return Kept(target_uri=asked.url, to=copies[row.url])
        return Unresolved(target_uri=asked.url, reason=_why(row))

    return [of(row, row, frozenset({row.key})) for row in rows]


def moved(rows: Iterable[Row], migrated: Mapping[str, str], session_ids: frozenset[str]) -> dict[str, str]:
    """Target URI → URL of the page of ours that its text is now."""
    return {one.target_uri: one.to for one in outcomes(rows, {}, migrated, session_ids) if isinstance(one, Moved)}


def _key(url: str, session_ids: frozenset[str]) -> str:
    try:
        return canon.key(url, session_ids)
    except ValueError:
        return url


def _why(row: Row) -> str:
    if row.state == "captured":
        return "kept in the WARC only: scripts and styles have no page of their own"
    return {
        "excused": "the old site itself had nothing there",
        "excluded": "left out by decision",
        "queued": "not fetched yet",
    }.get(row.state, "it could not be fetched") + (f" ({row.cause})" if row.cause else "")
