"""Measures of images and readers beside published implementations of the same, run on the same inputs in the same run.

    python benchmarks/quality/references.py

MRIQC 24.0.2 (Apache-2.0), actilib 0.99.1 (GPL-3.0) and scikit-learn 1.9.1 (BSD-3) run in an environment of their own, only
started here, never imported; of MRIQC the file of its measures alone, since the whole of it wants a neuroimaging suite.
scikit-image and ImageHash are at hand. Goes out: a table of the largest difference of each measure over all inputs, and 1
where one is further apart than it may be. Measures that are defined alike must be the same; where MIDAS measures the same
thing in another way (`in kind`), the table says how far apart the answers are, as a part of theirs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import imagehash
import numpy as np
from benchmarks.peers.stand import environment
from PIL import Image as Picture
from skimage import data, filters
from skimage.color import rgb2hed
from skimage.measure import blur_effect
from skimage.restoration import estimate_sigma
from tests.unit.quality import phantoms

from midas.annotate.agreeing import dice, kappa
from midas.quality.ct import noise_of
from midas.quality.duplicates import hashes
from midas.quality.mr import RAYLEIGH, focus_entropy
from midas.quality.sharpness import blur
from midas.quality.slides import haematoxylin, optical_density
from midas.quality.xray import sigma

PACKAGES = [
    "--no-deps", "mriqc==24.0.2", "actilib==0.99.1", "scikit-learn==1.9.1", "numpy==2.4.6", "scipy==1.17.1", "joblib==1.6.0",
    "threadpoolctl==3.8.0", "cloudpickle==3.1.2", "narwhals==2.29.0",
]  # fmt: skip
GREY = ("camera", "coins", "page", "moon", "text", "brick")
NAMES = (
    "camera",
    "astronaut",
    "coins",
    "coffee",
    "rocket",
    "moon",
    "brick",
    "grass",
    "gravel",
    "page",
    "text",
    "clock",
)

THEIRS = """
import importlib.util, json, sys, types
from pathlib import Path
import numpy as np
from sklearn.metrics import cohen_kappa_score, f1_score
from actilib.analysis.gnl import calculate_gnl
logger = types.SimpleNamespace(warning=lambda *words: None)
config = types.SimpleNamespace(loggers=types.SimpleNamespace(interface=logger))
sys.modules["mriqc"] = types.SimpleNamespace(config=config)
file = next(Path(one) / "mriqc/qc/anatomical.py" for one in sys.path if (Path(one) / "mriqc/qc/anatomical.py").exists())
spec = importlib.util.spec_from_file_location("anatomical", file)
mriqc = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mriqc)
held = np.load(sys.argv[1])
found = {"efc": [mriqc.efc(one.astype(float), decimals=12) for one in held["mr"]],
         "snr": [mriqc.snr_dietrich(*one) for one in held["regions"]],
         "gnl": [], "kappa": [], "weighted": [], "dice": []}
for one in held["ct"]:
    header = types.SimpleNamespace(PixelSpacing=[0.8, 0.8])
    found["gnl"].append(float(calculate_gnl({"pixels": one.astype(float), "header": header})[0]))
for first, second in held["read"]:
    found["kappa"].append(cohen_kappa_score(first, second, labels=range(4)))
    found["weighted"].append(cohen_kappa_score(first, second, labels=range(4), weights="linear"))
for first, second in held["masks"]:
    found["dice"].append(f1_score(first.ravel(), second.ravel()))
