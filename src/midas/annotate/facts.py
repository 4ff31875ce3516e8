"""How reliably a dataset was read, as facts that a grade may rest on: counted over its tasks and settled items.

In come the settled items that a draft or release draws on; out come `Evidence` values, nothing for what no task asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Avg, Count

from midas.annotate import look
from midas.annotate.agreeing import Coefficient
from midas.annotate.models import Assignment, Reading, Settlement, Task, TaskItem
from midas.kernel import Evidence
from midas.store import Blobs

SOURCE = "readings.parquet"
Fact = tuple[str, bool | float, dict[str, Any]]
KINDS: dict[str, str] = {
    Task.Kind.CATEGORY: "annotation.kappa", Task.Kind.SEGMENTATION: "annotation.dice",
    Task.Kind.REGIONS: "annotation.dice",
}  # fmt: skip


def evidence(settled: Iterable[int], *, about: str, store: Blobs) -> tuple[Evidence, ...]:
    """Return the facts of these settled items (as `settled` numbers them); nothing where there are none."""
    items = TaskItem.objects.filter(pk__in=list(settled))
    tasks = list(Task.objects.filter(pk__in=items.values("task")).order_by("pk"))
    if not tasks:
        return ()
    parts = (_readers(items, tasks), _kept(items), _agreement(items, tasks, store))
    return tuple(Evidence(kind, value, about, SOURCE, **more) for part in parts for kind, value, more in part)


def _readers(items: Any, tasks: Sequence[Task]) -> Iterator[Fact]:
    read = Assignment.objects.filter(
        item__in=items, role=Assignment.Role.READER, submitted_at__isnull=False
    ).values("item")
    readers = list(read.annotate(number=Count("pk")).values_list("number", flat=True))
    readers += [0] * (items.count() - len(readers))
    yield "annotation.readers", min(readers), {"unit": "persons", "of": len(readers)}
    double = sum(one > 1 for one in readers) / len(readers)
    yield "annotation.double_share", double, {"unit": "share", "of": len(readers)}
    yield "annotation.sop", all(one.instructions for one in tasks), {"of": len(tasks)}
    # nobody is shown another's reading before it is settled (`may_open`): with one reader there is nothing to hide
    yield "annotation.blinded", all(one.readers_per_item > 1 for one in tasks), {"of": len(tasks)}


def _kept(items: Any) -> Iterator[Fact]:
    ruled = items.exclude(task__adjudication=Task.Rule.NONE).count()
    third = Settlement.objects.filter(item__in=items, how=Settlement.How.ADJUDICATOR).count()
    yield "annotation.adjudicated", ruled == items.count(), {"of": third}
    revisions = Reading.objects.filter(assignment__item__in=items).count()
    yield "annotation.changes_kept", revisions >= items.count(), {"of": revisions}


def _agreement(items: Any, tasks: Sequence[Task], store: Blobs) -> Iterator[Fact]:
    """Yield what the least agreeing pair of each task reached: kappa of categories, the Dice coefficient of outlines."""
    equal = Settlement.objects.filter(
        item__in=items, item__task__kind=Task.Kind.CATEGORY, agreement__isnull=False
    )
    shares = list(equal.values("item__task").annotate(share=Avg("agreement")).values_list("share", flat=True))
    if shares:
        yield "annotation.agreement", min(shares), {"unit": "share", "of": equal.count()}
    for task in tasks:
        pairs = look.agreement(task, store)
        whole = [one for pair in pairs for one in pair.coefficients if one.value is not None]
        if (kind := KINDS.get(task.kind)) is None or not whole:
            continue
        yield kind, *_worst(whole)
        # of outlines there is a coefficient for each structure: each is a class
        classes = [one for pair in pairs for one in pair.classes] or whole
        value, more = _worst(classes)
        yield "annotation.class_agreement", value, {"unit": "share", **more}


def _worst(found: Sequence[Coefficient]) -> tuple[float, dict[str, Any]]:
    worst = min(found, key=lambda one: one.value or 0.0)
    return worst.value or 0.0, {"low": worst.low, "high": worst.high, "of": worst.items}
