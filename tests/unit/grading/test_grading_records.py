"""Assessments: who may write when, what each side sees, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from tests.evidence import all_at, fact, facts_for, risk
from tests.unit.grading.conftest import NOW, Centre

from midas.grading import approve, bring, judge, look, open_technical, rubric_named, send_back, submit
from midas.grading.models import Assessment, Statement
from midas.grading.stating import LARGEST, remark, unstate
from midas.kernel import BadInput, BrokenPromise, Conflict, Forbidden, Ink, MidasError, NotFound
from midas.ledger.models import Deed, Entry
from midas.web.audit import needed_blobs

RUBRIC = rubric_named()
COMPUTED = [one for one in facts_for(RUBRIC, all_at(4)) if one.ink is Ink.COMPUTED]


def test_an_assessment_is_opened_once_with_the_rubric_it_is_made_by(centre: Centre) -> None:
    row = centre.lite([fact("metadata.title", True), fact("stewardship.dpia", True, ink=Ink.ATTESTED)])
    assert (row.rubric, row.rubric_sha256, row.status) == (RUBRIC.id, RUBRIC.sha256, "draft")
    assert [one["kind"] for one in row.evidence] == [
        "metadata.title"
    ]  # what a person stated elsewhere does not come along
    with pytest.raises(Conflict, match="already"):
        centre.lite()
    entry = Entry.objects.get()
    assert (entry.deed, entry.details["what"], entry.details["rubric_sha256"]) == (
        Deed.ASSESS,
        "opened",
        RUBRIC.sha256,
    )


def test_a_statement_keeps_its_document_and_counts_as_attested(centre: Centre) -> None:
    row = centre.lite()
    one = centre.state(row, demonstration=True)
    assert b"".join(centre.store.read(one.sha256, 0, None)) == b"%PDF-1.4 a paper"
    assert one.sha256 in set(needed_blobs())
    assert [(it.kind, it.ink, it.demonstration, it.source) for it in look.facts_of(row, day=NOW.date())] == [
        ("stewardship.dpia", Ink.ATTESTED, True, f"sha256:{one.sha256}")
    ]
    centre.state(row, document=b"a better paper", name="dpia-2.pdf")
    assert Statement.objects.get().name == "dpia-2.pdf"
    unstate(assessment=row, kind="stewardship.dpia", by=centre.curator, clock=centre.clock)
    assert look.facts_of(row, day=NOW.date()) == []
    with pytest.raises(NotFound):
        unstate(assessment=row, kind="stewardship.dpia", by=centre.curator, clock=centre.clock)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"kind": "no.kind"}, NotFound), ({"kind": "annotation.kappa", "value": 0.9}, BadInput),
        ({"document": b""}, BadInput), ({"document": b"x" * (LARGEST + 1)}, BadInput), ({"value": 1.0}, BadInput),
        ({"value": "yes"}, BadInput), ({"kind": "curation.adherence", "value": 1.1}, BadInput),
        ({"kind": "curation.adherence", "value": True}, BadInput), ({"kind": "synthetic.audits", "value": -1.0}, BadInput),
        ({"kind": "synthetic.audits", "value": float("nan")}, BadInput),
        ({"kind": "privacy.identification", "value": "unheard of"}, BadInput),
        ({"kind": "privacy.sensitivity", "value": "coarse"}, BadInput),
    ],
)  # fmt: skip
def test_what_is_no_statement_is_refused(
    centre: Centre, wrong: dict[str, Any], error: type[MidasError]
) -> None:
    row = centre.lite()
    with pytest.raises(error):
        centre.state(row, **wrong)
    assert not Statement.objects.exists()


def test_what_was_submitted_is_read_only(centre: Centre) -> None:
    row = centre.lite()
    centre.state(row)
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    assert (row.status, row.grade["form"]) == ("submitted", "lite")
    for write in (
        lambda: centre.state(row),
        lambda: unstate(assessment=row, kind="stewardship.dpia", by=centre.curator, clock=centre.clock),
        lambda: bring(assessment=row, evidence=[], clock=centre.clock),
        lambda: remark(assessment=row, domain=1, words="late"),
        lambda: submit(assessment=row, by=centre.curator, clock=centre.clock),
    ):
        with pytest.raises(Conflict, match="read-only"):
            write()


def test_nobody_validates_their_own_assessment(centre: Centre) -> None:
    row = centre.lite()
    with pytest.raises(Conflict, match="not submitted"):
        centre.technical(row)
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    with pytest.raises(Forbidden, match="own assessment"):
        open_technical(lite=row, evidence=[], by=centre.curator, clock=centre.clock)
    technical = centre.technical(row)
    with pytest.raises(Conflict, match="open already"):
        centre.technical(row)
    with pytest.raises(Forbidden, match="own assessment"):
        approve(assessment=technical, by=centre.curator, why="I say so", clock=centre.clock)
    with pytest.raises(Conflict, match="Only the Lite form"):
        submit(assessment=technical, by=centre.nodal, clock=centre.clock)
    with pytest.raises(Conflict, match="read-only"):
        approve(assessment=row, by=centre.nodal, why="why", clock=centre.clock)


def test_a_validation_goes_back_and_comes_again(centre: Centre) -> None:
    row = centre.lite(COMPUTED)
    centre.state(row)
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    first = centre.technical(row, COMPUTED)
    assert (
        look.facts_of(first, day=NOW.date())[-1].kind != "stewardship.dpia"
    )  # nothing counts without a verdict
    with pytest.raises(BadInput, match="no verdict"):
        approve(assessment=first, by=centre.nodal, why="fine", clock=centre.clock)
    with pytest.raises(BadInput, match="revised"):
        judge(assessment=first, kind="stewardship.dpia", verdict="needs_revision")
    judge(assessment=first, kind="stewardship.dpia", verdict="needs_revision", words="It is of 2021.")
    with pytest.raises(BadInput, match="reason"):
        send_back(assessment=first, by=centre.nodal, why=" ", clock=centre.clock)
    row = send_back(
        assessment=first, by=centre.nodal, why="The impact assessment is old.", clock=centre.clock
    )
    assert (row.status, row.open) == ("revision_required", True)
    first.refresh_from_db()
    assert not first.open

    centre.state(row, document=b"of this year")
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    second = centre.technical(row, COMPUTED)
    judge(assessment=second, kind="stewardship.dpia", verdict="okay")
    done = approve(assessment=second, by=centre.nodal, why="Complete.", clock=centre.clock)
    row.refresh_from_db()
    assert (done.status, row.status) == ("approved", "approved")
    assert done.grade == look.grade_of(done, clock=centre.clock).to_dict()
    assert look.approved("oral-cancer", "1.0.0") == done
    said = list(Entry.objects.order_by("pk").values_list("deed", "details__what"))
    assert (Deed.VALIDATE, "sent back") in said
    assert said[-1] == (Deed.VALIDATE, "approved")


def _approved(centre: Centre, access: str = "") -> Assessment:
    evidence = [*COMPUTED, *risk("aggregated", "routine", 0.3)]
    row = submit(assessment=centre.lite(evidence), by=centre.curator, clock=centre.clock)
    technical = centre.technical(row, evidence)
    for name, kind in RUBRIC.kinds.items():
        if kind.by == "attested" and not kind.unit:
            centre.state(technical, name, by=centre.nodal)
    return approve(assessment=technical, by=centre.nodal, why="Agreed.", clock=centre.clock, access=access)


def test_the_nodal_centre_chooses_where_the_matrix_leaves_two(centre: Centre) -> None:
    done = _approved(centre, access="open")
    assert (done.grade["band"], done.grade["prs"]["band"], done.grade["access"]) == (
        "diamond",
        "moderate",
        "open",
    )
    assert done.grade["decided"] == {"access": "open", "by": "ravi", "why": "Agreed."}


def test_without_a_choice_the_stricter_class_holds(centre: Centre) -> None:
    assert _approved(centre).grade["access"] == "controlled"


@pytest.mark.parametrize("access", ["restricted", "unheard of"])
def test_another_class_than_the_matrix_leaves_is_refused(centre: Centre, access: str) -> None:
    with pytest.raises(BadInput):
        _approved(centre, access=access)
    assert Assessment.objects.get(form="technical").status == "draft"


def test_the_centre_sees_points_only_after_the_decision(centre: Centre) -> None:
    row = centre.lite(COMPUTED)
    assert not look.sides(row, nodal=False, clock=centre.clock).points
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    technical = centre.technical(row, COMPUTED)
    own = look.sides(row, nodal=False, clock=centre.clock)
    assert (own.points, own.technical) == (False, None)
    nodal = look.sides(row, nodal=True, clock=centre.clock)
    assert nodal.points
    assert nodal.technical
    assert [len(nodal.pairs()), nodal.pairs()[0][1].number] == [15, 1]
    approve(assessment=technical, by=centre.nodal, why="Fine.", clock=centre.clock)
    row.refresh_from_db()
    after = look.sides(row, nodal=False, clock=centre.clock)
    assert after.points
    assert after.technical


def test_demonstration_evidence_is_marked_in_the_final_grade(centre: Centre) -> None:
    row = centre.lite(COMPUTED)
    centre.state(row, "metadata.fair", demonstration=True)
    row = submit(assessment=row, by=centre.curator, clock=centre.clock)
    technical = centre.technical(row, COMPUTED)
    judge(assessment=technical, kind="metadata.fair", verdict="okay")
    done = approve(assessment=technical, by=centre.nodal, why="A demonstration.", clock=centre.clock)
    assert done.grade["demonstration"] is True
    assert Entry.objects.last().details["demonstration"] is True


def test_remarks_stand_beside_domains(centre: Centre) -> None:
    row = remark(assessment=centre.lite(), domain=4, words=" Two states only. ")
    assert row.remarks == {"4": "Two states only."}
    assert remark(assessment=row, domain=4, words="").remarks == {}
    with pytest.raises(NotFound):
        remark(assessment=row, domain=16, words="x")


def test_another_rubric_file_under_the_same_name_is_noticed(centre: Centre) -> None:
    row = centre.lite()
    row.rubric_sha256 = "0" * 64
    with pytest.raises(BrokenPromise, match="not the file"):
        look.grade_of(row, clock=centre.clock)


def test_what_is_not_there_is_not_found(centre: Centre) -> None:
    with pytest.raises(NotFound):
        look.assessment_numbered(7)
    assert look.approved("oral-cancer", "1.0.0") is None
    assert look.assessments_of(["oral-cancer"]) == []
