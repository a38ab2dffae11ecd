"""The index of a publication, `build/public/<site>/<timestamp>.json`: all that the generator reads (FORMATS §4)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from archive import store
from archive.crawling import front
from archive.crawling.frontier import Frontier, Row
from archive.decision import Decision
from archive.migration import article
from archive.publishing import copies, exhibits
from archive.publishing.copies import Copies
from archive.publishing.made import Context, Made, PageFacts
from archive.store import Capture
from archive.text import _
from sitegen import files
from sitegen.errors import Problem, Refused
from sitegen.lifecycle import SiteRecord

_Placed = tuple[str, Mapping[str, Any]]
"""A page's path on its old site, and its entry in the index."""


def index_of(
    context: Context, decision: Decision, made: Made, moved: Mapping[str, str], inventory: Sequence[Row]
) -> dict[str, Any]:
    """`moved`: target URI → the page of ours that its text is now; `inventory`: every URL of the capture."""
    capture, planned = context.capture, context.copies
    publication = context.publication
    related = _related_before(context)
    pages = [{**_page_entry(context, page, moved), "related": related.get(page.target_uri, [])} for page in made.pages]
    kinds = Counter(page["kind"] for page in pages)
    start = decision.start[0] if decision.start else f"http://{decision.hosts[0]}/"
    with Frontier(capture.frontier, read_only=True) as frontier:
        home = front.home(frontier, start)
    return {
        "format": "published/1",
        "site": capture.site,
        "timestamp": capture.timestamp,
        "mode": "copies",
        "label": publication.label,
        "archived_on": publication.archived_on.isoformat(),
        "name": publication.name,
        "unit": decision.unit,
        "reason": publication.reason,
        "seal": decision.seal.as_json(),
        "approval": approval_of(decision),
        "retention": decision.retention,
        "start": start,
        "replay": home,
        "home": publication.folder + _home(planned, home),
        "successor": {"url": publication.successor_url, "title": publication.successor_title},
        "counts": {
            "captured": len(planned),
            "pages": kinds["page"],
            "images": kinds["image"],
            "files": kinds["file"],
            "stamped": len(pages),
        },
        "removed": dict(sorted(made.removed.items())),
        "capture": {
            "id": capture.id,
            "warc": [path.name for path in capture.warcs],
            "sha256": warc_digests(capture),
            "wacz": publication.evidence or None,
        },
        "inventory": exhibits.inventory(store.read_manifest(capture).get("counts", {})),
        "exhibits": exhibits.of(context, made),
        "columns": _columns(context, decision, pages, inventory),
        "proof": _before(context).get("proof"),
        "pages": pages,
        "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest, _) in sorted(made.files.items())},
    }


def _page_entry(context: Context, page: PageFacts, moved: Mapping[str, str]) -> dict[str, Any]:
    return {
        "target_uri": page.target_uri,
        "url": context.publication.folder + page.name,
        "title": page.title,
        "kind": page.kind,
        "captured_at": page.captured_at,
        "date": page.date or None,
        "record_id": page.record_id,
        "payload_digest": page.payload_digest,
        "successor": moved.get(page.target_uri),
        "removed": page.removed,
        "stamped_copy": context.publication.folder + page.stamped_copy if page.stamped_copy else None,
    }


def approval_of(decision: Decision) -> dict[str, str] | None:
    approval = decision.approval
    return {"document": approval.document, "date": approval.date.isoformat()} if approval else None


def _home(planned: Copies, url: str) -> str:
    """The copy of the old home page."""
    copy = copies.find(planned, url)
    return copies.followed(planned, copy).shown if copy else copies.NOT_CAPTURED


def warc_digests(capture: Capture) -> dict[str, str]:
    listed = store.read_manifest(capture)["files"]
    return {name: about["sha256"] for name, about in sorted(listed.items()) if name.endswith(".warc.gz")}


def _columns(
    context: Context, decision: Decision, pages: Sequence[Mapping[str, Any]], inventory: Sequence[Row]
) -> list[dict[str, Any]]:
    """The old columns: those of the decision first, then every other folder of the old site with more than one page."""
    mapped = list(decision.successor.columns) if decision.successor else []
    html = [(urlsplit(page["target_uri"]).path, page) for page in pages if page["kind"] == "page"]
    first = Counter(path.split("/")[1] for path, _ in html if path.count("/") > 1)
    prefixes = [prefix.strip("/") for prefix in mapped]
    prefixes += sorted(name for name, number in first.items() if number > 1 and name not in prefixes)
    outcomes = _outcomes(inventory, prefixes)
    inside: dict[str, list[_Placed]] = {prefix: [] for prefix in prefixes}
    for path, page in html:
        for prefix in columns_around(path, inside):
            inside[prefix].append((path, page))
    columns = []
    for prefix in prefixes:
        below = inside[prefix]
        front = _front_page(prefix, below)
        title = article.page_title(front["title"], context.publication.name) if front else ""
        columns.append(
            {
                "path": prefix,
                "title": title or prefix,
                "pages": len(below),
                "url": front["url"] if front else None,
                "successor": context.places.column_url(prefix),
                "successor_title": context.places.columns[prefix].title if prefix in context.places.columns else None,
                "appraisal": _appraisal(decision, prefix),
                "outcomes": dict(sorted(outcomes[prefix].items())),
            }
        )
    return columns


