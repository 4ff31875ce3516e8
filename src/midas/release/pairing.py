"""Pairs of persons with nearly the same pictures: noted, and from then on in one part of the split."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from midas.catalogue.models import Dataset, Subject
from midas.kernel import BadInput, Clock, NotFound
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.release.models import NearPair


@transaction.atomic
def note_pairs(
    *, dataset: Dataset, pairs: Iterable[tuple[str, str]], clock: Clock, by: Account | None = None
) -> int:
    """Note pairs of pseudonyms, whoever found them; return how many were new. `NotFound` for an unknown person."""
    wanted = {(min(pair), max(pair)) for pair in pairs}
    if any(one == other for one, other in wanted):
        raise BadInput("A person is no pair with themselves.", advice="Give two pseudonyms.")
    names = {name for pair in wanted for name in pair}
    known = {
        name: key
        for name, key in Subject.objects.filter(dataset=dataset).values_list("pseudonym", "pk").iterator()
        if name in names
    }
    if strangers := sorted(names - known.keys()):
        raise NotFound(
            f"{dataset.slug} has no {', '.join(strangers[:5])}.", advice="Give pseudonyms of this dataset."
        )
    keys = {(min(known[one], known[other]), max(known[one], known[other])) for one, other in wanted}
    before = set(NearPair.objects.filter(dataset=dataset).values_list("one", "other"))
    rows = [
        NearPair(dataset=dataset, one_id=one, other_id=other, noted_at=clock.now())
        for one, other in sorted(keys - before)
    ]
    NearPair.objects.bulk_create(rows, batch_size=1000)
    if rows:
        told = " ".join(min(wanted)) if len(wanted) == 1 else ""
        enter(Deed.PAIR, by=by, clock=clock, dataset=dataset.slug, target=told, pairs=len(rows))
    return len(rows)
