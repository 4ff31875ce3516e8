"""What a line found in a picture is: text to hide, text that may stay, or no text at all.

In come a picture, the lines that were found in it and what is known of the person; out comes a verdict for each line
with its evidence. What was found and cannot be read counts as text where it is shaped and drawn as text is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from midas.deid.pictures import reader
from midas.deid.pictures.find import ALIKE, Line, from_centre
from midas.deid.pictures.frames import Array
from midas.deid.pictures.technical import technical
from midas.deid.words import Known

READ = 0.9
"""Confidence from which a line counts as read the right way up."""
PLAIN = 0.75
"""Least confidence at which a line of letters counts as text."""
TRUSTED = 0.75
"""Least confidence at which technical text is believed."""
TALL = 0.085
"""Share of the shorter side of the picture above which a line is as high as a whole organ."""
TALLEST = 72
"""Height in pixels up to which a line is no organ, however small the picture."""
LONG = 1.9
"""Least length of an unread line in heights: a word of three letters."""
DRAWN, SHARP = 1.3, 2.0
"""Least contrast of an unread line against its ground, in spreads of both, and of one in no letters that are known."""
STANDING, SENSE = 45.0, 0.1
"""Degrees of slant from which a line stands on end: then it is read from both ends; and by how much a reading that makes
sense may be less sure."""
STROKE, THIN = 0.3, 0.6
"""Widest stroke of writing in heights of its line, and the least share of an unread line's ink that is no wider."""
CLEAR, WORD = 0.76, 16
"""Probability from the detector and height in pixels from which a line is no chance, though nobody can read it: Indian
scripts, which the model does not know."""
WORDY, FIRM = 1.4, 1.5
"""Least length of such a line in heights, and its least contrast where it is shorter than others must be."""
STRANGE, THICK = 0.6, 0.2
"""Confidence up to which it is in a script of which the letters hang together, and its least share of thin strokes then."""
SURELY = 3.2
"""Length in heights of an unread line from which the width of its strokes is not asked: grounds may be uneven."""
SHORT, LOW = 0.075, 36
"""Share of the shorter side, and pixels, up to which an unread line may be high: organs are higher."""
FOUND = 0.65
"""Least probability from the detector for an unread line."""
REACH, GAP = 2.0, 0.6
"""How far beyond its ends a line is followed, and over which gaps, in heights."""
FLAT = 0.45
"""Least height of a short piece in heights of the line that it continues: small letters and points are low."""
NEXT, INITIAL = 0.5, 1.5
"""Gap in heights up to which two boxes are one line (boxes reach a little beyond their letters); and up to which a
short one may be an initial of a name, which looks like a mark of the side."""
HIDE, KEEP, NOTHING = "hide", "keep", "nothing"


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a line (hide, keep, nothing), under which rule, on what evidence."""

    act: str
    rule: str = ""
    evidence: str = ""
    brief: bool = False
    """Whether it holds no more than two letters: a mark of the side, or an initial of a name."""


def judged(picture: Array, lines: Sequence[Line], *, known: Known) -> list[Verdict]:
    """Return a verdict for each line."""
    limit = max(TALL * min(picture.shape[:2]), TALLEST)
    verdicts: list[Verdict] = [Verdict(NOTHING)] * len(lines)
    worth = [
        number for number, line in enumerate(lines) if line.height <= limit or line.length > 3 * line.height
    ]
    crops = [crop(picture, lines[number]) for number in worth]
    said = _said(crops, [abs(lines[number].slant) > STANDING for number in worth], known)
    for number, ink, (text, sure) in zip(worth, crops, said, strict=True):
        verdicts[number] = _verdict(lines[number], ink, text, sure, limit=limit, known=known)
    return _whole_lines(lines, verdicts)


def _whole_lines(lines: Sequence[Line], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What continues a line that is hidden is hidden with it: the detector may have cut one line in pieces."""
    judged = list(verdicts)
    fresh = [line for line, verdict in zip(lines, verdicts, strict=True) if verdict.act == HIDE]
    while fresh:
        hidden, fresh = fresh, []
        for number, line in enumerate(lines):
            brief = judged[number].brief
            if judged[number].act == KEEP and any(_continues(line, other, brief) for other in hidden):
                evidence = f"{judged[number].evidence}, continues a line"
                judged[number] = Verdict(HIDE, "not-technical-text", evidence)
                fresh.append(line)
    return judged


def _continues(line: Line, other: Line, brief: bool) -> bool:
    turned = abs((line.slant - other.slant + 90) % 180 - 90) > 8
    if not (FLAT if brief else 0.6) < line.height / other.height < ALIKE or (turned and not brief):
        return False
    along, across = from_centre(line, other)
    gap = abs(along) - (line.length + other.length) / 2
    return across < 0.4 * other.height and gap < (INITIAL if brief else NEXT) * other.height


