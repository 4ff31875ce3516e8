"""`croissant.json`: the release for machines, as MLCommons Croissant 1.1 (JSON-LD) with its Responsible-AI fields.

Every Parquet table is a FileObject with its SHA-256 and a RecordSet with one field per column; the images are a FileSet.
A fact that is not known is left out, never made up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from midas.kernel import Digest
from midas.quality.rows import heading
from midas.release import tables
from midas.release.content import About, Content, path_of
from midas.release.responsible import counted

CONTEXT: Mapping[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
"""The context that the specification gives, in full: readers warn about a shorter one."""

CROISSANT, RAI = "http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"

_TYPES: Mapping[pa.DataType, str] = {
    tables.TEXT: "sc:Text", tables.WHOLE_NUMBER: "sc:Integer", tables.NUMBER: "sc:Float",
    tables.YES_NO: "sc:Boolean", tables.WORDS: "sc:Text", tables.NUMBERS: "sc:Float",
}  # fmt: skip

_SAYS: Mapping[str, str] = {
    "subject": "pseudonym of the person", "visit": "visit of the subject", "lesion": "lesion of the subject",
    "specimen": "specimen of the subject", "item": "the protocol's item that the image answers",
    "path": "path of the DICOM file in the release", "sha256": "SHA-256 of the file", "size": "bytes",
    "day": "whole days since the subject's first visit", "age_years": "age at the visit; 90 stands for 90 and over",
    "deid": "de-identification profile and engine", "target": "what is to be predicted", "value": "the value as text",
    "value_number": "the value as a number, where it is one", "source": "where the value comes from",
    "readers": "who read it, as codes or pseudonyms", "segmentation_path": "path of the DICOM file that draws it",
    "agreement": "how far its readers agreed, 0 to 1: the same value (1) or not (0); of outlines the Dice coefficient",
    "task": "the reading task", "reader": "who read it, as a code that is the same in all tasks of the hub",
    "role": "reader, or adjudicator where readers differed",
    "revision": "how many versions the reader kept before submitting",
    "object_uid": "SOP instance UID of the DICOM object that the reader stored", "object_path": "its path in the release",
    "stands": "whether this reading is what the label says",
    "settled_by": "agreement of the readers by the task's rule, or an adjudicator",
    "part": "part of the dataset, by person", "level": "level of the subject tree that the label is about",
    "uid": "study, series or instance UID, at these levels", "sex": "F, M, O or U (unknown)",
    "basis": "kinds of lawful basis", "ethics": "ethics decisions of the protocol", "spoke": "the contributing hospital",
    **{fact.column: fact.says for fact in tables.INSTANCE_FACTS + tables.SERIES_FACTS},
}  # fmt: skip

_TABLE_SAYS: Mapping[str, str] = {
    "manifest": "one row per DICOM instance", "subjects": "one row per person", "visits": "one row per visit",
    "lesions": "one row per lesion", "specimens": "one row per specimen", "series": "one row per DICOM series",
    "labels": "one row per label",
    "readings": "one row per reader and item of a reading task, with what each said before anything was settled",
    "splits": "the part of each subject",
}  # fmt: skip

_PAPERS: Mapping[str, str] = {
    "provenance.json": "what the release was made from: submissions, protocol, engines, the version below",
    "gates.json": "the gates that it passed before it was cut, and what they found",
    "leakage.json": "what was looked for across the parts of the split, and found",
    "changes.json": "what it has that the version below had not",
    "grade.json": "the grade with which it was released",
}

_KEYS: Mapping[str, tuple[str, ...]] = {
    "manifest": ("path",), "subjects": ("subject",), "visits": ("subject", "visit"), "lesions": ("subject", "lesion"),
    "specimens": ("subject", "specimen"), "series": ("series_uid",), "splits": ("subject",),
}  # fmt: skip


def says(table: str, about: About) -> str:
    """Say in a few words what a table holds."""
    if table in _TABLE_SAYS:
        return _TABLE_SAYS[table]
    clinical = next(one for one in about.protocol.tables if f"clinical/{one.id}" == table)
    return f"{clinical.title.get('en', clinical.id)}: one row per {clinical.grain}"


def croissant(
    *, content: Content, sealed: Mapping[str, tuple[Digest, int]], audits: Sequence[Mapping[str, Any]] = ()
) -> bytes:
    """Return the JSON-LD.

    `sealed` gives the digest and size of each table's and paper's file, `audits` each spoke's measured score.
    """
    about, found = content.about, content.tables
    files: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject", "@id": path_of(name), "name": path_of(name), "description": says(name, about),
            "contentUrl": path_of(name), "encodingFormat": "application/x-parquet",
            "contentSize": f"{sealed[name][1]} B", "sha256": sealed[name][0],
        }
        for name in sorted(found)
    ]  # fmt: skip
    files += [
        {
            "@type": "cr:FileObject", "@id": path, "name": path, "description": _PAPERS[path], "contentUrl": path,
            "encodingFormat": "application/json", "contentSize": f"{sealed[path][1]} B", "sha256": sealed[path][0],
        }
        for path in sorted(content.papers)
    ]  # fmt: skip
    files.append({
        "@type": "cr:FileSet", "@id": "images", "name": "images", "description": "DICOM instances, one file each",
        "encodingFormat": "application/dicom", "includes": "data/**/*.dcm",
    })  # fmt: skip
    document = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": [CROISSANT, RAI] if content.papers else CROISSANT,
        **_facts(content, audits), "distribution": files,
        "recordSet": [_records(name, found[name], about) for name in sorted(found)],
    }  # fmt: skip
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _records(name: str, table: pa.Table, about: About) -> dict[str, Any]:
    identity = name.replace("/", "-")
    record: dict[str, Any] = {
        "@type": "cr:RecordSet", "@id": identity, "name": identity, "description": says(name, about),
        "field": [_field(name, identity, column, about) for column in table.schema],
    }  # fmt: skip
    if name in _KEYS:
        record["key"] = [{"@id": f"{identity}/{column}"} for column in _KEYS[name]]
    return record


def _field(name: str, identity: str, column: pa.Field, about: About) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field", "@id": f"{identity}/{column.name}", "name": column.name,
        "description": column_says(name, column.name, about), "dataType": _TYPES[column.type],
        "source": {"fileObject": {"@id": path_of(name)}, "extract": {"column": column.name}},
    }  # fmt: skip
    if pa.types.is_list(column.type):
        field |= {"isArray": True, "arrayShape": "-1"}
    if column.name == "subject" and name != "subjects":
        field["references"] = {"field": {"@id": "subjects/subject"}}
    return field


def column_says(table: str, column: str, about: About) -> str:
    """Say what a column means: of a clinical table with its unit and code, as the protocol has it."""
    for clinical in about.protocol.tables:
        for one in clinical.columns:
            if table == f"clinical/{clinical.id}" and heading(one.name) == column and one.leaves:
                words = (one.title or {}).get("en", one.name)
                code = f" ({one.code.scheme} {one.code.value})" if one.code else ""
                return f"{words}{f', {one.unit}' if one.unit else ''}{code}"
    return _SAYS.get(column, column.replace("_", " "))


def _facts(content: Content, audits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    about, protocol = content.about, content.about.protocol
    facts: dict[str, Any] = {
        "name": f"{about.dataset}-twin" if about.twin else about.dataset,
        "alternateName": about.title,
        "description": f"{protocol.summary.get('en', about.title)}"
        + (" This is a synthetic twin: no person stands behind any row or picture." if about.twin else ""),
        "version": about.version,
        "datePublished": about.published_on,
        "license": protocol.access.license_url or protocol.access.license,
        "citeAs": protocol.access.citation,
        "isLiveDataset": False,
        "keywords": [code.meaning for code in protocol.disease],
        "creator": {"@type": "sc:Organization", "name": protocol.hub.name}
        | ({"url": protocol.hub.ror} if protocol.hub.ror else {}),
        "publisher": {"@type": "sc:Organization", "name": protocol.hub.name},
        "usageInfo": list(protocol.access.uses),
    }
    return facts | _responsible(about, audits) | (counted(content) if content.papers else {})


def audited(one: Mapping[str, Any]) -> str:
    """Say in words how a spoke's audit came out."""
    return (
        f"{one['right_percent']} % of {one['actions']} required actions right over {one['files']} files (at least "
        f"{one['low_percent']} %, 95 % interval), {one['leaks']} planted identifiers left"
    )


