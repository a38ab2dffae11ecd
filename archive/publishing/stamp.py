"""An archived page made safe and stamped: the stamp on top, the old page below it in a box of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from lxml import etree

from archive.publishing import banner, css
from archive.publishing.disarm import Disarming, Links, colour_of, harmless
from archive.publishing.oldpage import attributes_of, fragment, swap, take, title_of, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """`data` is the page in UTF-8; `removed`: what was left out, by kind."""

    data: bytes
    title: str
    removed: Mapping[str, int]

    @property
    def html(self) -> str:
        return self.data.decode()


_DOCTYPE = re.compile(
    r"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*<!doctype\s+html(?:\s+public\s+[\"']([^\"'<>]*)[\"'])?"
    r"(?:\s*(?:system\s+)?[\"']([^\"'<>]*)[\"'])?\s*>",
    re.I | re.S,
)
_PAGING = re.compile(
    r"createPageHTML\s*\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*,\s*[\"']([^\"'<>]{1,80})[\"']\s*,\s*[\"'](\w{1,8})[\"']"
)
_BODY_MARGINS = {
    "leftmargin": "left", "marginwidth": "left", "rightmargin": "right", "topmargin": "top", "marginheight": "top",
    "bottommargin": "bottom",
}  # fmt: skip


def stamp(
    root: etree._Element | None, text: str, *, base: str, charset: str, links: Links, facts: banner.Facts
) -> Stamped:
    """The stamped page of a parsed one (`root` is used up); `text` is what was parsed, its doctype is kept."""
    work = Disarming(base=base, charset=charset, links=links)
    title = title_of(root)
    if root is None:
        old, lang, wide = b"", "zh-CN", False
    else:
        lang = re.sub(
            r"[^A-Za-z0-9\-]", "", root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
        )
        wide = not _fits_narrow_screens(root)
        old = _old_part(root, work)
    data = banner.page(
        facts,
        title=title or facts.target_uri,
        head="".join(work.head),
        old=old,
        lang=lang or "zh-CN",
        doctype=_doctype(text),
        wide=wide,
    )
    return Stamped(data=data, title=title, removed=dict(sorted(work.removed.items())))


def _doctype(text: str) -> str:
    """As it was, for browsers lay a page out by it; none where the page had none."""
    match = _DOCTYPE.match(text[:2000])
    if match is None:
        return ""
    public, system = match[1], match[2]
    if public is None:
        return "<!DOCTYPE html>" if system in {None, "about:legacy-compat"} else f'<!DOCTYPE html SYSTEM "{system}">'
    return f'<!DOCTYPE html PUBLIC "{public}"' + (f' "{system}">' if system is not None else ">")


def _fits_narrow_screens(root: etree._Element) -> bool:
    return any(
        (meta.get("name") or "").lower() == "viewport" and "device-width" in (meta.get("content") or "").lower()
        for meta in root.iter("meta")
    )


def _old_part(root: etree._Element, work: Disarming) -> bytes:
    """The old page as `<archived-html>…`; its styles are in `work.head` afterwards."""
    _bring_out_what_scripts_wrote(root, work)
    body = _body(root, work)
    _body_look(body, work)
    outer = _outer_attributes(root)
    work.every_element(root)
    body.tail = None
    # Nothing below can hold raw text, for disarming left no such element: escaping is enough.
    inner = etree.tostring(body, method="html", encoding="utf-8")
    return b"".join((f"<archived-html{outer}>".encode(), inner, b"</archived-html>"))


def _body(root: etree._Element, work: Disarming) -> etree._Element:
    """The one body, holding everything that a browser shows; styles and links of the head come first in it."""
    frames = [frame for frame in root.iter("frame") if frame.get("src")]
    body = root.find("body")
    if body is None:
        body = etree.SubElement(root, "body")
    head = root.find("head")
    for element in [child for child in root if child is not body and child is not head]:
        element_tail, element.tail = element.tail, None
        body.append(element)
        element.tail = element_tail
    if head is not None:
        # Styles are taken out again later; what scripts wrote into the head is shown.
        words, body.text = body.text, None
        moved = [child for child in head if child.tag not in {"title", "base"}]
        for place, element in enumerate(moved):
            element.tail = (element.tail or "").strip() or None
            body.insert(place, element)
        if moved:
            moved[-1].tail = (moved[-1].tail or "") + (words or "") or None
        else:
            body.text = words
    if frames:
        _list_frames(body, frames, work)
    body.tag = "archived-body"
    return body


def _list_frames(body: etree._Element, frames: list[etree._Element], work: Disarming) -> None:
    """A frameset becomes the list of its frames: each is a page of its own in the archive."""
    holder = etree.Element("div")
    etree.SubElement(holder, "p").text = "这个历史页面由以下几个框架组成："
    listed = etree.SubElement(holder, "ul")
    for frame in frames:
        link = etree.SubElement(etree.SubElement(listed, "li"), "a", href=frame.get("src") or "")
        named = f"“{frame.get('title') or frame.get('name')}”" if frame.get("title") or frame.get("name") else ""
        link.text = f"框架{named}（{frame.get('src')}）"
    work.removed["frames"] += len(frames)
    body.insert(0, holder)
    holder.tail, body.text = body.text, None
    for frameset in list(body.iter("frameset")):
        for kept in list(frameset.iter("noframes")):
            body.append(kept)


def _body_look(body: etree._Element, work: Disarming) -> None:
    """The body's own attributes as rules that every rule of the page may overrule, as they were."""
    given = dict(attributes_of(body))
    rules = []
    canvas = []
    if colour := colour_of(given.get("bgcolor")):
        canvas.append(f"background-color:{colour}")
    if (picture := given.get("background")) and (found := work.to(picture, "image")):
        canvas.append(f'background-image:url("{css.quoted(found)}")')
    if canvas:
        rules.append(f"archived-html{{{';'.join(canvas)}}}")
    look = [f"color:{colour}"] if (colour := colour_of(given.get("text"))) else []
    for name, side in _BODY_MARGINS.items():
        value = given.get(name, "").strip().removesuffix("px")
        if value.isascii() and value.isdigit() and len(value) < 5:
            look.append(f"margin-{side}:{value}px")
    if look:
        rules.append(f"archived-body{{{';'.join(look)}}}")
    for name, state in (("link", "link"), ("vlink", "visited"), ("alink", "active")):
        if colour := colour_of(given.get(name)):
            rules.append(f":where(archived-body a:{state}){{color:{colour}}}")
    if rules:
        work.head.append(f"<style>{''.join(rules)}</style>\n")
    for name in {"bgcolor", "background", "text", "link", "vlink", "alink"} & given.keys():
        take(body, name)


