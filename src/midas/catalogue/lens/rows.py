"""What searches return, made once: the pack of a series, and the rows of series and studies (PS3.18 §10.6.3.3).

An attribute belongs to a series or study where all its instances agree in it (`common`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midas.catalogue.lens.indexing import ROOT, pack, spread, squeezed, text_of, value_of
from midas.catalogue.lens.matching import folded, moment
from midas.catalogue.models import DicomIndex, Scope, ScopeSeries, ScopeStudy, SeriesPack

Json = dict[str, Any]
AT_ONCE = 64
"""Instances in one piece of a pack's metadata: about a megabyte of JSON, so that answers stream."""
OF_ONE_INSTANCE = frozenset({"00080018", "00200013", "00080016"})
LONGEST_COMMON = 1000
"""Characters of a value that `common` keeps; what is longer stands in the metadata."""

STUDY: Mapping[str, str] = {
    "00080005": "", "00080020": "DA", "00080030": "TM", "00080050": "SH", "00080090": "PN", "00080201": "",
    "00081030": "", "00100010": "PN", "00100020": "LO", "00100030": "DA", "00100040": "CS", "00200010": "SH",
}  # fmt: skip
"""Attributes of a study in every answer (Table 10.6.3-3) and their VR; with an empty VR: only where there is a value."""
SERIES: Mapping[str, str] = {
    "00080021": "", "00080031": "", "00080060": "CS", "0008103E": "", "00180015": "", "00200011": "IS",
    "00400244": "", "00400245": "", "00400275": "",
}  # fmt: skip
"""The same of a series (Table 10.6.3-4)."""
INSTANCE = ("00080016", "00080018", "00200013", "00280008", "00280010", "00280011", "00280100")
"""The same of an instance (Table 10.6.3-5)."""


ANSWERED: Mapping[str, frozenset[str]] = {
    "studies": frozenset(STUDY) | {"00080056", "00080061", "00081190", "0020000D", "00201206", "00201208"},
    "series": frozenset(SERIES) | {"00080056", "00081190", "0020000D", "0020000E", "00201209"},
    "instances": frozenset(INSTANCE)
    | {"00080056", "00080201", "00081190", "00083002", "0020000D", "0020000E"},
}
"""All attributes that an answer has without being asked for more."""


@dataclass(frozen=True)
class Summary:
    """A series as its pack describes it."""

    uid: str
    pack: str
    modality: str
    number: int | None
    instances: int
    common: Json


def first(value: Json, tag: str) -> Any:
    """Return an attribute's first value, or an empty text."""
    values = value.get(tag, {}).get("Value") or [""]
    return "" if values[0] is None else values[0]


def words(value: Json, tag: str) -> str:
    """Return an attribute's values as DICOM writes them, with backslashes between."""
    found = [one for one in value.get(tag, {}).get("Value", ()) if one is not None]
    return "\\".join("=".join(one.values()) if isinstance(one, dict) else str(one) for one in found)


# -- a series in one piece --------------------------------------------------------------------------------------


def pack_of(key: str, held: Iterable[DicomIndex]) -> SeriesPack:
    """Return the pack of a series' instances, in the order of their numbers; of a UID that comes twice the first counts."""
    ordered = sorted(held, key=lambda one: (one.number or 0, one.sop_instance_uid, one.sha256))
    unique = list({one.sop_instance_uid: one for one in reversed(ordered)}.values())[::-1]
    lines, pieces, common = [], [], None
    for start in range(0, len(unique), AT_ONCE):
        texts = []
        for one in unique[start : start + AT_ONCE]:
            text = spread(one.metadata)
            value = value_of(text)
            common = _agreed(common, value)
            texts.append(text)
            lines.append(_line(one, value))
        pieces.append(squeezed(b",".join(texts)))
    return SeriesPack(
        key=key, instances=len(unique), common=pack(common or {}), metadata=b"".join(pieces),
        listing=pack({"lines": lines, "pieces": [len(piece) for piece in pieces]}),
    )  # fmt: skip


def _agreed(common: Json | None, value: Json) -> Json:
    if common is None:
        return {tag: one for tag, one in value.items() if _may_be_common(tag, one)}
    return {tag: one for tag, one in common.items() if value.get(tag) == one}


def _may_be_common(tag: str, value: Json) -> bool:
    if tag in OF_ONE_INSTANCE or int(tag[3], 16) % 2 or "InlineBinary" in value:
        return False
    text = text_of(value)
    return len(text) <= LONGEST_COMMON and ROOT.encode() not in text


