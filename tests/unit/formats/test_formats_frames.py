"""Each frame that the table finds in a file is, byte by byte, the one that pydicom finds; metadata is pydicom's."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, SecondaryCaptureImageStorage

from midas.formats.dicom import FrameTable, frame_table, quiet, to_json


def table_of(data: bytes) -> FrameTable:
    stream = io.BytesIO(data)
    ds = pydicom.dcmread(stream, stop_before_pixels=True)
    table = frame_table(ds, stream)
    assert FrameTable.from_bytes(table.to_bytes()).pieces(1) == table.pieces(1)
    return FrameTable.from_bytes(table.to_bytes())


def read(data: bytes, table: FrameTable, number: int) -> bytes:
    return table.read(number, lambda start, end: data[start:end])


def instance(frames: list[bytes], **more: Any) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.SamplesPerPixel = 4, 4, 8, 1
    ds.PhotometricInterpretation, ds.NumberOfFrames = "MONOCHROME2", str(len(frames))
    for name, value in more.items():
        setattr(ds, name, value)
    return ds


def written(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


FRAMES = [b"\xff\xd8\xff" + bytes([number]) * (2 * number + 7) for number in range(1, 6)]


@pytest.mark.parametrize("has_bot", [True, False])
@pytest.mark.parametrize("per_frame", [1, 2])
def test_encapsulated_frames_are_found(has_bot: bool, per_frame: int) -> None:
    ds = instance(FRAMES)
    ds.PixelData = encapsulate(FRAMES, fragments_per_frame=per_frame, has_bot=has_bot)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    data = written(ds)
    table = table_of(data)
    assert table.encapsulated
    assert [len(table.pieces(one)) for one in range(1, 6)] == [per_frame] * 5
    for number, frame in enumerate(FRAMES, 1):
        assert read(data, table, number).rstrip(b"\x00") == frame
    with pytest.raises(IndexError):
        table.pieces(6)


def test_an_extended_offset_table_is_understood() -> None:
    ds = instance(FRAMES)
    ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(FRAMES)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    data = written(ds)
    assert read(data, table_of(data), 3).rstrip(b"\x00") == FRAMES[2]


def test_single_bits_come_to_begin_at_a_byte() -> None:
    dice = np.random.default_rng(3)
    bits = dice.integers(0, 2, (5, 3, 5), dtype=np.uint8)
    ds = instance(FRAMES, Rows=3, Columns=5, BitsAllocated=1)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    ds.PixelData, ds["PixelData"].VR = packed + b"\x00" * (len(packed) % 2), "OB"
    data = written(ds)
    table = table_of(data)
    for number in range(5):
        frame = np.frombuffer(read(data, table, number + 1), np.uint8)
        assert np.array_equal(np.unpackbits(frame, bitorder="little")[:15].reshape(3, 5), bits[number])


def test_frames_that_cannot_be_told_apart_are_not_guessed() -> None:
    ds = instance(FRAMES)
    ds.PixelData = encapsulate([b"\x01\x02\x03\x04"] * 5, fragments_per_frame=2, has_bot=False)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    stream = io.BytesIO(written(ds))
    assert not frame_table(pydicom.dcmread(stream, stop_before_pixels=True), stream).ranged


def _held() -> list[Path]:
    return sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"))


@pytest.mark.parametrize("path", _held(), ids=lambda path: path.stem)
def test_pydicom_reads_the_same_frames_and_metadata(path: Path) -> None:
    with quiet():
        try:
            whole = pydicom.dcmread(path)
            syntax = whole.file_meta.TransferSyntaxUID
        except Exception:  # noqa: BLE001 - what pydicom cannot read is nothing to be compared with
            pytest.skip("no DICOM file with a transfer syntax")
        data = path.read_bytes()
        if "PixelData" in whole and not syntax.is_deflated and "Rows" in whole:
            table = table_of(data) if _ranged(data) else None
            number = table.frames if table else 1
            if table is not None and syntax.is_encapsulated:
                frames = list(generate_frames(whole.PixelData, number_of_frames=number))
                assert [read(data, table, one) for one in range(1, number + 1)] == frames
            elif table is not None and whole.BitsAllocated % 8 == 0:
                whole.NumberOfFrames = (
                    number  # one of the files writes it in a form that pydicom leaves as text
                )
                size = get_expected_length(whole) // number
                for one in range(number):
                    assert read(data, table, one + 1) == whole.PixelData[one * size : (one + 1) * size]
        _same_metadata(path)


def _ranged(data: bytes) -> bool:
    stream = io.BytesIO(data)
    return frame_table(pydicom.dcmread(stream, stop_before_pixels=True), stream).ranged


def _same_metadata(path: Path) -> None:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    ours = to_json(ds, bulk=lambda place: f"/bulk/{place}")
    json.dumps(ours)
    assert list(ours) == sorted(ours)
    try:
        theirs = ds.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "x")
    except Exception:  # noqa: BLE001 - what pydicom cannot write is nothing to be compared with
        return
    for tag, one in theirs.items():
        if tag in {"7FE00010", "00080005"} or tag.endswith("0000"):
            continue
        assert ours[tag]["vr"] == one["vr"].split(" or ")[0], tag
        if one["vr"] not in {"SQ", "PN", "DS", "FD", "FL"} and "Value" in one and any(one["Value"]):
            assert ours[tag].get("Value") == [None if value == "" else value for value in one["Value"]], tag
