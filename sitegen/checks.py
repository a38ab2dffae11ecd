"""What is wrong with the whole, from the facts of its pages: links, anchors, policies without their other half."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable
from typing import Protocol

from sitegen import mentions
from sitegen.content import Source
from sitegen.errors import Problem
from sitegen.inputs import Inputs
from sitegen.model import file_of, url_of
from sitegen.rules import personal, writing
from sitegen.text import _

_IN_TRADITIONAL = re.compile(r"^lang: *zh-(?:Hant|TW|HK|MO)\b", re.MULTILINE)


class Facts(Protocol):
    """What rendering found out, as the state keeps it."""

    def missing_targets(self) -> list[tuple[str, str]]: ...

    def anchor_links(self) -> list[tuple[str, str, str]]: ...

    def anchors(self, file: str) -> list[str] | None: ...

    def broken_relations(self) -> list[tuple[str, str, str]]: ...


def links(facts: Facts, files: Container[str]) -> list[Problem]:
    """`files`: everything under content/, published or not."""
    problems = [_bad_link(source, path, exists=path in files) for source, path in facts.missing_targets()]
    for source, path, anchor in facts.anchor_links():
        anchors = facts.anchors(file_of(url_of(path)))
        if anchors is not None and anchor not in anchors:
            problems.append(
                Problem(
                    path=f"content/{source}",
                    code="anchor-missing",
                    severity="warning",
                    message=_("{path} has no place called #{anchor}").format(path=f"content/{path}", anchor=anchor),
                    remedy=_("link to a heading of that page, or to the page itself"),
                )
            )
    return problems


def _bad_link(source: str, path: str, *, exists: bool) -> Problem:
    if exists:
        return Problem(
            path=f"content/{source}",
            code="link-target-unpublished",
            severity="warning",
            message=_("it links to {path}, which is not published").format(path=f"content/{path}"),
            remedy=_("publish that page first, or take the link out"),
        )
    return Problem(
        path=f"content/{source}",
        code="link-broken",
        message=_("it links to {path}, which does not exist").format(path=f"content/{path}"),
        remedy=_("correct the link; it is relative to the file it stands in"),
    )


def missing_files(sources: Iterable[Source], files: Container[str]) -> list[Problem]:
    """Relative links of the present sources to files that do not exist, found without rendering."""
    return [
        _bad_link(source.path, path, exists=False)
        for source in sources
        for path in sorted(mentions.relative_links(source.text or "", source.path))
        if path not in files and posixpath.splitext(path)[1]
    ]


def personal_data(sources: Iterable[Source]) -> list[Problem]:
    """Mobile numbers of the present sources (第二十一条(二)); the number itself is not repeated. One may be meant (an office's
    contact), so it is a warning; numbers of cards stop the text itself (`content.article`)."""
    return [
        Problem(
            path=f"content/{source.path}",
            line=finding.line,
            code="personal-data",
            severity="warning",
            message=_("{kind} {number}: personal data is not published").format(
                kind=personal.kind_name(finding.kind), number=finding.masked
            ),
            remedy=_("take it out, or mask it: {example}").format(example=finding.masked),
        )
        for source in sources
        for finding in personal.find(source.text or "")
        if finding.kind == "mobile"
    ]


def characters(sources: Iterable[Source], lexicon: writing.Lexicon) -> list[Problem]:
    """Traditional characters and known slips of the present sources (第十九条(三)1); in an edition in Traditional script
    only the slips count."""
    found: list[Problem] = []
    for source in sources:
        text = source.text or ""
        for slip in writing.find(text, lexicon):
            if slip.found in lexicon.slips:
                found.append(_written(source, slip, code="word-wrong"))
            elif not _IN_TRADITIONAL.search(text):
                found.append(_written(source, slip, code="character-traditional"))
    return found


def _written(source: Source, slip: writing.Slip, *, code: str) -> Problem:
    return Problem(
        path=f"content/{source.path}",
        line=slip.line,
        code=code,
        severity="warning",
        message=_("“{found}” is no standard writing").format(found=slip.found),
        remedy=_("write “{better}”").format(better=slip.better) if slip.better else _("read this line again"),
    )


def relations(facts: Facts) -> list[Problem]:
    """政策 and 解读 name each other; a repealed text names what replaces it (STANDARDS §2.7)."""
    return [_unknown(path, how, stable_id) for path, how, stable_id in facts.broken_relations()]


def _unknown(path: str, key: str, stable_id: str) -> Problem:
    return Problem(
        path=f"content/{path}",
        code="relation-unknown",
        severity="warning",
        key=key,
        message=_("{id} is not a published policy").format(id=stable_id),
        remedy=_("write the stable id (the file name without .md) of the policy, and publish it"),
    )


def duties(inputs: Inputs) -> list[Problem]:
    """Columns name people and units that exist (第十八条(三), 第十九条(二)); the portal has the four functions (第二条)."""
    problems: list[Problem] = []
    for column in inputs.tree.columns.values():
        if column.signer and column.signer not in inputs.records.people:
            problems.append(_no_record(column.source, "signer", column.signer, "people.yml"))
        if column.owner and column.owner not in inputs.records.units:
            problems.append(_no_record(column.source, "owner", column.owner, "units.yml"))
    for site in inputs.tree.sites.values():
        if site.kind == "department":
            continue
        here = {column.function for column in inputs.tree.columns.values() if column.site == site.path}
        for function in sorted({"信息发布", "解读回应", "办事服务", "互动交流"} - here):
            problems.append(
                Problem(
                    path=f"content/{site.source}",
                    code="portal-function-missing",
                    message=_("no column of this portal has the function {function} (第二条)").format(
                        function=function
                    ),
                    remedy=_("add a column with {line}").format(line=f"function: {function}"),
                )
            )
    return problems


def _no_record(source: str, key: str, value: str, file: str) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="record-missing",
        key=key,
        message=_("{name} is not in _records/{file}").format(name=value, file=file),
        remedy=_("add {name} to content/_records/{file}, or correct the name").format(name=value, file=file),
    )
