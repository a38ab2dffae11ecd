"""Names of copies: one file for each address, and back."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from archive import canon
from archive.publishing import copies, names
from archive.publishing.names import PAGE, Wish

# `%3F` in a path is left out: FORMATS §4 gives it the same name as a query mark, `assign` then tells the two apart.
_PIECES = st.sampled_from([*"abcXYZ019._-~!$&'()*+,;=:@ %#[]", "旅", "游", "é", "%E4", "%2F", "㐀"])
_SEGMENTS = st.lists(st.lists(_PIECES, max_size=12).map("".join), min_size=1, max_size=4)
_QUERY_PIECES = st.sampled_from([*"abc019=&/?.-_~", "%C2%C3", "旅"])
_QUERIES = st.none() | st.lists(_QUERY_PIECES, min_size=1, max_size=20).map("".join)


def url_of(segments: list[str], query: str | None, port: int | None = None) -> str:
    raw = f"http://h.example{f':{port}' if port else ''}/" + "/".join(
        part.replace("#", "").replace("?", "") for part in segments
    )
    found = canon.resolve(raw, raw + (f"?{query}" if query else ""), "gb18030")
    assert found is not None
    return found


def test_the_examples_of_the_format_hold() -> None:
    """docs/FORMATS.md §4, word for word."""
    assert names.plain_name("http://lyj.example.gov.cn/lydt/1.htm", PAGE) == "lyj.example.gov.cn/lydt/1.htm.html"
    assert names.plain_name("http://lyj.example.gov.cn:8080/", PAGE) == "lyj.example.gov.cn_8080/index.html"
    assert (
        names.plain_name("http://h.example/show.asp?id=12&lx=%C2%C3", PAGE)
        == "h.example/show.asp!3Fid!3D12!26lx!3D!25C2!25C3.html"
    )
    assert names.plain_name("http://h.example/upload/%E9%99%84%E4%BB%B61.doc") == "h.example/upload/附件1.doc"
    assert names.plain_name("http://h.example/upload/%B8%BD.doc") == "h.example/upload/!B8!BD.doc"
    assert (
        names.url_of_copy("lyj", "20261122103000", "http://h.example/a.html", True)
        == "/archive/lyj/20261122103000/h.example/a.html"
    )


def test_a_stylesheet_asked_for_with_a_version_is_still_served_as_one() -> None:
    assert names.plain_name("http://h.example/style.css?v=3", names.STYLE) == "h.example/style.css!3Fv!3D3.css"


@given(_SEGMENTS, _QUERIES, st.sampled_from([None, 8080]))
def test_a_name_leads_back_to_its_address(segments: list[str], query: str | None, port: int | None) -> None:
    """An archivist can tell from the file's name which address it was."""
    url = url_of(segments, query, port)
    for ending in ("", PAGE):
        name = names.plain_name(url, ending)
        if "!~" in name:
            continue
        assert decoded(url) in {decoded(found) for found in names.target_uris_of(name, ending)}


def decoded(url: str) -> tuple[str, tuple[bytes, ...], str]:
    """`%5B` and `[` are two keys for browsers and one name for a file."""
    parts = urlsplit(canon.resolve(url, url) or "")
    return parts.netloc, tuple(unquote_to_bytes(part) for part in parts.path.split("/")), parts.query


@given(st.lists(st.tuples(_SEGMENTS, _QUERIES, st.sampled_from(["", PAGE])), min_size=1, max_size=12))
def test_no_two_addresses_share_a_file_even_where_capitals_do_not_count(
    wanted: list[tuple[list[str], str | None, str]],
) -> None:
    wishes = {url_of(segments, query): ending for segments, query, ending in wanted}
    named = names.assign(
        [Wish(target_uri=url, ending=ending, beside=("" if ending else ".html",)) for url, ending in wishes.items()]
    )
    folded = [name.casefold() for name in named.values()]
    assert len(set(folded)) == len(folded) == len(wishes)
    folders = {name[:at] for name in folded for at in range(len(name)) if name[at] == "/"}
    assert not folders & set(folded)


@given(_SEGMENTS, _QUERIES)
def test_a_name_can_be_a_file_anywhere(segments: list[str], query: str | None) -> None:
    name = names.plain_name(url_of(segments, query), PAGE)
    for segment in name.split("/"):
        assert 0 < len(segment.encode()) <= names.LONGEST_SEGMENT
        assert segment not in {".", ".."}
        assert all(character.isalnum() or character in "._-!~^" for character in segment)


