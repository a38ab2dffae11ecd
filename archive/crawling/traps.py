"""URLs without end: what tells a calendar, a loop of folders or a page under a thousand names from a site's pages.

Two kinds of judgement. `endless` looks at one URL alone. `Traps` remembers what a crawl has seen of each *pattern*
(`pattern`: the path without its numbers, with the names of the query's parameters) and closes a pattern that brings
nothing new. A pattern whose pages differ is never closed before it has `Budget.pattern` of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

LONGEST_URL = 2083
_REPEATED_FOLDERS = re.compile(r"((?:/[^/]+){1,6}?)\1{2,}(?=/|$)")
_SAME_FOLDER_AT_MOST = 3
_DATE_PAIR = re.compile(
    r"(?:^|&)(\w*(?:year|month|day|date|week)|nian|yue|ri|rq|ym|ymd|y|m|d)=(\d[\d/.:_-]*)(?=&|$)", re.I
)
_DATE_END = re.compile(r"/((?:19|20|21)\d\d)(?:[/-]\d{1,2}){0,2}/?$|/((?:19|20|21)\d\d)(?:0[1-9]|1[0-2])/?$")
_YEAR = re.compile(r"(?<!\d)([1-9]\d{3})(?!\d{3})")
_DIGITS = re.compile(r"\d+")
_DIGITS_OF_TEXT = re.compile(rb"\d+")
# A number, or a name no person gave: a UUID, eight hexadecimal digits, sixteen letters and digits.
_ID = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[A-Za-z]*\d)[0-9A-Za-z]{16,}|(?=[a-fA-F]*\d)[0-9A-Fa-f]{8,}|\d+"
)
_FOLDERS_OF_IDS = re.compile(r"(?:/#(?:-#)*){2,}(?=/|$)")
_FIRST_YEAR = 1990
# A parameter is a session id when so many different pages stayed the same under so many values of it, and none
# changed.
_PAGES_THAT_STAYED, _VALUES_THAT_CHANGED = 3, 5
_REMEMBERED_QUERIES = 50_000
_SAME_BUT_NUMBERS = "a calendar whose pages differ in nothing but numbers"
_SAME_TEXT = "pages with the same text"
_NOTHING_NEW = "combinations of parameters that show nothing new"
_CLOSING = frozenset({_SAME_BUT_NUMBERS, _SAME_TEXT, _NOTHING_NEW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bounds of a pattern, in URLs (decision key `budget`).

    `pattern`       URLs of one pattern in all
    `dates`         URLs that differ only in their dates
    `identical`     pages that bring nothing new, beyond as many as did: then the pattern is closed; and mixtures of
                    the same folders
    `combinations`  sets of parameter names under one path; a path with more of them is a filter, whose pages
                    count as new only while they show a parameter's value or a link for the first time
    """

    pattern: int = 50_000
    dates: int = 1000
    identical: int = 20
    combinations: int = 6


def endless(url: str, year: int) -> str | None:
    """Why this URL alone gives a trap away; `year` is the present one. None for an ordinary URL."""
    if len(url) > LONGEST_URL:
        return f"the URL is longer than {LONGEST_URL} characters"
    address, _mark, query = url.partition("?")
    path = address[address.find("/", 8) :]
    if path.count("/") >= _SAME_FOLDER_AT_MOST:
        if _REPEATED_FOLDERS.search(path):
            return "the same folders follow each other three times"
        folders = [name for name in path.split("/") if name and not name.isdigit()]
        if len(folders) > _SAME_FOLDER_AT_MOST and max(Counter(folders).values()) > _SAME_FOLDER_AT_MOST:
            return f"the same folder stands in the path more than {_SAME_FOLDER_AT_MOST} times"
    if "&" in query and max(Counter(query.split("&")).values()) > 2:
        return "the same parameter is repeated three times"
    years = [int(found) for found in _YEAR.findall(_dates_of(url))]
    if any(not _FIRST_YEAR <= found <= year + 1 for found in years):
        return "a calendar beyond the site's years"
    return None


def list_of(url: str) -> str:
    """The URL without its numbers: equal for the pages of one list."""
    return _DIGITS.sub("#", url)


def pattern(url: str) -> str:
    """`http://host/show/#.asp?cid&id`: the path with `#` for its ids and the sorted names of its parameters."""
    shape, names = _shape(url), _names(url)
    return f"{shape}?{'&'.join(names)}" if names else shape


def calendar(url: str) -> str | None:
    """The pattern of a URL that names a date: equal for all pages of one calendar. None for any other URL."""
    return pattern(url) if _dates_of(url) else None


