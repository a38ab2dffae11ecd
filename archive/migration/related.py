"""第十五条: archived and present information related both ways, by a person's decision first, else by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive import charset, successor
from archive.crawling.frontier import Frontier
from archive.decision import Decision
from archive.migration import article, current, elements, likeness
from archive.migration.body import words
from archive.migration.likeness import Likeness, Text
from archive.publishing import copies, oldpage
from archive.store import Capture
from archive.text import _
from archive.warcs import recall
from sitegen import model
from sitegen.errors import Problem, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """One archived page and one present article; `source` is its path under content/, `live` says that readers of the
    release can open it, `how` and `score` are those of likeness."""

    target_uri: str
    source: str
    title: str
    how: likeness.How
    score: float
    live: bool

    @property
    def url(self) -> str:
        return model.url_of(self.source)

    def as_json(self) -> dict[str, object]:
        return {
            "target_uri": self.target_uri,
            "source": self.source,
            "url": self.url,
            "title": self.title,
            "how": self.how,
            "score": self.score,
            "live": self.live,
        }


def relations(
    capture: Capture, decision: Decision, *, content: Path, build: Path
) -> tuple[list[Related], list[Problem]]:
    """Every relation of the capture's articles, by target URI, the likest first.

    Time is linear in both sides (docs/performance.md), memory in the archived one: the present articles pass by once.
    """
    problems: list[Problem] = []
    titles: dict[str, str] = {}
    found = likeness.find(archived_texts(capture, problems), _noting(titles, current.texts(content)))
    related = decided(decision, found)
    for uri, likes in related.items():
        problems += [_unknown(decision, uri, like.current) for like in likes if like.current not in titles]
    rows = [
        Related(
            target_uri=uri,
            source=like.current,
            title=titles[like.current],
            how=like.how,
            score=like.score,
            live=successor.is_live(build, model.url_of(like.current)),
        )
        for uri, likes in sorted(related.items())
        for like in likes
        if like.current in titles
    ]
    return rows, problems


def decided(decision: Decision, found: Mapping[str, tuple[Likeness, ...]]) -> dict[str, tuple[Likeness, ...]]:
    """What a person said about a page takes the place of whatever was found for it, and stays through every run."""
    said = {
        uri: tuple(Likeness(archived=uri, current=path, how="decided", score=1.0) for path in paths)
        for uri, paths in decision.related.items()
    }
    return {uri: likes for uri, likes in {**found, **said}.items() if likes}


def archived_texts(capture: Capture, problems: list[Problem]) -> Iterator[Text]:
    """The articles of a capture, of pages with the same bytes the first."""
    with Frontier(capture.frontier, read_only=True) as frontier:
        rows = [row for row in frontier.rows("captured") if row.warc is not None and copies.kind_of(row) == "page"]
    seen: set[str] = set()
    for row in sorted(rows, key=lambda row: (row.url.lower(), row.url.lower() != row.url, row.url)):
        if row.payload_digest in seen:
            continue
        seen.add(row.payload_digest or row.key)
        try:
            response = recall.response(capture, row)
        except Refused as refused:
            problems += refused.problems
            continue
        root = oldpage.parse(charset.decode(response.body, response.headers)[0])
        one = article.recognise(root, row.url)
        if root is not None and one is not None:
            yield Text(
                name=row.url,
                title=one.title,
                words=words(one.body),
                day=one.published.date(),
                doc_number=elements.of(root, one).doc_number,
            )


def shown(related: Iterable[Related]) -> dict[str, list[dict[str, object]]]:
    """As the published index carries them: target URI → the live articles it is related to."""
    found: dict[str, list[dict[str, object]]] = {}
    for one in related:
        if one.live:
            facts = {"source": one.source, "url": one.url, "title": one.title, "how": one.how, "score": one.score}
            found.setdefault(one.target_uri, []).append(facts)
    return found


def _noting(titles: dict[str, str], texts: Iterable[Text]) -> Iterator[Text]:
    for text in texts:
        titles[text.name] = text.title
        yield text


def _unknown(decision: Decision, uri: str, path: str) -> Problem:
    return Problem(
        path=decision.path,
        code="related-article-missing",
        key=f"related.{uri}",
        message=_("it is said to be related to content/{path}, which is no article").format(path=path),
        remedy=_("correct the path, or write [] where nothing present is related to the page"),
    )
