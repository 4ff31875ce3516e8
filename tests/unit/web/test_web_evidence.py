"""From a draft to a grade: every fact that the hub brings is one that the rubric knows and hears."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from tests.reading_ward import Ward, open_ward

from midas.grading import grade, rubric_named
from midas.kernel import Evidence
from midas.ledger import seal, verify
from midas.web import evidence
from midas.web.bootstrap import signer
from midas.web.evidence import evidence_of


@pytest.fixture
def ward(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    opened = open_ward(tmp_path)
    monkeypatch.setattr(evidence, "store", lambda: opened.store)
    return opened


def facts(ward: Ward, version: str) -> dict[str, Evidence]:
    found = evidence_of(dataset=ward.draft(version).dataset, version=version, clock=ward.clock)
    assert len(found) == len({one.kind for one in found})
    return {one.kind: one for one in found}


def test_a_draft_is_graded_from_what_the_hub_knows(ward: Ward) -> None:
    found = facts(ward, "1.0.0")
    rubric = rubric_named("midas-2.0-draft-1")
    assert set(found) <= set(rubric.kinds)
    made = grade(rubric, found.values())
    assert (made.unheard, made.demonstration) == ((), False)
    assert made.domain(2).level >= 1
    assert made.domain(10).level == 1
    lawless = grade(rubric, [one for one in found.values() if not one.kind.startswith("ethics.")])
    assert lawless.domain(10).level == 0
    assert lawless.stops
    assert lawless.cqi < made.cqi


def test_a_ledger_that_was_touched_protects_nothing(ward: Ward) -> None:
    assert "security.tamper_evident" not in facts(ward, "1.0.0")  # nobody has verified it yet
    seal(signer=signer(), clock=ward.clock)
    assert verify(trusted=signer().public_hex, clock=ward.clock).stands
    assert facts(ward, "1.1.0")["security.tamper_evident"].value is True
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET who = 'x' WHERE id = (SELECT MIN(id) FROM ledger_entry)")
    assert not verify(trusted=signer().public_hex, clock=ward.clock).stands
    assert facts(ward, "1.2.0")["security.tamper_evident"].value is False
