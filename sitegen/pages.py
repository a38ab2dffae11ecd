"""Every page of the city as a value: its file, its template and exactly the data its template sees (docs/THEME.md).

A page is a pure function of this value, of its Markdown and of the links in it; that is why comparing the values of
two builds finds all that must be rendered again. What many pages share (identity, menus) is named, not copied.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sitegen.archived import Published, Retired
from sitegen.city import City
from sitegen.clock import SHANGHAI
from sitegen.editions import Edition
from sitegen.model import (
    FUNCTIONS,
    Article,
    Column,
    Interpretation,
    Leader,
    Message,
    Policy,
    Service,
    Site,
    file_of,
    url_of,
)

PAGE_SIZE = 20
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

Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`gov` is JSON; `shared` maps a key of `gov` to the name of a value in `Pages.shared`."""

    url: str
    gov: Data
    shared: Mapping[str, str]
    source: str = ""
    """Path under content/ for resolving links; empty: the page has no Markdown."""
    body: str = ""
    column: str = ""
    edition: Edition | None = None
    changed: datetime | None = None
    """True `lastmod`; None: not in the sitemap."""

    @property
    def file(self) -> str:
        return file_of(self.url)


@dataclass(slots=True)
class Pages:
    pages: list[Page] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)


def make(city: City, sizes: Callable[[str], int], assets: Mapping[str, str]) -> Pages:
    """All pages, in the order of their URLs. `sizes(path)` gives an attachment's bytes; `assets`: the theme's files."""
    maker = _Maker(city=city, sizes=sizes, assets=assets, result=Pages())
    maker.run()
    maker.result.pages.sort(key=lambda page: page.url)
    return maker.result


def key_of(page: Page, shared_digests: Mapping[str, str], engine: str) -> str:
    """The digest of all that a page's bytes follow from, its links' targets excepted (those are recorded reads)."""
    facts = {
        "engine": engine,
        "gov": page.gov,
        "shared": {key: shared_digests[name] for key, name in page.shared.items()},
        "body": hashlib.sha256(page.body.encode()).hexdigest(),
        "source": page.source,
    }
    return digest_of(facts)


