"""Laws: after any sequence of edits the incremental tree is the clean one, byte for byte."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sitegen.errors import PlatformError
from tests.cities import NOW, TinyCity

_SLOTS = st.integers(1, 7)
_COLUMNS = st.sampled_from(["xwdt", "jyj/tzgg"])
_TITLES = st.sampled_from(["供暖开始", "停水通知", "招聘公告", "路面施工", "甲" * 30])


def path_of(column: str, slot: int) -> str:
    return f"{column}/202611/t20261101_{slot + (100 if column == 'xwdt' else 200)}.md"


class Edits(RuleBasedStateMachine):
    """What editors, reviewers and time do to a city, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.city = TinyCity(self.folder / "city")
        self.now: datetime = NOW
        self.dirty = True

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(column=_COLUMNS, slot=_SLOTS, title=_TITLES, other=_SLOTS, day=st.integers(1, 20), sign=st.booleans())
    def write(self, column: str, slot: int, title: str, other: int, day: int, sign: bool) -> None:
        link = f"[相关]({'../' * (column.count('/') + 2)}{path_of('xwdt', other)})"
        self.city.article(
            path_of(column, slot),
            title,
            f"## 第一章\n\n正文{title}。{link}",
            date=f"2026-11-{day:02d} 09:00",
            extra="expire_at: 2026-11-24 10:00\n" if slot == 7 else "",
            sign=False,
        )
        if sign:
            self._sign(path_of(column, slot))

    @rule(column=_COLUMNS, slot=_SLOTS)
    def sign_it(self, column: str, slot: int) -> None:
        if (self.city.content / path_of(column, slot)).exists():
            self._sign(path_of(column, slot))

    def _sign(self, path: str) -> None:
        self.now += timedelta(minutes=10)
        try:
            self.city.sign(path, at=self.now)
        except (AssertionError, PlatformError):
            return  # already signed

    @rule(column=_COLUMNS, slot=_SLOTS)
    def delete(self, column: str, slot: int) -> None:
        (self.city.content / path_of(column, slot)).unlink(missing_ok=True)

    @rule(column=_COLUMNS, slot=_SLOTS)
    def spoil(self, column: str, slot: int) -> None:
        file = self.city.content / path_of(column, slot)
        if file.exists():
            file.write_text("---\ntitle：坏\n---\n", encoding="utf-8")

    @rule(title=_TITLES)
    def rename_column(self, title: str) -> None:
        index = self.city.content / "xwdt/index.md"
        lines = index.read_text(encoding="utf-8").splitlines()
        index.write_text("\n".join(f"title: {title}" if x.startswith("title:") else x for x in lines) + "\n", "utf-8")

    @rule(phone=st.sampled_from(["0000-1234567", "0000-7654321"]))
    def change_identity(self, phone: str) -> None:
        index = self.city.content / "index.md"
        lines = index.read_text(encoding="utf-8").splitlines()
        index.write_text("\n".join(f"phone: {phone}" if x.startswith("phone:") else x for x in lines) + "\n", "utf-8")

    @rule(mark=st.sampled_from(["<!-- a -->", "<!-- b -->"]))
    def edit_template(self, mark: str) -> None:
        template = self.city.root / "themes/gov/base.html"
        text = template.read_text(encoding="utf-8").split("<!-- ")[0].rstrip()
        template.write_text(f"{text}\n{mark}\n", encoding="utf-8")

    @rule(hours=st.integers(1, 30))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.dirty)
    @rule(jobs=st.sampled_from([1, 1, 1, 2]))
    def build(self, jobs: int) -> None:
        self.city.build(now=self.now, jobs=jobs)

    @invariant()
    def incremental_is_clean(self) -> None:
        if not hasattr(self, "city"):
            return
        report = self.city.build(now=self.now)
        again = self.city.build(now=self.now)
        assert again.rendered == 0, again.reasons
        clean = self.city.copy_sources(Path(tempfile.mkdtemp(dir=self.folder)) / "clean")
        clean_report = clean.build(now=self.now, clean=True)
        assert self.city.released() == clean.released()
        assert report.problems == clean_report.problems
        shutil.rmtree(clean.root)


Edits.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestEdits = Edits.TestCase


def _truncate(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:1000])


def _garbage(state: Path) -> None:
    state.write_bytes(b"not a database")


def _other_version(state: Path) -> None:
    import sqlite3

    with sqlite3.connect(state) as connection:
        connection.execute("pragma user_version = 999")
    connection.close()


@pytest.mark.parametrize("damage", [Path.unlink, _truncate, _garbage, _other_version])
def test_a_lost_state_costs_time_and_nothing_else(city: TinyCity, damage: Callable[[Path], None]) -> None:
    city.article("xwdt/202611/t20261120_1.md")
    first = city.build()
    before = city.released()
    for side in city.project.state.glob("build.sqlite-*"):
        side.unlink()
    damage(city.project.state / "build.sqlite")
    again = city.build()
    assert again.rendered == first.rendered
    assert again.release == first.release
    assert city.released() == before


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_the_number_of_workers_changes_no_byte(city: TinyCity, jobs: int, tmp_path: Path) -> None:
    for number in range(1, 61):
        city.article(f"xwdt/202610/t20261001_{number}.md", f"第{number}篇", sign=False, date="2026-10-01 09:00")
        city.sign(f"xwdt/202610/t20261001_{number}.md")
        if number == 30 and jobs == 1:
            break
    city.build(jobs=jobs)
    other = city.copy_sources(tmp_path / "other")
    other.build(jobs=1)
    assert city.released() == other.released()
