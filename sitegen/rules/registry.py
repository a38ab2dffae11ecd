"""The requirements of the regulation: what each asks for, how it is met, and the numbers that a project may correct."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from sitegen.errors import Problem, UsageError
from sitegen.text import _, language_now

Mode = Literal["BUILD", "WARN", "LEDGER", "RUN", "DOC"]
State = Literal["implemented", "organisational"]
Confidence = Literal["read", "memory", "local"]
REGULATION = "《永州市政府网站建设管理办法》"
_DATA = Path(__file__).with_name("yongzhou.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number or a pattern. `confidence`: read (stands so in the text), memory (not checked: 未核实), local (set by
    this project in `_records/rules.yml`)."""

    value: Any
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One requirement. `codes`: the Problems that tell of it; `fails`, `passes`: tests of it, `file::function`."""

    id: str
    article: str
    mode: Mode
    demand: Mapping[str, str]
    state: State
    means: Mapping[str, str]
    missing: Mapping[str, str]
    codes: tuple[str, ...]
    fails: str
    passes: str
    parameters: Mapping[str, Parameter]

    @property
    def asks(self) -> str:
        """What the article asks for, in the reader's language."""
        return _in_language(self.demand)

    @property
    def lacks(self) -> str:
        """Why software cannot, or what of it stays with people; empty: nothing is known to be missing."""
        return _in_language(self.missing)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "article": self.article,
            "mode": self.mode,
            "demand": dict(self.demand),
            "state": self.state,
            "missing": dict(self.missing),
            "codes": list(self.codes),
            "fails": self.fails,
            "passes": self.passes,
            "parameters": {
                name: {"value": p.value, "source": p.source, "confidence": p.confidence}
                for name, p in self.parameters.items()
            },
        }


def state_name(state: State) -> str:
    return {
        "implemented": _("implemented"),
        "organisational": _("not for software"),
    }[state]


def load(content: Path | None = None) -> dict[str, Rule]:
    """All rules by id, in order. `content`: a project's, whose `_records/rules.yml` may correct parameters.

    Raises UsageError when that file cannot be read or names what does not exist.
    """
    rules = {raw["id"]: rule(raw) for raw in yaml.load(_DATA.read_text(encoding="utf-8"), yaml.CSafeLoader)}
    return _corrected(rules, content / "_records" / "rules.yml") if content else rules


def numbers(rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Every parameter's value by its name; names are unique over all rules."""
    return {name: parameter.value for rule in rules.values() for name, parameter in rule.parameters.items()}


def number(name: str, content: Path) -> float:
    """One number as the project has it, cheaply asked many times. A file of corrections that cannot be read corrects
    nothing here; every command that shows the rules tells of it."""
    corrections = content / "_records" / "rules.yml"
    stamp = corrections.stat().st_mtime_ns if corrections.is_file() else 0
    return float(_numbers(content, stamp)[name])


@functools.lru_cache(maxsize=8)
def _numbers(content: Path, _stamp: int) -> dict[str, Any]:
    try:
        return numbers(load(content))
    except UsageError:
        return numbers(load())


def rule(raw: dict[str, Any]) -> Rule:
    """One entry of the registry's file. Raises ValueError for a state that is neither of the two."""
    if raw["state"] not in get_args(State):
        raise ValueError(f"{raw['id']}: state {raw['state']!r}")
    return Rule(
        id=raw["id"],
        article=raw["article"],
        mode=raw["mode"],
        demand={"zh": raw["zh"], "en": raw["en"]},
        state=raw["state"],
        means=raw.get("means") or {},
        missing=raw.get("missing") or {},
        codes=tuple(raw.get("codes") or ()),
        fails=raw.get("fails") or "",
        passes=raw.get("passes") or "",
        parameters={
            name: Parameter(value=p["value"], source=p["source"], confidence=p["confidence"])
            for name, p in (raw.get("parameters") or {}).items()
        },
    )


def _corrected(rules: dict[str, Rule], file: Path) -> dict[str, Rule]:
    """`parameter: value`, or `parameter: {value: …, source: …}`, one a line."""
    try:
        given = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return rules
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError([_unreadable(None, str(error).splitlines()[0])]) from None
    if not isinstance(given, dict):
        raise UsageError([_unreadable(None, _("the file holds no `parameter: value`"))])
    owners = {name: rule.id for rule in rules.values() for name in rule.parameters}
    found = dict(rules)
    problems = []
    for name, said in given.items():
        if name not in owners:
            problems.append(_unreadable(str(name), _("there is no parameter {name}").format(name=name)))
            continue
        rule = found[owners[name]]
        old = rule.parameters[name]
        value, source = (said.get("value"), said.get("source")) if isinstance(said, dict) else (said, None)
        if type(value) is not type(old.value) and not _both_numbers(value, old.value):
            problems.append(
                _unreadable(
                    name, _("{value} is not of the kind of {old}").format(value=repr(value), old=repr(old.value))
                )
            )
            continue
        new = Parameter(value=value, source=str(source or "_records/rules.yml"), confidence="local")
        found[rule.id] = replace(rule, parameters={**rule.parameters, name: new})
    if problems:
        raise UsageError(problems)
    return found


def _both_numbers(one: object, other: object) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other))


def _unreadable(key: str | None, message: str) -> Problem:
    return Problem(
        path="content/_records/rules.yml",
        code="rules-unreadable",
        key=key,
        message=message,
        remedy=_("see `sitegen rules list --parameters` for the names and their values"),
    )


def _in_language(texts: Mapping[str, str]) -> str:
    language = "zh" if language_now().startswith("zh") else "en"
    return texts.get(language) or texts.get("en") or ""
