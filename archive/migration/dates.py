"""When an old page says that it was published, and when a document says that it was written (成文日期)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sitegen.clock import SHANGHAI

DAY = r"(?P<year>(?:19|20)\d\d)\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
_CLOCK = r"(?:[\sT]*(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：]\d{2})?)?"
_BETWEEN = r"\s*[:：]?\s*[\[【(（]?\s*"
_PUBLISHED = re.compile(
    rf"(?:发布时间|发布日期|发布于|发文日期|更新时间|更新日期|Published|Posted){_BETWEEN}{DAY}{_CLOCK}", re.I
)
_DATED = re.compile(rf"(?<![一-龥])(?:时间|日期|日\s期|Date){_BETWEEN}{DAY}{_CLOCK}", re.I)
_BRACKETED = re.compile(rf"[\[【(（]\s*{DAY}{_CLOCK}\s*[\]】)）]")
_ANY = re.compile(rf"{DAY}{_CLOCK}")
_NOW = re.compile(r"(?:今天是|今天|现在是|现在时间|当前时间|今日)\s*[:：]?\s*$")
_INFO = re.compile(r"来源|点击|浏览|阅读|查看|作者|发布者|字号|字体|访问|打印|供稿")
_IN_ADDRESS = re.compile(
    r"/(?:t(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)_\d+\.|art/(?P<y>(?:19|20)\d\d)/(?P<m>\d{1,2})/(?P<d>\d{1,2})/)"
)
_DIGITS = {character: number for number, characters in enumerate(("〇○零ＯO", "一", "二", "三", "四", "五", "六", "七", "八", "九")) for character in characters}  # fmt: skip
_CHINESE = re.compile(
    r"(?P<year>[一二][〇○零ＯO一二三四五六七八九]{3})\s*年\s*(?P<month>[一二三四五六七八九十]{1,2})\s*月\s*(?P<day>[一二三四五六七八九十]{1,3})\s*日"
)
METAS = ("pubdate", "publishdate", "article:published_time", "others")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """`at` is aware, Asia/Shanghai, 00:00 when the page gave no time of day; `how`: meta, label, bracket, line,
    address, alone or signature, from the surest to the least sure."""

    at: datetime
    how: str


def published(
    metas: Mapping[str, str],
    around: Callable[[], tuple[str, str]],
    lines_before: Callable[[], Iterable[str]],
    url: str,
    body: str,
) -> Dated | None:
    """`around` gives the page's words before and behind its body, `lines_before` the texts of small elements before
    it, each asked only when nothing surer was found; `body` has the words of the body, at whose end a document is
    dated (落款)."""
    for name in METAS:
        if found := _first(_ANY, metas.get(name, "")):
            return Dated(at=found, how="meta")
    before, after = around()
    for pattern, how in ((_PUBLISHED, "label"), (_DATED, "label"), (_BRACKETED, "bracket")):
        if found := _first(pattern, before) or (_first(pattern, after) if pattern is not _BRACKETED else None):
            return Dated(at=found, how=how)
    lines = tuple(lines_before())
    if found := _told(lines):
        return Dated(at=found, how="line")
    if found := _address(url):
        return Dated(at=found, how="address")
    if found := _alone(lines):
        return Dated(at=found, how="alone")
    if signed := signature(body):
        return Dated(at=datetime(signed.year, signed.month, signed.day, tzinfo=SHANGHAI), how="signature")
    return None


def day_in(text: str) -> date | None:
    """The first calendar date in a text, in figures or in Chinese numerals."""
    if found := _first(_ANY, text):
        return found.date()
    match = _CHINESE.search(text)
    return _chinese(match) if match else None


def signature(body: str) -> date | None:
    """The date with which a body ends: that of its 落款."""
    return day_in(end) if (end := _ending(body)) else None


def _ending(body: str) -> str:
    tail = body.rstrip(" \n　（）()。此件公开发布")[-40:]
    matches = [*_CHINESE.finditer(tail), *_ANY.finditer(tail)]
    return next((match[0] for match in matches if match.end() >= len(tail) - 1), "")


def _told(lines: Iterable[str]) -> datetime | None:
    """A line that begins with a date and goes on with what stands beside dates: `2015年11月02日 16:45 点击：…`."""
    for line in lines:
        match = _ANY.match(line)
        if match and _INFO.search(line):
            return _moment(match)
    return None


def _alone(lines: Iterable[str]) -> datetime | None:
    """The only date that is the whole text of an element; where several stand, none says when this text was published."""
    found = {moment for line in lines if (match := _ANY.fullmatch(line)) and (moment := _moment(match))}
    return found.pop() if len(found) == 1 else None


def _address(url: str) -> datetime | None:
    match = _IN_ADDRESS.search(url)
    if match is None:
        return None
    year, month, day = (match[a] or match[b] for a, b in (("year", "y"), ("month", "m"), ("day", "d")))
    return _at(year, month, day)


def _first(pattern: re.Pattern[str], text: str) -> datetime | None:
    for match in pattern.finditer(text):
        if not _NOW.search(text[max(0, match.start() - 12) : match.start()]):
            return _moment(match)
    return None


def _moment(match: re.Match[str]) -> datetime | None:
    parts = match.groupdict()
    return _at(parts["year"], parts["month"], parts["day"], parts.get("hour") or "0", parts.get("minute") or "0")


def _at(year: str, month: str, day: str, hour: str = "0", minute: str = "0") -> datetime | None:
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=SHANGHAI)
    except ValueError:
        return None


def _chinese(match: re.Match[str]) -> date | None:
    year = int("".join(str(_DIGITS[character]) for character in match["year"]))
    try:
        return date(year, _below_hundred(match["month"]), _below_hundred(match["day"]))
    except ValueError:
        return None


def _below_hundred(text: str) -> int:
    """`十八` → 18, `三十` → 30."""
    if "十" not in text:
        return _DIGITS[text[-1]]
    tens, _ten, ones = text.partition("十")
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)
