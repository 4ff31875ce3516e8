"""Whether a slice needs to be searched at all: text drawn into pixels leaves strokes of exactly one value.

In come the stored samples of one frame, out comes whether thin strokes stand in it of which many share one value,
as no scanner, tissue or noise draws them. Only pixels that were never compressed with loss may be judged so; the rule is
audited by planting text (`benchmarks/deid_pixels.py`).
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from midas.deid.pictures.frames import Array

SECTIONS = frozenset({
    "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.20",
})  # fmt: skip
"""CT, MR and PET images, enhanced ones too, and nuclear medicine (PS3.4 B.5)."""
LOSSY = frozenset({
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.4.112", "1.2.840.10008.1.2.4.111",
})  # fmt: skip
WIDEST = 9
"""Pixels of a stroke."""
STEP = 0.1
"""Least difference of a stroke from its ground, of the range of values."""
NEAR, MORE = 4, 2
"""How many values on either side are compared, and how many times as many pixels of a value as of these are usual."""
CHANCE = 3.0
"""Standard deviations of counting by which they may differ by chance."""
HIGHEST = (1 << 16) - 1
SAMPLE, FEW, EVERY = 1024, 64, 2
"""Samples from which the range of values is taken, how many must be left without padding; and of so many rows the strokes
of one are counted."""
BRIGHT = 60
"""Pixels of strokes brighter than all tissue, by two steps, from which a frame is searched."""
ENOUGH = 2
"""Pixels above the usual from which a frame is searched."""


def sectional(ds: Dataset, syntax: str, *, risky: bool) -> bool:
    """Say whether an image is a slice without loss, of more than eight bits; as acquired, where it is `risky` else."""
    kinds = [str(word).upper() for word in ds.get("ImageType") or ()]
    return (
        str(ds.get("SOPClassUID", "")) in SECTIONS
        and (not risky or kinds[:2] == ["ORIGINAL", "PRIMARY"])
        and str(ds.get("BurnedInAnnotation", "")).upper() != "YES"
        and int(ds.get("SamplesPerPixel") or 1) == 1
        and int(ds.get("BitsAllocated") or 0) == 16
        and int(ds.get("BitsStored") or 0) > 8
        and syntax not in LOSSY
        and str(ds.get("LossyImageCompression", "")) != "01"
    )


def quiet(samples: Array) -> bool:
    """Say whether a frame of an acquired slice needs no search."""
    return drawn_upon(samples) < ENOUGH


def drawn_upon(samples: Array) -> int:
    """Return how many more pixels of thin strokes have one same value than have the values next to it (16-bit samples)."""
    import cv2

    part = samples.ravel()[:: max(samples.size // SAMPLE, 1)]
    tissue = part[part > part.min()]
    low, high = np.percentile(tissue if tissue.size >= FEW else part, [0.5, 99.8])
    kernel = np.ones((WIDEST, WIDEST), np.uint8)
    samples = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("="), copy=False))
    strong = int(STEP * max(float(high - low), 1.0))
    light = cv2.subtract(samples, cv2.morphologyEx(samples, cv2.MORPH_OPEN, kernel)) > strong
    if int(np.count_nonzero(light & (samples > int(high) + 2 * strong))) >= BRIGHT:
        return BRIGHT
    dark = cv2.subtract(cv2.morphologyEx(samples, cv2.MORPH_CLOSE, kernel), samples) > strong
    plain = samples.view(np.uint16)
    strokes = (plain + (plain < HIGHEST)) * (light | dark)
    values = np.bincount(strokes[::EVERY].ravel())[1:]
    counts = values[values > 0]
    if int(counts.sum()) < ENOUGH:
        return 0
    around = np.zeros((2 * NEAR, counts.size), counts.dtype)
    for number, step in enumerate([*range(-NEAR, 0), *range(1, NEAR + 1)]):
        if abs(step) < counts.size:
            source = counts[max(step, 0) : counts.size + min(step, 0)]
            around[number, max(-step, 0) : max(-step, 0) + source.size] = source
    usual = np.sort(around, axis=0)[NEAR]
    return int((counts - MORE * usual - CHANCE * np.sqrt(usual)).max())
