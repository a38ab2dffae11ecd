"""The denominator: every URL that anybody names, who named it, and what became of it."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from re import compile as pattern

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import decision as decisions
from archive import store
from archive.__main__ import main
from archive.crawling import inventory
from archive.crawling.capture import CaptureReport, Options
from archive.crawling.frontier import Frontier, Row, Source
from archive.crawling.inventory import Log
from archive.decision import Exclude
from archive.net.fetch import ConnectTo
from archive.proving.verify import verify
from archive.publishing import copies
from archive.terms import Excuse, Terms
from archive.warcs import recall
from sitegen.errors import Problem, Refused
from tests.archive.oldweb import Answer, OldWeb, Route, captured, decided, page, redirect, rows_of, serving

HOST = "http://lyj.example.gov.cn"


def codes(problems: tuple[Problem, ...] | list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def sources_of(report: CaptureReport, url: str) -> list[Source]:
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        row = next(row for row in frontier.rows() if row.url == url)
        return [replace(source, key="") for source in frontier.sources(row.key)]


def listed(path: Path, data: bytes) -> tuple[list[tuple[str, str]], list[tuple[str, int | None]]]:
    """URL and place of each entry, code and line of each Problem."""
    path.write_bytes(data)
    problems: list[Problem] = []
    found = [
        (one.url.removeprefix(HOST), one.where.removeprefix(path.as_posix()))
        for one in inventory.read_list(path, HOST, problems)
    ]
    return found, [(problem.code, problem.line) for problem in problems]


def logged(path: Path, text: str) -> tuple[dict[str, tuple[str, int]], list[tuple[str, int | None]]]:
    """Status and hits of each URL, code and line of each Problem."""
    path.write_bytes(text.encode("latin-1"))
    problems: list[Problem] = []
    found = {
        one.url.removeprefix(HOST): (one.where.rpartition(" ")[2], one.hits)
        for one in inventory.read_log(Log(path=path), HOST, problems)
    }
    return found, [(problem.code, problem.line) for problem in problems]


# --- reading


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", f"# 首页\n{HOST}/a.htm\n\n  /b.htm \n{HOST}/旅游.htm\n".encode()),
        ("a.txt", f"\ufeff# 首页\r\n{HOST}/a.htm\r\n\r\n/b.htm\r\n{HOST}/旅游.htm".encode()),
        ("a.txt", f"# 首页\n{HOST}/a.htm\n\n/b.htm\n{HOST}/旅游.htm\n".encode("gb18030")),
        ("a.txt", f"# 首页\n{HOST}/a.htm\n\n/b.htm\n{HOST}/旅游.htm\n".encode("utf-16")),
        ("a.txt", gzip.compress(f"# 首页\n{HOST}/a.htm\n\n/b.htm\n{HOST}/旅游.htm\n".encode(), mtime=0)),
        ("a.csv", f'标题,URL\n甲,{HOST}/a.htm\n"一,二",\n乙,"/b.htm"\n丙,{HOST}/旅游.htm\n'.encode("gb18030")),
        ("a.tsv", f"\ufeffn\t网址\n\t{HOST}/a.htm\n2\t\n\t/b.htm\n4\t{HOST}/旅游.htm\n".encode()),
        ("a.csv", f'"Address";"Status"\n{HOST}/a.htm;200\n;\n/b.htm;200\n{HOST}/旅游.htm;301\n'.encode()),
    ],
)
def test_a_list_is_read_in_whatever_form_it_was_saved(name: str, data: bytes, tmp_path: Path) -> None:
    """One URL a line, or the URL column of a table; each keeps its line."""
    found, problems = listed(tmp_path / name, data)
    assert found == [("/a.htm", ":2"), ("/b.htm", ":4"), ("/%E6%97%85%E6%B8%B8.htm", ":5")]
    assert problems == []


def test_bad_lines_are_named_and_the_others_count(tmp_path: Path) -> None:
    """At most twenty are named, the rest is counted."""
    bad = ["ftp://a.cn/x", "甲", "http://", "http://a.cn:x/", "x" * 5000, "javascript:alert(1)", "http://[::1/"]
    text = "\n".join([*bad, "/good.htm", *["?"] * 30]).encode() + b"\n" + b"y" * 200_000 + b"\n/last.htm\n"
    found, problems = listed(tmp_path / "a.txt", text)
    assert found == [("/good.htm", ":8"), ("/last.htm", ":40")]
    assert problems == [
        *(("inventory-line-invalid", line) for line in [*range(1, 8), *range(9, 22)]),
        ("inventory-lines-invalid", None),
    ]


def test_a_table_without_a_url_column_is_a_problem(tmp_path: Path) -> None:
    found, problems = listed(tmp_path / "a.csv", b"name,title\nx,http://a.cn/\n")
    assert (found, problems) == ([], [("inventory-column-missing", 1)])


def test_a_table_with_a_broken_cell_is_read_further(tmp_path: Path) -> None:
    """A cell of 130,000 letters is more than the library reads."""
    wide = "z" * 60_000
    found, problems = listed(tmp_path / "a.csv", f'url,x\n/a.htm,1\n"{wide}\n{wide}\n{wide}",2\n/b.htm,3\n'.encode())
    assert ("/a.htm", ":2") in found
    assert codes_of(problems) == {"inventory-line-invalid"}


def codes_of(problems: list[tuple[str, int | None]]) -> set[str]:
    return {code for code, _line in problems}


def test_a_file_that_breaks_off_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"/{n * 7919 % 10007}.htm\n" for n in range(5000)).encode())
    found, problems = listed(tmp_path / "a.gz", packed[: len(packed) // 2])
    assert len(found) > 100
    assert problems == [("inventory-unreadable", None)]
    (tmp_path / "folder").mkdir()
    unread: list[Problem] = []
    assert list(inventory.read_log(Log(path=tmp_path / "folder"), HOST, unread)) == []
    assert [(problem.code, problem.severity) for problem in unread] == [("inventory-unreadable", "error")]


LOG = r"""
1.2.3.4 - - [22/Nov/2026:10:30:00 +0800] "GET /a.htm HTTP/1.1" 200 512
1.2.3.4 - zhang [22/Nov/2026:10:30:01 +0800] "GET /a.htm HTTP/1.1" 304 - "-" "Mozilla/5.0 \"x\" [y]"
::1 - - [22/Nov/2026:10:30:02 +0800] "HEAD /a.htm HTTP/1.0" 200 0 "http://a.cn/[1]" "UA"
1.2.3.4 - - [22/Nov/2026:10:30:03 +0800] "POST /form.asp HTTP/1.1" 200 5
1.2.3.4 - - [22/Nov/2026:10:30:04 +0800] "GET /show.asp?id=1&lx=\xC2\xC3 HTTP/1.1" 200 5
1.2.3.4 - - [22/Nov/2026:10:30:05 +0800] "GET /old page.htm HTTP/1.1" 404 5
1.2.3.4 - - [22/Nov/2026:10:30:06 +0800] "\x16\x03\x01" 400 0 "-" "-"
1.2.3.4 - - [22/Nov/2026:10:30:06 +0800] "-" 408 0
1.2.3.4 - - [22/Nov/2026:10:30:07 +0800] "GET http://other.example/x HTTP/1.1" 404 0
1.2.3.4 - - [22/Nov/2026:10:30:08 +0800] "GET /say%22hi\" HTTP/1.1" 200 0
1.2.3.4 - - [22/Nov/2026:10:30:09 +0800] "GET *  HTTP/1.1" 400 0
1.2.3.4 - - [22/Nov/2026:10:30:10 +0800] "GET //a//b HTTP/1.1" 200 0
what is this
1.2.3.4 - - [22/Nov/2026:10:30:11 +0800] "CONNECT mail.example:25 HTTP/1.1" 405 0
1.2.3.4 - - [22/Nov/2026:10:30:12 +0800] "GET /0.9" 200 7
"""


def test_an_access_log_names_what_visitors_asked_for(tmp_path: Path) -> None:
    """GET and HEAD only, hits and status kept, bytes as the server wrote them."""
    found, problems = logged(tmp_path / "access.log", LOG)
    assert found == {
        "/a.htm": ("304", 1),
        "/show.asp?id=1&lx=%C2%C3": ("200", 1),
        "/old%20page.htm": ("404", 1),
        "http://other.example/x": ("404", 1),
        "/say%22hi%22": ("200", 1),
        "//a//b": ("200", 1),
        "/0.9": ("200", 1),
    }
    assert problems == [("inventory-line-invalid", 14)]


def test_a_log_lists_the_most_asked_first(tmp_path: Path) -> None:
    line = '1.1.1.1 - - [22/Nov/2026:10:30:00 +0800] "GET /{} HTTP/1.1" 200 5\n'
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress("".join(line.format(name) for name in "abcbbcz").encode()))
    found = [(one.url, one.hits) for one in inventory.read_log(Log(path=path), HOST, [])]
    assert found == [(f"{HOST}/b", 3), (f"{HOST}/c", 2), (f"{HOST}/a", 1), (f"{HOST}/z", 1)]


def test_lines_made_to_take_for_ever_do_not(tmp_path: Path) -> None:
    """Each is judged in a time that grows with its length only; the test would not end otherwise."""
    text = "\n".join(["a b " + "[" * 60_000, 'a b [] "' + "G " * 30_000, "a b [" + "]" * 60_000, '"' * 60_000])
    found, problems = logged(tmp_path / "access.log", text)
    assert found == {}
    assert codes_of(problems) == {"inventory-line-invalid"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("access.log", Log(path=Path("access.log"))),
        ("WWW.a.cn:8080=x/access.log", Log(path=Path("x/access.log"), origin="http://www.a.cn:8080")),
        ("https://a.cn=access.log", Log(path=Path("access.log"), origin="https://a.cn")),
        ("x/y=z.log", Log(path=Path("x/y=z.log"))),
    ],
)
def test_a_log_may_be_of_another_host(text: str, expected: Log) -> None:
    assert inventory.parse_log(text) == expected
    assert inventory.parse_log(expected.name) == expected


@given(st.binary(max_size=400))
def test_no_file_stops_the_reading(data: bytes) -> None:
    """Whatever it holds, it gives URLs and Problems."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "a.csv"):
            path = Path(folder, name)
            path.write_bytes(data)
            problems: list[Problem] = []
            found = [*inventory.read_list(path, HOST, problems), *inventory.read_log(Log(path=path), HOST, problems)]
            assert all(one.url.startswith(("http://", "https://")) for one in found)


