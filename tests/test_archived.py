"""What the generator does with what the archive published: copies carried whole, our own pages kept as they were."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sitegen import files, lifecycle, reader
from sitegen.errors import Refused
from sitegen.lifecycle import Event
from sitegen.manifest import manifest as manifest_of
from sitegen.pages.initials import initial
from tests.cities import NOW, TinyCity, codes

NEWS = "xwdt/202611/t20261120_1.md"
STAMP = "20261122030000"


def publish(city: TinyCity, site: str, *, pages: list[dict[str, Any]], copies: dict[str, bytes], **more: Any) -> Path:
    """An index as `archive publish` writes it (docs/FORMATS.md §4)."""
    folder = city.project.public / site
    for name, data in copies.items():
        files.write_atomic(folder / STAMP / name, data)
    index = {
        "format": "published/1",
        "site": site,
        "timestamp": STAMP,
        "mode": "copies",
        "label": "已歸檔",
        "archived_on": "2026-11-22",
        "name": "示例市旅游局网站",
        "unit": "jyj",
        "reason": "整合迁移",
        "approval": {"document": "示政办函〔2026〕61号", "date": "2026-08-20"},
        "start": "http://lyj.example.gov.cn/",
        "home": f"/archive/{site}/{STAMP}/lyj.example.gov.cn/index.html",
        "successor": {"url": "/jyj/", "title": "示例市教育局"},
        "counts": {"captured": len(pages), "pages": len(pages), "images": 0, "files": 0, "stamped": len(pages)},
        "capture": {"id": f"{site}/{STAMP}", "warc": [], "sha256": {}},
        "columns": [],
        "pages": pages,
        "files": {n: {"bytes": len(d), "sha256": files.sha256(d)} for n, d in sorted(copies.items())},
        **more,
    }
    path = folder / f"{STAMP}.json"
    files.write_atomic(path, json.dumps(index, ensure_ascii=False).encode())
    return path


def copied_page() -> dict[str, Any]:
    return {
        "target_uri": "http://lyj.example.gov.cn/",
        "url": f"/archive/lyj/{STAMP}/lyj.example.gov.cn/index.html",
        "title": "旅游局",
        "kind": "page",
        "captured_at": "2026-11-22T03:00:05+00:00",
        "date": None,
        "record_id": "<urn:uuid:0>",
        "payload_digest": "sha256:" + "0" * 64,
        "successor": None,
    }


def test_public_copies_are_carried_byte_for_byte_and_listed(city: TinyCity) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=[copied_page()], copies={"lyj.example.gov.cn/index.html": b"<html>old</html>"})
    report = city.build()
    assert codes(report) == []
    assert city.page(f"archive/lyj/{STAMP}/lyj.example.gov.cn/index.html") == "<html>old</html>"
    assert "示例市旅游局网站" in city.page("archive/index.html")
    catalogue = city.page("archive/lyj/index.html")
    assert "示政办函〔2026〕61号" in catalogue
    assert "2026-11-22" in catalogue
    assert "/archive/" in city.page("index.html")
    assert city.build().rendered == 0


def test_home_and_catalogue_count_the_same_archived_pages(city: TinyCity) -> None:
    """Pages, not the pictures and files that are kept beside them; of each site those of its newest capture."""
    counts = {"captured": 9, "pages": 1234, "images": 4, "files": 3, "stamped": 8}
    publish(city, "lyj", pages=many_pages(3), copies={}, counts=counts)
    earlier = city.project.public / "lyj" / f"{STAMP}.json"
    index = json.loads(earlier.read_text(encoding="utf-8"))
    index |= {"timestamp": "20251122030000", "counts": counts | {"pages": 7}}
    files.write_atomic(earlier.with_name("20251122030000.json"), json.dumps(index).encode())
    city.article(NEWS)
    city.build()
    retire(city, "xwdt/202611/t20261120_1.md")
    city.build()
    assert "<dd>2 家</dd>" in city.page("index.html")
    home, catalogue = (re.sub("<[^>]+>", " ", city.page(page)).split() for page in ("index.html", "archive/index.html"))
    assert [home.count(number) for number in ("1,235", "1,234", "7")] == [1, 0, 0]
    assert [catalogue.count(number) for number in ("1,235", "1,234", "7")] == [1, 1, 0]


def many_pages(number: int) -> list[dict[str, Any]]:
    """In the column lydt, of 2012 but the last, which has no date; beside them one in no column, and one file."""
    folder = f"/archive/lyj/{STAMP}/lyj.example.gov.cn"
    pages = [
        {
            **copied_page(),
            "target_uri": f"http://lyj.example.gov.cn/lydt/{place}.htm",
            "url": f"{folder}/lydt/{place}.htm.html",
            "title": f"旧闻{place:04}",
            "date": f"2012-03-{1 + place % 28:02}" if place < number - 1 else None,
        }
        for place in range(number)
    ]
    other = {**copied_page(), "target_uri": "http://lyj.example.gov.cn/about.htm", "title": "关于"}
    return [*pages, other, {**copied_page(), "kind": "file", "title": "附件一.doc"}]


COLUMN = {
    "path": "lydt",
    "title": "旅游动态",
    "pages": 3,
    "url": None,
    "successor": "/xwdt/",
    "successor_title": "要闻动态",
    "appraisal": {"keep": False, "reason": "过期动态", "by": "方晓岚", "on": "2026-08-25"},
}


def test_the_catalogue_lists_every_page_by_column_and_by_year_a_hundred_at_a_time(city: TinyCity) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=many_pages(250), copies={}, columns=[COLUMN])
    assert codes(city.build()) == []
    lists = [city.page(f"archive/lyj/column-1{part}.html") for part in ("", "-p2", "-p3")]
    assert [sum(f"旧闻{place:04}" in text for place in range(250)) for text in lists] == [100, 100, 50]
    assert sum(f"旧闻{place:04}" in lists[0] + lists[1] + lists[2] for place in range(250)) == 250
    assert "旧闻0249" in city.page("archive/lyj/undated.html")
    assert "关于" in city.page("archive/lyj/column-0.html")
    assert "附件一.doc" in city.page("archive/lyj/files.html")
    dates = re.findall(r'<time datetime="(2012-[\d-]+)"', city.page("archive/lyj/year-2012.html"))
    assert len(dates) == 100
    assert dates == sorted(dates, reverse=True)
    front = city.page("archive/lyj/index.html")
    assert "旧闻" not in front
    for word in ("仅归档", "过期动态", "方晓岚", "要闻动态", 'href="/archive/lyj/column-1.html"'):
        assert word in front
    every = [page for page in city.released() if page.startswith("archive/") and page.endswith(".html")]
    linked = {link for page in every for link in re.findall(r'href="/(archive/lyj/[a-z][^"]*)"', city.page(page))}
    assert linked - set(every) == set()
    assert city.build().rendered == 0


PROOF = {
    "on": "2026-11-23", "coverage": 99.5, "urls": 200, "records": 640, "orphans": 1,
    "aspects": [
        {"name": "captured", "looked_at": 200, "proven": 199, "due": True},
        {"name": "announced", "looked_at": 0, "proven": 0, "due": False},
    ],
    "checks": [
        {"nature": "完整性", "check": "没有遗漏的网址", "how": "逐个核对", "looked_at": 1234, "result": "未通过", "from_standard": True},
    ],
}  # fmt: skip


def test_citizens_read_what_the_proof_of_an_archive_found(city: TinyCity) -> None:
    """第十五条: the report is one link away from the site's catalogue, and says what failed and what is not due."""
    city.article(NEWS)
    outcomes = {"captured": 18, "redirected": 1, "failed": 1, "excluded": 7}
    publish(city, "lyj", pages=many_pages(3), copies={}, columns=[COLUMN | {"outcomes": outcomes}], proof=PROOF)
    assert codes(city.build()) == []
    front, report = city.page("archive/lyj/index.html"), city.page(f"archive/lyj/report-{STAMP}.html")
    assert f'href="/archive/lyj/report-{STAMP}.html"' in front
    assert "<dd>99.5%</dd>" in front
    assert '<b>95%</b><span class="n">19 / 20</span>' in front
    for words in (
        "<dd>99.5%</dd>",
        '<b>99.5%</b><span class="n">199 / 200</span>',
        "尚未到期",
        "1,234",
        "未通过",
        "2026-11-23",
    ):
        assert words in report


