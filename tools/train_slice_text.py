"""Train the small network by which slices pass without a search: `python tools/train_slice_text.py FOLDER [MINUTES]`.

In come slices of CT and MR without text (16-bit DICOM below FOLDER), phantoms made here and lines of text of known place,
plain, noisy, blended or once compressed with loss; out goes `tables/slice_text.onnx`. It needs PyTorch and onnx,
which MIDAS does not. Audit what comes out with `benchmarks/deid_pixels.py`, whose seeds and slices are others.
"""

from __future__ import annotations

import io
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import torch
from PIL import Image
from torch import nn

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "benchmarks"))

import deid_pixels_images as images
from midas.deid.pictures.gate import grey

OUT = HERE / "src/midas/deid/tables/slice_text.onnx"
SIDE, CELL, BATCH, POOL, FRESH = 192, 8, 32, 6000, 400
"""Pixels of a piece and of a cell; pieces a step and in all; steps after which a part of them is made anew."""
MODES = ("plain", "plain", "noise", "noise", "blend", "lossy", "lossy", "noise+blend")
LEAST, CLEAR = 0.1, 2.5
"""Least contrast of ink, in shares of the range and in deviations of its ground, that counts as legible."""


def phantom(rng: random.Random) -> Any:
    """Return a made slice: noise of some grain alone, or a body in it with bones, vessels and a table."""
    dice = np.random.default_rng(rng.randrange(1 << 30))
    side = rng.choice([256, 480, 512])
    grain = cv2.GaussianBlur(dice.normal(size=(side, side)), (0, 0), rng.uniform(0.3, 2.0))
    noise = grain / grain.std() * rng.uniform(5, 120)
    if rng.random() < 0.25:
        return np.clip(noise + 1024, 0, 4095).astype(np.uint16)
    y, x = np.mgrid[:side, :side]
    wide, tall = side * rng.uniform(0.28, 0.46), side * rng.uniform(0.2, 0.36)
    far = np.hypot((x - side / 2) / wide, (y - side / 2) / tall)
    body = np.where(far < 1, 1000.0 + 60 * np.sin(x / 31) * np.cos(y / 23), 24.0)
    for _ in range(rng.randint(8, 90)):
        angle, reach = rng.uniform(0, 6.3), rng.uniform(0, 0.93)
        at = (int(side / 2 + wide * reach * np.cos(angle)), int(side / 2 + tall * reach * np.sin(angle)))
        axes = (rng.randint(1, 20), rng.randint(1, 6))
        cv2.ellipse(
            body, at, axes, rng.uniform(0, 180), 0, 360, rng.uniform(100, 2200), rng.choice([-1, 1, 2])
        )
    for bend in range(rng.randint(0, 3)):
        middle = (side // 2, int(side / 2 + tall - side * 0.4 + 14 * bend))
        cv2.ellipse(
            body, middle, (int(side * 0.75), side // 2), 0, 40, 140, rng.uniform(200, 800), rng.randint(1, 4)
        )
    picture = cv2.GaussianBlur(body, (0, 0), 0.7) + noise * np.where(far < 1, 1.0, 0.4)
    made = np.clip(picture, 0, 4095)
    if rng.random() < 0.5:
        made[np.hypot(x - side / 2, y - side / 2) > side / 2] = 0
    return np.round(made).astype(np.uint16)


def real(folder: Path) -> Iterator[Any]:
    """Yield the 16-bit slices below a folder."""
    for path in sorted(folder.rglob("*")):
        try:
            picture = pydicom.dcmread(path).pixel_array
        except Exception:  # noqa: BLE001 - what is no picture is left out
            continue
        if picture.ndim == 2 and picture.dtype.itemsize == 2 and min(picture.shape) >= 120:
            yield picture


def varied(picture: Any, rng: random.Random) -> Any:
    """Return the slice in another size, turned or mirrored."""
    factor = rng.uniform(0.6, 1.6)
    if rng.random() < 0.35 and min(picture.shape) * factor >= 120:
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)
    turned = np.rot90(picture, rng.randrange(4))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)


def written(picture: Any, rng: random.Random) -> tuple[Any, tuple[int, int, int, int], int] | None:
    """Return the slice with a line of text in it, its box and its size; None where it could not be read."""
    low, high = np.percentile(picture, [0.5, 99.8])
    span, mode = max(float(high - low), 1.0), rng.choice(MODES)
    script = "latin" if rng.random() < 0.7 else rng.choice(["deva", "taml", "knda"])
    text = images.secret(rng) if script == "latin" else rng.choice(images.INDIC[script])
    size = rng.randint(10 if script == "latin" else 13, 40)
    ink = images.glyphs(text, rng.choice(images.FONTS[script]), size)
    if rng.random() < 0.15:
        ink = images.turned(ink, rng.choice([90, 270, -12, 12]))
    at = images.place(picture, ink, np.zeros(picture.shape, bool), rng)
    if at is None:
        return None
    top, left = at
    box = np.s_[top : top + ink.shape[0], left : left + ink.shape[1]]
    ground = float(np.median(picture[box]))
    share = rng.uniform(0.35, 0.9) if "blend" in mode else 1.0
    step = rng.choice([rng.uniform(0.12, 0.3), rng.uniform(0.3, 0.6), rng.uniform(0.6, 1.1)]) * span
    value = ground + (step if ground < low + span / 2 else -step)
    sigma = rng.uniform(3, 10) / 255 * span if "noise" in mode else 0.0
    if step * share < max(LEAST * span, CLEAR * np.hypot(float(picture[box].std()), sigma)):
        return None
    made = picture.astype(np.float64)
    cover = ink / 255 * share
    made[box] = made[box] * (1 - cover) + value * cover
    if sigma:
        made += np.random.default_rng(rng.randrange(1 << 30)).normal(0, sigma, made.shape)
    if mode == "lossy":
        made = _once_lossy(made, min(float(low), value), max(float(high), value))
    most = np.iinfo(picture.dtype)
    return (
        np.clip(np.round(made), most.min, most.max).astype(picture.dtype),
        (left, top, *ink.shape[::-1]),
        size,
    )


