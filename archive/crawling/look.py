"""What a fetched body leads to: looked at up to a bound, so that a bomb costs no more than a large page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive import discover, message
from archive.message import Fields

if TYPE_CHECKING:
    from archive.net.fetch import Exchange

# Discovery looks at documents; a film of a gigabyte has no links.
READ_AT_MOST = 64 << 20
# A parser needs fifty times the size of a page made of nothing but tags.
_PAGE_AT_MOST = 6 << 20
_RATIO = 100
_MAY_BE_PAGE = re.compile("html|^$|^text/plain$|octet-stream")
_HAS_LINKS = re.compile("html|xml|css|javascript|json|pdf|^text/|^$")
_HAS_NONE = re.compile(r"(?:video|audio|font|image)/(?!svg)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found, and whether all of the body was looked at."""

    found: discover.Found
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The beginning of a body as it was received, transfer and content coding kept; `whole`: all of it."""

    url: str
    headers: Fields
    raw: bytes
    whole: bool


NOTHING = Looked(found=discover.Found())


def body_of(exchange: Exchange) -> Body | None:
    """What is worth a look: a whole answer of a kind that has links."""
    media = message.media_type(exchange.headers)
    if not 200 <= exchange.status <= 300 or exchange.truncated or not may_have_links(media):
        return None
    exchange.body.seek(0)
    raw = exchange.body.read(_most(media))
    return Body(url=exchange.url, headers=exchange.headers, raw=raw, whole=not exchange.body.read(1))


def into(body: Body) -> Looked:
    media = message.media_type(body.headers)
    limit = min(_most(media), max(_PAGE_AT_MOST, _RATIO * len(body.raw)))
    decoded, whole = message.decode(body.raw, body.headers, limit)
    found = discover.discover(body.url, body.headers, decoded)
    return Looked(found=found, whole=(whole and body.whole) or not _HAS_LINKS.search(media))


def at(exchange: Exchange) -> Looked:
    body = body_of(exchange)
    return NOTHING if body is None else into(body)


def may_have_links(media: str) -> bool:
    return not _HAS_NONE.match(media)


def is_page(exchange: Exchange) -> bool:
    return "html" in message.media_type(exchange.headers)


def _most(media: str) -> int:
    return _PAGE_AT_MOST if _MAY_BE_PAGE.search(media) else READ_AT_MOST