def test_a_share_is_never_rounded_up_to_the_whole(city: TinyCity) -> None:
    city.article(NEWS)
    proof = PROOF | {"aspects": [{"name": "captured", "looked_at": 100_000, "proven": 99_999, "due": True}]}
    publish(city, "lyj", pages=many_pages(3), copies={}, proof=proof)
    city.build()
    report = city.page(f"archive/lyj/report-{STAMP}.html")
    assert '<rect width="99" height="8"/></svg><b>99.9%</b>' in report


def test_an_archive_that_was_never_proven_has_no_report(city: TinyCity) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=many_pages(3), copies={}, columns=[COLUMN])
    assert codes(city.build()) == []
    assert "report-" not in city.page("archive/lyj/index.html")


@pytest.mark.parametrize(
    "wrong", [{"urls": "many"}, {"aspects": [{"name": "captured"}]}, {"checks": [{"nature": 1}]}, {"on": None}]
)
def test_a_proof_that_cannot_be_read_is_named(city: TinyCity, wrong: dict[str, Any]) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=many_pages(3), copies={}, proof=PROOF | wrong)
    assert codes(city.build()) == ["archive-index-unreadable"]


def test_every_capture_has_its_page_and_the_newest_stands_for_its_site(city: TinyCity) -> None:
    city.article(NEWS)
    path = publish(city, "lyj", pages=many_pages(3), copies={}, columns=[COLUMN])
    older = json.loads(path.read_text(encoding="utf-8")) | {"timestamp": "20200101030000", "reason": "改版"}
    files.write_atomic(path.with_name("20200101030000.json"), json.dumps(older, ensure_ascii=False).encode())
    assert codes(city.build()) == []
    before = city.page("archive/lyj/capture-20200101030000.html")
    assert "改版" in before
    assert 'href="/archive/lyj/"' in before
    now = city.page("archive/lyj/index.html")
    assert "整合迁移" in now
    assert 'href="/archive/lyj/capture-20200101030000.html"' in now
    path.unlink()
    city.build()
    assert "改版" in city.page("archive/lyj/index.html")
    assert "archive/lyj/capture-20200101030000.html" not in city.released()


