"""Measure whole captures, ours beside wget's, of the same site behind a real nginx on loopback.

python bench/capture.py --pairs 5 --workdir DIR --json FILE
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT) if Path(sys.path[0]).resolve() == ROOT / "bench" else sys.path[0]

from bench import measure, oldsite  # noqa: E402 (a script's own folder comes first on the path, not its parent)
from bench.contender import environment  # noqa: E402
from bench.measure import Cost  # noqa: E402
from bench.oldsite import OldSite  # noqa: E402

INDEXER = ROOT / ".venv-replay" / "bin" / "cdxj-indexer"
NGINX = """{user}daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.err;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; text/css css; application/javascript js; image/jpeg jpg; application/pdf pdf; }}
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`captured` are the site's paths with a whole answer in the WARC."""

    cost: Cost
    captured: frozenset[str]
    warc_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    options.workdir.mkdir(parents=True, exist_ok=True)
    site = oldsite.make(options.workdir / "site", options.pages)
    _say(f"{len(site.urls)} URLs, {site.bytes / 1e6:.0f} MB")
    with serving(site, options.workdir) as base:
        runs: dict[str, list[Run]] = {"ours": [], "wget": []}
        for pair in range(1, options.pairs + 1):
            for name, capture in _CAPTURES.items():
                run = capture(base, options.workdir / name)
                missing = set(site.urls) - run.captured
                _say(f"{name} {pair}/{options.pairs}: {run.cost.wall:.2f} s, {len(missing)} URLs missing")
                runs[name].append(run)
    result = {"urls": len(site.urls), "bytes": site.bytes, **record(runs, site)}
    if options.index:
        result["index"] = index(next((options.workdir / "ours").rglob("*.warc.gz")), options.workdir, options.pairs)
    print("\n".join(lines(result)))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


