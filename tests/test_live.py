"""What runs, and what texts link to: asked politely, never a private address, kept as dated facts, then judged."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sitegen.cli import main
from sitegen.clock import SHANGHAI
from sitegen.inspection import external, live, probe, visits
from sitegen.inspection.external import Seen
from sitegen.inspection.probe import Answer, Manners
from sitegen.rules import hidden
from tests.cities import TinyCity

TODAY = date(2026, 11, 22)
SPAM = hidden.pattern()


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[float, str]]

    def do_GET(self) -> None:
        self.asked.append((time.monotonic(), self.path))
        if self.path == "/slow":
            time.sleep(3)
        if self.path == "/drip":  # one byte now and then: each read is quick, the page never comes
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _second in range(30):
                self.wfile.write(b"X")
                self.wfile.flush()
                time.sleep(0.1)
            return
        moved = {
            "/inside": "http://169.254.169.254/latest/",
            "/loop": "/loop",
            "/moved": "/page",
            "/file": "file:///etc/passwd",
        }
        if self.path in moved:
            self.send_response(302)
            self.send_header("Location", moved[self.path])
            self.end_headers()
            return
        body = "<title>示例县\n人民政府 \x1b[31m</title>正文".encode()
        if self.path == "/endless":
            body = b"x" * (2 << 20)
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, list[tuple[float, str]]]]:
    asked: list[tuple[float, str]] = []
    handler = type("Handling", (Handler,), {"asked": asked, "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def manners(seconds: float = 5, between: float = 0, allowed: tuple[str, ...] = ("127.0.0.1",)) -> Manners:
    return Manners(name="test", seconds=seconds, between=between, allowed=allowed)


def ask(url: str, **how: object) -> Answer:
    return probe.ask_all([url], manners(**how))[0]  # type: ignore[arg-type]


def test_a_page_is_asked_through_its_redirects_and_told_with_its_title() -> None:
    with serving() as (base, asked):
        answer = ask(f"{base}/moved")
        assert (answer.status, answer.host, answer.title) == (200, "127.0.0.1", "示例县 人民政府 [31m")
        assert [path for _at, path in asked] == ["/moved", "/page"]
        assert ask(f"{base}/gone").status == 404
        assert not ask(f"{base}/gone").ok
        assert len(ask(f"{base}/endless").text) < 300 * 1024
        assert ask(f"{base}/loop").cause == "redirects: more than 5"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/page",
        "http://2130706433:{port}/page",
        "http://localhost:{port}/page",
        "http://[::ffff:127.0.0.1]:{port}/page",
        "http://0x7f.1:{port}/page",
        "http://user@127.0.0.1:{port}/page",
    ],
)
def test_a_private_address_is_refused_before_it_is_dialled(url: str) -> None:
    with serving() as (base, asked):
        answer = ask(url.format(port=base.rpartition(":")[2]), allowed=())
    assert answer.cause.startswith("refused: ")
    assert asked == []


@pytest.mark.parametrize("path", ["/inside", "/file"])
def test_a_redirect_to_the_inside_is_refused_though_the_host_was_named(path: str) -> None:
    with serving() as (base, _asked):
        answer = ask(f"{base}{path}")
    assert (answer.status, answer.cause[:9]) == (0, "refused: ")


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://[::1", "http://a.example:99999/", "http://", "javascript:1", "http://" + "a" * 70 + ".example/"])  # fmt: skip
def test_an_address_that_is_none_is_told_and_the_rest_is_asked(url: str) -> None:
    with serving() as (base, _asked):
        bad, good = probe.ask_all([url, f"{base}/page"], manners())
    assert (bad.status, bool(bad.cause), good.status) == (0, True, 200)


def test_what_an_address_holds_cannot_become_a_line_of_the_request() -> None:
    with serving() as (base, asked):
        ask(f"{base}/a b\u2028%0d%0aX: 1?q=中\u0085文")
    assert [path for _at, path in asked] == ["/a%20b%E2%80%A8%0d%0aX:%201?q=%E4%B8%AD%C2%85%E6%96%87"]


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_the_limit_is_for_the_whole_page(path: str) -> None:
    with serving() as (base, _asked):
        answer = ask(f"{base}{path}", seconds=0.5)
    assert (answer.status, answer.cause) == (0, "time: no page within 0.5 s")


def test_a_host_is_asked_one_question_at_a_time_with_a_pause() -> None:
    with serving() as (base, asked):
        probe.ask_all([f"{base}/{number}" for number in range(3)], manners(between=0.2))
    moments = [at for at, _path in asked]
    assert [path for _at, path in asked] == ["/0", "/1", "/2"]
    assert all(later - before >= 0.2 for before, later in itertools.pairwise(moments))


def answer(status: int = 200, host: str = "www.a.example", title: str = "临江市人民政府", text: str = "") -> Answer:
    return Answer(url="https://www.a.example/", status=status, seconds=0.1, host=host, title=title, text=text)


def codes(seen: Seen, looked_at: dict[str, date] | None = None) -> list[str]:
    linked = [("https://www.a.example/", "content/a.md")]
    found = external.problems(linked, {"https://www.a.example/": seen}, looked_at or {}, failures=3)
    return [problem.code for problem in found]


def test_three_days_without_an_answer_are_told_and_two_are_not() -> None:
    seen = external.noted(None, answer(), TODAY, SPAM)
    for day, told in ((1, []), (2, []), (3, ["inspect-external-dead"])):
        for _twice_a_day in range(2):
            seen = external.noted(seen, answer(0), TODAY + timedelta(days=day), SPAM)
        assert codes(seen) == told
    assert codes(external.noted(seen, answer(), TODAY + timedelta(days=4), SPAM)) == []


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (answer(title="临江市人民政府门户网站"), []),
        (answer(host="a.example"), []),
        (answer(title="在线娱乐城"), ["inspect-external-changed"]),
        (answer(host="parking.example"), ["inspect-external-changed"]),
        (answer(text="澳门新葡京 开户送彩金"), ["inspect-external-changed"]),
        (answer(title=""), []),
    ],
)
def test_a_domain_that_answers_and_is_somebody_elses_is_told_until_a_person_has_looked(later: Answer, told: list[str]) -> None:  # fmt: skip
    """STANDARDS §2.11: dead domains are registered again and still answer 200."""
    seen = external.noted(external.noted(None, answer(), TODAY, SPAM), later, TODAY + timedelta(days=9), SPAM)
    assert codes(seen) == told
    url = "https://www.a.example/"
    assert codes(seen, {url: TODAY + timedelta(days=9)}) == []
    assert codes(seen, {url: TODAY + timedelta(days=8)}) == told


def test_what_was_asked_today_is_not_asked_again_and_the_longest_waiting_comes_first() -> None:
    known = {"b": Seen(asked_on="2026-11-20", status=200), "a": Seen(asked_on="2026-11-21", status=200), "c": Seen(asked_on="2026-11-22", status=0)}  # fmt: skip
    assert external.to_ask(["a", "b", "c", "d"], known, TODAY) == ["d", "b", "a"]


def test_a_torn_line_of_visits_is_one_visit_less(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, 9, 0, tzinfo=SHANGHAI)
    file = tmp_path / "visits.jsonl"
    [visit] = visits.append(file, now, [("jyj", answer(503))])
    assert not visit.ok
    with file.open("a") as stream:
        stream.write(
            '{"site": "jyj", "at": "2026-11-22T09:0\n[]\n{"site": "x", "at": "2026-11-22", "seconds": 1, "ok": true}\n'
        )
    assert visits.load(file) == [visit]
    assert visits.load(tmp_path / "nothing") == []


def test_facts_of_links_that_cannot_be_read_are_asked_anew(tmp_path: Path) -> None:
    file = tmp_path / "external.json"
    for text in ("", "[]", '{"a": {"nothing": 1}}', '{"a": 1}'):
        file.write_text(text)
        assert external.load(file) == {}
    external.save(file, {"a": Seen(asked_on="2026-11-22", status=200)})
    assert external.load(file) == {"a": Seen(asked_on="2026-11-22", status=200)}


def inspect(city: TinyCity, *arguments: str) -> Result:
    arguments = (
        "inspect",
        "--jobs",
        "1",
        "--date",
        "2026-11-22 12:00",
        "--config",
        str(city.root / "mkdocs.yml"),
        *arguments,
    )
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_running_site_is_visited_and_judged_by_its_week(city: TinyCity) -> None:
    """V2: 19 visits are too few; the twentieth is enough, and one of twenty that fails is 5 %."""
    city.article("xwdt/202611/t20261120_1.md", body="见 <http://127.0.0.1:9/x>。")
    city.build()

    def of_v2(said: Result) -> tuple[bool, bool]:
        portal = next(site for site in json.loads(said.stdout)["sites"] if site["site"] == "")
        return "V2" in portal["unlooked"], "V2" in portal["vetoes"]

    with serving() as (base, asked):
        now = datetime(2026, 11, 22, 8, 0, tzinfo=SHANGHAI)
        visits.append(live.visits_file(city.project), now, [("", answer(200 if n else 0)) for n in range(18)])
        assert of_v2(inspect(city, "--live", base, "--json")) == (True, False)
        assert [path for _at, path in asked] == ["/", "/jyj/"]
        assert of_v2(inspect(city, "--live", base, "--json")) == (False, True)
    seen = external.load(live.links_file(city.project))
    assert [(url, one.cause[:8]) for url, one in seen.items()] == [("http://127.0.0.1:9/x", "refused:")]


def test_a_link_that_stays_dead_is_a_finding_of_the_text(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", body="见 <http://gone.example/x>。")
    city.build()
    external.save(
        live.links_file(city.project), {"http://gone.example/x": Seen(asked_on="2026-11-22", status=404, failures=3)}
    )
    sites = json.loads(inspect(city, "--json").stdout)["sites"]
    [finding] = [one for site in sites for one in site["findings"] if one["code"] == "inspect-external-dead"]
    assert (finding["indicator"], finding["path"], finding["key"]) == ("D17", "content/xwdt/202611/t20261120_1.md", "http://gone.example/x")  # fmt: skip


def test_what_is_no_address_is_wrong_usage(city: TinyCity) -> None:
    city.build()
    for url in ("www.example.gov.cn", "ftp://a.example", "http://[::1"):
        said = inspect(city, "--live", url, "--json")
        assert (said.exit_code, [one["code"] for one in json.loads(said.stdout)["problems"]]) == (
            2,
            ["inspect-live-address"],
        )
    assert not live.visits_file(city.project).exists()
