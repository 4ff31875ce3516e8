"""A small export through the spoke: receive, tally, pack, send; with kills, repeats, merges, withdrawals and waivers."""

from __future__ import annotations

import io
import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from tests.unit.spoke.conftest import CLOCK, write_ct, write_table

from midas import compute
from midas.kernel import BadInput, BrokenPromise, Conflict, canonical, sha256_file
from midas.manifest import WHOLE, Entry, PrivateKey, Tree, key_of, sign, verify_signature
from midas.spoke import flow
from midas.spoke.intake import items, taking
from midas.spoke.intake.models import Item, State
from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.outbox.packing import files_of
from midas.spoke.vault import persons
from midas.spoke.vault.models import Person
from midas.wire.v1 import (
    ItemLine,
    LabelLine,
    Receipt,
    RecordLine,
    Signed,
    SubjectLine,
    SubmissionHeader,
    SubmissionStatus,
)

PLANTED = (
    "Deshmukhwar", "Ramesh", "Sunanda", "Kavlekarin", "9823012345", "Tilak", "WR/24/0001", "WR/19/7777", "H-24-00111",
    "91-7345-1816-0001", "05/03/1961", "19610305", "20240113", "12/01/2024", "2024-01-12",
)  # fmt: skip


def take(work: Any, folder: Path | None) -> Any:
    return flow.receive(home=work.home, folder=folder, runner=compute.here(), clock=CLOCK)


class Hub:
    """A hub that keeps what it gets in memory, and can be told to break off."""

    def __init__(self, folder: Path) -> None:
        self.key = PrivateKey.load_or_create(folder / "hub.key")
        self.blobs: dict[str, bytes] = {}
        self.breaks_after: int | None = None
        self.refuses: tuple[Any, ...] = ()

    def missing(self, digests: Any) -> tuple[str, ...]:
        return tuple(one for one in digests if one not in self.blobs)

    def put_blob(self, source: Path, sha256: str) -> None:
        if self.breaks_after == 0:
            raise ConnectionError
        if self.breaks_after is not None:
            self.breaks_after -= 1
        assert sha256_file(source) == sha256
        self.blobs[sha256] = source.read_bytes()

    def submit(self, signed: Signed) -> SubmissionStatus:
        verify_signature(signed)
        header = SubmissionHeader.model_validate_json(signed.payload)
        if self.refuses:
            return SubmissionStatus(root=header.root, state="refused", findings=self.refuses)
        receipt = Receipt(
            root=header.root, spoke=header.spoke, dataset=header.dataset, instances=header.instances,
            registered_at="2026-11-22T09:00:00Z",
        )  # fmt: skip
        signed_receipt = sign(receipt.model_dump(mode="json", by_alias=True), self.key)
        return SubmissionStatus(root=header.root, state="registered", receipt=signed_receipt)

    def submission(self, root: str) -> SubmissionStatus:
        raise AssertionError("it answers at once")


def part(work: Any, parcel: Parcel, path: str) -> bytes:
    digest = next(one["sha256"] for one in parcel.header["parts"] if one["path"] == path)
    return files_of(work, parcel)[digest].read_bytes()


def lines(work: Any, parcel: Parcel, path: str, model: Any) -> list[Any]:
    return [model.model_validate_json(line) for line in io.BytesIO(part(work, parcel, path))]


def test_each_item_ends_where_it_must(work, export, by_name) -> None:
    count = take(work, export)
    assert count.items_in == count.waiting + count.held + count.refused + count.sent
    ends = {
        "Ramesh/1.dcm": ("waiting", ""), "Ramesh/2.dcm": ("waiting", ""), "Sunanda/1.dcm": ("waiting", ""),
        "withdrawn.dcm": ("refused", "withdrawn"), "early.dcm": ("waiting", ""), "late.dcm": ("held", "no-basis"),
        "nobody.dcm": ("held", "no-person"), "cut.dcm": ("refused", "truncated"), "notes.txt": ("refused", "unknown-kind"),
    }  # fmt: skip
    for name, end in ends.items():
        item = by_name(name)
        assert (item.state, item.reason) == end, name
    bad = Item.objects.get(reason="bad-row")
    assert (
        bad.detail
        == "Row 3, column “ecog”: the cell is outside the allowed range; write a value between 0 and 4."
    )
    late_visit = Item.objects.get(kind="row", definition="visits", reason="no-basis")
    assert late_visit.state == State.HELD


