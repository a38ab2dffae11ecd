"""The Atom feed of a column (RFC 4287): its newest articles, told by whoever wants to follow the city."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape  # xml.sax.saxutils imports a web client, which costs an edit 20 ms
from urllib.parse import quote, urlsplit

from sitegen.model import Article

_NO_DATE = "1970-01-01T00:00:00+00:00"
_unwritable = re.compile(r"[\0-\x08\x0b-\x1f]")


def atom(site_url: str, title: str, url: str, author: str, entries: Iterable[tuple[Article, str]]) -> bytes:
    """`url`: root-relative address of the column; `entries`: (article, when its text was signed), newest first.

    Ids are tag URIs of the stable id, so that a moved article is not told twice.
    """
    base = site_url.rstrip("/")
    host = urlsplit(site_url).hostname or "localhost"
    told = list(entries)
    updated = max((signed_at for _, signed_at in told), default=_NO_DATE)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{_text(title)}</title>",
        f"<id>{_text(base + url)}</id>",
        f'<link rel="alternate" type="text/html" href="{escape(base + quote(url))}"/>',
        f'<link rel="self" type="application/atom+xml" href="{escape(base + quote(url))}feed.xml"/>',
        f"<updated>{updated}</updated>",
        f"<author><name>{_text(author)}</name></author>",
        *(_entry(base, host, article, signed_at) for article, signed_at in told),
        "</feed>\n",
    ]
    return "\n".join(lines).encode()


def _entry(base: str, host: str, article: Article, signed_at: str) -> str:
    tag = f"tag:{host},{article.date:%Y-%m-%d}:{article.id}"
    return (
        f"<entry><title>{_text(article.title)}</title><id>{_text(tag)}</id>"
        f'<link rel="alternate" type="text/html" href="{escape(base + article.url)}"/>'
        f"<published>{article.date.isoformat()}</published><updated>{signed_at}</updated>"
        f"<author><name>{_text(article.source)}</name></author>"
        f"<summary>{_text(article.description)}</summary></entry>"
    )


def _text(value: str) -> str:
    """XML has no way to write most control characters."""
    return escape(_unwritable.sub("", value), quote=False)
