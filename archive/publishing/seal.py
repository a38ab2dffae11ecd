"""The seal on images that are served on their own: 已歸檔 upright at the top right, and a strip with the facts below.

What is served as JPEG stays JPEG; everything else becomes PNG. Of an animation the first frame is shown, and the strip says so.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources

from PIL import Image, ImageDraw, ImageFont, ImageOps

from archive.appearance import Look
from archive.text import _
from sitegen.errors import Problem

RED = (163, 35, 26)
INK = (26, 30, 35)
WHITE = (255, 255, 255)
LARGEST = 50_000_000
"""Pixels; a larger picture is not decoded (it may be a bomb), the page about it shows no picture."""
SMALLEST_SEALED = 160
"""Short side in pixels; below it there is only the strip."""
CHARACTERS = frozenset(
    "已歸檔归档歷史历时间時間存網站网页頁图片圖年月日首帧幀动動画畫·，。：（）【】「」—–…〔〕"
    + "".join(map(chr, range(0x20, 0x7F)))
)
_FIRST_FRAME = "（首帧）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the seal and the strip say; `host` is where the picture was served, `look` that of the seal."""

    label: str
    archived_on: date
    host: str
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """`ending` is `png` or `jpg`; `width` and `height` are those of the original as it is shown."""

    data: bytes
    ending: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealable:
    """Why there is no sealed picture."""

    reason: str


def label_problems(label: str, path: str, key: str = "label") -> list[Problem]:
    """A label that the seal's font cannot write; `path` is the decision file, `key` what is wrong in it."""
    unknown = sorted(set(label) - CHARACTERS)
    if not unknown and 0 < len(label) <= 8:
        return []
    message = (
        _("the seal's font has no {characters}").format(characters="".join(unknown))
        if unknown
        else _("the label must have 1 to 8 characters")
    )
    remedy = _("choose a label of these: 已歸檔 已归档 歷史網頁 历史网页, or extend archive/fonts/guidang-seal.otf")
    return [Problem(path=path, code="seal-label-impossible", key=key, message=message, remedy=remedy)]


