"""The homes of the portal, of counties and of departments."""

from __future__ import annotations

from collections.abc import Iterable

from sitegen.model import (
    FUNCTIONS,
    Site,
    url_of,
)
from sitegen.pages.frame import (
    Frame,
    latest,
    newest_by_site,
    site_link,
    themes,
)
from sitegen.pages.values import Data

HOME_ITEMS = 7
BLOCK_ITEMS = 6
LIFE_EVENTS = ("出生", "上学", "就业", "成家", "安居", "退休", "身后")
_HOME_BLOCKS = {
    "政务动态": "xwdt",
    "通知公告": "tzgg",
    "政策文件": "zcwj",
    "政策解读": "zcjd",
    "回应关切": "hygq",
    "数据发布": "sjfb",
    "互动交流": "hdjl",
}


def add_site(frame: Frame, site: Site) -> None:
    retired = frame.city.retired_sections.get(site.path)
    extra = _portal_home(frame, site) if site.kind == "portal" else {"blocks": _blocks(frame, site)}
    changed = latest(
        edition.signed_at for column in frame.city.columns_of(site.path) for edition in frame.city.listed(column.path)
    )
    crumbs: list[tuple[str, str | None]] = [("首页", "/")] if site.kind != "portal" else []
    if site.kind == "portal":
        extra["notices"] = _notices(frame)
    frame.add(
        url_of(site.source),
        site.kind,
        site.title,
        site,
        extra,
        crumbs=[*crumbs, (site.title, None)],
        meta=[
            ("ColumnName", "首页"),
            ("ColumnType", "首页"),
            ("ColumnDescription", site.description),
            ("ColumnKeywords", ",".join(site.keywords)),
        ],
        source=site.source,
        body=site.body,
        changed=changed,
        archived=frame.section_stamp(site.source) if retired else None,
        home=True,
    )


def _portal_home(frame: Frame, site: Site) -> Data:
    city = frame.city
    columns = city.columns_of(site.path)
    blocks: Data = {}
    for column in columns:
        name = _HOME_BLOCKS.get(column.class_name)
        if name and name not in blocks and city.listed(column.path):
            items = [frame.item(e) for e in city.listed(column.path)[:HOME_ITEMS]]
            blocks[name] = {"title": column.title, "url": url_of(column.source), "items": items}
    _dated(blocks.values())
    news = next((c for c in columns if c.class_name == "政务动态"), None)
    stories = city.listed(news.path) if news else []
    service_column = next((c for c in columns if c.holds == "service"), None)
    service_url = url_of(service_column.source) if service_column else None
    topics = [c for c in city.columns.values() if c.kind == "topic" and not city.is_retired_column(c.path)]
    return {
        "headline": frame.item(stories[0]) if stories else None,
        "pictures": [frame.item(e) for e in stories if e.article.image][:3],
        "blocks": blocks,
        "service_themes": _service_groups(frame, "theme", service_url, themes(city)),
        "life_events": _service_groups(frame, "life_event", service_url, LIFE_EVENTS),
        "popular_services": [frame.item(e) for e in city.services[:4]],
        "topics": [
            {"title": t.title, "summary": t.description, "url": url_of(t.source)}
            for t in sorted(topics, key=lambda t: (t.order, t.path))
        ],
        "departments": [site_link(s) for s in city.sites_of_kind("department")],
        "counties": [site_link(s) for s in city.sites_of_kind("county")],
        "archive": _archive_totals(frame),
        "functions": [
            {
                "title": function,
                "links": [{"title": c.title, "url": url_of(c.source)} for c in columns if c.function == function],
            }
            for function in FUNCTIONS
        ],
    }


def _service_groups(frame: Frame, attribute: str, url: str | None, names: Iterable[str]) -> list[Data]:
    groups = []
    for name in names:
        found = [e for e in frame.city.services if getattr(e.article.details, attribute) == name]
        if found and url:
            examples = "、".join(e.article.keywords[0] for e in found[:3] if e.article.keywords)
            groups.append({"title": name, "examples": examples, "url": f"{url}#{name}", "count": len(found)})
    return groups


def _blocks(frame: Frame, site: Site) -> list[Data]:
    """What people come for first; what the institution says of itself last."""
    blocks: list[Data] = []
    columns = frame.city.columns_of(site.path)
    for column in sorted(columns, key=lambda c: c.class_name in {"机构职能", "概况信息", "负责人信息"}):
        items = [frame.item(e) for e in frame.city.listed(column.path)[:BLOCK_ITEMS]]
        if items:
            blocks.append(
                {"title": column.title, "url": url_of(column.source), "items": items, "function": column.function}
            )
    _dated(blocks)
    return blocks


def _dated(blocks: Iterable[Data]) -> None:
    """Month and day alone would make an old text look new: another year than the page's newest is written out."""
    items = [(block, item) for block in blocks for item in block["items"]]
    newest = max((item["date"][:4] for _, item in items), default="")
    for _, item in items:
        if item["date"][:4] != newest:
            item["date_short"] = item["date"]


def _notices(frame: Frame) -> list[Data]:
    """The newest two migration notices whose site is in the archive (第十二条(三))."""
    published = {index.site for index in frame.copies}
    notices = [e.article for e in frame.city.editions.values() if e.article.retires in published and e.retired is None]
    notices.sort(key=lambda article: (article.date, article.path), reverse=True)
    return [
        {"label": "网站迁移公告", "text": article.title, "url": article.url, "link": "查看公告"}
        for article in notices[:2]
    ]


def _archive_totals(frame: Frame) -> Data | None:
    newest = newest_by_site(frame.copies)
    if not newest:
        return None
    pages = sum(len(index.raw.get("pages") or ()) for index in newest)
    return {"sites": len(newest), "pages": pages, "url": "/archive/"}