class Traps:
    """What a crawl has learned of its URLs' patterns. Values in, values out: no disk, no clock.

    It costs 16 to 200 bytes of memory for each known URL: hashes, never texts. `closed` may be asked by one thread
    while another one takes note.
    """

    def __init__(self, budget: Budget, year: int) -> None:
        self._budget, self._year = budget, year
        self._closed: dict[int, str] = {}
        self._known: Counter[int] = Counter()
        self._orders: set[int] = set()
        self._mixtures: dict[str, set[int]] = {}
        self._names: dict[int, set[int]] = {}
        self._texts: set[int] = set()
        self._new: Counter[int] = Counter()
        self._stale: Counter[int] = Counter()
        self._seen_in: dict[int, set[int]] = {}
        self._same = _Same()

    def know(self, url: str) -> None:
        """A URL that is in the inventory whatever its pattern says: it counts, and is not judged."""
        if "?" in url:
            self._same.know(url)
        if "&" in url:
            self._orders.add(_without_order(url))
        self._known[hash(self.group(url))] += 1

    def refuse(self, url: str) -> str | None:
        """Why a URL that was found now is not to be asked for; None, and it counts as known."""
        if reason := endless(url, self._year):
            in_path = "folder" in reason or "longer" in reason
            return f"{reason} [{_folder(url) if in_path else pattern(url)}]"
        if "&" in url and _without_order(url) in self._orders:
            return f"the same parameters in another order [{_shape(url)}?*]"
        if self._is_mixture(url):
            return f"the same folders in more than {self._budget.identical} mixtures [{_folder(url)}]"
        group = self.group(url)
        if closed := self._closed.get(hash(group)):
            return closed
        most = self._budget.dates if _dates_of(url) else self._budget.pattern
        if self._known[hash(group)] >= most:
            kind = "a calendar of more than {} dates" if _dates_of(url) else "more than {} URLs of one pattern"
            return f"{kind.format(most)} [{group}]"
        self.know(url)
        return None

    def closed(self, url: str) -> str | None:
        """Why a URL that waits is not to be asked for any more."""
        return self._closed.get(hash(self.group(url))) if self._closed else None

    def close(self, cause: str) -> None:
        """What a former run of the same capture has found out, as `closed` said it."""
        reason, group = read(cause)
        if reason in _CLOSING:
            self._closed[hash(group)] = cause

    def fetched(self, url: str, text: bytes, links: Iterable[str], new_links: int) -> str | None:
        """Take note of a page: its text, the URLs it leads to, how many of them were not known before.

        Returns the parameter that this page shows to be a session id.
        """
        group = self.group(url)
        about = hash(group)
        dated = bool(_dates_of(url))
        whole = b" ".join(text.split())
        print_of_text = hash((about, b" ".join(_DIGITS_OF_TEXT.sub(b"", whole).split()) if dated else whole))
        if self._is_filter(url):
            fresh = self._shows_new(about, url, links)
        else:
            fresh = print_of_text not in self._texts or (new_links > 0 and not dated)
        self._texts.add(print_of_text)
        (self._new if fresh else self._stale)[about] += 1
        if self._stale[about] >= self._budget.identical + self._new[about]:
            self._closed[about] = f"{_reason(dated, self._is_filter(url))} [{group}]"
        return self._same.learn(url, hash(whole)) if "?" in url else None

    def group(self, url: str) -> str:
        """The pattern a URL is judged with; all filters under one path are one."""
        if "?" not in url:
            return _shape(url)
        return f"{_shape(url)}?*" if self._is_filter(url) else pattern(url)

    def _is_filter(self, url: str) -> bool:
        """Whether the path has had more sets of parameter names than a page needs; counts this one."""
        if "?" not in url:
            return False
        sets = self._names.setdefault(hash(_shape(url)), set())
        if len(sets) <= self._budget.combinations:
            sets.add(hash(_names(url)))
        return len(sets) > self._budget.combinations

    def _is_mixture(self, url: str) -> bool:
        """Whether relative links pile up folders in ever other orders: each one's first twenty are no sign yet."""
        folders = [name for name in _shape(url).split("/")[3:-1] if name != "#"]
        if len(set(folders)) == len(folders):
            return False
        known = self._mixtures.setdefault(_folder(url), set())
        if hash(tuple(folders)) not in known and len(known) >= self._budget.identical:
            return True
        known.add(hash(tuple(folders)))
        return False

    def _shows_new(self, about: int, url: str, links: Iterable[str]) -> bool:
        """Whether a filter's page shows a value, or a link to anything but more or less of itself, for the first
        time."""
        path, names = url.partition("?")[0], set(_names(url))
        shown = {hash(pair) for pair in url.partition("?")[2].split("&")}
        for link in links:
            if link.partition("?")[0] == path:
                others = set(_names(link))
                if others <= names or others >= names:
                    continue
            shown.add(hash(link))
        known = self._seen_in.setdefault(about, set())
        before = len(known)
        known |= shown
        return len(known) > before


