"""Decoders of compressed frames for pydicom: none of them meets a frame that is not of the size that its object says.

A frame's own header can ask for gigabytes, and what does not fit the object can end the whole process inside a decoder.
Twelve-bit JPEG is decoded by imagecodecs, since the other decoders of ours read only eight bits of it. In comes one
compressed frame; out come its samples. Importing this registers everything once; no file is opened here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import imagecodecs
import numpy as np
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders import JPEGExtended12BitDecoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from midas.formats.dicom.stated import stated

DECODER_DEPENDENCIES = {JPEGExtended12Bit: ("imagecodecs>=2026",)}
LABEL = "imagecodecs"


def is_available(uid: str) -> bool:
    """Return whether frames of this transfer syntax can be decoded here (pydicom asks)."""
    return uid == JPEGExtended12Bit and bool(imagecodecs.JPEG.available)


def decode_frame(src: bytes, runner: DecodeRunner) -> bytearray:
    """Return the samples of one frame in two bytes each, little-endian, or one byte for eight-bit frames."""
    frame = np.asarray(imagecodecs.jpeg_decode(src))
    runner.set_option("bits_allocated", frame.dtype.itemsize * 8)
    return bytearray(np.ascontiguousarray(frame).astype(frame.dtype.newbyteorder("<")).tobytes())


Decode = Callable[[bytes, DecodeRunner], bytes | bytearray]


def guarded(decode: Decode) -> Decode:
    """Return a decoder that refuses with `ValueError` what is not of the size that its object says (PS3.5 8.2)."""

    @wraps(decode)
    def checked(src: bytes, runner: DecodeRunner) -> bytes | bytearray:
        said = stated(src)
        if said is not None and said[0] and said != (runner.rows, runner.columns, runner.samples_per_pixel):
            raise ValueError("the frame is not of the size that the object says")
        return decode(src, runner)

    return checked


COMPRESSED = (
    JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless,
    JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K,
)  # fmt: skip

if LABEL not in JPEGExtended12BitDecoder.available_plugins:
    JPEGExtended12BitDecoder.add_plugin(LABEL, (__name__, "decode_frame"))

for syntax in COMPRESSED:
    plugins = get_decoder(syntax)._available  # noqa: SLF001 - pydicom has no other place to stand before a decoder
    plugins.update(
        {label: guarded(decode) for label, decode in plugins.items() if not hasattr(decode, "__wrapped__")}
    )