# --- the inventory of a capture


def test_every_url_keeps_all_its_sources(tmp_path: Path) -> None:
    """A page may be linked, listed, visited and mapped; its hits are counted."""
    names, log = tmp_path / "urls.csv", tmp_path / "access.log"
    line = '1.1.1.1 - - [22/Nov/2026:10:30:00 +0800] "GET {} HTTP/1.1" {} 5\n'
    log.write_text(line.format("/a.html", 200) * 3 + line.format("/a.html", 304) + line.format("/hidden.html", 200))
    with serving({"/": page('<a href="a.html"><a href="b.html">'), "/b.html": page('b <area href="a.html">')}) as web:
        names.write_text(f"url\n{web.url('/a.html')}\n/listed.html\nhttp://other.example/\n")
        web.routes |= {path: page(path) for path in ("/a.html", "/hidden.html", "/listed.html")}
        entry = f"<urlset><url><loc>{web.url('/a.html')}</loc></url></urlset>"
        web.routes["/sitemap.xml"] = page(entry, "text/xml")
        report = captured(web, tmp_path / "store", lists=[names], logs=[Log(path=log)])
        found = sources_of(report, web.url("/a.html"))
        rows = rows_of(report)
    assert sorted((one.kind, one.where, one.hits) for one in found) == sorted(
        [
            ("list", f"{names}:2", 0),
            ("log", f"{log}: HTTP 200", 3),
            ("log", f"{log}: HTTP 304", 1),
            ("sitemap", web.url("/sitemap.xml"), 0),
            ("a@href", web.url("/"), 0),
            ("area@href", web.url("/b.html"), 0),
        ]
    )
    assert (rows["/a.html"].hits, rows["/hidden.html"].hits, rows["/b.html"].hits) == (4, 1, 0)
    states = {row.url: (row.state, row.cause) for row in rows.values()}
    assert states.pop("http://other.example/") == ("excluded", "host: other.example is not in the decision")
    assert {rows[path].state for path in ("/a.html", "/b.html", "/hidden.html", "/listed.html")} == {"captured"}
    account = report.account
    assert account.inventory["total"] == 8
    assert account.sources == {"crawl": 2, "list": 3, "log": 2, "probe": 2, "sitemap": 1, "start": 1}
    assert account.rules == {"host": 1}
    assert account.hits == {"captured": 5}


