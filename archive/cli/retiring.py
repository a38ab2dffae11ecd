"""The commands from publication to retirement, to be added to `archive`: parse → one library call → report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from archive import cli, decision, progress, store
from archive.cli.capturing import capture_options
from archive.crawling.options import Options
from archive.migration import extract, related
from archive.publishing import own, publish, published
from archive.redirection import old_urls, redirects, relate
from archive.retiring import retirement, runbook, status
from archive.retiring.runbook import Desk
from archive.store import Capture
from archive.text import _
from sitegen import clock, config, files
from sitegen.errors import Problem, Refused

public_option = cli.make_option(
    "--public",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/public"),
    show_default=True,
    help="Folder of the published copies.",
)
date_option = cli.make_option(
    "--date", "given_date", metavar="DATE", help="The time that rules see, for tests and previews."
)
dry_run_option = cli.make_option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
no_build_option = cli.make_option("--no-build", is_flag=True, help="Do not run `sitegen build` afterwards.")


def register(group: click.Group) -> None:
    """Add publish, extract, relate, redirects, retire and status."""
    for command in (
        publish_command,
        extract_command,
        relate_command,
        redirects_command,
        retire_command,
        status_command,
    ):
        group.add_command(command)


def desk_at(content: Path, place: Path, public: Path, given_date: str | None) -> Desk:
    """The project is where content/ lies; without mkdocs.yml the portal's address is unknown, which only links need."""
    root = content.resolve().parent
    settings = root / "mkdocs.yml"
    site_url = config.load(settings).site_url if settings.exists() else "/"
    return Desk(root=root, content=content, store=place, public=public, site_url=site_url, now=clock.now(given_date))


def site_named(argument: str) -> str:
    """`lyj`, `lyj/20261122103000`, or a path of our own such as `jyj/old-column`."""
    head, _slash, tail = argument.strip("/").partition("/")
    if not tail or (tail.isdigit() and len(tail) == 14):
        return head
    return own.site_id(argument)


def _capture(place: Path, argument: str) -> Capture:
    tail = argument.partition("/")[2]
    return store.open_capture(place, argument if tail.isdigit() else site_named(argument))


_all_places: tuple[Callable[..., object], ...] = (cli.content_option, cli.store_option, public_option, date_option)


def places(command: Callable[..., object]) -> Callable[..., object]:
    for option in reversed(_all_places):
        command = option(command)
    return command


