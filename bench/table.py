"""The results of one size as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench import outputs
from bench.scenarios import SCENARIOS

_HEAD = f"{'':12} {'wall s':>17} {'CPU s':>17} {'peak MB':>17}   ratio wall (range)   CPU   memory  files written"


def lines(result: dict[str, Any]) -> list[str]:
    """Medians over the pairs; columns hold ours / theirs."""
    peer = result["peer"]
    title = f"{result['size']} articles, ours" + (f" / {peer}" if peer != "none" else "")
    found = [title, _HEAD]
    found += [_line(name, result[name]) for name in SCENARIOS if name in result]
    return [*found, "written:", *outputs.lines(result["writes"])]


def _line(name: str, part: dict[str, Any]) -> str:
    sides = [part[side] for side in ("ours", "theirs") if side in part]
    cells = [
        f"{' / '.join(f'{median(side[measure]) / unit:.{digits}f}' for side in sides):>17}"
        for measure, unit, digits in (("wall", 1, 2), ("cpu", 1, 2), ("memory", 1e6, 0))
    ]
    ratios = "–"
    if "theirs" in part:
        wall = part["ratio_wall"]
        ratios = f"{median(wall):5.2f} ({min(wall):.2f}–{max(wall):.2f})    {_median(part['ratio_cpu'])}   {_median(part['ratio_memory'])}"
    written = " / ".join(_written(side) for side in sides)
    return f"{name:12} {' '.join(cells)}   {ratios}     {written}"


def _median(values: Sequence[float]) -> str:
    return f"{median(values):.2f}"


def _written(side: dict[str, Any]) -> str:
    links = median(side["links_made"])
    return f"{median(side['files_written']):.0f}" + (f" +{links:.0f} links" if links else "")
