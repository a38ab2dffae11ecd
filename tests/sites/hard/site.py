"""The hard site: its pages, its traps, what can be reached on it, and a server.

`python -m tests.sites.hard.site --port 8203` serves it; `Hard.truth` holds the path (with query) of every resource that
a visitor can reach. A trap is endless, so of its pages only the first belongs to the truth.
"""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from tests.sites.hard.forms import FORMS

TYPES = {
    "html": "text/html", "htm": "text/html", "shtml": "text/html", "asp": "text/html", "css": "text/css",
    "js": "text/javascript", "json": "application/json", "xml": "text/xml", "atom": "application/atom+xml",
    "svg": "image/svg+xml", "txt": "text/plain", "gif": "image/gif", "png": "image/png", "jpg": "image/jpeg",
    "ico": "image/x-icon", "webp": "image/webp", "mp4": "video/mp4", "mp3": "audio/mpeg", "pdf": "application/pdf",
}  # fmt: skip
_GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@dataclass(frozen=True)
class Reply:
    body: bytes
    kind: str
    status: int = 200
    location: str = ""


def _page(title: str, body: str, kind: str = "text/html; charset=utf-8", charset: str = "utf-8") -> Reply:
    """Long enough to be a page with a text of its own."""
    words = f"<p>{title}：本页属于示例市旅游局的旧网站，供检验采集是否完整。</p>"
    html = f"<html><head><title>{title}</title></head>{body}\n{words if '<frameset' not in body else ''}</html>"
    return Reply(html.encode(charset, "xmlcharrefreplace"), kind)


