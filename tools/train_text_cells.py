"""Train the small network that says which cells of a picture could hold text: `python tools/train_text_cells.py [SEEDS]`.

In come pictures of `benchmarks/deid_pixels_images.py` with lines of known place, out goes `tables/text_cells.json`. The
seeds used here are not those that the benchmark audits with.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.optimize import minimize

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "benchmarks"))

import deid_pixels_images as images
from midas.deid.model import Held
from midas.deid.pictures.candidates import CELL, LEVELS, SPARSE, features
from midas.deid.pictures.frames import Frames
from midas.deid.pictures.views import views
from midas.deid.stream import open_file

OUT = HERE / "src/midas/deid/tables/text_cells.json"
HIDDEN, LEAST = 20, -2.0
LOWEST, HIGHEST = 7, 26
"""Heights of ink in pixels that a size of looking must catch."""


def examples(seed: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (features, label) of cells: 1 for text, 0 for none; cells near text or of text of another size are left out."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for case in images.cases(random.Random(seed), count):
            if not case.clean and not case.lines:
                continue
            path = Path(folder) / "one.dcm"
            try:
                case.ds.save_as(path, enforce_file_format=True)
                picture = next(views(Frames(open_file(path)))).picture
            except (Held, ValueError):
                continue
            for level in range(LEVELS - 1):
                if min(picture.shape[:2]) < 48:
                    break
                made.append(_labelled(picture, case.lines, 0.5**level))
                picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return made


def _labelled(picture: Any, lines: list[images.Line], scale: float) -> tuple[np.ndarray, np.ndarray]:
    measured = features(picture)
    label = np.zeros(measured.shape[:2], np.int8)
    for line in lines:
        tall, wide = line.glyphs.shape
        top, left = line.top * scale, line.left * scale
        bottom, right = top + tall * scale, left + wide * scale
        label[
            max(int(top - 16) // CELL, 0) : int(bottom + 16) // CELL + 1,
            max(int(left - 16) // CELL, 0) : int(right + 16) // CELL + 1,
        ] = -1
        if LOWEST <= min(tall, wide) * scale <= HIGHEST:
            label[
                int(top + 2) // CELL : int(bottom - 2) // CELL + 1,
                int(left + 2) // CELL : int(right - 2) // CELL + 1,
            ] = 1
    keep = (label >= 0) & (measured[..., 0] > SPARSE)
    return measured[keep], label[keep]


def train(inputs: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the network's table; text weighs as much as everything else together."""
    centre, spread = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    rng = np.random.default_rng(1)
    text, rest = np.flatnonzero(labels == 1), rng.permutation(np.flatnonzero(labels == 0))[:120_000]
    chosen = np.concatenate([text, rest])
    x, y = (inputs[chosen] - centre) / spread, labels[chosen].astype(float)
    weight = np.where(y == 1, len(rest) / len(text), 1.0)
    wide = x.shape[1]

    def parted(all_: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        cut = wide * HIDDEN
        return (
            all_[:cut].reshape(wide, HIDDEN),
            all_[cut : cut + HIDDEN],
            all_[cut + HIDDEN : -1],
            float(all_[-1]),
        )

    def loss(all_: np.ndarray) -> tuple[float, np.ndarray]:
        inner, bias, outer, last = parted(all_)
        hidden = np.tanh(x @ inner + bias)
        out = hidden @ outer + last
        wrong = weight * (1 / (1 + np.exp(-out)) - y) / len(y)
        back = np.outer(wrong, outer) * (1 - hidden**2)
        slope = np.concatenate([(x.T @ back).ravel(), back.sum(axis=0), hidden.T @ wrong, [wrong.sum()]])
        return float(
            (weight * (np.logaddexp(0, out) - y * out)).mean() + 1e-4 * all_ @ all_
        ), slope + 2e-4 * all_

    start = rng.normal(0, 0.3, wide * HIDDEN + 2 * HIDDEN + 1)
    inner, bias, outer, last = parted(
        minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    )
    return {
        "about": "Weights of the network that says which 8 x 8 cells could hold text; see midas.deid.pictures.candidates.",
        "source": "trained by tools/train_text_cells.py on made and public pictures with planted text",
        "centre": _short(centre), "spread": _short(spread), "inner": _short(inner), "inner_bias": _short(bias),
        "outer": _short(outer), "outer_bias": round(last, 4), "least": LEAST,
    }  # fmt: skip


def _short(values: np.ndarray) -> Any:
    return np.round(values.astype(float), 4).tolist()


def main() -> None:
    seeds = [int(one) for one in sys.argv[1:]] or [101, 102, 103, 104]
    pairs = [pair for seed in seeds for pair in examples(seed, 64)]
    inputs, labels = np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
    table = train(inputs.astype(float), labels)
    OUT.write_text(json.dumps(table) + "\n", "utf-8")
    print(f"{len(labels)} cells, {int((labels == 1).sum())} of text; written {OUT.name}")


if __name__ == "__main__":
    main()
