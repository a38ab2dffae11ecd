"""The rectification ledger (整改台账, 第十九条(四), 第二十三条): every finding from the day it was found to the day it was mended.

`_records/inspections/findings.jsonl`, append-only, `merge=union`: what is open is what the lines say together, in any order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sitegen import files
from sitegen.errors import Problem
from sitegen.inspection.facts import Finding
from sitegen.text import _

FILE = "_records/inspections/findings.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """One finding and what became of it. `said`: a person says it is mended; `mended`: an inspection no longer finds it
    (`found` later than both: it came back). Dates are days in Asia/Shanghai."""

    id: str
    found: date
    facts: Mapping[str, str]
    by: date
    said: date | None
    person: str
    mended: date | None

    @property
    def is_open(self) -> bool:
        return self.mended is None or self.mended < self.found


def id_of(finding: Finding) -> str:
    """The same finding has the same id tomorrow: its place and its kind, not its words, in which days are counted."""
    named = f"{finding.indicator}\n{finding.problem.code}\n{finding.problem.path}\n{finding.problem.key or ''}"
    return hashlib.sha256(named.encode()).hexdigest()[:10]


def load(content: Path) -> tuple[dict[str, Mending], list[Problem]]:
    """By id. A line that cannot be read is a Problem; the rest stands."""
    try:
        lines = files.read(str(content / FILE)).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [_unreadable(None, str(error))]
    events: dict[str, list[dict[str, Any]]] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            event["on"] = date.fromisoformat(event["on"])
            if event["event"] == "found":
                event["by"] = date.fromisoformat(event["by"])
            events.setdefault(str(event["id"]), []).append(event)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(_unreadable(number, str(error)))
    return {name: one for name, told in events.items() if (one := _fold(name, told)) is not None}, problems


def _fold(name: str, events: list[dict[str, Any]]) -> Mending | None:
    found = [event for event in events if event["event"] == "found"]
    if not found:
        return None
    last = max(found, key=lambda event: (event["on"], event["by"]))
    said = max((e for e in events if e["event"] == "said"), key=lambda event: event["on"], default=None)
    mended = max((e["on"] for e in events if e["event"] == "mended"), default=None)
    return Mending(
        id=name,
        found=last["on"],
        facts={key: str(last.get(key) or "") for key in ("indicator", "article", "site", "unit", "path", "message")},
        by=last["by"],
        said=said["on"] if said and said["on"] >= last["on"] else None,
        person=str(said["person"]) if said and said["on"] >= last["on"] else "",
        mended=mended if mended is not None and mended >= last["on"] else None,
    )


def record(content: Path, findings: Iterable[Finding], today: date) -> tuple[int, int]:
    """Write what is new, and what is found no longer. (opened, mended)."""
    known, _problems = load(content)
    now = {id_of(finding): finding for finding in findings}
    opened = [name for name in sorted(now) if name not in known or not known[name].is_open]
    gone = [name for name, one in sorted(known.items()) if one.is_open and name not in now]
    for name in opened:
        finding = now[name]
        _append(
            content,
            {
                "id": name,
                "event": "found",
                "on": today.isoformat(),
                "by": finding.by.isoformat(),
                "indicator": finding.indicator,
                "article": finding.article,
                "site": finding.site,
                "unit": finding.unit,
                "path": finding.problem.path,
                "message": finding.problem.message,
            },
        )
    for name in gone:
        _append(content, {"id": name, "event": "mended", "on": today.isoformat()})
    return len(opened), len(gone)


def say_mended(content: Path, name: str, person: str, today: date) -> Problem | None:
    """A person answers for it; the next inspection looks whether it is true."""
    known, _problems = load(content)
    if name not in known or not known[name].is_open:
        return Problem(
            path=f"content/{FILE}",
            code="inspect-finding-unknown",
            key=name,
            message=_("no open finding has this id"),
            remedy=_("see: {command}").format(command="sitegen inspect --open"),
        )
    _append(content, {"id": name, "event": "said", "on": today.isoformat(), "person": person})
    return None


def overdue(known: Mapping[str, Mending], today: date) -> list[Problem]:
    """What was to be mended before today and is still found (第二十三条: 整改不力的，约谈)."""
    return [
        Problem(
            path=one.facts["path"],
            code="inspect-mending-overdue",
            severity="warning",
            key=one.id,
            message=_("to be mended by {date}: {message}").format(date=one.by, message=one.facts["message"]),
            remedy=_("mend it; who did says: {command}").format(
                command=f"sitegen inspect --mended {one.id} --as PERSON"
            ),
        )
        for one in sorted(known.values(), key=lambda one: (one.by, one.id))
        if one.is_open and one.by < today
    ]


def _append(content: Path, event: Mapping[str, str]) -> None:
    files.append_line(content / FILE, json.dumps(event, ensure_ascii=False))


def _unreadable(line: int | None, reason: str) -> Problem:
    return Problem(
        path=f"content/{FILE}",
        line=line,
        code="inspect-ledger-unreadable",
        severity="warning",
        message=reason,
        remedy=_("restore the line from git; see docs/FORMATS.md §1.10"),
    )