class Hard:
    """All replies by path with query; what has no fixed reply is asked of the traps."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.replies: dict[str, Reply] = {}
        self.truth: set[str] = set()
        self._numbers = count(1)
        self._forms()
        self._charsets()
        self._documents()
        self.traps: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Reply]]] = [
            (re.compile(pattern), reply) for pattern, reply in _TRAPS.items()
        ]
        entrances = [*(form.page for form in FORMS), *self._entrances, *_TRAP_ENTRANCES]
        links = "\n".join(f'<li><a href="{path}">{number}</a>' for number, path in enumerate(entrances))
        self.replies["/"] = _page("首页", f"<ul>{links}</ul>")
        self.truth |= {"/", "/robots.txt", "/sitemap.xml", *_TRAP_ENTRANCES}

    def answer(self, target: str) -> Reply:
        if target in self.replies:
            return self.replies[target]
        for pattern, reply in self.traps:
            if found := pattern.fullmatch(target):
                return reply(found)
        return Reply(b"<h1>404 Not Found</h1>", "text/html", 404)

    def _add(self, path: str, reply: Reply) -> None:
        self.replies[path] = reply
        self.truth.add(path)

    def _leaf(self, path: str) -> None:
        """A resource that leads nowhere, with bytes of its own."""
        if path in self.replies:
            return
        ending = path.partition("?")[0].rpartition("/")[2].rpartition(".")
        kind = TYPES.get(ending[2] if ending[1] else "html", "application/octet-stream")
        number = next(self._numbers)
        if kind == "text/html":
            self._add(path, _page(f"第{number}页 {path}", f"<h1>{path}</h1>"))
        else:
            data = _GIF if kind.startswith("image/") and "svg" not in kind else b""
            self._add(path, Reply(data + f"/* {number} */".encode(), kind))

    def _forms(self) -> None:
        for form in FORMS:
            self._add(form.page, _page(form.name, form.html.replace("HOST", self.host)))
            for path, body in form.bodies.items():
                ending = path.partition("?")[0].rpartition("/")[2].rpartition(".")
                kind = TYPES[ending[2]] if ending[1] else "application/json"
                self._add(path, Reply(body.replace("HOST", self.host).encode(), kind))
            for path in form.targets:
                self._leaf(path)

    def _charsets(self) -> None:
        """Pages in every encoding: their links hold Chinese, in the path (UTF-8) and in the query (the page's)."""
        self._entrances: list[str] = []
        for name, charset, kind, meta, asked in (
            ("gbk-undeclared", "gbk", "text/html", "", "gbk"),
            ("gbk-meta", "gbk", "text/html", "<meta http-equiv=Content-Type content='text/html; charset=gb2312'>", "gbk"),
            ("gbk-header", "gbk", "text/html; charset=GBK", "", "gbk"),
            ("gb18030-meta", "gb18030", "text/html", "<meta charset=gb18030>", "gb18030"),
            ("header-lies", "gbk", "text/html; charset=utf-8", "<meta charset=gb2312>", "gbk"),
            ("meta-lies", "utf-8", "text/html; charset=utf-8", "<meta charset=gb2312>", "utf-8"),
            ("latin-header", "gbk", "text/html; charset=ISO-8859-1", "", "gbk"),
            ("big5", "big5", "text/html; charset=big5", "", "big5"),
            ("utf-8-bom", "utf-8-sig", "text/html", "<meta charset=gb2312>", "utf-8"),
            ("utf-16", "utf-16", "text/html", "", "utf-8"),
        ):  # fmt: skip
            path = f"/c/{name}.html"
            word = "旅遊" if charset == "big5" else "旅游"
            links = f'<a href="/c/{name}/{word}.htm">a</a><a href="/c/{name}/s.asp?k={word}">b</a>'
            self._add(path, _page(f"{name} {word}局", meta + links, kind, charset))
            self._leaf(f"/c/{name}/{quote(word)}.htm")
            self._leaf(f"/c/{name}/s.asp?k={quote(word.encode(asked))}")
            self._entrances.append(path)

    def _documents(self) -> None:
        """What nothing links to: the site map knows it; and a PDF that leads on."""
        links = "".join(f"<url><loc>http://{self.host}/m/{n}.htm</loc></url>" for n in (1, 2))
        self._add("/map/part.xml", Reply(f"<urlset>{links}</urlset>".encode(), "text/xml"))
        index = f"<sitemapindex><sitemap><loc>http://{self.host}/map/part.xml</loc></sitemap></sitemapindex>"
        self._add("/sitemap.xml", Reply(index.encode(), "text/xml"))
        self._add("/robots.txt", Reply(b"User-agent: *\nDisallow: /closed/\n", "text/plain"))
        for number in (1, 2):
            self._leaf(f"/m/{number}.htm")
        uri = f"/A << /S /URI /URI (http://{self.host}/d/from-pdf.htm) >>".encode()
        pdf = b"%PDF-1.4\n1 0 obj << /Type /Annot /Subtype /Link " + uri + b" >> endobj\n%%EOF"
        self._add("/d/a.pdf", Reply(pdf, "application/pdf"))
        self._leaf("/d/from-pdf.htm")
        self._add("/d/moved.htm", Reply(b"", "text/html", 302, "/d/here.htm"))
        self._leaf("/d/here.htm")
        self._entrances += ["/d/a.pdf", "/d/moved.htm"]


def _calendar(found: re.Match[str]) -> Reply:
    year, month = int(found[1]), int(found[2])
    before, after = (year - (month == 1), (month + 10) % 12 + 1), (year + (month == 12), month % 12 + 1)
    links = "".join(f'<a href="/t/cal.asp?year={y}&month={m}">{y}年{m}月</a>' for y, m in (before, after))
    return _page(f"{year}年{month}月日历", links)


def _session_in_path(found: re.Match[str]) -> Reply:
    """Every page gives its links a new session."""
    session = f"{hash_of(found[0]):032x}"
    links = "".join(f'<a href="/t/s{n}.do;jsessionid={session}">{n}</a>' for n in (1, 2, 3))
    return _page(f"会话 {found[1]}", links)


def _session_in_query(found: re.Match[str]) -> Reply:
    session = f"{hash_of(found[0]):032x}"
    links = "".join(f'<a href="/t/q{n}.asp?PHPSESSID={session}">{n}</a>' for n in (1, 2, 3))
    return _page(f"会话参数 {found[1]}", links)


def _deeper(found: re.Match[str]) -> Reply:
    """A wrong relative link: every page is one folder deeper."""
    return _page("文件夹", '<a href="same/same/index.htm">下级</a>')


def _combined(found: re.Match[str]) -> Reply:
    """Filters that can be added for ever; the list stays the same."""
    query = dict(parse_qsl(found[1] or ""))
    links = []
    for name in ("sort", "order", "view", "type", "unit"):
        for value in "abcd":
            pairs = "&".join(f"{key}={text}" for key, text in {**query, name: value}.items())
            links.append(f'<a href="/t/filter.asp?{pairs}">{name} {value}</a>')
    return _page("筛选列表", "".join(links))


def _numbered(found: re.Match[str]) -> Reply:
    """The same text under every number."""
    return _page("没有该信息", f'<a href="/t/show.asp?id={int(found[1]) + 1}">下一条</a>')


def _loop(found: re.Match[str]) -> Reply:
    return Reply(b"", "text/html", 302, f"/t/loop{'b' if found[1] == 'a' else 'a'}.htm")


def hash_of(text: str) -> int:
    """The same number for the same text on every run."""
    value = 7
    for character in text:
        value = (value * 1_000_003 + ord(character)) % (1 << 128)
    return value


_TRAPS: dict[str, Callable[[re.Match[str]], Reply]] = {
    r"/t/cal\.asp\?year=(\d+)&month=(\d+)": _calendar,
    r"/t/s(\d)\.do(?:;jsessionid=\w*)?": _session_in_path,
    r"/t/q(\d)\.asp(?:\?PHPSESSID=\w*)?": _session_in_query,
    r"/t/deep/(?:same/)*index\.htm": _deeper,
    r"/t/filter\.asp(?:\?(.*))?": _combined,
    r"/t/show\.asp\?id=(\d+)": _numbered,
    r"/t/loop([ab])\.htm": _loop,
}
_TRAP_ENTRANCES = (
    "/t/cal.asp?year=2012&month=6", "/t/s1.do", "/t/q1.asp", "/t/deep/index.htm", "/t/filter.asp", "/t/show.asp?id=1",
    "/t/loopa.htm", "/t/loopb.htm", "/t/s2.do", "/t/s3.do", "/t/q2.asp", "/t/q3.asp",
)  # fmt: skip


@dataclass
class Server:
    """A running server; `log` holds target and User-Agent of every request, in order."""

    port: int = 0
    log: list[tuple[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    site: Hard = field(default_factory=lambda: Hard("127.0.0.1"))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        return [target for target, _agent in self.log]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 30
    state: Server

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded in `Server.log`."""

    def do_GET(self) -> None:
        self.state.log.append((self.path, self.headers["User-Agent"] or ""))
        self.state.methods.append(self.command)
        reply = self.state.site.answer(self.path)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        if reply.location:
            self.send_header("Location", reply.location)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_HEAD = do_GET  # noqa: N815 (the name the library asks for)
    do_POST = do_GET  # noqa: N815


def same(target: str) -> str:
    """One name for one resource, however its escapes are written and whatever session it was asked in."""
    path, mark, query = re.sub(r";jsessionid=\w*", "", target).partition("?")
    query = "&".join(part for part in query.split("&") if not part.startswith("PHPSESSID="))
    plain = quote(unquote_to_bytes(path))
    return plain + (f"?{quote(unquote_to_bytes(query), safe='=&/:')}" if mark and query else "")


@contextmanager
def serve_hard(port: int = 0) -> Iterator[Server]:
    """Serve the site on 127.0.0.1 (port 0: any free port) until the block ends."""
    state = Server()
    handler = type("HardHandler", (_Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as httpd:
        httpd.daemon_threads = True
        state.port = int(httpd.server_address[1])
        state.site = Hard(state.host)
        threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield state
        finally:
            httpd.shutdown()


def missed(server: Server, asked: set[str] | None = None) -> set[str]:
    """What of the truth was not asked for."""
    got = {same(target) for target in (server.asked if asked is None else asked)}
    return {target for target in server.site.truth if same(target) not in got}


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    with suppress(KeyboardInterrupt), serve_hard(parser.parse_args().port) as server:
        print(f"http://{server.host}/  {len(server.site.truth)} resources", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
