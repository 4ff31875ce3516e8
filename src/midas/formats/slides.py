"""A whole slide as a grid of tiles and a few numbers, whatever scanner wrote it.

In comes a slide file; out come its size, calibration and objective, tiles read one by one, a thumbnail and, where the
scanner stored baseline JPEG tiles, those very bytes without metadata. Label and overview images are never read, and
neither is anything that the scanner's software wrote about the case. Memory does not grow with the slide.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from midas.formats.photos import bare_jpeg, profile
from midas.formats.sniff import Kind, sniff
from midas.kernel import BadInput

TILE = 512
"""Pixels a side of the tiles written where the slide's own cannot be kept."""

JPEG, YCBCR = 7, 6
"""TIFF tag values: Compression and PhotometricInterpretation (TIFF 6.0 supplement 2)."""


class Slide(ABC):
    """An open slide at full resolution. Sizes in pixels, `mpp` in micrometres a pixel (x, y), None where unknown."""

    width: int
    height: int
    tile: int = TILE
    mpp: tuple[float, float] | None = None
    objective_power: float | None = None
    vendor: str = ""
    icc: bytes = b""
    lossy_method: str | None = None
    ratio: float | None = None
    keeps_jpeg: bool = False

    @abstractmethod
    def pixels(self, column: int, row: int) -> np.ndarray:
        """Return one whole RGB tile; what lies beyond the slide is white."""

    @abstractmethod
    def jpeg(self, column: int, row: int) -> bytes:
        """Return the tile's own JPEG stream; BadInput unless `keeps_jpeg`."""

    @abstractmethod
    def thumbnail(self, size: int) -> np.ndarray:
        """Return the whole slide in at most `size` pixels a side, from a low level."""

    @abstractmethod
    def close(self) -> None: ...

    @property
    def columns(self) -> int:
        return math.ceil(self.width / self.tile)

    @property
    def rows(self) -> int:
        return math.ceil(self.height / self.tile)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_slide(path: Path) -> Slide:
    """Open a slide; BadInput where no reader knows it or it is not an 8-bit brightfield image."""
    import openslide

    if sniff(path) not in (Kind.SLIDE, Kind.TIFF):
        raise BadInput("The file is not a slide.", advice="Hand in the scanner's own file.")
    try:
        if openslide.OpenSlide.detect_format(str(path)) not in (None, "generic-tiff"):
            kept = _jpeg_tiles(path)
            return kept if kept is not None else OpenSlideReader(path)
        return TiffReader(path)
    except (
        openslide.OpenSlideError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        RuntimeError,
    ) as problem:
        raise BadInput(
            "The slide cannot be opened.", advice="Copy it again, with its data folder."
        ) from problem


def thumbnail(path: Path, *, size: int) -> np.ndarray:
    """Return a small RGB picture of the slide; BadInput where it cannot be read."""
    with open_slide(path) as slide:
        try:
            return slide.thumbnail(size)
        except Exception as problem:
            raise BadInput("The slide cannot be shown.", advice="Copy it again.") from problem


def _number(value: Any) -> float | None:
    with suppress(TypeError, ValueError):
        number = float(value)
        return number if math.isfinite(number) and number > 0 else None
    return None


class OpenSlideReader(Slide):
    """Any format that OpenSlide reads; only the scanned region of slides that say where it is."""

    def __init__(self, path: Path) -> None:
        import openslide

        self._slide = openslide.OpenSlide(str(path))
        about = self._slide.properties
        full = self._slide.dimensions
        self._left = int(about.get(openslide.PROPERTY_NAME_BOUNDS_X, 0))
        self._top = int(about.get(openslide.PROPERTY_NAME_BOUNDS_Y, 0))
        self.width = int(about.get(openslide.PROPERTY_NAME_BOUNDS_WIDTH, full[0]))
        self.height = int(about.get(openslide.PROPERTY_NAME_BOUNDS_HEIGHT, full[1]))
        across = _number(about.get(openslide.PROPERTY_NAME_MPP_X))
        down = _number(about.get(openslide.PROPERTY_NAME_MPP_Y))
        self.mpp = (across, down) if across and down else None
        self.objective_power = _number(about.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER))
        self.vendor = str(about.get(openslide.PROPERTY_NAME_VENDOR, ""))
        own = self._slide.color_profile
        self.icc = profile(own.tobytes() if own is not None else None, "RGB")
        self.lossy_method, self.ratio = _lossy(path, self.width * self.height * 3)

    def pixels(self, column: int, row: int) -> np.ndarray:
        at = (self._left + column * self.tile, self._top + row * self.tile)
        region = np.asarray(self._slide.read_region(at, 0, (self.tile, self.tile)))
        return _beyond_white(_flat(region), self, column, row)

    def jpeg(self, column: int, row: int) -> bytes:
        raise BadInput(f"Tile {column}, {row} of the slide cannot be had as JPEG.")

    def thumbnail(self, size: int) -> np.ndarray:
        factor = max(self.width, self.height) / size
        level = self._slide.get_best_level_for_downsample(max(1.0, factor))
        down = self._slide.level_downsamples[level]
        wanted = (max(1, int(self.width / down)), max(1, int(self.height / down)))
        if max(wanted) > 8192:
            raise BadInput("The slide has no small level.", advice="Write it as a pyramid first.")
        return _flat(np.asarray(self._slide.read_region((self._left, self._top), level, wanted)))

    def close(self) -> None:
        self._slide.close()


