"""The service behind waitress, which has the request whole before it asks us: a slow client costs a socket, no thread."""

from __future__ import annotations

import logging
import mimetypes
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress import create_server
from waitress.channel import HTTPChannel

from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.interaction.desk import Desks
from sitegen.interaction.service import BODY, Environ, Limits, Service, Start
from sitegen.interaction.spool import Spool
from sitegen.text import _

Application = Callable[[Environ, Start], Iterable[bytes]]
PATIENCE = 20
"""Seconds in which a request must have arrived whole."""
CONNECTIONS = 1000
THREADS = 8


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose request must not take for ever, a byte at a time."""

    _since = 0.0

    def received(self, data: bytes) -> Any:
        now = time.monotonic()
        if self.request is None:
            self._since = now
        elif now - self._since > PATIENCE:
            self.will_close = True
            return False
        return super().received(data)


def server(
    project: Project, service: Application, port: int, *, trusted_proxy: str | None = None, threads: int = THREADS
) -> Any:
    """A waitress server, bound to loopback and not yet running. Raises Refused when the port is taken."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each request that waits would be a flood
    trust = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": {"x-forwarded-for"}} if trusted_proxy else {}
    try:
        made = create_server(
            with_assets(project, service),
            host="127.0.0.1",
            port=port,
            threads=threads,
            connection_limit=CONNECTIONS,
            backlog=1024,
            channel_timeout=PATIENCE,
            cleanup_interval=5,
            max_request_body_size=BODY,
            max_request_header_size=16 * 1024,
            clear_untrusted_proxy_headers=True,
            ident="",
            expose_tracebacks=False,
            **trust,
        )
    except OSError as error:
        raise Refused(
            [
                Problem(
                    path=f"127.0.0.1:{port}",
                    code="port-taken",
                    message=_("the port cannot be used: {error}").format(error=error.strerror),
                    remedy=_("give another one: {option}").format(option="--port 8080"),
                )
            ]
        ) from None
    made.channel_class = _Channel
    return made


def with_assets(project: Project, service: Application) -> Application:
    """The service, and the theme's own files, so that its pages look right without another server in front."""

    def application(environ: Environ, start: Start) -> Iterable[bytes]:
        name = str(environ.get("PATH_INFO", ""))
        path = project.live / name.lstrip("/")
        if not name.startswith("/assets/") or "/." in name or environ["REQUEST_METHOD"] != "GET" or not path.is_file():
            return service(environ, start)
        data = path.read_bytes()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        start(
            "200 OK",
            [("Content-Type", kind), ("Content-Length", str(len(data))), ("X-Content-Type-Options", "nosniff")],
        )
        return [data]

    return application


def serve(
    project: Project,
    spool: Spool,
    port: int,
    *,
    origins: Iterable[str],
    limits: Limits,
    trusted_proxy: str | None,
    progress: Callable[[str], None],
) -> None:
    """Serve until interrupted. Raises Refused."""
    desks = Desks(project)
    path = desks.now().portal.messages_url
    if not path:
        raise Refused(
            [
                Problem(
                    path="content/index.md",
                    code="messages-url-missing",
                    key="messages_url",
                    message=_("the portal does not say where letters are sent"),
                    remedy=_("add a line: {line}").format(line="messages_url: /messages/"),
                )
            ]
        )
    waiting = spool.deliver()
    running = server(project, Service(desks.now, spool, origins, limits), port, trusted_proxy=trusted_proxy)
    bound = next(s for s in running.socket.getsockname() if isinstance(s, int)) if port == 0 else port
    progress(_("{address} (Ctrl-C ends it)").format(address=f"http://127.0.0.1:{bound}{path}"))
    if waiting:
        progress(_("{count} letters wait: the ledger cannot be written").format(count=waiting))
    try:
        running.run()
    finally:
        running.close()
        progress(_("ended"))
