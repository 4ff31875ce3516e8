"""What a perfect de-identification gives back: outputs made from the answer key itself, to test the scorer with.

In come a planted corpus and its key, out come files that do every required action. It proves that the demands do not
contradict one another; it de-identifies nothing without the key.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, UID_dictionary

from midas.deid.audit import Answers, frames
from midas.deid.audit.answers import Check, Line
from midas.deid.audit.leaks import day_of
from midas.deid.audit.outputs import unchecked

SHIFT = -137


def perfect(answers: Answers, out: Path) -> dict[Path, Path]:
    """Write one perfect output for each planted file under neutral names; return which came from which."""
    out.mkdir()
    checks: dict[int, list[Check]] = defaultdict(list)
    lines: dict[int, list[Line]] = defaultdict(list)
    for check in answers.checks:
        checks[check.file].append(check)
    for line in answers.lines:
        lines[line.file].append(line)
    pairs = {}
    with unchecked():
        for planted in answers.files:
            before, after = answers.root / planted.path, out / f"{planted.number}.dcm"
            ds = pydicom.dcmread(before, force=True)
            ds.decode()
            _made(ds, checks[planted.number], lines[planted.number])
            pydicom.dcmwrite(after, ds, enforce_file_format=True)
            pairs[before] = after
    return pairs


def _made(ds: Dataset, checks: list[Check], lines: list[Line]) -> None:
    ds.SpecificCharacterSet, ds.preamble = "ISO_IR 192", b"\0" * 128
    for name in ("SourceApplicationEntityTitle", "PrivateInformation", "PrivateInformationCreatorUID"):
        if name in ds.file_meta:
            delattr(ds.file_meta, name)
    if lines:
        _hidden(ds, [line for line in lines if line.secret])
    elif "PixelData" in ds:
        frames.uncommented(ds)
    kept = {(c.where, c.tag): c.value for c in checks if c.action in {"text_retained", "text_notnull"}}
    gone = {(c.where, c.tag) for c in checks if c.action == "text_removed"}
    for check in checks:
        if check.area == "un" and check.action == "text_removed":
            ds.pop(check.where[0][0] if check.where else check.tag, None)
    _walked(ds, (), kept, gone)
    ds.PatientID, ds.PatientName = "S" + hashlib.sha256(str(ds.PatientID).encode()).hexdigest()[:8], "S"
    ds.PatientBirthDate = ""
    ds.pop("IconImageSequence", None)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID


def _walked(ds: Dataset, where: Any, kept: dict[Any, str], gone: set[Any]) -> None:
    for tag in list(ds.keys()):
        place = (where, int(tag))
        if int(tag) == 0x7FE00010:
            continue
        element = ds[tag]
        if element.VR == "SQ" and not (element.tag.is_private and place not in kept):
            for number, item in enumerate(element.value):
                _walked(item, (*where, (int(tag), number)), kept, gone)
        elif place in kept and place not in gone:
            _mapped(element)
        elif place in kept:
            element.value = b"%PDF-1.4\n%%EOF\n" if isinstance(element.value, bytes) else kept[place] or "x"
        elif _bad(element, place, gone):
            del ds[tag]
        else:
            _mapped(element)


def _bad(element: Any, place: Any, gone: set[Any]) -> bool:
    group = int(element.tag) >> 16
    if group in {0x5000, 0x6000, 0xFFFC} or (element.tag.is_private and not element.tag.is_private_creator):
        return True
    if element.VR == "PN":
        element.value = ""
    if place in gone:
        element.value = "" if element.VR != "UN" and not isinstance(element.value, bytes) else b""
    return False


def _mapped(element: Any) -> None:
    if element.VR == "UI" and element.value:
        values = [element.value] if isinstance(element.value, str) else list(element.value)
        new = [
            one
            if str(one) in UID_dictionary
            else UID("2.25." + str(int(hashlib.sha256(str(one).encode()).hexdigest()[:30], 16)))
            for one in values
        ]
        element.value = new if len(new) > 1 else new[0]
    elif element.VR in {"DA", "DT"} and element.value:
        day = day_of(str(element.value))
        element.value = f"{day + timedelta(days=SHIFT):%Y%m%d}" + str(element.value)[8:] if day else ""


def _hidden(ds: Dataset, lines: list[Line]) -> None:
    pixels = frames.drawable(ds).copy()
    for line in lines:
        left, top, width, height = line.box
        for frame in pixels[line.frames[0] : line.frames[1]]:
            frame[top : top + height, left : left + width] = np.array(frame[0, 0])
    frames.store(ds, pixels)
