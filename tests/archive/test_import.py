"""What other tools captured becomes a capture like any other, and nothing of it is altered or silently left out."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given as drawn
from hypothesis import strategies as st

from archive import store
from archive.__main__ import main
from archive.decision import Exclude
from archive.proving.verify import verify
from archive.publishing import publish
from archive.warcs import cdxj, foreign, recall, records, sources
from sitegen.errors import Refused
from sitegen.files import sha256
from tests.archive.foreigners import (
    DATE,
    HOST,
    a_site,
    arc,
    brought,
    decided,
    given,
    http,
    id_of,
    packed,
    record,
    response,
    rows,
    sha1,
    url,
    wacz,
)
from tests.archive.oldweb import NOW, OldWeb
from tests.archive.stamping import complete
from tests.cities import SHARED


@contextmanager
def refused(*codes: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert [problem.code for problem in caught.value.problems] == list(codes)


def test_a_file_with_a_member_for_each_record_is_kept_byte_for_byte(tmp_path: Path) -> None:
    """The WARC is the evidence: nobody can say afterwards that we changed it."""
    file = given(tmp_path, a_site())
    report = brought(tmp_path, file)
    (kept,) = report.capture.warcs
    assert kept.read_bytes() == file.read_bytes()
    assert report.capture.id == "lyj/20190504030201"
    manifest = store.read_manifest(report.capture)
    assert manifest["import"]["files"] == [
        {
            "name": "lyj.warc.gz",
            "kind": "warc",
            "bytes": file.stat().st_size,
            "sha256": sha256(file.read_bytes()),
            "kept": True,
            "software": "Heritrix/3.4.0",
            "warc": "archive/lyj-20190504030201-00000.warc.gz",
        }
    ]
    assert (manifest["started"], manifest["finished"]) == (DATE, DATE)


def test_every_url_has_an_outcome_and_all_of_it_is_proven(tmp_path: Path) -> None:
    report = brought(tmp_path, given(tmp_path, a_site()))
    found = rows(report.capture)
    assert {path: row.state for path, row in found.items()} == {
        "/": "captured", "/a.html": "captured", "/i.gif": "captured", "/old.html": "redirected",
    }  # fmt: skip
    assert (found["/"].title, found["/old.html"].redirect_to) == ("首页", url("/a.html"))
    assert report.inventory == {
        "captured": 3, "redirected": 1, "excluded": 0, "failed": 0, "excused": 0, "total": 4,
    }  # fmt: skip
    proof = verify(report.capture)
    assert (proof.coverage, proof.orphans, proof.problems) == (100.0, (), ())
    assert report.problems == ()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("lyj.warc", b"".join),
        ("lyj.warc.gz", lambda made: gzip.compress(b"".join(made), mtime=0)),
        ("lyj.warc.gz", lambda made: b"".join(made[:2]) and gzip.compress(b"".join(made[:2])) + packed(made[2:])),
        ("lyj.warc", lambda made: b"\r\n\r\n".join(made)),
        ("lyj.warc", lambda made: b"".join(made).replace(b"\r\n\r\nWARC/", b"\nWARC/")),
    ],
    ids=["plain", "one member for all", "two records in a member", "blank lines between", "one line end between"],
)
def test_in_whatever_way_a_file_is_compressed_its_records_stay_as_they_are(
    name: str, form: object, tmp_path: Path
) -> None:
    """Header and block of each; only what is around them is made anew."""
    made = a_site()
    assert callable(form)
    report = brought(tmp_path, given(tmp_path, form(made), name))
    (written,) = report.capture.warcs
    data = written.read_bytes()
    members = [gzip.decompress(data[c.offset : c.offset + c.length]) for c in records.check(written, foreign=True)]
    assert members == made
    assert [one.kept for one in report.files] == [False]
    assert verify(report.capture).problems == ()


def test_a_large_record_comes_through_in_pieces(tmp_path: Path) -> None:
    """Larger than what is unpacked at once, and behind another in the same gzip member."""
    made = [a_site()[0], response("/film", http(bytes(range(256)) * 12_000, "video/mp4")), a_site()[1]]
    report = brought(tmp_path, given(tmp_path, gzip.compress(b"".join(made), mtime=0)))
    (written,) = report.capture.warcs
    data = written.read_bytes()
    members = [gzip.decompress(data[c.offset : c.offset + c.length]) for c in records.check(written, foreign=True)]
    assert members == made


def test_a_header_with_bare_line_feeds_is_read(tmp_path: Path) -> None:
    head, _, block = a_site()[1].partition(b"\r\n\r\n")
    report = brought(tmp_path, given(tmp_path, head.replace(b"\r\n", b"\n") + b"\n\n" + block, "lf.warc"))
    assert rows(report.capture)["/"].state == "captured"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("compressed", [False, True])
def test_an_arc_file_becomes_warc_with_the_same_blocks(version: int, compressed: bool, tmp_path: Path) -> None:
    page, robots = http("<title>2008</title>"), b"192.0.2.7"
    entries = [
        (url("/a b.asp?q=1 2"), "text/html", page),
        (f"dns:{HOST}", "text/dns", robots),
        (url("/x.bin"), "no-type", b"no head"),
    ]
    data = arc(entries, version)
    file = given(tmp_path, gzip.compress(data) if compressed else data, "lyj.arc.gz" if compressed else "lyj.arc")
    report = brought(tmp_path, file)
    (written,) = report.capture.warcs
    stored = list(records.check(written))
    blocks = [records.read_record(written, one.offset) for one in stored]
    assert [(r.type, r.target_uri, r.block) for r in blocks[1:]] == [
        ("response", url("/a b.asp?q=1 2"), page),
        ("resource", f"dns:{HOST}", robots),
        ("resource", url("/x.bin"), b"no head"),
    ]
    assert blocks[0].type == "warcinfo"
    assert [dict(r.headers)["WARC-Date"] for r in blocks] == ["2008-01-02T03:04:05Z"] * 4
    assert dict(blocks[1].headers)["WARC-IP-Address"] == "192.0.2.7"
    assert report.capture.timestamp == "20080102030405"
    assert report.others == {"warcinfo": 1, "resource dns:": 1}
    assert verify(report.capture).problems == ()
    data_before = written.read_bytes()
    shutil.rmtree(report.capture.folder)
    assert brought(tmp_path, file).capture.warcs[0].read_bytes() == data_before


def test_a_wacz_gives_its_warc_files(tmp_path: Path) -> None:
    data = packed(a_site())
    about = {"resources": [{"path": "archive/data.warc.gz", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}]}
    package = wacz(
        tmp_path / "lyj.wacz",
        {"archive/data.warc.gz": data, "datapackage.json": json.dumps(about).encode(), "pages/pages.jsonl": b"{}"},
    )
    report = brought(tmp_path, package)
    assert report.capture.warcs[0].read_bytes() == data
    assert [one.name for one in report.files] == ["lyj.wacz!archive/data.warc.gz"]
    assert verify(report.capture).coverage == 100.0


def test_a_package_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    about = {"resources": [{"path": "archive/data.warc.gz", "hash": "sha256:" + "0" * 64}]}
    files = {"archive/data.warc.gz": packed(a_site()), "datapackage.json": json.dumps(about).encode()}
    with refused("import-wacz-false"):
        brought(tmp_path, wacz(tmp_path / "false.wacz", files))
    with refused("import-wacz-empty"):
        brought(tmp_path, wacz(tmp_path / "empty.wacz", {"pages/pages.jsonl": b"{}"}))
    data = bytearray((tmp_path / "false.wacz").read_bytes())
    data[60] ^= 0xFF
    (tmp_path / "damaged.wacz").write_bytes(data)
    with refused("import-wacz-damaged"):
        brought(tmp_path, tmp_path / "damaged.wacz")


def test_the_folder_of_a_crawl_gives_all_its_files_once(tmp_path: Path) -> None:
    """Heritrix, browsertrix and pywb keep WARC files in folders; browsertrix the same ones in a package, too."""
    folder = tmp_path / "collections" / "lyj"
    (folder / "archive").mkdir(parents=True)
    made = a_site()
    given(folder / "archive", made[:2], "rec-1.warc.gz")
    given(folder / "archive", made[2:], "rec-2.warc.gz")
    (folder / "indexes").mkdir()
    (folder / "indexes" / "index.cdxj").write_text("", encoding="utf-8")
    wacz(folder / "lyj.wacz", {"archive/rec-1.warc.gz": packed(made[:2])})
    (folder / "archive" / "way-out.warc.gz").symlink_to("/etc/passwd")
    report = brought(tmp_path, folder)
    assert [one.name for one in report.files] == ["rec-1.warc.gz", "rec-2.warc.gz"]
    assert report.inventory["captured"] == 3


def test_names_in_a_package_lead_nowhere(tmp_path: Path) -> None:
    """An entry `../../x` is read, but its name is never written to."""
    package = wacz(tmp_path / "evil.wacz", {"../../evil.warc.gz": packed(a_site()), "/evil/evil.warc": b"WARC/1.0"})
    outside = set(tmp_path.parent.iterdir())
    with refused("import-damaged"):
        brought(tmp_path, package)
    report = brought(tmp_path, wacz(tmp_path / "evil2.wacz", {"../../evil.warc.gz": packed(a_site())}))
    assert {path.name for path in (report.capture.folder / "archive").iterdir()} == {"lyj-20190504030201-00000.warc.gz"}
    assert set(tmp_path.parent.iterdir()) == outside


def test_a_package_that_unpacks_to_a_mountain_is_refused(tmp_path: Path) -> None:
    package = zipfile.ZipFile(tmp_path / "bomb.wacz", "w", zipfile.ZIP_DEFLATED)
    with package, package.open("archive/bomb.warc", "w", force_zip64=True) as entry:
        for _ in range(101):
            entry.write(bytes(1 << 20))
    with refused("import-bomb"):
        brought(tmp_path, tmp_path / "bomb.wacz")


def test_of_several_answers_the_newest_200_is_the_page_and_the_index_has_all(tmp_path: Path) -> None:
    answers = [
        response("/", http("2017"), "2017-01-01T00:00:00Z"),
        response("/", http("2018"), "2018-01-01T00:00:00Z"),
        response("/", http("", status="404 Not Found"), "2019-01-01T00:00:00Z"),
        response("/gone", http("", status="500 No"), "2016-01-01T00:00:00Z"),
        response("/gone", http("", status="410 Gone"), "2015-01-01T00:00:00Z"),
    ]
    report = brought(tmp_path, given(tmp_path, answers))
    found = rows(report.capture)
    assert recall.response(report.capture, found["/"]).body == b"2018"
    assert (found["/gone"].state, found["/gone"].cause) == ("excused", "HTTP 410")
    entries = list(cdxj.read(report.capture.index))
    assert sorted((one.url, one.timestamp[:4], one.status) for one in entries) == [
        (url("/"), "2017", "200"), (url("/"), "2018", "200"), (url("/"), "2019", "404"),
        (url("/gone"), "2015", "410"), (url("/gone"), "2016", "500"),
    ]  # fmt: skip
    assert verify(report.capture).problems == ()
    assert report.capture.timestamp == "20190101000000"


def test_what_is_not_of_the_site_is_kept_and_named_with_the_rule(tmp_path: Path) -> None:
    more = [
        record("response", http("x"), "http://other.example/"),
        response("/private/x", http("x")),
        record("response", b"192.0.2.7", f"dns:{HOST}", fields={"Content-Type": "text/dns"}),
        record("resource", b"picture", "urn:screenshot:http://a/", fields={"Content-Type": "image/png"}),
        record("x-strange", b"?", "whois:a"),
    ]
    report = brought(
        tmp_path,
        given(tmp_path, a_site() + more),
        decision=decided(exclude=(Exclude(pattern=re.compile("/private/"), reason="内部"),)),
    )
    found = rows(report.capture)
    assert (found["http://other.example/"].state, found["http://other.example/"].cause) == (
        "excluded", "scope: other.example is not in the decision",
    )  # fmt: skip
    assert (found["/private/x"].state, found["/private/x"].cause) == ("excluded", "decision: 内部")
    assert report.others == {"warcinfo": 1, "response dns:": 1, "resource urn:": 1, "x-strange": 1}
    assert report.records == len(a_site()) + len(more)
    assert [one.url for one in cdxj.read(report.capture.index) if "other" in one.url] == ["http://other.example/"]
    proof = verify(report.capture)
    assert (proof.coverage, proof.problems) == (100.0, ())


def test_what_pages_link_to_and_no_file_holds_is_missing_and_said(tmp_path: Path) -> None:
    """A capture of which nobody knows what it lacks is worth little."""
    report = brought(tmp_path, given(tmp_path, a_site()[:3]))
    found = rows(report.capture)
    assert {path for path, row in found.items() if row.state == "failed"} == {"/old.html", "/i.gif"}
    assert found["/i.gif"].cause == "import: linked, but not in the imported files"
    assert found["/i.gif"].sources == f"img@src {url('/')}"
    (problem,) = report.problems
    assert (problem.code, problem.severity) == ("import-url-missing", "warning")
    assert problem.message.startswith("2 URLs")
    assert verify(report.capture).orphans == ()


def test_links_without_end_are_left_out_with_their_reason(tmp_path: Path) -> None:
    """The former tool was right not to follow them."""
    made = response("/", http('<a href="/cal.asp?year=2999"><a href="/private/">'))
    exclude = Exclude(pattern=re.compile("/private/"), reason="内部")
    report = brought(tmp_path, given(tmp_path, [made]), decision=decided(exclude=(exclude,)))
    found = rows(report.capture)
    assert {path: (row.state, row.cause) for path, row in found.items() if path != "/"} == {
        "/cal.asp?year=2999": ("excluded", "endless: a calendar beyond the site's years"),
        "/private/": ("excluded", "decision: 内部"),
    }
    assert report.problems == ()


REVISIT = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (http(""), {"WARC-Payload-Digest": sha1(b"body"), "WARC-Profile": REVISIT}),
        (b"", {"WARC-Payload-Digest": sha1(b"body"), "WARC-Profile": REVISIT}),
        (http(""), {"WARC-Refers-To": id_of(response("/a", http("body"))), "WARC-Profile": REVISIT}),
        (
            http(""),
            {"WARC-Refers-To-Target-URI": url("/a"), "WARC-Refers-To-Date": DATE, "WARC-Profile": REVISIT},
        ),
    ],
    ids=["by digest", "without a head", "by record id", "by URL and date"],
)
def test_a_revisit_is_read_with_the_body_of_its_original(block: bytes, fields: dict[str, str], tmp_path: Path) -> None:
    """Other tools name the original in several ways."""
    made = [response("/a", http("body")), record("revisit", block, url("/b"), "2019-06-01T00:00:00Z", fields)]
    report = brought(tmp_path, given(tmp_path, made))
    row = rows(report.capture)["/b"]
    assert (row.state, row.status, row.record_type, row.mime) == ("captured", 200, "revisit", "text/html")
    assert row.payload_digest == sha256(b"body")
    answer = recall.response(report.capture, row)
    assert (answer.status, answer.body, answer.date.isoformat()) == (200, b"body", "2019-06-01T00:00:00+00:00")
    assert verify(report.capture).problems == ()


def test_a_page_that_the_server_said_is_unchanged_is_the_one_before(tmp_path: Path) -> None:
    """`server-not-modified`, WARC 1.1 §6.7.3: the record has the head of a 304 and no digest."""
    made = [
        response("/a", http("older"), "2019-01-01T00:00:00Z"),
        response("/a", http("old"), "2019-02-01T00:00:00Z"),
        record(
            "revisit", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", url("/a"), "2019-03-01T00:00:00Z",
            {"WARC-Profile": NOT_MODIFIED},
        ),
        response("/a", http("new"), "2019-04-01T00:00:00Z"),
        record(
            "revisit", b"HTTP/1.1 304 Not Modified\r\n\r\n", url("/never"), "2019-03-01T00:00:00Z",
            {"WARC-Profile": NOT_MODIFIED},
        ),
    ]  # fmt: skip
    report = brought(tmp_path, given(tmp_path, made[:3]))
    row = rows(report.capture)["/a"]
    answer = recall.response(report.capture, row)
    assert (row.record_type, row.status, answer.status, answer.body) == ("revisit", 200, 200, b"old")
    assert answer.header("Content-Type") == "text/html"
    more = brought(tmp_path, given(tmp_path, made, "more.warc.gz"))
    assert recall.response(more.capture, rows(more.capture)["/a"]).body == b"new"
    missing = rows(more.capture)["/never"]
    assert (missing.state, missing.cause) == ("failed", "import: a revisit without its original")
    assert {problem.code for problem in more.problems} == {"import-url-failed"}


def test_a_revisit_with_a_false_digest_gets_no_body(tmp_path: Path) -> None:
    """It names a record, but that one holds something else."""
    first = response("/a", http("body"))
    fields = {"WARC-Refers-To": id_of(first), "WARC-Payload-Digest": sha1(b"other"), "WARC-Profile": REVISIT}
    report = brought(tmp_path, given(tmp_path, [first, record("revisit", http(""), url("/b"), DATE, fields)]))
    assert rows(report.capture)["/b"].cause == "import: a revisit without its original"


def test_an_original_may_lie_in_the_capture_before(tmp_path: Path) -> None:
    first = response("/a", http("body"), "2018-01-01T00:00:00Z")
    brought(tmp_path, given(tmp_path, [first], "first.warc.gz"))
    fields = {"WARC-Payload-Digest": sha256(b"body"), "WARC-Profile": REVISIT}
    second = [record("revisit", http(""), url("/a"), DATE, fields)]
    report = brought(tmp_path, given(tmp_path, second, "second.warc.gz"))
    assert recall.response(report.capture, rows(report.capture)["/a"]).body == b"body"
    proof = verify(report.capture)
    assert (proof.coverage, proof.problems) == (100.0, ())


def test_a_digest_that_is_not_true_of_the_bytes_makes_no_page(tmp_path: Path) -> None:
    """sha1 in base32, sha256 in hex, md5; over the body with or without its chunks. What we do not know is not judged."""
    chunks = b"4\r\nbody\r\n0\r\n\r\n"
    cases: dict[str, tuple[bytes, str]] = {
        "/true-hex": (http("body"), "sha1:" + hashlib.sha1(b"body").hexdigest()),  # noqa: S324 (old files state MD5)
        "/true-sha256": (http("body"), sha256(b"body")),
        "/true-md5": (http("body"), "md5:" + hashlib.md5(b"body").hexdigest()),  # noqa: S324 (old files state MD5)
        "/true-chunks": (http(chunks, more="Transfer-Encoding: chunked\r\n"), sha1(b"body")),
        "/unknown": (http("body"), "blake3:00"),
        "/false": (http("body"), sha1(b"another")),
    }
    made = [
        record("response", block, url(path), fields={"WARC-Payload-Digest": digest})
        for path, (block, digest) in cases.items()
    ]
    report = brought(tmp_path, given(tmp_path, made))
    found = rows(report.capture)
    assert {path for path, row in found.items() if row.state != "captured"} == {"/false"}
    assert found["/false"].cause == "import: a digest of the record is false"
    assert {problem.code for problem in verify(report.capture).problems} >= {"warc-digest-false", "verify-url-failed"}


def test_an_answer_to_a_form_is_not_the_page(tmp_path: Path) -> None:
    """wget's response names its request, Heritrix's request names its response."""
    get = response("/s", http("form"))
    post = response("/s", http("result"), "2019-06-01T00:00:00Z")
    asked = record(
        "request", b"POST /s HTTP/1.1\r\n\r\nq=1", url("/s"), "2019-06-01T00:00:00Z",
        {"WARC-Concurrent-To": id_of(post), "Content-Type": "application/http; msgtype=request"},
    )  # fmt: skip
    put = record("request", b"PUT /p HTTP/1.1\r\n\r\n", url("/p"), fields={"Content-Type": "application/http"})
    done = response("/p", http("done"), fields={"WARC-Concurrent-To": id_of(put)})
    report = brought(tmp_path, given(tmp_path, [get, post, asked, put, done]))
    found = rows(report.capture)
    assert recall.response(report.capture, found["/s"]).body == b"form"
    assert (found["/p"].state, found["/p"].cause) == ("excluded", "import: the answer to PUT, not to GET")
    assert [one.timestamp for one in cdxj.lookup(report.capture.index, url("/s"))] == ["20190504030201"]
    assert verify(report.capture).problems == ()


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (response("/x", http("a"), None), "import: the record has no WARC-Date"),
        (response("/x", http("a"), "yesterday"), "import: the record has no WARC-Date"),
        (response("/x", b"ICY 200 OK\r\n\r\n"), "import: the record has no HTTP head"),
        (response("/x", b""), "import: the record has no HTTP head"),
        (response("/x", http("a"), DATE, {"WARC-Truncated": "length"}), "truncated: length"),
        (response("/x", http("", status="302 Found")), "HTTP 302 without a Location"),
        (response("/x", http("", status="304 Not Modified")), "HTTP 304"),
    ],
)
def test_an_odd_record_is_kept_and_fails_with_its_cause(made: bytes, cause: str, tmp_path: Path) -> None:
    report = brought(tmp_path, given(tmp_path, [*a_site(), made]))
    row = rows(report.capture)["/x"]
    assert (row.state, row.cause) == ("failed", cause)
    assert [problem.code for problem in report.problems] == ["import-url-failed"]
    assert {problem.code for problem in verify(report.capture).problems} == {"verify-url-failed"}


@pytest.mark.parametrize("line", ["HTTP/1.1 200", "HTTP/2 200", "HTTP/1.0 200 OK", "HTTP/1.1  200 OK"])
def test_odd_status_lines_are_read(line: str, tmp_path: Path) -> None:
    block = f"{line}\r\nContent-Type: text/html\r\n\r\nx".encode()
    report = brought(tmp_path, given(tmp_path, [response("/x", block)]))
    assert rows(report.capture)["/x"].state == "captured"


def test_a_url_in_angle_brackets_is_a_url(tmp_path: Path) -> None:
    """wget writes it so, after the grammar of WARC 1.0."""
    made = record("response", http("x"), f"<{url('/x')}>")
    report = brought(tmp_path, given(tmp_path, [made]))
    assert verify(report.capture).coverage == 100.0
    assert list(rows(report.capture)) == ["/x"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-30],
        lambda data: data.replace(b"Content-Length: ", b"Content-Length: 9"),
        lambda data: data.replace(b"Content-Length: ", b"Content-Length: -"),
        lambda data: data.replace(b"Content-Length: ", b"Content-Length: " + b"9" * 30),
        lambda data: data.replace(b"Content-Length", b"Content-Width"),
        lambda data: data + b"WARC/1.0\r\n" + b"X-Long: " + b"x" * (2 << 20) + b"\r\n\r\n",
        lambda data: data + b"WARC/1.0\r\n" + b"X: y\r\n" * (1 << 18),
        lambda data: data + b"neither WARC nor ARC\r\n",
        lambda data: gzip.compress(data)[:-12],
        lambda data: gzip.compress(data)[:-12] + b"x" * 12,
    ],
)
def test_a_damaged_file_is_refused_and_nothing_of_it_is_visible(damage: object, tmp_path: Path) -> None:
    """Half an import would look like a capture; `archive repair` says what can be had."""
    assert callable(damage)
    file = given(tmp_path, damage(b"".join(a_site())), "bad.warc")
    with refused("import-damaged"):
        brought(tmp_path, file)
    assert [path.name for path in (tmp_path / "store" / "lyj").iterdir()] == [".lock"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with refused("import-unknown"):
        brought(tmp_path, given(tmp_path, b"%PDF-1.4", "x.warc"))
    with refused("import-empty"):
        brought(tmp_path, given(tmp_path, a_site()[:1]))
    with refused("import-unreadable"):
        brought(tmp_path, tmp_path / "none.warc.gz")
    with refused("import-unknown", "import-unknown"):
        brought(tmp_path, tmp_path / "x.warc", tmp_path / "x.warc")


def test_a_file_is_imported_once_unless_asked_for_again(tmp_path: Path) -> None:
    file = given(tmp_path, a_site())
    first = brought(tmp_path, file).capture
    with refused("import-known"):
        brought(tmp_path, file)
    second = brought(tmp_path, file, again=True).capture
    assert (first.timestamp, second.timestamp) == ("20190504030201", "20190504030202")
    manifests = [store.read_manifest(capture) for capture in (first, second)]
    assert manifests[1]["previous"]["id"] == first.id
    assert [verify(capture).problems for capture in (first, second)] == [(), ()]
    digests = [file["sha256"] for manifest in manifests for file in manifest["import"]["files"]]
    assert digests == [sha256(file.read_bytes())] * 2


def test_a_file_that_is_given_twice_is_taken_once(tmp_path: Path) -> None:
    file = given(tmp_path, a_site())
    report = brought(tmp_path, file, file)
    assert len(report.files) == len(report.capture.warcs) == 1


def test_a_killed_import_leaves_nothing_and_the_next_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = given(tmp_path, a_site())

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cdxj, "write", killed)
        patched.setattr(sources, "remove", lambda folder: None)
        with pytest.raises(KeyboardInterrupt):
            brought(tmp_path, file)
    assert (tmp_path / "store/lyj/.import.open/archive").is_dir()
    assert store.captures(tmp_path / "store", "lyj") == []
    report = brought(tmp_path, file)
    assert store.captures(tmp_path / "store", "lyj") == [report.capture]
    assert not (tmp_path / "store/lyj/.import.open").exists()


def test_a_forged_import_is_found_out(tmp_path: Path) -> None:
    """The origin is part of what the next capture's chain holds fast."""
    first = brought(tmp_path, given(tmp_path, a_site()[:3], "1.warc.gz")).capture
    second = brought(tmp_path, given(tmp_path, a_site(), "2.warc.gz")).capture
    manifest = store.read_manifest(first)
    manifest["import"]["files"][0]["name"] = "another.warc.gz"
    store.write_manifest(first, manifest)
    assert {problem.code for problem in verify(second).problems} == {"verify-chain-broken"}


