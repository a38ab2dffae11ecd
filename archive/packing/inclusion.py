"""That one answer was in a capture, shown to somebody who has its Merkle root and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from archive import store
from archive.packing import merkle
from archive.store import Capture
from archive.text import _
from archive.warcs import cdxj
from sitegen.errors import Problem, Refused

FORMAT = "capture-proof/1"


def of(capture: Capture, url: str) -> dict[str, Any]:
    """FORMATS §3. The newest answer of the URL. Raises Refused (`proof-url-missing`) when there is none."""
    manifest = store.read_manifest(capture)
    found = cdxj.lookup(capture.index, url)
    if not found:
        text = _("{url} has no answer in {capture}").format(url=url, capture=capture.id)
        remedy = _("name the URL exactly as the index does")
        raise Refused([Problem(path=url, code="proof-url-missing", message=text, remedy=remedy)])
    (line,) = cdxj.lines(found[-1:])
    hashes = merkle.leaves(capture.index)
    number = hashes.index(merkle.leaf(line.removesuffix(b"\n")))
    return {
        "format": FORMAT,
        "capture": capture.id,
        "manifest": store.manifest_digest(capture),
        "merkle": manifest["merkle"],
        "leaf": number,
        "line": line.decode().removesuffix("\n"),
        "path": [step.hex() for step in merkle.path(hashes, number)],
    }


def check(file: Path) -> tuple[str, list[Problem]]:
    """(the root to which a proof leads, Problems): whether it is the capture's is for the reader to compare."""
    try:
        said = json.loads(file.read_bytes())
        line, number, size = str(said["line"]), int(said["leaf"]), int(said["merkle"]["leaves"])
        audit = [bytes.fromhex(step) for step in said["path"]]
        root = f"sha256:{merkle.root_from_path(merkle.leaf(line.encode()), number, size, audit).hex()}"
        true = said["format"] == FORMAT and root == said["merkle"]["root"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return "", [_problem(file, _("the proof cannot be read: {error}").format(error=error))]
    return root, [] if true else [_problem(file, _("the path leads to {root}, another root").format(root=root))]


def _problem(file: Path, message: str) -> Problem:
    remedy = _("ask for it again: `archive prove ID URL`")
    return Problem(path=file.as_posix(), code="proof-false", message=message, remedy=remedy)
