"""What `archive import` is given: files and folders of other tools, brought into the store's form one by one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from archive import message
from archive.text import _
from archive.warcs import foreign, records
from archive.warcs.records import zlib
from sitegen.errors import Problem, Refused

_PIECE = 1 << 20
_ENDINGS = (".warc", ".warc.gz", ".arc", ".arc.gz", ".wacz")
_ZIP = b"PK\x03\x04"
_RATIO_AT_MOST = 200
_SMALL = 100 << 20
_JSON_AT_MOST = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A WARC or ARC file: `path` itself, or the entry `entry` of the WACZ at `path`."""

    path: Path
    entry: str = ""

    @property
    def name(self) -> str:
        return f"{self.path.name}!{self.entry}" if self.entry else self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Where an import came from (FORMATS §3, `import.files`). `kept`: the file is in the capture byte for byte;
    else its records are, written anew. `software` as the file's warcinfo names it."""

    name: str
    kind: str
    bytes: int
    sha256: str
    kept: bool
    software: str
    warc: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def find(paths: Iterable[Path]) -> tuple[list[Source], list[Path]]:
    """(WARC and ARC files, folders of plain files), in the order given; a folder with WARC files in it is a crawl
    of Heritrix, browsertrix or pywb. Raises Refused for what is none of these."""
    sources: list[Source] = []
    mirrors: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            inside = [found for found in walk(path) if found.name.endswith(_ENDINGS)]
            # browsertrix makes a package of the WARC files beside it: they are taken under their own names.
            inside.sort(key=lambda found: found.name.endswith(".wacz"))
            if not inside:
                mirrors.append(path)
        else:
            inside = [path]
        for found in inside:
            try:
                sources += _of_file(found)
            except Refused as refused:
                problems += refused.problems
    if problems:
        raise Refused(problems)
    return sources, mirrors


def walk(folder: Path) -> Iterator[Path]:
    """Regular files below a folder in a fixed order; no symbolic link is followed, no pipe is waited for."""
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(here) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def bring(source: Source, folder: Path, name: str) -> Brought:
    """Put the source into `folder` as `name`, a WARC file with a gzip member for each record.

    A file that is one already is copied byte for byte; of any other the records are written anew, header and
    block as they are. Raises Refused when it cannot be followed to its end.
    """
    target, copy = folder / name, folder / f"{name}.source.open"
    with _opened(source) as stream:
        size, digest = _copy(stream, copy)
    kind = _kind(copy)
    if kind == "warc" and _is_whole(copy):
        copy.rename(target)
        kept = True
    else:
        _rewrite(source, copy, target, digest)
        copy.unlink()
        kept = False
    return Brought(
        name=source.name, kind=kind, bytes=size, sha256=f"sha256:{digest}", kept=kept,
        software=_software(target), warc=f"archive/{name}",
    )  # fmt: skip


def write_record(stream: BinaryIO, header: bytes, block: Iterable[bytes]) -> None:
    """Append a record as a gzip member; `header` with its empty line."""
    packer = zlib.compressobj(2, 8, 31)
    stream.write(packer.compress(header))
    for piece in block:
        stream.write(packer.compress(piece))
    stream.write(packer.compress(b"\r\n\r\n") + packer.flush())


def refuse_bomb(path: Path, entry: zipfile.ZipInfo) -> None:
    """Raises Refused for an entry that unpacks to more than anything honest does."""
    if entry.file_size > _SMALL and entry.file_size > _RATIO_AT_MOST * max(entry.compress_size, 1):
        text = _("{entry} unpacks to {count} bytes, more than {ratio} times its size").format(
            entry=entry.filename, count=entry.file_size, ratio=_RATIO_AT_MOST
        )
        raise _refused(path.as_posix(), "import-bomb", text, _("unpack it by hand and look at it"))


def _of_file(path: Path) -> list[Source]:
    try:
        with path.open("rb") as stream:
            begins = stream.read(16)
    except OSError as error:
        raise _refused(path.as_posix(), "import-unreadable", str(error), _("correct the path")) from None
    if begins.startswith(_ZIP):
        return _of_wacz(path)
    if begins.startswith((b"WARC/", b"filedesc:", b"\x1f\x8b")):
        return [Source(path=path)]
    text = _("the file is no WARC, ARC or WACZ")
    raise _refused(
        path.as_posix(), "import-unknown", text, _("name WARC, ARC or WACZ files, or the folder of a mirror")
    )


