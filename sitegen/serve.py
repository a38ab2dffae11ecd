"""A small static server for the live release, on loopback only."""

from __future__ import annotations

import functools
import http.server
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sitegen import reader, servers
from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.text import _

_ARCHIVED = (
    "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'self'; script-src 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of one folder, our 404 page, and the headers a web server is to send."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 (the library's own name and form)
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".xml": "application/xml; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
    }

    def end_headers(self) -> None:
        for name, value in {**servers.HEADERS, **_policy_of(self.path)}.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet: this server is for looking, its log is nobody's."""


def _policy_of(path: str) -> dict[str, str]:
    """Archived pages keep their own inline styles, and nothing else of what they were; in the reader they run."""
    if path.startswith(reader.PAGES):
        return {"Content-Security-Policy": reader.POLICY}
    if path.startswith("/archive/") and path.count("/") > 3:
        return {"Content-Security-Policy": _ARCHIVED}
    return {}


def server(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """Bound to 127.0.0.1 and not yet running; `port` 0 takes a free one. Raises Refused when the port is taken."""
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(folder)))
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


def serve(project: Project, port: int, progress: Callable[[str], None]) -> None:
    """Serve build/site until interrupted; the link is followed at each request, so a new release shows at once."""
    if not project.live.exists():
        raise Refused(
            [
                Problem(
                    path="build/site",
                    code="release-missing",
                    message=_("nothing was built yet"),
                    remedy=_("run: {command}").format(command="sitegen build"),
                )
            ]
        )
    with server(project.live, port) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}/"
        progress(_("{address} (Ctrl-C ends it)").format(address=address))
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            progress(_("ended"))
