"""What a page may weigh, and what it may load: on the sample city, one page of every kind."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html

from tests.kinds import KINDS, with_both_editions

FIRST_FLIGHT = 14 * 1024
"""Ten TCP segments: what a server sends before the first answer."""
STYLE = 15 * 1024
SCRIPT = 12 * 1024


@pytest.fixture(scope="module")
def release(sample: Path) -> Path:
    with_both_editions(sample)
    subprocess.run([sys.executable, "-m", "sitegen", "build"], cwd=sample, check=True, capture_output=True)
    return (sample / "build/site").resolve()


def packed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))


def page_of(release: Path, url: str) -> Path:
    return release / (f"{url[1:]}index.html" if url.endswith("/") else url[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_arrives_in_the_first_flight_and_loads_nothing_foreign(release: Path, kind: str) -> None:
    """≤ 14 KB packed; no inline style or script (data blocks excepted); pictures have their size, and wait when they are
    below the fold; whatever is loaded lies on this host."""
    path = page_of(release, KINDS[kind])
    assert packed(path) <= FIRST_FLIGHT
    tree = html.fromstring(path.read_bytes())
    assert [e.get("type") for e in tree.iter("script") if not e.get("src")] in ([], ["application/ld+json"])
    assert [
        e.get("src")
        for e in tree.iter("script")
        if e.get("src") and "defer" not in e.attrib and e.get("type") != "module"
    ] == []
    assert list(tree.iter("style", "iframe", "object", "embed", "font")) == []
    assert [name for e in tree.iter() for name in e.attrib if name == "style" or re.match(r"on[a-z]", str(name))] == []
    loaded = [e.get("src") for e in tree.iter("script", "img", "source") if e.get("src")]
    loaded += [e.get("href") for e in tree.iter("link") if e.get("rel") in {"stylesheet", "icon", "preload"}]
    assert [url for url in loaded if not re.match(r"/(?!/)|(?![a-z]+:|//)", str(url))] == []
    in_text = {id(e) for body in tree.iter("div") if "gov-body" in body.get("class", "") for e in body.iter("img")}
    pictures = [e for e in tree.iter("img") if id(e) not in in_text]
    assert [e.get("src") for e in pictures if not (e.get("width") and e.get("height"))] == []
    assert [e.get("src") for e in pictures[1:] if e.get("loading") != "lazy"] == []
    assert [e.get("src") for e in pictures if e.get("alt") is None] == []


def test_the_style_sheet_and_the_script_are_small(release: Path) -> None:
    (style,) = (release / "assets").glob("gov.*.css")
    (script,) = (release / "assets").glob("gov.*.js")
    assert packed(style) <= STYLE
    assert packed(script) <= SCRIPT
    text = style.read_text(encoding="utf-8")
    assert "@font-face" not in text
    assert "@import" not in text
    assert "://" not in text


def test_a_kept_mode_is_the_mode_that_the_strip_sets(release: Path) -> None:
    """assets/mode/*.css set the very tokens that gov.css sets when the mode is chosen on the page."""
    (style,) = (release / "assets").glob("gov.*.css")
    text = style.read_text(encoding="utf-8")
    for mode in ("elder", "contrast"):
        start = text.index(f":root:is(.{mode}, :has(#gov-{mode}:checked)) {{")
        tokens = text[text.index("{", start) : text.index("}", start) + 1]
        assert tokens in (release / f"assets/mode/{mode}.css").read_text(encoding="utf-8")
