"""Finding the packaged head in a patient's volume, and saying how well it fits.

In comes a coarse `Volume`, out comes a `Fit`: an affine map from the patient to the template with the overlap of both
heads. Poses are tried by silhouette first (any modality), then refined by Mattes mutual information (SimpleITK, one
thread, fixed seed: the same volume gives the same fit). A fit that a mirrored head would satisfy better is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Any

import numpy as np
import SimpleITK

from midas.deid.faces.model import Array
from midas.deid.faces.volume import Volume

sitk: Any = SimpleITK

SKIN_HU = -300.0
"""Half-way between air and soft tissue, where the skin's surface stands in CT."""
PITCHES, LIFTS_MM = (-24.0, 0.0, 24.0), tuple(range(-80, 81, 20))
SCALES = (0.75, 0.88, 1.02)
"""Head sizes tried, patient to adult template: a newborn's head is 0.6 to 0.65, a child's of two years 0.85."""
STRETCH = (0.75, 1.8)
"""Least and most change of length along any axis (template / patient) that a human head may need."""
LEAST_MM3 = 3e5
"""The least body (mm³) in which a head is sought: a newborn's is twice that."""
AROUND, HIGHEST_MM = 5, 300.0
"""How much is looked at: voxels around the body, and mm below its top (a head and raised arms)."""
GOOD = 0.92
"""Overlap with which the first pose is taken without trying the second."""
CLEARLY = 0.72
"""Mutual information of a mirrored head, as a share of the pose's own, below which it needs no closer look."""
SKEW = 1.4
"""Most that the longest change of length may be of the shortest."""


@dataclass(frozen=True)
class Template:
    """The packaged mean head: `image` for matching, `labels` (bit per name of `bits`) for cutting. LPS, mm."""

    image: Any
    labels: Array
    origin: Array
    step: float
    bits: tuple[str, ...]

    @lru_cache(maxsize=8)  # noqa: B019 - there is one template, and it lives as long as the process
    def part(self, name: str) -> Array:
        return np.asarray((self.labels >> self.bits.index(name)) & 1 > 0)

    @property
    def middle(self) -> Array:
        """Return the middle of the cranium: of the head's box above the skull base."""
        at = np.argwhere(self.part("head")[60:])[:, ::-1] * self.step + self.origin
        at[:, 2] += 60 * self.step
        return np.asarray((at.min(axis=0) + at.max(axis=0)) / 2)

    def __hash__(self) -> int:
        return id(self)

    def at(self, points: Array, name: str, *, beyond: tuple[float, float] = (0.0, 0.0)) -> Array:
        """Return at template points whether they lie in a part, continued `beyond` (sideways, down) the grid by mm."""
        index = np.rint((points - self.origin) / self.step).astype(np.int32)
        z, y, x = self.labels.shape
        aside, below = (round(mm / self.step) for mm in beyond)
        within = (index[..., 0] >= -aside) & (index[..., 0] < x + aside)
        within &= (index[..., 1] >= (0 if aside == 0 else -(1 << 30))) & (index[..., 1] < y)
        within &= (index[..., 2] >= -below) & (index[..., 2] < z)
        i, j, k = (np.clip(index[..., axis], 0, n - 1) for axis, n in enumerate((x, y, z)))
        return np.asarray(self.part(name)[k, j, i] & within)


@lru_cache(maxsize=1)
def template() -> Template:
    """Return the packaged head (`tools/make_face_template.py`)."""
    with (files(__package__) / "data" / "head.npz").open("rb") as stream, np.load(stream) as data:
        about: dict[str, Any] = json.loads(data["about"].tobytes())
        image = sitk.GetImageFromArray(data["template"].astype(np.float32))
        labels = data["labels"]
    image.SetOrigin(about["origin"])
    image.SetSpacing((about["template_mm"],) * 3)
    return Template(image, labels, np.array(about["origin"]), about["labels_mm"], tuple(about["bits"]))


@dataclass(frozen=True)
class Fit:
    """`matrix` (3 x 4) takes a patient's point to the template's; `overlap` is the Dice of both heads where seen."""

    matrix: Array
    overlap: float
    plausible: bool
    upright: bool
    head: Array

    def to_template(self, points: Array) -> Array:
        return points @ self.matrix[:, :3].T + self.matrix[:, 3]


