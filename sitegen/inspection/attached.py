"""What stands in attachments and images, found by processes that may fail, and remembered by the bytes' digest."""

from __future__ import annotations

import hashlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sitegen import files
from sitegen.errors import Problem
from sitegen.rules import personal
from sitegen.text import _

SECONDS = 20.0
"""For one file; then its process is ended."""
_CODE = ("look.py", "../rules/personal.py", "../rules/writing.py", "../rules/hidden.py", "../rules/spam.yml")

Told = tuple[str, str, str]


def examine(
    content: Path, wanted: Mapping[str, tuple[str, Path]], cache: Path, *, seconds: float = SECONDS
) -> list[Problem]:
    """`wanted`: path under content/ → (digest, where its bytes are). `cache`: a file; deleting it costs time alone."""
    version = _version(content)
    known = _read(cache, version)
    missing = sorted({digest: place for digest, place in wanted.values() if digest not in known}.items())
    fresh = _ask(content, missing, seconds)
    known |= fresh
    if fresh:
        data = {"version": version, "told": {digest: known[digest] for digest in sorted(known)}}
        files.write_atomic(cache, json.dumps(data, ensure_ascii=False).encode())
    return [
        problem
        for path, (digest, _place) in sorted(wanted.items())
        for problem in problems_of(f"content/{path}", known.get(digest, ()))
    ]


def _version(content: Path) -> str:
    """Of the program and the lexicon: other ones find other things."""
    hasher = hashlib.sha256()
    here = Path(__file__).parent
    for path in [*((here / name) for name in _CODE), content / "_records" / "writing.yml"]:
        hasher.update(path.read_bytes() if path.is_file() else b"\0")
    return hasher.hexdigest()


def _read(cache: Path, version: str) -> dict[str, list[Told]]:
    try:
        raw = json.loads(cache.read_bytes())
        if raw["version"] == version:
            return {str(digest): [(str(a), str(b), str(c)) for a, b, c in told] for digest, told in raw["told"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}


def _ask(content: Path, wanted: Sequence[tuple[str, Path]], seconds: float) -> dict[str, list[Told]]:
    """Digest → what was told. After a file that ended the process, another one goes on behind it."""
    found: dict[str, list[Told]] = {}
    waiting = list(wanted)
    while waiting:
        answered = _one_process(content, [place for _digest, place in waiting], seconds)
        for (digest, _place), told in zip(waiting, answered, strict=False):
            found[digest] = told
        if len(answered) < len(waiting):
            found[waiting[len(answered)][0]] = [("unread", "", f"not read within {seconds:g} s")]
            answered.append([])
        waiting = waiting[len(answered) :]
    return found


def _one_process(content: Path, places: Iterable[Path], seconds: float) -> list[list[Told]]:
    """One answer for each place, until the process ends or takes longer than `seconds` for one."""
    command = [sys.executable, "-m", "sitegen.inspection.look", str(content)]
    lines: queue.Queue[str | None] = queue.Queue()
    answers: list[list[Told]] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as process:
        to_it, from_it = process.stdin, process.stdout

        def read() -> None:
            for line in from_it or ():
                lines.put(line)
            lines.put(None)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            for place in places:
                if to_it is None:
                    break
                to_it.write(json.dumps(str(place)) + "\n")
                to_it.flush()
                line = lines.get(timeout=seconds)
                if line is None:
                    break
                answers.append([(str(a), str(b), str(c)) for a, b, c in json.loads(line)])
        except (queue.Empty, BrokenPipeError, ValueError):
            pass
        finally:
            process.kill()
            reader.join()
    return answers


def problems_of(path: str, told: Iterable[Told]) -> list[Problem]:
    return [_problem(path, what, place, detail) for what, place, detail in told]


def _problem(path: str, what: str, place: str, detail: str) -> Problem:
    what, _colon, kind = what.partition(":")
    if what == "personal":
        return Problem(
            path=path,
            code="attachment-personal-data",
            severity="warning" if kind == "mobile" else "error",
            key=place or None,
            message=_("{kind} {number}: personal data is not published").format(
                kind=personal.kind_name(kind),  # type: ignore[arg-type]
                number=detail,
            ),
            remedy=_("replace the file by one in which it is masked, and have it reviewed"),
        )
    if what in {"location", "person"}:
        return Problem(
            path=path,
            code="attachment-metadata",
            severity="warning",
            key=place,
            message=_("the picture's metadata tell where or by whom it was taken: {detail}").format(detail=detail),
            remedy=_("save the picture without metadata"),
        )
    if what in {"word", "traditional"}:
        return Problem(
            path=path,
            code="attachment-writing",
            severity="warning",
            key=place or None,
            message=_("“{found}” is no standard writing").format(found=detail.partition("→")[0]),
            remedy=_("write “{better}”").format(better=detail.partition("→")[2]),
        )
    if what == "spam":
        return Problem(
            path=path,
            code="attachment-spam",
            key=place or None,
            message=_("words of advertising: {words}").format(words=detail),
            remedy=_("find out where the file comes from, and take it off the site"),
        )
    if what == "closed":
        return Problem(
            path=path,
            code="attachment-encrypted",
            severity="warning",
            message=_("it opens only with a password, so nobody can look into it"),
            remedy=_("publish it without a password"),
        )
    if what == "unread":
        return Problem(
            path=path,
            code="attachment-unread",
            severity="warning",
            message=_("it could not be looked into: {reason}").format(reason=detail),
            remedy=_("look into it by hand, or split it"),
        )
    return Problem(
        path=path,
        code="attachment-broken",
        severity="warning",
        message=_("it does not open: {reason}").format(reason=detail),
        remedy=_("save it anew and link the new file"),
    )