@click.command("publish", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@no_build_option
@places
@cli.json_option
def publish_command(
    capture_id: str, no_build: bool, content: Path, place: Path, public: Path, given_date: str | None, as_json: bool
) -> None:
    """Make the stamped copies of a capture and their index, then build the site with them.

    \b
    Example: archive publish lyj
    """
    with cli.reporting(as_json):
        desk = desk_at(content, place, public, given_date)
        capture = _capture(place, capture_id)
        decided = runbook.load_decision(desk, capture.site)
        if own.is_own(decided, desk.site_url):
            report = own.publish_in_place(
                capture, decided, build=desk.build, public=public, content=content, now=desk.now
            )
        else:
            with progress.shown() as show:
                report = publish.publish(capture, decided, public=public, content=content, now=desk.now, progress=show)
        problems = [*report.problems, *([] if no_build else runbook.build(desk))]
        line = _("{capture}: {counts}; {written} files written, {kept} kept, {seconds} s").format(
            capture=report.capture,
            counts=cli.counted(report.counts),
            written=report.written,
            kept=report.kept,
            seconds=f"{report.seconds:.1f}",
        )
        cli.finish({**report.as_json(), "problems": [p.as_json() for p in problems]}, [line], problems, as_json)


@click.command("extract", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@dry_run_option
@cli.make_option(
    "--table",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every page with what it is, how sure that is and why, as CSV.",
)
@places
@cli.json_option
def extract_command(
    capture_id: str,
    dry_run: bool,
    table: Path | None,
    content: Path,
    place: Path,
    public: Path,
    given_date: str | None,
    as_json: bool,
) -> None:
    """Write old articles as Markdown drafts into the columns that take them over.

    \b
    Example: archive extract lyj --dry-run --table pages.csv
    """
    with cli.reporting(as_json):
        capture = _capture(place, capture_id)
        decided = decision.load(content, capture.site)
        with progress.shown() as show:
            report = extract.extract(capture, decided, content=content, dry_run=dry_run, progress=show)
        if table is not None:
            files.write_atomic(table, b"\xef\xbb\xbf" + report.as_csv().encode())  # the mark is for spreadsheets
        lines = [f"{draft.confidence:.2f}  content/{draft.path}  {draft.title}" for draft in report.written]
        lines.append(
            _("{drafts} drafts, {skipped} pages left out").format(
                drafts=len(report.written), skipped=len(report.skipped)
            )
        )
        cli.finish(report.as_json(), lines, report.problems, as_json)


@click.command("relate", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@dry_run_option
@places
@cli.json_option
def relate_command(
    capture_id: str, dry_run: bool, content: Path, place: Path, public: Path, given_date: str | None, as_json: bool
) -> None:
    """Say for every old URL whether it leads to a migrated page, to its copy, or nowhere, and for every old article
    which present one it is related to, how that is known and how sure it is (第十五条).

    The relations go into the published index, so that the next build shows them on both sides; `related` in
    content/_archive/SITE.yml overrides what was found.

    \b
    Example: archive relate lyj --json
    """
    with cli.reporting(as_json):
        desk = desk_at(content, place, public, given_date)
        capture = _capture(place, capture_id)
        found = relate.relate(capture, public=public, content=content, build=desk.build)
        decided = runbook.load_decision(desk, capture.site)
        likes, problems = related.relations(capture, decided, content=content, build=desk.build)
        if not dry_run:
            published.update_related(public / capture.site / f"{capture.timestamp}.json", related.shown(likes))
        lines = [
            f"{relate.word_of(one):10} {one.target_uri}  {relate.to_of(one) or relate.reason_of(one)}"
            for one in found.outcomes
        ]
        lines += [f"{one.score:.2f} {one.how:14} {one.target_uri}  content/{one.source}" for one in likes]
        lines.append(cli.counted(found.counts))
        record = {**found.as_json(), "related": [one.as_json() for one in likes]}
        cli.finish({**record, "problems": [problem.as_json() for problem in problems]}, lines, problems, as_json)


@click.command("redirects", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option(
    "--format", "form", type=click.Choice(redirects.FORMATS), default="nginx", show_default=True, help="What to write."
)
@places
def redirects_command(
    capture_id: str, form: redirects.Format, content: Path, place: Path, public: Path, given_date: str | None
) -> None:
    """Print what every old address answers: the present page, its copy, or 410 with the way to both.

    The most asked addresses come first in csv and html. Rows of the csv pasted into content/_archive/<site>.redirects.csv
    are decisions: they override the rule and are kept.

    \b
    Example: archive redirects lyj --format nginx > lyj.conf
    """
    with cli.reporting(False):
        desk = desk_at(content, place, public, given_date)
        if desk.site_url == "/":
            raise Refused(
                [
                    Problem(
                        path="mkdocs.yml",
                        code="redirects-site-unknown",
                        message=_("redirects are absolute, and the portal's address is not known here"),
                        remedy=_("run the command in the project's folder, where mkdocs.yml has site_url"),
                    )
                ]
            )
        capture = _capture(place, capture_id)
        found = relate.relate(capture, public=public, content=content, build=desk.build)
        decided = decision.load(content, capture.site)
        old = old_urls.ledger(capture, decided, found, content=content, build=desk.build, site_url=desk.site_url)
        click.echo(redirects.render(old, form), nl=False)
        cli.print_problems(old.problems)
        sys.exit(1 if old.problems else 0)


@click.command("retire", cls=cli.Command)
@click.argument("site", metavar="SITE|PATH")
@capture_options
@cli.make_option("--again", is_flag=True, help="Capture anew although a verified capture exists.")
@dry_run_option
@places
@cli.json_option
def retire_command(
    site: str,
    options: Callable[[], Options],
    again: bool,
    dry_run: bool,
    content: Path,
    place: Path,
    public: Path,
    given_date: str | None,
    as_json: bool,
) -> None:
    """Retire a site, or a path of our own: every step that can be taken now, in the order of the law.

    Run it again after each thing that people must do; it goes on where it stood. Exit 1 when something the law
    requires is not recorded.

    \b
    Example: archive retire lyj
    archive retire jyj/old-column
    """
    with cli.reporting(as_json):
        desk = desk_at(content, place, public, given_date)
        if dry_run:
            _show_status(desk, site_named(site), as_json)
        with progress.shown() as show:
            report = runbook.retire(desk, site_named(site), options=options(), again=again, progress=show)
        lines = [*status.table(report.steps), status.outcome_in_words(report.outcome)]
        cli.finish(report.as_json(), lines, report.problems, as_json)


@click.command("status", cls=cli.Command)
@click.argument("site", metavar="SITE|PATH")
@places
@cli.json_option
def status_command(site: str, content: Path, place: Path, public: Path, given_date: str | None, as_json: bool) -> None:
    """Say what the law still asks for, by when, and by which article. Nothing is changed.

    \b
    Example: archive status lyj
    """
    with cli.reporting(as_json):
        _show_status(desk_at(content, place, public, given_date), site_named(site), as_json)


def _show_status(desk: Desk, site: str, as_json: bool) -> None:
    """Reading is never refused: what is missing is part of the answer, not an error of the command."""
    now = runbook.standing(desk, runbook.load_decision(desk, site))
    steps = retirement.steps(now)
    problems = retirement.warnings(now)
    report = runbook.RetireReport(site=site, steps=steps, problems=problems)
    cli.finish(report.as_json(), [*status.table(steps), status.outcome_in_words(report.outcome)], problems, as_json)
