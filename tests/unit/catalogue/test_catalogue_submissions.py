"""What the hub takes and what it refuses: each evil parcel differs from the good one in one thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.hub_submission import CLOCK, NOW, PEOPLE, Parcel, ct, parcel, spoke_key, welcome

from midas.catalogue import add_protocol, examine_submission, look, register, verify_submission
from midas.catalogue.models import (
    Instance,
    Label,
    Lesion,
    Record,
    Series,
    Specimen,
    Study,
    Subject,
    Submission,
    Visit,
)
from midas.catalogue.verification import Checked
from midas.kernel import BrokenPromise, Conflict, sha256_bytes
from midas.manifest import PrivateKey, verify_signature
from midas.protocol import load_named, parse
from midas.store import Blobs
from midas.wire.v1 import Receipt, Signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(tmp_path: Path) -> PrivateKey:
    made = spoke_key(tmp_path)
    welcome(made)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Blobs:
    return Blobs.at(tmp_path / "blobs")


@pytest.fixture
def hub_key(tmp_path: Path) -> PrivateKey:
    return PrivateKey.load_or_create(tmp_path / "hub.key")


def receive(signed: Signed, checked: Checked) -> Submission:
    protocol, _ = add_protocol(loaded=load_named("oral-cancer"), clock=CLOCK)
    return Submission.objects.create(
        dataset=protocol.dataset, protocol=protocol, spoke=checked.header.spoke, root=checked.header.root,
        header=checked.header.model_dump(mode="json", by_alias=True), signed=signed.model_dump(mode="json"),
        received_at=NOW,
    )  # fmt: skip


def registered(made: Parcel, store: Blobs, hub_key: PrivateKey) -> Submission:
    signed = made.seal()
    made.put(store)
    checked = examine_submission(signed=signed, store=store)
    assert checked.findings == []
    return register(
        submission=receive(signed, checked), checked=checked, store=store, signer=hub_key, clock=CLOCK
    )


def rules(made: Parcel, store: Blobs, **changed: object) -> set[str]:
    signed = made.seal(**changed)
    made.put(store)
    return {one.rule for one in verify_submission(signed=signed, store=store)[1] if one.severity == "error"}


def test_a_good_parcel_is_registered_whole_with_a_receipt(
    key: PrivateKey, store: Blobs, hub_key: PrivateKey
) -> None:
    submission = registered(parcel(key), store, hub_key)
    counts = {
        m.__name__: m.objects.count()
        for m in (Subject, Visit, Lesion, Specimen, Study, Series, Instance, Record, Label)
    }
    assert counts == {
        "Subject": 2, "Visit": 2, "Lesion": 2, "Specimen": 2, "Study": 2, "Series": 2, "Instance": 4, "Record": 2,
        "Label": 2,
    }  # fmt: skip
    signed = Signed.model_validate(submission.receipt)
    verify_signature(signed, trusted=hub_key.public_hex)
    receipt = Receipt.model_validate_json(signed.payload)
    assert (receipt.root, receipt.instances) == (submission.root, 4)
    for one in Instance.objects.all():
        assert b"".join(store.read(one.preview)).startswith(b"\x89PNG")
    specimen = Specimen.objects.select_related("lesion", "visit").first()
    assert specimen is not None
    assert (specimen.lesion.name, specimen.visit.name) == ("l1", "v1")  # type: ignore[union-attr]


def test_registering_twice_is_registering_once(key: PrivateKey, store: Blobs, hub_key: PrivateKey) -> None:
    made = parcel(key)
    first = registered(made, store, hub_key)
    checked = examine_submission(signed=made.seal(), store=store)
    again = register(submission=first, checked=checked, store=store, signer=hub_key, clock=CLOCK)
    assert again.receipt == first.receipt
    assert Instance.objects.count() == 4
    assert Record.objects.count() == 2


def test_what_failed_cannot_be_registered(key: PrivateKey, store: Blobs, hub_key: PrivateKey) -> None:
    made = parcel(key)
    signed = made.seal(records=7)
    made.put(store)
    checked = examine_submission(signed=signed, store=store)
    with pytest.raises(Conflict):
        register(
            submission=receive(signed, checked), checked=checked, store=store, signer=hub_key, clock=CLOCK
        )
    assert Subject.objects.count() == 0


def test_a_failure_half_way_leaves_nothing(
    key: PrivateKey, store: Blobs, hub_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = parcel(key)
    signed = made.seal()
    made.put(store)
    checked = examine_submission(signed=signed, store=store)
    row = receive(signed, checked)
    store.delete(next(part.sha256 for part in checked.header.parts if part.path == "labels.ndjson"))
    with pytest.raises(Exception, match="is not here"):
        register(submission=row, checked=checked, store=store, signer=hub_key, clock=CLOCK)
    assert Subject.objects.count() == Instance.objects.count() == Record.objects.count() == 0
    row.refresh_from_db()
    assert row.state == "received"


def drop_blob(made: Parcel) -> None:
    del made.blobs[made.items[0]["sha256"]]


def lie_about_subject(made: Parcel) -> None:
    made.replace_instance(0, ct(PEOPLE[1], 1, study="2.25.100001", series="2.25.100002"))


def keep_a_name(made: Parcel) -> None:
    data = ct(PEOPLE[0], 1, study="2.25.100001", series="2.25.100002", OperatorsName="Asha Kulkarni")
    made.replace_instance(0, data)


def not_deidentified(made: Parcel) -> None:
    data = ct(PEOPLE[0], 1, study="2.25.100001", series="2.25.100002", PatientIdentityRemoved="NO")
    made.replace_instance(0, data)


def not_dicom(made: Parcel) -> None:
    made.replace_instance(0, b"GIF89a, not DICOM at all" * 20)


def set_of(name: str, number: int, **change: object) -> Callable[[Parcel], None]:
    def change_it(made: Parcel) -> None:
        getattr(made, name)[number] |= change

    return change_it


def twice(name: str) -> Callable[[Parcel], None]:
    return lambda made: getattr(made, name).append(getattr(made, name)[0])


EVIL: dict[str, tuple[Callable[[Parcel], None], set[str]]] = {
    "a blob that never came": (drop_blob, {"submission.missing"}),
    "a file of another person": (lie_about_subject, {"submission.disagrees"}),
    "bytes that are not DICOM": (not_dicom, {"submission.unreadable"}),
    "a subject that is not there": (
        set_of("records", 0, subject="P-00000-00000"), {"submission.reference"},
    ),
    "a visit that is not there": (set_of("items", 0, visit="v9"), {"submission.reference", "submission.series"}),
    "a specimen that is not there": (set_of("labels", 0, specimen="s9"), {"submission.reference"}),
    "a segmentation that is not there": (
        set_of("labels", 0, segmentation_uid="2.25.5"), {"submission.reference"},
    ),
    "an item the protocol does not have": (
        set_of("items", 0, item="knee-mri"), {"submission.item", "submission.series"},
    ),
    "a column that must not leave": (
        set_of("records", 0, values={"ecog": 1, "village": "x"}), {"submission.column"},
    ),
    "a table the protocol does not have": (set_of("records", 0, table="bills"), {"submission.table"}),
    "a target the protocol does not have": (set_of("labels", 0, target="fate"), {"submission.target"}),
    "a subject without a lawful basis": (set_of("subjects", 0, basis=[]), {"submission.basis"}),
    "a basis the protocol does not know": (
        set_of("subjects", 0, basis=[{"kind": "waiver", "ethics": "consented", "scope": []}]), {"submission.basis"},
    ),
    "an instance that stands there twice": (twice("items"), {"submission.twice"}),
    "a subject that stands there twice": (twice("subjects"), {"submission.twice"}),
    "a path that leaves its folder": (
        set_of("items", 0, path="../../etc/passwd"), {"submission.path"},
    ),
    "a line that is not version 1": (set_of("items", 0, patient="x"), {"submission.line"}),
}  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_evil_parcels_are_refused(name: str, key: PrivateKey, store: Blobs) -> None:
    spoil, expected = EVIL[name]
    made = parcel(key)
    spoil(made)
    assert expected <= rules(made, store)


@pytest.mark.parametrize("spoil", [keep_a_name, not_deidentified])
def test_leaks_are_refused(spoil: Callable[[Parcel], None], key: PrivateKey, store: Blobs) -> None:
    made = parcel(key)
    spoil(made)
    found = rules(made, store)
    assert found
    assert all(rule.startswith("leak") for rule in found), found


@pytest.mark.parametrize(
    "changed", [{"instances": 3}, {"records": 0}, {"labels": 9}, {"bytes": 1}, {"subjects": 1}]
)
def test_counts_must_be_true(changed: dict[str, int], key: PrivateKey, store: Blobs) -> None:
    assert rules(parcel(key), store, **changed) == {"submission.count"}


def test_the_root_must_come_from_the_files(key: PrivateKey, store: Blobs) -> None:
    assert rules(parcel(key), store, root="0" * 64) == {"submission.root"}


def test_a_damaged_blob_is_noticed(key: PrivateKey, store: Blobs) -> None:
    made = parcel(key)
    signed = made.seal()
    made.put(store)
    path = store.local_path(made.items[2]["sha256"])
    assert path is not None
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    found = verify_submission(signed=signed, store=store)[1]
    assert [(one.rule, one.scope) for one in found] == [("submission.damaged", made.items[2]["path"])]


def test_only_the_spokes_own_key_is_trusted(key: PrivateKey, store: Blobs, tmp_path: Path) -> None:
    stranger = PrivateKey.load_or_create(tmp_path / "stranger.key")
    made = parcel(stranger)
    with pytest.raises(BrokenPromise):
        verify_submission(signed=made.seal(), store=store)
    honest = parcel(key).seal()
    with pytest.raises(BrokenPromise):
        verify_submission(
            signed=honest.model_copy(update={"payload": honest.payload.replace("midas test", "midas toast")}),
            store=store,
        )


def test_a_protocol_the_hub_does_not_know_is_refused(key: PrivateKey, store: Blobs) -> None:
    made = parcel(key)
    made.protocol += b"\n# another wording\n"
    assert rules(made, store) == {"submission.unusable"}


def test_the_same_instance_with_other_bytes_is_refused(
    key: PrivateKey, store: Blobs, hub_key: PrivateKey
) -> None:
    made = parcel(key)
    registered(made, store, hub_key)
    made.replace_instance(0, ct(PEOPLE[0], 1, study="2.25.100001", series="2.25.100002", KVP="120"))
    assert rules(made, store) == {"submission.changed"}


def test_a_withdrawn_subject_does_not_come_back(key: PrivateKey, store: Blobs, hub_key: PrivateKey) -> None:
    made = parcel(key)
    registered(made, store, hub_key)
    Subject.objects.filter(pseudonym=PEOPLE[0]).update(withdrawn_at=NOW)
    made.records[0]["values"] = {"ecog": 2}
    assert rules(made, store) == {"submission.withdrawn"}


def test_a_changed_record_is_a_revision_and_a_label_stands_beside(
    key: PrivateKey, store: Blobs, hub_key: PrivateKey
) -> None:
    made = parcel(key)
    registered(made, store, hub_key)
    made.records[0]["values"] = {"ecog": 2, "pain": 3}
    made.labels[0]["value"] = "dysplasia"
    made.subjects[0]["visits"][0]["age_years"] = 42
    registered(made, store, hub_key)
    of_first = Record.objects.filter(subject__pseudonym=PEOPLE[0]).order_by("revision")
    assert [(one.revision, one.values["ecog"]) for one in of_first] == [(1, 1), (2, 2)]
    assert Record.objects.filter(subject__pseudonym=PEOPLE[1]).count() == 1
    assert Label.objects.count() == 3
    assert Instance.objects.count() == 4
    assert Visit.objects.get(subject__pseudonym=PEOPLE[0]).age_years == 42


def test_a_protocol_version_is_never_taken_twice(key: PrivateKey) -> None:
    source = load_named("oral-cancer").source.encode() + b"\n# changed\n"
    with pytest.raises(Conflict):
        add_protocol(loaded=parse(source), clock=CLOCK)
    assert add_protocol(loaded=load_named("oral-cancer"), clock=CLOCK)[1] is False


def test_registration_asks_few_questions(key: PrivateKey, store: Blobs, hub_key: PrivateKey) -> None:
    """Queries do not grow with the number of instances (they come in bundles of 500); the first makes the scope too."""
    asked = []
    for people, slices in ((("P-AAAAA-AAAAA",), 1), (("P-BBBBB-BBBBB",), 30)):
        made = parcel(key, people=people, slices=slices)
        for item in made.items:
            item["facts"] = {"Rows": 16, "Columns": 16, "Of": people[0]}
        if slices == 30:
            rename(made)
        signed = made.seal()
        made.put(store)
        checked = examine_submission(signed=signed, store=store)
        assert checked.findings == []
        row = receive(signed, checked)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            register(submission=row, checked=checked, store=store, signer=hub_key, clock=CLOCK)
        asked.append(len(queries))
    assert asked[1] <= asked[0]


def rename(made: Parcel) -> None:
    """Give every instance UIDs of its own person."""
    subject = made.subjects[0]["subject"]
    study, series = "2.25.700001", "2.25.700002"
    for number, item in enumerate(made.items, start=1):
        data = ct(subject, number, study=study, series=series)
        made.blobs[sha256_bytes(data)] = data
        item |= {
            "path": f"{subject}/{study}/{series}/{series}{number}.dcm", "sha256": sha256_bytes(data), "size": len(data),
            "study_uid": study, "series_uid": series, "sop_instance_uid": f"{series}{number}",
        }  # fmt: skip


def test_looking_at_a_dataset(key: PrivateKey, store: Blobs, hub_key: PrivateKey) -> None:
    registered(parcel(key), store, hub_key)
    line = look.dataset("oral-cancer")
    assert (line.subjects, line.instances, line.access) == (2, 4, "controlled")
    parts = look.composition("oral-cancer")
    assert parts.sexes == {"F": 1, "M": 1}
    assert parts.age_bands == {"40–49": 2}
    assert parts.modalities == {"CT": 4}
    assert parts.targets == {"diagnosis": {"oral squamous cell carcinoma": 2}}
    assert {one.series.study.subject.pseudonym for one in look.samples("oral-cancer", 2)} == set(PEOPLE)
    (spoke,) = look.spokes("oral-cancer")
    assert (spoke.slug, spoke.subjects, spoke.submissions) == ("spdc-wardha", 2, {"registered": 1})
