"""Which sources must be judged again, and the bookkeeping around it: from a scan of the content to rows and marks.

A source is judged again when it, a ledger with its entries, a file it links, its column, the people, the retirements or
the rivals for its address have changed, or when its time has come. Everything else is what it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import posixpath
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sitegen import content, crew, files, judging, ledger, urls
from sitegen.content import DiskFiles
from sitegen.crew import Crew
from sitegen.editions import Context
from sitegen.errors import Problem
from sitegen.inputs import Inputs
from sitegen.judging import Batch, Judged
from sitegen.scan import Scan
from sitegen.state import Changes, Row, State, counted, problems_to_json
from sitegen.text import _, language_now
from sitegen.walk import is_aside

BATCH = 200
FEW = 60
"""Up to this many sources are judged in this process: another one costs more to start."""


@dataclass(slots=True, kw_only=True)
class Docket:
    """`paths`: sources to judge; `gone`: sources that are no more; `ledgers`: ledger files to read again, `lost`: those
    that are no more; `everything`: nothing that is known of any source can be trusted to still hold."""

    paths: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    ledgers: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.paths or self.gone or self.ledgers or self.lost or self.everything)


def is_article(path: str) -> bool:
    return path.endswith(".md") and posixpath.basename(path) != "index.md"


def is_ledger(path: str) -> bool:
    return path.endswith(".jsonl") and posixpath.basename(posixpath.dirname(path)) == ledger.FOLDER


def draw_up(scan: Scan, state: State, inputs: Inputs, program: str, now: datetime) -> Docket:
    """What has to be judged. Reads nothing but the state and the ledgers that changed."""
    found = Docket(everything=_foundations_moved(state, inputs, program, now))
    touched = scan.changed | scan.gone
    state.forget_assets(path for path in touched if not path.endswith(".md") and not is_ledger(path))
    if found.everything:
        found.paths = _all_sources(scan, inputs)
        found.gone = set(state.sources()) - found.paths
        found.lost = {path for path in scan.gone if is_ledger(path)}
        return found
    found.paths |= {path for path in scan.changed if is_article(path) and not is_aside(posixpath.dirname(path))}
    found.gone |= {path for path in scan.gone if is_article(path)} - inputs.retired.keys()
    found.paths |= scan.gone & inputs.retired.keys()
    found.ledgers |= {path for path in scan.changed if is_ledger(path)}
    found.lost |= {path for path in scan.gone if is_ledger(path)}
    for path in sorted(touched):
        if not path.endswith(".md"):
            found.paths |= set(state.sources_linking(path))
    found.paths |= _of_ledgers(found, state, inputs)
    found.paths |= _of_columns(state, inputs)
    found.paths |= set(state.sources_due(now.astimezone(UTC).isoformat()))
    found.paths -= found.gone
    return found


def _all_sources(scan: Scan, inputs: Inputs) -> set[str]:
    retired = {path for path in inputs.retired if is_article(path) and inputs.tree.column_of(path)}
    return {path for path in scan.files() if is_article(path)} | retired


def _of_ledgers(docket: Docket, state: State, inputs: Inputs) -> set[str]:
    """Sources with an entry in a ledger that changed, before or after."""
    found: set[str] = set()
    for file in sorted(docket.ledgers | docket.lost):
        ids = set(state.ledger_ids(file))
        if file in docket.ledgers:
            entries, problems = ledger.read_file(inputs.tree.root, file)
            ids |= {entry.article for entry in entries}
            state.set_ledgers([judging.book_of(file, _column_of(file), entries, problems)])
        for stable_id in sorted(ids):
            found |= set(state.sources_of_id(_column_of(file), stable_id))
    state.remove_ledgers(docket.lost)
    return found


def _column_of(ledger_file: str) -> str:
    return posixpath.dirname(posixpath.dirname(ledger_file))


def _of_columns(state: State, inputs: Inputs) -> set[str]:
    """Sources of columns whose own index.md changed."""
    return {path for column in _changed_columns(state, inputs) for path in state.sources_in(column)}


def _changed_columns(state: State, inputs: Inputs) -> set[str]:
    known: dict[str, str] = json.loads(state.value("columns") or "{}")
    return {path for path, column in inputs.tree.columns.items() if known.get(path) != column.digest}


def _foundations_moved(state: State, inputs: Inputs, program: str, now: datetime) -> bool:
    """Whether the program, the people, the retirements or the set of sections changed, or the clock was put back."""
    last = state.value("now")
    return state.value("foundations") != _foundations(inputs, program) or not last or now < datetime.fromisoformat(last)


def _foundations(inputs: Inputs, program: str) -> str:
    retired = {
        path: [page.digest, page.blob, page.captured_at, page.original_url, page.index.site, page.index.timestamp]
        for path, page in sorted(inputs.retired.items())
    }
    sections = [sorted(inputs.tree.sites), sorted((c.path, c.site) for c in inputs.tree.columns.values())]
    people = repr(sorted(inputs.records.people.items()))
    told_in = language_now()  # problems are stored as they were told
    signed = sorted((site, str(day)) for site, day in content.signed_from(inputs.tree.sites).items())
    rules = inputs.tree.root / "_records/rules.yml"
    numbers = files.sha256_file(rules) if rules.is_file() else ""
    facts = [program, told_in, retired, sections, people, signed, numbers]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def hear(
    docket: Docket,
    scan: Scan,
    state: State,
    inputs: Inputs,
    workers: Crew,
    progress: Callable[[str, int, int], None],
) -> Changes:
    """Judge what the docket names and store the rows; returns what that makes questionable."""
    changes = Changes(sections=_changed_columns(state, inputs))  # their own text stands on their own page
    if docket.everything:
        state.remove_ledgers(docket.lost)
    refused, rivals = _refusals(docket, state, inputs, changes)
    paths = sorted(docket.paths | rivals)
    fresh = docket.everything and not state.sources()
    batches = list(_batches(paths, docket, scan, state, inputs, refused))
    done = 0
    results = workers.run(_judge, batches, _split, _deadly, few=len(paths) <= FEW)
    for judged in results:
        if fresh:
            state.add(judged.rows)
            changes.attachments |= {file for row in judged.rows for file, _digest, _place in row.attachments}
        else:
            state.replace(judged.rows, changes)
        state.set_ledgers(judged.ledgers)
        state.set_asset_digests(judged.assets)
        done += len(judged.rows)
        if len(paths) > FEW:
            progress(_("sources judged"), done, len(paths))
    if fresh:
        changes.sections |= set(inputs.tree.columns)
    _follow_relations(state, changes)
    return changes


def remember(
    state: State, scan: Scan, before: Mapping[str, bytes], inputs: Inputs, program: str, now: datetime
) -> None:
    """After `hear`, in the same transaction: what the next docket compares with."""
    state.set_listings(scan.listings, before)
    state.set_value("foundations", _foundations(inputs, program))
    state.set_value("columns", json.dumps({path: column.digest for path, column in inputs.tree.columns.items()}))
    state.set_value("now", now.isoformat())


def _follow_relations(state: State, changes: Changes) -> None:
    """A page shows what others say of a text it names: policy → its interpretation → the other policies of that."""
    near, sections = state.related(changes.ids)
    changes.sections |= sections
    changes.sections |= state.related(near)[1]


def _refusals(
    docket: Docket, state: State, inputs: Inputs, changes: Changes
) -> tuple[dict[str, tuple[Problem, ...]], set[str]]:
    """Why sources are not read: their names, or a rival that is first by path. Also the rivals to be judged again."""
    rivals: set[str] = set()
    for path in sorted(docket.gone):
        keys = state.keys_of(path)
        state.remove([path], changes)
        rivals |= set(state.rivals(*keys)) if keys else set()
    if docket.everything:
        among = _holders_among(docket.paths, inputs)
        return {p: found for p in docket.paths if (found := _refusal(p, inputs, among))}, set()
    for path in sorted(docket.paths):
        if state.keys_of(path) is None:
            column = inputs.tree.column_of(path) or ""
            row = Row(path=path, section=column, address=_address(path, column), id_key=_id_key(path, column))
            state.add([row])
            rivals |= set(state.rivals(row.address, row.id_key))
    rivals -= docket.paths

    def holders(path: str, column: str) -> tuple[str | None, str | None]:
        return state.holders(_address(path, column), _id_key(path, column))

    return {p: found for p in docket.paths | rivals if (found := _refusal(p, inputs, holders))}, rivals


def _address(path: str, column: str) -> str:
    """Sources without a column have no address, so they are nobody's rivals."""
    return urls.address_key(path) if column else f"?{path}"


