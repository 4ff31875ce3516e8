"""Whatever is searched for: DICOMweb finds what a plain look through the datasets finds, in the same order, page by page."""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from tests.scopes import ask, fill, read, reader, study

from midas.web import standing

pytestmark = pytest.mark.django_db
SUBJECTS = ("P-AAAAA-AAAAA", "P-AAAAA-AAAAB", "P-BBBBB-BBBBB", "P-[*]%-_'\"")
NAMES = ("Rao^Asha", "Rao^Ashok", "D'Souza^Maria Anna", "Łukasz^Öz", "राव^आशा", "")
WORDS = ("CT head", "ct HEAD", "100%", "a_b", "T1, ax", "")
DATES = ("20191231", "20200101", "20200615", "20210228", "")
TIMES = ("", "10", "1030", "103059", "235959.5")
PARTS = ("HEAD", "CHEST", "")
MODALITIES = ("CT", "MR", "SR", "SEG")
VALUES = {
    "PatientID": SUBJECTS, "PatientName": NAMES, "StudyDescription": WORDS, "StudyDate": DATES, "StudyTime": TIMES,
    "AccessionNumber": ("A1", "A2", "A12", ""), "ModalitiesInStudy": MODALITIES, "Modality": MODALITIES,
    "SeriesDescription": WORDS, "BodyPartExamined": PARTS, "SeriesNumber": ("1", "2", "3"),
    "InstanceNumber": ("1", "2", "3"), "ProtocolName": WORDS, "Rows": ("16", "17"),
}  # fmt: skip
LEVEL = {
    "studies": ("PatientID", "PatientName", "StudyDescription", "StudyDate", "StudyTime", "AccessionNumber",
                "ModalitiesInStudy", "ProtocolName"),
    "series": ("Modality", "SeriesDescription", "BodyPartExamined", "SeriesNumber"),
    "instances": ("InstanceNumber", "Rows"),
}  # fmt: skip
LEVEL["series"] += LEVEL["studies"]
LEVEL["instances"] += LEVEL["series"]
KEYS = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}


def collection() -> list[bytes]:
    dice = random.Random(11)
    found: list[bytes] = []
    for number in range(14):
        shared = {
            "PatientName": dice.choice(NAMES), "StudyDescription": dice.choice(WORDS), "StudyDate": dice.choice(DATES),
            "StudyTime": dice.choice(TIMES), "AccessionNumber": dice.choice(VALUES["AccessionNumber"]),
            "SpecificCharacterSet": "ISO_IR 192",
        }  # fmt: skip
        made = study(
            dice.choice(SUBJECTS), number, series=dice.randint(1, 3), slices=dice.randint(1, 3), **shared
        )
        by_series: dict[str, dict[str, Any]] = {}
        for data in made:
            ds = read(data)
            words = by_series.setdefault(ds.SeriesInstanceUID, {
                "Modality": dice.choice(MODALITIES), "SeriesDescription": dice.choice(WORDS),
                "BodyPartExamined": dice.choice(PARTS), "ProtocolName": dice.choice(WORDS),
            })  # fmt: skip
            for name, value in words.items():
                setattr(ds, name, value)
            found.append(_written(ds))
    return found


def _written(ds: Dataset) -> bytes:
    import io

    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


# -- the plain look through -------------------------------------------------------------------------------------


def groups(held: list[Dataset], level: str) -> Iterator[list[Dataset]]:
    """Group datasets by the level's UID: studies by UID, series by UID within, instances by number within."""
    ordered: dict[str, list[Dataset]] = {}
    for ds in sorted(held, key=_place):
        ordered.setdefault(str(ds[KEYS[level]].value), []).append(ds)
    yield from ordered.values()


def _place(ds: Dataset) -> tuple[str, str, int, int]:
    """Return where an instance stands in what was published at once."""
    return str(ds.PatientID), str(ds.StudyInstanceUID), int(ds.SeriesNumber), int(ds.InstanceNumber)


def values(group: list[Dataset], name: str, whole: list[Dataset]) -> list[str]:
    """Return the values of an attribute in which all of a group agree; of a study's, the first that a series has."""
    if name == "ModalitiesInStudy":
        mine = {ds.StudyInstanceUID for ds in group}
        return sorted({ds.Modality for ds in whole if ds.StudyInstanceUID in mine})
    found = {str(ds.get(name, "")) for ds in group}
    return list(found - {""}) if len(found) == 1 else []


def moment(text: str) -> str:
    start, _, fraction = text.partition(".")
    return f"{start:0<6}.{fraction:0<6}"


