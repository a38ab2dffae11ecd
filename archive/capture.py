"""Capturing a site: from its start pages to a finished capture in the store, resumable at every step."""

from __future__ import annotations

import asyncio
import json
import platform
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from archive import canon, cdxj, fetch, warc
from archive import store as captures
from archive.crawl import Crawl
from archive.decision import Decision
from archive.fetch import ConnectTo
from archive.frontier import Frontier, FrontierUnreadable, Row
from archive.ledger import Ledger, Options, Scope, read_former
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused, in_order
from sitegen.files import sha256_file, write_atomic

__all__ = ["CaptureReport", "Options", "Scope", "capture", "manifest", "write_pages"]

DEFAULTS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureReport:
    """DESIGN §8. `inventory`: captured, redirected, excluded, failed, excused, total; `bytes` of the WARC
    files."""

    capture: Capture
    inventory: dict[str, int]
    warc: tuple[str, ...]
    bytes: int
    seconds: float
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture.id,
            "inventory": self.inventory,
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
    connect_to: Sequence[ConnectTo] = (),
    progress: Callable[[str], None] = lambda line: None,
    resume: Capture | None = None,
    plain_tls: bool = False,
    scope: Scope | None = None,
    previous: Capture | None = None,
    options: Options = DEFAULTS,
    crash: Callable[[str], None] = lambda point: None,
) -> CaptureReport:
    """Capture what the decision allows, from `start` (default: the decision's). `now` is the machine's clock.

    An unfinished capture of the site is resumed, never left behind. `previous` defaults to the site's newest
    finished capture: what has not changed since becomes a revisit record. `plain_tls`: https URLs are
    fetched in plain HTTP from their connect-to address (our own release over loopback). `crash` is called
    with the name of each point between two durable steps (tests kill the process there).

    Raises Refused when a start URL is outside the scope, when `resume` is finished already, or when the site
    gave no answer at all (the capture then stays unfinished).
    """
    began = time.monotonic()
    scope = scope or Scope(hosts=decision.hosts)
    given = _start_urls(decision, start, scope)
    with captures.only_one(store, decision.site):
        chosen, former = _choose(store, decision.site, now, resume, previous)
        known = read_former(former)
        client = fetch.Client(
            connect_to=connect_to,
            allow_private=decision.allow_private,
            connections=options.connections,
            delay=options.delay,
            timeout=options.timeout,
            max_bytes=options.max_bytes,
            plain_tls=plain_tls,
        )
        info = _warcinfo(decision, chosen, connect_to, plain_tls)
        with Frontier(chosen.frontier) as frontier:
            # A resumed capture goes on from where it was started, whatever the decision says by now.
            noted = [row.url for row in frontier.rows() if row.sources == "start"]
            urls = list(dict.fromkeys([*noted, *(given if start or not noted else [])]))
            prefix = f"{chosen.site}-{chosen.timestamp}"
            writer = warc.Writer(chosen.folder / "archive", prefix, info, frontier.sizes(), options.roll_at)
            try:
                ledger = Ledger(
                    decision, chosen, known, frontier, writer, scope, options,
                    year=now.year, progress=progress, crash=crash,
                )  # fmt: skip
                crawl = Crawl(decision, chosen, ledger, client, connections=options.connections, crash=crash)
                asyncio.run(crawl.run(urls))
                _refuse_nothing(chosen, frontier)
                writer.finish()
            finally:
                writer.abandon()
            crash("after-warc")
            problems = in_order([*decision.warnings, *ledger.problems()])
            counts = frontier.counts()
            write_pages(chosen, frontier)
            cdxj.write(chosen.index, map(_entry, _stored(frontier)))
            _fold(chosen, frontier)
        crash("before-manifest")
        captures.write_manifest(chosen, manifest(chosen, decision, scope, urls, counts, former))
        crash("after-manifest")
    return CaptureReport(
        capture=chosen,
        inventory=counts,
        warc=tuple(path.name for path in chosen.warcs),
        bytes=sum(path.stat().st_size for path in chosen.warcs),
        seconds=time.monotonic() - began,
        problems=tuple(problems),
    )


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
    if any(True for _ in _stored(frontier)):
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


def _fold(chosen: Capture, frontier: Frontier) -> None:
    try:
        frontier.fold()
    except FrontierUnreadable as error:
        path, text = chosen.frontier.as_posix(), _("the frontier cannot be closed: {error}").format(error=error)
        remedy = _("end what reads it, then run `archive resume {capture}`").format(capture=chosen.id)
        raise Refused([Problem(path=path, code="frontier-in-use", message=text, remedy=remedy)]) from None


def _warcinfo(decision: Decision, chosen: Capture, connect_to: Sequence[ConnectTo], plain_tls: bool) -> dict[str, str]:
    dialled = ", ".join(f"{to.host}:{to.port} at {to.address}:{to.to_port}" for to in connect_to)
    return {
        "software": f"{fetch.PRODUCT}/{_version('jiyuehua')} warcio/{_version('warcio')}",
        "format": "WARC file version 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "isPartOf": chosen.id,
        "description": f"{decision.name or decision.site}: {decision.reason or 'capture'}",
        "operator": decision.unit or "",
        "robots": decision.robots,
        "http-header-user-agent": fetch.USER_AGENT,
        "connect-to": dialled,
        "plain-tls": "https URLs were fetched in plain HTTP from the connect-to address" if plain_tls else "",
    }


def _stored(frontier: Frontier) -> Iterator[Row]:
    return (row for row in frontier.rows() if row.warc is not None)


def _entry(row: Row) -> cdxj.Entry:
    date = datetime.fromisoformat(row.captured_at or "")
    return cdxj.Entry(
        key=canon.surt(row.url),
        timestamp=date.strftime("%Y%m%d%H%M%S"),
        url=row.url,
        mime="warc/revisit" if row.record_type == "revisit" else row.mime or "",
        status=str(row.status),
        digest=row.payload_digest or "",
        length=row.length or 0,
        offset=row.offset or 0,
        filename=row.warc or "",
    )


def write_pages(chosen: Capture, frontier: Frontier) -> None:
    """WACZ `pages.jsonl`: a header line, then every captured HTML page."""
    lines: list[dict[str, str]] = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}]
    for row in frontier.rows("captured"):
        if "html" in (row.mime or ""):
            page_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{chosen.id} {row.url}"))
            title = row.title or row.url
            lines.append({"id": page_id, "url": row.url, "title": title, "ts": row.captured_at or ""})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_atomic(chosen.pages, text.encode())


def manifest(
    chosen: Capture,
    decision: Decision,
    scope: Scope,
    urls: Sequence[str],
    counts: dict[str, int],
    former: Capture | None,
) -> dict[str, object]:
    """FORMATS §3. Every file of the capture with its size and digest, sorted by path."""
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
            "robots": decision.robots,
            "allow_private": list(decision.allow_private),
        },
        "tools": {
            "archive": _version("jiyuehua"),
            "warcio": _version("warcio"),
            "lxml": _version("lxml"),
            "python": platform.python_version(),
        },
        "counts": counts,
        "files": {
            path.relative_to(chosen.folder).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": sha256_file(path),
            }
            for path in files
        },
        "previous": None if former is None else {"id": former.id, "sha256": captures.manifest_digest(former)},
        "archived_on": None,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0"
