"""Whether a slice needs to be searched at all: a small network looks for what is shaped like text, in three milliseconds.

In come the stored samples of one frame, out comes whether anything in it could be text: plain, under noise, blended into
tissue or once compressed with loss. Only slices that a scanner or a computation made are judged so. It is audited by
planting text (`benchmarks/deid_pixels.py`), and a sample of each long series is searched besides (`ahead`).
"""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from typing import Any

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
SAMPLE, PADDED = 1024, 8
"""Samples from which the range of values is taken, and how many of them at the lowest value are padding or empty air."""
MARGIN, SIZES, SMALLEST, BORDER = 0.1, 3, 32, 2
"""Shares of the range left below and above tissue; sizes of looking, each half of the one before; pixels a side at least;
pixels of grey around a picture."""
CELLS = 3
"""The score of a frame is that of so many cells of 8 x 8 pixels at least: text is never a single one."""
LEAST = -1.2
"""Score from which a frame is searched."""


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
    return text_score(samples) < LEAST


def text_score(samples: Array) -> float:
    """Return how much the likeliest text in a frame looks like text (a logit), at three sizes of looking."""
    import cv2

    picture, best = grey(samples), -99.0
    for _ in range(SIZES):
        if min(picture.shape) < SMALLEST:
            break
        wider = np.pad(picture, BORDER, constant_values=128)
        scores = _network().run(None, {"grey": wider.astype(np.float32)[None, None]})[0].ravel()
        best = max(best, float(np.partition(scores, -CELLS)[-CELLS]))
        picture = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return best


def grey(samples: Array) -> Array:
    """Return the samples in eight bits: tissue between its ends, what surrounds a round picture as dark as air.

    A tenth of the range is left below and above, so that ink darker than air and lighter than bone can be told from them.
    """
    import cv2

    samples = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("="), copy=False))
    part = samples.ravel()[:: max(samples.size // SAMPLE, 1)]
    least = int(part.min())
    padded = np.count_nonzero(part == least) >= PADDED
    low, high = _ends(part[part > least] if padded else part)
    spread = max(high - low, 1.0)
    floor = low - MARGIN * spread
    if int(samples.min()) < floor:
        padding = samples == least if padded and least < floor else None
        samples = np.maximum(samples, samples.dtype.type(int(floor)))
        if padding is not None:
            samples[padding] = int(low)
    scale = 255.0 / ((1 + 2 * MARGIN) * spread)
    return np.asarray(cv2.convertScaleAbs(samples, alpha=scale, beta=-floor * scale))


def _ends(part: Array) -> tuple[float, float]:
    """Return between which values tissue lies, by a few samples."""
    if not part.size:
        return 0.0, 0.0
    low, high = np.percentile(part, [0.5, 99.8])
    return float(low), float(high)


_LOADING = threading.Lock()


@cache
def _network() -> Any:
    """Return the network of `tables/slice_text.onnx` (`tools/train_slice_text.py`), on one thread."""
    with _LOADING:
        import onnxruntime

        how = onnxruntime.SessionOptions()
        how.intra_op_num_threads = how.inter_op_num_threads = 1
        how.log_severity_level = 4
        model = files("midas.deid.tables").joinpath("slice_text.onnx").read_bytes()
        return onnxruntime.InferenceSession(model, how, providers=["CPUExecutionProvider"])
