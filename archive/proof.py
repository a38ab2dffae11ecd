"""`archive verify` as the proof that a retirement is whole: every URL captured, stamped, linked, mapped, announced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from archive import copies, decision, own, published, store, verify
from archive.copies import Copy
from archive.decision import Decision
from archive.frontier import Frontier, FrontierUnreadable, Row
from archive.store import Capture
from archive.text import _
from sitegen import lifecycle, records
from sitegen.errors import Problem, Refused, in_order
from sitegen.lifecycle import SiteRecord

Name = Literal["captured", "stamped", "links", "mapped", "announced"]
NAMES: tuple[Name, ...] = ("captured", "stamped", "links", "mapped", "announced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a proof looks at. `build` holds the live release; `site_url` is the portal's, empty where unknown."""

    capture: Capture
    content: Path
    public: Path
    build: Path
    site_url: str

    @property
    def index(self) -> Path:
        return self.public / self.capture.site / f"{self.capture.timestamp}.json"

    @property
    def copies(self) -> Path:
        return self.index.with_suffix("")

    @property
    def live(self) -> Path:
        """The copies in the live release."""
        return self.build / "site" / "archive" / self.capture.site / self.capture.timestamp

    @property
    def beside(self) -> Path:
        """The folder of what a retirement wrote: redirects, banner."""
        return self.capture.folder.parent


def unit_name(where: Where, decided: Decision) -> str:
    """The unit that answers for the site, by its name where the records know it."""
    known, _problems = records.load(where.content)
    unit = decided.unit or ""
    return known.unit_name(unit) if unit in known.units else unit


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


@dataclass(slots=True, kw_only=True)
class Findings:
    """What the checks note: Problems, and for each aspect the URLs of which it is not proven."""

    problems: list[Problem] = field(default_factory=list)
    failed: dict[Name, set[str]] = field(default_factory=lambda: {name: set() for name in NAMES})
    not_due: dict[Name, str] = field(default_factory=dict)
    looked_at: Counter[str] = field(default_factory=Counter)

    def add(self, path: str | Path, code: str, message: str, remedy: str, key: str | None = None) -> None:
        where = path if isinstance(path, str) else path.as_posix()
        self.problems.append(Problem(path=where, code=code, key=key, message=message, remedy=remedy))

    def fail(self, name: Name, urls: Iterable[str]) -> None:
        self.failed[name].update(urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The publication that is proven: its index, the inventory, and which URL has which copy."""

    where: Where
    decision: Decision
    index: Mapping[str, Any]
    rows: tuple[Row, ...]
    copies: Mapping[str, Copy]

    @property
    def in_place(self) -> bool:
        return self.index.get("mode") == "in-place"

    @property
    def built(self) -> bool:
        """Whether the live release carries this publication."""
        return (self.where.live / copies.NOT_CAPTURED).is_file()

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.index["files"]
        return found


def prove(where: Where) -> Proof:
    """Never raises for what is stored or published: what could not be looked at is a Problem.

    What a capture has not come to yet (publication, redirects, notice) is `not_due`: it is said, and is no failure.
    """
    from archive import proof_copies, proof_public

    findings = Findings()
    report = verify.verify(where.capture)
    findings.problems += report.problems
    rows = _rows(where.capture)
    said = {problem.path for problem in report.problems if problem.severity == "error"}
    findings.fail("captured", (row.url for row in rows if row.url in said))
    record = lifecycle.load(where.content, where.capture.site)
    _check_manifest(where.capture, record, findings)
    known = _published(where, rows, record, findings)
    if known is not None:
        proof_copies.check(known, findings)
        proof_public.check(known, record, findings)
    return _summed_up(where, rows, report, findings)


def _rows(capture: Capture) -> tuple[Row, ...]:
    """The inventory; `verify` has said so when it cannot be read."""
    try:
        with Frontier(capture.frontier, read_only=True) as frontier:
            return tuple(frontier.rows())
    except FrontierUnreadable:
        return ()


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


def published_of(where: Where, rows: tuple[Row, ...] | None = None) -> Published:
    """The publication of a capture. Raises Refused when it was not published, or nobody has decided on it."""
    index = published.read_index(where.index)
    decided = decision.load(where.content, where.capture.site)
    rows = _rows(where.capture) if rows is None else rows
    return Published(
        where=where,
        decision=decided,
        index={"files": {}, "pages": [], **index},
        rows=rows,
        copies={} if own.is_own(decided, where.site_url) else copies.plan(rows),
    )


def republish(where: Where) -> str:
    return _("run `archive publish {site}`, then look again").format(site=where.capture.site)


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
