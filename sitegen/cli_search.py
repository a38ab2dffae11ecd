"""The commands `sitegen search`: the service for readers without script, and its database."""

from __future__ import annotations

from pathlib import Path

import click

from sitegen import config, report
from sitegen.cli_options import config_option, option, reporting
from sitegen.text import _


@click.group(cls=report.Group)
def search() -> None:
    """Search on the server; the page /search/ of a release needs none of it.

    \b
    sitegen search build
    sitegen search serve --port 8002
    """


@search.command()
@config_option
@reporting
def build(config_file: Path) -> None:
    """Bring the database of the service up to the live release; `serve` does so by itself.

    \b
    Example: sitegen search build
    """
    from sitegen.search import server

    count = server.build(config.load(config_file))
    click.echo(_("{count} pages indexed").format(count=count))


@search.command()
@config_option
@option("--port", type=click.IntRange(0, 65535), default=8002, show_default=True)
@option(
    "--asks", type=click.IntRange(0), default=120, show_default=True, help="Requests a minute of a client; 0 = any."
)
@option("--trusted-proxy", metavar="ADDRESS", help="The web server in front, whose X-Forwarded-For names the client.")
@reporting
def serve(config_file: Path, port: int, asks: int, trusted_proxy: str | None) -> None:
    """Answer /search and /search.json on 127.0.0.1, and follow the releases (docs/search.md).

    \b
    Example: sitegen search serve --port 8002 --trusted-proxy 127.0.0.1
    """
    from sitegen.search import server

    server.serve(config.load(config_file), port, asks=asks, trusted_proxy=trusted_proxy, progress=report.progress)


def register(program: click.Group) -> None:
    program.add_command(search)
