"""Duties that come from the life of sites, from topic plans, surveys and submissions: pure, one function per requirement."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

from sitegen.lifecycle import SiteRecord, stands_until
from sitegen.model import Site, url_of
from sitegen.rules import submissions
from sitegen.rules.facts import Duty, Facts, Numbers, duty, is_late
from sitegen.sites import filing, stages
from sitegen.text import _


def _day_of(year: int, month_and_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_and_day}")


def _record_of(facts: Facts, site: Site) -> SiteRecord | None:
    name = stages.id_of(site.path)
    return next((record for record in facts.lifecycles if record.site == name), None)


def _county_departments(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第九条: departments of counties, streets and communities open no site of their own without an approval."""
    counties = [site.path for site in facts.sites.values() if site.kind == "county"]
    for site in facts.sites.values():
        below = any(site.path.startswith(f"{county}/") for county in counties)
        record = _record_of(facts, site)
        approval = record.first(stages.OPENING[0].event) if record else None
        if site.kind == "department" and below and not (approval and approval.facts.get("document")):
            yield duty(
                "YZ-08", site.sponsor, None, code="duty-site-unapproved", path=f"content/{site.source}", key="kind",
                message=_("a department of a county has a site, and no approval is recorded"),
                remedy=_("make it a column of the county's portal, or record the approval: {command}").format(
                    command=f"sitegen site open {stages.id_of(site.path)} --step open-approved --document … --by …"
                ),
            )  # fmt: skip


