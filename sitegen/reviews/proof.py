"""Whether the entries of one article are what they say: by whom, where, after what; and whether one is missing.

Each entry names (`saw`) the digests of those entries of its article that nothing followed when it was written. That is a
directed graph, not a line: two branches of git each go on from what they know, `merge=union` puts their lines together,
and the next entry names both ends. The order of lines in a file means nothing; what is removed, changed or dated anew is
missed by whatever followed it. The last entry of an article is followed by nothing: its signature, git's history and
what `sitegen review verify` saw before stand for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol

from sitegen.clock import SHANGHAI
from sitegen.errors import Problem
from sitegen.ledger import STAGES, Entry, digest_of, message_of, stage_name
from sitegen.records import Person, Records
from sitegen.reviews import sshkey
from sitegen.text import _

Fault = Literal[
    "foreign",
    "removed",
    "redated",
    "unchained",
    "unseen",
    "unsigned",
    "bad-signature",
    "other-namespace",
    "stranger",
    "expired",
]
NAMESPACE = "sitegen-review"
NONE: Mapping[str, Fault] = {}


class Verified(Protocol):
    """Signatures that were verified before, by digest; a memory, never a source."""

    def __contains__(self, digest: object) -> bool: ...

    def add(self, digest: bytes) -> None: ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`signed_from`: verdicts from this day on need a signature; None: none does."""

    records: Records
    signed_from: date | None
    verified: Verified | None = None


def faults(entries: Sequence[Entry], terms: Terms) -> Mapping[str, Fault]:
    """Place of an entry → why it does not count; `entries`: all of one article in one column. Nothing is computed where
    nobody chains or signs."""
    if terms.signed_from is None and not any(entry.proof for entry in entries):
        return NONE
    messages = {entry.place: message_of(entry) for entry in entries}
    digests = {place: digest_of(message) for place, message in messages.items()}
    known = {digests[entry.place]: entry for entry in entries}
    named = {digest for entry in entries if entry.proof for digest in entry.proof.saw}
    chained = any(entry.proof for entry in entries)
    found: dict[str, Fault] = {}
    for entry in entries:
        fault = _of_chain(entry, known, chained and digests[entry.place] not in named)
        fault = fault or _of_signature(entry, messages[entry.place], terms)
        if fault is not None:
            found[entry.place] = fault
    return found


def _of_chain(entry: Entry, known: Mapping[str, Entry], followed_by_none: bool) -> Fault | None:
    proof = entry.proof
    if proof is None:
        return "unchained" if followed_by_none else None
    if proof.column != entry.ledger:
        return "foreign"
    if any(digest not in known for digest in proof.saw):
        return "removed"
    if any(known[digest].at > entry.at for digest in proof.saw):
        return "redated"
    if entry.verdict == "pass" and entry.stage != "edit" and not _follows_its_stage(entry, known):
        return "unseen"
    return None


def _follows_its_stage(entry: Entry, known: Mapping[str, Entry]) -> bool:
    """Whether the pass of the stage before, on the same version, is among what it follows, near or far."""
    before = STAGES[STAGES.index(entry.stage) - 1]
    waiting, met = [entry], {entry.place}
    while waiting:
        proof = waiting.pop().proof
        for other in [known[digest] for digest in (proof.saw if proof else ()) if digest in known]:
            if other.digest == entry.digest and other.stage == before and other.verdict == "pass":
                return True
            if other.place not in met:
                met.add(other.place)
                waiting.append(other)
    return False


def _of_signature(entry: Entry, message: bytes, terms: Terms) -> Fault | None:
    on = entry.at.astimezone(SHANGHAI).date()
    text = entry.proof.signature if entry.proof else ""
    if not text:
        return "unsigned" if terms.signed_from is not None and on >= terms.signed_from else None
    person = terms.records.people.get(entry.person)
    return (
        None if person is None else _of_key(text, message, person, on, terms.verified)
    )  # who it is, is told elsewhere


