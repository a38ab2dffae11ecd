"""Old style sheets: their links rewritten, and what they say about `html` and `body` turned to the archived page.

In a stamped copy the old page lies in `<archived-html><archived-body>`, so that no rule about the page's root can
reach the stamp above it. Two things browsers do for the root only are kept: the body's background fills the whole
canvas, and the root's font size is the unit of `rem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

# The link as it stood → what to write instead; None where there is nothing to show.
Resolve = Callable[[str], str | None]

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.S)
_ESCAPED_LETTER = re.compile(r"\\0{0,4}([2-7][0-9A-Fa-f])(?:\r\n|[ \t\r\n\f])?(?![0-9A-Fa-f])")
_PLAIN_ESCAPE = re.compile(r"\\([g-zG-Z(:])")
_STRING = r'"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z)|' + r"'(?:\\.|[^'\\\n])*(?:'|(?=\n)|\Z)"
_URL = re.compile(rf"(?i)\b(?:url|src)\(\s*(?:({_STRING})|((?:\\.|[^)\"'\\])*))[^)]*(?:\)|\Z)", re.S)
_STOP = re.compile(rf"{_STRING}|(?i:url)\(\s*[^\"')\s][^)]*\)?|[{{}};]", re.S)
_ROOT = re.compile(r"(?i)(?<![\w.#\-:\[=\"'\\])(html|body)(?![\w\-\\])|:root(?![\w-])")
_PLAIN_BODY = re.compile(r"(?i)(?:html\s*>?\s*)?body")
_PLAIN_HTML = re.compile(r"(?i)html|:root")
_ACTIVE = re.compile(r"(?i)expression\s*\(|-moz-binding|behaviou?r\s*:|(?:-webkit-)?image-set\s*\(")
_GROUPS = frozenset({"media", "supports", "layer", "container", "document", "-moz-document", "scope", "starting-style"})
_WORTH_KEEPING = 1 << 16
_STAMP_FONTS = frozenset(
    "pingfangsc microsoftyahei notosanscjksc sourcehansanssc notoserifcjksc sourcehanserifsc songtisc stsong simsun".split()
)  # those of templates/stamp.css; a test compares


@dataclass(slots=True)
class _Rewriter:
    resolve: Resolve
    dropped: int = 0
    out: list[str] = field(default_factory=list)

    def link(self, url: str) -> str | None:
        url = url.strip()
        if not url:
            return None
        if url.startswith("#"):
            return url
        if url[:5].lower() == "data:":
            return (
                url
                if re.match(r"(?i)data:(?:image/(?:png|gif|jpe?g|webp|bmp|x-icon)|font/|application/(?:x-)?font)", url)
                else None
            )
        found = self.resolve(url)
        if found is None:
            self.dropped += 1
        return found

    def declarations(self, text: str) -> str:
        """A declaration block with its links rewritten; what runs code, and what links to nothing, is left out."""
        if "(" not in text and ":" in text and not _ACTIVE.search(text):
            return text
        return ";".join(kept for part in _split(text) if (kept := self._declaration(part)) is not None)

    def _declaration(self, text: str) -> str | None:
        if _ACTIVE.search(text):
            self.dropped += 1
            return None
        return _URL.sub(self._url, text)

    def _url(self, match: re.Match[str]) -> str:
        raw = match[1][1:].removesuffix(match[1][0]) if match[1] else (match[2] or "")
        found = self.link(re.sub(r"\\(.)", r"\1", raw))
        if found is None:
            return "none" if match[0][:3].lower() == "url" else ""
        return f'url("{quoted(found)}")'

    def rules(self, text: str) -> None:
        """Rules one after another; `{` without end is closed, `}` without beginning is left out."""
        at = 0
        while at < len(text):
            start = at
            stop = _next_stop(text, at)
            if stop is None:
                return
            prelude = text[start : stop.start()].strip()
            at = stop.end()
            if stop[0] == ";":
                self._statement(prelude)
            elif stop[0] == "{":
                end = _block_end(text, at)
                self._block(prelude, text[at:end])
                at = end + 1

    def _statement(self, prelude: str) -> None:
        match = re.match(rf"(?is)@import\s*(?:url\(\s*)?(?:({_STRING})|([^\s\"');]+))\s*\)?(.*)", prelude)
        if match is None:
            return
        raw = match[1][1:].removesuffix(match[1][0]) if match[1] else match[2]
        found = self.link(raw)
        media = _safe_prelude(match[3])
        if found:
            self.out.append(f'@import url("{quoted(found)}"){" " + media if media else ""};')

    def _block(self, prelude: str, body: str) -> None:
        if "url(" in prelude.lower():  # no selector holds one
            self.dropped += 1
            return
        if prelude.startswith("@"):
            name = re.match(r"@([\w-]*)", prelude)
            if name and name[1].lower() in _GROUPS:
                self.out.append(f"{_safe_prelude(prelude)}{{")
                self.rules(body)
                self.out.append("}")
            elif name and name[1].lower() in {
                "font-face",
                "keyframes",
                "-webkit-keyframes",
                "-moz-keyframes",
                "counter-style",
            }:
                if name[1].lower() == "font-face" and _is_of_the_stamp(body):
                    self.dropped += 1
                    return
                inner = _URL.sub(self._url, body) if not _ACTIVE.search(body) else ""
                self.out.append(f"{_safe_prelude(prelude)}{{{inner}}}")
            return
        if "{" in body:  # nested rules: their own braces stay in place
            self.out.append(f"{_of_root(prelude)}{{{self._nested(body)}}}")
            return
        body = self.declarations(body)
        parts = [part.strip() for part in prelude.split(",")]
        if any(_PLAIN_BODY.fullmatch(part) for part in parts):
            body = self._canvas(parts, body)
        if any(_PLAIN_HTML.fullmatch(part) for part in parts):
            self._root_size(body)
        self.out.append(f"{_of_root(prelude)}{{{body}}}")

    def _nested(self, body: str) -> str:
        inner = _Rewriter(self.resolve)
        text = _URL.sub(inner._url, "" if _ACTIVE.search(body) else body)
        self.dropped += inner.dropped
        return text

    def _canvas(self, parts: list[str], body: str) -> str:
        """The background of `body` goes to the whole archived page, as it did to the whole window."""
        declarations = _split(body)
        canvas = [d for d in declarations if d.strip().lower().startswith("background")]
        if not canvas:
            return body
        self.out.append(f"archived-html{{{';'.join(canvas)}}}")
        if any(not _PLAIN_BODY.fullmatch(part) for part in parts):
            return body
        return ";".join(d for d in declarations if d not in canvas)

    def _root_size(self, body: str) -> None:
        sizes = [d for d in _split(body) if re.match(r"(?i)\s*font-size\s*:", d)]
        if sizes:
            self.out.append(f"html{{{';'.join(sizes)}}}")


def rewrite(text: str, resolve: Resolve) -> tuple[str, int]:
    """A style sheet for a copy, and how many of its parts were left out. Never holds `</`."""
    rewriter = _Rewriter(resolve)
    rewriter.rules(_plain(text))
    return "\n".join(rewriter.out).replace("</", "<\\/"), rewriter.dropped


def rewrite_repeated(text: str, resolve: Resolve) -> tuple[str, int]:
    """As `rewrite`, for styles that stand in page after page: only what they link to is looked up again."""
    if len(text) > _WORTH_KEEPING:
        return rewrite(text, resolve)
    return _rewritten(text, tuple([resolve(link) for link in _linked(text)]))


@lru_cache(maxsize=64)
def _linked(text: str) -> tuple[str, ...]:
    return tuple(links(text))


@lru_cache(maxsize=64)
def _rewritten(text: str, found: tuple[str | None, ...]) -> tuple[str, int]:
    """What is looked up, and in which order, does not depend on what was found."""
    answers = iter(found)
    return rewrite(text, lambda _link: next(answers))


def rewrite_style(text: str, resolve: Resolve) -> tuple[str, int]:
    """The value of a `style` attribute."""
    if is_plain(text):
        return text, 0
    rewriter = _Rewriter(resolve)
    return rewriter.declarations(_plain(text).replace("{", "").replace("}", "")), rewriter.dropped


@lru_cache(maxsize=4096)
def is_plain(style: str) -> bool:
    """Whether it holds no link and nothing that could hide one; pages repeat the same few values."""
    return "(" not in style and "\\" not in style and "/*" not in style and not _ACTIVE.search(style)


def links(text: str) -> Iterator[str]:
    """Every link of a style sheet, as it stands."""
    found: list[str] = []

    def note(url: str) -> None:
        found.append(url)

    rewrite(text, note)
    yield from found


def _plain(text: str) -> str:
    """Without comments, and with escaped ASCII letters plain, so that `u\\72l(` cannot hide."""
    text = _COMMENT.sub(" ", text)
    if "\\" in text:
        text = _ESCAPED_LETTER.sub(lambda m: c if (c := chr(int(m[1], 16))).isalnum() or c in "-(:@" else m[0], text)
        text = _PLAIN_ESCAPE.sub(r"\1", text)
    return text


def _is_of_the_stamp(face: str) -> bool:
    """Whether an old page's font takes the name of one that the stamp is written in: its letters could be any."""
    named = [part.partition(":")[2] for part in _split(face) if part.strip().lower().startswith("font-family")]
    return any("\\" in name or _letters(name) in _STAMP_FONTS for name in named)


def _letters(name: str) -> str:
    return re.sub(r"[\s\"']", "", name).casefold()


def _next_stop(text: str, at: int) -> re.Match[str] | None:
    for match in _STOP.finditer(text, at):
        if match[0] in "{};":
            return match
    return None


def _block_end(text: str, at: int) -> int:
    depth = 1
    for match in _STOP.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return len(text)


def _split(text: str) -> list[str]:
    """Declarations between semicolons that stand in no string and no url()."""
    parts, start = [], 0
    for match in _STOP.finditer(text):
        if match[0] == ";":
            parts.append(text[start : match.start()])
            start = match.end()
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def _of_root(selector: str) -> str:
    return _ROOT.sub(lambda m: f"archived-{m[1].lower()}" if m[1] else "archived-html", selector)


def _safe_prelude(text: str) -> str:
    return re.sub(r"[{};]", "", text).strip()


def quoted(url: str) -> str:
    return url.replace("\\", "%5C").replace('"', "%22").replace("\n", "").replace("\r", "")
