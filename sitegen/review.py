"""三审 (第十九条(三)): whether a version may be published, decided from ledger entries alone.

A version is signed when three different people, each entitled to their stage in that column on that day, passed it in
the order edit, review, sign, all bound to its digest, with no rejection of it afterwards. Any other digest is another
version: an edit re-opens the review.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sitegen.clock import SHANGHAI
from sitegen.ledger import STAGES, Entry, Stage
from sitegen.records import Records
from sitegen.text import _

_STAGE_NUMBER = {stage: number for number, stage in enumerate(STAGES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A version all three stages passed; `entry` is the sign-off."""

    entry: Entry
    passes: tuple[Entry, Entry, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A version that is not signed: the next stage, and why earlier entries do not count."""

    next_stage: Stage
    passed: tuple[Entry, ...]
    rejected: Entry | None
    ignored: tuple[tuple[Entry, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsible:
    """What the rules need to know of a column: its path, its site and its signer (第十九条(三)3)."""

    column: str
    site: str
    signer: str


def status(entries: Iterable[Entry], digest: str, where: Responsible, records: Records) -> Signed | Open:
    """The standing of the version `digest` of one article; `entries` are that article's, in any order."""
    passed: list[Entry] = []
    ignored: list[tuple[Entry, str]] = []
    rejected: Entry | None = None
    for entry in sorted([e for e in entries if e.digest == digest], key=_order):
        reason = _why_not(entry, passed, where, records)
        if entry.verdict == "reject":
            if reason in (None, "order"):
                passed, rejected = [], entry
            else:
                ignored.append((entry, reason or ""))
        elif reason is None:
            passed.append(entry)
            rejected = None if len(passed) == 1 else rejected
        else:
            ignored.append((entry, reason))
    if len(passed) == len(STAGES):
        return Signed(entry=passed[2], passes=(passed[0], passed[1], passed[2]))
    return Open(next_stage=STAGES[len(passed)], passed=tuple(passed), rejected=rejected, ignored=tuple(ignored))


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.at, _STAGE_NUMBER[entry.stage]


def last_signed(entries: Sequence[Entry], where: Responsible, records: Records) -> Signed | None:
    """The newest version of an article that was ever signed and not rejected since."""
    versions = [status(entries, digest, where, records) for digest in {entry.digest for entry in entries}]
    signed = [version for version in versions if isinstance(version, Signed)]
    return max(signed, key=lambda version: (version.entry.at, version.entry.digest), default=None)


def _why_not(entry: Entry, passed: Sequence[Entry], where: Responsible, records: Records) -> str | None:
    """None when the entry counts; else one of the words that `explain` spells out."""
    stage, on = entry.stage, entry.at.astimezone(SHANGHAI).date()
    person = records.people.get(entry.person)
    if person is None:
        return "unknown-person"
    if not person.may(stage, where.column, where.site, on):
        return "not-entitled"
    if stage == "sign" and entry.person != where.signer and not person.is_deputy(where.column, where.site, on):
        return "not-the-signer"
    if entry.verdict == "pass" and entry.person in [earlier.person for earlier in passed]:
        return "same-person"
    if len(passed) != _STAGE_NUMBER[stage]:
        return "order"
    return None


def explain(reason: str) -> str:
    """Why an entry does not count, in the reader's language."""
    return {
        "unknown-person": _("the person is not in _records/people.yml"),
        "not-entitled": _("the person had no role for this stage in this column on that day"),
        "not-the-signer": _("only the column's signer or a recorded deputy signs off"),
        "same-person": _("the three stages need three different people"),
        "order": _("the stages go edit, review, sign"),
    }[reason]
