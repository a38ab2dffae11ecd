"""The old address of an article that was moved leads to the new one; nothing but the sources decides it."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sitegen import ledger, sample, signing
from sitegen.model import file_of, url_of
from sitegen.state import State, shelf
from tests.cities import NOW, TinyCity, codes

NAME = "t20261120_1"
OLD = f"xwdt/202611/{NAME}.md"
ASIDE = f"xwdt/202610/{NAME}.md"
NEW = f"jyj/tzgg/202611/{NAME}.md"


def move(city: TinyCity, old: str, new: str) -> None:
    (city.content / new).parent.mkdir(parents=True, exist_ok=True)
    (city.content / old).rename(city.content / new)


def leads_to(city: TinyCity, path: str) -> str | None:
    """Where the page at a source's address sends its reader: empty when it is an article's own, None when there is none."""
    file = city.site / file_of(url_of(path))
    if not file.exists():
        return None
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', file.read_text(encoding="utf-8"))
    return found[1] if found else ""


def build_both_ways(city: TinyCity, folder: Path) -> None:
    """Build, and see that a clean build of the same sources is the same."""
    report = city.build()
    clean = city.copy_sources(folder)
    clean_report = clean.build(clean=True)
    assert city.released() == clean.released()
    assert report.problems == clean_report.problems
    assert report.rendered + report.kept == clean_report.rendered
    assert city.build().rendered == 0


def put_line(city: TinyCity, column: str, **changed: Any) -> None:
    """Somebody appends to a ledger by hand, like the line of the last sign-off but for what is told."""
    book = next((city.content / column / "_reviews").glob("*.jsonl"))
    line = json.loads(book.read_text(encoding="utf-8").splitlines()[-1])
    with book.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line | changed) + "\n")


# --- where an article stood --------------------------------------------------------------------------------------


def test_a_sign_off_records_where_the_article_stood(city: TinyCity) -> None:
    """Only the sign-off does: it alone is about what is published."""
    city.article(OLD)
    assert [(e.stage, e.path) for e in city.entries("xwdt")] == [("edit", ""), ("review", ""), ("sign", OLD)]


def test_a_sign_off_without_a_place_is_read_as_before(city: TinyCity) -> None:
    city.article(OLD)
    book = city.content / "xwdt/_reviews/202611.jsonl"
    book.write_text(re.sub(r', "path": "[^"]*"', "", book.read_text(encoding="utf-8")), encoding="utf-8")
    assert [entry.path for entry in city.entries("xwdt")] == [""] * 3
    move(city, OLD, ASIDE)
    city.build()
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (None, "")


# --- moving ------------------------------------------------------------------------------------------------------


def test_an_article_moved_within_its_column_is_found_from_its_old_address(city: TinyCity, tmp_path: Path) -> None:
    """Its reviews are the column's and its text is the reviewed one: nobody has to sign it again."""
    city.article(OLD, "供暖开始")
    city.build()
    move(city, OLD, ASIDE)
    build_both_ways(city, tmp_path / "clean")
    page = city.page(f"xwdt/202611/{NAME}.html")
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (f"/xwdt/202610/{NAME}.html", "")
    assert "供暖开始" in page
    assert "已移至新地址" in page
    assert f'href="/xwdt/202610/{NAME}.html"' in page
    assert f'<link rel="canonical" href="https://www.example.gov.cn/xwdt/202610/{NAME}.html">' in page
    assert {tag for tag in re.findall(r"<script[^>]*>", page) if ' src="/assets/' not in tag} == {
        '<script type="application/ld+json">'
    }


def test_an_article_moved_to_another_column_waits_for_its_reviews_there(city: TinyCity, tmp_path: Path) -> None:
    """Another column has another signer: until that one has signed, the text stands at neither address."""
    city.article(OLD)
    city.build()
    move(city, OLD, NEW)
    report = city.build()
    assert codes(report) == ["review-pending"]
    assert (leads_to(city, OLD), leads_to(city, NEW)) == (None, None)
    city.sign(NEW)
    build_both_ways(city, tmp_path / "clean")
    assert (leads_to(city, OLD), leads_to(city, NEW)) == (f"/jyj/tzgg/202611/{NAME}.html", "")


