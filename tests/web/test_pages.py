"""Every kind of page in a real browser, behind a real server with the configuration that `sitegen headers` prints."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sitegen import servers
from sitegen.interaction import seals
from tests.archive.servers import SERVERS, free_port
from tests.cities import ROOT
from tests.demo import Demo
from tests.kinds import KINDS, RETIRED, with_both_editions

pytestmark = pytest.mark.needs("chromium", "nginx", "webtools")
TOOLS = ROOT / ".webtools/node_modules"
HOST = "www.example.gov.cn"
PAGES = {
    **KINDS,
    **RETIRED,
    "search-results": "/search?q=%E5%8C%BB%E4%BF%9D",
    "search-nothing": "/search?q=%E9%A9%B4%E5%94%87",
}
MODES = ("default", "dark", "contrast", "elder")
STYLE_RULES = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
"""What a mode can break: a mode changes tokens of the style sheet and nothing else."""


@dataclass(frozen=True, slots=True)
class Served:
    base: str
    release: Path
    browser: Browser


@pytest.fixture(scope="module")
def served(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample city after its demo (an old site and an old column are retired), on loopback under its own name, with
    the two services behind the web server as docs/messages.md and docs/search.md say. Search asks the service."""
    settings = sample / "mkdocs.yml"
    settings.write_text(settings.read_text(encoding="utf-8") + "extra: {search: service}\n", encoding="utf-8")
    demo = Demo(root=with_both_editions(sample), say=lambda line: None)
    demo.run()
    demo.command("archive", "retire", "jyj/old-column")
    release = (sample / "build/site").resolve()
    configuration = servers.nginx(f"https://{HOST}/", release.as_posix())
    arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {HOST} 127.0.0.1, EXCLUDE localhost"]
    letters, search = free_port(), free_port()
    for place, port in (("/messages/", letters), ("= /search", search)):
        passed = f"location {place} {{ proxy_set_header X-Forwarded-For $remote_addr; proxy_pass http://127.0.0.1:{port}; }}\n"
        configuration = configuration.rstrip().removesuffix("}") + passed + "}\n"
    folder = tmp_path_factory.mktemp("nginx")
    with SERVERS["nginx"](folder, configuration) as port, sync_playwright() as playwright:
        base = f"http://{HOST}:{port}"
        with (
            service(sample, letters, "messages", "--origin", base, "--asks", "0", "--letters", "0", "--looks", "0"),
            service(sample, search, "search", "--asks", "0"),
        ):
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            yield Served(base, release, browser)
            browser.close()


@contextmanager
def service(root: Path, port: int, name: str, *options: str) -> Iterator[None]:
    """`sitegen NAME serve`, taking requests."""
    command = [sys.executable, "-m", "sitegen", name, "serve", "--port", str(port), "--trusted-proxy", "127.0.0.1"]
    running = subprocess.Popen([*command, *options], cwd=root, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            assert running.poll() is None
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield
    finally:
        running.terminate()
        running.wait(20)


def choose(page: Page, mode: str) -> None:
    """As a reader does it: in the strip, and dark where the device asks for it."""
    page.emulate_media(color_scheme="dark" if mode == "dark" else "light")
    label = page.locator(f"label[for=gov-{mode if mode in {'contrast', 'elder'} else 'standard'}]")
    if label.is_visible():  # the way back stands there only where it is one
        label.click()


WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI));
window.shift = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


AXE = (
    "(o) => axe.run(document, {...o, resultTypes: ['violations'], elementRef: false}).then((r) => r.violations.map("
    "(v) => v.id + ' ' + v.nodes.slice(0, 3).map((n) => n.target + ' ' + n.any.map((a) => a.message)).join(' | ')))"
)


