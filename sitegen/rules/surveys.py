"""The ledger of surveys and interviews, `_records/surveys/<id>.yml` (第十九条（五）: 征集调查、在线访谈)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sitegen.errors import Problem
from sitegen.rules import folders
from sitegen.text import _

FOLDER = "_records/surveys"
Kind = Literal["survey", "interview"]
KINDS: tuple[Kind, ...] = ("survey", "interview")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """`begins`, `ends`: first and last calendar day in Asia/Shanghai. `received`: opinions of a survey, questions of an
    interview; `answered`: questions that were answered. `result`: address of the page that makes the result public."""

    id: str
    kind: Kind
    title: str
    unit: str
    begins: date
    ends: date
    received: int
    answered: int
    result: str

    @property
    def path(self) -> str:
        return f"content/{FOLDER}/{self.id}.yml"


def load(content: Path) -> tuple[list[Survey], list[Problem]]:
    """By id. A file that cannot be read is a Problem and is left out."""
    remedy = _("see docs/FORMATS.md §1.10 for the form of the file")
    return folders.Folder(name=FOLDER, code="survey-unreadable", remedy=remedy).each(content, _survey)


def _survey(name: str, raw: dict[str, Any]) -> Survey:
    kind = next((one for one in KINDS if one == raw.get("kind")), None)
    if kind is None:
        raise ValueError(_("`kind` is survey or interview"))
    begins, ends = folders.day(raw.get("from")), folders.day(raw.get("until"))
    if ends < begins:
        raise ValueError(_("`{after}` is before `{before}`").format(after="until", before="from"))
    received, answered = _count(raw, "received"), _count(raw, "answered")
    if answered > received:
        raise ValueError(_("more was answered than received"))
    return Survey(
        id=name,
        kind=kind,
        title=str(raw["title"]),
        unit=str(raw["unit"]),
        begins=begins,
        ends=ends,
        received=received,
        answered=answered,
        result=str(raw.get("result") or ""),
    )


def _count(raw: dict[str, Any], key: str) -> int:
    value = raw.get(key) or 0
    if type(value) is not int or value < 0:
        raise ValueError(_("`{key}` is a number of letters, 0 or more").format(key=key))
    return value
