"""What is found on the hard site of tests/sites/hard: ours, wget, and a plain crawl with Chromium.

    python -m bench.hard_site [--json FILE]

Each works on a fresh server of its own and stops at 3,000 requests or five minutes: the site's traps are endless. What
counts is which resources of the truth the server was asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from archive.crawling.capture import Options, capture
from archive.crawling.chromium import executable
from archive.decision import Decision
from tests.sites.hard.site import Server, missed, serve_hard

MOST_REQUESTS = 3000
SECONDS = 300.0


def ours(server: Server, mode: str) -> None:
    start = f"http://{server.host}/"
    decision = Decision(site="hard", hosts=(server.host,), start=(start,), allow_private=("127.0.0.1",))
    with TemporaryDirectory() as store:
        capture(
            decision,
            store=Path(store),
            now=datetime.now(UTC),
            options=Options(max_urls=MOST_REQUESTS, browser="auto" if mode == "auto" else "never"),
        )


def wget(server: Server) -> None:
    """As an operator would call it; it has no bound of its own, so it is ended from outside."""
    with TemporaryDirectory() as folder:
        command = ["wget", "-q", "-r", "-l", "inf", "-p", "--warc-file=w", "-e", "robots=on", f"http://{server.host}/"]
        running = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while running.poll() is None and time.monotonic() < end and len(server.log) < MOST_REQUESTS:
            time.sleep(0.05)
        running.terminate()
        running.wait()


def chromium(server: Server) -> None:
    """Open every page that an `a[href]` leads to, scroll to its end, follow what it shows."""
    from playwright.sync_api import Error, sync_playwright

    origin = f"http://{server.host}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(executable()), chromium_sandbox=os.geteuid() != 0)
        page = browser.new_page()
        queue, known = [f"{origin}/"], {f"{origin}/"}
        end = time.monotonic() + SECONDS
        while queue and time.monotonic() < end and len(server.log) < MOST_REQUESTS:
            try:
                page.goto(queue.pop(0), wait_until="networkidle", timeout=10_000)
                page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
                page.wait_for_timeout(50)
                links = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => String(a.href))")
            except Error:
                continue
            for link in links:
                plain = link.partition("#")[0]
                if urlsplit(plain).netloc == server.host and plain not in known:
                    known.add(plain)
                    queue.append(plain)
        browser.close()


CRAWLERS: dict[str, Callable[[Server], None]] = {
    "archive capture --browser auto": lambda server: ours(server, "auto"),
    "archive capture --browser never": lambda server: ours(server, "never"),
    "wget -r -l inf -p": wget,
    "Chromium, following a[href]": chromium,
}


def measure(crawl: Callable[[Server], None]) -> dict[str, object]:
    with serve_hard() as server:
        began = time.monotonic()
        crawl(server)
        seconds = time.monotonic() - began
        left = missed(server)
        truth = len(server.site.truth)
        return {
            "resources": truth,
            "found": truth - len(left),
            "requests": len(server.log),
            "seconds": round(seconds, 1),
            "missed": sorted(left),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures, with every missed resource, to this file")
    options = parser.parse_args()
    results = {}
    print("| crawler | resources found | requests | seconds |\n|---|---|---|---|")
    for name, crawl in CRAWLERS.items():
        results[name] = one = measure(crawl)
        print(f"| {name} | {one['found']} of {one['resources']} | {one['requests']} | {one['seconds']} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
