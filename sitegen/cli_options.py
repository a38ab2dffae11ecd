"""What the commands have in common: their usual options, and how Problems that end the work are printed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sitegen import report
from sitegen.errors import PlatformError

option = functools.partial(click.option, cls=report.Option)
config_option = option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("mkdocs.yml"),
    show_default=True,
    help="The project's file.",
)
json_option = option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
date_option = option(
    "--date", "given_date", metavar="DATE", help="Act as if it were this moment (2026-11-22 or ISO 8601)."
)


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """Problems that end the work are printed the same way by every command."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except PlatformError as error:
            report.stop(error, as_json=bool(options.get("as_json")))

    return wrapped
