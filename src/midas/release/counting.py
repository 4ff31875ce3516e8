"""Persons counted by what they are: in come a release's tables, or the catalogue's rows; out come exact counts.

Every cell is a number of persons, never of images or labels, because it is persons that must not be told apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, Sum

from midas.catalogue.models import Dataset, Instance, Label, Lesion, Series, Subject, Visit
from midas.protocol.model import Protocol
from midas.release.content import Content
from midas.release.disclosure import NOT_SAID, OF, Parts, alone, largest, without

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


@dataclass(frozen=True)
class Counted:
    """Persons of each hospital: `people[spoke]`, `cells[dimension][category][spoke]`; `amounts[name][spoke]` beside them.

    Dimensions of which a person may have several values are named by `several`.
    """

    people: Parts
    cells: Mapping[str, Mapping[str, Parts]]
    several: frozenset[str]
    amounts: Mapping[str, Parts]

    def exact(self) -> Exact:
        """Return the counts of all hospitals together."""
        return {
            "people": sum(self.people.values()),
            **{name: sum(parts.values()) for name, parts in self.amounts.items()},
            "tables": {
                name: {key: sum(parts.values()) for key, parts in table.items()} for name, table in self.cells.items()
            },
        }  # fmt: skip

    def of(self, spoke: str) -> Exact:
        """Return the counts of persons of one hospital."""
        tables = {
            name: {key: parts.get(spoke, 0) for key, parts in table.items()}
            for name, table in self.cells.items()
        }
        return {"people": self.people.get(spoke, 0), "tables": tables}

    def safe(self) -> Exact:
        """Return the counts from which may be told: none tells a hospital that a few persons of others are among its own.

        `without` are the persons who do not have a value, where several are possible.
        """
        shown = (
            set(self.people) if alone(self.people) == sum(self.people.values()) else {largest(self.people)}
        )
        return {
            "people": alone(self.people),
            **{name: sum(parts.get(one, 0) for one in shown) for name, parts in self.amounts.items()},
            "tables": {name: {key: alone(parts) for key, parts in table.items()} for name, table in self.cells.items()},
            "without": {
                name: {key: alone(without(self.people, parts)) for key, parts in self.cells[name].items()}
                for name in self.several
            },
        }  # fmt: skip


def counted(
    protocol: Protocol, *, persons: Mapping[str, tuple[str, str, int | None]], several: Mapping[str, Pairs],
    amounts: Mapping[str, Parts],
) -> Counted:  # fmt: skip
    """Count persons: `persons` gives sex, hospital and age of each, `several` pairs of person and value by dimension."""
    states = {one.id: one.state for one in (protocol.hub, *protocol.spokes)}
    people = Counter[str]()
    crossed = {f"{sex}{OF}{age}": Counter[str]() for sex in SEXES for age in (*BANDS, NOT_SAID)}
    tables: dict[str, dict[str, Counter[str]]] = {
        "sex": {sex: Counter() for sex in SEXES}, "age": {age: Counter() for age in (*BANDS, NOT_SAID)},
        "age_sex": crossed, "state": defaultdict(Counter), "hospital": defaultdict(Counter),
    }  # fmt: skip
    for sex, spoke, age in persons.values():
        state, years = states.get(spoke, NOT_SAID), band(age)
        people[spoke] += 1
        for name, key in (
            ("sex", sex), ("age", years), ("age_sex", f"{sex}{OF}{years}"), ("state", state),
            ("hospital", f"{state}{OF}{spoke}"),
        ):  # fmt: skip
            tables[name][key][spoke] += 1
    for name, pairs in several.items():
        once = {
            (person, str(value)) for person, value in pairs if person in persons and value not in (None, "")
        }
        tally: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for person, value in once:
            tally[value][persons[person][1]] += 1
        some = Counter(persons[person][1] for person in {person for person, _ in once})
        tables[name] = {NOT_SAID: Counter(without(people, some)), **dict(sorted(tally.items()))}
    return Counted(people, tables, frozenset(several), amounts)


def of_content(content: Content) -> Counted:
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
    spokes = {one["subject"]: one["spoke"] for one in subjects}
    amounts: dict[str, Counter[str]] = {"images": Counter(), "series": Counter(), "bytes": Counter()}
    sizes = (
        held["manifest"]
        .select(["subject", "size"])
        .group_by("subject")
        .aggregate([("size", "count"), ("size", "sum")])
    )
    for row in sizes.to_pylist():
        amounts["images"][spokes[row["subject"]]] += row["size_count"]
        amounts["bytes"][spokes[row["subject"]]] += row["size_sum"]
    for name in series["subject"].to_pylist():
        amounts["series"][spokes[name]] += 1
    return counted(
        protocol, persons={one["subject"]: (one["sex"], one["spoke"], ages.get(one["subject"])) for one in subjects},
        several=several, amounts=amounts,
    )  # fmt: skip


def _pairs(table: pa.Table, column: str) -> Pairs:
    once = table.select(["subject", column]).group_by(["subject", column]).aggregate([])
    return list(zip(once["subject"].to_pylist(), once[column].to_pylist(), strict=True))


def _told_targets(protocol: Protocol) -> list[str]:
    return [one.id for one in protocol.targets if one.type == "category"]


def of_catalogue(
    dataset: Dataset, protocol: Protocol, *, spoke: str = "", only: Container[str] | None = None
) -> Counted:
    """Count what the hub holds of a dataset now, or of one spoke's part of it: for who sees it before it is released.

    With `only`, no images are counted, and of the dimensions of several values those that it names.
    """
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
    ).distinct()
    several: dict[str, Pairs] = {
        "modality": series.values_list("study__subject__pseudonym", "modality").distinct(),
        "site": Lesion.objects.filter(**mine).values_list("subject__pseudonym", "site__meaning"),
    }  # fmt: skip
    if only is None or "device" in only:
        several["device"] = [(name, device(*made)) for name, *made in facts]
    labels = Label.objects.filter(**mine)
    for target in _told_targets(protocol):
        several[TARGET + target] = labels.filter(target=target).values_list("subject__pseudonym", "value")
    sizes = images.values_list("series__study__subject__spoke").annotate(Count("pk"), Sum("size")).order_by()
    amounts: dict[str, Parts] = {"images": {}, "series": {}, "bytes": {}}
    if only is None:
        amounts = {
            "images": {place: number for place, number, _ in sizes},
            "series": dict(series.values_list("study__subject__spoke").annotate(Count("pk")).order_by()),
            "bytes": {place: size for place, _, size in sizes},
        }
    else:
        several = {name: pairs for name, pairs in several.items() if name in only}
    persons = {
        name: (sex, spoke, ages.get(name))
        for name, sex, spoke in standing.values_list("pseudonym", "sex", "spoke")
    }
    return counted(protocol, persons=persons, several=several, amounts=amounts)
