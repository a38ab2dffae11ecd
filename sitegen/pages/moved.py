"""The old address of an article that stands elsewhere now: a page that leads to the new one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from sitegen.model import file_of, url_of
from sitegen.pages.frame import Frame, language
from sitegen.pages.values import Page, Spec, digest_of
from sitegen.state.rows import Line

SECTION = "@moved"


def specs(frame: Frame) -> Iterator[Spec]:
    """One page for each address that was left. Each leads straight to where the article stands now."""
    city = frame.city
    found = city.articles.moved()
    taken = _folders(frame) if found else frozenset()
    for old, section, line in found:
        if file_of(url_of(old)) in taken:
            continue
        column = city.columns[section]
        around = frame.around(city.sites[column.site], column)
        yield Spec(
            url=url_of(old),
            section=SECTION,
            key=digest_of("\n".join([around, line.digest, "moved"])),
            recipe=("moved", old, line),
        )


def _folders(frame: Frame) -> frozenset[str]:
    """Every folder in which a section stands: a file cannot have its name."""
    found: set[str] = set()
    for path in (*frame.city.sites, *frame.city.columns):
        while path and path not in found:
            found.add(path)
            path = posixpath.dirname(path)
    return frozenset(found)


def page(frame: Frame, old: str, line: Line) -> Page:
    """It goes there by itself, without a script, and says so to those whose browser does not."""
    article = frame.city.edition(line.path).article
    column = frame.city.columns[article.column]
    site = frame.city.sites[column.site]
    return frame.page(
        url_of(old),
        "moved",
        article.title,
        site,
        {"moved_to": article.url, "canonical": frame.city.site_url.rstrip("/") + article.url},
        crumbs=[*frame.crumbs(site, column), ("正文", None)],
        column=column,
        lang=language(article.lang),
    )
