"""The guide to de-identification is true: its commands and its Python are typed in order on a small export."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from tests.deid_bench import ct
from tests.docs.conftest import environment, run_in_one_shell
from tests.docs.reading import ROOT, blocks, console_commands

PAGE = ROOT / "docs" / "guides" / "deidentification.md"
pytestmark = [pytest.mark.xdist_group("docs-deid"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "incoming").mkdir()
    for number in range(3):
        ds = ct(SOPInstanceUID=f"1.2.826.0.1.99.1.1.{number}", InstanceNumber=number, size=64)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        name = "scan.dcm" if number == 0 else f"{number}.dcm"
        pydicom.dcmwrite(folder / "incoming" / name, ds, enforce_file_format=True)
    (folder / "roles.yaml").write_text(blocks(PAGE, "yaml")[0], "utf-8")
    table = "UHID,Blorf,Xyzzy,Case No (old)\nUH-2019-004512,3.5,Ramesh Deshmukh,C-88123\n"
    (folder / "list.csv").write_text(table, "utf-8")
    (folder / "password").write_text("a password of the tests\n", "utf-8")
    return folder


def _typed(command: str) -> str:
    """Answer what a person would be asked for, and make the audit small; it may find something in so few files."""
    if any(f"deid {word} " in command for word in ("custodian", "share", "open-map")):
        command += " --password-file password"
    if "--columns" in command:
        return f"cp list.csv incoming/ && {command}"
    if "deid audit" in command:
        return command.replace("--files 60", "--files 1 --seed 1") + " || test $? = 1"
    return command


def test_every_command_of_the_guide_ends_well(place: Path) -> None:
    commands = [_typed(command) for command in console_commands(PAGE)]
    assert len(commands) > 10
    typed = run_in_one_shell(commands, place)
    bad = [f"$ {one.command}\n→ {one.code}\n{one.said[-1500:]}" for one in typed if one.code != 0]
    assert not bad, "\n\n".join(bad)
    assert len(list((place / "clean").rglob("*.dcm"))) == 3
    assert [one.read_text("utf-8").splitlines()[0] for one in (place / "clean" / "tables").iterdir()] == [
        "UHID,Blorf"
    ]
    assert (place / "owners" / "report.html").is_file()
    assert not (place / "owners" / "patient-map.csv").exists(), "sealed and removed"
    with (place / "opened" / "patient-map.csv").open(encoding="utf-8") as stream:
        assert {row["old"] for row in csv.DictReader(stream)} == {"UH-2019-004512", "C-88123"}


def test_the_guides_python_runs(place: Path) -> None:
    (code,) = blocks(PAGE, "python")
    assert (place / "site.key").is_file()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("cleaned") == 3
    assert b"Deshmukh" not in (place / "report.html").read_bytes()


def test_the_guides_profile_is_one(place: Path) -> None:
    from midas.deid import load_profile

    _, profile, section = blocks(PAGE, "yaml")
    (place / "ours.yaml").write_text(profile, "utf-8")
    assert load_profile(place / "ours.yaml").thresholds.unattended is False
    from midas.protocol.model import Deid
    from midas.protocol.yaml import read_yaml

    asked = Deid.model_validate(read_yaml(section)[0]["deid"])
    assert asked.audit is not None
    assert asked.audit.floor == 0.99
