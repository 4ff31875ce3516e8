"""Synthetic head scans for the tests and measurements of defacing: any head, pose, modality and way of slicing.

In comes a head (the packaged mean head, Debian's Colin27, or a NIfTI file of one's own), out come DICOM slices with the
truth of which voxels are face and brain. The heads are turned, scaled, bent, cropped and made noisy, so that none of
them is the template; whoever measures on the packaged mean head measures on a bent copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from midas.deid.faces.register import template
from tests.deid_bench import ct

sitk: Any = SimpleITK
Array = np.ndarray[Any, Any]
COLIN = Path("/usr/share/mricron/templates")
NECK_MM = 60.0
MEAN_BROW_MM, COLIN_BROW_MM, BROW_MM, DEEP_MM = -5.0, -12.0, 95.0, 25.0
"""Where a face begins: the height of the brow's upper edge, read off the pictures of the mean head and of Colin27 (whose
head was stretched to 1.1 of its size); in other heads this far below the crown. Its skin reaches so far back (mm)."""
FRAME_UID = "1.2.826.0.1.99.777.1"


@dataclass(frozen=True)
class Head:
    """Values 0 to 255 with `face` and `brain` truth on one LPS grid of `step` mm; `hu` is the same head as a CT sees it."""

    values: Array
    face: Array
    brain: Array
    solid: Array
    hu: Array
    origin: Array
    step: float

    def within(self, grid: Array, points: Array) -> Array:
        """Return the nearest voxel of a truth at LPS points; False outside."""
        place = np.rint((points - self.origin) / self.step).astype(np.int32)
        shape = np.array(grid.shape[::-1])
        inside = np.all((place >= 0) & (place < shape), axis=-1)
        x, y, z = np.moveaxis(np.clip(place, 0, shape - 1), -1, 0)
        return np.asarray(inside & (grid[z, y, x] > 0))

    def sample(self, grid: Array, points: Array) -> Array:
        """Interpolate one of the grids at LPS points; 0 (or air) outside."""
        place = (points - self.origin) / self.step
        low = np.floor(place).astype(np.int32)
        part = (place - low).astype(np.float32)
        shape = np.array(grid.shape[::-1])
        within = np.all((low >= 0) & (low < shape - 1), axis=-1)
        low = np.clip(low, 0, shape - 2)
        made = np.zeros(points.shape[:-1], np.float32)
        for corner in range(8):
            at = np.array([corner & 1, corner >> 1 & 1, corner >> 2])
            weight = np.prod(np.where(at, part, 1 - part), axis=-1)
            i = low + at
            made += weight * grid[i[..., 2], i[..., 1], i[..., 0]]
        return np.where(within, made, -1000.0 if grid is self.hu else 0.0)


def mean_head() -> Head:
    """The packaged mean head at 3 mm: always at hand, and bent before it is scanned."""
    head = template()
    values, origin = _continued(sitk.GetArrayFromImage(head.image), head.origin, 3.0)
    points = _points(values.shape, origin, 3.0)
    solid = _largest(values > 55)
    inner = _eroded(solid, 5)
    brain = inner & (points[..., 2] > 0)
    return _head(values, _face(solid, points, 3.0, MEAN_BROW_MM), brain, solid, origin, 3.0)


def colin() -> Head | None:
    """Colin27 with its own brain, where Debian's mricron-data is installed; its slices end below the nose."""
    if not (COLIN / "ch2.nii.gz").exists():
        return None
    brain = _lps(sitk.ReadImage(str(COLIN / "ch2bet.nii.gz"), sitk.sitkFloat32), 1.5)[0] > 20
    return from_nifti(COLIN / "ch2.nii.gz", brain=brain, brow=COLIN_BROW_MM)


def from_nifti(path: Path, *, brain: Array | None = None, brow: float | None = None) -> Head:
    """A head of one's own, in any orientation; without `brain`, what lies deep above the brow stands for it."""
    values, origin = _lps(sitk.ReadImage(str(path), sitk.sitkFloat32), 1.5)
    values = np.clip(values / np.percentile(values, 99.5) * 255, 0, 255)
    if brain is not None:
        brain = np.concatenate([np.zeros((round(NECK_MM / 1.5), *brain.shape[1:]), bool), brain])
    values, origin = _continued(values, origin, 1.5)
    solid = _largest(values > 25)
    points = _points(values.shape, origin, 1.5)
    crown = points[..., 2][solid].max()
    brow = crown - BROW_MM if brow is None else brow
    guess = _eroded(solid, 12) & (points[..., 2] > brow + 5)
    return _head(
        values, _face(solid, points, 1.5, brow), guess if brain is None else brain, solid, origin, 1.5
    )


def _continued(values: Array, origin: Array, step: float) -> tuple[Array, Array]:
    """Go on below a head's last slice: a neck instead of a cut through the air."""
    more = round(NECK_MM / step)
    lowest = next(k for k in range(len(values)) if values[k].any())
    whole = np.concatenate(
        [np.repeat(values[lowest + 1 : lowest + 2], more + lowest + 1, axis=0), values[lowest + 1 :]]
    )
    return whole, np.asarray(origin, float) - np.array([0, 0, more * step])


