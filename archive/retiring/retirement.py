"""What the law still asks for before a site is retired, and by when: pure rules over what is recorded (第十二条, 第十五条)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from archive.decision import Decision
from archive.text import _
from sitegen import lifecycle
from sitegen.errors import Problem
from sitegen.lifecycle import SiteRecord

State = Literal["done", "due", "waiting", "refused"]

TWELVE = "第十二条"
FIFTEEN = "第十五条"
CANCELLED = (
    ("banner", "第十二条（一）"),
    ("mark-cancelled", "第十二条（二）"),
    ("icp-cancelled", "第十二条（二）"),
    ("police-cancelled", "第十二条（二）"),
    ("domain-cancelled", "第十二条（二）"),
)


def title_of(name: str) -> str:
    """What a step is called in the reader's language."""
    return {
        "approval": _("approval of the retirement"),
        "captured": _("capture and proof"),
        "published": _("publication of the archived pages"),
        "migrated": _("migration of the content"),
        "redirects": _("table of old and new addresses"),
        "built": _("the archived pages online"),
        "banner": _("迁移公告 in a prominent place on the old home page"),
        "mark-cancelled": _("党政机关网站标识 cancelled"),
        "icp-cancelled": _("ICP备案编号 cancelled"),
        "police-cancelled": _("公安机关备案标识 cancelled"),
        "domain-cancelled": _("domain cancelled"),
        "portal-notice": _("notice on the portal"),
        "notice-period": _("the notice stays as long as the rules ask"),
        "reported": _("report of the change to 国务院办公厅"),
        "retired": _("retirement completed"),
    }[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a retirement. `by`: the day by which, or until which; `on`: when it was done; `document` and `who`
    as the site's record has them.

    done      recorded or proved
    due       to be done next by people or by `archive retire`; the run ends well
    waiting   nothing to do until `by`
    refused   required, and not recorded: the retirement cannot go on without it
    """

    name: str
    article: str
    state: State
    detail: str = ""
    on: date | None = None
    by: date | None = None
    remedy: str = ""
    document: str = ""
    who: str = ""

    @property
    def title(self) -> str:
        return title_of(self.name)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "title": self.title,
            "article": self.article,
            "state": self.state,
            "detail": self.detail,
            "on": self.on.isoformat() if self.on else None,
            "by": self.by.isoformat() if self.by else None,
            "document": self.document,
            "who": self.who,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that the rules look at. `drafts`: migrated articles that wait for review; `notice` the portal notice's path
    under content/; `notice_live`: readers can open it; `built`: the live release carries the published capture;
    `notice_days`: how long a notice stands at least (rule YZ-12)."""

    site: str
    today: date
    own: bool
    decision: Decision
    record: SiteRecord | None
    captured: str | None
    published: str | None
    built: bool
    drafts: int
    migrated: int
    notice: str | None
    notice_live: bool
    redirects: bool
    notice_days: int

    def event_on(self, name: str) -> date | None:
        event = self.record.last(name) if self.record else None
        return event.on if event else None

    def line(self, event: str) -> str:
        """The exact line to add to the site's record."""
        entry = f"- {{event: {event}, date: {self.today.isoformat()}, document: …, by: …}}"
        return _("add to {path} under events:  {line}").format(
            path=f"content/_records/sites/{self.site}.yml", line=entry
        )


def steps(standing: Standing) -> list[Step]:
    """Every step in the order of the law; our own pages need no deregistration and no notice, and keep to the day that
    was announced on them."""
    found = [_approval(standing), _captured(standing)]
    if standing.own and announced_until(standing):
        found += [_recorded(standing, "banner", TWELVE), _notice_period(standing)]
    found.append(_published(standing))
    if not standing.own:
        found += [_migrated(standing), _redirects(standing)]
    found.append(_built(standing))
    if not standing.own:
        found += [_recorded(standing, *entry) for entry in CANCELLED]
        found += [_notice(standing), _notice_period(standing), _reported(standing, found)]
    return [_as_recorded(standing, step) for step in [*found, _retired(standing, found)]]


def _as_recorded(standing: Standing, step: Step) -> Step:
    """With the document number, and who did it."""
    event = standing.record.last(step.name) if standing.record and step.state == "done" else None
    if event is None:
        return step
    return replace(step, document=event.facts.get("document", ""), who=event.facts.get("by", ""))


def warnings(standing: Standing) -> list[Problem]:
    """Dates that the law does not forbid but that visitors or inspectors will stumble over."""
    found = []
    path = f"content/_records/sites/{standing.site}.yml"
    until = announced_until(standing)
    published = standing.event_on("published")
    if standing.own and until and published and published < until:
        found.append(
            Problem(
                path=path,
                code="retire-announced-early",
                severity="warning",
                key="published",
                message=_(
                    "the section was archived on {date}; its pages said that it stays until {until} (第十二条)"
                ).format(date=published, until=until),
                remedy=_("correct the date of `banner` or its `until`, or note the reason"),
            )
        )
    cancelled = standing.record.last("domain-cancelled") if standing.record else None
    if cancelled and "note" not in cancelled.facts and (until is None or cancelled.on < until):
        found.append(
            Problem(
                path=path,
                code="retire-domain-early",
                severity="warning",
                key="domain-cancelled",
                message=_(
                    "the domain was cancelled before the notice on the portal had stood for {days} days: visitors could not "
                    "read the 迁移公告 on the old address (第十二条)"
                ).format(days=standing.notice_days),
                remedy=(
                    _(
                        "keep the domain answering until {date}, or say in the event's `note` what was done about it"
                    ).format(date=until.isoformat())
                    if until
                    else _(
                        "keep the domain answering until the notice has stood for {days} days, or say in the event's `note` "
                        "what was done about it"
                    ).format(days=standing.notice_days)
                ),
            )
        )
    found += _undocumented(standing, path)
    banner, approval = standing.event_on("banner"), standing.event_on("approval")
    if banner and approval and banner < approval:
        found.append(
            Problem(
                path=path,
                code="retire-order",
                severity="warning",
                key="banner",
                message=_("the 迁移公告 was hung before the approval (第十二条: approval first)"),
                remedy=_("correct the date, or note the reason"),
            )
        )
    return found


def _undocumented(standing: Standing, path: str) -> list[Problem]:
    """第十二条（二）: whoever inspects it asks by which document, and who did it."""
    found = []
    for name, _article in (*CANCELLED, ("reported", "")):
        event = standing.record.last(name) if standing.record else None
        wanted = ("by",) if name == "banner" else ("document", "by")
        lacking = [key for key in wanted if event is not None and not event.facts.get(key)]
        if lacking:
            found.append(
                Problem(
                    path=path,
                    code="retire-step-undocumented",
                    severity="warning",
                    key=name,
                    message=_("{step}: the record does not say {keys}").format(
                        step=title_of(name), keys=", ".join(f"`{key}`" for key in lacking)
                    ),
                    remedy=_("add the document number as `document` and the unit or person as `by`"),
                )
            )
    return found


def refusals(found: list[Step], site: str) -> list[Problem]:
    """A Problem for each step that is required and not recorded."""
    return [
        Problem(
            path=f"content/_records/sites/{site}.yml",
            code="retire-step-missing",
            key=step.name,
            message=_("{step}: this is not recorded ({article})").format(step=step.title, article=step.article),
            remedy=step.remedy,
        )
        for step in found
        if step.state == "refused"
    ]


def announced_until(standing: Standing) -> date | None:
    """The first day on which the portal notice may come down, or a section of ours that was announced to end may end."""
    event = standing.record.last("banner" if standing.own else "portal-notice") if standing.record else None
    return lifecycle.stands_until(event, standing.notice_days) if event else None


def _approval(standing: Standing) -> Step:
    recorded = standing.event_on("approval")
    decided = standing.decision.approval
    if recorded or decided:
        document = decided.document if decided else ""
        return Step(
            name="approval",
            article=TWELVE,
            state="done",
            on=recorded or (decided.date if decided else None),
            detail=document,
        )
    return Step(
        name="approval",
        article=TWELVE,
        state="refused",
        remedy=_("write `{line}` into {path}").format(
            line=f"approval: {{document: 文号, date: {standing.today.isoformat()}}}", path=standing.decision.path
        ),
    )


def _captured(standing: Standing) -> Step:
    done = standing.event_on("captured")
    step = Step(name="captured", article=FIFTEEN, state="done", on=done, detail=standing.captured or "")
    if standing.captured and done:
        return step
    return Step(
        name="captured",
        article=FIFTEEN,
        state="due",
        remedy=_run_again(standing),
    )


def _published(standing: Standing) -> Step:
    if standing.published and standing.event_on("published"):
        return Step(
            name="published",
            article=FIFTEEN,
            state="done",
            on=standing.event_on("published"),
            detail=standing.published,
        )
    return Step(
        name="published",
        article=FIFTEEN,
        state="due",
        remedy=_run_again(standing),
    )


def _migrated(standing: Standing) -> Step:
    detail = _("{count} articles online").format(count=standing.migrated)
    if standing.drafts:
        detail = _("{count} articles online, {drafts} wait for review").format(
            count=standing.migrated, drafts=standing.drafts
        )
        return Step(
            name="migrated",
            article=TWELVE,
            state="due",
            detail=detail,
            remedy=_("review the drafts: `sitegen review status`, then `sitegen review approve …`"),
        )
    if not standing.published:
        return Step(
            name="migrated",
            article=TWELVE,
            state="due",
            remedy=_run_again(standing),
        )
    return Step(name="migrated", article=TWELVE, state="done", detail=detail)


def _redirects(standing: Standing) -> Step:
    if standing.redirects:
        return Step(
            name="redirects",
            article=FIFTEEN,
            state="done",
            detail=f"build/archive/{standing.site}/redirects.nginx, .csv",
        )
    return Step(
        name="redirects",
        article=FIFTEEN,
        state="due",
        remedy=_run_again(standing),
    )


def _built(standing: Standing) -> Step:
    if standing.built:
        return Step(name="built", article=FIFTEEN, state="done")
    return Step(name="built", article=FIFTEEN, state="due", remedy=_("run `sitegen build`"))


def _recorded(standing: Standing, name: str, article: str) -> Step:
    if on := standing.event_on(name):
        return Step(name=name, article=article, state="done", on=on)
    return Step(name=name, article=article, state="refused", remedy=standing.line(name))


def _notice(standing: Standing) -> Step:
    article = "第十二条（三）"
    if on := standing.event_on("portal-notice"):
        return Step(name="portal-notice", article=article, state="done", on=on, detail=standing.notice or "")
    if standing.notice is None:
        return Step(
            name="portal-notice",
            article=article,
            state="due",
            remedy=_("run `archive notice {site}`").format(site=standing.site),
        )
    return Step(
        name="portal-notice",
        article=article,
        state="due",
        detail=standing.notice,
        remedy=_("have {path} reviewed and signed: `{command}`").format(
            path=f"content/{standing.notice}",
            command=f"sitegen review approve content/{standing.notice} --as PERSON",
        ),
    )


def _notice_period(standing: Standing) -> Step:
    article = "第十二条（三）"
    until = announced_until(standing)
    if until is None:
        return Step(name="notice-period", article=article, state="due", detail=_("counted from the day of the notice"))
    if standing.today < until and not (standing.own and standing.event_on("published")):
        return Step(
            name="notice-period",
            article=article,
            state="waiting",
            by=until,
            detail=_("waiting until {date}").format(date=until.isoformat()),
        )
    return Step(name="notice-period", article=article, state="done", on=until)


def _reported(standing: Standing, before: list[Step]) -> Step:
    article = "第十二条（四）"
    if on := standing.event_on("reported"):
        return Step(name="reported", article=article, state="done", on=on)
    until = announced_until(standing)
    overdue = until is not None and standing.today >= until and all(step.state == "done" for step in before)
    return Step(
        name="reported",
        article=article,
        state="refused" if overdue else "due",
        by=until,
        remedy=standing.line("reported"),
    )


def _retired(standing: Standing, before: list[Step]) -> Step:
    if on := standing.event_on("retired"):
        return Step(name="retired", article=TWELVE, state="done", on=on)
    open_steps = [step.title for step in before if step.state != "done"]
    if open_steps:
        return Step(
            name="retired",
            article=TWELVE,
            state="due",
            detail=_("still open: {steps}").format(steps=_(", ").join(open_steps)),
        )
    return Step(name="retired", article=TWELVE, state="due", remedy=_run_again(standing))


def _run_again(standing: Standing) -> str:
    return _("run `archive retire {site}`").format(site=standing.site)
