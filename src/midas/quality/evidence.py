"""What the tables, the privacy measures and the coverage say, as evidence for the grade. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from midas.kernel import Evidence
from midas.protocol.model import Protocol
from midas.quality.attacker import Attack
from midas.quality.checks import Measured
from midas.quality.coverage import Coverage
from midas.quality.persons import ages
from midas.quality.risk import Risk
from midas.quality.rows import filled, heading

DUPLICATES, CONTRADICTIONS = "table.row-repeated", "table.logic"


def of_privacy(risk: Risk, attacks: Sequence[Attack], *, about: str, source: str) -> Iterator[Evidence]:
    """Yield what the classes and the attacks say; of several attacks the one with the highest upper bound counts.

    `privacy.generalised` is true where the quasi-identifiers, as they leave, single nobody out. `privacy.probability` is
    the mean over all persons of the chance to be named by who knows every quasi-identifier. `privacy.identification` is
    `unique` where somebody stands alone, else `coarse`; that values are generalised enough for the class below, a person
    says.
    """
    yield Evidence("privacy.risk_assessed", True, about, source)
    yield Evidence("privacy.linkage", True, about, source)
    yield Evidence("privacy.generalised", not risk.uniqueness, about, source, of=risk.persons)
    alike = "unique" if risk.uniqueness else "coarse"
    yield Evidence("privacy.identification", alike, about, source, "class", of=risk.persons)
    yield Evidence("privacy.probability", risk.average, about, source, "probability", of=risk.persons)
    if attacks:
        worst = max(attacks, key=lambda one: one.high)
        yield Evidence(
            "privacy.attack_success",
            worst.success,
            about,
            source,
            "share",
            worst.low,
            worst.high,
            worst.trials,
        )


def of_coverage(
    found: Mapping[str, Sequence[Coverage]], tables: Mapping[str, pl.DataFrame], *, about: str, source: str
) -> Iterator[Evidence]:
    """Yield what is known of who is in it. `found` is the answer of `coverage.measure`, `tables` those of the release.

    `representation.gap` is the distance of the variable that is furthest from its target; `representation.targets`
    is true where there is a target for sex, for age, and for a place (state, district or hospital).
    """
    subjects = tables["subjects"]
    sites = [one for one in subjects["spoke"].unique().to_list() if one]
    sexed = subjects.filter(pl.col("sex").is_in(["F", "M", "O"]))["subject"]
    aged = int(sexed.is_in(ages(tables["visits"])["subject"].implode()).sum())
    people = max(subjects.height, 1)
    unnamed = subjects.filter((pl.col("spoke") == "") | pl.col("spoke").is_null()).height
    yield Evidence(
        "representation.source_known", not unnamed and bool(sites), about, source, of=subjects.height
    )
    yield Evidence("representation.sites", float(len(sites)), about, source, "sites", of=subjects.height)
    yield Evidence(
        "representation.demographics_share", aged / people, about, source, "share", of=subjects.height
    )
    total = list(found.get("", ()))
    lacking = sum(group.off_target and group.difference < 0 for one in total for group in one.groups)
    if total:  # whoever opens the page of coverage sees them as they are that day
        yield Evidence("representation.flagged", True, about, source, of=lacking)
    names = {one.variable.rpartition(".")[2] for one in total}
    whole = {"sex", "age-band"} <= names and bool(names & {"spoke", "state", "district"})
    yield Evidence("representation.targets", whole, about, source)
    if total:
        gap = max(total, key=lambda one: one.distance)
        yield Evidence(
            "representation.gap", gap.distance, about, source, "share", gap.low, gap.high, gap.persons
        )


def of_tables(
    protocol: Protocol,
    tables: Mapping[str, pl.DataFrame],
    measured: Iterable[Measured],
    *,
    about: str,
    source: str,
) -> Iterator[Evidence]:
    """Yield how much of what is essential (required, or a target's source) is filled, how many rows contradict themselves,
    and how many rows and images are there twice.

    `measured` are the answers of `examine_table` and `examine_agreement` over all tables.
    """
    sources = {(one.source.table, one.source.column) for one in protocol.targets}
    needed = [
        (tables[f"clinical/{table.id}"], column)
        for table in protocol.tables
        for column in table.columns
        if column.leaves and (column.required or (table.id, column.name) in sources)
        if f"clinical/{table.id}" in tables
    ]
    cells = sum(frame.height for frame, _ in needed)
    there = sum(
        int(frame.select(filled(frame, column).sum()).item())
        for frame, column in needed
        if heading(column.name) in frame.columns
    )
    if cells:
        yield Evidence("standards.filled_share", there / cells, about, source, "share", of=cells)
    counts = dict.fromkeys((DUPLICATES, CONTRADICTIONS), 0.0)
    apart = 0
    for one in measured:
        if one.check in counts:
            counts[one.check] += one.value or 0
        elif one.check.startswith("agreement.") and one.finding is not None:
            apart += 1
    yield Evidence("standards.logic_errors", counts[CONTRADICTIONS] + apart, about, source, "errors")
    images = tables.get("manifest", pl.DataFrame({"sha256": []}))["sha256"]
    copies = counts[DUPLICATES] + images.len() - images.n_unique()
    yield Evidence("readiness.duplicates", copies, about, source, "copies", of=images.len() or None)
