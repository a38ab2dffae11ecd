"""What the ledger forbids to publish is kept out of a build before it is read: nothing before the 标识码 (第十条（四）)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sitegen import lifecycle
from sitegen.errors import Problem
from sitegen.scan import Scan
from sitegen.sites import stages
from sitegen.text import _


def apply(content: Path, found: Scan, remembered: Mapping[str, bytes]) -> None:
    """Take the folders of sites that are not open out of what was scanned, as if they were not there, and tell it.

    Raises Refused when a site's record cannot be read.
    """
    for record in stages.withheld(tuple(lifecycle.load_all(content))):
        folder = stages.folder_of(record.site)
        if folder and any(one == folder or one.startswith(f"{folder}/") for one in found.listings):
            found.leave_out(folder, remembered)
            found.problems.append(_not_open(record.site, folder))


def _not_open(site: str, folder: str) -> Problem:
    return Problem(
        path=f"content/{folder}/index.md",
        code="site-not-open",
        severity="warning",
        message=_("the site is being opened and has no 网站标识码 yet: it is not published (第十条（四）)"),
        remedy=_("when the code is issued: {command}").format(
            command=f"sitegen site open {site} --step {stages.CODE} --code … --by …"
        ),
    )
