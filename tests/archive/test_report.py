"""The report accounts for every URL, says why one is missing, and shows a stranger's text as nothing but text."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lxml import html

from archive import store
from archive.__main__ import main
from archive.crawling import report, tally
from archive.crawling.capture import CaptureReport
from archive.crawling.frontier import Frontier, Row
from archive.decision import Exclude
from archive.packing import signature
from archive.proving.verify import verify
from sitegen import text
from tests.archive.oldweb import Answer, Route, captured, decided, page, redirect, serving
from tests.archive.test_publish_browser import browser as browser

EVIL = "<script>window.hostile=1</script>\"'><img src=x onerror=alert(1)>\u202e{0}{total}"
LONG = "/very" * 2 + "/" + "long" * 60 + ".html"


def old_site() -> dict[str, Route]:
    links = ["b.asp", "c.pdf", "gone.htm", "old", "login.asp", "a/b/a/b/a/b/x.htm", LONG, "p.html"]
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 1000\r\n\r\n%PDF"
    return {
        "/": page(f"<title>{EVIL.replace('<', '&lt;')}</title>{body}<img src=http://img.example.com/a.png>"),
        "/p.html": page("<title>甲</title>" + "文" * 5000, charset="gbk"),
        LONG: page("long"),
        "/b.asp": page("no", status="500 <b>Oops</b>"),
        "/c.pdf": Answer(cut, "close"),
        "/old": redirect("/"),
    }


@pytest.fixture(scope="module", autouse=True)
def done(tmp_path_factory: pytest.TempPathFactory) -> CaptureReport:
    """(Made before there is a browser, whose driver has a loop of its own.)"""
    with serving(old_site()) as web:
        exclude = (Exclude(pattern=re.compile("login"), reason="后台 <i>管理</i>"),)
        return captured(web, tmp_path_factory.mktemp("store"), decided(web, exclude=exclude))


@pytest.fixture
def shown(done: CaptureReport) -> Any:
    return html.fromstring(done.capture.report.read_text(encoding="utf-8"))


def rows_under(shown: Any, title: str) -> list[list[str]]:
    """The cells of the first table of the section with this title."""
    (section,) = [s for s in shown.findall(".//section") if s.find("h2").text == title]
    return [
        [" ".join(cell.text_content().split()) for cell in row if cell.tag in ("td", "th")]
        for row in section.find(".//table").iter("tr")
    ][1:]


def test_the_sum_is_the_inventory(done: CaptureReport, shown: Any) -> None:
    """By outcome and by kind, down and across."""
    *outcomes, last = rows_under(shown, "What became of every URL")
    numbers = {row[0].split()[0]: [int(cell) for cell in row[1:]] for row in outcomes}
    expected = ("captured", "redirected", "excluded", "failed", "excused")
    assert [row[0] for row in numbers.values()] == [done.inventory[state] for state in expected]
    assert all(row[0] == sum(row[1:]) for row in numbers.values())
    assert [int(cell) for cell in last[1:]] == [sum(column) for column in zip(*numbers.values(), strict=True)]
    assert int(last[1]) == done.inventory["total"]


def test_what_is_missing_is_named_with_cause_and_remedy(done: CaptureReport, shown: Any) -> None:
    failed = rows_under(shown, "No whole answer")
    assert [(row[0].rsplit("/", 1)[1], row[1], row[4]) for row in failed] == [
        ("b.asp", "HTTP 500 <b>Oops</b>", "tell the site's operator, then capture again"),
        ("c.pdf", "cut off: the connection ended", "the answer was cut: capture again"),
    ]
    ((rule, example, number),) = rows_under(shown, "Left out by a rule")
    assert (rule, example.rsplit("/", 1)[1], number) == ("decision: 后台 <i>管理</i> [login]", "login.asp", "1")
    ((trap, _example, number),) = rows_under(shown, "Traps")
    assert trap.startswith("the same folders follow each other three times [http://")
    assert number == "1"
    assert rows_under(shown, "Hosts outside the decision") == [["img.example.com", "1"]]
    assert rows_under(shown, "Not there") == [["HTTP 404", "3"]]


def test_largest_slowest_and_encodings_are_there(done: CaptureReport, shown: Any) -> None:
    largest = rows_under(shown, "Largest and slowest")
    assert largest[0][0].endswith("/p.html甲")
    assert largest[0][1] == "10.0 kB"
    assert len(largest) == 8  # the redirect has no body
    with Frontier(done.capture.frontier, read_only=True) as frontier:
        rows = [row for row in frontier.rows() if row.warc is not None]
    assert all(0 < (row.seconds or 0) < 30 for row in rows)
    assert sum(row.size or 0 for row in rows if row.url.endswith("/p.html")) == 10_000 + len("<title></title>") + 2
    assert {"gb18030", "utf-8"} <= {cell.text_content() for cell in shown.iter("th")}


def test_the_facts_of_integrity_are_those_of_the_manifest(done: CaptureReport, shown: Any) -> None:
    said = shown.text_content()
    manifest = store.read_manifest(done.capture)
    assert manifest["merkle"]["root"] in said
    assert store.manifest_digest(done.capture) in said
    for name, about in manifest["files"].items():
        assert name in said
        assert about["sha256"].removeprefix("sha256:") in said
    assert verify(done.capture).coverage < 100  # two failed
    assert {p.code for p in verify(done.capture).problems} == {"verify-url-failed"}


def test_nothing_in_it_runs_or_calls_out(done: CaptureReport) -> None:
    source = done.capture.report.read_text(encoding="utf-8")
    assert "<script" not in source
    assert "<img" not in source
    assert "\u202e" not in source
    assert "&lt;script&gt;window.hostile=1&lt;/script&gt;" in source
    shown: Any = html.fromstring(source)
    assert all(link.get("href").startswith("http") for link in shown.iter("a"))
    assert {link.get("rel") for link in shown.iter("a")} == {"noreferrer noopener"}
    assert not [name for element in shown.iter() for name in element.attrib if name.startswith("on")]


def test_only_web_addresses_become_links() -> None:
    assert report._link("javascript:alert(1)") == "<bdi>javascript:alert(1)</bdi>"
    assert 'href="http://a.cn/&#34;&gt;"' in report._link('http://a.cn/">')


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_the_window_and_stands_without_scripts(browser: Any, done: CaptureReport, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=True)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("request", lambda request: said.append(request.url))
    opened.goto(done.capture.report.as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    assert opened.evaluate("window.hostile || null") is None
    assert said == [done.capture.report.as_uri()]
    assert opened.locator("h1").inner_text() == "Capture of lyj"
    assert opened.locator("figure svg").bounding_box()["height"] == 160
    context.close()


def test_the_report_can_be_written_anew_in_another_language(
    done: CaptureReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to no digest: neither proof nor signature are touched."""
    before = store.manifest_digest(done.capture), signature.statement(done.capture)
    done.capture.report.unlink()
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    text.reset()
    written = CliRunner().invoke(main, ["report", done.capture.id, "--store", str(done.capture.store)])
    monkeypatch.undo()
    text.reset()
    assert written.stdout.strip() == done.capture.report.as_posix()
    assert html.parse(done.capture.report).getroot().get("lang") == "zh-CN"
    assert (store.manifest_digest(done.capture), signature.statement(done.capture)) == before
    assert CliRunner().invoke(main, ["report", done.capture.id, "--store", str(done.capture.store)]).exit_code == 0


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("HTTP 403 No", "ask for access, or leave it out with the reason"),
        ("HTTP 429", "capture again more slowly: --delay"),
        ("HTTP 405", "look at the page that links here; leave it out with the reason if it is gone"),
        ("truncated: length", "larger than --max-bytes: capture it again with more"),
        ("truncated: time", "too slow: capture it again, with a longer --timeout or --max-time"),
        ("refused: 10.0.0.1 is private", "a private address: name it under `allow_private` if it is the site's"),
        ("dns: no such name", "the name is unknown: use --connect-to with the server's address"),
        ("tls: expired", "the certificate is not valid: ask the operator to renew it"),
        ("connect: no route", "capture again when the server answers"),
        ("", "capture again when the server answers"),
    ],
)
def test_each_cause_has_its_remedy(cause: str, remedy: str) -> None:
    assert report._remedy(cause) == remedy