def _once_lossy(picture: Any, low: float, high: float) -> Any:
    out = io.BytesIO()
    eight = np.clip((picture - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    Image.fromarray(eight).save(out, "JPEG", quality=75)
    return np.asarray(Image.open(out)).astype(np.float64) / 255 * (high - low) + low


def piece(slices: list[Any], rng: random.Random) -> tuple[Any, Any] | None:
    """Return a piece of a slice in eight bits and what its cells hold: 1 text, 0 none, 2 neither surely."""
    picture = varied(rng.choice(slices), rng)
    line = written(picture, rng) if rng.random() < 0.7 else None
    label = np.zeros(picture.shape, np.uint8)
    middle = (rng.random() * picture.shape[1], rng.random() * picture.shape[0])
    size = 0
    if line is not None:
        picture, (left, top, wide, tall), size = line
        label[max(top - 3, 0) : top + tall + 3, max(left - 3, 0) : left + wide + 3] = 2
        label[top : top + tall, left : left + wide] = 1
        middle = (left + rng.random() * wide, top + rng.random() * tall)
    shown = grey(picture)
    if size > 26 or (size > 22 and rng.random() < 0.5):
        shown = cv2.resize(shown, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        label = cv2.resize(label, shown.shape[::-1], interpolation=cv2.INTER_NEAREST)
        middle = (middle[0] / 2, middle[1] / 2)
    down, right = (max(SIDE - side, 0) for side in shown.shape)
    shown = np.pad(shown, ((0, down), (0, right)), mode="edge")
    label = np.pad(label, ((0, down), (0, right)))
    left, top = (
        int(np.clip(at - SIDE // 2 + rng.uniform(-60, 60), 0, side - SIDE)) // CELL * CELL
        for at, side in zip(middle, shown.shape[::-1], strict=True)
    )
    part = np.s_[top : top + SIDE, left : left + SIDE]
    cells = (SIDE // CELL, SIDE // CELL)
    text = cv2.resize((label[part] == 1).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    near = cv2.resize((label[part] > 0).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    return shown[part], np.where(text > 0.5, 1, np.where(near > 0, 2, 0)).astype(np.uint8)


def made() -> nn.Sequential:
    """Return four layers and a score for each cell of 8 x 8 pixels, from grey values between -1 and 1."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 8, 4, 2), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 2, dilation=2), nn.ReLU(),
        nn.Conv2d(16, 1, 1),
    )  # fmt: skip


def for_bytes(network: nn.Sequential) -> nn.Sequential:
    """Return the same network for grey values from 0 to 255 of pictures that have their border already."""
    first, old = nn.Conv2d(1, 16, 8, 4), network[0]
    with torch.no_grad():
        first.weight.copy_(old.weight / 127.5)
        first.bias.copy_(old.bias - old.weight.sum(dim=(1, 2, 3)))
    return nn.Sequential(first, *list(network)[1:]).eval()


def train(slices: list[Any], minutes: float) -> nn.Sequential:
    """Return the trained network; hard cells weigh more than easy ones."""
    rng, network = random.Random(1), made()
    optimiser = torch.optim.AdamW(network.parameters(), 4e-3, weight_decay=1e-4)
    pool = [one for _ in range(POOL) if (one := piece(slices, rng))]
    began, step = time.monotonic(), 0
    while (past := (time.monotonic() - began) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 + np.cos(np.pi * past)) + 1e-5
        if step % FRESH == FRESH - 1:
            pool[: POOL // 8] = []
            pool += [one for _ in range(POOL // 8) if (one := piece(slices, rng))]
        chosen = rng.choices(pool, k=BATCH)
        shown = torch.from_numpy(np.stack([one for one, _ in chosen]))[:, None].float() / 127.5 - 1
        label = torch.from_numpy(np.stack([one for _, one in chosen]))[:, None]
        score = network(shown)
        weight = (label != 2).float() * (1 + (label == 1).float())
        loss = nn.functional.binary_cross_entropy_with_logits(
            score, (label == 1).float(), weight=weight, reduction="none"
        )
        hard = 1 + 3 * torch.sigmoid(torch.where(label == 1, -score, score)).detach()
        optimiser.zero_grad()
        (loss * hard).mean().backward()
        optimiser.step()
        step += 1
    return network.eval()


def main(folder: Path, minutes: float) -> None:
    rng = random.Random(0)
    slices = [*real(folder), *(phantom(rng) for _ in range(160))]
    network = for_bytes(train(slices, minutes))
    torch.onnx.export(
        network, (torch.zeros(1, 1, 516, 516),), str(OUT), input_names=["grey"], output_names=["score"], dynamo=False,
        dynamic_axes={"grey": {2: "rows", 3: "columns"}, "score": {2: "down", 3: "across"}},
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 25.0)
