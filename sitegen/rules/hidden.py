"""Hidden links and injected advertising in a page (暗链; STANDARDS §2.11), whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|right|top|bottom|margin-left|margin-top)\s*:\s*-\d{3,}"
    r"|(?<![-\w])(?:height|width|max-height)\s*:\s*[01](?:px)?(?![.\d%])|clip\s*:\s*rect\(\s*0",
    re.IGNORECASE,
)
_HINT = re.compile(
    rb"display\s*:\s*none|visibility\s*:|font-size\s*:\s*0|opacity\s*:\s*0|:\s*-\d{3}|:\s*[01](?:px)?\s*[;\"']"
    rb"|clip\s*:|<marquee|\shidden|http-equiv",
    re.IGNORECASE,
)
"""Most pages hold nothing of it, and are not parsed."""
_MARGINAL = frozenset({"0", "1", "2", "0px", "1px", "2px"})

Kind = Literal["hidden-link", "spam", "redirect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """`text`: what is linked or written, cut to 60 signs."""

    kind: Kind
    line: int
    text: str


@cache
def words() -> tuple[str, ...]:
    """The list that is delivered with the program."""
    raw = yaml.load(Path(__file__).with_name("spam.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return tuple(raw["words"])


def pattern(more: Iterable[str] = ()) -> re.Pattern[str]:
    """One expression for all words; `more`: a project's own."""
    return re.compile("|".join(re.escape(word) for word in (*words(), *more)), re.IGNORECASE)


def find(page: bytes, host: str, spam: re.Pattern[str]) -> list[Planted]:
    """Links to other hosts than `host` that no reader sees, words of advertising anywhere, a page that leads away."""
    text = page.decode("utf-8", "replace")
    found = [
        Planted(kind="spam", line=text.count("\n", 0, match.start()) + 1, text=match[0][:60])
        for match in spam.finditer(text)
    ]
    if _HINT.search(page):
        found += _in_tree(page, host)
    return sorted(set(found), key=lambda one: (one.line, one.kind, one.text))


def _in_tree(page: bytes, host: str) -> Iterator[Planted]:
    from lxml import html as markup  # only for pages that hide something
    from lxml.etree import LxmlError

    try:
        tree: Any = markup.document_fromstring(page, parser=markup.HTMLParser(encoding="utf-8", huge_tree=False))
    except (LxmlError, ValueError):
        return
    for meta in tree.iter("meta"):
        target = re.search(r"url\s*=\s*['\"]?([^'\"\s;]+)", str(meta.get("content") or ""), re.IGNORECASE)
        if str(meta.get("http-equiv") or "").lower() == "refresh" and target and _is_other(target[1], host):
            yield Planted(kind="redirect", line=meta.sourceline or 0, text=target[1][:60])
    for link in tree.iter("a"):
        address = str(link.get("href") or "")
        if _is_other(address, host) and any(_hides(one) for one in (link, *link.iterancestors())):
            label = " ".join(link.text_content().split())
            yield Planted(kind="hidden-link", line=link.sourceline or 0, text=f"{address} {label}"[:60])


def _is_other(address: str, host: str) -> bool:
    try:
        other = urlsplit(address.strip()).hostname
    except ValueError:
        return True
    return bool(other) and other != host.partition(":")[0]


def _hides(element: Any) -> bool:
    if _UNSEEN.search(str(element.get("style") or "")) or element.get("hidden") is not None:
        return True
    return element.tag == "marquee" and bool({str(element.get("width")), str(element.get("height"))} & _MARGINAL)
