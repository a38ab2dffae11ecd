"""Capturing a site: from its start pages to a finished capture in the store, resumable at every step."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from archive import canon
from archive import store as captures
from archive.crawling import account as accounts
from archive.crawling import browser as browsing
from archive.crawling import chromium, report, seeding
from archive.crawling.account import Account
from archive.crawling.crawl import Crawl
from archive.crawling.former import reading
from archive.crawling.frontier import Frontier, FrontierUnreadable, Row
from archive.crawling.ledger import UNCHANGED, Ledger
from archive.crawling.options import Options
from archive.crawling.scope import Scope
from archive.crawling.tally import Tally
from archive.decision import Decision
from archive.net import fetch
from archive.net.wire import StorageError
from archive.packing import merkle, pages
from archive.progress import Show
from archive.store import Capture
from archive.text import _
from archive.warcs import cdxj, warc
from sitegen.errors import Problem, Refused, in_order
from sitegen.files import sha256_file, write_atomic

__all__ = ["CaptureReport", "Options", "Scope", "capture", "manifest"]

DEFAULTS = Options()
_DIGESTED_AT_ONCE = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureReport:
    """DESIGN §8; `bytes` of the WARC files."""

    capture: Capture
    account: Account
    warc: tuple[str, ...]
    bytes: int
    seconds: float
    problems: tuple[Problem, ...]

    @property
    def inventory(self) -> dict[str, int]:
        """captured, redirected, excluded, failed, excused, total."""
        return self.account.inventory

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture.id,
            **self.account.as_json(),
            "warc": list(self.warc),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "problems": [problem.as_json() for problem in self.problems],
        }


def capture(
    decision: Decision,
    *,
    store: Path,
    now: datetime,
    start: Sequence[str] = (),
    progress: Show = lambda said: None,
    resume: Capture | None = None,
    scope: Scope | None = None,
    previous: Capture | None = None,
    options: Options = DEFAULTS,
    crash: Callable[[str], None] = lambda point: None,
) -> CaptureReport:
    """Capture what the decision allows, from `start` (default: the decision's). `now` is the machine's clock.

    The inventory is what the site's pages and sitemaps name, the lists and logs of decision and options, and what
    the capture before this one knew. An unfinished capture of the site is resumed, never left behind, with all it was
    given. `previous` defaults to the site's newest finished capture: what has not changed since becomes a revisit
    record. `crash` is called with the name of each point between two durable steps (tests kill the process there).

    Raises Refused when a start URL is outside the scope, when `resume` is finished already, or when the site
    gave no answer at all (the capture then stays unfinished).
    """
    began = time.monotonic()
    if options.browser == "always":
        chromium.demand()
    scope = scope or Scope(hosts=decision.hosts)
    given = _start_urls(decision, start, scope)
    with captures.only_one(store, decision.site), _room_on_disk(store, decision.site):
        chosen, former = _choose(store, decision.site, now, resume, previous)
        info = _warcinfo(decision, scope, chosen, options) | options.access.described
        with Frontier(chosen.frontier) as frontier, reading(former) as known:
            client = _client(decision, chosen, options, frontier)
            # A resumed capture goes on from where it was started, whatever the decision says by now.
            noted = frontier.setting("start")
            urls = frontier.remember("start", given if start or not noted else [])
            prefix = f"{chosen.site}-{chosen.timestamp}"
            writer = warc.Writer(chosen.folder / "archive", prefix, info, frontier.sizes(), options.roll_at)
            try:
                ledger = Ledger(
                    decision, chosen, known, frontier, writer, scope, options,
                    year=now.year, progress=progress, crash=crash,
                )  # fmt: skip
                bad = seeding.seed(ledger, frontier, decision, options, known)
                passes = browsing.BrowserPass(chosen, frontier, options.browser, urls)
                crawl = Crawl(
                    decision, chosen, ledger, client, connections=options.connections, crash=crash, browse=passes
                )
                _run(crawl, passes, urls, chosen)
                _refuse_nothing(chosen, frontier)
                ledger.excuse()
                writer.finish()
            finally:
                writer.abandon()
            crash("after-warc")
            digests = _Digests(chosen.warcs)
            account = accounts.settle(chosen, frontier)
            found = accounts.problems(chosen, frontier, ledger.known, account, options)
            problems = in_order(
                [*decision.warnings, *bad, *found, *browsing.problems(chosen, frontier, options.browser)]
            )
            session_ids = [*sorted(decision.terms.session_ids), *frontier.setting("session_ids")]
            outside = dict(sorted(ledger.known.outside.items()))
            counted, forms = _write_lists(chosen, frontier, urls), frontier.forms()
            _fold(chosen, frontier)
        crash("before-manifest")
        about = manifest(chosen, decision, scope, urls, session_ids, account.inventory, former, digests.of)
        captures.write_manifest(chosen, about | {"outside": outside})
        crash("after-manifest")
        report.write_counted(chosen, captures.read_manifest(chosen), counted, forms)
    return CaptureReport(
        capture=chosen,
        account=account,
        warc=tuple(path.name for path in chosen.warcs),
        bytes=sum(path.stat().st_size for path in chosen.warcs),
        seconds=time.monotonic() - began,
        problems=tuple(problems),
    )


def _client(decision: Decision, chosen: Capture, options: Options, frontier: Frontier) -> fetch.Client:
    return fetch.Client(
        connect_to=options.connect_to,
        allow_private=decision.allow_private,
        connections=options.connections,
        delay=options.delay,
        timeout=options.timeout,
        longest=options.longest,
        max_bytes=options.max_bytes,
        plain_tls=options.plain_tls,
        access=options.access,
        spool=chosen.folder,
        answered={urlsplit(url).hostname or "" for url in frontier.urls("captured", "redirected")},
        give_up=options.give_up,
    )


@contextmanager
def _room_on_disk(store: Path, site: str) -> Iterator[None]:
    """A full or failing disk ends the run; what was committed stands, and the capture goes on from there."""
    try:
        yield
    except (OSError, FrontierUnreadable, StorageError) as error:
        raise Refused(
            [
                Problem(
                    path=(store / site).as_posix(),
                    code="capture-disk",
                    message=_("what was fetched cannot be written to the disk ({error})").format(error=error),
                    remedy=_("make room, then run `archive resume {site}`: nothing that was stored is lost").format(
                        site=site
                    ),
                )
            ]
        ) from error


def _start_urls(decision: Decision, start: Sequence[str], scope: Scope) -> list[str]:
    urls = []
    problems = []
    for url in start or decision.start:
        absolute = canon.resolve(url, url)
        if absolute and scope.holds(absolute, "page"):
            urls.append(absolute)
            continue
        problems.append(
            Problem(
                path=url,
                code="capture-start-outside",
                message=_("the start URL is not on a host of the decision ({hosts})").format(
                    hosts=", ".join(scope.hosts)
                ),
                remedy=_("correct it, or add its HOST:PORT to `hosts` of {decision}").format(
                    decision=decision.path or _("the decision")
                ),
            )
        )
    if problems:
        raise Refused(problems)
    return urls


def _choose(
    store: Path, site: str, now: datetime, resume: Capture | None, previous: Capture | None
) -> tuple[Capture, Capture | None]:
    """The capture to work on, and the finished one before it."""
    if resume is not None and resume.finished:
        path, text = (
            resume.folder.as_posix(),
            _("{capture} is finished: nothing is left to resume").format(capture=resume.id),
        )
        remedy = _("run `archive capture` for a new one")
        raise Refused([Problem(path=path, code="capture-finished", message=text, remedy=remedy)])
    known = captures.captures(store, site)
    unfinished = [one for one in known if not one.finished]
    chosen = resume or (unfinished[-1] if unfinished else captures.new_capture(store, site, now))
    finished = [one for one in known if one.finished and one.timestamp < chosen.timestamp]
    return chosen, previous or (finished[-1] if finished else None)


def _refuse_nothing(chosen: Capture, frontier: Frontier) -> None:
    """A site that gave no answer at all is not captured: the capture stays open for the next try."""
    if any(row.warc is not None for row in chain(frontier.rows(), frontier.earlier())):
        return
    causes = sorted({f"{row.url}: {row.cause}" for row in frontier.rows("failed", "excluded")})[:5]
    raise Refused(
        [
            Problem(
                path=chosen.folder.as_posix(),
                code="capture-nothing",
                message=_("the site gave no answer ({causes})").format(causes="; ".join(causes)),
                remedy=_("check address, allow_private and robots, then run `archive resume {capture}`").format(
                    capture=chosen.id
                ),
            )
        ]
    )


def _run(crawl: Crawl, passes: browsing.BrowserPass, urls: Sequence[str], chosen: Capture) -> None:
    try:
        asyncio.run(_crawl(crawl, passes, urls))
    except fetch.ServerGoneError as error:
        text = _("the server answers no more ({error})").format(error=error)
        remedy = _(
            "run `archive resume {capture}` when it answers; what was fetched is kept, and `--give-up` ends the capture "
            "without the rest"
        ).format(capture=chosen.id)
        raise Refused(
            [Problem(path=chosen.folder.as_posix(), code="capture-server-gone", message=text, remedy=remedy)]
        ) from None


async def _crawl(crawl: Crawl, passes: browsing.BrowserPass, urls: Sequence[str]) -> None:
    try:
        await crawl.run(urls)
    finally:
        await passes.close()


def _fold(chosen: Capture, frontier: Frontier) -> None:
    try:
        frontier.fold()
    except FrontierUnreadable as error:
        path, text = chosen.frontier.as_posix(), _("the frontier cannot be closed: {error}").format(error=error)
        remedy = _("end what reads it, then run `archive resume {capture}`").format(capture=chosen.id)
        raise Refused([Problem(path=path, code="frontier-in-use", message=text, remedy=remedy)]) from None


def _warcinfo(decision: Decision, scope: Scope, chosen: Capture, options: Options) -> dict[str, str]:
    dialled = ", ".join(f"{to.host}:{to.port} at {to.address}:{to.to_port}" for to in options.connect_to)
    return {
        "software": f"{fetch.PRODUCT}/{_version('jiyuehua')} warcio/{_version('warcio')}",
        "format": "WARC file version 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "isPartOf": chosen.id,
        "description": f"{decision.name or decision.site}: {decision.reason or 'capture'}",
        "operator": decision.unit or "",
        **decision.as_fields(),
        "scope-hosts": " ".join(scope.hosts),
        "scope-prefixes": " ".join(scope.prefixes),
        "scope-exclude": " ".join(exclude.pattern.pattern for exclude in decision.exclude),
        "robots": decision.robots,
        "http-header-user-agent": fetch.USER_AGENT,
        "connect-to": dialled,
        "plain-tls": "https URLs were fetched in plain HTTP from the connect-to address" if options.plain_tls else "",
    }


class _Digests:
    """Digests of files that do not change any more, worked out by a thread while the rest is written: in large pieces,
    for between two of them it waits for its turn, and has others wait."""

    def __init__(self, paths: Sequence[Path]) -> None:
        aside = ThreadPoolExecutor(1, "digests")
        self._begun = {path: aside.submit(sha256_file, path, _DIGESTED_AT_ONCE) for path in paths}
        aside.shutdown(wait=False)

    def of(self, path: Path) -> str:
        begun = self._begun.get(path)
        return begun.result() if begun else sha256_file(path)


def _write_lists(chosen: Capture, frontier: Frontier, seeds: Sequence[str]) -> Tally:
    """The pages and the index; both, and the numbers of the report, come of one look at each row."""
    counted = Tally()
    index: list[cdxj.Entry] = []

    def rows() -> Iterator[Row]:
        for row in frontier.rows():
            counted.add(row)
            if row.warc is not None:
                index.append(_entry(row))
            yield row

    write_atomic(chosen.pages, b"".join(pages.lines(chosen, rows(), seeds)))
    index += [_entry(row) for row in frontier.earlier() if row.warc is not None]
    cdxj.write(chosen.index, index)
    return counted


def _entry(row: Row) -> cdxj.Entry:
    return cdxj.Entry(
        key=canon.surt(row.url),
        timestamp=cdxj.timestamp(row.captured_at or ""),
        url=row.url,
        mime="warc/revisit" if row.record_type == "revisit" else row.mime or "",
        status="" if row.cause == UNCHANGED else str(row.status),
        digest=row.payload_digest or "",
        length=row.length or 0,
        offset=row.offset or 0,
        filename=row.warc or "",
    )


def manifest(
    chosen: Capture,
    decision: Decision,
    scope: Scope,
    urls: Sequence[str],
    session_ids: Sequence[str],
    counts: Mapping[str, int],
    former: Capture | None,
    digest: Callable[[Path], str] = sha256_file,
) -> dict[str, object]:
    """FORMATS §3. Every file of the capture with its size and `digest`, sorted by path."""
    files = sorted(path for path in chosen.folder.rglob("*") if path.is_file() and path != chosen.manifest)
    return {
        "format": "capture/1",
        "site": chosen.site,
        "timestamp": chosen.timestamp,
        "started": datetime.strptime(chosen.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC).isoformat(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "scope": {
            "hosts": list(scope.hosts),
            "prefixes": list(scope.prefixes),
            "start": list(urls),
            "exclude": [{"pattern": e.pattern.pattern, "reason": e.reason} for e in decision.exclude],
            "excuse": [
                {"pattern": e.pattern.pattern, "by": e.by, "reason": e.reason, "date": e.date.isoformat()}
                for e in decision.terms.excuse
            ],
            "session_ids": list(session_ids),
            "robots": decision.robots,
            "allow_private": list(decision.allow_private),
        },
        "tools": {
            "archive": _version("jiyuehua"),
            "warcio": _version("warcio"),
            "lxml": _version("lxml"),
            "python": platform.python_version(),
        },
        "counts": dict(counts),
        "files": {
            path.relative_to(chosen.folder).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": digest(path),
            }
            for path in files
        },
        "merkle": merkle.describe(chosen.index),
        "previous": None if former is None else {"id": former.id, "sha256": captures.manifest_digest(former)},
        "archived_on": None,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0"
