"""ReplayWeb.page in a release: which of its files are carried, where pages that use it lie, under which policy.

It is AGPL and no part of this repository: `make replayweb` fetches it into a folder of its own, which a project may name
in mkdocs.yml (`extra: {archive: {replay: DIR}}`). Where it is missing there is no page for it, and no link.
"""

from __future__ import annotations

from pathlib import Path

from sitegen import files
from sitegen.errors import Problem
from sitegen.text import _

FOLDER = ".replayweb"
"""Where `make replayweb` puts it."""
PAGES = "/archive/replay/"
FRAME = "/archive/replay/frame/"
"""What its service worker answers for. Pages of ours lie outside, or it would answer in their place."""
READER = f"{FRAME}ui.js"
LICENCE = f"{PAGES}LICENSE.txt"
FILES = {READER[1:]: "ui.js", LICENCE[1:]: "LICENSE", f"{FRAME[1:]}sw.js": "sw.js"}
"""File of the release → file of ReplayWeb.page."""
SCRIPT = "/assets/replay.js"
"""Of the theme: waits for the service worker, then shows the reader."""
POLICY = (
    "sandbox allow-scripts allow-same-origin allow-forms allow-popups allow-downloads; default-src 'none'; "
    "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""Old scripts run in there: they open nothing but this host, and lead the window nowhere. A service worker needs the
origin that it is registered for, so they are kept from the portal's pages only by a host of their own."""


def url_of(site: str, timestamp: str) -> str:
    """The page that opens the package of this capture."""
    return f"{PAGES}{site}-{timestamp}.html"


def carried(folder: Path) -> dict[str, tuple[str, Path]]:
    """File of the release → (digest, where it is); empty unless all are there."""
    found = {file: folder / name for file, name in FILES.items()}
    if not all(path.is_file() for path in found.values()):
        return {}
    return {file: (files.sha256_file(path), path) for file, path in found.items()}


def missing(folder: Path) -> Problem:
    """For a project that names a folder in which it is not."""
    return Problem(
        path="mkdocs.yml",
        key="extra.archive.replay",
        code="replay-reader-missing",
        severity="warning",
        message=_("{folder} does not hold ReplayWeb.page: retired sites cannot be replayed").format(folder=folder.name),
        remedy=_("run `make replayweb`, or correct the folder"),
    )
