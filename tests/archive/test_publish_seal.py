"""The seal on pictures: readable, the same every time, and never at the price of a crash."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from datetime import date
from importlib import resources
from typing import Any

import pytest
from PIL import Image, ImageDraw

from archive.appearance import PLACES, Look
from archive.publishing import seal
from archive.publishing.seal import Sealed, Unsealable, Words

WORDS = Words(label="已歸檔", archived_on=date(2026, 11, 22), host="lyj.example.gov.cn")


def picture(mode: str = "RGB", size: tuple[int, int] = (400, 300), form: str = "PNG", **more: Any) -> bytes:
    image = Image.new(mode, size, 0 if mode in {"1", "L", "P", "I;16", "F", "I"} else tuple([90] * len(mode)))
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def opened(sealed: Sealed | Unsealable) -> Image.Image:
    assert isinstance(sealed, Sealed)
    image = Image.open(io.BytesIO(sealed.data))
    image.load()
    return image.convert("RGBA")


def is_red(pixel: Any) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(pixel[:3], seal.RED, strict=True))


def test_the_seal_is_at_the_top_right_and_the_strip_below() -> None:
    image = opened(seal.seal(picture(size=(600, 400)), WORDS))
    assert image.size[0] == 600
    assert image.size[1] > 400
    assert is_red(image.getpixel((300, 401)))
    box = [(x, y) for x in range(600) for y in range(400) if is_red(image.getpixel((x, y)))]
    left, right = min(x for x, _ in box), max(x for x, _ in box)
    top, bottom = min(y for _, y in box), max(y for _, y in box)
    assert left > 500
    assert 600 - right <= 0.05 * 600
    assert top <= 0.06 * 400
    assert 80 <= bottom - top <= 92  # 22 % of the short side


def test_a_small_picture_gets_the_strip_alone() -> None:
    image = opened(seal.seal(picture(size=(300, 159)), WORDS))
    assert not any(is_red(image.getpixel((x, y))) for x in range(300) for y in range(159))
    assert is_red(image.getpixel((150, 160)))


def test_the_strip_can_be_read_below_a_picture_of_one_pixel() -> None:
    assert opened(seal.seal(picture(size=(1, 1)), WORDS)).size[0] >= 100


@pytest.mark.parametrize(
    ("mode", "form", "more"),
    [("1", "PNG", {}), ("L", "PNG", {}), ("P", "GIF", {"transparency": 0}), ("P", "PNG", {"transparency": b"\x00\x80"}), ("RGBA", "PNG", {}),
     ("LA", "PNG", {}), ("I;16", "PNG", {}), ("CMYK", "JPEG", {}), ("L", "JPEG", {}), ("RGB", "BMP", {}), ("F", "TIFF", {}), ("I", "TIFF", {}), ("RGB", "WEBP", {}), ("RGBA", "ICO", {})],
)  # fmt: skip
def test_every_kind_of_picture_is_sealed(mode: str, form: str, more: dict[str, Any]) -> None:
    opened(seal.seal(picture(mode, (256, 256), form, **more), WORDS))


def test_of_an_animation_the_first_frame_is_shown_and_the_strip_says_so() -> None:
    frames = [Image.new("P", (200, 200), colour) for colour in (0, 1)]
    for frame in frames:
        frame.putpalette([200, 200, 200, 10, 10, 10])
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=50)
    moving = opened(seal.seal(out.getvalue(), WORDS))
    out = io.BytesIO()
    frames[0].save(out, "GIF")
    still = opened(seal.seal(out.getvalue(), WORDS))
    assert moving.getpixel((5, 100)) == (200, 200, 200, 255)
    assert moving.tobytes() != still.tobytes()


def test_a_picture_taken_sideways_stands_upright() -> None:
    image = Image.new("RGB", (400, 200))
    ImageDraw.Draw(image).rectangle((0, 0, 60, 200), fill=(0, 255, 0))
    exif = image.getexif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    sealed = seal.seal(out.getvalue(), WORDS, ending="jpg")
    assert isinstance(sealed, Sealed)
    assert (sealed.width, sealed.height) == (200, 400)
    assert b"Exif" not in sealed.data
    green = opened(sealed).getpixel((20, 20))
    assert isinstance(green, tuple)
    assert green[1] > 200


def bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>404</html>", b"GIF89a", picture()[:200], picture(form="JPEG")[:-300], bomb(), b"\xff\xd8\xff" + b"x" * 500, picture(form="GIF")[:20]],
    ids=["empty", "html", "head alone", "cut png", "cut jpeg", "bomb", "no jpeg", "cut gif"],
)  # fmt: skip
def test_a_broken_picture_is_refused_with_a_reason(data: bytes) -> None:
    found = seal.seal(data, WORDS)
    assert isinstance(found, Unsealable)
    assert found.reason


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert seal.seal(picture(), WORDS) == seal.seal(picture(), WORDS)


def test_a_label_that_the_font_cannot_write_is_refused_before_anything_is_published() -> None:
    (problem,) = seal.label_problems("已封存", "content/_archive/lyj.yml")
    assert problem.code == "seal-label-impossible"
    assert "封" in problem.message
    assert seal.label_problems("已歸檔", "x") == seal.label_problems("历史网页", "x") == []


def test_the_font_has_every_character_that_is_promised_and_its_licence_beside_it() -> None:
    font = seal._font(32)
    missing = font.getmask("\ue000").size, bytes(font.getmask("\ue000"))
    for character in sorted(seal.CHARACTERS - {" "}):
        mask = font.getmask(character)
        assert (mask.size, bytes(mask)) != missing, character
    folder = resources.files("archive") / "fonts"
    assert len((folder / "guidang-seal.otf").read_bytes()) <= 20_000
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text(encoding="utf-8")


def test_a_long_label_still_fits_the_seal() -> None:
    image = opened(
        seal.seal(
            picture(size=(800, 600)), Words(label="已归档历史网页", archived_on=date(2026, 11, 22), host="h.example")
        )
    )
    red = [(x, y) for x in range(800) for y in range(600) if is_red(image.getpixel((x, y)))]
    assert min(x for x, _ in red) > 700
    assert max(x for x, _ in red) < 800 - 10


def red_box(image: Image.Image, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is red in the picture above the strip."""
    red = [(x, y) for x in range(image.width) for y in range(height) if is_red(image.getpixel((x, y)))]
    return min(x for x, _ in red), min(y for _, y in red), max(x for x, _ in red), max(y for _, y in red)


