"""The command `index`: it loads little, for it is over in half a second."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archive import cli
from archive.warcs import cdxj, indexer
from sitegen.errors import Problem, Refused


def register(group: click.Group) -> None:
    """Add index."""
    group.add_command(index_command)


@click.command("index", cls=cli.Command)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
def index_command(files: tuple[Path, ...]) -> None:
    """Print the CDXJ index of WARC and ARC files of any tool, sorted.

    What cannot be read is told; the records before it are in the index.

    \b
    Example: archive index old-site.warc.gz > index.cdxj
    """
    problems: list[Problem] = []
    entries: list[cdxj.Entry] = []
    for path in files:
        try:
            entries.extend(indexer.entries(path))
        except Refused as refused:
            problems += refused.problems
    cli.print_problems(problems)
    click.echo(b"".join(cdxj.lines(entries)), nl=False)
    sys.exit(1 if problems else 0)
