"""Old addresses lead to where the information is now: one step, no circle, in whatever server stands there."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import canon
from archive.crawling.frontier import Row
from archive.redirection import old_urls, redirects, relate
from archive.redirection.old_urls import Address, Ledger
from archive.redirection.relate import Kept, Moved, Outcome, Relation, Unresolved
from sitegen.errors import Refused
from tests.archive.retired import SITE_URL, Retired

SITE = "https://www.example.gov.cn/"
OLD = "http://lyj.example.gov.cn"


def row(path: str, state: str = "captured", **more: object) -> Row:
    url = OLD + path
    return Row(**{"key": canon.key(url), "url": url, "state": state, "warc": "w", **more})  # type: ignore[arg-type]


def relation(*outcomes: Outcome) -> Relation:
    return Relation(capture="lyj/20261122103000", outcomes=outcomes)


def answer(old: str, target: str = "", **more: Any) -> Address:
    return Address(old_url=OLD + old, target=target, **{"outcome": "archive" if target else "unresolved", **more})


def ledger(*given: Address) -> Ledger:
    return Ledger(
        capture="lyj/20261122103000",
        site="lyj",
        name="示例市旅游局网站",
        hosts=("lyj.example.gov.cn",),
        catalogue=SITE + "archive/lyj/",
        home=SITE + "whlyj/",
        home_title="示例市文化和旅游局",
        addresses=given,
    )


def test_a_migrated_page_comes_before_its_copy_and_what_is_nowhere_is_said() -> None:
    rows = [row("/a.htm"), row("/b.htm"), row("/c.htm", "excused", cause="HTTP 404"), row("/d.js")]
    found = relate.outcomes(
        rows, {OLD + "/a.htm": "/archive/a", OLD + "/b.htm": "/archive/b"}, {OLD + "/a.htm": "/whlyj/1.html"}
    )
    assert found == [
        Moved(target_uri=OLD + "/a.htm", to="/whlyj/1.html"),
        Kept(target_uri=OLD + "/b.htm", to="/archive/b"),
        Unresolved(target_uri=OLD + "/c.htm", reason="the old site itself had nothing there (HTTP 404)"),
        Unresolved(
            target_uri=OLD + "/d.js", reason="kept in the WARC only: scripts and styles have no page of their own"
        ),
    ]
    assert relation(*found).counts == {"redirect": 1, "archive": 1, "unresolved": 2, "total": 4}


def test_an_old_redirect_ends_where_its_target_does() -> None:
    rows = [
        row("/r", "redirected", redirect_to=OLD + "/s"),
        row("/s", "redirected", redirect_to=OLD + "/a.htm"),
        row("/a.htm"),
    ]
    found = relate.outcomes(
        rows, {OLD + "/a.htm": "/archive/a", OLD + "/r": "/archive/r"}, {OLD + "/a.htm": "/whlyj/1.html"}
    )
    assert {one.target_uri: relate.to_of(one) for one in found} == {
        OLD + path: "/whlyj/1.html" for path in ("/a.htm", "/r", "/s")
    }


def test_an_old_redirect_into_a_visit_ends_at_the_page_of_any_visit() -> None:
    """The parameter is one that the capture found to name the visit only."""
    rows = [row("/r", "redirected", redirect_to=OLD + "/a.asp?zid=2"), row("/a.asp?zid=1")]
    copies = {OLD + "/a.asp?zid=1": "/archive/a", OLD + "/r": "/archive/r"}
    found = relate.outcomes(rows, copies, {}, canon.SESSION_IDS | {"zid"})
    assert [relate.to_of(one) for one in found] == ["/archive/a", "/archive/a"]


def test_redirects_of_the_old_site_that_run_in_a_circle_end_at_their_copies() -> None:
    rows = [row("/r", "redirected", redirect_to=OLD + "/s"), row("/s", "redirected", redirect_to=OLD + "/r")]
    found = relate.outcomes(rows, {OLD + "/r": "/archive/r", OLD + "/s": "/archive/s"}, {})
    assert [relate.to_of(one) for one in found] == ["/archive/s", "/archive/r"]


def test_the_same_page_under_another_address_moves_with_it() -> None:
    rows = [row("/A.HTM", payload_digest="sha256:1"), row("/a.htm", payload_digest="sha256:1")]
    found = relate.outcomes(rows, {}, {OLD + "/a.htm": "/whlyj/1.html"})
    assert [relate.to_of(one) for one in found] == ["/whlyj/1.html", "/whlyj/1.html"]


_PATHS = st.sampled_from(["/", "/a", "/A", "/b?x=1", "/c/", "/d.htm", "/%E6%97%85", "/e~$'\"{}\\;"])


@given(st.dictionaries(_PATHS, _PATHS, max_size=8))
def test_no_redirect_leads_to_another_or_back(mapping: dict[str, str]) -> None:
    """Even where the new pages live on the old host; what leads in a circle is said to be unresolved."""
    given_addresses = [
        Address(old_url=canon.resolve(SITE, path) or "", outcome="redirect", target=canon.resolve(SITE, to) or "")
        for path, to in mapping.items()
    ]
    settled = old_urls.settle(given_addresses)
    sources = {canon.key(one.old_url) for one in settled}
    assert len(settled) == len(given_addresses)
    assert all(canon.key(one.target) not in sources for one in settled if one.target)
    assert all((one.outcome == "unresolved") is not bool(one.target) for one in settled)


def test_a_chain_is_followed_to_its_end_and_a_circle_is_cut() -> None:
    chain = [answer("/a", OLD + "/b"), answer("/b", OLD + "/c"), answer("/c", SITE + "x"), answer("/d", OLD + "/d")]
    assert [(one.outcome, one.target) for one in old_urls.settle(chain)] == [
        ("archive", SITE + "x"),
        ("archive", SITE + "x"),
        ("archive", SITE + "x"),
        ("unresolved", ""),
    ]


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12), max_size=6, unique=True))
def test_no_address_breaks_out_of_its_quotes(paths: list[str]) -> None:
    """Every line of a table is two strings; what Caddy cannot say in a string it says as a pattern."""
    urls = {url for path in paths if (url := canon.resolve(OLD, OLD + "/" + path.replace("#", "")))}
    table = ledger(*(Address(old_url=url, outcome="archive", target=SITE + "x") for url in sorted(urls)))
    for block in re.findall(r"_(?:plain|to) \{\n(.*?)\n\}", redirects.render(table, "nginx"), re.S):
        for line in block.split("\n")[1:]:
            assert re.fullmatch(r'    "(?:[^"\\]|\\.)*" "[^"$\\]*";', line), line
    for line in redirects.render(table, "caddy").split("\n"):
        if line.startswith("\t\t") and "default" not in line and "$1$2" not in line:
            assert re.fullmatch(r'\t\t"[^"{}]*[^"{}\\]" "[^"{}$\\]*"', line), line


def test_the_table_names_every_old_address_and_can_be_read_again(tmp_path: Path) -> None:
    given_addresses = (
        answer("/a", SITE + "n.html", outcome="redirect", relation="migrated", hits=12),
        answer('/b,"c"', outcome="gone", decided_by="办公室", reason="原站已删除"),
    )
    text = redirects.render(ledger(*given_addresses), "csv")
    assert list(csv.reader(io.StringIO(text)))[:2] == [
        ["old_url", "outcome", "target", "relation", "decided_by", "hits", "reason"],
        [OLD + "/a", "redirect", SITE + "n.html", "migrated", "rule", "12", ""],
    ]
    (tmp_path / "lyj.csv").write_text(text, encoding="utf-8")
    assert tuple(old_urls.read_csv(tmp_path / "lyj.csv")) == given_addresses
    (tmp_path / "lyj.csv").write_text(text.replace("redirect", "moved"), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        old_urls.read_csv(tmp_path / "lyj.csv")
    assert [problem.code for problem in refused.value.problems] == ["redirects-unreadable"]


def test_the_most_asked_addresses_come_first() -> None:
    found = old_urls.in_order([answer("/a", hits=1), answer("/c", hits=9), answer("/b", hits=9)])
    assert [one.old_url for one in found] == [OLD + path for path in ("/b", "/c", "/a")]


def test_the_page_for_people_links_every_new_address() -> None:
    html = redirects.render(ledger(answer("/a?<b>", SITE + "n.html")), "html")
    assert f'<a href="{SITE}n.html">' in html
    assert "<b>" not in html


# --- what people decide


def decided(site: Retired, text: str) -> Ledger:
    """The ledger of the sample with this file of decisions."""
    file = old_urls.decision_file(site.content, "lyj")
    file.write_text(text, encoding="utf-8")
    try:
        relation = relate.relate(site.capture, public=site.public, content=site.content, build=site.build)
        return old_urls.ledger(
            site.capture,
            site.decision,
            relation,
            content=site.content,
            build=site.build,
            site_url=SITE_URL,
        )
    finally:
        file.unlink()


HEAD = "old_url,outcome,target,decided_by,reason\n"


def test_a_person_overrides_the_rule(retired: Retired) -> None:
    """Also for an address that nobody captured, as one on an old poster; a target may be root-relative."""
    text = (
        f"{HEAD}{OLD}/lydt/,redirect,/whlyj/,办公室,合并\n{OLD}/css/base.css,unresolved,,办公室,\n"
        f"{OLD}/poster,redirect,{SITE}whlyj/lyzx/,办公室,海报\n{OLD}/tzgg/,gone,,办公室,\n"
    )
    found = {one.old_url: one for one in decided(retired, text).addresses}
    assert found[OLD + "/lydt/"] == Address(
        old_url=OLD + "/lydt/",
        outcome="redirect",
        target=SITE + "whlyj/",
        relation="decided",
        decided_by="办公室",
        reason="合并",
    )
    assert found[OLD + "/css/base.css"].outcome == "unresolved"
    assert (found[OLD + "/tzgg/"].outcome, found[OLD + "/tzgg/"].target) == ("gone", "")
    assert found[OLD + "/poster"].target == SITE + "whlyj/lyzx/"
    assert len(found) == len(retired.rows()) + 1


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("{old}/lydt/,moved,/whlyj/,办公室,", "redirects-decision-invalid"),
        ("http://elsewhere.example/,gone,,办公室,", "redirects-decision-invalid"),
        ("{old}/lydt/,redirect,,办公室,", "redirects-decision-invalid"),
        ("{old}/lydt/,gone,/whlyj/,办公室,", "redirects-decision-invalid"),
        ("{old}/lydt/,gone,,,", "redirects-decision-invalid"),
        ("{old}/lydt/,gone,,办公室,\n{old}/lydt/,gone,,办公室,", "redirects-decision-invalid"),
        ("{old}/lydt/,redirect,https://evil.example/,办公室,", "redirects-target-refused"),
        ("{old}/lydt/,redirect,//evil.example/,办公室,", "redirects-target-refused"),
        ("{old}/lydt/,redirect,javascript:alert(1),办公室,", "redirects-target-refused"),
        ("{old}/lydt/,redirect,/none.html,办公室,", "redirects-target-missing"),
        ("{old}/lydt/,redirect,/../../etc/passwd,办公室,", "redirects-target-missing"),
    ],
)
def test_a_decision_that_cannot_be_followed_is_named_with_its_line(row: str, code: str, retired: Retired) -> None:
    """The rule's answer stands, unless the first of two was good."""
    found = decided(retired, HEAD + row.format(old=OLD) + "\n")
    (problem,) = found.problems
    assert (problem.code, problem.line) == (code, 3 if "\n" in row else 2)
    (one,) = [one for one in found.addresses if one.old_url == OLD + "/lydt/"]
    assert one.outcome == ("gone" if "\n" in row else "archive")
    assert "evil" not in one.target


@pytest.mark.parametrize("text", ["a,b\n1,2\n", ""])
def test_a_file_of_decisions_that_is_no_table_is_named(text: str, retired: Retired) -> None:
    assert [problem.code for problem in decided(retired, text).problems] == ["redirects-decision-unreadable"]
