"""What we put before citizens beside an old page is accessible: the catalogue, the report, and our own pages in an archive.

Old pages are shown as they were, with whatever they lacked; axe-core is asked about everything around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.archive.retired import Retired
from tests.archive.servers import SERVERS
from tests.cities import ROOT

pytestmark = pytest.mark.needs("chromium", "nginx", "webtools")
HOST = "www.example.gov.cn"
AXE = ROOT / ".webtools/node_modules/axe-core/axe.min.js"
FIND = """() => axe.run({exclude: ['archived-html', 'iframe']}, {resultTypes: ['violations'], elementRef: false}).then(
  (found) => found.violations.map((one) => one.id + ' ' + one.nodes.slice(0, 3).map(
    (node) => node.target + ' ' + [...node.any, ...node.all].map((said) => said.message)).join(' | ')))"""
STAMPED = "document.body.firstElementChild.matches('[data-archived]')"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def portal(retired: Retired, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page in a browser and the portal's address. The policy is passed over, for axe-core is a script."""
    sync_api = pytest.importorskip("playwright.sync_api")
    folder = tmp_path_factory.mktemp("nginx")
    with SERVERS["nginx"](folder, retired.headers("nginx")) as port, sync_api.sync_playwright() as playwright:
        rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1, EXCLUDE localhost"
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", rules])
        context = browser.new_context(bypass_csp=True)
        yield context.new_page(), f"http://{HOST}:{port}"
        browser.close()


def addresses(retired: Retired) -> dict[str, str]:
    """One of each kind: those of the portal, and under `copy …` those that are stamped."""
    index, folder = retired.index, f"/archive/lyj/{retired.capture.timestamp}/"
    pages = index["pages"]
    pdf = next(one["url"] for one in pages if one["stamped_copy"])
    article = next(one["url"] for one in pages if one["kind"] == "page" and one["date"])
    moved = next(one["url"] for one in pages if one["title"].startswith("转向："))
    leaving = next(name for name in sorted(index["files"]) if name.startswith("leaving/"))
    lists = sorted(path.name for path in (retired.site / "archive/lyj").glob("*.html"))
    first = {
        kind: next(name for name in lists if name.startswith(kind)) for kind in ("year-", "letter-", "undated", "files")
    }
    return {
        "catalogue": "/archive/",
        "site": "/archive/lyj/",
        "report": f"/archive/lyj/report-{retired.capture.timestamp}.html",
        "list": "/archive/lyj/column-1.html",
        **{f"list {kind}": f"/archive/lyj/{name}" for kind, name in first.items()},
        "copy of an article": article,
        "copy of a redirect": moved,
        "copy of a file": pdf,
        "copy that is missing": f"{folder}not-captured.html",
        "copy before another host": folder + leaving,
    }


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_of_ours_in_an_archive_is_hard_to_reach(width: int, portal: Any, retired: Retired) -> None:
    """第十五条 with GB/T 37668: axe-core finds nothing in what stands around old pages, and nothing of it slides sideways."""
    page, base = portal
    page.set_viewport_size({"width": width, "height": 900})
    told = {}
    for kind, url in addresses(retired).items():
        answer = page.goto(base + quote(url), wait_until="load")
        assert (answer.status, page.evaluate(STAMPED)) == (200, kind.startswith("copy")), kind
        page.evaluate(AXE.read_text(encoding="utf-8"))
        told[kind] = page.evaluate(FIND)
        if (over := page.evaluate(SIDEWAYS)) > 0:
            told[kind].append(f"{over} px too wide")
    assert {kind: problems for kind, problems in told.items() if problems} == {}
