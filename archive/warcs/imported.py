"""What imported records say of each URL: its row in the inventory, its lines in the index, and what is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from archive import canon, discover
from archive.crawling import traps
from archive.crawling.former import Former
from archive.crawling.frontier import Original, Row, State
from archive.crawling.scope import Scope
from archive.decision import Decision, host_of
from archive.discover import Link
from archive.warcs import cdxj, records
from archive.warcs.records import Checked
from sitegen.errors import Refused, has_errors

_READ_AT_MOST = 64 << 20
_NO_DATE = datetime.min.replace(tzinfo=UTC)
_REDIRECTS = ("301", "302", "303", "307", "308")
_RANK: Mapping[State, int] = {"captured": 3, "redirected": 2, "excused": 1, "failed": 0}
NOT_THERE = "import: linked, but not in the imported files"
NO_ORIGINAL = "import: a revisit without its original"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A record that holds what an http(s) URL gave; `date` in UTC, None when it states none; `asked` the method."""

    checked: Checked
    warc: str
    source: str
    date: datetime | None
    asked: str = "GET"

    @property
    def place(self) -> tuple[str, int]:
        return self.warc, self.checked.offset

    @property
    def url(self) -> str:
        return self.checked.target_uri


@dataclass(slots=True, kw_only=True)
class Holdings:
    """All answers of an import, and how many records there are of each other type, by `type` or `type scheme:`."""

    answers: list[Answer] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    records: int = 0

    @property
    def dates(self) -> list[datetime]:
        return [answer.date for answer in self.answers if answer.date is not None]

    def rename(self, names: Mapping[str, str]) -> None:
        """The WARC files have other names now."""
        self.answers = [replace(answer, warc=names[answer.warc]) for answer in self.answers]


def look_through(warcs: Iterable[tuple[Path, str]]) -> Holdings:
    """Read the files (path, name of its source). Raises Refused when one of them is damaged."""
    held = Holdings()
    for path, source in warcs:
        asked: dict[str, str] = {}
        found: list[Answer] = []
        for checked in records.check(path, foreign=True):
            if checked.type == "damaged":
                raise Refused(checked.problems)
            held.records += 1
            if checked.type == "request":
                asked[checked.record_id] = asked[checked.concurrent_to] = checked.status
            elif checked.type in records.ANSWERS and canon.is_web(checked.target_uri):
                date = moment(checked.date)
                found.append(Answer(checked=checked, warc=path.name, source=source, date=date))
            else:
                scheme = "" if checked.type not in records.ANSWERS else f" {checked.target_uri.partition(':')[0]}:"
                held.others[f"{checked.type}{scheme}"] += 1
        asked.pop("", None)
        held.answers += [replace(answer, asked=_method(answer.checked, asked)) for answer in found]
    return held


def moment(date: str) -> datetime | None:
    """A WARC-Date in UTC; None for what is none."""
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Accounts:
    """What goes into the frontier and the index."""

    rows: dict[str, Row] = field(default_factory=dict)
    originals: list[Original] = field(default_factory=list)
    entries: list[cdxj.Entry] = field(default_factory=list)


def account(
    held: Holdings, decision: Decision, folder: Path, capture_id: str, former: Former | None, year: int
) -> Accounts:
    """An outcome for each URL that was answered, and for each URL of the site that an answered page links to.

    Of several answers of a URL the newest 200 is its row, else the newest redirect, 404 or 410, else the newest;
    the index has them all. `folder` holds the WARC files.
    """
    reader = _Reader(held, decision, folder, capture_id, former, year)
    by_key: dict[str, list[Answer]] = defaultdict(list)
    for answer in held.answers:
        by_key[canon.key(answer.url)].append(answer)
    accounts = Accounts()
    links: list[tuple[Link, str]] = []
    for key, answers in sorted(by_key.items()):
        row = reader.row(key, answers)
        if row.state in ("captured", "redirected"):
            row, found = reader.look_into(row)
            links += [(link, row.url) for link in found]
        accounts.rows[key] = row
    for link, via in links:
        missing = reader.missing(link, via)
        if missing is not None and missing.key not in accounts.rows:
            accounts.rows[missing.key] = _or_the_folder(missing, accounts.rows)
    accounts.originals = reader.originals()
    accounts.entries = [reader.entry(answer) for answer in held.answers]
    return accounts


