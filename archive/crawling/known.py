"""Every URL a crawl knows of: which are to be fetched, which are left out and by what rule, and who names them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from archive import canon
from archive.crawling import traps
from archive.crawling.frontier import SOURCES_A_URL, Frontier, Place, Row, State
from archive.crawling.inventory import Named
from archive.crawling.options import Options
from archive.crawling.scope import Scope, origin_of
from archive.decision import Decision, allows
from archive.discover import Link

LIMIT = "limit: "
TRAP = "trap: "
FAR = "links away from the start"
# A trap may fill the inventory with what is left out; so many rows beyond the limit, then links are only counted.
_ROWS_BEYOND = 200_000
# What somebody names is asked for even where a pattern looks endless.
_NAMED = ("start", "list ", "former ", "sitemap ")

News = tuple[list[Row], list[Place], dict[int, int], dict[int, int]]


class Known:
    """The inventory while it grows: what is new waits in `found` until `drain`.

    Memory: 220 to 400 bytes for each URL (key and id, one byte for its number of sources, the hashes of `traps`), 40 MB
    at 100,000. Beyond the first twenty sources of a URL only their number is kept.
    """

    def __init__(self, decision: Decision, scope: Scope, options: Options, frontier: Frontier, year: int) -> None:
        """Takes up what a former run of this capture knew."""
        self._exclude, self._scope, self._options = decision.exclude, scope, options
        self._given_ids = canon.SESSION_IDS | decision.terms.session_ids
        self._session_ids = self._given_ids
        self._traps = traps.Traps(decision.terms.budget, year)
        self._ids = frontier.ids()
        self._last = max(self._ids.values(), default=0)
        self._places = bytearray(self._last + 1)
        for number, places in frontier.places().items():
            self._places[number] = min(places, SOURCES_A_URL)
        for key in self._ids:
            self._traps.know(key)
        self._admitted = len(self._ids)
        for cause, number, _url in frontier.causes("excluded"):
            self._admitted -= number
            if cause.startswith(TRAP):
                self._traps.close(cause.removeprefix(TRAP))
        for name in frontier.setting("session_ids"):
            self.take_for_session(name, frontier)
        self.found: list[Row] = []
        self.queued: set[str] = set()
        """Origins of which there is something new to fetch."""
        self._new_places: list[Place] = []
        self._more: defaultdict[int, int] = defaultdict(int)
        self._hits: defaultdict[int, int] = defaultdict(int)
        self._lists: Counter[str] = Counter()
        self.outside: Counter[str] = Counter()
        """Images, styles and files on each host that the decision does not name."""
        self.beyond = 0
        """Links for which not even a row was left."""

    @property
    def number(self) -> int:
        """How many rows the inventory has."""
        return len(self._ids)

    def key(self, url: str) -> str:
        return canon.key(url, self._session_ids)

    def id_of(self, url: str) -> int | None:
        """The row's id; with a session id that was learned, that of the row which stands for all of them."""
        return self._ids.get(self.key(url))

    def drain(self) -> News:
        """What was not written down yet: rows, sources, further sources and hits by id."""
        news = self.found, self._new_places, self._more, self._hits
        self.found, self._new_places, self._more, self._hits = [], [], defaultdict(int), defaultdict(int)
        return news

    def note(self, links: Iterable[Link], via: Row | None) -> int:
        """Take in what belongs to the site and is not known yet, and where each URL is named. How many of the new
        ones are to be fetched and of another pattern than the page that links there."""
        new = 0
        group = self._traps.group(via.url) if via else ""
        # There are a hundred links for each page: most lead to the same host, and are known.
        at_home = f"{origin_of(via.url)}/" if via and not self._scope.prefixes else "-"
        came_from = via.id if via else None
        for link in links:
            url = link.url
            if not url.startswith(at_home) and not self._scope.holds(url, link.kind):
                if link.kind == "requisite" and not allows(self._scope.hosts, url):
                    self.outside[urlsplit(url).netloc] += 1
                continue
            key = canon.key(url, self._session_ids)
            number = self._ids.get(key)
            if number is None:
                number = self._admit(key, link, via)
                if number is None:
                    continue
                new += self.found[-1].state == "queued" and self._traps.group(self.found[-1].url) != group
            if self._places[number] < SOURCES_A_URL:
                self._places[number] += 1
                self._new_places.append((number, link.source, came_from, None, 0))
            else:
                self._more[number] += 1
        return new

    def name(self, named: Named) -> None:
        """Take in what a list, a log or a former capture names. What lies outside the scope is left out of the
        inventory, except where a list names it: then it is excluded by that rule."""
        cause = self._out_of_scope(named)
        if cause and named.kind != "list":
            return
        key = self.key(named.url)
        number = self._ids.get(key)
        if number is None:
            number = self._add(
                Row(
                    id=self._last + 1,
                    key=key,
                    url=canon.strip_session(named.url, self._given_ids),
                    depth=named.depth,
                    kind=named.page_kind,
                    sources=f"{named.kind} {named.where}",
                    hits=named.hits,
                ),
                cause,
            )
        elif named.hits:
            self._hits[number] += named.hits
        if number is not None:
            self._place(number, named.kind, named.where, named.hits)

    def probe(self, url: str, kind: str, priority: int) -> None:
        """Ask for what no page names."""
        key = self.key(url)
        if key not in self._ids and self._admitted <= self._options.max_urls:
            row = Row(id=self._last + 1, key=key, url=url, kind=kind, priority=priority, sources="probe")
            self._take_in(row)
            self._place(self._last, "probe", "")

    def barred(self, row: Row) -> str | None:
        """Why a URL that waits is not to be asked for: meanwhile its pattern has turned out to be endless. May be
        asked by another thread."""
        if row.kind != "page" or row.sources.startswith(_NAMED):
            return None
        if self._session_ids is not self._given_ids and self._ids.get(self.key(row.url)) != row.id:
            return f"{TRAP}a parameter changes and the page does not [?{self._session_id_in(row.url)}]"
        closed = self._traps.closed(row.url)
        return TRAP + closed if closed else None

    def learn(self, row: Row, text: bytes, links: Iterable[Link], new: int) -> str | None:
        """Take note of what a page brought. Returns the parameter that has turned out to name the visit only."""
        name = self._traps.fetched(row.url, text, (link.url for link in links), new)
        return name.lower() if name and name.lower() not in self._session_ids else None

    def take_for_session(self, name: str, frontier: Frontier) -> None:
        """Let one URL stand for all that differ in this parameter only: what is captured, else what came first."""
        self._session_ids |= {name}
        states: tuple[State, ...] = ("captured", "queued")
        for state in states:
            for row in frontier.rows(state):
                if row.id is not None and f"{name}=" in row.url.lower():
                    self._ids.setdefault(self.key(row.url), row.id)

    def _session_id_in(self, url: str) -> str:
        learned = sorted(self._session_ids - self._given_ids)
        return next((name for name in learned if f"{name}=" in url.lower()), "")

    def _admit(self, key: str, link: Link, via: Row | None) -> int | None:
        url = canon.strip_session(link.url, self._given_ids)
        # A redirect is one step further, or a chain of them would pass for a long list.
        further = via is not None and link.source == "location"
        depth = 0 if via is None else via.depth + 1 if further else self._depth(url, via)
        sources = f"{link.source} {via.url}" if via else link.source
        return self._add(Row(id=self._last + 1, key=key, url=url, depth=depth, kind=link.kind, sources=sources))

    def _add(self, row: Row, cause: str | None = None) -> int | None:
        """Give a URL its row, excluded when there is a cause. None: there is no room even for what is left out."""
        if len(self._ids) >= self._options.max_urls + _ROWS_BEYOND:
            self.beyond += 1
            return None
        cause = cause or self._excluded(row)
        self._take_in(replace(row, state="excluded", cause=cause) if cause else row)
        return self._last

    def _take_in(self, row: Row) -> None:
        self._last += 1
        self._ids[row.key] = self._last
        self._places.append(0)
        if row.state == "queued":
            self._admitted += 1
            self.queued.add(row.key[: row.key.find("/", 8)])
        self.found.append(row)

    def _place(self, number: int, kind: str, where: str, hits: int = 0) -> None:
        """Write down one source of a URL; beyond the first twenty only their number."""
        if self._places[number] < SOURCES_A_URL:
            self._places[number] += 1
            self._new_places.append((number, kind, None, where, hits))
        else:
            self._more[number] += 1

    def _depth(self, url: str, via: Row) -> int:
        """One more than the page that links here. The next page of the same list is no deeper, else a list of
        more than thirty pages would be cut; but a list cannot go on for ever, either."""
        pattern = traps.list_of(url)
        if pattern != traps.list_of(via.url) or self._lists[pattern] >= self._options.pages_per_list:
            return via.depth + 1
        self._lists[pattern] += 1
        return via.depth

    def _out_of_scope(self, named: Named) -> str | None:
        if named.page_kind not in ("page", "requisite"):
            return None
        if not allows(self._scope.hosts, named.url):
            return f"host: {urlsplit(named.url).netloc} is not in the decision"
        inside = self._scope.holds(named.url, named.page_kind)
        return None if inside else f"scope: not below {', '.join(self._scope.prefixes)}"

    def _excluded(self, row: Row) -> str | None:
        for exclude in self._exclude:
            if exclude.pattern.search(row.url):
                return f"decision: {exclude.reason} [{exclude.pattern.pattern}]"
        if self._admitted >= self._options.max_urls:
            return f"{LIMIT}{self._options.max_urls} URLs"
        if row.depth > self._options.max_depth:
            return f"{TRAP}more than {self._options.max_depth} {FAR} [{traps.pattern(row.url)}]"
        if row.kind != "page" or row.sources.startswith(_NAMED):
            self._traps.know(row.url)
            return None
        reason = self._traps.refuse(row.url)
        return TRAP + reason if reason else None
