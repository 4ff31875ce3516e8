"""A whole slide as the DICOM instances of one pyramid.

In come a slide file and what the tables know; out come VL Whole Slide Microscopy instances (PS3.3 A.32.8), one per level,
written tile by tile through wsidicom. Baseline JPEG tiles are kept as the scanner made them; smaller levels are made
from the full one. No label, overview or thumbnail image and no text of the scanner's is ever read.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEGBaseline8Bit, VLWholeSlideMicroscopyImageStorage
from wsidicom import WsiDicom
from wsidicom.codec import Encoder, JpegSettings, LossyCompressionIsoStandard
from wsidicom.file.file_writer import PyramidFileWriter
from wsidicom.file.wsidicom_file_target import WsiDicomFileTarget
from wsidicom.geometry import Point, Size, SizeMm
from wsidicom.graphical_annotations import AnnotationInstance
from wsidicom.instance import ImageData, WsiDataset, WsiInstance
from wsidicom.metadata import ImageCoordinateSystem, ImageType, LossyCompression
from wsidicom.metadata.uid_generator import CallableUidGenerator
from wsidicom.source import Source

from midas.formats.slides import Slide, open_slide
from midas.ingest.door import UNKNOWN_DATE, Door, common, date, derived_uid, optical_path, place, specimen
from midas.kernel import BadInput

QUALITY = 92
"""JPEG quality of tiles that must be encoded: above it scanners' own settings end, below it loss can be measured."""

WORKERS = 2
"""Threads that encode tiles; the spoke already runs one process per processor."""


WAITING = 64 << 20
"""Bytes of encoded tiles that may wait in memory for their row; the others wait in a scratch folder."""


