"""The search shards of a corpus: size, time, and 500 random substrings asked as a browser would, against a plain scan.

    python -m bench.search /path/to/corpus /path/to/work [--queries 500] [--service] [--again]

The corpus is one of `gen_corpus.py`, or a folder of Markdown files (the law texts). Pages are not rendered: what a result's
page costs is the text, compressed, and `FRAME` bytes for what surrounds it, as measured on pages of the sample. Bytes are
those of the first ten results: what the index, the pages and the table of variants take, each read once, as a static
server sends them (`.bin` as they are, all else by gzip). `--service`: the same queries to the database of the service.
`--again`: the shards and queries that lie in the work folder, asked with the script as it is now; with `--service`, the
database alone is made and asked. `--fully N`: queries with at most so many results are listed to the end, recall is
measured page by page; all of them at 100,000 pages take an hour.
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
from typing import Any

from bench import corpus as corpora
from sitegen.files import read
from sitegen.search import segment
from sitegen.search.database import Asked, Reader, Row, Writer
from sitegen.search.folding import VARIANTS_FILE, fold
from sitegen.search.shards import KINDS, VALIDITIES
from sitegen.search.texts import Text, is_old, weight

ROOT = Path(__file__).parent.parent
FRAME = 4_300
ASKED = "asked.json"
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"^#+ |\*\*|^- |^\d+\. |^\|[ :|-]+\|$|\|", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--service", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--fully", type=int, default=60)
    options = parser.parse_args()
    database = options.work / "search.sqlite"
    if options.again:
        asked = json.loads((options.work / ASKED).read_bytes())
        if options.service:
            _ask_service(database, list(texts_of(options.corpus)), asked["queries"], asked["truths"])
        else:
            _ask_shards(options.work / "site", asked["queries"], asked["truths"], options.fully)
        return
    texts = list(texts_of(options.corpus))
    began = time.monotonic()
    documents = [segment.Document(title=title, body=body) for title, body in texts]
    shown = _shown(texts)
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
    manifest = {"format": "3", "segments": [facts], "columns": {"xwdt": "要闻"}, "sites": {"": "市"}}
    (site / "search" / "index.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(VARIANTS_FILE, site / "search" / "variants.txt")
    for number, (_title, body) in enumerate(texts):
        (site / f"{number}.txt").write_text(body, encoding="utf-8")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{len(documents)} documents: indexed {indexed:.1f} s, peak {peak} MB")
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB, largest {max(sizes)} bytes")
    queries = queries_of(folded, options.queries)
    truths = [[number for number, text in enumerate(folded) if query in text] for query in queries]
    (options.work / ASKED).write_text(json.dumps({"queries": queries, "truths": truths}), encoding="utf-8")
    del documents, folded
    _ask_shards(site, queries, truths, options.fully)
    if options.service:
        _ask_service(database, texts, queries, truths)


def texts_of(root: Path) -> list[tuple[str, str]]:
    """(title, text) of every article, newest first; of every Markdown file in a folder of these, by name."""
    if not (root / "content").is_dir():
        laws = [path.read_text(encoding="utf-8") for path in sorted(root.glob("*.md"))]
        return [(text.strip().splitlines()[0].lstrip("# "), text) for text in laws]
    found = corpora.read(root)
    order = sorted(found.articles, key=lambda path: (path.rpartition("/t")[2], path), reverse=True)
    return [_text(read(f"{found.content}/{path}").decode()) for path in order]


def _text(source: str) -> tuple[str, str]:
    _, matter, body = source.split("---\n", 2)
    title = re.search(r"^title: (.*)$", matter, re.MULTILINE)
    return title[1] if title else "", _MARKS.sub("", _LINK.sub(r"\1", body))


def queries_of(texts: list[str], count: int) -> list[str]:
    """Random pieces of 2 to 12 characters, within and across words."""
    chance = random.Random(20261122)  # noqa: S311 (not for secrets)
    queries: list[str] = []
    while len(queries) < count:
        text, length = chance.choice(texts), chance.randint(2, 12)
        start = chance.randrange(max(1, len(text) - length))
        query = text[start : start + length]
        if (
            len(query.strip()) == len(query) >= 2
            and "\0" not in query
            and '"' not in query
            and fold(f'"{query}"') == f'"{query}"'
        ):
            queries.append(query)
    return queries


def _shown(texts: list[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """What results show of each."""
    return [
        (
            title,
            f"{number}.txt",
            "2026-11-22 09:30",
            "xwdt",
            "article",
            "",
            "",
            "市政府",
            weight(body),
            is_old(title + body),
        )
        for number, (title, body) in enumerate(texts)
    ]


def _ask_shards(site: Path, queries: list[str], truths: list[list[int]], fully: int) -> None:
    """Those with at most `fully` results are listed to the end."""
    asked = "".join(
        json.dumps({"query": f'"{query}"', "all": len(truth) <= fully}) + "\n"
        for query, truth in zip(queries, truths, strict=True)
    )
    harness = [
        "node", "--max-old-space-size=3000", str(ROOT / "tests" / "search_engine.mjs"),
        str(ROOT / "themes" / "gov" / "assets" / "search.js"), str(site), str(FRAME),
    ]  # fmt: skip
    done = subprocess.run(harness, input=asked, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = missed = listed = 0
    for truth, answer in zip(truths, answers, strict=True):
        found = [hit["id"] for hit in answer["hits"]]
        wrong += len(set(found) - set(truth))
        if answer["done"]:
            listed += 1
            missed += len(set(truth) - set(found)) + (answer["count"]["number"] != len(truth))
        else:  # candidates hold all there is: compared as a number, which may only be too large
            missed += answer["total"] < len(truth)
    print(f"shards: {len(queries)} queries: {wrong} wrong results, {missed} missing; {listed} listed to the end")
    for name in ("bytes", "requests", "milliseconds"):
        _spread(name, [answer[name] for answer in answers])
    for kind in sorted({kind for answer in answers for kind in answer["kinds"]}):
        _spread(f"  bytes of {kind}", [answer["kinds"].get(kind, 0) for answer in answers])
    first = [min(10, len(truth)) - answer["shown"] for truth, answer in zip(truths, answers, strict=True)]
    none = sum(not a["shown"] and bool(truth) for truth, a in zip(truths, answers, strict=True))
    print(f"fewer than ten at first although there are more: {sum(n > 0 for n in first)}; none of them: {none}")
    print(f"counts not certain with the first ten: {sum(not answer['first']['sure'] for answer in answers)}")
    over = [
        (query, answer["bytes"]) for query, answer in zip(queries, answers, strict=True) if answer["bytes"] > 150_000
    ]
    print(f"over 150 KB: {len(over)} {over[:10]}", flush=True)


def _ask_service(path: Path, texts: list[tuple[str, str]], queries: list[str], truths: list[list[int]]) -> None:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    began = time.monotonic()
    writer = Writer(path)
    rows = (
        Row(path=f"{number:07}", digest="", stamp=-number, archived=False, site="", year="2026",
            text=Text(title=title, number="", body=body, facts=facts, column="xwdt", kind="article", validity=""))
        for number, ((title, body), facts) in enumerate(zip(texts, _shown(texts), strict=True))
    )  # fmt: skip
    writer.update(rows, [], lambda: "1")
    writer.close()
    print(f"service: indexed {time.monotonic() - began:.1f} s, {path.stat().st_size / 1e6:.0f} MB")
    reader = Reader(path)
    wrong = missed = 0
    taken: list[float] = []
    for query, truth in zip(queries, truths, strict=True):
        asked = Asked(terms=(query,), phrase=query, scope="now", filters={})
        began = time.monotonic()
        found = reader.find(asked, 10)
        taken.append(1000 * (time.monotonic() - began))
        hits = {int(facts[1].removesuffix(".txt")) for facts, _body, _archived in found.hits}
        wrong += len(hits - set(truth))
        missed += abs(found.count - len(truth)) + (len(hits) != min(10, len(truth)))
    print(f"service: {len(queries)} queries: {wrong} wrong results, {missed} missing")
    _spread("milliseconds", taken)


def _spread(name: str, values: list[float]) -> None:
    values = sorted(values)
    high = values[int(len(values) * 0.95)]
    print(f"{name}: median {statistics.median(values):.0f}, 95 % {high:.0f}, most {values[-1]:.0f}")


if __name__ == "__main__":
    main()
