"""All text that commands print: Problems, summaries, progress. Data goes to stdout, talk to stderr."""

from __future__ import annotations

import inspect
import json
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import click

from sitegen.errors import PlatformError, Problem, UsageError, has_errors, in_order
from sitegen.text import _, click_too


def problems(found: Iterable[Problem]) -> None:
    """`path:line: severity code: message`, then the remedy, so that a terminal and an editor can jump to the place."""
    for problem in found:
        colour = "red" if problem.severity == "error" else "yellow"
        severity = _("error") if problem.severity == "error" else _("warning")
        head = click.style(f"{severity} {problem.code}", fg=colour)
        click.echo(f"{_visible(problem.where)}: {head}: {_visible(problem.message)}", err=True)
        click.echo(f"    → {_visible(problem.remedy)}", err=True)


def _visible(text: str) -> str:
    """A file's name may hold anything; it must not speak to the terminal or pass for another line."""
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", lambda sign: repr(sign[0])[1:-1], text)


def data(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def progress(message: str) -> None:
    click.echo(message, err=True)


class Steps:
    """How far long work is: one line that fills up on a terminal, a plain line every few seconds elsewhere."""

    def __init__(self, *, terminal: bool, seconds: float = 5.0) -> None:
        self._terminal = terminal
        self._seconds = seconds
        self._began: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """`what` names the kind of thing that is counted; the same words for the same work."""
        now = time.monotonic()
        began = self._began.setdefault(what, now)
        last = done >= total
        if not last and now - self._told.get(what, began) < (0.1 if self._terminal else self._seconds):
            return
        self._told[what] = now
        left = (now - began) * (total - done) / done if done else 0.0
        text = _("{what}: {done} of {total}").format(what=what, done=done, total=total)
        if not last and now - began > 2:
            text += _(", about {seconds} s left").format(seconds=round(left))
        if not self._terminal:
            click.echo(text, err=True)
            return
        filled = 24 * done // max(total, 1)
        click.echo(f"\r\x1b[K{'█' * filled}{'░' * (24 - filled)} {text}", nl=last, err=True)


def steps_for(as_json: bool) -> Callable[[str, int, int], None]:
    """Nothing is told to a caller who asked for JSON."""
    return (lambda what, done, total: None) if as_json else Steps(terminal=sys.stderr.isatty())


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


# --- help in the reader's language -----------------------------------------------------------------------------------

_WIDTH = 76


class _Help:
    """Makes `help` speak when it is asked for, not when the command is defined."""

    translate = staticmethod(_)
    """The `_` of the package whose command this is."""
    _help: str | None = None

    @property
    def help(self) -> str | None:
        return None if self._help is None else translated_help(self._help, self.translate)

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


class Option(_Help, click.Option):
    pass


class Command(_Help, click.Command):
    def get_short_help_str(self, limit: int = 45) -> str:
        first = self.translate(_paragraphs(self._help or "")[0])
        return super().get_short_help_str(limit) if first.isascii() else first.partition("。")[0]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Click counts a Chinese character as one column; it fills two."""
        whole = [
            paragraph
            if paragraph.startswith("\b") or paragraph.isascii()
            else "\b\n" + "\n".join(wrapped(paragraph, _WIDTH))
            for paragraph in _paragraphs(self.help or "")
        ]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join(whole))


class Group(Command, click.Group):
    command_class = Command
    group_class = type

    def main(self, *arguments: Any, **options: Any) -> Any:
        click_too()
        return super().main(*arguments, **options)


def translated_help(text: str, translate: Callable[[str], str]) -> str:
    """Running text by the paragraph. In a block kept line by line (`\\b`), what stands right of a command and the word
    “Example:”; commands stay."""
    return "\n\n".join(
        "\n".join(_translated_line(line, translate) for line in paragraph.split("\n"))
        if paragraph.startswith("\b")
        else translate(paragraph)
        for paragraph in _paragraphs(text)
    )


def _paragraphs(text: str) -> list[str]:
    found = re.split(r"\n[ ]*\n", inspect.cleandoc(text))
    return [paragraph if paragraph.startswith("\b") else " ".join(paragraph.split()) for paragraph in found]


def _translated_line(line: str, translate: Callable[[str], str]) -> str:
    if line.startswith("Example: "):
        return f"{translate('Example:')} {line.removeprefix('Example: ')}"
    match = re.fullmatch(r"(\S.*?)(\s{2,})(\S.*)", line)
    return f"{match[1]}{match[2]}{translate(match[3])}" if match else line


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns: words stay whole, Chinese breaks anywhere but before a punctuation mark."""
    lines = [""]
    for piece in re.findall(r"\s+|[\u0021-\u024f]+|[^\s\u0021-\u024f][，。；：、！？）》」”]*", text):
        if columns(lines[-1] + piece.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append(piece.lstrip())
        else:
            lines[-1] += piece
    return lines


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
