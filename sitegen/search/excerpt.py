"""Where in a text that what was asked for stands, and the words around it."""

from __future__ import annotations

from collections.abc import Iterable

from sitegen.search.folding import fold, placed

BEFORE, LENGTH = 24, 96
Pieces = list[tuple[str, bool]]
"""Text, and whether it is what was asked for."""


def marked(text: str, terms: Iterable[str]) -> Pieces:
    folded, at = placed(text, len(text))
    return pieces(text, _spans(folded, at, terms))


def around(text: str, terms: tuple[str, ...], phrase: str) -> Pieces:
    """About a hundred characters from shortly before the phrase, else before the first term that stands there."""
    folded = fold(text)
    found = [folded.find(term) for term in terms]
    first = folded.find(phrase) if len(terms) > 1 else -1
    if first < 0:
        first = min((place for place in found if place >= 0), default=0)
    near, at = placed(text, first + LENGTH + max(map(len, terms)))
    start = at[first] if first < len(at) else 0
    begin = max(0, start - BEFORE)
    end = min(len(text), begin + LENGTH)
    spans = [(a - begin, b - begin) for a, b in _spans(near, at, terms) if a >= begin and b <= end]
    shown = pieces(text[begin:end], spans)
    return [*([("…", False)] if begin else []), *shown, *([("…", False)] if end < len(text) else [])]


def _spans(folded: str, at: list[int], terms: Iterable[str]) -> list[tuple[int, int]]:
    """Where the terms stand in the text; rising, without overlap."""
    found: list[tuple[int, int]] = []
    for term in terms:
        place = folded.find(term)
        while place >= 0 and place + len(term) <= len(at):
            found.append((at[place], at[place + len(term) - 1] + 1))
            place = folded.find(term, place + 1)
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def pieces(text: str, spans: Iterable[tuple[int, int]]) -> Pieces:
    found: Pieces = []
    place = 0
    for start, end in spans:
        found += [(text[place:start], False), (text[start:end], True)]
        place = end
    return [piece for piece in [*found, (text[place:], False)] if piece[0]]
