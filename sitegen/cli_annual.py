"""The commands `sitegen report annual|visits|evidence`: the annual work report and what it rests on."""

from __future__ import annotations

from pathlib import Path

import click

from sitegen import config, files, report
from sitegen.cli_options import config_option, json_option, option, reporting
from sitegen.errors import Problem
from sitegen.text import _

_log_option = option(
    "--log", "logs", multiple=True, type=click.Path(path_type=Path), help="Access logs of nginx or Caddy, gzip too."
)


@click.command(cls=report.Command)
@click.argument("year", type=click.IntRange(2000, 2099))
@config_option
@json_option
@option("--site", default="", metavar="PATH", help="Another site than the portal.")
@option("--check", "only_check", is_flag=True, help="Write nothing; tell what is missing or contradicts.")
@_log_option
@reporting
def annual(year: int, config_file: Path, as_json: bool, site: str, only_check: bool, logs: tuple[Path, ...]) -> None:
    """The annual work report: computed cells are filled in, typed ones kept; public once `published_on` is written.

    \b
    Example: sitegen report annual 2026 --log /var/log/nginx/access.log.*.gz
    """
    from dataclasses import replace

    from sitegen.reports import annual as reports
    from sitegen.reports import counting, visits

    project = config.load(config_file)
    computed, columns = counting.compute(project, year, site)
    problems: list[Problem] = []
    name = reports.name_of(year, site)
    listed, wrong = reports.load(project.content)
    known = next((one for one in listed if one.name == name), None)
    months = known.months if known else ()
    if logs:
        counted, problems = visits.count(logs, year)
        computed |= {"visits": counted.total, "visitors": counted.visitors}
        months = tuple(counted.months)
    elif known:
        computed = {**{key: known.computed[key] for key in ("visits", "visitors") if key in known.computed}, **computed}
    fresh = reports.Report(
        name=name,
        year=year,
        site=site,
        computed=computed,
        typed=known.typed if known else {},
        columns=tuple(columns.items()),
        months=months,
        published_on=known.published_on if known else None,
    )
    if known and (only_check or known.published_on):
        problems += reports.check(known, computed)
    else:
        problems += reports.check(fresh)
    problems += [problem for problem in wrong if problem.path == fresh.path]
    if not only_check and not (known and known.published_on):
        fresh = replace(
            fresh,
            typed={key: value for key, value in fresh.typed.items() if key not in computed or value != computed[key]},
        )
        files.write_atomic(project.content / reports.FOLDER / f"{name}.yml", reports.dump(fresh).encode())
    if as_json:
        report.data({"path": fresh.path, "computed": computed, "problems": [problem.as_json() for problem in problems]})
    else:
        report.problems(problems)
        click.echo(fresh.path)
    raise SystemExit(1 if problems else 0)


@click.command(cls=report.Command)
@click.argument("year", type=click.IntRange(2000, 2099))
@json_option
@_log_option
@reporting
def visits(year: int, as_json: bool, logs: tuple[Path, ...]) -> None:
    """Pages that people asked for in a year, by month, from access logs; no address is kept.

    \b
    Example: sitegen report visits 2026 --log /var/log/caddy/access.log
    """
    from sitegen.reports import visits as counting

    found, problems = counting.count(logs, year)
    if as_json:
        report.data(
            {"year": year, "months": found.months, "visits": found.total, "visitors": found.visitors,
             "bots": found.bots, "unread": found.unread, "problems": [problem.as_json() for problem in problems]}
        )  # fmt: skip
    else:
        report.problems(problems)
        for month, count in enumerate(found.months, 1):
            click.echo(f"{year}-{month:02}  {count}")
        click.echo(
            _("{visits} visits by {visitors} visitors; {bots} by bots").format(
                visits=found.total, visitors=found.visitors, bots=found.bots
            )
        )
    raise SystemExit(1 if problems else 0)


@click.command(cls=report.Command)
@click.argument("year", type=click.IntRange(2000, 2099))
@config_option
@option("--to", "target", type=click.Path(path_type=Path), required=True, help="The zip file to write.")
@reporting
def evidence(year: int, config_file: Path, target: Path) -> None:
    """The records of a year's work in one file, each with its digest, for the assessment of 第二十二条.

    \b
    Example: sitegen report evidence 2026 --to evidence-2026.zip
    """
    from sitegen.reports import bundle

    digests = bundle.pack(config.load(config_file).content, target, year)
    click.echo(_("{count} files: {path}").format(count=len(digests), path=target))
