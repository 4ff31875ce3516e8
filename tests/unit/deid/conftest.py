from collections.abc import Iterator

import pytest
from tests.deid_bench import Bench

from midas.deid.memory import Memory


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Let no test live on what another made the process remember."""
    Memory.forget()
    yield
    Memory.forget()
