"""A capture as its old site's visitors saw it: its package in ReplayWeb.page, on loopback while the command runs.

Nothing of it is kept, and nothing of it is public: whoever replays looks before publishing.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

from archive import store
from archive.packing import wacz
from archive.store import Capture
from archive.text import _
from sitegen import reader, serve
from sitegen.errors import Problem, Refused

PAGE = reader.PAGES
_SCRIPT = f"{reader.PAGES}replay.js"
_HTML = """<!doctype html>
<html><head><meta charset="utf-8"><title>{title}</title>
<style>html, body, #replay {{ margin: 0; height: 100%; }}</style>
<script src="{reader}" defer></script><script src="{script}" defer></script></head>
<body><div id="replay" data-source="{source}" data-url="{url}" data-frame="{frame}"><p>{failed}</p></div></body></html>
"""


@contextmanager
def served(capture: Capture, readers: Path, port: int) -> Iterator[tuple[ThreadingHTTPServer, str]]:
    """A server that is not running yet, and the address to open. `readers` holds ReplayWeb.page. Packs the capture where
    nobody did.

    Raises Refused when there is no reader, when the capture is not finished, or when the port is taken.
    """
    carried = reader.carried(readers)
    if not carried:
        message = _("ReplayWeb.page is not in {folder}").format(folder=readers.as_posix())
        remedy = _("run `make replayweb`, or name its folder with --reader; pywb replays the WARC files as they are")
        raise Refused([Problem(path=readers.as_posix(), code="replay-needs-reader", message=message, remedy=remedy)])
    begins = store.read_manifest(capture)["scope"]["start"]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        pages = root / PAGE.strip("/")
        pages.mkdir(parents=True)
        for name, (_digest, path) in carried.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(path.absolute())
        package = pages / f"{capture.site}-{capture.timestamp}.wacz"
        if capture.wacz.is_file():
            package.symlink_to(capture.wacz.absolute())
        else:
            wacz.package(capture, package)
        (root / _SCRIPT.strip("/")).write_bytes((files("archive") / "templates" / "replay.js").read_bytes())
        (pages / "index.html").write_text(_page(capture, package.name, begins[0] if begins else ""), encoding="utf-8")
        with serve.server(root, port) as running:
            yield running, f"http://127.0.0.1:{running.server_address[1]}{PAGE}"


def _page(capture: Capture, package: str, url: str) -> str:
    said = {
        "title": capture.id,
        "reader": reader.READER,
        "script": _SCRIPT,
        "source": f"{PAGE}{package}",
        "url": url,
        "frame": reader.FRAME,
        "failed": _("This browser cannot replay the capture: open the page in a current Chromium, Firefox or Safari."),
    }
    return _HTML.format(**{name: html.escape(value) for name, value in said.items()})
