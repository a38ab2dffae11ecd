"""The command `sitegen headers`: what the web server in front of a release is told."""

from __future__ import annotations

from pathlib import Path

import click

from sitegen import config, servers
from sitegen.cli_options import config_option, option, reporting
from sitegen.report import Command


@click.command("headers", cls=Command)
@config_option
@option(
    "--format",
    "form",
    type=click.Choice(["nginx", "caddy"]),
    default="nginx",
    show_default=True,
    help="What to write.",
)
@option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/site"),
    show_default=True,
    help="Folder of the live release, as the web server sees it.",
)
@reporting
def headers(config_file: Path, form: str, root: Path) -> None:
    """Print the web server's configuration for the portal: strict policy, error pages, the reader's mode by cookie.

    \b
    Example: sitegen headers --format nginx > portal.conf
    """
    write = servers.nginx if form == "nginx" else servers.caddy
    click.echo(write(config.load(config_file).site_url, root.absolute().as_posix()), nl=False)


def register(program: click.Group) -> None:
    program.add_command(headers)
