"""Whatever is done to a protocol file, it is read or refused with a line that exists; nothing else happens."""

from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from midas.protocol import ProtocolError, parse
from midas.protocol.yaml import Complaint

SOURCE = (resources.files("midas.protocol") / "template.yaml").read_text(encoding="utf-8")
LINES = SOURCE.splitlines(keepends=True)
INSTEAD = ("", "  - \n", "x: 1\n", "\t\n", "? \n", "- {a: 1, a: 2}\n")


def refusal(data: bytes) -> tuple[Complaint, ...]:
    try:
        parse(data, name="p.yaml")
    except ProtocolError as error:
        return error.complaints or (Complaint(0, "", ""),)
    return ()


def read_or_refused(data: bytes) -> None:
    complaints = refusal(data)
    assert all(1 <= one.line <= data.count(b"\n") + 2 for one in complaints)
    assert all(one.what and one.advice for one in complaints)


@settings(max_examples=60)
@given(
    st.integers(0, len(LINES) - 1),
    st.integers(1, 4),
    st.sampled_from(INSTEAD),
)
def test_lines_taken_out_or_replaced(first, count, instead):
    read_or_refused("".join([*LINES[:first], instead, *LINES[first + count :]]).encode())


@settings(max_examples=60)
@given(st.integers(0, len(SOURCE) - 1), st.text(max_size=5))
def test_letters_put_in(position, text):
    read_or_refused((SOURCE[:position] + text + SOURCE[position:]).encode("utf-8", errors="replace"))


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    read_or_refused(data)
