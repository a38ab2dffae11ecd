"""Every old address answers as the ledger says, in the servers that stand in front of real sites."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest

from archive import canon
from archive.redirection import caddy, lookup, nginx, old_urls, redirects
from archive.redirection.old_urls import Address, Ledger
from tests.archive.retired import Retired
from tests.archive.servers import SERVERS, ask

OLD = "http://lyj.example.gov.cn"
NEW = "https://www.example.gov.cn"
HOST = "lyj.example.gov.cn"


def ledger(*given: Address, hosts: tuple[str, ...] = (HOST,), name: str = "示例市旅游局网站") -> Ledger:
    return Ledger(
        capture="lyj/20261122103000",
        site="lyj",
        name=name,
        hosts=hosts,
        catalogue=f"{NEW}/archive/lyj/",
        home=f"{NEW}/whlyj/",
        home_title="示例市文化和旅游局",
        addresses=given,
    )


def with_sessions(found: Ledger, *names: str) -> Ledger:
    return replace(found, session_ids=frozenset(names))


def kept(old: str, new: str) -> Address:
    return Address(old_url=OLD + old, outcome="archive", target=NEW + new, relation="copy")


def target_of(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


both = pytest.mark.parametrize("server", [pytest.param(name, marks=pytest.mark.needs(name)) for name in SERVERS])


def assert_gone(status: int, headers: dict[str, str], body: bytes) -> None:
    """410, and the citizen is shown the way to the archive and to the new home."""
    assert status == 410
    assert headers["content-type"].startswith("text/html")
    text = body.decode("ascii")
    assert f"href={NEW}/archive/lyj/>" in text
    assert f"href={NEW}/whlyj/>" in text


@both
def test_every_old_address_of_the_sample_answers_as_the_ledger_says(
    server: str, retired: Retired, tmp_path: Path
) -> None:
    """As it was written, and for the same page in another encoding, in other capitals, with a session id."""
    rows = old_urls.read_csv(retired.store / "redirects.csv")
    assert {one.old_url for one in rows} == {row.url for row in retired.rows()}
    assert {one.outcome for one in rows} == {"redirect", "archive", "gone"}
    assert len(rows) >= 200
    configuration = (retired.store / f"redirects.{server}").read_text(encoding="utf-8")
    with SERVERS[server](tmp_path, configuration) as port:
        for one in rows:
            target = target_of(one.old_url)
            path, mark, query = target.partition("?")
            ways: list[str | bytes] = [target, re.sub("%..", lambda escape: escape[0].lower(), target)]
            if lookup.plain_form(path, query) is not None:  # a path in GBK is known as it was written
                ways.append(f"{path};jsessionid=0A1B2C3D{mark}{query}")
                ways += [] if query else [f"{path}?PHPSESSID=abc", unquote_to_bytes(path)]
            for way in ways:
                answer = ask(port, HOST, way)
                if one.target:
                    assert (answer[0], answer[1]["location"]) == (301, one.target), way
                else:
                    assert_gone(*answer)
        assert_gone(*ask(port, HOST, "/never-was.html"))
        assert ask(port, HOST, "/BSZN/DYZ.HTM")[1]["location"] == next(
            one.target for one in rows if one.old_url.endswith("/bszn/dyz.htm")
        )


@both
def test_every_target_answers_in_the_live_release(server: str, retired: Retired, tmp_path: Path) -> None:
    """A redirect never leads to a 404, nor to another redirect."""
    targets = {one.target for one in old_urls.read_csv(retired.store / "redirects.csv") if one.target}
    with SERVERS[server](tmp_path, retired.headers(server)) as port:
        for target in sorted(targets):
            assert target.startswith(NEW + "/")
            status, _, body = ask(port, "www.example.gov.cn", target_of(target))
            assert status == 200, target
            assert body, target


@both
def test_every_archived_page_is_served_under_the_sandbox_and_says_what_it_is(
    server: str, retired: Retired, tmp_path: Path
) -> None:
    """RFC 7089 and 第十五条: when it was captured, and from where; nothing of it runs."""
    with SERVERS[server](tmp_path, retired.headers(server)) as port:
        for page in retired.index["pages"]:
            status, headers, _ = ask(port, "www.example.gov.cn", quote(page["url"]))
            assert status == 200, page["url"]
            assert headers["content-security-policy"].startswith("sandbox allow-popups"), page["url"]
            assert "allow-scripts" not in headers["content-security-policy"]
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["memento-datetime"].endswith(" GMT")
            assert re.fullmatch(r'<http://lyj\.example\.gov\.cn/[!-;=?-~]*>; rel="original"', headers["link"]), page[
                "url"
            ]
            assert canon.key(headers["link"][1:].partition(">")[0]) == canon.key(page["target_uri"])
        folder = f"/archive/lyj/{retired.index['timestamp']}/"
        inside = [name for name in retired.index["files"] if name.endswith(".css")]
        for name in inside:
            headers = ask(port, "www.example.gov.cn", quote(folder + name))[1]
            assert headers["content-security-policy"].startswith("sandbox")
            assert headers["content-type"].startswith("text/css")
        assert len(inside) >= 5
        assert "content-security-policy" not in ask(port, "www.example.gov.cn", "/archive/lyj/")[1]
        assert "memento-datetime" not in ask(port, "www.example.gov.cn", "/")[1]
        status, headers, _ = ask(port, "www.example.gov.cn", folder + "none.html")
        assert status == 404


HOSTILE = [
    '/a" "http://evil.example',
    "/a\\",
    '/a\\" "http://evil.example";',
    "/a{$HOME}",
    "/a{env.HOME}b{path}",
    "/a${HOME}$uri",
    "/a;} server { listen 81;",
    "/a`b'c",
    "/a\n}\nserver {",
    "/a\r\nX: y",
    "/~^.*$",
    "/default",
    "/*",
    "/a//b/./c",
    '/a?x={env.HOME}&y=$uri\\"',
    "/" + "长" * 90,
    "/a%00b",
    "/a|b",
]


@both
def test_a_hostile_old_address_is_an_address_and_nothing_else(server: str, tmp_path: Path) -> None:
    """It cannot end its string, open a block, or read the server's environment; it still leads where it should."""
    urls = [
        canon.resolve(
            OLD + "/",
            OLD
            + path.partition("?")[0].replace("\n", "%0A").replace("\r", "%0D")
            + path[len(path.partition("?")[0]) :],
        )
        for path in HOSTILE
    ]
    rows = [kept(target_of(url or ""), f"/archive/lyj/{number}.html") for number, url in enumerate(urls)]
    assert len({one.old_url for one in rows}) == len(HOSTILE)
    text = redirects.render(ledger(*rows, name='站{$HOME}" ; } \\'), server)  # type: ignore[arg-type]
    with SERVERS[server](tmp_path, text) as port:
        for one in rows:
            status, headers, _ = ask(port, HOST, target_of(one.old_url))
            if "%00" in one.old_url and server == "nginx":
                assert status == 400
                continue
            assert (status, headers.get("location")) == (301, one.target), one.old_url
        assert_gone(*ask(port, HOST, "/a"))
        body = ask(port, HOST, "/unknown")[2].decode()
        assert "/root" not in body
        assert "{$HOME}".replace("{", "&#123;").replace("}", "&#125;").replace("$", "&#36;") in body


