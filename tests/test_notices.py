"""Notices of a site's life: said with the law and the dates, refused where the law forbids, kept for thirty days."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.__main__ import main as program
from sitegen import archived, frontmatter
from sitegen.clock import SHANGHAI
from sitegen.errors import Refused
from sitegen.sites import notice as announcements
from sitegen.sites.notice import Facts, Kind
from tests.archive.test_publish_site import write

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI)
RECORD = "site: kjj\nname: 示例市科技局网站\nurl: http://kjj.example.gov.cn/\nunit: kjj\nevents:\n  - {event: approval, date: 2020-01-01}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "index.md", "---\nkind: portal\ntitle: 示例市人民政府\n---\n")
    write(tmp_path, "tzgg/index.md", "---\nkind: column\ntitle: 通知公告\n---\n")
    write(tmp_path, "_records/sites/kjj.yml", RECORD)
    write(tmp_path, "_records/units.yml", "units:\n  - {id: kjj, name: 示例市科技局}\n")
    return tmp_path


FACTS = Facts(
    document="示政办函〔2026〕7号", start=date(2026, 12, 1), until=date(2026, 12, 5), to="http://new.example.gov.cn/"
)


@pytest.mark.parametrize(
    ("kind", "title", "says"),
    [
        ("opening", "关于示例市科技局网站正式开通的公告", ("第十条", "示政办函〔2026〕7号", "2026年12月1日", "http://kjj.example.gov.cn/")),
        ("domain-change", "关于示例市科技局网站变更域名的公告", ("第十四条", "http://kjj.example.gov.cn/", "http://new.example.gov.cn/", "2026年12月1日")),
        ("temporary-offline", "关于示例市科技局网站临时下线的公告", ("第十三条", "示政办函〔2026〕7号", "2026年12月1日", "2026年12月5日")),
        ("resumption", "关于示例市科技局网站恢复运行的公告", ("第十三条", "2026年12月1日")),
    ],
)  # fmt: skip
def test_a_notice_says_the_law_the_document_and_the_days(
    root: Path, kind: Kind, title: str, says: tuple[str, ...]
) -> None:
    notice, _fragment = announcements.draft(kind, "kjj", FACTS, content=root / "content", now=NOW)
    text = (root / "content" / notice.path).read_text(encoding="utf-8")
    matter, problems = frontmatter.parse(text, notice.path, frontmatter.ARTICLE_KEYS)
    assert problems == []
    assert matter is not None
    assert (matter.values["title"], matter.values["source"]) == (title, "示例市科技局")
    assert notice.path.startswith("tzgg/202611/t20261122_9")
    for words in ("国办发〔2017〕47号", *says):
        assert words in matter.body


def test_a_change_of_domain_and_an_offline_are_said_on_the_sites_own_home_page_too(root: Path) -> None:
    def fragment(kind: Kind) -> str:
        return announcements.draft(kind, "kjj", FACTS, content=root / "content", now=NOW)[1]

    for kind in ("domain-change", "temporary-offline"):
        assert fragment(kind).isascii()
        assert "<div role=" in fragment(kind)
    assert fragment("opening") == fragment("resumption") == ""


def test_a_draft_that_editors_changed_is_left_as_it_is(root: Path) -> None:
    notice, _fragment = announcements.draft("opening", "kjj", FACTS, content=root / "content", now=NOW)
    file = root / "content" / notice.path
    file.write_text(file.read_text(encoding="utf-8") + "编辑改过。\n", encoding="utf-8")
    again, _fragment = announcements.draft("opening", "kjj", FACTS, content=root / "content", now=NOW)
    assert (again.path, again.written) == (notice.path, False)
    assert file.read_text(encoding="utf-8").endswith("编辑改过。\n")


@pytest.mark.parametrize(
    ("until", "allowed"), [("2026-12-30", True), ("2026-12-31", False), ("2026-11-30", False)]
)  # fmt: skip
def test_a_temporary_offline_of_thirty_days_is_announced_and_of_thirty_one_is_not(
    root: Path, until: str, allowed: bool
) -> None:
    facts = Facts(document="X", start=date(2026, 12, 1), until=date.fromisoformat(until))
    if allowed:
        assert announcements.draft("temporary-offline", "kjj", facts, content=root / "content", now=NOW)[0].written
        return
    with pytest.raises(Refused) as refused:
        announcements.draft("temporary-offline", "kjj", facts, content=root / "content", now=NOW)
    assert [one.code for one in refused.value.problems] == ["notice-offline-too-long"]


def test_the_numbers_of_a_notice_are_those_of_the_rules(root: Path) -> None:
    """A project corrects them in `_records/rules.yml`; nothing is written in code."""
    rules = root / "content/_records/rules.yml"
    rules.write_text("suspension_days: 5\nnotice_days: 45\nsuspensions_a_year: 2\n", "utf-8")
    content = root / "content"
    long = Facts(document="X", start=date(2026, 12, 1), until=date(2026, 12, 6))
    with pytest.raises(Refused) as refused:
        announcements.draft("temporary-offline", "kjj", long, content=content, now=NOW)
    assert [one.code for one in refused.value.problems] == ["notice-offline-too-long"]
    opened = announcements.draft(
        "opening", "kjj", FACTS.__class__(document="X", start=date(2026, 12, 1)), content=content, now=NOW
    )
    assert opened[0].until == NOW.date() + timedelta(days=45)


def test_a_second_offline_in_a_year_is_refused_unless_it_was_not_chosen(root: Path) -> None:
    write(root, "_records/sites/kjj.yml", RECORD + "  - {event: suspended, date: 2026-03-01}\n")
    with pytest.raises(Refused) as refused:
        announcements.draft("temporary-offline", "kjj", FACTS, content=root / "content", now=NOW)
    assert [one.code for one in refused.value.problems] == ["notice-offline-again"]
    storm = Facts(start=FACTS.start, until=FACTS.until, force_majeure=True)
    notice, _fragment = announcements.draft("temporary-offline", "kjj", storm, content=root / "content", now=NOW)
    assert "因不可抗力" in (root / "content" / notice.path).read_text(encoding="utf-8")
    write(root, "_records/sites/kjj.yml", RECORD + "  - {event: suspended, date: 2026-03-01, cause: force-majeure, report: 示科报〔2026〕1号}\n")  # fmt: skip
    assert announcements.draft("temporary-offline", "kjj", FACTS, content=root / "content", now=NOW)[0].path


def test_what_is_missing_is_asked_for_and_an_unknown_site_is_told(root: Path) -> None:
    with pytest.raises(Refused) as refused:
        announcements.draft("temporary-offline", "kjj", Facts(), content=root / "content", now=NOW)
    assert [(one.code, one.key) for one in refused.value.problems] == [
        ("notice-fact-missing", "document"),
        ("notice-fact-missing", "start"),
        ("notice-fact-missing", "until"),
    ]
    with pytest.raises(Refused) as refused:
        announcements.draft("opening", "nobody", FACTS, content=root / "content", now=NOW)
    assert [one.code for one in refused.value.problems] == ["notice-site-unknown"]


def test_the_command_writes_the_draft_and_the_fragment(root: Path) -> None:
    command = ["notice", "kjj", "--kind", "domain-change", "--from", "2026-12-01", "--to", "http://new.example.gov.cn/", "--date", "2026-11-22T09:30:00+08:00", "--json"]  # fmt: skip
    ended = CliRunner().invoke(program, [*command, "--content", str(root / "content"), "--store", str(root / "store")])
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert Path(said["banner"]).read_text(encoding="ascii").startswith("<div")
    assert (root / "content" / said["drafts"][0]).exists()


# --- 第十二条(三): the migration notice stays


NOTICE = "tzgg/202611/t20261122_9000001.md"
TEXT = "---\ntitle: 关于网站永久下线的公告\ndate: 2026-11-22 09:30\nsource: 市府办\nretires: kjj\n{more}---\n\n公告。\n"
TOLD = (
    RECORD
    + "  - {event: portal-notice, date: 2026-11-22, until: 2026-12-22, url: /tzgg/202611/t20261122_9000001.html}\n"
)


def told(root: Path) -> list[tuple[str, str]]:
    return [(one.code, one.path) for one in archived.early_notices(root / "content")]


def test_a_migration_notice_that_is_taken_out_before_its_day_is_an_error_until_the_retirement_is_over(
    root: Path,
) -> None:
    write(root, "_records/sites/kjj.yml", TOLD)
    assert told(root) == [("migration-notice-removed", f"content/{NOTICE}")]
    write(root, NOTICE, TEXT.format(more=""))
    assert told(root) == []
    (root / "content" / NOTICE).rename(root / "content/tzgg/moved.md")
    assert told(root) == []
    write(root, "tzgg/moved.md", TEXT.format(more="").replace("retires: kjj\n", ""))
    assert told(root) == [("migration-notice-removed", f"content/{NOTICE}")]
    write(root, "_records/sites/kjj.yml", TOLD + "  - {event: retired, date: 2026-12-22}\n")
    assert told(root) == []


@pytest.mark.parametrize(
    ("expires", "wrong"), [("2026-12-21 00:00", True), ("2026-12-22 00:00", False), ("2027-01-01", False), ("x", False)]
)
def test_a_migration_notice_must_not_expire_before_its_day(root: Path, expires: str, wrong: bool) -> None:
    write(root, "_records/sites/kjj.yml", TOLD)
    write(root, NOTICE, TEXT.format(more=f"expire_at: {expires}\n"))
    assert told(root) == ([("migration-notice-expires-early", f"content/{NOTICE}")] if wrong else [])
