"""`midas spoke` as it is typed: exit codes, JSON alone on standard output, advice where something is wrong.

All commands run in one program of their own, since a spoke's settings are those of a whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

DRIVER = """
import contextlib, io, json, sys, traceback
from midas.cli import main
ended = []
for words in json.load(open(sys.argv[1])):
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["midas", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 99
    ended.append([code, out.getvalue(), err.getvalue()])
json.dump(ended, sys.__stdout__)
"""
HOME = ("--home", "home")
COMMANDS: dict[str, tuple[str, ...]] = {
    "no home": ("spoke", "status", "--home", "nowhere"),
    "init without a protocol": ("spoke", "init", "--name", "wardha"),
    "init with a wrong name": (
        "spoke",
        "init",
        "--name",
        "Wardha Hospital!",
        "--protocol",
        "oral-cancer",
        *HOME,
    ),
    "init with no such protocol": ("spoke", "init", "--name", "wardha", "--protocol", "toothache", *HOME),
    "init": ("spoke", "init", "--name", "wardha", "--protocol", "oral-cancer", *HOME, "--json"),
    "init again": ("spoke", "init", "--name", "wardha", "--protocol", "oral-cancer", *HOME),
    "receive nothing": ("spoke", "receive", "no-such-folder", *HOME),
    "receive": ("spoke", "receive", "export", *HOME, "--json"),
    "receive again": ("spoke", "receive", "export", *HOME, "--json"),
    "status": ("spoke", "status", *HOME, "--json"),
    "status for people": ("spoke", "status", *HOME),
    "held": ("spoke", "review", "list", *HOME, "--json"),
    "show nobody": ("spoke", "review", "show", "99999", *HOME),
    "accept nothing": ("spoke", "review", "accept", "--why", "looked", *HOME),
    "accept what does not exist": ("spoke", "review", "accept", "99999", "--why", "looked", *HOME),
    "accept without a why": ("spoke", "review", "accept", "1", *HOME),
    "mask with a wrong box": ("spoke", "review", "mask", "1", "--box", "1,2,3", "--why", "name", *HOME),
    "send nothing": ("spoke", "send", *HOME),
    "connect to no address": ("spoke", "connect", "--hub", "not an address", "--token", "t", *HOME),
    "user": ("spoke", "user", "add", "asha", *HOME, "--json"),
    "users": ("spoke", "user", "list", *HOME, "--json"),
    "dance": ("spoke", "dance"),
    "loud": ("spoke", "status", "--loud", *HOME),
}


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    folder = tmp_path_factory.mktemp("spoke-cli")
    (folder / "export").mkdir()
    (folder / "export" / "letter.txt").write_text("Call Ramesh Deshmukhwar on 9823012345.\n" * 5, "utf-8")
    rows = "UHID No,Name,DOB,Gender\nWR/24/0001,Ramesh Deshmukhwar,05/03/1961,M\nWR/24/0002,Sunanda,1975-07-21,Mle\n"
    (folder / "export" / "Patients.csv").write_text(rows, "utf-8")
    (folder / "commands.json").write_text(json.dumps(list(COMMANDS.values())))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MIDAS_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "commands.json"], cwd=folder, capture_output=True, text=True, check=False,
        env={**kept, "PYTHONUTF8": "1", "COLUMNS": "160"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: Said(*one) for name, one in zip(COMMANDS, json.loads(done.stdout), strict=True)}


CODES = {
    "no home": 3, "init without a protocol": 2, "init with a wrong name": 2, "init with no such protocol": 3, "init": 0,
    "init again": 5, "receive nothing": 3, "receive": 0, "receive again": 0, "status": 0, "status for people": 0,
    "held": 0, "show nobody": 3, "accept nothing": 2, "accept what does not exist": 3, "accept without a why": 2,
    "mask with a wrong box": 2, "send nothing": 0, "connect to no address": 2, "user": 0, "users": 0, "dance": 2,
    "loud": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_codes_say_what_kind_of_trouble_it_is(name: str, said: dict[str, Said]) -> None:
    assert said[name].code == CODES[name], said[name].err


@pytest.mark.parametrize("name", [name for name in COMMANDS if CODES[name]])
def test_trouble_goes_to_the_error_stream_with_advice(name: str, said: dict[str, Said]) -> None:
    assert said[name].out == ""
    assert "→" in said[name].err or "Usage" in said[name].err, said[name].err
    assert "Traceback" not in said[name].err


@pytest.mark.parametrize("name", [name for name, words in COMMANDS.items() if "--json" in words])
def test_json_stands_alone_on_standard_output(name: str, said: dict[str, Said]) -> None:
    assert said[name].json is not None


def test_everything_in_is_accounted_for_and_receiving_again_changes_nothing(said: dict[str, Said]) -> None:
    first, again, status = said["receive"].json, said["receive again"].json, said["status"].json
    assert first["in"] == 3
    for told in (first, again, status):
        assert told["in"] == sum(told[state] for state in ("waiting", "held", "refused", "sent"))
        assert {state: told[state] for state in ("in", "held", "refused")} == {
            "in": 3,
            "held": 2,
            "refused": 1,
        }


def test_no_message_names_a_person(said: dict[str, Said]) -> None:
    for one in said.values():
        assert not [
            word for word in ("Deshmukhwar", "Sunanda", "9823012345", "WR/24") if word in one.out + one.err
        ]


def test_a_password_is_shown_once_and_the_account_is_there(said: dict[str, Said]) -> None:
    assert len(said["user"].json["password"]) >= 10
    assert said["users"].json == [{"name": "asha", "role": "reviewer"}]


def test_the_spoke_says_its_public_key_and_keeps_its_home_private(said: dict[str, Said]) -> None:
    key = said["init"].json["public_key"]
    assert len(bytes.fromhex(key)) == 32
    assert said["status"].json["public_key"] == key
