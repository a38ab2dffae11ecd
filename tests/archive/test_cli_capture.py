"""The commands `archive capture`, `resume` and `verify`, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive import store
from archive.__main__ import main
from archive.crawling.frontier import Frontier
from archive.warcs import recall
from tests.archive.oldweb import Answer, OldWeb, Route, page, serving

ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx"
SITE: dict[str, Route] = {"/": page('<a href="a.html">'), "/a.html": page("a")}


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OldWeb]:
    """A served site and a project folder with its decision, as working directory."""
    monkeypatch.chdir(tmp_path)
    with serving(dict(SITE)) as served:
        folder = tmp_path / "content" / "_archive"
        folder.mkdir(parents=True)
        decision = f"site: lyj\nhosts: ['{served.host}']\nallow_private: [127.0.0.1]\n"
        (folder / "lyj.yml").write_text(decision, encoding="utf-8")
        yield served


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_capture_prints_its_report_as_json(web: OldWeb) -> None:
    done = run("capture", web.url(), "--site", "lyj", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert set(report) == {
        "capture", "inventory", "sources", "rules", "hits", "traps", "warc", "bytes", "seconds", "problems",
    }  # fmt: skip
    assert (report["sources"], report["rules"], report["hits"], report["traps"]) == (
        {"crawl": 1, "probe": 2, "start": 1}, {}, {}, [],
    )  # fmt: skip
    assert report["inventory"] == {
        "captured": 2,
        "redirected": 0,
        "excluded": 0,
        "failed": 0,
        "excused": 2,
        "total": 4,
    }
    assert report["capture"].startswith("lyj/")
    assert Path("build/archive", report["capture"], "archive", report["warc"][0]).exists()


def test_a_weak_server_may_be_asked_over_one_connection(web: OldWeb) -> None:
    web.routes |= {"/": page("".join(f'<a href="{n}.html">' for n in range(20)))}
    web.routes |= {f"/{n}.html": page(str(n)) for n in range(20)}
    done = run("capture", "--site", "lyj", "--connections", "1", "--browser", "never")
    assert done.exit_code == 0, done.output
    assert (web.connections, len(web.spoken)) == (1, 23)


@pytest.mark.parametrize(
    ("option", "value", "answer", "mark", "kept"),
    [
        ("--max-bytes", "4k", page("x" * 5000, "text/plain"), "length", 4000),
        ("--timeout", "0.5", Answer(page("x" * 5000, "text/plain")[:-1000], "silent"), "time", 4000),
        ("--max-time", "1.5", Answer(ENDLESS, more=b"x" * 100, every=0.05), "time", None),
    ],
)
def test_the_time_and_the_size_of_an_answer_have_bounds(
    option: str, value: str, answer: Route, mark: str, kept: int | None, web: OldWeb
) -> None:
    """What came until then is stored and marked; the rest of the site is captured as ever."""
    web.routes |= {"/": page('<a href="a.html"><a href="film.txt">'), "/film.txt": answer}
    done = run("capture", "--site", "lyj", "--browser", "never", option, value, "--json")
    said = json.loads(done.stdout)
    assert [problem["message"] for problem in said["problems"]] == [
        f"no whole answer: truncated: {mark} (found by a@href {web.url()})"
    ]
    assert said["inventory"]["captured"] == 2
    capture = store.open_capture(Path("build/archive"), "lyj")
    with Frontier(capture.frontier, read_only=True) as frontier:
        (row,) = frontier.rows("failed")
    stored = recall.response(capture, row)
    assert stored.truncated == mark
    assert set(stored.raw_body) == {ord("x")}
    assert kept is None or len(stored.raw_body) == kept


def test_links_are_followed_so_far_as_is_asked_for(web: OldWeb) -> None:
    web.routes |= {"/a.html": page('<a href="b.html">'), "/b.html": page("b")}
    done = run("capture", "--site", "lyj", "--browser", "never", "--max-depth", "1")
    assert web.asked.count("/b.html") == 0
    assert "more than 1 links away from the start; 0 were fetched, 1 left out" in done.stderr
    assert "raise --max-depth, or name them with --list" in done.stderr
    assert run("capture", "--site", "lyj", "--browser", "never", "--max-depth", "2").exit_code == 0
    assert web.asked.count("/b.html") == 1


def test_capture_without_a_url_starts_where_the_decision_says(web: OldWeb) -> None:
    done = run("capture", "--site", "lyj")
    assert done.exit_code == 0
    assert "2 captured" in done.stdout


def test_verify_proves_what_capture_made(web: OldWeb) -> None:
    run("capture", "--site", "lyj")
    done = run("verify", "lyj", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert {key: said[key] for key in ("coverage", "orphans", "problems", "records")} == {
        "coverage": 100.0,
        "orphans": [],
        "problems": [],
        "records": 10,
    }
    assert [aspect["not_due"] is None for aspect in said["aspects"]] == [True, False, False, False, False]


def test_problems_are_printed_with_place_code_and_remedy(web: OldWeb) -> None:
    web.routes["/a.html"] = page("no", status="500 No")
    done = run("capture", "--site", "lyj")
    assert done.exit_code == 1
    assert f"{web.url('/a.html')}: capture-url-failed: no whole answer: HTTP 500 No" in done.stderr
    assert "→ capture again when the server answers" in done.stderr


def test_a_decision_that_is_wrong_is_refused_with_its_line(web: OldWeb) -> None:
    Path("content/_archive/lyj.yml").write_text("site: lyj\nhosts: []\nrobots: x\n", encoding="utf-8")
    done = run("capture", "--site", "lyj", "--json")
    assert done.exit_code == 1
    assert "content/_archive/lyj.yml:3: decision-value-invalid [robots]" in done.stderr
    assert [problem["code"] for problem in json.loads(done.stdout)["problems"]] == [
        "decision-key-missing",
        "decision-value-invalid",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("capture",),
        ("capture", "--site", "lyj", "--connect-to", "here"),
        ("capture", "--site", "lyj", "--max-urls", "0"),
        ("capture", "--site", "lyj", "--connections", "17"),
        ("capture", "--site", "lyj", "--timeout", "0"),
        ("capture", "--site", "lyj", "--max-time", "0"),
        ("capture", "--site", "lyj", "--max-bytes", "0"),
        ("capture", "--site", "lyj", "--max-bytes", "2 GB"),
        ("capture", "--site", "lyj", "--max-depth", "-1"),
        ("none",),
        ("verify",),
    ],
)
def test_wrong_usage_exits_with_two(arguments: tuple[str, ...], web: OldWeb) -> None:
    assert run(*arguments).exit_code == 2


def test_resume_continues_an_unfinished_capture(web: OldWeb) -> None:
    port = web.routes.pop("/")
    web.routes["/robots.txt"] = page("", status="500 No")
    assert run("resume", "lyj").exit_code == 1
    first = json.loads(run("capture", "--site", "lyj", "--json").stdout)
    manifest = Path("build/archive", first["capture"], "capture.json")
    manifest.unlink()
    web.routes["/"] = port
    web.routes["/robots.txt"] = page("User-agent: *\nAllow: /", "text/plain")
    done = run("resume", first["capture"], "--json")
    assert json.loads(done.stdout)["capture"] == first["capture"]
    assert manifest.exists()
    assert "capture-finished" in run("resume", first["capture"]).stderr


@pytest.mark.parametrize("command", ["capture", "resume", "verify"])
def test_help_ends_with_an_example(command: str) -> None:
    text = run(command, "--help").stdout
    assert f"archive {command} " in text.partition("Example:")[2]


def test_progress_is_plain_lines_when_nobody_watches(web: OldWeb) -> None:
    done = run("capture", "--site", "lyj")
    assert "\r" not in done.stderr
    assert "fetched" in done.stderr
