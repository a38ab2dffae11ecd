"""URLs: the path of a source is its URL; here are the names that are refused because two pages would answer for one."""

from __future__ import annotations

import posixpath
import re

from sitegen.errors import Problem
from sitegen.model import file_of, url_of
from sitegen.text import _

MAX_PART = 200
RESERVED = frozenset({"archive", "search", "assets", "modes", "zh-hant", "messages", "supervision", "pictures"})
_LIST_PAGE = re.compile(r"(?:list_\d+|class_[a-z0-9]+(?:_\d+)?)\.md")
_DATED = re.compile(r"t\d{8}_\d+\.md")
_SAFE = re.compile(r"[A-Za-z0-9._\-/]+")
_MAX_PLACE = 500
_PLACE = re.compile(r"(?:[A-Za-z0-9\-][A-Za-z0-9_\-]*/)+[A-Za-z0-9._\-]+\.md")


def refused_section(folder: str) -> list[Problem]:
    """Whether the folder of a section has a name that belongs to the generator or that no address can have."""
    top = folder.split("/")[0]
    if top in RESERVED:
        message = _("{address} belongs to the generator").format(address=f"/{top}/")
        return [_refused(f"{folder}/index.md", "url-reserved", message, _("rename the folder"))]
    if folder and not _SAFE.fullmatch(folder):
        message = _("an address holds only letters, digits, - _ and .")
        return [_refused(f"{folder}/index.md", "url-characters", message, _("rename the folder"))]
    return []


def refused_name(path: str) -> list[Problem]:
    """What is wrong with the name of one source, whatever else stands in the tree."""
    name = posixpath.basename(path)
    found: list[Problem] = []

    def refuse(code: str, message: str, remedy: str) -> None:
        found.append(_refused(path, code, message, remedy))

    if name == "README.md":
        refuse("url-collision", _("MkDocs serves README.md as the folder's index"), _("rename the file"))
    if _LIST_PAGE.fullmatch(name):
        refuse(
            "url-reserved",
            _("list_<n>.html and class_<letters>.html are the column's own list pages"),
            _("rename the file"),
        )
    if len(path) > MAX_PART and any(len(part.encode()) > MAX_PART for part in path.split("/")):
        refuse(
            "url-too-long",
            _("a name in it is longer than {number} bytes").format(number=MAX_PART),
            _("give the file a short name"),
        )
    if not _SAFE.fullmatch(path):
        refuse(
            "url-characters",
            _("an address holds only letters, digits, - _ and ."),
            _("rename the file; the title does not belong in it"),
        )
    return found


def may_have_stood(path: str, stable_id: str) -> bool:
    """Whether an article of this id can ever have stood at a path: what a ledger says of it is not to be trusted.

    Every folder is one that content/ may hold and that no file of a release can be named like, so it has no `.`.
    """
    return (
        len(path) <= _MAX_PLACE
        and _PLACE.fullmatch(path) is not None
        and posixpath.basename(path) == f"{stable_id}.md"
        and not refused_name(path)
        and path.split("/")[0] not in RESERVED
    )


def is_dated(path: str) -> bool:
    """Whether a source's stem is a stable id that is unique in the whole tree."""
    return _DATED.fullmatch(posixpath.basename(path)) is not None


def address_key(path: str) -> str:
    """Equal for two sources whose pages would be one file, also on a file system that ignores case."""
    return file_of(url_of(path)).lower()


def id_key(path: str, column: str) -> str:
    """Equal for two sources of one stable id: a dated stem is unique in the whole tree, any other in its column."""
    name = posixpath.basename(path)
    return name if is_dated(path) else f"{column}:{name}"


def taken_address(path: str, holder: str) -> Problem:
    """`holder`: the source, first by path, that has the address."""
    message = _("its address is that of {path}").format(path=f"content/{holder}")
    return _refused(path, "url-collision", message, _("rename one of the two files"))


def taken_id(path: str, holder: str) -> Problem:
    """`holder`: the source, first by path, that has the stable id."""
    message = _("the stable id {id} is that of {path}")
    message = message.format(id=posixpath.basename(path)[:-3], path=f"content/{holder}")
    return _refused(path, "article-id-duplicate", message, _("give the newer file another name"))


def _refused(path: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(path=f"content/{path}", code=code, message=message, remedy=remedy)
