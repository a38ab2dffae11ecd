"""What the tests of the archive share."""

from __future__ import annotations

import pytest

from tests.archive.retired import Retired, retire
from tests.cities import copy_sample


@pytest.fixture(scope="session")
def retired(tmp_path_factory: pytest.TempPathFactory) -> Retired:
    return retire(copy_sample(tmp_path_factory.mktemp("retired-sample")))