class _Reader:
    def __init__(
        self, held: Holdings, decision: Decision, folder: Path, capture_id: str, former: Former | None, year: int
    ) -> None:
        self._decision, self._folder, self._capture_id = decision, folder, capture_id
        self._scope = Scope(hosts=decision.hosts)
        self._former, self._year = former, year
        # A file of a mirror is no answer of the server: nothing may refer to it as if it were.
        self._whole = [a for a in _by_date(held.answers) if a.checked.type == "response" and _is_whole(a)]
        self._by_id = {answer.checked.record_id: answer for answer in self._whole}
        self._by_place = {(answer.url, answer.checked.date): answer for answer in self._whole}
        self._by_digest = {a.checked.payload_digest: a for a in reversed(self._whole) if a.checked.payload_digest}
        self._by_url: dict[str, list[Answer]] = defaultdict(list)
        for answer in self._whole:
            self._by_url[answer.url].append(answer)
        self._by_sha = {answer.checked.payload_sha256: answer for answer in reversed(self._whole)}
        self._at = {answer.place: answer for answer in held.answers}
        self._elsewhere: dict[str, Original] = {}

    def originals(self) -> list[Original]:
        """Where each payload is stored first, and what the revisits that were read refer to in the capture before."""
        return [*map(self._original, self._whole), *self._elsewhere.values()]

    def row(self, key: str, answers: Sequence[Answer]) -> Row:
        rows = [self._row(key, answer) for answer in _by_date(answers)]
        return max(reversed(rows), key=lambda row: _RANK.get(row.state, -1))

    def look_into(self, row: Row) -> tuple[Row, tuple[Link, ...]]:
        """The row with title, charset and redirect target, and what its body links to."""
        answer = self._answer(row)
        if answer is None:
            return row, ()
        if row.state == "redirected":
            target = _location(answer)
            if target is None:
                return replace(row, state="failed", cause=f"HTTP {answer.status} without a Location"), ()
            return replace(row, redirect_to=target), (Link(url=target, kind="page", source="location"),)
        found = discover.discover(row.url, answer.headers, answer.body)
        return replace(row, title=found.title or None, charset=found.charset or None), tuple(found.links)

    def missing(self, link: Link, via: str) -> Row | None:
        """The row of a URL that an answered page links to, if it belongs to the site."""
        if not self._scope.holds(link.url, link.kind):
            return None
        url = canon.strip_session(link.url)
        row = Row(key=canon.key(url), url=url, kind=link.kind, sources=f"{link.source} {via}")
        if reason := self._excluded(url):
            return replace(row, state="excluded", cause=reason)
        if reason := traps.endless(url, self._year):
            return replace(row, state="excluded", cause=f"endless: {reason}")
        return replace(row, state="failed", cause=NOT_THERE)

    def entry(self, answer: Answer) -> cdxj.Entry:
        """One that was not asked for with GET is not found under the plain URL, as pywb has it."""
        checked = answer.checked
        mark = "&" if "?" in answer.url else "?"
        url = answer.url if answer.asked == "GET" else f"{answer.url}{mark}__wb_method={answer.asked}"
        date = answer.date.strftime("%Y%m%d%H%M%S") if answer.date else self._capture_id.rpartition("/")[2]
        return cdxj.Entry(
            key=canon.surt(url),
            timestamp=date,
            url=answer.url,
            mime="warc/revisit" if checked.type == "revisit" else checked.mime,
            status=checked.status,
            digest=checked.payload_digest or checked.payload_sha256,
            length=checked.length,
            offset=checked.offset,
            filename=answer.warc,
        )

    def _row(self, key: str, answer: Answer) -> Row:
        checked = answer.checked
        kind = "page" if "html" in checked.mime else "requisite"
        row = Row(key=key, url=answer.url, kind=kind, sources=f"import {answer.source}")
        if reason := self._excluded(answer.url):
            return replace(row, state="excluded", cause=reason)
        if answer.asked != "GET":
            return replace(row, state="excluded", cause=f"import: the answer to {answer.asked}, not to GET")
        status, digest, mime, cause = checked.status, checked.payload_sha256, checked.mime, None
        if checked.type == "revisit":
            original = self._original_of(answer)
            if original is None:
                digest, cause = checked.payload_digest, NO_ORIGINAL
            else:
                digest = original.payload_digest
                status, mime = self._as_original(status, mime, original)
        state, why = _outcome(answer, status)
        return replace(
            row,
            state="failed" if cause else state,
            cause=cause or why,
            status=int(status) if status else None,
            mime=mime or None,
            payload_digest=digest or None,
            warc=answer.warc,
            offset=checked.offset,
            length=checked.length,
            record_type=checked.type,
            captured_at=answer.date.isoformat().replace("+00:00", "Z") if answer.date else None,
        )

    def _excluded(self, url: str) -> str | None:
        if not self._scope.holds(url, "page"):
            return f"scope: {host_of(url)} is not in the decision"
        return next((f"decision: {e.reason}" for e in self._decision.exclude if e.pattern.search(url)), None)

    def _original_of(self, answer: Answer) -> Original | None:
        """By record id, by URL and date, by digest; one that names no digest (304, server-not-modified) stands for
        the URL's answer before it."""
        checked = answer.checked
        said = checked.payload_digest
        named = [
            self._by_id.get(checked.refers_to_id),
            self._by_place.get(checked.refers_to),
            self._by_digest.get(said),
        ]
        if not said:
            named += [one for one in reversed(self._by_url[answer.url]) if _at(one) <= _at(answer)][:1]
        for found in named:
            if found is not None and said in ("", found.checked.payload_digest or said):
                return self._original(found)
        elsewhere = self._former.original(said) if self._former else None
        if elsewhere is not None:
            self._elsewhere[said] = elsewhere
        return elsewhere

    def _as_original(self, status: str, mime: str, original: Original) -> tuple[str, str]:
        """A revisit without a head, or with that of a 304, is what its original is."""
        found = self._by_place.get((original.target_uri, original.date))
        if found is None or (status and status != "304"):
            return status, mime or (found.checked.mime if found else "")
        return found.checked.status, found.checked.mime

    def _original(self, answer: Answer) -> Original:
        return Original(
            payload_digest=answer.checked.payload_sha256,
            target_uri=answer.url,
            date=answer.checked.date,
            capture=self._capture_id,
            warc=answer.warc,
            offset=answer.checked.offset,
        )

    def _answer(self, row: Row) -> records.StoredResponse | None:
        """The row's answer with its body; None when it is too large to look into or lies in another capture."""
        answer = self._at[(row.warc or "", row.offset or 0)]
        original = self._by_sha.get(row.payload_digest or "") if row.record_type == "revisit" else answer
        if original is None or original.checked.size > _READ_AT_MOST:
            return None
        record = self._record(answer)
        return records.as_response(record) if original is answer else records.as_revisit(record, self._record(original))

    def _record(self, answer: Answer) -> records.StoredRecord:
        return records.read_record(self._folder / answer.warc, answer.checked.offset)


