"""A ledger is read line by line: each good one stands, each bad one is told, whatever stands beside it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sitegen import ledger
from sitegen.ledger import STAGES, Entry

GOOD = {
    "article": "t20261120_1",
    "stage": "edit",
    "person": "bianji",
    "at": "2026-11-20T08:00:00+08:00",
    "verdict": "pass",
    "reason": "",
    "digest": "sha256:" + "1" * 64,
    "blob": "0" * 40,
}
LINE = json.dumps(GOOD).encode()


def former(path: Path, relative: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """How a ledger was read before it was read fast."""

    def entry(raw: dict[str, object], place: str) -> Entry:
        stage, verdict = raw["stage"], raw["verdict"]
        if stage not in STAGES or verdict not in {"pass", "reject"}:
            raise ValueError(f"stage {stage!r}, verdict {verdict!r}")
        at = datetime.fromisoformat(str(raw["at"]))
        if not 1900 <= at.year <= 2200:
            raise ValueError("`at` is out of range")
        if at.tzinfo is None:
            raise ValueError("`at` has no offset")
        digest = str(raw["digest"])
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            raise ValueError("`digest` is not sha256: and 64 hex digits")
        assets = raw.get("assets") or {}
        if not isinstance(assets, dict):
            raise TypeError("`assets` is not a mapping")
        return Entry(
            article=str(raw["article"]),
            stage=stage,
            person=str(raw["person"]),
            at=at,
            verdict="pass" if verdict == "pass" else "reject",
            reason=str(raw.get("reason") or ""),
            digest=digest,
            blob=str(raw.get("blob") or ""),
            assets={str(key): str(value) for key, value in assets.items()},
            place=place,
        )

    entries: list[Entry] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(path.read_bytes().decode("utf-8", errors="surrogateescape").split("\n"), start=1):
        if line.strip():
            try:
                line.encode()
                entries.append(entry(json.loads(line), f"{relative}:{number}"))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                bad.append((number, f"this is no ledger entry: {error}"))
    return entries, bad


_VALUES = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.integers(-(2**53), 2**53),  # beyond 64 bits no id is a number
    st.lists(st.integers(-(2**53), 2**53), max_size=1),
    st.dictionaries(st.text(max_size=2), st.one_of(st.text(max_size=2), st.integers(0, 9)), max_size=2),
    st.sampled_from([*STAGES, "pass", "reject", "2026-11-20", "1899-01-01T00:00+08:00", "2026-11-20T00:00Z"]),
    st.sampled_from(["sha256:" + "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 64 + "\n", "\x85", "\ud800"]),
)
_CHANGED = st.builds(
    lambda key, value: json.dumps({**GOOD, key: value}).encode(), st.sampled_from([*GOOD, "assets"]), _VALUES
)
_LINES = st.one_of(
    _CHANGED,
    _CHANGED,
    st.sampled_from([LINE, LINE[:-1], LINE + b" ", b" " + LINE, b"\t" + LINE + b"\r", LINE + b"x", LINE + LINE]),
    st.sampled_from([b"", b" ", b"\xe3\x80\x80", b"\xff", b"\xef\xbb\xbf" + LINE, LINE.replace(b"bianji", b"\xff")]),
    st.sampled_from([b"[" * 100_000, b"[]", b"1", b"null", b"NaN", b'{"a":', b"{}", b'"x"', b"\x0b", b"\xc2\x85"]),
    st.sampled_from([LINE.replace(b'"reason": ""', '"reason": "\u2028\x85"'.encode()), LINE.replace(b"t2", b"\x00")]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_LINES, max_size=4))
@example([LINE, b"\xff", LINE])
@example([LINE.replace(b'1", "blob', b'1x", "blob')])
@example([LINE.replace(b'1", "blob', b'1\\n", "blob')])
@example([b"\xef\xbb\xbf" + LINE])
def test_every_line_is_read_or_refused_as_before(lines: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        content = Path(folder)
        (content / "a").mkdir()
        (content / "a/202611.jsonl").write_bytes(b"\n".join(lines))
        entries, bad = former(content / "a/202611.jsonl", "a/202611.jsonl")
        found, problems = ledger.read_file(content, "a/202611.jsonl")
    assert entries == found
    assert bad == [(problem.line, problem.message) for problem in problems]
    assert {problem.path for problem in problems} <= {"content/a/202611.jsonl"}


def test_a_columns_ledgers_are_its_files_one_after_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "xwdt" / ledger.FOLDER
    folder.mkdir(parents=True)
    for month, bad in (("202611", b"x\n"), ("202610", b"")):
        (folder / f"{month}.jsonl").write_bytes(bad + LINE + b"\n")
    entries, problems = ledger.read(tmp_path, "xwdt")
    assert [entry.place for entry in entries] == ["xwdt/_reviews/202610.jsonl:1", "xwdt/_reviews/202611.jsonl:2"]
    assert [(problem.path, problem.line) for problem in problems] == [("content/xwdt/_reviews/202611.jsonl", 1)]
    assert ledger.read(tmp_path, "jyj") == ([], [])


def test_a_ledger_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "202611.jsonl").mkdir()
    entries, problems = ledger.read_file(tmp_path, "202611.jsonl")
    assert entries == []
    assert [(problem.code, problem.line) for problem in problems] == [("ledger-unreadable", None)]
