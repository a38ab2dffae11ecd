"""kill -9 anywhere in a build: one complete release is served, and the next build ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sitegen import output
from sitegen.manifest import manifest as manifest_of
from tests.cities import NOW, ROOT, TinyCity

_POINTS = [
    "sources-read",
    "judged",
    "tree-begun",
    "pages-rendered",
    "tree-complete",
    "undo-kept",
    "spare-taken",
    "spare-changed",
    "release-named",
    "state-written",
    "switched",
    "pruned",
]

_DRIVER = """
import os, signal, sys
from pathlib import Path
from sitegen import build, clock, config
def fault(point):
    if point == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
build.build(config.load(Path(sys.argv[1])), now=clock.parse_moment(sys.argv[3]), jobs=1, fault=fault)
"""


def killed_build(city: TinyCity, point: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(city.root / "mkdocs.yml"), point, NOW.isoformat()],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode


@pytest.mark.parametrize("point", _POINTS)
def test_a_killed_build_leaves_a_whole_release_and_the_next_one_finishes(
    city: TinyCity, point: str, tmp_path: Path
) -> None:
    city.article("xwdt/202611/t20261120_1.md", "第一篇")
    city.build()
    city.article("xwdt/202611/t20261120_3.md", "第三篇")  # the second release, so that two trees are kept in step
    city.build()
    before = city.released()
    city.article("xwdt/202611/t20261120_2.md", "第二篇")
    clean = city.copy_sources(tmp_path / "clean")
    clean.build(clean=True)
    after = clean.released()

    assert killed_build(city, point) == -signal.SIGKILL
    assert city.released() in (before, after)
    report = city.build()
    assert city.released() == after
    assert output.live_release(city.project) == report.release
    assert not list(city.project.releases.glob("*.open"))
    assert manifest_of(city.project)["id"] == report.release
    assert city.build().rendered == 0


def test_a_killed_first_build_shows_nothing_half_built(city: TinyCity) -> None:
    city.article("xwdt/202611/t20261120_1.md")
    assert killed_build(city, "tree-complete") == -signal.SIGKILL
    assert not city.site.exists()
    city.build()
    assert (city.site / "index.html").exists()
