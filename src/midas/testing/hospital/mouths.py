"""Photographs of the inside of a mouth, drawn from a seed: no person was photographed, and no two of them are alike.

In come a person's key, a view and a size; out come pixels. A person has one colour, one net of vessels and one lesion,
which every view of that person shows from another side; a view has the shape that its name says.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]
CANVAS = (960, 720)
"""Columns and rows that everything is drawn in; other sizes are cut and scaled from it."""
MUCOSA = ((188, 104, 102), (203, 118, 112), (176, 92, 96), (196, 110, 96))
"""Colours of healthy mucosa in sRGB; pigmentation and light vary them."""
DEEP, TOOTH, GAUZE = (70, 22, 26), (226, 216, 192), (214, 216, 218)


def mouth(person: str, view: str, *, size: tuple[int, int] = CANVAS) -> Image.Image:
    """Return one photograph: the same for the same person, view and size."""
    own, taken = _random(person), _random(f"{person}/{view}")
    colour = np.array(MUCOSA[own.integers(len(MUCOSA))]) + own.normal(0, 7, 3)
    shape = next((draw for word, draw in SHAPES.items() if word in view), _cheek)
    tissue = _tissue(colour, taken)
    picture = shape(tissue, taken)
    close = "close-up" in view
    _lesion(
        picture, _random(f"{person}/lesion"), taken, radius=int(taken.integers(150, 220)) if close else 70
    )
    _lit(picture, taken)
    _gauze(picture, taken)
    shown = np.clip(picture + taken.normal(0, 3.0, (*picture.shape[:2], 1)), 0, 255).astype(np.uint8)
    return Image.fromarray(shown).resize(size, Image.Resampling.LANCZOS)


def _random(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(seed.encode()))


def _field(random: np.random.Generator, cells: int) -> Array:
    """Return smooth noise between about -1 and 1 with so many cells across the canvas."""
    wide, high = CANVAS
    grid = random.uniform(-1, 1, (max(2, cells * high // wide) + 3, cells + 3)).astype(np.float32)
    return np.asarray(cv2.resize(grid, CANVAS, interpolation=cv2.INTER_CUBIC))


def _tissue(colour: Array, random: np.random.Generator) -> Array:
    """Return mucosa: broad folds of light and shade, mottling, papillae and a net of vessels."""
    shade = 34 * _field(random, 3) + 20 * _field(random, 7) + 9 * _field(random, 22) + 7 * _field(random, 90)
    picture = colour.astype(np.float32) + shade[..., None] * np.array([1.0, 0.86, 0.84], np.float32)
    vessels = np.zeros(CANVAS[::-1], np.uint8)
    for _ in range(26):
        at, angle = random.uniform(0, 1, 2) * CANVAS, random.uniform(0, 2 * np.pi)
        steps = [at]
        for _ in range(int(random.integers(12, 40))):
            angle += random.normal(0, 0.35)
            at = at + 14 * np.array([np.cos(angle), np.sin(angle)])
            steps.append(at)
        line = np.array(steps).round().astype(np.int32)
        cv2.polylines(
            vessels, [line], False, int(random.integers(60, 150)), int(random.integers(1, 4)), cv2.LINE_AA
        )
    return np.asarray(picture - (vessels[..., None] / 255.0) * np.array([30, 62, 50], np.float32))


# -- the views -------------------------------------------------------------------------------------------------


def _cheek(tissue: Array, random: np.random.Generator) -> Array:
    """The inner side of a cheek: a dark fold, and a row of teeth along one edge."""
    _fold(tissue, random)
    _teeth(tissue, random, edge=int(random.integers(2)), bow=random.uniform(-60, 60))
    return tissue


def _tongue(tissue: Array, random: np.random.Generator) -> Array:
    """A tongue before the dark of the throat, between teeth."""
    mask = np.zeros(CANVAS[::-1], np.uint8)
    centre = (int(random.integers(400, 560)), int(random.integers(360, 470)))
    axes = (int(random.integers(270, 350)), int(random.integers(240, 320)))
    cv2.ellipse(mask, centre, axes, float(random.uniform(-20, 20)), 0, 360, 255, -1, cv2.LINE_AA)
    bright = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None] / np.float32(255)
    papillae = 16 * np.maximum(_field(random, 150), 0)
    around = 0.55 * tissue[:, ::-1] + 0.45 * np.array(DEEP, np.float32)
    picture = bright * (tissue + papillae[..., None] + 12) + (1 - bright) * around
    _teeth(picture, random, edge=int(random.integers(2)), bow=random.uniform(60, 130))
    return np.asarray(picture)


def _arch(tissue: Array, random: np.random.Generator) -> Array:
    """An arch of teeth around a palate or a floor of the mouth."""
    _fold(tissue, random)
    for edge in (0, 1):
        _teeth(tissue, random, edge=edge, bow=random.uniform(90, 180))
    return tissue


def _lip(tissue: Array, random: np.random.Generator) -> Array:
    """A lip turned outwards below a row of teeth, with skin at the lower edge."""
    rows = np.arange(CANVAS[1], dtype=np.float32)[:, None]
    skin = tissue.mean(axis=(0, 1)) * 0.9 + np.array([4, 26, 14]) - random.uniform(0, 50)
    edge = random.uniform(520, 620) + 45 * _field(random, 2)
    part = _edge(rows - edge, 6)
    picture = tissue * (1 - part) + (skin + 9 * _field(random, 130)[..., None]) * part
    _teeth(picture, random, edge=0, bow=random.uniform(-40, 70))
    return np.asarray(picture, np.float32)


def _close(tissue: Array, random: np.random.Generator) -> Array:
    """A close view: mucosa alone, with one fold."""
    _fold(tissue, random)
    return tissue


SHAPES = {"tongue": _tongue, "arch": _arch, "lip": _lip, "close-up": _close, "buccal": _cheek}
"""A word of a view's name, and what it shows."""