def test_no_text_about_an_item_names_a_person(work, export) -> None:
    take(work, export)
    told = json.dumps(list(Item.objects.values("detail", "findings", "group", "definition")), default=str)
    told += json.dumps(list(Output.objects.values("line", "report")), default=str)
    assert [one for one in PLANTED if one in told] == []


def test_the_database_and_the_outbox_hold_no_planted_value_in_clear(work, export) -> None:
    take(work, export)
    flow.pack(home=work.home, clock=CLOCK)
    from django.db import connection

    dump = "\n".join(connection.connection.iterdump())
    assert [
        one for one in PLANTED if one in dump and one != "2024-01-12"
    ] == []  # a visit's date stays inside
    for path in (work.home.outbox / "files").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [one for one in PLANTED if one.encode() in data and one != "2024-01-12"] == []
    assert list(work.home.scratch.iterdir()) == []


def test_receiving_again_changes_nothing(work, export) -> None:
    first = take(work, export)
    outputs = list(Output.objects.order_by("pk").values_list("sha256", "line"))
    again = take(work, export)
    assert again == first
    assert list(Output.objects.order_by("pk").values_list("sha256", "line")) == outputs


@pytest.mark.parametrize("at", ["tables", "records", "images", "clean"])
def test_a_kill_between_steps_loses_and_repeats_nothing(work, export, monkeypatch, at) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    targets = {
        "tables": (taking, "_take_row"), "records": (taking, "_make_record"), "images": (taking, "take_image"),
        "clean": (flow, "clean_matched"),
    }  # fmt: skip
    owner, name = targets[at]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, die)
        with pytest.raises(Killed):
            take(work, export)
    count = items.count(work.project)
    assert count.items_in == count.waiting + count.held + count.refused + count.sent
    after = take(work, None)
    assert (after.items_in, after.waiting, after.held, after.refused) == (27, 17, 4, 6)
    assert list(work.home.scratch.iterdir()) == []


def test_a_kill_while_copying_leaves_nothing_half(work, export, monkeypatch) -> None:
    from midas.spoke.intake import store

    calls = []

    def break_off(home: Any, path: Path, **more: Any) -> Any:
        calls.append(path)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return keep(home, path, **more)

    keep = store.keep
    with monkeypatch.context() as patch:
        patch.setattr(store, "keep", break_off)
        with pytest.raises(KeyboardInterrupt):
            take(work, export)
    assert items.count(work.project).items_in == 3
    assert take(work, export).items_in == 27


def test_two_uhids_are_one_person_with_one_pseudonym(work, export, by_name) -> None:
    take(work, export)
    one, two = (
        persons.find(work, kind="uhid", value="wr 24 0002"),
        persons.find(work, kind="uhid", value="WR/19/7777"),
    )
    assert one is not None
    assert one == two
    assert by_name("Sunanda/1.dcm").person == one