def test_only_twenty_sources_are_written_down_and_the_others_counted(tmp_path: Path) -> None:
    routes: dict[str, Route] = {f"/{n}.html": page(f'{n}<a href="/menu.html">') for n in range(50)}
    routes |= {"/": page("".join(f'<a href="{n}.html">' for n in range(50))), "/menu.html": page("menu")}
    with serving(routes) as web:
        report = captured(web, tmp_path)
        assert len(sources_of(report, web.url("/menu.html"))) == 20
        assert rows_of(report)["/menu.html"].more == 30


def test_the_table_of_sources_can_be_asked_by_anybody(tmp_path: Path) -> None:
    """FORMATS §3: `source` in crawl.sqlite."""
    with serving({"/": page('<a href="a.html">'), "/a.html": page("a")}) as web:
        report = captured(web, tmp_path)
    with closing(sqlite3.connect(report.capture.frontier)) as database:
        found = database.execute('SELECT key, kind, "where", hits FROM source WHERE kind = ?', ("a@href",)).fetchall()
    assert found == [(web.url("/a.html"), "a@href", web.url("/"), 0)]


def test_what_an_earlier_capture_knew_is_asked_for_again(tmp_path: Path) -> None:
    """A page to which nothing links any more may still be there; --fresh leaves it out."""
    routes: dict[str, Route] = {
        "/": page('<a href="a.html"><a href="b.html"><a href="/admin/">'),
        "/a.html": page("a"),
        "/b.html": page("b"),
        "/admin/": page("admin"),
    }
    with serving(routes) as web:
        captured(web, tmp_path, decided(web, exclude=(Exclude(pattern=pattern("/admin/"), reason="后台"),)))
        routes["/"] = page("new")
        del routes["/b.html"]
        again = captured(web, tmp_path)
        fresh = captured(web, tmp_path, fresh=True)
        states = {path: row.state for path, row in rows_of(again).items()}
        former = sources_of(again, web.url("/a.html"))
    assert states == {
        "/": "captured", "/a.html": "captured", "/b.html": "excused", "/admin/": "captured",
        "/robots.txt": "excused", "/sitemap.xml": "excused",
    }  # fmt: skip
    assert [(one.kind, one.where[:4]) for one in former] == [("former", "lyj/")]
    assert set(rows_of(fresh)) == {"/", "/robots.txt", "/sitemap.xml"}
    assert verify(again.capture).problems == ()


