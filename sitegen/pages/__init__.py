"""Every page of the city: which there are and what they follow from (specs), and the data of one of them (make)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sitegen.model import Column
from sitegen.pages import articles, catalogue, columns, feed, homes, moved, signposts, sitemap, supervision, traditional
from sitegen.pages.frame import Frame
from sitegen.pages.values import Document, Page, Recipe, Spec, digest_of
from sitegen.state.rows import Line

__all__ = ["Document", "Frame", "Page", "Recipe", "Spec", "digest_of", "make", "of_city", "of_column", "of_moved"]

MOVED = moved.SECTION
CITY = "@@"
"""The section of pages that belong to no column: homes, site map, catalogue, 404."""


def of_column(frame: Frame, column: Column) -> Iterator[Spec]:
    """Every page of a column, in both editions."""
    return traditional.with_twins(frame, columns.specs(frame, column))


def of_moved(frame: Frame) -> Iterator[Spec]:
    """The pages at addresses where articles stood, in both editions."""
    return traditional.with_twins(frame, moved.specs(frame))


def of_city(frame: Frame) -> Iterator[Spec]:
    """The homes, the catalogue, the site map, the pages for addresses that are not there, the modes, in both editions."""
    return traditional.with_twins(frame, _of_city(frame))


def _of_city(frame: Frame) -> Iterator[Spec]:
    homes_of_sites = [homes.spec(frame, site) for site in frame.city.sites.values()]
    yield from homes_of_sites
    around = frame.around(frame.city.portal)
    signs: list[tuple[Recipe, str]] = [(("tree",), "/sitemap.html"), (("search",), "/search/")]
    signs += [(("error", status), f"/{status}.html") for status in signposts.ERRORS]
    signs += [(("mode", name), f"/modes/{name}/") for name in signposts.MODES]
    signs += [
        (("offline", site), signposts.offline_url(site))
        for site in sorted(frame.city.offline.keys() & frame.city.sites)
    ]
    for recipe, url in signs:
        yield Spec(url=url, section=CITY, key=digest_of([around, make_page(frame, recipe).gov]), recipe=recipe)
    for recipe, url, key in catalogue.recipes(frame):
        yield Spec(url=url, section=CITY, key=digest_of([around, key]), recipe=recipe)
    for recipe, url, facts in supervision.recipes(frame):
        yield Spec(url=url, section=CITY, key=digest_of([around, facts]), recipe=recipe)
    yield from columns.site_maps(frame, "/", CITY, homes_of_sites, name="sitemap-homes")


def make(frame: Frame, recipe: Recipe) -> Page | Document:
    """The page that a spec's recipe names. Everything it reads beyond the recipe is named by the spec's key."""
    match recipe:
        case (traditional.RECIPE, simplified):
            return make(frame, simplified)
        case ("site-map-part", url, entries):
            return Document(file=url.removeprefix("/"), data=sitemap.part(frame.city.site_url, entries))
        case ("feed", path, lines):
            return Document(file=f"{path}/feed.xml", data=_feed(frame, path, lines))
        case ("supervision",) | ("inspection" | "annual", _) | ("inspection-data" | "annual-data", _, _):
            return supervision.make(frame, recipe)
    return make_page(frame, recipe)


def _feed(frame: Frame, path: str, lines: Sequence[Line]) -> bytes:
    column = frame.city.columns[path]
    site = frame.city.sites[column.site]
    told = [(frame.city.edition(line.path).article, line.signed_at) for line in lines]
    return feed.atom(frame.city.site_url, f"{column.title} - {site.title}", f"/{path}/", site.title, told)


def make_page(frame: Frame, recipe: Recipe) -> Page:
    match recipe:
        case ("article", line, older, newer):
            return articles.article_page(frame, line, older, newer)
        case ("expired", line):
            return articles.tombstone_page(frame, line)
        case ("moved", old, line):
            return moved.page(frame, old, line)
        case ("list", column, series, number, lines, pagination):
            return columns.list_page(frame, column, series, number, lines, pagination)
        case ("home", site):
            return homes.page(frame, site)
        case ("tree",):
            return signposts.site_map(frame)
        case ("error", status):
            return signposts.error(frame, status)
        case ("mode", name):
            return signposts.mode(frame, name)
        case ("search",):
            return signposts.search(frame)
        case ("offline", site):
            return signposts.offline(frame, site)
        case ("catalogue",):
            return catalogue.catalogue(frame)
        case ("archive-capture", site, timestamp):
            return catalogue.capture(frame, site, timestamp)
        case ("archive-replay", site, timestamp):
            return catalogue.replay(frame, site, timestamp)
        case ("archive-report", site, timestamp):
            return catalogue.report(frame, site, timestamp)
        case ("archive-list", site, name, number):
            return catalogue.pages_list(frame, site, name, number)
    raise ValueError(recipe)
