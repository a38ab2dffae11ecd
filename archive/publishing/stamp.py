"""An archived page made safe and stamped: no scripts, no forms that send, every link to a copy, the stamp on top.

Nothing is taken over that is not known to be harmless: elements and attributes outside the lists below lose their
name or disappear, so that a page read differently by a browser than by us still has nothing to run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal, Protocol, cast

from lxml import etree

from archive.publishing import banner, css

Role = Literal["link", "frame", "image", "style", "media"]
State = Literal["copy", "missing", "leaving"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link of the old page leads in the archive."""

    href: str
    state: State


class Links(Protocol):
    """What a link stands for. `base` is the URL it is relative to, `charset` that of the page."""

    def target(self, base: str, link: str, charset: str, role: Role) -> Target | None:
        """None for a link that is none to the web, and for a picture, style or frame of which there is no copy."""

    def written(self, base: str, link: str) -> str:
        """The markup that the script at `link` writes into the page as it loads, as far as it is plain text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """`removed`: what was left out, by kind; `leaving`: external URLs whose warning page the copy links to."""

    html: str
    title: str
    removed: Mapping[str, int]
    notes: tuple[str, ...] = ()


# libxml2 stops at this depth and loses what is below it.
_DEEPEST = 2000
_MOST_ATTRIBUTES = 200
_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CLOSING = re.compile(r"</(?:body|html)\s*>", re.I)
_DOCTYPE = re.compile(
    r"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*<!doctype\s+html(?:\s+public\s+[\"']([^\"'<>]*)[\"'])?"
    r"(?:\s*(?:system\s+)?[\"']([^\"'<>]*)[\"'])?\s*>",
    re.I | re.S,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.I)
_BLANKS = re.compile(r"[\x00-\x20]+")
_STRING = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", re.S)
_URLISH = re.compile(r"[^\s<>]*[./?][^\s<>]*")
_WRITE = re.compile(r"document\.write(?:ln)?\s*\(\s*('(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")\s*\)", re.S)
_PAGING = re.compile(
    r"createPageHTML\s*\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*,\s*[\"']([^\"'<>]{1,80})[\"']\s*,\s*[\"'](\w{1,8})[\"']"
)
_LENGTH = re.compile(r"\d{1,4}%?")
_PLAIN_LINK = re.compile(r"[./]*[\w%~-][^\s:#\x00-\x20]*")  # no scheme, no fragment alone: nine links of ten

_ELEMENTS = frozenset(
    "a abbr acronym address area article aside audio b bdi bdo big blockquote br button canvas caption center cite code "
    "col colgroup data dd del details dfn dir div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 "
    "header hgroup hr i iframe img input ins kbd label legend li link main map mark menu meter nav nobr ol optgroup option "
    "output p picture pre progress q rp rt ruby s samp section select small source span strike strong sub summary sup "
    "table tbody td textarea tfoot th thead time tr track tt u ul var video wbr archived-body "
    "svg g path rect circle ellipse line polyline polygon text tspan defs clippath lineargradient radialgradient stop "
    "symbol".split()
)
_RENAMED = {
    "noscript": "div", "noframes": "div", "noembed": "div", "dialog": "div", "xmp": "pre",
    "listing": "pre", "plaintext": "pre", "blink": "span", "image": "img", "search": "div",
}  # fmt: skip
_DROPPED = {
    "script": "scripts", "template": "scripts", "base": "bases", "bgsound": "media", "param": "plugins", "title": "",
    "head": "", "meta": "", "frame": "", "frameset": "", "basefont": "", "keygen": "forms", "isindex": "forms",
    "portal": "frames", "fencedframe": "frames", "foreignobject": "scripts", "math": "scripts", "use": "scripts",
    "animate": "scripts", "set": "scripts", "animatetransform": "scripts", "animatemotion": "scripts",
}  # fmt: skip
_CONTROLS_OF_FORMS = frozenset({"input", "button", "select", "textarea", "fieldset"})
_ATTRIBUTES = frozenset(
    "abbr align alt axis bgcolor border bordercolor bordercolordark bordercolorlight cellpadding cellspacing char charoff "
    "checked class clear color cols colspan compact coords datetime dir disabled face for frame frameborder headers height "
    "hidden hspace id kind label lang language loop low high max maxlength media min multiple name noshade nowrap open "
    "optimum placeholder readonly reversed role row rows rowspan rules scope scrolling selected shape size sizes span "
    "srclang start summary tabindex title type usemap valign value vspace width wrap "
    "aria-label aria-hidden aria-labelledby aria-describedby aria-current controls muted "
    "d cx cy r rx ry x y x1 x2 y1 y2 dx dy points fill stroke stroke-width stroke-linecap stroke-linejoin fill-rule "
    "clip-rule opacity transform viewbox preserveaspectratio offset stop-color stop-opacity text-anchor font-size "
    "font-family font-weight gradientunits gradienttransform".split()
)
_PAINTS = frozenset({"fill", "stroke", "color", "opacity", "font-family"})
_LAZY = ("data-original", "data-src", "data-lazy-src", "data-lazyload", "data-url", "lazy-src", "_src", "original")
_BODY_MARGINS = {
    "leftmargin": "left", "marginwidth": "left", "rightmargin": "right", "topmargin": "top", "marginheight": "top",
    "bottommargin": "bottom",
}  # fmt: skip


def parse(text: str) -> etree._Element | None:
    """The page's tree, comments kept; None where there is nothing that a browser would show."""
    # What stands behind </body> and </html> belongs to the body, as browsers read it.
    clean = _CLOSING.sub("", _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\x00", "")))
    try:
        root = etree.fromstring(clean.encode("utf-8", "replace"), _PARSER)
    except etree.XMLSyntaxError:
        return None
    if root is None:
        return None
    last = root
    depth = 0
    while len(last):
        last = last[-1]
        depth += 1
    return _as_plain_text(clean) if depth >= _DEEPEST else root


def _as_plain_text(markup: str) -> etree._Element:
    """A page nested deeper than the parser follows: its words, without its form."""
    root = etree.Element("html")
    pre = etree.SubElement(etree.SubElement(root, "body"), "pre")
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", " ", markup)
    pre.text = re.sub(r"[ \t]{2,}", " ", text)
    return root


def title_of(root: etree._Element | None) -> str:
    """The page's title, blanks evened out; empty when it has none."""
    found = root.find(".//title") if root is not None else None
    return " ".join(_words(found).split()) if found is not None else ""


def base_of(root: etree._Element | None, url: str, resolve: Callable[[str, str], str | None]) -> str:
    """The URL that the page's links are relative to."""
    found = root.find(".//base[@href]") if root is not None else None
    return (resolve(url, found.get("href") or "") or url) if found is not None else url


def stamp(
    root: etree._Element | None, text: str, *, base: str, charset: str, links: Links, facts: banner.Facts
) -> Stamped:
    """The stamped page of a parsed one (`root` is used up); `text` is what was parsed, its doctype is kept."""
    work = _Work(base=base, charset=charset, links=links)
    title = title_of(root)
    if root is None:
        old, lang, wide = "", "zh-CN", False
    else:
        lang = re.sub(
            r"[^A-Za-z0-9\-]", "", root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
        )
        wide = not _fits_narrow_screens(root)
        old = work.page(root)
    html = banner.page(
        facts,
        title=title or facts.target_uri,
        head="".join(work.head),
        old=old,
        lang=lang or "zh-CN",
        doctype=_doctype(text),
        wide=wide,
    )
    return Stamped(html=html, title=title, removed=dict(sorted(work.removed.items())))


def written(script: str) -> str:
    """The markup that a script writes as it loads: its `document.write('…')` outside of any block."""
    found, depth, at = [], 0, 0
    for match in _WRITE.finditer(script):
        between = _STRING.sub("", script[at : match.start()])
        depth += between.count("{") - between.count("}")
        at = match.end()
        if depth == 0:
            found.append(_unquoted(match[1]))
    return "".join(found)


def _unquoted(literal: str) -> str:
    plain = {"n": "\n", "t": "\t", "r": "\r"}
    text = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), literal[1:-1])
    return re.sub(r"\\(.)", lambda m: plain.get(m[1], m[1]), text, flags=re.S)


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


