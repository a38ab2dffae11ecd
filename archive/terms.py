"""What a decision says about the inventory: excuses, lists and logs, session ids, budgets (FORMATS §2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Protocol, cast

from archive.crawling.frontier import Row
from archive.crawling.inventory import Log, parse_log
from archive.crawling.traps import Budget
from archive.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """URLs whose failure a person accepts: `pattern` is searched in the URL."""

    pattern: re.Pattern[str]
    by: str
    reason: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`session_ids` are known beside those that every site uses; the paths are those of files below the project."""

    excuse: tuple[Excuse, ...] = ()
    lists: tuple[Path, ...] = ()
    logs: tuple[Log, ...] = ()
    session_ids: frozenset[str] = frozenset()
    budget: Budget = field(default_factory=Budget)


class Reader(Protocol):
    """What reads the decision file, noting each Problem with its line and key."""

    path: str

    def problem(self, code: str, key: str, message: str, remedy: str) -> None: ...
    def text(self, raw: dict[str, Any], key: str, *, within: str = "", required: bool = False) -> str | None: ...
    def texts(self, raw: dict[str, Any], key: str, *, required: bool = False) -> tuple[str, ...]: ...
    def day(self, raw: dict[str, Any], key: str, within: str = "") -> date | None: ...


def read(reader: Reader, raw: dict[str, Any]) -> Terms:
    project = Path(reader.path).parent.parent.parent
    return Terms(
        excuse=_excuses(reader, raw),
        lists=tuple(_inside(reader, project, "lists", Path(text)) for text in reader.texts(raw, "lists")),
        logs=tuple(
            Log(path=_inside(reader, project, "logs", log.path), origin=log.origin)
            for log in map(parse_log, reader.texts(raw, "logs"))
        ),
        session_ids=frozenset(name.lower() for name in reader.texts(raw, "session_ids")),
        budget=_budget(reader, raw),
    )


def excused(excuses: Iterable[Excuse], row: Row) -> str | None:
    """By whom and why a failed URL is accepted, in one line with what had failed; None when by nobody."""
    for excuse in excuses:
        if excuse.pattern.search(row.url):
            return f"decision: {excuse.by}, {excuse.date.isoformat()}: {excuse.reason} ({row.cause})"
    return None


def _excuses(reader: Reader, raw: dict[str, Any]) -> tuple[Excuse, ...]:
    items = raw.get("excuse") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        remedy = _("write a list of `{line}`").format(line="{pattern: …, by: …, reason: …, date: …}")
        text = _("`excuse` must list patterns, each with the person, the reason and the date")
        reader.problem("decision-value-invalid", "excuse", text, remedy)
        return ()
    found = []
    for number, item in enumerate(items):
        within = f"excuse[{number}]."
        pattern, by, reason = (
            reader.text(item, key, within=within, required=True) for key in ("pattern", "by", "reason")
        )
        day = reader.day(item, "date", within)
        if not item.get("date"):
            reader.problem("decision-key-missing", f"{within}date", _("the excuse has no date"), _("add `date`"))
        try:
            compiled = re.compile(pattern or "")
        except re.error as error:
            reader.problem("decision-value-invalid", f"{within}pattern", f"{error}", _("correct the expression"))
            continue
        if pattern and by and reason and day:
            found.append(Excuse(pattern=compiled, by=by, reason=reason, date=day))
    return tuple(found)


def _inside(reader: Reader, project: Path, key: str, path: Path) -> Path:
    """The file below the project; a way out, by `..` or by a link, is a Problem."""
    whole = project / path
    if path.is_absolute() or not whole.resolve().is_relative_to(project.resolve()):
        text = _("{path} does not lie in the project").format(path=path.as_posix())
        remedy = _("copy the file into the project, or give it on the command line")
        reader.problem("decision-path-outside", key, text, remedy)
    return whole


def _budget(reader: Reader, raw: dict[str, Any]) -> Budget:
    value = raw.get("budget")
    if value is None:
        return Budget()
    known = [one.name for one in fields(Budget)]
    if not isinstance(value, dict) or not all(
        key in known and type(number) is int and number > 0 for key, number in value.items()
    ):
        text = _("`budget` must give whole numbers for {keys}").format(keys=", ".join(known))
        reader.problem(
            "decision-value-invalid", "budget", text, _("write `budget: {line}`").format(line="{dates: 400}")
        )
        return Budget()
    return Budget(**cast("dict[str, int]", value))
