"""The file of the state: opened, forgotten, guarded; what it holds is told by its parts."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sitegen.state.made import Pages
from sitegen.state.schema import SCHEMA, TABLES
from sitegen.state.sources import Sources


class Damaged(Exception):  # noqa: N818 (it reads `except Damaged`)
    """The file is not what it was: forget it and build everything."""


_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The second: a broken schema is quoted in a message that is no text any more."""
_DISK = ("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")
_TRUNCATED = "SQLITE_IOERR_SHORT_READ"


def _refuse_when_full(error: Exception) -> None:
    """Raise OSError when it was the disk that refused, not the file that is broken."""
    name = getattr(error, "sqlite_errorname", "")  # not every one has it, and none that came from another process
    if name.startswith(_DISK) and name != _TRUNCATED:
        raise OSError(errno.ENOSPC, str(error)) from error


class State(Sources, Pages):
    """One writer at a time. An unreadable, truncated or older file is replaced by an empty one; a file that turns out
    to be broken later raises Damaged from `guard`."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: in memory, for those who only look."""
        self._path = path
        self._is_new = False
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(self._open())

    def _open(self) -> sqlite3.Connection:
        """Raises OSError when the disk refuses."""
        try:
            return self._open_healthy()
        except _DAMAGE as error:
            _refuse_when_full(error)
        self._delete()
        try:
            return self._open_healthy()
        except _DAMAGE as error:
            raise OSError(errno.EIO, str(error)) from error

    def _open_healthy(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        try:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=normal")
            version = connection.execute("pragma user_version").fetchone()[0]
            self._is_new = version == 0
            if version == 0:
                connection.executescript(f"begin; {TABLES} pragma user_version={SCHEMA}; commit;")
            if version not in {0, SCHEMA}:
                raise sqlite3.DatabaseError(version)
        except _DAMAGE:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        if self._path is not None:
            for leftover in self._path.parent.glob(self._path.name + "*"):
                leftover.unlink()

    def forget(self) -> None:
        """Begin again with nothing."""
        self._connection.close()
        self._delete()
        self._connection = self._open()

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Raise Damaged for whatever the database says of a broken file, and for whatever cannot be read of what it
        gave. A full disk stays an OSError."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            _refuse_when_full(error)
            raise Damaged(str(error)) from error
        except (ValueError, TypeError, LookupError, EOFError) as error:
            if self._is_new:
                raise
            raise Damaged(str(error)) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; others see the state before it until it ends."""
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise
