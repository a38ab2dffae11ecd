"""The other generators, each at its best settings, with templates that show what Hugo's reference theme shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import corpus as corpora
from bench.contender import Contender, Say
from bench.corpus import Corpus


class Order(NamedTuple):
    """What a peer is made from; `theme` is the folder of Hugo's theme."""

    corpus: Corpus
    articles: Sequence[str]
    workdir: Path
    theme: Path
    say: Say

    def root(self, name: str) -> Path:
        return self.workdir / f"{name}-{len(self.articles)}"

    def key(self, *folders: Path) -> str:
        hasher = hashlib.sha256(self.corpus.fingerprint().encode())
        for folder in folders:
            for path in corpora.walk(folder):
                hasher.update(path.encode() + b"\0" + (folder / path).read_bytes())
        return hasher.hexdigest()


def peers() -> Mapping[str, Callable[[Order], Contender]]:
    from bench.peers import eleventy, hugo, mkdocs

    return {"hugo": hugo.make, "mkdocs": mkdocs.lean, "material": mkdocs.material, "eleventy": eleventy.make}