def test_every_old_address_leads_straight_to_the_present_one(city: TinyCity, tmp_path: Path) -> None:
    """A reader is sent once, however often the article was moved."""
    city.article(OLD)
    city.build()
    move(city, OLD, NEW)
    city.sign(NEW)
    city.build()
    move(city, NEW, ASIDE)
    build_both_ways(city, tmp_path / "clean")
    here = f"/xwdt/202610/{NAME}.html"
    assert (leads_to(city, OLD), leads_to(city, NEW), leads_to(city, ASIDE)) == (here, here, "")


def test_an_article_moved_back_stands_at_its_address_itself(city: TinyCity, tmp_path: Path) -> None:
    city.article(OLD, "供暖开始")
    city.build()
    before = city.released()
    move(city, OLD, NEW)
    city.sign(NEW)
    city.build()
    move(city, NEW, OLD)
    build_both_ways(city, tmp_path / "clean")
    assert (leads_to(city, OLD), leads_to(city, NEW)) == ("", f"/xwdt/202611/{NAME}.html")
    del before["sitemap.xml"]
    assert before.items() <= city.released().items()


def test_a_column_may_go_as_long_as_its_ledgers_stay(city: TinyCity, tmp_path: Path) -> None:
    """机构调整: a column is dissolved, its articles move to the one that succeeds it."""
    city.article(OLD)
    city.column("xwdt2", "动态", "政务动态", "信息发布", 11)
    city.build()
    moved = f"xwdt2/202611/{NAME}.md"
    move(city, OLD, moved)
    city.sign(moved)
    (city.content / "xwdt/index.md").unlink()
    build_both_ways(city, tmp_path / "clean")
    assert leads_to(city, OLD) == f"/xwdt2/202611/{NAME}.html"


def test_without_its_ledger_nobody_knows_where_an_article_stood(city: TinyCity, tmp_path: Path) -> None:
    city.article(OLD)
    move(city, OLD, NEW)
    city.sign(NEW)
    city.build()
    assert leads_to(city, OLD) == f"/jyj/tzgg/202611/{NAME}.html"
    (city.content / "xwdt/_reviews/202611.jsonl").unlink()
    build_both_ways(city, tmp_path / "clean")
    assert leads_to(city, OLD) is None


