"""The catalogue of what is archived (第十五条): every site, every capture of it, and its pages by column and by year.

A list is cut into pages of at most LIST_SIZE lines, so that a site of 100,000 pages has a catalogue that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from sitegen import reader
from sitegen.archived import Published, package_of
from sitegen.clock import SHANGHAI
from sitegen.pages.frame import Frame, column_meta, newest_by_site
from sitegen.pages.initials import OTHERS, initial
from sitegen.pages.values import Data, Page, Recipe, digest_of

LIST_SIZE = 100
_EVENTS = {
    "approval": "批准下线", "banner": "原网站首页挂迁移公告", "captured": "全站抓取并逐条核验", "published": "归档页面公布",
    "mark-cancelled": "注销党政机关网站标识", "icp-cancelled": "注销ICP备案", "police-cancelled": "注销公安机关备案",
    "domain-cancelled": "注销域名", "portal-notice": "门户发布迁移公告", "reported": "报告网站状态变更", "retired": "下线完成",
}  # fmt: skip
_ASPECTS = {
    "captured": "已采集", "stamped": "副本有归档标记，文字与原记录相同", "links": "链接可以打开", "mapped": "旧网址有去向", "announced": "已公告去向",
}  # fmt: skip
_KINDS = {"home": "首页", "column": "栏目页", "article": "文章页", "file": "附件页", "other": "其他页面"}


class Shelf(NamedTuple):
    """Pages that are listed together. `name` is that of its file: `column-1`, `year-2012`, `undated`, `files`."""

    name: str
    title: str
    pages: tuple[Mapping[str, Any], ...]

    @property
    def parts(self) -> int:
        return max(1, -(-len(self.pages) // LIST_SIZE))


@lru_cache(maxsize=16)
def shelves(index: Published) -> dict[str, Shelf]:
    """The columns in their order, what is in none, the years from the last, what has no date, the files, and the titles
    by letter."""
    columns = [column for column in index.raw.get("columns") or () if column.get("pages")]
    by_column: dict[int, list[Mapping[str, Any]]] = {number: [] for number in range(len(columns) + 1)}
    by_year: dict[str, list[Mapping[str, Any]]] = {}
    by_letter: dict[str, list[Mapping[str, Any]]] = {}
    files: list[Mapping[str, Any]] = []
    prefixes = sorted(
        ((f"/{column['path']}/".lower(), number) for number, column in enumerate(columns, 1)), reverse=True
    )
    for page in _sorted(index.raw.get("pages") or ()):
        if page.get("kind") == "file":
            files.append(page)
        elif page.get("kind") == "page":
            path = unquote(urlsplit(page.get("target_uri") or "").path).lower()
            by_column[next((number for prefix, number in prefixes if path.startswith(prefix)), 0)].append(page)
            by_year.setdefault(str(page.get("date") or "")[:4], []).append(page)
            by_letter.setdefault(initial(str(page["title"])), []).append(page)
    found = [
        Shelf(f"column-{number}", str(column["title"]), tuple(by_column[number]))
        for number, column in enumerate(columns, 1)
    ]
    found.append(Shelf("column-0", "其他页面", tuple(by_column[0])))
    found += [
        Shelf(f"year-{year}", f"{year}年", tuple(by_year[year])) for year in sorted(by_year, reverse=True) if year
    ]
    found.append(Shelf("undated", "没有日期", tuple(by_year.get("", ()))))
    found.append(Shelf("files", "附件", tuple(files)))
    for letter in sorted(by_letter, key=lambda one: (one == OTHERS, one)):
        name, title = (
            ("letter-others", "其他标题") if letter == OTHERS else (f"letter-{letter.lower()}", f"标题首字母 {letter}")
        )
        found.append(Shelf(name, title, tuple(by_letter[letter])))
    return {shelf.name: shelf for shelf in found if shelf.pages}


def _sorted(pages: Any) -> list[Mapping[str, Any]]:
    """The newest first, then by title."""
    by_title = sorted(pages, key=lambda page: (page["title"], page["url"]))
    return sorted(by_title, key=lambda page: str(page.get("date") or ""), reverse=True)


def recipes(frame: Frame) -> Iterator[tuple[Recipe, str, Any]]:
    """(recipe, URL, what the page follows from) of the catalogue, each site, each older capture, each list."""
    newest = newest_by_site(frame.city.published)
    if not newest:
        return
    yield ("catalogue",), "/archive/", digest_of(_sites(frame))
    for index in newest:
        digests = [one.digest for one in _captures(frame, index.site)]
        key = [*digests, _unit(frame, index), frame.city.replay]
        for one in _captures(frame, index.site):
            yield ("archive-capture", one.site, one.timestamp), _capture_url(frame, one), key
            if one.raw.get("proof"):
                yield ("archive-report", one.site, one.timestamp), _report_url(one), key
            if url := _replay_url(frame, one):
                yield ("archive-replay", one.site, one.timestamp), url, key
        if index.mode == "copies":
            for shelf in shelves(index).values():
                for number in range(1, shelf.parts + 1):
                    recipe = ("archive-list", index.site, shelf.name, number)
                    yield recipe, _list_url(index, shelf.name, number), [index.digest]


def _captures(frame: Frame, site: str) -> list[Published]:
    """Of one site, the newest first."""
    found = [index for index in frame.city.published if index.site == site]
    return sorted(found, key=lambda index: index.timestamp, reverse=True)


def _newest(frame: Frame, site: str) -> Published:
    return _captures(frame, site)[0]


def _capture_url(frame: Frame, index: Published) -> str:
    """The newest capture stands for its site."""
    newest = _newest(frame, index.site) is index
    return index.catalogue_url if newest else f"{index.catalogue_url}capture-{index.timestamp}.html"


def _list_url(index: Published, name: str, number: int = 1) -> str:
    return f"{index.catalogue_url}{name}{f'-p{number}' if number > 1 else ''}.html"


def _unit(frame: Frame, index: Published) -> str:
    return frame.city.records.unit_name(str(index.raw.get("unit") or ""))


def _sites(frame: Frame) -> list[Data]:
    return [
        {
            "name": index.raw["name"],
            "url": index.catalogue_url,
            "host": str(index.raw.get("start") or ""),
            "archived_on": index.raw["archived_on"],
            "reason": index.raw.get("reason") or "",
            "unit": _unit(frame, index),
            "pages": number_of_pages(index),
        }
        for index in newest_by_site(frame.city.published)
    ]


def number_of_pages(index: Published) -> int:
    return (index.raw.get("counts") or {}).get("pages") or len(index.raw.get("pages") or ())


def catalogue(frame: Frame) -> Page:
    return frame.page(
        "/archive/",
        "catalogue",
        "已归档网站",
        frame.city.portal,
        {"sites": _sites(frame)},
        crumbs=[("首页", "/"), ("已归档网站", None)],
        meta=column_meta("已归档网站", "停办或并入本门户的网站与栏目，全部页面保存原貌"),
    )


def capture(frame: Frame, site: str, timestamp: str) -> Page:
    """Why, when, by which approval, how much, what of it is worth keeping, where it went, the proof."""
    index = next(one for one in _captures(frame, site) if one.timestamp == timestamp)
    raw = index.raw
    newest = _newest(frame, site) is index
    lists = shelves(index) if newest and index.mode == "copies" else {}
    exhibits = raw.get("exhibits") or {}
    name = str(raw["name"])
    data: Data = {key: raw.get(key) for key in ("name", "label", "archived_on", "reason", "approval", "retention", "start", "home", "successor", "counts")}  # fmt: skip
    data |= {
        "unit_name": _unit(frame, index),
        "captured_on": _shanghai_date(timestamp),
        "failed": (raw.get("inventory") or {}).get("failed"),
        "columns": _columns(index, lists),
        "years": [_shelf(index, shelf) for shelf in lists.values() if shelf.name.startswith(("year-", "undated"))],
        "letters": [
            {**_shelf(index, shelf), "title": shelf.title.removeprefix("标题首字母 ").removesuffix("标题")}
            for shelf in lists.values()
            if shelf.name.startswith("letter-")
        ],
        "others": [_shelf(index, lists[one]) for one in ("column-0", "files") if one in lists],
        "captures": [
            {
                "date": _shanghai_date(one.timestamp),
                "url": None if one is index else _capture_url(frame, one),
                "home": one.raw.get("home") or "",
            }
            for one in _captures(frame, site)
        ],
        "events": [
            {"title": _EVENTS[event["event"]], "date": event["date"], "document": event.get("document") or ""}
            for event in raw.get("events") or ()
            if event.get("event") in _EVENTS
        ],
        "screenshots": [
            {"title": _KINDS.get(str(one.get("kind")), "页面"), "url": one["url"]}
            for one in exhibits.get("screenshots") or ()
        ],
        "wacz": package_of(index),
        "replay": _replay_url(frame, index),
        "report": _report_url(index) if raw.get("proof") else "",
        "coverage": f"{raw['proof']['coverage']:g}%" if raw.get("proof") else "",
        "warc_digests": dict((raw.get("capture") or {}).get("sha256") or {}),
    }
    title = name if newest else f"{name}（{data['captured_on']}抓取）"
    middle: list[tuple[str, str | None]] = [] if newest else [(name, index.catalogue_url)]
    last = name if newest else f"{data['captured_on']}抓取"
    return frame.page(
        _capture_url(frame, index),
        "archive-site",
        title,
        frame.city.portal,
        {"capture": data},
        crumbs=[("首页", "/"), ("已归档网站", "/archive/"), *middle, (last, None)],
        meta=column_meta(title, f"{title}归档目录"),
    )


def _report_url(index: Published) -> str:
    return f"{index.catalogue_url}report-{index.timestamp}.html"


def report(frame: Frame, site: str, timestamp: str) -> Page:
    """What the last proof of the archive found (第十五条), in numbers that a citizen can read."""
    index = next(one for one in _captures(frame, site) if one.timestamp == timestamp)
    proof, name = index.raw["proof"], str(index.raw["name"])
    data: Data = {key: index.raw.get(key) for key in ("label", "archived_on", "start")}
    data |= {key: proof[key] for key in ("on", "urls", "records", "orphans")}
    data |= {
        "coverage": f"{proof['coverage']:g}%",
        "captured_on": _shanghai_date(timestamp),
        "aspects": [
            {
                "title": _ASPECTS.get(one["name"], one["name"]),
                "due": one["due"],
                **_share(one["proven"], one["looked_at"]),
            }
            for one in proof["aspects"]
        ],
        "natures": [
            {"title": nature, "checks": [one for one in proof["checks"] if one["nature"] == nature]}
            for nature in dict.fromkeys(one["nature"] for one in proof["checks"])
        ],
        "back": _capture_url(frame, index),
    }
    return frame.page(
        _report_url(index),
        "archive-report",
        f"归档完整性报告：{name}",
        frame.city.portal,
        {"report": data},
        crumbs=[("首页", "/"), ("已归档网站", "/archive/"), (name, data["back"]), ("归档完整性报告", None)],
        meta=column_meta(f"归档完整性报告：{name}", f"{name}归档页面的核验结果，{proof['on']}"),
    )


def _share(part: int, whole: int) -> Data:
    """`percent` for people, cut and never rounded up; `width` of 100 for a bar."""
    percent = int(1000 * part / whole) / 10 if whole else 0.0
    return {"part": part, "whole": whole, "percent": f"{percent:g}%", "width": int(percent)}


def _kept(outcomes: Mapping[str, int] | None) -> Data | None:
    """Of a column's addresses, those whose answer or redirect is kept; what was left out by decision is not counted."""
    if not outcomes:
        return None
    kept = outcomes.get("captured", 0) + outcomes.get("redirected", 0)
    return _share(kept, kept + outcomes.get("failed", 0) + outcomes.get("excused", 0) + outcomes.get("queued", 0))


