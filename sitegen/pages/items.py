"""An article as lists show it, as far as it follows from the article alone."""

from __future__ import annotations

from urllib.parse import quote

from sitegen.model import Article, Interpretation, Leader, Message, Policy, Service
from sitegen.pages.values import Data


def item_of(article: Article) -> Data:
    """What its relations add to it, `Frame.item` knows (docs/THEME.md, Items in lists)."""
    day = article.date.isoformat(timespec="minutes")
    item: Data = {
        "title": article.title,
        "url": article.url,
        "date": day[:10],
        "date_short": day[5:10],
        "date_time": f"{day[:10]} {day[11:16]}",
        "datetime": day,
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
            item["badges"] = [f"已{policy.validity}"] if policy.validity in {"废止", "失效"} else []
        case Interpretation() as interpretation:
            item["badges"] = [interpretation.form]
        case Leader() as leader:
            item |= {"position": leader.position, "duties": leader.duties}
        case Message() as message:
            days = (message.replied_on - message.received_on).days
            item |= {"replied_by": message.replied_by, "days": days, "message_type": message.message_type}
        case Service() as service:
            item |= {"theme": service.theme, "audience": service.audience, "life_event": service.life_event}
    return item
