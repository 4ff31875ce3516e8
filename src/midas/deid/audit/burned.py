"""Text drawn into pictures: identifiers that must be hidden beside technical marks that must stay.

In come a dataset with pixels, a sheet and a random source; the frames are drawn upon and every line is written down with
the mask of its glyphs. Pictures in which nothing was drawn must come out as they went in.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from midas.deid.audit import frames, sight
from midas.deid.audit.answers import Line, Mask, packed
from midas.deid.audit.glyphs import Pixels, drawn, inked, place, style_for
from midas.deid.audit.sheet import Sheet

SECRETS = (
    "<name.upper>",
    "<name.short>  <uhid>",
    "<uhid>",
    "<hospital.short>",
    "<date.slashes>",
    "DOB <born.dotslong>",
    "<name.native>",
    "Ref: <referrer.plain>",
    "ID: <mrn>",
    "Ph <mobile>",
    "<accession>",
    "<title> <name>",
    "<date.month>  <name.initials>",
    "<name.hindi>",
    "<aadhaar>",
    "Dr <reader.plain>",
    "<hospital>",
    "<station>  <serial>",
    "<address>",
)
HARMLESS = {
    "us": ("MI 0.9", "TIs 0.2", "5 cm", "Gain 62", "2D 78%", "10 cm", "FR 32Hz", "3.5 MHz"),
    "xr": ("R", "L", "70 kV", "12 mAs", "PA", "AP"),
    "sc": ("W 400", "120 kV", "10 mm", "R", "WL 40", "100%"),
    "ct": ("R", "L", "120 kV"),
    "photo": ("1 cm", "L", "R", "10 mm"),
}
FAMILY = {
    "us": "us",
    "cr": "xr",
    "dx": "xr",
    "xa": "xr",
    "px": "xr",
    "mg": "xr",
    "sc": "sc",
    "xc": "photo",
    "sm": "photo",
    "ct": "ct",
    "mr": "ct",
}
SHARE = {
    "us": 85,
    "sc": 75,
    "xc": 75,
    "cr": 55,
    "dx": 45,
    "px": 45,
    "xa": 45,
    "sm": 60,
    "ct": 2,
    "mr": 2,
    "mg": 40,
}
"""Pictures of a hundred in which text is drawn; those of CT and MR test the rule that lets them pass unread."""
NEED = 96
"""Rows and columns that a picture must have before anything is drawn into it."""
CALM = 3
"""Places that are tried for a line; the calmest is taken, as on a device's screen."""
LEGIBLE = 0.95
"""Share of a line's glyph pixels that must stand out once they are encoded: what nobody can see is no test."""


def draw(ds: Dataset, sheet: Sheet, rng: random.Random, kind: str) -> bool:
    """Draw lines into some pictures of the kind; say whether this one was drawn upon."""
    small = min(int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)) < NEED
    if rng.randrange(100) >= SHARE.get(kind, 0) or small or not frames.can_draw(ds):
        return False
    pixels = frames.drawable(ds).copy()
    sheet.lines.extend(_lines(ds, pixels, sheet, rng, kind))
    if not sheet.lines:
        return False
    frames.store(ds, pixels)
    seen = sight.brightness(frames.drawable(ds))
    sheet.lines = [line for line in sheet.lines if sight.showing(line, seen, seen) >= LEGIBLE]
    for line in sheet.lines:
        sheet.must(
            "pixels_hidden" if line.secret else "pixels_retained",
            "hipaa" if line.secret else "tcia",
            0x7FE00010,
            str(sheet.lines.index(line)),
            area="line",
        )
    return bool(sheet.lines)


