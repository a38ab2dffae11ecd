"""Proving a capture: every record re-read, every digest recomputed, every URL and file accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archive import canon, discover, store, terms
from archive.crawling.frontier import Frontier, FrontierUnreadable, Row
from archive.crawling.scope import Scope
from archive.packing import merkle
from archive.store import Capture
from archive.terms import Excuse
from archive.text import _
from archive.warcs import cdxj, digests, recall, warc
from archive.warcs.records import ANSWERS, Checked, StoredResponse
from sitegen.errors import Problem, Refused, has_errors, in_order
from sitegen.files import sha256, sha256_file


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """`coverage`: percent of the inventory whose outcome is proven; `orphans`: URLs linked but not in it."""

    coverage: float
    orphans: tuple[str, ...]
    problems: tuple[Problem, ...]
    records: int

    def as_json(self) -> dict[str, object]:
        return {
            "coverage": self.coverage,
            "orphans": list(self.orphans),
            "problems": [problem.as_json() for problem in self.problems],
            "records": self.records,
        }


def verify(capture: Capture, excuses: Sequence[Excuse] = ()) -> VerifyReport:
    """Never raises for what the store contains: what could not be looked at is a Problem.

    A URL's outcome is proven when its record is where frontier and index say, names that URL, and has the
    digest that its bytes give; `excluded` is proven by its cause, what failed by the person who excused it, in
    the capture or by now; `failed` and `queued` never are.
    """
    proof = _Proof(capture=capture, excuses=excuses)
    manifest = proof.read_manifest()
    proof.foreign = "import" in manifest
    proof.check_files(manifest)
    proof.check_records()
    rows, earlier = proof.read_rows()
    proof.check_index([*rows, *earlier])
    proof.check_merkle(manifest)
    scope = _scope(manifest)
    session_ids = store.session_ids(manifest)
    proven = 0
    linked: dict[str, str] = {}
    for row in rows:
        proven += proof.check_row(row, scope, linked)
    for row in earlier:
        proof.check_place(row)
    known = {canon.key(row.url, session_ids) for row in rows}
    orphans = sorted(url for url in linked.values() if canon.key(url, session_ids) not in known)
    for url in orphans:
        text, remedy = _("a captured page links to it, but it is not in the inventory"), _("capture the site again")
        proof.add(url, "verify-orphan", text, remedy)
    coverage = 100.0 * proven / len(rows) if rows else 0.0
    return VerifyReport(
        # 99.999 % is not 100 %: rounding must not prove anything.
        coverage=min(round(coverage, 2), 99.99) if proven < len(rows) else coverage,
        orphans=tuple(orphans),
        problems=tuple(in_order(proof.problems)),
        records=proof.records,
    )


@dataclass(slots=True, kw_only=True)
class _Proof:
    """What has been looked at so far."""

    capture: Capture
    excuses: Sequence[Excuse]
    problems: list[Problem] = field(default_factory=list)
    records: int = 0
    checked: dict[tuple[str, int], Checked] = field(default_factory=dict)
    indexed: dict[tuple[str, int], cdxj.Entry] = field(default_factory=dict)
    foreign: bool = False
    """Imported: records are as another tool wrote them, and a URL may have several."""

    def add(self, path: str | Path, code: str, message: str, remedy: str, key: str | None = None) -> None:
        path = path if isinstance(path, str) else path.as_posix()
        self.problems.append(Problem(path=path, code=code, key=key, message=message, remedy=remedy))

    def read_manifest(self) -> dict[str, Any]:
        try:
            return store.read_manifest(self.capture)
        except Refused as refused:
            self.problems += refused.problems
            return {}

    def check_files(self, manifest: dict[str, Any]) -> None:
        """Every file of the manifest has its digest, every captured file is in it, the chain holds."""
        files = manifest.get("files", {})
        for name, about in sorted(files.items()):
            path = self.capture.folder / name
            if not path.is_file():
                self.add(path, "verify-file-missing", _("a file of the manifest is missing"), _restore())
            elif sha256_file(path) != about.get("sha256"):
                self.add(path, "verify-file-changed", _("the file's SHA-256 is not the manifest's"), _restore())
        for path in self.capture.warcs:
            if manifest and path.relative_to(self.capture.folder).as_posix() not in files:
                self.add(path, "verify-file-unknown", _("the manifest does not know this file"), _restore())
        previous = manifest.get("previous")
        if previous:
            self._check_chain(previous)

    def _check_chain(self, previous: dict[str, str]) -> None:
        folder = self.capture.store / previous["id"]
        former = Capture(site=folder.parent.name, timestamp=folder.name, folder=folder)
        try:
            if store.manifest_digest(former) != previous["sha256"]:
                self.add(former.manifest, "verify-chain-broken", _("the former manifest was changed"), _restore())
        except Refused:
            text = _("the former capture {capture} cannot be read, so the chain is not proven").format(
                capture=former.id
            )
            self.add(former.manifest, "verify-chain-broken", text, _restore())

    def check_records(self) -> None:
        """Digests and framing of each record; each answer has its request, each revisit its original."""
        if not self.capture.warcs:
            self.add(self.capture.folder / "archive", "verify-no-warc", _("there is no WARC file"), _restore())
        stamped = [self.capture.stamped] if self.capture.stamped.exists() else []
        for path in [*self.capture.warcs, *stamped]:
            ids: Counter[str] = Counter()
            answers: dict[str, Checked] = {}
            asked: Counter[str] = Counter()
            try:
                for record in warc.check(path, foreign=self.foreign and path != self.capture.stamped):
                    self.records += record.type != "damaged"
                    self.problems += record.problems
                    self.checked[(path.name, record.offset)] = record
                    ids[record.record_id] += record.type != "damaged"
                    if record.type in ANSWERS:
                        answers[record.record_id] = record
                    elif record.type == "request":
                        asked[record.concurrent_to] += 1
            except OSError as error:
                self.add(
                    path, "verify-unreadable", _("the file cannot be read: {error}").format(error=error), _restore()
                )
            if not self.foreign:
                self._check_pairs(path, ids, answers, asked)

    def _check_pairs(self, path: Path, ids: Counter[str], answers: dict[str, Checked], asked: Counter[str]) -> None:
        for record_id, number in ids.items():
            if number > 1:
                self.add(
                    path,
                    "verify-record-twice",
                    _("{number} records have the id {id}").format(number=number, id=record_id),
                    _restore(),
                )
        for record_id, record in answers.items():
            if asked[record_id] != 1:
                text = _("the answer of {url} has {count} request records, not one").format(
                    url=record.target_uri, count=asked[record_id]
                )
                self.add(path, "verify-request-missing", text, _restore(), f"offset {record.offset}")

    def read_rows(self) -> tuple[list[Row], list[Row]]:
        """The inventory, and earlier answers of URLs that were asked again."""
        try:
            with Frontier(self.capture.frontier, read_only=True) as frontier:
                return list(frontier.rows()), frontier.earlier()
        except FrontierUnreadable as error:
            self.add(
                self.capture.frontier,
                "frontier-unreadable",
                _("the frontier cannot be read: {error}").format(error=error),
                _restore(),
            )
            return [], []

    def check_index(self, rows: Iterable[Row]) -> None:
        """Each index line points at a stored answer, and no answer is without one."""
        try:
            for entry in cdxj.read(self.capture.index):
                self.indexed[(entry.filename, entry.offset)] = entry
        except (OSError, ValueError, KeyError) as error:
            self.add(
                self.capture.index,
                "verify-index-unreadable",
                _("the index cannot be read: {error}").format(error=error),
                _restore(),
            )
        places = {(row.warc, row.offset) for row in rows if row.warc is not None}
        if self.foreign:
            places |= {
                place
                for place, entry in self.indexed.items()
                if place in self.checked and self.checked[place].target_uri == entry.url
            }
        for place, entry in self.indexed.items():
            if place not in places:
                text = _("{url} at {file}:{offset} is not in the frontier").format(
                    url=entry.url, file=place[0], offset=place[1]
                )
                self.add(self.capture.index, "verify-index-false", text, _restore())
        for place, record in self.checked.items():
            if record.type in ANSWERS and place not in places and canon.is_web(record.target_uri):
                text = _("the answer of {url} at {offset} belongs to no URL of the inventory").format(
                    url=record.target_uri, offset=place[1]
                )
                self.add(self.capture.folder / "archive" / place[0], "verify-record-unknown", text, _restore())

    def check_merkle(self, manifest: dict[str, Any]) -> None:
        """The manifest's Merkle root is that of the index."""
        try:
            true = merkle.describe(self.capture.index)
        except OSError:
            return  # `check_index` has said so
        if manifest and manifest.get("merkle") != true:
            text = _("the index gives the Merkle root {root}, not the manifest's").format(root=true["root"])
            self.add(self.capture.manifest, "verify-merkle-false", text, _restore())

    def check_row(self, row: Row, scope: Scope, linked: dict[str, str]) -> bool:
        """Whether the row's outcome is proven; in-scope links of its page go to `linked`."""
        if row.state == "queued":
            self.add(
                row.url,
                "verify-not-fetched",
                _("the URL is still queued"),
                _("run `archive resume {capture}`").format(capture=self.capture.id),
            )
            return False
        if row.state == "excluded":
            if not row.cause:
                self.add(row.url, "verify-no-cause", _("the URL is excluded without a cause"), _("capture it again"))
            return bool(row.cause)
        if row.state == "failed" and (cause := terms.excused(self.excuses, row)):
            row = replace(row, state="excused", cause=cause)
        if row.state == "excused" and (row.cause or "").startswith("decision: "):
            return row.warc is None or self.check_place(row)
        if row.warc is None:
            if row.state != "failed":
                self.add(
                    row.url,
                    "verify-no-record",
                    _("{state}, but no answer is stored").format(state=row.state),
                    _("capture it again"),
                )
            else:
                self.add(row.url, "verify-url-failed", _("no answer: {cause}").format(cause=row.cause), _failed())
            return False
        true = self.check_place(row)
        if row.state == "failed":
            self.add(row.url, "verify-url-failed", _("no whole answer: {cause}").format(cause=row.cause), _failed())
            return False
        return self._check_body(row, scope, linked) and true

    def check_place(self, row: Row) -> bool:
        place = (row.warc or "", row.offset or 0)
        record, entry = self.checked.get(place), self.indexed.get(place)
        where = f"{place[0]}:{place[1]}"
        if record is None or record.target_uri != row.url or has_errors(record.problems):
            self.add(
                row.url,
                "verify-record-false",
                _("its record is not, or not whole, at {where}").format(where=where),
                _restore(),
            )
            return False
        digest = record.payload_digest if record.type == "revisit" else record.payload_sha256
        proven_later = self.foreign and record.type == "revisit"
        if (digest != row.payload_digest and not proven_later) or record.type != row.record_type:
            self.add(
                row.url,
                "verify-record-false",
                _("the record at {where} is not what was captured").format(where=where),
                _restore(),
            )
            return False
        if entry is None or entry.url != row.url or entry.length != record.length:
            self.add(
                row.url,
                "verify-index-missing",
                _("the index does not give its record at {where}").format(where=where),
                _restore(),
            )
            return False
        return True

    def _check_body(self, row: Row, scope: Scope, linked: dict[str, str]) -> bool:
        """The body can be had — a revisit's from its original, with the same digest — and its links are
        known."""
        try:
            answer = recall.response(self.capture, row)
        except Refused as refused:
            self.problems += refused.problems
            return False
        except OSError as error:
            self.add(
                row.url, "verify-unreadable", _("its record cannot be read: {error}").format(error=error), _restore()
            )
            return False
        if answer.type == "revisit" and not _is_original(answer, row):
            self.add(row.url, "verify-original-false", _("the revisit's original has another payload"), _restore())
            return False
        if row.state == "captured":
            for link in discover.discover(row.url, answer.headers, answer.body).links:
                if scope.holds(link.url, link.kind):
                    linked.setdefault(canon.key(link.url), link.url)
        return True


def _is_original(answer: StoredResponse, row: Row) -> bool:
    """The body that a revisit got is the one of its row, and of what the record itself says."""
    said = answer.payload_digest
    return sha256(answer.raw_body) == row.payload_digest and (
        not digests.algorithm(said) or any(digests.agrees(said, b) for b in (answer.raw_body, answer.body))
    )


def _restore() -> str:
    return _("restore the capture from its backup; if there is none, capture the site again")


def _failed() -> str:
    return _("capture again when the server answers, or name the URL under `excuse` with the reason")


def _scope(manifest: dict[str, Any]) -> Scope:
    said = manifest.get("scope", {})
    return Scope(hosts=tuple(said.get("hosts", ())), prefixes=tuple(said.get("prefixes", ())))
