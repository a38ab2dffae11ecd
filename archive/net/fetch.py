"""Fetching with every byte as it went over the wire: patient, polite, and each host at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Literal, cast
from urllib.parse import SplitResult, urlsplit

from archive import message
from archive.net import wire
from archive.net.access import Access
from archive.net.cookies import Jar
from archive.net.dial import Connection, Dialler, FailedError
from archive.text import _
from sitegen.errors import Problem, UsageError

Truncated = Literal["length", "disconnect", "time", "unspecified"]

PRODUCT = "jiyuehua-archive"
USER_AGENT = f"Mozilla/5.0 (compatible; {PRODUCT}/0.1; archiving before this site retires)"
RETRIES = 2
LONGEST_WAIT = 120.0
NOT_RECORDED = "(not recorded)"
_IN_MEMORY = 1 << 20
_SLOWEST_PACE = 10.0
# Asking for a hundred thousand pages of a server that is gone, ninety seconds each, helps nobody.
_SILENT_AT_MOST = 20
_CLOSED = "answer: the connection was closed without one"
_BUSY = frozenset({429, 503})
_TRY_AGAIN = _BUSY | {502, 504}
_NO_ACCESS = Access()
_NO_FIELDS: message.Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectTo:
    """Dial `address:to_port` for `host:port`; everything else (Host, TLS name) stays as asked."""

    host: str
    port: int
    address: str
    to_port: int


def parse_connect_to(text: str) -> ConnectTo:
    """`HOST:PORT:ADDR:PORT`, as curl writes it. Raises UsageError."""
    rest, _colon, to_port = text.rpartition(":")
    host, _colon, after = rest.partition(":")
    port, _colon, address = after.partition(":")
    address = address.strip("[]")
    if not (host and address and port.isdigit() and to_port.isdigit()):
        raise UsageError(
            [
                Problem(
                    path="--connect-to",
                    code="connect-to-invalid",
                    message=_("“{text}” is not HOST:PORT:ADDR:PORT").format(text=text),
                    remedy=_("write for example www.example.gov.cn:80:127.0.0.1:8080"),
                )
            ]
        )
    return ConnectTo(host=host.lower(), port=int(port), address=address, to_port=int(to_port))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its response, byte for byte. `head` ends with the empty line; `body` is what followed,
    transfer coding kept; `interim` the 1xx heads before it. Whoever takes the exchange closes it.

    `request` is what was sent, but for the values of `Authorization` and `Proxy-Authorization`. `ip` is empty behind
    a proxy; `seconds` from the request to the body's end.
    """

    url: str
    request: bytes
    head: bytes
    body: BinaryIO
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    started: datetime
    ip: str
    truncated: Truncated | None = None
    attempts: int = 1
    interim: bytes = b""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailure:
    """No answer that could be stored. `cause` begins with a word: refused, dns, connect, tls, proxy, time,
    answer."""

    url: str
    cause: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """`sent` goes over the wire; `recorded` is the same without what must stay secret."""

    sent: bytes
    recorded: bytes
    logged_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    interim: bytes
    head: bytes
    status: int
    reason: str
    headers: message.Fields
    truncated: Truncated | None
    whole: bool


@dataclass(slots=True)
class _Host:
    """What all connections to one host share. `pace`: seconds between requests beyond the usual, while it is busy."""

    slots: asyncio.Semaphore
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    idle: dict[tuple[str, int], list[Connection]] = field(default_factory=dict)
    next_at: float = 0.0
    pace: float = 0.0
    asks_for_login: set[tuple[str, int]] = field(default_factory=set)
    answered: bool = False
    silent: int = 0
    """URLs without an answer since the last one that had one."""
    asked_for: float = 0.0
    """Seconds between requests that its owner wants (robots.txt)."""
    gone: str = ""
    """Why it is asked for nothing any more."""


class ServerGoneError(Exception):
    """A host that answered does not any more, whatever it is asked for."""


