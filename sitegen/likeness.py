"""Whether two texts are the same in other clothes: four-character pieces, as numbers."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

SHORTEST_TEXT = 60
SURE = 0.85
"""From here on two texts are one."""
_SHINGLE = 4
_LOWEST = 16
"""So many of a text's lowest numbers are compared before the whole of it is."""


def normal(text: str) -> str:
    """Full and half width alike, without blanks and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def pieces_of(words: str) -> NDArray[np.uint64] | None:
    """A number below 2**32 for each four-character piece, sorted, each once; None for a text too short to say anything."""
    text = normal(words)
    if len(text) < SHORTEST_TEXT:
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    pieces = np.zeros(len(codes) - _SHINGLE + 1, dtype=np.uint64)
    for place in range(_SHINGLE):
        pieces = (pieces * np.uint64(1_000_003) + codes[place : place + len(pieces)]) & np.uint64(0xFFFF_FFFF_FFFF)
    return np.unique((pieces ^ (pieces >> np.uint64(17))) & np.uint64(0xFFFF_FFFF))


def likeness(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """The share of common pieces (Jaccard), from 0 to 1."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def anchors(pieces: NDArray[np.uint64]) -> list[int]:
    """The lowest pieces: two texts of which 85 % agree share one of them with all but certainty."""
    return [int(piece) for piece in pieces[:_LOWEST]]
