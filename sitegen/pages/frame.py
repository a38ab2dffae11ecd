"""What stands on every page."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sitegen.archived import Published, Retired
from sitegen.city import City
from sitegen.clock import SHANGHAI
from sitegen.editions import Edition
from sitegen.model import (
    Column,
    Interpretation,
    Leader,
    Message,
    Policy,
    Service,
    Site,
    url_of,
)
from sitegen.pages.values import Data, Page, Pages


@dataclass(slots=True, kw_only=True)
class Frame:
    """Collects pages; knows what every page has: identity, navigation, breadcrumb, stamp, and how an item of a list looks."""

    city: City
    sizes: Callable[[str], int]
    assets: Mapping[str, str]
    result: Pages

    def add(
        self,
        url: str,
        template: str,
        title: str,
        site: Site,
        extra: Data,
        *,
        crumbs: Sequence[tuple[str, str | None]],
        meta: Sequence[tuple[str, str]] = (),
        column: Column | None = None,
        lang: str = "zh-Hans-CN",
        source: str = "",
        body: str = "",
        edition: Edition | None = None,
        changed: datetime | None = None,
        archived: Data | None = None,
        home: bool = False,
    ) -> None:
        city = self.city
        canonical = city.site_url.rstrip("/") + url
        names = [title] + ([column.title] if column and column.title != title else []) + [site.title]
        document_title = site.title if home else " - ".join(dict.fromkeys(names))
        if archived:
            document_title = f"【{archived['label']}】{document_title}"
        gov: Data = {
            "template": template,
            "title": title,
            "document_title": document_title,
            "url": url,
            "canonical": canonical,
            "lang": lang,
            "meta": [[name, text] for name, text in (*self._site_meta(site), *meta, ("Url", canonical)) if text],
            "json_ld": None,
            "breadcrumb": [{"title": name, "url": link} for name, link in crumbs],
            "notices": [],
            "search_url": None,
            "modes": [],
            "report_url": report_url(site, canonical),
            "archived": archived,
            **extra,
        }
        shared = {
            "portal": self._share("site:", self.city.portal.path, lambda: self._identity(self.city.portal)),
            "site": self._share("site:", site.path, lambda: self._identity(site)),
            "nav": self._nav(site, column, home),
            "menu": self._menu(site, column),
            "footer_groups": self._share("footer", "groups", self._footer_groups),
            "footer_links": self._share("footer", "links", self._footer_links),
            "assets": self._share("assets", "", lambda: dict(self.assets)),
        }
        self.result.pages.append(
            Page(
                url=url,
                gov=gov,
                shared=shared,
                source=source,
                body=body,
                column=column.path if column else "",
                edition=edition,
                changed=changed,
            )
        )

    def _share(self, kind: str, name: str, value: Callable[[], Any]) -> str:
        key = kind + name
        if key not in self.result.shared:
            self.result.shared[key] = value()
        return key

    def _identity(self, site: Site) -> Data:
        portal, records = self.city.portal, self.city.records
        host = self.city.site_url.split("://")[1].rstrip("/")
        return {
            "title": site.title,
            "short_name": site.short_name,
            "url": url_of(site.source),
            "domain": f"{host}/{site.path}" if site.path else host,
            "kind": site.kind,
            "id_code": site.id_code,
            "icp": site.icp,
            "police": site.police,
            "sponsor": records.unit_name(site.sponsor),
            "operator": records.unit_name(site.operator),
            "address": site.address,
            "hours": site.hours,
            "phone": site.phone,
            "email": site.email,
            "hotline": site.hotline or portal.hotline,
            "parent_name": portal.parent_name if site.kind == "portal" else portal.title,
            "parent_url": portal.parent_url if site.kind == "portal" else "/",
            "report_url": report_url(site, self.city.site_url.rstrip("/") + url_of(site.source)),
            "leader": site.leader,
            "department": site.department,
            "person": site.person,
            "liaison": site.liaison,
        }

    def _site_meta(self, site: Site) -> list[tuple[str, str]]:
        host = self.city.site_url.split("://")[1].rstrip("/")
        return [("SiteName", site.title), ("SiteDomain", host), ("SiteIDCode", site.id_code)]

    def _nav(self, site: Site, column: Column | None, home: bool) -> str:
        """The portal's navigation stands on its departments too; a county has its own."""
        owner = site if site.kind == "county" else self.city.portal
        columns = self.city.columns_of(owner.path)
        if owner.nav:
            by_path = {c.path: c for c in columns}
            wanted = [posixpath.join(owner.path, name) for name in owner.nav]
            columns = [by_path[path] for path in wanted if path in by_path]
        current = self._top(column) if column is not None and column.site == owner.path else None
        at_home = home and site is owner

        def value() -> list[Data]:
            entries = [{"title": "首页", "url": url_of(owner.source), "current": at_home}]
            return entries + [menu_entry(c, current) for c in columns]

        return self._share("nav:", f"{owner.path}:{current or ('/' if at_home else '')}", value)

    def _menu(self, site: Site, column: Column | None) -> str:
        current = self._top(column) if column is not None and column.site == site.path else None

        def value() -> list[Data]:
            return [menu_entry(c, current) for c in self.city.columns_of(site.path)]

        return self._share("menu:", f"{site.path}:{current or ''}", value)

    def _top(self, column: Column) -> str:
        return self.city.ancestors(column)[0].path

    def _footer_groups(self) -> list[Data]:
        groups = [
            {"title": title, "links": [{"title": link.title, "url": link.url} for link in links]}
            for title, links in self.city.links.groups
        ]
        for title, kind in (("县区", "county"), ("市直部门", "department")):
            sites = self.city.sites_of_kind(kind)
            if sites and title not in {group["title"] for group in groups}:
                groups.append({"title": title, "links": [site_link(site) for site in sites]})
        return groups

    def _footer_links(self) -> list[Data]:
        links = [{"title": link.title, "url": link.url} for link in self.city.links.footer]
        links.append({"title": "网站地图", "url": "/sitemap.html"})
        if self.copies:
            links.append({"title": "已归档网站", "url": "/archive/"})
        return links

    def item(self, edition: Edition) -> Data:
        article = edition.article
        item: Data = {
            "title": article.title,
            "url": article.url,
            "date": f"{article.date:%Y-%m-%d}",
            "date_short": f"{article.date:%m-%d}",
            "date_time": f"{article.date:%Y-%m-%d %H:%M}",
            "datetime": article.date.isoformat(timespec="minutes"),
            "summary": article.description,
            "image": "/" + quote(article.image) if article.image else None,
            "source": article.source,
            "kind": article.kind,
            "doc_number": None,
            "badges": [],
        }
        match article.details:
            case Policy() as policy:
                item["doc_number"] = policy.doc_number
                item["badges"] += ["有解读"] if self.city.interpretations(article) else []
                item["badges"] += [f"已{policy.validity}"] if policy.validity in {"废止", "失效"} else []
            case Interpretation() as interpretation:
                policies = self.city.policies(interpretation.interprets)
                details = policies[0].article.details if policies else None
                item["doc_number"] = details.doc_number if isinstance(details, Policy) else None
                item["badges"] += [interpretation.form]
            case Leader() as leader:
                item |= {"position": leader.position, "duties": leader.duties}
            case Message() as message:
                days = (message.replied_on - message.received_on).days
                item |= {"replied_by": message.replied_by, "days": days, "message_type": message.message_type}
            case Service() as service:
                item |= {"theme": service.theme, "audience": service.audience, "life_event": service.life_event}
        return item

    def crumbs(self, site: Site, column: Column) -> list[tuple[str, str | None]]:
        crumbs: list[tuple[str, str | None]] = [("首页", "/")]
        if site.path:
            crumbs.append((site.title, url_of(site.source)))
        return crumbs + [(c.title, url_of(c.source)) for c in self.city.ancestors(column)]

    @property
    def copies(self) -> list[Published]:
        return [index for index in self.city.published if index.mode == "copies"]

    def stamp(self, retired: Retired) -> Data:
        raw = retired.index.raw
        successor = raw.get("successor") or {}
        return {
            "label": raw["label"],
            "archived_on": raw["archived_on"],
            "captured_at": _shanghai(retired.captured_at),
            "original_url": retired.original_url,
            "reason": raw.get("reason") or "",
            "unit": self.city.records.unit_name(str(raw.get("unit") or "")),
            "approval": (raw.get("approval") or {}).get("document") or "",
            "successor": {"title": successor["title"], "url": successor["url"]} if successor.get("url") else None,
            "catalogue_url": retired.index.catalogue_url,
        }

    def section_stamp(self, source: str) -> Data | None:
        index = self.city.retired_sections.get(posixpath.dirname(source))
        for page in index.raw.get("pages") or () if index else ():
            if index and page.get("source") == source:
                return self.stamp(
                    Retired(
                        source=source,
                        digest=page["digest"],
                        blob=page["blob"],
                        captured_at=page["captured_at"],
                        original_url=page["target_uri"],
                        index=index,
                    )
                )
        return None


