"""The browser pass: what only scripts know is found, nothing reaches the network past our own client."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.crawling import browser as browsing
from archive.crawling.frontier import Frontier, Opened
from archive.net import fetch
from sitegen.errors import UsageError
from tests.archive.oldweb import Answer, Route, captured, page, redirect, rows_of, serving

pytestmark = pytest.mark.needs("chromium")

WORDS = "<p>示例市旅游局的旧网站，供检验采集是否完整。本页有足够的文字，看起来并不空。</p>"


def opened(report: Any) -> dict[str, Opened]:
    """What the browser pass remembers, by path."""
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        return {"/" + one.url.split("/", 3)[3]: one for one in frontier.scripted()}


def scripted(script: str, more: str = "") -> bytes:
    return page(f"<html><body>{WORDS}{more}<script>{script}</script></body></html>", "text/html; charset=utf-8")


def test_the_browser_asks_for_nothing_that_is_stored_already(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/": scripted("fetch(['/a','json'].join('.')).then(()=>{var i=new Image();i.src='/b.png?'+Math.random()})", "<img src=/c.png>"),
        "/a.json": page("{}", "application/json"), "/c.png": page("c", "image/png"),
    }  # fmt: skip
    with serving(routes) as web:
        captured(web, tmp_path, browser="auto")
        assert web.asked.count("/") == web.asked.count("/a.json") == web.asked.count("/c.png") == 1
        assert len([path for path in web.asked if path.startswith("/b.png?")]) == 1


def test_no_request_of_the_browser_reaches_the_network(tmp_path: Path) -> None:
    """Another host, another port, a WebSocket, a beacon, a form, a redirect out of the site: all end in Chromium."""
    with serving({}) as other, socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        port = trap.getsockname()[1]
        script = f"""
            for (const u of ['http://{other.host}/x.png', 'http://localhost:{port}/y', 'http://127.0.0.1:{port}/z']) fetch(u);
            new WebSocket('ws://127.0.0.1:{port}/ws'); navigator.sendBeacon('http://127.0.0.1:{port}/beacon', 'x');
            navigator.sendBeacon('/beacon', 'x'); fetch('/save', {{method: 'POST'}}); new Image().src = '/out';
            const f = document.createElement('iframe'); f.src = 'http://{other.host}/frame'; document.body.append(f);
            new EventSource('http://127.0.0.1:{port}/events'); window.open('http://{other.host}/pop');
            setTimeout(() => {{ location.href = 'http://{other.host}/away' }}, 50);"""
        with serving({"/": scripted(script), "/out": redirect(f"http://{other.host}/redirected")}) as web:
            report = captured(web, tmp_path, browser="always")
            asked = {one.request.split(b"User-Agent: ")[1].split(b"\r\n")[0].decode() for one in web.spoken}
            facts = opened(report)["/"].facts
            assert asked == {fetch.USER_AGENT}
            assert other.asked == []
            assert ("POST", web.url("/save")) in facts
            assert "/save" not in web.asked
            assert "/out" in web.asked
        with pytest.raises(BlockingIOError):
            trap.accept()


def test_robots_txt_holds_for_the_browser(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/": scripted("fetch(['/closed','a.json'].join('/'))"),
        "/robots.txt": page("User-agent: *\nDisallow: /closed/", "text/plain"),
    }
    with serving(routes) as web:
        report = captured(web, tmp_path, browser="auto")
        assert "/closed/a.json" not in web.asked
        assert rows_of(report)["/closed/a.json"].cause == "robots.txt: Disallow: /closed/"


def test_without_chromium_the_pages_that_need_it_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_CHROMIUM", str(tmp_path / "none"))
    with serving({"/": scripted("fetch(['/a','json'].join('.'))")}) as web:
        report = captured(web, tmp_path, browser="auto")
        assert [problem.code for problem in report.problems] == ["capture-browser-missing"]
        assert captured(web, tmp_path, browser="never").problems == ()


def test_a_browser_that_is_asked_for_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_CHROMIUM", str(tmp_path / "none"))
    with serving({"/": page("x")}) as web, pytest.raises(UsageError) as caught:
        captured(web, tmp_path, browser="always")
    assert [problem.code for problem in caught.value.problems] == ["browser-missing"]


def test_a_site_without_suspicious_pages_needs_no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_CHROMIUM", str(tmp_path / "none"))
    with serving({"/": page(f"<html><body>{WORDS}</body></html>")}) as web:
        assert captured(web, tmp_path, browser="auto").problems == ()


def test_a_page_that_never_ends_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "SECONDS_A_PAGE", 12.0)
    routes: dict[str, Route] = {
        "/": scripted("fetch(['/a','json'].join('.'))", "<a href=/stuck.html>x</a><a href=/fine.html>x</a>"),
        "/stuck.html": scripted("fetch(['/b','json'].join('.')); setTimeout(() => { while (true); }, 100)"),
        "/fine.html": scripted("fetch(['/c','json'].join('.')); var z"), "/c.json": page("{}", "application/json"),
    }  # fmt: skip
    with serving(routes) as web:
        report = captured(web, tmp_path, browser="auto")
        assert [problem.code for problem in report.problems] == ["capture-browser-failed"]
        assert {path: one.outcome for path, one in opened(report).items()} == {
            "/": "opened", "/stuck.html": "time", "/fine.html": "opened",
        }  # fmt: skip
        assert "/c.json" in web.asked


def test_a_browser_that_dies_does_not_end_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = browsing.BrowserPass._look_around
    deaths: list[str] = []

    async def die_once(self: browsing.BrowserPass, at: Any, visit: Any) -> None:
        if not deaths:
            deaths.append(visit.row.url)
            await at.context.browser.close()
        await look(self, at, visit)

    monkeypatch.setattr(browsing.BrowserPass, "_look_around", die_once)
    routes: dict[str, Route] = {
        "/": scripted("fetch(['/a','json'].join('.'))", "<a href=/two.html>x</a>"),
        "/two.html": scripted("fetch(['/b','json'].join('.'));var q"),
    }
    with serving(routes) as web:
        report = captured(web, tmp_path, browser="auto")
        assert [problem.code for problem in report.problems] == ["capture-browser-failed"]
        assert sorted(one.outcome or "" for one in opened(report).values()) == ["crashed", "opened"]
        assert report.capture.finished


def test_a_resumed_capture_opens_no_page_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    run = browsing.BrowserPass._run

    async def counted(self: browsing.BrowserPass, crawl: Any, browser: Any, visit: Any) -> str | None:
        runs.append(visit.row.url)
        return await run(self, crawl, browser, visit)

    def killed(point: str) -> None:
        if point == "after-warc":
            raise KeyboardInterrupt

    monkeypatch.setattr(browsing.BrowserPass, "_run", counted)
    with serving({"/": scripted("fetch(['/a','json'].join('.'))"), "/a.json": page("[]", "application/json")}) as web:
        with pytest.raises(KeyboardInterrupt):
            captured(web, tmp_path, browser="auto", crash=killed)
        assert captured(web, tmp_path, browser="auto").capture.finished
        assert runs == [web.url()]
        assert web.asked.count("/a.json") == 1


def test_pages_with_the_same_scripts_are_opened_until_they_bring_nothing(tmp_path: Path) -> None:
    script = "fetch(['/count','json'].join('.'))"
    links = "".join(f"<a href=/p{n}.html>x</a>" for n in range(12))
    routes: dict[str, Route] = {f"/p{n}.html": scripted(script, f"<h1>{n}</h1>") for n in range(12)}
    with serving(routes | {"/": page(f"<html><body>{WORDS}{links}</body></html>")}) as web:
        outcomes = [one.outcome for path, one in opened(captured(web, tmp_path, browser="auto")).items() if path != "/"]
        assert outcomes.count("opened") == 6  # the first brought something, five more did not
        assert outcomes.count("passed") == 6


def test_so_many_places_of_a_page_are_clicked_and_none_that_does_harm(tmp_path: Path) -> None:
    """Whoever captures may be logged in: nothing is deleted, nobody logged out, no form sent."""
    script = "function show(n) { fetch(['/c' + n, 'json'].join('.')) }"
    kept = "<b onclick=show(100)>退出</b><b onclick=show(101) class=delete>x</b><form><button onclick=show(102)>更多</button></form>"
    places = "".join(f"<b onclick=show({n})>x</b>" for n in range(60))
    with serving({"/": scripted(script, f"{kept}{places}")}) as web:
        captured(web, tmp_path, browser="auto")
        asked = {path for path in web.asked if path.startswith("/c")}
    assert asked == {f"/c{n}.json" for n in range(40)}


def test_a_screenshot_of_each_kind_of_page_is_evidence(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/": page(f"<html><body style='background:#f00'>{WORDS}<a href=/news/>x</a></body></html>"),
        "/news/": page(f"<html><body>{WORDS}<a href=/news/t1.html>x</a><a href=/news/t2.html>x</a></body></html>"),
        "/news/t1.html": page(f"<html><body>一{WORDS}</body></html>"), "/news/t2.html": page(f"<html><body>二{WORDS}</body></html>"),
    }  # fmt: skip
    with serving(routes) as web:
        report = captured(web, tmp_path, browser="auto")
        shots = {path: one.screenshot for path, one in opened(report).items() if one.screenshot}
        assert sorted(shots) == ["/", "/news/", "/news/t1.html"]
        files = json.loads(report.capture.manifest.read_bytes())["files"]
        for shot in shots.values():
            data = (report.capture.folder / str(shot)).read_bytes()
            assert data.startswith(b"\x89PNG")
            assert files[str(shot)]["bytes"] == len(data)


def test_the_command_line_opens_pages_unless_told_not_to(tmp_path: Path) -> None:
    content = tmp_path / "content"
    (content / "_archive").mkdir(parents=True)
    with serving({"/": scripted("fetch(['/a','json'].join('.'))"), "/a.json": page("[]", "application/json")}) as web:
        (content / "_archive/lyj.yml").write_text(
            f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n", encoding="utf-8"
        )
        for number, mode in enumerate(("never", "auto")):
            command = [
                "capture",
                "--site",
                "lyj",
                "--content",
                str(content),
                "--store",
                str(tmp_path / mode),
                "--browser",
                mode,
            ]
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 0, result.output
            assert web.asked.count("/a.json") == number


def test_an_answer_that_was_cut_is_no_reason_to_hang(tmp_path: Path) -> None:
    """A page may ask for what the server never ends."""
    cut = Answer(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{", then="close")
    with serving({"/": scripted("fetch(['/a','json'].join('.'))"), "/a.json": cut}) as web:
        report = captured(web, tmp_path, browser="auto")
        assert opened(report)["/"].outcome == "opened"
        assert rows_of(report)["/a.json"].cause == "truncated: disconnect"
