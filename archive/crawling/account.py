"""The account of a capture: what became of the inventory, who named it, which rules left something out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, replace

from archive.crawling import traps
from archive.crawling.frontier import OUTCOMES, Frontier, Row
from archive.crawling.known import FAR, LIMIT, TRAP, Known
from archive.crawling.ledger import IN_PART
from archive.crawling.options import Options
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused, Severity

_TRAPS_NAMED = 50
_NUMBER = re.compile(r"\d+")
_KINDS = ("start", "sitemap", "robots", "probe", "list", "log", "former")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """URLs without end: `fetched` and `left_out` of the `pattern`, and one that was left out."""

    reason: str
    pattern: str
    fetched: int
    left_out: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`inventory`: captured, redirected, excluded, failed, excused, total; `sources`: how many URLs each kind of source
    names, `crawl` being links; `rules`: how many URLs each rule excluded; `hits`: requests in access logs by outcome.
    """

    inventory: dict[str, int]
    sources: dict[str, int]
    rules: dict[str, int]
    hits: dict[str, int]
    traps: tuple[Trap, ...]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def settle(capture: Capture, frontier: Frontier) -> Account:
    """Raises Refused when a URL of the inventory has no outcome: the sum must be the inventory."""
    counts = frontier.counts()
    left = counts["total"] - sum(counts[state] for state in OUTCOMES)
    if left:
        text = _("{number} URLs of the inventory have no outcome").format(number=left)
        remedy = _("run `archive resume {capture}`").format(capture=capture.id)
        raise Refused([_of_capture(capture, "capture-unaccounted", text, remedy, "error")])
    return Account(
        inventory=counts,
        sources=frontier.sources_by_kind(_KINDS, "crawl"),
        rules=_rules(frontier),
        hits=frontier.hits(),
        traps=_traps(frontier),
    )


def problems(capture: Capture, frontier: Frontier, known: Known, account: Account, options: Options) -> list[Problem]:
    """What an operator must look at: URLs without a whole answer, bounds that were reached."""
    found = [_failed(row) for row in frontier.rows("failed")]
    found += [_in_part(row) for row in frontier.rows("captured", cause=IN_PART)]
    limit = account.rules.get(LIMIT.strip(": "), 0) + known.beyond
    if limit:
        text = _("{limit} URLs beyond the limit of {most} were not fetched").format(limit=limit, most=options.max_urls)
        found.append(_of_capture(capture, "capture-limit-reached", text, _("raise --max-urls"), "error"))
    found += map(_trapped, account.traps[:_TRAPS_NAMED])
    if len(account.traps) > _TRAPS_NAMED:
        text = _("{number} more patterns look endless").format(number=len(account.traps) - _TRAPS_NAMED)
        found.append(_of_capture(capture, "capture-traps", text, _("look at `traps` of --json")))
    for host, number in sorted(known.outside.items()):
        text = _("{number} images, styles or files lie on {host}, which is not in the decision").format(
            number=number, host=host
        )
        remedy = _("add {host} to `hosts` if they belong to the site").format(host=host)
        found.append(_of_capture(capture, "capture-requisite-outside", text, remedy))
    return found


def _rules(frontier: Frontier) -> dict[str, int]:
    """A pattern of the decision by itself, everything else by its kind: robots.txt, host, scope, limit, trap."""
    rules: Counter[str] = Counter()
    for cause, number, _url in frontier.causes("excluded"):
        kind = cause.partition(":")[0]
        rules[cause if kind in ("decision", "robots.txt") else kind] += number
    return dict(sorted(rules.items()))


def _traps(frontier: Frontier) -> tuple[Trap, ...]:
    found = []
    for cause, number, url in frontier.causes("excluded"):
        if cause.startswith(TRAP):
            reason, group = traps.read(cause.removeprefix(TRAP))
            found.append(Trap(reason=reason, pattern=group, fetched=0, left_out=number, example=url))
    fetched: Counter[str] = Counter()
    groups = {trap.pattern for trap in found}
    for url in frontier.urls("captured", "redirected") if groups else ():
        fetched.update(group for group in groups if traps.holds(group, url))
    return tuple(replace(trap, fetched=fetched[trap.pattern]) for trap in found)


def _trapped(trap: Trap) -> Problem:
    return Problem(
        path=trap.example,
        code="capture-trap",
        severity="warning",
        message=_("{pattern}: {reason}; {fetched} were fetched, {left_out} left out").format(
            pattern=trap.pattern, reason=_said(trap.reason), fetched=trap.fetched, left_out=trap.left_out
        ),
        remedy=_("if these are real pages, raise --max-depth, or name them with --list")
        if trap.reason.endswith(FAR)
        else _("if these are real pages, name them with --list, or raise `budget` in the decision"),
    )


def _said(reason: str) -> str:
    """A trap's reason in the reader's language; `traps` and `known` write it with one number at most."""
    number = _NUMBER.search(reason)
    words = {
        "the URL is longer than # characters": _("the URL is longer than {number} characters"),
        "the same folders follow each other three times": _("the same folders follow each other three times"),
        "the same folder stands in the path more than # times": _(
            "the same folder stands in the path more than {number} times"
        ),
        "the same folders in more than # mixtures": _("the same folders in more than {number} mixtures"),
        "the same parameter is repeated three times": _("the same parameter is repeated three times"),
        "the same parameters in another order": _("the same parameters in another order"),
        "a calendar beyond the site's years": _("a calendar beyond the site's years"),
        "a calendar of more than # dates": _("a calendar of more than {number} dates"),
        "a calendar whose pages differ in nothing but numbers": _(
            "a calendar whose pages differ in nothing but numbers"
        ),
        "more than # URLs of one pattern": _("more than {number} URLs of one pattern"),
        "more than # links away from the start": _("more than {number} links away from the start"),
        "pages with the same text": _("pages with the same text"),
        "combinations of parameters that show nothing new": _("combinations of parameters that show nothing new"),
        "a parameter changes and the page does not": _("a parameter changes and the page does not"),
    }
    said = words.get(_NUMBER.sub("#", reason), reason)
    return said.format(number=number[0]) if number else said


def _failed(row: Row) -> Problem:
    return Problem(
        path=row.url,
        code="capture-url-failed",
        message=_("no whole answer: {cause} (found by {found_by})").format(
            cause=row.cause, found_by=row.sources or "start"
        ),
        remedy=_("capture again when the server answers, or name the URL under `excuse` with the reason"),
    )


def _of_capture(capture: Capture, code: str, text: str, remedy: str, severity: Severity = "warning") -> Problem:
    return Problem(path=capture.folder.as_posix(), code=code, severity=severity, message=text, remedy=remedy)


def _in_part(row: Row) -> Problem:
    return Problem(
        path=row.url,
        code="capture-read-in-part",
        severity="warning",
        message=_("stored whole, but only its beginning was searched for links: it is larger than any page"),
        remedy=_("look at it; name what it leads to as start URLs"),
    )
