"""What belongs to a site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from archive.decision import allows

_ORIGIN = re.compile(r"[a-z]+://[^/?#]*")


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


def origin_of(url: str) -> str:
    """`http://host:port` of an absolute URL."""
    found = _ORIGIN.match(url)
    return found[0] if found else ""


@lru_cache(maxsize=1024)
def host_of(origin: str) -> str:
    """The name that is dialled, whatever scheme and port: all its origins share its patience."""
    return urlsplit(origin).hostname or ""