def _of_wacz(path: Path) -> list[Source]:
    """The WARC files of a package. Entry names are only looked at, never written to; a digest that the package
    states must be true."""
    try:
        with zipfile.ZipFile(path) as package:
            entries = [e for e in package.infolist() if e.filename.endswith(_ENDINGS[:4]) and not e.is_dir()]
            said = _stated(package)
            for entry in entries:
                refuse_bomb(path, entry)
                if entry.filename in said:
                    with package.open(entry) as stream:
                        true = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
                    if said[entry.filename] != f"sha256:{true}":
                        text = _("{entry} is not what the package says of it").format(entry=entry.filename)
                        raise _refused(path.as_posix(), "import-wacz-false", text, _("get the package again"))
    # zipfile says NotImplementedError of a compression it does not know, RuntimeError of an encrypted entry.
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _refused(
            path.as_posix(), "import-wacz-damaged", _("the package cannot be read: {error}").format(error=error),
            _("unpack what can be unpacked, then import its WARC files"),
        ) from None  # fmt: skip
    if not entries:
        text = _("there is no WARC file in the package")
        raise _refused(path.as_posix(), "import-wacz-empty", text, _("name a WACZ with archive/*.warc.gz in it"))
    return [Source(path=path, entry=entry.filename) for entry in entries]


def _stated(package: zipfile.ZipFile) -> dict[str, str]:
    """Entry → digest, as datapackage.json states them."""
    try:
        about = package.getinfo("datapackage.json")
        value = json.loads(package.read(about)) if about.file_size <= _JSON_AT_MOST else {}
        return {item["path"]: item["hash"] for item in value["resources"] if item["hash"].startswith("sha256:")}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if not source.entry:
        with source.path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(source.path) as package, package.open(source.entry) as stream:
        yield stream  # type: ignore[misc]


def _copy(stream: BinaryIO, target: Path) -> tuple[int, str]:
    """(bytes, SHA-256 in hex) of what was copied."""
    digest = hashlib.sha256()
    with target.open("wb") as copy:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
        sync(copy)
        return copy.tell(), digest.hexdigest()


def sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _kind(path: Path) -> str:
    with path.open("rb") as stream, suppress(foreign.Unreadable):
        tape = foreign.Tape(stream)
        tape.skip_blank()
        return "warc" if tape.peek(5) == b"WARC/" else "arc"
    return "warc"


def _is_whole(path: Path) -> bool:
    """Whether each record is a gzip member of its own, and no member is damaged."""
    with path.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return False
    return all(record.type != "damaged" for record in records.check(path, foreign=True))


def _rewrite(source: Source, path: Path, target: Path, digest: str) -> None:
    try:
        with path.open("rb") as stream, target.open("wb") as out:
            for incoming in foreign.records(stream, digest):
                write_record(out, incoming.header, incoming.block)
            sync(out)
    except foreign.Unreadable as error:
        raise Refused(
            [
                Problem(
                    path=source.path.as_posix(),
                    code="import-damaged",
                    key=f"{source.entry} offset {error.offset}".strip(),
                    message=_("{error}: nothing was imported").format(error=error.text),
                    remedy=_("run `archive repair FILE`, look at what it lost, and import the repaired file"),
                )
            ]
        ) from None


def _software(path: Path) -> str:
    """What the first record, a warcinfo, says of the tool; empty when it says nothing."""
    first = next(records.check(path, foreign=True), None)
    if first is None or first.type != "warcinfo" or first.size > _PIECE:
        return ""
    block = records.read_record(path, 0).block
    said = message.field(
        records.parse_fields(b"\r\n" + block.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")), "software"
    )
    return " ".join((said or "").split())[:200]


def _refused(path: str, code: str, text: str, remedy: str) -> Refused:
    return Refused([Problem(path=path, code=code, message=text, remedy=remedy)])


def remove(folder: Path) -> None:
    """What a killed run has left behind."""
    if folder.exists():
        shutil.rmtree(folder)