def test_a_merge_declared_later_keeps_the_older_pseudonym_and_cleans_anew(
    work, export, tmp_path, by_name
) -> None:
    take(work, export)
    old = by_name("Ramesh/1.dcm").person
    more = tmp_path / "more"
    rows = [("UHID", "Other UHID", "Name"), ("WR/26/0009", "", "R. Deshmukhwar")]
    write_table(more / "p.csv", rows)
    consent = [
        ("UHID", "Basis", "Reference", "Given on"),
        ("WR/26/0009", "consent", "consented", "01/02/2024"),
    ]
    write_table(more / "c.csv", consent)
    visits = [("UHID", "Visit", "Date of Visit"), ("WR/26/0009", "follow-up", "02/11/2024")]
    write_table(more / "v.csv", visits)
    write_ct(more / "third.dcm", uhid="WR/26/0009", name="Deshmukhwar^R", on="20241102", study="1.2.20")
    take(work, more)
    new = by_name("third.dcm").person
    assert new != old
    joined = tmp_path / "joined"
    write_table(joined / "p.csv", [*rows[:1], ("WR/26/0009", "WR/24/0001", "R. Deshmukhwar")])
    take(work, joined)
    item = by_name("third.dcm")
    assert item.person == old
    assert (item.state, item.stage) == ("waiting", "cleaned")
    assert Output.objects.get(sources=item).line["subject"] == old.pseudonym
    assert not Output.objects.filter(person=new).exists()
    assert persons.links_of(old) == ()


def test_intervals_are_kept_across_files_and_sittings(work, export, tmp_path) -> None:
    take(work, export)
    more = tmp_path / "sitting two"
    write_ct(
        more / "9.dcm", uhid="WR/24/0001", name="DESHMUKHWAR^RAMESH", on="20240410", study="1.2.11", number=2
    )
    take(work, more)
    person = persons.find(work, kind="uhid", value="WR/24/0001")
    assert person is not None
    outputs = Output.objects.filter(person=person, kind="instance")
    shifted = {}
    for output in outputs:
        ds: Any = dcmread(work.home.outbox / "files" / output.sha256[:2] / output.sha256)
        shifted.setdefault(str(ds.StudyInstanceUID), []).append(str(ds.StudyDate))
    days = sorted(date.fromisoformat(f"{d[:4]}-{d[4:6]}-{d[6:]}") for ds in shifted.values() for d in ds)
    assert [(b - a).days for a, b in pairwise(days)] == [81, 7]
    assert (days[0] - date(2024, 1, 13)).days == person.shift_days
    assert sorted(map(len, shifted.values())) == [1, 2]


def test_a_corrected_row_takes_the_place_of_the_bad_one(work, export, tmp_path) -> None:
    take(work, export)
    fixed = tmp_path / "fixed"
    write_table(
        fixed / "visits.csv",
        [("UHID", "Visit", "Visit Date", "ECOG"), ("WR/24/0001", "follow-up", "20/06/2024", "2")],
    )
    count = take(work, fixed)
    assert "bad-row" not in count.by_reason
    assert count.by_reason["superseded"] == 1


def test_a_consent_that_comes_later_lets_the_held_go_on(work, export, tmp_path, by_name) -> None:
    take(work, export)
    more = tmp_path / "more"
    rows = [("UHID", "Basis", "Reference", "Given on"), ("WR/24/0004", "consent", "consented", "01/05/2024")]
    write_table(more / "c.csv", rows)
    take(work, more)
    assert by_name("late.dcm").state == "waiting"


def test_a_withdrawal_takes_back_what_has_not_left(work, export, tmp_path, by_name) -> None:
    take(work, export)
    more = tmp_path / "more"
    rows = [
        ("UHID", "Basis", "Reference", "Withdrawn on"),
        ("WR/24/0001", "consent", "consented", "20/11/2026"),
    ]
    write_table(more / "c.csv", rows)
    take(work, more)
    person = persons.find(work, kind="uhid", value="WR/24/0001")
    assert not Output.objects.filter(person=person).exists()
    assert set(Item.objects.filter(person=person).values_list("state", "reason")) <= {
        ("refused", "withdrawn"), ("refused", "superseded"),
    }  # fmt: skip


