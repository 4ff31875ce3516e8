"""Below the protocol's floor of de-identification no release is cut; above it, the score stands in what is released."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests import measured
from tests.unit.release.conftest import pseudonym

from midas.kernel import Conflict, canonical
from midas.protocol import load_named
from midas.protocol.floor import cleans_alike, lacking
from midas.protocol.model import DeidAudit, Protocol
from midas.release.floor import audit_of, below, summary

SHA = "ab" * 32


def audit(**changed: Any) -> dict[str, Any]:
    return measured.audit(SHA, **changed)


def batch(report: dict[str, Any], spoke: str = "aiims-neuro") -> dict[str, Any]:
    return {"spoke": spoke, "submission": "cd" * 32, "report": report}


def protocol(floor: float | None) -> Protocol:
    made = load_named("meningioma").protocol
    asked = DeidAudit(floor=floor, files=40) if floor else None
    return made.model_copy(update={"deid": made.deid.model_copy(update={"audit": asked})})


def test_enough_passes_and_no_floor_asks_nothing() -> None:
    assert below(protocol(0.99), [batch({"audit": audit()})], protocol_sha256=SHA) == []
    assert below(protocol(None), [batch({})], protocol_sha256=SHA) == []


def test_an_audit_stands_for_protocols_that_clean_alike() -> None:
    other, reports = "cd" * 32, [batch({"audit": audit()})]
    assert below(protocol(0.99), reports, protocol_sha256=other)
    assert below(protocol(0.99), reports, protocol_sha256=other, alike={SHA}) == []


def test_words_and_limits_leave_cleaning_as_it_is_and_rules_of_deid_do_not() -> None:
    made = protocol(0.99)
    item = made.items[0].model_copy(update={"title": {"en": "Other words"}, "acquisition": ()})
    told = made.model_copy(update={"items": (item, *made.items[1:]), "contact": "desk", "version": "2.0.0"})
    assert cleans_alike(made, told)
    sterner = made.deid.model_copy(update={"options": ()})
    assert not cleans_alike(made, made.model_copy(update={"deid": sterner}))
    table = made.tables[0]
    dropped = table.model_copy(update={"columns": table.columns[:-1]})
    assert not cleans_alike(made, made.model_copy(update={"tables": (dropped, *made.tables[1:])}))


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({}, "without an audit"),
        ({"audit": {"schema": "midas-deid-audit/1", "share": 1.0}}, "without an audit"),
        ({"audit": audit(profile="cd" * 32)}, "another protocol"),
        ({"audit": audit(files=39)}, "planted 39 files of 40"),
        ({"audit": audit(all={"right": 4949, "of": 5000, "low": 98.7})}, "98.98%, below 99.00%"),
        ({"audit": audit(all={"right": 0, "of": 0, "low": 0})}, "0.00%, below"),
        ({"audit": audit(leaks={"identifier": 1})}, "1 planted identifiers left"),
        ({"audit": audit(wrong_shifts=2)}, "2 persons without one shift"),
    ],
)
def test_each_lack_is_named_with_its_spoke(report: dict[str, Any], words: str) -> None:
    found = below(protocol(0.99), [batch({"audit": audit()}), batch(report, "wardha")], protocol_sha256=SHA)
    assert found
    assert all(one.startswith("wardha (") for one in found)
    assert any(words in one for one in found)


def test_the_worst_audit_of_a_spoke_is_the_one_that_is_told() -> None:
    worse = audit(all={"right": 4950, "of": 5000, "low": 98.7})
    told = summary([batch({"audit": audit()}), batch({"audit": worse}), batch({}, "wardha")])
    assert [(one["spoke"], one["right_percent"], one["low_percent"]) for one in told] == [
        ("aiims-neuro", 99.0, 98.7)
    ]
    assert not list(lacking(audit_of(batch({"audit": audit()})), DeidAudit(floor=0.99), protocol_sha256=SHA))


def test_the_score_stands_in_datasheet_and_croissant(ward) -> None:
    from midas.release import export, floor

    folder = export(ward.cut(ward.draft()), store=ward.store, folder=ward.folder / "out")
    assert "99.4 %" in (folder / "DATASHEET.md").read_text("utf-8")
    facts = json.loads((folder / "croissant.json").read_text("utf-8"))
    assert any("99.4 % of 5000 required actions" in one for one in facts["rai:dataPreprocessingProtocol"])
    told = json.loads((folder / "deid" / "report.json").read_text("utf-8"))["batches"][0]
    assert audit_of(told) is not None
    assert floor.summary([told])[0]["leaks"] == 0


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "came without an audit"),
        (audit(profile="cd" * 32), "another protocol"),
        ({"files": 39}, "39 files of 40"),
        ({"leaks": {"uid": 1}}, "1 planted identifiers left"),
    ],
)
def test_a_draft_below_the_floor_is_not_cut(ward, found: dict[str, Any] | None, words: str) -> None:
    from midas.release.models import Release

    below = found and measured.audit(ward.protocol.sha256, **found)
    ward.person(7, ward.submission(9, [pseudonym(7)], audit=below))
    with pytest.raises(Conflict, match=f"below the protocol's floor.*{words}"):
        ward.cut(ward.draft())
    assert not Release.objects.exists()


def test_a_report_carries_the_audit() -> None:
    from midas.deid import report_json
    from midas.wire.v1 import AuditScore

    made = report_json([], audit=AuditScore.model_validate(audit()))
    assert canonical(json.loads(made)) == made
    assert audit_of(batch(json.loads(made))) == AuditScore.model_validate(audit())
    assert "audit" not in json.loads(report_json([]))
