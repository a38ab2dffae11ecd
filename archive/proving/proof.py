"""`archive verify` as the proof that a retirement is whole: every URL captured, stamped, linked, mapped, announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archive import store
from archive.crawling.frontier import Frontier, FrontierUnreadable, Row
from archive.proving import proof_copies, proof_public, verify
from archive.proving.evidence import (
    NAMES,
    Findings,
    Name,
    Published,
    Where,
    excuses_of,
    published_of,
    republish,
    rows_of,
)
from archive.store import Capture
from archive.text import _
from sitegen import lifecycle
from sitegen.errors import Problem, Refused, in_order
from sitegen.lifecycle import SiteRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing asked of every URL. `not_due` says why it is not asked yet; it is then no failure."""

    name: Name
    looked_at: int
    proven: int
    not_due: str = ""

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "looked_at": self.looked_at, "proven": self.proven, "not_due": self.not_due or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`coverage`: percent of the inventory for which everything that is due is proven; `orphans`: URLs that captured
    pages link but the inventory does not know."""

    capture: str
    coverage: float
    orphans: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    problems: tuple[Problem, ...]
    records: int
    urls: int
    looked_at: Mapping[str, int]

    def as_json(self) -> dict[str, object]:
        return {
            "capture": self.capture,
            "coverage": self.coverage,
            "orphans": list(self.orphans),
            "aspects": [aspect.as_json() for aspect in self.aspects],
            "problems": [problem.as_json() for problem in self.problems],
            "records": self.records,
            "urls": self.urls,
            "looked_at": dict(self.looked_at),
        }


def prove(where: Where) -> Proof:
    """Never raises for what is stored or published: what could not be looked at is a Problem.

    What a capture has not come to yet (publication, redirects, notice) is `not_due`: it is said, and is no failure.
    """
    findings = Findings()
    report = verify.verify(where.capture, excuses_of(where))
    findings.problems += report.problems
    rows = rows_of(where.capture)
    said = {problem.path for problem in report.problems if problem.severity == "error"}
    findings.fail("captured", (row.url for row in rows if row.url in said))
    record = lifecycle.load(where.content, where.capture.site)
    _check_manifest(where.capture, record, findings)
    known = _published(where, rows, record, findings)
    if known is not None:
        proof_copies.check(known, findings)
        proof_public.check(known, record, findings)
    return _summed_up(where, rows, report, findings)


def _published(where: Where, rows: tuple[Row, ...], record: SiteRecord | None, findings: Findings) -> Published | None:
    """The publication; None where there is none, which is a Problem only when one was recorded."""
    if not where.index.exists():
        event = record.last("published") if record else None
        if event is not None and event.facts.get("capture") == where.capture.id:
            findings.add(
                where.index, "proof-index-missing", _("the index of the publication is missing"), republish(where)
            )
            for name in NAMES[1:]:
                findings.fail(name, (row.url for row in rows))
            return None
        for name in NAMES[1:]:
            findings.not_due[name] = _("the capture is not published yet")
        return None
    try:
        return published_of(where, rows)
    except Refused as refused:
        findings.problems += refused.problems
        for name in NAMES[1:]:
            findings.fail(name, (row.url for row in rows))
        return None


def _check_manifest(capture: Capture, record: SiteRecord | None, findings: Findings) -> None:
    """The manifest agrees with the frontier, and with the digest that stands in the site's record, under git."""
    try:
        manifest = store.read_manifest(capture)
        with Frontier(capture.frontier, read_only=True) as frontier:
            counts = frontier.counts()
    except (Refused, FrontierUnreadable):
        return  # `verify` has said so
    findings.looked_at["listed"] += len(manifest.get("files", {}))
    remedy = _("restore capture.json from its backup")
    event = record.last("captured") if record else None
    named = event.facts.get("manifest") if event and event.facts.get("capture") == capture.id else None
    if named is not None and named != store.manifest_digest(capture):
        message = _("the manifest is not the one in the site's record ({record})").format(
            record=f"content/_records/sites/{capture.site}.yml"
        )
        findings.add(capture.manifest, "proof-manifest-changed", message, remedy)
    elif manifest.get("counts", counts) != counts or manifest.get("timestamp") != capture.timestamp:
        message = _("the manifest counts other URLs than the frontier has")
        findings.add(capture.manifest, "proof-manifest-changed", message, remedy)


def _summed_up(where: Where, rows: tuple[Row, ...], report: verify.VerifyReport, findings: Findings) -> Proof:
    due = [name for name in NAMES if name not in findings.not_due]
    lacking = set[str]().union(*(findings.failed[name] for name in due))
    proven = len(rows) - len(lacking)
    coverage = 100.0 * proven / len(rows) if rows else 0.0
    whole = proven == len(rows) and report.coverage == 100.0
    return Proof(
        capture=where.capture.id,
        # 99.999 % is not 100 %: rounding must not prove anything.
        coverage=coverage if whole else min(round(coverage, 2), report.coverage, 99.99),
        orphans=report.orphans,
        aspects=tuple(_aspect(name, len(rows), findings) for name in NAMES),
        problems=tuple(in_order(findings.problems)),
        records=report.records,
        urls=len(rows),
        looked_at=dict(sorted(findings.looked_at.items())),
    )


def _aspect(name: Name, urls: int, findings: Findings) -> Aspect:
    if reason := findings.not_due.get(name):
        return Aspect(name=name, looked_at=0, proven=0, not_due=reason)
    return Aspect(name=name, looked_at=urls, proven=urls - len(findings.failed[name]))
