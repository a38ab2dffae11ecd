"""A profile: the indicators of an inspection with their numbers, each with its source, corrected by the project's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from sitegen import files
from sitegen.errors import Problem, UsageError
from sitegen.rules.registry import Parameter
from sitegen.text import _, language_now

FILE = "_records/inspection.yml"
_HERE = Path(__file__).parent
UNVERIFIED = "未核实"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """`measure` names the rule that looks; `of` what it looks for; `sites`: any, or portals alone. A veto has no points."""

    id: str
    group: str
    name: Mapping[str, str]
    measure: str
    of: str
    sites: str
    numbers: Mapping[str, Parameter]
    points: Parameter | None
    most: float

    @property
    def title(self) -> str:
        """In the reader's language."""
        return self.name["zh" if language_now().startswith("zh") else "en"]

    @property
    def is_veto(self) -> bool:
        return self.points is None

    def number(self, name: str) -> float:
        return float(self.numbers[name].value)

    @property
    def unverified(self) -> list[str]:
        """Names of the values that nobody compared with the text."""
        named = {**self.numbers, **({"points": self.points} if self.points else {})}
        return [name for name, parameter in named.items() if parameter.confidence == "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    id: str
    document: str
    name: Mapping[str, str]
    numbers: Mapping[str, Parameter]
    indicators: tuple[Indicator, ...]

    def number(self, name: str) -> float:
        return float(self.numbers[name].value)


def names() -> list[str]:
    return sorted(path.stem for path in _HERE.glob("*-20??.yml"))


def load(name: str, content: Path | None = None) -> Profile:
    """`content`: a project's, whose `_records/inspection.yml` may correct numbers (`V3.days: 14`, `D5.points: 4`,
    `pass_mark: {value: 60, source: …}`). Raises UsageError for an unknown profile, and for what cannot be read."""
    if name not in names():
        raise UsageError(
            [
                Problem(
                    path="--profile",
                    code="inspect-profile-unknown",
                    message=_("there is no profile {name}").format(name=name),
                    remedy=_("choose one of: {names}").format(names=", ".join(names())),
                )
            ]
        )
    raw = yaml.load((_HERE / f"{name}.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    profile = Profile(
        id=raw["id"],
        document=raw["document"],
        name={"zh": raw["zh"], "en": raw["en"]},
        numbers=_parameters(raw["numbers"]),
        indicators=tuple(_indicator(one) for one in (*raw["vetoes"], *raw["deductions"])),
    )
    return profile if content is None else _corrected(profile, settings(content).get("numbers") or {})


def settings(content: Path) -> dict[str, Any]:
    """`_records/inspection.yml`: `numbers`, `duty`, `leaders`, `external`. Raises UsageError when it cannot be read."""
    try:
        raw = yaml.load(files.read(str(content / FILE)).decode(), yaml.CSafeLoader) or {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError([_unreadable(None, str(error).splitlines()[0])]) from None
    if not isinstance(raw, dict):
        raise UsageError([_unreadable(None, _("the file holds no `key: value`"))])
    return raw


def _indicator(raw: Mapping[str, Any]) -> Indicator:
    points = raw.get("points")
    return Indicator(
        id=raw["id"],
        group=raw.get("group") or "单项否决",
        name={"zh": raw["zh"], "en": raw["en"]},
        measure=raw["measure"],
        of=raw.get("of") or "",
        sites=raw.get("sites") or "any",
        numbers=_parameters(raw.get("numbers") or {}),
        points=_parameters({"points": points})["points"] if points else None,
        most=float(raw.get("most") or 0),
    )


def _parameters(raw: Mapping[str, Any]) -> dict[str, Parameter]:
    return {
        name: Parameter(value=p["value"], source=p["source"], confidence=p["confidence"]) for name, p in raw.items()
    }


def _corrected(profile: Profile, given: object) -> Profile:
    if not isinstance(given, dict):
        raise UsageError([_unreadable("numbers", _("the file holds no `key: value`"))])
    numbers = dict(profile.numbers)
    indicators = {one.id: one for one in profile.indicators}
    problems = []
    for key, said in given.items():
        value, source = (said.get("value"), said.get("source")) if isinstance(said, dict) else (said, None)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
            problems.append(_unreadable(str(key), _("{value} is no number").format(value=repr(value))))
            continue
        new = Parameter(value=value, source=str(source or FILE), confidence="local")
        owner, _dot, name = str(key).rpartition(".")
        indicator = indicators.get(owner)
        if not owner and name in numbers:
            numbers[name] = new
        elif indicator is not None and name in indicator.numbers:
            indicators[owner] = replace(indicator, numbers={**indicator.numbers, name: new})
        elif indicator is not None and name == "points" and indicator.points is not None:
            indicators[owner] = replace(indicator, points=new)
        else:
            problems.append(_unreadable(str(key), _("there is no parameter {name}").format(name=key)))
    if problems:
        raise UsageError(problems)
    return replace(profile, numbers=numbers, indicators=tuple(indicators.values()))


def _unreadable(key: str | None, message: str) -> Problem:
    return Problem(
        path=f"content/{FILE}",
        code="inspect-settings-unreadable",
        key=key,
        message=message,
        remedy=_("see docs/FORMATS.md §1.10; names are printed by `sitegen inspect --indicators`"),
    )
