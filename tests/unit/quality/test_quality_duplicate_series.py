"""Near-duplicate series: a real scan that was exported again in every way, and the scans of other persons."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.unit.quality import phantoms
from tests.unit.quality.scans import AGAIN, Volume, head, person, slices

from midas.protocol import load_named
from midas.quality import examine
from midas.quality.duplicate_series import FEWEST, SAME, Signature, alike_series, sign
from midas.quality.duplicates import CROPPED, WHOLE, WINDOWS
from midas.quality.lookup import distance

ITEM = next(one for one in load_named("meningioma").protocol.items if one.id == "brain-mr")


def signature(volume: Volume) -> Signature | None:
    """Sign a volume as the hub does, with every check run on its slices."""
    found: list[Signature | None] = []
    examine(slices(volume), ITEM, whole=True, also=lambda images: found.append(sign(images)))
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


def test_a_header_that_lies_of_its_place_costs_the_signature_alone(monkeypatch) -> None:
    from midas.catalogue.findings import looking
    from midas.quality import duplicate_series

    def torn(_: object) -> None:
        raise TypeError("object of type 'DSfloat' has no len()")

    monkeypatch.setattr(duplicate_series, "sign", torn)
    assert looking._signed([]) is None
    assert alike_series(b"", b"").score == 0, "whoever withdrew meanwhile has no slabs"