class Client:
    """Fetches URLs, `connections` at a time from each host, `delay` seconds apart (None: 0.1, loopback 0).

    `allow_private`: addresses, networks or host names that may be private or loopback; the address that is
    really dialled is what is asked about, whatever a name resolves to. `plain_tls`: https is spoken in plain
    text to its connect-to address, and refused where there is none. `spool`: folder for bodies beyond a megabyte.
    A host that answered, now or before (`answered`), and is silent for twenty URLs is gone: ServerGoneError, or, with
    `give_up`, all that is left of it fails.
    """

    def __init__(
        self,
        *,
        connect_to: Sequence[ConnectTo] = (),
        allow_private: Iterable[str] = (),
        connections: int = 4,
        delay: float | None = None,
        timeout: float = 30.0,
        longest: float = 3600.0,
        max_bytes: int = 2_000_000_000,
        plain_tls: bool = False,
        access: Access = _NO_ACCESS,
        spool: Path | None = None,
        answered: Iterable[str] = (),
        give_up: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        to = {(to.host, to.port): (to.address, to.to_port) for to in connect_to}
        self._dialler = Dialler(to, allow_private, access, plain_tls=plain_tls, timeout=timeout)
        self._connections, self._delay, self._access = connections, delay, access
        self._spool = None if spool is None else str(spool)
        self._timeout, self._longest, self._max_bytes = timeout, longest, max_bytes
        self._sleep = sleep
        self._answered, self._give_up = frozenset(answered), give_up
        self._cookies = Jar()
        self._hosts: dict[str, _Host] = {}

    async def fetch(self, url: str, conditions: message.Fields = _NO_FIELDS) -> Exchange | FetchFailure:
        """GET `url`, under `conditions` (RFC 9110 §13) if there are any; redirects are returned as they are. A cut answer, 429 or 5xx is asked for again, at most
        twice; what the last attempt gave is the result.

        A server that asks for the login gets it. Raises ServerGoneError.
        """
        parts = urlsplit(url)
        name, _port = _origin(parts.scheme, parts.netloc)
        host = self._hosts.get(name) or self._new_host(name)
        if host.gone:
            return FetchFailure(url=url, cause=host.gone, attempts=0)
        attempt = 0
        while True:
            attempt += 1
            last = attempt > RETRIES
            request = self._request(parts, host, conditions)
            try:
                exchange = await self._attempt(url, parts, host, request, attempt)
            except FailedError as failure:
                if last or not failure.again:
                    self._count_silence(host, name, str(failure))
                    return FetchFailure(url=url, cause=str(failure), attempts=attempt)
                await self._sleep(0.2 * attempt)
                continue
            host.answered, host.silent = True, 0
            self._cookies.take(url, exchange.headers)
            wait = self._wait(host, exchange, attempt)
            if last or (wait is None and not self._wants_login(parts, host, request, exchange)):
                return exchange
            exchange.body.close()
            if wait:
                await self._sleep(wait)

    def slow_down(self, name: str, seconds: float) -> None:
        """From now on the host is asked no oftener than this."""
        host = self._hosts.get(name) or self._new_host(name)
        host.asked_for = max(host.asked_for, seconds)

    def _new_host(self, name: str) -> _Host:
        host = _Host(slots=asyncio.Semaphore(self._connections), answered=name in self._answered)
        self._hosts[name] = host
        return host

    def _count_silence(self, host: _Host, name: str, cause: str) -> None:
        if cause.startswith(("connect:", "dns:", "time:", _CLOSED)):
            host.silent += 1
            if host.answered and host.silent >= _SILENT_AT_MOST:
                if not self._give_up:
                    raise ServerGoneError(f"{name}: {cause}")
                host.gone = f"connect: the server answers no more ({cause})"

    async def close(self) -> None:
        for host in self._hosts.values():
            for connections in host.idle.values():
                for connection in connections:
                    await connection.close()
            host.idle.clear()

    def _request(self, parts: SplitResult, host: _Host, conditions: message.Fields) -> _Request:
        origin = _origin(parts.scheme, parts.netloc)
        login = self._access.login if origin in host.asks_for_login else None
        proxy = self._access.proxy if parts.scheme == "http" and self._dialler.proxied(*origin) else None
        cookies = self._cookies.header(parts.geturl())
        netloc = parts.netloc.rpartition("@")[2]
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        head = [
            f"GET {f'http://{netloc}' if proxy else ''}{target} HTTP/1.1",
            f"Host: {netloc}",
            f"User-Agent: {USER_AGENT}",
            "Accept: */*",
            "Accept-Encoding: gzip, identity",
            "Connection: keep-alive",
            *(f"{name}: {value}" for name, value in conditions),
            *([f"Cookie: {cookies}"] if cookies else []),
        ]
        secrets = {"Authorization": login, "Proxy-Authorization": proxy.login if proxy else None}
        shown = {name: login.value for name, login in secrets.items() if login}
        sent = _lines(head, shown)
        recorded = _lines(head, dict.fromkeys(shown, NOT_RECORDED)) if shown else sent
        return _Request(sent=sent, recorded=recorded, logged_in=login is not None)

    async def _attempt(self, url: str, parts: SplitResult, host: _Host, request: _Request, attempt: int) -> Exchange:
        """Raises FailedError."""
        scheme, (name, port) = parts.scheme, _origin(parts.scheme, parts.netloc)
        idle = host.idle.setdefault((scheme, port), [])
        async with host.slots:
            while True:
                connection = idle.pop() if idle else await self._dialler.dial(scheme, name, port)
                try:
                    await self._pause(host, loopback=connection.loopback)
                    exchange, keep = await self._converse(connection, url, request, attempt)
                except wire.StaleError:
                    await connection.close()
                    # A kept connection may have been closed by the server meanwhile: then nothing was answered,
                    # and a new one is no retry.
                    if connection.used:
                        continue
                    raise FailedError(_CLOSED) from None
                except BaseException:
                    await connection.close()
                    raise
                if keep:
                    connection.used = True
                    idle.append(connection)
                else:
                    await connection.close()
                return exchange

    async def _pause(self, host: _Host, *, loopback: bool) -> None:
        """Wait for the host's next turn: one request after the other, as far apart as it can bear."""
        delay = max((0.0 if loopback else 0.1) if self._delay is None else self._delay, host.asked_for)
        now = asyncio.get_running_loop().time
        if delay + host.pace == 0.0 and host.next_at <= now():
            return
        async with host.turn:
            while (at := host.next_at) > now():
                await self._sleep(at - now())
                if host.next_at == at:
                    break
            host.next_at = max(host.next_at, now()) + delay + host.pace

    def _wait(self, host: _Host, exchange: Exchange, attempt: int) -> float | None:
        """Seconds until the same is asked for again; None when the answer stands as it is.

        A host that says it is busy is left alone by every connection, and asked more slowly afterwards.
        """
        if exchange.status in _BUSY:
            host.pace = min(max(2 * host.pace, 0.25), _SLOWEST_PACE)
            seconds = _retry_after(exchange, 0.5 * attempt)
            host.next_at = max(host.next_at, asyncio.get_running_loop().time() + seconds)
            return 0.0
        host.pace = host.pace * 0.9 if host.pace > 0.01 else 0.0
        if exchange.status in _TRY_AGAIN or exchange.truncated not in (None, "length"):
            return _retry_after(exchange, 0.5 * attempt)
        return None

    def _wants_login(self, parts: SplitResult, host: _Host, request: _Request, exchange: Exchange) -> bool:
        """Whether the server wants the login and has not got it yet."""
        if exchange.status == 401 and self._access.login and not request.logged_in:
            asked = (value for name, value in exchange.headers if name.lower() == "www-authenticate")
            if any(value.lower().startswith("basic") for value in asked):
                host.asks_for_login.add(_origin(parts.scheme, parts.netloc))
                return True
        return False

    async def _converse(
        self, connection: Connection, url: str, request: _Request, attempt: int
    ) -> tuple[Exchange, bool]:
        """One exchange, and whether the connection can be used again. Raises FailedError and StaleError."""
        started = datetime.now(UTC)
        # The spool has no name on the disk: nothing is left of it when the process is killed.
        body = cast(BinaryIO, SpooledTemporaryFile(max_size=_IN_MEMORY, dir=self._spool))  # noqa: SIM115
        try:
            answer = await self._read(connection, request, body)
            body.seek(0)
        except TimeoutError:
            body.close()
            raise FailedError(f"time: no answer within {self._timeout:g} s") from None
        except ValueError as error:
            body.close()
            if connection.used and str(error) == message.NO_STATUS_LINE:
                # Left over from the answer before: it was longer than it said.
                raise wire.StaleError from None
            raise FailedError(f"answer: {error}") from None
        except BaseException:
            body.close()
            raise
        exchange = Exchange(
            url=url, request=request.recorded, head=answer.head, interim=answer.interim, body=body,
            status=answer.status, reason=answer.reason, headers=answer.headers, started=started, ip=connection.ip,
            truncated=answer.truncated, attempts=attempt, seconds=(datetime.now(UTC) - started).total_seconds(),
        )  # fmt: skip
        said = (message.field(answer.headers, "Connection") or "").lower()
        stays = "close" not in said and (not answer.head.startswith(b"HTTP/1.0") or "keep-alive" in said)
        return exchange, answer.whole and stays and connection.wire.quiet

    async def _read(self, connection: Connection, request: _Request, body: BinaryIO) -> _Answer:
        """Raises TimeoutError and ValueError when there is no head; what comes after it is kept, whole or not."""
        head = interim = b""
        status, reason, headers = 0, "", _NO_FIELDS
        truncated: Truncated | None = None
        whole = False
        try:
            async with wire.Patience(self._timeout, self._longest) as patience:
                try:
                    connection.writer.write(request.sent)
                    await connection.writer.drain()
                    interim, head = await connection.wire.head()
                except TimeoutError:
                    raise
                except OSError:
                    raise wire.StaleError from None
                status, reason, headers = message.parse_head(head)
                patience.begin_again()
                whole = await connection.wire.body(status, headers, body, self._max_bytes, patience)
        except TimeoutError:
            if not head:
                raise
            truncated = "time"
        except wire.CutError:
            truncated = "disconnect"
        except wire.FramingError:
            truncated = "unspecified"
        except wire.TooLongError:
            truncated = "length"
        return _Answer(
            interim=interim, head=head, status=status, reason=reason, headers=headers, truncated=truncated, whole=whole
        )


@lru_cache(maxsize=256)
def _origin(scheme: str, netloc: str) -> tuple[str, int]:
    """The name and the port that are dialled."""
    parts = urlsplit(f"//{netloc}")
    return parts.hostname or "", parts.port or {"https": 443}.get(scheme, 80)


def _lines(head: Sequence[str], secrets: Mapping[str, str]) -> bytes:
    lines = [*head, *(f"{name}: {value}" for name, value in secrets.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii", "replace")


def _retry_after(exchange: Exchange, otherwise: float) -> float:
    """Seconds that `Retry-After` asks for (number or date), bounded; `otherwise` where it says nothing."""
    said = message.field(exchange.headers, "Retry-After") or ""
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), LONGEST_WAIT)
    with suppress(ValueError, TypeError, OverflowError):
        return min(max((parsedate_to_datetime(said) - exchange.started).total_seconds(), 0.0), LONGEST_WAIT)
    return otherwise
