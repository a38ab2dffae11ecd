"""The benchmark of captures: the same site every time, and both sides capture all of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench import capture, oldsite
from bench.oldsite import OldSite


def digests(site: OldSite) -> dict[str, str]:
    paths = [path for path in site.root.rglob("*") if path.is_file()]
    return {path.relative_to(site.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_site_is_the_same_every_time(tmp_path: Path) -> None:
    first = oldsite.make(tmp_path / "one", 45, 6, 3)
    second = oldsite.make(tmp_path / "two", 45, 6, 3)
    assert digests(first) == digests(second)
    assert len(digests(first)) == len(first.urls) == 1 + 2 + 6 + 3 + 45 + 3
    articles = [path.read_bytes() for path in (tmp_path / "one/news").glob("t*.html")]
    assert sum(b"charset=gbk" in article for article in articles) == 22


@pytest.mark.needs("nginx", "wget")
def test_both_sides_capture_the_whole_site(tmp_path: Path) -> None:
    """Else their times could not be compared."""
    report = tmp_path / "result.json"
    place = tmp_path / "work"
    assert (
        capture.main(["--pairs", "1", "--pages", "30", "--workdir", str(place), "--json", str(report), "--no-index"])
        == 0
    )
    result = json.loads(report.read_bytes())
    assert result["ours"]["captured"] == result["wget"]["captured"]
    # Thirty articles show thirty pictures and thirty files of those that are made for two thousand.
    assert result["ours"]["captured"] == [1 + 2 + 30 + 30 + 30 + 2]
    assert "URLs/s, ours / wget" in "\n".join(capture.lines(result))