class _Same:
    """Which parameters change while the page stays the same."""

    def __init__(self) -> None:
        self._first: dict[int, tuple[str, int]] = {}
        self._values: dict[str, set[int]] = {}
        self._stayed: dict[str, set[int]] = {}
        self._settled: set[str] = set()

    def know(self, url: str) -> None:
        for name, value in _pairs(url):
            values = self._values.setdefault(name, set())
            if len(values) < _VALUES_THAT_CHANGED:
                values.add(hash(value))

    def learn(self, url: str, text: int) -> str | None:
        """The parameter that this page proves to be a session id."""
        path, pairs = url.partition("?")[0], _pairs(url)
        for name, value in pairs:
            if name in self._settled:
                continue
            rest = hash((path, name, frozenset(pair for pair in pairs if pair[0] != name)))
            first = self._first.get(rest)
            if first is None:
                if len(self._first) < _REMEMBERED_QUERIES:
                    self._first[rest] = (value, text)
            elif first[0] != value and self._is_session(name, {first[1], text}):
                return name
        return None

    def _is_session(self, name: str, texts: set[int]) -> bool:
        """Whether this pair, the same URL but for the value of one parameter, settles that it is a session id. A pair
        with different texts settles that it is none."""
        # Pages that say “there is no such article” are alike, too: different pages must have stayed the same.
        pages = self._stayed.setdefault(name, set())
        pages |= texts
        proven = len(pages) >= _PAGES_THAT_STAYED and len(self._values.get(name, ())) >= _VALUES_THAT_CHANGED
        if len(texts) > 1 or proven:
            self._settled.add(name)
            del self._stayed[name]
        return len(texts) == 1 and proven


def _reason(dated: bool, is_filter: bool) -> str:
    if dated:
        return _SAME_BUT_NUMBERS
    return _NOTHING_NEW if is_filter else _SAME_TEXT


def read(cause: str) -> tuple[str, str]:
    """The reason and the pattern of a cause that `refuse` or `closed` gave."""
    reason, _bracket, group = cause.removesuffix("]").partition(" [")
    return reason, group


def holds(group: str, url: str) -> bool:
    """Whether the URL is one of those that a trap's name (`[…]` in a cause) stands for."""
    if group.startswith("?"):
        return group[1:] in _names(url)
    if group.endswith("?*"):
        return f"{_shape(url)}?*" == group and "?" in url
    return pattern(url) == group or (group.endswith("/…") and url.startswith(group[:-1]))


@lru_cache(maxsize=1024)
def _shape(url: str) -> str:
    path = url.partition("?")[0]
    start = path.find("/", 8)
    if start < 0:
        return path
    return path[:start] + _FOLDERS_OF_IDS.sub("/#", _ID.sub("#", path[start:]))


def _names(url: str) -> tuple[str, ...]:
    query = url.partition("?")[2]
    return tuple(sorted({pair.partition("=")[0] for pair in query.split("&")})) if query else ()


def _pairs(url: str) -> list[tuple[str, str]]:
    parts = (pair.partition("=") for pair in url.partition("?")[2].split("&"))
    return [(name, value) for name, _equals, value in parts]


def _without_order(url: str) -> int:
    path, _, query = url.partition("?")
    return hash((path, *sorted(query.split("&"))))


def _folder(url: str) -> str:
    """`http://host/first-folder/…`: where a URL that is endless by itself belongs."""
    parts = urlsplit(url)
    first, slash, _ = parts.path[1:].partition("/")
    return f"{parts.scheme}://{parts.netloc}/{f'{first[:50]}/' if slash else ''}…"


@lru_cache(maxsize=64)
def _dates_of(url: str) -> str:
    path, _, query = url.partition("?")
    end = _DATE_END.search(path)
    pairs = _DATE_PAIR.findall(query) if query else []
    # `m`, `d` or `y` alone is any number's name.
    if len(pairs) == 1 and len(pairs[0][0]) == 1:
        pairs = []
    return " ".join([*(value for _name, value in pairs), end[0] if end else ""]).strip()