def _face(solid: Array, points: Array, step: float, brow: float) -> Array:
    """The skin (9 mm) of the front, from the brow down: defined without the template's own mask."""
    before = points[..., 1][solid & (points[..., 2] > brow)].min() + DEEP_MM
    shell = solid & ~_eroded(solid, round(9 / step))
    return np.asarray(shell & (points[..., 1] < before) & (points[..., 2] < brow))


def _head(values: Array, face: Array, brain: Array, solid: Array, origin: Array, step: float) -> Head:
    hu = np.where(solid, 20 + values * 0.15, -1000.0)
    skull = _eroded(solid, round(6 / step)) & ~_eroded(solid, round(12 / step))
    hu[skull & _dilated(brain, round(15 / step))] = 900
    return Head(
        values.astype(np.float32), face.astype(np.float32), brain.astype(np.float32), solid.astype(np.float32),
        hu.astype(np.float32), np.asarray(origin, float), step,
    )  # fmt: skip


def _lps(image: Any, step: float) -> tuple[Array, Array]:
    """Resample an image onto the patient's axes."""
    size = image.GetSize()
    corners = np.array([
        image.TransformIndexToPhysicalPoint([int(c * (n - 1)) for c, n in zip(corner, size, strict=True)])
        for corner in np.ndindex(2, 2, 2)
    ])  # fmt: skip
    low, high = corners.min(axis=0), corners.max(axis=0)
    grid = sitk.Image([int(n) for n in (high - low) / step + 1], sitk.sitkFloat32)
    grid.SetOrigin([float(value) for value in low])
    grid.SetSpacing((step,) * 3)
    made = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0)
    return sitk.GetArrayFromImage(made), low


def _points(shape: tuple[int, ...], origin: Array, step: float) -> Array:
    z, y, x = np.meshgrid(*(np.arange(n) * step for n in shape), indexing="ij")
    return np.stack([x, y, z], axis=-1) + origin


def _eroded(mask: Array, reach: int) -> Array:
    made = sitk.BinaryErode(sitk.GetImageFromArray(mask.astype(np.uint8)), [reach] * 3)
    return np.asarray(sitk.GetArrayFromImage(made), bool)


def _dilated(mask: Array, reach: int) -> Array:
    made = sitk.BinaryDilate(sitk.GetImageFromArray(mask.astype(np.uint8)), [reach] * 3)
    return np.asarray(sitk.GetArrayFromImage(made), bool)


def _largest(mask: Array) -> Array:
    image = sitk.BinaryMorphologicalClosing(sitk.GetImageFromArray(mask.astype(np.uint8)), [3, 3, 3])
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(image), sortByObjectSize=True) == 1
    return np.asarray(sitk.GetArrayFromImage(sitk.BinaryFillhole(parts)), bool)


@dataclass(frozen=True)
class Scan:
    """How a head lies and is sliced. Angles in degrees, lengths in mm; `window` cuts the height (from the crown down)."""

    modality: str = "MR"
    pitch: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bend_mm: float = 4.0
    plane: str = "axial"
    pixel_mm: float = 2.0
    slice_mm: float = 3.0
    window: tuple[float, float] = (0.0, 260.0)
    tilt: float = 0.0
    missing: tuple[int, ...] = ()
    noise: float = 4.0
    frame: bool = False
    defect: bool = False
    invert: bool = False
    seed: int = 1
    attributes: dict[str, Any] = field(default_factory=dict)


