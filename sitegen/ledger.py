"""The review ledgers on disk: append-only JSON lines, one file per column and month (docs/FORMATS.md §1.2)."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import orjson

from sitegen import files, urls
from sitegen.errors import Problem
from sitegen.text import _

Stage = Literal["edit", "review", "sign"]
STAGES: tuple[Stage, ...] = get_args(Stage)
FOLDER = "_reviews"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def stage_name(stage: Stage) -> str:
    """As people read it."""
    return {"edit": _("edit"), "review": _("review"), "sign": _("sign")}[stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What ties an entry to its place. `column`: in whose ledger it was written; `saw`: digests of the entries of the
    article that nothing followed yet when it was written; `signature`: an SSHSIG in base64, or empty."""

    column: str
    saw: tuple[str, ...]
    signature: str = ""
    secrecy: bool = False
    """The reviewer looked for secrets too (保密审查), as reprints need."""
    links: Mapping[str, str] = field(default_factory=dict)
    """With `review`: link to another host → `pass` or `reject`."""
    upstream: Mapping[str, object] = field(default_factory=dict)
    """With `edit`: the reviews that a pushed text passed in the system it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One verdict of one person on one version of one article."""

    article: str
    stage: Stage
    person: str
    at: datetime
    verdict: Literal["pass", "reject"]
    reason: str
    digest: str
    blob: str
    assets: Mapping[str, str]
    """With `sign`: local file → git blob id, so that the signed version can be shown again."""
    place: str
    """`path:line` of the entry."""
    path: str = ""
    """Where the article stood, under content/; empty: not told, or no place where it can have stood."""
    proof: Proof | None = None
    """None: an entry from before verdicts were chained."""
    line: str = field(default="", compare=False, repr=False)
    """As it stands in the file."""

    @property
    def ledger(self) -> str:
        """The column in whose ledger it stands."""
        return posixpath.dirname(posixpath.dirname(self.place.rpartition(":")[0]))


