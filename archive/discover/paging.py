"""The pages of a list that only a script names: how many there are, and how they are called.

TRS writes `createPageHTML(count, current, "name", "ext")`; its cousins put a container's id first, change the order,
or say the count in a variable and build the name from pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archive.discover.links import PAGE_EXTENSION, Raw

MOST_PAGES = 10_000
_CALL = re.compile(r"pag(?:e|ing|ination)\w{0,20}+\s{0,9}+\(([^()]{3,300}+)\)", re.I)
_ARGUMENT = re.compile(r"""\s*(?:["']([^"']*)["']|(\d{1,6})|[^,]*?)\s*(?:,|$)""")
_EXTENSION = re.compile(PAGE_EXTENSION, re.I)
_PAGE = re.compile("page")
_COUNT = re.compile(
    r"""(?:count_?page|page_?(?:count|total|num)|(?:total|max|all)_?page)\w{0,3}["']?\s*[=:]\s*["']?(\d{1,6})\b""",
)
_TEMPLATE = re.compile(
    r"""(["'])((?:(?!\1)[^\\\n]|\\.){1,300})\1\s*\+\s*\(?\s*[A-Za-z_$][\w$]*(?:\s*[+-]\s*\d+)?\s*\)?"""
    r"""(?:\s*\+\s*(["'])((?:(?!\3)[^\\\n]|\\.){1,300})\3)?"""
)
_BEFORE_NUMBER = re.compile(r"""(?:^|["'(\s=])((?:https?://)?[\w./~%-]*[\w./~%-](?:\?[\w=&.%-]*)?)$""")
_AFTER_NUMBER = re.compile(rf"(?:\.{PAGE_EXTENSION}\b|&[\w=&]*)", re.I)
_PAGE_PARAMETER = re.compile(r"[?&]\w*(?:page|p|pn|pageno|pageindex|currpage)=$", re.I)
_PLACEHOLDER = re.compile(r"""["']([\w./~%?&=-]*?)(?:\{\w*\}|\[\w+\]|\$\{\w+\}|%d|__\w+__|#(?=\.))([\w./~%&=-]*)["']""")
_COUNTED_BY_TRS = re.compile(r"\bcountPage\s*=\s*(\d{1,6})", re.I)
_NAME_OF_URL = re.compile(rf"([^/?#]+?)(?:_\d+)?\.({PAGE_EXTENSION})(?:[?#]|$)", re.I)
_EXTENSION_SAID = re.compile(r"""["']\.?(s?html?|jhtml)["']""", re.I)


def in_paging(text: str, url: str) -> Iterator[Raw]:
    """`url` is the page's own address: it tells the first page of a list from a later one."""
    lower = text.lower()
    if "pag" not in lower:
        return
    called = False
    for call in _CALL.finditer(text):
        for name in _called(call[1], url):
            called = True
            yield name, "page", "paging"
    # Around each "page": looking for all these names everywhere takes ten times as long.
    near = (lower[max(found.start() - 6, 0) : found.start() + 30] for found in _PAGE.finditer(lower))
    count = max((int(found[1]) for piece in near for found in _COUNT.finditer(piece)), default=0)
    if called or not count:
        return
    names = list(_built(text, min(count, MOST_PAGES))) or list(_of_trs(text, url))
    yield from ((name, "page", "paging") for name in names)


def _called(arguments: str, url: str) -> Iterator[str]:
    """The names from a call's literal arguments: two numbers, a name and its extension, in any order."""
    texts: list[str] = []
    numbers: list[int] = []
    for found in _ARGUMENT.finditer(arguments):
        if found[1] is not None:
            texts.append(found[1])
        elif found[2] is not None and len(numbers) < 2:
            numbers.append(int(found[2]))
    if not numbers:
        return
    at = next((n for n, text in enumerate(texts) if n and _EXTENSION.fullmatch(text)), 0)
    if not at or not texts[at - 1]:
        return
    name, extension = texts[at - 1], texts[at]
    count, current = max(numbers), min(numbers) if len(numbers) == 2 else 0
    # Counted from 1, the page without a number is the first; counted from 0, page 1 is the second.
    from_one = current == 1 and f"{name}_1." not in url
    yield f"{name}.{extension}"
    first, last = (2, count) if from_one else (1, count - 1)
    for number in range(first, min(last, MOST_PAGES) + 1):
        yield f"{name}_{number}.{extension}"


def _built(text: str, count: int) -> Iterator[str]:
    """`"list_" + i + ".html"`, `"list.asp?page=" + i`, `"list_{page}.html"`."""
    for found in _TEMPLATE.finditer(text):
        before = _BEFORE_NUMBER.search(found[2].replace("\\", ""))
        after = _AFTER_NUMBER.match(found[4].replace("\\", "")) if found[4] else None
        if before and (after or _PAGE_PARAMETER.search(before[1])):
            yield from (f"{before[1]}{number}{after[0] if after else ''}" for number in range(1, count + 1))
    for found in _PLACEHOLDER.finditer(text):
        if _AFTER_NUMBER.match(found[2]) or _PAGE_PARAMETER.search(found[1]):
            yield from (f"{found[1]}{number}{found[2]}" for number in range(1, count + 1))


def _of_trs(text: str, url: str) -> Iterator[str]:
    """Only `countPage` is there: TRS names the pages after the list's own."""
    counted = _COUNTED_BY_TRS.search(text)
    if counted is None:
        return
    own = _NAME_OF_URL.search(url)
    said = _EXTENSION_SAID.search(text)
    name, extension = (own[1], own[2]) if own else ("index", said[1] if said else "html")
    for number in range(1, min(int(counted[1]), MOST_PAGES)):
        yield f"{name}_{number}.{extension}"
