"""The gates: an evil dataset is refused for the right reason, before anything is written; a good one says what it passed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.release.conftest import Ward, pseudonym

from midas.kernel import Conflict, Finding, FixedClock, NotFound, Severity
from midas.ledger.models import Deed, Entry
from midas.people.accounts import give_role
from midas.people.models import Account, Membership, Role
from midas.release.approving import approvals_of, approve, take_approval_back
from midas.release.cases import Brought, Graded, State
from midas.release.evidence import of_validators
from midas.release.gates import GATES
from midas.release.pairing import note_pairs


def rewrite(ward: Ward, *changes: tuple[str, str]) -> None:
    """Put a protocol with these words changed in the place of the ward's."""
    source = ward.protocol.source
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    ward.protocol.source = source
    ward.protocol.save()


def cut(ward: Ward, brought: Brought | None = None, version: str = "1.0.0") -> Any:
    from midas.release import cut as verb

    return verb(
        draft=ward.draft(version), store=ward.store, signer=ward.signer, clock=ward.clock, brought=brought
    )


def refused(ward: Ward, gate: str, match: str, brought: Brought | None = None) -> Conflict:
    """Cut, and see that exactly this gate refuses, with these words, and that nothing of a release is there."""
    from midas.release.models import GateCheck, Release, ReleaseFile

    blobs = set(ward.store.digests())
    with pytest.raises(Conflict, match=match) as caught:
        cut(ward, brought)
    assert caught.value.advice
    assert set(ward.store.digests()) == blobs
    assert not Release.objects.exists()
    assert not ReleaseFile.objects.exists()
    kept = GateCheck.objects.get().results
    assert [one["gate"] for one in kept if one["state"] == "failed"] == [gate]
    return caught.value


def paper(ward: Ward, release: Any, name: str) -> dict[str, Any]:
    from midas.release.models import ReleaseFile

    digest = ReleaseFile.objects.get(release=release, path=name).sha256
    found: dict[str, Any] = json.loads(b"".join(ward.store.read(digest)))
    return found


def parts(ward: Ward, release: Any) -> dict[str, str]:
    from midas.release.changes import parts_of

    return parts_of(release, ward.store)


# -- a good dataset --------------------------------------------------------------------------------------------


def test_a_good_dataset_passes_and_the_release_says_so(ward) -> None:
    release = cut(ward)
    found = paper(ward, release, "gates.json")
    states = {one["gate"]: one["state"] for one in found["gates"]}
    asked_for = {"representation", "grade", "matrix", "approval"}
    assert states == {one.id: "not-asked" if one.id in asked_for else "passed" for one in GATES}
    assert (found["hashed_again"], found["images"]) == (12, 12)
    assert paper(ward, release, "leakage.json")["clean"] is True
    assert paper(ward, release, "provenance.json")["predecessor"] is None
    assert len(paper(ward, release, "provenance.json")["submissions"]) == 2
    assert "20" not in {str(one)[:2] for one in found if "day" in str(one)}


def test_what_a_check_is_evidence_of_names_its_paper(ward) -> None:
    from midas.release import check_gates, look
    from midas.release.documents import whole_files
    from midas.release.gathering import gather
    from midas.release.models import GateCheck

    draft = ward.draft()
    files = whole_files(gather(draft=draft, store=ward.store))
    assert look.gate_evidence(draft, files) == ()
    check_gates(draft=draft, store=ward.store, clock=ward.clock)
    found = {one.kind: one for one in look.gate_evidence(draft, files)}
    assert (found["readiness.leaks"].value, found["readiness.leaks"].source) == (0.0, "leakage.json")
    kept = GateCheck.objects.get(draft=draft).leakage
    assert sum(ties for ties, _ in kept.values()) == found["readiness.leaks"].of
    assert {across for _, across in kept.values()} == {0}
    assert found["provenance.rerun"].value is True, "gathered and written again, with the same digests"
    assert (found["standards.validators"].value, found["standards.validators"].source) == (
        2.0,
        "Croissant, DataCite",
    )
    assert found["metadata.machine_readable"].value is True
    assert {one.about for one in found.values()} == {"meningioma@1.0.0"}
    changed = {one.kind: one for one in look.gate_evidence(draft, {**files, "SHA256SUMS": b"other"})}
    assert changed["provenance.rerun"].value is False
    release = ward.cut(draft)
    held = {one.path for one in look.files(release)}
    assert {name for one in found.values() for name in one.source.split(", ")} - {
        "Croissant",
        "DataCite",
    } <= held
    packages = paper(ward, release, "provenance.json")["software"]["packages"]
    assert {"pydicom", "django", "pyarrow", "sqlparse"} <= set(packages), "theirs as well"
    kinds = {one.kind for one in look.gate_evidence(draft, files)}
    assert "standards.validators" in kinds, "a cut leaves what was measured"


