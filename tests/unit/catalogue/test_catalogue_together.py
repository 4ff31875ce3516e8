"""At the hub again: rows, images beside the tables, and views, as findings that are decided and go with a person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from tests.hub_submission import CLOCK, NOW, PEOPLE, SPOKE, ct, parcel, spoke_key, welcome

from midas.catalogue import add_protocol, examine_submission, findings, forget, register
from midas.catalogue.findings import together
from midas.catalogue.findings.standing import standing
from midas.catalogue.models import CheckRun, QualityAnswer, QualityFinding, Record, Submission
from midas.compute import here
from midas.kernel import BadInput, Conflict, FixedClock, NotFound, Severity
from midas.ledger.models import Entry
from midas.manifest import PrivateKey
from midas.people.models import Account
from midas.protocol import load_named
from midas.quality.leaks import examine_line
from midas.store import Blobs

pytestmark = pytest.mark.django_db
LATER = FixedClock(NOW + timedelta(hours=1))


@pytest.fixture
def store(tmp_path: Path) -> Blobs:
    return Blobs.at(tmp_path / "blobs")


@pytest.fixture
def curator() -> Account:
    return Account.objects.create(username="meera")


def sent(made: Any, store: Blobs, tmp_path: Path) -> Submission:
    signed = made.seal()
    made.put(store)
    checked = examine_submission(signed=signed, store=store)
    protocol, _ = add_protocol(loaded=load_named("oral-cancer"), clock=CLOCK)
    row = Submission.objects.create(
        dataset=protocol.dataset, protocol=protocol, spoke=checked.header.spoke, root=checked.header.root,
        header=checked.header.model_dump(mode="json", by_alias=True), signed=signed.model_dump(mode="json"),
        received_at=NOW,
    )  # fmt: skip
    hub = PrivateKey.load_or_create(tmp_path / "hub.key")
    return register(submission=row, checked=checked, store=store, signer=hub, clock=CLOCK)


@pytest.fixture
def submission(tmp_path: Path, store: Blobs) -> Submission:
    """The first person is a man by the table and a woman by the image; the pain of the second is 99."""
    key = spoke_key(tmp_path)
    welcome(key)
    made = parcel(key)
    for number in (0, 1):
        made.replace_instance(
            number, ct(PEOPLE[0], number + 1, study="2.25.100001", series="2.25.100002", PatientSex="F")
        )
    made.records[1]["values"]["pain"] = 99
    return sent(made, store, tmp_path)


def check(row: Submission, store: Blobs, tmp_path: Path, **more: Any) -> CheckRun:
    told = {"submission": row, "clock": LATER} | more
    return findings.check(dataset=row.dataset, store=store, runner=here(), scratch=tmp_path, **told)


def seen() -> dict[str, Any]:
    return {one.rule: one for one in standing().filter(rule__in=together.TOGETHER)}


def test_rows_and_disagreements_are_findings_that_name_a_place_and_no_value(
    submission, store, tmp_path
) -> None:
    run = check(submission, store, tmp_path)
    assert run.rows == 2
    told = seen()
    row, image = told["table.range"], told["agreement.sex"]
    assert (row.subject.pseudonym, row.series, row.record.values["pain"]) == (PEOPLE[1], None, 99)
    assert row.message == "Table visits, column pain: the cell is outside 0 to 10."
    assert (image.subject.pseudonym, image.series.uid, image.record) == (PEOPLE[0], "2.25.100002", None)
    for one in told.values():
        assert "99" not in one.message
        assert not [f for f in examine_line({"text": one.message}) if f.severity is Severity.ERROR]
    errors = findings.undecided(submission.dataset)
    assert {(one.rule, one.scope) for one in errors} >= {
        ("table.range", PEOPLE[1]), ("agreement.sex", f"{PEOPLE[0]}/2.25.100002"),
    }  # fmt: skip


def test_a_decision_on_a_row_stands_until_a_new_revision_comes(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    row = seen()["table.range"]
    with pytest.raises(BadInput, match="not left out by itself"):
        findings.decide(findings=[row], verdict="exclude", why="x", by=curator, clock=LATER)
    with pytest.raises(BadInput, match="not corrected here"):
        findings.correct(finding=row, keyword="KVP", value="120", why="x", by=curator, clock=LATER)
    findings.decide(findings=[row], verdict="accept", why="Seen.", by=curator, clock=LATER)
    check(submission, store, tmp_path, submission=None)
    again = seen()["table.range"]
    assert (again.verdict, again.pk == row.pk) == ("accept", False)
    assert QualityFinding.objects.get(pk=row.pk).superseded is not None
    record = row.record
    Record.objects.create(
        subject=record.subject, submission=submission, table="visits", record=record.record, revision=2,
        visit=record.visit, values={"ecog": 1, "pain": 98},
    )  # fmt: skip
    check(submission, store, tmp_path, submission=None)
    assert seen()["table.range"].verdict == ""


def test_excluding_for_a_row_leaves_out_the_person(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    row = seen()["table.range"]
    findings.decide(findings=[row], verdict="exclude", why="x", by=curator, clock=LATER, covers="subject")
    left = findings.left_by(findings.decided(submission.dataset))
    assert left.subjects == {row.subject_id: "excluded: table.range"}
    assert "table.range" not in {one.rule for one in findings.undecided(submission.dataset)}


def test_rows_that_are_wrong_alike_at_one_hospital_are_told_together(
    submission, store, tmp_path, curator, monkeypatch
) -> None:
    monkeypatch.setattr(together, "ROWS_SHOWN", 0)
    check(submission, store, tmp_path)
    row = seen()["table.range"]
    assert (row.subject, row.record, row.submission, row.value) == (None, None, submission, 1)
    assert row.message == "Table visits, column pain: 1 of 2 rows are outside 0 to 10."
    with pytest.raises(BadInput, match="nobody can be excluded"):
        findings.decide(findings=[row], verdict="exclude", why="x", by=curator, clock=LATER, covers="subject")


def test_findings_of_one_submission_leave_those_of_others_and_go_with_a_person(
    submission, store, tmp_path
) -> None:
    check(submission, store, tmp_path)
    other = parcel(spoke_key(tmp_path), people=("P-4M8RW-5YHJ0",))
    other.items = [json.loads(json.dumps(one).replace("2.25.1", "2.25.3")) for one in other.items]
    other.blobs = {}
    for at, one in enumerate(other.items):
        data = ct(one["subject"], at + 1, study=one["study_uid"], series=one["series_uid"])
        other.blobs["x" + str(at)] = data
        other.replace_instance(at, data)
    second = sent(other, store, tmp_path)
    check(second, store, tmp_path)
    assert {"table.range", "agreement.sex"} <= set(seen())
    forget(pseudonym=PEOPLE[1], dataset="oral-cancer", store=store, clock=LATER)
    assert "table.range" not in seen()


def test_a_question_goes_to_its_hospital_and_is_answered_once(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    row = seen()["table.range"]
    (made,) = findings.decide(findings=[row], verdict="ask", why="Is it 9?", by=curator, clock=LATER)
    assert list(findings.asked(spoke=SPOKE)) == [made]
    assert not findings.asked(spoke="another").exists()
    told = {"number": made.pk, "spoke": SPOKE, "kind": "words", "clock": LATER}
    with pytest.raises(NotFound):
        findings.answer(**{**told, "spoke": "another"}, words="Yes.")
    with pytest.raises(BadInput, match="not kept"):
        findings.answer(**told, words="Call 98230 12345")
    with pytest.raises(BadInput):
        findings.answer(**told, words=" ")
    kept = findings.answer(**told, words="Yes,  it is 9.")
    assert findings.answer(**told, words="Yes, it is 9.") == kept
    with pytest.raises(Conflict):
        findings.answer(**told, words="No.")
    assert not findings.asked(spoke=SPOKE).exists()
    entry = Entry.objects.get(deed="answer")
    assert (entry.who, entry.target, entry.details["kind"]) == (SPOKE, f"finding {row.pk}", "words")
    assert "it is 9" not in str(entry.details)
    with pytest.raises(DatabaseError, match="stay as they are"), transaction.atomic():
        QualityAnswer.objects.update(words="x")
    findings.decide(findings=[row], verdict="ask", why="And the first?", by=curator, clock=LATER)
    assert findings.asked(spoke=SPOKE).count() == 1
    forget(pseudonym=PEOPLE[1], dataset="oral-cancer", store=store, clock=LATER)
    assert QualityAnswer.objects.count() == findings.asked(spoke=SPOKE).count() == 0
