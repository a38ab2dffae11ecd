"""The commands that prove an archive and hand it over: parse → one library call → report."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from archive import caddy, cli, nginx, published
from archive.cli_retire import public_option
from archive.text import _
from sitegen import config
from sitegen.errors import Problem, Refused


def register(group: click.Group) -> None:
    """Add headers."""
    for command in (headers_command,):
        group.add_command(command)


@click.command("headers", cls=cli.Command)
@cli.make_option(
    "--format",
    "form",
    type=click.Choice(["nginx", "caddy"]),
    default="nginx",
    show_default=True,
    help="What to write.",
)
@cli.make_option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/site"),
    show_default=True,
    help="Folder of the live release, as the web server sees it.",
)
@public_option
def headers_command(form: Literal["nginx", "caddy"], root: Path, public: Path) -> None:
    """Print the web server's configuration for archived pages: sandboxing policy, Memento-Datetime, original address.

    \b
    Example: archive headers --format nginx > archive.conf
    """
    with cli.reporting(False):
        settings = Path("mkdocs.yml")
        if not settings.exists():
            message = _("the portal's address is not known here")
            remedy = _("run the command in the project's folder, where mkdocs.yml has site_url")
            raise Refused(
                [Problem(path=str(settings), code="redirects-site-unknown", message=message, remedy=remedy)]
            )
        indexes = [published.read_index(path) for path in sorted(public.glob("*/*.json"))]
        write = nginx.archive if form == "nginx" else caddy.archive
        text = write(indexes, site_url=config.load(settings).site_url, root=root.absolute().as_posix())
        click.echo(text, nl=False)
