"""One mistake each: it stops its own page, is told once with its cure, and everything else is published."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sitegen import build as building
from sitegen import content, files, signing, walk
from sitegen.errors import Refused
from sitegen.examine import examine
from sitegen.outcome import Report
from tests.cities import NOW, TinyCity, codes
from tests.test_walk import begun_and_ended_by_another

GOOD = "xwdt/202611/t20261120_1.md"
BAD = "xwdt/202611/t20261120_2.md"
HEAD = "---\ntitle: {title}\ndate: 2026-11-20 10:00\nsource: 市府办\n---\n\n"
MARK = "正文里的秘密标记"


def url(path: str) -> str:
    return path.replace(".md", ".html")


def build(city: TinyCity, at: str = "", do: Callable[[], object] = lambda: None) -> Report:
    """A build during which something happens at a named point."""

    def fault(point: str) -> None:
        if point == at:
            do()

    return building.build(city.project, now=NOW, jobs=1, fault=fault)


def told(report: Report) -> list[tuple[str, str]]:
    for problem in report.problems:
        assert problem.message
        assert problem.remedy
    return [(problem.code, problem.path) for problem in report.problems]


def assert_rest_is_published(city: TinyCity) -> None:
    assert (city.site / url(GOOD)).is_file()
    assert (city.site / "jyj/index.html").is_file()
    for file, data in city.released().items():
        assert MARK.encode() not in data, file
        if file.endswith(".xml"):
            ElementTree.fromstring(data)  # noqa: S314 (our own files)


@pytest.fixture
def city(tmp_path: Path) -> TinyCity:
    city = TinyCity(tmp_path / "city")
    city.article(GOOD, "好的一篇")
    return city


# --- signs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (HEAD.format(title="坏") + f"{MARK}\0\n", 7),
        (HEAD.format(title="a\0b") + MARK, 2),
        (HEAD.format(title="a\x1bb") + MARK, 2),
        (HEAD.format(title="a\x0bb") + MARK, 2),
        (HEAD.format(title="a\ufffeb") + MARK, 2),
        (HEAD.format(title='"a\\0b"') + MARK, 2),
        (HEAD.format(title='"a\\x01b"') + MARK, 2),
        (HEAD.format(title='"a\\uFFFFb"') + MARK, 2),
    ],
)
def test_a_sign_that_nobody_can_see_is_told_at_its_line(city: TinyCity, source: str, line: int) -> None:
    """No feed could tell of it (XML 1.0 §2.2), and no reviewer has seen it."""
    city.put(BAD, source)
    report = city.build()
    assert told(report) == [("control-character", f"content/{BAD}")]
    assert report.problems[0].line == line
    assert_rest_is_published(city)


@pytest.mark.parametrize("sign", ["\\x85", "\\x9b", "\\u202e", "\\u2028", "\\x7f", "\\n", "\\r", '<&]]>\\"'])
def test_strange_signs_in_a_title_break_neither_feed_nor_page(city: TinyCity, sign: str) -> None:
    city.article(BAD, f'"a{sign}b"')
    assert told(city.build()) == []
    assert_rest_is_published(city)
    assert len(ElementTree.fromstring(city.page("xwdt/feed.xml")).findall("{*}entry")) == 2  # noqa: S314


def test_a_section_with_such_a_sign_keeps_its_last_good_identity(city: TinyCity) -> None:
    city.build()
    city.put("xwdt/index.md", (city.content / "xwdt/index.md").read_text(encoding="utf-8").replace("要闻", "要\x01闻"))
    assert ("control-character", "content/xwdt/index.md") in told(city.build())
    assert "要闻动态" in city.page("xwdt/index.html")
    assert_rest_is_published(city)


def test_bytes_that_are_no_utf8_are_told(city: TinyCity) -> None:
    city.put(BAD, HEAD.format(title="坏").encode() + MARK.encode() + b"\xff\xfe")
    assert told(city.build()) == [("source-not-utf8", f"content/{BAD}")]
    assert_rest_is_published(city)


# --- sizes ---------------------------------------------------------------------------------------------------------

_ROW = "|a" * 1000 + "|\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("字" * 3_500_000, [], id="line-of-10-MB"),
        pytest.param(_ROW + "|-" * 1000 + "|\n" + _ROW * 1000, [], id="table-of-a-million-cells"),
        pytest.param("".join(f"{' ' * 4 * n}- x\n" for n in range(500)), ["render-failed"], id="lists-500-deep"),
        pytest.param("- " * 500 + "x", ["render-failed"], id="lists-500-deep-on-one-line"),
        pytest.param(">" * 2000 + " x", [], id="quotes-2000-deep"),
        pytest.param("> " * 2000 + "x", [], id="quotes-2000-deep-spaced"),
        pytest.param(f"[x]({'a' * 10_000}.md)", ["link-broken"], id="link-of-10000-signs"),
        pytest.param(f"[x]({'../202611/' * 1_000}t20261120_1.md)", [], id="winding-link-of-10000-signs"),
        pytest.param("[x](t20261120_1.md)\n" * 5_000, [], id="5000-links"),
        pytest.param("[x](t20261120_9.md)\n" * 5_000, ["link-broken"], id="5000-broken-links-to-one-page"),
    ],
)
def test_something_extreme_costs_its_own_page_at_most(city: TinyCity, body: str, expected: list[str]) -> None:
    """The bound is far above what is needed, and far below a hang."""
    city.article(BAD, "坏", body)
    started = time.process_time()
    report = city.build()
    assert time.process_time() - started < 60
    assert told(report) == [(code, f"content/{BAD}") for code in expected]
    assert (city.site / url(BAD)).is_file() == ("render-failed" not in expected)
    assert_rest_is_published(city)


def test_a_title_of_100_000_signs_is_shown_whole(city: TinyCity) -> None:
    city.article(BAD, "长" * 100_000)
    assert told(city.build()) == []
    assert "长" * 100_000 in city.page(url(BAD))
    assert_rest_is_published(city)


def test_a_section_of_5_mb_is_published(city: TinyCity) -> None:
    text = (city.content / "xwdt/index.md").read_text(encoding="utf-8")
    city.put("xwdt/index.md", text + "长长的一行。\n\n" * 260_000)
    started = time.process_time()
    assert told(city.build()) == []
    assert time.process_time() - started < 60
    assert_rest_is_published(city)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\x01b", "a b", "a\u202eb"])
def test_a_name_that_no_address_can_have_is_refused(city: TinyCity, name: str) -> None:
    city.put(f"xwdt/202611/{name}.md", HEAD.format(title="坏") + MARK)
    assert told(city.build()) == [("url-characters", f"content/xwdt/202611/{name}.md")]
    assert_rest_is_published(city)


@pytest.mark.parametrize("name", ["a\nb", "a\x01b", "通知"])
def test_a_section_of_such_a_name_is_refused(city: TinyCity, name: str) -> None:
    city.put(
        f"xwdt/{name}/index.md",
        (city.content / "xwdt/index.md").read_bytes().replace("要闻动态".encode(), MARK.encode()),
    )
    assert told(city.build()) == [("url-characters", f"content/xwdt/{name}/index.md")]
    assert_rest_is_published(city)


def test_an_attachment_whose_name_holds_a_line_end_is_refused(city: TinyCity) -> None:
    """`release changed` prints one address a line."""
    city.put("xwdt/202611/a\nb.pdf", MARK)
    city.article(BAD, "坏", "[x](a%0Ab.pdf)", sign=False)
    city.put("xwdt/c\nd.pdf", MARK)
    city.put("xwdt/index.md", (city.content / "xwdt/index.md").read_text(encoding="utf-8") + "[x](c%0Ad.pdf)\n")
    found = told(city.build())
    assert [one for one in found if one[0] == "attachment-refused"] == [
        ("attachment-refused", "content/xwdt/202611/t20261120_2.md"),
        ("attachment-refused", "content/xwdt/index.md"),
    ]
    assert not [file for file in city.released() if "\n" in file]
    assert_rest_is_published(city)


def test_two_files_for_one_address_publish_the_first(city: TinyCity) -> None:
    city.put("xwdt/README.md", HEAD.format(title="坏") + MARK)
    assert told(city.build()) == [("url-collision", "content/xwdt/README.md")]
    assert_rest_is_published(city)


def test_a_difference_in_case_alone_publishes_the_first(city: TinyCity) -> None:
    city.put("xwdt/202611/T20261120_1.md", "")
    city.put("xwdt/202611/x/a.md", HEAD.format(title="甲") + MARK)
    city.put("xwdt/202611/X/a.md", HEAD.format(title="乙"))
    found = told(city.build())
    assert ("url-collision", "content/xwdt/202611/x/a.md") in found
    assert ("url-collision", f"content/{GOOD}") in found
    assert not (city.site / "xwdt/202611/x/a.html").exists()


# --- what is no file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["t20261120_1.md", "../index.md", "/etc/passwd", "/etc", "..", "nowhere", "t20261120_2.md"]
)
def test_a_symbolic_link_is_told_and_not_followed(city: TinyCity, target: str) -> None:
    city.build()
    (city.content / BAD).symlink_to(target)  # the last one leads to itself
    for _ in range(2):
        assert told(city.build()) == [("symlink-refused", f"content/{BAD}")]
    assert_rest_is_published(city)
    (city.content / BAD).unlink()
    assert told(city.build()) == []


def test_a_pipe_is_told_and_nobody_waits_for_it(city: TinyCity) -> None:
    city.build()
    os.mkfifo(city.content / BAD)
    for _ in range(2):
        assert told(city.build()) == [("not-a-file", f"content/{BAD}")]
    assert_rest_is_published(city)
    (city.content / BAD).unlink()
    assert told(city.build()) == []


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_a_pipe_or_folder_in_the_place_of_a_record_is_told(city: TinyCity, make: Callable[[Path], None]) -> None:
    make(city.content / "_records/links.yml")
    assert told(city.build()) == [("record-unreadable", "content/_records/links.yml")]
    assert_rest_is_published(city)


# --- what goes away while a build reads ------------------------------------------------------------------------------


def test_a_file_that_vanishes_before_it_is_read_is_told_once(city: TinyCity) -> None:
    file = city.article(BAD, "坏", sign=False)
    assert told(build(city, "sources-read", file.unlink)) == [("source-vanished", f"content/{BAD}")]
    assert_rest_is_published(city)
    assert told(city.build()) == []


def test_a_published_file_that_vanishes_stays_online_until_the_next_build(city: TinyCity) -> None:
    """An editor's tool may write a file anew by taking it away first; a page does not go for such a moment."""
    file = city.article(BAD, "好")
    city.build()
    city.article(BAD, "更好", sign=False)
    report = build(city, "sources-read", file.unlink)
    assert told(report) == [("last-version-shown", f"content/{BAD}"), ("source-vanished", f"content/{BAD}")]
    assert (city.site / url(BAD)).is_file()
    assert told(city.build()) == []
    assert not (city.site / url(BAD)).exists()


