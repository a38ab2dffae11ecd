"""What stands on every page."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from sitegen import phrases, pictures
from sitegen.archived import Published, Retired
from sitegen.city import City
from sitegen.clock import SHANGHAI
from sitegen.editions import Edition
from sitegen.model import Column, Interpretation, Policy, Service, Site, url_of
from sitegen.pages import linked_data
from sitegen.pages.items import item_of
from sitegen.pages.values import Data, Page, digest_of
from sitegen.state.rows import Line


@dataclass(kw_only=True)
class Frame:
    """What every page has (identity, navigation, breadcrumb, stamp) and how an item of a list looks.

    `engine`: digest of all that turns the same data into other bytes; `shared`: name → value that many pages have.
    """

    city: City
    assets: Mapping[str, str]
    engine: str
    shared: dict[str, Any] = field(default_factory=dict)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)
    _organisations: dict[str, Data] = field(default_factory=dict)
    _items: dict[str, Data] = field(default_factory=dict)
    _names: dict[tuple[str, str | None, bool], Mapping[str, str]] = field(default_factory=dict)

    def page(
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
        archived: Data | None = None,
        home: bool = False,
    ) -> Page:
        if lang == "en":
            crumbs = [(_ENGLISH.get(name, name), link) for name, link in crumbs]
        city = self.city
        canonical = city.site_url.rstrip("/") + url
        site_name = site.title_en if lang == "en" and site.title_en else site.title
        names = [title] + ([column.title] if column and column.title != title else []) + [site_name]
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
            "meta": [
                [name, text]
                for name, text in (*self._site_meta(site), *_described(meta, site), ("Url", canonical))
                if text
            ],
            "json_ld": linked_data.graph(
                city.site_url, self._organisation(site), canonical, template, title, crumbs, extra
            ),
            "open_graph": linked_data.open_graph(site_name, canonical, template, title, extra, city.site_url),
            "alternates": self._alternates(site, column, home),
            "breadcrumb": [{"title": name, "url": link} for name, link in crumbs],
            "notices": [] if archived else self._retiring(site, column),
            "search_url": self.city.search_url,
            "modes": self._editions(site, column),
            "feed": f"{url_of(column.source)}feed.xml" if column is not None and not archived else None,
            "report_url": report_url(site, canonical),
            "archived": archived,
            "mode": None,
            **extra,
        }
        return Page(
            url=url,
            gov=gov,
            shared=self._shared_names(site, column, home),
            source=source,
            body=body,
            place=edition.place if edition else "",
            blob=edition.article.blob if edition else "",
            files=frozenset(edition.article.assets) if edition else frozenset(),
            pictures=self._pictures(edition),
            phrases=tuple(phrases.pairs(edition.article.traditional)) if edition else (),
        )

    def pictured(self, line: Line) -> Data:
        """An item with its picture as a file: `picture` is path under content/, digest and place."""
        return {**self.item(line), "picture": self._picture(line)}

    def _picture(self, line: Line) -> list[str] | None:
        edition = self.city.edition(line.path)
        image = edition.article.image or ""
        known = self._pictures(edition).get(image)
        return [image, *known] if known else None

    def _pictures(self, edition: Edition | None) -> dict[str, tuple[str, str]]:
        if edition is None or not edition.attachments or not self.city.portal.pictures:
            return {}
        return {a.path: (a.digest, a.place) for a in edition.attachments if pictures.is_picture(a.path)}

    def _organisation(self, site: Site) -> Data:
        """The institution as schema.org knows it; made once for each site."""
        found = self._organisations.get(site.path)
        if found is None:
            unit = self.city.records.unit_name(site.sponsor) or site.title
            found = linked_data.organisation(self.city.site_url.rstrip("/") + url_of(site.source), unit, site)
            self._organisations[site.path] = found
        return found

    @cached_property
    def _english(self) -> Column | None:
        """The portal's first column in English."""
        return next((c for c in self.city.columns_of("") if c.lang == "en"), None)

    def _alternates(self, site: Site, column: Column | None, home: bool) -> list[list[str]]:
        """The portal's home and the English column are each other's counterpart."""
        english = self._english
        if english is None or not (column is english or (home and not site.path)):
            return []
        base = self.city.site_url.rstrip("/")
        return [["zh-Hans", f"{base}/"], ["en", base + url_of(english.source)]]

    def _editions(self, site: Site, column: Column | None) -> list[Data]:
        """Links of the strip: the other language, and the statement on accessibility."""
        found = []
        if column is not None and column.lang == "en":
            found.append({"title": "中文", "url": "/"})
        elif self._english is not None:
            found.append({"title": "English", "url": url_of(self._english.source)})
        if url := site.access_url or self.city.portal.access_url:
            found.append({"title": "无障碍" if column is None or column.lang != "en" else "Accessibility", "url": url})
        return found

    def _retiring(self, site: Site, column: Column | None) -> list[Data]:
        """The banner that says, on every page of a section that will retire, what becomes of it (第十二条)."""
        place = column.path if column else site.path
        told = (path for path in self.city.retiring if place == path or place.startswith(f"{path}/"))
        one = self.city.retiring.get(max(told, key=len, default=""))
        if one is None:
            return []
        text = f"自 {one.on} 起公告：本栏目将停止更新，最早于 {one.until} 归档；已有内容保留，可继续查阅。"
        return [{"label": "停止更新公告", "text": text, "url": one.notice, "link": "查看公告"}]

    def _shared_names(self, site: Site, column: Column | None, home: bool) -> Mapping[str, str]:
        place = (site.path, column.path if column else None, home)
        if place not in self._names:
            self._names[place] = self._new_names(site, column, home)
        return self._names[place]

    def _new_names(self, site: Site, column: Column | None, home: bool) -> Mapping[str, str]:
        english = column is not None and column.lang == "en"
        return {
            "portal": self._share("site:", self.city.portal.path, lambda: self._identity(self.city.portal)),
            "site": self._share("site:", site.path, lambda: self._identity(site)),
            "nav": self._nav(site, column, home),
            "menu": self._menu(site, column),
            "footer_groups": self._share("footer", "none", list)
            if english
            else self._share("footer", "groups", self._footer_groups),
            "footer_links": self._share("footer", "none", list)
            if english
            else self._share("footer", "links", self._footer_links),
            "assets": self._share("assets", "", lambda: dict(self.assets)),
        }

    def around(self, site: Site, column: Column | None = None) -> str:
        """Digest of everything on a page of a site or column that does not come from what the page is about."""
        place = (site.path, column.path if column else "")
        if place not in self._digests:
            names = [self._shared_names(site, column, home) for home in (False, True)]
            facts: list[Any] = [self._common, _site_facts(site), names, self._retiring(site, column)]
            facts += [self._shared_digest(name) for found in names for name in found.values()]
            if column is not None:
                children = [[c.title, c.source, c.description] for c in self.city.children(column)]
                retired = self.city.is_retired_column(column.path)
                facts += [_column_facts(column), self.crumbs(site, column), children]
                facts += [self.section_stamp(column.source) if retired else None, self.city.histories_of(column)]
            self._digests[place] = digest_of(facts)
        return self._digests[place]

    @property
    def _common(self) -> list[Any]:
        edition = [*self.city.phrases.items()] if self.city.portal.traditional else None
        settings = [edition, self.city.portal.pictures]
        return [self.engine, self.city.site_url, self.city.search_url, self._retirements, settings]

    def _shared_digest(self, name: str) -> str:
        if ("", f"/{name}") not in self._digests:
            self._digests["", f"/{name}"] = digest_of([self.shared[name]])
        return self._digests["", f"/{name}"]

    @property
    def _retirements(self) -> list[Data]:
        """What the stamps of pages retired in place say."""
        return [self._stamp_words(index) for index in self.city.published if index.mode == "in-place"]

    def key(self, line: Line | None) -> str:
        """Digest of an article as lists show it, with what its relations add."""
        if line is None:
            return ""
        if line.kind == "policy":
            return f"{line.item}+" if self.city.articles.interpretations(line.id) else line.item
        if line.kind == "interpretation":
            return f"{line.item} {self._number_of(line)}"
        if line.kind == "leader":
            _path, digest, _place = self._picture(line) or ("", "", "")
            return f"{line.item} {digest}"
        return line.item

    def _number_of(self, line: Line) -> str | None:
        """文号 of the first policy that an interpretation explains."""
        details = self.city.edition(line.path).article.details
        policies = self.city.policies(details.interprets) if isinstance(details, Interpretation) else []
        found = self.city.edition(policies[0].path).article.details if policies else None
        return found.doc_number if isinstance(found, Policy) else None

    def _share(self, kind: str, name: str, value: Callable[[], Any]) -> str:
        key = kind + name
        if key not in self.shared:
            self.shared[key] = value()
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
            "title_en": site.title_en,
            "centre_url": site.centre_url,
            "access_url": site.access_url or portal.access_url,
            "badges": {name: f"/{quote(path)}" for name, path in {**portal.badges, **site.badges}.items()},
        }

    def _site_meta(self, site: Site) -> list[tuple[str, str]]:
        host = self.city.site_url.split("://")[1].rstrip("/")
        return [("SiteName", site.title), ("SiteDomain", host), ("SiteIDCode", site.id_code)]

    def _nav(self, site: Site, column: Column | None, home: bool) -> str:
        """The portal's navigation stands on its departments too; a county has its own. What is in English leads to what
        is in English, and back to the Chinese home."""
        if column is not None and column.lang == "en":
            return self._english_nav(site, column)
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

    def _english_nav(self, site: Site, column: Column) -> str:
        current = self._top(column)
        columns = [c for c in self.city.columns_of(site.path) if c.lang == "en"]
        back = {"title": "中文首页", "url": url_of(site.source), "current": False}
        return self._share("nav:en:", current, lambda: [*[menu_entry(c, current) for c in columns], back])

    def _menu(self, site: Site, column: Column | None) -> str:
        current = self._top(column) if column is not None and column.site == site.path else None
        english = column is not None and column.lang == "en"

        def value() -> list[Data]:
            return [menu_entry(c, current) for c in self.city.columns_of(site.path) if (c.lang == "en") == english]

        return self._share("menu:", f"{site.path}:{current or ''}:{english}", value)

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
        links += supervision_links(self.city)
        links.append({"title": "网站地图", "url": "/sitemap.html"})
        if self.copies:
            links.append({"title": "已归档网站", "url": "/archive/"})
        return links

    def item(self, line: Line) -> Data:
        """docs/THEME.md, Items in lists. Not to be changed: neighbours share it."""
        found = self._items.get(line.path)
        if found is None:
            if len(self._items) >= 256:
                self._items.clear()
            found = self._items[line.path] = self._item(line)
        return found

    def _item(self, line: Line) -> Data:
        item = item_of(self.city.edition(line.path).article)
        if line.kind == "policy" and self.city.articles.interpretations(line.id):
            item["badges"].insert(0, "有解读")
        elif line.kind == "interpretation":
            item["doc_number"] = self._number_of(line)
        elif line.kind == "leader":
            item["picture"] = self._picture(line)
        return item

    def items(self, lines: Iterable[Line]) -> list[Data]:
        return [self.item(line) for line in lines]

    def crumbs(self, site: Site, column: Column) -> list[tuple[str, str | None]]:
        crumbs: list[tuple[str, str | None]] = [("首页", "/")]
        if site.path:
            crumbs.append((site.title, url_of(site.source)))
        return crumbs + [(c.title, url_of(c.source)) for c in self.city.ancestors(column)]

    @property
    def copies(self) -> list[Published]:
        return [index for index in self.city.published if index.mode == "copies"]

    def stamp(self, retired: Retired) -> Data:
        return {
            **self._stamp_words(retired.index),
            "captured_at": _shanghai(retired.captured_at),
            "original_url": retired.original_url,
        }

    def _stamp_words(self, index: Published) -> Data:
        raw = index.raw
        successor = raw.get("successor") or {}
        return {
            "label": raw["label"],
            "archived_on": raw["archived_on"],
            "reason": raw.get("reason") or "",
            "unit": self.city.records.unit_name(str(raw.get("unit") or "")),
            "approval": (raw.get("approval") or {}).get("document") or "",
            "successor": {"title": successor["title"], "url": successor["url"]} if successor.get("url") else None,
            "catalogue_url": index.catalogue_url,
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


def _described(meta: Sequence[tuple[str, str]], site: Site) -> Sequence[tuple[str, str]]:
    """With a `Description` in any case: the text's own, else the column's, else the site's."""
    known = dict(meta)
    if known.get("Description"):
        return meta
    said = known.get("ColumnDescription") or site.description
    return [*[(name, text) for name, text in meta if name != "Description"], ("Description", said)]


_ENGLISH = {"首页": "Home", "正文": "Text"}
"""What the breadcrumb of a page in English says."""
_NOT_AROUND = {"body", "digest"}
"""A section's own text stands on its own page only."""
_site_facts = attrgetter(*(f.name for f in fields(Site) if f.name not in _NOT_AROUND))
_column_facts = attrgetter(*(f.name for f in fields(Column) if f.name not in _NOT_AROUND))


def supervision_links(city: City) -> list[Data]:
    """On every page, so on the home page too, as the annual report must be (国办函〔2018〕12号): its newest, and the rest."""
    years = [one for one in city.reports if one.published_on and not one.site]
    newest = max(years, key=lambda one: one.year, default=None)
    links = [{"title": f"{newest.year}年工作报表", "url": f"/supervision/annual-{newest.name}.html"}] if newest else []
    if any(q.published_on for q in city.quarters) or any(r.published_on for r in city.reports):
        links.append({"title": "网站监管", "url": "/supervision/"})
    return links


def report_url(site: Site, page_url: str) -> str:
    """「我为政府网站找错」 with this page's address (STANDARDS §2.6)."""
    return (
        f"https://zfwzgl.www.gov.cn/exposure/jiucuo.html?site_code={quote(site.id_code)}&url={quote(page_url, safe='')}"
    )


def menu_entry(column: Column, current: str | None) -> Data:
    return {**column_link(column), "current": column.path == current}


def column_link(column: Column) -> Data:
    """`lang`: of a title that is not Chinese, else None."""
    lang = language(column.lang)
    return {"title": column.title, "url": url_of(column.source), "lang": None if lang.startswith("zh") else lang}


def site_link(site: Site) -> Data:
    return {"title": site.short_name if site.kind == "department" else site.title, "url": url_of(site.source)}


def language(code: str) -> str:
    return "zh-Hans-CN" if code in {"", "zh", "zh-CN"} else code


def themes(services: Iterable[Service]) -> list[str]:
    order = ("住房", "教育", "医疗", "社保", "就业", "交通", "开办企业", "养老助残")
    found = {service.theme for service in services} - {""}
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
