"""A person leaves the hub: a search for the pseudonym and every UID over blobs and database finds one row."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.apps import apps
from tests.hub_submission import CLOCK, NOW, PEOPLE, Parcel, ct, parcel, spoke_key, welcome

from midas.catalogue import examine_submission, look, register
from midas.catalogue import withdrawal as leaving
from midas.catalogue.models import Erasure, Instance, Label, Record, Subject, Submission
from midas.kernel import BadInput, FixedClock, NotFound, canonical, sha256_bytes
from midas.manifest import PrivateKey, verify_folder, verify_signature
from midas.people.models import Institution
from midas.release import cut, export, make_twin, new_draft
from midas.release.models import Release, ReleaseFile
from midas.store import Blobs
from midas.web import audit, flows
from midas.wire.v1 import Signed

LATER = FixedClock(NOW + timedelta(days=30))
MORE = ("P-EEEEE-EEEEE", "P-GGGGG-GGGGG")
THIRD = MORE[0]
pytestmark = pytest.mark.django_db


class Hub:
    """A hub without a server: one store, one key, and a spoke that sends."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.spoke = spoke_key(folder)
        welcome(self.spoke)
        self.store = Blobs.at(folder / "blobs")
        self.signer = PrivateKey.load_or_create(folder / "hub.key")
        monkeypatch.setattr(flows, "store", lambda: self.store)
        monkeypatch.setattr(flows, "signer", lambda: self.signer)
        monkeypatch.setattr(flows, "current_home", lambda: SimpleNamespace(scratch=None))

    def send(self, made: Parcel) -> Submission:
        """Send through the same steps as a server takes."""
        signed = made.seal()
        made.put(self.store)
        flows.receive(
            signed=signed, spoke=Institution.objects.get(spoke_key=self.spoke.public_hex), clock=CLOCK
        )
        flows.process_all()
        return Submission.objects.get(root=made.header["root"])

    def leave(self, name: str, *, why: str = "person") -> flows.Withdrawn:
        return flows.withdraw(
            pseudonym=name, dataset="oral-cancer", why=why, store=self.store, signer=self.signer, clock=LATER
        )

    def cut(self, version: str = "1.0.0") -> Release:
        where = Submission.objects.latest("pk").dataset
        draft = new_draft(
            dataset=where, version=version, by=None, clock=LATER, published_on=NOW.date(), notes="Slides"
        )
        return cut(draft=draft, store=self.store, signer=self.signer, clock=LATER)

    def blobs_with(self, *words: str) -> list[str]:
        """Digests of the blobs in which one of the words stands, read as bytes and as tables."""
        return sorted(
            digest for digest in self.store.digests() if any(word in self.text(digest) for word in words)
        )

    def text(self, digest: str) -> str:
        data = b"".join(self.store.read(digest))
        shown = repr(pl.read_parquet(io.BytesIO(data)).to_dicts()) if data[:4] == b"PAR1" else ""
        return data.decode("latin-1") + shown


def rows_with(*words: str) -> list[tuple[str, str]]:
    """Every row of every table in which one of the words stands, by the table's name."""
    return [
        (model.__name__, text)
        for model in apps.get_models()
        for text in (json.dumps(row, default=str) for row in model._default_manager.values())
        if any(word in text for word in words)
    ]


def words_of(made: Parcel, name: str) -> set[str]:
    """All that stands for a person in what a spoke sends: pseudonym, UIDs, digests of images and sources."""
    items = [one for one in made.items if one["subject"] == name]
    subject = next(one for one in made.subjects if one["subject"] == name)
    return {
        name, *(one[key] for one in items for key in ("study_uid", "series_uid", "sop_instance_uid", "sha256")),
        *(source for one in items for source in one["sources"]), *(one["tracking_uid"] for one in subject["lesions"]),
        *(one["uid"] for one in subject["specimens"]),
    }  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(tmp_path, monkeypatch)


@pytest.fixture
def made(hub: Hub) -> Parcel:
    return parcel(hub.spoke, people=(*PEOPLE, *MORE))


