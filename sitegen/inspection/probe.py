"""What a host answers: one page of it, asked politely, never an address that is private, never more than a bound.

The address of a host is looked up once a question, judged, and dialled as it was judged, at every redirect anew: a name
that leads to 127.0.0.1 or to a cloud's metadata is refused before a byte is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import http.client
import io
import re
import ssl
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from sitegen.addresses import Allowed, resolve

MOST = 256 * 1024
"""Bytes of an answer that are read."""
_REDIRECTS = 5
_AT_ONCE = 16
_BETWEEN = 1.0
"""Seconds between two questions to one host."""
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_HEAD = 32 * 1024
"""Characters in which a title is looked for; a page of nothing but `<title` costs no more than that."""
_CHARSET = re.compile(rb"charset=[\"' ]*([\w-]{2,20})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status`: of the last page, 0: there was none, and `cause` says why. `seconds`: until it stood there. `host`: of the
    last page; `title`: its title in one line; `text`: what was read of it."""

    url: str
    status: int
    seconds: float
    host: str = ""
    title: str = ""
    text: str = ""
    cause: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 400


class _FailedError(Exception):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """`name`: what we call ourselves (User-Agent); `seconds`: for a page with its redirects; `between`: seconds between
    two questions to one host; `allowed`: what may be private."""

    name: str
    seconds: float
    between: float = _BETWEEN
    allowed: Sequence[str] = ()


def ask_all(urls: Iterable[str], manners: Manners) -> list[Answer]:
    """An answer for each address, in their order; one question at a time to each host. Never raises for what a host does."""
    return asyncio.run(_ask_all(list(urls), manners))


async def _ask_all(urls: list[str], manners: Manners) -> list[Answer]:
    by_host: dict[str, list[int]] = defaultdict(list)
    for number, url in enumerate(urls):
        by_host[_host(url)].append(number)
    answers: dict[int, Answer] = {}
    room = asyncio.Semaphore(_AT_ONCE)

    async def ask_host(numbers: list[int]) -> None:
        for turn, number in enumerate(numbers):
            if turn:
                await asyncio.sleep(manners.between)
            async with room:
                answers[number] = await _ask(urls[number], manners)

    await asyncio.gather(*(ask_host(numbers) for numbers in by_host.values()))
    return [answers[number] for number in range(len(urls))]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


async def _ask(url: str, manners: Manners) -> Answer:
    begin = time.monotonic()
    try:
        async with asyncio.timeout(manners.seconds):
            return await _followed(url, manners, begin)
    except TimeoutError:
        cause = f"time: no page within {manners.seconds:g} s"
    except _FailedError as error:
        cause = str(error)
    except ssl.SSLCertVerificationError as error:
        cause = f"tls: {error.verify_message}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = f"connect: {getattr(error, 'strerror', None) or type(error).__name__}"
    return Answer(url=url, status=0, seconds=round(time.monotonic() - begin, 2), cause=cause)


async def _followed(url: str, manners: Manners, begin: float) -> Answer:
    allowed, at = Allowed(manners.allowed), url
    for _hop in range(_REDIRECTS + 1):
        status, location, data = await _page(at, manners.name, allowed)
        if not (300 <= status < 400 and location):
            text = _decoded(data)
            return Answer(
                url=url, status=status, seconds=round(time.monotonic() - begin, 2), host=_host(at), title=_title(text), text=text
            )  # fmt: skip
        at = urljoin(at, location)
    raise _FailedError(f"redirects: more than {_REDIRECTS}")


async def _page(url: str, agent: str, allowed: Allowed) -> tuple[int, str, bytes]:
    """(status, Location, body)."""
    parts = urlsplit(url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not host:
        raise _FailedError(f"refused: {parts.scheme or 'no scheme'}")
    port = parts.port or (443 if tls else 80)
    name = host if ":" in host else host.encode("idna").decode("ascii")
    ips = await resolve(name, port)
    good = [ip for ip in ips if allowed.may_dial(ip, host)]
    if not good:
        raise _FailedError(f"refused: {name} is at {', '.join(ips) or 'no address'}, which is not public")
    reader, writer = await _opened(good, port, name if tls else None)
    try:
        writer.write(_request(parts.path, parts.query, parts.netloc.rpartition("@")[2], agent))
        await writer.drain()
        data = bytearray()
        while len(data) < MOST and (more := await reader.read(65536)):
            data += more
    finally:
        writer.close()
    return _parsed(bytes(data[:MOST]))


async def _opened(
    ips: Sequence[str], port: int, tls_name: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The first that answers: a host may have an address of a kind that this machine cannot reach."""
    context = ssl.create_default_context() if tls_name else None
    for ip in ips[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(ip, port, ssl=context, server_hostname=tls_name)
    return await asyncio.open_connection(ips[-1], port, ssl=context, server_hostname=tls_name)


def _request(path: str, query: str, host: str, agent: str) -> bytes:
    """What could end the line is quoted: an address is content, and content is not trusted."""
    target = re.sub(
        r"[^!-~]",
        lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()),
        f"{path or '/'}{'?' if query else ''}{query}",
    )
    where = re.sub(
        r"[^!-~]", "", host.encode("idna", "ignore").decode("ascii", "ignore") if not host.isascii() else host
    )
    head = (
        f"GET {target} HTTP/1.1\r\nHost: {where}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
    )
    return f"{head}Connection: close\r\n\r\n".encode("ascii", "replace")


class _Received:
    """What http.client asks of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _parsed(data: bytes) -> tuple[int, str, bytes]:
    answer = http.client.HTTPResponse(_Received(data))  # type: ignore[arg-type]
    answer.begin()
    try:
        body = answer.read()
    except http.client.IncompleteRead as cut:  # as much as was read
        body = cut.partial
    return answer.status, answer.getheader("Location") or "", body


def _decoded(data: bytes) -> str:
    named = _CHARSET.search(data[:2048])
    try:
        return data.decode(named[1].decode() if named else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _title(text: str) -> str:
    found = _TITLE.search(text[:_HEAD])
    said = " ".join(html.unescape(found[1]).split()) if found else ""
    return "".join(sign for sign in said if sign.isprintable())[:200]