def _responsible(about: About, audits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the RAI 1.0 fields for which the protocol holds a fact."""
    protocol = about.protocol
    if about.twin:
        return {
            "rai:dataCollection": "Generated: values are drawn column by column from what the protocol allows.",
            "rai:dataUseCases": [
                "Trying code and looking at the shape of the data; nothing may be learned from it."
            ],
            "rai:hasSyntheticData": True,
        }
    targets = "; ".join(target.title.get("en", target.id) for target in protocol.targets)
    imported = sorted({one.source.labels or "clinical table" for one in protocol.targets})
    return {
        "rai:dataCollection": "Collected in routine care at "
        + (", ".join(spoke.name for spoke in protocol.spokes) or protocol.hub.name) + ".",
        "rai:dataCollectionType": ["Secondary data analysis"],
        "rai:dataPreprocessingProtocol": [
            "De-identified by DICOM PS3.15 Basic Application Confidentiality Profile"
            + (f" with the options {', '.join(protocol.deid.options)}." if protocol.deid.options else "."),
            *(f"Audit with planted identifiers at {one['spoke']}: {audited(one)}." for one in audits),
        ],
        "rai:dataAnnotationProtocol": f"Labels come from: {', '.join(imported)}.",
        "rai:dataUseCases": [f"Prediction of: {targets}."],
        "rai:personalSensitiveInformation": ["Health", "Age", "Sex"],
        "rai:dataLimitations": [f"Stands for: {protocol.population.description}"],
        "rai:dataReleaseMaintenancePlan": "Versions are immutable; a person who withdraws is taken out of every one.",
        "rai:hasSyntheticData": False,
    }  # fmt: skip
