"""The site map and the page for addresses that are not there."""

from __future__ import annotations

from sitegen.model import (
    url_of,
)
from sitegen.pages.frame import (
    Frame,
    column_meta,
)
from sitegen.pages.values import Page


def site_map(frame: Frame) -> Page:
    tree = [
        {
            "title": site.title,
            "url": url_of(site.source),
            "columns": [
                {"title": c.title, "url": url_of(c.source), "count": frame.city.counts.get(c.path, 0)}
                for c in frame.city.columns_of(path)
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


def not_found(frame: Frame) -> Page:
    return frame.page(
        "/404.html",
        "not-found",
        "没有找到这个页面",
        frame.city.portal,
        {},
        crumbs=[("首页", "/"), ("没有找到", None)],
    )
