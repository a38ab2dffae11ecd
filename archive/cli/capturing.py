"""The commands that capture a site, go on with it and capture it again: parse → one library call → report."""

from __future__ import annotations

import functools
import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from archive import cli, progress, store
from archive import decision as decisions
from archive.crawling import capture as capturing
from archive.crawling import inventory, recapture
from archive.crawling.options import Browser, Options
from archive.decision import Decision
from archive.net.access import Access, Login, parse_proxy, tls_context
from archive.net.fetch import parse_connect_to
from archive.store import Capture
from archive.text import _
from sitegen.errors import Problem, Refused


class _Size(click.ParamType[int]):
    """A number of bytes: `500000`, `500k`, `2G`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([1-9][0-9]{0,14})([kMG]?)", str(value))
        if found is None:
            self.fail(_("“{value}” is no size: write for example 500M").format(value=value), param, ctx)
        return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]]


_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    cli.make_option(
        "--connect-to",
        multiple=True,
        metavar="HOST:PORT:ADDR:PORT",
        help="Dial ADDR:PORT for HOST:PORT, as curl does; may be repeated.",
    ),
    cli.make_option(
        "--max-urls",
        type=click.IntRange(min=1),
        default=Options().max_urls,
        show_default=True,
        help="Bound of the inventory.",
    ),
    cli.make_option(
        "--connections",
        type=click.IntRange(1, 16),
        default=Options().connections,
        show_default=True,
        help="Connections to one host at a time: fewer for a weak server.",
    ),
    cli.make_option(
        "--delay",
        type=click.FloatRange(min=0),
        help="Seconds between two requests to a host. [default: 0.1, loopback 0]",
    ),
    cli.make_option(
        "--max-depth",
        type=click.IntRange(min=0),
        default=Options().max_depth,
        show_default=True,
        help="Links away from the start; the next page of the same list is no further.",
    ),
    cli.make_option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=Options().timeout,
        show_default=True,
        help="Seconds to wait for a server that sends nothing.",
    ),
    cli.make_option(
        "--max-time",
        type=click.FloatRange(min=0, min_open=True),
        default=Options().longest,
        show_default=True,
        help="Seconds that one answer may take in all; what came until then is stored and marked as cut.",
    ),
    cli.make_option(
        "--max-bytes",
        type=_Size(),
        default="2G",
        show_default=True,
        help="Size of one body, in bytes or with k, M, G behind it; a larger one is stored up to there and marked as cut.",
    ),
    cli.make_option(
        "--give-up",
        is_flag=True,
        help="End the capture without the rest when a server answers no more, instead of keeping it open.",
    ),
    cli.make_option("--proxy", metavar="URL", help="HTTP proxy, http://[USER:PASSWORD@]HOST:PORT."),
    cli.make_option("--ca", type=_FILE, help="Certificates (PEM) to trust instead of the system's."),
    cli.make_option("--cert", type=_FILE, help="Client certificate (PEM)."),
    cli.make_option("--key", type=_FILE, help="Key of the client certificate (PEM), if it is not in the same file."),
    cli.make_option(
        "--list",
        "lists",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="URLs that belong to the inventory: a text file, one a line, or a CSV with a `url` column; may be repeated.",
    ),
    cli.make_option(
        "--log",
        "logs",
        multiple=True,
        metavar="[HOST=]FILE",
        help="Access log (Common or Combined, .gz too) whose addresses belong to the inventory; may be repeated.",
    ),
    cli.make_option(
        "--browser",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Open pages that scripts build in Chromium: those that look so (auto), every page with scripts, none.",
    ),
)


def register(group: click.Group) -> None:
    """Add capture, resume and recapture."""
    for command in (capture_command, resume_command, recapture_command):
        group.add_command(command)


def capture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a site is captured; the command gets `options`, which makes the Options or raises PlatformError."""

    @functools.wraps(command)
    def with_options(
        connect_to: tuple[str, ...],
        max_urls: int,
        connections: int,
        delay: float | None,
        max_depth: int,
        timeout: float,
        max_time: float,
        max_bytes: int,
        give_up: bool,
        proxy: str | None,
        ca: Path | None,
        cert: Path | None,
        key: Path | None,
        lists: tuple[Path, ...],
        logs: tuple[str, ...],
        browser: Browser,
        **named: Any,
    ) -> Any:
        def options() -> Options:
            given = tuple(inventory.parse_log(text) for text in logs)
            inventory.refuse_missing("--list", lists)
            inventory.refuse_missing("--log", [log.path for log in given])
            return Options(
                max_urls=max_urls,
                connections=connections,
                delay=delay,
                max_depth=max_depth,
                timeout=timeout,
                longest=max_time,
                max_bytes=max_bytes,
                give_up=give_up,
                connect_to=tuple(parse_connect_to(text) for text in connect_to),
                access=_access(proxy, ca, cert, key),
                lists=lists,
                logs=given,
                browser=browser,
            )

        return command(options=options, **named)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), with_options)


