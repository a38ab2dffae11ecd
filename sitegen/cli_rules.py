"""The commands `sitegen rules` and `sitegen due`: what the regulation asks for, and what falls due."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from sitegen import clock, config, files, report
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.config import Project
    from sitegen.rules.facts import Duty, Facts
    from sitegen.rules.registry import Rule


@click.group(cls=report.Group)
def rules() -> None:
    """The requirements of the regulation, one by one: says who, how it is met, what is missing.

    \b
    sitegen rules list
    sitegen rules show YZ-27
    """


@rules.command("list")
@config_option
@json_option
@option("--parameters", is_flag=True, help="Print the numbers that a project may correct in _records/rules.yml.")
@reporting
def list_rules(config_file: Path, as_json: bool, parameters: bool) -> None:
    """Every requirement with its article, its mode, its state, and its failing and passing test or why software cannot.

    \b
    Example: sitegen rules list --parameters
    """
    from sitegen.rules import registry

    known = registry.load(config.load(config_file).content)
    if as_json:
        report.data([rule.as_json() for rule in known.values()])
        return
    for rule in known.values():
        if parameters:
            for line in _parameters(rule):
                click.echo(f"{rule.id}  {line}")
        else:
            click.echo(f"{rule.id}  {rule.article}  {rule.mode}  [{registry.state_name(rule.state)}]  {rule.asks}")
            _print_facts(_shown(rule), "    ")


@rules.command()
@click.argument("rule_id", metavar="YZ-NN")
@config_option
@json_option
@reporting
def show(rule_id: str, config_file: Path, as_json: bool) -> None:
    """One requirement whole: its article, the Problems that tell of it, its tests, its numbers and where they come from.

    \b
    Example: sitegen rules show YZ-12
    """
    from sitegen.rules import registry

    known = registry.load(config.load(config_file).content)
    rule = known.get(rule_id.upper())
    if rule is None:
        message, remedy = _("there is no requirement {id}").format(id=rule_id), "sitegen rules list"
        raise UsageError([Problem(path=rule_id, code="rule-unknown", message=message, remedy=remedy)])
    if as_json:
        report.data(rule.as_json())
        return
    click.echo(f"{rule.id}  {registry.REGULATION}{rule.article}  {rule.mode}")
    click.echo(rule.asks)
    click.echo(registry.state_name(rule.state))
    _print_facts([(_("told by"), ", ".join(rule.codes)), *_shown(rule)], "  ")
    for line in _parameters(rule):
        click.echo(f"  {line}")


def _shown(rule: Rule) -> list[tuple[str, str]]:
    return [(_("failing test"), rule.fails), (_("passing test"), rule.passes), (_("missing"), rule.lacks)]


def _print_facts(facts: list[tuple[str, str]], indent: str) -> None:
    for label, text in facts:
        if text:
            click.echo(f"{indent}{label}: {text}")


def _parameters(rule: Rule) -> list[str]:
    """`notice_days = 30 (第十二条（三）)`; what was not checked against the text says 未核实."""
    return [
        f"{name} = {json.dumps(p.value, ensure_ascii=False)} ({p.source}){' 未核实' if p.confidence == 'memory' else ''}"
        for name, p in rule.parameters.items()
    ]


@click.command()
@config_option
@json_option
@date_option
@option("--days", type=click.IntRange(0), default=30, show_default=True, help="How far to look ahead.")
@option("--unit", metavar="ID", help="Only what this unit answers for.")
@option("--ics", type=click.Path(path_type=Path, dir_okay=False), help="Write what has a date to this calendar file.")
@reporting
def due(
    config_file: Path, as_json: bool, given_date: str | None, days: int, unit: str | None, ics: Path | None
) -> None:
    """What is overdue and what falls due, by unit and date, with the article and what to do.

    Columns are judged by the texts of the last build. Exit 0 when nothing is overdue, 1 otherwise.

    \b
    Example: sitegen due --days 14
             sitegen due --unit jyj --ics build/jyj.ics
    """
    from sitegen.rules import duties, reading, registry

    project = config.load(config_file)
    now = clock.now(given_date).astimezone(clock.SHANGHAI)
    today = now.date()
    facts, problems = reading.read(project, now)
    numbers = registry.numbers(known := registry.load(project.content))
    found = [
        duty
        for duty in sorted(
            [*duties.all_duties(facts, today, numbers), *_supervision(project, facts, today, numbers)],
            key=lambda duty: duty.by or date.min,
        )
        if duty.is_due(today + timedelta(days=days)) and unit in (None, duty.unit)
    ]
    problems += facts.workdays.tell_unknown()
    late = [duty for duty in found if duty.by is None or duty.by < today]
    if ics is not None:
        from sitegen.rules import calendar

        files.write_atomic(ics, calendar.ics(found, known, facts, urlsplit(project.site_url).hostname or ""))
    if as_json:
        report.data(
            {
                "today": today.isoformat(),
                "duties": [{"article": known[duty.rule].article, **duty.as_json()} for duty in found],
                "problems": [problem.as_json() for problem in problems],
            }
        )
    else:
        report.problems(problems)
        for answers in sorted({duty.unit for duty in found}):
            click.echo(click.style(facts.records.unit_name(answers) or "—", bold=True))
            for duty in found:
                if duty.unit == answers:
                    _tell(duty, known[duty.rule], overdue=duty in late)
        click.echo(
            _("{late} overdue or wrong, {soon} due within {days} days").format(
                late=len(late), soon=len(found) - len(late), days=days
            )
        )
    raise SystemExit(1 if late or problems else 0)


def _supervision(project: Project, facts: Facts, today: date, numbers: Mapping[str, Any]) -> list[Duty]:
    from sitegen.inspection import journal
    from sitegen.reports import annual
    from sitegen.rules import supervision
    from sitegen.state.shelf import BROKEN, Shelf

    oldest = None
    with contextlib.suppress(*BROKEN):
        shelf = Shelf.open(project.state / "build.sqlite")
        try:
            oldest = shelf.oldest_stamp()
        finally:
            shelf.close()
    portal = facts.sites[""]
    kept = supervision.Kept(
        oldest=None if oldest is None else datetime.fromtimestamp(oldest, clock.SHANGHAI).date(),
        logged=journal.logged_days(project.content),
        quarters=[one.name for one in journal.load_quarters(project.content)[0] if one.published_on],
        years=[one.year for one in annual.load(project.content)[0] if one.published_on and not one.site],
        sponsor=portal.sponsor,
        operator=portal.operator,
    )
    return supervision.duties(kept, facts.workdays, today, numbers)


def _tell(duty: Duty, rule: Rule, *, overdue: bool) -> None:
    when = duty.by.isoformat() if duty.by else "—"
    click.echo(f"  {when}  {rule.id} {rule.article}  {duty.problem.where}")
    click.echo(f"    {click.style(duty.problem.message, fg='red' if overdue else None)}")
    click.echo(f"    → {duty.problem.remedy}")


def register(program: click.Group) -> None:
    program.add_command(rules)
    program.add_command(due)
