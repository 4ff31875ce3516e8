"""A small picture of an image file, for a person's eye: windowed, upright in value, in the middle of its frames.

In comes a path; out comes a PNG without any text in it. One frame is decoded, not the whole object; where the file has
no pixels, or they cannot be decoded, that is a `BadInput`. A preview of an identified image is itself identified.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from midas.formats.dicom import codecs
from midas.formats.dicom.quiet import quiet
from midas.formats.dicom.read import BROKEN, PIXEL_TAGS, look
from midas.formats.sniff import Kind, sniff
from midas.kernel import BadInput

UNDECODED = (*BROKEN, RuntimeError, ImportError)
DECODERS = codecs.LABEL
"""The decoder registered beside pydicom's own."""

TILES = 144
"""Tiles of a slide level that are put together for a preview; a larger level shows a part of its middle."""


def preview(path: Path, *, size: int = 384) -> bytes:
    """Return a PNG of at most `size` pixels a side; BadInput where the file shows no picture."""
    return png(picture(path, size=size), size=size)


def picture(path: Path, *, size: int = 384) -> np.ndarray:
    """Return the pixels of the preview, 8-bit grey or RGB; BadInput where the file shows no picture."""
    kind = sniff(path)
    if kind is Kind.SLIDE:
        from midas.formats import slides

        return _small(slides.thumbnail(path, size=size), size)
    if kind in (Kind.JPEG, Kind.PNG, Kind.TIFF, Kind.HEIC, Kind.WEBP):
        from midas.formats import photos

        return _small(photos.look(path).pixels, size)
    try:
        return _small(_dicom(path, size), size)
    except UNDECODED as problem:
        raise BadInput("The picture cannot be shown.", advice="Export the image again.") from problem


def _small(pixels: np.ndarray, size: int) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return np.asarray(image)


