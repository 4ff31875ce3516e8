"""A person's readings leave with the person: items, assignments, readings and settlements, and their objects' bytes.

Call it in the transaction that takes the person out of releases and catalogue, before the catalogue forgets them.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from midas.annotate.models import Assignment, Derived, ItemImage, Reading, Settlement, TaskItem
from midas.catalogue.withdrawal import doom


@transaction.atomic
def take_out(*, pseudonyms: Iterable[str], dataset: str) -> int:
    """Delete everything that was read of these subjects; return how many items there were. Again, it changes nothing."""
    names = set(pseudonyms)
    items = TaskItem.objects.filter(subject__pseudonym__in=names, subject__dataset__slug=dataset)
    keys = list(items.values_list("pk", flat=True))
    readings = Reading.objects.filter(assignment__item__in=keys)
    doom(readings.exclude(sha256="").values_list("sha256", flat=True))
    drawn = Derived.objects.filter(subject__pseudonym__in=names, subject__dataset__slug=dataset)
    doom(drawn.values_list("sha256", flat=True))
    drawn.delete()
    Settlement.objects.filter(item__in=keys).delete()
    readings.delete()
    Assignment.objects.filter(item__in=keys).delete()
    ItemImage.objects.filter(item__in=keys).delete()
    items.delete()
    return len(keys)
