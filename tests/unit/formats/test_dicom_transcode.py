"""Transcoding keeps every pixel, checked on the files that pydicom ships."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest

from midas.formats.dicom import frame_table, quiet, transcode
from midas.formats.dicom.syntaxes import DEFLATED, EXPLICIT, HTJ2K, JPEG_2000, JPEG_LS, RLE
from midas.kernel import BadInput

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
FILES = (
    "CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG-lossy.dcm", "JPEGLSNearLossless_16.dcm",
    "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm", "SC_ybr_full_422_uncompressed.dcm", "GDCMJ2K_TextGBR.dcm", "examples_palette.dcm",
    "examples_ybr_color.dcm", "examples_overlay.dcm", "liver_1frame.dcm", "rtdose.dcm", "SC_rgb_small_odd.dcm",
)  # fmt: skip
SINGLE_BITS_OR_MORE_THAN_16 = {"liver_1frame.dcm", "rtdose.dcm"}
DESCRIBE_PIXELS = {"PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated"}


def remade(data: bytes, to: str) -> transcode.Recoded:
    stream = io.BytesIO(data)
    table = frame_table(pydicom.dcmread(stream, stop_before_pixels=True), stream)
    return transcode.recoded(
        transcode.header(data), lambda number: table.read(number, lambda start, end: data[start:end]), to
    )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("to", [EXPLICIT, DEFLATED, RLE, JPEG_LS, JPEG_2000, HTJ2K])
def test_pixels_and_header_stay(name: str, to: str) -> None:
    data = (FOLDER / name).read_bytes()
    try:
        made = remade(data, to)
    except BadInput:
        assert to not in {EXPLICIT, DEFLATED}
        assert name in SINGLE_BITS_OR_MORE_THAN_16 | {"SC_rgb_small_odd.dcm", "JPEGLSNearLossless_16.dcm"}
        return
    out = b"".join(made.chunks)
    assert made.size in {None, len(out)}
    with quiet():
        before, after = pydicom.dcmread(io.BytesIO(data)), pydicom.dcmread(io.BytesIO(out))
        assert after.file_meta.TransferSyntaxUID == to
        assert np.array_equal(before.pixel_array, after.pixel_array)
        kept = [one for one in before if one.tag.group < 0x7FE0 and one.tag.element]
        assert all(one == after[one.tag] for one in kept if one.keyword not in DESCRIBE_PIXELS)


@pytest.mark.parametrize("representation", [0, 1])
def test_bits_above_those_that_are_stored_are_no_part_of_the_pixels(representation: int) -> None:
    ds = pydicom.dcmread(FOLDER / "CT_small.dcm")
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 7, representation
    out = io.BytesIO()
    ds.save_as(out)
    made = b"".join(remade(out.getvalue(), JPEG_LS).chunks)
    assert np.array_equal(pydicom.dcmread(io.BytesIO(made)).pixel_array, ds.pixel_array)


def test_an_object_without_pixels_is_written_again() -> None:
    data = (FOLDER / "reportsi.dcm").read_bytes()
    for to in (EXPLICIT, DEFLATED):
        out = b"".join(transcode.recoded(transcode.header(data), lambda _: b"", to).chunks)
        after = pydicom.dcmread(io.BytesIO(out))
        assert after.file_meta.TransferSyntaxUID == to
        assert after.ContentSequence == pydicom.dcmread(io.BytesIO(data)).ContentSequence
