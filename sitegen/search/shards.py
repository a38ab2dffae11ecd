"""The files of /search/ in a release: a base, what changed since in a small second segment, and the archive apart.

An edit must not rewrite the lists of all the pairs that its text has. So the base stays as it was made, the documents
of the second segment stand in place of what the base says of them, and when there are too many the base is made anew.
Below `SMALL` documents that is done every time, and all files follow from what is published alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from sitegen.clock import SHANGHAI
from sitegen.search.folding import VARIANTS_FILE
from sitegen.search.texts import Entry, Texts

if TYPE_CHECKING:
    from sitegen.archived import Published
    from sitegen.city import City
    from sitegen.search.tables import Press, Shown
    from sitegen.state import State
    from sitegen.state.shelf import Shelf

FOLDER = "search"
FORMAT = "3"
SMALL = 500
"""A base of so few documents is made anew whenever one of them changes."""
CHANGED = 64
"""So many documents may stand beside the base: their lists are a fifth of what a query may transfer."""
CHANGED_BITS = 2
KINDS = ("article", "policy", "interpretation", "service", "message", "leader", "page", "copy")
VALIDITIES = ("", "有效", "部分失效", "部分废止", "失效", "废止", "已修改")
"""New ones at the end: a segment knows them by their places."""


def publish(state: State, city: City, press: Press) -> None:
    """Everything below /search/ that a release has; what is remembered of the base is brought up to date."""
    segments: list[dict[str, Any]] = []
    source = _Source(state, city, press)
    sites = {column.path: column.site for column in city.columns.values()}
    base, changed, dead = _layers(state)
    layers: list[tuple[str, list[Entry] | None, int | None]] = [("a", base, None), ("d", changed, CHANGED_BITS)]
    for name, entries, bits in (*layers, ("z", archived(state, city), None)):
        if entries == []:
            continue
        facts = source.known(name) if entries is None else source.segment(name, entries, bits)
        if name == "a":
            facts["dead"] = dead
        elif name == "d":
            facts["at"] = [state.search_place(*entry.order) for entry in changed]
        facts["sites"] = [sites.get(column, column) for column in facts["columns"]]
        segments.append(facts)
    press.put(f"{FOLDER}/index.json", orjson.dumps({"format": FORMAT, "segments": segments, **_names(city)}))
    press.put(f"{FOLDER}/variants.txt", VARIANTS_FILE.read_bytes())


def _layers(state: State) -> tuple[list[Entry] | None, list[Entry], list[int]]:
    """The documents of the base (None: as it is), those that stand beside it, and the numbers of those in the base that
    do not count any more."""
    changed = [Entry(path=path, digest=digest, stamp=stamp) for path, digest, stamp in state.search_changed()]
    count, dead = state.search_count(), state.search_dead()
    if (changed or dead) and (count <= SMALL or len(changed) > CHANGED or len(dead) > count // 2):
        now = current(state)
        state.set_search_base([(*entry.order, entry.digest) for entry in now])
        return now, [], []
    return None if count else [], sorted(changed, key=lambda entry: entry.order), dead


def current(state: Shelf) -> list[Entry]:
    """All that is shown and not archived, as it is numbered."""
    found = [Entry(path=path, digest=digest, stamp=stamp) for path, digest, stamp in state.searchable(retired=False)]
    return sorted(found, key=lambda entry: entry.order)


def archived(state: Shelf, city: City) -> list[Entry]:
    """Pages retired in place, and the public copies of the newest capture of each site."""
    found = [Entry(path=path, digest=digest, stamp=stamp) for path, digest, stamp in state.searchable(retired=True)]
    newest: dict[str, Published] = {}
    for index in city.published:
        if index.mode == "copies" and index.timestamp >= getattr(newest.get(index.site), "timestamp", ""):
            newest[index.site] = index
    for index in newest.values():
        for page in index.raw.get("pages") or ():
            stamp = _day(str(page.get("date") or ""))
            digest = f"{index.digest} {stamp:.0f} {page['url']}"
            found.append(Entry(path=str(page["url"]), digest=digest, stamp=stamp, site=index.site))
    return sorted(found, key=lambda entry: entry.order)


def _day(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).timestamp()


def _version(name: str, entries: Sequence[Entry], texts: Texts) -> str:
    hasher = hashlib.blake2b(f"{FORMAT} {name}\n".encode(), digest_size=5)
    for entry, version in zip(entries, texts.versions(entries), strict=True):
        hasher.update(f"{entry.path} {version} {entry.stamp}\n".encode())
    return hasher.hexdigest()


def _names(city: City) -> dict[str, Any]:
    """What columns and sites are called: path → title."""
    return {
        "columns": {path: column.title for path, column in sorted(city.columns.items())},
        "sites": {path: site.short_name for path, site in sorted(city.sites.items())},
    }


class _Source:
    """Segments from texts."""

    def __init__(self, state: State, city: City, press: Press) -> None:
        self._state, self._press = state, press
        self._texts = Texts(state, city, lambda file: None)

    def known(self, name: str) -> dict[str, Any]:
        """What the manifest says of a segment that stays as it is."""
        facts: dict[str, Any] = orjson.loads(self._state.value(f"search {name}"))
        self._press.keep(f"{FOLDER}/{facts['path']}")
        return facts

    def segment(self, name: str, entries: Sequence[Entry], bits: int | None) -> dict[str, Any]:
        """What the manifest says of a segment, which is written when it is another than before."""
        path = f"{name}-{_version(name, entries, self._texts)}"
        kept = self._state.value(f"search {name}")
        if kept and orjson.loads(kept)["path"] == path:
            return self.known(name)
        facts = self._made(path, entries, bits)
        self._state.set_value(f"search {name}", orjson.dumps(facts).decode())
        return facts

    def _made(self, path: str, entries: Sequence[Entry], bits: int | None) -> dict[str, Any]:
        from sitegen.search import segment

        stands = self._state.bodies_of([entry.file for entry in entries if not entry.site])
        whole = self._press.read([(entry, stands.get(entry.file)) for entry in entries])
        bits = segment.bits_for(sum(laid.units for _place, laid in whole.laid)) if bits is None else bits
        self._press.press(f"{FOLDER}/{path}", whole, bits)
        for name, data in segment.facts_files(orjson.Fragment(one.facts) for one in whole.shown):
            self._press.put(f"{FOLDER}/{path}/{name}", data)
        columns = sorted({one.column for one in whole.shown})
        self._press.put(f"{FOLDER}/{path}/f.bin", segment.deflated(_sorts(whole.shown, columns)))
        years: dict[str, int] = {}
        for number, entry in enumerate(entries):
            years.setdefault(entry.year, number)
        return {
            "path": path,
            "docs": len(entries),
            "bits": bits,
            "archived": int(path.startswith("z")),
            "columns": columns,
            "kinds": KINDS,
            "validities": VALIDITIES,
            "years": list(years.items()),
        }


def _sorts(shown: Sequence[Shown], columns: Sequence[str]) -> bytes:
    """Of each document its column (two bytes, the low ones of all first), its kind and its validity (half a byte)."""
    places = {name: number for number, name in enumerate(columns)}
    numbers = [places[one.column] for one in shown]
    kinds = [_place(KINDS, one.kind) | _place(VALIDITIES, one.validity) << 4 for one in shown]
    return bytes([n & 255 for n in numbers]) + bytes([n >> 8 for n in numbers]) + bytes(kinds)


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0
