"""Set a reading task from what the protocol asks: freeze the question, find its items, assign readers evenly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from midas.annotate import showing
from midas.annotate.assigning import assign
from midas.annotate.models import ItemImage, Task, TaskItem
from midas.catalogue.models import Dataset, Instance
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import BadInput, Clock, Conflict, NotFound, sha256_bytes
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.people.rule import Act, Standing, allows, roles_of
from midas.protocol.model import Annotation, Protocol, Target

Place = tuple[int, int | None, int | None, int | None, str]
"""Subject, visit, lesion and specimen by primary key, and the UID at the levels of series and instance."""
AT_ONCE = 500
LEAST_DICE = 0.8
"""What counts as agreement on an outline where the curator says nothing else."""


@dataclass(frozen=True)
class Setting:
    """What a curator chooses beside the protocol; `most` limits the items, which are then drawn evenly from all."""

    annotation: str
    readers: Sequence[Account]
    adjudicators: Sequence[Account] = field(default_factory=tuple)
    ordinal: bool = False
    agree_at: float | None = None
    most: int | None = None


@transaction.atomic
def set_task(*, dataset: Dataset, setting: Setting, by: Account, clock: Clock) -> Task:
    """Set the task and assign all its items. It never changes afterwards; another one can be set.

    Raise `NotFound` where the protocol in force asks no such thing, `BadInput` where readers are too few or may not
    read here, where an adjudicator is missing, or where there is nothing to read.
    """
    version = in_force(dataset)
    if version is None:
        raise NotFound(f"{dataset.slug} has no protocol.", advice="Register its protocol first.")
    asked, target = _asked(protocol_of(version), setting.annotation)
    _fit(asked, setting, dataset.slug, by)
    task = Task.objects.create(
        dataset=dataset, protocol=version, annotation=asked.id, name=_free_name(dataset, asked.id), title=target.title,
        instructions=asked.instructions, target=target.id, level=target.level, kind=target.type,
        values=list(target.values), ordinal=setting.ordinal, readers_per_item=asked.readers_per_item,
        adjudication=asked.adjudication, agree_at=_agree_at(target, setting), set_by=by, set_at=clock.now(),
    )  # fmt: skip
    number = _add_items(task, target, setting.most)
    assign(task=task, readers=setting.readers, adjudicators=setting.adjudicators, clock=clock)
    showing.publish(task)
    enter(
        Deed.TASK, by=by, clock=clock, dataset=dataset.slug, target=f"task {task.pk}", name=task.name, items=number,
        readers=len(setting.readers), adjudicators=len(setting.adjudicators),
    )  # fmt: skip
    return task


@transaction.atomic
def close_task(*, task: Task, by: Account, why: str, clock: Clock) -> Task:
    """End a task: nothing more is read for it; what was settled stays. `BadInput` without a reason."""
    if not why.strip():
        raise BadInput("Ending a task needs a reason.", advice="Say in a sentence why.")
    row = Task.objects.select_for_update().get(pk=task.pk)
    if row.closed_at is None:
        row.closed_at = clock.now()
        row.save(update_fields=["closed_at"])
        enter(
            Deed.TASK,
            by=by,
            clock=clock,
            dataset=row.dataset.slug,
            target=f"task {row.pk}",
            why=why,
            closed=True,
        )
    return row


def _asked(protocol: Protocol, annotation: str) -> tuple[Annotation, Target]:
    targets = {one.id: one for one in protocol.targets}
    for one in protocol.annotation:
        if one.id == annotation:
            return one, targets[one.target]
    raise NotFound(
        f"The protocol in force asks for no reading called {annotation}.",
        advice="Add it under 'annotation:' in the protocol, and register the protocol.",
    )


def _fit(asked: Annotation, setting: Setting, dataset: str, by: Account) -> None:
    people = [*setting.readers, *setting.adjudicators]
    if len({one.pk for one in people}) != len(people):
        raise BadInput("Somebody is named twice.", advice="A person reads or adjudicates a task, never both.")
    if len(setting.readers) < asked.readers_per_item:
        raise BadInput(
            f"Each item needs {asked.readers_per_item} readers.", advice="Choose as many readers or more."
        )
    if asked.adjudication != "none" and not setting.adjudicators:
        raise BadInput("Nobody settles what readers disagree on.", advice="Choose an adjudicator.")
    if by.pk in {one.pk for one in people}:
        raise Conflict(
            "Who sets a task does not read in it.", advice="They would see how far the others are; ask somebody else."
        )  # fmt: skip
    for act, chosen in ((Act.READ, setting.readers), (Act.ADJUDICATE, setting.adjudicators)):
        for one in chosen:
            if not allows(Standing(roles=roles_of(one), active=one.is_active), act, dataset):
                raise BadInput(
                    f"{one.username} may not {act.value} for {dataset}.",
                    advice="A hub administrator gives the role of annotator or adjudicator.",
                )


def _agree_at(target: Target, setting: Setting) -> float | None:
    if target.type == "category":
        return None
    chosen = setting.agree_at
    if target.type == "number":
        if chosen is not None and not chosen >= 0:
            raise BadInput(
                "A difference is not below 0.", advice="Give the largest difference that counts as the same."
            )
        return chosen if chosen is not None else 0.0
    if chosen is not None and not 0 < chosen <= 1:
        raise BadInput("A Dice coefficient lies between 0 and 1.", advice="Such as 0.8.")
    return chosen if chosen is not None else LEAST_DICE


def _free_name(dataset: Dataset, annotation: str) -> str:
    taken = set(Task.objects.filter(dataset=dataset, annotation=annotation).values_list("name", flat=True))
    names = (annotation if n == 1 else f"{annotation[:58]}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


# -- items -----------------------------------------------------------------------------------------------------


def _add_items(task: Task, target: Target, most: int | None) -> int:
    if most is not None and most < 1:
        raise BadInput("A task has an item or more.", advice="Leave the number out to read all.")
    places = _places(task, target)
    keys = sorted(places, key=lambda place: sha256_bytes(f"{task.name}|{place}".encode()))[:most]
    if not keys:
        raise BadInput(
            "There is nothing to read.", advice="Register images of what this question is about first."
        )
    rows = [
        TaskItem(
            task=task, number=number, subject_id=subject, visit_id=visit, lesion_id=lesion, specimen_id=specimen, uid=uid
        )
        for number, (subject, visit, lesion, specimen, uid) in enumerate(keys, start=1)
    ]  # fmt: skip
    TaskItem.objects.bulk_create(rows, batch_size=AT_ONCE)
    ids = dict(TaskItem.objects.filter(task=task).values_list("number", "pk"))
    ItemImage.objects.bulk_create(
        (
            ItemImage(item_id=ids[number], instance_id=instance)
            for number, key in enumerate(keys, start=1)
            for instance in places[key]
        ),
        batch_size=AT_ONCE,
    )
    return len(rows)


def _places(task: Task, target: Target) -> Mapping[Place, list[int]]:
    """Return the images of each place that the question is about; a place without an image is not read."""
    found: dict[Place, list[int]] = {}
    for place, instance in _images(task, target):
        found.setdefault(place, []).append(instance)
    return found


def _images(task: Task, target: Target) -> Iterator[tuple[Place, int]]:
    rows: Any = Instance.objects.filter(
        series__study__subject__dataset=task.dataset, series__study__subject__withdrawn_at=None,
        series__item__in=target.items,
    ).exclude(series__kind="label").order_by("pk")  # fmt: skip
    for pk, sop, series, subject, visit, lesion, specimen in rows.values_list(
        "pk", "sop_instance_uid", "series__uid", "series__study__subject", "series__visit", "series__lesion",
        "series__specimen",
    ).iterator(chunk_size=5000):  # fmt: skip
        match target.level:
            case "series" | "instance":
                uid = series if target.level == "series" else sop
                yield (subject, visit, lesion, specimen, uid), pk
            case "subject":
                yield (subject, None, None, None, ""), pk
            case "visit" if visit is not None:
                yield (subject, visit, None, None, ""), pk
            case "lesion" if lesion is not None:
                yield (subject, None, lesion, None, ""), pk
            case "specimen" if specimen is not None:
                yield (subject, None, lesion, specimen, ""), pk
