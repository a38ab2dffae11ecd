"""A stamped page shows what the old page showed, says that it is archived, and has nothing left to run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.publishing import banner, disarm, oldpage
from tests.archive.stamping import PUBLICATION, KnownLinks, facts, old_part, stamped, tree

HOSTILE = {
    "a script in the title": "<title>x</title><script>alert(1)</script><p>text",
    "a script that ends the title": "<title></title><script>alert(1)</script></title><p>text",
    "scripts in odd places": "<table><script>a()</script><tr><td><script src=x.js></script>text</table><script>b()",
    "a handler": "<p onclick=alert(1) OnMouseOver='x()'>text<img src=pic.jpg onerror=alert(1)>",
    "a slash for a blank": "<img/src=pic.jpg/onerror=alert(1)><p/onclick=x()>text",
    "svg": "<svg onload=alert(1)><script>x()</script><a xlink:href='javascript:x()'><text>text</text></a><animate attributeName=href to='javascript:x()'/></svg>",
    "math": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'></table></mtext></math><p>text",
    "srcdoc": "<iframe srcdoc='<script>alert(1)</script>'></iframe><p>text",
    "a frame that runs": "<iframe src='javascript:alert(1)'></iframe><p>text",
    "javascript with entities": "<a href='&#106;avascript&colon;alert(1)'>text</a>",
    "javascript over lines": "<a href='java\nscript:\talert(1)'>text</a><a href='\x01javascript:x()'>b</a>",
    "vbscript and data": "<a href='vbscript:x()'>text</a><a href='data:text/html,<script>x()</script>'>b</a>",
    "a form": "<form action=http://evil.example/ method=post onsubmit=x()><input name=a formaction=http://evil.example/ autofocus><button>text</button><textarea name=t></textarea></form>",
    "a base": "<base href=http://evil.example/ target=_top><p>text<a href=/x>b</a>",
    "a refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'><p>text",
    "a policy": "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\"><p>text",
    "plugins": "<object data=x.swf><param name=movie value=http://evil.example/x.swf><embed src=x.swf></object><applet code=x></applet><p>text",
    "noscript": "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>text</noscript>",
    "plaintext": "<p>text<plaintext><script>alert(1)</script>",
    "xmp": "<xmp><script>alert(1)</script></xmp><p>text",
    "a template": "<template><script>x()</script></template><p>text",
    "an unclosed comment": "<p>text</p><!-- <script>alert(1)</script>",
    "an unclosed textarea": "<p>text<textarea></body></html><script>alert(1)</script>",
    "an unclosed title": "<p>text</p><title><script>alert(1)</script>",
    "an unclosed style": "<p>text</p><style>p{color:red}</body></html><script>alert(1)</script>",
    "an unclosed attribute": '<p>text</p><a href="x><script>alert(1)</script>',
    "conditional comments": "<!--[if IE]><script>x()</script><![endif]--><![if !IE]><p>text<![endif]>",
    "a second document": "<html><body>text</body></html><html><body onload=x()><script>y()</script>",
    "style that runs": "<p style='width:expression(alert(1));behavior:url(x.htc);background:url(javascript:x())'>text",
    "import in a style": "<style>@import 'http://evil.example/x.css';p{background:url(//evil.example/t.gif)}</style><p>text",
    "a style that ends itself": "<style>p{content:'</style><script>alert(1)</script>'}</style><p>text",
    "a link that preloads": "<link rel=preload href=http://evil.example/x><link rel=stylesheet href=http://evil.example/x.css><p>text",
    "a picture elsewhere": "<img src=http://evil.example/t.gif width=1 height=1><img srcset='http://evil.example/a 2x'><p>text",
    "an element nobody knows": "<x-evil onclick=x()>text</x-evil><o:p>b</o:p>",
    "old clothes of the stamp": "<section data-archived=2001-01-01 class='gdz gdz-stamp' id=gdz>text</section>",
    "the stamp's names alone": "<p class='gdz gdz-stamp'>te<b id=archived-x>xt</b></p><p>text",
    "paint from elsewhere": "<svg><rect fill='url(http://evil.example/x#y)'/></svg><p>text",
    "depth": "<div>" * 5000 + "text",
    "what a template left behind": "<p {{x}} {% if y %} onclick=x()>text<a {% z %} href=javascript:x()>b</a>",
    "a template's attribute among hundreds": f"<p {{% {' '.join(f'a{n}=1' for n in range(230))} onclick=x()>text",
    "zero bytes": "te\x00xt<scr\x00ipt>alert(1)</scr\x00ipt><p>text",
}
ALLOWED_HREF = re.compile(r"^(?:copy:|missing$|leaving:http|#|mailto:|tel:|/)")


def assert_harmless(html: str) -> None:
    page = tree(html)
    for element in page.iter():
        if not isinstance(element.tag, str):
            raise AssertionError("a comment or instruction is left")
        assert element.tag not in {
            "script",
            "object",
            "embed",
            "applet",
            "base",
            "frame",
            "frameset",
            "noscript",
            "template",
            "math",
            "xmp",
            "plaintext",
            "noembed",
            "noframes",
        }
        for name, value in element.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name not in {"srcdoc", "formaction", "action", "method", "ping", "autofocus", "data"}, name
            if name in {"class", "id"} and element.xpath("ancestor::archived-body"):
                assert not re.search("gdz|archived", value), (element.tag, name, value)
            if name == "style":
                assert not re.search("(?i)expression|behaviou?r|javascript:|evil", value), (element.tag, value)
            if name in {"href", "src", "poster", "background"} and element.tag != "link":
                assert ALLOWED_HREF.match(value), (element.tag, name, value)
        if element.tag in {"input", "button", "select", "textarea"}:
            assert element.get("disabled") is not None
        if element.tag == "meta":
            assert (element.get("http-equiv") or "") == ""
    said = [value for element in page.iter() for value in element.values()] + [
        style.text or "" for style in page.iter("style")
    ]
    assert not any("evil.example" in text and not text.startswith("leaving:") for text in said)
    first = page.find("body")[0]
    assert first.get("data-archived") == "2026-11-22"
    assert [e.get("data-archived") for e in page.iter() if e.get("data-archived")] == ["2026-11-22"]


@pytest.mark.parametrize("markup", HOSTILE.values(), ids=HOSTILE)
def test_nothing_is_left_to_run_or_to_send(markup: str) -> None:
    """No script, handler, form or frame of an old page survives, however it is written."""
    html = stamped(markup).html
    assert_harmless(html)
    assert html.index("data-archived") < html.index("<archived-html") if "<archived-html" in html else True


@pytest.mark.parametrize(
    "markup",
    [m for name, m in HOSTILE.items() if name != "old clothes of the stamp"],
    ids=[n for n in HOSTILE if n != "old clothes of the stamp"],
)
def test_the_words_of_the_page_are_still_there(markup: str) -> None:
    assert "text" in re.sub(r"<[^>]*>", "", old_part(stamped(markup).html))


@pytest.mark.parametrize(
    "markup", ["", " \n", "<!-- only a comment -->", "<html></html>", "<", "\x00", "<script>x()</script>"]
)
def test_every_page_is_stamped_even_an_empty_or_a_broken_one(markup: str) -> None:
    html = stamped(markup).html
    assert "已歸檔" in html
    assert tree(html).find("body")[0].get("data-archived") == "2026-11-22"


_PIECES = st.sampled_from(
    ["<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "<script>", "</script>", "<style>", "</style>", "<title>", "</title>", "<textarea>",
     "</textarea>", "<svg>", "</svg>", "<math>", "<table>", "<td>", "<p>", "<a href='javascript:x()'>", "<img src=x onerror=x()>", "<iframe srcdoc='", "'", '"',
     "<noscript>", "</noscript>", "<plaintext>", "<xmp>", "</xmp>", "<select>", "<option>", "<frameset>", "<frame src=a>", "<body onload=x()>", "</body>", "</html>",
     "<form action=x>", "<input>", "&lt;script&gt;", "&#x3c;", "text", "旅", "\x00", "<base href='//evil.example'>", "<meta http-equiv=refresh content='0;url=x'>",
     "<p {% if x %} class=a>", "<a {{x}} href=next.htm {b}=1>"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_no_broken_markup_brings_a_script_through(markup: str) -> None:
    html = stamped(markup).html
    assert_harmless(html)
    # Read once more, as another program might: still nothing.
    assert "<script" not in html.lower()


def test_the_stamp_says_what_the_law_asks_for() -> None:
    """第十五条: 已归档 and 归档时间, prominently; where it was, when it was taken, where the information is now."""
    page = tree(stamped("<title>旧标题</title><p>x").html)
    words = page.find("body")[0].text_content()
    for said in (
        "已歸檔",
        "2026-11-22",
        "http://old.example/a/page.htm",
        "2026-11-22 18:30:00（北京时间）",
        "示例市新局",
        "示例市旧局",
        "整合迁移",
        "abab…abab",
    ):
        assert said in words
    assert page.findtext(".//title") == "【已歸檔】旧标题"
    assert page.xpath("//link[@rel='canonical']/@href") == ["http://old.example/a/page.htm"]
    assert page.xpath("//link[@rel='latest-version']/@href") == ["/new/"]
    assert '"archived_on": "2026-11-22"' in page.xpath("//meta[@name='archived']/@content")[0]
    assert page.xpath("//section//time/@datetime") == ["2026-11-22"]
    assert page.xpath("//meta[@charset]/@charset") == ["utf-8"]


def test_the_stamp_links_the_evidence_where_there_is_some() -> None:
    """Without a WACZ there is no dead link."""
    assert "wacz" not in stamped("<p>x").html.lower()
    with_one = replace(facts(), publication=replace(PUBLICATION, evidence="/archive/old/1/old-1.wacz"))
    html = banner.page(with_one, title="x", old=b"<p>x</p>").decode()
    assert tree(html).xpath("//section//a/@href")[-3] == "/archive/old/1/old-1.wacz"
    assert '"evidence": "/archive/old/1/old-1.wacz"' in tree(html).xpath("//meta[@name='archived']/@content")[0]


def test_the_stamp_is_the_first_thing_in_the_body_and_its_style_the_last_in_the_head() -> None:
    page = tree(stamped("<head><style>p{color:red}</style></head><p>x<style>b{color:blue}</style>").html)
    styles = page.xpath("//style")
    assert all(style.getparent().tag == "head" for style in styles)
    assert styles[0].text.startswith("@layer gdz-")
    assert ".gdz:not(#_)" in styles[-1].text
    assert [s.text for s in styles[1:-1]] == ["p{color:red}", "b{color:blue}"]


def test_a_script_link_that_names_an_archived_page_leads_there() -> None:
    html = stamped(
        """<a href="javascript:openwin('next.htm')">a</a><a href="#" onclick="window.open('/a/next.htm','','width=1')">b</a>"""
    ).html
    assert tree(old_part(html)).xpath("//a/@href") == ["copy:/a/next.htm", "copy:/a/next.htm"]


def test_a_script_link_that_names_nothing_leads_nowhere() -> None:
    result = stamped("<a href='javascript:history.back()'>back</a>")
    assert tree(old_part(result.html)).xpath("//a/@href") == []
    assert result.removed["script_links"] == 1


def test_links_lead_to_copies_to_a_notice_or_to_a_warning() -> None:
    html = stamped(
        "<a href=next.htm#part>a</a><a href=gone.htm>b</a><a href=http://other.example/>c</a><a href=#top>d</a><a href=mailto:a@b.example>e</a>"
    ).html
    links = tree(old_part(html)).xpath("//a")
    assert [link.get("href") for link in links] == [
        "copy:/a/next.htm",
        "missing",
        "leaving:http://other.example/",
        "#top",
        "mailto:a@b.example",
    ]
    assert links[2].get("rel") == "external nofollow noopener"


_ADDRESSES = st.sampled_from(
    ["href=next.htm", "href=/a/gone.htm", "href=http://www.other.example/", "href=c/data:x", "href='#top'", "href=''", "href=javascript:x()", ""]
)  # fmt: skip
_BESIDE = st.sampled_from(
    ["target=_blank", "target=_TOP", "target=''", "rel=nofollow", "title='甲 &lt; 乙'", "class=gdz", "id=archived-top", "style='background:url(x)'",
     "onclick=\"open('next.htm')\"", "color='url(x)'", "hidden", "data-x=1"]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(_BESIDE, max_size=1), _ADDRESSES, st.lists(_BESIDE, max_size=2))
def test_a_plain_link_is_rewritten_as_any_other_would_be(before: list[str], address: str, after: list[str]) -> None:
    """Nine links of ten take a shorter way; it ends at the same bytes."""
    markup = f"<p><a {' '.join((*before, address, *after))}>text</a>"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(disarm, "_PLAIN_LINK", re.compile("(?!)"))
        expected = stamped(markup)
    assert expected == stamped(markup)


def test_a_refresh_becomes_a_link() -> None:
    html = stamped('<meta http-equiv="refresh" content="0;url=next.htm"><p>x').html
    assert tree(old_part(html)).xpath("//a/@href") == ["copy:/a/next.htm"]


def test_a_frameset_becomes_a_list_of_its_frames() -> None:
    html = stamped(
        "<title>t</title><frameset cols=1,2><frame name=左 src=frame.htm><frame src=next.htm></frameset><noframes><body>无框架</noframes>"
    ).html
    old = old_part(html)
    assert tree(old).xpath("//a/@href") == ["copy:/a/frame.htm", "copy:/a/next.htm"]
    assert "无框架" in old


def test_an_archived_frame_stays_and_another_becomes_a_link() -> None:
    old = old_part(stamped("<iframe src=frame.htm width=200></iframe><iframe src=http://other.example/></iframe>").html)
    page = tree(old)
    assert page.xpath("//iframe/@src") == ["copy:/a/frame.htm"]
    assert "allow-scripts" not in page.xpath("//iframe/@sandbox")[0]
    assert page.xpath("//a/@href") == ["leaving:http://other.example/"]


def test_a_picture_that_a_script_would_have_loaded_is_shown() -> None:
    old = old_part(
        stamped(
            "<img src=http://old.example/loading.gif data-original=pic.jpg><noscript><img src=pic.jpg></noscript>"
        ).html
    )
    assert tree(old).xpath("//img/@src") == ["copy:/a/pic.jpg", "copy:/a/pic.jpg"]


def test_what_a_script_wrote_as_the_page_loaded_stays_readable() -> None:
    links = KnownLinks(scripts={"/js/count.js": "<b>0386217</b>"})
    old = old_part(
        stamped(
            """<script>document.write('<a href="next.htm">下一页</a>');</script>第<script src="/js/count.js"></script>位""",
            links=links,
        ).html
    )
    assert tree(old).xpath("//a/@href") == ["copy:/a/next.htm"]
    assert "0386217" in old


def test_what_a_script_would_write_only_when_asked_is_not_shown() -> None:
    assert oldpage.written("function f(){document.write('no');}document.write('yes');") == "yes"


def test_the_pages_of_a_list_can_be_reached() -> None:
    links = KnownLinks(archived=frozenset({"/a/index.html", "/a/index_1.html", "/a/index_2.html"}))
    old = old_part(stamped('<script>createPageHTML(3, 1, "index", "html");</script>', links=links).html)
    assert set(tree(old).xpath("//a/@href")) == {"copy:/a/index.html", "copy:/a/index_2.html"}


def test_a_menu_of_links_can_still_be_used() -> None:
    old = old_part(
        stamped(
            "<select onchange='location=this.value'><option value=next.htm>下一页<option value=http://other.example/>他站</select>"
        ).html
    )
    assert tree(old).xpath("//details//a/@href") == ["copy:/a/next.htm", "leaving:http://other.example/"]


def test_what_stands_behind_the_end_of_the_page_is_kept() -> None:
    assert "尾注" in old_part(stamped("<html><body>正文</body></html>尾注").html)


def test_the_look_of_the_body_is_kept_on_the_archived_page() -> None:
    html = stamped("<body bgcolor=e8f4ec background=pic.jpg text=#333333 topmargin=0 link=red>x").html
    style = tree(html).xpath("//style")[1].text
    assert 'archived-html{background-color:#e8f4ec;background-image:url("copy:/a/pic.jpg")}' in style
    assert "archived-body{color:#333333;margin-top:0px}" in style


@pytest.mark.parametrize(
    ("doctype", "kept"),
    [
        ("", ""),
        ("<!doctype html>", "<!DOCTYPE html>"),
        (
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
        ),
        ('<!DOCTYPE html SYSTEM "a><script>">', ""),
    ],
)
def test_the_page_is_laid_out_as_the_browsers_of_its_time_did(doctype: str, kept: str) -> None:
    html = stamped(f"{doctype}<p>x").html
    assert html.startswith(f"{kept}\n<html" if kept else "<html")


@pytest.mark.parametrize("code", ["gb2312", "gbk", "gb18030", "utf-8", "utf-16", "big5"])
def test_no_character_is_lost_whatever_the_page_was_written_in(code: str) -> None:
    words = "堃山書院：镕金桥"[: 4 if code in {"gb2312", "big5"} else 8].replace(
        "堃", "青" if code in {"gb2312", "big5"} else "堃"
    )
    words = "旅游动态" if code == "gb2312" else ("旅遊動態" if code == "big5" else words)
    meta = f"<meta charset={code}>" if code != "utf-16" else "<meta charset=unicode>"
    html = stamped(f"<title>{words}</title>{meta}<p>{words}。".encode(code)).html
    assert "\ufffd" not in html
    assert html.count(words) == 2
    html.encode("utf-8")


def test_a_page_in_gbk_that_says_nothing_is_read_right() -> None:
    assert "示例市旅游局" in old_part(stamped("<p>示例市旅游局，二〇〇八年".encode("gbk")).html)


def test_a_header_that_lies_does_not_spoil_the_page() -> None:
    html = stamped(
        "<meta charset=gb2312><p>公开征集宣传口号".encode("gbk"),
        headers=(("Content-Type", "text/html; charset=utf-8"),),
    ).html
    assert "公开征集宣传口号" in old_part(html)


def test_every_declaration_of_the_stamp_is_important() -> None:
    css = tree(stamped("x").html).xpath("//style")[-1].text
    for body in re.findall(r"\{([^{}]*)\}", css):
        assert all(part.endswith("!important") for part in re.split(r";(?![^(]*\))", body) if part)


def test_the_label_is_the_decisions() -> None:
    assert PUBLICATION.when == "歸檔時間"
    assert (
        PUBLICATION.__class__(
            **{**{name: getattr(PUBLICATION, name) for name in PUBLICATION.__slots__}, "label": "已归档"}
        ).when
        == "归档时间"
    )
