"""Killed at any moment, a capture goes on where it was: nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.checker import Checker

from archive import store, warc
from archive.capture import CaptureReport, Options
from archive.fetch import ConnectTo
from archive.frontier import Frontier
from archive.verify import verify
from sitegen.errors import Refused
from tests.archive.oldweb import ROOT, OldWeb, Route, captured, page, redirect, rows_of, serving

PAGES = 90
POINTS = [
    *(f"after-fetch:{n}" for n in (1, 60)),
    *(f"after-append:{n}" for n in (1, 7, 64, 65, 130)),
    *(f"after-sync:{n}" for n in (1, 2, 4)),
    *(f"after-commit:{n}" for n in (1, 2, 4)),
    *(f"after-roll:{n}" for n in (1, 3)),
    "after-warc:1",
    "before-manifest:1",
    "after-manifest:1",
]


def site() -> dict[str, Route]:
    routes: dict[str, Route] = {"/": page("".join(f'<a href="p{n}.html">' for n in range(0, PAGES, 9)))}
    for n in range(PAGES):
        text = "".join(f"{n}.{i}." for i in range(500))
        routes[f"/p{n}.html"] = page(f'<a href="p{(n * 7 + 1) % PAGES}.html"><img src="i{n}.gif">{text}')
        routes[f"/i{n}.gif"] = page(hashlib.sha512(b"%d" % (n // 2)).digest() * 9, "image/gif")
        routes[f"/p{n}.html"] = redirect("/") if n % 30 == 29 else routes[f"/p{n}.html"]
    return routes


def outcome(report: CaptureReport) -> dict[str, tuple[str, str | None]]:
    return {path: (row.state, row.payload_digest) for path, row in rows_of(report).items()}


def killed(web: OldWeb, place: Path, point: str) -> None:
    environment = {**os.environ, "ARCHIVE_CRASH_AT": point, "PYTHONPATH": str(ROOT)}
    driver = [sys.executable, "-m", "tests.archive.crash_driver", str(web.port), str(place)]
    done = subprocess.run(driver, env=environment, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def committed(place: Path) -> set[str]:
    (capture,) = store.captures(place, "lyj")
    try:
        with Frontier(capture.frontier, read_only=True) as frontier:
            return {"/" + row.url.split("/", 3)[3] for row in frontier.rows() if row.warc is not None}
    except sqlite3.Error:
        return set()


@pytest.fixture(scope="module")
def web() -> Iterator[OldWeb]:
    with serving(site()) as served:
        yield served


@pytest.fixture(scope="module")
def undisturbed(web: OldWeb, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str | None]]:
    return outcome(captured(web, tmp_path_factory.mktemp("whole"), options=Options(roll_at=20_000)))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_capture_resumes_without_loss_or_repetition(
    point: str, web: OldWeb, undisturbed: dict[str, tuple[str, str | None]], tmp_path: Path
) -> None:
    """The same URLs with the same digests as an undisturbed capture; what was committed is not fetched again."""
    killed(web, tmp_path, point)
    (unfinished,) = store.captures(tmp_path, "lyj")
    if point.startswith("after-manifest"):
        assert unfinished.finished
        assert verify(unfinished).problems == ()
        return
    before = committed(tmp_path)
    web.spoken.clear()
    report = captured(web, tmp_path, options=Options(roll_at=20_000))
    assert report.capture == unfinished
    assert before.isdisjoint(web.asked)
    assert outcome(report) == undisturbed
    proof = verify(report.capture)
    assert (proof.coverage, proof.orphans, proof.problems) == (100.0, (), ())
    answers = Counter(
        record.target_uri
        for path in report.capture.warcs
        for record in warc.iterate(path)
        if record.type in ("response", "revisit")
    )
    assert set(answers.values()) == {1}
    assert len(answers) == report.inventory["total"]
    for path in report.capture.warcs:
        assert Checker(Namespace(inputs=[str(path)], verbose=False)).process_all() == 0
    assert not list(report.capture.folder.rglob("*.open"))


def test_a_capture_killed_twice_still_ends_the_same(
    web: OldWeb, undisturbed: dict[str, tuple[str, str | None]], tmp_path: Path
) -> None:
    killed(web, tmp_path, "after-append:50")
    killed(web, tmp_path, "after-append:70")
    report = captured(web, tmp_path, options=Options(roll_at=20_000))
    assert outcome(report) == undisturbed
    assert verify(report.capture).problems == ()


def test_two_captures_of_a_site_do_not_run_at_once(web: OldWeb, tmp_path: Path) -> None:
    """They would write into the same files."""
    with store.only_one(tmp_path, "lyj"), pytest.raises(Refused) as refused:
        captured(web, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["capture-running"]
    assert captured(web, tmp_path).inventory["failed"] == 0


def test_a_frontier_somebody_reads_is_waited_for_then_named(tmp_path: Path) -> None:
    """The capture stays open, and goes on when the reader has gone."""
    readers: list[sqlite3.Connection] = []

    def read(point: str) -> None:
        if point == "after-warc":
            readers.append(sqlite3.connect(next(tmp_path.rglob("crawl.sqlite"))))
            readers[0].execute("BEGIN")
            readers[0].execute("SELECT count(*) FROM url").fetchall()

    with serving({"/": page("x")}) as web:
        with pytest.raises(Refused) as refused:
            captured(web, tmp_path, crash=read)
        readers[0].close()
        assert [problem.code for problem in refused.value.problems] == ["frontier-in-use"]
        assert len(web.spoken) == 3
        assert captured(web, tmp_path).inventory["captured"] == 1
        assert len(web.spoken) == 3


def test_a_finished_capture_is_not_resumed(web: OldWeb, tmp_path: Path) -> None:
    report = captured(web, tmp_path)
    with pytest.raises(Refused) as refused:
        captured(web, tmp_path, resume=report.capture)
    assert [problem.code for problem in refused.value.problems] == ["capture-finished"]


def test_a_site_that_was_down_is_captured_when_it_is_up(tmp_path: Path) -> None:
    """No answer at all leaves the capture open; the next run asks again, in the same folder."""
    with serving({"/": page("x")}) as web:
        port = web.port
    with pytest.raises(Refused) as refused:
        captured(web, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["capture-nothing"]
    with serving({"/": page("x")}) as web:
        web.port, again = port, web.port
        to = [ConnectTo(host="127.0.0.1", port=port, address="127.0.0.1", to_port=again)]
        report = captured(web, tmp_path, connect_to=to)
    assert report.inventory["captured"] == 1
    assert len(store.captures(tmp_path, "lyj")) == 1
