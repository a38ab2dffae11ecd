"""A capture accounts for every URL and keeps every byte."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from archive import canon, store
from archive.crawling.capture import Options, Scope, capture
from archive.crawling.frontier import Frontier
from archive.crawling.traps import Budget
from archive.decision import Decision, Exclude
from archive.net import fetch
from archive.net.fetch import ConnectTo
from archive.terms import Terms
from archive.warcs import cdxj, recall, warc
from sitegen.errors import Problem, Refused
from tests.archive.oldweb import (
    NOW,
    ROOT,
    Answer,
    Route,
    captured,
    chunked,
    decided,
    gzipped,
    lyj,
    page,
    redirect,
    rows_of,
    serving,
)


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def warcio_passes(path: Path) -> bool:
    return subprocess.run([sys.executable, "-m", "warcio.cli", "check", str(path)], check=False).returncode == 0


def fastwarc_passes(path: Path) -> bool:
    """Every block digest, and every payload digest that FastWARC can compute."""
    with path.open("rb") as stream:
        blocks = [record.verify_block_digest() for record in ArchiveIterator(stream, parse_http=False)]
    with path.open("rb") as stream:
        payloads = [
            record.verify_payload_digest()
            for record in ArchiveIterator(stream, parse_http=True)
            if "WARC-Payload-Digest" in record.headers
            # A revisit has no payload; FastWARC does not see the end of a head whose lines end in LF alone.
            and "WARC-Profile" not in record.headers
            and not record.headers["WARC-Target-URI"].endswith("/lf")
        ]
    return bool(blocks) and all(blocks) and all(payloads)


def test_every_url_gets_one_outcome(tmp_path: Path) -> None:
    """Captured, redirected, excluded, failed, excused: together they are the whole inventory."""
    routes: dict[str, Route] = {
        "/robots.txt": page("User-agent: *\nDisallow: /private/\n", "text/plain"),
        "/": page(
            '<a href="a.html">a</a><a href="old/">o</a><a href="gone.html">g</a><a href="/private/x.html">p</a>'
            '<a href="admin/login.asp">l</a><a href="broken.asp">b</a><a href="http://other.example/">x</a>'
        ),
        "/a.html": page("<title>甲</title>"),
        "/old/": redirect("/new/"),
        "/new/": page("new"),
        "/broken.asp": page("no", status="500 Oops"),
    }
    with serving(routes) as web:
        exclude = (Exclude(pattern=re.compile("/admin/"), reason="后台"),)
        report = captured(web, tmp_path, decided(web, exclude=exclude))
        rows = rows_of(report)
    assert {path: row.state for path, row in rows.items()} == {
        "/": "captured",
        "/a.html": "captured",
        "/admin/login.asp": "excluded",
        "/broken.asp": "failed",
        "/gone.html": "excused",
        "/new/": "captured",
        "/old/": "redirected",
        "/private/x.html": "excluded",
        "/robots.txt": "captured",
        "/sitemap.xml": "excused",
    }
    assert rows["/admin/login.asp"].cause == "decision: 后台 [/admin/]"
    assert rows["/private/x.html"].cause == "robots.txt: Disallow: /private/"
    assert rows["/old/"].redirect_to == web.url("/new/")
    assert rows["/a.html"].title == "甲"
    assert report.inventory["total"] == sum(n for state, n in report.inventory.items() if state != "total")
    assert codes(report.problems) == ["capture-url-failed"]
    assert "/private/x.html" not in web.asked


def test_records_hold_exactly_what_went_over_the_wire(tmp_path: Path) -> None:
    """Chunk framing, trailers, codings, odd line ends, header bytes beyond ASCII: all as sent."""
    long = "。".join(["市旅游局"] * 5000).encode()
    odd: dict[str, Route] = {
        "/chunks": chunked(b"<p>a</p>", b"b" * 3000, trailer=b"X-Sum: 1\r\nX-Two: 2\r\n"),
        "/extension": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nxyz\r\n0\r\n\r\n",
        "/gzip": gzipped(long),
        "/gzip-chunks": chunked(gzip.compress(long), head="Content-Type: text/html\r\nContent-Encoding: gzip"),
        "/lf": b"HTTP/1.1 200 OK\nContent-Length: 2\nX:  spaced  \n\nok",
        "/folded": b"HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\nContent-Length: 2\r\n\r\nOK",
        "/gbk": b"HTTP/1.1 200 \xba\xc3\r\nX-Name: \xc2\xc3\xd3\xce\r\nx-name: 2\r\nContent-Length: 2\r\n\r\nGB",
        "/end": Answer(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"e" * 100_000, "close"),
        "/empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "/nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
        "/not-chunked": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n<b>plain</b>", "close"),
        "/early": b"HTTP/1.1 100 Continue\r\n\r\n" + page("late"),
    }
    routes = {**odd, "/": page("".join(f'<a href="{path}">' for path in odd))}
    with serving(routes) as web:
        report = captured(web, tmp_path)
        said = {one.path: one for one in web.spoken}
        rows = rows_of(report)
    (file,) = report.capture.warcs
    stored = {(record.type, record.target_uri): record.block for record in warc.iterate(file)}
    for one in (said[path] for path in odd):
        expected = one.response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert stored[("response", web.url(one.path))] == expected, one.path
        assert stored[("request", web.url(one.path))] == one.request, one.path
        payload = re.split(rb"\r?\n\r?\n", expected, maxsplit=1)[1]
        assert rows[one.path].payload_digest == f"sha256:{hashlib.sha256(payload).hexdigest()}"
    answer = recall.response(report.capture, rows["/gzip-chunks"])
    assert answer.body == long
    assert recall.response(report.capture, rows["/not-chunked"]).body == b"<b>plain</b>"
    assert recall.response(report.capture, rows["/gbk"]).header("X-NAME") == b"\xc2\xc3\xd3\xce".decode("latin-1")
    assert {row.state for row in rows.values()} == {"captured", "excused"}
    assert warcio_passes(file)
    assert fastwarc_passes(file)


def test_a_cut_body_is_marked_and_counts_as_failed(tmp_path: Path) -> None:
    """A truncated file is stored as what it is: evidence, not the document."""
    short = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 1000\r\n\r\n%PDF-1.4 half"
    routes: dict[str, Route] = {
        "/": page('<a href="short.pdf"><a href="chunk.pdf"><a href="slow.pdf"><a href="big.pdf">'),
        "/short.pdf": Answer(short, "close"),
        "/chunk.pdf": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf", "close"),
        "/slow.pdf": Answer(short, "silent"),
        "/big.pdf": page(b"x" * 5000, "application/pdf"),
    }
    with serving(routes) as web:
        report = captured(web, tmp_path, options=Options(timeout=1.0, max_bytes=4000))
        rows = rows_of(report)
    stored = {path: recall.response(report.capture, row) for path, row in rows.items() if row.state == "failed"}
    marks = {path: answer.truncated for path, answer in stored.items()}
    assert marks == {
        "/short.pdf": "disconnect",
        "/chunk.pdf": "disconnect",
        "/slow.pdf": "time",
        "/big.pdf": "length",
    }
    assert stored["/short.pdf"].raw_body == b"%PDF-1.4 half"
    assert len(stored["/big.pdf"].raw_body) == 4000
    assert rows["/short.pdf"].cause == "truncated: disconnect"
    assert web.asked.count("/short.pdf") == 3
    assert codes(report.problems) == ["capture-url-failed"] * 4
    assert warcio_passes(report.capture.warcs[0])


def test_a_cut_body_that_comes_whole_the_second_time_is_captured(tmp_path: Path) -> None:
    """A retry is an exchange of its own, and only the whole one is kept."""
    whole = page(b"%PDF whole", "application/pdf")

    def flaky(time: int) -> Answer:
        return Answer(whole[:-3], "close") if time == 1 else Answer(whole)

    with serving({"/": page('<a href="a.pdf">'), "/a.pdf": flaky}) as web:
        report = captured(web, tmp_path)
        row = rows_of(report)["/a.pdf"]
    assert (row.state, row.attempts) == ("captured", 2)
    assert recall.response(report.capture, row).body == b"%PDF whole"


def test_links_of_an_undeclared_gbk_page_are_asked_for_in_gbk(tmp_path: Path) -> None:
    """The query travels in the page's charset, the path in UTF-8, as in a browser."""
    html = '<title>旅游</title><a href="show.asp?lx=旅游">x</a><a href="附件1.doc">y</a>'
    with serving({"/": page(html, charset="gbk")}) as web:
        report = captured(web, tmp_path)
    assert "/show.asp?lx=%C2%C3%D3%CE" in web.asked
    assert "/%E9%99%84%E4%BB%B61.doc" in web.asked
    assert rows_of(report)["/"].charset == "gb18030"
    assert rows_of(report)["/"].title == "旅游"


