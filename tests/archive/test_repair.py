"""What is damaged is named to the byte, and all the rest is saved."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from archive import store
from archive.__main__ import main
from archive.crawling.capture import Options, capture
from archive.net.fetch import parse_connect_to
from archive.proving.verify import verify
from archive.store import Capture
from archive.warcs import records, repair
from archive.warcs.repair import RepairReport
from sitegen.errors import Refused
from tests.archive.foreigners import a_site, arc, brought, given, http, packed, response, sha1, url
from tests.archive.oldweb import NOW, decided, lyj, page, serving

SEED = 20261128


@pytest.fixture(scope="module")
def tourism(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """The old website of the tourism bureau, captured: about 500 records."""
    from archive.decision import Decision

    decision = Decision(
        site="lyj", hosts=("lyj.example.gov.cn",), start=("http://lyj.example.gov.cn/",), allow_private=("127.0.0.1",)
    )
    with lyj() as server:
        dial = parse_connect_to(f"lyj.example.gov.cn:80:127.0.0.1:{server.port}")
        return capture(
            decision, store=tmp_path_factory.mktemp("store"), now=NOW, options=Options(connect_to=(dial,))
        ).capture


def stored(path: Path) -> list[bytes]:
    """Each record of a file, unpacked."""
    data = path.read_bytes()
    return [gzip.decompress(data[c.offset : c.offset + c.length]) for c in records.check(path, foreign=True)]


def read_by_warcio(path: Path) -> int:
    number = 0
    with path.open("rb") as stream:
        try:
            for record in ArchiveIterator(stream):
                record.raw_stream.read()
                number += 1
        except (ArchiveLoadFailed, EOFError, ValueError, AttributeError):
            pass
    return number


def repaired(tmp_path: Path, data: bytes, name: str = "lyj.warc.gz") -> RepairReport:
    (tmp_path / name).write_bytes(data)
    report = repair.repair(tmp_path / name)
    assert (tmp_path / name).read_bytes() == data
    return report


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_flipped_byte_is_found_and_costs_at_most_its_own_record(tourism: Capture, tmp_path: Path) -> None:
    """Done-when 6 of capture: anywhere in the file; more than 99 % of the other records are saved."""
    (path,) = tourism.warcs
    whole, members, before = path.read_bytes(), list(records.check(path)), stored(path)
    assert len(members) > 400
    chance = random.Random(SEED)  # noqa: S311 (not a secret)
    warcio = ours = 0
    for number in range(8):
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        harmed = bytearray(whole)
        harmed[at] ^= bit
        hit = next(n for n, one in enumerate(members) if one.offset <= at < one.offset + one.length)
        report = repaired(tmp_path, bytes(harmed), f"{number}.warc.gz")
        saved = stored(report.output)
        others = [one for n, one in enumerate(before) if n != hit]
        assert [one for one in saved if one in others] == others, (at, bit)
        altered = [one for one in saved if one not in before]
        assert len(altered) <= len(report.doubtful) <= 1, (at, bit)
        assert len(saved) + len(report.lost) >= len(before) or saved == before, (at, bit)
        ours += len(saved)
        warcio += read_by_warcio(tmp_path / f"{number}.warc.gz")
        (tmp_path / f"{number}.warc.gz").unlink()
        report.output.unlink()
    assert ours >= 8 * (len(before) - 1)
    assert warcio < 0.9 * ours


def test_wherever_the_flipped_byte_is_all_other_records_are_saved(tmp_path: Path) -> None:
    """At every third byte of a small file; what is taken for whole is whole."""
    made = a_site()
    whole = packed(made)
    ends = [sum(len(gzip.compress(one, mtime=0)) for one in made[: n + 1]) for n in range(len(made))]
    unharmed = 0
    for at in range(0, len(whole), 3):
        harmed = bytearray(whole)
        harmed[at] ^= 1 << at % 8
        report = repaired(tmp_path, bytes(harmed))
        hit = next(n for n, end in enumerate(ends) if at < end)
        saved = stored(report.output)
        report.output.unlink()
        sure = [one for one in saved if one in made]
        assert [one for one in sure if one != made[hit]] == [one for n, one in enumerate(made) if n != hit], at
        assert len(saved) - len(sure) <= len(report.doubtful) <= 1, at
        assert len(saved) + len(report.lost) >= len(made), at
        unharmed += len(sure) == len(made)
    assert unharmed > 5 * 8 // 3  # header and checksum of five members, at the least


def test_every_flip_is_found_by_verify(tmp_path: Path) -> None:
    """Also one that changes no record, in the time stamp of a gzip header: the whole file has its digest, too."""
    with serving({"/": page('<a href="a.html">'), "/a.html": page("甲" * 300)}) as web:
        taken = capture(decided(web), store=tmp_path, now=NOW).capture
    (path,) = taken.warcs
    whole = path.read_bytes()
    manifest = store.read_manifest(taken)
    chance = random.Random(SEED)  # noqa: S311 (not a secret)
    silent = []
    for at in [4, *(chance.randrange(len(whole)) for _ in range(60))]:
        harmed = bytearray(whole)
        harmed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(harmed)
        assert "verify-file-changed" in {problem.code for problem in verify(taken).problems}, at
        (report := repair.repair(path, tmp_path / "mended.warc.gz")).output.unlink()
        if report.recovered == manifest["counts"]["total"] * 2 + 2 and not report.lost:
            silent.append(at)
    assert 4 in silent  # a gzip header's time: no record is harmed, and only the digest of the file says so


def test_a_whole_file_is_copied_byte_for_byte(tmp_path: Path) -> None:
    report = repaired(tmp_path, packed(a_site()))
    assert report.output == tmp_path / "lyj.repaired.warc.gz"
    assert report.output.read_bytes() == packed(a_site())
    assert (report.recovered, report.lost, report.doubtful, report.problems) == (5, [], [], [])


def test_what_is_lost_is_named_with_its_bytes_and_its_url(tmp_path: Path) -> None:
    made = [gzip.compress(one, mtime=0) for one in a_site()]
    at = len(made[0]) + len(made[1])
    data = bytearray(b"".join(made))
    data[at + len(made[2]) - 12] ^= 0x10
    report = repaired(tmp_path, bytes(data))
    ((start, end, target),) = [(one.start, one.end, one.url) for one in report.lost]
    assert (start, end, target) == (at, at + len(made[2]), url("/a.html"))
    assert stored(report.output) == [one for n, one in enumerate(a_site()) if n != 2]
    (problem,) = report.problems
    assert (problem.code, problem.severity, problem.key) == ("repair-lost", "warning", f"offset {at}")


def test_a_record_whose_digest_proves_it_outlives_a_false_checksum(tmp_path: Path) -> None:
    """The flipped byte was in the checksum itself; nobody can know that it was not in the header."""
    made = [gzip.compress(one, mtime=0) for one in a_site()]
    made[2] = made[2][:-8] + bytes([made[2][-8] ^ 1]) + made[2][-7:]
    report = repaired(tmp_path, b"".join(made))
    assert (stored(report.output), report.lost, report.doubtful) == (a_site(), [], [url("/a.html")])


@pytest.mark.parametrize("at", [1, 3])
def test_a_record_outlives_damage_in_the_header_of_its_gzip_member(at: int, tmp_path: Path) -> None:
    """The mark of gzip itself, and a flag that promises more header than there is."""
    made = [gzip.compress(one, mtime=0) for one in a_site()]
    harmed = bytearray(made[2])
    harmed[at] ^= 0x04
    report = repaired(tmp_path, b"".join([*made[:2], bytes(harmed), *made[3:]]))
    assert (stored(report.output), report.doubtful) == (a_site(), [url("/a.html")])


def test_a_file_that_lost_nothing_but_a_checksum_loses_nothing(tmp_path: Path) -> None:
    report = repaired(tmp_path, packed(a_site())[:-8])
    assert (stored(report.output), report.lost, report.doubtful) == (a_site(), [], [url("/i.gif")])


def test_a_file_that_was_cut_loses_its_last_record(tmp_path: Path) -> None:
    data = packed(a_site())
    report = repaired(tmp_path, data[:-20])
    assert stored(report.output) == a_site()[:-1]
    assert [(one.end, one.url) for one in report.lost] == [(len(data) - 20, url("/i.gif"))]


@pytest.mark.parametrize("cut", [b"", b"garbage between\r\n"])
def test_a_plain_file_is_taken_up_at_the_next_head(cut: bytes, tmp_path: Path) -> None:
    """A record whose length is false is lost alone, and so is what stands between records."""
    made = a_site()
    harmed = made[2].replace(b"Content-Length: ", b"Content-Length: 7")
    data = b"".join([made[0], made[1], harmed, cut, *made[3:]])
    report = repaired(tmp_path, data, "lyj.warc")
    assert stored(report.output) == [made[0], made[1], *made[3:]]
    start = len(made[0]) + len(made[1])
    assert [(one.start, one.end, one.url) for one in report.lost] == [
        (start, start + len(harmed) + len(cut), url("/a.html"))
    ]


def test_a_damaged_head_in_a_plain_file_costs_its_own_record_alone(tmp_path: Path) -> None:
    """The record before it ends where it says, and its digest is true."""
    made = a_site()
    data = b"".join([*made[:2], b"X" + made[2][1:], *made[3:]])
    report = repaired(tmp_path, data, "lyj.warc")
    assert stored(report.output) == [*made[:2], *made[3:]]
    assert len(report.lost) == 1


def test_a_flipped_byte_in_a_plain_block_makes_the_record_doubtful(tmp_path: Path) -> None:
    """Nothing is lost, but it must not be taken for the page."""
    made = a_site()
    data = b"".join(made).replace("甲".encode(), "乙".encode())
    report = repaired(tmp_path, data, "lyj.warc")
    assert (report.recovered, report.lost, report.doubtful) == (5, [], [url("/a.html")])
    assert [problem.code for problem in report.problems] == ["repair-doubtful"]
    imported = brought(tmp_path, report.output)
    assert imported.inventory["failed"] == 1


def test_a_file_compressed_as_a_whole_is_saved_up_to_the_damage(tmp_path: Path) -> None:
    """In one gzip member there is nothing to go on with behind the damage; before it, digests prove each record."""
    chance = random.Random(SEED)  # noqa: S311 (not a secret)
    made = [response(f"/{n}.html", http(chance.randbytes(3000).hex())) for n in range(20)]
    data = bytearray(gzip.compress(b"".join(made), mtime=0))
    assert stored(repaired(tmp_path, bytes(data), "whole.warc.gz").output) == made
    data[len(data) // 2] ^= 0x55
    report = repaired(tmp_path, bytes(data))
    saved = stored(report.output)
    assert saved[:9] == made[:9]
    assert len(saved) == len(report.doubtful)
    assert {one.unpacked_at for one in report.lost} == {0}


def test_the_bytes_of_an_inner_file_are_not_taken_for_records(tmp_path: Path) -> None:
    """A page that holds a WARC file is one record as long as it can be read."""
    inner = b"".join(a_site())
    made = [response("/x.warc", http(inner, "application/warc")), response("/y", http("y"))]
    assert stored(repaired(tmp_path, b"".join(made), "outer.warc").output) == made


def test_an_arc_file_is_saved_up_to_its_damage(tmp_path: Path) -> None:
    data = arc([(url("/a"), "text/html", http("a")), (url("/b"), "text/html", http("b"))])
    report = repaired(tmp_path, data[:-10], "lyj.arc")
    assert report.recovered == 2
    assert [one.type for one in records.check(report.output)] == ["warcinfo", "response"]
    assert [one.end for one in report.lost] == [len(data) - 10]


def test_a_file_of_nothing_but_false_heads_costs_no_more_than_its_length(tmp_path: Path) -> None:
    """Looking for an empty line from each of them would take minutes."""
    with pytest.raises(Refused) as caught:
        repaired(tmp_path, b"WARC/1.0\n" * 300_000, "heads.warc")
    assert [problem.code for problem in caught.value.problems] == ["repair-nothing"]
    assert list(tmp_path.iterdir()) == [tmp_path / "heads.warc"]


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path: Path) -> None:
    file = given(tmp_path, a_site())
    repair.repair(file)
    with pytest.raises(Refused) as caught:
        repair.repair(file)
    assert [problem.code for problem in caught.value.problems] == ["repair-output-exists"]
    with pytest.raises(Refused) as caught:
        repair.repair(file, tmp_path / "no" / "folder.warc.gz")
    assert [problem.code for problem in caught.value.problems] == ["repair-unreadable"]
    with pytest.raises(Refused) as caught:
        repaired(tmp_path, b"no record at all", "none.warc")
    assert [problem.code for problem in caught.value.problems] == ["repair-nothing"]
    assert not list(tmp_path.glob("*.open"))


def test_a_repaired_file_is_imported(tmp_path: Path) -> None:
    """The way that the refusal of a damaged file shows."""
    harmed = packed(a_site())[:-20]
    given(tmp_path, harmed)
    with pytest.raises(Refused) as caught:
        brought(tmp_path, tmp_path / "lyj.warc.gz")
    assert "archive repair" in caught.value.problems[0].remedy
    report = brought(tmp_path, repair.repair(tmp_path / "lyj.warc.gz").output)
    assert report.inventory["captured"] == 2
    assert sha1(b"GIF89a") not in report.capture.index.read_text(encoding="utf-8")


def test_repair_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given(tmp_path, packed(a_site())[:-20])
    done = CliRunner().invoke(main, ["repair", "lyj.warc.gz", "--output", "mended.warc.gz", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["output"], report["recovered"], len(report["lost"])) == ("mended.warc.gz", 4, 1)
    assert "repair-lost" in done.stderr
    assert CliRunner().invoke(main, ["repair", "none.warc.gz"]).exit_code == 2
