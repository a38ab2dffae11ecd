"""What falls due as a calendar that a phone or an office program subscribes to (RFC 5545)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta

from icalendar import Calendar, Event

from sitegen.rules.facts import Duty, Facts
from sitegen.rules.registry import Rule


def ics(duties: Iterable[Duty], rules: Mapping[str, Rule], facts: Facts, host: str) -> bytes:
    """One all-day event for each duty with a date, on its last day in Asia/Shanghai. A duty keeps its UID as long as it
    is the same: what (code), where (path, key) and by when."""
    calendar = Calendar()
    calendar.add("prodid", "-//sitegen//due//ZH")
    calendar.add("version", "2.0")
    calendar.add("X-WR-CALNAME", "政府网站责任清单")
    calendar.add("X-WR-TIMEZONE", "Asia/Shanghai")
    for duty in duties:
        if duty.by is None:
            continue
        rule, problem = rules[duty.rule], duty.problem
        named = "\0".join((problem.code, problem.path, problem.key or "", duty.by.isoformat()))
        event = Event()
        event.add("uid", f"{hashlib.sha256(named.encode()).hexdigest()[:32]}@{host}")
        event.add("dtstamp", facts.now.astimezone(UTC))
        event.add("dtstart", duty.by)
        event.add("dtend", duty.by + timedelta(days=1))
        unit = facts.records.unit_name(duty.unit)
        event.add("summary", f"{unit}：{problem.message}（{rule.article}）")
        event.add("description", f"{rule.id} {rule.article}\n{problem.where}\n{problem.message}\n→ {problem.remedy}")
        event.add("categories", [unit])
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    data: bytes = calendar.to_ical()
    return data
