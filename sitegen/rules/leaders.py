"""Names and titles of office holders against a dated list (国办秘函〔2019〕19号 V1: 严重表述错误)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sitegen.errors import Problem
from sitegen.rules import folders
from sitegen.text import _

FILE = "_records/leaders.yml"
_BETWEEN = r"[ 、：:]?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who held a title from `since` to `until` (both days included; None: open)."""

    name: str
    title: str
    since: date | None
    until: date | None

    def held(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misnamed:
    """`line` counts from 1. `name`: another sign than the holder's name; `title`: a title of another time."""

    kind: Literal["name", "title"]
    line: int
    found: str
    better: str


class Roll:
    """The list, ready for many texts."""

    def __init__(self, holders: tuple[Holder, ...]) -> None:
        self.holders = holders
        self._names = {holder.name for holder in holders}
        titles = sorted({re.escape(holder.title) for holder in holders}, key=len, reverse=True)
        lengths = sorted({len(holder.name) for holder in holders if len(holder.name) > 2}, reverse=True)
        title = "|".join(titles)
        self._patterns = [
            re.compile(rf"(?<!副)(?P<title>{title}){_BETWEEN}(?P<name>[\u4e00-\u9fff]{{{length}}})") for length in lengths
        ] + [
            re.compile(rf"(?P<name>[\u4e00-\u9fff]{{{length}}}){_BETWEEN}(?P<title>{title})") for length in lengths
        ]  # fmt: skip

    def find(self, text: str, on: date) -> list[Misnamed]:
        """`on`: the day of the text. Names of two characters are compared whole: one sign of two says nothing."""
        if not self._patterns or not any(holder.title in text for holder in self.holders):
            return []
        found = {
            one for pattern in self._patterns for match in pattern.finditer(text) for one in self._judge(match, on)
        }
        return sorted(found, key=lambda one: (one.line, one.found))

    def _judge(self, match: re.Match[str], on: date) -> Iterator[Misnamed]:
        title, name = match["title"], match["name"]
        line = match.string.count("\n", 0, match.start()) + 1
        mine = [holder for holder in self.holders if holder.title == title]
        if name in self._names:
            of_name = [holder for holder in mine if holder.name == name]
            if of_name and not any(holder.held(on) for holder in of_name):
                now = next((h.title for h in self.holders if h.name == name and h.held(on)), "")
                yield Misnamed(kind="title", line=line, found=match[0], better=f"{now}{name}" if now else "")
        else:
            near = next((holder.name for holder in mine if _one_sign_apart(holder.name, name)), None)
            if near is not None:
                yield Misnamed(kind="name", line=line, found=match[0], better=match[0].replace(name, near))


def _one_sign_apart(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def load(content: Path) -> tuple[Roll, list[Problem]]:
    """`leaders: [{name, title, from, until}]`. A list that cannot be read is a Problem and is empty."""
    try:
        raw = folders.mapping(content / FILE)
        return Roll(tuple(_holder(entry) for entry in folders.listed(raw, "leaders"))), []
    except FileNotFoundError:
        return Roll(()), []
    except (*folders.BAD, AttributeError) as error:
        problem = Problem(
            path=f"content/{FILE}",
            code="leaders-unreadable",
            message=str(error).splitlines()[0],
            remedy=_("write: {line}").format(line="leaders: [{name: 秦砺言, title: 市长, from: 2026-01-05}]"),
        )
        return Roll(()), [problem]


def _holder(entry: Any) -> Holder:
    since, until = folders.day_or_none(entry.get("from")), folders.day_or_none(entry.get("until"))
    name, title = str(entry["name"]).strip(), str(entry["title"]).strip()
    if not name or not title:
        raise ValueError(_("`{key}` is missing").format(key="name"))
    return Holder(name=name, title=title, since=since, until=until)
