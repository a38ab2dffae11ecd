"""第二十四条: every kind of page against the design annex of 《政府网站发展指引》, item by item, on the sample city.

Beside this: what a page may load and weigh (test_budgets), its tags and the nine items of its footer (test_build,
test_sample), the prompt before links to other hosts (test_theme), widths, focus and contrast in browsers (web/).
"""

from __future__ import annotations

import colorsys
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.cities import ROOT
from tests.kinds import KINDS
from tests.test_budgets import page_of

PAGES = [kind for kind in KINDS if kind != "traditional"]
"""A page in Traditional script is its Simplified one, converted (test_traditional)."""
DATED = ("article", "policy", "policy-repealed", "interpretation", "service", "message", "english")
STANDING = frozenset({"elder", "contrast"})
"""Pages on which a reader chooses how to read; they lead back and have no more than that to offer."""


@pytest.fixture(scope="module")
def release(sample: Path) -> Path:
    subprocess.run([sys.executable, "-m", "sitegen", "build"], cwd=sample, check=True, capture_output=True)
    return (sample / "build/site").resolve()


def within(element: html.HtmlElement, path: str) -> list[Any]:
    found = element.xpath(path)
    assert isinstance(found, list)
    return found


def tree_of(release: Path, kind: str) -> html.HtmlElement:
    return html.fromstring(page_of(release, KINDS[kind]).read_bytes())


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_has_the_three_regions_in_their_order(release: Path, kind: str) -> None:
    """头部标识区, 中部内容区, 底部功能区: each once, and nothing that citizens read outside of them but the path."""
    body = tree_of(release, kind).find("body")
    assert body is not None
    regions = [one.tag for one in body if one.tag in ("header", "main", "footer")]
    assert regions == ["header", "main", "footer"]
    header = body.find("header")
    assert header is not None
    assert [one for one in within(header, ".//*[contains(@class, 'name')]") if one.text_content().strip()]


@pytest.mark.parametrize("kind", [kind for kind in PAGES if kind not in STANDING])
def test_every_page_offers_search_and_the_main_columns(release: Path, kind: str) -> None:
    """信息检索; columns are reached from every page."""
    tree = tree_of(release, kind)
    assert within(tree, "//header//form[@role='search'] | //main//form[@role='search']")
    assert within(tree, "//header//nav//a")


@pytest.mark.parametrize("kind", DATED)
def test_the_time_of_publication_has_its_form_and_the_source_is_named(release: Path, kind: str) -> None:
    """YYYY-MM-DD HH:MM, as its tag says it; 信息来源."""
    tree = tree_of(release, kind)
    tags = {meta.get("name"): meta.get("content") for meta in tree.iter("meta")}
    shown = {value.text_content().strip() for value in within(tree, "//main//dl//dd")}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d", str(tags["PubDate"]))
    assert tags["PubDate"] in shown
    assert tags["ContentSource"] in shown


def test_pages_of_one_site_have_one_footer(release: Path) -> None:
    """首尾一致: whatever is shown in between. The address of the page itself, in the 找错 link, differs."""
    kinds = ("home", "column", "article", "policy", "service", "leader", "message", "topic", "site-map")
    footers = set()
    for kind in kinds:
        [footer] = within(tree_of(release, kind), "//footer")
        text = html.tostring(footer, encoding="unicode", with_tail=False)
        footers.add(re.sub(r"url=http[^\"&]*", "url=", text))
    assert len(footers) == 1


def colours(style: str) -> Iterator[tuple[float, float]]:
    """(hue in degrees, saturation) of every colour of a style sheet."""
    for value in re.findall(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", style):
        whole = value if len(value) == 6 else "".join(2 * sign for sign in value)
        red, green, blue = (int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4))
        hue, _lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
        yield hue * 360, saturation


def hues(style: str) -> list[int]:
    """Groups of hues that lie within 30 degrees; greys have none."""
    found: list[int] = []
    for hue, saturation in colours(style):
        if saturation >= 0.3 and all(min(abs(hue - one), 360 - abs(hue - one)) > 30 for one in found):
            found.append(round(hue))
    return found


def test_the_site_has_one_main_colour_and_no_more_than_three() -> None:
    """1 种主色调, 总色调不宜超过 3 种, in the palette that the style sheet draws everything with."""
    style = (ROOT / "themes/gov/assets/gov.css").read_text(encoding="utf-8")
    palette = style[style.index(":root") : style.index("}", style.index(":root"))]
    assert 1 <= len(hues(palette)) <= 3
    assert len(hues("#f00 #0f0 #00f #ff0 #114477 #888")) == 4


@pytest.mark.parametrize("kind", PAGES)
def test_nothing_flashes_moves_or_floats(release: Path, kind: str) -> None:
    """No 飘窗, no marquee, nothing that plays by itself; no “正在建设中”."""
    tree = tree_of(release, kind)
    assert list(tree.iter("marquee", "blink", "video", "audio", "iframe", "object", "embed")) == []
    assert [meta for meta in tree.iter("meta") if (meta.get("http-equiv") or "").lower() == "refresh"] == []
    assert not re.search("正在建设|建设中，敬请", tree.text_content())


def test_the_style_sheets_move_nothing_and_float_only_the_prompt() -> None:
    for path in sorted((ROOT / "themes/gov/assets").glob("*.css")):
        style = path.read_text(encoding="utf-8")
        assert not re.search(r"@keyframes|animation\s*:", style), path.name
        floating = re.findall(r"^([^{}\n]*)\{[^{}]*position: *fixed", style, re.MULTILINE)
        assert {one.strip() for one in floating} <= {".leave"}, path.name


def test_every_column_is_near_its_home_and_none_is_blank(release: Path, sample: Path) -> None:
    """Three steps from the home page lead to every column; a column shows what it holds."""
    columns = [
        f"/{index.parent.relative_to(sample / 'content').as_posix()}/"
        for index in (sample / "content").rglob("index.md")
        if "kind: column" in index.read_text(encoding="utf-8")
    ]
    assert len(columns) > 50
    steps = {"/": 0}
    waiting = ["/"]
    while waiting:
        url = waiting.pop(0)
        page = page_of(release, url)
        if steps[url] == 3 or not page.is_file():
            continue
        for link in within(html.fromstring(page.read_bytes()), "//a/@href"):
            target = str(link).partition("#")[0].partition("?")[0]
            if target.startswith("/") and target.endswith(("/", ".html")) and target not in steps:
                steps[target] = steps[url] + 1
                waiting.append(target)
    assert sorted(set(columns) - set(steps)) == []
    for column in columns:
        [main] = within(html.fromstring(page_of(release, column).read_bytes()), "//main")
        assert [link for link in within(main, ".//a/@href") if str(link).endswith((".html", "/"))], column
