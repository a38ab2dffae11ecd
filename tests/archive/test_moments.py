"""A stamp leads to the other times at which its page was captured (其他时点), and to no other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from archive.publishing import banner, moments, published
from archive.publishing.moments import Moment
from tests.archive.stamping import facts, tree


def index(captured_at: str, *urls: str) -> dict[str, object]:
    return {"pages": [{"target_uri": url, "captured_at": captured_at, "url": f"/archive{url[-2:]}"} for url in urls]}


def test_a_page_is_found_again_when_its_site_went_over_to_https() -> None:
    """The day is that of Shanghai; other pages are not its other times."""
    found = moments.elsewhere(
        [
            index("2024-03-01T02:00:00+00:00", "http://old.example/a", "http://old.example/b"),
            index("2025-12-31T16:30:00+00:00", "https://old.example/a"),
        ]
    )
    assert found[moments.address("http://old.example/a")] == [
        Moment(on=date(2024, 3, 1), url="/archive/a"),
        Moment(on=date(2026, 1, 1), url="/archive/a"),
    ]
    assert [moment.url for moment in found[moments.address("https://old.example/b")]] == ["/archive/b"]


def test_the_newest_three_are_named_and_the_catalogue_has_all() -> None:
    days = [date(2021 + year, 5, 1) for year in range(5)]
    several = replace(facts(), moments=[Moment(on=day, url=f"/archive/{day.year}/") for day in days])
    page = tree(banner.page(several, title="x", old=b"<p>x</p>").decode())
    [said] = page.xpath("//dt[.='其他时点']/following-sibling::dd")
    assert [link.text_content() for link in said.iter("a")] == ["2023-05-01", "2024-05-01", "2025-05-01", "全部 6 次"]


def test_a_publication_is_not_its_own_other_time(tmp_path: Path) -> None:
    """One that cannot be read is passed over; the build tells of it."""
    (tmp_path / "lyj").mkdir()
    for stamp in ("20240101000000", "20250101000000", "20260101000000"):
        (tmp_path / "lyj" / f"{stamp}.json").write_text(json.dumps({"timestamp": stamp}))
    (tmp_path / "lyj" / "20230101000000.json").write_text("{")
    others = published.others(tmp_path, "lyj", "20250101000000")
    assert [one["timestamp"] for one in others] == ["20240101000000", "20260101000000"]
