"""A page's QR symbol is the one that segno draws, however few of them segno draws."""

from __future__ import annotations

import io

import pytest
import segno
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sitegen.render import qr


def by_segno(url: str) -> str:
    stream = io.BytesIO()
    code = segno.make(url.encode(), mode="byte", error="m", boost_error=False, micro=False, mask=0)
    code.save(
        stream,
        kind="svg",
        border=2,
        xmldecl=False,
        svgns=False,
        svgclass="gov-qr",
        lineclass=None,
        omitsize=True,
        nl=False,
    )
    return stream.getvalue().decode()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A process that has drawn nothing yet; what segno is asked for."""
    asked: list[bytes] = []
    real = qr._drawn
    monkeypatch.setattr(qr, "_known_lengths", {})
    monkeypatch.setattr(qr, "_known_versions", {})

    def draw(data: bytes) -> segno.QRCode:
        asked.append(data)
        return real(data)

    monkeypatch.setattr(qr, "_drawn", draw)
    return asked


_ADDRESSES = st.builds(
    "https://{}.gov.cn/{}{}".format,
    st.sampled_from(["www.shili", "a", "jyj.shili"]),
    st.text(st.sampled_from("abtxyz/_-.%E5B8A0123456789"), max_size=40),
    st.sampled_from(["", ".html", "/" + "%E5%B8%82" * 10, "x" * 100, "y" * 190]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(_ADDRESSES, st.text(min_size=1, max_size=60)))
@example("https://www.shili.gov.cn/")
@example("HTTPS://A.CN/1")
@example("x" * 14)  # the last that version 1 takes
@example("x" * 15)
@example("x" * 300)
@example("x" * 301)
@example("x" * 2000)
def test_every_symbol_is_what_segno_draws(drawn: list[bytes], url: str) -> None:
    """Over all examples one after the other: each stands on what the ones before it have taught."""
    assert by_segno(url) == qr.svg(url)


def addresses(count: int) -> list[str]:
    numbers = [(index * 7919) % 100_000 for index in range(count)]
    return [f"https://www.shili.gov.cn/jyj/tzgg/2026{n % 12 + 1:02d}/t2026{n % 1000:04d}_{n}.html" for n in numbers]


def test_segno_draws_few_of_many_addresses_and_all_are_right(drawn: list[bytes]) -> None:
    urls = addresses(1500)
    symbols = [qr.svg(url) for url in urls]
    assert len(drawn) < 80
    assert [by_segno(url) for url in urls[::10]] == symbols[::10]


def test_a_process_with_one_page_asks_segno_once(drawn: list[bytes]) -> None:
    [url] = addresses(1)
    assert by_segno(url) == qr.svg(url)
    assert drawn == [url.encode()]
    assert by_segno(url) == qr.svg(url)
    assert len(drawn) == 1


def test_long_addresses_leave_nothing_behind(drawn: list[bytes]) -> None:
    for url in ("x" * 301, "y" * 1000):
        qr.svg(url)
    assert (qr._known_lengths, qr._known_versions) == ({}, {})


def test_an_address_that_no_symbol_can_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="too large"):
        qr.svg("x" * 2400)
