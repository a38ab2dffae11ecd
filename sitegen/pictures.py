"""Pictures as citizens get them: without the camera's notes, upright, no larger than a screen, in sizes to choose from.

What an editor uploads is not what is published: from each still picture follow, by its bytes alone, a clean copy for its
own address (EXIF, GPS and text notes gone, orientation applied, at most `CAP` pixels a side) and smaller ones as AVIF and
WebP. They are made once and kept in `build/pictures/` under the digest of the original. What cannot be shrunk without
loss of what it is (animations, 16-bit, vector drawings) stays as it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sitegen import files

FOLDER = "pictures"
"""First segment of the addresses of what is made from pictures."""
KINDS = frozenset({"png", "jpg", "jpeg", "webp", "gif", "avif"})
WIDTHS = (480, 960, 1600)
CAP = 2560
HEAVY = 1_500_000
"""Bytes above which a picture is written anew whatever it holds."""
PIXELS = 64_000_000
"""More are not decoded: a few kilobytes can claim to be a wall."""
SIZES = "(min-width: 60rem) 50rem, 100vw"
_FORMATS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "avif": ("AVIF", {"quality": 55, "speed": 8, "max_threads": 1}),
    "webp": ("WEBP", {"quality": 78, "method": 4}),
}
_CLEAN: Mapping[str, dict[str, Any]] = {
    "JPEG": {"quality": 86, "progressive": True, "optimize": True},
    "PNG": {"optimize": True},
    "WEBP": {"quality": 86, "method": 4},
}
_PLAIN_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """`width`, `height` as shown, in pixels; `made`: file name → digest (`sha256:…`) of what stands beside in the cache:
    `<width>.avif`, `<width>.webp`, and `clean` for the picture's own address; `trouble`: empty, `unreadable`, `large`."""

    width: int
    height: int
    made: Mapping[str, str]
    trouble: str = ""

    def widths(self, ending: str) -> list[int]:
        return sorted(int(name.partition(".")[0]) for name in self.made if name.endswith(f".{ending}"))


def is_picture(path: str) -> bool:
    return path.rpartition(".")[2].lower() in KINDS


def address(path: str, digest: str, name: str) -> str:
    """File of a release for one of what was made from the picture at `path` under content/, whose digest is `digest`."""
    return f"{FOLDER}/{path}/{digest.removeprefix('sha256:')[:12]}-{name}"


class Studio:
    """What is made of pictures, kept by their content in `cache`."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, Derived] = {}

    def derive(self, digest: str, read: Callable[[], bytes]) -> Derived:
        """`read` gives the bytes when they are not known yet. Raises OSError."""
        found = self._known.get(digest)
        if found is None:
            folder = self.folder(digest)
            try:
                found = Derived(**json.loads(files.read(f"{folder}/made.json")))
            except (OSError, ValueError, TypeError):
                found = self._make(folder, read())
            self._known[digest] = found
        return found

    def folder(self, digest: str) -> Path:
        return self._cache / f"{digest.removeprefix('sha256:')}-{self.settings}"

    def prune(self, digests: Iterable[str]) -> None:
        """Keep only what was made, with the settings of today, of pictures with these digests."""
        kept = {self.folder(digest).name for digest in digests}
        for folder in self._cache.iterdir() if self._cache.is_dir() else ():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    @cached_property
    def settings(self) -> str:
        """Digest of all that decides what the same bytes become."""
        import PIL

        facts = [
            PIL.__version__,
            WIDTHS,
            CAP,
            HEAVY,
            PIXELS,
            _FORMATS,
            _CLEAN,
            Path(__file__).read_text(encoding="utf-8"),
        ]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]

    def _make(self, folder: Path, data: bytes) -> Derived:
        made, found = _derive(data)
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".", suffix=".open", dir=folder.parent))
        for name, content in made.items():
            (unfinished / name).write_bytes(content)
        facts = {"width": found.width, "height": found.height, "made": dict(found.made), "trouble": found.trouble}
        (unfinished / "made.json").write_bytes(json.dumps(facts, sort_keys=True).encode())
        try:
            os.rename(unfinished, folder)  # noqa: PTH104 (onto nothing, or an empty folder; another process may be first)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not (folder / "made.json").exists():
                raise
        return found


def _derive(data: bytes) -> tuple[dict[str, bytes], Derived]:
    """What is made of a picture's bytes; of bytes that are none, nothing."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                if width * height > PIXELS:
                    return {}, Derived(width=0, height=0, made={}, trouble="large")
                if getattr(image, "n_frames", 1) > 1 or image.mode not in _PLAIN_MODES:
                    image.load()
                    return {}, Derived(width=width, height=height, made={})
                made = _made(image, data)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return {}, Derived(width=0, height=0, made={}, trouble="large")
        except Exception:  # a decoder fed by strangers: whatever it stumbles over, the picture is not one
            return {}, Derived(width=0, height=0, made={}, trouble="unreadable")
    size = made.pop("size")
    width, height = (int(number) for number in size.split(b" "))
    digests = {name: files.sha256(content) for name, content in sorted(made.items())}
    return made, Derived(width=width, height=height, made=digests)


