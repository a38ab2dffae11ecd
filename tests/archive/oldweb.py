"""A web server that sends exactly the bytes it is told to, and remembers what went over the wire."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.crawling.capture import CaptureReport, Options, capture
from archive.crawling.frontier import Frontier, Row
from archive.decision import Decision
from tests.sites.server import Server, serve

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """`raw` goes over the wire as it is, its first `drip` bytes one by one; afterwards the connection is kept,
    closed, reset, left silent, or goes on with `more` for ever, once in `every` seconds."""

    raw: bytes
    then: str = "keep"
    drip: int = 0
    more: bytes = b""
    every: float = 0.0


@dataclass
class Spoken:
    path: str
    request: bytes
    response: bytes


Route = bytes | Answer | Callable[[int], bytes | Answer]


@dataclass
class OldWeb:
    """`routes`: path with query → raw answer, or a function of how often it was asked for."""

    routes: dict[str, Route]
    port: int = 0
    spoken: list[Spoken] = field(default_factory=list)
    connections: int = 0
    coming: bytes = b""
    """The request that is being answered."""
    dead: bool = False
    """Whoever calls is hung up on."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    @property
    def asked(self) -> list[str]:
        return [one.path for one in self.spoken]

    def answer(self, path: str) -> Answer:
        route = self.routes.get(path, page("<h1>404</h1>", status="404 Not Found"))
        found = route(self.asked.count(path) + 1) if callable(route) else route
        return found if isinstance(found, Answer) else Answer(found)


def page(
    body: str | bytes,
    kind: str = "text/html",
    *,
    status: str = "200 OK",
    charset: str = "utf-8",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    data = body.encode(charset) if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


def redirect(to: str, status: str = "302 Found") -> bytes:
    return page("", status=status, headers={"Location": to})


def chunked(*pieces: bytes, head: str = "Content-Type: text/html", trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    start = f"HTTP/1.1 200 OK\r\n{head}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return start.encode("latin-1") + body + b"0\r\n" + trailer + b"\r\n"


def gzipped(body: bytes, kind: str = "text/html") -> bytes:
    return page(gzip.compress(body, mtime=0), kind, headers={"Content-Encoding": "gzip"})


@contextmanager
def serving(routes: dict[str, Route], tls: ssl.SSLContext | None = None) -> Iterator[OldWeb]:
    web = OldWeb(routes)
    listener = socket.create_server(("127.0.0.1", 0))
    web.port = listener.getsockname()[1]
    stop = threading.Event()
    threads: list[threading.Thread] = []
    open_ones: list[socket.socket] = []

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if web.dead:
                connection.close()
                continue
            web.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ones.append(connection)
            thread = threading.Thread(target=_converse, args=(web, connection, tls, stop), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield web
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        for connection in open_ones:
            connection.close()


def _converse(web: OldWeb, connection: socket.socket, tls: ssl.SSLContext | None, stop: threading.Event) -> None:
    with suppress(OSError):
        if tls is not None:
            with tls.wrap_socket(connection, server_side=True) as secret:
                _talk(web, secret, stop)
        else:
            _talk(web, connection, stop)
            connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _talk(web: OldWeb, connection: socket.socket, stop: threading.Event) -> None:
    request = b""
    while True:
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
        if web.dead:
            return
        one, _, request = request.partition(b"\r\n\r\n")
        path = one.split(b" ")[1].decode()
        web.coming = one + b"\r\n\r\n"
        answer = web.answer(path)
        web.spoken.append(Spoken(path, one + b"\r\n\r\n", answer.raw))
        for byte in answer.raw[: answer.drip]:
            connection.sendall(bytes([byte]))
        connection.sendall(answer.raw[answer.drip :])
        while answer.more and not stop.wait(answer.every):
            connection.sendall(answer.more)
        if answer.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        if answer.then == "silent":
            stop.wait(20)
        if answer.then != "keep":
            return


def decided(web: OldWeb, **more: Any) -> Decision:
    about: dict[str, Any] = {
        "site": "lyj",
        "hosts": (web.host,),
        "start": (web.url(),),
        "allow_private": ("127.0.0.1",),
    }
    return Decision(**(about | more))


def captured(web: OldWeb, store: Path, decision: Decision | None = None, **more: Any) -> CaptureReport:
    """`more`: arguments of `capture`, and fields of its Options."""
    said = {one.name: more.pop(one.name) for one in fields(Options) if one.name in more}
    options = replace(more.pop("options", Options()), **said)
    return capture(decision or decided(web), store=store, now=NOW, options=options, **more)


def rows_of(report: CaptureReport) -> dict[str, Row]:
    """Frontier rows by path and query."""
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        return {"/" + row.url.split("/", 3)[3]: row for row in frontier.rows()}


def lyj() -> AbstractContextManager[Server]:
    """The old website of the tourism bureau, served on loopback."""
    return serve(ROOT / "tests/sites/lyj")
