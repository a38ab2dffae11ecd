"""In a real browser: the stamp is seen first, at every width, and no old page can hide or cover it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archive.stamping import stamped
from tests.archive.test_publish_stamp import HOSTILE

pytestmark = pytest.mark.needs("chromium")

HIDING = {
    "nothing": "",
    "everything hidden": "<style>*{display:none!important}</style>",
    "sections hidden": "<style>body>section,html body section#x,section.gdz{display:none!important}</style>",
    "the mark hidden": "<style>[data-archived]{display:none!important}[data-archived] *{font-size:0!important}</style>",
    "hidden with great weight": "<style>section:not(#a):not(#b):not(#c):not(#d):not(#e),section:not(#a):not(#b):not(#c):not(#d):not(#e) *{display:none!important;color:transparent!important}</style>",
    "hidden in a layer": "<style>@layer gdz,gdz-stamp,a;@layer a{*{display:none!important}}</style>",
    "invisible": "<style>html,body{visibility:hidden!important;opacity:0!important}</style>",
    "moved away": "<style>html{transform:translateX(-5000px)}body{position:absolute!important;left:-9999px!important;margin-top:-999px!important}section{position:fixed!important;top:-999px!important}</style>",
    "shrunk": "<style>html{zoom:.01;font-size:1px!important}*{max-height:0!important;overflow:hidden!important;line-height:0!important}</style>",
    "clipped": "<style>*{clip-path:inset(100%)!important;filter:opacity(0)!important;mask:linear-gradient(transparent,transparent)!important}</style>",
    "covered": "<div style='position:fixed;top:0;left:0;width:100vw;height:100vh;background:#fff;z-index:2147483647'>cover</div>",
    "covered from above": "<div style='position:absolute;top:-2000px;left:-50px;width:3000px;height:4000px;background:#fff;z-index:2147483647'>cover</div>",
    "pulled over": "<div style='margin-top:-900px;height:900px;background:#fff;position:relative;z-index:9'>cover</div>",
    "words before": "<style>*::before{content:'x';position:fixed;inset:0;background:#fff;z-index:99999}</style>",
    "animated away": "<style>@keyframes k{to{opacity:0;transform:scale(0)}}*{animation:k 1ms forwards!important;transition:all 1s!important}</style>",
    "upside down": "<style>html{direction:rtl;writing-mode:vertical-rl}*{color:#faf0ee!important;background:#faf0ee!important}</style>",
    "wide": "<table width=980><tr><td>wide</table>",
    "very wide": "<style>body,section,div{width:4000px!important;min-width:4000px!important}</style><div>wide</div>",
    "before and after a layer": "<style>@import 'x.css' layer(gdz);@layer{[data-archived]{display:none!important}}</style>",
    "a dialog": "<dialog open style='position:fixed;inset:0;width:100%;height:100%'>x</dialog><div popover=manual>y</div>",
    "columns": "<style>html{columns:9;column-width:1px}body{display:grid;grid-template-rows:0 0}*{content-visibility:hidden!important}</style>",
}
SEEN = """() => {
  const found = [];
  for (const [name, selector] of [['label', '[data-archived] .gdz-h'], ['date', '[data-archived] time']]) {
    const e = document.querySelector(selector);
    const r = e.getBoundingClientRect();
    const top = document.elementFromPoint(r.left + Math.min(r.width, 60) / 2, r.top + r.height / 2);
    found.push({name, top: r.top, bottom: r.bottom, left: r.left, right: r.right, height: r.height,
                shown: !!top && (top === e || e.contains(top) || top.contains(e)),
                colour: getComputedStyle(e).color, size: parseFloat(getComputedStyle(e).fontSize),
                visible: e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}), words: e.innerText});
  }
  return {found, first: document.body.firstElementChild.hasAttribute('data-archived'), run: window.hostile || null,
          page: document.documentElement.scrollWidth};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


def look(browser: Any, html: str, tmp_path: Path, *, width: int = 390) -> tuple[dict[str, Any], list[str]]:
    """What is to be seen of a page opened from a file, and which addresses it asked for."""
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 844}, java_script_enabled=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def refuse(dialog: Any) -> None:
        asked.append("dialog")
        dialog.dismiss()

    page.on("dialog", refuse)
    page.goto(file.as_uri())
    page.wait_for_timeout(30)
    seen: dict[str, Any] = page.evaluate(SEEN)
    context.close()
    return seen, [url for url in asked if url != file.as_uri() and not url.startswith("data:")]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("markup", HIDING.values(), ids=HIDING)
def test_label_and_archive_date_are_seen_within_the_first_200_pixels(
    browser: Any, markup: str, width: int, tmp_path: Path
) -> None:
    """第十五条: prominently and clearly marked — on a telephone too, whatever the old page does."""
    seen, _ = look(browser, stamped(f"<title>旧</title>{markup}<p>text").html, tmp_path, width=width)
    assert seen["first"]
    for one in seen["found"]:
        assert one["visible"], one
        assert one["shown"], one
        assert 0 <= one["top"] < one["bottom"] <= 200, one
        assert 0 <= one["left"] < one["right"] <= width, one
        assert one["size"] >= 16, one
        assert one["colour"] in {"rgb(163, 35, 26)", "rgb(26, 30, 35)"}, one
    assert "已歸檔" in seen["found"][0]["words"]
    assert seen["found"][1]["words"] == "2026-11-22"
    assert seen["page"] <= width


@pytest.mark.parametrize("markup", HOSTILE.values(), ids=HOSTILE)
def test_no_hostile_page_runs_or_calls_out_and_each_shows_the_stamp(browser: Any, markup: str, tmp_path: Path) -> None:
    live = markup.replace("alert(1)", "window.hostile=1").replace("x()", "window.hostile=1")
    seen, asked = look(browser, stamped(live).html, tmp_path)
    assert seen["run"] is None
    assert [url for url in asked if "evil" in url or url == "dialog"] == []
    assert seen["first"]
    assert all(one["visible"] and one["bottom"] <= 200 for one in seen["found"])


def test_a_wide_old_page_slides_inside_its_frame(browser: Any, tmp_path: Path) -> None:
    seen, _ = look(browser, stamped("<table width=980 bgcolor=red><tr><td>wide</table>").html, tmp_path)
    assert seen["page"] == 390


def test_the_stamp_is_legible_where_a_page_sits_in_a_small_frame(browser: Any, tmp_path: Path) -> None:
    """An iframe of an old page shows an archived page: label and date, in one small strip."""
    inner = tmp_path / "inner.html"
    inner.write_text(stamped("<p>天气").html, encoding="utf-8")
    file = tmp_path / "outer.html"
    file.write_text(f'<iframe src="{inner.as_uri()}" width=200 height=90></iframe>', encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    frame = page.frames[1]
    frame.wait_for_load_state()
    for selector in (".gdz-h", "time"):
        box = frame.locator(f"[data-archived] {selector}").first.evaluate("e => e.getBoundingClientRect().toJSON()")
        assert 0 <= box["top"] < box["bottom"] <= 90
    page.close()