def test_a_name_longer_than_a_file_system_takes_is_cut_and_stays_unique() -> None:
    first, second = (names.plain_name(f"http://h.example/{'a' * 400}{end}", PAGE) for end in "12")
    assert first != second
    assert first.endswith(".html")
    assert max(len(first), len(second)) <= len("h.example/") + 200


def test_the_address_in_small_letters_keeps_the_plain_name() -> None:
    named = names.assign(
        [Wish(target_uri=f"http://h.example/{path}", ending=PAGE) for path in ("A.html", "a.html", "", "index.html")]
    )
    assert named["http://h.example/"] == "h.example/index.html"
    assert sorted(name for name in named.values() if "!^" not in name) == ["h.example/A.html", "h.example/index.html"]


def test_a_link_that_names_its_path_leads_to_the_same_copy_from_every_folder() -> None:
    """What was found for a menu on one page holds for the next one, two folders deeper, too."""
    there = copies.Copies({"http://old.example/a/b.htm": copies.Copy("http://old.example/a/b.htm", "http://old.example/a/b.htm", "page", "old.example/a/b.htm.html")}, canon.SESSION_IDS)  # fmt: skip
    known = copies.Known()

    def led(name: str, link: str) -> str:
        links = copies.CopyLinks(copies=there, hosts=("old.example",), written_by={}, name=name, known=known)
        target = links.target("http://old.example/" + name.partition("/")[2], link, "utf-8", "link")
        return target.href if target else ""

    assert [led("old.example/index.html", link) for link in ("/a/b.htm#x", "/a/", "//new.example/")] == [
        "a/b.htm.html#x", "../not-captured.html", "../" + copies.leaving_name("http://new.example/"),
    ]  # fmt: skip
    assert [led("old.example/c/d/e.html", link) for link in ("/a/b.htm#x", "/a/", "//new.example/")] == [
        "../../a/b.htm.html#x", "../../../not-captured.html", "../../../" + copies.leaving_name("http://new.example/"),
    ]  # fmt: skip


def test_what_is_remembered_of_a_link_holds_only_where_it_means_the_same() -> None:
    """Of another host, of other characters, beside a query and in another folder, the same words lead elsewhere."""
    urls = ["http://one.example/x.htm", "http://two.example/x.htm", "http://one.example/q?k=%D6%D0", "http://one.example/q?k=%E4%B8%AD", "http://one.example/a.htm?p=2", "http://one.example/b.htm?p=2", "http://one.example/https.htm", "http://one.example/c/https.htm"]  # fmt: skip
    there = copies.Copies({url: copies.Copy(url, url, "page", names.plain_name(url, PAGE)) for url in urls}, canon.SESSION_IDS)  # fmt: skip
    known = copies.Known()

    def led(name: str, base: str, link: str, charset: str = "utf-8") -> str:
        links = copies.CopyLinks(copies=there, hosts=("one.example",), written_by={}, name=name, known=known)
        target = links.target(base, link, charset, "link")
        return target.href if target else ""

    home = "http://one.example/a.htm"
    assert led("one.example/a.html", home, "/x.htm") == "x.htm.html"
    assert led("two.example/a.html", "http://two.example/a.htm", "/x.htm") == "x.htm.html"
    assert led("two.example/a.html", home, "/x.htm") == "../one.example/x.htm.html"
    assert led("one.example/a.html", home, "x.htm") == "x.htm.html"
    assert led("elsewhere/deep/a.html", home, "x.htm") == "../../one.example/x.htm.html"
    assert led("one.example/a.html", home, "/q?k=中", "gb18030") == "q!3Fk!3D!25D6!25D0.html"
    assert led("one.example/a.html", home, "/q?k=中", "utf-8") == "q!3Fk!3D!25E4!25B8!25AD.html"
    assert led("one.example/a.html", home, "?p=2") == "a.htm!3Fp!3D2.html"
    assert led("one.example/a.html", "http://one.example/b.htm", "?p=2") == "b.htm!3Fp!3D2.html"
    assert led("one.example/a.html", home, "http://two.example/x.htm") == "../two.example/x.htm.html"
    assert led("one.example/c/d.html", "http://one.example/c/d.htm", "http://two.example/x.htm") == "../../two.example/x.htm.html"  # fmt: skip
    assert led("one.example/a.html", home, "https.htm") == "https.htm.html"
    assert led("one.example/c/d.html", "http://one.example/c/d.htm", "https.htm") == "https.htm.html"
