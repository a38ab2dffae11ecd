"""The results of one size as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench import outputs
from bench.scenarios import SCENARIOS

_COLUMNS = "{:12} {:>16} {:>16} {:>13}   {:>18} {:>6} {:>6}   {}"
_HEAD = _COLUMNS.format("", "wall s", "CPU s", "peak MB", "wall ratio", "CPU", "memory", "files written (+ links)")


def lines(result: dict[str, Any]) -> list[str]:
    """Medians over the pairs; columns hold ours / theirs."""
    peer = result["peer"]
    title = f"{result['size']} articles, ours" + (f" / {peer}" if peer != "none" else "")
    found = [title, _HEAD]
    found += [_line(name, result[name]) for name in SCENARIOS if name in result]
    return [*found, "written:", *outputs.lines(result["writes"])]


def _line(name: str, part: dict[str, Any]) -> str:
    sides = [part[side] for side in ("ours", "theirs") if side in part]
    costs = [
        " / ".join(f"{median(side[measure]) / unit:.{digits}f}" for side in sides)
        for measure, unit, digits in (("wall", 1, 2), ("cpu", 1, 2), ("memory", 1e6, 0))
    ]
    ratios = ["–", "–", "–"]
    if "theirs" in part:
        wall = part["ratio_wall"]
        span = f"{median(wall):.2f} ({min(wall):.2f}–{max(wall):.2f})"
        ratios = [span, _median(part["ratio_cpu"]), _median(part["ratio_memory"])]
    return _COLUMNS.format(name, *costs, *ratios, " / ".join(_written(side) for side in sides))


def _median(values: Sequence[float]) -> str:
    return f"{median(values):.2f}"


def _written(side: dict[str, Any]) -> str:
    links = median(side["links_made"])
    return f"{median(side['files_written']):.0f}" + (f" +{links:.0f} links" if links else "")
