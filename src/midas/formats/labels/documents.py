"""COCO, VIA and QuPath GeoJSON documents as regions of pictures.

In comes a JSON file; out come pictures by the name that the document gives them, each with its regions in pixels (x to
the right, y down, the corner of the first pixel is 0, 0). A region that is not understood is `BadInput`, never left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from midas.formats.sniff import Kind
from midas.kernel import BadInput

Point = tuple[float, float]


class Shape(StrEnum):
    """How one region is drawn: its points, the corners of a box, or a mask of pixels."""

    POLYGON = "polygon"
    BOX = "box"
    POINT = "point"
    LINE = "line"
    ELLIPSE = "ellipse"
    MASK = "mask"


@dataclass(frozen=True)
class Region:
    """One marked region. `rings` are closed outlines; in each polygon the first is the border, the others are holes.

    BOX and ELLIPSE hold their two opposite corners, POINT one point, LINE its points; MASK a boolean array instead.
    """

    label: str
    shape: Shape
    rings: tuple[tuple[Point, ...], ...]
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class LabelledImage:
    """The regions of one picture; `name` is the file name in the document and may name a person."""

    name: str
    width: int | None
    height: int | None
    regions: tuple[Region, ...]


def read(path: Path, kind: Kind) -> tuple[LabelledImage, ...]:
    """Return every labelled picture of a COCO, VIA or QuPath document; BadInput where one region is not understood."""
    readers = {Kind.COCO: _coco, Kind.VIA: _via, Kind.QUPATH: _qupath}
    if kind not in readers:
        raise BadInput("The file is not a label document.", advice="Hand in COCO, VIA or QuPath GeoJSON.")
    try:
        return tuple(readers[kind](json.loads(path.read_bytes())))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as problem:
        raise BadInput(
            "The label document is damaged.", advice="Export it again from the labelling tool."
        ) from problem


def _finite(values: Any) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a coordinate is not finite")
    return numbers


def _pairs(values: Any) -> tuple[Point, ...]:
    flat = _finite(values)
    if len(flat) < 6 or len(flat) % 2:
        raise ValueError("too few points")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _coco(document: dict[str, Any]) -> Iterator[LabelledImage]:
    names = {entry["id"]: str(entry["name"]) for entry in document.get("categories", [])}
    regions: dict[Any, list[Region]] = {image["id"]: [] for image in document["images"]}
    for note in document["annotations"]:
        regions[note["image_id"]].extend(_coco_regions(note, names[note["category_id"]]))
    for image in document["images"]:
        width = int(image["width"]) if "width" in image else None
        height = int(image["height"]) if "height" in image else None
        yield LabelledImage(str(image["file_name"]), width, height, tuple(regions[image["id"]]))


def _coco_regions(note: dict[str, Any], label: str) -> Iterator[Region]:
    outline = note.get("segmentation")
    if isinstance(outline, dict):
        yield Region(label, Shape.MASK, (), _run_lengths(outline))
    elif outline:
        for ring in outline:
            yield Region(label, Shape.POLYGON, (_pairs(ring),))
    else:
        x, y, width, height = _finite(note["bbox"])
        yield Region(label, Shape.BOX, (((x, y), (x + width, y + height)),))


MASK_LIMIT = 1 << 30
"""Pixels of one mask that is written in run lengths: a document of a few bytes could ask for any number."""


def _run_lengths(outline: dict[str, Any]) -> np.ndarray:
    """Decode COCO run lengths, plain or compressed: runs of 0 and 1 in turn, down the columns."""
    height, width = (int(value) for value in outline["size"])
    counts = outline["counts"]
    runs = _compressed(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if not 0 < height * width <= MASK_LIMIT or sum(runs) != height * width or min(runs) < 0:
        raise ValueError("run lengths do not fill the mask")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape((width, height)).T


def _compressed(text: str) -> list[int]:
    """Five bits a character, low bits first, from the third run on as a difference to the run two before."""
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            char = ord(text[at]) - 48
            value |= (char & 0x1F) << shift
            more = bool(char & 0x20)
            at += 1
            shift += 5
            if not more and char & 0x10:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs


def _via(document: dict[str, Any]) -> Iterator[LabelledImage]:
    entries = document.get("_via_img_metadata", document)
    for entry in entries.values():
        marks = entry["regions"]
        marks = list(marks.values()) if isinstance(marks, dict) else marks
        yield LabelledImage(str(entry["filename"]), None, None, tuple(_via_region(mark) for mark in marks))


def _via_region(mark: dict[str, Any]) -> Region:
    form = mark["shape_attributes"]
    label = _via_label(mark.get("region_attributes", {}))
    name = form["name"]
    if name in ("polygon", "polyline"):
        points = tuple(zip(_finite(form["all_points_x"]), _finite(form["all_points_y"]), strict=True))
        if len(points) < (3 if name == "polygon" else 2):
            raise ValueError("too few points")
        return Region(label, Shape.POLYGON if name == "polygon" else Shape.LINE, (points,))
    if name == "rect":
        x, y, width, height = _finite(form[key] for key in ("x", "y", "width", "height"))
        return Region(label, Shape.BOX, (((x, y), (x + width, y + height)),))
    if name == "point":
        x, y = _finite((form["cx"], form["cy"]))
        return Region(label, Shape.POINT, (((x, y),),))
    x, y = _finite((form["cx"], form["cy"]))
    across, down = _finite((form["r"], form["r"]) if name == "circle" else (form["rx"], form["ry"]))
    if form.get("theta"):
        raise ValueError("a turned ellipse is not taken")
    return Region(label, Shape.ELLIPSE, (((x - across, y - down), (x + across, y + down)),))


def _via_label(attributes: dict[str, Any]) -> str:
    """The region's one attribute with a value; of a set of boxes the one that is ticked."""
    values: list[str] = []
    for value in attributes.values():
        if isinstance(value, dict):
            values += [str(key) for key, ticked in value.items() if ticked]
        elif str(value).strip():
            values.append(str(value).strip())
    if len(values) != 1:
        raise ValueError("a region needs exactly one label")
    return values[0]


def _qupath(document: Any) -> Iterator[LabelledImage]:
    features = document if isinstance(document, list) else document.get("features", [document])
    regions = [region for feature in features for region in _feature(feature)]
    yield LabelledImage("", None, None, tuple(regions))


def _feature(feature: dict[str, Any]) -> Iterator[Region]:
    about = feature.get("properties") or {}
    kind = about.get("classification") or {}
    label = str(kind.get("name", "") if isinstance(kind, dict) else kind)
    if not label:
        raise ValueError("a feature needs a classification")
    geometry = feature["geometry"]
    form, where = geometry["type"], geometry["coordinates"]
    if form in ("Polygon", "MultiPolygon"):
        for polygon in [where] if form == "Polygon" else where:
            yield Region(label, Shape.POLYGON, tuple(_ring(ring) for ring in polygon))
    elif form in ("Point", "MultiPoint"):
        for point in [where] if form == "Point" else where:
            x, y = _finite(point[:2])
            yield Region(label, Shape.POINT, (((x, y),),))
    elif form == "LineString":
        yield Region(label, Shape.LINE, (tuple((x, y) for x, y in (_finite(point[:2]) for point in where)),))
    else:
        raise ValueError("a geometry of this type is not taken")


def _ring(points: Any) -> tuple[Point, ...]:
    ring = [tuple(_finite(point[:2])) for point in points]
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    if len(ring) < 3:
        raise ValueError("too few points")
    return tuple((x, y) for x, y in ring)
