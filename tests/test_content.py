"""Articles are read by cheap looks; the plain expressions they replaced stand here as their judges."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sitegen import content, frontmatter, mentions
from sitegen.clock import SHANGHAI
from sitegen.content import DiskFiles
from sitegen.model import Article, Column

NEWS = "xwdt/202611/t20261120_1.md"
COLUMN = Column(
    path="xwdt",
    kind="column",
    site="",
    title="新闻动态",
    description="",
    keywords=(),
    class_name="政务动态",
    function="信息发布",
    owner="市府办",
    cadence_days=7,
    content_spec="动态",
    signer="qianfa",
    order=1,
    holds="article",
    classes=(),
    first=(),
    lang="zh-Hans-CN",
    body="",
    source="xwdt/index.md",
    digest="",
)


def article(body: str, front: str = "") -> tuple[Article | None, list[str]]:
    text = f"---\ntitle: 会议\ndate: 2026-11-20 09:30\nsource: 市府办\n{front}---\n{body}"
    found, problems = content.article(text, NEWS, COLUMN, DiskFiles(Path(), frozenset()))
    return found, [problem.code for problem in problems]


# --- the expressions as they were ----------------------------------------------------------------------------------

_EXTERNAL_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\(\s{0,20}<?(?:https?:)?//", re.IGNORECASE)


def former_links(body: str) -> list[str]:
    links = (next(group for group in match.groups() if group) for match in mentions._LOCAL_LINK.finditer(body))
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", link) for link in links]


def former_summary(body: str) -> str:
    for paragraph in re.split(r"\n\s*\n", body):
        plain = re.sub(r"[*`_]|!?\[|\]\([^()]{0,300}\)|<[^<>]{1,300}>", "", paragraph[:2000]).strip()
        if plain and not plain.startswith(("#", "|", "-", ">", "<!--")):
            first = re.match(r"[^。！？]{8,120}[。！？]?", plain.replace("\n", ""))
            if first:
                return first[0]
    return ""


def former_date(text: str) -> date:
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text.strip())
    if match is None:
        raise ValueError(text)
    return date(int(match[1]), int(match[2]), int(match[3]))


def former_moment(text: str) -> tuple[datetime, bool]:
    match = re.fullmatch(r"(\S+?)(?:[ T]+(\d{1,2})[:：](\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:?\d{2})?)?", text.strip())
    if match is None:
        raise ValueError(text)
    day = former_date(match[1])
    if not 1900 <= day.year <= 2200:
        raise ValueError(text)
    moment = datetime(day.year, day.month, day.day, int(match[2] or 0), int(match[3] or 0), int(match[4] or 0))
    zone = datetime.fromisoformat(f"2000-01-01T00:00{match[5]}").tzinfo if match[5] else SHANGHAI
    return moment.replace(tzinfo=zone).astimezone(SHANGHAI), match[2] is not None


_MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(
            ["](", "[", "]", "]:", "(", ")", "<", ">", "!", "![", "\\", "\n", " ", "\t", "  ", '"', "'", "="]
        ),
        st.sampled_from(
            ["src", "href", "SRC", "src=", "href = ", "[a]: ", "\n[a]:", "\n   [a]: ", "\n    [a]:", "](<"]
        ),
        st.sampled_from(
            ["//", "http://", "HTTPS://", "](https://a.cn/b.png)", "](a.pdf)", "](a(1).pdf)", "![图](//", "httpſ:"]
        ),
        st.sampled_from(
            ["a", "市", "图.png", "/", "#", "?", "*", "_", "`", "|", "-", "\n\n", "。", "<!--", "\u3000", "%20"]
        ),
        st.sampled_from(["市政府召开会议。", "a" * 199, "市" * 201, " " * 21, "x" * 1999, "[" * 200]),
    ),
    max_size=14,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(_MARKDOWN)
@example("[a](b.pdf)[c](src=d)")
@example("]()](a)")
@example("srcsrc=a")
@example("[a]: b\n[c]:\nd")
@example("   [a]: b src=c href='d'")
@example("](<" + "a" * 501 + ">)](b)")
@example(r"[a](b\(c\).pdf)")
def test_links_are_found_where_the_whole_expression_finds_them(body: str) -> None:
    assert former_links(body) == mentions.links_of(body)


@settings(max_examples=500, deadline=None)
@given(_MARKDOWN)
@example("![" + "a" * 200 + "](//b")
@example("![" + "a" * 201 + "](//b")
@example("![a]\n](//b")
@example("![a\n](//b")
@example("![a](b.png)](//c")
@example("![[](//b")
@example("![](" + " " * 20 + "<HTTPS://b")
def test_a_picture_of_another_host_is_seen_as_before(body: str) -> None:
    assert bool(_EXTERNAL_IMAGE.search(body)) == mentions.shows_picture_of_other_host(body)


@settings(max_examples=500, deadline=None)
@given(_MARKDOWN)
@example("x" * 1999 + "。市政府召开第五次会议。")
@example("# 标题\n \n\n市政府召开第五次会议。第二句。")
@example("**市政府**召开[第五次](a.md)会议。")
@example("<b>市政府</b>召开第五次会议。")
@example("*" * 1995 + "市政府召开第五次会议。\n\n第二段也是一句话。")
@example("# 标题" + "\n" * 1999 + "市政府召开第五次会议。")
@example("*# 一二三四五六七八九")
@example(" " * 2001 + "市政府召开第五次会议。")
def test_the_first_sentence_is_the_same_as_before(body: str) -> None:
    assert former_summary(body) == content.summary(body)


_DATES = st.one_of(
    st.dates().map(str),
    st.builds(
        lambda y, a, m, b, d, end: f"{y}{a}{m}{b}{d}{end}",
        st.sampled_from(["2026", "1899", "2201", "0001", "202", "２０２６", "20266"]),
        st.sampled_from("-/.年T"),
        st.sampled_from(["1", "02", "11", "13", "0", "１１", "111"]),
        st.sampled_from("-/.月T"),
        st.sampled_from(["1", "01", "22", "30", "31", "0", "32", "２２"]),
        st.sampled_from(["", "日", " ", "T"]),
    ),
    st.text(st.sampled_from("2026-1 T日年:"), max_size=12),
)
_TIMES = st.builds(
    lambda gap, h, colon, m, s, zone: f"{gap}{h}{colon}{m}{s}{zone}",
    st.sampled_from([" ", "T", "  ", "T T", "", "\u3000"]),
    st.sampled_from(["9", "09", "23", "24", "009", "０９", "-1"]),
    st.sampled_from(":：."),
    st.sampled_from(["30", "60", "5", "３０"]),
    st.sampled_from(["", ":00", ":59", ":60", ":1"]),
    st.sampled_from(["", "Z", "+08:00", "+0800", "-05:30", "+25:00", " +08:00", "z"]),
)


@settings(max_examples=600, deadline=None)
@given(_DATES, st.one_of(st.just(""), _TIMES), st.sampled_from(["", " ", "\u3000"]))
@example("2026-11-22", " 09:30", "")
@example("2026-11-22", "T09:30:15", "")
@example("2026-02-30", "", "")
@example("2026-11-22", "TTTTTT09:30", "")
@example("20T6-11-22", " 09:30", "")
def test_a_moment_is_read_as_before(day: str, time_of_day: str, around: str) -> None:
    text = around + day + time_of_day + around
    for former, now in ((former_date, frontmatter.parse_date), (former_moment, frontmatter.parse_moment)):
        try:
            expected = former(text)
        except ValueError:
            with pytest.raises(ValueError):  # noqa: PT011 (each reason is another one)
                now(text)
        else:
            assert expected == now(text)


def test_a_moment_without_an_offset_is_one_of_shanghai() -> None:
    moment, _timed = frontmatter.parse_moment("2026-11-22 09:30")
    assert moment.tzinfo is SHANGHAI
    assert moment == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "unit",
    [
        *("[", "](", "![", "![](", "](<", "](<a", "\n[", "[a]:", "\n[a]:", "src", "src=", "href ", "](//", "![](//"),
        *(
            "](((((",
            "](\\",
            "](" + " " * 20,
            "](" + " " * 21,
            "<",
            "#\n\n",
            "\n",
            "*",
            "](" + "(a" * 9,
            "a(" + "b" * 201,
        ),
        *("![" + "a" * 200, "[" + "a" * 200, "<" + "a" * 300, "](" + "a" * 300),
    ],
)
def test_no_body_costs_more_than_its_size(unit: str) -> None:
    """A megabyte of one sign or form is read in about a second."""
    body = unit * (1_000_000 // len(unit))
    before = time.process_time()
    found, _codes = article(body)
    assert time.process_time() - before < 2
    assert found is not None or "image-external" in _codes


@pytest.mark.parametrize(
    "value",
    ["T" * 1_000_000, "2026-11-22" + " " * 1_000_000 + "x", "2026-11-22" + "T" * 1_000_000 + "x", "1" * 1_000_000],
)
def test_no_date_costs_more_than_its_size(value: str) -> None:
    before = time.process_time()
    found, codes = article("正文\n", f'expire_at: "{value}"\n')
    assert (found, codes) == (None, ["date-impossible"])
    assert time.process_time() - before < 2
