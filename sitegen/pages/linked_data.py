"""What a page says to machines: JSON-LD in schema.org's terms, and Open Graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from sitegen.model import Site
from sitegen.pages.values import Data

_TYPES = {
    "article": "NewsArticle",
    "interpretation": "NewsArticle",
    "policy": "Legislation",
    "message": "QAPage",
    "service": "GovernmentService",
}


def organisation(url: str, unit: str, site: Site) -> Data:
    """The GovernmentOrganization that sponsors a site (主办单位)."""
    found: Data = {"@type": "GovernmentOrganization", "@id": f"{url}#organization", "name": unit, "url": url}
    for key, value in (("address", site.address), ("telephone", site.phone), ("email", site.email)):
        if value:
            found[key] = value
    return found


def graph(
    site_url: str,
    owner: Data,
    url: str,
    template: str,
    title: str,
    crumbs: Sequence[tuple[str, str | None]],
    extra: Data,
) -> str | None:
    """JSON for `application/ld+json`, safe within a script element; None for a page that says nothing of the kind.

    `url` is absolute. A home is its organisation; a text names it as its publisher; every page has its breadcrumb.
    """
    things: list[Any] = []
    if template in {"portal", "county", "department"}:
        things.append(owner)
    elif kind := _TYPES.get(template):
        things.append(_text(kind, owner, url, title, extra))
    if len(crumbs) > 1:
        base = site_url.rstrip("/")
        entries = [
            {"@type": "ListItem", "position": place, "name": name, **({"item": base + link} if link else {})}
            for place, (name, link) in enumerate(crumbs, 1)
        ]
        things.append({"@type": "BreadcrumbList", "itemListElement": entries})
    if not things:
        return None
    text = orjson.dumps({"@context": "https://schema.org", "@graph": things}).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _text(kind: str, owner: Data, url: str, title: str, extra: Data) -> Data:
    item = extra["article"]
    publisher = {"@id": owner["@id"], "@type": owner["@type"], "name": owner["name"]}
    described = {"description": item["description"]} if item["description"] else {}
    match kind:
        case "GovernmentService":
            place = {"serviceType": item["theme"]} if item.get("theme") else {}
            return {"@type": kind, "name": title, "url": url, "provider": publisher, **described, **place}
        case "Legislation":
            number = {"legislationIdentifier": item["doc_number"]} if item["doc_number"] else {}
            return {
                "@type": kind,
                "name": title,
                "url": url,
                "datePublished": item["datetime"],
                "publisher": publisher,
                **number,
                **described,
            }
        case "QAPage":
            return {"@type": kind, "name": title, "url": url, "datePublished": item["datetime"], "publisher": publisher}
    return {
        "@type": kind,
        "headline": title,
        "url": url,
        "datePublished": item["datetime"],
        "author": {"@type": "Organization", "name": item["source"] or owner["name"]},
        "publisher": publisher,
        **described,
    }


def open_graph(
    site_title: str, url: str, template: str, title: str, extra: Data, site_url: str
) -> list[tuple[str, str]]:
    """(property, content): what a message in a chat shows of a link."""
    article = extra.get("article")
    found = [
        ("og:type", "article" if article else "website"),
        ("og:title", title),
        ("og:url", url),
        ("og:site_name", site_title),
    ]
    if article and article["description"]:
        found.append(("og:description", article["description"]))
    if article and article["image"]:
        found.append(("og:image", site_url.rstrip("/") + article["image"]))
    if article and template != "leader":
        found.append(("article:published_time", article["datetime"]))
    return found
