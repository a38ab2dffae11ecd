"""Every hostile page of tests/sites/hostile, stamped and opened in a real browser: the stamp is seen, nothing runs,
nothing is asked of another host."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image, ImageChops

from tests.archive.oldweb import ROOT
from tests.archive.stamping import old_part, stamped, tree

pytestmark = pytest.mark.needs("chromium")

CASES = {
    path.name.partition(".")[0]: path
    for path in sorted((ROOT / "tests/sites/hostile").iterdir())
    if ".html" in path.name
}
WAYS = {"desktop": (1280, "screen"), "telephone": (390, "screen"), "printed": (794, "print")}
ADDRESS = "http://archive.test/archive/old/20261122103000/old.example/page.html"
LOOK = """() => {
  const stamp = document.body.firstElementChild, box = stamp.getBoundingClientRect(), others = [];
  for (let x = 2; x < box.width; x += box.width / 23)
    for (let y = 2; y < box.height; y += 7) {
      const top = document.elementFromPoint(box.left + x, box.top + y);
      if (top !== stamp && !stamp.contains(top)) others.push([x, y, top && top.tagName]);
    }
  return {others, box: [box.left, box.top, box.width, box.height], stamps: document.querySelectorAll('[data-archived]').length,
          archived: stamp.dataset.archived, ran: window.hostile || null, scrolled: [scrollX, scrollY],
          width: document.documentElement.scrollWidth, title: document.title, words: stamp.innerText};
}"""


@dataclass
class Opened:
    """A page as the browser shows it. `asked`: addresses other than the page's own and embedded data."""

    facts: dict[str, Any]
    picture: Image.Image


@dataclass
class Window:
    """One browser for all pages. Scripts are allowed: in public the server's policy forbids them once more. Whatever a
    page asks for is noted and refused. `harmless`: doctype → what the stamp must look like in each way."""

    context: Any
    html: str = ""
    asked: list[str] = field(default_factory=list)
    harmless: dict[str, dict[str, Opened]] = field(default_factory=dict)

    def answer(self, route: Any) -> None:
        self.asked.append(route.request.url)
        if self.asked == [ADDRESS]:
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        else:
            route.abort()

    def dismiss(self, dialog: Any) -> None:
        self.asked.append("dialog")
        dialog.dismiss()

    def open(self, html: str) -> dict[str, Opened]:
        self.html, self.asked = html, []
        page = self.context.new_page()
        page.on("dialog", self.dismiss)
        page.goto(ADDRESS, timeout=60_000)
        shown = {way: self._looked_at(page, *WAYS[way]) for way in WAYS}
        page.close()
        return shown

    def _looked_at(self, page: Any, width: int, media: str) -> Opened:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media=media)
        page.wait_for_timeout(20)
        facts: dict[str, Any] = page.evaluate(LOOK)
        left, top, wide, tall = facts["box"]
        clip = {"x": max(0, left), "y": max(0, top), "width": max(1, min(wide, 1300)), "height": max(1, min(tall, 900))}
        return Opened(facts, Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))

    def reference(self, html: str) -> dict[str, Opened]:
        doctype = html.partition("<html")[0]
        if doctype not in self.harmless:
            self.harmless[doctype] = self.open(stamped(doctype + "<title>旧站</title><p>旧站正文</p>").html)
        return self.harmless[doctype]


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        made = Window(browser.new_context())
        made.context.route("**/*", made.answer)
        yield made
        browser.close()


def source(case: str) -> bytes:
    data = CASES[case].read_bytes()
    return gzip.decompress(data) if CASES[case].suffix == ".gz" else data


@pytest.mark.parametrize("case", CASES)
def test_the_stamp_of_a_hostile_page_is_seen_and_nothing_runs_or_calls_out(window: Window, case: str) -> None:
    """第十五条: prominently marked, whatever an old page tries — pixel for pixel the stamp of a harmless page, on a wide
    window, on a telephone, in print."""
    html = stamped(source(case)).html
    wanted, found = window.reference(html), window.open(html)
    assert window.asked == [ADDRESS]
    for way in WAYS:
        seen, expected = found[way].facts, wanted[way].facts
        assert seen["ran"] is None
        assert (way, seen["box"]) == (way, expected["box"])
        assert (seen["archived"], seen["stamps"], seen["words"]) == ("2026-11-22", 1, expected["words"])
        assert seen["others"] == []
        assert seen["scrolled"] == [0, 0]
        assert seen["width"] <= WAYS[way][0]
        assert seen["title"].startswith("【已歸檔】")
        assert ImageChops.difference(found[way].picture, wanted[way].picture).getbbox() is None, way


@pytest.mark.parametrize("case", CASES)
def test_the_words_of_a_hostile_page_are_kept(case: str) -> None:
    """What is disarmed is still to be read."""
    html = stamped(source(case)).html
    assert "旧站正文" in tree(f"<div>{old_part(html)}</div>").text_content()


def test_the_harmless_stamp_shows_its_label_in_red_on_its_own_ground(window: Window) -> None:
    """The picture that the others are compared with is the right one."""
    for shown in window.reference("<!DOCTYPE html>\n<html").values():
        colours = {colour: number for number, colour in shown.picture.getcolors(1 << 24) or []}
        area = shown.picture.width * shown.picture.height
        assert colours[(163, 35, 26)] > 0.02 * area
        assert colours[(250, 240, 238)] > 0.4 * area
        assert "「已歸檔」" in shown.facts["words"]
        assert "2026-11-22" in shown.facts["words"]
        assert shown.facts["box"][:2] == [0, 0]


@pytest.mark.parametrize(
    "case",
    ["hide-print", "hide-display", "cover-fixed", "cover-z-index-war", "hide-offscreen", "frameset", "meta-policy"],
)
def test_a_hostile_page_printed_on_paper_begins_with_the_stamp(window: Window, case: str, tmp_path: Path) -> None:
    page = window.context.new_page()
    page.set_content(stamped(source(case)).html)
    paper = tmp_path / "paper.pdf"
    page.pdf(path=paper, format="A4", prefer_css_page_size=True)
    page.close()
    first = pypdf.PdfReader(paper).pages[0]
    assert float(first.mediabox.width) > 590
    text = first.extract_text()
    assert "已歸檔" in text[:200]
    assert "2026-11-22" in text[:300]
