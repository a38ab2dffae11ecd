"""The time that rules see: the machine's, or the one given with `--date` / `SITEGEN_NOW`."""

from __future__ import annotations

import os
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sitegen.errors import Problem, UsageError
from sitegen.text import _

SHANGHAI = ZoneInfo("Asia/Shanghai")


def parse_moment(text: str) -> datetime:
    """`2026-11-22` (00:00), `2026-11-22 09:30` or ISO 8601; without an offset it is Asia/Shanghai.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def now(given: str | None = None) -> datetime:
    """Aware, in Asia/Shanghai. Raises UsageError when the given time cannot be read."""
    text = given or os.environ.get("SITEGEN_NOW")
    if not text:
        return datetime.now(SHANGHAI)
    try:
        return parse_moment(text).astimezone(SHANGHAI)
    except ValueError:
        raise UsageError(
            [
                Problem(
                    path="--date" if given else "SITEGEN_NOW",
                    code="clock-unreadable",
                    message=_("“{text}” is not a date or a time").format(text=text),
                    remedy=_("write 2026-11-22 or 2026-11-22T09:30+08:00"),
                )
            ]
        ) from None


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
