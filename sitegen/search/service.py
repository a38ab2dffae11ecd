"""The search service as a WSGI application: `/search` for readers without script, `/search.json` for programs."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from sitegen.interaction.desk import Desk
from sitegen.interaction.limit import Limit, client_of
from sitegen.pages import signposts
from sitegen.search import excerpt, folding
from sitegen.search.database import FACETS, Asked, Found, Reader

PAGE = 10
PAGES = 50
"""As far as anybody may turn: what comes later is better asked for with more words."""
_QUERY_STRING = 8_000
"""Bytes: a hundred characters, percent-encoded, and the rest of the form."""
_FIELDS = 20
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Robots-Tag", "noindex"),
    ("Cache-Control", "max-age=60"),
)
_STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    414: "414 URI Too Long",
    429: "429 Too Many Requests",
    503: "503 Service Unavailable",
}
_SAYS = {
    400: "搜索的内容不能识别，请重新输入。",
    404: "没有这个页面。",
    405: "这个地址只供查询。",
    414: "搜索的内容太长，请缩短到一百个字以内。",
    429: "查询太频繁，请过一会儿再试。",
    503: "搜索数据正在准备，请稍后再试。",
}
_KINDS = {
    "article": "信息", "policy": "政策文件", "interpretation": "政策解读", "service": "办事服务", "message": "互动答复",
    "leader": "领导信息", "page": "专页", "copy": "归档网页",
}  # fmt: skip
_SCOPES = {"now": "现行内容", "archive": "只看已歸檔", "all": "全部，含已歸檔"}
_FACET_TITLES = {"kind": "类型", "year": "年份", "site": "单位", "column": "栏目", "validity": "有效性"}

Environ = Mapping[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]


class Refusal(Exception):  # noqa: N818 (it is raised as what it is)
    def __init__(self, status: int, *, wait: float = 0.0) -> None:
        super().__init__(status)
        self.status, self.wait = status, wait


class Service:
    """`asks`: requests a minute of one client; 0: no limit."""

    def __init__(self, desk: Callable[[], Desk], database: Path, asks: int = 120) -> None:
        self._desk = desk
        self._database = database
        self._limit = Limit(asks, 60)
        self._local = threading.local()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        as_json = path == "/search.json"
        status, headers = 200, []
        try:
            body = self._answer(environ, path, as_json=as_json)
        except Refusal as refused:
            status = refused.status
            headers = [("Retry-After", str(int(refused.wait) + 1))] if refused.wait else []
            headers += [("Allow", "GET, HEAD")] if status == 405 else []
            body = self._refused(status, as_json=as_json)
        kind = "application/json" if as_json else "text/html; charset=utf-8"
        start(_STATUS[status], [("Content-Type", kind), ("Content-Length", str(len(body))), *_HEADERS, *headers])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    def _refused(self, status: int, *, as_json: bool) -> bytes:
        if as_json:
            return orjson.dumps({"error": _SAYS[status]})
        return self._page({"query": "", "say": _SAYS[status]})

    def _answer(self, environ: Environ, path: str, *, as_json: bool) -> bytes:
        if path not in {"/search", "/search.json"}:
            raise Refusal(404)
        if environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
            raise Refusal(405)
        wait = self._limit.wait(client_of(str(environ.get("REMOTE_ADDR", ""))), time.monotonic())
        if wait:
            raise Refusal(429, wait=wait)
        fields = _fields(str(environ.get("QUERY_STRING", "")))
        query = fields.get("q", "")[: folding.MAX_QUERY].strip()
        asked = _asked(query, fields)
        if not asked.terms:
            say = "请输入两个以上的字。" if query else ""
            return orjson.dumps(_nothing(query)) if as_json else self._page({"query": query, "say": say})
        try:
            reader = self._reader()
            found = reader.find(asked, PAGE)
            if not found.count and not reader.release():  # the first release is being taken in
                raise Refusal(503, wait=5)
            if as_json:
                return orjson.dumps(_as_json(query, asked, found, self._desk()))
            return self._page(_facts(query, fields, asked, found, reader, self._desk()))
        except sqlite3.Error as error:
            self._local.reader = None
            raise Refusal(503, wait=5) from error

    def _reader(self) -> Reader:
        """This thread's own."""
        reader: Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = Reader(self._database)
        return reader

    def _page(self, facts: Mapping[str, Any]) -> bytes:
        desk = self._desk()
        return desk.html(signposts.search(desk.frame, {"action": "/search", "served": True, "service": None, **facts}))


def _fields(query_string: str) -> dict[str, str]:
    """Raises Refusal. What is no UTF-8 becomes a mark that stands in no text; control characters fall away."""
    if len(query_string) > _QUERY_STRING:
        raise Refusal(414)
    try:
        pairs = parse_qsl(query_string, encoding="utf-8", errors="replace", max_num_fields=_FIELDS)
    except ValueError:
        raise Refusal(400) from None
    return {name: "".join([c for c in value if c >= " "]) for name, value in pairs}


