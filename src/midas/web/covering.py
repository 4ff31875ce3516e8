"""Persons registered of a dataset, by the values of its target: exact for who may see them, safe for another hospital.

In come the catalogue's counts of today; out come counts by variable of the protocol's `population`. A hospital is told its
own persons as they are, and of all others together only what anyone could be told (`midas.release.disclosure`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from midas.catalogue.models import Dataset, ProtocolVersion, Record, Submission, Visit
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import NotFound
from midas.protocol.model import Column, Protocol, Table
from midas.protocol.words import age_band
from midas.quality.coverage import OTHER, column_of, values_of
from midas.quality.rows import frame_of
from midas.release.counting import TARGET, of_catalogue
from midas.release.disclosure import NOT_SAID, OF, SMALLEST_WHOLE, among, share, whole
from midas.wire.v1 import CoverageTotal, CoveredVariable

Cells = dict[str, int]
ONE_VALUE = frozenset({"sex", "age-band", "spoke"})
"""Variables of which each person has one value at most; of all others there may be several."""


TABLES = {"sex": "sex", "age-band": "age", "spoke": "hospital", "device": "device"}
"""The table of counts that a variable is in; any other is a clinical column, as `state` (of residence), or a target."""


def table_of(variable: str) -> str:
    """Name the table of counts that a variable of the target population is in."""
    return TABLES.get(variable, TARGET + variable)


def counts(
    dataset: Dataset, protocol: Protocol, counted: Mapping[str, Any], *, spoke: str = ""
) -> dict[str, Cells]:
    """Return persons by value for each variable of the target, empty where the catalogue does not count it.

    `counted` are all persons, or those of one spoke; under `NOT_SAID` stand those of whom nothing is known.
    """
    tables, found = counted["tables"], dict[str, Cells]()
    for variable, shares in protocol.population.variable.items():
        cells = dict(tables.get(table_of(variable), {}))
        if variable not in TABLES and (column := column_of(protocol, variable)):
            held = _values(dataset, *column, spoke)
            told = values_of(protocol, variable, held).drop_nulls().unique()
            cells = dict(Counter(told["value"].to_list()))
            cells[NOT_SAID] = max(counted["people"] - told["subject"].n_unique(), 0)
        elif variable == "age-band":
            cells = _ages(dataset, [one.value for one in shares], spoke) | {
                NOT_SAID: tables["age"].get(NOT_SAID, 0)
            }
        elif variable == "spoke":
            cells = {key.rpartition(OF)[2]: number for key, number in cells.items()}
        elif variable == "sex":
            cells[NOT_SAID] = cells.get(NOT_SAID, 0) + cells.pop("U", 0)
        found[variable] = cells
    return found


def _ages(dataset: Dataset, words: list[str], spoke: str) -> Cells:
    """Count persons in the target's own age bands, each at the first visit that says an age."""
    seen = Visit.objects.filter(**_standing(dataset, spoke)).exclude(age_years=None).order_by("day", "pk")
    ages: dict[int, int] = {}
    for subject, age in seen.values_list("subject", "age_years").iterator(chunk_size=5000):
        ages.setdefault(subject, age or 0)
    bands = {word: band for word in words if (band := age_band(word))}
    cells = dict.fromkeys(words, 0)
    for age in ages.values():
        word = next((word for word, (first, last) in bands.items() if first <= age <= last), OTHER)
        cells[word] = cells.get(word, 0) + 1
    return cells


def _values(dataset: Dataset, table: Table, column: Column, spoke: str) -> dict[str, pl.DataFrame]:
    """Return one column of a clinical table as a release has it: of each record its last revision."""
    rows = Record.objects.filter(**_standing(dataset, spoke), table=table.id).order_by("revision", "pk")
    last: dict[tuple[str, str], Any] = {}
    names = rows.values_list("subject__pseudonym", "record", "values")
    for subject, record, values in names.iterator(chunk_size=5000):
        last[subject, record] = values.get(column.name)
    held = [
        {column.name: value, "subject": subject} for (subject, _), value in last.items() if value not in (None, "")
    ]  # fmt: skip
    return {f"clinical/{table.id}": frame_of(table, held or [{column.name: None, "subject": None}])}


def _standing(dataset: Dataset, spoke: str) -> dict[str, Any]:
    """Return the filter for what is of persons who have not withdrawn, all or those of one spoke."""
    here: dict[str, Any] = {"subject__dataset": dataset, "subject__withdrawn_at": None}
    return here | ({"subject__spoke": spoke} if spoke else {})


# -- for a spoke -----------------------------------------------------------------------------------------------


def total(*, dataset: str, spoke: str) -> CoverageTotal:
    """Return the total that one spoke may know; `NotFound` where it has no part in the dataset."""
    found = Dataset.objects.filter(slug=dataset).first()
    version = in_force(found) if found else None
    if found is None or version is None or not _has_part(found, version, spoke):
        raise NotFound(
            f"There is no dataset {dataset} that this hospital collects for.",
            advice="Check the name in the protocol.",
        )
    protocol = protocol_of(version)
    own = of_catalogue(found, protocol, spoke=spoke)
    mine = counts(found, protocol, own, spoke=spoke)
    everyone = of_catalogue(found, protocol)
    all_of_them = counts(found, protocol, everyone)
    others = max(everyone["people"] - own["people"], 0)
    variables = []
    for variable, shares in protocol.population.variable.items():
        target = {one.value: one.share for one in shares}
        here = _folded(mine[variable], target)
        rest = {
            key: min(max(n - here.get(key, 0), 0), others)
            for key, n in _folded(all_of_them[variable], target).items()
        }
        told = _told(variable, rest, others)
        if all_of_them[variable] and told is not None:
            together = {key: here.get(key, 0) + told.get(key, 0) for key in {**rest, **here}}
            unknown = together.pop(NOT_SAID, 0)
            persons = {key: number for key, number in together.items() if number or key in target}
            variables.append(
                CoveredVariable(variable=variable, persons=persons, target=target, unknown=unknown)
            )
    return CoverageTotal(
        dataset=dataset,
        protocol=version.version,
        mine=own["people"],
        others=whole(others),
        variables=tuple(variables),
    )


def _has_part(dataset: Dataset, version: ProtocolVersion, spoke: str) -> bool:
    protocol = protocol_of(version)
    if spoke in {one.id for one in (protocol.hub, *protocol.spokes)}:
        return True
    return Submission.objects.filter(dataset=dataset, spoke=spoke).exists()


def _folded(cells: Cells, target: Mapping[str, float]) -> Cells:
    """Join what the target does not name: which other values there are is nothing to tell."""
    found: Cells = dict.fromkeys((*target, NOT_SAID), 0)
    for value, number in cells.items():
        key = value if value in target or value == NOT_SAID else OTHER
        if number or key in found:
            found[key] = found.get(key, 0) + number
    return found


def _told(variable: str, cells: Cells, people: int) -> Cells | None:
    """Return what may be told of other hospitals' persons; fewer than five are told as nobody is."""
    if not whole(people):
        return dict.fromkeys(cells, 0)
    if whole(people) < SMALLEST_WHOLE:
        return None
    return share(cells, whole(people)) if variable in ONE_VALUE else among(cells, people=people)
