"""The folders of content/ as they are now: every file's stat, no file opened; by two processes where there are many.

A stat costs 2 µs, and it is the one thing that a build cannot spare any of its files: at 130,000 files that is half a
second. So a copy of this process may begin early, while this one still loads the program (`begin`); the folders lie in
a pipe from which each process takes the next when it has done one, and `finish` brings both parts together.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pickle
import posixpath
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sitegen.errors import Problem, Refused
from sitegen.text import _

_UNSETTLED_NS = 50_000_000
"""Younger than this, a change time may still be shared with the next write (kernel clocks tick every 1 to 10 ms)."""
_MUCH = 50_000_000
"""Bytes of remembered state (some 4,000 a file) from which on a second process is worth its start."""
_TICKET = 2
"""Bytes of the number of a folder in the pipe."""
_LEDGERS = "_reviews"
_RECORDS = frozenset({"_records", "_archive"})
_ASIDE = _RECORDS | {_LEDGERS}


@dataclass(slots=True, kw_only=True)
class Found:
    """`listings`: folder under content/ → its files' stats as bytes (`scan.stats_of`); `closed`: folders that could not
    be read."""

    listings: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Walk:
    """A walk on its way. `tickets`: numbers of `folders` to be taken; `copy`: the other process and what it says."""

    root: str
    settled: int
    found: Found
    folders: list[str]
    tickets: int
    copy: tuple[int, int] | None


def begin(root: Path, *, two: bool) -> Walk:
    """`root`: content/; `two`: whether there is enough to look at for two processes.

    Raises Refused when content/ itself cannot be read.
    """
    settled = time.time_ns() - _UNSETTLED_NS
    found = Found()
    folders = _look(found, str(root), "", settled)
    walk = Walk(root=str(root), settled=settled, found=found, folders=folders, tickets=-1, copy=None)
    if two and len(folders) < 1 << 15:  # as many tickets as a pipe holds
        _share(walk)
    return walk


def is_much(state: Path) -> bool:
    """Whether two processes are worth it, by the size of the file that holds what the last build knew."""
    try:
        return state.stat().st_size >= _MUCH
    except OSError:
        return False


def _share(walk: Walk) -> None:
    """Start the other process. No thread is running yet, and the copy ends without touching anything it inherited."""
    walk.tickets, offering = os.pipe()
    os.write(offering, b"".join(number.to_bytes(_TICKET, "big") for number in range(len(walk.folders))))
    os.close(offering)
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        walk.copy = (child, reading)
        return
    status = 1
    with contextlib.suppress(BaseException):
        part = Found()
        done = list(_take(walk, part))
        with open(writing, "wb") as stream:  # noqa: PTH123 (a descriptor)
            pickle.dump((done, part.listings, part.problems, part.closed), stream)
        status = 0
    os._exit(status)


def _take(walk: Walk, found: Found) -> Iterator[str]:
    """Walk one folder after another as long as there are any; yields which."""
    while ticket := os.read(walk.tickets, _TICKET):
        folder = walk.folders[int.from_bytes(ticket, "big")]
        _walk(found, walk.root, folder, walk.settled)
        yield folder


def finish(walk: Walk) -> Found:
    """Walk what is left and bring the parts together. Whatever went wrong in the other process goes wrong here again,
    and is told."""
    left = set(walk.folders)
    if walk.copy is not None:
        left -= set(_take(walk, walk.found))
        os.close(walk.tickets)
        left -= set(_other_part(walk.found, *walk.copy))
        walk.copy = None
    for folder in sorted(left):
        _walk(walk.found, walk.root, folder, walk.settled)
    return walk.found


def _other_part(found: Found, child: int, reading: int) -> list[str]:
    with open(reading, "rb") as stream:
        data = stream.read()
    if os.waitpid(child, 0)[1] != 0:
        return []
    done: list[str]
    done, listings, problems, closed = pickle.loads(data)  # noqa: S301 (written by our own copy a moment ago)
    found.listings |= listings
    found.problems += problems
    found.closed += closed
    return done


def is_aside(folder: str) -> bool:
    """Whether a folder holds ledgers or records, which are read but never published."""
    return folder.split("/")[0] in _RECORDS or posixpath.basename(folder) == _LEDGERS


def _walk(found: Found, root: str, folder: str, settled: int) -> None:
    for name in _look(found, root, folder, settled):
        _walk(found, root, f"{folder}/{name}", settled)


def _look(found: Found, root: str, folder: str, settled: int) -> list[str]:
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


def _list(found: Found, root: str, folder: str, settled: int) -> list[str]:
    entries: list[tuple[str, int, int, int, int]] = []
    below: list[str] = []
    aside = is_aside(folder)
    # Of an open folder, names are looked up in it alone: with the way to it before each, that takes a quarter longer.
    with _opened(f"{root}/{folder}" if folder else root) as place, os.scandir(place) as listed:
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


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield place
    finally:
        os.close(place)


def _readable(
    found: Found, folder: str, entries: list[tuple[str, int, int, int, int]], below: list[str]
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
