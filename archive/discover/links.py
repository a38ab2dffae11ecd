"""What a text must look like to be taken for the address of something on a website."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["page", "requisite"]
# (link as it stands, kind, where it stood)
Raw = tuple[str, Kind, str]

PAGE_EXTENSION = (
    r"(?:s?html?|xhtml|shtm|jhtml|as[hm]x|aspx?|jspx?|php\d?|cfm|do|action|xml|txt|rss|atom|"
    r"pdf|docx?|xls[xmb]?|ppt[xm]?|pps|wps|et|dps|ofd|ceb|caj|csv|rtf|zip|rar|7z|gz)"
)
FILE_EXTENSION = (
    r"(?:gif|jpe?g|jfif|png|bmp|webp|svg|ico|cur|avif|tiff?|emf|wmf|css|m?js|json|webmanifest|htc|swf|flv|"
    r"mp3|mp4|m4[av]|wmv|wma|wav|avi|asf|mpe?g|mov|mkv|webm|og[gva]|m3u8|vtt|rm|rmvb|mid|woff2?|ttf|otf|eot)"
)
_TAIL = r"""(?:;jsessionid=\w+)?(?:\?[^\s<>"'\\]*)?(?:\#[^\s<>"'\\]*)?"""
_NAMED = re.compile(
    # A bare name holds no blank, bracket or comma; one that says where it lies may.
    rf"""(?:(?:https?:)?//[^\s<>"'/\\]+/|\.{{0,2}}/)?(?:(?<=/)[^<>"'{{}}|\\^`?\#\n\r\t]*?|[^\s<>"'(){{}}|\\^`,;?\#]*?)"""
    rf"""[^\s<>"'{{}}|\\^`;/,?\#]\.(?:({PAGE_EXTENSION})|({FILE_EXTENSION})){_TAIL}""",
    re.I,
)
_PLACED = re.compile(r"""(?:https?://[\w.:\[\]-]+|\.{0,2})/[^\s<>"'{}|\\^`]*""", re.I)
_DIRECTORY = re.compile(r"(?:https?://[\w.:-]+|\.{0,2})(?:/[\w.%~-]+)*/(?:\?[^\s<>\"'\\]*)?")
_FOLDERS = re.compile(r"[\w%~-]+/")


def kind_of_name(text: str) -> Kind | None:
    """By its extension: `news/1.htm` is a page, `/a.png?v=1` a requisite; None when it has none that we know."""
    if "." not in text or len(text) > 4096:
        return None
    found = _NAMED.fullmatch(text)
    if found is None:
        return None
    return "requisite" if found[2] else "page"


def kind_of_path(text: str) -> Kind | None:
    """Like `kind_of_name`; a text that begins as a path or URL does (`/api/news`, `../zt`) is a page, too."""
    return kind_of_name(text) or ("page" if len(text) > 1 and _PLACED.fullmatch(text) else None)


def is_folder(text: str) -> bool:
    """`/zt/2012/`, `http://a.cn/`; a bare `zt/` only where `text` holds a second slash."""
    return "/" in text[1:] and text.endswith("/") and _DIRECTORY.fullmatch(text) is not None
