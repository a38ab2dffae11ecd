"""第十五条 as a proof: whatever is taken away, altered or loses its mark, `archive verify` names it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
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

    def replace(self, path: Path, old: str, new: str) -> Path:
        text = path.read_text(encoding="utf-8")
        assert old in text, (path, old)
        return self.edit(path, text.replace(old, new, 1).encode())

    def reindex(self, path: Path) -> None:
        """What a careful forger does: the index gets the new digest."""
        folder = self.retired.index_file.with_suffix("")
        index = self.retired.index
        name = path.relative_to(folder).as_posix()
        index["files"][name] = {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        self.edit(self.retired.index_file, (json.dumps(index, ensure_ascii=False, indent=1) + "\n").encode())

    def undo(self) -> None:
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


# --- one harm, and what is said


def flip_a_warc_byte(harm: Harm) -> str:
    (path,) = harm.retired.capture.warcs
    record = next(c for c in warc.check(path) if c.type == "response" and c.target_uri == ARTICLE)
    data = bytearray(path.read_bytes())
    data[record.offset + record.length // 2] ^= 0xFF
    harm.edit(path, bytes(data))
    return ARTICLE


def delete_the_warc(harm: Harm) -> str:
    return str(harm.delete(harm.retired.capture.warcs[0]))


def delete_an_index_line(harm: Harm) -> str:
    lines = harm.retired.capture.index.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if f'"url": "{ARTICLE}"'.encode() not in line]
    assert len(kept) == len(lines) - 1
    harm.edit(harm.retired.capture.index, b"".join(kept))
    return ARTICLE


def forget_a_url(harm: Harm) -> str:
    path = harm.retired.capture.frontier
    harm.before[path] = path.read_bytes()
    with closing(sqlite3.connect(path)) as database, database:
        assert database.execute("DELETE FROM url WHERE url = ?", (ARTICLE,)).rowcount == 1
    return ARTICLE


def delete_a_copy(harm: Harm) -> str:
    return str(harm.delete(harm.copy()))


def alter_one_word(harm: Harm) -> str:
    """In the old page itself, not in what stands around it."""
    before, mark, old = harm.copy().read_text(encoding="utf-8").partition("<archived-html")
    word = re.findall(r"[\u4e00-\u9fff]{4,}", old)[-3]
    return str(harm.edit(harm.copy(), (before + mark + old.replace(word, "伪造文字", 1)).encode()))


def alter_one_word_and_the_index(harm: Harm) -> str:
    alter_one_word(harm)
    harm.reindex(harm.copy())
    return str(harm.copy())


def add_one_word_and_the_index(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "</archived-body>", "<p>添上的话</p></archived-body>")
    harm.reindex(path)
    return str(path)


def remove_the_stamp(harm: Harm) -> str:
    path = harm.copy()
    text = re.sub(r"<section data-archived=.*?</section>", "", path.read_text(encoding="utf-8"), count=1, flags=re.S)
    harm.edit(path, text.encode())
    harm.reindex(path)
    return str(path)


def move_the_stamp_down(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "<section data-archived", "<p></p><section data-archived")
    harm.reindex(path)
    return str(path)


def unmark_the_title(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "<title>【已歸檔】", "<title>")
    harm.reindex(path)
    return str(path)


def falsify_the_facts(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "&quot;target_uri&quot;: &quot;http://lyj", "&quot;target_uri&quot;: &quot;http://xyz")
    harm.reindex(path)
    return str(path)


def slip_in_a_script(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "</archived-body>", '<a onclick="x()"></a></archived-body>')
    harm.reindex(path)
    return str(path)


def slip_in_a_link_outside(harm: Harm) -> str:
    path = harm.copy()
    harm.replace(path, "</archived-body>", '<a href="//evil.example/"></a></archived-body>')
    harm.reindex(path)
    return str(path)


def swap_two_pictures(harm: Harm) -> str:
    pictures = sorted(harm.folder.glob("lyj.example.gov.cn/images/**/*.gif"))
    assert len(pictures) >= 2
    first, second = pictures[0].read_bytes(), pictures[1].read_bytes()
    assert first != second
    harm.edit(pictures[0], second)
    harm.edit(pictures[1], first)
    for path in pictures[:2]:
        harm.reindex(path)
    return str(pictures[0])


def break_a_seal(harm: Harm) -> str:
    path = min(harm.folder.rglob("*!sealed.png"))
    return str(harm.edit(path, path.read_bytes()[:-1] + b"x"))


def break_a_link(harm: Harm) -> str:
    path = harm.copy(HOST + "/lydt/")
    text = path.read_text(encoding="utf-8")
    link = re.findall(r'href="(20[^"]+\.html)"', text)[0]
    harm.replace(path, f'href="{link}"', 'href="200000/none.html"')
    harm.reindex(path)
    return str(path)


def remove_a_row(harm: Harm) -> str:
    path = harm.retired.store / "redirects.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(ARTICLE + ",")]
    assert len(kept) == len(lines) - 1
    harm.edit(path, "".join(kept).encode())
    return ARTICLE


def lead_a_row_elsewhere(harm: Harm) -> str:
    path = harm.retired.store / "redirects.csv"
    harm.edit(
        path, re.sub(f"({re.escape(ARTICLE)},[a-z]+),[^,]*", r"\1,https://evil.example/", path.read_text()).encode()
    )
    return ARTICLE


def lead_a_row_into_nothing(harm: Harm) -> str:
    path = harm.retired.store / "redirects.csv"
    harm.edit(
        path, re.sub(f"({re.escape(ARTICLE)},[a-z]+),[^,]*", rf"\1,{SITE_URL}none.html", path.read_text()).encode()
    )
    return ARTICLE


def remove_a_row_from_nginx(harm: Harm) -> str:
    path = harm.retired.store / "redirects.nginx"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return str(harm.edit(path, "".join(line for line in lines if "/lydt/200809/23.html?" not in line).encode()))


def delete_the_table(harm: Harm) -> str:
    return str(harm.delete(harm.retired.store / "redirects.csv"))


def delete_the_notice(harm: Harm) -> str:
    path = notices.find(harm.retired.content, harm.retired.decision)
    assert path is not None
    harm.delete(harm.retired.content / path)
    return str(harm.retired.content / "tzgg")


def take_the_notice_offline(harm: Harm) -> str:
    path = notices.find(harm.retired.content, harm.retired.decision)
    assert path is not None
    harm.delete(harm.retired.site / path.replace(".md", ".html"))
    return str(harm.retired.content / path)


def forget_a_column(harm: Harm) -> str:
    path = notices.find(harm.retired.content, harm.retired.decision)
    assert path is not None
    return str(harm.replace(harm.retired.content / path, "whlyj/bsfw/", "whlyj/"))


def delete_the_banner(harm: Harm) -> str:
    return str(harm.delete(harm.retired.store / "banner.html"))


def edit_the_manifest(harm: Harm) -> str:
    path = harm.retired.capture.manifest
    return str(harm.replace(path, '"finished": "2', '"finished": "1'))


def count_otherwise(harm: Harm) -> str:
    path = harm.retired.capture.manifest
    return str(harm.edit(path, re.sub(r'"captured": \d+', '"captured": 9', path.read_text(encoding="utf-8")).encode()))


def delete_the_publication(harm: Harm) -> str:
    return str(harm.delete(harm.retired.index_file))


def forget_a_page_in_the_index(harm: Harm) -> str:
    index = harm.retired.index
    index["pages"] = [one for one in index["pages"] if one["target_uri"] != ARTICLE]
    harm.edit(harm.retired.index_file, json.dumps(index, ensure_ascii=False).encode())
    return ARTICLE


def take_a_copy_out_of_the_release(harm: Harm) -> str:
    path = harm.retired.site / "archive/lyj" / harm.retired.capture.timestamp / harm.copy().relative_to(harm.folder)
    return str(harm.delete(path))


def slip_in_a_page(harm: Harm) -> str:
    path = harm.folder / "lyj.example.gov.cn" / "added.html"
    path.write_text("<p>added</p>", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (flip_a_warc_byte, {"warc-damaged", "verify-record-false", "verify-file-changed"}),
        (delete_the_warc, {"verify-file-missing", "verify-no-warc", "verify-record-false", "warc-missing"}),
        (delete_an_index_line, {"verify-index-missing", "verify-file-changed", "verify-merkle-false"}),
        (
            forget_a_url,
            {
                "verify-file-changed",
                "verify-orphan",
                "verify-record-unknown",
                "verify-index-false",
                "proof-manifest-changed",
            },
        ),
        (delete_a_copy, {"proof-copy-missing", "proof-link-broken"}),
        (alter_one_word, {"proof-copy-changed", "proof-text-differs"}),
        (alter_one_word_and_the_index, {"proof-text-differs"}),
        (add_one_word_and_the_index, {"proof-text-differs"}),
        (remove_the_stamp, {"proof-copy-unstamped"}),
        (move_the_stamp_down, {"proof-copy-unstamped"}),
        (unmark_the_title, {"proof-title-unmarked"}),
        (falsify_the_facts, {"proof-facts-false"}),
        (slip_in_a_script, {"proof-copy-active"}),
        (slip_in_a_link_outside, {"proof-copy-active"}),
        (swap_two_pictures, {"proof-original-differs"}),
        (break_a_seal, {"proof-copy-changed"}),
        (break_a_link, {"proof-link-broken"}),
        (remove_a_row, {"proof-unmapped", "proof-redirects-differ"}),
        (lead_a_row_elsewhere, {"proof-target-missing", "proof-redirects-differ", "proof-redirects-old"}),
        (lead_a_row_into_nothing, {"proof-target-missing", "proof-redirects-differ", "proof-redirects-old"}),
        (remove_a_row_from_nginx, {"proof-redirects-differ"}),
        (delete_the_table, {"redirects-unreadable"}),
        (delete_the_notice, {"proof-notice-missing"}),
        (take_the_notice_offline, {"proof-notice-missing"}),
        (forget_a_column, {"proof-notice-incomplete"}),
        (delete_the_banner, {"proof-banner-missing"}),
        (edit_the_manifest, {"proof-manifest-changed"}),
        (count_otherwise, {"proof-manifest-changed"}),
        (delete_the_publication, {"proof-index-missing"}),
        (forget_a_page_in_the_index, {"proof-copy-missing"}),
        (take_a_copy_out_of_the_release, {"proof-copy-missing"}),
        (slip_in_a_page, {"proof-copy-unknown"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_one_thing_that_is_not_as_it_was_is_named(kind: Callable[[Harm], str], codes: set[str], harm: Harm) -> None:
    """Done-when 1: the proof says what it is, at the URL or file, and nothing that is not so."""
    named = kind(harm)
    try:
        found = proven(harm.retired)
    finally:
        (harm.folder / "lyj.example.gov.cn" / "added.html").unlink(missing_ok=True)
    said = {problem.code for problem in found.problems}
    assert said >= codes
    follows = {"verify-index-false", "verify-record-unknown", "verify-index-missing", "proof-link-broken"}
    assert said - codes <= follows | {"proof-copy-missing"}
    assert any(named in {problem.path, problem.key} for problem in found.problems), (named, found.problems)


def test_coverage_falls_by_the_urls_that_are_not_proven(harm: Harm) -> None:
    remove_the_stamp(harm)
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
