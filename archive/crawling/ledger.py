"""The ledger of a crawl: what was fetched goes into the WARC, what it leads to into the frontier,
together."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

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
from archive.discover import Link
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer whose record stands in the WARC."""

    arrived: Arrived
    exchange: Exchange
    looked: Looked
    target: str | None
    """Where it redirects to."""
    links: tuple[Link, ...]
    """What the body leads to, and the target."""
    measured: warc.Measured
    written: warc.Written
    original: Original | None


class Ledger:
    """All that a crawl writes down; used by one thread at a time (`barred` by any).

    What arrives is taken in by two steps: `store` compresses, hashes and appends, which lets go of the interpreter;
    `settle` works out what follows. Nobody else may call anything between the two, for what a commit promises of the
    WARC file must be settled.

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
        self._frontier, self._writer, self._unconditional = frontier, writer, options.unconditional
        self._progress, self._crash = progress, crash
        self.known = Known(decision, scope, options, frontier, year)
        self._asked_again: Counter[int] = Counter()
        self._outcomes: list[Row] = []
        self._originals: list[Original] = []
        self._scripted: list[Opened] = []
        self._forms: list[PostForm] = []
        self._learned: list[str] = []
        self._sent_back: list[str] = []
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
        return self._former is not None and not self._unconditional

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
                self._outcomes.append(replace(row, state="excused", cause=cause))
                if self.is_due():
                    self.commit()
        self.commit()

    def store(self, arrived: deque[Arrived]) -> list[Stored | Arrived]:
        """Append answers to the WARC, from the front of `arrived`, until a commit is due; at least one. What is no answer
        is handed on as it is."""
        stored: list[Stored | Arrived] = []
        try:
            while arrived and not (stored and self.is_due(len(stored))):
                one = arrived.popleft()
                if isinstance(one.answer, Exchange):
                    with one.answer.body:
                        stored.append(self._append(one, one.answer))
                    self._crash("after-append")
                else:
                    stored.append(one)
        except BaseException:  # when one cannot be written, the others are let go of, too
            for one in arrived:
                if isinstance(one.answer, Exchange):
                    one.answer.body.close()
            raise
        return stored

    def settle(self, stored: Iterable[Stored | Arrived]) -> None:
        """What became of some URLs, and what they lead to; both wait for the next commit."""
        for one in stored:
            if isinstance(one, Stored):
                self._done += 1
                self._settle_stored(one)
            elif isinstance(one.answer, FetchFailure):
                self._done += 1
                attempts = one.row.attempts + one.answer.attempts
                self._outcomes.append(replace(one.row, state="failed", cause=one.answer.cause, attempts=attempts))
            elif isinstance(one.answer, Excluded):
                self._outcomes.append(replace(one.row, state="excluded", cause=one.answer.cause))

    def newly_queued(self) -> set[str]:
        """The origins of which there is something new to fetch since the last time."""
        queued, self.known.queued = self.known.queued, set()
        return queued

    def _append(self, arrived: Arrived, exchange: Exchange) -> Stored:
        row, unchanged = arrived.row, arrived.unchanged
        measured = warc.measure(exchange)
        self._bytes += measured.size
        looked = arrived.looked or look.at(exchange)
        links = looked.found.links
        target = _location(exchange)
        if target and not exchange.truncated and not unchanged:
            links += (Link(url=target, kind="page" if row.kind == "page" else "requisite", source="location"),)
        if unchanged is not None:
            measured = replace(measured, payload_digest=unchanged.original.payload_digest)
        original = unchanged.original if unchanged else self._same_payload(row, exchange, measured)
        notes = [f"outlink: {link.url} {'L' if link.kind == 'page' else 'E'} {link.source}" for link in links]
        notes += (
            f"form: POST {form.action} {form.charset} {' '.join(map(quote, form.fields))}"
            for form in looked.found.forms
        )
        written = self._writer.write_exchange(exchange, measured, original, notes, unchanged=unchanged is not None)
        return Stored(
            arrived=arrived, exchange=exchange, looked=looked, target=target, links=links,
            measured=measured, written=written, original=original,
        )  # fmt: skip

    def _settle_stored(self, stored: Stored) -> None:
        row, exchange, unchanged = stored.arrived.row, stored.exchange, stored.arrived.unchanged
        found, measured, written = stored.looked.found, stored.measured, stored.written
        state, cause = ("captured", None) if unchanged else _outcome(exchange, stored.target)
        cause = cause if stored.looked.whole else IN_PART
        target = stored.target if state == "redirected" else None
        self._remember(stored)
        self._forms += (
            PostForm(action=form.action, charset=form.charset, fields=form.fields, page=row.url) for form in found.forms
        )
        if found.scripts:
            self._scripted.append(Opened(key=row.key, url=row.url, scripts=found.scripts, reason=found.suspicious))
        new = self.known.note(stored.links, row)
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
                redirect_to=target,
                attempts=row.attempts + exchange.attempts,
                title=found.title or None,
                charset=found.charset or None,
                captured_at=written.date,
                size=unchanged.before.size if unchanged else measured.size,
                seconds=exchange.seconds,
            )
        )
        if found.text and row.kind == "page" and (name := self.known.learn(row, found.text, found.links, new)):
            self._learned.append(name)
        if target and message.field(exchange.headers, "Set-Cookie"):
            self._sent_back.append(target)

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

    def _remember(self, stored: Stored) -> None:
        if not stored.exchange.truncated:
            known = stored.original or Original(
                payload_digest=stored.measured.payload_digest,
                target_uri=stored.exchange.url,
                date=stored.written.date,
                capture=self._capture.id,
                warc=stored.written.warc,
                offset=stored.written.offset,
            )
            self._originals.append(known)

    def _ask_again(self, target: str) -> None:
        """A redirect that sets a cookie and leads to where another one began: with the cookie the answer may be
        another. A URL is asked in four states of the cookies at most."""
        number = self.known.id_of(target)
        if number is None or self._asked_again[number] >= _COOKIE_STATES:
            return
        row = self._frontier.numbered(number)
        if row is not None and row.state == "redirected":
            self._asked_again[number] += 1
            self._frontier.ask_again(number)
            self.known.queued.add(origin_of(row.key))

    def probe_indexes(self) -> bool:
        """`/news/` and `/news/index.html` are one page under two addresses, and visitors have kept either:
        the index name that this site's links use most is asked for in each of its folders, too."""
        urls = self._frontier.urls("captured")
        names = Counter(name for url in urls if _INDEX.fullmatch(name := url.partition("?")[0].rpartition("/")[2]))
        before = self.known.number
        for name, _times in names.most_common(1):
            for url in self._frontier.urls("captured"):
                if url.endswith("/"):
                    self.probe(f"{url}{name}", "page", 1)
        return self.known.number > before

    def is_due(self, more: int = 0) -> bool:
        """Whether it is time for a commit, with so many outcomes `more`."""
        outcomes = len(self._outcomes) + more
        late = time.monotonic() - self._committed_at > _SECONDS_A_COMMIT
        enough = outcomes >= _OUTCOMES_A_COMMIT or self._bytes - self._committed_bytes >= _BYTES_A_COMMIT
        awaited = self._learned or self._sent_back
        return bool(outcomes and (enough or late or awaited)) or self._writer.full

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
        self._act_on_what_was_learned()
        self._writer.roll()
        self._crash("after-roll")

    def _act_on_what_was_learned(self) -> None:
        """Only now: what a parameter or a cookie shows may change rows whose outcomes have just been committed."""
        learned, self._learned = self._learned, []
        sent_back, self._sent_back = self._sent_back, []
        for name in dict.fromkeys(learned):
            # It is in no key from now on, nor after a crash.
            self._frontier.remember("session_ids", [name])
            self.known.take_for_session(name, self._frontier)
        for target in sent_back:
            self._ask_again(target)


def _outcome(exchange: Exchange, target: str | None) -> tuple[State, str | None]:
    if exchange.truncated:
        return "failed", f"truncated: {exchange.truncated}"
    if exchange.status in (404, 410):
        return "excused", f"HTTP {exchange.status}"
    if target:
        return "redirected", None
    if 200 <= exchange.status < 300 or exchange.status == 300:
        return "captured", None
    return "failed", f"HTTP {exchange.status} {message.printable(exchange.reason)}".strip()


def _location(exchange: Exchange) -> str | None:
    """Where a redirect leads; bytes beyond ASCII are sent back as they came."""
    if not 300 <= exchange.status < 400:
        return None
    said = message.field(exchange.headers, "Location")
    if said is None:
        return None
    plain = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in said)
    return canon.resolve(exchange.url, plain)
