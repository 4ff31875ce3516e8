import pytest
from tests.deid_bench import Bench


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)
