"""Front matter values turned into typed ones; each thing that is wrong becomes a Problem at its line."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sitegen import frontmatter
from sitegen.errors import Problem
from sitegen.frontmatter import FrontMatter, as_list, as_text
from sitegen.model import Details, Interpretation, Leader, Message, Plain, Policy, Service
from sitegen.text import _


@dataclass(slots=True)
class Fields:
    """Front matter values turned into typed ones; each thing that is wrong becomes a Problem at its line."""

    path: str
    matter: FrontMatter
    problems: list[Problem]

    def has(self, key: str) -> bool:
        return bool(self.matter.values.get(key))

    def text(self, key: str) -> str:
        return as_text(self.matter.values.get(key)).strip()

    def report(self, code: str, key: str | None, message: str, remedy: str, *, warning: bool = False) -> None:
        self.problems.append(
            Problem(
                path=f"content/{self.path}",
                line=self.matter.lines.get(key, 1) if key else 1,
                code=code,
                severity="warning" if warning else "error",
                key=key,
                message=message,
                remedy=remedy,
            )
        )

    def require(self, *keys: str) -> None:
        for key in keys:
            if not self.has(key):
                line = f"{key}: {_EXAMPLES.get(key, '…')}"
                self.report(
                    "field-missing",
                    key,
                    _("{key} is missing or empty").format(key=key),
                    _("add a line: {line}").format(line=line),
                )

    def one_of(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(key)
        if value and value not in allowed:
            self.report(
                "field-value",
                key,
                _("“{value}” is not allowed here").format(value=value),
                _("use one of: {values}").format(values=", ".join(allowed)),
            )
        return value if value in allowed else default

    def number(self, key: str, default: int) -> int:
        value = self.text(key)
        if value and not re.fullmatch(r"\d{1,6}", value):
            self.report(
                "field-value",
                key,
                _("“{value}” is not a whole number").format(value=value),
                _("write: {line}").format(line=f"{key}: {default}"),
            )
            return default
        return int(value) if value else default

    def day(self, key: str) -> date | None:
        value = self.text(key)
        if not value:
            return None
        try:
            return frontmatter.parse_date(value)
        except ValueError:
            self._bad_date(key, value, "2026-11-22")
            return None

    def moment(self, key: str, *, warn_without_time: bool = False) -> datetime | None:
        value = self.text(key)
        if not value:
            return None
        try:
            moment, timed = frontmatter.parse_moment(value)
        except ValueError:
            self._bad_date(key, value, "2026-11-22 09:30")
            return None
        if warn_without_time and not timed:
            self.report(
                "date-without-time",
                key,
                _("the date has no time of day; 00:00 is taken"),
                _("write: {line}").format(line=f"{key}: {value} 09:30"),
                warning=True,
            )
        return moment

    def _bad_date(self, key: str, value: str, example: str) -> None:
        self.report(
            "date-impossible",
            key,
            _("“{value}” is not a date").format(value=value),
            _("write: {line}").format(line=f"{key}: {_nearest_date(value) or example}"),
        )


def _nearest_date(value: str) -> str:
    """`2026-02-30 14:00` → `2026-02-28 14:00`: the editor's own line with the last day there is; empty if it is no date."""
    match = re.fullmatch(
        r"(\d{4})([-/.年])(\d{1,2})([-/.月])(\d{1,2})(日?(?:[ T]+([01]?\d|2[0-3])[:：][0-5]\d)?)", value
    )
    if match is None or not 1900 <= int(match[1]) <= 2200:
        return ""
    month = min(max(int(match[3]), 1), 12)
    day = min(max(int(match[5]), 1), calendar.monthrange(int(match[1]), month)[1])
    return f"{match[1]}{match[2]}{month:02d}{match[4]}{day:02d}{match[6]}"


_EXAMPLES = {
    "title": "标题",
    "date": "2026-11-22 09:30",
    "source": "市教育局",
    "doc_number": "示教发〔2026〕12号",
    "index_number": "000000012/2026-00031",
    "written_on": "2026-11-20",
    "validity": "有效",
    "interprets": "t20261008_2001",
    "cadence_days": "14",
    "signer": "jyj-qianfa",
    "phone": "0000-1234567",
    "received_on": "2026-11-03",
    "replied_on": "2026-11-05",
}


def _plain(fields: Fields) -> Details:
    return Plain()


def _policy(fields: Fields) -> Details:
    fields.require("doc_number", "index_number", "issuer", "written_on", "validity")
    written_on = fields.day("written_on")
    return Policy(
        doc_number=fields.text("doc_number"),
        index_number=fields.text("index_number"),
        issuer=fields.text("issuer"),
        written_on=written_on or date.min,
        effective_on=fields.day("effective_on"),
        subject=as_list(fields.matter.values.get("subject")),
        validity=fields.one_of("validity", ("有效", "失效", "废止", "已修改"), "有效"),
        replaces=fields.text("replaces"),
        replaced_by=fields.text("replaced_by"),
    )


def _interpretation(fields: Fields) -> Details:
    fields.require("interprets")
    return Interpretation(
        interprets=as_list(fields.matter.values.get("interprets")), form=fields.text("form") or "文字"
    )


def _service(fields: Fields) -> Details:
    fields.require("item_type", "legal_limit", "promised_limit", "fee", "place", "hours", "phone", "complaint_phone")
    names = (
        "item_type audience theme life_event legal_limit promised_limit fee place hours phone complaint_phone"
    ).split()
    return Service(**{name: fields.text(name) for name in names})


def _message(fields: Fields) -> Details:
    fields.require("from", "received_on", "replied_on", "replied_by")
    received, replied = fields.day("received_on"), fields.day("replied_on")
    return Message(
        message_type=fields.text("message_type") or "咨询",
        sender=fields.text("from"),
        received_on=received or date.min,
        replied_on=replied or date.min,
        replied_by=fields.text("replied_by"),
    )


def _leader(fields: Fields) -> Details:
    fields.require("position")
    return Leader(position=fields.text("position"), duties=fields.text("duties"), order=fields.number("order", 100))


DETAILS: Mapping[str, Callable[[Fields], Details]] = {
    "article": _plain,
    "page": _plain,
    "policy": _policy,
    "interpretation": _interpretation,
    "service": _service,
    "message": _message,
    "leader": _leader,
}
