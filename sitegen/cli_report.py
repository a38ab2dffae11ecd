"""The commands `sitegen report …`: what the records and the texts add up to, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sitegen import cli_annual, clock, config, report
from sitegen.cli_options import config_option, date_option, option, reporting
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.errors import Problem
    from sitegen.rules.facts import Facts
    from sitegen.rules.tables import Row

FORMATS = ("text", "json", "csv")
_format = option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)


@click.group("report", cls=report.Group)
def reports() -> None:
    """What the records and the texts add up to.

    \b
    sitegen report messages             how long letters waited, by unit
    sitegen report duties --format csv  who keeps which column, and what is overdue
    sitegen report submissions          what a superior site shall publish, and how far it is
    """


def _facts(config_file: Path, given_date: str | None) -> tuple[Facts, list[Problem]]:
    from sitegen.rules import reading

    return reading.read(config.load(config_file), clock.now(given_date).astimezone(clock.SHANGHAI))


@reports.command("messages")
@config_option
@date_option
@_format
@option("--year", type=int, help="Of the letters received in this year; default: all.")
@reporting
def messages_report(config_file: Path, given_date: str | None, form: str, year: int | None) -> None:
    """Letters by unit: received, forwarded, answered, published, how long it took and what was late (第十九条（五）).

    \b
    Example: sitegen report messages --year 2026 --format csv
    """
    from sitegen.rules import registry, tables

    facts, problems = _facts(config_file, given_date)
    numbers = registry.numbers(registry.load(config.load(config_file).content))
    _print(tables.messages(facts, numbers, year), form, [*problems, *facts.workdays.tell_unknown()])


@reports.command("duties")
@config_option
@date_option
@_format
@option("--overdue", is_flag=True, help="Only columns that are overdue.")
@reporting
def duties_report(config_file: Path, given_date: str | None, form: str, overdue: bool) -> None:
    """责任分解表: each column with the unit that keeps it, how often, what it holds, and what is overdue (第十八条（三）).

    \b
    Example: sitegen report duties --overdue
    """
    from sitegen.rules import tables

    facts, problems = _facts(config_file, given_date)
    rows = tables.duties(facts, facts.now.date())
    _print([row for row in rows if row["overdue_days"] or not overdue], form, problems)


@reports.command("submissions")
@config_option
@date_option
@_format
@option("--year", type=int, help="Of this year; default: all.")
@reporting
def submissions_report(config_file: Path, given_date: str | None, form: str, year: int | None) -> None:
    """报送台账: what a superior site shall publish, when it was submitted, whether its reviews were whole (第十九条（三）).

    \b
    Example: sitegen report submissions --year 2026
    """
    from sitegen.rules import tables

    facts, problems = _facts(config_file, given_date)
    _print(tables.submissions(facts, year), form, problems)


HEADS = {
    "unit": "单位编号",
    "name": "单位",
    "received": "收到",
    "forwarded": "转办",
    "answered": "答复",
    "published": "公开",
    "answer_days": "平均答复（工作日）",
    "answers_overdue": "答复超期",
    "review_days": "平均初审（工作日）",
    "reviews_overdue": "初审超期",
    "site": "网站",
    "column": "栏目",
    "path": "目录",
    "class": "类别",
    "cadence_days": "更新频次（天）",
    "content_spec": "内容和质量要求",
    "signer": "签发人",
    "newest": "最近更新",
    "due": "应更新于",
    "overdue_days": "逾期（天）",
    "article": "信息",
    "to": "上级网站",
    "needed_on": "应报日期",
    "submitted": "报送时间",
    "reviewed": "报送前已三审",
    "address": "刊发地址",
}
"""The head of a table that leaves the house is Chinese in every locale, as the forms of the regulation are."""


def _print(rows: list[Row], form: str, problems: list[Problem]) -> None:
    if form == "json":
        report.data({"rows": rows, "problems": [problem.as_json() for problem in problems]})
        return
    report.problems(problems)
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        for number, row in enumerate(rows):
            if number == 0:
                writer.writerow(HEADS[key] for key in row)
            writer.writerow(_cell(value) for value in row.values())
        click.echo("\ufeff" + out.getvalue(), nl=False)  # so that a spreadsheet reads it as UTF-8
        return
    for row in rows:
        said = (
            f"{HEADS[key]} {value}" for key, value in row.items() if key not in {"unit", "name"} and value is not None
        )
        click.echo(f"{row['name']}: {'，'.join(said)}")
    click.echo(_("{count} rows").format(count=len(rows)))


def _cell(value: object) -> object:
    """A cell that begins like a formula must not be one in a spreadsheet."""
    return (
        f"'{value}"
        if isinstance(value, str) and value[:1] in "=+-@\t\r" and value
        else ("" if value is None else value)
    )


def register(program: click.Group) -> None:
    program.add_command(reports)
    for command in (cli_annual.annual, cli_annual.visits, cli_annual.evidence):
        reports.add_command(command)
