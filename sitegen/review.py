"""三审 (第十九条(三)): whether a version may be published, decided from ledger entries alone.

A version is signed when three different people, each entitled to their stage in that column on that day, passed it in
the order edit, review, sign, all bound to its digest, and nobody entitled ever rejected it. Any other digest is another
version: an edit re-opens the review. A version that a later sign-off replaced passes all three stages again before it
comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sitegen.clock import SHANGHAI
from sitegen.ledger import STAGES, Entry, Stage
from sitegen.records import Person, Records
from sitegen.reviews import upstream
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
    superseded: Entry | None = None
    """The sign-off of another version, later than this one's: what was replaced does not come back by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsible:
    """What the rules need to know of a column: its path, its site and its signer (第十九条(三)3)."""

    column: str
    site: str
    signer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What the text of one version asks for beyond three verdicts. `author`: who wrote it reviews it not; `secrecy`: a
    reprint; `upstream`: it was pushed from another system and brings the reviews it passed there."""

    digest: str
    author: str
    secrecy: bool
    upstream: bool


@dataclass(slots=True)
class _Version:
    passed: list[Entry] = field(default_factory=list)
    ignored: list[tuple[Entry, str]] = field(default_factory=list)
    rejected: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one article: its column, the people, what its present text asks for, and the entries that do not
    count whatever they say (`faults`, place → why)."""

    where: Responsible
    records: Records
    demands: Demands | None = None
    faults: Mapping[str, str] = field(default_factory=dict)

    def status(self, entries: Iterable[Entry], digest: str) -> Signed | Open:
        """The standing of the version `digest`; `entries` are its article's, in any order."""
        versions, live = self._replay(entries)
        version = versions.get(digest) or _Version()
        passed, ignored = version.passed, tuple(version.ignored)
        if len(passed) < len(STAGES):
            return Open(
                next_stage=STAGES[len(passed)], passed=tuple(passed), rejected=version.rejected, ignored=ignored
            )
        if live[-1] != digest:
            newer = versions[live[-1]].passed[-1]
            return Open(next_stage=STAGES[0], passed=(), rejected=None, ignored=ignored, superseded=newer)
        return Signed(entry=passed[2], passes=(passed[0], passed[1], passed[2]))

    def last_signed(self, entries: Iterable[Entry]) -> Signed | None:
        """The newest version of an article that was signed and not rejected since."""
        versions, live = self._replay(entries)
        if not live:
            return None
        first, second, third = versions[live[-1]].passed
        return Signed(entry=third, passes=(first, second, third))

    def _replay(self, entries: Iterable[Entry]) -> tuple[dict[str, _Version], list[str]]:
        """The history, verdict by verdict: every version, and those that are signed, the newest sign-off last."""
        versions: dict[str, _Version] = {}
        live: list[str] = []
        for entry in sorted(entries, key=_order):
            digest = entry.digest
            version = versions.get(digest)
            if version is None:
                version = versions[digest] = _Version()
            elif _begins_again(entry, version) and live[-1] != digest:
                version.passed = []
                live.remove(digest)
            reason = self._why_not(entry, version)
            if entry.verdict == "reject":
                if reason in (None, "order"):
                    version.passed, version.rejected = [], entry
                    if digest in live:
                        live.remove(digest)
                else:
                    version.ignored.append((entry, reason or ""))
            elif reason is not None:
                version.ignored.append((entry, reason))
            else:
                version.passed.append(entry)
                if len(version.passed) == len(STAGES):
                    live.append(digest)
        return versions, live

    def _why_not(self, entry: Entry, version: _Version) -> str | None:
        """None when the entry counts; else one of the words that `explain` spells out."""
        if self.faults and entry.place in self.faults:
            return "fault"
        where, stage = self.where, entry.stage
        on = entry.at.astimezone(SHANGHAI).date()
        person = self.records.people.get(entry.person)
        if person is None:
            return "unknown-person"
        if not person.may(stage, where.column, where.site, on):
            return "not-entitled"
        if stage == "sign" and entry.person != where.signer and not person.is_deputy(where.column, where.site, on):
            return "not-the-signer"
        if entry.verdict == "pass":
            if version.rejected is not None:
                return "rejected-version"
            if entry.person in [earlier.person for earlier in version.passed]:
                return "same-person"
            if len(person.roles) > 1 and len(person.stages(where.column, where.site, on)) > 1:
                return "two-roles"
            if self.demands is not None and entry.digest == self.demands.digest:
                unmet = _unmet(entry, person, self.demands)
                if unmet is not None:
                    return unmet
        if len(version.passed) != _STAGE_NUMBER[stage]:
            return "order"
        return None


def _begins_again(entry: Entry, version: _Version) -> bool:
    """A version that was signed comes back and passes all stages again."""
    return len(version.passed) == len(STAGES) and entry.verdict == "pass" and entry.stage == STAGES[0]


def _unmet(entry: Entry, person: Person, demands: Demands) -> str | None:
    proof = entry.proof
    if entry.stage != "edit" and demands.author and demands.author == person.name:
        return "own-text"
    if entry.stage == "review" and demands.secrecy and not (proof and proof.secrecy):
        return "secrecy-missing"
    if entry.stage == "edit" and demands.upstream and not (proof and upstream.is_complete(proof.upstream, entry.at)):
        return "upstream-missing"
    return None


def _order(entry: Entry) -> tuple[datetime, int]:
    return entry.at, _STAGE_NUMBER[entry.stage]


def explain(reason: str) -> str:
    """Why an entry does not count, in the reader's language."""
    return {
        "unknown-person": _("the person is not in _records/people.yml"),
        "not-entitled": _("the person had no role for this stage in this column on that day"),
        "not-the-signer": _("only the column's signer or a recorded deputy signs off"),
        "same-person": _("the three stages need three different people"),
        "order": _("the stages go edit, review, sign"),
        "two-roles": _("the person has more than one role in this column, which nobody may have (第十九条(二))"),
        "rejected-version": _("this version was rejected; only a corrected one can pass"),
        "own-text": _("nobody reviews or signs their own text"),
        "secrecy-missing": _("a reprint needs the secrecy review: --secrecy (第十九条(三))"),
        "upstream-missing": _("a pushed text brings the three reviews it passed where it came from: --upstream"),
        "fault": _("it is told apart"),
    }[reason]