def silhouette(volume: Volume, *, ct: bool) -> Array:
    """Return the largest body in the volume with its holes filled; tables and head rests mostly fall away."""
    image = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(volume.values), 1.0)
    if ct:
        solid = image > SKIN_HU
    else:
        top = float(np.percentile(volume.values[volume.seen], 99)) if volume.seen.any() else 1.0
        held = sitk.Clamp(image, lowerBound=volume.air, upperBound=top)
        solid = sitk.OtsuThreshold(held, 0, 1, 128)
        level = volume.air + 0.6 * (_threshold(held) - volume.air)
        solid = image > level
    solid = sitk.And(solid, sitk.GetImageFromArray(volume.seen.astype(np.uint8)))
    parts = sitk.ConnectedComponent(sitk.BinaryMorphologicalOpening(solid, [2, 2, 2]))
    body = sitk.RelabelComponent(parts, sortByObjectSize=True) == 1
    closed = sitk.BinaryMorphologicalClosing(body, [3, 3, 3])
    return _filled(sitk.GetArrayFromImage(closed).astype(bool))


def _threshold(image: Any) -> float:
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(image)
    return float(otsu.GetThreshold())


def _filled(body: Array) -> Array:
    """Fill holes slice by slice along each axis: airways that open outwards along one are closed along another."""
    import cv2

    made = body.copy()
    for axis in range(3):
        for number in range(body.shape[axis]):
            at = tuple(number if a == axis else slice(None) for a in range(3))
            if body[at].any():
                plane = np.ascontiguousarray(body[at], np.uint8)
                outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
                made[at] |= cv2.drawContours(plane, outlines, -1, 1, cv2.FILLED).astype(bool)
    return made


def register(volume: Volume, *, ct: bool, least: float = 0.0) -> Fit | None:
    """Match the template's head with the volume; None where there is no body of a head's size in it.

    A fit that overlaps by less than `least` is not examined further: it counts as not upright.
    """
    head = silhouette(volume, ct=ct)
    if head.sum() * volume.step**3 < LEAST_MM3:
        return None
    near, body = _cropped(volume, head)
    starts = _poses(near, body)
    if not starts:
        return None
    fixed = _image(near, body, ct=ct)
    matrix, overlap = _refined(fixed, near, body, starts[0])
    if overlap < GOOD and len(starts) > 1:
        other = _refined(fixed, near, body, starts[1])
        matrix, overlap = max((matrix, overlap), other, key=lambda one: one[1])
    plausible = _plausible(matrix)
    upright = plausible and overlap >= least and _upright(fixed, matrix, near, body, overlap)
    return Fit(matrix, overlap, plausible, upright, head)


def _cropped(volume: Volume, head: Array) -> tuple[Volume, Array]:
    """Return the part of the volume in which a head may lie: around the body, and not far below its top."""
    where = [np.flatnonzero(head.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    low = np.array([max(0, found[0] - AROUND) for found in where])
    high = np.array([found[-1] + 1 + AROUND for found in where])
    low[0] = max(low[0], where[0][-1] - round(HIGHEST_MM / volume.step))
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    origin = volume.origin + low[::-1] * volume.step
    return Volume(volume.values[part], volume.seen[part], origin, volume.air, volume.step), head[part]


def _poses(volume: Volume, head: Array) -> list[Array]:
    """Return the three best starting poses (3 x 4) by overlap of silhouettes on every third voxel."""
    coarse = (slice(None, None, 3),) * 3
    points, inside, seen = volume.points[coarse], head[coarse], volume.seen[coarse]
    if not inside.any():
        return []
    top, middle = _crown(points, inside)
    made: list[tuple[float, int, Array]] = []
    centre = np.array([0.0, 0.0, 0.0])
    for scale, pitch, lift in product(SCALES, PITCHES, LIFTS_MM):
        turn = _pitched(pitch) / scale
        anchor = turn @ np.array([middle[0], middle[1], top - 85.0 * scale + lift])
        matrix = np.column_stack([turn, centre - anchor])
        made.append((_dice(matrix, points, inside, seen), len(made), matrix))
    made.sort(key=lambda one: -one[0])
    first = made[0][2]
    apart = [one[2] for one in made[1:] if np.abs(one[2][:, :3] - first[:, :3]).max() > 0.05]
    return [first, *apart[:1]]


def _crown(points: Array, inside: Array) -> tuple[float, Array]:
    """Return the height of the top of the body and the middle of its uppermost 120 mm."""
    at = points[inside]
    top = float(at[:, 2].max())
    upper = at[at[:, 2] > top - 120]
    return top, (upper.min(axis=0) + upper.max(axis=0)) / 2


def _pitched(degrees: float) -> Array:
    angle = np.deg2rad(degrees)
    return np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])


def _dice(matrix: Array, points: Array, inside: Array, seen: Array) -> float:
    """Overlap of the heads among voxels that were seen; what lies below the template's end counts for neither."""
    head, there = template(), points @ matrix[:, :3].T + matrix[:, 3]
    count = seen & (there[..., 2] >= head.origin[2])
    both = head.at(there, "head") & count
    mine = inside & count
    total = int(both.sum()) + int(mine.sum())
    return 2 * int((both & mine).sum()) / total if total else 0.0