@pytest.mark.parametrize("place", PLACES)
def test_the_seal_stands_where_the_decision_says(place: str) -> None:
    image = opened(seal.seal(picture(size=(600, 400)), replace(WORDS, look=Look(place=place))))
    left, top, right, bottom = red_box(image, 399)
    middle = (left + right) / 2, (top + bottom) / 2
    wanted_x = {"left": middle[0] < 100, "right": middle[0] > 500}.get(place.partition("-")[2], 290 < middle[0] < 310)
    wanted_y = {"top": middle[1] < 80, "bottom": middle[1] > 320}.get(place.partition("-")[0], 190 < middle[1] < 210)
    assert (wanted_x, wanted_y) == (True, True), middle


def test_the_seal_is_as_large_as_the_decision_says() -> None:
    for size in (12, 40):
        _, top, _, bottom = red_box(
            opened(seal.seal(picture(size=(600, 400)), replace(WORDS, look=Look(size=size)))), 399
        )
        assert abs(bottom - top - max(48, 4 * size)) <= 6


def test_the_picture_shows_through_a_seal_of_half_opacity_and_the_strip_never_does() -> None:
    image = opened(seal.seal(picture(size=(600, 400)), replace(WORDS, look=Look(opacity=50))))
    full = opened(seal.seal(picture(size=(600, 400)), WORDS))
    red = [(x, y) for x in range(600) for y in range(399) if full.getpixel((x, y)) == (*seal.RED, 255)]
    half: Any = image.getpixel(red[len(red) // 2])
    assert all(abs(channel - (red + 90) / 2) <= 3 for channel, red in zip(half[:3], seal.RED, strict=True))
    assert image.getpixel((300, 401)) == (*seal.RED, 255)


def test_the_seal_says_what_the_decision_says_and_the_strip_still_the_label() -> None:
    named = replace(WORDS, look=Look(text="历史图片"))
    one, other = opened(seal.seal(picture(), named)), opened(seal.seal(picture(), WORDS))
    assert one.crop((0, 300, 400, 340)).tobytes() == other.crop((0, 300, 400, 340)).tobytes()
    assert one.crop((0, 0, 400, 300)).tobytes() != other.crop((0, 0, 400, 300)).tobytes()


def corner(data: bytes) -> Any:
    """A pixel of the sealed picture far from seal and strip."""
    return opened(seal.seal(data, WORDS)).getpixel((10, 200))


def test_the_colours_of_a_picture_stay_what_they_were() -> None:
    """CMYK of a printer's camera, Adobe's inverted one, grey in one bit: none comes out as its negative."""

    def saved(image: Image.Image, form: str, **more: Any) -> bytes:
        out = io.BytesIO()
        image.save(out, form, **more)
        return out.getvalue()

    cyan = corner(saved(Image.new("CMYK", (256, 256), (255, 0, 0, 0)), "JPEG"))
    assert cyan[0] < 60
    assert min(cyan[1:3]) > 120
    assert min(corner(saved(Image.new("CMYK", (256, 256), (0, 0, 0, 0)), "JPEG"))[:3]) > 240
    assert corner(saved(Image.new("1", (256, 256), 1), "PNG")) == (255, 255, 255, 255)
    assert corner(saved(Image.new("L", (256, 256), 77), "PNG")) == (77, 77, 77, 255)


def test_what_can_be_seen_through_can_still_be_seen_through() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (256, 256), (9, 9, 9, 0)).save(out, "PNG")
    assert corner(out.getvalue())[3] == 0
    palette = Image.new("P", (256, 256), 0)
    palette.putpalette([200, 0, 0, 0, 0, 200])
    out = io.BytesIO()
    palette.save(out, "GIF", transparency=0)
    assert corner(out.getvalue())[3] == 0
    out = io.BytesIO()
    palette.save(out, "GIF")
    assert corner(out.getvalue()) == (200, 0, 0, 255)


def test_sixteen_bits_become_eight_with_light_and_dark_where_they_were() -> None:
    image = Image.new("I;16", (256, 256), 1000)
    image.paste(60000, (0, 0, 128, 256))
    out = io.BytesIO()
    image.save(out, "PNG")
    sealed = opened(seal.seal(out.getvalue(), WORDS))
    assert sealed.getpixel((10, 200)) == (255, 255, 255, 255)
    assert sealed.getpixel((200, 200)) == (0, 0, 0, 255)


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_other_animations_show_their_first_frame_too(form: str) -> None:
    frames = [Image.new("RGB", (200, 200), colour) for colour in ((200, 0, 0), (0, 0, 200))]
    out = io.BytesIO()
    frames[0].save(
        out,
        form,
        save_all=True,
        append_images=frames[1:],
        duration=50,
        **({"lossless": True} if form == "WEBP" else {}),
    )
    assert opened(seal.seal(out.getvalue(), WORDS)).getpixel((5, 150)) == (200, 0, 0, 255)
