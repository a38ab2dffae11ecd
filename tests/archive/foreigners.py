"""Files as other tools leave them, written by hand from their specifications, for the tests of import and repair."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from archive.crawling.frontier import Frontier, Row
from archive.decision import Decision
from archive.store import Capture
from archive.warcs.importing import ImportReport, import_files
from tests.archive.oldweb import NOW

HOST = "lyj.example.gov.cn"
DATE = "2019-05-04T03:02:01Z"


def url(path: str = "/") -> str:
    return f"http://{HOST}{path}"


def sha1(data: bytes) -> str:
    """As wget, Heritrix and pywb write it."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def http(body: bytes | str, kind: str = "text/html", status: str = "200 OK", more: str = "") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}\r\n".encode() + data


def record(
    kind: str,
    block: bytes,
    target: str | None = None,
    date: str | None = DATE,
    fields: Mapping[str, str] | None = None,
    number: int = 0,
) -> bytes:
    """A WARC/1.0 record; `fields` are added, one of the usual name in its place."""
    name = hashlib.sha256(f"{kind} {target} {date} {number}".encode() + block).hexdigest()
    usual = {
        "WARC-Type": kind,
        "WARC-Target-URI": target,
        "WARC-Date": date,
        "WARC-Record-ID": f"<urn:uuid:{name[:8]}-{name[8:12]}-4000-8000-{name[12:24]}>",
        "Content-Type": "application/http; msgtype=response" if kind in ("response", "revisit") else None,
        "Content-Length": str(len(block)),
    }
    lines = [f"{key}: {value}" for key, value in (usual | dict(fields or {})).items() if value is not None]
    return "\r\n".join(["WARC/1.0", *lines, "", ""]).encode() + block + b"\r\n\r\n"


def response(path: str, block: bytes, date: str | None = DATE, fields: Mapping[str, str] | None = None) -> bytes:
    said = {"WARC-Payload-Digest": sha1(block.partition(b"\r\n\r\n")[2]), "WARC-Block-Digest": sha1(block)}
    return record("response", block, url(path), date, said | dict(fields or {}))


def id_of(made: bytes) -> str:
    return made.partition(b"WARC-Record-ID: ")[2].partition(b"\r\n")[0].decode()


def packed(records: Iterable[bytes]) -> bytes:
    """A gzip member for each record."""
    return b"".join(gzip.compress(one, mtime=0) for one in records)


def a_site() -> list[bytes]:
    """warcinfo, a home page, a page of its own, a redirect, a picture: all that the home page links to."""
    home = '<title>首页</title><a href="a.html"><a href="old.html"><img src="i.gif">'
    return [
        record("warcinfo", b"software: Heritrix/3.4.0\r\nformat: WARC File Format 1.0\r\n"),
        response("/", http(home)),
        response("/a.html", http("<title>甲</title>")),
        response("/old.html", http("", status="301 Moved", more="Location: /a.html\r\n")),
        response("/i.gif", http(b"GIF89a", "image/gif")),
    ]


def wacz(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as package:
        for name, data in files.items():
            package.writestr(name, data)
    return path


def arc(entries: Iterable[tuple[str, str, bytes]], version: int = 1) -> bytes:
    """Internet Archive's ARC 1.0 or 2.0 (https://archive.org/web/researcher/ArcFileFormat.php): (URL, type, block)."""
    names = "URL IP-address Archive-date Content-type Archive-length"
    if version == 2:
        names = "URL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length"
    about = f"{version} 0 Example\n{names}\n\n".encode()
    middle = "" if version == 1 else "200 - - 0 lyj.arc "
    out = io.BytesIO()
    out.write(f"filedesc://lyj.arc 0.0.0.0 20080102030405 text/plain {middle}{len(about)}\n".encode() + about)
    for target, kind, block in entries:
        out.write(f"\n{target} 192.0.2.7 20080102030405 {kind} {middle}{len(block)}\n".encode() + block)
    return out.getvalue() + b"\n"


def decided(**more: object) -> Decision:
    return Decision(**({"site": "lyj", "hosts": (HOST,), "start": (url(),)} | more))  # type: ignore[arg-type]


def brought(tmp_path: Path, *files: Path, decision: Decision | None = None, again: bool = False) -> ImportReport:
    return import_files(decision or decided(), files, store=tmp_path / "store", now=NOW, again=again)


def given(tmp_path: Path, records: Iterable[bytes] | bytes, name: str = "lyj.warc.gz") -> Path:
    path = tmp_path / name
    path.write_bytes(records if isinstance(records, bytes) else packed(records))
    return path


def rows(capture: Capture) -> dict[str, Row]:
    """Frontier rows by URL without its host when that is the site's."""
    with Frontier(capture.frontier, read_only=True) as frontier:
        return {row.url.removeprefix(f"http://{HOST}"): row for row in frontier.rows()}
