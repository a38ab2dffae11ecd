"""What is due, overdue or missing by the records alone: one pure function per requirement, in the order of the articles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

from sitegen.ledger import STAGES
from sitegen.lifecycle import Event, SiteRecord
from sitegen.model import Site
from sitegen.rules import lives
from sitegen.rules.facts import Duty, Facts, Numbers, duty, is_late
from sitegen.rules.staff import CONTACTS, Member
from sitegen.text import _


def all_duties(facts: Facts, today: date, numbers: Numbers) -> list[Duty]:
    """By date, what is wrong as it stands first. Never raises for what a record holds."""
    found = [one for rule in (*_RULES, *lives.RULES) for one in rule(facts, today, numbers)]
    return sorted(found, key=lambda d: (d.by or date.min, d.rule, d.problem.path, d.problem.key or ""))


def _credentials(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第七条: passwords are changed and people trained periodically."""
    for member in facts.staff.members.values():
        yield _periodic(member, "password_changed_on", int(numbers["password_days"]), today, code="duty-password-old")
        yield _periodic(member, "trained_on", int(numbers["training_days"]), today, code="duty-training-old")


def _periodic(member: Member, field: str, days: int, today: date, *, code: str) -> Duty:
    last: date | None = getattr(member, field)
    by = last + timedelta(days=days) if last else None
    return duty(
        "YZ-06", member.unit, by, code=code, path="content/_records/people.yml", key=f"{member.id}.{field}",
        message=_("last on {date}, again every {days} days").format(date=last or _("(nowhere recorded)"), days=days),
        remedy=_("after it was done write {line}").format(line=f"{field}: {today.isoformat()}"),
        late=is_late(by, today),
    )  # fmt: skip


