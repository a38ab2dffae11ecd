"""What belongs to a site, and the bounds of a capture."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from archive.decision import allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What belongs to the site: `hosts` (`HOST` = ports 80 and 443, or `HOST:PORT`); with `prefixes`, pages
    must lie under one of these URL paths, while images, styles and files may lie anywhere on the hosts."""

    hosts: tuple[str, ...]
    prefixes: tuple[str, ...] = ()

    def holds(self, url: str, kind: str) -> bool:
        if not allows(self.hosts, url):
            return False
        return not self.prefixes or kind == "requisite" or urlsplit(url).path.startswith(self.prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Bounds of a capture. `delay` None: 0.1 s between requests to a host, none to loopback.

    `max_urls`: URLs that are asked for. `max_depth`: links away from the start, the next page of the same list not
    counted, for `pages_per_list` pages.
    """

    max_urls: int = 100_000
    max_depth: int = 30
    pages_per_list: int = 2000
    connections: int = 4
    delay: float | None = None
    timeout: float = 30.0
    max_bytes: int = 2_000_000_000
    roll_at: int = 1_000_000_000


def origin_of(url: str) -> str:
    """`http://host:port`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
