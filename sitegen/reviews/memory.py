"""Which signatures were verified before: `build/state/verified`, 16 bytes each, appended by every process that verifies."""

from __future__ import annotations

import os
from pathlib import Path

_SIZE = 16
_BATCH = 256


class Memory:
    """A cache that may be deleted at any time. A torn write makes it forget what follows, never know too much: a name is
    the start of a SHA-256 of signature and message. Read when it is first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[bytes] | None = None
        self._new: list[bytes] = []

    def __getstate__(self) -> Path:
        return self._path

    def __setstate__(self, path: Path) -> None:
        self.__init__(path)  # type: ignore[misc]

    def __contains__(self, name: object) -> bool:
        if self._known is None:
            try:
                data = self._path.read_bytes()
            except OSError:
                data = b""
            self._known = {data[start : start + _SIZE] for start in range(0, len(data) - _SIZE + 1, _SIZE)}
        return name in self._known

    def add(self, name: bytes) -> None:
        self._new.append(name)
        if self._known is not None:
            self._known.add(name)
        if len(self._new) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """In one write, so that two processes never interleave; a disk that refuses only costs time."""
        if not self._new:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, b"".join(self._new))
            finally:
                os.close(descriptor)
        except OSError:
            pass
        self._new = []
