"""A ward with readers, for the tests of readings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reading_ward import Ward, open_ward


@pytest.fixture
def ward(db: None, tmp_path: Path) -> Ward:
    return open_ward(tmp_path)