def test_a_parcel_is_whole_signed_and_says_what_the_tables_said(work, export) -> None:
    take(work, export)
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    signed = Signed.model_validate(parcel.signed)
    verify_signature(signed)
    header = SubmissionHeader.model_validate_json(signed.payload)
    files = files_of(work, parcel)
    for digest, path in files.items():
        assert sha256_file(path) == digest
    subjects = lines(work, parcel, "subjects.ndjson", SubjectLine)
    instances = lines(work, parcel, "items.ndjson", ItemLine)
    assert (header.subjects, header.instances) == (len(subjects), len(instances)) == (3, 4)
    entries = [
        Entry(one.path, one.sha256, one.size, WHOLE) for one in header.parts if one.path != "salts.json"
    ]
    entries += [Entry(one.path, one.sha256, one.size, one.subject) for one in instances]
    salts = json.loads(part(work, parcel, "salts.json"))
    assert key_of(Tree(tuple(entries), salts)) == header.root == parcel.root
    first = next(one for one in subjects if one.specimens)
    assert [(one.visit, one.day) for one in first.visits] == [("baseline", 0), ("post-treatment", 81)]
    assert first.visits[0].age_years == 62
    assert (first.lesions[0].site.value, first.lesions[0].laterality) == ("21974007", "left")
    assert (first.specimens[0].lesion, first.specimens[0].kind) == ("L1", "biopsy")
    labels = lines(work, parcel, "labels.ndjson", LabelLine)
    assert {(one.target, one.value) for one in labels} == {
        ("diagnosis", "squamous-cell-carcinoma"), ("clinical-impression", "malignant"), ("clinical-impression", "opmd"),
    }  # fmt: skip
    records = lines(work, parcel, "records.ndjson", RecordLine)
    assert {"state": "Maharashtra", "tobacco": "current"}.items() <= next(
        one for one in records if one.table == "persons" and one.subject == first.subject
    ).values.items()
    assert {one.path: one for one in header.parts}["protocol.yaml"].sha256 == work.project.protocol_sha256
    assert flow.pack(home=work.home, clock=CLOCK) is None


def test_sending_breaks_off_and_goes_on(work, export, tmp_path) -> None:
    take(work, export)
    flow.pack(home=work.home, clock=CLOCK)
    hub = Hub(tmp_path)
    hub.breaks_after = 3
    with pytest.raises(ConnectionError):
        flow.send(home=work.home, hub=hub, clock=CLOCK)
    assert items.count(work.project).sent == 0
    hub.breaks_after = None
    (parcel,) = flow.send(home=work.home, hub=hub, clock=CLOCK)
    assert parcel.state == "acknowledged"
    count = items.count(work.project)
    assert (count.waiting, count.sent) == (0, 17)
    assert Person.objects.filter(sent=True).count() == 3
    assert flow.send(home=work.home, hub=hub, clock=CLOCK) == []
    assert take(work, export) == count
    with pytest.raises(Conflict):
        persons.forget(Person.objects.filter(sent=True)[0])


def test_a_receipt_by_another_key_is_not_believed(work, export, tmp_path) -> None:
    take(work, export)
    flow.pack(home=work.home, clock=CLOCK)
    (work.home.keys / "hub.pub").write_text("0" * 64)
    with pytest.raises(BrokenPromise):
        flow.send(home=work.home, hub=Hub(tmp_path), clock=CLOCK)
    assert items.count(work.project).sent == 0


def test_what_the_hub_refuses_is_held_and_the_rest_can_be_packed_again(work, export, tmp_path) -> None:
    from midas.wire.v1 import FindingLine

    take(work, export)
    first = flow.pack(home=work.home, clock=CLOCK)
    assert first is not None
    blamed = first.outputs.filter(kind="instance").first()
    assert blamed is not None
    hub = Hub(tmp_path)
    hub.refuses = (FindingLine(rule="leak", severity="error", scope=blamed.line["path"], message="A leak."),)
    flow.send(home=work.home, hub=hub, clock=CLOCK)
    assert items.count(work.project).by_reason["hub-refused"] == 1
    second = flow.pack(home=work.home, clock=CLOCK)
    assert second is not None
    assert second.header["instances"] == first.header["instances"] - 1