def _replay_url(frame: Frame, index: Published) -> str:
    """Where the whole capture can be opened as it was; empty where there is no reader or no package."""
    return reader.url_of(index.site, index.timestamp) if frame.city.replay and package_of(index) else ""


def replay(frame: Frame, site: str, timestamp: str) -> Page:
    """The page in which ReplayWeb.page opens a capture's package: the old site with its scripts, as it was."""
    index = next(one for one in _captures(frame, site) if one.timestamp == timestamp)
    name = str(index.raw["name"])
    data: Data = {key: index.raw.get(key) for key in ("name", "label", "archived_on", "start")}
    data |= {
        "url": str(index.raw.get("replay") or index.raw.get("start") or ""),
        "captured_on": _shanghai_date(timestamp),
        "wacz": package_of(index),
        "back": _capture_url(frame, index),
        "script": reader.SCRIPT,
        "frame": reader.FRAME,
        "reader": reader.READER,
        "licence": reader.LICENCE,
    }
    return frame.page(
        _replay_url(frame, index),
        "archive-replay",
        f"重现原网站：{name}",
        frame.city.portal,
        {"replay": data},
        crumbs=[("首页", "/"), ("已归档网站", "/archive/"), (name, data["back"]), ("重现原网站", None)],
        meta=column_meta(f"重现原网站：{name}", f"{name}的完整存档，{data['captured_on']}抓取"),
    )


