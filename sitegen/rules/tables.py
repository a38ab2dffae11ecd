"""Tables that the records add up to: how long letters waited (第十九条（五）), who keeps which column (第十八条（三）). Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from sitegen.rules.facts import Facts, Numbers
from sitegen.rules.messages import Message

Row = dict[str, object]


def messages(facts: Facts, numbers: Numbers, year: int | None = None) -> list[Row]:
    """A row for each unit, and one for all with an empty `unit`. `year`: of what was received; None: all.

    Times are working days from forwarding to the answer, and from the answer to the first review; None: nothing to
    count. Overdue: answered or reviewed after the limit, or not yet and the limit is over.
    """
    by_unit: dict[str, list[Message]] = defaultdict(list)
    for message in facts.messages:
        if year in (None, message.received.year):
            by_unit[message.unit].append(message)
    rows = [_counted(unit, listed, facts, numbers) for unit, listed in sorted(by_unit.items())]
    return [*rows, _counted("", [one for listed in by_unit.values() for one in listed], facts, numbers)]


def _counted(unit: str, listed: list[Message], facts: Facts, numbers: Numbers) -> Row:
    answers = [(one.forwarded, one.answered) for one in listed]
    reviews = [(one.answered, one.reviewed) for one in listed]
    return {
        "unit": unit,
        "name": facts.records.unit_name(unit) if unit else "合计",
        "received": len(listed),
        "forwarded": sum(one.forwarded is not None for one in listed),
        "answered": sum(one.answered is not None for one in listed),
        "published": sum(one.published is not None for one in listed),
        "answer_days": _average(answers, facts),
        "answers_overdue": _overdue(answers, facts, float(numbers["answer_working_days"])),
        "review_days": _average(reviews, facts),
        "reviews_overdue": _overdue(reviews, facts, float(numbers["first_review_working_days"])),
    }


Span = tuple[datetime | None, datetime | None]


def _average(spans: list[Span], facts: Facts) -> float | None:
    days = [facts.workdays.between(begin, end) for begin, end in spans if begin and end]
    return round(sum(days) / len(days), 2) if days else None


def _overdue(spans: list[Span], facts: Facts, limit: float) -> int:
    return sum((end or facts.now) > facts.workdays.after(begin, limit) for begin, end in spans if begin is not None)


def duties(facts: Facts, today: date) -> list[Row]:
    """责任分解表: a row for each column, by unit and path. `overdue_days` 0: in time, or never due."""
    rows = []
    for column in sorted(facts.columns.values(), key=lambda column: (column.owner, column.path)):
        newest = facts.newest.get(column.path)
        by = newest + timedelta(days=column.cadence_days) if newest and column.cadence_days else None
        signer = facts.records.people.get(column.signer)
        rows.append(
            {
                "unit": column.owner,
                "name": facts.records.unit_name(column.owner),
                "site": facts.sites[column.site].title,
                "column": column.title,
                "path": column.path,
                "class": column.class_name,
                "cadence_days": column.cadence_days,
                "content_spec": column.content_spec,
                "signer": signer.name if signer else column.signer,
                "newest": newest.isoformat() if newest else None,
                "due": by.isoformat() if by else None,
                "overdue_days": max((today - by).days, 0) if by else 0,
            }
        )
    return rows


def submissions(facts: Facts, year: int | None = None) -> list[Row]:
    """报送台账（第十九条（三））: a row for each submission, by the day on which it was needed. `year` None: of all."""
    listed = [one for one in facts.submissions if year in (None, one.year)]
    return [
        {
            "unit": one.unit,
            "name": facts.records.unit_name(one.unit),
            "article": one.article,
            "to": one.to,
            "needed_on": one.needed_on.isoformat(),
            "submitted": one.submitted.isoformat(timespec="minutes") if one.submitted else None,
            "reviewed": None if one.submitted is None else "是" if one in facts.cleared else "否",
            "address": one.published or None,
        }
        for one in sorted(listed, key=lambda one: (one.needed_on, one.article))
    ]