def _asked(query: str, fields: Mapping[str, str]) -> Asked:
    scope, page = fields.get("scope", "now"), fields.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
    return Asked(
        terms=folding.terms(query),
        phrase=folding.phrase(query),
        scope=scope if scope in _SCOPES else "now",
        by_date=fields.get("order") == "date",
        filters={name: fields[name][:100] for name in FACETS if fields.get(name)},
        page=min(max(number, 1), PAGES),
    )


def _nothing(query: str) -> dict[str, Any]:
    return {"query": query, "count": 0, "page": 1, "results": []}


def _as_json(query: str, asked: Asked, found: Found, desk: Desk) -> dict[str, Any]:
    results = []
    for shown, body, archived in found.hits:
        title, url, date, column, kind, number, validity, source = shown[:8]
        snippet = excerpt.around(body, asked.terms, asked.phrase)
        results.append(
            {
                "title": title,
                "url": f"/{url}",
                "date": date,
                "column": column,
                "kind": kind,
                "doc_number": number,
                "validity": validity,
                "source": source,
                "archived": archived,
                "snippet": snippet,
            }
        )
    return {"query": query, "terms": asked.terms, "count": found.count, "page": asked.page, "results": results}


def _facts(
    query: str, fields: Mapping[str, str], asked: Asked, found: Found, reader: Reader, desk: Desk
) -> dict[str, Any]:
    """docs/THEME.md, kind `search`."""
    kept = {"q": query} | {name: fields[name] for name in (*FACETS, "scope", "order") if fields.get(name)}

    def url(**change: str) -> str:
        return "/search?" + urlencode({name: value for name, value in {**kept, **change}.items() if value})

    order = "按时间排列" if asked.by_date else "按相关度排列"
    say = f"找到 {found.count} 条；{order}" if found.count else f"没有找到“{query}”。可以换一个说法，或减少字数。"
    other = {"title": "按相关度排列", "url": url(order="")} if asked.by_date else {}
    pages = min(PAGES, -(-found.count // PAGE))
    return {
        "query": query,
        "say": say,
        "order": (other or {"title": "按时间排列", "url": url(order="date")}) if found.count else None,
        "chosen": "、".join([_name(name, value, desk) for name, value in asked.filters.items()]),
        "facets": _facets(asked, reader, desk, url),
        "results": [_hit(shown, body, asked, desk, archived=archived) for shown, body, archived in found.hits],
        "pages": _pages(asked.page, pages, url) if pages > 1 else [],
    }


def _facets(asked: Asked, reader: Reader, desk: Desk, url: Callable[..., str]) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    if reader.has_archive():
        options = [
            {"title": title, "url": url(scope="" if name == "now" else name), "current": name == asked.scope}
            for name, title in _SCOPES.items()
        ]
        groups.append({"title": "范围", "options": options})
    found = reader.facets(asked)
    for name, title in _FACET_TITLES.items():
        values, chosen = found[name], asked.filters.get(name, "")
        if name == "year":
            values = sorted(values, reverse=True)
        if len(values) < 2 and not chosen:
            continue
        options = [{"title": "不限", "url": url(**{name: ""}), "current": False}] if chosen else []
        options += [
            {"title": _name(name, value, desk), "url": url(**{name: value}), "current": value == chosen, "count": count}
            for value, count in values
        ]
        groups.append({"title": title, "options": options})
    return groups


def _name(facet: str, value: str, desk: Desk) -> str:
    city = desk.frame.city
    if facet == "site" and value in city.sites:
        return city.sites[value].short_name
    if facet == "column" and value in city.columns:
        return city.columns[value].title
    return f"{value}年" if facet == "year" else _KINDS.get(value, value)


def _hit(shown: list[str], body: str, asked: Asked, desk: Desk, *, archived: bool) -> dict[str, Any]:
    title, url, date, column, kind, number, validity, source = shown[:8]
    names = desk.frame.city.columns
    about = [names[column].title if column in names else _KINDS.get(kind, ""), number, source, date[:10]]
    return {
        "title": excerpt.marked(title, asked.terms),
        "url": f"/{url}",
        "snippet": excerpt.around(body, asked.terms, asked.phrase),
        "about": [one for one in about if one],
        "validity": {"有效": "现行有效", "废止": "已废止", "失效": "已失效"}.get(validity, validity),
        "archived": archived,
    }


def _pages(page: int, pages: int, url: Callable[..., str]) -> list[dict[str, Any]]:
    near = sorted({1, pages, *range(max(1, page - 2), min(pages, page + 2) + 1)})
    found: list[dict[str, Any]] = [
        {"title": str(n), "url": url(page=str(n) if n > 1 else ""), "current": n == page} for n in near
    ]
    if page < pages:
        found.append({"title": "下一页", "url": url(page=str(page + 1)), "current": False, "rel": "next"})
    return found
