"""Opening connections: where a host really is, whether it may be dialled, TLS, proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from archive import message
from archive.net.access import Access
from archive.net.wire import StaleError, Wire
from sitegen.addresses import Allowed, literal, resolve

_BUFFER = 1 << 18


class FailedError(Exception):
    """An attempt without an answer; `again` says whether another one may help."""

    def __init__(self, cause: str, *, again: bool = True) -> None:
        super().__init__(cause)
        self.again = again


@dataclass(slots=True)
class Connection:
    """`ip` is the address that was dialled; empty behind a proxy, which alone knows it."""

    wire: Wire
    writer: asyncio.StreamWriter
    ip: str
    loopback: bool
    used: bool = False

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self.writer.wait_closed()


class Dialler:
    """Each host's name is resolved once and stays at these addresses; each address is asked about before it is dialled,
    whatever name led there.

    Behind a proxy names are the proxy's to resolve: hosts spelled as addresses are still asked about. A connect-to
    address is dialled without the proxy.
    """

    def __init__(
        self,
        connect_to: Mapping[tuple[str, int], tuple[str, int]],
        allow_private: Iterable[str],
        access: Access,
        *,
        plain_tls: bool,
        timeout: float,
    ) -> None:
        self._connect_to, self._allowed, self._access = connect_to, Allowed(allow_private), access
        self._plain_tls, self._timeout = plain_tls, timeout
        self._tls = access.tls
        self._pinned: dict[str, list[str]] = {}

    async def dial(self, scheme: str, name: str, port: int) -> Connection:
        """Raises FailedError."""
        if self._plain_tls and scheme == "https" and (name, port) not in self._connect_to:
            raise FailedError("refused: plain_tls without a connect-to address", again=False)
        tls = scheme == "https" and not self._plain_tls
        if self.proxied(name, port):
            return await self._through_proxy(name, port, tls=tls)
        address, to_port = self._connect_to.get((name, port), (name, port))
        pinned = await self._addresses(address, to_port)
        allowed = [ip for ip in pinned if self._allowed.may_dial(ip, name, address)]
        if not allowed:
            raise _refused(name, ", ".join(pinned))
        return await self._connect(allowed, to_port, name if tls else None)

    def proxied(self, name: str, port: int) -> bool:
        return self._access.proxy is not None and (name, port) not in self._connect_to

    async def _addresses(self, name: str, port: int) -> list[str]:
        if name not in self._pinned:
            try:
                found = await resolve(name, port)
            except (OSError, UnicodeError) as error:
                cause = getattr(error, "strerror", None) or error
                raise FailedError(f"dns: {name}: {cause}") from None
            self._pinned.setdefault(name, found)
        return self._pinned[name]

    async def _connect(self, addresses: Iterable[str], port: int, tls_name: str | None) -> Connection:
        cause = ""
        for ip in addresses:
            try:
                async with asyncio.timeout(self._timeout):
                    reader, writer = await asyncio.open_connection(
                        ip, port, ssl=self._context() if tls_name else None, server_hostname=tls_name, limit=_BUFFER
                    )
                loopback = ipaddress.ip_address(ip.partition("%")[0]).is_loopback
                return Connection(wire=Wire(reader), writer=writer, ip=ip, loopback=loopback)
            except TimeoutError:
                cause = f"time: {ip} port {port} does not answer"
            except OSError as error:
                cause = _cause(error)
        raise FailedError(cause)

    async def _through_proxy(self, name: str, port: int, *, tls: bool) -> Connection:
        proxy = self._access.proxy
        assert proxy is not None  # noqa: S101 (the caller has just asked)
        address = literal(name) or (ipaddress.ip_address("127.0.0.1") if _is_localhost(name) else None)
        if address is not None and not self._allowed.may_dial(str(address), name):
            raise _refused(name, str(address))
        connection = await self._connect(await self._addresses(proxy.host, proxy.port), proxy.port, None)
        connection.ip, connection.loopback = "", False
        if tls:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._tunnel(connection, f"[{name}]" if ":" in name else name, port)
                    await connection.writer.start_tls(self._context(), server_hostname=name)
            except TimeoutError:
                await connection.close()
                raise FailedError("time: the proxy does not answer") from None
            except (FailedError, OSError) as error:
                await connection.close()
                raise error if isinstance(error, FailedError) else FailedError(_cause(error)) from None
        return connection

    async def _tunnel(self, connection: Connection, name: str, port: int) -> None:
        proxy = self._access.proxy
        login = f"Proxy-Authorization: {proxy.login.value}\r\n" if proxy and proxy.login else ""
        connection.writer.write(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n{login}\r\n".encode())
        try:
            _interim, head = await connection.wire.head()
            status, reason, _fields = message.parse_head(head)
        except (StaleError, ValueError) as error:
            raise FailedError(f"proxy: {error or 'the connection was closed'}") from None
        if not 200 <= status < 300:
            raise FailedError(f"proxy: {status} {message.printable(reason)}", again=status >= 500)

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or ssl.create_default_context()
        return self._tls


def _refused(name: str, where: str) -> FailedError:
    return FailedError(f"refused: {name} is at {where}, not in allow_private", again=False)


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        # Nothing else will come of asking again.
        raise FailedError(f"tls: {error.verify_message}", again=False) from None
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    return f"connect: {error.strerror or error}"
