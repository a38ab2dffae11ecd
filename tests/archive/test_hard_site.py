"""Done when: everything that can be reached on the hard site is captured, with requests that are bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.crawling.capture import Options, capture
from archive.decision import Decision
from archive.net import fetch
from archive.proving.verify import verify
from tests.archive.oldweb import NOW
from tests.sites.hard.site import missed, serve_hard


@pytest.mark.needs("chromium")
def test_everything_on_the_hard_site_is_captured_with_few_requests(tmp_path: Path) -> None:
    with serve_hard() as server:
        decision = Decision(
            site="hard",
            hosts=(server.host,),
            start=(f"http://{server.host}/",),
            allow_private=("127.0.0.1",),
        )
        report = capture(decision, store=tmp_path, now=NOW, options=Options(browser="auto"))
        assert missed(server) == set()
        assert len(server.log) < 3 * len(server.site.truth)
        assert len(server.asked) == len(set(server.asked))
        assert {agent for _target, agent in server.log} == {fetch.USER_AGENT}
        assert set(server.methods) == {"GET"}
    assert [problem.code for problem in verify(report.capture).problems] == []