def _id_key(path: str, column: str) -> str:
    return urls.id_key(path, column) if column else f"?{path}"


def _holders_among(paths: Iterable[str], inputs: Inputs) -> Callable[[str, str], tuple[str | None, str | None]]:
    addresses: dict[str, str] = {}
    ids: dict[str, str] = {}
    for path in sorted(paths):
        column = inputs.tree.column_of(path) or ""
        addresses.setdefault(_address(path, column), path)
        ids.setdefault(_id_key(path, column), path)
    return lambda path, column: (addresses[_address(path, column)], ids[_id_key(path, column)])


def _refusal(
    path: str, inputs: Inputs, holders: Callable[[str, str], tuple[str | None, str | None]]
) -> tuple[Problem, ...]:
    column = inputs.tree.column_of(path)
    if column is None:
        return (content.without_column(path),)
    by_address, by_id = holders(path, column)
    found = urls.refused_name(path)
    if by_address is not None and by_address != path:
        found.append(urls.taken_address(path, by_address))
    if by_id is not None and by_id != path:
        found.append(urls.taken_id(path, by_id))
    return tuple(found)


def _batches(
    paths: Iterable[str],
    docket: Docket,
    scan: Scan,
    state: State,
    inputs: Inputs,
    refused: Mapping[str, tuple[Problem, ...]],
) -> Iterator[Batch]:
    """A column's sources together, because they share its ledgers."""
    by_column: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_column[inputs.tree.column_of(path) or ""].append(path)
    if docket.everything:  # a ledger is read even where no source stands
        for folder in scan.listings:
            if posixpath.basename(folder) == ledger.FOLDER:
                by_column.setdefault(posixpath.dirname(folder), [])
    for column, members in sorted(by_column.items()):
        folder = posixpath.join(column, ledger.FOLDER)
        files = [f"{folder}/{name}" for name in sorted(scan.stats(folder)) if name.endswith(".jsonl")]
        size = max(BATCH, len(files) * 4)  # reading all ledgers again must not outweigh the sources
        for start in range(0, max(1, len(members)), size):
            part = members[start : start + size]
            told = frozenset(files) if docket.everything and start == 0 else frozenset()
            yield Batch(
                column=column,
                sources=tuple(part),
                refused={path: refused[path] for path in part if path in refused},
                ledgers=tuple(files if docket.everything or len(part) > FEW else _naming(state, column, part)),
                told=told,
            )