def png(picture: np.ndarray, *, size: int) -> bytes:
    """Return an 8-bit grey or RGB array as a PNG of at most `size` pixels a side, with no metadata."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()


def frame(path: Path, *, index: int | None = None) -> np.ndarray:
    """Return one frame (the middle one where `index` is None) as 8-bit grey or RGB, windowed for the eye."""
    ds = look(path).dataset
    frames = _frames(ds)
    at = frames // 2 if index is None else index
    with quiet():
        try:
            return shown(_decoded(path, at), ds, at)
        except UNDECODED as problem:
            raise BadInput(
                "The pixels cannot be decoded.", advice="Export the image again, uncompressed."
            ) from problem


def _frames(ds: Dataset) -> int:
    try:
        return max(1, int(ds.get("NumberOfFrames") or 1))
    except UNDECODED as problem:
        raise BadInput("The number of frames is no number.", advice="Export the image again.") from problem


def _decoded(path: Path, index: int) -> np.ndarray:
    """Read one frame from the file; where its layout forbids that (deflated, no meta group), read all of it first."""
    try:
        return np.asarray(pixel_array(path, index=index))
    except UNDECODED:
        return np.asarray(pixel_array(look(path, pixels=True).dataset, index=index))


def _dicom(path: Path, size: int) -> np.ndarray:
    ds = look(path).dataset
    if "Rows" not in ds or "Columns" not in ds or not _has_pixels(path):
        raise BadInput("The file holds no picture.", advice="Open its text instead.")
    tiled = ds.get("SOPClassUID") == VLWholeSlideMicroscopyImageStorage and "TotalPixelMatrixRows" in ds
    return _tiled(path, ds, size) if tiled else frame(path)


def _has_pixels(path: Path) -> bool:
    from pydicom import dcmread

    with path.open("rb") as stream, quiet():
        try:
            dcmread(stream, force=True, stop_before_pixels=True)
            return bool(stream.read(4)) or any(tag in dcmread(path, force=True) for tag in PIXEL_TAGS)
        except BROKEN:
            return False


def _tiled(path: Path, ds: Dataset, size: int) -> np.ndarray:
    """Put the tiles of a level together, each made small first; a large level is shown by its middle rows."""
    rows, columns = int(ds.Rows), int(ds.Columns)
    across = math.ceil(int(ds.TotalPixelMatrixColumns) / columns)
    down = math.ceil(int(ds.TotalPixelMatrixRows) / rows)
    frames = _frames(ds)
    if frames != across * down or ds.get("DimensionOrganizationType") == "TILED_SPARSE":
        return frame(path)
    side = max(1, min(max(across, down), int(math.sqrt(TILES))))
    left, top = max(0, (across - side) // 2), max(0, (down - side) // 2)
    wide, high = min(side, across - left), min(side, down - top)
    small = max(1, math.ceil(size / max(wide, high)))
    canvas = Image.new("RGB", (wide * small, high * small), "white")
    for y in range(high):
        for x in range(wide):
            tile = Image.fromarray(frame(path, index=(top + y) * across + left + x)).convert("RGB")
            canvas.paste(tile.resize((small, small), Image.Resampling.BOX), (x * small, y * small))
    right = min(1.0, (int(ds.TotalPixelMatrixColumns) - left * columns) / (wide * columns))
    bottom = min(1.0, (int(ds.TotalPixelMatrixRows) - top * rows) / (high * rows))
    return np.asarray(
        canvas.crop((0, 0, max(1, int(canvas.width * right)), max(1, int(canvas.height * bottom))))
    )


@dataclass(frozen=True)
class Window:
    """Which stored values become black and white: `function` as in VOI LUT Function (PS3.3 C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return 8-bit grey (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2)."""
        x = np.nan_to_num(values.astype(np.float32), nan=-np.inf)
        if self.function == "SIGMOID":
            power = np.clip(-4 * (x - self.center) / self.width, -60, 60)
            return np.asarray(255 / (1 + np.exp(power)) + 0.5, np.uint8)
        exact = self.function == "LINEAR_EXACT"
        center, width = (self.center, self.width) if exact else (self.center - 0.5, self.width - 1)
        if width <= 0:
            return np.where(x <= center, 0, 255).astype(np.uint8)
        return np.asarray(np.clip(((x - center) / width + 0.5) * 255 + 0.5, 0, 255), np.uint8)


def shown(values: np.ndarray, ds: Dataset, index: int, window: Window | None = None) -> np.ndarray:
    """Return one decoded frame as 8-bit grey or RGB, by the window given or by what the file says of itself.

    `values` is grey, RGB or a palette's indices; `ds` the header. `ValueError` where it is no plane.
    """
    interpretation = str(ds.get("PhotometricInterpretation", "MONOCHROME2"))
    if interpretation == "PALETTE COLOR":
        values = apply_color_lut(values, ds)
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        return _eight_bits(values[..., :3], ds)
    if values.ndim != 2:
        raise ValueError("not a plane")
    grey = _window(values, ds, index, window)
    return 255 - grey if interpretation == "MONOCHROME1" else grey


def _eight_bits(values: np.ndarray, ds: Dataset) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    top = float(2 ** int(ds.get("BitsStored", 16)) - 1)
    if "RedPaletteColorLookupTableDescriptor" in ds:
        top = float(2 ** int(ds.RedPaletteColorLookupTableDescriptor[2]) - 1)
    return np.asarray(np.clip(values.astype(np.float32) * (255.0 / top), 0, 255), np.uint8)


def _window(values: np.ndarray, ds: Dataset, index: int, window: Window | None) -> np.ndarray:
    """VOI LUT or window (PS3.3 C.11.2), else the range between the 0.5th and 99.5th percentile."""
    modality = np.asarray(apply_modality_lut(values, _group(ds, index, "PixelValueTransformationSequence")))
    if window is not None:
        return window.apply(modality)
    voi = _group(ds, index, "FrameVOILUTSequence")
    try:
        if voi.get("VOILUTSequence"):
            bits = int(voi.VOILUTSequence[0].LUTDescriptor[2])
            return np.asarray(apply_voi_lut(modality, voi) * (255.0 / (2**bits - 1)), np.uint8)
        if "WindowCenter" in voi and "WindowWidth" in voi:
            return _own_window(voi).apply(modality)
    except UNDECODED:
        pass
    return _stretch(modality.astype(np.float64))


def _own_window(voi: Dataset) -> Window:
    """The first window of a file."""
    center, width = (
        float(value[0] if isinstance(value, MultiValue) else value)
        for value in (voi.WindowCenter, voi.WindowWidth)
    )
    if width <= 0:
        raise ValueError("a window has a width")
    return Window(center, width, str(voi.get("VOILUTFunction") or "LINEAR"))


def _group(ds: Dataset, index: int, name: str) -> Dataset:
    """The dataset that holds a frame's transformation: its own functional group, the shared one, or the top level."""
    for sequence, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items: Any = ds.get(sequence) or []
        if len(items) > at and name in items[at]:
            merged = Dataset()
            for keyword in (
                "BitsStored",
                "BitsAllocated",
                "PixelRepresentation",
                "PhotometricInterpretation",
            ):
                if keyword in ds:
                    merged[keyword] = ds[keyword]
            merged.update(items[at][name].value[0])
            return merged
    return ds


def _stretch(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(finite, (0.5, 99.5))
    if high <= low:
        low, high = finite.min(), finite.max()
    if high <= low:
        return np.full(values.shape, 128 if high else 0, np.uint8)
    scaled = (np.nan_to_num(values.astype(np.float64), nan=float(low)) - low) * (255.0 / (high - low))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)
