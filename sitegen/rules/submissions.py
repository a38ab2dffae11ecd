"""The ledger of submissions, `_records/submissions/<year>.yml`: texts that a superior site shall publish (第十九条（三）)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sitegen.errors import Problem
from sitegen.rules import folders, messages
from sitegen.text import _

FOLDER = "_records/submissions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`article`: the text's path under content/; `to`: the superior site; `needed_on`: the calendar day in Asia/Shanghai from
    which it shall be there; `submitted`: aware, Asia/Shanghai, None: not yet; `published`: its address there, or empty."""

    year: int
    unit: str
    article: str
    to: str
    needed_on: date
    submitted: datetime | None
    published: str


def load(content: Path) -> tuple[list[Submission], list[Problem]]:
    """By year and as they stand. An entry that cannot be read is a Problem and is left out."""
    line = "submissions: [{unit: zfb, article: xwdt/202611/t20261103_1001.md, to: …, needed_on: 2026-11-03}]"
    folder = folders.Folder(name=FOLDER, code="submissions-unreadable", remedy=_("write: {line}").format(line=line))
    return folder.yearly(content, "submissions", _submission)


def _submission(year: int, raw: dict[str, Any]) -> Submission:
    needed_on, submitted = folders.day(raw["needed_on"]), messages.moment("submitted", raw.get("submitted"))
    if submitted is not None and submitted.date() < needed_on:
        raise ValueError(_("`{after}` is before `{before}`").format(after="submitted", before="needed_on"))
    return Submission(
        year=year,
        unit=str(raw["unit"]),
        article=str(raw["article"]).removeprefix("content/"),
        to=str(raw["to"]),
        needed_on=needed_on,
        submitted=submitted,
        published=str(raw.get("published") or ""),
    )
