"""A look at what runs: the sites as citizens reach them, and the hosts that published texts link to. Facts go to `build/`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sitegen.config import Project
from sitegen.errors import Problem, UsageError
from sitegen.inspection import external, probe, visits
from sitegen.inspection.external import Seen
from sitegen.inspection.facts import Visit
from sitegen.inspection.probe import Answer, Manners
from sitegen.model import Site, url_of
from sitegen.text import _


def visits_file(project: Project) -> Path:
    return project.build / "inspection" / "visits.jsonl"


def links_file(project: Project) -> Path:
    return project.build / "inspection" / "external.json"


def manners_of(project: Project, seconds: float, allowed: Sequence[str] = ()) -> Manners:
    return Manners(name=f"sitegen-inspect (+{project.site_url})", seconds=seconds, allowed=allowed)


def visit(
    project: Project, sites: Iterable[Site], base: str, now: datetime, seconds: float
) -> list[tuple[Answer, Visit]]:
    """The home page of each site below `base`, asked once. The host of `base` is named by a person: it may be a test server
    on this machine. An answer may take twice the limit, so that it is known how much too slow it was.

    Raises UsageError when `base` is no address.
    """
    try:
        parts = urlsplit(base)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        host = None
    if not host:
        raise UsageError([_no_address(base)])
    listed = sorted(sites, key=lambda site: site.path)
    manners = manners_of(project, 2 * seconds, [host])
    answers = probe.ask_all([base.rstrip("/") + url_of(site.source) for site in listed], manners)
    paths = [site.path for site in listed]
    recorded = visits.append(visits_file(project), now, zip(paths, answers, strict=True))
    return list(zip(answers, recorded, strict=True))


def ask_links(
    project: Project, linked: Iterable[tuple[str, str]], today: date, spam: re.Pattern[str], most: int, manners: Manners
) -> dict[str, Seen]:
    """Asks at most `most` of the addresses that nobody asked today, and keeps what is still linked. All that is known."""
    urls = {url for url, _path in linked}
    known = {url: seen for url, seen in external.load(links_file(project)).items() if url in urls}
    for answer in probe.ask_all(external.to_ask(urls, known, today)[:most], manners):
        known[answer.url] = external.noted(known.get(answer.url), answer, today, spam)
    external.save(links_file(project), known)
    return known


def told(
    linked: Sequence[tuple[str, str]], known: Mapping[str, Seen], settings: Mapping[str, Any], failures: float
) -> tuple[Problem, ...]:
    """`settings`: of `_records/inspection.yml`, whose `external` says which changed pages a person has looked at."""
    said = settings.get("external")
    looked_at = {str(url): day for url, day in said.items() if type(day) is date} if isinstance(said, dict) else {}
    return tuple(external.problems(linked, known, looked_at, failures=int(failures)))


def _no_address(base: str) -> Problem:
    return Problem(
        path="--live",
        code="inspect-live-address",
        message=_("{url} is no address of a site").format(url=base),
        remedy=_("write: {line}").format(line="--live https://www.example.gov.cn"),
    )
