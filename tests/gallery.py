"""The pictures of docs/gallery: every kind of page of the sample city, on a desktop and on a telephone.

Usage: make demo, `archive retire jyj/old-column`, then python -m tests.gallery [BUILD/SITE]
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from sitegen import servers
from tests.archive.servers import SERVERS
from tests.cities import ROOT
from tests.kinds import KINDS, RETIRED

FOLDER = ROOT / "docs/gallery"
LIMIT = 40_000
"""Bytes of one picture."""
MORE = {
    "archive-site": "/archive/lyj/",
    "archived-page": "/archive/lyj/{capture}/lyj.example.gov.cn/zt/2014/zhly.html",
    "column-class": "/tzgg/class_gg.html",
}
"""Pages of an old site come with headers of their own (`archive headers`), which are passed over here."""
SIZES = {"desktop": (1280, 1600, 800), "phone": (390, 1100, 390)}
"""Name → width of the window, most of the page's height that is shown, width of the picture."""


def small(png: bytes, width: int) -> bytes:
    """WebP within the limit: as good as fits."""
    with Image.open(io.BytesIO(png)) as image:
        shown = image.convert("RGB")
        shown = shown.resize((width, round(shown.height * width / shown.width)), Image.Resampling.LANCZOS)
    for quality in range(80, 0, -8):
        packed = io.BytesIO()
        shown.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= LIMIT:
            return packed.getvalue()
    raise ValueError(width)


def main(release: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    [capture] = [path.name for path in (release / "archive/lyj").iterdir() if path.name.isdecimal()]
    configuration = servers.nginx("https://www.example.gov.cn/", release.resolve().as_posix())
    with (
        tempfile.TemporaryDirectory() as folder,
        SERVERS["nginx"](Path(folder), configuration) as port,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for size, (window, height, width) in SIZES.items():
            page = browser.new_page(viewport={"width": window, "height": height}, bypass_csp=True)
            for kind, url in {**KINDS, **RETIRED, **MORE}.items():
                page.goto(f"http://127.0.0.1:{port}{url.format(capture=capture)}", wait_until="load")
                tall = min(page.evaluate("document.documentElement.scrollHeight"), height)
                png = page.screenshot(clip={"x": 0, "y": 0, "width": window, "height": tall})
                (FOLDER / f"{kind}-{size}.webp").write_bytes(small(png, width))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/site")
