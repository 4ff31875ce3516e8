"""Counts become shapes: pure arithmetic, so that a chart can be tested without a page.

Lengths are in the units of the SVG's view box. Colours are classes (`tone-1` … `tone-6`): the style sheet knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TONES = 6


@dataclass(frozen=True, slots=True)
class Part:
    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int
    length: float
    percent: str


@dataclass(frozen=True, slots=True)
class Segment:
    label: str
    value: int
    start: float
    length: float
    percent: str
    tone: int


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    value: int
    x: float
    y: float
    width: float
    height: float
    middle: float
    top: float


@dataclass(frozen=True, slots=True)
class Columns:
    width: int
    height: int
    floor: float
    columns: tuple[Column, ...]


def percent(value: int, total: int) -> str:
    """Give a share without false precision: `<1%` stays visible as such."""
    if not total or not value:
        return "0%"
    exact = 100 * value / total
    return "<1%" if exact < 1 else f"{exact:.0f}%"


def bars(parts: Sequence[Part]) -> list[Bar]:
    """Scale to the longest part; percentages are of the sum."""
    most, total = max((part.value for part in parts), default=0), sum(part.value for part in parts)
    return [
        Bar(
            part.label,
            part.value,
            round(100 * part.value / most, 2) if most else 0.0,
            percent(part.value, total),
        )
        for part in parts
    ]


def segments(parts: Sequence[Part]) -> list[Segment]:
    total, at, found = sum(part.value for part in parts), 0.0, []
    for number, part in enumerate(parts):
        length = 100 * part.value / total if total else 0.0
        tone = number % TONES + 1
        found.append(
            Segment(part.label, part.value, round(at, 3), round(length, 3), percent(part.value, total), tone)
        )
        at += length
    return found


def columns(parts: Sequence[Part], *, height: int = 150, step: int = 56) -> Columns:
    """Place one column per part on a floor line, the tallest at full height, its value above it."""
    most, floor, room = max((part.value for part in parts), default=0), height - 24.0, height - 48.0
    placed = []
    for number, part in enumerate(parts):
        tall = round(room * part.value / most, 2) if most else 0.0
        left = number * step + 8.0
        placed.append(
            Column(
                part.label,
                part.value,
                left,
                floor - tall,
                step - 16.0,
                tall,
                left + (step - 16) / 2,
                floor - tall - 6,
            )
        )
    return Columns(step * len(placed), height, floor, tuple(placed))
