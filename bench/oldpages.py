"""A generated old municipal site for the benchmark of stamping: half of its pages in GBK, half of those without a word
about it. The same site for the same number of pages, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COLUMNS = ("旅游动态", "通知公告", "政策法规", "景区介绍", "办事指南", "行业管理", "文明旅游", "党建工作")
PER_LIST = 20
_WORDS = (
    "旅游 文化 市民 景区 服务 管理 工作 会议 项目 建设 发展 规划 安全 检查 公布 办理 申请 材料 部门 通知 "
    "关于 进一步 加强 做好 全市 各县 有关 单位 负责人 参加 座谈 调研 推进 落实 方案 意见 标准 质量 提升"
).split()


@dataclass(frozen=True, slots=True)
class Page:
    """`markup` is what the body says once it is read in the right characters, whatever the headers claim."""

    kind: str
    body: bytes
    markup: str = ""


def site(pages: int) -> dict[str, Page]:
    """Path → page. `pages` HTML pages in all: a home page, lists of twenty, articles; a style sheet, a script, a
    picture beside them."""
    chance = random.Random(20261122)  # noqa: S311 (the same pages every time, no secret)
    lists = max(1, (pages - 1) // (PER_LIST + 1))
    articles = pages - 1 - lists
    found: dict[str, Page] = {
        "/css/style.css": Page("text/css", _STYLE.encode("gbk")),
        "/js/count.js": Page("application/javascript", b"var hits=1;"),
        "/images/banner.gif": Page("image/gif", _DOT),
    }
    titles = [_title(chance, number) for number in range(articles)]
    for number, title in enumerate(titles):
        found[_path(number)] = _encoded(number, _article(chance, number, title, titles))
    for number in range(lists):
        inside = range(number * articles // lists, (number + 1) * articles // lists)
        found[f"/list/{number}.html"] = _encoded(number, _list(number, lists, inside, titles))
    found["/"] = _encoded(0, _home(lists))
    return found


@contextmanager
def served(pages: dict[str, Page]) -> Iterator[int]:
    """The site on loopback; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page = pages.get(self.path)
            body = page.body if page else b"404"
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", page.kind if page else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _path(number: int) -> str:
    return f"/{number % len(COLUMNS)}/2012{number % 12 + 1:02d}/t2012{number % 12 + 1:02d}01_{number}.html"


def _encoded(number: int, markup: str) -> Page:
    """Of four pages one is GBK and says so, one is GBK and does not, one UTF-8, one UTF-8 under a wrong header."""
    kind, charset, said = (
        ("text/html", "gbk", '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'),
        ("text/html", "gbk", ""),
        ("text/html; charset=utf-8", "utf-8", '<meta charset="utf-8">'),
        ("text/html; charset=gb2312", "utf-8", '<meta charset="utf-8">'),
    )[number % 4]
    whole = markup.replace("<title>", f"{said}<title>", 1)
    return Page(kind, whole.encode(charset), whole)


def _sentence(chance: random.Random, words: int) -> str:
    return "".join(chance.choices(_WORDS, k=words)) + "。"


def _title(chance: random.Random, number: int) -> str:
    return f"{''.join(chance.choices(_WORDS, k=8))}（第{number}号）"


def _article(chance: random.Random, number: int, title: str, titles: list[str]) -> str:
    paragraphs = "".join(
        f'<p class="MsoNormal" style="text-indent:28pt;line-height:150%"><span style="font-size:14pt;font-family:仿宋_GB2312">'
        f"　　{_sentence(chance, 45)}{_sentence(chance, 30)}</span></p>\n"
        for _ in range(12)
    )
    other = [(number + step) % len(titles) for step in range(1, 13)]
    side = "".join(f'<li><a href="{_path(n)}" title="{titles[n]}">{titles[n]}</a></li>\n' for n in other)
    body = (
        f'<h1 class="tit">{title}</h1><div class="info">发布时间：2012-{number % 12 + 1:02d}-01　来源：市旅游局</div>'
        f'<div class="TRS_Editor">{paragraphs}<p align="center"><img src="/images/banner.gif" width="500" border="0"></p></div>'
        f'<div class="side"><h3>相关信息</h3><ul>{side}</ul></div>'
    )
    return _page(title, body)


def _list(number: int, lists: int, inside: range, titles: list[str]) -> str:
    rows = "".join(
        f'<li><span>2012-01-01</span><a href="{_path(n)}" target="_blank">{titles[n]}</a></li>\n' for n in inside
    )
    after = f'<a href="/list/{(number + 1) % lists}.html">下一页</a>'
    return _page(f"列表第{number}页", f'<ul class="list">{rows}</ul><div class="page">{after}</div>')


def _home(lists: int) -> str:
    rows = "".join(f'<li><a href="/list/{number}.html">列表第{number}页</a></li>' for number in range(lists))
    return _page("首页", f"<ul>{rows}</ul>")


def _page(title: str, body: str) -> str:
    menu = "".join(
        f'<td width="90" onmouseover="this.bgColor=1"><a href="/list/0.html">{name}</a></td>' for name in COLUMNS
    )
    friends = "".join(f'<a href="http://www.site{n}.example/" target="_blank">友情链接{n}</a>\n' for n in range(10))
    return (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html>\n<head>\n'
        f"<title>{title}-示例市旅游局</title>\n"
        '<link href="/css/style.css" rel="stylesheet" type="text/css">\n<script src="/js/count.js"></script>\n'
        "<style>.side li{background:url(/images/banner.gif) no-repeat;line-height:24px}</style>\n</head>\n"
        f'<body bgcolor="#ffffff" onload="start()">\n<table width="980" align="center"><tr>{menu}</tr></table>\n'
        f'<form action="/search.asp"><input type="text" name="q"><input type="submit"></form>\n<div id="main">{body}</div>\n'
        f'<div class="foot">{friends}<p>版权所有：示例市旅游局　地址：示例路1号</p></div>\n'
        "<script>var n=1;function start(){for(var i=0;i<3;i++){n+=i}}</script></body>\n</html>\n"
    )


_STYLE = (
    "/* 样式 */ body{font:12px 宋体;background:#fff url(/images/banner.gif)} .list li{height:24px} a{color:#036}\n" * 6
)
_DOT = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