def test_a_session_id_does_not_make_another_page(tmp_path: Path) -> None:
    """wget followed 118 of them."""

    def linked(time: int) -> bytes:
        return page(f'<a href="/b.jsp;jsessionid={time:032x}"><a href="/c.php?PHPSESSID={time}&id=3">')

    with serving({"/": linked, "/b.jsp": linked, "/c.php?id=3": linked}) as web:
        report = captured(web, tmp_path)
    assert sorted(web.asked) == ["/", "/b.jsp", "/c.php?id=3", "/robots.txt", "/sitemap.xml"]
    assert report.inventory["captured"] == 3


def test_a_redirect_loop_ends(tmp_path: Path) -> None:
    with serving({"/": redirect("/a"), "/a": redirect("/b"), "/b": redirect("/a")}) as web:
        report = captured(web, tmp_path)
    assert report.inventory["redirected"] == 3
    assert sorted(web.asked) == ["/", "/a", "/b", "/robots.txt", "/sitemap.xml"]


def test_a_redirect_out_of_the_site_is_recorded_and_not_followed(tmp_path: Path) -> None:
    with serving({"/": page('<a href="/go">'), "/go": redirect("http://169.254.169.254/latest/meta-data")}) as web:
        rows = rows_of(captured(web, tmp_path))
    assert rows["/go"].redirect_to == "http://169.254.169.254/latest/meta-data"
    assert set(rows) == {"/", "/go", "/robots.txt", "/sitemap.xml"}


