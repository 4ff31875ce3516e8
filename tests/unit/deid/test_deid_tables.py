"""The tables are the published ones: every row, every column, and what the engine does with each of them."""

from __future__ import annotations

import collections
import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.deid_bench import ALL_OPTIONS, CARD, PLACEMENT, ct, nested, profile

from midas.deid import Keys, tables
from midas.deid.apply import apply
from midas.deid.model import Held
from midas.deid.plan import plan
from midas.deid.rules import decide

KEYS = Keys.from_root(b"\x5a" * 32)
MARK = "ZQX"
COUNTS = {"X": 417, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2}
OURS = {
    0x00120010,
    0x00120020,
    0x00120040,
    0x00120050,
    0x00120021,
    0x00120030,
    0x00120031,
    0x00100010,
    0x00100020,
    0x00100040,
}
ENCAPSULATED = 0x00420011
SETS = [
    (),
    *((option,) for option in ALL_OPTIONS),
    tuple(o for o in ALL_OPTIONS if o != "retain-longitudinal-full-dates"),
]


def _given() -> dict:
    return json.loads(files("midas.deid.tables").joinpath("ps315_2026.json").read_text())


def test_table_has_every_row_and_column_of_the_edition():
    given = _given()
    assert given["edition"] == "2026d"
    assert len(given["source"]["sha256"]) == len(given["source"]["standard_xml_sha256"]) == 64
    assert collections.Counter(row["basic"] for row in given["attributes"]) == COUNTS
    assert all(set(ALL_OPTIONS) <= set(row) for row in given["attributes"])
    assert len(given["content_items"]) == 214
    assert len(tables.attributes()) == 653
    assert set(tables.groups()) == {"50xxxxxx", "60xx4000", "60xx3000", "PRIVATE"}


def test_every_row_says_what_a_second_published_copy_says():
    """Edition 2026d adds one row to 2026c (3004,007F); every other row of both copies has the same basic action."""
    text = (Path(__file__).parent / "ps315_second_copy.txt").read_text()
    theirs = {tag: code for code, *tags in map(str.split, text.splitlines()) for tag in tags if code != "#"}
    ours = {row["tag"]: row["basic"] for row in _given()["attributes"] if row["tag"] != "PRIVATE"}
    assert ours.pop("3004007F") == "X"
    assert ours == theirs