def report_url(site: Site, page_url: str) -> str:
    """「我为政府网站找错」 with this page's address (STANDARDS §2.6)."""
    return (
        f"https://zfwzgl.www.gov.cn/exposure/jiucuo.html?site_code={quote(site.id_code)}&url={quote(page_url, safe='')}"
    )


def menu_entry(column: Column, current: str | None) -> Data:
    return {"title": column.title, "url": url_of(column.source), "current": column.path == current}


def site_link(site: Site) -> Data:
    return {"title": site.short_name if site.kind == "department" else site.title, "url": url_of(site.source)}


def latest(moments: Iterable[datetime]) -> datetime | None:
    return max(moments, default=None)


def language(code: str) -> str:
    return "zh-Hans-CN" if code in {"", "zh", "zh-CN"} else code


def themes(city: City) -> list[str]:
    order = ("住房", "教育", "医疗", "社保", "就业", "交通", "开办企业", "养老助残")
    found = {e.article.details.theme for e in city.services if isinstance(e.article.details, Service)} - {""}
    return [name for name in order if name in found] + sorted(found - set(order))


def newest_by_site(indexes: Iterable[Published]) -> list[Published]:
    newest: dict[str, Published] = {}
    for index in sorted(indexes, key=lambda i: i.timestamp):
        newest[index.site] = index
    return [newest[site] for site in sorted(newest)]


def column_meta(name: str, description: str) -> list[tuple[str, str]]:
    return [
        ("ColumnName", name),
        ("ColumnDescription", description),
        ("ColumnKeywords", name),
        ("ColumnType", "概况信息"),
    ]


def _shanghai(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
