"""What a de-identification gave back: which output belongs to which planted file, and how to read its elements.

In come the key, the folder of outputs and the two maps (UIDs and patients); out come pairs. Outputs are only read.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.dataset import Dataset

from midas.deid.audit.answers import Answers, Planted, Where
from midas.formats.dicom import quiet


@contextmanager
def unchecked() -> Iterator[None]:
    """Let pydicom read and write what a hospital's devices write, without a word about it."""
    settings = config.settings
    before = settings.writing_validation_mode, settings.reading_validation_mode
    settings.writing_validation_mode = settings.reading_validation_mode = config.IGNORE
    try:
        with quiet():
            yield
    finally:
        settings.writing_validation_mode, settings.reading_validation_mode = before


@dataclass(frozen=True)
class Output:
    """One file that came back for the planted file `number`."""

    number: int
    path: Path

    @cached_property
    def ds(self) -> Dataset:
        return _read(self.path)

    def element(self, tag: int, where: Where) -> Any:
        """Return the value at a place, None where there is no such element; a private block is found by its creator."""
        found: Any = self.ds if tag >> 16 != 2 else self.ds.file_meta
        for sequence, item in where:
            try:
                found = found[sequence].value[item]
            except (KeyError, IndexError, TypeError):
                return None
        try:
            value = found[tag].value if tag in found else None
        except Exception:  # noqa: BLE001 - pydicom raises many kinds; what cannot be read is not there
            return None
        return "" if value is None and tag in found else value


@dataclass(frozen=True)
class Given:
    """All outputs by planted file, those that belong to none, and the two maps."""

    root: Path
    outputs: Mapping[int, Output]
    strangers: tuple[Path, ...]
    uids: Mapping[str, str] = field(repr=False)
    patients: Mapping[str, str] = field(repr=False)


def _read(path: Path) -> Dataset:
    with quiet():
        return pydicom.dcmread(path, force=True)


def every_file(folder: Path) -> Iterator[Path]:
    """Yield every file under a folder in order."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def match(
    answers: Answers,
    outputs: Path,
    uid_map: Mapping[str, str],
    patient_map: Mapping[str, str],
    pairs: Mapping[Path, Path] | None = None,
) -> Given:
    """Find the output of each planted file: in `pairs` where these are given, else by its mapped SOP Instance UID."""
    if pairs is not None:
        back = {after: before for before, after in pairs.items()}
        numbers = {answers.root / planted.path: planted.number for planted in answers.files}
        told = {
            numbers[back[path]]: Output(numbers[back[path]], path)
            for path in every_file(outputs)
            if path in back
        }
        return Given(
            outputs, told, tuple(p for p in every_file(outputs) if p not in back), uid_map, patient_map
        )
    by_uid = {uid_map.get(planted.instance, planted.instance): planted for planted in answers.files}
    found: dict[int, Output] = {}
    strangers = []
    for path in every_file(outputs):
        planted = by_uid.get(_instance(path))
        if planted is None or planted.number in found:
            strangers.append(path)
        else:
            found[planted.number] = Output(planted.number, path)
    return Given(outputs, found, tuple(strangers), uid_map, patient_map)


def _instance(path: Path) -> str:
    try:
        with quiet():
            return str(
                pydicom.dcmread(
                    path, force=True, specific_tags=["SOPInstanceUID"], stop_before_pixels=True
                ).get("SOPInstanceUID", "")
            )
    except Exception:  # noqa: BLE001 - whatever cannot be read as DICOM is a stranger
        return ""


def read_map(path: Path) -> dict[str, str]:
    """Read a CSV with two columns, before and after; its heading, if any, does no harm."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {row[0]: row[1] for row in csv.reader(stream) if len(row) >= 2}


def maps_of(pairs: Mapping[Path, Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Work out both maps from (planted file, output) pairs, for tools that write none down: place by place."""
    uids: dict[str, list[str]] = defaultdict(list)
    patients: dict[str, str] = {}
    for before, after in pairs.items():
        old, new = _read(before), _read(after)
        patients.setdefault(str(old.get("PatientID", "")), str(new.get("PatientID", "")))
        for was, became in _uids_beside(old, new):
            uids[was].append(became)
    return {was: max(set(many), key=many.count) for was, many in uids.items()}, patients


def _uids_beside(old: Dataset, new: Dataset) -> Iterator[tuple[str, str]]:
    for element in old:
        if element.tag not in new or not element.value:
            continue
        other = new[element.tag].value
        if element.VR == "UI" and other and isinstance(element.value, str):
            yield str(element.value), str(other)
        elif element.VR == "SQ" and isinstance(other, pydicom.Sequence):
            for first, second in zip(element.value, other, strict=False):
                yield from _uids_beside(first, second)


def held(answers: Answers, given: Given) -> tuple[Planted, ...]:
    return tuple(planted for planted in answers.files if planted.number not in given.outputs)
