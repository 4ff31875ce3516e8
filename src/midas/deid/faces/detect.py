"""Faces in a picture, by MediaPipe's BlazeFace (shipped, read by OpenCV, one thread, no network).

In comes an RGB picture, out come faces with their keypoints and a score. The picture is looked at whole and in
overlapping parts, upright and turned by quarters: patients lie, and cameras are held sideways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from midas.deid.faces.model import Array

NEAR = ("face_detection_back.tflite", 256, ("regressors", "classificators"), ((16, 2), (32, 6)))
FAR = (
    "face_detection_full_range.tflite", 192, ("reshaped_regressor_face_4", "reshaped_classifier_face_4"), ((4, 1),),
)  # fmt: skip
"""Model, edge of its input in pixels, its outputs, and (stride, anchors a cell) of its anchors."""
MAYBE, SURE = 0.55, 0.75
"""Scores (0 to 1) from which a find may be a face, and from which it is one where both models found it."""
LOWEST = 0.35
"""Score from which the other model's find counts as agreement."""
OVERLAP = 0.3
"""Share of common area (intersection over union) from which two finds are one face."""
TILED_FROM = 640
"""Pictures with a longer edge (pixels) are looked at in parts as well."""


@dataclass(frozen=True)
class Face:
    """A box (left, top, right, bottom in pixels), the eyes' and the mouth's places (x, y) and a score."""

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]]
    mouth: tuple[float, float]
    score: float
    by: frozenset[str] = frozenset()

    @property
    def sure(self) -> bool:
        """Say whether it is a face for certain: a high score, and both models agree."""
        return self.score >= SURE and len(self.by) == 2

    @property
    def apart(self) -> float:
        """Distance of the eyes in pixels, at least a quarter of the box."""
        (x0, y0), (x1, y1) = self.eyes
        return max(float(np.hypot(x1 - x0, y1 - y0)), (self.box[2] - self.box[0]) / 4)


def faces(rgb: Array, *, least: float = MAYBE) -> list[Face]:
    """Return what may be faces in `rgb` (rows x columns x 3, 8 bits), surest first, one find for each."""
    found = [face for quarter in range(4) for face in _turned(rgb, quarter, LOWEST)]
    kept: list[Face] = []
    for face in sorted(found, key=lambda one: -one.score):
        same = [n for n, other in enumerate(kept) if _common(face.box, other.box) >= OVERLAP]
        if same:
            kept[same[0]] = replace(kept[same[0]], by=kept[same[0]].by | face.by)
        elif face.score >= least:
            kept.append(face)
    return kept


def _turned(rgb: Array, quarter: int, least: float) -> Iterator[Face]:
    turned = np.ascontiguousarray(np.rot90(rgb, quarter))
    for left, top, part in _parts(turned):
        for model in (NEAR, FAR):
            for values, score in _found(part, model, least):
                yield _face(values + np.array([left, top]), score, rgb.shape, quarter, model[0])


def _parts(rgb: Array) -> Iterator[tuple[int, int, Array]]:
    rows, columns = rgb.shape[:2]
    yield 0, 0, rgb
    if max(rows, columns) < TILED_FROM:
        return
    high, wide = rows * 5 // 8, columns * 5 // 8
    for top in (0, rows - high):
        for left in (0, columns - wide):
            yield left, top, rgb[top : top + high, left : left + wide]


def _found(rgb: Array, model: Any, least: float) -> Iterator[tuple[Array, float]]:
    """Yield (8 points: two corners and six keypoints, score) in pixels of `rgb`."""
    import cv2

    _, edge, outputs, layers = model
    rows, columns = rgb.shape[:2]
    scale = edge / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    square = np.zeros((edge, edge, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    net = _net(model[0])
    net.setInput(cv2.dnn.blobFromImage(square, 1 / 127.5, (edge, edge), (127.5,) * 3))
    boxes, scores = net.forward(list(outputs))
    sure = 1 / (1 + np.exp(-np.clip(scores[0, :, 0], -80, 80)))
    anchors = _anchors(edge, layers)
    for index in np.flatnonzero(sure >= least):
        raw = boxes[0, index].reshape(8, 2).astype(float)
        middle = raw[0] + anchors[index] * edge
        half = raw[1] / 2
        points = np.concatenate([[middle - half, middle + half], raw[2:] + anchors[index] * edge])
        yield points / scale, float(sure[index])


@lru_cache(maxsize=2)
def _net(name: str) -> Any:
    import cv2

    cv2.setNumThreads(1)
    with as_file(files(__package__) / "data" / name) as path:
        return cv2.dnn.readNetFromTFLite(str(path), cv2.dnn.ENGINE_CLASSIC)


@lru_cache(maxsize=2)
def _anchors(edge: int, layers: tuple[tuple[int, int], ...]) -> Array:
    """Return the anchors' middles (0 to 1), row by row, in the order of the model's outputs."""
    made = []
    for stride, many in layers:
        cells = edge // stride
        middle = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(middle, middle)
        made.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), many, axis=0))
    return np.concatenate(made)


def _face(points: Array, score: float, shape: tuple[int, ...], quarter: int, model: str) -> Face:
    """Return a find in the picture as it was before it was turned."""
    rows, columns = shape[:2]
    x, y = points[:, 0], points[:, 1]
    if quarter == 1:
        x, y = columns - y, x
    elif quarter == 2:
        x, y = columns - x, rows - y
    elif quarter == 3:
        x, y = y, rows - x
    box = (float(min(x[:2])), float(min(y[:2])), float(max(x[:2])), float(max(y[:2])))
    eyes = ((float(x[2]), float(y[2])), (float(x[3]), float(y[3])))
    return Face(box, eyes, (float(x[5]), float(y[5])), score, frozenset({model}))


def _common(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return both / (area - both)
