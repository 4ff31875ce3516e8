"""Lines of text drawn into pixels: which glyph pixels, in which script, font, size, colour and turn.

In come a text and a random source, out comes a mask of its glyphs; drawing it changes an array of samples. Fonts: the
vector strokes that devices use (Hershey), Pillow's own, and those of the machine for Indian scripts, where it has any.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midas.deid.audit.answers import Mask

Pixels = npt.NDArray[Any]
FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("C:/Windows/Fonts"),
    Path("/System/Library/Fonts"),
)
LATIN = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")
NATIVE = {
    "DEVANAGARI": ("NotoSansDevanagari-Regular.ttf", "Lohit-Devanagari.ttf", "Nirmala.ttf"),
    "KANNADA": ("NotoSansKannada-Regular.ttf", "Lohit-Kannada.ttf", "Nirmala.ttf"),
    "TAMIL": ("NotoSansTamil-Regular.ttf", "Lohit-Tamil.ttf", "Nirmala.ttf"),
}


@dataclass(frozen=True)
class Style:
    """How a line is drawn: font ("hershey", "" for Pillow's own, or a file), height in pixels, quarter turns, contrast."""

    font: str
    height: int
    turns: int = 0
    contrast: float = 1.0


@lru_cache(maxsize=1)
def _fonts() -> dict[str, str]:
    wanted = {*LATIN, *(name for names in NATIVE.values() for name in names)}
    return {
        path.name: str(path)
        for folder in FOLDERS if folder.is_dir()
        for path in sorted(folder.rglob("*.tt[fc]")) if path.name in wanted
    }  # fmt: skip


def script_of(text: str) -> str:
    """Return DEVANAGARI, KANNADA, TAMIL, … for the first letter that is not Latin; "" where all are."""
    for char in text:
        if not char.isascii() and char.isalpha():
            return unicodedata.name(char, "").split(" ")[0]
    return ""


def fonts_for(text: str) -> list[str]:
    """Return the fonts that can write the text; none where the machine has no font of its script."""
    script = script_of(text)
    if script:
        return [_fonts()[name] for name in NATIVE.get(script, ()) if name in _fonts()]
    return ["hershey", "", *(_fonts()[name] for name in LATIN if name in _fonts())]


def style_for(text: str, rng: random.Random, *, rows: int) -> Style | None:
    """Return a way to draw the text on a picture of `rows` rows; None where there is no font for it."""
    fonts = fonts_for(text)
    if not fonts:
        return None
    smallest, largest = (14, 26) if script_of(text) else (11, 24)
    height = min(max(smallest, round(rows * rng.choice((0.024, 0.03, 0.04)))), 2 * largest)
    return Style(
        rng.choice(fonts), height, rng.choice((0,) * 14 + (1, 3)), rng.choice((1.0, 1.0, 1.0, 0.75, 0.5))
    )


def drawn(text: str, style: Style) -> Mask:
    """Return the glyphs of `text` as a mask that fits them closely."""
    mask = _strokes(text, style.height) if style.font == "hershey" else _letters(text, style)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    close = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(np.rot90(close, style.turns))


def _letters(text: str, style: Style) -> Mask:
    from PIL import Image, ImageDraw, ImageFont

    font: Any = (
        ImageFont.truetype(style.font, style.height) if style.font else ImageFont.load_default(style.height)
    )
    canvas = Image.new("L", (style.height * (len(text) + 4), style.height * 3))
    ImageDraw.Draw(canvas).text((style.height, style.height // 2), text, font=font, fill=255)
    return np.asarray(canvas) > 110


def _strokes(text: str, height: int) -> Mask:
    import cv2

    canvas = np.zeros((height * 3, height * (len(text) + 4)), dtype=np.uint8)
    where = (height, height * 2)
    cv2.putText(
        canvas, text, where, cv2.FONT_HERSHEY_SIMPLEX, height / 26, 255, max(1, height // 14), cv2.LINE_8
    )
    return canvas > 110


def place(
    mask: Mask, taken: Iterable[tuple[int, int, int, int]], rng: random.Random, *, rows: int, columns: int
) -> tuple[int, int] | None:
    """Return (left, top) where the mask fits and touches no taken box, the margins first; None where it does not fit."""
    high, wide = mask.shape
    if high + 4 > rows or wide + 4 > columns:
        return None
    tops = [3, rows - high - 3, *(rng.randrange(2, max(3, rows - high)) for _ in range(20))]
    lefts = [3, columns - wide - 3, *(rng.randrange(2, max(3, columns - wide)) for _ in range(20))]
    spots = [(rng.choice(lefts), rng.choice(tops)) for _ in range(60)]
    boxes = list(taken)
    for left, top in spots:
        if all(not _near((left, top, wide, high), box) for box in boxes):
            return left, top
    return None


def _near(a: tuple[int, int, int, int], b: tuple[int, int, int, int], gap: int = 12) -> bool:
    beside = a[0] + a[2] + gap <= b[0] or b[0] + b[2] + gap <= a[0]
    return not (beside or a[1] + a[3] + gap <= b[1] or b[1] + b[3] + gap <= a[1])


def inked(frame: Pixels, mask: Mask, left: int, top: int, ink: tuple[float, ...]) -> None:
    """Colour the glyph pixels of one frame (rows, columns[, samples]) in place."""
    high, wide = mask.shape
    box = frame[top : top + high, left : left + wide]
    box[mask] = np.array(ink if frame.ndim == 3 else ink[0]).astype(frame.dtype)
