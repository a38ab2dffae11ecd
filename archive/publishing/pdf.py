"""The stamp on PDF files: a stamped copy beside the untouched original, a band above every page (第十五条).

Pages grow by the band, so that nothing of them is covered; it is drawn before their own content, so that nothing of
that can undo it. What would run when the file is opened is taken out. Where a copy cannot be stamped honestly
(encrypted, signed, damaged, very large) there is none, and the reason is told.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from archive.publishing import seal
from archive.publishing.seal import Words
from archive.text import _

LARGEST = 200_000_000
"""Bytes; a larger file is not read into the program that would stamp it."""
MOST_PAGES = 3000
_RESOLUTION = 1600
"""Pixels of the band's picture over the whole width of a page."""
_LETTERS = 26
_LONGEST = 100
"""Characters of the URL that fit the band; the rest stands in its hidden text."""
_ACTIVE = ("/OpenAction", "/AA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """`pages` all carry the stamp; `removed`: actions taken out."""

    data: bytes
    pages: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstampable:
    """Why there is no stamped copy. `pages`: how many the file has; 0 where that cannot be read."""

    reason: str
    pages: int = 0


def is_pdf(data: bytes) -> bool:
    """By its own first bytes, whatever the server called it."""
    return b"%PDF-" in data[:1024]


def stamp(data: bytes, words: Words) -> Stamped | Unstampable:
    """A stamped copy; the same bytes for the same file and words. `words.host` is the original URL here."""
    if len(data) > LARGEST:
        return Unstampable(reason=_("it has {bytes} bytes").format(bytes=len(data)))
    try:
        with Pdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            return _why_not(pdf) or _stamped(pdf, words)
    except pikepdf.PasswordError:
        return Unstampable(reason=_("it is encrypted"))
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        return Unstampable(reason=_("it cannot be read: {error}").format(error=" ".join(str(error).split())[:200]))


def _why_not(pdf: Pdf) -> Unstampable | None:
    if pdf.is_encrypted:
        return Unstampable(reason=_("it is encrypted"))
    if _is_signed(pdf):
        return Unstampable(reason=_("it is signed, and a stamp would break the signature"), pages=len(pdf.pages))
    if len(pdf.pages) > MOST_PAGES:
        return Unstampable(reason=_("it has {pages} pages").format(pages=len(pdf.pages)), pages=len(pdf.pages))
    return None if len(pdf.pages) else Unstampable(reason=_("it has no page"))


def _is_signed(pdf: Pdf) -> bool:
    """Bit 1 of SigFlags, or a signature field with a value, or permissions that a signature gives."""
    form = pdf.Root.get("/AcroForm")
    if "/Perms" in pdf.Root:
        return True
    if not isinstance(form, Dictionary):
        return False
    fields = form.get("/Fields")
    signed = isinstance(fields, Array) and any(
        isinstance(field, Dictionary) and field.get("/FT") == Name.Sig and "/V" in field for field in list(fields)
    )
    return signed or bool(int(form.get("/SigFlags", 0)) & 1)


def _stamped(pdf: Pdf, words: Words) -> Stamped:
    shown = words.host if len(words.host) <= _LONGEST else f"{words.host[: _LONGEST - 1]}…"
    picture = seal.strip(replace(words, host=shown), width=_RESOLUTION, size=_LETTERS)
    band = Stream(pdf, zlib.compress(picture.tobytes(), 9))
    band.stream_dict = Dictionary(
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=Name.FlateDecode,
    )
    shared = pdf.make_indirect(band)
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    removed = _disarm(pdf.Root)
    for page in pdf.pages:
        removed += _disarm(page.obj)
        _extend(pdf, page, shared, font, picture.height / picture.width, words)
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        title = str(metadata.get("dc:title") or pdf.docinfo.get("/Title") or words.host)
        metadata["dc:title"] = f"【{words.label}】{title}"
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return Stamped(data=out.getvalue(), pages=len(pdf.pages), removed=removed)


def _disarm(holder: Any) -> int:
    """What runs by itself when the file or page is opened."""
    found = [key for key in _ACTIVE if key in holder]
    for key in found:
        del holder[key]
    names = holder.get("/Names")
    if isinstance(names, Dictionary) and "/JavaScript" in names:
        del names["/JavaScript"]
        return len(found) + 1
    return len(found)


def _extend(pdf: Pdf, page: pikepdf.Page, band: Any, font: Any, ratio: float, words: Words) -> None:
    """The page grows at the side that is up when it is shown, and the band is drawn there."""
    left, bottom, right, top = _box(page)
    turn = _rotation(page.obj)
    width = (right - left) if turn in {0, 180} else (top - bottom)
    tall = width * ratio
    # The band's lower left corner and directions in the page's own coordinates, and the new box.
    place, box = {
        0: (f"{width:.3f} 0 0 {tall:.3f} {left:.3f} {top:.3f}", (left, bottom, right, top + tall)),
        90: (f"0 {width:.3f} {-tall:.3f} 0 {left:.3f} {bottom:.3f}", (left - tall, bottom, right, top)),
        180: (f"{-width:.3f} 0 0 {-tall:.3f} {right:.3f} {bottom:.3f}", (left, bottom - tall, right, top)),
        270: (f"0 {-width:.3f} {tall:.3f} 0 {right:.3f} {top:.3f}", (left, bottom, right + tall, top)),
    }[turn]
    picture = page.add_resource(band, Name.XObject, Name("/ArchiveStamp"))
    letters = page.add_resource(font, Name.Font, Name("/ArchiveLetters"))
    said = String(f"{words.label} {words.archived_on.isoformat()} {words.host}").unparse().decode("latin-1")
    plain = String(f"ARCHIVED {words.archived_on.isoformat()} {words.host}").unparse().decode("latin-1")
    before = (
        f"q /Span <</ActualText {said}>> BDC {place} cm {picture} Do EMC "
        f"BT 3 Tr {letters} 0.01 Tf 0 0.2 Td {plain} Tj ET Q\n"
        f"q {left:.3f} {bottom:.3f} {right - left:.3f} {top - bottom:.3f} re W n\n"
    )
    page.contents_add(before.encode("latin-1"), prepend=True)
    page.contents_add(b"\nQ", prepend=False)
    page.mediabox = Array([round(edge, 3) for edge in box])
    for name in ("/CropBox", "/TrimBox", "/BleedBox", "/ArtBox"):
        if name in page.obj:
            del page.obj[name]
    page.cropbox = page.mediabox


def _box(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """What readers show of the page: left, bottom, right, top in points. Raises ValueError for an empty one."""
    one, other = ([float(edge) for edge in box] for box in (page.cropbox, page.mediabox))
    left, right = max(min(one[0::2]), min(other[0::2])), min(max(one[0::2]), max(other[0::2]))
    bottom, top = max(min(one[1::2]), min(other[1::2])), min(max(one[1::2]), max(other[1::2]))
    if right - left < 1 or top - bottom < 1:
        raise ValueError("a page without area")
    return left, bottom, right, top


def _rotation(page: Any) -> int:
    """0, 90, 180 or 270, clockwise; inherited from the page tree."""
    for _depth in range(50):
        if "/Rotate" in page:
            turn = int(page["/Rotate"]) % 360
            return turn if turn % 90 == 0 else 0
        if "/Parent" not in page:
            break
        page = page["/Parent"]
    return 0
