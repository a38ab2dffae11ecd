"""The page of one article, of every kind, and the tombstone of an expired one."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote

from sitegen.editions import Edition
from sitegen.model import (
    Article,
    Interpretation,
    Leader,
    Message,
    Policy,
    Service,
    url_of,
)
from sitegen.pages.frame import (
    Frame,
    language,
)
from sitegen.pages.values import Data


def add_article(frame: Frame, edition: Edition) -> None:
    city, article = frame.city, edition.article
    column = city.columns[article.column]
    site = city.sites[column.site]
    older, newer = city.neighbours(edition)
    extra: Data = {
        "article": {
            **frame.item(edition),
            "author": article.author,
            "keywords": list(article.keywords),
            "description": article.description,
            "attachments": _attachments(frame, article),
            "updated": None,
            "migrated_from": article.migrated_from or None,
            "archived_copy": article.archived_copy or None,
        },
        "related": [],
        "previous": frame.item(older) if older else None,
        "next": frame.item(newer) if newer else None,
    }
    extra |= _details(frame, edition)
    frame.add(
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
            ("PubDate", f"{article.date:%Y-%m-%d %H:%M}"),
            ("ContentSource", article.source),
            ("Keywords", ",".join(article.keywords)),
            ("Author", article.author or article.source),
            ("Description", article.description),
            ("Image", city.site_url + article.image if article.image else ""),
        ],
        column=column,
        lang=language(article.lang),
        source=article.path,
        body=article.body,
        edition=edition,
        changed=None if edition.retired else edition.signed_at,
        archived=frame.stamp(edition.retired) if edition.retired else None,
    )


def _details(frame: Frame, edition: Edition) -> Data:
    article, city = edition.article, frame.city
    match article.details:
        case Policy() as policy:
            return _policy(frame, article, policy)
        case Interpretation() as interpretation:
            policies = [frame.item(e) for e in city.policies(interpretation.interprets)]
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
            others = [frame.item(e) for e in city.listed(article.column) if e is not edition]
            return {"leader": {"position": leader.position, "duties": leader.duties}, "colleagues": others}
    return {}


def _policy(frame: Frame, article: Article, policy: Policy) -> Data:
    city = frame.city
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
            "repealed_by": frame.item(replaced_by) if replaced_by else None,
            "replaces": frame.item(replaces) if replaces else None,
            "effective_on": policy.effective_on.isoformat() if policy.effective_on else None,
        },
        "interpretations": [frame.item(e) for e in city.interpretations(article)],
    }


def add_tombstone(frame: Frame, edition: Edition) -> None:
    """An expired page says so at its address; it does not become a 404."""
    article = edition.article
    column = frame.city.columns[article.column]
    site = frame.city.sites[column.site]
    expired_on = article.expire_at.date().isoformat() if article.expire_at else ""
    frame.add(
        article.url,
        "expired",
        article.title,
        site,
        {"expired_on": expired_on, "column_title": column.title, "column_url": url_of(column.source)},
        crumbs=[*frame.crumbs(site, column), ("正文", None)],
        column=column,
    )


def _attachments(frame: Frame, article: Article) -> list[Data]:
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
                "size": human_size(frame.sizes(path)),
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


def _link_texts(body: str) -> dict[str, str]:
    """File name → link text, for attachments."""
    return {posixpath.basename(path): text for text, path in re.findall(r"\[([^\]]+)\]\(<?([^)\s>]+)", body)}
