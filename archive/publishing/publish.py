"""Publishing a capture: every captured URL becomes a stamped copy, the index of them all is written last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from archive import decision as decisions
from archive import store, successor
from archive.crawling.frontier import Frontier
from archive.decision import Decision
from archive.publishing import banner, copies, copying, exhibits, folder, moments, names, published, seal
from archive.publishing.made import Context
from archive.redirection import relate
from archive.store import Capture
from archive.successor import Places
from archive.warcs import warc
from sitegen import files, lifecycle, records
from sitegen.clock import SHANGHAI
from sitegen.errors import Problem, Refused, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """`written`, `kept`: files of this run that were new or altered, or already there; `removed`: what was taken out
    of the old pages, by kind."""

    capture: str
    index: Path
    archived_on: date
    counts: Mapping[str, int]
    written: int
    kept: int
    deleted: int
    removed: Mapping[str, int]
    seconds: float
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture,
            "index": self.index.as_posix(),
            "archived_on": self.archived_on.isoformat(),
            "counts": dict(self.counts),
            "written": self.written,
            "kept": self.kept,
            "deleted": self.deleted,
            "removed": dict(self.removed),
            "seconds": round(self.seconds, 3),
            "problems": [problem.as_json() for problem in self.problems],
        }


def publish(
    capture: Capture,
    decision: Decision,
    *,
    public: Path,
    content: Path,
    now: datetime,
    progress: Callable[[str], None] = lambda line: None,
) -> PublishReport:
    """Write `public/<site>/<timestamp>/` and, last, its index; run again, the same bytes.

    `now` gives the archive date where neither the decision nor an earlier publication did; the release beside
    `public` says which migrated pages readers can open already. Raises Refused when the
    decision lacks what a publication must say, or the capture is not finished.
    """
    began = time.monotonic()
    refuse_incomplete(decision)
    manifest = store.read_manifest(capture)
    archived_on = archive_date(manifest, decision, now)
    published_at = str(manifest.get("published_at") or datetime.now(UTC).isoformat(timespec="seconds"))
    places = Places.read(content, decision)
    with Frontier(capture.frontier, read_only=True) as frontier:
        inventory = list(frontier.rows())
    rows = [row for row in inventory if row.state in {"captured", "redirected"} and row.warc is not None]
    planned = copies.plan(rows, store.session_ids(manifest))
    publication = _publication(capture, decision, archived_on, places, content)
    info, moment = _companion_info(capture, decision, publication), datetime.fromisoformat(published_at)
    context = Context(
        capture=capture,
        folder=public / capture.site / capture.timestamp,
        there=folder.files_below(public / capture.site / capture.timestamp),
        publication=publication,
        places=places,
        copies=planned,
        written_by=copying.written_by_scripts(capture, rows, planned),
        hosts=decision.hosts,
        look=decision.seal,
        companion=warc.companion_id(capture.stamped.name, info, moment),
        published_at=moment,
        moments=moments.elsewhere(published.others(public, capture.site, capture.timestamp)),
    )
    with warc.companion(capture.stamped, info, moment) as keep:
        made = copying.make_all(context, rows, keep, progress)
    folder.carry_evidence(context, made)
    exhibits.carry(context, made)
    _note_publication(capture, manifest, archived_on, published_at)
    deleted = folder.delete_strangers(context.folder, made.files)
    index = public / capture.site / f"{capture.timestamp}.json"
    migrated = successor.migrated_pages(content, public.parent)
    record = published.index_of(
        context, decision, made, relate.moved(inventory, migrated, planned.session_ids), inventory
    )
    record["events"] = published.events_of(lifecycle.load(content, capture.site))
    files.write_atomic(index, published.as_bytes(record))
    anew = sum(new for _, _, new in made.files.values())
    return PublishReport(
        capture=capture.id,
        index=index,
        archived_on=archived_on,
        counts=record["counts"],
        written=anew,
        kept=len(made.files) - anew,
        deleted=deleted,
        removed=dict(sorted(made.removed.items())),
        seconds=time.monotonic() - began,
        problems=tuple(in_order(made.problems)),
    )


def refuse_incomplete(decision: Decision) -> None:
    """A publication names the site, its unit, the reason and the approval (第十二条, 第十五条)."""
    problems = decisions.missing_for_publication(decision) + seal.label_problems(decision.label, decision.path)
    if decision.seal.text:
        problems += seal.label_problems(decision.seal.text, decision.path, "seal.text")
    if problems:
        raise Refused(problems)


def archive_date(manifest: Mapping[str, Any], decision: Decision, now: datetime) -> date:
    """Fixed once: that of the first publication stays."""
    if manifest.get("archived_on"):
        return date.fromisoformat(str(manifest["archived_on"]))
    return decision.archived_on or now.astimezone(SHANGHAI).date()


def _publication(
    capture: Capture, decision: Decision, archived_on: date, places: Places, content: Path
) -> banner.Publication:
    online = decision.package == "publish" and capture.wacz.exists()
    return banner.Publication(
        site=capture.site,
        timestamp=capture.timestamp,
        name=decision.name or decision.site,
        owner=places.owner,
        label=decision.label,
        archived_on=archived_on,
        unit=records.load(content)[0].unit_name(decision.unit or ""),
        reason=decision.reason or "",
        successor_url=places.home.url,
        successor_title=places.home.title,
        evidence=names.folder_url(capture.site, capture.timestamp) + capture.wacz.name if online else "",
    )


def _companion_info(capture: Capture, decision: Decision, publication: banner.Publication) -> dict[str, str]:
    """What the `warcinfo` of the stamped pages says: what that of the captured ones said, and the date as it is."""
    return {
        **decision.as_fields(),
        "archived-on": publication.archived_on.isoformat(),
        "isPartOf": capture.id,
        "description": f"{publication.name}: the stamped pages of this capture",
    }


def _note_publication(capture: Capture, manifest: dict[str, Any], archived_on: date, published_at: str) -> None:
    name = capture.stamped.relative_to(capture.folder).as_posix()
    about = {"bytes": capture.stamped.stat().st_size, "sha256": files.sha256_file(capture.stamped)}
    noted = {
        **manifest,
        "archived_on": archived_on.isoformat(),
        "published_at": published_at,
        "files": {**manifest.get("files", {}), name: about},
    }
    if noted != manifest:
        store.write_manifest(capture, noted)
