"""The search shards of a corpus: size, time, and 500 random substrings asked as a browser would, against a plain scan.

    python -m bench.search /path/to/corpus /path/to/work [--queries 500]

The corpus is one of `gen_corpus.py`. Pages are not rendered: what a result's page costs is the text, compressed, and
`FRAME` bytes for what surrounds it, as measured on pages of the sample.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from bench import corpus as corpora
from sitegen.files import read
from sitegen.search import segment
from sitegen.search.folding import VARIANTS_FILE, fold
from sitegen.search.shards import KINDS, VALIDITIES

ROOT = Path(__file__).parent.parent
FRAME = 4_300
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"^#+ |\*\*|^- |^\d+\. |^\|[ :|-]+\|$|\|", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--queries", type=int, default=500)
    options = parser.parse_args()
    texts = list(_texts(options.corpus))
    began = time.monotonic()
    documents = [segment.Document(title=title, body=body) for title, body in texts]
    shown = [
        (title, f"{number}.txt", "2026-11-22 09:30", "xwdt", "article", "", "", "市政府")
        for number, (title, _body) in enumerate(texts)
    ]
    sizes = []
    site = options.work / "site"
    shutil.rmtree(site, ignore_errors=True)
    for name, data in (*segment.index_files(documents), *segment.facts_files(shown)):
        path = site / "search" / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sizes.append(len(data))
    indexed = time.monotonic() - began
    folded = ["\0".join([fold(title), "", fold(body)]) for title, body in texts]
    units = sum(map(len, folded))
    facts = {"path": "a", "docs": len(documents), "bits": segment.bits_for(units), "archived": 0, "columns": ["xwdt"]}
    facts |= {"sites": [""], "kinds": KINDS, "validities": VALIDITIES, "years": [["2026", 0]]}
    manifest = {"format": "2", "segments": [facts], "columns": {"xwdt": "要闻"}, "sites": {"": "市"}}
    (site / "search" / "index.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(VARIANTS_FILE, site / "search" / "variants.txt")
    for number, (_title, body) in enumerate(texts):
        (site / f"{number}.txt").write_text(body, encoding="utf-8")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(documents)} documents: indexed {indexed:.1f} s, peak {peak} MB")
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB, largest {max(sizes)} bytes")
    del texts
    _ask(site, folded, options.queries)


def _texts(root: Path) -> list[tuple[str, str]]:
    """(title, text) of every article, newest first."""
    found = corpora.read(root)
    order = sorted(found.articles, key=lambda path: (path.rpartition("/t")[2], path), reverse=True)
    return [_text(read(f"{found.content}/{path}").decode()) for path in order]


def _text(source: str) -> tuple[str, str]:
    _, matter, body = source.split("---\n", 2)
    title = re.search(r"^title: (.*)$", matter, re.MULTILINE)
    return title[1] if title else "", _MARKS.sub("", _LINK.sub(r"\1", body))


def _ask(site: Path, texts: list[str], count: int) -> None:
    chance = random.Random(20261122)  # noqa: S311 (not for secrets)
    queries: list[str] = []
    while len(queries) < count:
        text, length = chance.choice(texts), chance.randint(2, 12)
        start = chance.randrange(max(1, len(text) - length))
        query = text[start : start + length]
        if len(query) >= 2 and "\0" not in query and '"' not in query and fold(f'"{query}"') == f'"{query}"':
            queries.append(query)
    asked = "".join(
        json.dumps({"query": f'"{query}"', "all": sum(query in t for t in texts[:: max(1, len(texts) // 500)]) < 2})
        + "\n"
        for query in queries
    )
    harness = [
        "node", "--max-old-space-size=3000", str(ROOT / "tests" / "search_engine.mjs"),
        str(ROOT / "themes" / "gov" / "assets" / "search.js"), str(site), str(FRAME),
    ]  # fmt: skip
    answers = [
        json.loads(line)
        for line in subprocess.run(harness, input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    wrong = missed = checked = estimated = 0
    for query, answer in zip(queries, answers, strict=True):
        truth = [number for number, text in enumerate(texts) if query in text]
        found = [hit["id"] for hit in answer["hits"]]
        wrong += len(set(found) - set(truth))
        estimated += not answer["first"]["sure"]
        if answer["done"]:
            checked += 1
            missed += len(set(truth) - set(found)) + (answer["count"]["number"] != len(truth))
        else:  # candidates hold all there is: compared as a number, which may only be too large
            missed += answer["total"] < len(truth)
    print(f"{count} queries: {wrong} wrong results, {missed} missing; {checked} of them listed to the end")
    for name in ("bytes", "requests", "milliseconds"):
        values = sorted(answer[name] for answer in answers)
        high = values[int(len(values) * 0.95)]
        print(f"{name}: median {statistics.median(values):.0f}, 95 % {high:.0f}, most {values[-1]:.0f}")
    print(f"counts not certain with the first ten: {estimated}")
    for kind in sorted({k for a in answers for k in a["kinds"]}):
        values = sorted(a["kinds"].get(kind, 0) for a in answers)
        print(f"  {kind}: median {statistics.median(values):.0f}, 95 % {values[int(len(values) * 0.95)]}, most {values[-1]}")
    over = [
        (query, answer["bytes"], {k: round(v / 1000) for k, v in answer["kinds"].items()}, answer["hits1"]) for query, answer in zip(queries, answers, strict=True) if answer["bytes"] > 150_000
    ]
    print("fewer than ten at first although there are more:", sum(a["hits1"] < min(10, a["total"]) and not a["first"]["sure"] for a in answers), "none:", sum(not a["hits1"] and not a["first"]["sure"] for a in answers))
    print(f"over 150 KB: {len(over)} " + "\n".join(map(str, over[:40])))


if __name__ == "__main__":
    main()
