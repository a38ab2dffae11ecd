"""The browser pass: pages whose scripts may know more links are opened in Chromium, which never reaches the network.

Every request of a page is answered from the capture: what is stored already, what our own client fetches and stores
now, or nothing. So each byte is in the WARC as it was sent, nothing is asked for twice, and scope, robots.txt and the
refusal of private addresses hold for the browser as for the crawl.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive import canon
from archive.crawling import chromium, front, options, page_scripts, traps
from archive.crawling.crawl import Crawl
from archive.crawling.frontier import Frontier, Opened, Row
from archive.discover import Kind, Link
from archive.store import Capture
from archive.text import _
from archive.warcs import recall
from archive.warcs.warc import StoredResponse
from sitegen.errors import Problem
from sitegen.files import write_atomic

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request, Route

SECONDS_A_PAGE = 30.0
REQUESTS_A_PAGE = 500
MOST_PAGES = 1000
MOST_SCREENSHOTS = 12
# So many openings in a row that found nothing end the interest in pages with the same scripts; in pages whose scripts
# look harmless, one does.
_BARREN = 5
_QUIET = 0.2
_LONGEST_ANSWER = 5.0
_STEPS = 25
_CLICKS = 40
_CACHE = 64 << 20
_TALLEST = 16_000
_DROPPED = frozenset({
    "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "strict-transport-security",
    "content-disposition", "alt-svc",
})  # fmt: skip
_LABELS = {
    "gb18030": "gb18030",
    "cp1252": "windows-1252",
    "big5hkscs": "big5",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
}


@dataclass(slots=True)
class _Visit:
    """What one open page has done so far."""

    row: Row
    scripted: bool
    started: bool = False
    pending: int = 0
    requests: int = 0
    crashed: bool = False
    last: float = 0.0
    links: dict[str, Kind] = field(default_factory=dict)
    facts: set[tuple[str, str]] = field(default_factory=set)

    def count(self, change: int) -> None:
        """One more or one less answer that the page waits for."""
        self.pending += change
        self.last = _now()


class BrowserPass:
    """Called each time the crawl has nothing left to fetch; says whether it may have found something.

    Which pages were opened is remembered in the frontier, so a resumed capture opens none of them again.
    """

    def __init__(self, capture: Capture, frontier: Frontier, mode: options.Browser, start: Sequence[str]) -> None:
        self._capture, self._frontier, self._mode, self._start = capture, frontier, mode, tuple(start)
        self._homes: frozenset[str] = frozenset(start)
        self._cache: OrderedDict[str, StoredResponse] = OrderedDict()
        self._cached = 0
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None

    async def __call__(self, crawl: Crawl) -> bool:
        if self._mode == "never" or chromium.lacking():
            return False
        self._homes = frozenset(await crawl.do(lambda: [front.home(self._frontier, url) for url in self._start]))
        pages, passed = await crawl.do(self._choose)
        await crawl.do(self._frontier.note_opened, passed)
        for page in pages:
            row = await crawl.do(self._frontier.get, page.key)
            if row is not None and row.state == "captured":
                await self._open(crawl, row, page)
        return bool(pages) or await self._take_evidence(crawl)

    async def close(self) -> None:
        await self._stack.aclose()
        self._browser = None

    def _choose(self) -> tuple[list[Opened], list[Opened]]:
        """The next pages to open, one of each kind of scripts, and those that are not worth it."""
        barren: Counter[str] = Counter()
        done = 0
        waiting: list[Opened] = []
        for page in self._frontier.scripted():
            if page.outcome is None:
                waiting.append(page)
            elif page.outcome != "passed":
                done += 1
                barren[page.scripts] = 0 if page.new else barren[page.scripts] + 1
        chosen: dict[str, Opened] = {}
        passed = []
        for page in waiting:
            if self._mode == "auto" and (
                barren[page.scripts] >= (_BARREN if page.reason else 1) or done + len(chosen) >= MOST_PAGES
            ):
                passed.append(page.closed("passed"))
            else:
                chosen.setdefault(page.scripts, page)
        return list(chosen.values()), passed

    async def _take_evidence(self, crawl: Crawl) -> bool:
        """At the end: pages of each shape that no opening has shown."""
        rows = await crawl.do(lambda: [r for r in self._frontier.rows("captured") if "html" in (r.mime or "")])
        known = {page.key: page for page in await crawl.do(self._frontier.scripted)}
        shown = self._shapes(known.values())
        before = await crawl.size()
        for row in rows:
            shape = self._shape(row.url)
            page = known.get(row.key) or Opened(key=row.key, url=row.url, scripts="", reason="evidence")
            if shape not in shown and len(shown) < MOST_SCREENSHOTS and page.outcome not in ("crashed", "time"):
                shown.add(shape)
                await self._open(crawl, row, page)
        return await crawl.size() > before

    def _shapes(self, pages: Iterable[Opened]) -> set[str]:
        """Of which there is a screenshot."""
        return {self._shape(page.url) for page in pages if page.screenshot}

    def _shape(self, url: str) -> str:
        """home, list, or what an article's address looks like: how deep it lies, whether it has a number, its extension."""
        if url in self._homes:
            return "home"
        if url in self._start:
            return "splash"
        path = url.partition("?")[0]
        name = path.rpartition("/")[2]
        if not name or name.startswith(("index", "default", "list")):
            return "list"
        number = "#" if traps.pattern(name) != name else ""
        return f"{path.count('/') - 3} {number}.{name.rpartition('.')[2]}"

    async def _open(self, crawl: Crawl, row: Row, page: Opened) -> None:
        """Open one page, let it run, and write down what that showed."""
        before = await crawl.size()
        visit = _Visit(row=row, scripted=bool(page.scripts), last=_now())
        shot = None
        outcome = "opened"
        try:
            browser = await self._started()
            async with asyncio.timeout(SECONDS_A_PAGE):
                shot = await self._run(crawl, browser, visit)
        except TimeoutError:
            outcome = "time"
        except Exception as error:
            # Whatever goes wrong in the browser ends this page, never the capture.
            if not isinstance(error, chromium.error()):
                raise
            outcome = "crashed"
        if visit.crashed or outcome != "opened":
            outcome = "time" if outcome == "time" else "crashed"
            await self._restart()
        links = [Link(url=url, kind=kind, source="browser") for url, kind in visit.links.items()]
        await crawl.note(links, row)
        new = await crawl.size() - before
        done = page.closed(outcome, new=page.new + new, screenshot=shot, facts=sorted({*page.facts, *visit.facts}))
        await crawl.do(self._frontier.note_opened, [done])

    async def _run(self, crawl: Crawl, browser: Browser, visit: _Visit) -> str | None:
        context = await browser.new_context(
            service_workers="block", accept_downloads=False, viewport={"width": 1280, "height": 900}
        )
        try:
            await context.add_init_script(page_scripts.STEADY)
            page = await context.new_page()
            page.on("crash", lambda _page: setattr(visit, "crashed", True))
            context.on("page", lambda popup: asyncio.ensure_future(_shut(popup)) if popup != page else None)
            context.on("request", lambda _request: visit.count(+1))
            context.on("requestfinished", lambda _request: visit.count(-1))
            context.on("requestfailed", lambda _request: visit.count(-1))
            await context.route("**/*", lambda route, request: self._answer(crawl, visit, page, route, request))
            with suppress(chromium.error()):
                await page.goto(visit.row.url, wait_until="domcontentloaded", timeout=SECONDS_A_PAGE * 1000)
            await self._look_around(page, visit)
            return await self._screenshot(crawl, page, visit.row)
        finally:
            with suppress(TimeoutError, chromium.error()):
                async with asyncio.timeout(5):
                    await context.close()

    async def _look_around(self, page: Page, visit: _Visit) -> None:
        await self._settle(page, visit)
        if not visit.scripted:
            return
        height = await page.evaluate("() => document.documentElement.scrollHeight")
        for _step in range(_STEPS):
            asked = visit.requests
            now = await page.evaluate(page_scripts.SCROLL)
            if now == height:
                await asyncio.sleep(0.05)
            if now == height and asked == visit.requests:
                break
            await self._settle(page, visit)
            height = now
        for route in await page.evaluate(page_scripts.ROUTES):
            await page.evaluate("hash => { location.hash = hash; }", route)
            await self._settle(page, visit)
        for _step in range(_STEPS):
            asked = visit.requests
            if not await page.evaluate(page_scripts.CLICK, [0, True]):
                break
            await self._settle(page, visit)
            if asked == visit.requests:
                break
        handlers = min(await page.evaluate(page_scripts.CLICK, [-1, False]), _CLICKS)
        for number in range(handlers):
            await page.evaluate(page_scripts.CLICK, [number, False])
            await self._settle(page, visit, quiet=0.03)
        if handlers:
            await self._settle(page, visit)

    async def _settle(self, page: Page, visit: _Visit, quiet: float = _QUIET) -> None:
        """Until nothing was asked for during `quiet` seconds and the page's code rests; then note what links there
        are. An answer that never ends is not waited for."""
        asked = -1
        await asyncio.sleep(min(quiet, 0.05))
        while asked != visit.requests:
            asked = visit.requests
            while _now() - visit.last < (_LONGEST_ANSWER if visit.pending > 0 else quiet):
                await asyncio.sleep(0.02)
            await page.evaluate(page_scripts.REST)
        for frame in page.frames:
            with suppress(chromium.error()):
                for kind, url in await frame.evaluate(page_scripts.COLLECT):
                    self._note(visit, url, kind)

    def _note(self, visit: _Visit, url: str, kind: Kind) -> None:
        absolute = canon.resolve(visit.row.url, url) if url[:4] == "http" else None
        if absolute and len(absolute) < 4096 and len(visit.links) < 20_000:
            visit.links.setdefault(absolute, kind)

    async def _answer(self, crawl: Crawl, visit: _Visit, page: Page, route: Route, request: Request) -> None:
        """Fulfil a request from the capture, or abort it."""
        visit.requests += 1
        # A page may be gone before its requests are answered.
        with suppress(chromium.error()):
            answer = await self._find(crawl, visit, page, request)
            if answer is None:
                await route.abort("aborted" if request.is_navigation_request() else "failed")
            else:
                await route.fulfill(status=answer[0], headers=answer[1], body=answer[2])

    async def _find(
        self, crawl: Crawl, visit: _Visit, page: Page, request: Request
    ) -> tuple[int, dict[str, str], bytes] | None:
        if request.method != "GET":
            # Asking again for what a page posts might do what the page does.
            visit.facts.add((request.method, request.url))
            return None
        url = canon.resolve(request.url, request.url)
        if url is None or visit.requests > REQUESTS_A_PAGE:
            return None
        if request.is_navigation_request() and _leaves(request, page):
            if visit.started or _is_popup(request, page):
                self._note(visit, url, "page")
                return None
            visit.started = True
            return _reply(await self._stored(crawl, visit.row), visit.row)
        row = await crawl.answer(Link(url=url, kind="requisite", source="browser"), visit.row)
        for _hop in range(5):
            if row is None or row.redirect_to is None:
                break
            row = await crawl.answer(Link(url=row.redirect_to, kind="requisite", source="location"), visit.row)
        if row is None or row.warc is None or row.redirect_to is not None:
            return None
        return _reply(await self._stored(crawl, row), row)

    async def _stored(self, crawl: Crawl, row: Row) -> StoredResponse:
        """The stored answer; what pages share (scripts, styles) is read once."""
        if row.key in self._cache:
            self._cache.move_to_end(row.key)
            return self._cache[row.key]
        answer = await crawl.do(recall.response, self._capture, row)
        self._cache[row.key] = answer
        self._cached += 2 * len(answer.body)
        while self._cached > _CACHE and len(self._cache) > 1:
            _key, old = self._cache.popitem(last=False)
            self._cached -= 2 * len(old.body)
        return answer

    async def _screenshot(self, crawl: Crawl, page: Page, row: Row) -> str | None:
        shown = self._shapes(await crawl.do(self._frontier.scripted))
        if len(shown) >= MOST_SCREENSHOTS or self._shape(row.url) in shown:
            return None
        await page.evaluate("() => window.scrollTo(0, 0)")
        height = min(int(await page.evaluate("() => document.documentElement.scrollHeight")), _TALLEST)
        picture = await page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": max(height, 1)})
        folder = self._capture.folder / "screenshots"
        folder.mkdir(exist_ok=True)
        kind = {"home": "home", "list": "column", "splash": "other"}.get(self._shape(row.url), "article")
        before = len(list(folder.glob(f"{kind}*.png")))
        name = f"{kind}-{before + 1}.png" if before else f"{kind}.png"
        write_atomic(folder / name, picture)
        return f"screenshots/{name}"

    async def _started(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            await self.close()
            self._stack = AsyncExitStack()
            self._browser = await chromium.start(self._stack)
        return self._browser

    async def _restart(self) -> None:
        """A page that hangs or crashed may have taken the browser with it."""
        with suppress(TimeoutError, chromium.error()):
            async with asyncio.timeout(10):
                if self._browser is not None:
                    await self._browser.close()
        with suppress(TimeoutError, chromium.error()):
            async with asyncio.timeout(10):
                await self.close()
        self._browser = None


def problems(capture: Capture, frontier: Frontier, mode: options.Browser) -> list[Problem]:
    """Pages that needed the browser and were not seen by it."""
    if mode == "never":
        return []
    pages = list(frontier.scripted())
    waiting = sum(1 for page in pages if page.outcome is None and page.reason)
    broken = [page.url for page in pages if page.outcome in ("crashed", "time")]
    found = []
    if waiting and (cause := chromium.lacking()):
        text = _("{number} pages build links by script and were not opened in a browser: {cause}").format(
            number=waiting, cause=cause
        )
        found.append(_warning(capture, "capture-browser-missing", text, _("install it and capture the site again")))
    if broken:
        text = _("{number} pages did not end well in the browser, {url} among them").format(
            number=len(broken), url=broken[0]
        )
        remedy = _("look at them by hand: what only their scripts know may be missing")
        found.append(_warning(capture, "capture-browser-failed", text, remedy))
    return found


def _warning(capture: Capture, code: str, message: str, remedy: str) -> Problem:
    return Problem(path=capture.folder.as_posix(), code=code, severity="warning", message=message, remedy=remedy)


def _reply(answer: StoredResponse, row: Row) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers if name.lower() not in _DROPPED}
    if row.charset and "html" in (row.mime or ""):
        # The charset that decodes, not the one that is claimed: as the crawl has read the page.
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        headers["Content-Type"] = f"{row.mime}; charset={_LABELS.get(row.charset, row.charset)}"
    return answer.status, headers, answer.body


def _leaves(request: Request, page: Page) -> bool:
    """Whether this navigation would replace the page itself or open another one, not a frame within."""
    try:
        return request.frame.parent_frame is None
    except chromium.error():
        return True


def _is_popup(request: Request, page: Page) -> bool:
    try:
        return request.frame != page.main_frame
    except chromium.error():
        return True


async def _shut(popup: Page) -> None:
    """Long enough open for its first request to be noted."""
    with suppress(chromium.error()):
        await asyncio.sleep(0.2)
        await popup.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
