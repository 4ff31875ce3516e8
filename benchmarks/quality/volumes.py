"""What each check of CT, MR and X-ray costs, and how many slices a core examines in a second with all of them.

    python benchmarks/quality/volumes.py [SLICES] [--rounds N]

Comes in: a number of slices (default 48) of 512 x 512 x 16 bits, made here: a phantom with noise, written uncompressed. Goes
out: slices per second of one core with every check on every slice and on the whole series, reading included, and a table of
milliseconds of processor for reading, decoding, each rule, and the signature by which a series is found again. On a busy
machine the wall clock tells little: everything is processor time, the best of the rounds. The bar is 60 slices a second and
core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import cv2
import numpy as np
from tests.unit.quality import phantoms

from midas.formats.dicom import read
from midas.protocol import load_named
from midas.quality import examine
from midas.quality.duplicate_series import sign
from midas.quality.examine import rules
from midas.quality.image import Image

SIDE, BAR = 512, 60.0
ITEMS = {item.id: item for name in ("oral-cancer", "meningioma") for item in load_named(name).protocol.items}
XRAY = ITEMS["face-neck-ct"].model_copy(update={"modalities": ("DX",), "sop_classes": (), "acquisition": ()})
KINDS = {
    "CT": (phantoms.ct, phantoms.ct_pixels, ITEMS["face-neck-ct"]),
    "MR": (phantoms.mr, phantoms.mr_pixels, ITEMS["brain-mr"]),
    "DX": (lambda _, pixels: phantoms.xray(pixels), phantoms.xray_pixels, XRAY),
}  # fmt: skip


def written(kind: str, count: int, folder: Path) -> list[Path]:
    make, pixels, _ = KINDS[kind]
    phantoms.SIDE = SIDE
    paths = []
    for number in range(count):
        ds = make(number, pixels(np.random.default_rng(number)))
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.25.1{number}"
        paths.append(folder / f"{kind}{number}.dcm")
        ds.save_as(paths[-1])
    return paths


def spent(work: Callable[[], Any], rounds: int) -> float:
    """Return milliseconds of processor, the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1000 * best


def by_rule(paths: list[Path], kind: str, rounds: int) -> dict[str, float]:
    """Return milliseconds a slice for reading, decoding and each rule by itself: what rules share counts in each of them."""
    item, told = KINDS[kind][2], {"read": 0.0, "decode": 0.0, "small picture": 0.0}
    images = [Image(read(path, pixels=True)) for path in paths]
    told["read"] = spent(lambda: [read(path, pixels=True) for path in paths], rounds)

    def fresh() -> None:
        for image in images:
            image.slices[0].let_go()
            image.slices[0].__dict__.pop("small", None)

    def decode() -> None:
        fresh()
        for image in images:
            image.slices[0].raw

    told["decode"] = spent(decode, rounds)
    for rule in rules("OBJECT"):
        told[rule.__name__] = spent(
            lambda rule=rule: [list(rule(image, item, "")) for image in images], rounds
        )
    for rule in rules("SLICE"):
        spared = told["decode"]

        def all_slices(rule: Any = rule) -> None:
            decode()
            for image in images:
                list(rule(image.slices[0], item, ""))

        told[f"{rule.__module__.split('.')[-1]}.{rule.__name__}"] = max(
            0.0, spent(all_slices, rounds) - spared
        )

    def small() -> None:
        decode()
        for image in images:
            image.slices[0].small

    told["small picture"] = max(0.0, spent(small, rounds) - told["decode"])
    for rule in rules("SERIES"):
        told[rule.__name__] = spent(lambda rule=rule: list(rule(images, item, "")), rounds)
    told["signature of the series"] = spent(lambda: sign(images), rounds)
    return {name: total / len(paths) for name, total in told.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slices", nargs="?", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    failed = 0
    for kind, (_, _, item) in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = written(kind, args.slices, Path(folder))
            whole = kind != "DX"
            one = spent(
                lambda p=paths, i=item, w=whole: examine(p, i, whole=w, also=sign if w else None), args.rounds
            )
            one /= len(paths)
            rate = 1000 / one
            failed += rate < BAR
            print(f"{kind}: {rate:.0f} slices a second and core ({one:.2f} ms each, bar {BAR:.0f} a second)")
            for name, cost in by_rule(paths, kind, args.rounds).items():
                if cost >= 0.005:
                    print(f"    {name:36} {cost:7.3f} ms")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
