"""Worker processes: results in order, a deadly item found and set aside, an interrupt that ends the work."""

from __future__ import annotations

import os

import pytest

from sitegen import docket
from sitegen.crew import Crew, common
from sitegen.judging import Batch
from sitegen.state import problems_of


def doubled(batch: list[int]) -> list[int]:
    if 13 in batch:
        os._exit(9)
    return [common() * number for number in batch]


def halves(batch: list[int]) -> list[list[int]]:
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]] if middle else []


def deadly(batch: list[int]) -> list[int]:
    return [-number for number in batch]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_the_order_of_their_batches(jobs: int) -> None:
    batches = [[number, number + 1] for number in range(100, 140, 2)]
    with Crew(2, jobs) as crew:
        found = [number for result in crew.run(doubled, batches, halves, deadly, few=False) for number in result]
    assert found == [2 * number for number in range(100, 140)]


def test_an_item_that_ends_its_process_is_found_and_takes_no_other_with_it() -> None:
    batches = [list(range(start, start + 8)) for start in range(0, 40, 8)]
    with Crew(2, 2) as crew:
        found = [number for result in crew.run(doubled, batches, halves, deadly, few=False) for number in result]
    assert found == [-13 if number == 13 else 2 * number for number in range(40)]


def test_an_error_in_a_worker_is_the_callers() -> None:
    with Crew("not a number", 2) as crew, pytest.raises(TypeError):
        list(crew.run(_subtracted, [[1], [2]], halves, deadly, few=False))


def _subtracted(batch: list[int]) -> list[int]:
    return [common() - number for number in batch]


def test_a_source_that_ends_every_process_which_reads_it_is_told() -> None:
    batch = Batch(column="xwdt", sources=("xwdt/a.md", "xwdt/b.md"), refused={}, ledgers=(), told=frozenset())
    parts = docket._split(batch)
    assert [part.sources for part in parts] == [("xwdt/a.md",), ("xwdt/b.md",)]
    assert docket._split(parts[0]) == []
    [row] = docket._deadly(parts[0]).rows
    assert (row.path, row.status, row.unsure) == ("xwdt/a.md", "hidden", True)
    assert [(p.code, p.path) for p in problems_of(row.problems)] == [("source-crashed", "content/xwdt/a.md")]
