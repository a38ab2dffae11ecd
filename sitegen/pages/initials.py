"""The letter under which a Chinese title is found: that of its first character's sound."""

from __future__ import annotations

import bisect
import re

OTHERS = "#"
# GB/T 2312 lists its 3,755 common characters by their sound: where each letter begins. Later ones are listed by radical.
_BEGINS = (
    (0xB0A1, "A"), (0xB0C5, "B"), (0xB2C1, "C"), (0xB4EE, "D"), (0xB6EA, "E"), (0xB7A2, "F"), (0xB8C1, "G"), (0xB9FE, "H"),
    (0xBBF7, "J"), (0xBFA6, "K"), (0xC0AC, "L"), (0xC2E8, "M"), (0xC4C3, "N"), (0xC5B6, "O"), (0xC5BE, "P"), (0xC6DA, "Q"),
    (0xC8BB, "R"), (0xC8F6, "S"), (0xCBFA, "T"), (0xCDDA, "W"), (0xCEF4, "X"), (0xD1B9, "Y"), (0xD4D1, "Z"), (0xD7FA, OTHERS),
)  # fmt: skip
_CODES = [code for code, _letter in _BEGINS]


def of_word(word: str) -> str:
    """`公告` → `gg`: a name for an address; what has no letter is `x`."""
    return "".join(initial(sign) if initial(sign) != OTHERS else "x" for sign in word).lower()


def initial(title: str) -> str:
    """A–Z; `#` for digits, other scripts, and characters that the list of common ones has not."""
    first = re.sub(r"^[\W_]+", "", title)[:1].upper()
    if "A" <= first <= "Z":
        return first
    try:
        code = int.from_bytes(first.encode("gb2312"))
    except UnicodeEncodeError:
        return OTHERS
    return _BEGINS[place - 1][1] if (place := bisect.bisect_right(_CODES, code)) else OTHERS
