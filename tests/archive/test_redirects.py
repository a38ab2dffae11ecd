"""Old addresses lead to where the information is now: one step, no circle, in whatever server stands there."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import canon, redirects, relate
from archive.frontier import Row
from archive.relate import Kept, Moved, Outcome, Relation, Unresolved

SITE = "https://www.example.gov.cn/"
OLD = "http://lyj.example.gov.cn"


def row(path: str, state: str = "captured", **more: object) -> Row:
    url = OLD + path
    return Row(**{"key": canon.key(url), "url": url, "state": state, "warc": "w", **more})  # type: ignore[arg-type]


def relation(*outcomes: Outcome) -> Relation:
    return Relation(capture="lyj/20261122103000", outcomes=outcomes)


def rendered(form: redirects.Format, *outcomes: Outcome) -> str:
    return redirects.render(relation(*outcomes), form, site_url=SITE, site="lyj", name="示例市旅游局网站")


def test_a_migrated_page_comes_before_its_copy_and_what_is_nowhere_is_said() -> None:
    rows = [row("/a.htm"), row("/b.htm"), row("/c.htm", "excused", cause="HTTP 404"), row("/d.js")]
    found = relate.outcomes(
        rows, {OLD + "/a.htm": "/archive/a", OLD + "/b.htm": "/archive/b"}, {OLD + "/a.htm": "/whlyj/1.html"}
    )
    assert found == [
        Moved(target_uri=OLD + "/a.htm", to="/whlyj/1.html"),
        Kept(target_uri=OLD + "/b.htm", to="/archive/b"),
        Unresolved(target_uri=OLD + "/c.htm", reason="the old site itself had nothing there (HTTP 404)"),
        Unresolved(
            target_uri=OLD + "/d.js", reason="kept in the WARC only: scripts and styles have no page of their own"
        ),
    ]
    assert relation(*found).counts == {"redirect": 1, "archive": 1, "unresolved": 2, "total": 4}


def test_an_old_redirect_ends_where_its_target_does() -> None:
    rows = [
        row("/r", "redirected", redirect_to=OLD + "/s"),
        row("/s", "redirected", redirect_to=OLD + "/a.htm"),
        row("/a.htm"),
    ]
    found = relate.outcomes(
        rows, {OLD + "/a.htm": "/archive/a", OLD + "/r": "/archive/r"}, {OLD + "/a.htm": "/whlyj/1.html"}
    )
    assert {one.target_uri: relate.to_of(one) for one in found} == {
        OLD + path: "/whlyj/1.html" for path in ("/a.htm", "/r", "/s")
    }


def test_redirects_of_the_old_site_that_run_in_a_circle_end_at_their_copies() -> None:
    rows = [row("/r", "redirected", redirect_to=OLD + "/s"), row("/s", "redirected", redirect_to=OLD + "/r")]
    found = relate.outcomes(rows, {OLD + "/r": "/archive/r", OLD + "/s": "/archive/s"}, {})
    assert [relate.to_of(one) for one in found] == ["/archive/s", "/archive/r"]


def test_the_same_page_under_another_address_moves_with_it() -> None:
    rows = [row("/A.HTM", payload_digest="sha256:1"), row("/a.htm", payload_digest="sha256:1")]
    found = relate.outcomes(rows, {}, {OLD + "/a.htm": "/whlyj/1.html"})
    assert [relate.to_of(one) for one in found] == ["/whlyj/1.html", "/whlyj/1.html"]


_PATHS = st.sampled_from(["/", "/a", "/A", "/b?x=1", "/c/", "/d.htm", "/%E6%97%85", "/e~$'\"{}\\;"])


@given(st.dictionaries(_PATHS, _PATHS, max_size=8))
def test_no_redirect_leads_to_another_or_back(mapping: dict[str, str]) -> None:
    """Even where the new pages live on the old host."""
    outcomes = [Moved(target_uri=canon.resolve(SITE, path) or "", to=to) for path, to in mapping.items()]
    settled = redirects.settle(outcomes, SITE)
    sources = {canon.key(one.old) for one in settled}
    assert all(canon.key(one.new) not in sources for one in settled)
    assert all(one.new.startswith(SITE) for one in settled)


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12), max_size=6, unique=True))
def test_no_address_breaks_out_of_its_quotes(paths: list[str]) -> None:
    urls = {url for path in paths if (url := canon.resolve(OLD, OLD + "/" + path.replace("#", "")))}
    outcomes = [Kept(target_uri=url, to="/archive/x") for url in sorted(urls)]
    for line in rendered("nginx", *outcomes).split("$archived_lyj_to_1 {")[-1].split("}\n")[0].split("\n")[2:]:
        assert re.fullmatch(r'    "(?:[^"\\]|\\.)*" "[^"$\\]*";', line) or not line, line
    for line in rendered("caddy", *outcomes).split("\n"):
        if line.startswith("\t\t") and "default" not in line:
            assert re.fullmatch(r'\t\t"(?:[^"\\{}]|\\.)*" "(?:[^"\\{}]|\\.)*"', line), line


def test_the_table_names_every_old_address() -> None:
    text = rendered(
        "csv", Moved(target_uri=OLD + "/a", to="/n.html"), Unresolved(target_uri=OLD + "/c", reason="HTTP 404")
    )
    assert list(csv.reader(io.StringIO(text))) == [
        ["old_url", "outcome", "new_url", "reason"],
        [OLD + "/a", "redirect", SITE + "n.html", ""],
        [OLD + "/c", "unresolved", "", "HTTP 404"],
    ]


def test_the_page_for_people_links_every_new_address() -> None:
    html = rendered("html", Moved(target_uri=OLD + "/a?<b>", to="/n.html"))
    assert f'<a href="{SITE}n.html">' in html
    assert "<b>" not in html


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


def asked(port: int, target: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{target}", headers={"Host": "lyj.example.gov.cn"})
    try:
        with urllib.request.build_opener(_Stay).open(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location") or error.read().decode("utf-8", "replace")


@pytest.mark.needs("nginx")
def test_nginx_answers_old_addresses_with_the_new_ones(tmp_path: Path) -> None:
    """Queries, Chinese names, session ids and capitals, in the real server."""
    text = rendered(
        "nginx",
        Moved(target_uri=OLD + "/lydt/1.htm", to="/whlyj/1.html"),
        Kept(target_uri=OLD + "/show.asp?id=12&lx=%C2%C3", to="/archive/lyj/旅 $x.html"),
        Kept(target_uri=OLD + "/upload/%E9%99%84.doc", to="/archive/lyj/附.doc.html"),
        Kept(target_uri=OLD + "/A.htm", to="/archive/lyj/A.html"),
        Kept(target_uri=OLD + "/a.htm", to="/archive/lyj/a.html"),
        Kept(target_uri=OLD + "/" + "x" * 300, to="/archive/lyj/x.html"),
        Unresolved(target_uri=OLD + "/gone", reason="404"),
    )
    port = free_port()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    (tmp_path / "map.conf").write_text(text, encoding="utf-8")
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{ access_log off; "
        f"map_hash_bucket_size 1024; map_hash_max_size 262144; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; "
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s; include {tmp_path}/map.conf; }}",
        encoding="utf-8",
    )
    server = subprocess.Popen(
        [shutil.which("nginx") or "nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, server)
        assert asked(port, "/lydt/1.htm") == (301, SITE + "whlyj/1.html")
        assert asked(port, "/show.asp?id=12&lx=%c2%c3") == (301, SITE + "archive/lyj/%E6%97%85%20%24x.html")
        assert asked(port, "/upload/%E9%99%84.doc") == (301, SITE + "archive/lyj/%E9%99%84.doc.html")
        assert asked(port, "/A.htm")[1].endswith("/A.html")
        assert asked(port, "/a.htm")[1].endswith("/a.html")
        assert asked(port, "/" + "x" * 300)[0] == 301
        for target in (
            "/lydt/1.htm;jsessionid=0A1B2C",
            "/lydt/1.htm?PHPSESSID=abc",
            "/lydt/1.htm?sid=0123456789abcdef0",
        ):
            assert asked(port, target) == (301, SITE + "whlyj/1.html"), target
        assert asked(port, "/show.asp?jsessionid=1&id=12&lx=%C2%C3")[0] == 301
        assert asked(port, "/show.asp?id=12&phpsessid=1&lx=%C2%C3")[0] == 301
        assert asked(port, "/lydt/1.htm?sid=3")[0] == 410
        status, words = asked(port, "/never")
        assert status == 410
        assert SITE + "archive/lyj/" in words
    finally:
        server.terminate()
        server.wait(10)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert server.poll() is None, "nginx did not accept the configuration"
        try:
            asked(port, "/")
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nginx does not answer")
