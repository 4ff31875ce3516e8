"""What spokes and the hub took reaches the grade: whole or not at all; energy and carbon only by numbers somebody set."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from tests.hub_submission import CLOCK, NOW, PEOPLE, Parcel, parcel, spoke_key, welcome

from midas.catalogue.models import CheckRun, Submission
from midas.catalogue.protocols import add_protocol
from midas.compute import here, total
from midas.grading import grade, rubric_named
from midas.kernel import Evidence
from midas.manifest import PrivateKey
from midas.people.models import Institution
from midas.protocol import load_named
from midas.release import cut, new_draft
from midas.release.models import Draft, Release
from midas.store import Blobs
from midas.web import flows, spending
from midas.web.home import Footprint, HubConfig, HubHome
from midas.web.spending import KWH_J
from midas.wire.v1 import Spent

pytestmark = pytest.mark.django_db
ABOUT = "oral-cancer@1.0.0"
FAR = Spent(processor_s=7200, wall_s=5000, peak_bytes=3_000_000_000, unknown_s=7200)
"""What a spoke says: two hours, of which nobody knows the energy."""
MEASURED = FAR.model_copy(update={"unknown_s": 0, "measured_j": KWH_J})
ESTIMATED = FAR.model_copy(update={"unknown_s": 0, "estimated_s": 7200, "estimated_j": 7200 * 20})


class Hub:
    """A hub without a server, to which a spoke sends."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spoke, self.store = spoke_key(folder), Blobs.at(folder / "blobs")
        self.signer = PrivateKey.load_or_create(folder / "hub.key")
        welcome(self.spoke)
        add_protocol(loaded=load_named("oral-cancer"), clock=CLOCK)
        monkeypatch.setattr(flows, "store", lambda: self.store)
        monkeypatch.setattr(flows, "signer", lambda: self.signer)
        monkeypatch.setattr(flows, "current_home", lambda: SimpleNamespace(scratch=None))

    def send(self, made: Parcel, spent: Spent | None, *, checked: bool = True) -> Submission:
        told = {} if spent is None else {"spent": spent.model_dump(mode="json")}
        signed = made.seal(**told)
        made.put(self.store)
        flows.receive(signed=signed, spoke=Institution.objects.get(), clock=CLOCK)
        assert flows.process_one(clock=CLOCK, runner=here()) is not None
        if checked:
            assert flows.check_one(clock=CLOCK, runner=here()) is not None
        row = Submission.objects.get(root=made.header["root"])
        assert row.state == "registered", row.findings
        return row

    def draft(self) -> Draft:
        return new_draft(
            dataset=Submission.objects.latest("pk").dataset, version="1.0.0", by=None, clock=CLOCK,
            published_on=NOW.date(), notes="First",
        )  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(tmp_path, monkeypatch)


@pytest.fixture
def hears(settings: Any, tmp_path: Path) -> Any:
    """Set what the hub's operator wrote under [footprint]."""

    def said(**numbers: Any) -> None:
        config = HubConfig(footprint=Footprint(**numbers))
        settings.MIDAS_HUB = HubHome(path=tmp_path, config=config)

    return said


def facts(draft: Draft) -> dict[str, Evidence]:
    return {one.kind: one for one in spending.evidence(draft, about=ABOUT)}


def two(hub: Hub, first: Spent | None, second: Spent | None) -> Draft:
    made = four(hub)
    hub.send(made, first)
    made.records[1]["values"] = {"ecog": 2}
    hub.send(made, second)
    return hub.draft()


def four(hub: Hub) -> Parcel:
    return parcel(hub.spoke, people=(*PEOPLE, "P-EEEEE-EEEEE", "P-GGGGG-GGGGG"))


def test_verifying_and_examining_leave_what_they_took(hub: Hub) -> None:
    row = hub.send(four(hub), FAR)
    (run,) = CheckRun.objects.all()
    for kept in (row.spent, run.spent):
        took = Spent.model_validate(kept)
        assert took.processor_s > 0
        assert took.unknown_s == took.processor_s
    assert Spent.model_validate(row.header["spent"]) == FAR


def test_hours_are_those_of_all_spokes_and_of_the_hub(hub: Hub) -> None:
    draft = two(hub, FAR, FAR)
    found = facts(draft)
    assert set(found) == {"sustainability.compute"}, "nobody knows the energy"
    hours = found["sustainability.compute"]
    rows = [*Submission.objects.all(), *CheckRun.objects.all()]
    here_s = total(Spent.model_validate(one.spent) for one in rows).processor_s
    assert hours.value == pytest.approx((2 * 7200 + here_s) / 3600)
    assert (hours.unit, hours.of) == ("hours", 2)
    assert hours.source.startswith("4 at spokes, ")
    assert hours.source.endswith("at most 3 GB a process")
    assert facts(draft) == found, "the same rows say the same again"


def test_what_one_spoke_does_not_say_makes_a_part_which_is_no_evidence(hub: Hub) -> None:
    draft = two(hub, FAR, None)
    assert facts(draft) == {}
    found = spending.figures(draft)
    assert (found.told, found.submissions, found.whole) == (1, 2, False)
    assert found.spokes == FAR


