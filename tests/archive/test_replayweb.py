"""ReplayWeb.page, in a real browser, shows what was captured: from our package alone, the old server gone."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from archive.packing import wacz
from tests.archive.oldweb import Route, captured, page, serving
from tests.archive.servers import free_port
from tests.archive.test_publish_browser import browser as browser
from tests.conftest import REPLAYWEB

pytestmark = pytest.mark.needs("chromium", "nginx", "replayweb")

READER = """<!doctype html><meta charset="utf-8"><script src="/ui.js"></script>
<replay-web-page source="{source}" url="{url}" replayBase="/replay/" embed="replayonly"></replay-web-page>"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100"
    "c9fe92ef0000000049454e44ae426082"
)


CONFIGURATION = """daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {{}}
http {{ access_log off; default_type application/octet-stream; types {{ text/html html; text/javascript js; }}
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}
"""


@contextmanager
def reader(folder: Path, package: Path, url: str) -> Iterator[str]:
    """ReplayWeb.page behind nginx on loopback, with a page that opens `url` of the package."""
    (folder / "replay").mkdir(parents=True)
    shutil.copy(REPLAYWEB / "ui.js", folder)
    shutil.copy(REPLAYWEB / "sw.js", folder / "replay")
    shutil.copy(package, folder)
    (folder / "index.html").write_text(READER.format(source=f"/{package.name}", url=url), encoding="utf-8")
    port = free_port()
    (folder / "nginx.conf").write_text(CONFIGURATION.format(port=port, root=folder), encoding="utf-8")
    folder.chmod(0o755)
    server = subprocess.Popen(
        [shutil.which("nginx") or "nginx", "-p", str(folder), "-c", "nginx.conf", "-g", "user root;"],
        stderr=subprocess.PIPE,
    )
    try:
        for _time in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.communicate(timeout=10)


def replayed(browser: Any, address: str, ready: str) -> dict[str, Any]:
    """What the innermost frame shows once `ready` is true in it."""
    page = browser.new_page()
    for time_ in range(400):
        if time_ % 100 == 0:
            page.goto(address)  # its service worker sometimes misses the first call: a person would load it again
        for frame in page.frames:
            if "mp_/http" in frame.url and frame.evaluate(f"() => document.readyState === 'complete' && {ready}"):
                seen: dict[str, Any] = frame.evaluate(
                    "() => ({title: document.title, text: document.body.innerText,"
                    " colour: getComputedStyle(document.body).color,"
                    " width: [...document.images].map(i => i.naturalWidth)})"
                )
                page.close()
                return seen
        page.wait_for_timeout(100)
    raise AssertionError([frame.url for frame in page.frames])


@pytest.fixture(scope="module", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[wacz.Package]]:
    """The start URL, and a capture and its recapture, packed. (Before there is a browser: its driver has a loop.)"""
    routes: dict[str, Route] = {
        "/": page(
            '<html><head><meta charset="gbk"><title>旅游局</title><link rel="stylesheet" href="s.css"></head>'
            '<body>欢迎光临<img src="p.png"><a href="a.html">a</a></body></html>',
            charset="gbk",
        ),
        "/a.html": page("<title>甲</title><p>第二页"),
        "/s.css": page("body{color:rgb(1, 2, 3)}", "text/css"),
        "/p.png": page(PNG, "image/png"),
    }
    folder = tmp_path_factory.mktemp("packages")
    with serving(routes) as web:
        captures = [captured(web, folder / "store").capture]
        time.sleep(1.1)  # a reader keeps one answer of a URL for each second
        captures.append(captured(web, folder / "store").capture)
        return web.url(), [wacz.package(one, folder / f"{number}.wacz") for number, one in enumerate(captures)]


@pytest.mark.parametrize(("number", "originals"), [(0, 0), (1, 5)], ids=["first", "recapture"])
def test_replayweb_page_shows_what_was_captured(
    number: int, originals: int, packages: tuple[str, list[wacz.Package]], browser: Any, tmp_path: Path
) -> None:
    """Title, text in GBK, style sheet and picture; in the second capture they are revisits of the first."""
    package = packages[1][number]
    assert package.originals == originals
    with reader(tmp_path, package.path, packages[0]) as address:
        seen = replayed(browser, address, "document.images.length === 1 && document.images[0].complete")
    assert seen["title"] == "旅游局"
    assert "欢迎光临" in seen["text"]
    assert seen["colour"] == "rgb(1, 2, 3)"
    assert seen["width"] == [1]
