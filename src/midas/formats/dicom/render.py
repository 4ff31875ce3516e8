"""An image for the eye, in the form that was asked for: window, region, size, JPEG or PNG (PS3.18 8.3.5, 8.7.4).

In come decoded frames and their header; out comes one picture of a common format without any text in it. Nothing here
opens a file. A large slide is put together from its tiles, each made small before the next is read.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from pydicom.pixels import convert_color_space
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from midas.formats.dicom.transcode import Picture
from midas.formats.dicom.view import Window, shown
from midas.kernel import BadInput

MOST_TILES = 2048
"""Tiles that one picture is put together from; a second of decoding or two."""
SIDE = 1024
"""Pixels of the longer side of a slide's picture where no viewport is given."""
JPEG, PNG = "image/jpeg", "image/png"

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the image."""


@dataclass(frozen=True)
class Viewport:
    """What fits into `width` x `height` pixels, its aspect kept; `source` is (x, y, width, height) of a part of the image.

    A negative width or height of the source flips it (PS3.18 8.3.5.1.3).
    """

    width: int
    height: int
    source: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Form:
    """How a picture goes out. `quality` 1 to 100 counts for JPEG alone; `profile` is "yes", "no" or "srgb"."""

    media_type: str = JPEG
    quality: int = 90
    viewport: Viewport | None = None
    profile: str = "yes"


def for_the_eye(picture: Picture, ds: Dataset, *, index: int, window: Window | None = None) -> np.ndarray:
    """Return one frame (counted from 0) as 8-bit grey or RGB: modality and VOI transformation, palette, colour model."""
    samples = picture.samples
    if picture.photometric.startswith("YBR"):
        samples = convert_color_space(samples, "YBR_FULL", "RGB")
    try:
        return shown(samples, ds, index, window)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as problem:
        raise BadInput("The picture cannot be shown.", advice="Ask for its pixels instead.") from problem


def is_tiled(ds: Dataset) -> bool:
    """Is this a level of a slide, made of tiles (PS3.3 C.7.6.17.3)?"""
    return ds.get("SOPClassUID") == VLWholeSlideMicroscopyImageStorage and "TotalPixelMatrixColumns" in ds


def pieced(ds: Dataset, tile: Callable[[int], np.ndarray], viewport: Viewport | None) -> np.ndarray:
    """Return a slide's level, or the viewport's source in it, from its tiles (`tile` takes a frame counted from 0).

    White where a sparse level has no tile. `BadInput` where more than `MOST_TILES` would have to be read.
    """
    whole = (int(ds.TotalPixelMatrixColumns), int(ds.TotalPixelMatrixRows))
    left, top, right, bottom = _box(viewport, whole)
    target = viewport or Viewport(SIDE, SIDE)
    scale = min(1.0, target.width / (right - left), target.height / (bottom - top))
    wide, high = int(ds.Columns), int(ds.Rows)
    columns = range(int(left) // wide, math.ceil(right / wide))
    rows = range(int(top) // high, math.ceil(bottom / high))
    if len(columns) * len(rows) > MOST_TILES:
        raise BadInput(
            "This level has too many tiles for one picture.",
            advice="Ask for a part of it, or for the series.",
        )
    places = _places(ds, math.ceil(whole[0] / wide))
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    canvas = Image.new("RGB", size, "white")
    for row in rows:
        for column in columns:
            at = places(column, row)
            if at is None:
                continue
            x0, x1 = (round((edge * wide - left) * scale) for edge in (column, column + 1))
            y0, y1 = (round((edge * high - top) * scale) for edge in (row, row + 1))
            small = Image.fromarray(tile(at)).convert("RGB")
            shape = (max(1, x1 - x0), max(1, y1 - y0))
            canvas.paste(
                small if small.size == shape else small.resize(shape, Image.Resampling.BOX), (x0, y0)
            )
    return _flipped(np.asarray(canvas), viewport)


def _places(ds: Dataset, across: int) -> Callable[[int, int], int | None]:
    """Say which frame (from 0) stands at a column and row of tiles; of several planes or paths the first counts."""
    groups = ds.get("PerFrameFunctionalGroupsSequence")
    if ds.get("DimensionOrganizationType") == "TILED_FULL" or not groups:
        down = math.ceil(int(ds.TotalPixelMatrixRows) / int(ds.Rows))
        return lambda column, row: row * across + column if row < down and column < across else None
    found: dict[tuple[int, int], int] = {}
    for index, group in enumerate(groups):
        place = group.PlanePositionSlideSequence[0]
        column = (int(place.ColumnPositionInTotalImagePixelMatrix) - 1) // int(ds.Columns)
        row = (int(place.RowPositionInTotalImagePixelMatrix) - 1) // int(ds.Rows)
        found.setdefault((column, row), index)
    return lambda column, row: found.get((column, row))


def _box(viewport: Viewport | None, whole: tuple[int, int]) -> Box:
    x, y, width, height = (viewport.source if viewport else None) or (0, 0, *whole)
    left, right = sorted((x, x + abs(width)))
    top, bottom = sorted((y, y + abs(height)))
    left, top, right, bottom = max(0, left), max(0, top), min(whole[0], right), min(whole[1], bottom)
    if right - left < 1 or bottom - top < 1:
        raise BadInput("The source of the viewport lies outside the image.", advice="See PS3.18 8.3.5.1.3.")
    return left, top, right, bottom


def _flipped(array: np.ndarray, viewport: Viewport | None) -> np.ndarray:
    _, _, width, height = (viewport.source if viewport else None) or (0, 0, 1, 1)
    array = array[:, ::-1] if width < 0 else array
    return array[::-1] if height < 0 else array


def cut(array: np.ndarray, viewport: Viewport | None) -> np.ndarray:
    """Return the viewport's source of a whole image, flipped where it says so."""
    if viewport is None or viewport.source is None:
        return array
    left, top, right, bottom = (int(edge) for edge in _box(viewport, (array.shape[1], array.shape[0])))
    return _flipped(array[top : max(bottom, top + 1), left : max(right, left + 1)], viewport)


def written(array: np.ndarray, form: Form, *, profile: bytes | None = None) -> bytes:
    """Return 8-bit grey or RGB as JPEG or PNG that fits the viewport; `profile` is the image's own ICC profile."""
    image = Image.fromarray(np.ascontiguousarray(array))
    if form.viewport is not None:
        scale = min(form.viewport.width / image.width, form.viewport.height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        if size != image.size:
            image = image.resize(size, Image.Resampling.LANCZOS)
    embedded = None
    if form.profile == "srgb" and image.mode == "RGB":
        embedded = srgb()
        if profile:
            image = _in_srgb(image, profile)
    elif form.profile == "yes" and image.mode == "RGB":
        embedded = profile
    out = io.BytesIO()
    if form.media_type == PNG:
        image.save(out, "PNG", icc_profile=embedded)
    else:
        image.save(out, "JPEG", quality=form.quality, icc_profile=embedded)
    return out.getvalue()


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb()))
        return ImageCms.profileToProfile(image, source, target) or image
    except (ImageCms.PyCMSError, OSError, ValueError) as problem:
        raise BadInput(
            "The image's colour profile cannot be used.", advice="Ask with iccprofile=no."
        ) from problem


@cache
def srgb() -> bytes:
    """Return an sRGB profile (IEC 61966-2-1)."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_of(ds: Dataset) -> bytes | None:
    """Return the ICC profile of an image or of its first optical path (PS3.3 C.11.15, C.8.12.5)."""
    for place in (ds, *(ds.get("OpticalPathSequence") or ())):
        if held := place.get("ICCProfile"):
            return bytes(held)
    return None
