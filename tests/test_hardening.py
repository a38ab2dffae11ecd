"""What a hostile or unlucky input must not do, and guards that no other test would miss."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sitegen import archived, content, files, ledger, mentions, output, signing
from sitegen import build as building
from sitegen.errors import Refused
from sitegen.manifest import manifest as manifest_of
from sitegen.records import Role
from tests.cities import NOW, TinyCity, codes, digest_of
from tests.test_archived import STAMP, copied_page, publish, retire

NEWS = "xwdt/202611/t20261120_1.md"
URL = "xwdt/202611/t20261120_1.html"
OTHER = "jyj/tzgg/202611/t20261120_2.md"  # another column: no list or neighbour of NEWS shows it


def test_a_link_is_rendered_again_when_its_target_comes_and_when_it_goes(city: TinyCity) -> None:
    city.article(NEWS, body=f"[通知](../../{OTHER})")
    assert codes(city.build()) == ["link-broken"]
    file = city.article(OTHER)
    report = city.build()
    assert codes(report) == []
    assert report.reasons[URL] == "a link's target came or went"
    assert "t20261120_2.html" in city.page(URL)
    file.unlink()
    assert city.build().reasons[URL] == "a link's target came or went"
    assert "t20261120_2.html" not in city.page(URL)


def test_a_changed_identity_reaches_every_page(city: TinyCity) -> None:
    city.article(NEWS)
    city.build()
    text = (city.content / "index.md").read_text(encoding="utf-8")
    city.put("index.md", text.replace("0000-1234567", "0000-7654321"))
    city.build()
    assert "0000-7654321" in city.page(URL)
    assert "0000-1234567" not in city.page(URL)


def test_attachments_that_are_not_the_signed_ones_are_never_restored(city: TinyCity) -> None:
    city.put("xwdt/202611/list.pdf", b"signed")
    city.article(NEWS, body="[名单](list.pdf)")
    forged = content.git_blob(b"forged")
    files.write_atomic(city.project.state / "good" / forged[:2] / forged, b"forged")
    [book] = (city.content / "xwdt/_reviews").glob("*.jsonl")
    book.write_text(book.read_text(encoding="utf-8").replace(content.git_blob(b"signed"), forged), encoding="utf-8")
    city.put("xwdt/202611/list.pdf", b"changed")
    assert codes(city.build()) == ["last-version-missing", "review-pending"]
    assert not (city.site / "xwdt/202611/list.pdf").exists()


def test_the_build_says_when_a_page_will_expire_and_it_expires_at_that_instant(city: TinyCity) -> None:
    ends = NOW + timedelta(hours=2)
    city.article(NEWS, body="报名电话。", extra=f"expire_at: {ends:%Y-%m-%d %H:%M}\n")
    assert city.build().next_change == ends
    assert "报名电话。" in city.page(URL)
    city.build(now=ends)
    assert "报名电话。" not in city.page(URL)


def test_a_link_to_an_expired_page_is_not_broken(city: TinyCity) -> None:
    city.article(OTHER, extra="expire_at: 2026-11-21 18:00\n")
    city.article(NEWS, body=f"[通知](../../{OTHER})")
    assert codes(city.build()) == []


def test_publish_at_never_brings_a_page_out_before_its_date(city: TinyCity) -> None:
    city.article(NEWS, date="2026-11-25 09:00", extra="publish_at: 2026-11-20 08:00\n")
    assert codes(city.build()) == ["publication-in-future"]
    assert not (city.site / URL).exists()


def test_a_role_holds_between_its_dates_and_in_its_columns_only() -> None:
    role = Role(stage="edit", columns=("portal",), since=date(2026, 1, 1), until=date(2026, 6, 30), deputy=False)
    assert role.covers("xwdt", "", date(2026, 1, 1))
    assert role.covers("xwdt", "", date(2026, 6, 30))
    assert not role.covers("xwdt", "", date(2025, 12, 31))
    assert not role.covers("xwdt", "", date(2026, 7, 1))
    assert not role.covers("jyj/tzgg", "jyj", date(2026, 3, 1))
    below = Role(stage="edit", columns=("jyj",), since=None, until=None, deputy=False)
    assert below.covers("jyj/tzgg", "jyj", date(2026, 3, 1))
    assert not below.covers("jyjx/tzgg", "jyjx", date(2026, 3, 1))


def test_a_rejection_by_somebody_without_a_role_changes_nothing(city: TinyCity) -> None:
    city.article(NEWS)
    last = city.entries("xwdt")[-1]
    for who in ("jyj-shenhe", "nobody"):
        bad = {"article": last.article, "stage": "review", "person": who, "at": NOW.isoformat(), "verdict": "reject"}
        book = city.content / "xwdt" / ledger.FOLDER / "202611.jsonl"
        files.append_line(book, json.dumps({**bad, "reason": "x", "digest": last.digest, "blob": last.blob}))
    city.build()
    assert (city.site / URL).exists()


def test_a_release_is_remembered_before_it_is_served(city: TinyCity) -> None:
    city.article(NEWS)
    first = city.build().release
    city.article(OTHER)
    seen: dict[str, str] = {}

    def note(point: str) -> None:
        seen[point] = output.live_release(city.project)

    building.build(city.project, now=NOW, jobs=1, fault=note)
    assert seen["state-written"] == first
    assert seen["switched"] != first


def test_a_release_that_was_named_and_never_recorded_is_removed(city: TinyCity) -> None:
    city.article(NEWS)
    city.build()
    city.article(OTHER)

    def stop(point: str) -> None:
        if point == "release-named":
            raise KeyboardInterrupt

    try:
        building.build(city.project, now=NOW, jobs=1, fault=stop)
    except KeyboardInterrupt:
        assert len(output.releases(city.project)) == 2
    city.build()
    assert len(output.releases(city.project)) == 2


def test_a_broken_section_never_becomes_its_own_last_good_text(city: TinyCity) -> None:
    city.article(NEWS)
    city.build()
    city.put("xwdt/index.md", "---\ntitle：要闻\n---\n")
    text = (city.content / "index.md").read_text(encoding="utf-8")
    for phone in ("0000-1111111", "0000-2222222"):  # each renders the section's page again
        city.put("index.md", text.replace("0000-1234567", phone))
        city.build()
        assert phone in city.page("xwdt/index.html")


def test_a_changed_setting_renders_every_page_again(city: TinyCity) -> None:
    city.article(NEWS, body="正文[^1]。\n\n[^1]: 注。")
    first = city.build()
    config = city.root / "mkdocs.yml"
    config.write_text(config.read_text(encoding="utf-8").replace("  - footnotes\n", ""), encoding="utf-8")
    assert city.build().rendered == first.rendered
    assert "footnote-ref" not in city.page(URL)


def test_a_file_below_a_site_belongs_to_no_column_above_it(city: TinyCity) -> None:
    city.put("xwdt/ju/index.md", (city.content / "jyj/index.md").read_text(encoding="utf-8"))
    city.put("xwdt/ju/loose.md", "---\ntitle: x\ndate: 2026-11-20 09:30\nsource: y\n---\n")
    assert "article-without-column" in codes(city.build())


def test_an_attachment_linked_by_reference_or_html_is_bound_to_the_review(city: TinyCity) -> None:
    for body in ("[名单][l]\n\n[l]: list.pdf", '<a href="list.pdf">名单</a>'):
        city.put("xwdt/202611/list.pdf", b"one")
        city.article(NEWS, body=body, sign=False)
        city.sign(NEWS, at=NOW - timedelta(minutes=30))
        assert codes(city.build()) == []
        city.put("xwdt/202611/list.pdf", b"two")
        assert codes(city.build()) == ["review-pending"]


def test_a_body_cannot_carry_the_mark_of_an_archived_page(city: TinyCity) -> None:
    city.article(NEWS, body='<div data-archived="1" style="position:fixed" onclick="x()">假的章</div>')
    city.build()
    page = city.page(URL)
    assert "假的章" in page
    for bad in ("data-archived", "position:fixed", "onclick"):
        assert bad not in page[page.index("<body") :], bad


def test_hidden_files_are_no_content(city: TinyCity) -> None:
    city.put("xwdt/.draft.md", "---\ntitle：x\n")
    city.put("xwdt/.obsidian/x.md", "y")
    assert codes(city.build()) == []


def test_putting_a_file_never_writes_through_a_hard_link(city: TinyCity) -> None:
    old, new = city.root / "old", city.root / "new"
    output.put(old, "a", b"served")
    output.share(old / "a", new, "a")
    output.put(new, "a", b"next")
    assert (old / "a").read_bytes() == b"served"


def test_the_last_signed_version_is_fetched_from_git(city: TinyCity) -> None:
    city.article(NEWS, body="好的正文。")
    for words in (
        ["init", "-q"],
        ["add", "content"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(city.root), *words], check=True)
    shutil.rmtree(city.root / "build")  # a fresh build server
    city.put(NEWS, "---\ntitle：坏\n---\n")
    assert codes(city.build()) == ["last-version-shown", "front-matter-full-width-colon"]
    assert "好的正文。" in city.page(URL)


def test_a_page_retired_twice_stays_as_it_was_captured_last(city: TinyCity) -> None:
    city.article(NEWS, body="第一稿。")
    city.build()
    retire(city, NEWS)
    first = next(city.project.public.glob("*/*.json"))
    raw = json.loads(first.read_text(encoding="utf-8"))
    later = str(int(STAMP) + 1)
    raw |= {"timestamp": later}
    raw["pages"][0]["captured_at"] = "2026-11-22T04:00:00+00:00"
    files.write_atomic(first.with_name(f"{later}.json"), json.dumps(raw).encode())
    pages = archived.retired_pages(archived.load(city.project.public)[0])
    assert pages[NEWS].index.timestamp == later


def test_a_body_cannot_take_the_themes_classes(city: TinyCity) -> None:
    city.article(NEWS, body='<div class="forged-stamp wide">盖住</div>')
    city.build()
    assert '<div class="wide">盖住' in city.page(URL)
    assert "forged-stamp" not in city.page(URL)


# --- attachments ---------------------------------------------------------------------------------------------------


def text_of(city: TinyCity, path: str) -> str:
    return (city.content / path).read_text(encoding="utf-8")


def test_an_attachment_never_takes_the_place_of_a_page(city: TinyCity) -> None:
    city.put("index.html", b"<script>alert(1)</script>")
    city.put("xwdt/index.md", text_of(city, "xwdt/index.md") + "[x](../index.html)\n")
    city.article("xwdt/202611/t20261120_2.md", "二", "第二篇正文。")
    city.put("xwdt/202611/t20261120_2.html", b"EVIL")
    city.article(NEWS, body="[x](t20261120_2.html)", sign=False)
    assert codes(city.build()).count("attachment-refused") == 2
    assert "alert(1)" not in city.page("index.html")
    assert "第二篇正文。" in city.page("xwdt/202611/t20261120_2.html")


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.js", "x.xml", "x.xhtml", "x"])
def test_what_a_browser_would_run_is_no_attachment(city: TinyCity, name: str) -> None:
    city.put(f"xwdt/202611/{name}", b"<script>")
    city.article(NEWS, body=f"[x]({name})", sign=False)
    assert codes(city.build()) == ["attachment-refused"]
    assert not (city.site / f"xwdt/202611/{name}").exists()


@pytest.mark.parametrize("target", ["../../../pwned", "/pwned", "index.html", "../../pwned.pdf"])
def test_a_ledger_line_brings_no_file_of_its_own_choice(city: TinyCity, target: str) -> None:
    source = "---\ntitle: 一\ndate: 2026-11-20 09:30\nsource: s\n---\n\nx\n".encode()
    for data in (source, b"EVIL"):
        blob = content.git_blob(data)
        files.write_atomic(city.project.state / "good" / blob[:2] / blob, data)
    for minute, (who, stage) in enumerate((("bianji", "edit"), ("shenhe", "review"), ("qianfa", "sign"))):
        line = {
            "article": "t20261120_1",
            "stage": stage,
            "person": f"portal-{who}",
            "at": f"2026-11-22T11:0{minute}:00+08:00",
            "verdict": "pass",
            "digest": content.digest(source, {target: files.sha256(b"EVIL")}),
            "blob": content.git_blob(source),
            "assets": {target: content.git_blob(b"EVIL")},
        }
        files.append_line(city.content / "xwdt/_reviews/202611.jsonl", json.dumps(line))
    city.put(NEWS, "broken")
    assert "last-version-missing" in codes(city.build())
    assert not list(city.root.parent.rglob("pwned*"))
    assert city.page("index.html") != "EVIL"


def test_a_blob_id_is_no_path(city: TinyCity) -> None:
    from sitegen.good import Good

    good = Good(city.root, city.content, city.project.state / "good")
    assert [good.path_of(name) for name in ("/etc/passwd", "../../x", "", "0" * 39)] == [None] * 4


def test_nothing_is_written_outside_the_tree(tmp_path: Path) -> None:
    for name in ("../x", "/x", "a/../../x"):
        with pytest.raises(ValueError, match="out of the release"):
            output.put(tmp_path, name, b"")


def test_a_file_that_changes_while_it_is_published_stops_the_build(city: TinyCity) -> None:
    city.put("xwdt/202611/a.pdf", b"signed")
    city.article(NEWS, body="[x](a.pdf)")

    def swap(point: str) -> None:
        if point == "pages-rendered":
            city.put("xwdt/202611/a.pdf", b"UNREVIEWED")

    with pytest.raises(Refused) as refused:
        building.build(city.project, now=NOW, jobs=1, fault=swap)
    assert [p.code for p in refused.value.problems] == ["source-changed-while-building"]
    assert not city.site.exists()


def test_a_section_publishes_no_file_that_an_article_binds(city: TinyCity) -> None:
    city.put("xwdt/202611/a.pdf", b"signed")
    city.put("xwdt/202611/secret.pdf", b"draft")
    city.article(NEWS, "一", "[x](a.pdf)")
    links = "[x](202611/a.pdf) [y](202611/secret.pdf)\n"
    city.put("xwdt/index.md", text_of(city, "xwdt/index.md") + links)
    assert "attachment-refused" in codes(city.build())
    city.put("xwdt/202611/a.pdf", b"UNREVIEWED")
    city.build()
    assert (city.site / "xwdt/202611/a.pdf").read_bytes() == b"signed"
    assert not (city.site / "xwdt/202611/secret.pdf").exists()


def test_a_section_shows_the_picture_that_stands_beside_it(city: TinyCity) -> None:
    city.put("xwdt/map one.png", b"png")
    city.put("xwdt/index.md", text_of(city, "xwdt/index.md") + "![图](map%20one.png)\n")
    assert codes(city.build()) == []
    assert (city.site / "xwdt/map one.png").read_bytes() == b"png"


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("附件(1).pdf", "[x](附件(1).pdf)"),
        ("a b.pdf", "[x](<a b.pdf>)"),
        ("a b.pdf", "[x](a%20b.pdf)"),
        ("list_1.pdf", r"[x](list\_1.pdf)"),
        ("x.pdf", "[x]( x.pdf 'title')"),
        ("x.pdf", "<a href=x.pdf>x</a>"),
    ],
)
def test_however_a_file_is_linked_the_review_binds_it(city: TinyCity, name: str, link: str) -> None:
    city.put(f"xwdt/202611/{name}", b"one")
    city.article(NEWS, body=link)
    assert codes(city.build()) == []
    assert (city.site / f"xwdt/202611/{name}").exists()
    city.put(f"xwdt/202611/{name}", b"two")
    assert codes(city.build()) == ["review-pending"]


def test_a_link_that_the_review_does_not_see_is_told(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last wall: whatever form of link is forgotten, rendering finds it."""
    city.put("xwdt/202611/x.pdf", b"one")
    city.article("xwdt/202611/t20261120_2.md", body="[x](x.pdf)")
    city.build()
    monkeypatch.setattr(mentions, "local_files", lambda body, path: set() if "甲" in body else {"xwdt/202611/x.pdf"})
    city.article(NEWS, body="甲[x](x.pdf)")
    assert "attachment-unbound" in codes(city.build())