@pytest.mark.parametrize("clean", [False, True])
def test_a_folder_that_vanishes_is_as_if_it_had_not_been_there(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, clean: bool
) -> None:
    city.article("xwdt/202610/t20261020_2.md", MARK)
    if not clean:
        city.build()
    real = os.open

    def vanishing(path: str, flags: int, *more: Any, **named: Any) -> int:
        if str(path).endswith("content/xwdt/202610") and flags & os.O_DIRECTORY:
            shutil.rmtree(path)
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", vanishing)
    assert told(city.build()) == []
    assert_rest_is_published(city)


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_text("# anders", encoding="utf-8")])
@pytest.mark.parametrize("point", ["judged", "tree-begun"])
def test_a_source_that_is_another_when_it_is_rendered_stops_the_build(
    city: TinyCity, point: str, change: Callable[[Path], object]
) -> None:
    city.build()
    before = city.released()
    file = city.article(BAD, "二")
    with pytest.raises(Refused) as refused:
        build(city, point, lambda: change(file))
    assert [(p.code, p.path) for p in refused.value.problems] == [("source-changed-while-building", f"content/{BAD}")]
    assert city.released() == before
    city.build()
    clean = city.copy_sources(city.root.parent / "clean")
    clean.build(clean=True)
    assert city.released() == clean.released()


