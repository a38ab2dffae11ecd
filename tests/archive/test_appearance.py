"""How the seal looks is decided in the decision file; what would make it illegible is refused, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.appearance import Look
from tests.archive.test_decision import load, refused

BASE = "site: lyj\nhosts: [a.cn]\n"


def test_text_place_size_and_opacity_are_read_and_each_may_be_left_out(tmp_path: Path) -> None:
    whole = load(tmp_path, BASE + "seal: {text: 历史图片, place: bottom-left, size: 30, opacity: 70}\n")
    assert whole.seal == Look(text="历史图片", place="bottom-left", size=30, opacity=70)


@pytest.mark.parametrize("seal", ["", "seal:\n", "seal: {}\n", "seal: {place: top-right}\n"])
def test_without_a_word_the_seal_is_the_usual_one(tmp_path: Path, seal: str) -> None:
    assert load(tmp_path, BASE + seal).seal == Look(text="", place="top-right", size=22, opacity=100)


@pytest.mark.parametrize(
    ("seal", "key"),
    [
        ("seal: small\n", "seal"),
        ("seal: {colour: blue}\n", "seal"),
        ("seal:\n  place: middle\n", "seal.place"),
        ("seal:\n  size: 5\n", "seal.size"),
        ("seal:\n  size: 61\n", "seal.size"),
        ("seal:\n  size: true\n", "seal.size"),
        ("seal:\n  opacity: 39\n", "seal.opacity"),
        ("seal:\n  opacity: half\n", "seal.opacity"),
    ],
)
def test_a_seal_that_nobody_could_read_is_refused(tmp_path: Path, seal: str, key: str) -> None:
    assert refused(tmp_path, BASE + seal) == [("decision-value-invalid", 2 + seal.count("\n"), key)]
