"""The client: patient, polite, and never sent where it must not go."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from archive.net.fetch import Client, ConnectTo, Exchange, FetchFailure, parse_connect_to
from sitegen.errors import UsageError
from tests.archive.oldweb import Answer, OldWeb, Route, page, serving


def fetched(web: OldWeb, paths: Sequence[str], **options: object) -> tuple[list[Exchange | FetchFailure], list[float]]:
    """Answers in order (bodies closed), and how long the client waited on purpose."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def run() -> list[Exchange | FetchFailure]:
        given: dict[str, object] = {"allow_private": ["127.0.0.1"], "sleep": sleep, **options}
        client = Client(**given)  # type: ignore[arg-type]
        answers = [await client.fetch(web.url(path)) for path in paths]
        await client.close()
        for answer in answers:
            if isinstance(answer, Exchange):
                answer.body.close()
        return answers

    return asyncio.run(run()), waits


def whole(waits: Sequence[float]) -> list[int]:
    """In whole seconds: the time that passed meanwhile is no part of the claim."""
    return [round(seconds) for seconds in waits]


def busy(time: int) -> bytes:
    return page("later", status="503 Busy", headers={"Retry-After": "7"}) if time < 3 else page("now")


def test_retry_after_is_obeyed() -> None:
    with serving({"/": busy}) as web:
        (answer,), waits = fetched(web, ["/"])
    assert isinstance(answer, Exchange)
    assert (answer.status, answer.attempts, whole(waits)) == (200, 3, [7, 7])


def test_after_two_retries_the_last_answer_is_the_answer() -> None:
    with serving({"/": page("no", status="429 Too Many Requests")}) as web:
        (answer,), waits = fetched(web, ["/"])
        assert len(web.spoken) == 3
    assert isinstance(answer, Exchange)
    assert (answer.status, [round(seconds, 1) for seconds in waits]) == (429, [0.5, 1.0])


def test_a_retry_after_of_an_hour_is_cut_short() -> None:
    with serving({"/": page("no", status="503 Busy", headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})}) as web:
        _, waits = fetched(web, ["/"])
    assert whole(waits) == [120, 120]


def test_one_connection_serves_many_requests() -> None:
    """Kept alive; one that the server closed meanwhile is replaced without counting as a retry."""

    def closing(time: int) -> Answer:
        return Answer(page("x"), "close" if time == 1 else "keep")

    with serving({"/a": page("a"), "/b": closing}) as web:
        answers, waits = fetched(web, ["/a", "/b", "/a", "/a"])
        assert web.connections == 2
    assert [answer.attempts for answer in answers] == [1, 1, 1, 1]
    assert waits == []


def test_requests_to_a_host_keep_their_distance() -> None:
    with serving({"/": page("x")}) as web:
        _, waits = fetched(web, ["/", "/", "/"], delay=5.0)
    assert [round(seconds) for seconds in waits] == [5, 10]


def test_loopback_is_not_kept_waiting() -> None:
    with serving({"/": page("x")}) as web:
        _, waits = fetched(web, ["/", "/"])
    assert waits == []


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "answer: the answer does not begin with an HTTP status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "answer: the answer ends within its head"),
        (b"", "answer: the connection was closed without one"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000, "answer: the head is longer than a megabyte"),
        (b"HTTP/1.1 two hundred\r\n\r\n", "answer: the answer does not begin with an HTTP status line"),
    ],
)
def test_what_is_no_http_is_a_failure_with_its_cause(raw: bytes, cause: str) -> None:
    with serving({"/": Answer(raw, "close")}) as web:
        (answer,), _ = fetched(web, ["/"])
    assert answer == FetchFailure(url=web.url(), cause=cause, attempts=3)


def test_nobody_listening_is_a_failure_with_its_cause() -> None:
    with serving({}) as web:
        pass
    (answer,), _ = fetched(web, ["/"])
    assert isinstance(answer, FetchFailure)
    assert answer.cause.startswith("connect: ")