def _columns(index: Published, lists: Mapping[str, Shelf]) -> list[Data]:
    """Those of the old site with what was decided on their value (有价值原网页), and where to read on."""
    found: list[Data] = []
    number = 0
    for column in index.raw.get("columns") or ():
        number += bool(column.get("pages"))
        shelf = lists.get(f"column-{number}") if column.get("pages") else None
        found.append(
            {
                "title": column["title"],
                "url": column.get("url"),
                "pages": len(shelf.pages) if shelf else column.get("pages"),
                "successor": column.get("successor"),
                "successor_title": column.get("successor_title") or column.get("successor"),
                "appraisal": column.get("appraisal"),
                "kept": _kept(column.get("outcomes")),
                "list": _list_url(index, shelf.name) if shelf else None,
            }
        )
    return found


def _shelf(index: Published, shelf: Shelf) -> Data:
    return {"title": shelf.title, "url": _list_url(index, shelf.name), "number": len(shelf.pages)}


def pages_list(frame: Frame, site: str, name: str, number: int) -> Page:
    index = _newest(frame, site)
    shelf = shelves(index)[name]
    start = (number - 1) * LIST_SIZE
    site_name = str(index.raw["name"])
    title = f"{shelf.title}（{site_name}）"
    return frame.page(
        _list_url(index, name, number),
        "archive-list",
        title,
        frame.city.portal,
        {
            "label": index.raw["label"],
            "archived_on": index.raw["archived_on"],
            "shelf": {"title": shelf.title, "site": site_name, "total": len(shelf.pages)},
            "entries": [_entry(page) for page in shelf.pages[start : start + LIST_SIZE]],
            "pagination": _pagination(index, shelf, number),
        },
        crumbs=[("首页", "/"), ("已归档网站", "/archive/"), (site_name, index.catalogue_url), (shelf.title, None)],
        meta=column_meta(title, f"{site_name}归档页面：{shelf.title}"),
    )


