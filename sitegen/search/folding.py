"""What two texts have in common when they are equal for a reader: width, case, 简/繁 and the spaces of typography.

`themes/gov/assets/search.js` folds in the same way, character by character, so that both find the same.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

VARIANTS_FILE = Path(__file__).with_name("variants.txt")
"""Two lines of equal length: characters, and what each of them is in Simplified Chinese (from OpenCC's t2s, the single
characters of the Unicode blocks 4E00–9FFF and 3400–4DBF)."""
MAX_QUERY = 100
"""Characters of a query; what is longer is cut."""
MAX_TERMS = 8
SPACE = "\\t-\\r \\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_NOTHING = {0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF}
_spaces = re.compile(f"[{SPACE}]+")
_beside_wide = re.compile("(?<=[\u2e80-\U0010ffff]) | (?=[\u2e80-\U0010ffff])")
_quoted = re.compile(r'"([^"]+)"')


@functools.cache
def variants() -> dict[str, str]:
    """Character → its Simplified form."""
    left, right = VARIANTS_FILE.read_text(encoding="utf-8").splitlines()
    return dict(zip(left, right, strict=True))


class _Table(dict[int, str]):
    def __missing__(self, code: int) -> str:
        known = variants()
        plain = "" if code in _NOTHING else unicodedata.normalize("NFKC", chr(code)).lower()
        self[code] = folded = "".join([known.get(character, character) for character in plain])
        return folded


_table = _Table()


def fold(text: str) -> str:
    """Text as it is indexed and asked for: NFKC, lower case and Simplified for each character; no space beside a wide
    character, one space elsewhere. Folding twice changes nothing more."""
    return _beside_wide.sub("", _spaces.sub(" ", text.translate(_table))).strip()


def terms(query: str) -> tuple[str, ...]:
    """What a query asks for, folded: all of them must occur. Words between spaces, or what stands in "…" as one.

    A single character is joined to the word after it (the last one to the word before): below two characters nothing
    is found by an index of pairs. Empty: there is nothing to look for.
    """
    words: list[str] = []
    place = 0
    query = query[:MAX_QUERY].replace("＂", '"')
    for match in _quoted.finditer(query):
        words += [*_spaces.split(query[place : match.start()]), match[1]]
        place = match.end()
    words += _spaces.split(query[place:])
    joined: list[str] = []
    for word in (word for word in words if fold(word)):
        if joined and units(fold(joined[-1])) < 2:
            joined[-1] = f"{joined[-1]} {word}"
        else:
            joined.append(word)
    if len(joined) > 1 and units(fold(joined[-1])) < 2:
        joined[-2:] = [f"{joined[-2]} {joined[-1]}"]
    found = dict.fromkeys(fold(word) for word in joined[:MAX_TERMS])
    return tuple(word for word in found if units(word) > 1)


def phrase(query: str) -> str:
    """The whole query as one, folded: pages that hold it so come before those that hold its words apart."""
    return fold(query[:MAX_QUERY].replace("＂", '"').replace('"', " "))


def units(text: str) -> int:
    """Length in UTF-16 code units, as a browser counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def placed(text: str, until: int) -> tuple[str, list[int]]:
    """The first `until` characters (or more) of the folded text, and where in the text each of them stood."""
    out: list[str] = []
    at: list[int] = []
    gap = False
    for place, character in enumerate(text):
        for one in _table[ord(character)]:
            if _spaces.fullmatch(one):
                gap = True
                continue
            if gap and out and out[-1] < "\u2e80" and one < "\u2e80":
                out.append(" ")
                at.append(place - 1)
            gap = False
            out.append(one)
            at.append(place)
        if len(out) >= until:
            break
    return "".join(out), at
