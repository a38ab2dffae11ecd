"""One side of a comparison: a generator with its own copy of the articles, ready to be run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`root` is its folder below the working directory; nothing outside is written."""

    name: str
    root: Path
    command: tuple[str, ...]
    content: Path
    """Holds the articles as `<site>/<column>/<year>/…`."""
    output: Path
    """What would be served."""
    everything: tuple[Path, ...]
    """All that a build leaves: output, state, caches."""
    memory: tuple[Path, ...]
    """Of these, what a build remembers without the output."""
    template: Path
    comment: str
    """A comment of the template language that reaches no page; `{}` is a number."""
    environment: Mapping[str, str]
    accepted: frozenset[int] = frozenset({0})
    """Exit codes of a build that wrote its site."""
    sign: Callable[[str, int], None] | None = None
    """Have an edited article reviewed."""
    touched: Callable[[str], tuple[Path, ...]] | None = None
    """Other files that `sign` writes."""

    def forget(self) -> None:
        """As if never built."""
        for path in self.everything:
            _remove(path)

    def lose_state(self) -> None:
        """The output stays."""
        for path in self.memory:
            for found in path.parent.glob(path.name + "*"):  # a database has companions
                _remove(found)

    def edit(self, article: str, number: int) -> None:
        """One more sentence at the end, reviewed where reviews exist."""
        with (self.content / article).open("ab") as stream:
            stream.write(f"\n本文于第{number}次测试时增补此句。\n".encode())
        if self.sign is not None:
            self.sign(article, number)

    def comment_template(self, number: int) -> None:
        text = self.template.read_text(encoding="utf-8")
        self.template.write_text(self.comment.format(number) + text, encoding="utf-8")

    @property
    def marker(self) -> Path:
        return self.root / "prepared"

    @contextmanager
    def as_it_was(self, article: str) -> Iterator[None]:
        """What is edited inside is undone at the end; killed before, the project counts as not prepared."""
        paths = [self.content / article, self.template, *(self.touched(article) if self.touched else ())]
        before = {path: path.read_bytes() for path in paths}
        key = self.marker.read_text(encoding="utf-8")
        self.marker.unlink()
        try:
            yield
        finally:
            for path, data in before.items():
                path.write_bytes(data)
            self.marker.write_text(key, encoding="utf-8")


def prepare(root: Path, key: str, make: Callable[[], None], say: Say) -> None:
    """Make a contender's folder unless the one that stands there was made for the same `key`."""
    marker = root / "prepared"
    if marker.is_file() and marker.read_text(encoding="utf-8") == key:
        say(f"{root.name}: prepared before")
        return
    say(f"{root.name}: preparing")
    _remove(root)
    root.mkdir(parents=True)
    make()
    marker.write_text(key, encoding="utf-8")


def environment(**more: str) -> dict[str, str]:
    """Of a build: ours, without anything that would change what a generator does."""
    dropped = ("SITEGEN_", "HUGO_", "SOURCE_DATE_EPOCH", "PYTHONPATH", "NODE_", "GOMAXPROCS", "GOGC")
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)} | more


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
