"""Our own pages retire too: captured by fetching the live release over loopback, afterwards served in place."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from archive import decision as decisions
from archive import store, successor
from archive.crawling import capture as capturing
from archive.crawling.capture import CaptureReport
from archive.crawling.frontier import Frontier, Row
from archive.crawling.options import Options
from archive.crawling.scope import Scope
from archive.decision import Decision
from archive.net.fetch import ConnectTo
from archive.progress import Show
from archive.publishing import publish, published
from archive.store import Capture
from archive.text import _
from archive.warcs import recall
from sitegen import files, lifecycle
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, Refused
from sitegen.rules import registry


def site_id(path: str) -> str:
    """`jyj/old-column` → `jyj--old-column`."""
    return path.strip("/").removesuffix("/index.md").removesuffix(".md").replace("/", "--")


def path_of(site: str) -> str:
    """`jyj--old-column` → `jyj/old-column`, the path under content/."""
    return site.replace("--", "/")


def is_own(decision: Decision, site_url: str) -> bool:
    """Whether what retires is on our own host: a section may have the name of an old site that moves into it."""
    return set(decision.hosts) == {urlsplit(site_url).netloc}


def is_there(content: Path, site: str) -> bool:
    """Whether the site ID names a page or a folder of ours."""
    path = path_of(site)
    return (content / path / "index.md").exists() or (content / f"{path}.md").exists()


def decision_text(site: str, site_url: str, today: str) -> str:
    """The decision file to paste and complete."""
    path = path_of(site)
    return (
        f"site: {site}\nhosts: [{urlsplit(site_url).netloc}]\nstart: [{site_url.rstrip('/')}/{path}/]\n"
        f"name: …\nunit: …\nreason: 栏目停更\napproval: {{document: …, date: {today}}}\n"
        f"successor: {{site: {path.split('/')[0]}, url: /{path.split('/')[0]}/}}\nretention: 永久\n"
    )


def load_decision(content: Path, site: str, site_url: str, today: str) -> Decision:
    """Raises Refused when nobody has decided yet, for our own pages with the text to paste."""
    if is_there(content, site) and not (content / "_archive" / f"{site}.yml").exists():
        raise Refused(
            [
                Problem(
                    path=f"{content.as_posix()}/_archive/{site}.yml",
                    code="own-decision-missing",
                    message=_("nobody has decided yet that {path} retires (第十五条, 第十九条)").format(
                        path=path_of(site)
                    ),
                    remedy=_("write the file, completed:") + "\n" + decision_text(site, site_url, today),
                )
            ]
        )
    decision = decisions.load(content, site)
    if not is_own(decision, site_url):
        return decision
    return replace(decision, start=(f"{site_url.rstrip('/')}/{path_of(site)}/",))


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The release on loopback; yields the port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the capture keeps the record."""

    handler = functools.partial(Quiet, directory=str(folder.resolve()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def capture(
    decision: Decision, *, build: Path, place: Path, now: datetime, progress: Show = lambda said: None
) -> CaptureReport:
    """Fetch exactly the pages and files of the live release at or below the path, and what they need to be shown.

    Raises Refused when there is no live release, or nothing of it lies below the path.
    """
    manifest = _manifest(build)
    site_url = str(manifest["site_url"])
    base = site_url.rstrip("/")
    pages, others = _below(manifest, path_of(decision.site))
    if not pages:
        raise Refused(
            [_problem(decision, _("the live release has no page below /{path}/").format(path=path_of(decision.site)))]
        )
    parts = urlsplit(site_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    decision = replace(
        decision,
        hosts=(parts.netloc,),
        allow_private=tuple(dict.fromkeys((*decision.allow_private, "127.0.0.1"))),
        robots="ignore",
    )
    start = [base + quote(_public(str(entry["url"])), safe="/%") for entry in [*pages, *others]]
    # Each page is named itself; a prefix would let links to other pages below it in, which no longer exist.
    scope = Scope(hosts=(parts.netloc,), prefixes=tuple(urlsplit(url).path for url in start))
    with served(build / "site") as loopback:
        return capturing.capture(
            decision,
            store=place,
            now=now,
            start=start,
            options=Options(
                connect_to=(ConnectTo(host=host, port=port, address="127.0.0.1", to_port=loopback),),
                plain_tls=parts.scheme == "https",
            ),
            scope=scope,
            progress=progress,
        )


def publish_in_place(
    capture: Capture, decision: Decision, *, build: Path, public: Path, content: Path, now: datetime
) -> publish.PublishReport:
    """The index of an in-place archive: no copies; the generator keeps each page at its version of the capture."""
    began = datetime.now(UTC)
    publish.refuse_incomplete(decision)
    _refuse_before_announced(content, decision, now)
    noted = store.read_manifest(capture)
    index = public / capture.site / f"{capture.timestamp}.json"
    manifest = _manifest(build)
    archived_on = publish.archive_date(noted, decision, now)
    published_at = str(noted.get("published_at") or began.isoformat(timespec="seconds"))
    # The versions are those of the capture: a second run, after later edits, must not take newer ones.
    before = _versions(index) if index.exists() else {}
    pages = [
        before.get(page["url"], page)
        for page in _pages(capture, manifest, path_of(decision.site), str(manifest["site_url"]))
    ]
    places = successor.Places.read(content, decision)
    approval = decision.approval
    record: dict[str, Any] = {
        "format": "published/1",
        "site": capture.site,
        "timestamp": capture.timestamp,
        "mode": "in-place",
        "label": decision.label,
        "archived_on": archived_on.isoformat(),
        "name": decision.name or decision.site,
        "unit": decision.unit,
        "reason": decision.reason,
        "approval": {"document": approval.document, "date": approval.date.isoformat()} if approval else None,
        "retention": decision.retention,
        "start": decision.start[0],
        "home": next((page["url"] for page in pages), f"/{path_of(decision.site)}/"),
        "successor": {"url": places.home.url, "title": places.home.title},
        "counts": {"captured": len(pages), "pages": len(pages), "images": 0, "files": 0, "stamped": len(pages)},
        "capture": {
            "id": capture.id,
            "warc": [path.name for path in capture.warcs],
            "sha256": {
                name: about["sha256"] for name, about in sorted(noted["files"].items()) if name.endswith(".warc.gz")
            },
        },
        "columns": [],
        "pages": pages,
        "files": {},
    }
    updated = {**noted, "archived_on": archived_on.isoformat(), "published_at": published_at}
    if updated != noted:
        store.write_manifest(capture, updated)
    written = files.write_atomic(index, published.as_bytes(record))
    return publish.PublishReport(
        capture=capture.id,
        index=index,
        archived_on=archived_on,
        counts=record["counts"],
        written=int(written),
        kept=int(not written),
        deleted=0,
        removed={},
        seconds=(datetime.now(UTC) - began).total_seconds(),
        problems=(),
    )


def _refuse_before_announced(content: Path, decision: Decision, now: datetime) -> None:
    """第十二条: pages that say until when they stay do stay."""
    record = lifecycle.load(content, decision.site)
    event = record.last("banner") if record else None
    if record is None or event is None or record.last("published"):
        return
    until = lifecycle.stands_until(event, int(registry.number("notice_days", content)))
    if now.astimezone(SHANGHAI).date() < until:
        raise Refused(
            [
                Problem(
                    path=decision.path,
                    code="own-announced-until",
                    message=_("the pages say that they stay until {date} (第十二条)").format(date=until),
                    remedy=_("run the command again on that day"),
                )
            ]
        )


def _versions(index: Path) -> dict[str, dict[str, Any]]:
    return {str(page["url"]): page for page in published.read_index(index)["pages"]}


def _pages(capture: Capture, manifest: Mapping[str, Any], path: str, site_url: str) -> list[dict[str, Any]]:
    """Captured pages that have a source, by URL, with the version that was live."""
    with Frontier(capture.frontier, read_only=True) as frontier:
        rows = {row.url: row for row in frontier.rows("captured")}
    base = site_url.rstrip("/")
    found = []
    for entry in _below(manifest, path)[0]:
        url = _public(str(entry["url"]))
        row = rows.get(base + quote(url, safe="/%"))
        if row is None or not entry.get("source"):
            continue
        found.append(
            {
                "target_uri": row.url,
                "url": url,
                "title": entry.get("title") or row.title or row.url,
                "kind": "page",
                "captured_at": row.captured_at,
                "date": None,
                "record_id": _record_id(capture, row),
                "payload_digest": row.payload_digest,
                "successor": None,
                "source": entry["source"],
                "digest": entry["digest"],
                "blob": entry["blob"],
            }
        )
    return sorted(found, key=lambda page: str(page["url"]))


def _record_id(capture: Capture, row: Row) -> str:
    return recall.response(capture, row).record_id


def _below(manifest: Mapping[str, Any], path: str) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """(pages, files) of the release at or below the path."""

    def inside(url: str) -> bool:
        return url.startswith(f"/{path}/") or url in {f"/{path}", f"/{path}.html"}

    pages = [entry for entry in manifest.get("pages", ()) if inside(str(entry["url"]))]
    others = [entry for entry in manifest.get("files", ()) if inside(str(entry["url"]))]
    return pages, others


def _public(url: str) -> str:
    """`/jyj/old-column/index.html` is served and linked as `/jyj/old-column/`."""
    return url.removesuffix("index.html") if url.endswith("/index.html") else url


def _manifest(build: Path) -> Mapping[str, Any]:
    manifest = successor.live_manifest(build.parent)
    if not manifest:
        raise Refused(
            [
                Problem(
                    path=(build / "site").as_posix(),
                    code="own-no-release",
                    message=_("there is no live release to capture our own pages from"),
                    remedy=_("run `sitegen build` first"),
                )
            ]
        )
    return manifest


def _problem(decision: Decision, message: str) -> Problem:
    return Problem(
        path=decision.path,
        code="own-nothing-below",
        message=message,
        remedy=_("check the path; only what is published now can be archived (run `sitegen build`)"),
    )
