"""Every page of the city as a value, made from what is shown; no template, no disk, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sitegen.city import City
from sitegen.pages.articles import add_article, add_tombstone
from sitegen.pages.catalogue import add_catalogue
from sitegen.pages.columns import add_column
from sitegen.pages.frame import Frame
from sitegen.pages.homes import add_site
from sitegen.pages.signposts import add_not_found, add_site_map
from sitegen.pages.values import Page, Pages, digest_of, key_of

__all__ = ["Page", "Pages", "digest_of", "key_of", "make"]


def make(city: City, sizes: Callable[[str], int], assets: Mapping[str, str]) -> Pages:
    """All pages, in the order of their URLs. `sizes(path)` gives an attachment's bytes; `assets`: the theme's files."""
    frame = Frame(city=city, sizes=sizes, assets=assets, result=Pages())
    for site in city.sites.values():
        add_site(frame, site)
    for column in city.columns.values():
        add_column(frame, column)
    for edition in city.editions.values():
        add_article(frame, edition)
    for edition in city.expired.values():
        add_tombstone(frame, edition)
    add_catalogue(frame)
    add_site_map(frame)
    add_not_found(frame)
    frame.result.pages.sort(key=lambda page: page.url)
    return frame.result
