"""The last good versions: bytes by git blob id, from git's objects, else from build/state/good/ (kept by --clean)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from sitegen import files
from sitegen.content import git_blob
from sitegen.frontmatter import normalise


class Good:
    """`root` is the project (it may or may not be a git checkout); `store` is the folder of our own copies."""

    def __init__(self, root: Path, content: Path, store: Path) -> None:
        self._root = root
        self._content = content
        self._store = store

    def path_of(self, blob: str) -> Path | None:
        """A file holding exactly these bytes, or None when nobody has them."""
        if not re.fullmatch(r"[0-9a-f]{40}", blob):
            return None
        kept = self._place(blob)
        if kept.is_file():
            return kept
        data = self._git("cat-file", "blob", blob)
        if data is None or git_blob(data) != blob:
            return None
        files.write_atomic(kept, data)
        return kept

    def read(self, blob: str) -> bytes | None:
        path = self.path_of(blob)
        return path.read_bytes() if path else None

    def keep(self, versions: Mapping[str, Callable[[], bytes]]) -> None:
        """Store the versions (blob id → how to read it) that git does not have."""
        wanted = versions.keys() - self._kept() if len(versions) > 500 else versions.keys()
        wanted = {blob for blob in wanted if not self._place(blob).is_file()} if len(versions) <= 500 else wanted
        if not wanted:
            return
        answer = self._git("cat-file", "--batch-check=%(objectname)", given="\n".join(wanted).encode() + b"\n")
        in_git = {line for line in (answer or b"").decode().splitlines() if not line.endswith(" missing")}
        for blob in sorted(wanted - in_git):
            files.write_atomic(self._place(blob), versions[blob]())

    def _kept(self) -> set[str]:
        """Every blob id in the store: cheaper than a question for each of a hundred thousand."""
        return {path.name for path in self._store.glob("??/*")}

    def sections(self, path: str) -> list[str]:
        """Earlier texts of a section's index.md: the committed one, then the last that could be used."""
        committed = self._git("show", f"HEAD:./{path}", folder=self._content)
        kept = self._store / "sections" / path
        found = [committed] if committed is not None else []
        found += [kept.read_bytes()] if kept.is_file() else []
        return [normalise(data) for data in found if _decodes(data)]

    def keep_section(self, path: str, text: str) -> None:
        files.write_atomic(self._store / "sections" / path, text.encode())

    def _place(self, blob: str) -> Path:
        return self._store / blob[:2] / blob

    def _git(self, *arguments: str, given: bytes | None = None, folder: Path | None = None) -> bytes | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder or self._root), *arguments],
                input=given,
                capture_output=True,
                check=False,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout if done.returncode == 0 else None


def _decodes(data: bytes) -> bool:
    try:
        normalise(data)
    except UnicodeDecodeError:
        return False
    return True