@contextmanager
def serving(site: OldSite, workdir: Path) -> Iterator[str]:
    """nginx with the site; the address of its home page."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = (workdir / "nginx").resolve()
    place.mkdir(exist_ok=True)
    configuration = place / "nginx.conf"
    # Started by root, its worker would be nobody, who may not read a private folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    configuration.write_text(NGINX.format(user=user, place=place, port=port, root=site.root.resolve()))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([nginx, "-c", str(configuration)], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(base, timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def ours(base: str, place: Path) -> Run:
    """`archive capture` without a delay, which is what it does on loopback."""
    _empty(place)
    host = urlsplit(base).netloc
    decision = place / "content" / "_archive" / "bench.yml"
    decision.parent.mkdir(parents=True)
    decision.write_text(f"site: bench\nhosts: ['{host}']\nallow_private: [127.0.0.1]\n", encoding="utf-8")
    command = [sys.executable, "-m", "archive", "capture", base, "--site", "bench", "--json", "--browser", "never"]
    command += ["--content", str(place / "content"), "--store", str(place / "store")]
    cost = _measured(command, place)
    said = json.loads((place / "stdout").read_bytes())
    return Run(cost=cost, captured=_in_warc(place, base), warc_bytes=said["bytes"])


def wget(base: str, place: Path) -> Run:
    """At its best: keep-alive, no delay, no robots, nothing printed; WARC compressed, with CDX."""
    _empty(place)
    command = ["wget", "-q", "-r", "-l", "inf", "-p", "-e", "robots=off", "--no-parent"]
    command += ["--warc-file", str(place / "wget"), "--warc-cdx", "-P", str(place / "files"), base]
    cost = _measured(command, place)
    size = sum(path.stat().st_size for path in place.glob("*.warc.gz"))
    return Run(cost=cost, captured=_in_warc(place, base), warc_bytes=size)


_CAPTURES: dict[str, Callable[[str, Path], Run]] = {"ours": ours, "wget": wget}


def record(runs: dict[str, list[Run]], site: OldSite) -> dict[str, Any]:
    """Seconds and bytes of each run; `ratio_urls_per_second` is ours / wget, one number per pair."""
    found: dict[str, Any] = {
        name: {
            "wall": [run.cost.wall for run in some],
            "cpu": [run.cost.cpu for run in some],
            "memory": [run.cost.memory for run in some],
            "captured": [len(run.captured & set(site.urls)) for run in some],
            "warc_bytes": [run.warc_bytes for run in some],
        }
        for name, some in runs.items()
    }
    rates = {
        name: [captured / wall for captured, wall in zip(one["captured"], one["wall"], strict=True)]
        for name, one in found.items()
    }
    found["ratio_urls_per_second"] = [a / b for a, b in zip(rates["ours"], rates["wget"], strict=True)]
    return found


def index(warc: Path, workdir: Path, pairs: int) -> dict[str, list[float]]:
    """Seconds that an index of the same file takes, ours and cdxj-indexer's, in turn."""
    commands = {
        "ours": [sys.executable, "-m", "archive", "index", str(warc)],
        "cdxj-indexer": [str(INDEXER), "--sort", str(warc)],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(pairs):
        for name, command in commands.items():
            place = workdir / "index" / name
            place.mkdir(parents=True, exist_ok=True)
            found[name].append(_measured(command, place).wall)
    found["ratio"] = [a / b for a, b in zip(found["cdxj-indexer"], found["ours"], strict=True)]
    return found


def lines(result: dict[str, Any]) -> list[str]:
    """The table of a result: medians."""
    found = [
        f"{result['urls']} URLs, {result['bytes'] / 1e6:.0f} MB",
        "",
        "| | URLs | wall | CPU | memory | WARC |",
        "|---|---|---|---|---|---|",
    ]
    for name in _CAPTURES:
        one = {key: statistics.median(values) for key, values in result[name].items()}
        found.append(
            f"| {name} | {one['captured']:.0f} | {one['wall']:.2f} s | {one['cpu']:.2f} s "
            f"| {one['memory'] / 1e6:.0f} MB | {one['warc_bytes'] / 1e6:.0f} MB |"
        )
    ratios = result["ratio_urls_per_second"]
    found += ["", f"URLs/s, ours / wget: {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"]
    if indexed := result.get("index"):
        ratios = indexed["ratio"]
        seconds = {name: statistics.median(indexed[name]) for name in ("ours", "cdxj-indexer")}
        found.append(
            f"index: ours {seconds['ours']:.2f} s, cdxj-indexer {seconds['cdxj-indexer']:.2f} s, "
            f"{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f}–{max(ratios):.2f})"
        )
    return found


def _in_warc(place: Path, base: str) -> frozenset[str]:
    """Paths answered with 200 and not cut, as FastWARC reads them."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    found = set()
    for path in place.rglob("*.warc.gz"):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                if record.http_headers.status_code == 200 and "WARC-Truncated" not in record.headers:
                    found.add("/" + record.headers["WARC-Target-URI"].strip("<>").removeprefix(base))
    return frozenset(found)


def _measured(command: Sequence[str], place: Path) -> Cost:
    """Raises RuntimeError when the command failed (wget's 8: the server had an error for some URL)."""
    place.mkdir(parents=True, exist_ok=True)
    output = place / "stdout"
    cost = measure.run(command, folder=place, environment=environment(PYTHONPATH=str(ROOT)), output=output)
    if cost.code not in ((0, 8) if command[0] == "wget" else (0,)):
        raise RuntimeError(f"{command} ended with {cost.code}: {output.with_suffix('.err').read_text()[-2000:]}")
    return cost


def _empty(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    os.sync()  # what the run before left to be written is no cost of this one


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="captures of each side [3]")
    parser.add_argument("--pages", type=int, default=oldsite.PAGES, help=f"articles of the site [{oldsite.PAGES}]")
    parser.add_argument("--workdir", type=Path, required=True, help="receives everything; tmpfs or disk: say which")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--no-index", dest="index", action="store_false", help="leave the index out")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
