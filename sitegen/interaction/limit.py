"""How often one client may ask: a bucket for each, which fills up again with time."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict

KNOWN = 20_000
"""Clients that are remembered; of more, those seen longest ago start anew."""


class Limit:
    """`count` requests at once, and as many again within `seconds`; `count` 0: no limit."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._rate = count / seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, client: str, now: float) -> float:
        """0.0 when the client may ask (and has asked), else the seconds until it may. `now`: a clock that only rises."""
        if not self._count:
            return 0.0
        with self._lock:
            left, then = self._buckets.pop(client, (float(self._count), now))
            left = min(float(self._count), left + (now - then) * self._rate)
            allowed = left >= 1
            self._buckets[client] = (left - 1 if allowed else left, now)
            if len(self._buckets) > KNOWN:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate


def client_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one such address has all of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
