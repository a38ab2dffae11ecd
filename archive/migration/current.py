"""The present articles under content/, as texts that archived pages are compared with."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from archive.migration.likeness import Text
from sitegen import frontmatter

_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_MARKS = re.compile(r"[*_#`|>\\]|^\s*[-+]\s|^\s*\d+[.)]\s|<[^>]*>|^-{3,}$", re.M)


def texts(content: Path) -> Iterator[Text]:
    """Every article in the order of its path, one at a time; folders that begin with `_` and sections are none, and
    what cannot be read is told by `sitegen check`."""
    for path in sorted(content.rglob("*.md")):
        name = path.relative_to(content).as_posix()
        if path.name == "index.md" or any(part.startswith("_") for part in name.split("/")):
            continue
        try:
            source = frontmatter.normalise(path.read_bytes())
        except (OSError, UnicodeDecodeError):
            continue
        matter, _problems = frontmatter.parse(source, name, frontmatter.ARTICLE_KEYS)
        if matter is not None:
            yield _text(name, matter)


def _text(name: str, matter: frontmatter.FrontMatter) -> Text:
    def value(key: str) -> str:
        return frontmatter.as_text(matter.values.get(key))

    return Text(
        name=name,
        title=value("title"),
        words=plain(matter.body),
        day=_day(value("date")),
        doc_number=value("doc_number"),
        migrated_from=value("migrated_from"),
    )


def plain(markdown: str) -> str:
    """The words of a Markdown text."""
    return html.unescape(_MARKS.sub(" ", _LINK.sub(r"\1", markdown)))


def _day(value: str) -> date | None:
    try:
        return frontmatter.parse_moment(value)[0].date() if value else None
    except ValueError:
        return None
