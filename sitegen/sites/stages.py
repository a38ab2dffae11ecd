"""Where a site stands in its life, by its events, and which event may come next: pure rules (第十条, 第十二至十四条)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sitegen.errors import Problem
from sitegen.lifecycle import Event, SiteRecord
from sitegen.text import _

Stage = Literal["opening", "open", "suspended", "retiring", "retired"]
ID_CODE = r"(?:\d{10}|bm\d{8})"
"""网站标识码: 6 digits of the region and 4 of the site, or a ministry's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningStep:
    """`asked`: what its event must say."""

    event: str
    article: str
    asked: tuple[str, ...]


OPENING = (
    OpeningStep(event="open-approved", article="第十条", asked=("document", "by")),
    OpeningStep(event="mark-applied", article="第十条（一）", asked=("document", "by")),
    OpeningStep(event="icp-filed", article="第十条（二）", asked=("icp", "police", "by")),
    OpeningStep(event="security-tested", article="第十条（三）", asked=("level", "document", "by")),
    OpeningStep(event="code-issued", article="第十条（四）", asked=("code", "by")),
    OpeningStep(event="open-notice", article="第十条（五）", asked=("by",)),
)
"""The approval, then the five steps in their order. The site goes online with `code-issued`, not before."""
CODE = "code-issued"
BY_PEOPLE = ("banner", "mark-cancelled", "icp-cancelled", "police-cancelled", "domain-cancelled", "reported")
"""Steps of 第十二条 that offices take; `archive retire` records the others itself."""


def title_of(event: str) -> str:
    """What a step of the opening is called in the reader's language."""
    return {
        "open-approved": _("approval by 省政府办公厅"),
        "mark-applied": _("domain and 党政机关网站标识"),
        "icp-filed": _("ICP备案 and 公安备案"),
        "security-tested": _("等级保护测评 and 公安联网备案"),
        "code-issued": _("网站标识码 issued: the site may go online"),
        "open-notice": _("开通公告 on the portal"),
    }[event]


def stage_name(stage: Stage) -> str:
    return {
        "opening": _("being opened"),
        "open": _("open"),
        "suspended": _("offline for the time being"),
        "retiring": _("being retired"),
        "retired": _("retired"),
    }[stage]


def stage_of(record: SiteRecord) -> Stage:
    """A site whose record does not begin with its opening was there before the ledger: it is open."""
    stage: Stage = "opening" if any(event.event == OPENING[0].event for event in record.events) else "open"
    for event in record.events:
        match event.event:
            case "code-issued" | "resumed":
                stage = "open"
            case "suspended":
                stage = "suspended"
            case "approval":
                stage = "retiring"
            case "retired":
                stage = "retired"
    return stage


def withheld(records: tuple[SiteRecord, ...]) -> tuple[SiteRecord, ...]:
    """Sites that may not be published yet: opened by the ledger, and without a 标识码 (第十条（四）)."""
    return tuple(record for record in records if stage_of(record) == "opening")


def folder_of(site: str) -> str:
    """Folder under content/ of a site of ours; `portal` is the portal's, empty."""
    return "" if site == "portal" else site.replace("--", "/")


def id_of(folder: str) -> str:
    return folder.replace("/", "--") or "portal"


def next_step(record: SiteRecord | None) -> OpeningStep | None:
    """Of an opening; None when it is over or there is none."""
    if record is not None and record.events and record.first(OPENING[0].event) is None:
        return None
    done = {event.event for event in record.events} if record else set()
    return next((step for step in OPENING if step.event not in done), None)


def may_take(record: SiteRecord | None, site: str, event: Event) -> list[Problem]:
    """第十条: five steps after the approval, in order, none before the one before it; each says what it must."""
    step = next((one for one in OPENING if one.event == event.event), None)
    due = next_step(record)
    if step is None or due is None:
        return [
            _refuse("site-already-open", site, _("the site is open already"), _("see: {command}"), command=f"sitegen site status {site}")
        ]  # fmt: skip
    if step != due:
        message = _("{step} comes first ({article})").format(step=title_of(due.event), article=due.article)
        return [_refuse("open-order", site, message, _("record it first: {command}"), command=f"sitegen site open {site} --step {due.event}")]  # fmt: skip
    problems = _lacking(site, step, event)
    last = record.events[-1].on if record and record.events else None
    if last is not None and event.on < last:
        message = _("{date} is before the step before it, of {last} ({article})").format(
            date=event.on, last=last, article=step.article
        )
        problems.append(
            _refuse("open-date", site, message, _("give the day on which it happened: {command}"), command="--on")
        )
    code = event.facts.get("code")
    if code and not re.fullmatch(ID_CODE, code):
        message = _("“{code}” is no 网站标识码: ten digits, or bm and eight ({article})").format(
            code=code, article=step.article
        )
        problems.append(
            _refuse("id-code-form", site, message, _("copy it from the notice: {command}"), command="--code")
        )
    return problems


