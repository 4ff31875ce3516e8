"""Write the packaged head template of `midas.deid.faces` from the data that pydeface's wheel carries.

    python tools/make_face_template.py pydeface-2.1.0-py3-none-any.whl

Comes in: a wheel that pip downloaded (MIT licence). Goes out: `midas/deid/faces/data/head.npz` (mean head at 3 mm, and at
2 mm which voxels are head, face, orbit, teeth, jaw and brain) and `LICENSE.pydeface`. Nothing is downloaded. pydeface's face
mask ends below the brow and at the border of its own picture; here it is raised over the eyes, where it touches no brain
(checked by `benchmarks/faces.py`), and carried on to the borders of the grid, forwards and sideways.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

sitk: Any = SimpleITK
DATA = Path(__file__).parents[1] / "src" / "midas" / "deid" / "faces" / "data"
LOW, HIGH = (-96.0, -141.0, -120.0), (96.0, 126.0, 126.0)
"""Corners of the packaged grids: mm in the template's own patient axes (LPS)."""
COARSE, FINE = 3.0, 2.0
RAISED_MM, BETWEEN_MM = (8.0, 22.0), (-72.0, -96.0)
"""How far the mask is raised: least at the back of the globes, most at the brow (frontal planes, LPS y in mm)."""
BOXES = {
    "orbit": ((-52, -100, -48), (52, -52, -16)),
    "teeth": ((-34, -110, -125), (34, -62, -66)),
    "jaw": ((-60, -112, -150), (60, -30, -60)),
}
"""What a protocol may ask to keep, as boxes (LPS mm) read off the mean head; only voxels behind the skin are kept."""

CHEEK_MM = 76.0
"""Beyond this far from the midline the mask goes on sideways."""
BRAIN_DEEP_MM = 12.0
"""Scalp and skull over the mean head's brain at its thinnest in front."""
BASE_MM = ((-140, -58, -44, -20, 20, 60, 126), (-15, -15, -40, -46, -66, -60, -40))
"""The base of the brain in profile, read off the mean head: LPS y, and z above which brain lies (mm)."""


def grid(step: float) -> Any:
    size = [round((high - low) / step) + 1 for low, high in zip(LOW, HIGH, strict=True)]
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetOrigin(LOW)
    image.SetSpacing((step,) * 3)
    return image


def on(image: Any, step: float, how: int) -> np.ndarray[Any, Any]:
    made = sitk.Resample(image, grid(step), sitk.Transform(), how, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(made)


def largest(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    opened = sitk.BinaryMorphologicalOpening(sitk.GetImageFromArray(mask.astype(np.uint8)), [2, 2, 2])
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(opened), sortByObjectSize=True)
    filled = sitk.BinaryFillhole(sitk.BinaryMorphologicalClosing(parts == 1, [4, 4, 4]))
    return sitk.GetArrayFromImage(filled).astype(bool)


def raised(face: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Raise the mask over the eyes: each voxel before the back of the globes also covers what lies just above it."""
    made, along = face.copy(), LOW[1] + np.arange(face.shape[1]) * FINE
    lift = np.interp(-along, [-BETWEEN_MM[0], -BETWEEN_MM[1]], RAISED_MM, left=0.0)
    for step in range(1, round(RAISED_MM[1] / FINE) + 1):
        columns = lift >= step * FINE
        made[step:, columns] |= face[:-step, columns]
    return made


def carried_on(face: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Carry the mask on from the border of pydeface's picture to the border of the grid: forwards and to both sides."""
    made = np.maximum.accumulate(face[:, ::-1], axis=1)[:, ::-1].copy()
    for aside in range(round((-CHEEK_MM - LOW[0]) / FINE), 0, -1):
        made[:, :, aside - 1] |= made[:, :, aside]
        made[:, :, -aside] |= made[:, :, -aside - 1]
    return made


def brain_in(head: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what lies under scalp and skull and above the skull's base."""
    reach = [round(BRAIN_DEEP_MM / FINE)] * 3
    inner = sitk.GetArrayFromImage(sitk.BinaryErode(sitk.GetImageFromArray(head.astype(np.uint8)), reach))
    z, y = (LOW[axis] + np.arange(head.shape[2 - axis]) * FINE for axis in (2, 1))
    return inner.astype(bool) & (z[:, None] > np.interp(y, *BASE_MM)[None, :])[:, :, None]


def in_box(shape: tuple[int, ...], name: str) -> np.ndarray[Any, Any]:
    low, high = BOXES[name]
    z, y, x = (LOW[axis] + np.arange(shape[2 - axis]) * FINE for axis in (2, 1, 0))
    inside = [(along >= low[axis]) & (along <= high[axis]) for axis, along in ((2, z), (1, y), (0, x))]
    return inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed, tempfile.TemporaryDirectory() as folder:
        files = {Path(name).name: packed.read(name) for name in packed.namelist()}
        for name in ("mean_reg2mean.nii.gz", "facemask.nii.gz"):
            (Path(folder) / name).write_bytes(files[name])
        head = sitk.ReadImage(str(Path(folder) / "mean_reg2mean.nii.gz"), sitk.sitkFloat32)
        keep = sitk.ReadImage(str(Path(folder) / "facemask.nii.gz"), sitk.sitkFloat32)
    mean = on(sitk.SmoothingRecursiveGaussian(head, COARSE / 2), COARSE, sitk.sitkLinear)
    top = float(np.percentile(mean, 99.5))
    fine = on(head, FINE, sitk.sitkLinear)
    face = carried_on(raised(on(1 - keep, FINE, sitk.sitkNearestNeighbor) > 0.5))
    solid = largest(fine > 0.22 * top)
    labels = solid.astype(np.uint8) | face.astype(np.uint8) << 1 | brain_in(solid).astype(np.uint8) << 5
    for bit, name in enumerate(("orbit", "teeth", "jaw"), start=2):
        labels |= in_box(face.shape, name).astype(np.uint8) << bit
    about = {
        "source": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(), "licence": "MIT",
        "origin": LOW, "template_mm": COARSE, "labels_mm": FINE,
        "bits": ["head", "face", "orbit", "teeth", "jaw", "brain"],
    }  # fmt: skip
    DATA.mkdir(exist_ok=True)
    np.savez_compressed(
        DATA / "head.npz", template=np.clip(mean / top * 255, 0, 255).astype(np.uint8), labels=labels,
        about=np.frombuffer(json.dumps(about).encode(), np.uint8),
    )  # fmt: skip
    (DATA / "LICENSE.pydeface").write_bytes(files["LICENSE.txt"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
