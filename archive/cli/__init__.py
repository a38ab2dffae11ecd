"""The command line `archive`: each command is parse → one library call → report."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from archive.text import _
from sitegen import report as reports
from sitegen.errors import PlatformError, Problem, UsageError, has_errors, in_order

COMMANDS = {
    "capture": "capturing", "resume": "capturing", "recapture": "capturing",
    "import": "imports", "repair": "imports",
    "index": "indexing",
    "package": "packages", "sign": "packages", "prove": "packages", "report": "packages", "replay": "packages",
    "publish": "retiring", "extract": "retiring", "relate": "retiring", "redirects": "retiring", "retire": "retiring",
    "status": "retiring",
    "notice": "notices",
    "verify": "proofs", "export": "proofs", "headers": "proofs",
}  # fmt: skip
"""Each command and the module below `archive.cli` whose `register` adds it: a command loads what it needs, not what all
of them need together, which takes longer than many a command's work."""


class Command(reports.Command):
    translate = staticmethod(_)


class Group(reports.Group):
    translate = staticmethod(_)
    command_class = Command


class Program(Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            import_module(f"archive.cli.{COMMANDS[cmd_name]}").register(self)
        return super().get_command(ctx, cmd_name)


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


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Archive a retiring website: capture it, prove the capture, publish it under its stamp.

    \b
    archive capture http://lyj.example.gov.cn/ --site lyj
    archive verify lyj
    """
