"""WARC files as other tools see them, and other tools' files as we see them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import uuid
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.checker import Checker

from archive import canon
from archive.net.fetch import Exchange
from archive.store import Capture
from archive.warcs import cdxj, recall, warc
from archive.warcs.warc import Conversion
from sitegen.errors import Refused
from sitegen.files import sha256
from tests.archive.oldweb import ROOT, Route, captured, page, rows_of, serving
from tests.cities import SHARED

FOREIGN = sorted((SHARED / "real/warc").glob("*"))
WHEN = datetime(2026, 11, 22, 10, 30, 5, tzinfo=UTC)


def small(tmp_path: Path) -> Capture:
    """A capture of six answers."""
    routes = {f"/{n}.html": page(f"第{n}页" * 50) for n in range(4)}
    with serving({"/": page("".join(f'<a href="{path}">' for path in routes)), **routes}) as web:
        return captured(web, tmp_path).capture


@pytest.mark.skipif(not FOREIGN, reason="the WARC files of other tools are not part of the repository")
@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_foreign_files_are_read_or_refused_but_never_break_us(path: Path) -> None:
    """wget, Heritrix, pywb; whole, odd, broken: records come out, or a Problem says why not."""
    records, problem = [], ""
    try:
        records = list(warc.iterate(path))
    except Refused as refused:
        problem = refused.problems[0].code
    assert records or problem == "warc-unreadable"
    for record in records:
        if record.type == "response" and record.target_uri.startswith("http"):
            assert answered(record) is not None


def answered(record: warc.StoredRecord) -> int | str:
    """Status of a response record, or the Problem that it has none."""
    try:
        return warc.as_response(record).status
    except Refused as refused:
        return refused.problems[0].code


@pytest.mark.skipif(not FOREIGN, reason="the WARC files of other tools are not part of the repository")
def test_a_foreign_response_is_read_with_its_body() -> None:
    records = list(warc.iterate(SHARED / "real/warc/example.warc.gz"))
    answer = next(warc.as_response(r) for r in records if r.type == "response")
    assert (answer.status, answer.target_uri) == (200, "http://example.com/")
    assert b"<h1>Example Domain</h1>" in answer.body
    assert answer.header("content-encoding") == "gzip"


def test_each_record_is_a_gzip_member_of_its_own(tmp_path: Path) -> None:
    """What any index points at can be read alone."""
    (path,) = small(tmp_path).warcs
    data = path.read_bytes()
    records = list(warc.iterate(path))
    assert sum(record.length for record in records) == len(data)
    for record in records:
        member = gzip.decompress(data[record.offset : record.offset + record.length])
        assert member.startswith(b"WARC/1.1\r\nWARC-Type: ")
        assert member.endswith(record.block + b"\r\n\r\n")
        assert warc.read_record(path, record.offset) == record


WITHOUT_ISAL = """
import sys
sys.modules["isal"] = None
from archive.__main__ import main
from archive.warcs import records
assert records.zlib.__name__ == "zlib"
main()
"""


def test_without_isal_the_same_content_is_written(tmp_path: Path) -> None:
    """ISA-L is faster; no record depends on it."""
    routes: dict[str, Route] = {"/": page('<a href="a.html"><img src="a.png">' + "字" * 5000), "/a.html": page("a")}
    routes["/a.png"] = page(hashlib.sha512(b"").digest() * 9000, "image/png")
    found = []
    with serving(routes) as web:
        for number, code in enumerate(("from archive.__main__ import main; main()", WITHOUT_ISAL)):
            place = tmp_path / str(number)
            (place / "content/_archive").mkdir(parents=True)
            decision = f"site: lyj\nhosts: ['{web.host}']\nallow_private: [127.0.0.1]\n"
            (place / "content/_archive/lyj.yml").write_text(decision, encoding="utf-8")
            command = [sys.executable, "-c", code, "capture", "--site", "lyj", "--browser", "never"]
            subprocess.run(command, cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, timeout=60)
            (path,) = place.rglob("*.warc.gz")
            found.append(sorted((one.target_uri, one.type, one.block) for one in warc.iterate(path) if one.target_uri))
    assert found[0] == found[1]
    assert [kind for url, kind, _block in found[0] if url.endswith("/a.png")] == ["request", "response"]


def test_records_come_in_the_order_of_the_standard(tmp_path: Path) -> None:
    """`warcinfo` first; each answer is followed by its request and, if it has links, its metadata."""
    (path,) = small(tmp_path).warcs
    records = list(warc.iterate(path))
    types = [record.type for record in records]
    assert types[0] == "warcinfo"
    assert types.count("request") == types.count("response") + types.count("revisit") == 7
    (metadata,) = [record for record in records if record.type == "metadata"]
    assert b"/0.html L a@href\r\n" in metadata.block
    about = dict(metadata.headers)
    answer = next(r for r in records if r.target_uri == metadata.target_uri and r.type == "response")
    assert about["WARC-Concurrent-To"] == answer.record_id
    assert dict(answer.headers)["WARC-IP-Address"] == "127.0.0.1"


def exchange(body: bytes) -> Exchange:
    return Exchange(
        url="http://a.cn/",
        request=b"GET / HTTP/1.1\r\n\r\n",
        head=b"HTTP/1.1 200 OK\r\n\r\n",
        body=io.BytesIO(body),
        status=200,
        reason="OK",
        headers=(),
        started=WHEN,
        ip="192.0.2.1",
    )


def test_what_was_not_committed_is_cut_off_before_anything_is_appended(tmp_path: Path) -> None:
    """Else the end of a killed run would stand behind the records of the next."""
    writer = warc.Writer(tmp_path, "lyj-1", {"software": "x"}, {}, 1 << 30)
    first = exchange(b"first")
    writer.write_exchange(first, warc.measure(first), None)
    committed = writer.sync()
    lost = exchange(os.urandom(5000))
    writer.write_exchange(lost, warc.measure(lost), None)
    writer.sync()
    writer.abandon()
    (tmp_path / "lyj-1-00001.warc.gz.open").write_bytes(b"begun, and nothing of it committed")
    again = warc.Writer(tmp_path, "lyj-1", {"software": "x"}, committed, 1 << 30)
    second = exchange(b"second")
    again.write_exchange(second, warc.measure(second), None)
    again.sync()
    again.finish()
    (path,) = tmp_path.iterdir()
    checked = list(warc.check(path))
    assert [c.type for c in checked] == ["warcinfo", "response", "request", "response", "request"]
    assert all(not c.problems for c in checked)
    assert [r.block[-6:] for r in warc.iterate(path) if r.type == "response"] == [b"\nfirst", b"second"]


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.sampled_from("abcdefghi"))
def test_the_index_is_sorted_and_finds_what_a_search_line_by_line_finds(names: list[str], wanted: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.cdxj"
        entries = [
            cdxj.Entry(
                key=canon.surt(f"http://a.cn/{name}"), timestamp="20261122103000", url=f"http://a.cn/{name}",
                mime="text/html", status="200", digest="sha256:0", length=9, offset=number, filename="a.warc.gz",
            )
            for number, name in enumerate(names)
        ]  # fmt: skip
        cdxj.write(path, entries)
        lines = path.read_bytes().splitlines()
        assert lines == sorted(lines)
        assert sorted(cdxj.read(path)) == sorted(entries)
        found = cdxj.lookup(path, f"http://a.cn/{wanted}")
        assert sorted(found) == sorted(entry for entry in entries if entry.url.endswith(f"/{wanted}"))


def test_an_index_line_is_written_as_cdxj_indexer_writes_it(tmp_path: Path) -> None:
    entry = cdxj.Entry(
        key="cn,a)/x", timestamp="20261122103000", url="http://a.cn/x", mime="text/html", status="200",
        digest="sha256:0", length=9, offset=7, filename="a.warc.gz",
    )  # fmt: skip
    cdxj.write(tmp_path / "index.cdxj", [entry])
    assert (tmp_path / "index.cdxj").read_bytes() == (
        b'cn,a)/x 20261122103000 {"url": "http://a.cn/x", "mime": "text/html", "status": "200", '
        b'"digest": "sha256:0", "length": "9", "offset": "7", "filename": "a.warc.gz"}\n'
    )


@given(st.text(min_size=1, max_size=80), st.binary(max_size=40))
def test_the_id_of_a_conversion_is_a_uuid_of_version_5(url: str, body: bytes) -> None:
    item = Conversion(target_uri=url, refers_to="<urn:uuid:1>", date=WHEN, body=body, digest=sha256(body))
    record = gzip.decompress(warc.conversion(item, "<urn:uuid:2>")).decode("utf-8", "replace")
    found = next(line for line in record.split("\r\n") if line.startswith("WARC-Record-ID: <urn:uuid:"))
    name = uuid.UUID(found.removeprefix("WARC-Record-ID: <urn:uuid:").rstrip(">"))
    said = f"{url} <urn:uuid:1> {warc.iso(WHEN)} {sha256(item.digest.encode())}"
    assert (name.version, name.variant) == (5, uuid.RFC_4122)
    assert name == uuid.uuid5(uuid.UUID("6b2f6f0e-2c43-5b0b-9b32-6f1d3c1f6a55"), said)


def test_conversions_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    """A second publication changes nothing."""
    items = [
        Conversion(
            target_uri=f"http://a.cn/{n}",
            refers_to=f"<urn:uuid:{n}>",
            date=WHEN,
            body=b"<p>%d" % n,
            digest=sha256(b"<p>%d" % n),
        )
        for n in range(3)
    ]
    info = {"software": "x", "label": "已歸檔", "archived-on": "2026-11-22", "empty": ""}
    one, other = tmp_path / "1" / "stamped.warc.gz", tmp_path / "2" / "stamped.warc.gz"
    for path in (one, other):
        with warc.companion(path, info, WHEN) as keep:
            for item in items:
                keep(warc.conversion(item, warc.companion_id(path.name, info, WHEN)))
    assert one.read_bytes() == other.read_bytes()
    records = list(warc.iterate(one))
    assert [record.type for record in records] == ["warcinfo", "conversion", "conversion", "conversion"]
    about = dict(records[1].headers)
    assert about["WARC-Refers-To"] == "<urn:uuid:0>"
    assert about["WARC-Warcinfo-ID"] == records[0].record_id
    assert about["Content-Type"] == "text/html"
    assert about["WARC-Date"] == "2026-11-22T10:30:05Z"
    assert about["WARC-Block-Digest"] == f"sha256:{hashlib.sha256(b'<p>0').hexdigest()}"
    assert records[0].block == "software: x\r\nlabel: 已歸檔\r\narchived-on: 2026-11-22\r\n".encode()
    assert all(not checked.problems for checked in warc.check(one))
    assert Checker(Namespace(inputs=[str(one)], verbose=False)).process_all() == 0
    assert list(one.parent.iterdir()) == [one]


def test_one_damaged_byte_costs_one_record(tmp_path: Path) -> None:
    """Readers stop there; we look for the next record and go on."""
    (path,) = small(tmp_path).warcs
    whole = list(warc.check(path))
    data = bytearray(path.read_bytes())
    data[whole[4].offset + 40] ^= 0x55
    path.write_bytes(data)
    found = list(warc.check(path))
    assert [c.record_id for c in found if not c.problems] == [c.record_id for n, c in enumerate(whole) if n != 4]
    (problem,) = [problem for checked in found for problem in checked.problems]
    assert problem.code in ("warc-damaged", "warc-digest-false")


def test_a_file_that_ends_within_a_record_is_found_out(tmp_path: Path) -> None:
    (path,) = small(tmp_path).warcs
    path.write_bytes(path.read_bytes()[:-5])
    last = list(warc.check(path))[-1]
    assert [problem.code for problem in last.problems] == ["warc-cut"]
    with pytest.raises(Refused) as refused:
        warc.read_record(path, last.offset)
    assert [problem.code for problem in refused.value.problems] == ["warc-cut"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"WARC-Block-Digest: sha256:", b"WARC-Block-Digest: sha512:", "warc-digest-unknown"),
        (b"WARC-Payload-Digest:", b"WARC-Payload-Nothing:", "warc-digest-missing"),
        (b"WARC-Record-ID:", b"WARC-Record-No:", "warc-field-missing"),
        ("第3页".encode(), "第4页".encode(), "warc-digest-false"),
        (b"Content-Length:", b"Content-Size:", "warc-damaged"),
        (b"\r\n\r\n\r\n", b"\r\n\r\n\r\n\r\n", "warc-damaged"),
    ],
)
def test_a_record_that_says_what_is_not_true_is_found_out(old: bytes, new: bytes, code: str, tmp_path: Path) -> None:
    """Changed inside a valid gzip member, where no checksum of the file format would notice."""
    (path,) = small(tmp_path).warcs
    record = next(c for c in warc.check(path) if c.type == "response" and c.target_uri.endswith("/3.html"))
    data = path.read_bytes()
    end = record.offset + record.length
    member = gzip.decompress(data[record.offset : end])
    changed = member.replace(old, new) if old in member else member + b"x"
    path.write_bytes(data[: record.offset] + gzip.compress(changed) + data[end:])
    found = [problem.code for checked in warc.check(path) for problem in checked.problems]
    assert code in found
    assert len([c for c in warc.check(path) if not c.problems]) == len(list(warc.iterate(small(tmp_path).warcs[0]))) - 1


def test_reading_where_no_answer_begins_is_refused(tmp_path: Path) -> None:
    (path,) = small(tmp_path).warcs
    with pytest.raises(Refused) as refused:
        warc.read_response(path, 0)
    assert [problem.code for problem in refused.value.problems] == ["warc-no-response"]
    with pytest.raises(Refused) as refused:
        warc.read_record(path, 3)
    assert [problem.code for problem in refused.value.problems] == ["warc-damaged"]


def test_a_url_without_a_record_cannot_be_recalled(tmp_path: Path) -> None:
    with serving({"/": page("x")}) as web:
        report = captured(web, tmp_path)
        again = captured(web, tmp_path)
    row = rows_of(again)["/"]
    for path in report.capture.warcs:
        path.unlink()
    with pytest.raises(Refused) as refused:
        recall.response(again.capture, row)
    assert [problem.code for problem in refused.value.problems] == ["warc-missing"]
