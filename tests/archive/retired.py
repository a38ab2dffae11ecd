"""The sample's old site, retired once by the demo for all tests that only look at it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive import decision, store
from archive.crawling.frontier import Frontier, Row
from archive.store import Capture
from tests.demo import SITE, Demo

SITE_URL = "https://www.example.gov.cn/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A project in which the demo ran once. Tests that harm it put everything back."""

    root: Path

    @property
    def content(self) -> Path:
        return self.root / "content"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def public(self) -> Path:
        return self.build / "public"

    @property
    def site(self) -> Path:
        return self.build / "site"

    @property
    def store(self) -> Path:
        """The old site's folder: its captures, and beside them the redirects and the banner."""
        return self.build / "archive" / SITE

    @property
    def capture(self) -> Capture:
        return store.open_capture(self.build / "archive", SITE)

    @property
    def decision(self) -> decision.Decision:
        return decision.load(self.content, SITE)

    @property
    def index_file(self) -> Path:
        return self.public / SITE / f"{self.capture.timestamp}.json"

    @property
    def index(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.index_file.read_text(encoding="utf-8"))
        return found

    def rows(self) -> list[Row]:
        with Frontier(self.capture.frontier, read_only=True) as frontier:
            return list(frontier.rows())

    def headers(self, server: str, *options: str) -> str:
        """What `archive headers` prints here."""
        return self.command("headers", "--format", server, *options).stdout

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "archive", *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )


def retire(root: Path) -> Retired:
    Demo(root=root, say=lambda line: None).run()
    return Retired(root=root)