def digest_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(slots=True, kw_only=True)
class _Maker:
    city: City
    sizes: Callable[[str], int]
    assets: Mapping[str, str]
    result: Pages

    def run(self) -> None:
        for site in self.city.sites.values():
            self._site(site)
        for column in self.city.columns.values():
            self._column(column)
        for edition in self.city.editions.values():
            self._article(edition)
        for edition in self.city.expired.values():
            self._tombstone(edition)
        self._catalogue()
        self._site_map()
        self._not_found()

    # --- what every page has ---------------------------------------------------------------------------------

    def _add(
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
            "nav": self._nav(site, column),
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

    def _nav(self, site: Site, column: Column | None) -> str:
        """The portal's navigation stands on its departments too; a county has its own."""
        owner = site if site.kind == "county" else self.city.portal
        columns = self.city.columns_of(owner.path)
        if owner.nav:
            by_path = {c.path: c for c in columns}
            wanted = [posixpath.join(owner.path, name) for name in owner.nav]
            columns = [by_path[path] for path in wanted if path in by_path]
        current = self._top(column) if column is not None and column.site == owner.path else None
        home = "/" if column is None and site is owner else None

        def value() -> list[Data]:
            entries = [{"title": "首页", "url": url_of(owner.source), "current": home is not None}]
            return entries + [_menu_entry(c, current) for c in columns]

        return self._share("nav:", f"{owner.path}:{current or home or ''}", value)

    def _menu(self, site: Site, column: Column | None) -> str:
        current = self._top(column) if column is not None and column.site == site.path else None

        def value() -> list[Data]:
            return [_menu_entry(c, current) for c in self.city.columns_of(site.path)]

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
                groups.append({"title": title, "links": [_site_link(site) for site in sites]})
        return groups

    def _footer_links(self) -> list[Data]:
        links = [{"title": link.title, "url": link.url} for link in self.city.links.footer]
        links.append({"title": "网站地图", "url": "/sitemap.html"})
        if self._copies:
            links.append({"title": "已归档网站", "url": "/archive/"})
        return links

    # --- homes and columns -----------------------------------------------------------------------------------

    def _site(self, site: Site) -> None:
        retired = self.city.retired_sections.get(site.path)
        extra = self._portal_home(site) if site.kind == "portal" else {"blocks": self._blocks(site)}
        changed = _latest(
            edition.signed_at for column in self.city.columns_of(site.path) for edition in self.city.listed(column.path)
        )
        crumbs: list[tuple[str, str | None]] = [("首页", "/")] if site.kind != "portal" else []
        if site.kind == "portal":
            extra["notices"] = self._notices()
        self._add(
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
            archived=self._section_stamp(site.source) if retired else None,
            home=True,
        )

    def _portal_home(self, site: Site) -> Data:
        city = self.city
        columns = city.columns_of(site.path)
        blocks: Data = {}
        for column in columns:
            name = _HOME_BLOCKS.get(column.class_name)
            if name and name not in blocks and city.listed(column.path):
                items = [self._item(e) for e in city.listed(column.path)[:HOME_ITEMS]]
                blocks[name] = {"title": column.title, "url": url_of(column.source), "items": items}
        news = next((c for c in columns if c.class_name == "政务动态"), None)
        stories = city.listed(news.path) if news else []
        service_column = next((c for c in columns if c.holds == "service"), None)
        service_url = url_of(service_column.source) if service_column else None
        topics = [c for c in city.columns.values() if c.kind == "topic" and not city.is_retired_column(c.path)]
        return {
            "headline": self._item(stories[0]) if stories else None,
            "pictures": [self._item(e) for e in stories if e.article.image][:3],
            "blocks": blocks,
            "service_themes": self._service_groups("theme", service_url, _themes(city)),
            "life_events": self._service_groups("life_event", service_url, LIFE_EVENTS),
            "popular_services": [self._item(e) for e in city.services[:4]],
            "topics": [
                {"title": t.title, "summary": t.description, "url": url_of(t.source)}
                for t in sorted(topics, key=lambda t: (t.order, t.path))
            ],
            "departments": [_site_link(s) for s in city.sites_of_kind("department")],
            "counties": [_site_link(s) for s in city.sites_of_kind("county")],
            "archive": self._archive_totals(),
            "functions": [
                {
                    "title": function,
                    "links": [{"title": c.title, "url": url_of(c.source)} for c in columns if c.function == function],
                }
                for function in FUNCTIONS
            ],
        }

    def _service_groups(self, attribute: str, url: str | None, names: Iterable[str]) -> list[Data]:
        groups = []
        for name in names:
            found = [e for e in self.city.services if getattr(e.article.details, attribute) == name]
            if found and url:
                examples = "、".join(_short_service(e.article.title) for e in found[:3])
                groups.append({"title": name, "examples": examples, "url": f"{url}#{name}", "count": len(found)})
        return groups

    def _blocks(self, site: Site) -> list[Data]:
        """What people come for first; what the institution says of itself last."""
        blocks = []
        columns = self.city.columns_of(site.path)
        for column in sorted(columns, key=lambda c: c.class_name in {"机构职能", "概况信息", "负责人信息"}):
            items = [self._item(e) for e in self.city.listed(column.path)[:BLOCK_ITEMS]]
            if items:
                blocks.append(
                    {"title": column.title, "url": url_of(column.source), "items": items, "function": column.function}
                )
        return blocks

    def _notices(self) -> list[Data]:
        """The migration notices of sites that are retiring, from the published index (第十二条(三))."""
        found = []
        for edition in self.city.editions.values():
            article = edition.article
            if article.migrated_from and article.expire_at is None and article.kind == "article":
                for index in self._copies:
                    if index.raw.get("start") == article.migrated_from:
                        found.append(
                            {"label": "网站迁移公告", "text": article.title, "url": article.url, "link": "查看公告"}
                        )
        return found[:2]

    def _column(self, column: Column) -> None:
        city, site = self.city, self.city.sites[column.site]
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
        groups = self._groups(column, newest)
        pages = [_list_page(index_url, None, frozen)] + [_list_page(index_url, n, frozen) for n in range(frozen, 0, -1)]
        self._add_list(column, site, index_url, newest, {**common, "groups": groups}, pages[0], len(listed), frozen + 1)
        for number in range(1, frozen + 1):
            start = len(listed) - number * PAGE_SIZE
            older = listed[start : start + PAGE_SIZE]
            url = f"{index_url}list_{number}.html"
            self._add_list(
                column, site, url, older, {**common, "children": []}, _list_page(index_url, number, frozen), None, None
            )

    def _add_list(
        self,
        column: Column,
        site: Site,
        url: str,
        editions: Sequence[Edition],
        extra: Data,
        pagination: Data,
        total: int | None,
        pages: int | None,
    ) -> None:
        retired = self.city.is_retired_column(column.path)
        is_index = url == url_of(column.source)
        self._add(
            url,
            column.kind,
            column.title,
            site,
            {
                **extra,
                "items": [self._item(e) for e in editions],
                "pagination": {**pagination, "total": total, "pages": pages},
            },
            crumbs=[*self._crumbs(site, column)[:-1], (column.title, None)],
            meta=[
                ("ColumnName", column.title),
                ("ColumnDescription", column.description),
                ("ColumnKeywords", ",".join(column.keywords)),
                ("ColumnType", column.class_name),
            ],
            column=column,
            lang=_language(column.lang),
            source=column.source if is_index else "",
            body=column.body if is_index else "",
            changed=None if retired else _latest(e.signed_at for e in editions),
            archived=self._section_stamp(column.source) if retired else None,
        )

    def _groups(self, column: Column, newest: Sequence[Edition]) -> list[Data]:
        """The portal's service column shows every service of the city by theme and by life event."""
        if column.holds != "service" or column.site:
            return []
        groups = []
        for attribute, names in (("theme", _themes(self.city)), ("life_event", LIFE_EVENTS)):
            for name in names:
                found = [e for e in self.city.services if getattr(e.article.details, attribute) == name]
                if found:
                    groups.append(
                        {"title": name, "anchor": name, "by": attribute, "items": [self._item(e) for e in found]}
                    )
        return _unique_anchors(groups)

    def _crumbs(self, site: Site, column: Column) -> list[tuple[str, str | None]]:
        crumbs: list[tuple[str, str | None]] = [("首页", "/")]
        if site.path:
            crumbs.append((site.title, url_of(site.source)))
        return crumbs + [(c.title, url_of(c.source)) for c in self.city.ancestors(column)]

    # --- articles --------------------------------------------------------------------------------------------

    def _article(self, edition: Edition) -> None:
        city, article = self.city, edition.article
        column = city.columns[article.column]
        site = city.sites[column.site]
        older, newer = city.neighbours(edition)
        extra: Data = {
            "article": {
                **self._item(edition),
                "author": article.author,
                "keywords": list(article.keywords),
                "description": article.description,
                "attachments": self._attachments(article),
                "updated": None,
                "migrated_from": article.migrated_from or None,
                "archived_copy": article.archived_copy or None,
            },
            "related": [],
            "previous": self._item(older) if older else None,
            "next": self._item(newer) if newer else None,
        }
        extra |= self._details(edition)
        self._add(
            article.url,
            article.kind,
            article.title,
            site,
            extra,
            crumbs=[*self._crumbs(site, column), ("正文", None)],
            meta=[
                ("ColumnName", column.title),
                ("ColumnType", column.class_name),
                ("ArticleTitle", article.title),
                ("PubDate", f"{article.date:%Y-%m-%d %H:%M}"),
                ("ContentSource", article.source),
                ("Keywords", ",".join(article.keywords)),
                ("Author", article.author or article.source),
                ("Description", article.description),
                ("Image", city.site_url + article.image if article.image else ""),
            ],
            column=column,
            lang=_language(article.lang),
            source=article.path,
            body=article.body,
            edition=edition,
            changed=None if edition.retired else edition.signed_at,
            archived=self._stamp(edition.retired) if edition.retired else None,
        )

    def _details(self, edition: Edition) -> Data:
        article, city = edition.article, self.city
        match article.details:
            case Policy() as policy:
                return self._policy(article, policy)
            case Interpretation() as interpretation:
                policies = [self._item(e) for e in city.policies(interpretation.interprets)]
                return {"policies": policies, "form": interpretation.form}
            case Service() as service:
                return _service(service)
            case Message() as message:
                return {
                    "message": {
                        "from": message.sender,
                        "message_type": message.message_type,
                        "received_on": message.received_on.isoformat(),
                        "replied_on": message.replied_on.isoformat(),
                        "replied_by": message.replied_by,
                        "days": (message.replied_on - message.received_on).days,
                    }
                }
            case Leader() as leader:
                others = [self._item(e) for e in city.listed(article.column) if e is not edition]
                return {"leader": {"position": leader.position, "duties": leader.duties}, "colleagues": others}
        return {}

    def _policy(self, article: Article, policy: Policy) -> Data:
        city = self.city
        replaced_by, replaces = city.by_id(policy.replaced_by), city.by_id(policy.replaces)
        rows = [
            ("索引号", policy.index_number, True),
            ("主题分类", "　".join(policy.subject), False),
            ("发文机关", policy.issuer, False),
            ("成文日期", policy.written_on.isoformat(), True),
            ("标题", article.title, False),
            ("发文字号", policy.doc_number, True),
            ("发布日期", f"{article.date:%Y-%m-%d}", True),
            ("施行日期", policy.effective_on.isoformat() if policy.effective_on else "", True),
            ("有效性", policy.validity, True),
        ]
        return {
            "policy": {
                "rows": [{"label": label, "value": value, "nowrap": nowrap} for label, value, nowrap in rows if value],
                "validity": policy.validity,
                "in_force": policy.validity in {"有效", "已修改"},
                "repealed_by": self._item(replaced_by) if replaced_by else None,
                "replaces": self._item(replaces) if replaces else None,
                "effective_on": policy.effective_on.isoformat() if policy.effective_on else None,
            },
            "interpretations": [self._item(e) for e in city.interpretations(article)],
        }

    def _tombstone(self, edition: Edition) -> None:
        """An expired page says so at its address; it does not become a 404."""
        article = edition.article
        column = self.city.columns[article.column]
        site = self.city.sites[column.site]
        expired_on = article.expire_at.date().isoformat() if article.expire_at else ""
        self._add(
            article.url,
            "expired",
            article.title,
            site,
            {"expired_on": expired_on, "column_title": column.title, "column_url": url_of(column.source)},
            crumbs=[*self._crumbs(site, column), ("正文", None)],
            column=column,
        )

    def _item(self, edition: Edition) -> Data:
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

    def _attachments(self, article: Article) -> list[Data]:
        found = []
        titles = _link_texts(article.body)
        for path in sorted(article.assets):
            extension = posixpath.splitext(path)[1].lower()
            if extension in {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif"}:
                continue
            name = posixpath.basename(path)
            title = re.sub(rf"{re.escape(extension)}$", "", titles.get(name, name))
            found.append(
                {
                    "title": title,
                    "url": "/" + quote(path),
                    "type": extension[1:].upper(),
                    "size": human_size(self.sizes(path)),
                }
            )
        return found

    # --- archive, map, errors --------------------------------------------------------------------------------

    @property
    def _copies(self) -> list[Published]:
        return [index for index in self.city.published if index.mode == "copies"]

    def _archive_totals(self) -> Data | None:
        newest = _newest_by_site(self._copies)
        if not newest:
            return None
        pages = sum(len(index.raw.get("pages") or ()) for index in newest)
        return {"sites": len(newest), "pages": pages, "url": "/archive/"}

    def _stamp(self, retired: Retired) -> Data:
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

    def _section_stamp(self, source: str) -> Data | None:
        index = self.city.retired_sections.get(posixpath.dirname(source))
        for page in index.raw.get("pages") or () if index else ():
            if index and page.get("source") == source:
                return self._stamp(
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

    def _catalogue(self) -> None:
        if not self.city.published:
            return
        portal = self.city.portal
        newest = _newest_by_site(self.city.published)
        sites = [
            {
                "name": index.raw["name"],
                "url": index.catalogue_url,
                "host": str(index.raw.get("start") or ""),
                "archived_on": index.raw["archived_on"],
                "reason": index.raw.get("reason") or "",
                "unit": self.city.records.unit_name(str(index.raw.get("unit") or "")),
                "pages": len(index.raw.get("pages") or ()),
            }
            for index in newest
        ]
        crumbs: list[tuple[str, str | None]] = [("首页", "/")]
        self._add(
            "/archive/",
            "catalogue",
            "已归档网站",
            portal,
            {"sites": sites},
            crumbs=[*crumbs, ("已归档网站", None)],
            meta=_column_meta("已归档网站", "停办或并入本门户的网站与栏目，全部页面保存原貌"),
        )
        for index in newest:
            captures = [
                {"timestamp": i.timestamp, "url": i.raw.get("home") or "", "date": _shanghai_date(i.timestamp)}
                for i in self.city.published
                if i.site == index.site
            ]
            capture: Data = {key: value for key, value in index.raw.items() if key not in {"files", "capture"}}
            capture["unit_name"] = self.city.records.unit_name(str(index.raw.get("unit") or ""))
            capture["captures"] = captures
            capture["warc_digests"] = dict((index.raw.get("capture") or {}).get("sha256") or {})
            name = str(index.raw["name"])
            self._add(
                index.catalogue_url,
                "archive-site",
                name,
                portal,
                {"capture": capture},
                crumbs=[*crumbs, ("已归档网站", "/archive/"), (name, None)],
                meta=_column_meta(name, f"{name}归档目录"),
            )

    def _site_map(self) -> None:
        tree = [
            {
                "title": site.title,
                "url": url_of(site.source),
                "columns": [
                    {"title": c.title, "url": url_of(c.source), "count": len(self.city.listed(c.path))}
                    for c in self.city.columns_of(path)
                ],
            }
            for path, site in sorted(self.city.sites.items())
        ]
        self._add(
            "/sitemap.html",
            "site-map",
            "网站地图",
            self.city.portal,
            {"tree": tree},
            crumbs=[("首页", "/"), ("网站地图", None)],
            meta=_column_meta("网站地图", "本网站全部网站与栏目"),
        )

    def _not_found(self) -> None:
        self._add(
            "/404.html",
            "not-found",
            "没有找到这个页面",
            self.city.portal,
            {},
            crumbs=[("首页", "/"), ("没有找到", None)],
        )


def report_url(site: Site, page_url: str) -> str:
    """「我为政府网站找错」 with this page's address (STANDARDS §2.6)."""
    return (
        f"https://zfwzgl.www.gov.cn/exposure/jiucuo.html?site_code={quote(site.id_code)}&url={quote(page_url, safe='')}"
    )


def human_size(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def _service(service: Service) -> Data:
    facts = [
        ("事项类型", service.item_type),
        ("服务对象", service.audience),
        ("法定时限", service.legal_limit),
        ("承诺时限", service.promised_limit),
        ("收费", service.fee),
    ]
    return {
        "facts": [{"label": label, "value": value} for label, value in facts if value],
        "contact": {
            "place": service.place,
            "hours": service.hours,
            "phone": service.phone,
            "complaint_phone": service.complaint_phone,
        },
    }


def _menu_entry(column: Column, current: str | None) -> Data:
    return {"title": column.title, "url": url_of(column.source), "current": column.path == current}


def _site_link(site: Site) -> Data:
    return {"title": site.short_name if site.kind == "department" else site.title, "url": url_of(site.source)}


def _list_page(index_url: str, number: int | None, frozen: int) -> Data:
    """Numbered from the oldest, so that a full list page never changes again: it names its two neighbours only."""
    if number is None:
        older = f"{index_url}list_{frozen}.html" if frozen else None
        return {"page": None, "newer": None, "older": older, "links": []}
    newer = index_url if number == frozen else f"{index_url}list_{number + 1}.html"
    older = f"{index_url}list_{number - 1}.html" if number > 1 else None
    return {"page": number, "newer": newer, "older": older, "links": []}


def _latest(moments: Iterable[datetime]) -> datetime | None:
    return max(moments, default=None)


def _language(code: str) -> str:
    return "zh-Hans-CN" if code in {"", "zh", "zh-CN"} else code


def _themes(city: City) -> list[str]:
    order = ("住房", "教育", "医疗", "社保", "就业", "交通", "开办企业", "养老助残")
    found = {e.article.details.theme for e in city.services if isinstance(e.article.details, Service)} - {""}
    return [name for name in order if name in found] + sorted(found - set(order))


def _short_service(title: str) -> str:
    return re.sub(r"(办事|服务|申请|办理)?指南$|^示例市", "", title)[:10]


def _unique_anchors(groups: list[Data]) -> list[Data]:
    seen: set[str] = set()
    for group in groups:
        if group["anchor"] in seen:
            group["anchor"] += "-2"
        seen.add(group["anchor"])
    return groups


def _link_texts(body: str) -> dict[str, str]:
    """File name → link text, for attachments."""
    return {posixpath.basename(path): text for text, path in re.findall(r"\[([^\]]+)\]\(<?([^)\s>]+)", body)}


def _newest_by_site(indexes: Iterable[Published]) -> list[Published]:
    newest: dict[str, Published] = {}
    for index in sorted(indexes, key=lambda i: i.timestamp):
        newest[index.site] = index
    return [newest[site] for site in sorted(newest)]


def _column_meta(name: str, description: str) -> list[tuple[str, str]]:
    return [
        ("ColumnName", name),
        ("ColumnDescription", description),
        ("ColumnKeywords", name),
        ("ColumnType", "概况信息"),
    ]


def _shanghai(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _shanghai_date(timestamp: str) -> str:
    moment = datetime.strptime(timestamp + "+0000", "%Y%m%d%H%M%S%z")
    return _shanghai(moment.isoformat())[:10]
