"""Every kind of page of the sample city, once: what is looked at in browsers, measured and put into the gallery."""

from __future__ import annotations

from collections.abc import Mapping

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