print(json.dumps(found, default=float))
"""


class Line(NamedTuple):
    """One row of the table: what was measured, by whose implementation, the two lists of answers, how far they may part."""

    measure: str
    by: str
    ours: list[float]
    theirs: list[float]
    most: float
    kind: str = "the same"

    @property
    def difference(self) -> float:
        apart = np.abs(np.array(self.ours) - np.array(self.theirs))
        return float((apart / np.abs(self.theirs) if self.kind == "in kind" else apart).max())


def inputs() -> dict[str, Any]:
    """Return what both sides measure: phantoms of MR and CT, readings of four values, pairs of masks."""
    draw = np.random.default_rng(11)
    phantoms.SIDE = 256
    read = draw.integers(0, 4, (12, 2, 80))
    read[:, 1] = np.where(draw.random((12, 80)) < np.linspace(0, 1, 12)[:, None], read[:, 0], read[:, 1])
    first = draw.random((8, 32, 32)) < 0.3
    masks = np.stack([first, first ^ (draw.random((8, 32, 32)) < 0.1)], 1)
    noisy = (4, 8, 12, 16)
    return {
        "mr": np.array([phantoms.mr_pixels(draw) for _ in range(4)] + [data.camera()[:256, :256]]).astype(np.float32),
        "regions": np.array([[800, 30, 31], [400, 20, 20], [120, 4, 4.5]], float),
        "ct": np.array([phantoms.ct_pixels(draw, noise=noise) for noise in noisy]).astype(np.float32),
        "read": read, "masks": masks,
    }  # fmt: skip


def apart(given: dict[str, Any]) -> dict[str, list[float]] | str:
    """Return what the implementations in an environment of their own answer, or why they do not."""
    python = environment("measures", PACKAGES)
    if isinstance(python, str):
        return python
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "given.npz", **given)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", THEIRS, Path(folder) / "given.npz"],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no result"])[-1][:120]
    return dict(json.loads(done.stdout))


def elsewhere(given: dict[str, Any], told: dict[str, list[float]]) -> list[Line]:
    names = [str(value) for value in range(4)]

    def kappas(ordinal: bool) -> list[float]:
        pairs = [[(str(a), str(b)) for a, b in zip(*one, strict=True)] for one in given["read"]]
        return [float(kappa(one, names, ordinal=ordinal).value or 0) for one in pairs]

    noise = [found.usual if (found := noise_of(one, 0.8)) else 0.0 for one in given["ct"]]
    ratios = [RAYLEIGH * signal / air for signal, air, _ in given["regions"]]
    return [
        Line("entropy focus criterion", "MRIQC efc", [focus_entropy(one) for one in given["mr"]], told["efc"], 1e-4),
        Line("signal to noise of MR", "MRIQC snr_dietrich", ratios, told["snr"], 1e-4),
        Line("global noise level of CT, HU", "actilib gnl, whole HU", noise, told["gnl"], 1.5),
        Line("Cohen's kappa", "scikit-learn", kappas(False), told["kappa"], 1e-9),
        Line("kappa, linear weights", "scikit-learn", kappas(True), told["weighted"], 1e-9),
        Line("Dice", "scikit-learn f1", [dice({"a": a}, {"a": b})["a"] for a, b in given["masks"]], told["dice"], 1e-9),
    ]  # fmt: skip


def here() -> list[Line]:
    """Compare with what is installed anyway."""
    draw = np.random.default_rng(12)
    grey = [getattr(data, name)() for name in GREY]
    soft = [np.rint(255 * filters.gaussian(one, 2)).astype(np.uint8) for one in grey]
    xrays = [phantoms.xray_pixels(draw, noise=noise).astype(np.float32) for noise in (10, 20, 60, 150)]
    stained = data.immunohistochemistry()
    ours = haematoxylin(optical_density(stained)).ravel()
    return [
        Line("blur", "scikit-image blur_effect", [blur(one) or 0 for one in grey + soft],
             [blur_effect(one, h_size=11) for one in grey + soft], 1e-6),
        Line("noise of X-ray", "scikit-image estimate_sigma", [sigma(one) for one in xrays],
             [float(estimate_sigma(one)) for one in xrays], 0.15, "in kind"),
        Line("haematoxylin (correlation)", "scikit-image rgb2hed",
             [float(np.corrcoef(rgb2hed(stained)[..., 0].ravel(), ours)[0, 1])], [1.0], 0.02, "in kind"),
        Line("hash: bits of unlike pictures", "ImageHash phash", [_unlike(hashes_of)], [_unlike(phashes_of)], 0.1,
             "in kind"),
    ]  # fmt: skip


def hashes_of(one: np.ndarray) -> int:
    return int(hashes(one)[0])


def phashes_of(one: np.ndarray) -> int:
    return int(str(imagehash.phash(Picture.fromarray(one))), 16)


def _unlike(mark: Callable[[np.ndarray], int]) -> float:
    """Return by how many bits, in the mean, two pictures that are nothing to each other differ."""
    marks = [mark(getattr(data, name)()) for name in NAMES]
    pairs = [(one, other) for at, one in enumerate(marks) for other in marks[at + 1 :]]
    return float(np.mean([(one ^ other).bit_count() for one, other in pairs]))


def main() -> int:
    given = inputs()
    told = apart(given)
    lines = here() + ([] if isinstance(told, str) else elsewhere(given, told))
    if isinstance(told, str):
        print(f"MRIQC, actilib and scikit-learn did not run: {told}")
    wide = max(len(one.measure) for one in lines)
    print(f"{'measure':{wide}}  {'beside':28} {'inputs':>6}  {'largest difference':>18}  may be")
    wrong = 0
    for one in lines:
        wrong += one.difference > one.most
        share = " of theirs" if one.kind == "in kind" else ""
        says = "" if one.difference <= one.most else "  TOO FAR"
        print(
            f"{one.measure:{wide}}  {one.by:28} {len(one.ours):6}  {one.difference:18.2g}  {one.most:g}{share}{says}"
        )
    return 1 if wrong or isinstance(told, str) else 0


if __name__ == "__main__":
    sys.exit(main())
