"""`midas deid` as it is typed: exit codes, JSON, maps and their custodians."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from tests.deid_bench import ct
from typer.testing import CliRunner

from midas.cli.deid import app
from midas.kernel import BadInput, Forbidden, MidasError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    pydicom.dcmwrite(tmp_path / "in" / "1.dcm", ct(), enforce_file_format=True)
    typed("key", "site.key")
    return tmp_path


def typed(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, MidasError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


RUN = ("run", "in", "out", "--secret-file", "site.key", "--report", "owner")


def test_run_answers_in_json_and_says_by_its_code_whether_all_is_clean(place: Path) -> None:
    told = json.loads(typed(*RUN, "--json"))
    assert (told["found"], told["cleaned"], told["held"]) == (1, 1, 0)
    (place / "in" / "note.txt").write_text("Ramesh Deshmukh was here", "utf-8")
    said = typed(*RUN, code=1)
    assert "Ramesh" not in said
    assert "held" in said
    with pytest.raises(BadInput, match="OUT lies inside IN"):
        typed("run", "in", "in/out", "--secret-file", "site.key", "--report", "owner")


def test_a_plan_can_be_read_before_anything_is_touched(place: Path) -> None:
    planned = json.loads(typed("plan", "in/1.dcm", "--secret-file", "site.key", "--json"))
    by_name = {one["attribute"]: one for one in planned["elements"]}
    assert planned["state"] == "clean"
    assert by_name["PatientBirthDate"]["becomes"] == "emptied"
    assert by_name["StudyInstanceUID"]["becomes"] == "UID mapped by key"
    assert all(one["clause"] for one in planned["elements"])
    assert "Deshmukh" not in json.dumps(planned)
    said = typed("plan", "in/1.dcm", "--secret-file", "site.key")
    assert "PatientName" in said
    assert "Deshmukh" not in said
    told = json.loads(typed(*RUN, "--dry-run", "--json"))
    assert (told["in"], told["clean"]) == (1, 1)
    assert not (place / "out").exists()
    (line,) = (place / "owner" / "plan.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["elements"] == planned["elements"]


def test_two_of_three_custodians_open_the_map(place: Path) -> None:
    typed(*RUN)
    (place / "pw").write_text("correct horse battery\n", "utf-8")
    for name in ("dean", "ethics", "board"):
        typed("custodian", name, "--password-file", "pw")
    custodians = [
        word for name in ("dean", "ethics", "board") for word in ("--custodian", f"{name}.custodian")
    ]
    why = ("--reason", "Withdrawal of one person, ethics 12/2026")
    before = (place / "owner" / "patient-map.csv").read_bytes()
    typed("seal-map", "owner", *custodians, "--to", "map", "--secret-file", "site.key", "--remove", *why)
    assert not (place / "owner" / "patient-map.csv").exists()
    assert b"UH-2019" not in (place / "map").read_bytes()
    typed(
        "share",
        "map",
        "--as",
        "dean.key",
        "--for",
        "ethics",
        "--to",
        "dean.share",
        "--password-file",
        "pw",
        *why,
    )
    opening = (
        "open-map",
        "map",
        "--as",
        "ethics.key",
        "--share",
        "dean.share",
        "--password-file",
        "pw",
        *why,
    )
    typed(*opening, "--to", "opened")
    assert (place / "opened" / "patient-map.csv").read_bytes() == before
    assert (place / "opened" / "secret.key").read_bytes() == (place / "site.key").read_bytes()
    acts = [(one["act"], one["who"]) for one in json.loads(typed("map-log", "map", "--json"))]
    assert acts == [("sealed", ""), ("shared", "dean"), ("opened", "ethics")]
    (place / "pw").write_text("a wrong password\n", "utf-8")
    with pytest.raises(Forbidden, match="password"):
        typed(*opening, "--to", "again")
    assert not (place / "again").exists()


def test_a_lapsed_password_or_reason_is_refused(place: Path) -> None:
    (place / "pw").write_text("short", "utf-8")
    with pytest.raises(BadInput, match="too short"):
        typed("custodian", "dean", "--password-file", "pw")
    assert not list(place.glob("dean*"))
