"""A small static server for the live release, on loopback only."""

from __future__ import annotations

import functools
import http.server
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sitegen import reader, servers
from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.text import _

_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
_ARCHIVED = (
    "sandbox allow-popups allow-top-navigation-by-user-activation; default-src 'self'; script-src 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


class _Piece:
    """The bytes of a file that were asked for."""

    def __init__(self, path: Path, first: int, length: int) -> None:
        self._stream, self._left = path.open("rb"), length
        self._stream.seek(first)

    def read(self, most: int) -> bytes:
        piece = self._stream.read(min(most, self._left))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._stream.close()


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

    def send_head(self) -> Any:
        """A byte range is answered as asked (RFC 9110 §14): ReplayWeb.page takes a package piece by piece."""
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if asked is None or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
        if not first <= last:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        return _Piece(path, first, last + 1 - first)

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