def test_papers_that_are_no_croissant_pass_no_validator() -> None:
    from midas.release.validating import validated

    assert validated({"croissant.json": b'{"@type": "sc:Dataset"}', "datacite.json": b"{}"}) == []


def test_a_standard_whose_validator_says_nothing_is_neither_valid_nor_wrong() -> None:
    found = {one.kind for one in of_validators("meningioma@1.0.0", ["DICOM", "Croissant"])}
    assert found == {"standards.validators"}


def test_every_gate_has_words_in_both_languages_and_a_source() -> None:
    for gate in GATES:
        assert gate.title["en"]
        assert gate.title["hi"]
        assert gate.needs
        assert gate.cites
    assert len({gate.id for gate in GATES}) == len(GATES)


def test_papers_are_sealed_and_the_same_on_another_day(ward) -> None:
    from midas.release.models import Release, ReleaseFile, ReleaseSubject

    draft = ward.draft()
    first = ward.cut(draft).key
    for model in (ReleaseFile, ReleaseSubject, Release):
        model.objects.all().delete()
    ward.clock = FixedClock(ward.clock.at + timedelta(days=30))
    assert ward.cut(draft).key == first


def test_a_release_from_before_there_were_papers_keeps_its_key(ward) -> None:
    """Cutting an old release again must not need files that it never had."""
    from midas.release.cutting import assemble, record
    from midas.release.gathering import gather
    from midas.release.sealing import salts_from

    draft = ward.draft()
    content = gather(draft=draft, store=ward.store)
    subjects = content.tables["subjects"]["subject"].to_pylist()
    made = assemble(content, store=ward.store, salts=salts_from(bytes.fromhex(draft.salt_root), subjects))
    old = record(content, made, draft=draft, signer=ward.signer, clock=ward.clock)
    assert ward.cut(draft).key == old.key


def test_what_was_cut_stays_whatever_the_gates_would_say_today(ward) -> None:
    draft = ward.draft()
    first = ward.cut(draft)
    ward.clock = FixedClock(datetime(2031, 1, 1, tzinfo=UTC))
    assert ward.cut(draft).key == first.key


# -- evil datasets ---------------------------------------------------------------------------------------------


def test_an_expired_ethics_approval_is_refused_and_who_rests_on_it_is_named(ward) -> None:
    ward.clock = FixedClock(datetime(2030, 1, 1, tzinfo=UTC))
    told = refused(ward, "ethics", r"2030-01-01.*consented \(DEMO.*ended on 2029-12-31.*6 of them: P-")
    assert all(name in told.message for name in ward.names())
    assert "renew" in told.advice


def test_on_its_last_day_an_approval_still_stands(ward) -> None:
    ward.clock = FixedClock(datetime(2029, 12, 31, 12, tzinfo=UTC))
    assert cut(ward).key


def test_an_approval_that_has_not_begun_is_refused(ward) -> None:
    rewrite(ward, ('valid_from: "2024-01-01"', 'valid_from: "2027-01-01"'))
    refused(ward, "ethics", "begins on 2027-01-01")


