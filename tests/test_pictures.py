"""Pictures: what the camera noted is gone, what a phone needs is offered, and what is hostile harms nobody."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from sitegen import files, pictures
from sitegen.pictures import Derived, Studio
from tests.cities import TinyCity

ARTICLE = "jyj/tzgg/202611/t20261120_1.md"


def photo(width: int, height: int, kind: str = "JPEG", mode: str = "RGB", **settings: object) -> bytes:
    """A picture with something in it, so that it has a weight."""
    image = Image.radial_gradient("L").resize((width, height)).convert(mode)
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def exif(orientation: int) -> bytes:
    """As a telephone writes it: which side was up, who, and where."""
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x013B] = "ZHOU XIAOMING"
    notes.get_ifd(0x8825)[1] = "N"
    return notes.tobytes()


def derive(tmp_path: Path, data: bytes) -> tuple[Derived, dict[str, bytes]]:
    studio = Studio(tmp_path / "pictures")
    digest = files.sha256(data)
    found = studio.derive(digest, lambda: data)
    return found, {name: (studio.folder(digest) / name).read_bytes() for name in found.made}


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def bomb() -> bytes:
    """A PNG of 100 bytes that says it is 60,000 × 60,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (700, 300), colour) for colour in ("red", "blue", "green")]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], duration=90)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_loses_its_notes_stands_upright_and_shrinks(tmp_path: Path, orientation: int) -> None:
    found, made = derive(tmp_path, photo(4000, 2000, exif=exif(orientation)))
    size = (2560, 1280) if orientation == 1 else (1280, 2560)
    assert (found.width, found.height) == size == opened(made["clean"]).size
    widths = {480, 960, 1600} if orientation == 1 else {480, 960, 1280}
    assert {name for name in made if name != "clean"} == {f"{w}.{kind}" for w in widths for kind in ("avif", "webp")}
    for name, data in made.items():
        image = opened(data)
        assert not image.getexif()
        assert b"ZHOU" not in data
        assert name == "clean" or f"{image.width}.{(image.format or '').lower()}" == name


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (photo(900, 600, mode="CMYK"), (900, 600)),
        (photo(900, 600, "PNG", "I;16"), (900, 600)),
        (photo(900, 600, "PNG", "P"), (900, 600)),
        (photo(900, 600, "PNG", "LA"), (900, 600)),
        (photo(1, 1, "PNG"), (1, 1)),
        (photo(5000, 2, "PNG"), (2560, 1)),
        (animation("GIF"), (700, 300)),
        (animation("PNG"), (700, 300)),
        (animation("WEBP"), (700, 300)),
    ],
)
def test_pictures_of_every_kind_have_a_size_and_moving_ones_stay(
    tmp_path: Path, data: bytes, size: tuple[int, int]
) -> None:
    found, made = derive(tmp_path, data)
    assert ((found.width, found.height), found.trouble) == (size, "")
    for content in made.values():
        assert opened(content).mode in {"RGB", "RGBA", "L"}
    if getattr(opened(data), "n_frames", 1) > 1 or opened(data).mode == "I;16":
        assert made == {}


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (photo(2000, 1000)[:5000], "unreadable"),
        (animation("GIF")[:60], "unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unreadable"),
        (b"", "unreadable"),
        (bomb(), "large"),
        (photo(9000, 8000, "PNG", "1"), "large"),
    ],
)
def test_what_is_no_picture_gives_nothing_and_is_named(tmp_path: Path, data: bytes, trouble: str) -> None:
    assert derive(tmp_path, data) == (Derived(width=0, height=0, made={}, trouble=trouble), {})


def test_the_same_picture_becomes_the_same_bytes_and_is_made_once(tmp_path: Path) -> None:
    data = photo(1200, 800)
    assert derive(tmp_path / "a", data) == derive(tmp_path / "b", data)
    again = Studio(tmp_path / "a" / "pictures")
    assert again.derive(files.sha256(data), lambda: pytest.fail("read again")).width == 1200


# --- in the city ---------------------------------------------------------------------------------------------------


@pytest.fixture
def city(city: TinyCity) -> TinyCity:
    index = (city.content / "index.md").read_text(encoding="utf-8")
    city.put("index.md", index.replace("kind: portal\n", "kind: portal\npictures: true\n", 1))
    return city


def _with_photo(city: TinyCity, data: bytes, name: str = "a.jpg") -> None:
    city.put(f"jyj/tzgg/202611/{name}", data)
    city.article(ARTICLE, "标题", f"![桥]({name}) 和 ![又]({name})")


def _codes(city: TinyCity) -> list[str]:
    return [problem.code for problem in city.build().problems if problem.code.startswith("picture")]


