"""docs/compliance.md from the registry: `python -m tests.compliance`."""

from __future__ import annotations

from pathlib import Path

from sitegen.rules import registry

FILE = Path(__file__).parent.parent / "docs" / "compliance.md"
_STATES = {
    "implemented": "yes",
    "organisational": "not for software",
}


def document() -> str:
    rules = list(registry.load().values())
    counted = {state: sum(rule.state == state for rule in rules) for state in _STATES}
    lines = [
        "# Compliance",
        "",
        "Every requirement of 《永州市政府网站建设管理办法》, how it is met, and the tests that show it. Made from",
        "`sitegen/rules/yongzhou.yml` by `python -m tests.compliance`; `sitegen rules show YZ-NN` prints one whole.",
        "",
        ", ".join(f"{_STATES[state]}: {number}" for state, number in counted.items()) + ".",
        "",
        "| | article | asks for | met | told by | failing and passing test |",
        "|---|---|---|---|---|---|",
    ]
    for rule in rules:
        missing = f": {rule.missing['en']}" if rule.missing else ""
        means = rule.means.get("en", "")
        codes = ", ".join(f"`{code}`" for code in rule.codes)
        tests = "<br>".join(dict.fromkeys(filter(None, (rule.fails, rule.passes))))
        told = "; ".join(filter(None, (codes, means)))
        lines.append(
            f"| {rule.id} | {rule.article} | {rule.demand['en']} | {_STATES[rule.state]}{missing} | {told} | {tests} |"
        )
    lines += ["", "## Numbers", "", "| name | value | source | checked against the text |", "|---|---|---|---|"]
    for rule in rules:
        for name, parameter in rule.parameters.items():
            checked = "yes" if parameter.confidence == "read" else "no (未核实)"
            value = str(parameter.value).replace("|", "\\|")
            lines.append(f"| `{name}` | `{value}` | {rule.id} {parameter.source} | {checked} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
