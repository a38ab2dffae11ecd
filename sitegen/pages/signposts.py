"""The site map, the pages for addresses that are not there, and the pages of the reader's modes."""

from __future__ import annotations

from collections.abc import Mapping

from sitegen.model import url_of
from sitegen.pages import homes
from sitegen.pages.frame import Frame, column_link, column_meta
from sitegen.pages.values import Data, Page
from sitegen.sites import server, stages
from sitegen.sites.notice import chinese

ERRORS: Mapping[str, tuple[str, str]] = {
    "404": ("not-found", "没有找到这个页面"),
    "410": ("gone", "这个网页已经永久下线"),
    "503": ("unavailable", "网站暂时不能访问"),
}
"""Status → template and title of the page that a server shows with it."""
MODES: Mapping[str, tuple[str, str]] = {
    "standard": ("标准模式", "页面按一般的字号和颜色显示。"),
    "elder": ("长者模式", "常办的事放在最前面，字大、行疏。看不清、不会用，可以直接打电话。"),
    "contrast": ("高对比模式", "黑底、白字、黄色链接，适合低视力和色觉异常的读者。"),
}
"""Name of a mode → title and text of its page."""
_ELDER_THEMES = ("养老助残", "社保", "医疗", "交通", "住房")
_YOUNG_EVENTS = ("出生", "上学", "就业", "成家")


def site_map(frame: Frame) -> Page:
    tree = [
        {
            "title": site.title,
            "url": url_of(site.source),
            "columns": [
                {**column_link(c), "count": frame.city.counts.get(c.path, 0)} for c in frame.city.columns_of(path)
            ],
        }
        for path, site in sorted(frame.city.sites.items())
    ]
    return frame.page(
        "/sitemap.html",
        "site-map",
        "网站地图",
        frame.city.portal,
        {"tree": tree},
        crumbs=[("首页", "/"), ("网站地图", None)],
        meta=column_meta("网站地图", "本网站全部网站与栏目"),
    )


def error(frame: Frame, status: str) -> Page:
    template, title = ERRORS[status]
    return frame.page(
        f"/{status}.html",
        template,
        title,
        frame.city.portal,
        {"archive_url": "/archive/" if frame.copies else None},
        crumbs=[("首页", "/"), (title, None)],
    )


def mode(frame: Frame, name: str) -> Page:
    """A server sets its cookie at this address (docs/THEME.md); the page is the same with and without."""
    title, text = MODES[name]
    extra: Data = {
        "mode": name if name != "standard" else None,
        "text": text,
        "others": [
            {"title": other, "url": f"/modes/{key}/index.html"} for key, (other, _) in MODES.items() if key != name
        ],
        "matters": [],
        "news": [],
        "news_url": None,
        **(_elder_home(frame) if name == "elder" else {}),
    }
    crumbs: list[tuple[str, str | None]] = [("首页", "/"), (title, None)]
    return frame.page(
        f"/modes/{name}/", "mode", title, frame.city.portal, extra, crumbs=crumbs, meta=column_meta(title, text)
    )


def _elder_home(frame: Frame) -> Data:
    """Six services that older people ask for, by theme, none twice by name, and the newest three notices."""
    order = {theme: place for place, theme in enumerate(_ELDER_THEMES)}
    services = sorted(
        homes.services(frame),
        key=lambda found: (found[2].life_event in _YOUNG_EVENTS, order.get(found[2].theme, len(order))),
    )
    named: dict[str, Data] = {}
    for line, keywords, _ in services:
        item = frame.item(line)
        title = keywords[0] if keywords else item["title"]
        named.setdefault(title, {**item, "title": title, "full": item["title"]})
    chosen = list(named.values())[:6]
    notices = next((c for c in frame.city.columns_of("") if c.class_name == "通知公告"), None)
    return {
        "matters": chosen,
        "news": frame.items(frame.city.articles.newest(notices.path, 3)) if notices else [],
        "news_url": url_of(notices.source) if notices else None,
    }


def search(frame: Frame, facts: Data | None = None) -> Page:
    """The page that asks the shards; the service fills in `facts` (docs/THEME.md, kind `search`). It has a search box of
    its own instead of the one in the head."""
    url = "/search/"
    service = frame.city.search_url if frame.city.search_url != url else None
    return frame.page(
        url,
        "search",
        "搜索",
        frame.city.portal,
        {"search_url": None, "search": {"query": "", "action": url, "service": service, **(facts or {})}},
        crumbs=[("首页", "/"), ("搜索", None)],
        meta=column_meta("搜索", "在本网站全部网站与栏目中查找"),
    )


def offline_url(site: str) -> str:
    return "/" + server.page_of(stages.id_of(site))


def offline(frame: Frame, path: str) -> Page:
    """What the web server answers with 503 while a site is offline for the time being (第十三条)."""
    event, site, portal = frame.city.offline[path], frame.city.sites[path], frame.city.portal
    title = f"{site.title}临时下线"
    until = stages.last_day(event)
    return frame.page(
        offline_url(path),
        "offline",
        title,
        portal,
        {
            "offline_site": f"{site.title}网站",
            "offline_from": event.on.isoformat(),
            "offline_from_words": chinese(event.on),
            "offline_until": until.isoformat() if until else "",
            "offline_until_words": chinese(until) if until else "恢复之日",
            "offline_reason": event.facts.get("reason", ""),
            "offline_elsewhere": path != "",
        },
        crumbs=[("首页", "/"), ("临时下线", None)],
    )
