"""Every kind of page of the sample city, once: what is looked at in browsers, measured and put into the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

KINDS: Mapping[str, str] = {
    "home": "/",
    "department": "/jyj/",
    "county": "/qx/qinghe/",
    "column": "/tzgg/",
    "services": "/bsfw/",
    "letters": "/hdjl/",
    "leaders": "/ldxx/",
    "institutions": "/jgzn/",
    "open-information": "/zwgk/",
    "surveys": "/zjdc/",
    "topics": "/topics/",
    "topic": "/topics/dnfw/",
    "article": "/tzgg/202610/t20261022_1014.html",
    "policy": "/zcwj/202610/t20261008_2001.html",
    "policy-repealed": "/zcwj/202603/t20260310_2002.html",
    "interpretation": "/zcjd/202610/t20261012_2102.html",
    "service": "/bsfw/202609/t20260928_2301.html",
    "leader": "/ldxx/luqifan.html",
    "message": "/hdjl/202611/t20261118_2401.html",
    "page": "/gywz/wza.html",
    "notice-opening": "/tzgg/202608/t20260821_9065305.html",
    "notice-address": "/tzgg/202607/t20260731_9850948.html",
    "notice-offline": "/tzgg/202610/t20261016_9875494.html",
    "supervision": "/supervision/",
    "inspection": "/supervision/inspection-2026q3.html",
    "annual-report": "/supervision/annual-2025.html",
    "english": "/en/202611/t20261113_1023.html",
    "site-map": "/sitemap.html",
    "search": "/search/",
    "traditional": "/zh-hant/",
    "elder": "/modes/elder/index.html",
    "contrast": "/modes/contrast/index.html",
    "not-found": "/404.html",
    "gone": "/410.html",
    "unavailable": "/503.html",
}
"""Name of a kind → address of a page of it."""
RETIRED: Mapping[str, str] = {
    "archive": "/archive/",
    "retired-column": "/jyj/old-column/",
    "retired-article": "/jyj/old-column/202503/t20250320_3110.html",
}
"""The same, of what is there only after the demo retired the old site and the old column."""


def with_both_editions(root: Path) -> Path:
    """The project of tests.cities.copy_sample, building the Traditional edition too as the committed one does."""
    index = root / "content" / "index.md"
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("kind: portal\n", "kind: portal\ntraditional: true\n", 1), encoding="utf-8")
    return root
