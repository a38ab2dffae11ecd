"""The ledger of old addresses: one row for every old URL, what it answers, who decided that, and how often it is asked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import unquote, urlsplit

from archive import canon, store, successor
from archive import decision as deciding
from archive.crawling.frontier import Frontier, Row
from archive.decision import Decision
from archive.publishing import names
from archive.redirection import relate
from archive.redirection.relate import Kept, Moved, Outcome, Relation
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused

Word = Literal["redirect", "archive", "gone", "unresolved"]
WORDS: tuple[Word, ...] = get_args(Word)
COLUMNS = ("old_url", "outcome", "target", "relation", "decided_by", "hits", "reason")
RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One old URL, both URLs absolute.

    redirect    its information is at `target`
    archive     its stamped copy answers, at `target`
    gone        nothing answers and nothing needs to: the old site had nothing there, or somebody decided so
    unresolved  nobody has decided yet; like `gone` it answers 410 with links to the archive and the new home

    `relation` says what the target is to it (migrated, copy, decided); `hits` are requests in the old access logs.
    """

    old_url: str
    outcome: Word
    target: str = ""
    relation: str = ""
    decided_by: str = RULE
    hits: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every address of a retired site, the most asked first. `catalogue` and `home` are what a 410 page links;
    `session_ids`: parameters of which the capture, or the decision, found that they name the visit only."""

    capture: str
    site: str
    name: str
    hosts: tuple[str, ...]
    catalogue: str
    home: str
    home_title: str
    addresses: tuple[Address, ...]
    session_ids: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def decision_file(content: Path, site: str) -> Path:
    """Where people decide about single addresses; rows of `archive redirects --format csv` can be pasted into it."""
    return content / "_archive" / f"{site}.redirects.csv"


def ledger(
    capture: Capture, decided: Decision, relation: Relation, *, content: Path, build: Path, site_url: str
) -> Ledger:
    """From the relation of old and present pages, the access logs, and what people decided.

    A decision that cannot be followed is a Problem of its line, and the rule's answer stands.
    """
    base = site_url.rstrip("/")
    with Frontier(capture.frontier, read_only=True) as inventory:
        rows = {row.url: row for row in inventory.rows()}
    places = successor.Places.read(content, decided)
    found = {one.target_uri: _ruled(one, rows.get(one.target_uri), base) for one in relation.outcomes}
    home = absolute(base, places.home.url or "/")
    allowed = {urlsplit(base).netloc, urlsplit(home).netloc}
    copies = {one.to for one in relation.outcomes if isinstance(one, Kept)}

    def exists(target: str) -> bool:
        parts = urlsplit(target)
        path = unquote(parts.path)
        return parts.netloc != urlsplit(base).netloc or path in copies or successor.is_live(build, path)

    people = _Decisions(path=decision_file(content, decided.site), hosts=decided.hosts, base=base, allowed=allowed)
    sessions = store.session_ids(store.read_manifest(capture))
    known = {_key(url, sessions): url for url in found}
    for address in people.read(exists):
        url = known.get(_key(address.old_url, sessions), address.old_url)
        found[url] = replace(address, old_url=url, hits=found[url].hits if url in found else 0)
    return Ledger(
        capture=capture.id,
        site=decided.site,
        name=decided.name or decided.site,
        hosts=decided.hosts,
        catalogue=absolute(base, f"/archive/{decided.site}/"),
        home=home,
        home_title=places.home.title or places.owner,
        addresses=tuple(in_order(settle(found.values()))),
        session_ids=sessions - canon.SESSION_IDS,
        problems=tuple(people.problems),
    )


def hits_of(row: Row | None) -> int:
    """Requests that the old site's access logs count, where any were imported."""
    return int(getattr(row, "hits", 0))


def in_order(addresses: Iterable[Address]) -> list[Address]:
    """The most asked first, so that people decide what matters."""
    return sorted(addresses, key=lambda one: (-one.hits, one.old_url))


def settle(addresses: Iterable[Address]) -> list[Address]:
    """No chain: what would lead to another old URL leads to where that one ends. No loop: what would lead in a
    circle, or to itself, is unresolved."""
    addresses = list(addresses)
    leads = {_key(one.old_url): one.target for one in addresses if one.target}
    settled = []
    for one in addresses:
        seen, target = {_key(one.old_url)}, one.target
        while target and (key := _key(target)) in leads and key not in seen:
            seen.add(key)
            target = leads[key]
        if target and _key(target) in seen | leads.keys():
            one = replace(one, outcome="unresolved", target="", relation="", reason="it would lead in a circle")
        settled.append(replace(one, target=target) if one.target else one)
    return settled


def _ruled(one: Outcome, row: Row | None, base: str) -> Address:
    to, asked = relate.to_of(one), hits_of(row)
    if to is not None:
        moved = isinstance(one, Moved)
        return Address(
            old_url=one.target_uri,
            outcome="redirect" if moved else "archive",
            target=absolute(base, to),
            relation="migrated" if moved else "copy",
            hits=asked,
        )
    nothing_to_show = row is not None and row.state in {"excused", "captured", "redirected"}
    return Address(
        old_url=one.target_uri,
        outcome="gone" if nothing_to_show else "unresolved",
        hits=asked,
        reason=relate.reason_of(one) or "",
    )