def _of_key(text: str, message: bytes, person: Person, on: date, verified: Verified | None) -> Fault | None:
    from sitegen.reviews import sshsig  # its library takes 60 ms to load, and most cities have no signature

    try:
        signature = sshsig.parse(text)
    except ValueError:
        return "bad-signature"
    if signature.namespace != NAMESPACE:
        return "other-namespace"
    keys = [key for key in person.keys if sshkey.blob_of(key.line) == signature.key]
    if not keys:
        return "stranger"
    if not any(key.holds(on) for key in keys):
        return "expired"
    name = sshsig.name_of(text, message)
    if verified is not None and name in verified:
        return None
    if not sshsig.verifies(signature, message):
        return "bad-signature"
    if verified is not None:
        verified.add(name)
    return None


def heads(entries: Sequence[Entry]) -> tuple[str, ...]:
    """What the next entry of the article names: everything that nothing follows yet."""
    digests = {digest_of(message_of(entry)) for entry in entries}
    return tuple(sorted(digests - {digest for entry in entries if entry.proof for digest in entry.proof.saw}))


def problem(entry: Entry, fault: Fault) -> Problem:
    """An error: somebody, or some tool, did what nobody may do to a ledger."""
    code, message, remedy = _told(entry, fault)
    place, _colon, line = entry.place.rpartition(":")
    return Problem(
        path=f"content/{place}",
        line=int(line),
        code=code,
        key=entry.article,
        message=message.format(person=entry.person, stage=stage_name(entry.stage)),
        remedy=remedy,
    )


def _told(entry: Entry, fault: Fault) -> tuple[str, str, str]:
    restore = _("restore the ledger from git (git log -p shows who changed it), or have the version reviewed again")
    again = _("have an entitled person give the verdict again; ledger lines are never deleted")
    match fault:
        case "foreign":
            message = _("the verdict of {person} at stage {stage} was given in another column")
            return "review-entry-foreign", message, again
        case "removed":
            message = _("the verdict of {person} at stage {stage} follows an entry that was removed or changed")
            return "review-entry-removed", message, restore
        case "redated":
            message = _("the verdict of {person} at stage {stage} is dated before one that it follows")
            return "review-entry-redated", message, restore
        case "unchained":
            message = _("nothing ties the verdict of {person} at stage {stage} to what came before it")
            return "review-entry-unchained", message, again
        case "unseen":
            message = _("the verdict of {person} at stage {stage} was given without the one of the stage before")
            return "review-entry-unseen", message, again
        case "unsigned":
            message = _("the verdict of {person} at stage {stage} is not signed, and the site requires signatures")
            return "review-signature-missing", message, again
        case "bad-signature":
            message = _("the signature under the verdict of {person} at stage {stage} is not for these words")
            return "review-signature-bad", message, restore
        case "other-namespace":
            message = _("the signature under the verdict of {person} at stage {stage} was made for another purpose")
            return "review-signature-namespace", message, again
        case "stranger":
            message = _("the verdict of {person} at stage {stage} is signed with a key that is not theirs")
            return "review-signature-stranger", message, again
    message = _("the verdict of {person} at stage {stage} is signed with a key that was not valid on that day")
    return "review-key-expired", message, again


def allowed_signers(people: Iterable[Person]) -> str:
    """The people's keys as `ssh-keygen -Y verify -f` reads them; a day of people.yml counts as a whole."""
    lines = []
    for person in people:
        for key in person.keys:
            options = [f'namespaces="{NAMESPACE}"']
            options += [f'valid-after="{key.since:%Y%m%d}"'] if key.since else []
            options += [f'valid-before="{key.until + timedelta(days=1):%Y%m%d}"'] if key.until else []
            lines.append(f"{person.id} {','.join(options)} {sshkey.line_of(sshkey.blob_of(key.line))}")
    return "".join(f"{line}\n" for line in lines)