def test_a_first_capture_is_whole_in_itself(tmp_path: Path) -> None:
    """Identical bodies at two addresses: each answer is stored; the next capture refers to the first of them."""
    twice = {"/a.gif": page(b"GIF89a....", "image/gif"), "/b.gif": page(b"GIF89a....", "image/x-gif")}
    with serving({"/": page("<img src=a.gif><img src=b.gif>"), **twice}) as web:
        first = captured(web, tmp_path)
        second = captured(web, tmp_path)
        assert {rows_of(first)[path].record_type for path in twice} == {"response"}
        rows = rows_of(second)
    assert {rows[path].record_type for path in twice} == {"revisit"}
    answer = recall.response(second.capture, rows["/b.gif"])
    assert answer.body == b"GIF89a...."
    assert answer.refers_to_uri in {web.url(path) for path in twice}
    assert answer.head.startswith(b"HTTP/1.1 200 OK")


def test_recapture_of_an_unchanged_site_adds_only_revisits(tmp_path: Path) -> None:
    """Empty bodies and redirects too; a changed page is stored anew."""
    routes: dict[str, Route] = {
        "/": page('<a href="a.html"><a href="empty"><a href="old">'),
        "/a.html": page("一" * 100),
        "/empty": page(""),
        "/old": redirect("/a.html"),
    }
    with serving(routes) as web:
        first = captured(web, tmp_path)
        second = captured(web, tmp_path)
        routes["/a.html"] = page("二" * 100)
        third = captured(web, tmp_path)
    assert {row.record_type for row in rows_of(second).values()} == {"revisit"}
    kinds = {path: row.record_type for path, row in rows_of(third).items()}
    assert {path for path, kind in kinds.items() if kind == "response"} == {"/a.html"}
    assert store.read_manifest(third.capture)["previous"] == {
        "id": second.capture.id,
        "sha256": store.manifest_digest(second.capture),
    }
    row = rows_of(third)["/"]
    assert recall.response(third.capture, row).body == b'<a href="a.html"><a href="empty"><a href="old">'
    assert recall.response(third.capture, rows_of(third)["/empty"]).body == b""
    assert first.capture.timestamp < second.capture.timestamp < third.capture.timestamp


