"""The commands `sitegen rules` and `sitegen due`: what the regulation asks for, and what falls due."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sitegen import clock, config, model, report
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.config import Project
    from sitegen.lifecycle import SiteRecord
    from sitegen.rules.facts import Duty, Facts
    from sitegen.rules.registry import Rule
    from sitegen.rules.surveys import Survey


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
    """Every requirement with its article, its mode and its state.

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
    for label, text in (
        (_("missing"), rule.lacks),
        (_("told by"), ", ".join(rule.codes)),
        (_("failing test"), rule.fails),
        (_("passing test"), rule.passes),
    ):
        if text:
            click.echo(f"  {label}: {text}")
    for line in _parameters(rule):
        click.echo(f"  {line}")


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
@reporting
def due(config_file: Path, as_json: bool, given_date: str | None, days: int, unit: str | None) -> None:
    """What is overdue and what falls due, by date, with the article and who answers for it.

    Columns are judged by the texts of the last build. Exit 0 when nothing is overdue, 1 otherwise.

    \b
    Example: sitegen due --days 14
    """
    from sitegen.rules import duties, registry

    project = config.load(config_file)
    now = clock.now(given_date).astimezone(clock.SHANGHAI)
    today = now.date()
    facts, problems = _facts(project, now)
    numbers = registry.numbers(known := registry.load(project.content))
    found = [
        duty
        for duty in duties.all_duties(facts, today, numbers)
        if duty.is_due(today + timedelta(days=days)) and unit in (None, duty.unit)
    ]
    problems += facts.workdays.tell_unknown()
    late = [duty for duty in found if duty.by is None or duty.by < today]
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
        for duty in found:
            _tell(duty, known[duty.rule], facts, overdue=duty in late)
        click.echo(
            _("{late} overdue or wrong, {soon} due within {days} days").format(
                late=len(late), soon=len(found) - len(late), days=days
            )
        )
    raise SystemExit(1 if late or problems else 0)


def _tell(duty: Duty, rule: Rule, facts: Facts, *, overdue: bool) -> None:
    when = duty.by.isoformat() if duty.by else "—"
    unit = facts.records.unit_name(duty.unit) if duty.unit else "—"
    click.echo(f"{when}  {unit}  {rule.id} {rule.article}  {duty.problem.where}")
    click.echo(f"    {click.style(duty.problem.message, fg='red' if overdue else None)}")
    click.echo(f"    → {duty.problem.remedy}")


def _no_build() -> Problem:
    return Problem(
        path="build/state",
        code="due-no-build",
        severity="warning",
        message=_("nothing is known of the columns' texts: the city was not built here"),
        remedy=_("run `sitegen build`, then this command again"),
    )


def _facts(project: Project, now: datetime) -> tuple[Facts, list[Problem]]:
    """Reads records and sections; columns' newest dates come from what the last build knows."""
    from sitegen import inputs, lifecycle
    from sitegen.rules import messages, staff, surveys, topics, workdays
    from sitegen.rules.facts import Facts
    from sitegen.scan import scan
    from sitegen.state.shelf import BROKEN, Shelf

    everything = inputs.read(project, scan(project.content, {}))
    members = staff.load(project.content)
    calendar = workdays.load(project.content)
    letters, letter_problems = messages.load(project.content)
    plans, plan_problems = topics.load(project.content)
    held, survey_problems = surveys.load(project.content)
    lives = tuple(lifecycle.load_all(project.content))
    problems = [*members.problems, *calendar.problems, *letter_problems, *plan_problems, *survey_problems]
    retired = {source.rpartition("/")[0] for source in everything.retired if source.endswith("/index.md")}
    stamps: dict[str, float] = {}
    try:
        shelf = Shelf.open(project.state / "build.sqlite")
        try:
            stamps = shelf.newest_stamps()
        finally:
            shelf.close()
    except BROKEN:
        problems.append(_no_build())
    facts = Facts(
        site_url=project.site_url,
        sites=everything.tree.sites,
        columns={path: column for path, column in everything.tree.columns.items() if path not in retired},
        records=everything.records,
        staff=members,
        lifecycles=lives,
        newest={path: datetime.fromtimestamp(stamp, clock.SHANGHAI).date() for path, stamp in stamps.items()},
        messages=tuple(letters),
        workdays=calendar,
        now=now,
        plans=tuple(plans),
        surveys=tuple(held),
        online=_online(project, lives, held),
    )
    return facts, problems


def _online(project: Project, lives: Iterable[SiteRecord], held: Iterable[Survey]) -> frozenset[str]:
    """Of the addresses that records name, those that the live release answers."""
    events = (event for record in lives for event in record.events)
    named = {event.facts.get(key, "") for event in events for key in ("portal_notice", "own_notice")}
    named |= {survey.result for survey in held}
    return frozenset(
        url
        for url in named
        if url.startswith("/") and ".." not in url and (project.live / model.file_of(url)).is_file()
    )
