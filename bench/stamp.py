"""Measure the stamping of an old site: `archive publish` over a capture, beside pywb's rewriter over the same pages.

python bench/stamp.py --pages 2000 --pairs 3 --workdir DIR --json FILE
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT) if Path(sys.path[0]).resolve() == ROOT / "bench" else sys.path[0]

from lxml import etree  # noqa: E402
from lxml import html as lxml_html  # noqa: E402

from archive import store  # noqa: E402
from archive.crawling.capture import capture  # noqa: E402
from archive.decision import Approval, Decision, Successor  # noqa: E402
from archive.publishing import published  # noqa: E402
from archive.publishing.publish import publish  # noqa: E402
from bench import measure, oldpages  # noqa: E402
from bench.oldpages import Page  # noqa: E402

PEER = ROOT / ".venv-replay" / "bin" / "python"
_NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.publish:
        return _publish(options.publish)
    pages = oldpages.site(options.pages)
    project = _captured(pages, options.workdir)
    result: dict[str, Any] = {"pages": options.pages, "ours": [], "pywb": []}
    for _ in range(options.pairs):
        result["ours"].append(_ours(project))
        if PEER.exists():
            result["pywb"].append(_theirs(project))
    result["checked"] = check(project, pages)
    result["probe_ms"] = round(_probe(), 1)
    _tell(result)
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if result["checked"]["wrong"] else 0


def check(project: Path, pages: dict[str, Page]) -> dict[str, Any]:
    """Every page's visible text against that of the markup before it was encoded, and no U+FFFD anywhere."""
    index_file = published.newest_index(project / "build/public", "old")
    folder, index = index_file.with_suffix(""), published.read_index(index_file)
    wrong, replaced, seen = [], 0, 0
    for entry in index["pages"]:
        if entry["kind"] != "page":
            continue
        path = "/" + entry["target_uri"].split("/", 3)[3]
        html = (folder / entry["url"].removeprefix(f"/archive/old/{index['timestamp']}/")).read_text(encoding="utf-8")
        replaced += html.count("\N{REPLACEMENT CHARACTER}")
        old = html.partition("<archived-html")[2].partition(">")[2].rpartition("</archived-html>")[0]
        if _visible(old) != _visible(pages[path].markup):
            wrong.append(path)
        seen += 1
    expected = sum(bool(page.markup) for page in pages.values())
    if seen != expected or replaced:
        wrong.append(f"{seen} of {expected} pages, {replaced} replacement characters")
    return {"pages": seen, "replacement_characters": replaced, "wrong": wrong}


def _visible(markup: str) -> str:
    root = lxml_html.document_fromstring(f"<!DOCTYPE html>{re.sub(r'(?s)^.*?</head>', '', markup)}")
    etree.strip_elements(root, "script", "style", "title", with_tail=False)
    return " ".join("".join(map(str, root.itertext())).split())


def _captured(pages: dict[str, Page], workdir: Path) -> Path:
    """A project folder with one finished capture of the site; made once for each number of pages."""
    project: Path = workdir / f"old-{len(pages)}"
    if (project / "port").exists():
        return project
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    with oldpages.served(pages) as port:
        report = capture(_decision(port), store=project / "build/archive", now=_NOW)
    if report.inventory["captured"] < len(pages):
        sys.exit(f"captured {report.inventory} of {len(pages)}")
    (project / "port").write_text(str(port))
    return project


def _decision(port: int) -> Decision:
    return Decision(
        site="old",
        hosts=(f"127.0.0.1:{port}",),
        start=(f"http://127.0.0.1:{port}/",),
        allow_private=("127.0.0.1",),
        name="示例市旅游局网站",
        unit="whlyj",
        reason="整合迁移",
        approval=Approval(document="示政办函〔2026〕61号", date=date(2026, 8, 20)),
        successor=Successor(site="whlyj", url="/whlyj/", title="示例市文化和旅游局", columns={}),
        retention="永久",
    )


def _publish(project: Path) -> int:
    """What is measured: one publication in a process of its own."""
    report = publish(
        store.open_capture(project / "build/archive", "old"),
        _decision(int((project / "port").read_text())),
        public=project / "build/public",
        content=project / "content",
        now=_NOW,
    )
    print(json.dumps(report.as_json()))
    return 0


def _ours(project: Path) -> dict[str, Any]:
    shutil.rmtree(project / "build/public", ignore_errors=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--publish", str(project)]
    return _measured(command, project, {"PYTHONPATH": str(ROOT)})


def _theirs(project: Path) -> dict[str, Any]:
    warcs = store.open_capture(project / "build/archive", "old").warcs
    return _measured([str(PEER), str(ROOT / "bench/peers/pywb_rewrite.py"), *map(str, warcs)], project, {})


def _measured(command: Sequence[str], project: Path, more: dict[str, str]) -> dict[str, Any]:
    output = project / "output.json"
    cost = measure.run(command, folder=project, environment={**os.environ, **more}, output=output)
    if cost.code:
        sys.exit(output.with_suffix(".err").read_text())
    said = json.loads(output.read_text())
    return {**asdict(cost), "seconds": said["seconds"]}


def _probe() -> float:
    """Milliseconds for fixed work, so that runs on a busy machine can be told from others."""
    began = time.perf_counter()
    sum(number * number for number in range(2_000_000))
    return 1000 * (time.perf_counter() - began)


def _tell(result: dict[str, Any]) -> None:
    pages = result["pages"]
    for side in ("ours", "pywb"):
        if runs := result[side]:
            wall, inner, cpu = (statistics.median(run[key] for run in runs) for key in ("wall", "seconds", "cpu"))
            memory = max(run["memory"] for run in runs) / 1e6
            print(
                f"{side:>5}: {wall:.2f} s whole process, {inner:.2f} s of it the work = {pages / inner:,.0f} pages/s; "
                f"CPU {1000 * cpu / pages:.2f} ms/page, {memory:.0f} MB"
            )
    for key in ("wall", "cpu"):
        if ratios := [ours[key] / theirs[key] for ours, theirs in zip(result["ours"], result["pywb"], strict=False)]:
            print(f"{key}, ours / pywb: {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})")
    checked = result["checked"]
    print(
        f"{checked['pages']} pages compared: {len(checked['wrong'])} differ, "
        f"{checked['replacement_characters']} replacement characters; probe {result['probe_ms']} ms"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000, metavar="N", help="HTML pages of the site (default: 2000)")
    parser.add_argument("--pairs", type=int, default=1, metavar="N")
    parser.add_argument("--workdir", type=lambda text: Path(text).resolve(), metavar="DIR", help="all writes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="one number per run")
    parser.add_argument("--publish", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.workdir and not options.publish:
        parser.error("--workdir is missing")
    return options


if __name__ == "__main__":
    sys.exit(main())
