"""`sitegen review verify`: every entry of every ledger, and what git's history says about them.

100,000 articles with three signed entries each: see docs/performance.md. What was verified once is remembered by digest;
git is asked for what came since the last commit that was found clean.
"""

from __future__ import annotations

import itertools
import subprocess
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sitegen import crew, files, ledger
from sitegen.config import Project
from sitegen.crew import Crew
from sitegen.errors import Problem, in_order
from sitegen.ledger import Entry
from sitegen.records import Records
from sitegen.reviews import proof
from sitegen.reviews.memory import Memory
from sitegen.reviews.proof import Terms
from sitegen.text import _

_PART = 4_000_000
"""Bytes of a column's ledgers that one process takes at a time."""
_CLOCKS = timedelta(hours=1)
"""By how much two honest clocks may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`entries`, `signed` (those with a signature), `articles`: counts; `commits`: how many of git's were looked at, None
    without git."""

    entries: int
    signed: int
    articles: int
    commits: int | None
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "entries": self.entries,
            "signed": self.signed,
            "articles": self.articles,
            "commits": self.commits,
            "problems": [problem.as_json() for problem in self.problems],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all parts have in common. `signed_from`: column → the day from which it needs signatures."""

    content: Path
    records: Records
    signed_from: Mapping[str, date]
    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of a column's entries those whose article falls to `number` of `parts`."""

    column: str
    files: tuple[str, ...]
    number: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    entries: int
    signed: int
    articles: int
    problems: tuple[Problem, ...]