def test_the_catalogue_shows_the_course_and_the_screenshots_that_are_there_and_no_other(
    city: TinyCity,
) -> None:
    city.article(NEWS)
    shown = {
        "screenshots": [{"kind": "home", "url": "/archive/lyj/x/home.png"}],
    }
    events = [{"event": "approval", "date": "2026-08-20", "document": "示政办函〔2026〕61号"}]
    publish(city, "lyj", pages=[], copies={}, exhibits=shown, events=events)
    city.build()
    page = city.page("archive/lyj/index.html")
    for word in ("批准下线", 'src="/archive/lyj/x/home.png"'):
        assert word in page
    publish(city, "lyj", pages=[], copies={})
    city.build()
    page = city.page("archive/lyj/index.html")
    for word in ("批准下线", "home.png", "wacz"):
        assert word not in page


def test_an_article_and_the_archived_page_it_is_related_to_show_each_other(city: TinyCity) -> None:
    """第十五条: archived and present information are related; by whatever builds, the pages are those of a clean one."""
    city.article(NEWS, "新闻")
    city.build()
    assert "历史页面" not in city.page("xwdt/202611/t20261120_1.html")
    related = {"source": NEWS, "url": "/xwdt/202611/t20261120_1.html", "title": "新闻", "how": "title", "score": 0.7}
    page = {**copied_page(), "title": "旧闻", "related": [related]}
    publish(city, "lyj", pages=[page], copies={"lyj.example.gov.cn/index.html": b"<html>old</html>"})
    assert codes(city.build()) == []
    assert f'href="{page["url"]}"' in city.page("xwdt/202611/t20261120_1.html")
    assert 'href="/xwdt/202611/t20261120_1.html"' in city.page("archive/lyj/undated.html")
    clean = city.copy_sources(city.root.parent / "clean")
    shutil.copytree(city.project.public, clean.project.public, dirs_exist_ok=True)
    clean.build(clean=True)
    assert city.released() == clean.released()
    publish(city, "lyj", pages=[copied_page()], copies={"lyj.example.gov.cn/index.html": b"<html>old</html>"})
    city.build()
    assert "历史页面" not in city.page("xwdt/202611/t20261120_1.html")


