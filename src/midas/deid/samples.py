"""Native pixels: how many bytes the header asks for, little endian, with nothing in the bits that no sample uses.

In come a header and stored bytes, out come bytes of the same samples. What contradicts itself raises `Held`.
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from midas.deid.model import Held


def frame_count(ds: Dataset) -> int:
    """Return Number of Frames (0028,0008), 1 where it is absent."""
    value: Any = ds.get("NumberOfFrames") or 1
    return int(value)


def expected(ds: Dataset, *, words: bool) -> int:
    """Return how many bytes of native pixels the header asks for; nothing beyond them is copied (PS3.5 8.1.1).

    `words`: the samples stand in big-endian words of two bytes, of which the last is whole.
    """
    try:
        bits = int(ds.Rows) * int(ds.Columns) * int(ds.get("SamplesPerPixel") or 1) * int(ds.BitsAllocated)
        bits *= frame_count(ds)
    except (AttributeError, TypeError, ValueError):
        raise Held("unreadable", "Rows, columns or bits of the pixels are missing.") from None
    if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    size = (bits + 7) // 8
    return size + size % 2 if words else size


def clean_bits(ds: Dataset, part: bytes) -> bytes:
    """Return native pixels, little endian, whose unused bits hold nothing (PS3.5 8.1.1): an overlay could stand there."""
    allocated, stored = int(ds.get("BitsAllocated") or 0), int(ds.get("BitsStored") or 0)
    if allocated not in (8, 16, 32) or not 0 < stored < allocated:
        return part
    import numpy as np

    high = int(ds.get("HighBit", stored - 1))
    low = high + 1 - stored
    if low < 0 or high >= allocated or len(part) % (allocated // 8):
        raise Held("unreadable", "Bits stored, high bit and bits allocated contradict each other.")
    values = np.frombuffer(part, dtype=f"<u{allocated // 8}")
    unused = ~np.array(((1 << stored) - 1) << low, dtype=values.dtype)
    if not np.bitwise_or.reduce(values) & unused:
        return part
    used = values & ~unused
    if low == 0 and int(ds.get("PixelRepresentation") or 0):
        sign = np.array(1 << high, dtype=values.dtype)
        used = (used ^ sign) - sign
    return part if np.array_equal(used, values) else used.tobytes()


def swapped(part: bytes, width: int) -> bytes:
    """Return big-endian words of `width` bytes as little-endian ones; 0 leaves them."""
    if not width:
        return part
    import numpy as np

    return np.frombuffer(part, dtype=f">u{width}").astype(f"<u{width}").tobytes()


def even(part: bytes) -> bytes:
    """Return the bytes with a zero behind them where their number is odd (PS3.5 7.1.1)."""
    return part + b"\0" * (len(part) % 2)