def _entry(page: Mapping[str, Any]) -> Data:
    """One archived page, and where its information is today: the page it moved to, else what is related to it."""
    now = [{"url": page["successor"], "title": ""}] if page.get("successor") else []
    now += [
        {"url": one["url"], "title": one["title"]}
        for one in page.get("related") or ()
        if one["url"] != page.get("successor")
    ]
    return {
        "title": page["title"] or page.get("target_uri"),
        "url": page["url"],
        "date": page.get("date"),
        "target_uri": page.get("target_uri"),
        "now": now,
    }


def _pagination(index: Published, shelf: Shelf, number: int) -> Data:
    """The first, the last and those around this one."""
    near = sorted({1, shelf.parts, *range(max(1, number - 2), min(shelf.parts, number + 2) + 1)})
    links: list[Data] = []
    for before, here in zip([0, *near], near, strict=False):
        if here - before > 1:
            links.append({"title": "…", "url": None, "current": False})
        links.append({"title": str(here), "url": _list_url(index, shelf.name, here), "current": here == number})
    return {
        "page": number,
        "pages": shelf.parts,
        "total": len(shelf.pages),
        "newer": _list_url(index, shelf.name, number - 1) if number > 1 else None,
        "older": _list_url(index, shelf.name, number + 1) if number < shelf.parts else None,
        "links": links if shelf.parts > 1 else [],
    }


def _shanghai_date(timestamp: str) -> str:
    """Calendar date in Asia/Shanghai of a capture's timestamp (UTC)."""
    return f"{datetime.strptime(timestamp + '+0000', '%Y%m%d%H%M%S%z').astimezone(SHANGHAI):%Y-%m-%d}"
