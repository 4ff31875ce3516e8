from collections.abc import Iterator

import pytest
from pydicom import config
from tests.deid_bench import Bench

from midas.deid.memory import Memory


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pydicom write what a hospital's devices write."""
    monkeypatch.setattr(config.settings, "writing_validation_mode", config.IGNORE)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Let no test live on what another made the process remember."""
    Memory.forget()
    yield
    Memory.forget()