def seal(data: bytes, words: Words, *, ending: str = "png") -> Sealed | Unsealable:
    """The sealed picture, a JPEG where `ending` is `jpg`; the same bytes for the same picture and words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd palettes and Exif; what cannot be shown raises
        try:
            with Image.open(io.BytesIO(data)) as opened:
                if opened.width * opened.height > LARGEST:
                    return Unsealable(
                        reason=_("{width} × {height} pixels are too many").format(
                            width=opened.width, height=opened.height
                        )
                    )
                moves = opened.format != "MPO" and int(getattr(opened, "n_frames", 1)) > 1
                picture = _upright(opened)
        except (OSError, ValueError, SyntaxError, EOFError, KeyError, MemoryError, OverflowError, TypeError) as error:
            return Unsealable(reason=_("the picture cannot be read: {error}").format(error=error))
        except Image.DecompressionBombError:
            return Unsealable(reason=_("the picture claims too many pixels"))
        width, height = picture.size
        sealed = _with_strip(_with_seal(picture, words), words, moves=moves)
        return Sealed(data=_encoded(sealed, as_jpeg=ending == "jpg"), ending=ending, width=width, height=height)


def _upright(opened: Image.Image) -> Image.Image:
    """First frame, turned as the camera was held, in RGB or (where something shows through) RGBA."""
    opened.load()
    picture = ImageOps.exif_transpose(opened) or opened
    if picture.mode in {"I;16", "I;16B", "I;16L", "I", "F"}:
        low, high = (float(bound) for bound in picture.getextrema())  # type: ignore[arg-type]
        scale = 255 / (high - low) if high > 255 else 1.0
        picture = picture.convert("F").point(lambda value: (value - (low if high > 255 else 0)) * scale).convert("L")
    see_through = picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")


def _with_seal(picture: Image.Image, words: Words) -> Image.Image:
    short, look = min(picture.size), words.look
    if short < SMALLEST_SEALED:
        return picture
    mark = _mark(look.text or words.label, max(48, round(short * look.size / 100)), look.opacity)
    place = _place(picture, mark, look.place, margin=round(short * 0.035))
    picture = picture.copy()
    picture.paste(mark, place, mark.getchannel("A")) if picture.mode == "RGB" else picture.alpha_composite(mark, place)
    return picture


def _place(picture: Image.Image, mark: Image.Image, place: str, *, margin: int) -> tuple[int, int]:
    """Left and top of the seal in the picture."""
    if place == "center":
        return (picture.width - mark.width) // 2, (picture.height - mark.height) // 2
    return (
        margin if "left" in place else picture.width - margin - mark.width,
        margin if "top" in place else picture.height - margin - mark.height,
    )


@cache
def _mark(label: str, height: int, opacity: int) -> Image.Image:
    """The seal with its white edge, drawn four times too large and made smaller: smooth at every size."""
    scale = 4
    tall = height * scale
    cell = (tall * 0.80) / max(len(label), 3)
    wide = max(cell * 1.5, tall * 0.4)
    edge, inset, line = 2 * scale, max(tall * 0.035, 2 * scale), max(tall * 0.014, scale)
    image = Image.new("RGBA", (round(wide + 2 * edge), round(tall + 2 * edge)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=5 * scale, fill=WHITE)
    draw.rounded_rectangle((edge, edge, image.width - edge - 1, image.height - edge - 1), radius=3 * scale, fill=RED)
    box = (edge + inset, edge + inset, image.width - edge - inset - 1, image.height - edge - inset - 1)
    draw.rectangle(box, outline=WHITE, width=round(line))
    font = _font(round(cell * 0.96))
    top = image.height / 2 - cell * len(label) / 2
    for number, character in enumerate(label):
        draw.text((image.width / 2, top + cell * (number + 0.5)), character, font=font, fill=WHITE, anchor="mm")
    mark = image.resize((round(image.width / scale), round(image.height / scale)), Image.Resampling.LANCZOS)
    mark.putalpha(mark.getchannel("A").point([round(level * opacity / 100) for level in range(256)]))
    return mark


def _with_strip(picture: Image.Image, words: Words, *, moves: bool) -> Image.Image:
    below = strip(words, width=picture.width, size=max(14, min(28, round(min(picture.size) * 0.035))), moves=moves)
    width, height = below.width, picture.height + below.height
    sheet = Image.new(picture.mode, (width, height), WHITE if picture.mode == "RGB" else (0, 0, 0, 0))
    sheet.paste(picture, (0, 0))
    sheet.paste(below, (0, picture.height))
    return sheet


def strip(words: Words, *, width: int, size: int, moves: bool = False) -> Image.Image:
    """Label, date and host on white below a red line, in letters of `size` pixels; at least `width` pixels wide."""
    font = _font(size)
    host = "".join(character if character in CHARACTERS else "?" for character in words.host)
    parts = [words.label + (_FIRST_FRAME if moves else ""), words.archived_on.isoformat(), host]
    lines = _lines(parts, font, max(width, 220) - 2 * size)
    wide = max(width, 2 * size + max(round(font.getlength(" · ".join(line))) for line in lines))
    pitch = round(size * 1.6)
    sheet = Image.new("RGB", (wide, 3 + round(size * 0.8) + pitch * len(lines)), WHITE)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 0, wide - 1, 2), fill=RED)
    for number, line in enumerate(lines):
        at = size if width >= 220 else 4
        middle = 3 + round(size * 0.4) + pitch * (number + 0.5)
        for place, part in enumerate(line):
            text = part if place == len(line) - 1 else f"{part} · "
            draw.text((at, middle), text, font=font, fill=RED if part == parts[0] else INK, anchor="lm")
            at += round(font.getlength(text))
    return sheet


def _lines(parts: list[str], font: ImageFont.FreeTypeFont, width: int) -> list[list[str]]:
    lines: list[list[str]] = []
    for part in parts:
        if lines and font.getlength(" · ".join([*lines[-1], part])) <= width:
            lines[-1].append(part)
        else:
            lines.append([part])
    return lines


def _encoded(picture: Image.Image, *, as_jpeg: bool) -> bytes:
    out = io.BytesIO()
    if as_jpeg:
        picture.convert("RGB").save(out, "JPEG", quality=88, subsampling=0, optimize=False)
    else:
        picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    data = (resources.files("archive") / "fonts" / "guidang-seal.otf").read_bytes()
    return ImageFont.truetype(io.BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)
