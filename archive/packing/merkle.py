"""The Merkle tree of a capture: one hash that stands for every line of its index (RFC 6962 §2.1).

A leaf is a line of `indexes/index.cdxj` without its end: URL, moment, payload digest and place of one answer. Whoever
has the root can be shown, by a handful of hashes, that a page was in the capture, without seeing the rest of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

TREE = "rfc6962-sha256"


def leaves(index: Path) -> list[bytes]:
    """The hash of each line of an index, in its order."""
    with index.open("rb") as stream:
        return [leaf(line.removesuffix(b"\n")) for line in stream]


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The tree's hash; that of an empty tree is the hash of nothing."""
    level = list(hashes)
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(hashes: Sequence[bytes], number: int) -> list[bytes]:
    """The audit path of leaf `number`, from its neighbour up to the root's child (RFC 6962 §2.1.1)."""
    level, found = list(hashes), []
    while len(level) > 1:
        if number ^ 1 < len(level):
            found.append(level[number ^ 1])
        level, number = _above(level), number // 2
    return found


def root_from_path(leaf_hash: bytes, number: int, size: int, audit: Iterable[bytes]) -> bytes:
    """The root to which leaf `number` of `size` and its audit path lead. Raises ValueError for a path that is none."""
    found, steps, last = leaf_hash, iter(audit), size - 1
    if not 0 <= number < size:
        raise ValueError("there is no such leaf")
    while last:
        if number & 1 or number < last:
            step = next(steps, None)
            if step is None:
                raise ValueError("the path is too short")
            found = _node(step, found) if number & 1 else _node(found, step)
        number, last = number // 2, last // 2
    if next(steps, None) is not None:
        raise ValueError("the path is too long")
    return found


def describe(index: Path) -> dict[str, object]:
    """What the manifest says of the tree."""
    hashes = leaves(index)
    return {"tree": TREE, "leaves": len(hashes), "root": f"sha256:{root(hashes).hex()}"}


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The level above; a node without a neighbour rises as it is, which gives RFC 6962's split at a power of two."""
    paired = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
    return paired + ([level[-1]] if len(level) % 2 else [])


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
