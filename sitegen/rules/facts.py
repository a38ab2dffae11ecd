"""What the rules about duties look at, and what they say: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sitegen.errors import Problem
from sitegen.lifecycle import SiteRecord
from sitegen.model import Column, Site
from sitegen.records import Records
from sitegen.rules.messages import Message
from sitegen.rules.staff import Staff
from sitegen.rules.submissions import Submission
from sitegen.rules.surveys import Survey
from sitegen.rules.topics import Plan
from sitegen.rules.workdays import Workdays
from sitegen.text import _

Numbers = Mapping[str, Any]
"""Parameters of the registry by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the rules look at; `now` is aware. `newest`: column → publication date of its newest listed text, no entry: it is blank.
    Columns that are retired are not among `columns`."""

    site_url: str
    sites: Mapping[str, Site]
    columns: Mapping[str, Column]
    records: Records
    staff: Staff
    lifecycles: tuple[SiteRecord, ...]
    newest: Mapping[str, date]
    messages: tuple[Message, ...]
    workdays: Workdays
    now: datetime
    plans: tuple[Plan, ...] = ()
    surveys: tuple[Survey, ...] = ()
    online: frozenset[str] = frozenset()
    """Of the addresses that records name, those that the live release answers."""
    submissions: tuple[Submission, ...] = ()
    cleared: frozenset[Submission] = frozenset()
    """Those whose text had passed the three reviews when it was submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """`by`: the last day on which it is still in time; None: it is wrong as it stands. `unit` answers for it."""

    rule: str
    unit: str
    by: date | None
    problem: Problem

    def is_due(self, until: date) -> bool:
        return self.by is None or self.by <= until

    def as_json(self) -> dict[str, object]:
        return {
            "rule": self.rule,
            "unit": self.unit,
            "by": self.by.isoformat() if self.by else None,
            **self.problem.as_json(),
        }


def is_late(by: date | None, on: date) -> bool:
    return by is None or on > by


def duty(
    rule: str,
    unit: str,
    by: date | None,
    *,
    code: str,
    path: str,
    key: str,
    message: str,
    remedy: str,
    late: bool = True,
) -> Duty:
    """What has merely become due with time is a warning; in time, it is a warning that nothing is wrong yet."""
    said = message if late or by is None else _("{message} (due {date})").format(message=message, date=by)
    problem = Problem(path=path, code=code, severity="warning", key=key, message=said, remedy=remedy)
    return Duty(rule=rule, unit=unit, by=by, problem=problem)
