"""Proving a WACZ file, ours or another tool's: every part there, every digest true, every record where the index says.

`wacz validate` 0.6 asks whether a list is False to learn whether there are pages and an index, and so accepts a file
without them. Here each of them must be there and be true.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from archive.text import _
from archive.warcs import indexer, warc
from sitegen.errors import Problem, Refused, in_order

_PIECE = 1 << 20
_LONGEST = 64 << 20
_DESCRIBING = ("datapackage.json", "datapackage-digest.json")
_WARC = re.compile(r"archive/[^/]+\.warc(\.gz)?")
_INDEX = re.compile(r"indexes/[^/]+\.cdxj?(\.gz)?")
_PAGES = re.compile(r"pages/[^/]+\.jsonl")
# zipfile says NotImplementedError of a compression it does not know, RuntimeError of an encrypted entry.
_UNREADABLE = (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError)
Place = tuple[str, int, int, str]
"""WARC file's name, offset, length, URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaczReport:
    """`records` in the index, `pages` in all lists; no Problem means that the file is proven."""

    records: int
    pages: int
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "records": self.records,
            "pages": self.pages,
            "problems": [problem.as_json() for problem in self.problems],
        }


def verify(path: Path) -> WaczReport:
    """Never raises for what the file contains: what could not be looked at is a Problem."""
    proof = _Proof(path=path)
    try:
        with zipfile.ZipFile(path) as box:
            proof.check(box)
    except _UNREADABLE as error:
        proof.add("wacz-unreadable", None, _("the file cannot be read: {error}").format(error=error))
    return WaczReport(records=len(proof.indexed), pages=proof.pages, problems=tuple(in_order(proof.problems)))