def _one_site(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第八条: a unit has at most one site."""
    by_unit: dict[str, list[Site]] = defaultdict(list)
    for site in facts.sites.values():
        by_unit[site.sponsor].append(site)
    for unit, sites in sorted(by_unit.items()):
        for site in sorted(sites, key=lambda site: site.path)[1:]:
            first = min(sites, key=lambda site: site.path)
            yield duty(
                "YZ-07", unit, None, code="duty-second-site", path=f"content/{site.source}", key="sponsor",
                message=_("{unit} sponsors {first} already: a unit has at most one site").format(unit=unit, first=first.title),
                remedy=_("make it a topic (kind: topic) of the first site, or correct `sponsor`"),
            )  # fmt: skip


def _domain(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十一条: the portal's domain is www.….gov.cn (国办函〔2018〕55号); sections are paths below it."""
    host = urlsplit(facts.site_url).hostname or ""
    if not re.fullmatch(str(numbers["portal_domain"]), host):
        yield duty(
            "YZ-11", facts.sites[""].sponsor, None, code="duty-domain", path="mkdocs.yml", key="site_url",
            message=_("{host} is no domain of a government portal").format(host=host),
            remedy=_("use the domain that was approved, www.….gov.cn"),
        )  # fmt: skip


def _suspensions(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十三条第二、三款: once a year, at most 30 days; force majeure with a written report is not counted."""
    longest, most = int(numbers["suspension_days"]), int(numbers["suspensions_a_year"])
    for record in facts.lifecycles:
        path = f"content/_records/sites/{record.site}.yml"
        counted: dict[int, int] = defaultdict(int)
        for event, end in _suspended(record):
            if event.facts.get("cause") == "force-majeure" and event.facts.get("report"):
                continue
            counted[event.on.year] += 1
            if counted[event.on.year] == most + 1:
                yield duty(
                    "YZ-14", record.unit, None, code="duty-suspended-twice", path=path, key=event.on.isoformat(),
                    message=_("offline for the time being more than {most} time in {year}").format(
                        most=most, year=event.on.year
                    ),
                    remedy=_("if it was force majeure write `cause: force-majeure` and the `report`'s number"),
                )  # fmt: skip
            by = event.on + timedelta(days=longest)
            if end is None or end > by:
                yield duty(
                    "YZ-14", record.unit, by, code="duty-suspended-long", path=path, key=event.on.isoformat(),
                    message=_("offline for the time being since {date}; at most {days} days are allowed").format(
                        date=event.on, days=longest
                    ),
                    remedy=_("bring the site back and add an event `resumed`"), late=is_late(by, end or today),
                )  # fmt: skip


def _suspended(record: SiteRecord) -> Iterator[tuple[Event, date | None]]:
    """Each `suspended` event with the day of the `resumed` event that ends it."""
    for number, event in enumerate(record.events):
        if event.event == "suspended":
            ends = (later.on for later in record.events[number + 1 :] if later.event in ("resumed", "retired"))
            yield event, next(ends, None)


def _columns_of_portal(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十六条: the portal publishes its leaders and its documents."""
    held = {column.holds for column in facts.columns.values() if column.site == ""}
    for kind, words in (("leader", _("leaders of the government")), ("policy", _("documents"))):
        if kind not in held:
            yield duty(
                "YZ-19", facts.sites[""].unit, None, code="duty-column-missing", path="content/index.md", key=kind,
                message=_("the portal has no column of {what}").format(what=words),
                remedy=_("add a column with {line}").format(line=f"holds: {kind}"),
            )  # fmt: skip


def _freshness(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十八条(三), 第十九条(一): a column is updated as often as promised; one that is not is changed or archived."""
    for column in facts.columns.values():
        newest = facts.newest.get(column.path)
        if newest is None or not column.cadence_days:
            continue  # a blank column is a matter of the inspection; 0 days: it is never due
        by = newest + timedelta(days=column.cadence_days)
        dead = newest + timedelta(days=int(column.cadence_days * numbers["dead_after_cadences"]))
        said = _("newest text of {date}; promised every {days} days").format(date=newest, days=column.cadence_days)
        if today > dead:
            yield duty(
                "YZ-23", column.owner, dead, code="duty-column-dead", path=f"content/{column.source}", key="cadence_days", message=said,
                remedy=_("publish, promise less in `cadence_days`, or retire it: archive retire content/{path}").format(
                    path=column.path
                ),
                late=True,
            )  # fmt: skip
        else:
            yield duty(
                "YZ-22", column.owner, by, code="duty-column-overdue", path=f"content/{column.source}", key="cadence_days", message=said,
                remedy=_("publish something in {title}").format(title=column.title), late=is_late(by, today),
            )  # fmt: skip


def _messages(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条(五), 第二十条(四): answered within 1 working day of being forwarded, then reviewed within half of one."""
    for message in facts.messages:
        if message.forwarded and not message.answered:
            end = facts.workdays.after(message.forwarded, numbers["answer_working_days"])
            yield duty(
                "YZ-34", message.unit, end.date(), code="duty-message-unanswered", path=message.path, key="answered",
                message=_("forwarded {begin}, to be answered by {end}").format(
                    begin=f"{message.forwarded:%Y-%m-%d %H:%M}", end=f"{end:%Y-%m-%d %H:%M}"
                ),
                remedy=_("answer it, then write `answered: {now}`").format(now=f"{facts.now:%Y-%m-%d %H:%M}"),
                late=True,
            )  # fmt: skip
        if message.answered and not message.reviewed:
            end = facts.workdays.after(message.answered, numbers["first_review_working_days"])
            yield duty(
                "YZ-39", facts.sites[""].operator, end.date(), code="duty-message-unreviewed", path=message.path,
                key="reviewed",
                message=_("answered {begin}, to be reviewed by {end}").format(
                    begin=f"{message.answered:%Y-%m-%d %H:%M}", end=f"{end:%Y-%m-%d %H:%M}"
                ),
                remedy=_("review the answer, then write `reviewed: {now}`").format(
                    now=f"{facts.now:%Y-%m-%d %H:%M}"
                ),
                late=True,
            )  # fmt: skip


def _accounts(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条(二), 第二十一条(一): accounts follow changes of staff the same day."""
    for member in facts.staff.members.values():
        for change in member.changes:
            if change.account_on is None or change.account_on > change.on:
                yield duty(
                    "YZ-24", member.unit, change.on, code="duty-account-late", path="content/_records/people.yml", key=member.id,
                    message=_("staff changed on {date}, the account {when}").format(
                        date=change.on, when=change.account_on or _("not yet")
                    ),
                    remedy=_("change the account the same day and write `account_on`"),
                    late=is_late(change.on, change.account_on or today),
                )  # fmt: skip


def _roles(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条(二): 编辑、审核、签发权限分离."""
    for person in facts.records.people.values():
        for column in facts.columns.values():
            held = [stage for stage in STAGES if person.may(stage, column.path, column.site, today)]
            if len(held) > 1:
                yield duty(
                    "YZ-24", person.unit, None, code="duty-two-roles", path="content/_records/people.yml", key=person.id,
                    message=_("holds {roles} in {column}").format(roles=", ".join(held), column=column.path),
                    remedy=_("give each role of a column to another person"),
                )  # fmt: skip
                break  # one column is enough to say it


def _languages(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条(二): a foreign-language column is reviewed by people who know the language."""
    for column in facts.columns.values():
        language = column.lang.partition("-")[0].lower()
        if language in ("", "zh"):
            continue
        able = {member.id for member in facts.staff.members.values() if language in member.languages}
        people = facts.records.people.values()
        if not any(p.id in able and p.may("review", column.path, column.site, today) for p in people):
            yield duty(
                "YZ-25", column.owner, None, code="duty-language", path=f"content/{column.source}", key="lang",
                message=_("nobody who reviews this column is recorded to know {language}").format(language=language),
                remedy=_("add the language to the reviewer's `languages`, or name another reviewer"),
            )  # fmt: skip


def _unit_contacts(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第二十一条(一): a content unit names its leader in charge, its office and its liaison."""
    for unit in sorted({column.owner for column in facts.columns.values()} & facts.staff.contacts.keys()):
        for key in CONTACTS:
            if not facts.staff.contacts[unit][key]:
                yield duty(
                    "YZ-40", unit, None, code="duty-unit-contact-missing", path="content/_records/units.yml", key=f"{unit}.{key}",
                    message=_("{unit} names no {key}").format(unit=facts.records.unit_name(unit), key=key),
                    remedy=_("write: {line}").format(line=f"{key}: …"),
                )  # fmt: skip


_RULES: tuple[Callable[[Facts, date, Numbers], Iterable[Duty]], ...] = (
    _credentials,
    _one_site,
    _domain,
    _suspensions,
    _columns_of_portal,
    _freshness,
    _messages,
    _accounts,
    _roles,
    _languages,
    _unit_contacts,
)
