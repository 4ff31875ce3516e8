"""A table as a PNG that can stand alone in a report: bars or India by state, with the words that belong to it.

In come parts and words; out come the bytes of a picture. The pages' own fonts are used, so that Hindi is shaped rightly.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from midas.ui import india
from midas.ui.charts import Part
from midas.ui.words import count

WIDTH, MARGIN, LINE, SCALE = 1000, 40, 34, 2
INK, SOFT, TONE, RAIL, PAPER = "#1b1e2b", "#474c5e", "#3a4fb0", "#f3f0e8", "#ffffff"
DEPTHS = ("#f3f0e8", "#d5dbf5", "#aab6ea", "#7d8edb", "#5569c6", "#3a4fb0")
FONTS = Path(__file__).parent / "static" / "vendor" / "fonts"
DEVANAGARI = re.compile(r"([\u0900-\u097f\u200c\u200d]+(?:\s+[\u0900-\u097f\u200c\u200d]+)*)")
MOST_ROWS = 60


@lru_cache(maxsize=32)
def _font(name: str, size: int, bold: bool) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(FONTS / name, size * SCALE)
    font.set_variation_by_axes([650 if bold else 450])
    return font


def _runs(text: str, size: int, bold: bool) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    for run in DEVANAGARI.split(text):
        if run:
            hindi = DEVANAGARI.match(run)
            yield (
                run,
                _font(
                    "noto-sans-devanagari-devanagari-wght-normal.woff2"
                    if hindi
                    else "inter-latin-wght-normal.woff2",
                    size,
                    bold,
                ),
            )


class _Sheet:
    """A canvas whose lengths are in points of the finished picture."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), PAPER)
        self.on = ImageDraw.Draw(self.image)

    def write(
        self,
        at: tuple[float, float],
        text: str,
        *,
        size: int = 16,
        bold: bool = False,
        ink: str = INK,
        anchor: str = "l",
    ) -> None:
        runs = list(_runs(text, size, bold))
        wide = sum(font.getlength(run) for run, font in runs)
        x = at[0] * SCALE - {"l": 0.0, "m": wide / 2, "r": wide}[anchor]
        for run, font in runs:
            self.on.text((x, at[1] * SCALE), run, font=font, fill=ink, anchor="lm")
            x += font.getlength(run)

    def fill(self, box: tuple[float, float, float, float], colour: str) -> None:
        left, top, right, bottom = (side * SCALE for side in box)
        self.on.rounded_rectangle((left, top, max(right, left), bottom), radius=3 * SCALE, fill=colour)


def draw(
    *, title: str, parts: Sequence[Part], tiles: Sequence[india.Tile], about: Sequence[tuple[str, str]]
) -> bytes:
    """Return the PNG: 1,000 points wide at twice the density."""
    parts = parts[:MOST_ROWS]
    body = india.HEIGHT + 20 if tiles else len(parts) * LINE
    sheet = _Sheet(MARGIN * 2 + 60 + body + 30 + len(about) * 24)
    sheet.write((MARGIN, MARGIN + 10), title, size=26, bold=True)
    top = MARGIN + 56.0
    if tiles:
        _tiles(sheet, top, tiles)
    else:
        _bars(sheet, top, parts)
    below = top + body + 24
    for number, (name, text) in enumerate(about):
        y = below + number * 24
        sheet.write((MARGIN, y), name, size=13, ink=SOFT)
        sheet.write((MARGIN + 190, y), text, size=13, bold=number == len(about) - 1)
    out = io.BytesIO()
    sheet.image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bars(sheet: _Sheet, top: float, parts: Sequence[Part]) -> None:
    most, left, right = max((part.number for part in parts), default=0) or 1, 380.0, WIDTH - MARGIN - 80.0
    for number, part in enumerate(parts):
        y = top + number * LINE
        text = part.label if len(part.label) <= 42 else part.label[:41] + "…"
        sheet.write((MARGIN, y + 12), text[:1].upper() + text[1:])
        sheet.fill((left, y + 4, right, y + 20), RAIL)
        if part.number:
            sheet.fill((left, y + 4, left + (right - left) * part.number / most, y + 20), TONE)
        sheet.write((WIDTH - MARGIN, y + 12), part.told or count(part.number), bold=True, anchor="r")


def _tiles(sheet: _Sheet, top: float, tiles: Sequence[india.Tile]) -> None:
    left = (WIDTH - india.WIDTH) / 2
    for tile in tiles:
        x, y = left + tile.x, top + tile.y
        ink = PAPER if tile.depth >= 4 else INK
        sheet.fill((x, y, x + india.SIDE, y + india.SIDE), DEPTHS[tile.depth])
        sheet.write((x + india.SIDE / 2, y + 20), tile.code, size=13, ink=ink, anchor="m")
        if tile.value:
            sheet.write(
                (x + india.SIDE / 2, y + 38), count(tile.value), size=14, bold=True, ink=ink, anchor="m"
            )