def _drop(element: etree._Element) -> None:
    """Take an element out; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _take(element: etree._Element, name: str) -> str | None:
    """The attribute's value; the element has it no longer."""
    value = element.get(name)
    if value is not None:
        del element.attrib[name]
    return value


def _pairs(element: etree._Element) -> list[tuple[str, str]]:
    return cast("list[tuple[str, str]]", element.items())


def _words(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _swap(element: etree._Element, new: etree._Element) -> None:
    new.tail = element.tail
    element.tail = None
    parent = element.getparent()
    if parent is not None:
        parent.replace(element, new)


def _fragment(markup: str, tag: str) -> etree._Element:
    """Parsed markup in an element of its own."""
    holder = etree.Element(tag)
    root = parse(f"<html><body>{markup}")
    body = root.find("body") if root is not None else None
    if body is not None:
        holder.text = body.text
        holder.extend(list(body))
    return holder


@dataclass(slots=True, kw_only=True)
class _Work:
    """One page under the knife."""

    base: str
    charset: str
    links: Links
    head: list[str] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)

    def page(self, root: etree._Element) -> str:
        """The old page as `<archived-html>…`; its styles are in `head` afterwards."""
        self._bring_out_what_scripts_wrote(root)
        body = self._body(root)
        self._body_look(body)
        outer = self._outer_attributes(root)
        for element in list(root.iter()):
            if element.tag in _PLAIN:
                if pairs := _pairs(element):
                    self._attributes(element, pairs, linked=False)
            else:
                self._element(element)
        body.tail = None
        # `.text` and comments aside, nothing below can hold raw text: escaping is enough (see the module's docstring).
        inner = etree.tostring(body, method="html", encoding="unicode")
        return f"<archived-html{outer}>{inner}</archived-html>"

    # --- the page as a whole

    def _body(self, root: etree._Element) -> etree._Element:
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
            self._list_frames(body, frames)
        body.tag = "archived-body"
        return body

    def _list_frames(self, body: etree._Element, frames: list[etree._Element]) -> None:
        """A frameset becomes the list of its frames: each is a page of its own in the archive."""
        holder = etree.Element("div")
        etree.SubElement(holder, "p").text = "这个历史页面由以下几个框架组成："
        listed = etree.SubElement(holder, "ul")
        for frame in frames:
            link = etree.SubElement(etree.SubElement(listed, "li"), "a", href=frame.get("src") or "")
            named = f"“{frame.get('title') or frame.get('name')}”" if frame.get("title") or frame.get("name") else ""
            link.text = f"框架{named}（{frame.get('src')}）"
        self.removed["frames"] += len(frames)
        body.insert(0, holder)
        holder.tail, body.text = body.text, None
        for frameset in list(body.iter("frameset")):
            for kept in list(frameset.iter("noframes")):
                body.append(kept)

    def _body_look(self, body: etree._Element) -> None:
        """The body's own attributes as rules that every rule of the page may overrule, as they were."""
        rules = []
        canvas = []
        if colour := _colour(body.get("bgcolor")):
            canvas.append(f"background-color:{colour}")
        if (picture := body.get("background")) and (found := self.to(picture, "image")):
            canvas.append(f'background-image:url("{css._quoted(found)}")')
        if canvas:
            rules.append(f"archived-html{{{';'.join(canvas)}}}")
        look = [f"color:{colour}"] if (colour := _colour(body.get("text"))) else []
        for name, side in _BODY_MARGINS.items():
            value = (body.get(name) or "").strip().removesuffix("px")
            if value.isascii() and value.isdigit() and len(value) < 5:
                look.append(f"margin-{side}:{value}px")
        if look:
            rules.append(f"archived-body{{{';'.join(look)}}}")
        for name, state in (("link", "link"), ("vlink", "visited"), ("alink", "active")):
            if colour := _colour(body.get(name)):
                rules.append(f":where(archived-body a:{state}){{color:{colour}}}")
        if rules:
            self.head.append(f"<style>{''.join(rules)}</style>\n")
        for name in ("bgcolor", "background", "text", "link", "vlink", "alink"):
            _take(body, name)

    def _outer_attributes(self, root: etree._Element) -> str:
        kept = {name: _harmless(name, value) for name, value in _pairs(root) if name in {"id", "class", "dir", "lang"}}
        return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())

    def _bring_out_what_scripts_wrote(self, root: etree._Element) -> None:
        """Menus and page numbers written by scripts are part of the page: they stay as plain markup."""
        for script in list(root.iter("script")):
            text = script.text or ""
            source = script.get("src")
            markup = self.links.written(self.base, source) if source else written(text)
            markup += "".join(self._paging(match) for match in _PAGING.finditer(text))
            if markup:
                self.removed["scripts"] += 1
                _swap(script, _fragment(markup, "span"))
        for raw in list(root.iter("noframes", "noembed")):
            if raw.text and "<" in raw.text and not len(raw):
                _swap(raw, _fragment(raw.text, "div"))

    def _paging(self, match: re.Match[str]) -> str:
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

    # --- one element

    def _element(self, element: etree._Element) -> None:
        tag = element.tag
        if not isinstance(tag, str):  # comments and processing instructions
            _drop(element)
            return
        if tag in _DROPPED:
            kind = _DROPPED[tag]
            if tag == "meta":
                self._meta(element)
            elif kind:
                self.removed[kind] += 1
                self.removed["handlers"] += sum(str(name).startswith("on") for name, _ in _pairs(element))
            if tag not in {"head", "frameset"} or element.getparent() is not None:
                _drop(element)
            return
        handler = _HANDLERS.get(tag)
        if tag not in _ELEMENTS and handler is None:
            element.tag = tag = _RENAMED.get(tag, "span" if tag != "html" else tag)
            handler = _HANDLERS.get(tag)
        if handler is not None:
            handler(self, element)
        if tag != "html":
            self._attributes(element, _pairs(element), linked=tag in _LINKED)
        if tag in _CONTROLS_OF_FORMS:
            element.set("disabled", "disabled")
            _take(element, "name")

    def _few_attributes(self, element: etree._Element, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Taking thousands of them away one by one would take time by their square."""
        element.attrib.clear()
        element.attrib.update(pairs[:_MOST_ATTRIBUTES])
        self.removed["handlers"] += sum(name.startswith("on") for name, _ in pairs[_MOST_ATTRIBUTES:])
        return pairs[:_MOST_ATTRIBUTES]

    def _attributes(self, element: etree._Element, pairs: list[tuple[str, str]], *, linked: bool) -> None:
        if len(pairs) > _MOST_ATTRIBUTES:
            pairs = self._few_attributes(element, pairs)
        for name, value in pairs:
            if name in _ATTRIBUTES:
                if name in _NAMES and ("gdz" in value or "archived" in value):
                    element.set(name, _harmless(name, value))
                elif name in _PAINTS and "(" in value and not value.lstrip().startswith("url(#"):
                    del element.attrib[name]
            elif name == "style":
                self._style_attribute(element, value)
            elif linked and name in _SET_BY_HANDLERS:
                pass
            elif name == "background":
                del element.attrib[name]
                if found := self.to(value, "image"):
                    element.set("background", found)
            else:
                if name.startswith("on"):
                    self.removed["handlers"] += 1
                del element.attrib[name]

    def _style_attribute(self, element: etree._Element, value: str) -> None:
        text, dropped = css.rewrite_style(value, self._css_link)
        if dropped:
            self.removed["style_links"] += dropped
        if text is not value:
            element.set("style", text)

    def to(self, link: str, role: Role) -> str | None:
        """The copy's URL for a picture, style or frame; None when there is no copy."""
        if role == "image" and re.match(r"\s*data:image/(?:png|gif|jpe?g|webp|bmp)[;,]", link, re.I):
            return link.strip()
        target = self.links.target(self.base, link, self.charset, role)
        return target.href if target is not None and target.state == "copy" else None

    def _css_link(self, link: str) -> str | None:
        return self.to(link, "media")

    def _meta(self, element: etree._Element) -> None:
        if (element.get("http-equiv") or "").strip().lower() != "refresh":
            return
        match = re.search(r"url\s*=\s*[\"']?\s*([^\"']+)", element.get("content") or "", re.I)
        self.removed["refreshes"] += 1
        parent = element.getparent()
        if match is None or parent is None:
            return
        note = etree.Element("p")
        note.text = "这个历史页面会自动转到："
        link = etree.SubElement(note, "a", href=match[1].strip())
        link.text = match[1].strip()
        self._link(link)
        parent.insert(parent.index(element), note)

    def _stylesheet(self, element: etree._Element) -> None:
        rel = set((element.get("rel") or "").lower().split())
        href = element.get("href")
        if "stylesheet" in rel and "alternate" not in rel and href:
            if found := self.to(href, "style"):
                media = element.get("media")
                self.head.append(
                    f'<link rel="stylesheet" href="{escape(found)}"{f" media={chr(34)}{escape(media)}{chr(34)}" if media else ""}>\n'
                )
            else:
                self.removed["styles"] += 1
        elif "icon" in rel and href and (found := self.to(href, "image")):
            self.head.append(f'<link rel="icon" href="{escape(found)}">\n')
        _drop(element)

    def _style(self, element: etree._Element) -> None:
        text, dropped = css.rewrite(_words(element), self._css_link)
        if dropped:
            self.removed["style_links"] += dropped
        media = element.get("media")
        if text:
            self.head.append(f"<style{f' media={chr(34)}{escape(media)}{chr(34)}' if media else ''}>{text}</style>\n")
        _drop(element)

    def _link(self, element: etree._Element) -> None:
        href = element.get("href")
        new_window = (_take(element, "target") or "").lower() == "_blank"
        _take(element, "rel")
        target = self._led_to(href, element.get("onclick"))
        if target is None:
            _take(element, "href")
            return
        element.set("href", target.href)
        if target.state == "leaving":
            element.set("rel", "external nofollow noopener")
        elif target.state == "missing":
            element.set("rel", "nofollow")
        if new_window:
            element.set("target", "_blank")
            element.set("rel", element.get("rel") or "noopener")

    def _led_to(self, href: str | None, onclick: str | None) -> Target | None:
        """Where a link leads, be it said in its address or in the script it runs."""
        if href and _PLAIN_LINK.fullmatch(href):
            return self.links.target(self.base, href, self.charset, "link")
        link = _BLANKS.sub("", href or "") if href and _SCHEME.match(_BLANKS.sub("", href)) else (href or "").strip()
        scheme = (_SCHEME.match(link) or [""])[0].lower()
        if scheme in {"javascript:", "vbscript:", "data:", "blob:", "file:"} or link in {"", "#"}:
            found = self._in_script((href or "") + " " + (onclick or ""))
            if found is None and scheme:
                self.removed["script_links"] += 1
            return found or (Target(link, "copy") if link == "#" else None)
        if link.startswith("#"):
            return Target(link, "copy")
        if scheme in {"mailto:", "tel:"}:
            return Target(link, "copy")
        return self.links.target(self.base, link, self.charset, "link")

    def _in_script(self, script: str) -> Target | None:
        """A call that names a page leads there; the first archived one counts, then the first external one."""
        named = [match[1] or match[2] or "" for match in _STRING.finditer(script)]
        found = [
            target
            for name in named
            if _URLISH.fullmatch(name)
            and (target := self.links.target(self.base, name, self.charset, "link")) is not None
        ]
        return next((t for t in found if t.state == "copy"), None) or next(
            (t for t in found if t.state == "leaving"), None
        )

    def _image(self, element: etree._Element) -> None:
        lazy = [element.get(name) for name in _LAZY]
        found = None
        for link in [*lazy, element.get("src"), element.get("dynsrc"), element.get("lowsrc")]:
            if link and (found := self.to(link, "image")):
                break
        self._srcset(element)
        if found:
            element.set("src", found)
            return
        had = _take(element, "src")
        if not element.get("srcset") and had is not None:
            tiny = all(re.fullmatch(r"\s*[0-3](?:px)?\s*", element.get(side) or "") for side in ("width", "height"))
            if tiny:
                self.removed["trackers"] += 1
                _drop(element)
            else:
                self.removed["images"] += 1

    def _srcset(self, element: etree._Element) -> None:
        value = _take(element, "srcset") or element.get("data-srcset")
        if not value:
            return
        kept = []
        for match in re.finditer(r"\s*([^\s,]\S*[^\s,])((?:\s+[\d.]+[wxh])*)\s*(?:,|$)", value):
            if found := self.to(match[1], "image"):
                kept.append(found.replace(" ", "%20").replace(",", "%2C") + match[2])
        if kept:
            element.set("srcset", ", ".join(kept))

    def _frame(self, element: etree._Element) -> None:
        source = element.get("src") or ""
        found = self.to(source, "frame") if source else None
        element.text = None
        for child in list(element):
            element.remove(child)
        _take(element, "src")
        if found:
            element.set("src", found)
            element.set("sandbox", "allow-same-origin allow-popups allow-top-navigation-by-user-activation")
            return
        self.removed["frames"] += 1
        new = etree.Element("span")
        if source and (target := self._led_to(source, None)) is not None:
            link = etree.SubElement(new, "a", href=target.href, rel="external nofollow noopener")
            link.text = "［此处原嵌有另一网页］"
        _swap(element, new)

    def _plugin(self, element: etree._Element) -> None:
        """Objects, embeds and applets cannot run: a note stands for them, with a link to the file where it was kept."""
        self.removed["plugins"] += 1
        source = element.get("data") or element.get("src")
        for param in element.iter("param"):
            if (param.get("name") or "").lower() in {"movie", "src", "url", "filename", "flashvars"} and not source:
                source = param.get("value")
        new = etree.Element("span")
        target = self._led_to(source, None) if source else None
        if target is not None and target.state == "copy":
            etree.SubElement(new, "a", href=target.href).text = "［此处原有插件内容，可下载当年的文件］"
        else:
            new.text = "［此处原有插件内容，无法显示］"
        for child in list(element):  # what stood there for browsers without the plugin
            if isinstance(child.tag, str) and child.tag not in {"param", "embed", "object"}:
                new.append(child)
        _swap(element, new)

    def _form(self, element: etree._Element) -> None:
        self.removed["forms"] += 1

    def _input(self, element: etree._Element) -> None:
        kind = (element.get("type") or "").lower()
        if kind == "hidden":
            _drop(element)
        elif kind == "image":
            found = self.to(element.get("src") or "", "image")
            _take(element, "src")
            if found:
                element.set("src", found)

    def _select(self, element: etree._Element) -> None:
        """A menu that led to other pages keeps them as links."""
        chosen = []
        for option in element.iter("option"):
            value = (option.get("value") or "").strip()
            if not _URLISH.fullmatch(value) or not ("/" in value or re.search(r"\.\w{2,5}$", value)):
                continue
            target = self.links.target(self.base, value, self.charset, "link")
            words = " ".join(_words(option).split())
            if target is not None and target.state != "missing" and words:
                chosen.append((target, words))
        if not chosen:
            return
        menu = etree.Element("details")
        etree.SubElement(menu, "summary").text = "打开列表中的链接"
        for target, words in chosen:
            link = etree.SubElement(etree.SubElement(menu, "div"), "a", href=target.href)
            link.text = words
            if target.state == "leaving":
                link.set("rel", "external nofollow noopener")
        parent = element.getparent()
        if parent is not None:
            menu.tail, element.tail = element.tail, None
            parent.insert(parent.index(element) + 1, menu)

    def _marquee(self, element: etree._Element) -> None:
        """Running text stands still, on one line where it ran sideways, and can be pushed by hand."""
        upward = (element.get("direction") or "").lower() in {"up", "down"}
        look = ["overflow:auto"] if upward else ["overflow-x:auto", "white-space:nowrap"]
        for side in ("width", "height"):
            value = (element.get(side) or "").strip().removesuffix("px")
            if _LENGTH.fullmatch(value):
                look.append(f"{side}:{value}{'' if value.endswith('%') else 'px'}")
            _take(element, side)
        element.tag = "div"
        element.set("style", ";".join([*look, element.get("style") or ""]).rstrip(";"))

    def _media(self, element: etree._Element) -> None:
        for name in ("src", "poster"):
            value = _take(element, name)
            if value and (found := self.to(value, "image" if name == "poster" else "media")):
                element.set(name, found)
        if element.tag == "source":
            self._srcset(element)
        element.set("controls", "controls")


_NAMES = frozenset({"id", "class"})
_SET_BY_HANDLERS = frozenset({"href", "src", "srcset", "poster", "rel", "target", "sandbox", "download"})
_LINKED = frozenset({"a", "area", "img", "iframe", "audio", "video", "source", "track", "input"})
_HANDLERS: Mapping[str, Callable[[_Work, etree._Element], None]] = {
    "a": _Work._link,
    "area": _Work._link,
    "img": _Work._image,
    "iframe": _Work._frame,
    "object": _Work._plugin,
    "embed": _Work._plugin,
    "applet": _Work._plugin,
    "form": _Work._form,
    "input": _Work._input,
    "select": _Work._select,
    "marquee": _Work._marquee,
    "audio": _Work._media,
    "video": _Work._media,
    "source": _Work._media,
    "track": _Work._media,
    "link": _Work._stylesheet,
    "style": _Work._style,
}
_PLAIN = _ELEMENTS - _HANDLERS.keys() - _DROPPED.keys() - _CONTROLS_OF_FORMS - _LINKED
"""Elements that stay what they are: only their attributes are looked at."""


def _colour(value: str | None) -> str:
    value = (value or "").strip()
    if re.fullmatch(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", value):
        return f"#{value.removeprefix('#')}"
    return value if re.fullmatch(r"[a-zA-Z]{3,24}", value) else ""


def _harmless(name: str, value: str) -> str:
    """Names by which an old element could pass for the stamp are altered."""
    return re.sub(r"gdz|archived-", "old-", value) if name in {"id", "class"} else value
