"""A capture in one file that readers open: WACZ 1.1.1 (https://specs.webrecorder.net/wacz/1.1.1/)."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO

from archive import store
from archive.crawling.frontier import Frontier, Original
from archive.packing import pages
from archive.store import Capture
from archive.text import _
from archive.warcs import cdxj, indexer
from archive.warcs.cdxj import Entry
from sitegen.errors import Problem, Refused
from sitegen.files import sha256, sha256_file

VERSION = "1.1.1"
_PIECE = 1 << 20
_IN_MEMORY = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What was written. `originals`: answers of former captures that this one's revisits need."""

    path: Path
    bytes: int
    sha256: str
    pages: int
    warc: tuple[str, ...]
    originals: int

    def as_json(self) -> dict[str, object]:
        return {
            "wacz": self.path.as_posix(),
            "bytes": self.bytes,
            "sha256": self.sha256,
            "pages": self.pages,
            "warc": list(self.warc),
            "originals": self.originals,
            "problems": [],
        }


def package(capture: Capture, output: Path, moment: datetime | None = None) -> Package:
    """Write the capture to `output`, atomically; the same capture gives the same bytes.

    `moment` is the package's date, by default the capture's end. WARC files and index lie in it as they are, so that a
    reader can fetch single records by range. What revisits refer to is taken along from the captures before, so that
    the file is whole in itself.

    Raises Refused when the capture is not finished, a file is not what its manifest says, or an original is missing.
    """
    manifest = store.read_manifest(capture)
    moment = moment or datetime.fromisoformat(manifest["finished"])
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.open")
    try:
        with (
            temporary.open("wb") as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file,
            Frontier(capture.frontier, read_only=True) as frontier,
            tempfile.TemporaryFile() as spool,
        ):
            box = _Box(file, moment)
            _captured_files(box, capture, manifest)
            originals = _originals(box, capture, frontier, spool)
            seeds = manifest["scope"]["start"]
            found = _pages(box, capture, frontier, seeds)
            box.close(_about(capture, seeds, found, moment))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return Package(
        path=output,
        bytes=output.stat().st_size,
        sha256=sha256_file(output),
        pages=len(found),
        warc=tuple(path.name for path in capture.warcs),
        originals=originals,
    )


class _Box:
    """A ZIP file in the making and the list of what is in it."""

    def __init__(self, file: zipfile.ZipFile, moment: datetime) -> None:
        self._zip = file
        # The date of a ZIP entry has no zone, and begins in 1980.
        self._date = max(moment.astimezone(UTC).timetuple()[:6], (1980, 1, 1, 0, 0, 0))
        self.resources: list[dict[str, object]] = []

    def add(self, name: str, stream: IO[bytes], size: int) -> str:
        """Copy a part as it is; its SHA-256."""
        digest = hashlib.sha256()
        info = self._info(name)
        info.file_size = size  # more than 2 GiB is then written as ZIP64
        with self._zip.open(info, "w") as part:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                part.write(piece)
        said = f"sha256:{digest.hexdigest()}"
        about = {"name": name.rpartition("/")[2].lower(), "path": name, "hash": said, "bytes": size}
        self.resources.append(about)
        return said

    def close(self, about: Mapping[str, object]) -> None:
        """Add the two files that describe the others."""
        data = json.dumps({**about, "resources": self.resources}, ensure_ascii=False, indent=1).encode()
        self._zip.writestr(self._info("datapackage.json"), data)
        digest = {"path": "datapackage.json", "hash": sha256(data)}
        self._zip.writestr(self._info("datapackage-digest.json"), json.dumps(digest, indent=1).encode())
        self._zip.close()

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._date)
        info.create_system = 3
        info.external_attr = 0o644 << 16
        return info