def test_a_silent_server_is_left_after_the_timeout() -> None:
    with serving({"/": Answer(b"HTTP/1.1 200 OK\r\n", "silent")}) as web:
        (answer,), _ = fetched(web, ["/"], timeout=0.1)
    assert answer == FetchFailure(url=web.url(), cause="time: no answer within 0.1 s", attempts=3)


def test_a_name_that_does_not_exist_is_a_failure_with_its_cause() -> None:
    async def run() -> Exchange | FetchFailure:
        client = Client(sleep=lambda seconds: asyncio.sleep(0))
        try:
            return await client.fetch("http://none.invalid/")
        finally:
            await client.close()

    answer = asyncio.run(run())
    assert isinstance(answer, FetchFailure)
    assert answer.cause.startswith("dns: none.invalid")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "240.0.0.1", "::1",
                "fd00::1", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1", "localhost"]
)  # fmt: skip
def test_no_private_address_is_dialled_without_leave(address: str) -> None:
    """Cloud metadata, routers and this machine's own services are out of a capture's reach."""

    async def run() -> Exchange | FetchFailure:
        to = [ConnectTo(host="a.example", port=80, address=address, to_port=9)]
        client = Client(connect_to=to, allow_private=["10.9.0.0/16"])
        return await client.fetch("http://a.example/")

    answer = asyncio.run(run())
    assert isinstance(answer, FetchFailure)
    assert answer.cause.startswith("refused: a.example is at ")
    assert answer.attempts == 1


def test_a_network_may_be_allowed_as_a_whole() -> None:
    with serving({"/": page("x")}) as web:
        (answer,), _ = fetched(web, ["/"], allow_private=["127.0.0.0/8"])
    assert isinstance(answer, Exchange)


def test_plain_tls_never_leaves_the_connect_to_address() -> None:
    async def run() -> Exchange | FetchFailure:
        return await Client(plain_tls=True).fetch("https://www.example.gov.cn/")

    answer = asyncio.run(run())
    assert isinstance(answer, FetchFailure)
    assert answer.cause == "refused: plain_tls without a connect-to address"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("A.cn:80:127.0.0.1:8201", ConnectTo(host="a.cn", port=80, address="127.0.0.1", to_port=8201)),
        ("a.cn:443:[::1]:8443", ConnectTo(host="a.cn", port=443, address="::1", to_port=8443)),
    ],
)
def test_connect_to_is_written_as_for_curl(text: str, parsed: ConnectTo) -> None:
    assert parse_connect_to(text) == parsed


@pytest.mark.parametrize("text", ["", "a.cn", "a.cn:80", "a.cn:80:b", "a.cn:x:127.0.0.1:80", "a.cn:80::80"])
def test_any_other_connect_to_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_connect_to(text)
    assert [problem.code for problem in error.value.problems] == ["connect-to-invalid"]


def test_four_connections_at_most_are_opened_to_a_host() -> None:
    """However many URLs wait."""
    routes: dict[str, Route] = {f"/{n}": page("x") for n in range(40)}

    async def run(web: OldWeb) -> int:
        client = Client(allow_private=["127.0.0.1"])
        answers = await asyncio.gather(*(client.fetch(web.url(f"/{n}")) for n in range(40)))
        for answer in answers:
            assert isinstance(answer, Exchange)
            answer.body.close()
        (host,) = client._hosts.values()
        (idle,) = host.idle.values()
        kept = len(idle)
        await client.close()
        return kept

    with serving(routes) as web:
        assert asyncio.run(run(web)) <= 4
        assert len(web.spoken) == 40


def test_a_crawl_delay_holds_for_every_request_to_its_host() -> None:
    """The owner of a weak server asked for seven seconds between requests; a faster operator does not matter."""
    with serving({f"/{n}": page("x") for n in range(3)}) as web:
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async def run() -> None:
            client = Client(allow_private=["127.0.0.1"], delay=0.0, sleep=sleep)
            client.slow_down("127.0.0.1", 7.0)
            for number in range(3):
                answer = await client.fetch(web.url(f"/{number}"))
                assert isinstance(answer, Exchange)
                answer.body.close()
            await client.close()

        asyncio.run(run())
    assert whole(waits) == [7, 14]
