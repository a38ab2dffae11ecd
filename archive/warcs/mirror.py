"""Folders that wget or HTTrack made of a website: each file becomes a `resource` record, for its HTTP head is lost.

FORMATS §3.1 says which URL a file stands for.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import re
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote_from_bytes, urlsplit

from archive import canon, message
from archive.decision import Decision
from archive.text import _
from archive.warcs import sources
from archive.warcs.records import parse_fields
from archive.warcs.sources import Brought
from sitegen.errors import Problem, Refused
from sitegen.files import sha256_file

_NAMESPACE = uuid.UUID("5f1c8c1e-55c0-5a5b-8a07-3c8b7e0a1f10")
_PIECE = 1 << 18
_CACHE = "hts-cache/new.zip"
_HOST = re.compile(r"(?P<host>[^\s/:@?#\[\]+_]+)(?:[:+_](?P<port>\d{1,5}))?")
_MIRRORED = re.compile(rb"<!-- Mirrored from (\S{1,2000}) by HTTrack")
_HTML = re.compile(rb"<(?:!doctype html|html|head|title|body|meta)\b", re.I)
# `wget -E` appends .html to what was no .html; where a query is in the name, or a script's ending, it is told from it.
_APPENDED = re.compile(r"(\.(?:aspx?|jspx?|php\d?|cgi|do|action|cfm)|\?.*)\.html$", re.I)
_AT_QUERY = re.compile(r"@(?=[^@/]*=)")
# Without the machine's own tables: the same folder gives the same records everywhere.
_TYPES = mimetypes.MimeTypes(filenames=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of a mirror and the URL it stands for; `entry` when it lies in HTTrack's cache."""

    url: str
    path: Path
    date: datetime
    content_type: str
    size: int
    sha256: str
    entry: str = ""


def bring(folder: Path, decision: Decision, into: Path, name: str) -> Brought:
    """Write the folder's files into `into/name`, a WARC file. Raises Refused when no file stands for a URL."""
    files = list(_of_httrack(folder) if (folder / _CACHE).is_file() else _of_folder(folder, decision))
    if not files:
        text = _("no folder in it is named after a host")
        remedy = _("name the folder that holds a folder for each host, as `wget -r` or HTTrack left it")
        raise Refused([Problem(path=folder.as_posix(), code="import-folder-unknown", message=text, remedy=remedy)])
    files.sort(key=lambda kept: kept.url)
    software = "HTTrack" if (folder / "hts-cache").is_dir() else ""
    with (into / name).open("wb") as stream:
        _write_info(stream, folder.name, software, max(kept.date for kept in files))
        for kept in files:
            with _opened(kept) as body:
                sources.write_record(stream, _header(kept), _pieces(body))
        sources.sync(stream)
    listing = "".join(f"{kept.url} {kept.sha256}\n" for kept in files)
    return Brought(
        name=folder.name, kind="folder", bytes=sum(kept.size for kept in files),
        sha256=f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}",
        kept=False, software=software, warc=f"archive/{name}",
    )  # fmt: skip


def url_of(name: str | bytes, scheme: str = "http") -> str | None:
    """The URL for which a file stands, from its path `host/folder/name` below the mirror; None when the first
    folder cannot be a host. `index.html` is the folder's own URL; `?`, or `@` before `name=`, begins a query."""
    first, _slash, rest = os.fsdecode(name).partition("/")
    host = _HOST.fullmatch(first)
    if host is None or not rest:
        return None
    port = f":{host['port']}" if host["port"] else ""
    folders, _slash, last = rest.rpartition("/")
    last = _APPENDED.sub(r"\1", last)
    path, mark, query = last.partition("?")
    if not mark:
        path, query = (*_AT_QUERY.split(last, maxsplit=1), "")[:2]
    path = "" if path == "index.html" else path
    quoted = "/".join(_quoted(part) for part in [*filter(None, folders.split("/")), path])
    asked = f"?{_quoted(query, '/?')}" if query else ""
    return canon.resolve(f"{scheme}://{host['host']}{port}/", f"/{quoted}{asked}")


def _quoted(text: str, more: str = "") -> str:
    return quote_from_bytes(os.fsencode(text), f"!$&'()*+,-.:;=@_~%{more}")


def _of_folder(folder: Path, decision: Decision) -> Iterator[Kept]:
    """Every file below a folder that is named after a host: `folder` itself, or those in it."""
    known = {_host_of(host): host for host in decision.hosts}
    secure = {urlsplit(url).netloc for url in decision.start if url.startswith("https:")}
    root = folder.resolve()
    hosts = sorted(one for one in root.iterdir() if "." in one.name and one.is_dir() and not one.is_symlink())
    if not any(_host_of(one.name) in known for one in hosts):
        hosts = [root] if _host_of(root.name) in known else []
    for host in hosts:
        scheme = "https" if known.get(_host_of(host.name)) in secure else "http"
        for path in sources.walk(host):
            url = _mirrored_from(path, scheme) or url_of(path.relative_to(host.parent).as_posix(), scheme)
            if url is not None:
                yield _kept(url, path)


def _host_of(name: str) -> str:
    """`host:port`, whatever stands between the two in a folder's name."""
    found = _HOST.fullmatch(name.lower())
    return "" if found is None else f"{found['host']}:{found['port'] or ''}"


def _mirrored_from(path: Path, scheme: str) -> str | None:
    """HTTrack's own remark in a page."""
    with path.open("rb") as stream:
        found = _MIRRORED.search(stream.read(4096))
    return canon.resolve("", f"{scheme}://{found[1].decode('utf-8', 'replace')}") if found else None