def test_generator_reproduces_the_shape_and_refuses_what_it_does_not_know(tmp_path):
    spec = importlib.util.spec_from_file_location(
        "generate_ps315", Path(__file__).parents[3] / "tools" / "generate_ps315.py"
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rows = [
        {"tag": r["tag"], "name": r["name"], "retired": r["retired"], "in_std_iod": r["in_standard_iod"],
         "basic": r["basic"],
         "options": {o.replace("-", "_"): r[o] for o in ALL_OPTIONS if r[o]}}
        for r in _given()["attributes"]
    ]  # fmt: skip
    content = [
        {**{k: r[k] for k in ("code", "scheme", "meaning", "value_type", "retired", "basic")},
         "options": {o.replace("-", "_"): r[o] for o in ALL_OPTIONS if r[o]}}
        for r in _given()["content_items"]
    ]  # fmt: skip
    source = {"edition": "2026d", "sha256_of_source_xml": _given()["source"]["standard_xml_sha256"]}
    path = tmp_path / "source.json"
    path.write_text(json.dumps({"source": source, "rules": rows, "content_items": content}))
    again = tool.rules(path)
    assert again["attributes"] == _given()["attributes"]
    assert again["content_items"] == _given()["content_items"]
    path.write_text(json.dumps({"source": source, "rules": [{**rows[0], "basic": "Q"}], "content_items": []}))
    with pytest.raises(SystemExit, match="row not understood"):
        tool.rules(path)


def _value(tag: int, vr: str) -> object:  # noqa: C901 - one line per value representation
    match vr:
        case "DA":
            return "19810203"
        case "DT":
            return "19810203112233"
        case "TM":
            return "112233"
        case "UI":
            return f"1.2.826.0.1.77.{tag}"
        case "AS":
            return "093Y"
        case "CS" | "AE" | "SH":
            return f"ZQX{tag >> 16:04X}X{tag & 0xFFFF:04X}"
        case "IS" | "DS":
            return "77"
        case "PN":
            return "Pnmark^Zora"
        case "SQ":
            item = Dataset()
            item.PatientComments, item.PersonName = "ZQXV PLANTED", "Pnmark^Zora"
            return Sequence([item])
        case "OB" | "OW" | "UN" | "OF" | "OD" | "OL":
            return MARK.encode() + b"\0"
        case "US" | "SS" | "UL" | "SL":
            return 7
        case "FL" | "FD":
            return 7.5
        case "AT":
            return 0x00100010
        case _:
            return f"{MARK}{tag >> 16:04X}X{tag & 0xFFFF:04X}"


def _planted(tags: list[int]) -> Dataset:
    ds = Dataset()
    for tag in tags:
        vr = dictionary_VR(tag).split(" ")[0] if dictionary_has_tag(tag) else "LO"
        ds.add(DataElement(tag, vr, _value(tag, vr)))
    return ds


@pytest.mark.parametrize("options", SETS, ids=lambda o: "+".join(o) or "basic")
def test_every_row_does_what_it_says_at_every_depth(options):
    """Each attribute of the table stands at the root and two sequences down; none survives unless its rule keeps it."""
    tags = [
        t
        for t in tables.attributes()
        if t >> 16 > 2 and t != ENCAPSULATED and t not in (0x00080016, 0x00080018)
    ]
    rules = profile(*options)
    ds = ct()
    for element in _planted(tags):
        ds.add(element)
    inner, original = _planted(tags), _planted(tags)
    ds.SharedFunctionalGroupsSequence = nested(inner)
    try:
        made = plan(ds, profile=rules, keys=KEYS, card=CARD, placement=PLACEMENT)
    except Held as verdict:
        pytest.fail(verdict.reason)
    apply(made, ds=ds)
    seen = 0
    for place in (ds, ds.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]):
        for tag in tags:
            seen += 1
            code = decide(tag, rules, ds.SOPClassUID, "" if place is ds else "FrameAnatomySequence").code
            if (
                code == "K"
                and original[tag].VR in {"DA", "DT"}
                and "retain-longitudinal-full-dates" not in options
            ):
                code = "C"  # a date kept with its device still moves with the person's other dates
            _check(place, tag, original[tag], code, root=place is ds)
    assert seen == 2 * len(tags) > 1290


def _check(place: Dataset, tag: int, was: DataElement, code: str, *, root: bool) -> None:
    name = f"{was.name} {was.tag} {code}"
    if not dictionary_has_tag(tag):
        assert tag not in place, name
        return
    if root and tag in OURS:
        assert MARK not in str(place.get(tag, "")), name
        return
    if tag not in place:
        assert code in {"X", "C", "K", "D"}, name
        return
    now = place[tag]
    if was.VR == "SQ":
        assert MARK not in str(now), name
        assert "Pnmark" not in str(now), name
    elif code == "X":
        pytest.fail(f"{name} is left")
    elif code == "Z":
        assert now.is_empty, name
    elif code in {"D", "U"}:
        assert now.value != was.value, name
        assert MARK not in str(now.value), name
    elif code == "C" and was.VR not in {"US", "SS", "FL", "FD", "IS", "DS", "TM", "AT", "CS"}:
        assert now.value != was.value, name
    elif code == "K" and was.VR not in {"PN", "AS"}:
        assert now.value == was.value, name
    elif code == "K" and was.VR == "AS":
        assert now.value == "090Y", name


def test_an_enclosed_document_is_held():
    ds = ct(EncapsulatedDocument=b"%PDF-1.7")
    with pytest.raises(Held, match="encapsulated-document"):
        plan(ds, profile=profile(), keys=KEYS, card=CARD, placement=PLACEMENT)


def test_every_option_of_the_table_changes_some_rule():
    for option in ALL_OPTIONS:
        if option == "retain-safe-private":
            assert dict(tables.groups()["PRIVATE"].options)[option] == "C"
        elif option != "clean-graphics":
            assert any(decide(t, profile(option)) != decide(t, profile()) for t in tables.attributes()), (
                option
            )
        else:
            assert decide(0x00700001, profile(option)).code == "C"


def test_vocabulary_holds_no_common_indian_name():
    assert not {"ramesh", "deshmukh", "kumar", "lakshmi", "singh", "asha"} & tables.vocabulary()
    assert {"contrast", "axial", "mandible", "t2w"} & tables.vocabulary() >= {"contrast", "axial", "mandible"}
