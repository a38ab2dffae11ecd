"""A corpus of the generator's layout, `content/<site>/<column>/<year>/t<date>_<n>.md`: read, never written to."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PORTAL = "portal"
"""The folder whose columns are the root portal's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """`articles`: paths below `content`, sorted; `sites` and `columns`: name of the folder → its title."""

    root: Path
    sites: dict[str, str]
    columns: dict[str, str]
    articles: tuple[str, ...]

    @property
    def content(self) -> Path:
        return self.root / "content"

    def others(self) -> list[str]:
        """Everything that is no article and not the home page: section titles, pictures, attachments."""
        articles = set(self.articles)
        return [path for path in walk(self.content) if path not in articles and path != "index.md"]

    def fingerprint(self) -> str:
        """Of names, sizes and times: enough to know whether a prepared project is still of this corpus."""
        hasher = hashlib.sha256()
        for path in walk(self.root):
            found = (self.root / path).stat()
            hasher.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
        return hasher.hexdigest()


def read(root: Path) -> Corpus:
    """Raises FileNotFoundError when this is no corpus."""
    listed = json.loads((root / "sites.json").read_text(encoding="utf-8"))
    sites, columns = dict(listed["sites"]), dict(listed["columns"])
    articles = [path for path in walk(root / "content") if _is_article(path)]
    return Corpus(root=root, sites=sites, columns=columns, articles=tuple(articles))


def _is_article(path: str) -> bool:
    return path.endswith(".md") and path.count("/") == 3 and path.rsplit("/", 1)[1].startswith("t")


def walk(root: Path, folder: str = "") -> Iterator[str]:
    """Paths of all files below `root`, sorted."""
    with os.scandir(root / folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk(root, path)
        elif entry.is_file(follow_symlinks=False):
            yield path


def subset(articles: Sequence[str], size: int) -> list[str]:
    """`size` articles spread evenly over all of them, the same every time."""
    if not 0 < size <= len(articles):
        raise ValueError(f"{size} of {len(articles)} articles cannot be taken")
    return [articles[number * len(articles) // size] for number in range(size)]


def copy(root: Path, paths: Sequence[str], target: Path) -> None:
    """True copies, not links: a scenario edits one of them."""
    made: set[Path] = set()
    for path in paths:
        to = target / path
        if to.parent not in made:
            to.parent.mkdir(parents=True, exist_ok=True)
            made.add(to.parent)
        shutil.copyfile(root / path, to)