def test_private_addresses_are_refused_unless_the_decision_names_them(tmp_path: Path) -> None:
    """Whatever a name resolves to, the address that is dialled counts."""
    with serving({"/": page("secret")}) as web:
        with pytest.raises(Refused) as refused:
            captured(web, tmp_path, decided(web, allow_private=()))
        named = decided(web, hosts=("intern.example",), start=("http://intern.example/",), allow_private=())
        to = [ConnectTo(host="intern.example", port=80, address="localhost", to_port=web.port)]
        with pytest.raises(Refused):
            captured(web, tmp_path / "2", named, connect_to=to)
        assert web.asked == []
        again = captured(web, tmp_path)
    assert codes(refused.value.problems) == ["capture-nothing"]
    assert "not in allow_private" in refused.value.problems[0].message
    assert again.inventory["captured"] == 1
    assert len(store.captures(tmp_path, "lyj")) == 1


def test_connect_to_dials_elsewhere_and_records_the_public_url(tmp_path: Path) -> None:
    with serving({"/": page("x")}) as web:
        decision = decided(web, hosts=("lyj.example.gov.cn",), start=("http://LYJ.example.gov.cn:80",))
        to = [ConnectTo(host="lyj.example.gov.cn", port=80, address="127.0.0.1", to_port=web.port)]
        report = captured(web, tmp_path, decision, connect_to=to)
        assert b"\r\nHost: lyj.example.gov.cn\r\n" in web.spoken[0].request
    entries = list(cdxj.read(report.capture.index))
    assert "http://lyj.example.gov.cn/" in [entry.url for entry in entries]


def test_our_own_release_is_captured_over_loopback_under_its_https_url(tmp_path: Path) -> None:
    """`plain_tls`: fetched in plain HTTP, recorded with the public URL, and the WARC says so."""
    with serving({"/jyj/old/index.html": page("x")}) as web:
        decision = Decision(
            site="jyj--old",
            hosts=("www.example.gov.cn",),
            start=("https://www.example.gov.cn/jyj/old/index.html",),
            allow_private=("127.0.0.1",),
        )
        to = [ConnectTo(host="www.example.gov.cn", port=443, address="127.0.0.1", to_port=web.port)]
        report = captured(web, tmp_path, decision, connect_to=to, plain_tls=True)
    records = list(warc.iterate(report.capture.warcs[0]))
    assert b"plain-tls: https URLs were fetched in plain HTTP" in records[0].block
    assert "https://www.example.gov.cn/jyj/old/index.html" in {record.target_uri for record in records}


def test_a_column_is_captured_with_what_its_pages_need_and_no_more(tmp_path: Path) -> None:
    """Scope with a prefix: pages below it, images and styles from anywhere on the host."""
    html = '<link rel=stylesheet href="/assets/a.css"><a href="/jyj/old/b.html"><a href="/jyj/new.html">'
    routes: dict[str, Route] = {"/jyj/old/": page(html), "/assets/a.css": page("b{}", "text/css")}
    with serving(routes) as web:
        decision = decided(web, start=(web.url("/jyj/old/"),))
        report = captured(web, tmp_path, decision, scope=Scope(hosts=(web.host,), prefixes=("/jyj/old/",)))
    assert set(rows_of(report)) == {"/jyj/old/", "/assets/a.css", "/jyj/old/b.html", "/robots.txt", "/sitemap.xml"}


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is verified against the host's name, and passes when the certificate is trusted."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lyj.example",
         "-addext", "subjectAltName=DNS:lyj.example", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with serving({"/": page("x")}, tls) as web:
        decision = decided(web, hosts=("lyj.example",), start=("https://lyj.example/",))
        to = [ConnectTo(host="lyj.example", port=443, address="127.0.0.1", to_port=web.port)]
        with pytest.raises(Refused, match="tls: self-signed certificate"):
            captured(web, tmp_path / "store", decision, connect_to=to)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        report = captured(web, tmp_path / "store", decision, connect_to=to)
    assert report.inventory["captured"] == 1


