"""A finished page of the Simplified edition as one of the Traditional: words by OpenCC, links within the edition.

The page is cut into tags and words. Words are converted in one call, a sign between them that no phrase contains, which
costs a third of a millisecond a page. Lines of head and foot that came on other pages are remembered (0.42 ms a
page instead of 1.0). Of a tag only what people read is converted (titles, labels, descriptions), and what names a
language or leads to a page is put right; addresses, ids and classes stay. Code, and what is marked as another language
or as Traditional, stays as it is.
"""

from __future__ import annotations

import functools
import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

import opencc

from sitegen import phrases
from sitegen.pages import traditional
from sitegen.pages.traditional import PREFIX

BACK = "简体"
"""The words of the link that leads back."""
_LANG = "zh-Hant"
_SHORT = 200
_MANY = 20_000
"""Texts up to so many characters are remembered, and so many of them: names, labels and titles come on many pages."""
_ONCE, _APART, _CUT = "\x04", "\x05", "\x06"
"""In the place of a line of the frame: it came once; it depends on the page; something reaches over its end."""
_REGION = "\x03"
_GAP = "\x02"
"""Between two words that belong to different places; no source may hold it (`frontmatter`)."""
_INSIDE = r"[^\"'<>]*+(?:(?:\"[^\"]*\"|'[^']*')[^\"'<>]*+)*+"
_TOKEN = re.compile(rf"<!--.*?-->|<(script|style)\b{_INSIDE}>.*?</\1\s*>|<[A-Za-z!/]{_INSIDE}>", re.DOTALL)
_TAG = re.compile(rf"<[A-Za-z]{_INSIDE}>")
_ATTRIBUTE = re.compile(r"(?<=[\s\"'])([A-Za-z][\w:\-]*)=(?:\"([^\"]*)\"|'([^']*)')")
_NAME = re.compile(r"</?([A-Za-z][\w\-]*)")
_CODE = re.compile(r"<(?:pre|code|kbd|samp|textarea)\b", re.IGNORECASE)
_OTHER_LANG = re.compile(r"\slang=[\"'](?!zh(?:-Hans[A-Za-z\-]*|-CN)?[\"'])")
_CHINESE = re.compile(r"zh(?:-Hans|-CN)?(?:-[A-Za-z]+)*")
_WORDS = frozenset("title alt aria-label aria-description aria-roledescription placeholder label".split())
_LINKS = frozenset("href src action formaction poster data cite".split())
_CONCERNED = re.compile(
    r"\s(?:href|src|srcset|action|formaction|poster|data|cite|lang|hreflang)=|[^\x00-\x7f]|^<meta\s"
)
_WHOLE = re.compile(rf"(?:[^<>]*+<[A-Za-z!/]{_INSIDE}>)*+[^<>]*+")
"""A line in which no tag begins or ends elsewhere."""
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//")
_REFRESH = re.compile(r"(\d+;\s*url=)(.+)", re.IGNORECASE)
_MARK = re.compile("\x01(\\d+)\x01")


def _close_of(element: str, html: str, end: int) -> int:
    """Where an element that begins before `end` is over; one that is not closed has nothing in it."""
    depth = 1
    for match in _TOKEN.finditer(html, end):
        name = _NAME.match(match[0])
        if name is not None and match.lastindex is None and name[1].lower() == element:
            depth += -1 if match[0].startswith("</") else 1
            if depth == 0:
                return match.end()
    return end


@functools.cache
def _dictionary() -> Any:
    """OpenCC's, Simplified to Traditional word by word, in the forms that are read most (為, 群, 眾; plain `s2t` writes
    爲, 羣, 衆), without Taiwan's own vocabulary: a law's terms stay its terms. Loading it takes 80 ms."""
    return opencc.OpenCC("s2tw")


class Traditional:
    """`site_url` ends in `/`; `known`: phrases that win over the dictionary, on all pages."""

    def __init__(self, site_url: str, known: Mapping[str, str]) -> None:
        self._site_url = site_url
        self._known = dict(known)
        self._words = _Words(self._known)
        self._tags: dict[str, str] = {}
        self._lines: dict[str, str] = {}

    def page(self, html: str, url: str, own: tuple[tuple[str, str], ...] = ()) -> str:
        """The counterpart of the page at a root-relative `url`; `own`: the page's own phrases."""
        words = _Words(phrases.merged(self._known, own)) if own else self._words
        tags, lines = ({}, {}) if own else (self._tags, self._lines)
        return _Pass(self._site_url, url, words, tags, lines).page(html)

    def feed(self, data: bytes) -> bytes:
        """An Atom feed: its words, and addresses within the edition. Ids stay unique: those of the edition are others."""
        base = re.escape(self._site_url.encode())
        text = re.sub(
            rb"(?<=[\">])" + base + rb"(?=[^<\"]*[<\"])", self._site_url.encode() + PREFIX[1:].encode() + b"/", data
        )
        text = text.replace(b"<id>tag:", b"<id>tag:zh-hant.")
        return self._words.convert(text.decode()).encode()


