"""An object that a viewer stored: whose it becomes, what it says afterwards, and what is refused."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest
from tests.reading_ward import Ward, outline

from midas.annotate.models import Derived, Reading
from midas.annotate.showing import may_open
from midas.catalogue import lens
from midas.kernel import BadInput, Conflict, Forbidden
from midas.people import give_role
from midas.web import readings


@dataclass(frozen=True)
class At:
    kind: str
    name: str


@pytest.fixture
def hub(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    monkeypatch.setattr(readings, "store", lambda: ward.store)
    monkeypatch.setattr(readings, "current_home", lambda: SimpleNamespace(scratch=tmp_path))
    return ward


def file(folder: Path, data: bytes) -> Path:
    path = folder / "stored.dcm"
    path.write_bytes(data)
    return path


def seen(task_id: int, who: str, ward: Ward) -> set[str]:
    """Return the SOP instance UIDs of everything in what this person may open of a task."""
    name = may_open(task_id, ward.people[who])
    assert name is not None
    scope = lens.scope_of(kind="task", name=name)
    from midas.catalogue.models import ScopeStudy

    studies = ScopeStudy.objects.filter(scope=scope).values_list("uid", flat=True)
    return {one.sop_instance_uid for study in studies for one in lens.objects(scope.pk, study)}


def test_what_is_stored_is_the_readers_own_and_names_nobody(hub: Ward, tmp_path: Path) -> None:
    task = hub.task("lesion-outlines")
    where = At("tasks", str(task.pk))
    data = outline(hub.image_of(task, 1), rows=(4, 12), creator="Sharma^Asha")
    made = readings.receive(where, hub.people["asha"], file(tmp_path, data), clock=hub.clock)
    again = readings.receive(where, hub.people["asha"], file(tmp_path, data), clock=hub.clock)
    assert made == again
    kept = Reading.objects.get()
    assert (kept.assignment, kept.modality, kept.revision) == (hub.of("asha", task, 1), "SEG", 1)
    held = b"".join(hub.store.read(kept.sha256))
    assert b"Sharma" not in held
    ds = pydicom.dcmread(io.BytesIO(held))
    assert (ds.ContentCreatorName, ds.PatientID) == ("ANONYMOUS", kept.assignment.item.subject.pseudonym)
    assert made.sop_instance_uid in seen(task.pk, "asha", hub)
    for who in ("ravi", "meera", "curator"):
        assert made.sop_instance_uid not in seen(task.pk, who, hub)


def test_scopes_hold_ones_own_items_and_an_adjudicators_grow(hub: Ward, tmp_path: Path) -> None:
    task = hub.task("lesion-outlines")
    images = {row.sop_instance_uid for row in hub_images()}
    assert seen(task.pk, "asha", hub) == seen(task.pk, "curator", hub) == images
    assert seen(task.pk, "meera", hub) == set()
    drawn = []
    for who, rows in (("asha", (0, 4)), ("ravi", (8, 12))):
        data = outline(hub.image_of(task, 1), rows=rows)
        made = readings.receive(
            At("tasks", str(task.pk)), hub.people[who], file(tmp_path, data), clock=hub.clock
        )
        drawn.append(made.sop_instance_uid)
        from midas.annotate import submit_reading

        submit_reading(assignment=hub.of(who, task, 1), by=hub.people[who], store=hub.store, clock=hub.clock)
    assert set(drawn) <= seen(task.pk, "meera", hub)
    assert len(seen(task.pk, "meera", hub)) == 3
    assert drawn[1] not in seen(task.pk, "asha", hub)
    assert may_open(task.pk, None) is None
    assert may_open(task.pk + 1, hub.people["asha"]) is None


def hub_images():  # type: ignore[no-untyped-def]
    from midas.catalogue.models import Instance

    return Instance.objects.all()


def test_what_cannot_be_placed_is_refused(hub: Ward, tmp_path: Path) -> None:
    task = hub.task("lesion-outlines", most=1)
    other = hub.task("lesion-outlines")
    where, asha = At("tasks", str(task.pk)), hub.people["asha"]
    shown = {bytes(hub.image_of(task, 1))}
    elsewhere = next(data for n in range(1, 7) if (data := hub.image_of(other, n)) not in shown)
    with pytest.raises(BadInput, match="which one of your items"):
        readings.receive(where, asha, file(tmp_path, outline(elsewhere, rows=(1, 3))), clock=hub.clock)
    with pytest.raises(BadInput, match="drawn on images"):
        readings.receive(where, asha, file(tmp_path, elsewhere), clock=hub.clock)
    with pytest.raises(BadInput, match="read as DICOM"):
        readings.receive(where, asha, file(tmp_path, b"nothing"), clock=hub.clock)
    data = outline(hub.image_of(task, 1), rows=(1, 3))
    with pytest.raises(BadInput):
        readings.receive(where, hub.people["curator"], file(tmp_path, data), clock=hub.clock)
    with pytest.raises(Forbidden):
        readings.receive(At("releases", "oral-cancer@1.0.0"), asha, file(tmp_path, data), clock=hub.clock)
    with pytest.raises(Forbidden):
        readings.receive(At("drafts", "oral-cancer"), asha, file(tmp_path, data), clock=hub.clock)
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.SegmentSequence[0].SegmentDescription = "call +91 98765 43210"
    out = io.BytesIO()
    ds.save_as(out)
    with pytest.raises(BadInput, match="cannot be kept"):
        readings.receive(where, asha, file(tmp_path, out.getvalue()), clock=hub.clock)
    assert not Reading.objects.exists()


def test_a_curators_drawing_joins_the_draft_and_the_release(hub: Ward, tmp_path: Path) -> None:
    task = hub.task()
    give_role(account=hub.people["curator"], role="curator")
    data = outline(hub.image_of(task, 1), rows=(4, 12))
    for _ in range(2):
        made = readings.receive(
            At("drafts", "oral-cancer"), hub.people["curator"], file(tmp_path, data), clock=hub.clock
        )
    kept = Derived.objects.get()
    assert kept.sop_instance_uid == made.sop_instance_uid
    other = outline(hub.image_of(task, 1), rows=(1, 3))
    ds = pydicom.dcmread(io.BytesIO(other))
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = made.sop_instance_uid
    out = io.BytesIO()
    ds.save_as(out)
    with pytest.raises(Conflict):
        readings.receive(
            At("drafts", "oral-cancer"),
            hub.people["curator"],
            file(tmp_path, out.getvalue()),
            clock=hub.clock,
        )
    release = hub.cut(hub.draft())
    from midas.release.models import ReleaseFile

    assert ReleaseFile.objects.get(release=release, sha256=kept.sha256).owner == kept.subject.pseudonym
