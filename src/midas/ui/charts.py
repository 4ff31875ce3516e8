"""Counts become shapes: pure arithmetic, so that a chart can be tested without a page.

Lengths are in the units of the SVG's view box. Colours are classes (`tone-1` … `tone-6`): the style sheet knows them.
A part whose number is not told has no length, and where there is one no part has a percentage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TONES = 6


@dataclass(frozen=True, slots=True)
class Part:
    """`value` in the chart's unit; `None` where it is not told: then `told` is what stands in its place."""

    label: str
    value: int | None
    told: str = ""

    @property
    def number(self) -> int:
        return self.value or 0


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int | None
    told: str
    length: float
    percent: str


@dataclass(frozen=True, slots=True)
class Segment:
    label: str
    value: int | None
    told: str
    start: float
    length: float
    percent: str
    tone: int


@dataclass(frozen=True, slots=True)
class Column:
    lines: tuple[str, ...]
    value: int | None
    told: str
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


def _share(part: Part, parts: Sequence[Part]) -> str:
    if any(one.value is None for one in parts):
        return ""
    return percent(part.number, sum(one.number for one in parts))


def bars(parts: Sequence[Part], of: int = 0) -> list[Bar]:
    """Draw shares of `of`, else of the sum, as the percentages beside them say; without percentages, of the longest part."""
    untold = any(part.value is None for part in parts)
    most = max((part.number for part in parts), default=0)
    whole = of or (most if untold else sum(part.number for part in parts))
    return [
        Bar(
            part.label, part.value, part.told, round(100 * part.number / whole, 2) if whole else 0.0,
            percent(part.number, of) if of else _share(part, parts),
        )
        for part in parts
    ]  # fmt: skip


def segments(parts: Sequence[Part]) -> list[Segment]:
    """Cut one band in the parts that are told."""
    total, at, found = sum(part.number for part in parts), 0.0, []
    for number, part in enumerate(parts):
        length = 100 * part.number / total if total else 0.0
        tone = number % TONES + 1
        found.append(
            Segment(
                part.label, part.value, part.told, round(at, 3), round(length, 3), _share(part, parts), tone
            )
        )
        at += length
    return found


def columns(parts: Sequence[Part], *, height: int = 170, step: int = 64) -> Columns:
    """Place one column per part on a floor line, the tallest at full height, its value above it, its label below.

    A label of several words, such as a day and its month, stands in two lines, so that it does not meet the next one.
    """
    most, floor, room = max((part.number for part in parts), default=0), height - 24.0, height - 48.0
    placed, height = [], height + 22 * any(" " in part.label for part in parts)
    for number, part in enumerate(parts):
        tall = round(room * part.number / most, 2) if most else 0.0
        left = number * step + 7.0
        placed.append(
            Column(
                tuple(part.label.split(" ", 1)), part.value, part.told, left, floor - tall, step - 14.0, tall,
                left + (step - 14) / 2, floor - tall - 6,
            )
        )  # fmt: skip
    return Columns(step * len(placed), height, floor, tuple(placed))
