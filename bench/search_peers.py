"""What else searches a static site, over the same texts: Pagefind, and the index of Material for MkDocs.

    python -m bench.search_peers CORPUS WORK pagefind --pages 20000 --program /path/to/pagefind_extended
    python -m bench.search_peers CORPUS WORK material --pages 2000 --mkdocs /path/to/venv/bin/mkdocs [--queries 150]

Pages are the newest articles of the corpus, each a heading and its paragraphs: no frame, which would count for both. For
`material`, `mkdocs build` with the plugin `material/search` (`lang: zh`), once in an environment as it is; jieba is used by
the plugin when it is installed there. The navigation names one page: with all of them in it, rendering is quadratic. Then the theme's own search worker answers random pieces of the texts in node.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import resource
import shutil
import subprocess
import time
from pathlib import Path

from bench.search import ROOT, queries_of, texts_of
from sitegen.search.folding import fold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("peer", choices=["pagefind", "material"])
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--queries", type=int, default=150)
    parser.add_argument("--program", default="pagefind_extended")
    parser.add_argument("--mkdocs", default="mkdocs")
    options = parser.parse_args()
    texts = list(texts_of(options.corpus))[: options.pages]
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    if options.peer == "pagefind":
        _pagefind(options.program, options.work, texts)
    else:
        _material(options.mkdocs, options.work, texts, options.queries)


def _timed(command: list[str], folder: Path) -> None:
    began = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    print(f"{time.monotonic() - began:.1f} s, {seconds:.1f} s of CPU, {peak:.2f} GB at its peak")


def _pagefind(program: str, work: Path, texts: list[tuple[str, str]]) -> None:
    for number, (title, body) in enumerate(texts):
        paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in body.splitlines() if line)
        page = f'<!doctype html><html lang="zh"><title>{html.escape(title)}</title><main>'
        page += f"<h1>{html.escape(title)}</h1>{paragraphs}</main>"
        (work / f"{number}.html").write_text(page, encoding="utf-8")
    _timed([program, "--site", str(work), "--root-selector", "main"], work)
    sizes = [path.stat().st_size for path in (work / "pagefind").rglob("*") if path.is_file()]
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB")


def _material(mkdocs: str, work: Path, texts: list[tuple[str, str]], count: int) -> None:
    (work / "docs").mkdir()
    for number, (title, body) in enumerate(texts):
        (work / "docs" / f"{number}.md").write_text(f"# {title}\n\n{body}\n", encoding="utf-8")
    (work / "mkdocs.yml").write_text(
        "site_name: x\nnav: [0.md]\nvalidation: {nav: {omitted_files: ignore}}\n"
        "theme: {name: material, language: zh, font: false}\nplugins:\n  - search:\n      lang: zh\n"
        "      separator: '[\\s\\u200b\\-]'\n",
        encoding="utf-8",
    )
    _timed([mkdocs, "build", "--quiet"], work)
    index = work / "site" / "search" / "search_index.json"
    (worker,) = (work / "site" / "assets" / "javascripts" / "workers").glob("search.*.min.js")
    packed = [len(gzip.compress(path.read_bytes(), 6)) for path in (index, worker)]
    print(
        f"search_index.json {index.stat().st_size / 1e6:.1f} MB, {packed[0] / 1e6:.2f} MB packed; worker {packed[1]} B"
    )
    folded = ["\0".join([fold(title), "", fold(body)]) for title, body in texts]
    queries = queries_of(folded, count)
    asked = "".join(json.dumps(query) + "\n" for query in queries)
    harness = ["node", str(ROOT / "bench" / "peers" / "material_search.mjs"), str(worker), str(index)]
    done = subprocess.run(harness, input=asked, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    print(f"made ready in {lines[0]['ready']:.0f} ms, {lines[0]['memory'] / 1e6:.0f} MB")
    whole, shares, right, found_all = 0, 0.0, 0, 0
    for query, answer in zip(queries, lines[1:], strict=True):
        truth = {f"{number}/" for number, text in enumerate(folded) if query in text}
        found = {place.partition("#")[0] for place in answer["found"]}
        whole += truth <= found
        shares += len(truth & found) / len(truth)
        right, found_all = right + len(truth & found), found_all + len(found)
    print(f"all pages found for {whole} of {count}; on average {shares / count:.0%} of them")
    print(f"of what was found {right / max(1, found_all):.0%} holds the query")


if __name__ == "__main__":
    main()