def _lacking(site: str, step: OpeningStep, event: Event) -> list[Problem]:
    return [
        _refuse(
            "event-fact-missing",
            site,
            _("this event must say `{key}` ({article})").format(key=key, article=step.article),
            _("run it again with {command}"),
            command=f"--{key}",
            key=key,
        )
        for key in step.asked
        if not event.facts.get(key)
    ]


def may_suspend(record: SiteRecord, event: Event, numbers: Mapping[str, Any]) -> list[Problem]:
    """第十三条: approved, at most 30 days, at most once a year; force majeure with a written report is not counted."""
    site, problems = record.site, []
    if (stage := stage_of(record)) != "open":
        message = _("the site is {stage}: only an open site goes offline for the time being (第十三条)").format(
            stage=stage_name(stage)
        )
        return [_refuse("suspend-not-open", site, message, _("see: {command}"), command=f"sitegen site status {site}")]
    chosen = event.facts.get("cause") != "force-majeure"
    for key in ("document" if chosen else "report", "by"):
        if not event.facts.get(key):
            message = _("this event must say `{key}` ({article})").format(key=key, article="第十三条")
            problems.append(_refuse("event-fact-missing", site, message, _("run it again with {command}"), command=f"--{key}", key=key))  # fmt: skip
    if not chosen:
        return problems
    longest, most = int(numbers["suspension_days"]), int(numbers["suspensions_a_year"])
    until = date.fromisoformat(event.facts["until"])
    days = (until - event.on).days + 1
    if not 0 < days <= longest:
        message = _("{days} days: a temporary offline takes 1 to {most} days (第十三条)").format(
            days=days, most=longest
        )
        problems.append(_refuse("suspend-too-long", site, message, _("choose fewer days, or retire the site: {command}"), command=f"sitegen site retire {site}", key="until"))  # fmt: skip
    before = [one for one in counted(record) if one.on.year == event.on.year]
    if len(before) >= most:
        message = _("the site was offline on {date} already: {most} time a year (第十三条)").format(
            date=before[0].on, most=most
        )
        problems.append(_refuse("suspend-again", site, message, _("wait for the next year; what was not chosen is recorded with {command}"), command="--force-majeure --report", key="events"))  # fmt: skip
    return problems


def last_day(event: Event) -> date | None:
    """The last day of a suspension; None where the record does not say one."""
    try:
        return date.fromisoformat(event.facts.get("until", ""))
    except ValueError:
        return None


def counted(record: SiteRecord) -> list[Event]:
    """Suspensions that count: all but force majeure with its written report (第十三条第三款)."""
    return [
        event
        for event in record.events
        if event.event == "suspended"
        and not (event.facts.get("cause") == "force-majeure" and event.facts.get("report"))
    ]


def may_resume(record: SiteRecord, event: Event) -> list[Problem]:
    last = record.last("suspended")
    if stage_of(record) != "suspended" or last is None:
        message = _("the site is {stage}: there is nothing to resume (第十三条)").format(stage=stage_name(stage_of(record)))  # fmt: skip
        return [_refuse("resume-not-suspended", record.site, message, _("see: {command}"), command=f"sitegen site status {record.site}")]  # fmt: skip
    if event.on < last.on:
        message = _("{date} is before the day on which it went offline, {last} (第十三条)").format(date=event.on, last=last.on)  # fmt: skip
        return [
            _refuse(
                "resume-date", record.site, message, _("give the day on which it happened: {command}"), command="--on"
            )
        ]
    return []


def may_retire(record: SiteRecord | None, site: str, event: Event, today: date) -> list[Problem]:
    """第十二条: what offices do, after the approval; nothing is skipped and nothing is said of a day to come."""
    approval = record.last("approval") if record else None
    if record is None or approval is None:
        message = _("the retirement is not approved yet (第十二条)")
        return [_refuse("retire-not-approved", site, message, _("write content/_archive/{site}.yml with its approval, then: {command}").replace("{site}", site), command=f"sitegen site retire {site}")]  # fmt: skip
    problems = []
    if not approval.on <= event.on <= today:
        message = _("{date} is not between the approval of {last} and today (第十二条)").format(date=event.on, last=approval.on)  # fmt: skip
        problems.append(
            _refuse("retire-date", site, message, _("give the day on which it happened: {command}"), command="--on")
        )
    notice = record.last("portal-notice")
    if event.event == "reported" and (notice is None or event.on < notice.on + timedelta(days=1)):
        message = _("the report comes after the notice on the portal (第十二条（四）)")
        problems.append(_refuse("retire-report-early", site, message, _("let the notice be published first: {command}"), command=f"sitegen site retire {site}"))  # fmt: skip
    return problems


def _refuse(code: str, site: str, message: str, remedy: str, command: str, key: str | None = None) -> Problem:
    return Problem(
        path=f"content/_records/sites/{site}.yml",
        code=code,
        key=key,
        message=message,
        remedy=remedy.replace("{command}", command),
    )
