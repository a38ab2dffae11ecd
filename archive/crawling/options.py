"""How a site is captured: what is one value from the command line to the last request."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from archive.crawling.inventory import Log
from archive.net.access import Access
from archive.net.fetch import ConnectTo

Browser = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`max_urls`: URLs that are asked for. `max_depth`: links away from the start, the next page of the same list not
    counted, for `pages_per_list` pages. `connections` to one host at a time; `delay` between two requests to it, None:
    0.1 s, none to loopback. `timeout` without a byte and `longest` for a whole answer, in seconds. `max_bytes` of one
    body. `roll_at`: bytes after which a WARC file is closed.

    `plain_tls`: https URLs are fetched in plain HTTP from their connect-to address (our own release over loopback).
    `lists`, `logs`: what the inventory holds beside those that the decision names; `fresh`: without what the capture
    before this one knew; `unconditional`: every body is to be sent again, none asked only whether it has changed.
    `browser`: whether pages whose scripts may know more links are opened in Chromium, too (`auto`: where there is one). `give_up`: when a server that answered does not any more, the capture ends without
    the rest, instead of staying open for `archive resume`.
    """

    max_urls: int = 100_000
    max_depth: int = 30
    pages_per_list: int = 2000
    connections: int = 4
    delay: float | None = None
    timeout: float = 30.0
    longest: float = 3600.0
    max_bytes: int = 2_000_000_000
    roll_at: int = 1_000_000_000
    connect_to: tuple[ConnectTo, ...] = ()
    plain_tls: bool = False
    access: Access = field(default_factory=Access)
    lists: tuple[Path, ...] = ()
    logs: tuple[Log, ...] = ()
    fresh: bool = False
    unconditional: bool = False
    browser: Browser = "never"
    give_up: bool = False