def _fold(picture: Array, random: np.random.Generator) -> None:
    """Darken a bent band across the picture."""
    angle, offset = random.uniform(0, np.pi), random.uniform(-160, 160)
    x, y = np.meshgrid(np.arange(CANVAS[0]) - CANVAS[0] / 2, np.arange(CANVAS[1]) - CANVAS[1] / 2)
    away = x * np.cos(angle) + y * np.sin(angle) - offset + 90 * _field(random, 3)
    depth = np.exp(-((away / random.uniform(28, 60)) ** 2))[..., None].astype(np.float32)
    picture += 0.62 * depth * (np.array(DEEP, np.float32) - picture)


def _teeth(picture: Array, random: np.random.Generator, *, edge: int, bow: float) -> None:
    """Draw a bowed row of teeth along the upper (0) or lower (1) edge, with gums between."""
    wide, high = CANVAS
    row, light = np.zeros((high, wide), np.uint8), np.zeros(wide, np.float32)
    left = int(random.integers(-60, 60))
    while left < wide:
        width, length = int(random.integers(62, 104)), int(random.integers(110, 165))
        middle = left + width // 2
        lower = bow * (1 - ((middle - wide / 2) / (wide / 2)) ** 2) + random.normal(0, 6)
        top = int(lower - 70) if edge == 0 else int(high - lower + 70 - length)
        cv2.ellipse(
            row, (middle, top + length // 2), (width // 2 - 2, length // 2), 0, 0, 360, 255, -1, cv2.LINE_AA
        )
        light[max(left, 0) : left + width] = random.normal(0, 6)
        left += width
    part = cv2.GaussianBlur(row, (0, 0), 1.2)[..., None] / np.float32(255)
    shaded = (light + np.linspace(10, -24, wide, dtype=np.float32))[None, :, None]
    picture += part * (np.array(TOOTH, np.float32) + shaded - picture)


# -- what lies on it -------------------------------------------------------------------------------------------


def _lesion(picture: Array, own: np.random.Generator, taken: np.random.Generator, *, radius: int) -> None:
    """Draw the person's one lesion, white, red or both, turned and placed as this view has it."""
    wide, high = CANVAS
    rough = np.cumsum(own.normal(0, 1, 48))
    rough -= np.linspace(rough[0], rough[-1], 48)
    colours = np.array([(232, 214, 204), (150, 34, 40), (206, 130, 118)])[own.permutation(3)[:2]].astype(
        np.float32
    )
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False) + taken.uniform(0, 2 * np.pi)
    reach = radius * (1 + 0.09 * rough)
    centre = np.array([wide * taken.uniform(0.36, 0.64), high * taken.uniform(0.4, 0.62)])
    flat = taken.uniform(0.6, 1)
    outline = centre + np.stack([reach * np.cos(angle), flat * reach * np.sin(angle)], axis=1)
    mask = np.zeros((high, wide), np.uint8)
    cv2.fillPoly(mask, [outline.round().astype(np.int32)], 255, cv2.LINE_AA)
    part = cv2.GaussianBlur(mask, (0, 0), 2.5)[..., None] / np.float32(255)
    mixed = 1 / (1 + np.exp(-6 * _field(taken, 40)))[..., None]
    inside = colours[0] * mixed + colours[1] * (1 - mixed) + 14 * _field(taken, 110)[..., None]
    picture += 0.8 * part * (inside - picture)


def _lit(picture: Array, random: np.random.Generator) -> None:
    """Light it from one side, and let wet places mirror the lamp."""
    wide, high = CANVAS
    x, y = np.meshgrid(np.linspace(-1, 1, wide), np.linspace(-1, 1, high))
    away = (x - random.uniform(-0.5, 0.5)) ** 2 + (y - random.uniform(-0.5, 0.5)) ** 2
    picture *= (random.uniform(1.0, 1.14) - 0.2 * away)[..., None].astype(np.float32)
    shine = np.zeros((high, wide), np.uint8)
    for _ in range(int(random.integers(8, 20))):
        at = (int(random.integers(wide)), int(random.integers(high)))
        axes = (int(random.integers(3, 11)), int(random.integers(2, 5)))
        cv2.ellipse(shine, at, axes, float(random.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    picture += (cv2.GaussianBlur(shine, (0, 0), 1.0)[..., None] / np.float32(255)) * (252 - picture)


def _gauze(picture: Array, random: np.random.Generator) -> None:
    """Lay a strip of white gauze into one corner, as the photographer's assistant holds the lip aside."""
    wide, high = CANVAS
    x, y = np.meshgrid(np.arange(wide), np.arange(high))
    corner = (x if random.random() < 0.5 else wide - x) + (y if random.random() < 0.5 else high - y)
    reach = random.uniform(150, 260) + 18 * _field(random, 9)
    part = _edge(reach - corner, 2)
    weave = _weave()[..., None] + 14 * _field(random, 12)[..., None]
    picture += part * (np.array(GAUZE, np.float32) + weave - picture)


def _edge(inside: Array, soft: float) -> Array:
    """Return 1 well inside, 0 well outside (both in pixels), with a soft edge, as a plane to blend with."""
    return np.asarray(np.clip(0.5 + inside / (4 * soft), 0, 1)[..., None], np.float32)


@cache
def _weave() -> Array:
    x, y = np.meshgrid(np.arange(CANVAS[0]), np.arange(CANVAS[1]))
    return np.asarray(22 * np.sin(x / 1.9) * np.sin(y / 1.9), np.float32)