def _kept(url: str, path: Path, content_type: str = "") -> Kept:
    facts = path.stat()
    return Kept(
        url=url, path=path, date=datetime.fromtimestamp(int(facts.st_mtime), UTC), size=facts.st_size,
        sha256=sha256_file(path), content_type=content_type or _type_of(url, path),
    )  # fmt: skip


def _type_of(url: str, path: Path) -> str:
    with path.open("rb") as stream:
        begins = stream.read(1024)
    guessed = _TYPES.guess_type(urlsplit(url).path)[0] or _TYPES.guess_type(path.name)[0]
    return guessed or ("text/html" if _HTML.search(begins) else "application/octet-stream")


def _of_httrack(folder: Path) -> Iterator[Kept]:
    """HTTrack's cache knows each URL; it holds the pages as they came, of other files the place (`X-Save`)."""
    cache = folder / _CACHE
    try:
        with zipfile.ZipFile(cache) as package, cache.open("rb") as raw:
            for entry in package.infolist():
                sources.refuse_bomb(cache, entry)
                kept = _of_entry(folder, cache, package, entry, _extra(raw, entry))
                if kept is not None:
                    yield kept
    # zipfile says NotImplementedError of a compression it does not know, RuntimeError of an encrypted entry.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        text = _("HTTrack's cache cannot be read: {error}").format(error=error)
        remedy = _("move hts-cache away to import the files alone")
        raise Refused(
            [Problem(path=cache.as_posix(), code="import-httrack-damaged", message=text, remedy=remedy)]
        ) from None


def _of_entry(
    folder: Path, cache: Path, package: zipfile.ZipFile, entry: zipfile.ZipInfo, said: message.Fields
) -> Kept | None:
    """None for what is no answer 200, or whose file is not there."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeEncodeError, UnicodeDecodeError):
            name = name.encode("cp437").decode("utf-8")
    url = canon.resolve("", name if "://" in name else f"http://{name}")
    if url is None or message.field(said, "X-StatusCode") != "200":
        return None
    content_type = message.field(said, "Content-Type") or ""
    if charset := message.field(said, "X-Charset"):
        content_type = f"{content_type}; charset={charset}"
    content_type = " ".join(content_type.split())
    if message.field(said, "X-In-Cache") == "1":
        date = datetime.fromtimestamp(int(cache.stat().st_mtime), UTC)
        with package.open(entry) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        return Kept(
            url=url, path=cache, date=date, content_type=content_type, size=entry.file_size,
            sha256=f"sha256:{digest}", entry=entry.filename,
        )  # fmt: skip
    saved = _within(folder, message.field(said, "X-Save") or "")
    return None if saved is None else _kept(url, saved, content_type)


def _within(folder: Path, name: str) -> Path | None:
    """A file below the folder; None for one that is not, or that a link leads to."""
    path = folder / name
    try:
        root, true = folder.resolve(), path.resolve(strict=True)
        inside = true == root / name and true.is_relative_to(root) and true.is_file()
    except (OSError, ValueError):
        return None
    return path if name and inside else None


def _extra(raw: BinaryIO, entry: zipfile.ZipInfo) -> message.Fields:
    """HTTrack keeps the head's fields where a local file header has its extra field."""
    raw.seek(entry.header_offset + 26)
    name, extra = (int.from_bytes(raw.read(2), "little") for _field in range(2))
    raw.seek(name, os.SEEK_CUR)
    return parse_fields(raw.read(extra))


def _opened(kept: Kept) -> BinaryIO:
    if not kept.entry:
        return kept.path.open("rb")
    with zipfile.ZipFile(kept.path) as package:
        return io.BytesIO(package.read(kept.entry))


def _pieces(body: BinaryIO) -> Iterator[bytes]:
    while piece := body.read(_PIECE):
        yield piece


def _write_info(stream: BinaryIO, name: str, software: str, date: datetime) -> None:
    block = "".join(
        f"{key}: {value}\r\n"
        for key, value in {
            "software": software,
            "description": f"files of the folder {' '.join(name.split())}, without their HTTP heads",
            "format": "WARC file version 1.1",
        }.items()
        if value
    ).encode("utf-8", "replace")
    fields = [("WARC-Type", "warcinfo"), ("WARC-Date", _iso(date)), ("Content-Type", "application/warc-fields")]
    sources.write_record(stream, _as_header(fields, len(block), hashlib.sha256(block).hexdigest()), [block])


def _header(kept: Kept) -> bytes:
    fields = [
        ("WARC-Type", "resource"),
        ("WARC-Date", _iso(kept.date)),
        ("WARC-Target-URI", kept.url),
        ("Content-Type", kept.content_type),
    ]
    return _as_header(fields, kept.size, kept.sha256.removeprefix("sha256:"))


def _as_header(fields: Iterable[tuple[str, str]], size: int, digest: str) -> bytes:
    """The record's id follows from the rest: the same folder gives the same bytes."""
    lines = [f"{name}: {value}" for name, value in fields]
    lines += [f"WARC-Block-Digest: sha256:{digest}", f"Content-Length: {size}"]
    record_id = uuid.uuid5(_NAMESPACE, "\n".join(lines))
    return "\r\n".join(["WARC/1.1", f"WARC-Record-ID: <urn:uuid:{record_id}>", *lines, "", ""]).encode(
        "utf-8", "replace"
    )


def _iso(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")
