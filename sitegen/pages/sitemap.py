"""Site maps with true `lastmod`: one for each column, so that an edit writes a small file, and an index of them."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

MAX_URLS = 45_000
"""The protocol allows 50,000 addresses a file."""


def part(site_url: str, entries: Iterable[tuple[str, str]]) -> bytes:
    """`entries`: (root-relative URL, `lastmod`): when the page's content changed (the sign-off of its newest text),
    never the day of the build."""
    base = escape(site_url.rstrip("/"))
    lines = [f"<url><loc>{base}{escape(url)}</loc><lastmod>{changed}</lastmod></url>\n" for url, changed in entries]
    return _document("urlset", "".join(lines))


def index(site_url: str, parts: Iterable[tuple[str, str]]) -> bytes:
    """`parts`: (root-relative URL of a part, the newest `lastmod` in it)."""
    base = escape(site_url.rstrip("/"))
    lines = [
        f"<sitemap><loc>{base}{escape(url)}</loc><lastmod>{changed}</lastmod></sitemap>\n" for url, changed in parts
    ]
    return _document("sitemapindex", "".join(lines))


def robots(site_url: str) -> bytes:
    return f"User-agent: *\nAllow: /\nSitemap: {site_url.rstrip('/')}/sitemap.xml\n".encode()


def _document(name: str, inner: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{inner}</{name}>\n'.encode()
