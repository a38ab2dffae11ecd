"""The ledger of a crawl: what was fetched goes into the WARC, what it leads to into the frontier,
together."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from archive import canon, discover, message, traps, warc
from archive.decision import Decision, allows
from archive.discover import Link
from archive.fetch import Exchange, FetchFailure
from archive.frontier import Frontier, FrontierUnreadable, Original, Row, State
from archive.progress import Show, Standing
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused

# Discovery looks at documents; a film of a gigabyte has no links.
_READ_AT_MOST = 64 << 20
_OUTCOMES_A_COMMIT = 64
_SECONDS_A_COMMIT = 1.0
_INDEX = re.compile(r"(?:index|default)\.(?:s?html?|aspx?|jsp|php|do)", re.I)
_LIMIT = "limit"
_ENDLESS = "endless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What belongs to the site: `hosts` (`HOST` = ports 80 and 443, or `HOST:PORT`); with `prefixes`, pages
    must lie under one of these URL paths, while images, styles and files may lie anywhere on the hosts."""

    hosts: tuple[str, ...]
    prefixes: tuple[str, ...] = ()

    def holds(self, url: str, kind: str) -> bool:
        if not allows(self.hosts, url):
            return False
        return not self.prefixes or kind == "requisite" or urlsplit(url).path.startswith(self.prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Bounds of a capture. `delay` None: 0.1 s between requests to a host, none to loopback.

    `max_depth`: links away from the start, the next page of the same list not counted, for `pages_per_list`
    pages. `dates_per_calendar`: URLs that differ only in their dates asked for before they count as endless.
    """

    max_urls: int = 100_000
    max_depth: int = 30
    dates_per_calendar: int = 400
    pages_per_list: int = 2000
    connections: int = 4
    delay: float | None = None
    timeout: float = 30.0
    max_bytes: int = 2_000_000_000
    roll_at: int = 1_000_000_000
    session_ids: frozenset[str] = canon.SESSION_IDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What the capture before this one holds: digest by key, and each payload's original."""

    digests: dict[str, Row]
    originals: dict[str, Original]


def read_former(former: Capture | None) -> Former:
    """Raises Refused when the former capture's frontier cannot be read."""
    if former is None:
        return Former(digests={}, originals={})
    try:
        with Frontier(former.frontier, read_only=True) as frontier:
            return Former(
                digests={row.key: row for row in frontier.rows() if row.payload_digest},
                originals={original.payload_digest: original for original in frontier.originals()},
            )
    except FrontierUnreadable as error:
        raise Refused(
            [
                Problem(
                    path=former.frontier.as_posix(),
                    code="frontier-unreadable",
                    message=_("the former capture {capture} cannot be read: {error}").format(
                        capture=former.id, error=error
                    ),
                    remedy=_("restore it from its backup, or move its folder out of the store"),
                )
            ]
        ) from None


class Ledger:
    """All that a crawl remembers; used by one thread at a time.

    A commit is at most 64 outcomes or a second away. What it promises — the outcomes, the URLs they led to,
    the size of the WARC file — is on the disk together or not at all.
    """

    def __init__(
        self,
        decision: Decision,
        capture: Capture,
        former: Former,
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
        self._frontier, self._writer, self._scope = frontier, writer, scope
        self._options, self._year, self._progress, self._crash = options, year, progress, crash
        self._seen = frontier.keys()
        self._calendars = Counter(pattern for key in self._seen if (pattern := traps.calendar(key)))
        self._lists: Counter[str] = Counter()
        self._outcomes: list[Row] = []
        self._found: list[Row] = []
        self._originals: list[Original] = []
        self._outside: Counter[str] = Counter()
        self._committed_at = time.monotonic()
        self._done = 0
        self._bytes = 0

    def begin(self, start: Iterable[str]) -> None:
        """Put the start pages into the inventory; what gave no answer in a former run is asked for again."""
        self._frontier.requeue()
        urls = list(start)
        self._note([Link(url=url, kind="page", source="start") for url in urls], None)
        for origin in dict.fromkeys(map(origin_of, urls)):
            self.probe(f"{origin}/sitemap.xml", "sitemap", -1)
        self.commit()

    def next_rows(self, running: frozenset[str]) -> list[Row]:
        """What to fetch next; `running` (keys) left out."""
        self.commit()
        return self._frontier.next_batch(256, running)

    def row(self, url: str) -> Row | None:
        self.commit()
        return self._frontier.get(canon.key(url))

    def exclude(self, row: Row, cause: str) -> None:
        self._settle(replace(row, state="excluded", cause=cause))

    def take(self, row: Row, answer: Exchange | FetchFailure) -> None:
        """Write down what became of a URL."""
        self._done += 1
        if isinstance(answer, FetchFailure):
            attempts = row.attempts + answer.attempts
            self._settle(replace(row, state="failed", cause=answer.cause, attempts=attempts))
            return
        with answer.body:
            self._store(row, answer)
        self._crash("after-append")
        if self._commit_is_due():
            self.commit()

    def outside(self) -> dict[str, int]:
        """Hosts that are not in the decision, and how many images, styles and files lie there."""
        return dict(sorted(self._outside.items()))

    def problems(self) -> list[Problem]:
        """What an operator must look at: URLs without a whole answer, bounds that were reached."""
        found = [_failed(row) for row in self._frontier.rows("failed")]
        causes = Counter(row.cause or "" for row in self._frontier.rows("excluded"))
        limit, trapped = causes.pop(_LIMIT, 0), sum(n for c, n in causes.items() if c.startswith(_ENDLESS))
        if limit:
            text = _("{limit} URLs beyond the limit of {most} were not fetched").format(
                limit=limit, most=self._options.max_urls
            )
            found.append(_of_capture(self._capture, "capture-limit-reached", text, _("raise --max-urls"), "error"))
        if trapped:
            text = _("{trapped} URLs look endless and were not fetched").format(trapped=trapped)
            remedy = _("look at them in crawl.sqlite (state excluded); name real pages as start URLs")
            found.append(_of_capture(self._capture, "capture-trap", text, remedy))
        for host, number in sorted(self._outside.items()):
            text = _("{number} images, styles or files lie on {host}, which is not in the decision").format(
                number=number, host=host
            )
            remedy = _("add {host} to `hosts` if they belong to the site").format(host=host)
            found.append(_of_capture(self._capture, "capture-requisite-outside", text, remedy))
        return found

    def _store(self, row: Row, exchange: Exchange) -> None:
        """Append the exchange to the WARC; its outcome and the URLs it leads to wait for the next commit."""
        measured = warc.measure(exchange)
        self._bytes += measured.size
        state, cause = _outcome(exchange)
        target = _location(exchange)
        found = _look_into(exchange, measured.size) if state == "captured" else discover.Found()
        links = list(found.links)
        if state == "redirected" and target:
            links.append(Link(url=target, kind="page" if row.kind == "page" else "requisite", source="location"))
        original = self._same_payload(row, exchange, measured)
        outlinks = [f"{link.url} {'L' if link.kind == 'page' else 'E'} {link.source}" for link in links]
        written = self._writer.write_exchange(exchange, measured, original, outlinks)
        self._remember(exchange, measured, written, original)
        self._note(links, row)
        self._outcomes.append(
            replace(
                row,
                state=state,
                cause=cause,
                status=exchange.status,
                mime=message.media_type(exchange.headers) or None,
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
                size=measured.size,
            )
        )

    def _same_payload(self, row: Row, exchange: Exchange, measured: warc.Measured) -> Original | None:
        """The response of a former capture that holds these bytes already.

        A site's first capture is whole in itself: it holds no revisit, whose digest FastWARC cannot verify.
        """
        if exchange.truncated:
            return None
        if measured.size:
            return self._former.originals.get(measured.payload_digest)
        # All empty bodies are alike: only the same URL's own is worth a reference.
        former = self._former.digests.get(row.key)
        if former is None or former.payload_digest != measured.payload_digest or not former.captured_at:
            return None
        return self._former.originals.get(measured.payload_digest)

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

    def _note(self, links: Iterable[Link], via: Row | None) -> None:
        """Add to the inventory what belongs to the site and is not known yet."""
        for link in links:
            if not self._scope.holds(link.url, link.kind):
                if link.kind == "requisite" and not allows(self._scope.hosts, link.url):
                    self._outside[urlsplit(link.url).netloc] += 1
                continue
            key = canon.key(link.url, self._options.session_ids)
            if key in self._seen:
                continue
            self._seen.add(key)
            url = canon.strip_session(link.url, self._options.session_ids)
            depth = 0 if via is None else self._depth(url, via)
            source = link.source if via is None else f"{link.source} {via.url}"
            row = Row(key=key, url=url, depth=depth, kind=link.kind, sources=source)
            cause = self._excluded(url, depth)
            self._found.append(replace(row, state="excluded", cause=cause) if cause else row)

    def _depth(self, url: str, via: Row) -> int:
        """One more than the page that links here. The next page of the same list is no deeper, else a list of
        more than thirty pages would be cut; but a list cannot go on for ever, either."""
        pattern = traps.pattern(url)
        if pattern != traps.pattern(via.url) or self._lists[pattern] >= self._options.pages_per_list:
            return via.depth + 1
        self._lists[pattern] += 1
        return via.depth

    def _excluded(self, url: str, depth: int) -> str | None:
        for exclude in self._decision.exclude:
            if exclude.pattern.search(url):
                return f"decision: {exclude.reason}"
        if reason := traps.endless(url, self._year):
            return f"{_ENDLESS}: {reason}"
        if depth > self._options.max_depth:
            return f"{_ENDLESS}: {depth} links away from the start"
        if pattern := traps.calendar(url):
            self._calendars[pattern] += 1
            if self._calendars[pattern] > self._options.dates_per_calendar:
                return f"{_ENDLESS}: a calendar of more than {self._options.dates_per_calendar} dates"
        return _LIMIT if len(self._seen) > self._options.max_urls else None

    def probe(self, url: str, kind: str, priority: int) -> None:
        key = canon.key(url)
        if key not in self._seen and len(self._seen) <= self._options.max_urls:
            self._seen.add(key)
            self._found.append(Row(key=key, url=url, kind=kind, priority=priority, sources="probe"))

    def probe_indexes(self) -> bool:
        """`/news/` and `/news/index.html` are one page under two addresses, and visitors have kept either:
        the index name that this site's links use most is asked for in each of its folders, too."""
        rows = list(self._frontier.rows("captured"))
        names = Counter(name for row in rows if _INDEX.fullmatch(name := urlsplit(row.url).path.rpartition("/")[2]))
        known = len(self._seen)
        for row in rows:
            if row.url.endswith("/"):
                for name, _ in names.most_common(1):
                    self.probe(f"{row.url}{name}", "page", 1)
        return len(self._seen) > known

    def _settle(self, row: Row) -> None:
        self._outcomes.append(row)
        if self._commit_is_due():
            self.commit()

    def _commit_is_due(self) -> bool:
        late = time.monotonic() - self._committed_at > _SECONDS_A_COMMIT
        return len(self._outcomes) >= _OUTCOMES_A_COMMIT or (late and bool(self._outcomes))

    def commit(self) -> None:
        if not (self._outcomes or self._found):
            return
        sizes = self._writer.sync()
        self._crash("after-sync")
        self._frontier.commit(self._outcomes, self._found, self._originals, sizes)
        self._crash("after-commit")
        self._progress(
            Standing(
                fetched=self._done,
                queued=self._frontier.queued(),
                known=len(self._seen),
                bytes=self._bytes,
                url=self._outcomes[-1].url if self._outcomes else "",
            )
        )
        self._outcomes, self._found, self._originals = [], [], []
        self._committed_at = time.monotonic()
        self._writer.roll()
        self._crash("after-roll")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _outcome(exchange: Exchange) -> tuple[State, str | None]:
    if exchange.truncated:
        return "failed", f"truncated: {exchange.truncated}"
    if exchange.status in (404, 410):
        return "excused", f"HTTP {exchange.status}"
    if 300 <= exchange.status < 400 and _location(exchange):
        return "redirected", None
    if 200 <= exchange.status < 300 or exchange.status == 300:
        return "captured", None
    return "failed", f"HTTP {exchange.status} {exchange.reason}".strip()


def _location(exchange: Exchange) -> str | None:
    """Where a redirect leads; bytes beyond ASCII are sent back as they came."""
    said = message.field(exchange.headers, "Location")
    if said is None or not 300 <= exchange.status < 400:
        return None
    plain = "".join(c if c.isascii() else f"%{ord(c):02X}" for c in said)
    return canon.resolve(exchange.url, plain)


def _look_into(exchange: Exchange, size: int) -> discover.Found:
    if size > _READ_AT_MOST or message.media_type(exchange.headers).startswith(("video/", "audio/")):
        return discover.Found()
    exchange.body.seek(0)
    body = message.decode_body(exchange.body.read(), exchange.headers, _READ_AT_MOST)
    return discover.discover(exchange.url, exchange.headers, body)


def _failed(row: Row) -> Problem:
    return Problem(
        path=row.url,
        code="capture-url-failed",
        message=_("no whole answer: {cause} (found by {found_by})").format(
            cause=row.cause, found_by=row.sources or "start"
        ),
        remedy=_("capture again when the server answers, or name the URL under `exclude` with the reason"),
    )


def _of_capture(capture: Capture, code: str, text: str, remedy: str, severity: str = "warning") -> Problem:
    return Problem(
        path=capture.folder.as_posix(),
        code=code,
        severity="error" if severity == "error" else "warning",
        message=text,
        remedy=remedy,
    )