def _method(checked: Checked, asked: Mapping[str, str]) -> str:
    """Either record of a pair may name the other."""
    return asked.get(checked.record_id) or asked.get(checked.concurrent_to) or "GET"


def _at(answer: Answer) -> datetime:
    return answer.date or _NO_DATE


def _by_date(answers: Iterable[Answer]) -> list[Answer]:
    return sorted(answers, key=_at)


def _is_whole(answer: Answer) -> bool:
    return not answer.checked.truncated and not has_errors(answer.checked.problems)


def _outcome(answer: Answer, status: str) -> tuple[State, str | None]:
    checked = answer.checked
    if has_errors(checked.problems):
        return "failed", "import: a digest of the record is false"
    if checked.truncated:
        return "failed", f"truncated: {checked.truncated}"
    if answer.date is None:
        return "failed", "import: the record has no WARC-Date"
    if not status:
        return "failed", "import: the record has no HTTP head"
    if status in ("404", "410"):
        return "excused", f"HTTP {status}"
    if status[0] == "2" or status == "300":
        return "captured", None
    return ("redirected", None) if status in _REDIRECTS else ("failed", f"HTTP {status}")


def _or_the_folder(missing: Row, rows: Mapping[str, Row]) -> Row:
    """A mirror keeps `/` and `/index.html` in one file."""
    folder = rows.get(missing.key.removesuffix("index.html"))
    if missing.state != "failed" or folder is None or folder.record_type != "resource":
        return missing
    return replace(missing, state="excluded", cause=f"import: one file with {folder.url}")


def _location(answer: records.StoredResponse) -> str | None:
    said = answer.header("Location")
    return (
        None
        if said is None
        else canon.resolve(answer.target_uri, "".join(c if c.isascii() else f"%{ord(c):02X}" for c in said))
    )
