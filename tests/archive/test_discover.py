"""Where old sites hide their links."""

from __future__ import annotations

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.discover import discover

HTML = [("Content-Type", "text/html")]
BASE = "http://lyj.example.gov.cn/lydt/index.htm"


def found(html: str, charset: str = "utf-8") -> dict[str, str]:
    """Path → kind, for the links of a page in /lydt/."""
    links = discover(BASE, HTML, html.encode(charset)).links
    return {link.url.removeprefix("http://lyj.example.gov.cn"): link.kind for link in links}


@pytest.mark.parametrize(
    ("html", "page"),
    [
        ("<A HREF=one.htm>", "/lydt/one.htm"),
        ("<a href='../two.htm#top'>", "/two.htm"),
        ('<map><AREA shape=rect href="a.htm"></map>', "/lydt/a.htm"),
        ("<frameset><FRAME SRC=left.htm></frameset>", "/lydt/left.htm"),
        ("<iframe src=/tq.htm></iframe>", "/tq.htm"),
        ('<base href="/zt/2012/"><a href="a.htm">', "/zt/2012/a.htm"),
        ("<META HTTP-EQUIV=Refresh CONTENT=\"0; URL='main/index.html'\">", "/lydt/main/index.html"),
        ('<meta http-equiv="refresh" content="3;next.htm">', "/lydt/next.htm"),
        ('<select onchange="go(this)"><option value="/tzgg/">x</select>', "/tzgg/"),
        ('<option value="list.asp?id=3">x', "/lydt/list.asp?id=3"),
        ("<a href=\"javascript:openwin('/pop/a.htm')\">", "/pop/a.htm"),
        ("<a href=\"JavaScript:void(window.open('show.asp?id=7','','width=3'))\">", "/lydt/show.asp?id=7"),
        ("<td onclick=\"location.href='t.htm'\">", "/lydt/t.htm"),
        ("<div onmouseup='window.open(\"/a/b.shtml\")'>", "/a/b.shtml"),
        ("<body onload=\"window.open('gg.htm')\">", "/lydt/gg.htm"),
        ("<script>document.write('<a href=\"dw.htm\">x<\\/a>')</script>", "/lydt/dw.htm"),
        ('<script>document.write("<a href=\\"esc.htm\\">x</a>")</script>', "/lydt/esc.htm"),
        ('<script>top.location="/main.htm";</script>', "/main.htm"),
        ("<script>window.location.replace('/moved/');</script>", "/moved/"),
        ('<script>var next = "/lydt/list_2.htm";</script>', "/lydt/list_2.htm"),
        ("<!-- <a href=gone.htm>off</a> -->", "/lydt/gone.htm"),
        ("<form action=search.asp><input name=q></form>", "/lydt/search.asp"),
        ('<link rel="alternate" type="application/rss+xml" href="/rss.xml">', "/rss.xml"),
        ('<a href="附件.doc">', "/lydt/%E9%99%84%E4%BB%B6.doc"),
        ('<a href=" \n/a b.htm">', "/a%20b.htm"),
        ('<a href="\\news\\1.htm">', "/news/1.htm"),
    ],
)
def test_pages_are_found_wherever_they_stand(html: str, page: str) -> None:
    assert found(html).get(page) == "page"


@pytest.mark.parametrize(
    ("html", "requisite"),
    [
        ("<IMG SRC=a.gif>", "/lydt/a.gif"),
        ('<img src="blank.gif" data-original="/lazy.jpg">', "/lazy.jpg"),
        ('<img data-src="lazy2.jpg">', "/lydt/lazy2.jpg"),
        ('<img srcset="s.jpg 1x, /l.jpg 2x">', "/l.jpg"),
        ('<picture><source srcset="w.webp"></picture>', "/lydt/w.webp"),
        ("<body background=bg.jpg>", "/lydt/bg.jpg"),
        ("<TD BACKGROUND='t.gif'>", "/lydt/t.gif"),
        ("<div style=\"background: url( 'st.gif' )\">", "/lydt/st.gif"),
        ("<style>@import '/i.css'; a{background:url(b\\.gif)}</style>", "/i.css"),
        ("<style>a{background:url(b\\.gif)}</style>", "/lydt/b.gif"),
        ("<link rel=stylesheet href=s.css>", "/lydt/s.css"),
        ('<link rel="shortcut icon" href="/favicon.ico">', "/favicon.ico"),
        ("<script src=/js/a.js></script>", "/js/a.js"),
        ("<video poster=p.jpg><source src=v.mp4></video>", "/lydt/p.jpg"),
        ("<audio src=a.mp3>", "/lydt/a.mp3"),
        ("<embed src=f.swf>", "/lydt/f.swf"),
        ("<object data=o.swf></object>", "/lydt/o.swf"),
        ("<object><param name=movie value=m.swf></object>", "/lydt/m.swf"),
        ('<svg><image xlink:href="v.png"/></svg>', "/lydt/v.png"),
        ('<meta property="og:image" content="/og.png">', "/og.png"),
        ("<input type=image src=go.gif>", "/lydt/go.gif"),
        ("<!--[if IE]><script src=ie.js></script><![endif]-->", "/lydt/ie.js"),
        ("<script>imgs[0] = 'images/b1.jpg'</script>", "/lydt/images/b1.jpg"),
    ],
)
def test_requisites_are_found_wherever_they_stand(html: str, requisite: str) -> None:
    assert found(html).get(requisite) == "requisite"


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:lyj@example.gov.cn">',
        '<a href="javascript:void(0)">',
        '<a href="tel:0000">',
        '<img src="data:image/gif;base64,AAAA">',
        '<a href="http://[broken">',
        "<form method=post action=/save.asp>",
        "<select><option value=1>一月</select>",
        "<a name=top>",
    ],
)
def test_what_is_no_link_is_not_asked_for(html: str) -> None:
    assert found(html) == {}


