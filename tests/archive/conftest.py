"""What the tests of the archive share."""

from __future__ import annotations

import pytest

from sitegen import reader
from tests.archive.retired import Retired, retire
from tests.cities import copy_sample
from tests.conftest import REPLAYWEB


@pytest.fixture(scope="session")
def retired(tmp_path_factory: pytest.TempPathFactory) -> Retired:
    root = copy_sample(tmp_path_factory.mktemp("retired-sample"))
    if REPLAYWEB.exists():
        (root / reader.FOLDER).symlink_to(REPLAYWEB)
    return retire(root)
