"""Which network addresses a program of ours may dial: what is private stays out of reach unless a person names it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses that carry an IPv4 address in them: who lets one through has dialled the other. Prefix → bits behind it.
_CARRIERS = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (ipaddress.IPv6Network("::/96"), 0),  # IPv4-compatible, deprecated
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
)
# What `is_global` of Python 3.11 calls global and nobody on the internet owns.
_LOCAL = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # local-use NAT64, RFC 8215
    ipaddress.IPv6Network("fec0::/10"),  # site-local, deprecated
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)
# Link-local addresses hold the metadata of clouds: a host name of the decision is no leave to ask there.
_ONLY_BY_ADDRESS = (ipaddress.IPv4Network("169.254.0.0/16"), ipaddress.IPv6Network("fe80::/10"))
_METADATA = ipaddress.IPv6Address("fd00:ec2::254")


class Allowed:
    """`entries`: addresses, networks or host names that may be private or loopback."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def may_dial(self, ip: str, *names: str) -> bool:
        """Whether `ip` may be dialled for a host of one of these `names`."""
        address = _carried(ipaddress.ip_address(ip.partition("%")[0]))
        if is_public(address) or any(address in network for network in self._networks):
            return True
        return not _only_by_address(address) and not self._names.isdisjoint(names)


def is_public(address: Address) -> bool:
    """Whether the address belongs to the internet, whatever it is written inside of."""
    address = _carried(address)
    return address.is_global and not address.is_multicast and not any(address in network for network in _LOCAL)


async def resolve(name: str, port: int) -> list[str]:
    """The addresses of a host, in the resolver's order. Raises OSError or UnicodeError."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def literal(name: str) -> Address | None:
    """The address that a host is spelled as: dotted, `2130706433`, `0177.1`, `0x7f.1`, `[::1]`; None for a name."""
    with suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]").partition("%")[0])
    with suppress(OSError):
        return ipaddress.IPv4Address(socket.inet_aton(name))
    return None


def _carried(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        for network, behind in _CARRIERS:
            if address in network and int(address) > 1:  # :: and ::1 carry nothing
                return ipaddress.IPv4Address(int(address) >> behind & 0xFFFFFFFF)
    return address


def _only_by_address(address: Address) -> bool:
    local = address == _METADATA or any(address in network for network in _ONLY_BY_ADDRESS)
    return local or address.is_multicast or address.is_unspecified
