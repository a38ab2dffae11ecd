"""While a capture runs: one living line on a terminal, plain lines elsewhere; Ctrl-C ends it in order."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive import store
from archive.crawling.frontier import Frontier
from archive.progress import Standing, duration, shown, size
from archive.proving.verify import verify
from tests.archive.oldweb import ROOT, Answer, OldWeb, Route, page, serving

PAGES = 40


def routes(slow: bool) -> dict[str, Route]:
    """Every page after the twentieth never answers when `slow`."""
    found: dict[str, Route] = {"/": page("".join(f'<a href="p{n}.html">x</a>' for n in range(PAGES)))}
    for path in (f"/p{n}.html" for n in range(PAGES)):
        found[path] = Answer(b"", "silent") if slow and path in silent() else page(f"<title>{path}</title>" + "x" * 500)
    return found


def silent() -> set[str]:
    return {f"/p{n}.html" for n in range(20, PAGES)}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[OldWeb]:
    with serving(routes(slow=True)) as served:
        folder = tmp_path / "content" / "_archive"
        folder.mkdir(parents=True)
        decision = f"site: lyj\nhosts: ['{served.host}']\nallow_private: [127.0.0.1]\n"
        (folder / "lyj.yml").write_text(decision, encoding="utf-8")
        yield served


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "archive", "capture", "--site", "lyj", *more]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "LANGUAGE": "en", "TERM": "xterm-256color", "COLUMNS": "120"}


def committed(folder: Path) -> int:
    """URLs with a stored answer in the unfinished capture."""
    (found,) = store.captures(folder / "build" / "archive", "lyj")
    with Frontier(found.frontier, read_only=True) as frontier:
        return sum(row.warc is not None for row in frontier.rows())


@pytest.mark.parametrize("ignored", [False, True], ids=["foreground", "background"])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_capture_keeps_what_was_fetched_and_says_how_to_go_on(
    stop: signal.Signals, ignored: bool, web: OldWeb, tmp_path: Path
) -> None:
    """A shell that starts a command with `&` has it ignore Ctrl-C."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    running = subprocess.Popen(
        command("--json"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, interrupt)
    for _time in range(1200):
        if len([path for path in web.asked if path in silent()]) >= 4:
            break
        time.sleep(0.1)
    time.sleep(0.3)  # four connections wait in vain, everything before them was answered
    running.send_signal(stop)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 1, err
    assert [problem["code"] for problem in json.loads(out)["problems"]] == ["capture-stopped"]
    assert "→ run `archive resume lyj`" in err
    assert "Traceback" not in err
    kept = committed(tmp_path)
    assert kept == 20 + len(["/", "/robots.txt", "/sitemap.xml"])
    web.routes.update(routes(slow=False))
    web.spoken.clear()
    resume = [sys.executable, "-m", "archive", "resume", "lyj", "--json"]
    done = subprocess.run(resume, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["inventory"]["captured"] == PAGES + 1
    assert len(web.spoken) == PAGES + 3 - kept
    assert verify(store.open_capture(tmp_path / "build" / "archive", "lyj")).problems == ()


def test_on_a_terminal_one_line_lives_and_stdout_is_the_report(web: OldWeb, tmp_path: Path) -> None:
    web.routes.update(routes(slow=False))
    outer, inner = pty.openpty()
    running = subprocess.Popen(
        command("--json"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=inner, text=True
    )
    os.close(inner)
    out, _err = running.communicate(timeout=60)
    seen = b""
    try:
        while piece := os.read(outer, 65536):
            seen += piece
    except OSError:
        pass  # the other end is closed
    os.close(outer)
    assert json.loads(out)["inventory"]["captured"] == PAGES + 1
    text = seen.decode()
    assert " fetched · " in text
    assert " waiting · " in text
    assert web.host in text
    assert "\x1b[2K" in text  # the line is wiped, not repeated
    assert text.rstrip().splitlines()[-1].count("fetched") <= 1


def test_elsewhere_a_line_every_few_seconds() -> None:
    """Nothing that moves a cursor; rate and time left from what was seen so far."""
    now = [100.0]
    stream = io.StringIO()
    with shown(stream, clock=lambda: now[0]) as show:
        for second in range(13):
            now[0] = 100.0 + second
            show(Standing(fetched=10 * second, queued=300, known=1000, bytes=1_500_000, url="http://a.cn:8080/x"))
        now[0] = 120.0
        show("proving the capture")
    assert stream.getvalue().splitlines() == [
        "0 fetched · 300 waiting · 1.5 MB · a.cn:8080",
        "50 fetched · 300 waiting · 1.5 MB · 10/s · about 30 s left · a.cn:8080",
        "100 fetched · 300 waiting · 1.5 MB · 10/s · about 30 s left · a.cn:8080",
        "proving the capture",
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (4_700_000_000, "4.7 GB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes_are_read_at_a_glance(number: int, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (185, "3:05"), (7389, "2:03:09")])
def test_so_are_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
