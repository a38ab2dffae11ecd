"""Where an old site's information is now: its successor, the column that took a part over, the migrated article."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from archive.decision import Decision
from sitegen import frontmatter, model


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address on the present site and its name; both empty where there is none."""

    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`owner` keeps the archive; `columns`: old path prefix without slashes → the column that took it over."""

    owner: str
    home: Place
    columns: Mapping[str, Place]

    @classmethod
    def read(cls, content: Path, decision: Decision) -> Places:
        """From the decision and the sources."""
        successor = decision.successor
        home = Place()
        columns: dict[str, Place] = {}
        if successor is not None:
            home = Place(
                url=successor.url, title=successor.title or title_of(content, successor.site) or successor.site
            )
            for prefix, column in successor.columns.items():
                title = title_of(content, column)
                owner = short_title_of(content, column.split("/")[0]) or home.title
                name = f"{owner} › {title}" if "/" in column else title
                columns[prefix.strip("/")] = Place(url=f"/{column.strip('/')}/", title=name) if title else home
        owner_title = title_of(content, "") or "市人民政府"
        return cls(owner=owner_title, home=home, columns=columns)

    def of(self, target_uri: str) -> Place:
        """The nearest present place of an old URL: the column with the longest prefix, else the successor's home."""
        path = unquote(urlsplit(target_uri).path).strip("/")
        fitting = [prefix for prefix in self.columns if path == prefix or path.startswith(prefix + "/")]
        return self.columns[max(fitting, key=len)] if fitting else self.home

    def column_url(self, prefix: str) -> str | None:
        return self.columns[prefix].url if prefix in self.columns else None


def drafts(content: Path) -> dict[str, str]:
    """`migrated_from` → path under content/, of every article that was migrated."""
    found: dict[str, str] = {}
    for path in sorted(content.rglob("*.md")):
        relative = path.relative_to(content).as_posix()
        if any(part.startswith("_") for part in relative.split("/")):
            continue
        target_uri = front_value(path, "migrated_from")
        if target_uri:
            found.setdefault(target_uri, relative)
    return found


def migrated_pages(content: Path, build: Path) -> dict[str, str]:
    """Target URI → URL of the migrated page, for those that readers of the live release can open."""
    urls = ((uri, model.url_of(path)) for uri, path in drafts(content).items())
    return {uri: url for uri, url in urls if is_live(build, url)}


def is_live(build: Path, url: str) -> bool:
    """Whether the live release answers for a root-relative URL of ours."""
    return (build / "site" / model.file_of(url)).is_file()


def live_manifest(root: Path) -> dict[str, Any]:
    """FORMATS §5: what the live release consists of, asked of `sitegen`; empty when there is none."""
    package = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-m", "sitegen", "release", "manifest"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )
    try:
        value: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        return {}
    return value


def title_of(content: Path, folder: str) -> str:
    return front_value(content / folder / "index.md", "title")


def short_title_of(content: Path, folder: str) -> str:
    return front_value(content / folder / "index.md", "short_name") or title_of(content, folder)


def front_value(path: Path, key: str) -> str:
    """One value of a source's front matter, empty when it has none or cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            head = stream.read(8192)
    except OSError:
        return ""
    if key not in head and not any(
        english == key and chinese in head for chinese, english in frontmatter.ALIASES.items()
    ):
        return ""
    if not re.match(r"-{3}[ \t]*\r?\n", head):
        return ""
    matter, _ = frontmatter.parse(
        frontmatter.normalise(head.encode()), path.name, frontmatter.ARTICLE_KEYS | frontmatter.SECTION_KEYS
    )
    return frontmatter.as_text(matter.values.get(key)) if matter is not None else ""
