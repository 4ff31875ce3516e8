"""Compressed frames: what travels beside the picture is cut out, the picture stays bit for bit, the strange is held."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless
from tests.deid_bench import ct

from midas.deid.model import Held
from midas.deid.segments import J2K, JPEG, JXL, RLE, bare_frame, family

NAME = b"Zubeida Qureshi 9876512345"
PICTURE = (np.add.outer(np.arange(48), np.arange(48)) * 2).astype("u1")


def _app(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _jpeg(**how: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG", comment=NAME, **how)
    return out.getvalue()


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_loses_comments_application_data_thumbnail_and_tail(progressive):
    plain = _jpeg(progressive=progressive)
    thumbnail = _app(0xE0, b"JFXX\0\x10" + NAME)
    named = plain[:2] + thumbnail + _app(0xE1, b"Exif\0\0" + NAME) + _app(0xEF, NAME) + plain[2:-2]
    named += _app(0xFE, NAME) + b"\xff\xd9" + NAME
    bare = bare_frame(named, JPEG)
    assert b"Zubeida" in named
    assert b"Zubeida" not in bare
    assert np.array_equal(_pixels(bare), _pixels(plain))
    assert bare.endswith(b"\xff\xd9")


def test_a_jfif_header_keeps_its_density_and_not_its_thumbnail():
    plain = _jpeg()
    at = plain.index(b"JFIF\0")
    fat = plain[: at - 2] + struct.pack(">H", 16 + len(NAME)) + plain[at : at + 14] + NAME + plain[at + 14 :]
    assert b"Zubeida" not in bare_frame(fat, JPEG)


@pytest.mark.parametrize("form", ["jpegls", "ljpeg"])
def test_lossless_jpegs_stay_bit_for_bit(form):
    data = imagecodecs.jpegls_encode(PICTURE) if form == "jpegls" else imagecodecs.ljpeg_encode(PICTURE)
    named = data[:2] + _app(0xFE, NAME) + data[2:] + NAME
    bare = bare_frame(named, JPEG)
    decode = imagecodecs.jpegls_decode if form == "jpegls" else imagecodecs.ljpeg_decode
    assert b"Zubeida" not in bare
    assert np.array_equal(decode(bare), PICTURE)


def test_a_jpeg_2000_codestream_loses_comments_in_both_kinds_of_header_and_its_tail():
    data = imagecodecs.jpeg2k_encode(PICTURE, codecformat="J2K", reversible=True, level=0)
    comment = b"\xff\x64" + struct.pack(">HH", len(NAME) + 4, 1) + NAME
    at = data.index(b"\xff\x90")
    length = struct.unpack(">I", data[at + 6 : at + 10])[0]
    tile = (
        data[at : at + 6]
        + struct.pack(">I", length + len(comment))
        + data[at + 10 : at + 12]
        + comment
        + data[at + 12 :]
    )
    bare = bare_frame(data[:at] + comment + tile + NAME, J2K)
    assert b"Zubeida" not in bare
    assert np.array_equal(imagecodecs.jpeg2k_decode(bare), PICTURE)
    assert bare_frame(bare, J2K) == bare


def test_an_rle_frame_loses_what_its_header_does_not_count_and_what_stands_behind_its_runs():
    ds = ct(size=64)
    before = ds.pixel_array.copy()
    ds.compress(RLELossless, generate_instance_uid=False)
    frame = next(pydicom.encaps.generate_frames(ds.PixelData))
    named = bytearray(frame + NAME)
    named[64 - 26 : 64] = NAME
    bare = bare_frame(bytes(named), RLE, plane=64 * 64)
    assert b"Zubeida" not in bare
    ds.PixelData = encapsulate([bare])
    ds._pixel_array = None
    assert np.array_equal(ds.pixel_array, before)


@pytest.mark.parametrize(("data", "kind"), [
    (NAME, JPEG), (b"\xff\xd8" + NAME, JPEG), (b"\xff\xd8\xff\xda\0\x04ab" + NAME, JPEG),
    (b"\xff\xd8\xff\xe1\xff\xff", JPEG),
    (NAME, J2K), (b"\0\0\0\x0cjP  \r\n\x87\n" + NAME, J2K), (b"\xff\x4f\xff\x51\0\x04ab\xff\xd9", J2K),
    (NAME, RLE), (b"\0" * 64, RLE), (b"\0\0\0\x0cJXL " + NAME, JXL), (b"", JPEG), (b"", RLE),
])  # fmt: skip
def test_what_is_not_its_kind_is_held(data, kind):
    with pytest.raises(Held, match="not-understood"):
        bare_frame(data, kind, plane=16)


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.1.98"]
)
def test_syntaxes_that_are_not_mastered_are_held(syntax):
    with pytest.raises(Held, match="not-mastered"):
        family(syntax)


def _compressed(fragments: list[bytes]):
    ds = ct(Rows=48, Columns=48, BitsAllocated=8, BitsStored=8, HighBit=7)
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.PixelData = encapsulate(fragments, has_bot=False)
    ds["PixelData"].is_undefined_length = True
    return ds


def test_a_frame_in_several_fragments_becomes_one_and_a_fragment_of_text_goes(bench):
    data = _jpeg()
    outcome, out = bench.clean(_compressed([data[:300], data[300:], NAME]))
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    assert b"Zubeida" not in bench.job(bench.folder).target.read_bytes()
    assert np.array_equal(out.pixel_array, _pixels(data))


def test_more_frames_than_the_header_says_are_held(bench):
    ds = _compressed([_jpeg(), _jpeg()])
    ds.NumberOfFrames = 3
    outcome, _ = bench.clean(ds)
    assert (outcome.state, outcome.reason) == ("held", "truncated")


def test_every_syntax_keeps_its_frame(bench):
    ds = ct(size=64)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    _, out = bench.clean(ds)
    assert np.array_equal(out.pixel_array, ct(size=64).pixel_array)
