"""What pieces of work took adds up, in any order and however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midas.compute import total
from midas.wire.v1 import Spent

amounts = st.integers(0, 10**9).map(lambda thousandths: thousandths / 1000)
pieces = st.builds(
    Spent, processor_s=amounts, wall_s=amounts, peak_bytes=st.integers(0, 2**40), measured_j=amounts, estimated_j=amounts,
    estimated_s=amounts, unknown_s=amounts,
)  # fmt: skip


@given(st.lists(pieces, max_size=12), st.integers(0, 12))
def test_sums_add_up_and_the_largest_process_stays_the_largest(some: list[Spent], cut: int) -> None:
    whole = total(some)
    for name in Spent.model_fields.keys() - {"peak_bytes"}:
        assert getattr(whole, name) == pytest.approx(sum(getattr(one, name) for one in some), abs=0.001)
    assert whole.peak_bytes == max((one.peak_bytes for one in some), default=0)
    assert total([total(some[:cut]), total(some[cut:])]) == whole == total(reversed(some))
