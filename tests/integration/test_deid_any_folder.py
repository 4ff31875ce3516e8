"""The command on a folder as a hospital keeps it: DICOM, photographs, slides, registers, archives, notes.

Everything is counted, what comes out names nobody, and what the registers tell is used and not shown.
"""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from midas.cli import app
from midas.testing.hospital import Truth, build

KEPT = (
    "SPDC-2023-091068",
    "OLDSPDC",
    "Registers",
    "Slide scanner",
    "shared drive",
    "Annotations",
)
"""Two patients and what is not kept by patient: enough for every kind, few enough for a minute."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth, dict[str, object]]:
    root = tmp_path_factory.mktemp("any")
    truth = build(root / "in", seed=7, dataset="oral-cancer")
    for folder in (root / "in").iterdir():
        if not folder.name.startswith(KEPT):
            shutil.rmtree(folder)
    shell = CliRunner()
    assert shell.invoke(app, ["deid", "key", str(root / "key")]).exit_code == 0
    done = shell.invoke(
        app,
        ["deid", "run", str(root / "in"), str(root / "out"), "--profile", "research", "--secret-file",
         str(root / "key"), "--jobs", "1", "--report", str(root / "owner"), "--json"],
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    return root, truth, json.loads(done.stdout)


def rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "owner" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything_in_is_released_or_held_with_its_reason(
    run: tuple[Path, Truth, dict[str, object]],
) -> None:
    root, _, told = run
    released = {row["source"] for row in rows(root, "file-map.csv")}
    held = {row["source"] for row in rows(root, "held.csv")}
    assert not released & held
    assert told["found"] == len(released) + len(held) == told["cleaned"] + told["held"]  # type: ignore[operator]
    assert all(row["reason"] and row["what_to_do"] for row in rows(root, "held.csv"))
    endings = {Path(name).suffix for name in released}
    assert {".jpg", ".svs", ".tiff", ".csv", ".xlsx", ".dcm"} <= endings
    assert ".png" in endings | {Path(name).suffix for name in held}, "a drawn mouth may look like skin"
    assert not [name for name in held if name.endswith((".csv", ".xlsx", ".svs", ".tiff"))]
    outputs = {str(path.relative_to(root / "out")) for path in (root / "out").rglob("*") if path.is_file()}
    assert outputs == {row["output"] for row in rows(root, "file-map.csv")}
    report = json.loads((root / "owner" / "report.json").read_text("utf-8"))
    assert (report["files"], report["cleaned"]) == (told["found"], told["cleaned"])
    assert stat.S_IMODE((root / "owner").stat().st_mode) == 0o700


def test_nothing_that_was_planted_is_in_what_came_out(run: tuple[Path, Truth, dict[str, object]]) -> None:
    root, truth, _ = run
    telling = [
        one.lower() for one in truth.planted if not one.isdecimal() or len(one) >= 8
    ]  # UIDs hold any six figures
    planted = {form for one in telling for form in (one.encode(), one.encode("utf-16-le"))}
    for path in (root / "out").rglob("*"):
        where = str(path.relative_to(root / "out")).encode()
        inside = (where + (path.read_bytes() if path.is_file() else b"")).lower()
        assert not [one for one in planted if one in inside]
    public = [
        root / "owner" / "report.json",
        root / "owner" / "report.html",
        *(root / "owner" / "studies").iterdir(),
    ]
    for text in (path.read_bytes().lower() for path in public):
        assert not [one for one in planted if one in text]


def test_registers_and_pictures_speak_of_the_same_persons(run: tuple[Path, Truth, dict[str, object]]) -> None:
    root, _, _ = run
    people = {row["new"]: row for row in rows(root, "patient-map.csv")}
    for path in (root / "out" / "tables").iterdir():
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                number = row.get("UHID") or row.get("यूएचआईडी")
                assert number in people
                assert not row.get("File") or (root / "out" / row["File"]).is_file()
    where = {row["source"]: row["output"].split("/")[0] for row in rows(root, "file-map.csv")}
    photos = {subject for source, subject in where.items() if "091068" in source}
    slides = {subject for source, subject in where.items() if source.endswith("31137.svs")}
    assert photos == slides, "the register of specimens says whose the slide is"