def test_a_resumed_capture_remembers_what_it_was_given(tmp_path: Path) -> None:
    """Lists and logs named once, also when the files were read half only: nothing is counted twice."""
    names, log = tmp_path / "urls.txt", tmp_path / "access.log"
    names.write_text("/listed.html\n")
    log.write_text('1.1.1.1 - - [22/Nov/2026:10:30:00 +0800] "GET /a.html HTTP/1.1" 200 5\n' * 7)
    with serving({"/": page("x"), "/listed.html": page("l"), "/a.html": page("a")}) as web:
        port = web.port
    with pytest.raises(Refused):
        captured(web, tmp_path / "store", lists=[names], logs=[Log(path=log)])
    (capture,) = store.captures(tmp_path / "store", "lyj")
    with closing(sqlite3.connect(capture.frontier)) as database, database:
        database.execute("DELETE FROM setting WHERE name = 'read'")
    with serving({"/": page("x"), "/listed.html": page("l"), "/a.html": page("a")}) as web:
        web.port, again = port, web.port
        to = [ConnectTo(host="127.0.0.1", port=port, address="127.0.0.1", to_port=again)]
        report = captured(web, tmp_path / "store", connect_to=to)
        rows = rows_of(report)
        assert report.capture == capture
        assert [one.hits for one in sources_of(report, web.url("/a.html"))] == [7]
    assert {path: row.state for path, row in rows.items() if path not in ("/robots.txt", "/sitemap.xml")} == {
        "/": "captured", "/a.html": "captured", "/listed.html": "captured",
    }  # fmt: skip
    assert rows["/a.html"].hits == 7


