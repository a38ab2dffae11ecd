"""Many texts folded at once, as the UTF-16 code units that a browser sees: what `folding.fold` gives, by table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sitegen.search import folding

Units = np.ndarray[Any, np.dtype[np.uint16]]
_UNKNOWN, _ONE, _SPACE, _OTHER = range(4)
"""What a code unit becomes: one unit, a space, or something that only `folding.fold` knows."""
_WIDE = 0x2E80
_HALVES = (0xD800, 0xE000)


class _Table:
    """Code unit → its folded unit, and what it becomes; learned as units are met."""

    def __init__(self) -> None:
        self.units = np.arange(1 << 16, dtype=np.uint16)
        self.kinds = np.full(1 << 16, _UNKNOWN, np.uint8)
        self.kinds[0] = _ONE
        self.kinds[slice(*_HALVES)] = _OTHER

    def look(self, units: Units) -> np.ndarray[Any, np.dtype[np.uint8]]:
        kinds = self.kinds[units]
        if not kinds.all():
            for code in np.flatnonzero(np.bincount(units[kinds == _UNKNOWN])).tolist():
                self._learn(code)
            kinds = self.kinds[units]
        return kinds

    def _learn(self, code: int) -> None:
        folded = folding.fold(f"a{chr(code)}a")[1:-1]  # between letters a space stays one
        if folded == " ":
            self.kinds[code], self.units[code] = _SPACE, ord(" ")
        elif len(folded) == 1 and 0 < ord(folded) < 1 << 16:
            self.kinds[code], self.units[code] = _ONE, ord(folded)
        else:
            self.kinds[code] = _OTHER


_table = _Table()


def folded(texts: Sequence[str]) -> Units:
    """The folded texts with a zero between two of them (a zero within one counts as U+FFFD, as a browser shows it)."""
    texts = [text.replace("\0", "\ufffd") for text in texts]
    units = _encoded(texts)
    kinds = _table.look(units)
    if (kinds == _OTHER).any():
        ends = np.flatnonzero(units == 0)
        strange = set(np.searchsorted(ends, np.flatnonzero(kinds == _OTHER)).tolist())
        units = _encoded([folding.fold(text) if n in strange else text for n, text in enumerate(texts)])
        kinds = _table.look(units)  # what is folded already is left as it is by the table
    return _without_spaces(_table.units[units], kinds == _SPACE)


def _encoded(texts: Sequence[str]) -> Units:
    return np.frombuffer("\0".join(texts).encode("utf-16-le", "surrogatepass"), np.uint16)


def _without_spaces(units: Units, spaces: np.ndarray[Any, np.dtype[np.bool_]]) -> Units:
    """One space for a run of them, none beside a wide character or at the end of a text."""
    if not spaces.any():
        return units
    keep = ~spaces
    keep[1:] |= ~spaces[:-1]
    keep[0] = True
    units = units[keep]
    bound = (units == 0) | (units >= _WIDE)
    beside = np.ones(len(units), np.bool_)
    beside[1:] = bound[:-1]
    beside[:-1] |= bound[1:]
    beside[-1] = True
    kept: Units = units[~(beside & (units == ord(" ")))]
    return kept
