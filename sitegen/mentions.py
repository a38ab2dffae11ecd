"""What a text names: files under content/, and other hosts. Read from the Markdown, before anything is rendered."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from sitegen import frontmatter
from sitegen.frontmatter import as_text

# Every way in which Markdown can name a file. The parts are bounded: a hostile text must not cost minutes.
_LOCAL_LINK = re.compile(
    r"\]\(\s{0,20}(?:<([^<>\n]{1,500})>|((?:\\.|[^()\s\\]|\([^()\s]{0,200}\)){1,500}))"  # [text](path "title")
    r"|^ {0,3}\[[^\]\n]{1,200}\]:[ \t]{0,20}\n?[ \t]{0,20}<?([^\s>]{1,500})>?"  # [label]: path
    r"|(?:src|href)\s{0,5}=\s{0,5}[\"']?([^\"'\s>}]{1,500})",  # raw HTML, attribute lists
    re.MULTILINE,
)
_REFERENCE_LINE = re.compile(r"^ {0,3}\[", re.MULTILINE)
_OTHER_HOST = re.compile(r"\]\(\s{0,20}<?(?:https?:)?//", re.IGNORECASE)
_OUTWARD = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_AUTOLINK = re.compile(r"<(https?://[^\s<>]{1,500})>", re.IGNORECASE)


def linked_files(source_text: str, path: str) -> set[str]:
    """Paths under content/ that a source names in any way, its front matter's image included; they need not exist."""
    matter, _found = frontmatter.parse(source_text, path, frontmatter.ARTICLE_KEYS)
    if matter is None:
        return local_files(source_text, path)
    return local_files(matter.body, path) | ({local_path(as_text(matter.values.get("image")), path)} - {""})


def external_links(body: str) -> list[str]:
    """Links to other hosts, sorted, as they are written; an address that is no link is none."""
    found = {link for link in links_of(body) if _OUTWARD.match(link)}
    return sorted(found | set(_AUTOLINK.findall(body)))


def relative_links(source_text: str, path: str) -> set[str]:
    """As `linked_files`, without what is named from the root of the site."""
    matter, _found = frontmatter.parse(source_text, path, frontmatter.ARTICLE_KEYS)
    links = [link for link in links_of(matter.body) if not link.startswith("/")] if matter else []
    return {local_path(link, path) for link in links} - {""}


def local_files(body: str, path: str) -> set[str]:
    """As `linked_files`, of a body without front matter."""
    return {local_path(link, path) for link in set(links_of(body))} - {""}


def links_of(body: str) -> list[str]:
    """Every link as it is written: what `_LOCAL_LINK.finditer` finds. It is tried only where a link can begin: 5 µs an
    article instead of 60."""
    starts = [*_positions(body, "]("), *_positions(body, "src"), *_positions(body, "href")]
    if "]:" in body:
        starts += [match.start() for match in _REFERENCE_LINE.finditer(body)]
    links: list[str] = []
    end = 0
    for start in sorted(starts):
        if start >= end and (match := _LOCAL_LINK.match(body, start)):
            end = match.end()
            link = next(group for group in match.groups() if group)
            links.append(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", link) if "\\" in link else link)
    return links


def _positions(text: str, sign: str) -> Iterator[int]:
    position = text.find(sign)
    while position >= 0:
        yield position
        position = text.find(sign, position + 1)


def shows_picture_of_other_host(body: str) -> bool:
    """`![at most 200 characters](https://…`, read from its end: many `![` cost nothing."""
    if "![" not in body:
        return False
    for place in _positions(body, "]("):
        if _OTHER_HOST.match(body, place):
            before = body[max(0, place - 202) : place]
            if "![" in before[max(before.rfind("]"), before.rfind("\n")) + 1 :]:
                return True
    return False


def local_path(link: str, path: str) -> str:
    """Path under content/ of a relative or root-relative link, empty when it is none or leaves the tree."""
    bare = unquote(link.split("#")[0].split("?")[0])
    if not bare or "://" in bare or bare.startswith(("//", "\\", "mailto:", "tel:", "data:", "javascript:")):
        return ""
    folder = "" if bare.startswith("/") else posixpath.dirname(path)
    joined = posixpath.normpath(posixpath.join(folder, bare.lstrip("/")))
    return "" if joined.startswith("..") else joined
