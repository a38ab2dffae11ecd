"""Is every body what stock MkDocs makes of it? A whole corpus by `sitegen build` and by `mkdocs build`, compared byte for byte.

python bench/parity.py --corpus DIR --workdir DIR

Ends with 1 when a body differs. Articles with a link that leads nowhere are counted and left out: MkDocs leaves such a
link standing, ours is plain text.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT) if Path(sys.path[0]).resolve() == ROOT / "bench" else sys.path[0]

from bench import corpus as corpora  # noqa: E402 (a script's own folder comes first on the path, not its parent)
from bench import project  # noqa: E402
from bench.contender import Contender  # noqa: E402
from sitegen import config  # noqa: E402
from sitegen.state.shelf import Shelf  # noqa: E402

_START, _END = b'<div class="md-typeset gov-body', b"\n</div>"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="made by gen_corpus.py; only read")
    parser.add_argument("--workdir", type=Path, required=True, metavar="DIR", help="both outputs")
    options = parser.parse_args(arguments)
    corpus = corpora.read(options.corpus)
    ours = project.ours(corpus, corpus.articles, options.workdir, _say)
    _run("sitegen build", ours.command, ours)
    _run("mkdocs build", (sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", f"{ours.root}/mkdocs.yml"), ours)
    same, unresolved, other = compare(ours.root)
    _say(f"{same} bodies are the same, {len(other)} differ; {unresolved} with a link that leads nowhere were left out")
    for file in other[:20]:
        _say(f"differs: {file}")
    return 1 if other or not same else 0


def compare(root: Path) -> tuple[int, int, list[str]]:
    """(bodies that are the same, left out for a broken link, files whose body differs)."""
    built = config.load(root / "mkdocs.yml")
    shelf = Shelf.open(built.state / "build.sqlite")
    same, unresolved, other = 0, 0, []
    for path in sorted((root / "content").rglob("t*.md")):
        file = path.relative_to(root / "content").with_suffix(".html").as_posix()
        known = shelf.body_of(file)
        if known is None:
            other.append(file)
            continue
        facts = orjson.loads(known[1])
        if not all(facts["reads"].values()):
            unresolved += 1
            continue
        page = (built.live / file).read_bytes()
        body = page[facts["start"] : facts["start"] + facts["length"]]
        stock = (root / "build" / "mkdocs" / file).read_bytes()
        before, found = stock.partition(b">\n" + body + _END)[:2] if body else (b"", b"")
        if found and _START in before[before.rfind(b"<div") :]:
            same += 1
        else:
            other.append(file)
    shelf.close()
    return same, unresolved, other


def _run(what: str, command: Sequence[str], ours: Contender) -> None:
    began = time.monotonic()
    subprocess.run(
        command,
        cwd=ours.root,
        env=dict(ours.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    _say(f"{what}: {time.monotonic() - began:.1f} s")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
