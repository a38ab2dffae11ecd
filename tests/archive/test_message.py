"""Codings are taken off whole, and no further than a bound."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable

import brotli
import pytest

from archive import message

NOISE = random.Random(1).randbytes(300_000)  # noqa: S311 (nothing that compresses)
CODINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


def decoded(raw: bytes, coding: str, limit: int = 1 << 26) -> tuple[bytes, bool]:
    return message.decode(raw, (("Content-Encoding", coding),), limit)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("body", [b"x", NOISE, b"x" * 5_000_000, NOISE + b"\0" * 3_000_000 + NOISE])
def test_a_body_comes_back_as_it_was(coding: str, body: bytes) -> None:
    assert decoded(CODINGS[coding](body), coding) == (body, True)


@pytest.mark.parametrize("coding", CODINGS)
def test_decoding_stops_at_the_limit_and_says_so(coding: str) -> None:
    found, whole = decoded(CODINGS[coding](b"x" * 50_000_000), coding, 3_000_000)
    assert not whole
    assert 3_000_000 <= len(found) < 5_000_000
    assert found.strip(b"x") == b""


def test_codings_upon_codings_are_taken_off_five_times() -> None:
    """`gzip, gzip, gzip …`: nobody means that."""
    body = b"x"
    for _ in range(5):
        body = gzip.compress(body)
    assert decoded(body, ", ".join(["gzip"] * 5)) == (b"x", True)
    found, whole = decoded(gzip.compress(body), ", ".join(["gzip"] * 6))
    assert (gzip.decompress(found), whole) == (b"x", False)


def test_members_follow_each_other_and_what_is_none_ends_them() -> None:
    members = gzip.compress(b"a" * 100) + gzip.compress(NOISE) + gzip.compress(b"")
    assert decoded(members, "gzip") == (b"a" * 100 + NOISE, True)
    assert decoded(gzip.compress(b"a") + b"no member", "gzip") == (b"a", True)


def test_half_a_million_empty_members_are_not_all_opened() -> None:
    found, whole = decoded(gzip.compress(b"") * 500_000, "gzip")
    assert (found, whole) == (b"", False)


def test_a_cut_body_is_decoded_as_far_as_it_goes() -> None:
    found, _whole = decoded(gzip.compress(NOISE)[:150_000], "gzip")
    assert len(found) > 100_000
    assert NOISE.startswith(found)


def test_a_bare_deflate_stream_is_understood() -> None:
    packer = zlib.compressobj(wbits=-15)
    assert decoded(packer.compress(NOISE) + packer.flush(), "deflate") == (NOISE, True)


@pytest.mark.parametrize(
    ("said", "media"),
    [
        ("Text/HTML; charset=gbk", "text/html"),
        ("text/html,text/html", "text/html"),
        ("", ""),
        ("t" * 500, ""),
        ("text/\x1b[2J", ""),
    ],
)
def test_a_media_type_is_a_word_or_nothing(said: str, media: str) -> None:
    assert message.media_type((("Content-Type", said),)) == media


def test_what_a_server_said_is_fit_for_a_terminal() -> None:
    assert message.printable("O\x1b[2JK\r\n" + "x" * 500) == "O�[2JK��" + "x" * 192