class _Words:
    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        longest = sorted(known, key=lambda phrase: (-len(phrase), phrase))
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None
        self._written = [known[phrase] for phrase in longest]
        self._known_texts: dict[str, str] = {}
        self._number = {phrase: number for number, phrase in enumerate(longest)}

    def put(self, texts: list[str], places: Sequence[int]) -> None:
        """Convert the texts at some places, all that are new in one call."""
        known = self._known_texts
        new = [place for place in places if texts[place] not in known]
        converted = self.convert(_GAP.join([texts[place] for place in new])).split(_GAP)
        for place, text in zip(new, converted, strict=True) if new else ():
            if len(text) <= _SHORT:
                known[texts[place]] = text
            texts[place] = text
        missing = set(new)
        for place in places:
            if place not in missing:
                texts[place] = known[texts[place]]
        if len(known) > _MANY:
            known.clear()

    def again(self, text: str) -> str:
        """For what stands on a page several times (title, summary, names): converted once."""
        known = self._known_texts
        put = known.get(text)
        if put is None:
            put = known[text] = self.convert(text)
        return put

    def convert(self, text: str) -> str:
        if text.isascii():
            return text
        if self._pattern is None:
            return str(_dictionary().convert(text))
        text = self._pattern.sub(lambda match: f"\x01{self._number[match[0]]}\x01", text)
        return _MARK.sub(lambda match: self._written[int(match[1])], _dictionary().convert(text))


