"""第十五条 as a proof: whatever is taken away, altered or loses its mark, `archive verify` names it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from archive.proving import proof
from archive.proving.evidence import NAMES, Where
from archive.proving.proof import Proof
from archive.retiring import notices
from archive.warcs import warc
from sitegen.files import sha256_file
from tests.archive.oldweb import captured, page, serving
from tests.archive.retired import SITE_URL, Retired

HOST = "http://lyj.example.gov.cn"
ARTICLE = HOST + "/lydt/200809/23.html"


@dataclass
class Harm:
    """Does one thing to the retired site and can put it back. `named` is what the proof must name."""

    retired: Retired
    before: dict[Path, bytes] = field(default_factory=dict)
    aside: dict[Path, Path] = field(default_factory=dict)
    added: list[Path] = field(default_factory=list)

    def edit(self, path: Path, data: bytes) -> Path:
        """Other bytes. A copy and the file of the release are one file: both change."""
        self.before.setdefault(path, path.read_bytes())
        self._write(path, data)
        return path

    def delete(self, path: Path) -> Path:
        self.aside[path] = path.rename(self.retired.root / f"aside-{len(self.aside)}")
        return path

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        """In place: the file keeps its other names."""
        with path.open("r+b") as stream:
            stream.truncate()
            stream.write(data)

    def add(self, path: Path, text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        self.added.append(path)
        return path

    def reindex(self, path: Path) -> None:
        """What a careful forger does: the index gets the new digest."""
        folder = self.retired.index_file.with_suffix("")
        index = self.retired.index
        name = path.relative_to(folder).as_posix()
        index["files"][name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        self.edit(self.retired.index_file, (json.dumps(index, ensure_ascii=False, indent=1) + "\n").encode())

    def undo(self) -> None:
        for path in self.added:
            path.unlink()
        for path, kept in self.aside.items():
            kept.rename(path)
        for path, data in self.before.items():
            self._write(path, data)

    @property
    def folder(self) -> Path:
        return self.retired.index_file.with_suffix("")

    def copy(self, url: str = ARTICLE) -> Path:
        (found,) = [one["url"] for one in self.retired.index["pages"] if one["target_uri"] == url]
        return self.folder / str(found).split(f"/{self.retired.capture.timestamp}/", 1)[1]


def proven(retired: Retired) -> Proof:
    return proof.prove(
        Where(
            capture=retired.capture,
            content=retired.content,
            public=retired.public,
            build=retired.build,
            site_url=SITE_URL,
        )
    )


@pytest.fixture
def harm(retired: Retired) -> Iterator[Harm]:
    doing = Harm(retired=retired)
    yield doing
    doing.undo()


def test_a_site_that_was_retired_wholly_is_proven_wholly(retired: Retired) -> None:
    """Done-when 1: 100 %, no orphan, every aspect of every URL, and something was looked at each time."""
    found = proven(retired)
    assert found.problems == ()
    assert (found.coverage, found.orphans) == (100.0, ())
    assert found.urls >= 200
    assert [(one.name, one.looked_at, one.proven, one.not_due) for one in found.aspects] == [
        (name, found.urls, found.urls, "") for name in NAMES
    ]
    least = {"addresses": 200, "columns": 5, "files": 250, "links": 3000, "notices": 2, "originals": 50, "stamps": 140}
    assert [name for name, number in least.items() if found.looked_at[name] < number] == []
    assert found.looked_at["texts"] >= 125


def test_citizens_read_the_proof_in_the_catalogue(retired: Retired) -> None:
    """第十五条: what the retirement proved last is a page of the release, in the same numbers."""
    found, told = proven(retired), retired.index["proof"]
    assert (told["coverage"], told["urls"], told["orphans"]) == (100.0, found.urls, 0)
    assert [(one["name"], one["proven"]) for one in told["aspects"]] == [
        (one.name, one.proven) for one in found.aspects
    ]
    report = (retired.site / f"archive/lyj/report-{retired.capture.timestamp}.html").read_text(encoding="utf-8")
    assert f"<dd>{found.urls}</dd>" in report
    assert "未通过" not in report


def test_a_later_proof_is_told_when_it_is_asked_for(harm: Harm) -> None:
    """`archive verify --publish`: once altered, the catalogue's next build says so; what was said stays without it."""
    before = harm.retired.index_file.read_bytes()
    harm.edit(harm.retired.index_file, before)
    harm.delete(harm.copy())
    assert harm.retired.command("verify", "lyj").returncode == 1
    assert harm.retired.index_file.read_bytes() == before
    assert harm.retired.command("verify", "lyj", "--publish").returncode == 1
    told = harm.retired.index["proof"]
    assert told["coverage"] < 100
    assert "未通过" in {check["result"] for check in told["checks"]}


