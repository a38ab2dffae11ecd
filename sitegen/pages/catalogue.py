"""The catalogue of what is archived."""

from __future__ import annotations

from datetime import datetime

from sitegen.clock import SHANGHAI
from sitegen.pages.frame import (
    Frame,
    column_meta,
    newest_by_site,
)
from sitegen.pages.values import Data


def add_catalogue(frame: Frame) -> None:
    if not frame.city.published:
        return
    portal = frame.city.portal
    newest = newest_by_site(frame.city.published)
    sites = [
        {
            "name": index.raw["name"],
            "url": index.catalogue_url,
            "host": str(index.raw.get("start") or ""),
            "archived_on": index.raw["archived_on"],
            "reason": index.raw.get("reason") or "",
            "unit": frame.city.records.unit_name(str(index.raw.get("unit") or "")),
            "pages": len(index.raw.get("pages") or ()),
        }
        for index in newest
    ]
    crumbs: list[tuple[str, str | None]] = [("首页", "/")]
    frame.add(
        "/archive/",
        "catalogue",
        "已归档网站",
        portal,
        {"sites": sites},
        crumbs=[*crumbs, ("已归档网站", None)],
        meta=column_meta("已归档网站", "停办或并入本门户的网站与栏目，全部页面保存原貌"),
    )
    for index in newest:
        captures = [
            {"timestamp": i.timestamp, "url": i.raw.get("home") or "", "date": _shanghai_date(i.timestamp)}
            for i in frame.city.published
            if i.site == index.site
        ]
        capture: Data = {key: value for key, value in index.raw.items() if key not in {"files", "capture"}}
        capture["unit_name"] = frame.city.records.unit_name(str(index.raw.get("unit") or ""))
        capture["captures"] = captures
        capture["pages"] = [page for page in capture.get("pages") or () if page.get("kind") == "page"]
        capture["warc_digests"] = dict((index.raw.get("capture") or {}).get("sha256") or {})
        name = str(index.raw["name"])
        frame.add(
            index.catalogue_url,
            "archive-site",
            name,
            portal,
            {"capture": capture},
            crumbs=[*crumbs, ("已归档网站", "/archive/"), (name, None)],
            meta=column_meta(name, f"{name}归档目录"),
        )


def _shanghai_date(timestamp: str) -> str:
    """Calendar date in Asia/Shanghai of a capture's timestamp (UTC)."""
    return f"{datetime.strptime(timestamp + '+0000', '%Y%m%d%H%M%S%z').astimezone(SHANGHAI):%Y-%m-%d}"
