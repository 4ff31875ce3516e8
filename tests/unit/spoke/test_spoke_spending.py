"""What the spoke's work takes travels once, in the header of the parcel that it was done for, and only whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK, write_ct
from tests.unit.spoke.test_spoke_river import Hub, take

from midas import compute
from midas.compute import total
from midas.kernel import BadInput
from midas.spoke import flow
from midas.spoke.home import reconfigure
from midas.spoke.intake.models import Batch
from midas.spoke.outbox.models import Parcel, Work
from midas.wire.v1 import FindingLine, Signed, Spent, SubmissionHeader


def packed(work: Any) -> Parcel:
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    return parcel


def told(parcel: Parcel) -> Spent | None:
    """What the signed header says."""
    return SubmissionHeader.model_validate_json(Signed.model_validate(parcel.signed).payload).spent


def kept(**chosen: Any) -> Spent:
    rows = Work.objects.filter(**chosen).values_list("spent", flat=True)
    return total(Spent.model_validate(one) for one in rows)


def test_a_parcel_tells_the_sum_of_the_work_on_it(work: Any, export: Path) -> None:
    take(work, export)
    took = kept()
    assert took.processor_s > 0
    assert took.peak_bytes > 10_000_000
    parcel = packed(work)
    said = told(parcel)
    assert said == kept(parcel=parcel)
    assert said.processor_s > took.processor_s, "packing is work, too"
    assert said.unknown_s == said.processor_s, "nobody told what a core draws, and no counter is read here"
    assert not Work.objects.filter(parcel=None).exists()


def test_the_next_parcel_tells_only_what_came_after(work: Any, export: Path, tmp_path: Path) -> None:
    take(work, export)
    first = packed(work)
    flow.send(home=work.home, hub=Hub(tmp_path), clock=CLOCK)
    more = tmp_path / "more"
    write_ct(more / "3.dcm", uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240113", number=3)
    take(work, more)
    second = packed(work)
    assert told(second) == kept(parcel=second)
    assert total([told(first), told(second)]) == kept()


def test_what_the_hub_refused_is_told_with_the_parcel_after_it(
    work: Any, export: Path, tmp_path: Path
) -> None:
    take(work, export)
    first = packed(work)
    blamed = first.outputs.filter(kind="instance").first()
    hub = Hub(tmp_path)
    hub.refuses = (FindingLine(rule="leak", severity="error", scope=blamed.line["path"], message="A leak."),)
    flow.send(home=work.home, hub=hub, clock=CLOCK)
    second = packed(work)
    assert told(second) == kept(parcel=second) == kept()


def test_what_came_in_before_it_was_kept_is_told_by_nobody(work: Any, export: Path) -> None:
    take(work, export)
    early = Batch.objects.order_by("pk").first()
    early.started_at -= timedelta(days=1)  # an older spoke received it
    early.save()
    parcel = packed(work)
    assert told(parcel) is None
    assert not Work.objects.filter(parcel=None).exists(), "and it is not told of a later one"


def test_work_that_breaks_off_took_what_it_took(
    work: Any, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise BadInput("Broken off.")

    monkeypatch.setattr(flow, "look_alongside", broken)
    with pytest.raises(BadInput):
        take(work, export)
    assert kept().processor_s > 0


def test_an_operators_number_makes_the_energy_an_estimate(work: Any, export: Path) -> None:
    home = reconfigure(work.home, watts_per_core=11.0)
    flow.receive(home=home, folder=export, runner=compute.here(), clock=CLOCK)
    parcel = flow.pack(home=home, clock=CLOCK)
    said = told(parcel)
    assert said.estimated_j == pytest.approx(11 * said.processor_s, abs=0.1)
    assert (said.unknown_s, said.measured_j) == (0, 0)


def test_a_header_of_an_older_spoke_says_nothing_and_is_read(work: Any, export: Path) -> None:
    take(work, export)
    header = dict(packed(work).header)
    assert header.pop("spent") is not None
    assert SubmissionHeader.model_validate(header).spent is None
