"""The command `sitegen inspect`: the daily look, the quarter's result, what is open, and a running site's answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sitegen import clock, config, files, report
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError, in_order
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.config import Project
    from sitegen.inspection.facts import Finding, SiteResult
    from sitegen.inspection.gather import Gathered
    from sitegen.inspection.profile import Profile


@click.command()
@config_option
@json_option
@date_option
@option("--profile", "profile_name", default="gwyb-2019", show_default=True, help="The indicators to inspect by.")
@option("--indicators", is_flag=True, help="Print the indicators, their numbers and where each comes from.")
@option("--daily", is_flag=True, help="Write today's reading log into _records/inspections/, pre-filled.")
@option("--quarter", metavar="2026Q4", help="Write the result of a quarter: every site, every finding.")
@option("--open", "open_only", is_flag=True, help="List what is to be mended, by whom and until when.")
@option("--mended", metavar="ID", help="Say that a finding is mended; the next inspection looks whether it is.")
@option("--as", "person", metavar="PERSON", help="Who says so; an id in people.yml.")
@option("--site", "only_site", metavar="PATH", help="Only the findings of one site.")
@option("--live", metavar="URL", help="Visit the running sites at this address, and ask the hosts that texts link to.")
@option(
    "--links",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="With --live: how many links are asked at most.",
)
@option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one per core.")
@reporting
def inspect(
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    profile_name: str,
    indicators: bool,
    daily: bool,
    quarter: str | None,
    open_only: bool,
    mended: str | None,
    person: str | None,
    only_site: str | None,
    live: str | None,
    links: int,
    jobs: int,
) -> None:
    """Inspect every site by the state of the last build: vetoes, deductions, score; who mends what until when.

    Visits and answers of other hosts are kept in build/inspection/; 20 visits a week are what V2 is judged by. Exit 0 when
    every site passes, 1 otherwise.

    \b
    Example: sitegen inspect --daily
    Example: sitegen inspect --live https://www.example.gov.cn
    Example: sitegen inspect --quarter 2026Q4 --as shixun
    """
    from sitegen.inspection import gather, journal, profile

    project = config.load(config_file)
    now = clock.now(given_date).astimezone(clock.SHANGHAI)
    indicators_by = profile.load(profile_name, project.content)
    if indicators:
        _print_indicators(indicators_by)
    elif mended:
        _say_mended(project, mended, person, now.date())
    elif open_only:
        _print_open(project, now.date(), as_json=as_json)
    else:
        if quarter and ((bounds := journal.bounds(quarter)) is None or bounds[0] > now.date()):
            raise UsageError([_no_quarter(quarter)])
        if live:
            _visit(project, now, indicators_by, live)
        gathered = gather.gather(project, now, jobs=jobs)
        gathered = _with_links(project, gathered, indicators_by, links if live else None)
        _inspect(project, now, indicators_by, gathered, quarter, only_site, person, daily=daily, as_json=as_json)


def _visit(project: Project, now: datetime, profile: Profile, base: str) -> None:
    from sitegen import inputs
    from sitegen.inspection import live
    from sitegen.scan import scan

    sites = inputs.read(project, scan(project.content, {})).tree.sites
    seconds = next(one.number("seconds") for one in profile.indicators if one.measure == "availability")
    for answer, visit in live.visit(project, sites.values(), base, now, seconds):
        said = _("{seconds} s").format(seconds=visit.seconds)
        click.echo(f"{answer.status or answer.cause}  {said}  {answer.url}", err=True)


def _with_links(project: Project, gathered: Gathered, profile: Profile, most: int | None) -> Gathered:
    """`most`: how many links to other hosts are asked now; None: what is known of them is told."""
    from sitegen.inspection import external, live
    from sitegen.inspection import profile as profiles

    if most is None:
        known = external.load(live.links_file(project))
    else:
        seconds = next(one.number("seconds") for one in profile.indicators if one.measure == "availability")
        manners = live.manners_of(project, seconds)
        today = gathered.facts.today
        known = live.ask_links(project, gathered.external, today, gathered.spam, most, manners)
    told = live.told(gathered.external, known, profiles.settings(project.content), profile.number("external_failures"))
    return gathered._replace(facts=replace(gathered.facts, external=told))


def _inspect(
    project: Project,
    now: datetime,
    profile: Profile,
    gathered: Gathered,
    quarter: str | None,
    only_site: str | None,
    person: str | None,
    *,
    daily: bool,
    as_json: bool,
) -> None:
    from sitegen.inspection import journal, measures, mending
    from sitegen.inspection import profile as profiles

    results = [r for r in measures.inspect(gathered.facts, profile) if only_site in (None, r.site)]
    findings = [finding for result in results for finding in result.findings]
    written: list[str] = []
    if daily or quarter:
        if not only_site:
            mending.record(project.content, findings, now.date())
        settings = profiles.settings(project.content)
        if daily:
            written.append(_write_daily(project, now, gathered, findings, journal.person_on_duty(settings, now.date())))
        if quarter:
            known, _problems = mending.load(project.content)
            text = journal.quarter_record(quarter, now.date(), gathered.facts, profile, results, known, person or "")
            written.append(_write(project, f"{quarter}.yml", text))
    known, ledger_problems = mending.load(project.content)
    problems = in_order([*gathered.problems, *ledger_problems, *mending.overdue(known, now.date())])
    if as_json:
        report.data(_as_json(profile, results, problems, written))
    else:
        report.problems(problems)
        _print_results(gathered, results)
        for file in written:
            click.echo(_("written: {file}").format(file=file))
    raise SystemExit(
        0 if all(result.passed for result in results) and not any(p.severity == "error" for p in problems) else 1
    )


def _no_quarter(quarter: str) -> Problem:
    return Problem(
        path="--quarter",
        code="inspect-quarter-wrong",
        message=_("{quarter} is no quarter that has begun").format(quarter=quarter),
        remedy=_("write: {line}").format(line="--quarter 2026Q3"),
    )


def _write_daily(project: Project, now: datetime, gathered: Gathered, findings: list[Finding], duty: str) -> str:
    from sitegen.inspection import gather, journal

    day = now.date()
    begin = clock.midnight(day)
    items = gather.new_items(project, begin, begin + timedelta(days=1))
    return _write(project, f"{day}.yml", journal.daily_record(day, duty, items, findings, gathered.facts))


def _write(project: Project, name: str, text: str) -> str:
    """What a person has filled in is not written over."""
    from sitegen.inspection import journal

    path = project.content / journal.FOLDER / name
    if path.exists() and path.read_text(encoding="utf-8") != text:
        old = path.read_text(encoding="utf-8")
        if "read: true" in old or ("published_on: " in old and "published_on: null" not in old):
            raise UsageError(
                [
                    Problem(
                        path=f"content/{journal.FOLDER}/{name}",
                        code="inspect-record-filled",
                        message=_("somebody has filled in this record"),
                        remedy=_("keep it; take it away first if it is to be written anew"),
                    )
                ]
            )
    files.write_atomic(path, text.encode())
    return f"content/{journal.FOLDER}/{name}"


def _as_json(
    profile: Profile, results: list[SiteResult], problems: list[Problem], written: list[str]
) -> dict[str, object]:
    return {
        "profile": profile.id,
        "document": profile.document,
        "sites": [
            {
                "site": result.site,
                "title": result.title,
                "unit": result.unit,
                "passed": result.passed,
                "score": result.score,
                "vetoes": result.vetoes,
                "unlooked": [one.indicator.id for one in result.measured if not one.looked],
                "findings": [finding.as_json() for finding in result.findings],
            }
            for result in results
        ],
        "problems": [problem.as_json() for problem in problems],
        "written": written,
    }


def _print_results(gathered: Gathered, results: list[SiteResult]) -> None:
    for result in results:
        score = "—" if result.score is None else f"{result.score:g}"
        word = _("passed") if result.passed else _("failed")
        vetoes = f"  {' '.join(result.vetoes)}" if result.vetoes else ""
        click.echo(click.style(f"{word}  {score}  {result.title}{vetoes}", fg=None if result.passed else "red"))
        for one in result.measured:
            if not one.looked:
                click.echo(f"    {one.indicator.id} {one.indicator.title}: {_('not looked at')}: {one.why}")
            elif one.findings and one.indicator.points is not None:
                mark = " 未核实" if one.indicator.unverified else ""
                click.echo(f"    {one.indicator.id} {one.indicator.title}: −{one.deducted:g}{mark}")
        for finding in result.findings:
            unit = gathered.facts.records.unit_name(finding.unit)
            click.echo(f"    {finding.by}  {unit}  {finding.article}  {finding.problem.where}")
            click.echo(f"        {finding.problem.message}")
            click.echo(f"        → {finding.problem.remedy}")


def _print_indicators(profile: Profile) -> None:
    click.echo(profile.document)
    for one in profile.indicators:
        click.echo(f"{one.id}  {one.group}  {one.title}")
        named = {**one.numbers, **({"points": one.points} if one.points else {})}
        for name, number in named.items():
            mark = " 未核实" if number.confidence == "memory" else ""
            click.echo(f"    {one.id}.{name} = {number.value:g} ({number.source}){mark}")
    for name, number in profile.numbers.items():
        mark = " 未核实" if number.confidence == "memory" else ""
        click.echo(f"{name} = {number.value:g} ({number.source}){mark}")


def _print_open(project: Project, today: date, *, as_json: bool) -> None:
    from sitegen.inspection import mending

    known, problems = mending.load(project.content)
    waiting = sorted((one for one in known.values() if one.is_open), key=lambda one: (one.by, one.id))
    if as_json:
        report.data(
            [
                {"id": one.id, "found": str(one.found), "by": str(one.by), "said": one.person or None, **one.facts}
                for one in waiting
            ]
        )
    else:
        report.problems(problems)
        for one in waiting:
            late = one.by < today
            said = _(" (said to be mended by {person})").format(person=one.person) if one.said else ""
            click.echo(
                click.style(
                    f"{one.id}  {one.by}  {one.facts['unit']}  {one.facts['path']}{said}", fg="red" if late else None
                )
            )
            click.echo(f"    {one.facts['message']}")
    raise SystemExit(1 if any(one.by < today for one in waiting) else 0)


def _say_mended(project: Project, name: str, person: str | None, today: date) -> None:
    from sitegen import records
    from sitegen.inspection import mending

    people, _problems = records.load(project.content)
    if person is None or person not in people.people:
        raise UsageError(
            [
                Problem(
                    path="--as",
                    code="inspect-person-unknown",
                    message=_("{name} is not in _records/{file}").format(name=person or "?", file="people.yml"),
                    remedy=_("give the id of the person who mended it"),
                )
            ]
        )
    problem = mending.say_mended(project.content, name, person, today)
    if problem is not None:
        raise UsageError([problem])


def register(program: click.Group) -> None:
    program.add_command(inspect)
