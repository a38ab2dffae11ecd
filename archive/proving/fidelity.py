"""Whether a stamped copy is the record it claims to be: its stamp, its title, its words, and where its links lead.

Written without regard to how `stamp` makes a copy: what a page says is read anew from the record and from the copy.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote, urlsplit

from lxml import etree

_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True, remove_comments=True)
_UNSEEN = frozenset("script style template title iframe object applet math noscript noframes noembed".split())
_TOKEN = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
_OURS = re.compile(
    "这个历史页面会自动转到：|这个历史页面由以下几个框架组成：|框架[（“]|”（|）|打开列表中的链接|［此处原嵌有另一网页］|"
    "［此处原有插件内容，可下载当年的文件］|［此处原有插件内容，无法显示］|上一页|下一页|【已歸檔】|【已归档】"
)
"""What a copy says in place of what cannot run any more."""
_LONGEST_DIFFERENCE = 20_000
_ACTIVE = frozenset("script object embed applet base template portal".split())
_LINKS = frozenset({"href", "src", "poster", "background", "data"})
_STYLE_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a copy says of itself. `first`: the stamp is the first element of the body; `on` its date; `facts` the
    machine-readable form; all empty where there is none."""

    first: bool
    on: str
    words: str
    title: str
    facts: dict[str, str]


def parse(markup: str) -> etree._Element | None:
    try:
        return etree.fromstring(markup.encode("utf-8", "replace"), _PARSER)
    except etree.XMLSyntaxError:
        return None


def marks(copy: etree._Element | None) -> Marks:
    """The four places in which 第十五条's mark must stand."""
    body = copy.find("body") if copy is not None else None
    first = next((child for child in body if isinstance(child.tag, str)), None) if body is not None else None
    stamped = first is not None and first.get("data-archived") is not None
    title = copy.findtext(".//title") if copy is not None else None
    said = copy.find(".//meta[@name='archived']") if copy is not None else None
    try:
        facts = json.loads(said.get("content") or "") if said is not None else {}
    except ValueError:
        facts = {}
    return Marks(
        first=stamped,
        on=(first.get("data-archived") or "") if stamped and first is not None else "",
        words="".join(str(text) for text in first.itertext()) if stamped and first is not None else "",
        title=title or "",
        facts=facts if isinstance(facts, dict) else {},
    )


def seen(root: etree._Element | None) -> list[str]:
    """The words a reader sees, in order: letters and digits by the word, everything else by the character."""
    return _TOKEN.findall(unescape("".join(_texts(root)))) if root is not None else []


def _texts(root: etree._Element) -> Iterable[str]:
    """Without recursion: old pages are nested thousands deep."""
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        unseen = isinstance(element.tag, str) and element.tag.lower() in _UNSEEN
        if event == "start":
            hidden += unseen
            if not hidden and element.text:
                yield element.text
                yield " "
        else:
            hidden -= unseen
            if not hidden and element.tail:
                yield element.tail
                yield " "


def old_part(copy: etree._Element | None) -> etree._Element | None:
    """The copy without the stamp, our frame and our foot."""
    return copy.find(".//archived-html") if copy is not None else None


def own_words(page: etree._Element | None) -> list[str]:
    """What a page of our own says itself: heading and text. What stands around them (neighbours, what is related) goes
    on changing after the page retired."""
    main = page.find(".//main") if page is not None else None
    parts = main.iter() if main is not None else ()
    return [
        word
        for part in parts
        if isinstance(part.tag, str) and (part.tag == "h1" or "gov-body" in (part.get("class") or "").split())
        for word in seen(part)
    ]


