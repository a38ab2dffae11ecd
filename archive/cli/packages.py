"""The commands `package`, `sign`, `prove`, `report` and `replay`, to be added to `archive`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from archive import cli, store
from archive.crawling import report
from archive.packing import inclusion, replay, signature, wacz
from archive.text import _
from sitegen import reader

file_argument = click.Path(path_type=Path, dir_okay=False, exists=True)


def register(group: click.Group) -> None:
    """Add package, sign, prove, report and replay."""
    for command in (package_command, sign_command, prove_command, report_command, replay_command):
        group.add_command(command)


@click.command("package", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. [default: <site>-<timestamp>.wacz in the capture's folder, where publishing finds it]",
)
@cli.store_option
@cli.json_option
def package_command(capture_id: str, output: Path | None, place: Path, as_json: bool) -> None:
    """Pack the capture ID into one WACZ file, which ReplayWeb.page opens.

    The same capture gives the same bytes; SOURCE_DATE_EPOCH sets another date.

    \b
    Example: archive package lyj/20261122103000 --output lyj.wacz
    """
    with cli.reporting(as_json):
        capture = store.open_capture(place, capture_id)
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch and epoch.isdecimal() else None
        made = wacz.package(capture, output or capture.wacz, moment)
        text = _("{wacz}: {pages} pages, {bytes} bytes, {sha256}").format(
            wacz=made.path.as_posix(), pages=made.pages, bytes=made.bytes, sha256=made.sha256
        )
        cli.finish(made.as_json(), [text], [], as_json)


@click.command("sign", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option("--key", required=True, type=file_argument, help="The private SSH key to sign with.")
@cli.store_option
@cli.json_option
def sign_command(capture_id: str, key: Path, place: Path, as_json: bool) -> None:
    """Sign the capture ID: its manifest's digest and its Merkle root, with an SSH key.

    `archive verify ID --allowed-signers FILE` tells who signed.

    \b
    Example: archive sign lyj/20261122103000 --key ~/.ssh/id_ed25519
    """
    with cli.reporting(as_json):
        capture = store.open_capture(place, capture_id)
        written = signature.sign(capture, key).as_posix()
        report = {"capture": capture.id, "statement": capture.statement.as_posix(), "signature": written}
        text = _("{capture}: signed, {signature}").format(capture=capture.id, signature=written)
        cli.finish(report | {"problems": []}, [text], [], as_json)


@click.command("prove", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@click.argument("url")
@cli.store_option
def prove_command(capture_id: str, url: str, place: Path) -> None:
    """Print the proof that an answer of URL is in the capture ID, to be checked against its Merkle root.

    The index line and its audit path (RFC 6962), as JSON. `archive verify` checks such a file.

    \b
    Example: archive prove lyj/20261122103000 http://lyj.example.gov.cn/ > proof.json
    """
    with cli.reporting(as_json=True):
        found = inclusion.of(store.open_capture(place, capture_id), url)
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))


@click.command("report", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.store_option
def report_command(capture_id: str, place: Path) -> None:
    """Write report.html of the capture ID anew, in the language of this terminal.

    \b
    Example: archive report lyj/20261122103000
    """
    with cli.reporting(as_json=False):
        capture = store.open_capture(place, capture_id)
        report.write(capture)
        click.echo(capture.report.as_posix())


@click.command("replay", cls=cli.Command)
@click.argument("capture_id", metavar="ID")
@cli.make_option(
    "--port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="Port on loopback, 0: any."
)
@cli.make_option(
    "--reader",
    "readers",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(reader.FOLDER),
    show_default=True,
    help="Folder of ReplayWeb.page, which `make replayweb` fetches.",
)
@cli.store_option
def replay_command(capture_id: str, port: int, readers: Path, place: Path) -> None:
    """Show the capture ID (or a site's newest) as it was, in a browser on this machine, until Ctrl-C.

    Nothing is published: the old pages, with their scripts, are shown from the capture alone, by ReplayWeb.page.

    \b
    Example: archive replay lyj --port 8010
    """
    with cli.reporting(as_json=False):
        capture = store.open_capture(place, capture_id)
        with replay.served(capture, readers, port) as (running, address):
            click.echo(_("{capture}: {address} (Ctrl-C ends it)").format(capture=capture.id, address=address))
            with suppress(KeyboardInterrupt):
                running.serve_forever()
