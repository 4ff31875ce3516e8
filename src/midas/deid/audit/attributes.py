"""Identifiers, useful words and dates planted in the attributes of one dataset, and what must be kept of the rest.

In come a dataset, a sheet and a random source; the dataset is filled and the sheet says what must become of it. The
table of places and texts is `attributes.json`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID_dictionary

from midas.deid.audit.answers import Where
from midas.deid.audit.sheet import Sheet, words

LONGEST = {"SH": 16, "LO": 64, "CS": 16, "AE": 16, "PN": 200, "AS": 4}
CAPPED = 90
"""Years; this age and all above it are one group, written as this age (45 CFR 164.514(b)(2)(i)(C))."""
DATED = frozenset({"DA", "DT"})


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    given: dict[str, Any] = json.loads(
        files(__package__).joinpath("attributes.json").read_text(encoding="utf-8")
    )
    return given


def put(ds: Dataset, path: str, value: Any) -> tuple[int, Where]:
    """Set an attribute by its path of keywords, making the sequences on the way; return its tag and place."""
    *steps, last = path.split("/")
    where: Where = ()
    for keyword in steps:
        tag = int(tag_for_keyword(keyword) or 0)
        if tag not in ds or not ds[tag].value:
            ds.add(DataElement(tag, "SQ", Sequence([Dataset()])))
        where = (*where, (tag, 0))
        ds = ds[tag].value[0]
    tag = int(tag_for_keyword(last) or 0)
    ds.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE))
    return tag, where


def plant_attributes(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    """Fill the places of the table; shares are drawn file by file."""
    _given(ds, sheet, rng)
    _redated(ds, sheet)
    for path, template, share in table()["identifiers"]:
        if rng.randrange(100) < share and _may_hold(ds, path):
            _identifier(ds, sheet, path, template)
    for path, share, texts in table()["texts"]:
        if rng.randrange(100) < share:
            _text(ds, sheet, path, rng.choice(texts))
    for path, gap, share in table()["dates"]:
        if rng.randrange(100) < share:
            _date(ds, sheet, path, gap)
    _born(ds, sheet, rng)


def _may_hold(ds: Dataset, path: str) -> bool:
    return not path.startswith("ContentCreator") or "ContentLabel" in ds or "SegmentSequence" in ds


def _identifier(ds: Dataset, sheet: Sheet, path: str, template: str) -> None:
    text, found, _ = sheet.filled(template)
    vr = dictionary_VR(int(tag_for_keyword(path.rsplit("/", 1)[-1]) or 0))
    if vr == "AE":
        text = text[:16]
    if len(text) > LONGEST.get(vr, 1 << 16):
        return
    tag, where = put(ds, path, text)
    for kind, value in found:
        sheet.removed(tag, where, kind, value, area="nested" if where else "attributes")


def _text(ds: Dataset, sheet: Sheet, path: str, template: str) -> None:
    text, found, useful = sheet.filled(template)
    vr = dictionary_VR(int(tag_for_keyword(path.rsplit("/", 1)[-1]) or 0))
    if len(text) > LONGEST.get(vr, 1 << 16):
        text, found = " ".join(useful)[:64], []
    tag, where = put(ds, path, text)
    area = "text" if vr in {"ST", "LT", "UT"} else "descriptor"
    for kind, value in found:
        sheet.removed(tag, where, kind, value, area=area)
    if useful:
        sheet.must("text_retained", "tcia", tag, " ".join(useful), where, area=area)


def _date(ds: Dataset, sheet: Sheet, path: str, gap: int) -> None:
    day = sheet.study.day + timedelta(days=gap)
    vr = dictionary_VR(int(tag_for_keyword(path.rsplit("/", 1)[-1]) or 0))
    put(ds, path, f"{day:%Y%m%d}" + ("103000" if vr == "DT" else ""))


def _born(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    tag, _ = put(ds, "PatientBirthDate", f"{sheet.person.born:%Y%m%d}")
    sheet.must("date_shifted", "hipaa", tag, f"{sheet.person.born:%Y%m%d}", area="birth")
    age = sheet.person.age(sheet.study.day)
    if rng.randrange(100) < 70:
        tag, _ = put(ds, "PatientAge", f"{age:03d}Y")
        if age > CAPPED:
            sheet.must("text_removed", "hipaa", tag, f"{age:03d}Y")
        elif age < CAPPED:
            sheet.must("text_retained", "tcia", tag, f"{age:03d}Y")


def _given(ds: Dataset, sheet: Sheet, rng: random.Random) -> None:
    for keyword, value in table()["given"]:
        share = 100 if keyword == "PatientSex" else 15 if keyword[:3] in {"Smo", "Pre"} else 75
        if keyword == "PregnancyStatus" and sheet.person.sex == "M":
            continue
        if keyword in ds and ds[keyword].value and keyword != "PatientSex":
            continue
        if rng.randrange(100) < share:
            put(ds, keyword, sheet.person.sex if value == "<sex>" else value)


def _redated(ds: Dataset, sheet: Sheet) -> None:
    """Give every date that the source had to this person's study: true dates must be known to be searched for."""
    for element in ds.iterall():
        if element.VR in DATED and element.value and not element.tag.is_private:
            element.value = f"{sheet.study.day:%Y%m%d}" + ("103000" if element.VR == "DT" else "")


