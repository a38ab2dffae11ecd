"""What a capture may dial: the internet, and of what is private only what the decision names."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from archive.net.fetch import Client, ConnectTo, FetchFailure
from sitegen.addresses import Allowed, is_public, literal, resolve

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "192.168.0.1",  # noqa: S104
    "169.254.169.254",
    "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "255.255.255.255",
    "224.0.0.1", "::", "::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "202.96.128.86", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_private_is_out_of_reach(address: str) -> None:
    """However it is wrapped: mapped, translated, tunnelled."""
    assert not is_public(ipaddress.ip_address(address))
    assert not Allowed([]).may_dial(address, "a.example")


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_dialled(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert Allowed([]).may_dial(address, "a.example")


def test_a_named_host_may_be_private_but_never_the_metadata_of_a_cloud() -> None:
    """A name can be made to point anywhere; what lies there is asked for only when its address is named."""
    by_name = Allowed(["intern.example"])
    assert by_name.may_dial("10.1.2.3", "intern.example")
    assert by_name.may_dial("127.0.0.1", "intern.example")
    for address in ("169.254.169.254", "fd00:ec2::254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254"):  # noqa: S104
        assert not by_name.may_dial(address, "intern.example"), address
    assert not by_name.may_dial("10.1.2.3", "other.example")
    assert Allowed(["169.254.169.254"]).may_dial("169.254.169.254", "a.example")


def test_a_named_network_holds_addresses_in_any_spelling() -> None:
    allowed = Allowed(["10.9.0.0/16"])
    assert allowed.may_dial("10.9.1.1", "a.example")
    assert allowed.may_dial("::ffff:10.9.1.1", "a.example")
    assert not allowed.may_dial("10.8.1.1", "a.example")


@pytest.mark.parametrize(
    ("spelled", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("3232235777", "192.168.1.1"),
    ],
)
def test_an_address_is_known_in_every_spelling(spelled: str, address: str) -> None:
    """And the resolver, which understands them, gives nothing that is not asked about."""
    assert str(literal(spelled)) == address
    if not spelled.startswith("["):
        assert asyncio.run(resolve(spelled, 80)) == [address]


def test_a_name_is_no_address() -> None:
    assert literal("www.example.gov.cn") is None


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:7f00:1]", "localhost"])
def test_no_spelling_of_loopback_is_dialled(host: str) -> None:
    answer = asyncio.run(Client().fetch(f"http://{host}:9/"))
    assert isinstance(answer, FetchFailure)
    assert answer.cause.startswith("refused: ")
    assert answer.attempts == 1


def test_a_name_is_resolved_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its address between two questions gets no second answer."""
    said = iter(["203.0.113.1", "127.0.0.1"])
    asked: list[str] = []

    async def changing(name: str, port: int) -> list[str]:
        asked.append(name)
        return [next(said)]

    monkeypatch.setattr("archive.net.dial.resolve", changing)

    async def run() -> list[FetchFailure]:
        client = Client(connect_to=[ConnectTo(host="a.example", port=443, address="a.example", to_port=9)])
        answers = [await client.fetch(url) for url in ("http://a.example/", "https://a.example/", "http://a.example/2")]
        return [answer for answer in answers if isinstance(answer, FetchFailure)]

    answers = asyncio.run(run())
    assert [answer.cause for answer in answers] == ["refused: a.example is at 203.0.113.1, not in allow_private"] * 3
    assert asked == ["a.example"]
