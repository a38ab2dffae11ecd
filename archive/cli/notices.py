"""The command that writes notices: of a retirement, and of the other turns in a site's life."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from archive import cli, decision
from archive.cli import retiring
from archive.publishing import published
from archive.retiring import runbook
from sitegen import files
from sitegen.sites import notice as announcements
from sitegen.sites.notice import Facts

KINDS = ("retirement", *announcements.KINDS)
_day = click.DateTime(formats=["%Y-%m-%d"])


def register(group: click.Group) -> None:
    group.add_command(notice_command)


@click.command("notice", cls=cli.Command)
@click.argument("site")
@cli.make_option("--kind", type=click.Choice(KINDS), default="retirement", show_default=True, help="What is announced.")
@cli.make_option("--document", default="", help="Number of the document that approves it.")
@cli.make_option("--from", "start", type=_day, help="The first day.")
@cli.make_option("--until", type=_day, help="The last day of a temporary offline.")
@cli.make_option("--to", default="", help="The new address after a change of domain.")
@cli.make_option("--reason", default="", help="Why, in a few words.")
@cli.make_option("--force-majeure", is_flag=True, help="The offline was not chosen, so it is not counted (第十三条).")
@retiring.dry_run_option
@retiring.places
@cli.json_option
def notice_command(
    site: str,
    kind: str,
    document: str,
    start: datetime | None,
    until: datetime | None,
    to: str,
    reason: str,
    force_majeure: bool,
    dry_run: bool,
    content: Path,
    place: Path,
    public: Path,
    given_date: str | None,
    as_json: bool,
) -> None:
    """Write a notice as a draft for the portal, and what the law wants on the site's own home page (第十条,
    第十二条 to 第十四条).

    \b
    Example: archive notice lyj
    archive notice lyj --kind temporary-offline --document 示政办函〔2026〕7号 --from 2026-12-01 --until 2026-12-05
    """
    with cli.reporting(as_json):
        desk = retiring.desk_at(content, place, public, given_date)
        site = retiring.site_named(site)
        if kind == "retirement":
            drafts = runbook.write_notices(
                desk, decision.load(content, site), published.newest_index(public, site), dry_run=dry_run
            )
            banner: str | None = f"{(place / site).as_posix()}/banner.html"
        else:
            facts = Facts(
                document=document,
                start=_date(start),
                until=_date(until),
                to=to,
                reason=reason,
                force_majeure=force_majeure,
            )
            drafts, banner = _announce(desk, kind, site, facts, dry_run=dry_run)
        lines = [*([banner] if banner else []), *(f"content/{path}" for path in drafts)]
        cli.finish({"banner": banner, "drafts": drafts}, lines, [], as_json)


def _announce(desk: runbook.Desk, kind: str, site: str, facts: Facts, *, dry_run: bool) -> tuple[list[str], str | None]:
    """(drafts, file for the site's own home page)."""
    chosen = next(one for one in announcements.KINDS if one == kind)
    notice, fragment = announcements.draft(chosen, site, facts, content=desk.content, now=desk.now, dry_run=dry_run)
    banner = desk.store / site / f"banner-{kind}.html"
    if fragment and not dry_run:
        files.write_atomic(banner, fragment.encode())
    return [notice.path], banner.as_posix() if fragment else None


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