def _line(one: DicomIndex, value: Json) -> list[Any]:
    fragment = {tag: value[tag] for tag in INSTANCE if tag in value} | {
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": _address(one.study_uid, one.series_uid, one.sop_instance_uid),
        "00083002": {"vr": "UI", "Value": [one.transfer_syntax_uid]},
        "0020000D": {"vr": "UI", "Value": [one.study_uid]},
        "0020000E": {"vr": "UI", "Value": [one.series_uid]},
    }
    if "00080201" in value:
        fragment["00080201"] = value["00080201"]
    return [
        one.sha256, one.size, one.sop_instance_uid, one.sop_class_uid, one.transfer_syntax_uid, one.number, one.rows,
        one.columns, one.frame_count, _text(fragment),
    ]  # fmt: skip


def _address(study: str, series: str = "", instance: str = "") -> Json:
    steps = (("/studies/", study), ("/series/", series), ("/instances/", instance))
    return {"vr": "UR", "Value": [ROOT + "".join(word + uid for word, uid in steps if uid)]}


def _text(fragment: Json) -> str:
    """Write an answer's attributes in the order of their tags (PS3.18 F.2.2)."""
    return text_of(dict(sorted(fragment.items()))).decode()


# -- rows of series and studies ---------------------------------------------------------------------------------


def summary_of(uid: str, key: str) -> Summary:
    """Return a series as its pack describes it."""
    instances, common = SeriesPack.objects.filter(pk=key).values_list("instances", "common").get()
    value = value_of(spread(common))
    number = first(value, "00200011")
    return Summary(
        uid=uid, pack=key, modality=str(first(value, "00080060"))[:16], instances=instances, common=value,
        number=number if isinstance(number, int) else None,
    )  # fmt: skip


def series_row(scope: Scope, study: ScopeStudy, of: Summary) -> ScopeSeries:
    """Return the row of a series, not yet saved."""
    fragment = _known(SERIES, [of.common]) | {
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": _address(study.uid, of.uid),
        "0020000D": {"vr": "UI", "Value": [study.uid]},
        "0020000E": {"vr": "UI", "Value": [of.uid]},
        "00201209": {"vr": "IS", "Value": [of.instances]},
    }
    return ScopeSeries(
        scope=scope, study=study, uid=of.uid, modality=of.modality, number=of.number, instances=of.instances,
        description=words(of.common, "0008103E")[:200], body_part=words(of.common, "00180015")[:64],
        fragment=_text(fragment), pack=of.pack,
    )  # fmt: skip


def study_row(scope: Scope, subject: str, uid: str, series: Sequence[Summary]) -> ScopeStudy:
    """Return the row of a study, not yet saved: its values are those of the first series that has them."""
    commons = [one.common for one in sorted(series, key=lambda one: (one.number or 0, one.uid))]
    known = _known(STUDY, commons)
    modalities = sorted({one.modality for one in series if one.modality})
    instances = sum(one.instances for one in series)
    fragment = known | {
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00080061": {"vr": "CS", "Value": modalities} if modalities else {"vr": "CS"},
        "00081190": _address(uid),
        "0020000D": {"vr": "UI", "Value": [uid]},
        "00201206": {"vr": "IS", "Value": [len(series)]},
        "00201208": {"vr": "IS", "Value": [instances]},
    }
    agreed = {
        tag: one for tag, one in commons[0].items() if all(other.get(tag) == one for other in commons[1:])
    }
    return ScopeStudy(
        scope=scope, subject=subject, uid=uid, patient_id=words(known, "00100020")[:64],
        patient_name=folded(words(known, "00100010"))[:200], patient_birth_date=words(known, "00100030")[:8],
        patient_sex=words(known, "00100040")[:16], study_date=words(known, "00080020")[:8],
        study_time=moment("TM", words(known, "00080030")), accession_number=words(known, "00080050")[:64],
        study_id=words(known, "00200010")[:64], study_description=words(known, "00081030")[:200],
        referring_physician_name=folded(words(known, "00080090"))[:200], series=len(series), instances=instances,
        fragment=_text(fragment), common=pack(agreed),
    )  # fmt: skip


def _known(level: Mapping[str, str], commons: Sequence[Json]) -> Json:
    found: Json = {}
    for tag, vr in level.items():
        held = next((one[tag] for one in commons if "Value" in one.get(tag, ())), None)
        if held is not None:
            found[tag] = held
        elif vr:
            found[tag] = {"vr": vr}
    return found
