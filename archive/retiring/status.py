"""`archive status SITE` in words: what is done, what is due, by when, by which article."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from archive.retiring.retirement import State, Step
from archive.text import _


def outcome_in_words(outcome: str) -> str:
    """`retired`, `waiting until DATE`, `refused` or `due`, which stay as they are in JSON."""
    date = outcome.removeprefix("waiting until ")
    if date != outcome:
        return _("waiting until {date}").format(date=date)
    return {"retired": _("retired"), "refused": _("refused"), "due": _("due")}[outcome]


def _state(state: State) -> str:
    return {
        "done": _("done"),
        "due": _("to be done"),
        "waiting": _("waiting"),
        "refused": _("not recorded"),
    }[state]


def table(steps: Sequence[Step]) -> list[str]:
    """One line a step, columns aligned for a terminal in which an ideograph is two cells wide; the remedy below."""
    rows = [
        (
            _state(step.state),
            step.on.isoformat() if step.on else (f"≤ {step.by.isoformat()}" if step.by else ""),
            step.article,
            "　".join(dict.fromkeys(filter(None, (step.title, step.detail, step.document, step.who)))),
        )
        for step in steps
    ]
    widths = [max(_width(row[number]) for row in rows) for number in range(3)] if rows else []
    lines = []
    for step, row in zip(steps, rows, strict=True):
        cells = [padded(cell, width) for cell, width in zip(row[:3], widths, strict=True)]
        lines.append("  ".join([*cells, row[3]]))
        if step.remedy and step.state != "done":
            lines.append(f"    → {step.remedy}")
    return lines


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """Filled up with blanks to so many cells."""
    return text + " " * (width - _width(text))
