"""The commands as their users type them: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import os
import socket
import threading
import urllib.request
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from sitegen import report, serve, servers
from sitegen.cli import main
from sitegen.errors import Refused
from tests.cities import NOW, TinyCity

NEWS = "xwdt/202611/t20261120_1.md"


def run(city: TinyCity, *arguments: str) -> Result:
    """Run in the city's folder at the test's moment."""
    before = Path.cwd()
    os.chdir(city.root)
    try:
        return CliRunner().invoke(main, arguments, env={"SITEGEN_NOW": NOW.isoformat()}, catch_exceptions=False)
    finally:
        os.chdir(before)


def problem_codes(result: Result) -> list[str]:
    return [problem["code"] for problem in json.loads(result.stdout)["problems"]]


def test_build_says_in_json_what_it_did(city: TinyCity) -> None:
    city.article(NEWS)
    result = run(city, "build", "--json")
    assert result.exit_code == 0
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["rendered"] > 0
    assert (found["kept"], found["removed"], found["problems"], found["next_change"]) == (0, 0, [], None)
    assert (city.root / "build/releases" / found["release"]).is_dir()
    again = json.loads(run(city, "build", "--json").stdout)
    assert (again["rendered"], again["kept"], again["release"]) == (0, found["rendered"], found["release"])


def test_a_warning_alone_ends_with_0_and_an_error_with_1(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    assert run(city, "build").exit_code == 0
    city.put("xwdt/202611/t20261120_2.md", "---\ntitle：坏\n---\n")
    result = run(city, "build")
    assert result.exit_code == 1
    assert "content/xwdt/202611/t20261120_2.md:2 [title]: error front-matter-full-width-colon" in result.stderr
    assert "write: title: 坏" in result.stderr
    assert (city.site / "index.html").exists()


def test_a_problem_in_json_has_every_field_of_the_contract(city: TinyCity) -> None:
    city.put(NEWS, "---\ntitle：坏\n---\n")
    [problem] = json.loads(run(city, "build", "--json").stdout)["problems"]
    assert problem == {
        "code": "front-matter-full-width-colon",
        "severity": "error",
        "path": f"content/{NEWS}",
        "line": 2,
        "key": "title",
        "message": problem["message"],
        "remedy": problem["remedy"],
    }


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (None, "config-missing"),
        ("theme: [\n", "config-unreadable"),
        ("site_url: https://x.example/\n", "config-theme"),
        ("theme: {custom_dir: themes/gov}\n", "config-site-url"),
    ],
)
def test_a_project_that_cannot_be_read_is_wrong_usage(city: TinyCity, config: str | None, code: str) -> None:
    if config is None:
        (city.root / "mkdocs.yml").unlink()
    else:
        (city.root / "mkdocs.yml").write_text(config, encoding="utf-8")
    result = run(city, "build", "--json")
    assert result.exit_code == 2
    assert problem_codes(result) == [code]


def test_a_date_that_is_none_is_wrong_usage(city: TinyCity) -> None:
    result = run(city, "build", "--json", "--date", "gestern")
    assert result.exit_code == 2
    assert problem_codes(result) == ["clock-unreadable"]


def test_check_names_what_is_wrong_below_a_path_and_builds_nothing(city: TinyCity) -> None:
    city.put(NEWS, "---\ntitle：坏\n---\n")
    city.put("jyj/tzgg/202611/t20261120_2.md", "---\ntitle：坏\n---\n")
    result = run(city, "check", "--json", "content/jyj")
    assert result.exit_code == 1
    assert problem_codes(result) == ["front-matter-full-width-colon"]
    assert not (city.root / "build/site").exists()


def approve(city: TinyCity, person: str, *paths: str, date: str = "2026-11-22T10:00+08:00") -> Result:
    return run(city, "review", "approve", *(paths or (f"content/{NEWS}",)), "--as", person, "--json", "--date", date)


def test_three_people_approve_and_the_article_is_published(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    for number, person in enumerate(("portal-bianji", "portal-shenhe", "portal-qianfa")):
        result = approve(city, person, "content", date=f"2026-11-22T1{number}:00+08:00")
        assert result.exit_code == 0, result.output
        assert len(json.loads(result.stdout)["verdicts"]) == 1
    run(city, "build")
    assert (city.site / NEWS.replace(".md", ".html")).exists()
    status = json.loads(run(city, "review", "status", "content/xwdt", "--json").stdout)
    assert status == [{"path": f"content/{NEWS}", "status": "signed by portal-qianfa at 2026-11-22 12:00"}]


@pytest.mark.parametrize(
    ("person", "date", "code"),
    [
        ("jyj-bianji", "2026-11-22T11:00+08:00", "reviewer-not-entitled"),
        ("portal-qianfa", "2026-11-22T11:00+08:00", "reviewer-not-entitled"),
        ("portal-shenhe", "2026-11-22T09:00+08:00", "reviewer-before-last"),
    ],
)
def test_a_verdict_that_would_not_count_is_refused(city: TinyCity, person: str, date: str, code: str) -> None:
    city.article(NEWS, sign=False)
    assert approve(city, "portal-bianji").exit_code == 0
    result = approve(city, person, date=date)
    assert result.exit_code == 1
    assert problem_codes(result) == [code]
    assert len(city.entries("xwdt")) == 1


def test_only_the_signer_signs_off_and_nobody_twice(city: TinyCity) -> None:
    people = (city.content / "_records/people.yml").read_text(encoding="utf-8")
    people += "  - id: stranger\n    roles:\n      - {stage: sign, columns: [portal]}\n"
    people += "  - id: both\n    roles:\n      - {stage: edit, columns: [portal], until: 2026-11-21}\n"
    people += "      - {stage: review, columns: [portal], from: 2026-11-22}\n"
    city.put("_records/people.yml", people)
    city.article(NEWS, sign=False)
    assert approve(city, "both", date="2026-11-21T10:00+08:00").exit_code == 0
    assert problem_codes(approve(city, "both")) == ["reviewer-same-person"]
    assert approve(city, "portal-shenhe").exit_code == 0
    assert problem_codes(approve(city, "stranger")) == ["reviewer-not-signer"]


def test_a_stage_is_not_skipped(city: TinyCity) -> None:
    file = city.article(NEWS, sign=False)
    result = run(
        city, "review", "reject", str(file), "--as", "portal-shenhe", "--reason", "x", "--stage", "review", "--json"
    )
    assert result.exit_code == 1
    assert problem_codes(result) == ["reviewer-out-of-order"]


def test_a_signed_version_gets_no_second_signature(city: TinyCity) -> None:
    city.article(NEWS)
    before = city.entries("xwdt")
    result = approve(city, "portal-qianfa")
    assert (result.exit_code, problem_codes(result)) == (1, ["review-complete"])
    assert approve(city, "portal-qianfa", "content").exit_code == 0
    assert city.entries("xwdt") == before


def test_an_unknown_person_or_path_is_wrong_usage(city: TinyCity) -> None:
    city.article(NEWS, sign=False)
    result = approve(city, "nobody")
    assert (result.exit_code, problem_codes(result)) == (2, ["person-unknown"])
    result = approve(city, "portal-bianji", "content/index.md")
    assert (result.exit_code, problem_codes(result)) == (2, ["review-no-article"])
    result = approve(city, "portal-bianji", "mkdocs.yml")
    assert (result.exit_code, problem_codes(result)) == (2, ["review-no-article"])


def test_releases_are_listed_and_rolled_back(city: TinyCity) -> None:
    run(city, "build")
    first = city.project.live.readlink().name
    city.article(NEWS)
    run(city, "build")
    second = city.project.live.readlink().name
    listed = json.loads(run(city, "release", "list", "--json").stdout)
    assert listed == {"live": second, "releases": [first, second]}
    assert run(city, "release", "rollback").exit_code == 0
    assert city.project.live.readlink().name == first
    result = run(city, "release", "rollback", "nonsense")
    assert result.exit_code == 2
    assert "release-unknown" in result.stderr
    assert run(city, "release", "prune", "--keep", "1").exit_code == 0
    assert city.site.exists()


def test_a_rollback_holds_until_something_changes(city: TinyCity) -> None:
    run(city, "build")
    first = city.project.live.readlink().name
    city.article(NEWS)
    run(city, "build")
    run(city, "release", "rollback")
    assert problem_codes(run(city, "build", "--json")) == ["release-held"]
    assert city.project.live.readlink().name == first
    city.article("xwdt/202611/t20261120_2.md")
    assert problem_codes(run(city, "build", "--json")) == []
    assert (city.site / "xwdt/202611/t20261120_2.html").exists()
    assert problem_codes(run(city, "build", "--json")) == []


def test_check_finds_a_missing_file_before_anybody_signs(city: TinyCity) -> None:
    city.article(NEWS, body="[附件](f1.docx) ![图](a.jpg) [栏目](../index.md) [归档](/archive/lyj/)", sign=False)
    found = problem_codes(run(city, "check", "--json"))
    assert sorted(found) == ["link-broken", "link-broken", "review-pending"]


def test_serving_before_a_build_says_so(city: TinyCity) -> None:
    result = run(city, "serve", "--port", "0")
    assert result.exit_code == 1
    assert "release-missing" in result.stderr


def test_a_port_in_use_is_told(city: TinyCity) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused) as refused:
            serve.server(city.root, taken.getsockname()[1])
    assert [p.code for p in refused.value.problems] == ["port-taken"]


@pytest.mark.parametrize(
    ("path", "scripts"),
    [("/index.html", "script-src 'self'"), ("/archive/lyj/20261122/index.html", "script-src 'none'")],
)
def test_a_served_page_may_run_our_script_and_an_archived_one_none(city: TinyCity, path: str, scripts: str) -> None:
    """The headers are those of a real server (`sitegen headers`), so that what is looked at is what citizens get."""
    (city.root / "site" / path[1:]).parent.mkdir(parents=True)
    (city.root / "site" / path[1:]).write_text("<!doctype html>", encoding="utf-8")
    with serve.server(city.root / "site", 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{running.server_address[1]}{path}") as answer:
            headers = answer.headers
        running.shutdown()
    assert scripts in headers["Content-Security-Policy"]
    for name in servers.HEADERS.keys() - {"Content-Security-Policy"}:
        assert servers.HEADERS[name] == headers[name]


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found += commands(command, (*prefix, name)) if isinstance(command, click.Group) else [(*prefix, name)]
    return found


@pytest.mark.parametrize("words", commands(main), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_a_page_is_explained_whatever_became_of_it(city: TinyCity) -> None:
    city.article(NEWS)
    city.article("xwdt/202611/t20261120_2.md", sign=False)
    page = "xwdt/202611/t20261120_1.html"
    asked = ("--explain", f"content/{NEWS}", "--explain", "content/xwdt/202611/t20261120_2.md", "--explain", "/no.html")
    lines = run(city, "build", *asked).stdout.splitlines()
    assert f"content/{NEWS}: rendered: new" in lines
    assert any(line.startswith("content/xwdt/202611/t20261120_2.md: not published: review-pending:") for line in lines)
    assert "/no.html: not published: there is no such page" in lines
    for form in (f"content/{NEWS}", page, f"/{page}", f"https://www.example.gov.cn/{page}"):
        assert f"{form}: kept: its text" in run(city, "build", "--explain", form).stdout


def test_a_sample_rendered_anew_finds_the_page_that_was_changed(city: TinyCity) -> None:
    city.article(NEWS)
    result = run(city, "build", "--verify-sample", "100%")
    assert result.exit_code == 0
    assert ", 0 differ" in result.stderr
    (city.site / "xwdt/202611/t20261120_1.html").write_text("defaced", encoding="utf-8")
    (city.site / "xwdt/index.html").unlink()
    result = run(city, "build", "--json", "--verify-sample", "100%")
    assert result.exit_code == 1
    assert problem_codes(result) == ["release-differs", "release-differs"]
    run(city, "build", "--clean")
    assert run(city, "build", "--verify-sample", "1").exit_code == 0


@pytest.mark.parametrize("share", ["0", "101%", "much", "-1%", "0%"])
def test_a_share_that_is_none_is_wrong_usage(city: TinyCity, share: str) -> None:
    result = run(city, "build", "--json", "--verify-sample", share)
    assert (result.exit_code, problem_codes(result)) == (2, ["share-unreadable"])


def test_how_bodies_were_made_is_counted(city: TinyCity) -> None:
    city.article(NEWS, body="平常的正文。")
    city.article("xwdt/202611/t20261120_2.md", body="用反引号的`代码`。")
    counts = json.loads(run(city, "build", "--json").stdout)["markdown"]
    assert counts.pop("direct") >= 1
    assert counts == {"code": 1}
    (city.root / "themes/gov/kinds/page.html").write_text("{#- x -#}", encoding="utf-8")
    again = json.loads(run(city, "build", "--json").stdout)["markdown"]
    assert set(again) == {"kept"}


def test_many_warnings_of_one_kind_are_told_in_part_and_counted(city: TinyCity) -> None:
    for number in range(1, 31):
        city.article(f"xwdt/202611/t20261101_{number}.md", date="2026-11-01", sign=False)
    found = json.loads(run(city, "build", "--json").stdout)
    codes = [problem["code"] for problem in found["problems"]]
    assert (codes.count("date-without-time"), codes.count("review-pending")) == (20, 20)
    assert found["more"] == [{"code": "date-without-time", "count": 10}, {"code": "review-pending", "count": 10}]
    assert found["pending"] == 30


def test_long_work_fills_a_line_on_a_terminal_and_is_told_now_and_then_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for terminal in (True, False):
        steps = report.Steps(terminal=terminal, seconds=1000)
        for done in range(0, 101, 10):
            steps("pages rendered", done, 100)
    told = capsys.readouterr().err
    assert told.startswith("\r")
    assert "█" * 24 + " pages rendered: 100 of 100\n" in told
    assert told.endswith("\npages rendered: 100 of 100\n")
