"""Everything people read is in the catalogue and reads the same way in both languages; codes belong to neither."""

from __future__ import annotations

import ast
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from sitegen import report, text
from tests import messages
from tests.cities import ROOT, TinyCity
from tests.messages import DOMAINS, Domain

BROKEN = "xwdt/202611/t20261120_1.md"
each_domain = pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)


def texts(ids: object) -> tuple[str, ...]:
    """A message, or its singular and plural."""
    return (ids,) if isinstance(ids, str) else tuple(map(str, ids)) if isinstance(ids, (tuple, list)) else ()


def placeholders(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


@each_domain
def test_every_message_of_the_sources_is_translated_and_no_other_is_kept(domain: Domain) -> None:
    catalog = messages.updated(domain)
    assert [message.id for message in catalog if message.id and not all(texts(message.string) or [""])] == []
    assert messages.po_bytes(catalog) == domain.po.read_bytes(), "run: make messages"


@each_domain
def test_a_translation_has_the_placeholders_of_its_message(domain: Domain) -> None:
    for message in messages.load(domain):
        singular_and_plural = texts(message.id)
        for translated in texts(message.string) if message.id else ():
            assert placeholders(translated) == placeholders(singular_and_plural[-1]), message.id


@each_domain
def test_the_compiled_catalogue_is_that_of_the_readable_one(domain: Domain) -> None:
    assert domain.mo.read_bytes() == messages.mo_bytes(messages.load(domain)), "run: make messages"


TELLING = {"Problem", "add", "problem", "report", "refuse", "refused", "progress", "echo"}


def told(call: ast.Call) -> Iterator[str]:
    """The words, without the values in them, that a call tells somebody."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name.strip("_") in TELLING:
        named = [keyword.value for keyword in call.keywords if keyword.arg in {"message", "remedy"}]
        for value in [*call.args, *named]:
            parts = value.values if isinstance(value, ast.JoinedStr) else [value]
            yield "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def test_nothing_is_told_in_words_outside_the_catalogue() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {words}"
        for folder in ("sitegen", "archive")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for words in told(node)
        if re.search(r"[a-z]{2,} [a-z]", words)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "", "LANGUAGE": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "fr:zh:en"}, "zh_CN"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "en"),
    ],
)
def test_the_language_is_the_first_we_have_of_those_asked_for(environment: Mapping[str, str], language: str) -> None:
    assert text.language(environment) == language


def test_the_language_is_asked_for_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert text._("the line holds a tab") == "the line holds a tab"
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    assert text._("the line holds a tab") == "the line holds a tab"
    text.reset()
    assert text._("the line holds a tab") == "这一行有制表符（Tab）"
    monkeypatch.undo()
    text.reset()
    assert text._("the line holds a tab") == "the line holds a tab"


def sitegen(city: TinyCity, language: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return called(city, language, "sitegen", *arguments)


def called(city: TinyCity, language: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with LANG alone to tell the language."""
    kept = {name: value for name, value in os.environ.items() if name not in {"LANGUAGE", "LC_ALL", "LC_MESSAGES"}}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=city.root,
        env={**kept, "LANG": language, "PYTHONPATH": str(ROOT), "SITEGEN_NOW": "2026-11-22T12:00+08:00"},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )


def test_a_slip_is_told_in_the_editors_language_with_the_same_line_to_paste(city: TinyCity) -> None:
    city.put(BROKEN, "---\ntitle：市长办公会\n---\n")
    chinese = sitegen(city, "zh_CN.UTF-8", "check")
    assert f"content/{BROKEN}:2 [title]: 错误 front-matter-full-width-colon: 键名后面用了中文冒号" in chinese.stderr
    assert "→ 改为：title: 市长办公会\n" in chinese.stderr
    assert chinese.stdout == "共 1 个问题\n"
    for language in ("en_US.UTF-8", "C.UTF-8"):
        english = sitegen(city, language, "check")
        assert "error front-matter-full-width-colon: the colon after the key is full-width" in english.stderr
        assert "→ write: title: 市长办公会\n" in english.stderr
        assert english.returncode == chinese.returncode == 1


def test_codes_and_keys_are_the_same_in_both_languages(city: TinyCity) -> None:
    city.put(BROKEN, "---\ntitle：坏\n标题：坏\n来源:坏\n---\n")
    city.article("xwdt/202611/t20261120_2.md", sign=False)
    found = [json.loads(sitegen(city, language, "check", "--json").stdout) for language in ("zh_CN.UTF-8", "C.UTF-8")]
    chinese, english = [
        [{**problem, "message": "", "remedy": ""} for problem in answer["problems"]] for answer in found
    ]
    assert chinese == english
    assert len(chinese) == 4
    assert found[0] != found[1]


