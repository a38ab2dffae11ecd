"""A page as a value: its file, its template and exactly the data its template sees (docs/THEME.md).

A page is a pure function of this value, of its Markdown and of the links in it; that is why comparing the values of
two builds finds all that must be rendered again. What many pages share (identity, menus) is named, not copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sitegen.editions import Edition
from sitegen.model import (
    file_of,
)

Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`gov` is JSON; `shared` maps a key of `gov` to the name of a value in `Pages.shared`."""

    url: str
    gov: Data
    shared: Mapping[str, str]
    source: str = ""
    """Path under content/ for resolving links; empty: the page has no Markdown."""
    body: str = ""
    column: str = ""
    edition: Edition | None = None
    changed: datetime | None = None
    """True `lastmod`; None: not in the sitemap."""

    @property
    def file(self) -> str:
        return file_of(self.url)


@dataclass(slots=True)
class Pages:
    pages: list[Page] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)


def key_of(page: Page, shared_digests: Mapping[str, str], engine: str) -> str:
    """The digest of all that a page's bytes follow from, its links' targets excepted (those are recorded reads)."""
    facts = {
        "engine": engine,
        "gov": page.gov,
        "shared": {key: shared_digests[name] for key, name in page.shared.items()},
        "body": hashlib.sha256(page.body.encode()).hexdigest(),
        "source": page.source,
    }
    return digest_of(facts)


def digest_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
