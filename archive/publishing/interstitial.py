"""Our own pages inside an archive: before a file, in place of a redirect, before leaving, for what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from archive.publishing import banner
from archive.publishing.banner import Facts, card, pair

_TYPES = {
    "application/pdf": "PDF",
    "application/msword": "Word 文档",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word 文档",
    "application/vnd.ms-excel": "Excel 表格",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel 表格",
    "application/vnd.ms-powerpoint": "PPT 演示文稿",
    "application/zip": "ZIP 压缩包",
    "application/x-zip-compressed": "ZIP 压缩包",
    "application/x-rar-compressed": "RAR 压缩包",
    "application/rtf": "RTF 文档",
    "text/plain": "文本",
    "text/xml": "XML",
    "application/xml": "XML",
}


def size_in_words(size: int) -> str:
    """1.8 MB, 86 KB, 512 字节."""
    if size >= 1_048_576:
        return f"{size / 1_048_576:.1f} MB"
    return f"{round(size / 1024)} KB" if size >= 1024 else f"{size} 字节"


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedFile:
    """The stamped copy beside a file: its link and its size in bytes."""

    href: str
    size: int


def of_file(
    facts: Facts,
    *,
    title: str,
    file: str,
    mime: str,
    size: int,
    sha256: str,
    href: str,
    pages: int = 0,
    stamped: StampedFile | None = None,
) -> bytes:
    """Before a PDF, a table, an archive: what it is, its stamped copy, and the untouched file to download. `title` is what
    the old site called it, `file` the name under which it is saved; `pages` of a PDF, 0 where they are not known."""
    kind = _TYPES.get(mime, mime or "未知格式")
    length = f" · {pages} 页" if pages else ""
    rows = (
        pair("文件", f"<b>{escape(file)}</b>")
        + pair("格式大小", f"{escape(kind)}{length} · {size_in_words(size)}")
        + pair("SHA-256", escape(sha256.removeprefix("sha256:")))
    )
    links = f'href="{escape(href)}" download="{escape(file)}">'
    if stamped is None:
        links = f'<a class="gdz-first" {links}打开归档文件（{escape(kind)}，{size_in_words(size)}）</a>'
    else:
        links = (
            f'<a class="gdz-first" href="{escape(stamped.href)}">打开带归档标记的副本（{escape(kind)}，'
            f"{size_in_words(stamped.size)}）</a><a {links}下载原文件（未改动，{size_in_words(size)}）</a>"
        )
    body = f'<dl class="gdz-pairs">{rows}</dl><p class="gdz-go">{links}</p>'
    return banner.page(facts, title=title, words=banner.FILE_WORDS, main=card(facts, title, body))


def of_image(facts: Facts, *, title: str, size: int, sha256: str, href: str) -> bytes:
    """For a picture that cannot carry a seal: nothing is shown, the untouched file can be had."""
    rows = (
        pair("文件", f"<b>{escape(title)}</b>")
        + pair("大小", size_in_words(size))
        + pair("SHA-256", escape(sha256.removeprefix("sha256:")))
    )
    body = (
        "<p>这张图片无法加盖归档印章，不在此显示。</p>"
        f'<dl class="gdz-pairs">{rows}</dl><p class="gdz-go"><a class="gdz-first" href="{escape(href)}" '
        f'download="{escape(title)}">下载原图</a></p>'
    )
    return banner.page(facts, title=title, words=banner.IMAGE_WORDS, main=card(facts, title, body))


def of_redirect(facts: Facts, *, status: int, location: str, href: str, rel: str) -> bytes:
    """In place of a redirect: a link, so that nothing moves by itself."""
    link = f'<a href="{escape(href)}"{f" rel={chr(34)}{rel}{chr(34)}" if rel else ""}>{escape(location)}</a>'
    body = f"<p>采集时，这个网址以 HTTP {status} 转到：</p><p>{link}</p>"
    return banner.page(
        facts,
        title=f"网址已转向：{facts.target_uri}",
        words=banner.MOVED_WORDS,
        main=card(facts, "这个网址当年已转到另一页", body),
    )


def of_leaving(facts: Facts, *, url: str) -> bytes:
    """Before an external address: the reader sees where the link goes, and decides."""
    body = (
        f"<p>历史页面中的这个链接指向本网站以外的地址：</p><p><b>{escape(url)}</b></p>"
        f'<p class="gdz-go"><a href="{escape(url)}" rel="external nofollow noopener noreferrer">继续访问外部网站</a></p>'
        "<p>不想离开时，请关闭本页或使用浏览器的“后退”。</p>"
    )
    return banner.page(
        facts, title="您将离开归档网站", words=banner.LEAVING_WORDS, main=card(facts, "即将访问外部网站", body)
    )


def of_missing(facts: Facts) -> bytes:
    """Where links to what was not captured lead."""
    body = (
        "<p>历史页面中的这个链接没有对应的归档副本。可能的原因：采集时该网址已经无法访问，页面由程序即时生成，"
        "或者按归档决定不在采集范围之内。</p>"
        f'<p class="gdz-go"><a href="{escape(facts.publication.catalogue)}">看该站归档目录</a></p>'
    )
    return banner.page(
        facts, title="这个页面没有归档", words=banner.MISSING_WORDS, main=card(facts, "没有归档副本", body)
    )
