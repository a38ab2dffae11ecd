"""The command `sitegen`: parse, one library call, report."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from sitegen import clock, config, output, report
from sitegen.cli_options import config_option, date_option, json_option, option, reporting
from sitegen.errors import Problem, UsageError
from sitegen.text import _

ELSEWHERE = {
    "build": "cli_build", "due": "cli_rules", "headers": "cli_headers", "inspect": "cli_inspect", "messages": "cli_messages",
    "report": "cli_report", "review": "cli_review", "rules": "cli_rules", "search": "cli_search", "site": "cli_site",
}  # fmt: skip
"""Commands that have a module of their own, which is loaded when they are asked for: a build must not wait for it."""


class Program(report.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(dict.fromkeys(["build", *self.commands, *ELSEWHERE]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in ELSEWHERE and cmd_name not in self.commands:
            import_module(f"sitegen.{ELSEWHERE[cmd_name]}").register(self)
        return super().get_command(ctx, cmd_name)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    package_name="jiyuehua", message="%(prog)s %(version)s", cls=report.Option, help="Show the version and exit."
)
def main() -> None:
    """Build a city's portal and department sections from Markdown.

    \b
    sitegen build                       make the next release
    sitegen check content/jyj           what is wrong, before publishing
    sitegen review approve content/jyj --as jyj-bianji
    """


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@config_option
@json_option
@date_option
@reporting
def check(paths: tuple[Path, ...], config_file: Path, as_json: bool, given_date: str | None) -> None:
    """Say everything that is wrong with the sources (below PATHS), without building.

    \b
    Example: sitegen check content/jyj/tzgg
    """
    project = config.load(config_file)
    from sitegen.examine import examine

    found = examine(project, clock.now(given_date))
    if paths:
        below = [path.resolve() for path in paths]
        found = [p for p in found if any((project.root / p.path).resolve().is_relative_to(place) for place in below)]
    if as_json:
        report.data({"problems": [problem.as_json() for problem in found]})
    else:
        report.problems(found)
        click.echo(_("{count} problems").format(count=len(found)))
    report.leave(found)


@main.command()
@config_option
@option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@reporting
def serve(config_file: Path, port: int) -> None:
    """Serve the live release on 127.0.0.1 (stock `mkdocs serve` previews drafts).

    \b
    Example: sitegen serve --port 8080
    """
    from sitegen.serve import serve as run_server  # its libraries cost an edit 30 ms

    run_server(config.load(config_file), port, report.progress)


# --- releases ----------------------------------------------------------------------------------------------------


@main.group()
def release() -> None:
    """The releases that are kept, and going back to one.

    \b
    sitegen release list
    sitegen release rollback
    """


@release.command("list")
@config_option
@json_option
@reporting
def list_(config_file: Path, as_json: bool) -> None:
    """Releases, oldest first; the live one is marked."""
    project = config.load(config_file)
    live, known = output.live_release(project), output.releases(project)
    if as_json:
        report.data({"live": live, "releases": known})
        return
    for found in known:
        click.echo(f"{'*' if found == live else ' '} {found}")


@release.command()
@click.argument("release_id", required=False)
@config_option
@reporting
def rollback(release_id: str | None, config_file: Path) -> None:
    """Serve RELEASE_ID again, or the release before the live one.

    \b
    Example: sitegen release rollback 20261122T103000.123456Z-1a2b3c4d
    """
    project = config.load(config_file)
    known, live = output.releases(project), output.live_release(project)
    target = release_id or next((r for r in reversed(known) if r < live), None)
    if target is None or target not in known:
        raise UsageError([_unknown_release(release_id)])
    output.go_to(project, target)
    click.echo(_("{release} is live").format(release=target))


@release.command()
@config_option
@reporting
def manifest(config_file: Path) -> None:
    """Everything the live release consists of, as JSON (docs/FORMATS.md §5).

    \b
    Example: sitegen release manifest | python -m json.tool | less
    """
    from sitegen.manifest import manifest as manifest_of

    report.data(manifest_of(config.load(config_file)))


@release.command()
@click.argument("release_id", required=False)
@config_option
@reporting
def changed(release_id: str | None, config_file: Path) -> None:
    """Addresses that answer differently since RELEASE_ID (the live one) was switched to: what a cache must forget.

    \b
    Example: sitegen release changed | xargs -I{} curl -X PURGE http://127.0.0.1{}
    """
    project = config.load(config_file)
    release = release_id or output.live_release(project)
    delta = output.delta_of(project, release)
    if delta is None:
        raise UsageError([_unknown_release(release)])
    for url in output.changed_urls(delta):
        click.echo(url)


@release.command()
@config_option
@option("--keep", type=click.IntRange(1), default=output.KEEP_RELEASES, show_default=True)
@reporting
def prune(config_file: Path, keep: int) -> None:
    """Remove all but the newest releases; the live one always stays."""
    for removed in output.prune(config.load(config_file), keep):
        click.echo(_("removed {release}").format(release=removed))


def _unknown_release(release: str | None) -> Problem:
    return Problem(
        path=release or "build/releases",
        code="release-unknown",
        message=_("there is no such release to go back to"),
        remedy=_("see: {command}").format(command="sitegen release list"),
    )
