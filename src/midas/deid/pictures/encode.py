"""One changed frame compressed again as its transfer syntax asks, and checked by decoding it.

In come samples and the frame that they replace, out comes one compressed frame: without loss where the syntax allows it,
else with the tables of the frame it replaces, so that what was not changed stays what it was. Nothing else is written.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels import get_encoder
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from midas.deid.pictures.frames import Array

BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
LOSSLESS_JPEG = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
JPEG_LS = frozenset({"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"})
JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
HTJ2K = frozenset({"1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"})
JPEG_XL = frozenset({"1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"})
LOSSY = frozenset({BASELINE, EXTENDED})
MIXED = frozenset({"YBR_RCT", "YBR_ICT"})
ENCODERS = {RLELossless: "pylibjpeg", JPEGLSLossless: "pyjpegls", JPEG2000Lossless: "pylibjpeg"}
"""Named, because another encoder at hand ends the process where it fails."""
FINE = 95
"""Quality of extended JPEG whose tables cannot be taken over."""


class CannotEncode(Exception):
    """The frame cannot be written in its own transfer syntax."""


def encode(samples: Array, *, like: bytes, syntax: str, ds: Dataset) -> bytes:
    """Return `samples` compressed under `syntax`; `like` is the frame it replaces. CannotEncode where that fails."""
    try:
        return _even(_encode(np.ascontiguousarray(samples), like, syntax, ds))
    except CannotEncode:
        raise
    except Exception as problem:  # noqa: BLE001 - encoders raise many kinds
        raise CannotEncode(type(problem).__name__) from None


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def _encode(samples: Array, like: bytes, syntax: str, ds: Dataset) -> bytes:
    import imagecodecs

    stored = int(ds.BitsStored)
    if syntax == RLELossless:
        return _by_pydicom(samples, RLELossless, ds, str(ds.PhotometricInterpretation))
    if syntax in JPEG_LS:
        return _by_pydicom(samples, JPEGLSLossless, ds, str(ds.PhotometricInterpretation))
    if syntax in JPEG_2000:
        colours = str(ds.PhotometricInterpretation)
        return _by_pydicom(samples, JPEG2000Lossless, ds, "YBR_RCT" if colours in MIXED else colours)
    if syntax == BASELINE:
        return _baseline(samples, like)
    if syntax == EXTENDED:
        if samples.dtype == np.uint8:
            return _baseline(samples, like)
        return bytes(imagecodecs.jpeg8_encode(samples.astype("u2"), level=FINE, bitspersample=12))
    if syntax in LOSSLESS_JPEG:
        return _lossless_jpeg(samples, stored)
    if syntax in HTJ2K:
        rgb = samples.ndim == 3 and str(ds.PhotometricInterpretation) in MIXED
        return bytes(imagecodecs.htj2k_encode(samples, reversible=True, rgb=rgb or None))
    if syntax in JPEG_XL:
        return bytes(imagecodecs.jpegxl_encode(samples, lossless=True, usecontainer=False))
    raise CannotEncode("no encoder")


def _by_pydicom(samples: Array, uid: Any, ds: Dataset, colours: str) -> bytes:
    planes = samples.shape[2] if samples.ndim == 3 else 1
    plugin = "pydicom" if uid == RLELossless and samples.dtype.itemsize > 2 else ENCODERS[uid]
    made = get_encoder(uid).encode(
        samples, rows=samples.shape[0], columns=samples.shape[1], number_of_frames=1,
        samples_per_pixel=planes, bits_allocated=samples.dtype.itemsize * 8,
        bits_stored=min(int(ds.BitsStored), samples.dtype.itemsize * 8),
        pixel_representation=int(samples.dtype.kind == "i"), photometric_interpretation=colours,
        planar_configuration=0, encoding_plugin=plugin,
    )  # fmt: skip
    return bytes(made)


def _lossless_jpeg(samples: Array, stored: int) -> bytes:
    """Return lossless JPEG with the first predictor; colours stand as they are, untransformed (PS3.5 8.2.1)."""
    import imagecodecs

    unsigned = samples.view(f"u{samples.dtype.itemsize}")
    deep = samples.dtype.itemsize * 8 if samples.dtype.kind == "i" else max(stored, 2)
    if samples.ndim == 2:
        return bytes(imagecodecs.ljpeg_encode(unsigned, bitspersample=deep))
    made = imagecodecs.jpeg8_encode(
        unsigned, lossless=True, predictor=1, bitspersample=deep, colorspace="RGB", outcolorspace="RGB",
        subsampling="444",
    )  # fmt: skip
    return bytes(made)


def _baseline(samples: Array, like: bytes) -> bytes:
    """Return JPEG with the tables, sampling and colour marks of the frame that it replaces."""
    from PIL import Image, JpegImagePlugin

    before = Image.open(io.BytesIO(like))
    if not isinstance(before, JpegImagePlugin.JpegImageFile):
        raise CannotEncode("no JPEG")
    how: dict[str, Any] = {"qtables": before.quantization, "subsampling": -1}
    adobe = before.info.get("adobe_transform")
    if samples.ndim == 3:
        sampling = JpegImagePlugin.get_sampling(before)
        how["subsampling"] = max(sampling, 0)
    rgb = samples.ndim == 3 and adobe == 0
    mode = "L" if samples.ndim == 2 else "RGB" if rgb else "YCbCr"
    if rgb:
        how["keep_rgb"] = True
    out = io.BytesIO()
    Image.frombytes(mode, (samples.shape[1], samples.shape[0]), np.ascontiguousarray(samples).tobytes()).save(
        out, "JPEG", optimize=True, **how
    )
    data = out.getvalue()
    return data if b"JFIF" in like[:64] or adobe is not None or samples.ndim == 2 else _bare(data)


def _bare(data: bytes) -> bytes:
    """Return the JPEG without its JFIF mark: the frame that it replaces left the meaning of its colours to DICOM."""
    if data[2:4] != b"\xff\xe0":
        return data
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
