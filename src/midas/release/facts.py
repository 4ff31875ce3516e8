"""What a release says of itself, as facts that a grade may rest on: counted over its tables, never claimed.

In comes the `Content` of a draft or release with its papers; out come `Evidence` values. What is not in them is not said,
so that it counts as missing. Agreement of readers and what the hub itself does are other rooms' facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow.compute as pc

from midas.kernel import Evidence
from midas.protocol.model import Protocol
from midas.release import tables
from midas.release.content import Content, path_of
from midas.release.datasheet import TARGET
from midas.release.documents import SUMS
from midas.release.floor import audit_of
from midas.release.splits import HIDDEN

Files = Mapping[str, bytes]
Fact = tuple[str, bool | float | str, str, dict[str, Any]]
"""Kind, value, the file of the release where it stands, and what else the evidence says."""


def evidence(content: Content, files: Files) -> tuple[Evidence, ...]:
    """Return the facts of a release's content and its papers (`files` by path)."""
    about = f"{content.about.dataset}@{content.about.version}"
    return tuple(
        Evidence(kind, value, about, source, **more)
        for part in PARTS
        for kind, value, source, more in part(content, files)
    )


def _metadata(content: Content, files: Files) -> Iterator[Fact]:
    told, source = json.loads(files["datacite.json"]), "datacite.json"
    protocol, people = content.about.protocol, content.about.contributors
    yield "metadata.title", bool(told["titles"][0]["title"]), source, {}
    basic = told["creators"] and told["publicationYear"] and content.about.dataset
    yield "metadata.basic", bool(basic), source, {}
    structured = all(
        told.get(name) for name in ("creators", "publisher", "dates", "descriptions", "rightsList")
    )
    yield "metadata.structured", structured and bool(protocol.contact), source, {}
    yield "metadata.keywords", bool(told["subjects"]), source, {}
    yield "metadata.version", told["version"] == content.about.version, source, {}
    places = [one.get("ror", "") for one in people if one["role"] == "hospital"] + [protocol.hub.ror or ""]
    persons = [one.get("orcid", "") for one in people if one["role"] != "hospital"]
    yield "metadata.institution_ids", any(places + persons), source, {}
    yield "metadata.ror", all(places), source, {"of": len(places)}
    yield "metadata.orcid", bool(persons) and all(persons), source, {"of": len(persons)}
    columns = _leaving(protocol)
    if columns:
        coded = sum(one.code is not None for one in columns) / len(columns)
        yield "metadata.coded_share", coded, "protocol.yaml", {"unit": "share", "of": len(columns)}


def _documentation(content: Content, files: Files) -> Iterator[Fact]:
    protocol = content.about.protocol
    yield "documentation.note", bool(files["README.md"].strip()), "README.md", {}
    columns = _leaving(protocol)
    if columns:
        defined = sum(
            bool(one.title and (one.unit or one.values or one.type == "boolean")) for one in columns
        )
        more = {"unit": "share", "of": len(columns)}
        yield "documentation.variables_share", defined / len(columns), "protocol.yaml", more
    acquired = all(one.acquisition or one.views or one.sop_classes for one in protocol.items)
    yield "documentation.method", acquired, "protocol.yaml", {"of": len(protocol.items)}
    yield "documentation.consent", bool(protocol.ethics), "DATASHEET.md", {"of": len(protocol.ethics)}
    yield "documentation.license", bool(protocol.access.license), "LICENSE.txt", {}
    # `changes.json` counts what changed; what it means only words say
    yield "documentation.changelog", bool(content.about.notes.strip()), "DATASHEET.md", {}
    yield "documentation.validation", bool(content.report), "deid/report.json", {}
    yield "documentation.reuse_terms", bool(protocol.access.uses), "croissant.json", {}
    told = protocol.annotation and all(one.instructions for one in protocol.annotation)
    if acquired and told:  # what is not written there may lie elsewhere, where a person attests it
        yield "documentation.sop", True, "protocol.yaml", {"of": len(protocol.annotation)}
    if TARGET in files["DATASHEET.md"].decode().splitlines():  # without a target a person describes it
        yield "representation.described", True, "DATASHEET.md", {}
    rai = [name for name in json.loads(files["croissant.json"]) if name.startswith("rai:")]
    yield "documentation.limitations", "rai:dataLimitations" in rai, "croissant.json", {}
    yield "documentation.transparency", bool(rai), "croissant.json", {"of": len(rai)}


