"""Large, deflated and compressed files: memory stays flat, and pixel data that need not change does not."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from tests.deid_bench import ct

from midas.deid import clean

FRAMES, SIDE = 512, 512
BIG = """
import re, sys
from pathlib import Path
from tests.deid_bench import Bench
from midas.deid import clean
bench = Bench(Path(sys.argv[1]))
outcome = clean(bench.job(bench.folder / "big.dcm"))
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(outcome.state, outcome.reason, outcome.size, int(peak) // 1024)
"""


def _big(bench, *, deflated: bool) -> None:
    """Write a loop of 256 MiB whose pixels are zeros; nothing of it is ever in memory."""
    ds = ct(size=8, NumberOfFrames=FRAMES)
    ds.Rows = ds.Columns = SIDE
    ds.PixelData = b""
    if deflated:
        ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = bench.save(ds, "big.dcm")
    size = FRAMES * SIDE * SIDE * 2
    data = path.read_bytes()
    if deflated:
        start = data.index(zlib_head := _deflated_part(data))
        head, body = data[:start], zlib.decompress(zlib_head, -15)
    else:
        head, body = b"", data
    assert body.endswith(b"\xe0\x7f\x10\x00OW\0\0\0\0\0\0")
    body = body[:-4] + size.to_bytes(4, "little")
    with path.open("wb") as out:
        deflating = zlib.compressobj(1, zlib.DEFLATED, -15) if deflated else None
        out.write(head + deflating.compress(body) if deflating else body)
        for _ in range(size >> 20):
            out.write(deflating.compress(bytes(1 << 20)) if deflating else bytes(1 << 20))
        if deflating:
            out.write(deflating.flush())


def _deflated_part(data: bytes) -> bytes:
    at = 132
    while data[at : at + 2] == b"\2\0":
        long = data[at + 4 : at + 6] == b"OB"
        length = int.from_bytes(data[at + 8 : at + 12] if long else data[at + 6 : at + 8], "little")
        at += (12 if long else 8) + length
    return data[at:]


@pytest.mark.parametrize("deflated", [False, True])
def test_memory_is_flat_in_the_size_of_a_file(bench, deflated):
    _big(bench, deflated=deflated)
    found = subprocess.run(
        [sys.executable, "-c", BIG, str(bench.folder)], capture_output=True, text=True, check=True, timeout=120
    ).stdout.split()  # fmt: skip
    assert found[0] == "cleaned", found
    assert int(found[-2]) > FRAMES * SIDE * SIDE * 2
    assert int(found[-1]) < 250, (
        "MiB, 12 of them the vocabulary; the file has 256 MiB, mapped pages do not count"
    )


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("table", [True, False])
def test_bare_compressed_pixel_data_stays_byte_for_byte(bench, syntax, table):
    ds = ct(size=32, NumberOfFrames=3)
    ds.PixelData = (np.arange(3 * 32 * 32, dtype="<u2") % 4000).tobytes()
    ds.compress(syntax, generate_instance_uid=False)
    frames = list(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=3))
    ds.PixelData = encapsulate(frames, fragments_per_frame=1 if syntax == RLELossless else 2, has_bot=table)
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    assert out.PixelData == ds.PixelData


def test_a_wrong_offset_table_is_written_anew(bench):
    ds = ct(size=32, NumberOfFrames=3)
    ds.PixelData = (np.arange(3 * 32 * 32, dtype="<u2") % 4000).tobytes()
    ds.compress(RLELossless, generate_instance_uid=False)
    right = ds.PixelData
    ds.PixelData = right[:8] + b"RAMESH D" + right[16:]
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    assert out.PixelData == right


def test_zeros_behind_the_pixels_stay_and_anything_else_goes(bench):
    ds = ct(size=16)
    pixels = ds.PixelData
    ds.PixelData = pixels + bytes(8)
    assert bench.clean(ds)[1].PixelData == pixels + bytes(8)
    ds.PixelData = pixels + b"RAMESH D"
    assert bench.clean(ds)[1].PixelData == pixels


def test_a_number_of_frames_that_cannot_be_read_follows_from_the_length_of_the_pixels(bench):
    """Frames are never lost silently: pydicom's badVR.dcm says `1A` and holds fifteen."""
    assert clean(bench.job(Path(get_testdata_file("badVR.dcm")))).state == "cleaned"
    cleaned = pydicom.dcmread(bench.folder / "out" / "1.dcm")
    assert int(cleaned.NumberOfFrames) == 15
    assert len(cleaned.PixelData) == 6000
