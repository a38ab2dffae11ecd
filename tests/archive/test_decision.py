"""The decision file says what may be captured; what is wrong with it is said with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from archive import decision
from sitegen.errors import Refused

WHOLE = """\
site: lyj
hosts: [LYJ.example.gov.cn, "www.lyj.example.gov.cn:80", lyj.example.gov.cn:8080]
start: [http://lyj.example.gov.cn/main/]
allow_private: [127.0.0.1]
exclude:
  - {pattern: '/admin/', reason: 后台}
robots: ignore
name: 示例市旅游局网站
unit: whlyj
reason: 整合迁移
approval: {document: 示政办函〔2026〕61号, date: 2026-08-20}
successor:
  site: whlyj
  url: /whlyj/
  title: 示例市文化和旅游局
  columns: {/lydt/: whlyj/gzdt}
archived_on: 2026-11-22
retention: 30年
"""


def load(tmp_path: Path, text: str, site: str = "lyj") -> decision.Decision:
    folder = tmp_path / "_archive"
    folder.mkdir()
    (folder / f"{site}.yml").write_text(text, encoding="utf-8")
    return decision.load(tmp_path, site)


def refused(tmp_path: Path, text: str) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(Refused) as error:
        load(tmp_path, text)
    return [(problem.code, problem.line, problem.key) for problem in error.value.problems]


def test_a_whole_decision_is_read_with_its_types(tmp_path: Path) -> None:
    read = load(tmp_path, WHOLE)
    assert read.hosts == ("lyj.example.gov.cn", "www.lyj.example.gov.cn", "lyj.example.gov.cn:8080")
    assert read.exclude[0].pattern.search("http://lyj.example.gov.cn/admin/x")
    assert read.approval == decision.Approval(document="示政办函〔2026〕61号", date=date(2026, 8, 20))
    assert read.successor is not None
    assert read.successor.columns == {"/lydt/": "whlyj/gzdt"}
    assert (read.archived_on, read.label, read.robots) == (date(2026, 11, 22), "已歸檔", "ignore")
    assert read.warnings == ()
    assert decision.missing_for_publication(read) == []


def test_site_and_hosts_are_enough_for_a_capture(tmp_path: Path) -> None:
    """Publication then names each key it still needs."""
    read = load(tmp_path, "site: lyj\nhosts: [lyj.example.gov.cn]\n")
    assert read.start == ("http://lyj.example.gov.cn/",)
    missing = decision.missing_for_publication(read)
    assert {problem.code for problem in missing} == {"decision-incomplete"}
    assert [p.key for p in missing] == ["unit", "reason", "approval", "successor"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hosts: [a.cn]\n", ("decision-key-missing", None, "site")),
        ("site: lyj\n", ("decision-key-missing", None, "hosts")),
        ("site: other\nhosts: [a.cn]\n", ("decision-site-differs", 1, "site")),
        ("site: lyj\nhosts:\n  - http://a.cn/\n", ("decision-host-invalid", 3, "hosts[0]")),
        ("site: lyj\nhosts: [a.cn]\nstart: [http://b.cn/]\n", ("decision-host-unknown", 3, "start[0]")),
        ("site: lyj\nhosts: [a.cn]\nstart: ['http://a.cn:81/']\n", ("decision-host-unknown", 3, "start[0]")),
        ("site: lyj\nhosts: [a.cn]\nhosts: [b.cn]\n", ("decision-key-repeated", 3, "hosts")),
        ("site: lyj\nhosts: [a.cn]\nrobots: no\n", ("decision-value-invalid", 3, "robots")),
        ("site: lyj\nhosts: [a.cn]\npackage: hide\n", ("decision-value-invalid", 3, "package")),
        ("site: lyj\nhosts: [a.cn]\nexclude: [/x/]\n", ("decision-value-invalid", 3, "exclude")),
        (
            "site: lyj\nhosts: [a.cn]\nexclude:\n  - pattern: '('\n    reason: x\n",
            ("decision-value-invalid", 4, "exclude[0].pattern"),
        ),
        ("site: lyj\nhosts: [a.cn]\nexclude:\n  - pattern: x\n", ("decision-key-missing", 4, "exclude[0].reason")),
        (
            "site: lyj\nhosts: [a.cn]\napproval: {document: x, date: 2026-13-01}\n",
            ("decision-value-invalid", 3, "approval.date"),
        ),
        ("site: lyj\nhosts: [a.cn\n", ("decision-unreadable", 3, None)),
        ("- a\n", ("decision-unreadable", None, None)),
    ],
)
def test_each_mistake_is_named_with_its_line_and_key(
    text: str, expected: tuple[str, int | None, str | None], tmp_path: Path
) -> None:
    assert refused(tmp_path, text) == [expected]


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    found = refused(tmp_path, "hosts: ['a b']\nrobots: maybe\n")
    assert found == [
        ("decision-key-missing", None, "site"),
        ("decision-host-invalid", 1, "hosts[0]"),
        ("decision-value-invalid", 2, "robots"),
    ]


def test_a_misspelt_key_is_a_warning_with_the_right_one(tmp_path: Path) -> None:
    read = load(tmp_path, "site: lyj\nhosts: [a.cn]\nexlude: []\n")
    (warning,) = read.warnings
    assert (warning.code, warning.severity, warning.line) == ("decision-key-unknown", "warning", 3)
    assert warning.remedy == "did you mean `exclude`?"


@pytest.mark.parametrize(("site", "code"), [("lyj", "decision-missing"), ("../people", "decision-site-invalid")])
def test_there_is_no_capture_without_a_decision(site: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        decision.load(tmp_path, site)
    assert [problem.code for problem in error.value.problems] == [code]


def test_a_host_without_a_port_means_the_usual_ports(tmp_path: Path) -> None:
    hosts = ("a.cn", "b.cn:8080")
    inside = ["http://a.cn/x", "https://A.cn:443/", "http://b.cn:8080/"]
    outside = ["http://a.cn:8080/", "http://b.cn/", "http://a.cn.evil.example/", "http://xa.cn/", "http://a.cn:x/"]
    assert [decision.allows(hosts, url) for url in inside] == [True] * 3
    assert [decision.allows(hosts, url) for url in outside] == [False] * 5
