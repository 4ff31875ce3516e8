"""What a line found in a picture is: text to hide, text that may stay, or no text at all.

In come a picture, the lines that were found in it and what is known of the person; out comes a verdict for each line
with its evidence. What was found and cannot be read counts as text where it is shaped and drawn as text is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midas.deid.pictures import reader
from midas.deid.pictures.find import Line
from midas.deid.pictures.frames import Array
from midas.deid.pictures.technical import technical
from midas.deid.words import Known

READ = 0.9
"""Confidence from which a line counts as read the right way up."""
PLAIN = 0.75
"""Least confidence at which a line of letters counts as text."""
TRUSTED = 0.55
"""Least confidence at which technical text is believed."""
TALL = 0.125
"""Share of the shorter side of the picture above which a line is as high as a whole organ."""
TALLEST = 72
"""Height in pixels up to which a line is no organ, however small the picture."""
LONG = 1.9
"""Least length of an unread line in heights: a word of three letters."""
DRAWN = 1.6
"""Least contrast of an unread line against its ground, in spreads of both."""
FOUND = 0.6
"""Least probability from the detector for an unread line."""
HIDE, KEEP, NOTHING = "hide", "keep", "nothing"


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a line (hide, keep, nothing), under which rule, on what evidence."""

    act: str
    rule: str = ""
    evidence: str = ""


def judge(picture: Array, lines: Sequence[Line], *, known: Known) -> list[Verdict]:
    """Return a verdict for each line."""
    limit = max(TALL * min(picture.shape[:2]), TALLEST)
    verdicts: list[Verdict] = [Verdict(NOTHING)] * len(lines)
    worth = [
        number for number, line in enumerate(lines) if line.height <= limit or line.length > 3 * line.height
    ]
    crops = [crop(picture, lines[number]) for number in worth]
    said = _said(crops)
    for number, ink, (text, sure) in zip(worth, crops, said, strict=True):
        verdicts[number] = _verdict(lines[number], ink, text, sure, limit=limit, known=known)
    return verdicts


def _said(crops: Sequence[Array]) -> list[tuple[str, float]]:
    """Read each line upright and, where that is unsure, upside down; lines as high as long also on either side."""
    said = reader.read(crops) if crops else []
    for turns in (2, 1, 3):
        again = [
            number for number, (_, sure) in enumerate(said)
            if sure < READ and (turns == 2 or crops[number].shape[1] < 1.4 * crops[number].shape[0])
        ]  # fmt: skip
        if not again:
            continue
        turned = [np.ascontiguousarray(np.rot90(crops[number], turns)) for number in again]
        for number, (text, sure) in zip(again, reader.read(turned), strict=True):
            if sure > said[number][1] and len(text) >= len(said[number][0].strip()):
                said[number] = (text, sure)
    return said


def crop(picture: Array, line: Line) -> Array:
    """Return the line cut out of the picture and turned upright."""
    import cv2

    wide, tall = max(int(round(line.length)), 2), max(int(round(line.height)), 2)
    turn = cv2.getRotationMatrix2D((line.x, line.y), line.slant, 1.0)
    turn[0, 2] += wide / 2 - line.x
    turn[1, 2] += tall / 2 - line.y
    return np.asarray(
        cv2.warpAffine(picture, turn, (wide, tall), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _verdict(line: Line, ink: Array, text: str, sure: float, *, limit: float, known: Known) -> Verdict:
    letters = sum(char.isalnum() for char in text)
    evidence = f"found {line.score:.2f}, read {sure:.2f}"
    if letters and sure >= TRUSTED and technical(text, known):
        return Verdict(KEEP, "technical-text", evidence)
    organ = line.height > limit
    if letters >= 2 and sure >= (READ if organ or letters == 2 else PLAIN) and _latin(text):
        return Verdict(HIDE, "not-technical-text", evidence)
    if organ or line.length < LONG * line.height or line.score < FOUND:
        return Verdict(NOTHING)
    drawn = contrast(ink)
    if drawn < DRAWN:
        return Verdict(NOTHING)
    return Verdict(HIDE, "unread-text", f"{evidence}, drawn {drawn:.1f}")


def _latin(text: str) -> bool:
    """Say whether most of the text is of a script that the model reads well: what it sees in organs is mostly Han."""
    plain = sum(char.isascii() for char in text)
    return 2 * plain >= len(text)


def contrast(ink: Array) -> float:
    """Return how far ink and ground stand apart, in units of their spreads, after the best cut between them (Otsu)."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(ink), cv2.COLOR_RGB2GRAY)
    _, cut = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    over, under = grey[cut > 0], grey[cut == 0]
    if not over.size or not under.size:
        return 0.0
    return float((over.mean() - under.mean()) / (over.std() + under.std() + 4))