def test_two_articles_that_signed_different_bytes_of_one_file_are_told(city: TinyCity) -> None:
    city.put("xwdt/202611/a.pdf", b"v1")
    city.article(NEWS, "一", "[x](a.pdf)")
    city.article("xwdt/202611/t20261120_2.md", "二", "[x](a.pdf)")
    city.build()
    city.put("xwdt/202611/a.pdf", b"v2")
    city.sign(NEWS, at=NOW - timedelta(hours=1))
    assert "attachment-conflict" in codes(city.build())


def test_the_attachments_of_an_expired_article_are_gone(city: TinyCity) -> None:
    city.put("xwdt/202611/a.pdf", b"x")
    city.article(NEWS, "一", "[x](a.pdf)", extra="expire_at: 2026-11-21 18:00\n")
    city.build()
    assert not (city.site / "xwdt/202611/a.pdf").exists()


def test_the_last_good_version_keeps_its_picture(city: TinyCity) -> None:
    city.put("xwdt/202611/p.png", b"png")
    city.article(NEWS, "一", "![图](p.png) 正文。", extra="image: p.png\n")
    city.build()
    before = city.released()
    (city.content / "xwdt/202611/p.png").unlink()
    report = city.build()
    assert "link-broken" not in codes(report)
    assert city.released() == before


