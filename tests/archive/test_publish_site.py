"""A whole old site is published: every captured URL has a stamped copy, nothing is lost, twice gives the same."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import decision, store
from archive.appearance import Look
from archive.crawling.capture import Options, capture
from archive.crawling.frontier import Frontier
from archive.crawling.recapture import recapture
from archive.decision import Successor
from archive.net.fetch import parse_connect_to
from archive.proving import verify
from archive.publishing import copies, copying, publish, published
from archive.warcs import warc
from sitegen import archived
from sitegen.clock import SHANGHAI
from sitegen.errors import Refused
from sitegen.files import sha256
from tests.archive.oldweb import NOW, ROOT, Route, captured, lyj, page, redirect, serving
from tests.archive.stamping import complete, old_part, put_online, tree

DECISION = """site: lyj
name: 示例市旅游局网站
unit: whlyj
hosts: [lyj.example.gov.cn]
allow_private: [127.0.0.1]
reason: 整合迁移
approval: {document: 示政办函〔2026〕61号, date: 2026-08-20}
successor:
  site: whlyj
  url: /whlyj/
  title: 示例市文化和旅游局
  columns: {lydt: whlyj/gzdt, tzgg: whlyj/tzgg, zcfg: whlyj/zcwj, jqjs: whlyj/lyzx, bszn: whlyj/bsfw}
retention: 永久
"""
EXPECTED: list[dict[str, Any]] = json.loads((ROOT / "tests/sites/lyj/_expected.json").read_text(encoding="utf-8"))[
    "urls"
]


@pytest.fixture(scope="session")
def tourism(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The old tourism site, captured and published: a project folder with content/ and build/."""
    root = tmp_path_factory.mktemp("lyj")
    write(root, "_archive/lyj.yml", DECISION)
    write(root, "index.md", "---\nkind: portal\ntitle: 示例市人民政府\n---\n")
    write(root, "whlyj/index.md", "---\nkind: department\ntitle: 示例市文化和旅游局\nshort_name: 市文化和旅游局\n---\n")
    for folder, title in (
        ("gzdt", "工作动态"),
        ("tzgg", "通知公告"),
        ("zcwj", "政策文件"),
        ("lyzx", "旅游资讯"),
        ("bsfw", "办事服务"),
    ):
        write(
            root,
            f"whlyj/{folder}/index.md",
            f"---\nkind: column\ntitle: {title}\nholds: {'policy' if folder == 'zcwj' else 'article'}\n---\n",
        )
    decided = decision.load(root / "content", "lyj")
    with lyj() as server:
        dial = parse_connect_to(f"lyj.example.gov.cn:80:127.0.0.1:{server.port}")
        taken = capture(decided, store=root / "build/archive", now=NOW, options=Options(connect_to=(dial,))).capture
    publish.publish(taken, decided, public=root / "build/public", content=root / "content", now=NOW)
    return root


def write(root: Path, path: str, text: str) -> None:
    file = root / "content" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def index_of(root: Path) -> dict[str, Any]:
    return published.read_index(published.newest_index(root / "build/public", "lyj"))


def folder_of(root: Path) -> Path:
    return published.newest_index(root / "build/public", "lyj").with_suffix("")


def test_every_captured_url_is_in_the_index_and_every_copy_is_there(tourism: Path) -> None:
    """第十五条: what was archived can be looked at."""
    index = index_of(tourism)
    prefix = f"/archive/lyj/{index['timestamp']}/"
    with Frontier(store.open_capture(tourism / "build/archive", "lyj").frontier, read_only=True) as frontier:
        rows = [
            row for row in frontier.rows("captured", "redirected") if copies.kind_of(row) not in {"script", "style"}
        ]
    assert {page["target_uri"] for page in index["pages"]} == {row.url for row in rows}
    assert all(page["url"].removeprefix(prefix) in index["files"] for page in index["pages"])
    assert {
        path.relative_to(folder_of(tourism)).as_posix() for path in folder_of(tourism).rglob("*") if path.is_file()
    } == set(index["files"])
    for name, about in index["files"].items():
        data = (folder_of(tourism) / name).read_bytes()
        assert (len(data), sha256(data)) == (about["bytes"], about["sha256"])


