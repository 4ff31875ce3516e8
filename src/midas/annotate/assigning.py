"""Give each item its readers and its adjudicator, as evenly as it goes and in varied pairs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from midas.annotate.models import Assignment, ReaderCode, Task, TaskItem
from midas.kernel import Clock, sha256_bytes
from midas.people.models import Account

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
AT_ONCE = 500


@transaction.atomic
def assign(*, task: Task, readers: Sequence[Account], adjudicators: Sequence[Account], clock: Clock) -> int:
    """Assign every item of a task that was just set; return how many assignments there are.

    No two readers' shares differ by more than one item, nor do two adjudicators'. An adjudicator reads nothing of the
    task, and so never settles an item of their own.
    """
    for one in (*readers, *adjudicators):
        code_of(one)
    items = list(TaskItem.objects.filter(task=task).order_by("number").values_list("pk", flat=True))
    now, role = clock.now(), Assignment.Role
    each = 1 if task.adjudication != Task.Rule.NONE else 0
    chosen = [
        *((pk, who, role.READER) for pk, who in shares(items, [one.pk for one in readers], task.readers_per_item)),
        *((pk, who, role.ADJUDICATOR) for pk, who in shares(items, [one.pk for one in adjudicators], each)),
    ]  # fmt: skip
    Assignment.objects.bulk_create(
        (Assignment(item_id=item, reader_id=who, role=as_, assigned_at=now) for item, who, as_ in chosen),
        batch_size=AT_ONCE,
    )
    return len(chosen)


def shares(items: Sequence[int], people: Sequence[int], each: int) -> list[tuple[int, int]]:
    """Pair each item with `each` people: those with the fewest so far; a hash decides among equals."""
    load = dict.fromkeys(people, 0)
    pairs: list[tuple[int, int]] = []
    for item in items:
        order = sorted(people, key=lambda one: (load[one], sha256_bytes(f"{item}:{one}".encode())))
        for one in order[:each]:
            load[one] += 1
            pairs.append((item, one))
    return pairs


def code_of(account: Account) -> str:
    """Return the code by which a reader stands in releases; made at first use, never reissued."""
    found = ReaderCode.objects.filter(account=account).first()
    while found is None:
        code = "R-" + "".join(secrets.choice(LETTERS) for _ in range(5))
        try:
            with transaction.atomic():
                found, _ = ReaderCode.objects.get_or_create(account=account, defaults={"code": code})
        except IntegrityError:
            continue  # the code is taken: draw another
    return found.code
