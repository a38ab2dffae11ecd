"""Names of copies: which file below `<site>/<timestamp>/` answers for which target URI (docs/FORMATS.md §4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

LONGEST_SEGMENT = 200
PAGE = ".html"
STYLE = ".css"
_KEPT_OF_LONG = 150
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_EMPTY = "!-"
_ESCAPE = re.compile(r"!([0-9A-F]{2})")
_IRREVERSIBLE = re.compile(r"![~^]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A target URI that wants a file. `ending`: what the name must end in, PAGE, STYLE or nothing (the browser takes
    a stylesheet only when it is served as one). `rank` decides who keeps the plain name when two want the same."""

    target_uri: str
    ending: str = ""
    beside: tuple[str, ...] = ()
    """Endings of further files that must be free beside it, as `.html` for the page about a PDF."""
    rank: int = 0


def plain_name(target_uri: str, ending: str = "") -> str:
    """`<host>/<path>` as the rules of FORMATS §4 give it, without regard to other names."""
    parts = urlsplit(target_uri)
    segments = [_encoded(unquote_to_bytes(segment)) or _EMPTY for segment in parts.path.split("/")[1:]] or [_EMPTY]
    if segments[-1] == _EMPTY:
        segments[-1] = "index.html"
    if parts.query:
        segments[-1] += "!3F" + _encoded(parts.query.encode())
    *folders, last = (
        _short_enough(segment.replace(".", "!2E") if segment in {".", ".."} else segment) for segment in segments
    )
    if not last.endswith(ending):
        last = _short_enough(last, room=len(ending)) + ending
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    host = _encoded((parts.hostname or "").encode()) + (f"_{port}" if port else "")
    return "/".join([host, *folders, last])


def target_uris_of(name: str, ending: str = "", scheme: str = "http") -> tuple[str, ...]:
    """The target URIs that have this plain name, in their canonical form: one for a file; for a page also those
    whose `.html` or `index.html` the rules supplied. Raises ValueError for a name that a hash stands in."""
    if _IRREVERSIBLE.search(name):
        raise ValueError(f"{name} does not hold its whole target URI")
    host, _, rest = name.partition("/")
    host, _, port = host.partition("_")
    found = []
    for tail in dict.fromkeys((rest, rest.removesuffix(ending) if ending else rest)):
        path, mark, query = tail.partition("!3F")
        whole = "/".join(
            quote(_decoded("" if part == _EMPTY else part), safe="!$&'()*+,;=:@~") for part in path.split("/")
        )
        asked = "?" + _decoded(query).decode() if mark else ""
        found.append(f"{scheme}://{host}{':' + port if port else ''}/{whole}{asked}")
        if path == "index.html" or path.endswith("/index.html"):
            found.append(
                found[-1].replace("index.html" + asked, asked) if asked else found[-1].removesuffix("index.html")
            )
    return tuple(found)


def assign(wishes: Iterable[Wish]) -> dict[str, str]:
    """Target URI → name, no two alike even where the file system does not tell capitals, none both file and folder."""
    ordered = sorted(wishes, key=lambda wish: (wish.rank, not wish.target_uri.endswith("/"), wish.target_uri))
    plain = {wish.target_uri: plain_name(wish.target_uri, wish.ending) for wish in ordered}
    folders = {folder for name in plain.values() for folder in _folders(name.casefold())}
    taken: set[str] = set()
    names: dict[str, str] = {}
    for wish in ordered:
        name = plain[wish.target_uri]
        claims = _claims(name, wish.beside)
        if not (claims.isdisjoint(taken) and claims.isdisjoint(folders)):
            name = _told_apart(name, wish.target_uri)
        taken |= _claims(name, wish.beside)
        names[wish.target_uri] = name
    return names


def folder_url(site: str, timestamp: str) -> str:
    return f"/archive/{site}/{timestamp}/"


def url_of_copy(site: str, timestamp: str, target_uri: str, is_page: bool) -> str:
    """Where the copy is served, root-relative, when no other name stands in its way."""
    return folder_url(site, timestamp) + plain_name(target_uri, PAGE if is_page else "")


def relative(name: str, folder: tuple[str, ...]) -> str:
    """A link from a copy in `folder` (its segments) to the copy `name`."""
    there, slash, last = name.rpartition("/")
    return _way(there + slash, folder) + last


@lru_cache(maxsize=1 << 14)
def _way(there: str, folder: tuple[str, ...]) -> str:
    """From one folder to another: a site has few of them and many pages in each."""
    parts = there.split("/")
    shared = 0
    for ours, theirs in zip(folder, parts[:-1], strict=False):
        if ours != theirs:
            break
        shared += 1
    return "../" * (len(folder) - shared) + "/".join(parts[shared:])


def escaped(url: str) -> str:
    """A copy's URL in ASCII, for servers' configurations and HTTP headers."""
    return quote(url, safe="/:!~-._%?&=")


@lru_cache(maxsize=1 << 14)
def _encoded(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    return "".join(
        character
        if character in _PLAIN or (character > "\x7f" and _is_ideograph(ord(character)))
        else "".join(f"!{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in text
    )


def _decoded(text: str) -> bytes:
    return unquote_to_bytes(_ESCAPE.sub(r"%\1", text))


def _is_ideograph(code: int) -> bool:
    return any(first <= code <= last for first, last in _IDEOGRAPHS)


def _short_enough(segment: str, room: int = 0) -> str:
    data = segment.encode()
    if len(data) + room <= LONGEST_SEGMENT:
        return segment
    kept = data[:_KEPT_OF_LONG].decode("utf-8", "ignore")
    return f"{kept}!~{hashlib.sha256(data).hexdigest()[:16]}"


def _folders(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}


def _claims(name: str, beside: tuple[str, ...]) -> set[str]:
    folded = name.casefold()
    return {folded, *(folded + ending for ending in beside)}


def _told_apart(name: str, target_uri: str) -> str:
    """`a.html` → `a!^1f2e3d4c.html`: the ending stays, servers tell the type by it."""
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    mark = "!^" + hashlib.sha256(target_uri.encode()).hexdigest()[:8]
    return f"{folder}{slash}{stem}{mark}{dot}{ending}" if stem else f"{folder}{slash}{last}{mark}"
