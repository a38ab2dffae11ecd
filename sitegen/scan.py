"""What stands in content/ and what of it may have changed: one look at every file's stat, no file opened.

A folder's *listing* is the sorted stats of what stands in it, as bytes; equal bytes mean that nothing in it changed.
The stat only spares reading: whatever differs is read and its digest decides. A file that changed within the last
moments has a stat that proves nothing (clocks tick coarsely), so it is remembered as unknown and read again next time.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pickle
import posixpath
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sitegen.errors import Problem, Refused
from sitegen.text import _

_UNSETTLED_NS = 50_000_000
"""Younger than this, a change time may still be shared with the next write (kernel clocks tick every 1 to 10 ms)."""
_MANY = 1_500_000
"""Bytes of remembered listings (some 50 a file) from which on a second process is worth its start."""
_LEDGERS = "_reviews"
_RECORDS = frozenset({"_records", "_archive"})
_ASIDE = _RECORDS | {_LEDGERS}

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


def is_aside(folder: str) -> bool:
    """Whether a folder holds ledgers or records, which are read but never published."""
    return folder.split("/")[0] in _RECORDS or posixpath.basename(folder) == _LEDGERS


def stats_of(listing: bytes) -> Stats:
    return {name: (size, mtime, ctime, inode) for name, size, mtime, ctime, inode in marshal.loads(listing)}  # noqa: S302 (our own cache, written by this module)


def scan(root: Path, remembered: Mapping[str, bytes]) -> Scan:
    """Walk content/. `_…` and `.…` are no content (ledgers and records are noted aside); links are refused, not followed.

    Raises Refused when content/ itself cannot be read.
    """
    settled = time.time_ns() - _UNSETTLED_NS
    found = Scan()
    here, there = _halves(_look(found, str(root), "", settled), remembered)
    with _other_process(str(root), there, settled, remembered) as finish:
        for folder in here:
            _walk(found, str(root), folder, settled)
        finish(found)
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


def _halves(folders: list[str], remembered: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Two parts of the folders with about as many files in each; the second is empty when there are few."""
    weight: dict[str, int] = defaultdict(int)
    for folder, listing in remembered.items():
        weight[folder.partition("/")[0]] += len(listing) + 1000
    if sum(weight.values()) < _MANY:
        return folders, []
    parts: tuple[list[str], list[str]] = ([], [])
    sums = [0, 0]
    for folder in sorted(folders, key=lambda folder: (-weight[folder], folder)):
        lighter = sums.index(min(sums))
        parts[lighter].append(folder)
        sums[lighter] += weight[folder]
    return parts


@contextlib.contextmanager
def _other_process(
    root: str, folders: list[str], settled: int, remembered: Mapping[str, bytes]
) -> Iterator[Callable[[Scan], None]]:
    """Walks `folders` in a copy of this process; what is yielded adds the result to a scan. A stat costs 3 µs, and it is
    the one thing that a build cannot spare any of its files: at 130,000 files this is a third of a second of an edit.
    """
    if not folders:
        yield lambda found: None
        return
    reading, writing = os.pipe()
    child = os.fork()  # no thread is running yet, and the copy ends without touching anything it inherited
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            part = Scan()
            for folder in folders:
                _walk(part, root, folder, settled)
            same = [folder for folder, listing in part.listings.items() if remembered.get(folder) == listing]
            for folder in same:
                del part.listings[folder]
            with open(writing, "wb") as stream:  # noqa: PTH123 (a descriptor)
                pickle.dump((part.listings, same, part.problems, part.closed), stream)
            status = 0
        os._exit(status)
    os.close(writing)

    def finish(found: Scan) -> None:
        with open(reading, "rb") as stream:  # noqa: PTH123 (a descriptor)
            data = stream.read()
        if os.waitpid(child, 0)[1] != 0:  # whatever went wrong there, it goes wrong here again and is told
            for folder in folders:
                _walk(found, root, folder, settled)
            return
        listings, same, problems, closed = pickle.loads(data)  # noqa: S301 (written by our own copy a moment ago)
        found.listings |= listings
        found.listings |= {folder: remembered[folder] for folder in same}
        found.problems += problems
        found.closed += closed

    yield finish