class _Pass:
    """One page on its way."""

    def __init__(self, site_url: str, url: str, words: _Words, tags: dict[str, str], lines: dict[str, str]) -> None:
        self._site_url = site_url
        self._url = url
        self._words = words
        self._tags = tags
        """Tags that read the same on every page, converted."""
        self._lines = lines
        """Lines of the frame that read the same on every page, converted."""
        self._relatives = 0
        """How many links lead on from where they stand."""
        self._unclosed = False
        """Whether a part in another language begins that does not end."""

    def page(self, html: str) -> str:
        """Head and foot line by line, what stands between them as it is."""
        begin, end = html.find("<main"), html.rfind("</main>")
        if not -1 < begin < end:
            return self.run(html)
        out: list[str] = []
        places: list[int] = []
        self._frame(html[:begin], out, places)
        self._scan(html[begin:end], out, places)
        self._frame(html[end:], out, places)
        self._words.put(out, places)
        return "".join(out)

    def run(self, html: str) -> str:
        out: list[str] = []
        places: list[int] = []
        self._scan(html, out, places)
        self._words.put(out, places)
        return "".join(out)

    def _frame(self, html: str, out: list[str], places: list[int]) -> None:
        """Menus and links of the foot are those of every page of a site: a line that came before is known. A head or foot
        of which something reaches over the end of a line is looked at whole."""
        lines = html.splitlines(keepends=True)
        known = [self._line(line) for line in lines]
        if _CUT in known:
            self._scan(html, out, places)
            return
        new: list[str] = []
        for line, put in zip(lines, known, strict=True):
            if put in (_ONCE, _APART):
                new.append(line)
                continue
            if new:
                self._scan("".join(new), out, places)
                new.clear()
            out.append(put)
        self._scan("".join(new), out, places)

    def _line(self, line: str) -> str:
        """What stands for a line when it comes for the second time and later, or why nothing is known of it."""
        lines = self._lines
        put = lines.get(line)
        if put is None:
            if len(lines) > _MANY:
                lines.clear()
            put = lines[line] = _ONCE if self._is_whole(line) else _CUT
        elif put == _ONCE:
            one = _Pass(self._site_url, self._url, self._words, {}, {})
            put = one.run(line)
            put = lines[line] = _APART if one._relatives else put
        return put

    def _is_whole(self, line: str) -> bool:
        """Whether no tag, no code and no part in another language reaches over its end."""
        if _WHOLE.fullmatch(line) is None:
            return False
        if _OTHER_LANG.search(line) is None and _CODE.search(line) is None:
            return True
        one = _Pass(self._site_url, self._url, self._words, {}, {})
        one._scan(line, [], [])
        return not one._unclosed

    def _scan(self, html: str, out: list[str], places: list[int]) -> None:
        """Put what stands for some HTML behind `out`, and into `places` where words are that still have to be converted."""
        end = 0
        known = self._tags
        for match in _TOKEN.finditer(html):
            start = match.start()
            if start < end:
                continue
            token = match[0]
            put = known.get(token)
            if put is None:
                put = self._new(token, raw=match.lastindex is not None)
            if put == token and token.isascii():
                continue  # it stays among the words around it: what is ASCII is never converted
            if start > end:
                places.append(len(out))
                out.append(html[end:start])
            end = match.end()
            if put == _REGION:
                put, end = self._region(html, token, end)
            out.append(put)
        places.append(len(out))
        out.append(html[end:])

    def _new(self, token: str, *, raw: bool) -> str:
        """What stands for a tag, a comment or a raw element; `_REGION`: it begins a part in another language."""
        if raw or token.startswith("<!"):
            return self._raw(token)
        if (_OTHER_LANG.search(token) and not token.startswith("<html")) or _CODE.match(token):
            put = _REGION
        else:
            before = self._relatives
            put = self._tag(token)
            if self._relatives > before:
                return put
        if len(self._tags) > _MANY:
            self._tags.clear()
        self._tags[token] = put
        return put

    def _region(self, html: str, token: str, end: int) -> tuple[str, int]:
        """Code, or a part in another language, whole, and where it ends: its words stay, its links lead on within the
        edition."""
        name = _NAME.match(token)
        element = name[1].lower() if name else ""
        close = end if element in _VOID else _close_of(element, html, end)
        self._unclosed |= close == end
        if f'href="{PREFIX}{self._url}"' in token and element == "a":
            return f'<a href="{self._url}" hreflang="zh-Hans" lang="zh-Hans">{BACK}</a>', close
        head = self._tag(token, kept=_OTHER_LANG.search(token) is not None)
        return head + _TOKEN.sub(lambda match: self._within(match[0]), html[end:close]), close

    def _within(self, token: str) -> str:
        return token if _TAG.fullmatch(token) is None else self._tag(token, kept=True)

    def _raw(self, token: str) -> str:
        """What stands between tags that no reader sees as words; structured data is converted by its strings."""
        head, _, rest = token.partition(">")
        if not head.startswith("<script") or "application/ld+json" not in head:
            return token
        text, _, tail = rest.rpartition("</")
        try:
            value = self._value(json.loads(text))
        except ValueError:
            return token
        return f"{head}>{json.dumps(value, ensure_ascii=False, separators=(',', ':')).replace('<', chr(92) + 'u003c')}</{tail}"

    def _value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._value(found, name) for name, found in value.items()}
        if isinstance(value, list):
            return [self._value(found, key) for found in value]
        if not isinstance(value, str) or key.startswith("@"):
            return self._link(value) if key == "@id" and isinstance(value, str) else value
        if key == "inLanguage":
            return _LANG if _CHINESE.fullmatch(value) else value
        return self._link(value) if _SCHEME.match(value) else self._words.again(value)

    def _tag(self, tag: str, *, kept: bool = False) -> str:
        """`kept`: it stands in a part of another language, whose words stay."""
        if _CONCERNED.search(tag) is None:
            return tag
        name = _NAME.match(tag)
        return _ATTRIBUTE.sub(functools.partial(self._attribute, tag, name[1].lower() if name else "", kept), tag)

    def _attribute(self, tag: str, element: str, kept: bool, found: re.Match[str]) -> str:
        name, value = found[1].lower(), found[2] if found[2] is not None else found[3]
        quote = '"' if found[2] is not None else "'"
        return f"{found[1]}={quote}{self._attribute_value(tag, element, kept, name, value)}{quote}"

    def _attribute_value(self, tag: str, element: str, kept: bool, name: str, value: str) -> str:
        if name in _LINKS:
            return value if element == "link" and "hreflang=" in tag else self._link(value)
        if name == "srcset":
            return ", ".join(self._candidate(part.strip()) for part in value.split(",") if part.strip())
        if name == "lang":
            return _LANG if not kept and _CHINESE.fullmatch(value) else value
        if name == "content" and element == "meta":
            if (refresh := _REFRESH.fullmatch(value)) is not None:
                return refresh[1] + self._link(refresh[2])
            return self._link(value) if _SCHEME.match(value) else self._words.again(value)
        if kept or value.isascii():
            return value
        shown = name in _WORDS or (
            name == "value" and element == "input" and re.search(r"type=.(?:submit|button|reset)", tag)
        )
        return self._words.again(value) if shown else value

    def _candidate(self, part: str) -> str:
        address, gap, size = part.partition(" ")
        return self._link(address) + gap + size

    def _link(self, value: str) -> str:
        """Pages lead to the edition; everything else is shared, and named from the root."""
        path = re.split(r"[?#]", value, maxsplit=1)[0]
        rest = value[len(path) :]
        if not path:
            return value
        if _SCHEME.match(path):
            own = path.startswith(self._site_url) and traditional.has(path[len(self._site_url) - 1 :])
            return f"{self._site_url[:-1]}{PREFIX}{value[len(self._site_url) - 1 :]}" if own else value
        if path.startswith("/"):
            return PREFIX + value if traditional.has(path) else value
        self._relatives += 1
        full = posixpath.normpath(posixpath.join(posixpath.dirname(self._url), path)) + (
            "/" if path.endswith("/") else ""
        )
        return value if traditional.has(full) else full + rest