def row(number: int, **more: Any) -> Row:
    return Row(key=f"http://a/{number}", url=f"http://a/{number}", state="captured", warc="w", **more)


def test_the_crawl_is_counted_in_equal_stretches() -> None:
    """No answer is lost between two of them; a pause is a stretch of zero."""
    begin = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    at = [begin + timedelta(seconds=seconds) for seconds in (0, 1, 1, 130, 179)]
    stretches = tally.over_time([row(n, captured_at=moment.isoformat(), size=10) for n, moment in enumerate(at)])
    assert [(one.at - begin).total_seconds() for one in stretches] == [3.0 * n for n in range(60)]
    assert {n: (one.urls, one.bytes) for n, one in enumerate(stretches) if one.urls} == {
        0: (3, 30),
        43: (1, 10),
        59: (1, 10),
    }
    assert tally.over_time([]) == []
    assert len(tally.over_time([row(1, captured_at=begin.isoformat())])) == 1


def test_a_long_list_is_cut_and_says_so(done: CaptureReport, tmp_path: Path) -> None:
    """Ten thousand failures do not make a report that nobody can open; a URL not asked for is counted as well."""
    rows = [Row(key=str(n), url=f"http://a/{n}", state="failed", cause="HTTP 500") for n in range(10_000)]
    counted = tally.of([*rows, Row(key="q", url="http://a/q")])
    shown: Any = html.fromstring(report.page(done.capture, store.read_manifest(done.capture), counted))
    assert len(rows_under(shown, "No whole answer")) == tally.SHOWN
    assert "10,001" in rows_under(shown, "What became of every URL")[-1]
    assert ["Waiting not asked for yet: the capture was not finished", "1", "1"] in rows_under(
        shown, "What became of every URL"
    )
    assert "the first 200 of them here" in shown.text_content()


def test_a_capture_without_an_answer_has_a_report(done: CaptureReport) -> None:
    assert "<svg class=" in report.page(done.capture, store.read_manifest(done.capture), tally.of([]))
    with closing(sqlite3.connect(done.capture.frontier)) as database:
        assert database.execute("SELECT count(*) FROM url").fetchone()[0] == done.inventory["total"]
