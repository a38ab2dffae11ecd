"""A process of its own that opens attachments, and tells what is in them: `python -m sitegen.inspection.look CONTENT`.

One absolute path a line on stdin, one JSON object a line on stdout. A hostile file costs this process, not the
inspection: memory is limited here, time by the parent (`attached`), which begins another one behind the file.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sitegen.rules import hidden, personal, writing

MEMORY = 1_500_000_000
_UNPACKED = 400_000_000
"""Bytes: more in one package is a bomb."""
_PARTS = 20_000
_TEXT = 20_000_000
_MAGIC: dict[str, tuple[bytes, ...]] = {
    "doc": (b"\xd0\xcf\x11\xe0",), "xls": (b"\xd0\xcf\x11\xe0",), "ppt": (b"\xd0\xcf\x11\xe0",),
    "wps": (b"\xd0\xcf\x11\xe0", b"PK\x03\x04"), "et": (b"\xd0\xcf\x11\xe0", b"PK\x03\x04"),
    "dps": (b"\xd0\xcf\x11\xe0", b"PK\x03\x04"), "rtf": (b"{\\rtf",), "rar": (b"Rar!",), "7z": (b"7z\xbc\xaf\x27\x1c",),
}  # fmt: skip
_IMAGES = frozenset({"png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "tif", "tiff"})
_PACKAGES = frozenset({"docx", "xlsx", "pptx", "zip", "ofd"})
_GPS = 0x8825
_NAMED = {0x010E: "ImageDescription", 0x013B: "Artist", 0x8298: "Copyright", 0x9C9D: "XPAuthor", 0x9286: "UserComment",
          0x9C9C: "XPComment", 0x9C9B: "XPTitle", 0xA430: "CameraOwnerName"}  # fmt: skip

Told = tuple[str, str, str]
"""(what, where in the file, the finding as it may be printed)."""


def look(path: Path, lexicon: writing.Lexicon) -> list[Told]:
    """Everything that is wrong with one attachment. Raises whatever a broken file makes its library raise."""
    kind = path.suffix[1:].lower()
    found: list[Told] = [("personal:" + one.kind, "file name", one.masked) for one in personal.find(path.stem)]
    if kind in _PACKAGES:
        _measure(path)
    if kind in _MAGIC:
        with path.open("rb") as stream:
            if not stream.read(8).startswith(_MAGIC[kind]):
                found.append(("broken", "", f"no {kind} file"))
        return found
    read = _READERS.get(kind)
    if kind in _IMAGES:
        return found + _image(path)
    length = 0
    for where, text in read(path) if read else ():
        length += len(text)
        if length > _TEXT:
            found.append(("unread", where, "more text than is read"))
            break
        found += _judge(where, text, lexicon)
    return list(dict.fromkeys(found))


def _judge(where: str, text: str, lexicon: writing.Lexicon) -> Iterator[Told]:
    for one in personal.find(text):
        yield "personal:" + one.kind, where, one.masked
    if not text.isascii():
        for slip in writing.find(text, lexicon):
            what = "word" if slip.found in lexicon.slips else "traditional"
            yield what, where, f"{slip.found}→{slip.better}"
    match = hidden.pattern(lexicon.spam).search(text)
    if match:
        yield "spam", where, match[0]


def _measure(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        parts = package.infolist()
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
            raise ValueError("a package that unpacks to more than is read")


def _pdf(path: Path) -> Iterator[tuple[str, str]]:
    import pypdf

    document = pypdf.PdfReader(path)
    if document.is_encrypted and not document.decrypt(""):
        raise PermissionError("a password is asked for")
    for key, value in (document.metadata or {}).items():
        yield f"metadata {key}", str(value)
    for number, page in enumerate(document.pages, 1):
        yield f"page {number}", page.extract_text()


def _docx(path: Path) -> Iterator[tuple[str, str]]:
    """Every part that holds text: body, headers, footers, notes, comments, text boxes."""
    import docx

    document = docx.Document(str(path))
    core = document.core_properties
    yield "properties", " ".join([core.author, core.title, core.subject, core.comments, core.keywords])
    for part in document.part.package.iter_parts():
        name = str(part.partname)
        if name.startswith("/word/") and name.endswith(".xml"):
            yield name.rpartition("/")[2], _word_text(part.blob)


def _word_text(blob: bytes) -> str:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    lines = []
    for paragraph in etree.fromstring(blob, parser).iter("{*}p"):
        lines.append("".join(text.text or "" for text in paragraph.iter("{*}t")))
    return "\n".join(lines)


def _xlsx(path: Path) -> Iterator[tuple[str, str]]:
    """Hidden sheets too: vendors call them the commonest leak."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        properties = book.properties
        yield "properties", " ".join(str(value or "") for value in (properties.creator, properties.title))
        for sheet in book.worksheets:
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                text = "\t".join(_cell(value) for value in row if value is not None)
                if text:
                    yield f"{sheet.title}!{number}", text
    finally:
        book.close()


