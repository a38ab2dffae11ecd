"""URLs without end: what tells a calendar or a loop of folders from a page worth asking for."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

LONGEST_URL = 2083
_REPEATED_FOLDERS = re.compile(r"((?:/[^/]+){1,6}?)\1{2,}(?=/|$)")
_DATE_NAME = re.compile(r"(?:^|&)(?:\w*(?:year|month|day|date|week)|nian|yue|ri|rq|ym|ymd|y|m|d)=([^&]*)", re.I)
_DATE_END = re.compile(r"/((?:19|20|21)\d\d)(?:[/-]\d{1,2}){0,2}/?$|/((?:19|20|21)\d\d)(?:0[1-9]|1[0-2])/?$")
_YEAR = re.compile(r"(?<!\d)([1-9]\d{3})(?!\d{3})")
_DIGITS = re.compile(r"\d+")
_FIRST_YEAR = 1990


def endless(url: str, year: int) -> str | None:
    """Why this URL alone gives a trap away; `year` is the present one. None for an ordinary URL."""
    if len(url) > LONGEST_URL:
        return f"the URL is longer than {LONGEST_URL} characters"
    parts = urlsplit(url)
    if _REPEATED_FOLDERS.search(parts.path):
        return "the same folders follow each other three times"
    if parts.query and max(Counter(parts.query.split("&")).values()) > 2:
        return "the same parameter is repeated three times"
    years = [int(found) for found in _YEAR.findall(_dates_of(url))]
    if any(not _FIRST_YEAR <= found <= year + 1 for found in years):
        return "a calendar beyond the site's years"
    return None


def pattern(url: str) -> str:
    """The URL without its numbers: equal for the pages of one list."""
    return _DIGITS.sub("#", url)


def calendar(url: str) -> str | None:
    """The pattern of a URL that names a date: equal for all pages of one calendar. None for any other URL."""
    return pattern(url) if _dates_of(url) else None


def _dates_of(url: str) -> str:
    parts = urlsplit(url)
    end = _DATE_END.search(parts.path)
    return " ".join([*_DATE_NAME.findall(parts.query), end[0] if end else ""]).strip()
