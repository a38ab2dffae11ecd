"""The main job whole: the sample city, one old site retired, one column of our own retired, judged by others' tools."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sitegen import serve
from tests.cities import ROOT, copy_sample
from tests.conftest import REPLAY
from tests.demo import HOST, SITE, Demo

EXPECTED = json.loads((ROOT / "tests/sites/lyj/_expected.json").read_text(encoding="utf-8"))


@dataclass(slots=True, kw_only=True)
class Retired:
    """A project in which the demo ran once, and what it said."""

    demo: Demo
    lines: list[str]
    before: dict[str, str]
    after: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.demo.root

    @property
    def site(self) -> Path:
        return self.root / "build" / "site"

    @property
    def capture(self) -> Path:
        [folder] = sorted((self.root / "build/archive" / SITE).glob("2*"))
        return folder

    @property
    def index(self) -> dict[str, Any]:
        [path] = sorted((self.root / "build/public" / SITE).glob("*.json"))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def retired(tmp_path_factory: pytest.TempPathFactory) -> Retired:
    lines: list[str] = []
    demo = Demo(root=copy_sample(tmp_path_factory.mktemp("retired")), say=lines.append)
    before = demo.snapshot()
    demo.run()
    return Retired(demo=demo, lines=lines, before=before, after=demo.snapshot())


def test_the_retirement_ends_waiting_for_time_alone(retired: Retired) -> None:
    """第十二条(三): the notice stays for at least 30 days; nothing else is missing that a person could do before."""
    status = retired.demo.command("archive", "status", SITE)
    states = {step["name"]: step["state"] for step in status["steps"]}
    assert "refused" not in states.values()
    until = date.fromisoformat(status["outcome"].removeprefix("waiting until "))
    assert until >= date.today() + timedelta(days=29)
    assert "waiting until" in "\n".join(retired.lines)


def test_every_page_of_the_old_site_was_captured_as_it_was_served(retired: Retired) -> None:
    entries = [
        line.split(" ", 2)[2] for line in (retired.capture / "indexes/index.cdxj").read_text("utf-8").splitlines()
    ]
    captured = {entry["url"]: entry for entry in map(json.loads, entries)}
    missing = []
    for page in EXPECTED["urls"]:
        wanted = re.sub(r";jsessionid=\w+", "", page["url"])  # another name of the same page, not another page
        if page["status"] == 200 and not any(_same(wanted, url) for url in captured):
            missing.append(page["url"])
    assert missing == []


def _same(expected: str, captured: str) -> bool:
    path = captured.split(HOST, 1)[-1]
    return expected in {captured, path} or quote(expected, safe="/%?=&;.-_~:") == path


def test_the_summary_counts_what_there_is(retired: Retired) -> None:
    text = "\n".join(retired.lines)
    counts = {line.split()[0]: line.split()[1] for line in retired.lines if len(line.split()) == 2}
    assert int(counts["captured"]) >= 150
    assert int(counts["stamped"]) >= 100
    assert int(counts["migrated"]) >= 40
    assert int(counts["redirected"]) >= 40
    assert int(counts["notices"]) == 2  # the banner for the old home page, the notice on the portal
    assert "content/whlyj/lyzx/" in text
    assert "make demo-undo" in text


def test_old_articles_are_readable_where_their_content_moved(retired: Retired) -> None:
    """整合迁移: title and text of every mapped article stand on a page of the new site."""
    pages = [path.read_text(encoding="utf-8") for path in (retired.site / "whlyj").rglob("t*_9*.html")]
    text = "\n".join(pages)
    articles = [
        page
        for page in EXPECTED["urls"]
        if page.get("kind") == "article" and page["status"] == 200 and page.get("column") != "en"
    ]
    assert len(articles) >= 40
    assert [page["title"] for page in articles if page["title"] not in text] == []


def test_a_second_demo_adds_and_captures_nothing(retired: Retired) -> None:
    lines: list[str] = []
    Demo(root=retired.root, say=lines.append).run()
    assert retired.demo.snapshot() == retired.after
    assert "0 files were added under content/" in lines
    assert "   0 verdicts" in lines
    assert retired.capture.is_dir()


def test_no_character_of_the_old_pages_is_broken(retired: Retired) -> None:
    titles = {page["target_uri"].split(HOST, 1)[-1]: page["title"] for page in retired.index["pages"]}
    for page in EXPECTED["urls"]:
        if page["status"] == 200 and page.get("title") and page["url"] in titles:
            assert page["title"] in titles[page["url"]], page["url"]
    for path in (retired.site / "archive").rglob("*.html"):
        assert "\ufffd" not in path.read_text(encoding="utf-8"), path


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with serve.server(folder, 0) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.needs("chromium")
def test_every_archived_page_shows_its_stamp_first(retired: Retired) -> None:
    """第十五条: prominent and clear. On a phone: within the first 200 px, with the label and the archive date."""
    from playwright.sync_api import sync_playwright

    stamped = sorted((retired.site / "archive" / SITE / retired.index["timestamp"]).rglob("*.html"))
    assert len(stamped) >= 110
    with served(retired.site) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
        for path in stamped:
            page.goto(base + "/" + quote(path.relative_to(retired.site).as_posix()))
            _assert_stamped(page, retired.index["archived_on"], path)
        browser.close()


def _assert_stamped(page: Any, archived_on: str, path: Path) -> None:
    stamp = page.locator("[data-archived]").first
    assert stamp.is_visible(), path
    box = stamp.bounding_box()
    assert box is not None
    assert box["y"] < 200, path
    assert box["x"] >= 0, path
    text = stamp.inner_text()
    assert "已歸檔" in text, path
    assert archived_on in text, path
    for wanted in ("已歸檔", archived_on):
        places = [found.bounding_box() for found in stamp.get_by_text(wanted).all() if found.is_visible()]
        assert any(place and place["y"] + place["height"] <= 844 for place in places), (path, wanted)
    assert "已歸檔" in page.title(), path


@pytest.mark.needs("chromium")
def test_a_column_of_our_own_retires_in_place(retired: Retired) -> None:
    """第十五条 for our own pages: same address, stamped, out of lists; captured by really fetching the live release."""
    from playwright.sync_api import sync_playwright

    result = retired.demo.command("archive", "retire", "jyj/old-column")
    assert result["outcome"] in {"retired", "due"} or result["outcome"].startswith("waiting")
    own = sorted((retired.site / "jyj/old-column").rglob("*.html"))
    assert len(own) == 4
    assert "old-column" not in (retired.site / "jyj/index.html").read_text(encoding="utf-8")
    assert "old-column" not in (retired.site / "sitemap.xml").read_text(encoding="utf-8")
    [index_file] = sorted((retired.root / "build/public/jyj--old-column").glob("*.json"))
    index = json.loads(index_file.read_text(encoding="utf-8"))
    assert index["mode"] == "in-place"
    assert index["start"] == "https://www.example.gov.cn/jyj/old-column/"
    with served(retired.site) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
        for path in own:
            page.goto(base + "/" + path.relative_to(retired.site).as_posix())
            _assert_stamped(page, index["archived_on"], path)
        browser.close()
    before = {path: path.read_bytes() for path in own}
    report = retired.demo.command("sitegen", "build")
    assert report["rendered"] == 0
    assert {path: path.read_bytes() for path in own} == before


def warcs(retired: Retired) -> list[Path]:
    return sorted((retired.root / "build/archive").rglob("*.warc.gz"))


def test_every_warc_passes_the_checks_of_warcio_and_fastwarc(retired: Retired) -> None:
    found = warcs(retired)
    assert len(found) >= 2
    bin_folder = ROOT / ".venv/bin"
    for path in found:
        for tool in (["warcio", "check", "-v"], ["fastwarc", "check", "-p"]):
            done = subprocess.run(
                [str(bin_folder / tool[0]), *tool[1:], str(path)], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (tool, path.name, done.stdout[-2000:], done.stderr[-2000:])
            assert "digest failed" not in done.stdout.lower()


@pytest.mark.needs("replay")
def test_cdxj_indexer_finds_the_same_urls(retired: Retired, tmp_path: Path) -> None:
    captured = [
        path for path in warcs(retired) if path.parent.parent == retired.capture and path.name != "stamped.warc.gz"
    ]
    done = subprocess.run(
        [str(REPLAY / "cdxj-indexer"), *map(str, captured)], capture_output=True, text=True, check=True
    )
    theirs = _cdxj(done.stdout)
    ours = _cdxj((retired.capture / "indexes/index.cdxj").read_text(encoding="utf-8"))
    assert {key: entry["url"] for key, entry in ours.items()} == {key: entry["url"] for key, entry in theirs.items()}
    assert len(ours) >= 150


def _cdxj(text: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """(SURT, timestamp, offset) → facts."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("!") and line:
            key, timestamp, facts = line.split(" ", 2)
            entry = json.loads(facts)
            found[key, timestamp, entry["offset"]] = entry
    return found


