"""The ledger of old addresses in the forms that servers and people read: nginx, Caddy, CSV, a page."""

from __future__ import annotations

from html import escape
from typing import Literal, get_args

from archive.publishing import names
from archive.redirection import caddy, nginx, old_urls
from archive.redirection.old_urls import Ledger, Word

Format = Literal["nginx", "caddy", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
WORDS: dict[Word, str] = {"redirect": "已迁移", "archive": "已归档", "gone": "已无内容", "unresolved": "尚未确定"}


def render(ledger: Ledger, form: Format) -> str:
    """The whole file; destinations are absolute."""
    if form == "nginx":
        return nginx.redirects(ledger, gone_page(ledger))
    if form == "caddy":
        return caddy.redirects(ledger, gone_page(ledger))
    return old_urls.as_csv(ledger.addresses) if form == "csv" else _html(ledger)


def gone_page(ledger: Ledger) -> str:
    """What citizens read with a 410. ASCII only, whatever charset a server announces; nothing in it means anything
    to a server's configuration."""
    html = (
        "<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><meta name=viewport content=width=device-width>"
        f"<title>{escape(ledger.name)}已永久下线</title><body style=font-family:sans-serif;line-height:1.8;"
        "max-width:40em;margin:2em;font-size:18px>"
        f"<h1 style=font-size:24px>{escape(ledger.name)}已永久下线</h1><p>这个网址没有对应的页面。您可以：</p>"
        f"<ul><li>去现在的网站：<a href={escape(_ascii(ledger.home))}>{escape(ledger.home_title)}</a></li>"
        f"<li>查阅历史页面：<a href={escape(_ascii(ledger.catalogue))}>网站归档目录</a></li></ul>"
    )
    special = {ord(character): f"&#{ord(character)};" for character in "${}\\`\r\n"}
    return html.translate(special).encode("ascii", "xmlcharrefreplace").decode()


def _ascii(url: str) -> str:
    return names.escaped(url)


def _html(ledger: Ledger) -> str:
    """A table for people, and for servers that know no redirects: every old address with a link to its new one."""
    rows = []
    for one in ledger.addresses:
        to = escape(one.target)
        link = f'<a href="{to}">{to}</a>' if to else escape(one.reason)
        rows.append(
            f"<tr><td>{escape(one.old_url)}</td><td>{WORDS[one.outcome]}</td><td>{link}</td><td>{one.hits}</td></tr>\n"
        )
    title = f"{escape(ledger.name)}：新旧网址对照表"
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        "<style>body{font-family:sans-serif;line-height:1.6}td{overflow-wrap:anywhere}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n<table>\n"
        "<thead><tr><th>原网址</th><th>去向</th><th>现网址</th><th>访问次数</th></tr></thead>\n"
        f"<tbody>\n{''.join(rows)}</tbody>\n</table>\n</body>\n</html>\n"
    )
