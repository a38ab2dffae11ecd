"""What a robots.txt allows us (RFC 9309)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`path` may hold `*` and end in `$`; the longest rule that matches decides, allow before disallow."""

    allow: bool
    path: str


ALLOW_ALL: tuple[Rule, ...] = ()
DISALLOW_ALL = (Rule(allow=False, path="/"),)
LONGEST_DELAY = 60.0
_SECONDS = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.A)


def parse(text: str, product: str) -> tuple[Rule, ...]:
    """The rules of the groups that name `product`, else of those for `*`."""
    said = _said_to(text, product)
    return tuple(Rule(allow=field == "allow", path=value) for field, value in said if field in ("allow", "disallow"))


def crawl_delay(text: str, product: str) -> float:
    """Seconds that the same groups want between two requests, at most LONGEST_DELAY; 0 where they say nothing.

    No standard knows `Crawl-delay`; it is what the owner of a weak server could write.
    """
    said = [value for field, value in _said_to(text, product) if field == "crawl-delay" and _SECONDS.fullmatch(value)]
    return min(max(map(float, said), default=0.0), LONGEST_DELAY)


def _said_to(text: str, product: str) -> list[tuple[str, str]]:
    """(field in lower case, value) of the groups that name `product`, else of those for `*`."""
    ours: list[tuple[str, str]] = []
    everyone: list[tuple[str, str]] = []
    named = False
    groups: list[list[tuple[str, str]]] = []
    in_agents = False
    for line in text.splitlines():
        field, _, value = line.partition("#")[0].partition(":")
        field, value = field.strip().lower(), value.strip()
        if field == "user-agent":
            groups = groups if in_agents else []
            in_agents = True
            if value == "*":
                groups.append(everyone)
            elif value.lower() and value.lower() in product.lower():
                named = True
                groups.append(ours)
        elif field in ("allow", "disallow", "crawl-delay"):
            in_agents = False
            if value:
                for group in groups:
                    group.append((field, value))
    return ours if named else everyone


def allows(rules: tuple[Rule, ...], url: str) -> bool:
    return forbidding(rules, url) is None


def forbidding(rules: tuple[Rule, ...], url: str) -> Rule | None:
    """The rule that forbids the URL; None when it may be asked for."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    matching = [rule for rule in rules if _matches(rule.path, path)]
    decides = max(matching, key=lambda rule: (len(rule.path), rule.allow), default=None)
    return None if decides is None or decides.allow else decides


def _matches(pattern: str, path: str) -> bool:
    end = pattern.endswith("$")
    body = ".*".join(map(re.escape, pattern.removesuffix("$").split("*")))
    return re.match(f"{body}{'$' if end else ''}", path) is not None
