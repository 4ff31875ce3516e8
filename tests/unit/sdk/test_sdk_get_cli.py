"""`midas get` and the program around it, as typed: exit codes, advice, JSON alone on standard output."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from midas import __version__
from midas.cli import GROUPS, main


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    for name in ("MIDAS_HUB", "MIDAS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["midas", *words])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "code", "advice"),
    [
        (("get", "oral-cancer@1.0.0", "--to", "x"), 2, "MIDAS_HUB"),
        (("get", "oral-cancer@1.0.0", "--to", "x", "--part", "train", "--hub", "http://h"), 2, "--as"),
        (("get", "oral-cancer@1.0.0"), 2, "--to"),
        (("get", "oral-cancer@1.0.0", "--to", "x", "--as", "gif"), 2, "png"),
        (("get", "oral-cancer@1.0.0", "--to", "x", "--jobs", "0"), 2, "jobs"),
        (("get", "./no-such-folder", "--to", "x", "--as", "png"), 3, "→"),
        (("protocol", "show", "toothache"), 3, "→"),
        (("protocol", "check", "no-such.yaml"), 3, "midas protocol new"),
        (("release", "verify", "no-such-folder"), 2, "seal"),
        (("dance",), 2, "No such command"),
        (("--loud",), 2, "No such option"),
    ],
)
def test_trouble_has_its_code_and_advice_and_leaves_no_output(typed, words, code, advice) -> None:
    ended, out, err = typed(*words)
    assert (ended, out) == (code, ""), err
    assert advice in err
    assert not Path("x").exists()


def test_a_hub_that_does_not_answer_is_a_code_of_its_own(typed) -> None:
    code, out, err = typed(
        "get", "oral-cancer@1.0.0", "--to", "x", "--hub", f"http://127.0.0.1:{closed_port()}", "--json"
    )
    assert (code, out) == (6, ""), err
    assert "→" in err


def test_a_release_in_a_folder_becomes_pictures_and_json_stands_alone(typed, folder) -> None:
    code, out, err = typed("get", str(folder), "--to", "pictures", "--as", "png", "--json")
    assert code == 0, err
    told = json.loads(out)
    written = list(Path("pictures").rglob("*.png"))
    assert told["form"] == "png"
    assert len(written) > 0
    assert Path("pictures", "index.csv").is_file()
    assert told["files"] == len(written)


def test_the_version_and_the_groups_are_told(typed) -> None:
    assert typed("--version") == (0, f"midas {__version__}\n", "")
    code, out, _ = typed("--help")
    assert code == 0
    assert all(f" {group} " in out for group in GROUPS)