@dataclass(slots=True, kw_only=True)
class _Proof:
    path: Path
    problems: list[Problem] = field(default_factory=list)
    indexed: set[Place] = field(default_factory=set)
    pages: int = 0

    def add(self, code: str, name: str | None, message: str) -> None:
        self.problems.append(
            Problem(
                path=self.path.as_posix(),
                code=code,
                key=name,
                message=message,
                remedy=_("take the file from its backup, or make it again from its capture: `archive package ID`"),
            )
        )

    def check(self, box: zipfile.ZipFile) -> None:
        names = self._names(box)
        self._check_parts(names)
        self._check_resources(box, names)
        self._read_index(box, names)
        self._check_pages(box, names)
        self._check_records(box, names)

    def _names(self, box: zipfile.ZipFile) -> list[str]:
        """The entries that can be looked at: each name once, none leading out of the folder it is unpacked to."""
        names = []
        for name, number in sorted(Counter(box.namelist()).items()):
            if number > 1 or name.startswith("/") or "\\" in name or ".." in name.split("/"):
                self.add("wacz-name-unsafe", name, _("the name is there twice, or leads out of the package"))
            elif not name.endswith("/"):
                names.append(name)
        return names

    def _check_parts(self, names: list[str]) -> None:
        wanted = {
            "datapackage.json": "datapackage.json",
            "datapackage-digest.json": "datapackage-digest.json",
            "pages/pages.jsonl": r"pages/pages\.jsonl",
            "archive/*.warc.gz": _WARC.pattern,
            "indexes/*.cdxj": _INDEX.pattern,
        }
        for what, pattern in wanted.items():
            if not any(re.fullmatch(pattern, name) for name in names):
                self.add("wacz-part-missing", what, _("a part that a WACZ must have is not there"))

    def _check_resources(self, box: zipfile.ZipFile, names: list[str]) -> None:
        """datapackage.json has its digest and lists every file with a true one."""
        if not set(_DESCRIBING) <= set(names):
            return
        described = self._small(box, "datapackage.json")
        digest = self._object(self._small(box, "datapackage-digest.json"), "datapackage-digest.json").get("hash")
        if digest != f"sha256:{hashlib.sha256(described).hexdigest()}":
            self.add("wacz-digest-false", "datapackage.json", _("its digest is not that of datapackage-digest.json"))
        listed = self._object(described, "datapackage.json").get("resources")
        said = {one.get("path"): one for one in listed if isinstance(one, dict)} if isinstance(listed, list) else {}
        for name in sorted({*said, *names} - set(_DESCRIBING), key=str):
            if name not in names:
                self.add("wacz-file-missing", str(name), _("datapackage.json lists a file that is not there"))
            elif name not in said:
                self.add("wacz-file-unlisted", name, _("datapackage.json does not list the file"))
            else:
                self._check_resource(box, name, said[name])

    def _check_resource(self, box: zipfile.ZipFile, name: str, said: dict[str, Any]) -> None:
        algorithm = str(said.get("hash")).partition(":")[0]
        if algorithm not in ("sha256", "md5"):
            self.add("wacz-digest-false", name, _("there is no digest that could be checked"))
            return
        digest, size = hashlib.new(algorithm, usedforsecurity=False), 0
        try:
            with box.open(name) as stream:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
        except _UNREADABLE as error:
            self.add("wacz-digest-false", name, _("the file cannot be read: {error}").format(error=error))
            return
        if said.get("hash") != f"{algorithm}:{digest.hexdigest()}" or said.get("bytes") != size:
            self.add("wacz-digest-false", name, _("digest or size are not those of datapackage.json"))

    def _read_index(self, box: zipfile.ZipFile, names: list[str]) -> None:
        for name in filter(_INDEX.fullmatch, names):
            try:
                with box.open(name) as stream, gzip.open(stream) if name.endswith(".gz") else stream as lines:
                    self.indexed.update(_place(line) for line in lines if line.strip() and not line.startswith(b"!"))
            except (*_UNREADABLE, KeyError, TypeError) as error:
                self.add("wacz-index-false", name, _("the file cannot be read: {error}").format(error=error))

    def _check_pages(self, box: zipfile.ZipFile, names: list[str]) -> None:
        """Each list of pages has its header, each page an answer in the index."""
        urls = {place[3] for place in self.indexed}
        for name in filter(_PAGES.fullmatch, names):
            try:
                with box.open(name) as stream:
                    header, *pages = ([self._object(line, name) for line in stream if line.strip()]) or [{}]
            except _UNREADABLE as error:
                self.add("wacz-pages-false", name, _("the file cannot be read: {error}").format(error=error))
                continue
            self.pages += len(pages)
            if header.get("format") != "json-pages-1.0":
                self.add("wacz-pages-false", name, _("the first line is not the header json-pages-1.0"))
            for page in pages:
                if page.get("url") not in urls or not page.get("ts"):
                    text = _("{url} has no answer in the index, or no moment").format(url=page.get("url"))
                    self.add("wacz-pages-false", name, text)

    def _check_records(self, box: zipfile.ZipFile, names: list[str]) -> None:
        """Each record whole and true, and where the index says; WARC files stored so that they can be read in part."""
        found: set[Place] = set()
        with tempfile.TemporaryDirectory() as folder:
            for name in filter(_WARC.fullmatch, names):
                if box.getinfo(name).compress_type != zipfile.ZIP_STORED:
                    self.add("wacz-compressed", name, _("a WARC file must be stored, not compressed a second time"))
                    continue
                path = Path(folder) / name.rpartition("/")[2]
                try:
                    _unpack(box, name, path)
                    self._check_digests(path, name)
                    found.update((e.filename, e.offset, e.length, e.url) for e in indexer.entries(path))
                except _UNREADABLE as error:
                    self.add("wacz-unreadable", name, _("the file cannot be read: {error}").format(error=error))
                except Refused as refused:
                    for problem in refused.problems:
                        self.add(problem.code, f"{name} {problem.key}", problem.message)
                path.unlink(missing_ok=True)
        for place in sorted(found ^ self.indexed):
            where = f"{place[0]}:{place[1]}"
            text = _("{url} at {where} is in the index, and no record is there")
            if place in found:
                text = _("the answer of {url} at {where} is not in the index")
            self.add("wacz-index-false", where, text.format(url=place[3], where=where))

    def _check_digests(self, path: Path, name: str) -> None:
        for record in warc.check(path) if path.suffix == ".gz" else ():
            for problem in record.problems:
                # Other tools write SHA-1 and leave block digests out; what is there and known must be true.
                if problem.code not in ("warc-digest-unknown", "warc-digest-missing"):
                    self.add(problem.code, f"{name} {problem.key}", problem.message)

    def _small(self, box: zipfile.ZipFile, name: str) -> bytes:
        with box.open(name) as stream:
            return stream.read(_LONGEST)

    def _object(self, data: bytes, name: str) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.add("wacz-unreadable", name, _("a line that must be a JSON object is none"))
            return {}
        return cast("dict[str, Any]", value)


def _place(line: bytes) -> Place:
    _key, _timestamp, facts = line.decode().split(" ", 2)
    value = json.loads(facts)
    return str(value["filename"]), int(value["offset"]), int(value["length"]), str(value["url"])


def _unpack(box: zipfile.ZipFile, name: str, path: Path) -> None:
    with box.open(name) as stream, path.open("wb") as copy:
        while piece := stream.read(_PIECE):
            copy.write(piece)