def test_the_pages_do_not_depend_on_the_operators_language(city: TinyCity) -> None:
    city.article(BROKEN)
    first = json.loads(sitegen(city, "zh_CN.UTF-8", "build", "--json").stdout)
    again = json.loads(sitegen(city, "C.UTF-8", "build", "--json").stdout)
    assert first["rendered"] > 0
    assert (again["rendered"], again["release"]) == (0, first["release"])
    assert json.loads(sitegen(city, "C.UTF-8", "build", "--json", "--clean").stdout)["release"] == first["release"]


def test_help_speaks_both_languages(city: TinyCity) -> None:
    chinese, english = (sitegen(city, language, "build", "--help").stdout for language in ("zh_CN.UTF-8", "C.UTF-8"))
    assert chinese.startswith("用法：")
    assert english.startswith("Usage:")
    assert "生成有变化的页面，并切换到新的一版。" in chinese
    assert "工作进程数；0 表示每个处理器核心一个。" in chinese
    assert "Build what changed and switch to the new release." in english
    for words in ("--clean", "sitegen build --json | python -m json.tool"):
        assert words in chinese
        assert words in english


def test_the_archives_help_speaks_both_languages(city: TinyCity) -> None:
    languages = ("zh_CN.UTF-8", "C.UTF-8")
    chinese, english = (called(city, language, "archive", "retire", "--help").stdout for language in languages)
    assert chinese.startswith("用法：")
    assert "按规定的顺序，完成目前可以完成的各个步骤。" in chinese
    assert "已有校验过的采集时，也重新采集。" in chinese
    assert "Retire a site, or a path of our own" in english
    for words in ("--connect-to HOST:PORT:ADDR:PORT", "archive retire jyj/old-column"):
        assert words in chinese
        assert words in english


def test_a_retirement_is_told_in_either_language_with_the_same_steps_and_lines_to_paste(city: TinyCity) -> None:
    city.put("_archive/lyj.yml", "site: lyj\nhosts: [lyj.example.gov.cn]\n")
    said = {
        language: called(city, language, "archive", "status", "lyj", "--date", "2026-11-22").stdout
        for language in ("zh_CN.UTF-8", "C.UTF-8")
    }
    chinese, english = said.values()
    assert "批准下线" in chinese
    assert "approval of the retirement" in english
    assert chinese.splitlines()[-1] == "有必办事项没有记录，不能继续"
    assert english.splitlines()[-1] == "refused"
    for words in ("- {event: reported, date: 2026-11-22, document: …, by: …}", "archive retire lyj", "第十二条（四）"):
        assert words in chinese
        assert words in english
    found = [
        json.loads(called(city, language, "archive", "status", "lyj", "--date", "2026-11-22", "--json").stdout)
        for language in said
    ]
    kept = ("name", "article", "state", "on", "by")
    first, second = ([{key: step[key] for key in kept} for step in answer["steps"]] for answer in found)
    assert first == second
    assert {answer["outcome"] for answer in found} == {"refused"}


def test_the_archives_codes_and_keys_are_the_same_in_both_languages(city: TinyCity) -> None:
    city.put("_archive/lyj.yml", "site: lyj\nhosts: [http://lyj]\nrobots: perhaps\n")
    arguments = ("archive", "capture", "--site", "lyj", "--json")
    chinese, english = (called(city, language, *arguments) for language in ("zh_CN.UTF-8", "C.UTF-8"))
    assert "content/_archive/lyj.yml:3: decision-value-invalid [robots]: 不能写“perhaps”" in chinese.stderr
    assert "content/_archive/lyj.yml:3: decision-value-invalid [robots]: “perhaps” is neither" in english.stderr
    first, second = (
        [{**problem, "message": "", "remedy": ""} for problem in json.loads(answer.stdout)["problems"]]
        for answer in (chinese, english)
    )
    assert first == second
    assert chinese.returncode == english.returncode == 1


def test_chinese_help_is_broken_at_the_width_of_the_terminal() -> None:
    lines = report.wrapped("退出码 0：完成（可以有警告）；1：内容有错误，content/index.md 其余已照常发布。", 20)
    assert "".join(lines).replace(" ", "") == (
        "退出码0：完成（可以有警告）；1：内容有错误，content/index.md其余已照常发布。"
    )
    assert all(report.columns(line) <= 20 for line in lines)
    assert not any(line.startswith(("，", "。", "；", "：", "）")) for line in lines)
