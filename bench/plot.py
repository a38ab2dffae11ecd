"""Cost against size as an SVG: both axes logarithmic, so that a constant cost per page is a line of slope one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

WIDTH, HEIGHT = 760, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 50, 60
_COLOURS = {"ours": "#0b57a4", "theirs": "#b3261e"}
_DASHES = {"cold": "", "output-kept": "2 3", "edit": "8 4", "nothing": "1 4", "theme": "10 3 2 3"}

Point = tuple[float, float]


def svg(results: Sequence[Mapping[str, Any]]) -> str:
    """Median wall seconds of each scenario and side; results without a size above zero cannot be drawn."""
    peer = str(results[0]["peer"])
    lines = _lines(results)
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    across = _axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    up = _axis(min(ys), max(ys), HEIGHT - _BOTTOM, _TOP)
    title = "Seconds of a whole build against articles" + (f", ours and {peer}" if peer != "none" else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="28" font-size="15">{escape(title)}</text>',
    ]
    for size in sorted(set(xs)):
        parts.append(_rule(across(size), _TOP, across(size), HEIGHT - _BOTTOM))
        parts.append(_text(across(size), HEIGHT - _BOTTOM + 18, f"{size:,.0f}", "middle"))
    for seconds in _ticks(min(ys), max(ys)):
        parts.append(_rule(_LEFT, up(seconds), WIDTH - _RIGHT, up(seconds)))
        parts.append(_text(_LEFT - 8, up(seconds) + 4, f"{seconds:g}", "end"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 16, "articles", "middle"))
    parts.append(_text(_LEFT - 8, _TOP - 10, "seconds", "end"))
    ends: list[float] = []
    for (scenario, side), points in sorted(lines.items(), key=lambda item: -item[1][-1][1]):
        drawn = [(across(x), up(y)) for x, y in points]
        parts += _curve(drawn, _COLOURS[side], _DASHES[scenario])
        height = max(drawn[-1][1] + 4, ends[-1] + 14) if ends else drawn[-1][1] + 4  # labels never overlap
        ends.append(height)
        name = "ours" if side == "ours" else peer
        parts.append(_text(WIDTH - _RIGHT + 14, height, f"{name}, {scenario}", "start", _COLOURS[side]))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(results: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[Point]]:
    found: dict[tuple[str, str], list[Point]] = {}
    for result in sorted(results, key=lambda result: int(result["size"])):
        for scenario in _DASHES:
            for side in _COLOURS:
                walls = result.get(scenario, {}).get(side, {}).get("wall")
                if walls:
                    found.setdefault((scenario, side), []).append((float(result["size"]), median(walls)))
    return found


def _axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A logarithmic scale with a little air at both ends."""
    first, last = math.log10(low) - 0.08, math.log10(high) + 0.08
    return lambda value: round(start + (math.log10(value) - first) / (last - first) * (end - start), 1)


def _ticks(low: float, high: float) -> list[float]:
    steps = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
    inside = [step for step in steps if low * 0.9 <= step <= high * 1.1]
    return inside or [low]


def _curve(points: Sequence[Point], colour: str, dash: str) -> list[str]:
    path = " ".join(f"{x},{y}" for x, y in points)
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    return [line, *(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points)]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#222") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