def test_what_was_collected_after_a_waivers_last_day_is_refused(ward) -> None:
    from midas.catalogue.models import Scope, ScopeStudy, Subject

    waiver = [{"kind": "waiver", "ethics": "retrospective-waiver", "scope": []}]
    names = ward.names()
    Subject.objects.filter(pseudonym__in=names[:2]).update(basis=waiver)
    scope = Scope.objects.create(kind="draft", name="meningioma", dataset=ward.dataset)
    for name, day in ((names[0], "20231231"), (names[1], "20240101")):
        ScopeStudy.objects.create(
            scope=scope, subject=name, uid=f"2.25.{day}", patient_id=name, study_date=day, series=1, instances=1,
            common=b"",
        )  # fmt: skip
    told = refused(ward, "ethics", "covers what was collected up to 2023-12-31")
    assert names[1] in told.message
    assert names[0] not in told.message


@pytest.mark.parametrize(
    ("plant", "where"),
    [
        (
            {"table": "tumours", "values": {"who-grade": "call 9876543210"}},
            "clinical/tumours, column who_grade",
        ),
        ({"table": "tumours", "values": {"who-grade": "ABHA 91-1234-5678-9012"}}, "clinical/tumours"),
    ],
)
def test_one_direct_identifier_is_refused_and_not_repeated(ward, plant: dict[str, Any], where: str) -> None:
    from midas.catalogue.models import Record

    row = Record.objects.filter(table=plant["table"]).order_by("pk").first()
    row.values = plant["values"]
    row.save()
    told = refused(ward, "deid", f"identifier of a person stands in {where}")
    assert row.subject.pseudonym in told.message
    assert "9876543210" not in str(told)
    assert "9012" not in str(told)


def test_an_identifier_in_the_notes_is_refused(ward) -> None:
    draft = ward.draft()
    draft.notes = "Questions to priya.sharma@example.org"
    draft.save()
    with pytest.raises(Conflict, match="notes hold what looks like an identifier"):
        ward.cut(draft)