def test_a_folder_named_like_a_page_stops_nothing_else(city: TinyCity) -> None:
    city.put("xwdt/202611/t20261120_2.html/pic.png", b"p")
    city.article("xwdt/202611/t20261120_2.md", body="![图](t20261120_2.html/pic.png)")
    assert "attachment-in-the-way" in codes(city.build())
    assert "<h1" in city.page("xwdt/202611/t20261120_2.html")


def test_a_name_too_long_for_a_file_system_is_refused(city: TinyCity) -> None:
    city.article(f"xwdt/202611/{'a' * 230}.md", sign=False)
    assert codes(city.build()) == ["url-too-long"]


def test_a_picture_of_another_host_is_left_out(city: TinyCity) -> None:
    city.article(NEWS, body="![x](https://evil.example/t.gif)")
    assert codes(city.build()) == ["image-external"]
    assert "evil.example" not in city.page(URL)


# --- names, versions, time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["archive/index.md", "search/index.md"])
def test_a_refused_section_is_not_published(city: TinyCity, path: str) -> None:
    publish(city, "lyj", pages=[copied_page()], copies={"a/index.html": b"x"})
    city.put(path, text_of(city, "xwdt/index.md").replace("要闻动态", "假目录"))
    assert "url-reserved" in codes(city.build())
    assert "示例市旅游局网站" in city.page("archive/index.html")
    assert not any("假目录".encode() in data for data in city.released().values())


