"""The ground: whole files, canonical JSON, findings, identified values, errors."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from midas.kernel import BadInput, Finding, Severity, canonical, sha256_bytes, sha256_file, whole_file
from midas.kernel.identified import Identified


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.bin"
    with whole_file(target) as stream:
        stream.write(b"first")
        assert not target.exists()
    assert target.read_bytes() == b"first"


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "file.bin"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(target) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_a_secret_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with whole_file(tmp_path / "key", mode=0o600) as stream:
        stream.write(b"k")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_canonical_json_does_not_depend_on_key_order() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


def test_the_two_ways_to_hash_agree(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_file(tmp_path / "f") == sha256_bytes(b"abc")
    assert sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_finding_survives_the_way_to_json_and_back() -> None:
    finding = Finding("series.gap", Severity.WARNING, "P-1/CT", "a slice is missing", cites="PS3.3 C.7.6.2")
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding


def test_an_error_says_what_happened_and_what_to_do() -> None:
    assert str(BadInput("It broke.", advice="Mend it.")) == "It broke. Mend it."


@pytest.mark.parametrize(
    "leak",
    [
        str,
        "{}".format,
        pickle.dumps,
        copy.copy,
        json.dumps,
        lambda value: f"{value}",
    ],
)
def test_an_identified_value_refuses_to_leave(leak: object) -> None:
    with pytest.raises(TypeError):
        leak(Identified("Asha Kulkarni"))  # type: ignore[operator]


def test_an_identified_value_shows_nothing_in_a_traceback_and_can_be_looked_up() -> None:
    assert "Asha" not in repr(Identified("Asha"))
    assert {Identified("Asha"): 1}[Identified("Asha")] == 1
    assert Identified("Asha") != "Asha"
    assert Identified("Asha").reveal() == "Asha"
