"""Filling the inventory before the first request: lists, logs, and what the capture before this one knew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from archive.crawling import inventory
from archive.crawling.former import Former
from archive.crawling.frontier import Frontier
from archive.crawling.inventory import Named
from archive.crawling.known import TRAP
from archive.crawling.ledger import Ledger
from archive.crawling.options import Options
from archive.decision import Decision, allows
from sitegen.errors import Problem


def seed(
    ledger: Ledger,
    frontier: Frontier,
    decision: Decision,
    options: Options,
    former: Former | None,
) -> list[Problem]:
    """Read each file once, also when the capture is killed and resumed: what was given is remembered, what was read to
    its end is not read again. What is wrong with the files; their other lines count."""
    origin = _origin(decision)
    problems: list[Problem] = []
    paths = _remembered(
        frontier, "lists", (path.absolute().as_posix() for path in (*decision.terms.lists, *options.lists))
    )
    for name in paths:
        frontier.forget("list", name)
        ledger.seed(inventory.read_list(Path(name), origin, problems))
        frontier.remember("read", [name])
    given = (*decision.terms.logs, *options.logs)
    for name in _remembered(frontier, "logs", (log.absolute().name for log in given)):
        log = inventory.parse_log(name)
        frontier.forget("log", log.path.as_posix())
        ledger.seed(inventory.read_log(log, origin, problems))
        frontier.remember("read", [name])
    if former is not None and not options.fresh and former.id not in frontier.setting("read"):
        frontier.forget("former", former.id)
        ledger.seed(_known_to(former))
        frontier.remember("read", [former.id])
    return problems


def _remembered(frontier: Frontier, name: str, given: Iterable[str]) -> list[str]:
    """What was ever given and is not read yet."""
    read = set(frontier.setting("read"))
    return [one for one in frontier.remember(name, given) if one not in read]


def _known_to(former: Former) -> Iterator[Named]:
    for row in former.rows():
        # What looked endless is left to its pattern's budget again.
        if row.state == "excluded" and (row.cause or "").startswith(TRAP):
            continue
        yield Named(url=row.url, kind="former", where=former.id, depth=row.depth, page_kind=row.kind)


def _origin(decision: Decision) -> str:
    """`http://host` of the decision's first host, https where the start pages say so."""
    host = decision.hosts[0]
    secure = any(url.startswith("https://") and allows((host,), url) for url in decision.start)
    return f"{'https' if secure else 'http'}://{host}"
