"""ReplayWeb.page, in a real browser, shows what was captured: from our package alone, the old server gone."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error

from archive.packing import wacz
from archive.redirection import lookup
from sitegen import reader
from tests.archive.oldweb import Route, captured, page, serving
from tests.archive.retired import Retired
from tests.archive.servers import SERVERS, ask
from tests.archive.test_publish_browser import browser as browser
from tests.archive.test_replay import shown
from tests.cities import ROOT
from tests.conftest import REPLAYWEB

pytestmark = pytest.mark.needs("chromium", "nginx", "replayweb")

READER = """<!doctype html><meta charset="utf-8"><script src="/archive/replay/frame/ui.js" defer></script>
<script src="/assets/replay.js" defer></script>
<div id="replay" data-source="{source}" data-url="{url}" data-frame="{frame}" data-wait="wait"><p>failed</p></div>"""
SEEN = """() => ({title: document.title, text: document.body.innerText, colour: getComputedStyle(document.body).color,
  width: [...document.images].map(i => i.naturalWidth)})"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100"
    "c9fe92ef0000000049454e44ae426082"
)


CONFIGURATION = """server {{ listen 80; root {root}; default_type application/octet-stream;
  types {{ text/html html; text/javascript js; }} }}
"""


@contextmanager
def served(folder: Path, package: Path, url: str) -> Iterator[str]:
    """ReplayWeb.page behind nginx on loopback, with a page that opens `url` of the package."""
    for file, (_digest, path) in reader.carried(REPLAYWEB).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / file)
    (folder / "assets").mkdir()
    shutil.copy(ROOT / "themes/gov" / reader.SCRIPT.removeprefix("/"), folder / "assets")
    shutil.copy(package, folder)
    text = READER.format(source=f"/{package.name}", url=url, frame=reader.FRAME)
    (folder / "index.html").write_text(text, encoding="utf-8")
    with SERVERS["nginx"](folder / "nginx", CONFIGURATION.format(root=folder)) as port:
        yield f"http://127.0.0.1:{port}/"


def replayed(browser: Any, address: str, ready: str, asked: list[str] | None = None) -> dict[str, Any]:
    """What the innermost frame shows once `ready` is true in it. The page is opened once: nobody has to load it again."""
    context = browser.new_context()
    if asked is not None:
        context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(address)
    for _time in range(300):
        for frame in page.frames:
            with suppress(Error):  # an old home page that leads on by itself
                if "mp_/http" in frame.url and frame.evaluate(f"() => document.readyState === 'complete' && {ready}"):
                    seen: dict[str, Any] = frame.evaluate(SEEN)
                    context.close()
                    return seen
        page.wait_for_timeout(100)
    raise AssertionError([frame.url for frame in page.frames])


@pytest.fixture(scope="module", autouse=True)
def packages(retired: Retired, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[wacz.Package]]:
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
    with served(tmp_path, package.path, packages[0]) as address:
        seen = replayed(browser, address, "document.images.length === 1 && document.images[0].complete")
    assert seen["title"] == "旅游局"
    assert "欢迎光临" in seen["text"]
    assert seen["colour"] == "rgb(1, 2, 3)"
    assert seen["width"] == [1]


def test_an_operator_sees_what_was_captured_before_it_is_public(retired: Retired, browser: Any) -> None:
    """`archive replay`: the old home page and its picture, from the capture alone, and no request to another host."""
    asked: list[str] = []
    with shown(retired.capture, REPLAYWEB) as address:
        seen = replayed(browser, address, "document.images.length > 0", asked)
        assert all(url.startswith(address.partition("/archive/")[0]) for url in asked if url.startswith("http"))
    assert "旅游局" in seen["title"]


@pytest.mark.parametrize("own_host", [False, True], ids=["path", "own-host"])
@pytest.mark.parametrize("server", [pytest.param(name, marks=pytest.mark.needs(name)) for name in SERVERS])
def test_the_built_site_opens_its_retired_site_as_it_was(
    server: str, own_host: bool, retired: Retired, browser: Any, tmp_path: Path
) -> None:
    """From the catalogue's link, under the generated configuration: the old page is shown, nothing is asked of another
    host, and nothing of it can lead the window away."""
    portal, host = "www.example.gov.cn", "replay.example.gov.cn"
    options = ("--replay-host", host) if own_host else ()
    catalogue = (retired.site / "archive/lyj/index.html").read_text(encoding="utf-8")
    path = reader.url_of("lyj", retired.capture.timestamp)
    assert f'href="{path}"' in catalogue
    asked: list[str] = []
    with SERVERS[server](tmp_path, retired.headers(server, *options)) as port:
        origins = [f"http://{name}:{port}" for name in (portal, host)]
        arguments = [
            "--no-sandbox",
            f"--host-resolver-rules=MAP {portal} 127.0.0.1, MAP {host} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--unsafely-treat-insecure-origin-as-secure={','.join(origins)}",
        ]
        apart = browser.browser_type.launch(executable_path="/usr/bin/chromium", args=arguments)
        start = origins[own_host] + path
        answer = ask(port, host if own_host else portal, path)
        seen = replayed(apart, start, "document.images.length > 0", asked)
        apart.close()
        if own_host:
            status, headers, _ = ask(port, portal, path)
            assert (status, headers["location"]) == (302, f"http://{host}{path}")
            status, headers, _ = ask(port, host, "/whlyj/")
            assert (status, headers["location"]) == (302, f"https://{portal}/whlyj/")
    assert answer[0] == 200
    assert answer[1]["content-security-policy"] == reader.POLICY
    assert "示例市旅游局" in seen["title"] + seen["text"]
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {start.split("/")[2]}


def test_pages_of_the_archive_are_no_less_sandboxed_where_the_reader_lies_beside_them(retired: Retired) -> None:
    """The reader's policy lets scripts run; no stamped page has it."""
    assert "allow-scripts" in reader.POLICY
    assert "allow-top-navigation" not in reader.POLICY
    assert not re.search(lookup.COPIES, reader.PAGES + "x.html")
    assert not re.search(lookup.COPIES, reader.FRAME)