@dataclass(frozen=True)
class _Inks:
    """What a picture offers to draw on: the values of its darkest and lightest ink, and how light each value is."""

    dark: tuple[float, ...]
    light: tuple[float, ...]
    palette: dict[int, float] | None = None

    def lightness(self, value: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        """Return how light a value looks; a palette may show any value in any light."""
        return float(value.sum()) if self.palette is None else self.palette.get(int(value[0]), 0.0)


def _lines(ds: Dataset, pixels: Pixels, sheet: Sheet, rng: random.Random, kind: str) -> list[Line]:
    inks = _inks(ds, pixels)
    wanted = [(text, True) for text in rng.sample(SECRETS, rng.choice((2, 3, 3, 4, 5)))]
    if "LABEL" not in (ds.get("ImageType") or ()):  # a slide's label may go whole
        wanted += [(text, False) for text in rng.sample(HARMLESS[FAMILY.get(kind, "sc")], 2)]
    taken: list[tuple[int, int, int, int]] = []
    made = []
    for template, secret in wanted:
        line = _line(pixels, (template, secret), sheet, rng, (inks, taken, pixels.shape[0]))
        if line:
            taken.append(line.box)
            made.append(line)
    return made


def _line(
    pixels: Pixels,
    what: tuple[str, bool],
    sheet: Sheet,
    rng: random.Random,
    page: tuple[_Inks, list[tuple[int, int, int, int]], int],
) -> Line | None:
    inks, taken, number = page
    text, found, _ = sheet.filled(what[0])
    rows, columns = pixels.shape[1:3]
    style = style_for(text, rng, rows=rows)
    if style is None:
        return None
    mask = drawn(text, style)
    spots = [place(mask, taken, rng, rows=rows, columns=columns) for _ in range(CALM)]
    free = [spot for spot in spots if spot is not None]
    if not free:
        return None
    spot = min(free, key=lambda one: _unrest(pixels[0], mask, one))
    some = number > 3 and rng.randrange(100) < 15
    span = (number // 2, number) if some else (0, number)
    for frame in pixels[span[0] : span[1]]:
        inked(frame, mask, *spot, _ink(frame, mask, spot, inks, style.contrast))
    kind = ",".join(name for name, _ in found) or "harmless"
    return Line(sheet.number, (*spot, mask.shape[1], mask.shape[0]), span, packed(mask), what[1], kind, text)


def _unrest(frame: Pixels, mask: Mask, spot: tuple[int, int]) -> float:
    left, top = spot
    return float(frame[top : top + mask.shape[0], left : left + mask.shape[1]].astype(float).std())


def _inks(ds: Dataset, pixels: Pixels) -> _Inks:
    if str(ds.PhotometricInterpretation) == "PALETTE COLOR":
        lights = np.array(
            [
                np.frombuffer(ds[f"{c}PaletteColorLookupTableData"].value, dtype=_deep(ds))
                for c in ("Red", "Green", "Blue")
            ]
        )
        used = lights.astype(float).sum(axis=0)
        first = int(ds.RedPaletteColorLookupTableDescriptor[1])
        shades = {first + number: float(light) for number, light in enumerate(used)}
        return _Inks((first + float(used.argmin()),), (first + float(used.argmax()),), shades)
    if pixels.ndim == 4:
        return _Inks((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
    low, high = np.percentile(pixels[0], (0.5, 99.8))
    if high - low < 8:
        low, high = 0.0, float(2 ** int(ds.BitsStored) - 1) / 2
    return _Inks((float(low),), (float(high),))


def _deep(ds: Dataset) -> str:
    return "<u2" if int(ds.RedPaletteColorLookupTableDescriptor[2]) == 16 else "u1"


def _ink(frame: Pixels, mask: Mask, spot: tuple[int, int], inks: _Inks, contrast: float) -> tuple[float, ...]:
    """Return the ink that stands out from what lies under the line; by less where the style asks for little contrast."""
    left, top = spot
    under = frame[top : top + mask.shape[0], left : left + mask.shape[1]]
    ground = np.median(under.reshape(-1, under.shape[-1] if under.ndim == 3 else 1), axis=0).astype(float)
    dark, light = np.array(inks.dark), np.array(inks.light)
    here, least, most = (inks.lightness(value) for value in (ground, dark, light))
    far = light if most - here >= here - least else dark
    noisy = float(under.astype(float).std()) > 0.06 * max(1.0, float(abs(light - dark).mean()))
    share = 1.0 if noisy or inks.palette is not None else contrast
    return tuple(float(value) for value in ground + (far - ground) * share)
