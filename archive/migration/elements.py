"""公文要素 of an old page: 文号, 索引号, 成文日期, 发文机关 and author, as its table of facts or its first lines say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from lxml import etree

from archive.migration import article, dates
from archive.migration.article import Recognised
from archive.migration.body import is_file, words

_NUMBER = (
    r"(?P<number>[一-龥]{1,12}\s*[〔\[［（(【]\s*(?P<year>(?:19|20)\d\d)\s*[〕\]］）)】]\s*第?(?P<count>\d{1,5})\s*号)"
)
_LABELLED_NUMBER = re.compile(rf"(?:发文字号|发文文号|文件编号|文\s*号|字\s*号)\s*[:：]?\s*{_NUMBER}")
_FIRST_NUMBER = re.compile(_NUMBER)
_INDEX = re.compile(r"索\s*引\s*[号码]\s*[:：]?\s*(?P<value>[A-Za-z0-9][A-Za-z0-9/\-—_.]{4,40}[A-Za-z0-9])")
_WRITTEN = re.compile(r"(?:成文日期|发文日期|生成日期|制发日期)\s*[:：]?\s*(?P<value>\S{4,12}\s*月?\s*\S{0,4}日?)")
_ISSUER = re.compile(r"(?:发文机关|发布机构|发文单位|发布机关|制发机关)\s*[:：]?\s*(?P<value>[一-龥]{3,30})")
_AUTHOR = re.compile(r"作\s*者\s*[:：]\s*(?P<value>[一-龥A-Za-z·]{2,20})")
HEAD = 160
"""Characters of a text in which its own number may stand; further on, numbers are those of other documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Empty, or None, where the page does not say."""

    doc_number: str = ""
    index_number: str = ""
    issuer: str = ""
    author: str = ""
    written_on: date | None = None


def of(root: etree._Element, found: Recognised) -> Elements:
    """What the page says in words around its text, in its meta tags, and in the first and last line of the text."""
    metas = article.metas_of(root)
    whole = root.find("body")
    page = words(whole if whole is not None else root, blanks=True)
    text = words(found.body, blanks=True)
    around = page.replace(text, " ", 1) if text else page
    number = _number(around, text)
    return Elements(
        doc_number=number,
        index_number=_value(_INDEX, around),
        issuer=_value(_ISSUER, around),
        author=metas.get("author", "") if metas.get("articletitle") else _value(_AUTHOR, around),
        written_on=_written_on(around, text, has_number=bool(number)),
    )


def attachments(root: etree._Element, found: Recognised) -> tuple[tuple[str, str], ...]:
    """(name, link as it stood) of files that the page offers as 附件 outside its text."""
    inside = {link.get("href") for link in found.body.iter("a")}
    listed: dict[str, str] = {}
    for link in root.iter("a"):
        href = (link.get("href") or "").strip()
        if href in inside or not is_file(href):
            continue
        parent = link.getparent()
        title = re.sub(r"[\[\]\s]+", " ", words(link)).strip()
        if title and "附件" in title + (words(parent)[:400] if parent is not None else ""):
            listed.setdefault(href, title)
    return tuple((title, href) for href, title in listed.items())


def _number(around: str, text: str) -> str:
    match = _LABELLED_NUMBER.search(around) or _FIRST_NUMBER.search(text[:HEAD])
    if match is None or not _opens(match, text):
        return ""
    issuer = re.sub(r"\s", "", match["number"]).split(match["year"])[0][:-1]
    return f"{issuer}〔{match['year']}〕{match['count']}号"


def _opens(match: re.Match[str], text: str) -> bool:
    """Labelled, or a line of its own at the head of the text: not `根据示政发〔2010〕1号文件`, which names another."""
    if match.re is _LABELLED_NUMBER:
        return True
    before, after = text[: match.start()], text[match.end() :]
    return (not before.strip() or before[-1:].isspace()) and (not after or after[0].isspace())


def _written_on(around: str, text: str, *, has_number: bool) -> date | None:
    match = _WRITTEN.search(around)
    if match:
        return dates.day_in(match["value"])
    return dates.signature(text) if has_number else None


def _value(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match["value"] if match else ""
