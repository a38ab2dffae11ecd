"""The commands that take in what others captured and mend what is damaged: parse → one library call → report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from archive import cli, progress
from archive import decision as decisions
from archive.text import _
from archive.warcs import importing, repair


def register(group: click.Group) -> None:
    """Add import and repair."""
    for command in (import_command, repair_command):
        group.add_command(command)


@click.command("import", cls=cli.Command)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@cli.make_option("--site", required=True, help="Site ID; the decision is content/_archive/<site>.yml.")
@cli.make_option("--again", is_flag=True, help="Import files that were imported before once more.")
@cli.content_option
@cli.store_option
@cli.json_option
def import_command(files: tuple[Path, ...], site: str, again: bool, content: Path, place: Path, as_json: bool) -> None:
    """Make a capture from FILEs of other tools: WARC, ARC, WACZ, the folder of a crawl, a mirror of wget or HTTrack.

    Records stay as they are. Every URL gets an outcome; what pages link to and no file holds is named.

    \b
    Example: archive import lyj-2019.warc.gz --site lyj
    """
    with cli.reporting(as_json):
        with progress.shown() as show:
            report = importing.import_files(
                decisions.load(content, site), files, store=place, now=datetime.now(UTC), again=again, progress=show
            )
        text = _("{capture}: {counts}; {records} records from {files} files, {seconds} s").format(
            capture=report.capture.id,
            counts=cli.counted(report.inventory),
            records=report.records,
            files=len(report.files),
            seconds=f"{report.seconds:.1f}",
        )
        cli.finish(report.as_json(), [text], report.problems, as_json)


@click.command("repair", cls=cli.Command)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@cli.make_option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The new file. [default: NAME.repaired.warc.gz beside FILE]",
)
@cli.json_option
def repair_command(file: Path, output: Path | None, as_json: bool) -> None:
    """Write what can be read of a damaged WARC FILE to a new file, and say what is lost. FILE stays as it is.

    \b
    Example: archive repair lyj-2019.warc.gz --output lyj-2019-mended.warc.gz
    """
    with cli.reporting(as_json):
        report = repair.repair(file, output)
        text = _("{output}: {recovered} records recovered, {lost} stretches lost, {doubtful} records doubtful").format(
            output=report.output.as_posix(),
            recovered=report.recovered,
            lost=len(report.lost),
            doubtful=len(report.doubtful),
        )
        cli.finish(report.as_json(), [text], report.problems, as_json)