def test_attempts_are_counted_over_all_runs(tmp_path: Path) -> None:
    """Three while the server was down, one when it was up."""
    with serving({}) as web:
        port = web.port
    with pytest.raises(Refused):
        captured(web, tmp_path)
    with serving({"/": page("x")}) as web:
        web.port, again = port, web.port
        to = [ConnectTo(host="127.0.0.1", port=port, address="127.0.0.1", to_port=again)]
        row = rows_of(captured(web, tmp_path, connect_to=to))["/"]
    assert (row.state, row.attempts) == ("captured", 4)


@pytest.mark.parametrize(
    ("name", "kind", "packed"),
    [("/map.xml.gz", "application/gzip", True), ("/map.xml", "text/xml", False), ("/sitemap.txt", "text/plain", False)],
)
def test_a_sitemap_of_sitemaps_is_followed(name: str, kind: str, packed: bool, tmp_path: Path) -> None:
    """robots.txt → index → index → sitemap, compressed or not."""
    with serving({"/": page("x"), "/deep.html": page("d")}) as web:
        index = "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc>{}</loc></sitemap></sitemapindex>"
        entry = (
            web.url("/deep.html")
            if kind == "text/plain"
            else f"<urlset><url><loc>{web.url('/deep.html')}</loc></url></urlset>"
        )
        web.routes["/robots.txt"] = page(f"Sitemap: {web.url('/one.xml')}\n", "text/plain")
        web.routes["/one.xml"] = page(index.format(web.url("/two.xml.gz")), "text/xml")
        web.routes["/two.xml.gz"] = page(gzip.compress(index.format(web.url(name)).encode()), "application/x-gzip")
        web.routes[name] = page(gzip.compress(entry.encode()) if packed else entry, kind)
        report = captured(web, tmp_path)
        assert rows_of(report)["/deep.html"].state == "captured"
        assert report.account.sources["sitemap"] == 3


# --- outcomes


EXCUSE = Excuse(pattern=pattern(r"/broken\.asp$"), by="王五", reason="数据库已停用", date=date(2026, 11, 20))


def broken() -> dict[str, Route]:
    return {"/": page('<a href="broken.asp"><a href="cut.pdf"><a href="other.asp">'),
            "/broken.asp": page("no", status="500 No"), "/other.asp": page("no", status="500 No"),
            "/cut.pdf": Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "close")}  # fmt: skip


def test_an_operator_excuses_what_failed_by_name(tmp_path: Path) -> None:
    """By whom, why and since when stands in the inventory; what nobody excuses stays failed."""
    with serving(broken()) as web:
        report = captured(web, tmp_path, decided(web, terms=Terms(excuse=(EXCUSE,))))
        row = rows_of(report)["/broken.asp"]
    assert (row.state, row.cause) == ("excused", "decision: 王五, 2026-11-20: 数据库已停用 (HTTP 500 No)")
    assert codes(report.problems) == ["capture-url-failed"] * 2
    proof = verify(report.capture)
    assert sorted(problem.path for problem in proof.problems) == [web.url("/cut.pdf"), web.url("/other.asp")]
    assert recall.response(report.capture, row).body == b"no"


def test_an_excuse_given_after_the_capture_counts_for_its_proof(tmp_path: Path) -> None:
    with serving(broken()) as web:
        report = captured(web, tmp_path)
    assert verify(report.capture).coverage == 50.0
    every = replace(EXCUSE, pattern=pattern(r"asp$|pdf$"))
    proof = verify(report.capture, [every])
    assert (proof.coverage, proof.problems) == (100.0, ())


