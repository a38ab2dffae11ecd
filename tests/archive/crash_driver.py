"""Captures one site; kills itself at the point `ARCHIVE_CRASH_AT` (`after-append:7`: the seventh time) if one is
given."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

from archive.crawling.capture import Options, capture
from archive.decision import Decision
from tests.archive.oldweb import NOW


def main(port: str, store: str) -> None:
    where, _, time = os.environ.get("ARCHIVE_CRASH_AT", "").partition(":")
    passed: Counter[str] = Counter()
    lock = threading.Lock()

    def crash(point: str) -> None:
        with lock:
            passed[point] += 1
            if point == where and passed[point] == int(time):
                os.kill(os.getpid(), signal.SIGKILL)

    decision = Decision(
        site="lyj",
        hosts=(f"127.0.0.1:{port}",),
        start=(f"http://127.0.0.1:{port}/",),
        allow_private=("127.0.0.1",),
    )
    capture(decision, store=Path(store), now=NOW, options=Options(roll_at=20_000), crash=crash)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
