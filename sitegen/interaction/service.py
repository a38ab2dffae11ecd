"""The message service as a WSGI application: form, check, sending, tracking. It keeps nothing of a visitor.

`GET <path>` the form; `POST <path>` the form again, filled in; `POST <path>check` the letter as it was understood, under a
token; `POST <path>send` takes it; `POST <path>status` how far the letter of a tracking number is. Answers are pages that
need no script, or JSON for whoever accepts that first.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sitegen.clock import SHANGHAI
from sitegen.interaction import letter as letters
from sitegen.interaction.desk import Desk
from sitegen.interaction.letter import TRAP, Complaint, Letter
from sitegen.interaction.limit import Limit, client_of
from sitegen.interaction.spool import Full, Spool
from sitegen.rules.messages import STEPS

BODY = 32 * 1024
"""Bytes of a request: the longest letter, percent-encoded, has 19 KB."""
_FIELDS = 20
_FORM = "application/x-www-form-urlencoded"
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Robots-Tag", "noindex"),
    ("Cache-Control", "no-store"),
)
_STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
    422: "422 Unprocessable Content",
    429: "429 Too Many Requests",
    503: "503 Service Unavailable",
}
_TITLES = {"form": "我要写信", "check": "核对来信", "received": "来信已收到", "status": "来信办理进度"}

Environ = Mapping[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]


class Refusal(Exception):  # noqa: N818 (it is raised as what it is)
    """A request that is not answered as asked. `why` is a word that the page has a sentence for."""

    def __init__(self, status: int, why: str, *, wait: float = 0.0, allow: str = "") -> None:
        super().__init__(why)
        self.status, self.why, self.wait, self.allow = status, why, wait, allow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For each client: `asks` requests a minute, `letters` an hour, `looks` at tracking numbers a minute. 0: no limit."""

    asks: int = 120
    letters: int = 6
    looks: int = 20


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    state: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()


