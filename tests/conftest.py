"""What every test may use: a whole small city written inline, and the real parts that may or may not be here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.cities import TinyCity, copy_sample

settings.register_profile("untimed", deadline=None)  # timings are for bench/, never for tests
settings.load_profile("untimed")
os.environ["LANGUAGE"] = "en"  # the tests read what is printed; nothing was translated yet

REPLAY = Path(__file__).parent.parent / ".venv-replay" / "bin"
REPLAYWEB = REPLAY.parent.parent / ".replayweb"
PARTS = {
    "chromium": lambda: Path("/usr/bin/chromium").exists(),
    "nginx": lambda: shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") is not None,
    "caddy": lambda: (Path(sys.prefix) / "bin" / "caddy").exists(),
    "webtools": lambda: (REPLAY.parent.parent / ".webtools/node_modules/axe-core/axe.min.js").exists(),
    "wget": lambda: shutil.which("wget") is not None,
    "httrack": lambda: shutil.which("httrack") is not None,
    "ssh-keygen": lambda: shutil.which("ssh-keygen") is not None,
    "node": lambda: shutil.which("node") is not None,
    "git": lambda: shutil.which("git") is not None,
    "replayweb": lambda: (REPLAYWEB / "ui.js").exists(),
    "replay": lambda: (REPLAY / "wayback").exists(),
}

LONGEST = (
    "test_laws",
    "test_pages",
    "test_end_to_end",
    "test_replayweb",
    "test_proof",
    "test_servers",
    "test_retire",
    "test_hard_site",
    "test_build",
)
"""Files that take a minute and more. They come first, so that no process ends with one while the other has nothing to do;
by itself pytest-xdist puts the files with few tests last, and those are the long ones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(autouse=True)
def _real_parts(request: pytest.FixtureRequest) -> None:
    """A missing part is said, never hidden; under CI it is a failure."""
    for marker in request.node.iter_markers("needs"):
        for part in marker.args:
            if not PARTS[part]():
                message = f"needs {part}, which is not on this machine"
                if os.environ.get("CI") == "true":
                    pytest.fail(message)
                pytest.skip(message)


@pytest.fixture
def city(tmp_path: Path) -> TinyCity:
    return TinyCity(tmp_path / "city")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the committed sample city, so that what a demo added to the checkout is not measured."""
    return copy_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "sitegen-test", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        message = f"needs the right to mount a file system: {done.stderr.decode().strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
