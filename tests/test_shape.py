"""What a body gets after it was sanitised: anchors of articles, and a prompt before one leaves the government's hosts."""

from __future__ import annotations

import pytest

from sitegen.render.adapter import Engine
from sitegen.render.shape import article_anchors, is_known, shaped
from tests.cities import TinyCity


def test_articles_of_a_law_have_anchors_once() -> None:
    text = "<p><strong>第一条</strong>　甲</p>\n<p><strong>第二条</strong>　乙</p>\n<p><strong>第一条</strong>　丙</p>"
    expected = '<p id="第一条"><strong>第一条</strong>　甲</p>\n<p id="第二条"><strong>第二条</strong>　乙</p>\n<p><strong>第一条</strong>　丙</p>'
    assert shaped(text) == expected
    assert article_anchors(expected) == ["第一条", "第二条"]
    taken = '<h2 id="第一条">第一条</h2>\n<p><strong>第一条</strong></p>'
    assert shaped(taken) == taken


def test_a_signature_stands_at_the_right() -> None:
    """落款: who signs, and below it the date. A sentence before a date, or a date in a sentence, is none."""
    signed = '<p class="sign">示例市人民政府</p>\n<p class="sign">2026年9月29日</p>'
    assert (
        shaped("<p>请遵照执行。</p>\n<p>示例市人民政府</p>\n<p>2026年9月29日</p>") == "<p>请遵照执行。</p>\n" + signed
    )
    in_words = "<p>示例市教育局</p>\n<p>二〇二六年九月二十九日</p>"
    assert shaped(in_words) == in_words.replace("<p>", '<p class="sign">')
    for other in ("<p>施行日期为：</p>\n<p>2026年9月29日</p>", "<p>示例市教育局</p>\n<p>2026年9月29日起施行</p>"):
        assert shaped(f"{other}\n{signed}") == f"{other}\n{signed}"


def test_numbers_of_documents_and_telephones_stay_whole() -> None:
    """In the text, never in an address or a description of a picture."""
    text = (
        '<p><img alt="> 示政发〔2026〕18号 0000-1234567" src="/a.png"><a href="/示政发〔2026〕18号.pdf">附件</a>'
        "按示政发〔2026〕18号，电话0000-1234567；第000-12345678-9号，编号12000-1234567。</p>"
    )
    expected = text.replace("按示政发〔2026〕18号", '<span class="nb">按示政发〔2026〕18号</span>')
    assert shaped(text) == expected.replace("电话0000-1234567", '电话<span class="nb">0000-1234567</span>')


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.gov.cn", True),
        ("GOV.CN", True),
        ("jyj.example.gov.cn:8443", True),
        ("gov.cn.evil.example", False),
        ("evilgov.cn", False),
        ("www.gov.cn@evil.example", False),
        ("www.示例.政务", True),
        ("xn--fiqs8s.xn--zfr164b", True),
        ("theatre.example", True),
        ("tickets.theatre.example:8443", True),
        ("theatre.example.evil.test", False),
        ("nottheatre.example", False),
        ("evil.example", False),
    ],
)
def test_what_needs_no_prompt(host: str, expected: bool) -> None:
    """Hosts of the government, and those that the city names; never by a part of a name."""
    assert is_known(host, ["theatre.example"]) == expected


def test_a_host_that_the_city_names_needs_no_prompt_whichever_way_a_body_is_made(city: TinyCity) -> None:
    settings = city.root / "mkdocs.yml"
    text = settings.read_text(encoding="utf-8")
    named = "- sitegen.render.extension:\n      no_prompt: [theatre.example]"
    settings.write_text(text.replace("- sitegen.render.extension", named), encoding="utf-8")
    links = "[票](https://theatre.example/a) [外](https://other.example/)"
    direct, stock = (Engine(settings, lambda path: True, direct=way).body("a.md", links) for way in (True, False))
    assert direct.fallback == ""
    assert direct.html == stock.html
    assert direct.html.count('id="gov-leave-') == 1
    assert '<a href="https://theatre.example/a" rel="external noopener">' in direct.html


def test_a_link_away_leads_to_a_prompt_that_knows_only_its_own_address() -> None:
    """《政府网站发展指引》: a prompt before a site that is no government's; it takes no address from outside."""
    made = shaped('<p><a href="https://a.example/?x=1&amp;y=2" rel="external noopener" title="甲">甲</a></p>')
    body, prompt = made.split("\n")
    assert body == '<p><a id="gov-back-1" href="#gov-leave-1" title="甲">甲</a></p>'
    assert prompt.count('href="https://a.example/?x=1&amp;y=2" rel="external noopener noreferrer"') == 1
    assert 'id="gov-leave-1"' in prompt
    assert 'href="#gov-back-1"' in prompt


@pytest.mark.parametrize(
    "kept",
    [
        '<p><a href="https://www.gov.cn/a">甲</a></p>',
        '<p><a href="/zcwj/">甲</a></p>',
        '<p><a href="mailto:a@b.example">甲</a></p>',
        "<p>https://a.example/</p>",
    ],
)
def test_other_links_stay_as_they_are(kept: str) -> None:
    assert shaped(kept) == kept
