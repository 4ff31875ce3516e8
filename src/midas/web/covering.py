"""Persons registered of a dataset, by the values of its target: exact for who may see them, safe for another hospital.

In come the catalogue's counts of today; out come counts by variable of the protocol's `population`. A hospital is told its
own persons as they are, and of all others together only what anyone could be told (`midas.release.disclosure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from midas.catalogue.models import Dataset, ProtocolVersion, Submission, Visit
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import NotFound
from midas.protocol.model import Protocol
from midas.protocol.words import age_band
from midas.quality.coverage import OTHER
from midas.release.counting import TARGET, of_catalogue
from midas.release.disclosure import NOT_SAID, OF, SMALLEST_WHOLE, among, share, whole
from midas.wire.v1 import CoverageTotal, CoveredVariable

Cells = dict[str, int]
ONE_VALUE = frozenset({"sex", "age-band", "state", "spoke"})
"""Variables of which each person has one value at most; of all others there may be several."""


def table_of(variable: str) -> str:
    """Name the table of counts that a variable of the target population is in."""
    return {"age-band": "age", "spoke": "hospital"}.get(variable, variable)


def counts(
    dataset: Dataset, protocol: Protocol, counted: Mapping[str, Any], *, spoke: str = ""
) -> dict[str, Cells]:
    """Return persons by value for each variable of the target, empty where the catalogue does not count it.

    `counted` are all persons, or those of one spoke; under `NOT_SAID` stand those of whom nothing is known.
    """
    tables, found = counted["tables"], dict[str, Cells]()
    for variable, shares in protocol.population.variable.items():
        cells = dict(tables.get(table_of(variable), tables.get(TARGET + variable, {})))
        if variable == "age-band":
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
    here: dict[str, Any] = {"subject__dataset": dataset, "subject__withdrawn_at": None}
    seen = Visit.objects.filter(**here, **({"subject__spoke": spoke} if spoke else {})).exclude(
        age_years=None
    )
    ages: dict[int, int] = {}
    for subject, age in seen.order_by("day").values_list("subject", "age_years").iterator(chunk_size=5000):
        ages.setdefault(subject, age or 0)
    bands = {word: band for word in words if (band := age_band(word))}
    cells = dict.fromkeys(words, 0)
    for age in ages.values():
        word = next((word for word, (first, last) in bands.items() if first <= age <= last), OTHER)
        cells[word] = cells.get(word, 0) + 1
    return cells


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
    everyone, own = of_catalogue(found, protocol), of_catalogue(found, protocol, spoke=spoke)
    others = everyone["people"] - own["people"]
    all_of_them = counts(found, protocol, everyone)
    mine = counts(found, protocol, own, spoke=spoke)
    variables = []
    for variable, shares in protocol.population.variable.items():
        target = {one.value: one.share for one in shares}
        here = _folded(mine[variable], target)
        rest = {
            key: min(n - here.get(key, 0), others)
            for key, n in _folded(all_of_them[variable], target).items()
        }
        told = _told(variable, rest, others)
        if all_of_them[variable] and told is not None:
            together = {key: here.get(key, 0) + told.get(key, 0) for key in {**rest, **here}}
            unknown = together.pop(NOT_SAID, 0)
            variables.append(
                CoveredVariable(variable=variable, persons=together, target=target, unknown=unknown)
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
    """Return what may be told of other hospitals' persons; nobody is told as nobody."""
    if not people:
        return dict.fromkeys(cells, 0)
    if whole(people) < SMALLEST_WHOLE:
        return None
    return share(cells, whole(people)) if variable in ONE_VALUE else among(cells, people=people)
