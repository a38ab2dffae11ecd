"""How a server finds an old address in a table: what it compares, and what it leaves out of account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from archive import canon
from archive.redirection.old_urls import Ledger
from sitegen import model, reader

_LONG_ONLY = frozenset({"sid", "cfid"})
_LONG_NAMES = "|".join(sorted(_LONG_ONLY))
_LONG = "[0-9A-Za-z]{16,}"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation allow-downloads; "
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "media-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""第十五条: a historical page is looked at, it does nothing. No script, nothing from elsewhere, no origin of its own."""
READER: Mapping[str, str] = {
    "Content-Security-Policy": reader.POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Where whole captures are opened as they were, scripts and all: the reader's own policy."""
REPLAYED = f"^(?:{reader.PAGES}|/assets/|/archive/[^/]+/[0-9]{{14}}/[^/]+\\.wacz$|/[^/]+\\.(?:png|svg|jpe?g|gif|webp)$)"
"""All that a host of its own needs for it, the badges in the portal's footer included."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
COPIES = "^/archive/[^/]+/[0-9]{14}/"
_CLEAN = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(slots=True, kw_only=True)
class Table:
    """Of one old host. `plain`: decoded path + `?` + query → target, whatever way it was written. `raw`: the few
    whose decoded path says something else, or is no text, by path and query as they were written (and with no
    session id)."""

    plain: dict[str, str] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)


def sessions(learned: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """canon.strip_session in the regular expressions that PCRE and RE2 share, over `path?query`; what the groups hold
    stays. `learned`: parameters that a capture found to name the visit only."""
    known = sorted((canon.SESSION_IDS | {name for name in learned if _NAME.fullmatch(name)}) - _LONG_ONLY)
    names = "|".join(re.escape(name) for name in known) + "|aspsessionid[a-z]*"
    return (
        f"^([^?]*);(?:{names})=[^?;/]*(.*)$",
        f"^([^?]*);(?:{_LONG_NAMES})={_LONG}([?;/].*)$",
        f"^([^?]*[?])(?:{names})=[^&]*()$",
        f"^([^?]*[?])(?:{_LONG_NAMES})={_LONG}()$",
        f"^([^?]*[?])(?:{names})=[^&]*&(.*)$",
        f"^([^?]*[?])(?:{_LONG_NAMES})={_LONG}&(.*)$",
        f"^([^?]*[?].*)&(?:{names})=[^&]*((?:&.*)?)$",
        f"^([^?]*[?].*)&(?:{_LONG_NAMES})={_LONG}((?:&.*)?)$",
    )


def tables(ledger: Ledger) -> dict[str, Table]:
    """By host (with port), those too of which nothing is left: they answer as well."""
    found = {host: Table() for host in ledger.hosts}
    for one in sorted(ledger.addresses, key=lambda address: address.old_url):
        asked = one.old_url
        if ledger.session_ids:
            asked = canon.strip_session(asked, canon.SESSION_IDS | ledger.session_ids)
        parts = urlsplit(asked)
        table = found.setdefault(parts.netloc, Table())
        plain = plain_form(parts.path, parts.query)
        if plain is None or plain in table.plain:
            table.raw[parts.path + (f"?{parts.query}" if parts.query else "")] = one.target
        else:
            table.plain[plain] = one.target
    for table in found.values():
        table.plain = {asked: to for asked, to in table.plain.items() if to}
    return dict(sorted(found.items()))


def plain_form(path: str, query: str) -> str | None:
    """What servers make of a path: decoded once, UTF-8. None where they would change it or could not write it down."""
    try:
        decoded = unquote_to_bytes(path or "/").decode()
    except UnicodeDecodeError:
        return None
    if "//" in decoded or "/." in decoded or "?" in decoded or not _CLEAN.fullmatch(decoded + query):
        return None
    return f"{decoded}?{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memento:
    """A stamped page as servers announce it (RFC 7089): `path` decoded, `at` an HTTP date, `original` ASCII."""

    path: str
    at: str
    original: str


def mementos(indexes: Sequence[Mapping[str, Any]]) -> list[Memento]:
    """Of every page of every published index, by path."""
    found = {}
    for index in indexes:
        for page in index["pages"]:
            path = "/" + model.file_of(str(page["url"]))
            taken = datetime.fromisoformat(str(page["captured_at"]))
            found[path] = Memento(
                path=path,
                at=format_datetime(taken.astimezone(UTC), usegmt=True),
                original=quote(str(page["target_uri"]), safe="!#%&'()*+,-./:;=?@_~[]"),
            )
    return [found[path] for path in sorted(found)]


def one_line(text: str) -> str:
    return " ".join(text.split())


def bare_host(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9.:\-\[\]]", "", host)


def bare_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{bare_host(parts.netloc)}"


def identifier(text: str) -> str:
    return re.sub(r"\W", "_", text, flags=re.ASCII)
