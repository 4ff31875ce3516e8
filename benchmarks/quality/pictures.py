"""What the checks of photographs and slides cost beside decoding, and how near-duplicates are found among a million.

    python benchmarks/quality/pictures.py [--pictures 1000000] [--rounds N] [--windows N] [--only-search] [--scans FOLDER]

Comes in: nothing; pictures are made of scikit-image's. Goes out, in seconds or milliseconds of one core's processor time,
the best of the rounds, since a busy machine's clock tells little: decoding and checking a photograph of 12 million pixels
and a slide (the bar is twice the decoding), a picture's hashes and a candidate's second look; the search at growing
sizes, with planted copies that must all be found, and how its cost grows (2 would be quadratic); what share of cropped
copies of real pictures is found. With `--windows N` only N windows are searched, the whole picture among them.

With `--scans FOLDER` only scans are compared: NIfTI files, each of another person up to the first `_` of its name. Told are
how many pairs of two persons, cut the same way, are taken for one scan, and what share of copies is found, spoilt each way.
"""

from __future__ import annotations

import argparse
import io
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import cv2
import nibabel
import numpy as np
import tifffile
from PIL import Image as Picture
from skimage import data
from tests.unit.quality.scans import AGAIN, slices
from tests.unit.quality.test_quality_duplicate_series import candidate
from tests.unit.quality.test_quality_duplicates import PICTURES, crop, spoilt, turn
from tests.unit.quality.test_quality_slides import SLIDE, on_glass

from midas.formats import Kind
from midas.formats.dicom import read
from midas.ingest import Door, to_dicom
from midas.quality import examine
from midas.quality.duplicate_series import FEWEST, SAME, Signature, alike_series, sign
from midas.quality.duplicates import CROPPED, WINDOWS, alike, hashes, pairs
from midas.quality.image import Image
from midas.quality.lookup import distance
from midas.quality.photos import photograph

BAR = 2.0
DOOR = Door(
    patient_id="P-1", study_date=None, view=None, laterality=None, anatomy=None, modality="SM", specimen="S-1",
    objective_power=20, mpp_um=None, study_key="s", series_key="slide-1",
)  # fmt: skip


