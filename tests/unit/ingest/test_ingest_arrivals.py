"""Arrivals cannot leak by accident, and the house's other kinds of file are refused politely."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from midas.formats import Kind, Trouble
from midas.ingest import Door, arrivals, to_dicom
from midas.kernel import BadInput
from midas.kernel.identified import Identified


def test_arrivals_are_wrapped_and_complete(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "Ramesh Kumar.csv").write_text("a,b\n1,2\n")
    (root / "empty").touch()
    seen = list(arrivals(root, scratch=tmp_path / "scratch"))
    (one,) = [item for item in seen if isinstance(item, Identified)]
    assert one.reveal().found.kind is Kind.CSV
    assert "Ramesh" not in repr(one)
    with pytest.raises(TypeError):
        pickle.dumps(one)
    assert [item.reason for item in seen if isinstance(item, Trouble)] == ["empty"]


def test_a_table_does_not_become_an_image(tmp_path: Path) -> None:
    door = Door("P", None, None, None, None, "XC", None, None, None, "s", "k")
    with pytest.raises(BadInput):
        to_dicom(tmp_path / "t", kind=Kind.CSV, door=door, out=tmp_path / "out")
