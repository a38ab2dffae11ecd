"""What stands in content/ and what of it may have changed, by one look at every file's stat.

A folder's *listing* is the sorted stats of what stands in it, as bytes; equal bytes mean that nothing in it changed.
The stat only spares reading: whatever differs is read and its digest decides. A file that changed within the last
moments has a stat that proves nothing (clocks tick coarsely), so it is remembered as unknown and read again next time.
"""

from __future__ import annotations

import marshal
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sitegen import walk
from sitegen.errors import Problem
from sitegen.walk import Walk, is_aside

_MANY = 1_500_000
"""Bytes of remembered listings (some 50 a file) from which on a second process is worth its start."""

Stats = dict[str, tuple[int, int, int, int]]
"""File name → (bytes, mtime, ctime, inode), all zero when it must be read again."""


@dataclass(slots=True, kw_only=True)
class Scan:
    """`listings`: folder under content/ → listing; `changed`: paths of files that came, went or have another stat."""

    listings: dict[str, bytes] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    """Folders that could not be read: what was known of them and of all below them still stands."""
    _stats: dict[str, Stats] = field(default_factory=dict)

    def __contains__(self, path: object) -> bool:
        """Whether a file of the content stands at a path under content/ (ledgers and records are not content)."""
        folder, name = posixpath.split(str(path))
        return name in self.stats(folder) and not is_aside(folder)

    def stats(self, folder: str) -> Stats:
        if folder not in self._stats:
            listing = self.listings.get(folder)
            self._stats[folder] = {} if listing is None else stats_of(listing)
        return self._stats[folder]

    def leave_out(self, folder: str, remembered: Mapping[str, bytes]) -> None:
        """Forget a folder and all below it, as if it were not there; what was remembered of it is gone."""
        for one in [name for name in self.listings if name == folder or name.startswith(f"{folder}/")]:
            del self.listings[one]
            self._stats.pop(one, None)
        self.changed -= {path for path in self.changed if path.startswith(f"{folder}/")}
        for one, listing in remembered.items():
            if one == folder or one.startswith(f"{folder}/"):
                self.gone |= {posixpath.join(one, name) for name in stats_of(listing)}

    def files(self) -> Iterator[str]:
        """Every file of the content, in no order."""
        for folder, listing in self.listings.items():
            if not is_aside(folder):
                yield from (posixpath.join(folder, name) for name in stats_of(listing))


def stats_of(listing: bytes) -> Stats:
    return {name: (size, mtime, ctime, inode) for name, size, mtime, ctime, inode in marshal.loads(listing)}  # noqa: S302 (our own cache, written by this module)


def scan(root: Path, remembered: Mapping[str, bytes], begun: Walk | None = None) -> Scan:
    """Look at content/. `_…` and `.…` are no content (ledgers and records are noted aside); links are refused, not
    followed. `begun`: a walk of it that was begun earlier.

    Raises Refused when content/ itself cannot be read.
    """
    seen = walk.finish(begun or walk.begin(root, two=sum(map(len, remembered.values())) >= _MANY))
    found = Scan(listings=seen.listings, problems=seen.problems, closed=seen.closed)
    _keep_closed(found, remembered)
    for folder, listing in found.listings.items():
        before = remembered.get(folder)
        if listing != before:
            _compare(found, folder, {} if before is None else stats_of(before), stats_of(listing))
    for folder in remembered.keys() - found.listings.keys():
        _compare(found, folder, stats_of(remembered[folder]), {})
    return found


def _keep_closed(found: Scan, remembered: Mapping[str, bytes]) -> None:
    """A county must not vanish from the site because a right to read was lost for a night."""
    for closed in found.closed:
        for folder, listing in remembered.items():
            if folder == closed or folder.startswith(f"{closed}/"):
                found.listings[folder] = listing


def _compare(found: Scan, folder: str, before: Stats, now: Stats) -> None:
    for name in before.keys() | now.keys():
        if name not in now:
            found.gone.add(posixpath.join(folder, name))
        elif before.get(name) != now[name]:
            found.changed.add(posixpath.join(folder, name))
