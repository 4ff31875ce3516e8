"""Whatever an archive, a name or a file holds: nothing escapes, nothing is lost, nothing but BadInput is raised."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from midas.formats import Kind, Limits, Trouble, dicom, sniff, walk
from midas.kernel import BadInput

PIECES = [*"ab./: é", "..", "../", "\\"]
NAMES = st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join), max_size=8)
CT = Path(get_testdata_file("CT_small.dcm")).read_bytes()


def zipped(names: list[str]) -> tuple[bytes, int]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"content")
    with zipfile.ZipFile(out) as archive:
        return out.getvalue(), sum(not info.is_dir() for info in archive.infolist())


@settings(max_examples=60)
@given(NAMES)
def test_no_name_escapes_and_no_member_is_lost(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        data, members = zipped(names)
        (home / "in.zip").write_bytes(data)
        seen = list(walk(home / "in.zip", scratch=home / "scratch", limits=Limits()))
        assert {path.name for path in home.iterdir()} == {"in.zip", "scratch"}
        assert all(
            isinstance(one, Trouble) or one.path.resolve().is_relative_to(home / "scratch") for one in seen
        )
        assert len(seen) == (members or 1)


@settings(max_examples=60)
@given(st.binary(max_size=600), st.sampled_from(["a.dcm", "a.csv", "a.zip", "a.mrxs", "a"]))
def test_any_bytes_have_a_kind_and_the_name_does_not_matter(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / name, Path(folder) / "other"
        one.write_bytes(data)
        two.write_bytes(data)
        assert sniff(one) is sniff(two)
        assert isinstance(sniff(one), Kind)


@settings(max_examples=80)
@given(st.integers(min_value=132, max_value=len(CT) - 1), st.integers(min_value=0, max_value=255))
def test_a_damaged_dicom_file_raises_nothing_but_bad_input(at: int, value: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(CT[:at] + bytes([value]) + CT[at + 1 :])
        try:
            dicom.facts(dicom.read(path))
            dicom.preview(path, size=32)
        except BadInput:
            pass
