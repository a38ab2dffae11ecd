"""HTTP/1.1 over sockets, keeping every byte as it went over the wire: the only module on the network."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Literal, cast
from urllib.parse import urlsplit

from archive import message
from archive.text import _
from sitegen.errors import Problem, UsageError

Truncated = Literal["length", "disconnect", "time"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PRODUCT = "jiyuehua-archive"
USER_AGENT = f"Mozilla/5.0 (compatible; {PRODUCT}/0.1; archiving before this site retires)"
RETRIES = 2
LONGEST_WAIT = 30.0
_LINE = 1 << 16
_HEAD = 1 << 20
_IN_MEMORY = 4 << 20
_HEX = re.compile(rb"\s*[0-9A-Fa-f]+\s*(?:;|\r?$)")
_TRY_AGAIN = frozenset({429, 502, 503, 504})


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
    transfer coding kept; whoever takes the exchange closes it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailure:
    """No answer that could be stored. `cause` begins with a word: refused, dns, connect, tls, time,
    answer."""

    url: str
    cause: str
    attempts: int


class _FailedError(Exception):
    """An attempt without an answer; `again` says whether another one may help."""

    def __init__(self, cause: str, *, again: bool = True) -> None:
        super().__init__(cause)
        self.again = again


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ip: str
    used: bool = False


@dataclass(slots=True)
class _Host:
    """What is shared by the connections to one host and port."""

    slots: asyncio.Semaphore
    idle: list[_Connection] = field(default_factory=list)
    next_at: float = 0.0
    addresses: list[str] | None = None


class Client:
    """Fetches URLs, `connections` at a time from each host, `delay` seconds apart (None: 0.1, loopback 0).

    `allow_private`: addresses, networks or host names that may be private or loopback; the address that is
    really dialled is what is asked about, whatever a name resolves to. `plain_tls`: https is spoken in plain
    text to its connect-to address, and refused where there is none.
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
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connect_to = {(to.host, to.port): (to.address, to.to_port) for to in connect_to}
        self._allowed = _Allowed(allow_private)
        self._connections, self._delay = connections, delay
        self._timeout, self._longest, self._max_bytes = timeout, longest, max_bytes
        self._plain_tls, self._tls, self._sleep = plain_tls, tls, sleep
        self._hosts: dict[tuple[str, str, int], _Host] = {}

    async def fetch(self, url: str) -> Exchange | FetchFailure:
        """GET `url`; redirects are returned as they are. A cut answer, 429 or 5xx is asked for again, at most
        twice; what the last attempt gave is the result."""
        attempt = 0
        while True:
            attempt += 1
            last = attempt > RETRIES
            try:
                exchange = await self._attempt(url, attempt)
            except _FailedError as failure:
                if last or not failure.again:
                    return FetchFailure(url=url, cause=str(failure), attempts=attempt)
                await self._sleep(0.2 * attempt)
                continue
            cut = exchange.truncated in ("disconnect", "time")
            if last or not (cut or exchange.status in _TRY_AGAIN):
                return exchange
            exchange.body.close()
            await self._sleep(_retry_after(exchange.headers, exchange.started, attempt))

    async def close(self) -> None:
        for host in self._hosts.values():
            for connection in host.idle:
                await _close(connection)
            host.idle.clear()

    async def _attempt(self, url: str, attempt: int) -> Exchange:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
        host = self._hosts.setdefault((parts.scheme, name, port), _Host(slots=asyncio.Semaphore(self._connections)))
        netloc = parts.netloc.rpartition("@")[2]
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        request = (
            f"GET {target} HTTP/1.1\r\nHost: {netloc}\r\nUser-Agent: {USER_AGENT}\r\n"
            "Accept: */*\r\nAccept-Encoding: gzip, identity\r\nConnection: keep-alive\r\n\r\n"
        ).encode("ascii", "replace")
        async with host.slots:
            while True:
                connection = host.idle.pop() if host.idle else await self._dial(host, parts.scheme, name, port)
                await self._pause(host, connection.ip)
                # A kept connection may have been closed by the server meanwhile: then nothing was answered,
                # and a new one is no retry.
                reused = connection.used
                try:
                    exchange, keep = await self._converse(connection, url, request, attempt)
                except _StaleError:
                    await _close(connection)
                    if reused:
                        continue
                    raise _FailedError("answer: the connection was closed without one") from None
                except BaseException:
                    await _close(connection)
                    raise
                if keep:
                    connection.used = True
                    host.idle.append(connection)
                else:
                    await _close(connection)
                return exchange

    async def _pause(self, host: _Host, ip: str) -> None:
        delay = self._delay
        if delay is None:
            delay = 0.0 if ipaddress.ip_address(ip).is_loopback else 0.1
        if delay > 0:
            now = asyncio.get_running_loop().time()
            at = max(host.next_at, now)
            host.next_at = at + delay
            if at > now:
                await self._sleep(at - now)

    async def _dial(self, host: _Host, scheme: str, name: str, port: int) -> _Connection:
        address, to_port = self._connect_to.get((name, port), (name, port))
        if self._plain_tls and scheme == "https" and (name, port) not in self._connect_to:
            raise _FailedError("refused: plain_tls without a connect-to address", again=False)
        if host.addresses is None:
            host.addresses = await _resolve(address, to_port)
        allowed = [ip for ip in host.addresses if self._allowed.may_dial(ip, name, address)]
        if not allowed:
            where = ", ".join(host.addresses)
            raise _FailedError(f"refused: {name} is at {where}, not in allow_private", again=False)
        tls = None
        if scheme == "https" and not self._plain_tls:
            self._tls = tls = self._tls or ssl.create_default_context()
        cause = ""
        for ip in allowed:
            try:
                async with asyncio.timeout(self._timeout):
                    reader, writer = await asyncio.open_connection(
                        ip, to_port, ssl=tls, server_hostname=name if tls else None, limit=_LINE
                    )
                return _Connection(reader=reader, writer=writer, ip=ip)
            except ssl.SSLCertVerificationError as error:
                raise _FailedError(f"tls: {error.verify_message}", again=False) from None
            except TimeoutError:
                cause = f"time: {ip} port {to_port} does not answer"
            except ssl.SSLError as error:
                cause = f"tls: {error.reason}"
            except OSError as error:
                cause = f"connect: {error.strerror or error}"
        raise _FailedError(cause)

    async def _converse(self, connection: _Connection, url: str, request: bytes, attempt: int) -> tuple[Exchange, bool]:
        started = datetime.now(UTC)
        body = cast(BinaryIO, SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 (handed to the caller)
        try:
            async with _patience(self._timeout, self._longest) as patience:
                try:
                    connection.writer.write(request)
                    await connection.writer.drain()
                    head = await _read_head(connection.reader, patience)
                except (ConnectionError, ssl.SSLError):
                    raise _StaleError from None
            status, reason, headers = message.parse_head(head)
            copy = _BodyReader(connection.reader, body, self._max_bytes)
            truncated: Truncated | None = None
            try:
                async with _patience(self._timeout, self._longest) as patience:
                    keep = await copy.read(status, headers, patience)
            except TimeoutError:
                truncated, keep = "time", False
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
                truncated, keep = "disconnect", False
            except _TooLongError:
                truncated, keep = "length", False
        except TimeoutError:
            body.close()
            raise _FailedError(f"time: no answer within {self._timeout:g} s") from None
        except ValueError as error:
            body.close()
            raise _FailedError(f"answer: {error}") from None
        except BaseException:
            body.close()
            raise
        body.seek(0)
        said = (message.field(headers, "Connection") or "").lower()
        keep = keep and "close" not in said and (not head.startswith(b"HTTP/1.0") or "keep-alive" in said)
        exchange = Exchange(
            url=url, request=request, head=head, body=body, status=status, reason=reason, headers=headers,
            started=started, ip=connection.ip, truncated=truncated, attempts=attempt,
        )  # fmt: skip
        return exchange, keep


class _StaleError(Exception):
    """The connection ended before the first byte of an answer."""


class _TooLongError(Exception):
    """The body is longer than what may be stored."""


Patience = Callable[[], None]


@asynccontextmanager
async def _patience(idle: float, longest: float) -> AsyncIterator[Patience]:
    """TimeoutError when nothing arrives for `idle` seconds (the yielded call says that something did), or
    when the whole takes `longest`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + longest
    async with asyncio.timeout(idle) as timer:
        yield lambda: timer.reschedule(min(loop.time() + idle, end))


async def _read_head(reader: asyncio.StreamReader, patience: Patience) -> bytes:
    """The final answer's head, byte for byte; interim 1xx heads are passed over. Raises ValueError."""
    while True:
        lines: list[bytes] = []
        size = 0
        while not lines or lines[-1] not in (b"\r\n", b"\n"):
            line = await reader.readline()
            if not line.endswith(b"\n"):
                if not lines and not line:
                    raise _StaleError
                raise ValueError("the answer ends within its head")
            if not lines and not line.startswith(b"HTTP/"):
                raise ValueError("the answer does not begin with an HTTP status line")
            lines.append(line)
            size += len(line)
            if size > _HEAD:
                raise ValueError("the head is longer than a megabyte")
        patience()
        head = b"".join(lines)
        if head.split(b" ", 2)[1][:1] != b"1":
            return head


class _BodyReader:
    """Copies a body as it is framed on the wire, framing included."""

    def __init__(self, reader: asyncio.StreamReader, body: BinaryIO, max_bytes: int) -> None:
        self._reader, self._body, self._left = reader, body, max_bytes

    async def read(self, status: int, headers: message.Fields, patience: Patience) -> bool:
        """Whether the connection can be used again. Raises IncompleteReadError when the body is cut."""
        if status in (204, 304):
            return True
        if message.is_chunked(headers):
            return await self._chunked(patience)
        lengths = {value for name, value in headers if name.lower() == "content-length"}
        length = lengths.pop() if len(lengths) == 1 else ""
        if length.isascii() and length.isdigit():
            await self._exactly(int(length), patience)
            return True
        await self._to_the_end(patience)
        return False

    async def _chunked(self, patience: Patience) -> bool:
        first = True
        while True:
            try:
                line = await self._line(patience)
                size = int(line.split(b";")[0].strip(), 16)
            except asyncio.IncompleteReadError as error:
                if first and error.partial and not _HEX.match(error.partial):
                    return False
                raise
            except (ValueError, asyncio.LimitOverrunError):
                if not first:
                    raise asyncio.IncompleteReadError(b"", None) from None
                # Announced as chunked and sent as it is: the end of the connection is the end of the body.
                await self._to_the_end(patience)
                return False
            first = False
            if size == 0:
                while (await self._line(patience)).strip():
                    pass
                return True
            await self._exactly(size, patience)
            await self._line(patience)

    async def _line(self, patience: Patience) -> bytes:
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            self._keep(error.partial)
            raise
        self._keep(line)
        patience()
        return line

    async def _exactly(self, size: int, patience: Patience) -> None:
        while size > 0:
            piece = await self._reader.read(min(size, 1 << 18))
            if not piece:
                raise asyncio.IncompleteReadError(b"", size)
            self._keep(piece)
            size -= len(piece)
            patience()

    async def _to_the_end(self, patience: Patience) -> None:
        while piece := await self._reader.read(1 << 18):
            self._keep(piece)
            patience()

    def _keep(self, piece: bytes) -> None:
        self._body.write(piece[: self._left])
        if len(piece) > self._left:
            raise _TooLongError
        self._left -= len(piece)


class _Allowed:
    """Which private addresses may be dialled."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def may_dial(self, ip: str, *names: str) -> bool:
        address: Address = ipaddress.ip_address(ip.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        if address.is_global and not address.is_multicast:
            return True
        return any(address in network for network in self._networks) or not self._names.isdisjoint(names)


async def _resolve(name: str, port: int) -> list[str]:
    with suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _FailedError(f"dns: {name}: {getattr(error, 'strerror', None) or error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _retry_after(headers: message.Fields, now: datetime, attempt: int) -> float:
    """Seconds to wait: what `Retry-After` asks for (number or date), bounded; else half a second, then
    one."""
    said = message.field(headers, "Retry-After") or ""
    if said.isdigit():
        return min(float(said), LONGEST_WAIT)
    with suppress(ValueError, TypeError):
        return min(max((parsedate_to_datetime(said) - now).total_seconds(), 0.0), LONGEST_WAIT)
    return 0.5 * attempt


async def _close(connection: _Connection) -> None:
    connection.writer.close()
    with suppress(OSError, TimeoutError, ssl.SSLError):
        async with asyncio.timeout(2):
            await connection.writer.wait_closed()