def test_pages_without_end_are_bounded(tmp_path: Path) -> None:
    """A calendar, folders within folders and parameters that pile up: asked for a little, then excluded."""

    class Endless(dict[str, Route]):
        def get(self, path: str, default: object = None) -> Route:
            if path in ("/robots.txt", "/sitemap.xml"):
                return page("", status="404 Not Found")
            if path.startswith("/cal"):
                year, month = (int(part) for part in re.findall(r"\d+", path) or (2026, 11))
                after = (year + month // 12, month % 12 + 1)
                return page(f'<a href="/cal.asp?year={after[0]}&month={after[1]}">下月</a>')
            if path.startswith("/loop"):
                return page('<a href="loop/x.html">x</a>')
            if path.startswith("/more"):
                return page(f'<a href="{path}{"&" if "?" in path else "?"}a=1">x</a>')
            return page('<a href="/cal.asp"><a href="/loop/x.html"><a href="/more">')

    with serving(Endless()) as web:
        report = captured(web, tmp_path)
    assert len(web.asked) < 60
    assert report.inventory["excluded"] == 3
    assert codes(report.problems) == ["capture-trap"] * 3


def test_a_calendar_within_the_sites_years_is_bounded_too(tmp_path: Path) -> None:
    routes: dict[str, Route] = {"/": page('<a href="/cal?day=1">')}
    routes |= {f"/cal?day={n}": page(f'<a href="/cal?day={n + 1}">次日</a>') for n in range(1, 80)}
    with serving(routes) as web:
        report = captured(web, tmp_path, decided(web, terms=Terms(budget=Budget(dates=9))))
    assert len(web.asked) == 3 + 9
    assert codes(report.problems) == ["capture-trap"]


def test_a_long_list_is_followed_to_its_end(tmp_path: Path) -> None:
    """下一页 eighty times is no trap, as long as the pages are not all the same."""
    routes: dict[str, Route] = {"/": page('<a href="list_1.html">')}
    routes |= {f"/list_{n}.html": page(f'第{n}页 <a href="list_{n + 1}.html">下一页</a>') for n in range(1, 80)}
    routes["/list_80.html"] = page("末页")
    with serving(routes) as web:
        report = captured(web, tmp_path)
    assert report.inventory["captured"] == 81
    assert report.problems == ()


def test_the_bound_of_the_inventory_is_a_problem_when_it_is_reached(tmp_path: Path) -> None:
    html = "".join(f'<a href="p{n}.html">' for n in range(50))
    with serving({"/": page(html)}) as web:
        report = captured(web, tmp_path, options=Options(max_urls=10))
    assert codes(report.problems) == ["capture-limit-reached"]
    assert report.inventory["total"] == 53 - 0
    assert len(web.asked) < 14


def test_images_on_a_host_that_was_forgotten_are_named(tmp_path: Path) -> None:
    html = '<img src="http://img.example/a.gif"><img src="http://img.example/b.gif">'
    with serving({"/": page(html)}) as web:
        report = captured(web, tmp_path)
    assert [(p.code, p.severity) for p in report.problems] == [("capture-requisite-outside", "warning")]
    assert "2 images" in report.problems[0].message


def test_pages_named_only_by_robots_and_sitemaps_are_found(tmp_path: Path) -> None:
    """A sitemap index, a compressed sitemap, and one that only robots.txt names."""
    entry = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{}</loc></url></urlset>"
    routes: dict[str, Route] = {"/": page("x"), "/a.html": page("a"), "/b.html": page("b")}
    with serving(routes) as web:
        routes["/robots.txt"] = page(f"User-agent: *\nSitemap: {web.url('/map.xml')}\n", "text/plain")
        index = f"<sitemapindex><sitemap><loc>{web.url('/two.xml.gz')}</loc></sitemap></sitemapindex>"
        routes["/sitemap.xml"] = page(index, "text/xml")
        routes["/map.xml"] = page(entry.format(web.url("/a.html")), "application/xml")
        routes["/two.xml.gz"] = page(gzip.compress(entry.format(web.url("/b.html")).encode()), "application/x-gzip")
        report = captured(web, tmp_path)
    assert {"/a.html", "/b.html"} <= set(web.asked)
    assert report.inventory["captured"] == 7


@pytest.mark.parametrize(("robots", "asked"), [("honour", [2.5]), ("ignore", [])])
def test_a_crawl_delay_is_honoured_unless_the_decision_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, robots: str, asked: list[float]
) -> None:
    slowed: list[float] = []
    monkeypatch.setattr(fetch.Client, "slow_down", lambda _client, _name, seconds: slowed.append(seconds))
    routes: dict[str, Route] = {
        "/robots.txt": page("User-agent: *\nCrawl-delay: 2.5\n", "text/plain"),
        "/": page("x"),
    }
    with serving(routes) as web:
        captured(web, tmp_path, decided(web, robots=robots))
    assert slowed == asked


