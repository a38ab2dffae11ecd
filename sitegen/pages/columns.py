"""List pages, numbered from the oldest so that a full one never changes again; the column's feed and site map."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sitegen.model import VALIDITY, Column, Service, is_of_class, url_of
from sitegen.pages import articles, initials, letters, traditional
from sitegen.pages.frame import Frame, column_link, language, themes
from sitegen.pages.homes import LIFE_EVENTS
from sitegen.pages.values import Data, Page, Spec, digest_of
from sitegen.state.rows import Line

PAGE_SIZE = 20
FEED_SIZE = 50
_VALIDITIES = ("有效", "已修改", "部分失效", "部分废止", "失效", "废止")


def specs(frame: Frame, column: Column) -> Iterator[Spec]:
    """Every page of a column: its articles, its lists, its feed, its part of the site map."""
    found = list(articles.specs(frame, column))
    lists = list(_lists(frame, column))
    yield from lists
    yield from found
    if not frame.city.is_retired_column(column.path):
        yield _feed(frame, column)
    yield from _site_maps(frame, column, [*lists, *found])


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One list on numbered pages: all of a column, those of one of its classes, or of one 有效性 (`name`)."""

    first: str
    """Address of the page that shows the newest."""
    rest: str
    """How the addresses of the others begin: a number and `.html` follow."""
    name: str = ""
    trait: str = ""
    """By what a text is found to be of it (`model.is_of_class`)."""

    def url(self, number: int | None) -> str:
        return self.first if number is None else f"{self.rest}{number}.html"


def _series(index: str, stem: str, names: Iterable[str], trait: str = "") -> Iterator[Series]:
    """Lists that narrow the one at `index`, named by the sounds of their words."""
    taken: Counter[str] = Counter()
    for name in dict.fromkeys(names):
        word = initials.of_word(name)
        taken[word] += 1
        own = f"{index}{stem}_{word}{taken[word] if taken[word] > 1 else ''}"
        yield Series(first=f"{own}.html", rest=f"{own}_", name=name, trait=f"{trait}{name}")


def _lists(frame: Frame, column: Column) -> Iterator[Spec]:
    listed = _ordered(column, frame.city.articles.lines(column.path))
    index = url_of(column.source)
    every = Series(first=index, rest=f"{index}list_")
    classes = _filled(_series(index, "class", column.classes), listed)
    validities = _filled(_series(index, "validity", _VALIDITIES, VALIDITY), listed) if column.holds == "policy" else []
    choices = {
        "classes": [_choice(every, listed), *(_choice(*one) for one in classes)] if classes else [],
        "validities": [_choice(every, listed), *(_choice(*one) for one in validities)] if len(validities) > 1 else [],
    }
    for one, lines in [(every, listed), *classes, *(validities if len(validities) > 1 else [])]:
        yield from _pages(frame, column, one, lines, choices)


def _ordered(column: Column, listed: Sequence[Line]) -> Sequence[Line]:
    """What the column names as first, in its order; then the newest."""
    places = {name: place for place, name in enumerate(column.first)}
    return sorted(listed, key=lambda line: places.get(line.path.rpartition("/")[2].removesuffix(".md"), len(places)))


def _filled(series: Iterable[Series], listed: Sequence[Line]) -> list[tuple[Series, Sequence[Line]]]:
    found = ((one, [line for line in listed if is_of_class(line.traits, one.trait)]) for one in series)
    return [(one, lines) for one, lines in found if lines]


def _choice(series: Series, lines: Sequence[Line]) -> Data:
    return {"title": series.name, "url": series.first, "count": len(lines)}


