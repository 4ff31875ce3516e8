"""Findings of quality at the hub: numbered runs, what stands after another, decisions and corrections that nobody edits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from tests.hub_submission import CLOCK, NOW, PEOPLE, ct, parcel, spoke_key, welcome

from midas.catalogue import add_protocol, examine_submission, findings, forget, register
from midas.catalogue.findings.looking import SeriesJob, look
from midas.catalogue.findings.standing import standing, state_of
from midas.catalogue.models import (
    CheckRun,
    Correction,
    Instance,
    QualityDecision,
    QualityFinding,
    Series,
    Submission,
)
from midas.compute import here
from midas.kernel import BadInput, Conflict, FixedClock, Severity, sha256_bytes
from midas.ledger.models import Entry
from midas.manifest import PrivateKey
from midas.people.models import Account
from midas.protocol import load_named
from midas.store import Blobs

pytestmark = pytest.mark.django_db
LATER = FixedClock(NOW + timedelta(hours=1))


@pytest.fixture
def store(tmp_path: Path) -> Blobs:
    return Blobs.at(tmp_path / "blobs")


@pytest.fixture
def curator() -> Account:
    return Account.objects.create(username="meera")


@pytest.fixture
def submission(tmp_path: Path, store: Blobs) -> Submission:
    """Two persons with a CT of two slices each; one slice of the first is blank."""
    key = spoke_key(tmp_path)
    welcome(key)
    made = parcel(key)
    made.replace_instance(
        0, ct(PEOPLE[0], 1, study="2.25.100001", series="2.25.100002", PixelData=b"\0" * 512)
    )
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


def check(sent: Submission, store: Blobs, tmp_path: Path, **more: Any) -> CheckRun:
    told = {"submission": sent, "clock": LATER} | more
    return findings.check(dataset=sent.dataset, store=store, runner=here(), scratch=tmp_path, **told)


def blank() -> QualityFinding:
    return standing().get(rule="image.constant")


def test_what_was_registered_is_checked_once_and_its_findings_are_rows(submission, store, tmp_path) -> None:
    assert list(findings.unchecked()) == [submission]
    run = check(submission, store, tmp_path)
    assert (run.number, run.series, run.images, run.submission) == (1, 2, 4, submission)
    assert list(findings.unchecked()) == []
    one = blank()
    assert one.severity == "warning"
    assert one.subject.pseudonym == PEOPLE[0]
    assert (one.images, one.instance, one.series.uid) == (2, None, "2.25.100002")
    assert one.advice
    assert one.submission == submission
    assert one.run.software.startswith("midas ")
    entry = Entry.objects.get(deed="check")
    assert entry.details["run"] == 1
    assert entry.details["findings"] == QualityFinding.objects.count()


def test_photographs_are_told_apart_and_the_same_words_about_several_are_one_row(store, tmp_path) -> None:
    item = next(one for one in load_named("oral-cancer").protocol.items if one.kind == "photo")
    blobs = [store.put_chunks([ct(PEOPLE[0], number, study="2.25.1", series="2.25.2")]) for number in (1, 2)]
    seen = look(SeriesJob(store, 1, item, ((7, str(blobs[0])), (8, str(blobs[1]))), tmp_path)).noted
    both = [one for one in seen if one.seen.finding.rule == "image.modality"]
    assert [(one.image, one.images) for one in both] == [(None, 2)]
    alone = look(SeriesJob(store, 1, item, ((7, str(blobs[0])),), tmp_path)).noted
    assert [(one.image, one.images) for one in alone if one.seen.finding.rule == "image.modality"] == [(7, 1)]


def test_what_was_measured_stands_with_its_unit_and_limit(submission, store, tmp_path) -> None:
    check(submission, store, tmp_path)
    one = standing().filter(rule="image.iod").first()
    assert one is not None
    assert (one.value, one.unit) == (7, "attributes")


def test_a_later_run_supersedes_and_the_older_one_stays_readable(submission, store, tmp_path) -> None:
    first = check(submission, store, tmp_path)
    before = list(QualityFinding.objects.filter(run=first).values_list("mark", flat=True))
    second = check(submission, store, tmp_path, submission=None)
    assert second.number == 2
    assert second.submission is None
    assert sorted(standing().values_list("mark", flat=True)) == sorted(before)
    old = QualityFinding.objects.filter(run=first)
    assert old.count() == len(before)
    assert set(old.values_list("superseded", flat=True)) == {second.pk}


def test_an_image_that_cannot_be_read_is_a_finding_and_stops_nothing(submission, store, tmp_path) -> None:
    series = Series.objects.get(uid="2.25.100002")
    item = next(one for one in load_named("oral-cancer").protocol.items if one.id == "face-neck-ct")
    absent = look(SeriesJob(store, series.pk, item, ((1, sha256_bytes(b"nowhere")),), tmp_path))
    assert [one.seen.finding.rule for one in absent.noted] == ["quality.bytes"]
    broken = store.put_chunks([b"no DICOM at all"])
    seen = look(SeriesJob(store, series.pk, item, ((1, str(broken)),), tmp_path))
    assert [one.seen.finding.rule for one in seen.noted] == ["image.unreadable"]


def test_a_decision_needs_a_reason_and_stands_with_it(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    one = blank()
    assert state_of(one.verdict) == "open"
    with pytest.raises(BadInput, match="reason"):
        findings.decide(findings=[one], verdict="accept", why="  ", by=curator, clock=LATER)
    with pytest.raises(BadInput):
        findings.decide(findings=[one], verdict="correct", why="x", by=curator, clock=LATER)
    findings.decide(findings=[one], verdict="accept", why="A scout view.", by=curator, clock=LATER)
    assert state_of(blank().verdict) == "accepted"
    entry = Entry.objects.get(deed="judge")
    assert (entry.by, entry.why, entry.details["verdict"]) == (curator, "A scout view.", "accept")
    check(submission, store, tmp_path, submission=None)
    assert state_of(blank().verdict) == "accepted", "the same was found again"
    findings.decide(findings=[blank()], verdict="reopen", why="It is not.", by=curator, clock=LATER)
    assert state_of(blank().verdict) == "open"
    with pytest.raises(Conflict):
        findings.decide(findings=[blank()], verdict="reopen", why="Again.", by=curator, clock=LATER)
    assert [one.verdict for one in QualityDecision.objects.order_by("pk")] == ["accept", "reopen"]


def test_what_is_not_of_today_is_not_decided(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    old = blank()
    check(submission, store, tmp_path)
    old.refresh_from_db()
    with pytest.raises(Conflict, match="later run"):
        findings.decide(findings=[old], verdict="exclude", why="x", by=curator, clock=LATER)


def test_the_database_refuses_to_change_a_decision(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    findings.correct(finding=blank(), keyword="KVP", value="120", why="Log book.", by=curator, clock=LATER)
    for model in (QualityDecision, Correction):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(**{"why": "other"} if model is QualityDecision else {"after": 1})


def test_a_correction_is_a_revision_beside_the_object(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    told = {"finding": blank(), "by": curator, "clock": LATER, "why": "The device's log says so."}
    before = list(Instance.objects.values_list("sha256", "facts"))
    looked = findings.last_decision()
    first = findings.correct(keyword="PixelSpacing", value="0.5, 0.5", seen=looked, **told)
    with pytest.raises(Conflict, match="decided on 1 of these meanwhile"):
        findings.correct(keyword="PixelSpacing", value="0.7 0.7", seen=looked, **told)
    second = findings.correct(keyword="PixelSpacing", value="0.6 0.6", **told)
    assert (first.revision, first.before, first.after) == (1, None, "0.5\\0.5")
    assert (second.revision, second.before, second.after) == (2, "0.5\\0.5", "0.6\\0.6")
    assert state_of(blank().verdict) == "corrected"
    assert list(Instance.objects.values_list("sha256", "facts")) == before
    for keyword, value in (
        ("PatientID", "x"), ("KVP", "-1"), ("KVP", "nan"), ("PixelSpacing", "0.5"), ("Manufacturer", ""),
        ("PixelSpacing", "0.6 0.6"),
    ):  # fmt: skip
        with pytest.raises(BadInput):
            findings.correct(keyword=keyword, value=value, **told)


def test_what_can_be_corrected_is_what_a_release_tells_of_a_series() -> None:
    from midas.catalogue.findings.deciding import CORRECTABLE
    from midas.release.tables import SERIES_FACTS

    assert set(CORRECTABLE) == {fact.keyword for fact in SERIES_FACTS}


def test_who_withdraws_takes_the_findings_along(submission, store, tmp_path, curator) -> None:
    check(submission, store, tmp_path)
    findings.correct(finding=blank(), keyword="KVP", value="120", why="Log.", by=curator, clock=LATER)
    forget(pseudonym=PEOPLE[0], dataset="oral-cancer", store=store, clock=LATER)
    assert not QualityDecision.objects.exists()
    assert not Correction.objects.exists()
    assert set(QualityFinding.objects.values_list("subject__pseudonym", flat=True)) == {PEOPLE[1]}


def test_what_is_undecided_and_what_the_checks_are_evidence_of(submission, store, tmp_path, curator) -> None:
    assert findings.evidence(submission.dataset) == ()
    check(submission, store, tmp_path)
    validated, log, errors = findings.evidence(submission.dataset)
    assert (log.kind, log.of) == ("curation.issues", QualityFinding.objects.count())
    assert (validated.kind, validated.value, validated.of) == ("standards.validated", True, 2)
    assert (errors.kind, errors.value, errors.unit) == ("standards.critical_errors", 0.0, "errors")
    waiting = findings.undecided(submission.dataset, severity=Severity.WARNING)
    assert f"{PEOPLE[0]}/2.25.100002" in {one.scope for one in waiting}
    findings.decide(findings=[blank()], verdict="exclude", why="Blank.", by=curator, clock=LATER)
    after = findings.undecided(submission.dataset, severity=Severity.WARNING)
    assert {one.scope for one in after} == {f"{PEOPLE[1]}/2.25.200002"}, "what is excluded waits for nobody"
