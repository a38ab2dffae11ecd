"""One pure rule per measure: what an indicator finds on one site (国办秘函〔2019〕19号; 第十九条(四))."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from sitegen.errors import Problem
from sitegen.inspection.facts import Facts, Finding, Measured, SiteResult, by_site
from sitegen.inspection.profile import Indicator, Profile
from sitegen.model import Column, Site
from sitegen.text import _

_DAILY = "第十九条（四）"
_NEWS = frozenset({"政务动态"})
_NOTICES = frozenset({"通知公告", "政策文件"})
_IDENTITY = ("id_code", "icp", "police", "sponsor", "operator", "phone", "email", "address")
_STANDING = frozenset({"leader", "page"})
"""What a column of these holds changes when it must, not by the calendar; blank it may not be."""
_WEEK = timedelta(days=7)

_Found = Iterable[Problem]


def inspect(facts: Facts, profile: Profile) -> list[SiteResult]:
    """Every site by the whole profile, by path."""
    parts = by_site(facts)
    return [_site(parts[path], profile, site) for path, site in sorted(facts.sites.items())]


def _site(facts: Facts, profile: Profile, site: Site) -> SiteResult:
    measured = tuple(
        _MEASURES[indicator.measure](_Look(facts, profile, site, indicator))
        for indicator in profile.indicators
        if indicator.sites == "any" or site.kind != "department"
    )
    vetoed = any(one.vetoed for one in measured)
    score = None if vetoed else _score(facts, profile, site, measured)
    return SiteResult(
        site=site.path,
        title=site.title,
        unit=site.unit,
        measured=measured,
        score=score,
        passed=score is not None and score >= profile.number("pass_mark"),
    )


def _score(facts: Facts, profile: Profile, site: Site, measured: Iterable[Measured]) -> float:
    """Out of 100; a department without services is scored out of 75, then × 4/3."""
    full = profile.number("full_marks")
    counted = list(measured)
    part = full
    if site.kind == "department" and not any(c.holds == "service" for c in facts.columns_of(site.path)):
        part = profile.number("marks_without_services")
        counted = [one for one in counted if one.indicator.group != "办事服务"]
    left = max(part - sum(one.deducted for one in counted), 0.0)
    return round(left * full / part, 1)


class _Look:
    """One indicator looked at on one site; `facts` are those of that site."""

    def __init__(self, facts: Facts, profile: Profile, site: Site, indicator: Indicator) -> None:
        self.facts, self.profile, self.site, self.indicator = facts, profile, site, indicator

    @property
    def columns(self) -> list[Column]:
        return self.facts.columns_of(self.site.path)

    def number(self, name: str) -> float:
        return self.indicator.number(name)

    def result(self, problems: Iterable[Problem], *, vetoed: bool = False, unit: str = "") -> Measured:
        name = "veto_mend_days" if self.indicator.is_veto else "mend_days"
        by = self.facts.today + timedelta(days=int(self.profile.number(name)))
        article = f"{_DAILY}，{self.profile.document} {self.indicator.id} {self.indicator.name['zh']}"
        findings = tuple(
            Finding(
                indicator=self.indicator.id,
                article=article,
                site=self.site.path,
                unit=unit or self.facts.owner_of(problem.path),
                by=by,
                problem=problem,
            )
            for problem in problems
        )
        return Measured(indicator=self.indicator, findings=findings, vetoed=vetoed)

    def unknown(self, why: str) -> Measured:
        return Measured(indicator=self.indicator, looked=False, why=why)

    def report(self, code: str, path: str, message: str, remedy: str, key: str | None = None) -> Problem:
        severity = "error" if self.indicator.is_veto else "warning"
        return Problem(path=path, code=code, severity=severity, key=key, message=message, remedy=remedy)  # type: ignore[arg-type]


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last day: 08-31 less six months is 02-28."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# --- vetoes ----------------------------------------------------------------------------------------------------------


def _serious(look: _Look) -> Measured:
    """V1: one is enough: personal data, pages that were tampered with, hidden links, forged dates."""
    found = [*look.facts.serious, *_forged(look)]
    return look.result(found, vetoed=bool(found))


def _forged(look: _Look) -> Iterator[Problem]:
    limit = timedelta(hours=look.number("forged_hours"))
    for item in look.facts.forged:
        if item.published < item.signed - limit:
            yield look.report(
                "inspect-date-forged",
                f"content/{item.path}",
                _("says it was published {published}, but was first signed {signed}").format(
                    published=f"{item.published:%Y-%m-%d %H:%M}", signed=f"{item.signed:%Y-%m-%d %H:%M}"
                ),
                _("write the true time in `date`; for a migrated text name its source in `migrated_from`"),
                "date",
            )


def _availability(look: _Look) -> Measured:
    """V2: of at least 20 visits within a week, 5 % or more that do not open within 15 seconds."""
    limit, wanted = look.number("seconds"), int(look.number("visits_a_week"))
    since = look.facts.now - _WEEK
    week = [v for v in look.facts.visits if v.site == look.site.path and since < v.at <= look.facts.now]
    if len(week) < wanted:
        return look.unknown(
            _("{count} of {wanted} visits this week are on record, too few to judge by").format(
                count=len(week), wanted=wanted
            )
        )
    failed = [visit for visit in week if not visit.ok or visit.seconds > limit]
    if len(failed) * 100 < look.number("failed_percent") * len(week):
        return look.result([])
    problem = look.report(
        "inspect-unreachable",
        f"content/{look.site.source}",
        _("{failed} of {count} visits of this week did not open within {seconds} s").format(
            failed=len(failed), count=len(week), seconds=int(limit)
        ),
        _("find out with the operator what fails, and visit again"),
    )
    return look.result([problem], vetoed=True, unit=look.site.operator)


def _home(look: _Look) -> Measured:
    """V3: nothing that the home shows is younger than two weeks."""
    newest = max((look.facts.newest[c.path] for c in look.columns if c.path in look.facts.newest), default=None)
    days = int(look.number("days"))
    if newest is not None and (look.facts.today - newest).days <= days:
        return look.result([])
    problem = look.report(
        "inspect-home-stale",
        f"content/{look.site.source}",
        _("nothing new on the home page since {date}; {days} days are allowed").format(
            date=newest or _("(never)"), days=days
        ),
        _("publish in a column that the home page shows"),
    )
    return look.result([problem], vetoed=True)


def _columns(look: _Look) -> Measured:
    """V4: five stale columns of news, notices and policies; or ten overdue; or five blank."""
    news, months = int(look.number("news_days")), int(look.number("notice_months"))
    stale = [*_stale(look, _NEWS, news, 0), *_stale(look, _NOTICES, 0, months)]
    overdue, blank = list(_overdue(look)), list(_blank(look))
    reached = [
        problems
        for problems, name in ((stale, "stale_columns"), (overdue, "overdue_columns"), (blank, "blank_columns"))
        if len(problems) >= look.number(name)
    ]
    return look.result([problem for problems in reached for problem in problems], vetoed=bool(reached))


def _stale(look: _Look, classes: frozenset[str], days: int, months: int) -> Iterator[Problem]:
    """Columns of a class that hold something, and nothing that is new enough."""
    oldest = months_before(look.facts.today, months) if months else look.facts.today - timedelta(days=days)
    for column in look.columns:
        newest = look.facts.newest.get(column.path)
        if column.class_name in classes and column.kind == "column" and newest is not None and newest < oldest:
            yield look.report(
                "inspect-column-stale",
                f"content/{column.source}",
                _("{title}: newest text of {date}; the inspection asks for one since {oldest}").format(
                    title=column.title, date=newest, oldest=oldest
                ),
                _("publish in {title}").format(title=column.title),
            )


def _overdue(look: _Look) -> Iterator[Problem]:
    for column in look.columns:
        newest = look.facts.newest.get(column.path)
        if newest is None or not column.cadence_days or column.holds in _STANDING:
            continue
        if (look.facts.today - newest).days > column.cadence_days:
            yield look.report(
                "inspect-column-overdue",
                f"content/{column.source}",
                _("{title}: newest text of {date}; promised every {days} days").format(
                    title=column.title, date=newest, days=column.cadence_days
                ),
                _("publish in {title}, or promise less in `cadence_days`").format(title=column.title),
                "cadence_days",
            )


def _blank(look: _Look) -> Iterator[Problem]:
    parents = {path.rpartition("/")[0] for path in (*look.facts.columns, *look.facts.sites)}
    for column in look.columns:
        if column.path not in look.facts.newest and column.path not in parents and not column.body.strip():
            yield look.report(
                "inspect-column-blank",
                f"content/{column.source}",
                _("{title} is blank").format(title=column.title),
                _("publish in {title}, or take the column away").format(title=column.title),
            )


def _answers(look: _Look) -> Measured:
    """V5: no channel to ask; a message of the last year unanswered for more than three months."""
    found = []
    if not any(column.function == "互动交流" for column in look.columns) and look.site.kind != "department":
        found.append(
            look.report(
                "inspect-no-channel",
                f"content/{look.site.source}",
                _("citizens cannot ask anything here"),
                _("add a column with {line}").format(line="function: 互动交流"),
            )
        )
    today = look.facts.today
    since = months_before(today, int(look.number("channel_months")))
    limit = months_before(today, int(look.number("unanswered_months")))
    units = {look.site.unit, *(column.owner for column in look.columns)}
    for message in look.facts.messages:
        received = message.received.date()
        mine = message.unit in units if look.site.path else message.unit not in _other_units(look)
        if mine and message.answered is None and since <= received < limit:
            found.append(
                look.report(
                    "inspect-message-unanswered",
                    message.path,
                    _("received {date}, unanswered for more than {months} months").format(
                        date=received, months=int(look.number("unanswered_months"))
                    ),
                    _("answer it, then write `answered: {now}`").format(now=f"{look.facts.now:%Y-%m-%d %H:%M}"),
                )
            )
    return look.result(found, vetoed=bool(found))


def _other_units(look: _Look) -> set[str]:
    return {site.unit for path, site in look.facts.sites.items() if path}


def _services(look: _Look) -> Measured:
    """V6: no services at all, or guides that lack four classes of elements: five of them, or all when there are fewer."""
    guides = look.facts.guides
    offers = any(column.holds == "service" for column in look.columns)
    if not offers and look.site.kind == "department":
        return look.result([])
    if not guides:
        problem = look.report(
            "inspect-no-services",
            f"content/{look.site.source}",
            _("there is not one service guide"),
            _("publish service guides (sitegen new service)"),
        )
        return look.result([problem], vetoed=True)
    bad = [guide for guide in guides if len(guide.missing) >= look.number("missing_elements")]
    vetoed = len(bad) >= min(look.number("bad_items"), len(guides))
    return look.result([_incomplete(look, guide.path, guide.missing) for guide in bad] if vetoed else [], vetoed=vetoed)


def _incomplete(look: _Look, path: str, missing: Iterable[str]) -> Problem:
    return look.report(
        "inspect-guide-incomplete",
        f"content/{path}",
        _("the guide does not state: {elements}").format(elements="、".join(missing)),
        _("add what is missing to its front matter or its text"),
    )


# --- deductions ------------------------------------------------------------------------------------------------------


def _column(look: _Look) -> Measured:
    if any(column.class_name == look.indicator.of for column in look.columns):
        return look.result([])
    problem = look.report(
        "inspect-column-missing",
        f"content/{look.site.source}",
        _("no column of the class {name}").format(name=look.indicator.of),
        _("add a column with {line}").format(line=f"class: {look.indicator.of}"),
    )
    return look.result([problem])


def _stale_class(look: _Look) -> Measured:
    numbers = look.indicator.numbers
    days = int(look.number("days")) if "days" in numbers else 0
    months = int(look.number("months")) if "months" in numbers else 0
    return look.result(_stale(look, frozenset({look.indicator.of}), days, months))


def _relations(look: _Look) -> Measured:
    found = [
        look.report(
            "inspect-relation-broken",
            f"content/{path}",
            _("it names {id}, which is not published").format(id=stable_id),
            _("publish it, or correct the id"),
            how,
        )
        for path, how, stable_id in look.facts.broken_relations
    ]
    return look.result(found)


def _guides(look: _Look) -> Measured:
    return look.result(_incomplete(look, guide.path, guide.missing) for guide in look.facts.guides if guide.missing)


def _answers_public(look: _Look) -> Measured:
    """D13: the newest published answer is older than two months."""
    oldest = months_before(look.facts.today, int(look.number("months")))
    holding = [c for c in look.columns if c.holds == "message"]
    if not holding:
        return look.result([])
    newest = max((look.facts.newest[c.path] for c in holding if c.path in look.facts.newest), default=None)
    if newest is not None and newest >= oldest:
        return look.result([])
    problem = look.report(
        "inspect-answers-stale",
        f"content/{holding[0].source}",
        _("newest published answer of {date}").format(date=newest or _("(never)")),
        _("publish answers that others may find useful"),
    )
    return look.result([problem])


def _slow_answers(look: _Look) -> Measured:
    days = int(look.number("working_days"))
    found = []
    for message in look.facts.messages:
        end = look.facts.workdays.after(message.received, days)
        if message.answered is not None and message.answered > end and _is_mine(look, message.unit):
            found.append(
                look.report(
                    "inspect-answer-slow",
                    message.path,
                    _("answered {date}, later than {days} working days").format(
                        date=message.answered.date(), days=days
                    ),
                    _("find out with the unit why it took so long; hasten the next one (催办)"),
                )
            )
    return look.result(found)


def _is_mine(look: _Look, unit: str) -> bool:
    return unit == look.site.unit if look.site.path else unit not in _other_units(look)


def _identity(look: _Look) -> Measured:
    return look.result(
        look.report(
            "inspect-identity-missing",
            f"content/{look.site.source}",
            _("the footer lacks {key}").format(key=key),
            _("write: {line}").format(line=f"{key}: …"),
            key,
        )
        for key in _IDENTITY
        if not getattr(look.site, key)
    )


def _links_of(look: _Look, *, home: bool) -> Iterator[Problem]:
    for source, target in look.facts.dead_links:
        if (source == look.site.source) == home:
            yield look.report(
                "inspect-link-dead",
                f"content/{source}",
                _("it links to {path}, where nothing is published").format(path=target),
                _("correct the link, or take it out"),
            )


def _home_links(look: _Look) -> Measured:
    return look.result(_links_of(look, home=True))


def _links(look: _Look) -> Measured:
    return look.result([*_links_of(look, home=False), *look.facts.external])


def _by_hand(look: _Look) -> Measured:
    return look.unknown(_("a person looks at this"))


_MEASURES: dict[str, Callable[[_Look], Measured]] = {
    "serious": _serious,
    "availability": _availability,
    "home": _home,
    "columns": _columns,
    "answers": _answers,
    "services": _services,
    "column": _column,
    "stale": _stale_class,
    "relations": _relations,
    "blank": lambda look: look.result(_blank(look)),
    "overdue": lambda look: look.result(_overdue(look)),
    "writing": lambda look: look.result(look.facts.writing),
    "guides": _guides,
    "attachments": lambda look: look.result(look.facts.attachments),
    "answers-public": _answers_public,
    "slow-answers": _slow_answers,
    "identity": _identity,
    "home-links": _home_links,
    "links": _links,
    "by-hand": _by_hand,
}
