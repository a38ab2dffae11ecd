"""Hosts of one site do not wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from archive.crawling.capture import Options, capture
from archive.crawling.frontier import Frontier, Row
from archive.crawling.queues import Queues
from archive.decision import Decision
from archive.net.fetch import ConnectTo
from tests.archive.oldweb import NOW, Route, page, serving

PAGES = 12
MANY = 400
WITHOUT_RULES = page("", "text/plain", status="404 Not Found")


def test_a_host_that_keeps_everybody_waiting_keeps_no_other_host_waiting(tmp_path: Path) -> None:
    """One host gives its robots.txt, another its four hundred pages only when the third has been asked for all it has,
    page after page; those two come first in every list."""
    fast_is_done = threading.Event()
    in_time: list[bool] = []

    def held(answer: bytes) -> Callable[[int], bytes]:
        def route(_time: int) -> bytes:
            in_time.append(fast_is_done.wait(20))
            return answer

        return route

    def last(_time: int) -> bytes:
        fast_is_done.set()
        return page("<title>last</title>")

    links = "".join(f"<a href=/{number}.html>{number}</a>" for number in range(MANY))
    slow: dict[str, Route] = {f"/{number}.html": held(page(f"<p>{number}")) for number in range(MANY)}
    slow |= {"/": page(links), "/robots.txt": WITHOUT_RULES}
    mute: dict[str, Route] = {"/": page("<p>mute"), "/robots.txt": held(WITHOUT_RULES)}
    fast: dict[str, Route] = {f"/{n}.html": page(f"<a href=/{n + 1}.html>{n}</a>") for n in range(1, PAGES)}
    fast |= {"/": page("<a href=/1.html>1</a>"), f"/{PAGES}.html": last, "/robots.txt": WITHOUT_RULES}
    hosts = ("mute.gov.example", "slow.gov.example", "fast.gov.example")
    with serving(mute) as first, serving(slow) as second, serving(fast) as third:
        decision = Decision(
            site="lyj",
            hosts=hosts,
            start=tuple(f"http://{host}/" for host in hosts),
            allow_private=("127.0.0.1",),
        )
        to = tuple(
            ConnectTo(host=host, port=80, address="127.0.0.1", to_port=web.port)
            for host, web in zip(hosts, (first, second, third), strict=True)
        )
        report = capture(decision, store=tmp_path, now=NOW, options=Options(connect_to=to))
    assert in_time == [True] * len(in_time)
    assert len(in_time) == MANY + 1
    with Frontier(report.capture.frontier, read_only=True) as frontier:
        captured = {url for url in frontier.urls("captured") if "fast" in url}
    assert captured == {"http://fast.gov.example/", *(f"http://fast.gov.example/{n}.html" for n in range(1, PAGES + 1))}
    assert report.inventory["captured"] == MANY + 1 + 1 + PAGES + 1


def test_a_host_has_as_many_places_whatever_its_schemes_and_ports() -> None:
    """Four connections are four for http, https and every port of a name together."""
    queues = Queues(2)
    for origin in ("http://a.cn", "https://a.cn", "http://a.cn:8080", "http://b.cn"):
        queues.put(origin, [row(f"{origin}/")])
    taken = [queues.take() for _ in range(4)]
    assert [one and one.key for one in taken] == ["http://a.cn/", "https://a.cn/", "http://b.cn/", None]
    queues.release(row("https://a.cn/"))
    assert queues.take() == row("http://a.cn:8080/")
    assert not queues


def test_the_frontier_knows_what_waits_of_each_origin(tmp_path: Path) -> None:
    """By priority and depth within an origin; a name that begins like another one is another."""
    keys = ("http://a.cn/1", "http://a.cn:8080/1", "http://a.cn.example/1", "https://a.cn/1", "http://b/1")
    with Frontier(tmp_path / "crawl.sqlite") as frontier:
        frontier.add([row(key) for key in keys])
        frontier.add(
            [Row(key="http://a.cn/0", url="http://a.cn/0", depth=1), Row(key="http://c.cn/", url="", state="failed")]
        )
        assert frontier.waiting() == sorted(key.rpartition("/")[0] for key in keys)
        assert [found.key for found in frontier.next_batch("http://a.cn", 9)] == ["http://a.cn/1", "http://a.cn/0"]
        skipped = frontier.next_batch("http://a.cn", 1, frozenset({"http://a.cn/1"}))
        assert [found.key for found in skipped] == ["http://a.cn/0"]


def row(url: str) -> Row:
    return Row(key=url, url=url)
