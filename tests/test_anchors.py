"""Headings answer to their text, and still to the number Python-Markdown gave them."""

from __future__ import annotations

import re

import pytest

from sitegen.render.adapter import Engine
from sitegen.render.body import Heading
from tests.cities import ROOT, TinyCity

SOURCE = "fgw/xwdt/202611/t20261120_1.md"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(ROOT / "mkdocs.yml", lambda path: True)


def test_an_old_deep_link_still_lands(engine: Engine) -> None:
    """Python-Markdown called the second Chinese heading `_2`; the span in it answers to that."""
    body = engine.body(SOURCE, "# 一、总则\n\n## 二、**附**则")
    assert body.html == (
        '<h2 id="一-总则"><span id="_1"></span>一、总则</h2>\n'
        '<h2 id="二-附则"><span id="_2"></span>二、<strong>附</strong>则</h2>'
    )
    assert body.anchors == ("_1", "_2", "一-总则", "二-附则")
    assert body.headings == (
        Heading(title="一、总则", anchor="一-总则", level=1),
        Heading(title="二、附则", anchor="二-附则", level=2),
    )


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("# Scope\n\n# 甲\n\n# 甲", ["scope", "甲", "_1", "甲_1", "_2"]),
        ("# 第2章", ["第2章", "2"]),
        ("# 甲 {#x}\n\n# 乙", ["x", "乙", "_1"]),
        ("# 一\n\n# _1", ["一", "_1", "_2"]),  # the second heading's own id is _1: no alias may take it
        ("# x甲\n\n# x乙\n\n# x_1", ["x甲", "x", "x乙", "x_1", "x_2"]),
        ('# 甲\n\n<a id="_1">乙</a>', ["甲", "_1"]),
        ("# 甲 main", ["甲-main"]),  # the theme's own id
        ("> # 甲\n\n- # 乙", ["甲", "_1", "乙", "_2"]),
    ],
)
def test_an_alias_never_doubles_an_id(engine: Engine, text: str, ids: list[str]) -> None:
    body = engine.body(SOURCE, text)
    assert re.findall(r'id="([^"]+)"', body.html) == ids
    assert set(ids) <= set(body.anchors)


def test_a_link_to_an_old_anchor_is_not_called_missing(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md", body="# 一、总则")
    city.article("xwdt/202611/t20261120_2.md", body="见[总则](t20261120_1.md#_1)、[另](t20261120_1.md#_2)。")
    assert [problem.message for problem in city.build().problems] == [
        "content/xwdt/202611/t20261120_1.md has no place called #_2"
    ]
