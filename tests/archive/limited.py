"""Captures one site and says what it took: a process of its own, so that its memory can be measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from archive.crawling.capture import Options, capture
from archive.crawling.frontier import Frontier
from archive.decision import Decision
from tests.archive.oldweb import NOW


def main(port: str, store: str, options: str) -> None:
    host = f"127.0.0.1:{port}"
    decision = Decision(site="lyj", hosts=(host,), start=(f"http://{host}/",), allow_private=("127.0.0.1",))
    report = capture(decision, store=Path(store), now=NOW, options=Options(**json.loads(options)))
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        rows = {"/" + row.url.split("/", 3)[3]: [row.state, row.cause] for row in frontier.rows()}
    said = {
        "rows": rows,
        "inventory": report.inventory,
        "problems": [[problem.code, problem.path] for problem in report.problems],
        "bytes": report.bytes,
        "memory": peak_memory(),
    }
    print(json.dumps(said))


def peak_memory() -> int:
    """Bytes. (`ru_maxrss` begins with the peak of the process that started this one.)"""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
