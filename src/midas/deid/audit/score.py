"""The score: which of the required actions were done rightly, what leaked, and whether days and names stayed consistent.

In come the key, the outputs and the two maps; out comes a `Score`. A file that was not given back has fulfilled every
removal and no retention, as in MIDI-B. What MIDI-B leaves open is closed here: leaks are searched in every byte, absent
days fail where the standard keeps them, shifts must be one for each person, and pixels are judged by glyphs.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from midas.deid.audit import frames, leaks, sight
from midas.deid.audit.answers import ACTIONS, REMOVALS, Answers, Check, Line, Planted
from midas.deid.audit.attributes import said
from midas.deid.audit.enclosed import text_of_pdf
from midas.deid.audit.glyphs import Pixels
from midas.deid.audit.outputs import Given, Output, match, unchecked
from midas.deid.audit.sheet import GENERIC, words

VISIBLE = 0.10
"""Share of a line's glyph pixels from which it counts as readable."""
KEPT = 0.90
"""Share of a harmless line's glyph pixels that must be left."""
UNTOUCHED = 0.99
"""Share of the other pixels that must be as they were; a mask may reach `MARGIN` pixels beyond its line."""
MARGIN = 12
ALWAYS_DATED = frozenset({0x00080020})
"""Study Date: of type 2 in every object, so that an empty one is a loss under the option that shifts dates."""


@dataclass(frozen=True)
class Verdict:
    """How one check came out. `released` says whether the file came back at all."""

    check: Check
    right: bool
    released: bool
    why: str = ""


