"""Writing files so that nobody ever reads half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> bool:
    """Replace `path` in one step; False when it already held these bytes and nothing was written."""
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.open")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return True


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` in one step by a file that only its owner reads; on disk for good when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.open")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 (a descriptor)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def append_line(path: Path, line: str) -> None:
    """Append one line in a single write, so that two writers never interleave; adds a missing last newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, ("\n" if torn else "").encode() + line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: str) -> bytes:
    """A whole file. Raises OSError, also for what is no file: nobody waits for somebody to write into a pipe.

    Half the price of `Path.read_bytes`, which counts a hundred thousand times.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        size = facts.st_size
        data = os.read(descriptor, size + 1)
        while len(data) != size and (more := os.read(descriptor, 1 << 20)):
            data += more
        return data
    finally:
        os.close(descriptor)


def sha256(data: bytes) -> str:
    """`sha256:` + hex, as every digest in our formats is written."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def sha256_file(path: Path, at_once: int = 1 << 18) -> str:
    """Reads `at_once` bytes at a time."""
    digest, piece = hashlib.sha256(), memoryview(bytearray(at_once))
    with path.open("rb", buffering=0) as stream:
        while size := stream.readinto(piece):
            digest.update(piece[:size])
    return "sha256:" + digest.hexdigest()
