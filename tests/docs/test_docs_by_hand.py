"""`docs/by-hand.md` is true: each of its commands was run, in order, and ended well; the researcher's Python runs on it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import polars as pl
import pytest
from tests.docs.conftest import PAGE, Session, environment
from tests.docs.reading import ROOT, blocks, console_commands

pytestmark = [pytest.mark.xdist_group("by-hand"), pytest.mark.timeout(400)]
RESEARCHER = ROOT / "docs" / "guides" / "researcher.md"


def test_every_command_ends_well(by_hand: Session) -> None:
    bad = [f"$ {one.command}\n→ {one.code}\n{one.said[-1500:]}" for one in by_hand.typed if one.code != 0]
    assert not bad, "\n\n".join(bad)
    assert len(by_hand.typed) == len(console_commands(PAGE)) > 20


def test_the_sample_reached_the_release(by_hand: Session) -> None:
    release = by_hand.folder / "oral-cancer"
    manifest = pl.read_parquet(release / "manifest.parquet")
    assert manifest.height > 20
    assert set(manifest["modality"].unique()) >= {"CT", "SM"}
    assert (release / "deid" / "report.html").is_file()
    assert len(list((by_hand.folder / "photos").rglob("*.png"))) > 0
    assert (by_hand.folder / "photos" / "index.csv").is_file()


def test_the_operator_is_told_what_became_of_everything(by_hand: Session) -> None:
    """After the send nothing waits, and the table of the page is the truth of the sample's own count of items."""
    made = by_hand.of("python -m midas.testing.hospital").said
    (items,) = re.findall(r"rows of tables\s*│\s*(\d+)", made)
    status = json.loads(
        subprocess.run(
            ["midas", "spoke", "status", "--home", "spoke", "--json"], cwd=by_hand.folder, env=environment(),
            capture_output=True, check=True,
        ).stdout
    )  # fmt: skip
    assert (
        status["in"] == int(items) == sum(status[state] for state in ("waiting", "held", "refused", "sent"))
    )
    assert status["waiting"] == 0
    assert status["sent"] > 0


def test_a_shell_that_fails_is_seen(tmp_path: object) -> None:
    from tests.docs.conftest import run_in_one_shell

    typed = run_in_one_shell(["X=1", "test $X = 1", "false | cat", "true"], tmp_path)  # type: ignore[arg-type]
    assert [one.code for one in typed] == [0, 0, 1, None]


def test_the_researchers_python_runs(by_hand: Session) -> None:
    code = "\n".join(blocks(RESEARCHER, "python"))
    assert "midas.open" in code
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=by_hand.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"\(\d+, \d+, 3\)", done.stdout), "an image of a photograph was printed"


def test_the_tables_that_the_guide_names_are_there(by_hand: Session) -> None:
    text = RESEARCHER.read_text("utf-8").split("## What a release holds")[1]
    release = by_hand.folder / "oral-cancer"
    for name in re.findall(r"`([\w./-]+)`", text):
        found = [path for stem in (name, f"{name}.parquet") for path in (release / stem,) if path.exists()]
        assert found or name == ".html", name
