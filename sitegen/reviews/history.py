"""`sitegen review log`: what happened to an article, told line by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sitegen.clock import SHANGHAI
from sitegen.ledger import Entry, stage_name
from sitegen.records import Records
from sitegen.reviews import proof
from sitegen.reviews.proof import Terms
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verdict. `version`: versions of the article counted from its first; `fault`: the code of what is wrong."""

    entry: Entry
    version: int
    fault: str

    def as_json(self) -> dict[str, object]:
        entry = self.entry
        return {
            "article": entry.article,
            "at": entry.at.isoformat(),
            "stage": entry.stage,
            "person": entry.person,
            "verdict": entry.verdict,
            "reason": entry.reason,
            "version": self.version,
            "digest": entry.digest,
            "signed": bool(entry.proof and entry.proof.signature),
            "problem": self.fault or None,
            "place": f"content/{entry.place}",
        }

    def words(self, records: Records) -> str:
        entry = self.entry
        person = records.people.get(entry.person)
        said = _("pass") if entry.verdict == "pass" else _("reject")
        line = _("{time}  version {version}  {stage}: {verdict}, {name} ({person})").format(
            time=f"{entry.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
            version=self.version,
            stage=stage_name(entry.stage),
            verdict=said,
            name=person.name if person else "?",
            person=entry.person,
        )
        line += f"  {_('signed')}" if entry.proof and entry.proof.signature else ""
        line += f"  {entry.reason}" if entry.reason else ""
        return line + (f"  !! {self.fault}" if self.fault else "")


def events(entries: Iterable[Entry], terms: Terms) -> list[Event]:
    """Of one article, the oldest first."""
    listed = sorted(entries, key=lambda entry: entry.at)
    faults = proof.faults(listed, terms)
    versions: dict[str, int] = {}
    return [
        Event(
            entry=entry,
            version=versions.setdefault(entry.digest, len(versions) + 1),
            fault=proof.problem(entry, faults[entry.place]).code if entry.place in faults else "",
        )
        for entry in listed
    ]