@both
def test_addresses_that_only_case_or_encoding_tells_apart_keep_their_own_answers(server: str, tmp_path: Path) -> None:
    rows = [kept("/A.htm", "/1"), kept("/a.htm", "/2"), kept("/b%2Fc", "/3"), kept("/b/c", "/4"), kept("/%CD", "/5")]
    with SERVERS[server](tmp_path, redirects.render(ledger(*rows), server)) as port:  # type: ignore[arg-type]
        found = [ask(port, HOST, target_of(one.old_url))[1]["location"] for one in rows]
        assert found == [one.target for one in rows]
        assert ask(port, HOST, "/%cd")[1]["location"] == NEW + "/5"
        assert_gone(*ask(port, HOST, "/b"))


@both
def test_a_parameter_that_the_capture_found_to_name_the_visit_only_is_left_out(server: str, tmp_path: Path) -> None:
    """Bookmarks hold the visit of whoever made them. A name that is no plain word is not put into a pattern."""
    rows = [kept("/a.asp?id=1&zid=aaa", "/1"), kept("/b.asp?zid=aaa", "/2")]
    found = with_sessions(ledger(*rows), "zid", 'x"}|.*', "(")
    with SERVERS[server](tmp_path, redirects.render(found, server)) as port:  # type: ignore[arg-type]
        for asked, wanted in (
            ("/a.asp?zid=bbb&id=1", "/1"),
            ("/a.asp?id=1", "/1"),
            ("/b.asp?ZID=c", "/2"),
            ("/b.asp", "/2"),
        ):
            assert ask(port, HOST, asked)[1]["location"] == NEW + wanted, asked
        assert_gone(*ask(port, HOST, "/a.asp?id=2&zid=aaa"))


@both
def test_a_host_of_which_nothing_is_left_answers_too(server: str, tmp_path: Path) -> None:
    text = redirects.render(ledger(hosts=(HOST, "old.example.gov.cn")), server)  # type: ignore[arg-type]
    with SERVERS[server](tmp_path, text) as port:
        assert_gone(*ask(port, "old.example.gov.cn", "/x"))


