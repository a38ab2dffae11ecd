"""Old style sheets keep their look, lose what reaches outside, and cannot touch the stamp."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.publishing import css


def known(link: str) -> str | None:
    return f"copy/{link}" if not link.startswith(("http:", "//")) else None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a{background:url(x.gif)}", 'a{background:url("copy/x.gif")}'),
        ("a{background:url( 'x y.gif' ) no-repeat}", 'a{background:url("copy/x y.gif") no-repeat}'),
        ("a{background:url(http://other.example/t.gif)}", "a{background:none}"),
        ("a{background:u\\72l(http://other.example/t.gif)}", "a{background:none}"),
        ("@import 'b.css';", '@import url("copy/b.css");'),
        ("@import url(b.css) print;", '@import url("copy/b.css") print;'),
        ("@import url(//evil.example/b.css);", ""),
        ("a{behavior:url(x.htc);color:red}", "a{color:red}"),
        ("a{width:expression(alert(1));color:red}", "a{color:red}"),
        ("a{-moz-binding:url(x.xml#y)}", "a{}"),
        ("@font-face{font-family:x;src:url(x.woff)}", '@font-face{font-family:x;src:url("copy/x.woff")}'),
        ("@media print{body{color:red}}", "@media print{\narchived-body{color:red}\n}"),
        ("@page{margin:-99px 0 0}@page :first{size:1px}a{color:red}", "a{color:red}"),
        ("a{content:'</style>'}", "a{content:'<\\/style>'}"),
        ("a{color:red", "a{color:red}"),
        ("}}a{color:red}", "a{color:red}"),
        ("<!-- td{color:red} -->", "td{color:red}"),
        (".body,#html,[title=body],my-body{color:red}", ".body,#html,[title=body],my-body{color:red}"),
        ("html body>div,BODY.x{color:red}", "archived-html archived-body>div,archived-body.x{color:red}"),
    ],
)
def test_a_rule_is_rewritten(old: str, new: str) -> None:
    assert css.rewrite(old, known)[0] == new


def test_a_style_of_many_pages_leads_on_each_to_what_is_there() -> None:
    """Pages repeat a style word for word, and it is worked through once; what its links mean depends on the page."""
    sheet = "@import 'a.css';b{background:url(c.gif)}@media print{d{background:url(e.gif);behavior:url(f.htc)}}"
    answers: dict[str, str | None] = {"a.css": "../a.css", "c.gif": None, "e.gif": "../e.gif"}
    for resolve in (known, answers.get, known):
        assert css.rewrite_repeated(sheet, resolve) == css.rewrite(sheet, resolve)
    assert css.rewrite_repeated(sheet, answers.get)[0] != css.rewrite_repeated(sheet, known)[0]


def test_the_background_of_the_body_still_fills_the_whole_page() -> None:
    """Browsers paint it on the window; in a copy the archived page is the window."""
    assert (
        css.rewrite("body{background:#eee;width:980px}", known)[0]
        == "archived-html{background:#eee}\narchived-body{width:980px}"
    )


def test_the_root_font_size_still_measures_rem() -> None:
    assert "html{font-size:100px}" in css.rewrite("html{font-size:100px;display:none}", known)[0]
    assert "\nhtml{display" not in css.rewrite("html{font-size:100px;display:none}", known)[0]


def test_a_style_attribute_stays_within_its_braces() -> None:
    assert (
        css.rewrite_style("color:red;background:url(x.gif)}*{display:none", known)[0]
        == 'color:red;background:url("copy/x.gif")*display:none'
    )


_PIECES = st.sampled_from([*"ab{};:@'\"\\/*()<>! \n", "url(", "@import ", "</style", "body", "http://x.example/"])


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=60).map("".join))
def test_no_style_sheet_leads_outside_or_ends_its_element(text: str) -> None:
    rewritten, _ = css.rewrite(text, lambda link: None)
    assert "</" not in rewritten
    for found in (rewritten, css.rewrite_style(text, lambda link: None)[0]):
        assert not re.search(r"""(?i)(?<![\w-])url\(\s*["']?(?!#)[^"'\s)]""", found)


@pytest.mark.parametrize(
    "family",
    ['"Noto Serif CJK SC"', "noto sans CJK sc", "'PINGFANG SC'", "Microsoft\\20 YaHei", "\\53imSun", '"S\\0000000imSun"', "  SimSun  "],
)  # fmt: skip
def test_no_font_of_an_old_page_takes_the_name_of_one_of_the_stamps(family: str) -> None:
    """Its letters could be any: the stamp would say something else."""
    rewritten, dropped = css.rewrite(f"@font-face{{src:local(x);font-family:{family}}}a{{color:red}}", known)
    assert (rewritten, dropped) == ("a{color:red}", 1)


def test_every_font_of_the_stamp_is_protected() -> None:
    sheet = (resources.files("archive") / "templates" / "stamp.css").read_text(encoding="utf-8")
    named = {
        name
        for value in re.findall(r"font(?:-family)?:([^;}]*)", sheet)
        for name in re.findall(r'"([^"]+)"|, (\w+)', value)
    }
    families = {css._letters(quoted or plain) for quoted, plain in named} - {"sansserif", "sans", "serif"}
    assert len(families) > 5
    assert families == css._STAMP_FONTS