@pytest.mark.parametrize("what", ["verification", "run", "waiting", "cut"])
def test_what_the_hub_did_not_keep_makes_a_part(what: str, hub: Hub) -> None:
    row = hub.send(four(hub), FAR, checked=what != "waiting")
    draft = hub.draft()
    if what == "verification":
        Submission.objects.filter(pk=row.pk).update(spent=None)
    elif what == "run":
        CheckRun.objects.update(spent=None)
    elif what == "cut":
        cut(draft=draft, store=hub.store, signer=hub.signer, clock=CLOCK)
    assert not spending.figures(draft).whole
    assert facts(draft) == {}


def test_cutting_counts_once(hub: Hub) -> None:
    hub.send(four(hub), FAR)
    draft = hub.draft()
    before = facts(draft)["sustainability.compute"].value

    def again() -> Release:
        return spending.keep_cut(
            lambda: cut(draft=draft, store=hub.store, signer=hub.signer, clock=CLOCK), clock=CLOCK
        )

    took = Spent.model_validate(again().spent)
    assert took.processor_s > 0
    after = facts(draft)["sustainability.compute"].value
    assert after == pytest.approx(before + took.processor_s / 3600)
    assert Spent.model_validate(again().spent) == took
    assert facts(draft)["sustainability.compute"].value == after


def test_a_refused_submission_that_comes_again_took_both_times(hub: Hub) -> None:
    made = parcel(hub.spoke)
    signed = made.seal(spent=FAR.model_dump(mode="json"))
    flows.receive(signed=signed, spoke=Institution.objects.get(), clock=CLOCK)
    first = flows.process_one(clock=CLOCK, runner=here())
    assert (first.state, first.spent is not None) == ("refused", True)
    Submission.objects.update(spent=FAR.model_dump(mode="json"))
    row = hub.send(made, FAR)
    assert row.spent["processor_s"] > 7200


def test_energy_is_an_estimate_where_an_operator_set_a_number(hub: Hub, hears: Any) -> None:
    hears(watts_per_core=20)
    found = facts(two(hub, ESTIMATED, ESTIMATED))
    assert set(found) == {"sustainability.compute", "sustainability.energy"}, "nobody set the grid's factor"
    energy = found["sustainability.energy"]
    assert energy.value == pytest.approx(found["sustainability.compute"].value * 20 / 1000, rel=1e-3)
    assert (energy.unit, energy.source) == ("kWh", "estimated from processor time at 20 W a core")


def test_energy_that_one_spoke_does_not_know_is_not_known(hub: Hub, hears: Any) -> None:
    hears(watts_per_core=20)
    assert set(facts(two(hub, ESTIMATED, FAR))) == {"sustainability.compute"}


def test_measured_and_estimated_are_told_apart(hub: Hub, hears: Any) -> None:
    hears(watts_per_core=20)
    draft = two(hub, ESTIMATED, MEASURED)
    source = facts(draft)["sustainability.energy"].source
    assert (
        source
        == "estimated from processor time at 20 W a core for 50% of it, the rest read from RAPL counters"
    )
    rows = [*Submission.objects.all(), *CheckRun.objects.all()]
    for row in rows:
        row.spent = {**row.spent, "estimated_s": 0, "estimated_j": 0, "measured_j": 3600}
        row.save()
    Submission.objects.update(header={**Submission.objects.first().header, "spent": MEASURED.model_dump()})
    energy = facts(draft)["sustainability.energy"]
    assert energy.source == "read from RAPL counters of the whole machines"
    assert energy.value == pytest.approx(2 + 4 * 0.001)


def test_carbon_needs_energy_and_the_grids_factor_with_its_source(hub: Hub, hears: Any) -> None:
    hears(watts_per_core=20, grid_kg_per_kwh=0.5, grid_source="Somebody, 2026")
    found = facts(two(hub, ESTIMATED, ESTIMATED))
    carbon = found["sustainability.carbon"]
    assert carbon.value == pytest.approx(found["sustainability.energy"].value * 0.5)
    assert (carbon.unit, carbon.source) == (
        "kg",
        "0.5 kg CO2 a kWh (Somebody, 2026); energy estimated from processor time at 20 W a core",
    )
    domain = grade(rubric_named(), [*found.values()]).domain(14)
    assert domain.level == 1, "compute and carbon without storage are not the second level"


def test_carbon_is_not_worked_out_for_energy_that_is_not_known(hub: Hub, hears: Any) -> None:
    hears(grid_kg_per_kwh=0.5, grid_source="Somebody, 2026")
    assert set(facts(two(hub, FAR, FAR))) == {"sustainability.compute"}


def test_hours_alone_raise_no_level(hub: Hub) -> None:
    found = facts(two(hub, FAR, FAR))
    assert grade(rubric_named(), found.values()).domain(14).level == 0


@pytest.mark.parametrize(
    "numbers",
    [
        {"grid_kg_per_kwh": 0.7}, {"grid_source": "Somebody, 2026"}, {"grid_kg_per_kwh": 710, "grid_source": "in grams"},
        {"grid_kg_per_kwh": 0, "grid_source": "x"}, {"watts_per_core": -1}, {"watts_per_core": float("nan")}, {"watts": 1},
    ],
)  # fmt: skip
def test_numbers_that_say_nothing_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Footprint(**numbers)


@pytest.mark.parametrize(
    "wrong",
    [{"processor_s": -1}, {"processor_s": "NaN"}, {"processor_s": 1e308}, {"peak_bytes": 10**400}, {"who": "P-7K3QM-2XV9A"}],
)  # fmt: skip
def test_a_header_says_sums_and_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Spent.model_validate({**FAR.model_dump(), **wrong})
