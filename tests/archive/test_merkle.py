"""One hash stands for every line of an index, and proves each of them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.packing import merkle

# The eight leaves and the roots of certificate-transparency's own tests (RFC 6962 reference implementation).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    assert merkle.root([merkle.leaf(data) for data in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def split(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it down: split at the largest power of two below the size."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + split(hashes[:k]) + split(hashes[k:])).digest()


@settings(deadline=None)
@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proven_by_its_path_and_no_other(size: int, data: st.DataObject) -> None:
    hashes = [merkle.leaf(b"%d" % n) for n in range(size)]
    root = split(hashes)
    assert merkle.root(hashes) == root
    number = data.draw(st.integers(0, size - 1))
    audit = merkle.path(hashes, number)
    assert merkle.root_from_path(hashes[number], number, size, audit) == root
    assert merkle.root_from_path(merkle.leaf(b"another"), number, size, audit) != root
    with pytest.raises(ValueError, match="too long"):
        merkle.root_from_path(hashes[number], number, size, [*audit, hashes[0]])
    if audit:
        with pytest.raises(ValueError, match="too short"):
            merkle.root_from_path(hashes[number], number, size, audit[1:])
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.root_from_path(hashes[number], size, size, audit)


def test_a_line_cannot_pass_for_an_inner_node() -> None:
    """Leaves and nodes are hashed in domains of their own."""
    two = [merkle.leaf(b"a"), merkle.leaf(b"b")]
    assert merkle.leaf(b"".join(two)) != merkle.root(two)
