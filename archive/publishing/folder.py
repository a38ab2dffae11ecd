"""A publication's folder on the disk: its files are written, told from strangers, and found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from archive.publishing.made import Context, Made
from sitegen import files

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


def write(path: str, data: bytes, *, known: bool) -> bool:
    """As files.write_atomic, but without waiting for the disk at each of 100,000 copies: the index comes last, and
    the generator refuses a copy that is not what the index says. `known`: a file of that name may be there."""
    folder = os.path.dirname(path)  # noqa: PTH120 (pathlib costs as much as the writing)
    if known and files.read(path) == data:
        return False
    # Nothing names a new copy before the index does; one that was there is seen whole all the time.
    written = f"{folder}/.{os.getpid()}.open" if known else path
    try:
        descriptor = os.open(written, _NEW, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        descriptor = os.open(written, _NEW, 0o666)
    try:
        left = data
        while left:  # by hand: a file object takes longer than the writing
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
    if known:
        os.replace(written, path)  # noqa: PTH105
    return True


def carry_evidence(context: Context, made: Made) -> None:
    """The capture as one file (WACZ) goes with the copies, as a link to the same bytes where the disk allows it."""
    if not context.publication.evidence:
        return
    source = context.capture.wacz
    target = context.folder / source.name
    digest = files.sha256_file(source)
    new = not target.exists() or files.sha256_file(target) != digest
    if new:
        temporary = target.with_name(f".{os.getpid()}.open")
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(target)
    made.files[target.name] = (target.stat().st_size, digest, new)


def files_below(folder: Path) -> frozenset[str]:
    """Names of regular files, relative to the folder."""
    found: set[str] = set()
    for place, _folders, names_here in os.walk(folder):
        below = place[len(str(folder)) + 1 :]
        found.update(f"{below}/{name}" if below else name for name in names_here)
    return frozenset(found)


def delete_strangers(folder: Path, known: Mapping[str, object]) -> int:
    """Files of an earlier run that no copy is any more, and folders that nothing is left in."""
    number = 0
    for place, folders, names_here in os.walk(folder, topdown=False):
        below = place[len(str(folder)) + 1 :]
        for name in [*names_here, *(one for one in folders if os.path.islink(f"{place}/{one}"))]:  # noqa: PTH114
            if (f"{below}/{name}" if below else name) not in known:
                os.unlink(f"{place}/{name}")  # noqa: PTH108
                number += 1
        if not os.listdir(place):  # noqa: PTH208
            os.rmdir(place)  # noqa: PTH106
    return number
