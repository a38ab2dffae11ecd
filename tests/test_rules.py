"""The regulation as data: complete, true about itself, and open to correction without code."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from sitegen.errors import UsageError
from sitegen.rules import registry
from tests import compliance
from tests.cities import ROOT, TinyCity
from tests.test_architecture import codes_in
from tests.test_cli import run

RULES = registry.load()


def test_every_requirement_has_its_number() -> None:
    assert list(RULES) == [f"YZ-{number:02d}" for number in range(1, 46)]


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_what_is_implemented_has_tests_and_what_is_not_says_why(rule: registry.Rule) -> None:
    assert all(rule.demand.get(language) for language in ("zh", "en"))
    assert rule.state in ("implemented", "organisational")
    if rule.state == "implemented":
        assert rule.fails
        assert rule.passes
    else:
        assert all(rule.missing.get(language) for language in ("zh", "en"))
    for test in (rule.fails, rule.passes):
        if test:
            file, _, name = test.partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_code_that_the_registry_names_exists() -> None:
    named = {code for rule in RULES.values() for code in rule.codes}
    assert named - codes_in("sitegen") - codes_in("archive") == set()


def without_article(made: set[str]) -> list[str]:
    return sorted(made - {code for rule in RULES.values() for code in rule.codes})


def test_every_duty_and_every_refusal_of_a_sites_life_belongs_to_an_article() -> None:
    """Whoever is told of one can be told by which article it is: `sitegen rules list` names its code."""
    made = {code for code in codes_in("sitegen/rules") if code.startswith("duty-")}
    made |= codes_in("sitegen/sites") - {"notice-site-unknown", "notice-column-missing", "notice-fact-missing"}
    assert len(made) > 30
    assert without_article(made) == []
    assert all(rule.article.startswith("第") for rule in RULES.values())


def test_a_code_that_belongs_to_no_article_is_named() -> None:
    assert without_article({"duty-of-nobody", "duty-plan-missing"}) == ["duty-of-nobody"]


def test_a_state_between_done_and_not_for_software_is_refused() -> None:
    """There is no “planned” and no “partly”: a requirement is met, or it says why software cannot."""
    for state in ("planned", "partly", ""):
        with pytest.raises(ValueError, match="YZ-99"):
            registry.rule({"id": "YZ-99", "article": "第一条", "mode": "DOC", "zh": "x", "en": "x", "state": state})


def test_every_number_says_where_it_comes_from_and_its_name_is_its_own() -> None:
    named = [name for rule in RULES.values() for name in rule.parameters]
    assert len(named) == len(set(named))
    for rule in RULES.values():
        for parameter in rule.parameters.values():
            assert parameter.source
            assert parameter.confidence in ("read", "memory")


def test_a_project_corrects_a_number_and_nothing_else(tmp_path: Path) -> None:
    records = tmp_path / "_records"
    records.mkdir()
    (records / "rules.yml").write_text(
        "password_days: {value: 60, source: 示政办〔2026〕3号}\nnotice_days: 45\n", "utf-8"
    )
    known = registry.load(tmp_path)
    assert registry.numbers(known) == registry.numbers(RULES) | {"password_days": 60, "notice_days": 45}
    corrected = known["YZ-06"].parameters["password_days"]
    assert (corrected.source, corrected.confidence) == ("示政办〔2026〕3号", "local")


@pytest.mark.parametrize("text", ["pasword_days: 60\n", "password_days: sixty\n", "- 1\n", "a: [\n"])
def test_a_correction_that_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "_records").mkdir()
    (tmp_path / "_records/rules.yml").write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        registry.load(tmp_path)
    assert [problem.code for problem in caught.value.problems] == ["rules-unreadable"]


def test_the_commands_list_and_show(city: TinyCity) -> None:
    listed = run(city, "rules", "list").stdout.splitlines()
    heads = [line for line in listed if line.startswith("YZ-")]
    assert len(heads) == 45
    assert heads[1].startswith("YZ-02  第二条  BUILD  [implemented]")
    at = listed.index(heads[1])
    assert listed[at + 1 : at + 3] == [
        f"    failing test: {RULES['YZ-02'].fails}",
        f"    passing test: {RULES['YZ-02'].passes}",
    ]
    assert listed[listed.index(heads[19]) + 1] == f"    missing: {RULES['YZ-20'].missing['en']}"
    shown = run(city, "rules", "show", "yz-06").stdout
    assert "password_days = 90" in shown
    assert "未核实" in shown
    assert "未核实" not in run(city, "rules", "show", "YZ-12").stdout
    assert json.loads(run(city, "rules", "show", "YZ-12", "--json").stdout)["parameters"]["notice_days"]["value"] == 30
    assert len(run(city, "rules", "list", "--parameters").stdout.splitlines()) == len(registry.numbers(RULES))
    unknown = run(city, "rules", "show", "YZ-99", "--json")
    assert (unknown.exit_code, json.loads(unknown.stdout)["problems"][0]["code"]) == (2, "rule-unknown")


def test_the_document_is_what_the_registry_says() -> None:
    """`python -m tests.compliance` writes it."""
    assert (ROOT / "docs/compliance.md").read_text(encoding="utf-8") == compliance.document()


@pytest.mark.parametrize("key", ["sponsor", "operator", "phone", "leader", "department", "person", "liaison"])
def test_a_site_without_a_field_of_its_identity_is_told(key: str, city: TinyCity) -> None:
    """第五条, 第十八条(一)."""
    index = city.content / "jyj/index.md"
    lines = index.read_text(encoding="utf-8").splitlines()
    index.write_text("\n".join(line for line in lines if not line.startswith(f"{key}:")) + "\n", encoding="utf-8")
    told = [(problem.code, problem.key) for problem in city.build().problems if problem.path == "content/jyj/index.md"]
    assert ("field-missing", key) in told