def _flat(region: np.ndarray) -> np.ndarray:
    """Lay transparent pixels (never scanned) on white."""
    alpha = region[..., 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(region[..., :3])
    solid = (alpha[..., None].astype(np.uint16)) / 255.0
    return (region[..., :3] + (1 - solid) * 255).clip(0, 255).astype(np.uint8)


def _beyond_white(tile: np.ndarray, slide: Slide, column: int, row: int) -> np.ndarray:
    right, bottom = slide.width - column * slide.tile, slide.height - row * slide.tile
    if right >= slide.tile and bottom >= slide.tile:
        return tile
    tile = tile.copy()
    tile[max(0, bottom) :] = 255
    tile[:, max(0, right) :] = 255
    return tile


def _lossy(path: Path, size: int) -> tuple[str | None, float | None]:
    """How the scanner compressed the full level; a format that is no TIFF (MIRAX) holds JPEG."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            code, stored = int(page.compression), sum(page.databytecounts)
    except (tifffile.TiffFileError, ValueError, OSError):
        return "ISO_10918_1", 10.0
    methods = {
        7: "ISO_10918_1",
        6: "ISO_10918_1",
        33003: "ISO_15444_1",
        33005: "ISO_15444_1",
        34712: "ISO_15444_1",
    }
    method = methods.get(code)
    return method, round(size / max(1, stored), 2) if method else None


def _jpeg_tiles(path: Path) -> Slide | None:
    """The same slide read by its own tiles, where they are baseline JPEG in YCbCr and may be kept as they are."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            plain = page.is_tiled and int(page.compression) == JPEG and int(page.photometric) == YCBCR
            square = page.tilewidth == page.tilelength and page.tilewidth % 16 == 0 and page.tilewidth >= 128
            if not (plain and square and page.samplesperpixel == 3 and page.bitspersample == 8):
                return None
    except (tifffile.TiffFileError, ValueError, OSError, KeyError):
        return None
    slide = TiffReader(path)
    if slide.keeps_jpeg:
        return slide
    slide.close()
    return None


class TiffReader(Slide):
    """A TIFF read by tifffile: pyramids that OpenSlide does not know, and baseline JPEG tiles as they are."""

    def __init__(self, path: Path) -> None:
        import tifffile

        self._tiff = tifffile.TiffFile(path)
        self._lock = threading.Lock()
        try:
            self._series = max(self._tiff.series, key=lambda one: math.prod(one.levels[0].shape))
            self._page = self._full_page()
        except BaseException:
            self._tiff.close()
            raise
        page = self._page
        self.width, self.height = int(page.imagewidth), int(page.imagelength)
        self.vendor = "aperio" if self._tiff.is_svs else "ome" if self._tiff.is_ome else "tiff"
        self.mpp, self.objective_power = _calibration(path, self._tiff, page)
        self.icc = profile(page.iccprofile, "RGB")
        self.lossy_method, self.ratio = _lossy(path, self.width * self.height * 3)
        if page.is_tiled and page.tilewidth == page.tilelength:
            self.tile = int(page.tilewidth)
            self.keeps_jpeg = self._keeps()

    def _full_page(self) -> Any:
        page: Any = self._series.levels[0].pages[0]
        page = getattr(page, "keyframe", page) if not hasattr(page, "dataoffsets") else page
        if page.bitspersample != 8 or page.samplesperpixel not in (1, 3, 4) or page.planarconfig != 1:
            raise BadInput(
                "The slide is not an 8-bit colour image.",
                advice="Fluorescence and 16-bit slides cannot be taken yet.",
            )
        if page.samplesperpixel == 1 and len(self._series.levels[0].pages) > 1:
            raise BadInput(
                "The slide holds several channels.", advice="Fluorescence slides cannot be taken yet."
            )
        if not page.is_tiled and page.imagewidth * page.imagelength > 1 << 30:
            raise BadInput("The slide is not tiled.", advice="Write it as a tiled pyramid first.")
        return page

    def _keeps(self) -> bool:
        page = self._page
        if int(page.compression) != JPEG or int(page.photometric) != YCBCR or page.samplesperpixel != 3:
            return False
        stream, subsampling = bare_jpeg(self._joined(0))
        if stream is None or subsampling not in ("422", "420"):
            return False
        return all(count > 0 for count in page.databytecounts)

    def _segment(self, index: int) -> bytes:
        with self._lock:
            handle = self._tiff.filehandle
            handle.seek(self._page.dataoffsets[index])
            return bytes(handle.read(self._page.databytecounts[index]))

    def _joined(self, index: int) -> bytes:
        """A tile with the tables that all tiles share put back behind its start marker."""
        data, tables = self._segment(index), self._page.jpegtables
        if not tables:
            return data
        return data[:2] + bytes(tables)[2:-2] + data[2:]

    def jpeg(self, column: int, row: int) -> bytes:
        stream, _ = bare_jpeg(self._joined(row * self.columns + column))
        if stream is None:
            raise BadInput("A tile of the slide is damaged.", advice="Copy the slide again.")
        return stream

    def pixels(self, column: int, row: int) -> np.ndarray:
        if not self._page.is_tiled or self._page.tilewidth != self._page.tilelength:
            return self._cut(column, row)
        index = row * self.columns + column
        decoded, _, _ = self._page.decode(self._segment(index), index, jpegtables=self._page.jpegtables)
        whole = np.full((self.tile, self.tile, 3), 255, np.uint8)
        if decoded is not None:
            values = _three(np.asarray(decoded)[0])
            whole[: values.shape[0], : values.shape[1]] = values
        return _beyond_white(whole, self, column, row)

    def _cut(self, column: int, row: int) -> np.ndarray:
        with self._lock:
            if not hasattr(self, "_image"):
                self._image = self._page.asarray(out="memmap")
        part = self._image[
            row * self.tile : (row + 1) * self.tile, column * self.tile : (column + 1) * self.tile
        ]
        whole = np.full((self.tile, self.tile, 3), 255, np.uint8)
        whole[: part.shape[0], : part.shape[1]] = _three(np.atleast_3d(part))
        return whole

    def thumbnail(self, size: int) -> np.ndarray:
        levels = [level for level in self._series.levels if max(level.shape[:2]) >= size] or [
            self._series.levels[0]
        ]
        smallest: Any = levels[-1]
        if math.prod(smallest.shape[:2]) > 1 << 27:
            raise BadInput("The slide has no small level.", advice="Write it as a pyramid first.")
        return _three(np.atleast_3d(smallest.pages[0].asarray()))

    def close(self) -> None:
        self._tiff.close()


def _three(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., :1], 3, axis=-1) if values.shape[-1] < 3 else values[..., :3]


