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
_TYPOS = Path(__file__).with_name("typos.yml")
_ALSO = frozenset("後")
"""In GB 2312, and in no Simplified text."""
_BEYOND_ASCII = "".join(map(chr, (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))))
_EXEMPT = re.compile(r"<span [^<>]{0,100}data-hanzi-exempt=[^<>]{1,100}>[^<>]{0,200}</span>")
"""第十七条: surnames, inscriptions, calligraphy, teaching; the value says which."""
STAMP = ("已歸檔",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """`line` counts from 1; `found` stands there, `better` is what to write; empty: read it again."""

    line: int
    found: str
    better: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """`exempt`: words in which any character may stand; `slips`: what is wrong → what to write; `spam`: words of
    advertising beyond those of `hidden.words`."""

    exempt: tuple[str, ...] = ()
    slips: Mapping[str, str] = field(default_factory=dict)
    spam: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def find(text: str, lexicon: Lexicon) -> list[Slip]:
    """In order. A run of Traditional characters is one slip, told with what stands around it in the run."""
    wrongs = sorted(set(_any_of(tuple(lexicon.slips)).findall(text))) if lexicon.slips else []
    if not wrongs and not _traditional().search(text):
        return []
    if "data-hanzi-exempt" in text:
        text = _EXEMPT.sub("", text)
    traditional, found = _traditional(), []
    for number, line in enumerate(text.split("\n"), 1):
        if traditional.search(line):
            for word in (*lexicon.exempt, *STAMP):
                line = line.replace(word, " " * len(word))
            found += [
                Slip(line=number, found=run, better=_converter().convert(run)) for run in traditional.findall(line)
            ]
        found += [Slip(line=number, found=wrong, better=lexicon.slips[wrong]) for wrong in wrongs if wrong in line]
    return found


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Longer words first; one pass over the text, not one for each word."""
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word))))


@cache
def _traditional() -> re.Pattern[str]:
    """Each word-like run of Traditional characters: 諮詢, not 諮 and 詢. One expression: a text without any, which
    nearly all are, takes a few microseconds."""
    converted = _converter().convert("\n".join(_BEYOND_ASCII)).split("\n")
    other = [sign for sign, better in zip(_BEYOND_ASCII, converted, strict=True) if sign != better]
    return re.compile(f"[{''.join(sign for sign in other if _is_traditional(sign))}{''.join(_ALSO)}]+")


def _is_traditional(sign: str) -> bool:
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
    """`exempt: [於氏宗祠]`, `slips: {按装: 安装}`, `spam: [...]`; the commonest slips are known without a file (one that
    is no slip here is written `slips: {词: 词}`). What cannot be read is a Problem and is left out."""

    def unreadable(message: str) -> Lexicon:
        problem = Problem(
            path=f"content/{FILE}",
            code="writing-unreadable",
            message=message,
            remedy=_("write: {line}").format(line="exempt: [於氏宗祠]  slips: {按装: 安装}"),
        )
        return Lexicon(slips=typos(), problems=(problem,))

    try:
        raw = yaml.load((content / FILE).read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return Lexicon(slips=typos())
    except (OSError, ValueError, yaml.YAMLError) as error:
        return unreadable(str(error).splitlines()[0])
    exempt = raw.get("exempt") or [] if isinstance(raw, dict) else None
    slips = raw.get("slips") or {} if isinstance(raw, dict) else None
    spam = raw.get("spam") or [] if isinstance(raw, dict) else None
    if not isinstance(exempt, list) or not isinstance(slips, dict) or not isinstance(spam, list):
        return unreadable(_("the file holds neither `exempt` nor `slips` in their form"))
    return Lexicon(
        exempt=tuple(word for entry in exempt if (word := str(entry))),
        slips={
            wrong: right
            for wrong, right in {**typos(), **{str(a): str(b or "") for a, b in slips.items() if a}}.items()
            if wrong != right
        },
        spam=tuple(word for entry in spam if (word := str(entry))),
    )


@cache
def typos() -> Mapping[str, str]:
    """The commonest slips: idioms and words that are wrong wherever they stand."""
    raw: dict[str, str] = yaml.load(_TYPOS.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return raw
