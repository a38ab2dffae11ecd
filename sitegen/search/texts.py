"""The texts of what is published, as the search knows them: from the pages of a release and the facts of the build."""

from __future__ import annotations

import functools
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from sitegen import editions
from sitegen.clock import SHANGHAI
from sitegen.model import url_of
from sitegen.search import extract
from sitegen.search.folding import fold, variants

if TYPE_CHECKING:
    from sitegen.city import City
    from sitegen.state.shelf import Shelf

Markup = Callable[[str], bytes | None]
"""The bytes of a file of the release; None: it is not there."""
AHEAD = 256
"""Documents whose facts are asked for together."""
Stands = tuple[str, int, int]
"""Digest of a page, where its body begins and how long it is (`Shelf.bodies_of`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be found. `digest` follows from all that is indexed of it; they are ordered by `order`."""

    path: str
    digest: str
    stamp: float
    """When it was published, in seconds since 1970; 0: nobody knows."""
    site: str = ""
    """Of a copy in the archive: the id of the site that was retired."""

    @property
    def year(self) -> str:
        """Empty for a copy without a date: the year in which it was archived says nothing of it."""
        return f"{datetime.fromtimestamp(self.stamp, SHANGHAI):%Y}" if self.stamp else ""

    @property
    def order(self) -> tuple[float, str]:
        return (-self.stamp, self.path)

    @property
    def file(self) -> str:
        """Where its page stands in the release."""
        return self.path.removeprefix("/") if self.site else url_of(self.path)[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is published of a document: `title`, `number` and `body` as they stand, and what results show."""

    title: str
    number: str
    body: str
    facts: tuple[Any, ...]
    column: str
    kind: str
    validity: str

    @property
    def folded(self) -> str:
        """The three one after the other; what lies between them stands in no query."""
        return "\0".join([*self.folded_title, fold(self.body)])

    @property
    def folded_title(self) -> list[str]:
        return [fold(self.title), fold(self.number)]


def weight(body: str) -> int:
    """How many hundreds of bytes the page of an article takes, packed, about: what surrounds its text follows from other
    things than the article and is not looked at."""
    return 48 + len(body) // 105


def is_old(text: str) -> int:
    """1 when a Traditional character stands in it: it is found only by who folds it."""
    return int(_traditional().search(text) is not None)


@functools.cache
def _traditional() -> re.Pattern[str]:
    return re.compile(f"[{''.join(variants())}]")


class Texts:
    def __init__(self, state: Shelf, city: City, markup: Markup) -> None:
        self._state, self._markup = state, markup
        self._copies = {
            str(page["url"]): (page, index)
            for index in city.published
            if index.mode == "copies"
            for page in index.raw.get("pages") or ()
        }

    def texts(self, entries: Sequence[tuple[Entry, Stands | None]]) -> Iterator[Text | None]:
        """None for one whose page is not in the release as the build remembers it (`Stands`: of an article)."""
        for start in range(0, len(entries), AHEAD):
            part = entries[start : start + AHEAD]
            facts = self._state.facts_of([entry.path for entry, _stands in part if not entry.site])
            for entry, stands in part:
                yield self._copy(entry) if entry.site else self._article(entry, facts.get(entry.path), stands)

    def versions(self, entries: Sequence[Entry]) -> list[str]:
        """What the text of each follows from: of an article its source, wherever the version that is shown was found."""
        articles = [entry.path for entry in entries if not entry.site and entry.digest]
        blobs = self._state.facts_at(editions.FIELD["blob"], articles)
        return [entry.digest if entry.site or not entry.digest else blobs.get(entry.path, "") for entry in entries]

    def _article(self, entry: Entry, facts: str | None, stands: Stands | None) -> Text | None:
        data = self._markup(entry.file)
        if not facts or stands is None or data is None or hashlib.sha256(data).hexdigest() != stands[0]:
            return None
        _digest, start, length = stands
        return of_article(facts, entry.file, data[start : start + length].decode())

    def _copy(self, entry: Entry) -> Text | None:
        page, index = self._copies[entry.path]
        data = self._markup(entry.file)
        if data is None:
            return None
        title, date = str(page["title"]), str(page.get("date") or "")[:10]
        body = extract.old_page(data.decode("utf-8", "replace")).strip()
        shown = (title, entry.file, date, index.site, "copy", "", "", page["target_uri"])
        return Text(
            title=title,
            number="",
            body=body,
            facts=(*shown, -(-len(zlib.compress(data)) // 100), is_old(title + body)),
            column=index.site,
            kind="copy",
            validity="",
        )


def of_article(facts: str, file: str, body: str) -> Text:
    """`facts`: its edition, as JSON; `body`: as it stands in its page."""
    values, (_kind, details) = orjson.loads(facts)[:2]
    title, kind, column, source, date = (
        values[editions.FIELD[name]] for name in ("title", "kind", "column", "source", "date")
    )
    number = str(details.get("doc_number") or "")
    validity = str(details.get("validity") or "")
    text = extract.text_of(body).strip()
    shown = (title, file, f"{date[:10]} {date[11:16]}", column, kind, number, validity, source)
    return Text(
        title=title,
        number=number,
        body=text,
        facts=(*shown, weight(text), is_old(title + number + text)),
        column=column,
        kind=kind,
        validity=validity,
    )
