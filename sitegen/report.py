"""All text that commands print: Problems, summaries, progress. Data goes to stdout, talk to stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NoReturn

import click

from sitegen.errors import PlatformError, Problem, UsageError, has_errors, in_order


def problems(found: Iterable[Problem]) -> None:
    """`path:line: severity code: message`, then the remedy, so that a terminal and an editor can jump to the place."""
    for problem in found:
        colour = "red" if problem.severity == "error" else "yellow"
        head = click.style(f"{problem.severity} {problem.code}", fg=colour)
        click.echo(f"{problem.where}: {head}: {problem.message}", err=True)
        click.echo(f"    → {problem.remedy}", err=True)


def data(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def progress(message: str) -> None:
    click.echo(message, err=True)


def silent(message: str) -> None:
    """Progress when the caller asked for JSON and nothing else."""


def progress_for(as_json: bool) -> Callable[[str], None]:
    return silent if as_json else progress


def stop(error: PlatformError, *, as_json: bool) -> NoReturn:
    """Print why the work ended and leave with the exit code of its kind."""
    found = in_order(error.problems)
    if as_json:
        data({"problems": [problem.as_json() for problem in found]})
    problems(found)
    raise SystemExit(2 if isinstance(error, UsageError) else 1)


def leave(found: Iterable[Problem]) -> None:
    """Exit 1 when there is an error among what was found; warnings are allowed."""
    if has_errors(found):
        raise SystemExit(1)
