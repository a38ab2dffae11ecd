"""The commands `sitegen site …`: a site's life step by step, each step with its article."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sitegen import clock, config, report
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.lifecycle import Event
from sitegen.sites import server, stages
from sitegen.text import _

if TYPE_CHECKING:
    from sitegen.sites.desk import Desk, Done, Standing

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_document = option("--document", default="", help="Number of the document that says so.")
_by = option("--by", default="", metavar="UNIT", help="Who did it: an id of content/_records/units.yml, or a name.")
_on = option("--on", "on", type=_DAY, help="The day on which it happened; default: today.")
_reason = option("--reason", default="", help="Why, in a few words.")
dry_run_option = option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")


def _step(command: Callable[..., None]) -> Callable[..., None]:
    """What every command that records something takes."""
    for decorate in (dry_run_option, date_option, json_option, config_option, _on, _by, click.argument("site")):
        command = decorate(command)
    return command


@click.group("site", cls=report.Group)
def sites() -> None:
    """A site's life by the law: opening, changes, suspension, domain, retirement (第十条 to 第十四条).

    \b
    sitegen site list
    sitegen site status jyj
    sitegen site suspend jyj --document 示政办函〔2026〕7号 --from 2026-12-01 --until 2026-12-05 --by jyj
    """


def _desk(config_file: Path, given_date: str | None, *, dry_run: bool = False) -> Desk:
    from sitegen.sites.desk import Desk

    return Desk.open(config.load(config_file), clock.now(given_date), dry_run=dry_run)


def _named(site: str) -> str:
    """The id of a site; a path under content/ is understood too. Raises UsageError."""
    name = site.removeprefix("content/").strip("/").replace("/", "--") or "portal"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        message, remedy = (
            _("“{site}” is no id of a site").format(site=site),
            _("see: {command}").format(command="sitegen site list"),
        )
        raise UsageError([Problem(path=site, code="site-name", message=message, remedy=remedy)])
    return name


@sites.command("list")
@config_option
@json_option
@date_option
@reporting
def list_sites(config_file: Path, as_json: bool, given_date: str | None) -> None:
    """Every site, where it stands in its life, and what is not filed.

    \b
    Example: sitegen site list --json
    """
    found = _desk(config_file, given_date).standings()
    if as_json:
        report.data([_as_json(one) for one in found])
        return
    for one in found:
        told = _(", {count} changes to file").format(count=len(one.changes)) if one.changes else ""
        click.echo(f"{one.id}  {one.name}  {stages.stage_name(one.stage)}{told}  {one.address}")


def _as_json(standing: Standing) -> dict[str, Any]:
    following = stages.next_step(standing.record) if standing.stage == "opening" else None
    return {
        "site": standing.id,
        "name": standing.name,
        "address": standing.address,
        "unit": standing.unit,
        "stage": standing.stage,
        "recorded": standing.record is not None,
        "next": following.event if following else None,
        "changes": [{"key": one.key, "old": one.old, "new": one.new} for one in standing.changes],
        "events": [
            {"event": event.event, "date": event.on.isoformat(), **event.facts}
            for event in (standing.record.events if standing.record else ())
        ],
    }


@sites.command()
@click.argument("site")
@config_option
@json_option
@date_option
@option(
    "--server", "web", type=click.Choice(server.SERVERS), help="Print what this web server needs while it is offline."
)
@reporting
def status(site: str, config_file: Path, as_json: bool, given_date: str | None, web: server.Server | None) -> None:
    """Where a site stands: steps that are done, the next one, changes that are not filed.

    \b
    Example: sitegen site status jyj --server nginx
    """
    desk = _desk(config_file, given_date)
    found = desk.standing(_named(site))
    if web is not None:
        last = found.record.last("suspended") if found.record and found.stage == "suspended" else None
        until = stages.last_day(last) if last else None
        if until is None:
            message = _("the site is {stage}").format(stage=stages.stage_name(found.stage))
            raise UsageError(
                [
                    Problem(
                        path=site,
                        code="site-not-suspended",
                        message=message,
                        remedy=_("see: {command}").format(command="sitegen site list"),
                    )
                ]
            )
        click.echo(server.configuration(web, found.id, stages.folder_of(found.id), until), nl=False)
        return
    if as_json:
        report.data(_as_json(found))
        return
    click.echo(f"{found.name}  {stages.stage_name(found.stage)}  {found.address}")
    if found.record is None:
        click.echo(
            _("nothing is recorded of it; file what it is: {command}").format(
                command=f"sitegen site change {found.id} --document … --by …"
            )
        )
    for event in found.record.events if found.record else ():
        more = ", ".join(
            f"{key}: {event.facts[key]}" for key in ("document", "by", "code", "until", "to") if event.facts.get(key)
        )
        click.echo(f"  {event.on}  {event.event}  {more}")
    if found.stage == "opening" or (found.record and stages.next_step(found.record) and found.record.events):
        _tell_next(found)
    for change in found.changes:
        click.echo(f"  {_('not filed')} (第十四条): {change}")


def _tell_next(found: Standing) -> None:
    step = stages.next_step(found.record)
    if step is not None:
        click.echo(_("next: {step} ({article})").format(step=stages.title_of(step.event), article=step.article))
        asked = " ".join(f"--{key} …" for key in step.asked)
        command = f"sitegen site open {found.id} --step {step.event} {asked}"
        click.echo(f"    → {command}")


@sites.command("open")
@_step
@option(
    "--step", "name_of_step", type=click.Choice([step.event for step in stages.OPENING]), help="Default: the next one."
)
@_document
@option("--name", default="", help="Of a site that has no folder under content/ yet.")
@option("--url", default="", help="Its address.")
@option("--unit", default="", help="Its sponsor.")
@option("--icp", default="", help="ICP备案编号.")
@option("--police", default="", help="公安备案号.")
@option("--level", default="", help="Level of 等级保护.")
@option("--code", default="", help="网站标识码.")
@reporting
def open_site(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    name_of_step: str | None,
    name: str,
    url: str,
    unit: str,
    **facts: str,
) -> None:
    """Record a step of an opening: the approval, then five steps in their order (第十条). Until the 网站标识码 is issued the
    site is not published.

    \b
    Example: sitegen site open kjj --step open-approved --document 示政办函〔2026〕70号 --by zfb
    """
    desk, site = _desk(config_file, given_date, dry_run=dry_run), _named(site)
    following = stages.next_step(desk.record(site))
    step = name_of_step or (following.event if following else stages.OPENING[-1].event)
    event = _event(desk, step, on, by=by, **facts)
    _finish(desk, desk.open_step(site, event, name=name, url=url, unit=unit), as_json)


@sites.command()
@_step
@_document
@reporting
def change(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    document: str,
) -> None:
    """List what differs from the state filed last; with --document, file it (第十四条).

    \b
    Example: sitegen site change jyj
             sitegen site change jyj --document 示教函〔2026〕12号 --by jyj
    """
    desk, site = _desk(config_file, given_date, dry_run=dry_run), _named(site)
    if document:
        _finish(desk, desk.file_changes(site, _event(desk, "filed", on, document=document, by=by)), as_json)
        return
    found = desk.standing(site)
    if as_json:
        report.data(_as_json(found))
    else:
        for one in found.changes:
            click.echo(str(one))
        click.echo(_("{count} changes to file (第十四条)").format(count=len(found.changes)))
    raise SystemExit(1 if found.changes else 0)


@sites.command()
@_step
@_document
@_reason
@option("--from", "start", type=_DAY, required=True, help="The first day.")
@option("--until", type=_DAY, required=True, help="The last day.")
@option(
    "--force-majeure", is_flag=True, help="断电、断网 or an ordered shutdown: not counted, when reported in writing."
)
@option("--report", "report_number", default="", help="Number of the written report on force majeure.")
@reporting
def suspend(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    document: str,
    reason: str,
    start: datetime,
    until: datetime,
    force_majeure: bool,
    report_number: str,
) -> None:
    """Take a site offline for the time being: approved, at most 30 days, once a year, announced on both sites (第十三条).

    \b
    Example: sitegen site suspend jyj --document 示政办函〔2026〕7号 --from 2026-12-01 --until 2026-12-05 --by jyj
    """
    desk = _desk(config_file, given_date, dry_run=dry_run)
    cause = "force-majeure" if force_majeure else ""
    event = _event(desk, "suspended", start, until=until.date().isoformat(), document=document, report=report_number, cause=cause, reason=reason, by=by)  # fmt: skip
    _finish(desk, desk.suspend(_named(site), event), as_json)


@sites.command()
@_step
@_document
@reporting
def resume(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    document: str,
) -> None:
    """Bring a suspended site back, and announce it (第十三条).

    \b
    Example: sitegen site resume jyj --by jyj
    """
    desk = _desk(config_file, given_date, dry_run=dry_run)
    _finish(desk, desk.resume(_named(site), _event(desk, "resumed", on, document=document, by=by)), as_json)


@sites.command()
@_step
@_document
@_reason
@option("--to", required=True, metavar="URL", help="The new address.")
@reporting
def domain(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    document: str,
    reason: str,
    to: str,
) -> None:
    """Change a site's domain: announced on the original site, every page leads to its new address (第十四条).

    \b
    Example: sitegen site domain kjj --to http://kx.example.gov.cn/ --document 示政办函〔2026〕9号 --by kjj
    """
    desk = _desk(config_file, given_date, dry_run=dry_run)
    event = _event(desk, "domain-changed", on, to=to, document=document, reason=reason, by=by)
    _finish(desk, desk.move(_named(site), event), as_json)


@sites.command()
@_step
@_document
@option("--step", "name_of_step", type=click.Choice(stages.BY_PEOPLE), help="Record what an office has done.")
@reporting
def retire(
    site: str,
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    dry_run: bool,
    by: str,
    on: datetime | None,
    document: str,
    name_of_step: str | None,
) -> None:
    """Retire a site: record what offices have done, and hand the rest to `archive retire` (第十二条).

    \b
    Example: sitegen site retire lyj --step icp-cancelled --document 示ICP备00000009号注销 --by whlyj
             sitegen site retire lyj
    """
    desk, site = _desk(config_file, given_date, dry_run=dry_run), _named(site)
    if name_of_step:
        _finish(desk, desk.retirement_step(site, _event(desk, name_of_step, on, document=document, by=by)), as_json)
        return
    command = [
        "status" if dry_run else "retire",
        site,
        *(["--json"] if as_json else []),
        *(["--date", given_date] if given_date else []),
    ]
    raise SystemExit(
        subprocess.run([sys.executable, "-m", "archive", *command], cwd=desk.project.root, check=False).returncode
    )


def _event(desk: Desk, event: str, on: datetime | None, **facts: str) -> Event:
    return Event(
        event=event, on=on.date() if on else desk.today, facts={key: said for key, said in facts.items() if said}
    )


def _finish(desk: Desk, done: Done, as_json: bool) -> None:
    if as_json:
        report.data({"dry_run": desk.dry_run, **done.as_json()})
        return
    if done.event:
        facts = ", ".join(f"{key}: {value}" for key, value in done.event.facts.items())
        click.echo(f"{done.event.on}  {done.event.event}  {facts}")
    for path in done.drafts:
        click.echo(_("draft: {path} (it passes the three reviews)").format(path=f"content/{path}"))
    for path in done.written:
        click.echo(_("written: {path}").format(path=path))
    if desk.dry_run:
        click.echo(_("nothing was written (--dry-run)"))


def register(program: click.Group) -> None:
    program.add_command(sites)
