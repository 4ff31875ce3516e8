"""Windows, regions and sizes of rendered pictures (PS3.3 C.11.2.1, PS3.18 8.3.5.1)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from midas.formats.dicom import render
from midas.formats.dicom.render import PNG, Form, Viewport
from midas.formats.dicom.view import Window, shown
from midas.kernel import BadInput


def grey(**more: Any) -> Dataset:
    ds = Dataset()
    ds.BitsAllocated = ds.BitsStored = 16
    ds.PixelRepresentation, ds.PhotometricInterpretation = 0, "MONOCHROME2"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def test_linear_window_as_the_standard_says() -> None:
    values = np.array([[0, 1, 2, 3]], np.uint16)
    assert Window(2, 4).apply(values).tolist() == [[0, 85, 170, 255]]
    assert Window(2, 4, "LINEAR_EXACT").apply(values).tolist() == [[0, 64, 128, 191]]
    assert Window(2, 4, "SIGMOID").apply(np.array([[2]])).tolist() == [[128]]
    assert Window(2, 1).apply(values).tolist() == [[0, 0, 255, 255]]


def test_the_files_own_window_is_not_stretched() -> None:
    values = np.array([[100, 200]], np.uint16)
    ds = grey(WindowCenter=128, WindowWidth=256)
    assert shown(values, ds, 0).tolist() == [[100, 200]]
    assert (
        shown(values, grey(WindowCenter=128, WindowWidth=256, RescaleSlope=0.5, RescaleIntercept=0), 0)[0, 1]
        == 100
    )


def test_monochrome1_is_turned() -> None:
    ds = grey(WindowCenter=128, WindowWidth=256)
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert shown(np.array([[0, 255]], np.uint16), ds, 0).tolist() == [[255, 0]]


def test_a_viewport_keeps_the_aspect_and_cuts() -> None:
    array = np.arange(200, dtype=np.uint8).reshape(10, 20)
    form = Form(PNG, viewport=Viewport(40, 40))
    assert Image.open(io.BytesIO(render.written(array, form))).size == (40, 20)
    part = Viewport(5, 5, (10, 5, 5, 5))
    assert render.cut(array, part).tolist() == array[5:10, 10:15].tolist()
    assert render.cut(array, Viewport(5, 5, (10, 5, -5, 5))).tolist() == array[5:10, 14:9:-1].tolist()
    with pytest.raises(BadInput, match="outside"):
        render.cut(array, Viewport(5, 5, (30, 5, 5, 5)))


def test_tiles_come_together_without_a_seam() -> None:
    ds = Dataset()
    ds.DimensionOrganizationType = "TILED_FULL"
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows, ds.Columns, ds.Rows = 100, 50, 32, 32
    whole = np.zeros((64, 128, 3), np.uint8)
    whole[..., 0] = np.arange(128)[None, :]

    def tile(index: int) -> np.ndarray:
        row, column = divmod(index, 4)
        return whole[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]

    assert np.array_equal(render.pieced(ds, tile, None), whole[:50, :100])
    part = render.pieced(ds, tile, Viewport(1000, 1000, (30, 10, 40, 20)))
    assert np.array_equal(part, whole[10:30, 30:70])
    assert render.pieced(ds, tile, Viewport(50, 50)).shape == (25, 50, 3)