def test_a_source_that_changes_before_it_is_kept_is_not_kept_under_another_name(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is kept must be what its name says, or the last good version is lost for ever."""
    from sitegen.good import Good

    file, real = city.article(BAD, "二"), Good.keep
    shutil.rmtree(city.project.state)  # approving has kept it already

    def keep(good: Good, versions: dict[str, Callable[[], bytes]]) -> None:
        file.write_text(HEAD.format(title="别的"), encoding="utf-8")
        real(good, versions)

    monkeypatch.setattr(Good, "keep", keep)
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["source-changed-while-building"]
    for kept in city.project.state.glob("good/??/*"):
        assert content.git_blob(kept.read_bytes()) == kept.name


def test_a_ledger_that_vanishes_while_judging_counts_nothing_and_is_told(city: TinyCity) -> None:
    city.article("jyj/tzgg/202611/t20261120_3.md", "别处")
    [book] = (city.content / "jyj/tzgg/_reviews").glob("*.jsonl")
    place = book.relative_to(city.root).as_posix()
    report = build(city, "sources-read", book.unlink)
    assert ("ledger-unreadable", place) in told(report)
    assert_rest_is_published(city)
    assert not (city.site / "jyj/tzgg/202611/t20261120_3.html").exists()
    assert codes(city.build()) == ["review-pending"]


def test_a_ledger_without_the_right_to_read_is_told(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.article("jyj/tzgg/202611/t20261120_3.md", "别处")
    _deny(monkeypatch, "jyj/tzgg/_reviews/202611.jsonl")
    assert sorted(codes(city.build())) == ["ledger-unreadable", "review-pending"]
    assert_rest_is_published(city)


def _deny(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The tests run as root, whom no file refuses."""
    read, digest = files.read, files.sha256_file

    def refused_read(path: str) -> bytes:
        if path.endswith(name):
            raise PermissionError(13, "Permission denied", path)
        return read(path)

    def refused_digest(path: Path) -> str:
        if str(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return digest(path)

    monkeypatch.setattr(files, "read", refused_read)
    monkeypatch.setattr(files, "sha256_file", refused_digest)
    monkeypatch.setattr("sitegen.editions.sha256_file", refused_digest)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_folder_that_cannot_be_read_stays_as_it_was(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """A department does not vanish from the site because a right to read was lost for a night."""
    city.article("jyj/tzgg/202611/t20261120_3.md", "别处")
    city.build()
    before, real = city.released(), os.open

    def unless_refused(path: str, flags: int, *more: Any, **named: Any) -> int:
        if f"{path}/".startswith(f"{city.content}/jyj/"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *more, **named)

    if processes == 2:  # the other one looks at everything
        monkeypatch.setattr(walk, "begin", begun_and_ended_by_another)
    monkeypatch.setattr(os, "open", unless_refused)
    found = [("source-unreadable", f"content/jyj/{name}index.md") for name in ("", "tzgg/")]
    for _ in range(2):
        assert told(city.build()) == [("folder-unreadable", "content/jyj"), *found]
    assert city.released() == before
    city.article(GOOD, "好的一篇，改过", sign=False)
    assert sorted(codes(city.build())) == ["folder-unreadable", "review-pending", *(code for code, _ in found)]
    assert city.released() == before
    monkeypatch.undo()
    assert codes(city.build()) == ["review-pending"]


def test_a_content_folder_that_cannot_be_read_stops_the_build(city: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.build()
    before, real = city.released(), os.open

    def unless_refused(path: str, flags: int, *more: Any, **named: Any) -> int:
        if str(path).endswith("/content"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", unless_refused)
    with pytest.raises(Refused) as refused:
        city.build()
    assert [(p.code, p.path) for p in refused.value.problems] == [("folder-unreadable", "content")]
    assert city.released() == before


def test_a_content_folder_that_is_gone_is_a_missing_portal(city: TinyCity) -> None:
    city.build()
    before = city.released()
    shutil.rmtree(city.content)
    with pytest.raises(Refused) as refused:
        city.build()
    assert "portal-missing" in [p.code for p in refused.value.problems]
    assert city.released() == before


# --- attachments -----------------------------------------------------------------------------------------------------


def test_an_attachment_that_cannot_be_read_stops_its_article_alone(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.put("xwdt/202611/a.pdf", b"x")
    city.article(BAD, MARK, "[x](a.pdf)")
    shutil.rmtree(city.project.state)  # approving has kept it there
    _deny(monkeypatch, "a.pdf")
    assert told(city.build()) == [
        (code, f"content/{BAD}") for code in ("attachment-unreadable", "last-version-missing")
    ]
    assert_rest_is_published(city)
    assert "attachment-unreadable" in [p.code for p in examine(city.project, NOW)]
    monkeypatch.undo()
    os.utime(city.content / "xwdt/202611/a.pdf")
    assert told(city.build()) == []


def test_a_file_that_a_section_shows_and_nobody_can_read_is_told(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.put("xwdt/map.png", MARK)
    city.put("xwdt/index.md", (city.content / "xwdt/index.md").read_text(encoding="utf-8") + "![图](map.png)\n")
    _deny(monkeypatch, "map.png")
    assert ("attachment-unreadable", "content/xwdt/index.md") in told(city.build())
    assert_rest_is_published(city)


@pytest.mark.parametrize("is_known", [False, True])
def test_an_attachment_that_vanishes_while_judging_is_shown_as_it_was_signed(city: TinyCity, is_known: bool) -> None:
    file = city.put("xwdt/202611/a.pdf", b"x")
    city.article(BAD, "二", "[x](a.pdf)")
    if is_known:
        city.build()
        city.put("xwdt/202611/a.pdf", b"y")
    report = build(city, "sources-read", file.unlink)
    assert told(report) == [(code, f"content/{BAD}") for code in ("attachment-unreadable", "last-version-shown")]
    assert_rest_is_published(city)
    assert (city.site / "xwdt/202611/a.pdf").read_bytes() == b"x"
    assert "attachment-unreadable" not in codes(city.build())


@pytest.mark.parametrize("point", ["judged", "tree-begun", "pages-rendered"])
def test_an_attachment_that_vanishes_before_it_is_copied_stops_the_build(city: TinyCity, point: str) -> None:
    file = city.put("xwdt/202611/a.pdf", b"x")
    city.article(BAD, "二", "[x](a.pdf)")
    with pytest.raises(Refused) as refused:
        build(city, point, file.unlink)
    assert [p.code for p in refused.value.problems] == ["source-changed-while-building"]
    assert not city.site.exists()
    city.put("xwdt/202611/a.pdf", b"x")
    assert told(city.build()) == []


# --- an extension that raises ------------------------------------------------------------------------------------------

_EXTENSION = """
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

class Raising(Preprocessor):
    def run(self, lines):
        if '出错' in ''.join(lines):
            raise RuntimeError('a\\x1bb')
        return lines

class RaisingExtension(Extension):
    def extendMarkdown(self, md):
        md.preprocessors.register(Raising(md), 'raising', 99)

def makeExtension(**settings):
    return RaisingExtension(**settings)
"""


@pytest.mark.parametrize(("jobs", "pages"), [(1, 1), (2, 30)])
def test_an_extension_that_raises_stops_its_own_page(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, jobs: int, pages: int
) -> None:
    """In this process, and in workers."""
    (city.root / "raising_extension.py").write_text(_EXTENSION, encoding="utf-8")
    config = city.root / "mkdocs.yml"
    config.write_text(config.read_text(encoding="utf-8") + "  - raising_extension\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(city.root))
    for number in range(pages):
        city.put(f"xwdt/202610/t20261001_{number}.md", HEAD.format(title="一") + "正文。\n")
    city.put(BAD, HEAD.format(title="二") + f"出错{MARK}\n")
    for person, hour in (("portal-bianji", 1), ("portal-shenhe", 2), ("portal-qianfa", 3)):
        desk = signing.Desk.open(city.project)
        signing.decide(desk, [city.content], person=person, at=NOW.replace(hour=hour))
    report = city.build(jobs=jobs)
    assert told(report) == [("render-failed", f"content/{BAD}")]
    assert "RuntimeError" in report.problems[0].message
    assert len(list((city.site / "xwdt/202610").glob("*.html"))) == pages
    assert not (city.site / url(BAD)).exists()
    assert (city.site / url(GOOD)).is_file()
