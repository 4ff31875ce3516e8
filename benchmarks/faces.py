"""How well heads are defaced: overlap, face that goes, brain that stays, a face detector before and after, time.

    python benchmarks/faces.py [--quick] [HEAD.nii.gz ...]

Comes in: nothing, or NIfTI heads of your own. The packaged mean head (bent, so that it is not the template) and, where
Debian's mricron-data is installed, Colin27 are turned, scaled, tilted, framed, operated on and sliced in four planes, as
MR and as simulated CT. Goes out: one line a scan, and a summary. "Face" is the skin (9 mm) of the front from the brow
down, defined without the mask; "finds" are views (0, 15 and 30 degrees to each side) of the rendered skin in which both
models of the packaged detector see a face at the same place, before and after the cut.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import SimpleITK
from tests.deid_bench import USUAL, profile
from tests.face_phantoms import Head, Scan, colin, from_nifti, make, mean_head, save

from midas.deid.faces import FaceMask, cut, of_series
from midas.deid.faces.cutting import _cover
from midas.deid.faces.detect import faces
from midas.deid.faces.volume import header, planes, stacks, volume
from midas.deid.stream import open_file
from midas.deid.writing import Hashed, write

Array = np.ndarray[Any, Any]
sitk: Any = SimpleITK
ASKED = profile(*USUAL, "clean-recognizable-visual-features")
SCANS = {
    "MR axial 1 mm": Scan(pixel_mm=1.0, slice_mm=2.0),
    "MR sagittal, nodded": Scan(plane="sagittal", pitch=12, seed=2),
    "MR coronal, inverted": Scan(plane="coronal", invert=True, seed=3),
    "MR oblique, child": Scan(plane="oblique", scale=0.85, yaw=8, seed=4),
    "CT 5 mm": Scan(modality="CT", pixel_mm=1.0, slice_mm=5.0, seed=5),
    "CT tilted 18 degrees": Scan(modality="CT", tilt=18, seed=6),
    "CT stereotactic frame": Scan(modality="CT", frame=True, seed=7),
    "MR stereotactic frame": Scan(frame=True, seed=8),
    "CT after craniectomy": Scan(modality="CT", defect=True, seed=9),
    "CT infant, turned": Scan(modality="CT", scale=0.72, pitch=-10, roll=8, yaw=15, seed=10),
    "CT with gaps": Scan(modality="CT", missing=(25, 26, 40, 41), seed=11),
    "MR very noisy": Scan(noise=20, bend_mm=7, seed=12),
    "MR brain only": Scan(window=(0, 92), seed=13),
}
YAWS = (-30, -15, 0, 15, 30)


def rendered(values: Array, level: float, step: float, yaw: float, size: int = 256) -> Array:
    """Return the skin of a volume (z, y, x; LPS) as a camera before the patient sees it, lit from above."""
    import cv2

    angle, span = np.deg2rad(yaw), 250.0
    u = (np.arange(size) - size / 2) * span / size
    across, up = np.meshgrid(u, -u)
    right, ahead = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    middle = np.array(values.shape[::-1]) * step / 2
    start = middle + across[..., None] * right + up[..., None] * np.array([0, 0, 1.0]) - ahead * 160
    depth, hit = np.full((size, size), 320.0, np.float32), np.zeros((size, size), bool)
    for far in np.arange(0, 320, 1.0):
        index = np.rint((start + ahead * far) / step).astype(np.int32)
        inside = ~hit & np.all((index >= 0) & (index < values.shape[::-1]), axis=-1)
        at = index[inside]
        new = np.zeros_like(hit)
        new[inside] = values[at[:, 2], at[:, 1], at[:, 0]] > level
        depth[new] = far
        hit |= new
    smooth = cv2.GaussianBlur(depth, (0, 0), 1.5)
    down, sideways = np.gradient(smooth, span / size)
    normal = np.stack([sideways, -down, np.ones_like(smooth)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([-0.3, 0.5, 0.8]) / np.linalg.norm([-0.3, 0.5, 0.8])
    grey = np.where(hit, (np.clip(normal @ light, 0, 1) * 0.85 + 0.15) * 255, 30)
    return np.stack([grey * 0.95, grey * 0.78, grey * 0.68], axis=-1).astype(np.uint8)


def skin_views(paths: list[Path], *, ct: bool) -> list[Array]:
    """Return the rendered views of a series of files."""
    stack = stacks(plane for path in paths for plane in planes(header(path), path))[0]
    seen = volume(stack)
    values = seen.values if ct else np.where(seen.seen, seen.values, 0)
    level = -300.0 if ct else seen.air + 0.22 * (np.percentile(values[seen.seen], 98) - seen.air)
    small = sitk.GetImageFromArray(values)
    grid = sitk.Image([n * 2 for n in small.GetSize()], sitk.sitkFloat32)
    grid.SetSpacing((0.5,) * 3)
    fine = sitk.GetArrayFromImage(
        sitk.Resample(small, grid, sitk.Transform(), sitk.sitkBSpline, float(seen.air))
    )
    return [rendered(fine, level, seen.step / 2, yaw) for yaw in YAWS]


def found(views: list[Array]) -> int:
    """Return in how many views both models see a face at the same place."""
    return sum(any(len(face.by) == 2 for face in faces(view)) for view in views)


def measure(head: Head, scan: Scan, folder: Path, *, look: bool) -> dict[str, Any]:
    """Make one scan, deface it and return what came of it."""
    made = make(head, scan)
    paths = save(made, folder / "in")
    started = time.process_time()
    verdict = of_series(paths, out=folder / "mask", profile=ASKED)
    line: dict[str, Any] = {
        "state": verdict.state, "reason": verdict.reason, "overlap": verdict.overlap,
        "cpu": time.process_time() - started, "files": len(paths), "face": None, "brain": None, "before": None,
        "after": None, "cut": None,
    }  # fmt: skip
    if verdict.state != "mask":
        return line
    (folder / "out").mkdir()
    started = time.process_time()
    for path in paths:
        opened = open_file(path)
        cut(opened, mask=folder / "mask")
        with (folder / "out" / path.name).open("wb") as out:
            write(opened, Hashed(out))
    line["cut"] = (time.process_time() - started) / len(paths)
    line["face"], line["brain"] = shares(made, paths, FaceMask.load(folder / "mask"))
    if look:
        line["before"] = found(skin_views(paths, ct=scan.modality == "CT"))
        line["after"] = found(skin_views(sorted((folder / "out").iterdir()), ct=scan.modality == "CT"))
    return line


def shares(made: Any, paths: list[Path], mask: FaceMask) -> tuple[float, float]:
    face, brain = np.zeros(2), np.zeros(2)
    for number, path in enumerate(paths):
        cover = _cover(next(planes(header(path), path)), mask)
        cover = np.zeros_like(made.face[number]) if cover is None else cover > 0
        face += (made.face[number] & cover).sum(), made.face[number].sum()
        brain += (made.brain[number] & ~cover).sum(), made.brain[number].sum()
    return float(face[0] / max(face[1], 1)), float(brain[0] / max(brain[1], 1))


def shown(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("heads", nargs="*", type=Path, help="NIfTI heads of your own")
    parser.add_argument("--quick", action="store_true", help="fewer scans, no rendering")
    asked = parser.parse_args()
    heads = {
        "mean": mean_head(),
        "colin": colin(),
        **{path.name.split(".")[0]: from_nifti(path) for path in asked.heads},
    }
    windows, lines = {"mean": 210.0}, []
    print(
        f"{'head':8s} {'scan':24s} {'state':12s} {'overlap':>7s} {'face %':>7s} {'brain %':>8s} {'finds':>6s} {'cpu s':>6s}"
    )
    for name, head in heads.items():
        if head is None:
            continue
        for title, scan in list(SCANS.items())[:: 4 if asked.quick else 1]:
            deep = min(scan.window[1], windows.get(name, 190.0)) * (scan.scale if scan.window[1] > 100 else 1)
            with tempfile.TemporaryDirectory() as folder:
                line = measure(head, replace(scan, window=(0.0, deep)), Path(folder), look=not asked.quick)
            lines.append(line)
            finds = "-" if line["before"] is None else f"{line['before']}>{line['after']}"
            print(
                f"{name:8s} {title:24s} {line['state']:12s} {shown(line['overlap'], '7.3f'):>7s} "
                f"{shown(line['face'] and line['face'] * 100, '7.2f'):>7s} "
                f"{shown(line['brain'] and line['brain'] * 100, '8.3f'):>8s} {finds:>6s} {line['cpu']:6.1f}",
                flush=True,
            )
    cut_ones = [line for line in lines if line["state"] == "mask"]
    print(
        f"\n{len(lines)} scans: {len(cut_ones)} cut, {sum(line['state'] == 'person' for line in lines)} to a person; "
        f"overlap {min(line['overlap'] for line in cut_ones):.3f} to {max(line['overlap'] for line in cut_ones):.3f}; "
        f"face skin gone {statistics.mean(line['face'] for line in cut_ones):.2%} on average, "
        f"least {min(line['face'] for line in cut_ones):.2%}; brain kept at least "
        f"{min(line['brain'] for line in cut_ones):.3%}; faces seen in views {sum(line['before'] or 0 for line in lines)} "
        f"before, {sum(line['after'] or 0 for line in lines)} after; "
        f"{statistics.median(line['cpu'] for line in lines):.1f} s a series, "
        f"{statistics.median(line['cut'] for line in cut_ones) * 1000:.0f} ms a slice"
    )


if __name__ == "__main__":
    main()