def _said(crops: Sequence[Array], standing: Sequence[bool], known: Known) -> list[tuple[str, float]]:
    """Read each line upright and, where that is unsure or it stands on end, upside down; square ones also on either side."""
    said = reader.read(crops) if crops else []
    for turns in (2, 1, 3):
        again = [
            number for number, (_, sure) in enumerate(said)
            if ((sure < READ and contrast(crops[number])[0] >= DRAWN) or (turns == 2 and standing[number]))
            and (turns == 2 or crops[number].shape[1] < 1.4 * crops[number].shape[0])
        ]  # fmt: skip
        if not again:
            continue
        turned = [np.ascontiguousarray(np.rot90(crops[number], turns)) for number in again]
        for number, found in zip(again, reader.read(turned), strict=True):
            longer = 2 * len(found[0].strip()) >= len(said[number][0].strip())
            if longer and _belief(found, known) > _belief(said[number], known):
                said[number] = found
    return said


def _belief(said: tuple[str, float], known: Known) -> float:
    """Return how far to believe a reading: of two sure ones from both ends of a line, the one that makes sense."""
    text, sure = said
    return sure + (SENSE if sure >= READ and technical(text, known) else 0.0)


def crop(picture: Array, line: Line) -> Array:
    """Return the line cut out of the picture and turned upright."""
    import cv2

    wide, tall = max(round(line.length), 2), max(round(line.height), 2)
    turn = cv2.getRotationMatrix2D((line.x, line.y), line.slant, 1.0)
    turn[0, 2] += wide / 2 - line.x
    turn[1, 2] += tall / 2 - line.y
    return np.asarray(
        cv2.warpAffine(picture, turn, (wide, tall), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def grown(picture: Array, line: Line) -> Line:
    """Return the line, longer where more of its ink follows at its ends than the detector marked."""
    import cv2

    reach = REACH * line.height
    wider = crop(picture, replace(line, length=line.length + 2 * reach))
    grey = cv2.cvtColor(np.ascontiguousarray(wider), cv2.COLOR_RGB2GRAY).astype(np.int16)
    first, last = round(reach), grey.shape[1] - round(reach)
    core = grey[:, first:last]
    limit, cut = cv2.threshold(core.astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    light = np.concatenate([cut[0], cut[-1]]).mean() <= 127
    band = grey[round(0.15 * grey.shape[0]) : max(round(0.85 * grey.shape[0]), 1)]
    inked = (band > limit if light else band <= limit).mean(axis=0)
    inked = (inked > 0.04) & (inked < 0.9)
    step = max(round(GAP * line.height), 2)
    left, right = first, last
    while (more := np.flatnonzero(inked[max(left - step, 0) : left])).size and left > 0:
        left = max(left - step, 0) + int(more[0])
        if more[0] == 0 and left == 0:
            break
    while (more := np.flatnonzero(inked[right : right + step])).size and right < len(inked):
        right += int(more[-1]) + 1
    middle = (left + right) / 2 - grey.shape[1] / 2
    turn = np.deg2rad(line.slant)
    return replace(
        line,
        length=float(right - left),
        x=line.x + middle * float(np.cos(turn)),
        y=line.y + middle * float(np.sin(turn)),
    )


def _verdict(line: Line, ink: Array, text: str, sure: float, *, limit: float, known: Known) -> Verdict:
    letters = sum(char.isalnum() for char in text)
    evidence = f"found {line.score:.2f}, read {sure:.2f}"
    full = line.length <= (letters + 1) * line.height
    if full and letters and sure >= TRUSTED and technical(text, known):
        return Verdict(KEEP, "technical-text", evidence, brief=letters <= 2)
    organ = line.height > limit
    unclear = line.height > max(SHORT * limit / TALL, LOW)
    if letters >= 2 and sure >= (READ if organ or letters == 2 else PLAIN) and _latin(text):
        return Verdict(HIDE, "not-technical-text", evidence)
    clear = line.score >= CLEAR and line.height >= WORD
    brief = line.length < LONG * line.height
    if unclear or line.length < (WORDY if clear else LONG) * line.height or line.score < FOUND:
        return Verdict(NOTHING)
    drawn, thin = contrast(ink)
    doubtful = line.length < SURELY * line.height
    foreign = drawn < SHARP and not any(char.isascii() for char in text)
    least = THICK if clear and sure < STRANGE else THIN
    if drawn < (FIRM if brief else DRAWN) or (doubtful and (thin < least or foreign)):
        return Verdict(NOTHING)
    return Verdict(HIDE, "unread-text", f"{evidence}, drawn {drawn:.1f}, thin {thin:.2f}")


def _latin(text: str) -> bool:
    """Say whether most of the text is of a script that the model reads well: what it sees in organs is mostly Han."""
    plain = sum(char.isascii() for char in text)
    return 2 * plain >= len(text)


def contrast(ink: Array) -> tuple[float, float]:
    """Return how far ink and ground stand apart, in units of their spreads, and how much of the ink is thin strokes."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(ink), cv2.COLOR_RGB2GRAY)
    _, cut = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    over, under = grey[cut > 0], grey[cut == 0]
    if not over.size or not under.size:
        return 0.0, 0.0
    apart = float((over.mean() - under.mean()) / (over.std() + under.std() + 4))
    edge = np.concatenate([cut[0], cut[-1]])
    drawn = 255 - cut if edge.mean() > 127 else cut
    side = max(int(STROKE * grey.shape[0]), 3)
    thick = cv2.morphologyEx(drawn, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return apart, 1.0 - float(thick.sum()) / max(float(drawn.sum()), 1.0)