def opened(served: Served) -> Page:
    """An empty page at 1280 px that watches its own policy and movement, and can be looked at by axe-core."""
    context = served.browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    context.add_init_script((TOOLS / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    return context.new_page()


def in_every_mode(page: Page, width: int) -> list[str]:
    """What is wrong with the page that is open at a width, a line each that names the mode. In the default mode by all
    rules of axe-core, in the others by those that a style sheet can break. Nothing slides sideways at
    320 px and at 200 % zoom."""
    told: list[str] = []
    for mode in MODES:
        choose(page, mode)
        found = examine(page, mode)
        if width == 1280:
            for narrower in (640, 320):
                page.set_viewport_size({"width": narrower, "height": 700})
                if (over := page.evaluate(SIDEWAYS)) > 0:
                    found.append(f"{over} px too wide at {narrower}")
            page.set_viewport_size({"width": 1280, "height": 900})
        told += [f"{mode} at {width}: {problem}" for problem in found]
    choose(page, "default")
    return told


def test_every_kind_is_accessible_in_every_mode(served: Served) -> None:
    """axe-core finds nothing at 1280 and at 390 px: by all its rules in the default mode, by those that a style sheet
    can break in the others. At 320 px and at 200 % zoom nothing slides sideways; no request leaves the host; the strict
    policy is in force and nothing breaks it; nothing moves while a page loads (default mode, at both widths)."""
    page = opened(served)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    told: dict[str, list[str]] = {kind: [] for kind in PAGES}
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for kind, url in PAGES.items():
            told[kind] += visit(page, served.base + url) + in_every_mode(page, width)
    page.context.close()
    assert {kind: problems for kind, problems in told.items() if problems} == {}
    assert [url for url in asked if not url.startswith(served.base)] == []


LETTER = {"subject": "转学要哪些材料", "text": "孩子要从外地转回本市，请问要哪些材料，到哪里办。", "name": "周小明"}


def write_letter(page: Page, base: str, look: Callable[[str], None]) -> None:
    """As a citizen does, from the column's own page to the answer to the tracking number; `look` is told each page."""
    page.goto(base + "/hdjl/")
    page.click("summary:has-text('我要写信')")
    page.click("summary:has-text('查询办理进度')")
    look("form")
    form = page.locator("details form.letter").first
    for name, value in LETTER.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("[name=type]").select_option("咨询")
    form.locator("[name=unit]").select_option("jyj")
    form.locator("button").click()
    assert "请至少留下电话或邮箱" in page.inner_text("[role=alert]")
    look("refused")
    page.fill("[name=phone]", "0000-1234567")
    page.locator("form.letter button").first.click()
    shown = time.monotonic()
    look("check")
    page.wait_for_timeout(max(0.0, seals.HASTE + 1 - (time.monotonic() - shown)) * 1000)
    page.click("button:has-text('确认提交')")
    number = page.inner_text("dd.nb")
    look("received")
    page.fill("[name=number]", number)
    page.click("button:has-text('查询办理进度')")
    assert "已收到" in page.inner_text("main dl")
    look("status")
    page.fill("[name=number]", "20261122-0000-0000")
    page.click("button:has-text('查询办理进度')")
    assert not page.locator("main dl").count()
    look("unknown")


def test_every_page_of_a_letter_is_accessible_in_every_mode(served: Served) -> None:
    """The form, the same with its mistakes, the check, the number, the answer to a number: by all rules of axe-core in the
    default mode and by those of style in the others, at 1280 and 390 px; nothing slides sideways at 320 px."""
    page = opened(served)
    told: dict[str, list[str]] = {}

    def look(state: str) -> None:
        told[state] = page.evaluate("violations") + in_every_mode(page, 1280)
        page.set_viewport_size({"width": 390, "height": 900})
        told[state] += in_every_mode(page, 390)
        page.set_viewport_size({"width": 1280, "height": 900})

    write_letter(page, served.base, look)
    page.context.close()
    assert {"form", "refused", "check", "received", "status", "unknown"} <= set(told)
    assert {state: problems for state, problems in told.items() if problems} == {}


def test_a_citizen_without_javascript_finds_a_page_and_writes_a_letter(served: Served) -> None:
    """From the box in the head to a result, and on to its page; then a letter, to the answer to its number."""
    context = served.browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(served.base + "/")
    page.fill("#gov-q", "醫保")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*")
    first = page.locator(".hit h2 a").first
    title = first.inner_text()
    assert "医保" in page.locator(".hit").first.inner_text()
    first.click()
    assert page.locator("h1").inner_text().replace("\u200b", "") == title
    write_letter(page, served.base, lambda state: None)
    context.close()


def visit(page: Page, url: str) -> list[str]:
    """Opened at the width that is set, in the default mode: what broke the policy, and what moved."""
    answer = page.goto(url, wait_until="load")
    assert answer is not None
    assert answer.ok, url
    policies = answer.headers["content-security-policy"].splitlines()  # the service's own, and the web server's
    assert policies[-1] == servers.HEADERS["Content-Security-Policy"]
    problems: list[str] = page.evaluate("violations")
    if not page.locator(".gov-body img:not([width])").count():
        shift: float = page.evaluate("shift")
        if shift > 0.01:
            problems.append(f"layout shift {shift}")
    return problems


def examine(page: Page, mode: str) -> list[str]:
    """What axe-core finds at the width and in the mode that are set."""
    only = {} if mode == "default" else {"runOnly": {"type": "rule", "values": STYLE_RULES}}
    found: list[str] = page.evaluate(AXE, only)
    return found


def test_every_kind_is_valid_html(served: Served) -> None:
    """html-validate, the standard and the document rules."""
    files = [
        served.release / f"{url[1:]}index.html" if url.endswith("/") else served.release / url[1:]
        for url in {**KINDS, **RETIRED}.values()
    ]
    command: list[str | Path] = [
        TOOLS / ".bin/html-validate",
        "--config",
        ROOT / "tests/web/htmlvalidate.json",
        "-f",
        "json",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "tests/web")
    reports = json.loads(done.stdout)
    told = [
        f"{Path(report['filePath']).name}: {message['ruleId']}: {message['message']} ({message['selector']})"
        for report in reports
        for message in report["messages"]
    ]
    assert told == []
    assert done.returncode == 0


def test_a_reader_without_a_mouse_gets_everywhere(served: Served) -> None:
    """Tab reaches the skip link first, then every link and field of the header, and leaves at the end of the page; what
    has the focus can be seen; the menu and an article open by Enter."""
    context = served.browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(served.base + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#main"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.goto(served.base + "/tzgg/")
    seen: list[str] = []
    for _ in range(300):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(() => { const e = document.activeElement; if (e === document.body) return null;"
            "const shown = e.matches('fieldset input') ? document.querySelector(`label[for=${e.id}]`) : e;"
            "const s = getComputedStyle(shown); const r = shown.getBoundingClientRect();"
            "return [e.tagName + ' ' + (e.href || e.id || e.name), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 3"
            " && r.width > 0 && r.height > 0]; })()"
        )
        if focus is None:
            break
        seen.append(focus[0])
        assert focus[1], f"the focus cannot be seen on {focus[0]}"
    else:
        pytest.fail(f"Tab does not leave the page: {seen[-3:]}")
    assert len(seen) == len(set(seen)) or seen.count(seen[0]) == 1
    page.locator("nav.nav a", has_text="办事服务").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/bsfw/")
    page.locator("main .rows a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/bsfw/**.html")
    page.go_back()
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    standard = page.locator("label[for=gov-standard]")
    assert not standard.is_visible()  # it names the way back, and there is none to go yet
    page.locator("#gov-elder").focus()
    page.keyboard.press("Space")
    assert (page.evaluate(size), standard.inner_text(), standard.is_visible()) == (24, "标准模式", True)
    page.keyboard.press("ArrowLeft")
    assert (page.evaluate(size), standard.is_visible()) == (16, False)
    context.close()


def test_everything_works_without_javascript(served: Served) -> None:
    """Menu, modes, text size and the way out to other hosts."""
    context = served.browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(served.base + "/")
    page.click("nav.nav a >> text=通知公告") if page.locator("nav.nav a >> text=通知公告").count() else page.click(
        "nav.nav a >> nth=1"
    )
    page.locator("main .rows a").first.click()
    heading = page.locator("h1").inner_text()
    assert heading
    before = page.locator(".gov-body").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    page.click("label[for=gov-large]")
    assert page.locator(".gov-body").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > before
    background = "e => getComputedStyle(e).backgroundColor"
    assert page.locator("body").evaluate(background) == "rgb(255, 255, 255)"
    page.click("label[for=gov-contrast]")
    assert page.locator("body").evaluate(background) == "rgb(0, 0, 0)"
    here = page.url
    page.click("text=以后都用高对比")
    assert page.url == here  # the server set the cookie and led back
    page.goto(served.base + "/zcwj/")
    assert page.locator("body").evaluate(background) == "rgb(0, 0, 0)"
    page.click(".keep .o a")
    assert page.url == served.base + "/zcwj/"
    assert page.locator("body").evaluate(background) == "rgb(255, 255, 255)"
    context.close()


def test_a_link_away_asks_first(served: Served) -> None:
    """Without a script; the way on and the way back are there, and Escape is not needed: nothing is trapped."""
    context = served.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.base + "/en/202609/t20260922_1025.html")
    link = page.locator(".gov-body a[href^='#gov-leave-']").first
    assert not page.locator("#gov-leave-1").is_visible()
    link.click()
    assert page.locator("#gov-leave-1").is_visible()
    onward = page.locator("#gov-leave-1 a.p")
    assert onward.get_attribute("href") == "https://www.museum.example/visit"
    assert onward.get_attribute("rel") == "external noopener noreferrer"
    page.click("#gov-leave-1 a >> text=留在本页")
    assert not page.locator("#gov-leave-1").is_visible()
    context.close()
