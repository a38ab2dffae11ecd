"""Visits counted from web servers' access logs (nginx's combined form, Caddy's JSON; gzip too), bots apart.

Nobody's address is kept: a visitor is a keyed digest whose key dies with the process.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sitegen.clock import SHANGHAI
from sitegen.errors import Problem
from sitegen.text import _

_COMBINED = re.compile(
    r'(\S+) \S+ \S+ \[([^\]]{10,40})\] "(GET|HEAD|POST) (\S{1,4000}) [^"]*" (\d{3}) \S+(?: "[^"]*" "([^"]*)")?'
)
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_BOT = re.compile(
    r"bot\b|bot/|spider|crawl|slurp|curl|wget|python|java/|go-http|httpclient|monitor|headless|scan|okhttp|^-?$", re.IGNORECASE
)  # fmt: skip
_LONGEST = 20_000


class Hit(NamedTuple):
    """One request: `page` False for pictures, styles and what failed."""

    moment: datetime
    client: str
    agent: str
    path: str
    page: bool


@dataclass(slots=True, kw_only=True)
class Visits:
    """Pages asked for by people, by month; `visitors`: different ones; `bots`: pages asked for by programs."""

    months: list[int] = field(default_factory=lambda: [0] * 12)
    bots: int = 0
    unread: int = 0
    seen: set[bytes] = field(default_factory=set)

    @property
    def total(self) -> int:
        return sum(self.months)

    @property
    def visitors(self) -> int:
        return len(self.seen)


def count(logs: Iterable[Path], year: int) -> tuple[Visits, list[Problem]]:
    """Of one year in Asia/Shanghai. A log that cannot be read is a Problem; a line that is none is counted as `unread`."""
    found, problems, key = Visits(), [], secrets.token_bytes(16)
    for path in logs:
        try:
            for line in _lines(path):
                hit = parse(line)
                if hit is None:
                    found.unread += bool(line.strip())
                elif hit.page and hit.moment.year == year:
                    _add(found, hit, key)
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            problems.append(
                Problem(
                    path=str(path),
                    code="visits-log-unreadable",
                    severity="warning",
                    message=str(error),
                    remedy=_("give a log of nginx (combined) or Caddy (JSON), plain or gzip"),
                )
            )
    return found, problems


def _add(found: Visits, hit: Hit, key: bytes) -> None:
    if _BOT.search(hit.agent):
        found.bots += 1
        return
    found.months[hit.moment.month - 1] += 1
    found.seen.add(hashlib.blake2b(f"{hit.client}\n{hit.agent}".encode(), key=key, digest_size=8).digest())


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        while line := stream.readline(_LONGEST):
            yield line.decode("utf-8", "replace")


def parse(line: str) -> Hit | None:
    """None for what is no request; never raises."""
    if line.startswith("{"):
        return _caddy(line)
    match = _COMBINED.match(line)
    if match is None:
        return None
    try:
        day, month, rest = match[2].split("/", 2)
        moment = datetime.strptime(f"{day} {_MONTHS[month]} {rest}", "%d %m %Y:%H:%M:%S %z").astimezone(SHANGHAI)
    except (ValueError, KeyError):
        return None
    return Hit(moment, match[1], match[6] or "", match[4], _is_page(match[3], match[4], int(match[5])))


def _caddy(line: str) -> Hit | None:
    try:
        raw = json.loads(line)
        request = raw["request"]
        moment = datetime.fromtimestamp(float(raw["ts"]), UTC).astimezone(SHANGHAI)
        agent = str((request.get("headers", {}).get("User-Agent") or [""])[0])
        client = str(request.get("client_ip") or request.get("remote_ip") or "")
        path = str(request["uri"])
        return Hit(moment, client, agent, path, _is_page(str(request["method"]), path, int(raw["status"])))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, OSError):
        return None


def _is_page(method: str, path: str, status: int) -> bool:
    place = path.partition("?")[0]
    return method == "GET" and status in (200, 304) and place.endswith(("/", ".html")) and place != "/404.html"
