"""Serve a folder the way an old municipal web server did, the same on every run.

The rules are in the folder's ``_server.json``, explained in ``lyj/README.md``. Command line:
``python -m tests.sites.server tests/sites/lyj --port 8201``
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Rules:
    """The rules of one folder. Patterns are shell patterns over decoded paths."""

    hosts: list[str]
    server: str
    index: list[str]
    not_served: list[str]
    types: dict[str, str]
    content_type: list[tuple[str, str]]
    headers: list[tuple[str, dict[str, str]]]
    modified: list[tuple[str, str]]
    chunked: list[str]
    gzip: list[str]
    close: list[str]
    redirects: dict[str, tuple[int, str]]
    queries: dict[str, tuple[str, dict[str, str]]]
    session: str
    not_found: tuple[str, str]

    @classmethod
    def load(cls, folder: Path) -> Rules:
        """Read ``_server.json``."""
        return cls(**json.loads((folder / "_server.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Reply:
    """One answer, before framing."""

    status: int
    headers: Pairs
    body: bytes = b""
    chunked: bool = False
    gzip: bool = False
    close: bool = False


@dataclass
class Server:
    """A running server; ``log`` holds the request targets (path and query) in order."""

    host: str
    port: int
    log: list[str] = field(default_factory=list)


class Site:
    """The files of a folder with its rules."""

    def __init__(self, folder: Path) -> None:
        self.rules = Rules.load(folder)
        self.folder = folder
        self.files: dict[str, Path] = {}
        self.folders: set[str] = set()
        for file in sorted(folder.rglob("*")):
            name = "/" + file.relative_to(folder).as_posix()
            if not file.is_file() or matches(name, self.rules.not_served):
                continue
            self.files[name.casefold()] = file
            for parent in Path(name).parents:
                self.folders.add(parent.as_posix().rstrip("/").casefold())

    def answer(self, target: str) -> Reply:
        """Find the reply to a request target (origin form or, from a proxy user, absolute)."""
        if target.lower().startswith("http://"):
            parts = urlsplit(target)
            if (parts.hostname or "") not in self.rules.hosts:
                return Reply(502, [("Content-Type", "text/plain")], b"Unknown host\n")
            target = target[len("http://") + len(parts.netloc) :] or "/"
        raw, mark, query = target.partition("?")
        path = decode(raw).partition(self.rules.session)[0]
        if path in self.rules.redirects:
            return redirect(*self.rules.redirects[path])
        key = path.casefold()
        if key in self.rules.queries:
            charset, table = self.rules.queries[key]
            wanted = unquote_to_bytes(query.encode("latin-1")).decode(charset, "replace")
            found = table.get(wanted)
            return self.page(path, self.folder / found, dynamic=True) if found else self.missing()
        if key.endswith("/"):
            names = [key + name for name in self.rules.index if key + name in self.files]
            return self.page(names[0], self.files[names[0]]) if names else self.missing()
        if key in self.files:
            return self.page(path, self.files[key])
        if key in self.folders:
            return redirect(301, quote(path) + "/" + mark + query)
        return self.missing()

    def page(self, path: str, file: Path, *, dynamic: bool = False) -> Reply:
        """Answer with a file."""
        rules = self.rules
        body = file.read_bytes()
        name = path if dynamic else "/" + file.relative_to(self.folder).as_posix()
        kinds = [rules.types.get(file.suffix.lower(), "application/octet-stream")]
        kinds += [kind for pattern, kind in rules.content_type if fnmatchcase(name, pattern)]
        headers: Pairs = [("Content-Type", kinds[-1])]
        for pattern, extra in rules.headers:
            headers += extra.items() if fnmatchcase(name, pattern) else []
        if not dynamic:
            dates = [date for pattern, date in rules.modified if fnmatchcase(name, pattern)]
            headers += [("Last-Modified", date) for date in dates[:1]]
            headers.append(("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()[:14]}:0"'))
        flags = (matches(name, names) for names in (rules.chunked, rules.gzip, rules.close))
        return Reply(200, headers, body, *flags)

    def missing(self) -> Reply:
        """Answer with the site's own 404 page."""
        file, kind = self.rules.not_found
        return Reply(404, [("Content-Type", kind)], (self.folder / file).read_bytes())


def matches(name: str, patterns: list[str]) -> bool:
    """Whether any of the patterns fits."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def decode(raw: str) -> str:
    """Decode a path the way a Chinese IIS did: UTF-8 first, then GBK."""
    data = unquote_to_bytes(raw.encode("latin-1"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gbk", "replace")


def redirect(status: int, where: str) -> Reply:
    """Build a redirect with the short body that IIS sends."""
    body = f'<head><title>Object moved</title></head><body><a HREF="{where}">here</a></body>'
    return Reply(status, [("Location", where), ("Content-Type", "text/html")], body.encode())


def unchanged(reply: Reply, tag: str | None, since: str | None) -> bool:
    """Whether a conditional request can be answered with 304."""
    have = dict(reply.headers)
    if reply.status != 200 or "ETag" not in have:
        return False
    if tag is not None:
        return have["ETag"] in [part.strip().removeprefix("W/") for part in tag.split(",")]
    return since is not None and since == have.get("Last-Modified")


class Handler(BaseHTTPRequestHandler):
    """Frames the replies of a site; one instance for each connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    site: Site
    state: Server

    def version_string(self) -> str:
        """Name the server."""
        return self.site.rules.server

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: requests are recorded in ``Server.log``."""

    def do_POST(self) -> None:
        """Refuse POST: nothing behind the forms is alive."""
        self.close_connection = True
        self.state.log.append(self.path)
        self.finish_reply(Reply(405, [("Allow", "GET, HEAD"), ("Content-Type", "text/plain")]))

    def do_GET(self) -> None:
        """Answer GET or HEAD."""
        self.state.log.append(self.path)
        reply = self.site.answer(self.path)
        if unchanged(reply, self.headers["If-None-Match"], self.headers["If-Modified-Since"]):
            kept = [pair for pair in reply.headers if pair[0] in ("ETag", "Last-Modified")]
            reply = Reply(304, kept)
        self.finish_reply(reply)

    do_HEAD = do_GET  # noqa: N815 (the name the library asks for)

    def finish_reply(self, reply: Reply) -> None:
        """Send status, headers and, except for HEAD and 304, the body."""
        headers, body = list(reply.headers), reply.body
        if reply.gzip:
            headers.append(("Vary", "Accept-Encoding"))
            if "gzip" in (self.headers["Accept-Encoding"] or "").lower():
                body = gzip.compress(body, 6, mtime=0)
                headers.append(("Content-Encoding", "gzip"))
        chunked = reply.chunked and self.request_version == "HTTP/1.1"
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
            parts = [body[at : at + 701] for at in range(0, len(body), 701)] + [b""]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        elif reply.status != 304:
            headers.append(("Content-Length", str(len(body))))
        if reply.close or self.close_connection:
            headers.append(("Connection", "close"))
        self.send_response(reply.status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and reply.status != 304:
            self.wfile.write(body)


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[Server]:
    """Serve the folder on 127.0.0.1 (port 0: any free port) until the block ends."""
    state = Server("127.0.0.1", port)
    handler = type("SiteHandler", (Handler,), {"site": Site(folder), "state": state})
    with ThreadingHTTPServer((state.host, port), handler) as httpd:
        state.port = int(httpd.server_address[1])
        threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield state
        finally:
            httpd.shutdown()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt), serve(options.folder, options.port) as server:
        print(f"http://{server.host}:{server.port}/", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
