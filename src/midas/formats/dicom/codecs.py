"""Twelve-bit JPEG for pydicom, decoded by imagecodecs, since the other decoders of ours read only eight bits of it.

In comes one compressed frame; out come its samples. Importing this registers the decoder once; no file is opened here.
"""

from __future__ import annotations

import imagecodecs
import numpy as np
from pydicom.pixels.decoders import JPEGExtended12BitDecoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import JPEGExtended12Bit

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


if LABEL not in JPEGExtended12BitDecoder.available_plugins:
    JPEGExtended12BitDecoder.add_plugin(LABEL, (__name__, "decode_frame"))