class Service:
    """`desk()` gives the present view of the city; `origins` are those from which a form may be sent."""

    def __init__(
        self,
        desk: Callable[[], Desk],
        spool: Spool,
        origins: Iterable[str],
        limits: Limits,
        *,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._desk = desk
        self._spool = spool
        self._origins = frozenset(origins)
        self._seconds = seconds
        self._asks, self._looks = Limit(limits.asks, 60), Limit(limits.looks, 60)
        self._letters = Limit(limits.letters, 3600)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        desk = self._desk()
        try:
            answer = self._answer(environ, desk)
        except Refusal as refused:
            headers = [("Retry-After", str(int(refused.wait) + 1))] if refused.wait else []
            headers += [("Allow", refused.allow)] if refused.allow else []
            answer = _Answer(refused.status, "refused", {"why": refused.why}, tuple(headers))
        if _prefers_json(environ):
            kind, body = "application/json", json.dumps({"state": answer.state, **answer.facts}).encode()
        else:
            kind = "text/html; charset=utf-8"
            title = _TITLES.get(answer.state, "未能受理")
            facts = {name: value for name, value in answer.facts.items() if value is not None}
            if facts.keys() <= {"why"}:
                body = desk.plain_page(title, answer.state, facts.get("why", ""))
            else:
                body = desk.page(title, {"values": {}, "errors": [], **facts, "state": answer.state})
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Vary", "Accept"), *_HEADERS]
        start(_STATUS[answer.status], [*headers, *answer.headers])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ, desk: Desk) -> _Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        base = desk.portal.messages_url
        action = path.removeprefix(base) if path.startswith(base) else None
        if action not in {"", "check", "send", "status"}:
            raise Refusal(404, "unknown")
        allowed = ("GET", "HEAD", "POST") if not action else ("POST",)
        if method not in allowed:
            raise Refusal(405, "method", allow=", ".join(allowed))
        client = client_of(str(environ.get("REMOTE_ADDR", "")))
        _heed(self._asks, client)
        if method != "POST":
            return _Answer(200, "form")
        self._require_own(environ)
        fields = _fields(environ)
        match action:
            case "check":
                return self._check(fields, desk)
            case "send":
                return self._send(fields, desk, client)
            case "status":
                return self._status(fields, desk, client)
        return _Answer(200, "form", {"values": letters.tidy(fields)})

    def _require_own(self, environ: Environ) -> None:
        """Another site's page can make a browser send a form; it cannot make it say that it came from here."""
        origin = environ.get("HTTP_ORIGIN") or _origin_of(str(environ.get("HTTP_REFERER", "")))
        site = environ.get("HTTP_SEC_FETCH_SITE", "same-origin")
        if origin not in self._origins or site not in {"same-origin", "same-site"}:
            raise Refusal(403, "foreign")

    def _check(self, fields: Mapping[str, str], desk: Desk) -> _Answer:
        clean, found = _read(fields, desk)
        if isinstance(found, list):
            return _Answer(422, "form", {"values": clean, "errors": [wrong._asdict() for wrong in found]})
        token = self._spool.seals.token(clean, int(self._seconds()), secrets.token_hex(16))
        unit = desk.units[found.unit]
        return _Answer(200, "check", {"values": clean, "token": token, "unit": unit})

    def _send(self, fields: Mapping[str, str], desk: Desk, client: str) -> _Answer:
        clean, found = _read(fields, desk)
        if isinstance(found, list):
            return _Answer(422, "form", {"values": clean, "errors": [wrong._asdict() for wrong in found]})
        nonce = self._spool.seals.nonce(fields.get("token", ""), clean, int(self._seconds()))
        if nonce in {"foreign", "late", "hasty"}:
            again = self._check(fields, desk)
            return _Answer(422, "check", {**again.facts, "errors": [Complaint("token", nonce)._asdict()]})
        _heed(self._letters, client)
        now = datetime.fromtimestamp(self._seconds(), SHANGHAI)
        try:
            letter_id = self._spool.accept(found, nonce, now)
        except Full:
            raise Refusal(503, "full", wait=600) from None
        number = self._spool.seals.number(letter_id)
        return _Answer(
            200, "received", {"number": number, "unit": desk.units[found.unit], "received": f"{now:%Y-%m-%d %H:%M}"}
        )

    def _status(self, fields: Mapping[str, str], desk: Desk, client: str) -> _Answer:
        _heed(self._looks, client)
        letter_id = self._spool.seals.id_of(fields.get("number", ""))
        found = self._spool.find(letter_id) if letter_id else None
        if letter_id is None or found is None:
            return _Answer(404, "status", {"steps": None})
        moments = [(step, getattr(found, step)) for step in STEPS]
        steps = [{"step": step, "at": f"{moment:%Y-%m-%d %H:%M}" if moment else None} for step, moment in moments]
        unit = desk.units.get(found.unit, found.unit)
        return _Answer(200, "status", {"number": self._spool.seals.number(letter_id), "unit": unit, "steps": steps})


def _read(fields: Mapping[str, str], desk: Desk) -> tuple[dict[str, str], Letter | list[Complaint]]:
    if fields.get(TRAP):
        raise Refusal(422, "program")
    clean = letters.tidy(fields)
    return clean, letters.read(clean, desk.units)


def _heed(limit: Limit, client: str) -> None:
    wait = limit.wait(client, time.monotonic())
    if wait:
        raise Refusal(429, "often", wait=wait)


_LENGTH = re.compile(r"[0-9]{1,9}")


def _fields(environ: Environ) -> dict[str, str]:
    """The form in the request's body. Raises Refusal."""
    kind, _, parameters = str(environ.get("CONTENT_TYPE", "")).partition(";")
    if kind.strip().lower() != _FORM:
        raise Refusal(415, "form")
    charset = re.search(r"charset\s*=\s*\"?([\w\-]+)", parameters)
    if charset and charset[1].lower() not in {"utf-8", "utf8"}:
        raise Refusal(415, "charset")
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not _LENGTH.fullmatch(length) or int(length) > BODY:
        raise Refusal(413, "long")
    data = environ["wsgi.input"].read(int(length))
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_FIELDS
        )
    except UnicodeDecodeError:
        raise Refusal(400, "charset") from None
    except ValueError:
        raise Refusal(400, "form") from None
    return dict(pairs)


def _origin_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _prefers_json(environ: Environ) -> bool:
    accepted = str(environ.get("HTTP_ACCEPT", ""))
    return "application/json" in accepted and "text/html" not in accepted