def test_a_url_that_gave_no_answer_may_be_excused_too(tmp_path: Path) -> None:
    """Then nothing is stored, and the person is the proof."""
    routes: dict[str, Route] = {"/": page('<a href="dead.asp">'), "/dead.asp": Answer(b"", "close")}
    dead = replace(EXCUSE, pattern=pattern("dead"))
    with serving(routes) as web:
        report = captured(web, tmp_path, decided(web, terms=Terms(excuse=(dead,))))
    row = rows_of(report)["/dead.asp"]
    assert (row.state, row.warc) == ("excused", None)
    assert verify(report.capture).problems == ()


def test_a_capture_whose_sum_is_not_the_inventory_is_not_finished(tmp_path: Path) -> None:
    def lose(point: str) -> None:
        if point == "after-warc":
            with closing(sqlite3.connect(next(tmp_path.rglob("crawl.sqlite")))) as database, database:
                database.execute("UPDATE url SET state = 'queued' WHERE url LIKE '%/a.html'")

    with serving({"/": page('<a href="a.html">'), "/a.html": page("a")}) as web:
        with pytest.raises(Refused) as refused:
            captured(web, tmp_path, crash=lose)
        assert codes(list(refused.value.problems)) == ["capture-unaccounted"]
        (capture,) = store.captures(tmp_path, "lyj")
        assert not capture.finished


KINDS = ("page", "redirect", "gone", "error", "dead", "out", "excluded", "forbidden")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.lists(st.integers(0, 9), max_size=4)), min_size=1, max_size=10),
    st.lists(st.integers(0, 12), max_size=5),
    st.booleans(),
)
def test_the_five_outcomes_sum_to_the_inventory(
    site: list[tuple[str, list[int]]], listed: list[int], excuse: bool
) -> None:
    """For any small site: each URL that a page, a list or a sitemap names has one outcome."""

    def path(number: int) -> str:
        kind = site[number][0] if number < len(site) else "gone"
        return f"/{'private/' if kind == 'forbidden' else 'admin/' if kind == 'excluded' else ''}{number}.html"

    routes: dict[str, Route] = {"/robots.txt": page("User-agent: *\nDisallow: /private/\n", "text/plain")}
    for number, (kind, targets) in enumerate(site):
        links = "".join(f'<a href="{path(target)}">{target}</a>' for target in targets)
        answers: dict[str, Route] = {
            "redirect": redirect(path(targets[0]) if targets else "http://other.example/"),
            "gone": page("", status="410 Gone"), "error": page("", status="500 No"), "dead": Answer(b"", "close"),
            "out": page(f'{links}<a href="http://other.example/{number}">'),
        }  # fmt: skip
        routes[path(number)] = answers.get(kind, page(f"{number}{links}"))
    routes["/"] = page(f'<a href="{path(0)}">')
    with serving(routes) as web, tempfile.TemporaryDirectory() as folder:
        names = Path(folder, "names.txt")
        names.write_text("".join(f"{path(number)}\n" for number in listed) + "http://other.example/\n")
        terms = Terms(excuse=(replace(EXCUSE, pattern=pattern("html$")),) if excuse else ())
        exclude = (Exclude(pattern=pattern("/admin/"), reason="后台"),)
        decision = decided(web, terms=terms, exclude=exclude)
        report = captured(web, Path(folder, "store"), decision, lists=[names], options=Options(timeout=0.5))
        rows = rows_of(report)
        counts = dict(report.inventory)
        total = counts.pop("total")
        with Frontier(report.capture.frontier, read_only=True) as frontier:
            states: list[str] = [row.state for row in frontier.rows()]
        assert sum(counts.values()) == total == len(states)
        assert {state: states.count(state) for state in counts} == counts
        assert {path(number) for number in listed} <= set(rows)
        assert all(row.cause for row in rows.values() if row.state in ("excluded", "failed", "excused"))
        assert sum(report.account.rules.values()) == counts["excluded"]
        assert not excuse or counts["failed"] == 0
        proof = verify(report.capture)
        assert {problem.code for problem in proof.problems} <= {"verify-url-failed"}
        assert len(proof.problems) == counts["failed"]


# --- redirects and cookies


