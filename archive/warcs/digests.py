"""Digests as other tools write them: `sha1:` in base32, `sha256:` in hex, and what is between."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from contextlib import suppress

KNOWN = ("md5", "sha1", "sha256", "sha384", "sha512")


def algorithm(said: str) -> str:
    """`sha1` of `sha1:3I42…` and of `SHA-1:…`; empty for one that we do not know."""
    name = said.partition(":")[0].strip().lower().replace("-", "")
    return name if name in KNOWN else ""


class Digester:
    """Digests of the same bytes by SHA-256 and by whatever else the record's own statements ask for."""

    def __init__(self, said: Iterable[str]) -> None:
        names = {"sha256", *map(algorithm, said)} - {""}
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(names)}

    def update(self, data: bytes) -> None:
        for running in self._hashes.values():
            running.update(data)

    @property
    def sha256(self) -> str:
        """`sha256:` + hex."""
        return f"sha256:{self._hashes['sha256'].hexdigest()}"

    def agrees(self, said: str) -> bool:
        """Whether `said` (of a known algorithm) is these bytes' digest, in hex or in base32."""
        running = self._hashes[algorithm(said)]
        return running.digest() in _readings(said.partition(":")[2].strip())


def agrees(said: str, data: bytes) -> bool:
    """Whether `said` is the digest of `data`; False for an unknown algorithm."""
    digester = Digester([said])
    digester.update(data)
    return bool(algorithm(said)) and digester.agrees(said)


def _readings(text: str) -> list[bytes]:
    found = []
    with suppress(ValueError):
        found.append(bytes.fromhex(text))
    with suppress(binascii.Error, ValueError):
        found.append(base64.b32decode(text.upper() + "=" * (-len(text) % 8)))
    return found
