"""The commands `sitegen messages`: the service that takes citizens' letters, and looking at one."""

from __future__ import annotations

from pathlib import Path

import click

from sitegen import config, report
from sitegen.cli_options import config_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.text import _

private_option = option(
    "--private",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where letters are kept with names and numbers; never in git. Default: private/messages beside mkdocs.yml.",
)


@click.group(cls=report.Group)
def messages() -> None:
    """Letters from citizens: take them, and read one.

    \b
    sitegen messages serve --port 8001
    sitegen messages show 20261122-k7q3mx9d
    """


@messages.command()
@config_option
@private_option
@option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
@option(
    "--origin", "origins", multiple=True, metavar="URL", help="Where forms may be sent from; default: the site_url."
)
@option(
    "--asks", type=click.IntRange(0), default=120, show_default=True, help="Requests a minute of a client; 0 = any."
)
@option("--letters", type=click.IntRange(0), default=6, show_default=True, help="Letters an hour of a client; 0 = any.")
@option("--looks", type=click.IntRange(0), default=20, show_default=True, help="Tracking numbers a minute; 0 = any.")
@option("--trusted-proxy", metavar="ADDRESS", help="The web server in front, whose X-Forwarded-For names the client.")
@reporting
def serve(
    config_file: Path,
    private: Path | None,
    port: int,
    origins: tuple[str, ...],
    asks: int,
    letters: int,
    looks: int,
    trusted_proxy: str | None,
) -> None:
    """Take letters on 127.0.0.1, behind the web server that serves the portal (docs/messages.md).

    \b
    Example: sitegen messages serve --port 8001 --trusted-proxy 127.0.0.1
    """
    from sitegen.interaction import server
    from sitegen.interaction.service import Limits
    from sitegen.interaction.spool import Spool

    project = config.load(config_file)
    spool = Spool(private or project.root / "private" / "messages", project.content)
    server.serve(
        project,
        spool,
        port,
        origins=[origin.rstrip("/") for origin in origins] or [project.site_url.rstrip("/")],
        limits=Limits(asks=asks, letters=letters, looks=looks),
        trusted_proxy=trusted_proxy,
        progress=report.progress,
    )


@messages.command()
@click.argument("letter_id", metavar="ID")
@config_option
@private_option
@reporting
def show(letter_id: str, config_file: Path, private: Path | None) -> None:
    """Print a letter whole, with its writer's name and numbers, for whoever answers it.

    \b
    Example: sitegen messages show 20261122-k7q3mx9d
    """
    from sitegen.interaction.spool import Spool

    project = config.load(config_file)
    found = Spool(private or project.root / "private" / "messages", project.content).letter(letter_id)
    if found is None:
        message, remedy = _("there is no letter {id}").format(id=letter_id), "ls content/_records/messages"
        raise UsageError([Problem(path=letter_id, code="letter-unknown", message=message, remedy=remedy)])
    click.echo(found, nl=False)


def register(program: click.Group) -> None:
    program.add_command(messages)
