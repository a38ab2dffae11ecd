"""A page as a value: its file, its template and exactly the data its template sees (docs/THEME.md).

A `Spec` says which page is wanted and the digest of everything it is to be made of; it costs little, so that a build
can compare the specs of a whole column. A `Page` is the data itself; it is made from a spec's recipe, in a worker, and
only for pages that are rendered. What many pages share (identity, menus) is named, not copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from sitegen.model import file_of

Data = dict[str, Any]
Recipe = tuple[Any, ...]
"""What kind of page, and of what: plain values, so that it travels to a worker."""


class Spec(NamedTuple):
    """`section`: the column or site whose page it is; `key`: digest of all that its bytes follow from, the answers to
    its links excepted (those are recorded reads); `changed`: true `lastmod`, ISO 8601, empty: not in the sitemap."""

    url: str
    section: str
    key: str
    recipe: Recipe
    source: str = ""
    """Path under content/ of its Markdown; empty: it has none."""
    changed: str = ""

    @property
    def file(self) -> str:
        return file_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`gov` is JSON; `shared` maps a key of `gov` to the name of a value that many pages have. The Markdown is `body`,
    or stands in the file `place` (relative to the project), whose normalised text has the git blob id `blob`."""

    url: str
    gov: Data
    shared: Mapping[str, str]
    source: str = ""
    body: str = ""
    place: str = ""
    blob: str = ""
    files: frozenset[str] = frozenset()
    """Local files that the reviews of this text cover."""
    pictures: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Of those files the pictures: path under content/ → (digest, place relative to the project)."""
    phrases: tuple[tuple[str, str], ...] = ()
    """What its Traditional counterpart writes its own way."""

    @property
    def file(self) -> str:
        return file_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A generated file that no template makes: a feed, a site map."""

    file: str
    data: bytes


def digest_of(value: Any) -> str:
    data = value.encode() if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()
