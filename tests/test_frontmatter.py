"""An editor's slip in the front matter is told with its line and the line to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitegen import frontmatter
from sitegen.errors import Problem

KNOWN = frontmatter.ARTICLE_KEYS


def problems_of(block: str) -> list[Problem]:
    return frontmatter.parse(f"---\n{block}\n---\n\n正文\n", "content/a.md", KNOWN)[1]


@pytest.mark.parametrize(
    ("block", "code", "line", "remedy"),
    [
        ("title：市长办公会", "front-matter-full-width-colon", 2, "write: title: 市长办公会"),
        ("date: 2026-01-01\ntitle：会议", "front-matter-full-width-colon", 3, "write: title: 会议"),
        ("title: 通知: 停水", "front-matter-second-colon", 2, 'write: title: "通知: 停水"'),
        ("title:\t会议", "front-matter-tab", 2, "write: title: 会议"),
        ('title: "会议', "front-matter-open-quote", 2, 'write: title: "会议"'),
        ("title:会议", "front-matter-no-space", 2, "write: title: 会议"),
        ("title: a\ntitle: b", "front-matter-duplicate-key", 3, "delete line 3 or line 2"),
        ("title: a\n标题: b", "front-matter-duplicate-key", 3, "delete line 3 or line 2"),
        ("titel: a", "front-matter-unknown-key", 2, "did you mean title?"),
        ("title: {a: b}", "front-matter-nested", 2, "write the value on one line"),
        ("just words", "front-matter-yaml", 2, "write: title: …"),
        (
            "title: [a",
            "front-matter-yaml",
            3,
            "write one `key: value` a line; put a value with special signs in quotation marks",
        ),
    ],
)
def test_each_slip_names_its_line_and_the_cure(block: str, code: str, line: int, remedy: str) -> None:
    found = problems_of(block)
    assert [(p.code, p.line, p.remedy) for p in found] == [(code, line, remedy)]


def test_a_file_without_front_matter_is_told_how_to_begin() -> None:
    matter, found = frontmatter.parse("# 标题\n", "content/a.md", KNOWN)
    assert matter is None
    assert [p.code for p in found] == ["front-matter-missing"]


def test_front_matter_without_an_end_is_told_to_close_it() -> None:
    matter, found = frontmatter.parse("---\ntitle: a\n\n正文\n", "content/a.md", KNOWN)
    assert matter is None
    assert [p.code for p in found] == ["front-matter-open"]


def test_chinese_keys_mean_the_same_as_english_ones() -> None:
    matter, found = frontmatter.parse(
        "---\n标题: 会议\n发布时间: 2026-11-20 09:30\n来源: 市府办\n---\n正文\n", "a.md", KNOWN
    )
    assert matter is not None
    assert matter.values == {"title": "会议", "date": "2026-11-20 09:30", "source": "市府办"}
    assert found == []


def test_numbers_keep_the_digits_that_were_written() -> None:
    matter, _ = frontmatter.parse("---\ntitle: 0012\nphone: 12:30\n---\n", "a.md", KNOWN)
    assert matter is not None
    assert matter.values == {"title": "0012", "phone": "12:30"}


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "昨天", "2026-11-31 09:30", "2026-11-22 25:00"])
def test_an_impossible_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each reason is another one)
        frontmatter.parse_moment(text)


@pytest.mark.parametrize("text", ["2026-11-22 09:30", "2026/11/22 9:30", "2026年11月22日 09:30", "2026-11-22T01:30Z"])
def test_the_ways_people_write_a_moment_mean_the_same(text: str) -> None:
    moment, timed = frontmatter.parse_moment(text)
    assert moment.isoformat() == "2026-11-22T09:30:00+08:00"
    assert timed


_PLAIN = (
    st.text(st.characters(categories=["L", "N"], include_characters="，。《》〔〕（） "), min_size=1)
    .map(str.strip)
    .filter(bool)
)


@given(title=_PLAIN, keywords=st.lists(_PLAIN.filter(lambda t: "，" not in t), min_size=1, max_size=4))
def test_what_is_written_plainly_is_read_as_written(title: str, keywords: list[str]) -> None:
    quoted = title.replace('"', "")
    block = f'---\ntitle: "{quoted}"\nkeywords: [{", ".join(chr(34) + k + chr(34) for k in keywords)}]\n---\n正文\n'
    matter, found = frontmatter.parse(block, "a.md", KNOWN)
    assert matter is not None, found
    assert matter.values == {"title": quoted.strip(), "keywords": [k.strip() for k in keywords]}


@given(st.text())
def test_no_text_whatever_makes_the_parser_fail(block: str) -> None:
    frontmatter.parse(f"---\n{block}\n---\n正文\n".replace("\r", "\n"), "a.md", KNOWN)
