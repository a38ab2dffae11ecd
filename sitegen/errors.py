"""What can go wrong, as values: a Problem names itself, its place and its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One finding. `code` is kebab-case and never reused; `remedy` is the next action to take.

    `path` is relative to the project (POSIX separators) or a URL; `line` counts from 1, None when the whole
    file is meant; `key` is the front matter or record key.
    """

    path: str
    line: int | None = None
    code: str
    severity: Severity = "error"
    key: str | None = None
    message: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "key": self.key,
            "message": self.message,
            "remedy": self.remedy,
        }

    @property
    def where(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place} [{self.key}]" if self.key else place


class PlatformError(Exception):
    """Work that cannot go on. Carries every Problem found, raised once.

    PlatformError
    ├── UsageError       the command cannot be obeyed as it was typed (exit 2)
    └── Refused          what the law or the file formats ask for is missing (exit 1)
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(f"{p.where}: {p.code}: {p.message}" for p in self.problems))

    def __reduce__(self) -> tuple[type[PlatformError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class UsageError(PlatformError):
    """The command cannot be obeyed as it was typed."""


class Refused(PlatformError):  # noqa: N818 (it reads `raise Refused`, as the law does)
    """Something that must be there first is not."""


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by place, without repetitions: the same findings print the same way on every run."""
    return sorted(
        set(problems), key=lambda p: (p.path, p.line or 0, p.code, p.severity, p.key or "", p.message, p.remedy)
    )