def test_both_sent_then_merged_are_linked_and_neither_is_reissued(work, export, tmp_path, by_name) -> None:
    take(work, export)
    flow.pack(home=work.home, clock=CLOCK)
    hub = Hub(tmp_path)
    flow.send(home=work.home, hub=hub, clock=CLOCK)
    one, two = by_name("Ramesh/1.dcm").person, by_name("early.dcm").person
    joined = tmp_path / "joined"
    write_table(
        joined / "p.csv", [("UHID", "Other UHID", "Name", "Gender"), ("WR/24/0004", "WR/24/0001", "R D", "F")]
    )
    take(work, joined)
    two.refresh_from_db()
    assert two.merged_into == one
    assert persons.links_of(one) == (two.pseudonym,)
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    (line,) = lines(work, parcel, "subjects.ndjson", SubjectLine)
    assert (line.subject, line.links) == (one.pseudonym, (two.pseudonym,))


def test_decisions_need_a_reason_and_fit_the_item(work, export, by_name) -> None:
    take(work, export)
    item = by_name("nobody.dcm")
    with pytest.raises(BadInput):
        flow.decide(home=work.home, items=[item], verdict="reject", why=" ", clock=CLOCK)
    with pytest.raises(Conflict):
        flow.decide(home=work.home, items=[item], verdict="accept", why="I know him", clock=CLOCK)
    flow.decide(
        home=work.home, items=[item], verdict="reject", why="not of this study", by_name="asha", clock=CLOCK
    )
    item.refresh_from_db()
    assert (item.state, item.reason) == ("refused", "rejected")
    with pytest.raises(Conflict):
        flow.decide(home=work.home, items=[item], verdict="reject", why="again", clock=CLOCK)


def test_a_masked_image_goes_on_without_what_was_masked(work, export, tmp_path, by_name) -> None:
    more = tmp_path / "more"
    path = write_ct(
        more / "burned.dcm", uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240113", study="1.2.30"
    )
    ds: Any = dcmread(path)
    ds.BurnedInAnnotation = "YES"
    ds.save_as(path)
    take(work, export)
    take(work, more)
    item = by_name("burned.dcm")
    assert (item.state, item.reason) == ("held", "burned-in-risk")
    flow.decide(
        home=work.home, items=[item], verdict="mask", boxes=[(0, 0, 64, 20)], why="name on top", by_name="asha",
        runner=compute.here(), clock=CLOCK,
    )  # fmt: skip
    item.refresh_from_db()
    assert (item.state, item.stage) == ("waiting", "cleaned")
    output = Output.objects.get(sources=item)
    pixels = dcmread(work.home.outbox / "files" / output.sha256[:2] / output.sha256).pixel_array
    assert len(set(pixels[:20, :64].ravel().tolist())) == 1
    assert len(set(pixels[20:, :].ravel().tolist())) > 100


def test_an_image_without_a_preamble_goes_its_way(work, export, by_name) -> None:
    path = export / "scans" / "Ramesh" / "1.dcm"
    path.write_bytes(path.read_bytes()[132:])
    take(work, export)
    item = by_name("Ramesh/1.dcm")
    assert (item.state, item.stage, item.reason) == ("waiting", "cleaned", "")


def test_canonical_lines_are_sorted_and_stable(work, export) -> None:
    take(work, export)
    parcel = flow.pack(home=work.home, clock=CLOCK)
    assert parcel is not None
    raw = part(work, parcel, "items.ndjson").splitlines()
    paths = [json.loads(line)["path"] for line in raw]
    assert paths == sorted(paths)
    assert [canonical(json.loads(line)) for line in raw] == raw


def test_a_row_is_named_by_its_file_and_line(work: Any, export: Path) -> None:
    flow.receive(home=work.home, folder=export, runner=compute.here(), clock=CLOCK)
    named = {items.name_of(work, one) for one in items.of_project(work.project).filter(kind="row")}
    assert "tables/Patients.csv · 2" in named
    assert {name.split(" · ")[0] for name in named if name.count(" · ") == 1} == {
        f"tables/{name}.csv" for name in ("Patients", "Consent register", "OPD visits", "lesions", "HPE")
    }
    assert [name for name in named if name.count(" · ") > 1] == []