def difference(record: list[str], copy: list[str], source: str) -> str:
    """What the copy says otherwise than the record; empty when every word is there, in order, and none was added.

    Words that the old page's scripts wrote, or that stood in its menus, may have come to light: they are in `source`,
    the page and the scripts it loaded.
    """
    start = 0
    while start < min(len(record), len(copy)) and record[start] == copy[start]:
        start += 1
    end = 0
    while end < min(len(record), len(copy)) - start and record[-1 - end] == copy[-1 - end]:
        end += 1
    ours, theirs = record[start : len(record) - end], copy[start : len(copy) - end]
    if not ours and not theirs:
        return ""
    if max(len(ours), len(theirs)) > _LONGEST_DIFFERENCE:
        return "".join(ours[:20]) or "".join(theirs[:20])
    known = _squeezed(source)
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for kind, ours_from, ours_to, theirs_from, theirs_to in matcher.get_opcodes():
        if kind in {"delete", "replace"}:
            return "".join(ours[ours_from:ours_to])[:60]
        if kind == "insert" and (strange := _unexplained("".join(theirs[theirs_from:theirs_to]), known)):
            return strange[:60]
    return ""


def _squeezed(source: str) -> str:
    """The source as text without blanks, twice: with its markup, and without."""
    plain = unescape(re.sub(r"<[^>]*>", "", source))
    return re.sub(r"\s+", "", unescape(source)) + "\n" + re.sub(r"\s+", "", plain)


def _unexplained(added: str, known: str) -> str:
    """What of the added words neither we say nor the source holds; numbers of pages are nothing to explain."""
    for piece in _OURS.split(added):
        rest = re.sub(r"\s+", "", piece)
        while rest and not re.fullmatch(r"[\d“”（）()]*", rest):
            length = len(rest)
            while length and rest[:length] not in known:
                length -= 1
            if length < min(4, len(rest)):
                return rest
            rest = rest[length:]
    return ""


def links(copy: etree._Element | None) -> list[str]:
    """Every address that a copy names: links, pictures, styles, frames, sets of pictures, in style sheets too."""
    found: list[str] = []
    for element in copy.iter() if copy is not None else ():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.items():
            if name in _LINKS and element.get("rel") not in {"canonical"}:
                found.append(str(value))
            elif name == "srcset":
                found += [part.split()[0] for part in str(value).split(",") if part.split()]
            elif name == "style":
                found += _STYLE_URL.findall(str(value))
        if element.tag == "style":
            found += _STYLE_URL.findall(element.text or "")
    return found


def links_of_style(text: str) -> list[str]:
    return _STYLE_URL.findall(text) + re.findall(r"@import\s+[\"']([^\"']+)", text)


def resolved(name: str, link: str) -> str | None:
    """The file below the capture's folder that a link of the copy `name` means, `/…` for one outside of the folder;
    None for what is no file: fragments, `data:`, `mailto:`, other hosts."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = unquote(parts.path)
    if path.startswith("/"):
        return path
    folders = name.split("/")[:-1]
    for segment in path.split("/"):
        if segment == "..":
            if not folders:
                return f"/../{path}"
            folders.pop()
        elif segment != ".":
            folders.append(segment)
    return "/".join(folders)


def active(copy: etree._Element | None) -> list[str]:
    """What in a copy could run, be sent, or be fetched from elsewhere; a copy has none of it."""
    found: list[str] = []
    for element in copy.iter() if copy is not None else ():
        if not isinstance(element.tag, str):
            continue
        if element.tag in _ACTIVE:
            found.append(f"<{element.tag}>")
        for name, value in element.items():
            text = str(value).strip().lower()
            if str(name).startswith("on") or str(name) in {"srcdoc", "action", "formaction", "ping"}:
                found.append(str(name))
            elif name in _LINKS and re.match(r"(?:javascript|vbscript|data:text|blob):?", text):
                found.append(text[:40])
            elif name in {"src", "poster", "background", "data"} and re.match(r"(?:[a-z]+:)?//", text):
                found.append(text[:80])
    return found


def leads_outside(link: str) -> bool:
    """Whether a link leaves the host without a warning."""
    return re.match(r"\s*(?:https?:|ftp:)?//", link, re.I) is not None