def test_a_door_that_opens_with_a_cookie_is_passed(tmp_path: Path) -> None:
    """The first answer sets a cookie and sends back to the same address: it is asked again, and both are kept."""
    wall = page("", status="302 Found", headers={"Location": "/", "Set-Cookie": "pass=1"})
    routes: dict[str, Route] = {
        "/": lambda time: wall if time == 1 else page('<a href="a.html">'),
        "/a.html": page("a"),
    }
    with serving(routes) as web:
        report = captured(web, tmp_path)
    assert rows_of(report)["/"].state == "captured"
    assert web.asked.count("/") == 2
    assert report.inventory["captured"] == 2
    proof = verify(report.capture)
    assert (proof.coverage, proof.problems, proof.orphans) == (100.0, (), ())


def test_a_loop_of_redirects_that_sets_cookies_ends(tmp_path: Path) -> None:
    def ring(to: str) -> Route:
        return lambda time: page("", status="302 Found", headers={"Location": to, "Set-Cookie": f"n={time}"})

    with serving({"/": ring("/a"), "/a": ring("/b"), "/b": ring("/a"), "/c": ring("/c")}) as web:
        report = captured(web, tmp_path, start=[web.url("/"), web.url("/c")])
        asked = {path: web.asked.count(path) for path in ("/", "/a", "/b", "/c")}
    assert asked["/"] == 1
    assert max(asked.values()) == 4
    assert report.inventory["redirected"] == 4
    assert verify(report.capture).problems == ()


# --- the decision and the command line


