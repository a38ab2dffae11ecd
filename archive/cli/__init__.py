"""The command line `archive`: each command is parse → one library call → report."""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from archive import decision as decisions
from archive import progress, store
from archive.crawling import browser as browsing
from archive.crawling import capture as capturing
from archive.crawling import inventory
from archive.crawling.ledger import Options
from archive.decision import Decision
from archive.net import fetch
from archive.net.access import Access, Login, parse_proxy, tls_context
from archive.store import Capture
from archive.text import _
from sitegen import report as reports
from sitegen.errors import PlatformError, Problem, Refused, UsageError, has_errors, in_order


class Command(reports.Command):
    translate = staticmethod(_)


class Group(reports.Group):
    translate = staticmethod(_)
    command_class = Command


class Option(reports.Option):
    translate = staticmethod(_)


_FILE = click.Path(path_type=Path, dir_okay=False)
make_option = functools.partial(click.option, cls=Option)
content_option = make_option(
    "--content",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("content"),
    show_default=True,
    help="Folder of the sources, with `_archive/<site>.yml`.",
)
store_option = make_option(
    "--store",
    "place",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/archive"),
    show_default=True,
    help="Folder of the captures.",
)
json_option = make_option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
connect_option = make_option(
    "--connect-to",
    "connect_to",
    multiple=True,
    metavar="HOST:PORT:ADDR:PORT",
    help="Dial ADDR:PORT for HOST:PORT, as curl does; may be repeated.",
)
max_urls_option = make_option(
    "--max-urls",
    type=click.IntRange(min=1),
    default=Options().max_urls,
    show_default=True,
    help="Bound of the inventory.",
)
delay_option = make_option(
    "--delay",
    type=click.FloatRange(min=0),
    help="Seconds between two requests to a host. [default: 0.1, loopback 0]",
)

list_option = make_option(
    "--list",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="URLs that belong to the inventory: a text file, one a line, or a CSV with a `url` column; may be repeated.",
)
log_option = make_option(
    "--log",
    "logs",
    multiple=True,
    metavar="[HOST=]FILE",
    help="Access log (Common or Combined, .gz too) whose addresses belong to the inventory; may be repeated.",
)


_ACCESS_OPTIONS = (
    make_option("--proxy", metavar="URL", help="HTTP proxy, http://[USER:PASSWORD@]HOST:PORT."),
    make_option("--ca", type=_FILE, help="Certificates (PEM) to trust instead of the system's."),
    make_option("--cert", type=_FILE, help="Client certificate (PEM)."),
    make_option("--key", type=_FILE, help="Key of the client certificate (PEM), if it is not in the same file."),
)


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a site is reached; the command gets `access`, which makes an Access or raises PlatformError."""

    @functools.wraps(command)
    def with_access(proxy: str | None, ca: Path | None, cert: Path | None, key: Path | None, **named: Any) -> Any:
        return command(access=functools.partial(_access, proxy, ca, cert, key), **named)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_ACCESS_OPTIONS), with_access)


def _access(proxy: str | None, ca: Path | None, cert: Path | None, key: Path | None) -> Access:
    """The login comes from ARCHIVE_USER and ARCHIVE_PASSWORD. Raises UsageError and Refused."""
    user = os.environ.get("ARCHIVE_USER")
    return Access(
        proxy=parse_proxy(proxy) if proxy else None,
        login=Login(user=user, password=os.environ.get("ARCHIVE_PASSWORD", "")) if user else None,
        tls=tls_context(ca, cert, key),
    )


browser_option = make_option(
    "--browser",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Open pages that scripts build in Chromium: those that look so (auto), every page with scripts, none.",
)


def print_problems(problems: Sequence[Problem]) -> None:
    """`path:line: code: message` and the remedy below it, on stderr."""
    for problem in problems:
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        key = f" [{problem.key}]" if problem.key else ""
        level = f"{_('warning')}: " if problem.severity == "warning" else ""
        click.echo(f"{place}: {level}{problem.code}{key}: {problem.message}", err=True)
        click.echo(f"    → {problem.remedy}", err=True)


def finish(report: Mapping[str, object], lines: Sequence[str], problems: Sequence[Problem], as_json: bool) -> NoReturn:
    """Data on stdout, Problems on stderr, exit 0 or 1."""
    print_problems(problems)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        click.echo("\n".join(lines))
    sys.exit(1 if has_errors(problems) else 0)


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """What stopped the command: its Problems, exit 1, or 2 when it was typed wrong."""
    try:
        yield
    except PlatformError as error:
        problems = in_order(error.problems)
        print_problems(problems)
        if as_json:
            click.echo(json.dumps({"problems": [p.as_json() for p in problems]}, ensure_ascii=False, indent=1))
        sys.exit(2 if isinstance(error, UsageError) else 1)


def counted(counts: Mapping[str, int]) -> str:
    """`12 captured, 3 failed`, in the reader's language; JSON keeps the words as they are."""
    words = {
        "captured": _("captured"),
        "redirected": _("redirected"),
        "excluded": _("excluded"),
        "failed": _("failed"),
        "excused": _("excused"),
        "total": _("total"),
        "pages": _("pages"),
        "images": _("images"),
        "files": _("files"),
        "stamped": _("stamped"),
        "redirect": _("lead to a migrated page"),
        "archive": _("lead to their copy"),
        "unresolved": _("lead nowhere"),
    }
    one = _("{number} {what}")
    return _(", ").join(one.format(number=number, what=words.get(what, what)) for what, number in counts.items())


