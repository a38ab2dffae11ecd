"""Where old sites hide their links."""

from __future__ import annotations

import gzip
import time
import zlib
from io import BytesIO

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.annotations import Link

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
        "page" * 50_000 + "(",
        "<style>image-set(" * 20_000,
        "<script>`a${" * 30_000,
        "<script>'<a href=\\'" * 20_000,
        "<iframe srcdoc='" * 1000,
        '["' + ("//a" * 1000 + '","') * 40,
    ],
    ids=lambda body: body[:12],
)
@pytest.mark.parametrize("kind", ["text/html", "text/css", "text/xml", "text/javascript", "application/json"])
def test_no_page_keeps_us_busy_for_long(body: str, kind: str) -> None:
    """Patterns that take quadratic time are how a page stops a crawler."""
    began = time.process_time()
    discover("http://a.cn/x", [("Content-Type", kind)], body.encode())
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ([("Refresh", "0; url=moved.htm")], "http://lyj.example.gov.cn/lydt/moved.htm"),
        ([("Link", '</s.css>; rel=preload, <n.htm>; rel="next"')], "http://lyj.example.gov.cn/lydt/n.htm"),
    ],
)
def test_headers_lead_on_as_well(headers: list[tuple[str, str]], url: str) -> None:
    assert url in [link.url for link in discover(BASE, [*HTML, *headers], b"<html>").links]


def test_only_the_first_base_counts() -> None:
    assert found('<base target=_top><base href="/a/"><base href="/b/"><a href=x.htm>') == {"/a/x.htm": "page"}


@pytest.mark.parametrize(
    "script",
    [
        "fetch('/save.do', {method: 'POST'})",
        "$.post('/save.do', data)",
        "$.ajax({type: 'POST', url: '/save.do'})",
        "x.open('POST', '/save.do')",
    ],
)
def test_what_a_script_posts_to_is_not_asked_for(script: str) -> None:
    assert found(f"<script>{script}</script>") == {}


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain", "text/javascript"])
def test_json_is_read_under_any_name(kind: str) -> None:
    """Old servers send it as text/html."""
    body = b'{"rows": [{"link": "\\/news\\/7", "img": "i\\/a.png", "html": "<a href=\\"b.htm\\">\\u4e00</a>"}]}'
    links = discover("http://a.cn/x/list", [("Content-Type", kind)], body).links
    assert {"http://a.cn/x/i/a.png", "http://a.cn/x/b.htm"} <= {link.url for link in links}


def test_the_links_of_a_pdf_are_found_also_in_its_object_streams() -> None:
    """As two others' libraries write it."""
    link = "http://a.cn/zcfg/show.asp?id=7&k=(1)"
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url=link))
    plain = BytesIO()
    writer.write(plain)
    packed = BytesIO()
    with pikepdf.open(plain) as pdf:
        pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"a.cn" not in packed.getvalue()
    for body in (plain.getvalue(), packed.getvalue()):
        assert [one.url for one in discover("http://a.cn/a.pdf", [], body).links] == [link]


def test_a_hostile_pdf_costs_little() -> None:
    """A stream that unpacks to a gigabyte, and a thousand of them."""
    bomb = b"1 0 obj << /Type /ObjStm >> stream\n" + zlib.compress(bytes(50 << 20)) + b"endstream "
    began = time.process_time()
    assert discover("http://a.cn/a.pdf", [], b"%PDF-1.5 " + bomb * 200).links == ()
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("var x = 1", ""),
        ("fetch(base + id)", "xhr"),
        ("window.onscroll = more", "scroll"),
        ("window.onhashchange = go", "routes"),
        ("document.write('<a href=' + name + '>')", "script-links"),
    ],
)
def test_pages_whose_scripts_may_know_more_are_suspicious(script: str, reason: str) -> None:
    words = "示例市旅游局的旧网站，供检验采集是否完整，本页有足够的文字，看起来并不空，所以不必可疑。" * 2
    body = f"<p>{words}</p><script>{script}</script>".encode()
    assert discover(BASE, HTML, body).suspicious == reason


def test_a_page_with_scripts_and_no_text_is_suspicious() -> None:
    assert discover(BASE, HTML, b"<title>x</title><div id=app></div><script src=a.js></script>").suspicious == "empty"


def test_pages_whose_scripts_differ_in_texts_and_numbers_act_alike() -> None:
    one, two, three = (
        discover(BASE, HTML, f"<script src=a.js?{n}></script><script>{code}</script>".encode()).scripts
        for n, code in enumerate(("show(1, 'a')", "show(22, 'b')", "hide(1, 'a')"))
    )
    assert one == two != three
