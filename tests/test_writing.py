"""规范汉字: Traditional characters are told with what to write; characters that are standard too are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sitegen.rules import writing
from sitegen.rules.writing import Lexicon, Slip
from tests.cities import ROOT, SHARED, TinyCity
from tests.test_cli import run


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("請到窗口諮詢。", [("請", "请"), ("諮詢", "咨询")]),
        ("今後三年", [("後", "后")]),
        ("乾隆年间编著，凭藉，明瞭，角徵羽，堃、喆、镕", []),
        ("已歸檔的网页", []),
        ("ARCHIVE 2026", []),
        ("一切为了人民", []),
        ("綫上辦理", [("綫", "线"), ("辦", "办")]),
    ],
)
def test_a_traditional_character_is_told_with_the_simplified_one(text: str, found: list[tuple[str, str]]) -> None:
    assert [(slip.found, slip.better) for slip in writing.find(text, Lexicon())] == found


def test_the_line_is_told() -> None:
    assert writing.find("甲\n\n歸来", Lexicon()) == [Slip(line=3, found="歸", better="归")]


def test_what_the_law_exempts_a_project_names() -> None:
    """国家通用语言文字法 第十七条: surnames, inscriptions, old books."""
    lexicon = Lexicon(exempt=("於氏宗祠", "《說文解字》"))
    assert writing.find("於氏宗祠藏《說文解字》", lexicon) == []
    assert [slip.found for slip in writing.find("《說文解字》，說", lexicon)] == ["說"]


def test_a_units_own_slips_are_told() -> None:
    lexicon = Lexicon(slips={"按装": "安装", "零晨": ""})
    assert writing.find("按装电梯\n零晨", lexicon) == [
        Slip(line=1, found="按装", better="安装"),
        Slip(line=2, found="零晨", better=""),
    ]


def test_the_laws_and_the_sample_are_in_simplified_script() -> None:
    """One character of 300 laws is told, and it is a slip of its source: 广大人民群諮的事 for 群众."""
    laws = [path for path in sorted((SHARED / "real/regulations").rglob("*.md")) if path.is_file()]
    lexicon = writing.load(ROOT / "content")
    told = {
        (path.name, slip.found)
        for path in [*laws, *sorted((ROOT / "content").rglob("*.md"))]
        for slip in writing.find(path.read_text(encoding="utf-8"), lexicon)
    }
    assert told == ({("r087.md", "諮")} if laws else set())


def test_a_lexicon_is_read(tmp_path: Path) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / "_records/writing.yml").write_text("exempt: [於氏]\nslips: {按装: 安装}\n", encoding="utf-8")
    lexicon = writing.load(tmp_path)
    assert lexicon.exempt == ("於氏",)
    assert {wrong: right for wrong, right in lexicon.slips.items() if wrong not in writing.typos()} == {"按装": "安装"}


@pytest.mark.parametrize("text", ["- 1\n", "exempt: 於\n", "slips: [a]\n", "a: [\n"])
def test_a_lexicon_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / "_records/writing.yml").write_text(text, encoding="utf-8")
    assert [problem.code for problem in writing.load(tmp_path).problems] == ["writing-unreadable"]


def test_check_tells_the_character_and_what_to_write(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", "諮詢", "请諮詢。\n", sign=False)
    city.article("xwdt/202611/t20261120_2.md", "英文", "諮詢\n", extra="lang: zh-Hant\n", sign=False)
    said = json.loads(run(city, "check", "--json").stdout)["problems"]
    told = [one for one in said if one["code"] == "character-traditional"]
    assert {one["path"] for one in told} == {"content/xwdt/202611/t20261120_1.md"}
    assert len(told) == 2
    assert all("咨询" in one["remedy"] and one["severity"] == "warning" for one in told)
    (city.content / "_records/writing.yml").write_text("slips: {英文: 外文}\n", encoding="utf-8")
    said = json.loads(run(city, "check", "--json").stdout)["problems"]
    assert [one["path"] for one in said if one["code"] == "word-wrong"] == ["content/xwdt/202611/t20261120_2.md"]