def verify(
    project: Project,
    ledgers: Mapping[str, Sequence[str]],
    records: Records,
    signed_from: Mapping[str, date],
    commit_days: int,
    *,
    jobs: int = 0,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Result:
    """`ledgers`: column → its ledger files under content/; `commit_days`: how long an entry may wait for its commit."""
    memory = Memory(project.state / "verified")
    bench = Bench(content=project.content, records=records, signed_from=signed_from, memory=memory)
    parts = list(_parts(project.content, ledgers))
    size = sum(sum((project.content / file).stat().st_size for file in part.files) for part in parts)
    found: list[Found] = []
    with Crew(bench, jobs) as workers:
        for done, result in enumerate(workers.run(_examine, parts, _split, _deadly, few=size < _PART), start=1):
            found.append(result)
            progress(_("ledgers verified"), done, len(parts))
    problems = [problem for result in found for problem in result.problems]
    history = _history(project, ledgers, commit_days)
    return Result(
        entries=sum(result.entries for result in found),
        signed=sum(result.signed for result in found),
        articles=sum(result.articles for result in found),
        commits=None if history is None else history[0],
        problems=tuple(in_order([*problems, *(history[1] if history else ())])),
    )


def _parts(content: Path, ledgers: Mapping[str, Sequence[str]]) -> Iterator[Part]:
    for column, names in sorted(ledgers.items()):
        size = sum((content / name).stat().st_size for name in names)
        parts = 1 + size // _PART
        for number in range(parts):
            yield Part(column=column, files=tuple(names), number=number, parts=parts)


def _split(_part: Part) -> Sequence[Part]:
    return ()


def _deadly(part: Part) -> Found:
    problem = Problem(
        path=f"content/{part.column}/{ledger.FOLDER}",
        code="ledger-crashed",
        message=_("reading these ledgers ended the worker process"),
        remedy=_("look for something extreme in them"),
    )
    return Found(entries=0, signed=0, articles=0, problems=(problem,))


def _examine(part: Part) -> Found:
    bench: Bench = crew.common()
    problems: list[Problem] = []
    articles: dict[str, list[Entry]] = defaultdict(list)
    for name in part.files:
        entries, bad = ledger.read_file(bench.content, name)
        problems += bad if part.number == 0 else []
        for entry in entries:
            if part.parts == 1 or zlib.crc32(entry.article.encode("utf-8", "replace")) % part.parts == part.number:
                articles[entry.article].append(entry)
    terms = Terms(records=bench.records, signed_from=bench.signed_from.get(part.column), verified=bench.memory)
    for entries in articles.values():
        faults = proof.faults(entries, terms)
        problems += [proof.problem(entry, faults[entry.place]) for entry in entries if entry.place in faults]
        problems += _reordered(entries)
    bench.memory.flush()
    listed = [entry for entries in articles.values() for entry in entries]
    signed = sum(1 for entry in listed if entry.proof and entry.proof.signature)
    return Found(entries=len(listed), signed=signed, articles=len(articles), problems=tuple(problems))


def _reordered(entries: Sequence[Entry]) -> list[Problem]:
    """A line above one that it follows, in the same file: no append and no union of branches puts it there."""
    moments = [entry.at for entry in entries]
    if all(earlier < later for earlier, later in itertools.pairwise(moments)):
        return []  # they stand as they were given; only else their digests are worth their price
    lines = {ledger.digest_of(ledger.message_of(entry)): entry.place.rpartition(":") for entry in entries}
    found = []
    for entry in entries:
        file, _colon, line = entry.place.rpartition(":")
        for digest in entry.proof.saw if entry.proof else ():
            other, _colon, before = lines.get(digest, ("", "", ""))
            if other == file and int(before) > int(line):
                found.append(
                    Problem(
                        path=f"content/{file}",
                        line=int(line),
                        code="review-ledger-reordered",
                        severity="warning",
                        key=entry.article,
                        message=_("the line stands above line {line}, which it follows").format(line=before),
                        remedy=_("nothing counts differently; see with git log -p who moved lines"),
                    )
                )
    return found


# --- git's history ---------------------------------------------------------------------------------------------------


def _history(
    project: Project, ledgers: Mapping[str, Sequence[str]], commit_days: int
) -> tuple[int, list[Problem]] | None:
    """(commits looked at, what they show); None where there is no git. An entry from before verdicts were chained may
    have been rewritten; one that came later is missed wherever a commit, or the work on the last one, takes it away."""
    head = _git(project, "rev-parse", "HEAD")
    if head is None:
        return None
    mark = project.state / "verified-commit"
    since = mark.read_text(encoding="ascii").strip() if mark.is_file() else ""
    if since and _git(project, "merge-base", "--is-ancestor", since, "HEAD") is None:
        since = ""
    places = [f":(glob){project.content.name}/**/{ledger.FOLDER}/*.jsonl"]
    span = [f"{since}..HEAD"] if since else ["HEAD"]
    form = ["-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff", "-m", "--first-parent"]
    log = _git(project, "log", *form, "--format=commit %ct", *span, "--", *places)
    work = _git(project, "diff", "-U0", "--no-renames", "--no-color", "--no-ext-diff", "HEAD", "--", *places)
    if log is None or work is None:
        return 0, [_no_history()]
    commits, removed, added = _changes(f"{log}\n{work}".split("\n"))
    standing = _standing(project.content, ledgers) if removed else set()
    problems = [_removed(line, file) for line, file in sorted(removed.items()) if line not in standing]
    problems += _misdated(added, timedelta(days=commit_days))
    if not problems:
        files.write_atomic(mark, head.strip().encode())
    return commits, problems


def _changes(lines: Iterable[str]) -> tuple[int, dict[str, str], dict[str, tuple[int, str]]]:
    """(commits, removed line → file, added line → (Unix time of its oldest commit, file)), chained entries only."""
    commits, moment, file = 0, 0, ""
    removed: dict[str, str] = {}
    added: dict[str, tuple[int, str]] = {}
    for line in lines:
        if line.startswith("commit "):
            commits, moment = commits + 1, int(line[7:])
        elif line.startswith("diff "):
            file = ""
        elif line.startswith(("--- a/", "+++ b/")):
            file = line[6:].strip('"')
        elif '"saw":' in line:
            if line.startswith("-{"):
                removed[line[1:]] = file
            elif line.startswith("+{") and file and moment:
                added[line[1:]] = (moment, file)  # newest first, so that the oldest stays
    return commits, removed, added


def _standing(content: Path, ledgers: Mapping[str, Sequence[str]]) -> set[str]:
    """Every line there is: an entry that moved with its column is not gone."""
    found: set[str] = set()
    for names in ledgers.values():
        for name in names:
            found |= set((content / name).read_bytes().decode(errors="replace").split("\n"))
    return found


def _removed(line: str, file: str) -> Problem:
    return Problem(
        path=file,
        code="review-entry-removed",
        message=_("an entry that git knows was removed or changed: {entry}").format(entry=line[:200]),
        remedy=_("restore the ledger from git (git log -p shows who changed it), or have the version reviewed again"),
    )


def _misdated(added: Mapping[str, tuple[int, str]], may_wait: timedelta) -> list[Problem]:
    found = []
    for line, (seconds, file) in sorted(added.items()):
        committed = datetime.fromtimestamp(seconds, UTC)
        try:
            at = datetime.fromisoformat(str(ledger.parsed(line)["at"]))
            late = at > committed + _CLOCKS or at < committed - may_wait
        except (ValueError, KeyError, TypeError):
            continue  # told where it stands
        if late:
            found.append(
                Problem(
                    path=file,
                    code="review-entry-backdated",
                    severity="warning",
                    message=_("a verdict dated {at} came into git on {committed}").format(
                        at=f"{at:%Y-%m-%d %H:%M}", committed=f"{committed:%Y-%m-%d %H:%M} UTC"
                    ),
                    remedy=_("ask who gave it when; commit verdicts the day they are given"),
                )
            )
    return found


def _no_history() -> Problem:
    return Problem(
        path="content",
        code="review-history-unreadable",
        severity="warning",
        message=_("git could not tell the history of the ledgers, so nobody knows whether the last entries are whole"),
        remedy=_("run git fsck, and fetch the whole history"),
    )


def _git(project: Project, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", "-C", str(project.root), *arguments],
            capture_output=True,
            check=False,
            timeout=600,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
