"""What is wrong with the whole, from the facts of its pages: links, anchors, policies without their other half."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from sitegen import content
from sitegen.city import City
from sitegen.content import Tree
from sitegen.errors import Problem
from sitegen.model import Interpretation, Policy, file_of, url_of
from sitegen.state import Made
from sitegen.text import _


def links(made: Iterable[Made], files: set[str]) -> list[Problem]:
    """`files`: everything under content/, published or not."""
    by_file = {page.file: page for page in made}
    problems: list[Problem] = []
    for page in by_file.values():
        for path, found in page.reads.items():
            if not found:
                problems.append(_bad_link(page.source, path, exists=path in files))
        for path, anchor in page.anchor_links:
            target = by_file.get(file_of(url_of(path)))
            if target is not None and anchor not in target.anchors:
                problems.append(
                    Problem(
                        path=f"content/{page.source}",
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


def missing_files(tree: Tree) -> list[Problem]:
    """Relative links of the present sources to files that do not exist, found without rendering."""
    return [
        _bad_link(source.path, path, exists=False)
        for source in tree.sources.values()
        for path in sorted(content.relative_links(source.text or "", source.path))
        if path not in tree.files and posixpath.splitext(path)[1]
    ]


def unbound(made: Iterable[Made], city: City) -> list[Problem]:
    """Files that a page links in a way that its review does not see: found while rendering, so nothing slips by."""
    problems: list[Problem] = []
    for page in made:
        edition = city.editions.get(page.source)
        for path, found in page.reads.items() if edition is not None else ():
            if found and not path.endswith(".md") and edition is not None and path not in edition.article.assets:
                problems.append(
                    Problem(
                        path=f"content/{page.source}",
                        code="attachment-unbound",
                        message=_("it links to content/{path} in a form that the review does not cover").format(
                            path=path
                        ),
                        remedy=_("write the link as [text](file.pdf)"),
                    )
                )
    return problems


def relations(city: City) -> list[Problem]:
    """政策 and 解读 name each other; a repealed text names what replaces it (STANDARDS §2.7)."""
    problems: list[Problem] = []
    for edition in city.editions.values():
        article = edition.article
        match article.details:
            case Interpretation() as interpretation:
                known = {e.article.id for e in city.policies(interpretation.interprets)}
                for stable_id in set(interpretation.interprets) - known:
                    problems.append(_unknown(article.path, "interprets", stable_id))
            case Policy() as policy:
                for key, stable_id in (("replaces", policy.replaces), ("replaced_by", policy.replaced_by)):
                    if stable_id and city.by_id(stable_id) is None:
                        problems.append(_unknown(article.path, key, stable_id))
    return problems


def _unknown(path: str, key: str, stable_id: str) -> Problem:
    return Problem(
        path=f"content/{path}",
        code="relation-unknown",
        severity="warning",
        key=key,
        message=_("{id} is not a published policy").format(id=stable_id),
        remedy=_("write the stable id (the file name without .md) of the policy, and publish it"),
    )


def duties(city: City) -> list[Problem]:
    """Columns name people and units that exist (第十八条(三), 第十九条(二)); the portal has the four functions (第二条)."""
    problems: list[Problem] = []
    for column in city.columns.values():
        if column.signer and column.signer not in city.records.people:
            problems.append(_no_record(column.source, "signer", column.signer, "people.yml"))
        if column.owner and column.owner not in city.records.units:
            problems.append(_no_record(column.source, "owner", column.owner, "units.yml"))
    for site in city.sites.values():
        if site.kind == "department":
            continue
        here = {column.function for column in city.columns.values() if column.site == site.path}
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