def test_trs_paging_names_its_pages() -> None:
    """`createPageHTML(count, current, name, extension)`: the first page has no number."""
    html = '<script>createPageHTML(4, 0, "index", "html");</script>'
    assert list(found(html)) == [f"/lydt/index{n}.html" for n in ("", "_1", "_2", "_3")]


def test_title_and_charset_are_read_from_an_undeclared_gbk_page() -> None:
    page = discover(BASE, HTML, "<TITLE> 旅游\n局 </TITLE>".encode("gbk"))
    assert (page.title, page.charset) == ("旅游 局", "gb18030")


def test_css_names_its_images_and_imports() -> None:
    css = b'@charset "gbk"; @import url(a.css); /* url(no.gif) */ b{background:URL("i/x.png")}'
    links = discover("http://a.cn/css/s.css", [("Content-Type", "text/css")], css).links
    assert [(link.url, link.kind) for link in links] == [
        ("http://a.cn/css/a.css", "requisite"),
        ("http://a.cn/css/i/x.png", "requisite"),
    ]


def test_feeds_and_sitemaps_name_pages() -> None:
    xml = [("Content-Type", "text/xml; charset=utf-8")]
    rss = b"<rss><channel><item><link>http://a.cn/1.htm?a=1&amp;b=2</link></item></channel></rss>"
    assert [link.url for link in discover("http://a.cn/rss.xml", xml, rss).links] == ["http://a.cn/1.htm?a=1&b=2"]
    loc = b"<urlset><url><loc><![CDATA[ http://a.cn/2.htm ]]></loc></url></urlset>"
    assert [link.url for link in discover("http://a.cn/s.xml", xml, loc).links] == ["http://a.cn/2.htm"]
    packed = discover("http://a.cn/s.xml.gz", [], gzip.compress(loc)).links
    assert [link.url for link in packed] == ["http://a.cn/2.htm"]


def test_binary_files_have_no_links() -> None:
    pdf = b"%PDF-1.4 <a href=x.htm>"
    assert discover("http://a.cn/a.pdf", [("Content-Type", "application/pdf")], pdf).links == ()


@given(st.binary(max_size=300), st.sampled_from(["text/html", "text/css", "text/xml", "text/javascript", ""]))
def test_no_bytes_make_discovery_fail(body: bytes, kind: str) -> None:
    """A site sends anything under any name."""
    for link in discover("http://a.cn/x", [("Content-Type", kind)], b"<html>" + body).links:
        assert link.url.isascii()


@given(st.text(max_size=60))
def test_no_attribute_makes_discovery_fail(text: str) -> None:
    html = f'<a href="{text}"><img srcset="{text}" style="{text}" onclick="{text}"><script>{text}</script>'
    discover("http://a.cn/x", HTML, html.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    "body",
    [
        "<loc>" + " " * 200_000,
        "<style>" + "/*" * 200_000 + "</style>",
        '<img srcset="' + "," * 100_000 + "a" * 100_000 + '">',
        '<img srcset="' + "a," * 100_000 + '">',
        '<a href="' + "../" * 100_000 + '">',
        "<script>'" + "a." * 100_000 + "</script>",
        "<script>" + "'a.a.a.a.a.a" * 20_000 + "</script>",
        "<meta http-equiv=refresh content='" + " " * 100_000 + "'>",
        "<div>" * 100_000,
        "<!--" * 50_000,
        "<link " * 50_000,
    ],
    ids=lambda body: body[:12],
)
@pytest.mark.parametrize("kind", ["text/html", "text/css", "text/xml", "text/javascript"])
def test_no_page_keeps_us_busy_for_long(body: str, kind: str) -> None:
    """Patterns that take quadratic time are how a page stops a crawler."""
    began = time.process_time()
    discover("http://a.cn/x", [("Content-Type", kind)], body.encode())
    assert time.process_time() - began < 2