def test_the_generator_accepts_the_index(tourism: Path) -> None:
    """docs/FORMATS.md §4, read from the other side."""
    found, problems = archived.load(tourism / "build/public")
    assert problems == []
    assert [(one.site, one.mode) for one in found] == [("lyj", "copies")]


def test_every_page_says_it_is_archived_in_title_and_first_thing_in_its_body(tourism: Path) -> None:
    pages = sorted(folder_of(tourism).rglob("*.html"))
    assert len(pages) > 130
    for path in pages:
        html = path.read_text(encoding="utf-8")
        read = tree(html)
        assert (read.findtext(".//title") or "").startswith("【已歸檔】")
        assert read.find("body")[0].get("data-archived") == "2026-11-22"
        assert not read.xpath("//script|//object|//embed|//base|//frame")
        assert "\ufffd" not in html, path


def test_no_link_of_a_copy_is_broken(tourism: Path) -> None:
    """Links lead to copies, to the notice of what is missing, to a warning — and each of these files exists."""
    folder = folder_of(tourism).resolve()
    for path in folder.rglob("*.html"):
        read = tree(path.read_text(encoding="utf-8"))
        for name in ("href", "src", "background"):
            for link in read.xpath(f"//body//@{name}"):
                parts = urlsplit(str(link))
                if parts.scheme or parts.path.startswith("/") or not parts.path:
                    assert parts.scheme in {"", "mailto"} or path.parent.name == "leaving", link
                    continue
                leads_to = path.parent / unquote(parts.path)
                assert leads_to.resolve().is_relative_to(folder)
                assert leads_to.is_file(), (path, link)


READABLE = [
    u
    for u in EXPECTED
    if "html_title" in u and ";" not in u["url"] and (u["linked_from"] or u["url"] in {"/", "/zt/2012/gdjq.html"})
    if u["status"] == 200
]


@pytest.mark.parametrize("one", READABLE, ids=lambda u: u["url"])
def test_the_title_of_each_page_can_be_read(tourism: Path, one: dict[str, Any]) -> None:
    """GBK without a word, wrong headers, UTF-16, four-byte characters: no mojibake."""
    (entry,) = (p for p in index_of(tourism)["pages"] if p["target_uri"] == "http://lyj.example.gov.cn" + one["url"])
    html = (folder_of(tourism) / entry["url"].split("/", 4)[4]).read_text(encoding="utf-8")
    assert " ".join((one.get("html_title") or "").split()) in (tree(html).findtext(".//title") or "")
    if one["kind"] == "article":
        assert (entry["title"], entry["date"]) == (one["title"], one["date"])


def test_old_columns_are_listed_with_their_titles_and_their_successors(tourism: Path) -> None:
    columns = {column["path"]: column for column in index_of(tourism)["columns"]}
    assert (columns["lydt"]["title"], columns["lydt"]["successor"]) == ("旅游动态", "/whlyj/gzdt/")
    assert columns["tzgg"]["title"] == "通知公告"
    assert columns["en"]["successor"] is None


def test_an_address_counts_in_the_innermost_column_and_a_page_in_every_one(tmp_path: Path) -> None:
    """第十五条: the catalogue's column table; `a/b` is a column of its own inside `a`."""
    routes: dict[str, Route] = {
        "/": page('<a href="/a/1.html">1</a><a href="/a/b/2.html">2</a><a href="/ab/3.html">3</a>')
    }
    routes |= {path: page(f"<p>{path}</p>") for path in ("/a/1.html", "/a/b/2.html", "/ab/3.html")}
    columns = Successor(site="whlyj", url="/whlyj/", title="局", columns={"a": "whlyj/x", "a/b": "whlyj/y"})
    with serving(routes) as web:
        report, _ = put_online(web, tmp_path, successor=columns)
    found = {one["path"]: one for one in published.read_index(report.index)["columns"]}
    assert {path: one["pages"] for path, one in found.items()} == {"a": 2, "a/b": 1}
    assert {path: one["outcomes"] for path, one in found.items()} == {"a": {"captured": 1}, "a/b": {"captured": 1}}


_SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "a.html"]), min_size=1, max_size=4).map("/".join)


@given(_SEGMENTS, st.frozensets(_SEGMENTS), st.booleans())
def test_a_page_counts_in_every_column_around_it_from_the_outermost(
    path: str, columns: frozenset[str], end: bool
) -> None:
    path = f"/{path}{'/' if end else ''}"
    around = [column for column in columns if path.startswith(f"/{column}/")]
    assert list(published.columns_around(path, columns)) == sorted(around, key=len)


def test_publishing_twice_writes_nothing_new(tourism: Path) -> None:
    before = {path: path.read_bytes() for path in (tourism / "build").rglob("*") if path.is_file()}
    taken = store.open_capture(tourism / "build/archive", "lyj")
    decided = decision.load(tourism / "content", "lyj")
    later = NOW.replace(year=2027)
    report = publish.publish(taken, decided, public=tourism / "build/public", content=tourism / "content", now=later)
    assert (report.written, report.deleted, report.archived_on.isoformat()) == (0, 0, "2026-11-22")
    assert {path: path.read_bytes() for path in (tourism / "build").rglob("*") if path.is_file()} == before


def test_the_capture_is_still_proven_after_it_was_published(tourism: Path) -> None:
    report = verify.verify(store.open_capture(tourism / "build/archive", "lyj"))
    assert (report.coverage, report.problems) == (100.0, ())


def test_each_stamped_page_is_kept_beside_its_original(tourism: Path) -> None:
    """The companion WARC: a conversion for each stamped page, referring to the response it was made from."""
    taken = store.open_capture(tourism / "build/archive", "lyj")
    records = [record for record in warc.iterate(taken.stamped) if record.type == "conversion"]
    answers = {
        record.record_id
        for path in taken.warcs
        for record in warc.iterate(path)
        if record.type in {"response", "revisit"}
    }
    stamped = [page for page in index_of(tourism)["pages"] if page["url"].endswith(".html")]
    assert len(records) == len(stamped)
    refers = [dict(record.headers)["WARC-Refers-To"] for record in records]
    assert set(refers) <= answers
    assert all(b"data-archived" in record.block for record in records)
    info, said = warcinfo(taken.stamped)
    assert (said["label"], said["archived-on"], said["reason"]) == ("已歸檔", "2026-11-22", "整合迁移")
    assert said["approval"] == "示政办函〔2026〕61号 2026-08-20"
    assert {dict(record.headers)["WARC-Warcinfo-ID"] for record in records} == {info.record_id}


def warcinfo(path: Path) -> tuple[warc.StoredRecord, dict[str, str]]:
    """The record, and its fields."""
    record = next(record for record in warc.iterate(path) if record.type == "warcinfo")
    return record, dict(line.split(": ", 1) for line in record.block.decode().splitlines())


def test_the_captured_records_say_what_was_decided_before_them(tourism: Path, tmp_path: Path) -> None:
    """The archive date is that of the first publication, unless the decision names it: records are never touched, so
    a WARC says no more than was known when it was begun."""
    _, said = warcinfo(store.open_capture(tourism / "build/archive", "lyj").warcs[0])
    assert (said["label"], said["reason"]) == ("已歸檔", "整合迁移")
    assert said["approval"] == "示政办函〔2026〕61号 2026-08-20"
    assert "archived-on" not in said
    with small(home=page("<p>x")) as web:
        dated = captured(web, tmp_path, complete(web, archived_on=date(2026, 12, 1))).capture
        undecided = captured(web, tmp_path).capture
    assert warcinfo(dated.warcs[0])[1]["archived-on"] == "2026-12-01"
    assert not {"label", "reason", "approval", "archived-on"} & set(warcinfo(undecided.warcs[0])[1])