def fits(value: str, name: str, asked: str) -> bool:
    if name in {"StudyDate", "StudyTime"}:
        first, dash, last = asked.partition("-")
        if name == "StudyDate":
            return (first or "0") <= value <= (last or "9") if dash else value == asked
        if not dash:
            return moment(value) == moment(asked)
        end = (
            last + "235959.999999"[len(last) :] if last and "." not in last else moment(last) if last else "9"
        )
        return (moment(first) if first else "0") <= moment(value) <= end
    if name in {"SeriesNumber", "InstanceNumber", "Rows"}:
        return int(value) == int(asked)
    if name == "PatientName":
        value, asked = plain(value), plain(asked)
    pattern = re.sub(r"\[", "[[]", asked)
    return fnmatch.fnmatchcase(value, pattern)


def plain(name: str) -> str:
    import unicodedata

    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(one for one in letters if not unicodedata.combining(one)).rstrip("^ ").strip()


def looked_through(held: list[Dataset], level: str, asked: list[tuple[str, str]]) -> list[str]:
    """Return the UIDs that match: every name must, one of its values suffices; an attribute of the study is asked there."""
    found = []
    by_study = {str(group[0].StudyInstanceUID): group for group in groups(held, "studies")}
    by_series = {str(group[0].SeriesInstanceUID): group for group in groups(held, "series")}
    for group in groups(held, level):

        def of(name: str, group: list[Dataset] = group) -> list[str]:
            if name in LEVEL["studies"] and name != "ProtocolName":
                return values(by_study[str(group[0].StudyInstanceUID)], name, held)
            if name in {"Modality", "SeriesDescription", "BodyPartExamined", "SeriesNumber"}:
                return values(by_series[str(group[0].SeriesInstanceUID)], name, held)
            return values(group, name, held)

        names = {name for name, _ in asked}
        if all(any(fits(v, n, a) for n, a in asked if n == name for v in of(name)) for name in names):
            found.append(str(group[0][KEYS[level]].value))
    return found


# -- the questions ----------------------------------------------------------------------------------------------


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]], int, int]:
    level = draw(st.sampled_from(sorted(LEVEL)))
    names = draw(st.lists(st.sampled_from(LEVEL[level]), min_size=0, max_size=3, unique=True))
    asked = []
    for name in names:
        number = 1 if name in {"StudyDate", "StudyTime"} else draw(st.integers(1, 2))
        asked += [(name, draw(_value(name))) for _ in range(number)]
    return level, asked, draw(st.integers(1, 12)), draw(st.integers(0, 8))


def _value(name: str) -> st.SearchStrategy[str]:
    known = st.sampled_from([one for one in VALUES[name] if one and "*" not in one])
    if name in {"StudyDate", "StudyTime"}:
        pair = st.tuples(st.sampled_from(["", *VALUES[name]]), known).map(lambda two: f"{two[0]}-{two[1]}")
        return st.one_of(known, pair, known.map(lambda one: f"{one}-"))
    if name in {"SeriesNumber", "InstanceNumber", "Rows"}:
        return known
    cut = st.tuples(known, st.integers(0, 6), st.sampled_from("*?")).map(
        lambda three: three[0][: three[1]] + three[2] + (three[0][three[1] + 1 :] if three[2] == "?" else "")
    )
    return st.one_of(known, cut.filter(lambda one: one != "*"), known.map(lambda one: f"*{one[-3:]}"))


@pytest.fixture
def held(settings: Any) -> Iterator[tuple[list[Dataset], str]]:
    settings.ALLOWED_HOSTS = ["testserver"]
    standing.forget()
    made = collection()
    fill("oral-cancer", made)
    yield [read(data) for data in made], reader(("curator", "oral-cancer"))[1]
    standing.forget()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions())
def test_a_search_finds_what_a_look_through_finds(
    held: tuple[list[Dataset], str], question: tuple[str, list[tuple[str, str]], int, int]
) -> None:
    datasets, token = held
    level, asked, limit, offset = question
    expected = looked_through(datasets, level, asked)
    query = urlencode([*asked, ("limit", str(limit)), ("offset", str(offset))])
    answer = ask(f"drafts/oral-cancer/{level}?{query}", token=token)
    found = [one[TAGS[level]]["Value"][0] for one in answer.json or []]
    assert found == expected[offset : offset + limit], (level, asked)
    assert ("warning" in answer.headers) is (len(expected) > offset + limit)
    whole = ask(f"drafts/oral-cancer/{level}?{query}&includefield=all", token=token)
    assert [one[TAGS[level]]["Value"][0] for one in whole.json or []] == found