def test_a_record_that_no_index_line_names_is_found_out(tmp_path: Path) -> None:
    """Also of an answer that is not the one of its URL's row."""
    older = response("/a.html", http("old"), "2018-01-01T00:00:00Z")
    capture = brought(tmp_path, given(tmp_path, [*a_site(), older])).capture
    lines = capture.index.read_bytes().splitlines(keepends=True)
    capture.index.write_bytes(b"".join(line for line in lines if b"i.gif" not in line))
    assert "verify-index-missing" in {problem.code for problem in verify(capture).problems}
    capture.index.write_bytes(b"".join(line for line in lines if b" 2018" not in line))
    assert "verify-record-unknown" in {problem.code for problem in verify(capture).problems}
    altered = [line.replace(b"/a.html", b"/b.html") if b" 2018" in line else line for line in lines]
    capture.index.write_bytes(b"".join(altered))
    assert "verify-index-false" in {problem.code for problem in verify(capture).problems}


def test_an_imported_site_is_published_under_its_stamp(tmp_path: Path) -> None:
    """Also its files without an HTTP head."""
    mirrored = [record("resource", "<title>乙</title>".encode(), url("/b.html"), fields={"Content-Type": "text/html"})]
    decision = complete(OldWeb({}), hosts=(HOST,), start=(url(),))
    capture = brought(tmp_path, given(tmp_path, a_site() + mirrored), decision=decision).capture
    report = publish.publish(capture, decision, public=tmp_path / "public", content=tmp_path / "content", now=NOW)
    index = json.loads(report.index.read_bytes())
    assert sorted((page["target_uri"], page["title"]) for page in index["pages"]) == [
        (url("/"), "首页"), (url("/a.html"), "甲"), (url("/b.html"), "乙"),
        (url("/i.gif"), "i.gif"), (url("/old.html"), f"转向：{url('/a.html')}"),
    ]  # fmt: skip
    assert [problem.code for problem in report.problems] == ["publish-image-unsealed"]
    assert verify(capture).problems == ()


