"""Links to other hosts: what was seen of each, day by day, in `build/inspection/external.json`, and what that means.

A page that does not answer today may be asked by a network that is down; one that answers may belong to somebody else by now.
So facts are kept with their days, and judged when an inspection is made (第十九条（四）; STANDARDS §2.11, §2.12).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from sitegen import files
from sitegen.errors import Problem
from sitegen.inspection.probe import Answer
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One address. Days are calendar days in Asia/Shanghai, as ISO text. `failures`: days in a row on which it did not
    answer; `host`, `title`: as it was when it was first seen; `now_host`, `now_title`: as it is; `spam`: words of
    advertising on it; `changed_on`: since when it is another page, or empty."""

    asked_on: str
    status: int
    cause: str = ""
    failures: int = 0
    host: str = ""
    title: str = ""
    now_host: str = ""
    now_title: str = ""
    spam: str = ""
    changed_on: str = ""


def load(path: Path) -> dict[str, Seen]:
    """Empty when nothing, or nothing that can be read, is there: it is asked again."""
    try:
        raw = json.loads(files.read(str(path)))
        return {str(url): Seen(**seen) for url, seen in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def save(path: Path, seen: Mapping[str, Seen]) -> None:
    raw = {url: asdict(one) for url, one in sorted(seen.items())}
    files.write_atomic(path, json.dumps(raw, ensure_ascii=False, indent=1).encode())


def to_ask(urls: Iterable[str], known: Mapping[str, Seen], today: date) -> list[str]:
    """Those that nobody asked today, the longest waiting first."""
    waiting = {url for url in urls if url not in known or known[url].asked_on < today.isoformat()}
    return sorted(waiting, key=lambda url: (known[url].asked_on if url in known else "", url))


def noted(known: Seen | None, answer: Answer, today: date, spam: re.Pattern[str]) -> Seen:
    """What is known after an answer of today."""
    day = today.isoformat()
    before = known or Seen(asked_on="", status=0)
    if not answer.ok:
        again = before.failures + (before.asked_on != day)
        return replace(before, asked_on=day, status=answer.status, cause=answer.cause, failures=max(again, 1))
    words = spam.search(answer.text)
    now = replace(
        before, asked_on=day, status=answer.status, cause="", failures=0, host=before.host or answer.host,
        title=before.title or answer.title, now_host=answer.host, now_title=answer.title, spam=words[0] if words else "",
    )  # fmt: skip
    is_other = bool(now.spam) or _host_of(now.host) != _host_of(now.now_host) or not _alike(now.title, now.now_title)
    return replace(now, changed_on=(before.changed_on or day) if is_other else "")


def _host_of(host: str) -> str:
    return host.removeprefix("www.")


def _alike(one: str, other: str) -> bool:
    """Titles of one page over time share words; those of a domain that was sold do not."""
    pairs = [{title[at : at + 2].lower() for at in range(len(title) - 1)} for title in (one, other)]
    return not pairs[0] or not pairs[1] or 3 * len(pairs[0] & pairs[1]) >= min(map(len, pairs))


def problems(
    linked: Sequence[tuple[str, str]], known: Mapping[str, Seen], looked_at: Mapping[str, date], *, failures: int
) -> list[Problem]:
    """`linked`: (address, path of the text); `looked_at`: address → day on which a person found it in order; `failures`:
    days in a row without an answer from which it is told."""
    found = []
    for url, path in linked:
        seen = known.get(url)
        if seen is None:
            continue
        if seen.failures >= failures:
            found.append(
                Problem(
                    path=path,
                    code="inspect-external-dead",
                    severity="warning",
                    key=url,
                    message=_("no answer on {count} days in a row ({cause}), last asked on {date}").format(
                        count=seen.failures, cause=seen.cause or seen.status, date=seen.asked_on
                    ),
                    remedy=_("correct the link, or take it out"),
                )
            )
        elif seen.changed_on and not (url in looked_at and looked_at[url].isoformat() >= seen.changed_on):
            found.append(
                Problem(
                    path=path,
                    code="inspect-external-changed",
                    severity="warning",
                    key=url,
                    message=_("another page since {date}: “{now}” at {host}, once “{before}”").format(
                        date=seen.changed_on, now=seen.spam or seen.now_title, host=seen.now_host, before=seen.title
                    ),
                    remedy=_("open it; take the link out, or write into {file}: {line}").format(
                        file="content/_records/inspection.yml", line=f'external: {{"{url}": {seen.asked_on}}}'
                    ),
                )
            )
    return found