def _captured_files(box: _Box, capture: Capture, manifest: Mapping[str, Any]) -> None:
    """WARC files and index, each with the digest that the manifest gives; manifest, signature and report beside them."""
    parts = [(f"archive/{path.name}", path) for path in capture.warcs] + [("indexes/index.cdxj", capture.index)]
    for name, path in parts:
        with path.open("rb") as stream:
            said = box.add(name, stream, path.stat().st_size)
        if manifest["files"].get(name, {}).get("sha256") != said:
            text = _("the file's SHA-256 is not the manifest's")
            remedy = _("run `archive verify {capture}`").format(capture=capture.id)
            raise Refused([Problem(path=path.as_posix(), code="package-file-changed", message=text, remedy=remedy)])
    for path in (capture.manifest, capture.statement, capture.signature, capture.report):
        with suppress(FileNotFoundError), path.open("rb") as stream:
            box.add(f"capture/{path.name}", stream, path.stat().st_size)


def _originals(box: _Box, capture: Capture, frontier: Frontier, spool: BinaryIO) -> int:
    """The answers of former captures to which this one's revisits refer, byte for byte, in a WARC file of their own
    with an index of its own. How many there are."""
    name = f"{capture.site}-{capture.timestamp}-originals.warc.gz"
    needed = {row.payload_digest for row in frontier.rows() if row.record_type == "revisit"}
    wanted = sorted(
        (one for one in frontier.originals() if one.payload_digest in needed and one.capture != capture.id),
        key=lambda one: (one.capture, one.warc, one.offset),
    )
    entries = [replace(entry, filename=name) for entry in _copied(capture, wanted, spool)]
    if entries:
        size = spool.tell()
        spool.seek(0)
        box.add(f"archive/{name}", spool, size)
        index = b"".join(cdxj.lines(entries))
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as stream:
            stream.write(index)
            stream.seek(0)
            box.add("indexes/originals.cdxj", stream, len(index))
    return len(entries)


def _copied(capture: Capture, originals: list[Original], spool: BinaryIO) -> Iterator[Entry]:
    """Copy each record, and before the first of a file its warcinfo; the lines with their new places."""
    before = None
    for one in originals:
        path = capture.store / one.capture / "archive" / one.warc
        if not path.is_file():
            text = _("{capture}: {name} is not in the store").format(capture=one.capture, name=one.warc)
            remedy = _("restore {site} in the store from its backup, or capture the site again").format(
                site=capture.site
            )
            raise Refused([Problem(path=path.as_posix(), code="warc-missing", message=text, remedy=remedy)])
        if path != before:
            _copy(path, 0, indexer.at(path, 0)[1], spool)
            before = path
        entry, length = indexer.at(path, one.offset)
        if entry is None or entry.digest != one.payload_digest:
            text = _("the record at {offset} is not the answer that was referred to").format(offset=one.offset)
            remedy = _("run `archive verify {capture}`").format(capture=one.capture)
            raise Refused([Problem(path=path.as_posix(), code="package-original-false", message=text, remedy=remedy)])
        yield replace(entry, offset=spool.tell())
        _copy(path, one.offset, length, spool)


def _copy(path: Path, offset: int, length: int, spool: BinaryIO) -> None:
    with path.open("rb") as stream:
        stream.seek(offset)
        while length and (piece := stream.read(min(length, _PIECE))):
            spool.write(piece)
            length -= len(piece)


def _pages(box: _Box, capture: Capture, frontier: Frontier, seeds: list[str]) -> dict[str, str]:
    """pages.jsonl with the pages' text: read from the records now, since a capture that waited for it would be slower
    by half. Returns URL → moment of each page."""
    rows = list(frontier.rows("captured"))
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as stream:
        for line in pages.lines(capture, rows, seeds, partial(pages.stored_text, capture)):
            stream.write(line)
        size = stream.tell()
        stream.seek(0)
        box.add("pages/pages.jsonl", stream, size)
    return {row.url: row.captured_at or "" for row in rows if "html" in (row.mime or "")}


def _about(capture: Capture, seeds: list[str], found: Mapping[str, str], moment: datetime) -> dict[str, object]:
    """The package's own facts; the page a reader begins with is the first start page that was captured."""
    first = next((url for url in [*seeds, *found] if url in found), None)
    main = {"mainPageUrl": first, "mainPageDate": found[first]} if first else {}
    return {
        "profile": "data-package",
        "wacz_version": VERSION,
        "title": capture.id,
        "created": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "software": f"jiyuehua {version('jiyuehua')}",
        **main,
    }