FOREIGN = sorted((SHARED / "real/warc").glob("*"))


@pytest.mark.skipif(not FOREIGN, reason="the WARC files of other tools are not part of the repository")
@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.name)
def test_foreign_files_are_imported_and_proven_or_refused_with_a_remedy(path: Path, tmp_path: Path) -> None:
    """wget, Heritrix, pywb, webrecorder; whole, odd, broken."""
    decision = decided(hosts=("example.com", "www.iana.org", "httpbin.org"))
    broken = {"bad.arc", "example-space-in-url.arc", "example-trunc.warc"}
    without_answers = {"example-digest.warc", "example-space-in-target-uri.warc.gz"}
    if path.name in broken | without_answers:
        with refused("import-damaged" if path.name in broken else "import-empty"):
            brought(tmp_path, path, decision=decision)
        return
    report = brought(tmp_path, path, decision=decision)
    allowed = {"verify-url-failed", "warc-digest-false", "verify-record-false"}
    assert {problem.code for problem in verify(report.capture).problems} <= allowed


@drawn(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.sampled_from(["plain", "members", "one"]))
def test_whatever_blocks_a_file_holds_they_come_out_again(blocks: list[bytes], form: str) -> None:
    made = [record("response", block, url(f"/{n}"), number=n) for n, block in enumerate(blocks)]
    data = {"plain": b"".join(made), "members": packed(made), "one": gzip.compress(b"".join(made))}[form]
    found = []
    for incoming in foreign.records(io.BytesIO(data), ""):
        found.append(incoming.header + b"".join(incoming.block) + b"\r\n\r\n")
    assert found == made


def test_import_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content/_archive").mkdir(parents=True)
    (tmp_path / "content/_archive/lyj.yml").write_text(f"site: lyj\nhosts: [{HOST}]\n", encoding="utf-8")
    given(tmp_path, a_site())
    done = CliRunner().invoke(main, ["import", "lyj.warc.gz", "--site", "lyj", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert set(report) == {"capture", "inventory", "files", "records", "others", "seconds", "problems"}
    assert (report["capture"], report["records"]) == ("lyj/20190504030201", 5)
    again = CliRunner().invoke(main, ["import", "lyj.warc.gz", "--site", "lyj"])
    assert again.exit_code == 1
    assert "import-known" in again.stderr
    assert CliRunner().invoke(main, ["import", "--site", "lyj"]).exit_code == 2