def _outcomes(inventory: Sequence[Row], prefixes: Sequence[str]) -> dict[str, Counter[str]]:
    """What became of the addresses below each column, by state; of nested columns the inner one has them."""
    found: dict[str, Counter[str]] = {prefix: Counter() for prefix in prefixes}
    for row in inventory:
        for prefix in list(columns_around(urlsplit(row.url).path, found))[-1:]:
            found[prefix][row.state] += 1
    return found


def columns_around(path: str, prefixes: Container[str]) -> Iterator[str]:
    """Those of the prefixes that the path lies below, from the outermost: `/a/b/c.html` below `a` and `a/b`."""
    at = path.find("/", 1)
    while at > 0:
        if (prefix := path[1:at]) in prefixes:
            yield prefix
        at = path.find("/", at + 1)


def _appraisal(decision: Decision, prefix: str) -> dict[str, Any] | None:
    """第十五条: whether the column's pages are worth keeping (有价值原网页), why, and who decided."""
    for one in decision.appraisals:
        if one.column == prefix:
            return {"keep": one.keep, "reason": one.reason, "by": one.by, "on": one.on.isoformat() if one.on else None}
    return None


def _related_before(context: Context) -> dict[str, list[dict[str, Any]]]:
    """What `archive relate` wrote for each page: a publication made anew keeps it."""
    return {page["target_uri"]: page.get("related", []) for page in _before(context).get("pages", ())}


def _before(context: Context) -> dict[str, Any]:
    """The index of a former publication of this capture; empty where there is none."""
    index = context.folder.parent / f"{context.folder.name}.json"
    return read_index(index) if index.exists() else {}


def _front_page(prefix: str, pages: Sequence[_Placed]) -> Mapping[str, Any] | None:
    """A column's list: `/lydt/`, `/lydt/index.html`, … in the order a server looks for them."""
    by_path: dict[str, Mapping[str, Any]] = {
        path.lower(): page for path, page in reversed(pages) if not page["title"].startswith("转向：")
    }
    for name in (
        "",
        "index.html",
        "index.htm",
        "default.htm",
        "default.html",
        "index.asp",
        "index.aspx",
        "index.jsp",
        "index.shtml",
        "list.html",
    ):
        if page := by_path.get(f"/{prefix}/{name}".lower()):
            return page
    lists = [page for path, page in sorted(by_path.items()) if re.search(r"/(?:list|index|node)[^/]*$", path)]
    return lists[0] if lists else None


def as_bytes(record: Mapping[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_index(path: Path) -> dict[str, Any]:
    """A published index. Raises Refused when there is none."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        site = path.parent.name
        raise Refused(
            [
                Problem(
                    path=path.as_posix(),
                    code="archive-not-published",
                    message=_("there is no published index of this capture"),
                    remedy=_("run `archive publish {site}`").format(site=site),
                )
            ]
        ) from None
    return value


def others(public: Path, site: str, timestamp: str) -> Iterator[dict[str, Any]]:
    """The indexes of the site's other publications, oldest first; the generator tells of one that cannot be read."""
    for path in sorted((public / site).glob("*.json")):
        if path.stem != timestamp:
            with suppress(Refused):
                yield read_index(path)


def newest_index(public: Path, site: str) -> Path:
    """The index of the site's newest publication; where there is none, the place it would have."""
    found = sorted((public / site).glob("*.json"))
    return found[-1] if found else public / site / "index-missing.json"


def is_current(index: Path, decision: Decision) -> bool:
    """Whether this publication still says what the decision says, and all its copies are there."""
    try:
        record = read_index(index)
    except Refused:
        return False
    said = [record.get(key) for key in ("label", "name", "unit", "reason", "approval", "retention", "seal")]
    folder = index.with_suffix("")
    return (
        said
        == [
            decision.label,
            decision.name or decision.site,
            decision.unit,
            decision.reason,
            approval_of(decision),
            decision.retention,
            decision.seal.as_json(),
        ]
        and not (decision.package == "keep" and record["capture"]["wacz"])
        and all(
            (folder / name).is_file() and (folder / name).stat().st_size == about["bytes"]
            for name, about in record["files"].items()
        )
    )


def update_successors(index: Path, moved: Mapping[str, str]) -> bool:
    """Write into the index where its pages' information is now; False when it said so already."""
    record = read_index(index)
    for page in record["pages"]:
        page["successor"] = moved.get(page["target_uri"])
    return files.write_atomic(index, as_bytes(record))


def update_related(index: Path, related: Mapping[str, list[dict[str, object]]]) -> bool:
    """Write into the index which present articles its pages are related to; False when it said so already."""
    record = read_index(index)
    for page in record["pages"]:
        page["related"] = related.get(page["target_uri"], [])
    return files.write_atomic(index, as_bytes(record))


def events_of(record: SiteRecord | None) -> list[dict[str, str]]:
    """The steps of a retirement so far (_records/sites/<id>.yml), for the catalogue."""
    return [
        {"event": event.event, "date": event.on.isoformat(), "document": event.facts.get("document", "")}
        for event in (record.events if record else ())
    ]


def update_proof(index: Path, proof: Mapping[str, Any]) -> bool:
    """Write what a proof found into the index, for the catalogue; False when it said so already, on whatever day."""
    record = read_index(index)
    if {**(record.get("proof") or {}), "on": None} == {**proof, "on": None}:
        return False
    return files.write_atomic(index, as_bytes({**record, "proof": proof}))


def update_events(index: Path, record: SiteRecord | None) -> bool:
    """Write the steps into the index; False when it said so already."""
    return files.write_atomic(index, as_bytes({**read_index(index), "events": events_of(record)}))
