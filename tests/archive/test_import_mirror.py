"""Folders and files that wget and HTTrack really made, and what URL a file's name stands for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import pytest

from archive.decision import Decision
from archive.proving.verify import verify
from archive.warcs import mirror, recall, records
from sitegen.errors import Refused
from tests.archive.foreigners import brought, decided, http, rows
from tests.archive.oldweb import OldWeb, Route, page, redirect, serving
from tests.conftest import REPLAY
from tests.test_end_to_end import pywb

GBK = (
    "<meta charset=gb2312><title>首页</title>"
    + '<a href="a.html"><a href="l.asp?id=1&amp;x=2"><a href="%E6%96%B0%E9%97%BB/1.html">'
)
SITE: dict[str, Route] = {
    "/": page(GBK + '<img src="img/x.gif"><a href="sub/"><a href="old">', charset="gb18030"),
    "/robots.txt": page("", "text/plain"),
    "/a.html": page("<title>甲</title>", headers={"Last-Modified": "Sat, 04 May 2019 03:02:01 GMT"}),
    "/l.asp?id=1&x=2": page("<title>乙</title>"),
    "/%E6%96%B0%E9%97%BB/1.html": page("<title>新闻</title>"),
    "/img/x.gif": page(b"GIF89a", "image/gif"),
    "/sub/": page("<title>丙</title>"),
    "/old": redirect("/a.html"),
}


def decision_of(web: OldWeb) -> Decision:
    return decided(hosts=(web.host,), start=(web.url(),))


def run(folder: Path, *command: str) -> None:
    folder.mkdir(exist_ok=True)
    subprocess.run(
        command, cwd=folder, capture_output=True, check=False, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )


def bodies() -> dict[str, bytes]:
    """Path → body as served, of every answer 200."""
    found = {}
    for path, raw in SITE.items():
        assert isinstance(raw, bytes)
        head, _, body = raw.partition(b"\r\n\r\n")
        if b" 200 " in head:
            found[path] = body
    return found


@pytest.mark.needs("wget")
@pytest.mark.parametrize("options", [[], ["--no-warc-compression"]], ids=["compressed", "plain"])
def test_a_warc_file_of_wget_is_imported_whole(options: list[str], tmp_path: Path) -> None:
    """Every answer with the bytes that were served; its redirects, requests and its log, too."""
    with serving(dict(SITE)) as web:
        run(tmp_path / "w", "wget", "-q", "-r", "-p", "--warc-file=w", *options, web.url())
        decision = decision_of(web)
        prefix = web.url("")
    (file,) = (tmp_path / "w").glob("w.warc*")
    report = brought(tmp_path, file, decision=decision)
    found = {row.url.removeprefix(prefix): row for row in rows(report.capture).values()}
    served = bodies()
    assert {path for path, row in found.items() if row.state == "captured"} == set(served)
    assert {path: recall.response(report.capture, found[path]).raw_body for path in served} == served
    assert (found["/old"].state, found["/old"].redirect_to) == ("redirected", f"{prefix}/a.html")
    assert report.files[0].software.startswith("Wget/")
    assert report.files[0].kept == (not options)
    proof = verify(report.capture)
    assert (proof.coverage, proof.orphans, proof.problems) == (100.0, (), ())


@pytest.mark.needs("wget", "replay")
def test_the_index_of_an_import_is_the_one_that_cdxj_indexer_makes(tmp_path: Path) -> None:
    with serving(dict(SITE)) as web:
        run(tmp_path / "w", "wget", "-q", "-r", "-p", "--warc-file=w", web.url())
        report = brought(tmp_path, tmp_path / "w" / "w.warc.gz", decision=decision_of(web))
    (file,) = report.capture.warcs
    theirs = subprocess.run([str(REPLAY / "cdxj-indexer"), str(file)], capture_output=True, text=True, check=True)

    def lines(text: str) -> list[tuple[str, str, dict[str, str]]]:
        found = [line.split(" ", 2) for line in text.splitlines() if not line.startswith("!")]
        read = [(key, time, json.loads(facts)) for key, time, facts in found if '"url": "http' in facts]
        return sorted(read, key=lambda line: int(line[2]["offset"]))

    ours = lines(report.capture.index.read_text(encoding="utf-8"))
    assert len(ours) == 9  # wget asks for a.html twice, once led there by the redirect
    assert ours == lines(theirs.stdout)


@pytest.mark.needs("wget")
def test_a_folder_of_wget_gives_a_record_for_each_file(tmp_path: Path) -> None:
    with serving(dict(SITE)) as web:
        run(tmp_path / "mirror", "wget", "-q", "-r", "-p", web.url())
        decision, prefix = decision_of(web), web.url("")
    report = brought(tmp_path, tmp_path / "mirror", decision=decision)
    found = {row.url.removeprefix(prefix): row for row in rows(report.capture).values()}
    served = bodies()
    kept = {path: row for path, row in found.items() if row.state == "captured"}
    assert set(kept) == set(served) | {"/old"}  # wget follows a redirect and keeps the page under the first name
    assert {path: recall.response(report.capture, kept[path]).body for path in served} == served
    assert kept["/"].title == "首页"
    assert kept["/a.html"].captured_at == "2019-05-04T03:02:01Z"
    assert {row.record_type for row in kept.values()} == {"resource"}
    assert {path: kept[path].mime for path in ("/img/x.gif", "/l.asp?id=1&x=2")} == {
        "/img/x.gif": "image/gif", "/l.asp?id=1&x=2": "text/html",
    }  # fmt: skip
    proof = verify(report.capture)
    assert (proof.coverage, proof.orphans, proof.problems) == (100.0, (), ())
    again = brought(tmp_path, tmp_path / "mirror", decision=decision, again=True)
    assert again.capture.warcs[0].read_bytes() == report.capture.warcs[0].read_bytes()


@pytest.mark.needs("httrack")
def test_a_folder_of_httrack_gives_the_pages_as_they_were_served(tmp_path: Path) -> None:
    """HTTrack rewrites links in its files; its cache has the pages as they came, and their URLs."""
    lower = {path.replace("%E6%96%B0%E9%97%BB", "%e6%96%b0%e9%97%bb"): answer for path, answer in SITE.items()}
    with serving(SITE | lower) as web:  # HTTrack writes its escapes in lower case
        run(tmp_path, "httrack", web.url(), "-O", str(tmp_path / "mirror"), "-q", "-%v0", "-r4", "-c4", "-A9999999")
        decision, prefix = decision_of(web), web.url("")
    report = brought(tmp_path, tmp_path / "mirror", decision=decision)
    found = {row.url.removeprefix(prefix): row for row in rows(report.capture).values()}
    served = bodies()
    kept = {path: row for path, row in found.items() if row.state == "captured"}
    assert set(served) - {"/robots.txt"} <= set(kept)
    for path in set(served) & set(kept):
        assert recall.response(report.capture, kept[path]).body == served[path], path
    assert report.files[0].software == "HTTrack"
    assert {row.cause for row in found.values() if row.state == "failed"} <= {
        "import: linked, but not in the imported files"
    }


def test_httracks_own_remark_names_the_url_when_its_cache_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "lyj.example.gov.cn"
    folder.mkdir(parents=True)
    (folder / "l5368.html").write_bytes(
        b"<html>\n<!-- Mirrored from lyj.example.gov.cn/l.asp?id=1&x=2 by HTTrack Website Copier/3.x [XR&CO'2014], "
        b"Sat, 28 Nov 2026 00:58:01 GMT -->\n<title>L</title>"
    )
    assert list(rows(brought(tmp_path, tmp_path / "mirror").capture)) == ["/l.asp?id=1&x=2"]


def test_a_cache_of_httrack_leads_nowhere_outside_its_folder(tmp_path: Path) -> None:
    """`X-Save: ../secret`, and a link that leads out."""
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    cache = tmp_path / "mirror" / "hts-cache"
    cache.mkdir(parents=True)
    (tmp_path / "mirror" / "link").symlink_to(tmp_path / "secret")
    entries = {"../secret": "/up", str(tmp_path / "secret"): "/absolute", "link": "/link", "": "/nothing"}
    with zipfile.ZipFile(cache / "new.zip", "w") as package:
        for save, path in entries.items():
            info = zipfile.ZipInfo(f"http://lyj.example.gov.cn{path}")
            fields = f"X-In-Cache: 0\r\nX-StatusCode: 200\r\nContent-Type: text/html\r\nX-Save: {save}\r\n"
            info.extra = f"HTTP/1.1 200 OK\r\n{fields}".encode()
            package.writestr(info, b"")
            info.extra = b""  # HTTrack's fields stand in the local header alone
        fine = zipfile.ZipInfo("http://lyj.example.gov.cn/fine")
        fine.extra = b"HTTP/1.1 200 OK\r\nX-In-Cache: 1\r\nX-StatusCode: 200\r\nContent-Type: text/html\r\n"
        package.writestr(fine, b"fine")
        fine.extra = b""
    assert list(rows(brought(tmp_path, tmp_path / "mirror").capture)) == ["/fine"]


def test_a_damaged_cache_of_httrack_is_said(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "hts-cache").mkdir(parents=True)
    (tmp_path / "mirror" / "hts-cache" / "new.zip").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(Refused) as caught:
        brought(tmp_path, tmp_path / "mirror")
    assert [problem.code for problem in caught.value.problems] == ["import-httrack-damaged"]


def test_no_link_in_a_folder_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "lyj.example.gov.cn"
    folder.mkdir(parents=True)
    (folder / "a.html").write_text("a", encoding="utf-8")
    (folder / "passwd.html").symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")
    (tmp_path / "mirror" / "cdn.example.gov.cn").symlink_to("/etc")
    os.mkfifo(folder / "pipe.html")
    assert list(rows(brought(tmp_path, tmp_path / "mirror").capture)) == ["/a.html"]


def test_a_folder_that_names_no_host_of_the_site_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "other.example").mkdir(parents=True)
    (tmp_path / "mirror" / "other.example" / "index.html").write_text("x", encoding="utf-8")
    with pytest.raises(Refused) as caught:
        brought(tmp_path, tmp_path / "mirror")
    assert [problem.code for problem in caught.value.problems] == ["import-folder-unknown"]


def test_the_folder_of_the_host_itself_may_be_named(tmp_path: Path) -> None:
    folder = tmp_path / "lyj.example.gov.cn"
    (folder / "v1.2").mkdir(parents=True)
    (folder / "v1.2" / "index.html").write_text('<a href="index.html">', encoding="utf-8")
    found = rows(brought(tmp_path, folder, decision=decided(start=("https://lyj.example.gov.cn/",))).capture)
    assert {url: (row.state, row.cause) for url, row in found.items()} == {
        "https://lyj.example.gov.cn/v1.2/": ("captured", None),
        "https://lyj.example.gov.cn/v1.2/index.html": (
            "excluded",
            "import: one file with https://lyj.example.gov.cn/v1.2/",
        ),
    }


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a.cn/index.html", "http://a.cn/"),
        ("a.cn/x/index.html", "http://a.cn/x/"),
        ("a.cn:8080/x.htm", "http://a.cn:8080/x.htm"),
        ("a.cn+8080/x.htm", "http://a.cn:8080/x.htm"),
        ("a.cn_8080/x.htm", "http://a.cn:8080/x.htm"),
        ("a.cn/l.asp?id=1&x=2", "http://a.cn/l.asp?id=1&x=2"),
        ("a.cn/l.asp@id=1&x=2", "http://a.cn/l.asp?id=1&x=2"),
        ("a.cn/l.asp?id=1.html", "http://a.cn/l.asp?id=1"),
        ("a.cn/l.asp.html", "http://a.cn/l.asp"),
        ("a.cn/index.html?p=2", "http://a.cn/?p=2"),
        ("a.cn/me@x.html", "http://a.cn/me@x.html"),
        ("a.cn/新闻/1 2.html", "http://a.cn/%E6%96%B0%E9%97%BB/1%202.html"),
        ("a.cn/50%/a#b.html", "http://a.cn/50%/a%23b.html"),
        (b"a.cn/\xd0\xc2.html", "http://a.cn/%D0%C2.html"),
        ("a.cn", None),
        ("a b/x.html", None),
    ],
)
def test_the_name_of_a_file_stands_for_a_url(name: str | bytes, url: str | None) -> None:
    """FORMATS §3.1."""
    assert mirror.url_of(name) == url


@pytest.mark.needs("replay")
def test_a_recording_of_pywb_is_imported_whole(tmp_path: Path) -> None:
    """What warcio, the writer of pywb's recorder, makes of an exchange: with chunks and sha1."""
    script = (
        "import sys; from warcio.warcwriter import WARCWriter; from warcio.statusandheaders import StatusAndHeaders; import io\n"
        "out = open('rec.warc.gz', 'wb'); w = WARCWriter(out, gzip=True)\n"
        "w.write_record(w.create_warcinfo_record('rec.warc.gz', {'software': 'pywb 2.10'}))\n"
        "h = StatusAndHeaders('200 OK', [('Content-Type', 'text/html')], protocol='HTTP/1.1')\n"
        "r = w.create_warc_record('http://lyj.example.gov.cn/', 'response', payload=io.BytesIO(b'<title>x</title>'), http_headers=h)\n"
        "q = w.create_warc_record('http://lyj.example.gov.cn/', 'request', http_headers=StatusAndHeaders('GET / HTTP/1.1', [], is_http_request=True))\n"
        "w.write_request_response_pair(q, r)\n"
        "d = w.create_revisit_record('http://lyj.example.gov.cn/again', r.rec_headers['WARC-Payload-Digest'], 'http://lyj.example.gov.cn/', r.rec_headers['WARC-Date'], http_headers=h)\n"
        "w.write_record(d); out.close()\n"
    )
    run(tmp_path / "rec", str(REPLAY / "python"), "-c", script)
    file = tmp_path / "rec" / "rec.warc.gz"
    report = brought(tmp_path, file)
    assert report.capture.warcs[0].read_bytes() == file.read_bytes()
    again = rows(report.capture)["/again"]
    assert (again.state, again.record_type) == ("captured", "revisit")
    assert recall.response(report.capture, again).body == b"<title>x</title>"
    assert verify(report.capture).problems == ()