def _outer_attributes(root: etree._Element) -> str:
    kept = {
        name: harmless(name, value) for name, value in attributes_of(root) if name in {"id", "class", "dir", "lang"}
    }
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _bring_out_what_scripts_wrote(root: etree._Element, work: Disarming) -> None:
    """Menus and page numbers written by scripts are part of the page: they stay as plain markup."""
    for script in list(root.iter("script")):
        text = script.text or ""
        source = script.get("src")
        markup = work.links.written(work.base, source) if source else written(text)
        markup += "".join(_paging(match) for match in _PAGING.finditer(text))
        if markup:
            work.removed["scripts"] += 1
            swap(script, fragment(markup, "span"))
    for raw in list(root.iter("noframes", "noembed")):
        if raw.text and "<" in raw.text and not len(raw):
            swap(raw, fragment(raw.text, "div"))


def _paging(match: re.Match[str]) -> str:
    """TRS list pages: `index.html`, `index_1.html`, …"""
    count, current, name, ending = int(match[1]), int(match[2]), match[3], match[4]
    if count < 2:
        return ""

    def one(number: int, words: str) -> str:
        page = f"{name}{f'_{number}' if number else ''}.{ending}"
        return f"<b>{words}</b> " if number == current else f'<a href="{escape(page)}">{words}</a> '

    before = one(current - 1, "上一页") if current else ""
    after = one(current + 1, "下一页") if current < count - 1 else ""
    return before + "".join(one(number, str(number + 1)) for number in range(min(count, 200))) + after
