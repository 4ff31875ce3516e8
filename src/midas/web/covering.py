"""Persons registered of a dataset, by the values of its target: exact for who may see them, safe for another hospital.

In come the catalogue's counts of today; out come counts by variable of the protocol's `population`. A hospital is
told of all hospitals together only what anyone would be told if the catalogue were released as it is now
(`release.publication`): beside the public tables that is nothing new, and its own persons it knows itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from midas.catalogue.models import Dataset, ProtocolVersion, Record, Subject, Submission, Visit
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import NotFound
from midas.protocol.model import Column, Protocol, Table
from midas.protocol.words import age_band
from midas.quality.coverage import OTHER, column_of, values_of
from midas.quality.rows import frame_of
from midas.release.counting import AGE_BANDS, TARGET, Counted, band, of_catalogue
from midas.release.disclosure import NOT_SAID, OF, SMALLEST_WHOLE, alone, among, whole, without
from midas.release.publication import Told, told_now
from midas.wire.v1 import CoverageTotal, CoveredVariable

Cells = dict[str, int]
LIMITS = {band(first): (first, last - 1) for first, last in pairwise((*AGE_BANDS, 121))}
"""First and last year of each told age band; nobody was ever older than 120."""
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
    counted = of_catalogue(found, protocol, only={table_of(one) for one in protocol.population.variable})
    own, told = counted.of(spoke), told_now(found, counted)
    mine = counts(found, protocol, own, spoke=spoke)
    others = max(told["people"] - own["people"], 0)
    variables = []
    for variable, shares in protocol.population.variable.items():
        target = {one.value: one.share for one in shares}
        here = _folded(mine[variable], target)
        cells = _together(found, protocol, variable, told, counted) if others else mine[variable]
        if not cells:
            continue
        together = {**here, **{key: max(n, here.get(key, 0)) for key, n in _folded(cells, target).items()}}
        unknown = together.pop(NOT_SAID, 0)
        persons = {key: number for key, number in together.items() if number or key in target}
        variables.append(CoveredVariable(variable=variable, persons=persons, target=target, unknown=unknown))
    return CoverageTotal(
        dataset=dataset,
        protocol=version.version,
        mine=own["people"],
        others=others,
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


def _together(dataset: Dataset, protocol: Protocol, variable: str, told: Told, counted: Counted) -> Cells:
    """Return what anyone could be told of all hospitals' persons by one variable; empty where that is nothing."""
    if variable not in TABLES and (column := column_of(protocol, variable)):
        return (
            _column_told(dataset, protocol, variable, column, counted)
            if not told["as_of"] and whole(told["people"]) >= SMALLEST_WHOLE
            else {}  # beside figures of an earlier release it would tell how many came since
        )
    cells = dict(told["tables"].get(table_of(variable), {}).get("cells", {}))
    if variable == "age-band":
        return _in_bands(cells, [one.value for one in protocol.population.variable[variable]])
    if variable == "spoke":
        return {key.rpartition(OF)[2]: number for key, number in cells.items()}
    if variable == "sex" and cells:
        cells[NOT_SAID] = cells.get(NOT_SAID, 0) + cells.pop("U", 0)
    return cells


def _in_bands(cells: Cells, words: list[str]) -> Cells:
    """Add told age bands up to the target's own; empty where one of the target's parts a told one.

    Two partitions of the same persons, each told, would tell of those in between.
    """
    bands = {word: years for word in words if (years := age_band(word))}
    found = dict.fromkeys(words, 0) if cells else {}
    for name, number in cells.items():
        if name == NOT_SAID:
            found[NOT_SAID] = number
            continue
        first, last = LIMITS[name]
        over = [word for word, (low, high) in bands.items() if low <= last and first <= high]
        key = over[0] if over else OTHER
        if len(over) > 1 or (over and not (bands[key][0] <= first and last <= bands[key][1])):
            return {}
        found[key] = found.get(key, 0) + number
    return found


def _column_told(
    dataset: Dataset, protocol: Protocol, variable: str, column: tuple[Table, Column], counted: Counted
) -> Cells:
    """Tell a clinical column as a public table of values of which a person may have several."""
    spokes = dict(Subject.objects.filter(dataset=dataset).values_list("pseudonym", "spoke"))
    held = values_of(protocol, variable, _values(dataset, *column, "")).drop_nulls().unique()
    parts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for subject, value in held.select("subject", "value").iter_rows():
        parts[value][spokes[subject]] += 1
    some = Counter(spokes[subject] for subject in held["subject"].unique())
    parts[NOT_SAID] = Counter(without(counted.people, some))
    told = among(
        {value: alone(one) for value, one in parts.items()}, people=alone(counted.people),
        without={value: alone(without(counted.people, one)) for value, one in parts.items()},
    )  # fmt: skip
    return told or {}