def absolute(base: str, url: str) -> str:
    """In ASCII, ready for a Location header. `base` without its last slash."""
    return (base if url.startswith("/") else "") + names.escaped(url)


def _key(url: str, session_ids: frozenset[str] = canon.SESSION_IDS) -> str:
    try:
        return canon.key(url, session_ids)
    except ValueError:
        return url


# --- the table as a file


def as_csv(addresses: Sequence[Address]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in addresses:
        writer.writerow([getattr(one, column) for column in COLUMNS])
    return out.getvalue()


def read_csv(path: Path) -> list[Address]:
    """The table as `as_csv` wrote it. Raises Refused when it is missing or is none."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
        return [
            Address(
                old_url=row["old_url"],
                outcome=_word(row["outcome"]),
                target=row["target"],
                relation=row["relation"],
                decided_by=row["decided_by"],
                hits=int(row["hits"]),
                reason=row["reason"],
            )
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise Refused(
            [
                Problem(
                    path=path.as_posix(),
                    code="redirects-unreadable",
                    message=_("the table of old addresses cannot be read: {error}").format(error=error),
                    remedy=_("run `archive retire {site}` again").format(site=path.parent.name),
                )
            ]
        ) from None


def _word(text: str) -> Word:
    for word in WORDS:
        if text == word:
            return word
    raise ValueError(f"{text} is none of {', '.join(WORDS)}")


# --- what people decide


@dataclass(slots=True, kw_only=True)
class _Decisions:
    """The file of decisions: columns old_url, outcome, target, decided_by, reason; others are passed over."""

    path: Path
    hosts: tuple[str, ...]
    base: str
    allowed: set[str]
    problems: list[Problem] = field(default_factory=list)

    def read(self, exists: Callable[[str], bool]) -> list[Address]:
        """What can be followed; `exists` says whether an absolute target of ours answers."""
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            self.refuse(1, "redirects-decision-unreadable", str(error), _("save the file as CSV in UTF-8"))
            return []
        reader = csv.DictReader(io.StringIO(text), restval="")
        if not {"old_url", "outcome"} <= set(reader.fieldnames or ()):
            message = _("the first line does not name the columns old_url and outcome")
            remedy = _("begin the file with: {line}").format(line="old_url,outcome,target,decided_by,reason")
            self.refuse(1, "redirects-decision-unreadable", message, remedy)
            return []
        found: dict[str, Address] = {}
        for row in reader:
            address = self._address({key: (value or "").strip() for key, value in row.items() if key}, reader.line_num)
            if address is None or not self._target_is_good(address, reader.line_num, exists):
                continue
            if _key(address.old_url) in found:
                message = _("{url} is decided twice").format(url=address.old_url)
                self.refuse(reader.line_num, "redirects-decision-invalid", message, _("keep one"))
                continue
            found[_key(address.old_url)] = address
        return list(found.values())

    def _address(self, row: dict[str, str], line: int) -> Address | None:
        try:
            outcome = _word(row["outcome"])
        except ValueError as error:
            self.refuse(line, "redirects-decision-invalid", str(error), _("write one of these words"))
            return None
        old_url, target, by = canon.resolve("", row["old_url"]) or "", row.get("target", ""), row.get("decided_by", "")
        if not old_url or not deciding.allows(self.hosts, old_url):
            message = _("“{url}” is on no host of the retired site").format(url=row["old_url"])
            self.refuse(line, "redirects-decision-invalid", message, _("write the whole old address"))
        elif not by or by == RULE:
            message, remedy = _("nobody stands for this decision"), _("name the person or office in decided_by")
            self.refuse(line, "redirects-decision-invalid", message, remedy)
        elif bool(target) is not (outcome in {"redirect", "archive"}):
            message = _("redirect and archive need a target, gone and unresolved have none")
            self.refuse(line, "redirects-decision-invalid", message, _("correct the outcome or the target"))
        else:
            relation = ("copy" if outcome == "archive" else "decided") if target else ""
            return Address(
                old_url=old_url,
                outcome=outcome,
                target=self._absolute(target),
                relation=relation,
                decided_by=by,
                reason=row.get("reason", ""),
            )
        return None

    def _absolute(self, target: str) -> str:
        return (canon.resolve(f"{self.base}/", target) or target) if target else ""

    def _target_is_good(self, address: Address, line: int, exists: Callable[[str], bool]) -> bool:
        """No open redirect, and none into nothing."""
        if not address.target:
            return True
        if (
            not address.target.startswith(("http://", "https://"))
            or urlsplit(address.target).netloc not in self.allowed
        ):
            message = _("{url} is not on an allowed host ({hosts})").format(
                url=address.target, hosts=", ".join(sorted(self.allowed))
            )
            self.refuse(
                line, "redirects-target-refused", message, _("lead to a page of the portal or of the successor")
            )
            return False
        if not exists(address.target):
            message = _("{url} does not answer in the live release").format(url=address.target)
            self.refuse(line, "redirects-target-missing", message, _("publish the page first, or lead elsewhere"))
            return False
        return True

    def refuse(self, line: int, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(path=self.path.as_posix(), line=line, code=code, message=message, remedy=remedy))
