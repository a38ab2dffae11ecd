"""Sources judged in batches, in this process or in workers: paths in, rows for the state out."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC

from sitegen import content, editions, ledger, urls
from sitegen.clock import SHANGHAI
from sitegen.editions import Context, Verdict
from sitegen.errors import Problem
from sitegen.ledger import Entry
from sitegen.model import Leader, traits_of
from sitegen.pages.items import item_of
from sitegen.pages.values import digest_of
from sitegen.state.rows import Book, Row, counted, problems_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Sources of one column; `refused` holds those that are not read, with the reasons. `ledgers`: files with entries
    of these sources; `told`: those among them whose own facts are wanted."""

    column: str
    sources: tuple[str, ...]
    refused: Mapping[str, tuple[Problem, ...]]
    ledgers: tuple[str, ...]
    told: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`assets`: file → digest of each attachment that was met."""

    rows: tuple[Row, ...]
    ledgers: tuple[Book, ...]
    assets: Mapping[str, str]


def judge(batch: Batch, context: Context) -> Judged:
    """Raises nothing for what stands in a file: every fault is a Problem of its row."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    told = []
    for file in batch.ledgers:
        found, problems = ledger.read_file(context.content, file)
        for entry in found:
            entries[entry.article].append(entry)
        if file in batch.told:
            told.append(book_of(file, batch.column, found, problems))
    column = batch.column
    read = [path for path in batch.sources if column and path not in batch.refused]
    # stage by stage, so that each stage's code stays in the processor's caches
    texts: list[tuple[str, str | None, list[Problem]]] = []
    for path in read:
        problems = []
        texts.append((path, content.read_text(context.content, path, problems), problems))
    standing = {path: editions.current(path, column, text, problems, context) for path, text, problems in texts}
    verdicts = [
        editions.judge(path, column, entries.get(_id_of(path), ()), context, standing[path])
        if path in standing
        else editions.refused(path, column, batch.refused.get(path, ()))
        for path in batch.sources
    ]
    rows = [row_of(verdict, context) for verdict in verdicts]
    if context.verified is not None:
        context.verified.flush()
    return Judged(rows=tuple(rows), ledgers=tuple(told), assets=_assets(rows, context))


def _assets(rows: Iterable[Row], context: Context) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in {file for row in rows for file in row.linked if file in context.files}:
        with contextlib.suppress(OSError):  # told at its article
            found[file] = context.files.digest(file)
    return found


def book_of(file: str, column: str, entries: Iterable[Entry], problems: Iterable[Problem]) -> Book:
    """What is stored of a ledger file."""
    known = list(entries)
    return Book(
        file=file,
        section=column,
        ids=tuple({entry.article for entry in known}),
        problems=tuple(problems),
        stood=tuple(ledger.stood(known)),
    )


def _id_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".md")


def row_of(verdict: Verdict, context: Context) -> Row:
    """What is stored of a verdict."""
    edition = verdict.edition
    section = verdict.column
    common = (
        verdict.path,
        section,
        urls.address_key(verdict.path) if section else f"?{verdict.path}",
        urls.id_key(verdict.path, section) if section else f"?{verdict.path}",
        problems_to_json(verdict.problems),
        counted(verdict.problems),
        verdict.pending,
        verdict.next_change.astimezone(UTC).isoformat() if verdict.next_change else None,
        verdict.unsure,
        verdict.linked,
    )
    if edition is None:
        return Row(*common)
    article = edition.article
    facts = editions.to_json(edition)
    shown = verdict.status == "shown"
    return Row(
        *common,
        status=verdict.status,
        listed=shown and (edition.retired is None or f"{section}/index.md" in context.retired),
        retired=edition.retired is not None,
        id=article.id,
        kind=article.kind,
        rank=article.details.order if isinstance(article.details, Leader) else 0,
        stamp=article.date.timestamp(),
        digest=digest_of(facts),
        item=digest_of(item_of(article)),
        signed_at=edition.signed_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        retires=article.retires,
        picture=bool(article.image),
        traits="\n".join(traits_of(article)),
        facts=facts,
        relations=tuple(editions.relations(article)),
        attachments=tuple((a.path, a.digest, a.place) for a in edition.attachments) if shown else (),
    )
