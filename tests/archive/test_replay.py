"""An operator looks at a capture, on loopback, before anything of it is public."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.__main__ import main
from archive.packing import replay
from archive.store import Capture
from sitegen import reader
from tests.archive.oldweb import captured, page, serving


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    with serving({"/": page('<title>旅游局</title><a href="a.html">'), "/a.html": page("a")}) as web:
        return captured(web, tmp_path_factory.mktemp("store")).capture


@pytest.fixture
def readers(tmp_path: Path) -> Path:
    folder = tmp_path / "readers"
    folder.mkdir()
    for name in reader.FILES.values():
        (folder / name).write_text(f"this is {name}")
    return folder


@contextmanager
def shown(capture: Capture, readers: Path) -> Iterator[str]:
    """The address of a replay that runs."""
    with replay.served(capture, readers, 0) as (running, address):
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield address
        finally:
            running.shutdown()
            thread.join()


def asked(address: str, span: str = "") -> tuple[int, str | None, bytes]:
    """Status, Content-Range and body."""
    request = urllib.request.Request(address, headers={"Range": span} if span else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Range"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Range"], error.read()


def test_the_page_opens_the_package_in_the_reader_and_nothing_is_left_behind(capture: Capture, readers: Path) -> None:
    before = sorted(capture.folder.rglob("*"))
    with shown(capture, readers) as address:
        opened = asked(address)[2].decode()
        package = asked(f"{address}{capture.site}-{capture.timestamp}.wacz")[2]
        assert asked(address.replace(reader.PAGES, reader.READER))[2] == b"this is ui.js"
    assert f'data-source="{reader.PAGES}{capture.site}-{capture.timestamp}.wacz"' in opened
    assert package.startswith(b"PK\x03\x04")
    assert sorted(capture.folder.rglob("*")) == before


def test_a_reader_takes_the_package_piece_by_piece(capture: Capture, readers: Path) -> None:
    with shown(capture, readers) as address:
        package = f"{address}{capture.site}-{capture.timestamp}.wacz"
        whole = asked(package)[2]
        size = len(whole)
        assert asked(package, "bytes=10-19") == (206, f"bytes 10-19/{size}", whole[10:20])
        assert asked(package, f"bytes={size - 5}-") == (206, f"bytes {size - 5}-{size - 1}/{size}", whole[-5:])
        assert asked(package, f"bytes=5-{size * 2}") == (206, f"bytes 5-{size - 1}/{size}", whole[5:])
        assert asked(package, f"bytes={size}-") == (416, f"bytes */{size}", b"")
        assert asked(package, "bytes=9-5")[:2] == (416, f"bytes */{size}")
        assert asked(package, "lines=1-2") == (200, None, whole)


def test_a_package_that_was_made_before_is_what_is_shown(capture: Capture, readers: Path) -> None:
    capture.wacz.write_bytes(b"the package that will be published")
    try:
        with shown(capture, readers) as address:
            assert asked(f"{address}{capture.wacz.name}")[2] == b"the package that will be published"
    finally:
        capture.wacz.unlink()


def test_without_the_reader_the_command_says_what_to_do(capture: Capture, tmp_path: Path) -> None:
    arguments = ["replay", capture.id, "--store", str(capture.store), "--reader", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "replay-needs-reader" in done.stderr
    assert "make replayweb" in done.stderr


def test_the_command_prints_the_address_and_ends_with_ctrl_c(
    capture: Capture, readers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_running: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", interrupted)
    arguments = ["replay", "lyj", "--store", str(capture.store), "--reader", str(readers), "--port", "0"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{capture.id}: http://127.0.0.1:")
