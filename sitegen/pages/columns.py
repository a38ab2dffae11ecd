"""List pages, numbered from the oldest so that a full one never changes again; the column's feed and site map."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sitegen.model import Column, Service, url_of
from sitegen.pages import articles, letters, traditional
from sitegen.pages.frame import Frame, language, themes
from sitegen.pages.homes import LIFE_EVENTS
from sitegen.pages.values import Data, Page, Spec, digest_of
from sitegen.state.rows import Line

PAGE_SIZE = 20
FEED_SIZE = 50


def specs(frame: Frame, column: Column) -> Iterator[Spec]:
    """Every page of a column: its articles, its lists, its feed, its part of the site map."""
    found = list(articles.specs(frame, column))
    lists = list(_lists(frame, column))
    yield from lists
    yield from found
    if not frame.city.is_retired_column(column.path):
        yield _feed(frame, column)
    yield from _site_maps(frame, column, [*lists, *found])


def _lists(frame: Frame, column: Column) -> Iterator[Spec]:
    listed = frame.city.articles.lines(column.path)
    frozen = 0 if column.holds == "leader" else max(0, len(listed) // PAGE_SIZE - 1)
    newest = listed[: len(listed) - frozen * PAGE_SIZE]
    years = _years(url_of(column.source), listed, len(newest), frozen)
    yield _list(frame, column, None, frozen, newest, len(listed), years)
    for number in range(1, frozen + 1):
        start = len(listed) - number * PAGE_SIZE
        yield _list(frame, column, number, frozen, listed[start : start + PAGE_SIZE], None)


def _list(
    frame: Frame,
    column: Column,
    number: int | None,
    frozen: int,
    lines: Sequence[Line],
    total: int | None,
    years: Sequence[Data] = (),
) -> Spec:
    """`number` None: the column's own page, which shows the newest; only that one knows how many there are."""
    pagination = {**_neighbours(url_of(column.source), number, frozen)}
    pagination |= {"total": total, "pages": frozen + 1 if number is None else None, "years": list(years)}
    parts = [frame.around(frame.city.sites[column.site], column), digest_of(pagination)]
    parts += [frame.key(line) for line in lines]
    if number is None:
        parts += [column.digest, *_group_keys(frame, column)]
    if letters.is_shown(frame, column, number):
        parts.append(digest_of(letters.form_of(frame, column)))
    retired = frame.city.is_retired_column(column.path)
    return Spec(
        url=url_of(column.source) if number is None else f"{url_of(column.source)}list_{number}.html",
        section=column.path,
        key=digest_of("\n".join(parts)),
        recipe=("list", column.path, number, tuple(lines), pagination),
        source=column.source if number is None else "",
        changed="" if retired else max((line.signed_at for line in lines), default=""),
    )


def list_page(frame: Frame, path: str, number: int | None, lines: Sequence[Line], pagination: Data) -> Page:
    column = frame.city.columns[path]
    site = frame.city.sites[column.site]
    url = url_of(column.source) if number is None else f"{url_of(column.source)}list_{number}.html"
    children = frame.city.children(column) if number is None else []
    return frame.page(
        url,
        column.kind,
        column.title,
        site,
        {
            "column": {
                "title": column.title,
                "description": column.description,
                "holds": column.holds,
                "class_name": column.class_name,
            },
            "children": [{"title": c.title, "url": url_of(c.source), "summary": c.description} for c in children],
            "groups": _groups(frame, column) if number is None else [],
            "items": frame.items(lines),
            "pagination": pagination,
            "letter": letters.form_of(frame, column) if letters.is_shown(frame, column, number) else None,
        },
        crumbs=[*frame.crumbs(site, column)[:-1], (column.title, None)],
        meta=[
            ("ColumnName", column.title),
            ("ColumnDescription", column.description),
            ("ColumnKeywords", ",".join(column.keywords)),
            ("ColumnType", column.class_name),
        ],
        column=column,
        lang=language(column.lang),
        source=column.source if number is None else "",
        body=column.body if number is None else "",
        archived=frame.section_stamp(column.source) if frame.city.is_retired_column(column.path) else None,
    )


