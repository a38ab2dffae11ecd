"""Press the message service with wrk: 200 clients on the form, and 200 on tracking numbers.

python bench/messages.py --seconds 60 --json FILE
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LOOKUP = """
wrk.method = "POST"
wrk.headers["Origin"] = "%s"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "number=20261122-K7Q3MX9D-4H2P-9TRW-C6AZ"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        results = _press(Path(folder), options.clients, options.seconds)
    for name, found in results.items():
        print(
            f"{name}: {found['requests']} answers, {found['a second']}/s, slowest {found['slowest']}, {found['errors']} errors"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if any(found["errors"] for found in results.values()) else 0


def _press(folder: Path, clients: int, seconds: int) -> dict[str, dict[str, int | str]]:
    origin = "https://www.example.gov.cn"
    command = [
        sys.executable,
        "-m",
        "sitegen",
        "messages",
        "serve",
        "--port",
        "0",
        "--private",
        str(folder / "private"),
    ]
    command += ["--origin", origin, "--asks", "0", "--letters", "0", "--looks", "0"]
    service = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert service.stderr is not None  # noqa: S101 (it was asked for)
        address = service.stderr.readline().split()[0]
        with urllib.request.urlopen(address) as answer:  # noqa: S310 (our own service)
            answer.read()
        script = folder / "lookup.lua"
        script.write_text(_LOOKUP % origin, encoding="utf-8")
        return {
            "form": _wrk([address], clients, seconds, 0),
            "lookup": _wrk(["-s", str(script), f"{address}status"], clients, seconds, 404),
        }
    finally:
        service.terminate()
        service.wait()


def _wrk(what: list[str], clients: int, seconds: int, expected: int) -> dict[str, int | str]:
    """`expected`: the status other than 2xx that is the right answer; wrk counts it among its errors."""
    command = ["wrk", "-t", "2", "-c", str(clients), "-d", f"{seconds}s", "--timeout", "10s", "--latency", *what]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests = int(re.findall(r"(\d+) requests in", told)[0])
    refused = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", told)))
    if expected and refused == requests:
        refused = 0
    broken = sum(int(n) for line in re.findall(r"Socket errors: (.*)", told) for n in re.findall(r"\d+", line))
    return {
        "requests": requests,
        "a second": round(requests / seconds),
        "slowest": re.findall(r"Latency +\S+ +\S+ +(\S+)", told)[0],
        "99%": re.findall(r"99% +(\S+)", told)[0],
        "errors": refused + broken,
    }


if __name__ == "__main__":
    sys.exit(main())
