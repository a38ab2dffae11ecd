"""The computed cells of the annual report, from the records and the state of the last build."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sitegen import inputs
from sitegen.clock import SHANGHAI
from sitegen.config import Project
from sitegen.errors import Problem, UsageError
from sitegen.model import Column, Site
from sitegen.reports import annual
from sitegen.reports.annual import Value
from sitegen.rules import messages
from sitegen.scan import scan
from sitegen.state.shelf import BROKEN, Shelf
from sitegen.text import _

_NEWS = frozenset({"政务动态"})
_OVERVIEW = frozenset({"概况信息", "机构职能", "负责人信息"})
_CATALOGUE = frozenset({"政策文件", "信息公开", "通知公告", "数据发布"})


def compute(project: Project, year: int, site: str) -> tuple[dict[str, Value], dict[str, int]]:
    """(cells, texts by column) of one site. Raises UsageError for an unknown site, and when the city was not built."""
    everything = inputs.read(project, scan(project.content, {}))
    if site not in everything.tree.sites:
        raise UsageError(
            [
                Problem(
                    path="--site",
                    code="annual-site-unknown",
                    message=_("there is no site at {path}").format(path=site),
                    remedy=_("choose one of: {names}").format(names=", ".join(sorted(everything.tree.sites))),
                )
            ]
        )
    begin, end = (datetime(y, 1, 1, tzinfo=SHANGHAI).timestamp() for y in (year, year + 1))
    try:
        shelf = Shelf.open(project.state / "build.sqlite")
        try:
            counts, before = shelf.counts_between(begin, end), shelf.counts_between(0, begin)
            services = {path: count for path, count in shelf.counts().items() if path in everything.tree.columns}
        finally:
            shelf.close()
    except BROKEN as error:
        raise UsageError([_no_build(str(error))]) from error
    columns = [c for _path, c in sorted(everything.tree.columns.items()) if c.site == site]
    units = {unit.id: unit.name for unit in everything.records.units.values()}
    letters, _problems = messages.load(project.content)
    found = {
        **annual.identity(everything.tree.sites[site], project.site_url, units),
        **_texts(columns, counts, before, services),
        **_letters(letters, year, everything.tree.sites, site),
    }
    return found, {column.title: counts.get(column.path, 0) for column in columns}


def _texts(
    columns: list[Column], counts: Mapping[str, int], before: Mapping[str, int], listed: Mapping[str, int]
) -> dict[str, Value]:
    def of(classes: frozenset[str]) -> int:
        return sum(counts.get(c.path, 0) for c in columns if c.class_name in classes)

    topics = [c for c in columns if c.kind == "topic" and c.path.count("/")]
    return {
        "published": sum(counts.get(c.path, 0) for c in columns),
        "published_overview": of(_OVERVIEW),
        "published_news": of(_NEWS),
        "published_catalogue": of(_CATALOGUE),
        "topics": len(topics),
        "topics_new": sum(c.path not in before and c.path in counts for c in topics),
        "interpretations": of(frozenset({"政策解读"})),
        "responses": of(frozenset({"回应关切"})),
        "services": sum(listed.get(c.path, 0) for c in columns if c.holds == "service"),
        "service_catalogue": any(c.holds == "service" for c in columns),
        "languages": any(not c.lang.lower().startswith("zh") for c in columns),
    }


def _letters(letters: list[messages.Message], year: int, sites: Mapping[str, Site], site: str) -> dict[str, Value]:
    """Of this site's unit; the portal has those of every unit that has no site. Nothing is said where nothing is kept."""
    units = {one.unit for path, one in sites.items() if path}
    mine = [
        one
        for one in letters
        if one.received.year == year and (one.unit == sites[site].unit if site else one.unit not in units)
    ]
    if not mine:
        return {}
    took = [(one.answered - one.received).total_seconds() / 86400 for one in mine if one.answered]
    return {
        "messages_received": len(mine),
        "messages_answered": len(took),
        "messages_days": round(sum(took) / len(took), 1) if took else 0,
        "messages_published": sum(one.published is not None for one in mine),
    }


def _no_build(reason: str) -> Problem:
    return Problem(
        path="build/state",
        code="annual-no-build",
        message=_("nothing is known of the pages: {reason}").format(reason=reason),
        remedy=_("run `sitegen build`, then this command again"),
    )