def _made(image: Any, data: bytes) -> dict[str, bytes]:
    from PIL import Image, ImageOps

    noted = bool(image.getexif()) or bool(
        image.info.keys() & {"exif", "xmp", "comment", "XML:com.adobe.xmp", "photoshop"}
    )
    noted = noted or bool(getattr(image, "text", None))
    kind, profile = image.format, image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in {"P", "PA", "LA", "1"}:
        upright = upright.convert("RGBA" if "transparency" in upright.info or upright.mode in {"PA", "LA"} else "RGB")
    elif upright.mode in {"CMYK", "YCbCr"}:
        upright, profile, noted = upright.convert("RGB"), None, True
    scale = min(1.0, CAP / max(upright.size))
    size = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    shown = upright.resize(size, Image.Resampling.LANCZOS) if scale < 1 else upright
    made = {"size": b"%d %d" % size}
    if kind in _CLEAN and (noted or scale < 1 or len(data) > HEAVY):
        made["clean"] = _saved(shown, kind, _CLEAN[kind], profile)
    for width in [width for width in WIDTHS if width < size[0]] + (
        [size[0]] if WIDTHS[0] < size[0] <= WIDTHS[-1] else []
    ):
        smaller = upright.resize((width, max(1, round(size[1] * width / size[0]))), Image.Resampling.LANCZOS)
        for ending, (name, settings) in _FORMATS.items():
            offer = _saved(smaller, name, settings, profile)
            if len(offer) < len(made.get("clean", data)):  # a flat drawing can be smaller as it is
                made[f"{width}.{ending}"] = offer
    return made


def _saved(image: Any, kind: str, settings: Mapping[str, Any], profile: bytes | None) -> bytes:
    """Nothing of what the original noted comes along but its colours' meaning."""
    from PIL import Image

    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    stream = io.BytesIO()
    bare.save(stream, kind, **settings, **({"icc_profile": profile} if profile else {}))
    return stream.getvalue()


# --- in a body -----------------------------------------------------------------------------------------------------

_IMAGE = re.compile(r"<img\s[^\"'<>]*+(?:(?:\"[^\"]*\"|'[^']*')[^\"'<>]*+)*+>")
_SOURCE = re.compile(r"\ssrc=\"([^\"]*)\"")


def in_body(html: str, find: Callable[[str], tuple[str, str, Derived] | None]) -> str:
    """A body whose pictures come in the size that a screen needs. `find(src)` gives path under content/, digest and what
    was made of it. The first picture is loaded at once, the others when they come near."""
    seen = 0

    def put(match: re.Match[str]) -> str:
        nonlocal seen
        tag, source = match[0], _SOURCE.search(match[0])
        found = find(source[1]) if source else None
        if found is None:
            return tag
        path, digest, derived = found
        seen += 1
        extra = f' width="{derived.width}" height="{derived.height}"' if derived.width and " width=" not in tag else ""
        extra += ' loading="lazy"' if seen > 1 and " loading=" not in tag else ""
        image = f'{tag.removesuffix(">").removesuffix("/").rstrip()}{extra} decoding="async">'
        offered = offers(path, digest, derived)
        kinds = "".join(f'<source type="{kind}" srcset="{files_of}" sizes="{SIZES}">' for kind, files_of in offered)
        return f"<picture>{kinds}{image}</picture>" if kinds else image

    return _IMAGE.sub(put, html) if "<img" in html else html


def offers(path: str, digest: str, derived: Derived) -> list[tuple[str, str]]:
    """(media type, `srcset`) of each format, the best first; none when nothing smaller was made."""
    return [
        (f"image/{ending}", ", ".join(f"/{quote(address(path, digest, f'{n}.{ending}'))} {n}w" for n in widths))
        for ending in _FORMATS
        if (widths := derived.widths(ending))
    ]
