"""What each contender writes that the other does not: files and bytes of what would be served, by kind."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from bench import corpus as corpora
from bench.contender import Contender
from bench.scenarios import Match

_KINDS = (
    ("article pages", r".+/t\d{8}_\d+(\.html|/index\.html)"),
    ("redirects to first list pages", r".+/page/1/index\.html"),
    ("list pages from the second on", r".+/(list_\d+\.html|page/\d+/index\.html)"),
    ("feeds", r".*\.(atom|rss|xml)(?<!sitemap\.xml)|.*(feed|atom|index)\.xml"),
    ("site map, robots.txt", r".*(sitemap[^/]*\.xml(\.gz)?|robots\.txt)"),
    ("pictures and attachments of articles", r".+/assets/(img|att)\d+\.(png|pdf)"),
    ("search", r"(.*/)?search(/.*|_index\.json.*)"),
    ("sections, home and standing pages", r".*\.html"),
    ("other", r".*"),
)


def compare(match: Match) -> dict[str, dict[str, list[int]]]:
    """Kind → contender → [files, bytes]; kinds that nobody writes are left out."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: {c.name: [0, 0] for c in match.both})
    for contender in match.both:
        for kind, size in _written(contender):
            found[kind][contender.name][0] += 1
            found[kind][contender.name][1] += size
    return {kind: found[kind] for kind, _ in _KINDS if kind in found}


def _written(contender: Contender) -> list[tuple[str, int]]:
    root = contender.output.resolve()
    return [(kind_of(path), (root / path).stat().st_size) for path in corpora.walk(root)]


def kind_of(path: str) -> str:
    return next(kind for kind, pattern in _KINDS if re.fullmatch(pattern, path))


def lines(writes: dict[str, Any]) -> list[str]:
    """One line a kind; what only one of two writes is said."""
    said: list[str] = []
    for kind, counts in writes.items():
        parts = [f"{name} {files:,} files {size / 1e6:,.1f} MB" for name, (files, size) in counts.items()]
        alone = [name for name, (files, _) in counts.items() if files]
        note = f"  (only {alone[0]})" if len(counts) == 2 and len(alone) == 1 else ""
        said.append(f"  {kind}: " + "; ".join(parts) + note)
    return said
