"""`midas grade assess | state | validate | history | form` at a hub: what they do, tell and refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from midas.catalogue.models import Dataset
from midas.cli import app, grade, grade_forms
from midas.grading.models import Assessment, Statement
from midas.kernel import BadInput, Conflict, Evidence, FixedClock, Forbidden, NotFound, sha256_bytes
from midas.people import add_account, give_role
from midas.people.models import Role
from midas.store import Blobs
from midas.web import bootstrap, evidence

NAME = "oral-cancer@1.1.0"


@pytest.fixture
def facts(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """A hub with a centre and a nodal centre; what is returned is all that it knows of the dataset."""
    for name, role in (("asha", Role.CURATOR), ("ravi", Role.NODAL), ("meera", Role.ANNOTATOR)):
        give_role(account=add_account(name=name, password="a long river of words"), role=role)
    Dataset.objects.create(slug="oral-cancer", created_at=datetime(2026, 11, 22, tzinfo=UTC))
    known = [Evidence(kind, True, NAME, "datacite.json") for kind in ("metadata.title", "metadata.basic")]
    store = Blobs.at(tmp_path / "blobs")
    for where in (grade, grade_forms):
        monkeypatch.setattr(where, "opened", lambda _home: None)
    monkeypatch.setattr(evidence, "evidence_of", lambda **_: list(known))
    monkeypatch.setattr(bootstrap, "store", lambda: store)
    return known


def told(*words: str) -> str:
    answer = CliRunner().invoke(app, ["grade", *words], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def read(*words: str) -> Any:
    return json.loads(told(*words, "--json"))


def worksheet(tmp_path: Path) -> str:
    path = tmp_path / "worksheet.txt"
    path.write_text("PRS Lite worksheet: sensitivity routine.", "utf-8")
    return str(path)


def test_a_form_is_opened_brought_up_to_date_and_handed_in_without_points(facts: list[Evidence]) -> None:
    first = read("assess", NAME, "--by", "asha")
    assert (first["form"], first["status"], first["levels"]["2"]) == ("lite", "draft", 1)
    assert "cqi" not in first, "points come with the decision"
    facts.append(Evidence("metadata.structured", True, NAME, "datacite.json"))
    again = read("assess", NAME, "--by", "asha", "--submit")
    assert (again["assessment"], again["status"], again["levels"]["2"]) == (
        first["assessment"],
        "submitted",
        2,
    )
    with pytest.raises(Conflict):
        told("assess", NAME, "--by", "asha", "--submit")


def test_for_people_a_form_says_its_levels_and_what_would_raise_them(facts: list[Evidence]) -> None:
    said = told("assess", NAME, "--by", "asha")
    assert "Lite form, draft" in said
    assert "Points come with the nodal centre's decision." in said
    assert "What would raise this" in said
    assert "CQI" not in said


def test_a_statement_stands_with_its_document(facts: list[Evidence], tmp_path: Path) -> None:
    paper = worksheet(tmp_path)
    with pytest.raises(NotFound, match="not assessed"):
        told("state", NAME, "privacy.sensitivity", paper, "--value", "routine", "--by", "asha")
    told("assess", NAME, "--by", "asha")
    made = read(
        "state", NAME, "privacy.sensitivity", paper, "--value", "routine", "--demonstration", "--by", "asha"
    )
    assert made == {
        "kind": "privacy.sensitivity", "value": "routine", "sha256": sha256_bytes(Path(paper).read_bytes()),
        "valid_until": None, "demonstration evidence": True,
    }  # fmt: skip
    said = told("state", NAME, "ethics.informed", paper, "--by", "asha")
    assert "Stated ethics.informed with worksheet.txt" in said
    assert Statement.objects.count() == 2
    for kind, value, why in (
        ("metadata.title", "yes", "computed"), ("no.such", "yes", "knows no evidence"),
        ("privacy.sensitivity", "odd", "no answer"),
    ):  # fmt: skip
        with pytest.raises((BadInput, NotFound), match=why):
            told("state", NAME, kind, paper, "--value", value, "--by", "asha")


def test_a_paper_stands_until_a_day_and_is_told_as_ended_after_it(
    facts: list[Evidence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper, now = worksheet(tmp_path), datetime.now(UTC)
    last = str(now.date() + timedelta(days=30))
    told("assess", NAME, "--by", "asha")
    command = ("state", NAME, "security.audit", paper, "--by", "asha", "--valid-until")
    assert read(*command, last)["valid_until"] == last
    assert f"with worksheet.txt until {last}" in told(*command, last)
    for day, why in (("2020-01-31", "ended on 2020-01-31"), ("soon", "not a date")):
        with pytest.raises(BadInput, match=why):
            told(*command, day)
    assert read("assess", NAME, "--by", "asha")["ended"] == []
    monkeypatch.setattr(grade_forms, "SystemClock", lambda: FixedClock(now + timedelta(days=31)))
    assert read("assess", NAME, "--by", "asha")["ended"] == ["security.audit"]
    assert f"security.audit ended on {last}: attach one that is in force." in told(
        "assess", NAME, "--by", "asha"
    )


def test_the_nodal_centre_sends_back_then_approves_and_the_rounds_are_told(
    facts: list[Evidence], tmp_path: Path
) -> None:
    assert read("history", "oral-cancer") == []
    told("assess", NAME, "--by", "asha")
    told(
        "state", NAME, "privacy.sensitivity", worksheet(tmp_path), "--value", "routine", "--demonstration",
        "--by", "asha",
    )  # fmt: skip
    with pytest.raises(Conflict, match="not submitted"):
        told("validate", NAME, "--by", "ravi")
    told("assess", NAME, "--by", "asha", "--submit")
    with pytest.raises(BadInput, match="no verdict"):
        told("validate", NAME, "--by", "ravi", "--approve", "Looked at every paper.")
    first = read("validate", NAME, "--by", "ravi", "--okay", "--send-back", "Give a contact.")
    assert (first["form"], first["status"], first["cqi"], first["computed"]) == (
        "technical",
        "revision_required",
        1.67,
        1.67,
    )
    assert first["advice"][0]["domain"] == 10, "without ethics nothing leaves"
    facts.append(Evidence("documentation.note", True, NAME, "README.md"))
    told("assess", NAME, "--by", "asha", "--submit")
    second = read("validate", NAME, "--by", "ravi", "--okay", "--approve", "As advised.")
    assert (second["status"], second["cqi"], second["band"]) == ("approved", 3.33, "remediation")
    assert second["demonstration evidence"] is True
    rounds = read("history", "oral-cancer")
    assert [(one["status"], one["cqi"], one["why"]) for one in rounds] == [
        ("revision_required", 1.67, "Give a contact."), ("approved", 3.33, "As advised.")
    ]  # fmt: skip
    assert "How oral-cancer was graded" in told("history", "oral-cancer")
    assert read("show", NAME)["cqi"] == 3.33


def test_nobody_without_the_role_assesses_or_validates(facts: list[Evidence]) -> None:
    with pytest.raises(Forbidden, match="meera may not"):
        told("assess", NAME, "--by", "meera")
    told("assess", NAME, "--by", "asha", "--submit")
    with pytest.raises(Forbidden, match="asha may not"):
        told("validate", NAME, "--by", "asha")
    with pytest.raises(NotFound, match="no dataset"):
        told("assess", "nowhere@1.0.0", "--by", "asha")
    assert Assessment.objects.count() == 1


def test_a_form_is_written_as_the_same_file_each_time(facts: list[Evidence], tmp_path: Path) -> None:
    told("assess", NAME, "--by", "asha", "--submit")
    to = tmp_path / "form.pdf"
    first = told("form", NAME, "--form", "lite", "--to", str(to))
    kept = to.read_bytes()
    assert kept.startswith(b"%PDF")
    assert sha256_bytes(kept) in first
    told("form", NAME, "--form", "lite", "--to", str(to))
    assert to.read_bytes() == kept
    told("form", NAME, "--form", "lite", "--lang", "hi", "--to", str(to))
    assert to.read_bytes() != kept
    with pytest.raises(NotFound, match="has no technical form"):
        told("form", NAME, "--to", str(to))
    with pytest.raises(BadInput, match="no form"):
        told("form", NAME, "--form", "short", "--to", str(to))