@dataclass(frozen=True)
class Share:
    """`right` of `of`, with the Wilson interval at 95 % (Wilson 1927)."""

    right: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.right / self.of if self.of else 100.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.of)

    def to_dict(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "right": self.right,
            "of": self.of,
            "percent": round(self.percent, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }


def wilson(right: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share in per cent."""
    if not of:
        return 0.0, 100.0
    p, d = right / of, 1 + z * z / of
    middle, half = (p + z * z / (2 * of)) / d, z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / d
    return max(0.0, 100 * (middle - half)), min(100.0, 100 * (middle + half))


@dataclass(frozen=True)
class Score:
    """All verdicts and leaks of one run, and the figures that are read off them."""

    answers: Answers = field(repr=False)
    verdicts: tuple[Verdict, ...] = field(repr=False)
    leaks: tuple[leaks.Leak, ...]
    released: int
    strangers: int
    wrong_shifts: tuple[str, ...]

    def share(
        self, *, actions: Iterable[str] = ACTIONS, category: str = "", area: str = "", released: bool = False
    ) -> Share:
        """Return the share of right verdicts among those asked for."""
        wanted = frozenset(actions)
        chosen = [
            verdict.right
            for verdict in self.verdicts
            if verdict.check.action in wanted
            and category in ("", verdict.check.category)
            and verdict.check.area.startswith(area)
            and (verdict.released or not released)
        ]
        return Share(sum(chosen), len(chosen))

    @property
    def held(self) -> Share:
        number = len(self.answers.files)
        return Share(number - self.released, number)

    def failures(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.right)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the table, in the order in which they are printed."""
        kinds = Counter(leak.what for leak in self.leaks)
        privacy = [action for action in ACTIONS if action in REMOVALS]
        utility = ("tag_retained", "text_notnull", "text_retained", "pixels_retained")
        return {
            "files": len(self.answers.files),
            "released": self.released,
            "all": self.share().to_dict(),
            "on_released": self.share(released=True).to_dict(),
            "privacy": self.share(actions=privacy).to_dict(),
            "utility": self.share(actions=utility).to_dict(),
            **{name: self.share(category=name).to_dict() for name in ("hipaa", "dicom", "tcia")},
            "actions": {action: self.share(actions=[action]).to_dict() for action in ACTIONS},
            "actions_on_released": {
                action: self.share(actions=[action], released=True).to_dict() for action in ACTIONS
            },
            "lines_hidden": self.share(actions=["pixels_hidden"], area="line").to_dict(),
            "lines_hidden_on_released": self.share(
                actions=["pixels_hidden"], area="line", released=True
            ).to_dict(),
            "harmless_kept": self.share(actions=["pixels_retained"], area="line").to_dict(),
            "clean_untouched": self.share(actions=["pixels_retained"], area="clean").to_dict(),
            "outside_untouched": self.share(actions=["pixels_retained"], area="outside").to_dict(),
            "held": self.held.to_dict(),
            "leaks": {what: kinds.get(what, 0) for what in ("identifier", "date", "uid", "path")},
            "people_with_wrong_shifts": len(self.wrong_shifts),
            "strangers": self.strangers,
        }


def score(
    answers: Answers,
    outputs: Path,
    uid_map: Mapping[str, str],
    patient_map: Mapping[str, str],
    *,
    pairs: Mapping[Path, Path] | None = None,
) -> Score:
    """Judge every check of the key on the folder of outputs, and search that folder for what may not be there.

    Outputs are found by the UID map; `pairs` (planted file → output) tells instead for tools that lose the UIDs.
    """
    with unchecked():
        given = match(answers, outputs, uid_map, patient_map, pairs)
        judge = _Judge(answers, given)
        verdicts = tuple(judge.verdict(check) for check in answers.checks)
        found = leaks.find(answers, given) + tuple(leaks.true_days(answers, given, judge.shift))
    return Score(answers, verdicts, found, len(given.outputs), len(given.strangers), judge.wrong_shifts)


class _Judge:
    def __init__(self, answers: Answers, given: Given) -> None:
        self.answers, self.given = answers, given
        self.files = {planted.number: planted for planted in answers.files}
        by_person = leaks.shifts(answers, given)
        self.shift = {person: max(set(found), key=found.count) for person, found in by_person.items()}
        self.wrong_shifts = tuple(
            f"person {person}" for person, found in by_person.items() if len(set(found)) > 1 or 0 in found
        )
        self.lines: dict[int, list[Line]] = defaultdict(list)
        for line in answers.lines:
            self.lines[line.file].append(line)
        self.seen = lru_cache(maxsize=2)(self._frames)

    def verdict(self, check: Check) -> Verdict:
        output = self.given.outputs.get(check.file)
        if output is None:
            return Verdict(check, check.action in REMOVALS, released=False, why="not given back")
        why = str(getattr(self, f"_{check.action}")(check, output))
        return Verdict(check, not why, released=True, why=why)

    def _tag_retained(self, check: Check, output: Output) -> str:
        return "" if output.element(check.tag, check.where) is not None else "absent"

    def _text_notnull(self, check: Check, output: Output) -> str:
        value = output.element(check.tag, check.where)
        empty = value is None or (not isinstance(value, (int, float)) and len(value) == 0) or str(value) == ""
        return "empty" if empty else ""

    def _text_retained(self, check: Check, output: Output) -> str:
        value = output.element(check.tag, check.where)
        if value is None:
            return "absent"
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace").strip(" \0")
        if said(value) == check.value:
            return ""
        lost = [word for word in words(check.value) if word not in set(words(str(value)))]
        return f"lost: {' '.join(lost)}" if lost else ""

    def _text_removed(self, check: Check, output: Output) -> str:
        value = output.element(check.tag, check.where)
        if value is None or (isinstance(value, bytes) and not value):
            return ""
        text = text_of_pdf(value) if check.area == "pdf" and isinstance(value, bytes) else _readable(value)
        whole = "".join(words(check.value))
        parts = [
            word
            for word in words(check.value)
            if len(word) >= 3 and word not in GENERIC and word in set(words(text))
        ]
        if whole in "".join(words(text)) or parts:
            return f"left: {' '.join(parts) or check.value}"
        return ""

    def _date_shifted(self, check: Check, output: Output) -> str:
        value = str(output.element(check.tag, check.where) or "")
        if not value:
            return "lost" if check.tag in ALWAYS_DATED and not check.where else ""
        if value[:8] == check.value[:8]:
            return "the true day"
        return self._shift_differs(check, value)

    def _shift_differs(self, check: Check, value: str) -> str:
        shift = self.shift.get(self.files[check.file].person)
        was, now = leaks.day_of(check.value), leaks.day_of(value)
        if check.area == "birth" or shift is None or was is None or now is None:
            return "" if now or check.area == "birth" else "no day"
        return "" if _days(was, now) == shift else "another shift than this person's"

    def _uid_changed(self, check: Check, output: Output) -> str:
        value = output.element(check.tag, check.where)
        return "the true UID" if value is not None and check.value in _strings(value) else ""

    def _uid_consistent(self, check: Check, output: Output) -> str:
        value = output.element(check.tag, check.where)
        if value is None or check.value in _strings(value):
            return "" if value is None else "the true UID"
        mapped = self.given.uids.get(check.value)
        if mapped is None:
            return "not in the map"
        return "" if mapped in _strings(value) else "not as the map says"

    def _patid_consistent(self, check: Check, output: Output) -> str:
        value, mapped = str(output.element(0x00100020, ()) or ""), self.given.patients.get(check.value)
        return "" if value and value != check.value and value == mapped else "not as the map says"

    def _frames(self, number: int) -> tuple[Pixels, Pixels] | None:
        planted = self.files[number]
        source = Output(number, self.answers.root / planted.path)
        try:
            before, after = frames.drawable(source.ds), frames.drawable(self.given.outputs[number].ds)
        except Exception:  # noqa: BLE001 - decoders raise many kinds; what cannot be decoded is not kept
            return None
        return sight.brightness(before), sight.brightness(after)

    def _pixels_hidden(self, check: Check, output: Output) -> str:
        if check.area.startswith("overlay"):
            return _overlay_shows(check, output)
        if check.area == "icon":
            data = output.element(check.tag, check.where)
            return (
                "the icon can be read"
                if isinstance(data, bytes) and max(data, default=0) > min(data, default=0)
                else ""
            )
        pair = self.seen(check.file)
        if pair is None:
            return ""
        share = sight.showing(self.lines[check.file][int(check.value)], *pair)
        return f"{share:.0%} of its glyphs can be seen" if share > VISIBLE else ""

    def _pixels_retained(self, check: Check, _: Output) -> str:
        pair = self.seen(check.file)
        if pair is None:
            return "cannot be decoded"
        if check.area == "line":
            share = sight.showing(self.lines[check.file][int(check.value)], *pair)
            return "" if share >= KEPT else f"{1 - share:.0%} of a harmless mark lost"
        if check.area == "clean":
            return "" if np.array_equal(*pair) else "pixels changed"
        share = sight.outside(self.lines[check.file], *pair, margin=MARGIN)
        return "" if share >= UNTOUCHED else f"{1 - share:.2%} of the other pixels changed"


def _days(was: datetime, now: datetime) -> int:
    return (now - was).days


def _strings(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, str) else [str(one) for one in value]


def _readable(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)) or (not isinstance(value, str) and hasattr(value, "__iter__")):
        return " ".join(str(one) for one in value)
    return str(value)


def _overlay_shows(check: Check, output: Output) -> str:
    """Say whether the planted bits of an overlay plane are still there."""
    value = output.element(check.tag, ())
    if not isinstance(value, bytes) or not value:
        return ""
    columns, mask = check.value.split(":", 1)
    width, height = (int(one) for one in check.area.split()[1:])
    line = Line(check.file, (4, 4, width, height), (0, 1), mask, True, "overlay", "")
    for order in ("<u2", ">u2"):
        data = np.frombuffer(value[: len(value) // 2 * 2], dtype=order).astype("<u2").tobytes()
        bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")
        plane = bits[: len(bits) // int(columns) * int(columns)].reshape(-1, int(columns))
        box = plane[4 : 4 + height, 4 : 4 + width]
        glyphs = line.glyphs()
        if box.shape == glyphs.shape and box[glyphs].mean() > VISIBLE and box.mean() < 0.9:
            return "the overlay can be read"
    return ""


def by_file(verdicts: Iterable[Verdict]) -> dict[int, list[Verdict]]:
    grouped: dict[int, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        grouped[verdict.check.file].append(verdict)
    return grouped


__all__ = ["Planted", "Score", "Share", "Verdict", "by_file", "score", "wilson"]
