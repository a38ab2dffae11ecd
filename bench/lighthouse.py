"""Lighthouse on the sample city: simulated slow 4G, a median telephone, the headers of `sitegen headers`.

Usage: python -m bench.lighthouse --lighthouse PATH/TO/lighthouse [--runs 5] [--site build/site]
(npm install lighthouse@12 somewhere outside of the repository; CHROME_PATH names the browser.)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from sitegen import servers
from tests.archive.servers import SERVERS
from tests.kinds import KINDS

PAGES = ("home", "column", "article", "policy", "service")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def run(program: str, url: str) -> dict[str, float]:
    command = [program, url, "--output=json", "--quiet", "--throttling-method=simulate"]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--chrome-flags=--headless=new --no-sandbox"]
    environment = {"CHROME_PATH": "/usr/bin/chromium", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    report = json.loads(done.stdout)
    for audit in report["audits"].values():
        if audit["score"] is not None and audit["score"] < 0.9 and audit["scoreDisplayMode"] == "binary":
            print(f"    {audit['id']}: {audit['title']}", flush=True)
    found = {name: round(report["categories"][name]["score"] * 100) for name in CATEGORIES}
    for name in (
        "first-contentful-paint",
        "largest-contentful-paint",
        "cumulative-layout-shift",
        "total-blocking-time",
    ):
        found[name] = report["audits"][name]["numericValue"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lighthouse", default="lighthouse")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--site", type=Path, default=Path("build/site"))
    given = parser.parse_args()
    configuration = servers.nginx("https://www.example.gov.cn/", given.site.resolve().as_posix())
    with tempfile.TemporaryDirectory() as folder, SERVERS["nginx"](Path(folder), configuration) as port:
        for kind in PAGES:
            runs = [run(given.lighthouse, f"http://localhost:{port}{KINDS[kind]}") for _ in range(given.runs)]
            middle = {name: statistics.median(one[name] for one in runs) for name in runs[0]}
            print(kind, " ".join(f"{name}={value:g}" for name, value in middle.items()), flush=True)


if __name__ == "__main__":
    main()
