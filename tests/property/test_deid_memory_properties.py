"""What is remembered must never change what comes out: same bytes, same answers, whatever came before."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from tests.deid_bench import Bench, ct

from midas.deid import elements
from midas.deid.memory import Memory, Watched
from midas.deid.search import MIN_PIXELS, Needles

TAGS = [BaseTag(0x00080000 + number) for number in range(0x10, 0x16)]
TEXT = st.text("ABCdef 0123-.", max_size=12)


@settings(max_examples=200)
@given(
    files=st.lists(
        st.dictionaries(st.sampled_from(TAGS), st.binary(max_size=2), max_size=6), min_size=1, max_size=12
    ),
    order=st.permutations(TAGS),
)
def test_an_answer_is_remembered_with_all_that_was_read_for_it(files, order):
    """The question reads element after element as long as what it reads leads it on, as rules do."""

    def follow(found: Watched) -> tuple[object, ...]:
        told: list[object] = []
        for tag in order:
            value = found.get(tag)
            told.append(value)
            if value is not None and value[:1] > b"\x80":
                break
            if value == b"":
                told.append(sorted(found))
        return tuple(told)

    topic = Memory().topic("")
    for file in files:
        watched = Watched(dict(file), dict(file))
        assert topic.ask("question", watched, lambda watched=watched: follow(watched)) == follow(watched)


@settings(max_examples=300)
@given(
    patterns=st.lists(st.binary(min_size=MIN_PIXELS, max_size=24), max_size=6),
    around=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    planted=st.integers(0, 5),
)
def test_a_pattern_is_found_wherever_it_lies(patterns, around, planted):
    data = (patterns[planted % len(patterns)] if patterns else b"").join(around)
    named = tuple((str(number), pattern) for number, pattern in enumerate(patterns))
    if len(data) > 2 * MIN_PIXELS:
        assert Needles.of(named).within(data) == {kind for kind, pattern in named if pattern in data}


VALUES = {
    0x00081030: ("LO", TEXT), 0x00100010: ("PN", TEXT), 0x00104000: ("LT", TEXT), 0x00280010: ("US", st.integers(0, 9)),
    0x00409224: ("FD", st.floats(0, 9)), 0x00091001: ("OB", st.binary(max_size=6).map(lambda b: b + b"\0" * (len(b) % 2))),
    0x00081155: ("UI", st.just("1.2.3")),
}  # fmt: skip


def items(depth: int) -> st.SearchStrategy[Dataset]:
    fields = {tag: values for tag, (_, values) in VALUES.items()}
    if depth:
        fields[0x00081115] = st.lists(items(depth - 1), max_size=2)
    return st.fixed_dictionaries({}, optional=fields).map(_dataset)


def _dataset(values: dict[int, object]) -> Dataset:
    ds = Dataset()
    for tag, value in values.items():
        if tag == 0x00081115:
            assert isinstance(value, list)
            ds[tag] = DataElement(tag, "SQ", Sequence(value))
            ds[tag].is_undefined_length = len(value) == 1
        else:
            ds[tag] = DataElement(tag, VALUES[tag][0], value)
    return ds


@settings(max_examples=150)
@given(ds=items(2), implicit=st.booleans())
def test_a_split_header_is_what_pydicom_reads(ds, implicit):
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, implicit
    write_dataset(out, ds)
    data = out.getvalue()
    parts = elements.split(data, 0, implicit=implicit)
    assert parts is not None
    assert b"".join(parts.raws.values()) == data
    assert (
        Dataset(dict(parts.elements)).to_json_dict()
        == read_dataset(BytesIO(data), implicit, True).to_json_dict()
    )


def _bytes(bench: Bench, ds: Dataset, *, forget: bool) -> bytes:
    if forget:
        Memory.forget()
    outcome, out = bench.clean(ds)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    assert out is not None
    return bench.job(Path()).target.read_bytes()


@settings(max_examples=25)
@given(
    changes=st.lists(
        st.fixed_dictionaries({}, optional={
            "StudyDescription": st.sampled_from(["CT neck", "CT neck Ramesh", "देश neck", ""]),
            "PatientName": st.sampled_from(["Deshmukh^Ramesh", "Iyer^Lakshmi", "Neck^Axial"]),
            "SeriesDescription": st.sampled_from(["axial Iyer", "axial neck", "Lakshmi"]),
            "InstanceNumber": st.integers(1, 3), "PatientSex": st.sampled_from(["F", "M", ""]),
            "ContentDate": st.sampled_from(["20190614", "2019", "20190620"]), "ImageComments": TEXT,
        }), min_size=2, max_size=5,
    )
)  # fmt: skip
def test_what_came_before_changes_nothing(changes):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        alone = [_bytes(bench, ct(**one), forget=True) for one in changes]
        Memory.forget()
        in_turn = [_bytes(bench, ct(**one), forget=False) for one in changes + changes]
        assert in_turn == alone + alone