@contextmanager
def pywb(folder: Path, warc_files: list[Path]) -> Iterator[str]:
    """pywb with one collection of these WARCs, on loopback."""
    subprocess.run([str(REPLAY / "wb-manager"), "init", SITE], cwd=folder, capture_output=True, check=True)
    subprocess.run(
        [str(REPLAY / "wb-manager"), "add", SITE, *map(str, warc_files)], cwd=folder, capture_output=True, check=True
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = subprocess.Popen(
        [str(REPLAY / "wayback"), "-b", "127.0.0.1", "-p", str(port)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/{SITE}"
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.needs("replay")
def test_pywb_replays_what_was_served(retired: Retired, tmp_path: Path) -> None:
    captured = [path for path in (retired.capture / "archive").glob("*.warc.gz") if path.name != "stamped.warc.gz"]
    truth = {page["url"]: page["sha256"] for page in EXPECTED["urls"] if page["status"] == 200}
    ours = _cdxj((retired.capture / "indexes/index.cdxj").read_text(encoding="utf-8"))
    checked = 0
    with pywb(tmp_path, captured) as base:
        for (_, timestamp, _), entry in ours.items():
            path = entry["url"].split(HOST, 1)[-1]
            if entry["status"] != "200" or path not in truth:
                continue
            with urllib.request.urlopen(f"{base}/{timestamp}id_/{entry['url']}", timeout=30) as answer:
                body = answer.read()
            assert hashlib.sha256(body).hexdigest() == truth[path].removeprefix("sha256:"), entry["url"]
            checked += 1
    assert checked >= 150


def test_the_demo_can_be_taken_back(retired: Retired) -> None:
    """Near the end: content/ is then what it was before the demo."""
    (retired.root / "content/_records/sites/jyj--old-column.yml").unlink(missing_ok=True)
    retired.demo.undo()
    assert retired.demo.snapshot() == retired.before


def test_a_demo_that_was_cut_off_can_be_taken_back_and_run_again(retired: Retired) -> None:
    """Runs last: killed after the drafts were written, nothing is lost and nothing stays behind."""
    retired.demo.begin()
    retired.demo.retire_from_old_site()
    assert retired.demo.snapshot() != retired.before
    retired.demo.undo()
    assert retired.demo.snapshot() == retired.before
    lines: list[str] = []
    Demo(root=retired.root, say=lines.append).run()
    assert "migrated    47" in lines
