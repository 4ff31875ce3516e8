"""The one way in which checks of images run: image by image, slice by slice, then over the whole series.

In come files or datasets and the protocol's item; out comes what each check measured and what stands against it. The same
call runs at the spoke, before de-identification, and at the hub, after it. What cannot be read is a finding, not an error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from pydicom.dataset import Dataset

from midas.formats.dicom import read
from midas.kernel import Severity
from midas.protocol.model import Item
from midas.quality.checks import AREAS, CT, MR, Check, Measured, unknown_limits, wrong
from midas.quality.image import Image, Slice

ObjectRule = Callable[[Image, Item, str], Iterator[Measured]]
SliceRule = Callable[[Slice, Item, str], Iterator[Measured]]
SeriesRule = Callable[[Sequence[Image], Item, str], Iterator[Measured]]
"""What an area offers as `OBJECT`, `SLICE` and `SERIES`: rules that yield nothing where they do not apply."""

UNREADABLE = Check(
    "image.unreadable", Severity.ERROR, frozenset(), "",
    {"en": "Can be read", "hi": "फ़ाइल पढ़ी जा सकती है"},
    "Export it again; it may have been cut short.", "PS3.10 7.1",
)  # fmt: skip
UNDECODED = Check(
    "image.pixels-unreadable", Severity.ERROR, frozenset(), "",
    {"en": "Pixels can be decoded", "hi": "पिक्सेल डिकोड हो सकते हैं"},
    "Export the image again; it may have been cut short.", "PS3.5 8",
)  # fmt: skip
UNEXAMINED = Check(
    "image.unexamined", Severity.WARNING, frozenset(), "",
    {"en": "Every check could run", "hi": "हर जाँच चल सकी"},
    "Look at the image and its header: something in it is not as the standard has it.", "PS3.3; PS3.5",
)  # fmt: skip
LIMITS = Check(
    "protocol.unknown-limit", Severity.WARNING, frozenset(), "limits",
    {"en": "Every limit names a check", "hi": "हर सीमा किसी जाँच की है"},
    "Correct the name in the protocol; docs/checks.md lists them.", "protocol: items.quality", {"max": 0},
)  # fmt: skip
CHECKS = (UNREADABLE, UNDECODED, UNEXAMINED, LIMITS)


def rules(kind: str) -> Iterator[Any]:
    """Yield the rules of one kind (`OBJECT`, `SLICE`, `SERIES`) of every area."""
    for area in AREAS:
        yield from getattr(import_module(area), kind, ())


@cache
def checks_of_series() -> frozenset[str]:
    """Return the ids of the checks that need the whole series."""
    areas = [import_module(area) for area in AREAS]
    return frozenset(check.id for area in areas if hasattr(area, "SERIES") for check in area.CHECKS)


def examine(
    sources: Iterable[Path | Dataset],
    item: Item,
    *,
    scope: str = "item",
    whole: bool = False,
    also: Callable[[Sequence[Image]], object] | None = None,
) -> tuple[Measured, ...]:
    """Run every check that applies; `whole` says that the sources are all images of one series.

    `scope` is the opaque name used in findings. Checks of slices run on each slice (`image.SAMPLE` of a larger object);
    their results are told once for all images. Pixels are let go after the look, so that a series costs one object's memory.
    `also` is called with the images of a whole series after their slices were looked at.
    """
    seen = [
        wrong(LIMITS, f"No check is called {name}.", item=item, scope=scope)
        for name in unknown_limits(item)
    ]  # fmt: skip
    images: list[Image] = []
    for source in sources:
        try:
            image = Image(source if isinstance(source, Dataset) else read(source, pixels=True))
            seen += _look(image, item, scope, whole)
        except Exception as error:  # noqa: BLE001 - damaged files fail anywhere
            seen.append(
                wrong(UNREADABLE, f"It cannot be read ({type(error).__name__}).", item=item, scope=scope)
            )
            continue
        if whole:
            if not isinstance(source, Dataset):
                image.let_go()
            images.append(image)
    for rule in rules("SERIES") if images else ():
        seen += _tried(rule, images, item, scope)
    if also is not None and images:
        also(images)
    return tuple(told_once(seen))


def _look(image: Image, item: Item, scope: str, whole: bool) -> list[Measured]:
    seen = [found for rule in rules("OBJECT") for found in _tried(rule, image, item, scope)]
    for one in image.sampled():
        try:
            one.raw  # noqa: B018 - decoded here, so that each rule may rely on it
        except Exception as error:  # noqa: BLE001 - each decoder fails in its own way
            said = f"The pixels cannot be decoded ({type(error).__name__})."
            seen.append(wrong(UNDECODED, said, item=item, scope=scope))
            break
        seen += [found for rule in rules("SLICE") for found in _tried(rule, one, item, scope)]
        if whole and image.modality in CT | MR and image.grey_scale:
            one.small  # noqa: B018 - kept for the look at the whole series
        one.let_go()
    return seen


def _tried(rule: Callable[..., Iterator[Measured]], thing: Any, item: Item, scope: str) -> list[Measured]:
    try:
        return list(rule(thing, item, scope))
    except Exception as error:  # noqa: BLE001 - a header may hold anything, and one check must not stop the others
        said = f"A check could not run ({rule.__name__}: {type(error).__name__})."
        return [wrong(UNEXAMINED, said, item=item, scope=scope)]


NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")


def told_once(seen: Sequence[Measured]) -> Iterator[Measured]:
    """Tell each check once: its middle value where all is well, else the worst finding and how often it was made.

    Findings of one check whose messages differ in more than numbers stand beside one another.
    """
    by_check: defaultdict[str, list[Measured]] = defaultdict(list)
    for one in seen:
        by_check[one.check].append(one)
    for check, measured in by_check.items():
        bad: defaultdict[str, list[Measured]] = defaultdict(list)
        for one in measured:
            if one.finding is not None:
                bad[NUMBER.sub("#", one.finding.message)].append(one)
        if not bad:
            values = [one.value for one in measured if one.value is not None]
            yield Measured(check, median(values) if values else None, None)
        for alike in bad.values():
            yield _worst(alike, len(measured))


def _worst(alike: list[Measured], looks: int) -> Measured:
    low = ", below " in _said(alike[0])
    worst = (min if low else max)(alike, key=lambda one: 0.0 if one.value is None else one.value)
    if len(alike) == 1 or worst.finding is None:
        return worst
    said = f"{_said(worst)} So in {len(alike)} of {looks} looks."
    return worst._replace(finding=replace(worst.finding, message=said))


def _said(one: Measured) -> str:
    return one.finding.message if one.finding else ""
