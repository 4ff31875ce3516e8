"""Native pixels: how many bytes the header asks for, little endian, with nothing in the bits that no sample uses.

In come a header and stored bytes, out come bytes of the same samples. What contradicts itself raises `Held`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from midas.deid.model import Held


def frame_count(ds: Dataset) -> int:
    """Return Number of Frames (0028,0008), 1 where it is absent."""
    value: Any = ds.get("NumberOfFrames") or 1
    return int(value)


@dataclass(frozen=True)
class Layout:
    """How native pixels are stored: bytes of all frames together, bits of a sample allocated and stored, high bit, sign."""

    size: int
    allocated: int
    stored: int
    high: int
    signed: bool

    @classmethod
    def of(cls, ds: Dataset) -> Layout:
        """Return what the header says; nothing beyond `size` bytes is copied (PS3.5 8.1.1)."""
        try:
            bits = (
                int(ds.Rows) * int(ds.Columns) * int(ds.get("SamplesPerPixel") or 1) * int(ds.BitsAllocated)
            )
            bits *= frame_count(ds)
        except (AttributeError, TypeError, ValueError):
            raise Held("unreadable", "Rows, columns or bits of the pixels are missing.") from None
        if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
            bits = bits * 2 // 3
        stored = int(ds.get("BitsStored") or 0)
        signed = bool(int(ds.get("PixelRepresentation") or 0))
        return cls((bits + 7) // 8, int(ds.BitsAllocated), stored, int(ds.get("HighBit", stored - 1)), signed)

    def clean(self, part: bytes) -> bytes:
        """Return little-endian pixels whose unused bits hold nothing (PS3.5 8.1.1): an overlay could stand there."""
        if self.allocated not in (8, 16, 32) or not 0 < self.stored < self.allocated:
            return part
        import numpy as np

        low = self.high + 1 - self.stored
        if low < 0 or self.high >= self.allocated or len(part) % (self.allocated // 8):
            raise Held("unreadable", "Bits stored, high bit and bits allocated contradict each other.")
        values = np.frombuffer(part, dtype=f"<u{self.allocated // 8}")
        unused = ~np.array(((1 << self.stored) - 1) << low, dtype=values.dtype)
        if not np.bitwise_or.reduce(values) & unused:
            return part
        used = values & ~unused
        if low == 0 and self.signed:
            sign = np.array(1 << self.high, dtype=values.dtype)
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
