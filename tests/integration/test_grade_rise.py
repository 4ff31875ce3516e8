"""A dataset rises a band by the tool's own advice, by computed facts alone, and its release holds the grade, signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.reading_ward import NOW, Ward, open_ward

from midas.catalogue.models import ProtocolVersion
from midas.cli import app
from midas.grading import (
    approve,
    bring,
    judge,
    look,
    open_lite,
    open_technical,
    raise_this,
    rubric_named,
    send_back,
    state,
)
from midas.grading import submit as hand_in
from midas.grading.models import Assessment
from midas.kernel import Conflict, sha256_bytes
from midas.people import add_account, give_role
from midas.people.models import Account, Role
from midas.protocol import parse
from midas.release import check_gates, cut, export
from midas.release.cases import Brought
from midas.sdk.graded import words
from midas.sdk.release import Release
from midas.testing.demo.rise import CORRECTIONS
from midas.web import evidence, gating
from midas.web.evidence import evidence_of

BANDS = [one.id for one in rubric_named().bands]  # best first


@pytest.fixture
def ward(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    opened = open_ward(tmp_path)
    monkeypatch.setattr(evidence, "store", lambda: opened.store)
    return opened


@pytest.fixture
def nodal(db: None) -> Account:
    made = add_account(name="nodal", password="a long river of words")
    give_role(account=made, role=Role.NODAL)
    return made


def facts(ward: Ward) -> Any:
    return evidence_of(dataset=ward.dataset, version="1.1.0", clock=ward.clock)


def first_round(ward: Ward, nodal: Account) -> Assessment:
    """The centre submits what MIDAS computes and one stand-in for a paper; the nodal centre sends it back."""
    lite = open_lite(
        dataset=ward.dataset,
        version="1.1.0",
        evidence=facts(ward),
        by=ward.people["curator"],
        clock=ward.clock,
    )
    state(
        assessment=lite, kind="privacy.sensitivity", value="routine", document=b"DEMONSTRATION", name="worksheet.txt",
        store=ward.store, by=ward.people["curator"], clock=ward.clock, demonstration=True,
    )  # fmt: skip
    lite = hand_in(assessment=lite, by=ward.people["curator"], clock=ward.clock)
    technical = open_technical(lite=lite, evidence=facts(ward), by=nodal, clock=ward.clock)
    judge(assessment=technical, kind="privacy.sensitivity", verdict="okay")
    send_back(assessment=technical, by=nodal, why="Follow the advice.", clock=ward.clock)
    technical.refresh_from_db()
    return technical


def follow(ward: Ward) -> Any:
    """Read the lesions, correct the protocol, draft and check."""
    task = ward.task()
    for number in range(1, 7):
        ward.read("asha", task, number, "opmd" if number % 2 else "malignant")
        ward.read("ravi", task, number, "opmd" if number % 2 or number == 2 else "malignant")
    ward.settle(task, 2, "malignant")
    source = ward.protocol.source
    for before, after in CORRECTIONS:
        source = source.replace(before, after, 1)
    loaded = parse(source.encode(), name="1.1.0")
    ProtocolVersion.objects.create(
        dataset=ward.dataset, sha256=sha256_bytes(source.encode()), version=loaded.protocol.version, source=source,
        added_at=NOW.replace(hour=7),
    )  # fmt: skip
    draft = ward.draft("1.1.0")
    draft.notes = "Lesions are read by two."
    draft.save()
    check_gates(draft=draft, store=ward.store, clock=ward.clock)
    return draft


def second_round(ward: Ward, nodal: Account, lite: Assessment) -> Assessment:
    bring(assessment=lite, evidence=facts(ward), clock=ward.clock)
    lite = hand_in(assessment=lite, by=ward.people["curator"], clock=ward.clock)
    technical = open_technical(lite=lite, evidence=facts(ward), by=nodal, clock=ward.clock)
    judge(assessment=technical, kind="privacy.sensitivity", verdict="okay")
    return approve(
        assessment=technical, by=nodal, why="What a program can follow was followed.", clock=ward.clock
    )


def test_a_band_higher_by_the_advice_and_the_grade_is_sealed(
    ward: Ward, nodal: Account, tmp_path: Path
) -> None:
    first = first_round(ward, nodal)
    before = look.grade_of(first, clock=ward.clock)
    advised = {one.domain for one in raise_this(rubric_named(), before).steps}
    draft = follow(ward)
    lite = look.lite_of("oral-cancer", "1.1.0")
    assert lite is not None
    after = look.grade_of(second_round(ward, nodal, lite), clock=ward.clock)

    assert BANDS.index(after.band) < BANDS.index(before.band)
    rose = {one.number for one in after.domains if one.level > before.domain(one.number).level}
    assert {1, 3, 6, 15} <= rose <= advised
    assert (before.computed, after.computed) == (before.cqi, after.cqi), "no point rests on the stand-in"
    assert [(one.status, one.grade["band"]) for one in look.history(["oral-cancer"]) if one.grade] == [
        ("revision_required", before.band), ("approved", after.band)
    ]  # fmt: skip

    brought = Brought(graded=gating._graded(draft), needs_grade=True)
    release = cut(draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock, brought=brought)
    folder = tmp_path / "out"
    export(release, store=ward.store, folder=folder)
    sealed = Release(folder).grade
    assert sealed is not None
    assert (sealed["cqi"], sealed["computed"], sealed["status"]) == (
        after.cqi,
        after.cqi,
        "draft for expert validation",
    )
    assert sealed["demonstration evidence"] is True
    assert sealed["grade"]["prs"]["demonstration"] is True
    inks = {
        one["standing"] for domain in sealed["grade"]["domains"] for step in domain["levels"] for one in step
    }
    assert {"computed", "missing"} <= inks
    assert "nodal" not in json.dumps(sealed), "no account stands in a release"
    assert "certified" not in json.dumps(sealed)
    assert words(sealed).endswith("draft for expert validation · rests on demonstration evidence")


def test_verify_tells_the_grade_only_where_its_file_is_right(
    ward: Ward, nodal: Account, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    first_round(ward, nodal)
    draft = follow(ward)
    lite = look.lite_of("oral-cancer", "1.1.0")
    assert lite is not None
    second_round(ward, nodal, lite)
    brought = Brought(graded=gating._graded(draft), needs_grade=True)
    release = cut(draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock, brought=brought)
    folder = tmp_path / "out"
    export(release, store=ward.store, folder=folder)
    said = CliRunner().invoke(app, ["release", "verify", str(folder)])
    assert said.exit_code == 0, said.output
    assert "draft for expert validation · rests on demonstration evidence" in said.output
    paper = folder / "grade.json"
    paper.chmod(0o644)
    paper.write_bytes(paper.read_bytes().replace(b"bronze", b"silver"))
    changed = CliRunner().invoke(app, ["release", "verify", str(folder), "--json"])
    assert changed.exit_code == 1
    assert json.loads(changed.stdout)["grade"] is None


def test_an_ungraded_draft_is_refused_where_grades_are_asked(ward: Ward) -> None:
    draft = ward.draft("1.1.0")
    with pytest.raises(Conflict, match="has no grade"):
        cut(
            draft=draft, store=ward.store, signer=ward.signer, clock=ward.clock,
            brought=Brought(graded=gating._graded(draft), needs_grade=True),
        )  # fmt: skip
