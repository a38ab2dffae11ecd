"""`pages.jsonl` of WACZ: the pages a reader may begin with, their titles and what they say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator

from lxml import etree, html

from archive import charset
from archive.crawling.frontier import Row
from archive.store import Capture
from archive.warcs import recall

TEXT_AT_MOST = 100_000
"""Characters of one page; a law of 300 articles has 40,000."""
_UNSEEN = ("head", "script", "style", "template", "noscript", "svg", "iframe", "object")


def lines(
    capture: Capture, rows: Iterable[Row], seeds: Collection[str], text: Callable[[Row], str] | None = None
) -> Iterator[bytes]:
    """A header line, then a line for every captured HTML page among `rows`: id, url, title, ts, `seed` where the
    capture began, and its text when `text` can tell it."""
    header: dict[str, object] = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    yield _line(header | ({"hasText": True} if text else {}))
    for row in rows:
        if row.state == "captured" and "html" in (row.mime or ""):
            page: dict[str, object] = {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{capture.id} {row.url}")),
                "url": row.url,
                "title": row.title or row.url,
                "ts": row.captured_at or "",
            }
            page |= {"seed": True} if row.url in seeds else {}
            yield _line(page | ({"text": text(row)} if text else {}))


def stored_text(capture: Capture, row: Row) -> str:
    """What a captured page says. Raises Refused when its record is not there."""
    answer = recall.response(capture, row)
    decoded, _charset = charset.decode(answer.body, answer.headers)
    return visible_text(decoded)


def visible_text(markup: str) -> str:
    """The words of a page in its order, without scripts and styles, blanks run together, at most TEXT_AT_MOST."""
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, ValueError):
        return ""
    etree.strip_elements(root, *_UNSEEN, with_tail=False)
    return " ".join(" ".join(map(str, root.itertext())).split())[:TEXT_AT_MOST]


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