def test_a_decision_names_lists_logs_session_ids_and_budgets(tmp_path: Path) -> None:
    folder = tmp_path / "content" / "_archive"
    folder.mkdir(parents=True)
    (folder / "lyj.yml").write_text(
        "site: lyj\nhosts: [a.cn]\nlists: [lyj/urls.txt]\nlogs: ['b.cn=lyj/access.log.gz', lyj/more.log]\n"
        "session_ids: [TOK]\nbudget: {dates: 40}\n"
        "excuse:\n  - {pattern: 'x\\.asp', by: 王五, reason: 已停用, date: 2026-11-20}\n",
        encoding="utf-8",
    )
    terms = decisions.load(tmp_path / "content", "lyj").terms
    assert terms.lists == (tmp_path / "lyj/urls.txt",)
    assert [(log.path, log.origin) for log in terms.logs] == [
        (tmp_path / "lyj/access.log.gz", "http://b.cn"),
        (tmp_path / "lyj/more.log", None),
    ]
    assert terms.session_ids == {"tok"}
    assert (terms.budget.dates, terms.budget.identical) == (40, 20)
    (excuse,) = terms.excuse
    assert (excuse.by, excuse.reason, excuse.date) == ("王五", "已停用", date(2026, 11, 20))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lists: [../secret.txt]", ("decision-path-outside", 3, "lists")),
        ("logs: [/var/log/x.log]", ("decision-path-outside", 3, "logs")),
        ("lists: [out/x.txt]", ("decision-path-outside", 3, "lists")),
        ("budget: {dates: -1}", ("decision-value-invalid", 3, "budget")),
        ("budget: {date: 1}", ("decision-value-invalid", 3, "budget")),
        ("excuse: [x]", ("decision-value-invalid", 3, "excuse")),
        (
            "excuse: [{pattern: '(', by: a, reason: b, date: 2026-01-01}]",
            ("decision-value-invalid", 3, "excuse[0].pattern"),
        ),
        ("excuse: [{pattern: a, reason: b, date: 2026-01-01}]", ("decision-key-missing", 3, "excuse[0].by")),
        ("excuse: [{pattern: a, by: a, reason: b}]", ("decision-key-missing", 3, "excuse[0].date")),
    ],
)
def test_what_is_wrong_with_them_is_said_with_its_line(
    line: str, expected: tuple[str, int, str], tmp_path: Path
) -> None:
    """No file outside the project, not through a link either."""
    content = tmp_path / "project" / "content"
    (content / "_archive").mkdir(parents=True)
    (tmp_path / "project" / "out").symlink_to(tmp_path)
    (content / "_archive" / "lyj.yml").write_text(f"site: lyj\nhosts: [a.cn]\n{line}\n", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        decisions.load(content, "lyj")
    assert [(problem.code, problem.line, problem.key) for problem in refused.value.problems] == [expected]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content" / "_archive").mkdir(parents=True)
    return tmp_path


def decide(project: Path, web: OldWeb, more: str = "") -> None:
    text = f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n{more}"
    (project / "content/_archive/lyj.yml").write_text(text, encoding="utf-8")


def test_lists_and_logs_come_from_the_command_line_and_the_decision(project: Path) -> None:
    (project / "a.txt").write_text("/a.html\nno url\n")
    (project / "b.txt").write_text("/b.html\n")
    (project / "x.log").write_text('1.1.1.1 - - [22/Nov/2026:10:30:00 +0800] "GET /c.html HTTP/1.1" 200 5\n')
    routes: dict[str, Route] = {"/": page("x")}
    routes |= {f"/{n}.html": page(n) for n in "abc"}
    with serving(routes) as web:
        decide(project, web, "lists: [b.txt]\n")
        arguments = ["capture", "--site", "lyj", "--list", "a.txt", "--log", f"{web.host}=x.log", "--json"]
        done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["inventory"]["captured"] == 4
    assert report["sources"] == {"list": 2, "log": 1, "probe": 2, "start": 1}
    assert report["hits"] == {"captured": 1}
    assert f"{project}/a.txt:2: warning: inventory-line-invalid: this is no http(s) URL: no url" in done.stderr


@pytest.mark.parametrize("option", ["--list", "--log"])
def test_a_file_that_is_not_there_is_wrong_usage(option: str, project: Path) -> None:
    with serving({}) as web:
        decide(project, web)
        done = CliRunner().invoke(main, ["capture", "--site", "lyj", option, "none.txt"])
    assert done.exit_code == 2
    assert "inventory-file-missing" in done.stderr


def test_verify_asks_the_decision_for_excuses(project: Path) -> None:
    with serving(broken()) as web:
        decide(project, web)
        assert CliRunner().invoke(main, ["capture", "--site", "lyj"]).exit_code == 1
        assert CliRunner().invoke(main, ["verify", "lyj"]).exit_code == 1
        decide(project, web, "excuse:\n  - {pattern: 'asp$|pdf$', by: 王五, reason: 已停用, date: 2026-11-20}\n")
        assert CliRunner().invoke(main, ["verify", "lyj"]).exit_code == 0


def test_session_ids_that_were_learned_are_known_to_the_proof(tmp_path: Path) -> None:
    """A learned parameter makes no orphans, and is in the manifest."""

    class Visits(dict[str, Route]):
        def get(self, path: str, default: object = None) -> Route:
            self.time = getattr(self, "time", 0) + 1
            name = path.partition("?")[0]
            if not name.startswith("/p") and name != "/":
                return page("", status="404 Not Found")
            return page(f"第{name}页" + "".join(f'<a href="/p{n}.html?visit={self.time}">{n}</a>' for n in range(12)))

    with serving(Visits()) as web:
        report = captured(web, tmp_path)
        assert len(web.asked) < 60
    assert store.read_manifest(report.capture)["scope"]["session_ids"] == ["visit"]
    proof = verify(report.capture)
    assert (proof.coverage, proof.orphans, proof.problems) == (100.0, (), ())


def test_a_copy_is_found_under_every_session_id(tmp_path: Path) -> None:
    """Also one that the decision names or the capture has learned: links in the copies lead on."""
    row = Row(
        key="http://a.cn/p.asp?id=1", url="http://a.cn/p.asp?id=1&tok=7", state="captured", warc="w", mime="text/html"
    )
    planned = copies.plan([row], frozenset({"tok"}))
    for found in (planned, copies.unsealed(planned, [])):
        copy = copies.find(found, "http://a.cn/p.asp?id=1&tok=99")
        assert copy is not None
        assert copy.target_uri == row.url
        assert copies.find(found, "http://a.cn/p.asp?id=2&tok=99") is None
    assert copies.find(copies.plan([row]), "http://a.cn/p.asp?id=1&tok=99") is None
