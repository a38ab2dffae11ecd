"""Releases under hard conditions: going back and forward, no hard links, no room, killed, tampered with, damaged."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from sitegen import build as building
from sitegen import config, output
from sitegen.errors import Refused
from sitegen.state import State
from tests.cities import NOW, TinyCity, codes
from tests.test_cli import run

FIRST = "xwdt/202611/t20261101_1.md"


def files_of(tree: Path) -> dict[str, bytes]:
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in sorted(tree.rglob("*")) if p.is_file()}


def change(city: TinyCity, step: int) -> None:
    """One small change: texts come, change and go, and so do their attachments."""
    path = f"xwdt/202611/t202611{step:02d}_{step}.md"
    match step % 4:
        case 0:
            city.put(f"xwdt/202611/a{step}.pdf", f"Anlage {step}")
            city.article(path, f"第{step}篇", f"正文。[附件](a{step}.pdf)", date=f"2026-11-{step:02d} 09:00")
        case 1:
            city.article(path, f"第{step}篇", date=f"2026-11-{step:02d} 09:00")
        case 2:
            before = f"xwdt/202611/t202611{step - 1:02d}_{step - 1}.md"
            city.put(before, (city.content / before).read_bytes() + f"改{step}\n".encode())
            city.sign(before, at=NOW.replace(hour=10))
        case _:
            (city.content / f"xwdt/202611/t202611{step - 2:02d}_{step - 2}.md").unlink()


def assert_as_clean(city: TinyCity, to: Path) -> None:
    clean = city.copy_sources(to)
    clean.build(clean=True)
    assert city.released() == clean.released()


def keep_next(city: TinyCity, kept: dict[str, dict[str, bytes]]) -> None:
    release = city.build().release
    kept[release] = city.released()


@pytest.fixture
def history(city: TinyCity) -> tuple[TinyCity, dict[str, dict[str, bytes]]]:
    """Five releases, and every byte of each as it was when it was new."""
    kept: dict[str, dict[str, bytes]] = {}
    for step in range(1, 6):
        change(city, step)
        keep_next(city, kept)
    assert len(kept) == 5
    return city, kept


def test_every_release_is_what_it_was_whichever_way_one_goes(
    history: tuple[TinyCity, dict[str, dict[str, bytes]]], tmp_path: Path
) -> None:
    city, kept = history
    ids = sorted(kept)
    assert output.releases(city.project) == ids
    for release in (*ids, *reversed(ids), ids[2], ids[0], ids[4], ids[1]):
        output.go_to(city.project, release)
        assert output.live_release(city.project) == release
        assert city.released() == kept[release]
    assert codes(city.build()) == ["release-held"]
    assert city.released() == kept[ids[1]]
    change(city, 6)
    keep_next(city, kept)
    assert_as_clean(city, tmp_path / "clean")
    for release in (ids[4], ids[1], ids[3], max(kept)):
        output.go_to(city.project, release)
        assert city.released() == kept[release]
    change(city, 7)
    city.build()
    assert_as_clean(city, tmp_path / "clean2")


def test_a_build_from_a_held_state_keeps_the_releases_around_it(
    history: tuple[TinyCity, dict[str, dict[str, bytes]]], tmp_path: Path
) -> None:
    city, kept = history
    for step, release in enumerate(sorted(kept), start=6):
        output.go_to(city.project, release)
        change(city, step)
        keep_next(city, kept)
        assert_as_clean(city, tmp_path / f"clean{step}")
        for known in output.releases(city.project):
            output.go_to(city.project, known)
            assert city.released() == kept[known]


@pytest.mark.parametrize("keep", [1, 2, 3])
@pytest.mark.parametrize("back", [None, 0, 3])
def test_pruning_forgets_the_oldest_and_never_what_is_served(
    history: tuple[TinyCity, dict[str, dict[str, bytes]]], keep: int, back: int | None, tmp_path: Path
) -> None:
    city, kept = history
    ids = sorted(kept)
    if back is not None:
        output.go_to(city.project, ids[back])
    live = output.live_release(city.project)
    gone = output.prune(city.project, keep)
    left = output.releases(city.project)
    assert sorted([*gone, *left]) == ids
    assert set(ids[-keep:]) | {live} <= set(left)
    for release in left:
        output.go_to(city.project, release)
        assert city.released() == kept[release]
    change(city, 6)
    city.build()
    assert_as_clean(city, tmp_path / "clean")


def test_the_commands_print_what_is_there(history: tuple[TinyCity, dict[str, dict[str, bytes]]]) -> None:
    city, kept = history
    ids = sorted(kept)
    assert run(city, "release", "list").stdout == "".join(f"{'*' if r == ids[4] else ' '} {r}\n" for r in ids)
    assert json.loads(run(city, "release", "list", "--json").stdout) == {"live": ids[4], "releases": ids}
    for before, release in itertools.pairwise(ids):
        files = {f for f in kept[before] | kept[release] if kept[before].get(f) != kept[release].get(f)}
        wanted = {f"/{file}" for file in files}
        wanted |= {f"/{file.removesuffix('index.html')}" for file in files if file.split("/")[-1] == "index.html"}
        assert set(run(city, "release", "changed", release).stdout.split("\n")) - {""} == wanted
    assert run(city, "release", "changed").stdout == run(city, "release", "changed", ids[4]).stdout
    assert run(city, "release", "changed", "nonsense").exit_code == 2
    found = json.loads(run(city, "release", "manifest").stdout)
    assert found["id"] == ids[4]
    listed = {page["url"] for page in found["pages"]}
    pages = {f"/{file}" for file in kept[ids[4]] if file.endswith(".html")}
    assert listed == {page.removesuffix("index.html") if page.endswith("/index.html") else page for page in pages}
    assert [file["url"] for file in found["files"]] == ["/xwdt/202611/a4.pdf"]
    assert run(city, "release", "rollback").stdout == f"{ids[3]} is live\n"
    assert run(city, "release", "list").stdout.count("*") == 1
    assert run(city, "release", "manifest").exit_code == 1
    assert run(city, "release", "rollback", ids[4]).exit_code == 0
    assert run(city, "release", "prune", "--keep", "2").stdout == "".join(f"removed {r}\n" for r in ids[:3])
    assert run(city, "release", "rollback", ids[0]).exit_code == 2


# --- no hard links, no room ------------------------------------------------------------------------------------------


def test_without_hard_links_everything_is_copied(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    kept: dict[str, dict[str, bytes]] = {}
    for step in range(1, 6):
        change(city, step)
        keep_next(city, kept)
    assert_as_clean(city, tmp_path / "clean")
    for release in (*sorted(kept), *sorted(kept, reverse=True)):
        output.go_to(city.project, release)
        assert city.released() == kept[release]
    assert all(p.stat().st_nlink == 1 for p in city.project.releases.rglob("*") if p.is_file())


def fill(disk: Path, leave: int) -> None:
    facts = os.statvfs(disk)
    room = facts.f_bavail * facts.f_frsize - leave
    with (disk / "ballast").open("wb") as stream:
        stream.write(b"\xff" * max(0, room))


def test_a_full_disk_never_touches_what_is_served(small_disk: Path, tmp_path: Path) -> None:
    """Room for less and less, so that the build ends at another point each time; then room again."""
    city = TinyCity(small_disk / "city")
    for number in range(1, 9):
        city.article(f"xwdt/202611/t2026110{number}_{number}.md", f"第{number}篇", date=f"2026-11-0{number} 09:00")
    city.build()
    change(city, 9)
    city.build()
    for number in range(1, 9):
        path = f"xwdt/202611/t2026110{number}_{number}.md"
        city.article(path, f"第{number}篇，改过", "长" * 9_000, date=f"2026-11-0{number} 09:00", sign=False)
        city.sign(path, at=NOW.replace(hour=11))
    before, live = city.released(), output.live_release(city.project)
    build = tmp_path / "kept"
    shutil.copytree(city.project.build, build, symlinks=True)
    ended: set[str] = set()
    for leave in (0, 4, 16, 48, 96, 160, 256, 400, 550, 700, 900):
        fill(small_disk, leave * 1024)
        try:
            city.build()
        except Refused as refused:
            [problem] = refused.problems
            assert problem.code == "release-not-written"
            assert problem.remedy
            ended.add(problem.message)
            assert output.live_release(city.project) == live
            assert city.released() == before
        (small_disk / "ballast").unlink()
        city.build()
        assert output.live_release(city.project) != live
        assert not list(city.root.glob("build/**/*.open"))
        assert_as_clean(city, tmp_path / f"clean{leave}")
        shutil.rmtree(city.project.build)
        shutil.copytree(build, city.project.build, symlinks=True)
    assert len(ended) >= 2  # at different points


def test_a_disk_that_is_full_from_the_beginning_is_told(small_disk: Path) -> None:
    city = TinyCity(small_disk / "city")
    city.article(FIRST)
    shutil.rmtree(city.project.build)
    fill(small_disk, 0)
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["release-not-written"]
    (small_disk / "ballast").unlink()
    assert codes(city.build()) == []


def test_a_release_without_room_for_its_spare_is_served_all_the_same(
    city: TinyCity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(source: Path, target: Path) -> None:
        target.mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    city.article(FIRST)
    city.build()
    city.article(FIRST, "改名", sign=False)
    city.sign(FIRST, at=NOW.replace(hour=11))
    with monkeypatch.context() as patch:
        patch.setattr(output, "_MANY", 0)
        patch.setattr(output, "copy_by_links", full)
        patch.setattr(output, "_spare", lambda project, base, fault: _copied(project, base))
        report = city.build()
    assert output.live_release(city.project) == report.release
    assert not list(city.project.releases.glob("*.open"))
    change(city, 4)
    city.build()
    assert_as_clean(city, tmp_path / "clean")


def _copied(project: config.Project, base: str) -> Path:
    return Path(shutil.copytree(project.releases / base, project.releases / "spare.open"))


# --- killed, tampered with -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leftover", ["spare.open", "next.open", "again.open"])
def test_a_half_made_tree_is_removed(city: TinyCity, leftover: str, tmp_path: Path) -> None:
    city.article(FIRST)
    city.build()
    output.put(city.project.releases / leftover, "xwdt/index.html", b"half")
    output.put(city.project.undo / "x.open", "files/a", b"half")
    change(city, 4)
    city.build()
    assert_as_clean(city, tmp_path / "clean")
    assert not list(city.root.glob("build/**/*.open"))


def test_the_spare_of_an_old_release_is_never_taken_for_that_of_another(city: TinyCity, tmp_path: Path) -> None:
    city.article(FIRST)
    first = city.build().release
    shutil.copytree(city.project.releases / first, city.project.releases / "20200101T000000.000000Z-00000000.spare")
    for step in (4, 5, 6):
        change(city, step)
        city.build()
        assert_as_clean(city, tmp_path / f"clean{step}")
    output.prune(city.project)
    assert not [p.name for p in city.project.releases.glob("2020*")]


def test_a_tree_that_is_gone_is_made_anew_whole(city: TinyCity, tmp_path: Path) -> None:
    """What is remembered are differences: without the tree they differ from, everything is made again."""
    city.article(FIRST)
    first = city.build().release
    change(city, 4)
    second = city.build().release
    output.go_to(city.project, first)
    shutil.rmtree(city.project.releases / second)
    change(city, 5)
    city.build()
    assert_as_clean(city, tmp_path / "clean")


def test_every_release_folder_is_gone_and_everything_is_made_anew(city: TinyCity, tmp_path: Path) -> None:
    city.article(FIRST)
    city.build()
    shutil.rmtree(city.project.releases)
    change(city, 4)
    city.build()
    assert_as_clean(city, tmp_path / "clean")


# --- the state is damaged ----------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(city: TinyCity, tmp_path: Path) -> tuple[TinyCity, dict[str, bytes], Path]:
    for number in range(1, 7):
        city.article(f"xwdt/202611/t2026110{number}_{number}.md", f"第{number}篇", date=f"2026-11-0{number} 09:00")
    city.build()
    city.article("xwdt/202611/t20261103_3.md", "改名", date="2026-11-03 09:00", sign=False)
    city.sign("xwdt/202611/t20261103_3.md", at=NOW.replace(hour=11))
    clean = city.copy_sources(tmp_path / "clean")
    clean.build(clean=True)
    kept = tmp_path / "kept"
    shutil.copytree(city.project.build, kept, symlinks=True)
    return city, clean.released(), kept


def _rebuilt(city: TinyCity, kept: Path, data: bytes) -> list[str]:
    """Build upon a state with these bytes; what was told on the way."""
    shutil.rmtree(city.project.build)
    shutil.copytree(kept, city.project.build, symlinks=True)
    (city.project.state / "build.sqlite").write_bytes(data)
    report = building.build(city.project, now=NOW, jobs=1)
    told = codes(report)
    assert set(told) <= {"state-damaged"}
    return told


def test_a_state_with_flipped_bytes_is_noticed_or_does_no_harm(
    damaged: tuple[TinyCity, dict[str, bytes], Path],
) -> None:
    city, wanted, kept = damaged
    good = (kept / "state/build.sqlite").read_bytes()
    noticed = 0
    for seed in range(30):
        chance = random.Random(seed)  # noqa: S311 (not for secrets)
        data = bytearray(good)
        for _ in range(chance.choice((1, 4, 16, 64))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        noticed += bool(_rebuilt(city, kept, bytes(data)))
        assert city.released() == wanted, seed
    assert noticed > 0


@pytest.mark.parametrize("start", [0, 4096, 8192])
def test_a_state_with_a_lost_page_is_noticed(damaged: tuple[TinyCity, dict[str, bytes], Path], start: int) -> None:
    city, wanted, kept = damaged
    good = (kept / "state/build.sqlite").read_bytes()
    for lost in (b"\0" * 4096, b"\xff" * 4096):
        _rebuilt(city, kept, good[:start] + lost + good[start + 4096 :])
        assert city.released() == wanted
    _rebuilt(city, kept, good[: start + 100])
    assert city.released() == wanted


@pytest.mark.parametrize(
    "sql",
    [
        "update folder set listing = x'00'",
        "update meta set value = '{' where name = 'columns'",
        "update meta set value = 'gestern' where name = 'now'",
        "update article set facts = substr(facts, 3)",
        "update page set made = cast(x'ff' as text)",
        "update ledger set ids = '['",
        "update trouble set problems = '[{}]'",
        "insert into trouble values ('x', '[{}]')",
        "update article set next_change = 'morgen'",
        "drop table page",
        "drop index article_order",
        "pragma user_version = 3",
    ],
)
def test_a_state_that_says_nonsense_is_forgotten(damaged: tuple[TinyCity, dict[str, bytes], Path], sql: str) -> None:
    city, wanted, kept = damaged
    state = State(city.project.state / "build.sqlite")
    state._connection.execute(sql)
    state.close()
    shutil.rmtree(kept)
    report = city.build()
    assert set(codes(report)) <= {"state-damaged"}
    assert city.released() == wanted
    assert city.build().rendered == 0


def test_a_state_that_is_a_folder_is_told(city: TinyCity) -> None:
    (city.project.state / "build.sqlite").mkdir(parents=True)
    with pytest.raises(Refused) as refused:
        city.build()
    assert [p.code for p in refused.value.problems] == ["release-not-written"]