def _image(volume: Volume, head: Array, *, ct: bool) -> Any:
    values = volume.values
    if ct:
        values = np.clip(values, -500, 400)
    else:
        top = float(np.percentile(values[head], 99))
        values = np.clip(values, volume.air, max(top, volume.air + 1e-6))
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetOrigin([float(value) for value in volume.origin])
    image.SetSpacing((volume.step,) * 3)
    return image


def _mask(volume: Volume, where: Array) -> Any:
    image = sitk.GetImageFromArray(where.astype(np.uint8))
    image.SetOrigin([float(value) for value in volume.origin])
    image.SetSpacing((volume.step,) * 3)
    return image


def _method(mask: Any) -> Any:
    made = sitk.ImageRegistrationMethod()
    made.SetNumberOfThreads(1)
    made.SetMetricAsMattesMutualInformation(32)
    made.SetMetricSamplingStrategy(made.REGULAR)
    made.SetMetricFixedMask(mask)
    made.SetInterpolator(sitk.sitkLinear)
    return made


def _refined(fixed: Any, volume: Volume, head: Array, start: Array) -> tuple[Array, float]:
    """Refine a pose by mutual information; a result that overlaps worse than its start is given up for it."""
    near = sitk.BinaryDilate(_mask(volume, head), [4, 4, 4])
    where = sitk.And(near, _mask(volume, _worth(volume, start)))
    transform = sitk.AffineTransform(3)
    transform.SetMatrix([float(value) for value in start[:, :3].ravel()])
    transform.SetTranslation([float(value) for value in start[:, 3]])
    inverse = np.linalg.inv(start[:, :3])
    transform = _centred(start, inverse @ -start[:, 3])
    method = _method(where)
    method.SetMetricSamplingPercentagePerLevel([0.3, 0.2], 7)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0,
        minStep=0.02,
        numberOfIterations=60,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([3, 2])
    method.SetSmoothingSigmasPerLevel([2, 1])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransform(transform, inPlace=True)
    points = volume.points
    before = _dice(start, points, head, volume.seen)
    try:
        method.Execute(fixed, template().image)
    except RuntimeError:
        return start, before
    matrix = _matrix(transform)
    after = _dice(matrix, points, head, volume.seen)
    return (matrix, after) if after >= before - 0.02 else (start, before)


def _worth(volume: Volume, start: Array) -> Array:
    """Voxels that fall into the template's grid: shoulders and chest have nothing to match with."""
    there = volume.points @ start[:, :3].T + start[:, 3]
    return np.asarray(volume.seen & (there[..., 2] > template().origin[2] - 10))


def _centred(matrix: Array, centre: Array) -> Any:
    made = sitk.AffineTransform(3)
    made.SetCenter([float(value) for value in centre])
    made.SetMatrix([float(value) for value in matrix[:, :3].ravel()])
    shift = matrix[:, :3] @ centre + matrix[:, 3] - centre
    made.SetTranslation([float(value) for value in shift])
    return made


def _matrix(transform: Any) -> Array:
    turn = np.array(transform.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    return np.column_stack([turn, centre + shift - turn @ centre])


def _plausible(matrix: Array) -> bool:
    """Say whether the map is one that human heads need: no mirror, no great stretch, turned by less than 60 degrees."""
    if np.linalg.det(matrix[:, :3]) <= 0:
        return False
    left, sizes, right = np.linalg.svd(matrix[:, :3])
    turned = np.rad2deg(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1)))
    low, high = STRETCH
    return bool(
        sizes.min() >= low and sizes.max() <= high and sizes.max() <= SKEW * sizes.min() and turned < 60
    )


def _upright(fixed: Any, matrix: Array, volume: Volume, head: Array, overlap: float) -> bool:
    """Say whether the pose explains the picture better than the same head back to front or upside down."""
    method = _method(sitk.Shrink(_mask(volume, _worth(volume, matrix)), [2] * 3))
    method.SetMetricSamplingPercentage(0.5, 7)
    small = sitk.Shrink(fixed, [2] * 3)

    def score(pose: Array) -> float:
        method.SetInitialTransform(_centred(pose, np.zeros(3)))
        try:
            return float(-method.MetricEvaluate(small, template().image))
        except RuntimeError:
            return 0.0

    mine = score(matrix)
    for mirror in (np.array([1.0, -1, 1]), np.array([1.0, 1, -1])):
        turned = np.diag(mirror) @ matrix
        turned[:, 3] += (1 - mirror) * template().middle
        if score(turned) > CLEARLY * mine and _refined(fixed, volume, head, turned)[1] > overlap - 0.005:
            return False
    return True
