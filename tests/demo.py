"""The demo: build the sample city, retire one old website with its fictional people, build again, and sum it up.

What it adds below content/ is written down in build/demo.json, so that `make demo-undo` removes exactly that.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sitegen.files import sha256_file, write_atomic
from tests.sites.server import serve

ROOT = Path(__file__).parent.parent
SITE = "lyj"
HOST = "lyj.example.gov.cn"
ROLES = ("bianji", "shenhe", "qianfa")
REVIEWED = (("whlyj", "content/whlyj"), ("portal", "content/tzgg"))


class DemoFailed(Exception):  # noqa: N818 (it says what happened)
    """A command of the demo ended with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The demo in a project folder; `say` gets its lines."""

    root: Path
    say: Callable[[str], None]

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def record(self) -> Path:
        return self.root / "build" / "demo.json"

    def run(self) -> None:
        started = time.monotonic()
        self.begin()
        added: list[str] = []
        try:
            self.say("1. build the city")
            first = self.command("sitegen", "build")
            self.say(f"   {first['rendered']} pages rendered, {first['kept']} kept, in {first['seconds']:.1f} s")
            self.say(f"2. retire {HOST} (served on loopback, as such sites behave)")
            self.retire_from_old_site()
            self.say("3. the fictional people give their verdicts on what was drafted")
            verdicts = sum(self.review(role) for role in ROLES)
            self.say(f"   {verdicts} verdicts")
            self.say("4. build again, and go on with the retirement")
            last = self.command("sitegen", "build")
            retired = self.command("archive", "retire", SITE)
            self.show_steps(retired)
        finally:
            added = self.remember()
        self.summary(first, last, retired, added, time.monotonic() - started)

    def retire_from_old_site(self) -> None:
        with serve(ROOT / "tests" / "sites" / SITE) as server:
            connect_to = f"{HOST}:80:{server.host}:{server.port}"
            self.command("archive", "retire", SITE, "--connect-to", connect_to)

    def review(self, role: str) -> int:
        """One of the fictional people passes what waits for them; the number of verdicts."""
        results = [
            self.command("sitegen", "review", "approve", folder, "--as", f"{site}-{role}") for site, folder in REVIEWED
        ]
        return sum(len(result["verdicts"]) for result in results)

    def command(self, module: str, *arguments: str) -> dict[str, Any]:
        """Run one command as its user would, with --json. Raises DemoFailed when it ends with an error."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments, "--json"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoFailed(
                f"`{module} {' '.join(arguments)}` ended with {done.returncode}\n{done.stdout}{done.stderr}"
            )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def show_steps(self, retired: dict[str, Any]) -> None:
        for step in retired["steps"]:
            self.say(f"   {step['state']:<8} {step['name']}")

    def summary(
        self, first: dict[str, Any], last: dict[str, Any], retired: dict[str, Any], added: list[str], seconds: float
    ) -> None:
        counts = self.counts(retired)
        self.say("")
        self.say(f"pages       {last['rendered'] + last['kept']} ({first['rendered'] + last['rendered']} rendered now)")
        for name in ("captured", "stamped", "migrated", "redirected", "notices"):
            self.say(f"{name:<12}{counts[name]}")
        self.say(f"problems    {len(last['problems']) + len(retired['problems'])}")
        for problem in (*last["problems"], *retired["problems"]):
            self.say(f"            {problem['path']}: {problem['code']}: {problem['message']}")
        self.say(f"seconds     {seconds:.1f}")
        self.say(f"retirement  {retired['outcome']}")
        self.say("")
        self.say(f"{len(added)} files were added under content/" + (":" if added else ""))
        for path in added:
            self.say(f"  {path}")
        self.say("")
        self.say("open it:    make serve, then http://127.0.0.1:8000/ and http://127.0.0.1:8000/archive/")
        self.say("take back:  make demo-undo")

    def counts(self, retired: dict[str, Any]) -> dict[str, int]:
        """What the retirement made, read from the files it wrote."""
        newest = max((self.root / "build/public" / SITE).glob("*.json"))
        index = json.loads(newest.read_text(encoding="utf-8"))
        related = self.command("archive", "relate", SITE)
        states = {step["name"]: step["state"] for step in retired["steps"]}
        drafts = self._read_record()["added"]
        banner = self.root / "build/archive" / SITE / "banner.html"
        return {
            "captured": index["counts"]["captured"],
            "stamped": index["counts"]["stamped"],
            "migrated": sum(path.startswith("content/whlyj/") and path.endswith(".md") for path in drafts),
            "redirected": related["counts"]["redirect"],
            "notices": banner.exists() + (states["portal-notice"] == "done"),
        }

    # --- what was added, so that it can be taken back ----------------------------------------------------------

    def snapshot(self) -> dict[str, str]:
        """Every file below content/ → its digest."""
        files = (path for path in self.content.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): sha256_file(path) for path in sorted(files)}

    @property
    def baseline(self) -> Path:
        """content/ as it was when a run began; it outlives a run that was killed."""
        return self.root / "build" / "demo-before"

    def begin(self) -> None:
        if self.baseline.exists():
            self.say("   an earlier run was cut off; what it added is counted in")
            return
        opened = self.baseline.with_name("demo-before.open")
        shutil.rmtree(opened, ignore_errors=True)
        shutil.copytree(self.content, opened / "content")
        opened.rename(self.baseline)

    def remember(self) -> list[str]:
        """Write down what was added or changed since the baseline; returns the added files."""
        record, after = self._read_record(), self.snapshot()
        before = Demo(root=self.baseline, say=self.say).snapshot()
        originals = {path: (self.baseline / path).read_bytes() for path in before}
        added = sorted(path for path in after if path not in before)
        for path in added:
            record["added"][path] = after[path]
        for path, digest in after.items():
            if path in before and before[path] != digest:
                if path in record["added"]:
                    record["added"][path] = digest
                else:
                    known = record["changed"].get(path)
                    original = known["original"] if known else base64.b64encode(originals[path]).decode()
                    record["changed"][path] = {"original": original, "digest": digest}
        write_atomic(self.record, json.dumps(record, ensure_ascii=False, indent=1).encode())
        shutil.rmtree(self.baseline)
        return added

    def undo(self) -> None:
        """Remove what the demo added and restore what it changed; a file somebody edited since is left and named.

        The captures and public copies in build/ stay; a next demo drafts its texts anew.
        """
        if self.baseline.exists():
            self.remember()
        record = self._read_record()
        edited = []
        for path, digest in sorted(record["added"].items()):
            file = self.root / path
            if file.exists() and sha256_file(file) == digest:
                file.unlink()
                self._remove_empty(file.parent)
            elif file.exists():
                edited.append(path)
        for path, change in sorted(record["changed"].items()):
            if sha256_file(self.root / path) == change["digest"]:
                write_atomic(self.root / path, base64.b64decode(change["original"]))
            else:
                edited.append(path)
        self.record.unlink(missing_ok=True)
        (self.root / "build/archive" / SITE / "drafted.json").unlink(missing_ok=True)
        left = sum(path in edited for path in record["added"])
        self.say(f"removed {len(record['added']) - left} files and restored {len(record['changed'])}")
        for path in edited:
            self.say(f"left as it is, because it was edited since: {path}")

    def _read_record(self) -> dict[str, dict[str, Any]]:
        if not self.record.exists():
            return {"added": {}, "changed": {}}
        found: dict[str, dict[str, Any]] = json.loads(self.record.read_text(encoding="utf-8"))
        return found

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.content and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--undo", action="store_true", help="remove exactly what the demo added")
    demo = Demo(root=ROOT, say=lambda text: print(text, flush=True))
    try:
        if parser.parse_args().undo:
            demo.undo()
        else:
            demo.run()
    except DemoFailed as failure:
        demo.say(f"the demo stopped: {failure}")
        return 1
    except KeyboardInterrupt:
        demo.say("the demo was stopped; `make demo` goes on, `make demo-undo` takes back what it added")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