@pytest.mark.parametrize(
    "wrong",
    [{"columns": [{"path": "a"}]}, {"events": [{"event": 1, "date": ""}]}, {"exhibits": {"screenshots": [{}]}}],
)
def test_an_index_with_parts_that_cannot_be_shown_is_told(city: TinyCity, wrong: dict[str, Any]) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=[], copies={}, **wrong)
    assert codes(city.build()) == ["archive-index-unreadable"]


def test_a_copy_that_is_not_what_its_index_says_is_told_and_left_out(city: TinyCity) -> None:
    publish(city, "lyj", pages=[copied_page()], copies={"a/index.html": b"<html>old</html>"})
    (city.project.public / "lyj" / STAMP / "a/index.html").write_bytes(b"defaced")
    report = city.build()
    assert codes(report) == ["archive-copy-damaged"]
    assert not (city.site / "archive/lyj" / STAMP / "a/index.html").exists()


def test_a_copy_changed_without_changing_its_length_is_told(city: TinyCity) -> None:
    publish(city, "lyj", pages=[copied_page()], copies={"a/index.html": b"<html>old</html>"})
    (city.project.public / "lyj" / STAMP / "a/index.html").write_bytes(b"<html>new</html>")
    assert codes(city.build()) == ["archive-copy-damaged"]


def test_a_copy_whose_name_leads_out_of_its_folder_is_refused(city: TinyCity) -> None:
    path = publish(city, "lyj", pages=[copied_page()], copies={"a/index.html": b"x"})
    (city.project.public / "secret").write_bytes(b"top")
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["files"]["../../secret"] = {"bytes": 3, "sha256": files.sha256(b"top")}
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert codes(city.build()) == ["archive-copy-damaged"]
    assert b"top" not in city.released().values()


def test_an_index_that_cannot_be_read_is_told(city: TinyCity) -> None:
    path = publish(city, "lyj", pages=[copied_page()], copies={})
    path.write_text('{"format": "published/9"', encoding="utf-8")
    assert codes(city.build()) == ["archive-index-unreadable"]


def test_a_published_retirement_whose_copies_are_gone_is_told(city: TinyCity) -> None:
    lifecycle.append_event(
        city.content,
        "lyj",
        Event(event="published", on=NOW.date(), facts={"capture": "lyj/1"}),
        name="旅游局",
        unit="jyj",
    )
    assert codes(city.build()) == ["archive-index-missing"]


def test_a_lifecycle_record_that_cannot_be_read_stops_the_build(city: TinyCity) -> None:
    city.put("_records/sites/lyj.yml", "site: lyj\nevents:\n  - {event: approval, date: soon}\n")
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["lifecycle-unreadable"]


def test_events_are_appended_and_nothing_before_them_is_touched(city: TinyCity) -> None:
    text = "# 手写的说明\nsite: lyj\nname: 旅游局\nurl: http://lyj.example.gov.cn/\nunit: jyj\nevents:\n  - {event: approval, date: 2026-08-20}\n"
    path = city.put("_records/sites/lyj.yml", text)
    event = Event(event="portal-notice", on=NOW.date(), facts={"until": "2026-12-22", "url": "/tzgg/x.html"})
    assert lifecycle.append_event(city.content, "lyj", event) is True
    assert lifecycle.append_event(city.content, "lyj", event) is False
    assert path.read_text(encoding="utf-8").startswith(text)
    record = lifecycle.load(city.content, "lyj")
    assert record is not None
    assert [e.event for e in record.events] == ["approval", "portal-notice"]
    assert record.events[1] == event


def retire(city: TinyCity, *sources: str) -> None:
    """What `archive retire` leaves for pages of our own, made from the live release's manifest."""
    manifest = manifest_of(city.project)
    pages = [
        {
            "target_uri": manifest["site_url"].rstrip("/") + page["url"],
            "url": page["url"],
            "title": page["title"],
            "kind": "page",
            "captured_at": "2026-11-22T03:00:05+00:00",
            "source": page["source"],
            "digest": page["digest"],
            "blob": page["blob"],
        }
        for page in manifest["pages"]
        if page["source"] in sources
    ]
    assert len(pages) == len(sources)
    publish(city, "xwdt", pages=pages, copies={}, mode="in-place", name="要闻动态", start=pages[0]["target_uri"])


