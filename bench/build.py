"""Measure whole builds, ours beside a peer's, on articles of a corpus.

python bench/build.py --corpus DIR --peer hugo --pairs 5 --sizes 1000,5000 --workdir DIR --json FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT) if Path(sys.path[0]).resolve() == ROOT / "bench" else sys.path[0]

from bench import corpus as corpora  # noqa: E402 (a script's own folder comes first on the path, not its parent)
from bench import outputs, peers, plot, project, scenarios, table  # noqa: E402
from bench.corpus import Corpus  # noqa: E402
from bench.scenarios import SCENARIOS, Match  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    corpus = corpora.read(options.corpus)
    sizes = options.sizes or [len(corpus.articles)]
    results: list[dict[str, Any]] = []
    for size in sizes:
        match = _match(corpus, size, options)
        result: dict[str, Any] = {"size": size, "peer": options.peer}
        for scenario in options.scenario:
            result[scenario] = scenarios.play(match, scenario, options.pairs)
        result["writes"] = outputs.compare(match)
        results.append(result)
        print("\n".join(table.lines(result)), flush=True)
        if options.json:  # after each size: the large ones take long
            _write(options.json, json.dumps({"results": results}, ensure_ascii=False, indent=1) + "\n")
    if options.plot:
        _write(options.plot, plot.svg(results))
    return 0


def _match(corpus: Corpus, size: int, options: argparse.Namespace) -> Match:
    articles = corpora.subset(corpus.articles, size)
    if size < len(corpus.articles):
        _say(f"{size} of {len(corpus.articles)} articles: links to those left out lead nowhere, here and there")
    theirs = None
    if options.peer != "none":
        order = peers.Order(corpus, articles, options.workdir, options.peer_theme, _say)
        theirs = peers.peers()[options.peer](order)
    return Match(
        ours=project.ours(corpus, articles, options.workdir, _say, traditional=options.traditional),
        theirs=theirs,
        articles=articles,
        whole=size == len(corpus.articles),
        say=_say,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=_folder, required=True, metavar="DIR", help="made by gen_corpus.py; only read")
    parser.add_argument("--peer", choices=[*peers.peers(), "none"], default="hugo")
    parser.add_argument(
        "--peer-theme",
        type=Path,
        default=ROOT.parent / "shared" / "bench" / "hugo",
        metavar="DIR",
        help="Hugo's theme; only read (default: %(default)s)",
    )
    parser.add_argument("--traditional", action="store_true", help="ours with its edition in Traditional characters")
    parser.add_argument("--pairs", type=_count, default=1, metavar="N")
    parser.add_argument("--sizes", type=_sizes, metavar="N,N", help="articles; default: the whole corpus")
    parser.add_argument(
        "--workdir", type=Path, required=True, metavar="DIR", help="projects, outputs, state: all writes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="one number per pair")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="cost against size")
    parser.add_argument(
        "--scenario",
        type=_scenarios,
        default=["cold", "edit", "nothing"],
        metavar="NAME,NAME",
        help=", ".join(SCENARIOS),
    )
    options = parser.parse_args(arguments)
    options.workdir = options.workdir.resolve()
    if options.workdir.is_relative_to(options.corpus):
        parser.error("--workdir lies in the corpus, which is never written to")
    return options


def _folder(text: str) -> Path:
    path = Path(text).resolve()
    if not (path / "sites.json").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no sites.json: is it a corpus of gen_corpus.py?")
    return path


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)


def _sizes(text: str) -> list[int]:
    return [_count(size) for size in text.split(",")]


def _scenarios(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SCENARIOS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(SCENARIOS)}")
    return names


def _say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