def _calibration(path: Path, tiff: Any, page: Any) -> tuple[tuple[float, float] | None, float | None]:
    """Micrometres a pixel and objective: from OpenSlide's reading, OME-XML, or the resolution in centimetres."""
    import openslide

    with suppress(openslide.OpenSlideError, OSError):
        if openslide.OpenSlide.detect_format(str(path)) is not None:
            with openslide.OpenSlide(str(path)) as slide:
                about = slide.properties
                across = _number(about.get(openslide.PROPERTY_NAME_MPP_X))
                down = _number(about.get(openslide.PROPERTY_NAME_MPP_Y))
                power = _number(about.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER))
                if across and down:
                    return (across, down), power
    if tiff.is_ome and tiff.ome_metadata:
        return _ome(tiff.ome_metadata)
    if "XResolution" in page.tags and int(page.resolutionunit or 1) == 3:
        across, down = (_number(value) for value in page.get_resolution("centimeter"))
        if across and down:
            return (10000 / across, 10000 / down), None
    return None, None


def _ome(text: str) -> tuple[tuple[float, float] | None, float | None]:
    import tifffile

    image = tifffile.xml2dict(text).get("OME", {})
    first = image.get("Image", {})
    pixels = (first[0] if isinstance(first, list) else first).get("Pixels", {})
    units = {"µm": 1.0, "nm": 1e-3, "mm": 1e3}
    sizes = [
        _number(pixels.get(f"PhysicalSize{axis}"))
        for axis in "XY"
        if pixels.get(f"PhysicalSize{axis}Unit", "µm") in units
    ]
    across, down = sizes if len(sizes) == 2 else (None, None)
    scale = units.get(pixels.get("PhysicalSizeXUnit", "µm"), 1.0)
    power = _number(_objective(image.get("Instrument")))
    return ((across * scale, down * scale) if across and down else None), power


def _objective(instrument: Any) -> Any:
    one = instrument[0] if isinstance(instrument, list) else instrument
    lens = one.get("Objective") if isinstance(one, dict) else None
    lens = lens[0] if isinstance(lens, list) else lens
    return lens.get("NominalMagnification") if isinstance(lens, dict) else None
