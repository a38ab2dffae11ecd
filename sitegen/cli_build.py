"""`sitegen build`."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping
from pathlib import Path

import click

from sitegen import clock, config, report, walk
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.text import _


@click.command("build", cls=report.Command)
@config_option
@json_option
@date_option
@option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0 = one per core.")
@option("--clean", is_flag=True, help="Forget the last build; the last good versions are kept.")
@option("--explain", multiple=True, metavar="PATH", help="Say why this page was rendered or kept; may be repeated.")
@option("--verify-sample", metavar="SHARE", help="Afterwards render this share of the pages anew (1%) and compare.")
@reporting
def build(
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    jobs: int,
    clean: bool,
    explain: tuple[str, ...],
    verify_sample: str | None,
) -> None:
    """Build what changed and switch to the new release.

    Exit 0: done, warnings allowed. 1: something is wrong in the content; everything else was published. 2: wrong usage.

    \b
    Example: sitegen build --json | python -m json.tool
             sitegen build --explain content/jyj/tzgg/202611/t20261116_3104.md
    """
    share = _share(verify_sample)
    project = config.load(config_file)
    begun = walk.begin(project.content, two=True) if walk.is_much(project.state / "build.sqlite") else None
    from sitegen import build as building  # the files are looked at while this is loaded
    from sitegen import outcome, rendering

    if begun is not None:
        rendering.load()
    now, progress = clock.now(given_date), report.steps_for(as_json)
    result = building.build(project, now=now, jobs=jobs, clean=clean, progress=progress, begun=begun)
    if share:
        from sitegen import sample

        number = random.randrange(1_000_000)  # noqa: S311 (a sample, not a secret)
        count, differing = sample.verify(project, share, number=number, jobs=jobs, progress=report.steps_for(as_json))
        result = dataclasses.replace(result, problems=(*result.problems, *differing))
        if not as_json:
            report.progress(
                _("{count} pages rendered anew and compared (choice {number}), {differing} differ").format(
                    count=count, number=number, differing=len(differing)
                )
            )
    if as_json:
        report.data(result.as_json())
    else:
        report.problems(result.problems)
        for path in explain:
            click.echo(f"{path}: {outcome.explain(project, path, result)}")
        for code, count in result.more:
            click.echo(_("… and {count} more warnings {code}").format(count=count, code=code), err=True)
        if sum(result.markdown.values()) > rendering.FEW:
            click.echo(_markdown_words(result.markdown))
        summary = _(
            "{rendered} rendered, {kept} kept, {removed} removed, {pending} wait for review, {problems} problems, "
            "{seconds} s; release {release}"
        )
        click.echo(
            summary.format(
                rendered=result.rendered,
                kept=result.kept,
                removed=result.removed,
                pending=result.pending,
                problems=len(result.problems),
                seconds=f"{result.seconds:.2f}",
                release=result.release,
            )
        )
        if result.next_change:
            time = f"{result.next_change:%Y-%m-%d %H:%M}"
            click.echo(_("the next change by time alone is at {time}").format(time=time))
    report.leave(result.problems)


def _share(text: str | None) -> float:
    """`1%` or `0.01`. Raises UsageError."""
    if text is None:
        return 0.0
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < value <= 1:
        raise UsageError(
            [
                Problem(
                    path="--verify-sample",
                    code="share-unreadable",
                    message=_("“{text}” is no share of the pages").format(text=text),
                    remedy=_("write 1% or 0.01"),
                )
            ]
        )
    return value


def _markdown_words(counts: Mapping[str, int]) -> str:
    """How the bodies were made, and the commonest reasons for leaving one to Python-Markdown."""
    total = sum(counts.values())
    reasons = [(reason, count) for reason, count in counts.items() if reason not in {"direct", "kept"}]
    words = _("{total} bodies: {direct} rendered directly, {kept} kept, {stock} by Python-Markdown").format(
        total=total,
        direct=counts.get("direct", 0),
        kept=counts.get("kept", 0),
        stock=sum(count for _reason, count in reasons),
    )
    top = ", ".join(f"{reason} {count}" for reason, count in reasons[:5])
    return f"{words} ({top})" if top else words


def register(program: click.Group) -> None:
    program.add_command(build)
