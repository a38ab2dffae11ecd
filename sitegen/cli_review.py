"""The commands `sitegen review`: the three reviews, who gave which verdict, and whether nobody cheated."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from sitegen import clock, config, ledger, report, signing
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.ledger import STAGES, Stage, stage_name
from sitegen.review import Open, Signed
from sitegen.reviews import agent, history
from sitegen.reviews.agent import Signer
from sitegen.signing import Desk, Given
from sitegen.text import _


@click.group(cls=report.Group)
def review() -> None:
    """The three reviews of 第十九条(三): edit, review, sign, by three different people.

    \b
    sitegen review submit content/jyj/tzgg/202611/t20261116_3104.md --as jyj-bianji
    sitegen review approve content/jyj --as jyj-shenhe
    sitegen review status content/jyj
    sitegen review verify
    """


def _paths() -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


_person = option("--as", "person", required=True, metavar="PERSON", help="Id in content/_records/people.yml.")
_key = option(
    "--key",
    type=click.Path(path_type=Path),
    help="Sign with this key of OpenSSH. Default: a key of PERSON that ssh-agent holds, if any.",
)


@review.command()
@_paths()
@config_option
@json_option
@date_option
@_person
@_key
@option(
    "--upstream",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of a pushed text: JSON file with the reviews that it passed where it came from.",
)
@reporting
def submit(
    paths: tuple[Path, ...],
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    person: str,
    key: Path | None,
    upstream: Path | None,
) -> None:
    """The editor's pass: hand the versions below PATHS to the reviewer, with their links to other hosts.

    \b
    Example: sitegen review submit content/jyj/tzgg/202611/t20261116_3104.md --as jyj-bianji
    """
    more = Given(upstream=_upstream(upstream))
    _decide(paths, config_file, as_json, given_date, person, key, verdict="pass", stage="edit", more=more)


def _upstream(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_bytes())
        if isinstance(found, dict):
            return found
        said = _("there is no mapping in it")
    except (OSError, ValueError, RecursionError) as error:
        said = str(error)
    raise UsageError(
        [
            Problem(
                path=str(file),
                code="upstream-unreadable",
                message=_("the upstream reviews cannot be read: {reason}").format(reason=said),
                remedy=_("see docs/FORMATS.md §1.2 for the form of the file"),
            )
        ]
    )


@review.command()
@_paths()
@config_option
@json_option
@date_option
@_person
@_key
@option("--secrecy", is_flag=True, help="You looked for secrets too, as every reprint needs (保密审查).")
@option("--accept-link", "accepted", multiple=True, metavar="URL", help="A link that was rejected before is good now.")
@reporting
def approve(
    paths: tuple[Path, ...],
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    person: str,
    key: Path | None,
    secrecy: bool,
    accepted: tuple[str, ...],
) -> None:
    """Pass the versions below PATHS that wait for PERSON's stage. A reviewer's pass covers each external link by name.

    \b
    Example: sitegen review approve content/jyj --as jyj-shenhe
    """
    more = Given(secrecy=secrecy, links_accepted=accepted)
    _decide(paths, config_file, as_json, given_date, person, key, verdict="pass", stage=None, more=more)


@review.command()
@_paths()
@config_option
@json_option
@date_option
@_person
@_key
@option("--reason", required=True, help="What must be corrected; the editor reads it.")
@option("--stage", type=click.Choice(STAGES), help="Default: the stage it waits for.")
@option("--link", "links", multiple=True, metavar="URL", help="This external link is bad; it is asked about next time.")
@reporting
def reject(
    paths: tuple[Path, ...],
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    person: str,
    key: Path | None,
    reason: str,
    stage: Stage | None,
    links: tuple[str, ...],
) -> None:
    """Send versions back; the flow stops until there is a corrected version. This one can never pass.

    \b
    Example: sitegen review reject content/jyj/tzgg/202611/t20261116_3104.md --as jyj-shenhe --reason 日期有误
    """
    if not reason.strip():
        raise UsageError([_no_reason()])
    more = Given(links_rejected=links)
    _decide(
        paths, config_file, as_json, given_date, person, key, verdict="reject", stage=stage, more=more, reason=reason
    )


def _no_reason() -> Problem:
    return Problem(
        path="--reason",
        code="review-reason-missing",
        message=_("a rejection without a reason helps nobody"),
        remedy=_("say what must be corrected: --reason 日期有误"),
    )


def _decide(
    paths: tuple[Path, ...],
    config_file: Path,
    as_json: bool,
    given_date: str | None,
    person: str,
    key: Path | None,
    *,
    verdict: Literal["pass", "reject"],
    stage: Stage | None,
    more: Given,
    reason: str = "",
) -> None:
    desk = Desk.open(config.load(config_file))
    with _signer(desk, person, key) as signer:
        given, problems = signing.decide(
            desk,
            paths,
            person=person,
            at=clock.now(given_date),
            verdict=verdict,
            reason=reason,
            stage=stage,
            more=more,
            signer=signer,
        )
    links = _links(desk, [path for path, _stage in given])
    if as_json:
        verdicts = [{"path": f"content/{path}", "stage": done, "links": links.get(path, {})} for path, done in given]
        report.data({"verdicts": verdicts, "problems": [p.as_json() for p in problems]})
    else:
        said = _("pass") if verdict == "pass" else _("reject")
        for path, done in given:
            line = _("{verdict} {stage}: {path}")
            click.echo(line.format(verdict=said, stage=stage_name(done), path=f"content/{path}"))
            for link, word in links.get(path, {}).items():
                click.echo(f"    {link}  {_link_word(word)}")
        report.problems(problems)
        click.echo(_("{count} verdicts by {person}").format(count=len(given), person=person))
    report.leave(problems)


def _links(desk: Desk, given: list[str]) -> dict[str, dict[str, str]]:
    if not given:
        return {}
    standings = desk.standings([desk.tree.root / path for path in given])
    return {s.path: found for s in standings if s.article is not None and (found := desk.links(s.article))}


def _link_word(word: str) -> str:
    return {"pass": _("passed"), "reject": _("rejected"), "": _("not looked at yet")}.get(word, word)


@contextlib.contextmanager
def _signer(desk: Desk, person: str, key: Path | None) -> Iterator[Signer | None]:
    """The key that was named, else one of the person's that ssh-agent holds, else none."""
    who = desk.records.people.get(person)
    with tempfile.TemporaryDirectory() as folder:
        if key is not None:
            yield Signer(key)
        elif who is not None and who.keys:
            yield agent.of_agent([found.line for found in who.keys], Path(folder))
        else:
            yield None


