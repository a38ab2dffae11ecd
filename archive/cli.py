"""The command line `archive`: each command is parse → one library call → report."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from archive import capture as capturing
from archive import decision as decisions
from archive import fetch, store
from archive.decision import Decision
from archive.ledger import Options
from archive.store import Capture
from archive.text import _
from sitegen import report as reports
from sitegen.errors import PlatformError, Problem, UsageError, has_errors, in_order


class Command(reports.Command):
    translate = staticmethod(_)


class Group(reports.Group):
    translate = staticmethod(_)
    command_class = Command


class Option(reports.Option):
    translate = staticmethod(_)


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


def progress_line() -> Callable[[str], None]:
    """On a terminal one line that is written over, elsewhere a plain line every five seconds."""
    terminal = sys.stderr.isatty()
    last = -5.0

    def show(line: str) -> None:
        nonlocal last
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
    as_json: bool,
    resume: Capture | None,
) -> NoReturn:
    report = capturing.capture(
        decision,
        store=place,
        now=datetime.now(UTC),
        start=start,
        connect_to=[fetch.parse_connect_to(text) for text in connect_to],
        progress=progress_line(),
        resume=resume,
        options=options,
    )
    if sys.stderr.isatty():
        click.echo(err=True)
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
@content_option
@store_option
@json_option
def capture_command(
    url: str | None,
    site: str,
    connect_to: tuple[str, ...],
    max_urls: int,
    delay: float | None,
    content: Path,
    place: Path,
    as_json: bool,
) -> None:
    """Capture the site at URL (default: `start` of the decision) as WARC.

    An unfinished capture of the site is continued. Every URL gets an outcome: captured, redirected, excluded,
    failed or excused.

    \b
    Example: archive capture http://lyj.example.gov.cn/ --site lyj --connect-to lyj.example.gov.cn:80:127.0.0.1:8201
    """
    options = Options(max_urls=max_urls, delay=delay)
    with reporting(as_json):
        _capture(decisions.load(content, site), [url] if url else [], connect_to, place, options, as_json, None)


@main.command("resume")
@click.argument("capture_id", metavar="ID")
@connect_option
@max_urls_option
@delay_option
@content_option
@store_option
@json_option
def resume_command(
    capture_id: str,
    connect_to: tuple[str, ...],
    max_urls: int,
    delay: float | None,
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
        _capture(decisions.load(content, found.site), [], connect_to, place, options, as_json, found)
