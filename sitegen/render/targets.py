"""What MkDocs asks for a link's target, answered by a lookup."""

from __future__ import annotations

from collections.abc import Callable

from mkdocs.structure.files import File, Files


class LinkTargets(Files):
    """`exists(path)` answers for a path under content/; `reads` holds each question with its answer."""

    def __init__(self, exists: Callable[[str], bool], make: Callable[[str], File]) -> None:
        super().__init__([])
        self._exists = exists
        self._make = make
        self.reads: dict[str, bool] = {}

    def get_file_from_path(self, path: str) -> File | None:
        found = self._exists(path)
        self.reads[path] = found
        return self._make(path) if found else None