def read(content: Path, column: str) -> tuple[list[Entry], list[Problem]]:
    """Every entry of a column's ledgers, in the order of file name and line. A bad line is a Problem, the rest stands."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    folder = content / column / FOLDER
    if folder.is_dir():
        for path in sorted(folder.glob("*.jsonl")):
            found, bad = read_file(content, path.relative_to(content).as_posix())
            entries += found
            problems += bad
    return entries, problems


def files_by_column(content: Path) -> dict[str, list[str]]:
    """Column → its ledger files under content/, in order; links are not followed."""
    found: dict[str, list[str]] = {}
    for folder, below, names in os.walk(content):
        below[:] = sorted(name for name in below if name == FOLDER or name[0] not in "_.")
        if folder.endswith(f"/{FOLDER}"):
            column = Path(folder).parent.relative_to(content).as_posix()
            found[column] = [f"{column}/{FOLDER}/{name}" for name in sorted(names) if name.endswith(".jsonl")]
    return found


def read_file(content: Path, relative: str) -> tuple[list[Entry], list[Problem]]:
    """As `read`, of one file: `relative` is its path under content/, with `/`."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    try:
        text, is_utf8 = _text(f"{content}/{relative}")
    except OSError as error:
        return [], [_unreadable(relative, error)]
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            continue
        try:
            if not is_utf8:
                line.encode()  # bytes that were no UTF-8 end here
            entries.append(_entry(parsed(line), f"{relative}:{number}", line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            problems.append(
                Problem(
                    path=f"content/{relative}",
                    line=number,
                    code="review-entry-unreadable",
                    message=_("this is no ledger entry: {error}").format(error=error),
                    remedy=_("restore the line from git; ledgers are only ever appended to"),
                )
            )
    return entries, problems


def _text(path: str) -> tuple[str, bool]:
    """A line ends with LF and nothing else: a reason may hold any other sign. What is not UTF-8 becomes a bad line."""
    data = files.read(path)
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode(errors="surrogateescape"), False


def _unreadable(relative: str, error: OSError) -> Problem:
    return Problem(
        path=f"content/{relative}",
        code="ledger-unreadable",
        message=_("the file cannot be read: {reason}").format(reason=error.strerror),
        remedy=_("give the build the right to read it, or restore it from git; no verdict in it counts until then"),
    )


def parsed(line: str) -> Mapping[str, object]:
    """`json.loads`, which has the last word on a line that the faster library refuses."""
    try:
        return orjson.loads(line)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        return json.loads(line)  # type: ignore[no-any-return]


def _entry(raw: Mapping[str, object], place: str, line: str) -> Entry:
    stage, verdict = raw["stage"], raw["verdict"]
    if stage not in STAGES or verdict not in {"pass", "reject"}:
        raise ValueError(_("stage {stage}, verdict {verdict}").format(stage=repr(stage), verdict=repr(verdict)))
    at = datetime.fromisoformat(str(raw["at"]))
    if not 1900 <= at.year <= 2200:
        raise ValueError(_("`at` is out of range"))
    if at.tzinfo is None:
        raise ValueError(_("`at` has no offset"))
    digest = str(raw["digest"])
    if not _DIGEST.fullmatch(digest):
        raise ValueError(_("`digest` is not sha256: and 64 hex digits"))
    assets = raw.get("assets") or {}
    if not isinstance(assets, dict):
        raise TypeError(_("`assets` is not a mapping"))
    article, path = str(raw["article"]), raw.get("path")
    return Entry(
        article=article,
        stage=stage,
        person=str(raw["person"]),
        at=at,
        verdict="pass" if verdict == "pass" else "reject",
        reason=str(raw.get("reason") or ""),
        digest=digest,
        blob=str(raw.get("blob") or ""),
        assets={str(key): str(value) for key, value in assets.items()},
        place=place,
        path=path if isinstance(path, str) and urls.may_have_stood(path, article) else "",
        proof=_proof(raw) if "saw" in raw or "signature" in raw else None,
        line=line,
    )


def _proof(raw: Mapping[str, object]) -> Proof:
    saw, links, upstream = raw.get("saw") or [], raw.get("links") or {}, raw.get("upstream") or {}
    if not isinstance(saw, list) or not all(_DIGEST.fullmatch(str(one)) for one in saw):
        raise ValueError(_("`saw` is not a list of digests"))
    if not isinstance(links, dict) or not isinstance(upstream, dict):
        raise TypeError(_("`links` or `upstream` is not a mapping"))
    return Proof(
        column=str(raw.get("column") or ""),
        saw=tuple(map(str, saw)),
        signature=str(raw.get("signature") or ""),
        secrecy=raw.get("secrecy") is True,
        links={str(link): str(verdict) for link, verdict in links.items()},
        upstream=upstream,
    )


def stood(entries: Iterable[Entry]) -> set[str]:
    """Where articles stood when they were signed off, of those that can be found again by their stable id."""
    signed = (entry for entry in entries if entry.path and entry.stage == "sign" and entry.verdict == "pass")
    return {entry.path for entry in signed if urls.is_dated(entry.path)}


def record(entry: Entry) -> dict[str, object]:
    """What is written of an entry."""
    found: dict[str, object] = {
        "article": entry.article,
        "stage": entry.stage,
        "person": entry.person,
        "at": entry.at.isoformat(),
        "verdict": entry.verdict,
        "reason": entry.reason,
        "digest": entry.digest,
        "blob": entry.blob,
    }
    if entry.assets:
        found["assets"] = dict(sorted(entry.assets.items()))
    if entry.path:
        found["path"] = entry.path
    if (proof := entry.proof) is not None:
        found |= {"column": proof.column, "saw": list(proof.saw)}
        found |= {"secrecy": True} if proof.secrecy else {}
        found |= {"links": dict(sorted(proof.links.items()))} if proof.links else {}
        found |= {"upstream": dict(proof.upstream)} if proof.upstream else {}
        found |= {"signature": proof.signature} if proof.signature else {}
    return found


def canonical(record: Mapping[str, object], column: str) -> bytes:
    """What a signature covers and `saw` names: `sitegen-review/1`, the column in whose ledger the entry stands, and all
    its keys but the signature as JSON, sorted, without blanks; a line each (docs/FORMATS.md §1.2)."""
    signed = {key: value for key, value in record.items() if key != "signature"}
    try:
        text = orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, a number beyond 64 bits: the slower library takes them
        plain = json.dumps(signed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        text = plain.encode("utf-8", "surrogatepass")
    return b"sitegen-review/1\n" + column.encode("utf-8", "surrogatepass") + b"\n" + text + b"\n"


def message_of(entry: Entry) -> bytes:
    """`canonical`, of an entry that was read."""
    return canonical(parsed(entry.line), entry.ledger)


def digest_of(message: bytes) -> str:
    return "sha256:" + hashlib.sha256(message).hexdigest()


def append(content: Path, column: str, month: str, entry: Entry) -> Path:
    """Append to `<column>/_reviews/<month>.jsonl` (`month` = yyyymm of the article's date); returns the file."""
    path = content / column / FOLDER / f"{month}.jsonl"
    files.append_line(path, json.dumps(record(entry), ensure_ascii=False))
    return path
