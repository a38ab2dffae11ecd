"""What a link means: Chromium is asked, href by href and charset by charset, what it would request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from archive import canon
from archive.discover import discover

BASE = "http://www.example.gov.cn/lydt/2012/index.htm"
HREFS = (
    "a.htm", "/a.htm", "../a.htm", "../../../../a.htm", "./", "..", ".", "?a=1", "a.htm?", "a.htm#x", "#x", "a/../b/./c.htm",
    "%2e%2e/a.htm", "a/%2E/b.htm", "//www.example.gov.cn/x.htm", "\\\\www.example.gov.cn\\y.htm", "\\a\\b.htm", "a\\b.htm?c\\d",
    " a.htm ", "a b.htm", "a\tb\n.htm", "a.htm?x=a b", "HTTP://WWW.Example.GOV.cn:80/A.htm", "http://www.example.gov.cn:080/b",
    "http://www.example.gov.cn:8080/", "http://www.example.gov.cn", "http:/c.htm", "http:c.htm", "http:///www.example.gov.cn/d",
    "https://www.example.gov.cn:443/s", "https://www.example.gov.cn:80/s", "旅游/附件（一）.doc", "s.asp?k=旅游", "s.asp?旅游=局&b",
    "旅游.asp?k=旅游#旅游", "s.asp?k=é", "s.asp?k=€", "s.asp?k=😀", "s.asp?k=䶮", "é/😀.htm", "s.asp?k=%C2%C3&j=旅",
    "%C2%C3.htm", "100%.htm", "a%zz.htm?b%", "a'b\".htm?c'd\"e", "a<b>.htm?c<d>", "a{b}|c^d`.htm?e{f}|g^h`", "a~b!c$d&e(f)*g+h,i;j=k@l.htm",
    "a[b].htm?c[d]=e", "s.asp?a=1&amp;b=2", "s.asp?a=1&b=2?c=3", "a;jsessionid=1?b", "//[::1]/x", "http://user@www.example.gov.cn/u",
    "http://中国.cn/x", "http://www.example.gov.cn./dot", "http://example.com%2f/x", "a\u3000b.htm", "\u00a0c.htm", "x\u00ad.htm",
    "s.asp?k=Ａ", "mailto:a@b", "javascript:1", "data:,x", "a:b.htm", "?旅", "//", "http://", "a//b///c.htm", "/..//a.htm",
    "s.asp?k=\\u65c5", "s.asp?k=—…·", "s.asp?k=臺灣", "'a.htm'",
)  # fmt: skip
CHARSETS = {
    "utf-8": "utf-8",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "utf-16le": "utf-16-le",
    "windows-1252": "cp1252",
}
# Letters in a query that GBK lacks: its pages are read as GB18030, so that we send the letter itself, Chromium its number.
DIFFERENT = {"gbk": {"s.asp?k=€", "s.asp?k=😀"}}


def of_chromium(url: str) -> str | None:
    """Without what we leave out on purpose: fragment, credentials, an empty query, the dot after a host."""
    plain = url.partition("#")[0].removesuffix("?").replace("//user@", "//").replace(".cn./", ".cn/")
    return plain if url.startswith("http") and plain != "http://" else None


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("ARCHIVE_CHROMIUM", "/usr/bin/chromium"), chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()


def html(charset: str) -> bytes:
    """A page with every link; what its charset lacks stands there as a character reference."""
    links = "".join(f'<a href="{href.replace(chr(34), "&quot;")}">x</a>' for href in HREFS)
    page = f"<!doctype html><html><head><title>旅游</title></head><body>{links}</body></html>"
    return page.encode(CHARSETS[charset], "xmlcharrefreplace")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("charset", CHARSETS)
def test_a_link_means_what_chromium_makes_of_it(chromium: Any, charset: str) -> None:
    body, kind = html(charset), f"text/html; charset={charset}"
    page = chromium.new_page()
    page.route("**/*", lambda route: route.fulfill(body=body, headers={"Content-Type": kind}))
    page.goto(BASE)
    asked = page.evaluate("[...document.links].map(a => [a.getAttribute('href'), a.href])")
    page.close()
    differ = {}
    for href, absolute in asked:
        expected = of_chromium(absolute)
        ours = canon.resolve(BASE, href, CHARSETS[charset])
        if ours != expected and href not in DIFFERENT.get(charset, ()):
            differ[href] = (ours, expected)
    assert differ == {}
    assert len(asked) == len(HREFS)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("charset", CHARSETS)
def test_what_is_found_on_a_page_is_what_chromium_would_ask_for(chromium: Any, charset: str) -> None:
    body, kind = html(charset), f"text/html; charset={charset}"
    page = chromium.new_page()
    page.route("**/*", lambda route: route.fulfill(body=body, headers={"Content-Type": kind}))
    page.goto(BASE)
    asked = page.evaluate("[...document.links].map(a => [a.getAttribute('href'), a.href])")
    page.close()
    found = {link.url for link in discover(BASE, [("Content-Type", kind)], body).links}
    wanted = {of_chromium(url) for href, url in asked if href not in DIFFERENT.get(charset, ())} - {None}
    assert wanted - found == set()
    assert len(found - wanted) == len(DIFFERENT.get(charset, ()))