def _naming(state: State, column: str, paths: Iterable[str]) -> list[str]:
    ids = {posixpath.basename(path).removesuffix(".md") for path in paths}
    return sorted({file for stable_id in ids for file in state.ledgers_naming(column, stable_id)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """What judging workers have in common: a Context, but for the files, of which each process reads its own."""

    context: Context
    assets: Container[str]
    """Every file of the content that is no Markdown."""
    known: Mapping[str, str]
    """Digests of files that did not change."""

    def open(self) -> Context:
        return dataclasses.replace(self.context, files=DiskFiles(self.context.content, self.assets, self.known))


def _judge(batch: Batch) -> Judged:
    return judging.judge(batch, crew.common().open())


def _split(batch: Batch) -> list[Batch]:
    middle = len(batch.sources) // 2
    parts = (batch.sources[:middle], batch.sources[middle:]) if middle else ()
    return [
        dataclasses.replace(batch, sources=part, told=batch.told if not n else frozenset())
        for n, part in enumerate(parts)
    ]


def _deadly(batch: Batch) -> Judged:
    """A source that ends the process which reads it."""
    [path] = batch.sources
    problem = Problem(
        path=f"content/{path}",
        code="source-crashed",
        message=_("reading this source ended the worker process"),
        remedy=_("look for something extreme in it"),
    )
    row = Row(
        path=path,
        section=batch.column,
        address=_address(path, batch.column),
        id_key=_id_key(path, batch.column),
        problems=problems_to_json([problem]),
        counted=counted([problem]),
        unsure=True,
    )
    return Judged(rows=(row,), ledgers=(), assets={})
