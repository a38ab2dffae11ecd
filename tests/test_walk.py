"""Two processes look at the files as one does, whatever becomes of the other."""

from __future__ import annotations

import os
import signal
from importlib import metadata
from pathlib import Path

import pytest

from sitegen import inputs, versions, walk
from sitegen.walk import Walk

begin = walk.begin


def begun_and_ended_by_another(root: Path, *, two: bool) -> Walk:
    """A walk of which the other process has done all."""
    begun = begin(root, two=True)
    assert begun.copy is not None
    os.waitid(os.P_PID, begun.copy[0], os.WEXITED | os.WNOWAIT)
    return begun


def begun_and_killed(root: Path, *, two: bool) -> Walk:
    """A walk whose other process took what it took and says nothing of it."""
    begun = begin(root, two=True)
    assert begun.copy is not None
    os.read(begun.tickets, 2)  # as one that it had taken
    os.kill(begun.copy[0], signal.SIGKILL)
    return begun


@pytest.fixture
def content(tmp_path: Path) -> Path:
    for number in range(7):
        for name in ("index.md", f"tzgg/2026/t{number}.md", f"tzgg/2026/_reviews/t{number}.jsonl", "_drafts/a.md"):
            path = tmp_path / f"d{number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name * number)
    (tmp_path / "index.md").write_text("portal")
    (tmp_path / "d3" / "out").symlink_to("/etc")
    return tmp_path


def alone(content: Path) -> walk.Found:
    return walk.finish(begin(content, two=False))


@pytest.mark.parametrize("beginning", [begin, begun_and_ended_by_another, begun_and_killed])
def test_two_processes_find_what_one_finds(content: Path, beginning: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_UNSETTLED_NS", -(10**12))  # all is settled: nothing is noted with the moment
    assert callable(beginning)
    found, expected = walk.finish(beginning(content, two=True)), alone(content)
    assert found.listings == expected.listings
    assert {f"d{n}/tzgg/2026/_reviews" for n in range(7)} <= found.listings.keys()
    assert "d1/_drafts" not in found.listings
    assert [problem.path for problem in found.problems] == ["content/d3/out"]


def test_both_processes_take_from_one_pipe(content: Path) -> None:
    begun = begin(content, two=True)
    walk.finish(begun)
    assert begun.copy is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(begun.tickets, 2)


def test_a_file_says_whether_there_is_much_to_look_at(tmp_path: Path) -> None:
    state = tmp_path / "build.sqlite"
    assert not walk.is_much(state)
    with state.open("wb") as file:
        file.truncate(49_999_999)
    assert not walk.is_much(state)
    with state.open("ab") as file:
        file.truncate(50_000_000)
    assert walk.is_much(state)


@pytest.mark.parametrize("package", inputs._ENGINE_PACKAGES)
def test_a_version_is_what_the_metadata_say(package: str) -> None:
    assert versions.installed(package) == metadata.version(package)


def test_a_version_is_told_without_reading_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda package: pytest.fail("the metadata were read"))
    versions.installed.cache_clear()
    assert all(versions.installed(package) for package in inputs._ENGINE_PACKAGES)


def test_a_package_that_is_not_there_raises_as_the_metadata_do() -> None:
    with pytest.raises(metadata.PackageNotFoundError):
        versions.installed("no-such-package")
