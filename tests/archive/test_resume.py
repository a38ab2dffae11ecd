"""Killed at any moment, a capture goes on where it was: nothing lost, nothing twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.checker import Checker

from archive import store
from archive.crawling.capture import Options
from archive.crawling.frontier import Frontier
from archive.net.fetch import ConnectTo
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import warc
from sitegen.errors import Refused
from tests.archive.oldweb import ROOT, Answer, OldWeb, Route, captured, page, redirect, serving

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


def outcome(capture: Capture) -> dict[str, tuple[str, str | None]]:
    with Frontier(capture.frontier, read_only=True) as frontier:
        return {path_of(row.url): (row.state, row.payload_digest) for row in frontier.rows()}


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def killed(web: OldWeb, place: Path, point: str) -> None:
    environment = {**os.environ, "ARCHIVE_CRASH_AT": point, "PYTHONPATH": str(ROOT)}
    driver = [sys.executable, "-m", "tests.archive.crash_driver", str(web.port), str(place)]
    done = subprocess.run(driver, env=environment, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def committed(place: Path) -> set[str]:
    found = store.captures(place, "lyj")
    if not found:
        return set()
    (capture,) = found
    try:
        with Frontier(capture.frontier, read_only=True) as frontier:
            return {path_of(row.url) for row in frontier.rows() if row.warc is not None}
    except sqlite3.Error:
        return set()


@pytest.fixture(scope="module")
def web() -> Iterator[OldWeb]:
    with serving(site()) as served:
        yield served


@pytest.fixture(scope="module")
def undisturbed(web: OldWeb, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str | None]]:
    return outcome(captured(web, tmp_path_factory.mktemp("whole"), options=Options(roll_at=20_000)).capture)


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
    assert outcome(report.capture) == undisturbed
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


KILLS = int(os.environ.get("CRASHES", "12"))
KILLS_A_CAPTURE = 3


@pytest.mark.parametrize("seed", range(0, KILLS, KILLS_A_CAPTURE))
def test_a_capture_may_be_killed_at_any_moment(
    seed: int, web: OldWeb, undisturbed: dict[str, tuple[str, str | None]], tmp_path: Path
) -> None:
    """From outside, at random, and again while it resumes: what was committed is whole and is not asked for again.

    `CRASHES=50` kills fifty times.
    """
    moments = random.Random(seed)  # noqa: S311 (the same moments every time)
    kept: set[str] = set()
    web.spoken.clear()
    for _ in range(min(KILLS_A_CAPTURE, KILLS - seed)):
        left = undisturbed.keys() - kept
        started = len(web.spoken)
        requests, seconds = moments.randrange(len(left) + 1), moments.random() / 10
        ended = not kill_after(web, tmp_path, requests=requests, seconds=seconds)
        assert kept.isdisjoint(web.asked[started:])
        kept = committed(tmp_path)
        assert committed_records(tmp_path, tmp_path) == kept
        if ended:
            break
    started = len(web.spoken)
    found = store.captures(tmp_path, "lyj")
    if not any(capture.finished for capture in found):
        captured(web, tmp_path, options=Options(roll_at=20_000))
        assert kept.isdisjoint(web.asked[started:])
    (capture,) = store.captures(tmp_path, "lyj")
    assert outcome(capture) == undisturbed
    assert verify(capture).problems == ()
    for path in capture.warcs:
        assert Checker(Namespace(inputs=[str(path)], verbose=False)).process_all() == 0
        assert all_digests_hold(path)


def kill_after(web: OldWeb, place: Path, *, requests: int, seconds: float) -> bool:
    """Start a capture in a process of its own; kill it that long after its n-th request. False when it had ended."""
    driver = [sys.executable, "-m", "tests.archive.crash_driver", str(web.port), str(place)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = len(web.spoken)
    process = subprocess.Popen(driver, env=environment, cwd=ROOT, stderr=subprocess.PIPE)
    while process.poll() is None and len(web.spoken) - before < requests:
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    _out, said = process.communicate()
    assert process.returncode in (-signal.SIGKILL, 0), said.decode()[-2000:]
    return process.returncode != 0


def committed_records(place: Path, scratch: Path) -> set[str]:
    """Paths of the answers in the WARC files, read by FastWARC and warcio as far as their sizes were committed."""
    found: Counter[str] = Counter()
    for path, size in committed_sizes(place).items():
        copy = scratch / "as-committed.warc.gz"
        copy.write_bytes(path.read_bytes()[:size])
        assert [problem for record in warc.check(copy) for problem in record.problems] == []
        assert all_digests_hold(copy)
        assert Checker(Namespace(inputs=[str(copy)], verbose=False)).process_all() == 0
        with copy.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response | WarcRecordType.revisit):
                found[path_of(record.headers["WARC-Target-URI"])] += 1
    assert set(found.values()) <= {1}
    return set(found)


def committed_sizes(place: Path) -> dict[Path, int]:
    found = {}
    for capture in store.captures(place, "lyj"):
        try:
            with Frontier(capture.frontier, read_only=True) as frontier:
                sizes = frontier.sizes()
        except sqlite3.Error:
            continue
        for name, size in sizes.items():
            path = capture.folder / "archive" / name
            found[path if path.exists() else path.with_name(f"{name}.open")] = size
    return found


def all_digests_hold(path: Path) -> bool:
    with path.open("rb") as stream:
        return all(record.verify_block_digest() for record in ArchiveIterator(stream, parse_http=False))


def test_a_capture_killed_twice_still_ends_the_same(
    web: OldWeb, undisturbed: dict[str, tuple[str, str | None]], tmp_path: Path
) -> None:
    killed(web, tmp_path, "after-append:50")
    killed(web, tmp_path, "after-append:70")
    report = captured(web, tmp_path, options=Options(roll_at=20_000))
    assert outcome(report.capture) == undisturbed
    assert verify(report.capture).problems == ()


def test_a_full_disk_is_said_and_the_capture_goes_on_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    """Wherever it runs full: in the WARC, in the frontier, in a large body on its way."""
    noise = random.Random(4)  # noqa: S311 (nothing that compresses)
    routes: dict[str, Route] = {"/": page("".join(f'<a href="p{n}.pdf">' for n in range(150)))}
    routes |= {
        f"/p{n}.pdf": page(noise.randbytes(4_000_000 if n == 140 else 60_000), "application/pdf") for n in range(150)
    }
    with serving(routes) as web:
        command = [sys.executable, "-m", "archive", "capture", web.url(), "--site", "lyj", "--json", "--content"]
        command += [str(decided_in(small_disk, web)), "--store", str(small_disk / "store")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        for size in ("4m", "7m", "11m"):
            remount(small_disk, size)
            before = committed(small_disk / "store")
            asked = len(web.spoken)
            done = subprocess.run(command, env=environment, capture_output=True, check=False)
            assert [problem["code"] for problem in json.loads(done.stdout)["problems"]] == ["capture-disk"], done.stderr
            assert done.returncode == 1
            assert b"Traceback" not in done.stderr
            assert before.isdisjoint(web.asked[asked:])
            assert committed_records(small_disk / "store", tmp_path) == committed(small_disk / "store")
        remount(small_disk, "64m")
        before = committed(small_disk / "store")
        assert len(before) > 64
        asked = len(web.spoken)
        report = captured(web, small_disk / "store")
        assert before.isdisjoint(web.asked[asked:])
    assert report.inventory == {
        "captured": 151,
        "redirected": 0,
        "excluded": 0,
        "failed": 0,
        "excused": 2,
        "total": 153,
    }
    assert verify(report.capture).problems == ()


def decided_in(folder: Path, web: OldWeb) -> Path:
    """A content folder with the decision."""
    content = folder / "content"
    (content / "_archive").mkdir(parents=True)
    (content / "_archive/lyj.yml").write_text(f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n")
    return content


def test_a_server_that_dies_within_a_body_is_waited_for(tmp_path: Path) -> None:
    """The capture stays open, and when the server is back it goes on where it was, with the cut page, too."""
    routes: dict[str, Route] = {"/": page("".join(f'<a href="p{n:02}.html">' for n in range(60)))}
    routes |= {f"/p{n:02}.html": page(f"第{n}页") for n in range(60)}
    with serving(routes) as web:

        def die(time: int) -> Answer:
            web.dead = time == 1
            return Answer(page("x" * 100)[:-50], "close") if web.dead else Answer(page("x" * 100))

        routes["/p20.html"] = die
        with pytest.raises(Refused) as refused:
            captured(web, tmp_path)
        assert [problem.code for problem in refused.value.problems] == ["capture-server-gone"]
        before = committed(tmp_path)
        assert len(before) >= 20
        web.dead = False
        asked = len(web.spoken)
        report = captured(web, tmp_path)
        assert before.isdisjoint(web.asked[asked:])
    assert report.inventory == {"captured": 61, "redirected": 0, "excluded": 0, "failed": 0, "excused": 2, "total": 63}
    assert verify(report.capture).problems == ()


def test_resumed_while_the_server_is_away_the_capture_stays_open_until_the_operator_gives_up(tmp_path: Path) -> None:
    """A server under repair costs nothing; nobody is kept waiting for ever, either: given up, it says what is missing."""
    routes: dict[str, Route] = {"/": page("".join(f'<a href="p{n}.html">' for n in range(60)))}
    routes |= {f"/p{n}.html": page(f"第{n}页") for n in range(60)}
    with serving(routes) as web:

        def die(time: int) -> Answer:
            web.dead = True
            return Answer(b"", "reset")

        routes["/p20.html"] = die
        before: set[str] = set()
        for _time in range(3):
            with pytest.raises(Refused) as refused:
                captured(web, tmp_path)
            assert [problem.code for problem in refused.value.problems] == ["capture-server-gone"]
            assert before <= committed(tmp_path)
            before = committed(tmp_path)
        report = captured(web, tmp_path, give_up=True)
    assert report.inventory["failed"] + report.inventory["captured"] + report.inventory["excused"] == 63
    assert report.inventory["failed"] > 20


def remount(place: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)


def test_two_captures_of_a_site_do_not_run_at_once(web: OldWeb, tmp_path: Path) -> None:
    """They would write into the same files."""
    with store.only_one(tmp_path, "lyj"), pytest.raises(Refused) as refused:
        captured(web, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["capture-running"]
    assert captured(web, tmp_path).inventory["failed"] == 0


def test_a_frontier_somebody_reads_is_waited_for_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The capture stays open, and goes on when the reader has gone."""
    monkeypatch.setattr("archive.crawling.frontier.PATIENCE", 0.1)
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