def test_a_scope_that_forbids_commerce_stops_a_commercial_licence(ward) -> None:
    from midas.catalogue.models import Subject

    rewrite(
        ward, ("license: CC-BY-NC-4.0", "license: CC-BY-4.0"), ("commercial: false", "commercial: true"),
        ('  uses: ["DUO:0000006", "DUO:0000018"]', '  uses: ["DUO:0000006"]'),
        ('scope: ["DUO:0000042", "DUO:0000018"]', 'scope: ["DUO:0000042"]'),
    )  # fmt: skip
    name = ward.names()[3]
    mine = [{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042", "DUO:0000046"]}]
    Subject.objects.filter(pseudonym=name).update(basis=mine)
    told = refused(
        ward, "licence", "CC-BY-4.0 would allow commercial use, which persons or their committee forbade"
    )
    assert f"1 of them: {name}." in told.message
    assert "CC-BY-NC-4.0" in told.advice
    Subject.objects.filter(pseudonym=name).update(basis=[{**mine[0], "scope": ["DUO:0000042"]}])
    assert cut(ward, version="1.0.1").license == "CC-BY-4.0"


def test_terms_beyond_what_a_person_allowed_are_refused_and_the_intersection_is_told(ward) -> None:
    from midas.catalogue.models import Subject

    name = ward.names()[2]
    Subject.objects.filter(pseudonym=name).update(
        basis=[{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000007"]}]
    )
    told = refused(ward, "basis", r"DUO:0000006 \(health or medical")
    assert f"1 of them: {name}." in told.message
    assert "All persons together allow: DUO:0000007 (disease specific research)" in told.advice


def test_a_condition_that_the_terms_drop_is_refused(ward) -> None:
    from midas.catalogue.models import Subject

    name = ward.names()[0]
    Subject.objects.filter(pseudonym=name).update(
        basis=[{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042", "DUO:0000021"]}]
    )
    assert name in refused(ward, "basis", r"DUO:0000021 \(ethics approval required\)").message


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ((("license: CC-BY-NC-4.0", "license: CC-BY-4.0"),), "CC-BY-4.0 allows commercial use; .* forbid it"),
        (
            (("license: CC-BY-NC-4.0", "license: Ours"), ("license_url: https", "license_url: ''  # https")),
            "The licence Ours is not known",
        ),
    ],
)
def test_a_licence_that_does_not_fit_is_refused(ward, changes: Any, match: str) -> None:
    rewrite(ward, *changes)
    assert "in the protocol" in refused(ward, "licence", match).advice


def test_a_blob_that_was_spoilt_is_refused(ward) -> None:
    from midas.catalogue.models import Instance

    path = ward.store.local_path(Instance.objects.first().sha256)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    refused(ward, "integrity", "1 images do not hold the bytes")


def test_errors_that_nobody_decided_on_are_refused(ward) -> None:
    found = tuple(
        Finding("series.slice-gap", severity, f"2.25.{number}", "A slice is missing.")
        for number, severity in enumerate((Severity.ERROR, Severity.ERROR, Severity.WARNING))
    )
    told = refused(
        ward, "quality", "Nobody decided on 2 errors of series.slice-gap: 2.25.0, 2.25.1", Brought(found)
    )
    assert "work queue" in told.advice
    assert cut(ward, Brought(found[2:]), version="1.0.1")


# -- planted leaks ---------------------------------------------------------------------------------------------


def across(ward: Ward) -> tuple[str, str]:
    """Return two persons whose parts differ, without cutting anything."""
    from midas.release.gathering import gather

    rows = gather(draft=ward.draft("0.0.1"), store=ward.store).tables["splits"].to_pylist()
    first = rows[0]
    other = next(row for row in rows if row["part"] != first["part"])
    return first["subject"], other["subject"]


def move(name: str, other: str, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the split forget what ties these two, as a faulty one would."""
    from midas.release import splitting

    whole = splitting.groups
    monkeypatch.setattr(splitting, "groups", lambda links, **_: whole([(one, ()) for one, _others in links]))
    assert {name, other} <= set(ward.names())


def test_a_declared_link_across_parts_is_refused(ward, monkeypatch) -> None:
    from midas.catalogue.models import Subject

    one, other = across(ward)
    Subject.objects.filter(pseudonym=one).update(links=[other])
    move(one, other, ward, monkeypatch)
    told = refused(
        ward, "split", "The split leaks: persons that a hospital declared to be the same across parts"
    )
    assert one in told.message
    assert other in told.message


def test_mirrored_duplicates_across_parts_are_refused_until_they_are_noted(ward) -> None:
    one, other = across(ward)
    found = Brought(copies=(("a picture", one), ("a picture", other)))
    told = refused(
        ward, "split", "nearly the same picture or scan, also mirrored or cropped across parts", found
    )
    assert one in told.message
    assert "midas release pair" in told.advice
    assert note_pairs(dataset=ward.dataset, pairs=[(one, other)], clock=ward.clock) == 1
    assert Entry.objects.get(deed=Deed.PAIR).target == " ".join(sorted((one, other)))
    placed = parts(ward, cut(ward, found, version="1.0.1"))
    assert placed[one] == placed[other]


def test_a_noted_pair_is_kept_in_one_part_from_then_on(ward) -> None:
    one, other = across(ward)
    assert note_pairs(dataset=ward.dataset, pairs=[(one, other), (other, one)], clock=ward.clock) == 1
    assert note_pairs(dataset=ward.dataset, pairs=[(one, other)], clock=ward.clock) == 0
    release = cut(ward)
    placed = parts(ward, release)
    assert placed[one] == placed[other]
    told = {row["kind"]: row for row in paper(ward, release, "leakage.json")["kinds"]}
    assert (told["near-duplicate"]["ties"], told["near-duplicate"]["across_parts"]) == (1, 0)
    with pytest.raises(NotFound, match="has no P-00000-00000"):
        note_pairs(dataset=ward.dataset, pairs=[(one, "P-00000-00000")], clock=ward.clock)


def test_the_same_source_file_across_parts_is_refused(ward) -> None:
    from midas.catalogue.models import Instance

    for name in (names := across(ward)):
        one = Instance.objects.filter(series__study__subject__pseudonym=name).first()
        one.sources = ["c" * 64]
        one.save()
    told = refused(ward, "split", "made from the same source file across parts")
    assert all(name in told.message for name in names)
    assert "midas release pair" in told.advice


def test_outlines_made_from_the_same_file_lead_nowhere(ward) -> None:
    """An empty mask that came with two persons' pictures is not a picture of either."""
    from midas.catalogue.models import Instance

    for name in across(ward):
        one = Instance.objects.filter(series__study__subject__pseudonym=name).first()
        one.sources, one.series.modality = ["c" * 64], "SEG"
        one.save()
        one.series.save()
    assert cut(ward)


def test_the_same_pixels_under_two_names_are_refused_and_flat_ones_are_not(ward) -> None:
    import io

    import pydicom

    from midas.catalogue.models import Instance
    from midas.release.checking import pixels_of

    one, other = across(ward)
    preview = ward.store.put_chunks([b"one picture"])
    images = [
        Instance.objects.filter(series__study__subject__pseudonym=name).first() for name in (one, other)
    ]
    Instance.objects.filter(pk__in=[image.pk for image in images]).update(preview=preview)
    assert one in refused(ward, "split", "a picture of the same pixels across parts").message
    for image in images:
        ds = pydicom.dcmread(io.BytesIO(b"".join(ward.store.read(image.sha256))))
        ds.PixelData = bytes(len(ds.PixelData))
        flat = io.BytesIO()
        ds.save_as(flat, enforce_file_format=True)
        image.refresh_from_db()
        image.sha256, image.size = ward.store.put_chunks([flat.getvalue()]), len(flat.getvalue())
        image.save()
        assert pixels_of(ward.store, image.sha256) == ""
    assert cut(ward, version="1.0.1")


def test_the_same_file_under_two_names_is_refused(ward) -> None:
    from midas.catalogue.models import Instance

    one, other = across(ward)
    mine, theirs = (
        Instance.objects.filter(series__study__subject__pseudonym=name).first() for name in (one, other)
    )
    Instance.objects.filter(pk=theirs.pk).update(sha256=mine.sha256, size=mine.size)
    assert other in refused(ward, "split", "the same file, byte for byte across parts").message


def test_by_site_a_hospital_is_in_one_part_and_too_few_are_an_error(ward) -> None:
    from midas.catalogue.models import Subject

    rewrite(ward, ("  stratify: [who-grade]", "  stratify: [who-grade]\n  by_site: true"))
    with pytest.raises(Conflict, match="1 groups of persons cannot fill"):
        cut(ward)
    for name, site in zip(ward.names(), ("aiims", "pgi", "wardha", "aiims", "pgi", "wardha"), strict=True):
        Subject.objects.filter(pseudonym=name).update(spoke=site)
    release = cut(ward, version="1.0.1")
    placed = parts(ward, release)
    assert [placed[name] for name in ward.names()[:3]] == [placed[name] for name in ward.names()[3:]]
    assert set(placed.values()) == {"train", "validation", "test"}
    assert paper(ward, release, "leakage.json")["sites_in_several_parts"] == []


# -- grade, matrix, approval -----------------------------------------------------------------------------------

GOLD = Graded(cqi=75.0, band="Gold", access="controlled", sha256="ab" * 32)


@pytest.mark.parametrize(
    ("graded", "gates", "match"),
    [
        (None, ["grade", "matrix"], "has no grade"),
        (replace(GOLD, stops=("domain 10 at level 0",)), ["grade"], "hard stop: domain 10"),
        (replace(GOLD, cqi=20.0, band="Remediation"), ["grade"], "means remediation"),
        (
            replace(GOLD, access="restricted"),
            ["matrix"],
            "allows restricted access; the protocol asks for controlled",
        ),
        (replace(GOLD, access="none"), ["matrix"], "allows none access"),
    ],
)
def test_where_a_grade_is_asked_it_decides(ward, graded: Graded | None, gates: list[str], match: str) -> None:
    from midas.release.models import GateCheck

    with pytest.raises(Conflict, match=match):
        cut(ward, Brought(graded=graded, needs_grade=True))
    kept = GateCheck.objects.get().results
    assert [one["gate"] for one in kept if one["state"] == "failed"] == gates


@pytest.mark.parametrize("access", ["open", "controlled", "Controlled"])
def test_a_grade_travels_in_the_release(ward, access: str) -> None:
    release = cut(ward, Brought(graded=replace(GOLD, access=access), needs_grade=True))
    told = paper(ward, release, "grade.json")
    assert told["schema"] == "midas-release-grade/2"
    assert (told["cqi"], told["band"], told["access"], told["sha256"]) == (75.0, "Gold", access, "ab" * 32)
    assert told["demonstration evidence"] is False
    assert release.summary["grade"] == {name: value for name, value in told.items() if name != "grade"}


def person(name: str) -> Account:
    made = Account.objects.create_user(username=name, full_name=name.title())
    give_role(account=made, role=Role.CURATOR)
    return made


def test_two_different_people_approve_what_they_saw(ward) -> None:
    asha, ravi = person("asha"), person("ravi")
    draft = ward.draft()
    asked = Brought(needs_approvals=2)

    def cut_it() -> Any:
        from midas.release import cut as verb

        return verb(draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock, brought=asked)

    approve(draft=draft, by=asha, clock=ward.clock)
    with pytest.raises(Conflict, match="approved this draft already"):
        approve(draft=draft, by=asha, clock=ward.clock)
    with pytest.raises(Conflict, match="1 of 2 people approved"):
        cut_it()
    approve(draft=draft, by=ravi, clock=ward.clock)
    take_approval_back(draft=draft, by=asha, clock=ward.clock)
    with pytest.raises(NotFound):
        take_approval_back(draft=draft, by=asha, clock=ward.clock)
    with pytest.raises(Conflict, match="1 of 2 people"):
        cut_it()
    approve(draft=draft, by=asha, clock=ward.clock)
    draft.notes = "other words"
    draft.save()
    assert approvals_of(draft) == []
    with pytest.raises(Conflict, match="0 of 2 people"):
        cut_it()
    for one in (asha, ravi):
        approve(draft=draft, by=one, clock=ward.clock)
    Account.objects.filter(pk=ravi.pk).update(is_active=False)
    with pytest.raises(Conflict, match="1 of 2 people"):
        cut_it()
    Account.objects.filter(pk=ravi.pk).update(is_active=True)
    Membership.objects.filter(account=ravi).update(role=Role.AUDITOR)
    with pytest.raises(Conflict, match=r"1 of 2 people.*\n?.*The approval of Ravi counts no more"):
        cut_it()
    Membership.objects.filter(account=ravi).update(role=Role.CURATOR, dataset="another")
    with pytest.raises(Conflict, match="The approval of Ravi counts no more"):
        cut_it()
    Membership.objects.filter(account=ravi).update(dataset=draft.dataset.slug)
    release = cut_it()
    assert paper(ward, release, "gates.json")["approvals"] == 2
    assert "asha" not in json.dumps(paper(ward, release, "gates.json"))
    with pytest.raises(Conflict, match="is a release already"):
        approve(draft=draft, by=person("third"), clock=ward.clock)


# -- growth, withdrawal, what is kept --------------------------------------------------------------------------


def test_changes_travel_and_nobody_moves(ward) -> None:
    first = cut(ward)
    assert paper(ward, first, "changes.json")["since"] is None
    ward.person(9, ward.submission(9, [pseudonym(9)]))
    second = cut(ward, version="1.1.0")
    found = paper(ward, second, "changes.json")
    assert (found["since"], found["since_key"]) == ("1.0.0", first.key)
    assert (found["subjects_added"], found["subjects_gone"], found["subjects_moved"]) == (
        [pseudonym(9)],
        0,
        0,
    )
    assert (found["images_added"], found["images_gone"], found["images_changed"]) == (2, 0, 0)
    before, after = parts(ward, first), parts(ward, second)
    assert {name: after[name] for name in before} == before


def test_who_was_found_to_belong_elsewhere_is_told_and_does_not_stop_the_release(ward) -> None:
    first = cut(ward)
    placed = parts(ward, first)
    seen = {name: part for name, part in placed.items() if part != "test"}
    one = next(name for name in ward.names() if name in seen)
    other = next(name for name in ward.names() if seen.get(name, seen[one]) != seen[one])
    note_pairs(dataset=ward.dataset, pairs=[(one, other)], clock=ward.clock)
    second = cut(ward, version="1.1.0")
    moved = paper(ward, second, "leakage.json")["moved"]
    assert moved == [{"subject": other, "from": placed[other], "to": placed[one]}]
    gate = next(one for one in paper(ward, second, "gates.json")["gates"] if one["gate"] == "split")
    assert (gate["state"], gate["findings"][0]["rule"]) == (State.PASSED, "gate.split.moved")


def test_whom_a_late_tie_carries_over_the_border_of_the_hidden_part_is_left_out(ward) -> None:
    """Whoever models were made from is never tested with, nor the other way round; and it stays so in later versions."""
    first = cut(ward)
    placed = parts(ward, first)
    hidden = next(name for name in ward.names() if placed[name] == "test")
    seen = next(name for name in ward.names() if placed[name] != "test")
    note_pairs(dataset=ward.dataset, pairs=[(hidden, seen)], clock=ward.clock)
    crossing = max(hidden, seen, key=ward.names().index)
    for version in ("1.1.0", "1.2.0"):
        release = cut(ward, version=version)
        assert parts(ward, release) == {name: part for name, part in placed.items() if name != crossing}
        assert release.summary["left_out"] == [
            {"subject": crossing, "why": "tied to the other side of the hidden part"}
        ]


def test_a_protocol_that_carries_persons_over_the_border_of_the_hidden_part_is_refused(ward) -> None:
    """With other shares, or whole hospitals, everybody would be placed anew."""
    first = cut(ward)
    hidden = sorted(name for name, part in parts(ward, first).items() if part == "test")
    told = "parts: {train: 0.7, validation: 0.15, test: 0.15}"
    assert told in ward.protocol.source
    source = ward.protocol.source.replace(told, "parts: {test: 0.000001, train: 0.7, validation: 0.299999}")
    ward.protocol.source = source
    ward.protocol.save()
    with pytest.raises(Conflict, match="hidden part") as caught:
        cut(ward, version="1.1.0")
    assert all(name in str(caught.value) for name in hidden)


def test_a_withdrawal_leaves_everyone_elses_part_and_no_name_in_any_paper(ward) -> None:
    from midas.release import check_gates
    from midas.release.models import GateCheck, ReleaseFile
    from midas.web import flows

    one, other = across(ward)
    note_pairs(dataset=ward.dataset, pairs=[(one, other)], clock=ward.clock)
    first = cut(ward)
    placed = parts(ward, first)
    check_gates(draft=ward.draft("2.0.0"), store=ward.store, clock=ward.clock)
    flows.withdraw(
        pseudonym=one, dataset="meningioma", store=ward.store, signer=ward.signer, why="person",
        clock=FixedClock(ward.clock.at + timedelta(days=30)),
    )  # fmt: skip
    assert not GateCheck.objects.exists()
    ward.clock = FixedClock(ward.clock.at + timedelta(days=60))
    successor = cut(ward, version="1.1.0")
    assert parts(ward, successor) == {name: part for name, part in placed.items() if name != one}
    assert paper(ward, successor, "changes.json")["subjects_gone"] == 0
    for release in (first, successor):
        for file in ReleaseFile.objects.filter(release=release, path__endswith=".json"):
            assert one not in b"".join(ward.store.read(file.sha256)).decode()
