"""Visits to the running sites, `build/inspection/visits.jsonl`: when, how long, whether it stood open (V2 of 国办秘函〔2019〕19号)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sitegen import files
from sitegen.clock import SHANGHAI
from sitegen.inspection.facts import Visit
from sitegen.inspection.probe import Answer


def append(path: Path, now: datetime, answers: Iterable[tuple[str, Answer]]) -> list[Visit]:
    """A line for each (site, answer); `now` is aware. An answer of 200 to 399 is an open site; how long is for the rule."""
    visits = []
    for site, answer in answers:
        visit = Visit(site=site, at=now.astimezone(SHANGHAI), seconds=answer.seconds, ok=answer.ok)
        facts = {"site": site, "at": visit.at.isoformat(), "seconds": visit.seconds, "ok": visit.ok}
        more = {"url": answer.url, "status": answer.status, "cause": answer.cause}
        files.append_line(path, json.dumps({**facts, **more}, ensure_ascii=False))
        visits.append(visit)
    return visits


def load(path: Path) -> list[Visit]:
    """As they stand; a line that is none (a run that was cut off) is left out: it is one visit less."""
    try:
        lines = files.read(str(path)).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    visits = []
    for line in lines:
        try:
            raw = json.loads(line)
            at = datetime.fromisoformat(raw["at"])
            if at.tzinfo is not None:
                visits.append(Visit(site=str(raw["site"]), at=at, seconds=float(raw["seconds"]), ok=raw["ok"] is True))
        except (ValueError, KeyError, TypeError):
            continue
    return visits