def test_a_retired_article_stays_at_its_address_stamped_and_out_of_lists(city: TinyCity) -> None:
    """第十五条: normally accessible, prominently marked, with the archive date."""
    city.article(NEWS, "旧闻", "旧闻正文。")
    city.article("xwdt/202611/t20261120_2.md", "新闻")
    city.build()
    retire(city, NEWS)
    report = city.build()
    assert codes(report) == []
    page = city.page("xwdt/202611/t20261120_1.html")
    body = page[page.index("<body") :]
    assert "旧闻正文。" in body
    assert body.index("data-archived") < body.index("<header")
    stamp = body[: body.index("<header")]
    assert "已歸檔" in stamp
    assert "2026-11-22" in stamp
    assert "示例市教育局" in stamp
    assert "<title>【已歸檔】" in page
    assert "旧闻" not in city.page("xwdt/index.html")
    assert "旧闻" not in city.page("index.html")
    assert "t20261120_1" not in city.page("sitemap.xml")


def test_a_later_edit_never_reaches_a_retired_page(city: TinyCity) -> None:
    city.article(NEWS, "旧闻", "原来的正文。")
    city.build()
    retire(city, NEWS)
    city.article(NEWS, "旧闻", "后来改的正文。", sign=False)
    city.sign(NEWS, at=NOW - timedelta(hours=1))
    city.build()
    assert "原来的正文。" in city.page("xwdt/202611/t20261120_1.html")
    assert "后来改的正文。" not in city.page("xwdt/202611/t20261120_1.html")


def test_a_retired_page_outlives_its_source(city: TinyCity) -> None:
    city.article(NEWS, "旧闻", "原来的正文。")
    city.build()
    retire(city, NEWS)
    city.build()
    (city.content / NEWS).unlink()
    assert codes(city.build()) == []
    assert "原来的正文。" in city.page("xwdt/202611/t20261120_1.html")


def test_a_retirement_of_ours_is_taken_back_by_taking_out_its_index(city: TinyCity) -> None:
    """The Markdown is where it was: without the index every page is what it was before."""
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    before = city.released()
    retire(city, "jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md")
    city.build()
    assert "data-archived" in city.page("jyj/tzgg/index.html")
    shutil.rmtree(city.root / "build/public")
    assert codes(city.build()) == []
    after = city.released()
    assert [name for name in before if name.endswith(".html") and before[name] != after.get(name)] == []


def test_a_retired_column_keeps_its_pages_and_leaves_the_menus(city: TinyCity) -> None:
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    retire(city, "jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md")
    report = city.build()
    assert codes(report) == []
    index = city.page("jyj/tzgg/index.html")
    assert "data-archived" in index
    assert "旧通知" in index
    assert "data-archived" in city.page("jyj/tzgg/202611/t20261120_1.html")
    assert "/jyj/tzgg/" not in city.page("jyj/index.html")
    assert "jyj/tzgg" not in city.page("sitemap.xml")


def test_nothing_new_is_published_in_a_retired_column(city: TinyCity) -> None:
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    retire(city, "jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md")
    before = city.build()
    assert codes(before) == []
    city.article("jyj/tzgg/202611/t20261121_2.md", "新通知", date="2026-11-21 09:00")
    assert codes(city.build()) == ["article-in-retired-column"]
    assert not (city.site / "jyj/tzgg/202611/t20261121_2.html").exists()


def test_a_retired_column_is_as_it_was_whatever_becomes_of_its_index(city: TinyCity) -> None:
    city.article("jyj/tzgg/202611/t20261120_1.md", "旧通知")
    city.build()
    retire(city, "jyj/tzgg/index.md", "jyj/tzgg/202611/t20261120_1.md")
    city.build()
    before = city.page("jyj/tzgg/index.html")
    text = (city.content / "jyj/tzgg/index.md").read_text(encoding="utf-8")
    city.put("jyj/tzgg/index.md", text.replace("title: 通知公告", "title: 改名"))
    city.build()
    assert city.page("jyj/tzgg/index.html") == before
    (city.content / "jyj/tzgg/index.md").unlink()
    city.build()
    assert city.page("jyj/tzgg/index.html") == before


def test_a_version_that_was_retired_and_is_lost_is_told(city: TinyCity) -> None:
    city.article(NEWS, "旧闻")
    city.build()
    retire(city, NEWS)
    for kept in (city.project.state / "good").rglob("*"):
        if kept.is_file():
            kept.unlink()
    city.put(NEWS, "---\ntitle: 改\ndate: 2026-11-20 09:30\nsource: 市府办\n---\n改。\n")
    assert codes(city.build()) == ["retired-version-missing"]