def _shows_all_services(column: Column) -> bool:
    """The portal's service column shows every service of the city by theme and by life event."""
    return column.holds == "service" and not column.site


def _group_keys(frame: Frame, column: Column) -> list[str]:
    return [frame.key(line) for line in frame.city.articles.services()] if _shows_all_services(column) else []


def _groups(frame: Frame, column: Column) -> list[Data]:
    if not _shows_all_services(column):
        return []
    services = [(line, frame.city.edition(line.path).article.details) for line in frame.city.articles.services()]
    known = [details for _, details in services if isinstance(details, Service)]
    groups: list[Data] = []
    for attribute, names in (("theme", themes(known)), ("life_event", LIFE_EVENTS)):
        for name in names:
            found = [line for line, details in services if getattr(details, attribute) == name]
            if found:
                groups.append({"title": name, "anchor": name, "by": attribute, "items": frame.items(found)})
    return _unique_anchors(groups)


def _neighbours(index_url: str, number: int | None, frozen: int) -> Data:
    """Numbered from the oldest, so that a full list page never changes again: it names its two neighbours only."""
    if number is None:
        older = f"{index_url}list_{frozen}.html" if frozen else None
        return {"page": None, "newer": None, "older": older, "links": []}
    newer = index_url if number == frozen else f"{index_url}list_{number + 1}.html"
    older = f"{index_url}list_{number - 1}.html" if number > 1 else None
    return {"page": number, "newer": newer, "older": older, "links": []}


_YEAR = re.compile(r"/((?:19|20)\d\d)\d\d/[^/]+$")


def _years(index_url: str, listed: Sequence[Line], newest: int, frozen: int) -> list[Data]:
    """Where each year begins: `title`, `url` of the list page that holds the newest text of that year. Of a column that
    holds one year, nothing. A text's year is that of its folder (docs/FORMATS.md)."""
    found: dict[str, str] = {}
    for place, line in enumerate(listed):
        match = _YEAR.search(line.path)
        if match and match[1] not in found:
            number = frozen - (place - newest) // PAGE_SIZE
            found[match[1]] = index_url if place < newest else f"{index_url}list_{number}.html"
    return [{"title": year, "url": url} for year, url in found.items()] if len(found) > 1 else []


def _unique_anchors(groups: list[Data]) -> list[Data]:
    seen: set[str] = set()
    for group in groups:
        if group["anchor"] in seen:
            group["anchor"] += "-2"
        seen.add(group["anchor"])
    return groups


def _feed(frame: Frame, column: Column) -> Spec:
    newest = frame.city.articles.newest(column.path, FEED_SIZE)
    parts = [frame.around(frame.city.sites[column.site], column)]
    parts += [f"{frame.key(line)} {line.signed_at}" for line in newest]
    return Spec(
        url=f"{url_of(column.source)}feed.xml",
        section=column.path,
        key=digest_of("\n".join(parts)),
        recipe=("feed", column.path, tuple(newest)),
    )


def _site_maps(frame: Frame, column: Column, pages: Sequence[Spec]) -> Iterator[Spec]:
    yield from site_maps(frame, url_of(column.source), column.path, pages)


def site_maps(frame: Frame, folder: str, section: str, pages: Sequence[Spec], name: str = "sitemap") -> Iterator[Spec]:
    """The addresses of some pages, at most 45,000 a file; none when no page has a date."""
    from sitegen.pages.sitemap import MAX_URLS

    entries = sorted((page.url, page.changed) for page in traditional.with_twins(frame, pages) if page.changed)
    for start in range(0, len(entries), MAX_URLS):
        part = tuple(entries[start : start + MAX_URLS])
        number = "" if start == 0 else f"-{start // MAX_URLS + 1}"
        yield Spec(
            url=f"{folder}{name}{number}.xml",
            section=section,
            key=digest_of([frame.engine, frame.city.site_url, part]),
            recipe=("site-map-part", f"{folder}{name}{number}.xml", part),
            changed=max(changed for _, changed in part),
        )
