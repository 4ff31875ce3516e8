"""The images of a release, found through its tables and read one at a time; nothing is held longer than it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from midas.kernel import BadInput, NotFound
from midas.sdk.volumes import Array, pixel_spacing, values_of, volumes_of

if TYPE_CHECKING:
    from midas.sdk.release import Release

MOST_PIXELS = 16_777_216
"""A slide is read at its finest level with at most this many pixels (4096 squared, 50 MB as RGB)."""

JOIN = {
    "subject": ("subject",), "visit": ("subject", "visit"), "lesion": ("subject", "lesion"),
    "specimen": ("subject", "specimen"),
}  # fmt: skip
"""By which columns labels of each level join an image; study, series and instance labels join by their UID."""

UID_OF_LEVEL = {"study": "study_uid", "series": "series_uid", "instance": "sop_instance_uid"}


@dataclass(frozen=True)
class Source:
    """Files that make one image or series, their place in the subject tree, and the label asked for."""

    paths: tuple[str, ...]
    row: dict[str, Any]
    label: str | float | None = None
    segmentation: str | None = None


@dataclass(frozen=True)
class Image:
    """One image. `array`: (rows, columns), (slices, rows, columns), or with a last axis of 3 for RGB.

    `spacing_mm` goes along the spatial axes in the array's order and is `None` where it is not known; `affine` maps
    (column, row, slice) to mm in DICOM's patient coordinates. `label` is a value of the target asked for;
    `segmentation` the path of the object that holds it where it is spatial.
    """

    array: Array
    spacing_mm: tuple[float, ...] | None
    subject: str
    visit: str | None
    lesion: str | None
    specimen: str | None
    label: str | float | None
    item: str
    modality: str
    view: str | None
    path: str
    paths: tuple[str, ...]
    affine: Array | None = None
    segmentation: str | None = None


def _chosen(release: Release, **wanted: str | None) -> pl.DataFrame:
    rows = release.table("manifest").filter(pl.col("kind") != "label")
    part = wanted.pop("part")
    if part is not None:
        splits = release.table("splits")
        if part not in splits["part"].to_list():
            known = ", ".join(sorted(set(splits["part"].to_list())))
            raise NotFound(f"There is no part {part}.", advice=f"Parts: {known}.")
        rows = rows.join(splits.filter(pl.col("part") == part).select("subject"), on="subject", how="semi")
    for column, value in wanted.items():
        if value is not None:
            rows = rows.filter(pl.col(column) == value)
    return rows.sort("subject", "series_uid", "sop_instance_uid")


class _Labels:
    """Labels of one target, looked up by an image's place in the subject tree."""

    def __init__(self, release: Release, target: str) -> None:
        table = release.table("labels").filter(pl.col("target") == target)
        if table.is_empty():
            known = ", ".join(sorted(set(release.table("labels")["target"].to_list())))
            raise NotFound(
                f"There are no labels for {target}.", advice=f"Targets with labels: {known or 'none'}."
            )
        self._found: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._of_subject: dict[str, list[dict[str, Any]]] = {}
        for row in table.iter_rows(named=True):
            level = row["level"]
            key = (
                (level, row["uid"])
                if level in UID_OF_LEVEL
                else (level, *(row[name] for name in JOIN[level]))
            )
            self._found[key] = row
            self._of_subject.setdefault(row["subject"], []).append(row)

    def of(self, row: dict[str, Any]) -> dict[str, Any] | None:
        for level, column in UID_OF_LEVEL.items():
            if (found := self._found.get((level, row[column]))) is not None:
                return found
        for level in ("specimen", "lesion", "visit", "subject"):
            if (found := self._found.get((level, *(row[name] for name in JOIN[level])))) is not None:
                return found
        return self._only(row)

    def _only(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """An image of the whole visit shows every lesion: it takes the label of the subject's only labelled one."""
        labels = self._of_subject.get(row["subject"], [])
        alone = len(labels) == 1 and labels[0]["level"] == "lesion" and row["lesion"] is None
        return labels[0] if alone else None


def find(
    release: Release,
    *,
    target: str | None = None,
    item: str | None = None,
    modality: str | None = None,
    part: str | None = None,
    subject: str | None = None,
) -> list[Source]:
    """Return what makes each image, without reading one: a series for DICOM and slides, a file for photographs."""
    rows = _chosen(release, item=item, modality=modality, part=part, subject=subject)
    labels = _Labels(release, target) if target is not None else None
    if target is not None and item is None:
        items = next((one.items for one in release.protocol.targets if one.id == target), ())
        rows = rows.filter(pl.col("item").is_in(list(items)))
    sources = []
    for group in _groups(rows):
        label = labels.of(group[0]) if labels is not None else None
        if labels is not None and label is None:
            continue
        value = (
            None
            if label is None
            else label["value"]
            if label["value_number"] is None
            else label["value_number"]
        )
        held = label["segmentation_path"] if label is not None else None
        sources.append(Source(tuple(row["path"] for row in group), group[0], value, held))
    return sources


def _groups(rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """Bundle rows to images: photographs and photomicrographs alone, everything else by series."""
    bundles: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        alone = row["kind"] == "photo" or (
            row["kind"] == "slide" and row["sop_class_uid"] != VLWholeSlideMicroscopyImageStorage
        )
        key = (row["series_uid"], row["sop_instance_uid"]) if alone else (row["series_uid"],)
        bundles.setdefault(key, []).append(row)
    yield from bundles.values()


def read(release: Release, source: Source, *, level: int | None = None) -> Iterator[Image]:
    """Read the image or images of one source, fetching its files first where they are not here."""
    release.fetch(source.paths)
    files = [release.path(path) for path in source.paths]
    if source.row["sop_class_uid"] == VLWholeSlideMicroscopyImageStorage:
        array, spacing = read_slide(files, level=level)
        yield _image(source, array, spacing, source.paths)
        return
    datasets = [dcmread(file) for file in files]
    if source.row["kind"] in {"photo", "slide"}:
        yield _image(source, as_rgb(datasets[0]), pixel_spacing(datasets[0]), source.paths)
        return
    for volume in volumes_of(datasets):
        paths = tuple(source.paths[number] for number in dict.fromkeys(volume.members))
        yield _image(source, volume.array, volume.spacing_mm, paths, volume.affine)


def _image(
    source: Source,
    array: Array,
    spacing: tuple[float, ...] | None,
    paths: Sequence[str],
    affine: Array | None = None,
) -> Image:
    row = source.row
    return Image(
        array=array, spacing_mm=spacing, subject=row["subject"], visit=row["visit"], lesion=row["lesion"],
        specimen=row["specimen"], label=source.label, item=row["item"], modality=row["modality"], view=row["view"],
        path=paths[0], paths=tuple(paths), affine=affine, segmentation=source.segmentation,
    )  # fmt: skip


def as_rgb(ds: Dataset) -> Array:
    """Return a colour image as 8-bit RGB (rows, columns, 3), whatever its colour model (PS3.3 C.7.6.3.1.2)."""
    from pydicom.pixels import apply_color_lut

    pixels = values_of(ds)
    if ds.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, ds)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> (8 if int(ds.get("BitsStored", 16)) > 8 else 0)).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., :3])


def read_slide(
    files: Sequence[Path], *, level: int | None = None
) -> tuple[Array, tuple[float, float] | None]:
    """Read one level of a whole-slide pyramid as RGB with mm between rows and columns; level 0 is the finest.

    `BadInput` where there is no such level.
    """
    from wsidicom import WsiDicom

    with WsiDicom.open(list(files)) as slide:
        levels = sorted(slide.pyramids[0], key=lambda one: -one.size.width)
        if level is None:
            fits = [n for n, one in enumerate(levels) if one.size.width * one.size.height <= MOST_PIXELS]
            level = fits[0] if fits else len(levels) - 1
        if not 0 <= level < len(levels):
            raise BadInput(f"The slide has no level {level}.", advice=f"Levels: 0 to {len(levels) - 1}.")
        chosen = levels[level]
        picture = slide.read_region((0, 0), chosen.level, (chosen.size.width, chosen.size.height))
        spacing = chosen.pixel_spacing
        mm = (float(spacing.height), float(spacing.width)) if spacing is not None else None
        return np.asarray(picture.convert("RGB")), mm
