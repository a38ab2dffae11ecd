"""Public keys of OpenSSH as people write them down, read without the library that computes with them."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib

_LONGEST = 8_000


class Reader:
    """Strings of RFC 4251 §5, one after the other; whatever does not fit raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def take(self, count: int) -> bytes:
        end = self._place + count
        if end > len(self._data):
            raise ValueError("cut off")
        found = self._data[self._place : end]
        self._place = end
        return found

    def string(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))

    def end(self) -> None:
        if self._place != len(self._data):
            raise ValueError("bytes after the end")


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@functools.lru_cache(maxsize=4096)
def blob_of(line: str) -> bytes:
    """The blob of a public key as it stands in `id_ed25519.pub` (`ssh-ed25519 AAAA… comment`). Raises ValueError.

    Whether the blob is a key of an accepted kind shows when it is used.
    """
    parts = line.split()
    if len(parts) < 2:
        raise ValueError("ssh-ed25519 AAAA…")
    blob = from_base64(parts[1])
    reader = Reader(blob)
    if reader.string() != parts[0].encode():
        raise ValueError(parts[0])
    return blob


def line_of(blob: bytes) -> str:
    """The inverse of `blob_of`, without a comment."""
    return f"{Reader(blob).string().decode()} {base64.b64encode(blob).decode()}"


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def from_base64(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise ValueError("too long")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