PLANES = {
    "axial": ((1, 0, 0), (0, 1, 0)), "sagittal": ((0, 1, 0), (0, 0, -1)), "coronal": ((1, 0, 0), (0, 0, -1)),
    "oblique": ((0.94, 0.34, 0), (-0.3, 0.83, 0.47)),
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """Slices with the truth of each: `face`, `brain` and `solid` as (slice, row, column)."""

    slices: list[FileDataset]
    face: Array
    brain: Array
    solid: Array
    values: Array


def make(head: Head, scan: Scan) -> Made:
    """Return the scan of a head as DICOM slices."""
    chooser = np.random.default_rng(scan.seed)
    turn = _turn(scan)
    middle = head.origin + np.array(head.values.shape[::-1]) * head.step / 2
    crown = _crown(head)
    row, column = (np.array(v, float) for v in PLANES[scan.plane])
    column = column - row * (row @ column)
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    normal = np.cross(row, column)
    places, size = _grid(scan, crown, middle, normal)
    bend = _bending(chooser, scan.bend_mm)
    slices, truths = [], {name: [] for name in ("face", "brain", "solid", "values")}
    for number, at in enumerate(places):
        corner = at - row * size * scan.pixel_mm / 2 - column * size * scan.pixel_mm / 2
        if scan.tilt:
            corner = corner + column * np.tan(np.deg2rad(scan.tilt)) * ((at - middle) @ normal)
        index = np.arange(size) * scan.pixel_mm
        points = corner + index[:, None, None] * column + index[None, :, None] * row
        own = (points - middle - np.array(scan.shift)) @ turn / scan.scale + middle
        own = own + bend(own)
        for name in ("face", "brain", "solid"):
            truths[name].append(head.within(getattr(head, name), own))
        values = _pictured(head, scan, own, points, middle, chooser, truths)
        truths["values"].append(values)
        if number not in scan.missing:
            slices.append(_slice(values, corner, row, column, scan, number))
    kept = [n for n in range(len(places)) if n not in scan.missing]
    return Made(slices, **{name: np.stack(found)[kept] for name, found in truths.items()})


def _turn(scan: Scan) -> Array:
    x, y, z = (np.deg2rad(angle) for angle in (scan.pitch, scan.roll, scan.yaw))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def _crown(head: Head) -> float:
    upper = np.flatnonzero(head.solid.any(axis=(1, 2)))[-1]
    return float(head.origin[2] + upper * head.step)


def _grid(scan: Scan, crown: float, middle: Array, normal: Array) -> tuple[list[Array], int]:
    size = int(250 / scan.pixel_mm)
    if scan.plane in {"axial", "oblique"}:
        high = crown + 20 - scan.window[0]
        count = int((scan.window[1] - scan.window[0]) / scan.slice_mm)
        first = np.array([middle[0], middle[1], high]) - normal * scan.slice_mm * count
        return [first + normal * scan.slice_mm * n for n in range(count)], size
    count = int(220 / scan.slice_mm)
    centre = np.array([middle[0], middle[1], crown - 105])
    return [centre + normal * scan.slice_mm * (n - count / 2) for n in range(count)], size


def _bending(chooser: np.random.Generator, reach: float) -> Any:
    """Return a smooth displacement of up to about `reach` mm: another person's head."""
    waves = chooser.uniform(-1, 1, (6, 3))
    phases, pushes = chooser.uniform(0, 6.3, 6), chooser.uniform(-1, 1, (6, 3)) * reach / 3

    def bend(points: Array) -> Array:
        return sum(
            np.sin(points @ (wave * 2 * np.pi / 160) + phase)[..., None] * push
            for wave, phase, push in zip(waves, phases, pushes, strict=True)
        )

    return bend


def _pictured(
    head: Head,
    scan: Scan,
    own: Array,
    points: Array,
    middle: Array,
    chooser: np.random.Generator,
    truths: Any,
) -> Array:
    grid = head.hu if scan.modality == "CT" else head.values
    values = head.sample(grid, own)
    if scan.defect:
        hole = np.linalg.norm(own - (middle + np.array([45, -10, 70])), axis=-1) < 38
        values[hole] = -1000 if scan.modality == "CT" else 0
        truths["brain"][-1] &= ~hole
    if scan.frame:
        values[_frame(points - middle)] = 2500 if scan.modality == "CT" else 0
    noise = scan.noise * (4 if scan.modality == "CT" else 1)
    values = values + chooser.normal(0, noise, values.shape)
    return values if scan.modality == "CT" else np.abs(values)


def _frame(at: Array) -> Array:
    """A stereotactic ring with four posts around the head."""
    x, y, z = at[..., 0], at[..., 1], at[..., 2]
    ring = (np.abs(np.hypot(x, y * 0.85) - 108) < 5) & (np.abs(z + 60) < 8)
    posts = (np.abs(np.abs(x) - 70) < 5) & (np.abs(np.abs(y) - 100) < 5) & (z > -60) & (z < 30)
    return ring | posts


def _slice(values: Array, at: Array, row: Array, column: Array, scan: Scan, number: int) -> FileDataset:
    is_ct = scan.modality == "CT"
    ds = ct(size=values.shape[0])
    ds.SOPClassUID = CTImageStorage if is_ct else MRImageStorage
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.99.5.{number + 1}"
    ds.Modality, ds.BodyPartExamined = scan.modality, "HEAD"
    ds.StudyDescription, ds.SeriesDescription = "Head", f"{scan.modality} {scan.plane}"
    ds.Rows, ds.Columns = values.shape
    ds.PixelSpacing, ds.SliceThickness = [scan.pixel_mm] * 2, scan.slice_mm
    ds.ImageOrientationPatient = [round(float(v), 6) for v in (*row, *column)]
    ds.ImagePositionPatient = [round(float(v), 4) for v in at]
    ds.FrameOfReferenceUID, ds.InstanceNumber = FRAME_UID, number + 1
    if not is_ct:
        del ds.RescaleIntercept, ds.RescaleSlope
    stored = values + 1024 if is_ct else values
    stored = np.clip(np.rint(stored), 0, 4095).astype("<u2")
    if scan.invert:
        ds.PhotometricInterpretation = "MONOCHROME1"
        stored = 4095 - stored
    ds.PixelData = stored.tobytes()
    for keyword, value in scan.attributes.items():
        setattr(ds, keyword, value)
    return ds


def save(made: Made, folder: Path) -> list[Path]:
    """Write the slices and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, ds in enumerate(made.slices):
        path = folder / f"{number:04d}.dcm"
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
        paths.append(path)
    return paths


__all__ = [
    "COLIN",
    "FRAME_UID",
    "Head",
    "Made",
    "Scan",
    "colin",
    "from_nifti",
    "make",
    "mean_head",
    "replace",
    "save",
]
