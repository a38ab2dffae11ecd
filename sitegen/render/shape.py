"""The last word on a body's HTML, whichever way it was made: articles of a law get anchors, a signature its place at the
right, numbers of documents stay whole, links away a prompt.

A link to a host that is no government's leads to a prompt further down on the same page (《政府网站发展指引》: 打开非政府网站
链接时应有提示). The prompt is shown by `:target`, so it needs no script, and it knows no address that its author did not
write: there is nothing to redirect, and so no open redirect.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_ARTICLE = re.compile(r"<p><strong>(第[一二三四五六七八九十百千零〇]{1,7}条)</strong>")
_SIGNATURE = re.compile(
    r"<p>([^<，。：；？！、]{2,40})</p>\n"
    r"<p>((?:[0-9]{4}|[〇一二三四五六七八九]{4})年[0-9一二三四五六七八九十]{1,2}月[0-9一二三四五六七八九十]{1,3}日)</p>"
)
"""Who signs and when (落款): a paragraph without punctuation, and after it a date alone."""
_TAG = r"""<(?:[^>"']|"[^"]*"|'[^']*')*>"""
_DOCUMENT = re.compile(_TAG + "|[\u4e00-\u9fff]{0,4}〔[0-9]{4}〕[0-9]{1,4}号")
_TELEPHONE = re.compile(_TAG + "|(?<![0-9A-Za-z-])0[0-9]{2,3}-[0-9]{7,8}(?![0-9A-Za-z-])")
"""A tag, passed over; what stays in one line: the number of a document (示政发〔2026〕18号), a telephone number."""
_DIALLED = re.compile("0[0-9]{2,3}-[0-9]{7}")
_LINK = re.compile(r'<a ([^>]*?)href="((?:https?:)?//([^"/?#]+)[^"]*)"([^>]*)>')
_REL = re.compile(r' ?rel="[^"]*"')
_ID = re.compile(r'\bid="[^"]*" ?')


def shaped(html: str, known: Collection[str] = ()) -> str:
    """`html` is sanitised; what is added here is built from parts of it that are escaped already. `known`: hosts that need
    no prompt besides the government's."""
    html = html.strip()
    if "<p><strong>第" in html:
        html = _with_article_anchors(html)
    if "日</p>" in html:
        html = _SIGNATURE.sub(r'<p class="sign">\1</p>\n<p class="sign">\2</p>', html)
    if "〔" in html:
        html = _DOCUMENT.sub(_whole, html)
    if _DIALLED.search(html):
        html = _TELEPHONE.sub(_whole, html)
    if "//" in html and _LINK.search(html):
        html = _with_prompts(html, known)
    return html


def _whole(found: re.Match[str]) -> str:
    return found[0] if found[0][0] == "<" else f'<span class="nb">{found[0]}</span>'


def article_anchors(html: str) -> list[str]:
    """The ids that `shaped` gave to articles of a law: 第一条, 第二条 …"""
    return re.findall(r'<p id="(第[一二三四五六七八九十百千零〇]{1,7}条)"><strong>', html)


def _with_article_anchors(html: str) -> str:
    """Where a number comes twice (a notice and the measures it brings), the first has the anchor."""
    seen: set[str] = set()

    def named(match: re.Match[str]) -> str:
        number = match[1]
        if number in seen or f'id="{number}"' in html:
            return match[0]
        seen.add(number)
        return f'<p id="{number}"><strong>{number}</strong>'

    return _ARTICLE.sub(named, html)


GOVERNMENT = ("gov.cn", "政务", "xn--zfr164b")
"""The only suffixes that organs of government may register (国办函〔2018〕55号)."""


def is_known(host: str, known: Collection[str] = ()) -> bool:
    """Whether a host (with or without port, user names refused) lies under a government's suffix, or is one of `known` or
    lies under one of these."""
    name = host.rsplit(":", 1)[0].lower().rstrip(".")
    return "@" not in host and any(name == suffix or name.endswith(f".{suffix}") for suffix in (*GOVERNMENT, *known))


def _with_prompts(html: str, known: Collection[str]) -> str:
    prompts: list[str] = []

    def led(match: re.Match[str]) -> str:
        before, address, host, after = match.groups()
        if is_known(host, known):
            return match[0]
        number = len(prompts) + 1
        prompts.append(_prompt(number, address, host))
        kept = _ID.sub("", _REL.sub("", before + after)).strip()
        return f'<a id="gov-back-{number}" href="#gov-leave-{number}"{" " if kept else ""}{kept}>'

    html = _LINK.sub(led, html)
    return "\n".join([html, *prompts])


def _prompt(number: int, address: str, host: str) -> str:
    return (
        f'<div class="leave" id="gov-leave-{number}" lang="zh-Hans-CN" role="group" aria-label="离开本网站：{host}">'
        '<p><strong>您即将离开本网站</strong>　<span lang="en">You are leaving this website</span></p>'
        f"<p>前往的网址：<bdi>{address}</bdi>。该网站不由本网站管理，其内容由该网站负责。</p>"
        f'<p class="go"><a class="btn p" href="{address}" rel="external noopener noreferrer">继续前往 <span lang="en">Continue</span></a>'
        f'<a class="btn" href="#gov-back-{number}">留在本页 <span lang="en">Stay</span></a></p></div>'
    )