@pytest.mark.parametrize("path", ["xwdt/list_1.md", "xwdt/中文.md"])
def test_a_refused_article_is_not_published(city: TinyCity, path: str) -> None:
    city.article(path, sign=False)
    city.build()
    assert not (city.site / path.replace(".md", ".html")).exists()


def test_a_second_file_of_the_same_id_shows_nothing_of_the_first(city: TinyCity) -> None:
    city.article("xwdt/a/lxwm.md", "甲页", "甲的正文。")
    city.put("xwdt/b/lxwm.md", "---\ntitle: 乙\ndate: 2026-11-20 09:30\nsource: s\n---\n乙。\n")
    assert codes(city.build()) == ["article-id-duplicate"]
    assert not (city.site / "xwdt/b/lxwm.html").exists()
    assert (city.site / "xwdt/a/lxwm.html").exists()


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_clean_build_repairs_the_live_release(city: TinyCity, damage: Any) -> None:
    city.article(NEWS, body="正文在此。")
    city.build()
    damage((city.site / URL).resolve())
    city.build(clean=True)
    assert "正文在此。" in city.page(URL)


def test_a_clean_build_keeps_the_last_version_of_a_page_it_cannot_render(city: TinyCity) -> None:
    city.article(NEWS, body="第一稿。")
    city.build()
    (city.root / "themes/gov/kinds/article.html").write_text("{% if %}", encoding="utf-8")
    assert "render-failed" in codes(city.build(clean=True))
    assert "第一稿。" in city.page(URL)