def _standards(content: Content, files: Files) -> Iterator[Fact]:
    manifest = content.tables["manifest"]
    typed = pc.all(pc.greater(pc.utf8_length(manifest["sop_class_uid"]), 0)).as_py()
    # `gather` refuses a column that is not as the protocol declares it
    yield "standards.mapped", True, "protocol.yaml", {"of": len(content.tables)}
    yield "standards.dicom_fhir", bool(typed), "manifest.parquet", {"of": manifest.num_rows}
    # images leave byte for byte, under their digests; a table is written anew, so it is read back and compared
    same = all(tables.holds(files[path_of(name)], table) for name, table in content.tables.items())
    yield "standards.round_trip", same, SUMS, {"of": len(content.tables)}


def _readiness(content: Content, files: Files) -> Iterator[Fact]:
    del files
    manifest, splits = content.tables["manifest"], content.tables["splits"]
    rows = manifest.num_rows
    unique = len(manifest["sop_instance_uid"].unique()) == rows
    yield "readiness.record_ids", unique, "manifest.parquet", {"of": rows}
    parts = set(splits["part"].unique().to_pylist())
    yield "readiness.split", HIDDEN in parts and len(parts) > 1, "splits.parquet", {"of": len(parts)}


def _privacy(content: Content, files: Files) -> Iterator[Fact]:
    del files
    manifest, source = content.tables["manifest"], "deid/report.json"
    done = pc.all(pc.greater(pc.utf8_length(manifest["deid"]), 0)).as_py()
    yield "privacy.deidentified", bool(done), "manifest.parquet", {"of": manifest.num_rows}
    yield "privacy.procedure", bool(done), "manifest.parquet", {}
    # only what the hub verified again, by rules of its own, is registered and can be drawn on
    yield "privacy.verified", True, source, {"of": len(content.report)}
    audits = [audit for batch in content.report if (audit := audit_of(batch)) is not None]
    if audits and len(audits) == len(content.report):
        left = sum(sum(one.leaks.values()) for one in audits)
        files_planted = sum(one.files for one in audits)
        yield "privacy.direct_identifiers", left, source, {"unit": "identifiers", "of": files_planted}


def _provenance(content: Content, files: Files) -> Iterator[Fact]:
    del files
    manifest = content.tables["manifest"]
    yield "provenance.described", bool(content.report), "deid/report.html", {}
    yield "provenance.scripted", bool(content.report), "deid/report.json", {}
    traced = pc.sum(pc.cast(pc.greater(pc.utf8_length(manifest["deid"]), 0), "int64")).as_py() or 0
    more = {"unit": "share", "of": manifest.num_rows}
    yield "provenance.lineage_share", traced / manifest.num_rows, "manifest.parquet", more
    yield "provenance.new_version", True, "datacite.json", {}
    yield "linkage.semantic", True, "datacite.json", {}


def _ethics(content: Content, files: Files) -> Iterator[Fact]:
    del files
    protocol, subjects = content.about.protocol, content.tables["subjects"]
    day = date.fromisoformat(content.about.published_on)
    force = [one for one in protocol.ethics if _in_force(one.valid_from, one.valid_until, day)]
    yield "ethics.approval", bool(force), "protocol.yaml", {"of": len(force)}
    standing = {one.id for one in force}
    based = sum(not standing.isdisjoint(one) for one in subjects["ethics"].to_pylist())
    more = {"unit": "share", "of": subjects.num_rows}
    yield "ethics.basis_share", based / subjects.num_rows, "subjects.parquet", more
    yield "ethics.contact", bool(protocol.contact), "protocol.yaml", {}
    yield "stewardship.custodian", bool(protocol.hub.name and protocol.contact), "protocol.yaml", {}


def _in_force(start: str, end: str | None, day: date) -> bool:
    return date.fromisoformat(start) <= day and (end is None or day <= date.fromisoformat(end))


def _storage(content: Content, files: Files) -> Iterator[Fact]:
    images = pc.sum(content.tables["manifest"]["size"]).as_py() or 0
    whole = images + sum(len(data) for data in files.values())
    yield "sustainability.storage", whole, SUMS, {"unit": "bytes"}


def _leaving(protocol: Protocol) -> list[Any]:
    return [one for table in protocol.tables for one in table.columns if one.leaves]


PARTS: tuple[Callable[[Content, Files], Iterator[Fact]], ...] = (
    _metadata, _documentation, _standards, _readiness, _privacy, _provenance, _ethics, _storage,
)  # fmt: skip
