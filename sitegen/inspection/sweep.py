"""All published texts and pages looked through by several processes: what is written, what is linked, what was changed."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sitegen import files, frontmatter
from sitegen.crew import Crew, common
from sitegen.errors import Problem
from sitegen.rules import hidden, personal, writing
from sitegen.rules.leaders import Roll
from sitegen.text import _

_BATCH = 400
_FEW = 2 * _BATCH
_SHOWN = 5
"""Slips of one text that are shown; the others are counted."""
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\"'`，。；、）】》”]{3,500}")
_IN_TRADITIONAL = re.compile(r"^lang: *zh-(?:Hant|TW|HK|MO)\b", re.MULTILINE)


class Text(NamedTuple):
    """A published text: `place` relative to the project; `day` of its publication."""

    path: str
    place: str
    day: date


class Built(NamedTuple):
    """A page of the release and the digest with which the build wrote it."""

    file: str
    source: str
    digest: str


class Swept(NamedTuple):
    """`external`: (address, path) of links to other hosts."""

    serious: list[Problem]
    writing: list[Problem]
    external: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lenses:
    """What all batches are looked at with."""

    root: Path
    site: Path
    host: str
    lexicon: writing.Lexicon
    roll: Roll
    spam: re.Pattern[str]


def sweep(lenses: Lenses, texts: Iterable[Text], built: Iterable[Built], *, jobs: int = 0) -> Swept:
    """Every text and every page once, in their order."""
    batches: list[tuple[Text | Built, ...]] = [*_cut(texts), *_cut(built)]
    whole = Swept([], [], [])
    with Crew(lenses, jobs) as crew:
        few = sum(map(len, batches)) <= _FEW
        for part in crew.run(_look, batches, _halves, _deadly, few=few):
            whole.serious.extend(part.serious)
            whole.writing.extend(part.writing)
            whole.external.extend(part.external)
    return whole


def _cut(items: Iterable[Text | Built]) -> Iterator[tuple[Text | Built, ...]]:
    stream = iter(items)
    while batch := tuple(itertools.islice(stream, _BATCH)):
        yield batch


def _halves(batch: tuple[Text | Built, ...]) -> list[tuple[Text | Built, ...]]:
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]] if middle else []


def _deadly(batch: tuple[Text | Built, ...]) -> Swept:
    return Swept([_unread(_path_of(item), "it ended the process that looked") for item in batch], [], [])


def _look(batch: tuple[Text | Built, ...]) -> Swept:
    lenses: Lenses = common()
    swept = Swept([], [], [])
    for item in batch:
        if isinstance(item, Built):
            swept.serious.extend(_page(lenses, item))
        else:
            _text(lenses, item, swept)
    return swept


def _path_of(item: Text | Built) -> str:
    return f"content/{item.source or 'index.md'}" if isinstance(item, Built) else f"content/{item.path}"


def _text(lenses: Lenses, item: Text, swept: Swept) -> None:
    path = f"content/{item.path}"
    try:
        text = frontmatter.normalise(files.read(str(lenses.root / item.place)))
    except (OSError, UnicodeDecodeError) as error:
        swept.serious.append(_unread(path, str(error)))
        return
    allowed = text.partition("personal_data:")[2].partition("\n")[0]
    swept.serious.extend(
        Problem(
            path=path,
            line=one.line,
            code="inspect-personal-data",
            message=_("{kind} {number}: personal data is not published").format(
                kind=personal.kind_name(one.kind), number=one.masked
            ),
            remedy=_("take it out, or mask it: {example}").format(example=one.masked),
        )
        for one in personal.cards(text)
        if one.masked not in allowed
    )
    swept.writing.extend(_written(path, text, lenses))
    swept.writing.extend(_named(path, text, lenses.roll, item.day))
    match = lenses.spam.search(text)
    if match:
        swept.writing.append(
            Problem(
                path=path,
                line=text.count("\n", 0, match.start()) + 1,
                code="inspect-spam-words",
                severity="warning",
                message=_("words of advertising: {words}").format(words=match[0]),
                remedy=_("read this line again; a text about a case may say it in other words"),
            )
        )
    if "://" in text:
        swept.external.extend((address, path) for address in dict.fromkeys(_ADDRESS.findall(text)))


def _written(path: str, text: str, lenses: Lenses) -> Iterator[Problem]:
    """One finding for a text, however often it slips: a text in Traditional script would be told a thousand times."""
    slips = writing.find(text, lenses.lexicon)
    if slips and _IN_TRADITIONAL.search(text):
        slips = [slip for slip in slips if slip.found in lenses.lexicon.slips]
    if not slips:
        return
    better = {slip.found: slip.better for slip in slips}
    shown = list(better)[:_SHOWN]
    said = _("{words} is no standard writing").format(words="、".join(f"“{word}”" for word in shown))
    if len(slips) > len(shown):
        said = _("{said} ({count} places)").format(said=said, count=len(slips))
    advice = "、".join(f"“{better[word]}”" for word in shown if better[word])
    yield Problem(
        path=path,
        line=slips[0].line,
        code="inspect-writing",
        severity="warning",
        message=said,
        remedy=_("write {words}").format(words=advice) if advice else _("read this line again"),
    )


def _named(path: str, text: str, roll: Roll, day: date) -> Iterator[Problem]:
    for one in roll.find(text, day):
        yield Problem(
            path=path,
            line=one.line,
            code="leader-name-wrong" if one.kind == "name" else "leader-title-wrong",
            severity="warning",
            message=_("“{found}” is not in the list of office holders of that day").format(found=one.found),
            remedy=_("write “{better}”").format(better=one.better)
            if one.better
            else _("compare with {file}, and correct the one that is wrong").format(file="content/_records/leaders.yml"),
        )  # fmt: skip


def _page(lenses: Lenses, item: Built) -> Iterator[Problem]:
    """The bytes that citizens are served are those that the build wrote; then what it wrote cannot hide anything."""
    path = _path_of(item)
    try:
        data = files.read(str(lenses.site / item.file))
    except OSError as error:
        yield _tampered(path, item.file, str(error.strerror))
        return
    if hashlib.sha256(data).hexdigest() == item.digest:
        return
    yield _tampered(path, item.file, _("its bytes are not those that the build wrote"))
    for planted in hidden.find(data, lenses.host, lenses.spam):
        yield planted_problem(path, f"/{item.file}", planted)


def _tampered(path: str, file: str, reason: str) -> Problem:
    return Problem(
        path=path,
        code="inspect-page-tampered",
        key=f"/{file}",
        message=_("the served page was changed: {reason}").format(reason=reason),
        remedy=_("keep the file as evidence, find out who wrote it, then run `sitegen build --clean`"),
    )


def planted_problem(path: str, url: str, planted: hidden.Planted) -> Problem:
    """A hidden link, words of advertising, or a page that leads away, in a page at `url`."""
    said = {
        "hidden-link": _("a link that no reader sees: {text}"),
        "spam": _("words of advertising: {text}"),
        "redirect": _("the page leads to another host: {text}"),
    }[planted.kind]
    return Problem(
        path=path,
        line=planted.line or None,
        code="inspect-hidden-link" if planted.kind != "spam" else "inspect-spam-planted",
        key=url,
        message=said.format(text=planted.text),
        remedy=_("take the page down, and compare it with its record in the archive or in git"),
    )


def _unread(path: str, reason: str) -> Problem:
    return Problem(
        path=path,
        code="inspect-unread",
        severity="warning",
        message=_("it could not be looked into: {reason}").format(reason=reason),
        remedy=_("run `sitegen build`, then this command again"),
    )
