"""Releases: a new tree that shares what did not change, made visible by one rename of a symbolic link."""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.text import _

KEEP_RELEASES = 5


def put(tree: Path, file: str, data: bytes) -> None:
    """Write a file of a tree that is not visible yet. A hard link standing there is replaced, never written through."""
    path = _inside(tree, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    path.write_bytes(data)


def share(source: Path, tree: Path, file: str) -> None:
    """Let `tree/file` be the same bytes as `source`: a hard link where the file system can, else a copy."""
    path = _inside(tree, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, path)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, path)


def _inside(tree: Path, file: str) -> Path:
    """The last wall: whatever was checked before, nothing is written outside the tree."""
    if file.startswith("/") or ".." in file.split("/"):
        raise ValueError(f"{file!r} leads out of the release")
    return tree / file


def same_tree(one: Path, other: Path) -> bool:
    """Whether two releases hold the same files with the same bytes, looked at one by one."""
    names = {path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file()}
    if names != {path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file()}:
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def live_release(project: Project) -> str:
    """Id of the release that is served now, empty when there is none."""
    try:
        target = project.live.readlink()
    except OSError:
        return ""
    release = target.name
    return release if (project.releases / release).is_dir() else ""


def new_tree(project: Project) -> Path:
    """An empty tree under a name that no server knows; what a killed build left is removed first."""
    project.releases.mkdir(parents=True, exist_ok=True)
    for leftover in project.releases.glob("*.open"):
        shutil.rmtree(leftover)
    tree = project.releases / "next.open"
    tree.mkdir()
    return tree


def finish(project: Project, tree: Path, release: str) -> None:
    """Give the complete tree its name. It is not served before `switch`."""
    target = project.releases / release
    if target.exists():
        shutil.rmtree(target)
    _sync_folders(tree)
    tree.rename(target)
    _sync(project.releases)


def switch(project: Project, release: str) -> None:
    """One rename: a reader sees the whole old release or the whole new one."""
    temporary = project.build / ".site.open"
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    if project.live.is_dir() and not project.live.is_symlink():
        raise Refused(
            [
                Problem(
                    path="build/site",
                    code="release-place-taken",
                    message=_("build/site is a folder, not the link to a release"),
                    remedy=_("move the folder away and build again"),
                )
            ]
        )
    temporary.symlink_to(Path("releases") / release)
    temporary.replace(project.live)
    _sync(project.build)


def hold(project: Project, release: str) -> None:
    """Go back to a release, and stay there until something changes in the sources."""
    switch(project, release)
    (project.state / "held").write_text(release, encoding="utf-8")


def is_held(project: Project) -> bool:
    """Whether the live release was gone back to by a person."""
    try:
        return (project.state / "held").read_text(encoding="utf-8") == live_release(project) != ""
    except OSError:
        return False


def releases(project: Project) -> list[str]:
    """Ids, oldest first."""
    if not project.releases.is_dir():
        return []
    return sorted(path.name for path in project.releases.iterdir() if path.is_dir() and not path.name.endswith(".open"))


def drop_unfinished(project: Project, known: set[str]) -> None:
    """Remove what a killed build named and never recorded: releases newer than every one in `known`."""
    newest = max(known)
    for release in releases(project):
        if release > newest:
            _remove(project, release)


def _remove(project: Project, release: str) -> None:
    shutil.rmtree(project.releases / release)
    (project.state / "releases" / f"{release}.json").unlink(missing_ok=True)


def prune(project: Project, keep: int = KEEP_RELEASES) -> list[str]:
    """Remove all but the newest `keep` releases; the live one always stays. Returns what was removed."""
    live = live_release(project)
    known = releases(project)
    doomed = [release for release in known[: max(0, len(known) - keep)] if release != live]
    for release in doomed:
        _remove(project, release)
    return doomed


@contextlib.contextmanager
def only_build(project: Project) -> Iterator[None]:
    """One build at a time. Raises Refused when another is running."""
    project.state.mkdir(parents=True, exist_ok=True)
    with (project.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                [
                    Problem(
                        path="build/state/lock",
                        code="build-running",
                        message=_("another build of this project is running"),
                        remedy=_("wait for it to end, or end it"),
                    )
                ]
            ) from None
        yield


def _sync_folders(tree: Path) -> None:
    for folder in _folders(tree):
        _sync(folder)


def _folders(tree: Path) -> Iterable[Path]:
    return [Path(root) for root, _, _ in os.walk(tree)]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