def _compare(found: Scan, folder: str, before: Stats, now: Stats) -> None:
    for name in before.keys() | now.keys():
        if name not in now:
            found.gone.add(posixpath.join(folder, name))
        elif before.get(name) != now[name]:
            found.changed.add(posixpath.join(folder, name))


def _walk(found: Scan, root: str, folder: str, settled: int) -> None:
    for name in _look(found, root, folder, settled):
        _walk(found, root, f"{folder}/{name}", settled)


def _look(found: Scan, root: str, folder: str, settled: int) -> list[str]:
    """List one folder; returns the names of those below it."""
    try:
        return _list(found, root, folder, settled)
    except FileNotFoundError:  # it went while we looked
        return []
    except OSError as error:
        problem = _closed_folder(folder, error)
        if not folder:
            raise Refused([problem]) from error
        found.problems.append(problem)
        found.closed.append(folder)
        return []


def _list(found: Scan, root: str, folder: str, settled: int) -> list[str]:
    entries: list[tuple[str, int, int, int, int]] = []
    below: list[str] = []
    aside = is_aside(folder)
    with os.scandir(f"{root}/{folder}" if folder else root) as listed:
        for entry in listed:
            name = entry.name
            if not aside and name[0] in "_.":
                if name in _ASIDE and (name == _LEDGERS or not folder) and entry.is_dir(follow_symlinks=False):
                    below.append(name)
                continue
            try:
                facts = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # it went while we looked
                continue
            kind = facts.st_mode & 0o170000
            if kind == stat.S_IFREG:
                changed = facts.st_ctime_ns
                if changed > settled:
                    entries.append((name, 0, 0, 0, time.monotonic_ns()))
                else:
                    entries.append((name, facts.st_size, facts.st_mtime_ns, changed, facts.st_ino))
            elif kind == stat.S_IFDIR:
                below.append(name)
            elif kind == stat.S_IFLNK and not aside:
                found.problems.append(_refused_link(posixpath.join(folder, name)))
            elif not aside:
                found.problems.append(_no_file(posixpath.join(folder, name)))
    entries, below = _readable(found, folder, entries, below)
    entries.sort()
    found.listings[folder] = marshal.dumps(entries, 2)
    return sorted(below)


def _readable(
    found: Scan, folder: str, entries: list[tuple[str, int, int, int, int]], below: list[str]
) -> tuple[list[tuple[str, int, int, int, int]], list[str]]:
    """Without names that are not UTF-8, each of which is told."""
    if _is_utf8("".join([entry[0] for entry in entries] + below)):
        return entries, below
    bad = sorted(name for name in (*(entry[0] for entry in entries), *below) if not _is_utf8(name))
    found.problems += [_bad_name(posixpath.join(folder, name)) for name in bad]
    return [entry for entry in entries if _is_utf8(entry[0])], [name for name in below if _is_utf8(name)]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad_name(path: str) -> Problem:
    return Problem(
        path=f"content/{_shown(path)}",
        code="name-not-utf8",
        message=_("the name of the file is not UTF-8"),
        remedy=_("rename the file"),
    )


def _closed_folder(path: str, error: OSError) -> Problem:
    return Problem(
        path=f"content/{path}".rstrip("/"),
        code="folder-unreadable",
        message=_("the folder cannot be read: {reason}; what is known of it stays as it was").format(
            reason=error.strerror
        ),
        remedy=_("give the build the right to read it"),
    )


def _no_file(path: str) -> Problem:
    return Problem(
        path=f"content/{_shown(path)}",
        code="not-a-file",
        message=_("it is neither a file nor a folder, but a pipe, a socket or a device"),
        remedy=_("remove it"),
    )


def _shown(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()


def _refused_link(path: str) -> Problem:
    return Problem(
        path=f"content/{_shown(path)}",
        code="symlink-refused",
        message=_("symbolic links are not followed: they can lead out of content/"),
        remedy=_("put the file itself here"),
    )