def _cell(value: object) -> str:
    """A number of a card typed as a number is one: 6.22e18 is not how it reads."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e20 else str(value)


def _package(path: Path) -> Iterator[tuple[str, str]]:
    """Each member's name, and what stands in members of plain text; damaged members are an error."""
    with zipfile.ZipFile(path) as package:
        damaged = package.testzip()
        if damaged:
            raise zipfile.BadZipFile(damaged)
        for part in package.infolist():
            yield "member name", part.filename
            if part.filename.lower().endswith((".txt", ".csv", ".xml")):
                yield part.filename, package.read(part)[:_TEXT].decode("utf-8", "replace")


def _slides(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as package:
        for part in package.namelist():
            if re.fullmatch(r"ppt/(slides|notesSlides)/[^/]+\.xml", part):
                yield part.rpartition("/")[2], re.sub(r"<[^>]*>", " ", package.read(part).decode("utf-8", "replace"))


def _plain(path: Path) -> Iterator[tuple[str, str]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            yield "text", data.decode(encoding)
            return
        except UnicodeDecodeError:
            continue
    raise ValueError("neither UTF-8 nor GB 18030")


def _image(path: Path) -> list[Told]:
    """That it opens, and what its metadata tell: where it was taken, who took it."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = 200_000_000
    with Image.open(path) as image:
        exif = image.getexif()
        comment = str(image.info.get("comment") or "") + str(image.info.get("Comment") or "")
        image.load()
    found: list[Told] = []
    place: dict[Any, Any] = dict(exif.get_ifd(_GPS))
    if any(tag in place for tag in (2, 4)):
        found.append(("location", "EXIF GPS", "latitude and longitude"))
    for tag, name in _NAMED.items():
        text = exif.get(tag) or exif.get_ifd(0x8769).get(tag)
        if isinstance(text, bytes):
            text = text.decode("utf-16-le" if name.startswith("XP") else "utf-8", "replace")
        if text and name in {"Artist", "XPAuthor", "CameraOwnerName"}:
            found.append(("person", f"EXIF {name}", str(text).strip("\0 ")[:1] + "**"))
        found += [("personal:" + one.kind, f"EXIF {name}", one.masked) for one in personal.find(str(text or ""))]
    return found + [("personal:" + one.kind, "comment", one.masked) for one in personal.find(comment)]


_READERS = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _slides,
    "zip": _package,
    "ofd": _package,
    "csv": _plain,
    "txt": _plain,
}


def main() -> None:
    """Whatever a file does, its line is written; what kills the process is told by the missing line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    lexicon = writing.load(Path(sys.argv[1]))
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
    sys.stdout = sys.stderr  # no library speaks in between
    for line in sys.stdin:
        try:
            told = look(Path(json.loads(line)), lexicon)
        except PermissionError as error:
            told = [("closed", "", str(error))]
        except MemoryError:
            told = [("unread", "", "more memory than is given")]
        except Exception as error:  # the libraries raise what they like; each means a file that does not open
            told = [("broken", "", f"{type(error).__name__}: {error}"[:200])]
        out.write(json.dumps(told, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