def _access(proxy: str | None, ca: Path | None, cert: Path | None, key: Path | None) -> Access:
    """The login comes from ARCHIVE_USER and ARCHIVE_PASSWORD. Raises UsageError and Refused."""
    user = os.environ.get("ARCHIVE_USER")
    return Access(
        proxy=parse_proxy(proxy) if proxy else None,
        login=Login(user=user, password=os.environ.get("ARCHIVE_PASSWORD", "")) if user else None,
        tls=tls_context(ca, cert, key),
    )


@contextmanager
def stoppable(site: str, place: Path) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the capture in order; what was fetched is kept. Raises Refused (`capture-stopped`)."""
    # asyncio turns the first Ctrl-C into the cancellation of its main task; SIGTERM becomes one. A shell that starts it
    # with `&` has Ctrl-C ignored, and SIGTERM with it.
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.signal(signal.SIGTERM, lambda *_signal: signal.raise_signal(signal.SIGINT))
    try:
        yield
    except KeyboardInterrupt:
        message, remedy = _("the capture was stopped; what was fetched is kept"), _("run `archive resume {site}`")
        path = (place / site).as_posix()
        raise Refused(
            [Problem(path=path, code="capture-stopped", message=message, remedy=remedy.format(site=site))]
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _capture(
    decision: Decision,
    place: Path,
    options: Options,
    as_json: bool,
    *,
    start: Sequence[str] = (),
    resume: Capture | None = None,
) -> NoReturn:
    with stoppable(decision.site, place), progress.shown() as show:
        report = capturing.capture(
            decision,
            store=place,
            now=datetime.now(UTC),
            start=start,
            progress=show,
            resume=resume,
            options=options,
        )
    text = _("{capture}: {counts}; {bytes} bytes in {files} WARC files, {seconds} s").format(
        capture=report.capture.id,
        counts=cli.counted(report.inventory),
        bytes=report.bytes,
        files=len(report.warc),
        seconds=f"{report.seconds:.1f}",
    )
    cli.finish(report.as_json(), [text], report.problems, as_json)


@click.command("capture", cls=cli.Command)
@click.argument("url", required=False)
@cli.make_option("--site", required=True, help="Site ID; the decision is content/_archive/<site>.yml.")
@cli.make_option(
    "--fresh", is_flag=True, help="Do not ask for what only an earlier capture knew, and have every body sent again."
)
@capture_options
@cli.content_option
@cli.store_option
@cli.json_option
def capture_command(
    url: str | None,
    site: str,
    fresh: bool,
    options: Callable[[], Options],
    content: Path,
    place: Path,
    as_json: bool,
) -> None:
    """Capture the site at URL (default: `start` of the decision) as WARC.

    An unfinished capture of the site is continued. A site that asks for a login gets ARCHIVE_USER and
    ARCHIVE_PASSWORD of the environment; neither is recorded. Every URL gets an outcome: captured, redirected, excluded,
    failed or excused.
    The inventory is what pages and sitemaps name, every --list and --log, and what the capture
    before this one knew.

    \b
    Example: archive capture http://lyj.example.gov.cn/ --site lyj --connect-to lyj.example.gov.cn:80:127.0.0.1:8201
    """
    with cli.reporting(as_json):
        start = [url] if url else []
        _capture(
            decisions.load(content, site),
            place,
            replace(options(), fresh=fresh, unconditional=fresh),
            as_json,
            start=start,
        )


@click.command("resume", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@capture_options
@cli.content_option
@cli.store_option
@cli.json_option
def resume_command(capture_id: str, options: Callable[[], Options], content: Path, place: Path, as_json: bool) -> None:
    """Continue the unfinished capture ID (<site>/<timestamp>, or a site for its newest unfinished one).

    \b
    Example: archive resume lyj/20261122103000
    """
    with cli.reporting(as_json):
        found = store.open_unfinished(place, capture_id)
        _capture(decisions.load(content, found.site), place, options(), as_json, resume=found)


@click.command("recapture", cls=cli.Command)
@click.argument("site")
@cli.make_option(
    "--fresh",
    is_flag=True,
    help="Have every body sent again: a server that says “not modified” without looking is not believed.",
)
@capture_options
@cli.content_option
@cli.store_option
@cli.json_option
def recapture_command(
    site: str, fresh: bool, options: Callable[[], Options], content: Path, place: Path, as_json: bool
) -> None:
    """Capture SITE once more: what has changed since its newest capture is stored, the rest refers to that one.

    Whoever gave a tag or a date is asked only whether that is still so (304).

    \b
    Example: archive recapture lyj --json
    """
    with cli.reporting(as_json):
        with stoppable(site, place), progress.shown() as show:
            report = recapture.recapture(
                decisions.load(content, site),
                place=place,
                now=datetime.now(UTC),
                options=replace(options(), unconditional=fresh),
                progress=show,
            )
        counts = report.counts
        text = _(
            "{capture}: {new} new, {changed} changed, {gone} gone, {unanswered} unanswered, {same} the same since {previous}"
        ).format(capture=report.capture.capture.id, previous=report.previous.id, **counts)
        cli.finish(report.as_json(), [text], report.capture.problems, as_json)
