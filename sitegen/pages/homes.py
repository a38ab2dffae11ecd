"""The homes of the portal, of counties and of departments."""

from __future__ import annotations

from collections.abc import Iterable

from sitegen.model import FUNCTIONS, Column, Service, Site, url_of
from sitegen.pages.catalogue import number_of_pages
from sitegen.pages.frame import Frame, column_link, newest_by_site, site_link, themes
from sitegen.pages.values import Data, Page, Spec, digest_of
from sitegen.state.rows import Line

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


def spec(frame: Frame, site: Site) -> Spec:
    city = frame.city
    columns = city.columns_of(site.path)
    newest = {column.path: city.articles.newest(column.path, HOME_ITEMS) for column in columns}
    signed = [_last_signed(frame, column.path) for column in columns]
    if site.kind == "portal":
        key = digest_of([frame.around(site), site.digest, page(frame, site.path).gov])
    else:
        blocks = [[c.path, c.title, c.class_name, c.function, *map(frame.key, newest[c.path])] for c in columns]
        key = digest_of([frame.around(site), site.digest, _is_retired(frame, site), blocks])
    return Spec(
        url=url_of(site.source),
        section="@@",
        key=key,
        recipe=("home", site.path),
        source=site.source,
        changed=max(signed, default=""),
    )


def _last_signed(frame: Frame, column: str) -> str:
    """When the newest listed text of a column was signed."""
    return frame.city.articles.last_signed(column)


def _is_retired(frame: Frame, site: Site) -> Data | None:
    return frame.section_stamp(site.source) if frame.city.is_retired_column(site.path) else None


def page(frame: Frame, path: str) -> Page:
    """The home of the site at a path."""
    site = frame.city.sites[path]
    extra = _portal_home(frame, site) if site.kind == "portal" else {"blocks": _blocks(frame, site)}
    crumbs: list[tuple[str, str | None]] = [("首页", "/")] if site.kind != "portal" else []
    if site.kind == "portal":
        extra["notices"] = _notices(frame)
    return frame.page(
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
        archived=_is_retired(frame, site),
        home=True,
    )


def _portal_home(frame: Frame, site: Site) -> Data:
    city, articles = frame.city, frame.city.articles
    columns = city.columns_of(site.path)
    blocks: Data = {}
    for column in columns:
        name = _HOME_BLOCKS.get(column.class_name)
        if name and name not in blocks and (newest := articles.newest(column.path, HOME_ITEMS)):
            blocks[name] = {"title": column.title, "url": url_of(column.source), "items": frame.items(newest)}
    _dated(blocks.values())
    news = next((c for c in columns if c.class_name == "政务动态"), None)
    pictures = articles.newest_with_picture(news.path, 3) if news else []
    newest = articles.newest(news.path, 2) if news else []
    headline = [line for line in newest if line not in pictures[:1]][:1] or newest[:1]
    service_column = next((c for c in columns if c.holds == "service"), None)
    service_url = url_of(service_column.source) if service_column else None
    found = services(frame)
    topics = [c for c in city.columns.values() if c.kind == "topic" and not city.is_retired_column(c.path)]
    return {
        "headline": frame.item(headline[0]) if headline else None,
        "pictures": [frame.pictured(line) for line in pictures],
        "blocks": blocks,
        "services_url": service_url,
        "service_themes": _service_groups(found, "theme", service_url, themes([s for _, _, s in found]), 2),
        "life_events": _service_groups(found, "life_event", service_url, LIFE_EVENTS, 3),
        "popular_services": frame.items([line for line, _, _ in found[:4]]),
        "topics": [
            {"title": t.title, "summary": t.description, "url": url_of(t.source)}
            for t in sorted(topics, key=lambda t: (t.order, t.path))
        ],
        "departments": [site_link(s) for s in city.sites_of_kind("department")],
        "counties": [site_link(s) for s in city.sites_of_kind("county")],
        "archive": _archive_totals(frame),
        "writing": _writing(columns) if site.messages_url else None,
        "functions": [
            {
                "title": function,
                "links": [column_link(c) for c in columns if c.function == function],
            }
            for function in FUNCTIONS
        ],
    }


def _writing(columns: Iterable[Column]) -> Data | None:
    """Where the letter form and the look at a tracking number are (partials/letter.html opens what holds the field)."""
    url = next((url_of(column.source) for column in columns if column.holds == "message"), None)
    return {"write": f"{url}#gov-type", "track": f"{url}#gov-number"} if url else None


def services(frame: Frame) -> list[tuple[Line, tuple[str, ...], Service]]:
    """(line, keywords, details) of every service guide of the city."""
    found = []
    for line in frame.city.articles.services():
        article = frame.city.edition(line.path).article
        if isinstance(article.details, Service):
            found.append((line, article.keywords, article.details))
    return found


def _service_groups(
    services: list[tuple[Line, tuple[str, ...], Service]],
    attribute: str,
    url: str | None,
    names: Iterable[str],
    most: int,
) -> list[Data]:
    """Each group with examples of it, at most so many: what a tile has room for."""
    groups = []
    for name in names:
        found = [keywords for _, keywords, details in services if getattr(details, attribute) == name]
        if found and url:
            examples = "、".join(list(dict.fromkeys(keywords[0] for keywords in found if keywords))[:most])
            groups.append({"title": name, "examples": examples, "url": f"{url}#{name}", "count": len(found)})
    return groups


def _blocks(frame: Frame, site: Site) -> list[Data]:
    """What people come for first; what the institution says of itself last."""
    blocks: list[Data] = []
    columns = frame.city.columns_of(site.path)
    for column in sorted(columns, key=lambda c: c.class_name in {"机构职能", "概况信息", "负责人信息"}):
        items = frame.items(frame.city.articles.newest(column.path, BLOCK_ITEMS))
        if items:
            blocks.append(
                {"title": column.title, "url": url_of(column.source), "items": items, "function": column.function}
            )
    _dated(blocks)
    return blocks


def _dated(blocks: Iterable[Data]) -> None:
    """Month and day alone would make an old text look new: another year than the page's newest is written out."""
    listed = list(blocks)
    newest = max((item["date"][:4] for block in listed for item in block["items"]), default="")
    for block in listed:
        block["items"] = [
            item if item["date"][:4] == newest else {**item, "date_short": item["date"]} for item in block["items"]
        ]


def _notices(frame: Frame) -> list[Data]:
    """The newest two migration notices whose site is in the archive (第十二条(三))."""
    published = {index.site for index in frame.copies}
    told = [path for path, retires in frame.city.articles.notices() if retires in published][:2]
    articles = [frame.city.edition(path).article for path in told]
    return [
        {"label": "网站迁移公告", "text": article.title, "url": article.url, "link": "查看公告"} for article in articles
    ]


def _archive_totals(frame: Frame) -> Data | None:
    newest = newest_by_site(frame.city.published)
    if not newest:
        return None
    pages = sum(number_of_pages(index) for index in newest)
    return {"sites": len(newest), "pages": pages, "url": "/archive/"}
