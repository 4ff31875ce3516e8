"""The split of a dataset as it is kept: its secret keys, the pairs that stay together, and the strata of its tables.

In come a draft and the tables of its content; out comes a part for each subject. Nothing here decides: `splits` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from midas.catalogue.models import Dataset, Subject, Submission
from midas.protocol.model import Protocol
from midas.quality.rows import heading
from midas.release.changes import parts_of
from midas.release.drafting import version_order
from midas.release.models import Draft, NearPair, Release, SplitKey
from midas.release.splits import Keys, Person, choose_keys, crossing, groups, place
from midas.store import Blobs


def near_pairs(dataset: Dataset) -> list[tuple[str, str]]:
    """Return the pairs of persons with nearly the same pictures; whoever withdrew still holds the other in its part."""
    found = NearPair.objects.filter(dataset=dataset).order_by("pk")
    return list(found.values_list("one__pseudonym", "other__pseudonym"))


def placed(draft: Draft, protocol: Protocol, found: Mapping[str, pa.Table]) -> list[dict[str, str]]:
    """Return the part of each subject of the tables; the first draft that is kept settles the keys for all versions."""
    group = _groups(draft.dataset, protocol)
    keys = _keys(draft.dataset)
    if keys is None:
        persons = persons_of(protocol, found, group)
        keys = choose_keys(persons, seed=bytes.fromhex(draft.salt_root), parts=protocol.split.parts)
        if draft.pk is not None:
            SplitKey.objects.create(dataset=draft.dataset, key=keys.first.hex(), rest=keys.rest.hex())
    part = place(set(group.values()), keys=keys, parts=protocol.split.parts)
    return [{"subject": name, "part": part[group[name]]} for name in found["subjects"]["subject"].to_pylist()]


def _groups(dataset: Dataset, protocol: Protocol) -> dict[str, str]:
    """Return each person's group, whole hospitals where the protocol asks for these, the earliest one first."""
    everyone = list(
        Subject.objects.filter(dataset=dataset).order_by("pk").values_list("pseudonym", "links", "spoke")
    )
    links = [(name, tuple(others)) for name, others, _ in everyone]
    if not protocol.split.by_site:
        return groups(links, pairs=near_pairs(dataset))
    batches = Submission.objects.filter(dataset=dataset).order_by("pk").values_list("spoke", flat=True)
    order = {spoke: number for number, spoke in enumerate(dict.fromkeys(batches))}
    held = sorted(everyone, key=lambda one: order.get(one[2], len(order)))
    return groups(links, pairs=near_pairs(dataset), sites={name: spoke for name, _, spoke in held})


def _keys(dataset: Dataset) -> Keys | None:
    kept = SplitKey.objects.filter(dataset=dataset).first()
    return None if kept is None else Keys(bytes.fromhex(kept.key), bytes.fromhex(kept.rest))


def parts_before(draft: Draft, store: Blobs) -> dict[str, list[str]]:
    """Return the parts that each person stood in in the dataset's other versions, the newest below the draft's last."""
    others = Release.objects.filter(dataset=draft.dataset, twin=False).exclude(version=draft.version)
    mine = version_order(draft.version)
    ordered = sorted(others, key=lambda one: (version_order(one.version) < mine, version_order(one.version)))
    found: dict[str, list[str]] = {}
    for one in ordered:
        for name, part in parts_of(one, store).items():
            found.setdefault(name, []).append(part)
    return found


def carried_over(draft: Draft, protocol: Protocol, store: Blobs) -> frozenset[str]:
    """Return whom a draft leaves out: who would come into the hidden part, or leave it, because of whom they belong to.

    What models were made from is never tested with, nor the other way round, whichever version one takes.
    """
    keys, pairs = _keys(draft.dataset), near_pairs(draft.dataset)
    links = Subject.objects.filter(dataset=draft.dataset).order_by("pk").values_list("pseudonym", "links")
    if keys is None or not (pairs or links.exclude(links=[]).exists()):
        return frozenset()
    group = _groups(draft.dataset, protocol)
    part = place(set(group.values()), keys=keys, parts=protocol.split.parts)
    now = {name: part[one] for name, one in group.items()}
    stood = {name: parts for name, parts in parts_before(draft, store).items() if name in now}
    return crossing(stood, tied=groups(list(links), pairs=pairs), now=now)


def persons_of(protocol: Protocol, found: Mapping[str, pa.Table], group: Mapping[str, str]) -> list[Person]:
    """Return everyone with the strata that the protocol asks for: those without a label for the hidden part, and all."""
    names = protocol.split.stratify
    blind = strata_of([one for one in names if not _is_label(one, protocol)], found)
    return [
        Person(group[name], blind[name], stratum) for name, stratum in sorted(strata_of(names, found).items())
    ]


def _is_label(variable: str, protocol: Protocol) -> bool:
    """Say whether a variable is what is to be predicted, or the column that it comes from."""
    column = variable.rpartition(".")[2]
    return any(variable == one.id or column in {one.id, one.source.column} for one in protocol.targets)


def strata_of(variables: Iterable[str], found: Mapping[str, pa.Table]) -> dict[str, str]:
    """Name each subject's stratum from the variables and targets that a protocol stratifies by."""
    strata = dict.fromkeys(found["subjects"]["subject"].to_pylist(), "")
    for variable in variables:
        values = _values_of(variable, found)
        strata = {name: f"{stratum}|{values.get(name, '')}" for name, stratum in strata.items()}
    return strata


def _values_of(variable: str, found: Mapping[str, pa.Table]) -> dict[str, str]:
    """Return the values of each subject that has any, joined: of a target, an age band, or a column of a table."""
    labels = found["labels"].filter(pc.equal(found["labels"]["target"], variable))
    if labels.num_rows:
        return _joined(labels, "value")
    if variable == "age-band":
        first = found["visits"].filter(pc.equal(found["visits"]["day"], 0))
        ages = zip(first["subject"].to_pylist(), first["age_years"].to_pylist(), strict=True)
        return {subject: "" if age is None else str(age // 20) for subject, age in ages}
    table, _, name = variable.rpartition(".")
    column = heading(name)
    homes = (
        [f"clinical/{table}"]
        if table
        else ["subjects", *sorted(one for one in found if one.startswith("clinical/"))]
    )
    for home in homes:
        if home in found and column in found[home].column_names:
            return _joined(found[home], column)
    return {}


def _joined(table: pa.Table, column: str) -> dict[str, str]:
    """Join each subject's different values: who has two lesions of two kinds is a stratum of its own."""
    held: dict[str, set[str]] = {}
    for name, value in zip(table["subject"].to_pylist(), table[column].to_pylist(), strict=True):
        if value is not None:
            held.setdefault(name, set()).add(str(value))
    return {name: "+".join(sorted(values)) for name, values in held.items()}
