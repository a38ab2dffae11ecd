"""sitemap.xml with true `lastmod`, and robots.txt."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from sitegen.pages import Page

MAX_URLS = 45_000


def make(site_url: str, pages: Iterable[Page]) -> dict[str, bytes]:
    """`lastmod` is when the page's content changed (the sign-off of its newest text), never the day of the build."""
    base = site_url.rstrip("/")
    entries = [
        f"<url><loc>{escape(base + page.url)}</loc><lastmod>{page.changed.isoformat(timespec='seconds')}</lastmod></url>\n"
        for page in pages
        if page.changed is not None
    ]
    parts = [entries[start : start + MAX_URLS] for start in range(0, len(entries), MAX_URLS)] or [[]]
    found = {"robots.txt": f"User-agent: *\nAllow: /\nSitemap: {base}/sitemap.xml\n".encode()}
    if len(parts) == 1:
        found["sitemap.xml"] = _urlset(parts[0])
        return found
    names = [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
    found |= {name: _urlset(part) for name, part in zip(names, parts, strict=True)}
    index = "".join(f"<sitemap><loc>{escape(base)}/{name}</loc></sitemap>\n" for name in names)
    found["sitemap.xml"] = _document("sitemapindex", index)
    return found


def _urlset(entries: list[str]) -> bytes:
    return _document("urlset", "".join(entries))


def _document(name: str, inner: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{inner}</{name}>\n'.encode()