def test_a_whole_capture_is_opened_where_the_reader_is_and_only_there(city: TinyCity) -> None:
    """第十五条. ReplayWeb.page is no part of this repository: without it the package is offered for download."""
    city.article(NEWS)
    package = f"/archive/lyj/{STAMP}/lyj-{STAMP}.wacz"
    capture = {"id": f"lyj/{STAMP}", "warc": [], "sha256": {}, "wacz": package}
    publish(city, "lyj", pages=[copied_page()], copies={f"lyj-{STAMP}.wacz": b"zip"}, capture=capture)
    replay = reader.url_of("lyj", STAMP)
    assert codes(city.build()) == []
    assert f'href="{package}"' in city.page("archive/lyj/index.html")
    assert replay not in city.page("archive/lyj/index.html")
    for name in reader.FILES.values():
        files.write_atomic(city.project.reader / name, name.encode())
    assert codes(city.build()) == []
    assert f'href="{replay}"' in city.page("archive/lyj/index.html")
    page = city.page(replay[1:])
    assert f'data-source="{package}"' in page
    assert "已歸檔" in page
    assert city.page(reader.READER[1:]) == "ui.js"
    city.build(clean=True)
    assert city.page(replay[1:]) == page
    shutil.rmtree(city.project.root / reader.FOLDER)
    assert codes(city.build()) == []
    assert not (city.project.live / replay[1:]).exists()
    assert not (city.project.live / reader.READER[1:]).exists()


def test_a_reader_that_is_named_and_missing_is_told(city: TinyCity) -> None:
    city.article(NEWS)
    settings = city.project.config_file
    settings.write_text(settings.read_text("utf-8") + "extra: {archive: {replay: viewer}}\n", encoding="utf-8")
    assert codes(city.build()) == ["replay-reader-missing"]


def test_a_section_that_will_retire_says_so_on_each_of_its_pages_until_it_has(city: TinyCity) -> None:
    """第十二条: thirty days of notice, on the section itself. A build with it is that of a clean one."""
    city.article("jyj/tzgg/202611/t20261120_7.md")
    city.article(NEWS)
    quiet = city.build() and city.released()
    event = Event(event="banner", on=date(2026, 11, 20), facts={"url": "/xwdt/"})
    lifecycle.append_event(city.content, "jyj--tzgg", event, name="通知公告", url="", unit="jyj")
    assert codes(city.build()) == []
    for page in ("jyj/tzgg/index.html", "jyj/tzgg/202611/t20261120_7.html"):
        assert "最早于 2026-12-20 归档" in city.page(page)
        assert 'href="/xwdt/">查看公告' in city.page(page)
    for page in ("jyj/index.html", "index.html", "xwdt/index.html"):
        assert "停止更新公告" not in city.page(page)
    said = city.released()
    city.build(clean=True)
    assert city.released() == said
    lifecycle.append_event(city.content, "jyj--tzgg", Event(event="retired", on=date(2026, 12, 21), facts={}))
    city.build()
    assert city.released() == quiet


@pytest.mark.parametrize(
    ("title", "letter"),
    [("阿里山", "A"), ("关于公布", "G"), ("《旅游条例》", "L"), ("【公告】", "G"), ("座谈会", "Z"), ("  about us", "A"),
     ("2012年", "#"), ("鑫隆", "#"), ("旅游", "L"), ("景区", "J"), ("市民", "S"), ("", "#"), ("おはよう", "#")],
)  # fmt: skip
def test_a_title_is_found_under_the_letter_of_its_first_sound(title: str, letter: str) -> None:
    assert initial(title) == letter


def test_the_catalogue_lists_titles_by_letter_and_searches_the_archive_alone(city: TinyCity) -> None:
    city.article(NEWS)
    publish(city, "lyj", pages=[copied_page()], copies={"lyj.example.gov.cn/index.html": b"<html>old</html>"})
    assert codes(city.build()) == []
    catalogue = city.page("archive/lyj/index.html")
    assert 'href="/archive/lyj/letter-l.html">L <span class="n">1</span>' in catalogue
    assert '<input type="hidden" name="scope" value="archive">' in catalogue
    assert "旅游局" in city.page("archive/lyj/letter-l.html")
