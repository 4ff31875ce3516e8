"""`midas release` and `midas dataset`: what they say, what they exit with; `verify` as a program without any hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from midas.cli import dataset as dataset_commands
from midas.cli import release as commands
from midas.kernel import Conflict, NotFound
from midas.release import export


@pytest.fixture
def run(ward, monkeypatch):
    """Run a command against the ward's hub, which this process already is; return its parsed answer."""
    monkeypatch.setattr(commands, "open_hub", lambda home: (ward.store, ward.signer))
    monkeypatch.setattr(dataset_commands, "_open", lambda home: None)

    def do(group: str, *words: object, code: int = 0):
        app = {"release": commands.app, "dataset": dataset_commands.app}[group]
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    return do


def test_draft_cut_show_export_verify_withdraw(run, ward, tmp_path: Path) -> None:
    drafted = run("release", "draft", "meningioma", "1.0.0", "--published-on", "2026-11-22", "--json")
    assert drafted == {"draft": "meningioma@1.0.0", "submissions": 2, "protocol": "1.0.0"}
    real, twin = run("release", "cut", "meningioma@1.0.0", "--twin", "--json")
    assert (real["subjects"], real["instances"], twin["twin"]) == (6, 12, True)
    assert run("release", "show", "meningioma@1.0.0", "--json")["key"] == real["key"]
    folder = tmp_path / "out"
    run("release", "export", "meningioma@1.0.0", folder)
    assert run("release", "verify", folder, "--key", real["key"][:12], "--json")["ok"] is True
    assert run("release", "verify", folder, "--key", twin["key"], "--json", code=1)["expected_key"] is False
    name = ward.names()[0]
    gone = run("release", "withdraw", "meningioma", "--subject", name, "--why", "person", "--json")
    assert (gone["subject"], gone["subjects"], gone["releases"]) == (name, [name], ["meningioma@1.0.0"])
    assert gone["erased"] > 4
    run("release", "export", "meningioma@1.0.0", folder)
    verdict = run("release", "verify", folder, "--key", real["key"], "--json")
    assert (verdict["ok"], verdict["withdrawn"], verdict["wrong"]) == (True, 1, 0)
    assert "verified" in run("release", "verify", folder)


def test_wrong_files_are_listed_and_the_exit_code_is_one(run, ward, tmp_path: Path) -> None:
    folder = export(ward.cut(ward.draft()), store=ward.store, folder=tmp_path / "out")
    (folder / "labels.parquet").write_bytes(b"other")
    (folder / "extra.txt").write_text("not sealed")
    said = run("release", "verify", folder, "--json", code=1)
    assert {(one["path"], one["answer"]) for one in said["files"]} == {
        ("labels.parquet", "wrong"),
        ("extra.txt", "wrong"),
    }
    assert "labels.parquet" in run("release", "verify", folder, code=1)


def test_verify_is_a_program_that_needs_no_hub_and_no_django(ward, tmp_path: Path) -> None:
    folder = export(ward.cut(ward.draft()), store=ward.store, folder=tmp_path / "out")
    script = (
        "import sys; from midas.cli import main; sys.argv = ['midas', 'release', 'verify', sys.argv[1]]\n"
        "try: main()\nfinally: assert 'django' not in sys.modules, 'django was imported'"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "MIDAS"))}
    done = subprocess.run(
        [sys.executable, "-c", script, folder],
        capture_output=True,
        text=True,
        env=clean,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verified" in done.stdout


def test_errors_say_what_to_do(run, ward) -> None:
    with pytest.raises(NotFound, match="midas release draft"):
        run("release", "cut", "meningioma@9.9.9")
    ward.draft()
    with pytest.raises(Conflict, match="drafted already"):
        run("release", "draft", "meningioma", "1.0.0")


def test_dataset_commands_tell_what_is_registered(run, ward) -> None:
    ward.cut(ward.draft())
    (listed,) = run("dataset", "list", "--json")
    assert (listed["slug"], listed["subjects"], listed["releases"]) == ("meningioma", 6, ["1.0.0"])
    shown = run("dataset", "show", "meningioma", "--json")
    assert shown["composition"]["modalities"] == {"CT": 12}
    assert [one["subject"] for one in run("dataset", "subjects", "meningioma", "--json")] == sorted(
        ward.names()
    )
    labels = run("dataset", "labels", "meningioma", "--json")
    assert sum(one["count"] for one in labels) == 6
    for words in (["list"], ["show", "meningioma"], ["subjects", "meningioma"], ["labels", "meningioma"]):
        assert run("dataset", *words).strip()