class _Tiles(ImageData):  # type: ignore[misc]
    """One slide's full level, as wsidicom asks for it."""

    def __init__(self, slide: Slide, spacing: SizeMm) -> None:
        super().__init__(Encoder.create_for_settings(JpegSettings(quality=QUALITY)))
        self._slide = slide
        self._spacing = spacing

    @property
    def transfer_syntax(self) -> UID:
        return JPEGBaseline8Bit

    @property
    def image_size(self) -> Size:
        return Size(self._slide.width, self._slide.height)

    @property
    def tile_size(self) -> Size:
        return Size(self._slide.tile, self._slide.tile)

    @property
    def pixel_spacing(self) -> SizeMm:
        return self._spacing

    @property
    def imaged_size(self) -> SizeMm | None:
        return None

    @property
    def samples_per_pixel(self) -> int:
        return 3

    @property
    def bits(self) -> int:
        return 8

    @property
    def photometric_interpretation(self) -> str:
        return "YBR_FULL_422"

    @property
    def image_coordinate_system(self) -> ImageCoordinateSystem:
        return ImageCoordinateSystem.default_for(0, ImageType.VOLUME)

    @property
    def thread_safe(self) -> bool:
        return True

    @property
    def lossy_compression(self) -> list[LossyCompression]:
        """What the scanner did, and what was done here where its tiles could not be kept."""
        done = []
        if self._slide.lossy_method and self._slide.ratio:
            standard = LossyCompressionIsoStandard(self._slide.lossy_method)
            done.append(LossyCompression(standard, max(1.0, self._slide.ratio)))
        if not self._slide.keeps_jpeg:
            done.append(LossyCompression(LossyCompressionIsoStandard("ISO_10918_1"), self._measured()))
        return done

    def _measured(self) -> float:
        at = Point(self._slide.columns // 2, self._slide.rows // 2)
        tile = self.get_decoded_tile(at, 0.0, "0")
        return round(max(1.0, tile.nbytes / len(self.encoder.encode(tile))), 2)

    @property
    def transcoder(self) -> Encoder | None:
        return None if self._slide.keeps_jpeg else self.encoder

    def get_decoded_tile(self, tile_point: Point, z: float, path: str, cache: bool = True) -> np.ndarray:
        del z, path, cache
        return self._slide.pixels(tile_point.x, tile_point.y)

    def get_encoded_tile(self, tile: Point, z: float, path: str) -> bytes:
        del z, path
        if self._slide.keeps_jpeg:
            return self._slide.jpeg(tile.x, tile.y)
        return bytes(self.encoder.encode(self._slide.pixels(tile.x, tile.y)))


LOWER = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
"""Image Type of a level that was made from a higher one (PS3.3 C.8.12.4.1.1)."""


class _Header(WsiDataset):  # type: ignore[misc]
    """The header of a slide; of lower levels it says that they are resampled, which wsidicom leaves out."""

    def as_tiled_full(self, *args: Any, **more: Any) -> WsiDataset:
        made = super().as_tiled_full(*args, **more)
        scale = more.get("scale", args[3] if len(args) > 3 else 1)
        if scale == 1:
            return made
        ds = made.as_dataset()
        ds.ImageType = LOWER
        for group in ds.get("SharedFunctionalGroupsSequence") or ():
            for frame in group.get("WholeSlideMicroscopyImageFrameTypeSequence") or ():
                frame.FrameType = LOWER
        return WsiDataset(ds)


class _OneSlide(Source):  # type: ignore[misc]
    """A source of one level and nothing else: no label, no overview, no thumbnail."""

    def __init__(self, base: Dataset, tiles: _Tiles) -> None:
        super().__init__()
        dataset = WsiDataset.create_instance_dataset(base, ImageType.VOLUME, tiles, 0)
        self._instance = WsiInstance(_Header(dataset.as_dataset()), tiles)

    @property
    def base_dataset(self) -> WsiDataset:
        return self._instance.dataset

    @property
    def level_instances(self) -> Iterable[WsiInstance]:
        return [self._instance]

    @property
    def label_instances(self) -> Iterable[WsiInstance]:
        return []

    @property
    def overview_instances(self) -> Iterable[WsiInstance]:
        return []

    @property
    def thumbnail_instances(self) -> Iterable[WsiInstance]:
        return []

    @property
    def annotation_instances(self) -> Iterable[AnnotationInstance]:
        return []

    def close(self) -> None:
        """The slide is closed by who opened it."""


class _Uids(CallableUidGenerator):  # type: ignore[misc]
    """The instances of one slide, numbered in the order in which they are written."""

    def __init__(self, door: Door) -> None:
        self._count = 0
        self._door = door
        super().__init__(self._next)

    def _next(self) -> UID:
        self._count += 1
        return derived_uid("instance", self._door.study_key, self._door.series_key, str(self._count))


class _FlatTarget(WsiDicomFileTarget):  # type: ignore[misc]
    """A folder of pyramid levels, written in the memory of `WAITING` bytes however large the slide is.

    Tiles are read in the order in which lower levels need them and must wait for their row; wsidicom keeps them in memory
    unless it is told how many, and offers no argument for it.
    """

    def _collect_writers(self, *args: Any) -> Iterator[Any]:
        for writer in super()._collect_writers(*args):
            if isinstance(writer, PyramidFileWriter):
                writer._memory_budget_bytes = WAITING  # noqa: SLF001 - as said above
            yield writer


def slide_to_dicom(path: Path, *, door: Door, out: Path) -> tuple[Path, ...]:
    """Write the slide at `path` as a pyramid below `out` and return its files, the full level first.

    BadInput where the slide cannot be read, or has no calibration in the file and none in `door`.
    """
    aside = Path(tempfile.mkdtemp(prefix=".slide-", dir=out))
    try:
        with open_slide(path) as slide:
            tiles = _Tiles(slide, _spacing(slide, door))
            try:
                source = _OneSlide(_base(slide, door), tiles)
                with (
                    WsiDicom(source) as image,
                    _FlatTarget(
                        aside / "pyramid", uid_generator=_Uids(door), workers=WORKERS, add_missing_levels=True
                    ) as target,
                ):
                    target.save(image.pyramids, None, None, include_thumbnails=False)
            except BadInput:
                raise
            except Exception as problem:
                raise BadInput(
                    "A part of the slide cannot be read.", advice="Copy the slide again."
                ) from problem
        return _placed(aside / "pyramid", out, when=date(door.study_date) or UNKNOWN_DATE)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _placed(folder: Path, out: Path, *, when: str) -> tuple[Path, ...]:
    files = sorted(folder.glob("*.dcm"), key=lambda file: file.stat().st_size, reverse=True)
    for file in files:
        _forget_moment(file, when)
    return tuple(file.replace(out / file.name) for file in files)


def _forget_moment(file: Path, when: str) -> None:
    """Overwrite the moment of writing, which wsidicom puts in, so that the same slide gives the same bytes."""
    with file.open("r+b") as stream:
        ds = dcmread(stream, stop_before_pixels=True)
        for keyword, value in (("InstanceCreationDate", when), ("InstanceCreationTime", "000000.000000")):
            raw: Any = ds.get_item(keyword)
            if raw is not None:
                stream.seek(raw.value_tell)
                stream.write(value.encode()[: raw.length].ljust(raw.length))


def _spacing(slide: Slide, door: Door) -> SizeMm:
    across, down = slide.mpp or (door.mpp_um, door.mpp_um)
    if not across or not down:
        raise BadInput("The slide does not say how large its pixels are.", advice="Give micrometres a pixel.")
    return SizeMm(across / 1000, down / 1000)


def _base(slide: Slide, door: Door) -> Dataset:
    ds = common(
        door, sop_class=VLWholeSlideMicroscopyImageStorage, instance=derived_uid(door.series_key), number=1
    )
    when = ds.StudyDate or UNKNOWN_DATE
    ds.ContentDate, ds.ContentTime = when, "000000"
    ds.AcquisitionDateTime = f"{when}000000"
    ds.FrameOfReferenceUID = derived_uid("frame", door.study_key, door.series_key)
    ds.PositionReferenceIndicator = "SLIDE_CORNER"
    ds.PyramidUID = derived_uid("pyramid", door.study_key, door.series_key)
    ds.AcquisitionContextSequence = []
    specimen(ds, door)
    place(ds, door)
    ds.VolumetricProperties = "VOLUME"
    ds.SpecimenLabelInImage, ds.BurnedInAnnotation = "NO", "NO"
    ds.TotalPixelMatrixFocalPlanes = 1
    ds.NumberOfOpticalPaths = 1
    ds.OpticalPathSequence = [optical_path(door, slide.icc, power=slide.objective_power)]
    organisation = Dataset()
    organisation.DimensionOrganizationUID = derived_uid("dimensions", door.study_key, door.series_key)
    ds.DimensionOrganizationSequence = [organisation]
    return ds
