"""What is measured: pairs of whole fresh processes, ours and theirs in turn, from the same starting point."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import measure, project
from bench.contender import Contender, Say
from bench.measure import Cost

SCENARIOS = ("cold", "output-kept", "edit", "nothing", "theme")
MEASURES = ("wall", "cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One build. `written`: files with new bytes or a new inode; `links`: new names of files that were there before;
    `published`: those of `written` that are served. `said`: what our build reports."""

    cost: Cost
    written: int = 0
    links: int = 0
    published: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The contenders of one size; `theirs` is None when ours runs alone. `whole`: all of the corpus takes part."""

    ours: Contender
    theirs: Contender | None
    articles: Sequence[str]
    whole: bool
    say: Say

    @property
    def both(self) -> list[Contender]:
        return [self.ours] if self.theirs is None else [self.ours, self.theirs]

    @property
    def edited(self) -> str:
        return self.articles[len(self.articles) // 2]


def play(match: Match, scenario: str, pairs: int) -> dict[str, Any]:
    """The scenario's part of the results: one number per pair."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in match.both}
    if scenario != "cold":
        for contender in match.both:
            match.say(f"{contender.root.name}: {scenario}: bringing it up to date")
            build(match, contender)
    with contextlib.ExitStack() as undone:
        for contender in match.both:
            undone.enter_context(contender.as_it_was(match.edited))
        for pair in range(1, pairs + 1):
            for contender in match.both:  # everything is put in place before either clock starts
                _STARTS[scenario](contender, match.edited, pair)
            for contender in match.both:
                run = build(match, contender, count=True)
                match.say(f"{contender.root.name}: {scenario} {pair}/{pairs}: {run.cost.wall:.2f} s")
                runs[contender.name].append(run)
    return record(runs)


_STARTS: Mapping[str, Callable[[Contender, str, int], None]] = {
    "cold": lambda contender, article, pair: contender.forget(),
    "output-kept": lambda contender, article, pair: contender.lose_state(),
    "edit": lambda contender, article, pair: contender.edit(article, pair),
    "nothing": lambda contender, article, pair: None,
    "theme": lambda contender, article, pair: contender.comment_template(pair),
}


def build(match: Match, contender: Contender, *, count: bool = False) -> Run:
    """One run of the contender's command. Raises RuntimeError when its site is not what it should be."""
    before = _files(contender) if count else {}
    output = contender.root / "stdout"
    cost = measure.run(contender.command, folder=contender.root, environment=contender.environment, output=output)
    if cost.code not in contender.accepted:
        raise RuntimeError(f"{contender.name} ended with {cost.code}: {output.with_suffix('.err').read_text()[-2000:]}")
    said = json.loads(output.read_bytes()) if contender.name == "ours" else {}
    if said and (wrong := project.faults(said, whole=match.whole)):
        raise RuntimeError(f"{len(wrong)} errors in our build, the first: {wrong[0]}")
    published = published_articles(contender, match.articles)
    if published != len(match.articles):
        raise RuntimeError(f"{contender.name} published {published} of {len(match.articles)} articles")
    if not count:
        return Run(cost=cost, said=said)
    return _counted(cost, said, before, _files(contender), contender)


def published_articles(contender: Contender, articles: Sequence[str]) -> int:
    """Articles whose page stands in the output, at `x.html` or `x/index.html`."""
    found = 0
    for article in articles:
        page = contender.output / article.removesuffix(".md")
        found += page.with_suffix(".html").is_file() or (page / "index.html").is_file()
    return found


# --- files ----------------------------------------------------------------------------------------------------------


def _files(contender: Contender) -> dict[str, tuple[int, int]]:
    """Path → (inode, time of change in ns) of all that the contender's builds left."""
    found: dict[str, tuple[int, int]] = {}
    folders = [path for path in {*contender.everything, contender.output} if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        for place, _folders, names in os.walk(folder):
            for name in names:
                path = Path(place, name)
                facts = path.lstat()
                found[str(path)] = (facts.st_ino, facts.st_mtime_ns)
    return found


def _counted(
    cost: Cost,
    said: Mapping[str, Any],
    before: Mapping[str, tuple[int, int]],
    after: Mapping[str, tuple[int, int]],
    contender: Contender,
) -> Run:
    known = set(before.values())
    fresh = {path: facts for path, facts in after.items() if facts not in known}
    links = sum(1 for path, facts in after.items() if facts in known and before.get(path) != facts)
    served = str(contender.output.resolve()) + os.sep
    published = sum(1 for path in fresh if path.startswith(served))
    return Run(cost=cost, said=said, written=len(set(fresh.values())), links=links, published=published)


# --- results --------------------------------------------------------------------------------------------------------


def record(runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    """The JSON of one scenario: `ratio_<measure>` is ours / theirs, pair by pair."""
    ours = runs["ours"]
    theirs = next((found for name, found in runs.items() if name != "ours"), None)
    result: dict[str, Any] = {}
    if theirs is not None:
        for name in MEASURES:
            result[f"ratio_{name}"] = [
                round(getattr(one.cost, name) / max(getattr(other.cost, name), 1e-9), 4)
                for one, other in zip(ours, theirs, strict=True)
            ]
    result["ours"] = _costs(ours)
    if theirs is not None:
        result["theirs"] = _costs(theirs)
    result["files_written"] = result["ours"]["files_written"]
    for key in ("rendered", "kept", "removed"):
        result["ours"][key] = [run.said.get(key) for run in ours]
    result["ours"]["problems"] = dict(Counter(problem["code"] for problem in ours[-1].said.get("problems", ())))
    return result


def _costs(runs: Sequence[Run]) -> dict[str, list[float]]:
    return {
        "wall": [round(run.cost.wall, 3) for run in runs],
        "cpu": [round(run.cost.cpu, 3) for run in runs],
        "memory": [run.cost.memory for run in runs],
        "files_written": [run.written for run in runs],
        "files_published": [run.published for run in runs],
        "links_made": [run.links for run in runs],
    }
