"""An old page's elements made safe: no scripts, no forms that send, every link to a copy.

Nothing is taken over that is not known to be harmless: elements and attributes outside the lists below lose their
name or disappear, so that a page read differently by a browser than by us still has nothing to run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Literal, NamedTuple, Protocol

from lxml import etree

from archive.publishing import css
from archive.publishing.oldpage import STRING, attributes_of, drop, strike, swap, take, words

Role = Literal["link", "frame", "image", "style", "media"]
State = Literal["copy", "missing", "leaving"]


class Target(NamedTuple):
    """Where a link of the old page leads in the archive."""

    href: str
    state: State


class Links(Protocol):
    """What a link stands for. `base` is the URL it is relative to, `charset` that of the page."""

    def target(self, base: str, link: str, charset: str, role: Role) -> Target | None:
        """None for a link that is none to the web, and for a picture, style or frame of which there is no copy."""

    def written(self, base: str, link: str) -> str:
        """The markup that the script at `link` writes into the page as it loads, as far as it is plain text."""


_MOST_ATTRIBUTES = 200
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.I)
_BLANKS = re.compile(r"[\x00-\x20]+")
_URLISH = re.compile(r"[^\s<>]*[./?][^\s<>]*")
_LENGTH = re.compile(r"\d{1,4}%?")
_PLAIN_LINK = re.compile(r"(?:https?:/)?[./]*[\w%~-][^\s:#\x00-\x20]*")  # no other scheme, no fragment: nine of ten


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


@dataclass(slots=True, kw_only=True)
class Disarming:
    """One page under the knife. `head` gets the old page's styles as markup, `removed` counts what was left out, by kind."""

    base: str
    charset: str
    links: Links
    head: list[str] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)

    def every_element(self, root: etree._Element) -> None:
        for element in list(root.iter()):
            tag = element.tag
            if tag in _PLAIN:
                attributes = attributes_of(element)
                if attributes and not _stay(tuple(attributes)):
                    self._attributes(element, attributes, linked=False)
            elif tag == "a":
                self._anchor(element)
            else:
                self._element(element)

    def _anchor(self, element: etree._Element) -> None:
        attributes = attributes_of(element)
        href = ""
        window = None
        for name, value in attributes:
            if name == "href":
                href = value
            elif name == "target":
                window = value
            elif name not in _PASSED:
                break
        else:
            if _PLAIN_LINK.fullmatch(href) and len(attributes) <= _MOST_ATTRIBUTES:
                # Nine of ten; what follows would give the same at three times the cost.
                self._led(element, self.links.target(self.base, href, self.charset, "link"), window)
                return
        self._link(element, attributes)
        if len(attributes) > _MOST_ATTRIBUTES:
            attributes = attributes_of(element)
        self._attributes(element, attributes, linked=True)  # what `_link` altered is passed over

    def _element(self, element: etree._Element) -> None:
        tag = element.tag
        if not isinstance(tag, str):  # comments and processing instructions
            drop(element)
            return
        if tag in _DROPPED:
            kind = _DROPPED[tag]
            if tag == "meta":
                self._meta(element)
            elif kind:
                self.removed[kind] += 1
                self.removed["handlers"] += sum(name.startswith("on") for name, _ in attributes_of(element))
            if tag not in {"head", "frameset"} or element.getparent() is not None:
                drop(element)
            return
        handler = _HANDLERS.get(tag)
        if tag not in _ELEMENTS and handler is None:
            element.tag = tag = _RENAMED.get(tag, "span" if tag != "html" else tag)
            handler = _HANDLERS.get(tag)
        if handler is not None:
            handler(self, element)
        if tag != "html":
            self._attributes(element, attributes_of(element), linked=tag in _LINKED)
        if tag in _CONTROLS_OF_FORMS:
            element.set("disabled", "disabled")
            take(element, "name")

    def _few_attributes(self, element: etree._Element, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Taking thousands of them away one by one would take time by their square."""
        element.attrib.clear()
        kept = [pair for pair in pairs[:_MOST_ATTRIBUTES] if pair[0][:1] != "{"]
        element.attrib.update(kept)
        self.removed["handlers"] += sum(name.startswith("on") for name, _ in pairs[_MOST_ATTRIBUTES:])
        return kept

    def _attributes(self, element: etree._Element, pairs: list[tuple[str, str]], *, linked: bool) -> None:
        if len(pairs) > _MOST_ATTRIBUTES:
            pairs = self._few_attributes(element, pairs)
        for name, value in pairs:
            if name in _ATTRIBUTES:
                if name in _NAMES and ("gdz" in value or "archived" in value):
                    element.set(name, harmless(name, value))
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
                strike(element, name)

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
        self._area(link)
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
        drop(element)

    def _style(self, element: etree._Element) -> None:
        text, dropped = css.rewrite_repeated(words(element), self._css_link)
        if dropped:
            self.removed["style_links"] += dropped
        media = element.get("media")
        if text:
            self.head.append(f"<style{f' media={chr(34)}{escape(media)}{chr(34)}' if media else ''}>{text}</style>\n")
        drop(element)

    def _area(self, element: etree._Element) -> None:
        self._link(element, attributes_of(element))

    def _link(self, element: etree._Element, attributes: list[tuple[str, str]]) -> None:
        given = dict(attributes)
        take(element, "rel")
        self._led(element, self._led_to(given.get("href"), given.get("onclick")), given.get("target"))

    def _led(self, element: etree._Element, target: Target | None, window: str | None) -> None:
        """A link to its target, in a window of its own where `window` says so."""
        if window is not None:
            del element.attrib["target"]
        if target is None:
            take(element, "href")
            return
        element.set("href", target.href)
        if rel := _RELATIONS[target.state]:
            element.set("rel", rel)
        if window and window.lower() == "_blank":
            element.set("target", "_blank")
            if not rel:
                element.set("rel", "noopener")

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
        named = [match[1] or match[2] or "" for match in STRING.finditer(script)]
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
        had = take(element, "src")
        if not element.get("srcset") and had is not None:
            tiny = all(re.fullmatch(r"\s*[0-3](?:px)?\s*", element.get(side) or "") for side in ("width", "height"))
            if tiny:
                self.removed["trackers"] += 1
                drop(element)
            else:
                self.removed["images"] += 1

    def _srcset(self, element: etree._Element) -> None:
        value = take(element, "srcset") or element.get("data-srcset")
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
        take(element, "src")
        if found:
            element.set("src", found)
            element.set("sandbox", "allow-same-origin allow-popups allow-top-navigation-by-user-activation")
            return
        self.removed["frames"] += 1
        new = etree.Element("span")
        if source and (target := self._led_to(source, None)) is not None:
            link = etree.SubElement(new, "a", href=target.href, rel="external nofollow noopener")
            link.text = "［此处原嵌有另一网页］"
        swap(element, new)

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
        swap(element, new)

    def _form(self, element: etree._Element) -> None:
        self.removed["forms"] += 1

    def _input(self, element: etree._Element) -> None:
        kind = (element.get("type") or "").lower()
        if kind == "hidden":
            drop(element)
        elif kind == "image":
            found = self.to(element.get("src") or "", "image")
            take(element, "src")
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
            named = " ".join(words(option).split())
            if target is not None and target.state != "missing" and named:
                chosen.append((target, named))
        if not chosen:
            return
        menu = etree.Element("details")
        etree.SubElement(menu, "summary").text = "打开列表中的链接"
        for target, named in chosen:
            link = etree.SubElement(etree.SubElement(menu, "div"), "a", href=target.href)
            link.text = named
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
            take(element, side)
        element.tag = "div"
        element.set("style", ";".join([*look, element.get("style") or ""]).rstrip(";"))

    def _media(self, element: etree._Element) -> None:
        for name in ("src", "poster"):
            value = take(element, name)
            if value and (found := self.to(value, "image" if name == "poster" else "media")):
                element.set(name, found)
        if element.tag == "source":
            self._srcset(element)
        element.set("controls", "controls")


_NAMES = frozenset({"id", "class"})
_PASSED = _ATTRIBUTES - _NAMES - _PAINTS
"""Attributes that stay, whatever they say."""
_RELATIONS: Mapping[State, str] = {"copy": "", "missing": "nofollow", "leaving": "external nofollow noopener"}
_SET_BY_HANDLERS = frozenset({"href", "src", "srcset", "poster", "rel", "target", "sandbox", "download"})
_LINKED = frozenset({"a", "area", "img", "iframe", "audio", "video", "source", "track", "input"})


@lru_cache(maxsize=4096)
def _stay(attributes: tuple[tuple[str, str], ...]) -> bool:
    """Whether nothing need be altered in them, on whatever page they stand; pages repeat the same few sets."""
    return len(attributes) <= _MOST_ATTRIBUTES and all(
        css.is_plain(value)
        if name == "style"
        else name in _ATTRIBUTES
        and not (name in _NAMES and ("gdz" in value or "archived" in value))
        and not (name in _PAINTS and "(" in value)
        for name, value in attributes
    )


_HANDLERS: Mapping[str, Callable[[Disarming, etree._Element], None]] = {
    "a": Disarming._area,
    "area": Disarming._area,
    "img": Disarming._image,
    "iframe": Disarming._frame,
    "object": Disarming._plugin,
    "embed": Disarming._plugin,
    "applet": Disarming._plugin,
    "form": Disarming._form,
    "input": Disarming._input,
    "select": Disarming._select,
    "marquee": Disarming._marquee,
    "audio": Disarming._media,
    "video": Disarming._media,
    "source": Disarming._media,
    "track": Disarming._media,
    "link": Disarming._stylesheet,
    "style": Disarming._style,
}
_PLAIN = _ELEMENTS - _HANDLERS.keys() - _DROPPED.keys() - _CONTROLS_OF_FORMS - _LINKED
"""Elements that stay what they are: only their attributes are looked at."""


def colour_of(value: str | None) -> str:
    value = (value or "").strip()
    if re.fullmatch(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", value):
        return f"#{value.removeprefix('#')}"
    return value if re.fullmatch(r"[a-zA-Z]{3,24}", value) else ""


def harmless(name: str, value: str) -> str:
    """Names by which an old element could pass for the stamp are altered."""
    return re.sub(r"gdz|archived-", "old-", value) if name in {"id", "class"} else value
