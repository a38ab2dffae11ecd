"""The catalogue of what is archived."""

from __future__ import annotations

from datetime import datetime

from sitegen.archived import Published
from sitegen.clock import SHANGHAI
from sitegen.pages.frame import Frame, column_meta, newest_by_site
from sitegen.pages.values import Data, Page, Recipe


def recipes(frame: Frame) -> list[Recipe]:
    """The catalogue and one page for each site in it."""
    newest = newest_by_site(frame.city.published)
    return [("catalogue",), *(("archive-site", index.site) for index in newest)] if newest else []


def key(frame: Frame, site: str) -> list[str]:
    """What the page of an archived site follows from: its indexes as they are."""
    indexes = [index for index in frame.city.published if index.site == site]
    return [*(index.digest for index in indexes), *(_unit(frame, index) for index in indexes)]


def _unit(frame: Frame, index: Published) -> str:
    return frame.city.records.unit_name(str(index.raw.get("unit") or ""))


def catalogue(frame: Frame) -> Page:
    sites = [
        {
            "name": index.raw["name"],
            "url": index.catalogue_url,
            "host": str(index.raw.get("start") or ""),
            "archived_on": index.raw["archived_on"],
            "reason": index.raw.get("reason") or "",
            "unit": _unit(frame, index),
            "pages": len(index.raw.get("pages") or ()),
        }
        for index in newest_by_site(frame.city.published)
    ]
    return frame.page(
        "/archive/",
        "catalogue",
        "已归档网站",
        frame.city.portal,
        {"sites": sites},
        crumbs=[("首页", "/"), ("已归档网站", None)],
        meta=column_meta("已归档网站", "停办或并入本门户的网站与栏目，全部页面保存原貌"),
    )


def archived_site(frame: Frame, site: str) -> Page:
    index = next(index for index in newest_by_site(frame.city.published) if index.site == site)
    captures = [
        {"timestamp": i.timestamp, "url": i.raw.get("home") or "", "date": _shanghai_date(i.timestamp)}
        for i in frame.city.published
        if i.site == site
    ]
    capture: Data = {key: value for key, value in index.raw.items() if key not in {"files", "capture"}}
    capture["unit_name"] = _unit(frame, index)
    capture["captures"] = captures
    capture["pages"] = [page for page in capture.get("pages") or () if page.get("kind") == "page"]
    capture["warc_digests"] = dict((index.raw.get("capture") or {}).get("sha256") or {})
    name = str(index.raw["name"])
    return frame.page(
        index.catalogue_url,
        "archive-site",
        name,
        frame.city.portal,
        {"capture": capture},
        crumbs=[("首页", "/"), ("已归档网站", "/archive/"), (name, None)],
        meta=column_meta(name, f"{name}归档目录"),
    )


def _shanghai_date(timestamp: str) -> str:
    """Calendar date in Asia/Shanghai of a capture's timestamp (UTC)."""
    return f"{datetime.strptime(timestamp + '+0000', '%Y%m%d%H%M%S%z').astimezone(SHANGHAI):%Y-%m-%d}"
