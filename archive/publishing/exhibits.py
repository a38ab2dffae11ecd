"""What a catalogue shows beside the copies: screenshots of the old site under their seal.

The capture's report is not among them: it names what failed and what was left out, and speaks to operators.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archive.publishing import names, seal
from archive.publishing.made import Context, Made
from sitegen import files

SCREENSHOTS = "screenshots"
KINDS = ("home", "column", "article", "file", "other")
"""Names of the screenshots of a capture: `screenshots/home.png`, `screenshots/column-2.png` …; others are not carried."""
_LARGEST = 20_000_000
"""Bytes of a screenshot that is still looked at."""


def carry(context: Context, made: Made) -> None:
    """Write them beside the copies, where the capture has them."""
    folder = context.capture.folder
    publication = context.publication
    words = seal.Words(label=publication.label, archived_on=publication.archived_on, host=context.hosts[0])
    for picture in sorted((folder / SCREENSHOTS).glob("*.png")):
        if picture.stem.partition("-")[0] in KINDS and not picture.is_symlink() and picture.stat().st_size <= _LARGEST:
            sealed = seal.seal(picture.read_bytes(), words)
            if isinstance(sealed, seal.Sealed):
                _write(context, made, f"{SCREENSHOTS}/{picture.stem}.png", sealed.data)


def of(context: Context, made: Made) -> dict[str, Any]:
    """As the published index names them: `screenshots`, each with `kind` and `url`."""
    folder = names.folder_url(context.capture.site, context.capture.timestamp)
    pictures = sorted(name for name in made.files if name.startswith(f"{SCREENSHOTS}/"))
    order = {kind: place for place, kind in enumerate(KINDS)}
    shown = [{"kind": _kind(name), "url": folder + name} for name in pictures]
    return {
        "screenshots": sorted(shown, key=lambda one: (order[one["kind"]], one["url"])),
    }


def inventory(counts: Mapping[str, Any]) -> dict[str, int]:
    """How many URLs of the old site were captured, redirected, left out, failed: the capture's own counts."""
    return {key: value for key, value in counts.items() if isinstance(value, int)}


def _kind(name: str) -> str:
    return name.removeprefix(f"{SCREENSHOTS}/").removesuffix(".png").partition("-")[0]


def _write(context: Context, made: Made, name: str, data: bytes) -> None:
    new = files.write_atomic(context.folder / name, data)
    made.files[name] = (len(data), files.sha256(data), new)
