"""规范汉字 (第十九条(三)1; 国家通用语言文字法 第十七条): Traditional characters, and a unit's own list of slips.

A character is Traditional when OpenCC writes it otherwise in Simplified script and GB 2312 does not hold it: 乾, 著, 藉,
徵 are standard too, and stay. Surnames, inscriptions and titles of old books are exempt by law; which ones they are a
project says in `_records/writing.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sitegen.errors import Problem
from sitegen.text import _

FILE = "_records/writing.yml"
_ALSO = frozenset("後")
"""In GB 2312, and in no Simplified text."""
_BEYOND_ASCII = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
STAMP = ("已歸檔",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """`line` counts from 1; `found` stands there, `better` is what to write; empty: read it again."""

    line: int
    found: str
    better: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """`exempt`: words in which any character may stand; `slips`: what is wrong → what to write."""

    exempt: tuple[str, ...] = ()
    slips: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def find(text: str, lexicon: Lexicon) -> list[Slip]:
    """In order. A run of Traditional characters is one slip, told with what stands around it in the run."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii():
            continue
        for word in (*lexicon.exempt, *STAMP):
            line = line.replace(word, " " * len(word))
        found += [Slip(line=number, found=run, better=_converter().convert(run)) for run in _traditional(line)]
        found += [
            Slip(line=number, found=wrong, better=right) for wrong, right in lexicon.slips.items() if wrong in line
        ]
    return found


def _traditional(line: str) -> list[str]:
    """Each word-like run around Traditional characters: 諮詢, not 諮 and 詢."""
    return [run for match in _BEYOND_ASCII.finditer(line) for run in _runs(match[0])]


def _runs(text: str) -> list[str]:
    runs, current = [], ""
    for sign in text:
        if _is_traditional(sign):
            current += sign
        elif current:
            runs.append(current)
            current = ""
    return [*runs, current] if current else runs


@cache
def _is_traditional(sign: str) -> bool:
    if sign in _ALSO:
        return True
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        return bool(_converter().convert(sign) != sign)
    return False


@cache
def _converter() -> Any:
    import opencc  # its tables take 20 ms, which a text in plain Simplified script never needs

    return opencc.OpenCC("t2s")


def load(content: Path) -> Lexicon:
    """`exempt: [於氏宗祠]`, `slips: {按装: 安装}`. What cannot be read is a Problem and is left out."""

    def unreadable(message: str) -> Lexicon:
        problem = Problem(
            path=f"content/{FILE}",
            code="writing-unreadable",
            message=message,
            remedy=_("write: {line}").format(line="exempt: [於氏宗祠]  slips: {按装: 安装}"),
        )
        return Lexicon(problems=(problem,))

    try:
        raw = yaml.load((content / FILE).read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return Lexicon()
    except (OSError, ValueError, yaml.YAMLError) as error:
        return unreadable(str(error).splitlines()[0])
    exempt = raw.get("exempt") or [] if isinstance(raw, dict) else None
    slips = raw.get("slips") or {} if isinstance(raw, dict) else None
    if not isinstance(exempt, list) or not isinstance(slips, dict):
        return unreadable(_("the file holds neither `exempt` nor `slips` in their form"))
    return Lexicon(
        exempt=tuple(word for entry in exempt if (word := str(entry))),
        slips={str(wrong): str(right or "") for wrong, right in slips.items() if wrong},
    )