def test_a_ledger_that_goes_while_the_people_change_is_forgotten(city: TinyCity, tmp_path: Path) -> None:
    """When everything is judged again, what is no more is still taken back."""
    city.article(OLD)
    move(city, OLD, NEW)
    city.sign(NEW)
    with (city.content / "xwdt/_reviews/202611.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("x\n")
    assert codes(city.build()) == ["review-entry-unreadable"]
    (city.content / "xwdt/_reviews/202611.jsonl").unlink()
    people = city.content / "_records/people.yml"
    people.write_text(people.read_text(encoding="utf-8").replace("jyjbianji", "张三"), encoding="utf-8")
    build_both_ways(city, tmp_path / "clean")
    assert leads_to(city, OLD) is None


# --- no redirect -------------------------------------------------------------------------------------------------


def moved_in_column(city: TinyCity, extra: str = "") -> None:
    city.article(OLD, extra=extra)
    city.build()
    move(city, OLD, ASIDE)
    city.build()
    assert leads_to(city, OLD) == f"/xwdt/202610/{NAME}.html"


def test_nothing_leads_to_an_article_that_was_deleted(city: TinyCity, tmp_path: Path) -> None:
    moved_in_column(city)
    (city.content / ASIDE).unlink()
    build_both_ways(city, tmp_path / "clean")
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (None, None)


def test_nothing_leads_to_an_article_that_was_withdrawn(city: TinyCity, tmp_path: Path) -> None:
    moved_in_column(city)
    file = city.content / ASIDE
    desk = signing.Desk.open(city.project)
    signing.decide(desk, [file], person="portal-qianfa", at=NOW, verdict="reject", reason="有误")
    build_both_ways(city, tmp_path / "clean")
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (None, None)


def test_nothing_leads_to_an_article_that_expired(city: TinyCity) -> None:
    """Its tombstone stands where it was last; to be sent to a tombstone helps nobody."""
    moved_in_column(city, extra="expire_at: 2026-11-23 18:00\n")
    city.build(now=NOW.replace(day=24))
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (None, "")


def test_another_article_that_takes_the_old_address_has_it(city: TinyCity, tmp_path: Path) -> None:
    """It differs by case alone, so it is another id at the same address; when it goes, the old address leads on."""
    moved_in_column(city)
    rival = OLD.replace("t2026", "T2026")
    city.article(rival, "新文章", sign=False)
    city.build()
    assert leads_to(city, OLD) == f"/xwdt/202610/{NAME}.html"
    city.sign(rival)
    build_both_ways(city, tmp_path / "one")
    assert (leads_to(city, OLD), leads_to(city, rival)) == (None, "")
    (city.content / rival).unlink()
    build_both_ways(city, tmp_path / "two")
    assert (leads_to(city, OLD), leads_to(city, rival)) == (f"/xwdt/202610/{NAME}.html", None)


@pytest.mark.parametrize("copy", [ASIDE, f"xwdt/202612/{NAME}.md"])
def test_a_source_at_the_old_place_is_not_led_away_from(city: TinyCity, tmp_path: Path, copy: str) -> None:
    """Copied instead of moved: one id, two files. The first by path has it, the other is told, nothing leads anywhere."""
    city.article(OLD)
    city.build()
    city.put(copy, (city.content / OLD).read_bytes())
    report = city.build()
    assert codes(report) == ["article-id-duplicate"]
    assert [leads_to(city, path) for path in sorted((OLD, copy))] == ["", None]
    build_both_ways(city, tmp_path / "clean")


def test_a_source_that_comes_back_to_the_old_place_ends_the_redirect(city: TinyCity, tmp_path: Path) -> None:
    """Somebody takes the file from git again: it is told as a second one of its id."""
    moved_in_column(city)
    city.put(OLD, (city.content / ASIDE).read_bytes())
    assert codes(city.build()) == ["article-id-duplicate"]
    assert (leads_to(city, OLD), leads_to(city, ASIDE)) == (None, "")
    build_both_ways(city, tmp_path / "clean")


def test_an_id_that_is_not_dated_says_nothing_elsewhere(city: TinyCity) -> None:
    """`lxwm` of one column is another page than `lxwm` of another one."""
    city.article("xwdt/lxwm.md")
    city.build()
    move(city, "xwdt/lxwm.md", "xwdt/a/lxwm.md")
    city.build()
    assert (leads_to(city, "xwdt/lxwm.md"), leads_to(city, "xwdt/a/lxwm.md")) == (None, "")


@pytest.mark.parametrize("below", ["a.pdf", "t20261119_7.md", "index.md"])
def test_what_stands_below_the_old_address_keeps_its_place(city: TinyCity, tmp_path: Path, below: str) -> None:
    """A folder may be named like a page: then there is no page of that name."""
    moved_in_column(city)
    folder = OLD.removesuffix(".md") + ".html"
    if below == "index.md":
        city.column(folder, "专栏", "政务动态", "信息发布", 12)
    elif below == "a.pdf":
        city.put(f"{folder}/{below}", b"%PDF")
        city.article("xwdt/202611/t20261119_8.md", body=f"[附件]({NAME}.html/a.pdf)")
    else:
        city.article(f"{folder}/{below}")
    assert codes(city.build()) == []
    assert (city.site / folder).is_dir()
    build_both_ways(city, tmp_path / "clean")


# --- what a redirect is not --------------------------------------------------------------------------------------


def test_an_old_address_is_in_no_list_feed_or_site_map(city: TinyCity) -> None:
    city.article(OLD)
    city.article("xwdt/202611/t20261120_2.md")
    move(city, OLD, NEW)
    city.sign(NEW)
    city.build()
    named = [file for file, data in city.released().items() if f"xwdt/202611/{NAME}.html".encode() in data]
    assert named == [f"xwdt/202611/{NAME}.html"]


def test_a_link_to_the_old_place_is_still_to_be_corrected(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_2.md", body=f"[见]({NAME}.md#第一章)")
    city.article(OLD, body="## 第一章")
    assert codes(city.build()) == []
    move(city, OLD, ASIDE)
    assert codes(city.build()) == ["link-broken"]
    assert leads_to(city, OLD) == f"/xwdt/202610/{NAME}.html"


def test_it_speaks_the_language_of_the_article(city: TinyCity) -> None:
    city.article(OLD, "Heating begins", extra="lang: en\n")
    move(city, OLD, ASIDE)
    city.build()
    page = city.page(f"xwdt/202611/{NAME}.html")
    assert "Moved to a new address" in page
    assert "已移至新地址" not in page


def test_it_shows_the_title_that_the_article_has_now(city: TinyCity, tmp_path: Path) -> None:
    moved_in_column(city)
    city.article(ASIDE, "供暖延期")
    report = city.build()
    assert report.reasons[f"xwdt/202611/{NAME}.html"] == "changed"
    assert "供暖延期" in city.page(f"xwdt/202611/{NAME}.html")
    build_both_ways(city, tmp_path / "clean")


def test_an_edit_elsewhere_leaves_it_alone(city: TinyCity) -> None:
    moved_in_column(city)
    city.article("xwdt/202611/t20261120_2.md")
    assert f"xwdt/202611/{NAME}.html" not in city.build().reasons


def test_a_sample_of_the_release_compares_old_addresses_too(city: TinyCity) -> None:
    moved_in_column(city)
    file = city.site / f"xwdt/202611/{NAME}.html"
    file.write_bytes(file.read_bytes() + b" ")
    _count, problems = sample.verify(city.project, 1, number=1, jobs=1, progress=lambda what, done, total: None)
    assert [(problem.code, problem.path) for problem in problems] == [("release-differs", f"/xwdt/202611/{NAME}.html")]


# --- lines nobody should believe ---------------------------------------------------------------------------------

HOSTILE = [
    f"../{NAME}.md",
    f"xwdt/../../{NAME}.md",
    f"/etc/{NAME}.md",
    f"//x/{NAME}.md",
    f"xwdt//{NAME}.md",
    f"./xwdt/{NAME}.md",
    f"xwdt\\..\\{NAME}.md",
    f"xwdt/{NAME}.html",
    f"xwdt/{NAME}.md\n",
    f"xwdt/{NAME}.md/",
    f"xwdt/\x00/{NAME}.md",
    f"xwdt/\ud800/{NAME}.md",
    f'xwdt/"><script>/{NAME}.md',
    f"新闻/{NAME}.md",
    f"{NAME}.md",
    "xwdt/t20261120_2.md",
    "xwdt/index.md",
    "index.md",
    f"xwdt/index.html/{NAME}.md",
    f"xwdt/feed.xml/{NAME}.md",
    f"robots.txt/{NAME}.md",
    f"xwdt/_reviews/{NAME}.md",
    f"_records/{NAME}.md",
    f".git/{NAME}.md",
    f"archive/{NAME}.md",
    f"assets/{NAME}.md",
    f"search/{NAME}.md",
    f"{'a' * 201}/{NAME}.md",
    f"{'a/' * 300}{NAME}.md",
    "",
    None,
    7,
    True,
    [OLD],
    {"path": OLD},
]


@pytest.mark.parametrize("path", HOSTILE, ids=repr)
def test_a_place_where_no_article_can_have_stood_is_ignored(city: TinyCity, path: object) -> None:
    """The line itself counts: it is a verdict, whatever else stands in it."""
    city.article(OLD)
    put_line(city, "xwdt", path=path)
    assert [entry.path for entry in city.entries("xwdt")[2:]] == [OLD, ""]
    assert ledger.read(city.content, "xwdt")[1] == []


def test_nothing_is_written_for_a_hostile_line(city: TinyCity) -> None:
    """All of them at once change no byte of the release, and nothing outside of it."""
    city.article(OLD)
    city.build()
    before, around = city.released(), names_around(city)
    for path in HOSTILE:
        put_line(city, "xwdt", path=path)
    for changed in ({"verdict": "reject"}, {"stage": "edit"}, {"stage": "review"}):
        put_line(city, "xwdt", path=f"zcwj/{NAME}.md", at="2027-01-01T00:00:00+08:00", **changed)
    city.build()
    assert before == city.released()
    assert around == names_around(city)


def names_around(city: TinyCity) -> set[str]:
    """Every file beside the project and in it, but for what a build keeps for itself."""
    kept = city.root / "build"
    return {
        path.relative_to(city.root.parent).as_posix()
        for path in city.root.parent.rglob("*")
        if not path.is_relative_to(kept)
    }


def test_a_made_up_place_leads_to_the_article_and_nowhere_else(city: TinyCity, tmp_path: Path) -> None:
    """Whoever can write to a ledger can make a second address of an article: never of another one."""
    city.article(OLD)
    city.build()
    put_line(city, "xwdt", path=f"zcwj/x/{NAME}.md", person="nobody")
    build_both_ways(city, tmp_path / "clean")
    assert leads_to(city, f"zcwj/x/{NAME}.md") == f"/xwdt/202611/{NAME}.html"


# --- incremental is clean ----------------------------------------------------------------------------------------


def test_after_every_step_the_tree_is_that_of_a_clean_build(city: TinyCity, tmp_path: Path) -> None:
    steps: list[Callable[[], object]] = [
        lambda: city.article(OLD),
        lambda: move(city, OLD, ASIDE),
        lambda: move(city, ASIDE, NEW),
        lambda: city.sign(NEW),
        lambda: city.article(NEW, "改了", sign=False),
        lambda: city.sign(NEW),
        lambda: city.column("jyj", "x", "政务动态", "信息发布", 1),  # the department is no more
        lambda: city.put("jyj/index.md", (city.root / "jyj.md").read_bytes()),
        lambda: move(city, NEW, OLD),
        lambda: city.sign(OLD),
        lambda: (city.content / OLD).unlink(),
    ]
    (city.root / "jyj.md").write_bytes((city.content / "jyj/index.md").read_bytes())
    seen = []
    for number, step in enumerate(steps):
        step()
        build_both_ways(city, tmp_path / str(number))
        seen.append((leads_to(city, OLD), leads_to(city, NEW)))
    here = f"/jyj/tzgg/202611/{NAME}.html"
    assert seen[3:6] == [(here, "")] * 3
    assert seen[9] == ("", f"/xwdt/202611/{NAME}.html")
    assert seen[10] == (None, None)


def test_the_question_for_old_addresses_reads_no_article_that_did_not_move(tmp_path: Path) -> None:
    """Of 100,000 articles a build may not look at each: what was left is found by an index of its own."""
    State(tmp_path / "state.sqlite").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "state.sqlite")) as database:
        plan = [row[3] for row in database.execute(f"explain query plan {shelf.MOVED}")]
    assert [step for step in plan if step.startswith("SCAN")] == ["SCAN stood USING INDEX stood_away", "SCAN old"]
