"""The commands that prove an archive and hand it over: parse → one library call → report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from archive import cli, decision, store
from archive.cli.retiring import date_option, public_option
from archive.packing import bagit, inclusion, signature, wacz_check
from archive.proving import evidence, natures, proof
from archive.proving.evidence import Name, Where
from archive.proving.proof import Proof
from archive.publishing import published
from archive.redirection import caddy, nginx
from archive.retiring import status
from archive.text import _
from sitegen import clock, config, files
from sitegen.errors import Problem, Refused, in_order


def register(group: click.Group) -> None:
    """Add verify, export and headers."""
    for command in (verify_command, export_command, headers_command):
        group.add_command(command)


def _where(capture_id: str, content: Path, place: Path, public: Path) -> Where:
    """The project is where content/ lies; without mkdocs.yml the portal's address is unknown, which only redirects need."""
    root = content.resolve().parent
    settings = root / "mkdocs.yml"
    return Where(
        capture=store.open_capture(place, capture_id),
        content=content,
        public=public,
        build=root / "build",
        site_url=config.load(settings).site_url if settings.exists() else "/",
    )


@click.command("verify", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report of 真实性, 完整性, 可用性, 安全性 here, and as JSON beside it.",
)
@cli.make_option(
    "--publish", is_flag=True, help="Tell citizens: the next `sitegen build` shows the result in the site's catalogue."
)
@cli.make_option(
    "--allowed-signers",
    "signers",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File of those who may sign (ssh-keygen): the capture must be signed by one of them.",
)
@cli.content_option
@cli.store_option
@public_option
@date_option
@cli.json_option
def verify_command(
    capture_id: str,
    report: Path | None,
    publish: bool,
    signers: Path | None,
    content: Path,
    place: Path,
    public: Path,
    given_date: str | None,
    as_json: bool,
) -> None:
    """Prove that every URL of a capture is captured, stamped, linked, mapped and announced, as far as that is due.

    ID is <site>/<timestamp>, or a site for its newest capture. Every record, copy, link and old address is read again;
    nothing of it is changed. What is not due yet is said and is no failure. Exit 1 when something is not proven. ID may also be
    a WACZ file, of any tool, or a proof that `archive prove` printed.

    \b
    Example: archive verify lyj/20261122103000 --json
    archive verify lyj --report build/lyj.html
    """
    with cli.reporting(as_json):
        if capture_id.endswith(".wacz"):
            package = wacz_check.verify(Path(capture_id))
            text = _("{records} records, {pages} pages").format(records=package.records, pages=package.pages)
            cli.finish(package.as_json(), [text], package.problems, as_json)
        if capture_id.endswith(".json"):
            root, problems = inclusion.check(Path(capture_id))
            told = {"root": root, "problems": [problem.as_json() for problem in problems]}
            cli.finish(told, [root] if root else [], problems, as_json)
        where = _where(capture_id, content, place, public)
        found = proof.prove(where)
        if report is not None:
            _write_report(report, where, found, given_date)
        if publish:
            today = clock.now(given_date).astimezone(clock.SHANGHAI).date()
            published.update_proof(where.index, natures.summary(found, on=today))
        if signers is None:
            cli.finish(found.as_json(), _lines(found), found.problems, as_json)
        signer, problems = signature.verify(where.capture, signers)
        both = in_order([*found.problems, *problems])
        lines = [*_lines(found), *([_("signed by {signer}").format(signer=signer)] if signer else [])]
        whole = {**found.as_json(), "signer": signer or None, "problems": [problem.as_json() for problem in both]}
        cli.finish(whole, lines, both, as_json)


def _lines(found: Proof) -> list[str]:
    lines = []
    for aspect in found.aspects:
        said = f"{aspect.proven}/{aspect.looked_at}"
        if aspect.not_due:
            said = _("not due: {reason}").format(reason=aspect.not_due)
        lines.append(f"{status.padded(_title(aspect.name), 16)}{said}")
    text = _("{records} records, {urls} URLs, coverage {coverage} %, {orphans} orphans")
    lines.append(
        text.format(records=found.records, urls=found.urls, coverage=f"{found.coverage:g}", orphans=len(found.orphans))
    )
    return [*lines, *found.orphans]


