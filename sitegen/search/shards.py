"""The files of /search/ in a release: a base, what changed since in a small second segment, and the archive apart.

An edit must not rewrite the lists of all the pairs that its text has. So the base stays as it was made, the documents
of the second segment stand in place of what the base says of them, and when there are too many the base is made anew.
Below `SMALL` documents that is done every time, and all files follow from what is published alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from sitegen import editions
from sitegen.clock import SHANGHAI
from sitegen.model import url_of
from sitegen.search import extract
from sitegen.search.folding import VARIANTS_FILE, fold

if TYPE_CHECKING:
    from sitegen.archived import Published
    from sitegen.city import City
    from sitegen.search.segment import Document
    from sitegen.state import State
    from sitegen.state.shelf import Shelf

FOLDER = "search"
FORMAT = "1"
SMALL = 500
"""A base of so few documents is made anew whenever one of them changes."""
CHANGED = 64
"""So many documents may stand beside the base: their lists are a fifth of what a query may transfer."""
CHANGED_BITS = 2
KINDS = ("article", "policy", "interpretation", "service", "message", "leader", "page", "copy")
VALIDITIES = ("", "有效", "部分失效", "部分废止", "失效", "废止")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be found. `digest` follows from all that is indexed of it; they are ordered by `order`."""

    path: str
    digest: str
    stamp: float
    """When it was published, in seconds since 1970."""
    site: str = ""
    """Of a copy in the archive: the id of the site that was retired."""

    @property
    def order(self) -> tuple[float, str]:
        return (-self.stamp, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document of a segment with what facets ask of it."""

    document: Document
    column: str
    kind: str
    validity: str
    year: str


Files = Callable[[], Iterable[tuple[str, bytes]]]
Markup = Callable[[str], bytes | None]
"""The bytes of a file of the release that is being made; None: it is not there."""


def publish(state: State, city: City, markup: Markup) -> Iterator[tuple[str, Files]]:
    """(prefix, files) of everything below /search/ that a release has; the files of a folder (its prefix ends in `/`)
    that stands already need not be made. What is remembered of the base is brought up to date."""
    segments: list[dict[str, Any]] = []
    source = _Source(state, city, markup)
    sites = {column.path: column.site for column in city.columns.values()}
    base, changed = _layers(state)
    layers: list[tuple[str, list[Entry] | None, int | None]] = [("a", base, None), ("d", changed, CHANGED_BITS)]
    for name, entries, bits in (*layers, ("z", archived(state, city), None)):
        if entries == []:
            continue
        facts, files = source.known(name) if entries is None else source.segment(name, entries, bits)
        if name == "a":
            facts["dead"] = state.search_dead()
        elif name == "d":
            facts["at"] = [state.search_place(*entry.order) for entry in changed]
        facts["sites"] = [sites.get(column, column) for column in facts["columns"]]
        segments.append(facts)
        yield f"{FOLDER}/{facts['path']}/", files
    manifest = {"format": FORMAT, "segments": segments, **_names(city)}
    yield f"{FOLDER}/index.json", lambda: [(f"{FOLDER}/index.json", orjson.dumps(manifest))]
    yield f"{FOLDER}/variants.txt", lambda: [(f"{FOLDER}/variants.txt", VARIANTS_FILE.read_bytes())]


def _layers(state: State) -> tuple[list[Entry] | None, list[Entry]]:
    """The documents of the base (None: as it is), and those that stand beside it."""
    changed = [Entry(path=path, digest=digest, stamp=stamp) for path, digest, stamp in state.search_changed()]
    count, dead = state.search_count(), len(state.search_dead())
    if (changed or dead) and (count <= SMALL or len(changed) > CHANGED or dead > count // 2):
        now = current(state)
        state.set_search_base([(*entry.order, entry.digest) for entry in now])
        return now, []
    return None if count else [], sorted(changed, key=lambda entry: entry.order)


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
            stamp = _day(str(page.get("date") or "")) or _day(str(index.raw["archived_on"]))
            digest = f"{index.digest} {page['url']}"
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
    for entry in entries:
        hasher.update(f"{entry.path} {texts.version(entry)} {entry.stamp}\n".encode())
    return hasher.hexdigest()


def _names(city: City) -> dict[str, Any]:
    """What columns and sites are called: path → title."""
    return {
        "columns": {path: column.title for path, column in sorted(city.columns.items())},
        "sites": {path: site.short_name for path, site in sorted(city.sites.items())},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is published of a document: `title`, `number` and `body` as they stand, and what results show."""

    title: str
    number: str
    body: str
    facts: tuple[Any, ...]
    column: str
    kind: str
    validity: str

    @property
    def folded(self) -> str:
        """The three one after the other; what lies between them stands in no query."""
        return "\0".join([*self.folded_title, fold(self.body)])

    @property
    def folded_title(self) -> list[str]:
        return [fold(self.title), fold(self.number)]


class Texts:
    """The texts of what is published, from the release itself and the facts of the build."""

    def __init__(self, state: Shelf, city: City, markup: Markup) -> None:
        self._state, self._city, self._markup = state, city, markup
        self._copies = {
            str(page["url"]): (page, index)
            for index in city.published
            if index.mode == "copies"
            for page in index.raw.get("pages") or ()
        }

    def text(self, entry: Entry) -> Text | None:
        """None when its page is not in the release as the build remembers it."""
        return self._copy(entry) if entry.site else self._article(entry)

    def version(self, entry: Entry) -> str:
        """What the text follows from: of an article its source, wherever the version that is shown was found."""
        if entry.site or not entry.digest:
            return entry.digest
        facts = self._state.facts(entry.path)
        return str(orjson.loads(facts)[0][editions.FIELD["blob"]]) if facts else ""

    def _article(self, entry: Entry) -> Text | None:
        file = url_of(entry.path)[1:]
        facts, known, data = self._state.facts(entry.path), self._state.body_of(file), self._markup(file)
        if not facts or known is None or data is None or hashlib.sha256(data).hexdigest() != known[0]:
            return None
        made = orjson.loads(known[1])
        values, (_kind, details) = orjson.loads(facts)[:2]
        title, kind, column, source, date = (
            values[editions.FIELD[name]] for name in ("title", "kind", "column", "source", "date")
        )
        number = str(details.get("doc_number") or "")
        validity = str(details.get("validity") or "")
        return Text(
            title=title,
            number=number,
            body=extract.text_of(data[made["start"] : made["start"] + made["length"]].decode()).strip(),
            facts=(title, file, f"{date[:10]} {date[11:16]}", column, kind, number, validity, source),
            column=column,
            kind=kind,
            validity=validity,
        )

    def _copy(self, entry: Entry) -> Text | None:
        page, index = self._copies[entry.path]
        data = self._markup(entry.path.removeprefix("/"))
        if data is None:
            return None
        title, date = str(page["title"]), str(page.get("date") or "")[:10]
        shown = (title, entry.path.removeprefix("/"), date, index.site, "copy", "", "", page["target_uri"])
        return Text(
            title=title,
            number="",
            body=extract.old_page(data.decode("utf-8", "replace")).strip(),
            facts=(*shown, str(index.raw["name"]), str(index.raw["archived_on"])),
            column=index.site,
            kind="copy",
            validity="",
        )


class _Source:
    """Segments from texts."""

    def __init__(self, state: State, city: City, markup: Markup) -> None:
        self._state = state
        self._texts = Texts(state, city, markup)

    def known(self, name: str) -> tuple[dict[str, Any], Files]:
        """A segment that stays as it is."""
        return orjson.loads(self._state.value(f"search {name}")), lambda: ()

    def segment(self, name: str, entries: Sequence[Entry], bits: int | None) -> tuple[dict[str, Any], Files]:
        """What the manifest says of a segment, and how its files are made."""
        path = f"{name}-{_version(name, entries, self._texts)}"
        kept = self._state.value(f"search {name}")
        facts: dict[str, Any] = orjson.loads(kept) if kept else {}
        if facts.get("path") == path:
            return facts, lambda: ()
        found = [self._found(entry) for entry in entries]
        facts = self._facts(path, found, bits)
        self._state.set_value(f"search {name}", orjson.dumps(facts).decode())
        return dict(facts), lambda: self._files(path, found, facts)

    def _facts(self, path: str, found: Sequence[Found], bits: int | None) -> dict[str, Any]:
        from sitegen.search.segment import bits_for

        columns = sorted({one.column for one in found})
        years: dict[str, int] = {}
        for number, one in enumerate(found):
            years.setdefault(one.year, number)
        units = sum(len(one.document.text) for one in found)
        return {
            "path": path,
            "docs": len(found),
            "bits": bits_for(units) if bits is None else bits,
            "archived": int(path.startswith("z")),
            "columns": columns,
            "kinds": KINDS,
            "validities": VALIDITIES,
            "years": list(years.items()),
        }

    def _found(self, entry: Entry) -> Found:
        """A page that cannot be read keeps its number and is found by nothing."""
        from sitegen.search.segment import Document

        text = self._texts.text(entry)
        year = f"{datetime.fromtimestamp(entry.stamp, SHANGHAI):%Y}"
        if text is None:
            return Found(document=Document(text="", title="", facts=[]), column="", kind="", validity="", year=year)
        document = Document(text=text.folded, title="\0".join(text.folded_title), facts=list(text.facts))
        return Found(document=document, column=text.column, kind=text.kind, validity=text.validity, year=year)

    def _files(self, path: str, found: Sequence[Found], facts: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        from sitegen.search import segment

        documents = [one.document for one in found]
        for name, data in segment.index_files(documents, int(facts["bits"])):
            yield f"{FOLDER}/{path}/{name}", data
        for name, data in segment.facts_files(documents):
            yield f"{FOLDER}/{path}/{name}", data
        columns = {name: number for number, name in enumerate(facts["columns"])}
        numbers = [columns[one.column] for one in found]
        sorts = bytes([n & 255 for n in numbers]) + bytes([n >> 8 for n in numbers])
        sorts += bytes([_place(KINDS, one.kind) | _place(VALIDITIES, one.validity) << 4 for one in found])
        yield f"{FOLDER}/{path}/f.bin", segment.deflated(sorts)


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0
