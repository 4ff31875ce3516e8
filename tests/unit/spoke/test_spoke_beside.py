"""The program that watches beside the site: when it ends by itself, that is said and it is started again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from midas.cli import spoke_watch
from midas.spoke.home import Config, Home


def test_a_watching_program_that_ends_is_said_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spoke_watch, "AGAIN", 0.1)
    nowhere = Home(
        tmp_path / "nowhere", Config(name="wardha", project="oral-cancer", watch=("/media/camera",))
    )
    said = ""
    with spoke_watch.beside(nowhere):
        until = time.monotonic() + 240
        while said.count("No folder is watched") < 2:
            assert time.monotonic() < until, said
            time.sleep(0.2)
            said += capfd.readouterr().err


def test_without_folders_nothing_is_started(tmp_path: Path) -> None:
    before = threading.active_count()
    with spoke_watch.beside(Home(tmp_path, Config(name="wardha", project="oral-cancer"))):
        assert threading.active_count() == before