def _title(name: Name) -> str:
    return {
        "captured": _("captured"),
        "stamped": _("stamped"),
        "links": _("links lead on"),
        "mapped": _("mapped"),
        "announced": _("announced"),
    }[name]


def _write_report(path: Path, where: Where, found: Proof, given_date: str | None) -> None:
    """HTML, and the same as JSON beside it. A capture without a decision has no name, unit and approval yet."""
    now, name, unit, approval = clock.now(given_date), where.capture.site, "", ""
    try:
        decided = decision.load(where.content, where.capture.site)
    except Refused:
        pass
    else:
        name, unit = decided.name or name, evidence.unit_name(where, decided)
        approval = decided.approval.document if decided.approval else ""
    text = natures.html(found, name=name, unit=unit, approval=approval, now=now)
    files.write_atomic(path, text.encode())
    said = json.dumps(natures.as_json(found, name=name, now=now), ensure_ascii=False, indent=1) + "\n"
    files.write_atomic(path.with_suffix(".json"), said.encode())


@click.command("export", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option(
    "--bagit",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the bag; it must not exist.",
)
@cli.content_option
@cli.store_option
@public_option
@date_option
@cli.json_option
def export_command(
    capture_id: str, folder: Path, content: Path, place: Path, public: Path, given_date: str | None, as_json: bool
) -> None:
    """Write a published capture as a bag for the archives: WARC, index, copies, Markdown, metadata, proof (RFC 8493).

    The report of the proof is part of the bag. Exit 1 when something is not proven; the bag says so, too.

    \b
    Example: archive export lyj --bagit build/lyj-bag
    """
    with cli.reporting(as_json):
        where = _where(capture_id, content, place, public)
        known = evidence.published_of(where)
        found = proof.prove(where)
        bag = bagit.export(known, found, folder, now=clock.now(given_date))
        said = {"bag": bag.folder.as_posix(), "files": bag.files, "bytes": bag.bytes, "pages": bag.pages}
        text = _("{folder}: {files} files, {bytes} bytes, metadata of {pages} pages").format(
            folder=bag.folder, files=bag.files, bytes=bag.bytes, pages=bag.pages
        )
        problems = [problem.as_json() for problem in found.problems]
        cli.finish({**said, "problems": problems}, [text], found.problems, as_json)


@click.command("headers", cls=cli.Command)
@cli.make_option(
    "--format",
    "form",
    type=click.Choice(["nginx", "caddy"]),
    default="nginx",
    show_default=True,
    help="What to write.",
)
@cli.make_option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/site"),
    show_default=True,
    help="Folder of the live release, as the web server sees it.",
)
@cli.make_option(
    "--replay-host",
    default="",
    metavar="HOST",
    help="Whole captures are opened on this host: the scripts of old sites stay apart from the portal.",
)
@public_option
def headers_command(form: Literal["nginx", "caddy"], root: Path, replay_host: str, public: Path) -> None:
    """Print the web server's configuration for archived pages: sandboxing policy, Memento-Datetime, original address.

    \b
    Example: archive headers --format nginx > archive.conf
    """
    with cli.reporting(False):
        settings = Path("mkdocs.yml")
        if not settings.exists():
            message = _("the portal's address is not known here")
            remedy = _("run the command in the project's folder, where mkdocs.yml has site_url")
            raise Refused([Problem(path=str(settings), code="redirects-site-unknown", message=message, remedy=remedy)])
        indexes = [published.read_index(path) for path in sorted(public.glob("*/*.json"))]
        write = nginx.archive if form == "nginx" else caddy.archive
        site_url = config.load(settings).site_url
        text = write(indexes, site_url=site_url, root=root.absolute().as_posix(), replay_host=replay_host)
        click.echo(text, nl=False)
