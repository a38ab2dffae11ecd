"""The link groups of the footer: `_records/links.yml`, checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.errors import Problem
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    groups: tuple[tuple[str, tuple[Link, ...]], ...]
    footer: tuple[Link, ...]


def load(content: Path) -> tuple[Links, list[Problem]]:
    """`groups: [{title, links: [{title, url}]}]`, `footer: [{title, url}]`; a bad file is a Problem and gives nothing."""
    path = content / "_records" / "links.yml"
    try:
        raw = yaml.load(files.read(str(path)).decode(), yaml.CSafeLoader) or {}
        groups = tuple((str(group["title"]), _links(group["links"])) for group in raw.get("groups") or ())
        return Links(groups=groups, footer=_links(raw.get("footer") or ())), []
    except FileNotFoundError:
        return Links(groups=(), footer=()), []
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        problem = Problem(
            path="content/_records/links.yml",
            code="record-unreadable",
            message=_("the link groups cannot be read: {error}").format(error=error),
            remedy=_("write {line}").format(line="groups: [{title: 县区, links: [{title: 东城区, url: 'https://…'}]}]"),
        )
        return Links(groups=(), footer=()), [problem]


def _links(raw: Any) -> tuple[Link, ...]:
    return tuple(_link(entry) for entry in raw)


def _link(entry: Mapping[str, Any]) -> Link:
    url = str(entry["url"])
    if not (url.startswith(("https://", "http://")) or (url.startswith("/") and not url.startswith("//"))):
        raise ValueError(_("“{url}” is neither https:// nor a path of this site").format(url=url))
    return Link(title=str(entry["title"]), url=url)
