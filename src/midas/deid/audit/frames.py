"""The pixels of a planted file: decoded as they are stored, drawn upon, and encoded again in their own transfer syntax.

In comes a dataset with pixels, out comes the same dataset with changed frames. What this machine cannot encode again is
told by `can_draw`; such files are planted without drawing.
"""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_encoder, pixel_array

from midas.deid.audit.glyphs import Pixels

NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)
ENCODED = (
    uid.RLELossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.JPEGBaseline8Bit,
    uid.JPEGLosslessSV1,
)


def can_draw(ds: Dataset) -> bool:
    """Say whether pixels of this form can be drawn upon and stored again as they were."""
    syntax = ds.file_meta.TransferSyntaxUID
    colours, bits = str(ds.get("PhotometricInterpretation", "")), int(ds.get("BitsAllocated") or 0)
    if "PixelData" not in ds or bits not in {8, 16} or int(ds.get("SamplesPerPixel") or 1) not in {1, 3}:
        return False
    if colours == "YBR_FULL_422" and syntax in NATIVE:
        return False
    if syntax == uid.JPEGBaseline8Bit:
        return bits == 8
    if syntax == uid.JPEGLosslessSV1 and int(ds.get("SamplesPerPixel") or 1) == 3:
        return False
    return syntax in NATIVE or (
        syntax in ENCODED and not (colours == "PALETTE COLOR" and syntax != uid.RLELossless)
    )


def frames_of(ds: Dataset, *, raw: bool = True) -> Pixels:
    """Return (frames, rows, columns[, samples]) as stored, or as RGB where `raw` is false and the syntax stores YBR."""
    array = np.array(pixel_array(ds, raw=raw))
    samples = int(ds.get("SamplesPerPixel") or 1)
    return array if array.ndim == (4 if samples > 1 else 3) else array[None]


def store(ds: Dataset, frames: Pixels) -> None:
    """Put frames, as `drawable` gave them, back in the dataset's own transfer syntax."""
    syntax = uid.UID(ds.file_meta.TransferSyntaxUID)
    if syntax in NATIVE:
        _native(ds, frames, big=syntax == uid.ExplicitVRBigEndian)
        return
    coded = [_encoded(ds, frame, syntax) for frame in frames]
    ds.PixelData = encapsulate(coded, has_bot=True)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    if frames.ndim == 4:
        ds.PlanarConfiguration = 0 if syntax != uid.RLELossless else 1
        if syntax == uid.JPEGBaseline8Bit:
            ds.PhotometricInterpretation = "YBR_FULL_422"
        elif syntax in (uid.JPEG2000Lossless, uid.JPEG2000):
            ds.PhotometricInterpretation = "YBR_RCT" if syntax == uid.JPEG2000Lossless else "YBR_ICT"
        elif syntax in (uid.JPEGLSLossless, uid.JPEGLosslessSV1):
            ds.PhotometricInterpretation = "RGB"


def drawable(ds: Dataset) -> Pixels:
    """Return frames in the form in which `store` takes them: RGB wherever the syntax holds its colours transformed."""
    return frames_of(ds, raw=uid.UID(ds.file_meta.TransferSyntaxUID) not in ENCODED[2:])


def _native(ds: Dataset, frames: Pixels, *, big: bool) -> None:
    if frames.ndim == 4 and int(ds.get("PlanarConfiguration") or 0) == 1:
        frames = np.moveaxis(frames, 3, 1)
    order = frames.dtype.newbyteorder(">" if big else "<")
    data = np.ascontiguousarray(frames).astype(order).tobytes()
    if big and frames.dtype.itemsize == 1 and ds["PixelData"].VR == "OW":
        data += b"\0" * (len(data) % 2)
        data = np.frombuffer(data, dtype="<u2").astype(">u2").tobytes()
    vr = ds["PixelData"].VR
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = vr


def _encoded(ds: Dataset, frame: Pixels, syntax: uid.UID) -> bytes:
    stored = int(ds.BitsStored)
    if syntax == uid.JPEGBaseline8Bit:
        colour: dict[str, Any] = (
            {"colorspace": "RGB", "outcolorspace": "YCBCR", "subsampling": "422"} if frame.ndim == 3 else {}
        )
        return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(frame), level=93, **colour))
    if syntax == uid.JPEGLosslessSV1:
        return bytes(
            imagecodecs.ljpeg_encode(
                np.ascontiguousarray(frame).view(f"u{frame.dtype.itemsize}"), bitspersample=max(stored, 8)
            )
        )
    options: dict[str, Any] = {
        "rows": frame.shape[0], "columns": frame.shape[1], "samples_per_pixel": 3 if frame.ndim == 3 else 1,
        "number_of_frames": 1, "bits_allocated": frame.dtype.itemsize * 8, "bits_stored": stored,
        "pixel_representation": int(ds.PixelRepresentation), "planar_configuration": 0,
        "photometric_interpretation": "RGB" if frame.ndim == 3 else str(ds.PhotometricInterpretation),
    }  # fmt: skip
    if syntax in (uid.JPEG2000Lossless, uid.JPEG2000) and frame.ndim == 3:
        options["photometric_interpretation"] = "YBR_RCT" if syntax == uid.JPEG2000Lossless else "YBR_ICT"
    if syntax == uid.JPEG2000:
        options["j2k_psnr"] = [60]
    coded = get_encoder(syntax).encode(np.ascontiguousarray(frame).tobytes(), index=0, **options)
    return coded + b"\0" * (len(coded) % 2)


def uncommented(ds: Dataset) -> None:
    """Take the comments (COM, ITU-T T.81 B.2.4.5) out of the headers of JPEG frames; no sample changes."""
    if uid.UID(ds.file_meta.TransferSyntaxUID) in NATIVE:
        return
    parts = [
        _bare(frame)
        for frame in generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1))
    ]
    ds.PixelData = encapsulate([part + b"\0" * (len(part) % 2) for part in parts], has_bot=True)


def _bare(frame: bytes) -> bytes:
    if not frame.startswith(b"\xff\xd8"):
        return frame
    out, at = bytearray(frame[:2]), 2
    while at + 4 <= len(frame) and frame[at] == 0xFF and frame[at + 1] != 0xDA:
        size = 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if frame[at + 1] != 0xFE:
            out += frame[at : at + size]
        at += size
    return bytes(out) + frame[at:]