def test_a_page_offers_each_screen_its_size_and_every_address_answers(city: TinyCity) -> None:
    """AVIF, else WebP, else the clean copy; sizes told, so that nothing jumps; the second picture waits."""
    original = photo(3000, 1500, exif=exif(1))
    _with_photo(city, original)
    assert _codes(city) == []
    page = city.page("jyj/tzgg/202611/t20261120_1.html")
    first, second = re.findall(r"<picture>.*?</picture>", page)
    assert re.findall(r'type="image/(\w+)"', first) == ["avif", "webp"]
    assert 'src="a.jpg" width="2560" height="1280" decoding="async">' in first
    assert 'loading="lazy"' in second
    assert "loading" not in first
    for address in re.findall(r"(/pictures/\S+) \d+w", first + second):
        assert (city.site / address[1:]).is_file(), address
    assert city.released()["jyj/tzgg/202611/a.jpg"] != original
    assert not [name for name, data in city.released().items() if b"ZHOU" in data]


def test_the_home_offers_each_screen_its_size_of_the_picture_news(city: TinyCity) -> None:
    """Another picture under the same name has another address, at once on the home too."""
    seen = []
    for width in (1000, 1200):
        city.put("xwdt/202611/b.jpg", photo(width, 500))
        city.article("xwdt/202611/t20261120_5.md", "大桥通车", "![桥](b.jpg)", extra="image: b.jpg\n")
        city.build()
        (picture,) = re.findall(r"<picture>.*?</picture>", city.page("index.html"))
        assert re.findall(r'type="(\S+)"', picture) == ["image/avif", "image/webp"]
        assert 'sizes="(min-width: 60rem) 36.25rem, 100vw"' in picture
        addresses = re.findall(r"(/pictures/\S+) \d+w", picture)
        assert all((city.site / address[1:]).is_file() for address in addresses)
        seen.append(addresses)
    assert seen[0] != seen[1]


def test_a_leader_is_shown_in_the_size_that_a_screen_needs(city: TinyCity) -> None:
    """On the leader's page, in the list and on the home of the department; another portrait is another address."""
    city.column("jyj/ldxx", "领导信息", "负责人信息", "信息发布", 20, site="jyj", holds="leader")
    seen = []
    for width in (600, 800):
        city.put("jyj/ldxx/a.jpg", photo(width, width * 4 // 3))
        city.article("jyj/ldxx/jia.md", "甲某某", extra="image: a.jpg\nposition: 局长\nduties: 主持全面工作。\n")
        city.build()
        addresses = []
        for page, size in (
            ("jyj/ldxx/jia.html", "7.5rem"),
            ("jyj/ldxx/index.html", "5.25rem"),
            ("jyj/index.html", "5.25rem"),
        ):
            (picture,) = re.findall(r"<picture>.*?</picture>", city.page(page))
            assert re.findall(r'type="(\S+)"', picture) == ["image/avif", "image/webp"]
            assert f'sizes="{size}"' in picture
            addresses += re.findall(r"(/pictures/\S+) \d+w", picture)
        assert all((city.site / address[1:]).is_file() for address in addresses)
        seen.append(addresses)
    assert not {*seen[0]} & {*seen[1]}


def test_an_incremental_build_of_pictures_is_a_clean_one(city: TinyCity) -> None:
    """A picture comes, is another one, is no picture, is wanted no more; they are switched off and on."""
    index = (city.content / "index.md").read_text(encoding="utf-8")
    steps = (
        lambda: _with_photo(city, photo(1000, 500)),
        lambda: _with_photo(city, photo(700, 500)),
        lambda: city.put("index.md", index.replace("pictures: true\n", "")),
        lambda: city.put("index.md", index),
        lambda: _with_photo(city, photo(700, 500)[:900]),
        lambda: city.article(ARTICLE, "标题", "没有图。"),
    )
    counts = []
    for step in steps:
        step()
        city.build()
        found = city.released()
        city.build(clean=True)
        assert city.released() == found
        counts.append(len([name for name in found if name.startswith("pictures/")]))
    assert counts == [6, 4, 0, 4, 0, 0]


def test_what_was_made_of_a_picture_that_is_shown_no_more_goes(city: TinyCity) -> None:
    cache = city.root / "build" / "pictures"
    _with_photo(city, photo(1000, 500))
    city.build()
    first = [folder.name for folder in cache.iterdir()]
    _with_photo(city, photo(700, 500))
    city.build()
    second = [folder.name for folder in cache.iterdir()]
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    city.article(ARTICLE, "标题", "没有图。")
    city.build()
    assert list(cache.iterdir()) == []


def test_a_picture_that_cannot_be_used_is_told_and_published_as_it_is(city: TinyCity) -> None:
    for data, code in ((b"no picture", "picture-unreadable"), (bomb(), "picture-too-large")):
        _with_photo(city, data, "a.png")
        assert _codes(city) == [code]
        assert city.released()["jyj/tzgg/202611/a.png"] == data
        assert '<img alt="桥" src="a.png" decoding="async">' in city.page("jyj/tzgg/202611/t20261120_1.html")


def test_only_pictures_of_the_article_are_touched() -> None:
    body = '<p><img alt="a>b" src="x.png"> <img src="https://h/y.png"> &lt;img src="x.png"&gt;</p>'
    found = Derived(width=9, height=5, made={})
    html = pictures.in_body(body, lambda source: ("d/x.png", "sha256:0", found) if source == "x.png" else None)
    assert html == body.replace('src="x.png">', 'src="x.png" width="9" height="5" decoding="async">')