def _pages(
    frame: Frame, column: Column, series: Series, listed: Sequence[Line], choices: Mapping[str, Sequence[Data]]
) -> Iterator[Spec]:
    frozen = 0 if column.holds == "leader" or column.first else max(0, len(listed) // PAGE_SIZE - 1)
    newest = listed[: len(listed) - frozen * PAGE_SIZE]
    pagination = {
        **_neighbours(series, None, frozen),
        "total": len(listed),
        "pages": frozen + 1,
        "years": _years(series, listed, len(newest), frozen),
        **{name: [{**one, "current": one["url"] == series.first} for one in all] for name, all in choices.items()},
    }
    yield _list(frame, column, series, None, newest, pagination)
    for number in range(1, frozen + 1):
        start = len(listed) - number * PAGE_SIZE
        pagination = {**_neighbours(series, number, frozen), "total": None, "pages": None, "years": []}
        pagination |= {"classes": [], "validities": []}
        yield _list(frame, column, series, number, listed[start : start + PAGE_SIZE], pagination)


def _list(
    frame: Frame, column: Column, series: Series, number: int | None, lines: Sequence[Line], pagination: Data
) -> Spec:
    """`number` None: the page of the newest; only that one knows how many there are."""
    own = number is None and not series.name
    parts = [frame.around(frame.city.sites[column.site], column), digest_of([series.name, pagination])]
    parts += [frame.key(line) for line in lines]
    if own:
        parts += [column.digest, *_group_keys(frame, column)]
    if own and letters.is_shown(frame, column, number):
        parts.append(digest_of(letters.form_of(frame, column)))
    named = not series.name and not frame.city.is_retired_column(column.path)
    return Spec(
        url=series.url(number),
        section=column.path,
        key=digest_of("\n".join(parts)),
        recipe=("list", column.path, series, number, tuple(lines), pagination),
        source=column.source if own else "",
        changed=max((line.signed_at for line in lines), default="") if named else "",
    )


def list_page(
    frame: Frame, path: str, series: Series, number: int | None, lines: Sequence[Line], pagination: Data
) -> Page:
    column = frame.city.columns[path]
    site = frame.city.sites[column.site]
    own = number is None and not series.name
    title = f"{column.title}：{series.name}" if series.name else column.title
    here: list[tuple[str, str | None]] = [(column.title, None)]
    if series.name:
        here = [(column.title, url_of(column.source)), (series.name, None)]
    children = frame.city.children(column) if own else []
    return frame.page(
        series.url(number),
        column.kind,
        title,
        site,
        {
            "column": {
                "title": column.title,
                "description": column.description,
                "holds": column.holds,
                "class_name": column.class_name,
                "ordered": bool(column.first),
            },
            "children": [{**column_link(c), "summary": c.description} for c in children],
            "groups": _groups(frame, column) if own else [],
            "items": frame.items(lines),
            "pagination": pagination,
            "letter": letters.form_of(frame, column) if own and letters.is_shown(frame, column, number) else None,
        },
        crumbs=[*frame.crumbs(site, column)[:-1], *here],
        meta=[
            ("ColumnName", column.title),
            ("ColumnDescription", column.description),
            ("ColumnKeywords", ",".join(column.keywords)),
            ("ColumnType", column.class_name),
        ],
        column=column,
        lang=language(column.lang),
        source=column.source if own else "",
        body=column.body if own else "",
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


def _neighbours(series: Series, number: int | None, frozen: int) -> Data:
    """Numbered from the oldest, so that a full list page never changes again: it names its two neighbours only."""
    if number is None:
        return {"page": None, "newer": None, "older": series.url(frozen) if frozen else None, "links": []}
    newer = series.url(None if number == frozen else number + 1)
    return {"page": number, "newer": newer, "older": series.url(number - 1) if number > 1 else None, "links": []}


_YEAR = re.compile(r"/((?:19|20)\d\d)\d\d/[^/]+$")


def _years(series: Series, listed: Sequence[Line], newest: int, frozen: int) -> list[Data]:
    """Where each year begins: `title`, `url` of the list page that holds the newest text of that year, `count`. Of a
    list that holds one year, nothing. A text's year is that of its folder (docs/FORMATS.md)."""
    found: dict[str, Data] = {}
    for place, line in enumerate(listed):
        match = _YEAR.search(line.path)
        if match is None:
            continue
        if match[1] not in found:
            number = None if place < newest else frozen - (place - newest) // PAGE_SIZE
            found[match[1]] = {"title": match[1], "url": series.url(number), "count": 0}
        found[match[1]]["count"] += 1
    return list(found.values()) if len(found) > 1 else []


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
