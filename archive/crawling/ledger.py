"""The ledger of a crawl: what was fetched goes into the WARC, what it leads to into the frontier,
together."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from archive import canon, message, terms
from archive.crawling import kept as keeping
from archive.crawling import look
from archive.crawling.former import Former
from archive.crawling.frontier import Frontier, Opened, Original, PostForm, Row, State
from archive.crawling.inventory import Named
from archive.crawling.kept import Kept
from archive.crawling.known import Known
from archive.crawling.look import Looked
from archive.crawling.options import Options
from archive.crawling.scope import Scope, origin_of
from archive.decision import Decision
from archive.discover import Found, Link
from archive.net.fetch import Exchange, FetchFailure
from archive.progress import Show, Standing
from archive.store import Capture
from archive.warcs import warc

IN_PART = "looked at in part"
UNCHANGED = "not modified"
"""Cause of what was captured as a 304: its record holds no status line."""
AT_A_TIME = 256
_OUTCOMES_A_COMMIT = 256
_BYTES_A_COMMIT = 4_000_000
_FOUND_A_COMMIT = 5_000
_SECONDS_A_COMMIT = 1.0
_INDEX = re.compile(r"(?:index|default)\.(?:s?html?|aspx?|jsp|php|do)", re.I)
# A URL may send back to itself until a cookie is set; so many times it is asked again.
_COOKIE_STATES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A URL that was not asked for, and the rule that says so."""

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What became of a URL; its body is looked into by the ledger unless it was `looked` into before."""

    row: Row
    answer: Exchange | FetchFailure | Excluded
    looked: Looked | None = None
    unchanged: Kept | None = None
    """What stands as it was, when that is the answer (304)."""


class Ledger:
    """All that a crawl writes down; used by one thread at a time (`barred` by any).

    A commit is at most 256 outcomes, 4 MB of bodies or a second away. What it promises — the outcomes, the URLs they led to,
    the size of the WARC file — is on the disk together or not at all.
    """

    def __init__(
        self,
        decision: Decision,
        capture: Capture,
        former: Former | None,
        frontier: Frontier,
        writer: warc.Writer,
        scope: Scope,
        options: Options,
        *,
        year: int,
        progress: Show,
        crash: Callable[[str], None],
    ) -> None:
        self._decision, self._capture, self._former = decision, capture, former
        self._frontier, self._writer, self._fresh = frontier, writer, options.fresh
        self._progress, self._crash = progress, crash
        self.known = Known(decision, scope, options, frontier, year)
        self._asked_again: Counter[int] = Counter()
        self._outcomes: list[Row] = []
        self._originals: list[Original] = []
        self._scripted: list[Opened] = []
        self._forms: list[PostForm] = []
        self._committed_at = time.monotonic()
        self._committed_bytes = 0
        self._done = 0
        self._bytes = 0

    def begin(self, start: Iterable[str]) -> None:
        """Put the start pages into the inventory; what gave no answer in a former run is asked for again."""
        self._frontier.requeue()
        urls = list(start)
        self.known.note([Link(url=url, kind="page", source="start") for url in urls], None)
        for origin in dict.fromkeys(map(origin_of, urls)):
            self.probe(f"{origin}/sitemap.xml", "sitemap", -1)
        self.commit()

    def seed(self, named: Iterable[Named]) -> None:
        """Put what something else than a page names into the inventory."""
        for one in named:
            self.known.name(one)
            if len(self.known.found) >= _FOUND_A_COMMIT:
                self.commit()
        self.commit()

    def probe(self, url: str, kind: str, priority: int) -> None:
        self.known.probe(url, kind, priority)

    def waiting(self) -> list[str]:
        """The origins of which there is something to fetch."""
        self.commit()
        return self._frontier.waiting()

    def next_rows(self, origins: Iterable[str], running: frozenset[str]) -> dict[str, list[Row]]:
        """What to fetch next of each origin, `AT_A_TIME` at most; `running` (keys) left out."""
        self.commit()
        return {origin: self._frontier.next_batch(origin, AT_A_TIME, running) for origin in origins}

    def row(self, url: str) -> Row | None:
        self.commit()
        number = self.known.id_of(url)
        return None if number is None else self._frontier.numbered(number)

    @property
    def knows_earlier(self) -> bool:
        """Whether an earlier capture may hold what has not changed since, and is to be asked."""
        return self._former is not None and not self._fresh

    def kept(self, row: Row) -> Kept | None:
        return None if self._former is None else keeping.of(self._former, self._capture.store, row)

    def barred(self, row: Row) -> str | None:
        """Why a URL that waits is not to be asked for any more."""
        return self.known.barred(row)

    def note(self, links: Iterable[Link], via: Row) -> None:
        """Add what a page showed in the browser."""
        self.known.note(links, via)
        self.commit()

    def size(self) -> int:
        """How many URLs the inventory holds."""
        return self.known.number

    def excuse(self) -> None:
        """What failed and the decision excuses by name is excused."""
        for row in list(self._frontier.rows("failed")):
            if cause := terms.excused(self._decision.terms.excuse, row):
                self._settle(replace(row, state="excused", cause=cause))
        self.commit()

    def take_all(self, arrived: Sequence[Arrived]) -> set[str]:
        """Write down what became of some URLs. The origins of which there is something new to fetch since the last time."""
        with ExitStack() as bodies:  # when one cannot be written, the others are let go of, too
            for one in arrived:
                if isinstance(one.answer, Exchange):
                    bodies.enter_context(one.answer.body)
            for one in arrived:
                self._take(one.row, one.answer, one)
        queued, self.known.queued = self.known.queued, set()
        return queued

    def _take(self, row: Row, answer: Exchange | FetchFailure | Excluded, arrived: Arrived) -> None:
        if isinstance(answer, Excluded):
            self._settle(replace(row, state="excluded", cause=answer.cause))
            return
        self._done += 1
        if isinstance(answer, FetchFailure):
            attempts = row.attempts + answer.attempts
            self._settle(replace(row, state="failed", cause=answer.cause, attempts=attempts))
            return
        with answer.body:
            self._store(row, answer, arrived.looked or look.at(answer), arrived.unchanged)
        self._crash("after-append")
        if self._commit_is_due():
            self.commit()

    def _store(self, row: Row, exchange: Exchange, looked: Looked, unchanged: Kept | None) -> None:
        """Append the exchange to the WARC; its outcome and the URLs it leads to wait for the next commit."""
        measured = warc.measure(exchange)
        self._bytes += measured.size
        state, cause = ("captured", None) if unchanged else _outcome(exchange)
        target = _location(exchange)
        found = looked.found
        cause = cause if looked.whole else IN_PART
        links = list(found.links)
        if state == "redirected" and target:
            links.append(Link(url=target, kind="page" if row.kind == "page" else "requisite", source="location"))
        if unchanged is not None:
            measured = replace(measured, payload_digest=unchanged.original.payload_digest)
        original = unchanged.original if unchanged else self._same_payload(row, exchange, measured)
        outlinks = [f"{link.url} {'L' if link.kind == 'page' else 'E'} {link.source}" for link in links]
        self._forms += (
            PostForm(action=form.action, charset=form.charset, fields=form.fields, page=row.url) for form in found.forms
        )
        forms = [f"form: POST {form.action} {form.charset} {' '.join(map(quote, form.fields))}" for form in found.forms]
        notes = [*(f"outlink: {link}" for link in outlinks), *forms]
        written = self._writer.write_exchange(exchange, measured, original, notes, unchanged=unchanged is not None)
        self._remember(exchange, measured, written, original)
        if found.scripts:
            self._scripted.append(Opened(key=row.key, url=row.url, scripts=found.scripts, reason=found.suspicious))
        new = self.known.note(links, row)
        self._outcomes.append(
            replace(
                row,
                state=state,
                cause=UNCHANGED if unchanged else cause,
                status=200 if unchanged else exchange.status,
                mime=unchanged.before.mime if unchanged else message.media_type(exchange.headers) or None,
                payload_digest=measured.payload_digest,
                warc=written.warc,
                offset=written.offset,
                length=written.length,
                record_type=written.type,
                redirect_to=target if state == "redirected" else None,
                attempts=row.attempts + exchange.attempts,
                title=found.title or None,
                charset=found.charset or None,
                captured_at=written.date,
                size=unchanged.before.size if unchanged else measured.size,
                seconds=exchange.seconds,
            )
        )
        # Only now: what these commit includes the outcome of the record that was written above.
        if found.text and row.kind == "page":
            self._learn(row, found, new)
        if state == "redirected" and target and message.field(exchange.headers, "Set-Cookie"):
            self._ask_again(target)

    def _same_payload(self, row: Row, exchange: Exchange, measured: warc.Measured) -> Original | None:
        """The response of a former capture that holds these bytes already.

        A site's first capture is whole in itself: it holds no revisit, whose digest FastWARC cannot verify.
        """
        if exchange.truncated or self._former is None:
            return None
        if not measured.size:
            # All empty bodies are alike: only the same URL's own is worth a reference.
            former = self._former.row(row.key)
            if former is None or former.payload_digest != measured.payload_digest or not former.captured_at:
                return None
        original = self._former.original(measured.payload_digest)
        if original is None or measured.size > look.READ_AT_MOST:
            return original
        return original if keeping.stands(self._capture.store, original) else None

    def _remember(
        self, exchange: Exchange, measured: warc.Measured, written: warc.Written, original: Original | None
    ) -> None:
        if exchange.truncated:
            return
        known = original or Original(
            payload_digest=measured.payload_digest,
            target_uri=exchange.url,
            date=written.date,
            capture=self._capture.id,
            warc=written.warc,
            offset=written.offset,
        )
        self._originals.append(known)

    def _learn(self, row: Row, found: Found, new: int) -> None:
        """A parameter that only names the visit is in no key from now on, nor after a crash."""
        name = self.known.learn(row, found.text, found.links, new)
        if name is not None:
            self.commit()
            self._frontier.remember("session_ids", [name])
            self.known.take_for_session(name, self._frontier)

    def _ask_again(self, target: str) -> None:
        """A redirect that sets a cookie and leads to where another one began: with the cookie the answer may be
        another. A URL is asked in four states of the cookies at most."""
        number = self.known.id_of(target)
        if number is None or self._asked_again[number] >= _COOKIE_STATES:
            return
        waiting = next((row for row in self._outcomes if row.id == number), None)
        row = waiting or self._frontier.numbered(number)
        if row is not None and row.state == "redirected":
            self._asked_again[number] += 1
            self.commit()
            self._frontier.ask_again(number)
            self.known.queued.add(origin_of(row.key))

    def probe_indexes(self) -> bool:
        """`/news/` and `/news/index.html` are one page under two addresses, and visitors have kept either:
        the index name that this site's links use most is asked for in each of its folders, too."""
        urls = self._frontier.urls("captured")
        names = Counter(name for url in urls if _INDEX.fullmatch(name := urlsplit(url).path.rpartition("/")[2]))
        before = self.known.number
        for name, _times in names.most_common(1):
            for url in self._frontier.urls("captured"):
                if url.endswith("/"):
                    self.probe(f"{url}{name}", "page", 1)
        return self.known.number > before

    def _settle(self, row: Row) -> None:
        self._outcomes.append(row)
        if self._commit_is_due():
            self.commit()

    def _commit_is_due(self) -> bool:
        late = time.monotonic() - self._committed_at > _SECONDS_A_COMMIT
        enough = len(self._outcomes) >= _OUTCOMES_A_COMMIT or self._bytes - self._committed_bytes >= _BYTES_A_COMMIT
        return enough or self._writer.full or (late and bool(self._outcomes))

    def commit(self) -> None:
        found, places, more, hits = self.known.drain()
        if not (self._outcomes or found or places or more or hits):
            return
        sizes = self._writer.sync()
        self._crash("after-sync")
        self._frontier.commit(
            self._outcomes, found, self._originals, sizes, places, more, hits, self._scripted, self._forms
        )
        self._crash("after-commit")
        self._progress(
            Standing(
                fetched=self._done,
                queued=self._frontier.queued(),
                known=self.known.number,
                bytes=self._bytes,
                url=self._outcomes[-1].url if self._outcomes else "",
            )
        )
        self._outcomes, self._originals, self._scripted, self._forms = [], [], [], []
        self._committed_at, self._committed_bytes = time.monotonic(), self._bytes
        self._writer.roll()
        self._crash("after-roll")


def _outcome(exchange: Exchange) -> tuple[State, str | None]:
    if exchange.truncated:
        return "failed", f"truncated: {exchange.truncated}"
    if exchange.status in (404, 410):
        return "excused", f"HTTP {exchange.status}"
    if 300 <= exchange.status < 400 and _location(exchange):
        return "redirected", None
    if 200 <= exchange.status < 300 or exchange.status == 300:
        return "captured", None
    return "failed", f"HTTP {exchange.status} {message.printable(exchange.reason)}".strip()


def _location(exchange: Exchange) -> str | None:
    """Where a redirect leads; bytes beyond ASCII are sent back as they came."""
    said = message.field(exchange.headers, "Location")
    if said is None or not 300 <= exchange.status < 400:
        return None
    plain = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in said)
    return canon.resolve(exchange.url, plain)