def test_what_was_taken_out_is_counted_for_each_page_and_in_all(tourism: Path) -> None:
    index = index_of(tourism)
    totals: Counter[str] = Counter()
    for one in index["pages"]:
        totals.update(one["removed"])
    assert totals["scripts"] > 0
    assert {kind: totals[kind] for kind in ("scripts", "handlers", "forms", "frames")} == {
        kind: index["removed"].get(kind, 0) for kind in ("scripts", "handlers", "forms", "frames")
    }


# --- small sites


def entry(report: publish.PublishReport, path: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = published.read_index(report.index)["pages"]
    return next(one for one in found if urlsplit(one["target_uri"]).path == path)


def small(**routes: bytes) -> Any:
    return serving(
        {f"/{path.replace('__', '.')}" if path != "home" else "/": answer for path, answer in routes.items()}
    )


def test_a_link_to_a_picture_leads_to_the_sealed_one_and_the_page_shows_the_untouched_one(tmp_path: Path) -> None:
    png = (ROOT / "tests/sites/lyj/images/map.png").read_bytes()
    with small(home=page("<a href=/p.png><img src=/p.png></a>"), p__png=page(png, "image/png")) as web:
        report, folder = put_online(web, tmp_path)
    home = (folder / entry(report, "/")["url"].split("/", 4)[4]).read_text(encoding="utf-8")
    old = tree(old_part(home))
    assert (old.xpath("//a/@href"), old.xpath("//img/@src")) == (["p.png!sealed.png"], ["p.png"])
    assert next(folder.rglob("p.png")).read_bytes() == png
    assert entry(report, "/p.png")["kind"] == "image"


def test_a_picture_that_cannot_be_sealed_is_reached_through_a_stamped_page(tmp_path: Path) -> None:
    with small(home=page("<a href=/p.png>x</a>"), p__png=page(b"\x89PNG\r\n\x1a\nnothing", "image/png")) as web:
        report, folder = put_online(web, tmp_path)
    assert [(p.code, p.severity) for p in report.problems] == [("publish-image-unsealed", "warning")]
    assert entry(report, "/p.png")["url"].endswith("/p.png.html")
    assert 'href="p.png.html"' in next(folder.rglob("index.html")).read_text(encoding="utf-8")


def test_a_drawing_loses_its_scripts(tmp_path: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script>x()</script><a href="javascript:x()"><rect/></a></svg>'
    with small(home=page("<img src=/p.svg>"), p__svg=page(svg, "image/svg+xml")) as web:
        _, folder = put_online(web, tmp_path)
    copy = next(folder.rglob("p.svg")).read_text(encoding="utf-8")
    assert "rect" in copy
    assert not any(word in copy for word in ("script", "onload"))


def test_a_file_is_reached_through_a_stamped_page_and_stays_untouched(tmp_path: Path) -> None:
    with small(home=page("<a href=/f.pdf>x</a>"), f__pdf=page(b"%PDF-1.4 x", "application/pdf")) as web:
        report, folder = put_online(web, tmp_path)
    about = next(folder.rglob("f.pdf.html")).read_text(encoding="utf-8")
    assert all(
        words in about
        for words in ("f.pdf", "PDF", "10 字节", sha256(b"%PDF-1.4 x").removeprefix("sha256:"), "data-archived")
    )
    assert next(folder.rglob("f.pdf")).read_bytes() == b"%PDF-1.4 x"
    assert entry(report, "/f.pdf")["kind"] == "file"


def test_a_film_is_reached_through_a_stamped_page_and_plays_where_it_was_embedded(tmp_path: Path) -> None:
    film = page(b"\x00\x00\x00\x18ftypmp42", "video/mp4")
    home = (
        "<a href=/f.mp4>宣传片全片</a><video src=/f.mp4 autoplay onplay=x()></video><audio><source src=/s.mp3></audio>"
    )
    with serving({"/": page(home), "/f.mp4": film, "/s.mp3": page(b"ID3", "audio/mpeg")}) as web:
        report, folder = put_online(web, tmp_path)
    old = tree(next(folder.rglob("index.html")).read_text(encoding="utf-8"))
    assert old.xpath("//archived-body/a/@href") == ["f.mp4.html"]
    assert [dict(one.attrib) for one in old.xpath("//video")] == [{"src": "f.mp4", "controls": "controls"}]
    assert old.xpath("//audio/source/@src") == ["s.mp3"]
    about = next(folder.rglob("f.mp4.html")).read_text(encoding="utf-8")
    assert all(words in about for words in ("data-archived", "宣传片全片", "video/mp4", "12 字节"))
    assert entry(report, "/f.mp4")["kind"] == "file"


def test_a_file_is_called_what_the_first_page_that_says_so_calls_it(tmp_path: Path) -> None:
    """The catalogue lists it by that name; it is saved under its own."""
    home = "<a href=/P1.pdf>点击下载</a><a href=/P1.pdf>附件1：民宿等级评定标准.pdf</a><a href=/P1.pdf>后来的另一名称</a><a href='/d.jsp?id=3' title='申请表（2012年）'>下载</a><a href=/P2.pdf>P2.pdf</a>"
    pdf = page(b"%PDF-1.4 x", "application/pdf")
    answers: dict[str, Route] = {
        "/": page(home),
        "/P1.pdf": pdf,
        "/P2.pdf": pdf,
        "/d.jsp?id=3": page(b"PK", "application/zip"),
    }
    with serving(answers) as web:
        report, folder = put_online(web, tmp_path)
    assert {"民宿等级评定标准.pdf", "P2.pdf", "申请表（2012年）"} == {
        one["title"] for one in published.read_index(report.index)["pages"] if one["kind"] == "file"
    }
    about = tree(next(folder.rglob("P1.pdf.html")).read_text(encoding="utf-8"))
    assert about.xpath("string(//h1)") == "民宿等级评定标准.pdf"
    assert about.xpath("//@download") == ["P1.pdf"]


def test_our_own_pages_of_an_archive_show_the_way_from_the_portals_home(tmp_path: Path) -> None:
    with small(
        home=page("<a href=/f.pdf>x</a><a href='http://other.example/'>y</a>"), f__pdf=page(b"%PDF", "application/pdf")
    ) as web:
        report, folder = put_online(web, tmp_path)
    own = [next(folder.rglob("f.pdf.html")), next((folder / "leaving").iterdir()), folder / "not-captured.html"]
    for path in own:
        nav = tree(path.read_text(encoding="utf-8")).xpath("//main//nav[@aria-label='当前位置']")[0]
        assert nav.xpath(".//a/@href") == ["/", "/archive/", f"/archive/{report.capture.split('/')[0]}/"], path.name


def test_a_redirect_becomes_a_page_and_links_lead_straight_to_its_target(tmp_path: Path) -> None:
    with serving({"/": page("<a href=/r>x</a>"), "/r": redirect("/t.html"), "/t.html": page("<p>target")}) as web:
        report, folder = put_online(web, tmp_path)
    assert 'href="t.html"' in next(folder.rglob("index.html")).read_text(encoding="utf-8")
    stood_in = (folder / entry(report, "/r")["url"].split("/", 4)[4]).read_text(encoding="utf-8")
    assert 'href="t.html"' in stood_in
    assert 'http-equiv="refresh"' not in stood_in


def test_an_external_link_goes_through_a_warning_that_redirects_nobody(tmp_path: Path) -> None:
    with small(home=page("<a href='http://other.example/a?b=c&amp;d'>x</a>")) as web:
        _, folder = put_online(web, tmp_path)
    (warning,) = (folder / "leaving").iterdir()
    html = warning.read_text(encoding="utf-8")
    assert tree(html).xpath("//main//a[@rel]/@href") == ["http://other.example/a?b=c&d"]
    assert "refresh" not in html
    assert f'href="../leaving/{warning.name}"' in next(folder.rglob("index.html")).read_text(encoding="utf-8")


def test_what_was_not_captured_is_said_not_linked(tmp_path: Path) -> None:
    with small(home=page("<a href=/gone.html>x</a>")) as web:
        _, folder = put_online(web, tmp_path)
    assert 'href="../not-captured.html"' in next(folder.rglob("index.html")).read_text(encoding="utf-8")
    assert "没有归档" in (folder / "not-captured.html").read_text(encoding="utf-8")


def test_a_page_says_how_much_was_taken_out_of_it(tmp_path: Path) -> None:
    with small(home=page("<script>x()</script><p onclick=x()>x</p><form action=/a><input></form>")) as web:
        report, _ = put_online(web, tmp_path)
    assert entry(report, "/")["removed"] == {"forms": 1, "handlers": 1, "scripts": 1}
    assert report.removed == {"forms": 1, "handlers": 1, "scripts": 1}


def test_the_whole_capture_goes_with_the_copies_where_it_was_packed(tmp_path: Path) -> None:
    """`archive package` left it in the capture's folder: stamps and index link it, and the generator carries it."""
    with small(home=page("x")) as web:
        report, folder = put_online(web, tmp_path)
        assert published.read_index(report.index)["capture"]["wacz"] is None
        taken = store.open_capture(tmp_path / "build/archive", report.capture)
        taken.wacz.write_bytes(b"PK a whole capture")
        public, content = tmp_path / "build/public", tmp_path / "content"
        again = publish.publish(taken, complete(web), public=public, content=content, now=NOW)
        third = publish.publish(taken, complete(web), public=public, content=content, now=NOW)
    index = published.read_index(again.index)
    name = f"lyj-{taken.timestamp}.wacz"
    assert index["capture"]["wacz"] == f"/archive/lyj/{taken.timestamp}/{name}"
    assert (folder / name).read_bytes() == b"PK a whole capture"
    assert index["files"][name] == {"bytes": 18, "sha256": sha256(b"PK a whole capture")}
    assert f'href="/archive/lyj/{taken.timestamp}/{name}"' in next(folder.rglob("index.html")).read_text(
        encoding="utf-8"
    )
    assert (third.written, third.deleted) == (0, 0)
    assert archived.load(public)[1] == []


def test_the_unit_is_named_as_the_records_name_it(tmp_path: Path) -> None:
    write(tmp_path, "_records/units.yml", "units:\n  - {id: whlyj, name: 示例市文化和旅游局（记录）}\n")
    with small(home=page("x")) as web:
        _, folder = put_online(web, tmp_path)
    assert "示例市文化和旅游局（记录）" in next(folder.rglob("index.html")).read_text(encoding="utf-8")


def test_a_seal_in_letters_that_its_font_lacks_is_refused(tmp_path: Path) -> None:
    with small(home=page("x")) as web, pytest.raises(Refused) as refused:
        put_online(web, tmp_path, seal=Look(text="已封存"))
    assert [(problem.code, problem.key) for problem in refused.value.problems] == [
        ("seal-label-impossible", "seal.text")
    ]


def test_a_publication_is_made_anew_when_the_seal_was_decided_anew(tmp_path: Path) -> None:
    with small(home=page("x")) as web:
        report, _ = put_online(web, tmp_path)
        assert published.is_current(report.index, complete(web))
        assert not published.is_current(report.index, replace(complete(web), seal=Look(size=40)))


def test_a_page_that_is_gone_from_the_plan_is_taken_out(tmp_path: Path) -> None:
    with small(home=page("x")) as web:
        report, folder = put_online(web, tmp_path)
        (folder / "stranger.html").write_text("x", encoding="utf-8")
        decided = complete(web)
        taken = store.open_capture(tmp_path / "build/archive", report.capture)
        again = publish.publish(taken, decided, public=tmp_path / "build/public", content=tmp_path / "content", now=NOW)
    assert again.deleted == 1
    assert not (folder / "stranger.html").exists()


@pytest.mark.parametrize("missing", ["unit", "reason", "approval", "successor"])
def test_nothing_is_published_that_nobody_approved(missing: str, tmp_path: Path) -> None:
    """第十二条: reason, approval and successor come before the publication."""
    with small(home=page("x")) as web, pytest.raises(Refused) as refused:
        put_online(web, tmp_path, **{missing: None})
    assert [problem.key for problem in refused.value.problems] == [missing]
    assert not (tmp_path / "build/public").exists()


def test_a_capture_nobody_published_has_no_index(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        published.read_index(published.newest_index(tmp_path, "lyj"))
    assert refused.value.problems[0].code == "archive-not-published"


def test_a_hundred_pages_are_made_in_parallel_and_come_out_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By workers that are copies of this process, and by those that are not, as there are other threads."""
    routes: dict[str, Any] = {
        f"/{n}.html": page(f"<title>{n}</title><a href=/{n + 1}.html>下一页</a>") for n in range(1, 60)
    }
    routes["/"] = page("<a href=/1.html>x</a>")
    with serving(routes) as web:
        report, folder = put_online(web, tmp_path)
        alone = {path.name: path.read_bytes() for path in folder.rglob("*.html")}
        taken = store.open_capture(tmp_path / "build/archive", report.capture)
        companion = taken.stamped.read_bytes()
    monkeypatch.setattr(copying, "IN_PROCESS", 1)
    for threads, way in ((1, "fork"), (2, "forkserver")):
        monkeypatch.setattr(threading, "active_count", lambda threads=threads: threads)
        assert copying._processes().get_start_method() == way
        public = tmp_path / way
        again = publish.publish(taken, complete(web), public=public, content=tmp_path / "content", now=NOW)
        assert {path.name: path.read_bytes() for path in public.rglob("*.html")} == alone
        assert again.counts == report.counts
        assert taken.stamped.read_bytes() == companion


def test_the_home_of_an_old_site_is_the_page_behind_its_splash_page(tmp_path: Path) -> None:
    """Where visitors came to: the catalogue begins there, not at a page that only leads on."""
    home = page('<a href="a.html">a</a><a href="b.html">b</a>')
    back = page('<a href="main.html">home</a><a href="a.html">a</a>')
    splash = page('<a href="main.html">中文</a><a href="en.html">English</a>')
    for number, front in enumerate((splash, redirect("/main.html"))):
        with small(home=front, main__html=home, en__html=page("x"), a__html=back, b__html=back) as web:
            report, _ = put_online(web, tmp_path / str(number))
        index = published.read_index(report.index)
        assert urlsplit(index["replay"]).path == "/main.html"
        assert index["home"].endswith("/main.html")
    with small(home=home, a__html=page('<a href="/">home</a>'), b__html=page('<a href="/">home</a>')) as web:
        report, _ = put_online(web, tmp_path / "plain")
    assert urlsplit(published.read_index(report.index)["replay"]).path == "/"


def test_a_stamp_leads_to_the_same_page_at_other_times(tmp_path: Path) -> None:
    """How the page stood when it was captured before, and how often it was; a page that is there once says nothing."""
    old: dict[str, Route] = {"/": page('<a href="a.html">a</a>'), "/a.html": page("第一版")}
    with serving(old) as web:
        _, first = put_online(web, tmp_path)
        web.routes = {"/": page('<a href="a.html">a</a><a href="b.html">b</a>'), "/a.html": page("第二版"), "/b.html": page("新页")}  # fmt: skip
        store = tmp_path / "build" / "archive"
        later = recapture(complete(web), place=store, now=NOW + timedelta(days=400)).capture.capture
        public = tmp_path / "build" / "public"
        publish.publish(later, complete(web), public=public, content=tmp_path / "content", now=NOW)
    host = next(first.glob("127*")).name
    second = public / later.site / later.timestamp / host
    assert "其他时点" not in (first / host / "a.html").read_text()
    assert "其他时点" not in (second / "b.html").read_text()
    (said,) = [one for one in tree((second / "a.html").read_text()).iter("dd") if "全部" in one.text_content()]
    captured_at = published.read_index(first.with_suffix(".json"))["pages"][0]["captured_at"]
    day = datetime.fromisoformat(captured_at).astimezone(SHANGHAI).date()
    assert said.text_content() == f"{day}　全部 2 次"
    earlier, catalogue = (link.get("href") for link in said.iter("a"))
    assert "第一版" in (public / earlier.removeprefix("/archive/")).read_text()
    assert catalogue == f"/archive/{later.site}/#captures"
