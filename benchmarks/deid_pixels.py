"""Measure what becomes of text in pictures: `python benchmarks/deid_pixels.py [--count N] [--seed S]`.

In come made and real pictures with planted lines (`deid_pixels_images.py`); out come lines hidden (at least 90 % of their
glyph pixels covered), harmless lines kept, clean pictures untouched, what was found again after masking, and seconds a
picture. With `--slices N` the rule that passes over acquired slices is audited by planting one line in each of N slices.
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import deid_pixels_images as images
from midas.deid import pictures, pixels
from midas.deid.model import Held, Profile
from midas.deid.pictures import gate
from midas.deid.stream import open_file
from midas.deid.words import Known
from midas.deid.writing import write

PROFILE = Profile("benchmark", "00" * 32, frozenset({"clean-pixel-data"}))
KNOWN = Known.of([("name", "Ramesh Deshmukh"), ("uhid", "UH-2019-004512")])
HIDDEN, TOUCHED = 0.9, 0.1
"""Shares of a line's glyph pixels: covered at least so far counts as hidden; covered at most so far as kept."""

Tally = dict[str, list[int]]


def covered(line: images.Line, mask: np.ndarray) -> float:
    """Return which share of a line's glyph pixels is masked."""
    tall, wide = line.glyphs.shape
    under = mask[line.top : line.top + tall, line.left : line.left + wide] & line.glyphs
    return float(under.sum()) / max(int(line.glyphs.sum()), 1)


def measure(case: images.Case, folder: Path, tally: Tally) -> float:
    """Count what becomes of one picture; returns the seconds that looking took."""
    source, target = folder / "in.dcm", folder / "out.dcm"
    try:
        case.ds.save_as(source, enforce_file_format=True)
    except ValueError:
        return 0.0
    began = time.perf_counter()
    try:
        opened = open_file(source)
        seen = pictures.look(opened, known=KNOWN, profile=PROFILE)
    except Held as held:
        _count(tally, f"held: {held.reason}", True)
        return time.perf_counter() - began
    took = time.perf_counter() - began
    _count(tally, "held: too much", bool(seen.person))
    _lines(case, seen, (int(opened.ds.Rows), int(opened.ds.Columns)), tally)
    if seen.regions:
        pixels.mask(opened, regions=seen.regions)
        with target.open("wb") as out:
            write(opened, out)
        left = pictures.again(target, known=KNOWN, seen=seen)
        _count(tally, "clean when read again", not left)
    return took


def _lines(case: images.Case, seen: pictures.Seen, shape: tuple[int, int], tally: Tally) -> None:
    mask = np.zeros(shape, bool)
    for region in seen.regions:
        mask[region.top : region.top + region.height, region.left : region.left + region.width] = True
    for line in case.lines:
        share = covered(line, mask)
        if line.secret:
            _count(tally, f"  {line.style}", share >= HIDDEN)
            _count(tally, "lines hidden", share >= HIDDEN)
        else:
            _count(tally, "harmless lines kept", share <= TOUCHED)
    if case.clean:
        _count(tally, "clean pictures untouched", not seen.regions)


def _count(tally: Tally, name: str, good: bool) -> None:
    tally[name][0] += good
    tally[name][1] += 1


def audit_slices(count: int, rng: random.Random, tally: Tally) -> None:
    """Plant one line in each of `count` slices and count how many the cheap rule would have passed over."""
    slices = images.real_pictures()[0]["slice"]
    for picture in slices:
        _count(tally, "clean slices passed over", gate.quiet(picture))
    for number in range(count):
        clean = rng.choice(slices)
        picture = clean.copy()
        if images.planted(picture, rng, 1):
            how = images.SPOILT[number % len(images.SPOILT)]
            _count(
                tally,
                f"slices with text searched, {how}",
                not gate.quiet(images.spoilt(clean, picture, how, rng)),
            )


def table(tally: Tally, took: list[float]) -> str:
    """Return the tally as lines of text."""
    rows = [
        f"{name:28} {good:5} of {every:5}  {100 * good / every:6.2f} %"
        for name, (good, every) in sorted(tally.items())
    ]
    rows.append(
        f"seconds a picture: mean {np.mean(took):.3f}, median {np.median(took):.3f}, most {max(took):.2f}"
    )
    return "\n".join(rows)


def main(argv: list[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=128, help="pictures made, besides the real ones")
    asked.add_argument("--slices", type=int, default=300, help="slices in which a line is planted")
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000, 99_999))
    given: Any = asked.parse_args(argv)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    tally: Tally = defaultdict(lambda: [0, 0])
    with tempfile.TemporaryDirectory() as folder:
        took = [
            measure(case, Path(folder), tally)
            for case in images.cases(random.Random(given.seed), given.count)
        ]
    audit_slices(given.slices, random.Random(given.seed), tally)
    print(f"seed {given.seed}\n{table(tally, took)}")


if __name__ == "__main__":
    main()