def test_a_resource_record_says_where_it_came_from(tmp_path: Path) -> None:
    folder = tmp_path / "lyj.example.gov.cn"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"text")
    os.utime(folder / "a.txt", (1556938921, 1556938921))
    (file,) = brought(tmp_path, folder).capture.warcs
    info, made = [records.read_record(file, one.offset) for one in records.check(file)]
    assert info.block == (
        b"description: files of the folder lyj.example.gov.cn, without their HTTP heads\r\n"
        b"format: WARC file version 1.1\r\n"
    )
    about = dict(made.headers)
    assert about.pop("WARC-Record-ID").startswith("<urn:uuid:")
    assert about == {
        "WARC-Type": "resource",
        "WARC-Date": "2019-05-04T03:02:01Z",
        "WARC-Target-URI": "http://lyj.example.gov.cn/a.txt",
        "Content-Type": "text/plain",
        "WARC-Block-Digest": f"sha256:{hashlib.sha256(b'text').hexdigest()}",
        "Content-Length": "4",
    }
    assert http("") != made.block == b"text"


@pytest.mark.needs("replay")
def test_pywb_replays_an_imported_mirror(tmp_path: Path) -> None:
    """A record without an HTTP head is a page for readers all the same."""
    folder = tmp_path / "lyj.example.gov.cn"
    folder.mkdir()
    (folder / "a.html").write_bytes(b"<title>A</title>body of a")
    capture = brought(tmp_path, folder).capture
    (tmp_path / "pywb").mkdir()
    with pywb(tmp_path / "pywb", capture.warcs) as base:
        address = f"{base}/2026id_/http://lyj.example.gov.cn/a.html"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
            assert answer.read() == b"<title>A</title>body of a"