@pytest.mark.parametrize("released", [True, False])
def test_only_a_tombstone_names_the_person(hub: Hub, made: Parcel, released: bool) -> None:
    submission = hub.send(made)
    assert submission.state == "registered"
    Submission.objects.update(findings=[warning(made.items[0]["path"])])
    release = hub.cut() if released else None
    name = PEOPLE[0]
    words = words_of(made, name)
    others = {one: len(hub.blobs_with(one)) for one in (*PEOPLE[1:], *MORE)}
    done = hub.leave(name)
    assert done.subjects == (name,)
    assert [one.pk for one in done.releases] == ([release.pk] if release else [])
    assert hub.blobs_with(*words) == []
    ((table, row),) = rows_with(*words)
    assert table == "Subject"
    stone = json.loads(row)
    assert (stone["pseudonym"], stone["sex"], stone["spoke"]) == (name, "U", "")
    assert (stone["basis"], stone["links"], stone["first_submission_id"]) == ([], [], None)
    assert stone["withdrawn_at"]
    assert Erasure.objects.count() == 0
    # the report as a page is not rewritten but erased; a preview of one image stays the other's as well
    assert {one: len(hub.blobs_with(one)) for one in others} == {one: n - 1 for one, n in others.items()}


def warning(scope: str) -> dict[str, str]:
    return {
        "rule": "dicom.range",
        "severity": "warning",
        "scope": scope,
        "message": "Odd spacing.",
        "advice": "",
    }


def test_what_stays_is_whole_and_what_was_signed_stays_signed(hub: Hub, made: Parcel) -> None:
    submission = hub.send(made)
    Submission.objects.update(findings=[warning(made.items[0]["path"]), warning(made.items[2]["path"])])
    hub.leave(PEOPLE[0])
    after = Submission.objects.get(pk=submission.pk)
    assert after.signed == submission.signed
    verify_signature(Signed.model_validate(after.signed), trusted=hub.spoke.public_hex)
    assert [one["scope"] for one in after.findings] == ["a withdrawn subject", made.items[2]["path"]]
    parts = {one["path"]: one["sha256"] for one in after.header["parts"]}
    assert set(parts) == {part["path"] for part in submission.header["parts"]} - {"report.html"}
    for name, field in (
        ("subjects", "subjects"),
        ("items", "items"),
        ("records", "records"),
        ("labels", "labels"),
    ):
        lines = [json.loads(one) for one in b"".join(hub.store.read(parts[f"{name}.ndjson"])).splitlines()]
        assert lines == [one for one in getattr(made, field) if one["subject"] != PEOPLE[0]]
    salts = json.loads(b"".join(hub.store.read(parts["salts.json"])))
    assert set(salts) == {"", PEOPLE[1], *MORE}
    report = json.loads(b"".join(hub.store.read(parts["report.json"])))
    assert [one["output"] for one in report["outputs"]] == [one["path"] for one in made.items[2:]]
    assert not hub.store.missing(set(audit.needed_blobs()))
    assert (Instance.objects.count(), Record.objects.count(), Label.objects.count()) == (6, 3, 3)


