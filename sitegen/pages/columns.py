"""List pages, numbered from the oldest so that a full one never changes again."""

from __future__ import annotations

from collections.abc import Sequence

from sitegen.editions import Edition
from sitegen.model import (
    Column,
    Site,
    url_of,
)
from sitegen.pages.frame import (
    Frame,
    language,
    latest,
    themes,
)
from sitegen.pages.homes import LIFE_EVENTS
from sitegen.pages.values import Data

PAGE_SIZE = 20


def add_column(frame: Frame, column: Column) -> None:
    city, site = frame.city, frame.city.sites[column.site]
    listed = city.listed(column.path)
    frozen = 0 if column.holds == "leader" else max(0, len(listed) // PAGE_SIZE - 1)
    newest = listed[: len(listed) - frozen * PAGE_SIZE]
    index_url = url_of(column.source)
    common: Data = {
        "column": {
            "title": column.title,
            "description": column.description,
            "holds": column.holds,
            "class_name": column.class_name,
        },
        "children": [
            {"title": c.title, "url": url_of(c.source), "summary": c.description} for c in city.children(column)
        ],
        "groups": [],
    }
    groups = _groups(frame, column, newest)
    pages = [_list_page(index_url, None, frozen)] + [_list_page(index_url, n, frozen) for n in range(frozen, 0, -1)]
    _add_list(frame, column, site, index_url, newest, {**common, "groups": groups}, pages[0], len(listed), frozen + 1)
    for number in range(1, frozen + 1):
        start = len(listed) - number * PAGE_SIZE
        older = listed[start : start + PAGE_SIZE]
        url = f"{index_url}list_{number}.html"
        _add_list(
            frame,
            column,
            site,
            url,
            older,
            {**common, "children": []},
            _list_page(index_url, number, frozen),
            None,
            None,
        )


def _add_list(
    frame: Frame,
    column: Column,
    site: Site,
    url: str,
    editions: Sequence[Edition],
    extra: Data,
    pagination: Data,
    total: int | None,
    pages: int | None,
) -> None:
    retired = frame.city.is_retired_column(column.path)
    is_index = url == url_of(column.source)
    frame.add(
        url,
        column.kind,
        column.title,
        site,
        {
            **extra,
            "items": [frame.item(e) for e in editions],
            "pagination": {**pagination, "total": total, "pages": pages},
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
        source=column.source if is_index else "",
        body=column.body if is_index else "",
        changed=None if retired else latest(e.signed_at for e in editions),
        archived=frame.section_stamp(column.source) if retired else None,
    )


def _groups(frame: Frame, column: Column, newest: Sequence[Edition]) -> list[Data]:
    """The portal's service column shows every service of the city by theme and by life event."""
    if column.holds != "service" or column.site:
        return []
    groups = []
    for attribute, names in (("theme", themes(frame.city)), ("life_event", LIFE_EVENTS)):
        for name in names:
            found = [e for e in frame.city.services if getattr(e.article.details, attribute) == name]
            if found:
                groups.append({"title": name, "anchor": name, "by": attribute, "items": [frame.item(e) for e in found]})
    return _unique_anchors(groups)


def _list_page(index_url: str, number: int | None, frozen: int) -> Data:
    """Numbered from the oldest, so that a full list page never changes again: it names its two neighbours only."""
    if number is None:
        older = f"{index_url}list_{frozen}.html" if frozen else None
        return {"page": None, "newer": None, "older": older, "links": []}
    newer = index_url if number == frozen else f"{index_url}list_{number + 1}.html"
    older = f"{index_url}list_{number - 1}.html" if number > 1 else None
    return {"page": number, "newer": newer, "older": older, "links": []}


def _unique_anchors(groups: list[Data]) -> list[Data]:
    seen: set[str] = set()
    for group in groups:
        if group["anchor"] in seen:
            group["anchor"] += "-2"
        seen.add(group["anchor"])
    return groups
