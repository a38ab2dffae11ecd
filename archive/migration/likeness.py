"""Which archived page and which present article are the same matter: by migration, 文号, title, or the words themselves.

The archived pages are held in memory (some 6 kB each: 64 permutations of 8 bytes, and the buckets), the present articles
pass by once: 5,000 pages against 100,000 articles stay below 100 MB, and no pair is compared that shares nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from datasketch import MinHash, MinHashLSH

from sitegen.likeness import normal, pieces_of

How = Literal["decided", "migration", "doc-number", "title-and-day", "title", "text"]
RELATED = 0.6
"""From here on two texts are related."""
_SCORES: Mapping[How, float] = {
    "decided": 1.0,
    "migration": 1.0,
    "doc-number": 0.95,
    "title-and-day": 0.9,
    "title": 0.7,
}
_PERMUTATIONS = 64
_BANDS = (16, 4)
"""16 bands of 4: a pair whose words agree by 60 % is met with 89 %, by 85 % with all but certainty."""
_FIRST = MinHash(num_perm=_PERMUTATIONS)
_SHORTEST_TITLE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One page or article: `name` is its target URI, or its path under content/; `words` its text without markup;
    `migrated_from` is set for a present article that came from an archived page."""

    name: str
    title: str
    words: str
    day: date | None = None
    doc_number: str = ""
    migrated_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """`score` is between 0 and 1; for `text` it is the estimated share of common four-character pieces (Jaccard)."""

    archived: str
    current: str
    how: How
    score: float


@dataclass(slots=True)
class Matcher:
    """Archived pages, asked which of them a present article is like."""

    by_name: dict[str, Text] = field(default_factory=dict)
    _by_number: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _by_title: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _sketches: dict[str, MinHash] = field(default_factory=dict)
    _near: MinHashLSH = field(default_factory=lambda: MinHashLSH(num_perm=_PERMUTATIONS, params=_BANDS))

    def add(self, text: Text) -> None:
        if text.name in self.by_name:
            return
        self.by_name[text.name] = text
        if text.doc_number:
            self._by_number[normal(text.doc_number)].append(text.name)
        if len(title := normal(text.title)) >= _SHORTEST_TITLE:
            self._by_title[title].append(text.name)
        if (sketch := sketch_of(text.words)) is not None:
            self._sketches[text.name] = sketch
            self._near.insert(text.name, sketch)

    def like(self, current: Text) -> list[Likeness]:
        """The best reason for each archived page that is like this article."""
        best: dict[str, Likeness] = {}
        for name, how, score in self._candidates(current):
            if name not in best or score > best[name].score:
                best[name] = Likeness(archived=name, current=current.name, how=how, score=round(score, 2))
        return list(best.values())

    def _candidates(self, current: Text) -> Iterator[tuple[str, How, float]]:
        if current.migrated_from in self.by_name:
            yield current.migrated_from, "migration", _SCORES["migration"]
        if current.doc_number:
            for name in self._by_number.get(normal(current.doc_number), ()):
                yield name, "doc-number", _SCORES["doc-number"]
        for name in self._by_title.get(normal(current.title), ()):
            same_day = current.day is not None and self.by_name[name].day == current.day
            how: How = "title-and-day" if same_day else "title"
            yield name, how, _SCORES[how]
        sketch = sketch_of(current.words)
        for name in self._near.query(sketch) if sketch is not None else ():
            score = float(self._sketches[name].jaccard(sketch))
            if score >= RELATED:
                yield name, "text", score


def find(archived: Iterable[Text], current: Iterable[Text], *, best: int = 3) -> dict[str, tuple[Likeness, ...]]:
    """Archived page → what it is like, the likest first, at most `best`; pages like nothing are left out."""
    matcher = Matcher()
    for text in archived:
        matcher.add(text)
    found: dict[str, list[Likeness]] = defaultdict(list)
    for text in current:
        for likeness in matcher.like(text):
            found[likeness.archived].append(likeness)
    return {
        name: tuple(sorted(likes, key=lambda one: (-one.score, one.current))[:best])
        for name, likes in sorted(found.items())
    }


def sketch_of(words: str) -> MinHash | None:
    """None for a text too short to say anything."""
    pieces = pieces_of(words)
    if pieces is None:
        return None
    sketch = MinHash(num_perm=_PERMUTATIONS, hashfunc=int, permutations=_FIRST.permutations, scheme=_FIRST.scheme)
    sketch.update_batch(pieces.tolist())
    return sketch
