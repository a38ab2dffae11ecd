"""An editor's slip in the front matter is told with its line and the line to write instead."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sitegen import frontmatter
from sitegen.errors import Problem
from sitegen.frontmatter import FrontMatter
from tests.cities import ROOT, SHARED

KNOWN = frontmatter.ARTICLE_KEYS


def problems_of(block: str) -> list[Problem]:
    return frontmatter.parse(f"---\n{block}\n---\n\n正文\n", "content/a.md", KNOWN)[1]


@pytest.mark.parametrize(
    ("block", "code", "line", "remedy"),
    [
        ("title ：会议", "front-matter-full-width-colon", 2, "write: title: 会议"),
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


# --- the lines that are read without the YAML parser ---------------------------------------------------------------

_KEYS = st.sampled_from(
    ["title", "date", "标题", "keywords", "unknown", "null", "true", "a b", "_x", "1", "", "-", "<<"]
)
_PIECES = st.one_of(
    st.sampled_from("abnyeT019.,;/()+=~-?&*!|>%@`#:'\"[]{}\\^$<_ 市《》（），。“”—…·：＃、"),
    st.sampled_from("\t\u3000\xa0\x85\u2028\ufeff\x00\x7fé😀\u302a"),
    st.sampled_from([": ", " #", "- ", "? ", ", ", "  ", "null", "Null", "NULL", "true", "---", "...", "[a, b]"]),
    st.sampled_from(["2026-11-22", "09:30", "https://a.cn/b", '"市"', "'市'", '""', "[]"]),
)
_VALUES = st.lists(_PIECES, max_size=6).map("".join)
_LISTS = st.lists(st.lists(_PIECES, max_size=3).map("".join), max_size=3).map(lambda items: f"[{', '.join(items)}]")
_LINES = st.one_of(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "", "", "", " ", "  ", "- ", "? ", "# ", "\t"]),
            _KEYS,
            st.sampled_from([": ", ": ", ": ", ":", ":  ", " : ", "：", ":\t", ""]),
            st.one_of(_VALUES, _VALUES.map(lambda text: f'"{text}"'), _LISTS),
            st.sampled_from(["", "", " ", " x", " # x", "\t"]),
        ),
    ),
    _VALUES,
)
_BLOCKS = st.lists(_LINES, min_size=1, max_size=4).map("\n".join)


def both_ways(text: str) -> tuple[object, object]:
    """What is read with the short way and without it; a body, values in their order, lines, every word of a Problem."""

    def plain(result: tuple[FrontMatter | None, list[Problem]]) -> object:
        matter, found = result
        read = matter and (list(matter.values.items()), list(matter.lines.items()), matter.body)
        return read, [problem.as_json() for problem in found]

    short = plain(frontmatter.parse(text, "a.md", KNOWN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frontmatter, "_read_plain_lines", lambda block: None)
        return short, plain(frontmatter.parse(text, "a.md", KNOWN))


@settings(max_examples=600, deadline=None)
@given(_BLOCKS)
@example("title: a: b")
@example("title: a:")
@example("title: a:\u3000b")
@example("title: a #b")
@example("title: a\n  b")
@example("title: null\nsource: NULL ")
@example('title: "null"\nkeywords: [null, Null]')
@example("title: a\tb")
@example('title: "a\\tb"')
@example('title: "a"b"')
@example('title: "a" b')
@example("keywords: [a, ]")
@example("keywords: [a, -b]")
@example("keywords: [a: b, c]")
@example("keywords: [a #b]")
@example("keywords: [?a]")
@example("title: -a\nsource: - a")
@example("title:a")
@example("title：a")
@example("title: a\x85b")
@example("title: a\u2028source: b")
@example("title: \ufeffa")
@example("title: @a")
@example("title: ~")
@example(f"{'k' * 2000}: a")
@example(f"title: {'市 ' * 2000}\nkeywords: [{'市 ' * 2000}]")
def test_plain_lines_mean_what_the_yaml_parser_says(block: str) -> None:
    """A line is read directly only where YAML leaves no doubt; the answer is the same to the last word."""
    short, by_yaml = both_ways(f"---\n{block}\n---\n正文\n")
    assert by_yaml == short


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=3), st.sampled_from("pql"))
def test_any_sign_in_a_value_means_what_the_yaml_parser_says(sign: str, form: str) -> None:
    value = {"p": f"市{sign}a", "q": f'"{sign}"', "l": f"[市{sign}, a{sign}b]"}[form]
    short, by_yaml = both_ways(f"---\ntitle: {value}\nsource: {sign}\n---\n正文\n")
    assert by_yaml == short


def test_every_single_sign_is_safe_or_left_to_the_yaml_parser() -> None:
    """All signs of the pages that the short way allows anything of, in each of its places."""
    signs = [chr(c) for page in (0x00, 0x20, 0x30, 0xFE, 0xFF) for c in range(page << 8, (page << 8) + 0x100)]
    keys = ["%: b", "%a: b", "a%: b", "a: b\n%"]
    values = ["title: %", "title: %b", "title: a%b", "title: a:%b", 'title: "%"', "title: [%a]", "title: [a%b]"]
    blocks = [form.replace("%", sign) + "\n" for sign in signs for form in keys + values]
    taken = [f"---\n{block}---\n" for block in blocks if frontmatter._read_plain_lines(block) is not None]
    assert len(taken) > 1000
    assert [text for text in taken if len({*map(repr, both_ways(text))}) == 2] == []


def test_the_articles_of_the_sample_are_read_the_short_way_and_mean_the_same() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "content").rglob("*.md"))]
    for text in texts:
        short, by_yaml = both_ways(text)
        assert by_yaml == short
    blocks = [match[1] for text in texts if (match := _FORMER_BLOCK.match(text))]
    taken = [block for block in blocks if frontmatter._read_plain_lines(block) is not None]
    assert len(taken) > 0.9 * len(texts)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the law texts and the corpus are not part of the repository")
def test_other_texts_at_hand_mean_the_same_both_ways() -> None:
    for path in sorted(SHARED.rglob("*.md"))[:2000]:
        short, by_yaml = both_ways(frontmatter.normalise(path.read_bytes()))
        assert by_yaml == short, path


# --- the expressions that were replaced are the judges of their successors ------------------------------------------

_FORMER_BLOCK = re.compile(r"^-{3}[ \t]*\n(.*?\n)(?:\.{3}|-{3})[ \t]*\n", re.DOTALL)
_FORMER_KEY_LINE = re.compile(r"^([^\s:：#\-\[{\"'][^:：]*?)[ ]*([:：])(.*)$")


@given(
    st.lists(st.sampled_from(["---", "---", "--- \t", "...", "... ", "....", "--", "", "a: b"]), max_size=7).map(
        "\n".join
    )
)
@example("---\n\n---\n")
@example("---\na: b\n...\n正文")
def test_the_block_ends_where_mkdocs_ends_it(text: str) -> None:
    former = _FORMER_BLOCK.match(text if text.endswith("\n") else text + "\n")
    matter, found = frontmatter.parse(text, "a.md", {"a"})
    missing = {p.code for p in found} & {"front-matter-missing", "front-matter-open"}
    assert (former is None) == bool(missing)
    if former is not None and matter is not None:
        assert matter.body == text[former.end() :].lstrip("\n")


@given(st.text(st.sampled_from("ab 市:：#-[\"'\u3000\x85"), max_size=12))
def test_a_key_is_found_as_before(line: str) -> None:
    former, match = _FORMER_KEY_LINE.match(line), frontmatter._KEY_LINE.match(line)
    assert (former and former.groups()) == (match and (match[1].rstrip(" "), match[2], match[3]))


@given(st.text(st.sampled_from("ab \t市\u3000"), max_size=12))
def test_a_line_with_tabs_is_told_without_them_as_before(line: str) -> None:
    text = f"a:\t{line}"
    [problem] = problems_of(text)
    former = re.sub(r"[ ]*\t[ ]*", " ", text).strip()
    assert problem.remedy == f"write: {former}"


@pytest.mark.parametrize("block", ["k" + " " * 300_000, "k:\t" + " " * 300_000 + "x", 'k: "' + '" ' * 150_000 + "x"])
def test_a_line_without_end_costs_no_minutes(block: str) -> None:
    before = time.process_time()
    assert problems_of(block) != []
    assert time.process_time() - before < 2


@pytest.mark.parametrize("sign", ["[", "{", "- ", "? ", "[{"])
def test_lists_in_lists_without_end_neither_hang_nor_kill_the_build(sign: str) -> None:
    """100,000 nested lists once ended the process: the YAML parser recurses in C."""
    before = time.process_time()
    found = problems_of("title:\n " + sign * 100_000)
    assert {p.code for p in found} <= {"front-matter-nested", "front-matter-yaml"}
    assert found != []
    assert time.process_time() - before < 2