def test_robots_are_ignored_when_the_decision_says_so(tmp_path: Path) -> None:
    routes: dict[str, Route] = {
        "/robots.txt": page("User-agent: *\nDisallow: /\n", "text/plain"),
        "/": page('<a href="/a">'),
        "/a": page("a"),
    }
    with serving(routes) as web:
        report = captured(web, tmp_path, decided(web, robots="ignore"))
    assert report.inventory["captured"] == 3


def test_a_robots_txt_that_cannot_be_had_forbids_everything(tmp_path: Path) -> None:
    """RFC 9309 §2.3.1.4; what was excluded so is asked for when the capture goes on."""
    routes: dict[str, Route] = {"/robots.txt": page("", status="500 No"), "/": page("a")}
    with serving(routes) as web:
        report = captured(web, tmp_path)
        assert rows_of(report)["/"].cause == "robots.txt: the server failed to give it"
        assert "/" not in web.asked


def test_a_start_outside_the_decision_is_refused(tmp_path: Path) -> None:
    with serving({}) as web, pytest.raises(Refused) as refused:
        captured(web, tmp_path, start=["http://other.example/"])
    assert codes(refused.value.problems) == ["capture-start-outside"]
    assert not list(tmp_path.iterdir())


def test_the_manifest_names_every_file_with_its_digest(tmp_path: Path) -> None:
    with serving({"/": page("<title>首页</title>")}) as web:
        report = captured(web, tmp_path)
    manifest = store.read_manifest(report.capture)
    on_disk = {p.relative_to(report.capture.folder).as_posix() for p in report.capture.folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) | {"capture.json", "report.html"} == on_disk
    assert manifest["counts"] == report.inventory
    for name, about in manifest["files"].items():
        data = (report.capture.folder / name).read_bytes()
        assert about == {"bytes": len(data), "sha256": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    lines = [json.loads(line) for line in report.capture.pages.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["format"] == "json-pages-1.0"
    assert [(line["url"], line["title"]) for line in lines[1:]] == [(web.url("/"), "首页")]


def test_the_index_finds_each_answer(tmp_path: Path) -> None:
    routes: dict[str, Route] = {"/": page("".join(f'<a href="{n}.html">' for n in range(40)))}
    routes |= {f"/{n}.html": page(f"第{n}页") for n in range(40)}
    with serving(routes) as web:
        report = captured(web, tmp_path)
        for path, row in rows_of(report).items():
            (entry,) = cdxj.lookup(report.capture.index, web.url(path))
            assert (entry.offset, entry.length, entry.digest) == (row.offset, row.length, row.payload_digest)
            assert warc.read_response(report.capture.warcs[0], entry.offset).target_uri == web.url(path)
    assert cdxj.lookup(report.capture.index, web.url("/none.html")) == []
    assert list(cdxj.read(report.capture.index)) == sorted(cdxj.read(report.capture.index))


def test_a_full_warc_file_is_followed_by_another(tmp_path: Path) -> None:
    routes: dict[str, Route] = {"/": page("".join(f'<img src="{n}.gif">' for n in range(200)))}
    routes |= {f"/{n}.gif": page(hashlib.sha512(b"%d" % n).digest() * 40, "image/gif") for n in range(200)}
    with serving(routes) as web:
        report = captured(web, tmp_path, options=Options(roll_at=20_000))
    assert len(report.warc) > 1
    assert report.warc[1].endswith("-00001.warc.gz")
    for path in report.capture.warcs:
        assert next(warc.iterate(path)).type == "warcinfo"
        assert warcio_passes(path)
    assert not list((report.capture.folder / "archive").glob("*.open"))


def test_a_warc_file_says_what_was_to_be_captured_and_by_what(tmp_path: Path) -> None:
    with serving({"/": page("x")}) as web:
        excluded = tuple(Exclude(pattern=re.compile(text), reason="后台") for text in ("/login", r"\.asp\?admin"))
        report = captured(web, tmp_path, decided(web, exclude=excluded))
    info = next(warc.iterate(report.capture.warcs[0]))
    said = dict(line.split(": ", 1) for line in info.block.decode().splitlines())
    assert (said["scope-hosts"], said["scope-exclude"], said["robots"]) == (
        web.host, r"/login \.asp\?admin", "honour",
    )  # fmt: skip
    assert said["isPartOf"] == report.capture.id
    assert said["software"].startswith("jiyuehua-archive/")
    assert "scope-prefixes" not in said


def test_warc_date_and_timestamp_are_the_machines_clock(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with serving({"/": page("x")}) as web:
        report = captured(web, tmp_path)
    answers = [r for r in warc.iterate(report.capture.warcs[0]) if r.type == "response"]
    assert all(before <= answer.date <= datetime.now(UTC) for answer in answers)
    assert report.capture.timestamp == "20261122103000"


def test_the_whole_old_website_is_captured_with_its_true_bytes(tmp_path: Path) -> None:
    """Every page, picture and file of the tourism bureau's old site, in GBK, UTF-8 and UTF-16."""
    expected = json.loads((ROOT / "tests/sites/lyj/_expected.json").read_text(encoding="utf-8"))["urls"]
    with lyj() as site:
        decision = Decision(
            site="lyj",
            hosts=("lyj.example.gov.cn",),
            start=("http://lyj.example.gov.cn/",),
            allow_private=("127.0.0.1",),
        )
        to = [ConnectTo(host="lyj.example.gov.cn", port=80, address="127.0.0.1", to_port=site.port)]
        report = capture(decision, store=tmp_path, now=NOW, options=Options(connect_to=tuple(to)))
        asked = list(site.log)
    rows = {row.key: row for row in rows_of(report).values()}
    for item in expected:
        row = rows.get(canon.key(f"http://lyj.example.gov.cn{item['url']}"))
        if item["status"] == 200:
            assert row is not None, item["url"]
            body = recall.response(report.capture, row).body
            assert hashlib.sha256(body).hexdigest() == item["sha256"], item["url"]
            assert row.title in (None, " ".join(item["html_title"].split())) if item.get("html_title") else True
    assert report.problems == ()
    assert report.inventory["failed"] == 0
    assert len(asked) == len(set(asked)) == report.inventory["total"]
    assert warcio_passes(report.capture.warcs[0])


def test_a_form_that_posts_is_a_fact_and_is_never_sent(tmp_path: Path) -> None:
    """What only its answers show cannot be captured: the report says which forms there were, and the WARC, too."""
    search = (
        '<form METHOD="Post" action="search.asp?lx=旅" accept-charset="GB2312"><input name="keyword"><input type=hidden'
    )
    search += ' name="栏目" value="secret"><select name=year></select><input type=submit></form>'
    routes: dict[str, Route] = {"/": page(f'{search}<a href="b.html">b</a>', charset="gbk"), "/b.html": page(search)}
    with serving(routes) as web:
        taken = captured(web, tmp_path).capture
        address = web.url("/search.asp?lx=")
        assert not any("search" in path for path in web.asked)
    with Frontier(taken.frontier, read_only=True) as frontier:
        (of_home, of_b) = sorted(frontier.forms(), key=lambda form: len(form.page))
    assert (of_home.action, of_home.charset) == (address + "%C2%C3", "gb2312")
    assert of_home.fields == of_b.fields == ("keyword", "栏目", "year")
    assert of_b.action == address + "%E6%97%85"
    notes = [record.block for record in warc.iterate(taken.warcs[0]) if record.type == "metadata"]
    line = f"form: POST {address}%C2%C3 gb2312 keyword %E6%A0%8F%E7%9B%AE year\r\n".encode()
    assert sum(line in note for note in notes) == 1
    assert not any(b"secret" in note for note in notes)
    assert "keyword, 栏目, year" in taken.report.read_text(encoding="utf-8")