@both
def test_only_session_ids_are_passed_over(server: str, tmp_path: Path) -> None:
    """A short `sid` is the number of a section; it is not another name of the page without it."""
    rows = [kept("/l/1.htm", "/1"), kept("/show.asp?id=12&lx=%C2%C3", "/2")]
    with SERVERS[server](tmp_path, redirects.render(ledger(*rows), server)) as port:  # type: ignore[arg-type]
        for target in ("/l/1.htm?sid=0123456789abcdef0", "/l/1.htm;JSESSIONID=1!2", "/l/1.htm?"):
            assert ask(port, HOST, target)[1]["location"] == NEW + "/1", target
        for target in ("/show.asp?jsessionid=1&id=12&lx=%C2%C3", "/show.asp?id=12&phpsessid=1&lx=%c2%c3"):
            assert ask(port, HOST, target)[1]["location"] == NEW + "/2", target
        assert_gone(*ask(port, HOST, "/l/1.htm?sid=3"))
        assert_gone(*ask(port, HOST, "/l/1.htm?x=3"))


def test_the_configuration_of_the_archive_needs_no_trust_in_old_addresses() -> None:
    """A target URI of a published index ends neither its string nor the header."""
    page = {"url": "/archive/o/20261122103000/h/a.html", "captured_at": "2026-11-22T10:30:00+00:00"}
    indexes: list[dict[str, Any]] = [
        {"pages": [{**page, "target_uri": 'http://h/a?"{$HOME}\\\r\nSet-Cookie: a=b>; rel="x"'}]}
    ]
    for text in (f(indexes, site_url=NEW, root="/srv/site") for f in (nginx.archive, caddy.archive)):
        (line,) = [line for line in text.splitlines() if "Sun, 22 Nov 2026 10:30:00 GMT" in line]
        assert "\\\\" not in line
        assert "{$" not in line
        assert "%22" in line
        assert "%0D%0A" in line


HOSTILE_PAGE = (
    "<title>before</title><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    "<img src=http://evil.example/a.png><iframe src=http://evil.example/></iframe>"
    "<link rel=stylesheet href=http://evil.example/a.css><style>@import 'http://evil.example/b.css';</style>"
    "<object data=http://evil.example/o></object><meta http-equiv=refresh content='0;url=javascript:document.title=1'>"
)


@contextmanager
def elsewhere() -> Iterator[tuple[int, list[bytes]]]:
    """The rest of the world: a port on which every request is written down."""
    heard: list[bytes] = []

    class World(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path.encode())
            self.send_error(404)

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), World) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join()


@contextmanager
def browsing(port: int, world: int) -> Iterator[Any]:
    """A page of Chromium, scripts switched on, for which the portal is at `port` and everything else at `world`."""
    from playwright.sync_api import sync_playwright

    rules = f"MAP www.example.gov.cn:80 127.0.0.1:{port},MAP * 127.0.0.1:{world}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        yield browser.new_page()
        browser.close()


@pytest.mark.needs("chromium", "nginx", "caddy")
@both
def test_no_script_of_an_archived_page_runs_and_no_request_leaves_the_host(
    server: str, retired: Retired, tmp_path: Path
) -> None:
    """Every archived page of the sample in a real browser (through Caddy, whose headers are the same for every page, each
    tenth). And a page that nobody has made harmless: the policy alone keeps it quiet, while without the policy it runs and
    calls out."""
    pages = [page["url"] for page in retired.index["pages"] if page["url"].endswith(".html")]
    assert len(pages) >= 110
    pages = pages[:: 10 if server == "caddy" else 1]
    folder = f"/archive/lyj/{retired.index['timestamp']}/"
    hostile = retired.site / f"{folder}hostile-test.html".lstrip("/")
    with elsewhere() as (world, heard), SERVERS[server](tmp_path, retired.headers(server)) as port:
        with browsing(port, world) as page:
            ran: list[str] = []
            page.on("dialog", lambda dialog: ran.append(dialog.message))
            page.on("popup", lambda popup: ran.append(popup.url))
            page.on("worker", lambda worker: ran.append(worker.url))
            for url in pages:
                page.goto("http://www.example.gov.cn" + quote(url), wait_until="load")
                assert page.locator("[data-archived]").first.is_visible(), url
                assert page.locator("script").count() == 0, url
            assert ran == []
            hostile.write_text(HOSTILE_PAGE, encoding="utf-8")
            try:
                page.goto(f"http://www.example.gov.cn{folder}hostile-test.html", wait_until="load")
                page.wait_for_timeout(300)
                assert page.title() == "before"
            finally:
                hostile.unlink()
        assert heard == []
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "hostile-test.html").write_text(HOSTILE_PAGE, encoding="utf-8")
    with elsewhere() as (world, heard), served(tmp_path / "bare") as bare, browsing(bare, world) as page:
        page.goto("http://www.example.gov.cn/hostile-test.html", wait_until="load")
        assert page.title() == "ran"
        assert b"/a.png" in heard


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """A folder without any of our headers."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
