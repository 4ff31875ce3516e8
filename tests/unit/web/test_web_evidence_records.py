"""What the hub says of a dataset for its grade: true of a filled hub, and nothing where nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.reading_ward import Ward, open_ward

from midas.catalogue.models import Dataset, ProtocolVersion, Subject
from midas.grading import rubric_named
from midas.kernel import FixedClock, Ink
from midas.release.models import Draft, SplitKey
from midas.web import evidence
from midas.web.evidence import evidence_of

NOW = FixedClock(datetime(2026, 11, 22, 6, 30, tzinfo=UTC))


@pytest.fixture
def ward(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    """A hub's catalogue whose store the evidence is taken from."""
    opened = open_ward(tmp_path)
    monkeypatch.setattr(evidence, "store", lambda: opened.store)
    return opened


@pytest.mark.django_db
def test_facts_of_a_dataset_are_computed_and_known_to_the_rubric(ward: Ward) -> None:
    found = {one.kind: one for one in evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)}
    assert set(found) <= set(rubric_named().kinds)
    assert {one.ink for one in found.values()} == {Ink.COMPUTED}
    assert {one.about for one in found.values()} == {f"{ward.dataset.slug}@1.0.0"}
    assert (found["representation.sites"].value, found["representation.sites"].of) == (1.0, 6)
    assert found["ethics.basis_share"].value == 1.0
    assert found["representation.demographics_share"].value == 1.0
    one = Subject.objects.first()
    Subject.objects.filter(pk=one.pk).update(sex="U")
    again = {it.kind: it.value for it in evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)}
    assert again["representation.demographics_share"] == pytest.approx(5 / 6)
    Subject.objects.filter(pk=one.pk).update(basis=[])
    fewer = {it.kind: it for it in evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)}
    assert (fewer["ethics.basis_share"].value, fewer["ethics.basis_share"].of) == (1.0, 5), (
        "who has none stays out"
    )


@pytest.mark.django_db
def test_what_was_never_drafted_is_graded_and_nothing_is_kept(ward: Ward) -> None:
    kinds = {one.kind for one in evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)}
    assert "readiness.split" in kinds
    assert not kinds & {"readiness.leaks", "provenance.rerun"}, "nobody checked it yet"
    assert not Draft.objects.exists()
    assert not SplitKey.objects.exists()


@pytest.mark.django_db
def test_an_expired_approval_is_no_approval(ward: Ward) -> None:
    late = FixedClock(datetime(2099, 1, 1, tzinfo=UTC))
    for clock, said in ((NOW, True), (late, False)):
        found = {
            one.kind: one.value for one in evidence_of(dataset=ward.dataset, version="1.0.0", clock=clock)
        }
        assert found["ethics.approval"] is said
        assert found["ethics.basis_share"] == float(said), "a decision that has ended covers nobody"


@pytest.mark.django_db
def test_of_an_empty_dataset_only_the_hub_is_known() -> None:
    dataset = Dataset.objects.create(slug="empty", created_at=NOW.now())
    kinds = {one.kind for one in evidence_of(dataset=dataset, version="0.1.0", clock=NOW)}
    assert kinds == {"security.access_control", "security.roles", "security.logging"}


@pytest.mark.django_db
def test_what_the_protocol_promises_is_held_against_what_was_done(ward: Ward) -> None:
    later = FixedClock(NOW.now() + timedelta(days=200))

    def known(clock: FixedClock) -> dict[str, object]:
        found = evidence_of(dataset=ward.dataset, version="1.1.0", clock=clock)
        return {one.kind: one.value for one in found}

    ward.cut(ward.draft("1.0.0"))
    before = known(NOW)
    assert before["curation.updates"] is False
    assert not {"curation.cycle", "curation.adherence", "curation.answered"} & set(before), (
        "nothing is promised"
    )
    assert before["representation.described"] is True, "the datasheet sets the persons beside the target"
    ward.protocol.source += "upkeep: {every_months: 6}\n"
    ward.protocol.save()
    after = known(NOW)
    assert after["curation.cycle"] is True
    assert "curation.adherence" not in after, "the first planned day is still to come"
    assert known(later)["curation.adherence"] == 0.0


@pytest.mark.django_db
def test_a_draft_promises_what_its_own_protocol_does(ward: Ward) -> None:
    ward.draft("1.0.0")
    ward.cut(ward.draft("1.1.0"))
    ProtocolVersion.objects.create(
        dataset=ward.protocol.dataset, sha256="f" * 64, version="9.0.0", added_at=NOW.now() + timedelta(days=1),
        source=ward.protocol.source + "upkeep: {every_months: 6}\n",
    )  # fmt: skip
    found = evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)
    assert "curation.cycle" not in {one.kind for one in found}


@pytest.mark.django_db
def test_without_a_target_nothing_describes_an_imbalance(ward: Ward) -> None:
    target = "  variable:\n    sex: [{value: F, share: 0.5}, {value: M, share: 0.5}]\n"
    assert target in ward.protocol.source
    ward.protocol.source = ward.protocol.source.replace(target, "")
    ward.protocol.save()
    kinds = {one.kind for one in evidence_of(dataset=ward.dataset, version="1.0.0", clock=NOW)}
    assert "representation.described" not in kinds
