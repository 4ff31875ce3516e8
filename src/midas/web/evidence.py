"""All facts that a grade may rest on, brought together from the rooms that know them. Each names where it was found.

In come a dataset and a version; out come `Evidence` values of the draft's content as it would be cut now, of its readers
and of this hub. Where nothing is drafted yet, the records themselves are counted. What only a person can know is
attested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from midas import annotate
from midas.catalogue import findings
from midas.catalogue.models import Dataset, Instance, Subject, Visit
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import Clock, Evidence, MidasError
from midas.ledger.models import Check
from midas.protocol.model import Ethics, Protocol
from midas.quality.attacker import attack
from midas.quality.coverage import measure
from midas.quality.evidence import of_coverage, of_privacy, of_tables
from midas.quality.persons import attributes, persons
from midas.quality.risk import risk
from midas.quality.tables import examine_table
from midas.release.content import Content
from midas.release.documents import whole_files
from midas.release.facts import evidence as of_content
from midas.release.gathering import gather
from midas.release.look import gate_evidence
from midas.release.models import Draft, Release
from midas.web.bootstrap import store

ATTACK_SEED = 20
"""The simulated attacker draws the same persons each time, so that a grade comes out the same again."""


def evidence_of(*, dataset: Dataset, version: str, clock: Clock) -> list[Evidence]:
    """Return the facts of a version of a dataset; what cannot be worked out is left out."""
    about = f"{dataset.slug}@{version}"
    draft = Draft.objects.filter(dataset=dataset, version=version).first()
    found = [] if draft is None else _of_draft(draft, about)
    if not found:
        found = list(_of_records(dataset, about))
        current = in_force(dataset)
        if current is not None:
            found += _of_protocol(
                protocol_of(current), about, f"protocol {current.version}", clock.now().date()
            )
    return [*found, *_of_history(dataset, about), *_of_hub(about)]


def _of_draft(draft: Draft, about: str) -> list[Evidence]:
    """Return what the draft's tables, papers and readings say; nothing where it cannot be gathered as it stands."""
    try:
        content = gather(draft=draft, store=store())
    except MidasError:
        return []
    found = [
        *of_content(content, whole_files(content)),
        *_of_persons(content, about),
        *gate_evidence(draft),
        *findings.evidence(draft.dataset),
    ]
    read = annotate.evidence(draft.readings, about=about, store=store())
    return [*{one.kind: one for one in found}.values(), *read]


def _of_persons(content: Content, about: str) -> Iterator[Evidence]:
    """Yield coverage of the target, privacy in the tables, and how many rows contradict themselves."""
    protocol = content.about.protocol
    tables = {name: pl.DataFrame(held) for name, held in content.tables.items()}
    yield from of_coverage(measure(protocol, tables), tables, about=about, source="subjects.parquet")
    people, known = persons(protocol, tables), attributes(protocol)
    found = risk(people, quasi=known.quasi, sensitive=known.sensitive)
    tried = attack(people, quasi=known.quasi, seed=ATTACK_SEED)
    yield from of_privacy(found, [tried], about=about, source="subjects.parquet")
    seen = [
        one
        for table in protocol.tables
        if (frame := tables.get(f"clinical/{table.id}")) is not None
        for one in examine_table(frame, table, subjects=tables["subjects"], visits=tables["visits"])
    ]
    yield from of_tables(protocol, tables, seen, about=about, source="clinical/")


def _of_history(dataset: Dataset, about: str) -> Iterator[Evidence]:
    cut = Release.objects.filter(dataset=dataset, twin=False).count()
    if cut:
        yield Evidence("curation.updates", cut > 1, about, f"/datasets/{dataset.slug}", of=cut)


def _of_protocol(protocol: Protocol, about: str, source: str, today: date) -> Iterator[Evidence]:
    columns = [one for table in protocol.tables for one in table.columns if one.role == "variable"]
    facts: dict[str, bool | float] = {
        "metadata.title": True,
        "documentation.license": bool(protocol.access.license),
        "documentation.reuse_terms": bool(protocol.access.uses),
        "documentation.consent": bool(protocol.ethics),
        "ethics.approval": any(_in_force(one, today) for one in protocol.ethics),
        "ethics.contact": bool(protocol.contact),
        "representation.targets": bool(protocol.population.variable),
    }
    if columns:
        facts["documentation.variables_share"] = sum(one.title is not None for one in columns) / len(columns)
        facts["metadata.coded_share"] = sum(one.code is not None for one in columns) / len(columns)
    if protocol.annotation:
        facts["annotation.sop"] = all(one.instructions for one in protocol.annotation)
    for kind, value in facts.items():
        yield Evidence(kind=kind, value=value, about=about, source=source)


def _in_force(ethics: Ethics, today: date) -> bool:
    return ethics.valid_from <= today.isoformat() and (
        ethics.valid_until is None or today.isoformat() <= ethics.valid_until
    )


def _of_records(dataset: Dataset, about: str) -> Iterator[Evidence]:
    standing = Subject.objects.filter(dataset=dataset, withdrawn_at=None)
    number = standing.count()
    if not number:
        return
    aged = Visit.objects.filter(subject__in=standing, age_years__isnull=False).values("subject").distinct()
    described = standing.filter(sex__in="FMO", pk__in=aged).count()
    sites = standing.exclude(spoke="").values("spoke").distinct().count()
    for kind, value, unit in (
        ("representation.source_known", not standing.filter(spoke="").exists(), ""),
        ("representation.sites", float(sites), "sites"),
        ("representation.demographics_share", described / number, "share"),
        ("ethics.basis_share", standing.exclude(basis=[]).count() / number, "share"),
        ("readiness.record_ids", True, ""),
    ):
        yield Evidence(kind=kind, value=value, about=about, source="the hub's records", unit=unit, of=number)
    images = Instance.objects.filter(series__study__subject__in=standing)
    if images.exists():
        for kind in ("standards.mapped", "standards.dicom_fhir", "privacy.deidentified"):
            yield Evidence(kind=kind, value=True, about=about, source="submissions that were verified")


def _of_hub(about: str) -> Iterator[Evidence]:
    for kind in ("security.access_control", "security.roles", "security.logging"):
        yield Evidence(
            kind=kind,
            value=True,
            about=about,
            source="the hub's one rule of permissions, docs/permissions.md",
        )
    last = Check.objects.order_by("-pk").first()
    if last is not None:
        source = f"verification of the ledger, {last.rows} rows"
        yield Evidence(kind="security.tamper_evident", value=not last.wrong, about=about, source=source)
