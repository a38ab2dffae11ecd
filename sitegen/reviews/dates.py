"""Publication dates that cannot be true: earlier than the first sign-off, unproven for migrated texts, or an old text
posted again as new. `sitegen check` tells them; a build does not ask, because they decide nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sitegen import likeness
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem
from sitegen.ledger import Entry
from sitegen.rules import registry
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """One text that is shown. `migrated_from`: where it stood before, in an archive."""

    path: str
    date: datetime
    migrated_from: str
    words: str

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".md")


def pubdate_days(content: Path) -> float:
    return registry.number("pubdate_days", content)


def fresh_days(content: Path) -> float:
    return registry.number("reposted_days", content)


def before_sign_off(
    texts: Iterable[Dated], entries: Iterable[Entry], archived: Collection[str], may_wait: timedelta
) -> list[Problem]:
    """Texts of one column and its ledger; `archived`: every address that a published archive holds. A text that was
    public before says where: `migrated_from` (第十五条)."""
    first: dict[str, datetime] = {}
    for entry in entries:
        if entry.stage == "sign" and entry.verdict == "pass":
            first[entry.article] = min(entry.at, first.get(entry.article, entry.at))
    found: list[Problem] = []
    for text in texts:
        signed = first.get(text.id)
        if signed is None or text.date >= signed - may_wait:
            continue
        if not text.migrated_from:
            message = _("published {date}, but signed off first on {signed}").format(
                date=f"{text.date:%Y-%m-%d}", signed=f"{signed.astimezone(SHANGHAI):%Y-%m-%d}"
            )
            remedy = _("write the day on which it became public, or migrated_from for a text that was public before")
            found.append(_report("date-before-signoff", text, "date", message, remedy))
        elif text.migrated_from not in archived:
            message = _("no published archive holds {url}").format(url=text.migrated_from)
            remedy = _("write the address under which the archive holds it, or publish the archive")
            found.append(_report("date-unproven", text, "migrated_from", message, remedy))
    return found


def posted_again(texts: Sequence[Dated], now: datetime, fresh: timedelta) -> list[Problem]:
    """Texts younger than `fresh` that say almost what an older one says under another address. A pair is only compared whole when it
    shares one of its lowest pieces."""
    pieces = [likeness.pieces_of(text.words) for text in texts]
    holders: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(pieces):
        for anchor in likeness.anchors(found) if found is not None else ():
            holders[anchor].append(number)
    problems = []
    for number, text in enumerate(texts):
        mine = pieces[number]
        if mine is None or text.migrated_from or text.date < now - fresh:
            continue
        near = {other for anchor in likeness.anchors(mine) for other in holders[anchor]}
        earlier = [
            texts[other]
            for other in sorted(near)
            if texts[other].date < text.date
            and (theirs := pieces[other]) is not None
            and likeness.likeness(mine, theirs) >= likeness.SURE
        ]
        if earlier:
            oldest = min(earlier, key=lambda other: other.date)
            message = _("nearly the same text stands in {path} since {date}").format(
                path=f"content/{oldest.path}", date=f"{oldest.date:%Y-%m-%d}"
            )
            remedy = _("link to the earlier text, or say what is new")
            problems.append(_report("date-reposted", text, "date", message, remedy))
    return problems


def _report(code: str, text: Dated, key: str, message: str, remedy: str) -> Problem:
    return Problem(path=f"content/{text.path}", code=code, severity="warning", key=key, message=message, remedy=remedy)
