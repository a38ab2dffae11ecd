"""What the message form needs to know of the city."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sitegen.interaction.letter import NAME, SUBJECT, TEXT, TYPES

if TYPE_CHECKING:
    from sitegen.model import Column
    from sitegen.pages.frame import Frame
    from sitegen.pages.values import Data


def form_of(frame: Frame, column: Column | None = None) -> Data:
    """docs/THEME.md, `gov.letter`. The unit that owns the column stands chosen."""
    records = frame.city.records
    return {
        "action": frame.city.portal.messages_url,
        "types": [{"id": name, "title": name} for name in TYPES],
        "units": [{"id": unit.id, "title": unit.name} for unit in records.units.values()],
        "limits": {"subject": SUBJECT, "text": TEXT, "name": NAME},
        "values": {"unit": column.owner} if column is not None else {},
        "errors": [],
        "state": "form",
    }


def is_shown(frame: Frame, column: Column, number: int | None) -> bool:
    """On the first page of a column of letters, when the portal has a service that takes them."""
    open_ = column.holds == "message" and number is None and not frame.city.is_retired_column(column.path)
    return open_ and bool(frame.city.portal.messages_url)
