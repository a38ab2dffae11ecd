"""Releases: a whole tree under its id, made visible by one rename of a symbolic link; its cost is that of its changes.

Two trees are kept in step. The one that is not served (the *spare*) holds the release before the live one; a build
first brings it up to the live one, then makes its own changes there, and the link moves over. Unchanged files are one
inode in both. What a release replaced is kept as hard links in `build/state/undo/<id>/`, so that older releases can be
put together again. Whatever a killed build leaves has a name that ends in `.open` and is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sitegen import files
from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.text import _

KEEP_RELEASES = 5
_MANY = 2_000
"""More changed files than this: the old tree is kept whole, instead of a link to each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a release changed. `base`: the release before it, empty: none is known. `whole`: the files it replaced are
    kept as the tree of `base`, not as links."""

    base: str
    changed: Sequence[str]
    """Files that came or have other bytes."""
    removed: Sequence[str]
    whole: bool


# --- files of a tree ---------------------------------------------------------------------------------------------


def put(tree: Path, file: str, data: bytes, base: Path | None = None) -> bool:
    """Write a file of a tree that is not visible yet; True when `base` held the same bytes and now shares them.

    A hard link standing in the file's place is replaced, never written through.
    """
    path = _inside(tree, file)
    if base is not None and _holds(f"{base}/{file}", data):
        _link(f"{base}/{file}", path)
        return True
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 (called for every page)
        descriptor = os.open(path, flags, 0o644)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108
        descriptor = os.open(path, flags, 0o644)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    return False


def share(source: Path, tree: Path, file: str) -> None:
    """Let `tree/file` be the same bytes as `source`: a hard link where the file system can, else a copy."""
    _link(str(source), _inside(tree, file))


def _holds(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (called for every page)
            return os.fstat(stream.fileno()).st_size == len(data) and stream.read() == data
    except OSError:
        return False


def _link(source: str, path: str) -> None:
    try:
        os.link(source, path)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108
        _link(source, path)
    except OSError:  # no folder yet, or a file system without hard links
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        try:
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)


def _drop(tree: Path, file: str) -> None:
    """Remove a file and the folders that are empty without it."""
    path = Path(_inside(tree, file))
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if folder == tree:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _inside(tree: Path, file: str) -> str:
    """The last wall: whatever was checked before, nothing is written outside the tree."""
    if file.startswith("/") or ".." in file.split("/"):
        raise ValueError(f"{file!r} leads out of the release")
    return f"{tree}/{file}"


def copy_by_links(source: Path, target: Path) -> None:
    """A second tree of the same inodes."""
    stack = [("", str(source), str(target))]
    while stack:
        _name, here, there = stack.pop()
        os.mkdir(there)  # noqa: PTH102
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append((entry.name, entry.path, f"{there}/{entry.name}"))
                else:
                    _link(entry.path, f"{there}/{entry.name}")


# --- releases ----------------------------------------------------------------------------------------------------


def live_release(project: Project) -> str:
    """Id of the release that is served now, empty when there is none."""
    try:
        target = project.live.readlink()
    except OSError:
        return ""
    release = target.name
    return release if (project.releases / release).is_dir() else ""


def tree_of(project: Project, release: str) -> Path | None:
    tree = project.releases / release
    return tree if release and tree.is_dir() else None


def releases(project: Project) -> list[str]:
    """Ids that can be served, oldest first: those whose tree stands, and those that can be put together."""
    found = _trees(project)
    for release in sorted(found, reverse=True):
        found |= set(_path_back(project, release))
    return sorted(found)


def _trees(project: Project) -> set[str]:
    if not project.releases.is_dir():
        return set()
    names = (path.name for path in project.releases.iterdir() if path.is_dir())
    return {name for name in names if not name.endswith((".open", ".spare"))}


def _path_back(project: Project, release: str) -> Iterator[str]:
    """The older releases that can be made from the tree of a newer one, one by one."""
    while (delta := delta_of(project, release)) is not None and delta.base and not delta.whole:
        release = delta.base
        yield release


def delta_of(project: Project, release: str) -> Delta | None:
    """What a release changed; None when that was forgotten."""
    try:
        raw = json.loads((project.undo / release / "delta.json").read_bytes())
        return Delta(base=raw["base"], changed=raw["changed"], removed=raw["removed"], whole=raw["whole"])
    except (OSError, ValueError, KeyError):
        return None


def stage(project: Project) -> Path:
    """An empty tree under a name that no server knows; what a killed build left is removed first."""
    project.releases.mkdir(parents=True, exist_ok=True)
    for leftover in (*project.releases.glob("*.open"), *project.undo.glob("*.open")):
        shutil.rmtree(leftover)
    tree = project.releases / "next.open"
    tree.mkdir()
    return tree


def finish(
    project: Project, staged: Path, release: str, delta: Delta, fault: Callable[[str], None] = lambda point: None
) -> None:
    """Give the complete tree its name; it is not served before `switch`. `staged` holds `delta.changed`."""
    _remember_undo(project, release, delta)
    fault("undo-kept")
    tree = staged
    if delta.base:
        tree = _spare(project, delta.base, fault)
        for file in delta.removed:  # first: a folder may come to stand where a file was, or the other way round
            _drop(tree, file)
        for file in delta.changed:
            _move(staged, tree, file)
        fault("spare-changed")
    target = project.releases / release
    if target.exists():
        shutil.rmtree(target)
    tree.rename(target)
    if tree is not staged:
        shutil.rmtree(staged)
    _sync(project.releases)


def _move(staged: Path, tree: Path, file: str) -> None:
    source, path = f"{staged}/{file}", _inside(tree, file)
    try:
        os.replace(source, path)  # noqa: PTH105
    except (FileNotFoundError, NotADirectoryError):
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(source, path)  # noqa: PTH105


def _remember_undo(project: Project, release: str, delta: Delta) -> None:
    """Keep what the release replaces, before anything is replaced."""
    folder = project.undo / f"{release}.open"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    facts = {"base": delta.base, "changed": list(delta.changed), "removed": list(delta.removed), "whole": delta.whole}
    (folder / "delta.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    if delta.base and not delta.whole:
        base = project.releases / delta.base
        for file in (*delta.changed, *delta.removed):
            if (base / file).is_file():
                share(base / file, folder / "files", file)
    target = project.undo / release
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)


def delta_for(base: str, changed: Sequence[str], removed: Sequence[str]) -> Delta:
    whole = bool(base) and len(changed) + len(removed) > _MANY
    return Delta(base=base, changed=changed, removed=removed, whole=whole)


def _spare(project: Project, base: str, fault: Callable[[str], None]) -> Path:
    """A tree equal to `base` that nobody serves, under a name that ends in `.open`."""
    tree = project.releases / "spare.open"
    live = live_release(project)
    ready = project.releases / f"{base}.spare"
    if ready.is_dir():
        ready.rename(tree)
    elif base != live:
        (project.releases / base).rename(tree)
    elif (delta := delta_of(project, base)) is not None and not delta.whole and _is_spare(project, delta.base, live):
        (project.releases / delta.base).rename(tree)
        fault("spare-taken")
        for file in delta.removed:
            _drop(tree, file)
        for file in delta.changed:
            share(project.releases / base / file, tree, file)
    else:
        copy_by_links(project.releases / base, tree)
    return tree


def _is_spare(project: Project, release: str, live: str) -> bool:
    return bool(release) and release != live and (project.releases / release).is_dir()


def settle(project: Project, release: str, delta: Delta, keep: int = KEEP_RELEASES) -> None:
    """After the switch: see that the next small change finds its spare, and forget what is too old.

    A tree costs as much to remove as it has files; after a small change none is, so that an edit stays cheap.
    """
    if not delta.base or delta.whole:
        prune(project, keep)
        spare = project.releases / f"{release}.spare"
        if not spare.exists():
            _make_spare(project, release, spare)
        return
    _forget_undo(project, keep)


def _make_spare(project: Project, release: str, spare: Path) -> None:
    unfinished = project.releases / "spare.open"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        copy_by_links(project.releases / release, unfinished)
        unfinished.rename(spare)
    except OSError:  # the release is served; without a spare only the next change costs more
        shutil.rmtree(unfinished, ignore_errors=True)


def same_as_live(project: Project, staged: Path, release: str) -> None:
    """The staged tree turned out to be the live one: it becomes its spare."""
    spare = project.releases / f"{release}.spare"
    if spare.exists() or not staged.exists():
        shutil.rmtree(staged, ignore_errors=True)
    else:
        staged.rename(spare)


def count_files(tree: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(tree))


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


def go_to(project: Project, release: str) -> None:
    """Serve a release of `releases`, and stay there until something changes in the sources."""
    if tree_of(project, release) is None:
        _put_together(project, release)
    switch(project, release)
    files.write_atomic(project.state / "held", release.encode())


def _put_together(project: Project, release: str) -> None:
    start = next(tree for tree in sorted(_trees(project)) if release in _path_back(project, tree))
    tree = project.releases / "again.open"
    shutil.rmtree(tree, ignore_errors=True)
    copy_by_links(project.releases / start, tree)
    newer = start
    while newer != release:
        delta = delta_of(project, newer)
        assert delta is not None  # noqa: S101 (_path_back has just gone this way)
        kept = project.undo / newer / "files"
        replaced = {file: (kept / file).is_file() for file in (*delta.changed, *delta.removed)}
        for file in (file for file, was in replaced.items() if not was):
            _drop(tree, file)
        for file in (file for file, was in replaced.items() if was):
            share(kept / file, tree, file)
        newer = delta.base
    tree.rename(project.releases / release)


def is_held(project: Project) -> bool:
    """Whether the live release was gone back to by a person."""
    try:
        return (project.state / "held").read_text(encoding="utf-8") == live_release(project) != ""
    except OSError:
        return False


def drop_unfinished(project: Project, known: set[str]) -> None:
    """Remove what a killed build named and never recorded: trees newer than every one in `known`."""
    newest = max(known)
    for release in sorted(_trees(project)):
        if release > newest:
            shutil.rmtree(project.releases / release)
            shutil.rmtree(project.undo / release, ignore_errors=True)


def prune(project: Project, keep: int = KEEP_RELEASES) -> list[str]:
    """Forget all but the newest `keep` releases; the live one always stays. Returns what cannot be gone back to any more."""
    before = releases(project)
    live = live_release(project)
    kept = {*before[max(0, len(before) - keep) :], live}
    _forget_undo(project, keep)
    for release in _trees(project) - kept:
        shutil.rmtree(project.releases / release)
    newest = max(kept, default="")
    for spare in project.releases.glob("*.spare"):
        if spare.name not in {f"{live}.spare", f"{newest}.spare"}:
            shutil.rmtree(spare)
    return sorted(set(before) - set(releases(project)))


def _forget_undo(project: Project, keep: int) -> None:
    """To go back among `keep` releases takes what the newest `keep - 1` of them replaced."""
    known = _packs(project)
    for release in known[: max(0, len(known) - keep + 1)]:
        shutil.rmtree(project.undo / release)


def _packs(project: Project) -> list[str]:
    return sorted(path.name for path in project.undo.glob("*") if not path.name.endswith(".open"))


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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def changed_urls(delta: Delta) -> Iterable[str]:
    """Root-relative addresses whose answer is another since the release: what a cache must forget."""
    for file in sorted({*delta.changed, *delta.removed}):
        yield "/" + file
        if file == "index.html" or file.endswith("/index.html"):
            yield "/" + file.removesuffix("index.html")
