"""The tables of the search: folding in bulk, and bytes that follow from the documents alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitegen.search import folding, segment, shards, tables, units
from sitegen.search.tables import Batch, Sheet, Shown
from sitegen.search.texts import Entry, Text, Texts
from tests.cities import TinyCity

_STRANGE = "ab ＡＢ　中國\u00a0\u200bﬁ½𝐀😀Ⅷ\x1c\t㈱\ud800é，。龘𠀀\ufeffİ"
_CHARACTERS = st.one_of(st.sampled_from(_STRANGE), st.characters(exclude_characters="\0"))
_TEXT = st.text(_CHARACTERS, max_size=20)
_DOCUMENT = st.builds(segment.Document, title=_TEXT, number=_TEXT, body=st.text(_CHARACTERS, max_size=60))


@given(st.lists(_TEXT, min_size=1, max_size=6))
def test_many_texts_are_folded_as_each_is(texts: list[str]) -> None:
    expected = "\0".join(folding.fold(text) for text in texts).encode("utf-16-le", "surrogatepass")
    assert units.folded(texts).tobytes() == expected


def test_every_character_is_folded_as_it_is_alone_between_letters_and_beside_wide_ones() -> None:
    for plane in range(3):
        texts = [
            f"{before}{chr(code)}{after}"
            for code in range(max(1, plane << 16), plane + 1 << 16)
            for before, after in (("", ""), ("a", "a"), ("中", "a"))
        ]
        expected = "\0".join(folding.fold(text) for text in texts).encode("utf-16-le", "surrogatepass")
        assert units.folded(texts).tobytes() == expected


def test_a_zero_in_a_text_ends_no_document() -> None:
    assert units.folded(["a\0b", "c"]).tobytes() == "a\ufffdb\0c".encode("utf-16-le")


@given(st.lists(_DOCUMENT, max_size=12), st.integers(1, 200), st.sampled_from([4, 30, 500]))
def test_the_bytes_follow_from_the_documents_alone(documents: list[segment.Document], chunk: int, size: int) -> None:
    """Neither how many are looked at together nor in how many parts lists are made changes a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "HEAVY", 2)
        patch.setattr(segment, "FEW", 1)
        patch.setattr(segment, "PLACES", (1, 3))
        whole = dict(segment.index_files(documents, 3))
        patch.setattr(segment, "CHUNK", chunk)
        patch.setattr(segment, "RANGE", size)
        assert dict(segment.index_files(documents, 3)) == whole


def test_what_stands_beside_a_base_is_ten_files_however_long_its_texts_are() -> None:
    """With f.bin and index.json."""
    documents = [segment.Document(title="公开", body="公开" * 100)] * shards.CHANGED
    files = [*segment.index_files(documents, shards.CHANGED_BITS), *segment.facts_files([("公开",)] * shards.CHANGED)]
    assert len(files) + 2 == 10


def test_numbers_are_packed_and_can_be_read_again() -> None:
    values = [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28, 2**32 - 1]
    data, lengths = segment.varints(np.array(values, np.uint64))
    assert lengths.tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 5, 5]
    read, value, shift = [], 0, 0
    for byte in data.tolist():
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            read.append(value)
            value = shift = 0
    assert read == values


# --- in processes ----------------------------------------------------------------------------------------------------


def write_notices(city: TinyCity, count: int) -> None:
    for number in range(1, count + 1):
        city.article(f"xwdt/202611/t20261120_{number}.md", f"通知{number}", f"第{number}号停车场。" * 40)


def test_three_processes_make_the_files_that_one_makes(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_notices(city, 29)
    other = city.copy_sources(tmp_path / "other")
    city.build(jobs=1)
    monkeypatch.setattr(tables, "BATCH", 4)
    monkeypatch.setattr(segment, "RANGE", 2000)
    monkeypatch.setattr(segment, "SHARD", 200)
    several = city.copy_sources(tmp_path / "several")
    several.build(jobs=3)
    monkeypatch.undo()
    monkeypatch.setattr(segment, "SHARD", 200)
    other.build(jobs=1)
    shards = [file for file in other.released() if file.startswith("search/a-") and "/s/" in file]
    assert len(shards) > 16
    assert several.released() == other.released()
    assert several.released() != city.released()
    assert not list(several.project.releases.glob("*.open"))


def read_from_the_release(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files whose text is read from the release from now on."""
    read: list[str] = []
    article = Texts._article

    def noted(self: Texts, entry: Entry, *rest: Any) -> Any:
        read.append(entry.file)
        return article(self, entry, *rest)

    monkeypatch.setattr(Texts, "_article", noted)
    return read


@pytest.mark.parametrize("harm", ["none", "other bytes", "retired"])
def test_a_first_build_reads_no_page_again_but_those_that_are_other_than_they_were_laid_down(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, harm: str
) -> None:
    write_notices(city, 10)
    other = city.copy_sources(tmp_path / "other")
    other.build(jobs=1)
    monkeypatch.setattr(tables, "BATCH", 10)
    put = tables.Basket.put

    def harmed(self: tables.Basket, source: str, digest: str, text: Text) -> None:
        if harm == "other bytes":
            digest = "another"
        elif harm == "retired":
            source = f"{source} that the city does not show"
        put(self, source, digest, text)

    monkeypatch.setattr(tables.Basket, "put", harmed)
    read = read_from_the_release(monkeypatch)
    city.build(jobs=1)
    assert len(read) == (0 if harm == "none" else 10)
    assert city.released() == other.released()
    assert not list(city.project.releases.glob("*.open"))


def test_fewer_pages_than_a_batch_are_read_from_the_release(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article("xwdt/202611/t20261120_1.md", "通知", "停车场。")
    read = read_from_the_release(monkeypatch)
    city.build(jobs=1)
    assert read == ["xwdt/202611/t20261120_1.html"]
    assert not list(city.project.releases.glob("*.open"))


def test_what_a_killed_build_laid_down_goes_with_the_next_one(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", "通知", "停车场。")
    city.build()
    left = city.project.releases / "keys.open" / "0-0"
    left.parent.mkdir()
    left.write_bytes(b"keys")
    index = (city.content / "index.md").read_text(encoding="utf-8")
    city.put("index.md", index.replace("0000-1234567", "0000-7654321"))  # no text: no tables are made
    city.build()
    assert not left.parent.exists()


def test_a_text_that_ends_every_process_which_reads_it_keeps_its_number() -> None:
    entries = [(Entry(path=f"{number}.md", digest="", stamp=0), None) for number in range(3)]
    batch = Batch(first=8, entries=entries, spool=Path("x"))
    parts = tables._halves(batch)
    assert [(part.first, len(part.entries)) for part in parts] == [(8, 1), (9, 2)]
    assert tables._halves(parts[0]) == []
    assert tables._unread(parts[1]) == Sheet(shown=[Shown(), Shown()], laid=[])