def test_releases_verify_a_twin_is_untouched_and_a_new_draft_works(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    release = hub.cut()
    twin = make_twin(release=release, store=hub.store, signer=hub.signer, clock=LATER)
    twin_files = list(ReleaseFile.objects.filter(release=twin).values_list("path", "sha256"))
    hub.leave(PEOPLE[0])
    assert cut(draft=release.draft, store=hub.store, signer=hub.signer, clock=LATER).pk == release.pk
    out = export(Release.objects.get(pk=release.pk), store=hub.store, folder=hub.folder / "out")
    verdict = verify_folder(out, trusted=hub.signer.public_hex)
    assert (verdict.ok, verdict.key) == (True, release.key)
    assert list(ReleaseFile.objects.filter(release=twin).values_list("path", "sha256")) == twin_files
    assert verify_folder(export(twin, store=hub.store, folder=hub.folder / "twin")).ok
    later = hub.cut("1.1.0")
    assert (later.summary["subjects"], later.summary["left_out"]) == (3, [])
    assert hub.blobs_with(PEOPLE[0]) == []


def test_a_release_that_left_the_person_out_forgets_the_name_and_is_still_the_same(
    hub: Hub, made: Parcel
) -> None:
    hub.send(made)
    Subject.objects.filter(pseudonym=PEOPLE[0]).update(basis=[])
    release = hub.cut()
    assert release.summary["left_out"] == [{"subject": PEOPLE[0], "why": "no lawful basis"}]
    assert hub.leave(PEOPLE[0]).releases == ()
    assert {table for table, _ in rows_with(PEOPLE[0])} == {"Subject"}
    assert cut(draft=release.draft, store=hub.store, signer=hub.signer, clock=LATER).pk == release.pk


def test_who_comes_back_is_refused_and_the_bytes_are_erased(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    hub.leave(PEOPLE[0])
    once_more = parcel(hub.spoke, people=(*PEOPLE, *MORE))
    once_more.records[1]["values"] = {"ecog": 2}
    again = hub.send(once_more)
    assert again.state == "refused"
    assert {one["rule"] for one in again.findings} == {"submission.withdrawn"}
    assert hub.blobs_with(*words_of(made, PEOPLE[0])) == []
    assert not hub.store.missing(set(audit.needed_blobs()))
    without = parcel(hub.spoke, people=(*PEOPLE, *MORE))
    for field in ("subjects", "items", "records", "labels"):
        setattr(without, field, [one for one in getattr(without, field) if one["subject"] != PEOPLE[0]])
    assert hub.send(without).state == "registered"


def test_linked_pseudonyms_leave_together_in_either_direction(hub: Hub, made: Parcel) -> None:
    made.subjects[1]["links"] = [PEOPLE[0], "P-FFFFF-FFFFF"]
    hub.send(made)
    done = hub.leave(PEOPLE[0])
    assert done.subjects == tuple(sorted((*PEOPLE, "P-FFFFF-FFFFF")))
    gone = Subject.objects.exclude(withdrawn_at=None).values_list("pseudonym", flat=True)
    assert set(gone) == {*PEOPLE, "P-FFFFF-FFFFF"}
    assert hub.blobs_with(*PEOPLE, "P-FFFFF-FFFFF") == []
    assert {table for table, _ in rows_with(*PEOPLE)} == {"Subject"}
    assert look.dataset("oral-cancer").subjects == 2


def test_a_new_pseudonym_that_is_linked_with_one_who_left_is_refused(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    hub.leave(PEOPLE[0])
    for field in ("subjects", "items", "records", "labels"):
        setattr(made, field, [one for one in getattr(made, field) if one["subject"] == THIRD])
    made.subjects[0]["links"] = [PEOPLE[0]]
    again = hub.send(made)
    assert [(one["rule"], one["scope"]) for one in again.findings] == [("submission.withdrawn", THIRD)]


def test_a_subject_named_only_by_a_line_and_a_refused_submission_are_cleaned_too(
    hub: Hub, made: Parcel
) -> None:
    hub.send(made)
    for field in ("items", "records", "labels"):
        setattr(made, field, [one for one in getattr(made, field) if one["subject"] == THIRD])
    hub.send(made)
    made.records[0]["values"] = {"village": "x"}
    assert hub.send(made).state == "refused"
    assert len(hub.blobs_with(PEOPLE[0])) > 8
    hub.leave(PEOPLE[0])
    assert hub.blobs_with(PEOPLE[0]) == []
    assert {table for table, _ in rows_with(PEOPLE[0])} == {"Subject"}


def test_who_leaves_while_a_submission_is_verified_is_not_registered(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    made.records[1]["values"] = {"ecog": 2}
    signed = made.seal()
    made.put(hub.store)
    flows.receive(signed=signed, spoke=Institution.objects.get(slug="spdc-wardha"), clock=CLOCK)
    checked = examine_submission(signed=signed, store=hub.store)
    assert checked.findings == []
    hub.leave(PEOPLE[0])
    with pytest.raises(Exception, match="withdrew"):
        register(
            submission=Submission.objects.get(state="received"), checked=checked, store=hub.store,
            signer=hub.signer, clock=CLOCK,
        )  # fmt: skip
    assert Subject.objects.get(pseudonym=PEOPLE[0]).sex == "U"
    assert not Instance.objects.filter(series__study__subject__pseudonym=PEOPLE[0]).exists()


def test_a_shared_blob_stays_while_another_needs_it(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    kept = Instance.objects.filter(series__study__subject__pseudonym=PEOPLE[1]).first()
    assert kept is not None
    Instance.objects.filter(series__study__subject__pseudonym=PEOPLE[0]).update(preview=kept.preview)
    hub.leave(PEOPLE[0])
    assert hub.store.has(kept.preview)


def test_a_crash_in_the_transaction_changes_nothing(
    hub: Hub, made: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.send(made)
    hub.cut()
    before, blobs = rows_with(""), set(hub.store.digests())

    def fails(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(leaving, "_entomb", fails)
    with pytest.raises(OSError, match="disk full"):
        hub.leave(PEOPLE[0])
    assert rows_with("") == before
    assert blobs <= set(hub.store.digests())


def test_a_crash_before_the_erasing_is_finished_at_the_next_start(
    hub: Hub, made: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.send(made)
    hub.cut()
    with monkeypatch.context() as broken:
        broken.setattr(flows, "erase_doomed", fails_once)
        with pytest.raises(OSError, match="power"):
            hub.leave(PEOPLE[0])
    assert hub.blobs_with(PEOPLE[0])
    assert Erasure.objects.exists()
    flows.tidy(clock=LATER)
    assert hub.blobs_with(*words_of(made, PEOPLE[0])) == []
    assert not Erasure.objects.exists()
    assert not hub.store.missing(set(audit.needed_blobs()))
    assert hub.leave(PEOPLE[0]).erased == 0


def fails_once(**_: Any) -> int:
    raise OSError("power")


def test_nobody_unknown_and_no_other_reason(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    with pytest.raises(NotFound):
        hub.leave("P-00000-00000")
    with pytest.raises(BadInput):
        hub.leave(PEOPLE[0], why="because Asha said so")
    assert Subject.objects.exclude(withdrawn_at=None).count() == 0


def test_collecting_erases_what_nothing_names_and_only_after_a_day(hub: Hub, made: Parcel) -> None:
    hub.send(made)
    hub.cut()
    needed = set(audit.needed_blobs())
    evil = parcel(hub.spoke, people=("P-DDDDD-DDDDD",))
    evil.records[0]["values"] = {"village": "x"}
    for item in evil.items:
        data = ct("P-DDDDD-DDDDD", 7, study=item["study_uid"], series="2.25.4")
        item["sha256"] = sha256_bytes(data)
        evil.blobs[sha256_bytes(data)] = data
    assert hub.send(evil).state == "refused"
    stray = hub.store.put_chunks([b"nobody names me"])
    (hub.folder / "blobs/aside/dead.part").write_bytes(b"half")
    now = datetime.now(UTC)
    assert audit.collect(store=hub.store, clock=FixedClock(now + timedelta(hours=23))) == 0
    assert hub.store.has(stray)
    assert audit.collect(store=hub.store, clock=FixedClock(now + timedelta(hours=25))) > 3
    assert set(hub.store.digests()) == needed
    assert not list((hub.folder / "blobs/aside").iterdir())


def test_collecting_keeps_what_waits_to_be_verified(hub: Hub, made: Parcel) -> None:
    signed = made.seal()
    made.put(hub.store)
    flows.receive(signed=signed, spoke=Institution.objects.get(slug="spdc-wardha"), clock=CLOCK)
    there = set(hub.store.digests())
    far = FixedClock(NOW + timedelta(days=4000))
    assert audit.collect(store=hub.store, clock=far) == 0
    assert set(hub.store.digests()) == there


def test_an_entry_goes_where_a_word_stands_as_a_step_and_not_within_another() -> None:
    held = {
        "2.25.1": 1,
        "rows": [{"of": "P/2.25.1/x.dcm"}, {"of": "2.25.11"}, "2.25.1.dcm", "2.25.12"],
        "n": 3,
    }
    assert leaving.without(held, {"2.25.1"}) == {"rows": [{"of": "2.25.11"}, "2.25.12"], "n": 3}
    assert canonical(leaving.without({"a": None}, set())) == b'{"a":null}'