@contextmanager
def stoppable(site: str, place: Path) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the capture in order; what was fetched is kept. Raises Refused (`capture-stopped`)."""
    # asyncio turns the first Ctrl-C into the cancellation of its main task; SIGTERM becomes one.
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


def progress_line() -> progress.Show:
    """On a terminal one line that is written over, elsewhere a plain line every five seconds."""
    terminal = sys.stderr.isatty()
    last = -5.0

    def show(said: str | progress.Standing) -> None:
        nonlocal last
        line = str(said)
        if terminal:
            click.echo(f"\r\033[K{line[:100]}", err=True, nl=False)
        elif time.monotonic() - last >= 5:
            last = time.monotonic()
            click.echo(line, err=True)

    return show


def _capture(
    decision: Decision,
    start: Sequence[str],
    connect_to: Sequence[str],
    place: Path,
    options: Options,
    access: Access,
    browser: browsing.Mode,
    lists: Sequence[Path],
    logs: Sequence[str],
    as_json: bool,
    *,
    resume: Capture | None = None,
    fresh: bool = False,
) -> NoReturn:
    given = [inventory.parse_log(text) for text in logs]
    inventory.refuse_missing("--list", lists)
    inventory.refuse_missing("--log", [log.path for log in given])
    with stoppable(decision.site, place), progress.shown(sys.stderr) as show:
        report = capturing.capture(
            decision,
            store=place,
            now=datetime.now(UTC),
            start=start,
            connect_to=[fetch.parse_connect_to(text) for text in connect_to],
            progress=show,
            resume=resume,
            options=options,
            access=access,
            lists=lists,
            logs=given,
            fresh=fresh,
            browser=browser,
        )
    text = _("{capture}: {counts}; {bytes} bytes in {files} WARC files, {seconds} s").format(
        capture=report.capture.id,
        counts=counted(report.inventory),
        bytes=report.bytes,
        files=len(report.warc),
        seconds=f"{report.seconds:.1f}",
    )
    finish(report.as_json(), [text], report.problems, as_json)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Archive a retiring website: capture it, prove the capture, publish it under its stamp.

    \b
    archive capture http://lyj.example.gov.cn/ --site lyj
    archive verify lyj
    """


@main.command("capture")
@click.argument("url", required=False)
@make_option("--site", required=True, help="Site ID; the decision is content/_archive/<site>.yml.")
@connect_option
@max_urls_option
@delay_option
@access_options
@list_option
@log_option
@make_option("--fresh", is_flag=True, help="Do not ask for what only an earlier capture knew.")
@browser_option
@content_option
@store_option
@json_option
def capture_command(
    url: str | None,
    site: str,
    connect_to: tuple[str, ...],
    max_urls: int,
    delay: float | None,
    access: Callable[[], Access],
    lists: tuple[Path, ...],
    logs: tuple[str, ...],
    fresh: bool,
    browser: browsing.Mode,
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
    options = Options(max_urls=max_urls, delay=delay)
    with reporting(as_json):
        start = [url] if url else []
        decision = decisions.load(content, site)
        _capture(decision, start, connect_to, place, options, access(), browser, lists, logs, as_json, fresh=fresh)


@main.command("resume")
@click.argument("capture_id", metavar="ID")
@connect_option
@max_urls_option
@delay_option
@access_options
@list_option
@log_option
@browser_option
@content_option
@store_option
@json_option
def resume_command(
    capture_id: str,
    connect_to: tuple[str, ...],
    max_urls: int,
    delay: float | None,
    access: Callable[[], Access],
    lists: tuple[Path, ...],
    logs: tuple[str, ...],
    browser: browsing.Mode,
    content: Path,
    place: Path,
    as_json: bool,
) -> None:
    """Continue the unfinished capture ID (<site>/<timestamp>, or a site for its newest unfinished one).

    \b
    Example: archive resume lyj/20261122103000
    """
    options = Options(max_urls=max_urls, delay=delay)
    with reporting(as_json):
        found = store.open_unfinished(place, capture_id)
        decision = decisions.load(content, found.site)
        _capture(decision, [], connect_to, place, options, access(), browser, lists, logs, as_json, resume=found)