def spent(work: Callable[[], Any], rounds: int = 1) -> float:
    """Return seconds of processor, the best of the rounds."""
    best = math.inf
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def photographs(rounds: int) -> bool:
    shown = cv2.resize(data.astronaut(), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    held = io.BytesIO()
    Picture.fromarray(shown).save(held, "JPEG", quality=92)
    stream = held.getvalue()

    def decode() -> np.ndarray:
        return np.asarray(Picture.open(io.BytesIO(stream)).convert("RGB"))

    pixels = decode()
    decoding = spent(decode, rounds)
    checking = spent(lambda: photograph(pixels, stream=stream), rounds)
    print(
        f"photograph, 12 Mpx: decoding {1000 * decoding:.0f} ms, all checks {1000 * checking:.0f} ms", end=""
    )
    print(f": {checking / decoding:.2f} x decoding (bar {BAR:g})")
    small = cv2.resize(pixels, (384, 288), interpolation=cv2.INTER_AREA)
    print(
        f"    {len(WINDOWS)} hashes of a preview: {1000 * spent(lambda: hashes(small), rounds):.2f} ms",
        end="",
    )
    print(
        f"; a candidate's second look: {1000 * spent(lambda: alike(small, small[:-20, 9:]), rounds):.0f} ms"
    )
    return checking <= BAR * decoding


def slides(rounds: int) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tifffile.TiffWriter(folder / "slide") as tiff:
            tiff.write(
                on_glass("he", high=6144, wide=8192), tile=(512, 512), compression="jpeg", photometric="rgb",
                resolution=(20000, 20000), resolutionunit="CENTIMETER",
            )  # fmt: skip
        files = to_dicom(folder / "slide", kind=Kind.SLIDE, door=DOOR, out=folder / "out")
        decoding = spent(
            lambda: [one.raw for path in files for one in Image(read(path, pixels=True)).slices], rounds
        )
        checking = spent(lambda: examine(files, SLIDE, whole=True), rounds)
    print(f"slide, 8192 x 6144 in {len(files)} levels: decoding it all {1000 * decoding:.0f} ms", end="")
    print(
        f", all checks with their own decoding {1000 * checking:.0f} ms: {checking / decoding:.2f} x (bar {BAR:g})"
    )
    return checking <= BAR * decoding


def planted(number: int, windows: int) -> tuple[np.ndarray, int]:
    """Random hashes of so many pictures and windows: one picture in a hundred is a copy, every other copy a cropped one.

    Of a picture `at`, the copy stands at `at` plus the number returned; only a window of it looks like a cropped copy.
    """
    held, copies = spoilt(number // 100, 5, CROPPED)
    random = np.random.default_rng(8)
    marks = np.empty((number, windows), np.uint64)
    for window in range(windows):
        marks[:, window] = random.integers(1, 1 << 63, number, dtype=np.uint64)
    many = len(held)
    marks[:many, 0], marks[many : 2 * many, 0] = held, copies
    if windows > 1:
        cropped = np.arange(0, many, 2)
        marks[cropped, 0] = random.integers(1, 1 << 63, len(cropped), dtype=np.uint64)
        marks[cropped, random.integers(1, windows, len(cropped))] = held[cropped]
    return marks, many


def search(most: int, windows: int) -> bool:
    """Search random hashes at three sizes, without any help from the data."""
    before, whole = math.nan, True
    for number in (most // 16, most // 4, most):
        marks, many = planted(number, windows)
        found: list[Any] = []
        start = time.monotonic()
        cost = spent(lambda m=marks, f=found: f.extend(pairs(m)))
        took = time.monotonic() - start
        seen = {(one.first, one.second) for one in found}
        whole &= all((at, at + many) in seen for at in range(many))
        print(
            f"{number:9,} pictures, {windows} windows: {cost:8.1f} s of processor, {took:8.1f} s of the clock",
            end="",
        )
        print(f", {len(found):,} pairs", end="")
        print(
            f", growing by the power {math.log(cost / before, 4):.2f}" if before == before else "", flush=True
        )
        before = cost
        print(f"{'':9} comparing all with all: about {_all(marks[:, 0], windows):,.0f} s")
    print(f"every planted copy found: {'yes' if whole else 'NO'}; peak memory {_peak():.1f} GB")
    return whole


def _all(marks: np.ndarray, windows: int) -> float:
    """Estimate what comparing all with all would take, eight ways and all windows, from a part of it."""
    one = spent(lambda: [distance(marks, marks[at]) for at in range(10)]) / 10
    return one * len(marks) * (windows - 0.5)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def cropped() -> None:
    random, marks = np.random.default_rng(6), {name: hashes(picture) for name, picture in PICTURES.items()}
    for most in (0.03, 0.05, 0.1, 0.15):
        near = []
        for name, picture in PICTURES.items():
            for _ in range(20):
                copy = hashes(
                    turn(crop(picture, tuple(random.uniform(0, most, 4))), int(random.integers(8)))
                )[0]
                near.append(distance(marks[name], np.full(len(WINDOWS), copy)).min() <= CROPPED)
        print(f"crops of up to {most:.0%} on each of four sides, turned: {np.mean(near):.0%} found")


def _signature(volume: np.ndarray) -> Signature | None:
    images = [Image(ds) for ds in slices(volume)]
    for image in images:
        image.slices[0].small
    return sign(images)


def _cut(path: Path) -> dict[str, np.ndarray]:
    """Return a scan in slices across each axis, about 3 mm apart, less those that are too coarse or too few."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    values = np.asarray(image.dataobj, np.float32)
    values = values[..., 0] if values.ndim == 4 else values
    low, high = values.min(), np.percentile(values, 99.9)
    values = np.clip((values - low) * (4000 / (high - low)), 0, 4000)
    found = {}
    for axis, name in enumerate(("sagittal", "coronal", "axial")):
        spacing = [float(size) for size in image.header.get_zooms()[:3]]
        step = max(1, round(3 / spacing.pop(axis)))
        if max(spacing) <= 2 * min(spacing) and values.shape[axis] // step >= FEWEST:
            turned = np.moveaxis(values, axis, 0)[::step].transpose(0, 2, 1)[:, ::-1]
            found[name] = np.ascontiguousarray(turned)
    return found


def scans(folder: Path) -> bool:
    """Compare real scans of different persons, and each with copies of itself."""
    held = [
        (path.name.split("_")[0], plane, volume, _signature(volume))
        for path in sorted(folder.glob("*.nii*"))
        for plane, volume in _cut(path).items()
    ]  # fmt: skip
    signed = [one for one in held if one[3] is not None]
    print(f"{len({one[0] for one in signed})} persons, {len(signed)} series signed of {len(held)}")
    apart = [
        (
            alike_series(one[3].slabs, other[3].slabs).score,
            candidate(one[3], other[3]),
            one[0],
            other[0],
            one[1],
        )
        for one, other in combinations(signed, 2)
        if one[0] != other[0] and one[1] == other[1]
    ]
    wrong = [one for one in apart if one[1] and one[0] >= SAME]
    print(
        f"{len(apart)} pairs of two persons: {sum(one[1] for one in apart)} candidates, {len(wrong)} taken for one scan"
    )
    print(
        f"    the most alike: {', '.join(f'{one[0]:.2f} {one[2]} {one[3]} {one[4]}' for one in sorted(apart)[-3:])}"
    )
    for way, spoil in AGAIN.items():
        found = []
        for _, _, volume, mine in signed:
            copy = _signature(spoil(volume))
            near = copy is not None and candidate(mine, copy)
            found.append(near and alike_series(mine.slabs, copy.slabs).score >= SAME)
        print(f"    {way}: {sum(found)} of {len(found)} found")
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=len(WINDOWS))
    parser.add_argument("--only-search", action="store_true")
    parser.add_argument("--scans", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.scans:
        return 0 if scans(args.scans) else 1
    right = [] if args.only_search else [photographs(args.rounds), slides(args.rounds)]
    cropped()
    right.append(search(args.pictures, args.windows))
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