def note_the_rest(ds: Dataset, sheet: Sheet) -> None:
    """Write down what must happen to dates and UIDs at every depth, and what must stay."""
    for where, element in walk(ds):
        if (
            element.VR in DATED
            and element.value
            and not element.tag.is_private
            and int(element.tag) != 0x00100030
        ):
            for one in _many(element.value):
                sheet.must("date_shifted", "hipaa", int(element.tag), str(one), where, area="dates")
        if element.VR == "UI" and element.value:
            for one in _many(element.value):
                if str(one) not in UID_dictionary:
                    sheet.must("uid_changed", "hipaa", int(element.tag), str(one), where, area="uids")
                    sheet.must("uid_consistent", "dicom", int(element.tag), str(one), where, area="uids")
    sheet.must("patid_consistent", "dicom", 0x00100020, str(ds.PatientID), area="uids")
    _retained(ds, sheet)


def _retained(ds: Dataset, sheet: Sheet) -> None:
    named = {
        (check.tag, check.where)
        for check in sheet.checks
        if check.action in {"text_retained", "text_removed"}
    }
    kept = table()["retained"]
    for category, action in (("dicom", "text_notnull"), ("tcia", "text_retained")):
        for keyword in kept[category]:
            if (
                keyword not in ds
                or ds[keyword].value in (None, "")
                or "://" in str(ds[keyword].value)
                or (ds[keyword].tag, ()) in named
            ):
                continue
            element = ds[keyword]
            if element.VR == "SQ":
                sheet.must("text_notnull", category, int(element.tag))
            else:
                sheet.must(action, category, int(element.tag), said(element.value))
    for keyword in kept["present"]:
        if keyword in ds:
            sheet.must("tag_retained", "dicom", int(ds[keyword].tag))
    for keyword in kept["notnull"]:
        if keyword in ds and ds[keyword].value:
            sheet.must("text_notnull", "dicom", int(ds[keyword].tag))


def walk(ds: Dataset, where: Where = ()) -> Iterator[tuple[Where, DataElement]]:
    """Yield every element with its place; what cannot be read is passed over."""
    for tag in sorted(ds.keys()):
        if tag == 0x7FE00010:
            continue
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001, S112 - pydicom raises many kinds for broken values
            continue
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from walk(item, (*where, (int(tag), number)))
        else:
            yield where, element


def _many(value: Any) -> list[Any]:
    return list(value) if not isinstance(value, str) and hasattr(value, "__iter__") else [value]


def said(value: Any) -> str:
    """Return a value as comparison sees it: numbers without their spelling, several joined."""
    return "\\".join(_number(one) for one in _many(value))


def _number(value: Any) -> str:
    try:
        return f"{float(value):.6g}"
    except (TypeError, ValueError):
        return " ".join(words(str(value)))
