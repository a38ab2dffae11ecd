"""The demo: build the sample city, retire one old website with its fictional people, build again, and sum it up.

What it adds below content/ is written down in build/demo.json, so that `make demo-undo` removes exactly that.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sitegen.files import sha256_file, write_atomic
from tests.sites.server import serve

ROOT = Path(__file__).parent.parent
CONTENT = ROOT / "content"
RECORD = ROOT / "build" / "demo.json"
SITE = "lyj"
HOST = "lyj.example.gov.cn"
PEOPLE = ("bianji", "shenhe", "qianfa")


class DemoFailed(Exception):
    """A command of the demo ended with an error."""


def say(text: str) -> None:
    print(text, flush=True)


def command(module: str, *arguments: str) -> dict[str, Any]:
    """Run one command as its user would, with --json; its talk goes to our stderr."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        say(done.stdout)
        raise DemoFailed(f"`{module} {' '.join(arguments)}` ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def snapshot() -> dict[str, str]:
    """Every file below content/ → its digest."""
    files = (path for path in CONTENT.rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix(): sha256_file(path) for path in sorted(files)}


def read_record() -> dict[str, Any]:
    if not RECORD.exists():
        return {"added": {}, "changed": {}}
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def remember(before: dict[str, str], originals: dict[str, bytes]) -> list[str]:
    """Add to the record what this run added or changed; returns the added files."""
    record, after = read_record(), snapshot()
    added = {path: digest for path, digest in after.items() if path not in before}
    changed = {path for path, digest in after.items() if path in before and before[path] != digest}
    for path in sorted(changed):
        if path in record["added"]:
            added[path] = after[path]
        else:
            kept = record["changed"].get(path, {}).get("original") or base64.b64encode(originals[path]).decode()
            record["changed"][path] = {"original": kept, "digest": after[path]}
    record["added"] |= added
    write_atomic(RECORD, json.dumps(record, ensure_ascii=False, indent=1).encode())
    return sorted(path for path in added if path not in before)


def undo() -> int:
    """Remove what the demo added and restore what it changed; a file somebody edited since is left and named."""
    record = read_record()
    edited = []
    for path, digest in sorted(record["added"].items()):
        file = ROOT / path
        if file.exists() and sha256_file(file) == digest:
            file.unlink()
            _remove_empty(file.parent)
        elif file.exists():
            edited.append(path)
    for path, change in sorted(record["changed"].items()):
        if sha256_file(ROOT / path) == change["digest"]:
            write_atomic(ROOT / path, base64.b64decode(change["original"]))
        else:
            edited.append(path)
    RECORD.unlink(missing_ok=True)
    say(f"removed {len(record['added'])} files and restored {len(record['changed'])}")
    for path in edited:
        say(f"left as it is, because it was edited since: {path}")
    return 0


def _remove_empty(folder: Path) -> None:
    while folder != CONTENT and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def demo() -> int:
    started = time.monotonic()
    before = snapshot()
    originals = {path: (ROOT / path).read_bytes() for path in before}
    say("1. build the city")
    first = command("sitegen", "build")
    say(f"   {first['rendered']} pages rendered, {first['kept']} kept, in {first['seconds']:.1f} s")
    try:
        say(f"2. retire {HOST} (served on loopback, as such sites behave)")
        with serve(ROOT / "tests" / "sites" / SITE) as server:
            retired = retire(f"{HOST}:80:{server.host}:{server.port}")
        say("3. the fictional people give their verdicts")
        verdicts = sum(review(person) for person in PEOPLE)
        say(f"   {verdicts} verdicts")
        say("4. build again, and go on with the retirement")
        last = command("sitegen", "build")
        retired = retire()
    finally:
        added = remember(before, originals)
    summary(first, last, retired, added, time.monotonic() - started)
    return 0


def retire(connect_to: str | None = None) -> dict[str, Any]:
    result = command("archive", "retire", SITE, *(["--connect-to", connect_to] if connect_to else []))
    for step in result["steps"]:
        say(f"   {step['state']:<8} {step['name']}")
    return result


def review(role: str) -> int:
    given = 0
    for site, folders in (("whlyj", ["content/whlyj"]), ("portal", ["content/tzgg"])):
        result = command("sitegen", "review", "approve", *folders, "--as", f"{site}-{role}")
        given += len(result["verdicts"])
    return given


def summary(
    first: dict[str, Any], last: dict[str, Any], retired: dict[str, Any], added: list[str], seconds: float
) -> None:
    counts = retired.get("counts") or {}
    say("")
    say(f"pages       {last['rendered'] + last['kept']} ({first['rendered'] + last['rendered']} rendered in this run)")
    for name in ("captured", "stamped", "migrated", "redirected", "notices"):
        say(f"{name:<12}{counts.get(name, 0)}")
    say(f"problems    {len(last['problems'])}")
    say(f"seconds     {seconds:.1f}")
    if retired.get("waiting_until"):
        say(f"retirement  waiting until {retired['waiting_until']}")
    say("")
    say(f"{len(added)} files were added under content/" + (":" if added else ""))
    for path in added:
        say(f"  {path}")
    say("")
    say("open it:    make serve, then http://127.0.0.1:8000/ and http://127.0.0.1:8000/archive/")
    say("take back:  make demo-undo")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--undo", action="store_true", help="remove exactly what the demo added")
    try:
        return undo() if parser.parse_args().undo else demo()
    except DemoFailed as failure:
        say(f"the demo stopped: {failure}")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
