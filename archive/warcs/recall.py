"""Reading a captured response back, a revisit together with the body it refers to."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from archive import message
from archive.crawling.frontier import Frontier, FrontierUnreadable, Original, Row
from archive.store import Capture
from archive.text import _
from archive.warcs import warc
from archive.warcs.records import as_revisit
from archive.warcs.warc import StoredResponse
from sitegen.errors import Problem, Refused


def response(capture: Capture, row: Row, at_most: int | None = None) -> StoredResponse:
    """The stored answer of a frontier row (`row.warc` set); a revisit gets the body of its original, from
    this capture or a former one of the same store. `record_id`, `target_uri`, `date`, `head` stay the row's
    own, as far as a revisit has a head. With `at_most`, no more than so many bytes are read, and as many decoded.

    Raises Refused when the record or its original is not there.
    """
    if row.warc is None or row.offset is None:
        raise Refused([_problem(capture, row, "record-missing", _("no answer of this URL was stored"))])
    decoded = message.DECODED_AT_MOST if at_most is None else at_most
    record = warc.read_record(_file(capture, row.warc, row), row.offset, at_most)
    if record.type != "revisit":
        return warc.as_response(record, at_most=decoded)
    original = _original(capture, row)
    folder = capture.store / original.capture
    holder = Capture(site=folder.parent.name, timestamp=folder.name, folder=folder)
    return as_revisit(record, warc.read_record(_file(holder, original.warc, row), original.offset, at_most), decoded)


def _original(capture: Capture, row: Row) -> Original:
    try:
        with Frontier(capture.frontier, read_only=True) as frontier:
            original = frontier.original(row.payload_digest or "")
    except FrontierUnreadable as error:
        raise Refused([_problem(capture, row, "frontier-unreadable", str(error))]) from None
    if original is None:
        raise Refused([_problem(capture, row, "original-missing", _("the revisit's original is not recorded"))])
    return original


def _file(capture: Capture, name: str, row: Row) -> Path:
    """A WARC file, under its working name while the capture is being made."""
    path = f"{capture.folder}/archive/{name}"
    for candidate in (path, f"{path}.open"):
        if os.path.exists(candidate):  # noqa: PTH110 (asked for each of 100,000 pages)
            return _as_path(candidate)
    raise Refused(
        [
            _problem(
                capture,
                row,
                "warc-missing",
                _("{capture}: {name} is not in the store").format(capture=capture.id, name=name),
            )
        ]
    )


_as_path = lru_cache(maxsize=64)(Path)


def _problem(capture: Capture, row: Row, code: str, message: str) -> Problem:
    return Problem(
        path=row.url,
        code=code,
        message=message,
        remedy=_("restore {site} in the store from its backup, or capture the site again").format(site=capture.site),
    )
