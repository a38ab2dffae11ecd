"""The page of one article, of every kind, and the tombstone of an expired one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import quote

from sitegen.editions import Edition
from sitegen.model import Article, Column, Interpretation, Leader, Message, Policy, Service, url_of
from sitegen.pages.frame import Frame, language
from sitegen.pages.values import Data, Page, Recipe, Spec, digest_of
from sitegen.state.rows import Line


def specs(frame: Frame, column: Column) -> Iterator[Spec]:
    """The pages of everything that is shown in a column: listed, retired apart from its list, expired."""
    city = frame.city
    around = frame.around(city.sites[column.site], column)
    listed = city.articles.lines(column.path)
    colleagues = [frame.key(line) for line in listed if line.kind == "leader"]
    for place, line in enumerate(listed):
        older = listed[place + 1] if place + 1 < len(listed) else None
        newer = listed[place - 1] if place else None
        parts = [frame.key(older), frame.key(newer), *_relation_keys(frame, line)]
        parts += colleagues if line.kind == "leader" else []
        recipe = ("article", line, older, newer)
        yield _spec(column, line, [around, line.digest, *parts], recipe, "" if line.retired else line.signed_at)
    for line in city.articles.shown_aside(column.path):
        parts = [around, line.digest, *_relation_keys(frame, line)]
        parts += colleagues if line.kind == "leader" else []
        yield _spec(column, line, parts, ("article", line, None, None), "" if line.retired else line.signed_at)
    for line in city.articles.expired(column.path):
        yield _spec(column, line, [around, line.digest, "expired"], ("expired", line), "", markdown=False)


def _spec(column: Column, line: Line, parts: list[str], recipe: Recipe, changed: str, *, markdown: bool = True) -> Spec:
    return Spec(
        url=url_of(line.path),
        section=column.path,
        key=digest_of("\n".join(parts)),
        recipe=recipe,
        source=line.path if markdown else "",
        changed=changed,
    )


def _relation_keys(frame: Frame, line: Line) -> list[str]:
    """Of the texts that the page names beside its neighbours."""
    if line.kind not in {"policy", "interpretation"}:
        return []
    city = frame.city
    match city.edition(line.path).article.details:
        case Policy() as policy:
            others = [city.articles.by_id(policy.replaced_by), city.articles.by_id(policy.replaces)]
            return [frame.key(other) for other in (*others, *city.articles.interpretations(line.id))]
        case Interpretation() as interpretation:
            return [frame.key(other) for other in city.policies(interpretation.interprets)]
    return []


def article_page(frame: Frame, line: Line, older: Line | None, newer: Line | None) -> Page:
    city, edition = frame.city, frame.city.edition(line.path)
    article = edition.article
    column = city.columns[article.column]
    site = city.sites[column.site]
    extra: Data = {
        "article": {
            **frame.item(line),
            "author": article.author,
            "keywords": list(article.keywords),
            "description": article.description,
            "attachments": _attachments(edition),
            "updated": None,
            "migrated_from": article.migrated_from or None,
            "archived_copy": article.archived_copy or None,
        },
        "related": [],
        "histories": [
            told
            for told in city.histories.get(article.path, ())
            if told["url"] != article.archived_copy and not edition.retired
        ],
        "previous": frame.item(older) if older else None,
        "next": frame.item(newer) if newer else None,
    }
    extra |= _details(frame, line, edition)
    return frame.page(
        article.url,
        article.kind,
        article.title,
        site,
        extra,
        crumbs=[*frame.crumbs(site, column), ("正文", None)],
        meta=[
            ("ColumnName", column.title),
            ("ColumnType", column.class_name),
            ("ArticleTitle", article.title),
            ("PubDate", extra["article"]["date_time"]),
            ("ContentSource", article.source),
            ("Keywords", ",".join(article.keywords)),
            ("Author", article.author or article.source),
            ("Description", article.description),
            ("Image", city.site_url + article.image if article.image else ""),
        ],
        column=column,
        lang=language(article.lang),
        source=article.path,
        edition=edition,
        archived=frame.stamp(edition.retired) if edition.retired else None,
    )


def _details(frame: Frame, line: Line, edition: Edition) -> Data:
    article, city = edition.article, frame.city
    match article.details:
        case Policy() as policy:
            return _policy(frame, article, policy)
        case Interpretation() as interpretation:
            return {"policies": frame.items(city.policies(interpretation.interprets)), "form": interpretation.form}
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
            others = [other for other in city.articles.lines(article.column) if other.path != line.path]
            return {
                "leader": {"position": leader.position, "duties": leader.duties},
                "colleagues": frame.items(others),
            }
    return {}


def _policy(frame: Frame, article: Article, policy: Policy) -> Data:
    articles = frame.city.articles
    replaced_by, replaces = articles.by_id(policy.replaced_by), articles.by_id(policy.replaces)
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
            "repealed_by": frame.item(replaced_by) if replaced_by else None,
            "replaces": frame.item(replaces) if replaces else None,
            "effective_on": policy.effective_on.isoformat() if policy.effective_on else None,
        },
        "interpretations": frame.items(articles.interpretations(article.id)),
    }


def tombstone_page(frame: Frame, line: Line) -> Page:
    """An expired page says so at its address; it does not become a 404."""
    article = frame.city.edition(line.path).article
    column = frame.city.columns[article.column]
    site = frame.city.sites[column.site]
    expired_on = article.expire_at.date().isoformat() if article.expire_at else ""
    return frame.page(
        article.url,
        "expired",
        article.title,
        site,
        {"expired_on": expired_on, "column_title": column.title, "column_url": url_of(column.source)},
        crumbs=[*frame.crumbs(site, column), ("正文", None)],
        column=column,
    )


def _attachments(edition: Edition) -> list[Data]:
    found = []
    for attachment in edition.attachments:
        extension = posixpath.splitext(attachment.path)[1]
        if extension.lower() in {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif"}:
            continue
        found.append(
            {
                "title": re.sub(rf"{re.escape(extension)}$", "", attachment.title),
                "url": "/" + quote(attachment.path),
                "type": extension[1:].upper(),
                "size": human_size(attachment.size),
            }
        )
    return found


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


def human_size(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f} KB"
    return f"{size / 1024 / 1024:.1f} MB"
