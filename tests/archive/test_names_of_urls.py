"""One resource, one key; a link means what it means in a browser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import canon

PIECES = st.sampled_from(
    ["a", "B", ".", "..", "/", "//", "?", "&", "=", "-", "~", ";", "%41", "%2e", "%2f", "%", "%25", "%e4", "中", "#",
     "jsessionid=", "sid=", "0123456789abcdef", "PHPSESSID=1", "x.htm", "(S(", "abcdefgh12345678", "))", " ", "+"]
)  # fmt: skip
LINKS = st.lists(PIECES, max_size=9).map("".join)
HOSTS = st.sampled_from(["a.cn", "A.CN", "a.cn:80", "a.cn:81", "a.cn.", "中文.cn", "127.0.0.1", "[::1]:8080"])


@given(HOSTS, LINKS)
def test_the_key_of_a_key_is_itself(host: str, rest: str) -> None:
    key = canon.key(f"http://{host}/{rest}")
    assert canon.key(key) == key


@given(HOSTS, LINKS)
def test_resolving_a_resolved_url_changes_nothing(host: str, rest: str) -> None:
    url = canon.resolve(f"http://{host}/x/y.htm", rest)
    if url is not None:
        assert canon.resolve(url, url) == url
        assert url.isascii()
        assert canon.key(url) == canon.key(canon.key(url))


@given(HOSTS, LINKS, st.integers(0, 4), LINKS)
def test_the_quick_way_to_resolve_gives_what_the_full_way_gives(host: str, rest: str, up: int, link: str) -> None:
    base, link = f"http://{host}/{rest}", "../" * up + link
    assert canon.resolve(base, link) == canon._resolve(base, link, "utf-8")


@given(HOSTS, LINKS, st.sampled_from([canon.SESSION_IDS, canon.SESSION_IDS | {"x.htm"}]))
def test_the_quick_way_to_a_key_gives_what_the_full_way_gives(
    host: str, rest: str, session_ids: frozenset[str]
) -> None:
    url = f"http://{host}/{rest}"
    assert canon.key(url, session_ids) == canon._key(url, session_ids)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("HTTP://LYJ.example.gov.cn:80", "http://lyj.example.gov.cn/"),
        ("https://a.cn:443/x", "https://a.cn/x"),
        ("http://a.cn:8080/x#top", "http://a.cn:8080/x"),
        ("http://a.cn/b/../c/./d", "http://a.cn/c/d"),
        ("http://a.cn/%7euser/%e4%b8%ad", "http://a.cn/~user/%E4%B8%AD"),
        ("http://a.cn/x.jsp;jsessionid=0A1B?id=1", "http://a.cn/x.jsp?id=1"),
        ("http://a.cn/x.php?PHPSESSID=9&id=1", "http://a.cn/x.php?id=1"),
        ("http://a.cn/x.asp?ASPSESSIONIDQQ=AB", "http://a.cn/x.asp"),
        ("http://a.cn/(S(abcdefgh12345678abcdefgh))/x.aspx", "http://a.cn/x.aspx"),
        ("http://a.cn/x?sid=0123456789abcdef0123", "http://a.cn/x"),
        ("http://a.cn/x?sid=12", "http://a.cn/x?sid=12"),
        ("http://a.cn/x?", "http://a.cn/x"),
        ("http://a.cn/50%", "http://a.cn/50%25"),
    ],
)
def test_one_resource_has_one_key(url: str, key: str) -> None:
    assert canon.key(url) == key


@pytest.mark.parametrize("url", ["", "lyj", "ftp://a.cn/", "http:///x", "mailto:a@b"])
def test_what_is_no_url_has_no_key(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        canon.key(url)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("?q=旅游", "http://a.cn/x/y.asp?q=%C2%C3%D3%CE"),
        ("旅游.htm", "http://a.cn/x/%E6%97%85%E6%B8%B8.htm"),
        ("?q=\u0e01", "http://a.cn/x/y.asp?q=%812%CE9"),
        ("//b.cn", "http://b.cn/"),
        ("http://中文.cn/", "http://xn--fiq228c.cn/"),
        ("/a|b<c>", "http://a.cn/a%7Cb%3Cc%3E"),
        ("%b8%bd.doc", "http://a.cn/x/%b8%bd.doc"),
        ("a\n b", "http://a.cn/x/a%20b"),
        ("#top", "http://a.cn/x/y.asp?old=1"),
        ("x#y?z", "http://a.cn/x/x"),
        ("JAVASCRIPT:void(0)", None),
        ("data:,x", None),
        ("http://a.cn:99999/", None),
        ("http://[x/", None),
    ],
)
def test_a_link_means_what_a_browser_takes_it_for(link: str, url: str | None) -> None:
    """Path in UTF-8, query in the page's charset."""
    assert canon.resolve("http://a.cn/x/y.asp?old=1", link, "gb18030") == url


@pytest.mark.parametrize(
    ("url", "surt"),
    [
        # As `surt` 0.3.1 gives them, which cdxj-indexer uses; 8,000 random URLs were compared.
        ("http://www.lyj.example.gov.cn/", "cn,gov,example,lyj)/"),
        ("https://lyj.example.gov.cn:443/A/B.HTM", "cn,gov,example,lyj)/a/b.htm"),
        ("http://lyj.example.gov.cn:8080/a/?b=2&a=1", "cn,gov,example,lyj:8080)/a?a=1&b=2"),
        ("http://127.0.0.1:8201/x", "1,0,0,127:8201)/x"),
        ("http://a.cn/%E6%97%85.htm?lx=%C2%C3", "cn,a)/%e6%97%85.htm?lx=%c2%c3"),
        ("http://a.cn/x//y/../z?", "cn,a)/x/z"),
        ("http://a.cn/x?jsessionid=0123456789abcdef0123456789abcdef&b=1", "cn,a)/x?b=1"),
        ("http://a.cn/a+b c'(d)", "cn,a)/a+b%20c'(d)"),
    ],
)
def test_surt_is_what_cdxj_indexer_writes(url: str, surt: str) -> None:
    assert canon.surt(url) == surt


@settings(deadline=None)
@given(
    st.sampled_from(["http://", "https://"]),
    st.text("abw1.-", min_size=1, max_size=12),
    st.sampled_from(["", "www.", "www3.", "www.www."]),
    st.sampled_from(["", ":80", ":443", ":8080", ":800", ":4430", ":080"]),
    st.text("ab1_.-/", max_size=16),
    st.sampled_from(["", "?", "?id=1", "?sid=0123456789abcdef", "?a=1&b=2", "?sid=0123456789abcdef0123456789abcdef"]),
)
def test_the_short_way_to_a_surt_leads_to_the_same(
    scheme: str, host: str, www: str, port: str, path: str, query: str
) -> None:
    url = f"{scheme}{www}{host}.cn{port}/{path}{query}"
    assert canon.surt(url) == canon._surt(url)
