"""What goes to the archives: the report of the four natures, and the bag, judged by the Library of Congress' own tool."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from archive.packing import bagit
from archive.proving import evidence, natures, proof
from archive.proving.evidence import Where
from archive.proving.proof import Proof
from sitegen import clock
from sitegen.errors import Problem, Refused
from tests.archive.retired import SITE_URL, Retired
from tests.conftest import REPLAY

NOW = clock.parse_moment("2026-11-22 12:00")


def where(retired: Retired) -> Where:
    return Where(
        capture=retired.capture,
        content=retired.content,
        public=retired.public,
        build=retired.build,
        site_url=SITE_URL,
    )


@pytest.fixture(scope="module")
def found(retired: Retired) -> Proof:
    return proof.prove(where(retired))


def exported(retired: Retired, found: Proof, folder: Path, now: datetime = NOW) -> bagit.Bag:
    return bagit.export(evidence.published_of(where(retired)), found, folder, now=now)


# --- the report


def test_the_report_names_the_four_natures_and_what_was_looked_at(found: Proof) -> None:
    """DA/T 70. Nothing is called passed that was not looked at; what comes from memory says so."""
    said = natures.as_json(found, name="示例市旅游局网站", now=NOW)
    checks: Any = said["checks"]
    assert list(dict.fromkeys(check["nature"] for check in checks)) == ["真实性", "完整性", "可用性", "安全性"]
    assert [check for check in checks if check["result"] == "通过" and check["looked_at"] == 0] == []
    assert {check["check"] for check in checks if check["result"] == "未检测"} == {
        "办公文件和版式文件可以打开", "恶意代码扫描", "保密审查", "备份与存储介质",
    }  # fmt: skip
    assert {check["result"] for check in checks} == {"通过", "未检测"}
    assert all(check["result"] == "未检测" for check in checks if not check["from_standard"])


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("warc-damaged", "记录与摘要一致"),
        ("proof-copy-unstamped", "归档标记和机读元数据"),
        ("proof-text-differs", "副本文字与记录一致"),
        ("verify-orphan", "没有遗漏的网址"),
        ("proof-link-broken", "链接可以打开"),
        ("proof-copy-active", "副本不含可执行内容"),
        ("a-new-code", "其他问题"),
    ],
)
def test_a_problem_fails_the_check_it_belongs_to(code: str, check: str, found: Proof) -> None:
    problem = Problem(path="http://h/<a>", code=code, message="<b>", remedy="…")
    harmed = replace(found, problems=(problem,))
    failed = [one.rule.title for one in natures.checks(harmed) if one.result == "未通过"]
    assert check in failed
    html = natures.html(harmed, name="站", unit="", approval="", now=NOW)
    assert "有检测项未通过" in html
    assert "http://h/&lt;a&gt;" in html
    assert "<b>&lt;b&gt;" not in html


def test_what_is_not_due_yet_is_not_called_passed(found: Proof) -> None:
    early = replace(found, aspects=tuple(replace(one, not_due="…") for one in found.aspects if one.name != "captured"))
    results = {one.rule.title: one.result for one in natures.checks(early)}
    assert results["旧网址都有去向"] == results["公告写明去向"] == results["归档标记和机读元数据"] == "未到时"
    assert results["记录与摘要一致"] == "通过"


def test_verify_writes_the_report_in_both_forms(retired: Retired, tmp_path: Path) -> None:
    done = retired.command("verify", "lyj", "--report", str(tmp_path / "r.html"), "--date", "2026-11-22 12:00")
    assert done.returncode == 0, done.stderr
    assert "coverage 100 %, 0 orphans" in done.stdout
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "http" not in re.sub(r"<dd>.*?</dd>", "", html)
    assert "示例市文化和旅游局" in html
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["coverage"] == 100.0


@pytest.mark.needs("chromium")
def test_the_report_fits_a_phone_and_a_desk(found: Proof, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "r.html"
    file.write_text(natures.html(found, name="站" * 40, unit="u", approval="a" * 80, now=NOW), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (1280, 390):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto(file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.locator("h2").count() == 4
        browser.close()


# --- the bag


@pytest.mark.needs("replay")
def test_the_bag_is_valid_for_the_library_of_congress(retired: Retired, found: Proof, tmp_path: Path) -> None:
    """And no longer once a byte is other: their tool, their judgement."""
    bag = exported(retired, found, tmp_path / "bag")
    assert bag.files >= 300
    tool = [str(REPLAY / "python"), str(REPLAY / "bagit.py"), "--validate", str(tmp_path / "bag")]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is valid" in done.stderr
    file = next((tmp_path / "bag/data/capture/archive").glob("*.warc.gz"))
    file.write_bytes(file.read_bytes() + b"x")
    assert subprocess.run(tool, capture_output=True, check=False).returncode == 1


def test_the_manifest_is_what_sha256sum_reads_and_names_every_file(
    retired: Retired, found: Proof, tmp_path: Path
) -> None:
    """RFC 8493 §2.1.3, §2.2.1, read by ourselves and by coreutils."""
    folder = tmp_path / "bag"
    exported(retired, found, folder)
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", name], cwd=folder, check=True)
    lines = (folder / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines()
    listed = {line.split("  ", 1)[1] for line in lines}
    assert listed == {path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if path.is_file()}
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    size = sum((folder / name).stat().st_size for name in listed)
    assert f"Payload-Oxum: {size}.{len(listed)}\n" in (folder / "bag-info.txt").read_text(encoding="utf-8")
    assert (folder / "bagit.txt").read_bytes() == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert list(tmp_path.iterdir()) == [folder]


def test_the_metadata_has_a_full_record_for_every_page(retired: Retired, found: Proof, tmp_path: Path) -> None:
    """STANDARDS §2.10: what was captured, when, from where, and where it lies in the WARC; digests are the record's."""
    exported(retired, found, tmp_path / "bag")
    text = (tmp_path / "bag/data/metadata/pages.csv").read_text(encoding="utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    pages = json.loads((tmp_path / "bag/data/metadata/pages.json").read_text(encoding="utf-8"))
    assert [row["原URL"] for row in table] == sorted(one["target_uri"] for one in retired.index["pages"])
    assert table == pages
    always = set(bagit.COLUMNS) - {"标识码", "栏目", "来源", "发布时间", "附件清单", "关联"}
    assert [(row["原URL"], key) for row in table for key in always if not row[key]] == []
    assert {row["校验记录"] for row in table} == {"已证明"}
    by_url = {row["原URL"]: row for row in table}
    article = by_url["http://lyj.example.gov.cn/lydt/200809/23.html"]
    body = Path("tests/sites/lyj/lydt/200809/23.html").read_bytes()
    assert (article["字节数"], article["摘要值"]) == (str(len(body)), hashlib.sha256(body).hexdigest())
    assert (article["栏目"], article["归档原因"], article["保管期限"]) == ("lydt", "整合迁移", "永久")
    assert sum(bool(row["来源"]) for row in table) >= 40
    assert sum(bool(row["附件清单"]) for row in table) >= 3


def test_the_bag_holds_the_migrated_texts_the_decision_and_the_proof(
    retired: Retired, found: Proof, tmp_path: Path
) -> None:
    exported(retired, found, tmp_path / "bag")
    data = tmp_path / "bag" / "data"
    assert len(list((data / "markdown").rglob("*.md"))) >= 40
    assert (data / "decision/lyj.yml").read_bytes() == (retired.content / "_archive/lyj.yml").read_bytes()
    assert (data / "decision/redirects.csv").exists()
    assert (data / "decision/record-lyj.yml").exists()
    assert "四性检测" in (data / "report/four-natures.html").read_text(encoding="utf-8")
    assert (data / "capture/capture.json").exists()
    assert len(list((data / "copies").rglob("*.html"))) >= 110


def test_a_bag_is_never_written_over_something(retired: Retired, found: Proof, tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    with pytest.raises(Refused) as refused:
        exported(retired, found, tmp_path / "bag")
    assert [problem.code for problem in refused.value.problems] == ["export-exists"]


def test_a_symbolic_link_is_not_followed_and_nothing_is_left_behind(
    retired: Retired, found: Proof, tmp_path: Path
) -> None:
    link = retired.capture.folder / "pages" / "link"
    link.symlink_to("/etc/passwd")
    try:
        with pytest.raises(Refused) as refused:
            exported(retired, found, tmp_path / "bag")
    finally:
        link.unlink()
    assert [problem.code for problem in refused.value.problems] == ["export-link"]
    assert list(tmp_path.iterdir()) == []


def test_a_bag_that_cannot_be_written_is_refused_whole(retired: Retired, found: Proof, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        exported(retired, found, tmp_path / "file" / "bag")
    assert [problem.code for problem in refused.value.problems] == ["export-failed"]


def test_paths_are_written_as_the_standard_says() -> None:
    assert bagit.encoded("data/a%b\r\n附.doc") == "data/a%25b%0D%0A附.doc"
    for path in ("/etc/passwd", "../x", "data/../../x", "~/x"):
        with pytest.raises(ValueError, match="leaves the bag"):
            bagit.encoded(path)


def test_export_says_where_the_bag_is(retired: Retired, tmp_path: Path) -> None:
    done = retired.command("export", "lyj", "--bagit", str(tmp_path / "bag"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["bag"] == str(tmp_path / "bag")
    assert said["pages"] == len(retired.index["pages"])
    assert said["problems"] == []