def test_a_scheduled_edit_leaves_the_present_page_online(city: TinyCity) -> None:
    city.article(NEWS, "一", "第一稿。")
    city.build()
    city.article(NEWS, "一", "第二稿。", extra="publish_at: 2026-11-25 08:00\n", sign=False)
    city.sign(NEWS, at=NOW - timedelta(hours=1))
    report = city.build()
    assert codes(report) == ["publication-in-future"]
    assert report.next_change == NOW.replace(day=25, hour=8)
    assert "第一稿。" in city.page(URL)
    city.build(now=NOW.replace(day=25, hour=8))
    assert "第二稿。" in city.page(URL)


def test_a_sign_off_dated_in_the_future_does_not_count_yet(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    city.sign(NEWS, at=NOW + timedelta(days=1))
    report = city.build()
    assert report.next_change == NOW + timedelta(days=1)
    assert not (city.site / URL).exists()


def test_a_rejection_counts_whatever_signs_its_reason_holds(city: TinyCity) -> None:
    file = city.article(NEWS)
    city.build()
    desk = signing.Desk.open(city.project)
    signing.decide(desk, [file], person="portal-qianfa", at=NOW, verdict="reject", reason="日期有误\u2028请改\u0085")
    assert codes(city.build()) == ["review-rejected"]
    assert not (city.site / URL).exists()


def test_a_section_committed_with_crlf_is_still_its_own_last_good_text(city: TinyCity) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=false"]
        subprocess.run(["git", "-C", str(city.root), *identity, *words], check=True, capture_output=True)

    index = city.content / "xwdt/index.md"
    index.write_bytes(index.read_bytes().replace(b"\n", b"\r\n"))
    for words in (["init"], ["add", "content"], ["commit", "-m", "x"]):
        git(*words)
    index.write_text("---\ntitle：坏\n---\n", encoding="utf-8")
    city.build()
    assert "要闻动态" in city.page("xwdt/index.html")


def test_a_section_without_a_last_line_end_is_read(city: TinyCity) -> None:
    city.put("xwdt/index.md", text_of(city, "xwdt/index.md").rstrip("\n"))
    assert codes(city.build()) == []


def test_the_manifest_names_the_version_that_is_shown(city: TinyCity) -> None:
    city.article(NEWS)
    city.build()
    good = (city.content / "xwdt/index.md").read_bytes()
    city.put("xwdt/index.md", "---\ntitle：坏\n---\n")
    city.article("xwdt/202611/t20261120_2.md")
    city.build()
    manifest = manifest_of(city.project)
    page = next(page for page in manifest["pages"] if page["source"] == "xwdt/index.md")
    assert page["blob"] == content.git_blob(good)


def test_a_retired_page_whose_column_is_gone_is_told(city: TinyCity) -> None:
    city.article(NEWS, "旧闻")
    city.build()
    retire(city, NEWS)
    city.build()
    shutil.rmtree(city.content / "xwdt")
    assert "retired-version-missing" in codes(city.build())


# --- one bad file and the rest of the city -----------------------------------------------------------------------------

_HEAD = "---\ntitle: 一\ndate: 2026-11-20 09:30\nsource: s\n"


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        (NEWS, _HEAD.replace("2026-11-20 09:30", "9999-12-31 23:00Z") + "---\nx\n", "date-impossible"),
        (NEWS, _HEAD.replace("2026-11-20 09:30", "0001-01-01 00:00+10:00") + "---\nx\n", "date-impossible"),
        ("_records/people.yml", "people: 中".encode("gbk"), "record-unreadable"),
        ("_records/units.yml", "units: 中".encode("gbk"), "record-unreadable"),
        ("_records/people.yml", "people:\n  - {id: x, roles: [{from: 2026-02-30}]}\n", "record-unreadable"),
        (
            "_records/people.yml",
            "people:\n  - {id: x, roles: [{stage: edit, columns: [a], from: '1'}]}\n",
            "record-role",
        ),
        ("_records/people.yml", "people:\n  - {id: x, roles: [{stage: edit, columns: portal}]}\n", "record-role"),
        ("_records/people.yml", "people:\n  - {id: x}\n  - {id: x}\n", "record-unreadable"),
        ("xwdt/_reviews/202611.jsonl", '{"a":"中"}'.encode("gbk"), "review-entry-unreadable"),
        ("xwdt/_reviews/202611.jsonl", "[1]\n", "review-entry-unreadable"),
        ("xwdt/_reviews/202611.jsonl", "[" * 100_000 + "\n", "review-entry-unreadable"),
        (os.fsdecode("xwdt/中文.md".encode("gbk")), _HEAD + "---\nx\n", "name-not-utf8"),
        (os.fsdecode("xwdt/中文".encode("gbk")) + "/index.md", "x", "name-not-utf8"),
    ],
)
def test_a_file_that_cannot_be_read_stops_nothing_else(city: TinyCity, path: str, data: str | bytes, code: str) -> None:
    city.put(path, data)
    report = city.build()
    assert code in codes(report)
    json.dumps(report.as_json(), ensure_ascii=False).encode()
    assert (city.site / "index.html").exists()


