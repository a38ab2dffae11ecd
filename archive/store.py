"""The store of captures: a folder `<site>/<timestamp>/` each, and its manifest `capture.json`."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from archive import canon
from archive.decision import is_site
from archive.text import _
from sitegen.errors import Problem, Refused
from sitegen.files import sha256, write_atomic

CORE = ("format", "site", "timestamp", "started", "finished", "scope", "tools", "counts", "merkle", "previous")
_TIMESTAMP = re.compile(r"[0-9]{14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One capture's folder. `timestamp` is `YYYYMMDDHHMMSS` in UTC."""

    site: str
    timestamp: str
    folder: Path

    @property
    def id(self) -> str:
        return f"{self.site}/{self.timestamp}"

    @property
    def store(self) -> Path:
        return self.folder.parent.parent

    @property
    def warcs(self) -> list[Path]:
        """The captured WARC files in order; not `stamped.warc.gz`, not a file still being written."""
        return sorted(p for p in (self.folder / "archive").glob("*.warc.gz") if p != self.stamped)

    @property
    def stamped(self) -> Path:
        return self.folder / "archive" / "stamped.warc.gz"

    @property
    def wacz(self) -> Path:
        """The capture as one file for readers, where `archive package` has put one here."""
        return self.folder / f"{self.site}-{self.timestamp}.wacz"

    @property
    def index(self) -> Path:
        return self.folder / "indexes" / "index.cdxj"

    @property
    def pages(self) -> Path:
        return self.folder / "pages" / "pages.jsonl"

    @property
    def frontier(self) -> Path:
        return self.folder / "crawl.sqlite"

    @property
    def manifest(self) -> Path:
        return self.folder / "capture.json"

    @property
    def statement(self) -> Path:
        return self.folder / "capture.statement"

    @property
    def signature(self) -> Path:
        return self.folder / "capture.statement.sig"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def finished(self) -> bool:
        """The manifest is written last, so a capture that has one is whole."""
        return self.manifest.exists()


def new_capture(store: Path, site: str, now: datetime) -> Capture:
    """Make the folder of a new capture; a second taken within the same second gets the next one."""
    moment = now.astimezone(UTC)
    while True:
        timestamp = moment.strftime("%Y%m%d%H%M%S")
        folder = store / site / timestamp
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            moment += timedelta(seconds=1)
            continue
        return Capture(site=site, timestamp=timestamp, folder=folder)


@contextmanager
def only_one(store: Path, site: str) -> Iterator[None]:
    """Two captures of a site at once would write into the same files. Raises Refused when one is running; a
    lock dies with its process, so a killed one leaves none behind."""
    path = store / site / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message, remedy = _("another capture of {site} is running").format(site=site), _("wait until it has ended")
            problem = Problem(path=path.as_posix(), code="capture-running", message=message, remedy=remedy)
            raise Refused([problem]) from None
        yield


def captures(store: Path, site: str) -> list[Capture]:
    """Every capture of the site, oldest first, unfinished ones too (`Capture.finished`)."""
    folders = sorted((store / site).glob("*/")) if is_site(site) else []
    return [
        Capture(site=site, timestamp=folder.name, folder=folder)
        for folder in folders
        if _TIMESTAMP.fullmatch(folder.name)
    ]


def open_capture(store: Path, capture_id_or_site: str) -> Capture:
    """`<site>/<timestamp>`, or a site for its newest finished capture. Raises Refused when there is none."""
    site, _slash, timestamp = capture_id_or_site.partition("/")
    for capture in reversed(captures(store, site)):
        if capture.timestamp == timestamp or (not timestamp and capture.finished):
            return capture
    raise _missing(
        store,
        site,
        _("there is no capture {capture}").format(capture=capture_id_or_site)
        if timestamp
        else _("there is no finished capture of {site}").format(site=site),
    )


def open_unfinished(store: Path, capture_id_or_site: str) -> Capture:
    """`<site>/<timestamp>`, or a site for its newest unfinished capture. Raises Refused when there is
    none."""
    site, _slash, timestamp = capture_id_or_site.partition("/")
    for capture in reversed(captures(store, site)):
        if capture.timestamp == timestamp or (not timestamp and not capture.finished):
            return capture
    raise _missing(
        store,
        site,
        _("there is no capture {capture}").format(capture=capture_id_or_site)
        if timestamp
        else _("there is no unfinished capture of {site}").format(site=site),
    )


def _missing(store: Path, site: str, message: str) -> Refused:
    return Refused(
        [
            Problem(
                path=store.as_posix(),
                code="capture-missing",
                message=message,
                remedy=_("run `archive capture URL --site {site}`, or name one of {store}/{site}/").format(
                    site=site, store=store.as_posix()
                ),
            )
        ]
    )


def read_manifest(capture: Capture) -> dict[str, Any]:
    """`capture.json` (FORMATS §3). Raises Refused when it is missing or is not JSON."""
    try:
        value = json.loads(capture.manifest.read_bytes())
    except FileNotFoundError:
        message, remedy = (
            _("the capture has no manifest: it is not finished"),
            _("run `archive resume {capture}`").format(capture=capture.id),
        )
        raise Refused([_manifest_problem(capture, "capture-unfinished", message, remedy)]) from None
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("format") != "capture/1":
        message, remedy = _("the manifest cannot be read"), _("restore capture.json from its backup")
        raise Refused([_manifest_problem(capture, "capture-manifest-damaged", message, remedy)])
    return cast("dict[str, Any]", value)


def session_ids(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Parameters that are in no key of the capture: those every site uses, those of the decision, those it learned."""
    return canon.SESSION_IDS.union(manifest.get("scope", {}).get("session_ids", ()))


def manifest_digest(capture: Capture) -> str:
    """SHA-256 of what the capture itself wrote into its manifest: `archived_on` and the files that
    publication adds later (`stamped.warc.gz`, `report.html`) do not count, so that publishing does not break
    the chain."""
    manifest = read_manifest(capture)
    own = ("indexes/", "pages/", "screenshots/", "crawl.sqlite", f"archive/{capture.site}-{capture.timestamp}-")
    files = {path: about for path, about in manifest.get("files", {}).items() if path.startswith(own)}
    core = {key: manifest.get(key) for key in CORE} | {"files": files}
    if "import" in manifest:
        core["import"] = manifest["import"]
    return sha256(json.dumps(core, ensure_ascii=False, sort_keys=True).encode())


def write_manifest(capture: Capture, manifest: Mapping[str, Any]) -> None:
    """Write `capture.json` atomically, keys sorted."""
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_atomic(capture.manifest, text.encode())


def _manifest_problem(capture: Capture, code: str, message: str, remedy: str) -> Problem:
    return Problem(path=capture.manifest.as_posix(), code=code, message=message, remedy=remedy)
