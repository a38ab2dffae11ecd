"""URLs: the path of a source is its URL; here are the names that are refused because two pages would answer for one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from sitegen.errors import Problem
from sitegen.model import file_of, url_of
from sitegen.text import _

MAX_PART = 200
RESERVED = frozenset({"archive", "search", "assets", "zh-hant"})
_LIST_PAGE = re.compile(r"list_\d+\.md")
_DATED = re.compile(r"t\d{8}_\d+\.md")
_SAFE = re.compile(r"[A-Za-z0-9._\-/]+")


def check(sources: Mapping[str, str], sections: Iterable[str]) -> list[Problem]:
    """Collisions (also those of case-insensitive file systems), reserved names, ids used twice.

    `sources`: path → its column. A dated stem is unique in the whole tree, any other within its column.
    """
    problems: list[Problem] = []
    taken: dict[str, str] = {}
    ids: dict[str, str] = {}
    for section in sections:
        if section.split("/")[0] in RESERVED:
            problems.append(
                _refused(
                    f"{section}/index.md",
                    "url-reserved",
                    _("{address} belongs to the generator").format(address=f"/{section.split('/')[0]}/"),
                    _("rename the folder"),
                )
            )
    for path in sorted(sources):
        name = posixpath.basename(path)
        key = file_of(url_of(path)).lower()
        if key in taken:
            problems.append(
                _refused(
                    path,
                    "url-collision",
                    _("its address is that of {path}").format(path=f"content/{taken[key]}"),
                    _("rename one of the two files"),
                )
            )
        taken.setdefault(key, path)
        if name == "README.md":
            problems.append(
                _refused(
                    path, "url-collision", _("MkDocs serves README.md as the folder's index"), _("rename the file")
                )
            )
        if _LIST_PAGE.fullmatch(name):
            problems.append(
                _refused(path, "url-reserved", _("list_<n>.html are the column's own list pages"), _("rename the file"))
            )
        if any(len(part.encode()) > MAX_PART for part in path.split("/")):
            problems.append(
                _refused(
                    path,
                    "url-too-long",
                    _("a name in it is longer than {number} bytes").format(number=MAX_PART),
                    _("give the file a short name"),
                )
            )
        if not _SAFE.fullmatch(path):
            problems.append(
                _refused(
                    path,
                    "url-characters",
                    _("an address holds only letters, digits, - _ and ."),
                    _("rename the file; the title does not belong in it"),
                )
            )
        stable_id = name if _DATED.fullmatch(name) else f"{sources[path]}:{name}"
        if stable_id in ids:
            message = _("the stable id {id} is that of {path}")
            message = message.format(id=name[:-3], path=f"content/{ids[stable_id]}")
            problems.append(_refused(path, "article-id-duplicate", message, _("give the newer file another name")))
        ids.setdefault(stable_id, path)
    return problems


def _refused(path: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(path=f"content/{path}", code=code, message=message, remedy=remedy)