@review.command()
@_paths()
@config_option
@json_option
@reporting
def status(paths: tuple[Path, ...], config_file: Path, as_json: bool) -> None:
    """Where the review of each article stands.

    \b
    Example: sitegen review status content/jyj/tzgg
    """
    desk = Desk.open(config.load(config_file))
    rows = [(standing.path, _standing_words(standing)) for standing in desk.standings(paths)]
    if as_json:
        report.data([{"path": f"content/{path}", "status": words} for path, words in rows])
        return
    for path, words in rows:
        click.echo(f"content/{path}: {words}")


def _standing_words(standing: signing.Standing) -> str:
    match standing.status:
        case Signed() as signed:
            time = f"{signed.entry.at:%Y-%m-%d %H:%M}"
            return _("signed by {person} at {time}").format(person=signed.entry.person, time=time)
        case Open() as waiting:
            stage = stage_name(waiting.next_stage)
            if waiting.rejected is not None:
                words = _("rejected by {person}: {reason}; it waits for a corrected version")
                return words.format(person=waiting.rejected.person, reason=waiting.rejected.reason)
            if waiting.superseded is not None:
                return _("replaced by a later version; waits for {stage}").format(stage=stage)
            return _("waits for {stage}").format(stage=stage)
    codes = "; ".join(problem.code for problem in standing.problems)
    return _("cannot be read: {codes}").format(codes=codes)


@review.command()
@_paths()
@config_option
@json_option
@reporting
def log(paths: tuple[Path, ...], config_file: Path, as_json: bool) -> None:
    """The history of the articles below PATHS: every version, every verdict, and what is wrong with one.

    \b
    Example: sitegen review log content/jyj/tzgg
    """
    desk = Desk.open(config.load(config_file))
    rows = [
        (standing.path, history.events(standing.entries, desk.terms(desk.sources[standing.path].column)))
        for standing in desk.standings(paths)
    ]
    if as_json:
        report.data([{"path": f"content/{path}", "log": [event.as_json() for event in found]} for path, found in rows])
        return
    for path, found in rows:
        click.echo(f"content/{path}")
        for event in found or ():
            click.echo(f"  {event.words(desk.records)}")
        if not found:
            click.echo(f"  {_('no verdict yet')}")


@review.command()
@config_option
@json_option
@option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0 = one per core.")
@reporting
def verify(config_file: Path, as_json: bool, jobs: int) -> None:
    """Verify every entry of every ledger: signatures, order, and with git whether one was removed or re-dated.

    \b
    Example: sitegen review verify --json | python -m json.tool
    """
    from sitegen.reviews import verify as verifying  # what it needs, a verdict does not
    from sitegen.rules import registry

    project = config.load(config_file)
    desk = Desk.open(project)
    numbers = registry.numbers(registry.load(project.content))
    signed_from = {
        column.path: desk.signed_from[column.site]
        for column in desk.tree.columns.values()
        if column.site in desk.signed_from
    }
    result = verifying.verify(
        project,
        ledger.files_by_column(project.content),
        desk.records,
        signed_from,
        int(numbers["commit_days"]),
        jobs=jobs,
        progress=report.steps_for(as_json),
    )
    if as_json:
        report.data(result.as_json())
    else:
        report.problems(result.problems)
        words = _("{entries} verdicts on {articles} articles, {signed} of them signed; {problems} problems")
        click.echo(
            words.format(
                entries=result.entries,
                articles=result.articles,
                signed=result.signed,
                problems=len(result.problems),
            )
        )
        if result.commits is None:
            click.echo(_("no git here: whether the last verdict of an article was removed cannot be told"))
    report.leave(result.problems)


def register(program: click.Group) -> None:
    program.add_command(review)
