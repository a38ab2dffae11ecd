"""What robots.txt allows, and which URLs have no end."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import message
from archive.crawling import traps
from archive.net import robots

ROBOTS = """\
# 机器人
User-agent: BadBot
Disallow: /

User-agent: *
Disallow: /admin/   # 后台
Disallow: /*.asp$
Disallow: /show.asp?id=
Allow: /admin/public/
Disallow:
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/admin/x", False),
        ("/admin/public/x", True),
        ("/x/list.asp", False),
        ("/x/list.asp?id=1", True),
        ("/show.asp?id=1", False),
        ("/adm", True),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert robots.allows(robots.parse(ROBOTS, "jiyuehua-archive"), f"http://a.cn{path}") is allowed


def test_a_group_that_names_us_is_the_only_one_that_counts() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: x\nUser-agent: Jiyuehua-Archive\nDisallow: /no/\n"
    rules = robots.parse(text, "jiyuehua-archive")
    assert robots.allows(rules, "http://a.cn/yes")
    assert not robots.allows(rules, "http://a.cn/no/")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.cn/a/b/a/b/a/b", "the same folders follow each other three times"),
        ("http://a.cn/x/x/x/y.htm", "the same folders follow each other three times"),
        ("http://a.cn/l.asp?a=1&b=2&a=1&a=1", "the same parameter is repeated three times"),
        ("http://a.cn/cal?year=2031&month=2", "a calendar beyond the site's years"),
        ("http://a.cn/cal/1901/02/", "a calendar beyond the site's years"),
        ("http://a.cn/" + "x" * 2100, "the URL is longer than 2083 characters"),
        ("http://a.cn/2012/01/01/t20120101_1.htm", None),
        ("http://a.cn/xx/2012/01/01/01.htm", None),
        ("http://a.cn/l.asp?id=2099&page=3000", None),
        ("http://a.cn/cal?year=2026&month=12", None),
    ],
)
def test_traps_are_told_from_pages(url: str, reason: str | None) -> None:
    assert traps.endless(url, 2026) == reason


def test_pages_of_one_calendar_share_a_pattern() -> None:
    one, other = traps.calendar("http://a.cn/cal?year=2012&month=1"), traps.calendar("http://a.cn/cal?year=9&month=22")
    assert one == other == "http://a.cn/cal?month&year"
    assert traps.calendar("http://a.cn/show.asp?id=2012") is None
    assert traps.calendar("http://a.cn/index.php?m=content&c=index&a=show&id=2012") is None
    assert traps.calendar("http://a.cn/show.asp?d=417") is None


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=9))
def test_chunks_come_back_as_they_were(pieces: list[bytes]) -> None:
    raw = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert message.unchunk(raw) == b"".join(pieces)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "gzip, br", "none-such"]))
def test_no_body_makes_decoding_fail(body: bytes, coding: str) -> None:
    message.decode_body(body, (("Content-Encoding", coding), ("Transfer-Encoding", "chunked")))


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    """300 MB are 0.3 MB on the wire."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(message.decode_body(bomb, (("Content-Encoding", "gzip"),), limit=1 << 20)) == 1 << 20


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 10\nDisallow: /a\n", 10.0),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: jiyuehua-archive\nDisallow: /x\n", 0.0),
        ("User-agent: other\nCrawl-delay: 10\n", 0.0),
        ("User-agent: *\nCrawl-delay: 9999999\nCrawl-delay: -1\nCrawl-delay: 1e9\nCrawl-delay: ٣\n", 0.0),
        ("User-agent: *\nCrawl-delay: 86400\n", 60.0),
    ],
)
def test_a_crawl_delay_is_a_number_of_seconds_with_a_bound(text: str, seconds: float) -> None:
    """A day between two requests would be a way to say no."""
    assert robots.crawl_delay(text, "jiyuehua-archive") == seconds