def test_a_verdict_at_the_end_of_time_is_told(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    line = {"article": "t20261120_1", "stage": "edit", "person": "portal-bianji", "verdict": "pass", "blob": ""}
    line |= {"at": "9999-12-31T23:00:00-10:00", "digest": digest_of(city, NEWS)}
    files.append_line(city.content / "xwdt/_reviews/202611.jsonl", json.dumps(line))
    assert "review-entry-unreadable" in codes(city.build())


def test_a_file_that_may_not_be_read_is_told(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article(NEWS)
    real = files.read

    def refused(path: str) -> bytes:
        if path.endswith("t20261120_1.md"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(files, "read", refused)
    assert "source-unreadable" in codes(city.build())


@pytest.mark.parametrize("missing", ["archived_on", "name", "pages", "files", "label"])
def test_an_index_that_lacks_a_field_is_told(city: TinyCity, missing: str) -> None:
    path = publish(city, "lyj", pages=[copied_page()], copies={"a/index.html": b"x"})
    raw = json.loads(path.read_text(encoding="utf-8"))
    del raw[missing]
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert codes(city.build()) == ["archive-index-unreadable"]


@pytest.mark.parametrize("body", ["](a" * 20_000, "](" + "a" * 60_000, "<" * 60_000, "[" * 60_000, "![" * 30_000])
def test_a_hostile_text_costs_no_minutes(city: TinyCity, body: str) -> None:
    """Reading sources happens before any review. The bound is far above what is needed and far below minutes."""
    started = time.process_time()
    mentions.linked_files(_HEAD + "---\n" + body, NEWS)
    content.summary(body)
    assert time.process_time() - started < 20
