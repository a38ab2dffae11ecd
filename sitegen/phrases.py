"""What the Traditional edition writes otherwise than the dictionary does: `_records/traditional.yml`, and a page's own pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from sitegen import files
from sitegen.errors import Problem
from sitegen.text import _

FILE = "_records/traditional.yml"


def load(content: Path) -> tuple[dict[str, str], list[Problem]]:
    """Simplified → Traditional, for all pages. A missing file is empty; one that cannot be read is a Problem and empty."""
    try:
        document = yaml.load(files.read(str(content / FILE)).decode(), yaml.CSafeLoader)
        listed = document["phrases"] if isinstance(document, dict) else None
        if not isinstance(listed, dict) or not all(_is_pair(*pair) for pair in listed.items()):
            raise ValueError(_("there is no list `{name}:`").format(name="phrases"))
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, KeyError, RecursionError, yaml.YAMLError) as error:
        return {}, [
            Problem(
                path=f"content/{FILE}",
                code="phrases-unreadable",
                message=" ".join(str(error).split()),
                remedy=_("write {line}").format(line="phrases: {干细胞: 幹細胞}"),
            )
        ]
    return dict(sorted(listed.items())), []


def pairs(listed: Iterable[str]) -> list[tuple[str, str]]:
    """`干细胞=幹細胞` of a page's front matter; what is no pair is left out."""
    found = [tuple(part.strip() for part in entry.split("=", 1)) for entry in listed]
    return [(pair[0], pair[1]) for pair in found if len(pair) == 2 and _is_pair(*pair)]


def merged(phrases: Mapping[str, str], own: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {**phrases, **dict(own)}


def _is_pair(simplified: object, traditional: object) -> bool:
    return isinstance(simplified, str) and isinstance(traditional, str) and bool(simplified) and bool(traditional)