def _openings(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十条: an opening goes on; after the 标识码 the portal announces the site (（五）)."""
    for record in facts.lifecycles:
        step = stages.next_step(record)
        if step is None or not record.events:
            continue
        last = record.events[-1].on
        by = last + timedelta(days=int(numbers["opening_step_days"]))
        path = f"content/_records/sites/{record.site}.yml"
        message = _("the opening waits since {date} for: {step}").format(date=last, step=stages.title_of(step.event))
        asked = " ".join(f"--{key} …" for key in step.asked)
        remedy = _("when it is done: {command}").format(
            command=f"sitegen site open {record.site} --step {step.event} {asked}"
        )
        late = is_late(by, today)
        if step.event == "open-notice":
            yield duty(
                "YZ-10", record.unit, by, code="duty-opening-notice", path=path, key=step.event,
                message=message, remedy=remedy, late=late,
            )  # fmt: skip
        else:
            yield duty(
                "YZ-09", record.unit, by, code="duty-opening-step", path=path, key=step.event,
                message=message, remedy=remedy, late=late,
            )  # fmt: skip


def _filings(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十四条: what changed since the last filing is filed."""
    for site in facts.sites.values():
        address = facts.site_url.rstrip("/") + url_of(site.source)
        now = filing.present(site, facts.columns.values(), address)
        changed = filing.changes(_record_of(facts, site), now)
        if changed:
            name = stages.id_of(site.path)
            yield duty(
                "YZ-16", site.sponsor, None, code="duty-change-unfiled", path=f"content/{site.source}", key=changed[0].key,
                message=_("not filed: {changes}").format(changes="; ".join(map(str, changed))),
                remedy=_("file it, then: {command}").format(command=f"sitegen site change {name} --document … --by …"),
            )  # fmt: skip


def _notices(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十条（五）, 第十三条, 第十四条: what was announced by a draft is read by citizens on its day."""
    rules = {"open-notice": "YZ-10", "suspended": "YZ-14", "domain-changed": "YZ-17"}
    for record in facts.lifecycles:
        for event in record.events:
            rule = rules.get(event.event)
            missing = [event.facts[key] for key in ("portal_notice", "own_notice") if event.facts.get(key)]
            for url in missing:
                if rule and url not in facts.online:
                    yield duty(
                        rule, record.unit, event.on, code="duty-notice-unpublished",
                        path=f"content{url.removesuffix('.html')}.md", key=record.site,
                        message=_("the notice of {event} of {date} is not published").format(
                            event=event.event, date=event.on
                        ),
                        remedy=_("have it reviewed, then build: {command}").format(
                            command=f"sitegen review status content{url.removesuffix('.html')}.md"
                        ),
                        late=is_late(event.on, today),
                    )  # fmt: skip


def _moved(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十四条: a change of domain names the notice that stands on the original site."""
    for record in facts.lifecycles:
        for event in record.events:
            if event.event == "domain-changed" and not event.facts.get("portal_notice"):
                yield duty(
                    "YZ-17", record.unit, None, code="duty-domain-notice", path=f"content/_records/sites/{record.site}.yml",
                    key=event.on.isoformat(),
                    message=_("the domain changed on {date}, and no notice is recorded").format(date=event.on),
                    remedy=_("announce it: {command}").format(
                        command=f"archive notice {record.site} --kind domain-change --from {event.on} --to …"
                    ),
                )  # fmt: skip


def _retirements(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十二条: a retirement that was announced goes on when its announcement has stood as long as it must."""
    for record in facts.lifecycles:
        event = record.last("portal-notice") or record.last("banner")
        if event is None or record.last("retired"):
            continue
        by = stands_until(event, int(numbers["notice_days"]))
        yield duty(
            "YZ-12", record.unit, by, code="duty-retirement-open", path=f"content/_records/sites/{record.site}.yml",
            key=event.event,
            message=_("the retirement was announced on {date}; the announcement stands until {until}").format(
                date=event.on, until=by
            ),
            remedy=_("see what is left, and on that day finish it: {command}").format(
                command=f"archive status {record.site}; archive retire {record.site}"
            ),
            late=is_late(by, today),
        )  # fmt: skip


def _domains(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十一条, 国办函〔2018〕55号: a department's domain is below that of its own government's portal."""
    portal = (urlsplit(facts.site_url).hostname or "").removeprefix("www.")
    for record in facts.lifecycles:
        moved = record.last("domain-changed")
        host = urlsplit(moved.facts.get("to", "") if moved else record.url).hostname or ""
        ours = stages.folder_of(record.site) in facts.sites
        if ours or not host or stages.stage_of(record) == "retired" or host == urlsplit(facts.site_url).hostname:
            continue
        if not re.fullmatch(str(numbers["department_domain"]), host) or not host.endswith(f".{portal}"):
            yield duty(
                "YZ-11", record.unit, None, code="duty-domain-department", path=f"content/_records/sites/{record.site}.yml",
                key="url",
                message=_("{host} is no domain of a department below {portal}").format(host=host, portal=portal),
                remedy=_("apply for one, then: {command}").format(command=f"sitegen site domain {record.site} --to …"),
            )  # fmt: skip


def _identity(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第六条: 标识码, ICP备案 and 公安备案 have their forms, agree on the province, and belong to one site."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for site in facts.sites.values():
        by_code[site.id_code].append(site.path)
        where = f"content/{site.source}"
        for key, value, pattern in (
            ("site_id_code", site.id_code, numbers["id_code_form"]),
            ("icp", site.icp, numbers["icp_form"]),
            ("police", site.police, numbers["police_form"]),
        ):
            if value and not re.fullmatch(str(pattern), value):
                yield duty(
                    "YZ-05", site.sponsor, None, code="duty-identity-form", path=where, key=key,
                    message=_("“{value}” has not the form of this number").format(value=value),
                    remedy=_("copy it from the certificate; forms are in `sitegen rules show YZ-05`"),
                )  # fmt: skip
        if not _one_province(site, numbers["provinces"]):
            yield duty(
                "YZ-05", site.sponsor, None, code="duty-identity-province", path=where, key="site_id_code",
                message=_("标识码 {code}, {icp} and {police} name different provinces").format(
                    code=site.id_code, icp=site.icp, police=site.police
                ),
                remedy=_("compare the three with their certificates"),
            )  # fmt: skip
        first = by_code[site.id_code][0]
        if site.id_code and first != site.path:
            yield duty(
                "YZ-05", site.sponsor, None, code="duty-identity-shared", path=where, key="site_id_code",
                message=_("标识码 {code} is that of content/{other} too").format(
                    code=site.id_code, other=f"{first}/index.md".lstrip("/")
                ),
                remedy=_("each site has a code of its own: correct the one that was copied"),
            )  # fmt: skip


def _one_province(site: Site, provinces: dict[str, str]) -> bool:
    """A ministry's code (bm…) names none. What has no form is told as such, not here."""
    numbers = {
        site.id_code[:2] if site.id_code[:2].isdigit() else "",
        provinces.get(site.icp[:1], ""),
        provinces.get(site.police[:1], ""),
        digits[0][:2] if (digits := re.findall(r"\d{14}", site.police)) else "",
    } - {""}
    return len(numbers) < 2


def _protection(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第六条, 第十条（三）: the portal's 等级保护 has its level, and is assessed again every year."""
    portal = facts.sites[""]
    record = _record_of(facts, portal)
    tested = record.last("security-tested") if record else None
    by = tested.on + timedelta(days=int(numbers["assessment_days"])) if tested else None
    command = "- {event: security-tested, date: …, level: '3', document: …, by: …}"
    where = "content/_records/sites/portal.yml"
    yield duty(
        "YZ-05", portal.operator, by, code="duty-assessment-old", path=where, key="security-tested",
        message=_("security assessed last on {date}, again every {days} days").format(
            date=tested.on if tested else _("(nowhere recorded)"), days=numbers["assessment_days"]
        ),
        remedy=_("have it assessed, then add under events: {line}").format(line=command),
        late=is_late(by, today),
    )  # fmt: skip
    if tested and tested.facts.get("level") != str(numbers["portal_level"]):
        yield duty(
            "YZ-05", portal.operator, None, code="duty-protection-level", path=where, key="level",
            message=_("level {level}: a portal is protected at level {asked}").format(
                level=tested.facts.get("level") or "—", asked=numbers["portal_level"]
            ),
            remedy=_("have it graded and assessed at that level, then add under events: {line}").format(line=command),
        )  # fmt: skip


def _deputies(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条（三）3: whoever stands in for a signer does so from a day to a day."""
    for person in facts.records.people.values():
        for role in person.roles:
            if role.deputy and (role.since is None or role.until is None):
                yield duty(
                    "YZ-32", person.unit, None, code="duty-deputy-undated", path="content/_records/people.yml", key=person.id,
                    message=_("a deputy for {columns} without first and last day").format(columns=", ".join(role.columns)),
                    remedy=_("write both: {line}").format(line="{…, deputy: true, from: 2026-11-01, until: 2026-11-15}"),
                )  # fmt: skip
                break


def _topic_plans(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第二十一条（四）: each content unit files one or two topic plans by the end of the first quarter."""
    least, most = int(numbers["plans_at_least"]), int(numbers["plans_at_most"])
    by = _day_of(today.year, str(numbers["plans_by"]))
    where = f"content/_records/topics/{today.year}.yml"
    for unit in sorted({column.owner for column in facts.columns.values()} - {""}):
        filed = [plan for plan in facts.plans if plan.unit == unit and plan.year == today.year]
        in_time = [plan for plan in filed if plan.filed_on <= by]
        if len(in_time) < least and (today <= by or len(filed) < least):
            yield duty(
                "YZ-42", unit, by, code="duty-plan-missing", path=where, key=unit,
                message=_("{count} topic plans for {year}; {least} to {most} are filed by {date}").format(
                    count=len(filed), year=today.year, least=least, most=most, date=by
                ),
                remedy=_("file one and write: {line}").format(
                    line=f"- {{unit: {unit}, title: …, filed_on: {today.isoformat()}}}"
                ),
                late=is_late(by, today),
            )  # fmt: skip
        if len(filed) > most:
            yield duty(
                "YZ-42", unit, None, code="duty-plans-many", path=where, key=unit,
                message=_("{count} topic plans for {year}: at most {most}").format(
                    count=len(filed), year=today.year, most=most
                ),
                remedy=_("join some of them, or leave them for the next year"),
            )  # fmt: skip


def _surveys(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条（五）: the result of a survey, the answers of an interview become public; enough of them are held a year."""
    for survey in facts.surveys:
        if survey.result and survey.result in facts.online:
            continue
        by = survey.ends + timedelta(days=int(numbers["survey_result_days"]))
        yield duty(
            "YZ-34", survey.unit, by, code="duty-survey-result", path=survey.path, key="result",
            message=_("“{title}” ended on {date}; its result is not public").format(title=survey.title, date=survey.ends),
            remedy=_("publish it, then write `result:` with the address of the page"),
            late=is_late(by, today),
        )  # fmt: skip
    held = sum(survey.begins.year == today.year for survey in facts.surveys)
    asked = int(numbers["surveys_a_year"])
    if held < asked:
        yield duty(
            "YZ-34", facts.sites[""].sponsor, date(today.year, 12, 31), code="duty-surveys-few", path="content/_records/surveys", key=str(today.year),
            message=_("{count} surveys and interviews in {year}; {asked} are asked for").format(
                count=held, year=today.year, asked=asked
            ),
            remedy=_("hold one and record it in content/_records/surveys/<id>.yml"),
            late=False,
        )  # fmt: skip


def _submissions(facts: Facts, today: date, numbers: Numbers) -> Iterator[Duty]:
    """第十九条（三）: what a superior site shall publish is submitted in time, after its three reviews."""
    for one in facts.submissions:
        where = f"content/{submissions.FOLDER}/{one.year}.yml"
        by = one.needed_on + timedelta(days=int(numbers["submission_days"]))
        if one.submitted is None:
            yield duty(
                "YZ-28", one.unit, by, code="duty-submission-missing", path=where, key=one.article,
                message=_("{to} shall publish content/{article}; it is not submitted").format(to=one.to, article=one.article),
                remedy=_("submit it after its sign-off, then write `submitted: {now}`").format(
                    now=f"{facts.now:%Y-%m-%d %H:%M}"
                ),
                late=is_late(by, today),
            )  # fmt: skip
        elif one not in facts.cleared:
            yield duty(
                "YZ-28", one.unit, None, code="duty-submission-unreviewed", path=where, key=one.article,
                message=_("submitted to {to} on {date} without its three reviews").format(to=one.to, date=one.submitted.date()),
                remedy=_("have it reviewed, and tell {to} what changed: {command}").format(
                    to=one.to, command=f"sitegen review status content/{one.article}"
                ),
            )  # fmt: skip


RULES: tuple[Callable[[Facts, date, Numbers], Iterable[Duty]], ...] = (
    _identity,
    _protection,
    _county_departments,
    _openings,
    _domains,
    _filings,
    _moved,
    _notices,
    _retirements,
    _deputies,
    _surveys,
    _topic_plans,
    _submissions,
)
