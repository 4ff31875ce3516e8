"""Persons counted by what they are: in come a release's tables, or the catalogue's rows; out come exact counts.

Every cell is a number of persons, never of images or labels, because it is persons that must not be told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, Sum

from midas.catalogue.models import Dataset, Instance, Label, Lesion, Series, Subject, Visit
from midas.protocol.model import Protocol
from midas.release.content import Content
from midas.release.disclosure import NOT_SAID, OF

AGE_BANDS = (0, 18, 30, 40, 50, 60, 70)
"""First years of the age bands: minors apart, since a guardian consents for them, then by decades."""
SEXES = ("F", "M", "O", "U")
TARGET = "target:"
"""Before the protocol's name of a target: the dimension of its values."""

Pairs = Iterable[tuple[str, Any]]
Exact = dict[str, Any]


def band(age: int | None) -> str:
    """Name the band of an age in years."""
    if age is None:
        return NOT_SAID
    at = max(number for number, first in enumerate(AGE_BANDS) if age >= first)
    first = AGE_BANDS[at]
    return f"{first}+" if at == len(AGE_BANDS) - 1 else f"{first}–{AGE_BANDS[at + 1] - 1}"


BANDS = tuple(band(first) for first in AGE_BANDS)


def device(manufacturer: str | None, model: str | None) -> str:
    return " · ".join(part for part in (manufacturer, model) if part)


def counted(
    protocol: Protocol, *, persons: Mapping[str, tuple[str, str, int | None]], several: Mapping[str, Pairs],
    amounts: Mapping[str, int],
) -> Exact:  # fmt: skip
    """Count persons: `persons` gives sex, hospital and age of each, `several` pairs of person and value by dimension."""
    states = {one.id: one.state for one in (protocol.hub, *protocol.spokes)}
    sexes, ages, cells = (
        Counter(dict.fromkeys(SEXES, 0)),
        Counter(dict.fromkeys((*BANDS, NOT_SAID), 0)),
        Counter[str](),
    )
    places, hospitals = Counter[str](), Counter[str]()
    for sex, spoke, age in persons.values():
        state = states.get(spoke, NOT_SAID)
        sexes[sex] += 1
        ages[band(age)] += 1
        cells[f"{sex}{OF}{band(age)}"] += 1
        places[state] += 1
        hospitals[f"{state}{OF}{spoke}"] += 1
    crossed = {f"{sex}{OF}{age}": cells[f"{sex}{OF}{age}"] for sex in SEXES for age in (*BANDS, NOT_SAID)}
    tables: dict[str, dict[str, int]] = {
        "sex": dict(sexes), "age": dict(ages), "age_sex": crossed, "state": dict(places), "hospital": dict(hospitals)
    }  # fmt: skip
    for name, pairs in several.items():
        once = {
            (person, str(value)) for person, value in pairs if person in persons and value not in (None, "")
        }
        tally = Counter(value for _, value in once)
        tables[name] = {
            NOT_SAID: len(persons) - len({person for person, _ in once}),
            **dict(sorted(tally.items())),
        }
    return {"people": len(persons), **amounts, "tables": tables}


def of_content(content: Content) -> Exact:
    """Count what one release holds."""
    held, protocol = content.tables, content.about.protocol
    ages: dict[str, int | None] = {}
    for row in held["visits"].sort_by("day").to_pylist():
        if row["age_years"] is not None:
            ages.setdefault(row["subject"], row["age_years"])
    subjects = held["subjects"].select(["subject", "sex", "spoke"]).to_pylist()
    series = held["series"]
    labels = held["labels"]
    several: dict[str, Pairs] = {
        "modality": _pairs(held["manifest"], "modality"),
        "site": _pairs(held["lesions"], "site_meaning"),
        "device": [
            (row["subject"], device(row["manufacturer"], row["manufacturer_model"]))
            for row in series.select(["subject", "manufacturer", "manufacturer_model"]).group_by(
                ["subject", "manufacturer", "manufacturer_model"]).aggregate([]).to_pylist()
        ],
    }  # fmt: skip
    for target in _told_targets(protocol):
        several[TARGET + target] = _pairs(labels.filter(pc.equal(labels["target"], target)), "value")
    sizes = held["manifest"]["size"]
    return counted(
        protocol, persons={one["subject"]: (one["sex"], one["spoke"], ages.get(one["subject"])) for one in subjects},
        several=several,
        amounts={"images": len(sizes), "series": series.num_rows, "bytes": pc.sum(sizes).as_py() or 0},
    )  # fmt: skip


def _pairs(table: pa.Table, column: str) -> Pairs:
    once = table.select(["subject", column]).group_by(["subject", column]).aggregate([])
    return list(zip(once["subject"].to_pylist(), once[column].to_pylist(), strict=True))


def _told_targets(protocol: Protocol) -> list[str]:
    return [one.id for one in protocol.targets if one.type == "category"]


def of_catalogue(dataset: Dataset, protocol: Protocol, *, spoke: str = "") -> Exact:
    """Count what the hub holds of a dataset now, or of one spoke's part of it: for who sees it before it is released."""
    here: dict[str, Any] = {"dataset": dataset, "withdrawn_at": None} | ({"spoke": spoke} if spoke else {})
    standing = Subject.objects.filter(**here)
    mine = {f"subject__{name}": value for name, value in here.items()}
    imaged = {f"study__{name}": value for name, value in mine.items()}
    images = Instance.objects.filter(**{f"series__{name}": value for name, value in imaged.items()})
    ages: dict[str, int] = {}
    seen = Visit.objects.filter(**mine).exclude(age_years=None).order_by("day", "pk")
    for name, age in seen.values_list("subject__pseudonym", "age_years").iterator(chunk_size=5000):
        ages.setdefault(name, age or 0)
    series = Series.objects.filter(**imaged)
    facts = images.values_list(
        "series__study__subject__pseudonym", "facts__Manufacturer", "facts__ManufacturerModelName"
    )
    several: dict[str, Pairs] = {
        "modality": series.values_list("study__subject__pseudonym", "modality").distinct(),
        "site": Lesion.objects.filter(**mine).values_list("subject__pseudonym", "site__meaning"),
        "device": [(name, device(*made)) for name, *made in facts.distinct()],
    }  # fmt: skip
    labels = Label.objects.filter(**mine)
    for target in _told_targets(protocol):
        several[TARGET + target] = labels.filter(target=target).values_list("subject__pseudonym", "value")
    amounts = images.aggregate(number=Count("pk"), size=Sum("size"))
    persons = {
        name: (sex, spoke, ages.get(name))
        for name, sex, spoke in standing.values_list("pseudonym", "sex", "spoke")
    }
    return counted(
        protocol, persons=persons, several=several,
        amounts={"images": amounts["number"], "series": series.count(), "bytes": amounts["size"] or 0},
    )  # fmt: skip