# --- one harm, and what is said


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Other words in one file. `forged`: the index is made to agree. `names`: what the proof must name, else the file."""

    file: Callable[[Harm], Path]
    old: str
    new: str
    codes: str
    forged: bool = False
    names: str = ""

    def do(self, harm: Harm) -> str:
        path = self.file(harm)
        text = path.read_text(encoding="utf-8")
        changed = re.sub(self.old, self.new, text, count=1, flags=re.S | re.M)
        assert changed != text
        harm.edit(path, changed.encode())
        if self.forged:
            harm.reindex(path)
        return self.names or str(path)


@dataclass(frozen=True, kw_only=True)
class Delete:
    file: Callable[[Harm], Path]
    codes: str
    names: str = ""

    def do(self, harm: Harm) -> str:
        path = self.file(harm)
        harm.delete(path)
        return self.names or str(path)


@dataclass(frozen=True, kw_only=True)
class Other:
    """What takes more than one step; returns what the proof must name."""

    how: Callable[[Harm], str]
    codes: str

    def do(self, harm: Harm) -> str:
        return self.how(harm)


def beside(name: str) -> Callable[[Harm], Path]:
    return lambda harm: harm.retired.store / name


def manifest(harm: Harm) -> Path:
    return harm.retired.capture.manifest


def notice(harm: Harm) -> Path:
    path = notices.find(harm.retired.content, harm.retired.decision)
    assert path is not None
    return harm.retired.content / path


def released(harm: Harm) -> Path:
    return harm.retired.site / "archive/lyj" / harm.retired.capture.timestamp / harm.copy().relative_to(harm.folder)


def flip_a_warc_byte(harm: Harm) -> str:
    (path,) = harm.retired.capture.warcs
    record = next(c for c in warc.check(path) if c.type == "response" and c.target_uri == ARTICLE)
    data = bytearray(path.read_bytes())
    data[record.offset + record.length // 2] ^= 0xFF
    harm.edit(path, bytes(data))
    return ARTICLE


def forget_a_url(harm: Harm) -> str:
    path = harm.retired.capture.frontier
    harm.before[path] = path.read_bytes()
    with closing(sqlite3.connect(path)) as database, database:
        assert database.execute("DELETE FROM url WHERE url = ?", (ARTICLE,)).rowcount == 1
    return ARTICLE


def swap_two_pictures(harm: Harm) -> str:
    first, second = sorted(harm.folder.glob("lyj.example.gov.cn/images/**/*.gif"))[:2]
    data = first.read_bytes(), second.read_bytes()
    assert data[0] != data[1]
    for path, others in ((first, data[1]), (second, data[0])):
        harm.edit(path, others)
        harm.reindex(path)
    return str(first)


def take_the_notice_offline(harm: Harm) -> str:
    path = notice(harm)
    harm.delete(harm.retired.site / path.relative_to(harm.retired.content).with_suffix(".html"))
    return str(path)


def delete_the_notice(harm: Harm) -> str:
    harm.delete(notice(harm))
    return str(harm.retired.content / "tzgg")


def forget_a_page_in_the_index(harm: Harm) -> str:
    index = harm.retired.index
    index["pages"] = [one for one in index["pages"] if one["target_uri"] != ARTICLE]
    harm.edit(harm.retired.index_file, json.dumps(index, ensure_ascii=False).encode())
    return ARTICLE


def slip_in_a_page(harm: Harm) -> str:
    return str(harm.add(harm.folder / "lyj.example.gov.cn" / "added.html", "<p>added</p>"))


ROW = re.escape(ARTICLE) + ","
OLD_LIST = partial(Harm.copy, url=HOST + "/lydt/")
BODY_END = "</archived-body>"
WORD = r"(<archived-html.*>[^<]*[\u4e00-\u9fff]{2})[\u4e00-\u9fff]{2}([^<]*<.*</archived-html>)"
LED = "proof-target-missing proof-redirects-differ proof-redirects-old"
HARMS: dict[str, Edit | Delete | Other] = {
    "a byte of the WARC": Other(how=flip_a_warc_byte, codes="warc-damaged verify-record-false verify-file-changed"),
    "the WARC": Delete(
        file=lambda harm: harm.retired.capture.warcs[0],
        codes="verify-file-missing verify-no-warc verify-record-false warc-missing",
    ),
    "a line of the CDXJ index": Edit(
        file=lambda harm: harm.retired.capture.index, old=rf'^[^\n]*"url": "{re.escape(ARTICLE)}"[^\n]*\n', new="",
        codes="verify-index-missing verify-file-changed verify-merkle-false", names=ARTICLE,
    ),
    "a URL of the inventory": Other(
        how=forget_a_url,
        codes="verify-file-changed verify-orphan verify-record-unknown verify-index-false proof-manifest-changed",
    ),
    "the manifest's end": Edit(file=manifest, old='"finished": "2', new='"finished": "1', codes="proof-manifest-changed"),
    "the manifest's counts": Edit(
        file=manifest, old=r'"captured": \d+', new='"captured": 9', codes="proof-manifest-changed"
    ),
    "a copy": Delete(file=Harm.copy, codes="proof-copy-missing proof-link-broken"),
    "a copy in the release": Delete(file=released, codes="proof-copy-missing"),
    "a page nobody published": Other(how=slip_in_a_page, codes="proof-copy-unknown"),
    "a word": Edit(
        file=Harm.copy, old=WORD, new=r"\1伪造\2",
        codes="proof-copy-changed proof-text-differs",
    ),
    "a word, forged": Edit(
        file=Harm.copy, old=WORD, new=r"\1伪造\2",
        codes="proof-text-differs", forged=True,
    ),
    "a word more": Edit(
        file=Harm.copy, old=BODY_END, new=f"<p>添上的话</p>{BODY_END}", codes="proof-text-differs", forged=True
    ),
    "the stamp": Edit(
        file=Harm.copy, old=r"<section data-archived=.*?</section>", new="", codes="proof-copy-unstamped", forged=True
    ),
    "the stamp's place": Edit(
        file=Harm.copy, old="<section data-arch", new="<p></p><section data-arch", codes="proof-copy-unstamped",
        forged=True,
    ),
    "the stamp's date": Edit(
        file=Harm.copy, old=r'data-archived="\d{4}', new='data-archived="1999', codes="proof-copy-unstamped", forged=True
    ),
    "the stamp of a file": Edit(
        file=lambda harm: min(harm.folder.rglob("*.pdf.html")), old="data-archived", new="data-x",
        codes="proof-copy-unstamped", forged=True,
    ),
    "the title": Edit(
        file=Harm.copy, old="<title>【已歸檔】", new="<title>", codes="proof-title-unmarked", forged=True
    ),
    "the machine's mark": Edit(
        file=Harm.copy, old="(target_uri&quot;: &quot;http://)lyj", new=r"\1xyz", codes="proof-facts-false", forged=True
    ),
    "a script": Edit(
        file=Harm.copy, old=BODY_END, new=f'<a onclick="x()"></a>{BODY_END}', codes="proof-copy-active", forged=True
    ),
    "a link outside": Edit(
        file=Harm.copy, old=BODY_END, new=f'<a href="//evil.example/"></a>{BODY_END}', codes="proof-copy-active",
        forged=True,
    ),
    "a link": Edit(
        file=OLD_LIST, old=r'href="20[^"]+\.html"', new='href="200000/none.html"', codes="proof-link-broken", forged=True
    ),
    "two pictures": Other(how=swap_two_pictures, codes="proof-original-differs"),
    "the index": Delete(file=lambda harm: harm.retired.index_file, codes="proof-index-missing"),
    "a page of the index": Other(how=forget_a_page_in_the_index, codes="proof-copy-missing"),
    "a row of the ledger": Edit(
        file=beside("redirects.csv"), old=rf"^{ROW}[^\n]*\n", new="", codes="proof-unmapped proof-redirects-differ",
        names=ARTICLE,
    ),
    "a row to another host": Edit(
        file=beside("redirects.csv"), old=rf"({ROW}[a-z]+),[^,]*", new=r"\1,https://evil.example/", codes=LED, names=ARTICLE
    ),
    "a row to nothing": Edit(
        file=beside("redirects.csv"), old=rf"({ROW}[a-z]+),[^,]*", new=rf"\1,{SITE_URL}none.html", codes=LED, names=ARTICLE
    ),
    "nginx' row": Edit(
        file=beside("redirects.nginx"), old=r'^[^\n]*/lydt/200809/23\.html\?[^\n]*\n', new="", codes="proof-redirects-differ"
    ),
    "Caddy's row": Edit(
        file=beside("redirects.caddy"), old=r'^[^\n]*/lydt/200809/23\.html\?[^\n]*\n', new="", codes="proof-redirects-differ"
    ),
    "the ledger": Delete(file=beside("redirects.csv"), codes="redirects-unreadable"),
    "the banner": Delete(file=beside("banner.html"), codes="proof-banner-missing"),
    "the notice": Other(how=delete_the_notice, codes="proof-notice-missing"),
    "the notice's page": Other(how=take_the_notice_offline, codes="proof-notice-missing"),
    "a column of the notice": Edit(file=notice, old="whlyj/bsfw/", new="whlyj/", codes="proof-notice-incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("what", HARMS)
def test_one_thing_that_is_not_as_it_was_is_named(what: str, harm: Harm) -> None:
    """Done-when 1: the proof says what it is, at the URL or file, and nothing that is not so."""
    named, codes = HARMS[what].do(harm), set(HARMS[what].codes.split())
    found = proven(harm.retired)
    said = {problem.code for problem in found.problems}
    assert said >= codes
    follows = {"verify-index-false", "verify-record-unknown", "verify-index-missing", "proof-link-broken"}
    assert said - codes <= follows | {"proof-copy-missing"}
    assert any(named in {problem.path, problem.key} for problem in found.problems), (named, found.problems)


KINDS = {
    "page": "lyj.example.gov.cn/lydt/200809/23.html", "style sheet": "**/*.css", "picture": "**/*.gif",
    "picture under its seal": "**/*!sealed.*", "file": "**/*.pdf", "page of a file": "**/*.pdf.html",
    "stamped PDF": "**/*!stamped.pdf", "warning before another host": "leaving/*.html",
    "page for what was not captured": "not-captured.html", "whole capture": "*.wacz",
}  # fmt: skip
KEPT = ("archive/stamped.warc.gz", "pages/pages.jsonl", "indexes/index.cdxj")


def one_of_each(retired: Retired) -> dict[Path, str]:
    """A file of every kind that a publication or a capture has → the code of one that is not as it was."""
    folder = retired.index_file.with_suffix("")
    found = {min(path for path in folder.glob(pattern) if path.is_file()): "proof-copy" for pattern in KINDS.values()}
    assert len(found) == len(KINDS)
    return found | {retired.capture.folder / name: "verify-file" for name in KEPT}


@pytest.mark.parametrize("way", ["changed", "missing"])
def test_no_kind_of_file_can_be_altered_or_taken_away_unseen(way: str, harm: Harm) -> None:
    """One of each at once: the proof names every one of them, and no other file."""
    harmed = one_of_each(harm.retired)
    for path in harmed:
        if way == "missing":
            harm.delete(path)
        else:
            harm.edit(path, path.read_bytes()[:-1] + b"~")
    found = {(problem.path, problem.code) for problem in proven(harm.retired).problems}
    own = {str(harm.retired.capture.folder), str(harm.folder)}
    assert {(str(path), f"{code}-{way}") for path, code in harmed.items()} <= found
    told = {
        path for path, code in found if code.startswith(("proof-copy-", "verify-file-")) and path.startswith(tuple(own))
    }
    assert told == {str(path) for path in harmed}


def test_coverage_falls_by_the_urls_that_are_not_proven(harm: Harm) -> None:
    HARMS["the stamp"].do(harm)
    found = proven(harm.retired)
    (problem,) = found.problems
    assert problem.key == ARTICLE
    assert found.coverage == round(100 * (found.urls - 1) / found.urls, 2)
    assert {one.name: one.looked_at - one.proven for one in found.aspects} == {
        "captured": 0, "stamped": 1, "links": 0, "mapped": 0, "announced": 0,
    }  # fmt: skip


def test_what_is_not_due_yet_is_said_and_is_no_failure(tmp_path: Path) -> None:
    """A capture that nobody has published is proven as a capture."""
    with serving({"/": page('<a href="a.html">'), "/a.html": page("甲")}) as web:
        capture = captured(web, tmp_path / "store").capture
    found = proof.prove(
        Where(
            capture=capture, content=tmp_path / "content", public=tmp_path / "public", build=tmp_path, site_url=SITE_URL
        )
    )
    assert (found.coverage, found.problems) == (100.0, ())
    assert [one.not_due for one in found.aspects] == ["", *["the capture is not published yet"] * 4]


def test_articles_released_later_are_a_warning_not_a_failure(harm: Harm) -> None:
    """The table says something true, only not the best: an operator reads it and runs the retirement again."""
    path = harm.retired.store / "redirects.csv"
    text = path.read_text(encoding="utf-8")
    copy = f"{SITE_URL}archive/lyj/{harm.retired.capture.timestamp}/lyj.example.gov.cn/index.html"
    harm.edit(path, re.sub(f"({re.escape(ARTICLE)}),redirect,[^,]*", rf"\1,archive,{copy}", text).encode())
    found = proven(harm.retired)
    warnings = [problem for problem in found.problems if problem.severity == "warning"]
    assert [(problem.code, problem.key) for problem in warnings] == [("proof-redirects-old", ARTICLE)]
    assert {problem.code for problem in found.problems} == {"proof-redirects-old", "proof-redirects-differ"}


def test_pages_of_our_own_are_proven_where_they_stand(retired: Retired) -> None:
    """第十五条 in place: the same address, stamped; redirects and a portal notice are not asked for."""
    assert retired.command("retire", "jyj/old-column").returncode == 0
    done = retired.command("verify", "jyj--old-column", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["coverage"], said["problems"]) == (0, 100.0, [])
    assert [aspect["name"] for aspect in said["aspects"] if aspect["not_due"]] == ["links", "mapped", "announced"]
    page = retired.site / "jyj/old-column/index.html"
    before = page.read_bytes()
    for old, new, code in (
        ("data-archived", "data-x", "proof-copy-unstamped"),
        ("<h1>教育简报", "<h1>教育快报", "proof-text-differs"),
        ("已歸檔】", "】", "proof-title-unmarked"),
        (None, None, "proof-copy-missing"),
    ):
        page.unlink()
        if old and new is not None:
            page.write_text(before.decode().replace(old, new, 1 if "】" in old else -1), encoding="utf-8")
        found = json.loads(retired.command("verify", "jyj--old-column", "--json").stdout)
        page.unlink(missing_ok=True)
        page.write_bytes(before)
        assert [problem["code"] for problem in found["problems"]] == [code]
        assert found["coverage"] < 100
