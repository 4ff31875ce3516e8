"""The look at a whole series: do its images belong together, and is none missing or there twice?

In come the headers of one series (datasets without pixels will do) and the protocol's item; out come findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from midas.kernel import Finding, Severity
from midas.protocol.model import Item

ORIGIN = "midas.quality.whole_series"
SPACING_TOLERANCE = 0.1
"""Part of the usual distance by which a distance between slices may differ: beyond it the volume is distorted."""
SAME_PLACE_MM = 1e-3

HEADER = [
    "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "InstanceNumber", "NumberOfFrames", "Rows",
    "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "Modality", "ImageType",
    "AcquisitionNumber", "TemporalPositionIdentifier", "EchoNumbers", "DiffusionBValue",
]  # fmt: skip


def _finding(rule: str, severity: Severity, scope: str, message: str, advice: str, cites: str) -> Finding:
    return Finding(f"series.{rule}", severity, scope, message, advice, cites, ORIGIN)


def one_person(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    del item
    for keyword in ("PatientID", "StudyInstanceUID"):
        if len({str(ds.get(keyword) or "") for ds in headers}) > 1:
            yield _finding(
                "mixed", Severity.ERROR, scope, f"Its images do not share one {keyword}.",
                "Separate the persons and export again.", "PS3.3 A.1.2",
            )  # fmt: skip


def each_once(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    del item
    twice = sum(count - 1 for count in Counter(str(ds.get("SOPInstanceUID")) for ds in headers).values())
    if twice:
        yield _finding(
            "duplicate", Severity.WARNING, scope, f"{twice} of its images are there more than once.",
            "One of each is enough.", "PS3.3 C.12.1",
        )  # fmt: skip


def enough(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    count = sum(int(ds.get("NumberOfFrames") or 1) for ds in headers)
    if count < item.min_instances:
        yield _finding(
            "too-few", Severity.WARNING, scope, f"It has {count} images; {item.id} asks for {item.min_instances}.",
            "Check that the whole series was exported.", "protocol: items.min_instances",
        )  # fmt: skip


def one_shape(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    if item.kind != "dicom":
        return
    if len({(ds.get("Rows"), ds.get("Columns")) for ds in headers}) > 1:
        yield _finding(
            "shapes", Severity.WARNING, scope, "Its images differ in size.", "Check for a scout view in the series.",
            "PS3.3 C.7.6.3",
        )  # fmt: skip


def no_gap_in_numbers(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    if item.kind != "dicom":
        return
    numbers = sorted({int(ds.InstanceNumber) for ds in headers if ds.get("InstanceNumber") not in (None, "")})
    if len(numbers) > 2 and (absent := numbers[-1] - numbers[0] + 1 - len(numbers)) and absent < len(numbers):
        yield _finding(
            "numbers", Severity.WARNING, scope, f"{absent} instance numbers are missing between the first and the last.",
            "Check that the whole series was exported.", "PS3.3 C.7.6.1",
        )  # fmt: skip


def slice_positions(headers: Iterable[Dataset]) -> np.ndarray[Any, Any] | None:
    """Return sorted positions in mm along the normal of parallel slices, or `None` where there is no such stack."""
    planes = [ds for ds in headers if ds.get("ImageOrientationPatient") and ds.get("ImagePositionPatient")]
    if len(planes) < 3:
        return None
    directions = np.array([[float(x) for x in ds.ImageOrientationPatient] for ds in planes])
    if np.abs(directions - directions[0]).max() > 1e-3:
        return None
    normal = np.cross(directions[0, :3], directions[0, 3:])
    origins = np.array([[float(x) for x in ds.ImagePositionPatient] for ds in planes])
    return np.sort(origins @ normal)


def even_spacing(headers: Sequence[Dataset], item: Item, scope: str) -> Iterator[Finding]:
    del item
    positions = slice_positions(headers)
    if positions is None:
        return
    gaps = np.diff(positions)
    if (gaps < SAME_PLACE_MM).any():
        yield _finding(
            "same-place", Severity.WARNING, scope, f"{int((gaps < SAME_PLACE_MM).sum())} slices lie where another one lies.",
            "Check for several echoes, phases or copies in one series.", "PS3.3 C.7.6.2.1.1",
        )  # fmt: skip
        gaps = gaps[gaps >= SAME_PLACE_MM]
    if len(gaps) < 2:
        return
    usual = float(np.median(gaps))
    missing = int(np.sum(np.round(gaps / usual) - 1)) if usual else 0
    if missing > 0:
        yield _finding(
            "slice-gap", Severity.WARNING, scope,
            f"{missing} slices seem to be missing: {usual:g} mm apart, once {gaps.max():g} mm.",
            "Export the whole series.", "PS3.3 C.7.6.2.1.1",
        )  # fmt: skip
    elif np.abs(gaps - usual).max() > SPACING_TOLERANCE * usual:
        yield _finding(
            "spacing", Severity.WARNING, scope, f"The distances between slices go from {gaps.min():g} to {gaps.max():g} mm.",
            "Volumes from it need resampling.", "PS3.3 C.7.6.2.1.1",
        )  # fmt: skip


Rule = Callable[[Sequence[Dataset], Item, str], Iterator[Finding]]
RULES: tuple[Rule, ...] = (one_person, each_once, enough, one_shape, no_gap_in_numbers, even_spacing)


def series(sources: Iterable[Path | Dataset], item: Item, *, scope: str = "series") -> tuple[Finding, ...]:
    """Look at all images of one series together; an empty tuple means that nothing stands against it.

    Only headers are read. Raise `InvalidDicomError` where a path holds no DICOM: `first_look` says so before.
    """
    headers = [
        source
        if isinstance(source, Dataset)
        else dcmread(source, specific_tags=HEADER, stop_before_pixels=True)
        for source in sources
    ]
    return tuple(finding for rule in RULES for finding in rule(headers, item, scope)) if headers else ()
